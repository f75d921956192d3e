/*
 * arrow_schema.c - vj_type as an ArrowSchema.
 *
 * One block of memory holds a node's children, their pointers and its texts; it belongs to the
 * node, so that a consumer may move a child away and release the parent.
 */
#include "api/arrow.h"

#include <stdio.h>
#include <string.h>

#define FORMAT_BYTES 48

typedef struct schema_node {
    char format[FORMAT_BYTES];
    char *name;
    struct ArrowSchema *children;
    struct ArrowSchema **pointers;
} schema_node;

static const char *plain_format(vj_kind kind)
{
    static const char *const formats[] = {
        [VJ_BOOL] = "b", [VJ_I8] = "c",   [VJ_I16] = "s",  [VJ_I32] = "i",    [VJ_I64] = "l",
        [VJ_U8] = "C",   [VJ_U16] = "S",  [VJ_U32] = "I",  [VJ_U64] = "L",    [VJ_F32] = "f",
        [VJ_F64] = "g",  [VJ_TEXT] = "u", [VJ_BINARY] = "z", [VJ_LIST] = "+l", [VJ_STRUCT] = "+s",
    };

    return formats[kind];
}

static void time_format(const vj_type *type, char *dst)
{
    static const char units[] = {[VJ_MS] = 'm', [VJ_US] = 'u', [VJ_NS] = 'n'};

    if (type->logical == VJ_LOGICAL_TIMESTAMP)
        snprintf(dst, FORMAT_BYTES, "ts%c:%s", units[type->unit], type->utc ? "UTC" : "");
    else
        snprintf(dst, FORMAT_BYTES, "tt%c", units[type->unit]);
}

static void write_format(const vj_type *type, char *dst)
{
    switch (vj_arrow_shape_of(type)) {
    case VJ_ARROW_NULL:
        memcpy(dst, "n", 2);
        return;
    case VJ_ARROW_DECIMAL128:
        snprintf(dst, FORMAT_BYTES, "d:%d,%d", type->precision, type->scale);
        return;
    case VJ_ARROW_DECIMAL256:
        snprintf(dst, FORMAT_BYTES, "d:%d,%d,256", type->precision, type->scale);
        return;
    case VJ_ARROW_INTERVAL:
        memcpy(dst, "tin", 4);
        return;
    case VJ_ARROW_AS_IT_IS:
        break;
    }
    if (type->logical == VJ_LOGICAL_DATE)
        memcpy(dst, "tdD", 4);
    else if (type->logical == VJ_LOGICAL_TIME || type->logical == VJ_LOGICAL_TIMESTAMP)
        time_format(type, dst);
    else if (type->logical == VJ_LOGICAL_F16)
        memcpy(dst, "e", 2);
    else if (type->kind == VJ_FIXED)
        snprintf(dst, FORMAT_BYTES, "w:%d", type->width_bytes);
    else
        snprintf(dst, FORMAT_BYTES, "%s", plain_format(type->kind));
}

static void release_schema(struct ArrowSchema *schema)
{
    schema_node *node = schema->private_data;

    for (int64_t i = 0; i < schema->n_children; i++)
        if (schema->children[i]->release != NULL)
            schema->children[i]->release(schema->children[i]);
    vj_free(node->name);
    vj_free(node->children);
    vj_free(node->pointers);
    vj_free(node);
    schema->release = NULL;
}

static vj_status export_node(const char *name, const vj_type *type, bool nullable, int32_t n_kids,
                             const vj_field *kids, struct ArrowSchema *out, vj_error *err);

static vj_status export_kids(schema_node *node, int32_t n_kids, const vj_field *kids,
                             struct ArrowSchema *out, vj_error *err)
{
    if (n_kids == 0)
        return VJ_OK;
    node->children = vj_calloc(NULL, (size_t)n_kids, sizeof *node->children, err);
    node->pointers = vj_calloc(NULL, (size_t)n_kids, sizeof *node->pointers, err);
    if (node->children == NULL || node->pointers == NULL)
        return VJ_E_NOMEM;
    out->children = node->pointers;
    for (int32_t i = 0; i < n_kids; i++) {
        node->pointers[i] = &node->children[i];
        out->n_children = i + 1; /* a half-built node releases the children that it has */
        VJ_TRY(export_node(kids[i].name, &kids[i].type, kids[i].nullable, kids[i].type.n_kids,
                           kids[i].type.kids, node->pointers[i], err));
    }
    return VJ_OK;
}

/* type NULL: the top level, a struct. */
static vj_status export_node(const char *name, const vj_type *type, bool nullable, int32_t n_kids,
                             const vj_field *kids, struct ArrowSchema *out, vj_error *err)
{
    schema_node *node = vj_zalloc(NULL, sizeof *node, err);

    *out = (struct ArrowSchema){0};
    if (node == NULL)
        return VJ_E_NOMEM;
    *out = (struct ArrowSchema){.format = node->format,
                                .flags = nullable ? ARROW_FLAG_NULLABLE : 0,
                                .release = release_schema,
                                .private_data = node};
    if (type == NULL)
        memcpy(node->format, "+s", 3);
    else
        write_format(type, node->format);
    if ((node->name = vj_strdup(NULL, name, err)) == NULL)
        return VJ_E_NOMEM;
    out->name = node->name;
    return export_kids(node, n_kids, kids, out, err);
}

vj_status vj_arrow_schema_export(const vj_schema *schema, struct ArrowSchema *out, vj_error *err)
{
    vj_status rc =
        export_node("", NULL, false, schema->n_fields, schema->fields, out, err);

    if (rc != VJ_OK && out->release != NULL)
        out->release(out);
    return rc;
}
