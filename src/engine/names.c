#include "engine/engine.h"

#include <fnmatch.h>
#include <locale.h>
#include <stdio.h>

/* One item of -c: NAME, GLOB, DST:=SRC, each optionally with "database." before the source. */
typedef struct picked {
    vj_span target; /* empty: keep the name */
    char *pattern;
    const char *database; /* NULL: any */
    bool used;
} picked;

typedef struct selection {
    picked *items;
    size_t n;
    vj_arena arena;
} selection;

static const char *shown_name(const char *source)
{
    return strcmp(source, "id") == 0 ? "rsid" : source;
}

static vj_status parse_item(selection *sel, vj_span item, vj_database **dbs, int32_t n_dbs,
                            vj_error *err)
{
    picked *pick = &sel->items[sel->n++];
    const char *assign = memmem(item.ptr, item.len_bytes, ":=", 2);
    vj_span source = item;

    *pick = (picked){0};
    if (assign != NULL) {
        pick->target = (vj_span){item.ptr, (size_t)(assign - item.ptr)};
        source = (vj_span){assign + 2, item.len_bytes - (size_t)(assign + 2 - item.ptr)};
    }
    for (int32_t d = 0; d < n_dbs; d++) {
        size_t n = strlen(dbs[d]->name);

        if (source.len_bytes > n + 1 && memcmp(source.ptr, dbs[d]->name, n) == 0 &&
            source.ptr[n] == '.') {
            pick->database = dbs[d]->name;
            source.ptr += n + 1;
            source.len_bytes -= n + 1;
            break;
        }
    }
    if (source.len_bytes == 0 || (assign != NULL && pick->target.len_bytes == 0))
        return vj_fail(err, VJ_E_USAGE, "-c: expected NAME or NEW:=NAME, found '%.*s'",
                       (int)item.len_bytes, item.ptr);
    pick->pattern = vj_arena_strndup(&sel->arena, source.ptr, source.len_bytes, err);
    return pick->pattern != NULL ? VJ_OK : VJ_E_NOMEM;
}

static vj_status parse_selection(const char *text, vj_database **dbs, int32_t n_dbs,
                                 selection *sel, vj_error *err)
{
    size_t n = 1;

    for (const char *p = text; *p != '\0'; p++)
        n += *p == ',';
    sel->items = vj_arena_zalloc(&sel->arena, n * sizeof *sel->items, err);
    if (sel->items == NULL)
        return VJ_E_NOMEM;
    for (const char *p = text;;) {
        size_t len = strcspn(p, ",");

        VJ_TRY(parse_item(sel, (vj_span){p, len}, dbs, n_dbs, err));
        if (p[len] == '\0')
            return VJ_OK;
        p += len + 1;
    }
}

static picked *find_pick(selection *sel, const vj_database *db, const char *source)
{
    for (size_t i = 0; i < sel->n; i++) {
        picked *pick = &sel->items[i];

        if (pick->database != NULL && strcmp(pick->database, db->name) != 0)
            continue;
        if (fnmatch(pick->pattern, source, 0) == 0 ||
            fnmatch(pick->pattern, shown_name(source), 0) == 0) {
            pick->used = true;
            return pick;
        }
    }
    return NULL;
}

/* Lower-case copy, for names that may not differ by case alone. */
static vj_span fold_name(const char *name, char *dst, size_t cap)
{
    size_t n = VJ_MIN(strlen(name), cap);

    for (size_t i = 0; i < n; i++)
        dst[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
    return (vj_span){dst, n};
}

/* Give a free name to a column: wanted, wanted_<database>, wanted_<database>_2 ... */
static vj_status take_name(vj_map *taken, vj_database *db, vj_span wanted, vj_db_column *column,
                           vj_error *err)
{
    char name[512];
    char folded[512];

    for (int attempt = 0;; attempt++) {
        if (attempt == 0)
            snprintf(name, sizeof name, "%.*s", (int)VJ_MIN(wanted.len_bytes, 400), wanted.ptr);
        else if (attempt == 1)
            snprintf(name, sizeof name, "%.*s_%.80s", (int)VJ_MIN(wanted.len_bytes, 400),
                     wanted.ptr, db->name);
        else
            snprintf(name, sizeof name, "%.*s_%.80s_%d", (int)VJ_MIN(wanted.len_bytes, 400),
                     wanted.ptr, db->name, attempt);
        vj_span key = fold_name(name, folded, sizeof folded);
        if (vj_map_find(taken, key) >= 0)
            continue;
        VJ_TRY(vj_map_put(taken, key, 1, NULL, NULL, err));
        column->name = vj_arena_strndup(&db->arena, name, strlen(name), err);
        return column->name != NULL ? VJ_OK : VJ_E_NOMEM;
    }
}

static vj_status name_columns(vj_database *db, selection *sel, vj_map *taken, vj_error *err)
{
    for (int32_t c = 0; c < db->n_columns; c++) {
        vj_db_column *column = &db->columns[c];
        vj_span wanted = vj_span_of(shown_name(column->field.name));

        column->name = NULL;
        if (sel->items != NULL) {
            picked *pick = find_pick(sel, db, column->field.name);

            if (pick == NULL)
                continue;
            if (pick->target.len_bytes > 0)
                wanted = pick->target;
        }
        VJ_TRY(take_name(taken, db, wanted, column, err));
    }
    return VJ_OK;
}

vj_status vj_names_resolve(const vj_schema *left, const char *const *reserved, int32_t n_reserved,
                           vj_database **dbs, int32_t n_dbs, const char *selected, vj_error *err)
{
    selection sel = {0};
    vj_map taken;
    char folded[512];
    vj_status rc = VJ_OK;
    /* A '?' of -c is a character, whatever the locale of the process: this thread only. */
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    locale_t before = utf8 != (locale_t)0 ? uselocale(utf8) : (locale_t)0;

    vj_arena_init(&sel.arena, NULL, 1024);
    vj_map_init(&taken, NULL);
    for (int32_t i = 0; i < left->n_fields; i++)
        VJ_GO(rc, vj_map_put(&taken, fold_name(left->fields[i].name, folded, sizeof folded), 1,
                             NULL, NULL, err));
    for (int32_t i = 0; i < n_reserved; i++)
        VJ_GO(rc, vj_map_put(&taken, fold_name(reserved[i], folded, sizeof folded), 1, NULL, NULL,
                             err));
    if (selected != NULL)
        VJ_GO(rc, parse_selection(selected, dbs, n_dbs, &sel, err));
    for (int32_t d = 0; d < n_dbs; d++)
        VJ_GO(rc, name_columns(dbs[d], &sel, &taken, err));
    for (size_t i = 0; i < sel.n; i++)
        if (!sel.items[i].used) {
            rc = vj_fail(err, VJ_E_USAGE, "-c: no database has a column '%s'",
                         sel.items[i].pattern);
            goto out;
        }
out:
    vj_map_fini(&taken);
    vj_arena_fini(&sel.arena);
    if (utf8 != (locale_t)0) {
        uselocale(before);
        freelocale(utf8);
    }
    return rc;
}
