/*
 * built_text.c - a layout as JSON, as SQL and in words.
 */
#include <stdio.h>

#include "built/built_parts.h"

static const char *const how_names[] = {"column", "constant", "ref", "alt", "prefixed", "packed"};

/* ---- JSON ---- */

static json_t *value_json(const vj_type *type, const vj_meaning *m)
{
    if (m->kind == VJ_MEANS_NULL)
        return json_null();
    if (type->kind == VJ_BOOL)
        return json_boolean(m->number != 0);
    if (built_is_text(type))
        return vj_json_text(m->text);
    return json_integer((json_int_t)m->number);
}

static json_t *meaning_json(const vj_type *type, const vj_meaning *m)
{
    json_t *one = NULL;

    switch (m->kind) {
    case VJ_MEANS_NULL:
        return json_null();
    case VJ_MEANS_REF:
        return json_string("ref");
    case VJ_MEANS_ALT:
        return json_string("alt");
    case VJ_MEANS_SIDE:
        return json_string("side");
    case VJ_MEANS_SPAN:
        one = json_object();
        vj_put(&one, "span", json_integer((json_int_t)m->number));
        return one;
    case VJ_MEANS_VALUE:
        break;
    }
    one = json_object();
    vj_put(&one, "value", value_json(type, m));
    return one;
}

static json_t *name_json(const char *text)
{
    return vj_json_text(vj_span_of(text));
}

static json_t *column_json(const vj_built *b, const vj_built_column *c)
{
    json_t *one = json_object();
    char type[96];

    vj_put(&one, "name", name_json(c->field.name));
    vj_put(&one, "how", json_string(how_names[c->how]));
    if (c->how == VJ_BUILT_COLUMN)
        return one;
    vj_put(&one, "type", name_json(vj_type_name(&c->field.type, type, sizeof type)));
    if (c->physical_i >= 0)
        vj_put(&one, "column", name_json(b->physical.fields[c->physical_i].name));
    if (c->side_i >= 0)
        vj_put(&one, "side", name_json(b->physical.fields[c->side_i].name));
    if (c->how == VJ_BUILT_CONSTANT)
        vj_put(&one, "value", value_json(&c->field.type, c->meanings));
    if (c->how == VJ_BUILT_PREFIXED)
        vj_put(&one, "prefix", vj_json_text(c->prefix));
    if (c->how == VJ_BUILT_PACKED) {
        json_t *means = json_array();

        for (int32_t i = 0; i < c->n_meanings; i++)
            vj_add(&means, meaning_json(&c->field.type, &c->meanings[i]));
        vj_put(&one, "shift", json_integer(c->shift));
        vj_put(&one, "bits", json_integer(c->bits));
        vj_put(&one, "means", means);
    }
    return one;
}

vj_status vj_built_write(const vj_built *built, vj_buf *out, vj_error *err)
{
    json_t *root = json_object();
    json_t *columns = json_array();
    const vj_field *fields = built->schema.fields;

    vj_put(&root, "version", json_integer(VJ_BUILT_VERSION));
    vj_put(&root, "start_base", json_integer(built->start_base));
    vj_put(&root, "start", name_json(fields[built->start_i].name));
    vj_put(&root, "ref", name_json(fields[built->ref_i].name));
    vj_put(&root, "alt", name_json(fields[built->alt_i].name));
    for (int32_t i = 0; i < built->schema.n_fields; i++)
        vj_add(&columns, column_json(built, &built->columns[i]));
    vj_put(&root, "columns", columns);
    vj_status rc = vj_json_write(root, JSON_COMPACT, out, err);
    json_decref(root);
    VJ_TRY(rc);
    VJ_TRY(vj_buf_push(out, '\0', err));
    out->len_bytes--;
    return VJ_OK;
}

/* ---- words ---- */

char *vj_built_describe(const vj_built *built, int32_t column_i, char *dst, size_t cap_bytes)
{
    const vj_built_column *c = &built->columns[column_i];
    const char *physical = c->physical_i >= 0 ? built->physical.fields[c->physical_i].name : "";
    const char *side = c->side_i >= 0 ? built->physical.fields[c->side_i].name : NULL;

    switch (c->how) {
    case VJ_BUILT_COLUMN:
        snprintf(dst, cap_bytes, "as it is");
        break;
    case VJ_BUILT_CONSTANT:
        snprintf(dst, cap_bytes, "one value");
        break;
    case VJ_BUILT_REF:
    case VJ_BUILT_ALT:
        snprintf(dst, cap_bytes, "part of %s", physical);
        break;
    case VJ_BUILT_PREFIXED:
        snprintf(dst, cap_bytes, "%.*s + number %s%s%s", (int)VJ_MIN(c->prefix.len_bytes, 40u),
                 c->prefix.ptr, physical, side != NULL ? ", else " : "", side != NULL ? side : "");
        break;
    case VJ_BUILT_PACKED:
        snprintf(dst, cap_bytes, "bits %d..%d of %s%s%s", c->shift, c->shift + VJ_MAX(c->bits, 1) - 1, physical,
                 side != NULL ? ", else " : "", side != NULL ? side : "");
        break;
    }
    return dst;
}

/* ---- SQL ---- */

static vj_status quoted(vj_buf *sql, vj_span text, uint8_t mark, vj_error *err)
{
    VJ_TRY(vj_buf_push(sql, mark, err));
    for (size_t i = 0; i < text.len_bytes; i++) {
        if ((uint8_t)text.ptr[i] == mark)
            VJ_TRY(vj_buf_push(sql, mark, err));
        VJ_TRY(vj_buf_push(sql, (uint8_t)text.ptr[i], err));
    }
    return vj_buf_push(sql, mark, err);
}

static vj_status sql_name(const vj_built *b, vj_buf *sql, int32_t physical_i, vj_error *err)
{
    return quoted(sql, vj_span_of(b->physical.fields[physical_i].name), '"', err);
}

static const char *sql_type(const vj_type *type)
{
    static const char *const names[] = {"BOOLEAN",  "TINYINT",   "SMALLINT", "INTEGER",
                                        "BIGINT",   "UTINYINT",  "USMALLINT", "UINTEGER",
                                        "UBIGINT",  "FLOAT",     "DOUBLE",    "VARCHAR"};

    return names[type->kind];
}

static vj_status sql_value(vj_buf *sql, const vj_type *type, const vj_meaning *m, vj_error *err)
{
    if (m->kind == VJ_MEANS_NULL)
        return vj_buf_append_text(sql, "NULL", err);
    if (built_is_text(type))
        return quoted(sql, m->text, '\'', err);
    if (type->kind == VJ_BOOL)
        return vj_buf_append_text(sql, m->number != 0 ? "true" : "false", err);
    if (type->kind == VJ_U64)
        return vj_buf_printf(sql, err, "%llu", (unsigned long long)m->number);
    return vj_buf_printf(sql, err, "%lld", (long long)m->number);
}

static vj_status sql_allele(const vj_built *b, vj_buf *sql, int side, vj_error *err)
{
    VJ_TRY(vj_buf_append_text(sql, "split_part(", err));
    VJ_TRY(sql_name(b, sql, b->columns[b->ref_i].physical_i, err));
    return vj_buf_printf(sql, err, ", chr(9), %d)", side);
}

static vj_status sql_meaning(const vj_built *b, vj_buf *sql, const vj_built_column *c,
                             const vj_meaning *m, vj_error *err)
{
    switch (m->kind) {
    case VJ_MEANS_REF:
        return sql_allele(b, sql, 1, err);
    case VJ_MEANS_ALT:
        return sql_allele(b, sql, 2, err);
    case VJ_MEANS_SIDE:
        return sql_name(b, sql, c->side_i, err);
    case VJ_MEANS_SPAN:
        VJ_TRY(vj_buf_append_text(sql, "CAST(", err));
        VJ_TRY(sql_name(b, sql, b->columns[b->start_i].physical_i, err));
        VJ_TRY(vj_buf_append_text(sql, " AS BIGINT) + strlen(", err));
        VJ_TRY(sql_allele(b, sql, 1, err));
        return vj_buf_printf(sql, err, ") + (%lld)", (long long)m->number);
    default:
        return sql_value(sql, &c->field.type, m, err);
    }
}

static vj_status sql_packed(const vj_built *b, vj_buf *sql, const vj_built_column *c,
                            vj_error *err)
{
    /* TRY: DuckDB may work out branches of rows that take another one */
    VJ_TRY(vj_buf_append_text(sql, "TRY_CAST(CASE (", err));
    VJ_TRY(sql_name(b, sql, c->physical_i, err));
    VJ_TRY(vj_buf_printf(sql, err, " >> %d) & %d", c->shift, (1 << c->bits) - 1));
    for (int32_t i = 0; i < c->n_meanings; i++) {
        VJ_TRY(vj_buf_printf(sql, err, " WHEN %d THEN ", i));
        VJ_TRY(sql_meaning(b, sql, c, &c->meanings[i], err));
    }
    return vj_buf_printf(sql, err, " END AS %s)", sql_type(&c->field.type));
}

static vj_status sql_prefixed(const vj_built *b, vj_buf *sql, const vj_built_column *c,
                              vj_error *err)
{
    VJ_TRY(vj_buf_append_text(sql, "CASE WHEN ", err));
    VJ_TRY(sql_name(b, sql, c->physical_i, err));
    VJ_TRY(vj_buf_append_text(sql, " <> 0 THEN ", err));
    VJ_TRY(quoted(sql, c->prefix, '\'', err));
    VJ_TRY(vj_buf_append_text(sql, " || CAST(", err));
    VJ_TRY(sql_name(b, sql, c->physical_i, err));
    VJ_TRY(vj_buf_append_text(sql, " AS VARCHAR)", err));
    if (c->side_i >= 0) {
        VJ_TRY(vj_buf_append_text(sql, " ELSE ", err));
        VJ_TRY(sql_name(b, sql, c->side_i, err));
    }
    return vj_buf_append_text(sql, " END", err);
}

static vj_status sql_column(const vj_built *b, vj_buf *sql, const vj_built_column *c,
                            vj_error *err)
{
    switch (c->how) {
    case VJ_BUILT_COLUMN:
        return sql_name(b, sql, c->physical_i, err);
    case VJ_BUILT_CONSTANT:
        VJ_TRY(vj_buf_append_text(sql, "CAST(", err));
        VJ_TRY(sql_value(sql, &c->field.type, c->meanings, err));
        return vj_buf_printf(sql, err, " AS %s)", sql_type(&c->field.type));
    case VJ_BUILT_REF:
        return sql_allele(b, sql, 1, err);
    case VJ_BUILT_ALT:
        return sql_allele(b, sql, 2, err);
    case VJ_BUILT_PREFIXED:
        return sql_prefixed(b, sql, c, err);
    case VJ_BUILT_PACKED:
        break;
    }
    return sql_packed(b, sql, c, err);
}

vj_status vj_built_sql(const vj_built *built, vj_buf *sql, vj_error *err)
{
    for (int32_t i = 0; i < built->schema.n_fields; i++) {
        if (i > 0)
            VJ_TRY(vj_buf_append_text(sql, ", ", err));
        VJ_TRY(sql_column(built, sql, &built->columns[i], err));
        VJ_TRY(vj_buf_append_text(sql, " AS ", err));
        VJ_TRY(quoted(sql, vj_span_of(built->schema.fields[i].name), '"', err));
    }
    return VJ_OK;
}
