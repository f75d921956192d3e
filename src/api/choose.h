/*
 * choose.h - private to api: which engine takes a job (SPEC section 6, docs/which-engine.md).
 */
#ifndef VJ_API_CHOOSE_H
#define VJ_API_CHOOSE_H

#include "engine/engine.h"

/*
 * Set plan->engine and plan->reason. What was asked for is taken or refused with the reason; auto
 * takes native wherever it applies, except for an unsorted database that it would have to read
 * many times.
 */
VJ_MUST_CHECK vj_status vj_choose_engine(vj_plan *plan, vj_error *err);

#endif
