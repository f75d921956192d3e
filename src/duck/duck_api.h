/*
 * duck_api.h - the part of DuckDB's C API that we call, as its documentation gives it.
 *
 * Declared here so that the program compiles without DuckDB's header; unit/test_duck_api.c holds
 * these against that header where it is present. Private to this module.
 */
#ifndef VJ_DUCK_API_H
#define VJ_DUCK_API_H

#include "duck/duck.h"

typedef uint64_t duck_idx;
typedef int duck_state; /* 0: success */
typedef struct duck_database_ *duck_database;
typedef struct duck_connection_ *duck_connection;
typedef struct duck_config_ *duck_config;
typedef struct duck_chunk_ *duck_chunk;
typedef struct duck_vector_ *duck_vector;
typedef struct duck_logical_type_ *duck_logical_type;
typedef struct duck_prepared_ *duck_prepared;
typedef struct duck_extracted_ *duck_extracted;
typedef struct duck_function_ *duck_function;
typedef struct duck_call_ *duck_call;

/* Passed by value by duckdb_fetch_chunk: its size is part of the contract. */
typedef struct duck_result {
    duck_idx deprecated_column_count;
    duck_idx deprecated_row_count;
    duck_idx deprecated_rows_changed;
    void *deprecated_columns;
    char *deprecated_error_message;
    void *internal_data;
} duck_result;

typedef struct duck_progress {
    double percentage; /* -1: not known */
    uint64_t rows_processed;
    uint64_t total_rows_to_process;
} duck_progress;

/* Text of up to 12 bytes lies in the value itself. */
typedef struct duck_text {
    union {
        struct {
            uint32_t length;
            char prefix[4];
            char *ptr;
        } pointer;
        struct {
            uint32_t length;
            char inlined[12];
        } inlined;
    } value;
} duck_text;

typedef void (*duck_scalar_main)(duck_call call, duck_chunk input, duck_vector output);
typedef void (*duck_destroy)(void *data);

enum {
    DUCK_TYPE_BOOLEAN = 1,
    DUCK_TYPE_INTEGER = 4,
    DUCK_TYPE_BIGINT = 5,
    DUCK_TYPE_VARCHAR = 17
};

enum { DUCK_STATEMENT_SELECT = 1 };

enum {
    DUCK_ERROR_CONVERSION = 2,
    DUCK_ERROR_SERIALIZATION = 9,
    DUCK_ERROR_CATALOG = 13,
    DUCK_ERROR_PARSER = 14,
    DUCK_ERROR_SYNTAX = 22,
    DUCK_ERROR_BINDER = 24,
    DUCK_ERROR_IO = 28,
    DUCK_ERROR_INTERRUPT = 29,
    DUCK_ERROR_FATAL = 30,
    DUCK_ERROR_INTERNAL = 31,
    DUCK_ERROR_INVALID_INPUT = 32,
    DUCK_ERROR_OUT_OF_MEMORY = 33,
    DUCK_ERROR_PERMISSION = 34
};

/* X(result type, name after "duckdb_", parameters) */
#define DUCK_FUNCTIONS(X)                                                                     \
    X(const char *, library_version, (void))                                                  \
    X(duck_state, create_config, (duck_config *))                                             \
    X(duck_state, set_config, (duck_config, const char *, const char *))                      \
    X(void, destroy_config, (duck_config *))                                                  \
    X(duck_state, open_ext, (const char *, duck_database *, duck_config, char **))            \
    X(void, close, (duck_database *))                                                         \
    X(duck_state, connect, (duck_database, duck_connection *))                                \
    X(void, disconnect, (duck_connection *))                                                  \
    X(void, interrupt, (duck_connection))                                                     \
    X(duck_progress, query_progress, (duck_connection))                                       \
    X(duck_state, query, (duck_connection, const char *, duck_result *))                      \
    X(void, destroy_result, (duck_result *))                                                  \
    X(const char *, result_error, (duck_result *))                                            \
    X(int, result_error_type, (duck_result *))                                                \
    X(duck_idx, rows_changed, (duck_result *))                                                \
    X(duck_idx, column_count, (duck_result *))                                                \
    X(int, column_type, (duck_result *, duck_idx))                                            \
    X(duck_chunk, fetch_chunk, (duck_result))                                                 \
    X(void, destroy_data_chunk, (duck_chunk *))                                               \
    X(duck_idx, data_chunk_get_size, (duck_chunk))                                            \
    X(duck_vector, data_chunk_get_vector, (duck_chunk, duck_idx))                             \
    X(void *, vector_get_data, (duck_vector))                                                 \
    X(uint64_t *, vector_get_validity, (duck_vector))                                         \
    X(void, free, (void *))                                                                   \
    X(duck_idx, extract_statements, (duck_connection, const char *, duck_extracted *))        \
    X(const char *, extract_statements_error, (duck_extracted))                               \
    X(duck_state, prepare_extracted_statement,                                                \
      (duck_connection, duck_extracted, duck_idx, duck_prepared *))                           \
    X(void, destroy_extracted, (duck_extracted *))                                            \
    X(const char *, prepare_error, (duck_prepared))                                           \
    X(int, prepared_statement_type, (duck_prepared))                                          \
    X(void, destroy_prepare, (duck_prepared *))                                               \
    X(duck_logical_type, create_logical_type, (int))                                          \
    X(void, destroy_logical_type, (duck_logical_type *))                                      \
    X(duck_function, create_scalar_function, (void))                                          \
    X(void, destroy_scalar_function, (duck_function *))                                       \
    X(void, scalar_function_set_name, (duck_function, const char *))                          \
    X(void, scalar_function_add_parameter, (duck_function, duck_logical_type))                \
    X(void, scalar_function_set_return_type, (duck_function, duck_logical_type))              \
    X(void, scalar_function_set_volatile, (duck_function))                                    \
    X(void, scalar_function_set_extra_info, (duck_function, void *, duck_destroy))            \
    X(void, scalar_function_set_function, (duck_function, duck_scalar_main))                  \
    X(duck_state, register_scalar_function, (duck_connection, duck_function))                 \
    X(void *, scalar_function_get_extra_info, (duck_call))                                    \
    X(void, scalar_function_set_error, (duck_call, const char *))

/* The table of functions. */
typedef struct duck_api {
#define DUCK_MEMBER(type, name, parameters) type(*name) parameters;
    DUCK_FUNCTIONS(DUCK_MEMBER)
#undef DUCK_MEMBER
    vj_duck_library library;
} duck_api;

/*
 * Find, load and check the library; as vj_duck_probe. A process has one: what was loaded first
 * serves all later calls, whatever path they name. Never unloaded (its threads may outlive us).
 */
VJ_MUST_CHECK vj_status duck_api_load(const char *path, const duck_api **out, vj_error *err);
/* The loaded table, for the function that DuckDB calls back; NULL before a load. */
const duck_api *duck_api_loaded(void);

/* "v1.5.6" -> within the accepted range? Pure. */
bool duck_version_ok(const char *version);

/* ---- private parts shared by the files of this module ---- */

struct vj_duck {
    const duck_api *api;
    duck_database database;
    duck_connection connection;
    vj_budget *budget;
    char *spill_path;
    const vj_stop *stop;
    vj_duck_progress progress;
    void *progress_arg;
    double progress_base, progress_share; /* what the statement's own progress 0..1 stands for */
    int64_t memory_limit_bytes;           /* 0: none was given */
    void *tally; /* of the join that runs; see duck_join.c */
};

/*
 * printf for SQL. %n a name, %t a text literal, %p a path literal (all `const char *`, quoted),
 * %s as it stands, %d an int64_t, %% a percent sign.
 */
VJ_MUST_CHECK vj_status duck_sqlf(vj_buf *sql, vj_error *err, const char *fmt, ...);
/* NUL at the end, so that sql->ptr is a C string; the length does not count it. */
VJ_MUST_CHECK vj_status duck_sql_end(vj_buf *sql, vj_error *err);
/* read_parquet(['a', 'b'], union_by_name = true, hive_partitioning = false) */
VJ_MUST_CHECK vj_status duck_sql_scan(vj_buf *sql, const char *const *paths, int32_t n_paths,
                                      vj_error *err);
/* The same for a database, through its projection; with_place: file_index and file_row_number
 * can be named. */
VJ_MUST_CHECK vj_status duck_sql_db_scan(vj_buf *sql, const vj_duck_db *db, bool with_place,
                                         vj_error *err);
/* ") TO 'path' (FORMAT PARQUET, ...)" of a join's options. */
VJ_MUST_CHECK vj_status duck_sql_copy_to(vj_buf *sql, const vj_duck_join *join, vj_error *err);
/* Make vj_tally known to the session's connection. */
VJ_MUST_CHECK vj_status duck_tally_register(vj_duck *duck, vj_error *err);
/* Put DuckDB's message for a failed call into err. */
vj_status duck_fail(vj_error *err, int error_type, const char *message);

#endif
