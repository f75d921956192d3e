#include "engine/estimate.h"

#include <math.h>
#include <stdlib.h>

/*
 * What a thing costs, in seconds of one core, and what it holds: fitted to runs over 0.5 to 13.5
 * million rows (docs/which-engine.md, "The plan beside the run").
 */
typedef struct engine_rates {
    double start_s;
    double per_left_row_s;  /* parse, keys, encode, write */
    double per_db_row_s;    /* scanned ... */
    double per_db_cell_s;   /* ... and each of its cells */
    double per_plain_byte_s;
    double per_page_s;
    int64_t base_bytes;     /* memory beyond this program's */
    int64_t row_bytes;      /* memory of an output row ... */
    int64_t cell_bytes;     /* ... and each of its cells */
    int64_t start_read_bytes; /* libraries and modules */
    int64_t left_row_read_bytes; /* the keyed file and the result are read again */
} engine_rates;

static const engine_rates rates_of[] = {
    [VJ_ENGINE_NATIVE] = {0.02, 0.75e-6, 0, 0, 1 / 0.8e9, 3e-6, 0, 0, 0, 100000, 0},
    [VJ_ENGINE_DUCKDB] = {0.12, 4.4e-6, 6.5e-8, 3.5e-9, 0, 1e-5, 58000000, 500, 22, 700000, 45},
    [VJ_ENGINE_POLARS] = {0.32, 4.6e-6, 2.5e-8, 1.15e-9, 0, 0, 93000000, 0, 15, 8500000, 45},
};

/* The native engine on tuned files, which no codec packs: of the time that packed pages take; and of
 * the pages of a column the blocks that are touched. */
#define TUNED_COST_SHARE 0.4
#define TUNED_BYTES_SHARE 0.66

#define PROGRAM_BYTES ((int64_t)13 << 20)
#define BYTES_PER_BATCH_ROW 600
/* Where two batches meet the row group is looked at by both: of each column at least a page; where
 * a page is most of the group, it is mostly kept from the first. */
#define EDGE_BYTES 8192
#define EDGE_SHARE_OF_LARGE_PAGES 0.28
/* The native engine: pages kept where batches meet, and mapped pages of a database that a worker
 * gives back late (native/native.c, native/refscan.c). */
#define KEPT_PAGES_BYTES ((int64_t)16 << 20)
#define HELD_BYTES ((int64_t)8 << 20)
/* Polars: row groups in flight, as a share of what it decodes. */
#define POLARS_FLIGHT_SHARE 0.06
#define POLARS_FLIGHT_BYTES 25000000
/* Of several files it opens the next while it reads one: of each cell of a row group this much. */
#define POLARS_AHEAD_BYTES 75
/* Of the CPU time that is spent by one thread alone: starting an interpreter, planning. */
#define POLARS_SERIAL_SECONDS 0.3

/* Where the input's records lie on one contig: stretches, apart and sorted once all are known. */
typedef struct extent {
    int64_t lo, hi;
} extent;

typedef VJ_VEC(extent) extents;

typedef struct survey {
    vj_plan *plan;            /* of the sample at hand */
    vj_estimate_input *input; /* likewise */
    bool known;               /* of all of them */
    int64_t n_rows;           /* of all of them */
    int64_t most_rows;        /* of the longest */
    double kept, seen;        /* records of the input at hand: in its regions, and all */
    vj_map contigs;           /* canonical -> index */
    VJ_VEC(extents) where;
} survey;

static vj_status add_extent(survey *s, vj_span contig, int64_t length, int64_t lo, int64_t hi,
                            vj_error *err)
{
    char name[VJ_CONTIG_BYTES];
    int64_t i = 0;
    bool is_new = false;
    extents none = {0};
    extent fresh = {lo, hi};

    VJ_TRY(vj_map_put(&s->contigs, vj_contig_canonical(contig, length, name), (int64_t)s->where.n,
                      &i, &is_new, err));
    if (is_new)
        VJ_TRY(VJ_VEC_PUSH(&s->where, none, err));
    return VJ_VEC_PUSH(&s->where.ptr[i], fresh, err);
}

/* Records between two positions of a contig, evenly spread: those of them in the regions stay. */
static vj_status add_stretch(survey *s, const vj_vcf_contig *contig, int64_t lo, int64_t hi,
                             double n_records, vj_error *err)
{
    int64_t last = hi == INT64_MAX && contig->length > lo ? contig->length : hi;
    vj_span name = vj_span_of(contig->name);
    int64_t beg1 = 0;
    int64_t end1 = 0;

    s->seen += n_records;
    for (size_t i = 0; vj_vcf_stretch(vj_left_vcf(s->plan->source), name, contig->length, i, &beg1,
                                      &end1); i++) {
        int64_t from = VJ_MAX(lo, beg1);
        int64_t to = VJ_MIN(hi, end1);

        if (from > to)
            continue;
        VJ_TRY(add_extent(s, name, contig->length, from, to, err));
        s->kept += n_records * ((double)VJ_MIN(to, last) - (double)from + 1) /
                   ((double)last - (double)lo + 1);
    }
    return VJ_OK;
}

static int compare_extents(const void *a, const void *b)
{
    const extent *x = a;
    const extent *y = b;

    return (x->lo > y->lo) - (x->lo < y->lo);
}

/* Sort each contig's stretches and unite those that meet. */
static void settle_extents(survey *s)
{
    for (size_t c = 0; c < s->where.n; c++) {
        extents *list = &s->where.ptr[c];
        size_t kept = 0;

        qsort(list->ptr, list->n, sizeof *list->ptr, compare_extents);
        for (size_t i = 1; i < list->n; i++) {
            if (list->ptr[i].lo <= list->ptr[kept].hi)
                list->ptr[kept].hi = VJ_MAX(list->ptr[kept].hi, list->ptr[i].hi);
            else
                list->ptr[++kept] = list->ptr[i];
        }
        list->n = VJ_MIN(list->n, kept + 1);
    }
}

/* Whether a stretch overlaps [lo, hi]. */
static bool overlaps(const extents *list, int64_t lo, int64_t hi)
{
    size_t beg = 0;
    size_t end = list->n;

    while (beg < end) {
        size_t mid = beg + (end - beg) / 2;

        if (list->ptr[mid].hi < lo)
            beg = mid + 1;
        else
            end = mid;
    }
    return beg < list->n && list->ptr[beg].lo <= hi;
}

static int32_t header_index(const vj_vcf_header *header, const char *name)
{
    for (int32_t i = 0; i < header->n_contigs; i++)
        if (strcmp(header->contigs[i].name, name) == 0)
            return i;
    return -1;
}

/* The header's line of a contig, or one without a length. */
static vj_vcf_contig contig_named(const vj_vcf_header *header, const char *name)
{
    int32_t i = header_index(header, name);
    vj_vcf_contig unknown = {.name = name, .length = -1};

    return i >= 0 ? header->contigs[i] : unknown;
}

/* From one place to the next: on one contig the stretch between; else to its end, whole contigs
 * between, and the next one's start, with the records in equal parts. */
static vj_status join_places(survey *s, const vj_vcf_header *header, const vj_vcf_place *a,
                             const vj_vcf_place *b, double n_records, vj_error *err)
{
    int32_t i = header_index(header, a->contig);
    int32_t k = header_index(header, b->contig);
    vj_vcf_contig first = contig_named(header, a->contig);
    vj_vcf_contig last = contig_named(header, b->contig);

    if (strcmp(a->contig, b->contig) == 0)
        return add_stretch(s, &first, VJ_MIN(a->pos1, b->pos1), VJ_MAX(a->pos1, b->pos1),
                           n_records, err);
    double part = n_records / (2 + (i >= 0 && k > i ? k - i - 1 : 0));
    VJ_TRY(add_stretch(s, &first, a->pos1, INT64_MAX, part, err));
    VJ_TRY(add_stretch(s, &last, 0, b->pos1, part, err));
    for (int32_t c = i + 1; i >= 0 && c < k; c++)
        VJ_TRY(add_stretch(s, &header->contigs[c], 0, INT64_MAX, part, err));
    return VJ_OK;
}

/* Allele rows a record has, from the first batch. */
static vj_status rows_per_record(survey *s, double *out, vj_error *err)
{
    vj_left *left = NULL;
    bool more = false;
    vj_status rc = VJ_OK;

    *out = 1;
    VJ_GO(rc, vj_left_batch_new(s->plan->source, s->plan->budget, &left, err));
    VJ_GO(rc, vj_left_read(s->plan->source, 4096, left, &more, err));
    if (!more)
        goto out;
    VJ_GO(rc, vj_left_parse(s->plan->source, left, err));
    if (left->counts->n_records > 0)
        *out = (double)left->n_rows / (double)left->counts->n_records;
out:
    vj_left_batch_free(left);
    return rc;
}

static vj_status survey_vcf(survey *s, vj_error *err)
{
    const vj_vcf_header *header = vj_vcf_header_view(vj_left_vcf(s->plan->source));
    vj_vcf_survey facts;
    double rows = 1;

    VJ_TRY(vj_vcf_survey_file(s->plan->options.input, &facts, err));
    if (!facts.known)
        return VJ_OK;
    VJ_TRY(rows_per_record(s, &rows, err));
    s->kept = s->seen = 0;
    for (int32_t i = 0; i + 1 < facts.n_places; i++)
        VJ_TRY(join_places(s, header, &facts.places[i], &facts.places[i + 1],
                           (double)facts.n_records / (facts.n_places - 1), err));
    double share = s->seen > 0 ? s->kept / s->seen : 1;
    s->input->known = true;
    s->input->n_records = (int64_t)((double)facts.n_records * share);
    s->input->n_rows = (int64_t)((double)facts.n_records * share * rows);
    return VJ_OK;
}

static vj_status survey_parquet(survey *s, vj_error *err)
{
    vj_job_database spec = {"input", s->plan->options.input, NULL};
    vj_database *table = NULL;

    VJ_TRY(vj_database_open(&spec, 1, s->plan->options.ignore_checksums != 0, s->plan->budget,
                            &table, err));
    vj_status rc = VJ_OK;
    s->input->known = true;
    s->input->n_records = s->input->n_rows = table->n_rows;
    for (int32_t g = 0; rc == VJ_OK && g < table->n_rowgroups; g++) {
        const vj_db_rowgroup *group = &table->rowgroups[g];

        if (group->contig < 0)
            s->input->known = false;
        else
            rc = add_extent(s, vj_contigs_name(&table->contigs, group->contig), -1, group->min_pos1,
                            group->max_pos1, err);
    }
    vj_database_free(table);
    return rc;
}

/* All inputs of the plan: where their rows lie together, and how many they are. */
static vj_status survey_inputs(survey *s, vj_plan *plan, vj_estimate *out, vj_error *err)
{
    s->known = true;
    for (int32_t i = 0; i < plan->n_samples; i++) {
        s->plan = plan->samples[i];
        s->input = &out->inputs[i];
        vj_status rc = vj_left_vcf(s->plan->source) != NULL ? survey_vcf(s, err)
                                                            : survey_parquet(s, err);
        if (rc != VJ_OK)
            return rc;
        s->known &= s->input->known;
        s->n_rows += s->input->n_rows;
        s->most_rows = VJ_MAX(s->most_rows, s->input->n_rows);
        out->n_records += s->input->n_records;
        out->bytes += VJ_MAX(0, vj_left_bytes_total(s->plan->source));
    }
    settle_extents(s);
    out->input_known = s->known;
    out->n_rows = s->n_rows;
    return VJ_OK;
}

/* ---- databases ---- */

static bool touches(const survey *s, const vj_database *db, const vj_db_rowgroup *group)
{
    if (!s->known || group->contig < 0)
        return true;
    int64_t i = vj_map_find(&s->contigs, vj_contigs_name(&db->contigs, group->contig));
    return i >= 0 && overlaps(&s->where.ptr[i], group->min_pos1, group->max_pos1);
}

/* Pages of a column: ours have 4,096 rows (512 in a rare tier), others about 100,000 or a MiB. */
static double pages_of(const vj_db_file *file, int64_t n_rows, bool rare)
{
    bool ours = strstr(vj_pq_meta_view(file->pq)->created_by, "varjoin") != NULL;

    return VJ_MAX(1, (double)n_rows / (rare ? 512.0 : ours ? 4096.0 : 100000.0));
}

/* The file's own column in which one is stored; -1: in none. */
static int32_t stored_in(const vj_db_file *file, int32_t field_i)
{
    return field_i >= 0 && file->built != NULL ? file->built->columns[field_i].physical_i : field_i;
}

static void add_field(const vj_db_file *file, int32_t g, int32_t field_i, double share,
                      vj_estimate_db *out)
{
    int32_t leaf = 0;
    int32_t end = 0;

    field_i = stored_in(file, field_i);
    if (field_i < 0)
        return;
    for (vj_pq_field_leaves(file->pq, field_i, &leaf, &end); leaf < end; leaf++) {
        vj_pq_chunk chunk = vj_pq_chunk_view(file->pq, g, leaf);

        out->bytes += (int64_t)((double)chunk.compressed_bytes * share);
        out->plain_bytes += (int64_t)((double)chunk.uncompressed_bytes * share);
        out->pages += pages_of(file, vj_pq_rowgroup_view(file->pq, g).n_rows,
                               g < file->tiers.n_rare_groups) * share;
    }
    out->cells += (double)vj_pq_rowgroup_view(file->pq, g).n_rows;
}

/* Of a sample's rows, those that meet a start of the rare tier (decision 028). */
#define RARE_SHARE 0.05

/* Pages that one of n rows spread over a group's pages falls into, as a share of all. */
static double page_share(const vj_db_file *file, int32_t g, int32_t field_i, double n_hits,
                         int64_t n_rows)
{
    int32_t leaf = 0;
    int32_t end = 0;

    field_i = stored_in(file, field_i);
    if (field_i < 0)
        return 0;
    vj_pq_field_leaves(file->pq, field_i, &leaf, &end);
    if (!vj_pq_chunk_view(file->pq, g, leaf).has_offset_index)
        return 1;
    double pages = pages_of(file, n_rows, g < file->tiers.n_rare_groups);
    return pages <= 1 ? 1 : 1 - exp(-n_hits / pages);
}

/* Columns of a tuned file may be stored in one: it is read once. */
static bool is_counted(const vj_database *db, const vj_db_file *file, int32_t c)
{
    int32_t stored = stored_in(file, file->payload_i[c]);

    if (stored == stored_in(file, file->start_i) || stored == stored_in(file, file->ref_i) ||
        stored == stored_in(file, file->alt_i))
        return true;
    for (int32_t i = 0; i < c; i++)
        if (db->columns[i].name != NULL && stored_in(file, file->payload_i[i]) == stored)
            return true;
    return false;
}

static void count_rowgroup(const vj_database *db, const vj_db_rowgroup *group, double n_hits,
                           vj_estimate_db *out)
{
    const vj_db_file *file = &db->files[group->file_i];
    int32_t g = group->rowgroup_i;
    double share = page_share(file, g, file->ref_i, n_hits, group->n_rows);

    out->n_rowgroups++;
    out->n_rows += group->n_rows;
    add_field(file, g, file->start_i, 1, out);
    if (group->contig < 0)
        add_field(file, g, file->chrom_i, 1, out);
    add_field(file, g, file->ref_i, share, out);
    if (stored_in(file, file->alt_i) != stored_in(file, file->ref_i))
        add_field(file, g, file->alt_i, share, out);
    for (int32_t c = 0; c < db->n_columns; c++)
        if (db->columns[c].name != NULL && !is_counted(db, file, c))
            add_field(file, g, file->payload_i[c], share, out);
}

/* Positions of all contigs together: DuckDB and Polars leave out what is outside of these. */
static extent whole_range(const survey *s)
{
    extent all = {INT64_MAX, INT64_MIN};

    for (size_t c = 0; c < s->where.n; c++)
        for (size_t i = 0; i < s->where.ptr[c].n; i++) {
            all.lo = VJ_MIN(all.lo, s->where.ptr[c].ptr[i].lo);
            all.hi = VJ_MAX(all.hi, s->where.ptr[c].ptr[i].hi);
        }
    return all;
}

/* Groups that the native engine looks into, or another one does in the files that are needed. */
static vj_status choose_groups(const survey *s, const vj_plan *plan, const vj_database *db,
                               bool *chosen, vj_error *err)
{
    bool *needed = vj_calloc(NULL, (size_t)VJ_MAX(db->n_files, 1), sizeof *needed, err);
    extent all = whole_range(s);
    bool any_place = !plan->join_parts.contig || !plan->join_parts.pos;

    if (needed == NULL)
        return VJ_E_NOMEM;
    for (int32_t g = 0; g < db->n_rowgroups; g++) {
        chosen[g] = any_place || touches(s, db, &db->rowgroups[g]);
        needed[db->rowgroups[g].file_i] |= chosen[g];
    }
    for (int32_t g = 0; plan->engine != VJ_ENGINE_NATIVE && g < db->n_rowgroups; g++) {
        const vj_db_rowgroup *group = &db->rowgroups[g];

        chosen[g] = needed[group->file_i] &&
                    (!s->known || !plan->join_parts.pos ||
                     (group->min_pos1 <= all.hi && group->max_pos1 >= all.lo));
    }
    vj_free(needed);
    return VJ_OK;
}

/*
 * How often the native engine reads the groups of a database: those of a sorted one once, since
 * pages that neighbouring batches share are kept; of another one each batch reads what it overlaps.
 */
static double reads_of(const survey *s, const vj_plan *plan, const vj_database *db, double n_chosen)
{
    double batches = (double)s->most_rows / (double)plan->rows_per_batch;
    extent all = whole_range(s);
    double overlap = 0;

    if (plan->engine != VJ_ENGINE_NATIVE || db->sorted || batches <= 1 || all.lo >= all.hi)
        return 1;
    for (int32_t g = 0; g < db->n_rowgroups; g++)
        overlap += VJ_MIN(1, (double)(db->rowgroups[g].max_pos1 - db->rowgroups[g].min_pos1) /
                                 (double)(all.hi - all.lo));
    return VJ_MAX(1, batches * VJ_MIN(1, overlap / VJ_MAX(n_chosen, 1)));
}

/* Columns of a database that are read: start, REF and ALT, and the payload. */
static int32_t count_columns(const vj_database *db)
{
    int32_t n = 3;

    for (int32_t c = 0; c < db->n_columns; c++)
        n += db->columns[c].name != NULL;
    return n;
}

/* What batches that meet in a row group read twice. */
static int64_t edge_bytes(const survey *s, const vj_plan *plan, const vj_database *db,
                          const vj_estimate_db *found)
{
    double batches = ceil((double)s->most_rows / (double)plan->rows_per_batch);
    double group = (double)found->bytes / (double)VJ_MAX(found->n_rowgroups, 1);

    if (batches <= 1 || db->n_rowgroups == 0)
        return 0;
    bool small_pages = pages_of(&db->files[db->rowgroups[0].file_i], db->rowgroups[0].n_rows, false) > 2;
    double edge = VJ_MIN(group, 2 * (double)found->bytes / batches +
                                    EDGE_BYTES * count_columns(db));
    return (int64_t)((batches - 1) * edge * (small_pages ? 1 : EDGE_SHARE_OF_LARGE_PAGES));
}

static vj_status count_database(const survey *s, const vj_plan *plan, const vj_database *db,
                                vj_estimate_db *out, vj_error *err)
{
    bool *chosen = vj_calloc(NULL, (size_t)VJ_MAX(db->n_rowgroups, 1), sizeof *chosen, err);
    int64_t n_chosen = 0;
    int32_t last_file = -1;
    bool native = plan->engine == VJ_ENGINE_NATIVE;

    if (chosen == NULL)
        return VJ_E_NOMEM;
    vj_status rc = choose_groups(s, plan, db, chosen, err);
    for (int32_t g = 0; g < db->n_rowgroups; g++)
        n_chosen += chosen[g];
    /* a group in range is read when one of the rows falls into it */
    double n_hits = native && s->known && n_chosen > 0 ? (double)s->n_rows / (double)n_chosen : 1e9;
    double chance = 1 - exp(-n_hits);
    for (int32_t g = 0; rc == VJ_OK && g < db->n_rowgroups; g++) {
        if (!chosen[g])
            continue;
        count_rowgroup(db, &db->rowgroups[g],
                       native && db->rowgroups[g].rare ? n_hits * RARE_SHARE : n_hits, out);
        out->n_files += db->rowgroups[g].file_i != last_file;
        last_file = db->rowgroups[g].file_i;
    }
    double reads = reads_of(s, plan, db, (double)n_chosen);
    out->n_rowgroups = (int64_t)((double)out->n_rowgroups * chance + 0.5);
    out->n_rows = (int64_t)((double)out->n_rows * chance);
    out->bytes = (int64_t)((double)out->bytes * chance * reads);
    out->plain_bytes = (int64_t)((double)out->plain_bytes * chance * reads);
    out->pages *= chance * reads;
    if (native && db->n_files > 0 && db->files[0].built != NULL)
        out->bytes = (int64_t)((double)out->bytes * TUNED_BYTES_SHARE);
    out->bytes += native ? edge_bytes(s, plan, db, out) : 0;
    for (int32_t i = 0; i < db->n_files; i++) /* opened by us and, where needed, by the engine */
        out->bytes += vj_pq_meta_view(db->files[i].pq)->footer_bytes * (native ? 1 : 2);
    vj_free(chosen);
    return rc;
}

/* What the native engine holds of a database: pages where batches meet, mapped ones. */
static int64_t native_db_bytes(const vj_plan *plan, const vj_estimate *out, int64_t n_batches)
{
    int64_t held = 0;
    int64_t kept = 0;

    for (int32_t d = 0; d < plan->n_dbs; d++) {
        const vj_estimate_db *db = &out->dbs[d];

        held += VJ_MIN(HELD_BYTES * plan->n_workers, db->bytes / 2);
        kept += db->plain_bytes / VJ_MAX(db->n_rowgroups, 1);
    }
    kept = VJ_MIN(kept * VJ_MIN(plan->n_workers + 1, n_batches - 1), KEPT_PAGES_BYTES);
    return held + VJ_MAX(kept, 0);
}

static int64_t engine_bytes(const vj_plan *plan, const vj_estimate *out, double plain)
{
    const engine_rates *rates = &rates_of[plan->engine];
    int64_t most = plan->options.memory_bytes;
    int64_t bytes = rates->base_bytes;

    bytes += out->n_rows * (rates->row_bytes + rates->cell_bytes * plan->out_schema.n_fields);
    int64_t ahead = 0;
    for (int32_t d = 0; d < plan->n_dbs; d++)
        if (out->dbs[d].n_files > 1)
            ahead = VJ_MAX(ahead, (int64_t)(out->dbs[d].cells * POLARS_AHEAD_BYTES /
                                            (double)VJ_MAX(out->dbs[d].n_rowgroups, 1)));
    if (plan->engine == VJ_ENGINE_POLARS)
        bytes += ahead + (int64_t)VJ_MIN(plain * POLARS_FLIGHT_SHARE, POLARS_FLIGHT_BYTES);
    return most > 0 ? VJ_MIN(bytes, most) : bytes;
}

static void estimate_cost(const vj_plan *plan, vj_estimate *out)
{
    const engine_rates *rates = &rates_of[plan->engine];
    double plain = 0;
    int64_t n_batches = (out->n_rows + plan->rows_per_batch - 1) /
                        VJ_MAX(plan->rows_per_batch, 1);
    int64_t in_flight = VJ_MIN(plan->n_batches * plan->rows_per_batch * plan->n_samples,
                               VJ_MAX(out->n_rows, 1));
    double scan_s = 0;
    bool native = plan->engine == VJ_ENGINE_NATIVE;

    for (int32_t d = 0; d < plan->n_dbs; d++) {
        const vj_estimate_db *db = &out->dbs[d];

        plain += (double)db->plain_bytes;
        double scan = (double)db->n_rows * rates->per_db_row_s + db->cells * rates->per_db_cell_s +
                      (double)db->plain_bytes * rates->per_plain_byte_s +
                      db->pages * rates->per_page_s;
        bool tuned = plan->dbs[d]->n_files > 0 && plan->dbs[d]->files[0].built != NULL;
        scan_s += scan * (native && tuned ? TUNED_COST_SHARE : 1);
    }
    int32_t runs = native ? 1 : plan->n_samples;
    out->cpu_s = runs * (rates->start_s + scan_s) + (double)out->n_rows * rates->per_left_row_s;
    out->bytes += runs * rates->start_read_bytes + out->n_rows * rates->left_row_read_bytes;
    out->memory_bytes = PROGRAM_BYTES + (int64_t)plan->budget->used_bytes + plan->further_bytes +
                        (native ? in_flight * BYTES_PER_BATCH_ROW +
                                      native_db_bytes(plan, out, n_batches)
                                : engine_bytes(plan, out, plain));
    double serial = plan->engine == VJ_ENGINE_POLARS ? runs * POLARS_SERIAL_SECONDS : 0;
    out->wall_s = serial + (out->cpu_s - serial) / VJ_MAX(1, plan->n_workers) *
                               (serial > 0 ? 1.6 : 1.1);
}

vj_status vj_estimate_make(vj_plan *plan, vj_estimate *out, vj_error *err)
{
    survey s = {.plan = plan};
    vj_status rc = VJ_OK;

    *out = (vj_estimate){.n_dbs = plan->n_dbs};
    vj_map_init(&s.contigs, NULL);
    out->dbs = vj_arena_zalloc(&plan->arena, (size_t)VJ_MAX(plan->n_dbs, 1) * sizeof *out->dbs, err);
    out->inputs = vj_arena_zalloc(&plan->arena,
                                  (size_t)plan->n_samples * sizeof *out->inputs, err);
    if (out->dbs == NULL || out->inputs == NULL) {
        rc = VJ_E_NOMEM;
        goto out;
    }
    VJ_GO(rc, survey_inputs(&s, plan, out, err));
    for (int32_t d = 0; d < plan->n_dbs; d++) {
        VJ_GO(rc, count_database(&s, plan, plan->dbs[d], &out->dbs[d], err));
        out->bytes += out->dbs[d].bytes * (plan->engine == VJ_ENGINE_NATIVE ? 1 : plan->n_samples);
    }
    estimate_cost(plan, out);
out:
    vj_map_fini(&s.contigs);
    for (size_t c = 0; c < s.where.n; c++)
        VJ_VEC_FINI(&s.where.ptr[c]);
    VJ_VEC_FINI(&s.where);
    return rc;
}
