/* inspect_nested.c - structs, maps and lists of lists as JSON text, for --head. */
#include "inspect/inspect_parts.h"
#include "hts/hts.h"

static bool is_nested(const vj_type *type)
{
    return type->kind == VJ_STRUCT || type->kind == VJ_LIST;
}

bool vj_inspect_has_no_cell(const vj_type *type)
{
    return type->kind == VJ_STRUCT || (type->kind == VJ_LIST && is_nested(&type->kids[0].type));
}

static vj_status put_text(vj_buf *out, vj_span text, vj_error *err)
{
    json_t *quoted = vj_json_text(text);
    vj_status rc = quoted != NULL ? vj_json_write(quoted, JSON_ENCODE_ANY, out, err)
                                  : vj_fail(err, VJ_E_NOMEM, "no memory for a text of JSON");

    json_decref(quoted);
    return rc;
}

/* JSON has numbers, true and false as TSV writes them; all else is text. */
static vj_status put_scalar(vj_buf *out, const vj_col *col, int64_t row_i, vj_error *err)
{
    const vj_type *type = col->type;
    vj_buf cell = {0};
    vj_status rc;

    if (type->kind == VJ_TEXT)
        return put_text(out, vj_col_bytes(col, row_i), err);
    vj_buf_init(&cell, out->budget, 0);
    VJ_GO(rc, vj_tsv_value(&cell, col, row_i, err));
    vj_span text = vj_buf_span(&cell);
    bool is_float = type->kind == VJ_F32 || type->kind == VJ_F64;
    bool plain = type->kind != VJ_FIXED && type->kind != VJ_BINARY &&
                 type->logical == VJ_LOGICAL_NONE;
    char last = text.len_bytes > 0 ? text.ptr[text.len_bytes - 1] : 'x';
    if (plain && (!is_float || (last >= '0' && last <= '9'))) /* not nan, inf */
        rc = vj_buf_append(out, text.ptr, text.len_bytes, err);
    else
        rc = put_text(out, text, err);
out:
    vj_buf_fini(&cell);
    return rc;
}

static vj_status put_value(vj_buf *out, const vj_col *col, int64_t row_i, vj_error *err);

static vj_status put_struct(vj_buf *out, const vj_col *col, int64_t row_i, vj_error *err)
{
    VJ_TRY(vj_buf_push(out, '{', err));
    for (int32_t k = 0; k < col->type->n_kids; k++) {
        if (k > 0)
            VJ_TRY(vj_buf_push(out, ',', err));
        VJ_TRY(put_text(out, vj_span_of(col->type->kids[k].name), err));
        VJ_TRY(vj_buf_push(out, ':', err));
        VJ_TRY(put_value(out, &col->kids[k], row_i, err));
    }
    return vj_buf_push(out, '}', err);
}

/* As deep as the type is, which the schema's reader bounds. */
static vj_status put_value(vj_buf *out, const vj_col *col, int64_t row_i, vj_error *err)
{
    if (vj_col_is_null(col, row_i))
        return vj_buf_append_text(out, "null", err);
    if (col->type->kind == VJ_STRUCT)
        return put_struct(out, col, row_i, err);
    if (col->type->kind != VJ_LIST)
        return put_scalar(out, col, row_i, err);
    VJ_TRY(vj_buf_push(out, '[', err));
    for (int32_t i = col->offs[row_i]; i < col->offs[row_i + 1]; i++) {
        if (i > col->offs[row_i])
            VJ_TRY(vj_buf_push(out, ',', err));
        VJ_TRY(put_value(out, &col->kids[0], i, err));
    }
    return vj_buf_push(out, ']', err);
}

vj_status vj_inspect_as_json(const vj_col *col, vj_budget *budget, vj_colb *dst, vj_error *err)
{
    vj_buf cell = {0};
    vj_status rc = VJ_OK;

    vj_buf_init(&cell, budget, 0);
    for (int64_t i = 0; i < col->n_rows; i++) {
        if (vj_col_is_null(col, i)) {
            VJ_GO(rc, vj_colb_null(dst, err));
            continue;
        }
        vj_buf_reset(&cell);
        VJ_GO(rc, put_value(&cell, col, i, err));
        VJ_GO(rc, vj_colb_bytes(dst, cell.ptr, cell.len_bytes, err));
    }
out:
    vj_buf_fini(&cell);
    return rc;
}
