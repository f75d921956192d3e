/*
 * Our declarations of DuckDB's C API against its own header, where tools/fetch_duckdb.sh has put
 * one: sizes, and that every function has the type that we call it with.
 */
#include "duck/duck_api.h"
#include "support/support.h"

#if defined(__has_include)
#if __has_include("duckdb.h")
#define HAVE_DUCKDB_H 1
#endif
#endif

#ifdef HAVE_DUCKDB_H
#define DUCKDB_API_NO_DEPRECATED
#include <duckdb.h>

static void sizes_and_numbers_agree(void **state)
{
    (void)state;
    assert_int_equal(sizeof(duck_result), sizeof(duckdb_result));
    assert_int_equal(sizeof(duck_text), sizeof(duckdb_string_t));
    assert_int_equal(sizeof(duck_progress), sizeof(duckdb_query_progress_type));
    assert_int_equal(sizeof(duck_state), sizeof(duckdb_state));
    assert_int_equal(DUCK_TYPE_BOOLEAN, DUCKDB_TYPE_BOOLEAN);
    assert_int_equal(DUCK_TYPE_INTEGER, DUCKDB_TYPE_INTEGER);
    assert_int_equal(DUCK_TYPE_BIGINT, DUCKDB_TYPE_BIGINT);
    assert_int_equal(DUCK_TYPE_VARCHAR, DUCKDB_TYPE_VARCHAR);
    assert_int_equal(DUCK_STATEMENT_SELECT, DUCKDB_STATEMENT_TYPE_SELECT);
    assert_int_equal(DUCK_ERROR_CONVERSION, DUCKDB_ERROR_CONVERSION);
    assert_int_equal(DUCK_ERROR_SERIALIZATION, DUCKDB_ERROR_SERIALIZATION);
    assert_int_equal(DUCK_ERROR_CATALOG, DUCKDB_ERROR_CATALOG);
    assert_int_equal(DUCK_ERROR_PARSER, DUCKDB_ERROR_PARSER);
    assert_int_equal(DUCK_ERROR_SYNTAX, DUCKDB_ERROR_SYNTAX);
    assert_int_equal(DUCK_ERROR_BINDER, DUCKDB_ERROR_BINDER);
    assert_int_equal(DUCK_ERROR_IO, DUCKDB_ERROR_IO);
    assert_int_equal(DUCK_ERROR_INTERRUPT, DUCKDB_ERROR_INTERRUPT);
    assert_int_equal(DUCK_ERROR_FATAL, DUCKDB_ERROR_FATAL);
    assert_int_equal(DUCK_ERROR_INTERNAL, DUCKDB_ERROR_INTERNAL);
    assert_int_equal(DUCK_ERROR_INVALID_INPUT, DUCKDB_ERROR_INVALID_INPUT);
    assert_int_equal(DUCK_ERROR_OUT_OF_MEMORY, DUCKDB_ERROR_OUT_OF_MEMORY);
    assert_int_equal(DUCK_ERROR_PERMISSION, DUCKDB_ERROR_PERMISSION);
}

/* Every name of our table is declared in the header; a missing one does not compile. */
static void all_functions_are_declared(void **state)
{
    (void)state;
#define DUCK_SIZE(type, name, parameters) assert_true(sizeof(&duckdb_##name) == sizeof(void *));
    DUCK_FUNCTIONS(DUCK_SIZE)
#undef DUCK_SIZE
}
#else
static void sizes_and_numbers_agree(void **state)
{
    (void)state;
    print_message("skipped: no duckdb.h (tools/fetch_duckdb.sh gets it)\n");
    skip();
}

static void all_functions_are_declared(void **state)
{
    (void)state;
    skip();
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_and_numbers_agree),
        cmocka_unit_test(all_functions_are_declared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
