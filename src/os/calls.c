#include "os/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "os/os.h"

#ifdef VJ_TESTING
int (*vj_read_fault_hook)(void);
int (*vj_write_fault_hook)(void);
int (*vj_sync_fault_hook)(void);
int (*vj_rename_fault_hook)(void);
int (*vj_close_fault_hook)(void);
size_t vj_most_bytes_a_call;

static bool fails(int (*hook)(void))
{
    int fault = hook != NULL ? hook() : 0;

    if (fault != 0)
        errno = fault;
    return fault != 0;
}

static size_t shorten(size_t len_bytes)
{
    return vj_most_bytes_a_call != 0 ? VJ_MIN(len_bytes, vj_most_bytes_a_call) : len_bytes;
}
#define FAILS(hook) fails(hook)
#else
static size_t shorten(size_t len_bytes)
{
    return len_bytes;
}
#define FAILS(hook) false
#endif

ssize_t vj_call_read(int fd, void *dst, size_t len_bytes, int64_t off)
{
    if (FAILS(vj_read_fault_hook))
        return -1;
    len_bytes = shorten(len_bytes);
    return off >= 0 ? pread(fd, dst, len_bytes, off) : read(fd, dst, len_bytes);
}

ssize_t vj_call_write(int fd, const void *ptr, size_t len_bytes, int64_t off)
{
    if (FAILS(vj_write_fault_hook))
        return -1;
    len_bytes = shorten(len_bytes);
    return off >= 0 ? pwrite(fd, ptr, len_bytes, off) : write(fd, ptr, len_bytes);
}

int vj_call_sync(int fd)
{
    if (FAILS(vj_sync_fault_hook))
        return -1;
    int rc = fsync(fd);
    return rc != 0 && (errno == EINVAL || errno == EROFS) ? 0 : rc;
}

int vj_call_rename(const char *from, const char *to)
{
    return FAILS(vj_rename_fault_hook) ? -1 : rename(from, to);
}

int vj_call_exchange(const char *a, const char *b)
{
    if (FAILS(vj_rename_fault_hook))
        return -1;
#ifdef RENAME_EXCHANGE
    return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
#else
    (void)a;
    (void)b;
    errno = ENOSYS;
    return -1;
#endif
}

int vj_call_close(int fd)
{
    int rc = close(fd);

    if (FAILS(vj_close_fault_hook))
        return -1;
    return rc != 0 && errno == EINTR ? 0 : rc;
}
