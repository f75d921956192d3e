#include "os/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "os/calls.h"
#include "os/temps.h"

bool vj_path_is_dir(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool vj_path_exists(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

bool vj_path_is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

bool vj_path_same_file(const char *a, const char *b)
{
    struct stat sa;
    struct stat sb;

    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
           sa.st_ino == sb.st_ino;
}

vj_status vj_path_sync_folder(const char *path, vj_error *err)
{
    char why[128];
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0 && vj_call_sync(fd) == 0) {
        close(fd);
        return VJ_OK;
    }
    vj_status rc = vj_fail(err, VJ_E_OUTPUT, "%s: cannot fsync the folder: %s", path,
                           strerror_r(errno, why, sizeof why));
    if (fd >= 0)
        close(fd);
    return rc;
}

/* The folder that holds the entry: "a/b" and "a/b/" are in "a", "b" is in ".". */
static vj_status sync_parent(const char *path, vj_error *err)
{
    char dir[PATH_MAX];
    size_t n = strlen(path);

    while (n > 1 && path[n - 1] == '/')
        n--;
    while (n > 0 && path[n - 1] != '/')
        n--;
    while (n > 1 && path[n - 1] == '/')
        n--;
    snprintf(dir, sizeof dir, "%.*s", n == 0 ? 1 : (int)n, n == 0 ? "." : path);
    return vj_path_sync_folder(dir, err);
}

static vj_status fail_rename(const char *from, const char *to, vj_error *err)
{
    char why[128];

    return vj_fail(err, VJ_E_OUTPUT, "%s: cannot rename %s to it: %s", to, from,
                   strerror_r(errno, why, sizeof why));
}

vj_status vj_path_rename(const char *from, const char *to, vj_error *err)
{
    vj_temp *temp = vj_temp_find(from);

    if (temp != NULL ? !vj_temp_rename(temp, to) : vj_call_rename(from, to) != 0)
        return fail_rename(from, to, err);
    return sync_parent(to, err);
}

vj_status vj_path_exchange(const char *a, const char *b, bool *out_done, vj_error *err)
{
    *out_done = false;
    if (vj_call_exchange(a, b) != 0)
        return errno == EINVAL || errno == ENOSYS ? VJ_OK : fail_rename(a, b, err);
    *out_done = true;
    return sync_parent(b, err);
}

int64_t vj_path_free_bytes(const char *path)
{
    char at[PATH_MAX];
    struct statvfs fs;
    int n = snprintf(at, sizeof at, "%s", path);

    if (n < 0 || (size_t)n >= sizeof at)
        return -1;
    /* up to the folder that is there: a/b/c, a/b, a, then "." or "/" */
    while (statvfs(at, &fs) != 0) {
        char *slash = strrchr(at, '/');

        if (strcmp(at, ".") == 0 || strcmp(at, "/") == 0)
            return -1;
        if (slash == NULL)
            snprintf(at, sizeof at, ".");
        else
            slash[slash == at] = '\0';
    }
    return (int64_t)(fs.f_bavail * fs.f_frsize);
}

bool vj_path_is_empty_dir(const char *path)
{
    int n = 0;
    DIR *dir = opendir(path);

    for (struct dirent *entry = NULL; dir != NULL && (entry = readdir(dir)) != NULL;)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (dir == NULL)
        return false;
    closedir(dir);
    return n == 0;
}

bool vj_os_program_dir(char *dst, size_t cap_bytes)
{
    ssize_t n = readlink("/proc/self/exe", dst, cap_bytes - 1);

    if (n <= 0 || (size_t)n >= cap_bytes - 1)
        return false;
    while (n > 0 && dst[n - 1] != '/')
        n--;
    dst[n] = '\0';
    return n > 0;
}

vj_status vj_path_absolute(const char *path, char **out, vj_error *err)
{
    char found[PATH_MAX];
    char why[128];

    *out = NULL;
    if (realpath(path, found) == NULL)
        return vj_fail(err, errno == ENOENT || errno == ENOTDIR ? VJ_E_NOTFOUND : VJ_E_IO,
                       "%s: %s", path, strerror_r(errno, why, sizeof why));
    *out = vj_strdup(NULL, found, err);
    return *out != NULL ? VJ_OK : VJ_E_NOMEM;
}

vj_status vj_path_read(const char *path, vj_buf *out, vj_error *err)
{
    vj_input *input = NULL;
    vj_status rc = VJ_OK;
    size_t n = 0;

    VJ_TRY(vj_input_open(path, &input, err));
    do {
        VJ_GO(rc, vj_buf_reserve(out, (size_t)64 << 10, err));
        VJ_GO(rc, vj_input_read(input, out->ptr + out->len_bytes,
                                out->cap_bytes - out->len_bytes, &n, err));
        out->len_bytes += n;
    } while (n > 0);
out:
    vj_input_free(input);
    return rc;
}

vj_status vj_path_make_dirs(const char *path, vj_error *err)
{
    vj_status rc = VJ_OK;
    char why[128];
    char *copy = vj_strdup(NULL, path, err);

    if (copy == NULL)
        return VJ_E_NOMEM;
    for (char *p = copy + 1; rc == VJ_OK; p++) {
        char kept = *p;

        if (kept != '/' && kept != '\0')
            continue;
        *p = '\0';
        if (mkdir(copy, 0777) != 0 && errno != EEXIST)
            rc = vj_fail(err, VJ_E_OUTPUT, "%s: cannot make the folder: %s", copy,
                         strerror_r(errno, why, sizeof why));
        else if (!vj_path_is_dir(copy))
            rc = vj_fail(err, VJ_E_OUTPUT, "%s: expected a folder, found a file", copy);
        *p = kept;
        if (kept == '\0')
            break;
    }
    vj_free(copy);
    return rc;
}

static vj_status add_path(vj_paths *paths, size_t *cap, const char *dir, const char *name,
                          vj_error *err)
{
    size_t len = strlen(dir) + strlen(name) + 2;
    char *path = vj_alloc(NULL, len, err);

    if (path == NULL)
        return VJ_E_NOMEM;
    snprintf(path, len, "%s%s%s", dir, *dir != '\0' ? "/" : "", name);
    if (paths->n == *cap) {
        size_t grown_cap = *cap == 0 ? 32 : *cap * 2;
        char **grown = vj_realloc(NULL, paths->ptr, grown_cap * sizeof *grown, err);

        if (grown == NULL) {
            vj_free(path);
            return VJ_E_NOMEM;
        }
        paths->ptr = grown;
        *cap = grown_cap;
    }
    paths->ptr[paths->n++] = path;
    return VJ_OK;
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t n = strlen(name);
    size_t m = strlen(suffix);

    return n >= m && strcmp(name + n - m, suffix) == 0;
}

static vj_status list_dir(const char *dir_path, const char *suffix, vj_paths *out, vj_error *err)
{
    char why[128];
    size_t cap = 0;
    vj_status rc = VJ_OK;
    DIR *dir = opendir(dir_path);

    if (dir == NULL)
        return vj_fail(err, VJ_E_IO, "%s: cannot list the folder: %s", dir_path,
                       strerror_r(errno, why, sizeof why));
    size_t len = strlen(dir_path);
    char *base = vj_strndup(NULL, dir_path, len > 1 && dir_path[len - 1] == '/' ? len - 1 : len,
                            err);
    if (base == NULL)
        rc = VJ_E_NOMEM;
    for (struct dirent *entry = NULL; rc == VJ_OK && (entry = readdir(dir)) != NULL;)
        if (entry->d_name[0] != '.' && has_suffix(entry->d_name, suffix))
            rc = add_path(out, &cap, base, entry->d_name, err);
    vj_free(base);
    closedir(dir);
    return rc;
}

static vj_status expand_glob(const char *pattern, vj_paths *out, vj_error *err)
{
    glob_t found = {0};
    size_t cap = 0;
    vj_status rc = VJ_OK;
    int code = glob(pattern, 0, NULL, &found);

    if (code == GLOB_NOSPACE)
        rc = vj_fail(err, VJ_E_NOMEM, "no memory to expand %s", pattern);
    for (size_t i = 0; rc == VJ_OK && code == 0 && i < found.gl_pathc; i++)
        rc = add_path(out, &cap, "", found.gl_pathv[i], err);
    globfree(&found);
    return rc;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

vj_status vj_paths_find(const char *pattern, const char *suffix, vj_paths *out, vj_error *err)
{
    size_t cap = 0;
    vj_status rc = VJ_OK;

    *out = (vj_paths){0};
    if (vj_path_is_dir(pattern))
        rc = list_dir(pattern, suffix, out, err);
    else if (vj_path_exists(pattern))
        rc = add_path(out, &cap, "", pattern, err);
    else if (strpbrk(pattern, "*?[") != NULL)
        rc = expand_glob(pattern, out, err);
    if (rc == VJ_OK && out->n == 0)
        rc = vj_path_is_dir(pattern)
                 ? vj_fail(err, VJ_E_NOTFOUND, "%s: no *%s file in this folder", pattern, suffix)
                 : vj_fail(err, VJ_E_NOTFOUND, "%s: no such file, folder or glob match", pattern);
    if (rc != VJ_OK) {
        vj_paths_fini(out);
        return rc;
    }
    qsort(out->ptr, out->n, sizeof *out->ptr, by_bytes);
    return VJ_OK;
}

void vj_paths_fini(vj_paths *paths)
{
    for (size_t i = 0; i < paths->n; i++)
        vj_free(paths->ptr[i]);
    vj_free(paths->ptr);
    *paths = (vj_paths){0};
}

vj_status vj_path_spares(const char *what, const char *path, const char *pattern, vj_error *err)
{
    vj_paths read = {0};
    bool same = false;

    if (path == NULL || pattern == NULL || !vj_path_exists(path) || strcmp(pattern, "-") == 0)
        return VJ_OK;
    same = vj_path_same_file(path, pattern);
    if (!same && (vj_path_is_dir(pattern) || !vj_path_exists(pattern))) {
        vj_status rc = vj_paths_find(pattern, ".parquet", &read, NULL);

        if (rc == VJ_E_NOMEM)
            return vj_fail(err, rc, "no memory for the files of %s", pattern);
        for (size_t i = 0; i < read.n && !same; i++) /* none found: whoever reads it says so */
            same = vj_path_same_file(path, read.ptr[i]);
        vj_paths_fini(&read);
    }
    return same ? vj_fail(err, VJ_E_USAGE, "%s: the %s would take the place of an input (%s)", path,
                          what, pattern)
                : VJ_OK;
}
