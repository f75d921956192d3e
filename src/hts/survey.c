#include "hts/hts.h"

#include <stdio.h>

#include "codec/inflate.h"
#include "hts/textin.h"

#define WINDOW_BYTES ((int64_t)192 << 10)
#define BLOCK_MAX ((size_t)65536)

/* Plain text of one window of the file. */
typedef struct window {
    vj_buf raw, text;
    int64_t raw_used; /* bytes of the file that text stands for */
    vj_inflater *inflater;
} window;

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Inflate the whole BGZF blocks from the first one found on; empty text when there is none. */
static vj_status inflate_blocks(window *w, vj_error *err)
{
    size_t at = 0;
    size_t head = 0;
    size_t size = 0;
    const char *why = NULL;

    vj_buf_reset(&w->text);
    w->raw_used = 0;
    while (at + 18 <= w->raw.len_bytes &&
           vj_bgzf_block_size(w->raw.ptr + at, w->raw.len_bytes - at, &head, &why) == 0)
        at++;
    for (; at + 18 <= w->raw.len_bytes; at += size) {
        size = vj_bgzf_block_size(w->raw.ptr + at, w->raw.len_bytes - at, &head, &why);
        if (size < head + 8 || at + size > w->raw.len_bytes)
            break;
        uint32_t plain = le32(w->raw.ptr + at + size - 4);
        if (plain > BLOCK_MAX)
            break;
        VJ_TRY(vj_buf_reserve(&w->text, plain, err));
        if (plain > 0 && !vj_inflater_run(w->inflater, w->raw.ptr + at + head, size - head - 8,
                                          w->text.ptr + w->text.len_bytes, plain))
            break;
        w->text.len_bytes += plain;
        w->raw_used += (int64_t)size;
    }
    return VJ_OK;
}

static vj_status load_window(window *w, const vj_source *source, int64_t off, bool bgzf,
                             vj_error *err)
{
    int64_t n = VJ_MIN(WINDOW_BYTES, vj_source_size(source) - off);

    vj_buf_reset(&w->raw);
    VJ_TRY(vj_buf_reserve(&w->raw, (size_t)n, err));
    VJ_TRY(vj_source_read(source, off, w->raw.ptr, (size_t)n, err));
    w->raw.len_bytes = (size_t)n;
    if (bgzf)
        return inflate_blocks(w, err);
    vj_buf_reset(&w->text);
    w->raw_used = n;
    return vj_buf_append(&w->text, w->raw.ptr, (size_t)n, err);
}

static bool parse_place(vj_span line, vj_vcf_place *out)
{
    const char *tab = memchr(line.ptr, '\t', line.len_bytes);
    size_t n = tab != NULL ? (size_t)(tab - line.ptr) : 0;
    vj_span rest = {tab + 1, line.len_bytes - n - 1};

    if (tab == NULL || n == 0 || n >= sizeof out->contig || line.ptr[0] == '#')
        return false;
    const char *end = memchr(rest.ptr, '\t', rest.len_bytes);
    if (end == NULL ||
        !vj_parse_i64((vj_span){rest.ptr, (size_t)(end - rest.ptr)}, &out->pos1))
        return false;
    memcpy(out->contig, line.ptr, n);
    out->contig[n] = '\0';
    return true;
}

/* Records of a window; the first and the last one's place. Lines cut at its ends do not count. */
static int64_t read_lines(const window *w, bool from_start, vj_vcf_place *first,
                          vj_vcf_place *last, int64_t *record_bytes)
{
    const char *p = (const char *)w->text.ptr;
    const char *end = p + w->text.len_bytes;
    int64_t n = 0;

    *record_bytes = 0;
    if (!from_start && (p = memchr(p, '\n', (size_t)(end - p))) != NULL)
        p++;
    while (p != NULL && p < end) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        vj_vcf_place place;

        if (newline == NULL)
            break;
        if (parse_place((vj_span){p, (size_t)(newline - p)}, &place)) {
            if (n++ == 0)
                *first = place;
            *last = place;
            *record_bytes += newline + 1 - p;
        }
        p = newline + 1;
    }
    return n;
}

static void sum_up(vj_vcf_survey *out, double records, double raw, int64_t size)
{
    out->known = raw > 0 && out->n_places > 0;
    out->n_records = out->known ? (int64_t)(records / raw * (double)size) : 0;
}

static vj_status survey_windows(window *w, const vj_source *source, bool bgzf, vj_vcf_survey *out,
                                vj_error *err)
{
    int64_t size = vj_source_size(source);
    vj_vcf_place last = {"", 0};
    double records = 0;
    double raw = 0;

    /* as many bytes from each place to the next, and one more look at the end */
    for (int i = 0; i <= VJ_SURVEY_WINDOWS; i++) {
        bool at_end = i == VJ_SURVEY_WINDOWS;
        vj_vcf_place first = {"", 0};
        int64_t bytes = 0;

        VJ_TRY(load_window(w, source, at_end ? VJ_MAX(0, size - WINDOW_BYTES)
                                             : size / VJ_SURVEY_WINDOWS * i, bgzf, err));
        int64_t found = read_lines(w, at_end ? size <= WINDOW_BYTES : i == 0, &first, &last,
                                   &bytes);
        if (found == 0)
            continue;
        if (size <= WINDOW_BYTES) /* the whole file was read: that is their number */
            out->n_records = found;
        if (!at_end)
            out->places[out->n_places++] = first;
        records += (double)found;
        raw += (double)w->raw_used * (double)bytes / (double)w->text.len_bytes;
    }
    if (out->n_places > 0)
        out->places[out->n_places++] = last;
    int64_t exact = size <= WINDOW_BYTES ? out->n_records : -1;
    sum_up(out, records, raw, size);
    if (exact >= 0)
        out->n_records = exact;
    return VJ_OK;
}

vj_status vj_vcf_survey_file(const char *path, vj_vcf_survey *out, vj_error *err)
{
    vj_source *source = NULL;
    window w = {0};
    uint8_t magic[4] = {0};
    vj_status rc = VJ_OK;

    *out = (vj_vcf_survey){0};
    if (strcmp(path, "-") == 0 || vj_source_open(path, &source, NULL) != VJ_OK)
        return VJ_OK;
    VJ_GO(rc, vj_inflater_new(&w.inflater, err));
    if (vj_source_size(source) < 4)
        goto out;
    VJ_GO(rc, vj_source_read(source, 0, magic, sizeof magic, err));
    bool bgzf = magic[0] == 0x1f && magic[1] == 0x8b && (magic[3] & 4) != 0;
    bool text = magic[0] == '#';
    if (bgzf || text)
        VJ_GO(rc, survey_windows(&w, source, bgzf, out, err));
out:
    vj_inflater_free(w.inflater);
    vj_buf_fini(&w.raw);
    vj_buf_fini(&w.text);
    vj_source_free(source);
    return rc;
}
