#include "hts/reader.h"
#include "hts/scan.h"

/*
 * Blocks of lines in three steps, so that only what needs the order is done in order:
 *
 *   read   BGZF blocks as they stand in the file                  serial, cheap
 *   fill   inflate them behind a gap, find the line ends          any worker
 *   link   the line that the block before left open goes into     serial, cheap
 *          the gap; the one left open here becomes the window
 *
 *       gap        | inflated text
 *   ......[carried]|rest of line \n ... line \n|open line
 *          ^text_beg                            ^ to the window
 */

/* Longer open lines than this move the text. */
#define GAP_BYTES ((size_t)16 << 10)

bool vj_vcf_can_share(const vj_vcf_reader *reader)
{
    return reader->in != NULL && reader->bcf == NULL && !reader->per_sample &&
           vj_textin_wrapping(reader->in) == VJ_WRAP_BGZF;
}

vj_status vj_vcf_block_read(vj_vcf_reader *reader, int64_t want_lines, int64_t want_bytes,
                            vj_vcf_block *block, bool *out_more, vj_error *err)
{
    bool first = !reader->ahead;
    int64_t line_bytes = atomic_load(&reader->line_bytes);
    int64_t want = VJ_MIN(VJ_MAX(want_lines, 1) * line_bytes, want_bytes);

    reader->ahead = block->ahead = true;
    vj_buf_reset(&block->raw);
    VJ_VEC_RESET(&block->pieces.list);
    VJ_TRY(vj_textin_take(reader->in, (size_t)VJ_MAX(want, 1), &block->raw, &block->pieces,
                          &block->at_end, err));
    /* what was read behind the header may hold lines, even all there are */
    *out_more = block->pieces.list.n > 0 || (first && reader->win.len_bytes > reader->win_beg);
    return VJ_OK;
}

vj_status vj_vcf_block_fill(const vj_vcf_reader *reader, vj_vcf_block *block, vj_error *err)
{
    const char *name = vj_textin_name(reader->in);

    if (block->inflater == NULL)
        VJ_TRY(vj_inflater_new(&block->inflater, err));
    vj_buf_reset(&block->text);
    VJ_VEC_RESET(&block->line_ends);
    VJ_TRY(vj_buf_reserve(&block->text, GAP_BYTES, err));
    block->text.len_bytes = block->text_beg = GAP_BYTES;
    for (size_t i = 0; i < block->pieces.list.n; i++)
        VJ_TRY(vj_bgzf_inflate(name, block->raw.ptr, &block->pieces.list.ptr[i], block->inflater,
                               &block->text, err));
    VJ_TRY(vj_buf_reserve(&block->text, VJ_SCAN_PAD_BYTES, err));
    const char *text = (const char *)block->text.ptr + GAP_BYTES;
    size_t len = block->text.len_bytes - GAP_BYTES;
    size_t n = vj_scan_count(text, len, '\n');
    VJ_TRY(VJ_VEC_RESERVE(&block->line_ends, n, err));
    block->line_ends.n = vj_scan_delims(text, len, '\n', block->line_ends.ptr, n);
    for (size_t i = 0; i < n; i++)
        block->line_ends.ptr[i] += (uint32_t)GAP_BYTES;
    return VJ_OK;
}

/* Move text and line ends of the block by n bytes, for a carried line longer than the gap. */
static vj_status widen_gap(vj_vcf_block *block, size_t n, vj_error *err)
{
    VJ_TRY(vj_buf_reserve(&block->text, n + VJ_SCAN_PAD_BYTES, err));
    memmove(block->text.ptr + n, block->text.ptr, block->text.len_bytes);
    block->text.len_bytes += n;
    block->text_beg += n;
    for (size_t i = 0; i < block->line_ends.n; i++)
        block->line_ends.ptr[i] += (uint32_t)n;
    return VJ_OK;
}

/* Ends of the lines that the carried bytes hold, before those that are there: the header's rest. */
static vj_status add_carried_ends(vj_vcf_block *block, size_t n, vj_error *err)
{
    const char *text = (const char *)block->text.ptr + block->text_beg;
    size_t n_lines = vj_scan_count(text, n, '\n');
    size_t had = block->line_ends.n;

    if (n_lines == 0)
        return VJ_OK;
    VJ_TRY(VJ_VEC_RESERVE(&block->line_ends, n_lines, err));
    uint32_t *ends = block->line_ends.ptr;
    memmove(ends + n_lines, ends, had * sizeof *ends);
    n_lines = vj_scan_delims(text, n, '\n', ends, n_lines);
    for (size_t i = 0; i < n_lines; i++)
        ends[i] += (uint32_t)block->text_beg;
    block->line_ends.n += n_lines;
    return VJ_OK;
}

/* The open line at the block's end becomes the window. */
static vj_status carry_rest(vj_vcf_reader *reader, vj_vcf_block *block, vj_error *err)
{
    size_t n = block->line_ends.n;
    size_t beg = n > 0 ? (size_t)block->line_ends.ptr[n - 1] + 1 : block->text_beg;

    vj_buf_reset(&reader->win);
    reader->win_beg = 0;
    VJ_TRY(vj_buf_append(&reader->win, block->text.ptr + beg, block->text.len_bytes - beg, err));
    block->text.len_bytes = beg;
    return vj_vcf_check_window(reader, err);
}

static void note_line_bytes(vj_vcf_reader *reader, const vj_vcf_block *block)
{
    size_t n = block->line_ends.n;

    if (n > 0)
        atomic_store(&reader->line_bytes,
                     (int64_t)((block->text.len_bytes - block->text_beg) / n) + 1);
}

vj_status vj_vcf_block_link(vj_vcf_reader *reader, vj_vcf_block *block, vj_error *err)
{
    const uint8_t *carried = reader->win.ptr + reader->win_beg;
    size_t n_carried = reader->win.len_bytes - reader->win_beg;

    if (block->line_ends.n == 0 && n_carried > 0 && reader->line_bytes > 0) {
        /* a long line goes on: no copy of all of it for each block */
        VJ_TRY(vj_buf_append(&reader->win, block->text.ptr + block->text_beg,
                             block->text.len_bytes - block->text_beg, err));
        VJ_TRY(vj_vcf_check_window(reader, err));
        block->text.len_bytes = block->text_beg;
    } else {
        if (n_carried > block->text_beg)
            VJ_TRY(widen_gap(block, n_carried - block->text_beg, err));
        block->text_beg -= n_carried;
        if (n_carried > 0)
            memcpy(block->text.ptr + block->text_beg, carried, n_carried);
        VJ_TRY(add_carried_ends(block, n_carried, err));
        VJ_TRY(carry_rest(reader, block, err));
    }
    note_line_bytes(reader, block);
    if (block->at_end)
        VJ_TRY(vj_vcf_take_rest(reader, block, err));
    return vj_vcf_close_block(reader, block, err);
}
