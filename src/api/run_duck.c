#include <stdio.h>

#include "api/run_external.h"
#include "duck/duck.h"

/* Everything the join's description points to lives in this arena. */
typedef struct description {
    vj_arena arena;
    vj_duck_join join;
    vj_duck_db *dbs;
    vj_duck_db_counts *counts;
} description;

/* SQL name of a column type, for columns of a database none of whose files is read. */
static void sql_type(const vj_type *type, char *dst, size_t cap)
{
    static const char *const names[] = {"BOOLEAN", "TINYINT",   "SMALLINT",  "INTEGER",
                                        "BIGINT",  "UTINYINT",  "USMALLINT", "UINTEGER",
                                        "UBIGINT", "FLOAT",     "DOUBLE",    "VARCHAR",
                                        "BLOB",    "BLOB"};
    char inner[256];
    size_t used = 0;

    if (type->logical == VJ_LOGICAL_DECIMAL) {
        snprintf(dst, cap, "DECIMAL(%d,%d)", type->precision, type->scale);
    } else if (type->logical == VJ_LOGICAL_DATE) {
        snprintf(dst, cap, "DATE");
    } else if (type->logical == VJ_LOGICAL_TIMESTAMP) {
        snprintf(dst, cap, "%s", type->utc             ? "TIMESTAMPTZ"
                                 : type->unit == VJ_MS ? "TIMESTAMP_MS"
                                 : type->unit == VJ_NS ? "TIMESTAMP_NS"
                                                       : "TIMESTAMP");
    } else if (type->logical == VJ_LOGICAL_TIME) {
        snprintf(dst, cap, "TIME");
    } else if (type->logical == VJ_LOGICAL_UUID) {
        snprintf(dst, cap, "UUID");
    } else if (type->kind == VJ_LIST) {
        sql_type(&type->kids[0].type, inner, sizeof inner);
        snprintf(dst, cap, "%s[]", inner);
    } else if (type->kind == VJ_STRUCT) {
        used = (size_t)snprintf(dst, cap, "STRUCT(");
        for (int32_t i = 0; i < type->n_kids && used < cap; i++) {
            sql_type(&type->kids[i].type, inner, sizeof inner);
            used += (size_t)snprintf(dst + used, cap - used, "%s\"%s\" %s", i > 0 ? ", " : "",
                                     type->kids[i].name, inner);
        }
        if (used < cap)
            snprintf(dst + used, cap - used, ")");
    } else {
        snprintf(dst, cap, "%s", names[type->kind]);
    }
}

/* Every spelling of a contig that the files hold, and the canonical name it stands for. */
static vj_status add_contigs(description *d, const vj_database *from, vj_duck_db *to,
                             vj_error *err)
{
    const vj_map *raw = &from->raw_contigs;
    char name[VJ_CONTIG_BYTES];
    vj_duck_contig *contigs = vj_arena_zalloc(&d->arena, VJ_MAX(raw->n, 1) * sizeof *contigs, err);

    if (contigs == NULL)
        return VJ_E_NOMEM;
    for (size_t i = 0; i < raw->n; i++) {
        vj_span canonical = vj_contig_canonical(raw->keys[i], -1, name);

        contigs[i].raw = vj_arena_strndup(&d->arena, raw->keys[i].ptr, raw->keys[i].len_bytes, err);
        contigs[i].canonical =
            vj_arena_strndup(&d->arena, canonical.ptr, canonical.len_bytes, err);
        if (contigs[i].raw == NULL || contigs[i].canonical == NULL)
            return VJ_E_NOMEM;
    }
    to->contigs = contigs;
    to->n_contigs = (int32_t)raw->n;
    return VJ_OK;
}

static vj_status add_paths(description *d, const vj_external *ext, const vj_database *from,
                           vj_duck_db *to, vj_error *err)
{
    const char **paths = vj_arena_zalloc(&d->arena, (size_t)from->n_files * sizeof *paths, err);

    if (paths == NULL)
        return VJ_E_NOMEM;
    for (int32_t i = 0; i < from->n_files; i++)
        if (vj_keyed_needs_file(&ext->keyed, from, i))
            paths[to->n_paths++] = from->files[i].path;
    to->paths = paths;
    return VJ_OK;
}

/* DuckDB reads milliseconds as microseconds, and has no milliseconds with a zone; a column that
 * files store differently is made ours whatever it makes of them. */
static bool needs_cast(const vj_db_column *column)
{
    const vj_type *type = &column->field.type;

    return column->widened ||
           (type->logical == VJ_LOGICAL_TIMESTAMP && type->unit == VJ_MS && !type->utc);
}

/* Does any file that is read have this column? */
static bool has_column(const vj_external *ext, const vj_database *db, int32_t c)
{
    for (int32_t i = 0; i < db->n_files; i++)
        if (db->files[i].payload_i[c] >= 0 && vj_keyed_needs_file(&ext->keyed, db, i))
            return true;
    return false;
}

static vj_status add_payload(description *d, const vj_external *ext, const vj_database *from,
                             vj_duck_db *to, vj_error *err)
{
    size_t n = (size_t)VJ_MAX(from->n_columns, 1);
    vj_duck_column *columns = vj_arena_zalloc(&d->arena, n * sizeof *columns, err);
    const char **types = vj_arena_zalloc(&d->arena, n * sizeof *types, err);
    char type[1024];

    if (columns == NULL || types == NULL)
        return VJ_E_NOMEM;
    for (int32_t c = 0; c < from->n_columns; c++) {
        if (from->columns[c].name == NULL)
            continue;
        columns[to->n_payload] = (vj_duck_column){
            .source = has_column(ext, from, c) ? from->columns[c].field.name : NULL,
            .name = from->columns[c].name};
        sql_type(&from->columns[c].field.type, type, sizeof type);
        types[to->n_payload] = vj_arena_strndup(&d->arena, type, strlen(type), err);
        if (types[to->n_payload] == NULL)
            return VJ_E_NOMEM;
        if (needs_cast(&from->columns[c]))
            columns[to->n_payload].cast = types[to->n_payload];
        to->n_payload++;
    }
    to->payload = columns;
    to->payload_types = types;
    return VJ_OK;
}

/* A tuned database under its own names. */
static vj_status add_projection(description *d, const vj_database *from, vj_duck_db *to,
                                vj_error *err)
{
    vj_buf sql = {0};

    const vj_db_file *file = &from->files[0];

    if (file->built == NULL)
        return VJ_OK;
    to->keys_stored = file->built->columns[file->chrom_i].how == VJ_BUILT_COLUMN &&
                      file->built->columns[file->start_i].how == VJ_BUILT_COLUMN;
    vj_status rc = vj_built_sql(file->built, &sql, err);
    if (rc == VJ_OK) {
        to->projection = vj_arena_strndup(&d->arena, sql.ptr, sql.len_bytes, err);
        rc = to->projection != NULL ? VJ_OK : VJ_E_NOMEM;
    }
    vj_buf_fini(&sql);
    return rc;
}

static void add_bounds(const vj_external *ext, vj_duck_db *to)
{
    int64_t lo = INT64_MAX;
    int64_t hi = INT64_MIN;

    for (size_t i = 0; i < ext->keyed.facts.n; i++) {
        lo = VJ_MIN(lo, ext->keyed.facts.ptr[i].min_pos1);
        hi = VJ_MAX(hi, ext->keyed.facts.ptr[i].max_pos1);
    }
    if (lo <= hi) {
        to->pos1_min = lo;
        to->pos1_max = hi;
    }
}

/* --join-columns: parts of the key rule, and what else is compared. */
static vj_status add_join_columns(description *d, const vj_external *ext, vj_duck_db *to,
                                  vj_error *err)
{
    const vj_join_parts *parts = &ext->plan->join_parts;
    vj_duck_pair *pairs =
        vj_arena_zalloc(&d->arena, (size_t)VJ_MAX(parts->n_others, 1) * sizeof *pairs, err);

    if (pairs == NULL)
        return VJ_E_NOMEM;
    to->key = (parts->contig ? VJ_DUCK_KEY_CONTIG : 0) | (parts->pos ? VJ_DUCK_KEY_POS : 0) |
              (parts->alleles ? VJ_DUCK_KEY_ALLELES : 0);
    for (int32_t i = 0; i < parts->n_others; i++)
        pairs[i] = (vj_duck_pair){.left_name = parts->others[i], .db_name = parts->others[i]};
    to->pairs = pairs;
    to->n_pairs = parts->n_others;
    return VJ_OK;
}

static vj_status describe_db(description *d, const vj_external *ext, int32_t i, vj_error *err)
{
    const vj_database *from = ext->plan->dbs[i];
    vj_duck_db *to = &d->dbs[i];

    /* DuckDB unites columns by name: the files of one database call their keys alike. */
    const vj_db_file *file = &from->files[0];
    const vj_field *fields = file->schema->fields;

    *to = (vj_duck_db){.name = from->name, .chrom = fields[file->chrom_i].name,
                       .start = fields[file->start_i].name, .ref = fields[file->ref_i].name,
                       .alt = fields[file->alt_i].name, .start_base = from->start_base,
                       .alt_kind = from->alt_is_list ? VJ_DUCK_ALT_LIST : VJ_DUCK_ALT_JOINED};
    VJ_TRY(add_join_columns(d, ext, to, err));
    VJ_TRY(add_paths(d, ext, from, to, err));
    VJ_TRY(add_payload(d, ext, from, to, err));
    VJ_TRY(add_projection(d, from, to, err));
    add_bounds(ext, to);
    return add_contigs(d, from, to, err);
}

static vj_status describe_left(description *d, const vj_external *ext, vj_error *err)
{
    int32_t n = ext->plan->n_left_fields;
    vj_duck_column *left = vj_arena_zalloc(&d->arena, (size_t)VJ_MAX(n, 1) * sizeof *left, err);

    if (left == NULL)
        return VJ_E_NOMEM;
    for (int32_t f = 0; f < n; f++)
        left[f] = (vj_duck_column){.source = ext->plan->out_schema.fields[f].name,
                                   .name = ext->plan->out_schema.fields[f].name};
    d->join.left = left;
    d->join.n_left = n;
    return VJ_OK;
}

static const char *codec_name(vj_pq_codec codec)
{
    switch (codec) {
    case VJ_PQ_NONE:
        return "uncompressed";
    case VJ_PQ_SNAPPY:
        return "snappy";
    case VJ_PQ_GZIP:
        return "gzip";
    case VJ_PQ_BROTLI:
        return "brotli";
    case VJ_PQ_LZ4_RAW:
        return "lz4_raw";
    case VJ_PQ_ZSTD:
        break;
    }
    return "zstd";
}

static vj_status describe(description *d, vj_external *ext, vj_error *err)
{
    static const vj_duck_duplicates policies[] = {VJ_DUCK_DUP_ALL, VJ_DUCK_DUP_FIRST,
                                                  VJ_DUCK_DUP_ERROR};
    const vj_plan *plan = ext->plan;
    vj_pq_codec codec = VJ_PQ_ZSTD;
    size_t n = (size_t)VJ_MAX(plan->n_dbs, 1);

    if (plan->options.compression != NULL)
        VJ_TRY(vj_pq_codec_parse(plan->options.compression, &codec, &d->join.level, err));
    d->dbs = vj_arena_zalloc(&d->arena, n * sizeof *d->dbs, err);
    d->counts = vj_arena_zalloc(&d->arena, n * sizeof *d->counts, err);
    if (d->dbs == NULL || d->counts == NULL)
        return VJ_E_NOMEM;
    for (int32_t i = 0; i < plan->n_dbs; i++) {
        size_t n_rows = (size_t)VJ_MAX(ext->result->rows_in, 1);

        d->counts[i].best = vj_arena_zalloc(&d->arena, n_rows, err);
        if (d->counts[i].best == NULL)
            return VJ_E_NOMEM;
        VJ_TRY(describe_db(d, ext, i, err));
    }
    VJ_TRY(describe_left(d, ext, err));
    d->join.left_path = ext->left_path;
    d->join.n_left_rows = ext->result->rows_in;
    d->join.dbs = d->dbs;
    d->join.n_dbs = plan->n_dbs;
    d->join.duplicates = policies[plan->options.duplicates];
    d->join.any_order = plan->options.any_order != 0;
    d->join.out_path = ext->out_path;
    d->join.codec = codec_name(codec);
    return VJ_OK;
}

static void show_progress(void *arg, double fraction)
{
    const vj_external *ext = arg;
    const vj_job_options *o = &ext->plan->options;
    vj_progress progress = {"join (duckdb)", ext->result->rows_in,
                            (int64_t)(fraction * 1000), 1000};

    if (o->progress != NULL && fraction >= 0)
        o->progress(o->user, &progress);
}

/* --memory is the bound that the user means: for the process, of which our own tables and a byte
 * a row and database are a part, not for DuckDB's buffers. */
static int64_t limit_within(const vj_external *ext, int *threads)
{
    const vj_plan *plan = ext->plan;
    int64_t ours = plan->budget->used_bytes + ext->result->rows_in * VJ_MAX(plan->n_dbs, 1);

    return vj_duck_memory_within(plan->options.memory_bytes - ours, threads);
}

static vj_status open_duck(vj_external *ext, description *d, vj_duck **out, vj_error *err)
{
    const vj_job_options *o = &ext->plan->options;
    vj_duck_options options = {
        .library_path = o->duckdb_library,
        .threads = o->duckdb_threads > 0 ? o->duckdb_threads : o->threads,
        .memory_limit_bytes = o->duckdb_memory_bytes,
        .temp_dir = ext->dir,
        .keep_insertion_order = o->duckdb_keep_insertion_order != 0,
        .stop = ext->plan->stop,
        .progress = show_progress,
        .progress_arg = ext,
    };

    if (o->memory_bytes > 0)
        options.memory_limit_bytes = limit_within(ext, &options.threads);
    d->join.rows_per_rowgroup = vj_duck_rowgroup_rows(options.memory_limit_bytes);
    return vj_duck_open(&options, out, err);
}

static vj_status note_counts(vj_external *ext, const description *d, const vj_duck_counts *counts,
                             vj_error *err)
{
    ext->result->rows_expected = counts->n_all_rows;
    for (int32_t i = 0; i < ext->plan->n_dbs; i++) {
        vj_report_db *db = ext->result->dbs[i];

        db->matched_rows = d->counts[i].n_result_rows;
        VJ_TRY(vj_external_note_fates(ext, i, d->counts[i].best, err));
    }
    return VJ_OK;
}

static vj_status run_statement(vj_external *ext, vj_duck *duck, description *d, vj_error *err)
{
    vj_duck_counts counts = {.dbs = d->counts};
    vj_buf sql = {0};
    vj_status rc = VJ_OK;

    if (ext->plan->options.sql_file == NULL) {
        VJ_TRY(vj_duck_run_join(duck, &d->join, &counts, err));
        ext->result->rows_out = counts.n_rows;
        return note_counts(ext, d, &counts, err);
    }
    VJ_GO(rc, vj_path_read(ext->plan->options.sql_file, &sql, err));
    VJ_GO(rc, vj_duck_run_select(duck, &d->join, vj_buf_span(&sql), &ext->result->rows_out, err));
out:
    vj_buf_fini(&sql);
    return rc;
}

vj_status vj_duck_engine_join(vj_external *ext, vj_error *err)
{
    description d = {0};
    vj_duck *duck = NULL;
    vj_status rc = VJ_OK;

    vj_arena_init(&d.arena, NULL, 16384);
    VJ_GO(rc, open_duck(ext, &d, &duck, err));
    VJ_GO(rc, describe(&d, ext, err));
    VJ_GO(rc, run_statement(ext, duck, &d, err));
out:
    vj_duck_free(duck);
    vj_arena_fini(&d.arena);
    return rc;
}
