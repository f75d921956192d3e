#include "hts/append.h"

static vj_status fill_offsets(vj_colb *b, size_t n, vj_error *err)
{
    int32_t last = 0;

    VJ_TRY(vj_buf_reserve(&b->offs, (n + 1) * sizeof last, err));
    if (b->offs.len_bytes == 0) {
        memcpy(b->offs.ptr, &last, sizeof last);
        b->offs.len_bytes = sizeof last;
    }
    memcpy(&last, b->offs.ptr + b->offs.len_bytes - sizeof last, sizeof last);
    int32_t *to = (int32_t *)(void *)(b->offs.ptr + b->offs.len_bytes);
    for (size_t i = 0; i < n; i++)
        to[i] = last;
    b->offs.len_bytes += n * sizeof last;
    return VJ_OK;
}

/* Clear bits [beg, end). */
static void clear_bits(uint8_t *bits, int64_t beg, int64_t end)
{
    for (; beg < end && (beg & 7) != 0; beg++)
        vj_bit_clear(bits, beg);
    if (end - beg >= 8) {
        memset(bits + (beg >> 3), 0, (size_t)((end - beg) >> 3));
        beg += (end - beg) & ~(int64_t)7;
    }
    for (; beg < end; beg++)
        vj_bit_clear(bits, beg);
}

vj_status vj_append_fill(vj_colb *b, int64_t n_rows, vj_error *err)
{
    int64_t n = n_rows - b->n_rows;

    if (n <= 0)
        return VJ_OK;
    if (b->type.kind == VJ_BOOL) {
        VJ_TRY(app_widen(&b->data, n_rows, 0, err));
        b->n_rows = n_rows;
        return VJ_OK;
    }
    if (b->type.kind == VJ_TEXT || b->type.kind == VJ_LIST) {
        VJ_TRY(fill_offsets(b, (size_t)n, err));
    } else {
        size_t bytes = (size_t)n * vj_type_width(&b->type);

        VJ_TRY(vj_buf_reserve(&b->data, bytes, err));
        memset(b->data.ptr + b->data.len_bytes, 0, bytes);
        b->data.len_bytes += bytes;
    }
    VJ_TRY(app_widen(&b->valid, n_rows, 0xff, err));
    clear_bits(b->valid.ptr, b->n_rows, n_rows);
    b->n_nulls += n;
    b->n_rows = n_rows;
    return VJ_OK;
}
