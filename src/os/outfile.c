#include "os/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRITE_BUFFER_BYTES ((size_t)256 << 10)

static _Atomic int64_t total_written;
static _Atomic int temp_counter;

int64_t vj_os_bytes_written(void)
{
    return atomic_load(&total_written);
}

/*
 *   OPEN --write--> OPEN --finish--> DONE      (renamed; _free only releases memory)
 *   OPEN --free---> temporary file removed
 */
struct vj_outfile {
    char *name;      /* the final path */
    char *temp_path; /* NULL: written through (stdout, pipe, device) or memory */
    char *dir_path;
    int fd;
    bool owns_fd;
    bool done;
    vj_buf *memory;
    vj_buf pending;
    int64_t offset;
};

static vj_status fail_output(vj_error *err, const char *what, const char *name)
{
    char text[128];

    return vj_fail(err, VJ_E_OUTPUT, "%s: cannot %s: %s", name, what,
                   strerror_r(errno, text, sizeof text));
}

/* Temporary names are .NAME.vj-PID-N.tmp; NULL without memory. */
static char *temp_name(const char *dir, const char *base, vj_error *err)
{
    size_t len = strlen(dir) + strlen(base) + 64;
    char *path = vj_alloc(NULL, len, err);

    if (path != NULL)
        snprintf(path, len, "%s/.%.200s.vj-%ld-%d.tmp", dir, base, (long)getpid(),
                 atomic_fetch_add(&temp_counter, 1));
    return path;
}

/* Process of a left-over temporary file of this name, or 0 when it is not one. */
static long leftover_pid(const char *entry, const char *base)
{
    size_t n = strnlen(base, 200);
    long pid = 0;
    int serial = 0;
    int used = 0;

    if (entry[0] != '.' || strncmp(entry + 1, base, n) != 0)
        return 0;
    if (sscanf(entry + 1 + n, ".vj-%ld-%d.tmp%n", &pid, &serial, &used) != 2 ||
        entry[1 + n + (size_t)used] != '\0' || used == 0)
        return 0;
    return pid;
}

static void remove_tree(const char *path, int depth)
{
    char child[PATH_MAX];
    DIR *dir = opendir(path);

    for (struct dirent *entry = NULL; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (snprintf(child, sizeof child, "%s/%s", path, entry->d_name) >= (int)sizeof child)
            continue;
        if (unlink(child) != 0 && depth < 2)
            remove_tree(child, depth + 1);
    }
    if (dir != NULL)
        closedir(dir);
    rmdir(path);
}

void vj_path_remove(const char *path)
{
    if (unlink(path) != 0)
        remove_tree(path, 0);
}

static void remove_entry(const char *dir_path, const char *name)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/%s", dir_path, name) < (int)sizeof path)
        vj_path_remove(path);
}

/* Remove temporary files that killed runs left for this name. Failures do not matter. */
static void sweep_leftovers(const char *dir_path, const char *base)
{
    DIR *dir = opendir(dir_path);

    if (dir == NULL)
        return;
    for (struct dirent *entry = NULL; (entry = readdir(dir)) != NULL;) {
        long pid = leftover_pid(entry->d_name, base);

        if (pid > 0 && pid != (long)getpid() && kill((pid_t)pid, 0) != 0 && errno == ESRCH)
            remove_entry(dir_path, entry->d_name);
    }
    closedir(dir);
}

static vj_status split_path(vj_outfile *file, const char **base, vj_error *err)
{
    const char *slash = strrchr(file->name, '/');

    *base = slash != NULL ? slash + 1 : file->name;
    if (**base == '\0')
        return vj_fail(err, VJ_E_USAGE, "%s: expected the name of a file", file->name);
    file->dir_path = slash == NULL         ? vj_strdup(NULL, ".", err)
                     : slash == file->name ? vj_strdup(NULL, "/", err)
                                           : vj_strndup(NULL, file->name,
                                                        (size_t)(slash - file->name), err);
    return file->dir_path != NULL ? VJ_OK : VJ_E_NOMEM;
}

static vj_status open_through(vj_outfile *file, const char *path, vj_error *err)
{
    bool is_stdout = strcmp(path, "-") == 0;

    file->fd = is_stdout ? STDOUT_FILENO : open(path, O_WRONLY | O_CLOEXEC);
    file->owns_fd = !is_stdout;
    return file->fd >= 0 ? VJ_OK : fail_output(err, "open", file->name);
}

static vj_status open_temp(vj_outfile *file, vj_error *err)
{
    const char *base = NULL;

    VJ_TRY(split_path(file, &base, err));
    sweep_leftovers(file->dir_path, base);
    char *temp = temp_name(file->dir_path, base, err);
    if (temp == NULL)
        return VJ_E_NOMEM;
    file->fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    file->owns_fd = true;
    if (file->fd < 0) {
        vj_status rc = fail_output(err, "create", file->name);
        vj_free(temp);
        return rc;
    }
    file->temp_path = temp;
    return VJ_OK;
}

vj_status vj_outfile_open(const char *path, vj_outfile **out, vj_error *err)
{
    struct stat st;
    vj_status rc = VJ_E_NOMEM;
    vj_outfile *file = vj_zalloc(NULL, sizeof *file, err);

    *out = NULL;
    if (file == NULL)
        return VJ_E_NOMEM;
    file->fd = -1;
    bool through = strcmp(path, "-") == 0 ||
                   (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
    file->name = vj_strdup(NULL, strcmp(path, "-") == 0 ? "standard output" : path, err);
    if (file->name == NULL)
        goto out;
    if (vj_path_is_dir(path)) {
        rc = vj_fail(err, VJ_E_OUTPUT, "%s: expected a file to write, found a folder", path);
        goto out;
    }
    VJ_GO(rc, through ? open_through(file, path, err) : open_temp(file, err));
    VJ_GO(rc, vj_buf_reserve(&file->pending, WRITE_BUFFER_BYTES, err));
    *out = file;
    return VJ_OK;
out:
    vj_outfile_free(file);
    return rc;
}

vj_status vj_outfile_memory(vj_buf *target, vj_outfile **out, vj_error *err)
{
    vj_outfile *file = vj_zalloc(NULL, sizeof *file, err);

    *out = NULL;
    if (file == NULL)
        return VJ_E_NOMEM;
    file->fd = -1;
    file->memory = target;
    if ((file->name = vj_strdup(NULL, "memory", err)) == NULL) {
        vj_outfile_free(file);
        return VJ_E_NOMEM;
    }
    *out = file;
    return VJ_OK;
}

static ssize_t write_once(int fd, const void *ptr, size_t len)
{
#ifdef VJ_TESTING
    int fault = vj_write_fault_hook != NULL ? vj_write_fault_hook() : 0;
    if (fault != 0) {
        errno = fault;
        return -1;
    }
#endif
    return write(fd, ptr, len);
}

static vj_status write_all(vj_outfile *file, const uint8_t *ptr, size_t len, vj_error *err)
{
    while (len > 0) {
        ssize_t n = write_once(file->fd, ptr, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_output(err, "write", file->name);
        ptr += n;
        len -= (size_t)n;
        atomic_fetch_add(&total_written, (int64_t)n);
    }
    return VJ_OK;
}

static vj_status flush(vj_outfile *file, vj_error *err)
{
    size_t len = file->pending.len_bytes;

    file->pending.len_bytes = 0;
    return write_all(file, file->pending.ptr, len, err);
}

vj_status vj_outfile_write(vj_outfile *file, const void *ptr, size_t len_bytes, vj_error *err)
{
    if (file->memory != NULL) {
        VJ_TRY(vj_buf_append(file->memory, ptr, len_bytes, err));
    } else if (len_bytes >= WRITE_BUFFER_BYTES) {
        VJ_TRY(flush(file, err));
        VJ_TRY(write_all(file, ptr, len_bytes, err));
    } else {
        if (file->pending.len_bytes + len_bytes > WRITE_BUFFER_BYTES)
            VJ_TRY(flush(file, err));
        VJ_TRY(vj_buf_append(&file->pending, ptr, len_bytes, err));
    }
    file->offset += (int64_t)len_bytes;
    return VJ_OK;
}

vj_status vj_outfile_flush(vj_outfile *file, vj_error *err)
{
    return file->memory != NULL ? VJ_OK : flush(file, err);
}

int64_t vj_outfile_offset(const vj_outfile *file)
{
    return file->offset;
}

const char *vj_outfile_temp_path(const vj_outfile *file)
{
    return file->temp_path;
}

const char *vj_outfile_name(const vj_outfile *file)
{
    return file->name;
}

/* fsync by path: another writer may have replaced the file behind our descriptor. */
static vj_status sync_path(const char *path, const char *name, int flags, vj_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | flags);

    if (fd < 0)
        return fail_output(err, "open for fsync", name);
    int code = fsync(fd);
    if (code != 0 && (errno == EINVAL || errno == EROFS))
        code = 0; /* file systems without fsync */
    vj_status rc = code == 0 ? VJ_OK : fail_output(err, "fsync", name);
    close(fd);
    return rc;
}

static vj_status publish(vj_outfile *file, vj_error *err)
{
    VJ_TRY(sync_path(file->temp_path, file->name, 0, err));
    if (rename(file->temp_path, file->name) != 0)
        return fail_output(err, "rename the finished file to its name", file->name);
    vj_free(file->temp_path);
    file->temp_path = NULL;
    return sync_path(file->dir_path, file->name, O_DIRECTORY, err);
}

vj_status vj_outfile_finish(vj_outfile *file, vj_error *err)
{
    if (file->memory != NULL || file->done)
        return VJ_OK;
    VJ_TRY(flush(file, err));
    if (file->owns_fd) {
        int fd = file->fd;

        file->fd = -1;
        if (close(fd) != 0 && errno != EINTR)
            return fail_output(err, "close", file->name);
    }
    if (file->temp_path != NULL)
        VJ_TRY(publish(file, err));
    file->done = true;
    return VJ_OK;
}

void vj_outfile_free(vj_outfile *file)
{
    if (file == NULL)
        return;
    if (file->owns_fd && file->fd >= 0)
        close(file->fd);
    if (file->temp_path != NULL)
        unlink(file->temp_path);
    vj_free(file->temp_path);
    vj_free(file->dir_path);
    vj_free(file->name);
    vj_buf_fini(&file->pending);
    vj_free(file);
}

/* ---- temporary folders ---- */

static uint64_t hash_of(const char *bytes, ssize_t n, uint64_t seed)
{
    return n > 0 ? vj_hash_bytes(bytes, (size_t)n, seed) : seed;
}

/*
 * Eight digits that tell apart where a process number means another process: another boot or host
 * (a shared disk), another container. Elsewhere than on Linux all are one.
 */
static uint32_t place_of_pids(void)
{
    char bytes[128];
    uint64_t hash = 0;
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

    if (fd >= 0) {
        hash = hash_of(bytes, read(fd, bytes, sizeof bytes), hash);
        close(fd);
    }
    return (uint32_t)hash_of(bytes, readlink("/proc/self/ns/pid", bytes, sizeof bytes), hash);
}

/* Process of a folder that vj_tempdir_make made with this prefix in this place, or 0. */
static long tempdir_pid(const char *entry, const char *prefix)
{
    size_t n = strlen(prefix);
    unsigned place = 0;
    long pid = 0;
    int used = 0;

    if (strncmp(entry, prefix, n) != 0 ||
        sscanf(entry + n, "-%8x-%ld-%n", &place, &pid, &used) != 2 || used == 0 ||
        strlen(entry + n + (size_t)used) != 6 || place != place_of_pids())
        return 0;
    return pid;
}

static bool is_own_folder(const char *path)
{
    struct stat facts;

    return lstat(path, &facts) == 0 && S_ISDIR(facts.st_mode) && facts.st_uid == geteuid();
}

/* Remove folders of killed runs: ours by owner, place and name, and their process is gone. */
static void sweep_tempdirs(const char *dir_path, const char *prefix)
{
    char path[PATH_MAX];
    DIR *dir = opendir(dir_path);

    for (struct dirent *entry = NULL; dir != NULL && (entry = readdir(dir)) != NULL;) {
        long pid = tempdir_pid(entry->d_name, prefix);

        if (pid <= 0 || pid == (long)getpid() || kill((pid_t)pid, 0) == 0 || errno != ESRCH)
            continue;
        if (snprintf(path, sizeof path, "%s/%s", dir_path, entry->d_name) < (int)sizeof path &&
            is_own_folder(path))
            remove_tree(path, 0);
    }
    if (dir != NULL)
        closedir(dir);
}

vj_status vj_tempdir_make(const char *dir, const char *prefix, char **out_path, vj_error *err)
{
    size_t len = 0;

    *out_path = NULL;
    if (dir == NULL || *dir == '\0')
        dir = "/tmp";
    sweep_tempdirs(dir, prefix);
    len = strlen(dir) + strlen(prefix) + 48;
    char *path = vj_alloc(NULL, len, err);
    if (path == NULL)
        return VJ_E_NOMEM;
    snprintf(path, len, "%s/%s-%08x-%ld-XXXXXX", dir, prefix, place_of_pids(),
             (long)getpid());
    if (mkdtemp(path) == NULL) {
        vj_status rc = fail_output(err, "make a temporary folder", dir);
        vj_free(path);
        return rc;
    }
    *out_path = path;
    return VJ_OK;
}

vj_status vj_tempdir_beside(const char *target, char **out_path, vj_error *err)
{
    vj_outfile names = {0};
    const char *base = NULL;
    vj_status rc = VJ_E_NOMEM;
    size_t n = strlen(target);

    *out_path = NULL;
    while (n > 1 && target[n - 1] == '/')
        n--;
    if ((names.name = vj_strndup(NULL, target, n, err)) == NULL)
        goto out;
    VJ_GO(rc, split_path(&names, &base, err));
    VJ_GO(rc, vj_path_make_dirs(names.dir_path, err));
    sweep_leftovers(names.dir_path, base);
    rc = VJ_E_NOMEM;
    if ((*out_path = temp_name(names.dir_path, base, err)) == NULL)
        goto out;
    rc = VJ_OK;
    if (mkdir(*out_path, 0777) != 0) {
        rc = fail_output(err, "make a temporary folder for", target);
        vj_free(*out_path);
        *out_path = NULL;
    }
out:
    vj_free(names.name);
    vj_free(names.dir_path);
    return rc;
}

void vj_tempdir_remove(char *path)
{
    if (path == NULL)
        return;
    remove_tree(path, 0);
    vj_free(path);
}
