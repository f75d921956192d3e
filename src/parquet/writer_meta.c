/*
 * writer_meta.c - page indexes and the footer (parquet.thrift; PageIndex.md).
 */
#include "parquet/writer_meta.h"

/* ---- page indexes ---- */

static vj_span bound_at(const vj_chunk *chunk, uint32_t off, uint32_t len)
{
    if (len == 0) /* perhaps there are no bounds at all */
        return (vj_span){"", 0};
    return (vj_span){(const char *)chunk->bounds.ptr + off, len};
}

static vj_span page_min(const vj_chunk *chunk, size_t i)
{
    return bound_at(chunk, chunk->recs.ptr[i].min_off, chunk->recs.ptr[i].min_len);
}

static vj_span page_max(const vj_chunk *chunk, size_t i)
{
    return bound_at(chunk, chunk->recs.ptr[i].max_off, chunk->recs.ptr[i].max_len);
}

enum { UNORDERED = 0, ASCENDING = 1, DESCENDING = 2 };

/* Order of the pages' bounds; pages without values do not count. */
static int boundary_order(vj_order order, const vj_chunk *chunk)
{
    bool up = true;
    bool down = true;
    size_t before = SIZE_MAX;

    for (size_t i = 0; i < chunk->recs.n; i++) {
        if (!chunk->recs.ptr[i].has_values)
            continue;
        if (before != SIZE_MAX) {
            int min = vj_bounds_cmp(order, page_min(chunk, before), page_min(chunk, i));
            int max = vj_bounds_cmp(order, page_max(chunk, before), page_max(chunk, i));

            up &= min <= 0 && max <= 0;
            down &= min >= 0 && max >= 0;
        }
        before = i;
    }
    return up ? ASCENDING : down ? DESCENDING : UNORDERED;
}

static vj_status write_column_index(const vj_leaf *leaf, const vj_chunk *chunk, vj_buf *out,
                                    vj_error *err)
{
    vj_tw tw = vj_tw_begin(out, err);
    size_t n = chunk->recs.n;

    vj_tw_list(&tw, 1, VJ_TW_TRUE, n);
    for (size_t i = 0; i < n; i++)
        vj_tw_item_bool(&tw, !chunk->recs.ptr[i].has_values);
    vj_tw_list(&tw, 2, VJ_TW_BINARY, n);
    for (size_t i = 0; i < n; i++)
        vj_tw_item_binary(&tw, page_min(chunk, i));
    vj_tw_list(&tw, 3, VJ_TW_BINARY, n);
    for (size_t i = 0; i < n; i++)
        vj_tw_item_binary(&tw, page_max(chunk, i));
    vj_tw_i32(&tw, 4, boundary_order(leaf->order, chunk));
    vj_tw_list(&tw, 5, VJ_TW_I64, n);
    for (size_t i = 0; i < n; i++)
        vj_tw_item_int(&tw, chunk->recs.ptr[i].n_nulls);
    return vj_tw_end(&tw);
}

static vj_status write_offset_index(const vj_chunk *chunk, int64_t pages_off, vj_buf *out,
                                    vj_error *err)
{
    vj_tw tw = vj_tw_begin(out, err);

    vj_tw_list(&tw, 1, VJ_TW_STRUCT, chunk->recs.n);
    for (size_t i = 0; i < chunk->recs.n; i++) {
        const vj_page_rec *rec = &chunk->recs.ptr[i];

        vj_tw_item(&tw);
        vj_tw_i64(&tw, 1, pages_off + rec->off);
        vj_tw_i32(&tw, 2, rec->len_bytes);
        vj_tw_i64(&tw, 3, rec->first_row);
        vj_tw_struct_end(&tw);
    }
    return vj_tw_end(&tw);
}

vj_status vj_indexes_write(const vj_leaf *leaf, const vj_chunk *chunk, int64_t pages_off,
                           vj_buf *column_index, vj_buf *offset_index, vj_chunk_rec *rec,
                           vj_error *err)
{
    rec->offset_index_off = (int64_t)offset_index->len_bytes;
    VJ_TRY(write_offset_index(chunk, pages_off, offset_index, err));
    rec->offset_index_bytes = (int32_t)((int64_t)offset_index->len_bytes - rec->offset_index_off);
    rec->column_index_off = (int64_t)column_index->len_bytes;
    /* Pages with values but without bounds cannot be said in a column index: none then. */
    if (!chunk->no_bounds)
        VJ_TRY(write_column_index(leaf, chunk, column_index, err));
    rec->column_index_bytes = (int32_t)((int64_t)column_index->len_bytes - rec->column_index_off);
    return VJ_OK;
}

/* ---- footer ---- */

static bool deprecated_order_is_right(vj_order order)
{
    return order == VJ_ORDER_BOOL || order == VJ_ORDER_I32 || order == VJ_ORDER_I64 ||
           order == VJ_ORDER_F32 || order == VJ_ORDER_F64;
}

static void write_statistics(vj_tw *tw, const vj_chunk_rec *rec, bool deprecated)
{
    vj_tw_struct(tw, 12);
    if (rec->has_bounds && deprecated) {
        vj_tw_binary(tw, 1, rec->max);
        vj_tw_binary(tw, 2, rec->min);
    }
    vj_tw_i64(tw, 3, rec->n_nulls);
    if (rec->has_bounds) {
        vj_tw_binary(tw, 5, rec->max);
        vj_tw_binary(tw, 6, rec->min);
        vj_tw_bool(tw, 7, rec->max_exact);
        vj_tw_bool(tw, 8, rec->min_exact);
    }
    vj_tw_struct_end(tw);
}

/* Encodings of the chunk, each once: levels, dictionary page, data pages. */
static void write_encodings(vj_tw *tw, const vj_leaf *leaf, const vj_chunk_rec *rec)
{
    bool used[VJ_ENC_COUNT] = {0};
    size_t n = 0;

    for (int i = 0; i < VJ_ENC_COUNT; i++)
        used[i] = rec->encoding_pages[i] > 0;
    used[VJ_ENC_PLAIN] |= rec->has_dict;
    used[VJ_ENC_RLE] |= leaf->max_def > 0 || leaf->max_rep > 0;
    for (int i = 0; i < VJ_ENC_COUNT; i++)
        n += used[i];
    vj_tw_list(tw, 2, VJ_TW_I32, n);
    for (int i = 0; i < VJ_ENC_COUNT; i++)
        if (used[i])
            vj_tw_item_int(tw, i);
}

static void write_page_count(vj_tw *tw, int page_type, int encoding, int64_t n)
{
    vj_tw_item(tw);
    vj_tw_i32(tw, 1, page_type);
    vj_tw_i32(tw, 2, encoding);
    vj_tw_i32(tw, 3, n);
    vj_tw_struct_end(tw);
}

static void write_encoding_stats(vj_tw *tw, const vj_chunk_rec *rec, bool compat)
{
    size_t n = rec->has_dict;

    for (int i = 0; i < VJ_ENC_COUNT; i++)
        n += rec->encoding_pages[i] > 0;
    vj_tw_list(tw, 13, VJ_TW_STRUCT, n);
    if (rec->has_dict)
        write_page_count(tw, 2, VJ_ENC_PLAIN, 1);
    for (int i = 0; i < VJ_ENC_COUNT; i++)
        if (rec->encoding_pages[i] > 0)
            write_page_count(tw, compat ? 0 : 3, i, rec->encoding_pages[i]);
}

/* "a", "list", "element": lists add their repeated level, their child is called element. */
static void write_path(vj_tw *tw, const vj_leaf *leaf)
{
    size_t n = (size_t)(leaf->n_steps + leaf->max_rep);

    vj_tw_list(tw, 3, VJ_TW_BINARY, n);
    for (int32_t s = 0; s < leaf->n_steps; s++) {
        bool element = s > 0 && leaf->steps[s - 1].field->type.kind == VJ_LIST;

        vj_tw_item_binary(tw, vj_span_of(element ? "element" : leaf->steps[s].field->name));
        if (leaf->steps[s].field->type.kind == VJ_LIST)
            vj_tw_item_binary(tw, vj_span_of("list"));
    }
}

static void write_chunk(vj_tw *tw, const vj_file_facts *facts, const vj_leaf *leaf,
                        const vj_chunk_rec *rec)
{
    vj_tw_item(tw);
    vj_tw_i64(tw, 2, rec->has_dict ? rec->dict_off : rec->data_off);
    vj_tw_struct(tw, 3);
    vj_tw_i32(tw, 1, leaf->phys);
    write_encodings(tw, leaf, rec);
    write_path(tw, leaf);
    vj_tw_i32(tw, 4, rec->codec);
    vj_tw_i64(tw, 5, rec->n_values);
    vj_tw_i64(tw, 6, rec->uncompressed_bytes);
    vj_tw_i64(tw, 7, rec->compressed_bytes);
    vj_tw_i64(tw, 9, rec->data_off);
    if (rec->has_dict)
        vj_tw_i64(tw, 11, rec->dict_off);
    write_statistics(tw, rec, facts->compat && deprecated_order_is_right(leaf->order));
    write_encoding_stats(tw, rec, facts->compat);
    vj_tw_struct_end(tw);
    vj_tw_i64(tw, 4, facts->offset_index_base + rec->offset_index_off);
    vj_tw_i32(tw, 5, rec->offset_index_bytes);
    if (rec->column_index_bytes > 0) {
        vj_tw_i64(tw, 6, facts->column_index_base + rec->column_index_off);
        vj_tw_i32(tw, 7, rec->column_index_bytes);
    }
    vj_tw_struct_end(tw);
}

static void write_group(vj_tw *tw, const vj_file_facts *facts, size_t group_i)
{
    const vj_group_rec *group = &facts->groups.ptr[group_i];
    const vj_chunk_rec *chunks = &facts->chunks.ptr[group_i * (size_t)facts->n_leaves];

    vj_tw_item(tw);
    vj_tw_list(tw, 1, VJ_TW_STRUCT, (size_t)facts->n_leaves);
    for (int32_t i = 0; i < facts->n_leaves; i++)
        write_chunk(tw, facts, &facts->leaves[i], &chunks[i]);
    vj_tw_i64(tw, 2, group->uncompressed_bytes);
    vj_tw_i64(tw, 3, group->n_rows);
    if (facts->n_sorting > 0) {
        vj_tw_list(tw, 4, VJ_TW_STRUCT, (size_t)facts->n_sorting);
        for (int32_t i = 0; i < facts->n_sorting; i++) {
            vj_tw_item(tw);
            vj_tw_i32(tw, 1, facts->sorting_leaves[i]);
            vj_tw_bool(tw, 2, false);
            vj_tw_bool(tw, 3, false);
            vj_tw_struct_end(tw);
        }
    }
    vj_tw_i64(tw, 5, group->file_off);
    vj_tw_i64(tw, 6, group->compressed_bytes);
    if (group_i <= INT16_MAX)
        vj_tw_int(tw, 7, VJ_TW_I16, (int64_t)group_i);
    vj_tw_struct_end(tw);
}

static void write_kvs(vj_tw *tw, const vj_file_facts *facts)
{
    if (facts->kvs.n == 0)
        return;
    vj_tw_list(tw, 5, VJ_TW_STRUCT, facts->kvs.n);
    for (size_t i = 0; i < facts->kvs.n; i++) {
        vj_tw_item(tw);
        vj_tw_binary(tw, 1, vj_span_of(facts->kvs.ptr[i].key));
        if (facts->kvs.ptr[i].value != NULL)
            vj_tw_binary(tw, 2, vj_span_of(facts->kvs.ptr[i].value));
        vj_tw_struct_end(tw);
    }
}

vj_status vj_footer_write(const vj_file_facts *facts, vj_buf *out, vj_error *err)
{
    size_t beg = out->len_bytes;
    vj_tw tw = vj_tw_begin(out, err);

    /* Version 1: what says how pages are encoded are the pages; all readers accept it. */
    vj_tw_i32(&tw, 1, 1);
    vj_schema_write(&tw, facts->schema);
    vj_tw_i64(&tw, 3, facts->n_rows);
    vj_tw_list(&tw, 4, VJ_TW_STRUCT, facts->groups.n);
    for (size_t i = 0; i < facts->groups.n; i++)
        write_group(&tw, facts, i);
    write_kvs(&tw, facts);
    vj_tw_binary(&tw, 6, vj_span_of(facts->created_by));
    vj_tw_list(&tw, 7, VJ_TW_STRUCT, (size_t)facts->n_leaves);
    for (int32_t i = 0; i < facts->n_leaves; i++) {
        vj_tw_item(&tw);
        vj_tw_empty(&tw, 1); /* TypeDefinedOrder */
        vj_tw_struct_end(&tw);
    }
    VJ_TRY(vj_tw_end(&tw));
    size_t len = out->len_bytes - beg;
    if (len > INT32_MAX)
        return vj_fail(err, VJ_E_OUTPUT, "the footer would have %zu bytes, more than Parquet can "
                       "hold; use larger row groups", len);
    uint32_t len32 = (uint32_t)len;
    VJ_TRY(vj_buf_append(out, &len32, sizeof len32, err));
    return vj_buf_append(out, "PAR1", 4, err);
}
