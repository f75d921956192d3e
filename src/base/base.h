/*
 * base.h - what every module stands on: status and error text, memory budget and arena,
 * buffers, spans, vectors, bits, numbers and UTF-8 as text, hashes, a string map, CPU level.
 *
 * relies:  the C library and xxHash
 * not:     files, threads, clocks (os), JSON (base/json.h, included where it is needed)
 * tests:   unit/test_base.c, fault/ (allocation sweep)
 */
#ifndef VJ_BASE_BASE_H
#define VJ_BASE_BASE_H

#include "base/status.h"
#include "base/mem.h"
#include "base/buf.h"
#include "base/text.h"

/* Bounds-checked arithmetic on sizes from outside: true means overflow. */
#define VJ_ADD_OVERFLOW(a, b, out) __builtin_add_overflow(a, b, out)
#define VJ_SUB_OVERFLOW(a, b, out) __builtin_sub_overflow(a, b, out)
#define VJ_MUL_OVERFLOW(a, b, out) __builtin_mul_overflow(a, b, out)
#define VJ_MIN(a, b) ((a) < (b) ? (a) : (b))
#define VJ_MAX(a, b) ((a) > (b) ? (a) : (b))
#define VJ_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
