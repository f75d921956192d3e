/*
 * fuzz_gzip.c - members of gzip and blocks of BGZF whose frames the input makes and whose data is
 * stored, so that mutation gets behind the checksums. Each member:
 *
 *   how | FLG | n header bytes (2) | n data bytes (2) | header bytes | data
 *
 * how: bits 0-1: 0 a BGZF block, 1 a header as FLG and the bytes say, 2 bytes as they are, 3 the
 * end block; bit 4: wrong CRC, bit 5: wrong size, bit 6: wrong BSIZE. Whole and piece by piece
 * must read the same.
 */
#include <stdlib.h>

#include "hts/textin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(vj_status rc)
{
    if (rc != VJ_OK)
        abort();
}

static void put(vj_buf *to, const void *ptr, size_t n)
{
    must(vj_buf_append(to, ptr, n, NULL));
}

static void put_number(vj_buf *to, uint64_t value, int n_bytes)
{
    for (int i = 0; i < n_bytes; i++, value >>= 8)
        must(vj_buf_push(to, (uint8_t)value, NULL));
}

/* One stored DEFLATE block, CRC and size. */
static void put_stored(vj_buf *to, const uint8_t *ptr, size_t n, unsigned how)
{
    must(vj_buf_push(to, 1, NULL));
    put_number(to, n, 2);
    put_number(to, ~n, 2);
    put(to, ptr, n);
    put_number(to, vj_crc32(ptr, n) ^ (how >> 4 & 1), 4);
    put_number(to, n ^ (how >> 5 & 1), 4);
}

static void put_bgzf(vj_buf *to, const uint8_t *extra, size_t n_extra, const uint8_t *ptr,
                     size_t n, unsigned how)
{
    size_t n_block = 12 + n_extra + 6 + 5 + n + 8;

    put(to, "\x1f\x8b\x08\x04\0\0\0\0\0\xff", 10);
    put_number(to, n_extra + 6, 2);
    put(to, extra, n_extra);
    put(to, "BC\x02\0", 4);
    put_number(to, n_block - 1 - (how >> 6 & 1), 2);
    put_stored(to, ptr, n, how);
}

static void make_file(vj_buf *to, const uint8_t *at, size_t left)
{
    while (left >= 6) {
        unsigned how = at[0];
        size_t n_head = VJ_MIN((size_t)(at[2] | at[3] << 8), left - 6);
        size_t n_data = VJ_MIN((size_t)(at[4] | at[5] << 8), left - 6 - n_head);
        const uint8_t *head = at + 6;

        switch (how & 3) {
        case 0: put_bgzf(to, head, VJ_MIN(n_head, (size_t)256), head + n_head, n_data, how); break;
        case 1:
            put(to, "\x1f\x8b\x08", 3);
            must(vj_buf_push(to, at[1], NULL));
            put(to, "\0\0\0\0\0\xff", 6);
            put(to, head, n_head);
            put_stored(to, head + n_head, n_data, how);
            break;
        case 2: put(to, head, n_head + n_data); break;
        default: put_bgzf(to, NULL, 0, NULL, 0, 0); break;
        }
        at += 6 + n_head + n_data;
        left -= 6 + n_head + n_data;
    }
}

static vj_status read_whole(const vj_buf *file, bool allow, vj_budget *budget, vj_buf *text,
                            vj_error *err)
{
    vj_input *input = NULL;
    vj_textin *in = NULL;
    vj_status rc = VJ_OK;
    bool at_end = false;

    VJ_GO(rc, vj_input_memory("input", file->ptr, file->len_bytes, &input, err));
    VJ_GO(rc, vj_textin_open(input, allow, budget, &in, err));
    while (!at_end)
        VJ_GO(rc, vj_textin_read(in, text, &at_end, err));
out:
    vj_textin_free(in);
    return rc;
}

static vj_status read_pieces(const vj_buf *file, bool allow, vj_budget *budget, vj_buf *text,
                             bool *is_bgzf, vj_error *err)
{
    vj_input *input = NULL;
    vj_textin *in = NULL;
    vj_inflater *inflater = NULL;
    vj_buf raw = {.budget = budget};
    vj_bgzf_pieces pieces = {.list.budget = budget};
    vj_status rc = VJ_OK;
    bool at_end = false;

    VJ_GO(rc, vj_inflater_new(&inflater, err));
    VJ_GO(rc, vj_input_memory("input", file->ptr, file->len_bytes, &input, err));
    VJ_GO(rc, vj_textin_open(input, allow, budget, &in, err));
    *is_bgzf = vj_textin_wrapping(in) == VJ_WRAP_BGZF;
    while (*is_bgzf && !at_end) {
        VJ_VEC_RESET(&pieces.list);
        vj_buf_reset(&raw);
        VJ_GO(rc, vj_textin_take(in, 100, &raw, &pieces, &at_end, err));
        for (size_t i = 0; i < pieces.list.n; i++)
            VJ_GO(rc, vj_bgzf_inflate("input", raw.ptr, &pieces.list.ptr[i], inflater, text,
                                      err));
    }
out:
    vj_textin_free(in);
    vj_inflater_free(inflater);
    VJ_VEC_FINI(&pieces.list);
    vj_buf_fini(&raw);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    vj_budget budget;
    vj_error err = {0};
    vj_buf file = {0};
    bool is_bgzf = false;

    vj_budget_init(&budget, (int64_t)64 << 20);
    vj_buf whole = {.budget = &budget};
    vj_buf parts = {.budget = &budget};
    make_file(&file, data, len);
    vj_status rc = read_whole(&file, len % 2 == 0, &budget, &whole, &err);
    if (rc == VJ_E_BUG || (rc == VJ_E_CORRUPT && strstr(err.text, "input") == NULL))
        abort();
    vj_status rc2 = read_pieces(&file, len % 2 == 0, &budget, &parts, &is_bgzf, &err);
    if (is_bgzf && (rc != rc2 || (rc == VJ_OK && !vj_span_eq(vj_buf_span(&whole),
                                                             vj_buf_span(&parts)))))
        abort();
    vj_buf_fini(&file);
    vj_buf_fini(&whole);
    vj_buf_fini(&parts);
    if (atomic_load(&budget.used_bytes) != 0)
        abort();
    return 0;
}
