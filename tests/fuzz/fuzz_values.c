/*
 * fuzz_values.c - the values of one page in each encoding, below page and codec:
 *
 *   encoding | physical type | width | n values (2) | n of the dictionary | its bytes (2) | ...
 *
 * Read at once, in small pieces, by number, and behind a skip: the same values.
 */
#include <stdlib.h>

#include "parquet/values.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

typedef struct page {
    pq_leaf leaf;
    pq_dict dict;
    int encoding;
    int64_t n;
    const uint8_t *ptr, *end;
    vj_budget *budget;
} page;

static vj_status begin(const page *p, pq_values *values, pq_dense *dense, vj_error *err)
{
    pq_values_init(values, &p->leaf, &p->dict, p->budget);
    pq_dense_init(dense, p->budget);
    return pq_values_begin(values, p->encoding, p->ptr, p->end, err);
}

/* All of them, by calls of `step` values with a limit of text. */
static vj_status read_by(const page *p, int64_t step, size_t limit, pq_dense *dense, vj_error *err)
{
    pq_values values;
    int64_t done = 0;
    vj_status rc = begin(p, &values, dense, err);

    for (int64_t at = 0; rc == VJ_OK && at < p->n; at += done) {
        rc = pq_values_read(&values, VJ_MIN(step, p->n - at), limit, dense, &done, err);
        if (rc == VJ_OK && done <= 0)
            abort();
    }
    pq_values_fini(&values);
    return rc;
}

/* Skip some, then every third of the others. */
static vj_status pick(const page *p, int64_t skip, pq_dense *dense, vj_error *err)
{
    int32_t idx[1024];
    int64_t n = 0;
    pq_values values;
    vj_status rc = begin(p, &values, dense, err);

    for (int64_t i = skip; i < p->n && n < 1024; i += 3)
        idx[n++] = (int32_t)(i - skip);
    VJ_GO(rc, rc);
    VJ_GO(rc, pq_values_skip(&values, skip, err));
    VJ_GO(rc, pq_values_gather(&values, idx, n, p->n - skip, dense, err));
out:
    pq_values_fini(&values);
    return rc;
}

static vj_span value_of(const page *p, const pq_dense *d, int64_t i)
{
    const int32_t *offs = (const int32_t *)(const void *)d->offs.ptr;
    size_t width = (size_t)p->leaf.width_bytes;

    if (p->leaf.physical == PQ_BOOLEAN)
        return vj_span_of(vj_bit_get(d->data.ptr, i) ? "1" : "0");
    if (width > 0)
        return (vj_span){(const char *)d->data.ptr + (size_t)i * width, width};
    return (vj_span){(const char *)d->data.ptr + offs[i], (size_t)(offs[i + 1] - offs[i])};
}

static void compare(const page *p, const pq_dense *all, const pq_dense *some, int64_t first,
                    int64_t step)
{
    for (int64_t i = 0; i < some->n; i++)
        if (first + i * step >= all->n ||
            !vj_span_eq(value_of(p, all, first + i * step), value_of(p, some, i)))
            abort();
}

static void check_page(const page *p)
{
    vj_error err = {0};
    pq_dense all;
    pq_dense other;

    vj_status rc = read_by(p, p->n, (size_t)8 << 20, &all, &err);
    if (rc == VJ_E_BUG || (rc != VJ_OK && err.text[0] == '\0'))
        abort();
    vj_status again = read_by(p, 7, 64, &other, &err);
    if ((rc == VJ_OK) != (again == VJ_OK) && rc != VJ_E_NOMEM && again != VJ_E_NOMEM)
        abort();
    if (rc == VJ_OK && again == VJ_OK) {
        if (all.n != p->n || other.n != p->n)
            abort();
        compare(p, &all, &other, 0, 1);
    }
    pq_dense_fini(&other);
    for (int64_t skip = 0; skip <= p->n && skip <= 5; skip += 5) {
        again = pick(p, skip, &other, &err);
        if (rc == VJ_OK && again != VJ_OK && again != VJ_E_NOMEM)
            abort(); /* it looks at less, so it may accept more, but not less */
        if (rc == VJ_OK && again == VJ_OK)
            compare(p, &all, &other, skip, 3);
        pq_dense_fini(&other);
    }
    pq_dense_fini(&all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const int32_t widths[] = {0, 4, 8, 12, 4, 8, 0, 0};
    vj_budget budget;
    vj_error err = {0};
    page p = {.budget = &budget, .dict = {.n = -1}};

    if (len < 8)
        return 0;
    vj_budget_init(&budget, (int64_t)64 << 20);
    p.encoding = data[0] % 11;
    p.leaf.physical = (pq_physical)(data[1] % 8);
    p.leaf.width_bytes = p.leaf.physical == PQ_FLBA ? 1 + data[2] % 40
                                                    : widths[p.leaf.physical];
    p.n = (data[3] | data[4] << 8) % 3000;
    size_t n_dict = VJ_MIN((size_t)(data[6] | data[7] << 8), len - 8);
    /* with the room behind them that the reader promises to the kernels, and not a byte more */
    size_t n_page = len - 8 - n_dict;
    uint8_t *dict = vj_zalloc(NULL, n_dict + PQ_SLACK, &err);
    uint8_t *bytes = vj_zalloc(NULL, n_page + PQ_SLACK, &err);
    if (dict == NULL || bytes == NULL)
        abort();
    memcpy(dict, data + 8, n_dict);
    memcpy(bytes, data + 8 + n_dict, n_page);
    p.dict.ptr = dict;
    p.dict.len_bytes = n_dict;
    p.dict.bytes.budget = p.dict.offs.budget = &budget;
    p.ptr = bytes;
    p.end = bytes + n_page;
    if (data[5] == 0 || pq_dict_index(&p.dict, &p.leaf, data[5], &err) == VJ_OK)
        check_page(&p);
    vj_buf_fini(&p.dict.offs);
    vj_free(dict);
    vj_free(bytes);
    if (atomic_load(&budget.used_bytes) != 0)
        abort();
    return 0;
}
