#include "col/col.h"

#include <math.h>
#include <stdio.h>

int64_t vj_col_i64(const vj_col *col, int64_t row_i)
{
    switch (col->type->kind) {
    case VJ_I8:
        return ((const int8_t *)col->data)[row_i];
    case VJ_I16:
        return ((const int16_t *)col->data)[row_i];
    case VJ_I32:
        return ((const int32_t *)col->data)[row_i];
    case VJ_I64:
        return ((const int64_t *)col->data)[row_i];
    case VJ_U8:
        return ((const uint8_t *)col->data)[row_i];
    case VJ_U16:
        return ((const uint16_t *)col->data)[row_i];
    case VJ_U32:
        return ((const uint32_t *)col->data)[row_i];
    case VJ_U64:
        return (int64_t)((const uint64_t *)col->data)[row_i];
    default:
        return 0;
    }
}

double vj_col_f64(const vj_col *col, int64_t row_i)
{
    return col->type->kind == VJ_F32 ? (double)((const float *)col->data)[row_i]
                                     : ((const double *)col->data)[row_i];
}

int64_t vj_col_null_count(const vj_col *col)
{
    return col->valid == NULL ? 0 : col->n_rows - vj_bits_count(col->valid, col->n_rows);
}

/* ---- content hash ---- */

#define HASH_NULL 0x6e756c6c6e756c6cu
#define HASH_SEED 0x76617269616e7473u

static uint64_t hash_double(double value)
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

static uint64_t hash_value(const vj_col *col, int64_t row_i)
{
    if (vj_col_is_null(col, row_i))
        return HASH_NULL;
    switch (col->type->kind) {
    case VJ_BOOL:
        return vj_bit_get(col->data, row_i) ? 3 : 2;
    case VJ_F32:
    case VJ_F64:
        return hash_double(vj_col_f64(col, row_i));
    case VJ_TEXT:
    case VJ_BINARY:
    case VJ_FIXED: {
        vj_span bytes = vj_col_bytes(col, row_i);
        if (col->type->logical == VJ_LOGICAL_DECIMAL)
            return hash_decimal_bytes(bytes);
        return vj_hash_bytes(bytes.ptr, bytes.len_bytes, 0);
    }
    case VJ_LIST: {
        uint64_t hash = (uint64_t)(col->offs[row_i + 1] - col->offs[row_i]);
        for (int32_t i = col->offs[row_i]; i < col->offs[row_i + 1]; i++)
            hash = vj_mix64(hash, hash_value(&col->kids[0], i));
        return hash;
    }
    case VJ_STRUCT: {
        uint64_t hash = (uint64_t)col->type->n_kids;
        for (int32_t i = 0; i < col->type->n_kids; i++)
            hash = vj_mix64(hash, hash_value(&col->kids[i], row_i));
        return hash;
    }
    default:
        return (uint64_t)vj_col_i64(col, row_i);
    }
}

void vj_content_hash_add(vj_content_hash *hash, const vj_batch *batch, uint64_t *scratch)
{
    for (int64_t i = 0; i < batch->n_rows; i++)
        scratch[i] = HASH_SEED;
    for (int32_t c = 0; c < batch->schema->n_fields; c++) {
        const vj_col *col = &batch->cols[c];

        for (int64_t i = 0; i < batch->n_rows; i++)
            scratch[i] = vj_mix64(scratch[i], hash_value(col, i));
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
