#include "track/report.h"

#include <stdio.h>

const char *vj_reason_name(vj_reason reason)
{
    static const char *const names[VJ_REASON_COUNT] = {
        "matched",     "no_position",   "ref_differs",
        "alt_differs", "contig_absent", "not_matchable"};

    return reason < VJ_REASON_COUNT ? names[reason] : "unknown";
}

vj_report *vj_report_new(vj_error *err)
{
    vj_report *r = vj_zalloc(NULL, sizeof *r, err);

    if (r == NULL)
        return NULL;
    vj_arena_init(&r->arena, NULL, 16384);
    r->version = VJ_VERSION;
    r->records_in = r->rows_in = r->rows_joined = r->rows_expected = r->rows_out = -1;
    r->columns_in = r->columns_out = r->output_bytes = -1;
    return r;
}

static void free_sample(vj_report_sample *sample)
{
    for (size_t i = 0; i < sample->dbs.n; i++)
        VJ_VEC_FINI(&sample->dbs.ptr[i]->contigs);
    VJ_VEC_FINI(&sample->dbs);
}

void vj_report_free(vj_report *report)
{
    if (report == NULL)
        return;
    for (size_t i = 0; i < report->dbs.n; i++)
        VJ_VEC_FINI(&report->dbs.ptr[i]->contigs);
    for (size_t i = 0; i < report->samples.n; i++)
        free_sample(report->samples.ptr[i]);
    VJ_VEC_FINI(&report->samples);
    VJ_VEC_FINI(&report->inputs);
    VJ_VEC_FINI(&report->dbs);
    VJ_VEC_FINI(&report->columns);
    VJ_VEC_FINI(&report->odd);
    VJ_VEC_FINI(&report->facts);
    VJ_VEC_FINI(&report->warnings);
    vj_arena_fini(&report->arena);
    vj_free(report);
}

vj_status vj_report_keep(vj_report *report, const char *text, const char **out, vj_error *err)
{
    *out = NULL;
    if (text == NULL)
        return VJ_OK;
    *out = vj_arena_strndup(&report->arena, text, strlen(text), err);
    return *out != NULL ? VJ_OK : VJ_E_NOMEM;
}

vj_status vj_report_add_input(vj_report *report, const char *path, const char *format,
                              int64_t bytes, int64_t records, vj_error *err)
{
    vj_report_input input = {.bytes = bytes, .records = records};

    VJ_TRY(vj_report_keep(report, path, &input.path, err));
    VJ_TRY(vj_report_keep(report, format, &input.format, err));
    return VJ_VEC_PUSH(&report->inputs, input, err);
}

vj_report_db *vj_report_add_db(vj_report *report, const char *name, vj_error *err)
{
    vj_report_db *db = NULL;

    for (size_t i = 0; i < report->dbs.n; i++) {
        if (strcmp(report->dbs.ptr[i]->name, name) == 0)
            return report->dbs.ptr[i];
    }
    db = vj_arena_zalloc(&report->arena, sizeof *db, err);
    if (db == NULL || vj_report_keep(report, name, &db->name, err) != VJ_OK ||
        VJ_VEC_PUSH(&report->dbs, db, err) != VJ_OK)
        return NULL;
    db->rows = db->matched_records = db->duplicate_keys = -1;
    db->n_rowgroups = db->n_rowgroups_read = db->rows_read = -1;
    return db;
}

vj_report_sample *vj_report_add_sample(vj_report *report, vj_error *err)
{
    vj_report_sample *sample = vj_arena_zalloc(&report->arena, sizeof *sample, err);

    if (sample == NULL || VJ_VEC_PUSH(&report->samples, sample, err) != VJ_OK)
        return NULL;
    sample->input_bytes = sample->records_in = sample->rows_in = sample->rows_joined = -1;
    sample->rows_expected = sample->rows_out = sample->columns_out = sample->output_bytes = -1;
    return sample;
}

vj_report_db *vj_report_sample_db(vj_report *report, vj_report_sample *sample, const char *name,
                                  vj_error *err)
{
    vj_report_db *db = vj_arena_zalloc(&report->arena, sizeof *db, err);

    if (db == NULL || vj_report_keep(report, name, &db->name, err) != VJ_OK ||
        VJ_VEC_PUSH(&sample->dbs, db, err) != VJ_OK)
        return NULL;
    db->rows = -1;
    return db;
}

vj_status vj_report_sum_db(vj_report *report, vj_report_db *sum, const vj_report_db *part,
                           vj_error *err)
{
    for (size_t i = 0; i < part->contigs.n; i++) {
        const vj_report_contig *contig = &part->contigs.ptr[i];

        for (int r = 0; r < VJ_REASON_COUNT; r++)
            if (contig->n[r] > 0)
                VJ_TRY(vj_report_count(report, sum, contig->name, (vj_reason)r, contig->n[r],
                                       err));
    }
    sum->matched_rows += part->matched_rows;
    sum->matched_records += part->matched_records;
    sum->duplicate_keys += part->duplicate_keys;
    return VJ_OK;
}

static vj_report_contig *find_contig(vj_report_db *db, const char *name)
{
    /* from the end: rows come contig by contig */
    for (size_t i = db->contigs.n; i-- > 0;) {
        if (strcmp(db->contigs.ptr[i].name, name) == 0)
            return &db->contigs.ptr[i];
    }
    return NULL;
}

vj_status vj_report_count(vj_report *report, vj_report_db *db, const char *contig,
                          vj_reason reason, int64_t n, vj_error *err)
{
    vj_report_contig *found = find_contig(db, contig);

    if (found == NULL) {
        vj_report_contig added = {0};

        VJ_TRY(vj_report_keep(report, contig, &added.name, err));
        VJ_TRY(VJ_VEC_PUSH(&db->contigs, added, err));
        found = &db->contigs.ptr[db->contigs.n - 1];
    }
    found->n[reason] += n;
    db->n[reason] += n;
    if (reason == VJ_REASON_MATCHED)
        db->matched_alleles += n;
    return VJ_OK;
}

vj_status vj_report_add_column(vj_report *report, const char *name, const char *type,
                               const char *origin, const char *description, vj_error *err)
{
    vj_report_column column = {0};

    VJ_TRY(vj_report_keep(report, name, &column.name, err));
    VJ_TRY(vj_report_keep(report, type, &column.type, err));
    VJ_TRY(vj_report_keep(report, origin, &column.origin, err));
    VJ_TRY(vj_report_keep(report, description, &column.description, err));
    return VJ_VEC_PUSH(&report->columns, column, err);
}

vj_status vj_report_add_odd(vj_report *report, const char *kind, int64_t n, const char *example,
                            vj_error *err)
{
    vj_report_odd *odd = NULL;

    for (size_t i = 0; i < report->odd.n && odd == NULL; i++) {
        if (strcmp(report->odd.ptr[i].kind, kind) == 0)
            odd = &report->odd.ptr[i];
    }
    if (odd == NULL) {
        vj_report_odd added = {0};

        VJ_TRY(vj_report_keep(report, kind, &added.kind, err));
        VJ_TRY(VJ_VEC_PUSH(&report->odd, added, err));
        odd = &report->odd.ptr[report->odd.n - 1];
    }
    odd->n += n;
    if (example != NULL && odd->n_examples < VJ_COUNT(odd->examples)) {
        VJ_TRY(vj_report_keep(report, example, &odd->examples[odd->n_examples], err));
        odd->n_examples++;
    }
    return VJ_OK;
}

vj_status vj_report_add_text(vj_report *report, const char *name, vj_fact_kind kind,
                             const char *text, vj_error *err)
{
    vj_report_fact fact = {.name = name, .kind = kind};

    if (text == NULL)
        return VJ_OK;
    VJ_TRY(vj_report_keep(report, text, &fact.text, err));
    return VJ_VEC_PUSH(&report->facts, fact, err);
}

vj_status vj_report_add_number(vj_report *report, const char *name, vj_fact_kind kind,
                               double number, vj_error *err)
{
    vj_report_fact fact = {.name = name, .kind = kind, .number = number};

    return VJ_VEC_PUSH(&report->facts, fact, err);
}

vj_status vj_report_warn(vj_report *report, vj_error *err, const char *fmt, ...)
{
    char text[VJ_ERROR_TEXT_BYTES];
    const char *kept = NULL;
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    VJ_TRY(vj_report_keep(report, text, &kept, err));
    return VJ_VEC_PUSH(&report->warnings, kept, err);
}

static vj_status add_check(vj_report *report, vj_report_check *out, size_t *n, const char *name,
                           bool passed, bool is_error, vj_error *err, const char *text)
{
    out[*n] = (vj_report_check){.name = name, .passed = passed, .is_error = is_error};
    VJ_TRY(vj_report_keep(report, text, &out[*n].text, err));
    ++*n;
    return VJ_OK;
}

static vj_status check_rows(vj_report *r, vj_report_check *out, size_t *n, vj_error *err)
{
    int64_t expected = r->rows_expected == -1 ? r->rows_joined : r->rows_expected;
    char text[160];

    if (expected < 0 || r->rows_out < 0)
        return VJ_OK;
    snprintf(text, sizeof text, "%lld rows expected, %lld written", (long long)expected,
             (long long)r->rows_out);
    return add_check(r, out, n, "rows_in_equals_rows_out", expected == r->rows_out, true, err,
                     text);
}

static vj_status check_matches(vj_report *r, vj_report_check *out, size_t *n, vj_error *err)
{
    const char *empty = NULL;
    int64_t matched = 0;
    char text[200];

    if (r->dbs.n == 0 || r->rows_joined == 0)
        return VJ_OK;
    for (size_t i = 0; i < r->dbs.n; i++) {
        matched += r->dbs.ptr[i]->n[VJ_REASON_MATCHED];
        if (r->dbs.ptr[i]->n[VJ_REASON_MATCHED] == 0)
            empty = r->dbs.ptr[i]->name;
    }
    if (empty != NULL)
        snprintf(text, sizeof text, "nothing matched in database %.100s", empty);
    else
        snprintf(text, sizeof text, "%lld matches in %zu database(s)", (long long)matched,
                 r->dbs.n);
    return add_check(r, out, n, "matches_above_zero", empty == NULL, false, err, text);
}

static vj_status check_memory(vj_report *r, vj_report_check *out, size_t *n, vj_error *err)
{
    int64_t peak = r->figures.peak_rss_bytes;
    char peak_text[32];
    char promise_text[32];
    char text[160];

    if (r->memory_promise_bytes <= 0 || peak <= 0)
        return VJ_OK;
    snprintf(text, sizeof text, "peak %s, promised %s",
             vj_format_size(peak_text, sizeof peak_text, peak),
             vj_format_size(promise_text, sizeof promise_text, r->memory_promise_bytes));
    return add_check(r, out, n, "memory_within_promise", peak <= r->memory_promise_bytes, true,
                     err, text);
}

vj_status vj_report_checks(vj_report *report, vj_report_check out[VJ_REPORT_MAX_CHECKS],
                           size_t *out_n, vj_error *err)
{
    *out_n = 0;
    VJ_TRY(check_rows(report, out, out_n, err));
    VJ_TRY(check_matches(report, out, out_n, err));
    return check_memory(report, out, out_n, err);
}
