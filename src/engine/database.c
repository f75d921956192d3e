#include "engine/engine.h"

#include <stdio.h>
#include <strings.h>

/* Rows looked at to tell whether starts count from 0 or 1. */
#define BASE_SAMPLE_ROWS 4096


int32_t vj_db_field_find(const vj_db_file *file, const char *name)
{
    if (file->built == NULL)
        return vj_pq_field_find(file->pq, name);
    for (int32_t f = 0; f < file->schema->n_fields; f++)
        if (strcmp(file->schema->fields[f].name, name) == 0)
            return f;
    return -1;
}

int32_t vj_db_physical(const vj_db_file *file, int32_t field_i)
{
    if (file->built == NULL)
        return field_i;
    const vj_built_column *c = &file->built->columns[field_i];
    return c->how == VJ_BUILT_COLUMN ? c->physical_i : -1;
}

static bool is_integer(vj_kind kind)
{
    return kind >= VJ_I8 && kind <= VJ_U64;
}

/* Spellings of the key columns, the usual one first; any case (S-29). */
static const char *const key_spellings[][3] = {
    {"chrom", "chromosome", "contig"},
    {"start", "pos", "position"},
    {"ref", "reference", NULL},
    {"alt", "alternate", NULL},
};

static bool is_key_field(const vj_db_file *file, int32_t field_i)
{
    return field_i == file->chrom_i || field_i == file->start_i || field_i == file->ref_i ||
           field_i == file->alt_i;
}

static int32_t find_spelled(const vj_schema *schema, const char *name)
{
    for (int32_t f = 0; f < schema->n_fields; f++)
        if (strcasecmp(schema->fields[f].name, name) == 0)
            return f;
    return -1;
}

static vj_status need_field(const vj_db_file *file, int key, int32_t *out_i, vj_error *err)
{
    const vj_schema *schema = file->schema;

    *out_i = vj_db_field_find(file, key_spellings[key][0]);
    for (size_t i = 0; *out_i < 0 && i < 3 && key_spellings[key][i] != NULL; i++)
        *out_i = find_spelled(schema, key_spellings[key][i]);
    if (*out_i >= 0)
        return VJ_OK;
    return vj_fail(err, VJ_E_SCHEMA,
                   "%s: expected the key columns chrom, start, ref and alt, found no column %s",
                   file->path, key_spellings[key][0]);
}

/* The other engines unite the files by name: key columns are called alike in all of them. */
static vj_status same_key_name(const vj_db_file *first, int32_t first_i, const vj_db_file *file,
                               int32_t field_i, vj_error *err)
{
    const char *expected = first->schema->fields[first_i].name;
    const char *found = file->schema->fields[field_i].name;

    if (strcmp(expected, found) == 0)
        return VJ_OK;
    return vj_fail(err, VJ_E_SCHEMA, "%s: expected the key column %s as in %s, found %s",
                   file->path, expected, first->path, found);
}

static vj_status wrong_type(const vj_db_file *file, int32_t field_i, const char *expected,
                            vj_error *err)
{
    const vj_field *field = &file->schema->fields[field_i];
    char found[96];

    return vj_fail(err, VJ_E_SCHEMA, "%s: column %s: expected %s, found %s", file->path,
                   field->name, expected, vj_type_name(&field->type, found, sizeof found));
}

static vj_status find_keys(vj_database *db, vj_db_file *file, bool first, vj_error *err)
{
    const vj_field *fields = file->schema->fields;

    VJ_TRY(need_field(file, 0, &file->chrom_i, err));
    VJ_TRY(need_field(file, 1, &file->start_i, err));
    VJ_TRY(need_field(file, 2, &file->ref_i, err));
    VJ_TRY(need_field(file, 3, &file->alt_i, err));
    VJ_TRY(same_key_name(db->files, db->files->chrom_i, file, file->chrom_i, err));
    VJ_TRY(same_key_name(db->files, db->files->start_i, file, file->start_i, err));
    VJ_TRY(same_key_name(db->files, db->files->ref_i, file, file->ref_i, err));
    VJ_TRY(same_key_name(db->files, db->files->alt_i, file, file->alt_i, err));
    file->end_i = vj_db_field_find(file, "end");
    if (file->end_i >= 0 && !is_integer(fields[file->end_i].type.kind))
        file->end_i = -1;
    if (fields[file->chrom_i].type.kind != VJ_TEXT)
        return wrong_type(file, file->chrom_i, "text", err);
    if (vj_db_physical(file, file->chrom_i) < 0 || vj_db_physical(file, file->start_i) < 0)
        return vj_fail(err, VJ_E_CORRUPT, "%s: " VJ_BUILT_KEY ": expected %s and %s as columns of "
                       "the file", file->path, fields[file->chrom_i].name,
                       fields[file->start_i].name);
    if (!is_integer(fields[file->start_i].type.kind))
        return wrong_type(file, file->start_i, "a whole number", err);
    if (fields[file->ref_i].type.kind != VJ_TEXT)
        return wrong_type(file, file->ref_i, "text", err);
    const vj_type *alt = &fields[file->alt_i].type;
    bool is_list = alt->kind == VJ_LIST && alt->kids[0].type.kind == VJ_TEXT;
    if (!is_list && alt->kind != VJ_TEXT)
        return wrong_type(file, file->alt_i, "text or a list of text", err);
    if (!first && is_list != db->alt_is_list)
        return wrong_type(file, file->alt_i, "the same type as in the first file", err);
    db->alt_is_list = is_list;
    return VJ_OK;
}

/* A column that an earlier file has, too: the type that holds the values of both (S-29). */
static vj_status merge_field(vj_database *db, const vj_db_file *file, const vj_field *field,
                             vj_db_column *column, vj_error *err)
{
    vj_field *known = &column->field;
    char expected[96];
    char found[96];
    vj_type wide;

    if (field->type.logical == VJ_LOGICAL_NULL)
        return VJ_OK;
    if (known->type.logical == VJ_LOGICAL_NULL) { /* all null so far */
        VJ_TRY(vj_field_copy(&db->arena, field, known, err));
        known->nullable = true;
        return VJ_OK;
    }
    if (!vj_type_widen(&known->type, &field->type, &wide))
        return vj_fail(err, VJ_E_SCHEMA,
                       "%s: column %s: expected %s as in the files before, found %s, and no type "
                       "holds both", file->path, field->name,
                       vj_type_name(&known->type, expected, sizeof expected),
                       vj_type_name(&field->type, found, sizeof found));
    column->widened |= !vj_type_eq(&known->type, &field->type);
    known->type = wide;
    return VJ_OK;
}

/* Add the file's payload columns that no earlier file had (union by name). */
static vj_status merge_columns(vj_database *db, const vj_db_file *file, vj_map *seen,
                               vj_db_column **columns, vj_error *err)
{
    const vj_schema *schema = file->schema;

    for (int32_t f = 0; f < schema->n_fields; f++) {
        const vj_field *field = &schema->fields[f];
        int64_t at = 0;
        bool is_new = false;

        if (is_key_field(file, f))
            continue;
        VJ_TRY(vj_map_put(seen, vj_span_of(field->name),
                          vj_map_get(seen, vj_span_of(field->name), (int64_t)seen->n), &at,
                          &is_new, err));
        if (is_new) {
            vj_db_column *grown = vj_realloc(db->budget, *columns,
                                             (seen->n) * sizeof **columns, err);
            if (grown == NULL)
                return VJ_E_NOMEM;
            *columns = grown;
            grown[at] = (vj_db_column){0};
            VJ_TRY(vj_field_copy(&db->arena, field, &grown[at].field, err));
            grown[at].field.nullable = true;
            continue;
        }
        VJ_TRY(merge_field(db, file, field, &(*columns)[at], err));
    }
    return VJ_OK;
}

static vj_status collect_columns(vj_database *db, vj_error *err)
{
    vj_map seen;
    vj_db_column *columns = NULL;
    vj_status rc = VJ_OK;

    vj_map_init(&seen, db->budget);
    for (int32_t i = 0; i < db->n_files; i++)
        VJ_GO(rc, merge_columns(db, &db->files[i], &seen, &columns, err));
    db->n_columns = (int32_t)seen.n;
    db->columns = vj_arena_zalloc(&db->arena, VJ_MAX(seen.n, 1) * sizeof *columns, err);
    if (db->columns == NULL) {
        rc = VJ_E_NOMEM;
        goto out;
    }
    if (seen.n > 0)
        memcpy(db->columns, columns, seen.n * sizeof *columns);
    for (int32_t i = 0; i < db->n_files; i++) {
        vj_db_file *file = &db->files[i];

        file->payload_i = vj_arena_zalloc(&db->arena, VJ_MAX(seen.n, 1) * sizeof(int32_t), err);
        if (file->payload_i == NULL) {
            rc = VJ_E_NOMEM;
            goto out;
        }
        for (int32_t c = 0; c < db->n_columns; c++) {
            int32_t f = vj_db_field_find(file, db->columns[c].field.name);
            const vj_field *fields = file->schema->fields;

            /* an all-null column of no type is as good as an absent one */
            if (f >= 0 && fields[f].type.logical == VJ_LOGICAL_NULL &&
                db->columns[c].field.type.logical != VJ_LOGICAL_NULL)
                f = -1;
            file->payload_i[c] = f;
        }
    }
out:
    vj_free(columns);
    vj_map_fini(&seen);
    return rc;
}

/* ---- row groups ---- */

static vj_status describe_rowgroup(vj_database *db, int32_t file_i, int32_t g,
                                   vj_db_rowgroup *out, vj_error *err)
{
    const vj_db_file *file = &db->files[file_i];
    vj_pq_rowgroup group = vj_pq_rowgroup_view(file->pq, g);
    int32_t leaf = 0;
    int32_t leaf_end = 0;

    *out = (vj_db_rowgroup){.file_i = file_i, .rowgroup_i = g, .contig = -1,
                            .min_pos1 = INT64_MIN, .max_pos1 = INT64_MAX, .n_rows = group.n_rows,
                            .rare = g < file->tiers.n_rare_groups};
    vj_pq_field_leaves(file->pq, vj_db_physical(file, file->start_i), &leaf, &leaf_end);
    vj_pq_stats start = vj_pq_chunk_view(file->pq, g, leaf).stats;
    if (start.has_bounds && start.min_i64 <= start.max_i64) {
        out->min_pos1 = start.min_i64;
        out->max_pos1 = start.max_i64;
    }
    vj_pq_field_leaves(file->pq, vj_db_physical(file, file->chrom_i), &leaf, &leaf_end);
    vj_pq_stats chrom = vj_pq_chunk_view(file->pq, g, leaf).stats;
    /* equal bounds mean one value, exact or not (min <= every value <= max), unless a writer
     * cut both at the same length; nulls stand outside of the bounds and match nothing */
    bool no_nulls = chrom.n_nulls == 0 ||
                    !file->schema->fields[file->chrom_i].nullable;
    if (chrom.has_bounds && no_nulls && vj_span_eq(chrom.min_bytes, chrom.max_bytes) &&
        chrom.min_bytes.len_bytes < 64) {
        VJ_TRY(vj_map_put(&db->raw_contigs, chrom.min_bytes, 1, NULL, NULL, err));
        return vj_contigs_add(&db->contigs, chrom.min_bytes, -1, &out->contig, err);
    }
    db->has_unknown_contigs = true;
    return VJ_OK;
}

static vj_status collect_rowgroups(vj_database *db, vj_error *err)
{
    int64_t n = 0;
    int64_t first_row = 0;

    for (int32_t i = 0; i < db->n_files; i++)
        n += vj_pq_meta_view(db->files[i].pq)->n_rowgroups;
    db->rowgroups = vj_calloc(db->budget, (size_t)VJ_MAX(n, 1), sizeof *db->rowgroups, err);
    db->was_read = vj_calloc(db->budget, (size_t)VJ_MAX(n, 1), sizeof *db->was_read, err);
    if (db->rowgroups == NULL || db->was_read == NULL)
        return VJ_E_NOMEM;
    for (int32_t i = 0; i < db->n_files; i++) {
        const vj_pq_meta *meta = vj_pq_meta_view(db->files[i].pq);

        for (int32_t g = 0; g < meta->n_rowgroups; g++) {
            vj_db_rowgroup *group = &db->rowgroups[db->n_rowgroups];

            VJ_TRY(describe_rowgroup(db, i, g, group, err));
            group->first_row = first_row;
            first_row += group->n_rows;
            db->n_rowgroups += group->n_rows > 0;
        }
        db->n_rows += meta->n_rows;
        db->size_bytes += meta->size_bytes;
    }
    return VJ_OK;
}

/* Contigs of a row group whose statistics do not name one: its chrom column is read. */
static vj_status read_contigs(vj_database *db, const vj_db_rowgroup *group, vj_error *err)
{
    const vj_db_file *file = &db->files[group->file_i];
    vj_pq_cursor *cur = NULL;
    const vj_col *chrom = NULL;
    vj_span last = {NULL, 0};
    int32_t code = 0;
    vj_status rc = vj_pq_cursor_open(file->pq, group->rowgroup_i,
                                     vj_db_physical(file, file->chrom_i), db->budget, &cur, err);

    while (rc == VJ_OK) {
        VJ_GO(rc, vj_pq_cursor_next(cur, BASE_SAMPLE_ROWS, &chrom, err));
        if (chrom == NULL)
            break;
        last = (vj_span){NULL, 0}; /* its bytes went with the slice before */
        for (int64_t i = 0; i < chrom->n_rows; i++) {
            if (vj_col_is_null(chrom, i))
                continue;
            vj_span name = vj_col_bytes(chrom, i);
            if (last.ptr != NULL && vj_span_eq(name, last))
                continue;
            VJ_GO(rc, vj_contigs_add(&db->contigs, name, -1, &code, err));
            VJ_GO(rc, vj_map_put(&db->raw_contigs, name, 1, NULL, NULL, err));
            last = name;
        }
    }
out:
    vj_pq_cursor_free(cur);
    return rc;
}

static vj_status collect_unknown_contigs(vj_database *db, vj_error *err)
{
    for (int32_t i = 0; db->has_unknown_contigs && i < db->n_rowgroups; i++)
        if (db->rowgroups[i].contig < 0)
            VJ_TRY(read_contigs(db, &db->rowgroups[i], err));
    return VJ_OK;
}

/* Row groups of a contig, and of a tier of it, follow each other without overlap. */
static vj_status check_sorted(vj_database *db, vj_error *err)
{
    size_t n = db->contigs.by_name.n;
    int64_t *last = vj_calloc(db->budget, 2 * VJ_MAX(n, 1), sizeof *last, err);
    int64_t n_unknown = 0;

    if (last == NULL)
        return VJ_E_NOMEM;
    for (size_t i = 0; i < 2 * n; i++)
        last[i] = INT64_MIN;
    db->sorted = true;
    for (int32_t i = 0; i < db->n_rowgroups; i++) {
        const vj_db_rowgroup *group = &db->rowgroups[i];

        if (group->contig < 0) {
            n_unknown++;
            continue;
        }
        int64_t *before = &last[2 * group->contig + group->rare];
        if (group->min_pos1 < *before)
            db->sorted = false;
        *before = VJ_MAX(*before, group->max_pos1);
    }
    /* a group at each change of contig is normal, many are not */
    if (n_unknown > 1 && n_unknown * 4 > db->n_rowgroups && n_unknown > 30)
        db->sorted = false;
    vj_free(last);
    return VJ_OK;
}

/* ---- start base ---- */

typedef struct base_votes {
    int64_t zero, one;
} base_votes;

static vj_status read_rows(const vj_db_file *file, int32_t g, int32_t field_i, int64_t n,
                           vj_budget *budget, vj_colb *dst, vj_error *err)
{
    vj_pq_cursor *cur = NULL;
    const vj_col *rows = NULL;
    vj_status rc = vj_pq_cursor_open(file->pq, g, field_i, budget, &cur, err);

    while (rc == VJ_OK && dst->n_rows < n) {
        VJ_GO(rc, vj_pq_cursor_next(cur, n - dst->n_rows, &rows, err));
        if (rows == NULL)
            break;
        VJ_GO(rc, vj_colb_append(dst, rows, 0, rows->n_rows, err));
    }
out:
    vj_pq_cursor_free(cur);
    return rc;
}

/* Plain alleles only: an END of a symbolic one says nothing about the base. */
static void vote(const vj_col cols[4], bool alt_is_list, base_votes *votes)
{
    for (int64_t i = 0; i < cols[0].n_rows; i++) {
        if (vj_col_is_null(&cols[0], i) || vj_col_is_null(&cols[1], i) ||
            vj_col_is_null(&cols[2], i) || vj_col_is_null(&cols[3], i))
            continue;
        vj_span ref = vj_col_bytes(&cols[2], i);
        int64_t len = (int64_t)ref.len_bytes;
        int64_t span = vj_col_i64(&cols[1], i) - vj_col_i64(&cols[0], i);

        if (!vj_allele_is_plain(ref) ||
            (!alt_is_list && memchr(vj_col_bytes(&cols[3], i).ptr, '<',
                                    vj_col_bytes(&cols[3], i).len_bytes) != NULL))
            continue;
        votes->one += span == len - 1;
        votes->zero += span == len;
    }
}

static vj_status vote_rowgroup(const vj_database *db, const vj_db_rowgroup *group,
                               base_votes *votes, vj_error *err)
{
    const vj_db_file *file = &db->files[group->file_i];
    const vj_field *fields = file->schema->fields;
    const int32_t which[4] = {file->start_i, file->end_i, file->ref_i, file->alt_i};
    vj_colb builders[4] = {0};
    vj_col cols[4];
    vj_status rc = VJ_OK;

    for (int i = 0; i < 4; i++) {
        VJ_GO(rc, vj_colb_init(&builders[i], &fields[which[i]].type, db->budget, err));
        VJ_GO(rc, read_rows(file, group->rowgroup_i, which[i],
                            VJ_MIN(group->n_rows, BASE_SAMPLE_ROWS), db->budget, &builders[i],
                            err));
        cols[i] = vj_colb_view(&builders[i]);
    }
    vote(cols, db->alt_is_list, votes);
out:
    for (int i = 0; i < 4; i++)
        vj_colb_fini(&builders[i]);
    return rc;
}

static vj_status find_start_base(vj_database *db, vj_error *err)
{
    base_votes votes = {0};
    int32_t n = db->n_rowgroups;

    db->start_base = 1;
    /* a build has looked at the rows before it cut any */
    const char *known = db->n_files > 0 ? vj_pq_kv_get(db->files[0].pq, "varjoin.start_base") : NULL;
    if (known != NULL && (strcmp(known, "0") == 0 || strcmp(known, "1") == 0)) {
        db->start_base = known[0] - '0';
        return VJ_OK;
    }
    /* the last and the first; the others only while no row of theirs could tell */
    for (int32_t i = 0; i < n && (i < 2 || votes.zero + votes.one == 0); i++) {
        const vj_db_rowgroup *group = &db->rowgroups[i == 0 ? n - 1 : i - 1];
        const vj_db_file *file = &db->files[group->file_i];

        /* columns of built files are stored as others: one that does not say is taken for 1 */
        if (file->end_i >= 0 && file->built == NULL)
            VJ_TRY(vote_rowgroup(db, group, &votes, err));
    }
    int64_t minority = VJ_MIN(votes.zero, votes.one);
    if (minority > 0 && minority * 100 >= votes.zero + votes.one)
        return vj_fail(err, VJ_E_SCHEMA,
                       "database %s: start, end and ref contradict each other: %lld rows say "
                       "that starts count from 0, %lld that they count from 1; say which with "
                       "--start-base",
                       db->name, (long long)votes.zero, (long long)votes.one);
    db->start_base = votes.zero > votes.one ? 0 : 1;
    return VJ_OK;
}

/* ---- open ---- */

/* Footers describe every page; their hash and the sizes stand for the files. */
static vj_status add_checksum(vj_hasher *hasher, const vj_db_file *file, vj_error *err)
{
    vj_source *source = NULL;
    vj_buf footer = {0};
    vj_status rc = vj_source_open(file->path, &source, err);
    int64_t size = rc == VJ_OK ? vj_source_size(source) : 0;
    int64_t n = VJ_MIN(size, vj_pq_meta_view(file->pq)->footer_bytes + 8);

    if (rc != VJ_OK)
        return rc;
    VJ_GO(rc, vj_buf_reserve(&footer, (size_t)n, err));
    VJ_GO(rc, vj_source_read(source, size - n, footer.ptr, (size_t)n, err));
    vj_hasher_add(hasher, &size, sizeof size);
    vj_hasher_add(hasher, footer.ptr, (size_t)n);
out:
    vj_buf_fini(&footer);
    vj_source_free(source);
    return rc;
}

static vj_status make_checksum(vj_database *db, vj_error *err)
{
    vj_hasher *hasher = vj_hasher_new(err);
    vj_status rc = hasher != NULL ? VJ_OK : VJ_E_NOMEM;

    for (int32_t i = 0; rc == VJ_OK && i < db->n_files; i++)
        rc = add_checksum(hasher, &db->files[i], err);
    if (rc == VJ_OK) {
        vj_hash128 hash = vj_hasher_get(hasher);

        snprintf(db->checksum, sizeof db->checksum, "xxh3:%016llx%016llx",
                 (unsigned long long)hash.hi, (unsigned long long)hash.lo);
    }
    vj_hasher_free(hasher);
    return rc;
}

static bool looks_like_vcf(const char *path)
{
    static const char *const suffixes[] = {".vcf", ".vcf.gz", ".vcf.bgz", ".bcf"};
    size_t n = strlen(path);

    for (size_t i = 0; i < VJ_COUNT(suffixes); i++) {
        size_t m = strlen(suffixes[i]);

        if (n >= m && strcmp(path + n - m, suffixes[i]) == 0)
            return true;
    }
    return false;
}

/* The other engines read the files through one set of expressions. */
static vj_status same_layout(const vj_db_file *first, const vj_db_file *file, vj_error *err)
{
    if ((first->built != NULL) == (file->built != NULL) &&
        (file->built == NULL || (first->built->identity.lo == file->built->identity.lo &&
                                 first->built->identity.hi == file->built->identity.hi)))
        return VJ_OK;
    return vj_fail(err, VJ_E_SCHEMA,
                   "%s: expected the layout of %s, found another: files of two builds are two "
                   "databases", file->path, first->path);
}

static vj_status open_files(vj_database *db, const vj_paths *paths, bool ignore_checksums,
                            vj_error *err)
{
    db->files = vj_calloc(db->budget, paths->n, sizeof *db->files, err);
    if (db->files == NULL)
        return VJ_E_NOMEM;
    for (size_t i = 0; i < paths->n; i++) {
        vj_db_file *file = &db->files[db->n_files++];

        file->path = vj_strdup(db->budget, paths->ptr[i], err);
        if (file->path == NULL)
            return VJ_E_NOMEM;
        VJ_TRY(vj_pq_open_path(file->path, db->budget, &file->pq, err));
        if (ignore_checksums)
            vj_pq_ignore_checksums(file->pq);
        VJ_TRY(vj_built_read(file->pq, db->budget, &file->built, err));
        VJ_TRY(vj_tiers_read(file->pq, &file->tiers, err));
        if (file->tiers.present)
            vj_pq_file_scattered(file->pq);
        file->schema = file->built != NULL ? &file->built->schema
                                           : &vj_pq_meta_view(file->pq)->schema;
        VJ_TRY(same_layout(db->files, file, err));
        VJ_TRY(find_keys(db, file, i == 0, err));
    }
    return VJ_OK;
}

static vj_status set_identity(vj_database *db, const vj_job_database *spec, vj_error *err)
{
    const char *release = spec->release;

    if (release == NULL && db->n_files > 0)
        release = vj_pq_kv_get(db->files[0].pq, "varjoin.release");
    if (release == NULL)
        release = "";
    db->release = vj_arena_strndup(&db->arena, release, strlen(release), err);
    return db->release != NULL ? VJ_OK : VJ_E_NOMEM;
}

vj_status vj_database_open(const vj_job_database *spec, int start_base, bool ignore_checksums,
                           vj_budget *budget, vj_database **out, vj_error *err)
{
    vj_paths paths = {0};
    vj_status rc = VJ_E_NOMEM;
    vj_database *db = vj_zalloc(budget, sizeof *db, err);

    *out = NULL;
    if (db == NULL)
        return VJ_E_NOMEM;
    db->budget = budget;
    vj_arena_init(&db->arena, budget, 16384);
    vj_contigs_init(&db->contigs, budget);
    vj_map_init(&db->raw_contigs, budget);
    if ((db->name = vj_arena_strndup(&db->arena, spec->name, strlen(spec->name), err)) == NULL)
        goto out;
    if (looks_like_vcf(spec->path) && !vj_path_is_dir(spec->path)) {
        rc = vj_fail(err, VJ_E_SCHEMA,
                     "%s: expected Parquet files, found a VCF or BCF: build the database first "
                     "with `varjoin reference build %s -o DIR`", spec->path, spec->path);
        goto out;
    }
    VJ_GO(rc, vj_paths_find(spec->path, ".parquet", &paths, err));
    VJ_GO(rc, open_files(db, &paths, ignore_checksums, err));
    VJ_GO(rc, set_identity(db, spec, err));
    VJ_GO(rc, collect_columns(db, err));
    VJ_GO(rc, collect_rowgroups(db, err));
    VJ_GO(rc, collect_unknown_contigs(db, err));
    VJ_GO(rc, check_sorted(db, err));
    VJ_GO(rc, make_checksum(db, err));
    if (start_base >= 0)
        db->start_base = start_base;
    else
        VJ_GO(rc, find_start_base(db, err));
    /* bounds were in the file's own counting until here */
    for (int32_t i = 0; db->start_base == 0 && i < db->n_rowgroups; i++) {
        vj_db_rowgroup *group = &db->rowgroups[i];

        group->min_pos1 += group->min_pos1 != INT64_MIN;
        group->max_pos1 += group->max_pos1 != INT64_MAX;
    }
    *out = db;
    db = NULL;
out:
    vj_paths_fini(&paths);
    vj_database_free(db);
    return rc == VJ_OK ? rc : vj_wrap(err, rc, "opening database %s", spec->name);
}

void vj_database_free(vj_database *db)
{
    if (db == NULL)
        return;
    for (int32_t i = 0; db->files != NULL && i < db->n_files; i++) {
        vj_built_free(db->files[i].built);
        vj_pq_free(db->files[i].pq);
        vj_free(db->files[i].path);
    }
    vj_free(db->files);
    vj_free(db->rowgroups);
    vj_free((void *)db->was_read);
    vj_contigs_fini(&db->contigs);
    vj_map_fini(&db->raw_contigs);
    vj_arena_fini(&db->arena);
    vj_free(db);
}
