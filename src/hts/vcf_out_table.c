#include "hts/vcf_out_table.h"

static const char *const fixed_names[VJ_FIXED_COLS] = {
    "chrom", "start", "end", "rsid", "ref", "alt", "alt_index", "qual", "filter", "sample",
    "genotype"};

/* ---- columns ---- */

static bool is_integer(const vj_type *type)
{
    return type->kind >= VJ_I8 && type->kind <= VJ_U64 && type->logical == VJ_LOGICAL_NONE;
}

/* The type that a fixed column must have, so that nothing below needs to ask again. */
static bool has_fixed_type(vj_fixed_col which, const vj_type *type)
{
    switch (which) {
    case VJ_FIXED_START:
    case VJ_FIXED_END:
    case VJ_FIXED_ALT_INDEX:
        return is_integer(type);
    case VJ_FIXED_QUAL:
        return type->kind == VJ_F32 || type->kind == VJ_F64 || is_integer(type);
    case VJ_FIXED_GENOTYPE:
        return type->kind == VJ_LIST && type->kids[0].type.kind == VJ_TEXT;
    default:
        return type->kind == VJ_TEXT;
    }
}

static vj_fixed_col fixed_of(const vj_vcf_table_options *options, int32_t col_i)
{
    int32_t which = 0;
    const char *name = options->schema->fields[col_i].name;

    if (options->origins != NULL && col_i < options->n_origins &&
        options->origins[col_i].role != VJ_ROLE_FIXED)
        return VJ_FIXED_COLS;
    if (col_i >= options->schema->n_fields - options->n_annotations)
        return VJ_FIXED_COLS;
    while (which < VJ_FIXED_COLS && strcmp(name, fixed_names[which]) != 0)
        which++;
    return (vj_fixed_col)which;
}

static vj_status check_fixed(const vj_vcf_table *table, vj_error *err)
{
    static const vj_fixed_col needed[] = {VJ_FIXED_CHROM, VJ_FIXED_START, VJ_FIXED_REF,
                                          VJ_FIXED_ALT};
    char name[128];

    for (size_t i = 0; i < VJ_COUNT(needed); i++)
        if (table->fixed[needed[i]] < 0)
            return vj_fail(err, VJ_E_SCHEMA, "VCF needs a column %s: there is none",
                           fixed_names[needed[i]]);
    for (int32_t which = 0; which < VJ_FIXED_COLS; which++) {
        if (table->fixed[which] < 0)
            continue;
        const vj_type *type = &table->schema->fields[table->fixed[which]].type;
        if (!has_fixed_type((vj_fixed_col)which, type))
            return vj_fail(err, VJ_E_SCHEMA, "column %s has type %s, which VCF cannot take there",
                           fixed_names[which], vj_type_name(type, name, sizeof name));
    }
    if (table->fixed[VJ_FIXED_SAMPLE] >= 0)
        return vj_fail(err, VJ_E_UNSUPPORTED,
                       "a table with a sample column cannot become VCF; choose one sample with -s");
    return VJ_OK;
}

static vj_join_rule rule_of(const vj_vcf_def *def, const vj_type *type)
{
    bool is_list = type->kind == VJ_LIST;

    if (type->kind == VJ_BOOL && def->kind == VJ_VCF_FLAG)
        return VJ_JOIN_FLAG;
    if (def->number == VJ_NUMBER_A && !is_list)
        return VJ_JOIN_ALTS;
    return def->number == VJ_NUMBER_R && is_list ? VJ_JOIN_REF_ALTS : VJ_JOIN_FIRST;
}

static vj_status add_annotation(vj_vcf_table *table, const vj_vcf_table_options *options,
                                int32_t col_i, vj_error *err)
{
    const vj_field *field = &options->schema->fields[col_i];
    int32_t given_i = col_i - (options->schema->n_fields - options->n_annotations);
    vj_vcf_annotation *annotation = &table->annotations[table->n_annotations++];
    vj_status rc = VJ_OK;
    vj_buf id;

    *annotation = given_i >= 0 ? options->annotations[given_i]
                               : (vj_vcf_annotation){.id = field->name};
    annotation->type = field->type;
    vj_buf_init(&id, table->budget, 0);
    VJ_GO(rc, vj_header_id_put(&id, annotation->id, err));
    char *copy = vj_arena_strndup(&table->arena, id.ptr, id.len_bytes, err);
    if (copy == NULL)
        rc = VJ_E_NOMEM;
    else
        table->infos[table->n_infos++] =
            (vj_table_field){col_i, VJ_JOIN_ANNOTATION, {copy, id.len_bytes}};
out:
    vj_buf_fini(&id);
    return rc;
}

static vj_status add_column(vj_vcf_table *table, const vj_vcf_table_options *options,
                            int32_t col_i, vj_error *err)
{
    vj_fixed_col which = fixed_of(options, col_i);
    const vj_vcf_origin *origin = options->origins != NULL && col_i < options->n_origins
                                      ? &options->origins[col_i]
                                      : NULL;

    if (which < VJ_FIXED_COLS) {
        table->fixed[which] = col_i;
        return VJ_OK;
    }
    if (origin == NULL || origin->def == NULL)
        return add_annotation(table, options, col_i, err);
    vj_table_field field = {col_i, rule_of(origin->def, &table->schema->fields[col_i].type),
                            vj_span_of(origin->def->id)};
    if (origin->role == VJ_ROLE_FORMAT)
        table->formats[table->n_formats++] = field;
    else
        table->infos[table->n_infos++] = field;
    return VJ_OK;
}

static vj_status add_columns(vj_vcf_table *table, const vj_vcf_table_options *options,
                             vj_error *err)
{
    size_t n = (size_t)options->schema->n_fields;

    table->infos = vj_arena_zalloc(&table->arena, n * sizeof *table->infos, err);
    table->formats = vj_arena_zalloc(&table->arena, n * sizeof *table->formats, err);
    table->annotations = vj_arena_zalloc(&table->arena, n * sizeof *table->annotations, err);
    if (table->infos == NULL || table->formats == NULL || table->annotations == NULL)
        return VJ_E_NOMEM;
    for (int32_t which = 0; which < VJ_FIXED_COLS; which++)
        table->fixed[which] = -1;
    for (int32_t col_i = 0; col_i < options->schema->n_fields; col_i++)
        VJ_TRY(add_column(table, options, col_i, err));
    return check_fixed(table, err);
}

static vj_status start_carry(vj_vcf_table *table, vj_error *err)
{
    size_t n = (size_t)table->schema->n_fields;

    table->carry = vj_calloc(table->budget, n, sizeof *table->carry, err);
    table->carry_cols = vj_calloc(table->budget, n, sizeof *table->carry_cols, err);
    if (table->carry == NULL || table->carry_cols == NULL)
        return VJ_E_NOMEM;
    for (size_t i = 0; i < n; i++)
        VJ_TRY(vj_colb_init(&table->carry[i], &table->schema->fields[i].type, table->budget,
                            err));
    return VJ_OK;
}

/* ---- header ---- */

static const char *contig_line(vj_vcf_table *table, const vj_vcf_contig *contig, vj_error *err)
{
    vj_buf line;
    const char *copy = NULL;
    vj_status rc = VJ_OK;

    vj_buf_init(&line, table->budget, 0);
    VJ_GO(rc, vj_buf_printf(&line, err, "##contig=<ID=%s", contig->name));
    if (contig->length >= 0)
        VJ_GO(rc, vj_buf_printf(&line, err, ",length=%lld", (long long)contig->length));
    VJ_GO(rc, vj_buf_push(&line, '>', err));
    copy = vj_arena_strndup(&table->arena, line.ptr, line.len_bytes, err);
out:
    vj_buf_fini(&line);
    return copy;
}

static const vj_vcf_def end_def = {.id = "END", .kind = VJ_VCF_INTEGER, .number = 1,
                                   .declared = true};

static vj_status make_header(vj_vcf_table *table, const vj_vcf_table_options *options,
                             vj_error *err)
{
    static const char *const first_lines[] = {
        "##fileformat=VCFv4.3",
        "##INFO=<ID=END,Number=1,Type=Integer,Description=\"Last position of the variant\">",
        "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">"};
    vj_vcf_header *h = &table->header;
    size_t n = VJ_COUNT(first_lines) + (size_t)options->n_contigs;
    const char **lines = vj_arena_zalloc(&table->arena, n * sizeof *lines, err);
    const char **samples = vj_arena_zalloc(&table->arena, sizeof *samples, err);

    if (lines == NULL || samples == NULL)
        return VJ_E_NOMEM;
    bool has_sample = table->fixed[VJ_FIXED_GENOTYPE] >= 0 || table->n_formats > 0;
    *h = (vj_vcf_header){.version_minor = 3, .n_infos = 1, .infos = &end_def, .lines = lines,
                         .samples = samples, .n_samples = has_sample ? 1 : 0,
                         .contigs = options->contigs, .n_contigs = options->n_contigs};
    samples[0] = options->sample_name != NULL ? options->sample_name : "SAMPLE";
    for (size_t i = 0; i < VJ_COUNT(first_lines) - (has_sample ? 0 : 1); i++)
        lines[h->n_lines++] = first_lines[i];
    for (int32_t i = 0; i < options->n_contigs; i++)
        if ((lines[h->n_lines++] = contig_line(table, &options->contigs[i], err)) == NULL)
            return VJ_E_NOMEM;
    return VJ_OK;
}

static vj_status map_contigs(vj_vcf_table *table, vj_error *err)
{
    const vj_vcf_header *header = &table->header;

    for (int32_t i = 0; i < header->n_contigs; i++) {
        vj_span shown = vj_contig_shown(vj_span_of(header->contigs[i].name));

        if (vj_map_find(&table->contigs, shown) < 0)
            VJ_TRY(vj_map_put(&table->contigs, shown, i, NULL, NULL, err));
    }
    return VJ_OK;
}

/* A header that is given may name more samples than a table has: one column is left. */
static vj_status start_header(vj_vcf_table *table, const vj_vcf_table_options *options,
                              vj_error *err)
{
    if (options->header == NULL) {
        VJ_TRY(make_header(table, options, err));
    } else {
        bool has_sample = table->fixed[VJ_FIXED_GENOTYPE] >= 0 || table->n_formats > 0;
        const char **samples = vj_arena_zalloc(&table->arena, sizeof *samples, err);

        if (samples == NULL)
            return VJ_E_NOMEM;
        table->header = *options->header;
        samples[0] = options->sample_name != NULL      ? options->sample_name
                     : options->header->n_samples > 0 ? options->header->samples[0]
                                                      : "SAMPLE";
        table->header.samples = samples;
        table->header.n_samples = has_sample ? 1 : 0;
    }
    table->space_is_legal = table->header.version_minor >= 3;
    return map_contigs(table, err);
}

vj_status vj_vcf_table_new(const vj_vcf_table_options *options, vj_budget *budget,
                           vj_vcf_table **out, vj_error *err)
{
    vj_status rc = VJ_OK;
    vj_vcf_table *table = vj_zalloc(budget, sizeof *table, err);

    *out = NULL;
    if (table == NULL)
        return VJ_E_NOMEM;
    table->budget = budget;
    table->schema = options->schema;
    vj_arena_init(&table->arena, budget, 4096);
    vj_map_init(&table->contigs, budget);
    VJ_GO(rc, add_columns(table, options, err));
    VJ_GO(rc, start_header(table, options, err));
    VJ_GO(rc, start_carry(table, err));
    *out = table;
    return VJ_OK;
out:
    vj_vcf_table_free(table);
    return rc;
}

void vj_vcf_table_free(vj_vcf_table *table)
{
    if (table == NULL)
        return;
    for (int32_t i = 0; table->carry != NULL && i < table->schema->n_fields; i++)
        vj_colb_fini(&table->carry[i]);
    vj_free(table->carry);
    vj_free(table->carry_cols);
    vj_map_fini(&table->contigs);
    vj_arena_fini(&table->arena);
    vj_free(table);
}

const vj_vcf_header *vj_vcf_table_header(const vj_vcf_table *table)
{
    return &table->header;
}

const vj_vcf_annotation *vj_vcf_table_annotations(const vj_vcf_table *table, int32_t *out_n)
{
    *out_n = table->n_annotations;
    return table->annotations;
}
