#include "engine/keyed.h"

typedef struct keyed_batch {
    vj_left *left;
    vj_colb key[VJ_KEYED_COLUMNS]; /* row is written at commit */
    vj_col *cols;
} keyed_batch;

typedef struct keyed_run {
    const vj_plan *plan;
    vj_keyed *keyed;
    vj_result *result;
    vj_pq_writer *writer;
    vj_outfile *bad_records;
    int64_t next_row;
    int64_t last_progress_ns;
} keyed_run;

enum { KEY_ROW = 0, KEY_CONTIG, KEY_POS, KEY_REF, KEY_ALT };

static const char *const key_names[VJ_KEYED_COLUMNS] = {"__vj_row", "__vj_contig", "__vj_pos",
                                                        "__vj_ref", "__vj_alt"};
static const vj_kind key_kinds[VJ_KEYED_COLUMNS] = {VJ_I64, VJ_TEXT, VJ_I64, VJ_TEXT, VJ_TEXT};

void vj_keyed_fini(vj_keyed *keyed)
{
    vj_map_fini(&keyed->contigs);
    VJ_VEC_FINI(&keyed->facts);
    vj_arena_fini(&keyed->arena);
}

static vj_status make_schema(const vj_plan *plan, vj_keyed *keyed, vj_error *err)
{
    const vj_schema *left = vj_left_schema(plan->source);
    int32_t n = left->n_fields;
    vj_field *fields = vj_arena_zalloc(&keyed->arena,
                                       (size_t)(n + VJ_KEYED_COLUMNS) * sizeof *fields, err);

    if (fields == NULL)
        return VJ_E_NOMEM;
    memcpy(fields, left->fields, (size_t)n * sizeof *fields);
    for (int i = 0; i < VJ_KEYED_COLUMNS; i++)
        fields[n + i] = (vj_field){key_names[i], vj_type_of(key_kinds[i]), i != KEY_ROW};
    keyed->schema = (vj_schema){n + VJ_KEYED_COLUMNS, fields};
    return VJ_OK;
}

/* ---- batches ---- */

static void batch_free(void *ctx, void *arg)
{
    keyed_batch *b = arg;

    (void)ctx;
    if (b == NULL)
        return;
    vj_left_batch_free(b->left);
    for (int i = 0; i < VJ_KEYED_COLUMNS; i++)
        vj_colb_fini(&b->key[i]);
    vj_free(b->cols);
    vj_free(b);
}

static vj_status init_batch(keyed_run *run, keyed_batch *b, vj_error *err)
{
    vj_budget *budget = run->plan->budget;

    VJ_TRY(vj_left_batch_new(run->plan->source, budget, &b->left, err));
    for (int i = 0; i < VJ_KEYED_COLUMNS; i++) {
        vj_type type = vj_type_of(key_kinds[i]);

        VJ_TRY(vj_colb_init(&b->key[i], &type, budget, err));
    }
    b->cols = vj_calloc(budget, (size_t)run->keyed->schema.n_fields, sizeof *b->cols, err);
    return b->cols != NULL ? VJ_OK : VJ_E_NOMEM;
}

static vj_status batch_new(void *ctx, void **out, vj_error *err)
{
    keyed_run *run = ctx;
    keyed_batch *b = vj_zalloc(run->plan->budget, sizeof *b, err);

    if (b == NULL)
        return VJ_E_NOMEM;
    vj_status rc = init_batch(run, b, err);
    if (rc != VJ_OK) {
        batch_free(ctx, b);
        return rc;
    }
    *out = b;
    return VJ_OK;
}

static vj_status read_batch(void *ctx, void *batch, bool *out_more, vj_error *err)
{
    keyed_run *run = ctx;

    return vj_left_read(run->plan->source, run->plan->rows_per_batch, ((keyed_batch *)batch)->left,
                        out_more, err);
}

static vj_status append_key(keyed_batch *b, const vj_key *key, vj_span canonical, vj_error *err)
{
    if (!key->matchable) {
        for (int i = KEY_CONTIG; i <= KEY_ALT; i++)
            VJ_TRY(vj_colb_null(&b->key[i], err));
        return VJ_OK;
    }
    VJ_TRY(vj_colb_bytes(&b->key[KEY_CONTIG], canonical.ptr, canonical.len_bytes, err));
    VJ_TRY(vj_colb_int(&b->key[KEY_POS], key->pos1, err));
    VJ_TRY(vj_colb_bytes(&b->key[KEY_REF], key->ref.ptr, key->ref.len_bytes, err));
    return vj_colb_bytes(&b->key[KEY_ALT], key->alt.ptr, key->alt.len_bytes, err);
}

static vj_span canonical_of(const vj_key_list *list, int32_t contig, char dst[VJ_CONTIG_BYTES])
{
    return vj_contig_canonical(list->contig_names.ptr[contig], list->contig_lengths.ptr[contig],
                               dst);
}

static vj_status work_batch(void *ctx, void *worker, void *batch, vj_error *err)
{
    keyed_run *run = ctx;
    keyed_batch *b = batch;
    vj_left *left = b->left;
    char name[VJ_CONTIG_BYTES];
    vj_span canonical = {NULL, 0};
    int32_t contig = -1;

    (void)worker;
    VJ_TRY(vj_left_parse(run->plan->source, left, err));
    for (int i = 0; i < VJ_KEYED_COLUMNS; i++)
        vj_colb_reset(&b->key[i]);
    for (int64_t i = 0; i < left->n_rows; i++) {
        const vj_key *key = &left->keys->keys.ptr[left->row_key[i]];

        if (key->contig != contig) {
            contig = key->contig;
            canonical = canonical_of(left->keys, contig, name);
        }
        VJ_TRY(append_key(b, key, canonical, err));
    }
    return VJ_OK;
}

/* ---- commit ---- */

static vj_status fact_of(keyed_run *run, const vj_key_list *list, int32_t contig,
                         vj_keyed_contig **out, vj_error *err)
{
    vj_keyed *keyed = run->keyed;
    char name[VJ_CONTIG_BYTES];
    int64_t i = 0;
    bool is_new = false;

    VJ_TRY(vj_map_put(&keyed->contigs, canonical_of(list, contig, name), 0, &i, &is_new, err));
    if (is_new) {
        vj_span shown = list->contig_names.ptr[contig];
        vj_keyed_contig fresh = {.min_pos1 = INT64_MAX, .max_pos1 = INT64_MIN};

        fresh.shown = vj_arena_strndup(&keyed->arena, shown.ptr, shown.len_bytes, err);
        if (fresh.shown == NULL)
            return VJ_E_NOMEM;
        VJ_TRY(VJ_VEC_PUSH(&keyed->facts, fresh, err));
    }
    *out = &keyed->facts.ptr[i];
    return VJ_OK;
}

static vj_status note_keys(keyed_run *run, const vj_left *left, vj_error *err)
{
    vj_keyed_contig *fact = NULL;
    int32_t contig = -1;

    for (size_t k = 0; k < left->keys->keys.n; k++) {
        const vj_key *key = &left->keys->keys.ptr[k];

        if (key->contig != contig) {
            contig = key->contig;
            VJ_TRY(fact_of(run, left->keys, contig, &fact, err));
        }
        fact->n_alleles++;
        if (!key->matchable)
            continue;
        fact->n_matchable++;
        fact->min_pos1 = VJ_MIN(fact->min_pos1, key->pos1);
        fact->max_pos1 = VJ_MAX(fact->max_pos1, key->pos1);
    }
    return VJ_OK;
}

static vj_status write_rows(keyed_run *run, keyed_batch *b, vj_error *err)
{
    int32_t n = vj_left_schema(run->plan->source)->n_fields;
    vj_batch rows = {&run->keyed->schema, b->left->n_rows, b->cols};

    for (int64_t i = 0; i < b->left->n_rows; i++)
        VJ_TRY(vj_colb_int(&b->key[KEY_ROW], run->next_row++, err));
    for (int32_t f = 0; f < n; f++)
        b->cols[f] = b->left->cols[f];
    for (int i = 0; i < VJ_KEYED_COLUMNS; i++)
        b->cols[n + i] = vj_colb_view(&b->key[i]);
    return vj_pq_writer_append(run->writer, &rows, err);
}

static vj_status commit_batch(void *ctx, void *batch, vj_error *err)
{
    keyed_run *run = ctx;
    keyed_batch *b = batch;
    vj_result *result = run->result;

    if (run->bad_records != NULL && b->left->bad_lines != NULL)
        VJ_TRY(vj_outfile_write(run->bad_records, b->left->bad_lines->ptr,
                                b->left->bad_lines->len_bytes, err));
    VJ_TRY(note_keys(run, b->left, err));
    VJ_TRY(write_rows(run, b, err));
    result->rows_in += b->left->n_rows;
    result->records_in += b->left->n_records;
    result->alleles_in += (int64_t)b->left->keys->keys.n;
    vj_vcf_counts_add(&result->counts, b->left->counts);
    return VJ_OK;
}

static vj_status run_pipeline(keyed_run *run, vj_error *err)
{
    const vj_pipeline_ops ops = {.ctx = run, .batch_new = batch_new, .batch_free = batch_free,
                                 .read = read_batch, .work = work_batch, .commit = commit_batch};

    return vj_pipeline_run(&ops, run->plan->n_workers, run->plan->n_batches, run->plan->stop, err);
}

vj_status vj_keyed_write(const vj_plan *plan, const char *path, vj_keyed *keyed,
                         vj_result *result, vj_error *err)
{
    /* written and read once: a fast codec; 16-bit pages' worth of rows keep readers quick */
    const vj_pq_writer_options options = {.codec = VJ_PQ_SNAPPY, .rows_per_page = 16384};
    keyed_run run = {.plan = plan, .keyed = keyed, .result = result};
    vj_outfile *out = NULL;
    vj_status rc = VJ_OK;

    *keyed = (vj_keyed){0};
    vj_map_init(&keyed->contigs, plan->budget);
    vj_arena_init(&keyed->arena, plan->budget, 4096);
    keyed->facts.budget = plan->budget;
    VJ_GO(rc, make_schema(plan, keyed, err));
    if (plan->options.bad_records_path != NULL)
        VJ_GO(rc, vj_outfile_open(plan->options.bad_records_path, &run.bad_records, err));
    VJ_GO(rc, vj_outfile_open(path, &out, err));
    VJ_GO(rc, vj_pq_writer_new(out, &keyed->schema, &options, plan->budget, &run.writer, err));
    VJ_GO(rc, run_pipeline(&run, err));
    VJ_GO(rc, vj_pq_writer_finish(run.writer, err));
    VJ_GO(rc, vj_outfile_finish(out, err));
    if (run.bad_records != NULL)
        VJ_GO(rc, vj_outfile_finish(run.bad_records, err));
out:
    vj_pq_writer_free(run.writer);
    vj_outfile_free(out);
    vj_outfile_free(run.bad_records);
    return rc;
}

bool vj_keyed_needs_file(const vj_keyed *keyed, const vj_database *db, int32_t file_i)
{
    for (int32_t g = 0; g < db->n_rowgroups; g++) {
        const vj_db_rowgroup *group = &db->rowgroups[g];

        if (group->file_i != file_i)
            continue;
        if (group->contig < 0)
            return true;
        int64_t i = vj_map_find(&keyed->contigs, vj_contigs_name(&db->contigs, group->contig));
        if (i < 0 || keyed->facts.ptr[i].n_matchable == 0)
            continue;
        if (group->min_pos1 <= keyed->facts.ptr[i].max_pos1 &&
            group->max_pos1 >= keyed->facts.ptr[i].min_pos1)
            return true;
    }
    return false;
}
