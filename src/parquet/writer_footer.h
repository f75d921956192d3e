/*
 * writer_footer.h - key-values merged into a footer of anyone's making (private to parquet/;
 * apart from the file handling so that a fuzzer can reach it).
 */
#ifndef VJ_PARQUET_WRITER_FOOTER_H
#define VJ_PARQUET_WRITER_FOOTER_H

#include "parquet/parquet.h"

/*
 * Append to out the FileMetaData `footer` (Thrift compact) with the key-values added or replaced
 * and every other field copied as it is. name stands in error lines.
 *
 * errors:  VJ_E_CORRUPT, VJ_E_UNSUPPORTED (a signed footer), VJ_E_NOMEM
 */
VJ_MUST_CHECK vj_status vj_footer_merge_kvs(vj_span footer, const vj_pq_kv *kvs, int32_t n_kvs,
                                            const char *name, vj_buf *out, vj_error *err);

#endif
