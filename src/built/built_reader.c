/*
 * built_reader.c - rows of a file by logical column.
 *
 *   reader ── slot (one a physical column): cursor, values of the rows at hand
 *
 * A slot's values are read when the first logical column asks for them and serve all that ask
 * afterwards; a column that stands as it is goes from its cursor straight to the caller.
 */
#include <stdio.h>

#include "built/built_parts.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

typedef struct slot {
    vj_pq_cursor *cursor;
    int32_t rowgroup_i; /* that the cursor stands in */
    vj_colb values;     /* of the rows at hand */
    vj_colb kept;       /* where those that stay go */
    vj_buf wide;        /* uint64: integers of fewer bytes, for bit fields */
    bool has_type, loaded, is_wide;
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
    VJ_VEC(vj_span) alleles; /* REF and ALT of each row, views of the slot's values */
    bool split;              /* they are those of the rows at hand */
    VJ_VEC(vj_span) texts;   /* scratch of one column */
    VJ_VEC(int64_t) numbers;
    vj_buf codes;
    vj_buf bits, valid;
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
    r->side_rows.budget = r->alleles.budget = r->texts.budget = r->numbers.budget = budget;
    r->codes.budget = r->bits.budget = r->valid.budget = budget;
    return VJ_OK;
}

static void drop_file(vj_built_reader *r)
{
    for (int32_t i = 0; i < r->n_slots; i++) {
        vj_pq_cursor_free(r->slots[i].cursor);
        vj_colb_fini(&r->slots[i].values);
        vj_colb_fini(&r->slots[i].kept);
        vj_buf_fini(&r->slots[i].wide);
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
    VJ_VEC_FINI(&r->alleles);
    VJ_VEC_FINI(&r->texts);
    VJ_VEC_FINI(&r->numbers);
    vj_buf_fini(&r->codes);
    vj_buf_fini(&r->bits);
    vj_buf_fini(&r->valid);
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
        for (int32_t i = 0; i < n_slots; i++)
            r->slots[i].wide.budget = r->budget;
    }
    r->built = built;
    r->rowgroup_i = rowgroup_i;
    r->rows = rows;
    r->n = n;
    r->split = false;
    for (int32_t i = 0; i < r->n_slots; i++)
        r->slots[i].loaded = r->slots[i].is_wide = false;
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

/* Memory for a column's values. */
static vj_status type_slot(vj_built_reader *r, int32_t physical_i, vj_error *err)
{
    slot *s = &r->slots[physical_i];
    const vj_type *type = &vj_pq_meta_view(r->file)->schema.fields[physical_i].type;

    if (s->has_type)
        return VJ_OK;
    VJ_TRY(vj_colb_init(&s->values, type, r->budget, err));
    VJ_TRY(vj_colb_init(&s->kept, type, r->budget, err));
    s->has_type = true;
    return VJ_OK;
}

static vj_status load(vj_built_reader *r, int32_t physical_i, vj_col *out, vj_error *err)
{
    slot *s = &r->slots[physical_i];

    VJ_TRY(type_slot(r, physical_i, err));
    if (!s->loaded) {
        vj_colb_reset(&s->values);
        VJ_TRY(select_rows(r, physical_i, r->rows, r->n, &s->values, err));
        s->loaded = true;
        s->is_wide = false;
    }
    *out = vj_colb_view(&s->values);
    return VJ_OK;
}

static int32_t physical_of(const vj_built_reader *r, int32_t column_i)
{
    return r->built != NULL ? r->built->columns[column_i].physical_i : column_i;
}

vj_status vj_built_reader_give(vj_built_reader *r, int32_t column_i, const int64_t *values,
                               vj_error *err)
{
    int32_t physical_i = physical_of(r, column_i);
    slot *s = &r->slots[physical_i];

    VJ_TRY(type_slot(r, physical_i, err));
    vj_colb_reset(&s->values);
    VJ_TRY(vj_colb_ints(&s->values, values, r->n, err));
    s->loaded = true;
    s->is_wide = false;
    return VJ_OK;
}

vj_status vj_built_reader_keep(vj_built_reader *r, const int32_t *which, int64_t n,
                               const int32_t *rows, vj_error *err)
{
    for (int32_t i = 0; n != r->n && i < r->n_slots; i++) {
        slot *s = &r->slots[i];

        if (!s->loaded)
            continue;
        vj_col from = vj_colb_view(&s->values);
        vj_colb_reset(&s->kept);
        VJ_TRY(vj_colb_gather(&s->kept, &from, which, n, err));
        vj_colb values = s->values;
        s->values = s->kept;
        s->kept = values;
        s->is_wide = false;
    }
    r->split &= n == r->n;
    r->n = n;
    r->rows = rows;
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

/* Rows of a constant that are made at a time. */
#define CONSTANT_ROWS 256

static vj_status read_constant(vj_built_reader *r, const vj_built_column *c, vj_colb *dst,
                               vj_error *err)
{
    int64_t some = VJ_MIN(r->n, (int64_t)CONSTANT_ROWS);

    if (c->meanings->kind == VJ_MEANS_NULL)
        return vj_colb_nulls(dst, r->n, err);
    vj_colb_fini(&r->side);
    VJ_TRY(vj_colb_init(&r->side, &c->field.type, r->budget, err));
    for (int64_t i = 0; i < some; i++)
        VJ_TRY(append_value(&r->side, c->meanings, err));
    vj_col block = vj_colb_view(&r->side);
    for (int64_t i = 0; i < r->n; i += some)
        VJ_TRY(vj_colb_append(dst, &block, 0, VJ_MIN(some, r->n - i), err));
    return VJ_OK;
}

/* REF and ALT of every row into r->alleles. */
static vj_status split_alleles(vj_built_reader *r, vj_error *err)
{
    vj_col both;

    if (r->split)
        return VJ_OK;
    VJ_TRY(load_full(r, r->built->columns[r->built->ref_i].physical_i, &both, err));
    VJ_VEC_RESET(&r->alleles);
    VJ_TRY(VJ_VEC_RESERVE(&r->alleles, 2 * r->n, err));
    const char *data = both.data;
    for (int64_t i = 0; i < r->n; i++) {
        const char *beg = data + both.offs[i];
        const char *end = data + both.offs[i + 1];
        const char *tab = beg;

        while (tab < end && *tab != VJ_BUILT_TAB && tab < beg + 8)
            tab++;
        if (tab < end && *tab != VJ_BUILT_TAB && (tab = memchr(tab, VJ_BUILT_TAB,
                                                                (size_t)(end - tab))) == NULL)
            tab = end; /* all of it is REF */
        r->alleles.ptr[2 * i] = (vj_span){beg, (size_t)(tab - beg)};
        r->alleles.ptr[2 * i + 1] = tab < end ? (vj_span){tab + 1, (size_t)(end - tab - 1)}
                                              : (vj_span){end, 0};
    }
    r->alleles.n = 2 * (size_t)r->n;
    r->split = true;
    return VJ_OK;
}

static vj_status read_allele(vj_built_reader *r, const vj_built_column *c, vj_colb *dst,
                             vj_error *err)
{
    size_t side = c->how == VJ_BUILT_ALT;

    VJ_TRY(split_alleles(r, err));
    VJ_VEC_RESET(&r->texts);
    VJ_TRY(VJ_VEC_RESERVE(&r->texts, r->n, err));
    for (int64_t i = 0; i < r->n; i++)
        r->texts.ptr[i] = r->alleles.ptr[2 * (size_t)i + side];
    return vj_colb_spans(dst, r->texts.ptr, r->n, err);
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

/* An integer column without nulls as 64-bit values. */
static vj_status load_wide(vj_built_reader *r, int32_t physical_i, const uint64_t **out,
                           vj_error *err)
{
    slot *s = &r->slots[physical_i];
    vj_col col;

    VJ_TRY(load_full(r, physical_i, &col, err));
    if (vj_type_width(col.type) == sizeof **out) {
        *out = col.data;
        return VJ_OK;
    }
    if (!s->is_wide) {
        vj_buf_reset(&s->wide);
        VJ_TRY(vj_buf_reserve(&s->wide, (size_t)r->n * sizeof **out, err));
        uint64_t *wide = (uint64_t *)(void *)s->wide.ptr;
        if (col.type->kind == VJ_U32)
            for (int64_t i = 0; i < r->n; i++)
                wide[i] = ((const uint32_t *)col.data)[i];
        else
            for (int64_t i = 0; i < r->n; i++)
                wide[i] = (uint64_t)vj_col_i64(&col, i);
        s->is_wide = true;
    }
    *out = (const uint64_t *)(const void *)s->wide.ptr;
    return VJ_OK;
}

/* The common case of a prefixed column: every row is prefix and number. */
static vj_status write_prefixed(vj_built_reader *r, const vj_built_column *c,
                                const uint64_t *values, vj_colb *dst, vj_error *err)
{
    size_t prefix = c->prefix.len_bytes;
    size_t room = prefix + VJ_NUM_TEXT_BYTES;

    vj_buf_reset(&r->bits);
    VJ_TRY(vj_buf_reserve(&r->bits, (size_t)r->n * room, err));
    VJ_VEC_RESET(&r->texts);
    VJ_TRY(VJ_VEC_RESERVE(&r->texts, r->n, err));
    char *at = (char *)r->bits.ptr;
    for (int64_t i = 0; i < r->n; i++) {
        memcpy(at, c->prefix.ptr, prefix);
        size_t n = vj_format_i64(at + prefix, (int64_t)values[i]);
        r->texts.ptr[i] = (vj_span){at, prefix + n};
        at += prefix + n;
    }
    return vj_colb_spans(dst, r->texts.ptr, r->n, err);
}

static vj_status read_prefixed(vj_built_reader *r, const vj_built_column *c, vj_colb *dst,
                               vj_error *err)
{
    const uint64_t *values = NULL;
    vj_col side = {0};
    char text[VJ_BUILT_MAX_PREFIX + VJ_NUM_TEXT_BYTES];
    int64_t at = 0;
    int64_t n_others = 0;

    memcpy(text, c->prefix.ptr, c->prefix.len_bytes);
    VJ_TRY(load_wide(r, c->physical_i, &values, err));
    for (int64_t i = 0; i < r->n; i++) {
        n_others += values[i] == 0;
        if (values[i] > INT64_MAX)
            return vj_fail(err, VJ_E_CORRUPT, "column %s: a number beyond 2^63", c->field.name);
    }
    if (n_others == 0)
        return write_prefixed(r, c, values, dst, err);
    VJ_VEC_RESET(&r->side_rows);
    for (int64_t i = 0; c->side_i >= 0 && i < r->n; i++)
        if (values[i] == 0)
            VJ_TRY(VJ_VEC_PUSH(&r->side_rows, r->rows[i], err));
    if (r->side_rows.n > 0)
        VJ_TRY(load_side(r, c, &side, err));
    for (int64_t i = 0; i < r->n; i++) {
        if (values[i] == 0) {
            VJ_TRY(append_side(c, &side, &at, dst, err));
            continue;
        }
        size_t n = vj_format_i64(text + c->prefix.len_bytes, (int64_t)values[i]);
        VJ_TRY(vj_colb_bytes(dst, text, c->prefix.len_bytes + n, err));
    }
    return VJ_OK;
}

/* ---- packed ---- */

/* What the codes of the rows at hand mean, taken together. */
typedef struct meanings_met {
    bool null, value, alleles, span, side;
} meanings_met;

/* The rows' codes into r->codes, held against the meanings; rows of the side into side_rows. */
static vj_status read_codes(vj_built_reader *r, const vj_built_column *c, meanings_met *met,
                            vj_error *err)
{
    uint64_t mask = ((uint64_t)1 << c->bits) - 1;
    const uint64_t *pack = NULL;
    uint64_t most = 0;
    uint8_t seen[VJ_BUILT_MAX_MEANINGS] = {0};

    VJ_TRY(load_wide(r, c->physical_i, &pack, err));
    vj_buf_reset(&r->codes);
    VJ_TRY(vj_buf_reserve(&r->codes, (size_t)r->n, err));
    uint8_t *codes = r->codes.ptr;
    for (int64_t i = 0; i < r->n; i++) {
        uint64_t code = pack[i] >> c->shift & mask;

        most = VJ_MAX(most, code);
        codes[i] = (uint8_t)code;
    }
    if (most >= (uint64_t)c->n_meanings)
        return vj_fail(err, VJ_E_CORRUPT, "%s: column %s: expected a code below %d, found %llu",
                       vj_pq_meta_view(r->file)->name, c->field.name, c->n_meanings,
                       (unsigned long long)most);
    for (int64_t i = 0; i < r->n; i++)
        seen[codes[i]] = 1;
    *met = (meanings_met){0};
    for (int32_t m = 0; m < c->n_meanings; m++) {
        vj_meaning_kind kind = c->meanings[m].kind;

        met->null |= seen[m] && kind == VJ_MEANS_NULL;
        met->value |= seen[m] && kind == VJ_MEANS_VALUE;
        met->alleles |= seen[m] && (kind == VJ_MEANS_REF || kind == VJ_MEANS_ALT);
        met->span |= seen[m] && kind == VJ_MEANS_SPAN;
        met->side |= seen[m] && kind == VJ_MEANS_SIDE;
    }
    VJ_VEC_RESET(&r->side_rows);
    for (int64_t i = 0; met->side && i < r->n; i++)
        if (c->meanings[codes[i]].kind == VJ_MEANS_SIDE)
            VJ_TRY(VJ_VEC_PUSH(&r->side_rows, r->rows[i], err));
    return VJ_OK;
}

/* Flags of a code: its value, that it has one, that it is none of the layout's. */
#define FLAG_ON 1
#define FLAG_VALID 2
#define FLAG_WRONG 4

/* Look-ups for a BOOL whose codes mean true, false or null and nothing else; else false. */
static bool flags_of(const vj_built_column *c, uint8_t look[VJ_BUILT_MAX_MEANINGS])
{
    if (c->field.type.kind != VJ_BOOL || c->bits > 8)
        return false;
    memset(look, FLAG_WRONG, VJ_BUILT_MAX_MEANINGS);
    for (int32_t m = 0; m < c->n_meanings; m++) {
        if (c->meanings[m].kind == VJ_MEANS_VALUE)
            look[m] = (uint8_t)(FLAG_VALID | (c->meanings[m].number != 0 ? FLAG_ON : 0));
        else if (c->meanings[m].kind == VJ_MEANS_NULL)
            look[m] = 0;
        else
            return false;
    }
    return true;
}

#if defined(__x86_64__)
#define FLAG_CODES 8 /* whose flags fit one register */

/*
 * Flags of the codes of n rows (a multiple of 8, at most 64) as bitmaps; returns what was met.
 * pack: 32-bit integers.
 */
__attribute__((target("avx2"))) static uint64_t flags_avx2(const uint32_t *pack, int64_t n,
                                                           const vj_built_column *c,
                                                           const uint8_t *look, uint64_t *bits,
                                                           uint64_t *valid)
{
    _Alignas(32) int32_t flags[FLAG_CODES]; /* one to the sign, one below it, one below that */
    __m128i shift = _mm_cvtsi32_si128((int)c->shift);
    __m256i mask = _mm256_set1_epi32((1 << c->bits) - 1);
    uint64_t met = 0;

    for (int i = 0; i < FLAG_CODES; i++)
        flags[i] = (int32_t)((uint32_t)look[i] << 29);
    __m256i table = _mm256_load_si256((const __m256i *)(const void *)flags);
    *bits = *valid = 0;
    for (int64_t i = 0; i < n; i += 8) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(pack + i));
        __m256i codes = _mm256_and_si256(_mm256_srl_epi32(v, shift), mask);
        __m256i f = _mm256_permutevar8x32_epi32(table, codes);
        __m256i second = _mm256_slli_epi32(f, 1);
        __m256i third = _mm256_slli_epi32(f, 2);

        met |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(f));
        *valid |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(second)) << i;
        *bits |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(third)) << i;
    }
    return met != 0 ? FLAG_WRONG : 0;
}
#endif

/* The integers of a packed column as they lie, where flags_avx2 takes them; else NULL. */
static const uint32_t *quick_pack(const vj_built_reader *r, const vj_built_column *c)
{
#if defined(__x86_64__)
    const slot *s = &r->slots[c->physical_i];

    if (vj_cpu() >= VJ_CPU_AVX2 && s->loaded && s->values.type.kind == VJ_U32 && c->bits <= 3)
        return (const uint32_t *)(const void *)s->values.data.ptr;
#else
    (void)r, (void)c;
#endif
    return NULL;
}

static vj_status read_flags(vj_built_reader *r, const vj_built_column *c, const uint8_t *look,
                            vj_colb *dst, vj_error *err)
{
    uint64_t mask = ((uint64_t)1 << c->bits) - 1;
    const uint64_t *pack = NULL;
    size_t words = (size_t)(r->n + 63) / 64;
    uint64_t met = 0;

    VJ_TRY(load_wide(r, c->physical_i, &pack, err));
    const uint32_t *quick = quick_pack(r, c);
    vj_buf_reset(&r->bits);
    vj_buf_reset(&r->valid);
    VJ_TRY(vj_buf_reserve(&r->bits, words * 8, err));
    VJ_TRY(vj_buf_reserve(&r->valid, words * 8, err));
    for (int64_t i = 0; i < r->n; i += 64) {
        int64_t n = VJ_MIN(r->n - i, (int64_t)64);
        uint64_t bits = 0;
        uint64_t valid = 0;
        int64_t k = 0;

#if defined(__x86_64__)
        if (quick != NULL) {
            k = n & ~(int64_t)7;
            met |= flags_avx2(quick + i, k, c, look, &bits, &valid);
        }
#else
        (void)quick;
#endif
        for (; k < n; k++) {
            uint64_t flags = look[pack[i + k] >> c->shift & mask];

            met |= flags;
            bits |= (flags & FLAG_ON) << k;
            valid |= (flags >> 1 & 1) << k;
        }
        memcpy(r->bits.ptr + (i >> 3), &bits, sizeof bits);
        memcpy(r->valid.ptr + (i >> 3), &valid, sizeof valid);
    }
    if (met & FLAG_WRONG)
        return vj_fail(err, VJ_E_CORRUPT, "%s: column %s: expected codes below %d, found a larger "
                       "one", vj_pq_meta_view(r->file)->name, c->field.name, c->n_meanings);
    vj_col col = {.type = &dst->type, .n_rows = r->n, .data = r->bits.ptr, .valid = r->valid.ptr};
    return vj_colb_append(dst, &col, 0, r->n, err);
}

/* TEXT: every row is a span somewhere. */
static vj_status read_texts(vj_built_reader *r, const vj_built_column *c, const vj_col *side,
                            vj_colb *dst, vj_error *err)
{
    const uint8_t *codes = r->codes.ptr;
    int64_t at = 0;

    VJ_VEC_RESET(&r->texts);
    VJ_TRY(VJ_VEC_RESERVE(&r->texts, r->n, err));
    for (int64_t i = 0; i < r->n; i++) {
        const vj_meaning *m = &c->meanings[codes[i]];
        vj_span text = {NULL, 0};

        if (m->kind == VJ_MEANS_VALUE)
            text = (vj_span){m->text.len_bytes > 0 ? m->text.ptr : "", m->text.len_bytes};
        else if (m->kind == VJ_MEANS_REF || m->kind == VJ_MEANS_ALT)
            text = r->alleles.ptr[2 * i + (m->kind == VJ_MEANS_ALT)];
        else if (m->kind == VJ_MEANS_SIDE && c->side_i >= 0 && !vj_col_is_null(side, at))
            text = vj_col_bytes(side, at);
        at += m->kind == VJ_MEANS_SIDE;
        r->texts.ptr[i] = text;
    }
    return vj_colb_spans(dst, r->texts.ptr, r->n, err);
}

static vj_status span_end(const vj_built_reader *r, const vj_built_column *c, int64_t start,
                          vj_span ref, int64_t more, int64_t *end, vj_error *err)
{
    *end = start;
    if (VJ_ADD_OVERFLOW(*end, (int64_t)ref.len_bytes, end) || VJ_ADD_OVERFLOW(*end, more, end) ||
        !built_value_fits(&c->field.type, *end))
        return vj_fail(err, VJ_E_CORRUPT, "%s: column %s: start %lld does not fit its type",
                       vj_pq_meta_view(r->file)->name, c->field.name, (long long)start);
    return VJ_OK;
}

/* Integers that are values or ends, none of them null. */
static vj_status read_numbers(vj_built_reader *r, const vj_built_column *c, const uint64_t *start,
                              vj_colb *dst, vj_error *err)
{
    const uint8_t *codes = r->codes.ptr;

    VJ_VEC_RESET(&r->numbers);
    VJ_TRY(VJ_VEC_RESERVE(&r->numbers, r->n, err));
    for (int64_t i = 0; i < r->n; i++) {
        const vj_meaning *m = &c->meanings[codes[i]];

        if (m->kind == VJ_MEANS_SPAN)
            VJ_TRY(span_end(r, c, (int64_t)start[i], r->alleles.ptr[2 * i], m->number,
                            &r->numbers.ptr[i], err));
        else
            r->numbers.ptr[i] = m->number;
    }
    return vj_colb_ints(dst, r->numbers.ptr, r->n, err);
}

/* Anything, one row after the other. */
static vj_status read_mixed(vj_built_reader *r, const vj_built_column *c, const uint64_t *start,
                            const vj_col *side, vj_colb *dst, vj_error *err)
{
    const uint8_t *codes = r->codes.ptr;
    int64_t at = 0;
    int64_t end = 0;

    for (int64_t i = 0; i < r->n; i++) {
        const vj_meaning *m = &c->meanings[codes[i]];

        if (m->kind == VJ_MEANS_SIDE) {
            VJ_TRY(append_side(c, side, &at, dst, err));
        } else if (m->kind == VJ_MEANS_SPAN) {
            VJ_TRY(span_end(r, c, (int64_t)start[i], r->alleles.ptr[2 * i], m->number, &end, err));
            VJ_TRY(vj_colb_int(dst, end, err));
        } else {
            VJ_TRY(append_value(dst, m, err));
        }
    }
    return VJ_OK;
}

static vj_status read_packed(vj_built_reader *r, const vj_built_column *c, vj_colb *dst,
                             vj_error *err)
{
    const uint64_t *start = NULL;
    vj_col side = {0};
    meanings_met met = {0};
    uint8_t look[VJ_BUILT_MAX_MEANINGS];

    if (flags_of(c, look))
        return read_flags(r, c, look, dst, err);
    VJ_TRY(read_codes(r, c, &met, err));
    if (met.alleles || met.span)
        VJ_TRY(split_alleles(r, err));
    if (met.span)
        VJ_TRY(load_wide(r, r->built->columns[r->built->start_i].physical_i, &start, err));
    if (met.side)
        VJ_TRY(load_side(r, c, &side, err));
    if (dst->type.kind == VJ_TEXT)
        return read_texts(r, c, &side, dst, err);
    if (built_is_integer(&dst->type) && !met.side && !met.null)
        return read_numbers(r, c, start, dst, err);
    return read_mixed(r, c, start, &side, dst, err);
}

/* A column that stands as it is. */
static vj_status read_straight(vj_built_reader *r, int32_t physical_i, vj_colb *dst, vj_error *err)
{
    slot *s = &r->slots[physical_i];

    if (!s->loaded)
        return select_rows(r, physical_i, r->rows, r->n, dst, err);
    vj_col col = vj_colb_view(&s->values);
    return vj_colb_append(dst, &col, 0, col.n_rows, err);
}

vj_status vj_built_reader_column(vj_built_reader *r, int32_t column_i, vj_colb *dst, vj_error *err)
{
    if (r->n == 0)
        return VJ_OK;
    if (r->built == NULL)
        return read_straight(r, column_i, dst, err);
    const vj_built_column *c = &r->built->columns[column_i];
    switch (c->how) {
    case VJ_BUILT_COLUMN:
        return read_straight(r, c->physical_i, dst, err);
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
