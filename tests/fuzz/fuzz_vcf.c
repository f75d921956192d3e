/* fuzz_vcf.c - any bytes through the VCF reader, whole and in small blocks: the same answer. */
#include <stdlib.h>

#include "hts/hts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

typedef struct outcome {
    vj_status status;
    vj_vcf_counts counts;
} outcome;

static outcome read_all(const uint8_t *data, size_t len, const vj_vcf_read_options *options,
                        int64_t lines, int64_t bytes)
{
    outcome result = {0};
    vj_vcf_reader *reader = NULL;
    vj_vcf_block *block = NULL;
    vj_vcf_rows *rows = NULL;
    vj_budget budget;
    vj_error err = {0};
    bool more = true;

    vj_budget_init(&budget, (int64_t)256 << 20);
    VJ_GO(result.status,
          vj_vcf_open_memory("fuzz", data, len, options, &budget, &reader, &err));
    VJ_GO(result.status, vj_vcf_block_new(&budget, &block, &err));
    VJ_GO(result.status, vj_vcf_rows_new(reader, &budget, &rows, &err));
    for (;;) {
        VJ_GO(result.status, vj_vcf_block_next(reader, lines, bytes, block, &more, &err));
        if (!more)
            break;
        VJ_GO(result.status, vj_vcf_parse(reader, block, rows, &err));
        for (int32_t i = 0; i < rows->n_cols; i++)
            if (rows->cols[i].n_rows != rows->n_rows)
                abort();
        vj_vcf_counts_add(&result.counts, &rows->counts);
    }
out:
    vj_vcf_rows_free(rows);
    vj_vcf_block_free(block);
    vj_vcf_free(reader);
    if (atomic_load(&budget.used_bytes) != 0)
        abort();
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    vj_vcf_read_options options = VJ_VCF_READ_OPTIONS_INIT;

    options.bad_records_path = "aside";
    outcome whole = read_all(data, len, &options, 1 << 20, 1 << 26);
    outcome small = read_all(data, len, &options, 2, 50);
    if (whole.status == VJ_OK &&
        (small.status != VJ_OK || whole.counts.n_rows != small.counts.n_rows ||
         whole.counts.n_bad_records != small.counts.n_bad_records ||
         /* between blocks broken lines count for the order, inside they do not */
         (whole.counts.n_bad_records == 0 && whole.counts.unsorted != small.counts.unsorted)))
        abort();
    options.bad_records_path = NULL;
    options.all_samples = true;
    options.min_dp = 3;
    options.targets = "1:1-100,^2";
    read_all(data, len, &options, 100, 1000);
    return 0;
}
