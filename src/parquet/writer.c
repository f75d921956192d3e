/*
 * writer.c - the file as a whole: where row groups end, what is written when, and the two-step
 * append that lets columns be encoded side by side.
 *
 *   new -> append* -> finish -> free        an error anywhere: only free is left
 *
 *   append = for each stretch of rows up to the end of a row group:
 *              every column: encode the stretch       (append_column does all stretches at once)
 *              write the group when it is complete    (end_append)
 */
#include "parquet/writer_meta.h"

#include <stdio.h>

#define DEFAULT_PAGE_ROWS 4096
#define DEFAULT_GROUP_ROWS 122880
/* On ids, alleles and codes level 3 costs a third more time and saves nothing. */
#define DEFAULT_ZSTD_LEVEL 1
/* A group also ends once its rows weigh this much unencoded: wide rows stay within memory. */
#define GROUP_WEIGHT ((int64_t)64 << 20)
/* ... which is looked at whenever the group has a multiple of so many rows. */
#define WEIGH_ROWS 256

/* Encoding memory on a free list: as many as threads append at a time. */
typedef struct scratch_node {
    struct scratch_node *next;
    vj_leaf_scratch scratch;
} scratch_node;

struct vj_pq_writer {
    vj_outfile *out;
    vj_budget *budget;
    vj_arena arena;
    vj_leaf_options *leaf_options; /* one per top-level field */
    int64_t rows_per_page; /* of columns that have no number of their own */
    int64_t rows_per_rowgroup;
    vj_leaf *leaves;
    int32_t *first_leaf;
    vj_file_facts facts;
    vj_buf column_index, offset_index, footer;
    int64_t group_rows;   /* rows and weight of the group that is open */
    int64_t group_weight;
    bool failed, finished;
    bool has_lock;
    vj_lock lock; /* guards scratches only */
    scratch_node *scratches;
};

static vj_status take_scratch(vj_pq_writer *writer, scratch_node **out, vj_error *err)
{
    scratch_node *node = NULL;

    vj_lock_take(&writer->lock);
    if ((node = writer->scratches) != NULL)
        writer->scratches = node->next;
    vj_lock_give(&writer->lock);
    if (node == NULL) {
        if ((node = vj_zalloc(writer->budget, sizeof *node, err)) == NULL)
            return VJ_E_NOMEM;
        vj_status rc = vj_leaf_scratch_init(&node->scratch, writer->budget, err);
        if (rc != VJ_OK) {
            vj_leaf_scratch_fini(&node->scratch);
            vj_free(node);
            return rc;
        }
    }
    *out = node;
    return VJ_OK;
}

static void give_scratch(vj_pq_writer *writer, scratch_node *node)
{
    vj_lock_take(&writer->lock);
    node->next = writer->scratches;
    writer->scratches = node;
    vj_lock_give(&writer->lock);
}

/* ---- new ---- */

static vj_status copy_sorting(vj_pq_writer *writer, const vj_pq_writer_options *options,
                              int32_t n_fields, vj_error *err)
{
    int32_t n = options->n_sorting_fields;

    if (n <= 0 || options->sorting_fields == NULL)
        return VJ_OK;
    int32_t *leaves = vj_arena_alloc(&writer->arena, (size_t)n * sizeof *leaves, err);
    if (leaves == NULL)
        return VJ_E_NOMEM;
    for (int32_t i = 0; i < n; i++) {
        if (options->sorting_fields[i] < 0 || options->sorting_fields[i] >= n_fields)
            return vj_fail(err, VJ_E_USAGE, "sorting column %d: expected 0 to %d",
                           options->sorting_fields[i], n_fields - 1);
        leaves[i] = writer->first_leaf[options->sorting_fields[i]];
    }
    writer->facts.sorting_leaves = leaves;
    writer->facts.n_sorting = n;
    return VJ_OK;
}

static void set_page_rows(vj_pq_writer *writer, const vj_schema *schema,
                          const vj_pq_field_options *fields)
{
    for (int32_t i = 0; i < schema->n_fields; i++)
        writer->leaf_options[i].rows_per_page =
            fields != NULL && fields[i].rows_per_page > 0 ? fields[i].rows_per_page
                                                          : writer->rows_per_page;
}

static vj_status set_leaf_options(vj_pq_writer *writer, const vj_schema *schema,
                                  const vj_pq_writer_options *options, vj_error *err)
{
    vj_leaf_options all = {
        .codec = (int)options->codec,
        .level = options->level == 0 && options->codec == VJ_PQ_ZSTD ? DEFAULT_ZSTD_LEVEL
                                                                     : options->level,
        .packed_level = options->level == 0 && options->codec == VJ_PQ_ZSTD
                            ? VJ_CODEC_ENTROPY
                            : options->level,
        .compat = options->compat};

    writer->rows_per_page =
        options->rows_per_page > 0 ? options->rows_per_page : DEFAULT_PAGE_ROWS;
    writer->leaf_options = vj_arena_alloc(&writer->arena,
                                          (size_t)schema->n_fields * sizeof all, err);
    if (writer->leaf_options == NULL)
        return VJ_E_NOMEM;
    for (int32_t i = 0; i < schema->n_fields; i++) {
        const vj_pq_field_options *own = options->fields != NULL ? &options->fields[i] : NULL;

        writer->leaf_options[i] = all;
        if (own != NULL && own->no_codec)
            writer->leaf_options[i].codec = VJ_CODEC_NONE;
    }
    set_page_rows(writer, schema, options->fields);
    return VJ_OK;
}

static vj_status set_up(vj_pq_writer *writer, const vj_schema *schema,
                        const vj_pq_writer_options *options, vj_error *err)
{
    const char *created_by = options->created_by != NULL ? options->created_by
                                                         : "varjoin version " VJ_VERSION;

    writer->rows_per_rowgroup =
        options->rows_per_rowgroup > 0 ? options->rows_per_rowgroup : DEFAULT_GROUP_ROWS;
    writer->facts.schema = schema;
    writer->facts.compat = options->compat;
    writer->facts.created_by =
        vj_arena_strndup(&writer->arena, created_by, strlen(created_by), err);
    if (writer->facts.created_by == NULL)
        return VJ_E_NOMEM;
    VJ_TRY(vj_lock_init(&writer->lock, err));
    writer->has_lock = true;
    if (schema->n_fields <= 0)
        return vj_fail(err, VJ_E_SCHEMA, "%s: a Parquet file needs at least one column",
                       vj_outfile_name(writer->out));
    VJ_TRY(set_leaf_options(writer, schema, options, err));
    VJ_TRY(vj_schema_leaves(schema, writer->leaf_options, &writer->arena, writer->budget,
                            &writer->leaves, &writer->facts.n_leaves, &writer->first_leaf, err));
    writer->facts.leaves = writer->leaves;
    VJ_TRY(copy_sorting(writer, options, schema->n_fields, err));
    return vj_outfile_write(writer->out, "PAR1", 4, err);
}

vj_status vj_pq_writer_new(vj_outfile *out, const vj_schema *schema,
                           const vj_pq_writer_options *options, vj_budget *budget,
                           vj_pq_writer **writer, vj_error *err)
{
    static const vj_pq_writer_options plain = {.codec = VJ_PQ_ZSTD};
    vj_pq_writer *made = vj_zalloc(budget, sizeof *made, err);

    *writer = NULL;
    if (made == NULL)
        return VJ_E_NOMEM;
    made->out = out;
    made->budget = budget;
    vj_arena_init(&made->arena, budget, 0);
    made->column_index.budget = made->offset_index.budget = made->footer.budget = budget;
    made->facts.groups.budget = made->facts.chunks.budget = made->facts.kvs.budget = budget;
    vj_status rc = set_up(made, schema, options != NULL ? options : &plain, err);
    if (rc != VJ_OK) {
        vj_pq_writer_free(made);
        return rc;
    }
    *writer = made;
    return VJ_OK;
}

int64_t vj_pq_writer_rows(const vj_pq_writer *writer)
{
    return writer->facts.n_rows;
}

void vj_pq_writer_free(vj_pq_writer *writer)
{
    scratch_node *next = NULL;

    if (writer == NULL)
        return;
    for (int32_t i = 0; writer->leaves != NULL && i < writer->facts.n_leaves; i++)
        vj_leaf_fini(&writer->leaves[i]);
    for (scratch_node *node = writer->scratches; node != NULL; node = next) {
        next = node->next;
        vj_leaf_scratch_fini(&node->scratch);
        vj_free(node);
    }
    if (writer->has_lock)
        vj_lock_fini(&writer->lock);
    vj_buf_fini(&writer->column_index);
    vj_buf_fini(&writer->offset_index);
    vj_buf_fini(&writer->footer);
    VJ_VEC_FINI(&writer->facts.groups);
    VJ_VEC_FINI(&writer->facts.chunks);
    VJ_VEC_FINI(&writer->facts.kvs);
    vj_arena_fini(&writer->arena);
    vj_free(writer);
}

vj_status vj_pq_writer_kv(vj_pq_writer *writer, const char *key, const char *value, vj_error *err)
{
    vj_kv_rec rec = {0};

    if (value != NULL &&
        (rec.value = vj_arena_strndup(&writer->arena, value, strlen(value), err)) == NULL)
        return VJ_E_NOMEM;
    for (size_t i = 0; i < writer->facts.kvs.n; i++) {
        if (strcmp(writer->facts.kvs.ptr[i].key, key) == 0) {
            writer->facts.kvs.ptr[i].value = rec.value;
            return VJ_OK;
        }
    }
    if ((rec.key = vj_arena_strndup(&writer->arena, key, strlen(key), err)) == NULL)
        return VJ_E_NOMEM;
    return VJ_VEC_PUSH(&writer->facts.kvs, rec, err);
}

/* ---- where groups end ---- */

/* Rows and weight of the open group at some point of a batch. */
typedef struct group_state {
    int64_t rows, weight;
} group_state;

static int64_t weigh(const vj_pq_writer *writer, const vj_batch *batch, int64_t beg, int64_t n)
{
    int64_t weight = 0;

    for (int32_t i = 0; i < writer->facts.n_leaves; i++) {
        const vj_leaf *leaf = &writer->leaves[i];

        weight += vj_leaf_weight(leaf, &batch->cols[leaf->top_i], beg, n);
    }
    return weight;
}

/*
 * Rows from beg on that still belong to the open group; *closes when they complete it. A pure
 * function of the rows, so that every column, in whatever thread, finds the same ends.
 */
static int64_t next_stretch(const vj_pq_writer *writer, const vj_batch *batch, int64_t beg,
                            group_state *state, bool *closes)
{
    int64_t left = VJ_MIN(batch->n_rows - beg, writer->rows_per_rowgroup - state->rows);
    int64_t weight = weigh(writer, batch, beg, left);
    int64_t n = left;

    if (state->weight + weight >= GROUP_WEIGHT) {
        weight = n = 0;
        do {
            int64_t step = VJ_MIN(WEIGH_ROWS - (state->rows + n) % WEIGH_ROWS, left - n);

            weight += weigh(writer, batch, beg + n, step);
            n += step;
        } while (n < left && (state->weight + weight < GROUP_WEIGHT ||
                              (state->rows + n) % WEIGH_ROWS != 0));
    }
    state->rows += n;
    state->weight += weight;
    *closes = state->rows == writer->rows_per_rowgroup ||
              (state->weight >= GROUP_WEIGHT && state->rows % WEIGH_ROWS == 0);
    if (*closes)
        *state = (group_state){0};
    return n;
}

/* ---- writing a group ---- */

static vj_status arena_span(vj_arena *arena, const void *ptr, size_t len, vj_span *out,
                            vj_error *err)
{
    char *copy = vj_arena_strndup(arena, ptr, len, err);

    if (copy == NULL)
        return VJ_E_NOMEM;
    *out = (vj_span){copy, len};
    return VJ_OK;
}

/* Bounds of the chunk as the footer shows them: long text is cut, the exact flags say so. */
static vj_status record_bounds(vj_pq_writer *writer, const vj_leaf *leaf, const vj_chunk *chunk,
                               vj_chunk_rec *rec, vj_error *err)
{
    uint8_t raised[VJ_BOUND_BYTES + 4];
    vj_span min = vj_buf_span(&chunk->min);
    vj_span max = vj_buf_span(&chunk->max);

    rec->has_bounds = chunk->has_bounds && !chunk->no_bounds;
    if (!rec->has_bounds)
        return VJ_OK;
    rec->min_exact = rec->max_exact = true;
    if (leaf->store == VJ_STORE_STRINGS) {
        size_t len = vj_bound_cut_min(min, leaf->text);

        rec->min_exact = len == min.len_bytes;
        min.len_bytes = len;
        if (max.len_bytes > VJ_BOUND_BYTES &&
            (len = vj_bound_cut_max(max, leaf->text, raised)) > 0) {
            rec->max_exact = false;
            max = (vj_span){(const char *)raised, len};
        }
    }
    VJ_TRY(arena_span(&writer->arena, min.ptr, min.len_bytes, &rec->min, err));
    return arena_span(&writer->arena, max.ptr, max.len_bytes, &rec->max, err);
}

static vj_status write_chunk(vj_pq_writer *writer, vj_leaf *leaf, vj_group_rec *group,
                             vj_error *err)
{
    const vj_chunk *chunk = leaf->ready;
    vj_chunk_rec rec = {.codec = chunk->codec,
                        .has_dict = chunk->dict_page.len_bytes > 0,
                        .n_values = chunk->n_values,
                        .n_nulls = chunk->n_nulls,
                        .uncompressed_bytes = chunk->uncompressed_bytes};

    memcpy(rec.encoding_pages, chunk->encoding_pages, sizeof rec.encoding_pages);
    rec.compressed_bytes = (int64_t)(chunk->dict_page.len_bytes + chunk->pages.len_bytes);
    VJ_TRY(record_bounds(writer, leaf, chunk, &rec, err));
    rec.dict_off = vj_outfile_offset(writer->out);
    VJ_TRY(vj_outfile_write(writer->out, chunk->dict_page.ptr, chunk->dict_page.len_bytes, err));
    rec.data_off = vj_outfile_offset(writer->out);
    VJ_TRY(vj_outfile_write(writer->out, chunk->pages.ptr, chunk->pages.len_bytes, err));
    VJ_TRY(vj_indexes_write(leaf, chunk, rec.data_off, &writer->column_index,
                            &writer->offset_index, &rec, err));
    group->uncompressed_bytes += rec.uncompressed_bytes;
    group->compressed_bytes += rec.compressed_bytes;
    group->n_rows = chunk->n_rows;
    VJ_TRY(VJ_VEC_PUSH(&writer->facts.chunks, rec, err));
    vj_leaf_recycle(leaf);
    return VJ_OK;
}

/* The oldest closed chunk of every leaf is one row group. */
static vj_status write_group(vj_pq_writer *writer, vj_error *err)
{
    vj_group_rec group = {.file_off = vj_outfile_offset(writer->out)};

    for (int32_t i = 0; i < writer->facts.n_leaves; i++)
        VJ_TRY(write_chunk(writer, &writer->leaves[i], &group, err));
    writer->facts.n_rows += group.n_rows;
    return VJ_VEC_PUSH(&writer->facts.groups, group, err);
}

/* ---- append ---- */

static vj_status check_batch(const vj_pq_writer *writer, const vj_batch *batch, vj_error *err)
{
    const vj_schema *ours = writer->facts.schema;

    if (batch->schema->n_fields != ours->n_fields)
        return vj_fail(err, VJ_E_SCHEMA, "%s: expected %d columns, found a batch of %d",
                       vj_outfile_name(writer->out), ours->n_fields, batch->schema->n_fields);
    for (int32_t i = 0; i < ours->n_fields; i++) {
        const vj_field *field = &ours->fields[i];
        char expected[128];
        char found[128];

        if (batch->schema != ours && !vj_type_eq(&field->type, &batch->schema->fields[i].type))
            return vj_fail(err, VJ_E_SCHEMA, "%s: column %s: expected %s, found %s",
                           vj_outfile_name(writer->out), field->name,
                           vj_type_name(&field->type, expected, sizeof expected),
                           vj_type_name(&batch->schema->fields[i].type, found, sizeof found));
        if (batch->cols[i].n_rows < batch->n_rows)
            return vj_fail(err, VJ_E_BUG, "%s: column %s has %lld rows in a batch of %lld",
                           vj_outfile_name(writer->out), field->name,
                           (long long)batch->cols[i].n_rows, (long long)batch->n_rows);
    }
    return VJ_OK;
}

static vj_status append_stretch(vj_pq_writer *writer, const vj_batch *batch, int32_t col_i,
                                int64_t beg, int64_t n, bool closes, vj_leaf_scratch *scratch,
                                vj_error *err)
{
    for (int32_t i = writer->first_leaf[col_i]; i < writer->first_leaf[col_i + 1]; i++) {
        VJ_TRY(vj_leaf_append(&writer->leaves[i], &batch->cols[col_i], beg, n, scratch, err));
        if (closes)
            VJ_TRY(vj_leaf_close(&writer->leaves[i], scratch, err));
    }
    return VJ_OK;
}

vj_status vj_pq_writer_append_column(vj_pq_writer *writer, const vj_batch *batch, int32_t col_i,
                                     vj_error *err)
{
    group_state state = {writer->group_rows, writer->group_weight};
    scratch_node *node = NULL;
    vj_status rc = VJ_OK;

    VJ_TRY(take_scratch(writer, &node, err));
    for (int64_t beg = 0; beg < batch->n_rows && rc == VJ_OK;) {
        bool closes = false;
        int64_t n = next_stretch(writer, batch, beg, &state, &closes);

        rc = append_stretch(writer, batch, col_i, beg, n, closes, &node->scratch, err);
        beg += n;
    }
    give_scratch(writer, node);
    return rc == VJ_OK ? rc : vj_wrap(err, rc, "writing column %s of %s",
                                      writer->facts.schema->fields[col_i].name,
                                      vj_outfile_name(writer->out));
}

vj_status vj_pq_writer_end_append(vj_pq_writer *writer, const vj_batch *batch, vj_error *err)
{
    group_state state = {writer->group_rows, writer->group_weight};

    for (int64_t beg = 0; beg < batch->n_rows;) {
        bool closes = false;

        beg += next_stretch(writer, batch, beg, &state, &closes);
        if (closes)
            VJ_TRY(write_group(writer, err));
    }
    writer->group_rows = state.rows;
    writer->group_weight = state.weight;
    return VJ_OK;
}

/* Like the two calls above, but with a group written before the next one is begun. */
static vj_status append_all(vj_pq_writer *writer, const vj_batch *batch, vj_leaf_scratch *scratch,
                            vj_error *err)
{
    group_state state = {writer->group_rows, writer->group_weight};

    VJ_TRY(check_batch(writer, batch, err));
    for (int64_t beg = 0; beg < batch->n_rows;) {
        bool closes = false;
        int64_t n = next_stretch(writer, batch, beg, &state, &closes);

        for (int32_t c = 0; c < writer->facts.schema->n_fields; c++)
            VJ_TRY(append_stretch(writer, batch, c, beg, n, closes, scratch, err));
        if (closes)
            VJ_TRY(write_group(writer, err));
        beg += n;
    }
    writer->group_rows = state.rows;
    writer->group_weight = state.weight;
    return VJ_OK;
}

vj_status vj_pq_writer_append(vj_pq_writer *writer, const vj_batch *batch, vj_error *err)
{
    scratch_node *node = NULL;

    if (writer->failed || writer->finished)
        return vj_fail(err, VJ_E_BUG, "%s: rows appended to a writer that has %s",
                       vj_outfile_name(writer->out), writer->failed ? "failed" : "finished");
    VJ_TRY(take_scratch(writer, &node, err));
    vj_status rc = append_all(writer, batch, &node->scratch, err);
    give_scratch(writer, node);
    writer->failed = rc != VJ_OK;
    return rc == VJ_OK ? rc : vj_wrap(err, rc, "writing %s", vj_outfile_name(writer->out));
}

/* ---- finish ---- */

static vj_status write_tail(vj_pq_writer *writer, vj_error *err)
{
    writer->facts.column_index_base = vj_outfile_offset(writer->out);
    VJ_TRY(vj_outfile_write(writer->out, writer->column_index.ptr,
                            writer->column_index.len_bytes, err));
    writer->facts.offset_index_base = vj_outfile_offset(writer->out);
    VJ_TRY(vj_outfile_write(writer->out, writer->offset_index.ptr,
                            writer->offset_index.len_bytes, err));
    VJ_TRY(vj_footer_write(&writer->facts, &writer->footer, err));
    return vj_outfile_write(writer->out, writer->footer.ptr, writer->footer.len_bytes, err);
}

static vj_status close_last_group(vj_pq_writer *writer, vj_error *err)
{
    scratch_node *node = NULL;
    vj_status rc = VJ_OK;

    if (writer->group_rows == 0)
        return VJ_OK;
    VJ_TRY(take_scratch(writer, &node, err));
    for (int32_t i = 0; i < writer->facts.n_leaves && rc == VJ_OK; i++)
        rc = vj_leaf_close(&writer->leaves[i], &node->scratch, err);
    give_scratch(writer, node);
    return rc == VJ_OK ? write_group(writer, err) : rc;
}

vj_status vj_pq_writer_end_group(vj_pq_writer *writer, vj_error *err)
{
    if (writer->failed || writer->finished)
        return vj_fail(err, VJ_E_BUG, "%s: a row group ended in a writer that has %s",
                       vj_outfile_name(writer->out), writer->failed ? "failed" : "finished");
    vj_status rc = close_last_group(writer, err);
    writer->group_rows = writer->group_weight = 0;
    writer->failed = rc != VJ_OK;
    return rc == VJ_OK ? rc : vj_wrap(err, rc, "writing %s", vj_outfile_name(writer->out));
}

vj_status vj_pq_writer_set_pages(vj_pq_writer *writer, const vj_pq_field_options *fields,
                                 vj_error *err)
{
    if (writer->group_rows != 0)
        return vj_fail(err, VJ_E_BUG, "%s: rows a page set inside a row group",
                       vj_outfile_name(writer->out));
    set_page_rows(writer, writer->facts.schema, fields);
    return VJ_OK;
}

int32_t vj_pq_writer_rowgroups(const vj_pq_writer *writer)
{
    return (int32_t)writer->facts.groups.n;
}

vj_status vj_pq_writer_finish(vj_pq_writer *writer, vj_error *err)
{
    if (writer->failed || writer->finished)
        return vj_fail(err, VJ_E_BUG, "%s: a writer that has %s was finished",
                       vj_outfile_name(writer->out), writer->failed ? "failed" : "finished");
    vj_status rc = close_last_group(writer, err);
    if (rc == VJ_OK)
        rc = write_tail(writer, err);
    writer->failed = rc != VJ_OK;
    writer->finished = rc == VJ_OK;
    return rc == VJ_OK ? rc : vj_wrap(err, rc, "finishing %s", vj_outfile_name(writer->out));
}
