#include "built/built_parts.h"

#include <stdio.h>

#include "varjoin/job.h"

/* ---- types ---- */

static const vj_kind simple_kinds[] = {VJ_BOOL, VJ_I8,  VJ_I16, VJ_I32, VJ_I64, VJ_U8,
                                       VJ_U16,  VJ_U32, VJ_U64, VJ_F32, VJ_F64, VJ_TEXT};
static const vj_logical text_logicals[] = {VJ_LOGICAL_JSON, VJ_LOGICAL_ENUM};

bool built_type_is_simple(const vj_type *type)
{
    if (type->kind == VJ_TEXT)
        return type->logical == VJ_LOGICAL_NONE || type->logical == VJ_LOGICAL_JSON ||
               type->logical == VJ_LOGICAL_ENUM;
    return type->kind <= VJ_F64 && type->logical == VJ_LOGICAL_NONE;
}

bool built_type_parse(const char *name, vj_type *out)
{
    char have[32];

    for (size_t i = 0; i < VJ_COUNT(simple_kinds); i++) {
        *out = vj_type_of(simple_kinds[i]);
        if (strcmp(vj_type_name(out, have, sizeof have), name) == 0)
            return true;
    }
    for (size_t i = 0; i < VJ_COUNT(text_logicals); i++) {
        *out = (vj_type){.kind = VJ_TEXT, .logical = text_logicals[i]};
        if (strcmp(vj_type_name(out, have, sizeof have), name) == 0)
            return true;
    }
    return false;
}

bool built_value_fits(const vj_type *type, int64_t value)
{
    switch (type->kind) {
    case VJ_BOOL:
        return value == 0 || value == 1;
    case VJ_I8:
        return value >= INT8_MIN && value <= INT8_MAX;
    case VJ_I16:
        return value >= INT16_MIN && value <= INT16_MAX;
    case VJ_I32:
        return value >= INT32_MIN && value <= INT32_MAX;
    case VJ_U8:
        return value >= 0 && value <= UINT8_MAX;
    case VJ_U16:
        return value >= 0 && value <= UINT16_MAX;
    case VJ_U32:
        return value >= 0 && value <= UINT32_MAX;
    default:
        return type->kind == VJ_I64 || type->kind == VJ_U64;
    }
}

void vj_built_free(vj_built *built)
{
    if (built == NULL)
        return;
    vj_arena arena = built->arena; /* the object lies in its own arena */

    vj_arena_fini(&arena);
}

/* ---- reading the JSON ---- */

typedef struct parse {
    vj_built *built;
    const char *name; /* of the file */
    const char *column;
    vj_error *err;
} parse;

static vj_status bad(const parse *p, const char *expected)
{
    return vj_fail(p->err, VJ_E_CORRUPT, "%s: " VJ_BUILT_KEY ": column %s: expected %s", p->name,
                   p->column, expected);
}

static vj_status copy_text(const parse *p, const json_t *value, vj_span *out)
{
    size_t n = json_string_length(value);
    char *copy = vj_arena_strndup(&p->built->arena, json_string_value(value), n, p->err);

    if (copy == NULL)
        return VJ_E_NOMEM;
    *out = (vj_span){copy, n};
    return VJ_OK;
}

static int32_t find_field(const vj_schema *schema, const char *name)
{
    for (int32_t i = 0; name != NULL && i < schema->n_fields; i++)
        if (strcmp(schema->fields[i].name, name) == 0)
            return i;
    return -1;
}

static const vj_field *need_physical(const parse *p, const json_t *one, const char *key,
                                     int32_t *out_i)
{
    *out_i = find_field(&p->built->physical, json_string_value(json_object_get(one, key)));
    return *out_i >= 0 ? &p->built->physical.fields[*out_i] : NULL;
}

static vj_status parse_value(const parse *p, const vj_type *type, const json_t *value,
                             vj_meaning *out)
{
    out->kind = VJ_MEANS_VALUE;
    if (json_is_null(value)) {
        out->kind = VJ_MEANS_NULL;
        return VJ_OK;
    }
    if (built_is_text(type) && json_is_string(value))
        return copy_text(p, value, &out->text);
    if (type->kind == VJ_BOOL && json_is_boolean(value)) {
        out->number = json_is_true(value);
        return VJ_OK;
    }
    if (built_is_integer(type) && json_is_integer(value) &&
        built_value_fits(type, (int64_t)json_integer_value(value))) {
        out->number = (int64_t)json_integer_value(value);
        return VJ_OK;
    }
    return bad(p, "values of the column's type");
}

static vj_status parse_meaning(const parse *p, const vj_built_column *c, const json_t *value,
                               vj_meaning *out)
{
    const json_t *span = json_object_get(value, "span");

    if (json_is_null(value)) {
        out->kind = VJ_MEANS_NULL;
        return VJ_OK;
    }
    if (json_is_integer(span) && built_is_integer(&c->field.type)) {
        out->kind = VJ_MEANS_SPAN;
        out->number = (int64_t)json_integer_value(span);
        return out->number >= INT32_MIN && out->number <= INT32_MAX
                   ? VJ_OK
                   : bad(p, "spans of 32 bits");
    }
    if (json_object_get(value, "value") != NULL)
        return parse_value(p, &c->field.type, json_object_get(value, "value"), out);
    const char *word = json_string_value(value);
    bool text = built_is_text(&c->field.type);
    if (word != NULL && strcmp(word, "side") == 0 && c->side_i >= 0)
        out->kind = VJ_MEANS_SIDE;
    else if (word != NULL && strcmp(word, "ref") == 0 && text)
        out->kind = VJ_MEANS_REF;
    else if (word != NULL && strcmp(word, "alt") == 0 && text)
        out->kind = VJ_MEANS_ALT;
    else
        return bad(p, "meanings null, \"ref\", \"alt\", \"side\", {\"value\": ...} or "
                      "{\"span\": ...} that fit its type");
    return VJ_OK;
}

static vj_status parse_side(const parse *p, const json_t *one, vj_built_column *c)
{
    c->side_i = -1;
    if (json_object_get(one, "side") == NULL)
        return VJ_OK;
    const vj_field *side = need_physical(p, one, "side", &c->side_i);
    return side != NULL && vj_type_eq(&side->type, &c->field.type)
               ? VJ_OK
               : bad(p, "a side column of its type in the file");
}

static vj_status parse_packed(const parse *p, const json_t *one, vj_built_column *c)
{
    const vj_field *pack = need_physical(p, one, "column", &c->physical_i);
    const json_t *means = json_object_get(one, "means");
    json_int_t shift = json_integer_value(json_object_get(one, "shift"));
    json_int_t bits = json_integer_value(json_object_get(one, "bits"));
    size_t n = json_array_size(means);

    if (pack == NULL || (pack->type.kind != VJ_I64 && pack->type.kind != VJ_I32) ||
        pack->type.logical != VJ_LOGICAL_NONE)
        return bad(p, "an int32 or int64 column that holds its bits");
    if (shift < 0 || bits < 0 || bits > 8 ||
        shift + bits > (pack->type.kind == VJ_I64 ? 63 : 31))
        return bad(p, "0 to 8 bits inside its column");
    if (n < 1 || n > VJ_BUILT_MAX_MEANINGS || n > ((size_t)1 << bits))
        return bad(p, "as many meanings as its bits can tell");
    VJ_TRY(parse_side(p, one, c));
    c->shift = (int32_t)shift;
    c->bits = (int32_t)bits;
    c->n_meanings = (int32_t)n;
    c->meanings = vj_arena_zalloc(&p->built->arena, n * sizeof *c->meanings, p->err);
    if (c->meanings == NULL)
        return VJ_E_NOMEM;
    for (size_t i = 0; i < n; i++)
        VJ_TRY(parse_meaning(p, c, json_array_get(means, i), &c->meanings[i]));
    return VJ_OK;
}

static vj_status parse_prefixed(const parse *p, const json_t *one, vj_built_column *c)
{
    const vj_field *number = need_physical(p, one, "column", &c->physical_i);
    const json_t *prefix = json_object_get(one, "prefix");

    if (!built_is_text(&c->field.type))
        return bad(p, "text, since it has a prefix");
    if (number == NULL || (number->type.kind != VJ_U32 && number->type.kind != VJ_U64) ||
        number->type.logical != VJ_LOGICAL_NONE)
        return bad(p, "an unsigned integer column for what follows the prefix");
    if (!json_is_string(prefix) || json_string_length(prefix) > VJ_BUILT_MAX_PREFIX)
        return bad(p, "a prefix of up to 64 bytes");
    VJ_TRY(parse_side(p, one, c));
    return copy_text(p, prefix, &c->prefix);
}

static vj_status parse_constant(const parse *p, const json_t *one, vj_built_column *c)
{
    const json_t *value = json_object_get(one, "value");

    if (value == NULL)
        return bad(p, "a value");
    c->n_meanings = 1;
    c->meanings = vj_arena_zalloc(&p->built->arena, sizeof *c->meanings, p->err);
    return c->meanings != NULL ? parse_value(p, &c->field.type, value, c->meanings) : VJ_E_NOMEM;
}

/* Name and type; the type of a column that stands as it is comes from the file. */
static vj_status parse_field(const parse *p, const json_t *one, vj_built_column *c)
{
    const char *type = json_string_value(json_object_get(one, "type"));
    vj_span name;

    VJ_TRY(copy_text(p, json_object_get(one, "name"), &name));
    c->field = (vj_field){.name = name.ptr, .nullable = true};
    if (type == NULL || !built_type_parse(type, &c->field.type))
        return bad(p, "the name of a simple type");
    return VJ_OK;
}

static vj_status parse_column(const parse *p, const json_t *one, vj_built_column *c)
{
    const char *how = json_string_value(json_object_get(one, "how"));

    c->physical_i = c->side_i = -1;
    if (how != NULL && strcmp(how, "column") == 0) {
        const vj_field *field = need_physical(p, one, "name", &c->physical_i);

        c->how = VJ_BUILT_COLUMN;
        return field != NULL ? vj_field_copy(&p->built->arena, field, &c->field, p->err)
                             : bad(p, "a column of that name in the file");
    }
    VJ_TRY(parse_field(p, one, c));
    if (how != NULL && strcmp(how, "constant") == 0) {
        c->how = VJ_BUILT_CONSTANT;
        return parse_constant(p, one, c);
    }
    if (how != NULL && strcmp(how, "prefixed") == 0) {
        c->how = VJ_BUILT_PREFIXED;
        return parse_prefixed(p, one, c);
    }
    if (how != NULL && strcmp(how, "packed") == 0) {
        c->how = VJ_BUILT_PACKED;
        return parse_packed(p, one, c);
    }
    if (how != NULL && (strcmp(how, "ref") == 0 || strcmp(how, "alt") == 0)) {
        const vj_field *both = need_physical(p, one, "column", &c->physical_i);

        c->how = how[0] == 'r' ? VJ_BUILT_REF : VJ_BUILT_ALT;
        return both != NULL && both->type.kind == VJ_TEXT && c->field.type.kind == VJ_TEXT
                   ? VJ_OK
                   : bad(p, "a text column with both alleles");
    }
    return bad(p, "\"how\" to be column, constant, ref, alt, prefixed or packed");
}

static vj_status find_keys(parse *p, const json_t *root)
{
    vj_built *b = p->built;

    p->column = "(keys)";
    b->start_i = find_field(&b->schema, json_string_value(json_object_get(root, "start")));
    b->ref_i = find_field(&b->schema, json_string_value(json_object_get(root, "ref")));
    b->alt_i = find_field(&b->schema, json_string_value(json_object_get(root, "alt")));
    if (b->start_i < 0 || b->columns[b->start_i].how != VJ_BUILT_COLUMN ||
        !built_is_integer(&b->schema.fields[b->start_i].type))
        return bad(p, "\"start\" to name a whole-number column of the file");
    if (b->ref_i < 0 || b->columns[b->ref_i].how != VJ_BUILT_REF || b->alt_i < 0 ||
        b->columns[b->alt_i].how != VJ_BUILT_ALT ||
        b->columns[b->alt_i].physical_i != b->columns[b->ref_i].physical_i)
        return bad(p, "\"ref\" and \"alt\" to name the two sides of one column");
    json_int_t base = json_integer_value(json_object_get(root, "start_base"));
    if (base != 0 && base != 1)
        return bad(p, "\"start_base\" 0 or 1");
    b->start_base = (int32_t)base;
    return VJ_OK;
}

static vj_status check_names(parse *p)
{
    const vj_schema *schema = &p->built->schema;
    vj_map seen;
    vj_status rc = VJ_OK;
    bool is_new = true;

    vj_map_init(&seen, NULL);
    for (int32_t i = 0; rc == VJ_OK && is_new && i < schema->n_fields; i++) {
        p->column = schema->fields[i].name;
        rc = vj_map_put(&seen, vj_span_of(schema->fields[i].name), i, NULL, &is_new, p->err);
    }
    vj_map_fini(&seen);
    if (rc == VJ_OK && !is_new)
        return bad(p, "each name once");
    return rc;
}

static vj_status parse_columns(parse *p, const json_t *list)
{
    vj_built *b = p->built;
    size_t n = json_array_size(list);

    p->column = "(all)";
    if (n < 1 || n > VJ_BUILT_MAX_COLUMNS)
        return bad(p, "a list of columns");
    b->columns = vj_arena_zalloc(&b->arena, n * sizeof *b->columns, p->err);
    vj_field *fields = vj_arena_zalloc(&b->arena, n * sizeof *fields, p->err);
    if (b->columns == NULL || fields == NULL)
        return VJ_E_NOMEM;
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_array_get(list, i);
        const json_t *name = json_object_get(one, "name");

        p->column = "(unnamed)";
        if (!json_is_string(name) || strlen(json_string_value(name)) != json_string_length(name))
            return bad(p, "a name");
        p->column = json_string_value(name);
        VJ_TRY(parse_column(p, one, &b->columns[i]));
        fields[i] = b->columns[i].field;
    }
    b->schema = (vj_schema){(int32_t)n, fields};
    return check_names(p);
}

static vj_status copy_schema(vj_built *b, const vj_schema *from, vj_error *err)
{
    vj_field *fields = vj_arena_zalloc(&b->arena,
                                       (size_t)VJ_MAX(from->n_fields, 1) * sizeof *fields, err);

    if (fields == NULL)
        return VJ_E_NOMEM;
    for (int32_t i = 0; i < from->n_fields; i++)
        VJ_TRY(vj_field_copy(&b->arena, &from->fields[i], &fields[i], err));
    b->physical = (vj_schema){from->n_fields, fields};
    return VJ_OK;
}

static vj_status take_identity(vj_built *b, vj_span json, vj_error *err)
{
    vj_hasher *hasher = vj_hasher_new(err);

    if (hasher == NULL)
        return VJ_E_NOMEM;
    vj_hasher_add(hasher, json.ptr, json.len_bytes);
    b->identity = vj_hasher_get(hasher);
    vj_hasher_free(hasher);
    return VJ_OK;
}

vj_status built_new(vj_budget *budget, vj_built **out, vj_error *err)
{
    vj_arena arena;

    vj_arena_init(&arena, budget, 16384);
    vj_built *b = vj_arena_zalloc(&arena, sizeof *b, err);
    *out = b;
    if (b == NULL) {
        vj_arena_fini(&arena);
        return VJ_E_NOMEM;
    }
    b->arena = arena;
    return VJ_OK;
}

static vj_status parse_root(parse *p, const json_t *root, const vj_schema *physical)
{
    const json_t *version = json_object_get(root, "version");

    p->column = "(all)";
    if (!json_is_integer(version) || json_integer_value(version) < 1)
        return bad(p, "a version");
    if (json_integer_value(version) > VJ_BUILT_VERSION)
        return vj_fail(p->err, VJ_E_UNSUPPORTED,
                       "%s: built with layout version %lld, this program reads up to %d", p->name,
                       (long long)json_integer_value(version), VJ_BUILT_VERSION);
    VJ_TRY(copy_schema(p->built, physical, p->err));
    VJ_TRY(parse_columns(p, json_object_get(root, "columns")));
    return find_keys(p, root);
}

vj_status vj_built_parse(vj_span json, const char *name, const vj_schema *physical,
                         vj_budget *budget, vj_built **out, vj_error *err)
{
    vj_built *built = NULL;
    json_t *root = NULL;
    vj_status rc = VJ_OK;

    *out = NULL;
    VJ_GO(rc, vj_json_parse(json, name, &root, err));
    VJ_GO(rc, built_new(budget, &built, err));
    parse p = {.built = built, .name = name, .err = err};
    VJ_GO(rc, parse_root(&p, root, physical));
    VJ_GO(rc, take_identity(built, json, err));
    *out = built;
    built = NULL;
out:
    json_decref(root);
    vj_built_free(built);
    return rc;
}

vj_status vj_built_read(const vj_pq_file *file, vj_budget *budget, vj_built **out, vj_error *err)
{
    const char *text = vj_pq_kv_get(file, VJ_BUILT_KEY);

    *out = NULL;
    if (text == NULL)
        return VJ_OK;
    return vj_built_parse(vj_span_of(text), vj_pq_meta_view(file)->name,
                          &vj_pq_meta_view(file)->schema, budget, out, err);
}
