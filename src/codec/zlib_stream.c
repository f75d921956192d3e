#include "codec/zlib_stream.h"

#include <libdeflate.h>

vj_status vj_codec_zlib_decode(vj_span stream, size_t max_bytes, vj_buf *out, vj_error *err)
{
    struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
    enum libdeflate_result result = LIBDEFLATE_INSUFFICIENT_SPACE;
    size_t cap = VJ_MIN(VJ_MAX(stream.len_bytes * 8, 4096), max_bytes);
    vj_status rc = VJ_OK;
    size_t used = 0;
    size_t got = 0;

    if (inflater == NULL)
        return vj_fail(err, VJ_E_NOMEM, "no memory for a zlib decoder");
    for (;;) {
        VJ_GO(rc, vj_buf_reserve(out, cap, err));
        result = libdeflate_zlib_decompress_ex(inflater, stream.ptr, stream.len_bytes,
                                               out->ptr + out->len_bytes, cap, &used, &got);
        if (result != LIBDEFLATE_INSUFFICIENT_SPACE || cap == max_bytes)
            break;
        cap = cap > max_bytes / 4 ? max_bytes : cap * 4;
    }
    if (result == LIBDEFLATE_INSUFFICIENT_SPACE)
        rc = vj_fail(err, VJ_E_CORRUPT, "a zlib stream of %zu bytes holds more than the %zu bytes "
                     "allowed", stream.len_bytes, max_bytes);
    else if (result != LIBDEFLATE_SUCCESS)
        rc = vj_fail(err, VJ_E_CORRUPT, "%zu bytes are not a zlib stream, or are damaged",
                     stream.len_bytes);
    else if (used != stream.len_bytes)
        rc = vj_fail(err, VJ_E_CORRUPT, "a zlib stream ends after %zu of %zu bytes", used,
                     stream.len_bytes);
    else
        out->len_bytes += got;
out:
    libdeflate_free_decompressor(inflater);
    return rc;
}

vj_status vj_codec_zlib_encode(vj_span bytes, vj_buf *out, vj_error *err)
{
    struct libdeflate_compressor *deflater = libdeflate_alloc_compressor(6);
    vj_status rc = VJ_OK;

    if (deflater == NULL)
        return vj_fail(err, VJ_E_NOMEM, "no memory for a zlib encoder");
    size_t cap = libdeflate_zlib_compress_bound(deflater, bytes.len_bytes);
    VJ_GO(rc, vj_buf_reserve(out, cap, err));
    out->len_bytes += libdeflate_zlib_compress(deflater, bytes.ptr, bytes.len_bytes,
                                               out->ptr + out->len_bytes, cap);
out:
    libdeflate_free_compressor(deflater);
    return rc;
}
