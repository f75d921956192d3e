/* The run record as a table for people; every line at most 100 columns. */
#include "track/report.h"

#include <stdio.h>

#define SHOWN_CONTIGS 6

static char *size_or_dash(char dst[32], int64_t bytes)
{
    if (bytes < 0)
        snprintf(dst, 32, "-");
    else
        vj_format_size(dst, 32, bytes);
    return dst;
}

/* 12345678 -> "12,345,678" */
static char *count_text(char dst[32], int64_t n)
{
    char digits[VJ_NUM_TEXT_BYTES];
    size_t len = vj_format_i64(digits, n);
    size_t out = 0;

    if (n < 0) {
        snprintf(dst, 32, "-");
        return dst;
    }
    for (size_t i = 0; i < len; i++) {
        dst[out++] = digits[i];
        if ((len - i) % 3 == 1 && i + 1 < len)
            dst[out++] = ',';
    }
    dst[out] = '\0';
    return dst;
}

static char *time_span(char dst[32], int64_t ns)
{
    double s = (double)ns / 1e9;

    if (s < 60)
        snprintf(dst, 32, "%.2f s", s);
    else if (s < 3600)
        snprintf(dst, 32, "%d min %02d s", (int)(s / 60), (int)s % 60);
    else
        snprintf(dst, 32, "%d h %02d min", (int)(s / 3600), (int)(s / 60) % 60);
    return dst;
}

/* Text from outside, made printable and cut to one line. */
static const char *shown(char *dst, size_t cap, const char *text)
{
    return text != NULL ? vj_quote(dst, cap, text, strlen(text)) : "-";
}

static vj_status head_lines(const vj_report *r, vj_buf *out, vj_error *err)
{
    char a[32];
    char b[32];
    char text[88];

    VJ_TRY(vj_buf_printf(out, err, "varjoin %s  %s%s%s\n", r->version != NULL ? r->version : "",
                         r->verb != NULL ? r->verb : "", r->engine != NULL ? "  engine " : "",
                         r->engine != NULL ? r->engine : ""));
    if (r->samples.n > 0)
        VJ_TRY(vj_buf_printf(out, err, "  inputs   %zu\n", r->samples.n));
    else if (r->source_vcf != NULL)
        VJ_TRY(vj_buf_printf(out, err, "  input    %s\n", shown(text, 80, r->source_vcf)));
    if (r->output_file != NULL)
        VJ_TRY(vj_buf_printf(out, err, "  output   %s  %s\n", shown(text, 70, r->output_file),
                             size_or_dash(a, r->output_bytes)));
    if (r->records_in >= 0 || r->rows_in >= 0 || r->rows_out >= 0)
        VJ_TRY(vj_buf_printf(out, err, "  rows     %s records in", count_text(a, r->records_in)));
    else
        return VJ_OK;
    VJ_TRY(vj_buf_printf(out, err, ", %s allele rows", count_text(a, r->rows_in)));
    if (r->rows_filtered > 0)
        VJ_TRY(vj_buf_printf(out, err, ", %s filtered out", count_text(a, r->rows_filtered)));
    return vj_buf_printf(out, err, ", %s rows x %s columns out\n", count_text(a, r->rows_out),
                         count_text(b, r->columns_out));
}

/* The end of a path, which tells files of one folder apart. */
static const char *short_path(char *dst, size_t cap, const char *path)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;

    return shown(dst, cap, slash != NULL ? slash + 1 : path);
}

/* A line for each input of a sweep; matched: alleles found in the first databases. */
static vj_status sample_lines(const vj_report *r, vj_buf *out, vj_error *err)
{
    size_t n_dbs = VJ_MIN(r->dbs.n, 2);
    char text[64];
    char a[32];
    char b[32];

    if (r->samples.n == 0)
        return VJ_OK;
    VJ_TRY(vj_buf_printf(out, err, "  %-30s %12s %12s", "input", "records", "rows out"));
    for (size_t d = 0; d < n_dbs; d++)
        VJ_TRY(vj_buf_printf(out, err, " %12s", shown(text, 13, r->dbs.ptr[d]->name)));
    VJ_TRY(vj_buf_printf(out, err, " %12s\n", "bytes out"));
    for (size_t i = 0; i < r->samples.n; i++) {
        const vj_report_sample *sample = r->samples.ptr[i];

        VJ_TRY(vj_buf_printf(out, err, "  %-30s %12s %12s", short_path(text, 31, sample->input),
                             count_text(a, sample->records_in), count_text(b, sample->rows_out)));
        for (size_t d = 0; d < VJ_MIN(sample->dbs.n, n_dbs); d++)
            VJ_TRY(vj_buf_printf(out, err, " %12s",
                                 count_text(a, sample->dbs.ptr[d]->matched_alleles)));
        VJ_TRY(vj_buf_printf(out, err, " %12s\n", size_or_dash(a, sample->output_bytes)));
    }
    return VJ_OK;
}

static vj_status reason_line(const char *name, const int64_t n[VJ_REASON_COUNT], vj_buf *out,
                             vj_error *err)
{
    char text[24];
    char cell[VJ_REASON_COUNT][32];

    for (int i = 0; i < VJ_REASON_COUNT; i++)
        count_text(cell[i], n[i]);
    return vj_buf_printf(out, err, "  %-18s %12s %12s %11s %11s %11s %11s\n",
                         shown(text, 19, name), cell[0], cell[1], cell[2], cell[3], cell[4],
                         cell[5]);
}

static vj_status db_lines(const vj_report *r, vj_buf *out, vj_error *err)
{
    char text[96];
    char name[40];

    if (r->dbs.n == 0)
        return VJ_OK;
    VJ_TRY(vj_buf_printf(out, err, "  %-18s %12s %12s %11s %11s %11s %11s\n", "database",
                         "matched", "no position", "REF differs", "ALT differs", "contig abs.",
                         "unmatchable"));
    for (size_t i = 0; i < r->dbs.n; i++) {
        const vj_report_db *db = r->dbs.ptr[i];

        VJ_TRY(reason_line(db->name, db->n, out, err));
        for (size_t k = 0; db->contigs.n > 1 && k < VJ_MIN(db->contigs.n, SHOWN_CONTIGS); k++) {
            snprintf(name, sizeof name, "  %.30s", db->contigs.ptr[k].name);
            VJ_TRY(reason_line(name, db->contigs.ptr[k].n, out, err));
        }
        if (db->contigs.n > SHOWN_CONTIGS)
            VJ_TRY(vj_buf_printf(out, err, "    ... %zu more contigs in the report\n",
                                 db->contigs.n - SHOWN_CONTIGS));
        if (db->warning != NULL)
            VJ_TRY(vj_buf_printf(out, err, "  warning: %s\n", shown(text, 88, db->warning)));
    }
    return VJ_OK;
}

static vj_status stage_lines(const vj_track_figures *f, vj_buf *out, vj_error *err)
{
    char a[32];
    char b[32];
    char c[32];
    char d[32];

    if (f->n_stages == 0)
        return VJ_OK;
    VJ_TRY(vj_buf_printf(out, err, "  %-18s %12s %12s %14s %12s\n", "stage (threads)", "wall",
                         "CPU", "rows", "bytes"));
    for (size_t i = 0; i < f->n_stages; i++) {
        const vj_stage_figures *s = &f->stages[i];

        VJ_TRY(vj_buf_printf(out, err, "  %s%-*s %12s %12s %14s %12s\n",
                             s->parent_i >= 0 ? "  " : "", s->parent_i >= 0 ? 16 : 18, s->name,
                             time_span(a, s->wall_ns), time_span(b, s->cpu_ns),
                             count_text(c, s->rows),
                             size_or_dash(d, s->bytes > 0 ? s->bytes : -1)));
    }
    return VJ_OK;
}

static vj_status cost_lines(const vj_report *r, vj_buf *out, vj_error *err)
{
    const vj_track_figures *f = &r->figures;
    char a[32];
    char b[32];
    char c[32];

    VJ_TRY(vj_buf_printf(out, err, "  time     %s wall, %s user + %s system CPU (%.0f %%)\n",
                         time_span(a, f->wall_ns), time_span(b, f->user_ns),
                         time_span(c, f->system_ns), f->cpu_percent));
    VJ_TRY(vj_buf_printf(out, err, "  memory   peak %s%s%s", size_or_dash(a, f->peak_rss_bytes),
                         r->memory_promise_bytes > 0 ? " of a promised " : "",
                         r->memory_promise_bytes > 0 ? size_or_dash(b, r->memory_promise_bytes)
                                                     : ""));
    if (f->peak_child_bytes > 0)
        VJ_TRY(vj_buf_printf(out, err, " (largest child %s; the sum sampled every %lld ms, at most "
                             "%s)", size_or_dash(a, f->peak_child_bytes),
                             (long long)f->peak_interval_ms,
                             size_or_dash(b, f->peak_rss_bound_bytes)));
    return vj_buf_printf(out, err, "\n  I/O      %s read, %s written\n",
                         size_or_dash(a, f->read_bytes), size_or_dash(b, f->written_bytes));
}

static vj_status odd_lines(const vj_report *r, vj_buf *out, vj_error *err)
{
    char a[32];
    char text[96];

    for (size_t i = 0; i < r->odd.n; i++) {
        const vj_report_odd *odd = &r->odd.ptr[i];

        VJ_TRY(vj_buf_printf(out, err, "  odd cells: %s x %s\n", count_text(a, odd->n),
                             shown(text, 64, odd->kind)));
        for (size_t k = 0; k < odd->n_examples; k++)
            VJ_TRY(vj_buf_printf(out, err, "    e.g. %s\n", shown(text, 88, odd->examples[k])));
    }
    for (size_t i = 0; i < r->warnings.n; i++)
        VJ_TRY(vj_buf_printf(out, err, "  warning: %s\n", shown(text, 88, r->warnings.ptr[i])));
    return VJ_OK;
}

static vj_status fact_lines(const vj_report *r, vj_buf *out, vj_error *err)
{
    char text[80];

    for (size_t i = 0; i < r->facts.n; i++) {
        const vj_report_fact *fact = &r->facts.ptr[i];

        if (fact->text != NULL)
            VJ_TRY(vj_buf_printf(out, err, "  %-22s %s\n", fact->name, shown(text, 70, fact->text)));
        else if (fact->kind == VJ_FACT_BOOL)
            VJ_TRY(vj_buf_printf(out, err, "  %-22s %s\n", fact->name,
                                 fact->number != 0 ? "yes" : "no"));
        else
            VJ_TRY(vj_buf_printf(out, err, "  %-22s %.12g\n", fact->name, fact->number));
    }
    return VJ_OK;
}

vj_status vj_report_table(vj_report *report, vj_buf *out, vj_error *err)
{
    vj_report_check checks[VJ_REPORT_MAX_CHECKS];
    size_t n = 0;

    VJ_TRY(head_lines(report, out, err));
    VJ_TRY(fact_lines(report, out, err));
    VJ_TRY(sample_lines(report, out, err));
    VJ_TRY(db_lines(report, out, err));
    VJ_TRY(stage_lines(&report->figures, out, err));
    VJ_TRY(cost_lines(report, out, err));
    VJ_TRY(odd_lines(report, out, err));
    VJ_TRY(vj_report_checks(report, checks, &n, err));
    for (size_t i = 0; i < n; i++) {
        if (!checks[i].passed)
            VJ_TRY(vj_buf_printf(out, err, "  PROMISE NOT KEPT: %s: %s\n", checks[i].name,
                                 checks[i].text));
    }
    return VJ_OK;
}
