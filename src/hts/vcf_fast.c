#include "hts/parse.h"

/*
 * FORMAT of the usual record: one ALT, one sample. Values are read where they stand, and what is
 * not short and plain goes the long way through vj_parse_cell. A null is not written at all: the
 * column stays behind and is filled when its next value comes (vj_append_fill).
 */

vj_fast_key vj_fast_key_of(const vj_parse *p, const vj_field_plan *plan)
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
    if (key.how == VJ_FAST_GT)
        key.column = &p->rows->builders[p->reader->col_genotype];
    else if (key.how != VJ_FAST_SKIP)
        key.column = &p->rows->builders[plan->col];
    return key;
}

/*
 * The sample's text as it is cut up: `marks` are the ':' and ',' from `at` on, and its end where
 * that lies within 64 bytes. Text is padded, so behind the end stands neither of the two.
 */
typedef struct cutter {
    const char *at, *end;
    uint64_t marks;
    vj_marks_fn find;
} cutter;

static inline void find_marks(cutter *c)
{
    size_t left = (size_t)(c->end - c->at);

    c->marks = left > 0 ? c->find(c->at, left) : 0;
    if (left < 64)
        c->marks |= (uint64_t)1 << left;
}

/* Length of the value at c->at; 64: longer than the window. */
static inline size_t value_bytes(cutter *c)
{
    if (VJ_UNLIKELY(c->marks == 0)) {
        find_marks(c); /* the window ended inside the value */
        if (c->marks == 0)
            return 64;
    }
    return (size_t)__builtin_ctzll(c->marks);
}

/* Move behind the n bytes of a value and the byte that ends it; at the end, to the end. */
static inline void pass_value(cutter *c, size_t n)
{
    c->at += n;
    c->marks >>= n;
    if (c->at < c->end) {
        c->at++;
        c->marks >>= 1;
    }
}

/* Two alleles of a row; most are one letter. */
static vj_status put_alleles(vj_parse *p, vj_colb *b, vj_span first, vj_span second)
{
    vj_colb *kid = &b->kids[0];

    if (first.len_bytes == 1 && second.len_bytes == 1 && kid->offs.len_bytes > 0 &&
        kid->n_nulls == 0) {
        VJ_TRY(vj_buf_reserve(&kid->data, 2, p->err));
        VJ_TRY(vj_buf_reserve(&kid->offs, 2 * sizeof(int32_t), p->err));
        int32_t end = (int32_t)kid->data.len_bytes;
        int32_t ends[2] = {end + 1, end + 2};
        kid->data.ptr[end] = (uint8_t)*first.ptr;
        kid->data.ptr[end + 1] = (uint8_t)*second.ptr;
        kid->data.len_bytes += 2;
        memcpy(kid->offs.ptr + kid->offs.len_bytes, ends, sizeof ends);
        kid->offs.len_bytes += sizeof ends;
        kid->n_rows += 2;
        return app_end_list(b, p->err);
    }
    VJ_TRY(app_text_padded(kid, first, p->err));
    VJ_TRY(app_text_padded(kid, second, p->err));
    return app_end_list(b, p->err);
}

/* "0/1" of a record with one ALT; false: not that plain. */
static bool put_diploid(vj_parse *p, vj_colb *b, cutter *c, vj_status *rc)
{
    unsigned n_alts = p->rec.alt.ptr[0] != '.' || p->rec.alt.len_bytes > 1;
    vj_span called[2] = {p->rec.ref, p->rec.ref};
    const char *at = c->at;

    if (value_bytes(c) != 3 || (at[1] != '/' && at[1] != '|') || at[3] == ',')
        return false;
    unsigned first = (unsigned)(uint8_t)at[0] - '0';
    unsigned second = (unsigned)(uint8_t)at[2] - '0';
    if (first > n_alts || second > n_alts)
        return false;
    if (first + second == 2)
        called[0] = called[1] = p->rec.alt;
    else if (first + second == 1)
        called[vj_span_cmp(p->rec.ref, p->rec.alt) <= 0] = p->rec.alt;
    *rc = put_alleles(p, b, called[0], called[1]);
    pass_value(c, 3);
    return true;
}

/* "0,27,34"; false: not that plain, nothing was appended and c stands where it stood. */
static bool put_ints(vj_parse *p, const vj_fast_key *key, cutter *c, vj_status *rc)
{
    vj_colb *b = key->column;
    vj_colb *kid = &b->kids[0];
    cutter ahead = *c;
    int32_t n = 0;
    bool more = true;

    *rc = vj_buf_reserve(&kid->data, ((size_t)(c->end - c->at) / 2 + 1) * sizeof(int32_t), p->err);
    if (*rc != VJ_OK)
        return false;
    uint32_t *to = (uint32_t *)(void *)(kid->data.ptr + kid->data.len_bytes);
    while (more) {
        size_t len = value_bytes(&ahead);

        more = ahead.at[len] == ',';
        if (!plain_digits(ahead.at, len, &to[n]))
            return false;
        n++;
        pass_value(&ahead, len);
    }
    if (key->count >= 0 && n != key->count)
        return false;
    if ((*rc = app_fill(b, p->rec.row0, p->err)) != VJ_OK)
        return false;
    kid->data.len_bytes += (size_t)n * sizeof(int32_t);
    kid->n_rows += n;
    if (kid->n_nulls > 0)
        *rc = app_widen(&kid->valid, kid->n_rows, 0xff, p->err);
    if (*rc == VJ_OK)
        *rc = app_end_list(b, p->err);
    *c = ahead;
    return true;
}

static bool put_int(vj_parse *p, vj_colb *b, cutter *c, vj_status *rc)
{
    size_t n = value_bytes(c);
    uint32_t value = 0;

    if (c->at[n] == ',' || !plain_digits(c->at, n, &value))
        return false;
    *rc = app_fill(b, p->rec.row0, p->err);
    if (*rc == VJ_OK)
        *rc = app_32(b, value, p->err);
    pass_value(c, n);
    return true;
}

static bool put_float(vj_parse *p, vj_colb *b, cutter *c, vj_status *rc)
{
    size_t n = value_bytes(c);
    float value = 0;

    if (n == 64 || scan_plain_float(c->at, c->at + n, ':', &value) == NULL || c->at[n] == ',')
        return false;
    *rc = app_fill(b, p->rec.row0, p->err);
    if (*rc == VJ_OK)
        *rc = app_f32(b, value, p->err);
    pass_value(c, n);
    return true;
}

/* One value the short way; false: it is to go the long one, and c stands where it stood. */
static bool put_plain(vj_parse *p, const vj_fast_key *key, cutter *c, vj_status *rc)
{
    switch (key->how) {
    case VJ_FAST_GT:
        return put_diploid(p, key->column, c, rc);
    case VJ_FAST_INTS:
        return put_ints(p, key, c, rc);
    case VJ_FAST_INT:
        return put_int(p, key->column, c, rc);
    case VJ_FAST_FLOAT:
        return put_float(p, key->column, c, rc);
    case VJ_FAST_NOT:
    case VJ_FAST_SKIP:
        break;
    }
    return false;
}

/* One value of any form: up to the next ':'. */
static vj_status put_any(vj_parse *p, const vj_fast_key *key, cutter *c)
{
    const char *stop = c->at;

    while (stop < c->end && *stop != ':')
        stop++;
    vj_cell cell = {.plan = key->plan, .text = {c->at, (size_t)(stop - c->at)}, .report = true,
                    .first_alt = true};
    c->at = stop < c->end ? stop + 1 : stop;
    find_marks(c);
    if (key->how == VJ_FAST_GT)
        return vj_parse_genotype(p, key->column, cell.text, true);
    if (key->how == VJ_FAST_SKIP || span_is_missing(cell.text))
        return VJ_OK;
    VJ_TRY(app_fill(key->column, p->rec.row0, p->err));
    return vj_parse_cell(p, key->column, &cell);
}

vj_status vj_parse_format_single(vj_parse *p)
{
    const vj_vcf_scratch *s = p->s;
    vj_span text = vj_parse_sample(p, p->reader->chosen.ptr[0]);
    cutter c = {.at = text.ptr, .end = text.ptr + text.len_bytes, .find = p->marks};
    size_t n_keys = s->fast_keys.n;
    vj_colb *genotype = &p->rows->builders[p->reader->col_genotype];

    find_marks(&c);
    for (size_t k = 0; k < n_keys; k++) {
        const vj_fast_key *key = &s->fast_keys.ptr[k];
        const char *before = c.at;
        vj_status rc = VJ_OK;

        if (!put_plain(p, key, &c, &rc) && rc == VJ_OK)
            rc = put_any(p, key, &c);
        VJ_TRY(rc);
        /* at the end, unless the last byte is a ':' with an empty value behind it */
        if (c.at == c.end && (c.at == before || c.at[-1] != ':'))
            break;
        if (k + 1 == n_keys)
            VJ_TRY(vj_parse_too_many(p, text, n_keys));
    }
    if (genotype->n_rows == p->rec.row0) /* no GT: no allele is called */
        return app_end_list(genotype, p->err);
    return VJ_OK;
}
