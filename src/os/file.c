#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/calls.h"

#ifdef VJ_TESTING
bool (*vj_cold_hook)(void);
#endif

static _Atomic int64_t total_read;
static _Atomic int64_t total_lent;
static _Thread_local int64_t thread_read;

int64_t vj_os_bytes_read(void)
{
    return atomic_load(&total_read);
}

int64_t vj_os_bytes_lent(void)
{
    return atomic_load(&total_lent);
}

int64_t vj_os_thread_bytes_read(void)
{
    return thread_read;
}

static void count_read(size_t n)
{
    atomic_fetch_add(&total_read, (int64_t)n);
    thread_read += (int64_t)n;
}

struct vj_source {
    char *name;
    int fd; /* -1: memory */
    const uint8_t *ptr; /* memory, or the map of the file; NULL: none */
    int64_t size_bytes;
    int64_t mtime_ns;
    vj_source *next_mapped;
    bool scattered; /* the system reads nothing ahead of a borrowed range: it is fetched before */
};

/* Files mapped now, for who has to tell which of them failed. */
static pthread_mutex_t mapped_lock = PTHREAD_MUTEX_INITIALIZER;
static vj_source *mapped;
static _Atomic bool maps_files;

/* Bring mapped pages in, with an error instead of a signal where that fails (Linux 5.14). */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#define MAP_PAGE ((int64_t)4096) /* at most the size of a page: advice is given from here on */

static vj_status fail_errno(vj_error *err, const char *what, const char *name)
{
    int code = errno;
    vj_status rc = code == ENOENT || code == ENOTDIR ? VJ_E_NOTFOUND : VJ_E_IO;
    char text[128];

    return vj_fail(err, rc, "%s: cannot %s: %s", name, what,
                   strerror_r(code, text, sizeof text));
}

/* Address space only; without a map, or with a limit on address space, the file is read. */
static void map_file(vj_source *source)
{
    struct rlimit space = {0};

    if (!atomic_load(&maps_files) || source->size_bytes == 0 || sysconf(_SC_PAGESIZE) != MAP_PAGE ||
        getrlimit(RLIMIT_AS, &space) != 0 || space.rlim_cur != RLIM_INFINITY)
        return;
    void *map = mmap(NULL, (size_t)source->size_bytes, PROT_READ, MAP_SHARED, source->fd, 0);
    if (map == MAP_FAILED)
        return;
    source->ptr = map;
    pthread_mutex_lock(&mapped_lock);
    source->next_mapped = mapped;
    mapped = source;
    pthread_mutex_unlock(&mapped_lock);
}

static void unmap_file(vj_source *source)
{
    if (source->ptr == NULL)
        return;
    pthread_mutex_lock(&mapped_lock);
    for (vj_source **at = &mapped; *at != NULL; at = &(*at)->next_mapped)
        if (*at == source) {
            *at = source->next_mapped;
            break;
        }
    pthread_mutex_unlock(&mapped_lock);
    munmap((void *)(uintptr_t)source->ptr, (size_t)source->size_bytes);
}

void vj_source_map_files(bool on)
{
    atomic_store(&maps_files, on);
}

/* Whoever faults holds its own source open, and not our lock. */
const char *vj_source_mapped_at(const void *address)
{
    const char *name = NULL;

    pthread_mutex_lock(&mapped_lock);
    for (const vj_source *s = mapped; s != NULL && name == NULL; s = s->next_mapped)
        if ((uintptr_t)address >= (uintptr_t)s->ptr &&
            (uintptr_t)address - (uintptr_t)s->ptr < (uintptr_t)s->size_bytes)
            name = s->name;
    pthread_mutex_unlock(&mapped_lock);
    return name;
}

vj_status vj_source_open(const char *path, vj_source **out, vj_error *err)
{
    struct stat st;
    vj_status rc = VJ_E_NOMEM;
    vj_source *source = vj_zalloc(NULL, sizeof *source, err);

    *out = NULL;
    if (source == NULL)
        return VJ_E_NOMEM;
    source->fd = -1;
    if ((source->name = vj_strdup(NULL, path, err)) == NULL)
        goto out;
    if ((source->fd = open(path, O_RDONLY | O_CLOEXEC)) < 0 || fstat(source->fd, &st) != 0) {
        rc = fail_errno(err, "open", path);
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        rc = vj_fail(err, VJ_E_USAGE, "%s: expected a regular file, found a %s", path,
                     S_ISDIR(st.st_mode) ? "directory" : "pipe or device");
        goto out;
    }
    source->size_bytes = st.st_size;
    source->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    map_file(source);
    *out = source;
    return VJ_OK;
out:
    vj_source_free(source);
    return rc;
}

vj_status vj_source_memory(const char *name, const void *ptr, size_t len_bytes, vj_source **out,
                           vj_error *err)
{
    vj_source *source = vj_zalloc(NULL, sizeof *source, err);

    *out = NULL;
    if (source == NULL)
        return VJ_E_NOMEM;
    source->fd = -1;
    source->ptr = ptr;
    source->size_bytes = (int64_t)len_bytes;
    if ((source->name = vj_strdup(NULL, name, err)) == NULL) {
        vj_source_free(source);
        return VJ_E_NOMEM;
    }
    *out = source;
    return VJ_OK;
}

void vj_source_free(vj_source *source)
{
    if (source == NULL)
        return;
    if (source->fd >= 0) {
        unmap_file(source);
        close(source->fd);
    }
    vj_free(source->name);
    vj_free(source);
}

const char *vj_source_name(const vj_source *source)
{
    return source->name;
}

int64_t vj_source_size(const vj_source *source)
{
    return source->size_bytes;
}

int64_t vj_source_mtime_ns(const vj_source *source)
{
    return source->mtime_ns;
}

vj_status vj_source_read(const vj_source *source, int64_t off, void *dst, size_t len_bytes,
                         vj_error *err)
{
    int64_t end = 0;
    size_t done = 0;

    if (off < 0 || VJ_ADD_OVERFLOW(off, (int64_t)len_bytes, &end) || end > source->size_bytes)
        return vj_fail(err, VJ_E_CORRUPT,
                       "%s: truncated: expected %zu bytes at offset %lld, the file has %lld",
                       source->name, len_bytes, (long long)off, (long long)source->size_bytes);
    if (source->fd < 0) {
        if (len_bytes > 0)
            memcpy(dst, source->ptr + off, len_bytes);
        return VJ_OK;
    }
    while (done < len_bytes) {
        ssize_t n = vj_call_read(source->fd, (uint8_t *)dst + done, len_bytes - done,
                              off + (int64_t)done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(err, "read", source->name);
        if (n == 0)
            return vj_fail(err, VJ_E_IO, "%s: became shorter while it was read (offset %lld)",
                           source->name, (long long)(off + (int64_t)done));
        done += (size_t)n;
    }
    count_read(len_bytes);
    return VJ_OK;
}

/* Who touches a returned page gets its neighbours with it, which nobody has borrowed. */
#define FAULT_AROUND_BYTES ((int64_t)65536)

/* The range in whole pages, inside the file. */
static void advise(const vj_source *source, int64_t off, int64_t len, int advice, int *rc)
{
    int64_t beg = off & ~(MAP_PAGE - 1);
    int64_t end = VJ_MIN((off + len + MAP_PAGE - 1) & ~(MAP_PAGE - 1), source->size_bytes);

    *rc = madvise((void *)(uintptr_t)(source->ptr + beg), (size_t)(end - beg), advice);
}

const uint8_t *vj_source_borrow(const vj_source *source, int64_t off, size_t len_bytes)
{
    int64_t end = 0;
    int rc = 0;

    if (source->ptr == NULL || off < 0 || VJ_ADD_OVERFLOW(off, (int64_t)len_bytes, &end) ||
        end > source->size_bytes)
        return NULL;
    if (source->fd < 0)
        return source->ptr + off;
#ifdef VJ_TESTING
    if (vj_read_fault_hook != NULL) /* faults are for reads */
        return NULL;
#endif
    if (source->scattered && !vj_source_is_cached(source, off, (int64_t)len_bytes))
        vj_source_fetch(source, off, (int64_t)len_bytes);
    advise(source, off, (int64_t)len_bytes, MADV_POPULATE_READ, &rc);
    if (rc != 0)
        return NULL;
    count_read(len_bytes);
    atomic_fetch_add(&total_lent, (int64_t)len_bytes);
    return source->ptr + off;
}

void vj_source_scattered(vj_source *source)
{
    int rc = 0;

    if (source->fd < 0 || source->ptr == NULL)
        return;
    advise(source, 0, source->size_bytes, MADV_RANDOM, &rc);
    source->scattered = rc == 0;
}

/* Pages that one call of mincore looks at. */
#define CORE_PAGES 1024

bool vj_source_is_cached(const vj_source *source, int64_t off, int64_t len)
{
    unsigned char in_core[CORE_PAGES];
    int64_t end = 0;

    if (source->fd < 0 || source->ptr == NULL || off < 0 || len <= 0 ||
        VJ_ADD_OVERFLOW(off, len, &end) || end > source->size_bytes)
        return true;
#ifdef VJ_TESTING
    if (vj_cold_hook != NULL)
        return !vj_cold_hook();
#endif
    for (int64_t at = off & ~(MAP_PAGE - 1); at < end; at += CORE_PAGES * MAP_PAGE) {
        int64_t n = VJ_MIN((end - at + MAP_PAGE - 1) / MAP_PAGE, CORE_PAGES);

        if (mincore((void *)(uintptr_t)(source->ptr + at), (size_t)(n * MAP_PAGE), in_core) != 0)
            return true;
        for (int64_t i = 0; i < n; i++)
            if ((in_core[i] & 1) == 0)
                return false;
    }
    return true;
}

void vj_source_fetch(const vj_source *source, int64_t off, int64_t len)
{
    if (source->fd >= 0 && off >= 0 && len > 0)
        (void)posix_fadvise(source->fd, off, len, POSIX_FADV_WILLNEED);
}

void vj_source_return(const vj_source *source, int64_t off, size_t len_bytes)
{
    int64_t beg = VJ_MAX(off - FAULT_AROUND_BYTES, 0);
    int64_t end = VJ_MIN(off + (int64_t)len_bytes + FAULT_AROUND_BYTES, source->size_bytes);
    int rc = 0;

    /* pages at the ends may be others' too: they come again when they are touched */
    if (source->fd >= 0 && source->ptr != NULL && len_bytes > 0)
        advise(source, beg, end - beg, MADV_DONTNEED, &rc);
}

/* ---- sequential input ---- */

struct vj_input {
    char *name;
    int fd; /* -1: memory */
    bool owns_fd;
    const uint8_t *ptr;
    size_t left_bytes;
    int64_t size_bytes;
};

static vj_status make_input(const char *name, vj_input **out, vj_error *err)
{
    vj_input *input = vj_zalloc(NULL, sizeof *input, err);

    *out = NULL;
    if (input == NULL)
        return VJ_E_NOMEM;
    input->fd = -1;
    input->size_bytes = -1;
    if ((input->name = vj_strdup(NULL, name, err)) == NULL) {
        vj_input_free(input);
        return VJ_E_NOMEM;
    }
    *out = input;
    return VJ_OK;
}

vj_status vj_input_open(const char *path, vj_input **out, vj_error *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    struct stat st;

    VJ_TRY(make_input(is_stdin ? "standard input" : path, out, err));
    vj_input *input = *out;
    input->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    input->owns_fd = !is_stdin;
    if (input->fd < 0 || fstat(input->fd, &st) != 0) {
        vj_status rc = fail_errno(err, "open", input->name);
        vj_input_free(input);
        *out = NULL;
        return rc;
    }
    if (S_ISDIR(st.st_mode)) {
        vj_status rc = vj_fail(err, VJ_E_USAGE, "%s: expected a file, found a directory", path);
        vj_input_free(input);
        *out = NULL;
        return rc;
    }
    if (S_ISREG(st.st_mode))
        input->size_bytes = st.st_size;
    return VJ_OK;
}

vj_status vj_input_memory(const char *name, const void *ptr, size_t len_bytes, vj_input **out,
                          vj_error *err)
{
    VJ_TRY(make_input(name, out, err));
    (*out)->ptr = ptr;
    (*out)->left_bytes = len_bytes;
    (*out)->size_bytes = (int64_t)len_bytes;
    return VJ_OK;
}

vj_status vj_input_read(vj_input *input, void *dst, size_t cap_bytes, size_t *out_n,
                        vj_error *err)
{
    *out_n = 0;
    if (input->fd < 0) {
        size_t n = VJ_MIN(cap_bytes, input->left_bytes);

        if (n > 0) { /* the address of no bytes may be NULL, which cannot be counted on from */
            memcpy(dst, input->ptr, n);
            input->ptr += n;
        }
        input->left_bytes -= n;
        *out_n = n;
        return VJ_OK;
    }
    for (;;) {
        ssize_t n = vj_call_read(input->fd, dst, cap_bytes, -1);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(err, "read", input->name);
        *out_n = (size_t)n;
        count_read((size_t)n);
        return VJ_OK;
    }
}

void vj_input_free(vj_input *input)
{
    if (input == NULL)
        return;
    if (input->owns_fd && input->fd >= 0)
        close(input->fd);
    vj_free(input->name);
    vj_free(input);
}

const char *vj_input_name(const vj_input *input)
{
    return input->name;
}

int64_t vj_input_size(const vj_input *input)
{
    return input->size_bytes;
}
