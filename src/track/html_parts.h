/* html_parts.h - private to the module: what the parts of the page share. */
#ifndef VJ_TRACK_HTML_PARTS_H
#define VJ_TRACK_HTML_PARTS_H

#include "base/json.h"
#include "track/html_page.h"

/* The page being written; the first failure sticks and later calls do nothing. */
typedef struct vj_page {
    vj_buf *out;
    vj_error *err;
    vj_status rc;
    json_t *runs[VJ_PAGE_MAX_RUNS];
    const char *names[VJ_PAGE_MAX_RUNS];
    size_t n_runs;
} vj_page;

/* Markup of ours. */
void vj_page_put(vj_page *page, const char *fmt, ...) VJ_PRINTF(2, 3);
/* Text from outside, escaped; at most max_chars bytes of it (0: all). */
void vj_page_text(vj_page *page, const char *text, size_t max_bytes);

/* Tolerant access: what is missing or of another type is "", 0 or NULL. */
const char *vj_page_string(const json_t *object, const char *key);
bool vj_page_number(const json_t *object, const char *key, double *out);
double vj_page_count(const json_t *object, const char *key); /* finite, >= 0 */
const json_t *vj_page_get(const json_t *object, const char *key);

/* "1,234,567" / "12.3 MB" / "2.50 s" for numbers that may be anything. */
void vj_page_put_count(vj_page *page, double n);
void vj_page_put_size(vj_page *page, double bytes);
void vj_page_put_time(vj_page *page, double seconds);

/* Sections. */
void vj_page_style(vj_page *page);
void vj_page_compare(vj_page *page);
void vj_page_charts(vj_page *page);
void vj_page_run(vj_page *page, size_t run_i);
void vj_page_matches(vj_page *page, const json_t *run);
void vj_page_stages(vj_page *page, const json_t *run);

#endif
