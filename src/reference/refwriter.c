#include "reference/refwriter.h"

#include <stdio.h>

#include "built/rowscan.h"
#include "built/tiers.h"

#define SLICE_ROWS 8192
#define ROWS_PER_ROWGROUP ((int64_t)1 << 20)
/* Columns that hardly ever change have pages as large as they get: a header costs 30 bytes. */
#define ROWS_PER_SPARSE_PAGE ((int64_t)1 << 20)
/* In the rare tier pages are read for a row or two: a KiB of codes, two of numbers. */
#define ROWS_PER_RARE_PAGE 512
/* Row groups of the file where common rows wait: small, they are held in memory. */
#define ROWS_PER_WAITING_GROUP 65536

struct vj_refwriter {
    vj_refsort_options options;
    vj_budget *budget;
    vj_outfile *out; /* the open file */
    vj_pq_writer *writer;
    const vj_built *built; /* NULL: plain, or not planned yet */
    vj_built *own;         /* the same, when it was planned here */
    vj_built_encoder *encoder;
    vj_buf layout;         /* as JSON */
    vj_pq_field_options *fields;      /* of the physical columns */
    vj_pq_field_options *rare_fields; /* the same in the rare tier */
    vj_tier_split *split;        /* with tiers, while a file is open */
    vj_outfile *common_out;      /* common rows of the open file */
    vj_pq_writer *common_writer;
    vj_tiers tiers;              /* of the open file */
    vj_buf frequent;
};

vj_status vj_refwriter_new(const vj_refsort_options *options, vj_budget *budget,
                           vj_refwriter **out, vj_error *err)
{
    vj_refwriter *w = vj_zalloc(budget, sizeof *w, err);

    *out = w;
    if (w == NULL)
        return VJ_E_NOMEM;
    w->options = *options;
    w->budget = budget;
    w->frequent.budget = w->layout.budget = budget;
    w->built = options->built;
    return VJ_OK;
}

void vj_refwriter_free(vj_refwriter *w)
{
    if (w == NULL)
        return;
    vj_pq_writer_free(w->writer);
    vj_outfile_free(w->out);
    vj_pq_writer_free(w->common_writer);
    vj_outfile_free(w->common_out);
    vj_tier_split_free(w->split);
    vj_built_encoder_free(w->encoder);
    vj_built_free(w->own);
    vj_buf_fini(&w->frequent);
    vj_buf_fini(&w->layout);
    vj_free(w->rare_fields);
    vj_free(w->fields);
    vj_free(w);
}

const vj_built *vj_refwriter_built(const vj_refwriter *w)
{
    return w->built;
}

bool vj_refwriter_is_open(const vj_refwriter *w)
{
    return w->writer != NULL;
}

/* ---- layout ---- */

/*
 * What no encoding makes small: there a codec may be worth its time (the writer keeps it where it
 * saves a tenth). Numbers, codes and keys are read without one.
 */
static bool is_free(const vj_type *type)
{
    return type->kind >= VJ_F32;
}

/* Columns that every match reads; the others are null or alike in most of the rare rows. */
static bool is_read_by_row(const vj_built_column *c)
{
    return c->how == VJ_BUILT_REF || c->how == VJ_BUILT_PREFIXED || c->how == VJ_BUILT_PACKED;
}

static vj_status set_rare_options(vj_refwriter *w, vj_error *err)
{
    const vj_built *b = w->built;
    size_t n = (size_t)b->physical.n_fields;

    w->rare_fields = vj_calloc(w->budget, n, sizeof *w->rare_fields, err);
    if (w->rare_fields == NULL)
        return VJ_E_NOMEM;
    memcpy(w->rare_fields, w->fields, n * sizeof *w->fields);
    for (int32_t i = 0; w->options.rows_per_page == 0 && i < b->schema.n_fields; i++)
        if (is_read_by_row(&b->columns[i]))
            w->rare_fields[b->columns[i].physical_i].rows_per_page = ROWS_PER_RARE_PAGE;
    return VJ_OK;
}

static vj_status set_field_options(vj_refwriter *w, vj_error *err)
{
    const vj_built *b = w->built;
    int32_t n = b->physical.n_fields;

    w->fields = vj_calloc(w->budget, (size_t)n, sizeof *w->fields, err);
    if (w->fields == NULL)
        return VJ_E_NOMEM;
    for (int32_t i = 0; i < n; i++)
        w->fields[i].no_codec =
            w->options.codec_on_free &&
            !(w->options.codec_on_text && b->physical.fields[i].type.kind == VJ_TEXT);
    for (int32_t i = 0; i < b->schema.n_fields; i++)
        if (b->columns[i].how == VJ_BUILT_COLUMN && is_free(&b->schema.fields[i].type))
            w->fields[b->columns[i].physical_i].no_codec = false;
    for (int32_t i = 0; i < b->schema.n_fields; i++)
        if (b->columns[i].side_i >= 0)
            w->fields[b->columns[i].side_i].rows_per_page = ROWS_PER_SPARSE_PAGE;
    w->fields[b->columns[w->options.chrom_i].physical_i].rows_per_page = ROWS_PER_SPARSE_PAGE;
    return w->options.tier_i >= 0 ? set_rare_options(w, err) : VJ_OK;
}

vj_status vj_refwriter_plan(vj_refwriter *w, const vj_batch *rows, vj_error *err)
{
    if (w->options.tuned == NULL || w->encoder != NULL || rows->n_rows == 0)
        return VJ_OK;
    if (w->built == NULL) {
        VJ_TRY(vj_built_plan(rows, w->options.tuned, w->budget, &w->own, err));
        w->built = w->own;
    }
    VJ_TRY(set_field_options(w, err));
    w->layout.budget = w->budget;
    VJ_TRY(vj_built_write(w->built, &w->layout, err));
    return vj_built_encoder_new(w->built, w->budget, &w->encoder, err);
}

/* ---- tiers ---- */

static void common_path(const vj_refwriter *w, char *dst, size_t cap)
{
    snprintf(dst, cap, "%s.common", vj_outfile_name(w->out));
}

static vj_status take_tier(void *ctx, bool common, const vj_batch *rows, vj_error *err)
{
    vj_refwriter *w = ctx;
    vj_pq_writer_options options = {.codec = VJ_PQ_NONE,
                                    .rows_per_rowgroup = ROWS_PER_WAITING_GROUP};
    char path[4096];

    if (!common) {
        w->tiers.n_rare_rows += rows->n_rows;
        return vj_pq_writer_append(w->writer, rows, err);
    }
    if (w->common_writer == NULL) {
        common_path(w, path, sizeof path);
        VJ_TRY(vj_outfile_open(path, &w->common_out, err));
        VJ_TRY(vj_pq_writer_new(w->common_out, rows->schema, &options, w->budget,
                                &w->common_writer, err));
    }
    w->tiers.n_common_rows += rows->n_rows;
    return vj_pq_writer_append(w->common_writer, rows, err);
}

static vj_status begin_tiers(vj_refwriter *w, const vj_schema *physical, vj_error *err)
{
    w->tiers = (vj_tiers){.threshold = w->options.tier_from};
    return vj_tier_split_new(physical, take_tier, w, w->budget, &w->split, err);
}

/* Rows to the tiers of the open file; physical are the same rows as they are stored. */
static vj_status split_rows(vj_refwriter *w, const vj_batch *rows, const vj_batch *physical,
                            vj_error *err)
{
    vj_buf_reset(&w->frequent);
    VJ_TRY(vj_buf_reserve(&w->frequent, (size_t)rows->n_rows, err));
    vj_tiers_flag(&rows->cols[w->options.tier_i], rows->n_rows, w->options.tier_from,
                  w->frequent.ptr);
    return vj_tier_split_append(w->split, physical, &rows->cols[w->options.start_i],
                                w->frequent.ptr, err);
}

static vj_status copy_rows(vj_refwriter *w, const vj_pq_file *file, vj_error *err)
{
    const vj_pq_meta *meta = vj_pq_meta_view(file);
    vj_rowscan scan = {0};
    vj_status rc = vj_rowscan_init(&scan, &meta->schema, w->budget, err);

    for (int32_t g = 0; rc == VJ_OK && g < meta->n_rowgroups; g++) {
        vj_rowscan_seek(&scan, file, NULL, NULL, g, 0);
        for (;;) {
            vj_batch rows;

            VJ_GO(rc, vj_stop_check(w->options.stop, err));
            VJ_GO(rc, vj_rowscan_next(&scan, SLICE_ROWS, &rows, err));
            if (rows.n_rows == 0)
                break;
            VJ_GO(rc, vj_pq_writer_append(w->writer, &rows, err));
        }
    }
out:
    vj_rowscan_fini(&scan);
    return rc;
}

/* The rows that waited, behind the others. */
static vj_status append_common(vj_refwriter *w, vj_error *err)
{
    vj_pq_file *file = NULL;
    vj_status rc = VJ_OK;
    char path[4096];

    common_path(w, path, sizeof path);
    VJ_GO(rc, vj_pq_writer_finish(w->common_writer, err));
    VJ_GO(rc, vj_outfile_finish(w->common_out, err));
    VJ_GO(rc, vj_pq_open_path(path, w->budget, &file, err));
    VJ_GO(rc, copy_rows(w, file, err));
    vj_path_remove(path);
out:
    vj_pq_free(file);
    vj_pq_writer_free(w->common_writer);
    w->common_writer = NULL;
    vj_outfile_free(w->common_out);
    w->common_out = NULL;
    return rc;
}

static vj_status end_tiers(vj_refwriter *w, vj_error *err)
{
    const char *column = w->options.schema->fields[w->options.tier_i].name;
    vj_buf text = {.budget = w->budget};
    vj_status rc = vj_tier_split_end(w->split, err);

    if (rc == VJ_OK)
        rc = vj_pq_writer_end_group(w->writer, err);
    vj_tier_split_free(w->split);
    w->split = NULL;
    VJ_TRY(rc);
    w->tiers.n_rare_groups = vj_pq_writer_rowgroups(w->writer);
    VJ_TRY(vj_pq_writer_set_pages(w->writer, w->fields, err));
    if (w->common_writer != NULL)
        VJ_TRY(append_common(w, err));
    rc = vj_tiers_write(&w->tiers, column, &text, err);
    if (rc == VJ_OK)
        rc = vj_pq_writer_kv(w->writer, VJ_TIERS_KEY, (const char *)text.ptr, err);
    vj_buf_fini(&text);
    return rc;
}

/* ---- files ---- */

static vj_status write_kvs(vj_refwriter *w, vj_error *err)
{
    for (int32_t i = 0; i < w->options.n_kvs; i++)
        VJ_TRY(vj_pq_writer_kv(w->writer, w->options.kvs[i].key, w->options.kvs[i].value,
                               err));
    if (w->built == NULL)
        return VJ_OK;
    return vj_pq_writer_kv(w->writer, VJ_BUILT_KEY, (const char *)w->layout.ptr, err);
}

vj_status vj_refwriter_open(vj_refwriter *w, const char *path, vj_error *err)
{
    int32_t sorting[] = {w->options.start_i, w->options.ref_i, w->options.alt_i};
    vj_pq_writer_options options = {
        .codec = w->options.codec,
        .level = w->options.level,
        .rows_per_page = w->options.rows_per_page,
        .rows_per_rowgroup = ROWS_PER_ROWGROUP,
        .fields = w->fields,
        .sorting_fields = sorting,
        .n_sorting_fields = w->options.by_start || w->built != NULL ? 1 : 3,
        .created_by = w->options.no_version ? "varjoin" : NULL,
    };
    const vj_schema *schema = w->options.schema;

    if (w->built != NULL) {
        schema = &w->built->physical;
        sorting[0] = w->built->columns[w->built->start_i].physical_i;
    }
    VJ_TRY(vj_outfile_open(path, &w->out, err));
    if (w->rare_fields != NULL)
        options.fields = w->rare_fields;
    VJ_TRY(vj_pq_writer_new(w->out, schema, &options, w->budget, &w->writer, err));
    if (w->options.tier_i >= 0)
        VJ_TRY(begin_tiers(w, schema, err));
    return write_kvs(w, err);
}

vj_status vj_refwriter_append(vj_refwriter *w, const vj_batch *rows, vj_error *err)
{
    vj_batch physical = *rows;

    if (w->built != NULL)
        VJ_TRY(vj_built_encode(w->encoder, rows, &physical, err));
    return w->split != NULL ? split_rows(w, rows, &physical, err)
                               : vj_pq_writer_append(w->writer, &physical, err);
}

vj_status vj_refwriter_close(vj_refwriter *w, int64_t *out_bytes, vj_error *err)
{
    vj_status rc = VJ_OK;

    if (w->writer == NULL)
        return VJ_OK;
    if (w->split != NULL)
        VJ_GO(rc, end_tiers(w, err));
    VJ_GO(rc, vj_pq_writer_finish(w->writer, err));
    *out_bytes = vj_outfile_offset(w->out);
    VJ_GO(rc, vj_outfile_finish(w->out, err));
out:
    vj_pq_writer_free(w->writer);
    w->writer = NULL;
    vj_outfile_free(w->out);
    w->out = NULL;
    return rc;
}

/* ---- the view ---- */

vj_status vj_refwriter_view(const vj_built *built, const char *dir, vj_budget *budget,
                            vj_error *err)
{
    vj_outfile *out = NULL;
    vj_buf sql = {.budget = budget};
    char path[4096];
    vj_status rc = VJ_OK;

    VJ_GO(rc, vj_buf_append_text(
                  &sql, "-- The database under its own names and types, for DuckDB.\n"
                        "-- In this folder: duckdb -init view.sql; elsewhere: replace the path, or "
                        "use `varjoin catalog`.\n"
                        "CREATE OR REPLACE VIEW reference AS SELECT\n  ", err));
    if (built == NULL)
        VJ_GO(rc, vj_buf_append_text(&sql, "*", err));
    else
        VJ_GO(rc, vj_built_sql(built, &sql, err));
    VJ_GO(rc, vj_buf_append_text(&sql, "\nFROM read_parquet('*.parquet', union_by_name = true, "
                                       "hive_partitioning = false);\n", err));
    snprintf(path, sizeof path, "%s/view.sql", dir);
    VJ_GO(rc, vj_outfile_open(path, &out, err));
    VJ_GO(rc, vj_outfile_write(out, sql.ptr, sql.len_bytes, err));
    VJ_GO(rc, vj_outfile_finish(out, err));
out:
    vj_outfile_free(out);
    vj_buf_fini(&sql);
    return rc;
}
