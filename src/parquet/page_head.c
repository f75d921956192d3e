/* page_head.c - page headers (parquet.thrift, PageHeader), in general and quickly. */
#include "parquet/page.h"

/* DataPageHeader (1 values, 2 encoding, 3 def, 4 rep) and DictionaryPageHeader (1, 2). */
static void parse_v1(th *t, pq_page_head *h)
{
    th_field f = {0};

    while (th_next(t, &f)) {
        if (f.id == 1)
            h->n_values = th_i32(t, &f);
        else if (f.id == 2)
            h->encoding = th_i32(t, &f);
        else if (f.id == 3 && h->type == PQ_PAGE_DATA)
            h->def_encoding = th_i32(t, &f);
        else if (f.id == 4 && h->type == PQ_PAGE_DATA)
            h->rep_encoding = th_i32(t, &f);
        else
            th_skip(t, &f);
    }
}

static void parse_v2(th *t, pq_page_head *h)
{
    th_field f = {0};

    while (th_next(t, &f)) {
        switch (f.id) {
        case 1:
            h->n_values = th_i32(t, &f);
            break;
        case 2:
            h->n_nulls = th_i32(t, &f);
            break;
        case 3:
            h->n_rows = th_i32(t, &f);
            break;
        case 4:
            h->encoding = th_i32(t, &f);
            break;
        case 5:
            h->def_bytes = th_i32(t, &f);
            break;
        case 6:
            h->rep_bytes = th_i32(t, &f);
            break;
        case 7:
            h->is_compressed = th_bool(t, &f);
            break;
        default:
            th_skip(t, &f);
        }
    }
}

/* What is wrong with a head, or NULL. */
static const char *head_fault(const pq_page_head *h, bool has_part)
{
    bool counts = h->type == PQ_PAGE_DATA || h->type == PQ_PAGE_DATA_V2 ||
                  h->type == PQ_PAGE_DICTIONARY; /* pages of other types are passed over */

    if (h->compressed_bytes < 0 || h->uncompressed_bytes < 0 || h->n_values < 0)
        return "the header has no sizes or negative ones";
    if (!has_part && counts)
        return "the header says nothing about the page of its type";
    if (h->type == PQ_PAGE_DATA_V2 &&
        (h->def_bytes < 0 || h->rep_bytes < 0 || h->n_rows < 0 || h->n_nulls < 0 ||
         h->n_rows > h->n_values || h->n_nulls > h->n_values ||
         (int64_t)h->def_bytes + h->rep_bytes > h->compressed_bytes ||
         (int64_t)h->def_bytes + h->rep_bytes > h->uncompressed_bytes))
        return "the header's level sizes or counts contradict each other";
    return NULL;
}

#define QUICK_BYTES 72 /* of a head that pq_page_head_quick takes, at most */

/* A number of up to 5 bytes; INT64_MAX where it has more. */
static inline int64_t quick_i32(const uint8_t **ptr)
{
    uint64_t zigzag = 0;

    for (unsigned shift = 0; shift < 35; shift += 7) {
        uint8_t byte = *(*ptr)++;

        zigzag |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
    }
    return INT64_MAX;
}

bool pq_page_head_quick(const uint8_t *ptr, size_t len, pq_page_head *h)
{
    enum { I32 = 0x15, V2_STRUCT = 0x4c, TRUE = 0x11, FALSE = 0x12 }; /* field head, id 1 further */
    const uint8_t *at = ptr;
    int64_t v[10];

    if (len < QUICK_BYTES)
        return false;
    for (int i = 0; i < 10; i++) {
        if (i == 4 && *at++ != V2_STRUCT)
            return false;
        if (*at++ != I32)
            return false;
        v[i] = quick_i32(&at);
        if (v[i] != (int32_t)v[i])
            return false;
    }
    uint8_t flag = *at++;
    if (v[0] != PQ_PAGE_DATA_V2 || (flag != TRUE && flag != FALSE) || at[0] != 0 || at[1] != 0)
        return false;
    *h = (pq_page_head){.type = PQ_PAGE_DATA_V2,
                        .head_bytes = at + 2 - ptr,
                        .uncompressed_bytes = v[1],
                        .compressed_bytes = v[2],
                        .has_crc = true,
                        .crc = (uint32_t)(int32_t)v[3],
                        .n_values = (int32_t)v[4],
                        .n_nulls = (int32_t)v[5],
                        .n_rows = (int32_t)v[6],
                        .encoding = (int32_t)v[7],
                        .def_bytes = (int32_t)v[8],
                        .rep_bytes = (int32_t)v[9],
                        .is_compressed = flag == TRUE};
    return head_fault(h, true) == NULL;
}

void pq_page_head_parse(th *t, pq_page_head *h)
{
    th_field f = {0};
    bool has_part = false;

    *h = (pq_page_head){.type = -1, .compressed_bytes = -1, .uncompressed_bytes = -1,
                        .n_rows = -1, .n_nulls = -1, .is_compressed = true};
    while (th_next(t, &f)) {
        switch (f.id) {
        case 1:
            h->type = th_i32(t, &f);
            break;
        case 2:
            h->uncompressed_bytes = th_i32(t, &f);
            break;
        case 3:
            h->compressed_bytes = th_i32(t, &f);
            break;
        case 4:
            h->crc = (uint32_t)th_i32(t, &f);
            h->has_crc = true;
            break;
        case 5:
        case 7:
        case 8:
            /* only the part that goes with the type counts */
            if (f.id != (h->type == PQ_PAGE_DATA ? 5 : h->type == PQ_PAGE_DICTIONARY ? 7 : 8)) {
                th_skip(t, &f);
                break;
            }
            has_part = th_struct(t, &f);
            if (has_part && f.id == 8)
                parse_v2(t, h);
            else if (has_part)
                parse_v1(t, h);
            break;
        default:
            th_skip(t, &f);
        }
    }
    const char *fault = t->why == NULL ? head_fault(h, has_part) : NULL;
    if (fault != NULL)
        th_fail(t, fault);
    h->head_bytes = (int64_t)th_used(t);
}
