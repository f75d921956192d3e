/* bgzf_make.h - BGZF and gzip bytes for tests. */
#ifndef VJ_TESTS_BGZF_MAKE_H
#define VJ_TESTS_BGZF_MAKE_H

#include "support/support.h"

/* Append one BGZF block holding the bytes (none: the block that ends a file). */
void bgzf_add_block(vj_buf *to, const void *bytes, size_t len_bytes);
/* Append one gzip member. */
void gzip_add_member(vj_buf *to, const void *bytes, size_t len_bytes);

#endif
