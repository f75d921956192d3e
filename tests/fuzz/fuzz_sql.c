/*
 * fuzz_sql.c - any bytes as a name, a text and a path in SQL. A scalar reader of DuckDB's rules
 * (a doubled mark stands for itself, nothing else is special; [c] in a pattern is c) must find the
 * quotation's end at the last byte and the same bytes inside.
 */
#include <stdlib.h>

#include "duck/duck.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Undo the quotation; aborts where it ends before the text does. */
static void unquote(const vj_buf *sql, uint8_t mark, vj_buf *out)
{
    if (sql->len_bytes < 2 || sql->ptr[0] != mark || sql->ptr[sql->len_bytes - 1] != mark)
        abort();
    for (size_t i = 1; i + 1 < sql->len_bytes; i++) {
        if (sql->ptr[i] == mark && (i + 2 >= sql->len_bytes || sql->ptr[++i] != mark))
            abort();
        if (vj_buf_push(out, sql->ptr[i], NULL) != VJ_OK)
            abort();
    }
}

static void undo_pattern(vj_buf *text)
{
    size_t n = 0;

    for (size_t i = 0; i < text->len_bytes; i++) {
        uint8_t c = text->ptr[i];

        if (c == '*' || c == '?')
            abort(); /* it would stand for other files */
        if (c == '[') {
            if (i + 2 >= text->len_bytes || text->ptr[i + 2] != ']')
                abort();
            c = text->ptr[i + 1];
            i += 2;
        }
        text->ptr[n++] = c;
    }
    text->len_bytes = n;
}

static void check(vj_status rc, const vj_buf *sql, uint8_t mark, bool is_path, vj_span want)
{
    vj_buf text = {0};

    if (rc != VJ_OK)
        return;
    unquote(sql, mark, &text);
    if (is_path)
        undo_pattern(&text);
    if (!vj_span_eq(vj_buf_span(&text), want))
        abort();
    vj_buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    vj_span text = {(const char *)data, len};
    bool has_nul = len > 0 && memchr(data, '\0', len) != NULL;
    vj_error err = {0};
    vj_buf sql = {0};

    vj_status rc = vj_duck_quote_name(&sql, text, &err);
    if ((rc == VJ_OK) == has_nul)
        abort();
    check(rc, &sql, '"', false, text);
    vj_buf_reset(&sql);
    rc = vj_duck_quote_text(&sql, text, &err);
    if ((rc == VJ_OK) == has_nul)
        abort();
    check(rc, &sql, '\'', false, text);
    vj_buf_reset(&sql);
    char *path = vj_strndup(NULL, data, len, &err);
    if (path == NULL)
        abort();
    rc = vj_duck_quote_path(&sql, path, &err);
    check(rc, &sql, '\'', true, vj_span_of(path));
    vj_free(path);
    vj_buf_fini(&sql);
    return 0;
}
