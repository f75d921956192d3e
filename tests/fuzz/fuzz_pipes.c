/* The context of a Pipes session: as a variable, and as JSON behind it. */
#include "track/pipes_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    vj_error err = {0};
    json_t *params = NULL;
    json_t *context = NULL;
    char *text = vj_strndup(NULL, data, len, &err);

    if (text == NULL)
        return 0;
    if (vj_pipes_decode("CONTEXT", text, &params, &err) == VJ_OK)
        json_decref(params);
    params = NULL;
    err = (vj_error){0};
    if (vj_json_parse((vj_span){(const char *)data, len}, "context", &params, &err) == VJ_OK) {
        /* not a path of the fuzzer's choice */
        if (json_is_object(params))
            json_object_del(params, "path");
        if (vj_pipes_context(params, &context, &err) == VJ_OK)
            json_decref(context);
        json_decref(params);
    }
    vj_free(text);
    return 0;
}
