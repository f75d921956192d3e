#include "reference/refsort.h"

#include <stdio.h>
#include <stdlib.h>

#include "reference/refwriter.h"
#include "built/rowscan.h"
#include "built/tiers.h"

#define SLICE_ROWS 8192
/* A sorted file of one contig. */
typedef struct run {
    int32_t contig;
    int64_t serial; /* run-<serial>.parquet */
    int64_t last_start;
    int64_t bytes;
} run;

struct vj_refsort {
    vj_refsort_options options;
    vj_budget *budget;
    int32_t chrom_i, start_i, ref_i, alt_i;
    vj_contigs contigs; /* canonical; code = index below */
    VJ_VEC(vj_span) names; /* shown name, first spelling met */
    vj_arena arena;
    vj_colb *buffer;
    vj_colb *spare; /* what stays after a flush; swapped with buffer */
    vj_colb *slice; /* sorted rows on their way to the writer */
    vj_col *cols;
    VJ_VEC(int32_t) row_contig;
    VJ_VEC(int32_t) order;
    VJ_VEC(run) runs;
    int64_t next_serial; /* of runs that a merge makes */
    vj_refwriter *file; /* where runs are written; the open one: runs.ptr[runs.n - 1] */
    VJ_VEC(int32_t) keyed;       /* rows of a batch that have REF and ALT */
    int64_t n_dropped;
    int64_t bytes_out;
};

#define MOST_NAME_BYTES 200 /* of a file system's 255; longer names end with their hash */

char *vj_refsort_file_name(vj_span contig, char dst[900])
{
    static const char hex[] = "0123456789ABCDEF";
    size_t n = 3;
    size_t i = 0;

    memcpy(dst, "chr", 3);
    for (; i < contig.len_bytes && n + 3 <= MOST_NAME_BYTES; i++) {
        uint8_t c = (uint8_t)contig.ptr[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     c == '_' || c == '-' || c == '.';

        if (plain) {
            dst[n++] = (char)c;
        } else {
            dst[n++] = '%';
            dst[n++] = hex[c >> 4];
            dst[n++] = hex[c & 15];
        }
    }
    if (i < contig.len_bytes) {
        uint64_t hash = vj_hash_bytes(contig.ptr, contig.len_bytes, 0);

        n += (size_t)snprintf(dst + n, 18, "~%016llx", (unsigned long long)hash);
    }
    memcpy(dst + n, ".parquet", 9);
    return dst;
}

static vj_status init_builders(const vj_refsort *sort, vj_colb **out, vj_error *err)
{
    const vj_schema *schema = sort->options.schema;

    *out = vj_calloc(sort->budget, (size_t)schema->n_fields, sizeof **out, err);
    if (*out == NULL)
        return VJ_E_NOMEM;
    for (int32_t f = 0; f < schema->n_fields; f++)
        VJ_TRY(vj_colb_init(&(*out)[f], &schema->fields[f].type, sort->budget, err));
    return VJ_OK;
}

vj_status vj_refsort_new(const vj_refsort_options *options, vj_budget *budget, vj_refsort **out,
                         vj_error *err)
{
    vj_status rc = VJ_E_NOMEM;
    vj_refsort *sort = vj_zalloc(budget, sizeof *sort, err);

    *out = NULL;
    if (sort == NULL)
        return VJ_E_NOMEM;
    sort->options = *options;
    sort->budget = budget;
    sort->keyed.budget = budget;
    sort->names.budget = sort->row_contig.budget = sort->order.budget = sort->runs.budget = budget;
    vj_arena_init(&sort->arena, budget, 4096);
    vj_contigs_init(&sort->contigs, budget);
    sort->chrom_i = options->chrom_i;
    sort->start_i = options->start_i;
    sort->ref_i = options->ref_i;
    sort->alt_i = options->alt_i;
    sort->cols = vj_calloc(budget, (size_t)options->schema->n_fields, sizeof *sort->cols, err);
    if (sort->cols == NULL)
        goto out;
    VJ_GO(rc, vj_refwriter_new(options, budget, &sort->file, err));
    VJ_GO(rc, init_builders(sort, &sort->buffer, err));
    VJ_GO(rc, init_builders(sort, &sort->spare, err));
    VJ_GO(rc, init_builders(sort, &sort->slice, err));
    *out = sort;
    sort = NULL;
out:
    vj_refsort_free(sort);
    return rc;
}

static void free_builders(vj_colb *builders, int32_t n)
{
    for (int32_t f = 0; builders != NULL && f < n; f++)
        vj_colb_fini(&builders[f]);
    vj_free(builders);
}

static void run_path(const vj_refsort *sort, const run *r, char *dst, size_t cap)
{
    snprintf(dst, cap, "%s/run-%lld.tmp.parquet", sort->options.out_dir, (long long)r->serial);
}

void vj_refsort_free(vj_refsort *sort)
{
    if (sort == NULL)
        return;
    int32_t n = sort->options.schema->n_fields;
    vj_refwriter_free(sort->file);
    VJ_VEC_FINI(&sort->keyed);
    free_builders(sort->buffer, n);
    free_builders(sort->spare, n);
    free_builders(sort->slice, n);
    vj_free(sort->cols);
    VJ_VEC_FINI(&sort->names);
    VJ_VEC_FINI(&sort->row_contig);
    VJ_VEC_FINI(&sort->order);
    VJ_VEC_FINI(&sort->runs);
    vj_contigs_fini(&sort->contigs);
    vj_arena_fini(&sort->arena);
    vj_free(sort);
}

int64_t vj_refsort_n_runs(const vj_refsort *sort)
{
    return (int64_t)sort->runs.n;
}

int64_t vj_refsort_n_dropped(const vj_refsort *sort)
{
    return sort->n_dropped;
}

int64_t vj_refsort_n_contigs(const vj_refsort *sort)
{
    return (int64_t)sort->names.n;
}

vj_span vj_refsort_name(const vj_refsort *sort, int64_t contig_i)
{
    return sort->names.ptr[contig_i];
}

int64_t vj_refsort_bytes_out(const vj_refsort *sort)
{
    return sort->bytes_out;
}

const vj_built *vj_refsort_built(const vj_refsort *sort)
{
    return vj_refwriter_built(sort->file);
}

/* ---- runs ---- */

static vj_status begin_run(vj_refsort *sort, int32_t contig, vj_error *err)
{
    run fresh = {.contig = contig, .serial = (int64_t)sort->runs.n, .last_start = INT64_MIN};
    char path[4096];

    if (sort->runs.n > 0)
        VJ_TRY(vj_refwriter_close(sort->file, &sort->runs.ptr[sort->runs.n - 1].bytes, err));
    VJ_TRY(VJ_VEC_PUSH(&sort->runs, fresh, err));
    run_path(sort, &fresh, path, sizeof path);
    return vj_refwriter_open(sort->file, path, err);
}

static vj_status write_slice(vj_refsort *sort, vj_error *err)
{
    int64_t n = sort->slice[0].n_rows;

    if (n == 0)
        return VJ_OK;
    for (int32_t f = 0; f < sort->options.schema->n_fields; f++)
        sort->cols[f] = vj_colb_view(&sort->slice[f]);
    vj_batch batch = {sort->options.schema, n, sort->cols};
    VJ_TRY(vj_refwriter_append(sort->file, &batch, err));
    for (int32_t f = 0; f < sort->options.schema->n_fields; f++)
        vj_colb_reset(&sort->slice[f]);
    return VJ_OK;
}

/* ---- buffer ---- */

typedef struct sort_view {
    bool by_start;
    const int32_t *contig;
    vj_col start, ref, alt;
} sort_view;

/* Nulls first, then bytes. */
static int compare_text(const vj_col *col, int64_t a, int64_t b)
{
    bool null_a = vj_col_is_null(col, a);
    bool null_b = vj_col_is_null(col, b);

    if (null_a || null_b)
        return (int)null_b - (int)null_a;
    return vj_span_cmp(vj_col_bytes(col, a), vj_col_bytes(col, b));
}

static int compare_rows(const void *pa, const void *pb, void *arg)
{
    const sort_view *v = arg;
    int32_t a = *(const int32_t *)pa;
    int32_t b = *(const int32_t *)pb;

    if (v->contig[a] != v->contig[b])
        return v->contig[a] < v->contig[b] ? -1 : 1;
    int64_t x = vj_col_i64(&v->start, a);
    int64_t y = vj_col_i64(&v->start, b);
    if (x != y)
        return x < y ? -1 : 1;
    int c = v->by_start ? 0 : compare_text(&v->ref, a, b);
    if (c == 0 && !v->by_start)
        c = compare_text(&v->alt, a, b);
    return c != 0 ? c : (a > b) - (a < b);
}

static sort_view view_buffer(vj_refsort *sort)
{
    return (sort_view){sort->options.by_start, sort->row_contig.ptr, vj_colb_view(&sort->buffer[sort->start_i]),
                       vj_colb_view(&sort->buffer[sort->ref_i]),
                       vj_colb_view(&sort->buffer[sort->alt_i])};
}

static vj_status sort_buffer(vj_refsort *sort, sort_view *view, vj_error *err)
{
    size_t n = sort->row_contig.n;
    bool sorted = true;

    VJ_VEC_RESET(&sort->order);
    VJ_TRY(VJ_VEC_RESERVE(&sort->order, n, err));
    for (size_t i = 0; i < n; i++) {
        sort->order.ptr[i] = (int32_t)i;
        sorted = sorted && (i == 0 || compare_rows(&sort->order.ptr[i - 1], &sort->order.ptr[i],
                                                   view) <= 0);
    }
    sort->order.n = n;
    if (!sorted)
        qsort_r(sort->order.ptr, n, sizeof *sort->order.ptr, compare_rows, view);
    return VJ_OK;
}

/* Have a run open that rows of a contig from `first` to `last` continue. */
static vj_status continue_run(vj_refsort *sort, int32_t contig, int64_t first, int64_t last,
                              vj_error *err)
{
    run *open = sort->runs.n > 0 ? &sort->runs.ptr[sort->runs.n - 1] : NULL;

    if (open == NULL || !vj_refwriter_is_open(sort->file) || open->contig != contig || first < open->last_start)
        VJ_TRY(begin_run(sort, contig, err));
    sort->runs.ptr[sort->runs.n - 1].last_start = last;
    return VJ_OK;
}

/* Sorted rows order[beg, end) of one contig to its run. */
static vj_status emit(vj_refsort *sort, size_t beg, size_t end, int32_t contig, int64_t first,
                      int64_t last, vj_error *err)
{
    VJ_TRY(continue_run(sort, contig, first, last, err));
    for (; beg < end; beg += SLICE_ROWS) {
        int64_t n = (int64_t)VJ_MIN(end - beg, (size_t)SLICE_ROWS);

        VJ_TRY(vj_stop_check(sort->options.stop, err));
        for (int32_t f = 0; f < sort->options.schema->n_fields; f++) {
            vj_col from = vj_colb_view(&sort->buffer[f]);

            VJ_TRY(vj_colb_gather(&sort->slice[f], &from, sort->order.ptr + beg, n, err));
        }
        VJ_TRY(write_slice(sort, err));
    }
    return VJ_OK;
}

/* Keep order[beg, n) in the buffer. */
static vj_status keep_rest(vj_refsort *sort, size_t beg, vj_error *err)
{
    int64_t n = (int64_t)(sort->order.n - beg);

    for (int32_t f = 0; f < sort->options.schema->n_fields; f++) {
        vj_col from = vj_colb_view(&sort->buffer[f]);

        vj_colb_reset(&sort->spare[f]);
        VJ_TRY(vj_colb_gather(&sort->spare[f], &from, sort->order.ptr + beg, n, err));
    }
    vj_colb *swap = sort->buffer;
    sort->buffer = sort->spare;
    sort->spare = swap;
    /* the kept rows are of one contig: the last one */
    int32_t contig = n > 0 ? sort->row_contig.ptr[sort->order.ptr[beg]] : 0;
    sort->row_contig.n = (size_t)n;
    for (int64_t i = 0; i < n; i++)
        sort->row_contig.ptr[i] = contig;
    return VJ_OK;
}

/* Write the buffer out; rows of the last contig from `watermark` on stay. */
static vj_status flush(vj_refsort *sort, int32_t last_contig, int64_t watermark, vj_error *err)
{
    sort_view view = view_buffer(sort);
    size_t i = 0;

    for (int32_t f = 0; f < sort->options.schema->n_fields; f++)
        sort->cols[f] = vj_colb_view(&sort->buffer[f]);
    vj_batch all = {sort->options.schema, (int64_t)sort->row_contig.n, sort->cols};
    VJ_TRY(vj_refwriter_plan(sort->file, &all, err));
    VJ_TRY(sort_buffer(sort, &view, err));
    /* rows sort by contig code: only the last contig's rows can be the rest */
    if (sort->order.n > 0 && view.contig[sort->order.ptr[sort->order.n - 1]] != last_contig)
        last_contig = -1;
    while (i < sort->order.n) {
        int32_t contig = view.contig[sort->order.ptr[i]];
        size_t end = i;

        while (end < sort->order.n && view.contig[sort->order.ptr[end]] == contig &&
               (contig != last_contig || vj_col_i64(&view.start, sort->order.ptr[end]) < watermark))
            end++;
        if (end == i)
            break;
        VJ_TRY(emit(sort, i, end, contig, vj_col_i64(&view.start, sort->order.ptr[i]),
                    vj_col_i64(&view.start, sort->order.ptr[end - 1]), err));
        i = end;
    }
    return keep_rest(sort, i, err);
}

static vj_status note_contigs(vj_refsort *sort, const vj_batch *rows, int32_t *out_last,
                              vj_error *err)
{
    const vj_col *chrom = &rows->cols[sort->chrom_i];
    vj_span last = {NULL, 0};
    int32_t code = 0;

    VJ_TRY(VJ_VEC_RESERVE(&sort->row_contig, rows->n_rows, err));
    for (int64_t i = 0; i < rows->n_rows; i++) {
        vj_span name = vj_col_is_null(chrom, i) ? (vj_span){"", 0} : vj_col_bytes(chrom, i);

        if (last.ptr == NULL || !vj_span_eq(name, last)) {
            VJ_TRY(vj_contigs_add(&sort->contigs, name, -1, &code, err));
            if ((size_t)code == sort->names.n) {
                char *copy = vj_arena_strndup(&sort->arena, name.ptr, name.len_bytes, err);
                vj_span kept = {copy, name.len_bytes};

                if (copy == NULL)
                    return VJ_E_NOMEM;
                VJ_TRY(VJ_VEC_PUSH(&sort->names, kept, err));
            }
            last = name;
        }
        sort->row_contig.ptr[sort->row_contig.n++] = code;
    }
    *out_last = code;
    return VJ_OK;
}

/* Sorted rows of one contig that nothing waits in front of, and nothing will come before. */
static bool may_pass(const vj_refsort *sort, const vj_batch *rows, int64_t watermark)
{
    const vj_col *start = &rows->cols[sort->start_i];
    const int32_t *contig = sort->row_contig.ptr;
    const run *open = sort->runs.n > 0 ? &sort->runs.ptr[sort->runs.n - 1] : NULL;
    int64_t n = rows->n_rows;

    /* an empty buffer before these rows; their contigs are all that is in row_contig */
    if (!sort->options.by_start || (int64_t)sort->row_contig.n != n || contig[0] != contig[n - 1] ||
        watermark < vj_col_i64(start, n - 1) ||
        (open != NULL && open->contig == contig[0] && vj_col_i64(start, 0) < open->last_start))
        return false;
    for (int64_t i = 1; i < n; i++)
        if (contig[i] != contig[0] || vj_col_i64(start, i) < vj_col_i64(start, i - 1))
            return false;
    return true;
}

static vj_status pass_through(vj_refsort *sort, const vj_batch *rows, vj_error *err)
{
    const vj_col *start = &rows->cols[sort->start_i];

    VJ_TRY(vj_stop_check(sort->options.stop, err));
    VJ_TRY(vj_refwriter_plan(sort->file, rows, err));
    VJ_TRY(continue_run(sort, sort->row_contig.ptr[0], vj_col_i64(start, 0),
                        vj_col_i64(start, rows->n_rows - 1), err));
    VJ_VEC_RESET(&sort->row_contig);
    return vj_refwriter_append(sort->file, rows, err);
}

static vj_status append_keyed(vj_refsort *sort, const vj_batch *rows, int64_t watermark,
                              vj_error *err)
{
    int32_t last = -1;

    if (rows->n_rows == 0)
        return VJ_OK;
    VJ_TRY(note_contigs(sort, rows, &last, err));
    if (may_pass(sort, rows, watermark))
        return pass_through(sort, rows, err);
    for (int32_t f = 0; f < sort->options.schema->n_fields; f++)
        VJ_TRY(vj_colb_append(&sort->buffer[f], &rows->cols[f], 0, rows->n_rows, err));
    if ((int64_t)sort->row_contig.n < sort->options.rows_per_run)
        return VJ_OK;
    return flush(sort, last, watermark, err);
}

/* Rows in sort->keyed of a batch, through builders of their own. */
static vj_status append_picked(vj_refsort *sort, const vj_batch *rows, int64_t watermark,
                               vj_error *err)
{
    const vj_schema *schema = sort->options.schema;
    vj_colb *picked = NULL;
    vj_col *cols = vj_calloc(sort->budget, (size_t)schema->n_fields, sizeof *cols, err);
    vj_status rc = cols != NULL ? init_builders(sort, &picked, err) : VJ_E_NOMEM;

    for (int32_t f = 0; rc == VJ_OK && f < schema->n_fields; f++) {
        rc = vj_colb_gather(&picked[f], &rows->cols[f], sort->keyed.ptr, (int64_t)sort->keyed.n,
                            err);
        cols[f] = vj_colb_view(&picked[f]);
    }
    vj_batch batch = {schema, (int64_t)sort->keyed.n, cols};
    if (rc == VJ_OK)
        rc = append_keyed(sort, &batch, watermark, err);
    free_builders(picked, schema->n_fields);
    vj_free(cols);
    return rc;
}

static bool has_null(const vj_col *col)
{
    return col->valid != NULL && vj_col_null_count(col) > 0;
}

vj_status vj_refsort_append(vj_refsort *sort, const vj_batch *rows, int64_t watermark,
                            vj_error *err)
{
    const vj_col *ref = &rows->cols[sort->ref_i];
    const vj_col *alt = &rows->cols[sort->alt_i];

    if (sort->options.tuned == NULL || !(has_null(ref) || has_null(alt)))
        return append_keyed(sort, rows, watermark, err);
    VJ_VEC_RESET(&sort->keyed);
    for (int64_t i = 0; i < rows->n_rows; i++)
        if (!vj_col_is_null(ref, i) && !vj_col_is_null(alt, i))
            VJ_TRY(VJ_VEC_PUSH(&sort->keyed, (int32_t)i, err));
    sort->n_dropped += rows->n_rows - (int64_t)sort->keyed.n;
    return append_picked(sort, rows, watermark, err);
}

/* ---- merge ---- */

typedef struct merge_input {
    vj_pq_file *file;
    vj_rowscan scan;
    vj_batch rows;
    int64_t row_i;
    int32_t end_group; /* of the file; the scan begins at the part's first */
    bool owns_file;    /* else the input before it does */
    bool done;
} merge_input;

static vj_status refill(vj_refsort *sort, merge_input *in, vj_error *err)
{
    in->row_i = 0;
    for (;;) {
        VJ_TRY(vj_rowscan_next(&in->scan, SLICE_ROWS / 4, &in->rows, err));
        if (in->rows.n_rows > 0)
            return VJ_OK;
        if (in->scan.rowgroup_i + 1 >= in->end_group)
            break;
        vj_rowscan_seek(&in->scan, in->file, vj_refwriter_built(sort->file), NULL, in->scan.rowgroup_i + 1, 0);
    }
    in->done = true;
    return VJ_OK;
}

static bool before(const vj_refsort *sort, const merge_input *a, const merge_input *b)
{
    int64_t x = vj_col_i64(&a->rows.cols[sort->start_i], a->row_i);
    int64_t y = vj_col_i64(&b->rows.cols[sort->start_i], b->row_i);
    const int32_t texts[] = {sort->ref_i, sort->alt_i};

    if (x != y || sort->options.by_start)
        return x < y;
    for (size_t i = 0; i < VJ_COUNT(texts); i++) {
        const vj_col *p = &a->rows.cols[texts[i]];
        const vj_col *q = &b->rows.cols[texts[i]];
        bool null_p = vj_col_is_null(p, a->row_i);
        bool null_q = vj_col_is_null(q, b->row_i);
        int c = null_p || null_q ? (int)null_q - (int)null_p
                                 : vj_span_cmp(vj_col_bytes(p, a->row_i),
                                               vj_col_bytes(q, b->row_i));
        if (c != 0)
            return c < 0;
    }
    return false; /* equal: the earlier run first */
}

static vj_status merge_rows(vj_refsort *sort, merge_input *inputs, size_t n, vj_error *err)
{
    for (;;) {
        merge_input *best = NULL;

        for (size_t i = 0; i < n; i++)
            if (!inputs[i].done && (best == NULL || before(sort, &inputs[i], best)))
                best = &inputs[i];
        if (best == NULL)
            return write_slice(sort, err);
        for (int32_t f = 0; f < sort->options.schema->n_fields; f++)
            VJ_TRY(vj_colb_append(&sort->slice[f], &best->rows.cols[f], best->row_i, 1, err));
        if (sort->slice[0].n_rows == SLICE_ROWS) {
            VJ_TRY(vj_stop_check(sort->options.stop, err));
            VJ_TRY(write_slice(sort, err));
        }
        if (++best->row_i == best->rows.n_rows)
            VJ_TRY(refill(sort, best, err));
    }
}

/* Row groups [beg, end) of a run's file as an input. */
static vj_status begin_input(vj_refsort *sort, merge_input *in, vj_pq_file *file, int32_t beg,
                             int32_t end, vj_error *err)
{
    in->file = file;
    in->end_group = end;
    in->done = beg >= end;
    VJ_TRY(vj_rowscan_init(&in->scan, sort->options.schema, sort->budget, err));
    if (in->done)
        return VJ_OK;
    vj_rowscan_seek(&in->scan, file, vj_refwriter_built(sort->file), NULL, beg, 0);
    return refill(sort, in, err);
}

/*
 * Their order decides between equal rows. Of a run with tiers each is an input; no start stands
 * in both.
 */
static vj_status open_inputs(vj_refsort *sort, const run *runs, size_t n, merge_input *inputs,
                             vj_error *err)
{
    char path[4096];

    for (size_t i = 0; i < n; i++) {
        merge_input *in = &inputs[2 * i];
        vj_tiers tiers;

        run_path(sort, &runs[i], path, sizeof path);
        VJ_TRY(vj_pq_open_path(path, sort->budget, &in->file, err));
        in->owns_file = true;
        int32_t end = vj_pq_meta_view(in->file)->n_rowgroups;
        VJ_TRY(vj_tiers_read(in->file, &tiers, err));
        int32_t cut = tiers.present ? tiers.n_rare_groups : end;
        VJ_TRY(begin_input(sort, in, in->file, 0, cut, err));
        VJ_TRY(begin_input(sort, in + 1, in->file, cut, end, err));
    }
    return VJ_OK;
}

/* Runs of one contig, each after the one before, to a file; they go. */
static vj_status merge_runs(vj_refsort *sort, const run *runs, size_t n, const char *path,
                            int64_t *out_bytes, vj_error *err)
{
    vj_status rc = VJ_OK;
    char run_file[4096];
    merge_input *inputs = vj_calloc(sort->budget, 2 * n, sizeof *inputs, err);

    if (inputs == NULL)
        return VJ_E_NOMEM;
    VJ_GO(rc, open_inputs(sort, runs, n, inputs, err));
    VJ_GO(rc, vj_refwriter_open(sort->file, path, err));
    VJ_GO(rc, merge_rows(sort, inputs, 2 * n, err));
    VJ_GO(rc, vj_refwriter_close(sort->file, out_bytes, err));
    for (size_t i = 0; i < n; i++) {
        run_path(sort, &runs[i], run_file, sizeof run_file);
        vj_path_remove(run_file);
    }
out:
    for (size_t i = 0; i < 2 * n; i++) {
        vj_rowscan_fini(&inputs[i].scan);
        if (inputs[i].owns_file)
            vj_pq_free(inputs[i].file);
    }
    vj_free(inputs);
    return rc;
}

/* Neighbours become one run, until the rest can be merged at once. *n is what is left of runs. */
static vj_status merge_steps(vj_refsort *sort, run *runs, size_t *n, vj_error *err)
{
    size_t most = VJ_MAX(sort->options.merge_inputs, 2);
    char path[4096];

    while (sort->options.merge_inputs > 0 && *n > most) {
        size_t kept = 0;

        for (size_t beg = 0; beg < *n; beg += most) {
            size_t m = VJ_MIN(most, *n - beg);
            run made = {.contig = runs[beg].contig, .serial = sort->next_serial};

            if (m == 1) {
                runs[kept++] = runs[beg];
                continue;
            }
            sort->next_serial++;
            run_path(sort, &made, path, sizeof path);
            VJ_TRY(merge_runs(sort, &runs[beg], m, path, &made.bytes, err));
            runs[kept++] = made;
        }
        *n = kept;
    }
    return VJ_OK;
}

static vj_status finish_runs(vj_refsort *sort, run *runs, size_t n, const char *to, vj_error *err)
{
    char from[4096];
    int64_t bytes = 0;

    VJ_TRY(merge_steps(sort, runs, &n, err));
    if (n == 1) {
        run_path(sort, runs, from, sizeof from);
        sort->bytes_out += runs->bytes;
        return vj_path_rename(from, to, err);
    }
    VJ_TRY(merge_runs(sort, runs, n, to, &bytes, err));
    sort->bytes_out += bytes;
    return VJ_OK;
}

static vj_status finish_contig(vj_refsort *sort, int32_t contig, vj_error *err)
{
    size_t n = 0;
    char name[900];
    char to[4096];
    run *runs = vj_calloc(sort->budget, VJ_MAX(sort->runs.n, 1), sizeof *runs, err);

    if (runs == NULL)
        return VJ_E_NOMEM;
    for (size_t i = 0; i < sort->runs.n; i++)
        if (sort->runs.ptr[i].contig == contig)
            runs[n++] = sort->runs.ptr[i];
    snprintf(to, sizeof to, "%s/%s", sort->options.out_dir,
             vj_refsort_file_name(sort->names.ptr[contig], name));
    vj_status rc = n > 0 ? finish_runs(sort, runs, n, to, err) : VJ_OK;
    vj_free(runs);
    return rc;
}

/* Without a row there is no contig, but the columns are to be known. */
static vj_status write_empty(vj_refsort *sort, vj_error *err)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/empty.parquet", sort->options.out_dir);
    VJ_TRY(vj_refwriter_open(sort->file, path, err));
    return vj_refwriter_close(sort->file, &sort->bytes_out, err);
}

vj_status vj_refsort_finish(vj_refsort *sort, vj_error *err)
{
    VJ_TRY(flush(sort, -1, 0, err));
    if (sort->runs.n > 0)
        VJ_TRY(vj_refwriter_close(sort->file, &sort->runs.ptr[sort->runs.n - 1].bytes, err));
    sort->next_serial = (int64_t)sort->runs.n;
    for (size_t c = 0; c < sort->names.n; c++)
        VJ_TRY(finish_contig(sort, (int32_t)c, err));
    return sort->names.n == 0 && !sort->options.no_empty ? write_empty(sort, err) : VJ_OK;
}
