/*
 * fuzz_sweep.c - a whole job. byte 0: bits 0-1: kind of output; bit 2: the bytes are a Parquet
 * file taken for the database, or (bit 3 as well) for the input; else they are the VCFs of a sweep
 * over several samples, cut where a line is "%%". Whatever comes of it: a documented status, a
 * text, no memory kept, and outputs only of a run that ended well.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "os/os.h"
#include "varjoin/job.h"
#include "varjoin/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MAX_SAMPLES 3
#define LINES                                                                              \
    "##fileformat=VCFv4.2\n##INFO=<ID=AF,Number=A,Type=Float,Description=\"d\">\n"         \
    "##contig=<ID=1,length=100000>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"

static const char db_vcf[] = LINES "1\t10\trs1\tA\tG\t.\t.\tAF=0.5\n1\t20\trs2\tC\tCT,T\t.\t.\t"
                                   "AF=0.1,0.2\n1\t20\trs3\tC\tT\t.\t.\t.\n2\t5\trs4\tG\tA\t.\t.\t.\n";
static const char sample_vcf[] = LINES "1\t10\t.\tA\tG\t9\tPASS\tAF=1\n2\t5\t.\tG\tA,<*>\t.\t.\t.\n";

static char folder[64];
static char db_dir[96], db_file[96], out_path[96];
static char inputs[MAX_SAMPLES][96];
static char in_parquet[96];

static void write_file(const char *path, const void *ptr, size_t n)
{
    FILE *file = fopen(path, "wb");

    if (file == NULL || (n > 0 && fwrite(ptr, 1, n, file) != n) || fclose(file) != 0)
        abort();
}

static void remove_files(void)
{
    vj_path_remove(folder);
}

static void make_files(void)
{
    vj_reference_options build = VJ_REFERENCE_OPTIONS_INIT;
    vj_reference_result result;
    vj_error err = {0};
    const char *source = inputs[0];

    /* a disk in memory, where there is one: a job waits for each fsync */
    snprintf(folder, sizeof folder, "%s/fuzz_sweep.XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(folder) == NULL)
        abort();
    atexit(remove_files);
    snprintf(db_dir, sizeof db_dir, "%s/db", folder);
    snprintf(db_file, sizeof db_file, "%s/db.parquet", folder);
    snprintf(in_parquet, sizeof in_parquet, "%s/in.parquet", folder);
    snprintf(out_path, sizeof out_path, "%s/out", folder);
    for (int i = 0; i < MAX_SAMPLES; i++)
        snprintf(inputs[i], sizeof inputs[i], "%s/s%d.vcf", folder, i);
    write_file(inputs[0], db_vcf, sizeof db_vcf - 1);
    build.inputs = &source;
    build.n_inputs = 1;
    build.output_dir = db_dir;
    build.threads = 1;
    if (vj_reference_build(&build, &result, &err) != VJ_OK)
        abort();
}

/* Write the parts, and how many there are. */
static int write_samples(const uint8_t *data, size_t len)
{
    int n = 0;

    while (n < MAX_SAMPLES) {
        const uint8_t *stop = len > 0 ? memmem(data, len, "\n%%\n", 4) : NULL;
        size_t part = stop != NULL && n + 1 < MAX_SAMPLES ? (size_t)(stop - data) + 1 : len;

        write_file(inputs[n++], data, part);
        if (part == len)
            break;
        data += part + 3;
        len -= part + 3;
    }
    return n;
}

static void run(const vj_job_options *options)
{
    vj_error err = {0};
    vj_job *job = NULL;

    if (vj_job_new(options, &job, &err) != VJ_OK)
        abort();
    vj_status rc = vj_job_annotate(job, &err);
    if (rc == VJ_E_BUG || (rc != VJ_OK && err.text[0] == '\0'))
        abort();
    if (rc != VJ_OK && rc != VJ_E_POLICY && vj_path_exists(options->output))
        abort(); /* torn */
    if (rc == VJ_OK && !vj_path_exists(options->output))
        abort();
    vj_job_free(job);
    vj_path_remove(options->output);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const vj_output_kind kinds[] = {VJ_TO_PARQUET, VJ_TO_VCF, VJ_TO_TSV, VJ_TO_BCF};
    vj_job_options options = VJ_JOB_OPTIONS_INIT;
    vj_job_database db = {"db", db_dir, NULL};
    const char *all[MAX_SAMPLES] = {inputs[0], inputs[1], inputs[2]};

    if (len < 1)
        return 0;
    if (folder[0] == '\0')
        make_files();
    options.output_kind = kinds[data[0] & 3];
    options.output = out_path;
    options.databases = &db;
    options.n_databases = 1;
    options.engine = VJ_ENGINE_NATIVE;
    options.threads = 1;
    options.memory_bytes = (int64_t)64 << 20;
    if ((data[0] & 4) == 0) {
        options.inputs = all;
        options.n_inputs = write_samples(data + 1, len - 1);
        if (options.n_inputs == 1) {
            options.input = all[0];
            options.n_inputs = 0;
        }
    } else if ((data[0] & 8) == 0) {
        write_file(db_file, data + 1, len - 1);
        write_file(inputs[0], sample_vcf, sizeof sample_vcf - 1);
        db.path = db_file;
        options.input = inputs[0];
    } else {
        write_file(in_parquet, data + 1, len - 1);
        options.input = in_parquet;
    }
    run(&options);
    return 0;
}
