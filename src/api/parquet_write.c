/* parquet_write.c - an Arrow C Stream, ours or anybody's, to a Parquet file. */
#include "varjoin/stream.h"

#include <errno.h>

#include "api/arrow.h"
#include "parquet/parquet.h"

typedef struct write_run {
    struct ArrowArrayStream *stream;
    struct ArrowSchema arrow;
    vj_arena arena;
    vj_budget budget;
    vj_schema schema;
    vj_colb *builders;
    vj_col *views;
    vj_outfile *file;
    vj_pq_writer *writer;
} write_run;

static void write_run_fini(write_run *run)
{
    vj_pq_writer_free(run->writer);
    vj_outfile_free(run->file);
    for (int32_t i = 0; run->builders != NULL && i < run->schema.n_fields; i++)
        vj_colb_fini(&run->builders[i]);
    vj_free(run->builders);
    vj_free(run->views);
    vj_arena_fini(&run->arena);
    if (run->arrow.release != NULL)
        run->arrow.release(&run->arrow);
    if (run->stream->release != NULL)
        run->stream->release(run->stream);
}

static vj_status stream_error(write_run *run, int code, const char *what, vj_error *err)
{
    const char *text = run->stream->get_last_error(run->stream);

    return vj_fail(err, code == ENOMEM ? VJ_E_NOMEM : VJ_E_IO,
                   "the Arrow stream gave no %s: %s (errno %d)", what,
                   text != NULL ? text : "no reason given", code);
}

static vj_status open_run(write_run *run, const char *path, const vj_parquet_write_options *o,
                          vj_error *err)
{
    vj_pq_writer_options how = {.codec = VJ_PQ_ZSTD, .compat = o->compat != 0,
                                .rows_per_rowgroup = o->rows_per_rowgroup};
    int code = run->stream->get_schema(run->stream, &run->arrow);

    if (code != 0)
        return stream_error(run, code, "schema", err);
    VJ_TRY(vj_arrow_schema_import(&run->arrow, &run->arena, &run->schema, err));
    if (o->compression != NULL)
        VJ_TRY(vj_pq_codec_parse(o->compression, &how.codec, &how.level, err));
    size_t n = (size_t)VJ_MAX(run->schema.n_fields, 1);
    run->builders = vj_calloc(&run->budget, n, sizeof *run->builders, err);
    run->views = vj_calloc(&run->budget, n, sizeof *run->views, err);
    if (run->builders == NULL || run->views == NULL)
        return VJ_E_NOMEM;
    for (int32_t i = 0; i < run->schema.n_fields; i++)
        VJ_TRY(vj_colb_init(&run->builders[i], &run->schema.fields[i].type, &run->budget, err));
    VJ_TRY(vj_outfile_open(path, &run->file, err));
    return vj_pq_writer_new(run->file, &run->schema, &how, &run->budget, &run->writer, err);
}

static vj_status write_batch(write_run *run, const struct ArrowArray *array, vj_error *err)
{
    for (int32_t i = 0; i < run->schema.n_fields; i++)
        vj_colb_reset(&run->builders[i]);
    VJ_TRY(vj_arrow_batch_import(&run->arrow, array, run->builders, &run->budget, err));
    for (int32_t i = 0; i < run->schema.n_fields; i++)
        run->views[i] = vj_colb_view(&run->builders[i]);
    vj_batch rows = {&run->schema, array->length, run->views};
    return vj_pq_writer_append(run->writer, &rows, err);
}

static vj_status write_batches(write_run *run, vj_error *err)
{
    for (;;) {
        struct ArrowArray array = {0};
        int code = run->stream->get_next(run->stream, &array);

        if (code != 0)
            return stream_error(run, code, "batch", err);
        if (array.release == NULL)
            return VJ_OK;
        vj_status rc = write_batch(run, &array, err);
        array.release(&array);
        if (rc != VJ_OK)
            return rc;
    }
}

vj_status vj_parquet_write(struct ArrowArrayStream *stream, const char *path,
                           const vj_parquet_write_options *options, vj_error *err)
{
    vj_parquet_write_options o = VJ_PARQUET_WRITE_OPTIONS_INIT;
    write_run run = {.stream = stream};
    vj_status rc = VJ_OK;

    if (options != NULL)
        memcpy(&o, options, VJ_MIN(options->struct_size, sizeof o));
    vj_budget_init(&run.budget, o.memory_bytes);
    vj_arena_init(&run.arena, &run.budget, 0);
    VJ_GO(rc, open_run(&run, path, &o, err));
    VJ_GO(rc, write_batches(&run, err));
    VJ_GO(rc, vj_pq_writer_finish(run.writer, err));
    VJ_GO(rc, vj_outfile_finish(run.file, err));
out:
    write_run_fini(&run);
    return rc == VJ_OK ? rc : vj_wrap(err, rc, "writing %s", path);
}
