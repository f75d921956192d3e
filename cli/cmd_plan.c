#include "job_args.h"



static const vj_cli_option options[] = {
    JOIN_OPTIONS, JOB_OPTIONS, {OPT_JSON, "json", NULL, "Output", "as JSON", NULL}, {0}};

static int run_plan(int argc, char **argv);

const vj_cli_verb vj_verb_plan;
const vj_cli_verb vj_verb_plan = {
    .name = "plan",
    .args = "[options as for annotate] -a NAME=PATH [IN...]",
    .summary = "say which engine would run, why, and what it would cost",
    .details = "Takes the options of annotate, reads headers and footers only, and writes nothing "
               "but its answer.",
    .options = options,
    .run = run_plan,
};

static int run_plan(int argc, char **argv)
{
    job_args args;
    vj_error err = {0};
    char *text = NULL;
    int code = job_args_parse(&args, &vj_verb_plan, argc, argv);

    if (code >= 0)
        return code;
    vj_status rc = vj_job_plan(&args.options, args.as_json, &text, &err);
    if (rc == VJ_OK) {
        fputs(text, stdout);
        rc = vj_cli_flush(&err);
    }
    vj_text_free(text);
    vj_free(args.command_line);
    return rc == VJ_OK ? 0 : vj_cli_error(&err);
}
