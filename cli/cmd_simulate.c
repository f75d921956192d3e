/* cmd_simulate.c - varjoin simulate: a database and a sample of any size. */
#include "cli.h"

#include "varjoin/simulate.h"

enum {
    ID_ROWS = 256, ID_CONTIGS, ID_SEED, ID_SPACING, ID_JOINED, ID_UNSORTED, ID_ROWGROUP, ID_COMPAT,
    ID_COMPRESSION, ID_SAMPLE, ID_VARIANTS, ID_SAMPLES, ID_SAMPLE_SEED, ID_PRIVATE, ID_GVCF, ID_MEMORY, ID_GENOME,
    ID_LAYOUT
};

static const vj_cli_option options[] = {
    {'o', "output", "DIR", "Database",
     "write homo_sapiens-chrN.parquet files into DIR", NULL},
    {ID_GENOME, "genome", NULL, "Database",
     "a whole genome: contigs 1..22, X, Y, 1.1 billion rows,\n5 million records a sample; says first what disk it needs", NULL},
    {ID_ROWS, "rows", "N", "Database", "rows over all contigs [1000000]", NULL},
    {ID_CONTIGS, "contigs", "LIST", "Database", "contigs of GRCh38, such as 1,2,X [22]", NULL},
    {ID_JOINED, "joined-alts", NULL, "Database",
     "all ALTs of a site in one row, joined by '|'", NULL},
    {ID_UNSORTED, "unsorted", NULL, "Database", "rows in no order", NULL},
    {ID_SPACING, "spacing", "BASES", "Database", "mean bases between rows [2.9]", NULL},
    {ID_ROWGROUP, "rows-per-rowgroup", "N", "Database", "rows of a row group [122880]", NULL},
    {ID_COMPRESSION, "compression", "CODEC", "Database",
     "zstd, zstd:LEVEL, snappy, gzip, lz4, brotli, none [zstd]", NULL},
    {ID_COMPAT, "compat", NULL, "Database", "Parquet for old readers", NULL},
    {ID_LAYOUT, "layout", "as-is|tuned|plain", "Database",
     "as-is: as other writers leave it; tuned, plain: built already,\nas reference build would make it of that [as-is]", NULL},
    {ID_SAMPLE, "sample", "FILE", "Sample",
     "write people of this population: .vcf, .vcf.gz, .bcf;\n'-': VCF on standard output", NULL},
    {ID_VARIANTS, "sample-variants", "N", "Sample", "about so many records [0.45% of the rows]",
     NULL},
    {ID_SAMPLES, "samples", "N", "Sample", "columns of genotypes [1]", NULL},
    {ID_SAMPLE_SEED, "sample-seed", "N", "Sample", "other people, same population [--seed]",
     NULL},
    {ID_PRIVATE, "private-share", "X", "Sample", "records that the database lacks [0.04]", NULL},
    {ID_GVCF, "gvcf", NULL, "Sample", "with reference blocks", NULL},
    {ID_SEED, "seed", "N", "Both", "the same seed and options give the same bytes [1]", NULL},
    {'@', "threads", "N", "Both", "threads: one contig each, compression of the sample [2]",
     "VARJOIN_THREADS"},
    {ID_MEMORY, "memory", "SIZE", "Both", "bound of memory [256MB]", "VARJOIN_MEMORY"},
    {0},
};

static int vj_cmd_simulate(int argc, char **argv);

const vj_cli_verb vj_verb_simulate = {
    .name = "simulate",
    .args = "[options] -o DIR [--sample FILE]",
    .summary = "make a database like Ensembl's and samples of it, of any size",
    .details = "The database has the columns and frequencies of Ensembl's human variation set, one\n"
               "file per contig. Samples carry its variants as often as their allele frequencies\n"
               "say, and a few of their own. Without -o only the sample is written.",
    .options = options,
    .run = vj_cmd_simulate,
};

static vj_status take_number(const vj_cli_args *args, int id, vj_simulate_options *o,
                             vj_error *err)
{
    int64_t n = 0;

    VJ_TRY(vj_cli_int(args, id == ID_SEED || id == ID_SAMPLE_SEED ? 0 : 1,
                      id == ID_SAMPLES ? 4096 : INT64_C(4000000000), &n, err));
    switch (id) {
    case ID_ROWS: o->n_rows = n; break;
    case ID_SEED: o->seed = (uint64_t)n; break;
    case ID_SAMPLE_SEED: o->sample_seed = (uint64_t)n; break;
    case ID_ROWGROUP: o->rows_per_rowgroup = n; break;
    case ID_VARIANTS: o->n_sample_variants = n; break;
    case ID_SAMPLES: o->n_samples = (int32_t)n; break;
    default: o->n_threads = (int32_t)VJ_MIN(n, 64); break;
    }
    return VJ_OK;
}

static vj_status take_option(const vj_cli_args *args, int id, vj_simulate_options *o,
                             vj_error *err)
{
    switch (id) {
    case 'o': o->directory = args->value; return VJ_OK;
    case ID_CONTIGS: o->contigs = args->value; return VJ_OK;
    case ID_COMPRESSION: o->compression = args->value; return VJ_OK;
    case ID_LAYOUT: o->layout = args->value; return VJ_OK;
    case ID_SAMPLE: o->sample_path = args->value; return VJ_OK;
    case ID_JOINED: o->joined_alts = 1; return VJ_OK;
    case ID_UNSORTED: o->unsorted = 1; return VJ_OK;
    case ID_COMPAT: o->compat = 1; return VJ_OK;
    case ID_GVCF: o->gvcf = 1; return VJ_OK;
    case ID_GENOME: o->genome = 1; return VJ_OK;
    case ID_MEMORY: return vj_cli_size(args, &o->memory_bytes, err);
    case ID_SPACING:
        VJ_TRY(vj_cli_real(args, &o->spacing, err));
        return o->spacing >= 1.25 && o->spacing <= 1e6
                   ? VJ_OK
                   : vj_cli_refuse(args, err, "%s is not in 1.25..1000000", args->value);
    case ID_PRIVATE:
        VJ_TRY(vj_cli_real(args, &o->private_share, err));
        if (!(o->private_share >= 0 && o->private_share <= 1))
            return vj_cli_refuse(args, err, "%s is not in 0..1", args->value);
        o->private_share = o->private_share == 0 ? -1 : o->private_share;
        return VJ_OK;
    default: return take_number(args, id, o, err);
    }
}

static int on_progress(void *user, int64_t n_rows_done, int64_t n_rows_total)
{
    (void)user;
    vj_cli_progress(n_rows_done, n_rows_done, n_rows_total);
    return atomic_load(&vj_cli_stop()->requested);
}

static vj_status say_need(const vj_simulate_options *o, vj_error *err)
{
    vj_simulate_need need;

    VJ_TRY(vj_simulate_plan(o, &need, err));
    if (vj_cli_verbosity > 0 && o->directory != NULL)
        fprintf(stderr, "%s: about %.1f GB will be written, %.1f GB are free\n", o->directory,
                (double)need.database_bytes / 1e9, (double)need.database_free_bytes / 1e9);
    if (vj_cli_verbosity > 0 && need.sample_bytes > 0)
        fprintf(stderr, "%s: about %.2f GB will be written, %.1f GB are free\n", o->sample_path,
                (double)need.sample_bytes / 1e9, (double)need.sample_free_bytes / 1e9);
    return VJ_OK;
}

static int vj_cmd_simulate(int argc, char **argv)
{
    vj_simulate_options o = VJ_SIMULATE_OPTIONS_INIT;
    vj_simulate_result result;
    vj_cli_args args;
    vj_error err = {0};
    int id;

    o.seed = 1;
    o.n_threads = 2;
    o.progress = on_progress;
    vj_cli_args_init(&args, &vj_verb_simulate, argc, argv);
    while ((id = vj_cli_next(&args)) > 0)
        if (take_option(&args, id, &o, &err) != VJ_OK)
            return vj_cli_error(&err);
    if (id == VJ_CLI_EXIT)
        return args.exit_code;
    if (args.n_rest > 0) {
        vj_fail(&err, VJ_E_USAGE, "'%.60s' is not expected; the folder is given by -o",
                args.rest[0]);
        return vj_cli_error(&err);
    }
    if (o.genome && say_need(&o, &err) != VJ_OK)
        return vj_cli_error(&err);
    if (vj_simulate(&o, &result, &err) != VJ_OK)
        return vj_cli_error(&err);
    vj_cli_progress_end();
    if (o.directory != NULL && vj_cli_verbosity > 0)
        fprintf(stderr, "%s: %lld rows in %lld files\n", o.directory, (long long)result.n_rows,
                (long long)result.n_files);
    if (o.sample_path != NULL && vj_cli_verbosity > 0)
        fprintf(stderr, "%s: %lld records, %lld of them private, %lld reference blocks\n",
                o.sample_path, (long long)result.n_records,
                (long long)result.n_private_records, (long long)result.n_blocks);
    return 0;
}
