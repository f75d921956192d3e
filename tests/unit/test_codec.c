/* test_codec.c - every codec: round trip, exact sizes, damage, framings, allocation faults. */
#include "support/support.h"

#include "codec/codec.h"

static const int written[] = {VJ_CODEC_NONE, VJ_CODEC_SNAPPY, VJ_CODEC_GZIP,
                              VJ_CODEC_BROTLI, VJ_CODEC_ZSTD, VJ_CODEC_LZ4_RAW};

typedef struct sample {
    uint8_t plain[5000];
    uint8_t packed[16384];
    size_t plain_len, packed_len;
} sample;

static void fill(uint8_t *dst, size_t len)
{
    for (size_t i = 0; i < len; i++)
        dst[i] = (uint8_t)("ACGT\tchr1"[i * i % 9] + (i % 7 == 0));
}

static vj_status pack(vj_codec *codec, int id, size_t len, sample *s, vj_error *err)
{
    fill(s->plain, len);
    s->plain_len = len;
    assert_true(vj_codec_encoded_max(id, len) <= sizeof s->packed);
    return vj_codec_encode(codec, id, 0, s->plain, len, s->packed, sizeof s->packed,
                           &s->packed_len, err);
}

static void blocks_come_back_equal(void **state)
{
    (void)state;
    static const size_t lens[] = {0, 1, 7, 64, 5000};
    static sample s;
    uint8_t back[5000];
    vj_error err = {0};
    vj_codec *codec = NULL;

    assert_ok(vj_codec_new(NULL, &codec, &err), &err);
    for (size_t c = 0; c < VJ_COUNT(written); c++)
        for (size_t l = 0; l < VJ_COUNT(lens); l++) {
            assert_ok(pack(codec, written[c], lens[l], &s, &err), &err);
            assert_true(s.plain_len <= vj_codec_decoded_max(written[c], s.packed_len));
            assert_ok(vj_codec_decode(codec, written[c], s.packed, s.packed_len, back, lens[l],
                                      &err),
                      &err);
            assert_memory_equal(back, s.plain, lens[l] > 0 ? lens[l] : 1);
        }
    vj_codec_free(codec);
}

static void a_size_that_is_not_the_blocks_is_corrupt(void **state)
{
    (void)state;
    static sample s;
    uint8_t back[5001];
    vj_codec *codec = NULL;
    vj_error err = {0};

    assert_ok(vj_codec_new(NULL, &codec, &err), &err);
    for (size_t c = 0; c < VJ_COUNT(written); c++) {
        assert_ok(pack(codec, written[c], 5000, &s, &err), &err);
        for (size_t len = 4999; len <= 5001; len += 2) {
            assert_int_equal(vj_codec_decode(codec, written[c], s.packed, s.packed_len, back, len,
                                             &err),
                             VJ_E_CORRUPT);
            assert_non_null(strstr(err.text, "block"));
        }
    }
    vj_codec_free(codec);
}

static void a_cut_block_is_corrupt(void **state)
{
    (void)state;
    static sample s;
    uint8_t back[5000];
    vj_codec *codec = NULL;
    vj_error err = {0};

    assert_ok(vj_codec_new(NULL, &codec, &err), &err);
    for (size_t c = 0; c < VJ_COUNT(written); c++) {
        assert_ok(pack(codec, written[c], 300, &s, &err), &err);
        for (size_t len = 0; len < s.packed_len; len++) {
            uint8_t *cut = vj_alloc(NULL, len, &err); /* exact size: a read beyond is seen */

            memcpy(cut, s.packed, len);
            assert_int_equal(vj_codec_decode(codec, written[c], cut, len, back, 300, &err),
                             VJ_E_CORRUPT);
            vj_free(cut);
        }
    }
    vj_codec_free(codec);
}

static void changed_bytes_never_crash(void **state)
{
    (void)state;
    static sample s;
    uint8_t back[300];
    vj_codec *codec = NULL;
    vj_error err = {0};

    assert_ok(vj_codec_new(NULL, &codec, &err), &err);
    for (size_t c = 0; c < VJ_COUNT(written); c++) {
        assert_ok(pack(codec, written[c], 300, &s, &err), &err);
        for (size_t i = 0; i < s.packed_len * 8; i++) {
            s.packed[i / 8] ^= (uint8_t)(1u << (i % 8));
            vj_status rc =
                vj_codec_decode(codec, written[c], s.packed, s.packed_len, back, 300, &err);
            assert_true(rc == VJ_OK || rc == VJ_E_CORRUPT || rc == VJ_E_NOMEM);
            s.packed[i / 8] ^= (uint8_t)(1u << (i % 8));
        }
    }
    vj_codec_free(codec);
}

static void gzip_members_in_a_row_are_one_block(void **state)
{
    (void)state;
    static sample s;
    uint8_t two[2048];
    uint8_t back[600];
    vj_codec *codec = NULL;
    vj_error err = {0};

    assert_ok(vj_codec_new(NULL, &codec, &err), &err);
    assert_ok(pack(codec, VJ_CODEC_GZIP, 300, &s, &err), &err);
    memcpy(two, s.packed, s.packed_len);
    memcpy(two + s.packed_len, s.packed, s.packed_len);
    assert_ok(vj_codec_decode(codec, VJ_CODEC_GZIP, two, 2 * s.packed_len, back, 600, &err), &err);
    assert_memory_equal(back, s.plain, 300);
    assert_memory_equal(back + 300, s.plain, 300);
    two[2 * s.packed_len] = 7;
    assert_int_equal(
        vj_codec_decode(codec, VJ_CODEC_GZIP, two, 2 * s.packed_len + 1, back, 600, &err),
        VJ_E_CORRUPT);
    vj_codec_free(codec);
}

/* Some writers put zlib's wrapper where gzip's belongs; its checksum is held all the same. */
static void gzip_may_have_the_wrapper_of_zlib(void **state)
{
    (void)state;
    uint8_t packed[] = {0x78, 0x9c, 0x4b, 0x4c, 0xc4, 0x04, 0x00, 0x4f, 0xa6, 0x07, 0x95};
    char back[20];
    vj_codec *codec = NULL;
    vj_error err = {0};

    assert_ok(vj_codec_new(NULL, &codec, &err), &err);
    assert_ok(vj_codec_decode(codec, VJ_CODEC_GZIP, packed, sizeof packed, back, 20, &err), &err);
    assert_memory_equal(back, "aaaaaaaaaaaaaaaaaaaa", 20);
    packed[10] ^= 1;
    assert_int_equal(vj_codec_decode(codec, VJ_CODEC_GZIP, packed, sizeof packed, back, 20, &err),
                     VJ_E_CORRUPT);
    vj_codec_free(codec);
}

static size_t put_be32(uint8_t *dst, size_t value)
{
    for (int i = 0; i < 4; i++)
        dst[i] = (uint8_t)(value >> (24 - 8 * i));
    return 4;
}

static void lz4_is_read_framed_and_bare(void **state)
{
    (void)state;
    static sample s;
    uint8_t framed[2048];
    uint8_t back[600];
    vj_codec *codec = NULL;
    vj_error err = {0};
    size_t n = 0;

    assert_ok(vj_codec_new(NULL, &codec, &err), &err);
    assert_ok(pack(codec, VJ_CODEC_LZ4_RAW, 300, &s, &err), &err);
    assert_ok(vj_codec_decode(codec, VJ_CODEC_LZ4, s.packed, s.packed_len, back, 300, &err), &err);
    assert_memory_equal(back, s.plain, 300);
    /* one outer block of two inner ones */
    n += put_be32(framed, 600);
    for (int i = 0; i < 2; i++) {
        n += put_be32(framed + n, s.packed_len);
        memcpy(framed + n, s.packed, s.packed_len);
        n += s.packed_len;
    }
    assert_ok(vj_codec_decode(codec, VJ_CODEC_LZ4, framed, n, back, 600, &err), &err);
    assert_memory_equal(back + 300, s.plain, 300);
    vj_codec_free(codec);
}

static void other_codecs_are_refused_by_name(void **state)
{
    (void)state;
    vj_codec *codec = NULL;
    vj_error err = {0};
    uint8_t bytes[8] = {0};
    size_t n = 0;

    assert_ok(vj_codec_new(NULL, &codec, &err), &err);
    assert_int_equal(vj_codec_decode(codec, VJ_CODEC_LZO, bytes, 8, bytes, 8, &err),
                     VJ_E_UNSUPPORTED);
    assert_string_equal(err.text, "codec 3 (LZO) is not read");
    assert_int_equal(vj_codec_decode(codec, 99, bytes, 8, bytes, 8, &err), VJ_E_UNSUPPORTED);
    assert_string_equal(err.text, "codec 99 (UNKNOWN) is not read");
    assert_int_equal(vj_codec_encode(codec, VJ_CODEC_LZ4, 0, bytes, 8, bytes, 8, &n, &err),
                     VJ_E_UNSUPPORTED);
    vj_codec_free(codec);
}

static vj_status round_trip_all(void *arg, vj_error *err)
{
    static sample s;
    uint8_t back[300];
    vj_codec *codec = NULL;
    vj_status rc = VJ_OK;

    (void)arg;
    VJ_GO(rc, vj_codec_new(NULL, &codec, err));
    for (size_t c = 0; c < VJ_COUNT(written); c++) {
        VJ_GO(rc, pack(codec, written[c], 300, &s, err));
        VJ_GO(rc, vj_codec_decode(codec, written[c], s.packed, s.packed_len, back, 300, err));
    }
out:
    vj_codec_free(codec);
    return rc;
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    sweep_allocations(round_trip_all, NULL);
}

static void contexts_are_charged_to_the_budget(void **state)
{
    (void)state;
    static sample s;
    vj_budget budget;
    vj_codec *codec = NULL;
    vj_error err = {0};

    vj_budget_init(&budget, 12 << 10);
    assert_ok(vj_codec_new(&budget, &codec, &err), &err);
    assert_int_equal(pack(codec, VJ_CODEC_ZSTD, 300, &s, &err), VJ_E_NOMEM);
    assert_int_equal(pack(codec, VJ_CODEC_GZIP, 300, &s, &err), VJ_E_NOMEM);
    vj_codec_free(codec);
    assert_int_equal(atomic_load(&budget.used_bytes), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_come_back_equal),
        cmocka_unit_test(a_size_that_is_not_the_blocks_is_corrupt),
        cmocka_unit_test(a_cut_block_is_corrupt),
        cmocka_unit_test(changed_bytes_never_crash),
        cmocka_unit_test(gzip_members_in_a_row_are_one_block),
        cmocka_unit_test(gzip_may_have_the_wrapper_of_zlib),
        cmocka_unit_test(lz4_is_read_framed_and_bare),
        cmocka_unit_test(other_codecs_are_refused_by_name),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(contexts_are_charged_to_the_budget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
