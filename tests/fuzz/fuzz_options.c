/*
 * fuzz_options.c - what users write into lists and files: regions, targets, samples, filters,
 * fields, numbers, contig names. Parts end in a NUL byte, in the order of the options below; the
 * last two are files of targets, as BED and as plain lines. A fixed VCF is read with them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hts/hts.h"
#include "fuzz/vcf_all.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { TARGETS, SAMPLES, FILTER, INFO, FORMAT, NUMBER, CONTIG, BED, LINES, N_PARTS };

static const char vcf[] =
    "##fileformat=VCFv4.2\n##contig=<ID=chr1,length=1000>\n##contig=<ID=a:b>\n"
    "##INFO=<ID=AF,Number=A,Type=Float,Description=\"d\">\n"
    "##INFO=<ID=SVLEN,Number=.,Type=Integer,Description=\"d\">\n"
    "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"d\">\n"
    "##FORMAT=<ID=AD,Number=R,Type=Integer,Description=\"d\">\n"
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\tB\n"
    "chr1\t10\t.\tA\tC,G\t5\tPASS\tAF=0.1,0.2\tGT:AD\t0/1:1,2,3\t./.:.\n"
    "chr1\t20\trs1\tAT\t<DEL>\t5\tq10\tSVLEN=-30\tGT\t1\t0|1\n"
    "a:b\t7\t.\tC\tT\t.\t.\t.\tGT\t0/0\t1/1\n";

static char folder[64];
static char bed_path[96], lines_path[96];

static void remove_files(void)
{
    unlink(bed_path);
    unlink(lines_path);
    rmdir(folder);
}

static void make_files(void)
{
    strcpy(folder, "/tmp/fuzz_options.XXXXXX");
    if (mkdtemp(folder) == NULL)
        abort();
    snprintf(bed_path, sizeof bed_path, "%s/t.bed", folder);
    snprintf(lines_path, sizeof lines_path, "%s/t.txt", folder);
    atexit(remove_files);
}

static void write_file(const char *path, vj_span bytes)
{
    FILE *file = fopen(path, "wb");

    if (file == NULL || fwrite(bytes.ptr, 1, bytes.len_bytes, file) != bytes.len_bytes ||
        fclose(file) != 0)
        abort();
}

static vj_status read_with(const vj_vcf_read_options *options, vj_budget *budget, vj_error *err)
{
    vj_vcf_reader *reader = NULL;
    vj_status rc = VJ_OK;

    VJ_GO(rc, vj_vcf_open_memory("input", vcf, sizeof vcf - 1, options, budget, &reader, err));
    VJ_GO(rc, parse_all(reader, 2, budget, err));
out:
    vj_vcf_free(reader);
    return rc;
}

/* A canonical name is its own canonical name, and of a length that fits. */
static void check_contig(vj_span name)
{
    char first[VJ_CONTIG_BYTES];
    char second[VJ_CONTIG_BYTES];
    vj_span shown = vj_contig_shown(name);
    vj_span canonical = vj_contig_canonical(name, -1, first);

    if (shown.len_bytes > name.len_bytes || canonical.len_bytes > VJ_CONTIG_BYTES ||
        !vj_span_eq(vj_contig_canonical(shown, -1, second), canonical))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    vj_vcf_read_options options = VJ_VCF_READ_OPTIONS_INIT;
    vj_budget budget;
    vj_error err = {0};
    char *text = vj_strndup(NULL, data, len, &err);
    vj_span parts[N_PARTS];

    if (text == NULL)
        abort();
    if (folder[0] == '\0')
        make_files();
    size_t at = 0;
    for (int i = 0; i < N_PARTS; i++) {
        parts[i] = (vj_span){text + at, strnlen(text + at, len - at)};
        at = VJ_MIN(at + parts[i].len_bytes + 1, len);
    }
    check_contig(parts[CONTIG]);
    options.all_samples = len % 2 == 0;
    options.targets = parts[TARGETS].len_bytes > 0 ? parts[TARGETS].ptr : NULL;
    options.samples = parts[SAMPLES].len_bytes > 0 ? parts[SAMPLES].ptr : NULL;
    options.filter_pass = parts[FILTER].len_bytes > 0 ? parts[FILTER].ptr : NULL;
    options.info_fields = parts[INFO].len_bytes > 0 ? parts[INFO].ptr : NULL;
    options.format_fields = parts[FORMAT].len_bytes > 0 ? parts[FORMAT].ptr : NULL;
    options.assume_number = parts[NUMBER].len_bytes > 0 ? parts[NUMBER].ptr : NULL;
    vj_budget_init(&budget, (int64_t)64 << 20);
    vj_status rc = read_with(&options, &budget, &err);
    if (rc == VJ_E_BUG || (rc != VJ_OK && err.text[0] == '\0'))
        abort();
    for (int i = BED; i <= LINES; i++) {
        vj_vcf_read_options only = VJ_VCF_READ_OPTIONS_INIT;

        if (parts[i].len_bytes == 0)
            continue;
        only.targets_file = i == BED ? bed_path : lines_path;
        write_file(only.targets_file, parts[i]);
        if (read_with(&only, &budget, &err) == VJ_E_BUG)
            abort();
    }
    vj_free(text);
    if (atomic_load(&budget.used_bytes) != 0)
        abort();
    return 0;
}
