#include "parquet/parquet.h"

#include <strings.h>

typedef struct codec_name {
    const char *name;
    vj_pq_codec codec;
    int max_level; /* 0: the codec has no levels */
} codec_name;

static const codec_name names[] = {
    {"zstd", VJ_PQ_ZSTD, 19},     {"snappy", VJ_PQ_SNAPPY, 0}, {"gzip", VJ_PQ_GZIP, 12},
    {"lz4", VJ_PQ_LZ4_RAW, 0},    {"lz4_raw", VJ_PQ_LZ4_RAW, 0}, {"brotli", VJ_PQ_BROTLI, 11},
    {"none", VJ_PQ_NONE, 0},      {"uncompressed", VJ_PQ_NONE, 0},
};

vj_status vj_pq_codec_parse(const char *text, vj_pq_codec *codec, int *level, vj_error *err)
{
    const char *colon = strchr(text, ':');
    size_t len = colon != NULL ? (size_t)(colon - text) : strlen(text);
    char shown[64];

    for (size_t i = 0; i < VJ_COUNT(names); i++) {
        int64_t number = 0;

        if (strlen(names[i].name) != len || strncasecmp(names[i].name, text, len) != 0)
            continue;
        if (colon != NULL &&
            (names[i].max_level == 0 || !vj_parse_i64(vj_span_of(colon + 1), &number) ||
             number < 1 || number > names[i].max_level))
            return names[i].max_level == 0
                       ? vj_fail(err, VJ_E_USAGE, "compression %s: %s has no levels",
                                 vj_quote(shown, sizeof shown, text, strlen(text)), names[i].name)
                       : vj_fail(err, VJ_E_USAGE, "compression %s: expected a level from 1 to %d",
                                 vj_quote(shown, sizeof shown, text, strlen(text)),
                                 names[i].max_level);
        *codec = names[i].codec;
        *level = (int)number;
        return VJ_OK;
    }
    return vj_fail(err, VJ_E_USAGE,
                   "compression %s: expected zstd, snappy, gzip, lz4, brotli or none, with a level "
                   "as in zstd:9",
                   vj_quote(shown, sizeof shown, text, strlen(text)));
}
