#include "api/run_external.h"

#include <stdio.h>

#define SLICE_ROWS 16384

/* ---- hash of the engine's file ---- */

typedef struct table_scan {
    vj_pq_file *file;
    vj_pq_cursor **cursors;
    vj_colb *builders;
    vj_col *cols;
    vj_buf scratch;
    vj_budget *budget;
} table_scan;

static void close_scan(table_scan *scan)
{
    int32_t n = scan->file != NULL ? vj_pq_meta_view(scan->file)->schema.n_fields : 0;

    for (int32_t f = 0; f < n; f++) {
        if (scan->cursors != NULL)
            vj_pq_cursor_free(scan->cursors[f]);
        if (scan->builders != NULL)
            vj_colb_fini(&scan->builders[f]);
    }
    vj_free(scan->cursors);
    vj_free(scan->builders);
    vj_free(scan->cols);
    vj_buf_fini(&scan->scratch);
    vj_pq_free(scan->file);
}

static vj_status open_scan(table_scan *scan, const char *path, vj_error *err)
{
    VJ_TRY(vj_pq_open_path(path, scan->budget, &scan->file, err));
    const vj_schema *schema = &vj_pq_meta_view(scan->file)->schema;
    size_t n = (size_t)schema->n_fields;
    scan->cursors = vj_calloc(scan->budget, n, sizeof *scan->cursors, err);
    scan->builders = vj_calloc(scan->budget, n, sizeof *scan->builders, err);
    scan->cols = vj_calloc(scan->budget, n, sizeof *scan->cols, err);
    if (scan->cursors == NULL || scan->builders == NULL || scan->cols == NULL)
        return VJ_E_NOMEM;
    for (size_t f = 0; f < n; f++)
        VJ_TRY(vj_colb_init(&scan->builders[f], &schema->fields[f].type, scan->budget, err));
    return vj_buf_reserve(&scan->scratch, SLICE_ROWS * sizeof(uint64_t), err);
}

static vj_status read_slice(table_scan *scan, int32_t f, int64_t n, vj_error *err)
{
    vj_colb *b = &scan->builders[f];
    const vj_col *part = NULL;

    vj_colb_reset(b);
    while (b->n_rows < n) {
        VJ_TRY(vj_pq_cursor_next(scan->cursors[f], n - b->n_rows, &part, err));
        if (part == NULL)
            return vj_fail(err, VJ_E_CORRUPT, "%s: a column ends before its row group",
                           vj_pq_meta_view(scan->file)->name);
        VJ_TRY(vj_colb_append(b, part, 0, part->n_rows, err));
    }
    scan->cols[f] = vj_colb_view(b);
    return VJ_OK;
}

static vj_status scan_rowgroup(table_scan *scan, int32_t g, vj_slice_sink sink, void *arg,
                               vj_error *err)
{
    const vj_schema *schema = &vj_pq_meta_view(scan->file)->schema;
    int64_t left = vj_pq_rowgroup_view(scan->file, g).n_rows;

    for (int32_t f = 0; f < schema->n_fields; f++) {
        vj_pq_cursor_free(scan->cursors[f]);
        scan->cursors[f] = NULL;
        VJ_TRY(vj_pq_cursor_open(scan->file, g, f, scan->budget, &scan->cursors[f], err));
    }
    while (left > 0) {
        int64_t n = VJ_MIN(left, SLICE_ROWS);
        vj_batch batch = {schema, n, scan->cols};

        for (int32_t f = 0; f < schema->n_fields; f++)
            VJ_TRY(read_slice(scan, f, n, err));
        VJ_TRY(sink(arg, &batch, err));
        left -= n;
    }
    return VJ_OK;
}

vj_status vj_external_scan(const char *path, vj_budget *budget, vj_slice_sink sink, void *arg,
                           vj_error *err)
{
    table_scan scan = {.budget = budget};
    vj_status rc = VJ_OK;

    VJ_GO(rc, open_scan(&scan, path, err));
    for (int32_t g = 0; g < vj_pq_meta_view(scan.file)->n_rowgroups; g++)
        VJ_GO(rc, scan_rowgroup(&scan, g, sink, arg, err));
out:
    close_scan(&scan);
    return rc;
}

typedef struct hash_sink {
    vj_content_hash hash;
    uint64_t *scratch;
} hash_sink;

static vj_status hash_slice(void *arg, const vj_batch *batch, vj_error *err)
{
    hash_sink *sink = arg;

    (void)err;
    vj_content_hash_add(&sink->hash, batch, sink->scratch);
    return VJ_OK;
}

static bool is_bytes(const vj_type *type)
{
    return type->kind == VJ_BINARY || type->kind == VJ_FIXED;
}

/* The same values to every reader: how a writer stores a decimal or bytes is its own affair. */
static bool keeps_type(const vj_type *want, const vj_type *found)
{
    if (want->logical == VJ_LOGICAL_DECIMAL && found->logical == VJ_LOGICAL_DECIMAL)
        return want->precision == found->precision && want->scale == found->scale;
    if (want->logical == VJ_LOGICAL_TIME || want->logical == VJ_LOGICAL_TIMESTAMP)
        return vj_type_eq(want, found);
    if (want->kind != found->kind)
        return is_bytes(want) && is_bytes(found);
    for (int32_t i = 0; i < want->n_kids && want->n_kids == found->n_kids; i++)
        if (!keeps_type(&want->kids[i].type, &found->kids[i].type))
            return false;
    return want->n_kids == found->n_kids;
}

/* DuckDB and Polars lack some types of Parquet; a column of another type is no answer (S-46). */
static vj_status check_types(const vj_external *ext, const vj_schema *found, vj_error *err)
{
    const vj_schema *want = &ext->plan->out_schema;
    char expected[96];
    char got[96];

    if (ext->plan->options.sql_file != NULL)
        return VJ_OK;
    for (int32_t f = 0; f < want->n_fields && want->n_fields == found->n_fields; f++) {
        const vj_type *type = &want->fields[f].type;

        if (type->logical == VJ_LOGICAL_NULL || keeps_type(type, &found->fields[f].type))
            continue;
        return vj_fail(err, VJ_E_UNSUPPORTED,
                       "column %s is %s and this engine makes %s of it; use --engine native, or "
                       "leave the column out with -c", want->fields[f].name,
                       vj_type_name(type, expected, sizeof expected),
                       vj_type_name(&found->fields[f].type, got, sizeof got));
    }
    if (want->n_fields == found->n_fields)
        return VJ_OK;
    return vj_fail(err, VJ_E_BUG, "the engine wrote %d columns, expected %d", found->n_fields,
                   want->n_fields);
}

static vj_status check_file(const vj_external *ext, vj_error *err)
{
    vj_pq_file *file = NULL;

    VJ_TRY(vj_pq_open_path(ext->out_path, NULL, &file, err));
    vj_status rc = check_types(ext, &vj_pq_meta_view(file)->schema, err);
    vj_pq_free(file);
    return rc;
}

static vj_status hash_file(vj_external *ext, vj_error *err)
{
    hash_sink sink = {.scratch = vj_alloc(NULL, SLICE_ROWS * sizeof(uint64_t), err)};

    if (sink.scratch == NULL)
        return VJ_E_NOMEM;
    vj_status rc = vj_external_scan(ext->out_path, NULL, hash_slice, &sink, err);
    vj_free(sink.scratch);
    ext->result->hash = sink.hash;
    ext->result->rows_out = sink.hash.n_rows;
    return rc;
}

/* ---- publishing ---- */

static vj_status publish_parquet(vj_external *ext, vj_outfile *out, vj_error *err)
{
    vj_arena arena;
    vj_pq_kv *kvs = NULL;
    int32_t n = 0;
    vj_source *source = NULL;
    vj_status rc = VJ_OK;

    vj_arena_init(&arena, NULL, 4096);
    VJ_GO(rc, vj_provenance_make(ext->plan, ext->result, &arena, &kvs, &n, err));
    VJ_GO(rc, vj_pq_footer_add_kvs(ext->out_path, kvs, n, err));
    VJ_GO(rc, vj_source_open(ext->out_path, &source, err));
    ext->result->bytes_out = vj_source_size(source);
    VJ_GO(rc, vj_outfile_finish(out, err));
out:
    vj_source_free(source);
    vj_arena_fini(&arena);
    return rc;
}

typedef struct tsv_target {
    vj_sink *sink;
    vj_result *result;
} tsv_target;

static vj_status write_slice(void *arg, const vj_batch *batch, vj_error *err)
{
    tsv_target *target = arg;
    vj_out_batch rows = {.batch = *batch};

    return vj_sink_append(target->sink, &rows, target->result, err);
}

static vj_status publish_tsv(vj_external *ext, vj_error *err)
{
    tsv_target target = {NULL, ext->result};
    vj_status rc = VJ_OK;

    VJ_GO(rc, vj_sink_open(ext->plan, &target.sink, err));
    VJ_GO(rc, vj_external_scan(ext->out_path, NULL, write_slice, &target, err));
    VJ_GO(rc, vj_sink_finish(target.sink, ext->result, err));
out:
    vj_sink_free(target.sink);
    return rc;
}

/* Where the engine writes: the output's own temporary file, or one in our folder for TSV. */
static vj_status choose_out_path(vj_external *ext, vj_outfile **out, vj_error *err)
{
    const vj_plan *plan = ext->plan;

    if (plan->output_kind == VJ_TO_PARQUET) {
        VJ_TRY(vj_outfile_open(plan->options.output, out, err));
        const char *temp = vj_outfile_temp_path(*out);
        if (temp == NULL)
            return vj_fail(err, VJ_E_UNSUPPORTED, "this engine writes Parquet to files only; "
                           "give -o FILE");
        snprintf(ext->out_path, sizeof ext->out_path, "%s", temp);
        return VJ_OK;
    }
    if (plan->output_kind != VJ_TO_TSV && plan->output_kind != VJ_TO_TSV_GZ)
        return vj_fail(err, VJ_E_UNSUPPORTED, "this engine writes Parquet and TSV; VCF and BCF "
                       "need --engine native");
    snprintf(ext->out_path, sizeof ext->out_path, "%s/joined.parquet", ext->dir);
    return VJ_OK;
}

static vj_status make_dir(vj_external *ext, vj_error *err)
{
    const char *output = ext->plan->options.output;
    const char *slash = strrchr(output, '/');
    char parent[4096] = ".";

    if (slash != NULL)
        snprintf(parent, sizeof parent, "%.*s", slash == output ? 1 : (int)(slash - output),
                 output);
    if (ext->plan->options.temp_dir != NULL)
        snprintf(parent, sizeof parent, "%s", ext->plan->options.temp_dir);
    return vj_tempdir_make(parent, ".varjoin-run", &ext->dir, err);
}

vj_status vj_external_run(vj_plan *plan, vj_external_join join, vj_result *result,
                          vj_error *err)
{
    vj_external ext = {.plan = plan, .result = result};
    vj_outfile *out = NULL;
    vj_stage_mark mark;
    vj_usage before, after;
    vj_status rc = VJ_OK;

    VJ_GO(rc, make_dir(&ext, err));
    VJ_GO(rc, choose_out_path(&ext, &out, err));
    snprintf(ext.left_path, sizeof ext.left_path, "%s/sample.parquet", ext.dir);
    VJ_GO(rc, vj_keyed_open(&ext.keyed, plan, ext.left_path, err));
    VJ_GO(rc, vj_native_run_keyed(plan, &ext.keyed, result, err));
    VJ_GO(rc, vj_keyed_finish(&ext.keyed, err));
    for (int32_t d = 0; d < plan->n_dbs; d++)
        vj_keyed_mark_read(&ext.keyed, plan->dbs[d]);
    vj_left_release(plan->source);
    vj_mem_trim();
    mark = vj_stage_start(plan->track);
    vj_usage_now(&before);
    VJ_GO(rc, join(&ext, err));
    vj_usage_now(&after); /* of the worker, too, which has been waited for */
    vj_stage_stop(plan->track, VJ_STAGE_PAYLOAD, mark, result->rows_out,
                  VJ_MAX(after.read_bytes - before.read_bytes, 0));
    mark = vj_stage_start(plan->track);
    VJ_GO(rc, check_file(&ext, err));
    VJ_GO(rc, hash_file(&ext, err));
    VJ_GO(rc, out != NULL ? publish_parquet(&ext, out, err) : publish_tsv(&ext, err));
    VJ_GO(rc, vj_keyed_publish_bad_records(&ext.keyed, err));
    vj_stage_stop(plan->track, VJ_STAGE_WRITE, mark, result->rows_out, result->bytes_out);
out:
    vj_outfile_free(out);
    vj_keyed_fini(&ext.keyed);
    vj_tempdir_remove(ext.dir);
    return rc;
}
