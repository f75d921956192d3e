/* fuzz_json.c - any bytes as JSON; what is accepted and written again is the same value. */
#include <stdlib.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    vj_error err = {0};
    vj_buf text = {0};
    json_t *value = NULL;
    json_t *again = NULL;

    vj_status rc = vj_json_parse((vj_span){(const char *)data, len}, "input", &value, &err);
    if (rc != VJ_OK && (value != NULL || strstr(err.text, "input") == NULL))
        abort();
    if (rc == VJ_OK) {
        if (vj_json_write(value, JSON_COMPACT | JSON_ENCODE_ANY, &text, &err) != VJ_OK)
            abort();
        if (vj_json_parse(vj_buf_span(&text), "again", &again, &err) == VJ_OK &&
            json_is_object(value) && !json_equal(value, again))
            abort();
    }
    json_t *word = vj_json_text((vj_span){(const char *)data, len});
    if (word != NULL && !vj_utf8_valid(json_string_value(word), json_string_length(word)))
        abort();
    json_decref(word);
    json_decref(value);
    json_decref(again);
    vj_buf_fini(&text);
    return 0;
}
