/*
 * appender.h - lines at the end of a file that somebody is reading while we write.
 *
 * relies:  O_APPEND: one write call puts its bytes at the end in one piece
 * not:     buffering, atomic output (os.h), what the lines say
 * tests:   unit/test_pipes.c
 */
#ifndef VJ_OS_APPENDER_H
#define VJ_OS_APPENDER_H

#include "base/base.h"

typedef struct vj_appender vj_appender;

/* Open for appending, created when absent. VJ_E_OUTPUT (text: path and system message). */
VJ_MUST_CHECK vj_status vj_append_open(const char *path, vj_appender **out, vj_error *err);
/* Standard output (1) or standard error (2) of the process; not closed by _free. */
VJ_MUST_CHECK vj_status vj_append_stdio(int fd, vj_appender **out, vj_error *err);
/* Bytes in the file now; -1 where that has no meaning (pipes, terminals). */
int64_t vj_append_size(const vj_appender *appender);
/*
 * One write call for all of it; only what that call left over (full disk, signal) goes into
 * further ones. VJ_E_OUTPUT.
 */
VJ_MUST_CHECK vj_status vj_append_write(vj_appender *appender, const void *ptr, size_t len_bytes,
                                        vj_error *err);
void vj_append_free(vj_appender *appender);

#endif
