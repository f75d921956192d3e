/*
 * arrow_array.c - column builders as an ArrowArray.
 *
 * A consumer may move a child out and release its parent, so nothing can be freed with the
 * parent: every node counts on the batch, which goes with the last of them.
 *
 *   ArrowArray.private_data -> array_node -> batch_memory (builders, nodes, conversions) -> owner
 */
#include "api/arrow.h"

#include <stdatomic.h>
#include <string.h>

typedef struct batch_memory {
    _Atomic int64_t n_refs;
    vj_arena arena; /* nodes, and values in another form than ours */
    vj_colb *builders;
    int32_t n_builders;
    vj_arrow_owner owner;
} batch_memory;

typedef struct array_node {
    batch_memory *memory;
    const void *buffers[3];
    struct ArrowArray *children;
    struct ArrowArray **pointers;
} array_node;

vj_arrow_shape vj_arrow_shape_of(const vj_type *type)
{
    switch (type->logical) {
    case VJ_LOGICAL_NULL:
        return VJ_ARROW_NULL;
    case VJ_LOGICAL_DECIMAL:
        return type->precision > 38 ? VJ_ARROW_DECIMAL256 : VJ_ARROW_DECIMAL128;
    case VJ_LOGICAL_INTERVAL:
        return VJ_ARROW_INTERVAL;
    default:
        return VJ_ARROW_AS_IT_IS;
    }
}

static void let_go(batch_memory *memory)
{
    if (atomic_fetch_sub(&memory->n_refs, 1) != 1)
        return;
    vj_arrow_owner owner = memory->owner;

    for (int32_t i = 0; memory->builders != NULL && i < memory->n_builders; i++)
        vj_colb_fini(&memory->builders[i]);
    vj_free(memory->builders);
    vj_arena_fini(&memory->arena);
    vj_free(memory);
    owner.release(owner.arg); /* last: it may own the budget that the memory was charged to */
}

static void release_array(struct ArrowArray *array)
{
    array_node *node = array->private_data;
    batch_memory *memory = node->memory;

    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release != NULL)
            array->children[i]->release(array->children[i]);
    array->release = NULL;
    let_go(memory);
}

/* ---- values in another form ---- */

/* An integer of n little-endian bytes from any of the forms that Parquet keeps decimals in. */
static void widen_decimal(const vj_col *col, int64_t row_i, uint8_t *dst, size_t n)
{
    if (col->type->kind == VJ_FIXED) {
        vj_span value = vj_col_bytes(col, row_i);
        bool negative = value.len_bytes > 0 && ((uint8_t)value.ptr[0] & 0x80) != 0;

        memset(dst, negative ? 0xff : 0, n);
        for (size_t i = 0; i < VJ_MIN(n, value.len_bytes); i++)
            dst[i] = (uint8_t)value.ptr[value.len_bytes - 1 - i];
    } else {
        int64_t value = vj_col_i64(col, row_i);

        memset(dst, value < 0 ? 0xff : 0, n);
        memcpy(dst, &value, sizeof value);
    }
}

static void widen_interval(const vj_col *col, int64_t row_i, uint8_t *dst)
{
    uint32_t ms;
    int64_t ns;

    memcpy(dst, vj_col_bytes(col, row_i).ptr, 8);
    memcpy(&ms, vj_col_bytes(col, row_i).ptr + 8, sizeof ms);
    ns = (int64_t)ms * 1000000;
    memcpy(dst + 8, &ns, sizeof ns);
}

static vj_status convert_values(batch_memory *memory, const vj_col *col, vj_arrow_shape shape,
                                const void **out, vj_error *err)
{
    size_t width = shape == VJ_ARROW_DECIMAL256 ? 32 : 16;
    size_t len_bytes;
    uint8_t *values;

    if (VJ_MUL_OVERFLOW((size_t)col->n_rows, width, &len_bytes))
        return vj_fail(err, VJ_E_NOMEM, "a batch of %lld decimals", (long long)col->n_rows);
    if ((values = vj_arena_zalloc(&memory->arena, len_bytes, err)) == NULL)
        return VJ_E_NOMEM;
    for (int64_t i = 0; i < col->n_rows; i++) {
        if (vj_col_is_null(col, i))
            continue;
        if (shape == VJ_ARROW_INTERVAL)
            widen_interval(col, i, values + (size_t)i * width);
        else
            widen_decimal(col, i, values + (size_t)i * width, width);
    }
    *out = values;
    return VJ_OK;
}

/* ---- nodes ---- */

/* A node that holds the batch from here on; its release is valid at once. */
static array_node *add_node(batch_memory *memory, struct ArrowArray *out, int32_t n_kids,
                            vj_error *err)
{
    array_node *node = vj_arena_zalloc(&memory->arena, sizeof *node, err);

    *out = (struct ArrowArray){0};
    if (node == NULL)
        return NULL;
    if (n_kids > 0) {
        node->children =
            vj_arena_zalloc(&memory->arena, (size_t)n_kids * sizeof *node->children, err);
        node->pointers =
            vj_arena_zalloc(&memory->arena, (size_t)n_kids * sizeof *node->pointers, err);
        if (node->children == NULL || node->pointers == NULL)
            return NULL;
        for (int32_t i = 0; i < n_kids; i++)
            node->pointers[i] = &node->children[i];
    }
    node->memory = memory;
    atomic_fetch_add(&memory->n_refs, 1);
    out->buffers = node->buffers;
    out->children = node->pointers;
    out->release = release_array;
    out->private_data = node;
    return node;
}

static bool has_offsets(vj_kind kind)
{
    return kind == VJ_TEXT || kind == VJ_BINARY || kind == VJ_LIST;
}

/* The buffers of one column by its layout; a missing one of an empty column points to zeros. */
static vj_status set_buffers(array_node *node, const vj_col *col, struct ArrowArray *out,
                             vj_error *err)
{
    static const int64_t nothing[1];
    vj_arrow_shape shape = vj_arrow_shape_of(col->type);
    const void *data = col->data != NULL ? col->data : nothing;

    if (shape == VJ_ARROW_NULL) {
        out->null_count = col->n_rows;
        return VJ_OK;
    }
    if (shape != VJ_ARROW_AS_IT_IS)
        VJ_TRY(convert_values(node->memory, col, shape, &data, err));
    out->null_count = col->valid == NULL ? 0 : vj_col_null_count(col);
    node->buffers[out->n_buffers++] = out->null_count == 0 ? NULL : col->valid;
    if (has_offsets(col->type->kind))
        node->buffers[out->n_buffers++] = col->offs != NULL ? (const void *)col->offs : nothing;
    if (col->type->kind != VJ_LIST && col->type->kind != VJ_STRUCT)
        node->buffers[out->n_buffers++] = data;
    return VJ_OK;
}

static vj_status export_column(batch_memory *memory, const vj_col *col, struct ArrowArray *out,
                               vj_error *err)
{
    array_node *node = add_node(memory, out, col->type->n_kids, err);

    if (node == NULL)
        return VJ_E_NOMEM;
    out->length = col->n_rows;
    VJ_TRY(set_buffers(node, col, out, err));
    for (int32_t i = 0; i < col->type->n_kids; i++) {
        out->n_children = i + 1;
        VJ_TRY(export_column(memory, &col->kids[i], out->children[i], err));
    }
    return VJ_OK;
}

static vj_status export_batch(batch_memory *memory, int64_t n_rows, struct ArrowArray *out,
                              vj_error *err)
{
    array_node *node = add_node(memory, out, memory->n_builders, err);

    if (node == NULL)
        return VJ_E_NOMEM;
    out->length = n_rows;
    out->n_buffers = 1;
    for (int32_t i = 0; i < memory->n_builders; i++) {
        vj_col col = vj_colb_view(&memory->builders[i]);

        out->n_children = i + 1;
        VJ_TRY(export_column(memory, &col, out->children[i], err));
    }
    return VJ_OK;
}

/* Move the builders behind the batch; they are empty afterwards. */
static vj_status take_builders(vj_colb *builders, int32_t n_fields, vj_arrow_owner owner,
                               vj_budget *budget, batch_memory **out, vj_error *err)
{
    batch_memory *memory = vj_zalloc(budget, sizeof *memory, err);
    vj_colb *taken = vj_calloc(budget, (size_t)n_fields, sizeof *taken, err);

    if (memory == NULL || taken == NULL) {
        for (int32_t i = 0; i < n_fields; i++)
            vj_colb_fini(&builders[i]);
        vj_free(memory);
        vj_free(taken);
        owner.release(owner.arg);
        return VJ_E_NOMEM;
    }
    vj_arena_init(&memory->arena, budget, 4096);
    memory->n_refs = 1;
    memory->owner = owner;
    memory->builders = taken;
    memory->n_builders = n_fields;
    for (int32_t i = 0; i < n_fields; i++) {
        taken[i] = builders[i];
        builders[i] = (vj_colb){0};
    }
    *out = memory;
    return VJ_OK;
}

vj_status vj_arrow_batch_export(vj_colb *builders, int32_t n_fields, int64_t n_rows,
                                vj_arrow_owner owner, vj_budget *budget, struct ArrowArray *out,
                                vj_error *err)
{
    batch_memory *memory = NULL;

    *out = (struct ArrowArray){0};
    VJ_TRY(take_builders(builders, n_fields, owner, budget, &memory, err));
    vj_status rc = export_batch(memory, n_rows, out, err);
    if (rc != VJ_OK && out->release != NULL)
        out->release(out);
    let_go(memory); /* ours; the nodes hold it now, or nobody does */
    return rc;
}
