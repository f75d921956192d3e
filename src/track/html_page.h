/*
 * html_page.h - one self-contained HTML page from run records, for people.
 *
 * in:      records "varjoin.run/1" as text, hostile: from any file that somebody hands over
 * out:     one page: no script, nothing from the network, light and dark
 * relies:  base/json.h; SVG and style sheet are made here
 * not:     measuring, or reading anything but the records
 * tests:   unit/test_html.c, fuzz/fuzz_report.c, fault/fault_report.c
 */
#ifndef VJ_TRACK_HTML_PAGE_H
#define VJ_TRACK_HTML_PAGE_H

#include "os/os.h"

#define VJ_PAGE_MAX_RUNS 24

typedef struct vj_page_input {
    const char *name; /* file name, for messages and headings */
    vj_span text;
} vj_page_input;

/*
 * Append the page for n runs, side by side when there are several.
 *
 * errors:  VJ_E_CORRUPT (not JSON; file, line, column), VJ_E_SCHEMA (another schema: which),
 *          VJ_E_USAGE (no run, or more than VJ_PAGE_MAX_RUNS), VJ_E_NOMEM
 */
VJ_MUST_CHECK vj_status vj_page_build(const vj_page_input *inputs, size_t n, vj_buf *out,
                                      vj_error *err);

#endif
