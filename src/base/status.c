#include "base/base.h"

#include <stdio.h>
#include <string.h>

const char *vj_status_name(vj_status code)
{
    static const char *const names[] = {
        [VJ_OK] = "ok",
        [VJ_E_NOMEM] = "out of memory",
        [VJ_E_IO] = "read error",
        [VJ_E_NOTFOUND] = "not found",
        [VJ_E_CORRUPT] = "corrupt input",
        [VJ_E_UNSUPPORTED] = "not supported",
        [VJ_E_SCHEMA] = "schema mismatch",
        [VJ_E_USAGE] = "usage",
        [VJ_E_POLICY] = "promise not kept",
        [VJ_E_CANCELLED] = "cancelled",
        [VJ_E_OUTPUT] = "output error",
        [VJ_E_BUG] = "internal error",
    };

    if ((size_t)code >= sizeof names / sizeof names[0])
        return "unknown";
    return names[code];
}

int vj_status_exit_code(vj_status code)
{
    switch (code) {
    case VJ_OK:
        return 0;
    case VJ_E_USAGE:
        return 1;
    case VJ_E_IO:
    case VJ_E_NOTFOUND:
    case VJ_E_CORRUPT:
    case VJ_E_UNSUPPORTED:
    case VJ_E_SCHEMA:
        return 2;
    case VJ_E_NOMEM:
    case VJ_E_OUTPUT:
        return 3;
    case VJ_E_POLICY:
        return 4;
    case VJ_E_CANCELLED:
        return 130;
    case VJ_E_BUG:
        break;
    }
    return 70;
}

vj_status vj_fail(vj_error *err, vj_status code, const char *fmt, ...)
{
    if (err != NULL) {
        va_list ap;

        err->code = code;
        va_start(ap, fmt);
        vsnprintf(err->text, sizeof err->text, fmt, ap);
        va_end(ap);
    }
    return code;
}

vj_status vj_wrap(vj_error *err, vj_status code, const char *fmt, ...)
{
    if (err != NULL) {
        size_t used = strlen(err->text);
        va_list ap;

        err->code = code;
        if (used + 10 < sizeof err->text) {
            used += (size_t)snprintf(err->text + used, sizeof err->text - used, "%s",
                                     used > 0 ? ", while " : "");
            va_start(ap, fmt);
            vsnprintf(err->text + used, sizeof err->text - used, fmt, ap);
            va_end(ap);
        }
    }
    return code;
}

char *vj_quote(char *dst, size_t cap_bytes, const void *bytes, size_t len_bytes)
{
    const uint8_t *src = bytes;
    size_t out = 0;

    for (size_t i = 0; i < len_bytes;) {
        size_t seq = vj_utf8_sequence(src + i, len_bytes - i);
        bool plain = seq > 1 || (seq == 1 && src[i] >= 0x20 && src[i] != 0x7f);
        size_t need = plain ? seq : 4;

        if (out + need + 4 > cap_bytes) {
            memcpy(dst + out, "...", 3);
            out += 3;
            break;
        }
        if (plain) {
            memcpy(dst + out, src + i, seq);
            i += seq;
        } else {
            static const char hex[] = "0123456789abcdef";

            dst[out] = '\\';
            dst[out + 1] = 'x';
            dst[out + 2] = hex[src[i] >> 4];
            dst[out + 3] = hex[src[i] & 15];
            i++;
        }
        out += need;
    }
    dst[out] = '\0';
    return dst;
}
