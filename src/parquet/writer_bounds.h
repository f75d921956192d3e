/*
 * writer_bounds.h - smallest and largest value of a page, and how statistics spell them
 * (private to parquet/).
 *
 * Bounds travel as the bytes of Statistics.min_value (PLAIN without a length prefix): the same
 * form for numbers and text, compared by vj_bounds_cmp in the column's order.
 */
#ifndef VJ_PARQUET_WRITER_BOUNDS_H
#define VJ_PARQUET_WRITER_BOUNDS_H

#include "col/col.h"

/* Order of a column's values (parquet-format, ColumnOrder). */
typedef enum vj_order {
    VJ_ORDER_NONE, /* no bounds are written */
    VJ_ORDER_BOOL,
    VJ_ORDER_I32,
    VJ_ORDER_U32,
    VJ_ORDER_I64,
    VJ_ORDER_U64,
    VJ_ORDER_F32,
    VJ_ORDER_F64,
    VJ_ORDER_F16,
    VJ_ORDER_BYTES,
    VJ_ORDER_DECIMAL /* big-endian two's complement, all of one width */
} vj_order;

/* The longest bound that is stored whole. */
#define VJ_BOUND_BYTES ((size_t)64)

typedef struct vj_bounds {
    bool has;
    bool nan; /* a NaN was seen: readers disagree on its place, so there are no bounds */
    vj_span min, max;
    uint8_t store[2][8]; /* what min and max of numbers point to */
} vj_bounds;

vj_order vj_order_of(const vj_type *type);
/* <0, 0, >0; both are bounds of the same order. */
int vj_bounds_cmp(vj_order order, vj_span a, vj_span b);

/* Bounds of n values as they stand in a page. *out points into itself: do not copy it. */
void vj_bounds_words32(vj_order order, const uint32_t *values, size_t n, vj_bounds *out);
void vj_bounds_words64(vj_order order, const uint64_t *values, size_t n, vj_bounds *out);
/* Their scalar bodies, for tests. */
void vj_bounds_words32_scalar(vj_order order, const uint32_t *values, size_t n, vj_bounds *out);
void vj_bounds_words64_scalar(vj_order order, const uint64_t *values, size_t n, vj_bounds *out);
/* n_true of n bits are set. */
void vj_bounds_bits(size_t n_true, size_t n, vj_bounds *out);
/* Strings one after the other; VJ_DICT_SLACK bytes readable behind them. Bounds view them. */
void vj_bounds_strings(const uint8_t *bytes, const uint32_t *lens, size_t n, vj_bounds *out);
/* Strings one by one: from zero, then each value, then the bounds. The same slack. */
typedef struct vj_string_bounds {
    const uint8_t *min, *max;
    uint32_t min_len, max_len;
    uint64_t min_prefix, max_prefix;
} vj_string_bounds;
void vj_bounds_see(vj_string_bounds *bounds, const uint8_t *ptr, uint32_t len);
void vj_bounds_seen(const vj_string_bounds *bounds, vj_bounds *out);
/* Values of one width. */
void vj_bounds_fixed(vj_order order, const uint8_t *bytes, size_t width, size_t n,
                     vj_bounds *out);

/*
 * A lower bound of at most VJ_BOUND_BYTES: cut, for text at the end of a character. Returns its
 * length.
 */
size_t vj_bound_cut_min(vj_span whole, bool text);
/*
 * An upper bound: cut and raised by one in its last place that can be raised. Writes at most
 * VJ_BOUND_BYTES + 4 bytes to dst and returns the length; 0 when no shorter bound exists.
 */
size_t vj_bound_cut_max(vj_span whole, bool text, uint8_t dst[VJ_BOUND_BYTES + 4]);

#endif
