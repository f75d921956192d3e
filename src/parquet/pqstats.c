#include "parquet/footer.h"

#include <math.h>

/* Statistics of parquet.thrift: what a bound means depends on the leaf's order. */

static bool is_unsigned(vj_kind kind)
{
    return kind == VJ_U8 || kind == VJ_U16 || kind == VJ_U32 || kind == VJ_U64;
}

static bool is_integer(const pq_leaf *leaf)
{
    return (leaf->physical == PQ_INT32 || leaf->physical == PQ_INT64) &&
           leaf->type.logical != VJ_LOGICAL_NULL;
}

/*
 * By ColumnOrder: text, bytes and unsigned numbers only where the footer says that the order is
 * the type's; numbers whose order was never in doubt also where it is silent. An order that is
 * not known says nothing.
 */
bool pq_bounds_ordered(const pq_leaf *leaf)
{
    bool bytes = leaf->physical == PQ_BYTE_ARRAY || leaf->physical == PQ_FLBA;

    if (leaf->order == PQ_ORDER_NONE)
        return !bytes && !is_unsigned(leaf->type.kind);
    if (leaf->order == PQ_ORDER_IEEE754)
        return leaf->physical == PQ_FLOAT || leaf->physical == PQ_DOUBLE;
    return leaf->order == PQ_ORDER_TYPE;
}

/* Whether narrowing keeps the value of a bound. */
static bool fits_narrow(const pq_leaf *leaf, int64_t v)
{
    switch (leaf->type.kind) {
    case VJ_I8:
        return v >= INT8_MIN && v <= INT8_MAX;
    case VJ_U8:
        return v >= 0 && v <= UINT8_MAX;
    case VJ_I16:
        return v >= INT16_MIN && v <= INT16_MAX;
    case VJ_U16:
        return v >= 0 && v <= UINT16_MAX;
    default:
        return true;
    }
}

bool pq_bound_i64(const pq_leaf *leaf, vj_span bytes, int64_t *out)
{
    int32_t v32 = 0;

    if (!is_integer(leaf) || bytes.len_bytes != (size_t)leaf->width_bytes)
        return false;
    if (leaf->physical == PQ_INT64) {
        memcpy(out, bytes.ptr, sizeof *out);
        return true;
    }
    memcpy(&v32, bytes.ptr, sizeof v32);
    *out = is_unsigned(leaf->type.kind) ? (int64_t)(uint32_t)v32 : v32;
    return true;
}

static bool bound_f64(const pq_leaf *leaf, vj_span bytes, double *out)
{
    float f32 = 0;

    if (bytes.len_bytes != (size_t)leaf->width_bytes)
        return false;
    if (leaf->physical == PQ_DOUBLE) {
        memcpy(out, bytes.ptr, sizeof *out);
    } else {
        memcpy(&f32, bytes.ptr, sizeof f32);
        *out = (double)f32;
    }
    return !isnan(*out);
}

static bool float_bounds(const pq_leaf *leaf, const pq_chunk *c, vj_span min, vj_span max,
                         vj_pq_stats *s)
{
    if ((c->has_nan_count && c->nan_count > 0) || !bound_f64(leaf, min, &s->min_f64) ||
        !bound_f64(leaf, max, &s->max_f64))
        return false;
    /* a writer may have taken either zero for the other */
    if (s->min_f64 == 0)
        s->min_f64 = -0.0;
    if (s->max_f64 == 0)
        s->max_f64 = 0.0;
    return true;
}

/* Bounds in the order of the type: signed, unsigned, IEEE, or bytes from left to right. */
static bool read_bounds(const pq_leaf *leaf, const pq_chunk *c, vj_span min, vj_span max,
                        vj_pq_stats *s)
{
    switch (leaf->physical) {
    case PQ_INT32:
    case PQ_INT64:
        return pq_bound_i64(leaf, min, &s->min_i64) && pq_bound_i64(leaf, max, &s->max_i64) &&
               fits_narrow(leaf, s->min_i64) && fits_narrow(leaf, s->max_i64);
    case PQ_FLOAT:
    case PQ_DOUBLE:
        return float_bounds(leaf, c, min, max, s);
    case PQ_BOOLEAN:
        if (min.len_bytes != 1 || max.len_bytes != 1)
            return false;
        s->min_i64 = min.ptr[0] != 0;
        s->max_i64 = max.ptr[0] != 0;
        return true;
    case PQ_BYTE_ARRAY:
    case PQ_FLBA:
        /* decimals and half floats do not sort by their bytes */
        if (leaf->type.logical == VJ_LOGICAL_DECIMAL || leaf->type.logical == VJ_LOGICAL_F16 ||
            leaf->type.logical == VJ_LOGICAL_INTERVAL)
            return false;
        s->min_bytes = min;
        s->max_bytes = max;
        return true;
    case PQ_INT96: /* has no order */
        break;
    }
    return false;
}

void pq_stats_get(const pq_leaf *leaf, const pq_chunk *c, vj_pq_stats *s)
{
    *s = (vj_pq_stats){.n_nulls = -1, .n_distinct = -1};
    if (c->has_null_count && c->null_count >= 0 && c->null_count <= c->n_values)
        s->n_nulls = c->null_count;
    if (c->has_distinct_count && c->distinct_count >= 0)
        s->n_distinct = c->distinct_count;
    if (c->has_min && c->has_max) {
        s->has_bounds = pq_bounds_ordered(leaf) && read_bounds(leaf, c, c->min, c->max, s);
        /* writers that cut text may not say so: without a flag its bounds are not exact */
        bool bytes = leaf->physical == PQ_BYTE_ARRAY || leaf->physical == PQ_FLBA;
        s->min_exact = c->has_min_exact ? c->min_exact : !bytes;
        s->max_exact = c->has_max_exact ? c->max_exact : !bytes;
        return;
    }
    /* the deprecated pair was written in signed order whatever the type */
    bool signed_order = leaf->physical == PQ_BOOLEAN || leaf->physical == PQ_FLOAT ||
                        leaf->physical == PQ_DOUBLE ||
                        (is_integer(leaf) && !is_unsigned(leaf->type.kind));
    if (c->has_old_min && c->has_old_max && signed_order) {
        s->has_bounds = read_bounds(leaf, c, c->old_min, c->old_max, s);
        s->min_exact = s->max_exact = true;
    }
}
