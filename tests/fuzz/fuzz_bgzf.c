/* fuzz_bgzf.c - any bytes as a compressed file. */
#include "hts/textin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    vj_budget budget;
    vj_input *input = NULL;
    vj_textin *in = NULL;
    vj_error err = {0};
    vj_buf text;
    bool at_end = false;

    vj_budget_init(&budget, (int64_t)64 << 20);
    vj_buf_init(&text, &budget, (size_t)16 << 20);
    if (vj_input_memory("fuzz", data, len, &input, &err) == VJ_OK &&
        vj_textin_open(input, len % 2 == 0, &budget, &in, &err) == VJ_OK) {
        while (!at_end && vj_textin_read(in, &text, &at_end, &err) == VJ_OK)
            if (text.len_bytes > (size_t)8 << 20)
                vj_buf_reset(&text);
    }
    vj_textin_free(in);
    vj_buf_fini(&text);
    return 0;
}
