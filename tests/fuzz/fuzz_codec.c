/* fuzz_codec.c - byte 0: codec, bytes 1-2: decoded size, rest: the block. */
#include "codec/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    vj_budget budget;
    vj_codec *codec = NULL;
    vj_error err = {0};

    if (len < 3)
        return 0;
    vj_budget_init(&budget, (int64_t)32 << 20);
    size_t dst_len = (size_t)data[1] << 8 | data[2];
    uint8_t *dst = vj_alloc(&budget, dst_len, &err);
    if (dst != NULL && vj_codec_new(&budget, &codec, &err) == VJ_OK) {
        vj_status rc =
            vj_codec_decode(codec, data[0] % 9, data + 3, len - 3, dst, dst_len, &err);
        (void)rc;
    }
    vj_codec_free(codec);
    vj_free(dst);
    return 0;
}
