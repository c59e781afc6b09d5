/* serve/py4j/sql_broadcast.c -- broadcast variables in functions of SQL. Messages of Connect do not know them: a
 * function that is translated is found again by its pickle, which names its values by number, and holds them from then
 * on. */
#include "serve/py4j/rdd_classes.h"
#include "serve/py4j/sql.h"

/* ---- functions that columns and messages call */

static vonk_status add_function(vonk__j_functions *to, vonk__j_function *function, vonk_error *err)
{
    for (size_t i = 0; i < to->n; i++)
        if (to->at[i] == function) return VONK_OK;
    VONK_TRY(VONK_VEC_PUSH(to, vonk_budget_root(), function, err));
    vonk__j_object_ref(function);
    return VONK_OK;
}

vonk_status vonk__j_add_functions(vonk__j_functions *to, const vonk__j_functions *from, vonk_error *err)
{
    for (size_t i = 0; i < from->n; i++) VONK_TRY(add_function(to, from->at[i], err));
    return VONK_OK;
}

void vonk__j_functions_done(vonk__j_functions *functions)
{
    vonk__j_functions old = *functions;
    *functions = (vonk__j_functions){0};
    for (size_t i = 0; i < old.n; i++) vonk__j_object_unref(old.at[i]);
    vonk_free(old.at);
}

void vonk__j_use_function(vonk__j_message *m, vonk__j_function *function)
{
    if (function->broadcasts) vonk__j_put_failed(m, add_function(&m->functions, function, m->err));
}

void vonk__j_use_functions(vonk__j_message *m, const vonk__j_functions *functions)
{
    vonk__j_put_failed(m, vonk__j_add_functions(&m->functions, functions, m->err));
}

/* ---- what a function of a plan holds */

typedef struct values {
    _Atomic uint32_t refs;
    uint32_t n;
    vonk__j_broadcast *at[];
} values;

static void values_ref(void *kept) { atomic_fetch_add(&((values *)kept)->refs, 1); }
static void values_unref(void *kept)
{
    values *v = kept;
    if (atomic_fetch_sub(&v->refs, 1) != 1) return;
    for (uint32_t i = 0; i < v->n; i++) vonk__j_object_unref(v->at[i]);
    vonk_free(v);
}
static vonk_status value_path(void *kept, int64_t id, vonk_arena *arena, vonk_str *ret, vonk_error *err)
{
    const values *v = kept;
    for (uint32_t i = 0; i < v->n; i++) {
        if ((int64_t)v->at[i]->id != id) continue;
        VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = vonk__j_engine_try(v->at[i]->context);
        if (e) return vonk_rdd_broadcast_path(e->rdds, v->at[i]->id, arena, ret, err);
    }
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "the SparkContext of a broadcast value has stopped");
}
static const vonk_python_keeper keeper = {.ref = values_ref, .unref = values_unref, .path = value_path};

static vonk_status complete(vonk__j_message *m, const vonk__j_function *function, vonk_python_fn *as, vonk_error *err)
{
    vonk__j_broadcast **found = NULL;
    int64_t *ids = NULL;
    values *kept = NULL;
    uint32_t n = 0;
    VONK_TRY(vonk__j_function_broadcasts(m->call->caller, function, m->arena, &found, &n, err));
    vonk_status status = vonk_alloc_zeroed(vonk_budget_root(), sizeof *kept + n * sizeof(void *), &kept, err);
    if (status != VONK_OK) {
        for (uint32_t i = 0; i < n; i++) vonk__j_object_unref(found[i]);
        return status;
    }
    kept->refs = 1;
    kept->n = n;
    for (uint32_t i = 0; i < n; i++) kept->at[i] = found[i];
    VONK_TRY(vonk_arena_on_free(m->arena, values_unref, kept, err));
    VONK_TRY(vonk_arena_array(m->arena, n, sizeof *ids, &ids, err));
    for (uint32_t i = 0; i < n; i++) ids[i] = (int64_t)found[i]->id;
    as->broadcasts = ids;
    as->n_broadcasts = n;
    as->keeper = &keeper;
    as->kept = kept;
    return VONK_OK;
}

vonk_status vonk__j_complete_function(void *door, vonk_python_fn *as, vonk_error *err)
{
    vonk__j_message *m = door;
    for (size_t i = 0; i < m->functions.n; i++)
        if (vonk_str_eq(vonk__j_str(&m->functions.at[i]->command), as->command))
            return complete(m, m->functions.at[i], as, err);
    return VONK_OK;
}
