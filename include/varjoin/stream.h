/*
 * stream.h - tables as Arrow C Streams, for any consumer of Arrow without linking one.
 *
 * threads: a stream belongs to one thread at a time; its batches may be released from any.
 */
#ifndef VARJOIN_STREAM_H
#define VARJOIN_STREAM_H

#include <stddef.h>

#include "varjoin/arrow.h"
#include "varjoin/job.h"
#include "varjoin/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The rows of a Parquet file in file order, all columns, as record batches of up to 65,536 rows
 * that never cross a row group.
 *
 * Decimals come as decimal128 (decimal256 beyond 38 digits), intervals as month-day-nano, UUIDs
 * as 16 bytes; the rest is exported as it was decoded, without a copy.
 *
 * memory_bytes bounds what the stream and its unreleased batches hold; 0: no bound. A consumer
 * that keeps batches meets ENOMEM, never a hang.
 *
 * owns:    on VJ_OK out->release must be called; batches live on after it. On an error out is
 *          released already
 * errors:  as opening and reading Parquet: VJ_E_NOTFOUND, VJ_E_CORRUPT, VJ_E_UNSUPPORTED,
 *          VJ_E_IO, VJ_E_NOMEM. Later ones come as errno values from get_next with the text in
 *          get_last_error; after one every further call repeats it
 */
VJ_API VJ_MUST_CHECK vj_status vj_parquet_stream(const char *path, int64_t memory_bytes,
                                                 struct ArrowArrayStream *out, vj_error *err);

typedef struct vj_parquet_read_options {
    size_t struct_size;
    int64_t memory_bytes;
    int ignore_checksums; /* read pages whose checksum differs: some writers left wrong ones */
} vj_parquet_read_options;
#define VJ_PARQUET_READ_OPTIONS_INIT {.struct_size = sizeof(vj_parquet_read_options)}
/* The same with options, which may be NULL. */
VJ_API VJ_MUST_CHECK vj_status vj_parquet_stream_open(const char *path,
                                                      const vj_parquet_read_options *options,
                                                      struct ArrowArrayStream *out, vj_error *err);

/*
 * The rows that vj_job_annotate or vj_job_normalize would write, as record batches of about as many
 * rows as a batch of the job has, made by the native engine while they are fetched. Of the
 * options, output, output_kind and what concerns an output file are not looked at.
 *
 * memory_bytes is the job's promise; batches that are not released yet may take as much again.
 * A consumer who hoards them gets ENOMEM from get_next, never a hang.
 *
 * owns:    option strings are borrowed until the stream is released. On VJ_OK out->release must
 *          be called; it stops a job that is not done. Batches live on after it
 * errors:  as the job's, before the first row: bad options, files that are not there, a join that
 *          the native engine cannot do (VJ_E_UNSUPPORTED). Later ones come as errno values from
 *          get_next with the text in get_last_error
 */
VJ_API VJ_MUST_CHECK vj_status vj_annotate_stream(const vj_job_options *options,
                                                  struct ArrowArrayStream *out, vj_error *err);
/* The normalised table of a VCF or BCF. */
VJ_API VJ_MUST_CHECK vj_status vj_vcf_stream(const vj_job_options *options,
                                             struct ArrowArrayStream *out, vj_error *err);

typedef struct vj_parquet_write_options {
    size_t struct_size;
    const char *compression;   /* "zstd", "zstd:9", "none", ...; NULL: zstd */
    int compat;                /* for old readers */
    int64_t rows_per_rowgroup; /* 0: 122,880 */
    int64_t memory_bytes;      /* bound; 0: none */
} vj_parquet_write_options;
#define VJ_PARQUET_WRITE_OPTIONS_INIT {.struct_size = sizeof(vj_parquet_write_options)}

/*
 * Write the batches of a stream, ours or anybody's, to a Parquet file, which appears whole or not
 * at all. Strings of any Arrow layout, dictionaries, lists, maps (as lists of pairs), structs, decimals of
 * 32 to 256 bits and times are taken.
 *
 * owns:    the stream is released in any case; options may be NULL
 * errors:  VJ_E_UNSUPPORTED (a type that Parquet or this writer lacks, with its column),
 *          VJ_E_IO (the stream's own failure with its text; VJ_E_NOMEM where that is ENOMEM),
 *          VJ_E_OUTPUT, VJ_E_NOMEM
 */
VJ_API VJ_MUST_CHECK vj_status vj_parquet_write(struct ArrowArrayStream *stream, const char *path,
                                                const vj_parquet_write_options *options,
                                                vj_error *err);

/*
 * For bindings: move a stream to the heap; *stream is released or moved afterwards. NULL with
 * err set without memory. _free releases a stream that nobody took over, and the box.
 */
VJ_API struct ArrowArrayStream *vj_stream_box(struct ArrowArrayStream *stream, vj_error *err);
VJ_API void vj_stream_box_free(struct ArrowArrayStream *box);
/* PyCapsule_Destructor of a capsule "arrow_array_stream" that points to a box. */
VJ_API void vj_python_capsule_free(void *capsule);

#ifdef __cplusplus
}
#endif
#endif
