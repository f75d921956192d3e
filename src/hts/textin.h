/*
 * textin.h - private to hts: the plain bytes of a file that may be BGZF, gzip or plain.
 *
 * BGZF (SAMv1 section 4.1): gzip members of at most 64 KiB, each with its own size in an extra
 * field "BC", the last one empty:
 *
 *   1f 8b 08 04 | mtime xfl os (6) | XLEN (2) | .. 42 43 02 00 BSIZE-1 (2) .. | data | CRC32 ISIZE
 */
#ifndef VJ_HTS_TEXTIN_H
#define VJ_HTS_TEXTIN_H

#include "codec/inflate.h"
#include "os/os.h"

typedef enum vj_wrapping { VJ_WRAP_NONE, VJ_WRAP_BGZF, VJ_WRAP_GZIP } vj_wrapping;

#define VJ_BGZF_MAX_BYTES ((size_t)65536)

typedef struct vj_textin vj_textin;
/* Takes the input over, also on failure. The wrapping is read off the first bytes. */
VJ_MUST_CHECK vj_status vj_textin_open(vj_input *input, bool allow_truncated, vj_budget *budget,
                                       vj_textin **out, vj_error *err);
void vj_textin_free(vj_textin *in);
vj_wrapping vj_textin_wrapping(const vj_textin *in);
const char *vj_textin_name(const vj_textin *in);
/*
 * Append at least one byte to dst, one BGZF block or some 64 KiB; *out_end: there was nothing
 * more (dst is as it was).
 *
 * errors: VJ_E_CORRUPT (file, offset of the block, expected, found), VJ_E_IO, VJ_E_NOMEM
 */
VJ_MUST_CHECK vj_status vj_textin_read(vj_textin *in, vj_buf *dst, bool *out_end, vj_error *err);
/* One BGZF block as it was found in the file, to be inflated later, maybe by another thread. */
typedef struct vj_bgzf_piece {
    size_t off;       /* among the bytes that were taken */
    int64_t file_off; /* for messages */
    size_t head_bytes, block_bytes, plain_bytes;
} vj_bgzf_piece;
typedef struct vj_bgzf_pieces {
    VJ_VEC(vj_bgzf_piece) list;
} vj_bgzf_pieces;
/*
 * BGZF only: the next blocks, as many as hold want_plain bytes, appended to raw and pieces;
 * *out_end: there is nothing behind them. Sizes are checked, contents when they are inflated.
 *
 * errors: those of vj_textin_read
 */
VJ_MUST_CHECK vj_status vj_textin_take(vj_textin *in, size_t want_plain, vj_buf *raw,
                                       vj_bgzf_pieces *pieces, bool *out_end, vj_error *err);
/* Append what a piece holds to dst. name is the input's; threads: any, one per inflater and dst. */
VJ_MUST_CHECK vj_status vj_bgzf_inflate(const char *name, const uint8_t *raw,
                                        const vj_bgzf_piece *piece, vj_inflater *inflater,
                                        vj_buf *dst, vj_error *err);
/* The end was reached without BGZF's end block (only with allow_truncated). */
bool vj_textin_lacks_end(const vj_textin *in);
int64_t vj_textin_bytes_done(const vj_textin *in);
int64_t vj_textin_bytes_total(const vj_textin *in);

/*
 * Size of the BGZF block that begins at ptr. 0: the bytes at hand break the format (*why tells)
 * or do not hold the whole header (*why is NULL).
 */
size_t vj_bgzf_block_size(const uint8_t *ptr, size_t len_bytes, size_t *out_head_bytes,
                          const char **why);

#endif
