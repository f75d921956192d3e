#include "parquet/footer.h"

#include <stdio.h>

#include "codec/codec.h"

/* One read usually has the whole footer. */
#define TAIL_BYTES 65536
#define MAGIC_BYTES 4
#define TRAILER_BYTES 8 /* u32 LE footer length, magic */

static uint32_t little_u32(const uint8_t *ptr)
{
    return (uint32_t)ptr[3] << 24 | (uint32_t)ptr[2] << 16 | (uint32_t)ptr[1] << 8 | ptr[0];
}

static vj_status check_magic(const vj_pq_file *file, const uint8_t *magic, const char *where,
                             vj_error *err)
{
    char shown[32];

    if (memcmp(magic, "PAR1", MAGIC_BYTES) == 0)
        return VJ_OK;
    if (memcmp(magic, "PARE", MAGIC_BYTES) == 0)
        return vj_fail(err, VJ_E_UNSUPPORTED, "%s: the file has an encrypted footer (magic PARE), "
                       "which is not read", vj_source_name(file->source));
    return vj_fail(err, VJ_E_CORRUPT, "%s: not a Parquet file, or cut off: expected PAR1 at its "
                   "%s, found '%s'", vj_source_name(file->source), where,
                   vj_quote(shown, sizeof shown, magic, MAGIC_BYTES));
}

static vj_status read_footer(vj_pq_file *file, vj_error *err)
{
    const char *name = vj_source_name(file->source);
    int64_t size = vj_source_size(file->source);
    uint8_t head[MAGIC_BYTES];
    uint8_t trailer[TRAILER_BYTES];

    if (size < MAGIC_BYTES + TRAILER_BYTES)
        return vj_fail(err, VJ_E_CORRUPT, "%s: not a Parquet file: expected at least 12 bytes, "
                       "found %lld", name, (long long)size);
    size_t tail = (size_t)VJ_MIN(size, (int64_t)TAIL_BYTES);
    uint8_t *bytes = vj_alloc(file->budget, tail, err);
    if (bytes == NULL)
        return VJ_E_NOMEM;
    file->footer = bytes;
    VJ_TRY(vj_source_read(file->source, size - (int64_t)tail, bytes, tail, err));
    VJ_TRY(vj_source_read(file->source, 0, head, sizeof head, err));
    memcpy(trailer, bytes + tail - TRAILER_BYTES, TRAILER_BYTES);
    VJ_TRY(check_magic(file, trailer + 4, "end", err));
    VJ_TRY(check_magic(file, head, "beginning", err));
    int64_t len = little_u32(trailer);
    if (len > size - MAGIC_BYTES - TRAILER_BYTES)
        return vj_fail(err, VJ_E_CORRUPT, "%s: footer length: expected at most %lld bytes, found "
                       "%lld", name, (long long)(size - MAGIC_BYTES - TRAILER_BYTES),
                       (long long)len);
    file->footer_len = (size_t)len;
    file->footer_off = size - TRAILER_BYTES - len;
    if ((size_t)len + TRAILER_BYTES <= tail) {
        memmove(bytes, bytes + tail - TRAILER_BYTES - len, (size_t)len);
        return VJ_OK;
    }
    vj_free(bytes);
    file->footer = vj_alloc(file->budget, (size_t)len, err);
    if (file->footer == NULL)
        return VJ_E_NOMEM;
    return vj_source_read(file->source, file->footer_off, file->footer, (size_t)len, err);
}

vj_status vj_pq_open(vj_source *source, vj_budget *budget, vj_pq_file **out, vj_error *err)
{
    vj_status rc = VJ_E_NOMEM;
    vj_pq_file *file = vj_zalloc(budget, sizeof *file, err);

    *out = NULL;
    if (file == NULL) {
        vj_source_free(source);
        return VJ_E_NOMEM;
    }
    file->source = source;
    file->budget = budget;
    vj_arena_init(&file->arena, budget, 4096);
    VJ_GO(rc, read_footer(file, err));
    VJ_GO(rc, pq_footer_parse(file, err));
    file->meta.name = vj_source_name(source);
    file->meta.size_bytes = vj_source_size(source);
    file->meta.footer_bytes = (int64_t)file->footer_len;
    *out = file;
    file = NULL;
out:
    vj_pq_free(file);
    return rc;
}

bool vj_pq_is_file(const char *path)
{
    vj_source *source = NULL;
    char magic[4] = {0};
    vj_error unread = {0};

    if (!vj_path_is_file(path) || vj_source_open(path, &source, &unread) != VJ_OK)
        return false;
    bool read = vj_source_size(source) >= (int64_t)sizeof magic &&
                vj_source_read(source, 0, magic, sizeof magic, &unread) == VJ_OK;
    vj_source_free(source);
    return read && (memcmp(magic, "PAR1", 4) == 0 || memcmp(magic, "PARE", 4) == 0);
}

vj_status vj_pq_open_path(const char *path, vj_budget *budget, vj_pq_file **out, vj_error *err)
{
    vj_source *source = NULL;

    *out = NULL;
    VJ_TRY(vj_source_open(path, &source, err));
    return vj_pq_open(source, budget, out, err);
}

void vj_pq_ignore_checksums(vj_pq_file *file)
{
    file->ignore_checksums = true;
}

void vj_pq_free(vj_pq_file *file)
{
    if (file == NULL)
        return;
    vj_source_free(file->source);
    vj_arena_fini(&file->arena);
    vj_free(file->footer);
    vj_free(file->groups);
    vj_free(file->chunk_at);
    vj_free(file);
}

/* ---- views ---- */

const vj_pq_meta *vj_pq_meta_view(const vj_pq_file *file)
{
    return &file->meta;
}

int32_t vj_pq_field_find(const vj_pq_file *file, const char *name)
{
    for (int32_t i = 0; i < file->meta.schema.n_fields; i++)
        if (strcmp(file->meta.schema.fields[i].name, name) == 0)
            return i;
    return -1;
}

void vj_pq_field_leaves(const vj_pq_file *file, int32_t field_i, int32_t *beg, int32_t *end)
{
    *beg = file->nodes[field_i].leaf_beg;
    *end = file->nodes[field_i].leaf_end;
}

const char *vj_pq_leaf_path(const vj_pq_file *file, int32_t leaf_i)
{
    return file->leaves[leaf_i].path;
}

const char *vj_pq_kv_get(const vj_pq_file *file, const char *key)
{
    for (int32_t i = 0; i < file->meta.n_kvs; i++)
        if (strcmp(file->meta.kvs[i].key, key) == 0)
            return file->meta.kvs[i].value;
    return NULL;
}

vj_pq_rowgroup vj_pq_rowgroup_view(const vj_pq_file *file, int32_t rowgroup_i)
{
    const pq_rowgroup *g = &file->groups[rowgroup_i];

    return (vj_pq_rowgroup){.n_rows = g->n_rows,
                            .first_row = g->first_row,
                            .compressed_bytes = g->compressed_bytes,
                            .uncompressed_bytes = g->uncompressed_bytes,
                            .n_sorting = g->n_sorting};
}

const char *pq_encoding_name(int encoding)
{
    static const char *const names[] = {
        "PLAIN", "UNKNOWN", "PLAIN_DICTIONARY", "RLE", "BIT_PACKED", "DELTA_BINARY_PACKED",
        "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "RLE_DICTIONARY", "BYTE_STREAM_SPLIT",
        "ALP"};

    return encoding >= 0 && (size_t)encoding < VJ_COUNT(names) ? names[encoding] : "UNKNOWN";
}

vj_pq_chunk vj_pq_chunk_view(const vj_pq_file *file, int32_t rowgroup_i, int32_t leaf_i)
{
    vj_pq_chunk view = {0};
    pq_chunk c;
    size_t used = 0;

    pq_chunk_get(file, rowgroup_i, leaf_i, &c);
    view.codec = vj_codec_name(c.codec);
    for (int i = 0; i < 32; i++) {
        if ((c.encodings >> i & 1) == 0 || used + 28 > sizeof view.encodings)
            continue;
        used += (size_t)snprintf(view.encodings + used, sizeof view.encodings - used, "%s%s",
                                 used > 0 ? " " : "", pq_encoding_name(i));
    }
    view.n_values = c.n_values;
    view.compressed_bytes = c.compressed_bytes;
    view.uncompressed_bytes = c.uncompressed_bytes;
    view.data_page_off = c.data_off;
    view.dictionary_page_off = c.dict_off > 0 ? c.dict_off : -1;
    view.has_offset_index = c.offset_index_len > 0;
    view.has_column_index = c.column_index_len > 0;
    view.has_bloom_filter = c.bloom_off > 0;
    pq_stats_get(&file->leaves[leaf_i], &c, &view.stats);
    return view;
}

void vj_pq_file_scattered(vj_pq_file *file)
{
    vj_source_scattered(file->source);
}

int64_t vj_pq_fetch(const vj_pq_file *file, int32_t rowgroup_i, int32_t field_i)
{
    const pq_node *node = &file->nodes[field_i];
    int64_t begun = 0;

    for (int32_t leaf = node->leaf_beg; leaf < node->leaf_end; leaf++) {
        pq_chunk c;

        pq_chunk_get(file, rowgroup_i, leaf, &c);
        int64_t beg = c.dict_off > 0 && c.dict_off < c.data_off ? c.dict_off : c.data_off;
        if (c.compressed_bytes <= 0 || vj_source_is_cached(file->source, beg, c.compressed_bytes))
            continue;
        vj_source_fetch(file->source, beg, c.compressed_bytes);
        begun += c.compressed_bytes;
    }
    return begun;
}
