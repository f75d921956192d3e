/*
 * stream.h - tables as Arrow C Streams, for any consumer of Arrow without linking one.
 *
 * threads: a stream belongs to one thread at a time; its batches may be released from any.
 */
#ifndef VARJOIN_STREAM_H
#define VARJOIN_STREAM_H

#include "varjoin/arrow.h"
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
