/*
 * python_capsule.c - the destructor of PyCapsules that hold one of our streams.
 *
 * It is C, because a capsule may be destroyed while a Python exception is on its way, when no
 * Python code can run. Python is not linked: the one function that is needed is in the process
 * that loaded us, or nobody makes capsules.
 */
#include "base/base.h"
#include "varjoin/stream.h"

__attribute__((weak, visibility("default"))) void *PyCapsule_GetPointer(void *capsule,
                                                                        const char *name);

struct ArrowArrayStream *vj_stream_box(struct ArrowArrayStream *stream, vj_error *err)
{
    struct ArrowArrayStream *box = vj_alloc(NULL, sizeof *box, err);

    if (box == NULL) {
        stream->release(stream);
        return NULL;
    }
    *box = *stream;
    stream->release = NULL; /* moved */
    return box;
}

void vj_stream_box_free(struct ArrowArrayStream *box)
{
    if (box != NULL && box->release != NULL)
        box->release(box);
    vj_free(box);
}

void vj_python_capsule_free(void *capsule)
{
    if (PyCapsule_GetPointer != NULL)
        vj_stream_box_free(PyCapsule_GetPointer(capsule, "arrow_array_stream"));
}
