#include "job_args.h"

static const vj_cli_option options[] = {JOB_OPTIONS, {0}};

static int run_normalize(int argc, char **argv);

const vj_cli_verb vj_verb_normalize;
const vj_cli_verb vj_verb_normalize = {
    .name = "normalize",
    .args = "[options] -o OUT [IN]",
    .summary = "turn VCF or BCF into one typed row per allele",
    .details = "Writes the normalised table: chrom, start, end, rsid, ref, alt, alt_index, qual, "
               "filter, genotype, INFO fields, FORMAT fields.",
    .options = options,
    .run = run_normalize,
};

static int run_normalize(int argc, char **argv)
{
    job_args args;
    int code = job_args_parse(&args, &vj_verb_normalize, argc, argv);

    return code >= 0 ? code : job_args_run(&args, vj_job_normalize);
}
