/*
 * status.h - result codes and the error text of the varjoin library.
 *
 * threads: a vj_error belongs to one caller at a time.
 */
#ifndef VARJOIN_STATUS_H
#define VARJOIN_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define VJ_MUST_CHECK __attribute__((warn_unused_result))
#define VJ_API __attribute__((visibility("default")))
#else
#define VJ_MUST_CHECK
#define VJ_API
#endif

/* Result of a fallible call. Zero is success; there are no other successes. */
typedef enum vj_status {
    VJ_OK = 0,
    VJ_E_NOMEM,       /* the system's memory or the budget is used up; the text says which */
    VJ_E_IO,          /* reading or writing failed: errno is in the text */
    VJ_E_NOTFOUND,    /* a file or name that was asked for is not there */
    VJ_E_CORRUPT,     /* bytes break their format */
    VJ_E_UNSUPPORTED, /* legal, but not done by this program */
    VJ_E_SCHEMA,      /* a column is missing or of a wrong type */
    VJ_E_USAGE,       /* the caller asked for something contradictory or unknown */
    VJ_E_POLICY,      /* the run finished, a promise did not hold (zero matches, rows lost) */
    VJ_E_CANCELLED,   /* the stop flag was set */
    VJ_E_OUTPUT,      /* writing the result failed; the old file, if any, still stands */
    VJ_E_BUG          /* our own fault */
} vj_status;

#define VJ_ERROR_TEXT_BYTES 1024

/* Code and one line of text. Zero-initialise; text is always NUL-terminated. */
typedef struct vj_error {
    vj_status code;
    char text[VJ_ERROR_TEXT_BYTES];
} vj_error;

/* Short name of a code ("corrupt"), static memory, never NULL. */
VJ_API const char *vj_status_name(vj_status code);

/* Process exit code for a status: 0, 1 usage, 2 input, 3 output or resources, 4 policy, 130, 70. */
VJ_API int vj_status_exit_code(vj_status code);

#ifdef __cplusplus
}
#endif
#endif
