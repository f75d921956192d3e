/*
 * status.h - what a fallible call returns, and the one line of text that goes with it.
 *
 * The place that knows the bytes writes the fact with vj_fail(); each level above adds one
 * clause with vj_wrap(). The text is UTF-8, one line, made for a person.
 */
#ifndef VJ_BASE_STATUS_H
#define VJ_BASE_STATUS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "varjoin/status.h"

#define VJ_PRINTF(fmt_i, arg_i) __attribute__((format(printf, fmt_i, arg_i)))
#define VJ_UNUSED __attribute__((unused))
#define VJ_LIKELY(x) __builtin_expect(!!(x), 1)
#define VJ_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Store code and text (replacing what was there) and return code. err may be NULL. */
vj_status vj_fail(vj_error *err, vj_status code, const char *fmt, ...) VJ_PRINTF(3, 4);

/* Append ", while " + text to the error, keep its code; returns code. err may be NULL. */
vj_status vj_wrap(vj_error *err, vj_status code, const char *fmt, ...) VJ_PRINTF(3, 4);

/*
 * Copy bytes from outside into dst as printable text for an error line: control bytes and
 * broken UTF-8 become \xNN, more than max_shown bytes end in "...". Always terminates dst;
 * returns dst. cap_bytes >= 8.
 */
char *vj_quote(char *dst, size_t cap_bytes, const void *bytes, size_t len_bytes);

/* Return from a function that holds nothing when call is not VJ_OK. */
#define VJ_TRY(call)                                                                       \
    do {                                                                                   \
        vj_status vj_rc_ = (call);                                                         \
        if (VJ_UNLIKELY(vj_rc_ != VJ_OK))                                                  \
            return vj_rc_;                                                                 \
    } while (0)

/* Set rc to the result of call and go to the label `out` when it is not VJ_OK. */
#define VJ_GO(rc, call)                                                                    \
    do {                                                                                   \
        (rc) = (call);                                                                     \
        if (VJ_UNLIKELY((rc) != VJ_OK))                                                    \
            goto out;                                                                      \
    } while (0)

#endif
