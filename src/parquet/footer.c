#include "parquet/footer.h"

/* parquet.thrift: FileMetaData, SchemaElement, RowGroup, ColumnChunk, ColumnMetaData, Statistics. */

static vj_status fail_footer(const vj_pq_file *file, const th *t, vj_error *err)
{
    return vj_fail(err, VJ_E_CORRUPT, "%s: footer is damaged: %s (byte %zu of %zu, file offset %lld)",
                   vj_source_name(file->source), t->why, t->why_at, file->footer_len,
                   (long long)(file->footer_off + (int64_t)t->why_at));
}

/* ---- schema elements ---- */

static void parse_time(th *t, pq_element *el)
{
    th_field f = {0};

    while (th_next(t, &f)) {
        if (f.id == 1) {
            el->utc = th_bool(t, &f);
        } else if (f.id == 2 && th_struct(t, &f)) {
            th_field unit = {0};

            while (th_next(t, &unit)) {
                el->unit = unit.id;
                th_skip(t, &unit);
            }
        } else {
            th_skip(t, &f);
        }
    }
}

/* DECIMAL {1 scale, 2 precision}, INTEGER {1 bits, 2 signed}. */
static void parse_pair(th *t, pq_element *el, bool is_decimal)
{
    th_field f = {0};

    while (th_next(t, &f)) {
        if (is_decimal && f.id == 1)
            el->scale = th_i32(t, &f);
        else if (is_decimal && f.id == 2)
            el->precision = th_i32(t, &f);
        else if (!is_decimal && f.id == 1)
            el->int_bits = th_i32(t, &f);
        else if (!is_decimal && f.id == 2)
            el->int_signed = th_bool(t, &f);
        else
            th_skip(t, &f);
    }
}

static void parse_logical(th *t, pq_element *el)
{
    th_field f = {0};

    while (th_next(t, &f)) {
        el->logical = f.id;
        if ((f.id == 5 || f.id == 10) && th_struct(t, &f))
            parse_pair(t, el, f.id == 5);
        else if ((f.id == 7 || f.id == 8) && th_struct(t, &f))
            parse_time(t, el);
        else
            th_skip(t, &f);
    }
}

static void parse_element(th *t, pq_element *el, vj_span *name)
{
    th_field f = {0};

    *el = (pq_element){.physical = -1, .converted = -1};
    *name = (vj_span){"", 0};
    while (th_next(t, &f)) {
        switch (f.id) {
        case 1:
            el->physical = th_i32(t, &f);
            break;
        case 2:
            el->type_length = th_i32(t, &f);
            break;
        case 3:
            el->repetition = th_i32(t, &f);
            break;
        case 4:
            *name = th_bytes(t, &f);
            break;
        case 5:
            el->n_children = th_i32(t, &f);
            break;
        case 6:
            el->converted = th_i32(t, &f);
            break;
        case 7:
            el->scale = th_i32(t, &f);
            break;
        case 8:
            el->precision = th_i32(t, &f);
            break;
        case 10:
            if (th_struct(t, &f))
                parse_logical(t, el);
            break;
        default:
            th_skip(t, &f);
        }
    }
    if (t->why != NULL)
        return;
    if (el->physical > PQ_FLBA || el->repetition < 0 || el->repetition > 2)
        th_fail(t, "a schema element has an unknown physical type or repetition");
    else if (el->physical == PQ_FLBA && (el->type_length <= 0 || el->type_length > 1 << 20))
        th_fail(t, "a fixed-length column has a length outside 1..1048576");
    else if (!vj_utf8_valid(name->ptr, name->len_bytes) ||
             memchr(name->ptr, 0, name->len_bytes) != NULL)
        th_fail(t, "a column name is not UTF-8 text");
}

static vj_status parse_schema(vj_pq_file *file, th *t, const th_field *f, vj_error *err)
{
    uint32_t n = th_list(t, f, TH_STRUCT);
    vj_status rc = VJ_E_NOMEM;
    /* a list item is a byte at least, so that n is below the footer's size */
    pq_element *els = vj_calloc(file->budget, n, sizeof *els, err);
    if (els == NULL)
        return VJ_E_NOMEM;
    for (uint32_t i = 0; i < n && t->why == NULL; i++) {
        vj_span name;

        parse_element(t, &els[i], &name);
        if (t->why != NULL)
            break;
        els[i].name = vj_arena_strndup(&file->arena, name.ptr, name.len_bytes, err);
        if (els[i].name == NULL)
            goto out;
    }
    rc = t->why != NULL ? fail_footer(file, t, err)
                        : pq_schema_build(file, els, (int32_t)n, err);
out:
    vj_free(els);
    return rc;
}

/* ---- chunks ---- */

static void parse_stats(th *t, pq_chunk *c)
{
    th_field f = {0};

    while (th_next(t, &f)) {
        switch (f.id) {
        case 1:
            c->old_max = th_bytes(t, &f);
            c->has_old_max = true;
            break;
        case 2:
            c->old_min = th_bytes(t, &f);
            c->has_old_min = true;
            break;
        case 3:
            c->null_count = th_i64(t, &f);
            c->has_null_count = true;
            break;
        case 4:
            c->distinct_count = th_i64(t, &f);
            c->has_distinct_count = true;
            break;
        case 5:
            c->max = th_bytes(t, &f);
            c->has_max = true;
            break;
        case 6:
            c->min = th_bytes(t, &f);
            c->has_min = true;
            break;
        case 7:
            c->max_exact = th_bool(t, &f);
            c->has_max_exact = true;
            break;
        case 8:
            c->min_exact = th_bool(t, &f);
            c->has_min_exact = true;
            break;
        case 9:
            c->nan_count = th_i64(t, &f);
            c->has_nan_count = true;
            break;
        default:
            th_skip(t, &f);
        }
    }
}

static void parse_encodings(th *t, const th_field *f, pq_chunk *c)
{
    uint32_t n = th_list(t, f, TH_I32);

    for (uint32_t i = 0; i < n && t->why == NULL; i++) {
        int32_t encoding = th_item_i32(t);

        if (encoding >= 0 && encoding < 32)
            c->encodings |= 1u << encoding;
    }
}

static void parse_column_meta(th *t, pq_chunk *c)
{
    th_field f = {0};

    c->has_meta = true;
    while (th_next(t, &f)) {
        switch (f.id) {
        case 1:
            c->physical = th_i32(t, &f);
            break;
        case 2:
            parse_encodings(t, &f, c);
            break;
        case 4:
            c->codec = th_i32(t, &f);
            break;
        case 5:
            c->n_values = th_i64(t, &f);
            break;
        case 6:
            c->uncompressed_bytes = th_i64(t, &f);
            break;
        case 7:
            c->compressed_bytes = th_i64(t, &f);
            break;
        case 9:
            c->data_off = th_i64(t, &f);
            break;
        case 11:
            c->dict_off = th_i64(t, &f);
            break;
        case 12:
            if (th_struct(t, &f))
                parse_stats(t, c);
            break;
        case 14:
            c->bloom_off = th_i64(t, &f);
            break;
        default:
            th_skip(t, &f);
        }
    }
}

void pq_chunk_parse(th *t, pq_chunk *c)
{
    th_field f = {0};

    *c = (pq_chunk){.physical = -1};
    while (th_next(t, &f)) {
        switch (f.id) {
        case 1:
            c->has_file_path = th_bytes(t, &f).len_bytes > 0;
            break;
        case 3:
            if (th_struct(t, &f))
                parse_column_meta(t, c);
            break;
        case 4:
            c->offset_index_off = th_i64(t, &f);
            break;
        case 5:
            c->offset_index_len = th_i32(t, &f);
            break;
        case 6:
            c->column_index_off = th_i64(t, &f);
            break;
        case 7:
            c->column_index_len = th_i32(t, &f);
            break;
        case 8:
        case 9:
            c->is_encrypted = true;
            th_skip(t, &f);
            break;
        default:
            th_skip(t, &f);
        }
    }
}

void pq_chunk_get(const vj_pq_file *file, int32_t rowgroup_i, int32_t leaf_i, pq_chunk *chunk)
{
    size_t at = file->chunk_at[(size_t)rowgroup_i * (size_t)file->meta.n_leaves + (size_t)leaf_i];
    th t;

    th_init(&t, file->footer + at, file->footer_len - at);
    pq_chunk_parse(&t, chunk);
}

/* ---- row groups ---- */

static vj_status check_chunk(const vj_pq_file *file, int32_t group_i, int32_t leaf_i,
                             const pq_chunk *c, vj_error *err)
{
    const pq_leaf *leaf = &file->leaves[leaf_i];
    const char *name = vj_source_name(file->source);

    if (c->is_encrypted || (!c->has_meta && !c->has_file_path))
        return vj_fail(err, VJ_E_UNSUPPORTED, "%s: row group %d, column %s: encrypted columns are "
                       "not read", name, group_i, leaf->path);
    if (c->has_file_path)
        return vj_fail(err, VJ_E_UNSUPPORTED, "%s: row group %d, column %s: its data are said to "
                       "be in another file (file_path), which is not followed", name, group_i,
                       leaf->path);
    if (c->physical != (int32_t)leaf->physical)
        return vj_fail(err, VJ_E_CORRUPT, "%s: row group %d, column %s: expected physical type %d "
                       "of the schema, found %d", name, group_i, leaf->path, leaf->physical,
                       c->physical);
    if (c->n_values < 0 || c->compressed_bytes < 0 || c->uncompressed_bytes < 0)
        return vj_fail(err, VJ_E_CORRUPT, "%s: row group %d, column %s: expected counts and sizes "
                       "of zero or more, found %lld values in %lld bytes", name, group_i,
                       leaf->path, (long long)c->n_values, (long long)c->compressed_bytes);
    return VJ_OK;
}

static vj_status parse_chunks(vj_pq_file *file, th *t, const th_field *f, int32_t group_i,
                              vj_error *err)
{
    int32_t n_leaves = file->meta.n_leaves;
    uint32_t n = th_list(t, f, TH_STRUCT);

    if (t->why != NULL)
        return fail_footer(file, t, err);
    if (n != (uint32_t)n_leaves)
        return vj_fail(err, VJ_E_CORRUPT, "%s: row group %d: expected %d column chunks, found %u",
                       vj_source_name(file->source), group_i, n_leaves, n);
    for (int32_t i = 0; i < n_leaves; i++) {
        pq_chunk c;

        file->chunk_at[(size_t)group_i * (size_t)n_leaves + (size_t)i] = (uint32_t)th_used(t);
        pq_chunk_parse(t, &c);
        if (t->why != NULL)
            return fail_footer(file, t, err);
        VJ_TRY(check_chunk(file, group_i, i, &c, err));
        pq_rowgroup *group = &file->groups[group_i];
        if (VJ_ADD_OVERFLOW(group->compressed_bytes, c.compressed_bytes,
                            &group->compressed_bytes) ||
            VJ_ADD_OVERFLOW(group->uncompressed_bytes, c.uncompressed_bytes,
                            &group->uncompressed_bytes))
            return vj_fail(err, VJ_E_CORRUPT, "%s: row group %d: the sizes of its column chunks "
                           "pass 2^63 bytes", vj_source_name(file->source), group_i);
    }
    return VJ_OK;
}

static vj_status parse_group(vj_pq_file *file, th *t, int32_t group_i, vj_error *err)
{
    pq_rowgroup *g = &file->groups[group_i];
    bool has_chunks = false;
    th_field f = {0};

    g->n_rows = -1;
    while (th_next(t, &f)) {
        if (f.id == 1) {
            VJ_TRY(parse_chunks(file, t, &f, group_i, err));
            has_chunks = true;
        } else if (f.id == 3) {
            g->n_rows = th_i64(t, &f);
        } else if (f.id == 4) {
            uint32_t n = th_list(t, &f, TH_STRUCT);

            g->n_sorting = (int32_t)n;
            for (uint32_t i = 0; i < n && t->why == NULL; i++)
                th_item_skip(t, TH_STRUCT);
        } else {
            th_skip(t, &f);
        }
    }
    if (t->why != NULL)
        return fail_footer(file, t, err);
    if (!has_chunks || g->n_rows < 0 || g->n_rows > INT32_MAX)
        return vj_fail(err, VJ_E_CORRUPT,
                       "%s: row group %d: expected columns and 0..2147483647 rows, found %s and "
                       "%lld rows", vj_source_name(file->source), group_i,
                       has_chunks ? "columns" : "none", (long long)g->n_rows);
    return VJ_OK;
}

static vj_status parse_groups(vj_pq_file *file, th *t, const th_field *f, vj_error *err)
{
    uint32_t n = th_list(t, f, TH_STRUCT);
    int64_t rows = 0;

    if (t->why != NULL)
        return fail_footer(file, t, err);
    if (file->leaves == NULL)
        return vj_fail(err, VJ_E_CORRUPT, "%s: footer has row groups before its schema",
                       vj_source_name(file->source));
    /* a chunk takes a byte at least: no table larger than 4 times the footer */
    if ((uint64_t)n * (uint64_t)file->meta.n_leaves > (uint64_t)(t->end - t->ptr))
        return vj_fail(err, VJ_E_CORRUPT, "%s: expected %u row groups of %d columns in the "
                       "footer, found %zu bytes for them", vj_source_name(file->source), n,
                       file->meta.n_leaves, (size_t)(t->end - t->ptr));
    if (file->groups != NULL)
        return vj_fail(err, VJ_E_CORRUPT, "%s: footer has two lists of row groups",
                       vj_source_name(file->source));
    file->groups = vj_calloc(file->budget, n, sizeof *file->groups, err);
    file->chunk_at = vj_calloc(file->budget, (size_t)n * (size_t)file->meta.n_leaves,
                               sizeof *file->chunk_at, err);
    if (file->groups == NULL || file->chunk_at == NULL)
        return VJ_E_NOMEM;
    file->meta.n_rowgroups = (int32_t)n;
    for (int32_t i = 0; i < (int32_t)n; i++) {
        VJ_TRY(parse_group(file, t, i, err));
        file->groups[i].first_row = rows;
        rows += file->groups[i].n_rows;
    }
    return VJ_OK;
}

/* ---- file ---- */

/* NULL and err on failure. */
static const char *keep_text(vj_pq_file *file, vj_span text, vj_error *err)
{
    if (memchr(text.ptr != NULL ? text.ptr : "", 0, text.len_bytes) != NULL ||
        !vj_utf8_valid(text.ptr, text.len_bytes)) {
        /* metadata of others that we only show: keep what is text of it */
        size_t n = 0;
        size_t step = 0;

        while (n < text.len_bytes && text.ptr[n] != '\0' &&
               (step = vj_utf8_sequence((const uint8_t *)text.ptr + n, text.len_bytes - n)) > 0)
            n += step;
        text.len_bytes = n;
    }
    return vj_arena_strndup(&file->arena, text.ptr != NULL ? text.ptr : "", text.len_bytes, err);
}

static vj_status parse_kvs(vj_pq_file *file, th *t, const th_field *f, vj_error *err)
{
    uint32_t n = th_list(t, f, TH_STRUCT);
    vj_pq_kv *kvs = vj_arena_zalloc(&file->arena, n * sizeof *kvs, err);

    if (kvs == NULL)
        return VJ_E_NOMEM;
    for (uint32_t i = 0; i < n && t->why == NULL; i++) {
        th_field g = {0};

        kvs[i].key = "";
        while (th_next(t, &g)) {
            if (g.id != 1 && g.id != 2) {
                th_skip(t, &g);
                continue;
            }
            const char *text = keep_text(file, th_bytes(t, &g), err);
            if (text == NULL)
                return VJ_E_NOMEM;
            *(g.id == 1 ? &kvs[i].key : &kvs[i].value) = text;
        }
    }
    file->meta.n_kvs = (int32_t)n;
    file->meta.kvs = kvs;
    return VJ_OK;
}

/* ColumnOrder unions, one a leaf: which member is set is all they say. */
static void parse_orders(vj_pq_file *file, th *t, const th_field *f)
{
    uint32_t n = th_list(t, f, TH_STRUCT);

    for (uint32_t i = 0; i < n && t->why == NULL; i++) {
        int order = PQ_ORDER_OTHER;
        th_field g = {0};

        while (th_next(t, &g)) {
            order = g.id == PQ_ORDER_TYPE || g.id == PQ_ORDER_IEEE754 ? g.id : PQ_ORDER_OTHER;
            th_skip(t, &g);
        }
        if (file->leaves != NULL && (int64_t)i < file->meta.n_leaves)
            file->leaves[i].order = (uint8_t)order;
    }
}

/* parquet-mr before 1.2.9 did not count the header of the dictionary page (PARQUET-816). */
static int64_t uncounted_bytes(const char *created_by)
{
    static const char mr[] = "parquet-mr version ";
    int part[3] = {0};

    if (strncmp(created_by, "parquet-mr", 10) != 0)
        return 0;
    const char *at = created_by + (strncmp(created_by, mr, sizeof mr - 1) == 0 ? sizeof mr - 1 : 10);
    for (int i = 0; i < 3; i++) {
        for (; *at >= '0' && *at <= '9'; at++)
            part[i] = VJ_MIN(part[i] * 10 + (*at - '0'), 1000);
        at += *at == '.';
    }
    return part[0] * 1000000 + part[1] * 1000 + part[2] < 1002009 ? 100 : 0;
}

static vj_status parse_field(vj_pq_file *file, th *t, const th_field *f, vj_error *err)
{
    switch (f->id) {
    case 1:
        file->meta.version = th_i32(t, f);
        break;
    case 2:
        if (file->leaves != NULL)
            return vj_fail(err, VJ_E_CORRUPT, "%s: footer has two schemas",
                           vj_source_name(file->source));
        return parse_schema(file, t, f, err);
    case 3:
        file->meta.n_rows = th_i64(t, f);
        break;
    case 4:
        return parse_groups(file, t, f, err);
    case 5:
        return parse_kvs(file, t, f, err);
    case 6:
        file->meta.created_by = keep_text(file, th_bytes(t, f), err);
        return file->meta.created_by != NULL ? VJ_OK : VJ_E_NOMEM;
    case 7:
        parse_orders(file, t, f);
        break;
    case 8:
        return vj_fail(err, VJ_E_UNSUPPORTED, "%s: the file is encrypted (encryption_algorithm in "
                       "its footer), which is not read", vj_source_name(file->source));
    default:
        th_skip(t, f);
    }
    return VJ_OK;
}

vj_status pq_footer_parse(vj_pq_file *file, vj_error *err)
{
    const char *name = vj_source_name(file->source);
    th_field f = {0};
    int64_t rows = 0;
    th t;

    file->meta.created_by = "";
    file->meta.n_rows = -1;
    th_init(&t, file->footer, file->footer_len);
    while (th_next(&t, &f))
        VJ_TRY(parse_field(file, &t, &f, err));
    if (t.why != NULL)
        return fail_footer(file, &t, err);
    if (file->leaves == NULL)
        return vj_fail(err, VJ_E_CORRUPT, "%s: footer has no schema", name);
    for (int32_t i = 0; i < file->meta.n_rowgroups; i++)
        rows += file->groups[i].n_rows;
    /* rows that no group has are lost; a count that is too small (writers that forget it) loses
     * nothing, and the groups are what everybody reads */
    if (file->meta.n_rows < 0 || rows < file->meta.n_rows)
        return vj_fail(err, VJ_E_CORRUPT, "%s: footer expects %lld rows, its %d row groups have "
                       "%lld", name, (long long)file->meta.n_rows, file->meta.n_rowgroups,
                       (long long)rows);
    file->meta.n_rows = rows;
    file->chunk_extra = uncounted_bytes(file->meta.created_by);
    return VJ_OK;
}
