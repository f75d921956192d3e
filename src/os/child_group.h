/* child_group.h - private to os: a memory cgroup for one child process (v1 or v2). */
#ifndef VJ_OS_CHILD_GROUP_H
#define VJ_OS_CHILD_GROUP_H

#include "base/base.h"

typedef struct vj_child_group {
    char dir[512]; /* "" when there is none */
    char procs[544];
    bool v2;
} vj_child_group;

/* Make a group with that limit below our own; false (and none) where that is not allowed. */
bool vj_child_group_make(vj_child_group *group, int64_t limit_bytes);
/* Whether the kernel killed in it for want of memory. */
bool vj_child_group_killed(const vj_child_group *group);
/* The most memory that the kernel charged it with, page cache and all; 0: not known. */
int64_t vj_child_group_peak(const vj_child_group *group);
/* Remove it; its processes must have ended. */
void vj_child_group_remove(vj_child_group *group);

#endif
