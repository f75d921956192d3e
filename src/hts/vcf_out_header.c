#include "hts/hts_out_parts.h"

static const char *info_type(const vj_type *type)
{
    switch (type->kind) {
    case VJ_F32:
    case VJ_F64:
        return "Float";
    case VJ_LIST:
    case VJ_STRUCT:
    case VJ_TEXT:
    case VJ_BINARY:
        return "String";
    case VJ_FIXED:
        return type->logical == VJ_LOGICAL_F16 || type->logical == VJ_LOGICAL_DECIMAL ? "Float"
                                                                                      : "String";
    default: /* bool and the integers, unless they mean something else */
        if (type->logical == VJ_LOGICAL_DECIMAL)
            return "Float";
        return type->logical == VJ_LOGICAL_NONE || type->logical == VJ_LOGICAL_NULL ? "Integer"
                                                                                    : "String";
    }
}

static vj_status check_type(const vj_vcf_annotation *annotation, vj_error *err)
{
    char name[128];
    const vj_type *type = &annotation->type;
    const vj_type *value = type->kind == VJ_LIST ? &type->kids[0].type : type;

    if (vj_cell_has_text(value))
        return VJ_OK;
    return vj_fail(err, VJ_E_UNSUPPORTED,
                   "column %s of %s: VCF has no form for the type %s; leave it out with -c or "
                   "write Parquet", annotation->column != NULL ? annotation->column : annotation->id,
                   annotation->database != NULL ? annotation->database : "the table",
                   vj_type_name(type, name, sizeof name));
}

static bool needs_wide_note(const vj_type *type)
{
    return type->logical == VJ_LOGICAL_NONE &&
           (type->kind == VJ_U32 || type->kind == VJ_I64 || type->kind == VJ_U64);
}

static vj_status put_description(vj_buf *out, const vj_vcf_annotation *annotation, vj_error *err)
{
    const char *column = annotation->column != NULL ? annotation->column : annotation->id;

    VJ_TRY(vj_buf_append_text(out, ",Description=\"", err));
    if (annotation->description != NULL && annotation->description[0] != '\0') {
        VJ_TRY(vj_header_quoted_put(out, annotation->description, err));
        VJ_TRY(vj_buf_append_text(out, annotation->database != NULL ? " (" : "", err));
    }
    if (annotation->database != NULL || annotation->description == NULL) {
        VJ_TRY(vj_buf_append_text(out, "column ", err));
        VJ_TRY(vj_header_quoted_put(out, column, err));
    }
    if (annotation->database != NULL) {
        VJ_TRY(vj_buf_append_text(out, " of ", err));
        VJ_TRY(vj_header_quoted_put(out, annotation->database, err));
        if (annotation->release != NULL && annotation->release[0] != '\0') {
            VJ_TRY(vj_buf_push(out, ' ', err));
            VJ_TRY(vj_header_quoted_put(out, annotation->release, err));
        }
        if (annotation->description != NULL && annotation->description[0] != '\0')
            VJ_TRY(vj_buf_push(out, ')', err));
    }
    if (annotation->type.kind == VJ_BOOL)
        VJ_TRY(vj_buf_append_text(out, "; 1 is true, 0 is false", err));
    if (annotation->type.kind == VJ_LIST)
        VJ_TRY(vj_buf_append_text(out, "; elements joined by |", err));
    if (needs_wide_note(&annotation->type))
        VJ_TRY(vj_buf_append_text(out, "; values beyond 32 bits are missing", err));
    return vj_buf_push(out, '"', err);
}

static vj_status put_source(vj_buf *out, const char *key, const char *text, vj_error *err)
{
    if (text == NULL || text[0] == '\0')
        return VJ_OK;
    VJ_TRY(vj_buf_append_text(out, key, err));
    VJ_TRY(vj_header_quoted_put(out, text, err));
    return vj_buf_push(out, '"', err);
}

static vj_status put_info(vj_buf *out, const vj_vcf_annotation *annotation, vj_span id,
                          vj_error *err)
{
    VJ_TRY(vj_buf_append_text(out, "##INFO=<ID=", err));
    VJ_TRY(vj_buf_append(out, id.ptr, id.len_bytes, err));
    VJ_TRY(vj_buf_append_text(out, ",Number=A,Type=", err));
    VJ_TRY(vj_buf_append_text(out, info_type(&annotation->type), err));
    VJ_TRY(put_description(out, annotation, err));
    VJ_TRY(put_source(out, ",Source=\"", annotation->database, err));
    VJ_TRY(put_source(out, ",Version=\"", annotation->release, err));
    return vj_buf_append_text(out, ">\n", err);
}

/* The field's "ID=" in the arena; *id is it without the equals sign. */
static vj_status make_key(const char *name, vj_arena *arena, vj_buf *scratch,
                          vj_vcf_out_field *field, vj_span *id, vj_error *err)
{
    vj_buf_reset(scratch);
    VJ_TRY(vj_header_id_put(scratch, name, err));
    VJ_TRY(vj_buf_push(scratch, '=', err));
    char *key = vj_arena_strndup(arena, scratch->ptr, scratch->len_bytes, err);
    if (key == NULL)
        return VJ_E_NOMEM;
    field->key = (vj_span){key, scratch->len_bytes};
    *id = (vj_span){key, scratch->len_bytes - 1};
    return VJ_OK;
}

/* Every ID once: against the header and against each other. */
static vj_status claim_id(vj_map *ids, vj_span id, const vj_vcf_annotation *annotation,
                          vj_error *err)
{
    bool is_new = false;

    VJ_TRY(vj_map_put(ids, id, 1, NULL, &is_new, err));
    if (is_new)
        return VJ_OK;
    return vj_fail(err, VJ_E_USAGE,
                   "INFO/%.*s would be written twice (column %s of %s); rename it with -c NEW:=OLD",
                   (int)id.len_bytes, id.ptr,
                   annotation->column != NULL ? annotation->column : annotation->id,
                   annotation->database != NULL ? annotation->database : "the table");
}

static vj_status put_infos(vj_buf *out, const vj_vcf_write_options *options, vj_arena *arena,
                           vj_vcf_out_field *fields, vj_error *err)
{
    vj_status rc = VJ_OK;
    vj_buf scratch = {0};
    vj_map ids;

    vj_map_init(&ids, arena->budget);
    for (int32_t i = 0; i < options->header->n_infos; i++) {
        const vj_vcf_def *def = &options->header->infos[i];
        VJ_GO(rc, vj_map_put(&ids, vj_span_of(def->id), 0, NULL, NULL, err));
    }
    for (int32_t i = 0; i < options->n_annotations; i++) {
        const vj_vcf_annotation *annotation = &options->annotations[i];
        vj_span id = {0};

        VJ_GO(rc, check_type(annotation, err));
        VJ_GO(rc, make_key(annotation->id, arena, &scratch, &fields[i], &id, err));
        VJ_GO(rc, claim_id(&ids, id, annotation, err));
        fields[i].is_list = annotation->type.kind == VJ_LIST;
        VJ_GO(rc, put_info(out, annotation, id, err));
    }
out:
    vj_map_fini(&ids);
    vj_buf_fini(&scratch);
    return rc;
}

static vj_status put_column_line(vj_buf *out, const vj_vcf_write_options *options, vj_error *err)
{
    const vj_vcf_header *header = options->header;
    int32_t n = options->chooses_samples ? options->n_samples : header->n_samples;

    VJ_TRY(vj_buf_append_text(out, "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO", err));
    if (n > 0)
        VJ_TRY(vj_buf_append_text(out, "\tFORMAT", err));
    for (int32_t i = 0; i < n; i++) {
        int32_t sample = options->chooses_samples ? options->samples[i] : i;
        VJ_TRY(vj_buf_push(out, '\t', err));
        VJ_TRY(vj_buf_append_text(out, header->samples[sample], err));
    }
    return vj_buf_push(out, '\n', err);
}

static bool has_version_line(const vj_vcf_header *header)
{
    return header->n_lines > 0 && strncmp(header->lines[0], "##fileformat=", 13) == 0;
}

vj_status vj_vcf_header_put(vj_buf *out, const vj_vcf_write_options *options, vj_arena *arena,
                            vj_vcf_out_field *fields, vj_error *err)
{
    const vj_vcf_header *header = options->header;

    if (!has_version_line(header))
        VJ_TRY(vj_buf_append_text(out, "##fileformat=VCFv4.3\n", err));
    for (int32_t i = 0; i < header->n_lines; i++) {
        vj_span line = vj_span_of(header->lines[i]);

        while (line.len_bytes > 0 && line.ptr[line.len_bytes - 1] == '\r')
            line.len_bytes--;
        VJ_TRY(vj_buf_append(out, line.ptr, line.len_bytes, err));
        VJ_TRY(vj_buf_push(out, '\n', err));
    }
    VJ_TRY(put_infos(out, options, arena, fields, err));
    VJ_TRY(vj_provenance_put(out, options->provenance, err));
    return put_column_line(out, options, err);
}
