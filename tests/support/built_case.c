#include "support/built_case.h"

#include <stdio.h>

#include "support/support.h"

static const vj_field text_element = {"element", {.kind = VJ_TEXT}, true};
static const vj_field fields[CASE_FIELDS] = {
    [CASE_CHROM] = {"chrom", {.kind = VJ_TEXT}, true},
    [CASE_START] = {"start", {.kind = VJ_U32}, true},
    [CASE_END] = {"end", {.kind = VJ_U32}, true},
    [CASE_ID] = {"id", {.kind = VJ_TEXT}, true},
    [CASE_REF] = {"ref", {.kind = VJ_TEXT}, true},
    [CASE_ALT] = {"alt", {.kind = VJ_TEXT}, true},
    [CASE_FLAG] = {"flag", {.kind = VJ_BOOL}, true},
    [CASE_MAYBE] = {"maybe", {.kind = VJ_BOOL}, true},
    [CASE_CLASS] = {"class", {.kind = VJ_TEXT}, true},
    [CASE_ANCESTRAL] = {"AA", {.kind = VJ_TEXT}, true},
    [CASE_LEVEL] = {"level", {.kind = VJ_I8}, true},
    [CASE_COUNT] = {"count", {.kind = VJ_U64}, true},
    [CASE_FREQ] = {"freq", {.kind = VJ_F32}, true},
    [CASE_TAGS] = {"tags", {.kind = VJ_LIST, .n_kids = 1, .kids = &text_element}, true},
    [CASE_EMPTY] = {"empty", {.kind = VJ_F64}, true},
};

static vj_status put_text(vj_colb *b, const char *text, vj_error *err)
{
    return text != NULL ? vj_colb_bytes(b, text, strlen(text), err) : vj_colb_null(b, err);
}

static vj_status add_keys(built_case *c, int64_t row, uint64_t *seed, bool odd, vj_error *err)
{
    static const char *const alleles[] = {"A", "C", "G", "T", "AC", "TTTG", "ga"};
    static const char *const odd_ids[] = {"rs0", "rs007", "rs", "COSV12", "", "rs99999999999999999999",
                                          "Rs12", "rs12x", NULL, "rs4294967295", "rs4294967296"};
    uint64_t r = test_random(seed);
    const char *ref = alleles[r % VJ_COUNT(alleles)];
    const char *alt = alleles[(r >> 8) % VJ_COUNT(alleles)];
    int64_t start = 100 + row / 2;
    char id[40];

    snprintf(id, sizeof id, "rs%llu", (unsigned long long)(1 + (r >> 20) % 2000000));
    VJ_TRY(put_text(&c->cols[CASE_CHROM], "7", err));
    VJ_TRY(vj_colb_int(&c->cols[CASE_START], start, err));
    VJ_TRY(odd && (r & 64) ? vj_colb_null(&c->cols[CASE_END], err)
           : odd ? vj_colb_int(&c->cols[CASE_END], (int64_t)(r >> 40), err)
                 : vj_colb_int(&c->cols[CASE_END], start + (int64_t)strlen(ref) - 1, err));
    VJ_TRY(put_text(&c->cols[CASE_ID], odd ? odd_ids[(r >> 33) % VJ_COUNT(odd_ids)] : id, err));
    VJ_TRY(put_text(&c->cols[CASE_REF], ref, err));
    VJ_TRY(put_text(&c->cols[CASE_ALT], odd && (r & 32) ? "<DEL>" : alt, err));
    return put_text(&c->cols[CASE_ANCESTRAL],
                    r % 11 == 0 ? NULL : odd ? "TGCA" : r % 13 == 0 ? alt : ref, err);
}

static vj_status add_payload(built_case *c, uint64_t *seed, bool odd, vj_error *err)
{
    static const char *const classes[] = {"SNV", "deletion", "insertion", "indel's", "a\"b"};
    static const char *const odd_classes[] = {"new", "", "a\nb", "\xc3\xa9", "SN"};
    uint64_t r = test_random(seed);

    VJ_TRY(vj_colb_bool(&c->cols[CASE_FLAG], r & 1, err));
    VJ_TRY(r % 3 == 0 ? vj_colb_null(&c->cols[CASE_MAYBE], err)
                      : vj_colb_bool(&c->cols[CASE_MAYBE], r & 2, err));
    VJ_TRY(put_text(&c->cols[CASE_CLASS], odd ? odd_classes[(r >> 9) % VJ_COUNT(odd_classes)]
                                              : classes[(r >> 9) % VJ_COUNT(classes)], err));
    VJ_TRY(odd ? vj_colb_int(&c->cols[CASE_LEVEL], -128, err)
               : vj_colb_int(&c->cols[CASE_LEVEL], (int64_t)((r >> 12) % 5) - 2, err));
    VJ_TRY(vj_colb_int(&c->cols[CASE_COUNT], (int64_t)(odd ? UINT64_MAX - (r & 7) : r >> 30), err));
    VJ_TRY(r & 4 ? vj_colb_null(&c->cols[CASE_FREQ], err)
                 : vj_colb_f32(&c->cols[CASE_FREQ], (float)(r >> 48) / 65536, err));
    for (uint64_t i = 0; i < (r >> 16) % 3; i++)
        VJ_TRY(put_text(&c->cols[CASE_TAGS].kids[0], i == 1 && odd ? NULL : "tag", err));
    VJ_TRY(vj_colb_end_list(&c->cols[CASE_TAGS], err));
    return vj_colb_null(&c->cols[CASE_EMPTY], err);
}

vj_status built_case_make(int64_t n_rows, uint64_t seed, int odd, built_case *out, vj_error *err)
{
    *out = (built_case){.schema = {CASE_FIELDS, fields}};
    for (int f = 0; f < CASE_FIELDS; f++)
        VJ_TRY(vj_colb_init(&out->cols[f], &fields[f].type, NULL, err));
    for (int64_t row = 0; row < n_rows; row++) {
        bool is_odd = (int)(test_random(&seed) % 100) < odd;

        VJ_TRY(add_keys(out, row, &seed, is_odd, err));
        VJ_TRY(add_payload(out, &seed, is_odd, err));
    }
    for (int f = 0; f < CASE_FIELDS; f++)
        out->views[f] = vj_colb_view(&out->cols[f]);
    out->batch = (vj_batch){&out->schema, n_rows, out->views};
    return VJ_OK;
}

void built_case_free(built_case *c)
{
    for (int f = 0; f < CASE_FIELDS; f++)
        vj_colb_fini(&c->cols[f]);
}

vj_built_options built_case_options(void)
{
    static const bool constant[CASE_FIELDS] = {[CASE_EMPTY] = true};

    return (vj_built_options){.start_i = CASE_START, .ref_i = CASE_REF, .alt_i = CASE_ALT,
                              .chrom_i = CASE_CHROM, .start_base = 1, .constant = constant};
}

static vj_status append_rows(vj_built_encoder *encoder, vj_pq_writer *writer,
                             const vj_batch *rows, int64_t batch_rows, vj_error *err)
{
    vj_colb parts[CASE_FIELDS] = {0};
    vj_col views[CASE_FIELDS];
    vj_status rc = VJ_OK;

    for (int64_t beg = 0; rc == VJ_OK && beg < rows->n_rows; beg += batch_rows) {
        vj_batch part = {rows->schema, VJ_MIN(batch_rows, rows->n_rows - beg), views};
        vj_batch physical;

        for (int f = 0; f < CASE_FIELDS; f++) {
            vj_colb_fini(&parts[f]);
            VJ_GO(rc, vj_colb_init(&parts[f], &fields[f].type, NULL, err));
            VJ_GO(rc, vj_colb_append(&parts[f], &rows->cols[f], beg, part.n_rows, err));
            views[f] = vj_colb_view(&parts[f]);
        }
        VJ_GO(rc, vj_built_encode(encoder, &part, &physical, err));
        rc = vj_pq_writer_append(writer, &physical, err);
    }
out:
    for (int f = 0; f < CASE_FIELDS; f++)
        vj_colb_fini(&parts[f]);
    return rc;
}

vj_status built_case_write(const vj_built *built, const vj_batch *rows, int64_t batch_rows,
                           int64_t group_rows, vj_budget *budget, vj_buf *out, vj_error *err)
{
    vj_pq_writer_options options = {.codec = VJ_PQ_NONE, .rows_per_page = 64,
                                    .rows_per_rowgroup = group_rows};
    vj_built_encoder *encoder = NULL;
    vj_outfile *file = NULL;
    vj_pq_writer *writer = NULL;
    vj_buf json = {.budget = budget};
    vj_status rc = VJ_OK;

    VJ_GO(rc, vj_built_encoder_new(built, budget, &encoder, err));
    VJ_GO(rc, vj_built_write(built, &json, err));
    VJ_GO(rc, vj_outfile_memory(out, &file, err));
    VJ_GO(rc, vj_pq_writer_new(file, &built->physical, &options, budget, &writer, err));
    VJ_GO(rc, vj_pq_writer_kv(writer, VJ_BUILT_KEY, (const char *)json.ptr, err));
    VJ_GO(rc, append_rows(encoder, writer, rows, batch_rows, err));
    VJ_GO(rc, vj_pq_writer_finish(writer, err));
    rc = vj_outfile_finish(file, err);
out:
    vj_pq_writer_free(writer);
    vj_outfile_free(file);
    vj_built_encoder_free(encoder);
    vj_buf_fini(&json);
    return rc;
}
