/*
 * run_sql.c - the statements of a file through libduckdb and nothing else: DuckDB by hand.
 * usage: run_sql FILE
 */
#include <stdio.h>
#include <stdlib.h>

#include "duckdb.h"

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;

    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        return NULL;
    long size = ftell(file);
    rewind(file);
    if (size >= 0 && (text = calloc(1, (size_t)size + 1)) != NULL &&
        fread(text, 1, (size_t)size, file) != (size_t)size)
        text[0] = '\0';
    fclose(file);
    return text;
}

int main(int argc, char **argv)
{
    duckdb_database database;
    duckdb_connection connection;
    duckdb_result result;
    char *sql = argc == 2 ? read_text(argv[1]) : NULL;

    if (sql == NULL || duckdb_open(NULL, &database) != DuckDBSuccess ||
        duckdb_connect(database, &connection) != DuckDBSuccess)
        return 1;
    int failed = duckdb_query(connection, sql, &result) != DuckDBSuccess;
    if (failed)
        fprintf(stderr, "%s\n", duckdb_result_error(&result));
    duckdb_destroy_result(&result);
    duckdb_disconnect(&connection);
    duckdb_close(&database);
    free(sql);
    return failed;
}
