/*
 * arrow.h - private to the module: columns and their types handed over as Arrow C Data.
 *
 * in:      vj_schema, column builders
 * out:     ArrowSchema, ArrowArray that live until they are released, in any order
 * not:     where batches come from (parquet_stream.c)
 * tests:   unit/test_arrow_stream.c, python/test_arrow.py
 */
#ifndef VJ_API_ARROW_H
#define VJ_API_ARROW_H

#include "col/col.h"
#include "varjoin/arrow.h"

/* How a type leaves us: its memory as it is, or through a conversion. */
typedef enum vj_arrow_shape {
    VJ_ARROW_AS_IT_IS,
    VJ_ARROW_NULL,       /* no buffers */
    VJ_ARROW_DECIMAL128, /* 16 bytes, little endian */
    VJ_ARROW_DECIMAL256, /* 32 bytes, little endian */
    VJ_ARROW_INTERVAL    /* int32 months, int32 days, int64 ns */
} vj_arrow_shape;

vj_arrow_shape vj_arrow_shape_of(const vj_type *type);

/*
 * The fields of a foreign struct schema, in the arena. Strings of any Arrow layout become TEXT or
 * BINARY, dictionaries their values, seconds milliseconds, date64 days.
 *
 * errors:  VJ_E_UNSUPPORTED names the column and the format (unions, durations, run ends)
 */
VJ_MUST_CHECK vj_status vj_arrow_schema_import(const struct ArrowSchema *from, vj_arena *arena,
                                               vj_schema *out, vj_error *err);
/*
 * Append the rows of a foreign batch; builders are those of the imported schema's fields. The
 * batch stays the caller's. VJ_E_SCHEMA when it is not of its schema.
 */
VJ_MUST_CHECK vj_status vj_arrow_batch_import(const struct ArrowSchema *schema,
                                              const struct ArrowArray *batch, vj_colb *builders,
                                              vj_budget *budget, vj_error *err);

/* The schema as a struct of its fields; out is released already on an error. */
VJ_MUST_CHECK vj_status vj_arrow_schema_export(const vj_schema *schema, struct ArrowSchema *out,
                                               vj_error *err);

/* What a stream's callback returns for a status: 0, ENOMEM, ECANCELED, ENOTSUP, else EIO. */
int vj_arrow_errno(vj_status code);

/* What exported batches hold besides their columns: released with the last of them. */
typedef struct vj_arrow_owner {
    void (*release)(void *arg);
    void *arg;
} vj_arrow_owner;

/*
 * Hand a batch over: n_fields builders of n_rows rows each become the children of one struct.
 *
 * owns:    takes what the builders hold, which are empty (_fini'd) afterwards, also on an error.
 *          owner.release is called once, when the last part of the batch has been released, or
 *          now on an error
 * threads: parts may be released from any thread
 */
VJ_MUST_CHECK vj_status vj_arrow_batch_export(vj_colb *builders, int32_t n_fields, int64_t n_rows,
                                              vj_arrow_owner owner, vj_budget *budget,
                                              struct ArrowArray *out, vj_error *err);

#endif
