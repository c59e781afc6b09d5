/* python/protocol_int.h -- inside python: numbers of the protocol that stand where lengths do. */
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

#endif
