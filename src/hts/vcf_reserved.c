#include "hts/reader.h"

#include <stdio.h>

/*
 * Keys that the specification reserves with a Number that decides how a split record is read
 * (VCF 4.3 and 4.5, sections 1.6.1 and 1.6.2), but for those that widespread callers declare
 * otherwise to the same effect. A header may contradict: it is followed, and that is said.
 */
typedef struct reserved {
    const char *id;
    vj_vcf_kind kind;
    int32_t number;
} reserved;

static const reserved infos[] = {
    {"AC", VJ_VCF_INTEGER, VJ_NUMBER_A},  {"AD", VJ_VCF_INTEGER, VJ_NUMBER_R},
    {"ADF", VJ_VCF_INTEGER, VJ_NUMBER_R}, {"ADR", VJ_VCF_INTEGER, VJ_NUMBER_R},
    {"AF", VJ_VCF_FLOAT, VJ_NUMBER_A},    {"AN", VJ_VCF_INTEGER, 1},
    {"CIGAR", VJ_VCF_STRING, VJ_NUMBER_A}, {"DB", VJ_VCF_FLAG, 0},
    {"DP", VJ_VCF_INTEGER, 1},            {"END", VJ_VCF_INTEGER, 1},
    {"H2", VJ_VCF_FLAG, 0},               {"H3", VJ_VCF_FLAG, 0},
    {"NS", VJ_VCF_INTEGER, 1},            {"SOMATIC", VJ_VCF_FLAG, 0},
    {"VALIDATED", VJ_VCF_FLAG, 0},        {"1000G", VJ_VCF_FLAG, 0},
};
static const reserved formats[] = {
    {"AD", VJ_VCF_INTEGER, VJ_NUMBER_R},  {"ADF", VJ_VCF_INTEGER, VJ_NUMBER_R},
    {"ADR", VJ_VCF_INTEGER, VJ_NUMBER_R}, {"DP", VJ_VCF_INTEGER, 1},
    {"EC", VJ_VCF_INTEGER, VJ_NUMBER_A},  {"FT", VJ_VCF_STRING, 1},
    {"GL", VJ_VCF_FLOAT, VJ_NUMBER_G},    {"GP", VJ_VCF_FLOAT, VJ_NUMBER_G},
    {"GT", VJ_VCF_STRING, 1},             {"HQ", VJ_VCF_INTEGER, 2},
    {"PL", VJ_VCF_INTEGER, VJ_NUMBER_G},  {"PQ", VJ_VCF_INTEGER, 1},
    {"PS", VJ_VCF_INTEGER, 1},
};

static const reserved *find(bool is_info, const char *id)
{
    const reserved *table = is_info ? infos : formats;
    size_t n = is_info ? VJ_COUNT(infos) : VJ_COUNT(formats);

    for (size_t i = 0; i < n; i++)
        if (strcmp(table[i].id, id) == 0)
            return &table[i];
    return NULL;
}

static const char *number_text(int32_t number, char dst[16])
{
    static const char *const letters[] = {"A", "R", "G", ".", "P"};

    if (number < 0 && -number <= (int32_t)VJ_COUNT(letters))
        return letters[-number - 1];
    snprintf(dst, 16, "%d", number);
    return dst;
}

/* [A-Za-z_][0-9A-Za-z_.]*, which VCF 4.3 began to demand; 1000G is its one exception. */
static bool is_plain_id(const char *id)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    static const char more[] = "0123456789.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";

    return strcmp(id, "1000G") == 0 || (strspn(id, first) > 0 && id[strspn(id, more)] == '\0');
}

vj_status vj_vcf_reserved_check(vj_vcf_reader *reader, bool is_info, const vj_vcf_def *def,
                                vj_error *err)
{
    static const char *const kinds[] = {"Flag", "Integer", "Float", "Character", "String"};
    const reserved *want = find(is_info, def->id);
    const char *tag = is_info ? "INFO" : "FORMAT";
    char found[16];
    char wanted[16];

    if (reader->header.version_minor >= 3 && !is_plain_id(def->id))
        VJ_TRY(vj_vcf_note(reader, err, "header: %s/%.60s: expected an ID of letters, digits, '_' "
                           "and '.' that begins with a letter, kept all the same", tag, def->id));
    /* AD and its like were reserved by VCF 4.3 */
    if (want == NULL || (want->number == VJ_NUMBER_R && reader->header.version_minor < 3))
        return VJ_OK;
    if (def->kind != want->kind)
        VJ_TRY(vj_vcf_note(reader, err, "header: %s/%s: Type=%s where the specification has %s; "
                           "the header is followed", tag, def->id, kinds[def->kind],
                           kinds[want->kind]));
    if (def->number == want->number || def->number == VJ_NUMBER_DOT)
        return VJ_OK;
    return vj_vcf_note(reader, err, "header: %s/%s: Number=%s where the specification has %s; the "
                       "header is followed", tag, def->id, number_text(def->number, found),
                       number_text(want->number, wanted));
}
