/*
 * inflate.h - DEFLATE bytes back to plain ones: a known block at once, a gzip stream in pieces.
 *
 * Format sources: RFC 1951, RFC 1952.
 *
 * relies:  base; libdeflate (blocks), zlib (streams: libdeflate has no streaming)
 * threads: an object belongs to one thread at a time
 * tests:   unit/test_bgzf.c
 */
#ifndef VJ_CODEC_INFLATE_H
#define VJ_CODEC_INFLATE_H

#include "base/base.h"

/* Raw DEFLATE of one block whose plain size is known. */
typedef struct vj_inflater vj_inflater;
VJ_MUST_CHECK vj_status vj_inflater_new(vj_inflater **out, vj_error *err);
void vj_inflater_free(vj_inflater *inflater);
/*
 * Inflate exactly into dst[0, dst_bytes). False when the data is broken, is longer or shorter
 * than dst_bytes, or does not end with the input; dst is then undefined.
 */
bool vj_inflater_run(vj_inflater *inflater, const void *src, size_t src_bytes, void *dst,
                     size_t dst_bytes);
/* CRC-32 of gzip. */
uint32_t vj_crc32(const void *ptr, size_t len_bytes);

/* A gzip file of one or more members, in pieces. */
typedef struct vj_gunzip vj_gunzip;
VJ_MUST_CHECK vj_status vj_gunzip_new(vj_budget *budget, vj_gunzip **out, vj_error *err);
void vj_gunzip_free(vj_gunzip *gunzip);
/*
 * Consume input and produce output, until one of them is used up. *in_done and *out_done are
 * what was taken and made. `between` tells that the input so far ends a member: only there may
 * the file end. The member's CRC and size are checked.
 *
 * errors: VJ_E_CORRUPT (text: what is wrong, without file and offset), VJ_E_NOMEM
 */
VJ_MUST_CHECK vj_status vj_gunzip_run(vj_gunzip *gunzip, const void *src, size_t src_bytes,
                                      size_t *in_done, void *dst, size_t dst_bytes,
                                      size_t *out_done, bool *between, vj_error *err);

#endif
