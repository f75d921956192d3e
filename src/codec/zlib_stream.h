/*
 * zlib_stream.h - small zlib streams (RFC 1950) in whole, as environment variables carry them.
 *
 * in:      one stream with header and checksum, hostile
 * not:     streaming, other containers
 * tests:   unit/test_pipes.c, fuzz/fuzz_pipes.c
 */
#ifndef VJ_CODEC_ZLIB_STREAM_H
#define VJ_CODEC_ZLIB_STREAM_H

#include "base/base.h"

/*
 * Append what the stream holds to out; at most max_bytes of it.
 *
 * errors:  VJ_E_CORRUPT (not such a stream, checksum differs, bytes behind it, too large),
 *          VJ_E_NOMEM
 */
VJ_MUST_CHECK vj_status vj_codec_zlib_decode(vj_span stream, size_t max_bytes, vj_buf *out,
                                             vj_error *err);
/* Append a stream that holds these bytes; VJ_E_NOMEM. */
VJ_MUST_CHECK vj_status vj_codec_zlib_encode(vj_span bytes, vj_buf *out, vj_error *err);

#endif
