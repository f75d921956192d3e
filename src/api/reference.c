#include "varjoin/reference.h"

#include <stdio.h>

#include "base/json.h"
#include "reference/reference.h"

vj_status vj_reference_build(const vj_reference_options *options, vj_reference_result *result,
                             vj_error *err)
{
    vj_budget budget;

    if (options->struct_size != sizeof *options)
        return vj_fail(err, VJ_E_USAGE, "reference options of another version");
    vj_budget_init(&budget, options->memory_bytes > 0 ? options->memory_bytes : 256000000);
    return vj_refbuild_run(options, options->stop, &budget, result, err);
}

/* ---- info ---- */

static json_t *describe_rowgroups(const vj_database *db)
{
    json_t *list = json_array();

    for (size_t c = 0; c < db->contigs.by_name.n; c++) {
        int64_t rows = 0;
        int64_t groups = 0;
        int64_t lo = INT64_MAX;
        int64_t hi = INT64_MIN;

        for (int32_t i = 0; i < db->n_rowgroups; i++) {
            const vj_db_rowgroup *group = &db->rowgroups[i];

            if (group->contig != (int32_t)c)
                continue;
            rows += group->n_rows;
            groups++;
            lo = VJ_MIN(lo, group->min_pos1);
            hi = VJ_MAX(hi, group->max_pos1);
        }
        json_t *one = json_object();
        vj_put(&one, "name", vj_json_text(vj_contigs_name(&db->contigs, (int32_t)c)));
        vj_put(&one, "rows", json_integer((json_int_t)rows));
        vj_put(&one, "row_groups", json_integer((json_int_t)groups));
        vj_put(&one, "first", groups > 0 ? json_integer((json_int_t)lo) : json_null());
        vj_put(&one, "last", groups > 0 ? json_integer((json_int_t)hi) : json_null());
        vj_add(&list, one);
    }
    return list;
}

static json_t *text_json(const char *text)
{
    return vj_json_text(vj_span_of(text));
}

static json_t *describe_column(const vj_field *field, const char *stored)
{
    json_t *one = json_object();
    char type[96];

    vj_put(&one, "name", text_json(field->name));
    vj_put(&one, "type", text_json(vj_type_name(&field->type, type, sizeof type)));
    if (stored != NULL)
        vj_put(&one, "stored", text_json(stored));
    return one;
}

/* Payload of any database; of a tuned one all columns, and how they are stored. */
static json_t *describe_columns(const vj_database *db)
{
    const vj_built *built = db->files[0].built;
    json_t *list = json_array();
    char stored[256];

    for (int32_t i = 0; built != NULL && i < built->schema.n_fields; i++)
        vj_add(&list, describe_column(&built->schema.fields[i],
                                  vj_built_describe(built, i, stored, sizeof stored)));
    for (int32_t c = 0; built == NULL && c < db->n_columns; c++)
        vj_add(&list, describe_column(&db->columns[c].field, NULL));
    return list;
}

static int64_t field_bytes(const vj_database *db, int32_t file_i, const char *name)
{
    const vj_pq_file *pq = db->files[file_i].pq;
    int32_t field_i = vj_pq_field_find(pq, name);
    int32_t leaf = 0;
    int32_t end = 0;
    int64_t bytes = 0;

    if (field_i < 0)
        return 0;
    vj_pq_field_leaves(pq, field_i, &leaf, &end);
    for (; leaf < end; leaf++)
        for (int32_t g = 0; g < vj_pq_meta_view(pq)->n_rowgroups; g++)
            bytes += vj_pq_chunk_view(pq, g, leaf).compressed_bytes;
    return bytes;
}

/* What stands in the files, in their order, with its share of the bytes. */
static json_t *describe_storage(const vj_database *db)
{
    const vj_schema *schema = &vj_pq_meta_view(db->files[0].pq)->schema;
    json_t *list = json_array();

    for (int32_t f = 0; f < schema->n_fields; f++) {
        json_t *one = describe_column(&schema->fields[f], NULL);
        int64_t bytes = 0;

        for (int32_t i = 0; i < db->n_files; i++)
            bytes += field_bytes(db, i, schema->fields[f].name);
        vj_put(&one, "bytes", json_integer((json_int_t)bytes));
        vj_add(&list, one);
    }
    return list;
}

/* By what column and value the files are in tiers, and the rows of each; nothing without tiers. */
static void describe_tiers(const vj_database *db, json_t **root)
{
    const vj_tiers *first = &db->files[0].tiers;
    int64_t n_rare = 0;
    int64_t n_common = 0;
    char by[192];

    if (!first->present)
        return;
    for (int32_t i = 0; i < db->n_files; i++) {
        n_rare += db->files[i].tiers.n_rare_rows;
        n_common += db->files[i].tiers.n_common_rows;
    }
    snprintf(by, sizeof by, "%s >= %g", first->column, first->threshold);
    vj_put(root, "tiers", text_json(by));
    vj_put(root, "common_rows", json_integer((json_int_t)n_common));
    vj_put(root, "rare_rows", json_integer((json_int_t)n_rare));
}

static json_t *describe(const vj_database *db, const char *path)
{
    json_t *root = json_object();
    const char *built = vj_pq_kv_get(db->files[0].pq, "varjoin.built");
    const char *source = vj_pq_kv_get(db->files[0].pq, "varjoin.source");
    const char *sum = vj_pq_kv_get(db->files[0].pq, "varjoin.source_checksum");
    const char *how = vj_pq_kv_get(db->files[0].pq, "varjoin.build");

    vj_put(&root, "path", vj_json_text(vj_span_of(path)));
    vj_put(&root, "release", vj_json_text(vj_span_of(db->release)));
    vj_put(&root, "source", vj_json_text(vj_span_of(source != NULL ? source : "")));
    vj_put(&root, "checksum", vj_json_text(vj_span_of(db->checksum)));
    vj_put(&root, "source_checksum", text_json(sum != NULL ? sum : ""));
    vj_put(&root, "built", json_boolean(built != NULL));
    vj_put(&root, "layout",
                        text_json(db->files[0].built != NULL ? "tuned" : "plain"));
    vj_put(&root, "parameters", text_json(how != NULL ? how : ""));
    describe_tiers(db, &root);
    vj_put(&root, "sorted", json_boolean(db->sorted));
    vj_put(&root, "start_base", json_integer(db->start_base));
    vj_put(&root, "files", json_integer(db->n_files));
    vj_put(&root, "row_groups", json_integer(db->n_rowgroups));
    vj_put(&root, "rows", json_integer((json_int_t)db->n_rows));
    vj_put(&root, "bytes", json_integer((json_int_t)db->size_bytes));
    vj_put(&root, "contigs", describe_rowgroups(db));
    vj_put(&root, "columns", describe_columns(db));
    vj_put(&root, "storage", describe_storage(db));
    return root;
}

static const char *string_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

static vj_status print_columns(const json_t *root, vj_buf *out, vj_error *err)
{
    double total = 0;
    json_t *one = NULL;
    size_t i = 0;
    char size[32];

    VJ_TRY(vj_buf_printf(out, err, "\n%-32s %-12s %s\n", "column", "type", "stored"));
    json_array_foreach(json_object_get(root, "columns"), i, one)
        VJ_TRY(vj_buf_printf(out, err, "%-32s %-12s %s\n", string_of(one, "name"),
                             string_of(one, "type"), string_of(one, "stored")));
    json_array_foreach(json_object_get(root, "storage"), i, one)
        total += (double)json_integer_value(json_object_get(one, "bytes"));
    VJ_TRY(vj_buf_printf(out, err, "\n%-32s %-12s %10s %6s\n", "in the files", "type", "bytes",
                         "share"));
    json_array_foreach(json_object_get(root, "storage"), i, one)
    {
        int64_t bytes = (int64_t)json_integer_value(json_object_get(one, "bytes"));

        VJ_TRY(vj_buf_printf(out, err, "%-32s %-12s %10s %5.1f%%\n", string_of(one, "name"),
                             string_of(one, "type"), vj_format_size(size, sizeof size, bytes),
                             total > 0 ? 100.0 * (double)bytes / total : 0.0));
    }
    return VJ_OK;
}

static vj_status print_text(const json_t *root, vj_buf *out, vj_error *err)
{
    const char *key = NULL;
    json_t *value = NULL;
    size_t i = 0;

    json_object_foreach((json_t *)(uintptr_t)root, key, value)
    {
        if (json_is_string(value))
            VJ_TRY(vj_buf_printf(out, err, "%-15s %s\n", key, json_string_value(value)));
        else if (json_is_integer(value))
            VJ_TRY(vj_buf_printf(out, err, "%-15s %lld\n", key,
                                 (long long)json_integer_value(value)));
        else if (json_is_boolean(value))
            VJ_TRY(vj_buf_printf(out, err, "%-15s %s\n", key, json_is_true(value) ? "yes" : "no"));
    }
    VJ_TRY(vj_buf_printf(out, err, "\n%-16s %12s %10s %12s %12s\n", "contig", "rows",
                         "row groups", "first", "last"));
    json_array_foreach(json_object_get(root, "contigs"), i, value)
        VJ_TRY(vj_buf_printf(out, err, "%-16s %12lld %10lld %12lld %12lld\n",
                             json_string_value(json_object_get(value, "name")),
                             (long long)json_integer_value(json_object_get(value, "rows")),
                             (long long)json_integer_value(json_object_get(value, "row_groups")),
                             (long long)json_integer_value(json_object_get(value, "first")),
                             (long long)json_integer_value(json_object_get(value, "last"))));
    return print_columns(root, out, err);
}

vj_status vj_reference_info(const char *path, int flags, char **out_text, vj_error *err)
{
    vj_job_database spec = {"database", path, NULL};
    vj_database *db = NULL;
    vj_buf text = {0};
    json_t *root = NULL;
    vj_status rc = VJ_OK;

    *out_text = NULL;
    VJ_GO(rc, vj_database_open(&spec, -1, (flags & VJ_INFO_IGNORE_CHECKSUMS) != 0, NULL, &db, err));
    root = describe(db, path);
    if ((flags & VJ_INFO_JSON) != 0)
        VJ_GO(rc, vj_json_write(root, JSON_INDENT(2), &text, err));
    else
        VJ_GO(rc, print_text(root, &text, err));
    *out_text = vj_strndup(NULL, text.ptr, text.len_bytes, err);
    rc = *out_text != NULL ? VJ_OK : VJ_E_NOMEM;
out:
    json_decref(root);
    vj_buf_fini(&text);
    vj_database_free(db);
    return rc;
}
