/*
 * duck_sql.c - the text of the join statement. Pure: no file is touched, no library needed.
 *
 * For one database (k: keys of the left file, d: the database's files):
 *
 *   m0 = SELECT k.r, ordinal of d, payload FROM keys k JOIN read_parquet(...) d
 *        ON d.chrom = k.c AND d.start = k.p          <- bare columns: DuckDB prunes row groups by
 *        WHERE alleles of k and d agree                 the range of the keys that it hashed
 *   COPY (SELECT l.*, m0.* FROM left l LEFT JOIN m0 ON m0.r = l.row ORDER BY l.row, ordinal)
 *
 * Why not LEFT JOIN the database at once: the hash table then holds the left side's wide rows,
 * and a condition beyond equalities makes DuckDB compare all with all. Here it holds positions
 * and alleles only, the alleles (and ALT lists) are looked at where a position was hit, and the
 * database is read once, streaming. docs/decisions/020-duckdb-join-statement.md has the figures.
 */
#include "duck/duck_api.h"

#define ORDINAL "((CAST(d.file_index AS BIGINT) << 40) | d.file_row_number)"
#define FOLD_TO ", 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ')"

static bool is_integer_type(const char *type)
{
    static const char *const names[] = {"TINYINT",  "SMALLINT",  "INTEGER",  "BIGINT",
                                        "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"};

    for (size_t i = 0; type != NULL && i < VJ_COUNT(names); i++)
        if (strcmp(type, names[i]) == 0)
            return true;
    return false;
}

/* ---- keys of the left side, one row per spelling of its contig in the database ---- */

static vj_status add_contigs(vj_buf *sql, const vj_duck_db *db, vj_error *err)
{
    if (db->n_contigs == 0)
        return vj_buf_append_text(
            sql, " JOIN (SELECT '' AS canonical, '' AS raw WHERE false) c", err);
    VJ_TRY(vj_buf_append_text(sql, " JOIN (VALUES ", err));
    for (int32_t i = 0; i < db->n_contigs; i++)
        VJ_TRY(duck_sqlf(sql, err, i == 0 ? "(%t, %t)" : ", (%t, %t)", db->contigs[i].canonical,
                         db->contigs[i].raw));
    return vj_buf_append_text(sql, ") c(canonical, raw)", err);
}

/* The left file's rows of the join's range. */
static vj_status add_left(vj_buf *sql, const vj_duck_join *join, vj_error *err)
{
    if (join->row_end == 0)
        return duck_sql_scan(sql, &join->left_path, 1, err);
    VJ_TRY(vj_buf_append_text(sql, "(SELECT * FROM ", err));
    VJ_TRY(duck_sql_scan(sql, &join->left_path, 1, err));
    return duck_sqlf(sql, err, " WHERE __vj_row >= %d AND __vj_row < %d)", join->row_beg,
                     join->row_end);
}

static vj_status add_keys(vj_buf *sql, const vj_duck_join *join, const vj_duck_db *db,
                          vj_error *err)
{
    VJ_TRY(vj_buf_append_text(sql, "(SELECT f.__vj_row AS r", err));
    if (db->key & VJ_DUCK_KEY_CONTIG)
        VJ_TRY(vj_buf_append_text(sql, ", c.raw AS c", err));
    if (db->key & VJ_DUCK_KEY_POS)
        VJ_TRY(duck_sqlf(sql, err, ", TRY_CAST(f.__vj_pos - %d AS %s) AS p",
                         (int64_t)(1 - db->start_base),
                         is_integer_type(db->start_type) ? db->start_type : "BIGINT"));
    if (db->key & VJ_DUCK_KEY_ALLELES)
        VJ_TRY(vj_buf_append_text(sql, ", f.__vj_ref AS ref, f.__vj_alt AS alt", err));
    for (int32_t i = 0; i < db->n_pairs; i++)
        VJ_TRY(duck_sqlf(sql, err, ", f.%n AS j%d", db->pairs[i].left_name, (int64_t)i));
    VJ_TRY(vj_buf_append_text(sql, " FROM ", err));
    VJ_TRY(add_left(sql, join, err));
    VJ_TRY(vj_buf_append_text(sql, " f", err));
    if (db->key & VJ_DUCK_KEY_CONTIG) {
        VJ_TRY(add_contigs(sql, db, err));
        VJ_TRY(vj_buf_append_text(sql, " ON c.canonical = f.__vj_contig", err));
    }
    if (db->key & VJ_DUCK_KEY_ALLELES)
        VJ_TRY(vj_buf_append_text(
            sql, " WHERE f.__vj_ref IS NOT NULL AND f.__vj_alt IS NOT NULL", err));
    return vj_buf_append_text(sql, ") k", err);
}

/* ---- conditions ---- */

static vj_status add_start(vj_buf *sql, const vj_duck_db *db, vj_error *err)
{
    if (db->start_type == NULL || is_integer_type(db->start_type))
        return duck_sqlf(sql, err, "d.%n", db->start);
    return duck_sqlf(sql, err, "TRY_CAST(d.%n AS BIGINT)", db->start);
}

static vj_status add_equalities(vj_buf *sql, const vj_duck_db *db, vj_error *err)
{
    const char *word = " ON ";

    if (db->key & VJ_DUCK_KEY_CONTIG) {
        bool text = db->chrom_type == NULL || strcmp(db->chrom_type, "VARCHAR") == 0;
        VJ_TRY(duck_sqlf(sql, err, text ? "%sd.%n = k.c" : "%sCAST(d.%n AS VARCHAR) = k.c", word,
                         db->chrom));
        word = " AND ";
    }
    if (db->key & VJ_DUCK_KEY_POS) {
        VJ_TRY(vj_buf_append_text(sql, word, err));
        VJ_TRY(add_start(sql, db, err));
        VJ_TRY(vj_buf_append_text(sql, " = k.p", err));
        word = " AND ";
        if (db->pos1_min != 0 || db->pos1_max != 0) {
            VJ_TRY(vj_buf_append_text(sql, word, err));
            VJ_TRY(add_start(sql, db, err));
            VJ_TRY(duck_sqlf(sql, err, " BETWEEN %d AND %d", db->pos1_min - 1 + db->start_base,
                             db->pos1_max - 1 + db->start_base));
        }
    }
    for (int32_t i = 0; i < db->n_pairs; i++) {
        const char *fmt = "%sd.%n = k.j%d";
        if (db->pairs[i].fold_case)
            fmt = "%stranslate(CAST(d.%n AS VARCHAR)" FOLD_TO " = translate(CAST(k.j%d AS VARCHAR)"
                  FOLD_TO;
        else if (db->pairs[i].as_text)
            fmt = "%sCAST(d.%n AS VARCHAR) = CAST(k.j%d AS VARCHAR)";
        VJ_TRY(duck_sqlf(sql, err, fmt, word, db->pairs[i].db_name, (int64_t)i));
        word = " AND ";
    }
    return VJ_OK;
}

/* ---- alleles ---- */

/* A database row's REF, folded; and its ALTs as one text or list. */
typedef struct allele_sql {
    const char *ref;   /* expressions */
    const char *many;  /* condition: the row has several ALTs */
    const char *first; /* its ALT where it has one */
    const char *list;  /* its ALTs as a list */
    const char *bars;  /* its ALTs joined by bars, for a regular expression; without nulls */
    const char *nulls; /* condition: some of its ALTs are null */
} allele_sql;

/*
 * A database row with several ALTs: its candidate for ALT A is (R - s, A - s), s the longest
 * suffix that R and A share leaving a base in each. So the key (ref, alt) is a candidate exactly
 * when it cannot be cut further itself, R = ref + s and alt + s is among the ALTs. That needs no
 * expansion of the row, and a row whose candidates coincide counts once by itself.
 */
static vj_status add_many_match(vj_buf *sql, const allele_sql *a, vj_error *err)
{
    return duck_sqlf(sql, err,
                     "(strlen(k.ref) = 1 OR strlen(k.alt) = 1 OR right(k.ref, 1) <> "
                     "right(k.alt, 1)) AND starts_with(%s, k.ref) AND regexp_full_match(%s, "
                     "'[A-Z]+') AND list_contains(%s, k.alt || substr(%s, strlen(k.ref) + 1))",
                     a->ref, a->ref, a->list, a->ref);
}

/*
 * Whether some candidate has the key's REF: R = ref + s and an ALT ends in s, with no longer
 * suffix shared; an ALT that is not of letters shares none. For the reason of an unmatched key
 * only; nearly always the first line decides.
 */
static vj_status add_many_near(vj_buf *sql, const allele_sql *a, vj_error *err)
{
    return duck_sqlf(sql, err,
                     "CASE WHEN strlen(%s) = 1 THEN %s = k.ref "
                     "WHEN %s = k.ref AND (%s OR regexp_matches(%s, '(^|[|])($|[|]|[^|]*[^A-Z|])'))"
                     " THEN true "
                     "WHEN regexp_full_match(%s, '[A-Z]+') AND starts_with(%s, k.ref) "
                     "THEN regexp_matches(%s, '(^|[|])' || CASE WHEN strlen(k.ref) = 1 THEN "
                     "'[A-Z]+' ELSE '([A-Z]|[A-Z]*[' || replace('ABCDEFGHIJKLMNOPQRSTUVWXYZ', "
                     "right(k.ref, 1), '') || '])' END || "
                     "substr(%s, strlen(k.ref) + 1) || '($|[|])') ELSE false END",
                     a->ref, a->ref, a->ref, a->nulls, a->bars, a->ref, a->ref, a->bars, a->ref);
}

/* 3 match, 2 REF agrees, 1 position agrees: VJ_DUCK_BEST_* */
static vj_status add_levels(vj_buf *sql, const allele_sql *a, vj_error *err)
{
    VJ_TRY(vj_buf_append_text(sql, "CASE ", err));
    if (a->many != NULL) {
        VJ_TRY(duck_sqlf(sql, err, "WHEN %s THEN CASE WHEN ", a->many));
        VJ_TRY(add_many_match(sql, a, err));
        VJ_TRY(vj_buf_append_text(sql, " THEN 3 WHEN ", err));
        VJ_TRY(add_many_near(sql, a, err));
        VJ_TRY(vj_buf_append_text(sql, " THEN 2 ELSE 1 END ", err));
    }
    return duck_sqlf(sql, err, "WHEN %s = k.ref THEN CASE WHEN %s = k.alt THEN 3 ELSE 2 END ELSE 1 "
                               "END", a->ref, a->first);
}

/* A whole expression in a buffer of its own, so that it can stand in others. */
static vj_status expression(vj_buf *buf, const char **out, const char *fmt, const char *name,
                            vj_error *err)
{
    VJ_TRY(duck_sqlf(buf, err, fmt, name, name));
    VJ_TRY(duck_sql_end(buf, err));
    *out = (const char *)buf->ptr;
    return VJ_OK;
}

static vj_status add_allele_levels(vj_buf *sql, const vj_duck_db *db, vj_error *err)
{
    /* Lists are joined by a line feed, which no allele holds: one translate folds them all. */
    static const char *const many[] = {NULL, "contains(d.%n, '|') OR contains(d.%n, ',')",
                                       "len(d.%n) > 1"};
    static const char *const first[] = {"translate(CAST(d.%n AS VARCHAR)" FOLD_TO,
                                        "translate(CAST(d.%n AS VARCHAR)" FOLD_TO,
                                        "translate(d.%n[1]" FOLD_TO};
    static const char *const list[] = {
        NULL, "string_split(replace(translate(d.%n" FOLD_TO ", ',', '|'), '|')",
        "string_split(translate(array_to_string(d.%n, chr(10))" FOLD_TO ", chr(10))"};
    static const char *const bars[] = {NULL, "replace(translate(d.%n" FOLD_TO ", ',', '|')",
                                       "translate(array_to_string(d.%n, '|')" FOLD_TO};
    static const char *const nulls[] = {NULL, "false", "list_count(d.%n) < len(d.%n)"};
    vj_buf parts[6];
    allele_sql a = {0};
    vj_status rc = VJ_OK;

    for (size_t i = 0; i < VJ_COUNT(parts); i++)
        vj_buf_init(&parts[i], sql->budget, 0);
    VJ_GO(rc, expression(&parts[0], &a.ref, "translate(CAST(d.%n AS VARCHAR)" FOLD_TO, db->ref,
                         err));
    VJ_GO(rc, expression(&parts[1], &a.first, first[db->alt_kind], db->alt, err));
    if (many[db->alt_kind] != NULL) {
        VJ_GO(rc, expression(&parts[2], &a.many, many[db->alt_kind], db->alt, err));
        VJ_GO(rc, expression(&parts[3], &a.list, list[db->alt_kind], db->alt, err));
        VJ_GO(rc, expression(&parts[4], &a.bars, bars[db->alt_kind], db->alt, err));
        VJ_GO(rc, expression(&parts[5], &a.nulls, nulls[db->alt_kind], db->alt, err));
    }
    rc = add_levels(sql, &a, err);
out:
    for (size_t i = 0; i < VJ_COUNT(parts); i++)
        vj_buf_fini(&parts[i]);
    return rc;
}

/*
 * vj_tally(db, left row, ordinal, level) notes how near the pair came and is true for a match.
 * The function is declared volatile, so it runs once for each pair that shares contig and
 * position, before the duplicate policy. It is given the ordinal although it does not need it:
 * a condition on k alone would be moved below the join.
 */
static vj_status add_where(vj_buf *sql, const vj_duck_db *db, int32_t db_i, bool with_tally,
                           vj_error *err)
{
    bool alleles = (db->key & VJ_DUCK_KEY_ALLELES) != 0;

    if (!alleles && !with_tally)
        return VJ_OK;
    VJ_TRY(vj_buf_append_text(sql, " WHERE ", err));
    if (with_tally)
        VJ_TRY(duck_sqlf(sql, err, "vj_tally(CAST(%d AS INTEGER), k.r, " ORDINAL ", CAST(",
                         (int64_t)db_i));
    if (alleles)
        VJ_TRY(add_allele_levels(sql, db, err));
    else
        VJ_TRY(vj_buf_append_text(sql, "3", err));
    return vj_buf_append_text(sql, with_tally ? " AS INTEGER))" : " = 3", err);
}

/*
 * The database's rows under its own names. Of a tuned one whose keys are stored as they are, those
 * at a place of the sample are found first: the expressions are for these few alone.
 */
static vj_status add_rows(vj_buf *sql, const vj_duck_join *join, const vj_duck_db *db,
                          vj_error *err)
{
    bool late = db->projection != NULL && db->keys_stored && db->n_pairs == 0 &&
                (db->key & VJ_DUCK_KEY_CONTIG) && (db->key & VJ_DUCK_KEY_POS);

    if (!late)
        return duck_sql_db_scan(sql, db, true, err);
    VJ_TRY(duck_sqlf(sql, err, "(SELECT %s, file_index, file_row_number FROM (SELECT d.*, "
                               "d.file_index, d.file_row_number FROM ", db->projection));
    VJ_TRY(duck_sql_scan(sql, db->paths, db->n_paths, err));
    VJ_TRY(vj_buf_append_text(sql, " d SEMI JOIN ", err));
    VJ_TRY(add_keys(sql, join, db, err));
    VJ_TRY(add_equalities(sql, db, err));
    return vj_buf_append_text(sql, "))", err);
}

/* " FROM keys k JOIN files d ON ... WHERE ..." */
static vj_status add_pairs(vj_buf *sql, const vj_duck_join *join, int32_t db_i, bool with_tally,
                           vj_error *err)
{
    const vj_duck_db *db = &join->dbs[db_i];

    VJ_TRY(vj_buf_append_text(sql, " FROM ", err));
    VJ_TRY(add_keys(sql, join, db, err));
    VJ_TRY(vj_buf_append_text(sql, " JOIN ", err));
    VJ_TRY(add_rows(sql, join, db, err));
    VJ_TRY(vj_buf_append_text(sql, " d", err));
    VJ_TRY(add_equalities(sql, db, err));
    return add_where(sql, db, db_i, with_tally, err);
}

/* ---- one database's matches ---- */

/* A payload column as DuckDB must read it. */
static vj_status add_payload(vj_buf *sql, const vj_duck_db *db, int32_t i, vj_error *err)
{
    const vj_duck_column *column = &db->payload[i];

    if (column->source == NULL)
        return duck_sqlf(sql, err, ", CAST(NULL AS %s)",
                         db->payload_types != NULL ? db->payload_types[i] : "VARCHAR");
    if (column->cast == NULL)
        return duck_sqlf(sql, err, ", d.%n", column->source);
    return duck_sqlf(sql, err, ", CAST(d.%n AS %s)", column->source, column->cast);
}

/*
 * `first`: the least ordinal per left row is found over the keys alone and joined back. It reads
 * the key columns twice, but a window or an aggregate over the payload does not spill: both ran
 * out of memory at limits that this one keeps.
 */
static vj_status add_matches(vj_buf *sql, const vj_duck_join *join, int32_t db_i, bool with_tally,
                             vj_error *err)
{
    const vj_duck_db *db = &join->dbs[db_i];
    bool first = join->duplicates == VJ_DUCK_DUP_FIRST;

    VJ_TRY(vj_buf_append_text(sql, first ? "(SELECT w.* FROM (" : "(", err));
    VJ_TRY(vj_buf_append_text(sql, "SELECT k.r AS r, " ORDINAL " AS o", err));
    for (int32_t i = 0; i < db->n_payload; i++) {
        VJ_TRY(add_payload(sql, db, i, err));
        VJ_TRY(duck_sqlf(sql, err, " AS p%d", (int64_t)i));
    }
    VJ_TRY(add_pairs(sql, join, db_i, with_tally && !first, err));
    if (first) {
        VJ_TRY(vj_buf_append_text(
            sql, ") w JOIN (SELECT k.r AS r, min(" ORDINAL ") AS o", err));
        VJ_TRY(add_pairs(sql, join, db_i, with_tally, err));
        VJ_TRY(vj_buf_append_text(sql, " GROUP BY k.r) u ON u.r = w.r AND u.o = w.o", err));
    }
    return duck_sqlf(sql, err, ") m%d", (int64_t)db_i);
}

/* ---- the whole ---- */

static vj_status check_join(const vj_duck_join *join, vj_error *err)
{
    for (int32_t i = 0; i < join->n_dbs; i++) {
        const vj_duck_db *db = &join->dbs[i];
        if (db->n_paths > 0 && db->n_pairs == 0 &&
            (db->key & (VJ_DUCK_KEY_CONTIG | VJ_DUCK_KEY_POS)) == 0)
            return vj_fail(err, VJ_E_USAGE,
                           "join with %s: at least one of chrom, start or another column pair "
                           "must be equal", db->name);
    }
    return VJ_OK;
}

static vj_status add_columns(vj_buf *sql, const vj_duck_join *join, vj_error *err)
{
    const char *comma = "";

    for (int32_t i = 0; i < join->n_left; i++, comma = ", ")
        VJ_TRY(duck_sqlf(sql, err, "%sl.%n AS %n", comma, join->left[i].source,
                         join->left[i].name));
    for (int32_t db_i = 0; db_i < join->n_dbs; db_i++) {
        const vj_duck_db *db = &join->dbs[db_i];
        for (int32_t i = 0; i < db->n_payload; i++, comma = ", ") {
            if (db->n_paths > 0)
                VJ_TRY(duck_sqlf(sql, err, "%sm%d.p%d AS %n", comma, (int64_t)db_i, (int64_t)i,
                                 db->payload[i].name));
            else
                VJ_TRY(duck_sqlf(sql, err, "%sCAST(NULL AS %s) AS %n", comma,
                                 db->payload_types != NULL ? db->payload_types[i] : "VARCHAR",
                                 db->payload[i].name));
        }
    }
    return VJ_OK;
}

static vj_status add_select(vj_buf *sql, const vj_duck_join *join, bool with_tally, vj_error *err)
{
    VJ_TRY(vj_buf_append_text(sql, "SELECT ", err));
    VJ_TRY(add_columns(sql, join, err));
    VJ_TRY(vj_buf_append_text(sql, " FROM ", err));
    VJ_TRY(add_left(sql, join, err));
    VJ_TRY(vj_buf_append_text(sql, " l", err));
    for (int32_t i = 0; i < join->n_dbs; i++) {
        if (join->dbs[i].n_paths == 0)
            continue;
        VJ_TRY(vj_buf_append_text(sql, " LEFT JOIN ", err));
        VJ_TRY(add_matches(sql, join, i, with_tally, err));
        VJ_TRY(duck_sqlf(sql, err, " ON m%d.r = l.__vj_row", (int64_t)i));
    }
    if (join->any_order)
        return VJ_OK;
    VJ_TRY(vj_buf_append_text(sql, " ORDER BY l.__vj_row", err));
    for (int32_t i = 0; i < join->n_dbs; i++)
        if (join->dbs[i].n_paths > 0)
            VJ_TRY(duck_sqlf(sql, err, ", m%d.o", (int64_t)i));
    return VJ_OK;
}

vj_status duck_sql_copy_to(vj_buf *sql, const vj_duck_join *join, vj_error *err)
{
    /* The target is a temporary name already: DuckDB need not make one of its own. */
    VJ_TRY(duck_sqlf(sql, err, ") TO %t (FORMAT PARQUET, USE_TMP_FILE false, ROW_GROUP_SIZE %d",
                     join->out_path,
                     join->rows_per_rowgroup > 0 ? join->rows_per_rowgroup : (int64_t)122880));
    if (join->codec != NULL)
        VJ_TRY(duck_sqlf(sql, err, ", COMPRESSION %t", join->codec));
    if (join->level > 0)
        VJ_TRY(duck_sqlf(sql, err, ", COMPRESSION_LEVEL %d", (int64_t)join->level));
    for (int32_t i = 0; i < join->n_kvs; i++)
        VJ_TRY(duck_sqlf(sql, err, i == 0 ? ", KV_METADATA {%t: %t" : ", %t: %t",
                         join->kvs[i].key, join->kvs[i].value));
    return vj_buf_append_text(sql, join->n_kvs > 0 ? "})" : ")", err);
}

vj_status vj_duck_join_sql(const vj_duck_join *join, bool with_tally, vj_buf *sql, vj_error *err)
{
    VJ_TRY(check_join(join, err));
    VJ_TRY(vj_buf_append_text(sql, "COPY (", err));
    VJ_TRY(add_select(sql, join, with_tally, err));
    VJ_TRY(duck_sql_copy_to(sql, join, err));
    return duck_sql_end(sql, err);
}
