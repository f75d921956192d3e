#include "support/bgzf_make.h"

#include <zlib.h>

static void add(vj_buf *to, const void *bytes, size_t len_bytes)
{
    assert_int_equal(vj_buf_append(to, bytes, len_bytes, NULL), VJ_OK);
}

static void add_number(vj_buf *to, uint32_t value, int n_bytes)
{
    for (int i = 0; i < n_bytes; i++, value >>= 8)
        assert_int_equal(vj_buf_push(to, (uint8_t)value, NULL), VJ_OK);
}

static size_t deflate_into(uint8_t *dst, size_t cap, const void *bytes, size_t len_bytes,
                           int window_bits)
{
    z_stream z = {0};

    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)bytes;
    z.avail_in = (uInt)len_bytes;
    z.next_out = dst;
    z.avail_out = (uInt)cap;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t n = z.total_out;
    deflateEnd(&z);
    return n;
}

void bgzf_add_block(vj_buf *to, const void *bytes, size_t len_bytes)
{
    static uint8_t data[70000];
    size_t n = deflate_into(data, sizeof data, bytes, len_bytes, -15);

    add(to, "\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0", 16);
    add_number(to, (uint32_t)(n + 18 + 8 - 1), 2);
    add(to, data, n);
    add_number(to, (uint32_t)crc32(0, bytes, (uInt)len_bytes), 4);
    add_number(to, (uint32_t)len_bytes, 4);
}

void gzip_add_member(vj_buf *to, const void *bytes, size_t len_bytes)
{
    static uint8_t data[200000];

    add(to, data, deflate_into(data, sizeof data, bytes, len_bytes, 15 + 16));
}
