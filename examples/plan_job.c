/*
 * plan_job - which engine a join would take, and what it would cost, before it runs.
 *
 *   plan_job SAMPLE.vcf.gz DATABASE
 */
#include <stdio.h>

#include <varjoin/job.h>

int main(int argc, char **argv)
{
    vj_job_options options = VJ_JOB_OPTIONS_INIT;
    vj_error err = {0};
    char *text = NULL;

    if (argc != 3) {
        fprintf(stderr, "usage: plan_job SAMPLE DATABASE\n");
        return 1;
    }
    vj_job_database database = {.name = "db", .path = argv[2]};
    options.input = argv[1];
    options.output = "annotated.parquet";
    options.databases = &database;
    options.n_databases = 1;
    if (vj_job_plan(&options, 0, &text, &err) != VJ_OK) {
        fprintf(stderr, "%s\n", err.text);
        return vj_status_exit_code(err.code);
    }
    fputs(text, stdout);
    vj_text_free(text);
    return 0;
}
