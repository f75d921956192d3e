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
/* Number of `delim` bytes; the same trust. */
size_t vj_scan_count(const char *ptr, size_t len_bytes, char delim);
/* True when no byte is above 0x7f; the same trust. */
bool vj_scan_is_ascii(const char *ptr, size_t len_bytes);

#endif
