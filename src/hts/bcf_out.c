#include "hts/bcf_out.h"

#include <htslib/hts_log.h>
#include <htslib/kstring.h>
#include <htslib/vcf.h>

struct vj_bcf_out {
    bcf_hdr_t *header;
    bcf1_t *record;
    vj_buf line; /* a copy: htslib cuts it up in place */
    int32_t n_defined; /* when the header was written */
};

static int32_t count_defined(const bcf_hdr_t *header)
{
    return header->n[BCF_DT_ID] + header->n[BCF_DT_CTG];
}

vj_status vj_bcf_out_new(vj_buf *header_text, vj_budget *budget, vj_bcf_out **out, vj_error *err)
{
    vj_status rc = VJ_E_NOMEM;
    vj_bcf_out *bcf = vj_zalloc(budget, sizeof *bcf, err);

    *out = NULL;
    if (bcf == NULL)
        return VJ_E_NOMEM;
    hts_set_log_level(HTS_LOG_OFF); /* what it would print comes back as a status */
    vj_buf_init(&bcf->line, budget, 0);
    VJ_GO(rc, vj_buf_push(header_text, 0, err));
    bcf->header = bcf_hdr_init("r");
    bcf->record = bcf_init();
    if (bcf->header == NULL || bcf->record == NULL)
        rc = vj_fail(err, VJ_E_NOMEM, "no memory for a BCF header");
    else if (bcf_hdr_parse(bcf->header, (char *)header_text->ptr) != 0)
        rc = vj_fail(err, VJ_E_CORRUPT, "the header cannot be written as BCF: htslib refuses it");
out:
    if (rc == VJ_OK)
        *out = bcf;
    else
        vj_bcf_out_free(bcf);
    return rc;
}

void vj_bcf_out_free(vj_bcf_out *bcf)
{
    if (bcf == NULL)
        return;
    if (bcf->header != NULL)
        bcf_hdr_destroy(bcf->header);
    if (bcf->record != NULL)
        bcf_destroy(bcf->record);
    vj_buf_fini(&bcf->line);
    vj_free(bcf);
}

static void put_le32(uint8_t *dst, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        dst[i] = (uint8_t)(value >> (8 * i));
}

vj_status vj_bcf_out_header(vj_bcf_out *bcf, vj_buf *bytes, vj_error *err)
{
    kstring_t text = {0, 0, NULL};
    uint8_t head[9] = {'B', 'C', 'F', 2, 2};
    vj_status rc = VJ_OK;

    bcf->n_defined = count_defined(bcf->header);
    if (bcf_hdr_format(bcf->header, 1, &text) != 0)
        VJ_GO(rc, vj_fail(err, VJ_E_NOMEM, "no memory for a BCF header"));
    if (text.l >= UINT32_MAX)
        VJ_GO(rc, vj_fail(err, VJ_E_UNSUPPORTED, "a header of %zu bytes is too long for BCF",
                          text.l));
    put_le32(head + 5, (uint32_t)text.l + 1);
    VJ_GO(rc, vj_buf_append(bytes, head, sizeof head, err));
    VJ_GO(rc, vj_buf_append(bytes, text.s, text.l, err));
    VJ_GO(rc, vj_buf_push(bytes, 0, err));
out:
    ks_free(&text);
    return rc;
}

/* The record as BCF2 lays it out: eight words, then the shared and the per-sample bytes. */
static vj_status put_record(const bcf1_t *record, vj_buf *bytes, vj_error *err)
{
    uint32_t words[8] = {(uint32_t)record->shared.l + 24,
                         (uint32_t)record->indiv.l,
                         (uint32_t)record->rid,
                         (uint32_t)record->pos,
                         (uint32_t)record->rlen,
                         0,
                         (uint32_t)record->n_allele << 16 | record->n_info,
                         (uint32_t)record->n_fmt << 24 | record->n_sample};
    uint8_t head[32];

    if (record->shared.l > UINT32_MAX - 24 || record->indiv.l > UINT32_MAX)
        return vj_fail(err, VJ_E_UNSUPPORTED, "a record is too long for BCF");
    memcpy(&words[5], &record->qual, sizeof record->qual);
    for (int i = 0; i < 8; i++)
        put_le32(head + 4 * i, words[i]);
    VJ_TRY(vj_buf_append(bytes, head, sizeof head, err));
    VJ_TRY(vj_buf_append(bytes, record->shared.s, record->shared.l, err));
    return vj_buf_append(bytes, record->indiv.s, record->indiv.l, err);
}

static const char *why_refused(int code)
{
    return (code & BCF_ERR_NCOLS) != 0         ? "number of columns"
           : (code & BCF_ERR_LIMITS) != 0      ? "a number or count beyond what BCF holds"
           : (code & BCF_ERR_CHAR) != 0        ? "a byte that must not stand there"
           : (code & BCF_ERR_CTG_INVALID) != 0 ? "name of the contig"
           : (code & BCF_ERR_TAG_INVALID) != 0 ? "name of a tag"
                                               : "structure";
}

vj_status vj_bcf_out_line(vj_bcf_out *bcf, vj_span line, vj_buf *bytes, vj_bcf_place *place,
                          vj_error *err)
{
    char shown[96];

    vj_buf_reset(&bcf->line);
    VJ_TRY(vj_buf_append(&bcf->line, line.ptr, line.len_bytes, err));
    VJ_TRY(vj_buf_push(&bcf->line, 0, err));
    kstring_t text = {line.len_bytes, bcf->line.cap_bytes, (char *)bcf->line.ptr};
    int code = vcf_parse(&text, bcf->header, bcf->record);
    int broken = bcf->record->errcode & ~(BCF_ERR_CTG_UNDEF | BCF_ERR_TAG_UNDEF);
    if (code < 0 || broken != 0)
        return vj_fail(err, VJ_E_CORRUPT, "a record cannot be written as BCF (%s): %s",
                       why_refused(broken),
                       vj_quote(shown, sizeof shown, line.ptr, line.len_bytes));
    *place = (vj_bcf_place){.contig = bcf->record->rid,
                            .beg0 = bcf->record->pos,
                            .end0 = bcf->record->pos + bcf->record->rlen};
    return put_record(bcf->record, bytes, err);
}

int32_t vj_bcf_out_n_added(const vj_bcf_out *bcf)
{
    return count_defined(bcf->header) - bcf->n_defined;
}
