#include "support/runs.h"

static void fill_figures(vj_track_figures *f)
{
    *f = (vj_track_figures){.started_wall_ns = 1700000000123000000,
                            .wall_ns = 2500000000,
                            .user_ns = 3000000000,
                            .system_ns = 500000000,
                            .cpu_percent = 140,
                            .peak_rss_bytes = 123456000,
                            .peak_rss_bound_bytes = 123456000,
                            .peak_self_bytes = 123456000,
                            .peak_method = "kernel high-water mark, reset at the start",
                            .memory_delta_bytes = -4000,
                            .read_bytes = 5000000,
                            .written_bytes = 2000000,
                            .disk_read_bytes = -1,
                            .disk_written_bytes = 0,
                            .minor_faults = 321,
                            .sample_interval_ms = 20,
                            .n_stages = 3,
                            .n_points = 12};
    f->stages[0] = (vj_stage_figures){"read", -1, 10, 900000000, 800000000, 0, 2000000000, 9, 99};
    f->stages[1] = (vj_stage_figures){"inflate", 0, 10, 400000000, 390000000, 1000000, 1900000000,
                                      0, 99};
    f->stages[2] = (vj_stage_figures){"write", -1, 4, 300000000, 100000000, 500000000, 2400000000,
                                      5, 77};
    for (size_t i = 0; i < f->n_points; i++)
        f->points[i] = (vj_track_point){(int64_t)i * 200000000, 50000000 + (int64_t)i * 1500000,
                                        (int64_t)i * 80000000};
}

static vj_status fill_db(vj_report *r, const char *name, int64_t matched, vj_error *err)
{
    static const char *const contigs[] = {"21", "22", "MT"};
    vj_report_db *db = vj_report_add_db(r, name, err);

    if (db == NULL)
        return VJ_E_NOMEM;
    db->path = "/data/ensembl <115>/*.parquet";
    db->release = "115";
    db->checksum = "xxh3:0123";
    db->n_files = 25;
    db->bytes = 14000000000;
    db->rows = 1000000;
    db->duplicates = "all";
    db->duplicate_keys = 3;
    db->matched_rows = 3 * matched + 2;
    for (size_t i = 0; i < 3; i++) {
        VJ_TRY(vj_report_count(r, db, contigs[i], VJ_REASON_MATCHED, matched, err));
        VJ_TRY(vj_report_count(r, db, contigs[i], VJ_REASON_NO_POSITION, 20, err));
        VJ_TRY(vj_report_count(r, db, contigs[i], VJ_REASON_REF_DIFFERS, (int64_t)i, err));
        VJ_TRY(vj_report_count(r, db, contigs[i], VJ_REASON_ALT_DIFFERS, 7, err));
    }
    VJ_TRY(vj_report_count(r, db, "hs37d5", VJ_REASON_CONTIG_ABSENT, 4, err));
    return vj_report_count(r, db, "21", VJ_REASON_NOT_MATCHABLE, 1, err);
}

/* One of two inputs: half of what the first database matched. */
static vj_status fill_sample(vj_report *r, const char *input, vj_error *err)
{
    vj_report_sample *sample = vj_report_add_sample(r, err);

    if (sample == NULL)
        return VJ_E_NOMEM;
    sample->input = input;
    sample->output = "all/one.parquet";
    sample->records_in = 4500;
    sample->rows_joined = sample->rows_out = 4951;
    sample->output_bytes = 382716;
    sample->content_hash = "vjh1:0011223344556677";
    vj_report_db *db = vj_report_sample_db(r, sample, "ensembl", err);
    if (db == NULL)
        return VJ_E_NOMEM;
    VJ_TRY(vj_report_count(r, db, "22", VJ_REASON_MATCHED, 4500, err));
    return vj_report_count(r, db, "22", VJ_REASON_ALT_DIFFERS, 451, err);
}

static vj_status fill(vj_report *r, vj_error *err)
{
    r->verb = "annotate";
    r->command_line = "varjoin annotate -a ensembl=/data in.vcf.gz -o 'out <b>.parquet'";
    r->engine = "native";
    r->engine_reason = "sorted database, chrom and start are join columns";
    r->threads = 2;
    r->user_name = "anna";
    r->sample_name = "s\xffile <script>alert(1)</script> \"q\" & \xc3\xa9";
    r->source_vcf = "in.vcf.gz";
    r->output_file = "out <b>.parquet";
    r->compression = "zstd";
    r->output_format = "parquet";
    r->content_hash = "0011223344556677";
    r->records_in = 9000;
    r->rows_in = 10000;
    r->rows_filtered = 100;
    r->rows_joined = 9900;
    r->rows_expected = 9902;
    r->rows_out = 9902;
    r->columns_in = 12;
    r->columns_out = 3;
    r->output_bytes = 765432;
    r->memory_promise_bytes = 256000000;
    fill_figures(&r->figures);
    VJ_TRY(vj_host_probe("", NULL, NULL, &r->host, err));
    r->host_known = true;
    VJ_TRY(vj_report_add_input(r, "in.vcf.gz", "vcf.gz", 4000000, 9000, err));
    VJ_TRY(vj_report_add_column(r, "chrom", "text", "input", NULL, err));
    VJ_TRY(vj_report_add_column(r, "start", "uint32", "input", "1-based position", err));
    VJ_TRY(vj_report_add_column(r, "AF", "list<float32>", "ensembl", NULL, err));
    VJ_TRY(vj_report_add_odd(r, "not an integer", 7, "line 12: DP=x", err));
    VJ_TRY(vj_report_add_odd(r, "not an integer", 1, "line 13: DP=\xff<i>", err));
    VJ_TRY(vj_report_warn(r, err, "contig %s is not in the database", "hs37d5"));
    VJ_TRY(fill_sample(r, "in <1>.vcf.gz", err));
    VJ_TRY(fill_sample(r, "b.vcf.gz", err));
    VJ_TRY(fill_db(r, "ensembl", 3000, err));
    return fill_db(r, "clin<var>", 12, err);
}

vj_status made_up_run(vj_report **out, vj_error *err)
{
    vj_report *r = vj_report_new(err);

    *out = NULL;
    if (r == NULL)
        return VJ_E_NOMEM;
    vj_status rc = fill(r, err);
    if (rc != VJ_OK) {
        vj_report_free(r);
        return rc;
    }
    *out = r;
    return VJ_OK;
}
