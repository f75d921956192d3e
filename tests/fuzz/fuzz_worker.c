/* fuzz_worker.c - lines of a Polars worker: whatever it says, a status and a text come of it. */
#include <stdlib.h>

#include "polars/talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static vj_status look(void *arg, const json_t *event, vj_error *err)
{
    (void)err;
    *(int64_t *)arg += json_integer_value(json_object_get(event, "expected")) & 1;
    return VJ_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    int64_t sum = 0;
    vj_plr_options options = {.on_event = look, .arg = &sum};
    vj_plr_talk talk = {.options = &options, .what = "nothing"};
    vj_status rc = VJ_OK;
    vj_error err = {0};

    for (size_t beg = 0; rc == VJ_OK && beg < len;) {
        const uint8_t *stop = memchr(data + beg, '\n', len - beg);
        size_t end = stop != NULL ? (size_t)(stop - data) : len;

        rc = vj_plr_talk_line(&talk, (vj_span){(const char *)data + beg, end - beg}, &err);
        beg = end + 1;
    }
    if (rc == VJ_E_BUG || (rc != VJ_OK && err.text[0] == '\0') ||
        (talk.failed != VJ_OK && talk.why.text[0] == '\0' && talk.failed != VJ_E_NOMEM &&
         talk.failed != VJ_E_SCHEMA && talk.failed != VJ_E_CORRUPT))
        abort();
    return 0;
}
