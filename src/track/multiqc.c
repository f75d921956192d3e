/* The part of a run that MultiQC shows: a table in its "custom content" form, one sample a file. */
#include "track/record.h"

#include <stdio.h>

typedef struct table {
    json_t *row;
    json_t *headers;
    bool failed;
} table;

/* One column: its value for this sample and how MultiQC heads it. Keys must be clean UTF-8. */
static void add_cell(table *t, const char *key, json_t *value, const char *title,
                     const char *description, const char *suffix, const char *format)
{
    json_t *head = json_pack("{s:s, s:s, s:s, s:s}", "title", title, "description", description,
                             "suffix", suffix, "format", format);

    if (json_object_set_new(t->headers, key, head) != 0)
        t->failed = true;
    if (json_object_set_new(t->row, key, value) != 0)
        t->failed = true;
}

static void add_db(table *t, const vj_report_db *db)
{
    json_t *clean = vj_json_text(vj_span_of(db->name));
    const char *name = json_string_value(clean);
    int64_t all = 0;
    char key[160];
    char text[200];

    for (int i = 0; i < VJ_REASON_COUNT; i++)
        all += db->n[i];
    if (name == NULL) {
        t->failed = true;
        return;
    }
    /* a long name is cut between characters, not within one */
    int len = 0;
    while (name[len] != '\0' && len < 100)
        len += (int)vj_utf8_sequence((const uint8_t *)name + len, strlen(name + len));
    snprintf(key, sizeof key, "matched_percent_%.*s", len, name);
    snprintf(text, sizeof text, "Allele rows found in %.*s", len, name);
    add_cell(t, key,
             json_real(all > 0 ? 100.0 * (double)db->n[VJ_REASON_MATCHED] / (double)all : 0),
             name, text, "%", "{:,.2f}");
    json_decref(clean);
}

static json_t *build(const vj_report *r)
{
    table t = {.row = json_object(), .headers = json_object()};
    const char *label = r->sample_name != NULL  ? r->sample_name
                        : r->source_vcf != NULL ? r->source_vcf
                                                : "sample";
    json_t *sample = vj_json_text(vj_span_of(label));
    json_t *data = json_object();

    add_cell(&t, "rows", json_integer(VJ_MAX(r->rows_out, 0)), "Rows",
             "Rows of the annotated output", "", "{:,.0f}");
    for (size_t i = 0; i < r->dbs.n; i++)
        add_db(&t, r->dbs.ptr[i]);
    add_cell(&t, "duration_sec", json_real((double)r->figures.wall_ns / 1e9), "Time",
             "Wall time of the run", " s", "{:,.2f}");
    add_cell(&t, "peak_memory_mb", json_real((double)r->figures.peak_rss_bytes / 1e6), "Memory",
             "Peak memory of the run", " MB", "{:,.1f}");
    const char *key = json_string_value(sample);
    if (json_object_set_new(data, key != NULL ? key : "sample", t.row) != 0 || key == NULL)
        t.failed = true;
    json_decref(sample);
    json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s}, s:o, s:o}", "id", "varjoin",
                             "section_name", "varjoin", "description",
                             "Variants found in reference databases, and what the run cost.",
                             "plot_type", "table", "pconfig", "id", "varjoin_table", "title",
                             "varjoin: annotation", "headers", t.headers, "data", data);
    if (t.failed) {
        json_decref(root);
        return NULL;
    }
    return root;
}

vj_status vj_report_multiqc(vj_report *report, vj_buf *out, vj_error *err)
{
    json_t *root = build(report);
    vj_status rc = VJ_OK;

    if (root == NULL)
        return vj_fail(err, VJ_E_NOMEM, "no memory to build the MultiQC table");
    VJ_GO(rc, vj_json_write(root, JSON_INDENT(1) | JSON_REAL_PRECISION(9), out, err));
    VJ_GO(rc, vj_buf_push(out, '\n', err));
out:
    json_decref(root);
    return rc;
}

vj_status vj_report_write_multiqc(vj_report *report, const char *path, vj_error *err)
{
    return vj_record_write(report, vj_report_multiqc, path, err);
}
