/*
 * fuzz_index.c - a .tbi (byte 0 even) or .csi beside a sound BGZF VCF, or (byte 0 & 2) beside a
 * BCF: the bytes are what is inside of the index's BGZF blocks. Regions are read along it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hts/hts.h"
#include "fuzz/vcf_all.h"
#include "support/bgzf_make.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char vcf[] =
    "##fileformat=VCFv4.2\n##FILTER=<ID=PASS,Description=\"d\">\n##contig=<ID=1,length=1000000>\n"
    "##contig=<ID=2,length=1000000>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";

static char folder[64];
static char paths[6][96]; /* VCF, its .tbi and .csi, BCF and its .csi */

static void remove_files(void)
{
    for (int i = 0; i < 6; i++)
        unlink(paths[i]);
    rmdir(folder);
}

static void write_file(const char *path, const vj_buf *bytes)
{
    FILE *file = fopen(path, "wb");

    if (file == NULL || fwrite(bytes->ptr, 1, bytes->len_bytes, file) != bytes->len_bytes ||
        fclose(file) != 0)
        abort();
}

/* Records of two contigs over a few blocks; the BCF has A>T at the same places. */
static void make_vcf(void)
{
    vj_buf file = {0};
    char line[64];

    bgzf_add_block(&file, vcf, sizeof vcf - 1);
    for (int i = 0; i < 20; i++) {
        int n = snprintf(line, sizeof line, "%d\t%d\t.\tA\tT\t.\tPASS\t.\n", 1 + i / 10,
                         1 + i % 10 * 90000);

        bgzf_add_block(&file, line, (size_t)n);
    }
    bgzf_add_block(&file, NULL, 0);
    write_file(paths[0], &file);
    vj_buf_fini(&file);
}

static void make_bcf(void)
{
    vj_buf file = {0};
    uint8_t head[9 + sizeof vcf] = {'B', 'C', 'F', 2, 2, sizeof vcf & 0xff, sizeof vcf >> 8};
    /* lengths 31, 0 | contig, position, 1, no QUAL, 2 alleles | ID '.', A, T, FILTER 0 */
    uint8_t record[] = {31, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0,
                        1, 0, 0x80, 0x7f, 0, 0, 2, 0, 0, 0, 0, 0,
                        0x07, 0x17, 'A', 0x17, 'T', 0x11, 0};

    memcpy(head + 9, vcf, sizeof vcf);
    bgzf_add_block(&file, head, sizeof head);
    for (int i = 0; i < 20; i++) {
        record[8] = (uint8_t)(i / 10);
        record[13] = (uint8_t)(i % 10 * 3);
        bgzf_add_block(&file, record, sizeof record);
    }
    bgzf_add_block(&file, NULL, 0);
    write_file(paths[3], &file);
    vj_buf_fini(&file);
}

static void make_files(void)
{
    static const char *const names[] = {"a.vcf.gz", "a.vcf.gz.tbi", "a.vcf.gz.csi",
                                        "b.bcf", "b.bcf.csi", "unused"};

    strcpy(folder, "/tmp/fuzz_index.XXXXXX");
    if (mkdtemp(folder) == NULL)
        abort();
    for (int i = 0; i < 6; i++)
        snprintf(paths[i], sizeof paths[i], "%s/%s", folder, names[i]);
    make_vcf();
    make_bcf();
    atexit(remove_files);
}

static vj_status read_regions(const char *path, vj_budget *budget, vj_error *err)
{
    vj_vcf_read_options options = VJ_VCF_READ_OPTIONS_INIT;
    vj_vcf_reader *reader = NULL;
    vj_status rc = VJ_OK;

    options.regions = "1:5-200000,1:500000-,2";
    VJ_GO(rc, vj_vcf_open(path, &options, budget, &reader, err));
    VJ_GO(rc, parse_all(reader, 100, budget, err));
out:
    vj_vcf_free(reader);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    vj_budget budget;
    vj_error err = {0};
    vj_buf index = {0};

    if (len < 1)
        return 0;
    if (folder[0] == '\0')
        make_files();
    bool is_bcf = (data[0] & 2) != 0;
    const char *path = is_bcf ? paths[4] : paths[1 + (data[0] & 1)];
    for (int i = 1; i < 5; i++)
        if (i != 3)
            unlink(paths[i]);
    for (size_t at = 1; at < len; at += 60000)
        bgzf_add_block(&index, data + at, VJ_MIN(len - at, (size_t)60000));
    bgzf_add_block(&index, NULL, 0);
    write_file(path, &index);
    vj_buf_fini(&index);
    vj_budget_init(&budget, (int64_t)64 << 20);
    vj_status rc = read_regions(paths[is_bcf ? 3 : 0], &budget, &err);
    if (atomic_load(&budget.used_bytes) != 0 || rc == VJ_E_BUG ||
        (rc != VJ_OK && err.text[0] == '\0'))
        abort();
    return 0;
}
