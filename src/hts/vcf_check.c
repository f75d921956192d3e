#include "hts/parse.h"

/*
 * Rules of the specification whose breach loses nothing: the value is kept as it stands and the
 * breach counted (S-61). The usual record pays for a comparison or two; what is called here is
 * called when something looks unusual.
 */

static vj_status odd_text(vj_parse *p, const char *column, vj_span found, const char *expected)
{
    return vj_parse_odd(p, VJ_ODD_BAD_TEXT, column, (vj_span){0}, found, expected);
}

static bool has_blank(vj_span text)
{
    return memchr(text.ptr, ' ', text.len_bytes) != NULL;
}

/* ---- CHROM, ID, FILTER ---- */

bool vj_check_contig(vj_span name)
{
    vj_span inner = name;

    /* <name> is a contig of the assembly file */
    if (inner.len_bytes > 2 && inner.ptr[0] == '<' && inner.ptr[inner.len_bytes - 1] == '>')
        inner = (vj_span){inner.ptr + 1, inner.len_bytes - 2};
    if (inner.ptr[0] == '*' || inner.ptr[0] == '=')
        return true;
    for (size_t i = 0; i < inner.len_bytes; i++)
        if (strchr(" ,\"'`\\(){}[]<>", inner.ptr[i]) != NULL)
            return true;
    return false;
}

vj_status vj_check_filter(vj_parse *p)
{
    vj_span filter = p->rec.filter;
    const char *at = filter.ptr;
    const char *end = at + filter.len_bytes;

    p->s->filter_text = (vj_span){0}; /* an odd one is counted in every record */
    if (filter.len_bytes == 0)
        return odd_text(p, "FILTER", filter, "'.' for a missing value");
    while (at <= end) {
        const char *semicolon = at < end ? memchr(at, ';', (size_t)(end - at)) : NULL;
        const char *stop = semicolon != NULL ? semicolon : end;

        bool reserved = stop == at + 1 && (*at == '0' || (*at == '.' && filter.len_bytes > 1));
        if (stop == at || reserved)
            return odd_text(p, "FILTER", filter, "names joined by ';', none of them empty, 0 or .");
        at = stop + 1;
    }
    if (has_blank(filter))
        return odd_text(p, "FILTER", filter, "names without blanks");
    p->s->filter_text = filter;
    return VJ_OK;
}

vj_status vj_check_id(vj_parse *p)
{
    vj_span id = p->rec.id;

    if (id.len_bytes == 0)
        return odd_text(p, "ID", id, "'.' for a missing value");
    return odd_text(p, "ID", id, "names joined by ';', none of them empty");
}

vj_status vj_check_bytes(vj_parse *p)
{
    if ((p->kinds & VJ_BYTES_BLANK) != 0 && has_blank(p->rec.id))
        VJ_TRY(odd_text(p, "ID", p->rec.id, "names without blanks"));
    if ((p->kinds & VJ_BYTES_CONTROL) == 0 ||
        (vj_scan_kinds(p->line.ptr, p->line.len_bytes) & VJ_BYTES_CONTROL) == 0)
        return VJ_OK;
    return odd_text(p, "the line", p->line, "text without control bytes");
}

/* ---- REF and ALT ---- */

static bool is_bases(const char *at, const char *end)
{
    if (at == end)
        return false;
    for (; at < end; at++) {
        unsigned letter = ((unsigned)(uint8_t)*at | 0x20) - 'a';

        if (letter > 25 || !VJ_IS_BASE(letter))
            return false;
    }
    return true;
}

/* <ID>, with nothing in it that would end it. */
static bool is_symbolic(const char *at, const char *end)
{
    if (end - at < 3 || *at != '<' || end[-1] != '>')
        return false;
    for (at++; at < end - 1; at++)
        if (*at == '<' || *at == '>' || *at == ' ')
            return false;
    return true;
}

/* t[p[, t]p], ]p]t, [p[t */
static bool is_breakend(const char *at, const char *end)
{
    char bracket = '\0';
    int n = 0;

    if (at < end && (*at == '[' || *at == ']') && end[-1] == *at)
        return false; /* without the base that it joins to */
    for (const char *c = at; c < end; c++) {
        if (*c != '[' && *c != ']')
            continue;
        if (n > 0 && *c != bracket)
            return false;
        bracket = *c;
        n++;
    }
    return n == 2 && (*at == bracket || end[-1] == bracket);
}

static bool is_alt(vj_span alt, int32_t n_alts)
{
    const char *at = alt.ptr;
    const char *end = at + alt.len_bytes;

    if (is_bases(at, end) || is_symbolic(at, end) || is_breakend(at, end))
        return true;
    if (alt.len_bytes == 1)
        return *at == '*' || (*at == '.' && n_alts == 1);
    if (*at == '.')
        return is_bases(at + 1, end);
    if (end[-1] == '.')
        return is_bases(at, end - 1);
    /* C<ctg1>: a contig of the assembly file inserted behind a base */
    const char *bracket = memchr(at, '<', alt.len_bytes);
    return bracket != NULL && is_bases(at, bracket) && is_symbolic(bracket, end);
}

vj_status vj_check_alleles(vj_parse *p)
{
    vj_span ref = p->rec.ref;

    if (!is_bases(ref.ptr, ref.ptr + ref.len_bytes))
        VJ_TRY(vj_parse_odd(p, VJ_ODD_BAD_ALLELE, "REF", (vj_span){0}, ref,
                            "bases A, C, G, T or N"));
    for (size_t i = 0; i < p->s->alts.n; i++)
        if (!is_alt(p->s->alts.ptr[i], p->rec.n_alts))
            VJ_TRY(vj_parse_odd(p, VJ_ODD_BAD_ALLELE, "ALT", (vj_span){0}, p->s->alts.ptr[i],
                                "bases A, C, G, T or N, '*', <ID> or a breakend"));
    return VJ_OK;
}

/* ---- numbers ---- */

bool vj_check_lost(vj_span text, double value)
{
    if (value - value != 0) /* infinite or NaN: of a word, or of too many digits */
        return value == value && memchr(text.ptr, 'i', text.len_bytes) == NULL &&
               memchr(text.ptr, 'I', text.len_bytes) == NULL;
    for (size_t i = 0; value == 0 && i < text.len_bytes && (text.ptr[i] | 0x20) != 'e'; i++)
        if (text.ptr[i] >= '1' && text.ptr[i] <= '9')
            return true;
    return false;
}

vj_status vj_check_qual(vj_parse *p, double value)
{
    if (value != value)
        return VJ_OK;
    return vj_parse_odd(p, VJ_ODD_BAD_RANGE, "QUAL", (vj_span){0}, p->rec.qual,
                        value < 0 ? "a number of 0 or more" : "a number that 64 bits can hold");
}

vj_status vj_check_float(vj_parse *p, const vj_cell *cell, vj_span text, float value)
{
    if (!vj_check_lost(text, (double)value))
        return VJ_OK;
    return vj_parse_odd_cell(p, VJ_ODD_BAD_RANGE, cell, text, "a number that 32 bits can hold");
}
