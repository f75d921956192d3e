/* sim_sites.c - sites of a made-up genome: positions, alleles, frequencies. */
#include "simulate/sim_parts.h"

#include <math.h>

/*
 * Frequencies of Ensembl's set: 1 % of the rows are above 1 %, 2.4 % above 0.1 %, and most were
 * seen once or twice; a person carries 0.45 % of the rows. Three laws that meet at 1 and 0.1 %:
 *
 *   share above f = 0.010 * (1 - f^0.2) / (1 - 0.01^0.2)     for f > 0.01
 *                 = 0.010 * (f / 0.01)^-0.38                 for f > 0.001
 *                 = 0.024 * (f / 0.001)^-0.81                below
 */
double vj_sim_frequency(double u)
{
    if (u < 0.010) {
        double root = 1 - u / 0.010 * (1 - 0.39811);

        return root * root * root * root * root;
    }
    return u < 0.024 ? 0.01 * pow(u / 0.010, -1 / 0.38) : 0.001 * pow(u / 0.024, -1 / 0.81);
}

/* Nobody sees the exact frequency of a rare variant: spare most rows the two pow calls. */
static double draw_frequency(vj_sim_rng *rng)
{
    double u = vj_sim_real(rng);

    return u > 0.1 ? 1e-5 : vj_sim_frequency(u);
}

char vj_sim_base(const vj_sim_walk *walk, int64_t pos1)
{
    return "ACGT"[vj_mix64(walk->genome, (uint64_t)pos1) >> 62];
}

/* First position behind the telomere's run of N, as in GRCh38. */
#define FIRST_POS1 10001

void vj_sim_walk_init(vj_sim_walk *walk, const vj_sim_plan *plan, int32_t contig_i,
                      int32_t segment_i)
{
    const vj_sim_contig *contig = &plan->contigs[contig_i];
    uint64_t key = vj_mix64(plan->options.seed, (uint64_t)contig->ordinal + 1);
    int64_t row0 = (int64_t)segment_i * VJ_SIM_SEGMENT_ROWS;
    int64_t rows = VJ_MIN(contig->n_rows - row0, VJ_SIM_SEGMENT_ROWS);
    int64_t first1 = contig->length > 1000000 ? FIRST_POS1 : 1;

    *walk = (vj_sim_walk){
        .contig = contig,
        .rng = {vj_mix64(key, (uint64_t)segment_i + 1)},
        .genome = key,
        .beg1 = first1 + (int64_t)((double)row0 * contig->spacing),
        .end1 = first1 + (int64_t)((double)(row0 + rows) * contig->spacing),
        .rows_left = rows,
        .joined = plan->options.joined_alts != 0,
    };
    walk->last1 = walk->beg1 - 1;
}

/* Mean rows a site gives when each ALT has its own: 1, 2, 3 ALTs at 88, 9, 3 %. */
#define ROWS_PER_SITE 1.15

/* Distance to the next site: exponential around what the rest of the segment needs. */
static int64_t draw_gap(vj_sim_walk *walk)
{
    double sites = (double)walk->rows_left / (walk->joined ? 1.0 : ROWS_PER_SITE);
    int64_t room = walk->end1 - 1 - walk->last1;
    double mean = (double)room / (sites + 1);
    int64_t gap = 1 + (mean > 1 ? (int64_t)(-log(vj_sim_real(&walk->rng)) * (mean - 0.5)) : 0);

    /* The rows that are left need a place each; the last site may lie anywhere before the end. */
    return VJ_MAX(1, VJ_MIN(gap, room - walk->rows_left));
}

static int32_t draw_length(vj_sim_rng *rng)
{
    int32_t n = 1;

    while (n < 24 && vj_sim_below(rng, 100) < 55)
        n++;
    return n;
}

static char other_base(vj_sim_rng *rng, char base)
{
    const char *at = strchr("ACGTACGT", base);

    return at[1 + vj_sim_below(rng, 3)];
}

static vj_sim_class draw_class(vj_sim_rng *rng)
{
    int64_t n = vj_sim_below(rng, 1000);

    return n < 880   ? VJ_SIM_SNV
           : n < 925 ? VJ_SIM_DELETION
           : n < 955 ? VJ_SIM_INSERTION
           : n < 965 ? VJ_SIM_INDEL
                     : VJ_SIM_ALTERATION;
}

static void alt_of_ref(vj_sim_site *site, int32_t alt_i, int32_t len)
{
    memcpy(site->alts[alt_i].text, site->ref, (size_t)len);
    site->alts[alt_i].len = len;
}

static void append_bases(vj_sim_alt *alt, vj_sim_rng *rng, int32_t n)
{
    for (int32_t i = 0; i < n && alt->len < VJ_SIM_ALLELE_BYTES - 1; i++)
        alt->text[alt->len++] = "ACGT"[vj_sim_next(rng) >> 62];
}

static void draw_snv(vj_sim_rng *rng, vj_sim_site *site)
{
    char base = other_base(rng, site->ref[0]);

    for (int32_t i = 0; i < site->n_alts; i++) {
        site->alts[i].text[0] = base;
        site->alts[i].len = 1;
        do
            base = "ACGT"[(strchr("ACGT", base) - "ACGT" + 1) & 3];
        while (base == site->ref[0]);
    }
}

/* Another first base before the rest of REF: the SNV of a site that has a deletion too. */
static void snv_of_ref(vj_sim_rng *rng, vj_sim_site *site, int32_t alt_i)
{
    char base = alt_i == 1 ? other_base(rng, site->ref[0]) : site->alts[alt_i - 1].text[0];

    while (alt_i > 1 && (base == site->ref[0] || base == site->alts[alt_i - 1].text[0]))
        base = "ACGT"[(strchr("ACGT", base) - "ACGT" + 1) & 3];
    alt_of_ref(site, alt_i, site->ref_len);
    site->alts[alt_i].text[0] = base;
}

/*
 * REF gets longer for what is deleted. ALT 2 and 3 of a deletion are SNVs of its first base: all
 * ALTs keep the site's position when the shared end is cut, so split rows stay sorted.
 */
static void draw_length_change(vj_sim_walk *walk, vj_sim_site *site)
{
    vj_sim_rng *rng = &walk->rng;
    int32_t n = draw_length(rng);
    bool deletes = site->class != VJ_SIM_INSERTION;

    for (int32_t i = 1; deletes && i <= n; i++)
        site->ref[site->ref_len++] = vj_sim_base(walk, site->pos1 + i);
    site->n_alts = deletes ? site->n_alts : 1;
    alt_of_ref(site, 0, 1);
    for (int32_t i = 1; i < site->n_alts; i++)
        snv_of_ref(rng, site, i);
    if (site->class == VJ_SIM_DELETION)
        return;
    if (site->class == VJ_SIM_INSERTION) {
        append_bases(&site->alts[0], rng, n);
        return;
    }
    site->n_alts = 1; /* a deletion with an insertion: another last base than REF's */
    site->alts[0].len = 0;
    append_bases(&site->alts[0], rng, draw_length(rng));
    append_bases(&site->alts[0], rng, 1);
    char *last = &site->alts[0].text[site->alts[0].len - 1];
    *last = other_base(rng, site->ref[site->ref_len - 1]);
}

static void draw_alleles(vj_sim_walk *walk, vj_sim_site *site)
{
    int64_t n = vj_sim_below(&walk->rng, 100);

    site->n_alts = n < 88 ? 1 : n < 97 ? 2 : 3;
    site->class = draw_class(&walk->rng);
    site->ref[0] = vj_sim_base(walk, site->pos1);
    site->ref_len = 1;
    if (site->class == VJ_SIM_SNV)
        draw_snv(&walk->rng, site);
    else
        draw_length_change(walk, site);
    if (!walk->joined)
        site->n_alts = (int32_t)VJ_MIN(site->n_alts, walk->rows_left);
    for (int32_t i = 0; i < site->n_alts; i++)
        site->alts[i].frequency = draw_frequency(&walk->rng);
}

bool vj_sim_walk_next(vj_sim_walk *walk, vj_sim_site *site, int64_t *out_rows)
{
    if (walk->rows_left <= 0)
        return false;
    walk->last1 += draw_gap(walk);
    site->pos1 = walk->last1;
    draw_alleles(walk, site);
    *out_rows = walk->joined ? 1 : site->n_alts;
    walk->rows_left -= *out_rows;
    site->flags = vj_sim_next(&walk->rng);
    site->repeated = walk->rows_left >= *out_rows && (site->flags & 1023) == 0;
    if (site->repeated) {
        walk->rows_left -= *out_rows;
        *out_rows *= 2;
    }
    /* Well-known variants have the old, short numbers. */
    site->rsid = site->alts[0].frequency > 0.001 ? 1000 + vj_sim_below(&walk->rng, 200000000)
                                                 : 200000000 + vj_sim_below(&walk->rng, 2000000000);
    return true;
}

void vj_sim_cut_suffix(const vj_sim_site *site, int32_t alt_i, int32_t *ref_len,
                       int32_t *alt_len)
{
    const vj_sim_alt *alt = &site->alts[alt_i];

    *ref_len = site->ref_len;
    *alt_len = alt->len;
    while (*ref_len > 1 && *alt_len > 1 && site->ref[*ref_len - 1] == alt->text[*alt_len - 1]) {
        --*ref_len;
        --*alt_len;
    }
}
