/* inspect_vcf.c - header of a VCF or BCF file as JSON. */
#include "inspect/inspect_parts.h"
#include "hts/hts.h"

static json_t *text_of(const char *text)
{
    return vj_json_text(vj_span_of(text));
}

static json_t *number_of(int32_t number)
{
    switch (number) {
    case VJ_NUMBER_A:
        return json_string("A");
    case VJ_NUMBER_R:
        return json_string("R");
    case VJ_NUMBER_G:
        return json_string("G");
    case VJ_NUMBER_DOT:
        return json_string(".");
    case VJ_NUMBER_P:
        return json_string("P");
    default:
        return json_integer(number);
    }
}

static json_t *describe_defs(const vj_vcf_def *defs, int32_t n)
{
    static const char *const kinds[] = {"Flag", "Integer", "Float", "Character", "String"};
    json_t *out = json_array();

    for (int32_t i = 0; i < n; i++) {
        json_t *one = json_object();

        vj_put(&one, "id", text_of(defs[i].id));
        vj_put(&one, "number", number_of(defs[i].number));
        vj_put(&one, "type", json_string(kinds[defs[i].kind]));
        vj_put(&one, "description", text_of(defs[i].description != NULL ? defs[i].description : ""));
        vj_add(&out, one);
    }
    return out;
}

static json_t *describe_names(const char *const *names, int32_t n)
{
    json_t *out = json_array();

    for (int32_t i = 0; i < n; i++)
        vj_add(&out, text_of(names[i]));
    return out;
}

static json_t *describe_contigs(const vj_vcf_header *header)
{
    json_t *out = json_array();

    for (int32_t i = 0; i < header->n_contigs; i++) {
        json_t *one = json_object();
        int64_t length = header->contigs[i].length;

        vj_put(&one, "name", text_of(header->contigs[i].name));
        vj_put(&one, "length", length < 0 ? json_null() : json_integer((json_int_t)length));
        vj_add(&out, one);
    }
    return out;
}

/* The columns that normalize and annotate would make of it. */
static json_t *describe_schema(const vj_schema *schema)
{
    json_t *out = json_array();

    for (int32_t i = 0; i < schema->n_fields; i++) {
        char name[256];
        json_t *one = json_object();

        vj_put(&one, "name", text_of(schema->fields[i].name));
        vj_put(&one, "type", text_of(vj_type_name(&schema->fields[i].type, name, sizeof name)));
        vj_add(&out, one);
    }
    return out;
}

/* Header lines that varjoin wrote. */
static json_t *describe_provenance(const vj_vcf_header *header)
{
    json_t *out = json_array();

    for (int32_t i = 0; i < header->n_lines; i++)
        if (strncmp(header->lines[i], "##varjoin_", 10) == 0)
            vj_add(&out, text_of(header->lines[i] + 2));
    return out;
}

json_t *vj_inspect_vcf(const char *path, vj_budget *budget, vj_error *err)
{
    vj_vcf_read_options options = VJ_VCF_READ_OPTIONS_INIT;
    vj_vcf_reader *reader = NULL;
    json_t *out = NULL;

    if (vj_vcf_open(path, &options, budget, &reader, err) == VJ_OK) {
        const vj_vcf_header *header = vj_vcf_header_view(reader);

        out = json_object();
        vj_put(&out, "path", text_of(strcmp(path, "-") == 0 ? "standard input" : path));
        vj_put(&out, "format", text_of(vj_vcf_format_name(reader)));
        vj_put(&out, "size_bytes", vj_vcf_bytes_total(reader) < 0
                                       ? json_null()
                                       : json_integer((json_int_t)vj_vcf_bytes_total(reader)));
        vj_put(&out, "samples", describe_names(header->samples, header->n_samples));
        vj_put(&out, "contigs", describe_contigs(header));
        vj_put(&out, "filters", describe_names(header->filters, header->n_filters));
        vj_put(&out, "infos", describe_defs(header->infos, header->n_infos));
        vj_put(&out, "formats", describe_defs(header->formats, header->n_formats));
        vj_put(&out, "columns", describe_schema(vj_vcf_schema_view(reader)));
        vj_put(&out, "provenance", describe_provenance(header));
    }
    vj_vcf_free(reader);
    return out;
}
