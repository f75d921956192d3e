#include "job_args.h"

static const vj_cli_option options[] = {JOIN_OPTIONS, JOB_OPTIONS, {0}};

static int run_annotate(int argc, char **argv);

const vj_cli_verb vj_verb_annotate;
const vj_cli_verb vj_verb_annotate = {
    .name = "annotate",
    .args = "[options] -a NAME=PATH [-a ...] -o OUT [IN...]",
    .summary = "join variants with databases",
    .details = "Reads VCF, VCF.gz, BCF or normalised Parquet and adds the columns of every "
               "database row with the same contig, start, REF and ALT. All variants come out, "
               "in input order. Of several inputs each has an output of its own in the folder OUT, "
               "called as the input is; the databases are read once for all of them.",
    .options = options,
    .run = run_annotate,
};

static int run_annotate(int argc, char **argv)
{
    job_args args;
    int code = job_args_parse(&args, &vj_verb_annotate, argc, argv);

    return code >= 0 ? code : job_args_run(&args, vj_job_annotate);
}
