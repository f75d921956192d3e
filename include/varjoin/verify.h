/*
 * verify.h - count and hash the rows of a Parquet file and hold them against what it says.
 *
 * threads: a call uses threads of its own; calls are independent of each other
 */
#ifndef VARJOIN_VERIFY_H
#define VARJOIN_VERIFY_H

#include <stddef.h>
#include <stdint.h>

#include "varjoin/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct vj_verify_options {
    size_t struct_size;        /* sizeof(vj_verify_options): which fields the caller knows */
    const char *expected_hash; /* "vjh1:..." to compare with instead of the file's own; NULL */
    int64_t memory_bytes;      /* bound; 0: 256 MB */
    int32_t n_threads;         /* 0: 1 */
    /* Called now and then, from any thread; non-zero stops the run (cancelled). */
    int (*progress)(void *user, int64_t n_rows_done, int64_t n_rows_total);
    void *user;
    int ignore_checksums; /* read pages whose checksum differs */
} vj_verify_options;
#define VJ_VERIFY_OPTIONS_INIT {.struct_size = sizeof(vj_verify_options)}

typedef struct vj_verify_result {
    int64_t n_rows;            /* rows that were read */
    int32_t n_columns;
    int32_t n_rowgroups;
    char content_hash[40];     /* of the rows that were read */
    char expected_hash[40];    /* "" when nothing says what it should be */
    int64_t expected_rows;     /* varjoin.rows, else what the footer counts */
    int hash_differs, rows_differ;
} vj_verify_result;

/*
 * Read all rows of a Parquet file of any writer. Checks page CRCs on the way,
 * unless told not to.
 *
 * errors: VJ_E_POLICY when rows or hash differ from the key-values varjoin.rows and
 *         varjoin.content_hash (or options->expected_hash): *result is then filled all the same;
 *         VJ_E_CORRUPT, VJ_E_UNSUPPORTED, VJ_E_NOTFOUND, VJ_E_IO, VJ_E_NOMEM, VJ_E_CANCELLED
 */
VJ_API VJ_MUST_CHECK vj_status vj_verify(const char *path, const vj_verify_options *options,
                                         vj_verify_result *result, vj_error *err);

#ifdef __cplusplus
}
#endif
#endif
