#include "hts/reader.h"

#include <stdio.h>

/* ---- lists of names in options ---- */

/* Next part of a comma list; false at its end. */
static bool next_part(const char **at, vj_span *part)
{
    const char *comma = NULL;

    if (*at == NULL)
        return false;
    comma = strchr(*at, ',');
    *part = (vj_span){*at, comma != NULL ? (size_t)(comma - *at) : strlen(*at)};
    *at = comma != NULL ? comma + 1 : NULL;
    return true;
}

static vj_span without_prefix(vj_span text, const char *prefix)
{
    size_t n = strlen(prefix);

    if (text.len_bytes > n && memcmp(text.ptr, prefix, n) == 0)
        return (vj_span){text.ptr + n, text.len_bytes - n};
    return text;
}

static vj_span field_name(vj_span part)
{
    return without_prefix(without_prefix(without_prefix(part, "INFO/"), "FORMAT/"), "FMT/");
}

#define NEAR_BYTES 48

/* Edit distance of two short names; long ones count as far. */
static size_t distance(vj_span a, vj_span b)
{
    size_t row[NEAR_BYTES + 1];

    if (a.len_bytes > NEAR_BYTES || b.len_bytes > NEAR_BYTES)
        return NEAR_BYTES;
    for (size_t j = 0; j <= b.len_bytes; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len_bytes; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.len_bytes; j++) {
            size_t best = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);

            diagonal = row[j];
            best = VJ_MIN(best, row[j] + 1);
            row[j] = VJ_MIN(best, row[j - 1] + 1);
        }
    }
    return row[b.len_bytes];
}

static const char *nearest_sample(const vj_vcf_reader *reader, vj_span name)
{
    const char *best = "";
    size_t least = SIZE_MAX;

    for (size_t i = 0; i < reader->samples.n; i++) {
        size_t d = distance(name, vj_span_of(reader->samples.ptr[i]));

        if (d < least) {
            least = d;
            best = reader->samples.ptr[i];
        }
    }
    return best;
}

/* Every name of the list must be a field of the header. */
static vj_status check_fields(const vj_vcf_reader *reader, const char *list, const vj_map *map,
                              const char *tag, vj_error *err)
{
    vj_span part = {0};
    const char *at = list;

    while (next_part(&at, &part)) {
        if (part.len_bytes > 0 && vj_map_find(map, field_name(part)) < 0)
            return vj_fail(err, VJ_E_USAGE, "%s: expected a %s field of the header, found '%.*s'",
                           reader->name, tag, (int)VJ_MIN(part.len_bytes, 60), part.ptr);
    }
    return VJ_OK;
}

static bool is_listed(const char *list, const char *id)
{
    vj_span part = {0};
    const char *at = list;

    if (list == NULL)
        return true;
    while (next_part(&at, &part))
        if (vj_span_is(field_name(part), id))
            return true;
    return false;
}

/* ---- samples ---- */

static vj_status find_sample(const vj_vcf_reader *reader, vj_span name, int32_t *out,
                             vj_error *err)
{
    for (size_t i = 0; i < reader->samples.n; i++) {
        if (vj_span_is(name, reader->samples.ptr[i])) {
            *out = (int32_t)i;
            return VJ_OK;
        }
    }
    return vj_fail(err, VJ_E_USAGE, "%s: no sample '%.*s' (%zu samples%s%s)", reader->name,
                   (int)VJ_MIN(name.len_bytes, 60), name.ptr, reader->samples.n,
                   reader->samples.n > 0 ? "; the nearest name is " : "",
                   nearest_sample(reader, name));
}

/* The samples of -s in the list's order, or all but those of ^LIST. */
static vj_status choose_named(vj_vcf_reader *reader, const char *list, vj_error *err)
{
    bool negate = list[0] == '^';
    const char *at = negate ? list + 1 : list;
    vj_span part = {0};
    vj_status rc = VJ_OK;
    uint8_t *marked = vj_calloc(reader->budget, reader->samples.n + 1, 1, err);

    if (marked == NULL)
        return VJ_E_NOMEM;
    while (next_part(&at, &part)) {
        int32_t i = 0;

        VJ_GO(rc, find_sample(reader, part, &i, err));
        if (!negate && !marked[i])
            VJ_GO(rc, VJ_VEC_PUSH(&reader->chosen, i, err));
        marked[i] = 1;
    }
    for (size_t i = 0; negate && i < reader->samples.n; i++)
        if (!marked[i])
            VJ_GO(rc, VJ_VEC_PUSH(&reader->chosen, (int32_t)i, err));
out:
    vj_free(marked);
    return rc;
}

static vj_status choose_samples(vj_vcf_reader *reader, vj_error *err)
{
    const vj_vcf_read_options *options = &reader->options;

    if (options->samples != NULL)
        VJ_TRY(choose_named(reader, options->samples, err));
    if (options->sites_only) {
        VJ_VEC_RESET(&reader->chosen);
        return VJ_OK;
    }
    for (size_t i = 0; options->samples == NULL && i < reader->samples.n; i++) {
        VJ_TRY(VJ_VEC_PUSH(&reader->chosen, (int32_t)i, err));
        if (!options->all_samples)
            break;
    }
    reader->per_sample = reader->chosen.n > 0 && (options->all_samples || reader->chosen.n > 1);
    return VJ_OK;
}

/* ---- columns ---- */

static vj_status push_column(vj_vcf_reader *reader, const char *name, vj_type type, bool nullable,
                             vj_vcf_origin origin, int32_t *out_col, vj_error *err)
{
    vj_field field = {.name = name, .type = type, .nullable = nullable};

    *out_col = (int32_t)reader->fields.n;
    VJ_TRY(VJ_VEC_PUSH(&reader->fields, field, err));
    return VJ_VEC_PUSH(&reader->origins, origin, err);
}

/*
 * A name that no column has yet, case ignored: the wanted one, or with _2, _3, ... (S-21). Taken
 * for all fields of the header, wanted or not, so that a selection renames nothing.
 */
static vj_status claim_name(vj_vcf_reader *reader, vj_map *taken, const char *wanted,
                            const char **out, vj_error *err)
{
    vj_status rc = VJ_OK;
    vj_buf name = {.budget = reader->budget};
    vj_buf folded = {.budget = reader->budget};
    int64_t base_i = 0;
    bool added = false;

    for (int64_t n = 1; !added; n++) {
        vj_buf_reset(&name);
        VJ_GO(rc, vj_buf_append_text(&name, wanted, err));
        if (n > 1)
            VJ_GO(rc, vj_buf_printf(&name, err, "_%lld", (long long)n));
        vj_buf_reset(&folded);
        VJ_GO(rc, vj_buf_append(&folded, name.ptr, name.len_bytes, err));
        for (size_t i = 0; i < folded.len_bytes; i++)
            if (folded.ptr[i] >= 'A' && folded.ptr[i] <= 'Z')
                folded.ptr[i] = (uint8_t)(folded.ptr[i] | 0x20);
        int64_t found = vj_map_find(taken, vj_buf_span(&folded));
        added = found < 0;
        if (added)
            VJ_GO(rc, vj_map_put(taken, vj_buf_span(&folded), 1, &found, NULL, err));
        /* the map remembers how far a name was counted, so that n clashes cost n steps */
        if (n == 1) {
            base_i = found;
            n = taken->values[base_i];
        }
        taken->values[base_i] = n;
    }
    *out = vj_arena_strndup(&reader->arena, name.ptr, name.len_bytes, err);
    rc = *out == NULL ? VJ_E_NOMEM : VJ_OK;
out:
    vj_buf_fini(&name);
    vj_buf_fini(&folded);
    return rc;
}

static vj_status build_fixed(vj_vcf_reader *reader, vj_map *taken, vj_error *err)
{
    static const struct {
        const char *name;
        vj_kind kind;
        bool nullable;
    } fixed[VJ_COL_FIXED] = {
        {"chrom", VJ_TEXT, false}, {"start", VJ_U32, false},     {"end", VJ_U32, false},
        {"rsid", VJ_TEXT, true},   {"ref", VJ_TEXT, false},      {"alt", VJ_TEXT, true},
        {"alt_index", VJ_I32, false}, {"qual", VJ_F64, true},    {"filter", VJ_TEXT, true},
    };
    vj_vcf_origin origin = {.role = VJ_ROLE_FIXED};
    const char *name = NULL;
    int32_t col = 0;

    for (size_t i = 0; i < VJ_COUNT(fixed); i++) {
        VJ_TRY(claim_name(reader, taken, fixed[i].name, &name, err));
        VJ_TRY(push_column(reader, name, vj_type_of(fixed[i].kind), fixed[i].nullable, origin,
                           &col, err));
    }
    reader->col_sample = reader->col_genotype = -1;
    /* reserved whether or not they are there, for the names' sake */
    VJ_TRY(claim_name(reader, taken, "sample", &name, err));
    if (reader->per_sample)
        VJ_TRY(push_column(reader, name, vj_type_of(VJ_TEXT), false, origin, &reader->col_sample,
                           err));
    VJ_TRY(claim_name(reader, taken, "genotype", &name, err));
    if (reader->chosen.n > 0)
        VJ_TRY(push_column(reader, name, vj_type_list_of(VJ_TEXT), false, origin,
                           &reader->col_genotype, err));
    return VJ_OK;
}

/* Number of a field after --assume-number. */
static int32_t assumed_number(const vj_vcf_reader *reader, const char *id, int32_t number)
{
    vj_span part = {0};
    const char *at = reader->options.assume_number;

    while (number == VJ_NUMBER_DOT && next_part(&at, &part)) {
        const char *equals = memchr(part.ptr, '=', part.len_bytes);

        if (equals == NULL ||
            !vj_span_is(field_name((vj_span){part.ptr, (size_t)(equals - part.ptr)}), id))
            continue;
        return equals[1] == 'A' ? VJ_NUMBER_A : VJ_NUMBER_R;
    }
    return number;
}

static vj_status check_assumptions(const vj_vcf_reader *reader, vj_error *err)
{
    vj_span part = {0};
    const char *at = reader->options.assume_number;

    while (next_part(&at, &part)) {
        const char *equals = memchr(part.ptr, '=', part.len_bytes);
        size_t n = equals != NULL ? (size_t)(equals - part.ptr) : 0;
        vj_span id = field_name((vj_span){part.ptr, n});

        if (n == 0 || part.len_bytes != n + 2 || (equals[1] != 'A' && equals[1] != 'R'))
            return vj_fail(err, VJ_E_USAGE, "expected TAG=A or TAG=R, found '%.*s'",
                           (int)VJ_MIN(part.len_bytes, 60), part.ptr);
        if (vj_map_find(&reader->info_by_id, id) < 0 &&
            vj_map_find(&reader->format_by_id, id) < 0)
            return vj_fail(err, VJ_E_USAGE, "%s: no field '%.*s' in the header", reader->name,
                           (int)VJ_MIN(id.len_bytes, 60), id.ptr);
    }
    return VJ_OK;
}

static vj_kind kind_of(vj_vcf_kind kind)
{
    switch (kind) {
    case VJ_VCF_FLAG:
        return VJ_BOOL;
    case VJ_VCF_INTEGER:
        return VJ_I32;
    case VJ_VCF_FLOAT:
        return VJ_F32;
    case VJ_VCF_CHARACTER:
    case VJ_VCF_STRING:
        break;
    }
    return VJ_TEXT;
}

void vj_field_plan_key(vj_field_plan *plan)
{
    size_t n = strlen(plan->id);

    plan->id_bytes = (uint32_t)n;
    plan->id_word = 0;
    memcpy(&plan->id_word, plan->id, VJ_MIN(n, (size_t)8));
    plan->id_mask = n >= 8 ? ~(uint64_t)0 : ((uint64_t)1 << (8 * n)) - 1;
}

static void set_shape(vj_field_plan *plan, int32_t number)
{
    plan->count = -1;
    if (plan->kind == VJ_VCF_FLAG) {
        plan->shape = VJ_SHAPE_FLAG;
    } else if (number == 1) {
        plan->shape = VJ_SHAPE_ONE;
    } else if (number == VJ_NUMBER_A) {
        plan->shape = VJ_SHAPE_PER_ALT;
    } else if (number == VJ_NUMBER_R) {
        plan->shape = VJ_SHAPE_REF_ALT;
    } else {
        plan->shape = VJ_SHAPE_LIST;
        plan->count = number >= 0 ? number : -1;
    }
}

static vj_type column_type(const vj_field_plan *plan)
{
    vj_kind kind = kind_of(plan->kind);

    return plan->shape == VJ_SHAPE_REF_ALT || plan->shape == VJ_SHAPE_LIST
               ? vj_type_list_of(kind)
               : vj_type_of(kind);
}

/* Plan and, when it is wanted and has one, the column of one header line. */
static vj_status build_field(vj_vcf_reader *reader, vj_map *taken, const vj_vcf_def *def,
                             bool is_info, bool wanted, vj_error *err)
{
    vj_field_plan plan = {.id = def->id, .col = -1, .kind = def->kind,
                          .is_info = is_info, .declared = true};
    vj_vcf_origin origin = {is_info ? VJ_ROLE_INFO : VJ_ROLE_FORMAT, def};
    const char *name = def->id;
    vj_buf qualified = {.budget = reader->budget};
    vj_status rc = VJ_OK;

    vj_field_plan_key(&plan);
    set_shape(&plan, assumed_number(reader, def->id, def->number));
    if (is_info && strcmp(def->id, "END") == 0)
        plan.special = VJ_FIELD_END;
    else if (is_info && strcmp(def->id, "SVLEN") == 0)
        plan.special = VJ_FIELD_SVLEN;
    else if (!is_info && strcmp(def->id, "GT") == 0)
        plan.special = VJ_FIELD_GT;
    if (plan.special != VJ_FIELD_END && plan.special != VJ_FIELD_GT) {
        if (!is_info && vj_map_find(&reader->info_by_id, vj_span_of(def->id)) >= 0) {
            VJ_GO(rc, vj_buf_printf(&qualified, err, "FORMAT_%s", def->id));
            VJ_GO(rc, vj_buf_push(&qualified, 0, err));
            name = (const char *)qualified.ptr;
        }
        VJ_GO(rc, claim_name(reader, taken, name, &name, err));
        if (wanted)
            VJ_GO(rc, push_column(reader, name, column_type(&plan), plan.shape != VJ_SHAPE_FLAG,
                                  origin, &plan.col, err));
    }
    rc = is_info ? VJ_VEC_PUSH(&reader->info_plans, plan, err)
                 : VJ_VEC_PUSH(&reader->format_plans, plan, err);
out:
    vj_buf_fini(&qualified);
    return rc;
}

/* END, SVLEN and GT mean the same without their header lines. */
static vj_status add_implied(vj_vcf_reader *reader, vj_error *err)
{
    static const struct {
        const char *id;
        vj_special special;
    } implied[] = {{"END", VJ_FIELD_END}, {"SVLEN", VJ_FIELD_SVLEN}, {"GT", VJ_FIELD_GT}};

    for (size_t i = 0; i < VJ_COUNT(implied); i++) {
        bool is_info = implied[i].special != VJ_FIELD_GT;
        vj_map *map = is_info ? &reader->info_by_id : &reader->format_by_id;
        size_t n = is_info ? reader->info_plans.n : reader->format_plans.n;
        vj_field_plan plan = {.id = implied[i].id, .col = -1,
                              .kind = VJ_VCF_STRING, .shape = VJ_SHAPE_ONE,
                              .count = -1, .special = implied[i].special, .is_info = is_info,
                              .declared = implied[i].special != VJ_FIELD_SVLEN};

        vj_field_plan_key(&plan);
        if (vj_map_find(map, vj_span_of(plan.id)) >= 0)
            continue;
        VJ_TRY(vj_map_put(map, vj_span_of(plan.id), (int64_t)n, NULL, NULL, err));
        VJ_TRY(is_info ? VJ_VEC_PUSH(&reader->info_plans, plan, err)
                       : VJ_VEC_PUSH(&reader->format_plans, plan, err));
    }
    return VJ_OK;
}

static vj_status build_fields(vj_vcf_reader *reader, vj_map *taken, vj_error *err)
{
    const vj_vcf_read_options *options = &reader->options;
    bool formats = options->with_formats && reader->chosen.n > 0;

    VJ_TRY(build_fixed(reader, taken, err));
    for (size_t i = 0; i < reader->infos.n; i++) {
        const vj_vcf_def *def = &reader->infos.ptr[i];

        VJ_TRY(build_field(reader, taken, def, true, is_listed(options->info_fields, def->id),
                           err));
    }
    for (size_t i = 0; i < reader->formats.n; i++) {
        const vj_vcf_def *def = &reader->formats.ptr[i];

        VJ_TRY(build_field(reader, taken, def, false,
                           formats && is_listed(options->format_fields, def->id), err));
    }
    return VJ_OK;
}

static vj_status split_filters(vj_vcf_reader *reader, vj_error *err)
{
    const char *at = reader->options.filter_pass;
    vj_span part = {0};

    while (next_part(&at, &part))
        VJ_TRY(VJ_VEC_PUSH(&reader->filter_pass, part, err));
    return VJ_OK;
}

vj_status vj_vcf_schema_build(vj_vcf_reader *reader, vj_error *err)
{
    vj_map taken;

    VJ_TRY(choose_samples(reader, err));
    VJ_TRY(check_fields(reader, reader->options.info_fields, &reader->info_by_id, "INFO", err));
    VJ_TRY(check_fields(reader, reader->options.format_fields, &reader->format_by_id, "FORMAT",
                        err));
    VJ_TRY(check_assumptions(reader, err));
    VJ_TRY(split_filters(reader, err));
    vj_map_init(&taken, reader->budget);
    vj_status rc = build_fields(reader, &taken, err);
    vj_map_fini(&taken);
    VJ_TRY(rc);
    reader->plan_info_dp = (int32_t)vj_map_get(&reader->info_by_id, vj_span_of("DP"), -1);
    reader->plan_dp = (int32_t)vj_map_get(&reader->format_by_id, vj_span_of("DP"), -1);
    reader->plan_gq = (int32_t)vj_map_get(&reader->format_by_id, vj_span_of("GQ"), -1);
    reader->plan_len = (int32_t)vj_map_get(&reader->format_by_id, vj_span_of("LEN"), -1);
    VJ_TRY(add_implied(reader, err));
    reader->schema = (vj_schema){(int32_t)reader->fields.n, reader->fields.ptr};
    return VJ_OK;
}
