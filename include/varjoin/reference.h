/*
 * reference.h - build databases from VCF, BCF or Parquet, and describe them.
 */
#ifndef VARJOIN_REFERENCE_H
#define VARJOIN_REFERENCE_H

#include "varjoin/job.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct vj_reference_options {
    size_t struct_size;
    /* VCF, VCF.gz or BCF paths, all with the same INFO fields; or one Parquet database: a file, a
     * folder or a glob */
    const char *const *inputs;
    int n_inputs;
    const char *output_dir; /* one file per contig appears in it; whole or not at all */
    const char *release;    /* kept in the files; NULL: "" */
    const char *info_fields; /* NULL: all */
    const char *assume_number;
    const char *compression; /* NULL: zstd where it pays, with layout tuned on free text, reals
                              * and nested columns only */
    const char *layout;      /* "tuned" (NULL), or "plain": every column as it was */
    int small;               /* tuned, with zstd on alleles and side columns too: smaller, slower */
    int64_t rows_per_page;   /* 0: 4096 */
    /* "COLUMN:LEAST": rows whose frequency is at least that get a part of the files of their own;
     * NULL: by the usual column at 0.0005 where there is one and the database is large */
    const char *tier;
    int no_tiers;
    int restart;             /* begin anew where a killed build of the same left contigs */
    const char *start_base;  /* Parquet: "0" or "1"; NULL: read off the rows */
    const char *bad_records_path;
    const char *command_line;
    const char *temp_dir;   /* for sorted runs; NULL: in the output's parent */
    int allow_truncated;
    int replace;            /* an existing output_dir with files in it gives way */
    int no_version;
    int ignore_checksums;   /* read pages of Parquet whose checksum differs */
    int64_t memory_bytes;   /* 0: 256 MB */
    int64_t rows_per_run;   /* 0: from the memory; tests set it to force spilling */
    int threads;
    void (*log)(void *user, vj_log_level level, const char *text);
    void (*progress)(void *user, const vj_progress *progress);
    void *user;
    const void *stop; /* vj_stop of the caller; NULL: none */
    void *track;      /* vj_track of the caller, for its stages; NULL: none */
    int fail_on_skipped; /* VJ_E_POLICY where bad_records_path took a record; the database is whole */
} vj_reference_options;
#define VJ_REFERENCE_OPTIONS_INIT {.struct_size = sizeof(vj_reference_options)}

typedef struct vj_reference_result {
    int64_t n_records, n_rows, n_contigs, n_runs; /* runs: sorted pieces, merged where several */
    int64_t n_dropped; /* rows with a null in the key: nothing matches them */
    int64_t bytes_out;
    int64_t n_skipped; /* broken records that were set aside */
} vj_reference_result;

/*
 * Lay a database out for this join (docs/formats.md, "built databases"). Records of VCF and BCF,
 * and rows of Parquet with several ALTs: split multi-allelic records (Number=A and R cut to the allele), trim shared bases (suffix, then
 * prefix), sort by contig, start, ref, alt, and write one Parquet file per contig.
 */
VJ_API VJ_MUST_CHECK vj_status vj_reference_build(const vj_reference_options *options,
                                                  vj_reference_result *result, vj_error *err);

enum { VJ_INFO_JSON = 1, VJ_INFO_IGNORE_CHECKSUMS = 2 };
/*
 * Description of a database (file, folder or glob) as text, or JSON; vj_text_free releases it.
 * flags: VJ_INFO_... together, or 0. Pages are read to find out how starts are counted.
 */
VJ_API VJ_MUST_CHECK vj_status vj_reference_info(const char *path, int flags, char **out_text,
                                                 vj_error *err);

#ifdef __cplusplus
}
#endif
#endif
