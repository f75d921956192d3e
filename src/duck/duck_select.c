/*
 * duck_select.c - the user's own SELECT over the views `sample`, `sample_rows` and the databases.
 */
#include <strings.h>

#include "duck/duck_api.h"

static vj_status make_view(vj_duck *duck, vj_buf *sql, vj_error *err)
{
    VJ_TRY(duck_sql_end(sql, err));
    return vj_duck_exec(duck, (const char *)sql->ptr, NULL, err);
}

static vj_status make_sample_view(vj_duck *duck, const vj_duck_join *join, const char *name,
                                  bool with_row, vj_buf *sql, vj_error *err)
{
    const char *comma = with_row ? ", " : "";

    vj_buf_reset(sql);
    VJ_TRY(duck_sqlf(sql, err, "CREATE OR REPLACE TEMP VIEW %n AS SELECT %s", name,
                     with_row ? "__vj_row" : ""));
    for (int32_t i = 0; i < join->n_left; i++, comma = ", ")
        VJ_TRY(duck_sqlf(sql, err, "%s%n AS %n", comma, join->left[i].source,
                         join->left[i].name));
    VJ_TRY(vj_buf_append_text(sql, " FROM ", err));
    VJ_TRY(duck_sql_scan(sql, &join->left_path, 1, err));
    return make_view(duck, sql, err);
}

static vj_status make_views(vj_duck *duck, const vj_duck_join *join, vj_buf *sql, vj_error *err)
{
    VJ_TRY(make_sample_view(duck, join, "sample", false, sql, err));
    VJ_TRY(make_sample_view(duck, join, "sample_rows", true, sql, err));
    for (int32_t i = 0; i < join->n_dbs; i++) {
        const vj_duck_db *db = &join->dbs[i];
        if (db->n_paths == 0)
            continue;
        if (strcasecmp(db->name, "sample") == 0 || strcasecmp(db->name, "sample_rows") == 0)
            return vj_fail(err, VJ_E_USAGE, "a database named %s hides the input's view of that "
                                            "name: give it another name", db->name);
        vj_buf_reset(sql);
        VJ_TRY(duck_sqlf(sql, err, "CREATE OR REPLACE TEMP VIEW %n AS FROM ", db->name));
        VJ_TRY(duck_sql_db_scan(sql, db, false, err));
        VJ_TRY(make_view(duck, sql, err));
    }
    return VJ_OK;
}

/* One statement, and one that only reads. */
static vj_status check_select(vj_duck *duck, const char *text, vj_error *err)
{
    const duck_api *api = duck->api;
    duck_extracted statements = NULL;
    duck_prepared prepared = NULL;
    vj_status rc = VJ_OK;
    duck_idx n = api->extract_statements(duck->connection, text, &statements);

    if (n == 0) {
        const char *why = api->extract_statements_error(statements);
        rc = duck_fail(err, DUCK_ERROR_PARSER, why != NULL ? why : "there is no statement in it");
    } else if (n > 1) {
        rc = vj_fail(err, VJ_E_USAGE, "expected one SELECT, found %lld statements", (long long)n);
    } else if (api->prepare_extracted_statement(duck->connection, statements, 0, &prepared) != 0) {
        rc = duck_fail(err, DUCK_ERROR_BINDER, api->prepare_error(prepared));
    } else if (api->prepared_statement_type(prepared) != DUCK_STATEMENT_SELECT) {
        rc = vj_fail(err, VJ_E_USAGE, "expected a SELECT (or WITH ... SELECT), found another kind "
                                      "of statement");
    }
    if (prepared != NULL)
        api->destroy_prepare(&prepared);
    if (statements != NULL)
        api->destroy_extracted(&statements);
    return rc;
}

static vj_span strip_end(vj_span select)
{
    while (select.len_bytes > 0 && strchr("; \t\r\n", select.ptr[select.len_bytes - 1]) != NULL)
        select.len_bytes--;
    return select;
}

vj_status vj_duck_run_select(vj_duck *duck, const vj_duck_join *join, vj_span select,
                             int64_t *n_rows, vj_error *err)
{
    vj_buf sql;
    vj_status rc = VJ_OK;

    *n_rows = 0;
    if (memchr(select.ptr, '\0', select.len_bytes) != NULL)
        return vj_fail(err, VJ_E_USAGE, "the SQL text has a zero byte in it");
    select = strip_end(select);
    vj_buf_init(&sql, duck->budget, 0);
    VJ_GO(rc, make_views(duck, join, &sql, err));
    vj_buf_reset(&sql);
    VJ_GO(rc, vj_buf_append(&sql, select.ptr, select.len_bytes, err));
    VJ_GO(rc, duck_sql_end(&sql, err));
    VJ_GO(rc, check_select(duck, (const char *)sql.ptr, err));
    vj_buf_reset(&sql);
    VJ_GO(rc, vj_buf_append_text(&sql, "COPY (", err));
    VJ_GO(rc, vj_buf_append(&sql, select.ptr, select.len_bytes, err));
    /* A line feed first: the text may end in a comment. */
    VJ_GO(rc, vj_buf_append_text(&sql, "\n", err));
    VJ_GO(rc, duck_sql_copy_to(&sql, join, err));
    VJ_GO(rc, duck_sql_end(&sql, err));
    VJ_GO(rc, vj_duck_exec(duck, (const char *)sql.ptr, n_rows, err));
out:
    vj_buf_fini(&sql);
    return rc == VJ_OK ? rc : vj_wrap(err, rc, "running the SQL of the user");
}
