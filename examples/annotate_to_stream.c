/*
 * annotate_to_stream - join a VCF with a database and count annotated rows while they are made.
 *
 *   annotate_to_stream SAMPLE.vcf.gz DATABASE COLUMN
 *
 * No file is written: the rows come as Arrow batches that any Arrow library takes as they are.
 */
#include <stdio.h>
#include <string.h>

#include <varjoin/stream.h>

/* The child of a struct schema with this name, or -1. */
static int64_t find_column(const struct ArrowSchema *schema, const char *name)
{
    for (int64_t i = 0; i < schema->n_children; i++)
        if (strcmp(schema->children[i]->name, name) == 0)
            return i;
    return -1;
}

static int count_rows(struct ArrowArrayStream *stream, const char *column)
{
    struct ArrowSchema schema;
    struct ArrowArray batch;
    int64_t n_rows = 0, n_values = 0;

    if (stream->get_schema(stream, &schema) != 0)
        return -1;
    int64_t at = find_column(&schema, column);
    schema.release(&schema);
    if (at < 0) {
        fprintf(stderr, "there is no column %s\n", column);
        return 1;
    }
    for (;;) {
        if (stream->get_next(stream, &batch) != 0)
            return -1;
        if (batch.release == NULL)
            break;
        n_rows += batch.length;
        n_values += batch.length - batch.children[at]->null_count;
        batch.release(&batch);
    }
    printf("%lld rows, %lld with %s\n", (long long)n_rows, (long long)n_values, column);
    return 0;
}

int main(int argc, char **argv)
{
    vj_job_options options = VJ_JOB_OPTIONS_INIT;
    struct ArrowArrayStream stream;
    vj_error err = {0};

    if (argc != 4) {
        fprintf(stderr, "usage: annotate_to_stream SAMPLE DATABASE COLUMN\n");
        return 1;
    }
    vj_job_database database = {.name = "db", .path = argv[2]};
    options.input = argv[1];
    options.databases = &database;
    options.n_databases = 1;
    if (vj_annotate_stream(&options, &stream, &err) != VJ_OK) {
        fprintf(stderr, "%s\n", err.text);
        return vj_status_exit_code(err.code);
    }
    int code = count_rows(&stream, argv[3]);
    if (code < 0)
        fprintf(stderr, "%s\n", stream.get_last_error(&stream));
    stream.release(&stream);
    return code < 0 ? 2 : code;
}
