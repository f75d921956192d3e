#include "hts/bcf_text.h"

/* Types of BCF2, section 6.3.3 of the VCF specification. */
typedef enum bcf_type {
    TYPE_NONE = 0,
    TYPE_INT8 = 1,
    TYPE_INT16 = 2,
    TYPE_INT32 = 3,
    TYPE_FLOAT = 5,
    TYPE_CHAR = 7
} bcf_type;

#define FLOAT_MISSING 0x7f800001u
#define FLOAT_END 0x7f800002u
/* What stands for '.' inside a string. */
#define CHAR_MISSING 0x07

/* A run of values of one type. */
typedef struct values {
    bcf_type type;
    size_t n;
    const uint8_t *ptr;
} values;

typedef struct cursor {
    const bcf_hdr_t *header;
    bool encoded;
    const uint8_t *at, *end;
    vj_buf *dst;
    vj_error *err;
} cursor;

static uint32_t get32(const uint8_t *ptr)
{
    return (uint32_t)ptr[0] | (uint32_t)ptr[1] << 8 | (uint32_t)ptr[2] << 16 |
           (uint32_t)ptr[3] << 24;
}

vj_bcf_head vj_bcf_head_read(const uint8_t bytes[24])
{
    uint32_t alleles_infos = get32(bytes + 16);
    uint32_t formats_samples = get32(bytes + 20);

    return (vj_bcf_head){.contig = (int32_t)get32(bytes),
                         .pos0 = get32(bytes + 4),
                         .qual_bits = get32(bytes + 12),
                         .n_alleles = alleles_infos >> 16,
                         .n_infos = alleles_infos & 0xffff,
                         .n_formats = formats_samples >> 24,
                         .n_samples = formats_samples & 0xffffff};
}

/* ---- typed values out of the bytes ---- */

static size_t type_bytes(bcf_type type)
{
    switch (type) {
    case TYPE_INT8:
    case TYPE_CHAR:
        return 1;
    case TYPE_INT16:
        return 2;
    case TYPE_INT32:
    case TYPE_FLOAT:
        return 4;
    case TYPE_NONE:
        break;
    }
    return 0;
}

static vj_status read_int(cursor *c, int64_t *out);

/* A descriptor: four bits of type, four of length; 15 says that the length follows as a number. */
static vj_status read_type(cursor *c, values *out)
{
    int64_t n = 0;

    if (c->at == c->end)
        return vj_fail(c->err, VJ_E_CORRUPT, "expected a type, the record ends");
    unsigned code = *c->at & 0x0f;
    n = *c->at >> 4;
    c->at++;
    if (code != TYPE_NONE && type_bytes((bcf_type)code) == 0)
        return vj_fail(c->err, VJ_E_CORRUPT, "expected a type of BCF2, found %u", code);
    if (n == 15)
        VJ_TRY(read_int(c, &n));
    if (n < 0)
        return vj_fail(c->err, VJ_E_CORRUPT, "expected a length, found %lld", (long long)n);
    *out = (values){(bcf_type)code, (size_t)n, c->at};
    return VJ_OK;
}

/* The bytes of so many runs like v. */
static vj_status take_bytes(cursor *c, const values *v, size_t n_runs)
{
    size_t bytes = 0;

    if (VJ_MUL_OVERFLOW(v->n, type_bytes(v->type), &bytes) ||
        VJ_MUL_OVERFLOW(bytes, n_runs, &bytes) || bytes > (size_t)(c->end - c->at))
        return vj_fail(c->err, VJ_E_CORRUPT, "expected %zu values for each of %zu, found %zu bytes",
                       v->n, n_runs, (size_t)(c->end - c->at));
    c->at += bytes;
    return VJ_OK;
}

static vj_status read_values(cursor *c, values *out)
{
    VJ_TRY(read_type(c, out));
    return take_bytes(c, out, 1);
}

static int32_t int_at(const values *v, size_t i)
{
    switch (v->type) {
    case TYPE_INT8:
        return (int8_t)v->ptr[i];
    case TYPE_INT16:
        return (int16_t)((uint16_t)v->ptr[2 * i] | (uint16_t)(v->ptr[2 * i + 1] << 8));
    case TYPE_INT32:
        return (int32_t)get32(v->ptr + 4 * i);
    case TYPE_NONE:
    case TYPE_FLOAT:
    case TYPE_CHAR:
        break;
    }
    return 0;
}

static bool is_int(const values *v)
{
    return v->type == TYPE_INT8 || v->type == TYPE_INT16 || v->type == TYPE_INT32;
}

/* The least number of the type stands for '.', the next one for the end of the run. */
static int32_t int_missing(bcf_type type)
{
    return type == TYPE_INT8 ? INT8_MIN : type == TYPE_INT16 ? INT16_MIN : INT32_MIN;
}

/* One number, as dictionary keys and long lengths are written; never a run. */
static vj_status read_int(cursor *c, int64_t *out)
{
    values v = {0};

    if (c->at < c->end && *c->at >> 4 != 1)
        return vj_fail(c->err, VJ_E_CORRUPT, "expected one whole number, found %u values",
                       *c->at >> 4);
    VJ_TRY(read_values(c, &v));
    if (!is_int(&v))
        return vj_fail(c->err, VJ_E_CORRUPT, "expected a whole number, found type %d",
                       (int)v.type);
    *out = int_at(&v, 0);
    return VJ_OK;
}

/* ---- text ---- */

static vj_status put_text(cursor *c, const char *text)
{
    return vj_buf_append(c->dst, text, strlen(text), c->err);
}

static vj_status put_int(cursor *c, int64_t value)
{
    char text[VJ_NUM_TEXT_BYTES];

    return vj_buf_append(c->dst, text, vj_format_i64(text, value), c->err);
}

static vj_status put_float(cursor *c, uint32_t bits)
{
    char text[VJ_NUM_TEXT_BYTES];
    float value = 0;

    memcpy(&value, &bits, sizeof value);
    return vj_buf_append(c->dst, text, vj_format_f32(text, value), c->err);
}

/* Bytes up to the padding; those of `never` would be read as another part of the line. */
static vj_status put_chars(cursor *c, const uint8_t *ptr, size_t n, const char *never)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < n && ptr[i] != '\0'; i++) {
        uint8_t byte = ptr[i] == CHAR_MISSING ? (uint8_t)'.' : ptr[i];
        const char coded[3] = {'%', digits[byte >> 4], digits[byte & 15]};
        bool bad = byte == '\t' || byte == '\n' || byte == '\r' || strchr(never, byte) != NULL;

        if (!bad)
            VJ_TRY(vj_buf_push(c->dst, byte, c->err));
        else if (c->encoded)
            VJ_TRY(vj_buf_append(c->dst, coded, sizeof coded, c->err));
        else
            return vj_fail(c->err, VJ_E_CORRUPT, "expected text that VCF can hold, found byte "
                                                 "0x%02x in it", byte);
    }
    return VJ_OK;
}

/* A run as VCF has it, joined by commas; a string as it is. '.' when nothing is in it. */
static vj_status put_values(cursor *c, const values *v, const char *never)
{
    size_t before = c->dst->len_bytes;

    if (v->type == TYPE_CHAR)
        VJ_TRY(put_chars(c, v->ptr, v->n, never));
    for (size_t i = 0; i < v->n && v->type == TYPE_FLOAT; i++) {
        uint32_t bits = get32(v->ptr + 4 * i);

        if (bits == FLOAT_END)
            break;
        if (i > 0)
            VJ_TRY(vj_buf_push(c->dst, ',', c->err));
        VJ_TRY(bits == FLOAT_MISSING ? put_text(c, ".") : put_float(c, bits));
    }
    for (size_t i = 0; i < v->n && is_int(v); i++) {
        int32_t value = int_at(v, i);

        if (value == int_missing(v->type) + 1)
            break;
        if (i > 0)
            VJ_TRY(vj_buf_push(c->dst, ',', c->err));
        VJ_TRY(value == int_missing(v->type) ? put_text(c, ".") : put_int(c, value));
    }
    return c->dst->len_bytes == before ? put_text(c, ".") : VJ_OK;
}

/* Allele numbers plus one, shifted over the bit of phase; 0 is a missing one. */
static vj_status put_genotype(cursor *c, const values *v)
{
    size_t i = 0;

    for (; i < v->n; i++) {
        int32_t value = int_at(v, i);

        if (value == int_missing(v->type) + 1)
            break;
        if (i > 0)
            VJ_TRY(vj_buf_push(c->dst, (value & 1) != 0 ? '|' : '/', c->err));
        VJ_TRY(value < 2 ? put_text(c, ".") : put_int(c, (value >> 1) - 1));
    }
    return i == 0 ? put_text(c, ".") : VJ_OK;
}

/* ---- the columns ---- */

static vj_status name_of(const cursor *c, int dictionary, int64_t i, const char *what,
                         const char **out)
{
    if (i < 0 || i >= c->header->n[dictionary] || c->header->id[dictionary][i].key == NULL)
        return vj_fail(c->err, VJ_E_CORRUPT, "expected %s of the header, found number %lld", what,
                       (long long)i);
    *out = c->header->id[dictionary][i].key;
    return VJ_OK;
}

static vj_status put_string(cursor *c, const char *what)
{
    values v = {0};

    VJ_TRY(read_values(c, &v));
    if (v.type != TYPE_CHAR && v.n > 0)
        return vj_fail(c->err, VJ_E_CORRUPT, "expected %s as text, found type %d", what,
                       (int)v.type);
    return put_values(c, &v, "");
}

static vj_status put_alleles(cursor *c, uint32_t n)
{
    if (n == 0)
        return put_text(c, ".\t.");
    VJ_TRY(put_string(c, "REF"));
    VJ_TRY(vj_buf_push(c->dst, '\t', c->err));
    for (uint32_t i = 1; i < n; i++) {
        if (i > 1)
            VJ_TRY(vj_buf_push(c->dst, ',', c->err));
        VJ_TRY(put_string(c, "ALT"));
    }
    return n == 1 ? put_text(c, ".") : VJ_OK;
}

static vj_status put_filters(cursor *c)
{
    const char *name = NULL;
    values v = {0};

    VJ_TRY(read_values(c, &v));
    if (v.n > 0 && v.type != TYPE_NONE && !is_int(&v))
        return vj_fail(c->err, VJ_E_CORRUPT, "expected FILTER as whole numbers, found type %d",
                       (int)v.type);
    if (v.n == 0 || v.type == TYPE_NONE)
        return put_text(c, ".");
    for (size_t i = 0; i < v.n; i++) {
        VJ_TRY(name_of(c, BCF_DT_ID, int_at(&v, i), "a FILTER", &name));
        if (i > 0)
            VJ_TRY(vj_buf_push(c->dst, ';', c->err));
        VJ_TRY(put_text(c, name));
    }
    return VJ_OK;
}

/* A Flag is there without a value; some write a 1. Any other key without one is missing. */
static bool is_flag(const cursor *c, int64_t key, const values *v)
{
    bool is_declared = bcf_hdr_idinfo_exists(c->header, BCF_HL_INFO, key);
    bool is_flag_type =
        is_declared && bcf_hdr_id2type(c->header, BCF_HL_INFO, key) == BCF_HT_FLAG;

    if (v->n == 0 || v->type == TYPE_NONE)
        return is_flag_type || !is_declared;
    return is_flag_type && is_int(v) && v->n == 1 && int_at(v, 0) == 1;
}

static vj_status put_infos(cursor *c, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const char *name = NULL;
        int64_t key = 0;
        values v = {0};

        VJ_TRY(read_int(c, &key));
        VJ_TRY(name_of(c, BCF_DT_ID, key, "an INFO key", &name));
        VJ_TRY(read_values(c, &v));
        if (i > 0)
            VJ_TRY(vj_buf_push(c->dst, ';', c->err));
        VJ_TRY(put_text(c, name));
        if (is_flag(c, key, &v))
            continue;
        VJ_TRY(vj_buf_push(c->dst, '=', c->err));
        VJ_TRY(put_values(c, &v, ";"));
    }
    return n == 0 ? put_text(c, ".") : VJ_OK;
}

#define MAX_FORMATS 256 /* their number has eight bits */

/* Keys first, then sample by sample what the record has key by key. */
static vj_status put_samples(cursor *c, const vj_bcf_head *head)
{
    values columns[MAX_FORMATS];
    bool is_gt[MAX_FORMATS];

    for (uint32_t k = 0; k < head->n_formats; k++) {
        const char *name = NULL;
        int64_t key = 0;

        VJ_TRY(read_int(c, &key));
        VJ_TRY(name_of(c, BCF_DT_ID, key, "a FORMAT key", &name));
        VJ_TRY(read_type(c, &columns[k]));
        VJ_TRY(take_bytes(c, &columns[k], head->n_samples));
        is_gt[k] = strcmp(name, "GT") == 0 && is_int(&columns[k]);
        VJ_TRY(vj_buf_push(c->dst, k == 0 ? '\t' : ':', c->err));
        VJ_TRY(put_text(c, name));
    }
    for (uint32_t s = 0; s < head->n_samples; s++) {
        for (uint32_t k = 0; k < head->n_formats; k++) {
            values v = columns[k];

            v.ptr += (size_t)s * v.n * type_bytes(v.type);
            VJ_TRY(vj_buf_push(c->dst, k == 0 ? '\t' : ':', c->err));
            VJ_TRY(is_gt[k] ? put_genotype(c, &v) : put_values(c, &v, ":"));
        }
    }
    return VJ_OK;
}

static vj_status put_fixed(cursor *c, const vj_bcf_head *head)
{
    const char *contig = NULL;

    VJ_TRY(name_of(c, BCF_DT_CTG, head->contig, "a contig", &contig));
    VJ_TRY(put_text(c, contig));
    VJ_TRY(vj_buf_push(c->dst, '\t', c->err));
    VJ_TRY(put_int(c, head->pos0 == UINT32_MAX ? 0 : (int64_t)head->pos0 + 1));
    VJ_TRY(vj_buf_push(c->dst, '\t', c->err));
    VJ_TRY(put_string(c, "ID"));
    VJ_TRY(vj_buf_push(c->dst, '\t', c->err));
    VJ_TRY(put_alleles(c, head->n_alleles));
    VJ_TRY(vj_buf_push(c->dst, '\t', c->err));
    VJ_TRY(head->qual_bits == FLOAT_MISSING ? put_text(c, ".") : put_float(c, head->qual_bits));
    VJ_TRY(vj_buf_push(c->dst, '\t', c->err));
    VJ_TRY(put_filters(c));
    VJ_TRY(vj_buf_push(c->dst, '\t', c->err));
    return put_infos(c, head->n_infos);
}

static vj_status check_end(const cursor *c, const char *what)
{
    if (c->at == c->end)
        return VJ_OK;
    return vj_fail(c->err, VJ_E_CORRUPT, "expected the end of %s, found %zu more bytes", what,
                   (size_t)(c->end - c->at));
}

vj_status vj_bcf_text(const bcf_hdr_t *header, bool encoded, const vj_bcf_head *head,
                      vj_span shared, vj_span samples, vj_buf *dst, vj_error *err)
{
    const uint8_t *at = (const uint8_t *)shared.ptr;
    cursor c = {header, encoded, at, at + shared.len_bytes, dst, err};
    uint32_t n_samples = (uint32_t)bcf_hdr_nsamples(header);

    VJ_TRY(put_fixed(&c, head));
    VJ_TRY(check_end(&c, "INFO"));
    if (head->n_formats > 0 && head->n_samples != n_samples)
        return vj_fail(err, VJ_E_CORRUPT, "expected %u samples as the header has, found %u",
                       n_samples, head->n_samples);
    c.at = (const uint8_t *)samples.ptr;
    c.end = c.at + samples.len_bytes;
    if (head->n_formats > 0 && n_samples > 0)
        VJ_TRY(put_samples(&c, head));
    VJ_TRY(check_end(&c, "the samples"));
    return vj_buf_push(dst, '\n', err);
}
