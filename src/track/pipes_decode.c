/* The two variables of a Pipes session: base64, zlib, JSON, and the fields that we rely on. */
#include "codec/codec.h"
#include "track/pipes_io.h"

#define MAX_DECODED_BYTES ((size_t)64 << 20)

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Append the bytes of a base64 text with its padding; false when it is not one. */
static bool decode_base64(vj_span text, uint8_t *dst, size_t *out_n)
{
    size_t n = 0;
    size_t pads = 0;

    if (text.len_bytes == 0 || text.len_bytes % 4 != 0)
        return false;
    while (pads < 2 && text.ptr[text.len_bytes - 1 - pads] == '=')
        pads++;
    for (size_t i = 0; i < text.len_bytes; i += 4) {
        uint32_t word = 0;

        for (size_t k = 0; k < 4; k++) {
            bool pad = i + k >= text.len_bytes - pads;
            int digit = pad ? 0 : digit_of(text.ptr[i + k]);

            if (digit < 0)
                return false;
            word = word << 6 | (uint32_t)digit;
        }
        dst[n++] = (uint8_t)(word >> 16);
        dst[n++] = (uint8_t)(word >> 8);
        dst[n++] = (uint8_t)word;
    }
    *out_n = n - pads;
    return true;
}

vj_status vj_pipes_decode(const char *name, const char *text, json_t **out, vj_error *err)
{
    vj_span span = vj_span_of(text);
    vj_buf packed = {0};
    vj_buf plain = {0};
    vj_status rc = VJ_OK;

    *out = NULL;
    VJ_GO(rc, vj_buf_reserve(&packed, span.len_bytes + 4, err));
    if (!decode_base64(span, packed.ptr, &packed.len_bytes)) {
        rc = vj_fail(err, VJ_E_USAGE, "%s: expected base64, found %zu other bytes", name,
                     span.len_bytes);
        goto out;
    }
    VJ_GO(rc, vj_codec_zlib_decode(vj_buf_span(&packed), MAX_DECODED_BYTES, &plain, err));
    VJ_GO(rc, vj_json_parse(vj_buf_span(&plain), name, out, err));
    if (!json_is_object(*out)) {
        json_decref(*out);
        *out = NULL;
        rc = vj_fail(err, VJ_E_USAGE, "%s: expected a JSON object", name);
    }
out:
    vj_buf_fini(&packed);
    vj_buf_fini(&plain);
    if (rc == VJ_E_CORRUPT)
        rc = vj_fail(err, VJ_E_USAGE, "%s: not a Dagster Pipes parameter", name);
    return rc;
}

static vj_status read_context(const char *path, json_t **out, vj_error *err)
{
    vj_buf text = {0};
    vj_status rc = VJ_OK;

    vj_buf_init(&text, NULL, MAX_DECODED_BYTES);
    VJ_GO(rc, vj_path_read(path, &text, err));
    VJ_GO(rc, vj_json_parse(vj_buf_span(&text), path, out, err));
out:
    vj_buf_fini(&text);
    return rc == VJ_OK ? rc : vj_wrap(err, rc, "reading the Dagster Pipes context");
}

static bool is_text_or_null(const json_t *value)
{
    return value == NULL || json_is_null(value) || json_is_string(value);
}

static const char *wrong_field(const json_t *context)
{
    const json_t *keys = json_object_get(context, "asset_keys");
    const json_t *key;
    size_t i;

    if (!json_is_object(context))
        return "it is no JSON object";
    if (keys != NULL && !json_is_null(keys) && !json_is_array(keys))
        return "asset_keys is no list";
    json_array_foreach(keys, i, key) {
        if (!json_is_string(key))
            return "asset_keys holds something other than texts";
    }
    if (!is_text_or_null(json_object_get(context, "partition_key")))
        return "partition_key is no text";
    if (!is_text_or_null(json_object_get(context, "run_id")))
        return "run_id is no text";
    return NULL;
}

vj_status vj_pipes_context(const json_t *params, json_t **out, vj_error *err)
{
    const json_t *path = json_object_get(params, "path");
    json_t *data = json_object_get(params, "data");

    *out = NULL;
    if (json_is_string(path))
        VJ_TRY(read_context(json_string_value(path), out, err));
    else if (json_is_object(data))
        *out = json_incref(data);
    else
        return vj_fail(err, VJ_E_USAGE, "DAGSTER_PIPES_CONTEXT: expected \"path\" or \"data\"");
    const char *wrong = wrong_field(*out);
    if (wrong == NULL)
        return VJ_OK;
    json_decref(*out);
    *out = NULL;
    return vj_fail(err, VJ_E_USAGE, "the Dagster Pipes context cannot be used: %s", wrong);
}
