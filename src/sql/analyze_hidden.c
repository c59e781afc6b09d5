/* sql/analyze_hidden.c -- columns that * does not show but a qualified name reaches: the right keys of a USING join.
 * Whoever uses one makes the projection that hides it let it out. */
#include "sql/analyze.h"

static bool is_hidden(const vonk_plan *p, uint64_t id)
{
    for (uint32_t i = 0; i < p->hidden.n; i++)
        if (p->hidden.at[i]->id == id) return true;
    return false;
}

/* p with this column in its output. */
static vonk_status let_out(vonk_an *an, const vonk_plan *p, const vonk_expr *column, const vonk_plan **ret,
                           vonk_error *err)
{
    const vonk_plan **children;
    vonk_plan *copy;
    *ret = p;
    if (vonk_plan_has_column(p, column->id) || !is_hidden(p, column->id)) return VONK_OK;
    VONK_TRY(vonk_arena_array(an->arena, p->n_children, sizeof(*children), &children, err));
    for (uint32_t i = 0; i < p->n_children; i++) VONK_TRY(let_out(an, p->children[i], column, &children[i], err));
    VONK_TRY(vonk__an_copy_node(an, p, children, p->n_children, &copy, err));
    if (p->kind == VONK_PN_PROJECT) {
        vonk_exprs items = {0};
        for (uint32_t i = 0; i < p->lists[0].n; i++) VONK_TRY(VONK_AN_PUSH(an, &items, p->lists[0].at[i], err));
        VONK_TRY(VONK_AN_PUSH(an, &items, column, err));
        VONK_TRY(vonk_plan_set_list(copy, 0, items.at, vonk_u32_of(items.n), err));
    }
    return vonk__an_finish_node(an, copy, ret, err);
}

typedef struct search {
    vonk_an *an;
    const vonk_plan *plan;
    vonk_exprs found;
    vonk_status status;
    vonk_error *err;
} search;

static vonk_walk find_hidden(const vonk_expr *e, void *arg)
{
    search *s = arg;
    if (e->kind != VONK_EX_COLUMN || vonk_plan_has_column(s->plan, e->id) || !is_hidden(s->plan, e->id))
        return VONK_WALK_ON;
    s->status = VONK_AN_PUSH(s->an, &s->found, e, s->err);
    return s->status == VONK_OK ? VONK_WALK_ON : VONK_WALK_STOP;
}

vonk_status vonk__an_expose(vonk_an *an, const vonk_plan *plan, const vonk_expr *const *exprs, size_t n,
                            const vonk_plan **ret, vonk_error *err)
{
    search s = {.an = an, .plan = plan, .err = err};
    *ret = plan;
    if (plan->hidden.n == 0) return VONK_OK;
    for (size_t i = 0; i < n; i++) {
        vonk_expr_walk(exprs[i], find_hidden, &s);
        VONK_TRY(s.status);
    }
    for (size_t i = 0; i < s.found.n; i++) VONK_TRY(let_out(an, *ret, s.found.at[i], ret, err));
    return VONK_OK;
}

/* Both sides' hidden columns can be reached through a join. */
static vonk_status inherit_both(vonk_plan *p, vonk_error *err)
{
    const vonk_expr_list *left = &p->children[0]->hidden, *right = &p->children[1]->hidden;
    const vonk_expr **all;
    if (left->n + right->n == 0) return VONK_OK;
    VONK_TRY(vonk_arena_array(p->arena, left->n + right->n, sizeof(*all), &all, err));
    if (left->n) memcpy(all, left->at, left->n * sizeof(*all));
    if (right->n) memcpy(all + left->n, right->at, right->n * sizeof(*all));
    return vonk_plan_hold_exprs(p, all, left->n + right->n, &p->hidden, err);
}

bool vonk__an_keeps_columns(const vonk_plan *p)
{
    switch (p->kind) {
    case VONK_PN_FILTER:
    case VONK_PN_SORT:
    case VONK_PN_LIMIT:
    case VONK_PN_OFFSET:
    case VONK_PN_TAIL:
    case VONK_PN_SAMPLE:
    case VONK_PN_REPARTITION:
    case VONK_PN_WINDOW:
    case VONK_PN_GENERATE: return true;
    default: return false;
    }
}

/* Nodes that keep their child's columns pass hidden ones on. */
vonk_status vonk__an_inherit_hidden(vonk_plan *p, vonk_error *err)
{
    if (p->kind == VONK_PN_JOIN) return p->hidden.n ? VONK_OK : inherit_both(p, err);
    if (!vonk__an_keeps_columns(p)) return VONK_OK;
    const vonk_expr_list *hidden = &p->children[0]->hidden;
    if (hidden->n == 0 || p->hidden.n) return VONK_OK;
    return vonk_plan_hold_exprs(p, hidden->at, hidden->n, &p->hidden, err);
}
