#define ZSTD_STATIC_LINKING_ONLY /* ZSTD_customMem: its contexts are charged to our budget */
#include "codec/codec.h"

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <libdeflate.h>
#include <lz4.h>
#include <snappy-c.h>
#include <zstd.h>
#include <zstd_errors.h>

/* Decoders and encoders take int sizes somewhere below them; Parquet's sizes are int32 too. */
#define BLOCK_MAX ((size_t)INT32_MAX)

/* libdeflate allocates by itself: what its objects hold, for the budget. */
#define INFLATER_BYTES ((int64_t)16 << 10)
#define DEFLATER_BYTES ((int64_t)1 << 20)

struct vj_codec {
    vj_budget *budget;
    ZSTD_DCtx *zstd_in;
    ZSTD_CCtx *zstd_out;
    struct libdeflate_decompressor *inflater;
    struct libdeflate_compressor *deflater;
    int deflater_level;
};

typedef struct block {
    const uint8_t *src;
    size_t src_len;
    uint8_t *dst;
    size_t dst_len; /* decode: exact size; encode: capacity */
    int level;
} block;

typedef vj_status (*decode_fn)(vj_codec *codec, const block *b, vj_error *err);
typedef vj_status (*encode_fn)(vj_codec *codec, const block *b, size_t *out_len, vj_error *err);

/* Allocators that the libraries accept; opaque is the vj_codec. */
static void *lib_alloc(void *opaque, size_t len_bytes)
{
    vj_codec *codec = opaque;

    return vj_alloc(codec->budget, len_bytes, NULL);
}

static void lib_free(void *opaque, void *ptr)
{
    (void)opaque;
    vj_free(ptr);
}

static vj_status fail_size(vj_error *err, const char *name, size_t expected, size_t found)
{
    return vj_fail(err, VJ_E_CORRUPT, "%s block: expected %zu bytes after decompression, found %zu",
                   name, expected, found);
}

static vj_status fail_damaged(vj_error *err, const char *name, const char *why)
{
    return vj_fail(err, VJ_E_CORRUPT, "%s block is damaged: %s", name, why);
}

static vj_status fail_context(vj_codec *codec, const char *name, vj_error *err)
{
    (void)codec;
    return vj_fail(err, VJ_E_NOMEM, "no memory within the budget for a %s context", name);
}

/* ---- none ---- */

static vj_status decode_none(vj_codec *codec, const block *b, vj_error *err)
{
    (void)codec;
    if (b->src_len != b->dst_len)
        return fail_size(err, "uncompressed", b->dst_len, b->src_len);
    if (b->src_len > 0)
        memcpy(b->dst, b->src, b->src_len);
    return VJ_OK;
}

static vj_status encode_none(vj_codec *codec, const block *b, size_t *out_len, vj_error *err)
{
    (void)codec;
    (void)err;
    if (b->src_len > 0)
        memcpy(b->dst, b->src, b->src_len);
    *out_len = b->src_len;
    return VJ_OK;
}

/* ---- snappy ---- */

static vj_status decode_snappy(vj_codec *codec, const block *b, vj_error *err)
{
    size_t found = 0;

    (void)codec;
    if (snappy_uncompressed_length((const char *)b->src, b->src_len, &found) != SNAPPY_OK)
        return fail_damaged(err, "SNAPPY", "no length in front");
    if (found != b->dst_len)
        return fail_size(err, "SNAPPY", b->dst_len, found);
    if (snappy_uncompress((const char *)b->src, b->src_len, (char *)b->dst, &found) != SNAPPY_OK)
        return fail_damaged(err, "SNAPPY", "a copy or literal leaves the block");
    return VJ_OK;
}

static vj_status encode_snappy(vj_codec *codec, const block *b, size_t *out_len, vj_error *err)
{
    (void)codec;
    *out_len = b->dst_len;
    if (snappy_compress((const char *)b->src, b->src_len, (char *)b->dst, out_len) != SNAPPY_OK)
        return vj_fail(err, VJ_E_BUG, "snappy does not compress %zu bytes", b->src_len);
    return VJ_OK;
}

/* ---- gzip ---- */

typedef enum libdeflate_result (*inflate_fn)(struct libdeflate_decompressor *, const void *,
                                             size_t, void *, size_t, size_t *, size_t *);

/* The wrapper by its first two bytes: some writers put zlib's where gzip's belongs. */
static inflate_fn unwrapper(const uint8_t *src, size_t len)
{
    bool zlib = len >= 2 && (src[0] & 0x0f) == 8 && ((unsigned)src[0] << 8 | src[1]) % 31 == 0;

    return zlib ? libdeflate_zlib_decompress_ex : libdeflate_gzip_decompress_ex;
}

/* Members in a row, as the gzip format allows; bytes behind the last one are an error. */
static vj_status decode_gzip(vj_codec *codec, const block *b, vj_error *err)
{
    size_t in = 0;
    size_t out = 0;

    if (codec->inflater == NULL) {
        VJ_TRY(vj_budget_reserve(codec->budget, INFLATER_BYTES, "an inflater", err));
        codec->inflater = libdeflate_alloc_decompressor();
        if (codec->inflater == NULL) {
            vj_budget_release(codec->budget, INFLATER_BYTES);
            return fail_context(codec, "GZIP", err);
        }
    }
    do {
        size_t used = 0;
        size_t made = 0;
        enum libdeflate_result rc = unwrapper(b->src + in, b->src_len - in)(
            codec->inflater, b->src + in, b->src_len - in, b->dst + out, b->dst_len - out, &used,
            &made);

        if (rc == LIBDEFLATE_INSUFFICIENT_SPACE)
            return vj_fail(err, VJ_E_CORRUPT,
                           "GZIP block: expected %zu bytes after decompression, found more",
                           b->dst_len);
        if (rc != LIBDEFLATE_SUCCESS || used == 0)
            return fail_damaged(err, "GZIP", "bad member header, deflate data or checksum");
        in += used;
        out += made;
    } while (in < b->src_len);
    return out == b->dst_len ? VJ_OK : fail_size(err, "GZIP", b->dst_len, out);
}

static vj_status encode_gzip(vj_codec *codec, const block *b, size_t *out_len, vj_error *err)
{
    int level = b->level <= 0 ? 6 : VJ_MIN(VJ_MAX(b->level, 1), 9);

    if (codec->deflater != NULL && codec->deflater_level != level) {
        libdeflate_free_compressor(codec->deflater);
        codec->deflater = NULL;
        vj_budget_release(codec->budget, DEFLATER_BYTES);
    }
    if (codec->deflater == NULL) {
        VJ_TRY(vj_budget_reserve(codec->budget, DEFLATER_BYTES, "a deflater", err));
        codec->deflater = libdeflate_alloc_compressor(level);
        codec->deflater_level = level;
        if (codec->deflater == NULL) {
            vj_budget_release(codec->budget, DEFLATER_BYTES);
            return fail_context(codec, "GZIP", err);
        }
    }
    *out_len = libdeflate_gzip_compress(codec->deflater, b->src, b->src_len, b->dst, b->dst_len);
    return *out_len > 0 ? VJ_OK
                        : vj_fail(err, VJ_E_BUG, "gzip does not compress %zu bytes", b->src_len);
}

/* ---- brotli ---- */

static vj_status decode_brotli(vj_codec *codec, const block *b, vj_error *err)
{
    BrotliDecoderState *state = BrotliDecoderCreateInstance(lib_alloc, lib_free, codec);
    if (state == NULL)
        return fail_context(codec, "BROTLI", err);

    size_t in_left = b->src_len;
    const uint8_t *in = b->src;
    size_t out_left = b->dst_len;
    uint8_t *out = b->dst;
    BrotliDecoderResult rc =
        BrotliDecoderDecompressStream(state, &in_left, &in, &out_left, &out, NULL);
    BrotliDecoderErrorCode why = BrotliDecoderGetErrorCode(state);
    BrotliDecoderDestroyInstance(state);
    if (rc == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT)
        return vj_fail(err, VJ_E_CORRUPT,
                       "BROTLI block: expected %zu bytes after decompression, found more",
                       b->dst_len);
    /* the allocator's refusals are the codes -21 .. -30 of brotli/decode.h */
    if (rc == BROTLI_DECODER_RESULT_ERROR && why <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
        why >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES)
        return fail_context(codec, "BROTLI", err);
    if (rc != BROTLI_DECODER_RESULT_SUCCESS)
        return fail_damaged(err, "BROTLI",
                            rc == BROTLI_DECODER_RESULT_ERROR ? BrotliDecoderErrorString(why)
                                                              : "ends too early");
    if (in_left > 0)
        return fail_damaged(err, "BROTLI", "bytes behind its end");
    return out_left == 0 ? VJ_OK : fail_size(err, "BROTLI", b->dst_len, b->dst_len - out_left);
}

/*
 * The encoder ends the process when its allocator refuses (brotli 1.0.9 as distributed), so it
 * gets the system's allocator and what it takes is charged beforehand. Measured peaks: quality
 * 1-6 at most 11 MiB + 1 byte an input byte, 7-9 34 MiB + 2, 10 and 11 1 MiB + 80.
 */
static int64_t brotli_encoder_bytes(int level, size_t src_len)
{
    int64_t len = (int64_t)src_len;

    if (level <= 6)
        return ((int64_t)12 << 20) + len;
    return level <= 9 ? ((int64_t)36 << 20) + 2 * len : ((int64_t)2 << 20) + 80 * len;
}

static vj_status encode_brotli(vj_codec *codec, const block *b, size_t *out_len, vj_error *err)
{
    int level = b->level <= 0 ? 5 : VJ_MIN(VJ_MAX(b->level, 1), 11);
    int64_t held = brotli_encoder_bytes(level, b->src_len);

    VJ_TRY(vj_budget_reserve(codec->budget, held, "the brotli encoder", err));
    *out_len = b->dst_len;
    bool ok = BrotliEncoderCompress(level, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC, b->src_len,
                                    b->src, out_len, b->dst);
    vj_budget_release(codec->budget, held);
    return ok ? VJ_OK : vj_fail(err, VJ_E_BUG, "brotli does not compress %zu bytes", b->src_len);
}

/* ---- lz4 ---- */

static vj_status decode_lz4_raw(vj_codec *codec, const block *b, vj_error *err)
{
    (void)codec;
    int made = LZ4_decompress_safe((const char *)b->src, (char *)b->dst, (int)b->src_len,
                                   (int)b->dst_len);

    if (made < 0)
        return fail_damaged(err, "LZ4", "a sequence leaves the block");
    return (size_t)made == b->dst_len ? VJ_OK : fail_size(err, "LZ4", b->dst_len, (size_t)made);
}

static uint32_t big_u32(const uint8_t *ptr)
{
    return (uint32_t)ptr[0] << 24 | (uint32_t)ptr[1] << 16 | (uint32_t)ptr[2] << 8 | ptr[3];
}

/*
 * Hadoop's framing, one or more of
 *   u32 BE decoded size | (u32 BE encoded size | LZ4 block)+  until the decoded size is there
 * False when the bytes are not that; dst is then undefined.
 */
static bool decode_lz4_hadoop(const block *b)
{
    size_t in = 0;
    size_t out = 0;

    while (b->src_len - in >= 4) {
        size_t want = big_u32(b->src + in);

        in += 4;
        if (want > b->dst_len - out)
            return false;
        for (size_t end = out + want; out < end;) {
            size_t len = b->src_len - in >= 4 ? big_u32(b->src + in) : 0;

            if (len == 0 || len > b->src_len - in - 4)
                return false;
            int made = LZ4_decompress_safe((const char *)b->src + in + 4, (char *)b->dst + out,
                                           (int)len, (int)(end - out));
            if (made <= 0)
                return false;
            in += 4 + len;
            out += (size_t)made;
        }
    }
    return in == b->src_len && out == b->dst_len;
}

static vj_status decode_lz4(vj_codec *codec, const block *b, vj_error *err)
{
    return decode_lz4_hadoop(b) ? VJ_OK : decode_lz4_raw(codec, b, err);
}

static vj_status encode_lz4_raw(vj_codec *codec, const block *b, size_t *out_len, vj_error *err)
{
    (void)codec;
    int made = LZ4_compress_default((const char *)b->src, (char *)b->dst, (int)b->src_len,
                                    (int)b->dst_len);

    *out_len = (size_t)VJ_MAX(made, 0);
    return made > 0 ? VJ_OK
                    : vj_fail(err, VJ_E_BUG, "lz4 does not compress %zu bytes", b->src_len);
}

/* ---- zstd ---- */

static vj_status decode_zstd(vj_codec *codec, const block *b, vj_error *err)
{
    if (codec->zstd_in == NULL)
        codec->zstd_in = ZSTD_createDCtx_advanced((ZSTD_customMem){lib_alloc, lib_free, codec});
    if (codec->zstd_in == NULL)
        return fail_context(codec, "ZSTD", err);
    size_t made = ZSTD_decompressDCtx(codec->zstd_in, b->dst, b->dst_len, b->src, b->src_len);
    if (!ZSTD_isError(made))
        return made == b->dst_len ? VJ_OK : fail_size(err, "ZSTD", b->dst_len, made);
    if (ZSTD_getErrorCode(made) == ZSTD_error_memory_allocation)
        return fail_context(codec, "ZSTD", err);
    if (ZSTD_getErrorCode(made) == ZSTD_error_dstSize_tooSmall)
        return vj_fail(err, VJ_E_CORRUPT,
                       "ZSTD block: expected %zu bytes after decompression, found more",
                       b->dst_len);
    return fail_damaged(err, "ZSTD", ZSTD_getErrorName(made));
}

/* A search that steps far where nothing repeats; Huffman codes, which such levels go without. */
static bool aim_at_entropy(ZSTD_CCtx *zstd)
{
    return !ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, -20)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_literalCompressionMode,
                                                ZSTD_lcm_huffman));
}

static vj_status encode_zstd(vj_codec *codec, const block *b, size_t *out_len, vj_error *err)
{
    int level = b->level == 0   ? 3
                : b->level > 0 ? VJ_MIN(b->level, ZSTD_maxCLevel())
                               : 1;

    if (codec->zstd_out == NULL)
        codec->zstd_out = ZSTD_createCCtx_advanced((ZSTD_customMem){lib_alloc, lib_free, codec});
    if (codec->zstd_out == NULL)
        return fail_context(codec, "ZSTD", err);
    if (b->level == VJ_CODEC_ENTROPY && aim_at_entropy(codec->zstd_out))
        *out_len = ZSTD_compress2(codec->zstd_out, b->dst, b->dst_len, b->src, b->src_len);
    else
        *out_len = ZSTD_compressCCtx(codec->zstd_out, b->dst, b->dst_len, b->src, b->src_len, level);
    if (!ZSTD_isError(*out_len))
        return VJ_OK;
    if (ZSTD_getErrorCode(*out_len) == ZSTD_error_memory_allocation)
        return fail_context(codec, "ZSTD", err);
    return vj_fail(err, VJ_E_BUG, "zstd does not compress %zu bytes: %s", b->src_len,
                   ZSTD_getErrorName(*out_len));
}

/* ---- the table ---- */

/*
 * max_ratio: decoded bytes one encoded byte can stand for. snappy copies 64 bytes by 3, lz4
 * extends a match by 255 a byte, deflate makes 258 of 2 bits, a zstd block of 4 bytes repeats
 * one byte 128 Ki times, a brotli meta-block of a few bytes copies 16 MiB.
 */
static const struct {
    const char *name;
    decode_fn decode;
    encode_fn encode;
    size_t max_ratio;
} codecs[VJ_CODEC_COUNT] = {
    [VJ_CODEC_NONE] = {"UNCOMPRESSED", decode_none, encode_none, 1},
    [VJ_CODEC_SNAPPY] = {"SNAPPY", decode_snappy, encode_snappy, 22},
    [VJ_CODEC_GZIP] = {"GZIP", decode_gzip, encode_gzip, 1040},
    [VJ_CODEC_LZO] = {"LZO", NULL, NULL, 256},
    [VJ_CODEC_BROTLI] = {"BROTLI", decode_brotli, encode_brotli, (size_t)4 << 20},
    [VJ_CODEC_LZ4] = {"LZ4", decode_lz4, NULL, 256},
    [VJ_CODEC_ZSTD] = {"ZSTD", decode_zstd, encode_zstd, (size_t)44 << 10},
    [VJ_CODEC_LZ4_RAW] = {"LZ4_RAW", decode_lz4_raw, encode_lz4_raw, 256},
};

const char *vj_codec_name(int id)
{
    return id >= 0 && id < VJ_CODEC_COUNT ? codecs[id].name : "UNKNOWN";
}

size_t vj_codec_decoded_max(int id, size_t len_bytes)
{
    size_t max = 0;

    if (id < 0 || id >= VJ_CODEC_COUNT)
        return 0;
    if (VJ_MUL_OVERFLOW(len_bytes, codecs[id].max_ratio, &max) || max > BLOCK_MAX)
        return BLOCK_MAX;
    return max;
}

vj_status vj_codec_new(vj_budget *budget, vj_codec **out, vj_error *err)
{
    *out = vj_zalloc(budget, sizeof **out, err);
    if (*out == NULL)
        return VJ_E_NOMEM;
    (*out)->budget = budget;
    return VJ_OK;
}

void vj_codec_free(vj_codec *codec)
{
    if (codec == NULL)
        return;
    ZSTD_freeDCtx(codec->zstd_in);
    ZSTD_freeCCtx(codec->zstd_out);
    if (codec->inflater != NULL)
        vj_budget_release(codec->budget, INFLATER_BYTES);
    libdeflate_free_decompressor(codec->inflater);
    if (codec->deflater != NULL)
        vj_budget_release(codec->budget, DEFLATER_BYTES);
    libdeflate_free_compressor(codec->deflater);
    vj_free(codec);
}

vj_status vj_codec_decode(vj_codec *codec, int id, const void *src, size_t src_len, void *dst,
                          size_t dst_len, vj_error *err)
{
    uint8_t none = 0;
    block b = {src != NULL ? src : &none, src_len, dst != NULL ? dst : &none, dst_len, 0};

    if (id < 0 || id >= VJ_CODEC_COUNT || codecs[id].decode == NULL)
        return vj_fail(err, VJ_E_UNSUPPORTED, "codec %d (%s) is not read", id, vj_codec_name(id));
    if (src_len > BLOCK_MAX || dst_len > BLOCK_MAX)
        return vj_fail(err, VJ_E_CORRUPT, "%s block: expected less than 2 GiB, found %zu -> %zu",
                       codecs[id].name, src_len, dst_len);
    return codecs[id].decode(codec, &b, err);
}

size_t vj_codec_encoded_max(int id, size_t src_len)
{
    switch (id) {
    case VJ_CODEC_SNAPPY:
        return snappy_max_compressed_length(src_len);
    case VJ_CODEC_GZIP:
        return libdeflate_gzip_compress_bound(NULL, src_len);
    case VJ_CODEC_BROTLI:
        return BrotliEncoderMaxCompressedSize(src_len);
    case VJ_CODEC_ZSTD:
        return ZSTD_compressBound(src_len);
    case VJ_CODEC_LZ4_RAW:
        return (size_t)LZ4_compressBound((int)VJ_MIN(src_len, (size_t)LZ4_MAX_INPUT_SIZE));
    default:
        return src_len;
    }
}

vj_status vj_codec_encode(vj_codec *codec, int id, int level, const void *src, size_t src_len,
                          void *dst, size_t dst_cap, size_t *out_len, vj_error *err)
{
    uint8_t none = 0;
    block b = {src != NULL ? src : &none, src_len, dst, dst_cap, level};

    *out_len = 0;
    if (id < 0 || id >= VJ_CODEC_COUNT || codecs[id].encode == NULL)
        return vj_fail(err, VJ_E_UNSUPPORTED, "codec %d (%s) is not written", id,
                       vj_codec_name(id));
    if (src_len > (size_t)LZ4_MAX_INPUT_SIZE || dst_cap < vj_codec_encoded_max(id, src_len))
        return vj_fail(err, VJ_E_USAGE, "%s block of %zu bytes does not fit a buffer of %zu",
                       codecs[id].name, src_len, dst_cap);
    return codecs[id].encode(codec, &b, out_len, err);
}
