/*
 * index_out.h - the index of a VCF.gz (tbi or csi) or BCF (csi), built while the file is written.
 *
 *   record added: its end in the uncompressed stream is known    -> pending
 *   block written: its place in the file is known                -> pending records in it go to
 *                                                                   htslib's index
 * Private to hts. threads: the writer's one.
 */
#ifndef VJ_HTS_INDEX_OUT_H
#define VJ_HTS_INDEX_OUT_H

#include "hts/hts_out_parts.h"

typedef struct vj_index_out vj_index_out;

/* The header gives the longest contig, which decides between tbi and csi. */
VJ_MUST_CHECK vj_status vj_index_out_new(const vj_vcf_header *header, bool is_bcf,
                                         vj_budget *budget, vj_index_out **out, vj_error *err);
void vj_index_out_free(vj_index_out *index);
/* The header is written and flushed: records begin at file_off. */
VJ_MUST_CHECK vj_status vj_index_out_begin(vj_index_out *index, int64_t file_off,
                                           vj_error *err);
/*
 * One VCF line, or one BCF record by contig number and [beg0, end0); stream_end is the
 * uncompressed offset behind it. VJ_E_USAGE when it is not sorted.
 */
VJ_MUST_CHECK vj_status vj_index_out_line(vj_index_out *index, vj_span line, int64_t stream_end,
                                          vj_error *err);
VJ_MUST_CHECK vj_status vj_index_out_record(vj_index_out *index, int32_t contig, vj_span name,
                                            int64_t beg0, int64_t end0, int64_t stream_end,
                                            vj_error *err);
/* Blocks will not stay where they were written: the index is made from the finished file. */
void vj_index_out_set_stale(vj_index_out *index);
/* A vj_bgzf_on_block; arg is the index. */
vj_status vj_index_out_on_block(void *arg, int64_t beg, int64_t end, int64_t file_off,
                                int64_t block_bytes, vj_error *err);
/*
 * The data are whole at the temporary path of `data` (flushed, not finished), file_off before the
 * end block. Writes the index to a new output beside it, not yet finished.
 */
VJ_MUST_CHECK vj_status vj_index_out_save(vj_index_out *index, const vj_outfile *data,
                                          int64_t file_off, vj_outfile **out, vj_error *err);

#endif
