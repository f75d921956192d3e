#include "base/json.h"
#include "engine/engine.h"

#include <stdio.h>

/* Key-value entries of Parquet outputs (docs/formats.md). */

static json_t *describe_databases(const vj_plan *plan)
{
    json_t *list = json_array();

    for (int32_t d = 0; list != NULL && d < plan->n_dbs; d++) {
        const vj_database *db = plan->dbs[d];
        json_t *one = json_object();

        json_object_set_new(one, "name", vj_json_text(vj_span_of(db->name)));
        json_object_set_new(one, "release", vj_json_text(vj_span_of(db->release)));
        json_object_set_new(one, "checksum", vj_json_text(vj_span_of(db->checksum)));
        json_object_set_new(one, "rows", json_integer((json_int_t)db->n_rows));
        json_array_append_new(list, one);
    }
    return list;
}

/* Which database and column each output column came from. */
static json_t *describe_lineage(const vj_plan *plan)
{
    json_t *map = json_object();

    for (int32_t d = 0; map != NULL && d < plan->n_dbs; d++) {
        const vj_database *db = plan->dbs[d];

        for (int32_t c = 0; c < db->n_columns; c++) {
            if (db->columns[c].name == NULL)
                continue;
            json_t *from = json_object();
            json_object_set_new(from, "database", vj_json_text(vj_span_of(db->name)));
            json_object_set_new(from, "column",
                                vj_json_text(vj_span_of(db->columns[c].field.name)));
            json_object_set_new(map, db->columns[c].name, from);
        }
    }
    return map;
}

static vj_status put_text(vj_pq_kv *kv, const char *key, const char *value, vj_arena *arena,
                          vj_error *err)
{
    kv->key = key;
    kv->value = vj_arena_strndup(arena, value, strlen(value), err);
    return kv->value != NULL ? VJ_OK : VJ_E_NOMEM;
}

static vj_status put_json(vj_pq_kv *kv, const char *key, json_t *value, vj_arena *arena,
                          vj_error *err)
{
    vj_buf text = {0};
    vj_status rc = vj_json_write(value, JSON_COMPACT, &text, err);

    if (rc == VJ_OK)
        rc = vj_buf_push(&text, 0, err);
    if (rc == VJ_OK)
        rc = put_text(kv, key, (const char *)text.ptr, arena, err);
    vj_buf_fini(&text);
    json_decref(value);
    return rc;
}

#define MAX_KVS 8

vj_status vj_provenance_make(const vj_plan *plan, const vj_result *result, vj_arena *arena,
                             vj_pq_kv **out, int32_t *out_n, vj_error *err)
{
    vj_pq_kv *kvs = vj_arena_zalloc(arena, MAX_KVS * sizeof *kvs, err);
    int32_t n = 0;
    char text[64];

    if (kvs == NULL)
        return VJ_E_NOMEM;
    if (!plan->options.no_version) {
        VJ_TRY(put_text(&kvs[n++], "varjoin.version", VJ_VERSION, arena, err));
        if (plan->options.command_line != NULL)
            VJ_TRY(put_text(&kvs[n++], "varjoin.command", plan->options.command_line, arena, err));
    }
    if (plan->annotating) {
        VJ_TRY(put_json(&kvs[n++], "varjoin.databases", describe_databases(plan), arena, err));
        VJ_TRY(put_json(&kvs[n++], "varjoin.lineage", describe_lineage(plan), arena, err));
    }
    VJ_TRY(put_text(&kvs[n++], "varjoin.content_hash", vj_content_hash_text(&result->hash, text),
                    arena, err));
    snprintf(text, sizeof text, "%lld", (long long)result->rows_out);
    VJ_TRY(put_text(&kvs[n++], "varjoin.rows", text, arena, err));
    *out = kvs;
    *out_n = n;
    return VJ_OK;
}
