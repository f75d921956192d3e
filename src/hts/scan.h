/*
 * scan.h - private to hts: find delimiter bytes in text.
 */
#ifndef VJ_HTS_SCAN_H
#define VJ_HTS_SCAN_H

#include "base/base.h"

/* Readable bytes that must lie behind scanned text. */
#define VJ_SCAN_PAD_BYTES 32

/*
 * Offsets of `delim` in [ptr, ptr + len), ascending, at most max of them; returns how many.
 * Trusts: VJ_SCAN_PAD_BYTES readable bytes behind the text, len below 4 GiB, room for max in
 * out.
 */
size_t vj_scan_delims(const char *ptr, size_t len_bytes, char delim, uint32_t *out, size_t max);
/* The body that this machine takes, for callers of many short texts. */
typedef size_t (*vj_scan_fn)(const char *ptr, size_t len_bytes, char delim, uint32_t *out,
                             size_t max);
vj_scan_fn vj_scan_best(void);
/* The scalar body: the specification. */
size_t vj_scan_delims_scalar(const char *ptr, size_t len_bytes, char delim, uint32_t *out,
                             size_t max);
/*
 * Bit i is set when ptr[i] is ':' or ',', for i below len and 64; the same trust. And the body
 * that this machine takes.
 */
typedef uint64_t (*vj_marks_fn)(const char *ptr, size_t len_bytes);
uint64_t vj_scan_marks_scalar(const char *ptr, size_t len_bytes);
vj_marks_fn vj_scan_best_marks(void);
/* Number of `delim` bytes; the same trust. */
size_t vj_scan_count(const char *ptr, size_t len_bytes, char delim);
/* What kinds of bytes a text has besides plain ones. */
typedef enum vj_bytes {
    VJ_BYTES_HIGH = 1,   /* above 0x7f */
    VJ_BYTES_BLANK = 2,  /* ' ' */
    VJ_BYTES_CONTROL = 4 /* below 0x20, but for tab, LF and CR */
} vj_bytes;
/* The kinds that occur, or-ed; the same trust. */
unsigned vj_scan_kinds(const char *ptr, size_t len_bytes);
/* The scalar body: the specification. */
unsigned vj_scan_kinds_scalar(const char *ptr, size_t len_bytes);

#endif
