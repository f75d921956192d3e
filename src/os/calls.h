/*
 * calls.h - private to os: the system calls on files, which test builds can make fail or do less.
 *
 * The hooks are in os.h; without VJ_TESTING these are the calls themselves.
 */
#ifndef VJ_OS_CALLS_H
#define VJ_OS_CALLS_H

#include <sys/types.h>

#include "base/base.h"

/* read(2), or pread(2) where off is not negative */
ssize_t vj_call_read(int fd, void *dst, size_t len_bytes, int64_t off);
/* write(2), or pwrite(2) where off is not negative */
ssize_t vj_call_write(int fd, const void *ptr, size_t len_bytes, int64_t off);
/* fsync(2); 0 where a file system does not know it */
int vj_call_sync(int fd);
int vj_call_rename(const char *from, const char *to);
/* Both names change places in one step (Linux); EINVAL or ENOSYS where that is unknown. */
int vj_call_exchange(const char *a, const char *b);
/* close(2); EINTR is no failure: the descriptor is gone */
int vj_call_close(int fd);

#endif
