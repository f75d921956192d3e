/*
 * sim_database.c - one contig of the made-up database as a Parquet file of 27 columns, as other
 * writers would leave it or as `reference build` would make it of that.
 */
#include "simulate/sim_parts.h"

#include <stdio.h>

#include "built/tiers.h"
#include "parquet/parquet.h"
#include "reference/refwriter.h"

/* Segments that the planner of a layout sees, and rows of each, as of a Parquet source. */
#define SAMPLE_PLACES 16
#define SAMPLE_ROWS 16384

/* Columns as Ensembl's variation set has them. */
enum {
    COL_CHROM, COL_START, COL_END, COL_ID, COL_REF, COL_ALT, COL_QUAL, COL_FILTER, COL_DBSNP,
    COL_TSA, COL_FLAGS, COL_MA = COL_FLAGS + 10, COL_MAF, COL_MAC, COL_AA, COL_CLIN, COL_COUNT = COL_CLIN + 3
};

#define FIELD(field_name, field_kind) {.name = field_name, .type = {.kind = field_kind}, .nullable = true}
static const vj_field fields[COL_COUNT] = {
    FIELD("chrom", VJ_TEXT), FIELD("start", VJ_U32), FIELD("end", VJ_U32), FIELD("id", VJ_TEXT),
    FIELD("ref", VJ_TEXT), FIELD("alt", VJ_TEXT), FIELD("qual", VJ_F64), FIELD("filter", VJ_TEXT),
    FIELD("dbSNP_156", VJ_BOOL), FIELD("TSA", VJ_TEXT),
    FIELD("E_Cited", VJ_BOOL), FIELD("E_Multiple_observations", VJ_BOOL), FIELD("E_Freq", VJ_BOOL),
    FIELD("E_TOPMed", VJ_BOOL), FIELD("E_Hapmap", VJ_BOOL), FIELD("E_Phenotype_or_Disease", VJ_BOOL),
    FIELD("E_ESP", VJ_BOOL), FIELD("E_gnomAD", VJ_BOOL), FIELD("E_1000G", VJ_BOOL), FIELD("E_ExAC", VJ_BOOL),
    FIELD("MA", VJ_TEXT), FIELD("MAF", VJ_F32), FIELD("MAC", VJ_I32), FIELD("AA", VJ_TEXT),
    FIELD("CLIN_pathogenic", VJ_BOOL), FIELD("CLIN_benign", VJ_BOOL),
    FIELD("CLIN_uncertain_significance", VJ_BOOL),
};
static const vj_schema schema = {COL_COUNT, fields};
static const int32_t sorting[] = {COL_CHROM, COL_START};

/* Of 1000 rows, how many have the flag: E_Cited ... E_ExAC, then CLIN_... */
static const uint16_t flag_per_mille[13] = {2, 500, 850, 750, 4, 8, 10, 700, 40, 15, 1, 3, 4};

typedef struct table {
    vj_colb cols[COL_COUNT];
    vj_col views[COL_COUNT];
    int64_t n_rows;
} table;

static vj_status table_init(table *t, vj_budget *budget, vj_error *err)
{
    for (int c = 0; c < COL_COUNT; c++)
        VJ_TRY(vj_colb_init(&t->cols[c], &fields[c].type, budget, err));
    return VJ_OK;
}

static void table_fini(table *t)
{
    for (int c = 0; c < COL_COUNT; c++)
        vj_colb_fini(&t->cols[c]);
}

static void table_reset(table *t)
{
    for (int c = 0; c < COL_COUNT; c++)
        vj_colb_reset(&t->cols[c]);
    t->n_rows = 0;
}

static vj_batch table_view(table *t)
{
    for (int c = 0; c < COL_COUNT; c++)
        t->views[c] = vj_colb_view(&t->cols[c]);
    return (vj_batch){&schema, t->n_rows, t->views};
}

static vj_status put_text(vj_colb *b, const char *text, vj_error *err)
{
    return vj_colb_bytes(b, text, strlen(text), err);
}

/* Flags from the site's random bits; frequent variants were seen by everyone. */
static vj_status put_flags(table *t, const vj_sim_site *site, double frequency, vj_error *err)
{
    vj_sim_rng rng = {site->flags};
    uint64_t bits = 0;

    for (int i = 0; i < 13; i++) {
        int column = i < 10 ? COL_FLAGS + i : COL_CLIN + i - 10;

        if (i % 6 == 0) /* six draws of ten bits from each word */
            bits = vj_sim_next(&rng);
        bool on = (bits & 1023) * 1000 < (uint64_t)flag_per_mille[i] * 1024;
        bits >>= 10;
        VJ_TRY(vj_colb_bool(&t->cols[column], on || (frequency > 0.01 && flag_per_mille[i] >= 500),
                            err));
    }
    return vj_colb_bool(&t->cols[COL_DBSNP], (site->flags >> 50) > 100, err);
}

/* The minor allele and its frequency are known for what was seen often enough. */
static vj_status put_frequency(table *t, const vj_sim_site *site, const vj_sim_alt *alt,
                               vj_error *err)
{
    const double f = alt->frequency;
    const double minor = f <= 0.5 ? f : 1 - f;

    if (f < 0.0005) {
        VJ_TRY(vj_colb_null(&t->cols[COL_MA], err));
        VJ_TRY(vj_colb_null(&t->cols[COL_MAF], err));
        return vj_colb_null(&t->cols[COL_MAC], err);
    }
    if (f <= 0.5)
        VJ_TRY(vj_colb_bytes(&t->cols[COL_MA], alt->text, (size_t)alt->len, err));
    else
        VJ_TRY(vj_colb_bytes(&t->cols[COL_MA], site->ref, (size_t)site->ref_len, err));
    int64_t count = (int64_t)(minor * 5008 + 0.5); /* alleles of 2,504 people */
    VJ_TRY(vj_colb_f32(&t->cols[COL_MAF], (float)((double)count / 5008), err));
    return vj_colb_int(&t->cols[COL_MAC], count, err);
}

static vj_status put_row(table *t, const vj_sim_walk *walk, const vj_sim_site *site,
                         int64_t rsid, int32_t ref_len, const vj_sim_alt *alts, const char *alt,
                         size_t alt_len, vj_error *err)
{
    static const char *const classes[] = {"SNV", "insertion", "deletion", "indel",
                                          "sequence_alteration"};
    char id[2 + VJ_NUM_TEXT_BYTES] = "rs";
    size_t id_len = 2 + vj_format_i64(id + 2, rsid);
    vj_colb *cols = t->cols;

    VJ_TRY(put_text(&cols[COL_CHROM], walk->contig->name, err));
    VJ_TRY(vj_colb_int(&cols[COL_START], site->pos1, err));
    VJ_TRY(vj_colb_int(&cols[COL_END], site->pos1 + ref_len - 1, err));
    VJ_TRY(vj_colb_bytes(&cols[COL_ID], id, id_len, err));
    VJ_TRY(vj_colb_bytes(&cols[COL_REF], site->ref, (size_t)ref_len, err));
    VJ_TRY(vj_colb_bytes(&cols[COL_ALT], alt, alt_len, err));
    VJ_TRY(vj_colb_null(&cols[COL_QUAL], err));
    VJ_TRY(put_text(&cols[COL_FILTER], ".", err));
    VJ_TRY(put_text(&cols[COL_TSA], classes[site->class], err));
    VJ_TRY(put_flags(t, site, alts->frequency, err));
    VJ_TRY(put_frequency(t, site, alts, err));
    if ((site->flags >> 40) % 10 == 0)
        VJ_TRY(vj_colb_null(&cols[COL_AA], err));
    else
        VJ_TRY(vj_colb_bytes(&cols[COL_AA], site->ref, (size_t)ref_len, err));
    t->n_rows++;
    return VJ_OK;
}

/* One row with all ALTs, or one for each with the shared end cut off. */
static vj_status put_site(table *t, const vj_sim_walk *walk, const vj_sim_site *site,
                          int64_t rsid, vj_error *err)
{
    char joined[VJ_SIM_MAX_ALTS * VJ_SIM_ALLELE_BYTES];
    size_t len = 0;

    for (int32_t i = 0; i < site->n_alts; i++) {
        const vj_sim_alt *alt = &site->alts[i];
        int32_t ref_len, alt_len;

        if (walk->joined) {
            if (i > 0)
                joined[len++] = '|';
            memcpy(joined + len, alt->text, (size_t)alt->len);
            len += (size_t)alt->len;
            continue;
        }
        vj_sim_cut_suffix(site, i, &ref_len, &alt_len);
        VJ_TRY(put_row(t, walk, site, rsid, ref_len, alt, alt->text, (size_t)alt_len, err));
    }
    return walk->joined
               ? put_row(t, walk, site, rsid, site->ref_len, site->alts, joined, len, err)
               : VJ_OK;
}

static vj_status put_segment(table *t, const vj_sim_plan *plan, int32_t contig_i,
                             int32_t segment_i, vj_error *err)
{
    vj_sim_walk walk;
    vj_sim_site site;
    int64_t n_rows;

    vj_sim_walk_init(&walk, plan, contig_i, segment_i);
    table_reset(t);
    while (vj_sim_walk_next(&walk, &site, &n_rows)) {
        VJ_TRY(put_site(t, &walk, &site, site.rsid, err));
        if (site.repeated)
            VJ_TRY(put_site(t, &walk, &site, site.rsid + 1, err));
    }
    return VJ_OK;
}

/* A random order of 0..n-1. */
static void shuffle(vj_sim_rng *rng, int32_t *order, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        order[i] = (int32_t)i;
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = vj_sim_below(rng, i + 1);
        int32_t held = order[i];

        order[i] = order[j];
        order[j] = held;
    }
}

/* Rows of `from` in random order into `to`. */
static vj_status shuffle_rows(vj_sim_rng *rng, table *from, table *to, int32_t *order,
                              vj_error *err)
{
    vj_batch batch = table_view(from);

    shuffle(rng, order, batch.n_rows);
    table_reset(to);
    for (int c = 0; c < COL_COUNT; c++)
        VJ_TRY(vj_colb_gather(&to->cols[c], &batch.cols[c], order, batch.n_rows, err));
    to->n_rows = batch.n_rows;
    return VJ_OK;
}

typedef struct contig_writer {
    table rows, shuffled;
    int32_t *segments; /* their order */
    int32_t *order;
    vj_outfile *file;
    vj_pq_writer *writer;
} contig_writer;

static void contig_writer_fini(contig_writer *w)
{
    vj_pq_writer_free(w->writer);
    vj_outfile_free(w->file);
    vj_free(w->order);
    vj_free(w->segments);
    table_fini(&w->shuffled);
    table_fini(&w->rows);
}

static vj_status contig_writer_open(contig_writer *w, const vj_sim_run *run, int32_t contig_i,
                                    vj_error *err)
{
    const vj_simulate_options *options = &run->plan->options;
    vj_budget *budget = (vj_budget *)&run->plan->budget;
    const vj_sim_contig *contig = &run->plan->contigs[contig_i];
    vj_pq_writer_options how = {
        .compat = options->compat != 0,
        .rows_per_rowgroup = options->rows_per_rowgroup,
        .sorting_fields = options->unsorted ? NULL : sorting,
        .n_sorting_fields = options->unsorted ? 0 : 2,
    };
    char path[4096];

    VJ_TRY(vj_pq_codec_parse(options->compression, &how.codec, &how.level, err));
    int n = snprintf(path, sizeof path, "%s/homo_sapiens-chr%s.parquet", options->directory,
                     contig->name);
    if (n < 0 || (size_t)n >= sizeof path)
        return vj_fail(err, VJ_E_USAGE, "the directory's name is too long");
    VJ_TRY(table_init(&w->rows, budget, err));
    VJ_TRY(table_init(&w->shuffled, budget, err));
    w->segments = vj_calloc(budget, (size_t)contig->n_segments + 1, sizeof *w->segments, err);
    w->order = vj_calloc(budget, VJ_SIM_SEGMENT_ROWS, sizeof *w->order, err);
    if (w->segments == NULL || w->order == NULL)
        return VJ_E_NOMEM;
    VJ_TRY(vj_outfile_open(path, &w->file, err));
    return vj_pq_writer_new(w->file, &schema, &how, budget, &w->writer, err);
}

/* Sorted rows of a contig as they come, to one file or another. */
static vj_status write_segments(contig_writer *w, vj_sim_run *run, int32_t contig_i,
                                vj_error *err)
{
    const vj_sim_contig *contig = &run->plan->contigs[contig_i];
    bool unsorted = run->plan->options.unsorted != 0;
    vj_sim_rng rng = {vj_mix64(run->plan->options.seed, 0x5eed0000u + (uint64_t)contig_i)};

    shuffle(&rng, w->segments, contig->n_segments);
    for (int32_t i = 0; i < contig->n_segments; i++) {
        vj_batch batch;

        VJ_TRY(put_segment(&w->rows, run->plan, contig_i, unsorted ? w->segments[i] : i, err));
        if (unsorted)
            VJ_TRY(shuffle_rows(&rng, &w->rows, &w->shuffled, w->order, err));
        batch = table_view(unsorted ? &w->shuffled : &w->rows);
        VJ_TRY(vj_pq_writer_append(w->writer, &batch, err));
        VJ_TRY(vj_sim_advance(run, batch.n_rows, err));
    }
    return VJ_OK;
}

static vj_status write_as_is(vj_sim_run *run, int32_t contig_i, vj_error *err)
{
    contig_writer w = {0};
    vj_status rc;

    VJ_GO(rc, contig_writer_open(&w, run, contig_i, err));
    VJ_GO(rc, write_segments(&w, run, contig_i, err));
    VJ_GO(rc, vj_pq_writer_finish(w.writer, err));
    VJ_GO(rc, vj_outfile_finish(w.file, err));
out:
    contig_writer_fini(&w);
    return rc;
}

/* ---- built as it is written ---- */

struct vj_sim_store {
    vj_refsort_options options;
    vj_built_options facts;
    bool constant[COL_COUNT];
    vj_built *built;
    vj_pq_kv kvs[6];
    char build[80];
    char *dir; /* temporary, beside the database's */
};

/* The first rows of a segment here and there: what the planner of `reference build` would see. */
static vj_status sample_segments(const vj_sim_plan *plan, table *segment, table *sample,
                                 vj_error *err)
{
    int64_t n_segments = 0;

    for (int32_t c = 0; c < plan->n_contigs; c++)
        n_segments += plan->contigs[c].n_segments;
    int64_t n_places = VJ_MIN(n_segments, SAMPLE_PLACES);
    for (int64_t i = 0; i < n_places; i++) {
        int64_t segment_i = i * n_segments / n_places;
        int32_t contig_i = 0;

        while (segment_i >= plan->contigs[contig_i].n_segments)
            segment_i -= plan->contigs[contig_i++].n_segments;
        VJ_TRY(put_segment(segment, plan, contig_i, (int32_t)segment_i, err));
        vj_batch batch = table_view(segment);
        for (int c = 0; c < COL_COUNT; c++)
            VJ_TRY(vj_colb_append(&sample->cols[c], &batch.cols[c], 0,
                                  VJ_MIN(batch.n_rows, SAMPLE_ROWS), err));
    }
    sample->n_rows = sample->cols[0].n_rows;
    return VJ_OK;
}

static vj_status plan_layout(vj_sim_store *store, const vj_sim_plan *plan, vj_error *err)
{
    vj_budget *budget = (vj_budget *)&plan->budget;
    table segment = {0}, sample = {0};
    vj_status rc;

    VJ_GO(rc, table_init(&segment, budget, err));
    VJ_GO(rc, table_init(&sample, budget, err));
    VJ_GO(rc, sample_segments(plan, &segment, &sample, err));
    vj_batch batch = table_view(&sample);
    VJ_GO(rc, vj_built_plan(&batch, &store->facts, budget, &store->built, err));
out:
    table_fini(&sample);
    table_fini(&segment);
    return rc;
}

/* As refbuild.c sets them for a Parquet source; what differs is where the rows come from. */
static void set_store(vj_sim_store *store, const vj_sim_plan *plan)
{
    bool tuned = strcmp(plan->options.layout, "tuned") == 0;
    bool tiers = plan->options.n_rows >= VJ_TIERS_MIN_ROWS;
    int32_t n = 0;

    store->constant[COL_QUAL] = store->constant[COL_FILTER] = true;
    store->facts = (vj_built_options){.chrom_i = COL_CHROM, .start_i = COL_START, .ref_i = COL_REF,
                                      .alt_i = COL_ALT, .start_base = 1,
                                      .constant = store->constant};
    n = snprintf(store->build, sizeof store->build, "layout=%s page-rows=4096",
                 plan->options.layout);
    if (tiers)
        snprintf(store->build + n, sizeof store->build - (size_t)n, " tier=%s:%.9g",
                 fields[COL_MAF].name, VJ_TIERS_FROM);
    n = 0;
    store->kvs[n++] = (vj_pq_kv){"varjoin.version", VJ_VERSION};
    store->kvs[n++] = (vj_pq_kv){"varjoin.built", "1"};
    store->kvs[n++] = (vj_pq_kv){"varjoin.start_base", "1"};
    store->kvs[n++] = (vj_pq_kv){"varjoin.release", ""};
    store->kvs[n++] = (vj_pq_kv){"varjoin.source", "simulate"};
    store->kvs[n++] = (vj_pq_kv){"varjoin.build", store->build};
    store->options = (vj_refsort_options){
        .schema = &schema, .chrom_i = COL_CHROM, .start_i = COL_START, .ref_i = COL_REF,
        .alt_i = COL_ALT, .codec = VJ_PQ_ZSTD, .codec_on_free = tuned,
        .tuned = tuned ? &store->facts : NULL, .by_start = true,
        .tier_i = tiers ? COL_MAF : -1, .tier_from = VJ_TIERS_FROM,
        .kvs = store->kvs, .n_kvs = n};
}

vj_status vj_sim_store_new(const vj_sim_plan *plan, vj_sim_store **out, vj_error *err)
{
    vj_sim_store *store = vj_zalloc((vj_budget *)&plan->budget, sizeof *store, err);
    vj_status rc = VJ_OK;

    *out = NULL;
    if (store == NULL)
        return VJ_E_NOMEM;
    set_store(store, plan);
    if (store->options.tuned != NULL)
        VJ_GO(rc, plan_layout(store, plan, err));
    store->options.built = store->built;
    VJ_GO(rc, vj_tempdir_beside(plan->options.directory, &store->dir, err));
    *out = store;
    store = NULL;
out:
    vj_sim_store_free(store);
    return rc;
}

void vj_sim_store_free(vj_sim_store *store)
{
    if (store == NULL)
        return;
    vj_tempdir_remove(store->dir);
    vj_built_free(store->built);
    vj_free(store);
}

vj_status vj_sim_store_view(const vj_sim_store *store, const vj_sim_plan *plan, vj_error *err)
{
    return vj_refwriter_view(store->built, plan->options.directory, (vj_budget *)&plan->budget,
                             err);
}

static vj_status fill_built(vj_refwriter *writer, table *rows, vj_sim_run *run, int32_t contig_i,
                            vj_error *err)
{
    for (int32_t i = 0; i < run->plan->contigs[contig_i].n_segments; i++) {
        VJ_TRY(put_segment(rows, run->plan, contig_i, i, err));
        vj_batch batch = table_view(rows);
        VJ_TRY(vj_refwriter_append(writer, &batch, err));
        VJ_TRY(vj_sim_advance(run, batch.n_rows, err));
    }
    return VJ_OK;
}

static vj_status write_built(vj_sim_run *run, int32_t contig_i, vj_error *err)
{
    vj_budget *budget = (vj_budget *)&run->plan->budget;
    const char *contig = run->plan->contigs[contig_i].name;
    vj_refwriter *writer = NULL;
    table rows = {0};
    char name[900], from[4096], to[4096];
    int64_t bytes = 0;
    vj_status rc;

    vj_refsort_file_name(vj_span_of(contig), name);
    if (snprintf(from, sizeof from, "%s/%s", run->store->dir, name) >= (int)sizeof from ||
        snprintf(to, sizeof to, "%s/%s", run->plan->options.directory, name) >= (int)sizeof to)
        return vj_fail(err, VJ_E_USAGE, "the directory's name is too long");
    VJ_GO(rc, table_init(&rows, budget, err));
    VJ_GO(rc, vj_refwriter_new(&run->store->options, budget, &writer, err));
    VJ_GO(rc, put_segment(&rows, run->plan, contig_i, 0, err));
    vj_batch first = table_view(&rows);
    VJ_GO(rc, vj_refwriter_plan(writer, &first, err));
    VJ_GO(rc, vj_refwriter_open(writer, from, err));
    VJ_GO(rc, fill_built(writer, &rows, run, contig_i, err));
    VJ_GO(rc, vj_refwriter_close(writer, &bytes, err));
    VJ_GO(rc, vj_path_rename(from, to, err));
out:
    vj_refwriter_free(writer);
    table_fini(&rows);
    return rc;
}

vj_status vj_sim_write_contig(vj_sim_run *run, int32_t contig_i, vj_error *err)
{
    return run->store != NULL ? write_built(run, contig_i, err) : write_as_is(run, contig_i, err);
}
