#include "hts/parse.h"

static void free_scratch(vj_vcf_scratch *s)
{
    if (s == NULL)
        return;
    vj_map_fini(&s->contig_index);
    VJ_VEC_FINI(&s->tabs);
    VJ_VEC_FINI(&s->alts);
    VJ_VEC_FINI(&s->row_alts);
    VJ_VEC_FINI(&s->kept);
    VJ_VEC_FINI(&s->walks);
    VJ_VEC_FINI(&s->format_plans);
    VJ_VEC_FINI(&s->fast_keys);
    VJ_VEC_FINI(&s->cells);
    VJ_VEC_FINI(&s->called);
    VJ_VEC_FINI(&s->next_info);
    VJ_VEC_FINI(&s->info_seen);
    VJ_VEC_FINI(&s->format_seen);
    vj_buf_fini(&s->decoded);
    vj_free(s);
}

static vj_status new_scratch(const vj_vcf_reader *reader, vj_budget *budget,
                             vj_vcf_scratch **out, vj_error *err)
{
    vj_vcf_scratch *s = vj_zalloc(budget, sizeof *s, err);
    size_t n_infos = reader->info_plans.n;
    size_t n_formats = reader->format_plans.n;

    *out = s;
    if (s == NULL)
        return VJ_E_NOMEM;
    s->budget = budget;
    vj_map_init(&s->contig_index, budget);
    vj_buf_init(&s->decoded, budget, 0);
    s->tabs.budget = s->alts.budget = s->row_alts.budget = s->kept.budget = budget;
    s->walks.budget = budget;
    s->format_plans.budget = s->fast_keys.budget = s->cells.budget = s->called.budget = budget;
    s->next_info.budget = s->info_seen.budget = s->format_seen.budget = budget;
    VJ_TRY(VJ_VEC_RESERVE(&s->next_info, n_infos + 1, err));
    VJ_TRY(VJ_VEC_RESERVE(&s->info_seen, n_infos + 1, err));
    VJ_TRY(VJ_VEC_RESERVE(&s->format_seen, n_formats + 1, err));
    for (size_t i = 0; i <= n_infos; i++) {
        s->next_info.ptr[i] = i < n_infos ? (int32_t)i : -1; /* header order, for a start */
        s->info_seen.ptr[i] = 0;
    }
    for (size_t i = 0; i <= n_formats; i++)
        s->format_seen.ptr[i] = 0;
    return VJ_OK;
}

vj_status vj_vcf_rows_new(const vj_vcf_reader *reader, vj_budget *budget, vj_vcf_rows **out,
                          vj_error *err)
{
    vj_status rc = VJ_E_NOMEM;
    vj_vcf_rows *rows = vj_zalloc(budget, sizeof *rows, err);
    size_t n_cols = (size_t)reader->schema.n_fields;

    *out = NULL;
    if (rows == NULL)
        return rc;
    rows->schema = reader->schema;
    vj_arena_init(&rows->arena, budget, 0);
    vj_buf_init(&rows->bad_lines, budget, 0);
    rows->keys.keys.budget = rows->keys.contig_names.budget = budget;
    rows->keys.contig_lengths.budget = rows->row_key.budget = rows->key_record.budget = budget;
    rows->record_lines.budget = rows->record_line_numbers.budget = budget;
    rows->record_alleles.budget = budget;
    rows->builders = vj_calloc(budget, n_cols, sizeof *rows->builders, err);
    if (rows->builders == NULL)
        goto out;
    rows->n_cols = (int32_t)n_cols;
    if ((rows->cols = vj_calloc(budget, n_cols, sizeof *rows->cols, err)) == NULL)
        goto out;
    for (size_t i = 0; i < n_cols; i++)
        VJ_GO(rc, vj_colb_init(&rows->builders[i], &reader->schema.fields[i].type, budget, err));
    VJ_GO(rc, new_scratch(reader, budget, &rows->scratch, err));
    *out = rows;
    rows = NULL;
out:
    vj_vcf_rows_free(rows);
    return rc;
}

void vj_vcf_rows_free(vj_vcf_rows *rows)
{
    if (rows == NULL)
        return;
    for (int32_t i = 0; rows->builders != NULL && i < rows->n_cols; i++)
        vj_colb_fini(&rows->builders[i]);
    vj_free(rows->builders);
    vj_free(rows->cols);
    VJ_VEC_FINI(&rows->keys.keys);
    VJ_VEC_FINI(&rows->keys.contig_names);
    VJ_VEC_FINI(&rows->keys.contig_lengths);
    VJ_VEC_FINI(&rows->row_key);
    VJ_VEC_FINI(&rows->key_record);
    VJ_VEC_FINI(&rows->record_lines);
    VJ_VEC_FINI(&rows->record_line_numbers);
    VJ_VEC_FINI(&rows->record_alleles);
    vj_buf_fini(&rows->bad_lines);
    vj_arena_fini(&rows->arena);
    free_scratch(rows->scratch);
    vj_free(rows);
}

vj_status vj_vcf_rows_reset(vj_vcf_rows *rows, const vj_vcf_reader *reader, vj_error *err)
{
    vj_vcf_scratch *s = rows->scratch;

    if (rows->schema.fields != reader->schema.fields)
        return vj_fail(err, VJ_E_BUG, "rows of another reader");
    for (int32_t i = 0; i < rows->n_cols; i++)
        vj_colb_reset(&rows->builders[i]);
    rows->n_rows = 0;
    VJ_VEC_RESET(&rows->keys.keys);
    VJ_VEC_RESET(&rows->keys.contig_names);
    VJ_VEC_RESET(&rows->keys.contig_lengths);
    VJ_VEC_RESET(&rows->row_key);
    VJ_VEC_RESET(&rows->key_record);
    VJ_VEC_RESET(&rows->record_lines);
    VJ_VEC_RESET(&rows->record_line_numbers);
    VJ_VEC_RESET(&rows->record_alleles);
    vj_buf_reset(&rows->bad_lines);
    vj_arena_reset(&rows->arena);
    rows->counts = (vj_vcf_counts){0};
    vj_map_fini(&s->contig_index);
    vj_map_init(&s->contig_index, s->budget);
    s->format_text = s->contig_raw = s->filter_text = (vj_span){0};
    s->contig_i = -1;
    s->shown_skip = 0;
    s->room_rows = 0;
    s->target = NULL;
    s->last_pos1 = -1;
    return VJ_OK;
}

void vj_vcf_counts_add(vj_vcf_counts *sum, const vj_vcf_counts *more)
{
    sum->n_records += more->n_records;
    sum->n_alleles += more->n_alleles;
    sum->n_rows += more->n_rows;
    sum->n_filtered += more->n_filtered;
    sum->n_bad_records += more->n_bad_records;
    sum->n_blocks_dropped += more->n_blocks_dropped;
    for (int i = 0; i < VJ_ODD_KINDS; i++)
        sum->odd[i] += more->odd[i];
    for (int32_t i = 0; i < more->n_odd_examples; i++) {
        if (sum->n_odd_examples >= (int32_t)VJ_COUNT(sum->odd_examples))
            break;
        memcpy(sum->odd_examples[sum->n_odd_examples++], more->odd_examples[i],
               sizeof sum->odd_examples[0]);
    }
    if (sum->undeclared_example[0] == '\0')
        memcpy(sum->undeclared_example, more->undeclared_example, sizeof sum->undeclared_example);
    if (sum->kept_example[0] == '\0')
        memcpy(sum->kept_example, more->kept_example, sizeof sum->kept_example);
    if (!sum->unsorted && more->unsorted) {
        sum->unsorted = true;
        memcpy(sum->unsorted_at, more->unsorted_at, sizeof sum->unsorted_at);
    }
}
