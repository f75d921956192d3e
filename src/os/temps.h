/*
 * temps.h - private to os: files and folders under temporary names, until they get their own.
 *
 * A temporary belongs to a living process as long as somebody holds a lock (flock) on it; the
 * system drops the lock with the process, however that ends. So whoever finds one without a
 * lock may remove it, and a process number that means another process in another container or
 * after a restart misleads nobody.
 *
 *   .NAME.vj-BOOT-PID-N.tmp    beside NAME            vj_temp_file, vj_temp_folder
 *   PREFIX-BOOT-PID-XXXXXX     in a folder for such   vj_temp_private
 *
 * BOOT names this start of this machine. What another one left, on a shared disk where locks may
 * not reach us, or on a disk without locks, goes when nobody has written to it for a day.
 *
 * threads: all functions from any thread; the list of this process's temporaries has a lock
 * tests:   unit/test_temps.c, cli/test_kill.py
 */
#ifndef VJ_OS_TEMPS_H
#define VJ_OS_TEMPS_H

#include "base/base.h"

typedef struct vj_temp vj_temp;

/* Remove what ended runs left for this name, then make one. *out_fd is open for writing and the
 * caller's to close. VJ_E_OUTPUT names `shown`. */
VJ_MUST_CHECK vj_status vj_temp_file(const char *dir, const char *base, const char *shown,
                                     int *out_fd, vj_temp **out, vj_error *err);
VJ_MUST_CHECK vj_status vj_temp_folder(const char *dir, const char *base, const char *shown,
                                       vj_temp **out, vj_error *err);
/* A folder that only this user may enter. */
VJ_MUST_CHECK vj_status vj_temp_private(const char *dir, const char *prefix, vj_temp **out,
                                        vj_error *err);
const char *vj_temp_path(const vj_temp *temp);
/* The temporary of this process at that path, or NULL. */
vj_temp *vj_temp_find(const char *path);
/* Give it its name, in one step with leaving the list; errno on false, and then it stays. */
bool vj_temp_rename(vj_temp *temp, const char *to);
/* Remove what is at its path and forget it. NULL allowed. */
void vj_temp_remove(vj_temp *temp);

/* Remove a folder, what is in it, and two levels of folders below. */
void vj_remove_tree(const char *path, int depth);

#endif
