/* plan/python_fn.h -- a function of the user's Python, as plans hold it: what workers need to run it, and what the analyzer needs to place it. Immutable,
 * reference-counted, shared between threads. */
#ifndef VONK_PLAN_PYTHON_FN_H
#define VONK_PLAN_PYTHON_FN_H

#include "column/type.h"
#include "python/eval.h"

typedef struct vonk_python_fn {
    _Atomic int64_t  refs;
    vonk_str         name;           /* as shown, and as registered */
    vonk_py_eval     eval;
    vonk_py_shape    shape;          /* of eval */
    vonk_py_role     role;
    vonk_str         command;        /* pickled */
    vonk_str         python_version; /* that pickled it: "3.11" */
    const vonk_type *returns;        /* of a value; of the rows (a struct) for roles that make rows; NULL: a table function that says so when it is asked */
    bool             deterministic;
    vonk_str         analyzed;       /* table functions: pickled, what it said when it was asked; empty: it was not */
    const vonk_str  *includes;       /* names among the session's files */
    uint32_t         n_includes;
} vonk_python_fn;

/* All that the fields point to is copied; refs, shape and role are set here. An eval type that does not exist: INTERNAL_ERROR, since clients choose it. */
vonk_status vonk_python_fn_new(const vonk_python_fn *as, const vonk_python_fn **ret, vonk_error *err);
const vonk_python_fn *vonk_python_fn_ref(const vonk_python_fn *fn); /* NULL stays NULL */
void vonk_python_fn_unref(const vonk_python_fn *fn);
static inline void vonk_python_fn_unref_auto(const vonk_python_fn **p) { vonk_python_fn_unref(*p); }
/* The same function: same command, kind and type. Names do not count. */
bool vonk_python_fn_equal(const vonk_python_fn *a, const vonk_python_fn *b);

#endif
