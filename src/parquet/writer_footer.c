/*
 * writer_footer.c - vj_pq_footer_add_kvs. The footer is walked without knowing its fields: what
 * is not the key-value list (field 5) is copied, so that fields of later format versions live on.
 */
#include "parquet/writer_footer.h"

#include "parquet/thrift_write.h"

enum { FIELD_KVS = 5, FIELD_ENCRYPTION = 8 };

/* Nesting of a FileMetaData is below ten; anything deeper is no footer. */
#define MAX_DEPTH 32

/* Bytes from outside; nothing is read at or behind `end`. */
typedef struct walk {
    const uint8_t *at;
    const uint8_t *end;
} walk;

static bool take_varint(walk *w, uint64_t *out)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 70 && w->at < w->end; shift += 7) {
        uint8_t byte = *w->at++;

        if (shift < 64)
            value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = value;
            return true;
        }
    }
    return false;
}

static bool take_bytes(walk *w, uint64_t len)
{
    if (len > (uint64_t)(w->end - w->at))
        return false;
    w->at += len;
    return true;
}

static bool take_binary(walk *w, vj_span *out)
{
    uint64_t len = 0;

    if (!take_varint(w, &len) || len > (uint64_t)(w->end - w->at))
        return false;
    *out = (vj_span){(const char *)w->at, (size_t)len};
    return take_bytes(w, len);
}

/* Type and id of the next field; type 0 is the end of the struct. */
static bool take_field(walk *w, int *id, unsigned *type)
{
    uint64_t wide = 0;

    if (w->at >= w->end)
        return false;
    uint8_t head = *w->at++;
    *type = head & 15u;
    if (head >> 4 != 0)
        *id += head >> 4;
    else if (*type != 0) {
        if (!take_varint(w, &wide) || wide > 2 * INT16_MAX + 1)
            return false;
        *id = (int)(wide >> 1) ^ -(int)(wide & 1);
    }
    return *id <= INT16_MAX;
}

static bool take_list(walk *w, unsigned *item, uint64_t *n)
{
    if (w->at >= w->end)
        return false;
    uint8_t head = *w->at++;
    *item = head & 15u;
    *n = head >> 4;
    return *n < 15 || take_varint(w, n);
}

static bool skip(walk *w, unsigned type, bool in_list, int depth);

static bool skip_struct(walk *w, int depth)
{
    int id = 0;

    for (unsigned type = 0;;) {
        if (!take_field(w, &id, &type))
            return false;
        if (type == 0)
            return true;
        if (!skip(w, type, false, depth))
            return false;
    }
}

static bool skip_items(walk *w, unsigned item, uint64_t n, int depth)
{
    /* every item has at least one byte, so n cannot make the loop longer than the footer */
    if (n > (uint64_t)(w->end - w->at))
        return false;
    for (uint64_t i = 0; i < n; i++)
        if (!skip(w, item, true, depth))
            return false;
    return true;
}

static bool skip_map(walk *w, int depth)
{
    uint64_t n = 0;

    if (!take_varint(w, &n))
        return false;
    if (n == 0)
        return true;
    if (w->at >= w->end || n > (uint64_t)(w->end - w->at))
        return false;
    uint8_t kinds = *w->at++;
    for (uint64_t i = 0; i < n; i++)
        if (!skip(w, kinds >> 4, true, depth) || !skip(w, kinds & 15u, true, depth))
            return false;
    return true;
}

/* Skip one value. As a field a bool has no bytes of its own, in a list it has one. */
static bool skip(walk *w, unsigned type, bool in_list, int depth)
{
    uint64_t number = 0;
    unsigned item = 0;
    vj_span bytes;

    if (depth >= MAX_DEPTH)
        return false;
    switch (type) {
    case VJ_TW_TRUE:
    case VJ_TW_FALSE:
        return !in_list || take_bytes(w, 1);
    case VJ_TW_I8:
        return take_bytes(w, 1);
    case VJ_TW_I16:
    case VJ_TW_I32:
    case VJ_TW_I64:
        return take_varint(w, &number);
    case VJ_TW_DOUBLE:
        return take_bytes(w, 8);
    case VJ_TW_BINARY:
        return take_binary(w, &bytes);
    case VJ_TW_LIST:
    case VJ_TW_SET:
        return take_list(w, &item, &number) && skip_items(w, item, number, depth + 1);
    case VJ_TW_MAP:
        return skip_map(w, depth + 1);
    case VJ_TW_STRUCT:
        return skip_struct(w, depth + 1);
    default:
        return false;
    }
}

/* ---- merge ---- */

typedef VJ_VEC(vj_span) span_list;

typedef struct merge {
    const vj_pq_kv *kvs;
    int32_t n_kvs;
    span_list kept; /* entries of the old list, as bytes */
    vj_tw tw;
    bool written;
} merge;

/* Bytes of the next KeyValue struct, and its key. */
static bool take_kv(walk *w, vj_span *whole, vj_span *key)
{
    const uint8_t *beg = w->at;
    int id = 0;

    *key = (vj_span){0};
    for (unsigned type = 0;;) {
        if (!take_field(w, &id, &type))
            return false;
        if (type == 0)
            break;
        if (id == 1 && type == VJ_TW_BINARY) {
            if (!take_binary(w, key))
                return false;
        } else if (!skip(w, type, false, 2)) {
            return false;
        }
    }
    *whole = (vj_span){(const char *)beg, (size_t)(w->at - beg)};
    return true;
}

static bool is_replaced(const merge *m, vj_span key)
{
    for (int32_t i = 0; i < m->n_kvs; i++)
        if (vj_span_is(key, m->kvs[i].key))
            return true;
    return false;
}

/* Entries of the old list that stay. *ok false: the list is damaged. */
static vj_status keep_old(merge *m, walk *w, bool *ok, vj_error *err)
{
    unsigned item = 0;
    uint64_t n = 0;

    *ok = take_list(w, &item, &n) && n <= (uint64_t)(w->end - w->at) &&
          (n == 0 || item == VJ_TW_STRUCT);
    for (uint64_t i = 0; *ok && i < n; i++) {
        vj_span whole;
        vj_span key;

        *ok = take_kv(w, &whole, &key);
        if (*ok && !is_replaced(m, key))
            VJ_TRY(VJ_VEC_PUSH(&m->kept, whole, err));
    }
    return VJ_OK;
}

/* A key given twice: the last one stands. */
static bool is_last_of_key(const merge *m, int32_t kv_i)
{
    for (int32_t i = kv_i + 1; i < m->n_kvs; i++)
        if (strcmp(m->kvs[i].key, m->kvs[kv_i].key) == 0)
            return false;
    return true;
}

static void write_kvs(merge *m)
{
    size_t n = m->kept.n;

    for (int32_t i = 0; i < m->n_kvs; i++)
        n += is_last_of_key(m, i);
    m->written = true;
    if (n == 0)
        return;
    vj_tw_list(&m->tw, FIELD_KVS, VJ_TW_STRUCT, n);
    for (size_t i = 0; i < m->kept.n; i++)
        vj_tw_raw(&m->tw, m->kept.ptr[i].ptr, m->kept.ptr[i].len_bytes);
    for (int32_t i = 0; i < m->n_kvs; i++) {
        if (!is_last_of_key(m, i))
            continue;
        vj_tw_item(&m->tw);
        vj_tw_binary(&m->tw, 1, vj_span_of(m->kvs[i].key));
        if (m->kvs[i].value != NULL)
            vj_tw_binary(&m->tw, 2, vj_span_of(m->kvs[i].value));
        vj_tw_struct_end(&m->tw);
    }
}

static vj_status merge_fields(merge *m, walk *w, bool *ok, const char *name, vj_error *err)
{
    int id = 0;

    for (unsigned type = 0; *ok;) {
        *ok = take_field(w, &id, &type);
        if (!*ok || type == 0)
            break;
        if (id == FIELD_ENCRYPTION)
            return vj_fail(err, VJ_E_UNSUPPORTED,
                           "%s: the footer is signed (encryption); it cannot be changed", name);
        if (id == FIELD_KVS && !m->written) {
            *ok = type == VJ_TW_LIST;
            if (*ok)
                VJ_TRY(keep_old(m, w, ok, err));
            if (*ok)
                write_kvs(m);
            continue;
        }
        if (id > FIELD_KVS && !m->written)
            write_kvs(m);
        const uint8_t *beg = w->at;
        *ok = skip(w, type, false, 0);
        vj_tw_field(&m->tw, id, (vj_tw_type)type);
        vj_tw_raw(&m->tw, beg, (size_t)(w->at - beg));
    }
    if (*ok && !m->written)
        write_kvs(m);
    return VJ_OK;
}

vj_status vj_footer_merge_kvs(vj_span footer, const vj_pq_kv *kvs, int32_t n_kvs,
                              const char *name, vj_buf *out, vj_error *err)
{
    walk w = {(const uint8_t *)footer.ptr, (const uint8_t *)footer.ptr + footer.len_bytes};
    merge m = {.kvs = kvs, .n_kvs = n_kvs, .tw = vj_tw_begin(out, err)};
    bool ok = true;
    vj_status rc = merge_fields(&m, &w, &ok, name, err);

    if (rc == VJ_OK && !ok)
        rc = vj_fail(err, VJ_E_CORRUPT,
                     "%s: the footer is damaged %zu bytes behind its beginning (%zu bytes long)",
                     name, (size_t)(w.at - (const uint8_t *)footer.ptr), footer.len_bytes);
    if (rc == VJ_OK)
        rc = vj_tw_end(&m.tw);
    VJ_VEC_FINI(&m.kept);
    return rc;
}

/* ---- the file ---- */

/* Footer bytes and where they begin. */
static vj_status read_footer(const char *path, vj_buf *out, int64_t *off, vj_error *err)
{
    vj_source *source = NULL;
    uint8_t tail[8];
    uint32_t len = 0;
    vj_status rc = VJ_OK;

    VJ_TRY(vj_source_open(path, &source, err));
    int64_t size = vj_source_size(source);
    if (size < 12) {
        rc = vj_fail(err, VJ_E_CORRUPT, "%s: expected a Parquet file, found %lld bytes", path,
                     (long long)size);
        goto out;
    }
    VJ_GO(rc, vj_source_read(source, size - 8, tail, sizeof tail, err));
    memcpy(&len, tail, sizeof len);
    if (memcmp(tail + 4, "PARE", 4) == 0)
        rc = vj_fail(err, VJ_E_UNSUPPORTED, "%s: the footer is encrypted", path);
    else if (memcmp(tail + 4, "PAR1", 4) != 0)
        rc = vj_fail(err, VJ_E_CORRUPT, "%s: expected PAR1 as the last four bytes", path);
    else if ((int64_t)len > size - 12)
        rc = vj_fail(err, VJ_E_CORRUPT, "%s: the footer claims %u bytes in a file of %lld", path,
                     (unsigned)len, (long long)size);
    if (rc != VJ_OK)
        goto out;
    *off = size - 8 - (int64_t)len;
    VJ_GO(rc, vj_buf_reserve(out, (size_t)len + 1, err));
    VJ_GO(rc, vj_source_read(source, *off, out->ptr, len, err));
    out->len_bytes = len;
out:
    vj_source_free(source);
    return rc;
}

vj_status vj_pq_footer_add_kvs(const char *path, const vj_pq_kv *kvs, int32_t n_kvs,
                               vj_error *err)
{
    vj_buf before = {0};
    vj_buf after = {0};
    int64_t off = 0;
    vj_status rc = VJ_OK;

    VJ_GO(rc, read_footer(path, &before, &off, err));
    VJ_GO(rc, vj_footer_merge_kvs(vj_buf_span(&before), kvs, n_kvs, path, &after, err));
    if (after.len_bytes > INT32_MAX) {
        rc = vj_fail(err, VJ_E_OUTPUT, "%s: the footer would have %zu bytes, more than Parquet "
                     "can hold", path, after.len_bytes);
        goto out;
    }
    uint32_t len = (uint32_t)after.len_bytes;
    VJ_GO(rc, vj_buf_append(&after, &len, sizeof len, err));
    VJ_GO(rc, vj_buf_append(&after, "PAR1", 4, err));
    VJ_GO(rc, vj_path_replace_tail(path, off, after.ptr, after.len_bytes, err));
out:
    vj_buf_fini(&before);
    vj_buf_fini(&after);
    return rc == VJ_OK ? rc : vj_wrap(err, rc, "adding provenance to the footer");
}
