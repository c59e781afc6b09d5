/* opt/rule_push_filters.c -- conditions travel towards the scans.
 *
 *   Filter [a > 1 AND b = c]            Join Inner [b = c]
 *   +- Join Cross                  =>   :- Filter [a > 1]
 *      :- Relation [a, b]               :  +- Relation [a, b]
 *      +- Relation [c]                  +- Relation [c]
 * The early run also derives: from a = b and f(a) follows f(b); from (A1 AND B1) OR (A2 AND B2) follows A1 OR A2 for
 * the side that has A's columns. */
#include "opt/rules.h"
#include "opt/scratch.h"
#include "plan/expr_set.h"

typedef struct pusher {
    vonk__scratch s;
    bool derive;
} pusher;

static vonk_status push(pusher *x, const vonk_plan *p, const vonk_expr_set *terms, const vonk_plan **ret,
                        vonk_error *err);

static vonk_status add(pusher *x, vonk_expr_set *list, const vonk_expr *e, vonk_error *err)
{
    return vonk_expr_set_add(list, x->s.arena, e, NULL, err);
}

/* Some terms may go below, the others stay in a filter above. */
typedef struct division {
    vonk_expr_set below, above;
} division;

static vonk_status push_filter(pusher *x, const vonk_plan *p, const vonk_expr_set *terms, const vonk_plan **ret,
                               vonk_error *err)
{
    vonk__exprs own = {0};
    vonk_expr_set all = {0}, stay = {0};
    const vonk_plan *child = NULL;

    VONK_TRY(vonk__opt_conjuncts(x->s.arena, p->lists[0].at[0], &own, err));
    for (size_t i = 0; i < own.n; i++)
        VONK_TRY(add(
            x, vonk_expr_is_deterministic(own.at[i]) && !vonk_expr_contains(own.at[i], VONK_EX_SUBQUERY) ? &all : &stay,
            own.at[i], err));
    if (stay.n > 0) { /* what comes from above may not pass a condition that must see every row */
        VONK_TRY(push(x, p->children[0], &all, &child, err));
        for (size_t i = 0; i < terms->n; i++) VONK_TRY(add(x, &stay, terms->at[i], err));
        return vonk__mk_filter(&x->s, child, stay.at, stay.n, ret, err);
    }
    for (size_t i = 0; i < terms->n; i++) VONK_TRY(add(x, &all, terms->at[i], err));
    return push(x, p->children[0], &all, ret, err);
}

/* ---- PROJECT, AGGREGATE, WINDOW: terms over what they only pass on */
static const vonk_expr *value_of(const vonk_expr *e) { return e->kind == VONK_EX_ALIAS ? e->children[0] : e; }

/* Every column of the term replaced by its definition; false when one may not be moved. */
static vonk_status through_list(pusher *x, const vonk_expr *term, const vonk_plan *p, uint32_t list,
                                bool (*may)(const vonk_plan *p, const vonk_expr *value), const vonk_expr **ret,
                                bool *ret_ok, vonk_error *err)
{
    const vonk_expr_list *defs = &p->lists[list];
    uint64_t *ids = NULL;
    vonk_ids used = {0};
    const vonk_expr **values = NULL;

    *ret_ok = true;
    VONK_TRY(vonk_expr_column_ids(term, x->s.arena, &used, err));
    VONK_TRY(vonk_arena_array(x->s.arena, defs->n + 1, sizeof *ids, &ids, err));
    VONK_TRY(vonk_arena_array(x->s.arena, defs->n + 1, sizeof *values, &values, err));
    for (uint32_t i = 0; i < defs->n; i++) {
        ids[i] = defs->at[i]->id;
        values[i] = value_of(defs->at[i]);
        if (vonk_ids_has(&used, ids[i]) && !may(p, values[i])) *ret_ok = false;
    }
    if (!*ret_ok) return VONK_OK;
    return vonk__mk_replace(&x->s, term, ids, values, defs->n, ret, err);
}

static bool may_pass_project(const vonk_plan *p, const vonk_expr *value)
{
    (void)p;
    return vonk_expr_is_deterministic(value) && !vonk_expr_has_generator(value) && !vonk_expr_has_window(value) &&
           !vonk_expr_contains(value, VONK_EX_SUBQUERY);
}

static bool may_pass_aggregate(const vonk_plan *p, const vonk_expr *value)
{
    for (uint32_t i = 0; i < p->lists[0].n; i++)
        if (vonk_expr_equal(p->lists[0].at[i], value)) return vonk_expr_is_deterministic(value);
    return false;
}

static vonk_status push_list(pusher *x, const vonk_plan *p, const vonk_expr_set *terms, uint32_t list,
                             bool (*may)(const vonk_plan *, const vonk_expr *), const vonk_plan **ret, vonk_error *err)
{
    division d = {0};
    const vonk_plan *child = NULL, *over = NULL;

    for (size_t i = 0; i < terms->n; i++) {
        const vonk_expr *e = NULL;
        bool ok = false;
        if (p->kind != VONK_PN_AGGREGATE || p->lists[0].n > 0)
            VONK_TRY(through_list(x, terms->at[i], p, list, may, &e, &ok, err));
        VONK_TRY(ok ? add(x, &d.below, e, err) : add(x, &d.above, terms->at[i], err));
    }
    VONK_TRY(push(x, p->children[0], &d.below, &child, err));
    VONK_TRY(vonk__mk_over(&x->s, p, &child, &over, err));
    return vonk__mk_filter(&x->s, over, d.above.at, d.above.n, ret, err);
}

static bool only_partition_columns(const vonk_plan *window, const vonk_expr *term, vonk_arena *arena, vonk_error *err,
                                   vonk_status *status)
{
    vonk_ids used = {0};

    *status = vonk_expr_column_ids(term, arena, &used, err);
    for (size_t u = 0; *status == VONK_OK && u < used.n; u++) {
        bool found = false;
        for (uint32_t i = 0; i < window->lists[1].n && !found; i++)
            found = window->lists[1].at[i]->kind == VONK_EX_COLUMN && window->lists[1].at[i]->id == used.at[u];
        if (!found) return false;
    }
    return used.n > 0;
}

static vonk_status push_window(pusher *x, const vonk_plan *p, const vonk_expr_set *terms, const vonk_plan **ret,
                               vonk_error *err)
{
    division d = {0};
    const vonk_plan *child = NULL, *over = NULL;

    for (size_t i = 0; i < terms->n; i++) {
        vonk_status status;
        const bool ok = only_partition_columns(p, terms->at[i], x->s.arena, err, &status);
        VONK_TRY(status);
        VONK_TRY(add(x, ok ? &d.below : &d.above, terms->at[i], err));
    }
    VONK_TRY(push(x, p->children[0], &d.below, &child, err));
    VONK_TRY(vonk__mk_over(&x->s, p, &child, &over, err));
    return vonk__mk_filter(&x->s, over, d.above.at, d.above.n, ret, err);
}

/* ---- UNION: the same terms over each input's columns */
static vonk_status push_union(pusher *x, const vonk_plan *p, const vonk_expr_set *terms, const vonk_plan **ret,
                              vonk_error *err)
{
    const vonk_plan **children = NULL;
    uint64_t *ids = NULL;

    VONK_TRY(vonk_arena_array(x->s.arena, p->n_children, sizeof *children, &children, err));
    VONK_TRY(vonk_arena_array(x->s.arena, p->n_output + 1, sizeof *ids, &ids, err));
    for (uint32_t i = 0; i < p->n_output; i++) ids[i] = p->output[i]->id;
    for (uint32_t c = 0; c < p->n_children; c++) {
        vonk_expr_set below = {0};
        for (size_t i = 0; i < terms->n; i++) {
            const vonk_expr *e = NULL;
            VONK_TRY(vonk__mk_replace(&x->s, terms->at[i], ids, p->children[c]->output, p->n_output, &e, err));
            VONK_TRY(add(x, &below, e, err));
        }
        VONK_TRY(push(x, p->children[c], &below, &children[c], err));
    }
    return vonk__mk_over(&x->s, p, children, ret, err);
}

/* ---- JOIN */
typedef struct join_division {
    vonk_expr_set side[2], condition, above;
} join_division;

/* From each branch of an OR the conjuncts that one side can decide, or nothing when a branch has none. */
static vonk_status side_of_or(pusher *x, const vonk_expr *e, const vonk_plan *side, const vonk_expr **ret,
                              vonk_error *err)
{
    const vonk_expr **branches = NULL;

    *ret = NULL;
    VONK_TRY(vonk_arena_array(x->s.arena, e->n_children, sizeof *branches, &branches, err));
    for (uint32_t b = 0; b < e->n_children; b++) {
        vonk__exprs all = {0}, mine = {0};
        VONK_TRY(vonk__opt_conjuncts(x->s.arena, e->children[b], &all, err));
        for (size_t i = 0; i < all.n; i++)
            if (vonk__opt_covered(all.at[i], side) && !vonk_expr_may_raise(all.at[i]))
                VONK_TRY(VONK_VEC_ARENA_PUSH(&mine, x->s.arena, all.at[i], err));
        if (mine.n == 0) return VONK_OK;
        VONK_TRY(vonk__mk_and(&x->s, mine.at, mine.n, &branches[b], err));
    }
    return vonk__mk_node(&x->s, VONK_EX_OR, branches, e->n_children, ret, err);
}

static vonk_status derive_from_or(pusher *x, const vonk_plan *p, join_division *d, vonk_error *err)
{
    for (size_t i = 0; i < d->condition.n; i++) {
        if (d->condition.at[i]->kind != VONK_EX_OR) continue;
        for (uint32_t side = 0; side < 2; side++) {
            const vonk_expr *e = NULL;
            VONK_TRY(side_of_or(x, d->condition.at[i], p->children[side], &e, err));
            if (e) VONK_TRY(add(x, &d->side[side], e, err));
        }
    }
    return VONK_OK;
}

/* a = b and a term over a alone: the same for b. */
static vonk_status derive_from_equality(pusher *x, const vonk_plan *p, join_division *d, vonk_error *err)
{
    const size_t before[2] = {d->side[0].n, d->side[1].n};

    for (size_t c = 0; c < d->condition.n; c++) {
        const vonk_expr *e = d->condition.at[c];
        bool null_safe;
        if (!vonk__opt_is_equality(e, &null_safe) || null_safe || e->children[0]->kind != VONK_EX_COLUMN ||
            e->children[1]->kind != VONK_EX_COLUMN)
            continue;
        for (uint32_t side = 0; side < 2; side++) {
            const uint32_t at = vonk_plan_has_column(p->children[side], e->children[0]->id) ? 0 : 1;
            const vonk_expr *from = e->children[at], *to = e->children[1 - at];
            for (size_t i = 0; i < before[side]; i++) {
                vonk_ids ids = {0};
                const vonk_expr *other = NULL;
                VONK_TRY(vonk_expr_column_ids(d->side[side].at[i], x->s.arena, &ids, err));
                if (ids.n != 1 || ids.at[0] != from->id || vonk_expr_may_raise(d->side[side].at[i])) continue;
                VONK_TRY(vonk__mk_replace(&x->s, d->side[side].at[i], &from->id, &to, 1, &other, err));
                VONK_TRY(add(x, &d->side[1 - side], other, err));
            }
        }
    }
    return VONK_OK;
}

/* Where each term may go, by join type. from_condition: it is the join's own condition, else it comes from above. */
static vonk_status divide(pusher *x, const vonk_plan *p, const vonk_expr *e, bool from_condition, join_division *d,
                          vonk_error *err)
{
    const vonk_join_type type = p->join.type;
    const bool inner = type == VONK_JOIN_INNER || type == VONK_JOIN_CROSS;
    const bool left = vonk__opt_covered(e, p->children[0]), right = vonk__opt_covered(e, p->children[1]);
    const bool has_right_output = inner || type == VONK_JOIN_LEFT || type == VONK_JOIN_RIGHT ||
                                  type == VONK_JOIN_FULL || type == VONK_JOIN_SINGLE;
    bool to_left, to_right;

    if (from_condition) {
        if (p->join.null_aware) return add(x, &d->condition, e, err);
        to_left = inner || type == VONK_JOIN_RIGHT || type == VONK_JOIN_SEMI;
        to_right = inner || type == VONK_JOIN_LEFT || type == VONK_JOIN_SEMI || type == VONK_JOIN_ANTI ||
                   type == VONK_JOIN_MARK || type == VONK_JOIN_SINGLE;
    } else {
        to_left = type != VONK_JOIN_RIGHT && type != VONK_JOIN_FULL;
        to_right = inner || type == VONK_JOIN_RIGHT;
    }
    if (left && to_left) return add(x, &d->side[0], e, err);
    if (right && to_right && (has_right_output || from_condition)) return add(x, &d->side[1], e, err);
    return add(x, from_condition || inner ? &d->condition : &d->above, e, err);
}

static vonk_status push_join(pusher *x, const vonk_plan *p, const vonk_expr_set *terms, const vonk_plan **ret,
                             vonk_error *err)
{
    join_division d = {0};
    vonk__exprs own = {0};
    const vonk_plan *children[2], *joined = NULL;
    const vonk_expr *condition = NULL;
    vonk_plan *copy = NULL;
    const bool inner = p->join.type == VONK_JOIN_INNER || p->join.type == VONK_JOIN_CROSS;

    if (p->n_lists > 0 && p->lists[0].n > 0) VONK_TRY(vonk__opt_conjuncts(x->s.arena, p->lists[0].at[0], &own, err));
    for (size_t i = 0; i < own.n; i++) VONK_TRY(divide(x, p, own.at[i], true, &d, err));
    for (size_t i = 0; i < terms->n; i++) VONK_TRY(divide(x, p, terms->at[i], false, &d, err));
    if (x->derive && inner) {
        VONK_TRY(derive_from_or(x, p, &d, err));
        VONK_TRY(derive_from_equality(x, p, &d, err));
    }
    for (uint32_t side = 0; side < 2; side++) VONK_TRY(push(x, p->children[side], &d.side[side], &children[side], err));
    if (d.condition.n > 0) VONK_TRY(vonk__mk_and(&x->s, d.condition.at, d.condition.n, &condition, err));
    VONK_TRY(vonk_plan_copy(x->s.env->budget, p, children, 2, &copy, err));
    vonk_status status = vonk_plan_set_list(copy, 0, &condition, condition ? 1 : 0, err);
    if (status != VONK_OK) {
        vonk_plan_unref(copy);
        return status;
    }
    if (inner) copy->join.type = condition ? VONK_JOIN_INNER : VONK_JOIN_CROSS;
    VONK_TRY(vonk_plan_finish(copy, &joined, err));
    VONK_TRY(vonk__scratch_keep_plan(&x->s, joined, err));
    return vonk__mk_filter(&x->s, joined, d.above.at, d.above.n, ret, err);
}

/* ---- nodes that pass rows on unchanged; GENERATE for terms over its input */
static vonk_status push_through(pusher *x, const vonk_plan *p, const vonk_expr_set *terms, const vonk_plan **ret,
                                vonk_error *err)
{
    division d = {0};
    const vonk_plan *child = NULL, *over = NULL;

    const bool all = p->kind != VONK_PN_GENERATE || vonk_expr_is_deterministic(p->lists[0].at[0]);
    for (size_t i = 0; i < terms->n; i++)
        VONK_TRY(
            add(x, all && vonk__opt_covered(terms->at[i], p->children[0]) ? &d.below : &d.above, terms->at[i], err));
    VONK_TRY(push(x, p->children[0], &d.below, &child, err));
    VONK_TRY(vonk__mk_over(&x->s, p, &child, &over, err));
    return vonk__mk_filter(&x->s, over, d.above.at, d.above.n, ret, err);
}

static vonk_status stop_here(pusher *x, const vonk_plan *p, const vonk_expr_set *terms, const vonk_plan **ret,
                             vonk_error *err)
{
    const vonk_expr_set none = {0};
    const vonk_plan **children = NULL, *over = p;

    if (p->n_children > 0) {
        VONK_TRY(vonk_arena_array(x->s.arena, p->n_children, sizeof *children, &children, err));
        for (uint32_t i = 0; i < p->n_children; i++) VONK_TRY(push(x, p->children[i], &none, &children[i], err));
        VONK_TRY(vonk__mk_over(&x->s, p, children, &over, err));
    }
    return vonk__mk_filter(&x->s, over, terms->at, terms->n, ret, err);
}

static vonk_status push(pusher *x, const vonk_plan *p, const vonk_expr_set *terms, const vonk_plan **ret,
                        vonk_error *err)
{
    switch (p->kind) {
    case VONK_PN_FILTER: return push_filter(x, p, terms, ret, err);
    case VONK_PN_PROJECT: return push_list(x, p, terms, 0, may_pass_project, ret, err);
    case VONK_PN_AGGREGATE: return push_list(x, p, terms, 1, may_pass_aggregate, ret, err);
    case VONK_PN_WINDOW: return push_window(x, p, terms, ret, err);
    case VONK_PN_SET_OP:
        return p->set.kind == VONK_SET_UNION && p->set.all ? push_union(x, p, terms, ret, err)
                                                           : stop_here(x, p, terms, ret, err);
    case VONK_PN_JOIN: return p->join.lateral ? stop_here(x, p, terms, ret, err) : push_join(x, p, terms, ret, err);
    case VONK_PN_SORT:
    case VONK_PN_GENERATE:
    case VONK_PN_REPARTITION: return push_through(x, p, terms, ret, err);
    default: return stop_here(x, p, terms, ret, err);
    }
}

static vonk_status run(const vonk_opt_env *env, const vonk_plan *plan, bool derive, const vonk_plan **ret,
                       vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const vonk_expr_set none = {0};
    const vonk_plan *done = NULL;

    VONK_TRY(vonk_arena_new(env->budget, &arena, err));
    pusher x = {.s = {env, arena}, .derive = derive};
    VONK_TRY(push(&x, plan, &none, &done, err));
    *ret = vonk_plan_ref(done);
    return VONK_OK;
}

vonk_status vonk__rule_push_filters(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret,
                                    vonk_error *err)
{
    return run(env, plan, false, ret, err);
}
vonk_status vonk__rule_derive_and_push_filters(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret,
                                               vonk_error *err)
{
    return run(env, plan, true, ret, err);
}
