/*
 * codec.h - block codecs behind one table: bytes in, bytes out, nothing else.
 *
 * in:      one block; hostile when it is decoded
 * out:     exactly as many bytes as the caller says the block holds, or an error
 * relies:  libzstd, snappy, libdeflate, lz4, brotli; this is the only module that includes them
 * not:     pages, frames of files, BGZF (hts/)
 * also:    codec/zlib_stream.h (small zlib streams) and codec/inflate.h are parts of this header
 * threads: a vj_codec belongs to one thread at a time; it keeps the contexts between blocks
 * tests:   unit/test_codec.c, fuzz/fuzz_codec.c
 */
#ifndef VJ_CODEC_CODEC_H
#define VJ_CODEC_CODEC_H

#include "base/base.h"

/* Numbers as Parquet's CompressionCodec has them. */
typedef enum vj_codec_id {
    VJ_CODEC_NONE = 0,
    VJ_CODEC_SNAPPY = 1,
    VJ_CODEC_GZIP = 2, /* one member or several in a row */
    VJ_CODEC_LZO = 3,  /* refused by name */
    VJ_CODEC_BROTLI = 4,
    VJ_CODEC_LZ4 = 5, /* Hadoop's framing, or a bare block under the same number; read only */
    VJ_CODEC_ZSTD = 6,
    VJ_CODEC_LZ4_RAW = 7
} vj_codec_id;
#define VJ_CODEC_COUNT 8

/* "ZSTD"; "UNKNOWN" for a number that is none. Static. */
const char *vj_codec_name(int id);

/*
 * Most bytes that a block of len_bytes can decode to, by the codec's format: what a size claimed
 * by a file is held against before memory is taken for it.
 */
size_t vj_codec_decoded_max(int id, size_t len_bytes);

typedef struct vj_codec vj_codec;

/* Cheap: a codec's own context comes with its first block. */
VJ_MUST_CHECK vj_status vj_codec_new(vj_budget *budget, vj_codec **out, vj_error *err);
void vj_codec_free(vj_codec *codec);

/*
 * Decode one block into dst, which must come out as exactly dst_len bytes.
 *
 * errors:  VJ_E_CORRUPT (what was expected and found), VJ_E_UNSUPPORTED (codec by name),
 *          VJ_E_NOMEM
 */
VJ_MUST_CHECK vj_status vj_codec_decode(vj_codec *codec, int id, const void *src, size_t src_len,
                                        void *dst, size_t dst_len, vj_error *err);

/* Capacity that vj_codec_encode needs for a block of src_len bytes. */
size_t vj_codec_encoded_max(int id, size_t src_len);
/*
 * Level: repetition is hardly looked for, but values are stored by how frequent they are. zstd
 * alone has it; for others it is their default.
 */
#define VJ_CODEC_ENTROPY (-1)
/*
 * Encode one block of at most 2^31-1 bytes; level 0 is the codec's default here (zstd 3, gzip 6,
 * brotli 5; snappy and lz4 have none). *out_len is the encoded size.
 *
 * errors:  VJ_E_UNSUPPORTED (LZO and LZ4 of Hadoop are not written), VJ_E_USAGE (dst_cap below
 *          vj_codec_encoded_max), VJ_E_NOMEM
 */
VJ_MUST_CHECK vj_status vj_codec_encode(vj_codec *codec, int id, int level, const void *src,
                                        size_t src_len, void *dst, size_t dst_cap,
                                        size_t *out_len, vj_error *err);

/* CRC-32 as gzip and Parquet have it, carried on from crc (0 to start); kernel. */
uint32_t vj_codec_crc32(uint32_t crc, const void *ptr, size_t len_bytes);

#include "codec/zlib_stream.h"

#endif
