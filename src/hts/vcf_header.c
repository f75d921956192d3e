#include "hts/reader.h"

#include <stdio.h>

/* VCF allows a long header (gnomAD: 92 KB); a million lines are no header any more. */
#define MAX_HEADER_LINES 1000000

/* More notes than this are of no use to a reader of them. */
#define MAX_NOTES 100

vj_status vj_vcf_note(vj_vcf_reader *reader, vj_error *err, const char *fmt, ...)
{
    char text[512];
    char safe[1024];
    va_list args;

    if (reader->notes.n >= MAX_NOTES)
        return VJ_OK;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (reader->notes.n == MAX_NOTES - 1)
        snprintf(text, sizeof text, "further notes on the header are left out");
    vj_quote(safe, sizeof safe, text, strlen(text));
    const char *copy = vj_arena_strndup(&reader->arena, safe, strlen(safe), err);
    if (copy == NULL)
        return VJ_E_NOMEM;
    return VJ_VEC_PUSH(&reader->notes, copy, err);
}

/* ---- <ID=..,Number=..,Description=".."> ---- */

typedef struct attributes {
    vj_span id, number, type, description, length; /* empty: not there */
    bool described; /* a Description in quotes */
    bool stray;     /* a part without '=' was passed over */
} attributes;

#define NOT_CLOSED "expected <...>"
#define OPEN_QUOTE "a quote that is not closed"

/* End of a quoted value that begins behind its quote; NULL: never closed. */
static const char *quoted_end(const char *p, const char *end)
{
    for (; p < end; p++) {
        if (*p == '\\')
            p++;
        else if (*p == '"')
            return p;
    }
    return NULL;
}

static void keep_attribute(attributes *attrs, vj_span key, vj_span value)
{
    if (vj_span_is(key, "ID"))
        attrs->id = value;
    else if (vj_span_is(key, "Number"))
        attrs->number = value;
    else if (vj_span_is(key, "Type"))
        attrs->type = value;
    else if (vj_span_is(key, "Description"))
        attrs->description = value;
    else if (vj_span_is(key, "length"))
        attrs->length = value;
}

/* NULL, or what is wrong. */
static const char *parse_attributes(vj_span text, attributes *attrs)
{
    const char *p = text.ptr;
    const char *end = text.ptr + text.len_bytes;

    *attrs = (attributes){{"", 0}, {"", 0}, {"", 0}, {"", 0}, {"", 0}, false, false};
    while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    if (end - p < 2 || *p != '<' || end[-1] != '>')
        return NOT_CLOSED;
    p++;
    end--;
    while (p < end) {
        const char *equals = memchr(p, '=', (size_t)(end - p));
        const char *comma = memchr(p, ',', (size_t)((equals != NULL ? equals : end) - p));

        if (equals == NULL || comma != NULL) {
            attrs->stray = true;
            p = comma != NULL ? comma + 1 : end;
            continue;
        }
        vj_span key = {p, (size_t)(equals - p)};
        while (key.len_bytes > 0 && *key.ptr == ' ') {
            key.ptr++;
            key.len_bytes--;
        }
        p = equals + 1;
        const char *stop = NULL;
        if (p < end && *p == '"') {
            if ((stop = quoted_end(++p, end)) == NULL)
                return OPEN_QUOTE;
            keep_attribute(attrs, key, (vj_span){p, (size_t)(stop - p)});
            attrs->described |= vj_span_is(key, "Description");
            stop++;
        } else {
            /* META: Values=[one, two] */
            const char *list = p < end && *p == '[' ? memchr(p, ']', (size_t)(end - p)) : NULL;

            stop = list != NULL ? list : p;
            stop = memchr(stop, ',', (size_t)(end - stop));
            stop = stop == NULL ? end : stop;
            keep_attribute(attrs, key, (vj_span){p, (size_t)(stop - p)});
        }
        if (stop < end && *stop != ',')
            return "text behind a closing quote";
        p = stop + 1;
    }
    return NULL;
}

/* NUL-terminated copy with \" and \\ resolved. */
static const char *unescaped(vj_vcf_reader *reader, vj_span text, vj_error *err)
{
    char *copy = vj_arena_strndup(&reader->arena, text.ptr, text.len_bytes, err);
    char *to = copy;

    for (const char *from = copy; from != NULL && *from != '\0'; from++) {
        if (*from == '\\' && (from[1] == '"' || from[1] == '\\'))
            from++;
        *to++ = *from;
    }
    if (copy != NULL)
        *to = '\0';
    return copy;
}

/* False: unknown, taken as '.'. */
static bool parse_number(vj_span text, int32_t *out)
{
    static const struct {
        const char *text;
        int32_t number;
    } letters[] = {{"A", VJ_NUMBER_A}, {"R", VJ_NUMBER_R}, {"G", VJ_NUMBER_G},
                   {".", VJ_NUMBER_DOT}, {"P", VJ_NUMBER_P}, {"LA", VJ_NUMBER_DOT},
                   {"LR", VJ_NUMBER_DOT}, {"LG", VJ_NUMBER_DOT}, {"M", VJ_NUMBER_DOT}};
    int64_t value = 0;

    *out = VJ_NUMBER_DOT;
    for (size_t i = 0; i < VJ_COUNT(letters); i++) {
        if (vj_span_is(text, letters[i].text)) {
            *out = letters[i].number;
            return true;
        }
    }
    if (!vj_parse_i64(text, &value) || value < 0 || value > INT32_MAX)
        return false;
    *out = (int32_t)value;
    return true;
}

static bool parse_kind(vj_span text, vj_vcf_kind *out)
{
    static const char *const names[] = {"Flag", "Integer", "Float", "Character", "String"};

    *out = VJ_VCF_STRING;
    for (size_t i = 0; i < VJ_COUNT(names); i++) {
        if (vj_span_is(text, names[i])) {
            *out = (vj_vcf_kind)i;
            return true;
        }
    }
    return false;
}

/* ---- what a line adds ---- */

typedef enum section { SECTION_INFO, SECTION_FORMAT } section;

/* Settle contradictions between Number and Type; each one is noted. */
static vj_status settle_def(vj_vcf_reader *reader, section where, const attributes *attrs,
                            vj_vcf_def *def, vj_error *err)
{
    const char *tag = where == SECTION_INFO ? "INFO" : "FORMAT";

    if (!parse_kind(attrs->type, &def->kind))
        VJ_TRY(vj_vcf_note(reader, err, "header: %s/%s: expected a Type, found '%.*s', read as "
                           "String", tag, def->id, (int)VJ_MIN(attrs->type.len_bytes, 40),
                           attrs->type.ptr));
    if (!parse_number(attrs->number, &def->number))
        VJ_TRY(vj_vcf_note(reader, err, "header: %s/%s: expected a Number, found '%.*s', read as "
                           "'.'", tag, def->id, (int)VJ_MIN(attrs->number.len_bytes, 40),
                           attrs->number.ptr));
    if (!attrs->described)
        VJ_TRY(vj_vcf_note(reader, err, "header: %s/%s: expected a Description in quotes", tag,
                           def->id));
    VJ_TRY(vj_vcf_reserved_check(reader, where == SECTION_INFO, def, err));
    if (def->kind == VJ_VCF_FLAG && where == SECTION_FORMAT) {
        def->kind = VJ_VCF_STRING;
        def->number = 1;
        return vj_vcf_note(reader, err, "header: FORMAT/%s: a Flag is legal in INFO only, read "
                                        "as String", def->id);
    }
    if (def->kind == VJ_VCF_FLAG && def->number != 0) {
        def->number = 0;
        return vj_vcf_note(reader, err, "header: INFO/%s: a Flag must have Number=0", def->id);
    }
    if (def->kind != VJ_VCF_FLAG && def->number == 0) {
        def->number = VJ_NUMBER_DOT;
        return vj_vcf_note(reader, err, "header: %s/%s: Number=0 is for Flags, read as '.'", tag,
                           def->id);
    }
    return VJ_OK;
}

static vj_status add_def(vj_vcf_reader *reader, section where, const attributes *attrs,
                         vj_error *err)
{
    vj_map *map = where == SECTION_INFO ? &reader->info_by_id : &reader->format_by_id;
    vj_vcf_def def = {.declared = true};
    size_t n = where == SECTION_INFO ? reader->infos.n : reader->formats.n;

    if (vj_map_find(map, attrs->id) >= 0)
        return vj_vcf_note(reader, err, "header: a second line for %s/%.*s dropped",
                           where == SECTION_INFO ? "INFO" : "FORMAT",
                           (int)VJ_MIN(attrs->id.len_bytes, 40), attrs->id.ptr);
    def.id = vj_arena_strndup(&reader->arena, attrs->id.ptr, attrs->id.len_bytes, err);
    def.description = unescaped(reader, attrs->description, err);
    if (def.id == NULL || def.description == NULL)
        return VJ_E_NOMEM;
    VJ_TRY(settle_def(reader, where, attrs, &def, err));
    VJ_TRY(vj_map_put(map, attrs->id, (int64_t)n, NULL, NULL, err));
    return where == SECTION_INFO ? VJ_VEC_PUSH(&reader->infos, def, err)
                                 : VJ_VEC_PUSH(&reader->formats, def, err);
}

static vj_status add_contig(vj_vcf_reader *reader, const attributes *attrs, vj_error *err)
{
    vj_vcf_contig contig = {.length = -1};

    if (vj_map_find(&reader->contig_by_name, attrs->id) >= 0)
        return vj_vcf_note(reader, err, "header: a second line for contig %.*s dropped",
                           (int)VJ_MIN(attrs->id.len_bytes, 40), attrs->id.ptr);
    if (attrs->length.len_bytes > 0 &&
        (!vj_parse_i64(attrs->length, &contig.length) || contig.length < 0)) {
        contig.length = -1;
        VJ_TRY(vj_vcf_note(reader, err, "header: contig %.*s: length '%.*s' is not a number",
                           (int)VJ_MIN(attrs->id.len_bytes, 40), attrs->id.ptr,
                           (int)VJ_MIN(attrs->length.len_bytes, 40), attrs->length.ptr));
    }
    contig.name = vj_arena_strndup(&reader->arena, attrs->id.ptr, attrs->id.len_bytes, err);
    if (contig.name == NULL)
        return VJ_E_NOMEM;
    VJ_TRY(vj_map_put(&reader->contig_by_name, attrs->id, (int64_t)reader->contigs.n, NULL, NULL,
                      err));
    return VJ_VEC_PUSH(&reader->contigs, contig, err);
}

static bool starts_with(vj_span text, const char *prefix)
{
    size_t n = strlen(prefix);

    return text.len_bytes >= n && memcmp(text.ptr, prefix, n) == 0;
}

static vj_status add_filter(vj_vcf_reader *reader, const attributes *attrs, vj_error *err)
{
    const char *id = vj_arena_strndup(&reader->arena, attrs->id.ptr, attrs->id.len_bytes, err);

    if (id == NULL)
        return VJ_E_NOMEM;
    if (!attrs->described)
        VJ_TRY(vj_vcf_note(reader, err, "header: FILTER/%s: expected a Description in quotes", id));
    return VJ_VEC_PUSH(&reader->filters, id, err);
}

/* A line that nobody asks for: kept as text, and named when it is no key=value or never closed. */
static vj_status check_other_line(vj_vcf_reader *reader, vj_span line, int64_t line_number,
                                  vj_error *err)
{
    const char *end = line.ptr + line.len_bytes;
    const char *equals = memchr(line.ptr, '=', line.len_bytes);
    const char *why = NULL;
    attributes attrs;

    if (equals == NULL || equals == line.ptr + 2)
        why = "expected ##key=value";
    else if (equals + 1 == end)
        why = "expected a value";
    else if (equals[1] == '<')
        why = parse_attributes((vj_span){equals + 1, (size_t)(end - equals - 1)}, &attrs);
    /* command lines of callers have quotes inside quotes; what the specification has must not */
    bool is_free = equals != NULL && equals + 1 < end && equals[1] == '<' &&
                   !starts_with(line, "##ALT=") && !starts_with(line, "##META=") &&
                   !starts_with(line, "##SAMPLE=") && !starts_with(line, "##PEDIGREE=");
    if (why == NULL ||
        (is_free && strcmp(why, NOT_CLOSED) != 0 && strcmp(why, OPEN_QUOTE) != 0))
        return VJ_OK;
    char shown[120];
    vj_quote(shown, sizeof shown, line.ptr, VJ_MIN(line.len_bytes, 60));
    return vj_vcf_note(reader, err, "header line %lld kept as text: %s: %s",
                       (long long)line_number, why, shown);
}

/* Keep one ## line; a structured one that is broken is dropped with a note. */
static vj_status take_meta_line(vj_vcf_reader *reader, vj_span line, int64_t line_number,
                                vj_error *err)
{
    static const char *const starts[] = {"##INFO=", "##FORMAT=", "##contig=", "##FILTER="};
    const char *copy = vj_arena_strndup(&reader->arena, line.ptr, line.len_bytes, err);
    attributes attrs;
    size_t which = 0;

    if (copy == NULL)
        return VJ_E_NOMEM;
    VJ_TRY(VJ_VEC_PUSH(&reader->lines, copy, err));
    while (which < VJ_COUNT(starts) && !starts_with(line, starts[which]))
        which++;
    if (which == VJ_COUNT(starts))
        return check_other_line(reader, line, line_number, err);
    size_t skip = strlen(starts[which]);
    const char *why = parse_attributes((vj_span){copy + skip, line.len_bytes - skip}, &attrs);
    if (why == NULL && attrs.id.len_bytes == 0)
        why = "no ID";
    if (why == NULL && !vj_utf8_valid(attrs.id.ptr, attrs.id.len_bytes))
        why = "an ID that is not UTF-8";
    if (why != NULL) {
        char shown[120];
        size_t n = VJ_MIN(line.len_bytes, 60);

        vj_quote(shown, sizeof shown, line.ptr, n);
        return vj_vcf_note(reader, err, "header line %lld dropped: %s: %s",
                           (long long)line_number, why, shown);
    }
    if (attrs.stray)
        VJ_TRY(vj_vcf_note(reader, err, "header line %lld: a part without '=' is passed over",
                           (long long)line_number));
    if (which == 2)
        return add_contig(reader, &attrs, err);
    if (which < 2)
        return add_def(reader, which == 0 ? SECTION_INFO : SECTION_FORMAT, &attrs, err);
    return add_filter(reader, &attrs, err);
}

/* ##fileformat=VCFv4.2 */
static vj_status take_version(vj_vcf_reader *reader, vj_span line, int64_t line_number,
                              vj_error *err)
{
    static const char start[] = "##fileformat=VCFv";
    int64_t minor = 0;
    vj_span text = line;

    char shown[64];

    if (!starts_with(line, start)) {
        vj_quote(shown, sizeof shown, line.ptr, VJ_MIN(line.len_bytes, 40));
        reader->header.version_minor = 2;
        return vj_vcf_note(reader, err, "line %lld: expected ##fileformat=VCFv4.x, found '%s': "
                           "read as VCF 4.2", (long long)line_number, shown);
    }
    text.ptr += sizeof start - 1;
    text.len_bytes -= sizeof start - 1;
    if (starts_with(text, "4.") &&
        vj_parse_i64((vj_span){text.ptr + 2, text.len_bytes - 2}, &minor) && minor >= 0 &&
        minor < 1000) {
        reader->header.version_minor = (int32_t)minor;
        if (line_number > 1)
            VJ_TRY(vj_vcf_note(reader, err, "line %lld: expected ##fileformat as line 1",
                               (long long)line_number));
        return minor <= 5 ? VJ_OK
                          : vj_vcf_note(reader, err, "VCF 4.%lld is newer than this program knows",
                                        (long long)minor);
    }
    vj_quote(shown, sizeof shown, text.ptr, VJ_MIN(text.len_bytes, 20));
    return vj_fail(err, VJ_E_UNSUPPORTED, "%s: line %lld: expected VCF version 4.x, found '%s'",
                   reader->name, (long long)line_number, shown);
}

/* ---- #CHROM ---- */

static vj_status take_sample(vj_vcf_reader *reader, vj_map *names, vj_span name, vj_error *err)
{
    bool added = false;
    char shown[80];

    vj_quote(shown, sizeof shown, name.ptr, VJ_MIN(name.len_bytes, 60));
    VJ_TRY(vj_map_put(names, name, 0, NULL, &added, err));
    if (!added)
        return vj_fail(err, VJ_E_CORRUPT, "%s: line %lld: sample '%s' stands twice in the header",
                       reader->name, (long long)reader->next_line - 1, shown);
    if (!vj_utf8_valid(name.ptr, name.len_bytes))
        return vj_fail(err, VJ_E_CORRUPT, "%s: line %lld: sample name '%s' is not UTF-8",
                       reader->name, (long long)reader->next_line - 1, shown);
    const char *copy = vj_arena_strndup(&reader->arena, name.ptr, name.len_bytes, err);
    return copy == NULL ? VJ_E_NOMEM : VJ_VEC_PUSH(&reader->samples, copy, err);
}

static vj_status take_columns(vj_vcf_reader *reader, vj_span line, vj_map *names, vj_error *err)
{
    static const char *const wanted[] = {"#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER",
                                         "INFO", "FORMAT"};
    const char *p = line.ptr;
    const char *end = line.ptr + line.len_bytes;
    size_t col = 0;

    for (; p <= end; col++) {
        const char *tab = memchr(p, '\t', (size_t)(end - p));
        const char *stop = tab == NULL ? end : tab;
        vj_span cell = {p, (size_t)(stop - p)};

        p = stop + 1;
        if (col >= 8 && cell.len_bytes == 0 && stop == end)
            break; /* one tab at the end of the line */
        if (col < VJ_COUNT(wanted) && !vj_span_is(cell, wanted[col])) {
            char shown[64];

            vj_quote(shown, sizeof shown, cell.ptr, VJ_MIN(cell.len_bytes, 30));
            return vj_fail(err, VJ_E_CORRUPT,
                           "%s: line %lld: expected %s as tab-separated column %zu, found '%s'",
                           reader->name, (long long)reader->next_line - 1, wanted[col], col + 1,
                           shown);
        }
        if (col >= VJ_COUNT(wanted))
            VJ_TRY(take_sample(reader, names, cell, err));
    }
    if (col < 8)
        return vj_fail(err, VJ_E_CORRUPT,
                       "%s: line %lld: expected at least 8 tab-separated columns in the #CHROM "
                       "line, found %zu",
                       reader->name, (long long)reader->next_line - 1, col);
    reader->has_format_column = col > 8;
    return VJ_OK;
}

static void publish_header(vj_vcf_reader *reader)
{
    vj_vcf_header *header = &reader->header;

    header->n_contigs = (int32_t)reader->contigs.n;
    header->contigs = reader->contigs.ptr;
    header->n_infos = (int32_t)reader->infos.n;
    header->infos = reader->infos.ptr;
    header->n_formats = (int32_t)reader->formats.n;
    header->formats = reader->formats.ptr;
    header->n_filters = (int32_t)reader->filters.n;
    header->filters = reader->filters.ptr;
    header->n_samples = (int32_t)reader->samples.n;
    header->samples = reader->samples.ptr;
    header->n_lines = (int32_t)reader->lines.n;
    header->lines = reader->lines.ptr;
    reader->decode_percent = header->version_minor >= 3;
}

vj_status vj_vcf_header_read(vj_vcf_reader *reader, vj_error *err)
{
    vj_span line = {0};

    reader->header.version_minor = -1;
    for (int64_t line_number = 1;; line_number++) {
        char shown[64];

        VJ_TRY(vj_vcf_line_next(reader, &line, err));
        if (line.ptr == NULL && line_number == 1)
            return vj_fail(err, VJ_E_CORRUPT, "%s: expected a VCF header, the file is empty",
                           reader->name);
        if (line.ptr == NULL)
            return vj_fail(err, VJ_E_CORRUPT, "%s: expected a #CHROM line, the file ends after "
                                              "line %lld", reader->name,
                           (long long)line_number - 1);
        if (line_number == 1 && starts_with(line, "\xef\xbb\xbf")) {
            line.ptr += 3; /* of a text editor */
            line.len_bytes -= 3;
            VJ_TRY(vj_vcf_note(reader, err, "a byte order mark is passed over"));
        }
        if (reader->header.version_minor < 0 && starts_with(line, "##fileformat="))
            VJ_TRY(take_version(reader, line, line_number, err));
        if (starts_with(line, "##") && line_number <= MAX_HEADER_LINES) {
            VJ_TRY(take_meta_line(reader, line, line_number, err));
            continue;
        }
        if (starts_with(line, "#CHROM"))
            break;
        vj_quote(shown, sizeof shown, line.ptr, VJ_MIN(line.len_bytes, 30));
        return vj_fail(err, VJ_E_CORRUPT,
                       "%s: line %lld: expected a header line (## or #CHROM), found '%s'",
                       reader->name, (long long)line_number, shown);
    }
    vj_map names;
    vj_map_init(&names, reader->budget);
    vj_status rc = take_columns(reader, line, &names, err);
    vj_map_fini(&names);
    VJ_TRY(rc);
    if (reader->header.version_minor < 0) {
        reader->header.version_minor = 2;
        VJ_TRY(vj_vcf_note(reader, err, "no ##fileformat line: read as VCF 4.2"));
    }
    publish_header(reader);
    return VJ_OK;
}
