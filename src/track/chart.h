/* chart.h - private to the module: line charts as SVG text. */
#ifndef VJ_TRACK_CHART_H
#define VJ_TRACK_CHART_H

#include "track/meter.h"

#define VJ_CHART_COLORS 8 /* classes s0 .. s7 of the page's style sheet */

typedef struct vj_chart_series {
    const char *name; /* shown as a tooltip; any bytes */
    const double *x;  /* rising, finite, >= 0 */
    const double *y;  /* finite, >= 0 */
    size_t n;
} vj_chart_series;

typedef struct vj_chart_options {
    const char *x_unit;
    const char *y_unit;
    double y_limit;    /* a dashed line at this height; 0: none */
    bool standalone;   /* colours inside instead of the page's classes, and an XML namespace */
} vj_chart_options;

/* Axes, grid and one line per series. */
VJ_MUST_CHECK vj_status vj_chart_lines(const vj_chart_series *series, size_t n,
                                       const vj_chart_options *options, vj_buf *out,
                                       vj_error *err);
/* "![...](data:image/svg+xml;base64,...)" of RSS over time, NUL-terminated. */
VJ_MUST_CHECK vj_status vj_chart_memory_markdown(const vj_track_figures *figures, vj_buf *out,
                                                 vj_error *err);
/* Text for HTML or XML: & < > " ' escaped, control bytes and broken UTF-8 made U+FFFD. */
VJ_MUST_CHECK vj_status vj_html_text(vj_span text, vj_buf *out, vj_error *err);

#endif
