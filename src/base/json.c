#include "base/json.h"

vj_status vj_json_parse(vj_span text, const char *name, json_t **out, vj_error *err)
{
    json_error_t why;

    *out = json_loadb(text.ptr != NULL ? text.ptr : "", text.len_bytes,
                      JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    /* without memory jansson gives this code, or returns without a word */
    if (*out == NULL && (json_error_code(&why) == json_error_out_of_memory ||
                         (json_error_code(&why) == json_error_unknown && why.text[0] == '\0')))
        return vj_fail(err, VJ_E_NOMEM, "%s: no memory to read this JSON", name);
    if (*out == NULL)
        return vj_fail(err, VJ_E_CORRUPT, "%s: line %d, column %d: not JSON: %s", name, why.line,
                       why.column, why.text);
    return VJ_OK;
}

typedef struct dump_target {
    vj_buf *out;
    vj_error *err;
    bool failed; /* jansson does not hand on every -1 of its callback */
} dump_target;

static int append_dump(const char *bytes, size_t len, void *data)
{
    dump_target *target = data;

    if (target->failed || vj_buf_append(target->out, bytes, len, target->err) != VJ_OK)
        target->failed = true;
    return target->failed ? -1 : 0;
}

vj_status vj_json_write(const json_t *value, size_t flags, vj_buf *out, vj_error *err)
{
    dump_target target = {out, err, false};

    if (value == NULL || json_dump_callback(value, append_dump, &target, flags) != 0 ||
        target.failed)
        return err != NULL && err->code == VJ_E_NOMEM
                   ? VJ_E_NOMEM
                   : vj_fail(err, VJ_E_NOMEM, "no memory to write JSON");
    return VJ_OK;
}

json_t *vj_json_text(vj_span text)
{
    json_t *value = json_stringn(text.ptr != NULL ? text.ptr : "", text.len_bytes);

    if (value != NULL || vj_utf8_valid(text.ptr, text.len_bytes))
        return value;
    vj_buf clean = {0};
    for (size_t i = 0; i < text.len_bytes;) {
        size_t seq = vj_utf8_sequence((const uint8_t *)text.ptr + i, text.len_bytes - i);
        vj_status rc = seq > 0 ? vj_buf_append(&clean, text.ptr + i, seq, NULL)
                               : vj_buf_append(&clean, "\xef\xbf\xbd", 3, NULL);
        if (rc != VJ_OK)
            goto out;
        i += seq > 0 ? seq : 1;
    }
    value = json_stringn((const char *)clean.ptr, clean.len_bytes);
out:
    vj_buf_fini(&clean);
    return value;
}

void vj_put(json_t **object, const char *key, json_t *value)
{
    if (*object != NULL && value != NULL && json_object_set_new(*object, key, value) == 0)
        return;
    if (*object == NULL)
        json_decref(value);
    json_decref(*object);
    *object = NULL;
}

void vj_add(json_t **array, json_t *value)
{
    if (*array != NULL && value != NULL && json_array_append_new(*array, value) == 0)
        return;
    if (*array == NULL)
        json_decref(value);
    json_decref(*array);
    *array = NULL;
}
