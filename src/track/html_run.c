/* The sections of one run: facts, matches with their reasons, stages. */
#include "track/html_parts.h"

#include <stdio.h>

#define MAX_CONTIGS 60
#define MAX_LISTED 200

static const char *const reason_keys[] = {"no_position", "ref_differs", "alt_differs",
                                          "contig_absent", "not_matchable"};
static const char *const reason_names[] = {"no such position", "REF differs", "ALT differs",
                                           "contig absent", "not matchable"};

static void tile_begin(vj_page *page)
{
    vj_page_put(page, "<div class=\"tile\"><b>");
}

static void tile_end(vj_page *page, const char *label)
{
    vj_page_put(page, "</b><span>%s</span></div>", label);
}

static void put_tiles(vj_page *page, const json_t *run)
{
    const json_t *resources = vj_page_get(run, "resources");
    const json_t *rows = vj_page_get(run, "rows");
    double bytes = 0;

    vj_page_put(page, "<div class=\"tiles\">");
    tile_begin(page);
    vj_page_put_time(page, vj_page_count(resources, "wall_seconds"));
    tile_end(page, "wall time");
    tile_begin(page);
    vj_page_put(page, "%.0f %%", vj_page_count(resources, "cpu_percent"));
    tile_end(page, "CPU (100 % is one core)");
    tile_begin(page);
    vj_page_put_size(page, vj_page_count(resources, "peak_rss_bytes"));
    tile_end(page, "peak memory");
    if (vj_page_number(rows, "rows_out", &bytes)) {
        tile_begin(page);
        vj_page_put_count(page, bytes);
        tile_end(page, "rows out");
    }
    if (vj_page_number(vj_page_get(run, "output"), "bytes", &bytes)) {
        tile_begin(page);
        vj_page_put_size(page, bytes);
        tile_end(page, "output");
    }
    vj_page_put(page, "</div>\n");
}

static void fact(vj_page *page, const char *label, const char *text, bool code)
{
    if (text[0] == '\0')
        return;
    vj_page_put(page, "<tr><th>%s</th><td>%s", label, code ? "<code>" : "");
    vj_page_text(page, text, 4000);
    vj_page_put(page, "%s</td></tr>\n", code ? "</code>" : "");
}

static void fact_size(vj_page *page, const char *label, double bytes, const char *note)
{
    if (bytes <= 0)
        return;
    vj_page_put(page, "<tr><th>%s</th><td>", label);
    vj_page_put_size(page, bytes);
    if (note[0] != '\0') {
        vj_page_put(page, " <span class=\"dim\">");
        vj_page_text(page, note, 200);
        vj_page_put(page, "</span>");
    }
    vj_page_put(page, "</td></tr>\n");
}

static void put_inputs(vj_page *page, const json_t *run)
{
    const json_t *input;
    size_t i;

    json_array_foreach(vj_page_get(run, "inputs"), i, input) {
        double bytes = 0;

        if (i >= MAX_LISTED)
            break;
        vj_page_put(page, "<tr><th>input</th><td><code>");
        vj_page_text(page, vj_page_string(input, "path"), 400);
        vj_page_put(page, "</code> ");
        if (vj_page_number(input, "bytes", &bytes))
            vj_page_put_size(page, bytes);
        vj_page_put(page, "</td></tr>\n");
    }
}

/* What one verb alone has to say: a catalog's views, a built database's contigs. */
static void put_own_facts(vj_page *page, const json_t *run)
{
    const json_t *facts = vj_page_get(run, "facts");
    const char *name;
    json_t *value;
    size_t n = 0;

    if (!json_is_object(facts))
        return;
    json_object_foreach((json_t *)(uintptr_t)facts, name, value)
    {
        if (n++ >= MAX_LISTED)
            break;
        if (json_is_null(value) || json_is_array(value) || json_is_object(value))
            continue;
        vj_page_put(page, "<tr><th>");
        vj_page_text(page, name, 60);
        vj_page_put(page, "</th><td>");
        if (json_is_string(value))
            vj_page_text(page, json_string_value(value), 400);
        else if (json_is_boolean(value))
            vj_page_put(page, "%s", json_is_true(value) ? "yes" : "no");
        else
            vj_page_put(page, "%.12g", json_number_value(value));
        vj_page_put(page, "</td></tr>\n");
    }
}

/* How the peak was found; where it is a sampled sum, the bounds that are exact. */
static void put_peak(vj_page *page, const json_t *resources)
{
    vj_page_put(page, "<tr><th>peak found by</th><td>");
    vj_page_text(page, vj_page_string(resources, "peak_method"), 200);
    if (json_is_false(vj_page_get(resources, "peak_exact"))) {
        vj_page_put(page, " <span class=\"dim\">surely between ");
        vj_page_put_size(page, vj_page_count(resources, "peak_rss_least_bytes"));
        vj_page_put(page, " and ");
        vj_page_put_size(page, vj_page_count(resources, "peak_rss_bound_bytes"));
        vj_page_put(page, "</span>");
    }
    vj_page_put(page, "</td></tr>\n");
}

static void put_facts(vj_page *page, const json_t *run)
{
    const json_t *resources = vj_page_get(run, "resources");
    const json_t *host = vj_page_get(run, "host");
    const json_t *meta = vj_page_get(run, "metadata");

    vj_page_put(page, "<div class=\"wide\"><table>\n");
    fact(page, "command", vj_page_string(run, "command_line"), true);
    fact(page, "sample", vj_page_string(meta, "sample_name"), false);
    fact(page, "description", vj_page_string(meta, "sample_description"), false);
    fact(page, "genome", vj_page_string(meta, "reference_genome"), false);
    put_inputs(page, run);
    fact(page, "output", vj_page_string(vj_page_get(run, "output"), "path"), true);
    fact(page, "content hash", vj_page_string(vj_page_get(run, "output"), "content_hash"), true);
    fact(page, "engine", vj_page_string(run, "engine"), false);
    fact(page, "why this engine", vj_page_string(run, "engine_reason"), false);
    fact(page, "started", vj_page_string(run, "started_at"), false);
    fact(page, "version", vj_page_string(run, "version"), false);
    fact_size(page, "machine's RAM", vj_page_count(host, "ram_bytes"),
              vj_page_string(host, "ram_origin"));
    fact(page, "processor", vj_page_string(host, "cpu_model"), false);
    fact_size(page, "memory promised", vj_page_count(resources, "memory_promise_bytes"), "");
    put_peak(page, resources);
    put_own_facts(page, run);
    vj_page_put(page, "</table></div>\n");
}

static void put_checks(vj_page *page, const json_t *run)
{
    const json_t *one;
    size_t i;

    json_array_foreach(vj_page_get(run, "checks"), i, one) {
        bool passed = json_is_true(vj_page_get(one, "passed"));

        if (i >= MAX_LISTED)
            break;
        vj_page_put(page, "<p><span class=\"%s\">%s</span> ", passed ? "ok" : "bad",
                    passed ? "✓" : "✗");
        vj_page_text(page, vj_page_string(one, "name"), 100);
        vj_page_put(page, ": ");
        vj_page_text(page, vj_page_string(one, "text"), 400);
        vj_page_put(page, "</p>\n");
    }
    json_array_foreach(vj_page_get(run, "warnings"), i, one) {
        if (i >= MAX_LISTED)
            break;
        vj_page_put(page, "<p><span class=\"bad\">!</span> ");
        vj_page_text(page, json_is_string(one) ? json_string_value(one) : "", 1000);
        vj_page_put(page, "</p>\n");
    }
    json_array_foreach(vj_page_get(run, "odd_cells"), i, one) {
        if (i >= MAX_LISTED)
            break;
        vj_page_put(page, "<p class=\"dim\">odd cells: ");
        vj_page_put_count(page, vj_page_count(one, "count"));
        vj_page_put(page, " × ");
        vj_page_text(page, vj_page_string(one, "kind"), 200);
        vj_page_put(page, "</p>\n");
    }
}

/* ---- matches ---- */

static double total_of(const json_t *counts)
{
    double total = vj_page_count(counts, "matched_alleles");

    for (size_t i = 0; i < VJ_COUNT(reason_keys); i++)
        total += vj_page_count(vj_page_get(counts, "unmatched"), reason_keys[i]);
    return total;
}

static void bar_part(vj_page *page, const char *class_name, const char *label, double n,
                     double total, double *x)
{
    double width = 1000 * n / total;

    if (n <= 0)
        return;
    vj_page_put(page, "<rect class=\"r-%s\" x=\"%.2f\" width=\"%.2f\" height=\"16\"><title>%s: ",
                class_name, *x, width, label);
    vj_page_put_count(page, n);
    vj_page_put(page, " (%.2f %%)</title></rect>", 100 * n / total);
    *x += width;
}

static void stacked_bar(vj_page *page, const json_t *counts)
{
    double total = total_of(counts);
    double x = 0;

    vj_page_put(page, "<svg class=\"bar\" viewBox=\"0 0 1000 16\" "
                      "preserveAspectRatio=\"none\">");
    if (total > 0) {
        bar_part(page, "matched", "matched", vj_page_count(counts, "matched_alleles"), total, &x);
        for (size_t i = 0; i < VJ_COUNT(reason_keys); i++)
            bar_part(page, reason_keys[i], reason_names[i],
                     vj_page_count(vj_page_get(counts, "unmatched"), reason_keys[i]), total, &x);
    }
    vj_page_put(page, "</svg>");
}

static void match_row(vj_page *page, const json_t *counts)
{
    double total = total_of(counts);
    double matched = vj_page_count(counts, "matched_alleles");

    vj_page_put(page, "<tr><td>");
    vj_page_text(page, vj_page_string(counts, "name"), 60);
    vj_page_put(page, "</td><td class=\"num\">");
    vj_page_put_count(page, matched);
    vj_page_put(page, "</td><td class=\"num\">");
    vj_page_put_count(page, total - matched);
    vj_page_put(page, "</td><td class=\"num\">%.1f %%</td><td class=\"stack\">",
                total > 0 ? 100 * matched / total : 0);
    stacked_bar(page, counts);
    vj_page_put(page, "</td></tr>\n");
}

static void put_legend(vj_page *page)
{
    vj_page_put(page, "<p class=\"legend dim\"><span><i class=\"dot r-matched\"></i>matched"
                      "</span>");
    for (size_t i = 0; i < VJ_COUNT(reason_keys); i++)
        vj_page_put(page, "<span><i class=\"dot r-%s\"></i>%s</span>", reason_keys[i],
                    reason_names[i]);
    vj_page_put(page, "</p>\n");
}

static void put_database(vj_page *page, const json_t *db)
{
    const json_t *contigs = vj_page_get(db, "contigs");
    const json_t *contig;
    size_t i;

    vj_page_put(page, "<div class=\"wide\"><table class=\"m\"><tr><th>database</th><th class=\"num\">matched"
                      "</th><th class=\"num\">unmatched</th><th></th><th></th></tr>\n");
    match_row(page, db);
    vj_page_put(page, "</table></div>\n<p class=\"dim\">");
    if (vj_page_string(db, "release")[0] != '\0') {
        vj_page_put(page, "release ");
        vj_page_text(page, vj_page_string(db, "release"), 60);
        vj_page_put(page, " · ");
    }
    vj_page_text(page, vj_page_string(db, "path"), 300);
    vj_page_put(page, "</p>\n");
    if (vj_page_string(db, "warning")[0] != '\0') {
        vj_page_put(page, "<p class=\"bad\">");
        vj_page_text(page, vj_page_string(db, "warning"), 400);
        vj_page_put(page, "</p>\n");
    }
    if (json_array_size(contigs) == 0)
        return;
    vj_page_put(page, "<details open><summary>%zu contigs</summary><div class=\"wide\">"
                      "<table class=\"m\">\n",
                json_array_size(contigs));
    json_array_foreach(contigs, i, contig) {
        if (i >= MAX_CONTIGS)
            break;
        match_row(page, contig);
    }
    vj_page_put(page, "</table></div>");
    if (json_array_size(contigs) > MAX_CONTIGS)
        vj_page_put(page, "<p class=\"dim\">%zu more in the record</p>",
                    json_array_size(contigs) - MAX_CONTIGS);
    vj_page_put(page, "</details>\n");
}

void vj_page_matches(vj_page *page, const json_t *run)
{
    const json_t *dbs = vj_page_get(run, "databases");
    const json_t *db;
    size_t i;

    if (json_array_size(dbs) == 0)
        return;
    vj_page_put(page, "<h3>Matches, and why the others are not</h3>\n");
    put_legend(page);
    json_array_foreach(dbs, i, db) {
        if (i >= MAX_LISTED)
            break;
        put_database(page, db);
    }
}

/* ---- several inputs ---- */

static void count_cell(vj_page *page, const json_t *object, const char *key)
{
    double n = 0;

    vj_page_put(page, "<td class=\"num\">");
    if (vj_page_number(object, key, &n))
        vj_page_put_count(page, n);
    vj_page_put(page, "</td>");
}

/* What was matched of one input: a bar for each database. */
static void sample_row(vj_page *page, const json_t *sample)
{
    const json_t *db;
    double bytes = 0;
    size_t d;

    vj_page_put(page, "<tr><td><code>");
    vj_page_text(page, vj_page_string(sample, "input"), 300);
    vj_page_put(page, "</code></td>");
    count_cell(page, sample, "records_in");
    count_cell(page, sample, "rows_out");
    vj_page_put(page, "<td class=\"num\">");
    if (vj_page_number(sample, "output_bytes", &bytes))
        vj_page_put_size(page, bytes);
    vj_page_put(page, "</td><td class=\"stack\">");
    json_array_foreach(vj_page_get(sample, "databases"), d, db) {
        if (d >= MAX_LISTED)
            break;
        stacked_bar(page, db);
    }
    vj_page_put(page, "</td></tr>\n");
}

static void put_samples(vj_page *page, const json_t *run)
{
    const json_t *samples = vj_page_get(run, "samples");
    const json_t *sample;
    size_t i;

    if (json_array_size(samples) == 0)
        return;
    vj_page_put(page, "<h3>Inputs</h3>\n");
    put_legend(page);
    vj_page_put(page, "<div class=\"wide\"><table class=\"m\"><tr><th>input</th><th class=\"num\">"
                      "records</th><th class=\"num\">rows out</th><th class=\"num\">output</th>"
                      "<th>matches, a bar a database</th></tr>\n");
    json_array_foreach(samples, i, sample) {
        if (i >= MAX_LISTED)
            break;
        sample_row(page, sample);
    }
    vj_page_put(page, "</table></div>\n");
    if (json_array_size(samples) > MAX_LISTED)
        vj_page_put(page, "<p class=\"dim\">%zu more in the record</p>\n",
                    json_array_size(samples) - MAX_LISTED);
}

/* ---- stages ---- */

static void stage_row(vj_page *page, const json_t *stage, double wall)
{
    double first = VJ_MIN(vj_page_count(stage, "first_seconds"), wall);
    double last = VJ_MIN(VJ_MAX(vj_page_count(stage, "last_seconds"), first), wall);
    double busy = VJ_MIN(vj_page_count(stage, "wall_seconds"), last - first);

    vj_page_put(page, "<tr><td>%s",
                vj_page_string(stage, "parent")[0] != '\0' ? "&nbsp;&nbsp;↳ " : "");
    vj_page_text(page, vj_page_string(stage, "name"), 40);
    vj_page_put(page, "</td><td class=\"num\">");
    vj_page_put_time(page, vj_page_count(stage, "wall_seconds"));
    vj_page_put(page, "</td><td class=\"num\">");
    vj_page_put_time(page, vj_page_count(stage, "cpu_seconds"));
    vj_page_put(page, "</td><td class=\"num\">");
    vj_page_put_count(page, vj_page_count(stage, "rows"));
    vj_page_put(page, "</td><td class=\"stack\"><svg class=\"bar\" viewBox=\"0 0 1000 16\" "
                      "preserveAspectRatio=\"none\"><rect class=\"track\" width=\"1000\" "
                      "height=\"16\"/>");
    if (wall > 0)
        vj_page_put(page, "<rect class=\"span\" x=\"%.2f\" width=\"%.2f\" height=\"16\"/>"
                          "<rect class=\"busy\" x=\"%.2f\" width=\"%.2f\" y=\"4\" "
                          "height=\"8\"/>", 1000 * first / wall, 1000 * (last - first) / wall,
                    1000 * first / wall, 1000 * busy / wall);
    vj_page_put(page, "</svg></td></tr>\n");
}

void vj_page_stages(vj_page *page, const json_t *run)
{
    const json_t *stages = vj_page_get(run, "stages");
    double wall = vj_page_count(vj_page_get(run, "resources"), "wall_seconds");
    const json_t *stage;
    size_t i;

    if (json_array_size(stages) == 0)
        return;
    vj_page_put(page, "<h3>Stages</h3><p class=\"dim\">Pale: from the first to the last time the "
                      "stage ran. Solid: how long it ran in all, over all threads, at most the "
                      "pale part.</p><div class=\"wide\"><table class=\"m\"><tr><th>stage</th><th "
                      "class=\"num\">wall</th><th class=\"num\">CPU</th><th class=\"num\">rows"
                      "</th><th></th></tr>\n");
    json_array_foreach(stages, i, stage) {
        if (i >= MAX_LISTED)
            break;
        stage_row(page, stage, wall);
    }
    vj_page_put(page, "</table></div>\n");
}

/* ---- the columns of the output, and the run as a whole ---- */

static void put_columns(vj_page *page, const json_t *run)
{
    const json_t *columns = vj_page_get(vj_page_get(run, "output"), "column_schema");
    const json_t *column;
    size_t i;

    if (json_array_size(columns) == 0)
        return;
    vj_page_put(page, "<details><summary>%zu columns</summary><div class=\"wide\"><table>"
                      "<tr><th>name</th><th>type</th><th>from</th></tr>\n",
                json_array_size(columns));
    json_array_foreach(columns, i, column) {
        if (i >= 2000)
            break;
        vj_page_put(page, "<tr><td><code>");
        vj_page_text(page, vj_page_string(column, "name"), 200);
        vj_page_put(page, "</code></td><td>");
        vj_page_text(page, vj_page_string(column, "type"), 100);
        vj_page_put(page, "</td><td>");
        vj_page_text(page, vj_page_string(column, "origin"), 100);
        vj_page_put(page, "</td></tr>\n");
    }
    vj_page_put(page, "</table></div></details>\n");
}

void vj_page_run(vj_page *page, size_t run_i)
{
    const json_t *run = page->runs[run_i];

    vj_page_put(page, "<section><h2>");
    vj_page_text(page, page->names[run_i], 200);
    vj_page_put(page, "</h2><p class=\"dim\">varjoin ");
    vj_page_text(page, vj_page_string(run, "verb"), 40);
    vj_page_put(page, "</p>\n");
    if (strcmp(vj_page_string(run, "status"), "failed") == 0) {
        vj_page_put(page, "<p class=\"banner bad\">failed (exit %.0f): ",
                    vj_page_count(run, "exit_status"));
        vj_page_text(page, vj_page_string(run, "error"), 2000);
        vj_page_put(page, "</p>\n");
    }
    put_tiles(page, run);
    put_checks(page, run);
    put_samples(page, run);
    vj_page_matches(page, run);
    vj_page_stages(page, run);
    vj_page_put(page, "<h3>What was run</h3>\n");
    put_facts(page, run);
    put_columns(page, run);
    vj_page_put(page, "</section>\n");
}
