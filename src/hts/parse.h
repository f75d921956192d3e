/*
 * parse.h - private to hts: one record on its way from a line to rows.
 *
 *   vcf_parse.c   lines, fixed columns, keys, order, filters
 *   vcf_plain.c   the same for the usual record of one sample
 *   vcf_fields.c  INFO, FORMAT, genotype: which text belongs to which column
 *   vcf_cell.c    one text into one row of one column
 *   vcf_check.c   rules whose breach is counted and changes nothing
 */
#ifndef VJ_HTS_PARSE_H
#define VJ_HTS_PARSE_H

#include "hts/append.h"
#include "hts/reader.h"
#include "hts/scan.h"

/* How a FORMAT key's value is read in the usual record: one ALT, one sample. */
typedef enum vj_fast {
    VJ_FAST_NOT, /* by vj_parse_cell */
    VJ_FAST_SKIP,
    VJ_FAST_GT,
    VJ_FAST_INT,
    VJ_FAST_FLOAT,
    VJ_FAST_INTS
} vj_fast;
typedef struct vj_fast_key {
    vj_fast how;
    int32_t count; /* INTS: exactly so many, -1: any */
    const vj_field_plan *plan; /* NULL: SKIP */
    vj_colb *column; /* where it goes; NULL: SKIP */
} vj_fast_key;

/*
 * Where in a list the row before stood: rows of a record ask for one value after the other, and
 * a record may have more ALTs than walking from the start each time can bear.
 */
typedef struct vj_walk {
    const char *text; /* NULL: nothing is known */
    int32_t n_values;
    int32_t index;
    const char *at; /* value `index` begins here */
} vj_walk;
/* The value with this index; empty behind the last one. */
vj_span vj_walk_value(vj_walk *walk, vj_span text, int32_t index);

/* What the parser keeps between records of a block and between blocks. */
typedef struct vj_vcf_scratch {
    vj_budget *budget;
    vj_map contig_index; /* shown name -> index in keys.contig_names */
    VJ_VEC(uint32_t) tabs;
    VJ_VEC(vj_span) alts;
    VJ_VEC(int32_t) row_alts; /* ALTs that give rows, 0-based */
    VJ_VEC(int32_t) kept;     /* samples of this record that give rows, index into chosen */
    VJ_VEC(vj_walk) walks;    /* of each of them, in the field at hand */
    VJ_VEC(int32_t) format_plans; /* of format_text, one per key; -1: to be ignored */
    VJ_VEC(vj_fast_key) fast_keys; /* the same keys */
    VJ_VEC(vj_span) cells;    /* kept sample x FORMAT key */
    VJ_VEC(vj_span) called;   /* alleles of one GT */
    VJ_VEC(int32_t) next_info; /* guess: plan + 1 -> plan that came after it last time */
    VJ_VEC(int64_t) info_seen;   /* plan -> record that last had this key */
    VJ_VEC(int64_t) format_seen; /* plan -> record whose FORMAT was last taken apart with it */
    vj_buf decoded;
    /* FORMAT of the record before: format_plans answers for it */
    vj_span format_text;
    int32_t format_gt; /* index of GT among the keys, -1: none */
    int32_t format_duplicates, format_undeclared;
    vj_span filter_text; /* FILTER of the record before, when there was nothing odd about it */
    /* contig of the record before */
    vj_span contig_raw;
    int64_t contig_last; /* the last position that it may have */
    bool contig_odd;     /* its name breaks a rule */
    int32_t contig_i;
    const vj_ranges *target; /* ranges of -t on this contig */
    int64_t last_pos1;
    int64_t record_serial;
    size_t shown_skip; /* bytes of contig_raw that are not shown ("chr") */
    int64_t room_rows; /* rows up to which vcf_plain.c has made room */
} vj_vcf_scratch;

typedef struct vj_record {
    vj_span chrom, id, ref, alt, qual, filter, info, format; /* ptr is never NULL */
    int64_t pos1;
    int32_t n_alts;       /* of the line; ALT '.' counts as one */
    vj_span info_end, svlen; /* ptr NULL: absent */
    int64_t row0;         /* first row of this record */
    int64_t n_rows;       /* rows: row_alts x kept */
} vj_record;

typedef struct vj_parse {
    const vj_vcf_reader *reader;
    const vj_vcf_block *block;
    vj_vcf_rows *rows;
    vj_vcf_scratch *s;
    vj_error *err;
    int64_t line_number;
    vj_span line;     /* without its end; mended where it was not UTF-8 */
    vj_span original; /* as it stands in the block */
    int32_t n_columns; /* of the line */
    unsigned kinds;    /* of bytes in the block: vj_scan_kinds */
    size_t (*scan)(const char *, size_t, char, uint32_t *, size_t); /* vj_scan_best() */
    uint64_t (*marks)(const char *, size_t);                       /* vj_scan_best_marks() */
    bool plain;  /* vj_plain_wanted() */
    bool single; /* one ALT, at most one sample, no filter on samples: the short ways apply */
    vj_record rec;
} vj_parse;

/* One cell of a field: which field, which ALT the row is of, whether oddness is to be counted. */
typedef struct vj_cell {
    const vj_field_plan *plan;
    vj_span text;
    vj_walk *walk;  /* of this text; NULL: it has one row */
    int32_t alt_i;  /* 0-based */
    bool report;    /* first row of this value: count what is odd */
    bool first_alt; /* first ALT row: count what is odd about the whole list */
} vj_cell;

static inline bool span_is_dot(vj_span text)
{
    return text.len_bytes == 1 && text.ptr[0] == '.';
}

static inline bool span_is_missing(vj_span text)
{
    return text.len_bytes == 0 || span_is_dot(text);
}

/* vcf_plain.c: may records of this reader be plain at all? */
bool vj_plain_wanted(const vj_vcf_reader *reader);
/* The whole line, its tabs found, if it is plain; else *out_done is false and nothing happened. */
VJ_MUST_CHECK vj_status vj_parse_plain(vj_parse *p, bool *out_done);
/* vcf_parse.c, for it: what lies between two tabs of the line; fixed columns of all rows; keys. */
static inline vj_span vj_parse_between(const char *line, uint32_t before, uint32_t behind)
{
    return (vj_span){line + before + 1, behind - before - 1};
}
VJ_MUST_CHECK vj_status vj_parse_put_fixed(vj_parse *p, double qual, bool has_qual);
VJ_MUST_CHECK vj_status vj_parse_make_key(vj_parse *p, vj_span alt, vj_key *key);
VJ_MUST_CHECK vj_status vj_parse_reserve_keys(vj_vcf_rows *rows, size_t n_keys, size_t n_rows,
                                              size_t n_records, vj_error *err);
/* A text of row row_i, or nothing where it is missing: the column is filled up later. */
static inline vj_status vj_parse_put_maybe(vj_colb *b, vj_span text, int64_t row_i, vj_error *err)
{
    if (span_is_missing(text))
        return VJ_OK;
    VJ_TRY(app_fill(b, row_i, err));
    return app_text_padded(b, text, err);
}
/* Empty the rows before a block; what was learned about the order of INFO keys stays. */
VJ_MUST_CHECK vj_status vj_vcf_rows_reset(vj_vcf_rows *rows, const vj_vcf_reader *reader,
                                          vj_error *err);
/* Count an odd cell, or fail with it (strict). where is "INFO/AF", found the text. */
VJ_MUST_CHECK vj_status vj_parse_odd(vj_parse *p, vj_vcf_odd kind, const char *tag,
                                     vj_span where, vj_span found, const char *expected);
/* The same about a field's cell. */
VJ_MUST_CHECK vj_status vj_parse_odd_cell(vj_parse *p, vj_vcf_odd kind, const vj_cell *cell,
                                          vj_span found, const char *expected);
/* Letters, counted from 'a', that the specification takes for bases: A, C, G, N, T. */
#define VJ_IS_BASE(letter) ((1u << (letter) & (1u | 1u << 2 | 1u << 6 | 1u << 13 | 1u << 19)) != 0)

/* vcf_check.c: count what breaks a rule, or fail with it (strict). */
bool vj_check_contig(vj_span name); /* true: it breaks a rule */
VJ_MUST_CHECK vj_status vj_check_filter(vj_parse *p); /* of a record whose FILTER is a new one */
VJ_MUST_CHECK vj_status vj_check_id(vj_parse *p);     /* of an ID that is empty or has an empty part */
VJ_MUST_CHECK vj_status vj_check_bytes(vj_parse *p);  /* where p->kinds has blanks or controls */
VJ_MUST_CHECK vj_status vj_check_alleles(vj_parse *p);
VJ_MUST_CHECK vj_status vj_check_float(vj_parse *p, const vj_cell *cell, vj_span text,
                                       float value); /* where value is 0 or infinite */
/* A number that is not zero and became zero, or finite and became infinite? */
bool vj_check_lost(vj_span text, double value);
VJ_MUST_CHECK vj_status vj_check_qual(vj_parse *p, double value); /* where it is odd, or NaN */

/* An ID that is empty, or that begins or ends with the ';' between two. */
static inline bool is_odd_id(vj_span id)
{
    return id.len_bytes == 0 || id.ptr[0] == ';' || id.ptr[id.len_bytes - 1] == ';';
}

/* Rules whose breach changes nothing (S-61). */
static inline VJ_MUST_CHECK vj_status vj_parse_check_record(vj_parse *p)
{
    if (VJ_UNLIKELY((p->kinds & (VJ_BYTES_BLANK | VJ_BYTES_CONTROL)) != 0))
        VJ_TRY(vj_check_bytes(p));
    if (VJ_UNLIKELY(is_odd_id(p->rec.id)))
        VJ_TRY(vj_check_id(p));
    if (VJ_UNLIKELY(p->rec.filter.len_bytes == 0 ||
                    !vj_span_eq(p->rec.filter, p->s->filter_text)))
        return vj_check_filter(p);
    return VJ_OK;
}

static inline bool is_upper_base(vj_span allele)
{
    return allele.len_bytes == 1 && allele.ptr[0] >= 'A' && allele.ptr[0] <= 'Z' &&
           VJ_IS_BASE(allele.ptr[0] - 'A');
}
/* Append one row; the builder stands at that row. */
VJ_MUST_CHECK vj_status vj_parse_cell(vj_parse *p, vj_colb *b, const vj_cell *cell);
/* All INFO columns of the record; sets info_end and svlen. */
VJ_MUST_CHECK vj_status vj_parse_info(vj_parse *p);
/* Value of an INFO key by its plan, looked up before any column is touched; ptr NULL: absent. */
vj_span vj_parse_info_peek(const vj_parse *p, const vj_field_plan *plan);
/* Take FORMAT apart (or know it from the record before), and count what is odd about it. */
VJ_MUST_CHECK vj_status vj_parse_format_keys(vj_parse *p);
/* Split the samples' texts into cells; behind vj_parse_format_keys. */
VJ_MUST_CHECK vj_status vj_parse_format_split(vj_parse *p);
/* vcf_fast.c: FORMAT columns and `genotype` of a `single` record, without cells. */
VJ_MUST_CHECK vj_status vj_parse_format_single(vj_parse *p);
vj_fast_key vj_fast_key_of(const vj_parse *p, const vj_field_plan *plan);
/* `genotype` of one row. */
VJ_MUST_CHECK vj_status vj_parse_genotype(vj_parse *p, vj_colb *b, vj_span text, bool report);
VJ_MUST_CHECK vj_status vj_parse_too_many(vj_parse *p, vj_span text, size_t n_keys);
/* Cell of a FORMAT field for a kept sample; ptr NULL: absent. */
vj_span vj_parse_format_peek(const vj_parse *p, int32_t plan_i, size_t kept_i);
/* All FORMAT columns and `genotype`. */
VJ_MUST_CHECK vj_status vj_parse_format(vj_parse *p);
/* Text of a header's sample in this line; empty when the line ends before it. */
vj_span vj_parse_sample(const vj_parse *p, int32_t sample_i);

/* ---- numbers: eight digits at a time, out of a padded text ---- */

#define EACH_BYTE(byte) ((uint64_t)0x0101010101010101u * (byte))

static inline uint64_t load_word(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    return word;
}

/* Bytes of a word of text that are no digits: their highest bits. */
static inline uint64_t other_than_digits(uint64_t word)
{
    word ^= EACH_BYTE('0');
    return ((word + EACH_BYTE(0x76)) | word) & EACH_BYTE(0x80);
}

/* How many digits begin at `at`, 8 for that many and more. */
static inline size_t digit_run(const char *at)
{
    uint64_t others = other_than_digits(load_word(at));

    return others != 0 ? (size_t)__builtin_ctzll(others) / 8 : 8;
}

/* The number that the first n (1 to 8) digits of a word make; the first is its lowest byte. */
static inline uint32_t digits_value(uint64_t word, size_t n)
{
    word = (word ^ EACH_BYTE('0')) << (64 - 8 * n); /* zeros in front */
    word = word * 10 + (word >> 8);                 /* pairs, in every other byte */
    return (uint32_t)(((word & 0x000000ff000000ffu) * (100 + ((uint64_t)1000000 << 32)) +
                       (word >> 16 & 0x000000ff000000ffu) * (1 + ((uint64_t)10000 << 32))) >> 32);
}

/* The same of 1 to 4 digits, with a word of half the size: most numbers; false: others. */
static inline bool few_digits(const char *at, size_t n, uint32_t *out)
{
    uint32_t word;

    memcpy(&word, at, sizeof word);
    word = (word ^ 0x30303030u) << (32 - 8 * n);
    uint32_t pairs = word * 10 + (word >> 8);
    *out = (pairs & 0xff) * 100 + (pairs >> 16 & 0xff);
    return (((word + 0x76767676u) | word) & 0x80808080u) == 0;
}

/* A text of 1 to 9 digits and nothing else. */
static inline bool plain_digits(const char *at, size_t n, uint32_t *out)
{
    if (VJ_LIKELY(n - 1 < 4))
        return few_digits(at, n, out);
    if (VJ_LIKELY(n - 1 < 8)) {
        uint64_t word = load_word(at);

        *out = digits_value(word, n);
        return other_than_digits(word) << (64 - 8 * n) == 0;
    }
    if (n != 9 || digit_run(at) < 8 || (unsigned)(uint8_t)at[8] - '0' > 9)
        return false;
    *out = digits_value(load_word(at), 8) * 10 + (unsigned)(uint8_t)at[8] - '0';
    return true;
}

/*
 * A number that begins at `at` and ends at `stop` or `end`, when it is short and plain; NULL
 * sends the caller the long way. Returns where it ends.
 */
static inline const char *scan_plain_int(const char *at, const char *end, char stop, int32_t *out)
{
    size_t n = VJ_MIN(digit_run(at), (size_t)(end - at));
    uint32_t value = 0;

    if (n == 8 && at + 8 < end && at[8] != stop)
        n = 9;
    if (!plain_digits(at, n, &value) || (at + n < end && at[n] != stop))
        return NULL;
    *out = (int32_t)value;
    return at + n;
}

/* Digits before and behind a point, up to 8 of each, as one number; false: not that plain. */
static inline bool scan_point(const char *at, const char *end, const char **out_at,
                              uint64_t *value, size_t *n_behind)
{
    static const uint32_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    uint64_t word = load_word(at);
    size_t n = VJ_MIN(digit_run(at), (size_t)(end - at));

    *n_behind = 0;
    if (n == 0)
        return false;
    *value = digits_value(word, n);
    at += n;
    if (at < end && *at == '.') {
        at++;
        n = VJ_MIN(digit_run(at), (size_t)(end - at));
        if (n > 0)
            *value = *value * powers[n] + digits_value(load_word(at), n);
        *n_behind = n;
        at += n;
    }
    *out_at = at;
    return true;
}

/* Up to 24 bits of digits over a power of ten that a float holds: one division rounds once. */
static inline const char *scan_plain_float(const char *at, const char *end, char stop, float *out)
{
    static const float powers[] = {1e0F, 1e1F, 1e2F, 1e3F, 1e4F, 1e5F, 1e6F, 1e7F, 1e8F};
    uint64_t value = 0;
    size_t n_behind = 0;

    if (!scan_point(at, end, &at, &value, &n_behind) || value >= (1u << 24) ||
        (at < end && *at != stop))
        return NULL;
    *out = (float)value / powers[n_behind];
    return at;
}

/* The same in double precision: 53 bits over a power of ten that a double holds. */
static inline bool scan_plain_double(vj_span text, double *out)
{
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};
    const char *end = text.ptr + text.len_bytes;
    const char *at = text.ptr;
    uint64_t value = 0;
    size_t n_behind = 0;

    if (!scan_point(at, end, &at, &value, &n_behind) || at < end ||
        value >= ((uint64_t)1 << 53))
        return false;
    *out = (double)value / powers[n_behind];
    return true;
}

#endif
