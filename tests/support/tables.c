#include "support/tables.h"

#include <math.h>

#include "support/support.h"

/* ---- schemas ---- */

#define SCALAR(NAME, KIND) {.name = NAME, .type = {.kind = KIND}, .nullable = true}
#define MEANS(NAME, ...) {.name = NAME, .type = {__VA_ARGS__}, .nullable = true}
#define KIDS(ARRAY) .n_kids = (int32_t)VJ_COUNT(ARRAY), .kids = (ARRAY)

static const vj_field flat_fields[] = {
    SCALAR("bool", VJ_BOOL),
    SCALAR("i8", VJ_I8),
    SCALAR("i16", VJ_I16),
    SCALAR("i32", VJ_I32),
    SCALAR("i64", VJ_I64),
    SCALAR("u8", VJ_U8),
    SCALAR("u16", VJ_U16),
    SCALAR("u32", VJ_U32),
    SCALAR("u64", VJ_U64),
    SCALAR("f32", VJ_F32),
    SCALAR("f64", VJ_F64),
    SCALAR("text", VJ_TEXT),
    SCALAR("binary", VJ_BINARY),
    MEANS("fixed5", .kind = VJ_FIXED, .width_bytes = 5),
    MEANS("dec32", .kind = VJ_I32, .logical = VJ_LOGICAL_DECIMAL, .precision = 9, .scale = 2),
    MEANS("dec64", .kind = VJ_I64, .logical = VJ_LOGICAL_DECIMAL, .precision = 18, .scale = 3),
    MEANS("dec128", .kind = VJ_FIXED, .width_bytes = 16, .logical = VJ_LOGICAL_DECIMAL,
          .precision = 38, .scale = 10),
    MEANS("date", .kind = VJ_I32, .logical = VJ_LOGICAL_DATE),
    MEANS("time_ms", .kind = VJ_I32, .logical = VJ_LOGICAL_TIME, .unit = VJ_MS, .utc = true),
    MEANS("time_us", .kind = VJ_I64, .logical = VJ_LOGICAL_TIME, .unit = VJ_US, .utc = true),
    MEANS("time_ns", .kind = VJ_I64, .logical = VJ_LOGICAL_TIME, .unit = VJ_NS, .utc = true),
    MEANS("ts_ms", .kind = VJ_I64, .logical = VJ_LOGICAL_TIMESTAMP, .unit = VJ_MS),
    MEANS("ts_us", .kind = VJ_I64, .logical = VJ_LOGICAL_TIMESTAMP, .unit = VJ_US, .utc = true),
    MEANS("ts_ns", .kind = VJ_I64, .logical = VJ_LOGICAL_TIMESTAMP, .unit = VJ_NS),
    MEANS("uuid", .kind = VJ_FIXED, .width_bytes = 16, .logical = VJ_LOGICAL_UUID),
    MEANS("f16", .kind = VJ_FIXED, .width_bytes = 2, .logical = VJ_LOGICAL_F16),
    MEANS("json", .kind = VJ_TEXT, .logical = VJ_LOGICAL_JSON),
    MEANS("enum", .kind = VJ_TEXT, .logical = VJ_LOGICAL_ENUM),
    MEANS("null", .kind = VJ_I32, .logical = VJ_LOGICAL_NULL),
    {.name = "required_i64", .type = {.kind = VJ_I64}},
    {.name = "required_text", .type = {.kind = VJ_TEXT}},
    {.name = "required_bool", .type = {.kind = VJ_BOOL}},
};

static const vj_field text_element[] = {SCALAR("element", VJ_TEXT)};
static const vj_field i32_element[] = {{.name = "element", .type = {.kind = VJ_I32}}};
static const vj_field i64_element[] = {SCALAR("element", VJ_I64)};
static const vj_field bool_element[] = {SCALAR("element", VJ_BOOL)};
static const vj_field f32_element[] = {SCALAR("element", VJ_F32)};
static const vj_field list_element[] = {MEANS("element", .kind = VJ_LIST, KIDS(i64_element))};
static const vj_field pair_members[] = {
    SCALAR("a", VJ_I32),
    MEANS("b", .kind = VJ_LIST, KIDS(text_element)),
    {.name = "c", .type = {.kind = VJ_U16}},
};
static const vj_field pair_element[] = {MEANS("element", .kind = VJ_STRUCT, KIDS(pair_members))};
static const vj_field outer_members[] = {
    MEANS("inner", .kind = VJ_STRUCT, KIDS(pair_members)),
    SCALAR("x", VJ_F64),
};
static const vj_field nested_fields[] = {
    MEANS("texts", .kind = VJ_LIST, KIDS(text_element)),
    MEANS("ints", .kind = VJ_LIST, KIDS(i32_element)),
    MEANS("flags", .kind = VJ_LIST, KIDS(bool_element)),
    MEANS("lists", .kind = VJ_LIST, KIDS(list_element)),
    MEANS("pair", .kind = VJ_STRUCT, KIDS(pair_members)),
    MEANS("pairs", .kind = VJ_LIST, KIDS(pair_element)),
    MEANS("outer", .kind = VJ_STRUCT, KIDS(outer_members)),
    {.name = "required_list", .type = {.kind = VJ_LIST, KIDS(i64_element)}},
    {.name = "required_struct", .type = {.kind = VJ_STRUCT, KIDS(pair_members)}},
};

static const vj_field edge_fields[] = {
    SCALAR("f32", VJ_F32),
    SCALAR("f64", VJ_F64),
    MEANS("f16", .kind = VJ_FIXED, .width_bytes = 2, .logical = VJ_LOGICAL_F16),
    SCALAR("text", VJ_TEXT),
    SCALAR("binary", VJ_BINARY),
    SCALAR("i64", VJ_I64),
    SCALAR("u32", VJ_U32),
    {.name = "wide", .type = {.kind = VJ_FIXED, .width_bytes = 100}, .nullable = true},
    MEANS("interval", .kind = VJ_FIXED, .width_bytes = 12, .logical = VJ_LOGICAL_INTERVAL),
};

static const vj_field variant_fields[] = {
    SCALAR("chrom", VJ_TEXT),
    SCALAR("start", VJ_U32),
    SCALAR("end", VJ_U32),
    SCALAR("rsid", VJ_TEXT),
    SCALAR("ref", VJ_TEXT),
    SCALAR("alt", VJ_TEXT),
    SCALAR("qual", VJ_F64),
    SCALAR("filter", VJ_TEXT),
    MEANS("genotype", .kind = VJ_LIST, KIDS(text_element)),
    SCALAR("DP", VJ_I32),
    SCALAR("GQ", VJ_I32),
    MEANS("AD", .kind = VJ_LIST, KIDS(i32_element)),
    MEANS("VAF", .kind = VJ_LIST, KIDS(f32_element)),
    MEANS("PL", .kind = VJ_LIST, KIDS(i32_element)),
    SCALAR("id", VJ_TEXT),
    SCALAR("dbSNP", VJ_BOOL),
    SCALAR("TSA", VJ_TEXT),
    SCALAR("E_Cited", VJ_BOOL),
    SCALAR("E_Multiple", VJ_BOOL),
    SCALAR("E_Freq", VJ_BOOL),
    SCALAR("E_TOPMed", VJ_BOOL),
    SCALAR("E_1000G", VJ_BOOL),
    SCALAR("E_gnomAD", VJ_BOOL),
    SCALAR("CLIN_risk", VJ_BOOL),
    SCALAR("CLIN_path", VJ_BOOL),
    SCALAR("CLIN_benign", VJ_BOOL),
    SCALAR("CLIN_drug", VJ_BOOL),
    SCALAR("CLIN_other", VJ_BOOL),
    SCALAR("CLIN_conf", VJ_BOOL),
    SCALAR("CLIN_assoc", VJ_BOOL),
    SCALAR("CLIN_prot", VJ_BOOL),
    SCALAR("MA", VJ_TEXT),
    SCALAR("MAF", VJ_F32),
    SCALAR("MAC", VJ_I32),
    SCALAR("AA", VJ_TEXT),
    SCALAR("qual_db", VJ_F64),
    SCALAR("filter_db", VJ_TEXT),
};

const char *const test_table_names[] = {"flat", "nested", "edges", "variants", NULL};

static vj_status schema_of(const char *name, vj_schema *out, vj_error *err)
{
    if (strcmp(name, "flat") == 0)
        *out = (vj_schema){(int32_t)VJ_COUNT(flat_fields), flat_fields};
    else if (strcmp(name, "nested") == 0)
        *out = (vj_schema){(int32_t)VJ_COUNT(nested_fields), nested_fields};
    else if (strcmp(name, "edges") == 0)
        *out = (vj_schema){(int32_t)VJ_COUNT(edge_fields), edge_fields};
    else if (strcmp(name, "variants") == 0)
        *out = (vj_schema){(int32_t)VJ_COUNT(variant_fields), variant_fields};
    else
        return vj_fail(err, VJ_E_USAGE, "no test table is called %s", name);
    return VJ_OK;
}

/* ---- values ---- */

/* What a column's values look like; drawn once per column. */
typedef struct recipe {
    uint64_t *state;
    unsigned null_per_256;
    unsigned distinct; /* 0: as many as there are */
    unsigned shape;
    uint64_t last;
} recipe;

static uint64_t below(recipe *r, uint64_t n)
{
    return test_random(r->state) % n;
}

static recipe draw_recipe(uint64_t *state)
{
    static const unsigned nulls[] = {0, 0, 25, 128, 250, 256};
    static const unsigned distincts[] = {0, 0, 1, 3, 40, 3000};
    recipe r = {.state = state};

    r.null_per_256 = nulls[below(&r, VJ_COUNT(nulls))];
    r.distinct = distincts[below(&r, VJ_COUNT(distincts))];
    r.shape = (unsigned)below(&r, 4);
    return r;
}

static uint64_t draw_word(recipe *r)
{
    if (r->distinct > 0) {
        uint64_t pick = below(r, r->distinct);
        return vj_mix64(pick, r->shape);
    }
    if (r->shape == 0)
        return test_random(r->state);
    r->last += below(r, (uint64_t)1 << (4 * r->shape));
    return r->last;
}

static vj_status put_text(vj_colb *b, recipe *r, vj_error *err)
{
    static const char *const syllables[] = {"A", "rs", "é", "T", "漢", "🧬", "gen", "C"};
    char text[400];
    size_t len = 0;
    uint64_t word = draw_word(r);
    unsigned n = (unsigned)(word % (r->shape == 3 ? 60 : 5));

    for (unsigned i = 0; i < n; i++) {
        const char *part = syllables[(word >> (i % 20 * 3)) & 7];
        memcpy(text + len, part, strlen(part));
        len += strlen(part);
    }
    if (r->distinct == 0 && r->shape != 2)
        len += vj_format_i64(text + len, (int64_t)(word & 0xffffff));
    return vj_colb_bytes(b, text, len, err);
}

static vj_status put_bytes(vj_colb *b, recipe *r, size_t len, vj_error *err)
{
    uint8_t bytes[128];
    uint64_t word = draw_word(r);

    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(word >> (i % 8 * 8));
    if (b->type.logical == VJ_LOGICAL_DECIMAL)
        memset(bytes, (bytes[0] & 1) != 0 ? 0xff : 0, 4); /* within the precision */
    if (b->type.logical == VJ_LOGICAL_F16)
        bytes[1] &= 0xbb; /* neither NaN nor infinite */
    return vj_colb_bytes(b, bytes, len, err);
}

/* Keep times and decimals inside what their type allows. */
static int64_t within(const vj_type *type, uint64_t word)
{
    switch (type->logical) {
    case VJ_LOGICAL_TIME:
        return (int64_t)(word % (type->unit == VJ_MS   ? 86400000u
                                 : type->unit == VJ_US ? 86400000000u
                                                       : 86400000000000u));
    case VJ_LOGICAL_TIMESTAMP:
        return (int64_t)(word % 4000000000000u);
    case VJ_LOGICAL_DATE:
        return (int64_t)(word % 40000) - 10000;
    case VJ_LOGICAL_DECIMAL:
        return (int64_t)(word % 1000000000u) - 500000000;
    default:
        return (int64_t)word;
    }
}

static vj_status put_scalar(vj_colb *b, recipe *r, vj_error *err)
{
    switch (b->type.kind) {
    case VJ_BOOL:
        return vj_colb_bool(b, r->shape == 0 ? below(r, 100) == 0 : (draw_word(r) & 1) != 0, err);
    case VJ_F32:
        return vj_colb_f32(b, (float)(int64_t)(draw_word(r) % 2000001) / 1000.0f - 1000.0f, err);
    case VJ_F64:
        return vj_colb_f64(b, (double)(int64_t)draw_word(r) / 7.0, err);
    case VJ_TEXT:
        return b->type.logical == VJ_LOGICAL_JSON
                   ? vj_colb_bytes(b, "{\"a\": [1, 2]}", 13, err)
                   : put_text(b, r, err);
    case VJ_BINARY:
        return put_bytes(b, r, draw_word(r) % 20, err);
    case VJ_FIXED:
        return put_bytes(b, r, (size_t)b->type.width_bytes, err);
    default:
        return vj_colb_int(b, within(&b->type, draw_word(r)), err);
    }
}

static vj_status put_value(vj_colb *b, bool nullable, recipe *r, int depth, vj_error *err)
{
    if (b->type.logical == VJ_LOGICAL_NULL || (nullable && below(r, 256) < r->null_per_256))
        return vj_colb_null(b, err);
    if (b->type.kind == VJ_LIST) {
        uint64_t n = below(r, r->shape == 3 ? 9 : 3);

        for (uint64_t i = 0; i < n; i++)
            VJ_TRY(put_value(&b->kids[0], b->type.kids[0].nullable, r, depth + 1, err));
        return vj_colb_end_list(b, err);
    }
    if (b->type.kind == VJ_STRUCT) {
        for (int32_t i = 0; i < b->type.n_kids; i++)
            VJ_TRY(put_value(&b->kids[i], b->type.kids[i].nullable, r, depth + 1, err));
        return vj_colb_end_struct(b, err);
    }
    return put_scalar(b, r, err);
}

static vj_status put_edge(vj_colb *b, recipe *r, int64_t row_i, vj_error *err)
{
    static const double reals[] = {0.0, -0.0, 1.5, -1.5, 1e-30, 3e38, INFINITY, -INFINITY};
    static const int64_t ints[] = {INT64_MIN, INT64_MAX, 0, -1, 1, INT32_MIN, INT32_MAX};
    static const uint16_t halves[] = {0x0000, 0x8000, 0x3c00, 0xbc00, 0x7c00, 0xfc00, 0x0001};
    char text[300];
    size_t len = below(r, sizeof text);
    bool nan = row_i % 5000 > 4500; /* some pages with NaN, some without */

    switch (b->type.kind) {
    case VJ_F32:
        return vj_colb_f32(b, nan ? NAN : (float)reals[below(r, VJ_COUNT(reals))], err);
    case VJ_F64:
        return vj_colb_f64(b, nan ? (double)NAN : reals[below(r, VJ_COUNT(reals))], err);
    case VJ_TEXT:
        memset(text, 'a' + (char)below(r, 26), sizeof text);
        len -= len % 2;
        for (size_t i = 60; i + 1 < len; i += 2)
            memcpy(text + i, "é", 2);
        return vj_colb_bytes(b, text, len, err);
    case VJ_BINARY:
        memset(text, below(r, 3) == 0 ? 0xff : (int)below(r, 256), sizeof text);
        return vj_colb_bytes(b, text, len, err);
    case VJ_FIXED:
        if (b->type.logical == VJ_LOGICAL_F16)
            return vj_colb_bytes(b, &halves[below(r, VJ_COUNT(halves))], 2, err);
        return put_bytes(b, r, (size_t)b->type.width_bytes, err);
    default:
        return vj_colb_int(b, ints[below(r, VJ_COUNT(ints))], err);
    }
}

/* ---- variants: columns as a real sample annotated with Ensembl has them ---- */

static vj_status put_base(vj_colb *b, recipe *r, vj_error *err)
{
    static const char bases[] = "ACGTACGTTGCA";

    size_t at = below(r, 8);
    return vj_colb_bytes(b, bases + at, below(r, 9) == 0 ? 2 + below(r, 3) : 1, err);
}

static vj_status put_ints(vj_colb *b, recipe *r, int n, vj_error *err)
{
    for (int i = 0; i < n; i++)
        VJ_TRY(vj_colb_int(&b->kids[0], (int64_t)(below(r, 40) * below(r, 12)), err));
    return vj_colb_end_list(b, err);
}

static vj_status put_variant(vj_colb *b, int32_t col_i, recipe *r, int64_t row_i, vj_error *err)
{
    static const char *const classes[] = {"SNV", "SNV", "SNV", "deletion", "insertion", "indel"};
    static const char *const filters[] = {"PASS", "PASS", "PASS", "RefCall"};
    char text[VJ_NUM_TEXT_BYTES + 4] = "rs";
    const char *name = variant_fields[col_i].name;
    bool matched = row_i % 12 != 0;

    if (col_i >= 14 && !matched)
        return vj_colb_null(b, err);
    if (strcmp(name, "chrom") == 0)
        return vj_colb_bytes(b, "20", 2, err);
    if (b->type.kind == VJ_U32) {
        r->last += col_i == 1 ? 1 + below(r, 1500) : 0;
        return vj_colb_int(b, (int64_t)(col_i == 1 ? r->last : 60000 + (uint64_t)row_i * 751), err);
    }
    if (strcmp(name, "rsid") == 0 && below(r, 10) > 0)
        return vj_colb_null(b, err);
    if (strcmp(name, "rsid") == 0 || strcmp(name, "id") == 0)
        return vj_colb_bytes(
            b, text, 2 + vj_format_i64(text + 2, (int64_t)below(r, 1500000000)), err);
    if (strcmp(name, "TSA") == 0)
        return vj_colb_bytes(b, classes[below(r, 6)], strlen(classes[below(r, 1)]), err);
    if (strcmp(name, "filter") == 0) {
        const char *filter = filters[below(r, 4)];
        return vj_colb_bytes(b, filter, strlen(filter), err);
    }
    if (strcmp(name, "genotype") == 0) {
        VJ_TRY(put_base(&b->kids[0], r, err));
        VJ_TRY(put_base(&b->kids[0], r, err));
        return vj_colb_end_list(b, err);
    }
    if (strcmp(name, "VAF") == 0) {
        VJ_TRY(vj_colb_f32(&b->kids[0], (float)below(r, 1000000) / 1e6f, err));
        return vj_colb_end_list(b, err);
    }
    if (b->type.kind == VJ_LIST)
        return put_ints(b, r, strcmp(name, "AD") == 0 ? 2 : 3, err);
    if (strstr(name, "_db") != NULL || strcmp(name, "dbSNP") == 0)
        return vj_colb_null(b, err);
    if (b->type.kind == VJ_TEXT)
        return put_base(b, r, err);
    if (b->type.kind == VJ_BOOL)
        return vj_colb_bool(b, below(r, col_i % 2 != 0 ? 300 : 3) == 0, err);
    if (b->type.kind == VJ_F64)
        return vj_colb_f64(b, (double)below(r, 900) / 10.0, err);
    if (b->type.kind == VJ_F32)
        return vj_colb_f32(b, (float)below(r, 5008) / 5008.0f, err);
    return vj_colb_int(b, (int64_t)(below(r, 9) * below(r, 11)), err);
}

/* ---- tables ---- */

static vj_status start_table(const vj_schema *schema, test_table *out, vj_error *err)
{
    size_t n = (size_t)schema->n_fields;

    *out = (test_table){.schema = *schema};
    out->cols = vj_calloc(NULL, n, sizeof *out->cols, err);
    out->views = vj_calloc(NULL, n, sizeof *out->views, err);
    if (out->cols == NULL || out->views == NULL)
        return VJ_E_NOMEM;
    for (size_t i = 0; i < n; i++)
        VJ_TRY(vj_colb_init(&out->cols[i], &schema->fields[i].type, NULL, err));
    return VJ_OK;
}

static void end_table(test_table *out, int64_t n_rows)
{
    for (int32_t i = 0; i < out->schema.n_fields; i++)
        out->views[i] = vj_colb_view(&out->cols[i]);
    out->batch = (vj_batch){&out->schema, n_rows, out->views};
}

static vj_status fill_column(test_table *out, const char *name, int32_t c, int64_t n_rows,
                             uint64_t seed, vj_error *err)
{
    uint64_t state = seed * 1000003 + (uint64_t)c;
    recipe r = draw_recipe(&state);
    const vj_field *field = &out->schema.fields[c];

    for (int64_t i = 0; i < n_rows; i++) {
        if (strcmp(name, "variants") == 0)
            VJ_TRY(put_variant(&out->cols[c], c, &r, i, err));
        else if (strcmp(name, "edges") == 0 && below(&r, 4) > 0)
            VJ_TRY(put_edge(&out->cols[c], &r, i, err));
        else if (strcmp(name, "edges") == 0)
            VJ_TRY(vj_colb_null(&out->cols[c], err));
        else
            VJ_TRY(put_value(&out->cols[c], field->nullable, &r, 0, err));
    }
    return VJ_OK;
}

vj_status test_table_make(const char *name, int64_t n_rows, uint64_t seed, test_table *out,
                          vj_error *err)
{
    vj_schema schema = {0};

    *out = (test_table){0};
    VJ_TRY(schema_of(name, &schema, err));
    VJ_TRY(start_table(&schema, out, err));
    for (int32_t c = 0; c < schema.n_fields; c++)
        VJ_TRY(fill_column(out, name, c, n_rows, seed, err));
    end_table(out, n_rows);
    return VJ_OK;
}

vj_status test_table_slice(const test_table *from, int64_t beg, int64_t n, test_table *out,
                           vj_error *err)
{
    VJ_TRY(start_table(&from->schema, out, err));
    for (int32_t c = 0; c < from->schema.n_fields; c++)
        VJ_TRY(vj_colb_append(&out->cols[c], &from->views[c], beg, n, err));
    end_table(out, n);
    return VJ_OK;
}

void test_table_free(test_table *table)
{
    for (int32_t i = 0; table->cols != NULL && i < table->schema.n_fields; i++)
        vj_colb_fini(&table->cols[i]);
    vj_free(table->cols);
    vj_free(table->views);
    *table = (test_table){0};
}

/* ---- rows as text ---- */

static vj_status json_bytes(vj_span bytes, vj_buf *out, vj_error *err)
{
    VJ_TRY(vj_buf_push(out, '"', err));
    for (size_t i = 0; i < bytes.len_bytes; i++)
        VJ_TRY(vj_buf_printf(out, err, "%02x", (unsigned)(uint8_t)bytes.ptr[i]));
    return vj_buf_push(out, '"', err);
}

static vj_status json_value(const vj_col *col, int64_t i, vj_buf *out, vj_error *err)
{
    if (vj_col_is_null(col, i))
        return vj_buf_append_text(out, "null", err);
    switch (col->type->kind) {
    case VJ_BOOL:
        return vj_buf_append_text(out, vj_bit_get(col->data, i) ? "true" : "false", err);
    case VJ_F32:
    case VJ_F64:
        return vj_buf_printf(out, err, "\"%.17g\"", vj_col_f64(col, i));
    case VJ_TEXT:
    case VJ_BINARY:
    case VJ_FIXED:
        return json_bytes(vj_col_bytes(col, i), out, err);
    case VJ_U64:
        return vj_buf_printf(out, err, "%llu", (unsigned long long)vj_col_i64(col, i));
    case VJ_LIST:
        VJ_TRY(vj_buf_push(out, '[', err));
        for (int32_t e = col->offs[i]; e < col->offs[i + 1]; e++) {
            if (e > col->offs[i])
                VJ_TRY(vj_buf_push(out, ',', err));
            VJ_TRY(json_value(&col->kids[0], e, out, err));
        }
        return vj_buf_push(out, ']', err);
    case VJ_STRUCT:
        VJ_TRY(vj_buf_push(out, '{', err));
        for (int32_t k = 0; k < col->type->n_kids; k++) {
            VJ_TRY(vj_buf_printf(out, err, "%s\"%s\":", k > 0 ? "," : "",
                                 col->type->kids[k].name));
            VJ_TRY(json_value(&col->kids[k], i, out, err));
        }
        return vj_buf_push(out, '}', err);
    default:
        return vj_buf_printf(out, err, "%lld", (long long)vj_col_i64(col, i));
    }
}

vj_status test_table_row_json(const test_table *table, int64_t row_i, vj_buf *out, vj_error *err)
{
    for (int32_t c = 0; c < table->schema.n_fields; c++) {
        VJ_TRY(vj_buf_push(out, c == 0 ? '[' : ',', err));
        VJ_TRY(json_value(&table->views[c], row_i, out, err));
    }
    return vj_buf_push(out, ']', err);
}
