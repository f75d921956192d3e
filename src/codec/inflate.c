#include "codec/inflate.h"

#include <libdeflate.h>
#include <zlib.h>

struct vj_inflater {
    struct libdeflate_decompressor *impl;
};

vj_status vj_inflater_new(vj_inflater **out, vj_error *err)
{
    vj_inflater *inflater = vj_zalloc(NULL, sizeof *inflater, err);

    *out = NULL;
    if (inflater == NULL)
        return VJ_E_NOMEM;
    if ((inflater->impl = libdeflate_alloc_decompressor()) == NULL) {
        vj_free(inflater);
        return vj_fail(err, VJ_E_NOMEM, "no memory for a DEFLATE decoder");
    }
    *out = inflater;
    return VJ_OK;
}

void vj_inflater_free(vj_inflater *inflater)
{
    if (inflater == NULL)
        return;
    libdeflate_free_decompressor(inflater->impl);
    vj_free(inflater);
}

bool vj_inflater_run(vj_inflater *inflater, const void *src, size_t src_bytes, void *dst,
                     size_t dst_bytes)
{
    size_t in_done = 0;
    size_t out_done = 0;
    enum libdeflate_result rc = libdeflate_deflate_decompress_ex(
        inflater->impl, src, src_bytes, dst, dst_bytes, &in_done, &out_done);

    return rc == LIBDEFLATE_SUCCESS && in_done == src_bytes && out_done == dst_bytes;
}

uint32_t vj_crc32(const void *ptr, size_t len_bytes)
{
    return libdeflate_crc32(0, ptr, len_bytes);
}

struct vj_gunzip {
    z_stream stream;
    vj_budget *budget;
    bool started; /* the stream is initialised */
    bool between; /* at the edge of a member */
};

static void *zlib_alloc(void *opaque, unsigned n, unsigned item_bytes)
{
    const vj_gunzip *gunzip = opaque;

    return vj_calloc(gunzip->budget, n, item_bytes, NULL);
}

static void zlib_free(void *opaque, void *ptr)
{
    (void)opaque;
    vj_free(ptr);
}

vj_status vj_gunzip_new(vj_budget *budget, vj_gunzip **out, vj_error *err)
{
    vj_gunzip *gunzip = vj_zalloc(budget, sizeof *gunzip, err);

    *out = NULL;
    if (gunzip == NULL)
        return VJ_E_NOMEM;
    gunzip->budget = budget;
    gunzip->between = true;
    gunzip->stream.zalloc = zlib_alloc;
    gunzip->stream.zfree = zlib_free;
    gunzip->stream.opaque = gunzip;
    /* 15 bits of window, +16: a gzip wrapper and nothing else */
    if (inflateInit2(&gunzip->stream, 15 + 16) != Z_OK) {
        vj_free(gunzip);
        return vj_fail(err, VJ_E_NOMEM, "no memory for a gzip decoder");
    }
    gunzip->started = true;
    *out = gunzip;
    return VJ_OK;
}

void vj_gunzip_free(vj_gunzip *gunzip)
{
    if (gunzip == NULL)
        return;
    if (gunzip->started)
        inflateEnd(&gunzip->stream);
    vj_free(gunzip);
}

vj_status vj_gunzip_run(vj_gunzip *gunzip, const void *src, size_t src_bytes, size_t *in_done,
                        void *dst, size_t dst_bytes, size_t *out_done, bool *between,
                        vj_error *err)
{
    z_stream *z = &gunzip->stream;
    /* zlib counts in unsigned int; callers' pieces are far smaller */
    unsigned in_now = (unsigned)VJ_MIN(src_bytes, (size_t)1 << 30);
    unsigned out_now = (unsigned)VJ_MIN(dst_bytes, (size_t)1 << 30);

    z->next_in = (z_const Bytef *)(uintptr_t)src;
    z->avail_in = in_now;
    z->next_out = dst;
    z->avail_out = out_now;
    /* output may still be inside zlib when the input is used up */
    while (z->avail_out > 0 && (z->avail_in > 0 || !gunzip->between)) {
        gunzip->between = false;
        int rc = inflate(z, Z_NO_FLUSH);

        if (rc == Z_STREAM_END) {
            gunzip->between = true;
            inflateReset(z); /* keeps next_in: the next member follows */
        } else if (rc == Z_BUF_ERROR) {
            break; /* no progress without more input */
        } else if (rc == Z_MEM_ERROR) {
            return vj_fail(err, VJ_E_NOMEM, "no memory for a gzip decoder");
        } else if (rc != Z_OK) {
            return vj_fail(err, VJ_E_CORRUPT, "%s", z->msg != NULL ? z->msg : "broken data");
        }
    }
    *in_done = in_now - z->avail_in;
    *out_done = out_now - z->avail_out;
    *between = gunzip->between;
    return VJ_OK;
}
