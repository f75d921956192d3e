#include "reference/reference.h"

#include <stdio.h>

#include "reference/refparts.h"
#include "reference/refsort.h"
#include "reference/refwriter.h"
#include "built/tiers.h"

#define ROWS_PER_BATCH 8192
#define MAX_KVS 12
#define HASH_BLOCK ((int64_t)1 << 20)
#define FIXED_BYTES ((int64_t)40 << 20)
/* A buffered row: its columns twice (buffer and what is kept) and the sort order. */
#define BYTES_PER_BUFFERED_ROW 1000
#define MIN_ROWS_PER_RUN 20000
/* The least for a contig that is sorted beside another; what a run needs that is merged. */
#define BYTES_PER_SORTER ((int64_t)64 << 20)
#define BYTES_PER_MERGED_RUN ((int64_t)16 << 20)
/* What VJ_TIERS_MIN_ROWS is of VCF text, whose rows nobody counted. */
#define TIERS_MIN_TEXT_BYTES ((int64_t)1 << 30)

/* What one input goes through; the columns of a batch without alt_index. */
typedef struct build_batch {
    vj_left *left;
    vj_colb start, end, ref, alt;
    vj_col *cols;
    int64_t watermark;
    int64_t bytes_done; /* of the input, when the batch was read */
} build_batch;

typedef struct build {
    const vj_reference_options *options;
    const vj_stop *stop;
    vj_budget *budget;
    vj_reference_result *result;
    vj_left_source *source;
    vj_schema schema;      /* of the files */
    int32_t *from;         /* field of the left schema for each field */
    int32_t start_i, end_i, ref_i, alt_i; /* in schema */
    vj_built_options facts; /* the same for the planner */
    int32_t tier_i;         /* -1: no tiers */
    double tier_from;
    vj_refparquet *parquet; /* the input, when it is one */
    vj_built *built;        /* its layout */
    vj_refsort *sort;
    vj_outfile *bad_records;
    vj_vcf_counts counts;
    vj_arena arena;
    int64_t last_progress_ns;
    int64_t bytes_read; /* of the input at hand */
} build;

/* ---- schema ---- */

static vj_status make_schema(build *b, vj_error *err)
{
    const vj_schema *left = vj_left_schema(b->source);
    vj_field *fields = vj_arena_zalloc(&b->arena, (size_t)left->n_fields * sizeof *fields, err);
    int32_t n = 0;

    b->from = vj_arena_zalloc(&b->arena, (size_t)left->n_fields * sizeof *b->from, err);
    if (fields == NULL || b->from == NULL)
        return VJ_E_NOMEM;
    for (int32_t f = 0; f < left->n_fields; f++) {
        const char *name = left->fields[f].name;

        if (strcmp(name, "alt_index") == 0)
            continue;
        if (strcmp(name, "chrom") == 0)
            b->facts.chrom_i = n;
        if (strcmp(name, "start") == 0)
            b->start_i = n;
        else if (strcmp(name, "end") == 0)
            b->end_i = n;
        else if (strcmp(name, "ref") == 0)
            b->ref_i = n;
        else if (strcmp(name, "alt") == 0)
            b->alt_i = n;
        VJ_TRY(vj_field_copy(&b->arena, &left->fields[f], &fields[n], err));
        b->from[n++] = f;
    }
    b->schema = (vj_schema){n, fields};
    b->facts.start_i = b->start_i;
    b->facts.ref_i = b->ref_i;
    b->facts.alt_i = b->alt_i;
    b->facts.start_base = 1;
    return VJ_OK;
}

static vj_status check_same_schema(const build *b, const vj_left_source *source, const char *path,
                                   vj_error *err)
{
    const vj_schema *left = vj_left_schema(source);
    char expected[96];
    char found[96];

    for (int32_t f = 0; f < b->schema.n_fields; f++) {
        const vj_field *want = &b->schema.fields[f];
        const vj_field *have = b->from[f] < left->n_fields ? &left->fields[b->from[f]] : NULL;

        if (have == NULL || strcmp(have->name, want->name) != 0 ||
            !vj_type_eq(&have->type, &want->type))
            return vj_fail(err, VJ_E_SCHEMA,
                           "%s: expected the columns of %s: %s of type %s, found %s of type %s",
                           path, b->options->inputs[0], want->name,
                           vj_type_name(&want->type, expected, sizeof expected),
                           have != NULL ? have->name : "nothing",
                           have != NULL ? vj_type_name(&have->type, found, sizeof found) : "-");
    }
    return VJ_OK;
}

/* ---- batches ---- */

static void batch_free(void *ctx, void *arg)
{
    build_batch *batch = arg;

    (void)ctx;
    if (batch == NULL)
        return;
    vj_left_batch_free(batch->left);
    vj_colb_fini(&batch->start);
    vj_colb_fini(&batch->end);
    vj_colb_fini(&batch->ref);
    vj_colb_fini(&batch->alt);
    vj_free(batch->cols);
    vj_free(batch);
}

static vj_status init_batch(build *b, build_batch *batch, vj_error *err)
{
    const vj_field *fields = b->schema.fields;

    VJ_TRY(vj_left_batch_new(b->source, b->budget, &batch->left, err));
    VJ_TRY(vj_colb_init(&batch->start, &fields[b->start_i].type, b->budget, err));
    VJ_TRY(vj_colb_init(&batch->end, &fields[b->end_i].type, b->budget, err));
    VJ_TRY(vj_colb_init(&batch->ref, &fields[b->ref_i].type, b->budget, err));
    VJ_TRY(vj_colb_init(&batch->alt, &fields[b->alt_i].type, b->budget, err));
    batch->cols = vj_calloc(b->budget, (size_t)b->schema.n_fields, sizeof *batch->cols, err);
    return batch->cols != NULL ? VJ_OK : VJ_E_NOMEM;
}

static vj_status batch_new(void *ctx, void **out, vj_error *err)
{
    build *b = ctx;
    build_batch *batch = vj_zalloc(b->budget, sizeof *batch, err);

    if (batch == NULL)
        return VJ_E_NOMEM;
    vj_status rc = init_batch(b, batch, err);
    if (rc != VJ_OK) {
        batch_free(ctx, batch);
        return rc;
    }
    *out = batch;
    return VJ_OK;
}

static vj_status read_batch(void *ctx, void *arg, bool *out_more, vj_error *err)
{
    build *b = ctx;
    build_batch *batch = arg;
    vj_stage_mark mark = vj_stage_start(b->options->track);

    VJ_TRY(vj_left_read(b->source, ROWS_PER_BATCH, batch->left, out_more, err));
    batch->bytes_done = vj_left_bytes_done(b->source);
    vj_stage_stop(b->options->track, VJ_STAGE_READ, mark, 0, batch->bytes_done - b->bytes_read);
    b->bytes_read = batch->bytes_done;
    return VJ_OK;
}

/* start, end, ref and alt of a row whose key was trimmed are the key's. */
static vj_status take_key(const build *b, build_batch *batch, int64_t i, vj_error *err)
{
    const vj_left *left = batch->left;
    const vj_key *key = &left->keys->keys.ptr[left->row_key[i]];

    if (!key->trimmed) {
        VJ_TRY(vj_colb_append(&batch->start, &left->cols[b->from[b->start_i]], i, 1, err));
        VJ_TRY(vj_colb_append(&batch->end, &left->cols[b->from[b->end_i]], i, 1, err));
        VJ_TRY(vj_colb_append(&batch->ref, &left->cols[b->from[b->ref_i]], i, 1, err));
        return vj_colb_append(&batch->alt, &left->cols[b->from[b->alt_i]], i, 1, err);
    }
    VJ_TRY(vj_colb_int(&batch->start, key->pos1, err));
    VJ_TRY(vj_colb_int(&batch->end, key->pos1 + (int64_t)key->ref.len_bytes - 1, err));
    VJ_TRY(vj_colb_bytes(&batch->ref, key->ref.ptr, key->ref.len_bytes, err));
    return vj_colb_bytes(&batch->alt, key->alt.ptr, key->alt.len_bytes, err);
}

static vj_status work_batch(void *ctx, void *worker, void *arg, vj_error *err)
{
    build *b = ctx;
    build_batch *batch = arg;
    vj_left *left = batch->left;
    vj_stage_mark mark = vj_stage_start(b->options->track);

    (void)worker;
    VJ_TRY(vj_left_parse(b->source, left, err));
    vj_stage_stop(b->options->track, VJ_STAGE_PARSE, mark, left->n_rows, 0);
    vj_colb_reset(&batch->start);
    vj_colb_reset(&batch->end);
    vj_colb_reset(&batch->ref);
    vj_colb_reset(&batch->alt);
    for (int64_t i = 0; i < left->n_rows; i++)
        VJ_TRY(take_key(b, batch, i, err));
    for (int32_t f = 0; f < b->schema.n_fields; f++)
        batch->cols[f] = left->cols[b->from[f]];
    batch->cols[b->start_i] = vj_colb_view(&batch->start);
    batch->cols[b->end_i] = vj_colb_view(&batch->end);
    batch->cols[b->ref_i] = vj_colb_view(&batch->ref);
    batch->cols[b->alt_i] = vj_colb_view(&batch->alt);
    /* trimming only moves starts up, so nothing behind this record starts before its POS */
    batch->watermark = left->n_rows > 0
                           ? vj_col_i64(&left->cols[b->from[b->start_i]], left->n_rows - 1)
                           : 0;
    return VJ_OK;
}

static vj_status commit_batch(void *ctx, void *arg, vj_error *err)
{
    build *b = ctx;
    build_batch *batch = arg;
    vj_batch rows = {&b->schema, batch->left->n_rows, batch->cols};

    if (b->bad_records != NULL && batch->left->bad_lines != NULL)
        VJ_TRY(vj_outfile_write(b->bad_records, batch->left->bad_lines->ptr,
                                batch->left->bad_lines->len_bytes, err));
    vj_stage_mark mark = vj_stage_start(b->options->track);
    int64_t written_before = vj_os_bytes_written();
    VJ_TRY(vj_refsort_append(b->sort, &rows, batch->watermark, err));
    vj_stage_stop(b->options->track, VJ_STAGE_WRITE, mark, rows.n_rows,
                  vj_os_bytes_written() - written_before);
    b->result->n_records += batch->left->n_records;
    b->result->n_rows += batch->left->n_rows;
    vj_vcf_counts_add(&b->counts, batch->left->counts);
    int64_t now_ns = vj_clock_ns();
    if (b->options->progress != NULL && now_ns - b->last_progress_ns > 100000000) {
        vj_progress progress = {"reference build", b->result->n_rows,
                                batch->bytes_done, vj_left_bytes_total(b->source)};

        b->last_progress_ns = now_ns;
        b->options->progress(b->options->user, &progress);
    }
    return VJ_OK;
}

/* ---- one input after the other ---- */

static vj_status open_source(build *b, const char *path, vj_error *err)
{
    vj_job_options job = VJ_JOB_OPTIONS_INIT;

    job.input = path;
    job.sites_only = 1;
    job.without_formats = 1;
    job.info_fields = b->options->info_fields;
    job.assume_number = b->options->assume_number;
    job.bad_records_path = b->options->bad_records_path;
    job.allow_truncated = b->options->allow_truncated;
    job.ignore_checksums = b->options->ignore_checksums;
    job.threads = b->options->threads;
    return vj_left_open(&job, b->budget, &b->source, err);
}

static vj_status read_input(build *b, vj_error *err)
{
    const vj_pipeline_ops ops = {.ctx = b, .batch_new = batch_new, .batch_free = batch_free,
                                 .read = read_batch, .work = work_batch, .commit = commit_batch};
    int workers = VJ_MAX(1, b->options->threads);

    return vj_pipeline_run(&ops, workers, workers + 2, b->stop, err);
}

static bool is_tuned(const vj_reference_options *o)
{
    return o->layout == NULL || strcmp(o->layout, "tuned") == 0;
}

/* Whole files; a pipe cannot be read twice. */
static vj_status hash_file(vj_hasher *hasher, const char *path, vj_buf *block, vj_error *err)
{
    vj_source *source = NULL;
    vj_status rc = vj_source_open(path, &source, err);
    int64_t size = rc == VJ_OK ? vj_source_size(source) : 0;

    for (int64_t off = 0; rc == VJ_OK && off < size; off += HASH_BLOCK) {
        size_t n = (size_t)VJ_MIN(size - off, HASH_BLOCK);

        rc = vj_source_read(source, off, block->ptr, n, err);
        if (rc == VJ_OK)
            vj_hasher_add(hasher, block->ptr, n);
    }
    vj_source_free(source);
    return rc;
}

static vj_status hash_inputs(build *b, char text[48], vj_error *err)
{
    vj_hasher *hasher = vj_hasher_new(err);
    vj_buf block = {.budget = b->budget};
    vj_status rc = hasher != NULL ? vj_buf_reserve(&block, (size_t)HASH_BLOCK, err) : VJ_E_NOMEM;

    for (int i = 0; rc == VJ_OK && i < b->options->n_inputs; i++)
        if (strcmp(b->options->inputs[i], "-") != 0)
            rc = hash_file(hasher, b->options->inputs[i], &block, err);
    if (rc == VJ_OK) {
        vj_hash128 hash = vj_hasher_get(hasher);

        snprintf(text, 48, "xxh3:%016llx%016llx", (unsigned long long)hash.hi,
                 (unsigned long long)hash.lo);
    }
    vj_hasher_free(hasher);
    vj_buf_fini(&block);
    return rc;
}

/* Of VCF the bytes; of Parquet, as everywhere, the footers and sizes. */
static vj_status add_checksum(build *b, vj_pq_kv *kvs, int32_t *n, vj_error *err)
{
    char text[48] = "";

    if (b->parquet != NULL)
        snprintf(text, sizeof text, "%s", vj_refparquet_database(b->parquet)->checksum);
    else
        VJ_TRY(hash_inputs(b, text, err));
    char *kept = vj_arena_strndup(&b->arena, text, strlen(text), err);
    if (kept == NULL)
        return VJ_E_NOMEM;
    kvs[(*n)++] = (vj_pq_kv){"varjoin.source_checksum", kept};
    return VJ_OK;
}

static vj_status add_parameters(build *b, vj_pq_kv *kvs, int32_t *n, vj_error *err)
{
    const vj_reference_options *o = b->options;
    vj_buf text = {.budget = b->budget};
    vj_status rc = VJ_OK;
    char *kept = NULL;

    VJ_GO(rc, vj_buf_printf(&text, err, "layout=%s page-rows=%lld", is_tuned(o) ? "tuned" : "plain",
                            (long long)(o->rows_per_page > 0 ? o->rows_per_page : 4096)));
    if (o->small)
        VJ_GO(rc, vj_buf_printf(&text, err, " small"));
    if (o->compression != NULL)
        VJ_GO(rc, vj_buf_printf(&text, err, " compression=%s", o->compression));
    if (o->start_base != NULL)
        VJ_GO(rc, vj_buf_printf(&text, err, " start-base=%s", o->start_base));
    if (b->tier_i >= 0)
        VJ_GO(rc, vj_buf_printf(&text, err, " tier=%s:%.9g", b->schema.fields[b->tier_i].name,
                                b->tier_from));
    kept = vj_arena_strndup(&b->arena, text.ptr, text.len_bytes, err);
    rc = kept != NULL ? VJ_OK : VJ_E_NOMEM;
    if (rc == VJ_OK)
        kvs[(*n)++] = (vj_pq_kv){"varjoin.build", kept};
out:
    vj_buf_fini(&text);
    return rc;
}

static vj_status make_kvs(build *b, vj_pq_kv *kvs, int32_t *out_n, vj_error *err)
{
    int32_t n = 0;
    vj_buf inputs = {.budget = b->budget};

    if (!b->options->no_version) {
        kvs[n++] = (vj_pq_kv){"varjoin.version", VJ_VERSION};
        if (b->options->command_line != NULL)
            kvs[n++] = (vj_pq_kv){"varjoin.command", b->options->command_line};
    }
    kvs[n++] = (vj_pq_kv){"varjoin.built", "1"};
    kvs[n++] = (vj_pq_kv){"varjoin.start_base", b->facts.start_base == 0 ? "0" : "1"};
    kvs[n++] = (vj_pq_kv){"varjoin.release",
                          b->options->release != NULL ? b->options->release : ""};
    for (int i = 0; i < b->options->n_inputs; i++) {
        const char *slash = strrchr(b->options->inputs[i], '/');

        VJ_TRY(vj_buf_printf(&inputs, err, "%s%s", i > 0 ? "," : "",
                             slash != NULL ? slash + 1 : b->options->inputs[i]));
    }
    char *joined = vj_arena_strndup(&b->arena, inputs.ptr, inputs.len_bytes, err);
    vj_buf_fini(&inputs);
    if (joined == NULL)
        return VJ_E_NOMEM;
    kvs[n++] = (vj_pq_kv){"varjoin.source", joined};
    VJ_TRY(add_checksum(b, kvs, &n, err));
    VJ_TRY(add_parameters(b, kvs, &n, err));
    *out_n = n;
    return VJ_OK;
}

static int64_t memory_of(const build *b)
{
    return b->options->memory_bytes > 0 ? b->options->memory_bytes : 256000000;
}

/* Contigs of a Parquet database that are built side by side: as many as the memory has room for. */
static int32_t n_sorters(const build *b)
{
    if (b->parquet == NULL || !vj_refparts_can(vj_refparquet_database(b->parquet)))
        return 1;
    int64_t n = VJ_MIN(b->options->threads, memory_of(b) / BYTES_PER_SORTER);
    return (int32_t)VJ_MAX(1, VJ_MIN(n, (int64_t)vj_refparquet_database(b->parquet)->contigs.by_name.n));
}

static int64_t rows_per_run(const build *b)
{
    int64_t memory = memory_of(b) / n_sorters(b);

    if (b->options->rows_per_run > 0)
        return b->options->rows_per_run;
    return VJ_MAX(MIN_ROWS_PER_RUN, (memory - FIXED_BYTES) / 2 / BYTES_PER_BUFFERED_ROW);
}

static size_t merge_inputs(const build *b)
{
    return (size_t)VJ_MAX(4, memory_of(b) / n_sorters(b) / BYTES_PER_MERGED_RUN);
}

static int start_base(const vj_reference_options *o)
{
    return o->start_base == NULL ? -1 : o->start_base[0] - '0';
}

/* Whether tiers are made where nobody asked: by rows, or by the bytes of VCFs. */
static bool is_large(const build *b)
{
    int64_t bytes = 0;

    if (b->parquet != NULL)
        return vj_refparquet_database(b->parquet)->n_rows >= VJ_TIERS_MIN_ROWS;
    for (int i = 0; i < b->options->n_inputs; i++) {
        vj_source *source = NULL;

        if (vj_source_open(b->options->inputs[i], &source, NULL) == VJ_OK)
            bytes += vj_source_size(source);
        vj_source_free(source);
    }
    return bytes >= TIERS_MIN_TEXT_BYTES;
}

static vj_status parse_tier(build *b, vj_error *err)
{
    const char *text = b->options->tier;
    const char *colon = strrchr(text, ':');
    const vj_schema *schema = &b->schema;

    if (colon == NULL || colon == text ||
        !vj_parse_f64((vj_span){colon + 1, strlen(colon + 1)}, &b->tier_from) ||
        !(b->tier_from > 0) || b->tier_from > 1e9)
        return vj_fail(err, VJ_E_USAGE, "tier: expected COLUMN:LEAST with a number above 0, "
                       "found '%s'", text);
    for (int32_t f = 0; f < schema->n_fields; f++)
        if (strlen(schema->fields[f].name) == (size_t)(colon - text) &&
            memcmp(schema->fields[f].name, text, (size_t)(colon - text)) == 0)
            b->tier_i = f;
    if (b->tier_i < 0)
        return vj_fail(err, VJ_E_USAGE, "tier: the database has no column %.*s",
                       (int)(colon - text), text);
    if (!vj_tiers_type_fits(&schema->fields[b->tier_i].type))
        return vj_fail(err, VJ_E_USAGE, "tier: expected a column of real numbers, %s is none",
                       schema->fields[b->tier_i].name);
    return VJ_OK;
}

static vj_status choose_tiers(build *b, vj_error *err)
{
    b->tier_i = -1;
    b->tier_from = VJ_TIERS_FROM;
    if (b->options->no_tiers)
        return VJ_OK;
    if (b->options->tier != NULL)
        return parse_tier(b, err);
    b->tier_i = vj_tiers_find_column(&b->schema);
    if (b->tier_i >= 0 && !is_large(b))
        b->tier_i = -1;
    return VJ_OK;
}

/* What the sorter is told of layout, codec, memory and footer entries. */
static vj_status sort_options(build *b, const char *dir, vj_pq_kv *kvs, vj_refsort_options *sort,
                              vj_error *err)
{
    const vj_reference_options *o = b->options;

    VJ_TRY(choose_tiers(b, err));
    *sort = (vj_refsort_options){.schema = &b->schema, .out_dir = dir, .chrom_i = b->facts.chrom_i,
                                 .start_i = b->facts.start_i, .ref_i = b->facts.ref_i,
                                 .alt_i = b->facts.alt_i,
                                 .codec = VJ_PQ_ZSTD,
                                 .codec_on_free = is_tuned(o) && o->compression == NULL,
                                 .codec_on_text = o->small != 0,
                                 .rows_per_page = o->rows_per_page,
                                 .tuned = is_tuned(o) ? &b->facts : NULL,
                                 .n_sorters = n_sorters(b),
                                 .rows_per_run = rows_per_run(b), .kvs = kvs,
                                 .merge_inputs = merge_inputs(b),
                                 .tier_i = b->tier_i, .tier_from = b->tier_from,
                                 .no_version = o->no_version != 0, .stop = b->stop};
    if (o->compression != NULL)
        VJ_TRY(vj_pq_codec_parse(o->compression, &sort->codec, &sort->level, err));
    return make_kvs(b, kvs, &sort->n_kvs, err);
}

static vj_status finish_sort(build *b, const char *dir, vj_error *err)
{
    vj_stage_mark mark = vj_stage_start(b->options->track);
    int64_t written_before = vj_os_bytes_written();

    VJ_TRY(vj_refsort_finish(b->sort, err));
    vj_stage_stop(b->options->track, VJ_STAGE_WRITE, mark, 0,
                  vj_os_bytes_written() - written_before);
    VJ_TRY(vj_refwriter_view(vj_refsort_built(b->sort), dir, b->budget, err));
    b->result->n_dropped += vj_refsort_n_dropped(b->sort);
    b->result->n_rows -= vj_refsort_n_dropped(b->sort);
    b->result->n_runs = vj_refsort_n_runs(b->sort);
    b->result->n_contigs = vj_refsort_n_contigs(b->sort);
    b->result->bytes_out = vj_refsort_bytes_out(b->sort);
    return VJ_OK;
}

static void say_remark(void *ctx, bool shown, const char *text)
{
    const vj_reference_options *o = ((const build *)ctx)->options;

    if (shown && o->log != NULL)
        o->log(o->user, VJ_LOG_WARNING, text);
}

static vj_status read_vcfs(build *b, const char *dir, vj_error *err)
{
    const vj_remarks remarks = {say_remark, b};
    vj_pq_kv kvs[MAX_KVS];
    vj_refsort_options sort;

    vj_refparts_forget(b->options->output_dir);
    for (int i = 0; i < b->options->n_inputs; i++) {
        VJ_TRY(open_source(b, b->options->inputs[i], err));
        if (i == 0) {
            VJ_TRY(make_schema(b, err));
            VJ_TRY(sort_options(b, dir, kvs, &sort, err));
            VJ_TRY(vj_refsort_new(&sort, b->budget, &b->sort, err));
        } else {
            VJ_TRY(check_same_schema(b, b->source, b->options->inputs[i], err));
        }
        b->bytes_read = 0;
        VJ_TRY(read_input(b, err));
        vj_remarks_header(&remarks, vj_left_vcf(b->source), b->options->inputs[i]);
        vj_left_free(b->source);
        b->source = NULL;
    }
    vj_remarks_cells(&remarks, &b->counts);
    if (b->counts.n_bad_records > 0) {
        char text[100];

        snprintf(text, sizeof text, "%lld broken records were set aside",
                 (long long)b->counts.n_bad_records);
        say_remark(b, true, text);
    }
    return finish_sort(b, dir, err);
}

static vj_status show_progress(void *ctx, int64_t n_records, int64_t n_rows, vj_error *err)
{
    build *b = ctx;
    const vj_database *db = vj_refparquet_database(b->parquet);
    int64_t now_ns = vj_clock_ns();

    (void)n_records;
    (void)n_rows;
    (void)err;
    if (b->options->progress != NULL && now_ns - b->last_progress_ns >= 100000000) {
        double share = (double)b->result->n_records / (double)VJ_MAX(db->n_rows, 1);
        vj_progress progress = {"reference build", b->result->n_rows,
                                (int64_t)(share * (double)db->size_bytes), db->size_bytes};

        b->last_progress_ns = now_ns;
        b->options->progress(b->options->user, &progress);
    }
    return VJ_OK;
}

static vj_status read_parquet(build *b, const char *dir, vj_error *err)
{
    vj_pq_kv kvs[MAX_KVS];
    vj_refsort_options sort;

    if (b->options->n_inputs != 1)
        return vj_fail(err, VJ_E_USAGE, "expected one Parquet database: a file, a folder or a glob");
    VJ_TRY(vj_refparquet_open(b->options->inputs[0], start_base(b->options),
                              b->options->ignore_checksums != 0, b->budget, &b->parquet, err));
    b->schema = *vj_refparquet_schema(b->parquet);
    b->facts = *vj_refparquet_facts(b->parquet);
    VJ_TRY(sort_options(b, dir, kvs, &sort, err));
    if (is_tuned(b->options) && vj_refparquet_database(b->parquet)->n_rows > 0)
        VJ_TRY(vj_refparquet_plan(b->parquet, &b->built, err));
    sort.built = b->built;
    sort.by_start = true;
    if (vj_refparts_can(vj_refparquet_database(b->parquet))) {
        const vj_refparts_job job = {b->options, b->parquet, start_base(b->options), &sort,
                                     b->budget, b->result};

        VJ_TRY(vj_refparts_run(&job, err));
        return vj_refwriter_view(b->built, dir, b->budget, err);
    }
    vj_refparts_forget(b->options->output_dir);
    VJ_TRY(vj_refsort_new(&sort, b->budget, &b->sort, err));
    VJ_TRY(vj_refparquet_read(b->parquet, -1, b->sort, show_progress, b, b->result, err));
    return finish_sort(b, dir, err);
}

/* A folder, a pattern, or a file that begins as Parquet does. */
static vj_status is_parquet(const char *path, bool *out, vj_error *err)
{
    vj_source *source = NULL;
    char magic[4] = "";

    *out = vj_path_is_dir(path) || (!vj_path_exists(path) && strpbrk(path, "*?[") != NULL);
    if (*out || !vj_path_is_file(path))
        return VJ_OK;
    VJ_TRY(vj_source_open(path, &source, err));
    vj_status rc = VJ_OK;
    if (vj_source_size(source) >= (int64_t)sizeof magic)
        rc = vj_source_read(source, 0, magic, sizeof magic, err);
    vj_source_free(source);
    *out = memcmp(magic, "PAR1", 4) == 0 || memcmp(magic, "PARE", 4) == 0;
    return rc;
}

static vj_status read_inputs(build *b, const char *dir, vj_error *err)
{
    bool parquet = false;

    VJ_TRY(is_parquet(b->options->inputs[0], &parquet, err));
    return parquet ? read_parquet(b, dir, err) : read_vcfs(b, dir, err);
}

/* ---- the folder, whole or not at all ---- */

static vj_status check_target(const vj_reference_options *o, vj_error *err)
{
    if (o->n_inputs == 0)
        return vj_fail(err, VJ_E_USAGE, "expected a VCF, a BCF or a Parquet database");
    if (o->layout != NULL && strcmp(o->layout, "tuned") != 0 && strcmp(o->layout, "plain") != 0)
        return vj_fail(err, VJ_E_USAGE, "layout: expected tuned or plain, found '%s'", o->layout);
    if (o->output_dir == NULL || *o->output_dir == '\0')
        return vj_fail(err, VJ_E_USAGE, "expected an output folder: -o DIR");
    if (o->small && (!is_tuned(o) || o->compression != NULL))
        return vj_fail(err, VJ_E_USAGE, "small goes with the tuned layout and a codec of its own");
    if (o->tier != NULL && o->no_tiers)
        return vj_fail(err, VJ_E_USAGE, "tiers are either made or not");
    if (o->start_base != NULL && strcmp(o->start_base, "0") != 0 && strcmp(o->start_base, "1") != 0)
        return vj_fail(err, VJ_E_USAGE, "start base: expected 0 or 1, found '%s'", o->start_base);
    for (int i = 0; i < o->n_inputs; i++) {
        VJ_TRY(vj_path_spares("new database", o->output_dir, o->inputs[i], err));
        VJ_TRY(vj_path_spares("file for bad records", o->bad_records_path, o->inputs[i], err));
    }
    if (!vj_path_exists(o->output_dir) || vj_path_is_empty_dir(o->output_dir))
        return VJ_OK;
    if (!vj_path_is_dir(o->output_dir))
        return vj_fail(err, VJ_E_OUTPUT, "%s: expected a folder, found a file", o->output_dir);
    if (!o->replace)
        return vj_fail(err, VJ_E_USAGE, "%s: the folder has files in it; --replace lets the new "
                       "database take its place", o->output_dir);
    return VJ_OK;
}

/* An old folder stands until the new one takes its place, in one step where that can be had. */
static vj_status publish(const char *temp, const char *target, vj_error *err)
{
    char old[4096];
    bool done = false;

    if (!vj_path_exists(target) || vj_path_is_empty_dir(target))
        return vj_path_rename(temp, target, err);
    VJ_TRY(vj_path_exchange(temp, target, &done, err));
    if (done)
        return VJ_OK; /* the old one has the temporary name, and goes with it */
    snprintf(old, sizeof old, "%s.old", temp);
    VJ_TRY(vj_path_rename(target, old, err));
    vj_status rc = vj_path_rename(temp, target, err);
    if (rc != VJ_OK) {
        if (vj_path_rename(old, target, NULL) != VJ_OK)
            return vj_wrap(err, rc, "the old folder is at %s", old);
        return rc;
    }
    vj_path_remove(old);
    return VJ_OK;
}

vj_status vj_refbuild_run(const vj_reference_options *options, const vj_stop *stop,
                          vj_budget *budget, vj_reference_result *result, vj_error *err)
{
    build b = {.options = options, .stop = stop, .budget = budget, .result = result};
    char *temp = NULL;
    vj_status rc = VJ_OK;

    *result = (vj_reference_result){0};
    vj_arena_init(&b.arena, budget, 16384);
    VJ_GO(rc, check_target(options, err));
    if (options->bad_records_path != NULL)
        VJ_GO(rc, vj_outfile_open(options->bad_records_path, &b.bad_records, err));
    VJ_GO(rc, vj_tempdir_beside(options->output_dir, &temp, err));
    VJ_GO(rc, read_inputs(&b, temp, err));
    VJ_GO(rc, vj_stop_check(stop, err));
    VJ_GO(rc, publish(temp, options->output_dir, err));
    if (b.bad_records != NULL)
        VJ_GO(rc, vj_outfile_finish(b.bad_records, err));
    result->n_skipped = b.counts.n_bad_records;
    if (options->fail_on_skipped)
        rc = vj_refuse_skipped(result->n_skipped, options->bad_records_path, "database", err);
out:
    vj_left_free(b.source);
    vj_refsort_free(b.sort);
    vj_built_free(b.built);
    vj_refparquet_free(b.parquet);
    vj_outfile_free(b.bad_records);
    vj_tempdir_remove(temp);
    vj_arena_fini(&b.arena);
    return rc;
}
