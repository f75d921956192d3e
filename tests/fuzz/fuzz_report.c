/* A run record from anywhere, made into a page: once alone, once beside itself. */
#include "track/track.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    vj_page_input inputs[2] = {{"a.json", {(const char *)data, len}},
                               {"b.json", {(const char *)data, len}}};
    vj_error err = {0};

    for (size_t n = 1; n <= 2; n++) {
        vj_buf page = {0};
        vj_status rc = vj_page_build(inputs, n, &page, &err);

        if (rc == VJ_OK && !vj_utf8_valid(page.ptr, page.len_bytes))
            __builtin_trap();
        if (rc == VJ_E_BUG)
            __builtin_trap();
        vj_buf_fini(&page);
    }
    return 0;
}
