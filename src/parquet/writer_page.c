/*
 * writer_page.c - from a staged page to the bytes of the file: choice of the encoding, levels,
 * codec, CRC, header, bounds; and the dictionary page when the chunk is complete.
 */
#include "parquet/encode.h"
#include "parquet/thrift_write.h"
#include "parquet/writer_leaf.h"

/* After a page on which the codec did not pay, so many go without trying it. */
#define CODEC_PAUSE 15
/* The two ways to write a column are weighed with the codec in one chunk out of so many. */
#define WEIGH_EVERY 16
/* Shorter value sections are not worth a frame. */
#define CODEC_MIN_BYTES ((size_t)64)

enum { PAGE_DATA = 0, PAGE_DICTIONARY = 2, PAGE_DATA_V2 = 3 };

static const uint32_t *staged32(const vj_leaf *leaf)
{
    return (const uint32_t *)(const void *)leaf->values.ptr;
}

static const uint64_t *staged64(const vj_leaf *leaf)
{
    return (const uint64_t *)(const void *)leaf->values.ptr;
}

static const uint32_t *staged_lens(const vj_leaf *leaf)
{
    return (const uint32_t *)(const void *)leaf->lens.ptr;
}

/* ---- levels ---- */

static vj_status put_levels(const vj_buf *levels, bool bitmap, int64_t n, int max_level, bool v1,
                            vj_leaf_scratch *scratch, size_t *out_len, vj_error *err)
{
    unsigned width = vj_enc_bit_width((uint64_t)max_level);
    size_t count = (size_t)n;
    vj_buf *body = &scratch->body;
    size_t prefix = v1 ? 4 : 0;

    *out_len = 0;
    if (max_level == 0)
        return VJ_OK;
    VJ_TRY(vj_buf_reserve(body, prefix + vj_enc_hybrid_max(count, width), err));
    uint8_t *out = body->ptr + body->len_bytes + prefix;
    size_t len = 0;
    if (bitmap) {
        len = vj_enc_hybrid_bits(levels->ptr, count, out);
    } else {
        vj_buf_reset(&scratch->codes);
        VJ_TRY(vj_buf_reserve(&scratch->codes, count * sizeof(uint32_t), err));
        len = vj_enc_hybrid_bytes(levels->ptr, count, width,
                                  (uint32_t *)(void *)scratch->codes.ptr, out);
    }
    if (v1) {
        uint32_t len32 = (uint32_t)len;
        memcpy(out - prefix, &len32, sizeof len32);
    }
    body->len_bytes += prefix + len;
    *out_len = prefix + len;
    return VJ_OK;
}

/* ---- values ---- */

/* Codes of the page as RLE_DICTIONARY into scratch->values: width byte, then the hybrid. */
static vj_status put_codes(const vj_leaf *leaf, vj_leaf_scratch *scratch, vj_error *err)
{
    size_t n = (size_t)leaf->page_values;
    size_t n_entries = leaf->dict.entries.n;
    unsigned width = VJ_MAX(vj_enc_bit_width(n_entries - 1), 1u);

    vj_buf_reset(&scratch->values);
    VJ_TRY(vj_buf_reserve(&scratch->values, 1 + vj_enc_hybrid_max(n, width), err));
    scratch->values.ptr[0] = (uint8_t)width;
    scratch->values.len_bytes =
        1 + vj_enc_hybrid((const uint32_t *)(const void *)scratch->codes.ptr, n, width,
                          scratch->values.ptr + 1);
    return VJ_OK;
}

static vj_status map_codes(vj_leaf *leaf, vj_leaf_scratch *scratch, size_t max_new, bool *fits,
                           vj_error *err)
{
    size_t n = (size_t)leaf->page_values;

    vj_buf_reset(&scratch->codes);
    VJ_TRY(vj_buf_reserve(&scratch->codes, n * sizeof(uint32_t), err));
    uint32_t *codes = (uint32_t *)(void *)scratch->codes.ptr;
    if (leaf->store == VJ_STORE_WORDS32)
        return vj_dict_map32(&leaf->dict, staged32(leaf), n, max_new, codes, fits, err);
    if (leaf->store == VJ_STORE_WORDS64)
        return vj_dict_map64(&leaf->dict, staged64(leaf), n, max_new, codes, fits, err);
    return vj_dict_map_bytes(&leaf->dict, leaf->values.ptr, staged_lens(leaf), n, max_new, codes,
                             fits, err);
}

/* packed: codes, bits and deltas, in which whole bytes hardly repeat. */
static vj_status encode_block(const vj_leaf *leaf, vj_leaf_scratch *scratch, bool packed,
                              const uint8_t *src, size_t len, vj_buf *out, size_t *out_len,
                              vj_error *err)
{
    int level = packed ? leaf->options->packed_level : leaf->options->level;
    size_t cap = vj_codec_encoded_max(leaf->options->codec, len);

    VJ_TRY(vj_buf_reserve(out, cap, err));
    return vj_codec_encode(scratch->codec, leaf->options->codec, level, src, len,
                           out->ptr + out->len_bytes, cap, out_len, err);
}

/* What the bytes take in the file: as they are, or through the codec where that saves a tenth. */
static vj_status stored_bytes(const vj_leaf *leaf, vj_leaf_scratch *scratch, bool packed,
                              const uint8_t *src, size_t len, size_t *out, vj_error *err)
{
    size_t stored = 0;

    *out = len;
    if (leaf->options->codec == VJ_CODEC_NONE || len < CODEC_MIN_BYTES)
        return VJ_OK;
    /* the room behind the levels that stand in the body; nothing of it is kept */
    VJ_TRY(encode_block(leaf, scratch, packed, src, len, &scratch->body, &stored, err));
    if (stored <= len - len / 10)
        *out = stored;
    return VJ_OK;
}

/*
 * On the first page with values the two ways to write a column are weighed as they would stand
 * in the file: delta packs tighter, but codes keep the repetition that a codec finds. How much
 * the codec left of the codes is remembered (in 256ths) and applied to the pages that follow, and
 * to the first pages of the next chunks: the trial costs as much as a few pages.
 */
static vj_status weigh_first(vj_leaf *leaf, const vj_buf *other, size_t other_bytes,
                             vj_leaf_scratch *scratch, vj_error *err)
{
    size_t codes = scratch->values.len_bytes;
    size_t stored = 0;

    if (leaf->chunks_unweighed > 0) {
        leaf->chunks_unweighed--;
        return VJ_OK;
    }
    leaf->chunks_unweighed = WEIGH_EVERY - 1;
    VJ_TRY(stored_bytes(leaf, scratch, true, scratch->values.ptr, codes, &stored, err));
    leaf->codes_per_256 = (int64_t)(stored * 256 / codes);
    leaf->other_per_256 = 256;
    if (other->len_bytes == 0)
        return VJ_OK;
    VJ_TRY(stored_bytes(leaf, scratch, false, other->ptr, other->len_bytes, &stored, err));
    /* what other_bytes counts beyond the bytes shown (lengths of strings) is left as it is */
    leaf->other_per_256 =
        (int64_t)((other_bytes - VJ_MIN(other_bytes, other->len_bytes) + stored) * 256 /
                  VJ_MAX(other_bytes, (size_t)1));
    return VJ_OK;
}

/*
 * Dictionary, where it pays: on the first page with values it must not be larger than the other
 * encoding (other_bytes, or the main part of it in `other`), a quarter of its entries being
 * charged to this page; later pages pay for all they add, against the other encoding without a
 * codec. Once it does not pay, the rest of the chunk goes without.
 */
static vj_status try_dictionary(vj_leaf *leaf, const vj_buf *other, size_t other_bytes,
                                vj_leaf_scratch *scratch, bool *used, vj_error *err)
{
    size_t n = (size_t)leaf->page_values;
    size_t n_before = leaf->dict.entries.n;
    size_t bytes_before = leaf->dict.plain.len_bytes;
    bool first = leaf->dict_state == VJ_DICT_UNDECIDED;
    bool fits = false;

    *used = false;
    if (leaf->dict_state == VJ_DICT_OFF)
        return VJ_OK;
    VJ_TRY(map_codes(leaf, scratch, first ? n / 2 + 8 : n, &fits, err));
    if (fits) {
        VJ_TRY(put_codes(leaf, scratch, err));
        if (first)
            VJ_TRY(weigh_first(leaf, other, other_bytes, scratch, err));
        int64_t added = (int64_t)(leaf->dict.plain.len_bytes - bytes_before);
        int64_t cost = (int64_t)scratch->values.len_bytes * leaf->codes_per_256 / 256 +
                       (first ? added / 4 : added);
        int64_t limit = (int64_t)other_bytes * (first ? leaf->other_per_256 : 256) / 256;
        *used = cost <= limit;
    }
    leaf->dict_state = *used ? VJ_DICT_ON : VJ_DICT_OFF;
    if (!*used)
        vj_dict_cut(&leaf->dict, n_before, bytes_before);
    return VJ_OK;
}

static bool is_float(const vj_leaf *leaf)
{
    return leaf->phys == VJ_PHYS_FLOAT || leaf->phys == VJ_PHYS_DOUBLE;
}

/* The staged bytes as they are: PLAIN of everything but strings. */
static vj_status put_plain(const vj_leaf *leaf, vj_leaf_scratch *scratch, int *encoding,
                           vj_error *err)
{
    *encoding = VJ_ENC_PLAIN;
    vj_buf_reset(&scratch->values);
    return vj_buf_append(&scratch->values, leaf->values.ptr, leaf->values.len_bytes, err);
}

static vj_status put_delta(const vj_leaf *leaf, vj_buf *out, vj_error *err)
{
    size_t n = (size_t)leaf->page_values;

    vj_buf_reset(out);
    VJ_TRY(vj_buf_reserve(out, vj_enc_delta_max(n, leaf->value_bytes), err));
    out->len_bytes = leaf->store == VJ_STORE_WORDS32
                         ? vj_enc_delta32(staged32(leaf), n, out->ptr)
                         : vj_enc_delta64(staged64(leaf), n, out->ptr);
    return VJ_OK;
}

static void swap(vj_buf *a, vj_buf *b)
{
    vj_buf keep = *a;

    *a = *b;
    *b = keep;
}

/*
 * Numbers. Integers: delta or dictionary, PLAIN where neither is smaller. Floats: dictionary or
 * PLAIN. What delta takes is measured on the first page and remembered for the others, so that
 * a column pays for one encoding only.
 */
static vj_status put_words(vj_leaf *leaf, vj_leaf_scratch *scratch, int *encoding, vj_error *err)
{
    size_t plain_bytes = leaf->values.len_bytes;
    bool delta = !is_float(leaf) && !leaf->options->compat;
    bool trusted = leaf->dict_state == VJ_DICT_ON;
    bool used = false;
    size_t other = plain_bytes;

    if (trusted) {
        other = (size_t)(leaf->plain_per_1024 * leaf->page_values / 1024);
    } else {
        if (delta) {
            VJ_TRY(put_delta(leaf, &scratch->trial, err));
            other = VJ_MIN(other, scratch->trial.len_bytes);
        }
        leaf->plain_per_1024 = (int64_t)other * 1024 / leaf->page_values + 1;
    }
    const vj_buf *whole = delta && other < plain_bytes ? &scratch->trial : &leaf->values;
    VJ_TRY(try_dictionary(leaf, whole, other, scratch, &used, err));
    if (used) {
        *encoding = VJ_ENC_RLE_DICTIONARY;
        return VJ_OK;
    }
    if (!delta)
        return put_plain(leaf, scratch, encoding, err);
    if (trusted)
        VJ_TRY(put_delta(leaf, &scratch->trial, err));
    if (scratch->trial.len_bytes >= plain_bytes)
        return put_plain(leaf, scratch, encoding, err);
    *encoding = VJ_ENC_DELTA;
    swap(&scratch->values, &scratch->trial);
    return VJ_OK;
}

static vj_status put_plain_strings(const vj_leaf *leaf, vj_buf *out, vj_error *err)
{
    const uint8_t *from = leaf->values.ptr;
    const uint32_t *lens = staged_lens(leaf);
    size_t n = (size_t)leaf->page_values;

    vj_buf_reset(out);
    VJ_TRY(vj_buf_reserve(out, leaf->values.len_bytes + 4 * n, err));
    uint8_t *dst = out->ptr;
    for (size_t i = 0; i < n; i++) {
        memcpy(dst, &lens[i], 4);
        memcpy(dst + 4, from, lens[i]);
        dst += 4 + lens[i];
        from += lens[i];
    }
    out->len_bytes = (size_t)(dst - out->ptr);
    return VJ_OK;
}

static vj_status put_strings(vj_leaf *leaf, vj_leaf_scratch *scratch, int *encoding,
                             vj_error *err)
{
    size_t n = (size_t)leaf->page_values;
    size_t other = leaf->values.len_bytes + n * (leaf->options->compat ? 4 : 1);
    bool used = false;

    VJ_TRY(try_dictionary(leaf, &leaf->values, other, scratch, &used, err));
    if (used) {
        *encoding = VJ_ENC_RLE_DICTIONARY;
        return VJ_OK;
    }
    if (leaf->options->compat) {
        *encoding = VJ_ENC_PLAIN;
        return put_plain_strings(leaf, &scratch->values, err);
    }
    *encoding = VJ_ENC_DELTA_LENGTH;
    vj_buf *out = &scratch->values;
    vj_buf_reset(out);
    VJ_TRY(vj_buf_reserve(out, vj_enc_delta_max(n, 4) + leaf->values.len_bytes, err));
    out->len_bytes = vj_enc_delta32(staged_lens(leaf), n, out->ptr);
    return vj_buf_append(out, leaf->values.ptr, leaf->values.len_bytes, err);
}

/* Booleans: a dense flag as plain bits, a sparse one as runs. */
static vj_status put_bits(const vj_leaf *leaf, vj_leaf_scratch *scratch, int *encoding,
                          vj_error *err)
{
    size_t n = (size_t)leaf->page_values;
    size_t plain = (n + 7) / 8;

    if (leaf->options->compat)
        return put_plain(leaf, scratch, encoding, err);
    vj_buf_reset(&scratch->trial);
    VJ_TRY(vj_buf_reserve(&scratch->trial, 4 + vj_enc_hybrid_max(n, 1), err));
    uint32_t len = (uint32_t)vj_enc_hybrid_bits(leaf->values.ptr, n, scratch->trial.ptr + 4);
    if (4 + len >= plain)
        return put_plain(leaf, scratch, encoding, err);
    memcpy(scratch->trial.ptr, &len, sizeof len);
    scratch->trial.len_bytes = 4 + len;
    *encoding = VJ_ENC_RLE;
    swap(&scratch->values, &scratch->trial);
    return VJ_OK;
}

static vj_status put_values(vj_leaf *leaf, vj_leaf_scratch *scratch, int *encoding, vj_error *err)
{
    vj_buf_reset(&scratch->values);
    *encoding = VJ_ENC_PLAIN;
    if (leaf->page_values == 0)
        return VJ_OK;
    switch (leaf->store) {
    case VJ_STORE_BITS:
        return put_bits(leaf, scratch, encoding, err);
    case VJ_STORE_WORDS32:
    case VJ_STORE_WORDS64:
        return put_words(leaf, scratch, encoding, err);
    case VJ_STORE_STRINGS:
        return put_strings(leaf, scratch, encoding, err);
    case VJ_STORE_FIXED:
        break;
    }
    return put_plain(leaf, scratch, encoding, err);
}

/* ---- bounds ---- */

/* Each dictionary string that the page uses is looked at once. */
static vj_status bounds_of_codes(const vj_leaf *leaf, vj_leaf_scratch *scratch, vj_bounds *out,
                                 vj_error *err)
{
    const uint32_t *codes = (const uint32_t *)(const void *)scratch->codes.ptr;
    const vj_dict *dict = &leaf->dict;
    size_t n_entries = dict->entries.n;
    vj_string_bounds bounds = {0};

    vj_buf_reset(&scratch->marks);
    VJ_TRY(vj_buf_reserve(&scratch->marks, n_entries, err));
    uint8_t *marks = scratch->marks.ptr;
    memset(marks, 0, n_entries);
    for (int64_t i = 0; i < leaf->page_values; i++)
        marks[codes[i]] = 1;
    for (size_t e = 0; e < n_entries; e++) {
        const vj_dict_entry *entry = &dict->entries.ptr[e];

        if (marks[e])
            vj_bounds_see(&bounds, dict->plain.ptr + entry->off, entry->len);
    }
    vj_bounds_seen(&bounds, out);
    return VJ_OK;
}

/* scratch->codes still holds the page's codes when it was encoded with the dictionary. */
static vj_status page_bounds(vj_leaf *leaf, vj_leaf_scratch *scratch, int encoding,
                             vj_bounds *out, vj_error *err)
{
    size_t n = (size_t)leaf->page_values;

    if (n == 0 || leaf->order == VJ_ORDER_NONE)
        return VJ_OK;
    switch (leaf->store) {
    case VJ_STORE_BITS:
        vj_bounds_bits((size_t)vj_bits_count(leaf->values.ptr, leaf->page_values), n, out);
        break;
    case VJ_STORE_WORDS32:
        vj_bounds_words32(leaf->order, staged32(leaf), n, out);
        break;
    case VJ_STORE_WORDS64:
        vj_bounds_words64(leaf->order, staged64(leaf), n, out);
        break;
    case VJ_STORE_FIXED:
        vj_bounds_fixed(leaf->order, leaf->values.ptr, leaf->value_bytes, n, out);
        break;
    case VJ_STORE_STRINGS:
        if (encoding == VJ_ENC_RLE_DICTIONARY)
            return bounds_of_codes(leaf, scratch, out, err);
        vj_bounds_strings(leaf->values.ptr, staged_lens(leaf), n, out);
        break;
    }
    return VJ_OK;
}

static vj_status keep_whole(vj_buf *dst, vj_span value, vj_error *err)
{
    vj_buf_reset(dst);
    return vj_buf_append(dst, value.ptr, value.len_bytes, err);
}

static vj_status keep_bounds(vj_leaf *leaf, const vj_bounds *bounds, vj_page_rec *rec,
                             vj_error *err)
{
    vj_chunk *chunk = leaf->chunk;
    bool cut = leaf->order == VJ_ORDER_BYTES && leaf->store == VJ_STORE_STRINGS;

    if (bounds->nan || (leaf->order == VJ_ORDER_NONE && leaf->page_values > 0))
        chunk->no_bounds = true;
    if (!bounds->has)
        return VJ_OK;
    if (!chunk->has_bounds ||
        vj_bounds_cmp(leaf->order, bounds->min, vj_buf_span(&chunk->min)) < 0)
        VJ_TRY(keep_whole(&chunk->min, bounds->min, err));
    if (!chunk->has_bounds ||
        vj_bounds_cmp(leaf->order, bounds->max, vj_buf_span(&chunk->max)) > 0)
        VJ_TRY(keep_whole(&chunk->max, bounds->max, err));
    chunk->has_bounds = true;
    uint8_t raised[VJ_BOUND_BYTES + 4];
    vj_span min = bounds->min;
    vj_span max = bounds->max;
    if (cut) {
        size_t len = max.len_bytes > VJ_BOUND_BYTES ? vj_bound_cut_max(max, leaf->text, raised)
                                                    : 0;
        min.len_bytes = vj_bound_cut_min(min, leaf->text);
        if (len > 0)
            max = (vj_span){(const char *)raised, len};
    }
    rec->min_off = (uint32_t)chunk->bounds.len_bytes;
    rec->min_len = (uint32_t)min.len_bytes;
    VJ_TRY(vj_buf_append(&chunk->bounds, min.ptr, min.len_bytes, err));
    rec->max_off = (uint32_t)chunk->bounds.len_bytes;
    rec->max_len = (uint32_t)max.len_bytes;
    return vj_buf_append(&chunk->bounds, max.ptr, max.len_bytes, err);
}

/* ---- codec and header ---- */

/*
 * V2 body: levels stand in scratch->body already, values follow, through the codec where that
 * saves a tenth.
 */
static vj_status add_values_v2(vj_leaf *leaf, vj_leaf_scratch *scratch, bool packed,
                               bool *compressed, vj_error *err)
{
    const vj_buf *values = &scratch->values;
    size_t len = 0;

    *compressed = false;
    if (leaf->options->codec != VJ_CODEC_NONE && values->len_bytes >= CODEC_MIN_BYTES) {
        if (leaf->codec_skip > 0) {
            leaf->codec_skip--;
        } else {
            VJ_TRY(encode_block(leaf, scratch, packed, values->ptr, values->len_bytes,
                                &scratch->body, &len, err));
            *compressed = len <= values->len_bytes - values->len_bytes / 10;
            leaf->codec_skip = *compressed ? 0 : CODEC_PAUSE;
        }
    }
    if (*compressed) {
        scratch->body.len_bytes += len;
        return VJ_OK;
    }
    return vj_buf_append(&scratch->body, values->ptr, values->len_bytes, err);
}

/* V1 body: levels and values go through the codec as one block. */
static vj_status add_values_v1(vj_leaf *leaf, vj_leaf_scratch *scratch, size_t *uncompressed,
                               vj_error *err)
{
    size_t len = 0;

    VJ_TRY(vj_buf_append(&scratch->body, scratch->values.ptr, scratch->values.len_bytes, err));
    *uncompressed = scratch->body.len_bytes;
    if (leaf->options->codec == VJ_CODEC_NONE)
        return VJ_OK;
    vj_buf_reset(&scratch->trial);
    VJ_TRY(encode_block(leaf, scratch, false, scratch->body.ptr, scratch->body.len_bytes,
                        &scratch->trial, &len, err));
    scratch->trial.len_bytes = len;
    swap(&scratch->body, &scratch->trial);
    return VJ_OK;
}

/* What a page header tells. */
typedef struct page_facts {
    int type;
    int encoding;
    size_t uncompressed;
    size_t def_len, rep_len;
    bool compressed;
    int64_t n_values;
} page_facts;

static void header_data_v1(vj_tw *tw, const page_facts *facts)
{
    vj_tw_struct(tw, 5);
    vj_tw_i32(tw, 1, facts->n_values);
    vj_tw_i32(tw, 2, facts->encoding);
    vj_tw_i32(tw, 3, VJ_ENC_RLE);
    vj_tw_i32(tw, 4, VJ_ENC_RLE);
    vj_tw_struct_end(tw);
}

static void header_data_v2(vj_tw *tw, const page_facts *facts, const vj_leaf *leaf)
{
    vj_tw_struct(tw, 8);
    vj_tw_i32(tw, 1, facts->n_values);
    vj_tw_i32(tw, 2, leaf->page_levels - leaf->page_values);
    vj_tw_i32(tw, 3, leaf->page_rows);
    vj_tw_i32(tw, 4, facts->encoding);
    vj_tw_i32(tw, 5, (int64_t)facts->def_len);
    vj_tw_i32(tw, 6, (int64_t)facts->rep_len);
    vj_tw_bool(tw, 7, facts->compressed);
    vj_tw_struct_end(tw);
}

static void header_dictionary(vj_tw *tw, const page_facts *facts)
{
    vj_tw_struct(tw, 7);
    vj_tw_i32(tw, 1, facts->n_values);
    vj_tw_i32(tw, 2, VJ_ENC_PLAIN);
    vj_tw_struct_end(tw);
}

/* Header and body of a page behind what `out` holds. */
static vj_status put_page(const vj_leaf *leaf, const page_facts *facts, const vj_buf *body,
                          vj_buf *out, int64_t *uncompressed_total, vj_error *err)
{
    size_t beg = out->len_bytes;
    vj_tw tw = vj_tw_begin(out, err);

    if (body->len_bytes > INT32_MAX || facts->uncompressed > INT32_MAX)
        return vj_fail(err, VJ_E_OUTPUT,
                       "column %s: a page of %zu bytes is larger than Parquet can hold (2 GiB)",
                       leaf->steps[0].field->name, facts->uncompressed);
    vj_tw_i32(&tw, 1, facts->type);
    vj_tw_i32(&tw, 2, (int64_t)facts->uncompressed);
    vj_tw_i32(&tw, 3, (int64_t)body->len_bytes);
    vj_tw_i32(&tw, 4, (int32_t)vj_codec_crc32(0, body->ptr, body->len_bytes));
    if (facts->type == PAGE_DATA)
        header_data_v1(&tw, facts);
    else if (facts->type == PAGE_DATA_V2)
        header_data_v2(&tw, facts, leaf);
    else
        header_dictionary(&tw, facts);
    VJ_TRY(vj_tw_end(&tw));
    *uncompressed_total += (int64_t)(out->len_bytes - beg + facts->uncompressed);
    return vj_buf_append(out, body->ptr, body->len_bytes, err);
}

/* ---- page and chunk ---- */

static void empty_stage(vj_leaf *leaf)
{
    vj_buf_reset(&leaf->values);
    vj_buf_reset(&leaf->lens);
    vj_buf_reset(&leaf->defs);
    vj_buf_reset(&leaf->reps);
    leaf->page_rows = leaf->page_levels = leaf->page_values = leaf->page_weight = 0;
}

static vj_status record_page(vj_leaf *leaf, const vj_bounds *bounds, int64_t off, int encoding,
                             bool compressed, vj_error *err)
{
    vj_chunk *chunk = leaf->chunk;
    vj_page_rec rec = {.off = off,
                       .len_bytes = (int64_t)chunk->pages.len_bytes - off,
                       .first_row = chunk->n_rows,
                       .n_nulls = leaf->page_levels - leaf->page_values,
                       .has_values = leaf->page_values > 0};

    VJ_TRY(keep_bounds(leaf, bounds, &rec, err));
    VJ_TRY(VJ_VEC_PUSH(&chunk->recs, rec, err));
    chunk->n_rows += leaf->page_rows;
    chunk->n_values += leaf->page_levels;
    chunk->n_nulls += rec.n_nulls;
    chunk->encoding_pages[encoding]++;
    chunk->any_compressed |= compressed;
    return VJ_OK;
}

vj_status vj_leaf_flush(vj_leaf *leaf, vj_leaf_scratch *scratch, vj_error *err)
{
    bool v1 = leaf->options->compat;
    page_facts facts = {.type = v1 ? PAGE_DATA : PAGE_DATA_V2, .n_values = leaf->page_levels};
    vj_bounds bounds = {0};

    if (leaf->page_rows == 0)
        return VJ_OK;
    if (leaf->store == VJ_STORE_STRINGS)
        VJ_TRY(vj_buf_reserve(&leaf->values, VJ_DICT_SLACK, err));
    vj_buf_reset(&scratch->body);
    VJ_TRY(put_levels(&leaf->reps, false, leaf->page_levels, leaf->max_rep, v1, scratch,
                      &facts.rep_len, err));
    VJ_TRY(put_levels(&leaf->defs, leaf->n_steps == 1, leaf->page_levels, leaf->max_def, v1,
                      scratch, &facts.def_len, err));
    VJ_TRY(put_values(leaf, scratch, &facts.encoding, err));
    VJ_TRY(page_bounds(leaf, scratch, facts.encoding, &bounds, err));
    if (v1) {
        VJ_TRY(add_values_v1(leaf, scratch, &facts.uncompressed, err));
        facts.compressed = leaf->options->codec != VJ_CODEC_NONE;
    } else {
        facts.uncompressed = scratch->body.len_bytes + scratch->values.len_bytes;
        bool packed = facts.encoding == VJ_ENC_RLE_DICTIONARY || facts.encoding == VJ_ENC_RLE ||
                      facts.encoding == VJ_ENC_DELTA || leaf->phys == VJ_PHYS_BOOLEAN;

        VJ_TRY(add_values_v2(leaf, scratch, packed, &facts.compressed, err));
    }
    int64_t off = (int64_t)leaf->chunk->pages.len_bytes;
    VJ_TRY(put_page(leaf, &facts, &scratch->body, &leaf->chunk->pages,
                    &leaf->chunk->uncompressed_bytes, err));
    VJ_TRY(record_page(leaf, &bounds, off, facts.encoding, facts.compressed, err));
    empty_stage(leaf);
    return VJ_OK;
}

/*
 * A dictionary page has no flag of its own: it is compressed when the chunk names a codec. The
 * chunk does so when one of its pages is, or when the dictionary itself pays.
 */
vj_status vj_leaf_seal(vj_leaf *leaf, vj_leaf_scratch *scratch, vj_error *err)
{
    vj_chunk *chunk = leaf->chunk;
    const vj_buf *plain = &leaf->dict.plain;
    bool compress = leaf->options->codec != VJ_CODEC_NONE &&
                    (chunk->any_compressed || plain->len_bytes >= CODEC_MIN_BYTES);
    page_facts facts = {.type = PAGE_DICTIONARY,
                        .uncompressed = plain->len_bytes,
                        .n_values = (int64_t)leaf->dict.entries.n};
    size_t len = 0;

    chunk->codec = chunk->any_compressed ? leaf->options->codec : VJ_CODEC_NONE;
    if (facts.n_values == 0)
        return VJ_OK;
    vj_buf_reset(&scratch->body);
    if (compress) {
        VJ_TRY(encode_block(leaf, scratch, false, plain->ptr, plain->len_bytes, &scratch->body,
                            &len, err));
        compress = chunk->any_compressed || len <= plain->len_bytes - plain->len_bytes / 10;
    }
    if (compress) {
        chunk->codec = leaf->options->codec;
        scratch->body.len_bytes = len;
    } else {
        VJ_TRY(vj_buf_append(&scratch->body, plain->ptr, plain->len_bytes, err));
    }
    return put_page(leaf, &facts, &scratch->body, &chunk->dict_page, &chunk->uncompressed_bytes,
                    err);
}
