#include "hts/textin.h"

#define CHUNK_BYTES ((size_t)256 << 10)

struct vj_textin {
    vj_input *input;
    vj_budget *budget;
    vj_wrapping wrapping;
    bool allow_truncated;
    bool lacks_end;
    bool at_end;
    /* bytes of the file that are read and not yet used: raw[raw_beg, raw.len_bytes) */
    vj_buf raw;
    size_t raw_beg;
    int64_t raw_off; /* offset in the file of raw[raw_beg] */
    bool raw_end;    /* the file has no more */
    vj_inflater *inflater;
    vj_gunzip *gunzip;
    bool last_was_empty; /* BGZF: the last block held nothing */
    bool between;        /* gzip: at the edge of a member */
};

static size_t raw_left(const vj_textin *in)
{
    return in->raw.len_bytes - in->raw_beg;
}

static void use_raw(vj_textin *in, size_t n)
{
    in->raw_beg += n;
    in->raw_off += (int64_t)n;
}

/* Have at least want bytes at hand, unless the file ends before. */
static vj_status want_raw(vj_textin *in, size_t want, vj_error *err)
{
    if (raw_left(in) >= want)
        return VJ_OK;
    if (in->raw_beg > 0) {
        memmove(in->raw.ptr, in->raw.ptr + in->raw_beg, raw_left(in));
        in->raw.len_bytes -= in->raw_beg;
        in->raw_beg = 0;
    }
    VJ_TRY(vj_buf_reserve(&in->raw, CHUNK_BYTES + VJ_BGZF_MAX_BYTES - in->raw.len_bytes, err));
    while (in->raw.len_bytes < want && !in->raw_end) {
        size_t n = 0;

        VJ_TRY(vj_input_read(in->input, in->raw.ptr + in->raw.len_bytes, CHUNK_BYTES, &n, err));
        in->raw.len_bytes += n;
        in->raw_end = n == 0;
    }
    return VJ_OK;
}

static unsigned get16(const uint8_t *ptr)
{
    return (unsigned)ptr[0] | (unsigned)ptr[1] << 8;
}

static uint32_t get32(const uint8_t *ptr)
{
    return (uint32_t)ptr[0] | (uint32_t)ptr[1] << 8 | (uint32_t)ptr[2] << 16 |
           (uint32_t)ptr[3] << 24;
}

/* BSIZE out of the extra field [ptr, ptr + len), 0 when it is not there. */
static size_t find_bsize(const uint8_t *ptr, size_t len)
{
    while (len >= 4) {
        size_t field_bytes = get16(ptr + 2);

        if (field_bytes > len - 4)
            return 0;
        if (ptr[0] == 'B' && ptr[1] == 'C' && field_bytes == 2)
            return (size_t)get16(ptr + 4) + 1;
        ptr += 4 + field_bytes;
        len -= 4 + field_bytes;
    }
    return 0;
}

size_t vj_bgzf_block_size(const uint8_t *ptr, size_t len_bytes, size_t *out_head_bytes,
                          const char **why)
{
    static const uint8_t magic[4] = {0x1f, 0x8b, 8, 4};

    *why = NULL;
    if (memcmp(ptr, magic, VJ_MIN(len_bytes, sizeof magic)) != 0) {
        *why = "no gzip header with an extra field";
        return 0;
    }
    if (len_bytes < 12)
        return 0;
    size_t extra_bytes = get16(ptr + 10);
    if (len_bytes - 12 < extra_bytes)
        return 0;
    size_t block_bytes = find_bsize(ptr + 12, extra_bytes);
    if (block_bytes == 0)
        *why = "no block size (field BC)";
    else if (block_bytes < 12 + extra_bytes + 8)
        *why = "a block size smaller than its own header";
    else
        *out_head_bytes = 12 + extra_bytes;
    return *why == NULL ? block_bytes : 0;
}

static vj_status fail_truncated(const vj_textin *in, const char *what, vj_error *err)
{
    return vj_fail(err, VJ_E_CORRUPT, "%s: truncated: expected %s at offset %lld, the file ends",
                   vj_input_name(in->input), what,
                   (long long)(in->raw_off + (int64_t)raw_left(in)));
}

vj_status vj_bgzf_inflate(const char *name, const uint8_t *raw, const vj_bgzf_piece *piece,
                          vj_inflater *inflater, vj_buf *dst, vj_error *err)
{
    const uint8_t *block = raw + piece->off;
    const uint8_t *tail = block + piece->block_bytes - 8;
    size_t plain_bytes = piece->plain_bytes;

    VJ_TRY(vj_buf_reserve(dst, plain_bytes + 1, err));
    uint8_t *plain = dst->ptr + dst->len_bytes;
    if (!vj_inflater_run(inflater, block + piece->head_bytes,
                         piece->block_bytes - piece->head_bytes - 8, plain, plain_bytes))
        return vj_fail(err, VJ_E_CORRUPT,
                       "%s: BGZF block at offset %lld: expected data that inflates to %zu bytes, "
                       "found broken data",
                       name, (long long)piece->file_off, plain_bytes);
    uint32_t crc = vj_crc32(plain, plain_bytes);
    if (crc != get32(tail))
        return vj_fail(err, VJ_E_CORRUPT,
                       "%s: BGZF block at offset %lld: expected CRC %08x, found %08x", name,
                       (long long)piece->file_off, get32(tail), crc);
    dst->len_bytes += plain_bytes;
    return VJ_OK;
}

/* The block at hand, not yet used up; or the end of the file. */
static vj_status find_block(vj_textin *in, vj_bgzf_piece *piece, bool *out_end, vj_error *err)
{
    const char *why = NULL;

    *piece = (vj_bgzf_piece){.off = in->raw_beg};
    VJ_TRY(want_raw(in, VJ_BGZF_MAX_BYTES, err)); /* a block is never larger */
    if (raw_left(in) == 0) {
        *out_end = true;
        in->lacks_end = !in->last_was_empty;
        if (in->lacks_end && !in->allow_truncated)
            return fail_truncated(in, "the empty block that ends a BGZF file", err);
        return VJ_OK;
    }
    piece->off = in->raw_beg;
    piece->file_off = in->raw_off;
    piece->block_bytes =
        vj_bgzf_block_size(in->raw.ptr + in->raw_beg, raw_left(in), &piece->head_bytes, &why);
    if (why != NULL)
        return vj_fail(err, VJ_E_CORRUPT, "%s: expected a BGZF block at offset %lld, found %s",
                       vj_input_name(in->input), (long long)in->raw_off, why);
    if (piece->block_bytes == 0 || piece->block_bytes > raw_left(in))
        return fail_truncated(in, "the rest of a BGZF block", err);
    piece->plain_bytes = get32(in->raw.ptr + in->raw_beg + piece->block_bytes - 4);
    if (piece->plain_bytes > VJ_BGZF_MAX_BYTES)
        return vj_fail(err, VJ_E_CORRUPT,
                       "%s: BGZF block at offset %lld: expected at most 65536 bytes, found %zu",
                       vj_input_name(in->input), (long long)in->raw_off, piece->plain_bytes);
    return VJ_OK;
}

static void pass_block(vj_textin *in, const vj_bgzf_piece *piece)
{
    in->last_was_empty = piece->plain_bytes == 0;
    use_raw(in, piece->block_bytes);
}

/* One block, or the end of the file. */
static vj_status read_bgzf(vj_textin *in, vj_buf *dst, bool *out_end, vj_error *err)
{
    vj_bgzf_piece piece;

    VJ_TRY(find_block(in, &piece, out_end, err));
    if (*out_end)
        return VJ_OK;
    VJ_TRY(vj_bgzf_inflate(vj_input_name(in->input), in->raw.ptr, &piece, in->inflater, dst, err));
    pass_block(in, &piece);
    return VJ_OK;
}

vj_status vj_textin_take(vj_textin *in, size_t want_plain, vj_buf *raw, vj_bgzf_pieces *pieces,
                         bool *out_end, vj_error *err)
{
    size_t plain = 0;

    *out_end = in->at_end;
    while (!*out_end) {
        vj_bgzf_piece piece;

        VJ_TRY(find_block(in, &piece, out_end, err));
        if (*out_end || (plain > 0 && plain + piece.plain_bytes > want_plain &&
                         piece.plain_bytes > 0))
            break;
        VJ_TRY(VJ_VEC_RESERVE(&pieces->list, 1, err));
        const uint8_t *block = in->raw.ptr + piece.off;
        piece.off = raw->len_bytes;
        VJ_TRY(vj_buf_append(raw, block, piece.block_bytes, err));
        pieces->list.ptr[pieces->list.n++] = piece;
        plain += piece.plain_bytes;
        pass_block(in, &piece);
    }
    in->at_end = *out_end;
    return VJ_OK;
}

static vj_status read_gzip(vj_textin *in, vj_buf *dst, bool *out_end, vj_error *err)
{
    size_t n_in = 0;
    size_t n_out = 0;
    vj_error why = {0};

    VJ_TRY(want_raw(in, 1, err));
    VJ_TRY(vj_buf_reserve(dst, VJ_BGZF_MAX_BYTES, err));
    if (raw_left(in) == 0 && in->between) {
        *out_end = true;
        return VJ_OK;
    }
    vj_status rc = vj_gunzip_run(in->gunzip, in->raw.ptr + in->raw_beg, raw_left(in), &n_in,
                                 dst->ptr + dst->len_bytes, VJ_BGZF_MAX_BYTES, &n_out,
                                 &in->between, &why);
    if (rc != VJ_OK)
        return vj_fail(err, rc, "%s: gzip member at or after offset %lld: %s",
                       vj_input_name(in->input), (long long)in->raw_off, why.text);
    bool stuck = n_in == 0 && n_out == 0 && in->raw_end;
    use_raw(in, n_in);
    dst->len_bytes += n_out;
    if (stuck && !in->between)
        return fail_truncated(in, "the rest of a gzip member", err);
    return VJ_OK;
}

static vj_status read_plain(vj_textin *in, vj_buf *dst, bool *out_end, vj_error *err)
{
    VJ_TRY(want_raw(in, 1, err));
    size_t n = VJ_MIN(raw_left(in), VJ_BGZF_MAX_BYTES);
    VJ_TRY(vj_buf_append(dst, in->raw.ptr + in->raw_beg, n, err));
    use_raw(in, n);
    *out_end = n == 0;
    return VJ_OK;
}

vj_status vj_textin_read(vj_textin *in, vj_buf *dst, bool *out_end, vj_error *err)
{
    size_t before = dst->len_bytes;

    *out_end = in->at_end;
    while (!*out_end && dst->len_bytes == before) {
        switch (in->wrapping) {
        case VJ_WRAP_NONE:
            VJ_TRY(read_plain(in, dst, out_end, err));
            break;
        case VJ_WRAP_BGZF:
            VJ_TRY(read_bgzf(in, dst, out_end, err));
            break;
        case VJ_WRAP_GZIP:
            VJ_TRY(read_gzip(in, dst, out_end, err));
            break;
        }
    }
    in->at_end = *out_end;
    return VJ_OK;
}

/* Look at the first bytes: gzip at all, and if so with BGZF's extra field? */
static vj_status detect(vj_textin *in, vj_error *err)
{
    size_t head_bytes = 0;
    const char *why = NULL;

    VJ_TRY(want_raw(in, VJ_BGZF_MAX_BYTES, err));
    if (raw_left(in) < 3 || memcmp(in->raw.ptr, "\x1f\x8b\x08", 3) != 0)
        return VJ_OK;
    if (vj_bgzf_block_size(in->raw.ptr, raw_left(in), &head_bytes, &why) > 0) {
        in->wrapping = VJ_WRAP_BGZF;
        return vj_inflater_new(&in->inflater, err);
    }
    in->wrapping = VJ_WRAP_GZIP;
    in->between = true;
    return vj_gunzip_new(in->budget, &in->gunzip, err);
}

vj_status vj_textin_open(vj_input *input, bool allow_truncated, vj_budget *budget,
                         vj_textin **out, vj_error *err)
{
    vj_status rc = VJ_E_NOMEM;
    vj_textin *in = vj_zalloc(budget, sizeof *in, err);

    *out = NULL;
    if (in == NULL) {
        vj_input_free(input);
        return rc;
    }
    in->input = input;
    in->budget = budget;
    in->allow_truncated = allow_truncated;
    vj_buf_init(&in->raw, budget, 0);
    rc = detect(in, err);
    if (rc == VJ_OK)
        *out = in;
    else
        vj_textin_free(in);
    return rc;
}

void vj_textin_free(vj_textin *in)
{
    if (in == NULL)
        return;
    vj_input_free(in->input);
    vj_buf_fini(&in->raw);
    vj_inflater_free(in->inflater);
    vj_gunzip_free(in->gunzip);
    vj_free(in);
}

vj_wrapping vj_textin_wrapping(const vj_textin *in)
{
    return in->wrapping;
}

const char *vj_textin_name(const vj_textin *in)
{
    return vj_input_name(in->input);
}

bool vj_textin_lacks_end(const vj_textin *in)
{
    return in->lacks_end;
}

int64_t vj_textin_bytes_done(const vj_textin *in)
{
    return in->raw_off;
}

int64_t vj_textin_bytes_total(const vj_textin *in)
{
    return vj_input_size(in->input);
}
