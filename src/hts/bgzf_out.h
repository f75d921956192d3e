/*
 * bgzf_out.h - BGZF blocks out of a stream of bytes, compressed by workers, written in order.
 *
 *   producer  fills slot f -> submits it        (caller's thread; it alone writes to the file)
 *   workers   take submitted slots in order, compress, mark them done
 *   producer  writes done slots in order; waits only when the ring is full
 *
 * Private to hts. The same bytes for any number of threads.
 */
#ifndef VJ_HTS_BGZF_OUT_H
#define VJ_HTS_BGZF_OUT_H

#include "os/os.h"

typedef struct vj_bgzf_out vj_bgzf_out;

/*
 * Called by the producer for each block, in order, after it was written: uncompressed bytes
 * [beg, end) of the stream are the block at file offset file_off, of block_bytes.
 */
typedef vj_status (*vj_bgzf_on_block)(void *arg, int64_t beg, int64_t end, int64_t file_off,
                                      int64_t block_bytes, vj_error *err);

typedef struct vj_bgzf_out_options {
    int32_t level;     /* 1 ... 9; 0: 6 */
    int32_t n_threads; /* over 1: that many workers */
} vj_bgzf_out_options;

/* file is borrowed. */
VJ_MUST_CHECK vj_status vj_bgzf_out_new(vj_outfile *file, const vj_bgzf_out_options *options,
                                        vj_budget *budget, vj_bgzf_out **out, vj_error *err);
/* From here on; arg is borrowed. */
void vj_bgzf_out_watch(vj_bgzf_out *bgzf, vj_bgzf_on_block on_block, void *arg);
VJ_MUST_CHECK vj_status vj_bgzf_out_write(vj_bgzf_out *bgzf, const void *ptr, size_t len_bytes,
                                          vj_error *err);
/* End the block and write all that is under way. */
VJ_MUST_CHECK vj_status vj_bgzf_out_flush(vj_bgzf_out *bgzf, vj_error *err);
/* Uncompressed bytes taken so far. */
int64_t vj_bgzf_out_offset(const vj_bgzf_out *bgzf);
/* Flush and write the end block; the file is the caller's to finish. */
VJ_MUST_CHECK vj_status vj_bgzf_out_finish(vj_bgzf_out *bgzf, vj_error *err);
void vj_bgzf_out_free(vj_bgzf_out *bgzf);

/* ---- bytes to a file, through BGZF or not ---- */

typedef struct vj_text_out {
    vj_outfile *file;  /* owned */
    vj_bgzf_out *bgzf; /* owned; NULL: plain */
} vj_text_out;

static inline VJ_MUST_CHECK vj_status vj_text_out_write(vj_text_out *text, vj_span bytes,
                                                        vj_error *err)
{
    return text->bgzf != NULL ? vj_bgzf_out_write(text->bgzf, bytes.ptr, bytes.len_bytes, err)
                              : vj_outfile_write(text->file, bytes.ptr, bytes.len_bytes, err);
}
static inline void vj_text_out_fini(vj_text_out *text)
{
    vj_bgzf_out_free(text->bgzf);
    vj_outfile_free(text->file);
    text->bgzf = NULL;
    text->file = NULL;
}

#endif
