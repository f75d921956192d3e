#include "hts/parse.h"

#include <stdio.h>

/* ---- odd cells ---- */

static const char *const odd_names[VJ_ODD_KINDS] = {
    [VJ_ODD_BAD_INTEGER] = "bad_integer",     [VJ_ODD_BAD_FLOAT] = "bad_float",
    [VJ_ODD_BAD_NUMBER] = "bad_number",       [VJ_ODD_BAD_FLAG] = "bad_flag",
    [VJ_ODD_NO_VALUE] = "no_value",           [VJ_ODD_DUPLICATE_KEY] = "duplicate_key",
    [VJ_ODD_UNDECLARED] = "undeclared",       [VJ_ODD_BAD_GENOTYPE] = "bad_genotype",
    [VJ_ODD_BAD_END] = "bad_end",             [VJ_ODD_BAD_UTF8] = "bad_utf8",
    [VJ_ODD_BAD_ALLELE] = "bad_allele",       [VJ_ODD_BAD_TEXT] = "bad_text",
    [VJ_ODD_BAD_RANGE] = "bad_range",
};

const char *vj_vcf_odd_name(vj_vcf_odd odd)
{
    return odd >= 0 && odd < VJ_ODD_KINDS ? odd_names[odd] : "unknown";
}

bool vj_vcf_odd_keeps(vj_vcf_odd odd)
{
    return odd >= VJ_ODD_BAD_ALLELE;
}

/* Where the text of one more oddity goes; NULL: enough of them are kept. */
static char *example_place(vj_vcf_counts *counts, vj_vcf_odd kind)
{
    char *single = kind == VJ_ODD_UNDECLARED    ? counts->undeclared_example
                   : vj_vcf_odd_keeps(kind) ? counts->kept_example
                                            : NULL;

    if (single != NULL)
        return *single == '\0' ? single : NULL;
    if (counts->n_odd_examples >= (int32_t)VJ_COUNT(counts->odd_examples))
        return NULL;
    return counts->odd_examples[counts->n_odd_examples++];
}

__attribute__((cold, noinline)) vj_status vj_parse_odd(vj_parse *p, vj_vcf_odd kind,
                                                       const char *tag, vj_span where,
                                                       vj_span found, const char *expected)
{
    vj_vcf_counts *counts = &p->rows->counts;
    char shown[80];
    char name[64];

    counts->odd[kind]++;
    bool fails = p->reader->options.strict && kind != VJ_ODD_UNDECLARED;
    char *example = fails ? NULL : example_place(counts, kind);
    if (!fails && example == NULL)
        return VJ_OK;
    vj_quote(shown, sizeof shown, found.ptr, VJ_MIN(found.len_bytes, 60));
    vj_quote(name, sizeof name, where.ptr, VJ_MIN(where.len_bytes, 40));
    if (fails)
        return vj_fail(p->err, VJ_E_CORRUPT, "%s: line %lld: %s%s: expected %s, found '%s'",
                       p->reader->name, (long long)p->line_number, tag, name, expected, shown);
    char text[320];
    snprintf(text, sizeof text, "line %lld: %s%s: expected %s, found '%s'",
             (long long)p->line_number, tag, name, expected, shown);
    /* quoting again cuts between letters, not inside one */
    vj_quote(example, sizeof counts->odd_examples[0], text, strlen(text));
    return VJ_OK;
}

vj_status vj_parse_odd_cell(vj_parse *p, vj_vcf_odd kind, const vj_cell *cell, vj_span found,
                            const char *expected)
{
    if (!cell->report)
        return VJ_OK;
    return vj_parse_odd(p, kind, cell->plan->is_info ? "INFO/" : "FORMAT/",
                        (vj_span){cell->plan->id, cell->plan->id_bytes}, found, expected);
}

/* ---- single values ---- */

static inline bool parse_i32(vj_span text, int32_t *out)
{
    const char *at = text.ptr;
    const char *end = at + text.len_bytes;
    bool negative = false;
    int64_t value = 0;

    if (at < end && (*at == '-' || *at == '+'))
        negative = *at++ == '-';
    if (at == end)
        return false;
    for (; at < end; at++) {
        unsigned digit = (unsigned)(uint8_t)*at - '0';

        if (digit > 9 || (value = value * 10 + digit) > (int64_t)INT32_MAX + 1)
            return false;
    }
    value = negative ? -value : value;
    if (value > INT32_MAX)
        return false;
    *out = (int32_t)value;
    return true;
}

static vj_status put_null(vj_colb *b, vj_error *err)
{
    return vj_append_fill(b, b->n_rows + 1, err);
}

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that %XX stands for, or -1 when it is none of those that VCF encodes (S-9). */
static int encoded_byte(const char *at, const char *end)
{
    if (end - at < 3 || hex_of(at[1]) < 0 || hex_of(at[2]) < 0)
        return -1;
    int byte = hex_of(at[1]) * 16 + hex_of(at[2]);
    return memchr(":;=%,\r\n\t", byte, 8) != NULL ? byte : -1;
}

static vj_status put_decoded(vj_parse *p, vj_colb *b, vj_span text)
{
    vj_buf *to = &p->s->decoded;
    const char *end = text.ptr + text.len_bytes;

    vj_buf_reset(to);
    VJ_TRY(vj_buf_reserve(to, text.len_bytes, p->err));
    for (const char *at = text.ptr; at < end; at++) {
        int byte = *at == '%' ? encoded_byte(at, end) : -1;

        to->ptr[to->len_bytes++] = byte >= 0 ? (uint8_t)byte : (uint8_t)*at;
        at += byte >= 0 ? 2 : 0;
    }
    return app_text(b, vj_buf_span(to), p->err);
}

/* One value, '.' and nothing being null. */
static inline vj_status put_value(vj_parse *p, vj_colb *b, const vj_cell *cell, vj_span text)
{
    if (span_is_missing(text))
        return put_null(b, p->err);
    switch (cell->plan->kind) {
    case VJ_VCF_INTEGER: {
        int32_t value = 0;

        if (VJ_LIKELY(parse_i32(text, &value))) {
            if (VJ_UNLIKELY(value < INT32_MIN + 8)) /* BCF has other uses for them */
                VJ_TRY(vj_parse_odd_cell(p, VJ_ODD_BAD_RANGE, cell, text,
                                         "a whole number above -2147483641"));
            return app_i32(b, value, p->err);
        }
        VJ_TRY(vj_parse_odd_cell(p, VJ_ODD_BAD_INTEGER, cell, text, "a 32-bit whole number"));
        return put_null(b, p->err);
    }
    case VJ_VCF_FLOAT: {
        float value = 0;

        if (VJ_LIKELY(vj_parse_f32(text, &value))) {
            if (VJ_UNLIKELY(value == 0 || value - value != 0))
                VJ_TRY(vj_check_float(p, cell, text, value));
            return app_f32(b, value, p->err);
        }
        VJ_TRY(vj_parse_odd_cell(p, VJ_ODD_BAD_FLOAT, cell, text, "a number"));
        return put_null(b, p->err);
    }
    case VJ_VCF_CHARACTER:
        if (VJ_UNLIKELY(text.len_bytes > 1) && (uint8_t)text.ptr[0] < 0x80 && text.ptr[0] != '%')
            VJ_TRY(vj_parse_odd_cell(p, VJ_ODD_BAD_TEXT, cell, text, "one character"));
        break;
    case VJ_VCF_FLAG:
    case VJ_VCF_STRING:
        break;
    }
    if (p->reader->decode_percent && memchr(text.ptr, '%', text.len_bytes) != NULL)
        return put_decoded(p, b, text);
    return app_text(b, text, p->err);
}

/* ---- lists ---- */

static int32_t count_values(vj_span text)
{
    int32_t n = 1;
    const char *end = text.ptr + text.len_bytes;

    for (const char *at = text.ptr; at < end; at++)
        n += *at == ',';
    return n;
}

/* Number of values of a cell. */
static int32_t cell_count(const vj_cell *cell)
{
    vj_walk *walk = cell->walk;

    if (walk == NULL)
        return count_values(cell->text);
    if (walk->text != cell->text.ptr)
        *walk = (vj_walk){cell->text.ptr, count_values(cell->text), 0, cell->text.ptr};
    return walk->n_values;
}

vj_span vj_walk_value(vj_walk *walk, vj_span text, int32_t index)
{
    bool known = walk != NULL && walk->text == text.ptr && index >= walk->index;
    const char *at = known ? walk->at : text.ptr;
    const char *end = text.ptr + text.len_bytes;

    for (int32_t left = index - (known ? walk->index : 0); left > 0 && at < end;)
        left -= *at++ == ',';
    /* the first value is asked for by every row, and is no place to go on from */
    if (walk != NULL && walk->text == text.ptr && index > 0) {
        walk->index = index;
        walk->at = at;
    }
    const char *comma = at < end ? memchr(at, ',', (size_t)(end - at)) : NULL;
    return (vj_span){at, (size_t)((comma != NULL ? comma : end) - at)};
}

static vj_status odd_number(vj_parse *p, vj_colb *b, const vj_cell *cell, int32_t expected)
{
    char text[40];
    vj_cell whole = *cell;

    whole.report = cell->report && cell->first_alt;
    snprintf(text, sizeof text, "%d value%s", expected, expected == 1 ? "" : "s");
    VJ_TRY(vj_parse_odd_cell(p, VJ_ODD_BAD_NUMBER, &whole, cell->text, text));
    return put_null(b, p->err);
}

static vj_status put_one(vj_parse *p, vj_colb *b, const vj_cell *cell)
{
    bool is_text = cell->plan->kind == VJ_VCF_STRING || cell->plan->kind == VJ_VCF_CHARACTER;

    if (!is_text && memchr(cell->text.ptr, ',', cell->text.len_bytes) != NULL)
        return odd_number(p, b, cell, 1);
    return put_value(p, b, cell, cell->text);
}

static vj_status put_per_alt(vj_parse *p, vj_colb *b, const vj_cell *cell)
{
    /* the usual record: no comma, one value */
    if (p->rec.n_alts == 1 && memchr(cell->text.ptr, ',', cell->text.len_bytes) == NULL)
        return put_value(p, b, cell, cell->text);
    if (cell_count(cell) != p->rec.n_alts)
        return odd_number(p, b, cell, p->rec.n_alts);
    return put_value(p, b, cell, vj_walk_value(cell->walk, cell->text, cell->alt_i));
}

static vj_status put_ref_alt(vj_parse *p, vj_colb *b, const vj_cell *cell)
{
    int32_t n = cell_count(cell);
    vj_cell ref = *cell;

    /* a site without ALT has REF's value alone */
    bool ref_only = n == 1 && span_is_dot(p->rec.alt);
    if (n != p->rec.n_alts + 1 && !ref_only)
        return odd_number(p, b, cell, p->rec.n_alts + 1);
    ref.report = cell->report && cell->first_alt;
    VJ_TRY(put_value(p, &b->kids[0], &ref,
                     vj_walk_value(NULL, cell->text, 0)));
    VJ_TRY(ref_only ? put_null(&b->kids[0], p->err)
                    : put_value(p, &b->kids[0], cell,
                                vj_walk_value(cell->walk, cell->text, cell->alt_i + 1)));
    return app_end_list(b, p->err);
}

/* "0,27,34" without any oddness, straight into the child; false: nothing was appended. */
static inline bool put_plain_ints(vj_colb *kid, vj_span text)
{
    const char *at = text.ptr;
    const char *end = at + text.len_bytes;
    size_t room = (kid->data.cap_bytes - kid->data.len_bytes) / sizeof(int32_t);
    size_t n = 0;

    if (kid->n_nulls > 0 || room == 0)
        return false;
    int32_t *to = (int32_t *)(void *)(kid->data.ptr + kid->data.len_bytes);
    for (;; at++) {
        unsigned value = 0;
        const char *beg = at;

        for (unsigned digit; at < end && (digit = (unsigned)(uint8_t)*at - '0') <= 9; at++)
            value = value * 10 + digit;
        if (n == room || at == beg || at - beg > 9 || (at < end && *at != ','))
            return false;
        to[n++] = (int32_t)value;
        if (at == end)
            break;
    }
    kid->data.len_bytes += n * sizeof(int32_t);
    kid->n_rows += (int64_t)n;
    return true;
}

/* So many characters without commas between them? */
static bool is_characters(const vj_cell *cell, int32_t count)
{
    if (count < 2 || cell->plan->kind != VJ_VCF_CHARACTER ||
        cell->text.len_bytes != (size_t)count || cell_count(cell) != 1)
        return false;
    for (size_t i = 0; i < cell->text.len_bytes; i++)
        if ((uint8_t)cell->text.ptr[i] >= 0x80)
            return false;
    return true;
}

static vj_status put_characters(vj_parse *p, vj_colb *b, const vj_cell *cell)
{
    for (size_t i = 0; i < cell->text.len_bytes; i++)
        VJ_TRY(put_value(p, &b->kids[0], cell, (vj_span){cell->text.ptr + i, 1}));
    return app_end_list(b, p->err);
}

static vj_status put_list(vj_parse *p, vj_colb *b, const vj_cell *cell)
{
    const char *at = cell->text.ptr;
    const char *end = at + cell->text.len_bytes;
    int32_t count = cell->plan->count;

    if (is_characters(cell, count))
        return put_characters(p, b, cell);
    if (count >= 0 && cell_count(cell) != count)
        return odd_number(p, b, cell, count);
    if (cell->plan->kind == VJ_VCF_INTEGER && put_plain_ints(&b->kids[0], cell->text))
        return app_end_list(b, p->err);
    while (at <= end) {
        const char *comma = at < end ? memchr(at, ',', (size_t)(end - at)) : NULL;
        const char *stop = comma != NULL ? comma : end;

        VJ_TRY(put_value(p, &b->kids[0], cell, (vj_span){at, (size_t)(stop - at)}));
        at = stop + 1;
    }
    return app_end_list(b, p->err);
}

vj_status vj_parse_cell(vj_parse *p, vj_colb *b, const vj_cell *cell)
{
    if (span_is_missing(cell->text))
        return put_null(b, p->err);
    switch (cell->plan->shape) {
    case VJ_SHAPE_ONE:
        return put_one(p, b, cell);
    case VJ_SHAPE_PER_ALT:
        return put_per_alt(p, b, cell);
    case VJ_SHAPE_REF_ALT:
        return put_ref_alt(p, b, cell);
    case VJ_SHAPE_LIST:
        return put_list(p, b, cell);
    case VJ_SHAPE_FLAG:
        break;
    }
    return app_true(b, p->err);
}
