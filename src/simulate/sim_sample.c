/* sim_sample.c - people of the made-up population, as a VCF in DeepVariant's manner. */
#include "simulate/sim_parts.h"

#include <math.h>
#include <stdio.h>

#include "engine/engine.h"
#include "hts/hts.h"

/* Indels are 12 % of the database's rows and 18 % of a person's variants. */
#define INDEL_BOOST 3.0
/* Of records at sites with several ALTs, so many carry two of them: 2 % of all records then do. */
#define SECOND_ALT_PER_MILLE 110
#define MEAN_BLOCK_BASES 60
#define MAX_SAMPLES 4096

/* Records of one segment; several are made side by side and written in order. */
typedef struct sampler {
    const vj_simulate_options *options;
    int32_t contig_i, segment_i;
    vj_sim_rng rng;
    double carry_factor; /* how much likelier than by frequency alone */
    double private_rate; /* per site */
    vj_buf text;
    vj_vcf_out_counts counts;
    int64_t covered1; /* gVCF: last position that a record or block has answered for */
    int64_t n_rows;   /* of the database, in this segment */
    int64_t n_records, n_private_records, n_blocks;
} sampler;

/* The whole file. */
typedef struct sample_file {
    vj_sim_run *run;
    vj_vcf_writer *writer;
    double carry_factor, private_rate;
    int32_t next_contig_i, next_segment_i;
    int64_t covered1; /* gVCF: where the segment before ended; one worker then */
} sample_file;

/* One record about to be written: the alleles that somebody carries. */
typedef struct carried {
    int64_t pos1;
    const char *ref;
    int32_t ref_len;
    int32_t n_alts;
    const char *alts[VJ_SIM_MAX_ALTS];
    int32_t alt_lens[VJ_SIM_MAX_ALTS];
    double share[VJ_SIM_MAX_ALTS]; /* chance that a person carries it */
    double frequency[VJ_SIM_MAX_ALTS];
} carried;

/* ---- how often ---- */

/* Chance that one person has at least one copy. */
static double carry_share(double factor, double frequency, bool is_snv)
{
    double p = factor * frequency * (2 - frequency) * (is_snv ? 1.0 : INDEL_BOOST);

    return p > 1 ? 1 : p;
}

static double anyone(double share, int32_t n_samples)
{
    return n_samples == 1 ? share : 1 - pow(1 - share, n_samples);
}

/* Records to be expected with this factor, by strata of the frequency distribution. */
static double expected_records(const vj_simulate_options *o, double factor, double n_alleles)
{
    const double step = 0.002; /* of ln u, from 1 down to 1e-9 */
    double sum = 0;

    for (double x = 0; x < 20.7; x += step) {
        double u = exp(-x - step / 2), weight = exp(-x) - exp(-x - step);
        double f = u > 0.1 ? 1e-5 : vj_sim_frequency(u);

        sum += weight * (0.89 * anyone(carry_share(factor, f, true), o->n_samples) +
                         0.11 * anyone(carry_share(factor, f, false), o->n_samples));
    }
    return sum * n_alleles;
}

/* The factor that gives the wished number of records; bisection, since more is more. */
static double solve_factor(const vj_simulate_options *o, double wished, double n_alleles)
{
    double low = 0, high = 1e6;

    if (expected_records(o, high, n_alleles) <= wished)
        return high; /* even everybody carrying everything is not enough */
    for (int i = 0; i < 80; i++) {
        double factor = (low + high) / 2;

        if (expected_records(o, factor, n_alleles) > wished)
            high = factor;
        else
            low = factor;
    }
    return (low + high) / 2;
}

/* ---- text of a record ---- */

static vj_status put_numbers(vj_buf *text, const int64_t *values, int32_t n, vj_error *err)
{
    for (int32_t i = 0; i < n; i++) {
        char digits[1 + VJ_NUM_TEXT_BYTES] = ",";
        size_t len = vj_format_i64(digits + 1, values[i]);

        VJ_TRY(vj_buf_append(text, digits + (i == 0), len + (i != 0), err));
    }
    return VJ_OK;
}

/* Reads per allele: the depth shared among the alleles that are there. */
static void draw_depths(sampler *s, const int32_t copies[2], int64_t depth, int64_t *reads,
                        int32_t n_alleles)
{
    int64_t first = copies[0] == copies[1]
                        ? depth
                        : depth * (380 + vj_sim_below(&s->rng, 240)) / 1000;

    for (int32_t i = 0; i < n_alleles; i++)
        reads[i] = 0;
    reads[copies[0]] += first;
    reads[copies[1]] += depth - first;
}

/* GT:GQ:DP:AD:VAF:PL of one person; n_alleles counts REF and, in a gVCF, <*>. */
static vj_status put_person(sampler *s, const int32_t copies[2], int32_t n_alleles, vj_error *err)
{
    int64_t reads[VJ_SIM_MAX_ALTS + 2], likelihoods[15];
    int64_t depth = 18 + vj_sim_below(&s->rng, 14) + vj_sim_below(&s->rng, 14);
    int64_t quality = 20 + vj_sim_below(&s->rng, 40);
    int32_t n = 0;

    draw_depths(s, copies, depth, reads, n_alleles);
    VJ_TRY(vj_buf_printf(&s->text, err, "\t%d/%d:%d:%d:", copies[0], copies[1], (int)quality,
                         (int)depth));
    VJ_TRY(put_numbers(&s->text, reads, n_alleles, err));
    for (int32_t i = 1; i < n_alleles; i++)
        VJ_TRY(vj_buf_printf(&s->text, err, "%c%.6g", i == 1 ? ':' : ',',
                             (double)reads[i] / (double)depth));
    for (int32_t b = 0; b < n_alleles; b++)
        for (int32_t a = 0; a <= b; a++)
            likelihoods[n++] = a == copies[0] && b == copies[1]
                                   ? 0
                                   : quality + vj_sim_below(&s->rng, 12) * (1 + b - a);
    VJ_TRY(vj_buf_push(&s->text, ':', err));
    return put_numbers(&s->text, likelihoods, n, err);
}

/* Which two alleles a person has, by the chances of each; 0/0 when none. */
static void draw_copies(sampler *s, const carried *c, bool must, int32_t copies[2])
{
    int32_t found[2] = {0, 0}, n = 0;

    for (int32_t i = 0; i < c->n_alts && n < 2; i++)
        if (must || vj_sim_real(&s->rng) < c->share[i])
            found[n++] = i + 1;
    copies[0] = n == 2 ? found[0] : 0;
    copies[1] = n == 2 ? found[1] : found[0];
    if (n == 1) {
        double f = c->frequency[found[0] - 1];

        if (vj_sim_real(&s->rng) < f / (2 - f))
            copies[0] = found[0];
    }
}

/* Reference blocks of a gVCF from behind the last record up to end1. */
static vj_status put_blocks(sampler *s, const vj_sim_walk *walk, int64_t end1, vj_error *err)
{
    while (s->covered1 < end1) {
        int64_t beg1 = s->covered1 + 1;
        int64_t bases = 1 + (int64_t)(-log(vj_sim_real(&s->rng)) * MEAN_BLOCK_BASES);
        int64_t last1 = VJ_MIN(beg1 + bases - 1, end1);
        int quality = 20 + (int)vj_sim_below(&s->rng, 31);
        int depth = 10 + (int)vj_sim_below(&s->rng, 30);

        VJ_TRY(vj_buf_printf(&s->text, err,
                             "chr%s\t%lld\t.\t%c\t<*>\t0\t.\tEND=%lld\tGT:GQ:MIN_DP:PL"
                             "\t0/0:%d:%d:0,%d,%d\n",
                             walk->contig->name, (long long)beg1, vj_sim_base(walk, beg1),
                             (long long)last1, quality, depth, 3 * depth, 30 * depth));
        s->counts.n_records++;
        s->n_blocks++;
        s->covered1 = last1;
    }
    return VJ_OK;
}

static vj_status put_record(sampler *s, const vj_sim_walk *walk, const carried *c, vj_error *err)
{
    int32_t n_samples = s->options->n_samples;
    int32_t sure = (int32_t)vj_sim_below(&s->rng, n_samples); /* somebody carries it */
    bool gvcf = s->options->gvcf != 0;

    if (gvcf)
        VJ_TRY(put_blocks(s, walk, c->pos1 - 1, err));
    VJ_TRY(vj_buf_printf(&s->text, err, "chr%s\t%lld\t.\t%.*s\t", walk->contig->name,
                         (long long)c->pos1, c->ref_len, c->ref));
    for (int32_t i = 0; i < c->n_alts; i++)
        VJ_TRY(vj_buf_printf(&s->text, err, "%s%.*s", i == 0 ? "" : ",", c->alt_lens[i],
                             c->alts[i]));
    int64_t tenths = 100 + vj_sim_below(&s->rng, 600);
    VJ_TRY(vj_buf_printf(&s->text, err, "%s\t%d.%d\t%s\t.\tGT:GQ:DP:AD:VAF:PL",
                         gvcf ? ",<*>" : "", (int)(tenths / 10), (int)(tenths % 10),
                         tenths < 115 ? "LowQual" : "PASS"));
    for (int32_t i = 0; i < n_samples; i++) {
        int32_t copies[2];

        draw_copies(s, c, i == sure, copies);
        VJ_TRY(put_person(s, copies, c->n_alts + 1 + gvcf, err));
    }
    s->counts.n_records++;
    s->n_records++;
    s->covered1 = VJ_MAX(s->covered1, c->pos1 + c->ref_len - 1);
    return vj_buf_push(&s->text, '\n', err);
}

/* ---- which records ---- */

static void carry(carried *c, const sampler *s, const vj_sim_site *site, int32_t alt_i)
{
    const vj_sim_alt *alt = &site->alts[alt_i];
    int32_t i = c->n_alts++;

    c->alts[i] = alt->text;
    c->alt_lens[i] = alt->len;
    c->frequency[i] = alt->frequency;
    c->share[i] = carry_share(s->carry_factor, alt->frequency, site->class == VJ_SIM_SNV);
}

static vj_status sample_site(sampler *s, const vj_sim_walk *walk, const vj_sim_site *site,
                             vj_error *err)
{
    carried c = {.pos1 = site->pos1, .ref = site->ref, .ref_len = site->ref_len};
    int32_t first = -1;

    for (int32_t i = 0; i < site->n_alts; i++) {
        double share = carry_share(s->carry_factor, site->alts[i].frequency, site->class == VJ_SIM_SNV);

        if (vj_sim_real(&s->rng) >= anyone(share, s->options->n_samples))
            continue;
        first = first < 0 ? i : first;
        carry(&c, s, site, i);
    }
    if (c.n_alts == 0)
        return VJ_OK;
    if (c.n_alts == 1 && site->n_alts > 1 &&
        vj_sim_below(&s->rng, 1000) < SECOND_ALT_PER_MILLE)
        carry(&c, s, site, first == 0 ? 1 : 0);
    if (c.n_alts == 1)
        vj_sim_cut_suffix(site, first, &c.ref_len, &c.alt_lens[0]);
    return put_record(s, walk, &c, err);
}

/* A variant nobody knows: a base between two sites, or another ALT at a known site. */
static vj_status sample_private(sampler *s, const vj_sim_walk *walk, int64_t before1,
                                const vj_sim_site *site, bool *out_at_site, vj_error *err)
{
    int64_t gap = site->pos1 - before1 - 1;
    bool at_site = gap == 0 || vj_sim_below(&s->rng, 3) == 0;
    int64_t pos1 = at_site ? site->pos1 : before1 + 1 + vj_sim_below(&s->rng, gap);
    char ref = vj_sim_base(walk, pos1), alt;
    bool known;

    *out_at_site = at_site;
    if (at_site && (site->class != VJ_SIM_SNV || site->n_alts == VJ_SIM_MAX_ALTS))
        return VJ_OK;
    do {
        alt = "ACGT"[vj_sim_next(&s->rng) >> 62];
        known = alt == ref;
        for (int32_t i = 0; at_site && i < site->n_alts; i++)
            known = known || site->alts[i].text[0] == alt;
    } while (known);
    s->n_private_records++;
    return put_record(s, walk,
                      &(carried){.pos1 = pos1, .ref = &ref, .ref_len = 1, .n_alts = 1,
                                 .alts = {&alt}, .alt_lens = {1}, .frequency = {1e-5}},
                      err);
}

/* Every segment draws from numbers of its own, so that any thread can make any of them. */
static void start_segment(sampler *s, int64_t covered1)
{
    uint64_t person = vj_mix64(s->options->sample_seed, 0x5a3b1e5u);

    s->rng = (vj_sim_rng){vj_mix64(person, ((uint64_t)s->contig_i << 32) | (uint32_t)s->segment_i)};
    s->n_rows = s->n_records = s->n_private_records = s->n_blocks = 0;
    s->counts = (vj_vcf_out_counts){0};
    s->covered1 = covered1;
    vj_buf_reset(&s->text);
}

static vj_status sample_segment(sampler *s, const vj_sim_plan *plan, vj_error *err)
{
    vj_sim_walk walk;
    vj_sim_site site;
    int64_t n_rows, before1;

    vj_sim_walk_init(&walk, plan, s->contig_i, s->segment_i);
    before1 = walk.beg1 - 1;
    if (s->segment_i == 0)
        s->covered1 = before1;
    while (vj_sim_walk_next(&walk, &site, &n_rows)) {
        bool at_site = false;

        if (vj_sim_real(&s->rng) < s->private_rate)
            VJ_TRY(sample_private(s, &walk, before1, &site, &at_site, err));
        if (!at_site)
            VJ_TRY(sample_site(s, &walk, &site, err));
        before1 = site.pos1;
        s->n_rows += n_rows;
    }
    return s->options->gvcf ? put_blocks(s, &walk, before1, err) : VJ_OK;
}

/* ---- header ---- */

static const char *const fixed_lines[] = {
    "##fileformat=VCFv4.2",
    "##FILTER=<ID=PASS,Description=\"All filters passed\">",
    "##FILTER=<ID=LowQual,Description=\"Confidence in this variant is low\">",
    "##INFO=<ID=END,Number=1,Type=Integer,Description=\"Last position of the reference block\">",
    "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">",
    "##FORMAT=<ID=GQ,Number=1,Type=Integer,Description=\"Genotype quality\">",
    "##FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"Read depth\">",
    "##FORMAT=<ID=MIN_DP,Number=1,Type=Integer,Description=\"Least depth in the block\">",
    "##FORMAT=<ID=AD,Number=R,Type=Integer,Description=\"Read depth of each allele\">",
    "##FORMAT=<ID=VAF,Number=A,Type=Float,Description=\"Share of the reads that have the ALT\">",
    "##FORMAT=<ID=PL,Number=G,Type=Integer,Description=\"Genotype likelihoods, phred-scaled\">",
};

static vj_status make_header(const vj_sim_plan *plan, vj_arena *arena, vj_vcf_header *header,
                             vj_error *err)
{
    size_t n_fixed = VJ_COUNT(fixed_lines);
    size_t n_lines = n_fixed + (size_t)plan->n_contigs;
    const char **lines = vj_arena_alloc(arena, n_lines * sizeof *lines, err);
    size_t n_samples = (size_t)plan->options.n_samples;
    const char **samples = vj_arena_alloc(arena, n_samples * sizeof *samples, err);
    vj_vcf_contig *contigs =
        vj_arena_alloc(arena, (size_t)plan->n_contigs * sizeof *contigs, err);

    if (lines == NULL || samples == NULL || contigs == NULL)
        return VJ_E_NOMEM;
    memcpy(lines, fixed_lines, sizeof fixed_lines);
    for (int32_t i = 0; i < plan->n_contigs; i++) {
        char text[96];
        int n = snprintf(text, sizeof text, "##contig=<ID=chr%s,length=%lld>",
                         plan->contigs[i].name, (long long)plan->contigs[i].length);

        lines[n_fixed + (size_t)i] = vj_arena_strndup(arena, text, (size_t)n, err);
        contigs[i].name = vj_arena_strndup(arena, text + 13, strcspn(text + 13, ","), err);
        contigs[i].length = plan->contigs[i].length;
        if (lines[n_fixed + (size_t)i] == NULL || contigs[i].name == NULL)
            return VJ_E_NOMEM;
    }
    for (size_t i = 0; i < n_samples; i++) {
        char text[32];
        int n = snprintf(text, sizeof text, "sample%zu", i + 1);

        if ((samples[i] = vj_arena_strndup(arena, text, (size_t)n, err)) == NULL)
            return VJ_E_NOMEM;
    }
    *header = (vj_vcf_header){.version_minor = 2, .n_contigs = plan->n_contigs,
                              .contigs = contigs, .n_samples = (int32_t)n_samples,
                              .samples = samples, .lines = lines, .n_lines = (int32_t)n_lines};
    return VJ_OK;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

static vj_status open_writer(sample_file *f, vj_error *err)
{
    const vj_simulate_options *o = &f->run->plan->options;
    vj_budget *budget = (vj_budget *)&f->run->plan->budget;
    const char *path = o->sample_path;
    bool gz = ends_with(path, ".gz") || ends_with(path, ".bgz"), bcf = ends_with(path, ".bcf");
    vj_vcf_header header;
    vj_vcf_write_options how = {
        .kind = bcf ? VJ_OUT_BCF : gz ? VJ_OUT_VCF_GZ : VJ_OUT_VCF,
        .write_index = gz || bcf,
        .n_threads = o->n_threads,
        .header = &header,
    };
    vj_arena arena;
    vj_status rc;

    vj_arena_init(&arena, budget, 0);
    VJ_GO(rc, make_header(f->run->plan, &arena, &header, err));
    VJ_GO(rc, vj_vcf_writer_open(path, &how, budget, &f->writer, err));
out:
    vj_arena_fini(&arena);
    return rc;
}

/* ---- the whole file ---- */

static void batch_free(void *ctx, void *batch)
{
    sampler *s = batch;

    (void)ctx;
    if (s != NULL)
        vj_buf_fini(&s->text);
    vj_free(s);
}

static vj_status batch_new(void *ctx, void **out, vj_error *err)
{
    const sample_file *f = ctx;
    vj_budget *budget = (vj_budget *)&f->run->plan->budget;
    sampler *s = vj_zalloc(budget, sizeof *s, err);

    if (s == NULL)
        return VJ_E_NOMEM;
    s->options = &f->run->plan->options;
    s->carry_factor = f->carry_factor;
    s->private_rate = f->private_rate;
    vj_buf_init(&s->text, budget, 0);
    *out = s;
    return VJ_OK;
}

static vj_status next_segment(void *ctx, void *batch, bool *out_more, vj_error *err)
{
    sample_file *f = ctx;
    sampler *s = batch;
    const vj_sim_plan *plan = f->run->plan;

    (void)err;
    while (f->next_contig_i < plan->n_contigs &&
           f->next_segment_i >= plan->contigs[f->next_contig_i].n_segments) {
        f->next_contig_i++;
        f->next_segment_i = 0;
    }
    *out_more = f->next_contig_i < plan->n_contigs;
    s->contig_i = f->next_contig_i;
    s->segment_i = f->next_segment_i++;
    return VJ_OK;
}

static vj_status make_segment(void *ctx, void *worker, void *batch, vj_error *err)
{
    sample_file *f = ctx;
    sampler *s = batch;

    (void)worker;
    start_segment(s, f->covered1);
    VJ_TRY(sample_segment(s, f->run->plan, err));
    if (s->options->gvcf)
        f->covered1 = s->covered1;
    return VJ_OK;
}

static vj_status write_segment(void *ctx, void *batch, vj_error *err)
{
    sample_file *f = ctx;
    sampler *s = batch;
    vj_simulate_result *result = f->run->result;

    VJ_TRY(vj_vcf_writer_write(f->writer, vj_buf_span(&s->text), &s->counts, err));
    result->n_records += s->n_records;
    result->n_private_records += s->n_private_records;
    result->n_blocks += s->n_blocks;
    return vj_sim_advance(f->run, s->n_rows, err);
}

static void set_rates(sample_file *f)
{
    const vj_simulate_options *o = &f->run->plan->options;
    double rows = (double)o->n_rows, wished = (double)o->n_sample_variants;
    double sites = o->joined_alts ? rows : rows / 1.15;
    double alleles = o->joined_alts ? rows * 1.15 : rows;

    f->private_rate = VJ_MIN(1, wished * o->private_share / sites);
    f->carry_factor = solve_factor(o, wished * (1 - o->private_share), alleles);
}

vj_status vj_sim_write_sample(vj_sim_run *run, vj_error *err)
{
    const vj_simulate_options *o = &run->plan->options;
    sample_file f = {.run = run};
    const vj_pipeline_ops ops = {.ctx = &f, .batch_new = batch_new, .batch_free = batch_free,
                                 .read = next_segment, .work = make_segment,
                                 .commit = write_segment};
    /* Blocks of a gVCF follow each other without a gap, across segments too. */
    int workers = o->gvcf ? 1 : o->n_threads;
    vj_status rc;

    if (o->n_samples > MAX_SAMPLES)
        return vj_fail(err, VJ_E_USAGE, "%d samples are more than %d", o->n_samples, MAX_SAMPLES);
    if (o->gvcf && o->n_samples > 1)
        return vj_fail(err, VJ_E_USAGE, "a gVCF has one sample, not %d", o->n_samples);
    set_rates(&f);
    VJ_GO(rc, open_writer(&f, err));
    VJ_GO(rc, vj_pipeline_run(&ops, workers, workers + 1, NULL, err));
    VJ_GO(rc, vj_vcf_writer_finish(f.writer, err));
out:
    vj_vcf_writer_free(f.writer);
    return rc == VJ_OK ? rc : vj_wrap(err, rc, "simulating %s", o->sample_path);
}
