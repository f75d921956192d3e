#include "native/placement.h"

vj_status vj_placement_find(vj_placement *p, const int32_t *rows, int64_t n, int64_t n_payload,
                            vj_error *err)
{
    size_t bytes = (size_t)(n + 63) / 64 * 8;
    int64_t next = 0;
    bool in_order = true;

    p->rows = rows;
    p->n = n;
    vj_buf_reset(&p->where);
    VJ_TRY(vj_buf_reserve(&p->where, bytes + 8, err));
    for (int64_t i = 0; i < n; i += 64) {
        uint64_t word = 0;

        for (int64_t k = i; k < VJ_MIN(i + 64, n); k++) {
            bool on = rows[k] >= 0;

            in_order &= !on || rows[k] == next;
            next += on;
            word |= (uint64_t)on << (k - i);
        }
        memcpy(p->where.ptr + (i >> 3), &word, sizeof word);
    }
    p->in_order = in_order && next == n_payload;
    p->whole = p->in_order && next == n;
    return VJ_OK;
}

vj_status vj_placement_column(const vj_placement *p, vj_colb *payload, vj_colb *dst, vj_col *out,
                              vj_error *err)
{
    bool flat = payload->type.kind != VJ_LIST && payload->type.kind != VJ_STRUCT;

    if (p->whole) {
        *out = vj_colb_view(payload);
        return VJ_OK;
    }
    vj_colb_reset(dst);
    if (p->in_order && flat) {
        VJ_TRY(vj_colb_spread(dst, payload, p->where.ptr, p->n, err));
    } else {
        vj_col from = vj_colb_view(payload);

        VJ_TRY(vj_colb_gather(dst, &from, p->rows, p->n, err));
    }
    *out = vj_colb_view(dst);
    return VJ_OK;
}
