#include "support/vcf_case.h"

#include <stdio.h>
#include <stdlib.h>

static void put(char **to, const char *text, size_t len)
{
    size_t had = *to != NULL ? strlen(*to) : 0;
    char *grown = realloc(*to, had + len + 1);

    assert_non_null(grown);
    if (len > 0)
        memcpy(grown + had, text, len);
    grown[had + len] = '\0';
    *to = grown;
}

static void put_text(char **to, const char *text)
{
    put(to, text, strlen(text));
}

static void put_cell(char **to, const vj_col *col, int64_t row_i)
{
    char text[VJ_NUM_TEXT_BYTES];

    if (vj_col_is_null(col, row_i)) {
        put_text(to, ".");
        return;
    }
    switch (col->type->kind) {
    case VJ_TEXT:
        put(to, vj_col_bytes(col, row_i).ptr, vj_col_bytes(col, row_i).len_bytes);
        return;
    case VJ_BOOL:
        put_text(to, vj_bit_get(col->data, row_i) ? "true" : "false");
        return;
    case VJ_F32:
        vj_format_f32(text, (float)vj_col_f64(col, row_i));
        break;
    case VJ_F64:
        vj_format_f64(text, vj_col_f64(col, row_i));
        break;
    case VJ_LIST:
        put_text(to, "[");
        for (int32_t i = col->offs[row_i]; i < col->offs[row_i + 1]; i++) {
            put_text(to, i > col->offs[row_i] ? "," : "");
            put_cell(to, &col->kids[0], i);
        }
        put_text(to, "]");
        return;
    default:
        vj_format_i64(text, vj_col_i64(col, row_i));
        break;
    }
    put_text(to, text);
}

static bool wanted(const char *columns, const char *name)
{
    size_t n = strlen(name);

    if (columns == NULL)
        return true;
    for (const char *at = columns; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, n) == 0 && (at[n] == ',' || at[n] == '\0'))
            return true;
    }
    return false;
}

static void put_rows(vcf_case *c, const vj_vcf_rows *rows, const char *columns)
{
    for (int64_t i = 0; i < rows->n_rows; i++) {
        const char *gap = "";

        for (int32_t k = 0; k < rows->n_cols; k++) {
            if (!wanted(columns, rows->schema.fields[k].name))
                continue;
            put_text(&c->rows, gap);
            put_cell(&c->rows, &rows->cols[k], i);
            gap = " ";
        }
        put_text(&c->rows, "\n");
    }
    for (size_t i = 0; i < rows->keys.keys.n; i++) {
        const vj_key *key = &rows->keys.keys.ptr[i];
        vj_span contig = rows->keys.contig_names.ptr[key->contig];
        char text[512];

        snprintf(text, sizeof text, "%.*s:%lld:%.*s:%.*s%s ", (int)contig.len_bytes, contig.ptr,
                 (long long)key->pos1, (int)key->ref.len_bytes, key->ref.ptr,
                 (int)key->alt.len_bytes, key->alt.ptr, key->matchable ? "" : "!");
        put_text(&c->keys, text);
    }
    put(&c->bad_lines, (const char *)rows->bad_lines.ptr, rows->bad_lines.len_bytes);
}

static void put_columns(vcf_case *c, const vj_schema *schema)
{
    for (int32_t i = 0; i < schema->n_fields; i++) {
        char type[80];

        put_text(&c->columns, i > 0 ? " " : "");
        put_text(&c->columns, schema->fields[i].name);
        put_text(&c->columns, ":");
        put_text(&c->columns, vj_type_name(&schema->fields[i].type, type, sizeof type));
    }
}

static void keep_notes(vcf_case *c, const vj_vcf_reader *reader)
{
    const char *const *notes = NULL;

    c->n_notes = vj_vcf_notes_view(reader, &notes);
    for (int32_t i = 0; i < c->n_notes && i < (int32_t)VJ_COUNT(c->notes); i++)
        snprintf(c->notes[i], sizeof c->notes[i], "%.199s", notes[i]);
}

/* The invariants of every block: one record entry per record, keys and rows in step. */
static void check_rows(const vj_vcf_rows *rows)
{
    assert_int_equal((int64_t)rows->row_key.n, rows->n_rows);
    assert_int_equal(rows->key_record.n, rows->keys.keys.n);
    assert_int_equal(rows->record_lines.n, rows->record_alleles.n);
    assert_int_equal(rows->record_lines.n, rows->record_line_numbers.n);
    for (int32_t k = 0; k < rows->n_cols; k++)
        assert_int_equal(rows->cols[k].n_rows, rows->n_rows);
}

#define N_AHEAD 3

/* Three blocks are read, filled from the last to the first, and linked in order. */
static void read_rows_ahead(vcf_case *c, vj_vcf_reader *reader, const char *columns,
                            int64_t block_lines, int64_t block_bytes)
{
    vj_vcf_block *blocks[N_AHEAD] = {NULL};
    vj_vcf_rows *rows = NULL;
    bool more = true;

    for (int i = 0; i < N_AHEAD; i++)
        VJ_GO(c->status, vj_vcf_block_new(NULL, &blocks[i], &c->err));
    VJ_GO(c->status, vj_vcf_rows_new(reader, NULL, &rows, &c->err));
    while (more) {
        int n = 0;

        for (; n < N_AHEAD && more; n += more)
            VJ_GO(c->status, vj_vcf_block_read(reader, block_lines, block_bytes, blocks[n], &more,
                                               &c->err));
        for (int i = n - 1; i >= 0; i--)
            VJ_GO(c->status, vj_vcf_block_fill(reader, blocks[i], &c->err));
        for (int i = 0; i < n; i++) {
            VJ_GO(c->status, vj_vcf_block_link(reader, blocks[i], &c->err));
            VJ_GO(c->status, vj_vcf_parse(reader, blocks[i], rows, &c->err));
            check_rows(rows);
            put_rows(c, rows, columns);
            vj_vcf_counts_add(&c->counts, &rows->counts);
        }
    }
    keep_notes(c, reader);
out:
    vj_vcf_rows_free(rows);
    for (int i = 0; i < N_AHEAD; i++)
        vj_vcf_block_free(blocks[i]);
    vj_vcf_free(reader);
}

/* Rows of an open reader, which is freed; c->status and c->err tell how it was opened. */
static void read_rows(vcf_case *c, vj_vcf_reader *reader, const char *columns,
                      int64_t block_lines, int64_t block_bytes)
{
    vj_vcf_block *block = NULL;
    vj_vcf_rows *rows = NULL;
    bool more = true;

    put_text(&c->rows, "");
    put_text(&c->keys, "");
    put_text(&c->columns, "");
    put_text(&c->bad_lines, "");
    if (c->status != VJ_OK)
        return;
    put_columns(c, vj_vcf_schema_view(reader));
    if (block_lines < 0 && vj_vcf_can_share(reader)) {
        read_rows_ahead(c, reader, columns, -block_lines, block_bytes);
        return;
    }
    VJ_GO(c->status, vj_vcf_block_new(NULL, &block, &c->err));
    VJ_GO(c->status, vj_vcf_rows_new(reader, NULL, &rows, &c->err));
    for (;;) {
        VJ_GO(c->status,
              vj_vcf_block_next(reader, block_lines, block_bytes, block, &more, &c->err));
        if (!more)
            break;
        VJ_GO(c->status, vj_vcf_parse(reader, block, rows, &c->err));
        check_rows(rows);
        put_rows(c, rows, columns);
        vj_vcf_counts_add(&c->counts, &rows->counts);
    }
    keep_notes(c, reader);
out:
    vj_vcf_rows_free(rows);
    vj_vcf_block_free(block);
    vj_vcf_free(reader);
}

vcf_case vcf_case_run(const void *bytes, size_t len_bytes, const vj_vcf_read_options *options,
                      const char *columns, int64_t block_lines, int64_t block_bytes)
{
    vcf_case c = {0};
    vj_vcf_reader *reader = NULL;

    c.status = vj_vcf_open_memory("t.vcf", bytes, len_bytes, options, NULL, &reader, &c.err);
    read_rows(&c, reader, columns, block_lines, block_bytes);
    return c;
}

vcf_case vcf_case_path(const char *path, const vj_vcf_read_options *options, const char *columns)
{
    vcf_case c = {0};
    vj_vcf_reader *reader = NULL;

    c.status = vj_vcf_open(path, options, NULL, &reader, &c.err);
    read_rows(&c, reader, columns, 1000, 1 << 20);
    return c;
}

vcf_case vcf_case_text(const char *text, const vj_vcf_read_options *options, const char *columns)
{
    return vcf_case_run(text, strlen(text), options, columns, 1000, 1 << 20);
}

void vcf_case_fini(vcf_case *c)
{
    free(c->rows);
    free(c->columns);
    free(c->keys);
    free(c->bad_lines);
}

void assert_vcf_rows(const char *text, const vj_vcf_read_options *options, const char *columns,
                     const char *rows)
{
    vcf_case c = vcf_case_text(text, options, columns);

    if (c.status != VJ_OK)
        fail_msg("%s", c.err.text);
    assert_string_equal(c.rows, rows);
    vcf_case_fini(&c);
}

void assert_vcf_fails(const char *text, const vj_vcf_read_options *options, vj_status status,
                      const char *part)
{
    vcf_case c = vcf_case_text(text, options, NULL);

    if (c.status != status || strstr(c.err.text, part) == NULL)
        fail_msg("got %s: %s", vj_status_name(c.status), c.err.text);
    vcf_case_fini(&c);
}
