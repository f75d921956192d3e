#include "base/base.h"

size_t vj_utf8_sequence(const uint8_t *ptr, size_t len_bytes)
{
    if (len_bytes == 0)
        return 0;
    uint8_t lead = ptr[0];
    if (lead < 0x80)
        return 1;
    size_t n = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || len_bytes < n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((ptr[i] & 0xc0) != 0x80)
            return 0;
    /* overlong forms, surrogates and code points beyond U+10FFFF */
    if ((lead == 0xe0 && ptr[1] < 0xa0) || (lead == 0xed && ptr[1] > 0x9f) ||
        (lead == 0xf0 && ptr[1] < 0x90) || (lead == 0xf4 && ptr[1] > 0x8f))
        return 0;
    return n;
}

bool vj_utf8_valid(const void *ptr, size_t len_bytes)
{
    const uint8_t *p = ptr;
    size_t i = 0;

    while (i < len_bytes) {
        /* eight ASCII bytes at a time */
        if (len_bytes - i >= 8) {
            uint64_t word;

            memcpy(&word, p + i, sizeof word);
            if ((word & 0x8080808080808080u) == 0) {
                i += 8;
                continue;
            }
        }
        size_t seq = vj_utf8_sequence(p + i, len_bytes - i);
        if (seq == 0)
            return false;
        i += seq;
    }
    return true;
}
