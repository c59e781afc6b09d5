/* plan/python_fn.c -- functions of the user's Python, in plans. */
#include "plan/python_fn.h"
#include "base/arena.h"

/* The struct lies in an arena of its own, behind this. */
typedef struct python_fn {
    vonk_python_fn pub;
    vonk_arena *arena;
} python_fn;

static vonk_status fill(python_fn *fn, const vonk_python_fn *as, vonk_error *err)
{
    vonk_str *includes = NULL;
    int64_t *broadcasts = NULL;

    fn->pub = *as;
    fn->pub.refs = 1;
    fn->pub.returns = NULL;
    fn->pub.keeper = NULL;
    if (!vonk_py_eval_find((int32_t)as->eval, &fn->pub.shape, &fn->pub.role))
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "this kind of Python function does not exist");
    VONK_TRY(vonk_arena_str(fn->arena, as->name, &fn->pub.name, err));
    VONK_TRY(vonk_arena_str(fn->arena, as->command, &fn->pub.command, err));
    VONK_TRY(vonk_arena_str(fn->arena, as->python_version, &fn->pub.python_version, err));
    VONK_TRY(vonk_arena_str(fn->arena, as->analyzed, &fn->pub.analyzed, err));
    VONK_TRY(vonk_arena_array(fn->arena, as->n_includes, sizeof *includes, &includes, err));
    for (uint32_t i = 0; i < as->n_includes; i++)
        VONK_TRY(vonk_arena_str(fn->arena, as->includes[i], &includes[i], err));
    fn->pub.includes = includes;
    VONK_TRY(vonk_arena_array(fn->arena, as->n_broadcasts, sizeof *broadcasts, &broadcasts, err));
    for (uint32_t i = 0; i < as->n_broadcasts; i++) broadcasts[i] = as->broadcasts[i];
    fn->pub.broadcasts = broadcasts;
    fn->pub.keeper = as->keeper;
    if (as->keeper) as->keeper->ref(as->kept);
    fn->pub.returns = as->returns ? vonk_type_ref(as->returns) : NULL;
    return VONK_OK;
}

vonk_status vonk_python_fn_new(const vonk_python_fn *as, const vonk_python_fn **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    python_fn *fn = NULL;

    VONK_TRY(vonk_arena_new(vonk_budget_root(), &arena, err));
    VONK_TRY(VONK_ARENA_NEW(arena, &fn, err));
    fn->arena = arena;
    VONK_TRY(fill(fn, as, err));
    arena = NULL;
    *ret = &fn->pub;
    return VONK_OK;
}

const vonk_python_fn *vonk_python_fn_ref(const vonk_python_fn *fn)
{
    if (fn) __atomic_fetch_add((int64_t *)&((vonk_python_fn *)fn)->refs, 1, __ATOMIC_RELAXED);
    return fn;
}

void vonk_python_fn_unref(const vonk_python_fn *fn)
{
    if (!fn || __atomic_sub_fetch((int64_t *)&((vonk_python_fn *)fn)->refs, 1, __ATOMIC_ACQ_REL) != 0) return;
    vonk_type_unref(fn->returns);
    if (fn->keeper) fn->keeper->unref(fn->kept);
    vonk_arena_free(((python_fn *)fn)->arena);
}

bool vonk_python_fn_equal(const vonk_python_fn *a, const vonk_python_fn *b)
{
    if (a == b) return true;
    return a->eval == b->eval && vonk_str_eq(a->command, b->command) && a->deterministic == b->deterministic &&
           (a->returns == NULL) == (b->returns == NULL) && (!a->returns || vonk_type_eq(a->returns, b->returns));
}

vonk_status vonk_python_fn_broadcasts(const vonk_python_fn *fn, vonk_arena *arena, const vonk_py_broadcast **ret,
                                      vonk_error *err)
{
    vonk_py_broadcast *all = NULL;
    VONK_TRY(vonk_arena_array(arena, fn->n_broadcasts, sizeof *all, &all, err));
    for (uint32_t i = 0; i < fn->n_broadcasts; i++) {
        all[i].id = fn->broadcasts[i];
        VONK_TRY(fn->keeper->path(fn->kept, all[i].id, arena, &all[i].path, err));
    }
    *ret = all;
    return VONK_OK;
}
