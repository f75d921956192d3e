/*
 * Real files, read by our parser and by htslib: the same records, alleles, ends, numbers and
 * genotypes. htslib is the oracle; what it sees differently by design is left out by name.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include <htslib/vcf.h>

#include "support/vcf_case.h"

#define MAX_RECORDS 1500

typedef struct oracle {
    htsFile *fp;
    bcf_hdr_t *hdr;
    bcf1_t *rec;
    void *values;
    int n_values;
} oracle;

typedef struct pair {
    oracle *o;
    const char *path;
    const vj_vcf_reader *reader;
    const vj_vcf_rows *rows;
    int64_t row_i;
    int32_t alt_i;
} pair;

static bool differs(const pair *p, const char *what)
{
    fail_msg("%s: %s:%lld: %s differs from htslib's", p->path, bcf_seqname(p->o->hdr, p->o->rec),
             (long long)p->o->rec->pos + 1, what);
    return true;
}

static const vj_col *col(const pair *p, int32_t i)
{
    return &p->rows->cols[i];
}

static void check_text(const pair *p, int32_t col_i, const char *expected)
{
    const char *name = p->rows->schema.fields[col_i].name;

    if (strcmp(expected, ".") == 0) {
        if (!vj_col_is_null(col(p, col_i), p->row_i))
            differs(p, name);
    } else if (vj_col_is_null(col(p, col_i), p->row_i) ||
               !vj_span_is(vj_col_bytes(col(p, col_i), p->row_i), expected)) {
        differs(p, name);
    }
}

static void check_fixed(const pair *p)
{
    const bcf1_t *rec = p->o->rec;
    const char *contig = bcf_seqname(p->o->hdr, rec);
    bool qual_missing = bcf_float_is_missing(rec->qual) != 0;

    check_text(p, 0, strncasecmp(contig, "chr", 3) == 0 ? contig + 3 : contig);
    if (vj_col_i64(col(p, 1), p->row_i) != rec->pos + 1)
        differs(p, "start");
    if (vj_col_i64(col(p, 2), p->row_i) != rec->pos + rec->rlen)
        differs(p, "end");
    check_text(p, 3, rec->d.id);
    check_text(p, 4, rec->d.allele[0]);
    check_text(p, 5, rec->n_allele > 1 ? rec->d.allele[p->alt_i + 1] : ".");
    if (vj_col_i64(col(p, 6), p->row_i) != p->alt_i + 1)
        differs(p, "alt_index");
    if (vj_col_is_null(col(p, 7), p->row_i) != qual_missing ||
        (!qual_missing && (float)vj_col_f64(col(p, 7), p->row_i) != rec->qual))
        differs(p, "qual");
}

/* One number of htslib's against one of ours; at -1: the cell itself is a scalar. */
static void check_number(const pair *p, const vj_col *c, int64_t i, int type, int at,
                         const char *name)
{
    bool missing;

    if (type == BCF_HT_INT) {
        int32_t value = ((const int32_t *)p->o->values)[at];

        missing = value == bcf_int32_missing || value == bcf_int32_vector_end;
        if (vj_col_is_null(c, i) != missing || (!missing && vj_col_i64(c, i) != value))
            differs(p, name);
    } else {
        float value = ((const float *)p->o->values)[at];

        missing = bcf_float_is_missing(value) || bcf_float_is_vector_end(value);
        if (vj_col_is_null(c, i) != missing ||
            (!missing && (float)vj_col_f64(c, i) != value && !isnan(value)))
            differs(p, name);
    }
}

/* n values of htslib's (<= 0: none) against our cell of this field. */
static void check_numbers(const pair *p, int32_t col_i, const vj_vcf_def *def, int type, int n)
{
    const vj_col *c = col(p, col_i);
    int n_alts = p->o->rec->n_allele - 1;

    if (n <= 0) {
        if (!vj_col_is_null(c, p->row_i))
            differs(p, def->id);
        return;
    }
    if (def->number == 1 && n == 1) {
        check_number(p, c, p->row_i, type, 0, def->id);
    } else if (def->number == VJ_NUMBER_A && n == n_alts) {
        check_number(p, c, p->row_i, type, p->alt_i, def->id);
    } else if (def->number == VJ_NUMBER_R && n == n_alts + 1) {
        if (vj_col_is_null(c, p->row_i))
            return; /* a lone '.' is null, a vector of one missing value for htslib */
        check_number(p, &c->kids[0], c->offs[p->row_i], type, 0, def->id);
        check_number(p, &c->kids[0], c->offs[p->row_i] + 1, type, p->alt_i + 1, def->id);
    } else if (def->number == VJ_NUMBER_G || def->number == VJ_NUMBER_DOT) {
        for (int i = 0; !vj_col_is_null(c, p->row_i) &&
                        i < c->offs[p->row_i + 1] - c->offs[p->row_i];
             i++)
            check_number(p, &c->kids[0], c->offs[p->row_i] + i, type, i, def->id);
    }
}

static void check_field(const pair *p, int32_t col_i, const vj_vcf_origin *origin)
{
    const vj_vcf_def *def = origin->def;
    int type = def->kind == VJ_VCF_INTEGER ? BCF_HT_INT : BCF_HT_REAL;
    bcf_hdr_t *hdr = p->o->hdr;
    int n;

    if (def->kind == VJ_VCF_FLAG) {
        n = bcf_get_info_flag(hdr, p->o->rec, def->id, &p->o->values, &p->o->n_values);
        if (vj_bit_get(col(p, col_i)->data, p->row_i) != (n == 1))
            differs(p, def->id);
        return;
    }
    if (def->kind != VJ_VCF_INTEGER && def->kind != VJ_VCF_FLOAT)
        return;
    if (origin->role == VJ_ROLE_INFO) {
        n = bcf_get_info_values(hdr, p->o->rec, def->id, &p->o->values, &p->o->n_values, type);
    } else {
        n = bcf_get_format_values(hdr, p->o->rec, def->id, &p->o->values, &p->o->n_values, type);
        n = n > 0 ? n / bcf_hdr_nsamples(hdr) : n; /* the first sample's */
        /* vectors are as long as the longest sample's */
        while (n > 1 && type == BCF_HT_INT &&
               ((const int32_t *)p->o->values)[n - 1] == bcf_int32_vector_end)
            n--;
    }
    check_numbers(p, col_i, def, type, n);
}

static void check_genotype(const pair *p, int32_t col_i)
{
    int n = bcf_get_genotypes(p->o->hdr, p->o->rec, &p->o->values, &p->o->n_values);
    const vj_col *c = col(p, col_i);
    int ploidy = n > 0 ? n / bcf_hdr_nsamples(p->o->hdr) : 0;
    int called = 0;

    for (int i = 0; i < ploidy; i++) {
        int32_t value = ((const int32_t *)p->o->values)[i];
        bool found = false;

        if (value == bcf_int32_vector_end || bcf_gt_is_missing(value))
            continue;
        called++;
        for (int32_t k = c->offs[p->row_i]; k < c->offs[p->row_i + 1]; k++)
            found |= vj_span_is(vj_col_bytes(&c->kids[0], k),
                                p->o->rec->d.allele[bcf_gt_allele(value)]);
        if (!found)
            differs(p, "genotype");
    }
    if (called != c->offs[p->row_i + 1] - c->offs[p->row_i])
        differs(p, "genotype");
}

static void check_row(pair *p)
{
    const vj_vcf_origin *origins = vj_vcf_origins_view(p->reader);

    check_fixed(p);
    for (int32_t i = 9; i < p->rows->n_cols; i++) {
        if (origins[i].role != VJ_ROLE_FIXED)
            check_field(p, i, &origins[i]);
        else if (strcmp(p->rows->schema.fields[i].name, "genotype") == 0)
            check_genotype(p, i);
    }
}

/* The rows of one record; htslib has read it. */
static void check_record(pair *p)
{
    const bcf1_t *rec = p->o->rec;
    int n_real = 0;

    bcf_unpack(p->o->rec, BCF_UN_ALL);
    for (int i = 1; i < rec->n_allele; i++)
        n_real += !vj_allele_is_nonref(vj_span_of(rec->d.allele[i]));
    int n_rows = n_real > 0 ? n_real : 1;
    p->alt_i = 0;
    for (int k = 0; k < n_rows; k++, p->alt_i++, p->row_i++) {
        while (n_real > 0 && vj_allele_is_nonref(vj_span_of(rec->d.allele[p->alt_i + 1])))
            p->alt_i++;
        if (p->row_i >= p->rows->n_rows)
            differs(p, "number of rows");
        check_row(p);
    }
}

static void check_file(const char *path)
{
    oracle o = {0};
    vj_vcf_reader *reader = NULL;
    vj_vcf_block *block = NULL;
    vj_vcf_rows *rows = NULL;
    vj_error err = {0};
    bool more = false;
    pair p = {.o = &o, .path = path};

    o.fp = hts_open(path, "r");
    o.hdr = bcf_hdr_read(o.fp);
    o.rec = bcf_init();
    assert_ok(vj_vcf_open(path, NULL, NULL, &reader, &err), &err);
    assert_ok(vj_vcf_block_new(NULL, &block, &err), &err);
    assert_ok(vj_vcf_rows_new(reader, NULL, &rows, &err), &err);
    assert_ok(vj_vcf_block_next(reader, MAX_RECORDS, 64 << 20, block, &more, &err), &err);
    assert_true(more);
    assert_ok(vj_vcf_parse(reader, block, rows, &err), &err);
    p.reader = reader;
    p.rows = rows;
    assert_in_range(rows->counts.n_records, 500, MAX_RECORDS);
    for (int64_t i = 0; i < rows->counts.n_records; i++) {
        assert_int_equal(bcf_read(o.fp, o.hdr, o.rec), 0);
        check_record(&p);
    }
    assert_int_equal(p.row_i, rows->n_rows);
    vj_vcf_rows_free(rows);
    vj_vcf_block_free(block);
    vj_vcf_free(reader);
    free(o.values);
    bcf_destroy(o.rec);
    bcf_hdr_destroy(o.hdr);
    hts_close(o.fp);
}

static void real_files_read_as_htslib_reads_them(void **state)
{
    (void)state;
    static const char *const names[] = {
        "HG002.chr20.GRCh38.vcf.gz", "hapmap_r22.chr20.CEU.GRCh38.bcf",
        "HG00268.chr20-21.GRCh38.g.vcf.gz", "NA12878.chr21.GRCh38.vcf.gz",
        "antku_small.GRCh38.vcf", "1000G.highcov.chr1-head.GRCh38.vcf.gz",
        "gnomad-exomes.v4.0.chrX-slice.GRCh38.vcf.bgz", "clinvar.chr1-head.GRCh38.vcf",
        "ashkenazi-trio.chr1.GRCh37.vcf.gz", "NA12878.nist2.19-complex.GRCh37.vcf.gz",
        "HG00096.chr22.GRCh37.vcf.bgz"};
    const char *root = getenv("VARJOIN_SHARED");
    char here[600] = __FILE__; /* tests/unit/<this>: beside the checkout lies shared */
    int n_checked = 0;

    for (int i = 0; i < 3 && strrchr(here, '/') != NULL; i++)
        *strrchr(here, '/') = '\0';

    hts_set_log_level(HTS_LOG_OFF);
    for (size_t i = 0; i < VJ_COUNT(names); i++) {
        char path[1000];

        snprintf(path, sizeof path, "%s%s/data/%s", root != NULL ? root : here,
                 root != NULL ? "" : "/../shared", names[i]);
        if (!vj_path_exists(path))
            continue;
        check_file(path);
        n_checked++;
    }
    if (n_checked == 0) {
        print_message("skipped: no real files here (VARJOIN_SHARED or ../shared)\n");
        skip();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(real_files_read_as_htslib_reads_them)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
