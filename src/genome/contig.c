#include "genome/genome.h"

#include <stdio.h>

#define RCRS_LENGTH 16569

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool has_prefix_nocase(vj_span text, const char *prefix)
{
    size_t n = strlen(prefix);

    if (text.len_bytes < n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (upper(text.ptr[i]) != prefix[i])
            return false;
    return true;
}

static bool is_nocase(vj_span text, const char *word)
{
    return text.len_bytes == strlen(word) && has_prefix_nocase(text, word);
}

vj_span vj_contig_shown(vj_span name)
{
    if (name.len_bytes <= 3 || !has_prefix_nocase(name, "CHR"))
        return name;
    vj_span rest = {name.ptr + 3, name.len_bytes - 3};
    /* what is shown is read again as a name: "chrchr1" may not become chromosome 1 by that */
    return rest.len_bytes > 3 && has_prefix_nocase(rest, "CHR") ? name : rest;
}

/*
 * RefSeq versions of the primary chromosomes: accession NC_0000NN, version in GRCh37 and in
 * GRCh38 (GCF_000001405.25 and .40). Another version is another sequence and keeps its name.
 */
typedef struct refseq {
    const char *name;
    uint8_t version37, version38;
} refseq;

static const refseq refseqs[] = {
    {"1", 10, 11},  {"2", 11, 12},  {"3", 11, 12}, {"4", 11, 12},  {"5", 9, 10},
    {"6", 11, 12},  {"7", 13, 14},  {"8", 10, 11}, {"9", 11, 12},  {"10", 10, 11},
    {"11", 9, 10},  {"12", 11, 12}, {"13", 10, 11}, {"14", 8, 9},  {"15", 9, 10},
    {"16", 9, 10},  {"17", 10, 11}, {"18", 9, 10}, {"19", 9, 10},  {"20", 10, 11},
    {"21", 8, 9},   {"22", 10, 11}, {"X", 10, 11}, {"Y", 9, 10},
};

/* "NC_000001.11" -> "1"; NULL when it is no accession of a primary chromosome. */
static const char *refseq_chromosome(vj_span name)
{
    int64_t number = 0;
    int64_t version = 0;

    if (name.len_bytes < 11 || !has_prefix_nocase(name, "NC_") || name.ptr[9] != '.')
        return NULL;
    /* a sign would pass as a number */
    if (name.ptr[3] < '0' || name.ptr[10] < '0' ||
        !vj_parse_i64((vj_span){name.ptr + 3, 6}, &number) ||
        !vj_parse_i64((vj_span){name.ptr + 10, name.len_bytes - 10}, &version))
        return NULL;
    if (number < 1 || number > (int64_t)VJ_COUNT(refseqs))
        return NULL;
    const refseq *entry = &refseqs[number - 1];
    return version == entry->version37 || version == entry->version38 ? entry->name : NULL;
}

static bool is_mitochondrion(vj_span shown)
{
    return is_nocase(shown, "M") || is_nocase(shown, "MT") || is_nocase(shown, "NC_012920.1");
}

vj_span vj_contig_canonical(vj_span name, int64_t length, char dst[VJ_CONTIG_BYTES])
{
    vj_span shown = vj_contig_shown(name);
    const char *chromosome = refseq_chromosome(shown);

    if (chromosome != NULL)
        return vj_span_of(chromosome);
    if (is_nocase(shown, "NC_001807.4"))
        return vj_span_of("M"); /* hg19's chrM, 16571 bases */
    if (is_mitochondrion(shown))
        return vj_span_of(length < 0 || length == RCRS_LENGTH ? "MT" : "M");
    /* A cut name could equal another one: stand for it by its hash. */
    if (shown.len_bytes > VJ_CONTIG_BYTES) {
        int n = snprintf(dst, VJ_CONTIG_BYTES, "hash:%016llx:%zu",
                         (unsigned long long)vj_hash_bytes(shown.ptr, shown.len_bytes, 0),
                         shown.len_bytes);
        return (vj_span){dst, (size_t)n};
    }
    for (size_t i = 0; i < shown.len_bytes; i++)
        dst[i] = upper(shown.ptr[i]);
    return (vj_span){dst, shown.len_bytes};
}

void vj_contigs_init(vj_contigs *contigs, vj_budget *budget)
{
    vj_map_init(&contigs->by_name, budget);
}

void vj_contigs_fini(vj_contigs *contigs)
{
    vj_map_fini(&contigs->by_name);
}

vj_status vj_contigs_add(vj_contigs *contigs, vj_span name, int64_t length, int32_t *out_code,
                         vj_error *err)
{
    char text[VJ_CONTIG_BYTES];
    vj_span canonical = vj_contig_canonical(name, length, text);
    int64_t code = vj_map_find(&contigs->by_name, canonical);

    if (code < 0) {
        if (contigs->by_name.n >= INT32_MAX)
            return vj_fail(err, VJ_E_CORRUPT, "more than %d contig names", INT32_MAX);
        VJ_TRY(vj_map_put(&contigs->by_name, canonical, (int64_t)contigs->by_name.n, &code, NULL,
                          err));
    }
    *out_code = (int32_t)code;
    return VJ_OK;
}

int32_t vj_contigs_find(const vj_contigs *contigs, vj_span name, int64_t length)
{
    char text[VJ_CONTIG_BYTES];

    return (int32_t)vj_map_find(&contigs->by_name, vj_contig_canonical(name, length, text));
}

vj_span vj_contigs_name(const vj_contigs *contigs, int32_t code)
{
    return contigs->by_name.keys[code];
}
