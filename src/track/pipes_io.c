/*
 * Messages as lines that a reader of the growing file never meets in two pieces.
 *
 *   | line line filler....\n| line ...      |: a page of the file (4096 bytes)
 *
 * A line that would cross a page is preceded by a filler up to the page's end; a line that would
 * leave less room than a filler needs is padded with blanks to the page's end itself.
 */
#include "track/pipes_io.h"

#include <stdio.h>

#define FILLER                                                                             \
    "{\"__dagster_pipes_version\":\"0.1\",\"method\":\"log_external_stream\","             \
    "\"params\":{\"stream\":\"stdout\",\"text\":\"\",\"extras\":{}}}"
#define FILLER_BYTES (sizeof FILLER) /* with its newline */

struct vj_pipes_lines {
    vj_appender *to;
    bool buffered;
    vj_buf held;
    vj_buf line;
};

static vj_status open_stdio(const json_t *name, vj_appender **out, vj_error *err)
{
    const char *text = json_string_value(name);

    if (text != NULL && strcmp(text, "stdout") == 0)
        return vj_append_stdio(1, out, err);
    if (text != NULL && strcmp(text, "stderr") == 0)
        return vj_append_stdio(2, out, err);
    return vj_fail(err, VJ_E_USAGE, "DAGSTER_PIPES_MESSAGES: expected \"stdout\" or \"stderr\"");
}

vj_status vj_pipes_lines_open(const json_t *params, vj_pipes_lines **out, vj_error *err)
{
    const json_t *path = json_object_get(params, "path");
    const json_t *stdio = json_object_get(params, "stdio");
    const json_t *buffered = json_object_get(params, "buffered_stdio");
    vj_pipes_lines *lines = vj_zalloc(NULL, sizeof *lines, err);
    vj_status rc = VJ_OK;

    *out = NULL;
    if (lines == NULL)
        return VJ_E_NOMEM;
    lines->buffered = buffered != NULL;
    if (json_is_string(path))
        VJ_GO(rc, vj_append_open(json_string_value(path), &lines->to, err));
    else if (stdio != NULL || buffered != NULL)
        VJ_GO(rc, open_stdio(stdio != NULL ? stdio : buffered, &lines->to, err));
    else
        VJ_GO(rc, vj_fail(err, VJ_E_USAGE, "DAGSTER_PIPES_MESSAGES: expected \"path\", \"stdio\" "
                          "or \"buffered_stdio\""));
    *out = lines;
    return VJ_OK;
out:
    vj_pipes_lines_free(lines);
    return rc;
}

void vj_pipes_lines_free(vj_pipes_lines *lines)
{
    if (lines == NULL)
        return;
    vj_append_free(lines->to);
    vj_buf_fini(&lines->held);
    vj_buf_fini(&lines->line);
    vj_free(lines);
}

/* The message without its newline; params is borrowed. */
static vj_status serialise(const char *method, const json_t *params, vj_buf *out, vj_error *err)
{
    VJ_TRY(vj_buf_printf(out, err, "{\"__dagster_pipes_version\":\"0.1\",\"method\":\"%s\","
                         "\"params\":", method));
    VJ_TRY(vj_json_write(params, JSON_COMPACT | JSON_REAL_PRECISION(15), out, err));
    return vj_buf_push(out, '}', err);
}

size_t vj_pipes_line_bytes(const char *method, const json_t *params)
{
    vj_buf text = {0};
    size_t n = serialise(method, params, &text, NULL) == VJ_OK ? text.len_bytes + 1 : 0;

    vj_buf_fini(&text);
    return n;
}

static vj_status add_blanks(vj_buf *line, size_t n, vj_error *err)
{
    VJ_TRY(vj_buf_reserve(line, n, err));
    memset(line->ptr + line->len_bytes, ' ', n);
    line->len_bytes += n;
    return VJ_OK;
}

/* Fill up the page in which the file ends, so that `need` bytes start on a fresh one. */
static vj_status fill_page(vj_pipes_lines *lines, size_t need, vj_error *err)
{
    int64_t size = vj_append_size(lines->to);
    size_t used = size > 0 ? (size_t)size % VJ_PIPES_PAGE_BYTES : 0;
    size_t left = VJ_PIPES_PAGE_BYTES - used;
    vj_buf filler = {0};
    vj_status rc = VJ_OK;

    if (size < 0 || need <= left)
        return VJ_OK;
    /* somebody else's bytes may leave less than a filler: it then ends with the next page */
    if (left < FILLER_BYTES)
        left += VJ_PIPES_PAGE_BYTES;
    VJ_GO(rc, vj_buf_append(&filler, FILLER, FILLER_BYTES - 1, err));
    VJ_GO(rc, add_blanks(&filler, left - FILLER_BYTES, err));
    VJ_GO(rc, vj_buf_push(&filler, '\n', err));
    VJ_GO(rc, vj_append_write(lines->to, filler.ptr, filler.len_bytes, err));
out:
    vj_buf_fini(&filler);
    return rc;
}

/* Pad the line (newline not yet there) when what it leaves of its page is too small to fill. */
static vj_status pad_line(vj_pipes_lines *lines, vj_error *err)
{
    int64_t size = vj_append_size(lines->to);
    size_t len = lines->line.len_bytes + 1;

    if (size < 0)
        return VJ_OK;
    size_t used = ((size_t)size + len) % VJ_PIPES_PAGE_BYTES;
    if (used == 0 || VJ_PIPES_PAGE_BYTES - used >= FILLER_BYTES)
        return VJ_OK;
    return add_blanks(&lines->line, VJ_PIPES_PAGE_BYTES - used, err);
}

vj_status vj_pipes_lines_put(vj_pipes_lines *lines, const char *method, json_t *params_take,
                             size_t max_line_bytes, vj_error *err)
{
    vj_buf *line = &lines->line;
    vj_status rc = VJ_OK;

    vj_buf_reset(line);
    if (params_take == NULL) {
        rc = vj_fail(err, VJ_E_NOMEM, "no memory for a message to Dagster");
        goto out;
    }
    VJ_GO(rc, serialise(method, params_take, line, err));
    if (line->len_bytes + 1 > max_line_bytes) {
        rc = vj_fail(err, VJ_E_BUG, "a message to Dagster has %zu bytes, allowed are %zu",
                     line->len_bytes + 1, max_line_bytes);
        goto out;
    }
    if (lines->buffered) {
        VJ_GO(rc, vj_buf_append(&lines->held, line->ptr, line->len_bytes, err));
        VJ_GO(rc, vj_buf_push(&lines->held, '\n', err));
        goto out;
    }
    VJ_GO(rc, fill_page(lines, line->len_bytes + 1, err));
    VJ_GO(rc, pad_line(lines, err));
    VJ_GO(rc, vj_buf_push(line, '\n', err));
    VJ_GO(rc, vj_append_write(lines->to, line->ptr, line->len_bytes, err));
out:
    json_decref(params_take);
    return rc;
}

vj_status vj_pipes_lines_finish(vj_pipes_lines *lines, vj_error *err)
{
    if (!lines->buffered)
        return VJ_OK;
    VJ_TRY(vj_append_write(lines->to, lines->held.ptr, lines->held.len_bytes, err));
    vj_buf_reset(&lines->held);
    return VJ_OK;
}
