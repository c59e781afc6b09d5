/* opt/physical_scan.c -- SCAN (and a FILTER right above it): which conditions the source applies itself, then the scan
 * is planned, i.e. cut into partitions. */
#include "opt/opt_int.h"

/* Columns of the table, as a plan's output: conditions are bound to them. */
typedef struct scan_parts {
    vonk_arena *arena;
    const vonk_plan *scan; /* logical */
    vonk__exprs bound;     /* the conjuncts, over table columns */
    vonk__exprs plain;     /* the same conjuncts, unbound */
    bool *wholly;
} scan_parts;

typedef struct to_table {
    const vonk_opt_env *env;
    const vonk_plan *scan;
} to_table;

static vonk_status bind_to_table(const vonk_expr *e, void *arg, const vonk_expr **ret, vonk_error *err)
{
    const to_table *t = arg;

    if (e->kind == VONK_EX_COLUMN) {
        const uint32_t at = vonk_plan_column_at(t->scan, e->id);
        if (at == t->scan->n_output)
            return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                             VONK_F("column %.*s is not in its scan", VONK_STR_ARGS(e->name)));
        return vonk_ex_bound(t->env->budget, t->scan->scan.columns[at], e->type, t->scan->output[at]->nullable, e->name,
                             ret, err);
    }
    *ret = vonk_expr_ref(e);
    return VONK_OK;
}

static vonk_status collect(const vonk_opt_env *env, scan_parts *parts, const vonk_expr *condition, vonk_error *err)
{
    to_table t = {env, parts->scan};

    if (parts->scan->n_lists > 0)
        for (uint32_t i = 0; i < parts->scan->lists[0].n; i++)
            VONK_TRY(vonk__opt_conjuncts(parts->arena, parts->scan->lists[0].at[i], &parts->plain, err));
    if (condition) VONK_TRY(vonk__opt_conjuncts(parts->arena, condition, &parts->plain, err));
    for (size_t i = 0; i < parts->plain.n; i++) {
        const vonk_expr *bound = NULL;
        VONK_TRY(vonk_expr_rewrite(env->budget, parts->plain.at[i], bind_to_table, &t, &bound, err));
        VONK_TRY(vonk__opt_keep(parts->arena, bound, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&parts->bound, parts->arena, bound, err));
    }
    return vonk_arena_array(parts->arena, parts->bound.n + 1, sizeof *parts->wholly, &parts->wholly, err);
}

/* The source's predicates come first in `bound` afterwards; *ret_n of them. */
static vonk_status choose(const vonk_opt_env *env, scan_parts *parts, vonk_scan_spec *spec, vonk_error *err)
{
    vonk_table *table = parts->scan->scan.table;

    *spec = (vonk_scan_spec){.conf = env->conf,
                             .env = env->env,
                             .columns = parts->scan->scan.columns,
                             .n_columns = parts->scan->scan.n_columns,
                             .pruned = parts->scan->scan.pruned,
                             .predicates = parts->bound.at,
                             .n_predicates = (uint32_t)parts->bound.n,
                             .limit = parts->scan->scan.limit,
                             .n_threads = env->n_threads};
    if (parts->bound.n > 0 && table->cls->pushable) return table->cls->pushable(table, spec, parts->wholly, err);
    return VONK_OK;
}

static vonk_status scan_node(const vonk_opt_env *env, scan_parts *parts, vonk_scan_spec *spec, const vonk_plan **ret,
                             vonk_error *err)
{
    VONK_AUTO(vonk_scan_unref) vonk_scan *scan = NULL;
    vonk_plan *node = NULL;
    uint32_t *columns = NULL;
    vonk_status status;

    VONK_TRY(parts->scan->scan.table->cls->plan_scan(parts->scan->scan.table, spec, env->budget, &scan, err));
    VONK_TRY(vonk_plan_new(env->budget, VONK_PN_P_SCAN, NULL, 0, &node, err));
    status = vonk_arena_array(node->arena, spec->n_columns + 1, sizeof *columns, &columns, err);
    if (status == VONK_OK) status = vonk_plan_set_list(node, 0, spec->predicates, spec->n_predicates, err);
    if (status == VONK_OK) status = vonk_plan_hold_table(node, parts->scan->scan.table, err);
    if (status == VONK_OK) status = vonk_plan_hold_scan(node, scan, err);
    if (status == VONK_OK) status = vonk_plan_set_output(node, parts->scan->output, parts->scan->n_output, err);
    if (status != VONK_OK) {
        vonk_plan_unref(node);
        return status;
    }
    memcpy(columns, spec->columns, spec->n_columns * sizeof *columns);
    node->scan.columns = columns;
    node->scan.n_columns = spec->n_columns;
    node->scan.limit = spec->limit;
    return vonk_plan_finish(node, ret, err);
}

/* What the source left over, as a FILTER above the scan. */
static vonk_status residual(const vonk_opt_env *env, scan_parts *parts, const vonk_plan *scan, const vonk_plan **ret,
                            vonk_error *err)
{
    VONK_AUTO(vonk_expr_unref) const vonk_expr *condition = NULL, *bound = NULL;
    vonk__exprs left = {0};
    vonk_plan *node = NULL;

    for (size_t i = 0; i < parts->plain.n; i++)
        if (!parts->wholly[i]) VONK_TRY(VONK_VEC_ARENA_PUSH(&left, parts->arena, parts->plain.at[i], err));
    if (left.n == 0) {
        *ret = vonk_plan_ref(scan);
        return VONK_OK;
    }
    VONK_TRY(vonk_ex_and(env->budget, left.at, (uint32_t)left.n, &condition, err));
    VONK_TRY(vonk__opt_bind(env, condition, &parts->scan, 1, &bound, err));
    VONK_TRY(vonk__opt_node(env, VONK_PN_P_FILTER, &scan, 1, &(vonk__lists){.at = {&bound}, .n = {1}, .n_lists = 1},
                            &node, err));
    return vonk_plan_finish(node, ret, err);
}

vonk_status vonk__opt_lower_scan(const vonk_opt_env *env, const vonk_plan *p, const vonk_expr *condition,
                                 const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *scan = NULL;
    vonk_scan_spec spec;

    VONK_TRY(vonk_arena_new(env->budget, &arena, err));
    scan_parts parts = {.arena = arena, .scan = p};
    VONK_TRY(collect(env, &parts, condition, err));
    VONK_TRY(choose(env, &parts, &spec, err));

    const vonk_expr **pushed = NULL;
    VONK_TRY(vonk_arena_array(arena, parts.bound.n + 1, sizeof *pushed, &pushed, err));
    spec.predicates = pushed;
    spec.n_predicates = 0;
    for (size_t i = 0; i < parts.bound.n; i++)
        if (parts.wholly[i]) pushed[spec.n_predicates++] = parts.bound.at[i];
    VONK_TRY(scan_node(env, &parts, &spec, &scan, err));
    return residual(env, &parts, scan, ret, err);
}
