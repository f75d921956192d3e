/*
 * content_hash.c - the content hash of a table, a column and a block of rows at a time.
 *
 * For each column the hashes of up to BLOCK values are laid down by a loop that knows the kind,
 * nulls are put over them, and the block is mixed into the rows' hashes.
 */
#include "col/col.h"

#include <math.h>
#include <stdio.h>

#define HASH_NULL 0x6e756c6c6e756c6cu
#define HASH_SEED 0x76617269616e7473u
#define BLOCK 256 /* a multiple of 4: what is written by fours stays inside */

static inline uint64_t hash_double(double value)
{
    uint64_t bits;

    if (isnan(value))
        return 0x7ff8000000000000u;
    if (value == 0)
        return 0; /* DuckDB's dictionaries take -0 and 0 for one value and write either */
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/*
 * A decimal counts by its value, whether a writer put it in an integer or in big-endian bytes:
 * those that fit 64 bits as such an integer, larger ones by their bytes without sign padding.
 */
static uint64_t hash_decimal_bytes(vj_span bytes)
{
    size_t n = bytes.len_bytes;
    size_t skip = 0;
    uint64_t value = 0;

    if (n == 0)
        return 0;
    uint8_t sign = (uint8_t)bytes.ptr[0] & 0x80 ? 0xff : 0;
    while (skip + 1 < n && (uint8_t)bytes.ptr[skip] == sign &&
           ((uint8_t)bytes.ptr[skip + 1] & 0x80) == (sign & 0x80))
        skip++;
    if (n - skip > sizeof value)
        return vj_hash_bytes(bytes.ptr + skip, n - skip, 0);
    if (sign != 0)
        value = ~(uint64_t)0;
    for (size_t i = skip; i < n; i++)
        value = value << 8 | (uint8_t)bytes.ptr[i];
    return value;
}

/* Values [beg, beg+n) as signed or unsigned 64-bit numbers. */
#define PUT_INTS(T)                                                                        \
    do {                                                                                   \
        const T *from_ = (const T *)col->data + beg;                                       \
                                                                                           \
        for (size_t i = 0; i < n; i++)                                                     \
            out[i] = (uint64_t)from_[i];                                                   \
    } while (0)
#define PUT_FLOATS(T)                                                                      \
    do {                                                                                   \
        const T *from_ = (const T *)col->data + beg;                                       \
                                                                                           \
        for (size_t i = 0; i < n; i++)                                                     \
            out[i] = hash_double((double)from_[i]);                                        \
    } while (0)

static void put_fixed(const vj_col *col, int64_t beg, size_t n, uint64_t *out)
{
    for (size_t i = 0; i < n; i++) {
        vj_span bytes = vj_col_bytes(col, beg + (int64_t)i);

        out[i] = col->type->logical == VJ_LOGICAL_DECIMAL
                     ? hash_decimal_bytes(bytes)
                     : vj_hash_bytes(bytes.ptr, bytes.len_bytes, 0);
    }
}

/* Four flags a step. */
static void put_bools(const uint8_t *bits, int64_t beg, size_t n, uint64_t *out)
{
#define FOUR(k) {2 + ((k) & 1), 2 + ((k) >> 1 & 1), 2 + ((k) >> 2 & 1), 2 + ((k) >> 3)}
    static const uint64_t fours[16][4] = {FOUR(0),  FOUR(1),  FOUR(2),  FOUR(3), FOUR(4),  FOUR(5),
                                          FOUR(6),  FOUR(7),  FOUR(8),  FOUR(9), FOUR(10), FOUR(11),
                                          FOUR(12), FOUR(13), FOUR(14), FOUR(15)};
#undef FOUR

    for (size_t i = 0; i < n; i += 64) {
        size_t some = VJ_MIN(n - i, (size_t)64);
        uint64_t word = vj_bits_take(bits, beg + (int64_t)i, some);

        for (size_t k = 0; k < some; k += 4, word >>= 4)
            memcpy(out + i + k, fours[word & 15], sizeof fours[0]);
    }
}

/* Nulls over the hashes of what lies behind them. */
static void put_nulls(const uint8_t *valid, int64_t beg, size_t n, uint64_t *out)
{
    for (size_t i = 0; i < n; i += 64) {
        size_t some = VJ_MIN(n - i, (size_t)64);
        uint64_t nulls = ~vj_bits_take(valid, beg + (int64_t)i, some);

        if (some < 64)
            nulls &= ((uint64_t)1 << some) - 1;
        for (; nulls != 0; nulls &= nulls - 1)
            out[i + (size_t)__builtin_ctzll(nulls)] = HASH_NULL;
    }
}

static void put_values(const vj_col *col, int64_t beg, size_t n, uint64_t *out);

/* One list, its elements' hashes laid down anew: for those that reach over a block's end. */
static uint64_t hash_list(const vj_col *kid, int64_t beg, int64_t end)
{
    uint64_t hash = (uint64_t)(end - beg);
    uint64_t elements[BLOCK];

    for (; beg < end; beg += BLOCK) {
        size_t n = (size_t)VJ_MIN((int64_t)BLOCK, end - beg);

        put_values(kid, beg, n, elements);
        for (size_t e = 0; e < n; e++)
            hash = vj_mix64(hash, elements[e]);
    }
    return hash;
}

/* Rows [beg, beg+n) of a list: their lengths, then one element after the other mixed in. */
static void put_lists(const vj_col *col, int64_t beg, size_t n, uint64_t *out)
{
    const int32_t *offs = col->offs + beg;
    uint64_t elements[BLOCK];
    int64_t from = 0;
    int64_t to = 0; /* elements[] holds the hashes of the elements [from, to) */

    for (size_t i = 0; i < n; i++) {
        int64_t len = offs[i + 1] - offs[i];

        if (vj_col_is_null(col, beg + (int64_t)i))
            continue; /* what lies behind a null is not looked at */
        if (offs[i + 1] > to && len <= BLOCK) {
            from = offs[i];
            to = VJ_MIN(from + BLOCK, (int64_t)offs[n]);
            put_values(&col->kids[0], from, (size_t)(to - from), elements);
        }
        if (len > BLOCK) {
            out[i] = hash_list(&col->kids[0], offs[i], offs[i + 1]);
            continue;
        }
        const uint64_t *at = elements + (offs[i] - from);
        uint64_t hash = (uint64_t)len;
        for (int64_t e = 0; e < len; e++)
            hash = vj_mix64(hash, at[e]);
        out[i] = hash;
    }
}

static void put_structs(const vj_col *col, int64_t beg, size_t n, uint64_t *out)
{
    uint64_t members[BLOCK];

    for (size_t i = 0; i < n; i++)
        out[i] = (uint64_t)col->type->n_kids;
    for (int32_t k = 0; k < col->type->n_kids; k++) {
        put_values(&col->kids[k], beg, n, members);
        for (size_t i = 0; i < n; i++)
            out[i] = vj_mix64(out[i], members[i]);
    }
}

static void put_present(const vj_col *col, int64_t beg, size_t n, uint64_t *out)
{
    switch (col->type->kind) {
    case VJ_BOOL:
        put_bools(col->data, beg, n, out);
        break;
    case VJ_I8:
        PUT_INTS(int8_t);
        break;
    case VJ_U8:
        PUT_INTS(uint8_t);
        break;
    case VJ_I16:
        PUT_INTS(int16_t);
        break;
    case VJ_U16:
        PUT_INTS(uint16_t);
        break;
    case VJ_I32:
        PUT_INTS(int32_t);
        break;
    case VJ_U32:
        PUT_INTS(uint32_t);
        break;
    case VJ_I64:
    case VJ_U64:
        PUT_INTS(uint64_t);
        break;
    case VJ_F32:
        PUT_FLOATS(float);
        break;
    case VJ_F64:
        PUT_FLOATS(double);
        break;
    case VJ_TEXT:
    case VJ_BINARY:
        if (col->type->logical == VJ_LOGICAL_DECIMAL)
            put_fixed(col, beg, n, out);
        else
            vj_hash_texts(col->data, col->offs + beg, n, out);
        break;
    case VJ_FIXED:
        put_fixed(col, beg, n, out);
        break;
    case VJ_LIST:
        put_lists(col, beg, n, out);
        break;
    case VJ_STRUCT:
        put_structs(col, beg, n, out);
        break;
    }
}

/* Hashes of the values [beg, beg+n), n at most BLOCK. */
static void put_values(const vj_col *col, int64_t beg, size_t n, uint64_t *out)
{
    put_present(col, beg, n, out);
    if (col->valid != NULL)
        put_nulls(col->valid, beg, n, out);
}

void vj_content_hash_add(vj_content_hash *hash, const vj_batch *batch, uint64_t *scratch)
{
    uint64_t values[BLOCK];

    for (int64_t i = 0; i < batch->n_rows; i++)
        scratch[i] = HASH_SEED;
    for (int32_t c = 0; c < batch->schema->n_fields; c++) {
        for (int64_t beg = 0; beg < batch->n_rows; beg += BLOCK) {
            size_t n = (size_t)VJ_MIN((int64_t)BLOCK, batch->n_rows - beg);

            uint64_t *rows = scratch + beg;
            put_values(&batch->cols[c], beg, n, values);
            for (size_t i = 0; i < n; i++)
                rows[i] = vj_mix64(rows[i], values[i]);
        }
    }
    for (int64_t i = 0; i < batch->n_rows; i++) {
        hash->lo += vj_mix64(scratch[i], 0x2545f4914f6cdd1du);
        hash->hi += vj_mix64(scratch[i], 0xa0761d6478bd642fu);
    }
    hash->n_rows += batch->n_rows;
}

void vj_content_hash_merge(vj_content_hash *hash, const vj_content_hash *other)
{
    hash->lo += other->lo;
    hash->hi += other->hi;
    hash->n_rows += other->n_rows;
}

char *vj_content_hash_text(const vj_content_hash *hash, char dst[40])
{
    uint64_t n = (uint64_t)hash->n_rows;

    snprintf(dst, 40, "vjh1:%016llx%016llx",
             (unsigned long long)vj_mix64(hash->hi + n, n), (unsigned long long)(hash->lo ^ n));
    return dst;
}
