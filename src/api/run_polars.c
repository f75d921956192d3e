#include <stdio.h>

#include "api/run_external.h"
#include "polars/polars.h"

/* The job as the worker reads it (docs/formats.md, "Polars worker"). */

static json_t *text_json(const char *text)
{
    return vj_json_text(vj_span_of(text));
}

static json_t *describe_paths(const vj_external *ext, const vj_database *db)
{
    json_t *list = json_array();

    for (int32_t i = 0; i < db->n_files; i++)
        if (vj_keyed_needs_file(&ext->keyed, db, i))
            json_array_append_new(list, text_json(db->files[i].path));
    return list;
}

static json_t *describe_contigs(const vj_database *db)
{
    json_t *list = json_array();
    char name[VJ_CONTIG_BYTES];

    for (size_t i = 0; i < db->raw_contigs.n; i++) {
        json_t *one = json_object();

        json_object_set_new(one, "raw", vj_json_text(db->raw_contigs.keys[i]));
        json_object_set_new(one, "canonical",
                            vj_json_text(vj_contig_canonical(db->raw_contigs.keys[i], -1, name)));
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *describe_payload(const vj_database *db)
{
    json_t *list = json_array();
    char type[256];

    for (int32_t c = 0; c < db->n_columns; c++) {
        if (db->columns[c].name == NULL)
            continue;
        json_t *one = json_object();
        json_object_set_new(one, "source", text_json(db->columns[c].field.name));
        json_object_set_new(one, "name", text_json(db->columns[c].name));
        json_object_set_new(
            one, "type",
            text_json(vj_type_name(&db->columns[c].field.type, type, sizeof type)));
        json_array_append_new(list, one);
    }
    return list;
}

/* Where the worker tells what became of each row with this database. */
static void fates_path(const vj_external *ext, int32_t db_i, char *dst, size_t cap)
{
    snprintf(dst, cap, "%s/fates-%d.parquet", ext->dir, db_i);
}

static json_t *describe_db(const vj_external *ext, int32_t db_i, const vj_join_parts *parts)
{
    const vj_database *db = ext->plan->dbs[db_i];
    char fates[4200];
    json_t *root = json_object();
    json_t *pairs = json_array();

    for (int32_t i = 0; i < parts->n_others; i++) {
        json_t *pair = json_object();

        json_object_set_new(pair, "left", text_json(parts->others[i]));
        json_object_set_new(pair, "db", text_json(parts->others[i]));
        json_array_append_new(pairs, pair);
    }
    const vj_db_file *file = &db->files[0];
    const vj_field *fields = file->schema->fields;

    json_object_set_new(root, "name", text_json(db->name));
    json_object_set_new(root, "chrom", text_json(fields[file->chrom_i].name));
    json_object_set_new(root, "start", text_json(fields[file->start_i].name));
    json_object_set_new(root, "ref", text_json(fields[file->ref_i].name));
    json_object_set_new(root, "alt", text_json(fields[file->alt_i].name));
    json_object_set_new(root, "paths", describe_paths(ext, db));
    if (file->built != NULL) {
        const char *layout = vj_pq_kv_get(file->pq, VJ_BUILT_KEY);

        json_object_set_new(root, "layout", json_loads(layout, 0, NULL));
    }
    json_object_set_new(root, "start_base", json_integer(db->start_base));
    json_object_set_new(root, "contigs", describe_contigs(db));
    json_object_set_new(root, "key_contig", json_boolean(parts->contig));
    json_object_set_new(root, "key_pos", json_boolean(parts->pos));
    json_object_set_new(root, "key_alleles", json_boolean(parts->alleles));
    json_object_set_new(root, "pairs", pairs);
    json_object_set_new(root, "payload", describe_payload(db));
    fates_path(ext, db_i, fates, sizeof fates);
    json_object_set_new(root, "fates", text_json(fates));
    return root;
}

static const char *codec_name(vj_pq_codec codec)
{
    static const char *const names[] = {[VJ_PQ_NONE] = "uncompressed", [VJ_PQ_SNAPPY] = "snappy",
                                        [VJ_PQ_GZIP] = "gzip",         [VJ_PQ_BROTLI] = "brotli",
                                        [VJ_PQ_LZ4_RAW] = "lz4",       [VJ_PQ_ZSTD] = "zstd"};

    return names[codec];
}

static vj_status describe_job(vj_external *ext, json_t **out, vj_error *err)
{
    static const char *const policies[] = {"all", "first", "error"};
    const vj_plan *plan = ext->plan;
    vj_pq_codec codec = VJ_PQ_ZSTD;
    int level = 0;
    json_t *left_columns = json_array();
    json_t *databases = json_array();

    if (plan->options.compression != NULL)
        VJ_TRY(vj_pq_codec_parse(plan->options.compression, &codec, &level, err));
    for (int32_t f = 0; f < plan->n_left_fields; f++)
        json_array_append_new(left_columns, text_json(plan->out_schema.fields[f].name));
    for (int32_t d = 0; d < plan->n_dbs; d++)
        json_array_append_new(databases, describe_db(ext, d, &plan->join_parts));
    json_t *root = json_object();
    json_object_set_new(root, "left", text_json(ext->left_path));
    json_object_set_new(root, "left_rows", json_integer((json_int_t)ext->result->rows_in));
    json_object_set_new(root, "left_columns", left_columns);
    json_object_set_new(root, "databases", databases);
    json_object_set_new(root, "duplicates", text_json(policies[plan->options.duplicates]));
    json_object_set_new(root, "any_order", json_boolean(plan->options.any_order));
    json_object_set_new(root, "codec", text_json(codec_name(codec)));
    json_object_set_new(root, "level", json_integer(level));
    json_object_set_new(root, "out", text_json(ext->out_path));
    *out = root;
    return VJ_OK;
}

static int64_t integer_of(const json_t *event, const char *name)
{
    return (int64_t)json_integer_value(json_object_get(event, name));
}

static vj_status take_event(void *arg, const json_t *event, vj_error *err)
{
    vj_external *ext = arg;
    const json_t *matched = json_object_get(event, "matched"); /* of "done": a number a database */

    (void)err;
    if (ext->result->rows_expected < 0 && json_object_get(event, "expected") != NULL)
        ext->result->rows_expected = integer_of(event, "expected");
    for (int32_t d = 0; d < ext->plan->n_dbs && d < (int32_t)json_array_size(matched); d++)
        ext->result->dbs[d]->matched_rows = json_integer_value(json_array_get(matched, (size_t)d));
    return VJ_OK;
}

/* ---- what became of each row ---- */

static vj_status take_fates(void *arg, const vj_batch *batch, vj_error *err)
{
    vj_buf *fates = arg;
    const vj_col *col = &batch->cols[0];

    if (batch->schema->n_fields != 1 || col->type->kind != VJ_U8)
        return vj_fail(err, VJ_E_BUG, "the Polars worker's fates are not one column of bytes");
    return vj_buf_append(fates, col->data, (size_t)batch->n_rows, err);
}

static vj_status note_fates(const vj_external *ext, int32_t db_i, vj_error *err)
{
    char path[4200];
    vj_buf fates = {0};
    vj_status rc = VJ_OK;

    fates_path(ext, db_i, path, sizeof path);
    VJ_GO(rc, vj_external_scan(path, NULL, take_fates, &fates, err));
    if ((int64_t)fates.len_bytes != ext->result->rows_in)
        VJ_GO(rc, vj_fail(err, VJ_E_BUG, "the Polars worker told of %lld rows, expected %lld",
                          (long long)fates.len_bytes, (long long)ext->result->rows_in));
    rc = vj_external_note_fates(ext, db_i, fates.ptr, err);
out:
    vj_buf_fini(&fates);
    return rc;
}

static void note_start(void *arg, int64_t pid)
{
    const vj_external *ext = arg;

    vj_track_child_begin(ext->plan->track, pid);
}

static void name_join(const vj_external *ext, char *dst, size_t cap)
{
    int64_t rows = 0;

    for (int32_t d = 0; d < ext->plan->n_dbs; d++)
        rows += ext->plan->dbs[d]->n_rows;
    snprintf(dst, cap, "%lld rows with %lld rows of %d database%s",
             (long long)ext->result->rows_in, (long long)rows, ext->plan->n_dbs,
             ext->plan->n_dbs == 1 ? "" : "s");
}

vj_status vj_polars_engine_join(vj_external *ext, vj_error *err)
{
    const vj_job_options *o = &ext->plan->options;
    vj_plr_options options = {
        .python = o->python,
        .memory_limit_bytes = o->memory_bytes > 0 ? o->memory_bytes : o->polars_memory_bytes,
        .threads = o->threads,
        .temp_dir = ext->dir,
        .stop = ext->plan->stop,
        .on_start = note_start,
        .on_event = take_event,
        .arg = ext,
    };
    vj_plr_usage usage = {0};
    json_t *job = NULL;
    char what[160];

    VJ_TRY(describe_job(ext, &job, err));
    name_join(ext, what, sizeof what);
    vj_status rc = vj_plr_run(&options, job, what, &usage, err);
    if (usage.pid > 0)
        vj_track_child_end(ext->plan->track, usage.pid, usage.max_rss_bytes);
    vj_track_child_group(ext->plan->track, usage.group_peak_bytes);
    json_decref(job);
    for (int32_t d = 0; rc == VJ_OK && d < ext->plan->n_dbs; d++)
        rc = note_fates(ext, d, err);
    return rc;
}
