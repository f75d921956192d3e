#include "engine/left_parquet.h"

typedef struct key_columns {
    int32_t chrom, start, ref, alt;
    int32_t alt_index, sample; /* -1: none */
} key_columns;

/* chrom and start of rows [row_i, row_i + n) of the current row group, read before the rest. */
typedef struct look_ahead {
    bool wanted;            /* somebody looks: kept in step from then on */
    vj_pq_cursor *cursors[2];
    vj_colb cols[2], spare[2];
    vj_col views[2];
    int64_t row_i;
} look_ahead;

struct vj_left_parquet {
    vj_pq_file *file;
    vj_budget *budget;
    key_columns at;
    vj_pq_cursor **cursors; /* one per field, all on the current row group */
    int32_t rowgroup_i;     /* current; n_rowgroups: at the end */
    int64_t row_i;          /* in it */
    int64_t first_row;      /* rows of the file before it */
    int64_t n_samples;      /* rows an allele has */
    vj_colb alt_index;      /* of the whole current row group, if there is such a column */
    int64_t bytes_done;
    look_ahead ahead;
};

struct vj_left_parquet_rows {
    vj_schema schema;
    key_columns at;
    vj_colb *builders;
    vj_col *cols;
    int64_t n_rows;
    vj_key_list keys;
    VJ_VEC(int32_t) row_key;
    VJ_VEC(int32_t) key_record;
    vj_map contigs;
    vj_arena arena;
    vj_vcf_counts counts;
};

static vj_status need(const vj_left_parquet *source, const char *name, bool integer,
                      int32_t *out_i, vj_error *err)
{
    const vj_pq_meta *meta = vj_pq_meta_view(source->file);
    char found[96];

    *out_i = vj_pq_field_find(source->file, name);
    if (*out_i < 0)
        return vj_fail(err, VJ_E_SCHEMA,
                       "%s: expected a normalised table with the columns chrom, start, ref and "
                       "alt, found no column %s", meta->name, name);
    const vj_type *type = &meta->schema.fields[*out_i].type;
    if (integer ? type->kind < VJ_I8 || type->kind > VJ_U64 : type->kind != VJ_TEXT)
        return vj_fail(err, VJ_E_SCHEMA, "%s: column %s: expected %s, found %s", meta->name, name,
                       integer ? "a whole number" : "text",
                       vj_type_name(type, found, sizeof found));
    return VJ_OK;
}

static vj_status find_columns(vj_left_parquet *source, vj_error *err)
{
    const vj_schema *schema = &vj_pq_meta_view(source->file)->schema;
    key_columns *at = &source->at;

    VJ_TRY(need(source, "chrom", false, &at->chrom, err));
    VJ_TRY(need(source, "start", true, &at->start, err));
    VJ_TRY(need(source, "ref", false, &at->ref, err));
    VJ_TRY(need(source, "alt", false, &at->alt, err));
    at->alt_index = vj_pq_field_find(source->file, "alt_index");
    if (at->alt_index >= 0 && (schema->fields[at->alt_index].type.kind < VJ_I8 ||
                               schema->fields[at->alt_index].type.kind > VJ_U64))
        at->alt_index = -1;
    at->sample = vj_pq_field_find(source->file, "sample");
    if (at->sample >= 0 && schema->fields[at->sample].type.kind != VJ_TEXT)
        at->sample = -1;
    return VJ_OK;
}

/* Count a row group's rows until one has the first sample again: *found. */
static vj_status count_in_rowgroup(vj_left_parquet *source, int32_t g, vj_buf *first, bool *found,
                                   vj_error *err)
{
    vj_pq_cursor *cur = NULL;
    const vj_col *part = NULL;
    vj_status rc = VJ_OK;

    VJ_TRY(vj_pq_cursor_open(source->file, g, source->at.sample, source->budget, &cur, err));
    do {
        VJ_GO(rc, vj_pq_cursor_next(cur, 4096, &part, err));
        for (int64_t i = 0; part != NULL && i < part->n_rows; i++, source->n_samples++) {
            vj_span name = vj_col_is_null(part, i) ? (vj_span){"", 0} : vj_col_bytes(part, i);

            if (source->n_samples == 0) {
                VJ_GO(rc, vj_buf_append(first, name.ptr, name.len_bytes, err));
            } else if (vj_span_eq(name, vj_buf_span(first))) {
                *found = true;
                goto out;
            }
        }
    } while (part != NULL);
out:
    vj_pq_cursor_free(cur);
    return rc;
}

/* Rows an allele has: until the first row's sample comes back. */
static vj_status count_samples(vj_left_parquet *source, vj_error *err)
{
    int32_t n = vj_pq_meta_view(source->file)->n_rowgroups;
    vj_buf first = {.budget = source->budget};
    bool found = false;
    vj_status rc = VJ_OK;

    for (int32_t g = 0; source->at.sample >= 0 && g < n && rc == VJ_OK && !found; g++)
        rc = count_in_rowgroup(source, g, &first, &found, err);
    source->n_samples = VJ_MAX(source->n_samples, 1);
    vj_buf_fini(&first);
    return rc;
}

vj_status vj_left_parquet_open(const char *path, bool ignore_checksums, vj_budget *budget,
                               vj_left_parquet **out, vj_error *err)
{
    vj_status rc = VJ_E_NOMEM;
    vj_left_parquet *source = vj_zalloc(budget, sizeof *source, err);

    *out = NULL;
    if (source == NULL)
        return VJ_E_NOMEM;
    source->budget = budget;
    source->rowgroup_i = -1;
    VJ_GO(rc, vj_pq_open_path(path, budget, &source->file, err));
    if (ignore_checksums)
        vj_pq_ignore_checksums(source->file);
    VJ_GO(rc, find_columns(source, err));
    VJ_GO(rc, count_samples(source, err));
    const vj_schema *schema = &vj_pq_meta_view(source->file)->schema;
    source->cursors = vj_calloc(budget, (size_t)schema->n_fields, sizeof *source->cursors, err);
    rc = source->cursors != NULL ? VJ_OK : VJ_E_NOMEM;
    if (rc == VJ_OK && source->at.alt_index >= 0)
        rc = vj_colb_init(&source->alt_index, &schema->fields[source->at.alt_index].type, budget,
                          err);
    if (rc == VJ_OK) {
        *out = source;
        source = NULL;
    }
out:
    vj_left_parquet_free(source);
    return rc;
}

static void close_cursors(vj_left_parquet *source)
{
    int32_t n = source->cursors != NULL ? vj_pq_meta_view(source->file)->schema.n_fields : 0;

    for (int32_t f = 0; f < n; f++) {
        vj_pq_cursor_free(source->cursors[f]);
        source->cursors[f] = NULL;
    }
}

void vj_left_parquet_release(vj_left_parquet *source)
{
    close_cursors(source);
    vj_colb_fini(&source->alt_index);
}

void vj_left_parquet_free(vj_left_parquet *source)
{
    if (source == NULL)
        return;
    close_cursors(source);
    vj_free(source->cursors);
    vj_colb_fini(&source->alt_index);
    for (int i = 0; i < 2; i++) {
        vj_pq_cursor_free(source->ahead.cursors[i]);
        vj_colb_fini(&source->ahead.cols[i]);
        vj_colb_fini(&source->ahead.spare[i]);
    }
    vj_pq_free(source->file);
    vj_free(source);
}

const vj_schema *vj_left_parquet_schema(const vj_left_parquet *source)
{
    return &vj_pq_meta_view(source->file)->schema;
}

int64_t vj_left_parquet_bytes_done(const vj_left_parquet *source)
{
    return source->bytes_done;
}

int64_t vj_left_parquet_bytes_total(const vj_left_parquet *source)
{
    return vj_pq_meta_view(source->file)->size_bytes;
}

vj_status vj_left_parquet_rows_new(const vj_left_parquet *source, vj_budget *budget,
                                   vj_left_parquet_rows **out, vj_error *err)
{
    vj_status rc = VJ_E_NOMEM;
    vj_left_parquet_rows *rows = vj_zalloc(budget, sizeof *rows, err);

    *out = NULL;
    if (rows == NULL)
        return VJ_E_NOMEM;
    rows->schema = *vj_left_parquet_schema(source);
    rows->at = source->at;
    rows->keys.keys.budget = rows->keys.contig_names.budget = rows->keys.contig_lengths.budget =
        rows->row_key.budget = rows->key_record.budget = budget;
    vj_map_init(&rows->contigs, budget);
    vj_arena_init(&rows->arena, budget, 0);
    size_t n = (size_t)rows->schema.n_fields;
    rows->builders = vj_calloc(budget, n, sizeof *rows->builders, err);
    rows->cols = vj_calloc(budget, n, sizeof *rows->cols, err);
    if (rows->builders == NULL || rows->cols == NULL)
        goto out;
    for (size_t f = 0; f < n; f++)
        VJ_GO(rc, vj_colb_init(&rows->builders[f], &rows->schema.fields[f].type, budget, err));
    rc = VJ_OK;
    *out = rows;
    rows = NULL;
out:
    vj_left_parquet_rows_free(rows);
    return rc;
}

void vj_left_parquet_rows_free(vj_left_parquet_rows *rows)
{
    if (rows == NULL)
        return;
    for (int32_t f = 0; rows->builders != NULL && f < rows->schema.n_fields; f++)
        vj_colb_fini(&rows->builders[f]);
    vj_free(rows->builders);
    vj_free(rows->cols);
    VJ_VEC_FINI(&rows->keys.keys);
    VJ_VEC_FINI(&rows->keys.contig_names);
    VJ_VEC_FINI(&rows->keys.contig_lengths);
    VJ_VEC_FINI(&rows->row_key);
    VJ_VEC_FINI(&rows->key_record);
    vj_map_fini(&rows->contigs);
    vj_arena_fini(&rows->arena);
    vj_free(rows);
}

/* ---- looking ahead ---- */

/* Both columns from the start of the current row group on. */
static vj_status restart_ahead(vj_left_parquet *source, vj_error *err)
{
    look_ahead *ahead = &source->ahead;
    const int32_t fields[2] = {source->at.chrom, source->at.start};
    const vj_schema *schema = &vj_pq_meta_view(source->file)->schema;

    ahead->row_i = 0;
    for (int i = 0; i < 2; i++) {
        vj_pq_cursor_free(ahead->cursors[i]);
        ahead->cursors[i] = NULL;
        vj_colb_fini(&ahead->cols[i]);
        vj_colb_fini(&ahead->spare[i]);
        VJ_TRY(vj_colb_init(&ahead->cols[i], &schema->fields[fields[i]].type, source->budget, err));
        VJ_TRY(vj_colb_init(&ahead->spare[i], &schema->fields[fields[i]].type, source->budget,
                            err));
        VJ_TRY(vj_pq_cursor_open(source->file, source->rowgroup_i, fields[i], source->budget,
                                 &ahead->cursors[i], err));
    }
    return VJ_OK;
}

/* Rows that were taken leave; the column then begins at the source's row and has n rows. */
static vj_status move_ahead(vj_left_parquet *source, int i, int64_t n, vj_error *err)
{
    look_ahead *ahead = &source->ahead;
    vj_colb kept = ahead->spare[i];
    vj_col all = vj_colb_view(&ahead->cols[i]);
    int64_t gone = VJ_MIN(source->row_i - ahead->row_i, all.n_rows);
    const vj_col *part = NULL;

    vj_colb_reset(&kept);
    vj_status rc = vj_colb_append(&kept, &all, gone, all.n_rows - gone, err);
    ahead->spare[i] = ahead->cols[i];
    ahead->cols[i] = kept;
    VJ_TRY(rc);
    int64_t to_skip = source->row_i + ahead->cols[i].n_rows - vj_pq_cursor_row(ahead->cursors[i]);
    if (to_skip > 0)
        VJ_TRY(vj_pq_cursor_skip(ahead->cursors[i], to_skip, err));
    while (ahead->cols[i].n_rows < n) {
        VJ_TRY(vj_pq_cursor_next(ahead->cursors[i], n - ahead->cols[i].n_rows, &part, err));
        if (part == NULL)
            return vj_fail(err, VJ_E_CORRUPT, "%s: row group %d: expected %lld rows, found %lld",
                           vj_pq_meta_view(source->file)->name, source->rowgroup_i,
                           (long long)(source->row_i + n),
                           (long long)(source->row_i + ahead->cols[i].n_rows));
        VJ_TRY(vj_colb_append(&ahead->cols[i], part, 0, part->n_rows, err));
    }
    ahead->views[i] = vj_colb_view(&ahead->cols[i]);
    return VJ_OK;
}

void vj_left_parquet_place(const vj_left_parquet *source, int64_t i, vj_span *contig,
                           int64_t *pos1)
{
    const vj_col *chrom = &source->ahead.views[0];
    const vj_col *start = &source->ahead.views[1];

    *contig = vj_col_is_null(chrom, i) ? (vj_span){"", 0} : vj_col_bytes(chrom, i);
    *pos1 = vj_col_is_null(start, i) ? -1 : vj_col_i64(start, i);
}

/* ---- read turn ---- */

static vj_status open_rowgroup(vj_left_parquet *source, vj_error *err)
{
    const vj_schema *schema = &vj_pq_meta_view(source->file)->schema;
    vj_pq_cursor *cur = NULL;
    const vj_col *part = NULL;
    vj_status rc = VJ_OK;

    close_cursors(source);
    source->row_i = 0;
    for (int32_t f = 0; f < schema->n_fields; f++)
        VJ_TRY(vj_pq_cursor_open(source->file, source->rowgroup_i, f, source->budget,
                                 &source->cursors[f], err));
    if (source->ahead.wanted)
        VJ_TRY(restart_ahead(source, err));
    if (source->at.alt_index < 0)
        return VJ_OK;
    vj_colb_reset(&source->alt_index);
    VJ_TRY(vj_pq_cursor_open(source->file, source->rowgroup_i, source->at.alt_index,
                             source->budget, &cur, err));
    do {
        VJ_GO(rc, vj_pq_cursor_next(cur, INT32_MAX, &part, err));
        if (part != NULL)
            VJ_GO(rc, vj_colb_append(&source->alt_index, part, 0, part->n_rows, err));
    } while (part != NULL);
out:
    vj_pq_cursor_free(cur);
    return rc;
}

/* Make the current row group one with rows left; false at the end of the file. */
static vj_status advance(vj_left_parquet *source, bool *out_more, vj_error *err)
{
    const vj_pq_meta *meta = vj_pq_meta_view(source->file);

    while (source->rowgroup_i < meta->n_rowgroups) {
        if (source->rowgroup_i >= 0) {
            vj_pq_rowgroup group = vj_pq_rowgroup_view(source->file, source->rowgroup_i);

            if (source->row_i < group.n_rows) {
                *out_more = true;
                return VJ_OK;
            }
            source->bytes_done += group.compressed_bytes;
            source->first_row += group.n_rows;
        }
        if (++source->rowgroup_i < meta->n_rowgroups)
            VJ_TRY(open_rowgroup(source, err));
    }
    *out_more = false;
    return VJ_OK;
}

/* The first row from `from` on, below end, whose alt_index is above 1 (or is not). */
static int64_t next_above(const vj_col *alt_index, int64_t from, int64_t end, bool above)
{
    while (from < end &&
           (!vj_col_is_null(alt_index, from) && vj_col_i64(alt_index, from) > 1) != above)
        from++;
    return from;
}

/* The row of the group at or after row_i, at most n_rows, where an allele of all samples begins. */
static int64_t allele_begin(const vj_left_parquet *source, int64_t row_i, int64_t n_rows)
{
    int64_t over = (source->first_row + row_i) % source->n_samples;

    return over == 0 ? row_i : VJ_MIN(row_i + source->n_samples - over, n_rows);
}

/* Rows at the beginning of the current group that belong to the record before them. */
static int64_t rows_of_last_record(vj_left_parquet *source)
{
    int64_t n_rows = vj_pq_rowgroup_view(source->file, source->rowgroup_i).n_rows;
    int64_t n = allele_begin(source, 0, n_rows);

    if (source->at.alt_index < 0)
        return n;
    vj_col alt_index = vj_colb_view(&source->alt_index);
    return next_above(&alt_index, n, n_rows, false);
}

/*
 * Rows to take: want, and on to the end of the record that it would cut. With several samples a
 * record is 1 1 1 2 2 2 3 3 3: it begins as many rows before its first 2 as there are of these.
 */
static int64_t whole_records(vj_left_parquet *source, int64_t want)
{
    vj_pq_rowgroup group = vj_pq_rowgroup_view(source->file, source->rowgroup_i);
    int64_t left = group.n_rows - source->row_i;

    if (want >= left)
        return left;
    int64_t end = allele_begin(source, source->row_i + want, group.n_rows);
    if (source->at.alt_index < 0)
        return end - source->row_i;
    vj_col alt_index = vj_colb_view(&source->alt_index);
    int64_t second = next_above(&alt_index, end, group.n_rows, true);
    int64_t n_samples = 0;
    while (second + n_samples < group.n_rows && !vj_col_is_null(&alt_index, second + n_samples) &&
           vj_col_i64(&alt_index, second + n_samples) == vj_col_i64(&alt_index, second))
        n_samples++;
    if (second < group.n_rows && second - n_samples < end)
        end = next_above(&alt_index, second, group.n_rows, false);
    return end - source->row_i;
}

vj_status vj_left_parquet_peek(vj_left_parquet *source, int64_t want_rows, int64_t *out_n,
                               vj_error *err)
{
    look_ahead *ahead = &source->ahead;
    bool was_wanted = ahead->wanted;
    bool more = false;

    *out_n = 0;
    ahead->wanted = true;
    VJ_TRY(advance(source, &more, err));
    if (!more)
        return VJ_OK;
    if (!was_wanted && ahead->cursors[0] == NULL)
        VJ_TRY(restart_ahead(source, err));
    int64_t n = whole_records(source, want_rows);
    for (int i = 0; i < 2; i++)
        VJ_TRY(move_ahead(source, i, n, err));
    ahead->row_i = source->row_i;
    *out_n = n;
    return VJ_OK;
}

/* The next n rows of the current group. */
static vj_status read_rows(vj_left_parquet *source, int64_t n, vj_left_parquet_rows *rows,
                           vj_error *err)
{
    const vj_col *part = NULL;

    rows->n_rows += n;
    for (int32_t f = 0; f < rows->schema.n_fields; f++) {
        vj_colb *b = &rows->builders[f];

        while (b->n_rows < rows->n_rows) {
            VJ_TRY(vj_pq_cursor_next(source->cursors[f], rows->n_rows - b->n_rows, &part, err));
            if (part == NULL)
                return vj_fail(err, VJ_E_CORRUPT,
                               "%s: column %s: row group %d: expected %lld rows, found %lld",
                               vj_pq_meta_view(source->file)->name, rows->schema.fields[f].name,
                               source->rowgroup_i, (long long)(source->row_i + n),
                               (long long)(source->row_i + n + b->n_rows - rows->n_rows));
            VJ_TRY(vj_colb_append(b, part, 0, part->n_rows, err));
        }
    }
    source->row_i += n;
    return VJ_OK;
}

vj_status vj_left_parquet_read(vj_left_parquet *source, int64_t want_rows,
                               vj_left_parquet_rows *rows, bool *out_more, vj_error *err)
{
    bool more = true;

    for (int32_t f = 0; f < rows->schema.n_fields; f++)
        vj_colb_reset(&rows->builders[f]);
    rows->n_rows = 0;
    VJ_TRY(advance(source, out_more, err));
    if (!*out_more)
        return VJ_OK;
    VJ_TRY(read_rows(source, whole_records(source, want_rows), rows, err));
    /* a row group may end in the middle of a record: its ALTs tell each other's keys (S-25) */
    while (source->row_i >= vj_pq_rowgroup_view(source->file, source->rowgroup_i).n_rows) {
        VJ_TRY(advance(source, &more, err));
        int64_t n = more ? rows_of_last_record(source) : 0;
        if (n == 0)
            break;
        VJ_TRY(read_rows(source, n, rows, err));
    }
    return VJ_OK;
}

/* ---- keys ---- */

static vj_status contig_of(vj_left_parquet_rows *rows, vj_span shown, int32_t *out,
                           vj_error *err)
{
    int64_t i = 0;
    bool is_new = false;

    VJ_TRY(vj_map_put(&rows->contigs, shown, 0, &i, &is_new, err));
    if (is_new) {
        int64_t unknown = -1;

        VJ_TRY(VJ_VEC_PUSH(&rows->keys.contig_names, rows->contigs.keys[i], err));
        VJ_TRY(VJ_VEC_PUSH(&rows->keys.contig_lengths, unknown, err));
    }
    *out = (int32_t)i;
    return VJ_OK;
}

static vj_status fold_copy(vj_arena *arena, vj_span *text, vj_error *err)
{
    char *copy = NULL;

    for (size_t i = 0; i < text->len_bytes; i++) {
        if (text->ptr[i] < 'a' || text->ptr[i] > 'z')
            continue;
        if (copy == NULL &&
            (copy = vj_arena_strndup(arena, text->ptr, text->len_bytes, err)) == NULL)
            return VJ_E_NOMEM;
        copy[i] = (char)(text->ptr[i] - 32);
    }
    if (copy != NULL)
        text->ptr = copy;
    return VJ_OK;
}

static bool is_null(const vj_left_parquet_rows *rows, int32_t col_i, int64_t row_i)
{
    return col_i >= 0 && vj_col_is_null(&rows->cols[col_i], row_i);
}

static int64_t alt_index_of(const vj_left_parquet_rows *rows, int64_t row_i)
{
    int32_t c = rows->at.alt_index;

    return c < 0 || row_i >= rows->n_rows || vj_col_is_null(&rows->cols[c], row_i)
               ? 0
               : vj_col_i64(&rows->cols[c], row_i);
}

/* Same record as the row before: the site agrees. */
static bool same_site(const vj_left_parquet_rows *rows, int64_t a, int64_t b)
{
    const vj_col *cols = rows->cols;

    return !is_null(rows, rows->at.start, a) && !is_null(rows, rows->at.start, b) &&
           vj_col_i64(&cols[rows->at.start], a) == vj_col_i64(&cols[rows->at.start], b) &&
           !is_null(rows, rows->at.ref, a) && !is_null(rows, rows->at.ref, b) &&
           vj_span_eq(vj_col_bytes(&cols[rows->at.ref], a),
                      vj_col_bytes(&cols[rows->at.ref], b)) &&
           !is_null(rows, rows->at.chrom, a) && !is_null(rows, rows->at.chrom, b) &&
           vj_span_eq(vj_col_bytes(&cols[rows->at.chrom], a),
                      vj_col_bytes(&cols[rows->at.chrom], b));
}

static vj_status add_key(vj_left_parquet_rows *rows, int64_t i, bool split, vj_error *err)
{
    const vj_col *cols = rows->cols;
    vj_key key = {0};

    if (!is_null(rows, rows->at.chrom, i))
        VJ_TRY(contig_of(rows, vj_contig_shown(vj_col_bytes(&cols[rows->at.chrom], i)),
                         &key.contig, err));
    else
        VJ_TRY(contig_of(rows, (vj_span){"", 0}, &key.contig, err));
    if (!is_null(rows, rows->at.start, i))
        key.pos1 = vj_col_i64(&cols[rows->at.start], i);
    if (!is_null(rows, rows->at.ref, i))
        key.ref = vj_col_bytes(&cols[rows->at.ref], i);
    if (!is_null(rows, rows->at.alt, i))
        key.alt = vj_col_bytes(&cols[rows->at.alt], i);
    key.matchable = !is_null(rows, rows->at.chrom, i) && !is_null(rows, rows->at.start, i) &&
                    vj_allele_is_plain(key.ref) && vj_allele_is_plain(key.alt);
    if (key.matchable && split) {
        vj_allele_trim(&key.ref, &key.alt, &key.pos1);
        key.trimmed = true;
    }
    VJ_TRY(fold_copy(&rows->arena, &key.ref, err));
    VJ_TRY(fold_copy(&rows->arena, &key.alt, err));
    return VJ_VEC_PUSH(&rows->keys.keys, key, err);
}

/* Whether row b belongs to the allele that begins at row a: until a's sample comes back. */
static bool same_allele(const vj_left_parquet_rows *rows, int64_t a, int64_t b)
{
    if (rows->at.sample < 0 || !same_site(rows, a, b) ||
        alt_index_of(rows, a) != alt_index_of(rows, b))
        return false;
    const vj_col *sample = &rows->cols[rows->at.sample];
    const vj_col *alt = &rows->cols[rows->at.alt];
    if (vj_col_is_null(sample, a) || vj_col_is_null(sample, b) ||
        vj_span_eq(vj_col_bytes(sample, a), vj_col_bytes(sample, b)))
        return false;
    return vj_col_is_null(alt, a) == vj_col_is_null(alt, b) &&
           (vj_col_is_null(alt, a) || vj_span_eq(vj_col_bytes(alt, a), vj_col_bytes(alt, b)));
}

/* Whether a row's record had several ALTs: a later alt_index stands at the same site. */
static bool is_split(const vj_left_parquet_rows *rows, int64_t i)
{
    if (alt_index_of(rows, i) > 1)
        return true;
    for (int64_t k = i + 1; k < rows->n_rows && same_site(rows, i, k); k++) {
        int64_t index = alt_index_of(rows, k);

        if (index > 1)
            return true;
        if (rows->at.sample < 0 || index != alt_index_of(rows, i))
            return false;
    }
    return false;
}

static void fill_left(vj_left_parquet_rows *rows, int64_t n_records, vj_left *left)
{
    rows->counts = (vj_vcf_counts){.n_records = n_records,
                                   .n_alleles = (int64_t)rows->keys.keys.n,
                                   .n_rows = rows->n_rows};
    left->n_rows = rows->n_rows;
    left->cols = rows->cols;
    left->keys = &rows->keys;
    left->row_key = rows->row_key.ptr;
    left->key_record = rows->key_record.ptr;
    left->n_records = n_records;
    left->counts = &rows->counts;
}

vj_status vj_left_parquet_keys(vj_left_parquet_rows *rows, vj_left *left, vj_error *err)
{
    int64_t n_records = 0;
    int64_t allele_row = 0;

    vj_arena_reset(&rows->arena);
    VJ_VEC_RESET(&rows->keys.keys);
    VJ_VEC_RESET(&rows->row_key);
    VJ_VEC_RESET(&rows->key_record);
    for (int32_t f = 0; f < rows->schema.n_fields; f++)
        rows->cols[f] = vj_colb_view(&rows->builders[f]);
    for (int64_t i = 0; i < rows->n_rows; i++) {
        if (i == 0 || !same_allele(rows, allele_row, i)) {
            allele_row = i;
            VJ_TRY(add_key(rows, i, is_split(rows, i), err));
            n_records += i == 0 || alt_index_of(rows, i) <= 1 || !same_site(rows, i - 1, i);
            VJ_TRY(VJ_VEC_PUSH(&rows->key_record, (int32_t)n_records - 1, err));
        }
        VJ_TRY(VJ_VEC_PUSH(&rows->row_key, (int32_t)rows->keys.keys.n - 1, err));
    }
    fill_left(rows, n_records, left);
    return VJ_OK;
}
