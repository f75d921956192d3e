#include "reference/refparquet.h"

#include "built/rowscan.h"

#define SLICE_ROWS 16384
/* Places of the database that the planner looks at, and rows at each. */
#define SAMPLE_PLACES 16
#define SAMPLE_ROWS 16384

struct vj_refparquet {
    vj_database *db;
    vj_budget *budget;
    vj_arena arena;
    vj_schema schema; /* of the built files: ALT is text */
    vj_schema source; /* the same columns as the files have them */
    int32_t **from;   /* per file: its field for each column, -1: none */
    vj_built_options facts;
    vj_rowscan scan;
    vj_colb *picked;  /* rows that are left when some are dropped or split */
    vj_col *cols;
    vj_colb start, ref, alt; /* of the rows picked */
    VJ_VEC(int32_t) rows;
};

/* ---- schema ---- */

static bool same_name(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static const vj_field *union_field(const vj_database *db, const char *name)
{
    for (int32_t c = 0; c < db->n_columns; c++)
        if (same_name(db->columns[c].field.name, name))
            return &db->columns[c].field;
    return NULL;
}

static vj_status add_field(vj_refparquet *in, const vj_field *field, int32_t *n, vj_error *err)
{
    vj_field *source = (vj_field *)(uintptr_t)in->source.fields;
    vj_field *target = (vj_field *)(uintptr_t)in->schema.fields;

    VJ_TRY(vj_field_copy(&in->arena, field, &source[*n], err));
    source[*n].nullable = true;
    target[*n] = source[*n];
    (*n)++;
    return VJ_OK;
}

/* The first file's columns in their order, then what only later files have. */
static vj_status make_schema(vj_refparquet *in, vj_error *err)
{
    const vj_database *db = in->db;
    const vj_db_file *first = &db->files[0];
    size_t cap = (size_t)db->n_columns + 4;
    int32_t n = 0;

    in->source.fields = vj_arena_zalloc(&in->arena, cap * sizeof(vj_field), err);
    in->schema.fields = vj_arena_zalloc(&in->arena, cap * sizeof(vj_field), err);
    if (in->source.fields == NULL || in->schema.fields == NULL)
        return VJ_E_NOMEM;
    for (int32_t f = 0; f < first->schema->n_fields; f++) {
        const vj_field *field = union_field(db, first->schema->fields[f].name);

        VJ_TRY(add_field(in, field != NULL ? field : &first->schema->fields[f], &n, err));
    }
    for (int32_t c = 0; c < db->n_columns; c++)
        if (vj_db_field_find(first, db->columns[c].field.name) < 0)
            VJ_TRY(add_field(in, &db->columns[c].field, &n, err));
    in->source.n_fields = in->schema.n_fields = n;
    in->facts.chrom_i = first->chrom_i;
    in->facts.start_i = first->start_i;
    in->facts.ref_i = first->ref_i;
    in->facts.alt_i = first->alt_i;
    in->facts.start_base = db->start_base;
    ((vj_field *)(uintptr_t)in->schema.fields)[first->alt_i].type = vj_type_of(VJ_TEXT);
    return VJ_OK;
}

/* A built database keeps every value as it was: types that differ are made one by who wrote them. */
static vj_status check_type(const vj_database *db, const vj_db_file *file, int32_t f, vj_error *err)
{
    const vj_field *stored = f >= 0 ? &file->schema->fields[f] : NULL;
    char one[96], all[96];

    for (int32_t c = 0; stored != NULL && c < db->n_columns; c++)
        if (db->columns[c].widened && same_name(db->columns[c].field.name, stored->name) &&
            stored->type.logical != VJ_LOGICAL_NULL &&
            !vj_type_eq(&stored->type, &db->columns[c].field.type))
            return vj_fail(err, VJ_E_SCHEMA,
                           "%s: column %s is %s here and %s over all files: write the files of a "
                           "database alike before they are built", file->path, stored->name,
                           vj_type_name(&stored->type, one, sizeof one),
                           vj_type_name(&db->columns[c].field.type, all, sizeof all));
    return VJ_OK;
}

static vj_status map_files(vj_refparquet *in, vj_error *err)
{
    const vj_database *db = in->db;
    size_t n = (size_t)in->schema.n_fields;

    in->from = vj_arena_zalloc(&in->arena, (size_t)db->n_files * sizeof *in->from, err);
    for (int32_t i = 0; in->from != NULL && i < db->n_files; i++) {
        in->from[i] = vj_arena_zalloc(&in->arena, n * sizeof **in->from, err);
        if (in->from[i] == NULL)
            return VJ_E_NOMEM;
        for (size_t c = 0; c < n; c++) {
            int32_t f = vj_db_field_find(&db->files[i], in->source.fields[c].name);

            VJ_TRY(check_type(db, &db->files[i], f, err));

            /* an all-null column of no type is as good as an absent one */
            if (f >= 0 && db->files[i].schema->fields[f].type.logical == VJ_LOGICAL_NULL &&
                in->source.fields[c].type.logical != VJ_LOGICAL_NULL)
                f = -1;
            in->from[i][c] = f;
        }
    }
    return in->from != NULL ? VJ_OK : VJ_E_NOMEM;
}

/* ---- what the footers prove ---- */

typedef struct one_value {
    bool any_null, any_value, proven;
    int64_t number;
    vj_span bytes;
} one_value;

static void look_at_chunk(const vj_db_rowgroup *group, const vj_pq_stats *s, const vj_type *type,
                          one_value *v)
{
    bool text = type->kind == VJ_TEXT;

    if (s->n_nulls == group->n_rows) {
        v->any_null = true;
    } else if (s->n_nulls != 0 || !s->has_bounds) {
        v->proven = false;
    } else if (text) {
        /* equal bounds are one value, exact or not, unless both were cut at the same length */
        v->proven &= s->min_bytes.len_bytes < 64 && vj_span_eq(s->min_bytes, s->max_bytes) &&
                     (!v->any_value || vj_span_eq(v->bytes, s->min_bytes));
        v->bytes = s->min_bytes;
        v->any_value = true;
    } else {
        v->proven &= s->min_i64 == s->max_i64 && (!v->any_value || v->number == s->min_i64);
        v->number = s->min_i64;
        v->any_value = true;
    }
}

static bool proven_constant(const vj_refparquet *in, int32_t column_i)
{
    const vj_database *db = in->db;
    const vj_type *type = &in->source.fields[column_i].type;
    one_value v = {.proven = true};

    if (type->n_kids > 0)
        return false;
    for (int32_t g = 0; v.proven && g < db->n_rowgroups; g++) {
        const vj_db_rowgroup *group = &db->rowgroups[g];
        const vj_db_file *file = &db->files[group->file_i];
        int32_t field_i = in->from[group->file_i][column_i];
        int32_t leaf = 0;
        int32_t leaf_end = 0;

        if (field_i >= 0 && file->built != NULL && file->built->columns[field_i].how ==
                                                       VJ_BUILT_CONSTANT)
            return true; /* all files of a database have one layout */
        if (field_i >= 0)
            field_i = vj_db_physical(file, field_i);
        else if (file->built == NULL) {
            v.any_null = true;
            continue;
        }
        if (field_i < 0)
            return false;
        vj_pq_field_leaves(file->pq, field_i, &leaf, &leaf_end);
        vj_pq_stats stats = vj_pq_chunk_view(file->pq, group->rowgroup_i, leaf).stats;
        look_at_chunk(group, &stats, type, &v);
    }
    return v.proven && !(v.any_null && v.any_value);
}

static vj_status find_constants(vj_refparquet *in, vj_error *err)
{
    bool *constant = vj_arena_zalloc(&in->arena, (size_t)in->schema.n_fields, err);

    if (constant == NULL)
        return VJ_E_NOMEM;
    for (int32_t c = 0; c < in->schema.n_fields; c++)
        constant[c] = proven_constant(in, c);
    in->facts.constant = constant;
    return VJ_OK;
}

/* ---- open ---- */

static vj_status init_buffers(vj_refparquet *in, vj_error *err)
{
    size_t n = (size_t)in->schema.n_fields;

    in->picked = vj_calloc(in->budget, n, sizeof *in->picked, err);
    in->cols = vj_calloc(in->budget, n, sizeof *in->cols, err);
    if (in->picked == NULL || in->cols == NULL)
        return VJ_E_NOMEM;
    for (size_t i = 0; i < n; i++)
        VJ_TRY(vj_colb_init(&in->picked[i], &in->source.fields[i].type, in->budget, err));
    VJ_TRY(vj_colb_init(&in->start, &in->schema.fields[in->facts.start_i].type, in->budget, err));
    VJ_TRY(vj_colb_init(&in->ref, &in->schema.fields[in->facts.ref_i].type, in->budget, err));
    VJ_TRY(vj_colb_init(&in->alt, &in->schema.fields[in->facts.alt_i].type, in->budget, err));
    return vj_rowscan_init(&in->scan, &in->source, in->budget, err);
}

vj_status vj_refparquet_open(const char *path, int start_base, bool ignore_checksums,
                             vj_budget *budget, vj_refparquet **out, vj_error *err)
{
    vj_job_database spec = {"database", path, NULL};
    vj_refparquet *in = vj_zalloc(budget, sizeof *in, err);
    vj_status rc = VJ_OK;

    *out = NULL;
    if (in == NULL)
        return VJ_E_NOMEM;
    in->budget = budget;
    in->rows.budget = budget;
    vj_arena_init(&in->arena, budget, 16384);
    VJ_GO(rc, vj_database_open(&spec, start_base, ignore_checksums, budget, &in->db, err));
    if (in->db->n_files == 0)
        VJ_GO(rc, vj_fail(err, VJ_E_NOTFOUND, "%s: no Parquet file there", path));
    VJ_GO(rc, make_schema(in, err));
    VJ_GO(rc, map_files(in, err));
    VJ_GO(rc, find_constants(in, err));
    VJ_GO(rc, init_buffers(in, err));
    *out = in;
    in = NULL;
out:
    vj_refparquet_free(in);
    return rc;
}

void vj_refparquet_free(vj_refparquet *in)
{
    if (in == NULL)
        return;
    vj_rowscan_fini(&in->scan);
    for (int32_t i = 0; in->picked != NULL && i < in->schema.n_fields; i++)
        vj_colb_fini(&in->picked[i]);
    vj_colb_fini(&in->start);
    vj_colb_fini(&in->ref);
    vj_colb_fini(&in->alt);
    vj_free(in->picked);
    vj_free(in->cols);
    VJ_VEC_FINI(&in->rows);
    vj_database_free(in->db);
    vj_arena_fini(&in->arena);
    vj_free(in);
}

const vj_database *vj_refparquet_database(const vj_refparquet *in)
{
    return in->db;
}

const vj_schema *vj_refparquet_schema(const vj_refparquet *in)
{
    return &in->schema;
}

const vj_built_options *vj_refparquet_facts(const vj_refparquet *in)
{
    return &in->facts;
}

/* ---- rows: drop what cannot match, split what has several ALTs ---- */

static bool is_joined(vj_span alt)
{
    return alt.len_bytes > 0 && (memchr(alt.ptr, ',', alt.len_bytes) != NULL ||
                                 memchr(alt.ptr, '|', alt.len_bytes) != NULL);
}

/* Nothing to be done: every row has a key and one ALT, and ALT is text already. */
static bool rows_are_simple(const vj_refparquet *in, const vj_batch *rows)
{
    const int32_t keys[] = {in->facts.chrom_i, in->facts.start_i, in->facts.ref_i,
                            in->facts.alt_i};
    const vj_col *alt = &rows->cols[in->facts.alt_i];

    for (size_t k = 0; k < VJ_COUNT(keys); k++)
        if (rows->cols[keys[k]].valid != NULL && vj_col_null_count(&rows->cols[keys[k]]) > 0)
            return false;
    if (in->db->alt_is_list)
        return false;
    for (int64_t i = 0; i < rows->n_rows; i++)
        if (is_joined(vj_col_bytes(alt, i)))
            return false;
    return true;
}

/* One row out, with these alleles. */
static vj_status pick(vj_refparquet *in, int64_t row, int64_t start, vj_span ref, vj_span alt,
                      vj_error *err)
{
    VJ_TRY(VJ_VEC_PUSH(&in->rows, (int32_t)row, err));
    VJ_TRY(vj_colb_int(&in->start, start, err));
    VJ_TRY(vj_colb_bytes(&in->ref, ref.ptr, ref.len_bytes, err));
    return vj_colb_bytes(&in->alt, alt.ptr, alt.len_bytes, err);
}

static bool same_folded(vj_span a, vj_span b)
{
    if (a.len_bytes != b.len_bytes)
        return false;
    for (size_t i = 0; i < a.len_bytes; i++) {
        char x = a.ptr[i] >= 'a' && a.ptr[i] <= 'z' ? (char)(a.ptr[i] - 32) : a.ptr[i];
        char y = b.ptr[i] >= 'a' && b.ptr[i] <= 'z' ? (char)(b.ptr[i] - 32) : b.ptr[i];

        if (x != y)
            return false;
    }
    return true;
}

/* ALTs of one row that come to the same key count once (S-31). */
static bool picked_already(vj_refparquet *in, int64_t first, int64_t start, vj_span ref,
                           vj_span alt)
{
    vj_col starts = vj_colb_view(&in->start);
    vj_col refs = vj_colb_view(&in->ref);
    vj_col alts = vj_colb_view(&in->alt);

    for (int64_t i = first; i < starts.n_rows; i++)
        if (vj_col_i64(&starts, i) == start && same_folded(vj_col_bytes(&refs, i), ref) &&
            same_folded(vj_col_bytes(&alts, i), alt))
            return true;
    return false;
}

static vj_status pick_trimmed(vj_refparquet *in, int64_t row, int64_t first, int64_t start,
                              vj_span ref, vj_span alt, vj_error *err)
{
    if (vj_allele_is_plain(ref) && vj_allele_is_plain(alt))
        vj_allele_trim(&ref, &alt, &start);
    if (picked_already(in, first, start, ref, alt))
        return VJ_OK;
    return pick(in, row, start, ref, alt, err);
}

static vj_status pick_joined(vj_refparquet *in, int64_t row, int64_t start, vj_span ref,
                             vj_span alt, vj_error *err)
{
    int64_t first = in->start.n_rows;
    size_t beg = 0;

    if (!is_joined(alt))
        return pick(in, row, start, ref, alt, err);
    for (size_t i = 0; i <= alt.len_bytes; i++) {
        if (i < alt.len_bytes && alt.ptr[i] != ',' && alt.ptr[i] != '|')
            continue;
        VJ_TRY(pick_trimmed(in, row, first, start, ref, (vj_span){alt.ptr + beg, i - beg}, err));
        beg = i + 1;
    }
    return VJ_OK;
}

static vj_status pick_list(vj_refparquet *in, int64_t row, int64_t start, vj_span ref,
                           const vj_col *alt, vj_error *err)
{
    int64_t first = in->start.n_rows;
    int32_t beg = alt->offs[row];
    int32_t end = alt->offs[row + 1];

    for (int32_t i = beg; i < end; i++) {
        if (vj_col_is_null(&alt->kids[0], i))
            continue;
        vj_span one = vj_col_bytes(&alt->kids[0], i);
        if (end - beg > 1)
            VJ_TRY(pick_trimmed(in, row, first, start, ref, one, err));
        else
            VJ_TRY(pick(in, row, start, ref, one, err));
    }
    return VJ_OK;
}

static vj_status pick_row(vj_refparquet *in, const vj_batch *rows, int64_t i, vj_error *err)
{
    const vj_built_options *f = &in->facts;
    const vj_col *alt = &rows->cols[f->alt_i];

    if (vj_col_is_null(&rows->cols[f->chrom_i], i) || vj_col_is_null(&rows->cols[f->start_i], i) ||
        vj_col_is_null(&rows->cols[f->ref_i], i) || vj_col_is_null(alt, i))
        return VJ_OK;
    int64_t start = vj_col_i64(&rows->cols[f->start_i], i);
    vj_span ref = vj_col_bytes(&rows->cols[f->ref_i], i);
    return in->db->alt_is_list ? pick_list(in, i, start, ref, alt, err)
                               : pick_joined(in, i, start, ref, vj_col_bytes(alt, i), err);
}

/* Rows of a slice as they go into the files. *out views the scan or the picked rows. */
static vj_status transform(vj_refparquet *in, const vj_batch *rows, vj_batch *out,
                           int64_t *n_dropped, vj_error *err)
{
    int64_t n_gone = 0;

    *out = *rows;
    out->schema = &in->schema;
    if (rows_are_simple(in, rows))
        return VJ_OK;
    VJ_VEC_RESET(&in->rows);
    vj_colb_reset(&in->start);
    vj_colb_reset(&in->ref);
    vj_colb_reset(&in->alt);
    for (int64_t i = 0; i < rows->n_rows; i++) {
        size_t before = in->rows.n;

        VJ_TRY(pick_row(in, rows, i, err));
        n_gone += in->rows.n == before;
    }
    *n_dropped += n_gone;
    for (int32_t c = 0; c < in->schema.n_fields; c++) {
        if (c == in->facts.start_i || c == in->facts.ref_i || c == in->facts.alt_i)
            continue;
        vj_colb_reset(&in->picked[c]);
        VJ_TRY(vj_colb_gather(&in->picked[c], &rows->cols[c], in->rows.ptr, (int64_t)in->rows.n,
                              err));
        in->cols[c] = vj_colb_view(&in->picked[c]);
    }
    in->cols[in->facts.start_i] = vj_colb_view(&in->start);
    in->cols[in->facts.ref_i] = vj_colb_view(&in->ref);
    in->cols[in->facts.alt_i] = vj_colb_view(&in->alt);
    *out = (vj_batch){&in->schema, (int64_t)in->rows.n, in->cols};
    return VJ_OK;
}

/* ---- sample ---- */

static vj_status sample_place(vj_refparquet *in, int64_t row, vj_colb *sample, vj_error *err)
{
    const vj_database *db = in->db;
    int32_t g = 0;
    vj_batch slice;
    vj_batch rows;
    int64_t dropped = 0;

    while (g + 1 < db->n_rowgroups && db->rowgroups[g + 1].first_row <= row)
        g++;
    const vj_db_rowgroup *group = &db->rowgroups[g];
    const vj_db_file *file = &db->files[group->file_i];
    vj_rowscan_seek(&in->scan, file->pq, file->built, in->from[group->file_i], group->rowgroup_i,
                    VJ_MIN(row - group->first_row, VJ_MAX(group->n_rows - SAMPLE_ROWS, 0)));
    VJ_TRY(vj_rowscan_next(&in->scan, SAMPLE_ROWS, &slice, err));
    VJ_TRY(transform(in, &slice, &rows, &dropped, err));
    for (int32_t c = 0; c < in->schema.n_fields; c++)
        VJ_TRY(vj_colb_append(&sample[c], &rows.cols[c], 0, rows.n_rows, err));
    return VJ_OK;
}

static vj_status plan_from(vj_refparquet *in, vj_colb *sample, vj_built **out, vj_error *err)
{
    int64_t n = in->db->n_rows;
    int64_t n_places = VJ_MIN(SAMPLE_PLACES, (n + SAMPLE_ROWS - 1) / SAMPLE_ROWS);

    for (int32_t c = 0; c < in->schema.n_fields; c++)
        VJ_TRY(vj_colb_init(&sample[c], &in->schema.fields[c].type, in->budget, err));
    for (int64_t i = 0; i < n_places; i++)
        VJ_TRY(sample_place(in, n / n_places * i, sample, err));
    for (int32_t c = 0; c < in->schema.n_fields; c++)
        in->cols[c] = vj_colb_view(&sample[c]);
    vj_batch batch = {&in->schema, in->cols[in->facts.start_i].n_rows, in->cols};
    return vj_built_plan(&batch, &in->facts, in->budget, out, err);
}

vj_status vj_refparquet_plan(vj_refparquet *in, vj_built **out, vj_error *err)
{
    vj_colb *sample = vj_calloc(in->budget, (size_t)in->schema.n_fields, sizeof *sample, err);

    *out = NULL;
    if (sample == NULL)
        return VJ_E_NOMEM;
    vj_status rc = plan_from(in, sample, out, err);
    for (int32_t c = 0; c < in->schema.n_fields; c++)
        vj_colb_fini(&sample[c]);
    vj_free(sample);
    return rc;
}

/* ---- all rows ---- */

static vj_status read_rowgroup(vj_refparquet *in, const vj_db_rowgroup *group, vj_refsort *sort,
                               vj_refparquet_note note, void *ctx, vj_reference_result *result,
                               vj_error *err)
{
    const vj_db_file *file = &in->db->files[group->file_i];
    vj_batch slice = {.n_rows = 1};

    vj_rowscan_seek(&in->scan, file->pq, file->built, in->from[group->file_i], group->rowgroup_i,
                    0);
    for (;;) {
        vj_batch rows;

        VJ_TRY(vj_rowscan_next(&in->scan, SLICE_ROWS, &slice, err));
        if (slice.n_rows == 0)
            return VJ_OK;
        const vj_col *start = &slice.cols[in->facts.start_i];
        int64_t watermark = vj_col_is_null(start, slice.n_rows - 1)
                                ? INT64_MIN
                                : vj_col_i64(start, slice.n_rows - 1);
        VJ_TRY(transform(in, &slice, &rows, &result->n_dropped, err));
        VJ_TRY(vj_refsort_append(sort, &rows, watermark, err));
        result->n_records += slice.n_rows;
        result->n_rows += rows.n_rows;
        VJ_TRY(note(ctx, slice.n_rows, rows.n_rows, err));
    }
}

vj_status vj_refparquet_read(vj_refparquet *in, int32_t contig, vj_refsort *sort,
                             vj_refparquet_note note, void *ctx, vj_reference_result *result,
                             vj_error *err)
{
    for (int32_t g = 0; g < in->db->n_rowgroups; g++)
        if (contig < 0 || in->db->rowgroups[g].contig == contig)
            VJ_TRY(read_rowgroup(in, &in->db->rowgroups[g], sort, note, ctx, result, err));
    return VJ_OK;
}
