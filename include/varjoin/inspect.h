/*
 * inspect.h - what a Parquet, VCF or BCF file says about itself, as text or JSON.
 *
 * threads: calls are independent of each other
 */
#ifndef VARJOIN_INSPECT_H
#define VARJOIN_INSPECT_H

#include <stddef.h>
#include <stdint.h>

#include "varjoin/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct vj_inspect_options {
    size_t struct_size;     /* sizeof(vj_inspect_options): which fields the caller knows */
    int json;               /* one JSON object; else text for people */
    int row_groups;         /* Parquet: each row group and its column chunks */
    const char *pages_of;   /* Parquet: pages of this column (dotted leaf path or name); NULL */
    int whole_values;       /* text: key-values and header lines in full */
    int64_t memory_bytes;   /* bound; 0: 256 MB */
    int64_t head_rows;      /* Parquet: instead, the first so many rows as TSV; 0: none */
    int ignore_checksums;   /* Parquet: read pages whose checksum differs */
} vj_inspect_options;
#define VJ_INSPECT_OPTIONS_INIT {.struct_size = sizeof(vj_inspect_options)}

/*
 * Describe one file; write receives the description in pieces, in order. Reads footers, indexes
 * and headers, never values, unless head_rows asks for rows; only pages_of walks the page headers of a column.
 *
 * errors: VJ_E_USAGE (no such column), VJ_E_CORRUPT, VJ_E_UNSUPPORTED, VJ_E_NOTFOUND, VJ_E_IO,
 *         VJ_E_NOMEM
 */
VJ_API VJ_MUST_CHECK vj_status vj_inspect(const char *path, const vj_inspect_options *options,
                                          void (*write)(void *user, const char *text, size_t len),
                                          void *user, vj_error *err);

#ifdef __cplusplus
}
#endif
#endif
