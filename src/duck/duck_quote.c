/*
 * duck_quote.c - names, texts and paths in SQL: the only place that puts foreign bytes into it.
 */
#include "duck/duck_api.h"

static vj_status quote(vj_buf *sql, vj_span text, uint8_t mark, vj_error *err)
{
    if (text.len_bytes > 0 && memchr(text.ptr, '\0', text.len_bytes) != NULL)
        return vj_fail(err, VJ_E_USAGE, "a name or text with a zero byte cannot be given to DuckDB");
    VJ_TRY(vj_buf_push(sql, mark, err));
    for (size_t i = 0; i < text.len_bytes; i++) {
        if ((uint8_t)text.ptr[i] == mark)
            VJ_TRY(vj_buf_push(sql, mark, err));
        VJ_TRY(vj_buf_push(sql, (uint8_t)text.ptr[i], err));
    }
    return vj_buf_push(sql, mark, err);
}

vj_status vj_duck_quote_name(vj_buf *sql, vj_span text, vj_error *err)
{
    return quote(sql, text, '"', err);
}

vj_status vj_duck_quote_text(vj_buf *sql, vj_span text, vj_error *err)
{
    return quote(sql, text, '\'', err);
}

/*
 * DuckDB takes a path with * ? or [ for a pattern even where a file of that very name exists; a
 * bracket expression of one character stands for that character. In a pattern it takes a
 * backslash for a separator of folders, and nothing can undo that.
 */
vj_status vj_duck_quote_path(vj_buf *sql, const char *path, vj_error *err)
{
    if (strpbrk(path, "*?[") != NULL && strchr(path, '\\') != NULL)
        return vj_fail(err, VJ_E_UNSUPPORTED,
                       "%s: DuckDB cannot read a path with a backslash and one of * ? [", path);
    VJ_TRY(vj_buf_push(sql, '\'', err));
    for (const char *c = path; *c != '\0'; c++) {
        if (*c == '*' || *c == '?' || *c == '[')
            VJ_TRY(vj_buf_printf(sql, err, "[%c]", *c));
        else if (*c == '\'')
            VJ_TRY(vj_buf_append_text(sql, "''", err));
        else
            VJ_TRY(vj_buf_push(sql, (uint8_t)*c, err));
    }
    return vj_buf_push(sql, '\'', err);
}

vj_status duck_sql_end(vj_buf *sql, vj_error *err)
{
    VJ_TRY(vj_buf_push(sql, '\0', err));
    sql->len_bytes--;
    return VJ_OK;
}

vj_status duck_sqlf(vj_buf *sql, vj_error *err, const char *fmt, ...)
{
    vj_status rc = VJ_OK;
    va_list args;

    va_start(args, fmt);
    for (const char *c = fmt; rc == VJ_OK && *c != '\0'; c++) {
        if (*c != '%') {
            size_t n = strcspn(c, "%");
            rc = vj_buf_append(sql, c, n, err);
            c += n - 1;
            continue;
        }
        switch (*++c) {
        case 'n': rc = vj_duck_quote_name(sql, vj_span_of(va_arg(args, const char *)), err); break;
        case 't': rc = vj_duck_quote_text(sql, vj_span_of(va_arg(args, const char *)), err); break;
        case 'p': rc = vj_duck_quote_path(sql, va_arg(args, const char *), err); break;
        case 's': rc = vj_buf_append_text(sql, va_arg(args, const char *), err); break;
        case 'd': rc = vj_buf_printf(sql, err, "%lld", (long long)va_arg(args, int64_t)); break;
        default: rc = vj_buf_push(sql, (uint8_t)*c, err); break;
        }
    }
    va_end(args);
    return rc;
}

vj_status duck_sql_scan(vj_buf *sql, const char *const *paths, int32_t n_paths, vj_error *err)
{
    VJ_TRY(vj_buf_append_text(sql, "read_parquet([", err));
    for (int32_t i = 0; i < n_paths; i++)
        VJ_TRY(duck_sqlf(sql, err, i == 0 ? "%p" : ", %p", paths[i]));
    return vj_buf_append_text(sql, "], union_by_name = true, hive_partitioning = false)", err);
}

vj_status duck_sql_db_scan(vj_buf *sql, const vj_duck_db *db, bool with_place, vj_error *err)
{
    if (db->projection == NULL)
        return duck_sql_scan(sql, db->paths, db->n_paths, err);
    VJ_TRY(duck_sqlf(sql, err, "(SELECT %s%s FROM ", db->projection,
                     with_place ? ", file_index, file_row_number" : ""));
    VJ_TRY(duck_sql_scan(sql, db->paths, db->n_paths, err));
    return vj_buf_append_text(sql, ")", err);
}
