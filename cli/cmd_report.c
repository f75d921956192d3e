/* cmd_report.c - varjoin report: run records made into one page for people. */
#include "cli.h"

#include "track/track.h"

static const vj_cli_option options[] = {
    {'o', "output", "FILE", "Output", "write the page here [-]", NULL},
    {0},
};

static int vj_cmd_report(int argc, char **argv);

const vj_cli_verb vj_verb_report = {
    .name = "report",
    .args = "[options] RUN.json...",
    .summary = "make one HTML page of run records, several side by side",
    .details = "RUN.json is what --report of another verb wrote. The page stands alone: no\n"
               "script, nothing from the network, light and dark.",
    .options = options,
    .run = vj_cmd_report,
};

/* Name of a file without its folder: what people call a run. */
static const char *short_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

static vj_status write_page(const vj_buf *page, const char *path, vj_error *err)
{
    vj_outfile *file = NULL;
    vj_status rc = VJ_OK;

    VJ_GO(rc, vj_outfile_open(path, &file, err));
    VJ_GO(rc, vj_outfile_write(file, page->ptr, page->len_bytes, err));
    VJ_GO(rc, vj_outfile_finish(file, err));
out:
    vj_outfile_free(file);
    return rc;
}

static vj_status make_page(char **paths, int n, const char *output, vj_error *err)
{
    vj_page_input inputs[VJ_PAGE_MAX_RUNS] = {{0}};
    vj_buf texts[VJ_PAGE_MAX_RUNS] = {{0}};
    vj_buf page = {0};
    vj_status rc = VJ_OK;

    if (n < 1 || n > VJ_PAGE_MAX_RUNS)
        return vj_fail(err, VJ_E_USAGE, "expected 1 to %d run records, found %d",
                       VJ_PAGE_MAX_RUNS, n);
    for (int i = 0; i < n; i++) {
        vj_buf_init(&texts[i], NULL, (size_t)64 << 20);
        VJ_GO(rc, vj_path_read(paths[i], &texts[i], err));
        inputs[i] = (vj_page_input){short_name(paths[i]), vj_buf_span(&texts[i])};
    }
    VJ_GO(rc, vj_page_build(inputs, (size_t)n, &page, err));
    VJ_GO(rc, write_page(&page, output, err));
out:
    for (int i = 0; i < n; i++)
        vj_buf_fini(&texts[i]);
    vj_buf_fini(&page);
    return rc;
}

static int vj_cmd_report(int argc, char **argv)
{
    vj_cli_args args;
    const char *output = "-";
    vj_error err = {0};
    int id;

    vj_cli_args_init(&args, &vj_verb_report, argc, argv);
    while ((id = vj_cli_next(&args)) > 0) {
        if (id == 'o')
            output = args.value;
    }
    if (id == VJ_CLI_EXIT)
        return args.exit_code;
    if (make_page(args.rest, args.n_rest, output, &err) != VJ_OK)
        return vj_cli_error(&err);
    return 0;
}
