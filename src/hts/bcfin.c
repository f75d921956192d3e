#include "hts/bcf_text.h"
#include "hts/index_check.h"
#include "hts/reader.h"

#include <stdio.h>
#include <stdlib.h>

#include <htslib/bgzf.h>
#include <htslib/hts.h>
#include <htslib/kstring.h>
#include <htslib/tbx.h>
#include <htslib/vcf.h>

/* Text made by one call; the window then cuts lines out of it. */
#define PIECE_BYTES ((size_t)65536)
/* A record of BCF2 has two lengths of 32 bits; one over this is no record. */
#define MAX_RECORD_BYTES ((size_t)1 << 30)
#define MAX_IDX ((uint64_t)1 << 20)

/*
 * A stream: the plain bytes come through textin, so that BGZF is checked as everywhere and a
 * pipe is like a file. Records are framed here, where their lengths are held against the bytes
 * that are there; bcf_text.c makes them lines:
 *
 *   textin ──> raw: header | record | record | rec..
 *                            └── a whole one ──> bcf_text ──> line
 *
 * Regions: htslib walks the file along its index, which was checked before; records are read
 * here, the header too. What htslib holds (the header, a line of text, the index) is outside the
 * budget.
 */
struct vj_bcfin {
    char *name;
    vj_textin *in; /* borrowed; NULL with regions */
    vj_buf raw;
    size_t raw_beg;
    bool raw_end;
    htsFile *fp;    /* regions: the file */
    bcf_hdr_t *hdr; /* BCF */
    bool encoded;   /* BCF of VCF 4.3 or later: %XX stands for bytes that a value may not have */
    vj_status read_status; /* BCF with regions: why reading a record failed */
    vj_error read_err;
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
    if (src->hdr != NULL)
        bcf_hdr_destroy(src->hdr);
    if (src->fp != NULL)
        hts_close(src->fp);
    free(src->line.s);
    vj_buf_fini(&src->raw);
    vj_free(src->name);
    vj_free(src);
}

static vj_status check_index(const vj_bcfin *src, const char *path, vj_error *err)
{
    vj_source *source = NULL;

    VJ_TRY(vj_source_open(src->name, &source, err));
    int64_t file_bytes = vj_source_size(source);
    vj_source_free(source);
    return vj_index_check(path, file_bytes, src->raw.budget, err);
}

static vj_status open_index(vj_bcfin *src, vj_error *err)
{
    char *path = NULL;
    vj_status rc = VJ_OK;

    VJ_TRY(vj_index_find(src->name, !src->is_bcf, src->raw.budget, &path, err));
    if (path == NULL)
        return vj_fail(err, VJ_E_NOTFOUND,
                       "%s: regions need an index (%s) beside the file; targets need none",
                       src->name, src->is_bcf ? ".csi" : ".tbi or .csi, and BGZF");
    VJ_GO(rc, check_index(src, path, err));
    if (src->is_bcf) {
        src->csi = bcf_index_load2(src->name, path);
        if (src->csi != NULL)
            src->contigs = bcf_hdr_seqnames(src->hdr, &src->n_contigs);
    } else {
        src->tbx = tbx_index_load2(src->name, path);
        if (src->tbx != NULL)
            src->contigs = tbx_seqnames(src->tbx, &src->n_contigs);
    }
    if (src->csi == NULL && src->tbx == NULL)
        rc = vj_fail(err, VJ_E_CORRUPT, "%s: expected an index of %s, found broken bytes", path,
                     src->name);
    src->contig_i = -1;
out:
    vj_free(path);
    return rc;
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
    return VJ_OK;
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

/* Name file and record in what bcf_text.c says of one. */
static vj_status in_record(const vj_bcfin *src, vj_status rc, vj_error *err)
{
    char text[200];

    if (rc != VJ_E_CORRUPT || err == NULL)
        return rc;
    snprintf(text, sizeof text, "%.199s", err->text);
    return vj_fail(err, rc, "%s: record %lld: %s", src->name, (long long)src->n_read + 1, text);
}

static void note_version(vj_bcfin *src)
{
    const char *version = src->hdr != NULL ? bcf_hdr_get_version(src->hdr) : NULL;

    src->encoded = version != NULL && strncmp(version, "VCFv4.", 6) == 0 && version[6] >= '3';
}

/*
 * htslib makes a table as long as the largest IDX, which is a line's number in a dictionary: 16 GB
 * for IDX=1000000000. Numbers may have gaps where lines were taken out, so that more than the
 * header's lines is right, but not more than a million and its bytes.
 */
static vj_status check_numbers(const vj_bcfin *src, const char *text, size_t text_bytes,
                               vj_error *err)
{
    uint64_t most = VJ_MAX(MAX_IDX, (uint64_t)text_bytes);

    for (const char *at = text; (at = strstr(at, "IDX")) != NULL;) {
        uint64_t value = 0;

        at += 3;
        at += strspn(at, " \t");
        if (*at != '=')
            continue;
        at += strspn(at, "= \t\"+");
        for (; *at >= '0' && *at <= '9' && value <= most; at++)
            value = value * 10 + (uint64_t)(*at - '0');
        if (value > most)
            return vj_fail(err, VJ_E_CORRUPT,
                           "%s: BCF header: expected dictionary numbers (IDX) up to %llu, found "
                           "one beyond", src->name, (unsigned long long)most);
    }
    return VJ_OK;
}

/* magic "BCF" 2 minor | l_text | text */
static vj_status read_header(vj_bcfin *src, vj_error *err)
{
    vj_status rc = VJ_OK;

    VJ_TRY(want_raw(src, 9, err));
    size_t text_bytes = raw_left(src) >= 9 ? get32(raw_at(src) + 5) : 0;

    if (raw_left(src) >= 5 && raw_at(src)[3] != 2)
        return vj_fail(err, VJ_E_UNSUPPORTED, "%s: expected BCF 2.1 or 2.2, found version %u",
                       src->name, raw_at(src)[3]);
    if (text_bytes > 0 && text_bytes <= MAX_RECORD_BYTES)
        VJ_TRY(want_raw(src, 9 + text_bytes, err));
    if (text_bytes == 0 || raw_left(src) < 9 + text_bytes)
        return vj_fail(err, VJ_E_CORRUPT,
                       "%s: expected a BCF2 header of %zu bytes, found %zu bytes of the file",
                       src->name, text_bytes, raw_left(src));
    char *text = vj_strndup(src->raw.budget, raw_at(src) + 9, text_bytes, err);
    if (text == NULL)
        return VJ_E_NOMEM;
    VJ_GO(rc, check_numbers(src, text, text_bytes, err));
    src->hdr = bcf_hdr_init("r");
    if (src->hdr == NULL || bcf_hdr_parse(src->hdr, text) != 0)
        rc = vj_fail(err, VJ_E_CORRUPT, "%s: expected a BCF header, found broken text", src->name);
    src->raw_beg += 9 + text_bytes;
    note_version(src);
out:
    vj_free(text);
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

/* As a stream's: what htslib would make of the bytes is not to be trusted to it. */
static vj_status read_file_header(vj_bcfin *src, bool allow_truncated, vj_error *err)
{
    vj_input *input = NULL;

    VJ_TRY(vj_input_open(src->name, &input, err));
    vj_status rc = vj_textin_open(input, allow_truncated, src->raw.budget, &src->in, err);
    if (rc == VJ_OK)
        rc = read_header(src, err);
    vj_textin_free(src->in);
    src->in = NULL;
    src->raw_beg = 0;
    vj_buf_reset(&src->raw);
    return rc;
}

/* By htslib, for the index. */
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
    if (src->is_bcf)
        VJ_TRY(read_file_header(src, allow_truncated, err));
    return open_index(src, err);
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

static int read_record(BGZF *fp, void *data, void *self, int *tid, hts_pos_t *beg, hts_pos_t *end);

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
                   ? hts_itr_query(src->csi, src->contig_i, beg0, (hts_pos_t)range.end1, read_record)
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

/* So many further bytes of the file into raw, which grows with those that come. */
static bool read_raw(vj_bcfin *src, BGZF *fp, size_t n_bytes)
{
    while (n_bytes > 0) {
        size_t piece = VJ_MIN(n_bytes, PIECE_BYTES);

        src->read_status = vj_buf_reserve(&src->raw, piece, &src->read_err);
        if (src->read_status != VJ_OK ||
            bgzf_read(fp, src->raw.ptr + src->raw.len_bytes, piece) != (ssize_t)piece)
            return false;
        src->raw.len_bytes += piece;
        n_bytes -= piece;
    }
    return true;
}

/*
 * One record into raw, for htslib's walk along the index: bcf_readrec() would allocate whatever
 * the record's lengths say. Returns -1 at the end of the file, -2 for what is broken.
 */
static int read_record(BGZF *fp, void *data, void *self, int *tid, hts_pos_t *beg, hts_pos_t *end)
{
    vj_bcfin *src = self;
    uint8_t lengths[8];

    (void)data;
    vj_buf_reset(&src->raw);
    ssize_t n = bgzf_read(fp, lengths, sizeof lengths);
    if (n == 0)
        return -1;
    size_t shared_bytes = get32(lengths);
    size_t record_bytes = 8 + shared_bytes + get32(lengths + 4);
    if (n != (ssize_t)sizeof lengths || shared_bytes < 24 || record_bytes > MAX_RECORD_BYTES)
        return -2;
    src->read_status = vj_buf_append(&src->raw, lengths, sizeof lengths, &src->read_err);
    if (src->read_status != VJ_OK || !read_raw(src, fp, record_bytes - 8))
        return -2;
    const uint8_t *head = src->raw.ptr + 8;
    *tid = (int)get32(head);
    uint32_t pos0 = get32(head + 4); /* up to 2^32 - 2; its last value is POS 0 */
    *beg = pos0 == UINT32_MAX ? -1 : (hts_pos_t)pos0;
    *end = *beg + (int32_t)get32(head + 8);
    return 0;
}

/* A whole record as a line. */
static vj_status put_record(const vj_bcfin *src, const uint8_t *record, vj_buf *dst, vj_error *err)
{
    size_t shared_bytes = get32(record);
    const char *shared = (const char *)record + 32;
    vj_bcf_head head = vj_bcf_head_read(record + 8);

    return in_record(src, vj_bcf_text(src->hdr, src->encoded, &head,
                                      (vj_span){shared, shared_bytes - 24},
                                      (vj_span){shared + shared_bytes - 24, get32(record + 4)},
                                      dst, err), err);
}

/* Append the next record of a region; *out_end when no range is left. */
static vj_status read_region(vj_bcfin *src, vj_buf *dst, bool *out_end, vj_error *err)
{
    for (;;) {
        if (src->itr == NULL)
            VJ_TRY(next_range(src, out_end, err));
        if (*out_end)
            return VJ_OK;
        src->line.l = 0;
        int n = src->is_bcf ? hts_itr_next(src->fp->fp.bgzf, src->itr, src, NULL)
                            : tbx_itr_next(src->fp, src->tbx, src->itr, &src->line);
        if (n < -1 && src->read_status != VJ_OK) {
            if (err != NULL)
                *err = src->read_err;
            return src->read_status;
        }
        if (n < -1)
            return fail_record(src, err);
        if (n == -1) {
            VJ_TRY(next_range(src, out_end, err));
            continue;
        }
        if (seen_before(src))
            continue;
        if (src->is_bcf)
            return put_record(src, src->raw.ptr, dst, err);
        VJ_TRY(vj_buf_append(dst, src->line.s, src->line.l, err));
        return vj_buf_push(dst, '\n', err);
    }
}

/* l_shared l_indiv | head and shared bytes | samples; *out_end when there is none. */
static vj_status read_stream(vj_bcfin *src, vj_buf *dst, bool *out_end, vj_error *err)
{
    VJ_TRY(want_raw(src, 32, err));
    *out_end = raw_left(src) == 0;
    if (*out_end)
        return VJ_OK;
    if (raw_left(src) < 32)
        return fail_record(src, err);
    size_t shared_bytes = get32(raw_at(src));
    size_t record_bytes = 8 + shared_bytes + get32(raw_at(src) + 4);
    if (shared_bytes < 24 || record_bytes > MAX_RECORD_BYTES)
        return fail_record(src, err);
    VJ_TRY(want_raw(src, record_bytes, err));
    if (raw_left(src) < record_bytes)
        return fail_record(src, err);
    vj_status rc = put_record(src, raw_at(src), dst, err);
    src->raw_beg += record_bytes;
    return rc;
}

vj_status vj_bcfin_read(vj_bcfin *src, vj_buf *dst, bool *out_end, vj_error *err)
{
    size_t before = dst->len_bytes;
    bool at_end = false;

    while (!at_end && dst->len_bytes - before < PIECE_BYTES) {
        VJ_TRY(src->regions != NULL ? read_region(src, dst, &at_end, err)
                                    : read_stream(src, dst, &at_end, err));
        src->n_read += !at_end;
    }
    *out_end = at_end && dst->len_bytes == before;
    return VJ_OK;
}

int64_t vj_bcfin_bytes_done(const vj_bcfin *src)
{
    return src->fp->format.compression == bgzf ? src->fp->fp.bgzf->block_address : 0;
}
