#include "engine/engine.h"

const char *vj_reason_name(vj_reason reason)
{
    static const char *const names[] = {
        [VJ_REASON_MATCHED] = "matched",           [VJ_REASON_CONTIG_ABSENT] = "contig_absent",
        [VJ_REASON_NOT_MATCHABLE] = "not_matchable", [VJ_REASON_NO_POSITION] = "no_position",
        [VJ_REASON_REF_DIFFERS] = "ref_differs",   [VJ_REASON_ALT_DIFFERS] = "alt_differs",
    };

    return names[reason];
}

void vj_ledger_init(vj_ledger *ledger, vj_budget *budget)
{
    *ledger = (vj_ledger){0};
    vj_map_init(&ledger->contig_index, budget);
    ledger->contigs.budget = budget;
}

void vj_ledger_fini(vj_ledger *ledger)
{
    vj_map_fini(&ledger->contig_index);
    VJ_VEC_FINI(&ledger->contigs);
}

vj_status vj_ledger_add(vj_ledger *ledger, vj_span contig, vj_reason reason, int64_t n,
                        bool in_database, vj_error *err)
{
    int64_t i = vj_map_find(&ledger->contig_index, contig);

    if (i < 0) {
        vj_ledger_contig fresh = {0};

        VJ_TRY(vj_map_put(&ledger->contig_index, contig, 0, &i, NULL, err));
        VJ_TRY(VJ_VEC_PUSH(&ledger->contigs, fresh, err));
    }
    ledger->n[reason] += n;
    ledger->contigs.ptr[i].n[reason] += n;
    ledger->contigs.ptr[i].in_database |= in_database;
    return VJ_OK;
}
