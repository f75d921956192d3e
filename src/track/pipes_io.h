/* pipes_io.h - private to the module: the variables decoded, messages as lines. */
#ifndef VJ_TRACK_PIPES_IO_H
#define VJ_TRACK_PIPES_IO_H

#include "base/json.h"
#include "os/os.h"

#define VJ_PIPES_PAGE_BYTES ((size_t)4096)

/*
 * One variable: base64 of a zlib stream of a JSON object. VJ_E_USAGE names the variable and what
 * is wrong with it.
 */
VJ_MUST_CHECK vj_status vj_pipes_decode(const char *name, const char *text, json_t **out,
                                        vj_error *err);
/* The context itself, from {"path": FILE} or {"data": {...}}; fields checked for their types. */
VJ_MUST_CHECK vj_status vj_pipes_context(const json_t *params, json_t **out, vj_error *err);

typedef struct vj_pipes_lines vj_pipes_lines;
/* Where messages go: {"path"}, {"stdio"} or {"buffered_stdio"}. */
VJ_MUST_CHECK vj_status vj_pipes_lines_open(const json_t *params, vj_pipes_lines **out,
                                            vj_error *err);
/*
 * One message. params is taken. Lines beyond max_line_bytes are VJ_E_BUG: whoever builds a
 * message keeps it shorter.
 */
VJ_MUST_CHECK vj_status vj_pipes_lines_put(vj_pipes_lines *lines, const char *method,
                                           json_t *params_take, size_t max_line_bytes,
                                           vj_error *err);
/* What was held back (buffered_stdio) goes out now. */
VJ_MUST_CHECK vj_status vj_pipes_lines_finish(vj_pipes_lines *lines, vj_error *err);
void vj_pipes_lines_free(vj_pipes_lines *lines);
/* Length of the line that such a message makes; 0 without memory. */
size_t vj_pipes_line_bytes(const char *method, const json_t *params);

#endif
