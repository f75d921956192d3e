#include "hts/parse.h"

/*
 * FORMAT of the usual record: one ALT, one sample. Values are read where they stand, and what is
 * not short and plain goes the long way through vj_parse_cell. A null is not written at all: the
 * column stays behind and is filled when its next value comes (vj_append_fill).
 */

vj_fast_key vj_fast_key_of(const vj_field_plan *plan)
{
    vj_fast_key key = {.how = VJ_FAST_NOT, .count = -1, .plan = plan};

    if (plan == NULL || (plan->col < 0 && plan->special != VJ_FIELD_GT))
        key.how = VJ_FAST_SKIP;
    else if (plan->special == VJ_FIELD_GT)
        key.how = VJ_FAST_GT;
    else if (plan->shape == VJ_SHAPE_ONE || plan->shape == VJ_SHAPE_PER_ALT)
        key.how = plan->kind == VJ_VCF_INTEGER ? VJ_FAST_INT
                  : plan->kind == VJ_VCF_FLOAT ? VJ_FAST_FLOAT
                                               : VJ_FAST_NOT;
    else if (plan->kind == VJ_VCF_INTEGER)
        key.how = VJ_FAST_INTS;
    if (key.how == VJ_FAST_INTS)
        key.count = plan->shape == VJ_SHAPE_REF_ALT ? 2 : plan->count;
    return key;
}

/* "0/1" of a record with one ALT; NULL: not that plain. */
static const char *put_diploid(vj_parse *p, vj_colb *b, const char *at, const char *end,
                               vj_status *rc)
{
    unsigned n_alts = p->rec.alt.ptr[0] != '.' || p->rec.alt.len_bytes > 1;
    vj_span called[2] = {p->rec.ref, p->rec.ref};

    if (end - at < 3 || (end - at > 3 && at[3] != ':') || (at[1] != '/' && at[1] != '|'))
        return NULL;
    unsigned first = (unsigned)(uint8_t)at[0] - '0';
    unsigned second = (unsigned)(uint8_t)at[2] - '0';
    if (first > n_alts || second > n_alts)
        return NULL;
    if (first + second == 2)
        called[0] = called[1] = p->rec.alt;
    else if (first + second == 1)
        called[vj_span_cmp(p->rec.ref, p->rec.alt) <= 0] = p->rec.alt;
    *rc = app_text_padded(&b->kids[0], called[0], p->err);
    if (*rc == VJ_OK)
        *rc = app_text_padded(&b->kids[0], called[1], p->err);
    if (*rc == VJ_OK)
        *rc = app_end_list(b, p->err);
    return at + 3;
}

/* "0,27,34"; NULL: not that plain, nothing was appended. */
static const char *put_ints(vj_parse *p, vj_colb *b, const vj_fast_key *key, const char *at,
                            const char *end, vj_status *rc)
{
    vj_colb *kid = &b->kids[0];
    int32_t n = 0;

    *rc = vj_buf_reserve(&kid->data, ((size_t)(end - at) / 2 + 1) * sizeof(int32_t), p->err);
    if (*rc != VJ_OK)
        return NULL;
    int32_t *to = (int32_t *)(void *)(kid->data.ptr + kid->data.len_bytes);
    for (;; at++) {
        const char *beg = at;
        unsigned value = 0;

        for (unsigned digit; at < end && (digit = (unsigned)(uint8_t)*at - '0') <= 9; at++)
            value = value * 10 + digit;
        if (at == beg || at - beg > 9)
            return NULL;
        to[n++] = (int32_t)value;
        if (at == end || *at != ',')
            break;
    }
    if ((at < end && *at != ':') || (key->count >= 0 && n != key->count))
        return NULL;
    if ((*rc = app_fill(b, p->rec.row0, p->err)) != VJ_OK)
        return NULL;
    kid->data.len_bytes += (size_t)n * sizeof(int32_t);
    kid->n_rows += n;
    if (kid->n_nulls > 0)
        *rc = app_widen(&kid->valid, kid->n_rows, 0xff, p->err);
    if (*rc == VJ_OK)
        *rc = app_end_list(b, p->err);
    return at;
}

/* One value the short way; NULL: it is to go the long one. */
static const char *put_plain(vj_parse *p, const vj_fast_key *key, const char *at, const char *end,
                             vj_status *rc)
{
    vj_colb *b = key->how == VJ_FAST_GT ? &p->rows->builders[p->reader->col_genotype]
                                        : &p->rows->builders[key->plan->col];
    const char *stop = NULL;
    int32_t whole = 0;
    float real = 0;

    switch (key->how) {
    case VJ_FAST_GT:
        return put_diploid(p, b, at, end, rc);
    case VJ_FAST_INTS:
        return put_ints(p, b, key, at, end, rc);
    case VJ_FAST_INT:
        stop = scan_plain_int(at, end, ':', &whole);
        break;
    case VJ_FAST_FLOAT:
        stop = scan_plain_float(at, end, ':', &real);
        break;
    case VJ_FAST_NOT:
    case VJ_FAST_SKIP:
        break;
    }
    if (stop == NULL || (*rc = app_fill(b, p->rec.row0, p->err)) != VJ_OK)
        return NULL;
    *rc = key->how == VJ_FAST_INT ? app_i32(b, whole, p->err) : app_f32(b, real, p->err);
    return stop;
}

/* One value of any form. */
static vj_status put_any(vj_parse *p, const vj_fast_key *key, vj_span text)
{
    vj_cell cell = {.plan = key->plan, .text = text, .report = true, .first_alt = true};

    if (key->how == VJ_FAST_GT)
        return vj_parse_genotype(p, &p->rows->builders[p->reader->col_genotype], text, true);
    if (key->how == VJ_FAST_SKIP || span_is_missing(text))
        return VJ_OK;
    vj_colb *b = &p->rows->builders[key->plan->col];
    VJ_TRY(app_fill(b, p->rec.row0, p->err));
    return vj_parse_cell(p, b, &cell);
}

vj_status vj_parse_format_single(vj_parse *p)
{
    vj_vcf_scratch *s = p->s;
    vj_span text = vj_parse_sample(p, p->reader->chosen.ptr[0]);
    const char *at = text.ptr;
    const char *end = at + text.len_bytes;
    size_t n_keys = s->fast_keys.n;
    vj_colb *genotype = &p->rows->builders[p->reader->col_genotype];

    for (size_t k = 0; k < n_keys; k++) {
        const vj_fast_key *key = &s->fast_keys.ptr[k];
        vj_status rc = VJ_OK;
        const char *stop = key->how > VJ_FAST_SKIP ? put_plain(p, key, at, end, &rc) : NULL;

        VJ_TRY(rc);
        if (stop == NULL) {
            for (stop = at; stop < end && *stop != ':';)
                stop++;
            VJ_TRY(put_any(p, key, (vj_span){at, (size_t)(stop - at)}));
        }
        if (stop == end)
            break;
        at = stop + 1;
        if (k + 1 == n_keys)
            VJ_TRY(vj_parse_too_many(p, text, n_keys));
    }
    if (genotype->n_rows == p->rec.row0) /* no GT: no allele is called */
        return app_end_list(genotype, p->err);
    return VJ_OK;
}
