#include "native/expand.h"

vj_status vj_expansion_init(vj_expansion *ex, int32_t n_dbs, vj_budget *budget, vj_error *err)
{
    *ex = (vj_expansion){.n_dbs = n_dbs};
    ex->row_left.budget = budget;
    ex->row_db = vj_calloc(budget, (size_t)VJ_MAX(n_dbs, 1), sizeof *ex->row_db, err);
    if (ex->row_db == NULL)
        return VJ_E_NOMEM;
    for (int32_t d = 0; d < n_dbs; d++)
        ex->row_db[d].budget = budget;
    return VJ_OK;
}

void vj_expansion_fini(vj_expansion *ex)
{
    VJ_VEC_FINI(&ex->row_left);
    for (int32_t d = 0; ex->row_db != NULL && d < ex->n_dbs; d++)
        VJ_VEC_FINI(&ex->row_db[d]);
    vj_free(ex->row_db);
    ex->row_db = NULL;
}

void vj_expansion_rewind(vj_expansion *ex, bool first_only)
{
    ex->first_only = first_only;
    ex->next_row = ex->next_i = 0;
    ex->done = false;
}

/* first[] of the key: [0] where its payload rows begin, [1] where they end. */
static const int32_t *bounds_of(const vj_expansion *ex, int32_t d, int32_t key)
{
    return ex->matches[d].first.ptr + vj_join_twin(ex->index, ex->first_key + key);
}

int32_t vj_expansion_matches(const vj_expansion *ex, int32_t d, int32_t key)
{
    const int32_t *bounds = bounds_of(ex, d, key);

    return bounds[1] - bounds[0];
}

static int32_t rows_of_key(const vj_expansion *ex, int32_t d, int32_t key)
{
    int32_t n = vj_expansion_matches(ex, d, key);

    return ex->first_only ? VJ_MIN(n, 1) : n;
}

/* Rows of one left row: the product over the databases. */
static vj_status count_rows(const vj_expansion *ex, int32_t key, int64_t *out, vj_error *err)
{
    int64_t total = 1;

    for (int32_t d = 0; d < ex->n_dbs; d++) {
        total *= VJ_MAX(rows_of_key(ex, d, key), 1);
        if (total > (int64_t)1 << 31)
            return vj_fail(err, VJ_E_NOMEM, "one variant has over two billion combinations of "
                           "database rows; use --duplicates first");
    }
    *out = total;
    return VJ_OK;
}

/* Rows [beg, end) of a left row's total. */
static vj_status add_rows(vj_expansion *ex, int32_t row, int64_t total, int64_t beg, int64_t end,
                          vj_error *err)
{
    int32_t key = ex->left->row_key[row];
    int64_t repeat = total;

    VJ_TRY(VJ_VEC_RESERVE(&ex->row_left, end - beg, err));
    for (int64_t i = beg; i < end; i++)
        ex->row_left.ptr[ex->row_left.n++] = row;
    for (int32_t d = 0; d < ex->n_dbs; d++) {
        vj_row_list *list = &ex->row_db[d];
        int32_t n = rows_of_key(ex, d, key);
        const int32_t *rows = n > 0 ? ex->matches[d].by_key.ptr + *bounds_of(ex, d, key) : NULL;

        VJ_TRY(VJ_VEC_RESERVE(list, end - beg, err));
        repeat /= VJ_MAX(n, 1);
        for (int64_t i = beg; i < end; i++)
            list->ptr[list->n++] = n == 0 ? -1 : rows[(i / repeat) % n];
    }
    return VJ_OK;
}

vj_status vj_expansion_next(vj_expansion *ex, int64_t max_rows, vj_error *err)
{
    bool whole = ex->next_row == 0 && ex->next_i == 0;
    int64_t n = 0;

    VJ_VEC_RESET(&ex->row_left);
    for (int32_t d = 0; d < ex->n_dbs; d++)
        VJ_VEC_RESET(&ex->row_db[d]);
    VJ_TRY(VJ_VEC_RESERVE(&ex->row_left, VJ_MIN(ex->left->n_rows, max_rows), err));
    while (n < max_rows && ex->next_row < ex->left->n_rows) {
        int64_t total = 0;

        VJ_TRY(count_rows(ex, ex->left->row_key[ex->next_row], &total, err));
        int64_t take = VJ_MIN(total - ex->next_i, max_rows - n);
        VJ_TRY(add_rows(ex, (int32_t)ex->next_row, total, ex->next_i, ex->next_i + take, err));
        n += take;
        ex->next_i += take;
        if (ex->next_i == total) {
            ex->next_row++;
            ex->next_i = 0;
        }
    }
    ex->n_rows = n;
    ex->done = ex->next_row == ex->left->n_rows;
    ex->identity = whole && ex->done && n == ex->left->n_rows;
    return VJ_OK;
}
