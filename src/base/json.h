/*
 * json.h - the one door to jansson. Values are json_t of jansson; ownership as jansson has it.
 */
#ifndef VJ_BASE_JSON_H
#define VJ_BASE_JSON_H

#include <jansson.h>

#include "base/base.h"

/*
 * Parse a whole JSON text from outside. VJ_E_CORRUPT names line, column and what is wrong.
 * *out is a new reference, to be released with json_decref.
 */
VJ_MUST_CHECK vj_status vj_json_parse(vj_span text, const char *name, json_t **out,
                                      vj_error *err);
/* Serialise into buf; flags as json_dumps has them (JSON_INDENT(2), JSON_COMPACT ...). */
VJ_MUST_CHECK vj_status vj_json_write(const json_t *value, size_t flags, vj_buf *out,
                                      vj_error *err);
/* A JSON string of bytes from outside; broken UTF-8 becomes U+FFFD. NULL without memory. */
json_t *vj_json_text(vj_span text);

/* object[key] = value (stolen); a NULL value or no memory makes *object NULL and frees it. */
void vj_put(json_t **object, const char *key, json_t *value);
/* The same at the end of an array. */
void vj_add(json_t **array, json_t *value);

#endif
