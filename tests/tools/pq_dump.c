/*
 * pq_dump.c - a Parquet file's rows as JSON lines, read through the cursor in a chosen way.
 *
 *   pq_dump FILE next N        vj_pq_cursor_next with at most N rows a call
 *   pq_dump FILE select K OFF  rows OFF, OFF+K, ... of each row group by vj_pq_cursor_select
 *   pq_dump FILE mix SEED      random calls of next, skip and select; all rows that were read
 *   pq_dump FILE schema        fields and their types
 *
 * A row is [row number, value, ...]; text is JSON text, bytes are "x" + hex, decimals their
 * unscaled hex, lists arrays, structs arrays of their members in order.
 */
#include <stdio.h>
#include <stdlib.h>

#include "parquet/parquet.h"
#include "support/support.h"

typedef struct dump {
    const vj_pq_file *file;
    const char *how;
    int64_t a, b;
} dump;

static void put_text(vj_span text)
{
    putchar('"');
    for (size_t i = 0; i < text.len_bytes; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c == '"' || c == '\\' || c < 0x20)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static void put_hex(vj_span bytes)
{
    printf("\"x");
    for (size_t i = 0; i < bytes.len_bytes; i++)
        printf("%02x", (unsigned char)bytes.ptr[i]);
    putchar('"');
}

static void put_float(double value, int digits)
{
    if (value != value || value > 1.7e308 * 1.05 || value < -1.7e308 * 1.05)
        printf("\"%s\"", value != value ? "nan" : value > 0 ? "inf" : "-inf");
    else if (value == 0)
        printf(__builtin_signbit(value) ? "-0.0" : "0.0"); /* JSON's -0 is an integer */
    else
        printf("%.*g", digits, value);
}

static void put_value(const vj_col *col, int64_t i)
{
    if (vj_col_is_null(col, i)) {
        printf("null");
        return;
    }
    switch (col->type->kind) {
    case VJ_BOOL:
        printf(vj_bit_get(col->data, i) ? "true" : "false");
        break;
    case VJ_F32:
        put_float(vj_col_f64(col, i), 9);
        break;
    case VJ_F64:
        put_float(vj_col_f64(col, i), 17);
        break;
    case VJ_TEXT:
        put_text(vj_col_bytes(col, i));
        break;
    case VJ_BINARY:
    case VJ_FIXED:
        put_hex(vj_col_bytes(col, i));
        break;
    case VJ_LIST:
        putchar('[');
        for (int32_t k = col->offs[i]; k < col->offs[i + 1]; k++) {
            if (k > col->offs[i])
                putchar(',');
            put_value(&col->kids[0], k);
        }
        putchar(']');
        break;
    case VJ_STRUCT:
        putchar('[');
        for (int32_t k = 0; k < col->type->n_kids; k++) {
            if (k > 0)
                putchar(',');
            put_value(&col->kids[k], i);
        }
        putchar(']');
        break;
    case VJ_U64:
        printf("%llu", (unsigned long long)vj_col_i64(col, i));
        break;
    default:
        printf("%lld", (long long)vj_col_i64(col, i));
    }
}

/* The rows that a group gives in this mode, the same for each field. */
typedef VJ_VEC(int32_t) row_list;

static vj_status read_next(vj_pq_cursor *cur, int64_t max_rows, vj_colb *dst, row_list *rows,
                           vj_error *err)
{
    for (;;) {
        const vj_col *col = NULL;
        int64_t row = vj_pq_cursor_row(cur);

        VJ_TRY(vj_pq_cursor_next(cur, max_rows, &col, err));
        if (col == NULL)
            return VJ_OK;
        VJ_TRY(vj_colb_append(dst, col, 0, col->n_rows, err));
        for (int64_t i = 0; i < col->n_rows; i++)
            VJ_TRY(VJ_VEC_PUSH(rows, (int32_t)(row + i), err));
    }
}

static vj_status read_select(vj_pq_cursor *cur, int64_t n_rows, int64_t step, int64_t off,
                             vj_colb *dst, row_list *rows, vj_error *err)
{
    size_t beg = rows->n;

    for (int64_t i = off; i < n_rows; i += step)
        VJ_TRY(VJ_VEC_PUSH(rows, (int32_t)i, err));
    return vj_pq_cursor_select(cur, rows->ptr + beg, (int64_t)(rows->n - beg), dst, err);
}

static vj_status read_mix(vj_pq_cursor *cur, int64_t n_rows, uint64_t *seed, vj_colb *dst,
                          row_list *rows, vj_error *err)
{
    while (vj_pq_cursor_row(cur) < n_rows) {
        int64_t row = vj_pq_cursor_row(cur);
        int64_t left = n_rows - row;
        int64_t n = 1 + (int64_t)(test_random(seed) % (uint64_t)VJ_MIN(left, 700));
        uint64_t what = test_random(seed) % 4;

        if (what == 0) {
            VJ_TRY(vj_pq_cursor_skip(cur, n, err));
        } else if (what == 1) {
            /* as the number of rows differs between fields, take exactly n */
            while (n > 0) {
                const vj_col *col = NULL;

                VJ_TRY(vj_pq_cursor_next(cur, n, &col, err));
                if (col == NULL)
                    return VJ_OK;
                VJ_TRY(vj_colb_append(dst, col, 0, col->n_rows, err));
                for (int64_t i = 0; i < col->n_rows; i++)
                    VJ_TRY(VJ_VEC_PUSH(rows, (int32_t)row++, err));
                n -= col->n_rows;
            }
        } else {
            size_t beg = rows->n;

            for (int64_t i = 0; i < n; i += 1 + (int64_t)(test_random(seed) % (what == 2 ? 90 : 3)))
                VJ_TRY(VJ_VEC_PUSH(rows, (int32_t)(row + i), err));
            VJ_TRY(vj_pq_cursor_select(cur, rows->ptr + beg, (int64_t)(rows->n - beg), dst, err));
        }
    }
    return VJ_OK;
}

static vj_status read_field(const dump *d, int32_t field_i, vj_colb *dst, row_list *rows,
                            vj_error *err)
{
    const vj_pq_meta *meta = vj_pq_meta_view(d->file);
    vj_pq_cursor *cur = NULL;
    vj_status rc = VJ_OK;

    for (int32_t g = 0; g < meta->n_rowgroups; g++) {
        int64_t n_rows = vj_pq_rowgroup_view(d->file, g).n_rows;
        uint64_t seed = (uint64_t)d->a * 7919 + (uint64_t)g;

        if (cur == NULL)
            VJ_GO(rc, vj_pq_cursor_open(d->file, g, field_i, NULL, &cur, err));
        else
            VJ_GO(rc, vj_pq_cursor_rewind(cur, d->file, g, err));
        size_t beg = rows->n;
        if (strcmp(d->how, "next") == 0)
            VJ_GO(rc, read_next(cur, d->a, dst, rows, err));
        else if (strcmp(d->how, "select") == 0)
            VJ_GO(rc, read_select(cur, n_rows, d->a, d->b, dst, rows, err));
        else
            VJ_GO(rc, read_mix(cur, n_rows, &seed, dst, rows, err));
        for (size_t i = beg; i < rows->n; i++)
            rows->ptr[i] += (int32_t)vj_pq_rowgroup_view(d->file, g).first_row;
    }
out:
    vj_pq_cursor_free(cur);
    return rc;
}

static vj_status dump_rows(const dump *d, vj_error *err)
{
    const vj_schema *schema = &vj_pq_meta_view(d->file)->schema;
    vj_colb *cols = vj_calloc(NULL, (size_t)schema->n_fields, sizeof *cols, err);
    vj_col *views = vj_calloc(NULL, (size_t)schema->n_fields, sizeof *views, err);
    row_list rows = {0};
    vj_status rc = VJ_OK;

    for (int32_t f = 0; f < schema->n_fields; f++) {
        VJ_VEC_RESET(&rows);
        VJ_GO(rc, vj_colb_init(&cols[f], &schema->fields[f].type, NULL, err));
        VJ_GO(rc, read_field(d, f, &cols[f], &rows, err));
        views[f] = vj_colb_view(&cols[f]);
        if (views[f].n_rows != (int64_t)rows.n) {
            rc = vj_fail(err, VJ_E_BUG, "field %d gave %lld rows instead of %zu", f,
                         (long long)views[f].n_rows, rows.n);
            goto out;
        }
    }
    for (size_t i = 0; i < rows.n; i++) {
        printf("[%d", rows.ptr[i]);
        for (int32_t f = 0; f < schema->n_fields; f++) {
            putchar(',');
            put_value(&views[f], (int64_t)i);
        }
        printf("]\n");
    }
out:
    for (int32_t f = 0; f < schema->n_fields; f++)
        vj_colb_fini(&cols[f]);
    vj_free(cols);
    vj_free(views);
    VJ_VEC_FINI(&rows);
    return rc;
}

static void dump_schema(const dump *d)
{
    const vj_schema *schema = &vj_pq_meta_view(d->file)->schema;
    char name[256];

    for (int32_t f = 0; f < schema->n_fields; f++)
        printf("%s: %s%s\n", schema->fields[f].name,
               vj_type_name(&schema->fields[f].type, name, sizeof name),
               schema->fields[f].nullable ? "" : " not null");
}

int main(int argc, char **argv)
{
    vj_error err = {0};
    vj_pq_file *file = NULL;
    dump d = {0};

    if (argc < 3)
        return 64;
    d.how = argv[2];
    d.a = argc > 3 ? atoll(argv[3]) : 1;
    d.b = argc > 4 ? atoll(argv[4]) : 0;
    vj_status rc = vj_pq_open_path(argv[1], NULL, &file, &err);
    d.file = file;
    if (rc == VJ_OK && strcmp(d.how, "schema") == 0)
        dump_schema(&d);
    else if (rc == VJ_OK)
        rc = dump_rows(&d, &err);
    vj_pq_free(file);
    if (rc != VJ_OK)
        fprintf(stderr, "%s: %s\n", vj_status_name(rc), err.text);
    return vj_status_exit_code(rc);
}
