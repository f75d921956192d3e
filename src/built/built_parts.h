/*
 * built_parts.h - private to built: what the parts of built.h share.
 */
#ifndef VJ_BUILT_BUILT_PARTS_H
#define VJ_BUILT_BUILT_PARTS_H

#include "base/json.h"
#include "built/built.h"

/* Names of the physical columns that a layout adds. */
#define VJ_BUILT_ALLELE "vj_allele"
#define VJ_BUILT_PACK "vj_pack"
#define VJ_BUILT_INT "vj_int_"
#define VJ_BUILT_SIDE "vj_side_"
/* Between REF and ALT. */
#define VJ_BUILT_TAB '\t'

/* Types that may be stored in another form: BOOL, integers, floats (constants), text. */
bool built_type_is_simple(const vj_type *type);
/* Type of a name that vj_type_name gave to a simple type; false for others. */
bool built_type_parse(const char *name, vj_type *out);
static inline bool built_is_integer(const vj_type *type)
{
    return type->kind >= VJ_I8 && type->kind <= VJ_U64 && type->logical == VJ_LOGICAL_NONE;
}
static inline bool built_is_text(const vj_type *type)
{
    return type->kind == VJ_TEXT;
}
/* The value as the type can hold it; u64 goes by its bits. */
bool built_value_fits(const vj_type *type, int64_t value);
/* Two sides of REF TAB ALT. No tab: all of it is REF. */
static inline void built_split(vj_span both, vj_span *ref, vj_span *alt)
{
    const char *tab = both.len_bytes > 0 ? memchr(both.ptr, VJ_BUILT_TAB, both.len_bytes) : NULL;
    size_t n = tab != NULL ? (size_t)(tab - both.ptr) : both.len_bytes;

    *ref = (vj_span){both.ptr, n};
    *alt = tab != NULL ? (vj_span){tab + 1, both.len_bytes - n - 1} : (vj_span){both.ptr + n, 0};
}


/*
 * Codes of a PACKED column's rows, by the order of its meanings; values is a map of this column's
 * own, filled at the first call. *n_side counts the rows that go to the side column.
 * VJ_E_SCHEMA when a value has no code and the column no side (a null where none may be).
 */
VJ_MUST_CHECK vj_status built_codes(const vj_built *b, int32_t column_i, const vj_batch *rows,
                                    vj_map *values, uint8_t *codes, int64_t *n_side,
                                    vj_error *err);
/* An empty layout in an arena of its own. */
VJ_MUST_CHECK vj_status built_new(vj_budget *budget, vj_built **out, vj_error *err);

#endif
