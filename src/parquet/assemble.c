#include "parquet/column.h"

/*
 * Levels to offsets and validity (Dremel's record assembly, a column at a time). What an entry
 * (rep, def) of a leaf means to a node above it is in footer.h.
 */

vj_status pq_tree_init(pq_tree *tree, const pq_node *node, vj_budget *budget, vj_error *err)
{
    vj_buf_init(&tree->valid, budget, 0);
    vj_buf_init(&tree->offs, budget, 0);
    if (node->n_kids == 0)
        return VJ_OK;
    tree->kids = vj_calloc(budget, (size_t)node->n_kids, sizeof *tree->kids, err);
    tree->views = vj_calloc(budget, (size_t)node->n_kids, sizeof *tree->views, err);
    if (tree->kids == NULL || tree->views == NULL)
        return VJ_E_NOMEM;
    tree->n_kids = node->n_kids; /* kids that a failure leaves out are zero, which is empty */
    for (int32_t i = 0; i < tree->n_kids; i++)
        VJ_TRY(pq_tree_init(&tree->kids[i], &node->kids[i], budget, err));
    return VJ_OK;
}

void pq_tree_fini(pq_tree *tree)
{
    for (int32_t i = 0; tree->kids != NULL && i < tree->n_kids; i++)
        pq_tree_fini(&tree->kids[i]);
    vj_free(tree->kids);
    vj_free(tree->views);
    vj_buf_fini(&tree->valid);
    vj_buf_fini(&tree->offs);
}

/* Room for a bit per entry. */
static vj_status reserve_bits(vj_buf *bits, int64_t n, vj_error *err)
{
    vj_buf_reset(bits);
    VJ_TRY(vj_buf_reserve(bits, (size_t)(n + 7) / 8 + 1, err));
    memset(bits->ptr, 0, (size_t)(n + 7) / 8 + 1);
    return VJ_OK;
}

static vj_status build_leaf(const pq_node *node, pq_column *col, vj_col *out, vj_error *err)
{
    const uint8_t *def = col->defs.ptr;
    uint8_t max_def = col->leaf->max_def;
    int64_t n_present = 0;
    int64_t n = 0;

    VJ_TRY(reserve_bits(&col->valid, col->n_entries, err));
    for (int64_t i = 0; i < col->n_entries; i++) {
        bool present = def[i] == max_def;

        if (def[i] < node->def_outer)
            continue;
        if (present)
            vj_bit_set(col->valid.ptr, n);
        n_present += present;
        n++;
    }
    return pq_column_finish(col, n, n_present, n_present == n ? NULL : col->valid.ptr, NULL, out,
                            err);
}

/* Slots and items of a list as one of its leaves has them. */
static vj_status build_offsets(pq_tree *tree, const pq_node *node, const pq_column *col,
                               vj_col *out, int64_t *n_items, vj_error *err)
{
    const uint8_t *def = col->defs.ptr;
    const uint8_t *rep = col->reps.ptr;
    int64_t n = 0;
    int64_t nulls = 0;
    int32_t items = 0;

    if (col->n_entries >= INT32_MAX)
        return vj_fail(err, VJ_E_NOMEM, "a column batch would pass 2^31 list elements");
    vj_buf_reset(&tree->offs);
    VJ_TRY(vj_buf_reserve(&tree->offs, ((size_t)col->n_entries + 1) * sizeof(int32_t), err));
    VJ_TRY(reserve_bits(&tree->valid, col->n_entries, err));
    int32_t *offs = (int32_t *)(void *)tree->offs.ptr;
    for (int64_t i = 0; i < col->n_entries; i++) {
        if (rep[i] <= node->rep_outer && def[i] >= node->def_outer) {
            bool present = def[i] >= node->def_here;

            offs[n] = items;
            if (present)
                vj_bit_set(tree->valid.ptr, n);
            nulls += !present;
            n++;
        }
        items += rep[i] <= node->rep_item && def[i] >= node->def_item;
    }
    offs[n] = items;
    out->n_rows = n;
    out->offs = offs;
    out->valid = nulls > 0 ? tree->valid.ptr : NULL;
    *n_items = items;
    return VJ_OK;
}

static vj_status build_presence(pq_tree *tree, const pq_node *node, const pq_column *col,
                                vj_col *out, vj_error *err)
{
    const uint8_t *def = col->defs.ptr;
    const uint8_t *rep = col->reps.ptr;
    int64_t n = 0;
    int64_t nulls = 0;

    VJ_TRY(reserve_bits(&tree->valid, col->n_entries, err));
    for (int64_t i = 0; i < col->n_entries; i++) {
        if (rep[i] > node->rep_outer || def[i] < node->def_outer)
            continue;
        if (def[i] >= node->def_here)
            vj_bit_set(tree->valid.ptr, n);
        else
            nulls++;
        n++;
    }
    out->n_rows = n;
    out->valid = nulls > 0 ? tree->valid.ptr : NULL;
    return VJ_OK;
}

vj_status pq_tree_build(pq_tree *tree, const pq_node *node, const vj_type *type,
                        pq_column *columns, int32_t first_leaf, vj_col *out, vj_error *err)
{
    pq_column *col = &columns[node->leaf_beg - first_leaf];
    int64_t expected = 0;

    if (node->kind == PQ_NODE_LEAF)
        return build_leaf(node, col, out, err);
    *out = (vj_col){.type = type, .kids = tree->views};
    if (node->kind == PQ_NODE_LIST) {
        VJ_TRY(build_offsets(tree, node, col, out, &expected, err));
    } else {
        VJ_TRY(build_presence(tree, node, col, out, err));
        expected = out->n_rows;
    }
    for (int32_t i = 0; i < node->n_kids; i++) {
        VJ_TRY(pq_tree_build(&tree->kids[i], &node->kids[i], &type->kids[i].type, columns,
                             first_leaf, &tree->views[i], err));
        if (tree->views[i].n_rows != expected)
            return vj_fail(err, VJ_E_CORRUPT, "levels of its columns contradict each other: "
                           "expected %lld elements, found %lld", (long long)expected,
                           (long long)tree->views[i].n_rows);
    }
    return VJ_OK;
}
