/*
 * operation.h - whole operations as a table, each swept by every kind of fault: what stood in the
 * output folder before, what may stand there after, and the inputs that they share.
 */
#ifndef VJ_TESTS_OPERATION_H
#define VJ_TESTS_OPERATION_H

#include "support/support.h"

/* How an operation is swept beyond memory, reads, writes, renames, fsyncs and closes. */
enum {
    OP_STOPS = 1,    /* it is also stopped at each call */
    OP_IS_DIR = 2,   /* the output is a folder */
    OP_OVER_OLD = 4, /* a folder that stands there before gives way; files always do */
    OP_APART = 8,    /* the index is a second output: old or new by itself */
    OP_FRESH = 16    /* a file that nothing stood under before */
};

typedef struct operation {
    const char *name;
    fault_body body;
    const char *output; /* name in fault_in.out_dir; NULL: writes nothing */
    const char *index;  /* that stands beside it; NULL: none */
    unsigned how;       /* OP_... together */
    bool after_rename;  /* a call after the rename may fail: the new output is there, whole */
} operation;

typedef struct fault_inputs {
    char folder[96];   /* all of it */
    char out_dir[128]; /* outputs, and nothing else */
    char database[160], sample[160];
} fault_inputs;

extern fault_inputs fault_in;
extern vj_stop fault_stopped; /* requested where a sweep stops a run */
/* Called with the stop, for what does not take one; NULL: nothing is. */
extern void (*fault_on_stop)(void);

/* fault_in, with a database of 200 rows of chromosome 22 and a sample of 40 records. */
void operation_make_inputs(const char *name);
void operation_remove_inputs(void);

bool operation_has_old(const operation *op);
const char *operation_out_path(const operation *op);
/* Put what stands there before a run. */
void operation_write_old(const operation *op);
/* A cmocka test: *state is the operation. */
void operation_sweep(void **state);

#endif
