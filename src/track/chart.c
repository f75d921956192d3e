#include "track/chart.h"

#include <math.h>
#include <stdio.h>

#define WIDTH 720.0
#define HEIGHT 220.0
#define LEFT 64.0
#define RIGHT 12.0
#define TOP 24.0
#define BOTTOM 28.0

typedef struct frame {
    double x_max, y_max;
    double x_step, y_step;
} frame;

vj_status vj_html_text(vj_span text, vj_buf *out, vj_error *err)
{
    for (size_t i = 0; i < text.len_bytes;) {
        const char *c = text.ptr + i;
        size_t len = vj_utf8_sequence((const uint8_t *)c, text.len_bytes - i);
        const char *shown = NULL;

        if (len == 0 || (len == 1 && (uint8_t)*c < 32 && *c != '\n' && *c != '\t') || *c == 127)
            shown = "\xef\xbf\xbd";
        else if (*c == '&')
            shown = "&amp;";
        else if (*c == '<')
            shown = "&lt;";
        else if (*c == '>')
            shown = "&gt;";
        else if (*c == '"')
            shown = "&quot;";
        else if (*c == '\'')
            shown = "&#39;";
        if (shown != NULL)
            VJ_TRY(vj_buf_append_text(out, shown, err));
        else
            VJ_TRY(vj_buf_append(out, c, len, err));
        i += len > 0 ? len : 1;
    }
    return VJ_OK;
}

/* A step of 1, 2 or 5 times a power of ten that cuts [0, max] into at most n pieces. */
static double nice_step(double max, double n)
{
    double raw = max / n;
    double power = pow(10, floor(log10(raw)));
    double digit = raw / power;

    return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
}

static frame measure(const vj_chart_series *series, size_t n, double y_limit)
{
    frame f = {.x_max = 1e-3, .y_max = VJ_MAX(y_limit, 1e-3)};

    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < series[i].n; k++) {
            f.x_max = VJ_MAX(f.x_max, series[i].x[k]);
            f.y_max = VJ_MAX(f.y_max, series[i].y[k]);
        }
    }
    f.x_step = nice_step(f.x_max, 8);
    f.y_step = nice_step(f.y_max, 4);
    f.y_max = ceil(f.y_max / f.y_step - 1e-9) * f.y_step;
    return f;
}

static double x_at(const frame *f, double x)
{
    return LEFT + (WIDTH - LEFT - RIGHT) * x / f->x_max;
}

static double y_at(const frame *f, double y)
{
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * y / f->y_max;
}

static vj_status draw_axes(const frame *f, const vj_chart_options *o, vj_buf *out, vj_error *err)
{
    for (int i = 0; i <= 10 && i * f->y_step <= f->y_max * 1.001; i++) {
        double y = y_at(f, i * f->y_step);

        VJ_TRY(vj_buf_printf(out, err,
                             "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" "
                             "y2=\"%.1f\"/><text x=\"%.1f\" y=\"%.1f\" "
                             "text-anchor=\"end\">%.6g</text>\n",
                             LEFT, WIDTH - RIGHT, y, y, LEFT - 6, y + 4, i * f->y_step));
    }
    for (int i = 0; i <= 10 && i * f->x_step <= f->x_max * 1.001; i++)
        VJ_TRY(vj_buf_printf(out, err,
                             "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.6g</text>\n",
                             x_at(f, i * f->x_step), HEIGHT - BOTTOM + 16, i * f->x_step));
    return vj_buf_printf(out, err,
                         "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>"
                         "<text x=\"%.1f\" y=\"12\" text-anchor=\"end\">%s</text>\n",
                         WIDTH - RIGHT, HEIGHT - 1, o->x_unit, LEFT - 6, o->y_unit);
}

static vj_status draw_series(const frame *f, const vj_chart_series *s, size_t i, vj_buf *out,
                             vj_error *err)
{
    VJ_TRY(vj_buf_printf(out, err, "<polyline class=\"line s%zu\" points=\"",
                         i % VJ_CHART_COLORS));
    for (size_t k = 0; k < s->n; k++)
        VJ_TRY(vj_buf_printf(out, err, "%.1f,%.1f ", x_at(f, s->x[k]), y_at(f, s->y[k])));
    VJ_TRY(vj_buf_append_text(out, "\"><title>", err));
    VJ_TRY(vj_html_text(vj_span_of(s->name), out, err));
    return vj_buf_append_text(out, "</title></polyline>\n", err);
}

vj_status vj_chart_lines(const vj_chart_series *series, size_t n, const vj_chart_options *o,
                         vj_buf *out, vj_error *err)
{
    frame f = measure(series, n, o->y_limit);

    VJ_TRY(vj_buf_printf(out, err, "<svg class=\"chart\" viewBox=\"0 0 %.0f %.0f\" "
                         "role=\"img\"%s>\n", WIDTH, HEIGHT,
                         o->standalone ? " xmlns=\"http://www.w3.org/2000/svg\" width=\"720\""
                                       : ""));
    if (o->standalone)
        VJ_TRY(vj_buf_append_text(out, "<style>text{font:12px sans-serif;fill:#808890}"
                                       ".grid{stroke:#80889055}.limit{stroke:#c2410c;"
                                       "stroke-dasharray:4 4}.line{fill:none;stroke:#2f6fde;"
                                       "stroke-width:1.6}</style>\n", err));
    VJ_TRY(draw_axes(&f, o, out, err));
    if (o->y_limit > 0)
        VJ_TRY(vj_buf_printf(out, err,
                             "<line class=\"limit\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" "
                             "y2=\"%.1f\"><title>limit</title></line>\n",
                             LEFT, WIDTH - RIGHT, y_at(&f, o->y_limit), y_at(&f, o->y_limit)));
    for (size_t i = 0; i < n; i++)
        VJ_TRY(draw_series(&f, &series[i], i, out, err));
    return vj_buf_append_text(out, "</svg>\n", err);
}

static vj_status append_base64(vj_span bytes, vj_buf *out, vj_error *err)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789+/";

    for (size_t i = 0; i < bytes.len_bytes; i += 3) {
        size_t n = VJ_MIN(bytes.len_bytes - i, 3);
        uint32_t word = 0;
        char four[4];

        for (size_t k = 0; k < 3; k++)
            word = word << 8 | (k < n ? (uint8_t)bytes.ptr[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            four[k] = k <= n ? digits[word >> (18 - 6 * k) & 63] : '=';
        VJ_TRY(vj_buf_append(out, four, 4, err));
    }
    return VJ_OK;
}

vj_status vj_chart_memory_markdown(const vj_track_figures *f, vj_buf *out, vj_error *err)
{
    double x[VJ_TRACK_MAX_POINTS];
    double y[VJ_TRACK_MAX_POINTS];
    vj_chart_series series = {.name = "memory", .x = x, .y = y, .n = f->n_points};
    vj_chart_options options = {.x_unit = "s", .y_unit = "MB", .standalone = true};
    vj_buf svg = {0};
    vj_status rc = VJ_OK;

    for (size_t i = 0; i < f->n_points; i++) {
        x[i] = (double)f->points[i].at_ns / 1e9;
        y[i] = (double)f->points[i].rss_bytes / 1e6;
    }
    VJ_GO(rc, vj_chart_lines(&series, 1, &options, &svg, err));
    VJ_GO(rc, vj_buf_append_text(out, "![memory over time](data:image/svg+xml;base64,", err));
    VJ_GO(rc, append_base64(vj_buf_span(&svg), out, err));
    VJ_GO(rc, vj_buf_append(out, ")", 2, err));
out:
    vj_buf_fini(&svg);
    return rc;
}
