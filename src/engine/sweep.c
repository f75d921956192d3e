#include "engine/sweep.h"

/* A place in the order of contigs; rank -1: broken, before everything else. */
typedef struct place {
    int64_t rank, pos1;
} place;

/* What the next batch takes of one source. */
typedef struct strip {
    int64_t n_seen; /* rows looked at */
    int64_t n_take;
    place last; /* of those looked at */
} strip;

struct vj_sweep {
    const vj_plan *plan;
    vj_map ranks; /* canonical contig -> order: the headers', then as met */
    strip *strips;
};

/* ---- order of contigs ---- */

static vj_status rank_of(vj_sweep *sweep, vj_span contig, int64_t *out, vj_error *err)
{
    char name[VJ_CONTIG_BYTES];

    return vj_map_put(&sweep->ranks, vj_contig_canonical(contig, -1, name), 0, out, NULL, err);
}

static vj_status rank_header(vj_sweep *sweep, const vj_left_source *source, vj_error *err)
{
    const vj_vcf_reader *reader = vj_left_vcf(source);
    const vj_vcf_header *header = reader != NULL ? vj_vcf_header_view(reader) : NULL;
    int64_t rank = 0;

    for (int32_t i = 0; header != NULL && i < header->n_contigs; i++)
        VJ_TRY(rank_of(sweep, vj_span_of(header->contigs[i].name), &rank, err));
    return VJ_OK;
}

vj_status vj_sweep_new(const vj_plan *plan, vj_sweep **out, vj_error *err)
{
    vj_sweep *sweep = vj_zalloc(plan->budget, sizeof *sweep, err);
    vj_status rc = VJ_E_NOMEM;

    *out = NULL;
    if (sweep == NULL)
        return VJ_E_NOMEM;
    sweep->plan = plan;
    vj_map_init(&sweep->ranks, plan->budget);
    sweep->strips = vj_calloc(plan->budget, (size_t)plan->n_samples, sizeof *sweep->strips, err);
    if (sweep->strips == NULL)
        goto out;
    for (int32_t i = 0; plan->n_samples > 1 && i < plan->n_samples; i++)
        VJ_GO(rc, rank_header(sweep, plan->samples[i]->source, err));
    rc = VJ_OK;
    *out = sweep;
    sweep = NULL;
out:
    vj_sweep_free(sweep);
    return rc;
}

void vj_sweep_free(vj_sweep *sweep)
{
    if (sweep == NULL)
        return;
    vj_map_fini(&sweep->ranks);
    vj_free(sweep->strips);
    vj_free(sweep);
}

/* ---- where a batch ends ---- */

static vj_status place_of(vj_sweep *sweep, const vj_left_source *source, int64_t i, place *out,
                          vj_error *err)
{
    vj_span contig = {NULL, 0};

    vj_left_place(source, i, &contig, &out->pos1);
    out->rank = -1;
    if (contig.len_bytes == 0 || out->pos1 < 0)
        return VJ_OK;
    return rank_of(sweep, contig, &out->rank, err);
}

static bool is_behind(place a, place b)
{
    return a.rank != b.rank ? a.rank > b.rank : a.pos1 > b.pos1;
}

/* Of the rows looked at, those up to `end`; by halves, which sorted rows allow. */
static vj_status cut_strip(vj_sweep *sweep, const vj_left_source *source, strip *s, place end,
                           vj_error *err)
{
    int64_t lo = 0;
    int64_t hi = s->n_seen;

    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        place at;

        VJ_TRY(place_of(sweep, source, mid, &at, err));
        if (is_behind(at, end))
            hi = mid;
        else
            lo = mid + 1;
    }
    s->n_take = lo;
    return VJ_OK;
}

vj_status vj_sweep_next(vj_sweep *sweep, bool *out_again, vj_error *err)
{
    const vj_plan *plan = sweep->plan;
    int32_t first = -1; /* whose rows end first: it gives all of them, so that there is progress */

    *out_again = false;
    if (plan->n_samples == 1)
        return VJ_OK;
    for (int32_t i = 0; i < plan->n_samples; i++) {
        vj_left_source *source = plan->samples[i]->source;
        strip *s = &sweep->strips[i];

        VJ_TRY(vj_left_peek(source, plan->rows_per_batch, &s->n_seen, err));
        s->n_take = 0;
        if (s->n_seen == 0)
            continue;
        VJ_TRY(place_of(sweep, source, s->n_seen - 1, &s->last, err));
        if (first < 0 || is_behind(sweep->strips[first].last, s->last))
            first = i;
    }
    *out_again = first >= 0;
    for (int32_t i = 0; first >= 0 && i < plan->n_samples; i++) {
        strip *s = &sweep->strips[i];

        if (i == first)
            s->n_take = s->n_seen;
        else if (s->n_seen > 0)
            VJ_TRY(cut_strip(sweep, plan->samples[i]->source, s, sweep->strips[first].last, err));
    }
    return VJ_OK;
}

vj_status vj_sweep_take(vj_sweep *sweep, int32_t sample_i, vj_left *left, bool *out_has_rows,
                        vj_error *err)
{
    const vj_plan *plan = sweep->plan;
    vj_left_source *source = plan->samples[sample_i]->source;

    *out_has_rows = false;
    if (plan->n_samples == 1)
        return vj_left_read_raw(source, plan->rows_per_batch, left, out_has_rows, err);
    if (sweep->strips[sample_i].n_take == 0)
        return VJ_OK;
    return vj_left_take(source, sweep->strips[sample_i].n_take, left, out_has_rows, err);
}

/* ---- progress ---- */

int64_t vj_sweep_bytes_done(const vj_plan *plan)
{
    int64_t sum = 0;

    for (int32_t i = 0; i < plan->n_samples; i++)
        sum += vj_left_bytes_done(plan->samples[i]->source);
    return sum;
}

int64_t vj_sweep_bytes_total(const vj_plan *plan)
{
    int64_t sum = 0;

    for (int32_t i = 0; i < plan->n_samples; i++) {
        int64_t bytes = vj_left_bytes_total(plan->samples[i]->source);

        if (bytes < 0)
            return -1;
        sum += bytes;
    }
    return sum;
}
