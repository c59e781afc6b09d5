/* opt/physical_python.c -- functions of Python over groups: rows of a group come together, the operator sorts them
 * itself. Pairs of groups are groups of one union, whose rows say which side they are of. Windows are groups with a row
 * out for each row in; the ends of their frames are computed by a window node below. */
#include "opt/opt_int.h"

typedef struct lowering {
    const vonk_opt_env *env;
    vonk_arena *arena;
} lowering;

static vonk_status column(lowering *l, uint32_t index, const vonk_expr *like, const vonk_expr **ret, vonk_error *err)
{
    VONK_TRY(vonk_ex_bound(l->env->budget, index, like->type, like->nullable, like->name, ret, err));
    return vonk__opt_keep(l->arena, *ret, err);
}

/* P_PYTHON_GROUPS with the logical node's columns. */
static vonk_status groups_node(lowering *l, const vonk_plan *child, const vonk__lists *lists, bool per_row,
                               const vonk_plan *like, const vonk_plan **ret, vonk_error *err)
{
    const vonk_expr **output = NULL;
    vonk_plan *node = NULL;

    VONK_TRY(vonk_arena_array(l->arena, like->n_output + 1, sizeof *output, &output, err));
    for (uint32_t i = 0; i < like->n_output; i++) VONK_TRY(column(l, i, like->output[i], &output[i], err));
    VONK_TRY(vonk__opt_node(l->env, VONK_PN_P_PYTHON_GROUPS, &child, 1, lists, &node, err));
    node->number = per_row;
    const vonk_status status = vonk_plan_set_output(node, output, like->n_output, err);
    if (status != VONK_OK) {
        vonk_plan_unref(node);
        return status;
    }
    return vonk_plan_finish(node, ret, err);
}

/* Rows with equal keys in one partition; without keys all rows. */
static vonk_status placed_by(lowering *l, const vonk_plan *child, const vonk_expr *const *keys, uint32_t n,
                             const vonk_plan **ret, vonk_error *err)
{
    const int32_t n_partitions = n ? (int32_t)vonk_conf_i64(l->env->conf, "spark.sql.shuffle.partitions") : 1;

    return vonk__opt_exchange(l->env, child, n ? VONK_EXCHANGE_HASH : VONK_EXCHANGE_SINGLE, keys, n, n_partitions,
                              false, ret, err);
}

/* ---- one side: maps over groups, aggregates */
static vonk_status lower_one(lowering *l, const vonk_plan *p, uint32_t calls_at, uint32_t keys_at,
                             const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *child = NULL, *placed = NULL;
    const vonk_expr **calls = NULL, **keys = NULL;
    const vonk_expr_list *from_calls = &p->lists[calls_at], *from_keys = &p->lists[keys_at];

    VONK_TRY(vonk__opt_lower(l->env, p->children[0], &child, err));
    VONK_TRY(vonk__opt_bind_list(l->env, l->arena, from_calls->at, from_calls->n, p->children[0], VONK__BIND_VALUES,
                                 &calls, err));
    VONK_TRY(vonk__opt_bind_list(l->env, l->arena, from_keys->at, from_keys->n, p->children[0], VONK__BIND_VALUES,
                                 &keys, err));
    VONK_TRY(placed_by(l, child, keys, from_keys->n, &placed, err));
    const vonk__lists lists = {.at = {calls, keys, NULL}, .n = {from_calls->n, from_keys->n, 0}, .n_lists = 3};
    return groups_node(l, placed, &lists, false, p, ret, err);
}

/* ---- two sides: [keys, side, columns of the left one, of the right one] */
typedef struct pair {
    const vonk_plan *node;
    const vonk_expr *call;
    uint32_t n_keys, n_columns; /* of the union */
} pair;

static vonk_status side_of(lowering *l, const pair *c, uint32_t side, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *child = NULL;
    const vonk_plan *from = c->node->children[side];
    const vonk_expr **keys = NULL, **list = NULL;
    vonk_plan *project = NULL;
    uint32_t n = 0;

    VONK_TRY(vonk__opt_lower(l->env, from, &child, err));
    VONK_TRY(vonk__opt_bind_list(l->env, l->arena, c->node->lists[1 + side].at, c->n_keys, from, VONK__BIND_VALUES,
                                 &keys, err));
    VONK_TRY(vonk_arena_array(l->arena, c->n_columns, sizeof *list, &list, err));
    for (uint32_t i = 0; i < c->n_keys; i++) {
        const vonk_type *type = c->node->lists[1].at[i]->type;
        list[n] = keys[i];
        if (!vonk_type_same(keys[i]->type, type)) {
            VONK_TRY(vonk_ex_cast(l->env->budget, keys[i], type, VONK_MODE_LEGACY, &list[n], err));
            VONK_TRY(vonk__opt_keep(l->arena, list[n], err));
        }
        n++;
    }
    VONK_TRY(vonk_ex_int(l->env->budget, side, &vonk_type_int, &list[n], err));
    VONK_TRY(vonk__opt_keep(l->arena, list[n++], err));
    for (uint32_t i = 0; i < c->call->n_children; i++, n++) {
        const vonk_expr *arg = c->call->children[i];
        if ((i >= c->call->n_args) == (side == 1))
            VONK_TRY(vonk__opt_bind(l->env, arg, &from, 1, &list[n], err));
        else
            VONK_TRY(vonk_ex_null(l->env->budget, arg->type, &list[n], err));
        VONK_TRY(vonk__opt_keep(l->arena, list[n], err));
    }
    VONK_TRY(vonk__opt_node(l->env, VONK_PN_P_PROJECT, &child, 1, &(vonk__lists){.at = {list}, .n = {n}, .n_lists = 1},
                            &project, err));
    return vonk_plan_finish(project, ret, err);
}

static vonk_status call_over_union(lowering *l, const pair *c, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr **args = NULL;
    vonk_expr *copy = NULL;

    VONK_TRY(vonk_arena_array(l->arena, c->call->n_children + 1, sizeof *args, &args, err));
    for (uint32_t i = 0; i < c->call->n_children; i++) {
        VONK_TRY(vonk_ex_bound(l->env->budget, c->n_keys + 1 + i, c->call->children[i]->type, true,
                               c->call->children[i]->name, &args[i], err));
        VONK_TRY(vonk__opt_keep(l->arena, args[i], err));
    }
    VONK_TRY(vonk_expr_copy(l->env->budget, c->call, args, c->call->n_children, &copy, err));
    VONK_TRY(vonk_expr_finish(copy, ret, err));
    return vonk__opt_keep(l->arena, *ret, err);
}

static vonk_status union_of(lowering *l, const pair *c, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *left = NULL, *right = NULL;
    vonk_plan *node = NULL;

    VONK_TRY(side_of(l, c, 0, &left, err));
    VONK_TRY(side_of(l, c, 1, &right, err));
    VONK_TRY(vonk__opt_node(l->env, VONK_PN_P_UNION, (const vonk_plan *[]){left, right}, 2, NULL, &node, err));
    return vonk_plan_finish(node, ret, err);
}

static vonk_status lower_pairs(lowering *l, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *both = NULL, *placed = NULL;
    pair c = {.node = p, .call = p->lists[0].at[0], .n_keys = p->lists[1].n};
    const vonk_expr **keys = NULL, *call = NULL, *side = NULL;

    c.n_columns = c.n_keys + 1 + c.call->n_children;
    VONK_TRY(union_of(l, &c, &both, err));
    VONK_TRY(vonk_arena_array(l->arena, c.n_keys + 1, sizeof *keys, &keys, err));
    for (uint32_t i = 0; i < c.n_keys; i++) VONK_TRY(column(l, i, both->output[i], &keys[i], err));
    VONK_TRY(column(l, c.n_keys, both->output[c.n_keys], &side, err));
    VONK_TRY(vonk_ex_sort(l->env->budget, side, false, false, &side, err));
    VONK_TRY(vonk__opt_keep(l->arena, side, err));
    VONK_TRY(call_over_union(l, &c, &call, err));
    VONK_TRY(placed_by(l, both, keys, c.n_keys, &placed, err));
    const vonk__lists lists = {.at = {&call, keys, &side}, .n = {1, c.n_keys, 1}, .n_lists = 3};
    return groups_node(l, placed, &lists, false, p, ret, err);
}

vonk_status vonk__opt_lower_python_groups(const vonk_opt_env *env, const vonk_plan *p, const vonk_plan **ret,
                                          vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;

    VONK_TRY(vonk_arena_new(env->budget, &arena, err));
    lowering l = {env, arena};
    if (p->kind == VONK_PN_PYTHON_AGGREGATE) return lower_one(&l, p, 1, 0, ret, err);
    return p->n_children == 2 ? lower_pairs(&l, p, ret, err) : lower_one(&l, p, 0, 1, ret, err);
}

/* ---- windows */

/* Does the frame always reach over the whole window partition? */
static bool is_whole(const vonk_expr *window)
{
    if (!window->frame.given) return window->n_order == 0;
    if (window->n_order == 0 && !window->frame.rows) return true;
    return window->frame.lower == VONK_FRAME_UNBOUNDED && window->frame.upper == VONK_FRAME_UNBOUNDED;
}

/* WINDOW of the number `end` over that window: see P_WINDOW. */
static vonk_status frame_end(lowering *l, const vonk_expr *window, int64_t end, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr **children = NULL;
    vonk_expr *copy = NULL;

    VONK_TRY(vonk_arena_array(l->arena, window->n_children, sizeof *children, &children, err));
    for (uint32_t i = 1; i < window->n_children; i++) children[i] = window->children[i];
    VONK_TRY(vonk_ex_int(l->env->budget, end, &vonk_type_int, &children[0], err));
    VONK_TRY(vonk__opt_keep(l->arena, children[0], err));
    VONK_TRY(vonk_expr_copy(l->env->budget, window, children, window->n_children, &copy, err));
    VONK_TRY(vonk_expr_finish(copy, ret, err));
    return vonk__opt_keep(l->arena, *ret, err);
}

/* The call with the ends of the frame as its first arguments: columns at and at + 1. */
static vonk_status call_with_ends(lowering *l, const vonk_expr *call, uint32_t at, const vonk_expr **ret,
                                  vonk_error *err)
{
    const vonk_expr **args = NULL;
    vonk_str *names = NULL;
    const uint32_t n = call->n_children + 2;
    vonk_expr *copy = NULL;

    VONK_TRY(vonk_arena_array(l->arena, n, sizeof *args, &args, err));
    VONK_TRY(vonk_arena_array(l->arena, n, sizeof *names, &names, err));
    for (uint32_t i = 0; i < 2; i++) {
        VONK_TRY(vonk_ex_bound(l->env->budget, at + i, &vonk_type_int, false, VONK_STR("end"), &args[i], err));
        VONK_TRY(vonk__opt_keep(l->arena, args[i], err));
    }
    for (uint32_t i = 2; i < n; i++) {
        args[i] = call->children[i - 2];
        if (call->n_parts) names[i] = call->parts[i - 2];
    }
    VONK_TRY(vonk_expr_new(l->env->budget, VONK_EX_PYTHON, args, n, &copy, err));
    vonk_expr_set_python(copy, call->python);
    copy->id = call->id;
    copy->n_order = 2;
    const vonk_status status = call->n_parts ? vonk_expr_set_parts(copy, names, n, err) : VONK_OK;
    if (status != VONK_OK) {
        vonk_expr_unref(copy);
        return status;
    }
    VONK_TRY(vonk_expr_finish(copy, ret, err));
    return vonk__opt_keep(l->arena, *ret, err);
}

typedef struct window_parts {
    const vonk_expr **windows, **keys, **orders;
    uint32_t n, n_keys, n_orders;
} window_parts;

/* The window node below that computes ends, if there are any; the calls over its output. */
static vonk_status with_ends(lowering *l, const window_parts *w, const vonk_plan *placed, const vonk_expr **calls,
                             const vonk_plan **ret, vonk_error *err)
{
    const vonk_expr **ends = NULL;
    uint32_t n = 0;
    vonk_plan *node = NULL;

    VONK_TRY(vonk_arena_array(l->arena, 2 * w->n + 1, sizeof *ends, &ends, err));
    for (uint32_t i = 0; i < w->n; i++) {
        calls[i] = w->windows[i]->children[0];
        if (is_whole(w->windows[i])) continue;
        VONK_TRY(call_with_ends(l, calls[i], placed->n_output + n, &calls[i], err));
        for (int64_t end = 0; end < 2; end++) VONK_TRY(frame_end(l, w->windows[i], end, &ends[n++], err));
    }
    if (n == 0) {
        *ret = vonk_plan_ref(placed);
        return VONK_OK;
    }
    VONK_TRY(vonk__opt_node(
        l->env, VONK_PN_P_WINDOW, &placed, 1,
        &(vonk__lists){.at = {ends, w->keys, w->orders}, .n = {n, w->n_keys, w->n_orders}, .n_lists = 3}, &node, err));
    return vonk_plan_finish(node, ret, err);
}

vonk_status vonk__opt_lower_python_window(const vonk_opt_env *env, const vonk_plan *p, const vonk_plan **ret,
                                          vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *child = NULL, *placed = NULL, *below = NULL;
    const vonk_plan *from = p->children[0];
    const vonk_expr **calls = NULL;

    VONK_TRY(vonk_arena_new(env->budget, &arena, err));
    lowering l = {env, arena};
    window_parts w = {.n = p->lists[0].n, .n_keys = p->lists[1].n, .n_orders = p->lists[2].n};
    VONK_TRY(vonk__opt_lower(env, from, &child, err));
    VONK_TRY(vonk__opt_bind_list(l.env, l.arena, p->lists[0].at, w.n, from, VONK__BIND_VALUES, &w.windows, err));
    VONK_TRY(vonk__opt_bind_list(l.env, l.arena, p->lists[1].at, w.n_keys, from, VONK__BIND_VALUES, &w.keys, err));
    VONK_TRY(vonk__opt_bind_list(l.env, l.arena, p->lists[2].at, w.n_orders, from, VONK__BIND_VALUES, &w.orders, err));
    for (uint32_t i = 1; i < w.n; i++)
        if (w.windows[i]->children[0]->python->eval != w.windows[0]->children[0]->python->eval)
            return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                             "aggregates of Python of different kinds over one window");
    const vonk_py_eval eval = w.windows[0]->children[0]->python->eval;
    if (eval != VONK_PY_GROUPED_AGG_PANDAS_UDF && eval != VONK_PY_GROUPED_AGG_ARROW_UDF)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "an aggregate over iterators as a window function");
    VONK_TRY(placed_by(&l, child, w.keys, w.n_keys, &placed, err));
    VONK_TRY(vonk_arena_array(arena, w.n + 1, sizeof *calls, &calls, err));
    VONK_TRY(with_ends(&l, &w, placed, calls, &below, err));
    const vonk__lists lists = {.at = {calls, w.keys, w.orders}, .n = {w.n, w.n_keys, w.n_orders}, .n_lists = 3};
    return groups_node(&l, below, &lists, true, p, ret, err);
}

/* ---- table functions */

/* The columns of `from` that stand in these expressions; NULL: all. */
static vonk_status kept_columns(lowering *l, const vonk_plan *from, const vonk_expr_list *above, vonk__exprs *ret,
                                vonk_error *err)
{
    vonk_ids ids = {0};

    for (uint32_t i = 0; above && i < above->n; i++) VONK_TRY(vonk_expr_column_ids(above->at[i], l->arena, &ids, err));
    for (uint32_t i = 0; i < from->n_output; i++)
        if (!above || vonk_ids_has(&ids, from->output[i]->id))
            VONK_TRY(VONK_VEC_ARENA_PUSH(ret, l->arena, from->output[i], err));
    return VONK_OK;
}

static vonk_status table_node(lowering *l, const vonk_plan *p, const vonk__exprs *keep, const vonk__exprs *columns,
                              const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *child = NULL;
    const vonk_plan *from = p->children[0];
    const vonk_expr **call = NULL, **kept = NULL, **output = NULL;
    const uint32_t n_kept = vonk_u32_of(keep->n), n = vonk_u32_of(columns->n);
    vonk_plan *node = NULL;

    VONK_TRY(vonk__opt_lower(l->env, from, &child, err));
    VONK_TRY(vonk__opt_bind_list(l->env, l->arena, p->lists[0].at, 1, from, VONK__BIND_VALUES, &call, err));
    VONK_TRY(vonk__opt_bind_list(l->env, l->arena, keep->at, n_kept, from, VONK__BIND_VALUES, &kept, err));
    VONK_TRY(vonk_arena_array(l->arena, n + 1, sizeof *output, &output, err));
    for (uint32_t i = 0; i < n; i++) VONK_TRY(column(l, i, columns->at[i], &output[i], err));
    VONK_TRY(vonk__opt_node(l->env, VONK_PN_P_PYTHON_TABLE, &child, 1,
                            &(vonk__lists){.at = {call, kept}, .n = {1, n_kept}, .n_lists = 2}, &node, err));
    const vonk_status status = vonk_plan_set_output(node, output, n, err);
    if (status != VONK_OK) {
        vonk_plan_unref(node);
        return status;
    }
    return vonk_plan_finish(node, ret, err);
}

/* The generating node as if it had only these columns, to bind what is above. */
static vonk_status narrowed(lowering *l, const vonk_plan *p, const vonk__exprs *columns, const vonk_plan **ret,
                            vonk_error *err)
{
    vonk_plan *copy = NULL;

    VONK_TRY(vonk_plan_copy(l->env->budget, p, NULL, 0, &copy, err));
    const vonk_status status = vonk_plan_set_output(copy, columns->at, vonk_u32_of(columns->n), err);
    if (status != VONK_OK) {
        vonk_plan_unref(copy);
        return status;
    }
    return vonk_plan_finish(copy, ret, err);
}

vonk_status vonk__opt_lower_python_table(const vonk_opt_env *env, const vonk_plan *p, const vonk_plan *project,
                                         const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *table = NULL, *like = NULL;
    const vonk_expr **list = NULL;
    vonk__exprs keep = {0}, columns = {0};
    vonk_plan *node = NULL;

    VONK_TRY(vonk_arena_new(env->budget, &arena, err));
    lowering l = {env, arena};
    VONK_TRY(kept_columns(&l, p->children[0], project ? &project->lists[0] : NULL, &keep, err));
    for (size_t i = 0; i < keep.n; i++) VONK_TRY(VONK_VEC_ARENA_PUSH(&columns, arena, keep.at[i], err));
    for (uint32_t i = p->children[0]->n_output; i < p->n_output; i++)
        VONK_TRY(VONK_VEC_ARENA_PUSH(&columns, arena, p->output[i], err));
    VONK_TRY(table_node(&l, p, &keep, &columns, &table, err));
    if (!project) {
        *ret = VONK_STEAL(table);
        return VONK_OK;
    }
    VONK_TRY(narrowed(&l, p, &columns, &like, err));
    VONK_TRY(
        vonk__opt_bind_list(env, arena, project->lists[0].at, project->lists[0].n, like, VONK__BIND_NAMED, &list, err));
    VONK_TRY(vonk__opt_node(env, VONK_PN_P_PROJECT, &table, 1,
                            &(vonk__lists){.at = {list}, .n = {project->lists[0].n}, .n_lists = 1}, &node, err));
    return vonk_plan_finish(node, ret, err);
}
