/*
 * sim_parts.h - parts of the simulator: sites of a made-up genome, the database, the sample.
 *
 * Private to simulate/. A contig is cut into segments; a segment's sites follow from (seed,
 * contig, segment) alone, so segments can be made in any order and by any thread, and the sample
 * meets the same sites as the database without reading it.
 *
 *   contig   |--- segment 0 ---|--- segment 1 ---| ...   each: its range of positions, its rows
 *   segment  site site site ...                          ascending positions
 *   site     REF, 1..3 ALTs with frequency and rsID      1..3 rows, or one with joined ALTs
 */
#ifndef VJ_SIMULATE_SIM_PARTS_H
#define VJ_SIMULATE_SIM_PARTS_H

#include "col/col.h"
#include "os/os.h"
#include "varjoin/simulate.h"

#define VJ_SIM_SEGMENT_ROWS 65536
#define VJ_SIM_ALLELE_BYTES 40
#define VJ_SIM_MAX_ALTS 3

/* splitmix64 */
typedef struct vj_sim_rng {
    uint64_t state;
} vj_sim_rng;
static inline uint64_t vj_sim_next(vj_sim_rng *rng)
{
    uint64_t z = (rng->state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
/* Uniform in (0, 1). */
static inline double vj_sim_real(vj_sim_rng *rng)
{
    return ((double)(vj_sim_next(rng) >> 12) + 0.5) * 0x1p-52;
}
static inline int64_t vj_sim_below(vj_sim_rng *rng, int64_t n)
{
    return (int64_t)(((__uint128_t)vj_sim_next(rng) * (uint64_t)n) >> 64);
}

typedef struct vj_sim_contig {
    const char *name; /* without chr; static */
    int64_t length;
    int32_t ordinal; /* in the karyotype */
    int64_t n_rows;
    int32_t n_segments;
    double spacing;
} vj_sim_contig;

typedef struct vj_sim_plan {
    vj_simulate_options options; /* defaults filled in */
    vj_sim_contig contigs[25];
    int32_t n_contigs;
    vj_budget budget;
} vj_sim_plan;

typedef enum vj_sim_class {
    VJ_SIM_SNV, VJ_SIM_INSERTION, VJ_SIM_DELETION, VJ_SIM_INDEL, VJ_SIM_ALTERATION
} vj_sim_class;

typedef struct vj_sim_alt {
    char text[VJ_SIM_ALLELE_BYTES];
    int32_t len;
    double frequency;
} vj_sim_alt;

typedef struct vj_sim_site {
    int64_t pos1;
    vj_sim_class class;
    char ref[VJ_SIM_ALLELE_BYTES];
    int32_t ref_len;
    int32_t n_alts;
    vj_sim_alt alts[VJ_SIM_MAX_ALTS];
    int64_t rsid;
    bool repeated;  /* the key comes once more, under another rsID */
    uint64_t flags; /* random bits for the evidence columns */
} vj_sim_site;

/* Sites of one segment, one after the other. */
typedef struct vj_sim_walk {
    const vj_sim_contig *contig;
    vj_sim_rng rng;
    uint64_t genome; /* key of the reference bases */
    int64_t beg1, end1;
    int64_t rows_left; /* rows the rest of the segment gives */
    int64_t last1;
    bool joined;
} vj_sim_walk;
void vj_sim_walk_init(vj_sim_walk *walk, const vj_sim_plan *plan, int32_t contig_i,
                      int32_t segment_i);
/* False at the end of the segment. *out_rows is how many database rows the site gives. */
bool vj_sim_walk_next(vj_sim_walk *walk, vj_sim_site *site, int64_t *out_rows);
/* Base of the made-up genome. */
char vj_sim_base(const vj_sim_walk *walk, int64_t pos1);
/* Length that REF and ALT keep when shared bases at the end are cut (one stays in each). */
void vj_sim_cut_suffix(const vj_sim_site *site, int32_t alt_i, int32_t *ref_len,
                       int32_t *alt_len);
/* Allele frequency at quantile u in (0,1) from the frequent end: a steep fall, see simulate.c. */
double vj_sim_frequency(double u);

/* How a database is stored that is built as it is written; immutable. */
typedef struct vj_sim_store vj_sim_store;
VJ_MUST_CHECK vj_status vj_sim_store_new(const vj_sim_plan *plan, vj_sim_store **out,
                                         vj_error *err);
void vj_sim_store_free(vj_sim_store *store);
/* view.sql of the database. */
VJ_MUST_CHECK vj_status vj_sim_store_view(const vj_sim_store *store, const vj_sim_plan *plan,
                                          vj_error *err);

/* Work shared by threads: what is done, and the first failure. */
typedef struct vj_sim_run {
    const vj_sim_plan *plan;
    vj_simulate_result *result;
    const vj_sim_store *store; /* NULL: files as other writers leave them */
    vj_lock lock;
    bool taken[25]; /* contigs */
    int64_t rows_done, rows_total;
    bool stopped;
    vj_status rc;
    vj_error *err;
} vj_sim_run;
/* Count rows and ask the caller whether to go on; VJ_E_CANCELLED. */
VJ_MUST_CHECK vj_status vj_sim_advance(vj_sim_run *run, int64_t n_rows, vj_error *err);

VJ_MUST_CHECK vj_status vj_sim_write_contig(vj_sim_run *run, int32_t contig_i, vj_error *err);
VJ_MUST_CHECK vj_status vj_sim_write_sample(vj_sim_run *run, vj_error *err);

#endif
