/* python/eval.h -- kinds of functions that users write in Python, as both plans and workers name them. */
#ifndef VONK_PYTHON_EVAL_H
#define VONK_PYTHON_EVAL_H

#include <stdbool.h>
#include <stdint.h>

/* Numbers of pyspark.util.PythonEvalType. */
typedef enum vonk_py_eval {
#define PY_EVAL(id, number, shape, role) VONK_PY_##id = number,
#include "python/eval.def"
#undef PY_EVAL
} vonk_py_eval;

/* Of input and answers. */
typedef enum vonk_py_shape {
    VONK_PY_SHAPE_FRAMES,
    VONK_PY_SHAPE_PICKLES,
    VONK_PY_SHAPE_ARROW,
    VONK_PY_SHAPE_GROUPS,
    VONK_PY_SHAPE_COGROUPS,
    VONK_PY_SHAPE_STATE
} vonk_py_shape;

/* Where in a query it may stand. */
typedef enum vonk_py_role {
    VONK_PY_ROLE_NONE,       /* of no query: RDDs */
    VONK_PY_ROLE_SCALAR,     /* a value for each row */
    VONK_PY_ROLE_AGGREGATE,  /* a value for each group */
    VONK_PY_ROLE_WINDOW,     /* a value for each row from its frame; comes as AGGREGATE, the planner makes it one */
    VONK_PY_ROLE_PARTITIONS, /* rows for each partition */
    VONK_PY_ROLE_GROUPS,     /* rows for each group */
    VONK_PY_ROLE_COGROUPS,
    VONK_PY_ROLE_STATE,
    VONK_PY_ROLE_TABLE /* rows for each row or table argument */
} vonk_py_role;

/* False: not a number of this list. */
bool vonk_py_eval_find(int32_t number, vonk_py_shape *ret_shape, vonk_py_role *ret_role);
vonk_py_shape vonk_py_shape_of(vonk_py_eval eval);

#endif
