#include "hts/parse.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- INFO ---- */

typedef struct info_token {
    vj_span key, value;
    bool has_value;
} info_token;

/* Does the token at `at` have the plan's key? Words are compared: the text is padded. */
static inline bool is_token_of(const vj_field_plan *plan, const char *at, const char *end)
{
    size_t n = plan->id_bytes;
    uint64_t word;

    memcpy(&word, at, sizeof word);
    return ((word ^ plan->id_word) & plan->id_mask) == 0 && (size_t)(end - at) >= n &&
           (n <= 8 || memcmp(at, plan->id, n) == 0) &&
           (at + n == end || at[n] == '=' || at[n] == ';');
}

/* Cut the token at `at`, whose key has key_bytes; returns where the next one begins. */
static const char *cut_token(const char *at, const char *end, size_t key_bytes, info_token *token)
{
    const char *stop = at + key_bytes;

    *token = (info_token){.key = {at, key_bytes}};
    if (stop < end && *stop == '=') {
        const char *semicolon = memchr(stop + 1, ';', (size_t)(end - stop - 1));

        token->has_value = true;
        at = stop + 1;
        stop = semicolon != NULL ? semicolon : end;
        token->value = (vj_span){at, (size_t)(stop - at)};
    } else {
        token->value = (vj_span){stop, 0};
    }
    return stop < end ? stop + 1 : stop;
}

/*
 * Plan of the key at `at`, -1 when the header lacks it. Records repeat their keys in one order:
 * what followed the key before last time is tried first.
 */
static int32_t find_info_plan(const vj_parse *p, const char *at, const char *end, int32_t before,
                              size_t *key_bytes)
{
    const vj_vcf_reader *reader = p->reader;
    int32_t *guess = &p->s->next_info.ptr[before + 1];
    const char *stop = at;

    if (*guess >= 0 && is_token_of(&reader->info_plans.ptr[*guess], at, end)) {
        *key_bytes = reader->info_plans.ptr[*guess].id_bytes;
        return *guess;
    }
    while (stop < end && *stop != '=' && *stop != ';')
        stop++;
    *key_bytes = (size_t)(stop - at);
    int32_t plan_i = (int32_t)vj_map_get(&reader->info_by_id, (vj_span){at, *key_bytes}, -1);
    if (plan_i >= 0)
        *guess = plan_i;
    return plan_i;
}

static vj_status put_flag(vj_parse *p, const vj_field_plan *plan, const info_token *token)
{
    vj_colb *b = &p->rows->builders[plan->col];

    if (token->has_value)
        VJ_TRY(vj_parse_odd(p, VJ_ODD_BAD_FLAG, "INFO/", token->key, token->value,
                            "a Flag without a value"));
    for (int64_t i = 0; i < p->rec.n_rows; i++)
        VJ_TRY(app_true(b, p->err));
    return VJ_OK;
}

static vj_status put_info(vj_parse *p, const vj_field_plan *plan, const info_token *token)
{
    vj_colb *b = &p->rows->builders[plan->col];
    bool per_alt = plan->shape == VJ_SHAPE_PER_ALT || plan->shape == VJ_SHAPE_REF_ALT;
    vj_walk walk = {0};

    VJ_TRY(app_fill(b, p->rec.row0, p->err));
    if (plan->shape == VJ_SHAPE_FLAG)
        return put_flag(p, plan, token);
    if (token->value.len_bytes == 0)
        return vj_parse_odd(p, VJ_ODD_NO_VALUE, "INFO/", token->key, token->value, "a value");
    for (size_t a = 0; a < p->s->row_alts.n; a++) {
        vj_cell cell = {.plan = plan, .text = token->value, .walk = &walk,
                        .alt_i = p->s->row_alts.ptr[a], .first_alt = a == 0};

        for (size_t s = 0; s < p->s->kept.n; s++) {
            cell.report = s == 0 && (a == 0 || per_alt);
            VJ_TRY(vj_parse_cell(p, b, &cell));
        }
    }
    return VJ_OK;
}

static vj_status take_info(vj_parse *p, int32_t plan_i, const info_token *token)
{
    const vj_field_plan *plan = plan_i >= 0 ? &p->reader->info_plans.ptr[plan_i] : NULL;

    if (plan != NULL) {
        int64_t *seen = &p->s->info_seen.ptr[plan_i];

        if (*seen == p->s->record_serial)
            return vj_parse_odd(p, VJ_ODD_DUPLICATE_KEY, "INFO/", token->key, token->value,
                                "each key once");
        *seen = p->s->record_serial;
        if (plan->special == VJ_FIELD_END)
            p->rec.info_end = token->value;
        else if (plan->special == VJ_FIELD_SVLEN)
            p->rec.svlen = token->value;
    }
    if (plan == NULL || !plan->declared)
        return vj_parse_odd(p, VJ_ODD_UNDECLARED, "INFO/", token->key, token->value,
                            "a key with a header line");
    return plan->col >= 0 ? put_info(p, plan, token) : VJ_OK;
}

/*
 * The short way for one number of a single record, behind '='. Returns where the next token
 * begins, or NULL: nothing was done.
 */
static inline const char *put_info_number(vj_parse *p, const vj_field_plan *plan, const char *at,
                                          const char *end, vj_status *rc)
{
    vj_colb *b = &p->rows->builders[plan->col];
    int32_t whole = 0;
    float real = 0;
    bool is_int = plan->kind == VJ_VCF_INTEGER;
    const char *stop = is_int ? scan_plain_int(at, end, ';', &whole)
                              : scan_plain_float(at, end, ';', &real);

    if (stop == NULL)
        return NULL;
    if ((*rc = app_fill(b, p->rec.row0, p->err)) == VJ_OK)
        *rc = is_int ? app_i32(b, whole, p->err) : app_f32(b, real, p->err);
    return stop < end ? stop + 1 : stop;
}

/* May the short way be tried? A key that was met before is odd and goes the long way. */
static inline bool has_short_way(const vj_parse *p, int32_t plan_i)
{
    const vj_field_plan *plan = &p->reader->info_plans.ptr[plan_i];

    return p->single && plan->col >= 0 && plan->special == VJ_FIELD_PLAIN &&
           (plan->kind == VJ_VCF_INTEGER || plan->kind == VJ_VCF_FLOAT) &&
           (plan->shape == VJ_SHAPE_ONE || plan->shape == VJ_SHAPE_PER_ALT) &&
           p->s->info_seen.ptr[plan_i] != p->s->record_serial;
}

vj_status vj_parse_info(vj_parse *p)
{
    const char *at = p->rec.info.ptr;
    const char *end = at + p->rec.info.len_bytes;
    int32_t before = -1;

    if (VJ_UNLIKELY(p->rec.info.len_bytes == 0))
        return vj_parse_odd(p, VJ_ODD_BAD_TEXT, "INFO", (vj_span){0}, p->rec.info,
                            "'.' for a missing value");
    if (span_is_missing(p->rec.info))
        return VJ_OK;
    while (at < end) {
        info_token token;
        size_t key_bytes = 0;

        if (*at == ';') { /* an empty part says nothing */
            at++;
            continue;
        }
        int32_t plan_i = find_info_plan(p, at, end, before, &key_bytes);
        if (plan_i >= 0 && at + key_bytes < end && has_short_way(p, plan_i)) {
            vj_status rc = VJ_OK;
            const char *next = put_info_number(p, &p->reader->info_plans.ptr[plan_i],
                                               at + key_bytes + 1, end, &rc);

            VJ_TRY(rc);
            if (next != NULL) {
                p->s->info_seen.ptr[plan_i] = p->s->record_serial;
                before = plan_i;
                at = next;
                continue;
            }
        }
        at = cut_token(at, end, key_bytes, &token);
        VJ_TRY(take_info(p, plan_i, &token));
        before = plan_i >= 0 ? plan_i : before;
    }
    return VJ_OK;
}

vj_span vj_parse_info_peek(const vj_parse *p, const vj_field_plan *plan)
{
    const char *at = p->rec.info.ptr;
    const char *end = at + p->rec.info.len_bytes;

    while (at < end) {
        info_token token;
        size_t key_bytes = 0;

        while (at + key_bytes < end && at[key_bytes] != '=' && at[key_bytes] != ';')
            key_bytes++;
        bool hit = is_token_of(plan, at, end);
        at = cut_token(at, end, key_bytes, &token);
        if (hit)
            return token.value;
    }
    return (vj_span){0};
}

/* ---- FORMAT ---- */

/* Plans of the keys of a FORMAT that differs from the one before. */
static vj_status plan_format(vj_parse *p)
{
    vj_vcf_scratch *s = p->s;
    const char *at = p->rec.format.ptr;
    const char *end = at + p->rec.format.len_bytes;

    s->format_text = p->rec.format;
    s->format_gt = -1;
    s->format_duplicates = s->format_undeclared = 0;
    VJ_VEC_RESET(&s->format_plans);
    VJ_VEC_RESET(&s->fast_keys);
    if (span_is_missing(p->rec.format))
        return VJ_OK;
    while (at <= end) {
        const char *colon = at < end ? memchr(at, ':', (size_t)(end - at)) : NULL;
        const char *stop = colon != NULL ? colon : end;
        vj_span key = {at, (size_t)(stop - at)};
        int32_t plan_i = (int32_t)vj_map_get(&p->reader->format_by_id, key, -1);
        bool again = false;

        if (plan_i >= 0) {
            again = s->format_seen.ptr[plan_i] == p->s->record_serial;
            s->format_seen.ptr[plan_i] = p->s->record_serial;
        }
        s->format_duplicates += again;
        s->format_undeclared += plan_i < 0;
        plan_i = again ? -1 : plan_i;
        if (plan_i >= 0 && p->reader->format_plans.ptr[plan_i].special == VJ_FIELD_GT)
            s->format_gt = (int32_t)s->format_plans.n;
        VJ_TRY(VJ_VEC_PUSH(&s->format_plans, plan_i, p->err));
        VJ_TRY(VJ_VEC_PUSH(&s->fast_keys,
                           vj_fast_key_of(p, plan_i >= 0 ? &p->reader->format_plans.ptr[plan_i]
                                                         : NULL),
                           p->err));
        at = stop + 1;
    }
    return VJ_OK;
}

vj_status vj_parse_too_many(vj_parse *p, vj_span text, size_t n_keys)
{
    char expected[48];

    snprintf(expected, sizeof expected, "%zu values as FORMAT has keys", n_keys);
    return vj_parse_odd(p, VJ_ODD_BAD_NUMBER, "", vj_span_of("a sample"), text, expected);
}

/* Cut one sample's text into its cells; those cut off at the end stay NULL. */
static vj_status split_sample(vj_parse *p, vj_span text, vj_span *cells, size_t n_keys)
{
    const char *at = text.ptr;
    const char *end = at + text.len_bytes;
    size_t n = 0;

    while (n < n_keys) {
        const char *beg = at;

        while (at < end && *at != ':')
            at++;
        cells[n++] = (vj_span){beg, (size_t)(at - beg)};
        if (at == end)
            break;
        at++;
        if (n == n_keys)
            VJ_TRY(vj_parse_too_many(p, text, n_keys));
    }
    for (; n < n_keys; n++)
        cells[n] = (vj_span){0};
    return VJ_OK;
}

vj_status vj_parse_format_keys(vj_parse *p)
{
    vj_vcf_scratch *s = p->s;

    if (s->format_text.ptr == NULL || !vj_span_eq(s->format_text, p->rec.format))
        VJ_TRY(plan_format(p));
    for (int32_t i = 0; i < s->format_duplicates; i++)
        VJ_TRY(vj_parse_odd(p, VJ_ODD_DUPLICATE_KEY, "FORMAT", (vj_span){0}, p->rec.format,
                            "each key once"));
    for (int32_t i = 0; i < s->format_undeclared; i++)
        VJ_TRY(vj_parse_odd(p, VJ_ODD_UNDECLARED, "FORMAT", (vj_span){0}, p->rec.format,
                            "keys with a header line"));
    if (VJ_UNLIKELY(s->format_gt > 0))
        return vj_parse_odd(p, VJ_ODD_BAD_TEXT, "FORMAT", (vj_span){0}, p->rec.format,
                            "GT as the first key");
    return VJ_OK;
}

vj_status vj_parse_format_split(vj_parse *p)
{
    vj_vcf_scratch *s = p->s;
    size_t n_keys = s->format_plans.n;
    size_t n_cells = 0;

    if (VJ_MUL_OVERFLOW(n_keys, p->reader->chosen.n, &n_cells))
        return vj_fail(p->err, VJ_E_NOMEM, "too many FORMAT cells");
    VJ_VEC_RESET(&s->cells);
    VJ_TRY(VJ_VEC_RESERVE(&s->cells, n_cells + 1, p->err));
    s->cells.n = n_cells;
    for (size_t i = 0; i < p->reader->chosen.n && n_keys > 0; i++)
        VJ_TRY(split_sample(p, vj_parse_sample(p, p->reader->chosen.ptr[i]),
                            s->cells.ptr + i * n_keys, n_keys));
    return VJ_OK;
}

vj_span vj_parse_format_peek(const vj_parse *p, int32_t plan_i, size_t chosen_i)
{
    size_t n_keys = p->s->format_plans.n;

    for (size_t k = 0; plan_i >= 0 && k < n_keys; k++)
        if (p->s->format_plans.ptr[k] == plan_i)
            return p->s->cells.ptr[chosen_i * n_keys + k];
    return (vj_span){0};
}

static vj_status put_format(vj_parse *p, const vj_field_plan *plan, size_t key_i)
{
    vj_vcf_scratch *s = p->s;
    vj_colb *b = &p->rows->builders[plan->col];
    bool per_alt = plan->shape == VJ_SHAPE_PER_ALT || plan->shape == VJ_SHAPE_REF_ALT;
    size_t n_keys = s->format_plans.n;

    VJ_TRY(app_fill(b, p->rec.row0, p->err));
    VJ_TRY(VJ_VEC_RESERVE(&s->walks, s->kept.n, p->err));
    for (size_t i = 0; i < s->kept.n; i++)
        s->walks.ptr[i] = (vj_walk){0};
    for (size_t a = 0; a < s->row_alts.n; a++) {
        vj_cell cell = {.plan = plan, .alt_i = s->row_alts.ptr[a], .first_alt = a == 0,
                        .report = a == 0 || per_alt};

        for (size_t i = 0; i < s->kept.n; i++) {
            cell.walk = &s->walks.ptr[i];
            cell.text = s->cells.ptr[(size_t)s->kept.ptr[i] * n_keys + key_i];
            VJ_TRY(vj_parse_cell(p, b, &cell));
        }
    }
    return VJ_OK;
}

/* ---- genotype ---- */

static int compare_spans(const void *a, const void *b)
{
    return vj_span_cmp(*(const vj_span *)a, *(const vj_span *)b);
}

/* The alleles that GT calls, missing ones left out; false: GT is broken. */
static bool read_called(vj_parse *p, vj_span text, vj_status *rc)
{
    vj_vcf_scratch *s = p->s;
    const char *at = text.ptr;
    const char *end = at + text.len_bytes;
    size_t n_alts = span_is_dot(p->rec.alt) ? 0 : (size_t)p->rec.n_alts;

    VJ_VEC_RESET(&s->called);
    if (at < end && (*at == '|' || *at == '/'))
        at++; /* VCF 4.4: phase of the first allele */
    for (;; at++) {
        size_t allele = 0;
        const char *beg = at;

        for (; at < end && *at >= '0' && *at <= '9'; at++)
            allele = VJ_MIN(allele * 10 + (size_t)(*at - '0'), (size_t)INT32_MAX);
        if (at == beg) {
            if (at == end || *at++ != '.')
                return false;
        } else {
            if (allele > n_alts)
                return false;
            *rc = VJ_VEC_PUSH(&s->called, allele == 0 ? p->rec.ref : s->alts.ptr[allele - 1],
                              p->err);
            if (*rc != VJ_OK)
                return false;
        }
        if (at == end)
            return true;
        if (*at != '/' && *at != '|')
            return false;
    }
}

vj_status vj_parse_genotype(vj_parse *p, vj_colb *b, vj_span text, bool report)
{
    vj_vcf_scratch *s = p->s;
    vj_status rc = VJ_OK;

    VJ_VEC_RESET(&s->called);
    if (!span_is_missing(text) && !read_called(p, text, &rc)) {
        VJ_TRY(rc);
        VJ_VEC_RESET(&s->called);
        if (report)
            VJ_TRY(vj_parse_odd(p, VJ_ODD_BAD_GENOTYPE, "FORMAT/", vj_span_of("GT"), text,
                                "allele numbers of this record"));
    }
    size_t n = s->called.n;
    if (n == 2 && vj_span_cmp(s->called.ptr[0], s->called.ptr[1]) > 0) {
        vj_span swap = s->called.ptr[0];

        s->called.ptr[0] = s->called.ptr[1];
        s->called.ptr[1] = swap;
    } else if (n > 2) {
        qsort(s->called.ptr, n, sizeof *s->called.ptr, compare_spans);
    }
    for (size_t i = 0; i < n; i++)
        VJ_TRY(app_text(&b->kids[0], s->called.ptr[i], p->err));
    return app_end_list(b, p->err);
}

static vj_status put_genotypes(vj_parse *p)
{
    vj_vcf_scratch *s = p->s;
    vj_colb *b = &p->rows->builders[p->reader->col_genotype];
    size_t n_keys = s->format_plans.n;

    for (size_t a = 0; a < s->row_alts.n; a++) {
        for (size_t i = 0; i < s->kept.n; i++) {
            vj_span text = {0};

            if (s->format_gt >= 0)
                text = s->cells.ptr[(size_t)s->kept.ptr[i] * n_keys + (size_t)s->format_gt];
            VJ_TRY(vj_parse_genotype(p, b, text, a == 0));
        }
    }
    return VJ_OK;
}

vj_status vj_parse_format(vj_parse *p)
{
    if (p->reader->chosen.n == 0)
        return VJ_OK;
    if (p->single)
        return vj_parse_format_single(p);
    VJ_TRY(put_genotypes(p));
    for (size_t k = 0; k < p->s->format_plans.n; k++) {
        int32_t plan_i = p->s->format_plans.ptr[k];

        if (plan_i >= 0 && p->reader->format_plans.ptr[plan_i].col >= 0)
            VJ_TRY(put_format(p, &p->reader->format_plans.ptr[plan_i], k));
    }
    return VJ_OK;
}
