#include "hts/reader.h"
#include "hts/scan.h"

/* Offsets inside a block are 32 bits wide, and a line this long is no line. */
#define MAX_BLOCK_BYTES ((size_t)1 << 30)

/* ---- the window of plain bytes ---- */

static size_t win_left(const vj_vcf_reader *reader)
{
    return reader->win.len_bytes - reader->win_beg;
}

vj_status vj_vcf_check_window(const vj_vcf_reader *reader, vj_error *err)
{
    if (reader->win.len_bytes <= MAX_BLOCK_BYTES)
        return VJ_OK;
    return vj_fail(err, VJ_E_CORRUPT, "%s: line %lld: expected a line of at most 1 GiB, found "
                                      "a longer one", reader->name,
                   (long long)reader->next_line);
}

/* Read more behind the window; what was used up makes room first. */
static vj_status grow_window(vj_vcf_reader *reader, vj_error *err)
{
    vj_buf *win = &reader->win;

    if (reader->win_beg > 0) {
        memmove(win->ptr, win->ptr + reader->win_beg, win_left(reader));
        win->len_bytes -= reader->win_beg;
        reader->win_beg = 0;
    }
    VJ_TRY(vj_vcf_check_window(reader, err));
    if (reader->bcf != NULL)
        VJ_TRY(vj_bcfin_read(reader->bcf, win, &reader->win_end, err));
    else
        VJ_TRY(vj_textin_read(reader->in, win, &reader->win_end, err));
    return vj_buf_reserve(win, VJ_SCAN_PAD_BYTES, err);
}

static vj_span without_cr(vj_span line)
{
    if (line.len_bytes > 0 && line.ptr[line.len_bytes - 1] == '\r')
        line.len_bytes--;
    return line;
}

/* Legal or not, a text that stops within a line may have been cut off. */
static vj_status note_no_end(vj_vcf_reader *reader, vj_error *err)
{
    return vj_vcf_note(reader, err, "the last line has no line end: is the file complete?");
}

vj_status vj_vcf_line_next(vj_vcf_reader *reader, vj_span *out, vj_error *err)
{
    size_t searched = 0;

    *out = (vj_span){0};
    for (;;) {
        const char *beg = (const char *)reader->win.ptr + reader->win_beg;
        size_t left = win_left(reader);
        const char *newline = left > searched ? memchr(beg + searched, '\n', left - searched)
                                              : NULL;

        if (newline != NULL || (reader->win_end && left > 0)) {
            size_t len = newline != NULL ? (size_t)(newline - beg) : left;

            *out = without_cr((vj_span){beg, len});
            reader->win_beg += newline != NULL ? len + 1 : len;
            reader->next_line++;
            return newline != NULL ? VJ_OK : note_no_end(reader, err);
        }
        if (reader->win_end)
            return VJ_OK;
        searched = left;
        VJ_TRY(grow_window(reader, err));
    }
}

/* ---- blocks ---- */

vj_status vj_vcf_block_new(vj_budget *budget, vj_vcf_block **out, vj_error *err)
{
    vj_vcf_block *block = vj_zalloc(budget, sizeof *block, err);

    *out = block;
    if (block == NULL)
        return VJ_E_NOMEM;
    block->budget = budget;
    vj_buf_init(&block->text, budget, 0);
    vj_buf_init(&block->prev_contig, budget, 0);
    vj_buf_init(&block->raw, budget, 0);
    block->pieces.list.budget = budget;
    block->line_ends.budget = budget;
    return VJ_OK;
}

void vj_vcf_block_free(vj_vcf_block *block)
{
    if (block == NULL)
        return;
    vj_buf_fini(&block->text);
    vj_buf_fini(&block->prev_contig);
    vj_buf_fini(&block->raw);
    VJ_VEC_FINI(&block->pieces.list);
    vj_inflater_free(block->inflater);
    VJ_VEC_FINI(&block->line_ends);
    vj_free(block);
}

/* Copy n bytes off the window into the block. */
static vj_status move_text(vj_vcf_reader *reader, size_t n, vj_vcf_block *block, vj_error *err)
{
    VJ_TRY(vj_buf_reserve(&block->text, n + VJ_SCAN_PAD_BYTES, err));
    VJ_TRY(vj_buf_append(&block->text, reader->win.ptr + reader->win_beg, n, err));
    reader->win_beg += n;
    return VJ_OK;
}

/*
 * Move whole lines from the window into the block until a limit is met (*out_full) or no whole
 * line is left. A first line may pass the limit of bytes.
 */
static vj_status take_lines(vj_vcf_reader *reader, size_t want_lines, size_t want_bytes,
                            vj_vcf_block *block, bool *out_full, vj_error *err)
{
    const char *beg = (const char *)reader->win.ptr + reader->win_beg;
    size_t had = block->line_ends.n;
    size_t room_lines = want_lines - had;
    size_t base = block->text.len_bytes;
    size_t left = win_left(reader);
    size_t look = VJ_MIN(left, VJ_MAX(want_bytes, base) - base);
    size_t skip = VJ_MIN(reader->win_searched, look); /* no newline there: seen before */
    size_t n = VJ_MIN(vj_scan_count(beg + skip, look - skip, '\n'), room_lines);

    VJ_TRY(VJ_VEC_RESERVE(&block->line_ends, n + 1, err));
    uint32_t *ends = block->line_ends.ptr + had;
    n = vj_scan_delims(beg + skip, look - skip, '\n', ends, n);
    for (size_t i = 0; i < n; i++)
        ends[i] += (uint32_t)skip;
    reader->win_searched = n > 0 ? 0 : VJ_MAX(look, reader->win_searched);
    if (n == 0 && had == 0 && reader->win_searched < left) {
        size_t from = reader->win_searched;
        const char *newline = memchr(beg + from, '\n', left - from);

        reader->win_searched = newline != NULL ? 0 : left;
        if (newline != NULL) {
            ends[0] = (uint32_t)(newline - beg);
            n = 1;
        }
    }
    size_t len = n > 0 ? (size_t)ends[n - 1] + 1 : 0;
    for (size_t i = 0; i < n; i++)
        ends[i] += (uint32_t)base;
    block->line_ends.n += n;
    if (len > 0)
        VJ_TRY(move_text(reader, len, block, err));
    *out_full = block->line_ends.n == want_lines || block->text.len_bytes >= want_bytes ||
                (block->line_ends.n > 0 && base + look == want_bytes);
    return VJ_OK;
}

/* Cut blank lines off the end of the block; how many they were. */
static size_t trim_blanks(vj_vcf_block *block)
{
    size_t had = block->line_ends.n;

    while (block->line_ends.n > 0) {
        size_t n = block->line_ends.n;
        size_t beg = n > 1 ? (size_t)block->line_ends.ptr[n - 2] + 1 : block->text_beg;
        size_t len = block->line_ends.ptr[n - 1] - beg;

        if (without_cr((vj_span){(const char *)block->text.ptr + beg, len}).len_bytes > 0)
            break;
        block->line_ends.n--;
        block->text.len_bytes = beg;
    }
    return had - block->line_ends.n;
}

/* Put n blank lines before those of the block. */
static vj_status prepend_blanks(vj_vcf_block *block, size_t n, vj_error *err)
{
    size_t had = block->line_ends.n;

    if (n > MAX_BLOCK_BYTES)
        return vj_fail(err, VJ_E_CORRUPT, "line %lld: expected a record, found more than 2^30 "
                                          "blank lines", (long long)block->first_line);
    if (n == 0)
        return VJ_OK;
    VJ_TRY(vj_buf_reserve(&block->text, n + VJ_SCAN_PAD_BYTES, err));
    VJ_TRY(VJ_VEC_RESERVE(&block->line_ends, n, err));
    uint8_t *first = block->text.ptr + block->text_beg;
    memmove(first + n, first, block->text.len_bytes - block->text_beg);
    memset(first, '\n', n);
    block->text.len_bytes += n;
    memmove(block->line_ends.ptr + n, block->line_ends.ptr, had * sizeof *block->line_ends.ptr);
    for (size_t i = 0; i < n; i++)
        block->line_ends.ptr[i] = (uint32_t)(block->text_beg + i);
    for (size_t i = n; i < n + had; i++)
        block->line_ends.ptr[i] += (uint32_t)n;
    block->line_ends.n += n;
    return VJ_OK;
}

/* At the end of the input: a last line without a newline. */
vj_status vj_vcf_take_rest(vj_vcf_reader *reader, vj_vcf_block *block, vj_error *err)
{
    bool partial = win_left(reader) > 0;
    bool cut = reader->in != NULL && vj_textin_lacks_end(reader->in);

    if (cut && !reader->cut_noted) {
        reader->cut_noted = true;
        VJ_TRY(vj_vcf_note(reader, err, "truncated: the empty block that ends a BGZF file is "
                                        "missing%s", partial ? "; a part of a line is left out"
                                                             : ""));
    }
    if (partial && cut) {
        reader->win_beg = reader->win.len_bytes; /* cut anywhere: not to be taken for a line */
    } else if (partial) {
        VJ_TRY(note_no_end(reader, err));
        VJ_TRY(move_text(reader, win_left(reader), block, err));
        VJ_TRY(VJ_VEC_PUSH(&block->line_ends, (uint32_t)block->text.len_bytes, err));
    }
    return VJ_OK;
}

static vj_span line_of(const vj_vcf_block *block, size_t line_i)
{
    size_t beg = line_i > 0 ? (size_t)block->line_ends.ptr[line_i - 1] + 1 : block->text_beg;

    return (vj_span){(const char *)block->text.ptr + beg, block->line_ends.ptr[line_i] - beg};
}

static vj_span contig_of(vj_span line)
{
    const char *tab = line.len_bytes > 0 ? memchr(line.ptr, '\t', line.len_bytes) : NULL;

    return (vj_span){line.ptr, tab != NULL ? (size_t)(tab - line.ptr) : line.len_bytes};
}

/* Contigs are told apart by the name that is shown, as the parser does. */
static vj_span shown_of(const vj_vcf_block *block, size_t line_i)
{
    return vj_contig_shown(contig_of(line_of(block, line_i)));
}

static int64_t pos1_of(vj_span line)
{
    size_t beg = contig_of(line).len_bytes + 1;
    size_t end = beg;
    int64_t pos1 = -1;

    while (end < line.len_bytes && line.ptr[end] != '\t')
        end++;
    if (end > beg && !vj_parse_i64((vj_span){line.ptr + beg, end - beg}, &pos1))
        pos1 = -1;
    return pos1;
}

/*
 * Does a contig come back after another one? Within a block the parser sees it; here only the
 * contigs of blocks gone by are remembered, and a block within one contig costs two look-ups.
 */
static vj_status follow_contigs(vj_vcf_reader *reader, vj_vcf_block *block, vj_error *err)
{
    size_t n = block->line_ends.n;
    vj_buf *last = &reader->last_contig;
    bool one_contig = vj_span_eq(shown_of(block, 0), shown_of(block, n - 1));

    vj_buf_reset(&block->prev_contig);
    VJ_TRY(vj_buf_append(&block->prev_contig, last->ptr, last->len_bytes, err));
    block->prev_pos1 = reader->last_pos1;
    block->returns_at_line = 0;
    for (size_t i = 0; i < n; i += one_contig ? n : 1) {
        vj_span contig = shown_of(block, i);
        bool added = false;

        if (vj_span_eq(contig, vj_buf_span(last)))
            continue;
        VJ_TRY(vj_map_put(&reader->contigs_seen, contig, 0, NULL, &added, err));
        if (!added && block->returns_at_line == 0)
            block->returns_at_line = block->first_line + (int64_t)i;
        vj_buf_reset(last);
        VJ_TRY(vj_buf_append(last, contig.ptr, contig.len_bytes, err));
    }
    reader->last_pos1 = pos1_of(line_of(block, n - 1));
    return VJ_OK;
}

/* Lines until a limit is met or the input ends. */
static vj_status fill_block(vj_vcf_reader *reader, size_t want_lines, size_t want_bytes,
                            vj_vcf_block *block, bool *out_end, vj_error *err)
{
    bool full = false;

    vj_buf_reset(&block->text);
    VJ_VEC_RESET(&block->line_ends);
    block->text_beg = 0;
    block->ahead = false;
    while (!full) {
        if (win_left(reader) > 0)
            VJ_TRY(take_lines(reader, want_lines, want_bytes, block, &full, err));
        *out_end = !full && reader->win_end;
        if (*out_end)
            return vj_vcf_take_rest(reader, block, err);
        if (!full)
            VJ_TRY(grow_window(reader, err));
    }
    return VJ_OK;
}

/*
 * Blank lines count only when another line follows (S-2): those at the end of a block are held
 * back for the next one, which says so or not.
 */
vj_status vj_vcf_close_block(vj_vcf_reader *reader, vj_vcf_block *block, vj_error *err)
{
    size_t blanks = reader->held_blanks;

    block->first_line = reader->next_line - (int64_t)blanks;
    reader->next_line += (int64_t)block->line_ends.n;
    reader->held_blanks = trim_blanks(block);
    if (block->line_ends.n == 0) {
        reader->held_blanks += blanks;
        return VJ_OK;
    }
    VJ_TRY(prepend_blanks(block, blanks, err));
    VJ_TRY(vj_buf_reserve(&block->text, VJ_SCAN_PAD_BYTES, err));
    memset(block->text.ptr + block->text.len_bytes, 0, VJ_SCAN_PAD_BYTES);
    return follow_contigs(reader, block, err);
}

static vj_status next_block(vj_vcf_reader *reader, size_t lines, size_t bytes,
                            vj_vcf_block *block, bool *out_more, vj_error *err)
{
    bool at_end = false;

    do {
        VJ_TRY(fill_block(reader, lines, bytes, block, &at_end, err));
        VJ_TRY(vj_vcf_close_block(reader, block, err));
    } while (block->line_ends.n == 0 && !at_end);
    *out_more = block->line_ends.n > 0;
    return VJ_OK;
}

/* Rows, not lines, are what a batch is bound by. */
static size_t lines_of_rows(const vj_vcf_reader *reader, int64_t want_rows)
{
    size_t rows = (size_t)VJ_MAX(want_rows, 1);

    return reader->per_sample ? VJ_MAX(rows / reader->chosen.n, 1) : rows;
}

static size_t bounded_bytes(int64_t want_bytes)
{
    return VJ_MIN((size_t)VJ_MAX(want_bytes, 1), MAX_BLOCK_BYTES);
}

vj_status vj_vcf_block_next(vj_vcf_reader *reader, int64_t want_lines, int64_t want_bytes,
                            vj_vcf_block *block, bool *out_more, vj_error *err)
{
    return next_block(reader, lines_of_rows(reader, want_lines), bounded_bytes(want_bytes), block,
                      out_more, err);
}

vj_status vj_vcf_block_take(vj_vcf_reader *reader, int64_t n_lines, vj_vcf_block *block,
                            bool *out_more, vj_error *err)
{
    return next_block(reader, (size_t)VJ_MAX(n_lines, 1), MAX_BLOCK_BYTES, block, out_more, err);
}

/* ---- looking ahead ---- */

/* Ends of the lines in the next `look` bytes, behind the first `looked` that are known. */
static vj_status find_ends(vj_vcf_reader *reader, size_t looked, size_t look, size_t want_lines,
                           vj_error *err)
{
    const char *beg = (const char *)reader->win.ptr + reader->win_beg;
    size_t had = reader->peeked.n;
    size_t n = VJ_MIN(vj_scan_count(beg + looked, look - looked, '\n'), want_lines - had);

    VJ_TRY(VJ_VEC_RESERVE(&reader->peeked, n + 1, err));
    uint32_t *ends = reader->peeked.ptr + had;
    n = vj_scan_delims(beg + looked, look - looked, '\n', ends, n);
    for (size_t i = 0; i < n; i++)
        ends[i] += (uint32_t)looked;
    reader->peeked.n += n;
    return VJ_OK;
}

vj_status vj_vcf_peek(vj_vcf_reader *reader, int64_t want_lines, int64_t want_bytes,
                      int64_t *out_n, vj_error *err)
{
    size_t lines = lines_of_rows(reader, want_lines);
    size_t bytes = bounded_bytes(want_bytes);
    size_t looked = 0;

    VJ_VEC_RESET(&reader->peeked);
    for (;;) {
        size_t look = VJ_MIN(win_left(reader), bytes);

        if (look > looked)
            VJ_TRY(find_ends(reader, looked, look, lines, err));
        looked = look;
        if (reader->peeked.n == lines || look == bytes || reader->win_end)
            break;
        VJ_TRY(grow_window(reader, err));
    }
    /* a line longer than the limit, or the last one without its end */
    if (reader->peeked.n == 0 && looked > 0)
        VJ_TRY(VJ_VEC_PUSH(&reader->peeked, (uint32_t)looked, err));
    *out_n = (int64_t)reader->peeked.n;
    return VJ_OK;
}

void vj_vcf_peek_place(const vj_vcf_reader *reader, int64_t i, vj_span *contig, int64_t *pos1)
{
    const char *beg = (const char *)reader->win.ptr + reader->win_beg;
    size_t from = i > 0 ? (size_t)reader->peeked.ptr[i - 1] + 1 : 0;
    vj_span line = {beg + from, reader->peeked.ptr[i] - from};

    *contig = contig_of(line);
    *pos1 = pos1_of(line);
}
