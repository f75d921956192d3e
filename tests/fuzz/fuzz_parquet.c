/* fuzz_parquet.c - a whole Parquet file, read by every door. */
#include <stdlib.h>

#include "support/pq_read_all.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    vj_budget budget;
    vj_error err = {0};

    vj_budget_init(&budget, (int64_t)64 << 20);
    vj_status rc = pq_read_all("input", data, len, &budget, &err);
    /* nothing kept, no fault of ours, and a text that says which file */
    if (atomic_load(&budget.used_bytes) != 0 || rc == VJ_E_BUG ||
        (rc != VJ_OK && rc != VJ_E_NOMEM && strstr(err.text, "input") == NULL))
        abort();
    return 0;
}
