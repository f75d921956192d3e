#include "hts/reader.h"

#include <stdlib.h>

#include <htslib/bgzf.h>
#include <htslib/hfile.h>
#include <htslib/hts.h>
#include <htslib/kstring.h>
#include <htslib/tbx.h>
#include <htslib/vcf.h>

/* Text made by one call; the window then cuts lines out of it. */
#define PIECE_BYTES ((size_t)65536)
/* A record of BCF2 has two lengths of 32 bits; one over this is no record. */
#define MAX_RECORD_BYTES ((size_t)1 << 30)
/* Plain BCF that htslib is given at a time. */
#define BATCH_BYTES ((size_t)256 << 10)

/*
 * A stream: the plain bytes come through textin, so that BGZF is checked as everywhere and a
 * pipe is like a file. Records are framed here, where their lengths are held against the bytes
 * that are there; only then does htslib see them, as a small file in memory:
 *
 *   textin ──> raw: header | record | record | rec..
 *                            └── whole ones ──> hFILE ──bcf_read──> vcf_format ──> line
 *
 * Regions: htslib reads the file itself, along its index. What htslib holds (a batch, a record,
 * an index) is outside the budget.
 */
struct vj_bcfin {
    char *name;
    vj_textin *in; /* borrowed; NULL with regions */
    vj_buf raw;
    size_t raw_beg;
    bool raw_end;
    htsFile *fp;    /* regions: the file; else the batch in memory */
    bcf_hdr_t *hdr; /* BCF */
    bcf1_t *rec;
    kstring_t line;
    bool is_bcf;
    int64_t n_read; /* records, for messages */
    /* with regions: contig by contig in the index's order, range by range */
    const vj_regions *regions;
    hts_idx_t *csi;
    tbx_t *tbx;
    const char **contigs; /* names by number in the index */
    int n_contigs;
    int contig_i;
    size_t range_i;
    hts_itr_t *itr;
};

void vj_bcfin_free(vj_bcfin *src)
{
    if (src == NULL)
        return;
    if (src->itr != NULL)
        hts_itr_destroy(src->itr);
    if (src->tbx != NULL)
        tbx_destroy(src->tbx);
    if (src->csi != NULL)
        hts_idx_destroy(src->csi);
    free(src->contigs);
    if (src->rec != NULL)
        bcf_destroy(src->rec);
    if (src->hdr != NULL)
        bcf_hdr_destroy(src->hdr);
    if (src->fp != NULL)
        hts_close(src->fp);
    free(src->line.s);
    vj_buf_fini(&src->raw);
    vj_free(src->name);
    vj_free(src);
}

static vj_status open_index(vj_bcfin *src, vj_error *err)
{
    if (src->is_bcf) {
        src->csi = bcf_index_load(src->name);
        if (src->csi != NULL)
            src->contigs = bcf_hdr_seqnames(src->hdr, &src->n_contigs);
    } else {
        src->tbx = tbx_index_load(src->name);
        if (src->tbx != NULL)
            src->contigs = tbx_seqnames(src->tbx, &src->n_contigs);
    }
    if (src->csi == NULL && src->tbx == NULL)
        return vj_fail(err, VJ_E_NOTFOUND,
                       "%s: regions need an index (%s) beside the file; targets need none",
                       src->name, src->is_bcf ? ".csi" : ".tbi or .csi, and BGZF");
    src->contig_i = -1;
    return VJ_OK;
}

/* By htslib alone, for the index. */
static vj_status open_file(vj_bcfin *src, bool allow_truncated, vj_error *err)
{
    if ((src->fp = hts_open(src->name, "r")) == NULL)
        return vj_fail(err, VJ_E_CORRUPT, "%s: expected a BCF or VCF file, found another format",
                       src->name);
    src->is_bcf = src->fp->format.format == bcf;
    if (src->fp->format.compression == bgzf && hts_check_EOF(src->fp) == 0 && !allow_truncated)
        return vj_fail(err, VJ_E_CORRUPT,
                       "%s: truncated: expected the empty block that ends a BGZF file, found none",
                       src->name);
    if (src->is_bcf && (src->hdr = bcf_hdr_read(src->fp)) == NULL)
        return vj_fail(err, VJ_E_CORRUPT, "%s: expected a BCF header, found broken bytes",
                       src->name);
    return open_index(src, err);
}

static vj_status make(const char *name, vj_budget *budget, vj_bcfin **out, vj_error *err)
{
    vj_bcfin *src = vj_zalloc(budget, sizeof *src, err);

    *out = src;
    if (src == NULL)
        return VJ_E_NOMEM;
    hts_set_log_level(HTS_LOG_OFF); /* what is wrong is told through the status */
    vj_buf_init(&src->raw, budget, 0);
    if ((src->name = vj_strdup(budget, name, err)) == NULL)
        return VJ_E_NOMEM;
    src->rec = bcf_init();
    return src->rec != NULL ? VJ_OK : vj_fail(err, VJ_E_NOMEM, "no memory for a BCF record");
}

vj_status vj_bcfin_open_regions(const char *path, const vj_regions *regions, bool allow_truncated,
                                vj_budget *budget, vj_bcfin **out, vj_error *err)
{
    vj_bcfin *src = NULL;
    vj_status rc = make(path, budget, &src, err);

    *out = NULL;
    if (rc == VJ_OK) {
        src->regions = regions;
        rc = open_file(src, allow_truncated, err);
    }
    if (rc == VJ_OK)
        *out = src;
    else
        vj_bcfin_free(src);
    return rc;
}

/* ---- framing of a stream ---- */

static size_t raw_left(const vj_bcfin *src)
{
    return src->raw.len_bytes - src->raw_beg;
}

static const uint8_t *raw_at(const vj_bcfin *src)
{
    return src->raw.ptr + src->raw_beg;
}

/* Have so many bytes at hand, unless the stream ends before. What is asked for is never taken
 * on trust: the buffer grows with the bytes that come. */
static vj_status want_raw(vj_bcfin *src, size_t want, vj_error *err)
{
    if (raw_left(src) >= want)
        return VJ_OK;
    if (src->raw_beg > 0) {
        memmove(src->raw.ptr, raw_at(src), raw_left(src));
        src->raw.len_bytes -= src->raw_beg;
        src->raw_beg = 0;
    }
    while (src->raw.len_bytes < want && !src->raw_end)
        VJ_TRY(vj_textin_read(src->in, &src->raw, &src->raw_end, err));
    return VJ_OK;
}

static uint32_t get32(const uint8_t *ptr)
{
    return (uint32_t)ptr[0] | (uint32_t)ptr[1] << 8 | (uint32_t)ptr[2] << 16 |
           (uint32_t)ptr[3] << 24;
}

static vj_status fail_record(const vj_bcfin *src, vj_error *err)
{
    return vj_fail(err, VJ_E_CORRUPT, "%s: record %lld: expected a whole record, found broken or "
                                      "cut-off bytes", src->name, (long long)src->n_read + 1);
}

/* magic "BCF" 2 minor | l_text | text */
static vj_status read_header(vj_bcfin *src, vj_error *err)
{
    vj_status rc = VJ_OK;

    VJ_TRY(want_raw(src, 9, err));
    size_t text_bytes = raw_left(src) >= 9 ? get32(raw_at(src) + 5) : 0;
    if (text_bytes > 0 && text_bytes <= MAX_RECORD_BYTES)
        VJ_TRY(want_raw(src, 9 + text_bytes, err));
    if (text_bytes == 0 || raw_left(src) < 9 + text_bytes || raw_at(src)[3] != 2)
        return vj_fail(err, VJ_E_CORRUPT,
                       "%s: expected a BCF2 header of %zu bytes, found %zu bytes of the file",
                       src->name, text_bytes, raw_left(src));
    char *text = vj_strndup(src->raw.budget, raw_at(src) + 9, text_bytes, err);
    if (text == NULL)
        return VJ_E_NOMEM;
    src->hdr = bcf_hdr_init("r");
    if (src->hdr == NULL || bcf_hdr_parse(src->hdr, text) != 0)
        rc = vj_fail(err, VJ_E_CORRUPT, "%s: expected a BCF header, found broken text", src->name);
    vj_free(text);
    src->raw_beg += 9 + text_bytes;
    return rc;
}

vj_status vj_bcfin_open_stream(vj_textin *in, const vj_buf *first, vj_budget *budget,
                               vj_bcfin **out, vj_error *err)
{
    vj_bcfin *src = NULL;
    vj_status rc = make(vj_textin_name(in), budget, &src, err);

    *out = NULL;
    VJ_GO(rc, rc);
    src->in = in;
    src->is_bcf = true;
    VJ_GO(rc, vj_buf_append(&src->raw, first->ptr, first->len_bytes, err));
    VJ_GO(rc, read_header(src, err));
    *out = src;
    src = NULL;
out:
    vj_bcfin_free(src);
    return rc;
}

/* Bytes of the whole records at hand, some BATCH_BYTES of them or one; 0 at the end. */
static vj_status frame_batch(vj_bcfin *src, size_t *out_bytes, vj_error *err)
{
    size_t bytes = 0;

    *out_bytes = 0;
    while (bytes < BATCH_BYTES) {
        VJ_TRY(want_raw(src, bytes + 8, err));
        if (raw_left(src) == bytes)
            break;
        if (raw_left(src) < bytes + 8)
            return fail_record(src, err);
        size_t shared = get32(raw_at(src) + bytes);
        size_t record = 8 + shared + get32(raw_at(src) + bytes + 4);
        if (shared < 24 || record > MAX_RECORD_BYTES)
            return fail_record(src, err);
        VJ_TRY(want_raw(src, bytes + record, err));
        if (raw_left(src) < bytes + record)
            return fail_record(src, err);
        bytes += record;
    }
    *out_bytes = bytes;
    return VJ_OK;
}

/* Open the records as a BCF file in memory; its header is empty, ours is used. */
static vj_status open_batch(vj_bcfin *src, size_t bytes, vj_error *err)
{
    static const char empty[10] = "BCF\2\2\1\0\0\0";
    char skipped[sizeof empty];
    char *copy = malloc(sizeof empty + bytes); /* freed by htslib */
    hFILE *file = NULL;

    if (copy != NULL) {
        memcpy(copy, empty, sizeof empty);
        memcpy(copy + sizeof empty, raw_at(src), bytes);
        file = hopen("mem:", "r:", copy, sizeof empty + bytes);
    }
    if (file == NULL)
        free(copy);
    else if ((src->fp = hts_hopen(file, src->name, "r")) == NULL)
        hclose_abruptly(file);
    if (src->fp == NULL || bgzf_read(src->fp->fp.bgzf, skipped, sizeof skipped) !=
                               (ssize_t)sizeof skipped)
        return vj_fail(err, VJ_E_NOMEM, "no memory for a batch of BCF records");
    src->raw_beg += bytes;
    return VJ_OK;
}

const char *vj_bcfin_format(const vj_bcfin *src)
{
    return src->is_bcf ? "BCF" : "BGZF with an index";
}

vj_status vj_bcfin_header(vj_bcfin *src, vj_buf *dst, vj_error *err)
{
    src->line.l = 0;
    if (src->is_bcf) {
        if (bcf_hdr_format(src->hdr, 0, &src->line) != 0)
            return vj_fail(err, VJ_E_CORRUPT, "%s: the BCF header cannot be written as text",
                           src->name);
        /* the text is C's: a header may end in NUL bytes */
        return vj_buf_append(dst, src->line.s, strnlen(src->line.s, src->line.l), err);
    }
    for (;;) {
        int n = hts_getline(src->fp, '\n', &src->line);

        if (n < 0)
            return vj_fail(err, VJ_E_CORRUPT, "%s: expected a #CHROM line, the file ends",
                           src->name);
        VJ_TRY(vj_buf_append(dst, src->line.s, src->line.l, err));
        VJ_TRY(vj_buf_push(dst, '\n', err));
        if (src->line.l < 2 || src->line.s[0] != '#' || src->line.s[1] != '#')
            return VJ_OK;
    }
}

/* Enter the next range that the index may answer; *out_end when there is none. */
static vj_status next_range(vj_bcfin *src, bool *out_end, vj_error *err)
{
    const vj_ranges *ranges = NULL;

    if (src->itr != NULL)
        hts_itr_destroy(src->itr);
    src->itr = NULL;
    *out_end = src->contig_i >= src->n_contigs;
    if (*out_end)
        return VJ_OK;
    if (src->contig_i >= 0)
        ranges = vj_regions_of(src->regions, vj_span_of(src->contigs[src->contig_i]), -1);
    src->range_i++;
    while (ranges == NULL || src->range_i >= ranges->list.n) {
        if (++src->contig_i >= src->n_contigs) {
            *out_end = true;
            return VJ_OK;
        }
        ranges = vj_regions_of(src->regions, vj_span_of(src->contigs[src->contig_i]), -1);
        src->range_i = 0;
    }
    vj_range range = ranges->list.ptr[src->range_i];
    hts_pos_t beg0 = VJ_MAX(range.beg1 - 1, 0);
    src->itr = src->is_bcf
                   ? bcf_itr_queryi(src->csi, src->contig_i, beg0, (hts_pos_t)range.end1)
                   : tbx_itr_queryi(src->tbx, src->contig_i, beg0, (hts_pos_t)range.end1);
    if (src->itr == NULL)
        return vj_fail(err, VJ_E_CORRUPT, "%s: the index does not answer for contig %s",
                       src->name, src->contigs[src->contig_i]);
    return VJ_OK;
}

/* A record that spans two ranges is given for the first of them only. */
static bool seen_before(const vj_bcfin *src)
{
    const vj_ranges *ranges =
        vj_regions_of(src->regions, vj_span_of(src->contigs[src->contig_i]), -1);

    return src->range_i > 0 && src->itr->curr_beg + 1 <= ranges->list.ptr[src->range_i - 1].end1;
}

/* One record of a region behind src->line; *out_end when no range is left. */
static vj_status read_region(vj_bcfin *src, bool *out_end, vj_error *err)
{
    for (;;) {
        if (src->itr == NULL)
            VJ_TRY(next_range(src, out_end, err));
        if (*out_end)
            return VJ_OK;
        src->line.l = 0;
        int n = src->is_bcf ? bcf_itr_next(src->fp, src->itr, src->rec)
                            : tbx_itr_next(src->fp, src->tbx, src->itr, &src->line);
        if (n < -1)
            return fail_record(src, err);
        if (n == -1) {
            VJ_TRY(next_range(src, out_end, err));
            continue;
        }
        if (seen_before(src))
            continue;
        if (src->is_bcf && vcf_format(src->hdr, src->rec, &src->line) != 0)
            return fail_record(src, err);
        if (!src->is_bcf && kputc('\n', &src->line) < 0)
            return vj_fail(err, VJ_E_NOMEM, "no memory for a line");
        return VJ_OK;
    }
}

/* The next record of a stream. */
static vj_status read_stream(vj_bcfin *src, bool *out_end, vj_error *err)
{
    for (;;) {
        size_t bytes = 0;

        if (src->fp == NULL) {
            VJ_TRY(frame_batch(src, &bytes, err));
            *out_end = bytes == 0;
            if (*out_end)
                return VJ_OK;
            VJ_TRY(open_batch(src, bytes, err));
        }
        int n = bcf_read(src->fp, src->hdr, src->rec);
        src->line.l = 0;
        if (n == 0 && src->rec->errcode == 0 && vcf_format(src->hdr, src->rec, &src->line) == 0)
            return VJ_OK;
        if (n != -1)
            return fail_record(src, err);
        hts_close(src->fp);
        src->fp = NULL;
    }
}

vj_status vj_bcfin_read(vj_bcfin *src, vj_buf *dst, bool *out_end, vj_error *err)
{
    size_t before = dst->len_bytes;
    bool at_end = false;

    while (!at_end && dst->len_bytes - before < PIECE_BYTES) {
        VJ_TRY(src->regions != NULL ? read_region(src, &at_end, err)
                                    : read_stream(src, &at_end, err));
        if (at_end)
            break;
        VJ_TRY(vj_buf_append(dst, src->line.s, src->line.l, err));
        src->n_read++;
    }
    *out_end = at_end && dst->len_bytes == before;
    return VJ_OK;
}

int64_t vj_bcfin_bytes_done(const vj_bcfin *src)
{
    return src->fp->format.compression == bgzf ? src->fp->fp.bgzf->block_address : 0;
}
