#include "col/col.h"

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
