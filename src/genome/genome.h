/*
 * genome.h - contig names and their aliases, allele spelling, the variant key.
 *
 * Rules are numbered in docs/semantics.md; all engines share this module.
 *
 * relies:  base only; pure functions, no I/O
 * tests:   unit/test_genome.c
 */
#ifndef VJ_GENOME_GENOME_H
#define VJ_GENOME_GENOME_H

#include "base/base.h"

/* ---- contigs ---- */

/*
 * The name shown: without a leading "chr" in any case, else as it is. Borrowed from name.
 * "chr" alone keeps its name.
 */
vj_span vj_contig_shown(vj_span name);
/*
 * Canonical contig: "chr1", "CHR1", "1", "NC_000001.10", "NC_000001.11" -> "1"; X, Y likewise;
 * "M", "MT", "chrM", "NC_012920.1" -> "MT" when length is 16569 or unknown (-1), else "M" (hg19's
 * chrM of 16571 bases is another sequence). All other names: shown name, upper-cased ASCII.
 * Writes at most cap_bytes (names longer than that are hashed names, never cut); returns a span
 * into dst or static memory.
 */
#define VJ_CONTIG_BYTES 256
vj_span vj_contig_canonical(vj_span name, int64_t length, char dst[VJ_CONTIG_BYTES]);

/*
 * Table of canonical contigs met by one job; code = order of first appearance. Owned by the
 * plan; look-ups are read only, adding is the owner's.
 */
typedef struct vj_contigs {
    vj_map by_name; /* canonical name -> code */
} vj_contigs;
void vj_contigs_init(vj_contigs *contigs, vj_budget *budget);
void vj_contigs_fini(vj_contigs *contigs);
/* Code of a name as it stands in a file; adds it. */
VJ_MUST_CHECK vj_status vj_contigs_add(vj_contigs *contigs, vj_span name, int64_t length,
                                       int32_t *out_code, vj_error *err);
/* Code, or -1. */
int32_t vj_contigs_find(const vj_contigs *contigs, vj_span name, int64_t length);
vj_span vj_contigs_name(const vj_contigs *contigs, int32_t code);

/* ---- alleles ---- */

/* Letters A-Z a-z, no symbol: may match by allele ('*', '.', '<X>', breakends, "" may not). */
bool vj_allele_is_plain(vj_span allele);
/* <NON_REF> or <*>. */
bool vj_allele_is_nonref(vj_span allele);
/* Bases shared at the end, leaving at least one base in each. */
size_t vj_allele_shared_suffix(vj_span ref, vj_span alt);
/* Bases shared at the start, leaving at least one base in each. */
size_t vj_allele_shared_prefix(vj_span ref, vj_span alt);
/* Trim suffix, then prefix (case folded compare); *pos1 moves by the prefix. */
void vj_allele_trim(vj_span *ref, vj_span *alt, int64_t *pos1);

/* ---- keys ---- */

/*
 * One allele to be joined. ref and alt are upper-case, trimmed when the record was split.
 * matchable is false for alleles that never match (S-rules): they keep their row.
 */
typedef struct vj_key {
    int32_t contig; /* index into the list's contig names */
    bool matchable;
    bool trimmed;
    int64_t pos1;
    vj_span ref, alt;
} vj_key;
/* contig_names: shown names, in order of first appearance in this list, with lengths (-1). */
typedef struct vj_key_list {
    VJ_VEC(vj_key) keys;
    VJ_VEC(vj_span) contig_names;
    VJ_VEC(int64_t) contig_lengths;
} vj_key_list;

#endif
