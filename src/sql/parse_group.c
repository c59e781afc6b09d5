/* sql/parse_group.c -- GROUP BY: plain expressions, ROLLUP, CUBE, GROUPING SETS and mixtures of them, written out as a
 * list of grouping sets. */
#include "sql/parse.h"

enum { MOST_SETS = 1 << 16 };

typedef VONK_VEC(vonk_exprs) sets;

static vonk_status analytics(vonk_parser *p, sets *ret, vonk_error *err);

static vonk_status too_many(vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_GROUPING_SIZE_LIMIT_EXCEEDED, "maxSize", "64");
}

static vonk_status push_set(vonk_parser *p, sets *into, const vonk_exprs *set, vonk_error *err)
{
    if (into->n >= MOST_SETS) return too_many(err);
    return VONK_PUSH(p, into, *set, err);
}

static vonk_status append(vonk_parser *p, vonk_exprs *into, const vonk_exprs *more, vonk_error *err)
{
    for (size_t i = 0; i < more->n; i++) VONK_TRY(VONK_PUSH(p, into, more->at[i], err));
    return VONK_OK;
}

/* (a, b), () or a */
static vonk_status grouping_set(vonk_parser *p, vonk_exprs *ret, vonk_error *err)
{
    const vonk_expr *e;
    uint32_t closing = vonk__is(p, TK_LPAREN) ? p->match[p->at] : 0;
    vonk_tok next = closing ? (vonk_tok)p->tokens.at[closing + 1].kind : TK_END;
    if (closing && !p->is_query[p->at] && (next == TK_COMMA || next == TK_RPAREN)) {
        p->at++;
        if (!vonk__is(p, TK_RPAREN)) VONK_TRY(vonk__expr_seq(p, ret, err));
        return vonk__expect(p, TK_RPAREN, err);
    }
    VONK_TRY(vonk__expr(p, &e, err));
    return VONK_PUSH(p, ret, e, err);
}

static vonk_status grouping_list(vonk_parser *p, sets *ret, bool nested, vonk_error *err)
{
    VONK_TRY(vonk__expect(p, TK_LPAREN, err));
    do {
        vonk_exprs one = {0};
        bool inner = nested && (((vonk__is(p, KW_ROLLUP) || vonk__is(p, KW_CUBE)) && vonk__tok_at(p, 1) == TK_LPAREN) ||
                                vonk__is2(p, KW_GROUPING, KW_SETS));
        if (inner) {
            VONK_TRY(vonk__deeper(p, err));
            VONK_TRY(analytics(p, ret, err));
            p->depth--;
            continue;
        }
        VONK_TRY(grouping_set(p, &one, err));
        VONK_TRY(push_set(p, ret, &one, err));
    } while (vonk__accept(p, TK_COMMA));
    return vonk__expect(p, TK_RPAREN, err);
}

/* (a, b, c), (a, b), (a), () */
static vonk_status rollup(vonk_parser *p, const sets *of, sets *ret, vonk_error *err)
{
    for (size_t n = of->n + 1; n-- > 0;) {
        vonk_exprs set = {0};
        for (size_t i = 0; i < n; i++) VONK_TRY(append(p, &set, &of->at[i], err));
        VONK_TRY(push_set(p, ret, &set, err));
    }
    return VONK_OK;
}

/* All subsets, larger ones first. */
static vonk_status cube(vonk_parser *p, const sets *of, sets *ret, vonk_error *err)
{
    if (of->n > 16) return too_many(err);
    for (int size = (int)of->n; size >= 0; size--)
        for (uint32_t mask = 0; mask < 1u << of->n; mask++) {
            if (__builtin_popcount(mask) != size) continue;
            vonk_exprs set = {0};
            for (size_t i = 0; i < of->n; i++)
                if (mask & 1u << i) VONK_TRY(append(p, &set, &of->at[i], err));
            VONK_TRY(push_set(p, ret, &set, err));
        }
    return VONK_OK;
}

static vonk_status analytics(vonk_parser *p, sets *ret, vonk_error *err)
{
    sets of = {0};
    if (vonk__accept2(p, KW_GROUPING, KW_SETS)) return grouping_list(p, ret, true, err);
    bool is_cube = vonk__is(p, KW_CUBE);
    p->at++;
    VONK_TRY(grouping_list(p, &of, false, err));
    return is_cube ? cube(p, &of, ret, err) : rollup(p, &of, ret, err);
}

/* Every set of `left` with every set of `right`. */
static vonk_status cross(vonk_parser *p, const sets *left, const sets *right, sets *ret, vonk_error *err)
{
    for (size_t i = 0; i < left->n; i++)
        for (size_t k = 0; k < right->n; k++) {
            vonk_exprs both = {0};
            VONK_TRY(append(p, &both, &left->at[i], err));
            VONK_TRY(append(p, &both, &right->at[k], err));
            VONK_TRY(push_set(p, ret, &both, err));
        }
    return VONK_OK;
}

static bool at_analytics(const vonk_parser *p)
{
    return ((vonk__is(p, KW_ROLLUP) || vonk__is(p, KW_CUBE)) && vonk__tok_at(p, 1) == TK_LPAREN) ||
           (vonk__is2(p, KW_GROUPING, KW_SETS) && vonk__tok_at(p, 2) == TK_LPAREN);
}

static vonk_status each_alone(vonk_parser *p, const vonk_exprs *keys, sets *ret, vonk_error *err)
{
    for (size_t i = 0; i < keys->n; i++) {
        vonk_exprs one = {0};
        VONK_TRY(VONK_PUSH(p, &one, keys->at[i], err));
        VONK_TRY(push_set(p, ret, &one, err));
    }
    return VONK_OK;
}

/* GROUP BY a, b WITH ROLLUP | WITH CUBE | GROUPING SETS (...) */
static vonk_status old_form(vonk_parser *p, vonk_grouping *g, sets *all, vonk_error *err)
{
    sets single = {0}, got = {0};
    bool is_rollup = vonk__accept2(p, KW_WITH, KW_ROLLUP), is_cube = !is_rollup && vonk__accept2(p, KW_WITH, KW_CUBE);
    if (is_rollup || is_cube) {
        VONK_TRY(each_alone(p, &g->keys, &single, err));
        VONK_TRY(is_cube ? cube(p, &single, &got, err) : rollup(p, &single, &got, err));
    } else if (vonk__accept2(p, KW_GROUPING, KW_SETS)) {
        VONK_TRY(grouping_list(p, &got, false, err));
    } else {
        return VONK_OK;
    }
    g->has_sets = true;
    *all = got;
    return VONK_OK;
}

vonk_status vonk__group_by(vonk_parser *p, vonk_grouping *ret, vonk_error *err)
{
    sets all = {0};
    vonk_exprs nothing = {0};
    vonk_grouping g = {0};
    VONK_TRY(push_set(p, &all, &nothing, err));
    do {
        sets one = {0}, product = {0};
        if (at_analytics(p)) {
            g.has_sets = true;
            VONK_TRY(analytics(p, &one, err));
        } else {
            const vonk_expr *e;
            VONK_TRY(vonk__named_expr(p, &e, err));
            while (e->kind == VONK_EX_ALIAS) e = e->children[0];
            VONK_TRY(VONK_PUSH(p, &g.keys, e, err));
            VONK_TRY(VONK_PUSH(p, &nothing, e, err));
            VONK_TRY(push_set(p, &one, &nothing, err));
            nothing = (vonk_exprs){0};
        }
        VONK_TRY(cross(p, &all, &one, &product, err));
        all = product;
    } while (vonk__accept(p, TK_COMMA));
    if (g.has_sets)
        g.keys = (vonk_exprs){0}; /* those of the sets, in the order of the sets */
    else
        VONK_TRY(old_form(p, &g, &all, err));
    if (g.has_sets)
        for (size_t i = 0; i < all.n; i++) VONK_TRY(VONK_PUSH(p, &g.sets, all.at[i], err));
    *ret = g;
    return VONK_OK;
}

vonk_status vonk__aggregate(vonk_parser *p, uint32_t from, const vonk_plan *child, const vonk_grouping *grouping,
                            const vonk_exprs *select, const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *plan;
    VONK_TRY(vonk__new_plan(p, VONK_PN_AGGREGATE, &child, 1, &plan, err));
    VONK_TRY(vonk_plan_set_list(plan, 0, grouping->keys.at, vonk_u32_of(grouping->keys.n), err));
    VONK_TRY(vonk_plan_set_list(plan, 1, select->at, vonk_u32_of(select->n), err));
    if (grouping->has_sets) {
        vonk_expr_list *own;
        VONK_TRY(vonk_arena_array(plan->arena, grouping->sets.n, sizeof(*own), &own, err));
        for (size_t i = 0; i < grouping->sets.n; i++)
            VONK_TRY(
                vonk_plan_hold_exprs(plan, grouping->sets.at[i].at, vonk_u32_of(grouping->sets.at[i].n), &own[i], err));
        plan->group.kind = VONK_GROUP_SETS;
        plan->group.sets = own;
        plan->group.n_sets = vonk_u32_of(grouping->sets.n);
    }
    return vonk__keep_plan(p, plan, from, ret, err);
}
