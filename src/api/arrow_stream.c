/*
 * arrow_stream.c - a Parquet file as an Arrow C Stream.
 *
 * Columns are decoded straight into builders that the exported batch takes along. The file and
 * the budget are shared by the stream and its batches and go with the last of them.
 */
#include "varjoin/stream.h"

#include "api/arrow.h"
#include "built/built.h"

#include <errno.h>

#define MAX_BATCH_ROWS 65536
#define MIN_BATCH_ROWS 1024
#define BATCH_BYTES (INT64_C(32) << 20) /* aimed at, by the row group's mean */

typedef struct shared_file {
    _Atomic int64_t n_refs;
    vj_budget budget;
    vj_pq_file *file;
    vj_built *built;         /* NULL: columns are what they seem */
    const vj_schema *schema; /* what they mean */
} shared_file;

typedef struct parquet_stream {
    shared_file *shared;
    vj_pq_cursor **cursors; /* one per top-level field; of files without a layout */
    vj_built_reader *reader; /* of files with one */
    int32_t *rows;           /* those of a batch */
    int64_t next_row;
    vj_colb *builders;
    int32_t n_fields;
    int32_t rowgroup_i; /* the next to be opened */
    int64_t rows_left;  /* in the one that is open */
    int64_t batch_rows;
    vj_error err; /* code VJ_OK: none so far */
} parquet_stream;

static void let_go(void *arg)
{
    shared_file *shared = arg;

    if (atomic_fetch_sub(&shared->n_refs, 1) != 1)
        return;
    vj_built_free(shared->built);
    vj_pq_free(shared->file);
    vj_free(shared);
}

static void free_stream(parquet_stream *stream)
{
    for (int32_t i = 0; i < stream->n_fields; i++) {
        if (stream->cursors != NULL)
            vj_pq_cursor_free(stream->cursors[i]);
        if (stream->builders != NULL)
            vj_colb_fini(&stream->builders[i]);
    }
    vj_free(stream->cursors);
    vj_free(stream->builders);
    vj_free(stream->rows);
    vj_built_reader_free(stream->reader);
    let_go(stream->shared);
    vj_free(stream);
}

static int64_t rows_per_batch(const vj_pq_rowgroup *group)
{
    int64_t row_bytes = VJ_MAX(group->uncompressed_bytes / VJ_MAX(group->n_rows, 1), 1);

    return VJ_MIN(VJ_MAX(BATCH_BYTES / row_bytes, MIN_BATCH_ROWS), MAX_BATCH_ROWS);
}

static vj_status open_rowgroup(parquet_stream *stream, vj_error *err)
{
    shared_file *shared = stream->shared;
    vj_pq_rowgroup group = vj_pq_rowgroup_view(shared->file, stream->rowgroup_i);

    for (int32_t i = 0; shared->built == NULL && i < stream->n_fields; i++) {
        if (stream->cursors[i] == NULL)
            VJ_TRY(vj_pq_cursor_open(shared->file, stream->rowgroup_i, i, &shared->budget,
                                     &stream->cursors[i], err));
        else
            VJ_TRY(vj_pq_cursor_rewind(stream->cursors[i], shared->file, stream->rowgroup_i, err));
    }
    stream->rows_left = group.n_rows;
    stream->next_row = 0;
    stream->batch_rows = rows_per_batch(&group);
    stream->rowgroup_i++;
    return VJ_OK;
}

static vj_status decode_field(parquet_stream *stream, int32_t field_i, int64_t n_rows,
                              vj_error *err)
{
    const vj_pq_meta *meta = vj_pq_meta_view(stream->shared->file);
    const vj_field *field = &meta->schema.fields[field_i];
    vj_colb *builder = &stream->builders[field_i];

    VJ_TRY(vj_colb_init(builder, &field->type, &stream->shared->budget, err));
    while (builder->n_rows < n_rows) {
        const vj_col *col = NULL;

        VJ_TRY(vj_pq_cursor_next(stream->cursors[field_i], n_rows - builder->n_rows, &col, err));
        if (col == NULL)
            return vj_fail(err, VJ_E_CORRUPT,
                           "%s: column %s ends %lld rows before its row group %d does",
                           meta->name, field->name, (long long)(n_rows - builder->n_rows),
                           stream->rowgroup_i - 1);
        VJ_TRY(vj_colb_append(builder, col, 0, col->n_rows, err));
    }
    return VJ_OK;
}

/* Rows of a file with a layout: the reader stands at the batch's rows. */
static vj_status stand_at_batch(parquet_stream *stream, int64_t n_rows, vj_error *err)
{
    shared_file *shared = stream->shared;

    if (stream->rows == NULL &&
        (stream->rows = vj_calloc(NULL, MAX_BATCH_ROWS, sizeof *stream->rows, err)) == NULL)
        return VJ_E_NOMEM;
    for (int64_t i = 0; i < n_rows; i++)
        stream->rows[i] = (int32_t)(stream->next_row + i);
    stream->next_row += n_rows;
    return vj_built_reader_rows(stream->reader, shared->file, shared->built,
                                stream->rowgroup_i - 1, stream->rows, n_rows, err);
}

static vj_status decode_meaning(parquet_stream *stream, int32_t field_i, vj_error *err)
{
    vj_colb *builder = &stream->builders[field_i];

    VJ_TRY(vj_colb_init(builder, &stream->shared->schema->fields[field_i].type,
                        &stream->shared->budget, err));
    return vj_built_reader_column(stream->reader, field_i, builder, err);
}

static vj_status next_batch(parquet_stream *stream, struct ArrowArray *out, vj_error *err)
{
    shared_file *shared = stream->shared;

    while (stream->rows_left == 0) {
        if (stream->rowgroup_i == vj_pq_meta_view(shared->file)->n_rowgroups)
            return VJ_OK;
        VJ_TRY(open_rowgroup(stream, err));
    }
    int64_t n_rows = VJ_MIN(stream->rows_left, stream->batch_rows);
    if (shared->built != NULL)
        VJ_TRY(stand_at_batch(stream, n_rows, err));
    for (int32_t i = 0; i < stream->n_fields; i++)
        VJ_TRY(shared->built != NULL ? decode_meaning(stream, i, err)
                                     : decode_field(stream, i, n_rows, err));
    stream->rows_left -= n_rows;
    atomic_fetch_add(&shared->n_refs, 1);
    return vj_arrow_batch_export(stream->builders, stream->n_fields, n_rows,
                                 (vj_arrow_owner){let_go, shared}, &shared->budget, out, err);
}

/* ---- the callbacks ---- */

int vj_arrow_errno(vj_status code)
{
    switch (code) {
    case VJ_OK:
        return 0;
    case VJ_E_NOMEM:
        return ENOMEM;
    case VJ_E_CANCELLED:
        return ECANCELED;
    case VJ_E_UNSUPPORTED:
        return ENOTSUP;
    default:
        return EIO;
    }
}

static int get_schema(struct ArrowArrayStream *self, struct ArrowSchema *out)
{
    parquet_stream *stream = self->private_data;
    vj_error err = {0};
    vj_status rc =
        vj_arrow_schema_export(stream->shared->schema, out, &err);

    if (rc != VJ_OK)
        stream->err = err;
    return vj_arrow_errno(rc);
}

static int get_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
    parquet_stream *stream = self->private_data;

    *out = (struct ArrowArray){0};
    if (stream->err.code == VJ_OK && next_batch(stream, out, &stream->err) != VJ_OK)
        for (int32_t i = 0; i < stream->n_fields; i++)
            vj_colb_fini(&stream->builders[i]);
    return vj_arrow_errno(stream->err.code);
}

static const char *get_last_error(struct ArrowArrayStream *self)
{
    parquet_stream *stream = self->private_data;

    return stream->err.code == VJ_OK ? NULL : stream->err.text;
}

static void release(struct ArrowArrayStream *self)
{
    free_stream(self->private_data);
    *self = (struct ArrowArrayStream){0};
}

/* Memory of the stream itself is outside its budget: the budget lives in it. */
static vj_status make_stream(const char *path, const vj_parquet_read_options *options,
                             parquet_stream **out, vj_error *err)
{
    vj_status rc = VJ_E_NOMEM;
    parquet_stream *stream = vj_zalloc(NULL, sizeof *stream, err);
    shared_file *shared = vj_zalloc(NULL, sizeof *shared, err);

    if (stream == NULL || shared == NULL) {
        vj_free(stream);
        vj_free(shared);
        return rc;
    }
    vj_budget_init(&shared->budget, options->memory_bytes);
    shared->n_refs = 1;
    stream->shared = shared;
    VJ_GO(rc, vj_pq_open_path(path, &shared->budget, &shared->file, err));
    if (options->ignore_checksums)
        vj_pq_ignore_checksums(shared->file);
    VJ_GO(rc, vj_built_read(shared->file, &shared->budget, &shared->built, err));
    shared->schema = shared->built != NULL ? &shared->built->schema
                                           : &vj_pq_meta_view(shared->file)->schema;
    VJ_GO(rc, vj_built_reader_new(NULL, NULL, &shared->budget, &stream->reader, err));
    rc = VJ_E_NOMEM;
    stream->n_fields = shared->schema->n_fields;
    stream->cursors = vj_calloc(NULL, (size_t)stream->n_fields, sizeof *stream->cursors, err);
    stream->builders = vj_calloc(NULL, (size_t)stream->n_fields, sizeof *stream->builders, err);
    if (stream->cursors == NULL || stream->builders == NULL)
        goto out;
    *out = stream;
    return VJ_OK;
out:
    free_stream(stream);
    return rc;
}

vj_status vj_parquet_stream(const char *path, int64_t memory_bytes, struct ArrowArrayStream *out,
                            vj_error *err)
{
    vj_parquet_read_options options = VJ_PARQUET_READ_OPTIONS_INIT;

    options.memory_bytes = memory_bytes;
    return vj_parquet_stream_open(path, &options, out, err);
}

vj_status vj_parquet_stream_open(const char *path, const vj_parquet_read_options *options,
                                 struct ArrowArrayStream *out, vj_error *err)
{
    vj_parquet_read_options known = VJ_PARQUET_READ_OPTIONS_INIT;
    parquet_stream *stream = NULL;

    *out = (struct ArrowArrayStream){0};
    if (options != NULL)
        memcpy(&known, options, VJ_MIN(options->struct_size, sizeof known));
    if (known.memory_bytes < 0)
        return vj_fail(err, VJ_E_USAGE, "a stream's memory of %lld bytes",
                       (long long)known.memory_bytes);
    VJ_TRY(make_stream(path, &known, &stream, err));
    *out = (struct ArrowArrayStream){get_schema, get_next, get_last_error, release, stream};
    return VJ_OK;
}
