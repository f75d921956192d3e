#include "os/temps.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "os/calls.h"
#include "os/os.h"

#define BASE_BYTES 200 /* of a name that go into its temporary's: a name has 255 at most */
#define MOST_NAMES 1000
#define STRANGERS_LAST_S (24 * 3600)

struct vj_temp {
    char *path;
    int lock_fd; /* -1: none to be had */
    vj_temp *next;
};

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static vj_temp *list;
static _Atomic int serial;

/* ---- names ---- */

/* Eight digits for this start of this machine; elsewhere than on Linux all are one. */
static uint32_t this_boot(void)
{
    char bytes[64];
    uint64_t hash = 0;
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

    if (fd >= 0) {
        ssize_t n = read(fd, bytes, sizeof bytes);

        if (n > 0)
            hash = vj_hash_bytes(bytes, (size_t)n, 0);
        close(fd);
    }
    return (uint32_t)hash;
}

/* Whether an entry is a temporary for this base or prefix; *boot is where it was made. */
typedef bool (*is_temporary)(const char *entry, const char *base, unsigned *boot);

static bool is_beside(const char *entry, const char *base, unsigned *boot)
{
    size_t n = strnlen(base, BASE_BYTES);
    long pid = 0;
    int number = 0;
    int used = 0;

    return entry[0] == '.' && strncmp(entry + 1, base, n) == 0 &&
           sscanf(entry + 1 + n, ".vj-%8x-%ld-%d.tmp%n", boot, &pid, &number, &used) == 3 &&
           used > 0 && entry[1 + n + (size_t)used] == '\0';
}

static bool is_private(const char *entry, const char *prefix, unsigned *boot)
{
    size_t n = strlen(prefix);
    long pid = 0;
    int used = 0;

    return strncmp(entry, prefix, n) == 0 &&
           sscanf(entry + n, "-%8x-%ld-%n", boot, &pid, &used) == 2 && used > 0 &&
           strlen(entry + n + (size_t)used) == 6;
}

/* ---- what ended runs left ---- */

void vj_remove_tree(const char *path, int depth)
{
    char child[PATH_MAX];
    DIR *dir = opendir(path);

    for (struct dirent *entry = NULL; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (snprintf(child, sizeof child, "%s/%s", path, entry->d_name) >= (int)sizeof child)
            continue;
        if (unlink(child) != 0 && depth < 2)
            vj_remove_tree(child, depth + 1);
    }
    if (dir != NULL)
        closedir(dir);
    rmdir(path);
}

/* Whether the path still names what was opened: link counts of folders tell little. */
static bool is_at(int fd, const char *path)
{
    struct stat opened;
    struct stat there;

    return fstat(fd, &opened) == 0 && lstat(path, &there) == 0 && opened.st_dev == there.st_dev &&
           opened.st_ino == there.st_ino;
}

/* A lock for writing needs a descriptor for writing on some network disks; folders have none. */
static int open_for_lock(const char *path)
{
    const int flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    int fd = open(path, O_RDWR | flags);

    return fd >= 0 ? fd : open(path, O_RDONLY | flags);
}

/*
 * Remove it unless its process lives. While we hold the lock nobody else removes it, so that the
 * path is still what we looked at.
 */
static void remove_if_ended(const char *path, bool same_boot)
{
    struct stat facts;
    int fd = open_for_lock(path);

    if (fd < 0)
        return;
    bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
    bool lives = !locked && errno == EWOULDBLOCK;
    if (!lives && is_at(fd, path) && fstat(fd, &facts) == 0 && facts.st_uid == geteuid() &&
        ((locked && same_boot) || time(NULL) - facts.st_mtime > STRANGERS_LAST_S))
        vj_path_remove(path);
    close(fd);
}

struct vj_hold {
    int fd;
};

vj_status vj_path_hold(const char *path, vj_hold **out, vj_error *err)
{
    vj_status rc = VJ_OK;
    int fd = open_for_lock(path);

    *out = NULL;
    if (fd < 0)
        return VJ_OK;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        *out = vj_zalloc(NULL, sizeof **out, err);
        rc = *out != NULL ? VJ_OK : VJ_E_NOMEM;
    }
    if (*out == NULL)
        close(fd);
    else
        (*out)->fd = fd;
    return rc;
}

void vj_hold_free(vj_hold *hold)
{
    if (hold == NULL)
        return;
    close(hold->fd);
    vj_free(hold);
}

static void sweep(const char *dir_path, const char *base, is_temporary is_one)
{
    char path[PATH_MAX];
    unsigned boot = 0;
    DIR *dir = opendir(dir_path);

    for (struct dirent *entry = NULL; dir != NULL && (entry = readdir(dir)) != NULL;)
        if (is_one(entry->d_name, base, &boot) &&
            snprintf(path, sizeof path, "%s/%s", dir_path, entry->d_name) < (int)sizeof path)
            remove_if_ended(path, boot == this_boot());
    if (dir != NULL)
        closedir(dir);
}

/* ---- this process's own ---- */

static vj_status fail_make(vj_error *err, int code, const char *what, const char *shown)
{
    char why[128];

    return vj_fail(err, VJ_E_OUTPUT, "%s: cannot %s: %s", shown, what,
                   strerror_r(code, why, sizeof why));
}

static void forget(vj_temp *temp)
{
    if (temp == NULL)
        return;
    if (temp->lock_fd >= 0)
        close(temp->lock_fd);
    vj_free(temp->path);
    vj_free(temp);
}

static vj_temp *new_temp(size_t path_bytes, vj_error *err)
{
    vj_temp *temp = vj_zalloc(NULL, sizeof *temp, err);

    if (temp == NULL)
        return NULL;
    temp->lock_fd = -1;
    if ((temp->path = vj_alloc(NULL, path_bytes, err)) == NULL) {
        forget(temp);
        return NULL;
    }
    return temp;
}

/*
 * Lock what was just made. False when a sweep of another process came between: then it is, or
 * will at once be, removed. A disk without locks gives true.
 */
static bool lock_new(int fd, const char *path)
{
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return false;
    return is_at(fd, path);
}

enum made { MADE, TAKEN, FAILED }; /* errno belongs to FAILED */

static enum made make_file(vj_temp *temp, int *out_fd)
{
    int fd = open(temp->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

    if (fd < 0)
        return errno == EEXIST ? TAKEN : FAILED;
    if (!lock_new(fd, temp->path)) {
        close(fd);
        return TAKEN;
    }
    /* the second descriptor shares the lock, and keeps it while the first is closed and checked */
    temp->lock_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (temp->lock_fd < 0) {
        int code = errno;

        close(fd);
        unlink(temp->path);
        errno = code;
        return FAILED;
    }
    *out_fd = fd;
    return MADE;
}

/* Open and lock the folder that was just made at its path. */
static enum made hold_folder(vj_temp *temp)
{
    temp->lock_fd = open(temp->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (temp->lock_fd < 0) {
        int code = errno;

        rmdir(temp->path);
        errno = code;
        return code == ENOENT ? TAKEN : FAILED; /* swept before it was locked */
    }
    if (lock_new(temp->lock_fd, temp->path))
        return MADE;
    close(temp->lock_fd);
    temp->lock_fd = -1;
    return TAKEN;
}

static enum made make_folder(vj_temp *temp)
{
    if (mkdir(temp->path, 0777) != 0)
        return errno == EEXIST ? TAKEN : FAILED;
    return hold_folder(temp);
}

/* With out_fd a file, else a folder. It is on the list before anybody can end the process. */
static vj_status make_beside(const char *dir, const char *base, const char *shown, int *out_fd,
                             vj_temp **out, vj_error *err)
{
    size_t cap = strlen(dir) + strnlen(base, BASE_BYTES) + 64;
    enum made made = TAKEN;

    *out = NULL;
    sweep(dir, base, is_beside);
    vj_temp *temp = new_temp(cap, err);
    if (temp == NULL)
        return VJ_E_NOMEM;
    pthread_mutex_lock(&list_lock);
    for (int k = 0; made == TAKEN && k < MOST_NAMES; k++) {
        snprintf(temp->path, cap, "%s/.%.*s.vj-%08x-%ld-%d.tmp", dir, BASE_BYTES, base,
                 this_boot(), (long)getpid(), atomic_fetch_add(&serial, 1) & 0xffffff);
        made = out_fd != NULL ? make_file(temp, out_fd) : make_folder(temp);
    }
    int code = made == TAKEN ? EEXIST : errno;
    if (made == MADE) {
        temp->next = list;
        list = temp;
    }
    pthread_mutex_unlock(&list_lock);
    if (made != MADE) {
        forget(temp);
        return fail_make(err, code, out_fd != NULL ? "create" : "make a temporary folder for it",
                         shown);
    }
    *out = temp;
    return VJ_OK;
}

vj_status vj_temp_file(const char *dir, const char *base, const char *shown, int *out_fd,
                       vj_temp **out, vj_error *err)
{
    return make_beside(dir, base, shown, out_fd, out, err);
}

vj_status vj_temp_folder(const char *dir, const char *base, const char *shown, vj_temp **out,
                         vj_error *err)
{
    return make_beside(dir, base, shown, NULL, out, err);
}

vj_status vj_temp_private(const char *dir, const char *prefix, vj_temp **out, vj_error *err)
{
    size_t cap = strlen(dir) + strlen(prefix) + 48;
    enum made made = TAKEN;

    *out = NULL;
    sweep(dir, prefix, is_private);
    vj_temp *temp = new_temp(cap, err);
    if (temp == NULL)
        return VJ_E_NOMEM;
    pthread_mutex_lock(&list_lock);
    for (int k = 0; made == TAKEN && k < MOST_NAMES; k++) {
        snprintf(temp->path, cap, "%s/%s-%08x-%ld-XXXXXX", dir, prefix, this_boot(),
                 (long)getpid());
        made = mkdtemp(temp->path) == NULL ? FAILED : hold_folder(temp);
    }
    int code = made == TAKEN ? EEXIST : errno;
    if (made == MADE) {
        temp->next = list;
        list = temp;
    }
    pthread_mutex_unlock(&list_lock);
    if (made != MADE) {
        forget(temp);
        return fail_make(err, code, "make a temporary folder", dir);
    }
    *out = temp;
    return VJ_OK;
}

const char *vj_temp_path(const vj_temp *temp)
{
    return temp->path;
}

vj_temp *vj_temp_find(const char *path)
{
    vj_temp *found = NULL;

    pthread_mutex_lock(&list_lock);
    for (vj_temp *temp = list; temp != NULL && found == NULL; temp = temp->next)
        if (strcmp(temp->path, path) == 0)
            found = temp;
    pthread_mutex_unlock(&list_lock);
    return found;
}

static void unlist(const vj_temp *temp)
{
    for (vj_temp **at = &list; *at != NULL; at = &(*at)->next)
        if (*at == temp) {
            *at = temp->next;
            return;
        }
}

bool vj_temp_rename(vj_temp *temp, const char *to)
{
    pthread_mutex_lock(&list_lock);
    bool done = vj_call_rename(temp->path, to) == 0;
    int code = errno;
    if (done)
        unlist(temp);
    pthread_mutex_unlock(&list_lock);
    if (done)
        forget(temp);
    errno = code;
    return done;
}

void vj_temp_remove(vj_temp *temp)
{
    if (temp == NULL)
        return;
    pthread_mutex_lock(&list_lock);
    vj_path_remove(temp->path);
    unlist(temp);
    pthread_mutex_unlock(&list_lock);
    forget(temp);
}

void vj_os_abandon_outputs(void)
{
    pthread_mutex_lock(&list_lock); /* and kept: nothing is made or renamed from here on */
    for (const vj_temp *temp = list; temp != NULL; temp = temp->next)
        vj_path_remove(temp->path);
}
