#include "native/refscan.h"

#include <stdio.h>
#include <stdlib.h>

/* Positions decoded in one step: bounds memory against row groups of any size. */
#define SLICE_ROWS ((int64_t)1 << 17)

/* A cursor that stays with its column. */
typedef struct kept_cursor {
    vj_pq_cursor *cursor;
    const vj_pq_file *file;
    int32_t rowgroup_i;
} kept_cursor;

typedef VJ_VEC(kept_cursor) kept_cursors; /* by physical column */

struct vj_refscan {
    const vj_plan *plan;
    vj_budget *budget;
    vj_candidates candidates;
    vj_pairs pairs;
    vj_pq_ranges ranges;
    vj_pq_cursor *cursor; /* aimed at one compressed column after the other */
    const vj_pq_file *cursor_file;
    kept_cursors *kept_of_db; /* two a database: of its rare tier, of other row groups */
    kept_cursors *kept; /* those of the row group at hand */
    bool scattered;     /* which is of the rare tier */
    vj_pq_cache *cache;   /* shared by the workers */
    vj_built_reader *reader; /* rows by logical column */
    bool at_edge; /* the row group is the first or the last of the batch */
    VJ_VEC(int32_t) rows;      /* rows to select, ascending */
    VJ_VEC(int64_t) starts;    /* their starts, in the file's counting */
    VJ_VEC(int32_t) matched;   /* rows that matched, and which of rows they are */
    VJ_VEC(int32_t) which;
    VJ_VEC(int32_t) live_groups; /* row groups that some key may fall into */
    VJ_VEC(int32_t) live_runs; /* runs of the index that the row group may hold */
    VJ_VEC(int32_t) run_code;  /* per run: the database's contig code, -1: unknown to it */
    VJ_VEC(int32_t) cand_row;  /* per candidate: its place in rows */
    vj_colb chrom, ref, alt;
    vj_colb ref_each, alt_each; /* per candidate, where some share a row */
};

/* ---- matches ---- */

vj_status vj_matches_init(vj_matches *matches, const vj_database *db, vj_budget *budget,
                          vj_error *err)
{
    *matches = (vj_matches){0};
    matches->pairs.budget = matches->first.budget = matches->by_key.budget =
        matches->best.budget = matches->contig_known.budget = budget;
    matches->payload = vj_calloc(budget, (size_t)VJ_MAX(db->n_columns, 1),
                                 sizeof *matches->payload, err);
    if (matches->payload == NULL)
        return VJ_E_NOMEM;
    for (int32_t c = 0; c < db->n_columns; c++) {
        if (db->columns[c].name == NULL)
            continue;
        VJ_TRY(vj_colb_init(&matches->payload[matches->n_payload++], &db->columns[c].field.type,
                            budget, err));
    }
    return VJ_OK;
}

void vj_matches_fini(vj_matches *matches)
{
    VJ_VEC_FINI(&matches->pairs);
    VJ_VEC_FINI(&matches->first);
    VJ_VEC_FINI(&matches->by_key);
    VJ_VEC_FINI(&matches->best);
    VJ_VEC_FINI(&matches->contig_known);
    for (int32_t i = 0; i < matches->n_payload; i++)
        vj_colb_fini(&matches->payload[i]);
    vj_free(matches->payload);
    matches->payload = NULL;
    matches->n_payload = 0;
}

static vj_status reset_matches(vj_matches *m, const vj_key_list *keys, vj_error *err)
{
    VJ_VEC_RESET(&m->pairs);
    VJ_VEC_RESET(&m->first);
    VJ_VEC_RESET(&m->by_key);
    VJ_VEC_RESET(&m->best);
    VJ_VEC_RESET(&m->contig_known);
    VJ_TRY(VJ_VEC_RESERVE(&m->best, keys->keys.n, err));
    VJ_TRY(VJ_VEC_RESERVE(&m->contig_known, keys->contig_names.n, err));
    if (keys->keys.n > 0)
        memset(m->best.ptr, VJ_JOIN_NO_POSITION, keys->keys.n);
    m->best.n = keys->keys.n;
    m->contig_known.n = keys->contig_names.n;
    for (int32_t i = 0; i < m->n_payload; i++)
        vj_colb_reset(&m->payload[i]);
    m->n_rows = 0;
    return VJ_OK;
}

/* ---- scratch ---- */

/* The cursor for a column: one of its own if its pages are stored as they are. */
static vj_status aim(vj_refscan *scan, const vj_pq_file *file, int32_t rowgroup_i,
                     int32_t physical_i, int64_t row, vj_pq_cursor **out, vj_error *err)
{
    kept_cursor *kept = NULL;

    while (scan->kept->n <= (size_t)physical_i)
        VJ_TRY(VJ_VEC_PUSH(scan->kept, (kept_cursor){0}, err));
    kept = &scan->kept->ptr[physical_i];
    *out = kept->cursor;
    if (kept->cursor != NULL) {
        vj_pq_cursor_scattered(kept->cursor, scan->scattered);
        if (kept->file == file && kept->rowgroup_i == rowgroup_i &&
            vj_pq_cursor_row(kept->cursor) <= row)
            return VJ_OK;
        if (kept->file != file) /* later it does not know the file that lent them */
            vj_pq_cursor_relax(kept->cursor);
        kept->file = file;
        kept->rowgroup_i = rowgroup_i;
        return vj_pq_cursor_aim(kept->cursor, file, rowgroup_i, physical_i, err);
    }
    if (scan->cursor == NULL)
        VJ_TRY(vj_pq_cursor_open(file, rowgroup_i, physical_i, scan->budget, &scan->cursor, err));
    else if (scan->cursor_file != file)
        vj_pq_cursor_relax(scan->cursor);
    scan->cursor_file = file;
    vj_pq_cursor_share(scan->cursor, scan->at_edge ? scan->cache : NULL);
    vj_pq_cursor_scattered(scan->cursor, scan->scattered);
    VJ_TRY(vj_pq_cursor_aim(scan->cursor, file, rowgroup_i, physical_i, err));
    *out = scan->cursor;
    if (vj_pq_cursor_is_stored(scan->cursor)) {
        *kept = (kept_cursor){scan->cursor, file, rowgroup_i};
        scan->cursor = NULL;
    }
    return VJ_OK;
}

/* Mapped bytes that the worker may have in memory between row groups. */
#define HELD_BYTES ((int64_t)8 << 20)

/* Bytes of the files behind the scan go out of memory. */
static void relax(vj_refscan *scan)
{
    int64_t held = scan->cursor != NULL ? vj_pq_cursor_held_bytes(scan->cursor) : 0;

    for (size_t i = 0; i < scan->kept->n; i++)
        if (scan->kept->ptr[i].cursor != NULL)
            held += vj_pq_cursor_held_bytes(scan->kept->ptr[i].cursor);
    if (held < HELD_BYTES)
        return;
    if (scan->cursor != NULL)
        vj_pq_cursor_relax(scan->cursor);
    for (size_t i = 0; i < scan->kept->n; i++)
        if (scan->kept->ptr[i].cursor != NULL)
            vj_pq_cursor_relax(scan->kept->ptr[i].cursor);
}

/* Rows of a field of the file, for the reader of logical columns. */
static vj_status select_rows(void *ctx, const vj_pq_file *file, int32_t rowgroup_i,
                             int32_t physical_i, const int32_t *rows, int64_t n, vj_colb *dst,
                             vj_error *err)
{
    vj_pq_cursor *cur = NULL;

    if (n == 0)
        return VJ_OK;
    VJ_TRY(aim(ctx, file, rowgroup_i, physical_i, rows[0], &cur, err));
    return vj_pq_cursor_select(cur, rows, n, dst, err);
}

/* Stand at the rows of scan->rows. */
static vj_status stand(vj_refscan *scan, const vj_db_file *file, int32_t rowgroup_i, vj_error *err)
{
    return vj_built_reader_rows(scan->reader, file->pq, file->built, rowgroup_i, scan->rows.ptr,
                                (int64_t)scan->rows.n, err);
}

vj_status vj_refscan_new(const vj_plan *plan, vj_pq_cache *cache, vj_refscan **out, vj_error *err)
{
    vj_refscan *scan = vj_zalloc(plan->budget, sizeof *scan, err);
    vj_type text = vj_type_of(VJ_TEXT);

    *out = NULL;
    if (scan == NULL)
        return VJ_E_NOMEM;
    scan->plan = plan;
    scan->cache = cache;
    scan->budget = plan->budget;
    scan->starts.budget = scan->matched.budget = scan->which.budget = plan->budget;
    scan->candidates.budget = scan->pairs.budget = scan->ranges.budget = scan->rows.budget =
        scan->live_groups.budget = scan->live_runs.budget = scan->run_code.budget = scan->cand_row.budget = plan->budget;
    scan->kept_of_db = vj_calloc(plan->budget, 2 * (size_t)VJ_MAX(plan->n_dbs, 1),
                                 sizeof *scan->kept_of_db, err);
    vj_status rc = scan->kept_of_db != NULL ? VJ_OK : VJ_E_NOMEM;
    for (int32_t d = 0; rc == VJ_OK && d < 2 * plan->n_dbs; d++)
        scan->kept_of_db[d].budget = plan->budget;
    if (rc == VJ_OK)
        rc = vj_colb_init(&scan->chrom, &text, plan->budget, err);
    if (rc == VJ_OK)
        rc = vj_built_reader_new(select_rows, scan, plan->budget, &scan->reader, err);
    if (rc != VJ_OK) {
        vj_refscan_free(scan);
        return rc;
    }
    *out = scan;
    return VJ_OK;
}

void vj_refscan_free(vj_refscan *scan)
{
    if (scan == NULL)
        return;
    vj_built_reader_free(scan->reader);
    VJ_VEC_FINI(&scan->candidates);
    VJ_VEC_FINI(&scan->pairs);
    VJ_VEC_FINI(&scan->ranges);
    VJ_VEC_FINI(&scan->rows);
    VJ_VEC_FINI(&scan->starts);
    VJ_VEC_FINI(&scan->matched);
    VJ_VEC_FINI(&scan->which);
    VJ_VEC_FINI(&scan->live_groups);
    VJ_VEC_FINI(&scan->live_runs);
    VJ_VEC_FINI(&scan->run_code);
    VJ_VEC_FINI(&scan->cand_row);
    vj_colb_fini(&scan->chrom);
    vj_colb_fini(&scan->ref);
    vj_colb_fini(&scan->alt);
    vj_colb_fini(&scan->ref_each);
    vj_colb_fini(&scan->alt_each);
    vj_pq_cursor_free(scan->cursor);
    for (int32_t d = 0; scan->kept_of_db != NULL && d < 2 * scan->plan->n_dbs; d++) {
        for (size_t i = 0; i < scan->kept_of_db[d].n; i++)
            vj_pq_cursor_free(scan->kept_of_db[d].ptr[i].cursor);
        VJ_VEC_FINI(&scan->kept_of_db[d]);
    }
    vj_free(scan->kept_of_db);
    vj_free(scan);
}

/* ref and alt builders have the database's types; kept while the type stays the same. */
static vj_status prepare_alleles(vj_refscan *scan, const vj_database *db, vj_error *err)
{
    const vj_db_file *file = &db->files[0];
    const vj_field *fields = file->schema->fields;

    vj_colb_fini(&scan->ref);
    vj_colb_fini(&scan->alt);
    vj_colb_fini(&scan->ref_each);
    vj_colb_fini(&scan->alt_each);
    VJ_TRY(vj_colb_init(&scan->ref, &fields[file->ref_i].type, scan->budget, err));
    VJ_TRY(vj_colb_init(&scan->ref_each, &fields[file->ref_i].type, scan->budget, err));
    VJ_TRY(vj_colb_init(&scan->alt_each, &fields[file->alt_i].type, scan->budget, err));
    return vj_colb_init(&scan->alt, &fields[file->alt_i].type, scan->budget, err);
}

/* ---- contigs ---- */

static vj_span canonical_of_run(const vj_join_index *index, const vj_join_run *run,
                                char dst[VJ_CONTIG_BYTES])
{
    return vj_contig_canonical(index->list->contig_names.ptr[run->contig],
                               index->list->contig_lengths.ptr[run->contig], dst);
}

static vj_status resolve_contigs(vj_refscan *scan, const vj_database *db,
                                 const vj_join_index *index, vj_matches *m, vj_error *err)
{
    const vj_key_list *list = index->list;
    char name[VJ_CONTIG_BYTES];

    for (size_t c = 0; c < list->contig_names.n; c++)
        m->contig_known.ptr[c] = vj_map_find(&db->contigs.by_name,
                                             vj_contig_canonical(list->contig_names.ptr[c],
                                                                 list->contig_lengths.ptr[c],
                                                                 name)) >= 0;
    VJ_VEC_RESET(&scan->run_code);
    for (size_t r = 0; r < index->runs.n; r++) {
        vj_span canonical = canonical_of_run(index, &index->runs.ptr[r], name);
        int64_t code = vj_map_find(&db->contigs.by_name, canonical);

        VJ_TRY(VJ_VEC_PUSH(&scan->run_code, (int32_t)code, err));
    }
    return VJ_OK;
}

/* Runs that have a key within the group's bounds and contig. */
static vj_status find_live_runs(vj_refscan *scan, const vj_join_index *index,
                                const vj_db_rowgroup *group, vj_error *err)
{
    VJ_VEC_RESET(&scan->live_runs);
    for (size_t r = 0; r < index->runs.n; r++) {
        if (group->contig >= 0 && group->contig != scan->run_code.ptr[r])
            continue;
        if (vj_join_run_touches(index, &index->runs.ptr[r], group->min_pos1, group->max_pos1))
            VJ_TRY(VJ_VEC_PUSH(&scan->live_runs, (int32_t)r, err));
    }
    return VJ_OK;
}

static vj_status find_live_groups(vj_refscan *scan, const vj_database *db,
                                  const vj_join_index *index, vj_error *err)
{
    VJ_VEC_RESET(&scan->live_groups);
    for (int32_t i = 0; i < db->n_rowgroups; i++) {
        VJ_TRY(find_live_runs(scan, index, &db->rowgroups[i], err));
        if (scan->live_runs.n > 0)
            VJ_TRY(VJ_VEC_PUSH(&scan->live_groups, i, err));
    }
    return VJ_OK;
}

/* ---- positions ---- */

static int by_row(const void *a, const void *b)
{
    const vj_candidate *x = a;
    const vj_candidate *y = b;

    return x->row != y->row ? (x->row > y->row) - (x->row < y->row)
                            : (x->pos_i > y->pos_i) - (x->pos_i < y->pos_i);
}

/* Bounds of the live runs' keys, in the file's counting. */
static void key_bounds(const vj_refscan *scan, const vj_join_index *index, int64_t shift,
                       int64_t *lo, int64_t *hi)
{
    *lo = INT64_MAX;
    *hi = INT64_MIN;
    for (size_t i = 0; i < scan->live_runs.n; i++) {
        const vj_join_run *run = &index->runs.ptr[scan->live_runs.ptr[i]];

        *lo = VJ_MIN(*lo, index->pos1.ptr[run->pos_beg] - shift);
        *hi = VJ_MAX(*hi, index->pos1.ptr[run->pos_end - 1] - shift);
    }
}

static vj_status scan_range(vj_refscan *scan, const vj_join_index *index, vj_pq_cursor *cur,
                            vj_pq_range range, int64_t shift, vj_error *err)
{
    VJ_TRY(vj_pq_cursor_skip(cur, range.beg - vj_pq_cursor_row(cur), err));
    while (vj_pq_cursor_row(cur) < range.end) {
        const vj_col *start = NULL;
        int64_t row = vj_pq_cursor_row(cur);

        VJ_TRY(vj_pq_cursor_next(cur, VJ_MIN(range.end - row, SLICE_ROWS), &start, err));
        if (start == NULL)
            break;
        for (size_t i = 0; i < scan->live_runs.n; i++)
            VJ_TRY(vj_join_positions(index, &index->runs.ptr[scan->live_runs.ptr[i]], start, row,
                                     shift, &scan->candidates, err));
    }
    return VJ_OK;
}

static vj_status find_candidates(vj_refscan *scan, const vj_database *db,
                                 const vj_join_index *index, const vj_db_rowgroup *group,
                                 vj_error *err)
{
    const vj_db_file *file = &db->files[group->file_i];
    int64_t shift = db->start_base == 0 ? 1 : 0;
    int64_t lo = 0;
    int64_t hi = 0;
    vj_pq_cursor *cur = NULL;

    VJ_VEC_RESET(&scan->candidates);
    VJ_VEC_RESET(&scan->ranges);
    key_bounds(scan, index, shift, &lo, &hi);
    int32_t start_i = vj_db_physical(file, file->start_i);
    VJ_TRY(vj_pq_rows_between(file->pq, group->rowgroup_i, start_i, lo, hi, &scan->ranges, err));
    if (scan->ranges.n == 0)
        return VJ_OK;
    VJ_TRY(aim(scan, file->pq, group->rowgroup_i, start_i, scan->ranges.ptr[0].beg, &cur, err));
    for (size_t i = 0; i < scan->ranges.n; i++)
        VJ_TRY(scan_range(scan, index, cur, scan->ranges.ptr[i], shift, err));
    if (scan->live_runs.n > 1 && scan->candidates.n > 1)
        qsort(scan->candidates.ptr, scan->candidates.n, sizeof *scan->candidates.ptr, by_row);
    return VJ_OK;
}

/* ---- alleles ---- */

/* Drop candidates whose contig is another one: row groups that hold several contigs. */
static vj_status filter_contigs(vj_refscan *scan, const vj_join_index *index,
                                const vj_db_file *file, const vj_db_rowgroup *group,
                                vj_matches *m, vj_error *err)
{
    vj_candidates *cands = &scan->candidates;
    char wanted[VJ_CONTIG_BYTES];
    char found[VJ_CONTIG_BYTES];
    size_t kept = 0;
    size_t r = 0;

    VJ_VEC_RESET(&scan->rows);
    for (size_t i = 0; i < cands->n; i++)
        if (i == 0 || cands->ptr[i].row != cands->ptr[i - 1].row)
            VJ_TRY(VJ_VEC_PUSH(&scan->rows, cands->ptr[i].row, err));
    vj_colb_reset(&scan->chrom);
    VJ_TRY(stand(scan, file, group->rowgroup_i, err));
    VJ_TRY(vj_built_reader_column(scan->reader, file->chrom_i, &scan->chrom, err));
    vj_col chrom = vj_colb_view(&scan->chrom);
    for (size_t i = 0; i < cands->n; i++) {
        r += i > 0 && cands->ptr[i].row != cands->ptr[i - 1].row;
        if (vj_col_is_null(&chrom, (int64_t)r))
            continue;
        const vj_join_run *run = index->runs.ptr;
        while (cands->ptr[i].pos_i >= run->pos_end)
            run++;
        vj_span name = vj_contig_canonical(vj_col_bytes(&chrom, (int64_t)r), -1, found);
        if (!vj_span_eq(name, canonical_of_run(index, run, wanted)))
            continue;
        m->contig_known.ptr[run->contig] = 1;
        cands->ptr[kept++] = cands->ptr[i];
    }
    cands->n = kept;
    return VJ_OK;
}

/* Alleles of the selected rows; `each`: one for each candidate, where some share a row. */
static vj_status read_alleles(vj_refscan *scan, int32_t field_i, bool shared, vj_colb *rows,
                              vj_colb *each, vj_error *err)
{
    vj_colb_reset(rows);
    VJ_TRY(vj_built_reader_column(scan->reader, field_i, rows, err));
    if (!shared)
        return VJ_OK;
    vj_col from = vj_colb_view(rows);

    vj_colb_reset(each);
    return vj_colb_gather(each, &from, scan->cand_row.ptr, (int64_t)scan->cand_row.n, err);
}

static vj_status compare_alleles(vj_refscan *scan, const vj_join_index *index,
                                 const vj_db_file *file, const vj_db_rowgroup *group,
                                 int64_t shift, vj_matches *m, vj_error *err)
{
    const vj_candidates *cands = &scan->candidates;
    bool shared = false;

    VJ_VEC_RESET(&scan->starts);
    VJ_TRY(VJ_VEC_RESERVE(&scan->starts, cands->n, err));
    VJ_VEC_RESET(&scan->rows);
    VJ_VEC_RESET(&scan->cand_row);
    VJ_TRY(VJ_VEC_RESERVE(&scan->rows, cands->n, err));
    VJ_TRY(VJ_VEC_RESERVE(&scan->cand_row, cands->n, err));
    /* a row stands at one position, but an input may spell its contig in two ways: two runs */
    for (size_t i = 0; i < cands->n; i++) {
        bool again = i > 0 && cands->ptr[i].row == cands->ptr[i - 1].row;

        shared |= again;
        if (!again) {
            scan->starts.ptr[scan->rows.n] = index->pos1.ptr[cands->ptr[i].pos_i] - shift;
            scan->rows.ptr[scan->rows.n++] = cands->ptr[i].row;
        }
        scan->cand_row.ptr[scan->cand_row.n++] = (int32_t)scan->rows.n - 1;
    }
    VJ_TRY(stand(scan, file, group->rowgroup_i, err));
    if (file->built != NULL && file->built->columns[file->start_i].how == VJ_BUILT_COLUMN)
        VJ_TRY(vj_built_reader_give(scan->reader, file->start_i, scan->starts.ptr, err));
    VJ_TRY(read_alleles(scan, file->ref_i, shared, &scan->ref, &scan->ref_each, err));
    VJ_TRY(read_alleles(scan, file->alt_i, shared, &scan->alt, &scan->alt_each, err));
    vj_col ref = vj_colb_view(shared ? &scan->ref_each : &scan->ref);
    vj_col alt = vj_colb_view(shared ? &scan->alt_each : &scan->alt);
    VJ_VEC_RESET(&scan->pairs);
    return vj_join_alleles(index, cands->ptr, (int64_t)cands->n, &ref, &alt, m->best.ptr,
                           &scan->pairs, err);
}

/* ---- payload ---- */

/* A column that other files of the database store in another type. */
static vj_status read_wider(vj_refscan *scan, const vj_field *stored, int32_t field_i,
                            const vj_type *wanted, vj_colb *dst, vj_error *err)
{
    vj_colb rows = {0};
    vj_status rc = VJ_OK;

    VJ_GO(rc, vj_colb_init(&rows, &stored->type, scan->budget, err));
    VJ_GO(rc, vj_built_reader_column(scan->reader, field_i, &rows, err));
    vj_col view = vj_colb_view(&rows);
    rc = vj_colb_append_wider(dst, wanted, &view, err);
out:
    vj_colb_fini(&rows);
    return rc == VJ_OK ? rc : vj_wrap(err, rc, "column %s", stored->name);
}

static vj_status read_payload(vj_refscan *scan, const vj_database *db, const vj_db_file *file,
                              vj_matches *m, vj_error *err)
{
    int64_t n = (int64_t)scan->matched.n;
    int32_t p = 0;

    VJ_TRY(vj_built_reader_keep(scan->reader, scan->which.ptr, n, scan->matched.ptr, err));
    for (int32_t c = 0; c < db->n_columns; c++) {
        if (db->columns[c].name == NULL)
            continue;
        vj_colb *dst = &m->payload[p++];
        const vj_type *wanted = &db->columns[c].field.type;
        const vj_field *stored =
            file->payload_i[c] < 0 ? NULL : &file->schema->fields[file->payload_i[c]];

        if (stored == NULL)
            VJ_TRY(vj_colb_nulls(dst, n, err));
        else if (db->columns[c].widened && !vj_type_eq(&stored->type, wanted))
            VJ_TRY(read_wider(scan, stored, file->payload_i[c], wanted, dst, err));
        else
            VJ_TRY(vj_built_reader_column(scan->reader, file->payload_i[c], dst, err));
    }
    m->n_rows += n;
    return VJ_OK;
}

/* Matched rows of the group become payload rows; pairs point at them. */
static vj_status keep_pairs(vj_refscan *scan, vj_matches *m, vj_error *err)
{
    const vj_candidates *cands = &scan->candidates;
    int32_t last = -1;

    VJ_VEC_RESET(&scan->matched);
    VJ_VEC_RESET(&scan->which);
    VJ_TRY(VJ_VEC_RESERVE(&scan->matched, scan->pairs.n, err));
    VJ_TRY(VJ_VEC_RESERVE(&scan->which, scan->pairs.n, err));
    VJ_TRY(VJ_VEC_RESERVE(&m->pairs, scan->pairs.n, err));
    for (size_t i = 0; i < scan->pairs.n; i++) {
        vj_pair pair = scan->pairs.ptr[i];
        int32_t row = cands->ptr[pair.candidate].row;

        if (row != last) {
            scan->which.ptr[scan->which.n++] = scan->cand_row.ptr[pair.candidate];
            scan->matched.ptr[scan->matched.n++] = row;
        }
        last = row;
        pair.candidate = (int32_t)(m->n_rows + (int64_t)scan->matched.n - 1);
        m->pairs.ptr[m->pairs.n++] = pair;
    }
    return VJ_OK;
}

static vj_status scan_rowgroup(vj_refscan *scan, const vj_database *db,
                               const vj_join_index *index, const vj_db_rowgroup *group,
                               vj_matches *m, vj_error *err)
{
    const vj_db_file *file = &db->files[group->file_i];

    vj_stage_mark mark = vj_stage_start(scan->plan->track);

    VJ_TRY(find_candidates(scan, db, index, group, err));
    if (scan->candidates.n > 0 && group->contig < 0)
        VJ_TRY(filter_contigs(scan, index, file, group, m, err));
    if (scan->candidates.n == 0)
        return VJ_OK;
    VJ_TRY(compare_alleles(scan, index, file, group, db->start_base == 0, m, err));
    vj_stage_stop(scan->plan->track, VJ_STAGE_KEYS, mark, group->n_rows, VJ_STAGE_BYTES_READ);
    if (scan->pairs.n == 0)
        return VJ_OK;
    VJ_TRY(keep_pairs(scan, m, err));
    mark = vj_stage_start(scan->plan->track);
    VJ_TRY(read_payload(scan, db, file, m, err));
    vj_stage_stop(scan->plan->track, VJ_STAGE_PAYLOAD, mark, (int64_t)scan->matched.n,
                  VJ_STAGE_BYTES_READ);
    return VJ_OK;
}

/* ---- ahead of the scan ---- */

/* Bytes of a batch's row groups that are asked of the disk before they are needed. */
#define FETCH_BYTES ((int64_t)64 << 20)
/* A group with fewer keys leaves most pages alone. */
#define ROWS_A_KEY 4096

/* The field of the Parquet file that a logical one is made of; -1: none. */
static int32_t stored_field(const vj_db_file *file, int32_t field_i)
{
    return field_i >= 0 && file->built != NULL ? file->built->columns[field_i].physical_i : field_i;
}

/* The column's pages will nearly all be read, or its values in a row. */
static int64_t fetch_column(const vj_db_file *file, const vj_db_rowgroup *group, int32_t field_i)
{
    int32_t stored_i = stored_field(file, field_i);

    return stored_i < 0 ? 0 : vj_pq_fetch(file->pq, group->rowgroup_i, stored_i);
}

/* Whether a wanted column before this one is made of the same field, as packed ones are. */
static bool is_fetched(const vj_database *db, const vj_db_file *file, int32_t column_i)
{
    int32_t stored_i = stored_field(file, file->payload_i[column_i]);

    for (int32_t c = 0; file->built != NULL && c < column_i; c++)
        if (db->columns[c].name != NULL && stored_field(file, file->payload_i[c]) == stored_i)
            return true;
    return false;
}

/*
 * What lies on a disk is asked for all at once, and arrives while the first row group is joined:
 * starts; in groups where the batch has many keys, the other columns too.
 */
static void fetch_ahead(vj_refscan *scan, const vj_database *db, const vj_join_index *index)
{
    int64_t left = FETCH_BYTES;
    int64_t n_keys = (int64_t)(index->pos1.n / VJ_MAX(scan->live_groups.n, 1));

    for (size_t i = 0; left > 0 && i < scan->live_groups.n; i++) {
        const vj_db_rowgroup *group = &db->rowgroups[scan->live_groups.ptr[i]];
        const vj_db_file *file = &db->files[group->file_i];

        left -= fetch_column(file, group, file->start_i);
        if (group->rare || n_keys * ROWS_A_KEY < group->n_rows)
            continue;
        left -= fetch_column(file, group, file->ref_i);
        if (stored_field(file, file->alt_i) != stored_field(file, file->ref_i))
            left -= fetch_column(file, group, file->alt_i);
        for (int32_t c = 0; c < db->n_columns; c++)
            if (db->columns[c].name != NULL && !is_fetched(db, file, c))
                left -= fetch_column(file, group, file->payload_i[c]);
    }
}

/* ---- finish ---- */

static vj_status refuse_duplicate(const vj_database *db, const vj_key_list *list, int64_t k,
                                  int32_t n, vj_error *err)
{
    const vj_key *key = &list->keys.ptr[k];
    vj_span contig = list->contig_names.ptr[key->contig];
    char ref[64];
    char alt[64];

    return vj_fail(err, VJ_E_CORRUPT,
                   "database %s has %d rows for %.*s:%lld %s>%s and --duplicates is error",
                   db->name, n, (int)contig.len_bytes, contig.ptr, (long long)key->pos1,
                   vj_quote(ref, sizeof ref, key->ref.ptr, key->ref.len_bytes),
                   vj_quote(alt, sizeof alt, key->alt.ptr, key->alt.len_bytes));
}

/* Group the pairs by key (stable: database order) and apply the duplicate policy. */
static vj_status group_pairs(const vj_refscan *scan, const vj_database *db,
                             const vj_join_index *index, vj_matches *m, vj_error *err)
{
    const vj_key_list *list = index->list;
    size_t n_keys = list->keys.n;

    VJ_TRY(VJ_VEC_RESERVE(&m->first, n_keys + 1, err));
    VJ_TRY(VJ_VEC_RESERVE(&m->by_key, m->pairs.n, err));
    int32_t *first = m->first.ptr;
    memset(first, 0, (n_keys + 1) * sizeof *first);
    for (size_t i = 0; i < m->pairs.n; i++)
        first[m->pairs.ptr[i].key + 1]++;
    for (size_t k = 0; k < n_keys; k++) {
        if (first[k + 1] > 1 && scan->plan->options.duplicates == VJ_DUPLICATES_ERROR)
            return refuse_duplicate(db, list, (int64_t)k, first[k + 1], err);
        first[k + 1] += first[k];
    }
    for (size_t i = 0; i < m->pairs.n; i++)
        m->by_key.ptr[first[m->pairs.ptr[i].key]++] = m->pairs.ptr[i].candidate;
    memmove(first + 1, first, n_keys * sizeof *first);
    first[0] = 0;
    m->first.n = n_keys + 1;
    m->by_key.n = m->pairs.n;
    for (size_t k = 0; k < index->twin.n; k++)
        m->best.ptr[k] = m->best.ptr[index->twin.ptr[k]];
    return VJ_OK;
}

vj_status vj_refscan_run(vj_refscan *scan, const vj_database *db, const vj_join_index *index,
                         vj_matches *out, vj_error *err)
{
    kept_cursors *kept = NULL;

    for (int32_t d = 0; d < scan->plan->n_dbs; d++)
        if (scan->plan->dbs[d] == db)
            kept = &scan->kept_of_db[2 * d];
    VJ_TRY(reset_matches(out, index->list, err));
    VJ_TRY(resolve_contigs(scan, db, index, out, err));
    VJ_TRY(prepare_alleles(scan, db, err));
    VJ_TRY(find_live_groups(scan, db, index, err));
    fetch_ahead(scan, db, index);
    for (size_t i = 0; i < scan->live_groups.n; i++) {
        const vj_db_rowgroup *group = &db->rowgroups[scan->live_groups.ptr[i]];

        VJ_TRY(vj_stop_check(scan->plan->stop, err));
        VJ_TRY(find_live_runs(scan, index, group, err));
        atomic_store_explicit(&db->was_read[scan->live_groups.ptr[i]], 1, memory_order_relaxed);
        scan->scattered = group->rare;
        scan->kept = &kept[group->rare];
        /* the neighbouring batches want the groups at both ends as well */
        scan->at_edge = i == 0 || i + 1 == scan->live_groups.n;
        vj_status rc = scan_rowgroup(scan, db, index, group, out, err);
        if (rc == VJ_OK)
            relax(scan);
        if (rc != VJ_OK)
            return vj_wrap(err, rc, "reading database %s", db->name);
    }
    return group_pairs(scan, db, index, out, err);
}
