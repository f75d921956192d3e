#include "varjoin/reference.h"

#include <stdio.h>

#include "base/json.h"
#include "engine/refbuild.h"

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
        json_object_set_new(one, "name", vj_json_text(vj_contigs_name(&db->contigs, (int32_t)c)));
        json_object_set_new(one, "rows", json_integer((json_int_t)rows));
        json_object_set_new(one, "row_groups", json_integer((json_int_t)groups));
        json_object_set_new(one, "first", groups > 0 ? json_integer((json_int_t)lo) : json_null());
        json_object_set_new(one, "last", groups > 0 ? json_integer((json_int_t)hi) : json_null());
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *describe_columns(const vj_database *db)
{
    json_t *list = json_array();
    char type[96];

    for (int32_t c = 0; c < db->n_columns; c++) {
        json_t *one = json_object();

        json_object_set_new(one, "name",
                            vj_json_text(vj_span_of(db->columns[c].field.name)));
        vj_type_name(&db->columns[c].field.type, type, sizeof type);
        json_object_set_new(one, "type", vj_json_text(vj_span_of(type)));
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *describe(const vj_database *db, const char *path)
{
    json_t *root = json_object();
    const char *built = vj_pq_kv_get(db->files[0].pq, "varjoin.built");
    const char *source = vj_pq_kv_get(db->files[0].pq, "varjoin.source");

    json_object_set_new(root, "path", vj_json_text(vj_span_of(path)));
    json_object_set_new(root, "release", vj_json_text(vj_span_of(db->release)));
    json_object_set_new(root, "source", vj_json_text(vj_span_of(source != NULL ? source : "")));
    json_object_set_new(root, "checksum", vj_json_text(vj_span_of(db->checksum)));
    json_object_set_new(root, "built", json_boolean(built != NULL));
    json_object_set_new(root, "sorted", json_boolean(db->sorted));
    json_object_set_new(root, "start_base", json_integer(db->start_base));
    json_object_set_new(root, "files", json_integer(db->n_files));
    json_object_set_new(root, "row_groups", json_integer(db->n_rowgroups));
    json_object_set_new(root, "rows", json_integer((json_int_t)db->n_rows));
    json_object_set_new(root, "bytes", json_integer((json_int_t)db->size_bytes));
    json_object_set_new(root, "contigs", describe_rowgroups(db));
    json_object_set_new(root, "columns", describe_columns(db));
    return root;
}

static vj_status print_text(const json_t *root, vj_buf *out, vj_error *err)
{
    const char *key = NULL;
    json_t *value = NULL;
    size_t i = 0;

    json_object_foreach((json_t *)(uintptr_t)root, key, value)
    {
        if (json_is_string(value))
            VJ_TRY(vj_buf_printf(out, err, "%-11s %s\n", key, json_string_value(value)));
        else if (json_is_integer(value))
            VJ_TRY(vj_buf_printf(out, err, "%-11s %lld\n", key,
                                 (long long)json_integer_value(value)));
        else if (json_is_boolean(value))
            VJ_TRY(vj_buf_printf(out, err, "%-11s %s\n", key, json_is_true(value) ? "yes" : "no"));
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
    VJ_TRY(vj_buf_printf(out, err, "\n%-32s %s\n", "column", "type"));
    json_array_foreach(json_object_get(root, "columns"), i, value)
        VJ_TRY(vj_buf_printf(out, err, "%-32s %s\n",
                             json_string_value(json_object_get(value, "name")),
                             json_string_value(json_object_get(value, "type"))));
    return VJ_OK;
}

vj_status vj_reference_info(const char *path, int as_json, char **out_text, vj_error *err)
{
    vj_job_database spec = {"database", path, NULL};
    vj_database *db = NULL;
    vj_buf text = {0};
    json_t *root = NULL;
    vj_status rc = VJ_OK;

    *out_text = NULL;
    VJ_GO(rc, vj_database_open(&spec, -1, NULL, &db, err));
    root = describe(db, path);
    if (as_json)
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
