/*
 * built_plan.c - choose from a sample how each column is stored.
 *
 *   proven constant                            -> constant
 *   text, mostly one PREFIX + decimal          -> prefixed
 *   few distinct meanings (values, REF, ALT,
 *   end of the span), the rest to the side     -> packed, as long as the tuples stay few
 *   everything else                            -> as it is
 *
 * Only size and speed depend on the sample: what it did not show goes to a side column.
 */
#include <stdio.h>
#include <stdlib.h>

#include "built/built_parts.h"

/* Distinct values of a column that are looked at. */
#define MAX_VALUES 2000
/* A value is worth a code when one row in so many has it. */
#define RARE 4096
/* More than one value in so many to the side: the column stays as it is. */
#define SIDE_SHARE 20
/* Tuples of a pack, in the sample. */
#define MAX_TUPLES 8192
#define PACK_BITS 63
#define MAX_PACKS 16

typedef struct candidate {
    int32_t column_i;
    uint8_t *code; /* of each sample row */
    int64_t n_side, n_present; /* rows: to the side column, with a value */
    bool fits;                 /* few enough go to the side */
    double entropy;
} candidate;

typedef struct pack_plan {
    uint64_t *tuples; /* of each sample row */
    int32_t bits;
    int64_t n_tuples;
} pack_plan;

typedef struct planner {
    const vj_batch *sample;
    const vj_built_options *options;
    vj_budget *budget;
    vj_built *b;
    vj_field *physical;
    int32_t n_physical;
    candidate *candidates;
    int32_t n_candidates;
    pack_plan packs[MAX_PACKS];
    int32_t n_packs;
    uint64_t *table; /* for counting tuples */
    size_t table_size;
} planner;

/* ---- physical columns ---- */

static vj_status add_physical(planner *p, const char *head, const char *tail, vj_type type,
                              bool nullable, int32_t *out_i, vj_error *err)
{
    size_t n = strlen(head) + strlen(tail);
    char *name = vj_arena_alloc(&p->b->arena, n + 1, err);

    if (name == NULL)
        return VJ_E_NOMEM;
    snprintf(name, n + 1, "%s%s", head, tail);
    p->physical[p->n_physical] = (vj_field){.name = name, .type = type, .nullable = nullable};
    *out_i = p->n_physical++;
    return VJ_OK;
}

static vj_status keep_as_is(planner *p, int32_t i, bool nullable, vj_error *err)
{
    vj_built_column *c = &p->b->columns[i];

    c->how = VJ_BUILT_COLUMN;
    p->physical[p->n_physical] = c->field;
    p->physical[p->n_physical].nullable = nullable;
    c->physical_i = p->n_physical++;
    (void)err;
    return VJ_OK;
}

/* Text that JSON can carry without a change. */
static bool is_writable(vj_span text)
{
    return text.len_bytes == 0 ||
           (text.len_bytes <= 256 && memchr(text.ptr, 0, text.len_bytes) == NULL &&
            vj_utf8_valid(text.ptr, text.len_bytes));
}

static vj_status copy_span(planner *p, vj_span from, vj_span *to, vj_error *err)
{
    char *copy = vj_arena_strndup(&p->b->arena, from.ptr, from.len_bytes, err);

    if (copy == NULL)
        return VJ_E_NOMEM;
    *to = (vj_span){copy, from.len_bytes};
    return VJ_OK;
}

static int64_t value_i64(const vj_col *col, int64_t row)
{
    return col->type->kind == VJ_BOOL ? vj_bit_get(col->data, row) : vj_col_i64(col, row);
}

/* ---- constants ---- */

static vj_status plan_constant(planner *p, int32_t i, bool *done, vj_error *err)
{
    vj_built_column *c = &p->b->columns[i];
    const vj_col *col = &p->sample->cols[i];
    vj_meaning m = {.kind = VJ_MEANS_NULL};

    *done = false;
    if (p->options->constant == NULL || !p->options->constant[i] || p->sample->n_rows == 0 ||
        !built_type_is_simple(&c->field.type))
        return VJ_OK;
    if (!vj_col_is_null(col, 0)) {
        m.kind = VJ_MEANS_VALUE;
        if (built_is_text(&c->field.type)) {
            if (!is_writable(vj_col_bytes(col, 0)))
                return VJ_OK;
            VJ_TRY(copy_span(p, vj_col_bytes(col, 0), &m.text, err));
        } else if (c->field.type.kind == VJ_F32 || c->field.type.kind == VJ_F64) {
            return VJ_OK;
        } else {
            m.number = value_i64(col, 0);
            if (col->type->kind == VJ_U64 && m.number < 0)
                return VJ_OK;
        }
    }
    if ((c->meanings = vj_arena_zalloc(&p->b->arena, sizeof m, err)) == NULL)
        return VJ_E_NOMEM;
    *c->meanings = m;
    c->n_meanings = 1;
    c->how = VJ_BUILT_CONSTANT;
    *done = true;
    return VJ_OK;
}

/* ---- prefixed ---- */

/* Canonical decimal (no sign, no leading zero, not 0) behind a prefix without digits. */
static bool split_number(vj_span text, size_t *prefix_len, uint64_t *out)
{
    size_t at = text.len_bytes;
    uint64_t value = 0;

    while (at > 0 && text.ptr[at - 1] >= '0' && text.ptr[at - 1] <= '9')
        at--;
    *prefix_len = at;
    if (at == text.len_bytes || text.len_bytes - at > 18 || text.ptr[at] == '0')
        return false;
    for (size_t i = at; i < text.len_bytes; i++)
        value = value * 10 + (uint64_t)(text.ptr[i] - '0');
    *out = value;
    return true;
}

static vj_status plan_prefixed(planner *p, int32_t i, bool *done, vj_error *err)
{
    vj_built_column *c = &p->b->columns[i];
    const vj_col *col = &p->sample->cols[i];
    vj_span prefix = {NULL, 0};
    int64_t n_fit = 0;
    int64_t n_distinct_runs = 0;
    uint64_t most = 0;
    uint64_t last = 0;

    *done = false;
    if (!built_is_text(&c->field.type))
        return VJ_OK;
    for (int64_t row = 0; row < col->n_rows; row++) {
        size_t len = 0;
        uint64_t value = 0;

        if (vj_col_is_null(col, row) || !split_number(vj_col_bytes(col, row), &len, &value))
            continue;
        vj_span found = {vj_col_bytes(col, row).ptr, len};
        if (n_fit == 0)
            prefix = found;
        if (!vj_span_eq(found, prefix))
            continue;
        n_fit++;
        n_distinct_runs += value != last;
        last = value;
        most = VJ_MAX(most, value);
    }
    if (n_fit * 10 < col->n_rows * 9 || n_distinct_runs * 4 < col->n_rows || !is_writable(prefix) ||
        prefix.len_bytes > VJ_BUILT_MAX_PREFIX)
        return VJ_OK;
    c->how = VJ_BUILT_PREFIXED;
    VJ_TRY(copy_span(p, prefix, &c->prefix, err));
    VJ_TRY(add_physical(p, VJ_BUILT_INT, c->field.name,
                        vj_type_of(most < UINT32_MAX / 4 * 3 ? VJ_U32 : VJ_U64), false,
                        &c->physical_i, err));
    *done = true;
    return add_physical(p, VJ_BUILT_SIDE, c->field.name, c->field.type, true, &c->side_i, err);
}

/* ---- meanings of a packed column ---- */

typedef struct tally {
    vj_map values; /* text, or 8 bytes of a number -> rows */
    int64_t n_null, n_ref, n_alt, n_rows;
    bool overflow;
} tally;

static vj_span number_span(const int64_t *value)
{
    return (vj_span){(const char *)value, sizeof *value};
}

static vj_status count_value(tally *t, vj_span key, vj_error *err)
{
    int64_t at = vj_map_find(&t->values, key);

    if (at >= 0) {
        t->values.values[at]++;
        return VJ_OK;
    }
    if (t->values.n >= MAX_VALUES) {
        t->overflow = true;
        return VJ_OK;
    }
    return vj_map_put(&t->values, key, 1, NULL, NULL, err);
}

static vj_status count_text(const planner *p, const vj_col *col, tally *t, vj_error *err)
{
    const vj_col *ref = &p->sample->cols[p->options->ref_i];
    const vj_col *alt = &p->sample->cols[p->options->alt_i];

    for (int64_t row = 0; row < col->n_rows; row++) {
        if (vj_col_is_null(col, row)) {
            t->n_null++;
            continue;
        }
        vj_span text = vj_col_bytes(col, row);
        if (vj_span_eq(text, vj_col_bytes(ref, row)))
            t->n_ref++;
        else if (vj_span_eq(text, vj_col_bytes(alt, row)))
            t->n_alt++;
        else
            VJ_TRY(count_value(t, text, err));
    }
    return VJ_OK;
}

static int64_t span_of(const planner *p, int64_t row)
{
    return vj_col_i64(&p->sample->cols[p->options->start_i], row) +
           (int64_t)vj_col_bytes(&p->sample->cols[p->options->ref_i], row).len_bytes;
}

/* Values, or what is left of them behind the span of REF. */
static vj_status count_numbers(const planner *p, const vj_col *col, bool spans, tally *t,
                               vj_error *err)
{
    for (int64_t row = 0; row < col->n_rows && !t->overflow; row++) {
        if (vj_col_is_null(col, row)) {
            t->n_null++;
            continue;
        }
        int64_t value = value_i64(col, row);
        bool beyond = col->type->kind == VJ_U64 && value < 0; /* over 2^63: to the side */
        if (beyond || (spans && VJ_SUB_OVERFLOW(value, span_of(p, row), &value)))
            value = INT64_MAX;
        VJ_TRY(count_value(t, number_span(&value), err));
    }
    return VJ_OK;
}

typedef struct ranked {
    int64_t n;
    int64_t at;
} ranked;

static int by_count(const void *a, const void *b)
{
    const ranked *x = a;
    const ranked *y = b;

    return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : (x->at > y->at) - (x->at < y->at);
}

static void add_meaning(vj_built_column *c, vj_meaning_kind kind)
{
    c->meanings[c->n_meanings++] = (vj_meaning){.kind = kind};
}

static vj_status add_values(planner *p, vj_built_column *c, const tally *t, bool spans,
                            vj_error *err)
{
    size_t n = t->values.n;
    bool text = built_is_text(&c->field.type);
    ranked *order = vj_calloc(p->budget, VJ_MAX(n, 1), sizeof *order, err);
    vj_status rc = order != NULL ? VJ_OK : VJ_E_NOMEM;

    for (size_t i = 0; rc == VJ_OK && i < n; i++)
        order[i] = (ranked){t->values.values[i], (int64_t)i};
    if (rc == VJ_OK)
        qsort(order, n, sizeof *order, by_count);
    for (size_t i = 0; rc == VJ_OK && i < n && c->n_meanings < VJ_BUILT_MAX_MEANINGS - 1; i++) {
        vj_span key = t->values.keys[order[i].at];
        vj_meaning m = {.kind = spans ? VJ_MEANS_SPAN : VJ_MEANS_VALUE};

        if (order[i].n * RARE < t->n_rows)
            break;
        if (text) {
            if (!is_writable(key))
                continue;
            rc = copy_span(p, key, &m.text, err);
        } else {
            memcpy(&m.number, key.ptr, sizeof m.number);
            if (m.number == INT64_MAX ||
                (spans && (m.number < INT32_MIN || m.number > INT32_MAX)))
                continue;
        }
        c->meanings[c->n_meanings++] = m;
    }
    vj_free(order);
    return rc;
}

static int32_t bits_for(int32_t n)
{
    int32_t bits = 0;

    while ((1 << bits) < n)
        bits++;
    return bits;
}

/* The list of meanings; side_i is -2 where a side column will be wanted. */
static vj_status list_meanings(planner *p, vj_built_column *c, const tally *t, bool spans,
                               vj_error *err)
{
    c->meanings = vj_arena_zalloc(&p->b->arena, VJ_BUILT_MAX_MEANINGS * sizeof *c->meanings, err);
    if (c->meanings == NULL)
        return VJ_E_NOMEM;
    c->n_meanings = 0;
    c->side_i = -1;
    if (c->field.type.kind == VJ_BOOL) {
        for (int64_t value = 0; value < 2; value++)
            c->meanings[c->n_meanings++] = (vj_meaning){VJ_MEANS_VALUE, value, {NULL, 0}};
    } else {
        if (t->n_ref * RARE >= t->n_rows && t->n_ref > 0)
            add_meaning(c, VJ_MEANS_REF);
        if (t->n_alt * RARE >= t->n_rows && t->n_alt > 0)
            add_meaning(c, VJ_MEANS_ALT);
        VJ_TRY(add_values(p, c, t, spans, err));
        add_meaning(c, VJ_MEANS_SIDE);
        c->side_i = -2;
    }
    /* a side column holds nulls as well */
    if (c->field.nullable && (c->side_i == -1 || t->n_null > 0) &&
        c->n_meanings < VJ_BUILT_MAX_MEANINGS)
        add_meaning(c, VJ_MEANS_NULL);
    c->bits = bits_for(c->n_meanings);
    return VJ_OK;
}

/* ---- codes of the sample ---- */

static double entropy_of(const uint8_t *codes, int64_t n)
{
    int64_t counts[256] = {0};
    int64_t distinct = 0;

    for (int64_t i = 0; i < n; i++)
        counts[codes[i]]++;
    for (int i = 0; i < 256; i++)
        distinct += counts[i] > 0;
    /* order of adding only: columns of few and uneven values first */
    int64_t most = 0;
    for (int i = 0; i < 256; i++)
        most = VJ_MAX(most, counts[i]);
    return (double)distinct * (double)(n - most + 1) / (double)(n + 1);
}

static vj_status try_meanings(planner *p, int32_t i, bool spans, candidate *out, vj_error *err)
{
    vj_built_column *c = &p->b->columns[i];
    const vj_col *col = &p->sample->cols[i];
    tally t = {.n_rows = col->n_rows};
    vj_map values;
    vj_status rc = VJ_OK;

    vj_map_init(&t.values, p->budget);
    vj_map_init(&values, p->budget);
    *out = (candidate){.column_i = i};
    if (built_is_text(&c->field.type))
        VJ_GO(rc, count_text(p, col, &t, err));
    else
        VJ_GO(rc, count_numbers(p, col, spans, &t, err));
    if (t.overflow && !built_is_text(&c->field.type))
        goto out;
    VJ_GO(rc, list_meanings(p, c, &t, spans, err));
    out->code = vj_alloc(p->budget, (size_t)VJ_MAX(col->n_rows, 1), err);
    if (out->code == NULL) {
        rc = VJ_E_NOMEM;
        goto out;
    }
    VJ_GO(rc, built_codes(p->b, i, p->sample, &values, out->code, &out->n_side, err));
    out->entropy = entropy_of(out->code, col->n_rows);
    out->n_present = t.n_rows - t.n_null;
    out->fits = out->n_side * SIDE_SHARE <= out->n_present;
out:
    vj_map_fini(&t.values);
    vj_map_fini(&values);
    if (rc != VJ_OK) {
        vj_free(out->code);
        out->code = NULL;
    }
    return rc;
}

/* Find the meanings of a column, if it has few. */
static vj_status plan_packed(planner *p, int32_t i, bool *done, vj_error *err)
{
    vj_built_column *c = &p->b->columns[i];
    candidate best = {0};

    *done = false;
    if (!built_type_is_simple(&c->field.type) || c->field.type.kind == VJ_F32 ||
        c->field.type.kind == VJ_F64)
        return VJ_OK;
    VJ_TRY(try_meanings(p, i, false, &best, err));
    if (built_is_integer(&c->field.type) && !best.fits) {
        vj_free(best.code);
        VJ_TRY(try_meanings(p, i, true, &best, err));
    }
    if (!best.fits) {
        vj_free(best.code);
        return VJ_OK;
    }
    c->how = VJ_BUILT_PACKED;
    p->candidates[p->n_candidates++] = best;
    *done = true;
    return VJ_OK;
}

/* ---- which go together ---- */

static int by_entropy(const void *a, const void *b)
{
    const candidate *x = a;
    const candidate *y = b;

    return x->entropy != y->entropy ? (x->entropy > y->entropy) - (x->entropy < y->entropy)
                                    : x->column_i - y->column_i;
}

/* Distinct tuples of a pack with one more column, up to a limit. */
static int64_t count_tuples(planner *p, const pack_plan *pack, const candidate *c)
{
    int64_t n = 0;
    size_t mask = p->table_size - 1;

    memset(p->table, 0, p->table_size * sizeof *p->table);
    for (int64_t row = 0; row < p->sample->n_rows; row++) {
        uint64_t tuple = (pack->tuples[row] | (uint64_t)c->code[row] << pack->bits) + 1;
        size_t at = (size_t)vj_mix64(tuple, 7) & mask;

        while (p->table[at] != 0 && p->table[at] != tuple)
            at = (at + 1) & mask;
        if (p->table[at] != 0)
            continue;
        p->table[at] = tuple;
        if (++n > MAX_TUPLES)
            break;
    }
    return n;
}

static vj_status new_pack(planner *p, pack_plan **out, vj_error *err)
{
    pack_plan *pack = &p->packs[p->n_packs];

    *out = NULL;
    pack->tuples = vj_calloc(p->budget, (size_t)VJ_MAX(p->sample->n_rows, 1),
                             sizeof *pack->tuples, err);
    if (pack->tuples == NULL)
        return VJ_E_NOMEM;
    p->n_packs++;
    *out = pack;
    return VJ_OK;
}

static vj_status place(planner *p, const candidate *cand, vj_error *err)
{
    vj_built_column *c = &p->b->columns[cand->column_i];
    pack_plan *pack = NULL;

    for (int32_t i = 0; pack == NULL && i < p->n_packs; i++)
        if (p->packs[i].bits + c->bits <= PACK_BITS &&
            count_tuples(p, &p->packs[i], cand) <= MAX_TUPLES)
            pack = &p->packs[i];
    if (pack == NULL && p->n_packs == MAX_PACKS) {
        c->side_i = -1;
        return keep_as_is(p, cand->column_i, true, err);
    }
    if (pack == NULL)
        VJ_TRY(new_pack(p, &pack, err));
    for (int64_t row = 0; row < p->sample->n_rows; row++)
        pack->tuples[row] |= (uint64_t)cand->code[row] << pack->bits;
    c->shift = pack->bits;
    c->physical_i = (int32_t)(pack - p->packs); /* the pack's number for now */
    pack->bits += c->bits;
    return VJ_OK;
}

static vj_status make_packs(planner *p, vj_error *err)
{
    int32_t field_i[MAX_PACKS];
    char number[16];

    p->table_size = (size_t)MAX_TUPLES * 4;
    p->table = vj_calloc(p->budget, p->table_size, sizeof *p->table, err);
    if (p->table == NULL)
        return VJ_E_NOMEM;
    qsort(p->candidates, (size_t)p->n_candidates, sizeof *p->candidates, by_entropy);
    for (int32_t i = 0; i < p->n_candidates; i++)
        VJ_TRY(place(p, &p->candidates[i], err));
    for (int32_t i = 0; i < p->n_packs; i++) {
        snprintf(number, sizeof number, "%d", i);
        VJ_TRY(add_physical(p, VJ_BUILT_PACK, number,
                            vj_type_of(p->packs[i].bits > 31 ? VJ_I64 : VJ_I32), false,
                            &field_i[i], err));
    }
    for (int32_t i = 0; i < p->b->schema.n_fields; i++) {
        vj_built_column *c = &p->b->columns[i];

        if (c->how != VJ_BUILT_PACKED)
            continue;
        c->physical_i = field_i[c->physical_i];
        if (c->side_i == -2)
            VJ_TRY(add_physical(p, VJ_BUILT_SIDE, c->field.name, c->field.type, true, &c->side_i,
                                err));
    }
    return VJ_OK;
}

/* ---- the whole ---- */

static vj_status plan_column(planner *p, int32_t i, vj_error *err)
{
    bool done = false;

    VJ_TRY(plan_constant(p, i, &done, err));
    if (!done)
        VJ_TRY(plan_prefixed(p, i, &done, err));
    if (!done)
        VJ_TRY(plan_packed(p, i, &done, err));
    return done ? VJ_OK : keep_as_is(p, i, true, err);
}

static vj_status plan_all(planner *p, vj_error *err)
{
    const vj_built_options *o = p->options;
    vj_built *b = p->b;
    int32_t allele_i = -1;

    VJ_TRY(keep_as_is(p, o->chrom_i, true, err));
    VJ_TRY(keep_as_is(p, o->start_i, false, err));
    VJ_TRY(add_physical(p, VJ_BUILT_ALLELE, "", vj_type_of(VJ_TEXT), false, &allele_i, err));
    b->columns[o->ref_i].how = VJ_BUILT_REF;
    b->columns[o->alt_i].how = VJ_BUILT_ALT;
    b->columns[o->ref_i].physical_i = b->columns[o->alt_i].physical_i = allele_i;
    for (int32_t i = 0; i < b->schema.n_fields; i++)
        if (i != o->chrom_i && i != o->start_i && i != o->ref_i && i != o->alt_i)
            VJ_TRY(plan_column(p, i, err));
    VJ_TRY(make_packs(p, err));
    b->physical = (vj_schema){p->n_physical, p->physical};
    return VJ_OK;
}

static vj_status set_up(planner *p, vj_error *err)
{
    const vj_schema *from = p->sample->schema;
    size_t n = (size_t)from->n_fields;
    vj_built *b = p->b;

    b->columns = vj_arena_zalloc(&b->arena, n * sizeof *b->columns, err);
    vj_field *fields = vj_arena_zalloc(&b->arena, n * sizeof *fields, err);
    p->physical = vj_arena_zalloc(&b->arena, (2 * n + MAX_PACKS + 4) * sizeof *p->physical, err);
    p->candidates = vj_calloc(p->budget, n, sizeof *p->candidates, err);
    if (b->columns == NULL || fields == NULL || p->physical == NULL || p->candidates == NULL)
        return VJ_E_NOMEM;
    for (size_t i = 0; i < n; i++) {
        if (strncmp(from->fields[i].name, "vj_", 3) == 0)
            return vj_fail(err, VJ_E_UNSUPPORTED,
                           "column %s: names that begin with vj_ are the tuned layout's own; "
                           "--layout plain keeps every column as it is", from->fields[i].name);
        VJ_TRY(vj_field_copy(&b->arena, &from->fields[i], &fields[i], err));
        b->columns[i].field = fields[i];
        b->columns[i].physical_i = b->columns[i].side_i = -1;
    }
    b->schema = (vj_schema){(int32_t)n, fields};
    b->start_i = p->options->start_i;
    b->ref_i = p->options->ref_i;
    b->alt_i = p->options->alt_i;
    b->start_base = p->options->start_base;
    return VJ_OK;
}

vj_status vj_built_plan(const vj_batch *sample, const vj_built_options *options,
                        vj_budget *budget, vj_built **out, vj_error *err)
{
    planner p = {.sample = sample, .options = options, .budget = budget};
    vj_status rc = VJ_OK;

    *out = NULL;
    VJ_GO(rc, built_new(budget, &p.b, err));
    VJ_GO(rc, set_up(&p, err));
    VJ_GO(rc, plan_all(&p, err));
    *out = p.b;
    p.b = NULL;
out:
    for (int32_t i = 0; i < p.n_candidates; i++)
        vj_free(p.candidates[i].code);
    for (int32_t i = 0; i < p.n_packs; i++)
        vj_free(p.packs[i].tuples);
    vj_free(p.candidates);
    vj_free(p.table);
    vj_built_free(p.b);
    return rc;
}
