#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/calls.h"
#include "os/temps.h"

#define WRITE_BUFFER_BYTES ((size_t)256 << 10)

static _Atomic int64_t total_written;

int64_t vj_os_bytes_written(void)
{
    return atomic_load(&total_written);
}

/*
 *   OPEN --write--> OPEN --ready--> READY --finish--> renamed: _free only releases memory
 *   OPEN or READY --free--> temporary file removed
 */
struct vj_outfile {
    char *name;      /* the final path */
    vj_temp *temp; /* NULL: written through (stdout, pipe, device) or memory, or renamed */
    char *dir_path;
    int fd;
    bool owns_fd;
    bool ready; /* all bytes are with the disk; what is left is the name */
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

void vj_path_remove(const char *path)
{
    if (unlink(path) != 0)
        vj_remove_tree(path, 0);
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
    VJ_TRY(vj_temp_file(file->dir_path, base, file->name, &file->fd, &file->temp, err));
    file->owns_fd = true;
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

static vj_status write_all(vj_outfile *file, const uint8_t *ptr, size_t len, vj_error *err)
{
    while (len > 0) {
        ssize_t n = vj_call_write(file->fd, ptr, len, -1);

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
    return file->temp != NULL ? vj_temp_path(file->temp) : NULL;
}

const char *vj_outfile_name(const vj_outfile *file)
{
    return file->name;
}

/* fsync by path: another writer may have replaced the file behind our descriptor. */
static vj_status sync_path(const char *path, const char *name, int flags, vj_error *err)
{
    vj_status rc = VJ_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | flags);

    if (fd < 0)
        return fail_output(err, "open for fsync", name);
    if (vj_call_sync(fd) != 0)
        rc = fail_output(err, "fsync", name);
    close(fd);
    return rc;
}

vj_status vj_outfile_ready(vj_outfile *file, vj_error *err)
{
    if (file->memory != NULL || file->ready)
        return VJ_OK;
    VJ_TRY(flush(file, err));
    if (file->owns_fd) {
        int fd = file->fd;

        file->fd = -1;
        if (vj_call_close(fd) != 0)
            return fail_output(err, "close", file->name);
    }
    if (file->temp != NULL)
        VJ_TRY(sync_path(vj_temp_path(file->temp), file->name, 0, err));
    file->ready = true;
    return VJ_OK;
}

vj_status vj_outfile_finish(vj_outfile *file, vj_error *err)
{
    VJ_TRY(vj_outfile_ready(file, err));
    if (file->temp == NULL)
        return VJ_OK;
    if (!vj_temp_rename(file->temp, file->name))
        return fail_output(err, "rename the finished file to its name", file->name);
    file->temp = NULL;
    return vj_path_sync_folder(file->dir_path, err);
}

void vj_outfile_free(vj_outfile *file)
{
    if (file == NULL)
        return;
    if (file->owns_fd && file->fd >= 0)
        close(file->fd);
    vj_temp_remove(file->temp);
    vj_free(file->dir_path);
    vj_free(file->name);
    vj_buf_fini(&file->pending);
    vj_free(file);
}

/* ---- files in memory ---- */

bool vj_memfile_open(vj_memfile *file)
{
#ifdef MFD_CLOEXEC
    file->fd = memfd_create("varjoin", MFD_CLOEXEC);
    snprintf(file->path, sizeof file->path, "/proc/self/fd/%d", file->fd);
    if (file->fd >= 0 && access(file->path, W_OK) == 0)
        return true;
    vj_memfile_close(file);
#endif
    file->fd = -1;
    return false;
}

vj_status vj_memfile_append_to(const vj_memfile *file, vj_outfile *to, vj_error *err)
{
    uint8_t piece[16384];

    for (int64_t off = 0;;) {
        ssize_t n = pread(file->fd, piece, sizeof piece, off);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_output(err, "read what is to be written to", to->name);
        if (n == 0)
            return VJ_OK;
        VJ_TRY(vj_outfile_write(to, piece, (size_t)n, err));
        off += n;
    }
}

void vj_memfile_close(vj_memfile *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

/* ---- temporary folders ---- */

static vj_status path_of(vj_temp *temp, char **out_path, vj_error *err)
{
    if ((*out_path = vj_strdup(NULL, vj_temp_path(temp), err)) != NULL)
        return VJ_OK;
    vj_temp_remove(temp);
    return VJ_E_NOMEM;
}

vj_status vj_tempdir_make(const char *dir, const char *prefix, char **out_path, vj_error *err)
{
    vj_temp *temp = NULL;

    *out_path = NULL;
    VJ_TRY(vj_temp_private(dir != NULL && *dir != '\0' ? dir : "/tmp", prefix, &temp, err));
    return path_of(temp, out_path, err);
}

vj_status vj_tempdir_beside(const char *target, char **out_path, vj_error *err)
{
    vj_outfile names = {0};
    const char *base = NULL;
    vj_temp *temp = NULL;
    vj_status rc = VJ_E_NOMEM;
    size_t n = strlen(target);

    *out_path = NULL;
    while (n > 1 && target[n - 1] == '/')
        n--;
    if ((names.name = vj_strndup(NULL, target, n, err)) == NULL)
        goto out;
    VJ_GO(rc, split_path(&names, &base, err));
    VJ_GO(rc, vj_path_make_dirs(names.dir_path, err));
    VJ_GO(rc, vj_temp_folder(names.dir_path, base, target, &temp, err));
    VJ_GO(rc, path_of(temp, out_path, err));
out:
    vj_free(names.name);
    vj_free(names.dir_path);
    return rc;
}

void vj_tempdir_remove(char *path)
{
    if (path == NULL)
        return;
    vj_temp *temp = vj_temp_find(path);
    if (temp != NULL)
        vj_temp_remove(temp);
    else
        vj_remove_tree(path, 0);
    vj_free(path);
}
