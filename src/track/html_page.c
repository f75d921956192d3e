#include "track/html_parts.h"

#include <math.h>
#include <stdio.h>

#include "track/chart.h"

#define MAX_POINTS 2000

void vj_page_put(vj_page *page, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    if (page->rc != VJ_OK)
        return;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof text)
        page->rc = vj_fail(page->err, VJ_E_BUG, "a piece of the page is too long");
    else
        page->rc = vj_buf_append(page->out, text, (size_t)n, page->err);
}

void vj_page_text(vj_page *page, const char *text, size_t max_bytes)
{
    size_t len = strlen(text);
    bool cut = max_bytes > 0 && len > max_bytes;

    if (cut)
        len = max_bytes;
    while (cut && len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80)
        len--; /* not within a character */
    if (page->rc == VJ_OK)
        page->rc = vj_html_text((vj_span){text, len}, page->out, page->err);
    if (cut)
        vj_page_put(page, "…");
}

const json_t *vj_page_get(const json_t *object, const char *key)
{
    return json_object_get(object, key);
}

const char *vj_page_string(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

bool vj_page_number(const json_t *object, const char *key, double *out)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_number(value) || !isfinite(json_number_value(value)))
        return false;
    *out = json_number_value(value);
    return true;
}

double vj_page_count(const json_t *object, const char *key)
{
    double value = 0;

    return vj_page_number(object, key, &value) && value > 0 ? VJ_MIN(value, 1e18) : 0;
}

void vj_page_put_count(vj_page *page, double n)
{
    char digits[64];
    char text[96];
    size_t out = 0;

    if (!(n < 1e18 && n > -1e18)) {
        vj_page_put(page, "%.3g", n);
        return;
    }
    int len = snprintf(digits, sizeof digits, "%.0f", n);
    for (int i = 0; i < len; i++) {
        text[out++] = digits[i];
        if (digits[i] != '-' && (len - i) % 3 == 1 && i + 1 < len)
            text[out++] = ',';
    }
    text[out] = '\0';
    vj_page_put(page, "%s", text);
}

void vj_page_put_size(vj_page *page, double bytes)
{
    char text[32];

    if (bytes < 9e18 && bytes > -9e18)
        vj_page_put(page, "%s", vj_format_size(text, sizeof text, (int64_t)bytes));
    else
        vj_page_put(page, "%.3g B", bytes);
}

void vj_page_put_time(vj_page *page, double s)
{
    if (s < 60 || s > 1e9)
        vj_page_put(page, "%.3g s", s);
    else if (s < 3600)
        vj_page_put(page, "%.0f min %02.0f s", floor(s / 60), floor(fmod(s, 60)));
    else
        vj_page_put(page, "%.0f h %02.0f min", floor(s / 3600), floor(fmod(s / 60, 60)));
}

/* ---- the curves of all runs ---- */

typedef struct curve {
    double x[MAX_POINTS];
    double y[MAX_POINTS];
    size_t n;
} curve;

/* Points of a run's timeline, thinned to MAX_POINTS; cpu: use of CPU between two of them. */
static void take_curve(const json_t *run, bool cpu, curve *c)
{
    const json_t *line = vj_page_get(run, "timeline");
    const json_t *at = vj_page_get(line, "at_seconds");
    const json_t *values = vj_page_get(line, cpu ? "cpu_seconds" : "rss_bytes");
    size_t n = VJ_MIN(json_array_size(at), json_array_size(values));
    size_t step = n / MAX_POINTS + 1;
    double last = n > 0 ? json_number_value(json_array_get(at, n - 1)) : 0;
    double least = cpu && last > 0 ? last / 300 : 0; /* a shorter piece of CPU is mostly noise */
    double x_before = 0;
    double y_before = 0;

    c->n = 0;
    for (size_t i = 0; i < n && c->n < MAX_POINTS; i += step) {
        double x = json_number_value(json_array_get(at, i));
        double y = json_number_value(json_array_get(values, i));

        if (!isfinite(x) || !isfinite(y) || x < x_before + (i > 0 ? least : 0) ||
            y < 0 || x > 1e12 || y > 1e18)
            continue;
        if (!cpu || (i > 0 && x > x_before)) { /* use of CPU needs a point before */
            c->x[c->n] = x;
            c->y[c->n] = !cpu ? y / 1e6 : VJ_MAX(100 * (y - y_before) / (x - x_before), 0);
            c->n++;
        }
        x_before = x;
        y_before = y;
    }
}

static void put_chart(vj_page *page, bool cpu, curve *curves)
{
    vj_chart_series series[VJ_PAGE_MAX_RUNS];
    vj_chart_options options = {.x_unit = "s", .y_unit = cpu ? "%" : "MB"};
    double promise = 0;
    size_t n_points = 0;

    for (size_t i = 0; i < page->n_runs; i++) {
        const json_t *resources = vj_page_get(page->runs[i], "resources");

        take_curve(page->runs[i], cpu, &curves[i]);
        series[i] = (vj_chart_series){page->names[i], curves[i].x, curves[i].y, curves[i].n};
        n_points += curves[i].n;
        promise = VJ_MAX(promise, vj_page_count(resources, "memory_promise_bytes"));
    }
    if (!cpu && promise > 0 && promise < 1e15)
        options.y_limit = promise / 1e6;
    vj_page_put(page, "<h3>%s</h3>\n", cpu ? "CPU over time (100 % is one core)"
                                           : "Memory over time");
    if (n_points < 2)
        vj_page_put(page, "<p class=\"dim\">Too short a run to draw.</p>\n");
    else if (page->rc == VJ_OK)
        page->rc = vj_chart_lines(series, page->n_runs, &options, page->out, page->err);
}

void vj_page_charts(vj_page *page)
{
    curve *curves = NULL;

    if (page->rc != VJ_OK)
        return;
    curves = vj_calloc(NULL, page->n_runs, sizeof *curves, page->err);
    if (curves == NULL) {
        page->rc = VJ_E_NOMEM;
        return;
    }
    vj_page_put(page, "<section><h2>Over time</h2>\n");
    if (page->n_runs > 1) {
        vj_page_put(page, "<p class=\"legend\">");
        for (size_t i = 0; i < page->n_runs; i++) {
            vj_page_put(page, "<span><i class=\"dot d%zu\"></i>", i % VJ_CHART_COLORS);
            vj_page_text(page, page->names[i], 80);
            vj_page_put(page, "</span> ");
        }
        vj_page_put(page, "</p>\n");
    }
    put_chart(page, false, curves);
    put_chart(page, true, curves);
    vj_page_put(page, "</section>\n");
    vj_free(curves);
}

/* ---- the whole ---- */

static vj_status parse_run(const vj_page_input *input, json_t **out, vj_error *err)
{
    char shown[60];

    VJ_TRY(vj_json_parse(input->text, input->name, out, err));
    const char *schema = vj_page_string(*out, "schema");
    if (json_is_object(*out) && strcmp(schema, "varjoin.run/1") == 0)
        return VJ_OK;
    return vj_fail(err, VJ_E_SCHEMA, "%s: expected a run record with schema varjoin.run/1, found "
                   "%s", input->name,
                   schema[0] != '\0' ? vj_quote(shown, sizeof shown, schema, strlen(schema))
                                     : "no schema");
}

static void put_page(vj_page *page)
{
    vj_page_put(page, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                      "<meta name=\"viewport\" content=\"width=device-width\">"
                      "<title>varjoin: run report</title>\n");
    vj_page_style(page);
    vj_page_put(page, "</head><body>\n<header><h1>varjoin run report</h1><p class=\"dim\">%zu "
                      "run%s</p></header>\n<main>\n", page->n_runs, page->n_runs == 1 ? "" : "s");
    vj_page_compare(page);
    if (page->n_runs > 1)
        vj_page_charts(page);
    for (size_t i = 0; i < page->n_runs; i++)
        vj_page_run(page, i);
    if (page->n_runs == 1)
        vj_page_charts(page);
    vj_page_put(page, "</main>\n</body></html>\n");
}

vj_status vj_page_build(const vj_page_input *inputs, size_t n, vj_buf *out, vj_error *err)
{
    vj_page page = {.out = out, .err = err};

    if (n == 0 || n > VJ_PAGE_MAX_RUNS)
        return vj_fail(err, VJ_E_USAGE, "expected 1 to %d run records, found %zu",
                       VJ_PAGE_MAX_RUNS, n);
    for (size_t i = 0; i < n && page.rc == VJ_OK; i++) {
        page.rc = parse_run(&inputs[i], &page.runs[i], err);
        page.names[i] = inputs[i].name;
        page.n_runs++;
    }
    if (page.rc == VJ_OK)
        put_page(&page);
    for (size_t i = 0; i < page.n_runs; i++)
        json_decref(page.runs[i]);
    return page.rc;
}
