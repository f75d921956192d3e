/*
 * fuzz_bcf.c - BCF below its framing. byte 0: bit 0: VCF 4.3, bit 1: all samples, bit 7: the
 * bytes up to the first NUL are the header's text and the rest is one stream of records; else
 * records under a fixed header, with lengths that fit:
 *
 *   n_alleles n_infos n_formats n_samples | shared length (2) samples length (2) | their bytes
 */
#include <stdlib.h>

#include "hts/hts.h"
#include "fuzz/vcf_all.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define HEADER                                                                             \
    "##FILTER=<ID=PASS,Description=\"d\">\n##FILTER=<ID=q10,Description=\"d\">\n"          \
    "##INFO=<ID=DP,Number=1,Type=Integer,Description=\"d\">\n"                             \
    "##INFO=<ID=AF,Number=A,Type=Float,Description=\"d\">\n"                               \
    "##INFO=<ID=DB,Number=0,Type=Flag,Description=\"d\">\n"                                \
    "##INFO=<ID=S,Number=1,Type=String,Description=\"d\">\n"                               \
    "##INFO=<ID=END,Number=1,Type=Integer,Description=\"d\">\n"                            \
    "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"d\">\n"                            \
    "##FORMAT=<ID=AD,Number=R,Type=Integer,Description=\"d\">\n"                           \
    "##FORMAT=<ID=C,Number=2,Type=Character,Description=\"d\">\n"                          \
    "##FORMAT=<ID=PL,Number=G,Type=Float,Description=\"d\">\n"                             \
    "##contig=<ID=1,length=1000>\n##contig=<ID=chrM>\n"                                    \
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\tB\n"

static void must(vj_status rc)
{
    if (rc != VJ_OK)
        abort();
}

static void put32(vj_buf *to, uint32_t value)
{
    for (int i = 0; i < 4; i++, value >>= 8)
        must(vj_buf_push(to, (uint8_t)value, NULL));
}

static void put_header(vj_buf *to, const char *text, size_t n)
{
    must(vj_buf_append(to, "BCF\2\2", 5, NULL));
    put32(to, (uint32_t)n + 1);
    must(vj_buf_append(to, text, n, NULL));
    must(vj_buf_push(to, 0, NULL));
}

static void put_records(vj_buf *to, const uint8_t *at, size_t left)
{
    while (left >= 8) {
        size_t shared = VJ_MIN((size_t)(at[4] | at[5] << 8), left - 8);
        size_t samples = VJ_MIN((size_t)(at[6] | at[7] << 8), left - 8 - shared);

        put32(to, (uint32_t)shared + 24);
        put32(to, (uint32_t)samples);
        put32(to, at[0] & 1);               /* contig */
        put32(to, (uint32_t)(left & 0xff)); /* position */
        put32(to, 1);
        put32(to, 0x7f800001u);
        put32(to, (uint32_t)at[0] << 16 | at[1]);
        put32(to, (uint32_t)at[2] << 24 | (at[3] & 3));
        must(vj_buf_append(to, at + 8, shared + samples, NULL));
        at += 8 + shared + samples;
        left -= 8 + shared + samples;
    }
}

static vj_status read_all(const vj_buf *file, const vj_vcf_read_options *options,
                          vj_budget *budget, vj_error *err)
{
    vj_vcf_reader *reader = NULL;
    vj_status rc = VJ_OK;

    VJ_GO(rc, vj_vcf_open_memory("input", file->ptr, file->len_bytes, options, budget, &reader,
                                 err));
    VJ_GO(rc, parse_all(reader, 4, budget, err));
out:
    vj_vcf_free(reader);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    vj_vcf_read_options options = VJ_VCF_READ_OPTIONS_INIT;
    vj_budget budget;
    vj_buf file = {0};
    vj_error err = {0};

    if (len < 1)
        return 0;
    vj_budget_init(&budget, (int64_t)64 << 20);
    if ((data[0] & 0x80) != 0) {
        size_t n = strnlen((const char *)data + 1, len - 1);

        put_header(&file, (const char *)data + 1, n);
        must(vj_buf_append(&file, data + 1 + n, len - 1 - n, NULL));
    } else {
        const char *text = (data[0] & 1) != 0 ? "##fileformat=VCFv4.3\n" HEADER
                                              : "##fileformat=VCFv4.2\n" HEADER;

        put_header(&file, text, strlen(text));
        put_records(&file, data + 1, len - 1);
    }
    options.all_samples = (data[0] & 2) != 0;
    vj_status rc = read_all(&file, &options, &budget, &err);
    vj_buf_fini(&file);
    if (atomic_load(&budget.used_bytes) != 0 || rc == VJ_E_BUG ||
        (rc == VJ_E_CORRUPT && strstr(err.text, "input") == NULL))
        abort();
    return 0;
}
