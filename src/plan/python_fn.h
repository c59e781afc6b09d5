/* plan/python_fn.h -- a function of the user's Python, as plans hold it: what workers need to run it, and what the analyzer needs to place it. Immutable,
 * reference-counted, shared between threads. */
#ifndef VONK_PLAN_PYTHON_FN_H
#define VONK_PLAN_PYTHON_FN_H

#include "column/type.h"
#include "python/task.h"

/* Who keeps values that functions find by number (broadcast variables), as long as one of them is there. Thread-safe. */
typedef struct vonk_python_keeper {
    void (*ref)(void *kept);
    void (*unref)(void *kept);
    /* The file that workers read; in `arena`. Raises when the value was destroyed. */
    vonk_status (*path)(void *kept, int64_t id, vonk_arena *arena, vonk_str *ret, vonk_error *err);
} vonk_python_keeper;

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
    const int64_t   *broadcasts;     /* numbers of values that it uses */
    uint32_t         n_broadcasts;
    const vonk_python_keeper *keeper; /* of them; NULL: there are none */
    void            *kept;           /* what the keeper is asked about; vonk_python_fn_new takes a reference */
} vonk_python_fn;

/* All that the fields point to is copied; refs, shape and role are set here. An eval type that does not exist: INTERNAL_ERROR, since clients choose it. */
vonk_status vonk_python_fn_new(const vonk_python_fn *as, const vonk_python_fn **ret, vonk_error *err);
const vonk_python_fn *vonk_python_fn_ref(const vonk_python_fn *fn); /* NULL stays NULL */
void vonk_python_fn_unref(const vonk_python_fn *fn);
static inline void vonk_python_fn_unref_auto(const vonk_python_fn **p) { vonk_python_fn_unref(*p); }
/* Its values and where they lie now; in `arena`. */
vonk_status vonk_python_fn_broadcasts(const vonk_python_fn *fn, vonk_arena *arena, const vonk_py_broadcast **ret, vonk_error *err);
/* The same function: same command, kind and type. Names do not count. */
bool vonk_python_fn_equal(const vonk_python_fn *a, const vonk_python_fn *b);

#endif
