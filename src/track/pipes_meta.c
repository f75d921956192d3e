#include "track/pipes_meta.h"

#include <math.h>
#include <stdio.h>

#include "track/chart.h"

#define NOTE_BYTES ((size_t)260) /* kept free for "left_out" */
#define CHART_ROOM_BYTES ((size_t)24000)

typedef struct meta {
    json_t *object;
    size_t used_bytes; /* of the compact text, braces included */
    size_t max_bytes;
    vj_buf left_out;
    bool failed;
} meta;

json_t *vj_pipes_value(const char *type, json_t *raw_take)
{
    return json_pack("{s:s, s:o}", "type", type, "raw_value", raw_take);
}

static json_t *clean_text(const char *text)
{
    return vj_json_text(vj_span_of(text));
}

static size_t compact_bytes(meta *m, const json_t *value)
{
    vj_buf text = {0};
    size_t n = 0;

    if (value == NULL || vj_json_write(value, JSON_COMPACT | JSON_REAL_PRECISION(15) |
                                       JSON_ENCODE_ANY, &text, NULL) != VJ_OK)
        m->failed = true;
    n = text.len_bytes;
    vj_buf_fini(&text);
    return n;
}

/* Bytes that an entry adds: "key":value and a comma. */
static size_t entry_bytes(meta *m, const char *key, const json_t *value)
{
    json_t *name = json_string(key);
    size_t n = compact_bytes(m, name) + 1 + compact_bytes(m, value) + 1;

    json_decref(name);
    return n;
}

static size_t room(const meta *m)
{
    size_t taken = m->used_bytes + NOTE_BYTES;

    return taken < m->max_bytes ? m->max_bytes - taken : 0;
}

static void leave_out(meta *m, const char *what)
{
    vj_status rc = vj_buf_printf(&m->left_out, NULL, "%s%s",
                                 m->left_out.len_bytes > 0 ? ", " : "", what);
    if (rc != VJ_OK)
        m->failed = true;
}

/* Add an entry if it fits. The key must be clean UTF-8. */
static void offer(meta *m, const char *key, const char *type, json_t *raw_take)
{
    json_t *value = vj_pipes_value(type, raw_take);
    size_t need = entry_bytes(m, key, value);

    if (m->failed || need > room(m)) {
        json_decref(value);
        leave_out(m, key);
        return;
    }
    if (json_object_set_new(m->object, key, value) != 0)
        m->failed = true;
    m->used_bytes += need;
}

static void offer_text(meta *m, const char *key, const char *type, const char *text)
{
    if (text != NULL && text[0] != '\0')
        offer(m, key, type, clean_text(text));
}

static void offer_int(meta *m, const char *key, int64_t value)
{
    if (value >= 0)
        offer(m, key, "int", json_integer(value));
}

/* Rounded, so that the text stays short; jansson always writes a dot or an exponent. */
static void offer_float(meta *m, const char *key, double value)
{
    if (isfinite(value))
        offer(m, key, "float", json_real(round(value * 1000) / 1000));
}

/*
 * Add a table-like entry with as many of its rows as fit into the room, or into share_bytes of
 * it. rows is the array within raw_take.
 */
static void offer_rows(meta *m, const char *key, const char *type, json_t *raw_take, json_t *rows,
                       size_t share_bytes)
{
    size_t n_rows = json_array_size(rows);
    size_t limit = VJ_MIN(room(m), share_bytes);
    char note[120];
    size_t n = 0;

    json_t *all = json_copy(rows);
    json_array_clear(rows);
    json_t *empty = vj_pipes_value(type, json_incref(raw_take));
    size_t need = entry_bytes(m, key, empty);
    json_decref(empty);
    while (n < n_rows) {
        json_t *row = json_array_get(all, n);
        need += compact_bytes(m, row) + 1;
        if (need > limit)
            break;
        if (json_array_append(rows, row) != 0)
            m->failed = true;
        n++;
    }
    json_decref(all);
    if (n < n_rows) {
        snprintf(note, sizeof note, "%zu of %zu rows of %.60s", n_rows - n, n_rows, key);
        leave_out(m, note);
    }
    if (n > 0)
        offer(m, key, type, raw_take);
    else
        json_decref(raw_take);
}

static void offer_names(meta *m, const vj_report *r)
{
    const vj_track_figures *f = &r->figures;

    offer_text(m, "output_file", "path", r->output_file);
    offer_text(m, "engine", "text", r->engine);
    offer_float(m, "duration_sec", (double)f->wall_ns / 1e9);
    offer_float(m, "cpu_percent", f->cpu_percent);
    offer_float(m, "peak_memory_mb", (double)f->peak_rss_bytes / 1e6);
    offer_float(m, "memory_delta_mb", (double)f->memory_delta_bytes / 1e6);
    if (r->output_bytes >= 0)
        offer_float(m, "file_size_mb", (double)r->output_bytes / 1e6);
    offer_int(m, "num_rows", r->rows_out);
    offer_int(m, "num_columns", r->columns_out);
    offer_text(m, "compression", "text", r->compression);
    offer_text(m, "user_name", "text", r->user_name);
    offer_text(m, "sample_name", "text", r->sample_name);
    offer_text(m, "sequencing_type", "text", r->sequencing_type);
    offer_text(m, "species", "text", r->species);
    offer_text(m, "reference_genome", "text", r->reference_genome);
    offer_text(m, "source_vcf", "path", r->source_vcf);
    offer_text(m, "sample_description", "text", r->sample_description);
}

static void offer_facts(meta *m, const vj_report *r)
{
    for (size_t i = 0; i < r->facts.n; i++) {
        const vj_report_fact *fact = &r->facts.ptr[i];

        switch (fact->kind) {
        case VJ_FACT_TEXT: offer_text(m, fact->name, "text", fact->text); break;
        case VJ_FACT_PATH: offer_text(m, fact->name, "path", fact->text); break;
        case VJ_FACT_INT: offer_int(m, fact->name, (int64_t)fact->number); break;
        case VJ_FACT_FLOAT: offer_float(m, fact->name, fact->number); break;
        case VJ_FACT_BOOL: offer(m, fact->name, "bool", json_boolean(fact->number != 0)); break;
        }
    }
}

/* The keys that Dagster's pages treat specially. */
static void offer_dagster_names(meta *m, const vj_report *r)
{
    int64_t ended_ns = r->figures.started_wall_ns + r->figures.wall_ns;
    vj_buf uri = {0};

    offer_int(m, "dagster/row_count", r->rows_out);
    offer_int(m, "dagster/partition_row_count", r->rows_out);
    offer_int(m, "dagster/size_bytes", r->output_bytes);
    int64_t ended_ms = ended_ns / 1000000;
    if (r->figures.started_wall_ns > 0)
        offer(m, "dagster/last_updated_timestamp", "timestamp", json_real((double)ended_ms / 1000));
    offer_text(m, "content_hash", "text", r->content_hash);
    if (r->output_file == NULL || r->output_file[0] != '/')
        return;
    if (vj_buf_printf(&uri, NULL, "file://%s", r->output_file) != VJ_OK ||
        vj_buf_push(&uri, '\0', NULL) != VJ_OK)
        m->failed = true;
    else
        offer_text(m, "dagster/uri", "text", (const char *)uri.ptr);
    vj_buf_fini(&uri);
}

/* Key of a database's figure; NULL (and failed) without memory. The caller frees it. */
static char *db_key(meta *m, const char *before, const vj_report_db *db, const char *after)
{
    json_t *name = clean_text(db->name);
    size_t len = json_string_length(name) + strlen(before) + strlen(after) + 1;
    char *key = name != NULL ? vj_alloc(NULL, len, NULL) : NULL;

    if (key == NULL)
        m->failed = true;
    else
        snprintf(key, len, "%s%s%s", before, json_string_value(name), after);
    json_decref(name);
    return key;
}

static void offer_db(meta *m, const vj_report_db *db)
{
    char *key = db_key(m, "rows_matched_", db, "");
    int64_t all = 0;

    for (int i = 0; i < VJ_REASON_COUNT; i++)
        all += db->n[i];
    if (key != NULL)
        offer_int(m, key, db->n[VJ_REASON_MATCHED]);
    vj_free(key);
    key = db_key(m, "matched_percent_", db, "");
    if (key != NULL && all > 0)
        offer_float(m, key, 100.0 * (double)db->n[VJ_REASON_MATCHED] / (double)all);
    vj_free(key);
}

static void offer_db_reasons(meta *m, const vj_report_db *db)
{
    for (vj_reason i = VJ_REASON_NO_POSITION; i < VJ_REASON_COUNT; i++) {
        char after[40];

        snprintf(after, sizeof after, "_%s", vj_reason_name(i));
        char *key = db_key(m, "unmatched_", db, after);
        if (key != NULL)
            offer_int(m, key, db->n[i]);
        vj_free(key);
    }
}

/* {"schema": [{"name", "type"}...], "records": []}: text columns, then numbers of one type. */
static json_t *new_table(meta *m, const char *const *texts, size_t n_texts,
                         const char *const *numbers, size_t n_numbers, const char *number_type,
                         json_t **rows)
{
    json_t *schema = json_array();

    *rows = json_array();
    for (size_t i = 0; i < n_texts + n_numbers; i++) {
        bool text = i < n_texts;
        json_t *column = json_pack("{s:s, s:s}", "name", text ? texts[i] : numbers[i - n_texts],
                                   "type", text ? "string" : number_type);
        if (json_array_append_new(schema, column) != 0)
            m->failed = true;
    }
    json_t *table = json_pack("{s:o, s:o}", "schema", schema, "records", *rows);
    if (table == NULL) {
        m->failed = true;
        *rows = NULL;
    }
    return table;
}

static void put(meta *m, json_t *row, const char *key, json_t *value)
{
    if (json_object_set_new(row, key, value) != 0)
        m->failed = true;
}

static void add_row(meta *m, json_t *rows, json_t *row)
{
    if (json_array_append_new(rows, row) != 0)
        m->failed = true;
}

static const char *const reason_columns[] = {"matched",     "no_position",   "ref_differs",
                                             "alt_differs", "contig_absent", "not_matchable"};

static json_t *reason_row(meta *m, const char *db, const char *contig,
                          const int64_t n[VJ_REASON_COUNT])
{
    json_t *row = json_object();

    put(m, row, "database", clean_text(db));
    if (contig != NULL)
        put(m, row, "contig", clean_text(contig));
    for (size_t i = 0; i < VJ_REASON_COUNT; i++)
        put(m, row, reason_columns[i], json_integer(n[i]));
    return row;
}

static void offer_matches(meta *m, const vj_report *r)
{
    static const char *const texts[] = {"database"};
    json_t *rows = NULL;

    if (r->dbs.n == 0)
        return;
    json_t *table = new_table(m, texts, 1, reason_columns, VJ_REASON_COUNT, "int", &rows);
    for (size_t i = 0; i < r->dbs.n; i++)
        add_row(m, rows, reason_row(m, r->dbs.ptr[i]->name, NULL, r->dbs.ptr[i]->n));
    offer_rows(m, "matches", "table", table, rows, m->max_bytes / 3);
}

static void offer_contigs(meta *m, const vj_report *r)
{
    static const char *const texts[] = {"database", "contig"};
    json_t *rows = NULL;

    if (r->dbs.n == 0)
        return;
    json_t *table = new_table(m, texts, 2, reason_columns, VJ_REASON_COUNT, "int",
                              &rows);
    for (size_t i = 0; i < r->dbs.n; i++) {
        const vj_report_db *db = r->dbs.ptr[i];

        for (size_t k = 0; k < db->contigs.n; k++)
            add_row(m, rows, reason_row(m, db->name, db->contigs.ptr[k].name,
                                        db->contigs.ptr[k].n));
    }
    offer_rows(m, "matches_by_contig", "table", table, rows, m->max_bytes / 2);
}

static void offer_schema(meta *m, const vj_report *r)
{
    json_t *columns = json_array();

    if (r->columns.n == 0) {
        json_decref(columns);
        return;
    }
    for (size_t i = 0; i < r->columns.n; i++) {
        const vj_report_column *c = &r->columns.ptr[i];
        json_t *one = json_object();

        put(m, one, "name", clean_text(c->name));
        put(m, one, "type", clean_text(c->type != NULL ? c->type : "unknown"));
        /* descriptions only where lines may be long: names matter more */
        if (c->description != NULL && m->max_bytes > CHART_ROOM_BYTES)
            put(m, one, "description", clean_text(c->description));
        add_row(m, columns, one);
    }
    offer_rows(m, "dagster/column_schema", "table_schema",
               json_pack("{s:o}", "columns", columns), columns, m->max_bytes * 3 / 5);
}

static void offer_stages(meta *m, const vj_report *r)
{
    static const char *const texts[] = {"stage"};
    static const char *const numbers[] = {"wall_sec", "cpu_sec", "rows"};
    json_t *rows = NULL;

    if (r->figures.n_stages == 0)
        return;
    json_t *table = new_table(m, texts, 1, numbers, 3, "float", &rows);
    for (size_t i = 0; i < r->figures.n_stages; i++) {
        const vj_stage_figures *s = &r->figures.stages[i];
        json_t *row = json_object();

        put(m, row, "stage", clean_text(s->name));
        put(m, row, "wall_sec", json_real(round((double)s->wall_ns / 1e6) / 1e3));
        put(m, row, "cpu_sec", json_real(round((double)s->cpu_ns / 1e6) / 1e3));
        put(m, row, "rows", json_integer(s->rows));
        add_row(m, rows, row);
    }
    offer_rows(m, "stages", "table", table, rows, m->max_bytes / 2);
}

static void offer_warnings(meta *m, const vj_report *r)
{
    vj_buf text = {0};
    vj_status rc = VJ_OK;

    for (size_t i = 0; i < r->warnings.n && rc == VJ_OK; i++)
        rc = vj_buf_printf(&text, NULL, "- %s\n", r->warnings.ptr[i]);
    if (rc == VJ_OK)
        rc = vj_buf_push(&text, '\0', NULL);
    if (rc != VJ_OK)
        m->failed = true;
    else
        offer_text(m, "warnings", "md", (const char *)text.ptr);
    vj_buf_fini(&text);
}

static void offer_rest(meta *m, vj_report *r)
{
    const vj_track_figures *f = &r->figures;
    int64_t odd = 0;
    vj_buf chart = {0};

    for (size_t i = 0; i < r->odd.n; i++)
        odd += r->odd.ptr[i].n;
    offer_int(m, "odd_cells", odd);
    offer_float(m, "cpu_seconds", (double)(f->user_ns + f->system_ns) / 1e9);
    if (f->read_bytes >= 0)
        offer_float(m, "read_mb", (double)f->read_bytes / 1e6);
    if (f->written_bytes >= 0)
        offer_float(m, "written_mb", (double)f->written_bytes / 1e6);
    offer_text(m, "engine_reason", "text", r->engine_reason);
    offer_text(m, "peak_memory_method", "text", f->peak_method);
    if (!f->peak_exact) {
        offer_float(m, "peak_memory_least_mb", (double)f->peak_rss_least_bytes / 1e6);
        offer_float(m, "peak_memory_bound_mb", (double)f->peak_rss_bound_bytes / 1e6);
    }
    offer_text(m, "varjoin_version", "text", r->version);
    offer_text(m, "command_line", "text", r->command_line);
    if (m->max_bytes > CHART_ROOM_BYTES && f->n_points > 1) {
        if (vj_chart_memory_markdown(f, &chart, NULL) != VJ_OK)
            m->failed = true;
        else
            offer_text(m, "memory_over_time", "md", (const char *)chart.ptr);
    }
    vj_buf_fini(&chart);
}

/* What is missing, cut to the room that was kept for it. */
static void add_note(meta *m)
{
    size_t len = VJ_MIN(m->left_out.len_bytes, NOTE_BYTES - 70);

    if (m->left_out.len_bytes == 0)
        return;
    json_t *text = vj_json_text((vj_span){(const char *)m->left_out.ptr, len});
    json_t *value = vj_pipes_value("text", text);
    size_t need = entry_bytes(m, "left_out", value);
    if (m->failed || m->used_bytes + need > m->max_bytes) {
        json_decref(value);
        return;
    }
    put(m, m->object, "left_out", value);
    m->used_bytes += need;
}

json_t *vj_pipes_metadata(vj_report *report, size_t max_bytes)
{
    meta m = {.object = json_object(), .used_bytes = 2, .max_bytes = max_bytes};

    offer_names(&m, report);
    offer_facts(&m, report);
    offer_dagster_names(&m, report);
    for (size_t i = 0; i < report->dbs.n; i++)
        offer_db(&m, report->dbs.ptr[i]);
    offer_warnings(&m, report);
    offer_matches(&m, report);
    offer_schema(&m, report);
    offer_rest(&m, report);
    for (size_t i = 0; i < report->dbs.n; i++)
        offer_db_reasons(&m, report->dbs.ptr[i]);
    offer_stages(&m, report);
    offer_contigs(&m, report);
    add_note(&m);
    vj_buf_fini(&m.left_out);
    if (m.failed || m.object == NULL) {
        json_decref(m.object);
        return NULL;
    }
    return m.object;
}
