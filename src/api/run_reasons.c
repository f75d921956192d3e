#include "api/run_external.h"

/*
 * The report of a join that another program made: its rows' fates (one byte a row) become counts
 * of alleles by contig and reason, as the native engine counts them.
 */
typedef struct fate_count {
    const vj_external *ext;
    int32_t db_i;
    vj_report_db *report;
    int64_t n[VJ_REASON_COUNT]; /* of the contig at hand */
    bool contig_known;
    bool record_counted; /* a matched allele of this record was met */
} fate_count;

static vj_reason reason_of(const fate_count *c, uint8_t flags, uint8_t fate)
{
    static const vj_reason by_fate[] = {VJ_REASON_NO_POSITION, VJ_REASON_REF_DIFFERS,
                                        VJ_REASON_ALT_DIFFERS, VJ_REASON_MATCHED};

    if (!c->contig_known)
        return VJ_REASON_CONTIG_ABSENT;
    if ((flags & VJ_KEYED_MATCHABLE) == 0)
        return VJ_REASON_NOT_MATCHABLE;
    return by_fate[fate & VJ_FATE_LEVELS];
}

static vj_status close_contig(fate_count *c, const char *shown, vj_error *err)
{
    for (int r = 0; r < VJ_REASON_COUNT; r++) {
        if (c->n[r] > 0)
            VJ_TRY(vj_report_count(c->ext->result->report, c->report, shown, (vj_reason)r, c->n[r],
                                   err));
        c->n[r] = 0;
    }
    return VJ_OK;
}

static void count_rows(fate_count *c, int64_t beg, int64_t end, const uint8_t *fates)
{
    const uint8_t *flags = c->ext->keyed.row_flags.ptr;

    for (int64_t i = beg; i < end; i++) {
        if (flags[i] & VJ_KEYED_NEW_RECORD)
            c->record_counted = false;
        if ((flags[i] & VJ_KEYED_NEW_ALLELE) == 0)
            continue;
        vj_reason reason = reason_of(c, flags[i], fates[i]);
        c->n[reason]++;
        c->report->duplicate_keys += (fates[i] & VJ_FATE_SEVERAL) != 0;
        if (reason == VJ_REASON_MATCHED && !c->record_counted) {
            c->report->matched_records++;
            c->record_counted = true;
        }
    }
}

vj_status vj_external_note_fates(const vj_external *ext, int32_t db_i, const uint8_t *fates,
                                 vj_error *err)
{
    const vj_keyed *keyed = &ext->keyed;
    fate_count c = {.ext = ext, .db_i = db_i, .report = ext->result->dbs[db_i]};

    for (size_t r = 0; r < keyed->runs.n; r++) {
        const vj_keyed_run *run = &keyed->runs.ptr[r];
        bool last = r + 1 == keyed->runs.n;
        int64_t end = last ? (int64_t)keyed->row_flags.n : keyed->runs.ptr[r + 1].first_row;

        /* other join columns may do without the contig */
        c.contig_known = !ext->plan->join_parts.contig ||
                         vj_map_find(&ext->plan->dbs[db_i]->contigs.by_name,
                                     keyed->contigs.keys[run->fact_i]) >= 0;
        count_rows(&c, run->first_row, end, fates);
        VJ_TRY(close_contig(&c, keyed->facts.ptr[run->fact_i].shown, err));
    }
    return VJ_OK;
}
