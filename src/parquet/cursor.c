#include "parquet/column.h"

/* Ranges of borrowed file bytes that are remembered one by one; a longer list becomes one range. */
#define HELD_RANGES 64

typedef struct byte_range {
    int64_t beg, end;
} byte_range;

struct vj_pq_cursor {
    vj_budget *budget;
    const vj_pq_file *file;
    int32_t rowgroup_i, field_i;
    int64_t row, n_rows;
    vj_codec *codec;
    vj_pq_cache *cache;
    bool scattered;
    pq_column *columns;
    int32_t n_columns;
    bool nested; /* a list or struct: slices of its leaves are assembled in tree */
    pq_tree tree;
    vj_col view;
    uint64_t signature; /* of the field the cursor was opened for */
    byte_range held[HELD_RANGES]; /* bytes of earlier chunks that `file` has lent */
    int n_held;
    int64_t held_bytes;
};

/* A nested slice grows by so many rows, until it has one of these sizes. */
#define STEP_ROWS 256
#define NESTED_ROWS ((int64_t)1 << 16)
#define NESTED_BYTES ((size_t)4 << 20)

static vj_status wrap_column(const vj_pq_cursor *cur, const pq_column *col, vj_status rc,
                             vj_error *err)
{
    bool in_page = col->page_n > 0;

    if (rc == VJ_OK)
        return rc;
    return vj_wrap(err, rc, "reading %s, column %s, row group %d, %s offset %lld",
                   vj_source_name(cur->file->source), col->leaf->path, cur->rowgroup_i,
                   in_page ? "page at" : "near",
                   (long long)(in_page ? col->page.off : col->pages.next_off));
}

static const char *field_name(const vj_pq_cursor *cur)
{
    return cur->file->meta.schema.fields[cur->field_i].name;
}

/* One number for a field's type and levels: the memory of a cursor fits fields that share it. */
static uint64_t sign_field(const pq_node *node, const vj_type *type)
{
    const uint64_t parts[] = {
        (uint64_t)type->kind << 32 | (uint64_t)type->logical,
        (uint64_t)(uint32_t)type->precision << 32 | (uint32_t)type->scale,
        (uint64_t)(uint32_t)type->width_bytes << 32 | (uint64_t)type->unit << 1 | type->utc,
        (uint64_t)node->kind << 32 | (uint64_t)(uint32_t)node->n_kids,
        (uint64_t)node->rep_outer << 32 | (uint64_t)node->def_outer << 24 |
            (uint64_t)node->def_here << 16 | (uint64_t)node->rep_item << 8 | node->def_item};
    uint64_t sum = 0;

    for (size_t i = 0; i < VJ_COUNT(parts); i++)
        sum = vj_mix64(sum, parts[i]);
    for (int32_t i = 0; i < node->n_kids; i++)
        sum = vj_mix64(sum, sign_field(&node->kids[i], &type->kids[i].type));
    return sum;
}

static uint64_t sign_field_of(const vj_pq_file *file, int32_t field_i)
{
    return sign_field(&file->nodes[field_i], &file->meta.schema.fields[field_i].type);
}

static void unshape(vj_pq_cursor *cur)
{
    for (int32_t i = 0; i < cur->n_columns; i++)
        pq_column_fini(&cur->columns[i]);
    vj_free(cur->columns);
    pq_tree_fini(&cur->tree);
    cur->columns = NULL;
    cur->n_columns = 0;
    cur->tree = (pq_tree){0};
}

/* Columns and tree for a field of that form; those at hand stay where they fit. */
static vj_status shape(vj_pq_cursor *cur, const vj_pq_file *file, int32_t field_i, vj_error *err)
{
    const pq_node *node = &file->nodes[field_i];
    int32_t n = node->leaf_end - node->leaf_beg;
    bool leaf = node->kind == PQ_NODE_LEAF;
    uint64_t signature = sign_field_of(file, field_i);

    if (cur->columns != NULL && (signature == cur->signature || (leaf && !cur->nested))) {
        cur->signature = signature;
        return VJ_OK;
    }
    unshape(cur);
    cur->columns = vj_calloc(cur->budget, (size_t)n, sizeof *cur->columns, err);
    if (cur->columns == NULL)
        return VJ_E_NOMEM;
    for (; cur->n_columns < n; cur->n_columns++)
        pq_column_init(&cur->columns[cur->n_columns], cur->codec, cur->budget);
    vj_pq_cursor_share(cur, cur->cache);
    vj_pq_cursor_scattered(cur, cur->scattered);
    cur->nested = !leaf;
    cur->signature = signature;
    return pq_tree_init(&cur->tree, node, cur->budget, err);
}

/* A cursor that goes through a file keeps no more of it than this from row group to row group. */
#define MAX_HELD_BYTES ((int64_t)2 << 20)

/* Remember what the chunks at hand have borrowed, joined with the range before where they meet. */
static void note_held(vj_pq_cursor *cur)
{
    for (int32_t i = 0; i < cur->n_columns; i++) {
        pq_pages *pages = &cur->columns[i].pages;
        byte_range *last = cur->n_held > 0 ? &cur->held[cur->n_held - 1] : NULL;

        if (pages->held_beg == pages->held_end)
            continue;
        cur->held_bytes += pages->held_end - pages->held_beg;
        if (last != NULL && ((pages->held_beg >= last->beg && pages->held_beg <= last->end) ||
                             cur->n_held == HELD_RANGES))
            *last = (byte_range){VJ_MIN(last->beg, pages->held_beg),
                                 VJ_MAX(last->end, pages->held_end)};
        else
            cur->held[cur->n_held++] = (byte_range){pages->held_beg, pages->held_end};
        pages->held_beg = pages->held_end = 0;
    }
}

bool vj_pq_cursor_is_stored(const vj_pq_cursor *cur)
{
    bool stored = true;

    for (int32_t i = 0; i < cur->n_columns; i++)
        stored &= cur->columns[i].pages.chunk.codec == VJ_CODEC_NONE;
    return stored;
}

int64_t vj_pq_cursor_held_bytes(const vj_pq_cursor *cur)
{
    int64_t held = cur->held_bytes;

    for (int32_t i = 0; i < cur->n_columns; i++)
        held += cur->columns[i].pages.held_end - cur->columns[i].pages.held_beg;
    return held;
}

void vj_pq_cursor_relax(vj_pq_cursor *cur)
{
    note_held(cur);
    for (int i = 0; i < cur->n_held; i++)
        vj_source_return(cur->file->source, cur->held[i].beg,
                         (size_t)(cur->held[i].end - cur->held[i].beg));
    /* what is still to be read of a range is borrowed again, and so accounted for again */
    for (int32_t i = 0; i < cur->n_columns; i++)
        cur->columns[i].pages.lent_beg = cur->columns[i].pages.lent_end = 0;
    cur->n_held = 0;
    cur->held_bytes = 0;
}

/* Stand before the first row of a group of the field that the cursor is shaped for. */
static vj_status begin_rows(vj_pq_cursor *cur, const vj_pq_file *file, int32_t rowgroup_i,
                            vj_error *err)
{
    note_held(cur);
    if (cur->file != file) {
        cur->n_held = 0; /* the file before may be gone, and its bytes with it */
        cur->held_bytes = 0;
    } else if (cur->held_bytes > MAX_HELD_BYTES) {
        vj_pq_cursor_relax(cur);
    }
    cur->file = file;
    cur->rowgroup_i = rowgroup_i;
    cur->row = 0;
    cur->n_rows = file->groups[rowgroup_i].n_rows;
    for (int32_t i = 0; i < cur->n_columns; i++) {
        pq_column *col = &cur->columns[i];
        vj_status rc = pq_column_begin(col, file, rowgroup_i,
                                       file->nodes[cur->field_i].leaf_beg + i, err);

        if (rc == VJ_OK && col->leaf->max_rep == 0 && col->pages.chunk.n_values != cur->n_rows)
            rc = vj_fail(err, VJ_E_CORRUPT, "column chunk: expected %lld values, one for each "
                         "row, found %lld", (long long)cur->n_rows,
                         (long long)col->pages.chunk.n_values);
        VJ_TRY(wrap_column(cur, col, rc, err));
    }
    return VJ_OK;
}

void vj_pq_cursor_share(vj_pq_cursor *cur, vj_pq_cache *cache)
{
    cur->cache = cache;
    for (int32_t i = 0; i < cur->n_columns; i++)
        pq_pages_share(&cur->columns[i].pages, cache);
}

void vj_pq_cursor_scattered(vj_pq_cursor *cur, bool scattered)
{
    cur->scattered = scattered;
    for (int32_t i = 0; i < cur->n_columns; i++)
        cur->columns[i].pages.scattered = scattered;
}

vj_status vj_pq_cursor_aim(vj_pq_cursor *cur, const vj_pq_file *file, int32_t rowgroup_i,
                           int32_t field_i, vj_error *err)
{
    note_held(cur); /* another shape would forget it */
    VJ_TRY(shape(cur, file, field_i, err));
    cur->field_i = field_i;
    return begin_rows(cur, file, rowgroup_i, err);
}

vj_status vj_pq_cursor_open(const vj_pq_file *file, int32_t rowgroup_i, int32_t field_i,
                            vj_budget *budget, vj_pq_cursor **out, vj_error *err)
{
    vj_status rc = VJ_E_NOMEM;
    vj_pq_cursor *cur = vj_zalloc(budget, sizeof *cur, err);

    *out = NULL;
    if (cur == NULL)
        return VJ_E_NOMEM;
    cur->budget = budget;
    VJ_GO(rc, vj_codec_new(budget, &cur->codec, err));
    VJ_GO(rc, vj_pq_cursor_aim(cur, file, rowgroup_i, field_i, err));
    *out = cur;
    cur = NULL;
out:
    vj_pq_cursor_free(cur);
    return rc;
}

vj_status vj_pq_cursor_rewind(vj_pq_cursor *cur, const vj_pq_file *file, int32_t rowgroup_i,
                              vj_error *err)
{
    int32_t field_i = cur->field_i;

    /* the file before may be gone: compare with what is remembered of it */
    if (field_i >= file->meta.schema.n_fields || sign_field_of(file, field_i) != cur->signature)
        return vj_fail(err, VJ_E_SCHEMA, "%s: expected its column %d to have the type that the "
                       "file before has there", vj_source_name(file->source), field_i + 1);
    return begin_rows(cur, file, rowgroup_i, err);
}

void vj_pq_cursor_free(vj_pq_cursor *cur)
{
    if (cur == NULL)
        return;
    unshape(cur);
    vj_codec_free(cur->codec);
    vj_free(cur);
}

int64_t vj_pq_cursor_row(const vj_pq_cursor *cur)
{
    return cur->row;
}

/* ---- nested: all leaves go in step ---- */

static void nested_reset(vj_pq_cursor *cur)
{
    for (int32_t i = 0; i < cur->n_columns; i++)
        pq_nested_reset(&cur->columns[i]);
}

static vj_status nested_take(vj_pq_cursor *cur, int64_t n_rows, vj_error *err)
{
    for (int32_t i = 0; i < cur->n_columns; i++) {
        pq_column *col = &cur->columns[i];

        VJ_TRY(wrap_column(cur, col, pq_nested_take(col, n_rows, true, err), err));
    }
    return VJ_OK;
}

static bool nested_full(const vj_pq_cursor *cur, int64_t n_rows)
{
    size_t bytes = 0;

    for (int32_t i = 0; i < cur->n_columns; i++)
        bytes += cur->columns[i].dense.data.len_bytes + (size_t)cur->columns[i].n_entries * 2;
    return n_rows >= NESTED_ROWS || bytes >= NESTED_BYTES;
}

static vj_status nested_build(vj_pq_cursor *cur, int64_t n_rows, vj_error *err)
{
    const pq_node *node = &cur->file->nodes[cur->field_i];
    vj_status rc = pq_tree_build(&cur->tree, node,
                                 &cur->file->meta.schema.fields[cur->field_i].type, cur->columns,
                                 node->leaf_beg, &cur->view, err);

    if (rc == VJ_OK && cur->view.n_rows != n_rows)
        rc = vj_fail(err, VJ_E_CORRUPT, "levels: expected %lld rows, found %lld",
                     (long long)n_rows, (long long)cur->view.n_rows);
    return wrap_column(cur, &cur->columns[0], rc, err);
}

static vj_status nested_next(vj_pq_cursor *cur, int64_t max_rows, vj_error *err)
{
    int64_t n = 0;

    nested_reset(cur);
    while (n < max_rows && !nested_full(cur, n)) {
        int64_t step = VJ_MIN(max_rows - n, (int64_t)STEP_ROWS);

        VJ_TRY(nested_take(cur, step, err));
        n += step;
    }
    return nested_build(cur, n, err);
}

static vj_status skip_all(vj_pq_cursor *cur, int64_t n_rows, vj_error *err)
{
    for (int32_t i = 0; i < cur->n_columns; i++) {
        pq_column *col = &cur->columns[i];

        VJ_TRY(wrap_column(cur, col, cur->nested ? pq_nested_skip(col, n_rows, err)
                                                 : pq_flat_skip(col, n_rows, err), err));
    }
    cur->row += n_rows;
    return VJ_OK;
}

/* One slice of a selection, appended to dst; *used rows of it. */
static vj_status nested_select(vj_pq_cursor *cur, const int32_t *rows, int64_t n, int64_t *used,
                               vj_error *err)
{
    int64_t i = 0;

    nested_reset(cur);
    while (i < n && !nested_full(cur, i)) {
        int64_t run = 1;

        VJ_TRY(skip_all(cur, rows[i] - cur->row, err));
        while (i + run < n && run < STEP_ROWS && rows[i + run] == rows[i] + run)
            run++;
        VJ_TRY(nested_take(cur, run, err));
        cur->row += run;
        i += run;
    }
    *used = i;
    return nested_build(cur, i, err);
}

/* ---- the cursor's calls ---- */

vj_status vj_pq_cursor_next(vj_pq_cursor *cur, int64_t max_rows, const vj_col **out,
                            vj_error *err)
{
    *out = NULL;
    if (cur->row == cur->n_rows || max_rows <= 0)
        return VJ_OK;
    max_rows = VJ_MIN(max_rows, cur->n_rows - cur->row);
    if (cur->nested)
        VJ_TRY(nested_next(cur, max_rows, err));
    else
        VJ_TRY(wrap_column(cur, &cur->columns[0],
                           pq_flat_next(&cur->columns[0], max_rows, &cur->view, err), err));
    cur->row += cur->view.n_rows;
    *out = &cur->view;
    return VJ_OK;
}

static vj_status fail_rows(const vj_pq_cursor *cur, int64_t row, vj_error *err)
{
    return vj_fail(err, VJ_E_USAGE, "%s, column %s, row group %d: row %lld asked for; expected "
                   "rising rows from %lld to below %lld", vj_source_name(cur->file->source),
                   field_name(cur), cur->rowgroup_i, (long long)row, (long long)cur->row,
                   (long long)cur->n_rows);
}

vj_status vj_pq_cursor_skip(vj_pq_cursor *cur, int64_t n_rows, vj_error *err)
{
    if (n_rows < 0 || n_rows > cur->n_rows - cur->row)
        return fail_rows(cur, cur->row + n_rows, err);
    return skip_all(cur, n_rows, err);
}

static vj_status check_rows(const vj_pq_cursor *cur, const int32_t *rows, int64_t n, vj_error *err)
{
    bool rising = n == 0 || rows[0] >= cur->row;

    for (int64_t i = 1; i < n; i++)
        rising &= rows[i] > rows[i - 1];
    if (n > 0 && (!rising || rows[n - 1] >= cur->n_rows))
        return fail_rows(cur, rising ? rows[n - 1] : rows[0], err);
    return VJ_OK;
}

vj_status vj_pq_cursor_select(vj_pq_cursor *cur, const int32_t *rows, int64_t n, vj_colb *dst,
                              vj_error *err)
{
    VJ_TRY(check_rows(cur, rows, n, err));
    for (int32_t i = 0; i < cur->n_columns; i++) {
        pq_column *col = &cur->columns[i];

        pq_column_sparse(col, n);
        VJ_TRY(wrap_column(cur, col, pq_pages_fetch(&col->pages, rows, n, err), err));
    }
    for (int64_t done = 0; done < n;) {
        int64_t used = 0;

        if (cur->nested)
            VJ_TRY(nested_select(cur, rows + done, n - done, &used, err));
        else
            VJ_TRY(wrap_column(cur, &cur->columns[0],
                               pq_flat_select(&cur->columns[0], &cur->row, rows + done, n - done,
                                              &used, &cur->view, err), err));
        VJ_TRY(vj_colb_append(dst, &cur->view, 0, cur->view.n_rows, err));
        done += used;
    }
    return VJ_OK;
}
