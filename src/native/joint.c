#include "native/joint.h"

void vj_joint_init(vj_joint *joint, vj_budget *budget)
{
    *joint = (vj_joint){0};
    joint->list.keys.budget = joint->list.contig_names.budget =
        joint->list.contig_lengths.budget = joint->codes.budget = budget;
    vj_map_init(&joint->contigs, budget);
}

void vj_joint_fini(vj_joint *joint)
{
    VJ_VEC_FINI(&joint->list.keys);
    VJ_VEC_FINI(&joint->list.contig_names);
    VJ_VEC_FINI(&joint->list.contig_lengths);
    VJ_VEC_FINI(&joint->codes);
    vj_map_fini(&joint->contigs);
}

void vj_joint_reset(vj_joint *joint)
{
    vj_budget *budget = joint->codes.budget;

    VJ_VEC_RESET(&joint->list.keys);
    VJ_VEC_RESET(&joint->list.contig_names);
    VJ_VEC_RESET(&joint->list.contig_lengths);
    vj_map_fini(&joint->contigs);
    vj_map_init(&joint->contigs, budget);
}

/*
 * Spellings and lengths that give one canonical name are one contig to the databases; the first
 * part's stand for all, since name and length are only ever used to make that name again.
 */
static vj_status code_of(vj_joint *joint, const vj_key_list *part, int32_t contig, int32_t *out,
                         vj_error *err)
{
    char name[VJ_CONTIG_BYTES];
    vj_span shown = part->contig_names.ptr[contig];
    int64_t length = part->contig_lengths.ptr[contig];
    int64_t i = 0;
    bool is_new = false;

    VJ_TRY(vj_map_put(&joint->contigs, vj_contig_canonical(shown, length, name), 0, &i, &is_new,
                      err));
    if (is_new) {
        VJ_TRY(VJ_VEC_PUSH(&joint->list.contig_names, shown, err));
        VJ_TRY(VJ_VEC_PUSH(&joint->list.contig_lengths, length, err));
    }
    *out = (int32_t)i;
    return VJ_OK;
}

vj_status vj_joint_add(vj_joint *joint, const vj_key_list *part, int32_t *out_first, vj_error *err)
{
    size_t n_contigs = part->contig_names.n;

    if (joint->list.keys.n + part->keys.n > INT32_MAX / 2)
        return vj_fail(err, VJ_E_NOMEM, "over a billion alleles in one batch; use fewer rows per "
                       "batch (--batch-rows)");
    *out_first = (int32_t)joint->list.keys.n;
    VJ_VEC_RESET(&joint->codes);
    VJ_TRY(VJ_VEC_RESERVE(&joint->codes, n_contigs, err));
    if (n_contigs > 0)
        memset(joint->codes.ptr, -1, n_contigs * sizeof *joint->codes.ptr);
    VJ_TRY(VJ_VEC_RESERVE(&joint->list.keys, part->keys.n, err));
    for (size_t k = 0; k < part->keys.n; k++) {
        vj_key key = part->keys.ptr[k];
        int32_t *code = &joint->codes.ptr[key.contig];

        if (*code < 0)
            VJ_TRY(code_of(joint, part, key.contig, code, err));
        key.contig = *code;
        joint->list.keys.ptr[joint->list.keys.n++] = key;
    }
    return VJ_OK;
}
