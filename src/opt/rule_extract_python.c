/* opt/rule_extract_python.c -- calls of Python leave the expressions and get a node of their own below, which sends
 * rows to workers.
 *
 *   Filter [f(a) > 1]                Project [a, b]
 *   +- Relation [a, b]         =>    +- Filter [p > 1]
 *                                       +- PythonEval [f(a) AS p]
 *                                          +- Relation [a, b]
 *
 * Calls in calls, f(g(a)), run in one go when they are of one kind and f has no other argument; else g gets the lower
 * node. Calls over aggregates go above the Aggregate, all others below. In join conditions a call over one side goes
 * below that side, one over both sides into a Filter above an inner join. */
#include "opt/rules.h"
#include "opt/scratch.h"

typedef struct extractor {
    vonk__scratch s;
    vonk__exprs calls;   /* different calls that can run now */
    vonk__exprs columns; /* of the node below, in their place */
} extractor;

static bool is_call(const vonk_expr *e) { return e->kind == VONK_EX_PYTHON && e->python->role == VONK_PY_ROLE_SCALAR; }

static bool has_call(const vonk_expr *e) { return vonk_expr_any(e, VONK_EX_BIT(VONK_EX_PYTHON), is_call); }

static bool in_lists(const vonk_plan *p)
{
    for (uint32_t l = 0; l < p->n_lists; l++)
        for (uint32_t i = 0; i < p->lists[l].n; i++)
            if (has_call(p->lists[l].at[i])) return true;
    return false;
}

/* A function over all batches of a partition runs alone. */
static bool runs_alone(const vonk_expr *call)
{
    return call->python->eval == VONK_PY_SCALAR_PANDAS_ITER_UDF || call->python->eval == VONK_PY_SCALAR_ARROW_ITER_UDF;
}

/* f(g(h(..))): can all run in one task? Their arguments are then those of the innermost. */
static bool is_chain(const vonk_expr *e)
{
    while (e->n_children == 1 && e->n_parts == 0 && !runs_alone(e) && is_call(e->children[0]) &&
           e->children[0]->python->eval == e->python->eval && e->python->deterministic &&
           e->children[0]->python->deterministic)
        e = e->children[0];
    for (uint32_t i = 0; i < e->n_children; i++)
        if (has_call(e->children[i])) return false;
    return true;
}

static vonk_status gather(extractor *x, const vonk_expr *e, vonk_error *err)
{
    if (!is_call(e) || !is_chain(e)) {
        for (uint32_t i = 0; i < e->n_children; i++)
            VONK_TRY(gather(x, e->children[i], err)); /* depth: VONK_MAX_EXPR_DEPTH */
        return VONK_OK;
    }
    for (size_t i = 0; i < x->calls.n; i++)
        if (vonk_expr_is_deterministic(e) && vonk_expr_equal(x->calls.at[i], e)) return VONK_OK;
    return VONK_VEC_ARENA_PUSH(&x->calls, x->s.arena, e, err);
}

static vonk_status replaced(extractor *x, const vonk_expr *e, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr **children = NULL;

    *ret = e;
    for (size_t i = 0; is_call(e) && i < x->calls.n; i++)
        if (x->calls.at[i] == e || (vonk_expr_is_deterministic(e) && vonk_expr_equal(x->calls.at[i], e))) {
            *ret = x->columns.at[i];
            return VONK_OK;
        }
    if (!has_call(e)) return VONK_OK;
    VONK_TRY(vonk_arena_array(x->s.arena, e->n_children, sizeof *children, &children, err));
    for (uint32_t i = 0; i < e->n_children; i++) VONK_TRY(replaced(x, e->children[i], &children[i], err));
    return vonk__mk_copy(&x->s, e, children, ret, err);
}

/* One node per kind of function, over `child`. */
static vonk_status eval_nodes(extractor *x, const vonk_plan *child, const vonk_plan **ret, vonk_error *err)
{
    vonk__exprs aliases = {0};

    for (size_t i = 0; i < x->calls.n; i++) {
        const vonk_expr *alias = NULL, *column = NULL;
        VONK_TRY(vonk__mk_alias(&x->s, x->calls.at[i], "pythonUDF", &alias, &column, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&aliases, x->s.arena, alias, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&x->columns, x->s.arena, column, err));
    }
    *ret = child;
    for (size_t first = 0; first < aliases.n; first++) {
        const vonk_py_eval eval = x->calls.at[first]->python->eval;
        vonk__exprs same = {0};
        vonk_plan *node = NULL;
        bool done = false;
        const bool alone = runs_alone(x->calls.at[first]);
        for (size_t i = 0; i < first && !alone; i++) done |= x->calls.at[i]->python->eval == eval;
        for (size_t i = first; !done && i < (alone ? first + 1 : aliases.n); i++)
            if (x->calls.at[i]->python->eval == eval)
                VONK_TRY(VONK_VEC_ARENA_PUSH(&same, x->s.arena, aliases.at[i], err));
        if (done) continue;
        VONK_TRY(vonk_plan_new(x->s.env->budget, VONK_PN_PYTHON_EVAL, ret, 1, &node, err));
        const vonk_status status = vonk_plan_set_list(node, 0, same.at, vonk_u32_of(same.n), err);
        if (status != VONK_OK) {
            vonk_plan_unref(node);
            return status;
        }
        VONK_TRY(vonk_plan_finish(node, ret, err));
        VONK_TRY(vonk__scratch_keep_plan(&x->s, *ret, err));
    }
    return VONK_OK;
}

/* The node over other children, calls in its lists replaced. */
static vonk_status over(extractor *x, const vonk_plan *p, const vonk_plan *const *children, const vonk_plan **ret,
                        vonk_error *err)
{
    vonk_plan *copy = NULL;
    vonk_status status = VONK_OK;

    VONK_TRY(vonk_plan_copy(x->s.env->budget, p, children, p->n_children, &copy, err));
    for (uint32_t l = 0; l < p->n_lists && status == VONK_OK; l++) {
        vonk__exprs list = {0};
        for (uint32_t i = 0; i < p->lists[l].n && status == VONK_OK; i++) {
            const vonk_expr *e = NULL;
            status = replaced(x, p->lists[l].at[i], &e, err);
            if (status == VONK_OK) status = VONK_VEC_ARENA_PUSH(&list, x->s.arena, e, err);
        }
        if (status == VONK_OK) status = vonk_plan_set_list(copy, l, list.at, vonk_u32_of(list.n), err);
    }
    if (status != VONK_OK) {
        vonk_plan_unref(copy);
        return status;
    }
    VONK_TRY(vonk_plan_finish(copy, ret, err));
    return vonk__scratch_keep_plan(&x->s, *ret, err);
}

/* ---- one child */
static vonk_status from_unary(extractor *x, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *child = NULL, *whole = p;

    while (in_lists(p)) {
        x->calls.n = x->columns.n = 0;
        for (uint32_t l = 0; l < p->n_lists; l++)
            for (uint32_t i = 0; i < p->lists[l].n; i++) VONK_TRY(gather(x, p->lists[l].at[i], err));
        VONK_TRY(eval_nodes(x, p->children[0], &child, err));
        VONK_TRY(over(x, p, &child, &p, err));
    }
    return vonk__mk_output_like(&x->s, p, whole, ret, err);
}

/* ---- aggregates: outputs whose calls need what the aggregate makes are computed above it */
typedef struct lifter {
    extractor *x;
    const vonk_expr_list *keys;
    vonk__exprs parts, columns; /* keys and aggregates that are needed above, and how they are called there */
    vonk__exprs outputs;        /* ALIASes of them */
} lifter;

static bool is_part(const lifter *f, const vonk_expr *e)
{
    if (e->kind == VONK_EX_FUNCTION && e->fn->kind == VONK_FN_AGGREGATE) return true;
    if (e->kind == VONK_EX_PYTHON && e->python->role == VONK_PY_ROLE_AGGREGATE) return true;
    for (uint32_t k = 0; k < f->keys->n; k++)
        if (vonk_expr_equal(f->keys->at[k], e)) return true;
    return false;
}

/* Is there a call that is neither a key nor inside of one, or of an aggregate? */
static bool needs_lift(const lifter *f, const vonk_expr *e)
{
    if (is_part(f, e)) return false;
    if (is_call(e)) return true;
    for (uint32_t i = 0; i < e->n_children; i++)
        if (needs_lift(f, e->children[i])) return true;
    return false;
}

static vonk_status lifted(lifter *f, const vonk_expr *e, const vonk_expr **ret, vonk_error *err)
{
    vonk__scratch *s = &f->x->s;
    const vonk_expr **children = NULL, *alias = NULL;

    *ret = e;
    if (is_part(f, e)) {
        for (size_t i = 0; i < f->parts.n; i++)
            if (vonk_expr_equal(f->parts.at[i], e)) {
                *ret = f->columns.at[i];
                return VONK_OK;
            }
        VONK_TRY(vonk__mk_alias(s, e, "aggregate", &alias, ret, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&f->parts, s->arena, e, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&f->columns, s->arena, *ret, err));
        return VONK_VEC_ARENA_PUSH(&f->outputs, s->arena, alias, err);
    }
    if (e->n_children == 0) return VONK_OK;
    VONK_TRY(vonk_arena_array(s->arena, e->n_children, sizeof *children, &children, err));
    for (uint32_t i = 0; i < e->n_children; i++) VONK_TRY(lifted(f, e->children[i], &children[i], err));
    return vonk__mk_copy(s, e, children, ret, err);
}

/* ---- aggregates of Python get a node of their own; what is computed from them goes above it, what they are computed
 * of below */
static bool is_python_aggregate(const vonk_expr *call) { return call->python->role == VONK_PY_ROLE_AGGREGATE; }

static bool has_python_aggregate(const vonk_expr_list *list)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (vonk_expr_any(list->at[i], VONK_EX_BIT(VONK_EX_PYTHON), is_python_aggregate)) return true;
    return false;
}

/* What expressions are computed of, as columns of a node below. */
typedef struct operands {
    vonk__exprs exprs, columns; /* alike */
    vonk__exprs list;           /* of the node */
} operands;

static vonk_status operand(extractor *x, operands *o, const vonk_expr *e, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *item = e;

    *ret = e;
    for (size_t i = 0; i < o->exprs.n; i++)
        if (vonk_expr_equal(o->exprs.at[i], e) && vonk_expr_is_deterministic(e)) {
            *ret = o->columns.at[i];
            return VONK_OK;
        }
    if (e->kind != VONK_EX_COLUMN) VONK_TRY(vonk__mk_alias(&x->s, e, "operand", &item, ret, err));
    VONK_TRY(VONK_VEC_ARENA_PUSH(&o->exprs, x->s.arena, e, err));
    VONK_TRY(VONK_VEC_ARENA_PUSH(&o->columns, x->s.arena, *ret, err));
    return VONK_VEC_ARENA_PUSH(&o->list, x->s.arena, item, err);
}

static vonk_status call_of_operands(extractor *x, operands *o, const vonk_expr *call, const vonk_expr **ret,
                                    vonk_error *err)
{
    const vonk_expr **args = NULL;

    VONK_TRY(vonk_arena_array(x->s.arena, call->n_children + 1, sizeof *args, &args, err));
    for (uint32_t i = 0; i < call->n_children; i++) VONK_TRY(operand(x, o, call->children[i], &args[i], err));
    return vonk__mk_copy(&x->s, call, args, ret, err);
}

/* Aggregates of one kind only, and none of SQL beside them. */
static vonk_status check_kinds(const lifter *f, vonk_error *err)
{
    const vonk_expr *first = NULL;
    const vonk_expr *sql = NULL;
    char names[256] = "";
    size_t at = 0;

    for (size_t i = 0; i < f->parts.n; i++) {
        const vonk_expr *e = f->parts.at[i];
        if (e->kind == VONK_EX_FUNCTION && e->fn->kind == VONK_FN_AGGREGATE) sql = e;
        if (e->kind != VONK_EX_PYTHON || e->python->role != VONK_PY_ROLE_AGGREGATE) continue;
        char name[128];
        snprintf(name, sizeof name, "`%.*s`", VONK_STR_ARGS(e->python->name));
        if (at < sizeof names - sizeof name && !strstr(names, name))
            at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", at ? ", " : "", name);
        if (first && first->python->eval != e->python->eval)
            return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                             "aggregates of Python of different kinds in one aggregation");
        first = e;
    }
    return sql ? VONK_FAIL(err, VONK_E_INVALID_PANDAS_UDF_PLACEMENT, "functionList", names) : VONK_OK;
}

static vonk_status python_aggregate_node(extractor *x, const vonk_plan *child, const vonk__exprs *keys,
                                         const vonk__exprs *calls, const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *node = NULL;

    VONK_TRY(vonk_plan_new(x->s.env->budget, VONK_PN_PYTHON_AGGREGATE, &child, 1, &node, err));
    vonk_status status = vonk_plan_set_list(node, 0, keys->at, vonk_u32_of(keys->n), err);
    if (status == VONK_OK) status = vonk_plan_set_list(node, 1, calls->at, vonk_u32_of(calls->n), err);
    if (status != VONK_OK) {
        vonk_plan_unref(node);
        return status;
    }
    VONK_TRY(vonk_plan_finish(node, ret, err));
    return vonk__scratch_keep_plan(&x->s, *ret, err);
}

static vonk_status from_python_aggregate(extractor *x, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    lifter f = {.x = x, .keys = &p->lists[0]};
    operands o = {0};
    vonk__exprs above = {0}, keys = {0}, calls = {0};
    const vonk_plan *lower = NULL;

    for (uint32_t i = 0; i < p->lists[1].n; i++) {
        const vonk_expr *e = NULL;
        VONK_TRY(lifted(&f, p->lists[1].at[i], &e, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&above, x->s.arena, e, err));
    }
    VONK_TRY(check_kinds(&f, err));
    for (uint32_t i = 0; i < p->lists[0].n; i++) {
        const vonk_expr *column = NULL;
        VONK_TRY(operand(x, &o, p->lists[0].at[i], &column, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&keys, x->s.arena, column, err));
    }
    /* the aggregates, and the keys, by the names that are used above */
    uint64_t *from = NULL;
    const vonk_expr **to = NULL;
    size_t n = 0;
    VONK_TRY(vonk_arena_array(x->s.arena, f.parts.n + 1, sizeof *from, &from, err));
    VONK_TRY(vonk_arena_array(x->s.arena, f.parts.n + 1, sizeof *to, &to, err));
    for (size_t i = 0; i < f.parts.n; i++) {
        const vonk_expr *part = f.parts.at[i], *call = NULL, *alias = NULL;
        from[n] = f.columns.at[i]->id;
        if (part->kind == VONK_EX_PYTHON && part->python->role == VONK_PY_ROLE_AGGREGATE) {
            VONK_TRY(call_of_operands(x, &o, part, &call, err));
            VONK_TRY(vonk__mk_alias(&x->s, call, "pythonUDF", &alias, &to[n++], err));
            VONK_TRY(VONK_VEC_ARENA_PUSH(&calls, x->s.arena, alias, err));
        } else {
            VONK_TRY(operand(x, &o, part, &to[n++], err)); /* a key */
        }
    }
    VONK_TRY(vonk__mk_project(&x->s, p->children[0], o.list.at, o.list.n, &lower, err));
    VONK_TRY(from_unary(x, lower, &lower, err));
    VONK_TRY(python_aggregate_node(x, lower, &keys, &calls, &lower, err));
    for (size_t i = 0; i < above.n; i++) {
        const vonk_expr *e = NULL;
        VONK_TRY(vonk__mk_replace(&x->s, above.at[i], from, to, n, &e, err));
        if (e->kind != VONK_EX_ALIAS && e->id != p->output[i]->id) { /* a key as it is, under its name */
            vonk_expr *alias = NULL;
            VONK_TRY(vonk_expr_new(x->s.env->budget, VONK_EX_ALIAS, &e, 1, &alias, err));
            alias->id = p->output[i]->id;
            const vonk_status status = vonk_expr_set_name(alias, p->output[i]->name, err);
            if (status != VONK_OK) {
                vonk_expr_unref(alias);
                return status;
            }
            VONK_TRY(vonk_expr_finish(alias, &e, err));
            VONK_TRY(vonk__scratch_keep_expr(&x->s, e, err));
        }
        above.at[i] = e;
    }
    return vonk__mk_project(&x->s, lower, above.at, above.n, ret, err);
}

static vonk_status from_lower_aggregate(extractor *x, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    return has_python_aggregate(&p->lists[1]) ? from_python_aggregate(x, p, ret, err) : from_unary(x, p, ret, err);
}

/* Windows of Python: the arguments become columns of a node below. */
static vonk_status from_window(extractor *x, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *whole = p, *child = NULL;
    vonk__exprs items = {0};
    operands o = {0};
    vonk_plan *copy = NULL;

    VONK_TRY(from_unary(x, p, &p, err));
    *ret = p;
    if (p->kind == VONK_PN_PROJECT) p = p->children[0]; /* columns of calls beside those of the window */
    if (!has_python_aggregate(&p->lists[0])) return VONK_OK;
    for (uint32_t i = 0; i < p->children[0]->n_output; i++) {
        const vonk_expr *column = NULL;
        VONK_TRY(operand(x, &o, p->children[0]->output[i], &column, err));
    }
    for (uint32_t i = 0; i < p->lists[0].n; i++) {
        const vonk_expr *alias = p->lists[0].at[i], *window = alias->children[0], *call = NULL, *item = NULL;
        const vonk_expr **children = NULL;
        VONK_TRY(call_of_operands(x, &o, window->children[0], &call, err));
        VONK_TRY(vonk_arena_array(x->s.arena, window->n_children, sizeof *children, &children, err));
        for (uint32_t c = 0; c < window->n_children; c++) children[c] = c ? window->children[c] : call;
        VONK_TRY(vonk__mk_copy(&x->s, window, children, &item, err));
        VONK_TRY(vonk__mk_copy(&x->s, alias, &item, &item, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&items, x->s.arena, item, err));
    }
    if (o.list.n == p->children[0]->n_output) return VONK_OK;
    VONK_TRY(vonk__mk_project(&x->s, p->children[0], o.list.at, o.list.n, &child, err));
    VONK_TRY(vonk_plan_copy(x->s.env->budget, p, &child, 1, &copy, err));
    const vonk_status status = vonk_plan_set_list(copy, 0, items.at, vonk_u32_of(items.n), err);
    if (status != VONK_OK) {
        vonk_plan_unref(copy);
        return status;
    }
    VONK_TRY(vonk_plan_finish(copy, ret, err));
    VONK_TRY(vonk__scratch_keep_plan(&x->s, *ret, err));
    return vonk__mk_output_like(&x->s, *ret, whole, ret, err);
}

static vonk_status from_aggregate(extractor *x, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    lifter f = {.x = x, .keys = &p->lists[0]};
    vonk__exprs above = {0};
    const vonk_plan *lower = NULL, *upper = NULL;
    bool any = false;

    for (uint32_t i = 0; i < p->lists[1].n; i++) any |= needs_lift(&f, p->lists[1].at[i]);
    if (!any) return from_lower_aggregate(x, p, ret, err);
    for (uint32_t i = 0; i < p->lists[1].n; i++) {
        const vonk_expr *e = NULL;
        VONK_TRY(lifted(&f, p->lists[1].at[i], &e, err));
        if (e->kind != VONK_EX_ALIAS) { /* a key as it is: its column goes by a new id below, and by its own above */
            const vonk_expr *out = p->output[i];
            vonk_expr *alias = NULL;
            VONK_TRY(vonk_expr_new(x->s.env->budget, VONK_EX_ALIAS, &e, 1, &alias, err));
            alias->id = out->id;
            const vonk_status status = vonk_expr_set_name(alias, out->name, err);
            if (status != VONK_OK) {
                vonk_expr_unref(alias);
                return status;
            }
            VONK_TRY(vonk_expr_finish(alias, &e, err));
            VONK_TRY(vonk__scratch_keep_expr(&x->s, e, err));
        }
        VONK_TRY(VONK_VEC_ARENA_PUSH(&above, x->s.arena, e, err));
    }
    VONK_TRY(vonk__mk_aggregate(&x->s, p->children[0], f.keys->at, f.keys->n, f.outputs.at, f.outputs.n, &lower, err));
    VONK_TRY(from_lower_aggregate(x, lower, &lower, err));
    VONK_TRY(vonk__mk_project(&x->s, lower, above.at, above.n, &upper, err));
    return from_unary(x, upper, ret, err);
}

/* ---- joins */
typedef struct sides {
    const vonk_plan *join;
    bool used[2];
} sides;

static vonk_walk note_side(const vonk_expr *e, void *arg)
{
    sides *at = arg;

    if (e->kind == VONK_EX_COLUMN) at->used[vonk_plan_has_column(at->join->children[0], e->id) ? 0 : 1] = true;
    return VONK_WALK_ON;
}

/* Is there a call over columns of both sides? */
static bool is_across(const vonk_plan *join, const vonk_expr *e)
{
    sides at = {.join = join};

    if (is_call(e)) {
        vonk_expr_walk(e, note_side, &at);
        if (at.used[0] && at.used[1]) return true;
    }
    for (uint32_t i = 0; i < e->n_children; i++)
        if (is_across(join, e->children[i])) return true;
    return false;
}

/* Calls that only use this side. A call of no columns counts for the left one. */
static vonk_status gather_side(extractor *x, const vonk_plan *join, uint32_t side, const vonk_expr *e, vonk_error *err)
{
    sides at = {.join = join};

    if (is_call(e) && is_chain(e)) {
        vonk_expr_walk(e, note_side, &at);
        return at.used[side] || (side == 0 && !at.used[1]) ? gather(x, e, err) : VONK_OK;
    }
    for (uint32_t i = 0; i < e->n_children; i++) VONK_TRY(gather_side(x, join, side, e->children[i], err));
    return VONK_OK;
}

static const char *join_name(vonk_join_type type)
{
    switch (type) {
    case VONK_JOIN_LEFT: return "LEFT OUTER";
    case VONK_JOIN_RIGHT: return "RIGHT OUTER";
    case VONK_JOIN_FULL: return "FULL OUTER";
    case VONK_JOIN_SEMI: return "LEFT SEMI";
    case VONK_JOIN_ANTI: return "LEFT ANTI";
    default: return "INNER";
    }
}

static vonk_status from_join(extractor *x, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    const bool inner = p->join.type == VONK_JOIN_INNER || p->join.type == VONK_JOIN_CROSS;
    const vonk_plan *whole = p, *joined = NULL;
    vonk__exprs kept = {0}, later = {0};
    const vonk_expr *const *terms = p->lists[0].at;
    uint32_t n = p->lists[0].n;

    if (n == 1 && terms[0]->kind == VONK_EX_AND) {
        n = terms[0]->n_children;
        terms = terms[0]->children;
    }
    for (uint32_t i = 0; i < n; i++) {
        const bool across = is_across(p, terms[i]);
        if (across && !inner)
            return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE__PYTHON_UDF_IN_ON_CLAUSE, "joinType",
                             join_name(p->join.type));
        VONK_TRY(VONK_VEC_ARENA_PUSH(across ? &later : &kept, x->s.arena, terms[i], err));
    }
    if (later.n > 0) {
        VONK_TRY(vonk__mk_join(&x->s, p->children[0], p->children[1], VONK_JOIN_INNER, kept.at, kept.n, &joined, err));
        p = joined;
    }
    while (in_lists(p)) {
        const vonk_plan *children[2] = {p->children[0], p->children[1]};
        x->calls.n = x->columns.n = 0;
        for (uint32_t side = 0; side < 2; side++) {
            const extractor before = *x;
            VONK_TRY(gather_side(x, whole, side, p->lists[0].at[0], err));
            extractor here = *x;
            here.calls.at += before.calls.n;
            here.calls.n -= before.calls.n;
            here.columns = (vonk__exprs){0};
            VONK_TRY(eval_nodes(&here, children[side], &children[side], err));
            for (size_t i = 0; i < here.columns.n; i++)
                VONK_TRY(VONK_VEC_ARENA_PUSH(&x->columns, x->s.arena, here.columns.at[i], err));
        }
        VONK_TRY(over(x, p, children, &p, err));
    }
    if (later.n == 0) return vonk__mk_output_like(&x->s, p, whole, ret, err);
    VONK_TRY(vonk__mk_filter(&x->s, p, later.at, later.n, &p, err));
    VONK_TRY(from_unary(x, p, &p, err));
    return vonk__mk_output_like(&x->s, p, whole, ret, err);
}

static vonk_status extract(const vonk_plan *p, void *arg, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const vonk_opt_env *env = arg;
    const vonk_plan *done = p;

    const bool aggregates = (p->kind == VONK_PN_AGGREGATE && has_python_aggregate(&p->lists[1])) ||
                            (p->kind == VONK_PN_WINDOW && has_python_aggregate(&p->lists[0]));
    if ((!in_lists(p) && !aggregates) || p->kind == VONK_PN_PYTHON_EVAL || p->kind == VONK_PN_PYTHON_AGGREGATE) {
        *ret = vonk_plan_ref(p);
        return VONK_OK;
    }
    VONK_TRY(vonk_arena_new(env->budget, &arena, err));
    extractor x = {.s = {env, arena}};
    if (p->kind == VONK_PN_AGGREGATE)
        VONK_TRY(from_aggregate(&x, p, &done, err));
    else if (p->kind == VONK_PN_WINDOW)
        VONK_TRY(from_window(&x, p, &done, err));
    else if (p->kind == VONK_PN_JOIN)
        VONK_TRY(from_join(&x, p, &done, err));
    else if (p->n_children == 1)
        VONK_TRY(from_unary(&x, p, &done, err));
    else
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "a Python function in this place");
    *ret = vonk_plan_ref(done);
    return VONK_OK;
}

vonk_status vonk__rule_extract_python(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret,
                                      vonk_error *err)
{
    return vonk_plan_rewrite(env->budget, plan, extract, (void *)env, ret, err);
}
