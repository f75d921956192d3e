/*
 * fuzz_pages.c - one column chunk under a footer that is made to fit it, so that mutation reaches
 * page heads, levels and values:
 *
 *   physical type | shape | type length | codec | n rows (2) | n values (2) | flags | chunk
 *
 * flags: bit 0: the chunk begins with a dictionary page, as the footer has it; bit 7: the heads are
 * made here, right by Thrift, of pages as put_page() reads them.
 */
#include <stdlib.h>

#include "parquet/thrift_write.h"
#include "support/pq_read_all.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(vj_status rc)
{
    if (rc != VJ_OK)
        abort();
}

/*
 * type | encoding | n values (2) | n nulls | n rows | def bytes | rep bytes | is compressed |
 * n body bytes (2) | body. Returns how much it took.
 */
static size_t put_page(vj_buf *to, const uint8_t *at, size_t left)
{
    size_t n_body = VJ_MIN((size_t)(at[9] | at[10] << 8), left - 11);
    vj_tw tw = vj_tw_begin(to, NULL);
    int type = at[0] % 4;

    vj_tw_i32(&tw, 1, type);
    vj_tw_i32(&tw, 2, (int64_t)n_body + (at[8] >> 4));
    vj_tw_i32(&tw, 3, (int64_t)n_body);
    vj_tw_struct(&tw, type == 0 ? 5 : type == 2 ? 7 : 8);
    vj_tw_i32(&tw, 1, at[2] | at[3] << 8);
    if (type == 0) {
        vj_tw_i32(&tw, 2, at[1] % 11);
        vj_tw_i32(&tw, 3, at[6] % 2 + 3); /* RLE or BIT_PACKED */
        vj_tw_i32(&tw, 4, at[7] % 2 + 3);
    } else if (type == 2) {
        vj_tw_i32(&tw, 2, at[1] % 4);
    } else {
        vj_tw_i32(&tw, 2, at[4]);
        vj_tw_i32(&tw, 3, at[5]);
        vj_tw_i32(&tw, 4, at[1] % 11);
        vj_tw_i32(&tw, 5, at[6]);
        vj_tw_i32(&tw, 6, at[7]);
        vj_tw_bool(&tw, 7, (at[8] & 1) != 0);
    }
    vj_tw_struct_end(&tw);
    must(vj_tw_end(&tw));
    must(vj_buf_append(to, at + 11, n_body, NULL));
    return 11 + n_body;
}

/* repetition -1: none; physical -1: a group. */
static void put_element(vj_tw *tw, const char *name, int repetition, int physical, int length,
                        int n_children)
{
    vj_tw_item(tw);
    if (physical >= 0)
        vj_tw_i32(tw, 1, physical);
    if (physical == 7)
        vj_tw_i32(tw, 2, length);
    if (repetition >= 0)
        vj_tw_i32(tw, 3, repetition);
    vj_tw_binary(tw, 4, vj_span_of(name));
    if (n_children > 0)
        vj_tw_i32(tw, 5, n_children);
    if (n_children > 0 && repetition >= 0 && strcmp(name, "list") != 0)
        vj_tw_i32(tw, 6, 3); /* LIST */
    vj_tw_struct_end(tw);
}

/* shape 0: required, 1: optional, 2: optional list of optional, 3: list of lists, 4: repeated. */
static void put_schema(vj_tw *tw, int shape, int physical, int length)
{
    static const size_t n_elements[] = {2, 2, 4, 6, 2};

    vj_tw_list(tw, 2, VJ_TW_STRUCT, n_elements[shape]);
    put_element(tw, "root", -1, -1, 0, 1);
    for (int i = 2; i <= shape && shape < 4; i++) {
        put_element(tw, "x", 1, -1, 0, 1);
        put_element(tw, "list", 2, -1, 0, 1);
    }
    put_element(tw, "x", shape == 0 ? 0 : shape == 4 ? 2 : 1, physical, length, 0);
}

static void put_path(vj_tw *tw, int shape)
{
    size_t n = shape == 2 ? 3 : shape == 3 ? 5 : 1;

    vj_tw_list(tw, 3, VJ_TW_BINARY, n);
    for (size_t i = 0; i < n; i++)
        vj_tw_item_binary(tw, vj_span_of(i % 2 == 0 ? "x" : "list"));
}

static void put_footer(vj_buf *to, const uint8_t *head, int64_t chunk_bytes)
{
    vj_tw tw = vj_tw_begin(to, NULL);
    int shape = head[1] % 5;
    int64_t n_rows = head[4] | head[5] << 8;
    /* where data pages begin is not looked at: the reader walks from the dictionary on */
    int64_t data_off = (head[8] & 1) != 0 ? VJ_MIN((int64_t)5, 4 + chunk_bytes) : 4;

    vj_tw_i32(&tw, 1, 2);
    put_schema(&tw, shape, head[0] % 8, 1 + head[2]);
    vj_tw_i64(&tw, 3, n_rows);
    vj_tw_list(&tw, 4, VJ_TW_STRUCT, 1);
    vj_tw_item(&tw);
    vj_tw_list(&tw, 1, VJ_TW_STRUCT, 1);
    vj_tw_item(&tw);
    vj_tw_i64(&tw, 2, 4);
    vj_tw_struct(&tw, 3);
    vj_tw_i32(&tw, 1, head[0] % 8);
    vj_tw_list(&tw, 2, VJ_TW_I32, 1);
    vj_tw_item_int(&tw, 0);
    put_path(&tw, shape);
    vj_tw_i32(&tw, 4, head[3] % 8);
    vj_tw_i64(&tw, 5, head[6] | head[7] << 8);
    vj_tw_i64(&tw, 6, chunk_bytes);
    vj_tw_i64(&tw, 7, chunk_bytes);
    vj_tw_i64(&tw, 9, data_off);
    if ((head[8] & 1) != 0)
        vj_tw_i64(&tw, 11, 4);
    vj_tw_struct_end(&tw);
    vj_tw_struct_end(&tw);
    vj_tw_i64(&tw, 2, chunk_bytes);
    vj_tw_i64(&tw, 3, n_rows);
    vj_tw_struct_end(&tw);
    must(vj_tw_end(&tw));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    vj_buf file = {0};
    vj_budget budget;
    vj_error err = {0};

    if (len < 9)
        return 0;
    must(vj_buf_append(&file, "PAR1", 4, NULL));
    if ((data[8] & 0x80) != 0)
        for (size_t at = 9; len - at >= 11;)
            at += put_page(&file, data + at, len - at);
    else
        must(vj_buf_append(&file, data + 9, len - 9, NULL));
    size_t beg = file.len_bytes;
    put_footer(&file, data, (int64_t)beg - 4);
    size_t n_footer = file.len_bytes - beg;
    for (int i = 0; i < 4; i++)
        must(vj_buf_push(&file, (uint8_t)(n_footer >> (8 * i)), NULL));
    must(vj_buf_append(&file, "PAR1", 4, NULL));

    vj_budget_init(&budget, (int64_t)64 << 20);
    vj_status rc = pq_read_all("input", file.ptr, file.len_bytes, &budget, &err);
    vj_buf_fini(&file);
    if (atomic_load(&budget.used_bytes) != 0 || rc == VJ_E_BUG ||
        (rc != VJ_OK && rc != VJ_E_NOMEM && strstr(err.text, "input") == NULL))
        abort();
    return 0;
}
