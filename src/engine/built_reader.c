/*
 * built_reader.c - rows of a file by logical column.
 *
 *   reader ── slot (one a physical column): cursor, values of the rows at hand
 *
 * A slot's values are read when the first logical column asks for them and serve all that ask
 * afterwards; a column that stands as it is goes from its cursor straight to the caller.
 */
#include <stdio.h>

#include "engine/built_parts.h"

typedef struct slot {
    vj_pq_cursor *cursor;
    int32_t rowgroup_i; /* that the cursor stands in */
    vj_colb values;     /* of the rows at hand */
    bool has_type, loaded;
} slot;

struct vj_built_reader {
    vj_built_select select; /* NULL: cursors of the slots */
    void *ctx;
    vj_budget *budget;
    const vj_pq_file *file;
    const vj_built *built;
    int32_t rowgroup_i;
    const int32_t *rows;
    int64_t n;
    slot *slots;
    int32_t n_slots;
    VJ_VEC(int32_t) side_rows;
    vj_colb side;
    bool side_ready;
};

vj_status vj_built_reader_new(vj_built_select select, void *ctx, vj_budget *budget,
                              vj_built_reader **out, vj_error *err)
{
    vj_built_reader *r = vj_zalloc(budget, sizeof *r, err);

    *out = r;
    if (r == NULL)
        return VJ_E_NOMEM;
    r->select = select;
    r->ctx = ctx;
    r->budget = budget;
    r->side_rows.budget = budget;
    return VJ_OK;
}

static void drop_file(vj_built_reader *r)
{
    for (int32_t i = 0; i < r->n_slots; i++) {
        vj_pq_cursor_free(r->slots[i].cursor);
        vj_colb_fini(&r->slots[i].values);
    }
    vj_free(r->slots);
    r->slots = NULL;
    r->n_slots = 0;
    r->file = NULL;
}

void vj_built_reader_free(vj_built_reader *r)
{
    if (r == NULL)
        return;
    drop_file(r);
    VJ_VEC_FINI(&r->side_rows);
    vj_colb_fini(&r->side);
    vj_free(r);
}

vj_status vj_built_reader_rows(vj_built_reader *r, const vj_pq_file *file, const vj_built *built,
                               int32_t rowgroup_i, const int32_t *rows, int64_t n, vj_error *err)
{
    if (file != r->file) {
        int32_t n_slots = vj_pq_meta_view(file)->schema.n_fields;

        drop_file(r);
        r->slots = vj_calloc(r->budget, (size_t)VJ_MAX(n_slots, 1), sizeof *r->slots, err);
        if (r->slots == NULL)
            return VJ_E_NOMEM;
        r->n_slots = n_slots;
        r->file = file;
    }
    r->built = built;
    r->rowgroup_i = rowgroup_i;
    r->rows = rows;
    r->n = n;
    for (int32_t i = 0; i < r->n_slots; i++)
        r->slots[i].loaded = false;
    return VJ_OK;
}

/* Rows of a physical column, wherever its cursor stood. */
static vj_status select_rows(vj_built_reader *r, int32_t physical_i, const int32_t *rows,
                             int64_t n, vj_colb *dst, vj_error *err)
{
    slot *s = &r->slots[physical_i];

    if (n == 0)
        return VJ_OK;
    if (r->select != NULL)
        return r->select(r->ctx, r->file, r->rowgroup_i, physical_i, rows, n, dst, err);
    if (s->cursor == NULL)
        VJ_TRY(vj_pq_cursor_open(r->file, r->rowgroup_i, physical_i, r->budget, &s->cursor, err));
    else if (s->rowgroup_i != r->rowgroup_i || vj_pq_cursor_row(s->cursor) > rows[0])
        VJ_TRY(vj_pq_cursor_rewind(s->cursor, r->file, r->rowgroup_i, err));
    s->rowgroup_i = r->rowgroup_i;
    vj_status rc = vj_pq_cursor_select(s->cursor, rows, n, dst, err);
    if (rc != VJ_OK) { /* a cursor that failed can only be freed */
        vj_pq_cursor_free(s->cursor);
        s->cursor = NULL;
    }
    return rc;
}

static vj_status load(vj_built_reader *r, int32_t physical_i, vj_col *out, vj_error *err)
{
    slot *s = &r->slots[physical_i];

    if (!s->has_type) {
        VJ_TRY(vj_colb_init(&s->values, &vj_pq_meta_view(r->file)->schema.fields[physical_i].type,
                            r->budget, err));
        s->has_type = true;
    }
    if (!s->loaded) {
        vj_colb_reset(&s->values);
        VJ_TRY(select_rows(r, physical_i, r->rows, r->n, &s->values, err));
        s->loaded = true;
    }
    *out = vj_colb_view(&s->values);
    return VJ_OK;
}

static vj_status null_in_place(const vj_built_reader *r, int32_t physical_i, vj_error *err)
{
    const vj_pq_meta *meta = vj_pq_meta_view(r->file);

    return vj_fail(err, VJ_E_CORRUPT, "%s: column %s: expected a value in every row, found null",
                   meta->name, meta->schema.fields[physical_i].name);
}

/* A physical column that has no nulls unless the file is damaged. */
static vj_status load_full(vj_built_reader *r, int32_t physical_i, vj_col *out, vj_error *err)
{
    VJ_TRY(load(r, physical_i, out, err));
    return out->valid != NULL && vj_col_null_count(out) > 0 ? null_in_place(r, physical_i, err)
                                                            : VJ_OK;
}

/* ---- constants, alleles, prefixed ---- */

static vj_status append_value(vj_colb *dst, const vj_meaning *m, vj_error *err)
{
    if (m->kind == VJ_MEANS_NULL)
        return vj_colb_null(dst, err);
    if (dst->type.kind == VJ_TEXT)
        return vj_colb_bytes(dst, m->text.ptr, m->text.len_bytes, err);
    if (dst->type.kind == VJ_BOOL)
        return vj_colb_bool(dst, m->number != 0, err);
    return vj_colb_int(dst, m->number, err);
}

static vj_status read_constant(const vj_built_reader *r, const vj_built_column *c, vj_colb *dst,
                               vj_error *err)
{
    if (c->meanings->kind == VJ_MEANS_NULL)
        return vj_colb_nulls(dst, r->n, err);
    for (int64_t i = 0; i < r->n; i++)
        VJ_TRY(append_value(dst, c->meanings, err));
    return VJ_OK;
}

static vj_status read_allele(vj_built_reader *r, const vj_built_column *c, vj_colb *dst,
                             vj_error *err)
{
    vj_col both;
    vj_span side[2];

    VJ_TRY(load_full(r, c->physical_i, &both, err));
    for (int64_t i = 0; i < r->n; i++) {
        built_split(vj_col_bytes(&both, i), &side[0], &side[1]);
        vj_span one = side[c->how == VJ_BUILT_ALT];
        VJ_TRY(vj_colb_bytes(dst, one.ptr, one.len_bytes, err));
    }
    return VJ_OK;
}

/* Values of the side column for the rows in side_rows. */
static vj_status load_side(vj_built_reader *r, const vj_built_column *c, vj_col *out,
                           vj_error *err)
{
    vj_colb_fini(&r->side);
    VJ_TRY(vj_colb_init(&r->side, &c->field.type, r->budget, err));
    VJ_TRY(select_rows(r, c->side_i, r->side_rows.ptr, (int64_t)r->side_rows.n, &r->side, err));
    *out = vj_colb_view(&r->side);
    return VJ_OK;
}

static vj_status append_side(const vj_built_column *c, const vj_col *side, int64_t *at,
                             vj_colb *dst, vj_error *err)
{
    if (c->side_i < 0)
        return vj_colb_null(dst, err);
    return vj_colb_append(dst, side, (*at)++, 1, err);
}

static vj_status read_prefixed(vj_built_reader *r, const vj_built_column *c, vj_colb *dst,
                               vj_error *err)
{
    vj_col numbers;
    vj_col side = {0};
    char text[VJ_BUILT_MAX_PREFIX + VJ_NUM_TEXT_BYTES];
    int64_t at = 0;

    memcpy(text, c->prefix.ptr, c->prefix.len_bytes);
    VJ_TRY(load_full(r, c->physical_i, &numbers, err));
    VJ_VEC_RESET(&r->side_rows);
    for (int64_t i = 0; c->side_i >= 0 && i < r->n; i++)
        if (vj_col_i64(&numbers, i) == 0)
            VJ_TRY(VJ_VEC_PUSH(&r->side_rows, r->rows[i], err));
    if (r->side_rows.n > 0)
        VJ_TRY(load_side(r, c, &side, err));
    for (int64_t i = 0; i < r->n; i++) {
        uint64_t value = (uint64_t)vj_col_i64(&numbers, i);

        if (value == 0) {
            VJ_TRY(append_side(c, &side, &at, dst, err));
            continue;
        }
        if (value > INT64_MAX)
            return vj_fail(err, VJ_E_CORRUPT, "column %s: a number beyond 2^63", c->field.name);
        size_t n = vj_format_i64(text + c->prefix.len_bytes, (int64_t)value);
        VJ_TRY(vj_colb_bytes(dst, text, c->prefix.len_bytes + n, err));
    }
    return VJ_OK;
}

/* ---- packed ---- */

static vj_status read_codes(vj_built_reader *r, const vj_built_column *c, vj_col *pack,
                            bool *wants_ref, vj_error *err)
{
    uint64_t mask = ((uint64_t)1 << c->bits) - 1;

    VJ_TRY(load_full(r, c->physical_i, pack, err));
    VJ_VEC_RESET(&r->side_rows);
    *wants_ref = false;
    for (int64_t i = 0; i < r->n; i++) {
        uint64_t code = ((uint64_t)vj_col_i64(pack, i) >> c->shift) & mask;

        if (code >= (uint64_t)c->n_meanings)
            return vj_fail(err, VJ_E_CORRUPT, "%s: column %s: expected a code below %d, found %llu",
                           vj_pq_meta_view(r->file)->name, c->field.name, c->n_meanings,
                           (unsigned long long)code);
        vj_meaning_kind kind = c->meanings[code].kind;
        *wants_ref |= kind == VJ_MEANS_REF || kind == VJ_MEANS_ALT || kind == VJ_MEANS_SPAN;
        if (kind == VJ_MEANS_SIDE)
            VJ_TRY(VJ_VEC_PUSH(&r->side_rows, r->rows[i], err));
    }
    return VJ_OK;
}

static vj_status append_span(const vj_built_reader *r, const vj_built_column *c, int64_t start,
                             vj_span ref, int64_t more, vj_colb *dst, vj_error *err)
{
    int64_t value = start;

    if (VJ_ADD_OVERFLOW(value, (int64_t)ref.len_bytes, &value) ||
        VJ_ADD_OVERFLOW(value, more, &value) || !built_value_fits(&c->field.type, value))
        return vj_fail(err, VJ_E_CORRUPT, "%s: column %s: start %lld does not fit its type",
                       vj_pq_meta_view(r->file)->name, c->field.name, (long long)start);
    return vj_colb_int(dst, value, err);
}

static vj_status read_packed(vj_built_reader *r, const vj_built_column *c, vj_colb *dst,
                             vj_error *err)
{
    const vj_built *b = r->built;
    uint64_t mask = ((uint64_t)1 << c->bits) - 1;
    vj_col pack, both = {0}, start = {0}, side = {0};
    bool wants_ref = false;
    int64_t at = 0;

    VJ_TRY(read_codes(r, c, &pack, &wants_ref, err));
    if (wants_ref) {
        VJ_TRY(load_full(r, b->columns[b->ref_i].physical_i, &both, err));
        VJ_TRY(load_full(r, b->columns[b->start_i].physical_i, &start, err));
    }
    if (r->side_rows.n > 0)
        VJ_TRY(load_side(r, c, &side, err));
    for (int64_t i = 0; i < r->n; i++) {
        const vj_meaning *m = &c->meanings[((uint64_t)vj_col_i64(&pack, i) >> c->shift) & mask];
        vj_span ref = {NULL, 0};
        vj_span alt = {NULL, 0};

        if (m->kind == VJ_MEANS_NULL || m->kind == VJ_MEANS_VALUE) {
            VJ_TRY(append_value(dst, m, err));
            continue;
        }
        if (m->kind == VJ_MEANS_SIDE) {
            VJ_TRY(append_side(c, &side, &at, dst, err));
            continue;
        }
        built_split(vj_col_bytes(&both, i), &ref, &alt);
        if (m->kind == VJ_MEANS_SPAN)
            VJ_TRY(append_span(r, c, vj_col_i64(&start, i), ref, m->number, dst, err));
        else if (m->kind == VJ_MEANS_REF)
            VJ_TRY(vj_colb_bytes(dst, ref.ptr, ref.len_bytes, err));
        else
            VJ_TRY(vj_colb_bytes(dst, alt.ptr, alt.len_bytes, err));
    }
    return VJ_OK;
}

vj_status vj_built_reader_column(vj_built_reader *r, int32_t column_i, vj_colb *dst, vj_error *err)
{
    if (r->n == 0)
        return VJ_OK;
    if (r->built == NULL)
        return select_rows(r, column_i, r->rows, r->n, dst, err);
    const vj_built_column *c = &r->built->columns[column_i];
    switch (c->how) {
    case VJ_BUILT_COLUMN:
        return select_rows(r, c->physical_i, r->rows, r->n, dst, err);
    case VJ_BUILT_CONSTANT:
        return read_constant(r, c, dst, err);
    case VJ_BUILT_REF:
    case VJ_BUILT_ALT:
        return read_allele(r, c, dst, err);
    case VJ_BUILT_PREFIXED:
        return read_prefixed(r, c, dst, err);
    case VJ_BUILT_PACKED:
        break;
    }
    return read_packed(r, c, dst, err);
}
