/*
 * writer_shred.c - from Arrow columns to what a page holds: repetition and definition levels
 * and the present values, dense. Flat columns keep a bitmap for levels and copy ranges.
 */
#include "parquet/writer_leaf.h"

static vj_status fail_null(const vj_leaf *leaf, vj_error *err)
{
    return vj_fail(err, VJ_E_SCHEMA,
                   "column %s: expected no nulls by its schema, found one",
                   leaf->steps[0].field->name);
}

/* Room for n more items; NULL with err on failure, never for n 0 (hence one byte more). */
static void *more(vj_buf *buf, int64_t n, size_t item_bytes, vj_error *err)
{
    if (vj_buf_reserve(buf, (size_t)n * item_bytes + 1, err) != VJ_OK)
        return NULL;
    void *end = buf->ptr + buf->len_bytes;
    buf->len_bytes += (size_t)n * item_bytes;
    return end;
}

/* ---- values ---- */

/* rows NULL: the n rows from `beg` on; else those of the list. */
#define TAKE(T, OUT)                                                                       \
    do {                                                                                   \
        const T *from_ = (const T *)col->data + beg;                                       \
        OUT *to_ = dst;                                                                    \
                                                                                           \
        if (rows == NULL)                                                                  \
            for (int64_t i = 0; i < n; i++)                                                \
                to_[i] = (OUT)from_[i];                                                    \
        else                                                                               \
            for (int64_t i = 0; i < n; i++)                                                \
                to_[i] = (OUT)((const T *)col->data)[rows[i]];                             \
    } while (0)

static vj_status take_words(vj_leaf *leaf, const vj_col *col, int64_t beg, const int32_t *rows,
                            int64_t n, vj_error *err)
{
    void *dst = more(&leaf->values, n, leaf->value_bytes, err);

    if (dst == NULL)
        return VJ_E_NOMEM;
    switch (leaf->field->type.kind) {
    case VJ_I8:
        TAKE(int8_t, int32_t);
        break;
    case VJ_U8:
        TAKE(uint8_t, int32_t);
        break;
    case VJ_I16:
        TAKE(int16_t, int32_t);
        break;
    case VJ_U16:
        TAKE(uint16_t, int32_t);
        break;
    case VJ_I32:
    case VJ_U32:
    case VJ_F32:
        TAKE(uint32_t, uint32_t);
        break;
    default:
        TAKE(uint64_t, uint64_t);
        break;
    }
    return VJ_OK;
}

static vj_status take_fixed(vj_leaf *leaf, const vj_col *col, int64_t beg, const int32_t *rows,
                            int64_t n, vj_error *err)
{
    size_t width = leaf->value_bytes;
    const uint8_t *from = col->data;
    uint8_t *dst = more(&leaf->values, n, width, err);

    if (dst == NULL)
        return VJ_E_NOMEM;
    if (rows == NULL) {
        memcpy(dst, from + (size_t)beg * width, (size_t)n * width);
        return VJ_OK;
    }
    for (int64_t i = 0; i < n; i++)
        memcpy(dst + (size_t)i * width, from + (size_t)rows[i] * width, width);
    return VJ_OK;
}

/* Bits [beg, beg+n) of from behind the first `at` bits of the buffer, a byte at a time. */
static vj_status append_bits(vj_buf *to, int64_t at, const uint8_t *from, int64_t beg, int64_t n,
                             vj_error *err)
{
    size_t need = (size_t)((at + n + 7) / 8);

    if (need > to->len_bytes) {
        size_t add = need - to->len_bytes;
        uint8_t *fresh = more(to, (int64_t)add, 1, err);

        if (fresh == NULL)
            return VJ_E_NOMEM;
        memset(fresh, 0, add);
    }
    int64_t i = 0;
    for (; i < n && (at + i) % 8 != 0; i++)
        vj_bit_put(to->ptr, at + i, from == NULL || vj_bit_get(from, beg + i));
    size_t whole = (size_t)((n - i) / 8);
    uint8_t *dst = to->ptr + (at + i) / 8;
    const uint8_t *src = from != NULL ? from + ((beg + i) >> 3) : NULL;
    unsigned shift = (unsigned)((beg + i) & 7);
    if (from == NULL)
        memset(dst, 0xff, whole);
    else if (shift == 0)
        memcpy(dst, src, whole);
    else
        for (size_t b = 0; b < whole; b++)
            dst[b] = (uint8_t)(src[b] >> shift | src[b + 1] << (8 - shift));
    i += (int64_t)whole * 8;
    for (; i < n; i++)
        vj_bit_put(to->ptr, at + i, from == NULL || vj_bit_get(from, beg + i));
    return VJ_OK;
}

static vj_status take_bits(vj_leaf *leaf, const vj_col *col, int64_t beg, const int32_t *rows,
                           int64_t n, vj_error *err)
{
    int64_t at = leaf->page_values;

    if (rows == NULL)
        return append_bits(&leaf->values, at, col->data, beg, n, err);
    /* zero bits first, then the ones */
    size_t need = (size_t)((at + n + 7) / 8);
    if (need > leaf->values.len_bytes) {
        size_t add = need - leaf->values.len_bytes;
        uint8_t *fresh = more(&leaf->values, (int64_t)add, 1, err);

        if (fresh == NULL)
            return VJ_E_NOMEM;
        memset(fresh, 0, add);
    }
    const uint8_t *from = col->data;
    uint8_t *to = leaf->values.ptr;
    int64_t i = 0;
    for (; i < n && (at + i) % 8 != 0; i++)
        vj_bit_put(to, at + i, vj_bit_get(from, rows[i]));
    for (; i < n; i += 8) {
        int64_t end = VJ_MIN(i + 8, n);
        unsigned byte = 0;

        for (int64_t k = i; k < end; k++)
            byte |= (unsigned)vj_bit_get(from, rows[k]) << (k - i);
        to[(at + i) / 8] = (uint8_t)byte;
    }
    return VJ_OK;
}

/* Bits of `from` where `valid` has ones, rows [beg, beg+n), to bit `at` of `to` and on. */
static void squeeze_bits(uint8_t *to, int64_t at, const uint8_t *from, const uint8_t *valid,
                         int64_t beg, int64_t n)
{
    uint8_t *dst = to + (at >> 3);
    unsigned fill = (unsigned)(at & 7);
    unsigned acc = fill > 0 ? dst[0] & ((1u << fill) - 1) : 0;

    for (int64_t i = 0; i < n; i += 64) {
        size_t some = (size_t)VJ_MIN(n - i, (int64_t)64);
        uint64_t bits = vj_bits_take(from, beg + i, some);
        uint64_t where = vj_bits_take(valid, beg + i, some);

        for (size_t k = 0; k < some; k++, bits >>= 1, where >>= 1) {
            unsigned present = (unsigned)(where & 1);
            acc |= ((unsigned)bits & present) << fill;
            fill += present;
            if (fill == 8) {
                *dst++ = (uint8_t)acc;
                acc = fill = 0;
            }
        }
    }
    if (fill > 0)
        *dst = (uint8_t)acc;
}

/* The n_present flags among rows [beg, beg+n) of a column with nulls. */
static vj_status take_present_bits(vj_leaf *leaf, const vj_col *col, int64_t beg, int64_t n,
                                   int64_t n_present, vj_error *err)
{
    size_t need = (size_t)((leaf->page_values + n_present + 7) / 8);
    size_t have = leaf->values.len_bytes;

    if (need > have && more(&leaf->values, (int64_t)(need - have), 1, err) == NULL)
        return VJ_E_NOMEM;
    squeeze_bits(leaf->values.ptr, leaf->page_values, col->data, col->valid, beg, n);
    leaf->page_values += n_present;
    return VJ_OK;
}

static vj_status take_strings(vj_leaf *leaf, const vj_col *col, int64_t beg, const int32_t *rows,
                              int64_t n, vj_error *err)
{
    const int32_t *offs = col->offs;
    const uint8_t *from = col->data;
    uint32_t *lens = more(&leaf->lens, n, sizeof *lens, err);

    if (lens == NULL)
        return VJ_E_NOMEM;
    if (rows == NULL) {
        for (int64_t i = 0; i < n; i++)
            lens[i] = (uint32_t)(offs[beg + i + 1] - offs[beg + i]);
        return vj_buf_append(&leaf->values, from + offs[beg], (size_t)(offs[beg + n] - offs[beg]),
                             err);
    }
    size_t total = 0;
    for (int64_t i = 0; i < n; i++) {
        lens[i] = (uint32_t)(offs[rows[i] + 1] - offs[rows[i]]);
        total += lens[i];
    }
    uint8_t *dst = more(&leaf->values, (int64_t)total, 1, err);
    if (dst == NULL)
        return VJ_E_NOMEM;
    for (int64_t i = 0; i < n; i++) {
        if (lens[i] > 0)
            memcpy(dst, from + offs[rows[i]], lens[i]);
        dst += lens[i];
    }
    return VJ_OK;
}

/* Ascending rows without a gap are a range. */
static vj_status take_values(vj_leaf *leaf, const vj_col *col, int64_t beg, const int32_t *rows,
                             int64_t n, vj_error *err)
{
    if (n == 0)
        return VJ_OK;
    if (rows != NULL && rows[n - 1] - rows[0] == n - 1) {
        beg = rows[0];
        rows = NULL;
    }
    switch (leaf->store) {
    case VJ_STORE_BITS:
        VJ_TRY(take_bits(leaf, col, beg, rows, n, err));
        break;
    case VJ_STORE_WORDS32:
    case VJ_STORE_WORDS64:
        VJ_TRY(take_words(leaf, col, beg, rows, n, err));
        break;
    case VJ_STORE_FIXED:
        VJ_TRY(take_fixed(leaf, col, beg, rows, n, err));
        break;
    case VJ_STORE_STRINGS:
        VJ_TRY(take_strings(leaf, col, beg, rows, n, err));
        break;
    }
    leaf->page_values += n;
    return VJ_OK;
}

/* ---- flat columns ---- */

/* Room that list_bits may touch behind the rows it lists. */
#define LIST_SLACK 8

/* Row numbers of the set bits in [beg, beg+n). No branch depends on one bit. */
static void list_bits(const uint8_t *bits, int64_t beg, int64_t n, int32_t *rows)
{
    int64_t found = 0;
    int64_t i = beg;

    for (; i < beg + n && i % 8 != 0; i++) {
        rows[found] = (int32_t)i;
        found += vj_bit_get(bits, i);
    }
    for (; i + 8 <= beg + n; i += 8) {
        unsigned byte = bits[i / 8];

        if (byte == 0)
            continue; /* columns that are null for long stretches are common */
        for (unsigned b = 0; b < 8; b++) {
            rows[found] = (int32_t)(i + b);
            found += byte >> b & 1;
        }
    }
    for (; i < beg + n; i++) {
        rows[found] = (int32_t)i;
        found += vj_bit_get(bits, i);
    }
}

/* Set bits in [beg, beg+n). */
static int64_t count_range(const uint8_t *bits, int64_t beg, int64_t n)
{
    int64_t found = 0;

    for (; n > 0 && beg % 8 != 0; beg++, n--)
        found += vj_bit_get(bits, beg);
    return n > 0 ? found + vj_bits_count(bits + beg / 8, n) : found;
}

static vj_status stage_flat(vj_leaf *leaf, const vj_col *col, int64_t beg, int64_t n,
                            vj_leaf_scratch *scratch, vj_error *err)
{
    int32_t *rows = NULL;
    int64_t present = n;

    if (col->valid != NULL)
        present = count_range(col->valid, beg, n);
    if (present < n && leaf->max_def == 0)
        return fail_null(leaf, err);
    bool gaps = present > 0 && present < n;
    bool squeeze = gaps && leaf->store == VJ_STORE_BITS;
    if (gaps && !squeeze) {
        vj_buf_reset(&scratch->rows);
        if ((rows = more(&scratch->rows, n + LIST_SLACK, sizeof *rows, err)) == NULL)
            return VJ_E_NOMEM;
        list_bits(col->valid, beg, n, rows);
    }
    if (leaf->max_def > 0)
        VJ_TRY(append_bits(&leaf->defs, leaf->page_levels, present < n ? col->valid : NULL, beg,
                           n, err));
    leaf->page_levels += n;
    return squeeze ? take_present_bits(leaf, col, beg, n, present, err)
                   : take_values(leaf, col, beg, rows, present, err);
}

/* ---- nested columns ---- */

/* The entries of one step: row of the column at hand or -1, and the levels so far. */
typedef struct entries {
    int32_t *idx;
    uint8_t *def;
    uint8_t *rep;
    int64_t n;
} entries;

static vj_status make_entries(vj_leaf_scratch *scratch, int side, int64_t n, entries *out,
                              vj_error *err)
{
    vj_buf_reset(&scratch->idx[side]);
    vj_buf_reset(&scratch->def[side]);
    vj_buf_reset(&scratch->rep[side]);
    out->idx = more(&scratch->idx[side], n, sizeof *out->idx, err);
    out->def = more(&scratch->def[side], n, 1, err);
    out->rep = more(&scratch->rep[side], n, 1, err);
    out->n = n;
    return out->idx != NULL && out->def != NULL && out->rep != NULL ? VJ_OK : VJ_E_NOMEM;
}

/* A nullable step: present rows gain a definition level, nulls end here. */
static vj_status enter_nullable(const vj_leaf *leaf, const vj_field *field, const vj_col *col,
                                entries *at, vj_error *err)
{
    if (col->valid == NULL) {
        if (field->nullable)
            for (int64_t i = 0; i < at->n; i++)
                at->def[i] = (uint8_t)(at->def[i] + (at->idx[i] >= 0));
        return VJ_OK;
    }
    for (int64_t i = 0; i < at->n; i++) {
        if (at->idx[i] < 0)
            continue;
        if (vj_bit_get(col->valid, at->idx[i]))
            at->def[i] = (uint8_t)(at->def[i] + field->nullable);
        else if (!field->nullable)
            return fail_null(leaf, err);
        else
            at->idx[i] = -1;
    }
    return VJ_OK;
}

/*
 * A list step: each row becomes its elements, the first with the row's own repetition level,
 * the others with the list's; an empty list stays one entry that ends here.
 */
static vj_status enter_list(const vj_col *col, int list_rep, const entries *from,
                            vj_leaf_scratch *scratch, int side, entries *to, vj_error *err)
{
    const int32_t *offs = col->offs;
    int64_t total = 0;

    for (int64_t i = 0; i < from->n; i++) {
        int64_t len = from->idx[i] < 0 ? 0 : offs[from->idx[i] + 1] - offs[from->idx[i]];
        total += len > 0 ? len : 1;
    }
    VJ_TRY(make_entries(scratch, side, total, to, err));
    int64_t at = 0;
    for (int64_t i = 0; i < from->n; i++) {
        int32_t row = from->idx[i];
        int32_t beg = row < 0 ? 0 : offs[row];
        int32_t end = row < 0 ? 0 : offs[row + 1];
        uint8_t def = (uint8_t)(from->def[i] + (end > beg));

        to->idx[at] = end > beg ? beg : -1;
        to->def[at] = def;
        to->rep[at++] = from->rep[i];
        for (int32_t e = beg + 1; e < end; e++) {
            to->idx[at] = e;
            to->def[at] = def;
            to->rep[at++] = (uint8_t)list_rep;
        }
    }
    return VJ_OK;
}

static vj_status stage_nested(vj_leaf *leaf, const vj_col *top, int64_t beg, int64_t n,
                              vj_leaf_scratch *scratch, vj_error *err)
{
    const vj_col *col = top;
    entries at = {0};
    int side = 0;
    int rep = 0;

    VJ_TRY(make_entries(scratch, side, n, &at, err));
    for (int64_t i = 0; i < n; i++)
        at.idx[i] = (int32_t)(beg + i);
    memset(at.def, 0, (size_t)n);
    memset(at.rep, 0, (size_t)n);
    for (int32_t s = 0; s < leaf->n_steps; s++) {
        if (s > 0)
            col = &col->kids[leaf->steps[s].kid_i];
        VJ_TRY(enter_nullable(leaf, leaf->steps[s].field, col, &at, err));
        if (leaf->steps[s].field->type.kind == VJ_LIST) {
            entries next = {0};

            side = 1 - side;
            VJ_TRY(enter_list(col, ++rep, &at, scratch, side, &next, err));
            at = next;
        }
    }
    VJ_TRY(vj_buf_append(&leaf->defs, at.def, (size_t)at.n, err));
    if (leaf->max_rep > 0)
        VJ_TRY(vj_buf_append(&leaf->reps, at.rep, (size_t)at.n, err));
    leaf->page_levels += at.n;
    int64_t present = 0;
    for (int64_t i = 0; i < at.n; i++) {
        at.idx[present] = at.idx[i];
        present += at.idx[i] >= 0;
    }
    return take_values(leaf, col, 0, at.idx, present, err);
}

/*
 * A list of plain values without a null or an empty list among rows [beg, beg+n), the usual list
 * of a VCF: its levels follow from the offsets alone, its values are a range. False: not that.
 */
static bool is_plain_list(const vj_leaf *leaf, const vj_col *col, int64_t beg, int64_t n)
{
    bool plain = leaf->n_steps == 2 && leaf->steps[0].field->type.kind == VJ_LIST && n > 0 &&
                 col->kids[0].valid == NULL &&
                 (col->valid == NULL || count_range(col->valid, beg, n) == n);

    for (int64_t i = beg; plain && i < beg + n; i++)
        plain = col->offs[i + 1] > col->offs[i];
    return plain;
}

static vj_status stage_plain_list(vj_leaf *leaf, const vj_col *col, int64_t beg, int64_t n,
                                  vj_error *err)
{
    const int32_t *offs = col->offs + beg;
    int64_t total = offs[n] - offs[0];
    uint8_t *defs = more(&leaf->defs, total, 1, err);
    uint8_t *reps = more(&leaf->reps, total, 1, err);

    if (defs == NULL || reps == NULL)
        return VJ_E_NOMEM;
    memset(defs, leaf->max_def, (size_t)total);
    memset(reps, 1, (size_t)total);
    for (int64_t i = 0; i < n; i++)
        reps[offs[i] - offs[0]] = 0;
    leaf->page_levels += total;
    return take_values(leaf, &col->kids[0], offs[0], NULL, total, err);
}

vj_status vj_leaf_stage(vj_leaf *leaf, const vj_col *top, int64_t beg, int64_t n,
                        vj_leaf_scratch *scratch, vj_error *err)
{
    if (leaf->n_steps == 1)
        return stage_flat(leaf, top, beg, n, scratch, err);
    if (is_plain_list(leaf, top, beg, n))
        return stage_plain_list(leaf, top, beg, n, err);
    return stage_nested(leaf, top, beg, n, scratch, err);
}
