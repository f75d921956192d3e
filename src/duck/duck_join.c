/*
 * duck_join.c - run the join statement and count what it matched, while it runs.
 *
 * Counting: the statement calls our function vj_tally(db, left row, ordinal, level) once per pair
 * of rows that share contig and position. It keeps a byte per left row and database: the best
 * level seen, and how many matches there were beyond the first (above 63 of them in a table that
 * is made when a row has so many). So pairs, matched rows, rows with
 * several matches, the reasons of the unmatched and the rows that the result must have are exact
 * without a second statement or a look at the result.
 */
#include <assert.h>
#include <stdio.h>
#include <strings.h>

#include "duck/duck_api.h"

#define LEVEL_MASK 3u
#define FURTHER_SHIFT 2  /* the upper six bits: matches beyond the first ... */
#define FURTHER_MAX 63u  /* ... so many here, those above in the row's `beyond` */

typedef struct db_tally {
    _Atomic int64_t n_pairs, n_left_rows, n_multi_rows;
    _Atomic int64_t first_multi_row;
    int64_t before[3]; /* the three counts when the statement began */
    _Atomic uint8_t *rows; /* the caller's `best`, where there is one; else ours */
    uint8_t *own_rows;
    _Atomic(_Atomic uint32_t *) beyond; /* NULL until a row needs it; touched for such rows only */
} db_tally;

static_assert(sizeof(_Atomic uint8_t) == sizeof(uint8_t), "the caller's bytes serve as atomics");

typedef struct tally {
    int32_t n_dbs;
    int64_t n_left_rows;
    bool refuse_multi;
    vj_budget *budget;
    int64_t most_pairs;     /* of a statement: more would not fit its memory; 0: any number */
    _Atomic int64_t n_left; /* of them */
    _Atomic bool too_many;
    db_tally *dbs;
} tally;

/* ---- the function that DuckDB calls, from any of its threads ---- */

/* Raise the row's level; a match on a matched row is counted. Returns what was there before. */
static uint8_t raise_level(_Atomic uint8_t *row, uint8_t level)
{
    uint8_t old = atomic_load_explicit(row, memory_order_relaxed);
    uint8_t now = 0;

    do {
        now = (old & LEVEL_MASK) < level ? level : old; /* none is counted below a match */
        if (level == VJ_DUCK_BEST_MATCH && (old & LEVEL_MASK) == VJ_DUCK_BEST_MATCH &&
            old >> FURTHER_SHIFT < FURTHER_MAX)
            now = (uint8_t)(old + (1u << FURTHER_SHIFT));
    } while (now != old && !atomic_compare_exchange_weak_explicit(
                               row, &old, now, memory_order_relaxed, memory_order_relaxed));
    return old;
}

/* The table of the rows that met more than a byte can count; NULL: no memory. */
static _Atomic uint32_t *beyond_of(tally *counts, db_tally *db)
{
    _Atomic uint32_t *table = atomic_load(&db->beyond);
    vj_error err = {0};

    if (table != NULL)
        return table;
    _Atomic uint32_t *fresh =
        vj_calloc(counts->budget, (size_t)counts->n_left_rows, sizeof *fresh, &err);
    if (fresh != NULL && atomic_compare_exchange_strong(&db->beyond, &table, fresh))
        return fresh;
    vj_free((void *)fresh); /* another thread was first */
    return table;
}

static bool is_full(uint8_t row)
{
    return (row & LEVEL_MASK) == VJ_DUCK_BEST_MATCH && row >> FURTHER_SHIFT == FURTHER_MAX;
}

static void lower_to(_Atomic int64_t *least, int64_t value)
{
    int64_t old = atomic_load_explicit(least, memory_order_relaxed);

    while (value < old && !atomic_compare_exchange_weak(least, &old, value))
        ;
}

/* Whether the pair goes into the result; *no_memory: its row has too many and cannot be counted. */
static bool count_pair(tally *counts, int32_t db_i, int64_t row, uint8_t level, bool *no_memory)
{
    db_tally *db = &counts->dbs[db_i];
    uint8_t old = raise_level(&db->rows[row], level);

    if (level != VJ_DUCK_BEST_MATCH)
        return false;
    if (is_full(old)) {
        _Atomic uint32_t *beyond = beyond_of(counts, db);

        if (beyond != NULL)
            atomic_fetch_add_explicit(&beyond[row], 1, memory_order_relaxed);
        *no_memory = *no_memory || beyond == NULL;
    }
    atomic_fetch_add_explicit(&db->n_pairs, 1, memory_order_relaxed);
    if ((old & LEVEL_MASK) != VJ_DUCK_BEST_MATCH) {
        atomic_fetch_add_explicit(&db->n_left_rows, 1, memory_order_relaxed);
        return true;
    }
    if (old >> FURTHER_SHIFT == 0)
        atomic_fetch_add_explicit(&db->n_multi_rows, 1, memory_order_relaxed);
    if (!counts->refuse_multi)
        return true;
    /* The run goes on, so that the row that is named does not depend on the threads; but the
     * result will not be used and need not grow. */
    lower_to(&db->first_multi_row, row);
    return false;
}

static void tally_main(duck_call call, duck_chunk input, duck_vector output)
{
    const duck_api *api = duck_api_loaded();
    vj_duck *duck = api->scalar_function_get_extra_info(call);
    tally *counts = duck->tally;
    const int32_t *db_i = api->vector_get_data(api->data_chunk_get_vector(input, 0));
    const int64_t *row = api->vector_get_data(api->data_chunk_get_vector(input, 1));
    const int32_t *level = api->vector_get_data(api->data_chunk_get_vector(input, 3));
    bool *kept = api->vector_get_data(output);
    duck_idx n = api->data_chunk_get_size(input);
    bool no_memory = false;

    for (duck_idx i = 0; i < n; i++) {
        if (counts == NULL || db_i[i] < 0 || db_i[i] >= counts->n_dbs || row[i] < 0 ||
            row[i] >= counts->n_left_rows || level[i] < 0 || level[i] > VJ_DUCK_BEST_MATCH) {
            api->scalar_function_set_error(call, "vj_tally: a number out of range");
            return;
        }
        kept[i] = count_pair(counts, db_i[i], row[i], (uint8_t)level[i], &no_memory);
    }
    if (no_memory)
        api->scalar_function_set_error(call, "vj_tally: out of memory");
    if (counts->most_pairs > 0 && atomic_fetch_sub(&counts->n_left, (int64_t)n) < (int64_t)n) {
        counts->too_many = true;
        api->scalar_function_set_error(call, "vj_tally: too many rows for one statement");
    }
}

vj_status duck_tally_register(vj_duck *duck, vj_error *err)
{
    const duck_api *api = duck->api;
    duck_function function = api->create_scalar_function();
    duck_logical_type integer = api->create_logical_type(DUCK_TYPE_INTEGER);
    duck_logical_type bigint = api->create_logical_type(DUCK_TYPE_BIGINT);
    duck_logical_type boolean = api->create_logical_type(DUCK_TYPE_BOOLEAN);
    vj_status rc = VJ_OK;

    api->scalar_function_set_name(function, "vj_tally");
    api->scalar_function_add_parameter(function, integer);
    api->scalar_function_add_parameter(function, bigint);
    api->scalar_function_add_parameter(function, bigint);
    api->scalar_function_add_parameter(function, integer);
    api->scalar_function_set_return_type(function, boolean);
    api->scalar_function_set_volatile(function);
    api->scalar_function_set_extra_info(function, duck, NULL);
    api->scalar_function_set_function(function, tally_main);
    if (api->register_scalar_function(duck->connection, function) != 0)
        rc = vj_fail(err, VJ_E_UNSUPPORTED, "DuckDB refuses the counting function");
    api->destroy_logical_type(&integer);
    api->destroy_logical_type(&bigint);
    api->destroy_logical_type(&boolean);
    api->destroy_scalar_function(&function);
    return rc;
}

/* ---- the ledger of one run ---- */

static void tally_free(tally *counts)
{
    if (counts == NULL)
        return;
    for (int32_t i = 0; counts->dbs != NULL && i < counts->n_dbs; i++) {
        vj_free(counts->dbs[i].own_rows);
        vj_free((void *)atomic_load(&counts->dbs[i].beyond));
    }
    vj_free(counts->dbs);
    vj_free(counts);
}

static vj_status tally_new(const vj_duck *duck, const vj_duck_join *join,
                           const vj_duck_counts *wanted, tally **out, vj_error *err)
{
    tally *counts = vj_zalloc(duck->budget, sizeof *counts, err);

    *out = counts;
    if (counts == NULL)
        return VJ_E_NOMEM;
    counts->n_left_rows = join->n_left_rows;
    counts->budget = duck->budget;
    counts->refuse_multi = join->duplicates == VJ_DUCK_DUP_ERROR;
    counts->dbs = vj_calloc(duck->budget, (size_t)join->n_dbs, sizeof *counts->dbs, err);
    if (counts->dbs == NULL)
        return VJ_E_NOMEM;
    counts->n_dbs = join->n_dbs;
    for (int32_t i = 0; i < join->n_dbs; i++) {
        db_tally *db = &counts->dbs[i];
        uint8_t *rows = wanted->dbs != NULL ? wanted->dbs[i].best : NULL;

        db->first_multi_row = INT64_MAX;
        if (rows == NULL)
            rows = db->own_rows = vj_calloc(duck->budget, (size_t)join->n_left_rows, 1, err);
        if (rows == NULL)
            return VJ_E_NOMEM;
        memset(rows, 0, (size_t)join->n_left_rows);
        db->rows = (_Atomic uint8_t *)rows;
    }
    return VJ_OK;
}

/* Matches of a left row with a database. */
static int64_t matches_of(const db_tally *db, int64_t row)
{
    uint8_t told = db->rows[row];
    const _Atomic uint32_t *beyond = atomic_load(&db->beyond);

    if ((told & LEVEL_MASK) != VJ_DUCK_BEST_MATCH)
        return 0;
    return 1 + (told >> FURTHER_SHIFT) + (beyond != NULL ? (int64_t)beyond[row] : 0);
}

/* What the row gives: the product over the databases, one where none matches (S-40). */
static int64_t rows_of(const tally *counts, int64_t row, bool first)
{
    int64_t product = 1;

    for (int32_t i = 0; !first && i < counts->n_dbs; i++)
        product *= VJ_MAX(matches_of(&counts->dbs[i], row), 1);
    return product;
}

/* Rows of the result, and those of them that carry a row of each database. */
static void count_result(const tally *counts, bool first, vj_duck_counts *out)
{
    out->n_all_rows = 0;
    for (int64_t row = 0; row < counts->n_left_rows; row++) {
        int64_t n = rows_of(counts, row, first);

        out->n_all_rows += n;
        for (int32_t i = 0; out->dbs != NULL && i < counts->n_dbs; i++)
            if ((counts->dbs[i].rows[row] & LEVEL_MASK) == VJ_DUCK_BEST_MATCH)
                out->dbs[i].n_result_rows += n;
    }
}

/* As the caller is told it: the level, and whether there was more than one match. */
static uint8_t best_of(uint8_t row)
{
    return (uint8_t)((row & LEVEL_MASK) |
                     (row >> FURTHER_SHIFT > 0 ? VJ_DUCK_BEST_SEVERAL : 0));
}

static void give_counts(const tally *counts, bool first, vj_duck_counts *out)
{
    for (int32_t i = 0; out->dbs != NULL && i < counts->n_dbs; i++)
        out->dbs[i].n_result_rows = 0;
    count_result(counts, first, out);
    for (int32_t i = 0; out->dbs != NULL && i < counts->n_dbs; i++) {
        const db_tally *db = &counts->dbs[i];
        out->dbs[i].n_pairs = db->n_pairs;
        out->dbs[i].n_left_rows = db->n_left_rows;
        out->dbs[i].n_multi_rows = db->n_multi_rows;
        for (int64_t row = 0; out->dbs[i].best != NULL && row < counts->n_left_rows; row++)
            out->dbs[i].best[row] = best_of(db->rows[row]);
    }
}

/* The database whose duplicate comes first in the input, or -1. */
static int32_t refusing_db(const tally *counts)
{
    int32_t found = -1;
    int64_t least = INT64_MAX;

    for (int32_t i = 0; i < counts->n_dbs; i++)
        if (counts->dbs[i].first_multi_row < least) {
            least = counts->dbs[i].first_multi_row;
            found = i;
        }
    return found;
}

/* ---- what the files' columns are ---- */

typedef struct column_look {
    vj_arena *arena;
    const char *wanted[2]; /* chrom, start; NULL: the key does not use it */
    const char *type[2];
    bool shadowed;
} column_look;

static bool same_name(vj_span name, const char *wanted)
{
    return wanted != NULL && name.len_bytes == strlen(wanted) &&
           strncasecmp(name.ptr, wanted, name.len_bytes) == 0;
}

static vj_status see_column(void *arg, const vj_span *cells, int32_t n_cells, vj_error *err)
{
    column_look *look = arg;

    (void)n_cells;
    if (same_name(cells[0], "file_index") || same_name(cells[0], "file_row_number"))
        look->shadowed = true;
    for (int i = 0; i < 2; i++) {
        if (!same_name(cells[0], look->wanted[i]))
            continue;
        look->type[i] = vj_arena_strndup(look->arena, cells[1].ptr, cells[1].len_bytes, err);
        if (look->type[i] == NULL)
            return VJ_E_NOMEM;
    }
    return VJ_OK;
}

static vj_status look_at_columns(vj_duck *duck, const vj_duck_db *db, column_look *look,
                                 vj_error *err)
{
    vj_buf sql;
    vj_status rc = VJ_OK;

    look->wanted[0] = db->key & VJ_DUCK_KEY_CONTIG ? db->chrom : NULL;
    look->wanted[1] = db->key & VJ_DUCK_KEY_POS ? db->start : NULL;
    vj_buf_init(&sql, duck->budget, 0);
    VJ_GO(rc, vj_buf_append_text(&sql, "SELECT column_name, column_type FROM (DESCRIBE SELECT * "
                                       "FROM ", err));
    VJ_GO(rc, duck_sql_db_scan(&sql, db, false, err));
    VJ_GO(rc, vj_buf_append_text(&sql, ")", err));
    VJ_GO(rc, duck_sql_end(&sql, err));
    VJ_GO(rc, vj_duck_query(duck, (const char *)sql.ptr, see_column, look, err));
    if (look->shadowed)
        VJ_GO(rc, vj_fail(err, VJ_E_UNSUPPORTED,
                          "it has a column named file_index or file_row_number, which DuckDB "
                          "needs for the order of its rows: rename it"));
    for (int i = 0; i < 2; i++)
        if (look->wanted[i] != NULL && look->type[i] == NULL)
            VJ_GO(rc, vj_fail(err, VJ_E_SCHEMA, "no column %s in %s", look->wanted[i],
                              db->paths[0]));
out:
    vj_buf_fini(&sql);
    return rc == VJ_OK ? rc : vj_wrap(err, rc, "reading the columns of database %s", db->name);
}

/* A copy of the databases with the types filled in, both in the arena. */
static vj_status resolve_types(vj_duck *duck, const vj_duck_join *join, vj_arena *arena,
                               vj_duck_join *typed, vj_error *err)
{
    size_t n = (size_t)join->n_dbs;
    vj_duck_db *dbs = vj_arena_zalloc(arena, (n + 1) * sizeof *dbs, err);

    if (dbs == NULL)
        return VJ_E_NOMEM;
    for (size_t i = 0; i < n; i++) {
        column_look look = {.arena = arena};
        dbs[i] = join->dbs[i];
        if (dbs[i].n_paths == 0)
            continue;
        VJ_TRY(look_at_columns(duck, &dbs[i], &look, err));
        dbs[i].chrom_type = look.type[0];
        dbs[i].start_type = look.type[1];
    }
    *typed = *join;
    typed->dbs = dbs;
    return VJ_OK;
}

/* ---- running ---- */

static vj_status take_text(void *arg, const vj_span *cells, int32_t n_cells, vj_error *err)
{
    vj_buf *text = arg;

    (void)n_cells;
    vj_buf_reset(text);
    VJ_TRY(vj_buf_append(text, cells[0].ptr, cells[0].len_bytes, err));
    return duck_sql_end(text, err);
}

/* Name the left row whose key met two database rows. */
static vj_status fail_duplicate(vj_duck *duck, const vj_duck_join *join, const tally *counts,
                                int32_t db_i, vj_error *err)
{
    const char *name = join->dbs[db_i].name;
    int64_t row = counts->dbs[db_i].first_multi_row;
    vj_error inner = {0};
    vj_buf sql, text;
    char shown[200] = "";

    vj_buf_init(&sql, duck->budget, 0);
    vj_buf_init(&text, duck->budget, 0);
    if (vj_buf_append_text(&sql, "SELECT concat_ws(':', __vj_contig, __vj_pos, __vj_ref, __vj_alt)"
                                 " FROM ", &inner) == VJ_OK &&
        duck_sql_scan(&sql, &join->left_path, 1, &inner) == VJ_OK &&
        duck_sqlf(&sql, &inner, " WHERE __vj_row = %d", row) == VJ_OK &&
        duck_sql_end(&sql, &inner) == VJ_OK &&
        vj_duck_query(duck, (const char *)sql.ptr, take_text, &text, &inner) == VJ_OK &&
        text.len_bytes > 0)
        vj_quote(shown, sizeof shown, text.ptr, text.len_bytes);
    vj_buf_fini(&sql);
    vj_buf_fini(&text);
    return vj_fail(err, VJ_E_CORRUPT,
                   "database %s has more than one row for %s (input row %lld), and --duplicates "
                   "error was asked", name, shown, (long long)row + 1);
}

static vj_status run_tallied(vj_duck *duck, const vj_duck_join *join, tally *counts,
                             int64_t *n_rows, vj_error *err)
{
    vj_buf sql;
    vj_status rc = VJ_OK;

    vj_buf_init(&sql, duck->budget, 0);
    VJ_GO(rc, vj_duck_join_sql(join, true, &sql, err));
    duck->tally = counts;
    rc = vj_duck_exec(duck, (const char *)sql.ptr, n_rows, err);
    duck->tally = NULL;
    if (rc == VJ_OK && refusing_db(counts) >= 0)
        rc = fail_duplicate(duck, join, counts, refusing_db(counts), err);
out:
    vj_buf_fini(&sql);
    return rc;
}

/* ---- ranges of the input ---- */

/*
 * DuckDB spills, but not without end: a chain of joins has all its tables at once, and the merge
 * of a sort a block of each run. What is expected to be much larger than the memory limit, or
 * turns out to be, is therefore joined over ranges of left rows, a statement each. Nothing is
 * lost by it: every rule is about one left row.
 */
#define LEAST_RANGE_ROWS 64
/* Tables of so many times the limit are joined and sorted in one statement (measured with one
 * database: 4 times; with five: not even 3.4 times). */
#define SPILL_FACTOR_ONE 6
#define SPILL_FACTOR_CHAIN 1
/* Rows of the result, where matches turn out to be many. */
#define SPILL_FACTOR_SORT 3

typedef struct ranges {
    vj_duck *duck;
    const vj_duck_join *join;
    tally *ledger;
    vj_arena *arena;
    VJ_VEC(const char *) parts;
    int64_t n_rows;
} ranges;

/* What a row of the result takes in DuckDB's joins and sorts, about. */
static int64_t bytes_per_row(const vj_duck_join *join)
{
    int64_t n_columns = join->n_left;

    for (int32_t i = 0; i < join->n_dbs; i++)
        n_columns += join->dbs[i].n_payload;
    return 64 + 16 * n_columns;
}

static int64_t rows_at_once(const vj_duck *duck, const vj_duck_join *join)
{
    int64_t factor = join->n_dbs > 1 ? SPILL_FACTOR_CHAIN : SPILL_FACTOR_ONE;

    if (join->rows_per_statement > 0)
        return join->rows_per_statement;
    if (duck->memory_limit_bytes <= 0)
        return INT64_MAX;
    return VJ_MAX(duck->memory_limit_bytes / bytes_per_row(join) * factor, LEAST_RANGE_ROWS);
}

/* Where the statement sorts: the matches that it may have before ranges are the better way. */
static int64_t most_pairs(const vj_duck *duck, const vj_duck_join *join, int64_t n_rows)
{
    int64_t most = duck->memory_limit_bytes / bytes_per_row(join) * SPILL_FACTOR_SORT;

    if (duck->memory_limit_bytes <= 0 || join->any_order || n_rows <= LEAST_RANGE_ROWS ||
        join->duplicates != VJ_DUCK_DUP_ALL)
        return 0;
    return VJ_MAX(most, 4 * n_rows * join->n_dbs);
}

static void ledger_begin(tally *ledger, int64_t most)
{
    ledger->most_pairs = most;
    ledger->n_left = most;
    ledger->too_many = false;
    for (int32_t i = 0; i < ledger->n_dbs; i++) {
        db_tally *db = &ledger->dbs[i];

        db->before[0] = db->n_pairs;
        db->before[1] = db->n_left_rows;
        db->before[2] = db->n_multi_rows;
    }
}

/* As if the statement over these rows had not been. */
static void ledger_undo(tally *ledger, int64_t beg, int64_t end)
{
    for (int32_t i = 0; i < ledger->n_dbs; i++) {
        db_tally *db = &ledger->dbs[i];

        db->n_pairs = db->before[0];
        db->n_left_rows = db->before[1];
        db->n_multi_rows = db->before[2];
        db->first_multi_row = INT64_MAX;
        memset((void *)(db->rows + beg), 0, (size_t)(end - beg));
        if (db->beyond != NULL)
            memset((void *)(db->beyond + beg), 0, (size_t)(end - beg) * sizeof *db->beyond);
    }
}

/* One statement over left rows [beg, end); *too_large: fewer rows may do, counts are as before. */
static vj_status run_range(ranges *r, const vj_duck_join *join, int64_t beg, int64_t end,
                           bool *too_large, vj_error *err)
{
    int64_t n_rows = 0;

    ledger_begin(r->ledger, most_pairs(r->duck, join, end - beg));
    vj_status rc = run_tallied(r->duck, join, r->ledger, &n_rows, err);
    *too_large = (rc == VJ_E_NOMEM || r->ledger->too_many) && end - beg > LEAST_RANGE_ROWS;
    if (rc == VJ_OK)
        r->n_rows += n_rows;
    else if (*too_large)
        ledger_undo(r->ledger, beg, end);
    return rc;
}

static vj_status run_part(ranges *r, int64_t beg, int64_t end, bool *too_large, vj_error *err)
{
    char path[4200];
    vj_duck_join join = *r->join;

    snprintf(path, sizeof path, "%s/part-%zu.parquet", r->duck->spill_path, r->parts.n);
    join.row_beg = beg;
    join.row_end = end;
    join.out_path = path;
    join.codec = "snappy";
    join.level = 0;
    join.n_kvs = 0;
    r->duck->progress_base = (double)beg / (double)join.n_left_rows;
    r->duck->progress_share = (double)(end - beg) / (double)join.n_left_rows;
    VJ_TRY(run_range(r, &join, beg, end, too_large, err));
    const char *kept = vj_arena_strndup(r->arena, path, strlen(path), err);
    return kept != NULL ? VJ_VEC_PUSH(&r->parts, kept, err) : VJ_E_NOMEM;
}

/* Files of very many rows in small row groups would need their memory for the footer. */
static int64_t rowgroup_rows(int64_t asked, int64_t n_rows)
{
    int64_t least = asked > 0 ? asked : 122880;

    return VJ_MIN(VJ_MAX((n_rows / 800 + 2047) / 2048 * 2048, least), VJ_MAX(least, 122880));
}

/* The parts, one after the other, as the result. */
static vj_status append_parts(ranges *r, vj_error *err)
{
    vj_duck_join join = *r->join;
    vj_buf sql;
    vj_status rc = VJ_OK;

    join.rows_per_rowgroup = rowgroup_rows(join.rows_per_rowgroup, r->n_rows);
    vj_buf_init(&sql, r->duck->budget, 0);
    VJ_GO(rc, vj_duck_exec(r->duck, "SET preserve_insertion_order = true", NULL, err));
    /* not by union of names: that reads every footer first */
    VJ_GO(rc, vj_buf_append_text(&sql, "COPY (SELECT * FROM read_parquet([", err));
    for (size_t i = 0; i < r->parts.n; i++)
        VJ_GO(rc, duck_sqlf(&sql, err, i == 0 ? "%p" : ", %p", r->parts.ptr[i]));
    VJ_GO(rc, vj_buf_append_text(&sql, "], hive_partitioning = false)", err));
    VJ_GO(rc, duck_sql_copy_to(&sql, &join, err));
    VJ_GO(rc, duck_sql_end(&sql, err));
    r->duck->progress_base = 1;
    r->duck->progress_share = 0;
    rc = vj_duck_exec(r->duck, (const char *)sql.ptr, NULL, err);
out:
    vj_buf_fini(&sql);
    return rc;
}

static vj_status run_ranges(ranges *r, int64_t step, vj_error *err)
{
    int64_t n = r->join->n_left_rows;
    int64_t most = step;
    int64_t beg = 0;

    while (beg < n) {
        vj_error why = {0};
        bool too_large = false;
        int64_t end = VJ_MIN(beg + step, n);
        vj_status rc = run_part(r, beg, end, &too_large, &why);

        if (rc != VJ_OK && !too_large)
            return vj_fail(err, rc, "%s", why.text);
        if (rc == VJ_OK) {
            beg = end;
            step = VJ_MIN(step * 2, most);
        } else {
            most = step = VJ_MAX((end - beg) / 8, LEAST_RANGE_ROWS);
        }
    }
    return append_parts(r, err);
}

/* At once if it may do, else, or when it did not, by ranges. */
static vj_status run_all(ranges *r, vj_error *err)
{
    int64_t n = r->join->n_left_rows;
    int64_t step = rows_at_once(r->duck, r->join);
    vj_error why = {0};
    bool too_large = false;

    if (n > step)
        return run_ranges(r, step, err);
    vj_status rc = run_range(r, r->join, 0, n, &too_large, &why);
    if (rc != VJ_OK && too_large)
        return run_ranges(r, VJ_MAX(n / 8, LEAST_RANGE_ROWS), err);
    return rc == VJ_OK ? rc : vj_fail(err, rc, "%s", why.text);
}

vj_status vj_duck_run_join(vj_duck *duck, const vj_duck_join *join, vj_duck_counts *counts,
                           vj_error *err)
{
    vj_status rc = VJ_OK;
    vj_duck_join typed;
    tally *ledger = NULL;
    vj_arena arena;
    ranges all = {.duck = duck, .join = &typed, .arena = &arena};

    vj_arena_init(&arena, duck->budget, 0);
    all.parts.budget = duck->budget;
    VJ_GO(rc, resolve_types(duck, join, &arena, &typed, err));
    VJ_GO(rc, tally_new(duck, &typed, counts, &ledger, err));
    all.ledger = ledger;
    VJ_GO(rc, run_all(&all, err));
    counts->n_rows = all.n_rows;
    give_counts(ledger, join->duplicates == VJ_DUCK_DUP_FIRST, counts);
out:
    duck->progress_base = 0;
    duck->progress_share = 1;
    VJ_VEC_FINI(&all.parts);
    tally_free(ledger);
    vj_arena_fini(&arena);
    return rc == VJ_OK ? rc : vj_wrap(err, rc, "joining with DuckDB");
}

static vj_status add_plan(void *arg, const vj_span *cells, int32_t n_cells, vj_error *err)
{
    return vj_buf_append(arg, cells[n_cells - 1].ptr, cells[n_cells - 1].len_bytes, err);
}

vj_status vj_duck_explain_join(vj_duck *duck, const vj_duck_join *join, vj_buf *out, vj_error *err)
{
    vj_status rc = VJ_OK;
    vj_duck_join typed;
    vj_arena arena;
    vj_buf sql;

    vj_arena_init(&arena, duck->budget, 0);
    vj_buf_init(&sql, duck->budget, 0);
    VJ_GO(rc, resolve_types(duck, join, &arena, &typed, err));
    VJ_GO(rc, vj_buf_append_text(&sql, "EXPLAIN ", err));
    VJ_GO(rc, vj_duck_join_sql(&typed, true, &sql, err));
    VJ_GO(rc, vj_duck_query(duck, (const char *)sql.ptr, add_plan, out, err));
    rc = duck_sql_end(out, err);
out:
    vj_arena_fini(&arena);
    vj_buf_fini(&sql);
    return rc;
}
