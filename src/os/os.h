/*
 * os.h - the one door to the operating system: files, atomic output, threads, stop flag, clock.
 *
 * relies:  base; POSIX
 * not:     formats, or what the bytes mean
 * also:    os/host.h (machine facts), os/usage.h (what a process used), os/child.h (child
 *          processes), os/appender.h (lines for a reader) are parts of this header
 * tests:   unit/test_os.c, fault/ (read and write sweeps)
 */
#ifndef VJ_OS_OS_H
#define VJ_OS_OS_H

#include <pthread.h>

#include "base/base.h"

/* ---- reading ---- */

/*
 * Random-access bytes: a file, or memory (tests, fuzzers). Immutable after open; safe to
 * read from several threads at once.
 */
typedef struct vj_source vj_source;

/* Open a regular file. VJ_E_NOTFOUND, VJ_E_IO (text: path and system message). */
VJ_MUST_CHECK vj_status vj_source_open(const char *path, vj_source **out, vj_error *err);
/* Borrow memory under a name for messages; it must outlive the source. */
VJ_MUST_CHECK vj_status vj_source_memory(const char *name, const void *ptr, size_t len_bytes,
                                         vj_source **out, vj_error *err);
void vj_source_free(vj_source *source);
const char *vj_source_name(const vj_source *source);
int64_t vj_source_size(const vj_source *source);
/* Last modification in ns since the epoch; 0 for memory. */
int64_t vj_source_mtime_ns(const vj_source *source);
/*
 * Read exactly len bytes at off. VJ_E_CORRUPT when the range is not inside the source (with
 * both), VJ_E_IO when the system fails. Short reads and EINTR are continued.
 */
VJ_MUST_CHECK vj_status vj_source_read(const vj_source *source, int64_t off, void *dst,
                                       size_t len_bytes, vj_error *err);
/*
 * The bytes at off where they lie, without a copy: memory, or the file as mapped into this
 * process, brought in beforehand. NULL where that cannot be had (then vj_source_read tells why,
 * or works): a range outside, no such map, an address space limit, a damaged disk. The address
 * stays good until the source is freed.
 *
 * Files are lent only after vj_source_map_files(true): one that somebody cuts short while it is
 * mapped raises SIGBUS, so the process must have a handler for it (docs/decisions/021).
 */
const uint8_t *vj_source_borrow(const vj_source *source, int64_t off, size_t len_bytes);
/* Whether files opened from now on are mapped; off at the start. */
void vj_source_map_files(bool on);
/* Name of the mapped file that an address belongs to, or NULL; for a handler of SIGBUS. */
const char *vj_source_mapped_at(const void *address);
/*
 * The file will be borrowed in small pieces: the system brings in what is asked for and nothing
 * around it. For the whole source and all its users, before several threads know it.
 */
void vj_source_scattered(vj_source *source);
/* Whether a range lies in memory already; true where that cannot be told. Cost: about 5 us a MB. */
bool vj_source_is_cached(const vj_source *source, int64_t off, int64_t len_bytes);
/* Begin to bring a range into memory and return at once. Nothing happens where that cannot be. */
void vj_source_fetch(const vj_source *source, int64_t off, int64_t len_bytes);
/* Bytes that were borrowed need not stay in memory; who borrows them again gets them again. */
void vj_source_return(const vj_source *source, int64_t off, size_t len_bytes);
/* Bytes all sources and inputs of this process have read or borrowed, and those of this thread. */
int64_t vj_os_bytes_read(void);
int64_t vj_os_thread_bytes_read(void);
/* Of the first those borrowed from files, which the system does not count as reads. */
int64_t vj_os_bytes_lent(void);

/* Sequential bytes: a file, a pipe, or standard input ("-"). One thread at a time. */
typedef struct vj_input vj_input;
VJ_MUST_CHECK vj_status vj_input_open(const char *path, vj_input **out, vj_error *err);
VJ_MUST_CHECK vj_status vj_input_memory(const char *name, const void *ptr, size_t len_bytes,
                                        vj_input **out, vj_error *err);
/* Up to cap bytes; *out_n 0 at the end. EINTR is continued. Blocks in read(2). */
VJ_MUST_CHECK vj_status vj_input_read(vj_input *input, void *dst, size_t cap_bytes,
                                      size_t *out_n, vj_error *err);
void vj_input_free(vj_input *input);
const char *vj_input_name(const vj_input *input); /* "standard input" for "-" */
int64_t vj_input_size(const vj_input *input);     /* -1 when not a regular file */

/* Paths matching: a file, a directory's *.parquet (not hidden, sorted by bytes), or a glob. */
typedef struct vj_paths {
    char **ptr;
    size_t n;
} vj_paths;
VJ_MUST_CHECK vj_status vj_paths_find(const char *pattern, const char *suffix, vj_paths *out,
                                      vj_error *err);
void vj_paths_fini(vj_paths *paths);
bool vj_path_is_dir(const char *path);
bool vj_path_exists(const char *path);
bool vj_path_is_file(const char *path); /* a regular one, by whatever links */
/* Same device and inode. */
bool vj_path_same_file(const char *a, const char *b);
/*
 * VJ_E_USAGE when writing to `path` would destroy what `pattern` (a file, a folder's or glob's
 * *.parquet) reads: they are one file, by link too. `what` is the option or output, for the text.
 */
VJ_MUST_CHECK vj_status vj_path_spares(const char *what, const char *path, const char *pattern,
                                       vj_error *err);
/* Folder of the running program with a slash at the end; false where it cannot be told. */
bool vj_os_program_dir(char *dst, size_t cap_bytes);
/* Absolute path without links; what it names must exist. Freed with vj_free. */
VJ_MUST_CHECK vj_status vj_path_absolute(const char *path, char **out, vj_error *err);
/* Whole file as text into buf. */
VJ_MUST_CHECK vj_status vj_path_read(const char *path, vj_buf *out, vj_error *err);
/* Rename, and fsync of the folder; VJ_E_OUTPUT. A folder may take the place of an empty one. */
VJ_MUST_CHECK vj_status vj_path_rename(const char *from, const char *to, vj_error *err);
/* Two names change places in one step, so that both are there at every moment. Not done, and no
 * error, on a file system that cannot. */
VJ_MUST_CHECK vj_status vj_path_exchange(const char *a, const char *b, bool *out_done,
                                         vj_error *err);
/* fsync of a folder, which makes a rename in it last; VJ_E_OUTPUT. */
VJ_MUST_CHECK vj_status vj_path_sync_folder(const char *path, vj_error *err);
/* Remove a file or a folder with what is in it (two levels); failures do not matter. */
void vj_path_remove(const char *path);
/* Whether the folder is there and has no entry. */
bool vj_path_is_empty_dir(const char *path);
/* Bytes that a file system has left for us; the folder of `path` where it does not exist yet.
 * -1: cannot be told. */
int64_t vj_path_free_bytes(const char *path);
/*
 * Keep a folder for this process until it is given back or the process ends, however that ends.
 * *out NULL with VJ_OK: another process has it, or the disk knows no locks. VJ_E_NOMEM.
 */
typedef struct vj_hold vj_hold;
VJ_MUST_CHECK vj_status vj_path_hold(const char *path, vj_hold **out, vj_error *err);
void vj_hold_free(vj_hold *hold);
/* mkdir -p */
VJ_MUST_CHECK vj_status vj_path_make_dirs(const char *path, vj_error *err);

/*
 * Replace everything from off on, in place, and fsync: afterwards the file ends with the bytes
 * given. On a failed write the old end is put back. VJ_E_OUTPUT; VJ_E_CORRUPT when the file is
 * shorter than off.
 */
VJ_MUST_CHECK vj_status vj_path_replace_tail(const char *path, int64_t off, const void *ptr,
                                             size_t len_bytes, vj_error *err);

/* ---- atomic output ---- */

/*
 * A file that appears whole under its name or not at all.
 *
 *   _open   removes left-overs of killed runs for this name; creates .NAME.vj-BOOT-PID-N.tmp
 *           beside it and holds a lock on it, by which others see that we live (os/temps.h)
 *   _write  appends
 *   _finish flush, fsync, rename, fsync of the folder      (VJ_E_OUTPUT on any failure)
 *   _free   without _finish: the temporary file is removed, an old file stands untouched
 *
 * "-" (standard output), pipes and devices are written through directly: the named exception.
 */
typedef struct vj_outfile vj_outfile;
VJ_MUST_CHECK vj_status vj_outfile_open(const char *path, vj_outfile **out, vj_error *err);
/* Output into memory (tests); the buffer receives what was written, whole or not. */
VJ_MUST_CHECK vj_status vj_outfile_memory(vj_buf *target, vj_outfile **out, vj_error *err);
VJ_MUST_CHECK vj_status vj_outfile_write(vj_outfile *file, const void *ptr, size_t len_bytes,
                                         vj_error *err);
/* Hand what is buffered to the system, so that other readers of the temporary path see it. */
VJ_MUST_CHECK vj_status vj_outfile_flush(vj_outfile *file, vj_error *err);
/* Bytes written so far, buffered ones included. */
int64_t vj_outfile_offset(const vj_outfile *file);
/*
 * For writers that open paths themselves (htslib, DuckDB): the temporary path. What they wrote
 * there is fsynced and renamed by _finish. NULL for "-", pipes and memory.
 */
const char *vj_outfile_temp_path(const vj_outfile *file);
/* _finish up to the rename, for files that belong together: all are ready before one is renamed. */
VJ_MUST_CHECK vj_status vj_outfile_ready(vj_outfile *file, vj_error *err);
VJ_MUST_CHECK vj_status vj_outfile_finish(vj_outfile *file, vj_error *err);
void vj_outfile_free(vj_outfile *file);
const char *vj_outfile_name(const vj_outfile *file);
/* Bytes all output files of this process have written. */
int64_t vj_os_bytes_written(void);

/*
 * A file in memory for libraries that write to paths: what they do cannot fail by the disk, and
 * its bytes go on through an output file, whose errors are told.
 */
typedef struct vj_memfile {
    int fd;
    char path[40];
} vj_memfile;
/* False where the system has none. */
bool vj_memfile_open(vj_memfile *file);
VJ_MUST_CHECK vj_status vj_memfile_append_to(const vj_memfile *file, vj_outfile *to,
                                             vj_error *err);
void vj_memfile_close(vj_memfile *file);

/*
 * A private temporary folder under dir (NULL: /tmp), named prefix-BOOT-PID-XXXXXX; those that
 * killed runs of this user left there are removed.
 */
VJ_MUST_CHECK vj_status vj_tempdir_make(const char *dir, const char *prefix, char **out_path,
                                        vj_error *err);
/*
 * A folder .NAME.vj-BOOT-PID-N.tmp beside target, which is to become it by rename; left-overs of
 * killed runs for that name are removed. Parents of target are made.
 */
VJ_MUST_CHECK vj_status vj_tempdir_beside(const char *target, char **out_path, vj_error *err);
/* Remove the folder and what is in it (one level of sub-folders); frees path. NULL allowed. */
void vj_tempdir_remove(char *path);

/*
 * Remove every temporary file and folder of this process. Nothing is made, finished or removed
 * afterwards: whoever tries waits. For a process that ends at once by _exit, with other threads at
 * work or inside the handler of a fault of its own.
 */
void vj_os_abandon_outputs(void);

#ifdef VJ_TESTING
/* Test hooks: called before each such system call (fsync, rename; close: after it); a non-zero
 * result is its errno. */
extern int (*vj_read_fault_hook)(void);
extern int (*vj_write_fault_hook)(void);
extern int (*vj_sync_fault_hook)(void);
extern int (*vj_rename_fault_hook)(void);
extern int (*vj_close_fault_hook)(void);
/* A read or write moves no more bytes than this; 0: as many as it can. */
extern size_t vj_most_bytes_a_call;
/* Whether a file's range is to be taken for not in memory. */
extern bool (*vj_cold_hook)(void);
#endif

/* ---- threads, stop flag, clock ---- */

typedef struct vj_thread vj_thread;
typedef void (*vj_thread_main)(void *arg);
/* Run main(arg) in a new thread; every started thread is joined. VJ_E_NOMEM when there is none. */
VJ_MUST_CHECK vj_status vj_thread_start(vj_thread_main main, void *arg, vj_thread **out,
                                        vj_error *err);
void vj_thread_join(vj_thread *thread); /* frees it; NULL allowed */

/* A mutex and what its sleepers wait on; the same thread takes it once at a time. */
typedef struct vj_lock {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
} vj_lock;
/* Ready for use; VJ_E_NOMEM. */
VJ_MUST_CHECK vj_status vj_lock_init(vj_lock *lock, vj_error *err);
void vj_lock_fini(vj_lock *lock);
void vj_lock_take(vj_lock *lock);
void vj_lock_give(vj_lock *lock);
/* Give the lock, sleep until someone calls vj_lock_wake, take it again. */
void vj_lock_wait(vj_lock *lock);
/* The same, at most ms milliseconds. */
void vj_lock_wait_ms(vj_lock *lock, int64_t ms);
void vj_lock_wake(vj_lock *lock); /* all sleepers */

/* Set by anyone, from any thread or signal handler; never unset. */
typedef struct vj_stop {
    _Atomic int requested;
} vj_stop;
static inline void vj_stop_request(vj_stop *stop)
{
    atomic_store(&stop->requested, 1);
}
/* VJ_E_CANCELLED once requested; NULL never stops. */
VJ_MUST_CHECK vj_status vj_stop_check(const vj_stop *stop, vj_error *err);

int64_t vj_clock_ns(void);      /* monotonic */
int64_t vj_clock_wall_ns(void); /* since the epoch */
void vj_sleep_ms(int64_t ms);
int64_t vj_os_pid(void);

#include "os/appender.h"
#include "os/child.h"
#include "os/host.h"
#include "os/usage.h"

#endif
