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

/*
 * Everything of htslib that reads. Its own memory is outside the budget: a record, a block, an
 * index.
 */
struct vj_bcfin {
    char *name;
    htsFile *fp;
    bcf_hdr_t *hdr; /* BCF */
    bcf1_t *rec;
    kstring_t line;
    bool is_bcf;
    bool allow_truncated;
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

void *vj_bcfin_memory(const void *ptr, size_t len_bytes)
{
    /* htslib frees the bytes itself */
    char *copy = malloc(len_bytes + 1);
    hFILE *file = NULL;

    if (copy != NULL) {
        memcpy(copy, ptr, len_bytes);
        file = hopen("mem:", "r:", copy, len_bytes);
        if (file == NULL)
            free(copy);
    }
    return file;
}

static vj_status read_pipe(void *ctx, void *dst, size_t cap_bytes, size_t *out_n, vj_error *err)
{
    ssize_t n = hread(ctx, dst, cap_bytes);

    *out_n = n > 0 ? (size_t)n : 0;
    return n >= 0 ? VJ_OK : vj_fail(err, VJ_E_IO, "reading a pipe failed");
}

static void close_pipe(void *ctx)
{
    hclose_abruptly(ctx);
}

vj_status vj_bcfin_pipe(const char *path, const char *name, vj_feed *out, bool *out_is_bcf,
                        vj_error *err)
{
    htsFormat format = {0};
    hFILE *file = NULL;

    hts_set_log_level(HTS_LOG_OFF);
    if ((file = hopen(path, "r")) == NULL)
        return vj_fail(err, VJ_E_IO, "%s: cannot be opened", name);
    *out = (vj_feed){.ctx = file, .name = name, .size_bytes = -1, .read = read_pipe,
                     .free = close_pipe};
    *out_is_bcf = hts_detect_format(file, &format) == 0 && format.format == bcf;
    return VJ_OK;
}

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

static vj_status open_file(vj_bcfin *src, hFILE *hfile, bool allow_truncated, vj_error *err)
{
    hts_set_log_level(HTS_LOG_OFF); /* what is wrong is told through the status */
    if (hfile != NULL) {
        if ((src->fp = hts_hopen(hfile, src->name, "r")) == NULL)
            hclose_abruptly(hfile);
    } else {
        src->fp = hts_open(src->name, "r");
    }
    if (src->fp == NULL)
        return vj_fail(err, VJ_E_CORRUPT, "%s: expected a BCF or VCF file, found another format",
                       src->name);
    src->is_bcf = src->fp->format.format == bcf;
    if (src->fp->format.compression == bgzf && hts_check_EOF(src->fp) == 0 && !allow_truncated)
        return vj_fail(err, VJ_E_CORRUPT,
                       "%s: truncated: expected the empty block that ends a BGZF file, found none",
                       src->name);
    if (!src->is_bcf)
        return VJ_OK;
    if ((src->hdr = bcf_hdr_read(src->fp)) == NULL)
        return vj_fail(err, VJ_E_CORRUPT, "%s: expected a BCF header, found broken bytes",
                       src->name);
    src->rec = bcf_init();
    return src->rec != NULL ? VJ_OK : vj_fail(err, VJ_E_NOMEM, "no memory for a BCF record");
}

vj_status vj_bcfin_open(const char *path, void *hfile, const vj_regions *regions,
                        bool allow_truncated, vj_bcfin **out, vj_error *err)
{
    vj_bcfin *src = vj_zalloc(NULL, sizeof *src, err);
    vj_status rc = VJ_E_NOMEM;

    *out = NULL;
    if (src == NULL || (src->name = vj_strdup(NULL, path, err)) == NULL) {
        if (hfile != NULL)
            hclose_abruptly(hfile);
        goto out;
    }
    src->regions = regions;
    src->allow_truncated = allow_truncated;
    VJ_GO(rc, open_file(src, hfile, allow_truncated, err));
    if (regions != NULL)
        VJ_GO(rc, open_index(src, err));
    *out = src;
    src = NULL;
out:
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

static vj_status fail_record(const vj_bcfin *src, vj_error *err)
{
    return vj_fail(err, VJ_E_CORRUPT, "%s: record %lld: expected a whole record, found broken or "
                                      "cut-off bytes", src->name, (long long)src->n_read + 1);
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

/* A pipe shows only at its end whether the empty block is there. */
static vj_status check_end(const vj_bcfin *src, vj_error *err)
{
    if (src->fp->format.compression == bgzf && src->fp->fp.bgzf->no_eof_block &&
        !src->allow_truncated)
        return vj_fail(err, VJ_E_CORRUPT,
                       "%s: truncated: expected the empty block that ends a BGZF file, found none",
                       src->name);
    return VJ_OK;
}

/* The next record of a whole BCF file. */
static vj_status read_record(vj_bcfin *src, bool *out_end, vj_error *err)
{
    int n = bcf_read(src->fp, src->hdr, src->rec);

    src->line.l = 0;
    *out_end = n == -1;
    if (n == -1)
        return check_end(src, err);
    if (n < -1 || src->rec->errcode != 0 || vcf_format(src->hdr, src->rec, &src->line) != 0)
        return fail_record(src, err);
    return VJ_OK;
}

vj_status vj_bcfin_read(vj_bcfin *src, vj_buf *dst, bool *out_end, vj_error *err)
{
    size_t before = dst->len_bytes;
    bool at_end = false;

    while (!at_end && dst->len_bytes - before < PIECE_BYTES) {
        VJ_TRY(src->regions != NULL ? read_region(src, &at_end, err)
                                    : read_record(src, &at_end, err));
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
    return src->fp->format.compression == bgzf && src->fp->fp.bgzf != NULL
               ? src->fp->fp.bgzf->block_address
               : 0;
}
