#include "genome/genome.h"

/* Same letter whatever the case; only ever asked of letters that matter for trimming. */
static bool same_base(char a, char b)
{
    if (a == b)
        return true;
    return (a ^ b) == 0x20 && (a | 0x20) >= 'a' && (a | 0x20) <= 'z';
}

bool vj_allele_is_plain(vj_span allele)
{
    for (size_t i = 0; i < allele.len_bytes; i++) {
        char low = (char)(allele.ptr[i] | 0x20);

        if (low < 'a' || low > 'z')
            return false;
    }
    return allele.len_bytes > 0;
}

bool vj_allele_is_nonref(vj_span allele)
{
    return vj_span_is(allele, "<*>") || vj_span_is(allele, "<NON_REF>");
}

size_t vj_allele_shared_suffix(vj_span ref, vj_span alt)
{
    size_t most = VJ_MIN(ref.len_bytes, alt.len_bytes);
    size_t n = 0;

    while (n + 1 < most &&
           same_base(ref.ptr[ref.len_bytes - 1 - n], alt.ptr[alt.len_bytes - 1 - n]))
        n++;
    return n;
}

size_t vj_allele_shared_prefix(vj_span ref, vj_span alt)
{
    size_t most = VJ_MIN(ref.len_bytes, alt.len_bytes);
    size_t n = 0;

    while (n + 1 < most && same_base(ref.ptr[n], alt.ptr[n]))
        n++;
    return n;
}

void vj_allele_trim(vj_span *ref, vj_span *alt, int64_t *pos1)
{
    size_t suffix = vj_allele_shared_suffix(*ref, *alt);

    ref->len_bytes -= suffix;
    alt->len_bytes -= suffix;
    size_t prefix = vj_allele_shared_prefix(*ref, *alt);
    if (prefix == 0)
        return; /* also keeps NULL + 0 away from empty spans */
    ref->ptr += prefix;
    alt->ptr += prefix;
    ref->len_bytes -= prefix;
    alt->len_bytes -= prefix;
    *pos1 += (int64_t)prefix;
}
