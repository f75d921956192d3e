/* inspect_text.c - the facts of an inspection as aligned text. */
#include "inspect/inspect_parts.h"

#include <stdio.h>

#define MAX_COLUMNS 12
/* Longer cells are cut; the JSON has them whole. */
#define MAX_CELL 28
#define MAX_LAST_CELL 90
#define MAX_VALUE 100

/* One column of a text table: a member of the rows' objects. */
typedef struct text_column {
    const char *key;
    const char *head;
    bool right;
} text_column;

static size_t utf8_width(const char *text, size_t len)
{
    size_t width = 0;

    for (size_t i = 0; i < len; i++)
        width += ((uint8_t)text[i] & 0xc0) != 0x80;
    return width;
}

static void group_digits(char *dst, size_t cap, long long value)
{
    char digits[32];
    size_t at = 0;
    int n = snprintf(digits, sizeof digits, "%lld", value);

    for (int i = 0; i < n && at + 2 < cap; i++) {
        dst[at++] = digits[i];
        if ((n - i) % 3 == 1 && i + 1 < n && digits[i] != '-')
            dst[at++] = ',';
    }
    dst[at] = '\0';
}

/* Text from the file on one line of a terminal, cut to max characters. */
static void show(char *dst, size_t cap, const char *text, size_t max)
{
    char quoted[1024];
    size_t end = 0;
    size_t width = 0;

    vj_quote(quoted, sizeof quoted, text, strlen(text));
    while (quoted[end] != '\0' && (width < max || ((uint8_t)quoted[end] & 0xc0) == 0x80)) {
        end++;
        width += ((uint8_t)quoted[end] & 0xc0) != 0x80;
    }
    snprintf(dst, cap, "%.*s%s", (int)end, quoted, quoted[end] != '\0' ? "..." : "");
}

/* The last column of a table has the rest of the line. */
static char *cell(const json_t *value, bool last, char *dst, size_t cap)
{
    dst[0] = '\0';
    if (json_is_integer(value))
        group_digits(dst, cap, (long long)json_integer_value(value));
    else if (json_is_real(value))
        snprintf(dst, cap, "%.6g", json_real_value(value));
    else if (json_is_boolean(value))
        snprintf(dst, cap, "%s", json_is_true(value) ? "yes" : "no");
    else if (json_is_string(value))
        show(dst, cap, json_string_value(value), last ? MAX_LAST_CELL : MAX_CELL);
    else
        snprintf(dst, cap, "-");
    return dst;
}

static vj_status put_padded(vj_buf *out, const char *text, size_t width, bool right, bool last,
                            vj_error *err)
{
    size_t used = utf8_width(text, strlen(text));
    int pad = used < width ? (int)(width - used) : 0;

    if (right)
        return vj_buf_printf(out, err, "%*s%s%s", pad, "", text, last ? "\n" : "  ");
    return last ? vj_buf_printf(out, err, "%s\n", text)
                : vj_buf_printf(out, err, "%s%*s  ", text, pad, "");
}

static vj_status put_table(const json_t *rows, const text_column *columns, size_t n, vj_buf *out,
                           vj_error *err)
{
    size_t widths[MAX_COLUMNS] = {0};
    char text[512];
    size_t i = 0;
    const json_t *row = NULL;

    for (size_t c = 0; c < n; c++)
        widths[c] = strlen(columns[c].head);
    json_array_foreach((json_t *)(uintptr_t)rows, i, row) for (size_t c = 0; c < n; c++)
    {
        cell(json_object_get(row, columns[c].key), c + 1 == n, text, sizeof text);
        widths[c] = VJ_MAX(widths[c], utf8_width(text, strlen(text)));
    }
    VJ_TRY(vj_buf_append_text(out, "  ", err));
    for (size_t c = 0; c < n; c++)
        VJ_TRY(put_padded(out, columns[c].head, widths[c], columns[c].right, c + 1 == n, err));
    json_array_foreach((json_t *)(uintptr_t)rows, i, row)
    {
        VJ_TRY(vj_buf_append_text(out, "  ", err));
        for (size_t c = 0; c < n; c++)
            VJ_TRY(put_padded(out,
                              cell(json_object_get(row, columns[c].key), c + 1 == n, text,
                                   sizeof text),
                              widths[c], columns[c].right, c + 1 == n, err));
    }
    return VJ_OK;
}

static const char *string_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

static long long int_at(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

static vj_status put_line(vj_buf *out, const char *name, const char *text, bool whole,
                          vj_error *err)
{
    char shown[1200];

    show(shown, sizeof shown, text, whole ? sizeof shown : MAX_VALUE);
    return vj_buf_printf(out, err, "  %s: %s\n", name, shown);
}

static vj_status put_key_values(const json_t *kvs, bool whole, vj_buf *out, vj_error *err)
{
    const char *key = NULL;
    json_t *value = NULL;

    if (json_object_size(kvs) == 0)
        return VJ_OK;
    VJ_TRY(vj_buf_append_text(out, "\nkey-values\n", err));
    json_object_foreach((json_t *)(uintptr_t)kvs, key, value)
    {
        char name[200];

        show(name, sizeof name, key, 60);
        VJ_TRY(put_line(out, name, json_is_string(value) ? json_string_value(value) : "", whole,
                        err));
    }
    return VJ_OK;
}

static const text_column chunk_columns[] = {
    {"path", "column", false},           {"values", "values", true},
    {"nulls", "nulls", true},            {"codec", "codec", false},
    {"compressed_bytes", "bytes", true}, {"uncompressed_bytes", "unpacked", true},
    {"min", "min", false},               {"max", "max", false},
    {"encodings", "encodings", false},
};

static vj_status put_rowgroups(const json_t *groups, vj_buf *out, vj_error *err)
{
    size_t i = 0;
    json_t *group = NULL;

    json_array_foreach((json_t *)(uintptr_t)groups, i, group)
    {
        char rows[32];
        char bytes[32];

        group_digits(rows, sizeof rows, int_at(group, "rows"));
        group_digits(bytes, sizeof bytes, int_at(group, "compressed_bytes"));
        VJ_TRY(vj_buf_printf(out, err, "\nrow group %zu: %s rows, %s bytes\n", i, rows, bytes));
        VJ_TRY(put_table(json_object_get(group, "columns"), chunk_columns,
                         VJ_COUNT(chunk_columns), out, err));
    }
    return VJ_OK;
}

static const text_column page_columns[] = {
    {"row_group", "group", true},        {"kind", "page", false},
    {"encoding", "encoding", false},     {"offset", "offset", true},
    {"compressed_bytes", "bytes", true}, {"uncompressed_bytes", "unpacked", true},
    {"values", "values", true},          {"rows", "rows", true},
    {"crc", "crc", false},
};

static vj_status put_pages(const json_t *pages, vj_buf *out, vj_error *err)
{
    const char *path = NULL;
    json_t *list = NULL;

    json_object_foreach((json_t *)(uintptr_t)pages, path, list)
    {
        char name[200];

        show(name, sizeof name, path, 100);
        VJ_TRY(vj_buf_printf(out, err, "\npages of %s\n", name));
        VJ_TRY(put_table(list, page_columns, VJ_COUNT(page_columns), out, err));
    }
    return VJ_OK;
}

static const text_column leaf_columns[] = {
    {"path", "column", false},           {"type", "type", false},
    {"nulls", "nulls", true},            {"min", "min", false},
    {"max", "max", false},               {"codec", "codec", false},
    {"compressed_bytes", "bytes", true}, {"page_index", "index", false},
    {"encodings", "encodings", false},
};

static vj_status put_head(const json_t *facts, vj_buf *out, vj_error *err)
{
    char path[300];
    char format[200];

    show(path, sizeof path, string_at(facts, "path"), 250);
    show(format, sizeof format, string_at(facts, "format"), 100);
    return vj_buf_printf(out, err, "%s: %s", path, format);
}

static vj_status put_parquet(const json_t *facts, const vj_inspect_options *options, vj_buf *out,
                             vj_error *err)
{
    char rows[32];
    char size[32];
    char footer[32];
    char writer[200];

    group_digits(rows, sizeof rows, int_at(facts, "rows"));
    show(writer, sizeof writer, string_at(facts, "created_by"), 120);
    VJ_TRY(put_head(facts, out, err));
    VJ_TRY(vj_buf_printf(out, err, ", written by %s\n", writer[0] != '\0' ? writer : "(unknown)"));
    VJ_TRY(vj_buf_printf(
        out, err, "  %s rows, %zu columns, %lld row group%s, %s, footer %s\n\n", rows,
        json_array_size(json_object_get(facts, "columns")), int_at(facts, "row_groups"),
        int_at(facts, "row_groups") == 1 ? "" : "s",
        vj_format_size(size, sizeof size, int_at(facts, "size_bytes")),
        vj_format_size(footer, sizeof footer, int_at(facts, "footer_bytes"))));
    VJ_TRY(put_table(json_object_get(facts, "columns"), leaf_columns, VJ_COUNT(leaf_columns), out,
                     err));
    VJ_TRY(put_rowgroups(json_object_get(facts, "row_group_details"), out, err));
    VJ_TRY(put_pages(json_object_get(facts, "pages"), out, err));
    return put_key_values(json_object_get(facts, "key_values"), options->whole_values, out, err);
}

/* ---- VCF ---- */

/* "a, b, c and 12 more" */
static vj_status put_names(const char *head, const json_t *list, const char *member, size_t most,
                           vj_buf *out, vj_error *err)
{
    size_t n = json_array_size(list);

    VJ_TRY(vj_buf_printf(out, err, "  %s: %zu", head, n));
    for (size_t i = 0; i < n && i < most; i++) {
        const json_t *item = json_array_get(list, i);
        const char *text = member != NULL ? string_at(item, member) : json_string_value(item);
        char name[200];

        show(name, sizeof name, text != NULL ? text : "", 60);
        VJ_TRY(vj_buf_printf(out, err, "%s%s", i == 0 ? " (" : ", ", name));
    }
    if (n > most)
        VJ_TRY(vj_buf_printf(out, err, " and %zu more", n - most));
    return vj_buf_append_text(out, n > 0 ? ")\n" : "\n", err);
}

static const text_column def_columns[] = {
    {"id", "id", false},
    {"number", "number", false},
    {"type", "type", false},
    {"description", "description", false},
};

static vj_status put_vcf(const json_t *facts, const vj_inspect_options *options, vj_buf *out,
                         vj_error *err)
{
    const json_t *provenance = json_object_get(facts, "provenance");
    size_t most = options->whole_values ? SIZE_MAX : 8;
    char size[32];

    VJ_TRY(put_head(facts, out, err));
    if (json_is_integer(json_object_get(facts, "size_bytes")))
        VJ_TRY(vj_buf_printf(out, err, ", %s",
                             vj_format_size(size, sizeof size, int_at(facts, "size_bytes"))));
    VJ_TRY(vj_buf_append_text(out, "\n", err));
    VJ_TRY(put_names("samples", json_object_get(facts, "samples"), NULL, most, out, err));
    VJ_TRY(put_names("contigs", json_object_get(facts, "contigs"), "name", most, out, err));
    VJ_TRY(put_names("filters", json_object_get(facts, "filters"), NULL, most, out, err));
    VJ_TRY(put_names("table", json_object_get(facts, "columns"), "name", SIZE_MAX, out, err));
    if (json_array_size(json_object_get(facts, "infos")) > 0) {
        VJ_TRY(vj_buf_append_text(out, "\nINFO\n", err));
        VJ_TRY(put_table(json_object_get(facts, "infos"), def_columns, VJ_COUNT(def_columns), out,
                         err));
    }
    if (json_array_size(json_object_get(facts, "formats")) > 0) {
        VJ_TRY(vj_buf_append_text(out, "\nFORMAT\n", err));
        VJ_TRY(put_table(json_object_get(facts, "formats"), def_columns, VJ_COUNT(def_columns),
                         out, err));
    }
    for (size_t i = 0; i < json_array_size(provenance); i++)
        VJ_TRY(put_line(out, i == 0 ? "\nprovenance\n  line" : "line",
                        json_string_value(json_array_get(provenance, i)), options->whole_values,
                        err));
    return VJ_OK;
}

vj_status vj_inspect_as_text(const json_t *facts, const vj_inspect_options *options, vj_buf *out,
                             vj_error *err)
{
    return json_object_get(facts, "row_groups") != NULL ? put_parquet(facts, options, out, err)
                                                        : put_vcf(facts, options, out, err);
}
