/*
 * read_columns - the sum of a whole-number column of a Parquet file.
 *
 *   read_columns FILE.parquet COLUMN
 */
#include <stdio.h>
#include <string.h>

#include <varjoin/stream.h>

static int valid_at(const struct ArrowArray *column, int64_t i)
{
    const uint8_t *valid = column->buffers[0];

    return valid == NULL || (valid[i / 8] >> (i % 8) & 1);
}

/* Arrow's formats: i int32, I uint32, l int64. */
static int64_t value_at(const struct ArrowArray *column, char format, int64_t i)
{
    const void *data = column->buffers[1];

    return format == 'i'   ? ((const int32_t *)data)[i]
           : format == 'I' ? ((const uint32_t *)data)[i]
                           : ((const int64_t *)data)[i];
}

static int sum_column(struct ArrowArrayStream *stream, const struct ArrowSchema *schema,
                      const char *name)
{
    struct ArrowArray batch;
    int64_t at = 0, sum = 0, n = 0;

    while (at < schema->n_children && strcmp(schema->children[at]->name, name) != 0)
        at++;
    if (at == schema->n_children || strchr("iIl", schema->children[at]->format[0]) == NULL) {
        fprintf(stderr, "there is no column %s of whole numbers\n", name);
        return 1;
    }
    for (;;) {
        if (stream->get_next(stream, &batch) != 0) {
            fprintf(stderr, "%s\n", stream->get_last_error(stream));
            return 2;
        }
        if (batch.release == NULL)
            break;
        const struct ArrowArray *column = batch.children[at];
        for (int64_t i = 0; i < batch.length; i++)
            if (valid_at(column, i)) {
                sum += value_at(column, schema->children[at]->format[0], i);
                n++;
            }
        batch.release(&batch);
    }
    printf("%lld values, sum %lld\n", (long long)n, (long long)sum);
    return 0;
}

int main(int argc, char **argv)
{
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    vj_error err = {0};

    if (argc != 3) {
        fprintf(stderr, "usage: read_columns FILE COLUMN\n");
        return 1;
    }
    if (vj_parquet_stream(argv[1], 64000000, &stream, &err) != VJ_OK) {
        fprintf(stderr, "%s\n", err.text);
        return vj_status_exit_code(err.code);
    }
    int code = 2;
    if (stream.get_schema(&stream, &schema) == 0) {
        code = sum_column(&stream, &schema, argv[2]);
        schema.release(&schema);
    }
    stream.release(&stream);
    return code;
}
