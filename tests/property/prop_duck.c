/*
 * The DuckDB join against an O(n*m) oracle, on seeded small tables of hard cases: duplicates on
 * either side, several ALTs in three notations, indels, nulls, symbolic alleles, empty inputs,
 * files without rows, contig styles, both start bases, long alleles, several databases.
 *
 * Skipped with a message where the library is absent (tools/fetch_duckdb.sh gets it).
 * VJ_DUCK_CASES sets the number of cases (default 60).
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "duck/duck.h"
#include "support/support.h"

#define MAX_LEFT 12
#define MAX_DB 24
#define MAX_DBS 3
#define MAX_FILES 3
#define ALLELE_CAP 80

typedef struct left_row {
    const char *contig; /* canonical; NULL: null */
    int64_t pos1;
    char ref[ALLELE_CAP], alt[ALLELE_CAP];
    bool matchable;
    const char *id; /* NULL: null */
} left_row;

typedef struct db_row {
    const char *raw; /* NULL: null */
    int64_t start;   /* -1: null */
    char ref[ALLELE_CAP]; /* "" with null_ref: null */
    bool null_ref, null_alt;
    char alts[3][ALLELE_CAP];
    int n_alts;
    char separator;
    const char *id;
} db_row;

typedef struct db_case {
    db_row rows[MAX_DB];
    int n_rows, n_files, file_of[MAX_DB];
    vj_duck_alt kind;
    int start_base, key;
    bool use_pair;
    const char *start_type;
    char paths[MAX_FILES][256];
    const char *path_list[MAX_FILES];
} db_case;

typedef struct join_case {
    left_row left[MAX_LEFT];
    int n_left, n_dbs;
    db_case dbs[MAX_DBS];
    vj_duck_duplicates duplicates;
} join_case;

static const vj_duck_contig contigs[] = {{"1", "1"},     {"chr1", "1"}, {"CHR2", "2"},
                                         {"chrM", "MT"}, {"MT", "MT"},  {"it's \"x\"", "IT'S \"X\""}};
static const char *const canonicals[] = {"1", "2", "MT", "IT'S \"X\"", "GL1"};
static const char *const raws[] = {"1", "chr1", "CHR2", "chrM", "MT", "it's \"x\"", "unknown"};
static const char *const ids[] = {"rs1", "rs2", "rs3", "rs4"};

static char dir[] = "/tmp/varjoin-prop-duck-XXXXXX";
static vj_duck *duck;

/* ---- generator ---- */

static int64_t below(uint64_t *seed, int64_t n)
{
    return (int64_t)(test_random(seed) % (uint64_t)n);
}

static void make_allele(uint64_t *seed, char *out)
{
    static const char letters[] = "AACT";
    int64_t n = 1 + below(seed, 3);

    if (below(seed, 30) == 0)
        n = 60; /* beyond the 12 bytes that DuckDB keeps in place */
    for (int64_t i = 0; i < n; i++)
        out[i] = n == 60 ? letters[(i / 7) % 4] : letters[below(seed, 4)];
    out[n] = '\0';
}

static void make_odd_case(uint64_t *seed, char *allele)
{
    for (; *allele != '\0'; allele++)
        if (below(seed, 4) == 0 && *allele >= 'A' && *allele <= 'Z')
            *allele = (char)(*allele + 32);
}

static void make_left(uint64_t *seed, left_row *row)
{
    row->contig = below(seed, 15) == 0 ? NULL : canonicals[below(seed, 5)];
    row->pos1 = 5 + below(seed, 3);
    make_allele(seed, row->ref);
    make_allele(seed, row->alt);
    row->matchable = below(seed, 8) != 0;
    row->id = below(seed, 6) == 0 ? NULL : ids[below(seed, 4)];
}

/* An allele as a left row has it, sometimes with a suffix; lengths are far below the capacity. */
static void copy_allele(uint64_t *seed, const char *like, char *out)
{
    size_t n = strlen(like);

    memmove(out, like, n + 1);
    if (below(seed, 3) == 0)
        memcpy(out + n, "AC", 3);
}

static void make_db_row(uint64_t *seed, const left_row *like, int start_base, bool several,
                        db_row *row)
{
    static const char *const odd[] = {"*", "<DEL>", "", "N[1:7[", "A*", "."};

    row->raw = below(seed, 12) == 0 ? NULL : raws[below(seed, 7)];
    row->start = below(seed, 12) == 0 ? -1 : 4 + start_base + below(seed, 3);
    row->null_ref = below(seed, 15) == 0;
    row->null_alt = below(seed, 15) == 0;
    row->separator = below(seed, 2) ? ',' : '|';
    row->id = below(seed, 6) == 0 ? NULL : ids[below(seed, 4)];
    row->n_alts = several ? 1 + (int)below(seed, 3) : 1;
    make_allele(seed, row->ref);
    if (below(seed, 2))
        copy_allele(seed, like->ref, row->ref);
    for (int i = 0; i < row->n_alts; i++) {
        make_allele(seed, row->alts[i]);
        if (below(seed, 2))
            copy_allele(seed, like->alt, row->alts[i]);
        if (below(seed, 10) == 0)
            snprintf(row->alts[i], ALLELE_CAP, "%s", odd[below(seed, 6)]);
        make_odd_case(seed, row->alts[i]);
    }
    if (below(seed, 20) == 0)
        snprintf(row->ref, sizeof row->ref, "%s", odd[below(seed, 6)]);
    make_odd_case(seed, row->ref);
}

static void make_case(uint64_t *seed, join_case *c)
{
    static const char *const types[] = {"UINTEGER", "INTEGER", "BIGINT", "DOUBLE", "VARCHAR"};
    static const int keys[] = {VJ_DUCK_KEY_ALL, VJ_DUCK_KEY_ALL, VJ_DUCK_KEY_ALL,
                               VJ_DUCK_KEY_CONTIG | VJ_DUCK_KEY_POS, 0};

    memset(c, 0, sizeof *c);
    c->n_left = (int)below(seed, MAX_LEFT + 1);
    for (int i = 0; i < MAX_LEFT; i++)
        make_left(seed, &c->left[i]);
    c->n_dbs = 1 + (int)below(seed, MAX_DBS);
    c->duplicates = (vj_duck_duplicates)below(seed, 3);
    for (int d = 0; d < c->n_dbs; d++) {
        db_case *db = &c->dbs[d];
        db->n_rows = (int)below(seed, MAX_DB + 1);
        db->n_files = 1 + (int)below(seed, MAX_FILES);
        db->kind = (vj_duck_alt)below(seed, 3);
        db->start_base = (int)below(seed, 2);
        db->start_type = types[below(seed, 5)];
        db->key = keys[below(seed, 5)];
        db->use_pair = db->key == 0 || below(seed, 6) == 0;
        for (int i = 0; i < db->n_rows; i++) {
            make_db_row(seed, &c->left[below(seed, MAX_LEFT)], db->start_base,
                        db->kind != VJ_DUCK_ALT_TEXT || below(seed, 8) == 0, &db->rows[i]);
            db->file_of[i] = (int)below(seed, db->n_files);
        }
    }
}

/* ---- oracle ---- */

static bool fold_eq(const char *a, size_t a_len, const char *b, size_t b_len)
{
    return a_len == b_len && strncasecmp(a, b, a_len) == 0;
}

static bool is_plain(const char *text)
{
    size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    return n > 0 && text[n] == '\0';
}

static bool alleles_match(const left_row *left, const db_case *db, const db_row *row)
{
    if (!left->matchable || row->null_ref || row->null_alt || !is_plain(row->ref))
        return false;
    if (db->kind == VJ_DUCK_ALT_TEXT && row->n_alts > 1)
        return false;
    for (int i = 0; i < row->n_alts; i++) {
        size_t ref_len = strlen(row->ref), alt_len = strlen(row->alts[i]);
        if (!is_plain(row->alts[i]))
            continue;
        while (row->n_alts > 1 && ref_len > 1 && alt_len > 1 &&
               strncasecmp(&row->ref[ref_len - 1], &row->alts[i][alt_len - 1], 1) == 0)
            ref_len--, alt_len--;
        if (fold_eq(row->ref, ref_len, left->ref, strlen(left->ref)) &&
            fold_eq(row->alts[i], alt_len, left->alt, strlen(left->alt)))
            return true;
    }
    return false;
}

static bool contig_matches(const char *canonical, const char *raw)
{
    for (size_t i = 0; canonical != NULL && raw != NULL && i < VJ_COUNT(contigs); i++)
        if (strcmp(contigs[i].raw, raw) == 0 && strcmp(contigs[i].canonical, canonical) == 0)
            return true;
    return false;
}

static bool rows_match(const left_row *left, const db_case *db, const db_row *row)
{
    if ((db->key & VJ_DUCK_KEY_CONTIG) && !contig_matches(left->contig, row->raw))
        return false;
    if ((db->key & VJ_DUCK_KEY_POS) &&
        (row->start < 0 || row->start + 1 - db->start_base != left->pos1))
        return false;
    if (db->use_pair &&
        (left->id == NULL || row->id == NULL || strcmp(left->id, row->id) != 0))
        return false;
    return (db->key & VJ_DUCK_KEY_ALLELES) == 0 || alleles_match(left, db, row);
}

/* How near one candidate came, as the native engine counts it (join/alleles.c). */
static uint8_t level_of(const left_row *left, const db_case *db, const db_row *row)
{
    uint8_t best = VJ_DUCK_BEST_POSITION;

    if (row->null_ref)
        return best;
    if (alleles_match(left, db, row))
        return VJ_DUCK_BEST_MATCH;
    if (row->null_alt || (db->kind == VJ_DUCK_ALT_TEXT) || row->n_alts == 1)
        return fold_eq(row->ref, strlen(row->ref), left->ref, strlen(left->ref))
                   ? VJ_DUCK_BEST_REF
                   : best;
    for (int i = 0; i < row->n_alts; i++) {
        size_t ref_len = strlen(row->ref), alt_len = strlen(row->alts[i]);
        while (is_plain(row->alts[i]) && ref_len > 1 && alt_len > 1 &&
               strncasecmp(&row->ref[ref_len - 1], &row->alts[i][alt_len - 1], 1) == 0)
            ref_len--, alt_len--;
        if (fold_eq(row->ref, ref_len, left->ref, strlen(left->ref)))
            best = VJ_DUCK_BEST_REF;
    }
    return best;
}

/* Left rows that take part in the key, against the rows at their contig and position. */
static uint8_t expect_best(const join_case *c, int left_i, int db_i)
{
    const left_row *left = &c->left[left_i];
    const db_case *db = &c->dbs[db_i];
    uint8_t best = VJ_DUCK_BEST_NONE;

    for (int i = 0; left->matchable && i < db->n_rows; i++) {
        const db_row *row = &db->rows[i];
        if (contig_matches(left->contig, row->raw) && row->start >= 0 &&
            row->start + 1 - db->start_base == left->pos1) {
            uint8_t level = level_of(left, db, row);
            best = level > best ? level : best;
        }
    }
    return best;
}

/* Matches of one left row in database order: file by file, in each in row order. */
static int find_matches(const join_case *c, int left_i, int db_i, int *out)
{
    const db_case *db = &c->dbs[db_i];
    int n = 0;

    for (int f = 0; f < db->n_files; f++)
        for (int i = 0; i < db->n_rows; i++)
            if (db->file_of[i] == f && rows_match(&c->left[left_i], db, &db->rows[i]))
                out[n++] = i;
    return n;
}

static void expect_product(const join_case *c, int left_i, int db_i, const char *sofar,
                           vj_buf *out)
{
    int rows[MAX_DB];
    char line[64];
    vj_error err = {0};

    if (db_i == c->n_dbs) {
        assert_ok(vj_buf_printf(out, &err, "%s\n", sofar), &err);
        return;
    }
    int n = find_matches(c, left_i, db_i, rows);
    if (n > 1 && c->duplicates == VJ_DUCK_DUP_FIRST)
        n = 1;
    for (int i = 0; i < n; i++) {
        snprintf(line, sizeof line, "%s %d", sofar, rows[i]);
        expect_product(c, left_i, db_i + 1, line, out);
    }
    if (n == 0) {
        snprintf(line, sizeof line, "%s -", sofar);
        expect_product(c, left_i, db_i + 1, line, out);
    }
}

static void expect_counts(const join_case *c, vj_duck_db_counts *counts)
{
    int rows[MAX_DB];

    for (int d = 0; d < c->n_dbs; d++)
        for (int i = 0; i < c->n_left; i++) {
            int n = find_matches(c, i, d, rows);
            counts[d].n_pairs += n;
            counts[d].n_left_rows += n > 0;
            counts[d].n_multi_rows += n > 1;
        }
}

/* ---- tables as Parquet, by DuckDB itself ---- */

static void add(vj_buf *sql, const char *text)
{
    vj_error err = {0};

    assert_ok(vj_buf_append_text(sql, text, &err), &err);
}

static void add_int(vj_buf *sql, int64_t value)
{
    char text[VJ_NUM_TEXT_BYTES];

    vj_format_i64(text, value);
    add(sql, text);
}

static void add_text(vj_buf *sql, const char *text)
{
    vj_error err = {0};

    if (text == NULL)
        add(sql, "NULL");
    else
        assert_ok(vj_duck_quote_text(sql, vj_span_of(text), &err), &err);
}

static void execute(vj_buf *sql)
{
    vj_error err = {0};

    assert_ok(vj_buf_push(sql, '\0', &err), &err);
    if (vj_duck_exec(duck, (const char *)sql->ptr, NULL, &err) != VJ_OK)
        fail_msg("%s\n%s", err.text, (const char *)sql->ptr);
    vj_buf_reset(sql);
}

static void write_left(const join_case *c, const char *path)
{
    vj_buf sql = {0};

    add(&sql, "COPY (SELECT * FROM (VALUES (0::BIGINT, ''::VARCHAR, 0::BIGINT, ''::VARCHAR, "
              "''::VARCHAR, ''::VARCHAR, 0::INTEGER)");
    for (int i = 0; i < c->n_left; i++) {
        const left_row *row = &c->left[i];
        add(&sql, ", (");
        add_int(&sql, i);
        add(&sql, ", ");
        add_text(&sql, row->contig);
        add(&sql, ", ");
        add_int(&sql, row->pos1);
        add(&sql, ", ");
        add_text(&sql, row->ref);
        add(&sql, ", ");
        add_text(&sql, row->matchable ? row->alt : NULL);
        add(&sql, ", ");
        add_text(&sql, row->id);
        add(&sql, ", ");
        add_int(&sql, i);
        add(&sql, ")");
    }
    add(&sql, ") t(__vj_row, __vj_contig, __vj_pos, __vj_ref, __vj_alt, id, \"ta\"\"g\") "
              "OFFSET 1) TO ");
    add_text(&sql, path);
    add(&sql, " (FORMAT PARQUET, ROW_GROUP_SIZE 2048)");
    execute(&sql);
    vj_buf_fini(&sql);
}

static void add_alt(vj_buf *sql, const db_case *db, const db_row *row)
{
    char joined[3 * ALLELE_CAP] = "";
    size_t n = 0;

    if (row->null_alt) {
        add(sql, "NULL");
        return;
    }
    if (db->kind == VJ_DUCK_ALT_LIST) {
        add(sql, "[");
        for (int i = 0; i < row->n_alts; i++) {
            add(sql, i > 0 ? ", " : "");
            add_text(sql, row->alts[i]);
        }
        add(sql, "]");
        return;
    }
    for (int i = 0; i < row->n_alts; i++)
        n += (size_t)snprintf(joined + n, sizeof joined - n, "%s%s",
                              i == 0 ? "" : (row->separator == ',' ? "," : "|"), row->alts[i]);
    add_text(sql, joined);
}

static void write_db_file(const join_case *c, int db_i, int file_i, const char *path)
{
    const db_case *db = &c->dbs[db_i];
    vj_buf sql = {0};

    add(&sql, "COPY (SELECT ref, chrom, CAST(start AS ");
    add(&sql, db->start_type);
    add(&sql, ") AS start, alt, id, tag FROM (VALUES (''::VARCHAR, 0::BIGINT, ''::VARCHAR, ");
    add(&sql, db->kind == VJ_DUCK_ALT_LIST ? "['']::VARCHAR[]" : "''::VARCHAR");
    add(&sql, ", ''::VARCHAR, 0::INTEGER)");
    for (int i = 0; i < db->n_rows; i++) {
        const db_row *row = &db->rows[i];
        if (db->file_of[i] != file_i)
            continue;
        add(&sql, ", (");
        add_text(&sql, row->raw);
        add(&sql, ", ");
        if (row->start < 0)
            add(&sql, "NULL");
        else
            add_int(&sql, row->start);
        add(&sql, ", ");
        add_text(&sql, row->null_ref ? NULL : row->ref);
        add(&sql, ", ");
        add_alt(&sql, db, row);
        add(&sql, ", ");
        add_text(&sql, row->id);
        add(&sql, ", ");
        add_int(&sql, i);
        add(&sql, ")");
    }
    add(&sql, ") t(chrom, start, ref, alt, id, tag) OFFSET 1) TO ");
    add_text(&sql, path);
    add(&sql, " (FORMAT PARQUET)");
    execute(&sql);
    vj_buf_fini(&sql);
}

/* ---- one case ---- */

static vj_status take_row(void *arg, const vj_span *cells, int32_t n_cells, vj_error *err)
{
    vj_buf *out = arg;

    for (int32_t i = 0; i < n_cells; i++) {
        vj_span cell = cells[i].ptr != NULL ? cells[i] : vj_span_of("-");
        VJ_TRY(vj_buf_append_text(out, i > 0 ? " " : "", err));
        VJ_TRY(vj_buf_append(out, cell.ptr, cell.len_bytes, err));
    }
    return vj_buf_append_text(out, "\n", err);
}

static void read_result(const char *path, int n_dbs, vj_buf *out)
{
    vj_buf sql = {0};
    vj_error err = {0};

    add(&sql, "SELECT CAST(\"t 'g\" AS VARCHAR)");
    for (int d = 0; d < n_dbs; d++) {
        add(&sql, ", CAST(tag");
        add_int(&sql, d);
        add(&sql, " AS VARCHAR)");
    }
    add(&sql, " FROM read_parquet(");
    add_text(&sql, path);
    add(&sql, ") ORDER BY file_row_number");
    assert_ok(vj_buf_push(&sql, '\0', &err), &err);
    assert_ok(vj_duck_query(duck, (const char *)sql.ptr, take_row, out, &err), &err);
    vj_buf_fini(&sql);
}

static void write_tables(join_case *c, char *left_path, char *out_path)
{
    snprintf(left_path, 256, "%s/l'eft [1].parquet", dir);
    snprintf(out_path, 256, "%s/o'ut *ü.parquet", dir);
    write_left(c, left_path);
    for (int d = 0; d < c->n_dbs; d++)
        for (int f = 0; f < c->dbs[d].n_files; f++) {
            snprintf(c->dbs[d].paths[f], 256, "%s/d'b %d-%d[x]?.parquet", dir, d, f);
            c->dbs[d].path_list[f] = c->dbs[d].paths[f];
            write_db_file(c, d, f, c->dbs[d].paths[f]);
        }
}

static void check_result(const join_case *c, int case_i, const char *out_path,
                         const vj_duck_counts *counts)
{
    vj_duck_db_counts expected_counts[MAX_DBS] = {0};
    vj_buf expected = {0}, found = {0};
    vj_error err = {0};
    char tag[16];

    for (int i = 0; i < c->n_left; i++) {
        snprintf(tag, sizeof tag, "%d", i);
        expect_product(c, i, 0, tag, &expected);
    }
    read_result(out_path, c->n_dbs, &found);
    assert_ok(vj_buf_push(&expected, '\0', &err), &err);
    assert_ok(vj_buf_push(&found, '\0', &err), &err);
    if (strcmp((const char *)expected.ptr, (const char *)found.ptr) != 0)
        fail_msg("case %d: expected\n%sfound\n%s", case_i, (const char *)expected.ptr,
                 (const char *)found.ptr);
    expect_counts(c, expected_counts);
    for (int d = 0; d < c->n_dbs; d++) {
        assert_int_equal(expected_counts[d].n_pairs, counts->dbs[d].n_pairs);
        assert_int_equal(expected_counts[d].n_left_rows, counts->dbs[d].n_left_rows);
        assert_int_equal(expected_counts[d].n_multi_rows, counts->dbs[d].n_multi_rows);
        for (int i = 0; i < c->n_left && c->dbs[d].key == VJ_DUCK_KEY_ALL && !c->dbs[d].use_pair;
             i++)
            if (expect_best(c, i, d) != (counts->dbs[d].best[i] & VJ_DUCK_BEST_MATCH))
                fail_msg("case %d: row %d, db %d: best is %d, expected %d", case_i, i, d,
                         counts->dbs[d].best[i], expect_best(c, i, d));
    }
    vj_buf_fini(&expected);
    vj_buf_fini(&found);
}

static bool has_multi(const join_case *c)
{
    vj_duck_db_counts counts[MAX_DBS] = {0};

    expect_counts(c, counts);
    return counts[0].n_multi_rows + counts[1].n_multi_rows + counts[2].n_multi_rows > 0;
}

static void run_case(join_case *c, int case_i)
{
    static const vj_duck_column left[] = {{"ta\"g", "t 'g", NULL}, {"id", "id", NULL}};
    static const vj_duck_column payload[MAX_DBS][2] = {
        {{"tag", "tag0", NULL}, {"id", "id_0", NULL}}, {{"tag", "tag1", NULL}, {"id", "id_1", NULL}},
        {{"tag", "tag2", NULL}, {"id", "id_2", NULL}}};
    static const vj_duck_pair pair = {"id", "id", false, false};
    static const vj_duck_kv kv = {"a.b'c", "d\"e"};
    char left_path[256], out_path[256];
    vj_duck_db dbs[MAX_DBS] = {0};
    vj_duck_db_counts db_counts[MAX_DBS] = {0};
    vj_duck_counts counts = {.dbs = db_counts};
    uint8_t best[MAX_DBS][MAX_LEFT];
    vj_error err = {0};

    for (int d = 0; d < MAX_DBS; d++)
        db_counts[d].best = best[d];
    write_tables(c, left_path, out_path);
    for (int d = 0; d < c->n_dbs; d++)
        dbs[d] = (vj_duck_db){.name = "db", .paths = c->dbs[d].path_list,
                              .n_paths = c->dbs[d].n_files, .chrom = "chrom", .start = "START",
                              .ref = "ref", .alt = "alt", .start_base = c->dbs[d].start_base,
                              .alt_kind = c->dbs[d].kind, .contigs = contigs,
                              .n_contigs = VJ_COUNT(contigs), .key = c->dbs[d].key,
                              .pairs = &pair, .n_pairs = c->dbs[d].use_pair,
                              .payload = payload[d], .n_payload = 2};
    vj_duck_join join = {.left_path = left_path, .left = left, .n_left = 2,
                         .n_left_rows = c->n_left, .dbs = dbs, .n_dbs = c->n_dbs,
                         .duplicates = c->duplicates, .out_path = out_path, .codec = "zstd",
                         .rows_per_statement = case_i % 3 == 2 ? 1 + case_i % 5 : 0,
                         .kvs = &kv, .n_kvs = 1};
    vj_status rc = vj_duck_run_join(duck, &join, &counts, &err);
    if (c->duplicates == VJ_DUCK_DUP_ERROR && has_multi(c)) {
        assert_int_equal(rc, VJ_E_CORRUPT);
        assert_non_null(strstr(err.text, "database db has more than one row for "));
        return;
    }
    if (rc != VJ_OK)
        fail_msg("case %d: %s", case_i, err.text);
    check_result(c, case_i, out_path, &counts);
}

static int open_session(void **state)
{
    vj_error err = {0};
    vj_duck_options options = {.memory_limit_bytes = 300000000, .threads = 2,
                               .library_path = getenv("VARJOIN_DUCKDB_LIB")};
    vj_duck_library library;

    (void)state;
    if (vj_duck_probe(options.library_path, &library, &err) != VJ_OK) {
        print_message("skipped: %s\n", err.text);
        return 0;
    }
    if (mkdtemp(dir) == NULL || vj_duck_open(&options, &duck, &err) != VJ_OK) {
        print_message("%s\n", err.text);
        return -1;
    }
    return 0;
}

static int close_session(void **state)
{
    (void)state;
    vj_duck_free(duck);
    vj_tempdir_remove(duck != NULL ? vj_strdup(NULL, dir, NULL) : NULL);
    return 0;
}

static void join_equals_oracle(void **state)
{
    const char *cases = getenv("VJ_DUCK_CASES");
    int n_cases = cases != NULL ? atoi(cases) : 60;
    uint64_t seed = test_seed();
    static join_case c;

    (void)state;
    if (duck == NULL)
        skip();
    for (int i = 0; i < n_cases; i++) {
        make_case(&seed, &c);
        run_case(&c, i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(join_equals_oracle)};

    return cmocka_run_group_tests(tests, open_session, close_session);
}
