/*
 * arrow_import.c - foreign Arrow C Data taken into column builders.
 *
 * Types: Arrow columnar format, "C data interface", format strings. Values are copied: a builder
 * has our layouts only (32-bit offsets, no dictionaries), whatever the producer has. Lengths and
 * pointers inside a process are the producer's promise; what can be held against the schema is.
 */
#include "api/arrow.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 32
#define INLINE_VIEW_BYTES 12

/* ---- types ---- */

static vj_status refuse(const struct ArrowSchema *from, const char *column, vj_error *err)
{
    return vj_fail(err, VJ_E_UNSUPPORTED, "column %s: Arrow format '%.40s' is not taken", column,
                   from->format);
}

static bool plain_kind(const char *format, vj_kind *out)
{
    static const char letters[] = "bcsilCSILfg";
    static const vj_kind kinds[] = {VJ_BOOL, VJ_I8, VJ_I16, VJ_I32, VJ_I64, VJ_U8,
                                    VJ_U16, VJ_U32, VJ_U64, VJ_F32, VJ_F64};
    const char *at = strchr(letters, format[0]);

    if (at == NULL || format[0] == '\0' || format[1] != '\0')
        return false;
    *out = kinds[at - letters];
    return true;
}

static bool bytes_kind(const char *format, vj_kind *out)
{
    *out = strpbrk(format, "uU") != NULL ? VJ_TEXT : VJ_BINARY;
    return strcmp(format, "u") == 0 || strcmp(format, "U") == 0 || strcmp(format, "z") == 0 ||
           strcmp(format, "Z") == 0 || strcmp(format, "vu") == 0 || strcmp(format, "vz") == 0;
}

/* tdD tdm tts ttm ttu ttn tss: tsm: tsu: tsn: */
static bool time_type(const char *format, vj_type *out)
{
    char unit = format[0] == 't' && format[1] != '\0' ? format[2] : '\0';

    if (strncmp(format, "td", 2) == 0 && (unit == 'D' || unit == 'm')) {
        *out = (vj_type){.kind = VJ_I32, .logical = VJ_LOGICAL_DATE};
        return true;
    }
    bool stamp = strncmp(format, "ts", 2) == 0;
    if ((!stamp && strncmp(format, "tt", 2) != 0) || unit == '\0' ||
        strchr("smun", unit) == NULL || (stamp && format[3] != ':'))
        return false;
    *out = (vj_type){.kind = stamp || unit == 'u' || unit == 'n' ? VJ_I64 : VJ_I32,
                     .logical = stamp ? VJ_LOGICAL_TIMESTAMP : VJ_LOGICAL_TIME,
                     .unit = unit == 'u' ? VJ_US : unit == 'n' ? VJ_NS : VJ_MS,
                     .utc = stamp && format[4] != '\0'};
    return true;
}

static bool sized_type(const char *format, vj_type *out)
{
    char *end = NULL;

    if (strncmp(format, "w:", 2) == 0) {
        long width = strtol(format + 2, &end, 10);

        *out = (vj_type){.kind = VJ_FIXED, .width_bytes = (int32_t)width};
        return *end == '\0' && width > 0 && width < 1 << 20;
    }
    if (strncmp(format, "d:", 2) != 0)
        return false;
    long precision = strtol(format + 2, &end, 10);
    long scale = *end == ',' ? strtol(end + 1, &end, 10) : -1;
    long bits = *end == ',' ? strtol(end + 1, &end, 10) : 128;
    long digits = bits == 32 ? 9 : bits == 64 ? 18 : bits == 128 ? 38 : bits == 256 ? 76 : 0;

    *out = (vj_type){.kind = VJ_FIXED, .logical = VJ_LOGICAL_DECIMAL,
                     .width_bytes = (int32_t)(bits / 8), .precision = (int32_t)precision,
                     .scale = (int32_t)scale};
    return *end == '\0' && precision >= 1 && precision <= digits && scale >= 0 &&
           scale <= precision;
}

static vj_status import_fields(const struct ArrowSchema *from, const char *column, int depth,
                               vj_arena *arena, const vj_field **out, vj_error *err);

static vj_status import_type(const struct ArrowSchema *from, const char *column, int depth,
                             vj_arena *arena, vj_type *out, vj_error *err)
{
    const char *format = from->format;
    vj_kind kind;

    if (depth > MAX_DEPTH)
        return vj_fail(err, VJ_E_UNSUPPORTED, "column %s: nested deeper than %d", column,
                       MAX_DEPTH);
    if (from->dictionary != NULL)
        return import_type(from->dictionary, column, depth + 1, arena, out, err);
    *out = (vj_type){0};
    if (plain_kind(format, &kind) || bytes_kind(format, &kind)) {
        out->kind = kind;
        return VJ_OK;
    }
    if (time_type(format, out) || sized_type(format, out))
        return VJ_OK;
    if (strcmp(format, "n") == 0)
        *out = (vj_type){.kind = VJ_I32, .logical = VJ_LOGICAL_NULL};
    else if (strcmp(format, "e") == 0)
        *out = (vj_type){.kind = VJ_FIXED, .logical = VJ_LOGICAL_F16, .width_bytes = 2};
    else if (strcmp(format, "+s") == 0 || strcmp(format, "+l") == 0 || strcmp(format, "+L") == 0 ||
             strcmp(format, "+m") == 0) { /* a map is laid out as a list of pairs */
        bool list = format[1] != 's';

        if (from->n_children < 1 || (list && from->n_children != 1))
            return refuse(from, column, err);
        *out = (vj_type){.kind = list ? VJ_LIST : VJ_STRUCT, .n_kids = (int32_t)from->n_children};
        return import_fields(from, column, depth + 1, arena, &out->kids, err);
    } else
        return refuse(from, column, err);
    return VJ_OK;
}

static vj_status import_fields(const struct ArrowSchema *from, const char *column, int depth,
                               vj_arena *arena, const vj_field **out, vj_error *err)
{
    bool list = from->format[0] == '+' && from->format[1] != 's';
    vj_field *fields = vj_arena_zalloc(arena, (size_t)from->n_children * sizeof *fields, err);

    *out = fields;
    if (fields == NULL)
        return VJ_E_NOMEM;
    for (int64_t i = 0; i < from->n_children; i++) {
        const struct ArrowSchema *kid = from->children[i];
        const char *name = list ? "element" : kid->name != NULL ? kid->name : "";

        fields[i].name = vj_arena_strndup(arena, name, strlen(name), err);
        if (fields[i].name == NULL)
            return VJ_E_NOMEM;
        fields[i].nullable = (kid->flags & ARROW_FLAG_NULLABLE) != 0 || kid->dictionary != NULL;
        VJ_TRY(import_type(kid, column != NULL ? column : fields[i].name, depth, arena,
                           &fields[i].type, err));
    }
    return VJ_OK;
}

vj_status vj_arrow_schema_import(const struct ArrowSchema *from, vj_arena *arena, vj_schema *out,
                                 vj_error *err)
{
    *out = (vj_schema){0};
    if (from->format == NULL || strcmp(from->format, "+s") != 0 || from->n_children < 0 ||
        from->n_children > INT32_MAX)
        return vj_fail(err, VJ_E_SCHEMA, "an Arrow stream of a table: expected the format '+s', "
                       "found '%.40s'", from->format != NULL ? from->format : "");
    VJ_TRY(import_fields(from, NULL, 0, arena, &out->fields, err));
    out->n_fields = (int32_t)from->n_children;
    return VJ_OK;
}

/* ---- values ---- */

typedef struct import_ctx {
    const char *column;
    vj_budget *budget;
} import_ctx;

static bool is_null_at(const struct ArrowArray *a, int64_t i)
{
    const uint8_t *valid = a->n_buffers > 0 ? a->buffers[0] : NULL;

    return valid != NULL && a->null_count != 0 && !vj_bit_get(valid, i);
}

static vj_status need_buffers(const import_ctx *ctx, const struct ArrowArray *a, int64_t n,
                              vj_error *err)
{
    if (a->n_buffers >= n)
        return VJ_OK;
    return vj_fail(err, VJ_E_SCHEMA, "column %s: expected %lld Arrow buffers, found %lld",
                   ctx->column, (long long)n, (long long)a->n_buffers);
}

static int64_t offset_at(const struct ArrowArray *a, bool large, int64_t i)
{
    return large ? ((const int64_t *)a->buffers[1])[i] : ((const int32_t *)a->buffers[1])[i];
}

/* Rows [beg, end) of the buffers, the array's offset counted in. */
static vj_status append_same_layout(vj_colb *b, const struct ArrowArray *a, int64_t beg,
                                    int64_t end, vj_error *err)
{
    bool text = b->type.kind == VJ_TEXT || b->type.kind == VJ_BINARY;
    vj_col view = {.type = &b->type, .n_rows = end,
                   .valid = a->null_count != 0 ? a->buffers[0] : NULL,
                   .offs = text ? a->buffers[1] : NULL, .data = a->buffers[text ? 2 : 1]};

    return vj_colb_append(b, &view, beg, end - beg, err);
}

static vj_status append_large_text(vj_colb *b, const struct ArrowArray *a, int64_t beg,
                                   int64_t end, vj_error *err)
{
    const char *data = a->buffers[2];

    for (int64_t i = beg; i < end; i++) {
        int64_t from = offset_at(a, true, i);

        if (is_null_at(a, i))
            VJ_TRY(vj_colb_null(b, err));
        else
            VJ_TRY(vj_colb_bytes(b, data + from, (size_t)(offset_at(a, true, i + 1) - from), err));
    }
    return VJ_OK;
}

/* Columnar format, "variable-size binary view layout": length, then the bytes or prefix, buffer, offset. */
static vj_status append_views(const import_ctx *ctx, vj_colb *b, const struct ArrowArray *a,
                              int64_t beg, int64_t end, vj_error *err)
{
    const char *views = a->buffers[1];

    for (int64_t i = beg; i < end; i++) {
        int32_t view[4];

        if (is_null_at(a, i)) {
            VJ_TRY(vj_colb_null(b, err));
            continue;
        }
        memcpy(view, views + 16 * i, sizeof view);
        const char *bytes = views + 16 * i + 4;
        if (view[0] > INLINE_VIEW_BYTES) {
            if (view[2] < 0 || view[2] + 3 >= a->n_buffers || view[3] < 0)
                return vj_fail(err, VJ_E_SCHEMA, "column %s: row %lld points to buffer %d of %lld",
                               ctx->column, (long long)i, view[2], (long long)a->n_buffers - 3);
            bytes = (const char *)a->buffers[view[2] + 2] + view[3];
        }
        VJ_TRY(vj_colb_bytes(b, bytes, (size_t)VJ_MAX(view[0], 0), err));
    }
    return VJ_OK;
}

/* Little-endian bytes to the big-endian ones of ours. */
static vj_status append_decimals(vj_colb *b, const struct ArrowArray *a, int64_t beg, int64_t end,
                                 vj_error *err)
{
    int32_t width = b->type.width_bytes;

    for (int64_t i = beg; i < end; i++) {
        const uint8_t *from = (const uint8_t *)a->buffers[1] + width * i;
        uint8_t value[32];

        for (int32_t k = 0; k < width; k++)
            value[k] = from[width - 1 - k];
        if (is_null_at(a, i))
            VJ_TRY(vj_colb_null(b, err));
        else
            VJ_TRY(vj_colb_bytes(b, value, (size_t)width, err));
    }
    return VJ_OK;
}

/* date64 counts milliseconds, "tts" and "tss" seconds: other units than any of ours. */
static vj_status append_scaled(const import_ctx *ctx, const char *format, vj_colb *b,
                               const struct ArrowArray *a, int64_t beg, int64_t end,
                               vj_error *err)
{
    bool wide = format[1] != 't';

    for (int64_t i = beg; i < end; i++) {
        int64_t value = wide ? ((const int64_t *)a->buffers[1])[i]
                             : ((const int32_t *)a->buffers[1])[i];

        if (is_null_at(a, i)) {
            VJ_TRY(vj_colb_null(b, err));
            continue;
        }
        if (format[1] == 'd')
            value = value / 86400000 - (value % 86400000 < 0);
        else if (__builtin_mul_overflow(value, 1000, &value))
            return vj_fail(err, VJ_E_UNSUPPORTED, "column %s: row %lld: seconds beyond what "
                           "milliseconds hold", ctx->column, (long long)i);
        VJ_TRY(vj_colb_int(b, value, err));
    }
    return VJ_OK;
}

static vj_status append_rows(const import_ctx *ctx, const struct ArrowSchema *schema,
                             const struct ArrowArray *a, int64_t beg, int64_t n, vj_colb *b,
                             vj_error *err);

static vj_status append_lists(const import_ctx *ctx, const struct ArrowSchema *schema,
                              const struct ArrowArray *a, int64_t beg, int64_t end, vj_colb *b,
                              vj_error *err)
{
    bool large = schema->format[1] == 'L';

    if (a->n_children != 1)
        return vj_fail(err, VJ_E_SCHEMA, "column %s: a list without a child", ctx->column);
    for (int64_t i = beg; i < end; i++) {
        if (is_null_at(a, i)) {
            VJ_TRY(vj_colb_null(b, err));
            continue;
        }
        int64_t from = offset_at(a, large, i);
        VJ_TRY(append_rows(ctx, schema->children[0], a->children[0], from,
                           offset_at(a, large, i + 1) - from, &b->kids[0], err));
        VJ_TRY(vj_colb_end_list(b, err));
    }
    return VJ_OK;
}

static vj_status append_structs(const import_ctx *ctx, const struct ArrowSchema *schema,
                                const struct ArrowArray *a, int64_t beg, int64_t end, vj_colb *b,
                                vj_error *err)
{
    if (a->n_children != schema->n_children)
        return vj_fail(err, VJ_E_SCHEMA, "column %s: expected %lld Arrow children, found %lld",
                       ctx->column, (long long)schema->n_children, (long long)a->n_children);
    for (int64_t i = beg; i < end; i++) {
        if (is_null_at(a, i)) {
            VJ_TRY(vj_colb_null(b, err));
            continue;
        }
        for (int64_t k = 0; k < a->n_children; k++)
            VJ_TRY(append_rows(ctx, schema->children[k], a->children[k], i, 1, &b->kids[k], err));
        VJ_TRY(vj_colb_end_struct(b, err));
    }
    return VJ_OK;
}

static int64_t code_at(const struct ArrowArray *a, char format, int64_t i)
{
    const void *data = a->buffers[1];

    switch (format) {
    case 'c': return ((const int8_t *)data)[i];
    case 'C': return ((const uint8_t *)data)[i];
    case 's': return ((const int16_t *)data)[i];
    case 'S': return ((const uint16_t *)data)[i];
    case 'i': return ((const int32_t *)data)[i];
    case 'I': return ((const uint32_t *)data)[i];
    default: return ((const int64_t *)data)[i];
    }
}

/* The dictionary is taken whole, then its rows are gathered by code. */
static vj_status append_dictionary(const import_ctx *ctx, const struct ArrowSchema *schema,
                                   const struct ArrowArray *a, int64_t beg, int64_t end,
                                   vj_colb *b, vj_error *err)
{
    vj_colb values = {0};
    VJ_VEC(int32_t) codes = {.budget = ctx->budget};
    vj_status rc = VJ_OK;

    if (a->dictionary == NULL || schema->format[1] != '\0' ||
        strchr("cCsSiIlL", schema->format[0]) == NULL)
        return vj_fail(err, VJ_E_SCHEMA, "column %s: a dictionary without values", ctx->column);
    VJ_GO(rc, vj_colb_init(&values, &b->type, ctx->budget, err));
    VJ_GO(rc, append_rows(ctx, schema->dictionary, a->dictionary, 0, a->dictionary->length,
                          &values, err));
    VJ_GO(rc, VJ_VEC_RESERVE(&codes, end - beg, err));
    for (int64_t i = beg; i < end; i++) {
        int64_t code = is_null_at(a, i) ? -1 : code_at(a, schema->format[0], i);

        if (code < -1 || code >= values.n_rows) {
            rc = vj_fail(err, VJ_E_SCHEMA, "column %s: code %lld of a dictionary of %lld values",
                         ctx->column, (long long)code, (long long)values.n_rows);
            goto out;
        }
        codes.ptr[codes.n++] = (int32_t)code;
    }
    vj_col view = vj_colb_view(&values);
    VJ_GO(rc, vj_colb_gather(b, &view, codes.ptr, (int64_t)codes.n, err));
out:
    VJ_VEC_FINI(&codes);
    vj_colb_fini(&values);
    return rc;
}

static vj_status append_leaf(const import_ctx *ctx, const struct ArrowSchema *schema,
                             const struct ArrowArray *a, int64_t beg, int64_t end, vj_colb *b,
                             vj_error *err)
{
    const char *format = schema->format;
    bool text = b->type.kind == VJ_TEXT || b->type.kind == VJ_BINARY;

    VJ_TRY(need_buffers(ctx, a, text ? 3 : 2, err));
    if (format[0] == 'v')
        return append_views(ctx, b, a, beg, end, err);
    if (format[0] == 'U' || format[0] == 'Z')
        return append_large_text(b, a, beg, end, err);
    if (format[0] == 'd')
        return append_decimals(b, a, beg, end, err);
    if (strcmp(format, "tdm") == 0 || strcmp(format, "tts") == 0 || strncmp(format, "tss", 3) == 0)
        return append_scaled(ctx, format, b, a, beg, end, err);
    return append_same_layout(b, a, beg, end, err);
}

/* Rows [beg, beg + n) of an array as its length counts them. */
static vj_status append_rows(const import_ctx *ctx, const struct ArrowSchema *schema,
                             const struct ArrowArray *a, int64_t beg, int64_t n, vj_colb *b,
                             vj_error *err)
{
    if (beg < 0 || n < 0 || beg > a->length - n)
        return vj_fail(err, VJ_E_SCHEMA, "column %s: rows %lld to %lld of an array of %lld",
                       ctx->column, (long long)beg, (long long)(beg + n), (long long)a->length);
    if (n == 0)
        return VJ_OK;
    beg += a->offset;
    if (schema->dictionary != NULL)
        return append_dictionary(ctx, schema, a, beg, beg + n, b, err);
    if (strcmp(schema->format, "n") == 0)
        return vj_colb_nulls(b, n, err);
    if (b->type.kind == VJ_STRUCT)
        return append_structs(ctx, schema, a, beg, beg + n, b, err);
    if (b->type.kind == VJ_LIST) {
        VJ_TRY(need_buffers(ctx, a, 2, err));
        return append_lists(ctx, schema, a, beg, beg + n, b, err);
    }
    return append_leaf(ctx, schema, a, beg, beg + n, b, err);
}

vj_status vj_arrow_batch_import(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                                vj_colb *builders, vj_budget *budget, vj_error *err)
{
    if (batch->n_children != schema->n_children)
        return vj_fail(err, VJ_E_SCHEMA, "an Arrow batch of %lld columns: expected %lld",
                       (long long)batch->n_children, (long long)schema->n_children);
    for (int64_t i = 0; i < batch->n_children; i++) {
        const char *name = schema->children[i]->name;
        import_ctx ctx = {name != NULL ? name : "", budget};

        VJ_TRY(append_rows(&ctx, schema->children[i], batch->children[i], batch->offset,
                           batch->length, &builders[i], err));
    }
    return VJ_OK;
}
