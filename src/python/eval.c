/* python/eval.c -- eval types by number. */
#include "python/eval.h"

bool vonk_py_eval_find(int32_t number, vonk_py_shape *ret_shape, vonk_py_role *ret_role)
{
    switch (number) {
#define PY_EVAL(id, number, shape, role)                                                                               \
    case VONK_PY_##id:                                                                                                 \
        *ret_shape = VONK_PY_SHAPE_##shape;                                                                            \
        *ret_role = VONK_PY_ROLE_##role;                                                                               \
        return true;
#include "python/eval.def"
#undef PY_EVAL
    default: return false;
    }
}

vonk_py_shape vonk_py_shape_of(vonk_py_eval eval)
{
    vonk_py_shape shape = VONK_PY_SHAPE_FRAMES;
    vonk_py_role role;

    (void)vonk_py_eval_find((int32_t)eval, &shape, &role);
    return shape;
}
