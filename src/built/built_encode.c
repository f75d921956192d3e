/*
 * built_encode.c - logical rows to the physical columns of a layout. Whatever the rows hold, a
 * value that no meaning tells goes to the side column.
 */
#include "built/built_parts.h"

struct vj_built_encoder {
    const vj_built *built;
    vj_budget *budget;
    vj_colb *physical; /* those that are made here */
    vj_col *cols;
    vj_map *values;    /* of each logical column */
    uint64_t *packs;   /* one row of words for the pack at hand */
    uint8_t *codes;
    int64_t cap_rows;
};

/* ---- codes ---- */

/* Codes of the meanings that need no look at a value; -1: the list has none. */
typedef struct special_codes {
    int null_code, ref_code, alt_code, side_code;
    bool spans;
} special_codes;

static vj_status learn(const vj_built_column *c, vj_map *values, special_codes *s, vj_error *err)
{
    bool fill = values->n == 0;

    *s = (special_codes){-1, -1, -1, -1, false};
    for (int32_t i = c->n_meanings - 1; i >= 0; i--) {
        const vj_meaning *m = &c->meanings[i];
        vj_span key = {(const char *)&m->number, sizeof m->number};

        switch (m->kind) {
        case VJ_MEANS_NULL:
            s->null_code = i;
            continue;
        case VJ_MEANS_REF:
            s->ref_code = i;
            continue;
        case VJ_MEANS_ALT:
            s->alt_code = i;
            continue;
        case VJ_MEANS_SIDE:
            s->side_code = i;
            continue;
        case VJ_MEANS_SPAN:
            s->spans = true;
            break;
        case VJ_MEANS_VALUE:
            break;
        }
        if (fill)
            VJ_TRY(vj_map_put(values, built_is_text(&c->field.type) ? m->text : key, i, NULL,
                              NULL, err));
    }
    if (s->null_code < 0)
        s->null_code = s->side_code;
    return VJ_OK;
}

static vj_status no_code(const vj_built_column *c, int64_t row, vj_error *err)
{
    return vj_fail(err, VJ_E_SCHEMA, "column %s: row %lld of a batch has a value that the layout "
                   "has no place for", c->field.name, (long long)row);
}

static vj_status text_codes(const vj_built *b, const vj_built_column *c, const vj_batch *rows,
                            const vj_col *col, const vj_map *values, const special_codes *s,
                            uint8_t *codes, vj_error *err)
{
    const vj_col *ref = &rows->cols[b->ref_i];
    const vj_col *alt = &rows->cols[b->alt_i];
    vj_span last = {NULL, 0};
    int last_code = -1;

    for (int64_t i = 0; i < rows->n_rows; i++) {
        int code = s->null_code;

        if (!vj_col_is_null(col, i)) {
            vj_span text = vj_col_bytes(col, i);

            if (last_code >= 0 && vj_span_eq(text, last)) {
                code = last_code;
            } else if (s->ref_code >= 0 && vj_span_eq(text, vj_col_bytes(ref, i))) {
                code = s->ref_code;
            } else if (s->alt_code >= 0 && vj_span_eq(text, vj_col_bytes(alt, i))) {
                code = s->alt_code;
            } else {
                code = (int)vj_map_get(values, text, s->side_code);
                last = text;
                last_code = code;
            }
        }
        if (code < 0)
            return no_code(c, i, err);
        codes[i] = (uint8_t)code;
    }
    return VJ_OK;
}

static vj_status bool_codes(const vj_built_column *c, const vj_col *col, const special_codes *s,
                            const vj_map *values, uint8_t *codes, vj_error *err)
{
    int64_t bit[2] = {0, 1};
    int64_t code[2];

    for (int i = 0; i < 2; i++)
        code[i] = vj_map_get(values, (vj_span){(const char *)&bit[i], sizeof bit[i]},
                             s->side_code);
    for (int64_t i = 0; i < col->n_rows; i++) {
        int64_t one = vj_col_is_null(col, i) ? s->null_code
                                             : code[vj_bit_get(col->data, i)];

        if (one < 0)
            return no_code(c, i, err);
        codes[i] = (uint8_t)one;
    }
    return VJ_OK;
}

static vj_status number_codes(const vj_built *b, const vj_built_column *c, const vj_batch *rows,
                              const vj_col *col, const vj_map *values, const special_codes *s,
                              uint8_t *codes, vj_error *err)
{
    const vj_col *start = &rows->cols[b->start_i];
    const vj_col *ref = &rows->cols[b->ref_i];
    int64_t last = 0;
    int last_code = -1;

    for (int64_t i = 0; i < rows->n_rows; i++) {
        int code = s->null_code;

        if (!vj_col_is_null(col, i)) {
            int64_t value = vj_col_i64(col, i);
            bool over = col->type->kind == VJ_U64 && value < 0;

            if (s->spans && !over)
                over = VJ_SUB_OVERFLOW(value, vj_col_i64(start, i), &value) ||
                       VJ_SUB_OVERFLOW(value, (int64_t)vj_col_bytes(ref, i).len_bytes, &value);
            if (over) {
                code = s->side_code;
            } else {
                if (last_code < 0 || value != last)
                    last_code = (int)vj_map_get(
                        values, (vj_span){(const char *)&value, sizeof value}, s->side_code);
                last = value;
                code = last_code;
            }
        }
        if (code < 0)
            return no_code(c, i, err);
        codes[i] = (uint8_t)code;
    }
    return VJ_OK;
}

vj_status built_codes(const vj_built *b, int32_t column_i, const vj_batch *rows, vj_map *values,
                      uint8_t *codes, int64_t *n_side, vj_error *err)
{
    const vj_built_column *c = &b->columns[column_i];
    const vj_col *col = &rows->cols[column_i];
    special_codes s;

    VJ_TRY(learn(c, values, &s, err));
    *n_side = 0;
    if (built_is_text(&c->field.type))
        VJ_TRY(text_codes(b, c, rows, col, values, &s, codes, err));
    else if (c->field.type.kind == VJ_BOOL)
        VJ_TRY(bool_codes(c, col, &s, values, codes, err));
    else
        VJ_TRY(number_codes(b, c, rows, col, values, &s, codes, err));
    for (int64_t i = 0; s.side_code >= 0 && i < rows->n_rows; i++)
        *n_side += codes[i] == s.side_code;
    return VJ_OK;
}

/* ---- columns ---- */

/* REF TAB ALT into dst. */
static void join_alleles(vj_span ref, vj_span alt, char *dst)
{
    if (ref.len_bytes > 0)
        memcpy(dst, ref.ptr, ref.len_bytes);
    dst[ref.len_bytes] = VJ_BUILT_TAB;
    if (alt.len_bytes > 0)
        memcpy(dst + ref.len_bytes + 1, alt.ptr, alt.len_bytes);
}

static vj_status add_allele(vj_built_encoder *e, vj_span ref, vj_span alt, vj_colb *dst,
                            vj_error *err)
{
    size_t n = ref.len_bytes + alt.len_bytes + 1;
    char small[64];

    if (ref.len_bytes > 0 && memchr(ref.ptr, VJ_BUILT_TAB, ref.len_bytes) != NULL)
        return vj_fail(err, VJ_E_SCHEMA, "a REF with a tab in it cannot be stored; --layout plain "
                       "can");
    if (n <= sizeof small) {
        join_alleles(ref, alt, small);
        return vj_colb_bytes(dst, small, n, err);
    }
    char *both = vj_alloc(e->budget, n, err);
    if (both == NULL)
        return VJ_E_NOMEM;
    join_alleles(ref, alt, both);
    vj_status rc = vj_colb_bytes(dst, both, n, err);
    vj_free(both);
    return rc;
}

static vj_status encode_allele(vj_built_encoder *e, const vj_batch *rows, int32_t physical_i,
                               vj_error *err)
{
    const vj_col *ref = &rows->cols[e->built->ref_i];
    const vj_col *alt = &rows->cols[e->built->alt_i];
    vj_colb *dst = &e->physical[physical_i];

    for (int64_t i = 0; i < rows->n_rows; i++) {
        if (vj_col_is_null(ref, i) || vj_col_is_null(alt, i))
            return vj_fail(err, VJ_E_SCHEMA, "a null REF or ALT in a row to be stored");
        VJ_TRY(add_allele(e, vj_col_bytes(ref, i), vj_col_bytes(alt, i), dst, err));
    }
    e->cols[physical_i] = vj_colb_view(dst);
    return VJ_OK;
}

/* prefix + canonical decimal in the column's width; 0 is never such a number. */
static uint64_t number_behind(vj_span text, vj_span prefix, uint64_t most)
{
    uint64_t value = 0;
    size_t n = text.len_bytes - VJ_MIN(prefix.len_bytes, text.len_bytes);

    if (n < 1 || n > 18 || text.ptr[prefix.len_bytes] == '0' ||
        !vj_span_eq((vj_span){text.ptr, prefix.len_bytes}, prefix))
        return 0;
    for (size_t i = prefix.len_bytes; i < text.len_bytes; i++) {
        uint64_t digit = (uint64_t)(uint8_t)text.ptr[i] - '0';

        if (digit > 9)
            return 0;
        value = value * 10 + digit;
    }
    return value <= most ? value : 0;
}

static vj_status encode_prefixed(vj_built_encoder *e, const vj_built_column *c,
                                 const vj_col *col, int64_t n, vj_error *err)
{
    vj_colb *number = &e->physical[c->physical_i];
    vj_colb *side = &e->physical[c->side_i];
    uint64_t most = number->type.kind == VJ_U32 ? UINT32_MAX : INT64_MAX;

    for (int64_t i = 0; i < n; i++) {
        uint64_t value = vj_col_is_null(col, i)
                             ? 0
                             : number_behind(vj_col_bytes(col, i), c->prefix, most);

        VJ_TRY(vj_colb_int(number, (int64_t)value, err));
        if (value != 0 || vj_col_is_null(col, i))
            continue;
        VJ_TRY(vj_colb_nulls(side, i - side->n_rows, err));
        VJ_TRY(vj_colb_append(side, col, i, 1, err));
    }
    VJ_TRY(vj_colb_nulls(side, n - side->n_rows, err));
    e->cols[c->physical_i] = vj_colb_view(number);
    e->cols[c->side_i] = vj_colb_view(side);
    return VJ_OK;
}

static vj_status encode_side(vj_built_encoder *e, const vj_built_column *c, const vj_col *col,
                             int64_t n_side, int64_t n, vj_error *err)
{
    vj_colb *side = &e->physical[c->side_i];
    int side_code = -1;

    for (int32_t i = 0; i < c->n_meanings; i++)
        if (c->meanings[i].kind == VJ_MEANS_SIDE)
            side_code = i;
    for (int64_t i = 0; n_side > 0 && i < n; i++) {
        if (e->codes[i] != side_code)
            continue;
        VJ_TRY(vj_colb_nulls(side, i - side->n_rows, err));
        VJ_TRY(vj_colb_append(side, col, i, 1, err));
    }
    VJ_TRY(vj_colb_nulls(side, n - side->n_rows, err));
    e->cols[c->side_i] = vj_colb_view(side);
    return VJ_OK;
}

static vj_status finish_pack(vj_built_encoder *e, int32_t physical_i, int64_t n, vj_error *err)
{
    vj_colb *dst = &e->physical[physical_i];
    size_t width = vj_type_width(&dst->type);

    VJ_TRY(vj_buf_reserve(&dst->data, (size_t)n * width, err));
    for (int64_t i = 0; i < n; i++)
        VJ_TRY(vj_colb_int(dst, (int64_t)e->packs[i], err));
    e->cols[physical_i] = vj_colb_view(dst);
    return VJ_OK;
}

/* All columns of one pack. */
static vj_status encode_pack(vj_built_encoder *e, const vj_batch *rows, int32_t physical_i,
                             vj_error *err)
{
    const vj_built *b = e->built;
    int64_t n = rows->n_rows;
    bool any = false;

    for (int32_t i = 0; i < b->schema.n_fields; i++) {
        const vj_built_column *c = &b->columns[i];
        int64_t n_side = 0;

        if (c->how != VJ_BUILT_PACKED || c->physical_i != physical_i)
            continue;
        if (!any)
            memset(e->packs, 0, (size_t)n * sizeof *e->packs);
        any = true;
        VJ_TRY(built_codes(b, i, rows, &e->values[i], e->codes, &n_side, err));
        for (int64_t row = 0; row < n; row++)
            e->packs[row] |= (uint64_t)e->codes[row] << c->shift;
        if (c->side_i >= 0)
            VJ_TRY(encode_side(e, c, &rows->cols[i], n_side, n, err));
    }
    return any ? finish_pack(e, physical_i, n, err) : VJ_OK;
}

static vj_status make_room(vj_built_encoder *e, int64_t n, vj_error *err)
{
    if (n <= e->cap_rows)
        return VJ_OK;
    vj_free(e->packs);
    vj_free(e->codes);
    e->cap_rows = 0;
    e->packs = vj_alloc(e->budget, (size_t)n * sizeof *e->packs, err);
    e->codes = vj_alloc(e->budget, (size_t)n, err);
    if (e->packs == NULL || e->codes == NULL)
        return VJ_E_NOMEM;
    e->cap_rows = n;
    return VJ_OK;
}

vj_status vj_built_encode(vj_built_encoder *e, const vj_batch *rows, vj_batch *out, vj_error *err)
{
    const vj_built *b = e->built;

    VJ_TRY(make_room(e, rows->n_rows, err));
    for (int32_t i = 0; i < b->physical.n_fields; i++)
        vj_colb_reset(&e->physical[i]);
    for (int32_t i = 0; i < b->schema.n_fields; i++) {
        const vj_built_column *c = &b->columns[i];

        if (c->how == VJ_BUILT_COLUMN)
            e->cols[c->physical_i] = rows->cols[i];
        else if (c->how == VJ_BUILT_PREFIXED)
            VJ_TRY(encode_prefixed(e, c, &rows->cols[i], rows->n_rows, err));
    }
    VJ_TRY(encode_allele(e, rows, b->columns[b->ref_i].physical_i, err));
    for (int32_t i = 0; i < b->physical.n_fields; i++)
        VJ_TRY(encode_pack(e, rows, i, err));
    *out = (vj_batch){&b->physical, rows->n_rows, e->cols};
    return VJ_OK;
}

vj_status vj_built_encoder_new(const vj_built *built, vj_budget *budget, vj_built_encoder **out,
                               vj_error *err)
{
    vj_built_encoder *e = vj_zalloc(budget, sizeof *e, err);
    size_t n = (size_t)built->physical.n_fields;
    vj_status rc = VJ_E_NOMEM;

    *out = NULL;
    if (e == NULL)
        return VJ_E_NOMEM;
    e->built = built;
    e->budget = budget;
    e->physical = vj_calloc(budget, n, sizeof *e->physical, err);
    e->cols = vj_calloc(budget, n, sizeof *e->cols, err);
    e->values = vj_calloc(budget, (size_t)built->schema.n_fields, sizeof *e->values, err);
    if (e->physical == NULL || e->cols == NULL || e->values == NULL)
        goto out;
    for (int32_t i = 0; i < built->schema.n_fields; i++)
        vj_map_init(&e->values[i], budget);
    for (size_t i = 0; i < n; i++)
        VJ_GO(rc, vj_colb_init(&e->physical[i], &built->physical.fields[i].type, budget, err));
    *out = e;
    return VJ_OK;
out:
    vj_built_encoder_free(e);
    return rc;
}

void vj_built_encoder_free(vj_built_encoder *e)
{
    if (e == NULL)
        return;
    for (int32_t i = 0; e->physical != NULL && i < e->built->physical.n_fields; i++)
        vj_colb_fini(&e->physical[i]);
    for (int32_t i = 0; e->values != NULL && i < e->built->schema.n_fields; i++)
        vj_map_fini(&e->values[i]);
    vj_free(e->physical);
    vj_free(e->cols);
    vj_free(e->values);
    vj_free(e->packs);
    vj_free(e->codes);
    vj_free(e);
}
