/* inspect_parquet.c - footer, indexes and pages of a Parquet file as JSON. */
#include "inspect/inspect_parts.h"

#include <math.h>
#include <stdio.h>

#include "parquet/parquet.h"

typedef struct leaf_facts {
    const vj_type *type;
    int32_t field_i;
} leaf_facts;

typedef struct inspection {
    const vj_pq_file *file;
    const vj_pq_meta *meta;
    leaf_facts *leaves;
} inspection;

static json_t *text_of(const char *text)
{
    return vj_json_text(vj_span_of(text));
}

static json_t *type_of(const vj_type *type)
{
    char name[512];

    return text_of(vj_type_name(type, name, sizeof name));
}

/* Leaves in file order: depth first. The schema's depth was limited when it was read. */
static int32_t list_leaves(const vj_type *type, int32_t field_i, leaf_facts *out, int32_t n,
                           int32_t cap)
{
    if (type->n_kids == 0) {
        if (n < cap)
            out[n] = (leaf_facts){type, field_i};
        return n + 1;
    }
    for (int32_t i = 0; i < type->n_kids; i++)
        n = list_leaves(&type->kids[i].type, field_i, out, n, cap);
    return n;
}

static vj_status find_leaves(inspection *in, vj_budget *budget, vj_error *err)
{
    int32_t n = 0;

    in->leaves = vj_calloc(budget, (size_t)VJ_MAX(in->meta->n_leaves, 1), sizeof *in->leaves, err);
    if (in->leaves == NULL)
        return VJ_E_NOMEM;
    for (int32_t f = 0; f < in->meta->schema.n_fields; f++)
        n = list_leaves(&in->meta->schema.fields[f].type, f, in->leaves, n, in->meta->n_leaves);
    return VJ_OK;
}

/* ---- bounds ---- */

static json_t *hex_of(vj_span bytes)
{
    char hex[2 * 64 + 4];
    size_t n = VJ_MIN(bytes.len_bytes, (size_t)64);

    for (size_t i = 0; i < n; i++)
        snprintf(hex + 2 * i, 3, "%02x", (unsigned)(uint8_t)bytes.ptr[i]);
    hex[2 * n] = '\0';
    return json_string(hex);
}

/* Days since 1970 as a date: proleptic Gregorian calendar, after Fliegel and Van Flandern. */
static json_t *date_of(int64_t days)
{
    char text[64];
    int64_t a = days + 2440588 + 68569;
    int64_t b = 4 * a / 146097;

    if (days < -719162 || days > 2932896) /* years 1 to 9999 */
        return json_integer((json_int_t)days);
    a -= (146097 * b + 3) / 4;
    int64_t year = 4000 * (a + 1) / 1461001;
    a = a - 1461 * year / 4 + 31;
    int64_t month = 80 * a / 2447;
    int64_t day = a - 2447 * month / 80;
    a = month / 11;
    snprintf(text, sizeof text, "%04lld-%02lld-%02lld",
             (long long)(100 * (b - 49) + year + a), (long long)(month + 2 - 12 * a),
             (long long)day);
    return json_string(text);
}

static json_t *scaled(int64_t value, int32_t scale)
{
    char digits[64];
    char text[96];

    if (scale <= 0 || scale > 18)
        return json_integer((json_int_t)value);
    snprintf(digits, sizeof digits, "%0*llu", (int)scale + 1,
             (unsigned long long)(value < 0 ? 0 - (uint64_t)value : (uint64_t)value));
    int whole = (int)strlen(digits) - (int)scale;
    snprintf(text, sizeof text, "%s%.*s.%s", value < 0 ? "-" : "", whole, digits, digits + whole);
    return json_string(text);
}

static json_t *real_of(double value)
{
    char text[VJ_NUM_TEXT_BYTES];

    if (isfinite(value))
        return json_real(value == 0 ? 0.0 : value); /* bounds spell a zero minimum as -0 */
    vj_format_f64(text, value);
    return json_string(text);
}

static json_t *bound_of(const vj_type *type, int64_t i64, double f64, vj_span bytes)
{
    char text[32];

    switch (type->kind) {
    case VJ_BOOL:
        return json_boolean(i64 != 0);
    case VJ_F32:
    case VJ_F64:
        return real_of(f64);
    case VJ_TEXT:
        return vj_json_text(bytes);
    case VJ_BINARY:
    case VJ_FIXED:
        return hex_of(bytes);
    case VJ_U64:
        if (i64 >= 0)
            return json_integer((json_int_t)i64);
        snprintf(text, sizeof text, "%llu", (unsigned long long)i64);
        return json_string(text);
    default:
        break;
    }
    if (type->logical == VJ_LOGICAL_DATE)
        return date_of(i64);
    if (type->logical == VJ_LOGICAL_DECIMAL)
        return scaled(i64, type->scale);
    return json_integer((json_int_t)i64);
}

static json_t *min_of(const vj_type *type, const vj_pq_stats *s)
{
    return s->has_bounds ? bound_of(type, s->min_i64, s->min_f64, s->min_bytes) : json_null();
}

static json_t *max_of(const vj_type *type, const vj_pq_stats *s)
{
    return s->has_bounds ? bound_of(type, s->max_i64, s->max_f64, s->max_bytes) : json_null();
}

static json_t *count_or_null(int64_t n)
{
    return n < 0 ? json_null() : json_integer((json_int_t)n);
}

/* <0 when a's bound orders before b's. */
static int order(const vj_type *type, int64_t a_i64, int64_t b_i64, double a_f64, double b_f64,
                 vj_span a, vj_span b)
{
    switch (type->kind) {
    case VJ_F32:
    case VJ_F64:
        return (a_f64 > b_f64) - (a_f64 < b_f64);
    case VJ_TEXT:
    case VJ_BINARY:
    case VJ_FIXED:
        return vj_span_cmp(a, b);
    case VJ_U64:
        return ((uint64_t)a_i64 > (uint64_t)b_i64) - ((uint64_t)a_i64 < (uint64_t)b_i64);
    default:
        return (a_i64 > b_i64) - (a_i64 < b_i64);
    }
}

/* ---- columns over all row groups ---- */

typedef struct column_sum {
    int64_t compressed, uncompressed, n_nulls;
    bool has_bounds, bounds_broken, indexed, bloom;
    vj_pq_stats bounds; /* smallest minimum and largest maximum */
    char codecs[64];
    char encodings[128];
} column_sum;

/* Add a word to a list of words unless it is there; a list that is full stays as it is. */
static void add_word(char *list, size_t cap, const char *word, size_t len)
{
    size_t used = strlen(list);

    for (const char *at = list; (at = strstr(at, word)) != NULL; at++)
        if ((at == list || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return;
    if (used + len + 2 <= cap)
        snprintf(list + used, cap - used, "%s%.*s", used > 0 ? " " : "", (int)len, word);
}

static void add_encodings(column_sum *sum, const char *encodings)
{
    while (*encodings != '\0') {
        char word[40];
        size_t len = strcspn(encodings, " ");

        snprintf(word, sizeof word, "%.*s", (int)len, encodings);
        add_word(sum->encodings, sizeof sum->encodings, word, strlen(word));
        encodings += len + strspn(encodings + len, " ");
    }
}

static void add_bounds(column_sum *sum, const vj_type *type, const vj_pq_chunk *chunk)
{
    const vj_pq_stats *s = &chunk->stats;
    vj_pq_stats *b = &sum->bounds;

    if (!s->has_bounds) {
        sum->bounds_broken |= s->n_nulls != chunk->n_values; /* values that nothing bounds */
        return;
    }
    if (!sum->has_bounds) {
        *b = *s;
        sum->has_bounds = true;
        return;
    }
    if (order(type, s->min_i64, b->min_i64, s->min_f64, b->min_f64, s->min_bytes,
              b->min_bytes) < 0) {
        b->min_i64 = s->min_i64;
        b->min_f64 = s->min_f64;
        b->min_bytes = s->min_bytes;
    }
    if (order(type, s->max_i64, b->max_i64, s->max_f64, b->max_f64, s->max_bytes,
              b->max_bytes) > 0) {
        b->max_i64 = s->max_i64;
        b->max_f64 = s->max_f64;
        b->max_bytes = s->max_bytes;
    }
}

static column_sum sum_column(const inspection *in, int32_t leaf_i)
{
    column_sum sum = {.indexed = in->meta->n_rowgroups > 0};

    for (int32_t g = 0; g < in->meta->n_rowgroups; g++) {
        vj_pq_chunk chunk = vj_pq_chunk_view(in->file, g, leaf_i);

        sum.compressed += chunk.compressed_bytes;
        sum.uncompressed += chunk.uncompressed_bytes;
        sum.indexed &= chunk.has_offset_index && chunk.has_column_index;
        sum.bloom |= chunk.has_bloom_filter;
        if (chunk.stats.n_nulls < 0 || sum.n_nulls < 0)
            sum.n_nulls = -1;
        else
            sum.n_nulls += chunk.stats.n_nulls;
        add_word(sum.codecs, sizeof sum.codecs, chunk.codec, strlen(chunk.codec));
        add_encodings(&sum, chunk.encodings);
        add_bounds(&sum, in->leaves[leaf_i].type, &chunk);
    }
    sum.bounds.has_bounds = sum.has_bounds && !sum.bounds_broken;
    return sum;
}

static json_t *describe_column(const inspection *in, int32_t leaf_i)
{
    const leaf_facts *leaf = &in->leaves[leaf_i];
    const vj_field *field = &in->meta->schema.fields[leaf->field_i];
    column_sum sum = sum_column(in, leaf_i);
    json_t *out = json_object();

    vj_put(&out, "path", text_of(vj_pq_leaf_path(in->file, leaf_i)));
    vj_put(&out, "type", type_of(&field->type));
    vj_put(&out, "nullable", json_boolean(field->nullable));
    vj_put(&out, "nulls", count_or_null(sum.n_nulls));
    vj_put(&out, "min", min_of(leaf->type, &sum.bounds));
    vj_put(&out, "max", max_of(leaf->type, &sum.bounds));
    vj_put(&out, "codec", json_string(sum.codecs));
    vj_put(&out, "encodings", json_string(sum.encodings));
    vj_put(&out, "compressed_bytes", json_integer((json_int_t)sum.compressed));
    vj_put(&out, "uncompressed_bytes", json_integer((json_int_t)sum.uncompressed));
    vj_put(&out, "page_index", json_boolean(sum.indexed));
    vj_put(&out, "bloom_filter", json_boolean(sum.bloom));
    return out;
}

/* ---- row groups and pages ---- */

static json_t *describe_chunk(const inspection *in, int32_t rowgroup_i, int32_t leaf_i)
{
    vj_pq_chunk chunk = vj_pq_chunk_view(in->file, rowgroup_i, leaf_i);
    const vj_type *type = in->leaves[leaf_i].type;
    json_t *out = json_object();

    vj_put(&out, "path", text_of(vj_pq_leaf_path(in->file, leaf_i)));
    vj_put(&out, "codec", json_string(chunk.codec));
    vj_put(&out, "encodings", json_string(chunk.encodings));
    vj_put(&out, "values", json_integer((json_int_t)chunk.n_values));
    vj_put(&out, "nulls", count_or_null(chunk.stats.n_nulls));
    vj_put(&out, "min", min_of(type, &chunk.stats));
    vj_put(&out, "max", max_of(type, &chunk.stats));
    vj_put(&out, "min_exact", json_boolean(chunk.stats.has_bounds && chunk.stats.min_exact));
    vj_put(&out, "max_exact", json_boolean(chunk.stats.has_bounds && chunk.stats.max_exact));
    vj_put(&out, "compressed_bytes", json_integer((json_int_t)chunk.compressed_bytes));
    vj_put(&out, "uncompressed_bytes", json_integer((json_int_t)chunk.uncompressed_bytes));
    vj_put(&out, "data_page_offset", json_integer((json_int_t)chunk.data_page_off));
    vj_put(&out, "dictionary_page_offset", count_or_null(chunk.dictionary_page_off));
    vj_put(&out, "offset_index", json_boolean(chunk.has_offset_index));
    vj_put(&out, "column_index", json_boolean(chunk.has_column_index));
    return out;
}

static json_t *describe_rowgroup(const inspection *in, int32_t rowgroup_i)
{
    vj_pq_rowgroup group = vj_pq_rowgroup_view(in->file, rowgroup_i);
    json_t *out = json_object();
    json_t *chunks = json_array();

    vj_put(&out, "rows", json_integer((json_int_t)group.n_rows));
    vj_put(&out, "first_row", json_integer((json_int_t)group.first_row));
    vj_put(&out, "compressed_bytes", json_integer((json_int_t)group.compressed_bytes));
    vj_put(&out, "uncompressed_bytes", json_integer((json_int_t)group.uncompressed_bytes));
    vj_put(&out, "sorting_columns", json_integer(group.n_sorting));
    for (int32_t leaf_i = 0; leaf_i < in->meta->n_leaves; leaf_i++)
        vj_add(&chunks, describe_chunk(in, rowgroup_i, leaf_i));
    vj_put(&out, "columns", chunks);
    return out;
}

static json_t *describe_page(const vj_pq_page_info *page, int32_t rowgroup_i)
{
    json_t *out = json_object();

    vj_put(&out, "row_group", json_integer(rowgroup_i));
    vj_put(&out, "kind", json_string(page->kind));
    vj_put(&out, "encoding", json_string(page->encoding));
    vj_put(&out, "offset", json_integer((json_int_t)page->off));
    vj_put(&out, "header_bytes", json_integer((json_int_t)page->header_bytes));
    vj_put(&out, "compressed_bytes", json_integer((json_int_t)page->compressed_bytes));
    vj_put(&out, "uncompressed_bytes", json_integer((json_int_t)page->uncompressed_bytes));
    vj_put(&out, "values", json_integer((json_int_t)page->n_values));
    vj_put(&out, "rows", count_or_null(page->n_rows));
    vj_put(&out, "crc", json_boolean(page->has_crc));
    return out;
}

static vj_status leaf_range(const inspection *in, const char *name, int32_t *beg, int32_t *end,
                            vj_error *err)
{
    char shown[120];
    int32_t field_i = vj_pq_field_find(in->file, name);

    if (field_i >= 0) {
        vj_pq_field_leaves(in->file, field_i, beg, end);
        return VJ_OK;
    }
    for (int32_t i = 0; i < in->meta->n_leaves; i++) {
        if (strcmp(vj_pq_leaf_path(in->file, i), name) == 0) {
            *beg = i;
            *end = i + 1;
            return VJ_OK;
        }
    }
    return vj_fail(err, VJ_E_USAGE, "%s: no column %s", in->meta->name,
                   vj_quote(shown, sizeof shown, name, strlen(name)));
}

static vj_status describe_pages(const inspection *in, const char *name, vj_budget *budget,
                                json_t **out, vj_error *err)
{
    vj_pq_page_list pages = {.budget = budget};
    int32_t beg = 0;
    int32_t end = 0;
    vj_status rc = leaf_range(in, name, &beg, &end, err);

    *out = json_object();
    for (int32_t leaf_i = beg; rc == VJ_OK && leaf_i < end; leaf_i++) {
        json_t *list = json_array();

        for (int32_t g = 0; rc == VJ_OK && g < in->meta->n_rowgroups; g++) {
            VJ_VEC_RESET(&pages);
            rc = vj_pq_pages_list(in->file, g, leaf_i, &pages, err);
            for (size_t i = 0; rc == VJ_OK && i < pages.n; i++)
                vj_add(&list, describe_page(&pages.ptr[i], g));
        }
        vj_put(out, vj_pq_leaf_path(in->file, leaf_i), list);
    }
    VJ_VEC_FINI(&pages);
    return rc;
}

/* ---- the file ---- */

static json_t *describe_kvs(const vj_pq_meta *meta)
{
    json_t *out = json_object();

    for (int32_t i = 0; i < meta->n_kvs; i++) {
        const char *value = meta->kvs[i].value;
        json_t *key = text_of(meta->kvs[i].key);

        if (key == NULL)
            vj_put(&out, "", NULL);
        else
            vj_put(&out, json_string_value(key), value != NULL ? text_of(value) : json_null());
        json_decref(key);
    }
    return out;
}

static json_t *describe_file(const inspection *in)
{
    const vj_pq_meta *meta = in->meta;
    json_t *out = json_object();
    json_t *columns = json_array();

    vj_put(&out, "path", text_of(meta->name));
    vj_put(&out, "format", json_string("Parquet"));
    vj_put(&out, "format_version", json_integer(meta->version));
    vj_put(&out, "created_by", text_of(meta->created_by));
    vj_put(&out, "size_bytes", json_integer((json_int_t)meta->size_bytes));
    vj_put(&out, "footer_bytes", json_integer((json_int_t)meta->footer_bytes));
    vj_put(&out, "rows", json_integer((json_int_t)meta->n_rows));
    vj_put(&out, "row_groups", json_integer(meta->n_rowgroups));
    for (int32_t i = 0; i < meta->n_leaves; i++)
        vj_add(&columns, describe_column(in, i));
    vj_put(&out, "columns", columns);
    vj_put(&out, "key_values", describe_kvs(meta));
    return out;
}

json_t *vj_inspect_parquet(const char *path, const vj_inspect_options *options, vj_budget *budget,
                           vj_error *err)
{
    inspection in = {0};
    vj_pq_file *file = NULL;
    json_t *out = NULL;
    json_t *pages = NULL;
    vj_status rc = VJ_OK;

    VJ_GO(rc, vj_pq_open_path(path, budget, &file, err));
    if (options->ignore_checksums)
        vj_pq_ignore_checksums(file);
    in.file = file;
    in.meta = vj_pq_meta_view(file);
    VJ_GO(rc, find_leaves(&in, budget, err));
    if (options->pages_of != NULL)
        VJ_GO(rc, describe_pages(&in, options->pages_of, budget, &pages, err));
    out = describe_file(&in);
    if (options->row_groups) {
        json_t *groups = json_array();

        for (int32_t g = 0; g < in.meta->n_rowgroups; g++)
            vj_add(&groups, describe_rowgroup(&in, g));
        vj_put(&out, "row_group_details", groups);
    }
    if (options->pages_of != NULL) {
        vj_put(&out, "pages", pages);
        pages = NULL;
    }
out:
    json_decref(pages);
    vj_free(in.leaves);
    vj_pq_free(file);
    return out;
}
