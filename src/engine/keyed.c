#include "engine/keyed.h"

enum { KEY_ROW = 0, KEY_CONTIG, KEY_POS, KEY_REF, KEY_ALT };

static const char *const key_names[VJ_KEYED_COLUMNS] = {"__vj_row", "__vj_contig", "__vj_pos",
                                                        "__vj_ref", "__vj_alt"};
static const vj_kind key_kinds[VJ_KEYED_COLUMNS] = {VJ_I64, VJ_TEXT, VJ_I64, VJ_TEXT, VJ_TEXT};

static vj_status make_schema(vj_keyed *keyed, vj_error *err)
{
    const vj_schema *left = vj_left_schema(keyed->plan->source);
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

vj_status vj_keyed_open(vj_keyed *keyed, const vj_plan *plan, const char *path, vj_error *err)
{
    /* written and read once: a fast codec, and larger pages than a database has */
    const vj_pq_writer_options options = {.codec = VJ_PQ_SNAPPY, .rows_per_page = 16384};
    const char *bad_records = plan->options.bad_records_path;

    *keyed = (vj_keyed){.plan = plan};
    vj_map_init(&keyed->contigs, plan->budget);
    vj_arena_init(&keyed->arena, plan->budget, 4096);
    keyed->facts.budget = keyed->row_flags.budget = keyed->runs.budget = plan->budget;
    VJ_TRY(make_schema(keyed, err));
    if (bad_records != NULL)
        VJ_TRY(vj_outfile_open(bad_records, &keyed->bad_records, err));
    VJ_TRY(vj_outfile_open(path, &keyed->out, err));
    return vj_pq_writer_new(keyed->out, &keyed->schema, &options, plan->budget, &keyed->writer,
                            err);
}

void vj_keyed_fini(vj_keyed *keyed)
{
    vj_pq_writer_free(keyed->writer);
    vj_outfile_free(keyed->out);
    vj_outfile_free(keyed->bad_records);
    vj_map_fini(&keyed->contigs);
    VJ_VEC_FINI(&keyed->facts);
    VJ_VEC_FINI(&keyed->row_flags);
    VJ_VEC_FINI(&keyed->runs);
    vj_arena_fini(&keyed->arena);
    *keyed = (vj_keyed){0};
}

vj_status vj_keyed_finish(vj_keyed *keyed, vj_error *err)
{
    VJ_TRY(vj_pq_writer_finish(keyed->writer, err));
    VJ_TRY(vj_outfile_finish(keyed->out, err));
    /* An engine with a limit of its own comes next: our buffers go before it. */
    vj_pq_writer_free(keyed->writer);
    vj_outfile_free(keyed->out);
    keyed->writer = NULL;
    keyed->out = NULL;
    return VJ_OK;
}

vj_status vj_keyed_publish_bad_records(vj_keyed *keyed, vj_error *err)
{
    return keyed->bad_records != NULL ? vj_outfile_finish(keyed->bad_records, err) : VJ_OK;
}

/* ---- batches ---- */

vj_status vj_keyed_rows_init(vj_keyed_rows *rows, const vj_keyed *keyed, vj_error *err)
{
    vj_budget *budget = keyed->plan->budget;

    for (int i = 0; i < VJ_KEYED_COLUMNS; i++) {
        vj_type type = vj_type_of(key_kinds[i]);

        VJ_TRY(vj_colb_init(&rows->key[i], &type, budget, err));
    }
    rows->cols = vj_calloc(budget, (size_t)keyed->schema.n_fields, sizeof *rows->cols, err);
    return rows->cols != NULL ? VJ_OK : VJ_E_NOMEM;
}

void vj_keyed_rows_fini(vj_keyed_rows *rows)
{
    for (int i = 0; i < VJ_KEYED_COLUMNS; i++)
        vj_colb_fini(&rows->key[i]);
    vj_free(rows->cols);
    rows->cols = NULL;
}

static vj_status append_key(vj_keyed_rows *rows, const vj_key *key, vj_span canonical,
                            vj_error *err)
{
    VJ_TRY(vj_colb_bytes(&rows->key[KEY_CONTIG], canonical.ptr, canonical.len_bytes, err));
    VJ_TRY(vj_colb_int(&rows->key[KEY_POS], key->pos1, err));
    if (!key->matchable) { /* by alleles: other join columns may still be equal */
        VJ_TRY(vj_colb_null(&rows->key[KEY_REF], err));
        return vj_colb_null(&rows->key[KEY_ALT], err);
    }
    VJ_TRY(vj_colb_bytes(&rows->key[KEY_REF], key->ref.ptr, key->ref.len_bytes, err));
    return vj_colb_bytes(&rows->key[KEY_ALT], key->alt.ptr, key->alt.len_bytes, err);
}

static vj_span canonical_of(const vj_key_list *list, int32_t contig, char dst[VJ_CONTIG_BYTES])
{
    return vj_contig_canonical(list->contig_names.ptr[contig], list->contig_lengths.ptr[contig],
                               dst);
}

vj_status vj_keyed_build(vj_keyed_rows *rows, const vj_left *left, vj_error *err)
{
    char name[VJ_CONTIG_BYTES];
    vj_span canonical = {NULL, 0};
    int32_t contig = -1;

    for (int i = 0; i < VJ_KEYED_COLUMNS; i++)
        vj_colb_reset(&rows->key[i]);
    for (int64_t i = 0; i < left->n_rows; i++) {
        const vj_key *key = &left->keys->keys.ptr[left->row_key[i]];

        if (key->contig != contig) {
            contig = key->contig;
            canonical = canonical_of(left->keys, contig, name);
        }
        VJ_TRY(append_key(rows, key, canonical, err));
    }
    return VJ_OK;
}

/* ---- commit ---- */

static vj_status fact_of(vj_keyed *keyed, const vj_key_list *list, int32_t contig,
                         vj_keyed_contig **out, vj_error *err)
{
    char name[VJ_CONTIG_BYTES];
    int64_t i = 0;
    bool is_new = false;

    VJ_TRY(vj_map_put(&keyed->contigs, canonical_of(list, contig, name), 0, &i, &is_new, err));
    if (is_new) {
        vj_keyed_contig fresh = {.min_pos1 = INT64_MAX, .max_pos1 = INT64_MIN};
        vj_span shown = list->contig_names.ptr[contig];

        fresh.shown = vj_arena_alloc(&keyed->arena, VJ_CONTIG_BYTES, err);
        if (fresh.shown == NULL)
            return VJ_E_NOMEM;
        vj_quote((char *)(uintptr_t)fresh.shown, VJ_CONTIG_BYTES, shown.ptr, shown.len_bytes);
        VJ_TRY(VJ_VEC_PUSH(&keyed->facts, fresh, err));
    }
    *out = &keyed->facts.ptr[i];
    return VJ_OK;
}

static vj_status note_keys(vj_keyed *keyed, const vj_left *left, vj_error *err)
{
    vj_keyed_contig *fact = NULL;
    int32_t contig = -1;

    for (size_t k = 0; k < left->keys->keys.n; k++) {
        const vj_key *key = &left->keys->keys.ptr[k];

        if (key->contig != contig) {
            contig = key->contig;
            VJ_TRY(fact_of(keyed, left->keys, contig, &fact, err));
        }
        if (!key->matchable && keyed->plan->join_parts.alleles)
            continue;
        fact->n_matchable++;
        fact->min_pos1 = VJ_MIN(fact->min_pos1, key->pos1);
        fact->max_pos1 = VJ_MAX(fact->max_pos1, key->pos1);
    }
    return VJ_OK;
}

static vj_status note_row(vj_keyed *keyed, int64_t row, int64_t fact_i, uint8_t flags,
                          vj_error *err)
{
    size_t n = keyed->runs.n;
    vj_keyed_run fresh = {row, (int32_t)fact_i};

    if (n == 0 || keyed->runs.ptr[n - 1].fact_i != fact_i)
        VJ_TRY(VJ_VEC_PUSH(&keyed->runs, fresh, err));
    return VJ_VEC_PUSH(&keyed->row_flags, flags, err);
}

/* What the report needs to know of each row when the engine has said what became of it. */
static vj_status note_rows(vj_keyed *keyed, const vj_left *left, vj_error *err)
{
    bool by_alleles = keyed->plan->join_parts.alleles;
    int32_t last_key = -1;
    int32_t last_record = -1;
    int32_t contig = -1;
    int64_t fact_i = -1;
    char name[VJ_CONTIG_BYTES];

    for (int64_t i = 0; i < left->n_rows; i++) {
        int32_t key_i = left->row_key[i];
        const vj_key *key = &left->keys->keys.ptr[key_i];
        uint8_t flags = key->matchable || !by_alleles ? VJ_KEYED_MATCHABLE : 0;

        if (key->contig != contig) {
            contig = key->contig;
            fact_i = vj_map_find(&keyed->contigs, canonical_of(left->keys, contig, name));
        }
        flags |= key_i > last_key ? VJ_KEYED_NEW_ALLELE : 0;
        flags |= left->key_record[key_i] > last_record ? VJ_KEYED_NEW_RECORD : 0;
        last_key = VJ_MAX(last_key, key_i);
        last_record = VJ_MAX(last_record, left->key_record[key_i]);
        VJ_TRY(note_row(keyed, keyed->next_row + i, fact_i, flags, err));
    }
    return VJ_OK;
}

static vj_status write_rows(vj_keyed *keyed, vj_keyed_rows *rows, const vj_left *left,
                            vj_error *err)
{
    int32_t n = left->schema.n_fields;
    vj_batch batch = {&keyed->schema, left->n_rows, rows->cols};

    for (int64_t i = 0; i < left->n_rows; i++)
        VJ_TRY(vj_colb_int(&rows->key[KEY_ROW], keyed->next_row++, err));
    for (int32_t f = 0; f < n; f++)
        rows->cols[f] = left->cols[f];
    for (int i = 0; i < VJ_KEYED_COLUMNS; i++)
        rows->cols[n + i] = vj_colb_view(&rows->key[i]);
    return vj_pq_writer_append(keyed->writer, &batch, err);
}

vj_status vj_keyed_append(vj_keyed *keyed, vj_keyed_rows *rows, const vj_left *left,
                          vj_result *result, vj_error *err)
{
    if (keyed->bad_records != NULL && left->bad_lines != NULL)
        VJ_TRY(vj_outfile_write(keyed->bad_records, left->bad_lines->ptr,
                                left->bad_lines->len_bytes, err));
    VJ_TRY(note_keys(keyed, left, err));
    VJ_TRY(note_rows(keyed, left, err));
    VJ_TRY(write_rows(keyed, rows, left, err));
    result->rows_in += left->n_rows;
    result->records_in += left->n_records;
    result->alleles_in += (int64_t)left->keys->keys.n;
    vj_vcf_counts_add(&result->counts, left->counts);
    return VJ_OK;
}

bool vj_keyed_needs_file(const vj_keyed *keyed, const vj_database *db, int32_t file_i)
{
    if (!keyed->plan->join_parts.contig || !keyed->plan->join_parts.pos)
        return true;
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

void vj_keyed_mark_read(const vj_keyed *keyed, const vj_database *db)
{
    int64_t lo = INT64_MAX;
    int64_t hi = INT64_MIN;
    bool all = !keyed->plan->join_parts.pos;

    for (size_t i = 0; i < keyed->facts.n; i++) {
        lo = VJ_MIN(lo, keyed->facts.ptr[i].min_pos1);
        hi = VJ_MAX(hi, keyed->facts.ptr[i].max_pos1);
    }
    for (int32_t g = 0; g < db->n_rowgroups; g++) {
        const vj_db_rowgroup *group = &db->rowgroups[g];

        if ((all || (group->min_pos1 <= hi && group->max_pos1 >= lo)) &&
            vj_keyed_needs_file(keyed, db, group->file_i))
            atomic_store_explicit(&db->was_read[g], 1, memory_order_relaxed);
    }
}
