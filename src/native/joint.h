/*
 * joint.h - private to native: the keys of several inputs as one list, so that a database is
 * asked once for all of them.
 *
 *   part 0: k0 k1 k2 | part 1: k3 k4 | ...      contigs by canonical name, one code for all parts
 *
 * owns:    alleles are the parts' own: they must stay as they are while the list is used
 */
#ifndef VJ_NATIVE_JOINT_H
#define VJ_NATIVE_JOINT_H

#include "engine/engine.h"

typedef struct vj_joint {
    vj_key_list list;
    vj_map contigs;         /* canonical name -> index into the list's contigs */
    VJ_VEC(int32_t) codes;  /* of the part being added: its contig -> ours, -1: not met yet */
} vj_joint;

/* Empty; _fini is valid on zeroed storage. */
void vj_joint_init(vj_joint *joint, vj_budget *budget);
void vj_joint_fini(vj_joint *joint);
void vj_joint_reset(vj_joint *joint);
/* Append the keys of a part; the first of them is number *out_first. */
VJ_MUST_CHECK vj_status vj_joint_add(vj_joint *joint, const vj_key_list *part, int32_t *out_first,
                                     vj_error *err);

#endif
