/*
 * fuzz_pq_footer.c - key-values merged into any bytes taken for a footer. What is accepted must
 * be accepted again, and a second merge of the same entries must change nothing.
 */
#include <stdlib.h>

#include "parquet/writer_footer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const vj_pq_kv kvs[] = {{"varjoin.rows", "1"}, {"k", "v"}};
    vj_error err = {0};
    vj_buf once = {0};
    vj_buf twice = {0};

    if (vj_footer_merge_kvs((vj_span){(const char *)data, len}, kvs, 2, "fuzz", &once, &err) ==
        VJ_OK) {
        if (vj_footer_merge_kvs(vj_buf_span(&once), kvs, 2, "fuzz", &twice, &err) != VJ_OK ||
            !vj_span_eq(vj_buf_span(&once), vj_buf_span(&twice)))
            abort();
    }
    vj_buf_fini(&once);
    vj_buf_fini(&twice);
    return 0;
}
