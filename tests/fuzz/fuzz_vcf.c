/*
 * fuzz_vcf.c - any bytes through the VCF reader, whole, in small blocks, and (BGZF) in the three
 * steps for several workers: the same answer.
 */
#include <stdlib.h>

#include "hts/hts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

typedef struct outcome {
    vj_status status;
    vj_vcf_counts counts;
} outcome;

/* lines below 0: in three steps where the reader can. */
static vj_status next_block(vj_vcf_reader *reader, int64_t lines, int64_t bytes,
                            vj_vcf_block *block, bool *more, vj_error *err)
{
    if (lines > 0 || !vj_vcf_can_share(reader))
        return vj_vcf_block_next(reader, lines > 0 ? lines : -lines, bytes, block, more, err);
    VJ_TRY(vj_vcf_block_read(reader, -lines, bytes, block, more, err));
    if (!*more)
        return VJ_OK;
    VJ_TRY(vj_vcf_block_fill(reader, block, err));
    return vj_vcf_block_link(reader, block, err);
}

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
        VJ_GO(result.status, next_block(reader, lines, bytes, block, &more, &err));
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

/* Both read it to the end: then they found the same. */
static void assert_same(const outcome *a, const outcome *b)
{
    if (a->status != b->status)
        abort();
    if (a->status == VJ_OK && (a->counts.n_rows != b->counts.n_rows ||
                               a->counts.n_bad_records != b->counts.n_bad_records))
        abort();
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
    outcome ahead = read_all(data, len, &options, -10, 1 << 16);
    assert_same(&whole, &ahead);
    options.bad_records_path = NULL;
    options.all_samples = true;
    options.min_dp = 3;
    options.targets = "1:1-100,^2";
    read_all(data, len, &options, 100, 1000);
    return 0;
}
