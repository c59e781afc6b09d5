/* python/protocol_int.h -- inside python: numbers of the protocol that stand where lengths do, and shapes of data. */
#ifndef VONK_PYTHON_PROTOCOL_INT_H
#define VONK_PYTHON_PROTOCOL_INT_H

#include "python/task.h"

enum {
    PY_END_OF_DATA = -1,
    PY_EXCEPTION = -2,
    PY_TIMES = -3,
    PY_END_OF_STREAM = -4,
    PY_START_OF_ARROW = -6,
    PY_START_OF_INIT = -8
};

/* Of input and answers: eval.def. */
typedef enum py_shape {
    PY_SHAPE_FRAMES,
    PY_SHAPE_PICKLES,
    PY_SHAPE_ARROW,
    PY_SHAPE_GROUPS,
    PY_SHAPE_COGROUPS,
    PY_SHAPE_STATE
} py_shape;
py_shape vonk__py_shape_of(vonk_py_eval eval);

#endif
