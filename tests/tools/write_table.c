/*
 * write_table TABLE ROWS SEED OUT.parquet [key=value ...] - write a made-up table as Parquet, for
 * other readers to open.
 *
 *   codec=zstd:3 compat=1 page=N group=N batch=N   as the writer's options; rows per batch
 *   rows=FILE     also write the rows as JSON lines: what a reader must find
 *   hash=1        record rows and content hash as outputs of varjoin do
 *   repeat=N      append the table N times and print nanoseconds per row
 */
#include <stdio.h>
#include <stdlib.h>

#include "parquet/parquet.h"
#include "support/tables.h"

typedef struct settings {
    vj_pq_writer_options writer;
    int64_t batch_rows;
    int64_t repeat;
    const char *rows_path;
    bool hash;
} settings;

static vj_status parse_option(const char *text, settings *out, vj_error *err)
{
    const char *value = strchr(text, '=');
    int64_t number = 0;

    if (value == NULL)
        return vj_fail(err, VJ_E_USAGE, "expected key=value, found %s", text);
    value++;
    (void)vj_parse_i64(vj_span_of(value), &number);
    if (strncmp(text, "codec=", 6) == 0)
        return vj_pq_codec_parse(value, &out->writer.codec, &out->writer.level, err);
    if (strncmp(text, "compat=", 7) == 0)
        out->writer.compat = number != 0;
    else if (strncmp(text, "page=", 5) == 0)
        out->writer.rows_per_page = number;
    else if (strncmp(text, "group=", 6) == 0)
        out->writer.rows_per_rowgroup = number;
    else if (strncmp(text, "batch=", 6) == 0)
        out->batch_rows = number;
    else if (strncmp(text, "repeat=", 7) == 0)
        out->repeat = number;
    else if (strncmp(text, "hash=", 5) == 0)
        out->hash = number != 0;
    else if (strncmp(text, "rows=", 5) == 0)
        out->rows_path = value;
    else
        return vj_fail(err, VJ_E_USAGE, "unknown option %s", text);
    return VJ_OK;
}

static vj_status write_rows(const test_table *table, const char *path, vj_error *err)
{
    vj_outfile *file = NULL;
    vj_buf text = {0};
    vj_status rc = vj_outfile_open(path, &file, err);

    for (int64_t i = 0; rc == VJ_OK && i < table->batch.n_rows; i++) {
        vj_buf_reset(&text);
        rc = test_table_row_json(table, i, &text, err);
        if (rc == VJ_OK)
            rc = vj_buf_push(&text, '\n', err);
        if (rc == VJ_OK)
            rc = vj_outfile_write(file, text.ptr, text.len_bytes, err);
    }
    if (rc == VJ_OK)
        rc = vj_outfile_finish(file, err);
    vj_outfile_free(file);
    vj_buf_fini(&text);
    return rc;
}

static vj_status append_table(vj_pq_writer *writer, const test_table *table, int64_t batch_rows,
                              vj_error *err)
{
    int64_t n = table->batch.n_rows;

    if (batch_rows <= 0 || batch_rows >= n)
        return vj_pq_writer_append(writer, &table->batch, err);
    for (int64_t beg = 0; beg < n; beg += batch_rows) {
        test_table part = {0};
        vj_status rc = test_table_slice(table, beg, VJ_MIN(batch_rows, n - beg), &part, err);

        if (rc == VJ_OK)
            rc = vj_pq_writer_append(writer, &part.batch, err);
        test_table_free(&part);
        VJ_TRY(rc);
    }
    return VJ_OK;
}

static vj_status record_hash(vj_pq_writer *writer, const test_table *table, vj_error *err)
{
    vj_content_hash hash = {0};
    char text[40];
    uint64_t *scratch = vj_calloc(NULL, (size_t)table->batch.n_rows + 1, sizeof *scratch, err);

    if (scratch == NULL)
        return VJ_E_NOMEM;
    vj_content_hash_add(&hash, &table->batch, scratch);
    vj_free(scratch);
    VJ_TRY(vj_pq_writer_kv(writer, "varjoin.content_hash", vj_content_hash_text(&hash, text), err));
    snprintf(text, sizeof text, "%lld", (long long)hash.n_rows);
    return vj_pq_writer_kv(writer, "varjoin.rows", text, err);
}

static vj_status write_file(const test_table *table, const char *path, const settings *options,
                            vj_error *err)
{
    vj_outfile *file = NULL;
    vj_pq_writer *writer = NULL;
    vj_budget budget;
    vj_status rc = VJ_OK;

    vj_budget_init(&budget, 0);
    VJ_GO(rc, vj_outfile_open(path, &file, err));
    VJ_GO(rc, vj_pq_writer_new(file, &table->schema, &options->writer, &budget, &writer, err));
    VJ_GO(rc, vj_pq_writer_kv(writer, "varjoin.test", "grün", err));
    if (options->hash)
        VJ_GO(rc, record_hash(writer, table, err));
    int64_t beg_ns = vj_clock_ns();
    for (int64_t i = 0; i < VJ_MAX(options->repeat, 1); i++)
        VJ_GO(rc, append_table(writer, table, options->batch_rows, err));
    VJ_GO(rc, vj_pq_writer_finish(writer, err));
    VJ_GO(rc, vj_outfile_finish(file, err));
    if (options->repeat > 0) {
        double rows = (double)(table->batch.n_rows * options->repeat);
        double ns = (double)(vj_clock_ns() - beg_ns);

        printf("%.1f ns/row, %.2f bytes/row, peak %.1f MB\n", ns / rows,
               (double)vj_outfile_offset(file) / rows,
               (double)atomic_load(&budget.peak_bytes) / 1e6);
    }
out:
    vj_pq_writer_free(writer);
    vj_outfile_free(file);
    return rc;
}

int main(int argc, char **argv)
{
    vj_error err = {0};
    test_table table = {0};
    settings options = {.writer.codec = VJ_PQ_ZSTD};
    vj_status rc = VJ_OK;

    if (argc < 5) {
        fputs("usage: write_table TABLE ROWS SEED OUT.parquet [key=value ...]\n", stderr);
        return 1;
    }
    for (int i = 5; i < argc && rc == VJ_OK; i++)
        rc = parse_option(argv[i], &options, &err);
    if (rc == VJ_OK)
        rc = test_table_make(argv[1], atoll(argv[2]), (uint64_t)atoll(argv[3]), &table, &err);
    if (rc == VJ_OK)
        rc = write_file(&table, argv[4], &options, &err);
    if (rc == VJ_OK && options.rows_path != NULL)
        rc = write_rows(&table, options.rows_path, &err);
    test_table_free(&table);
    if (rc != VJ_OK)
        fprintf(stderr, "write_table: %s\n", err.text);
    return vj_status_exit_code(rc);
}
