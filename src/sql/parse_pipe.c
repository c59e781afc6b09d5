/* sql/parse_pipe.c -- FROM t |> WHERE a |> AGGREGATE sum(b) GROUP BY c: each operator is an ordinary plan node over
 * what stands left of it. */
#include "sql/parse.h"

static vonk_status star(vonk_parser *p, uint32_t from, const vonk_exprs *except, const vonk_expr **ret, vonk_error *err)
{
    return vonk__simple(p, from, VONK_EX_STAR, except->at, vonk_u32_of(except->n), ret, err);
}

/* EXTEND a AS b: all columns and more. */
static vonk_status extend(vonk_parser *p, uint32_t from, const vonk_plan *left, const vonk_plan **ret, vonk_error *err)
{
    static const vonk_exprs nothing = {0};
    vonk_exprs items = {0};
    const vonk_expr *all;
    VONK_TRY(star(p, from, &nothing, &all, err));
    VONK_TRY(VONK_PUSH(p, &items, all, err));
    VONK_TRY(vonk__named_exprs(p, &items, err));
    return vonk__node(p, from, VONK_PN_PROJECT, left, &items, 0, ret, err);
}

/* SET a = e, b = f: one after the other, so that f may use the new a. */
static vonk_status set(vonk_parser *p, uint32_t from, const vonk_plan *left, const vonk_plan **ret, vonk_error *err)
{
    do {
        vonk_str name;
        vonk_exprs list = {0};
        const vonk_expr *value;
        vonk_expr *e;
        uint32_t at = p->at;
        VONK_TRY(vonk__identifier_captured(p, &name, err));
        if (vonk__is(p, TK_DOT)) return vonk__unsupported(p, at, "SET with a qualified column behind |>", err);
        VONK_TRY(vonk__expect(p, TK_EQ, err));
        VONK_TRY(vonk__expr(p, &value, err));
        VONK_TRY(vonk__new(p, VONK_EX_ALIAS, &value, 1, &e, err));
        e->id = vonk_expr_new_id();
        VONK_TRY(vonk_expr_set_name(e, name, err));
        VONK_TRY(vonk__keep_expr(p, e, at, &value, err));
        VONK_TRY(VONK_PUSH(p, &list, value, err));
        VONK_TRY(vonk__node(p, from, VONK_PN_WITH_COLUMNS, left, &list, 1, &left, err));
    } while (vonk__accept(p, TK_COMMA));
    *ret = left;
    return VONK_OK;
}

/* DROP a, b: SELECT * EXCEPT (a, b) */
static vonk_status drop(vonk_parser *p, uint32_t from, const vonk_plan *left, const vonk_plan **ret, vonk_error *err)
{
    vonk_exprs except = {0}, items = {0};
    const vonk_expr *e;
    do {
        vonk_strs name = {0};
        uint32_t at = p->at;
        VONK_TRY(vonk__name(p, &name, err));
        VONK_TRY(vonk__name_expr(p, at, name.at, vonk_u32_of(name.n), &e, err));
        VONK_TRY(VONK_PUSH(p, &except, e, err));
    } while (vonk__accept(p, TK_COMMA));
    VONK_TRY(star(p, from, &except, &e, err));
    VONK_TRY(VONK_PUSH(p, &items, e, err));
    return vonk__node(p, from, VONK_PN_PROJECT, left, &items, 0, ret, err);
}

/* AGGREGATE f(a) GROUP BY b: the grouping columns come first. */
static vonk_status aggregate(vonk_parser *p, uint32_t from, const vonk_plan *left, const vonk_plan **ret,
                             vonk_error *err)
{
    vonk_exprs aggregates = {0}, items = {0};
    vonk_grouping grouping = {0};
    if (!vonk__is2(p, KW_GROUP, KW_BY)) VONK_TRY(vonk__named_exprs(p, &aggregates, err));
    if (vonk__accept2(p, KW_GROUP, KW_BY)) {
        uint32_t keys_at = p->at;
        VONK_TRY(vonk__group_by(p, &grouping, err));
        if (grouping.has_sets)
            return VONK_PARSE_FAIL(p, from, err, VONK_E_UNSUPPORTED_FEATURE__PIPE_OPERATOR_AGGREGATE_UNSUPPORTED_CASE,
                                   "case", "GROUPING SETS");
        uint32_t end = p->at;
        p->at = keys_at; /* again, with their aliases: they are output columns too */
        VONK_TRY(vonk__named_exprs(p, &items, err));
        p->at = end;
    }
    for (size_t i = 0; i < aggregates.n; i++) VONK_TRY(VONK_PUSH(p, &items, aggregates.at[i], err));
    return vonk__aggregate(p, from, left, &grouping, &items, ret, err);
}

static vonk_status set_operation(vonk_parser *p, uint32_t from, vonk_tok kind, const vonk_plan *left,
                                 const vonk_plan **ret, vonk_error *err)
{
    bool all = vonk__accept(p, KW_ALL);
    if (!all) vonk__accept(p, KW_DISTINCT);
    const vonk_plan *sides[2] = {left};
    vonk_plan *plan;
    VONK_TRY(vonk__query_primary(p, &sides[1], err));
    VONK_TRY(vonk__new_plan(p, VONK_PN_SET_OP, sides, 2, &plan, err));
    plan->set.kind = kind == KW_UNION ? VONK_SET_UNION : kind == KW_INTERSECT ? VONK_SET_INTERSECT : VONK_SET_EXCEPT;
    plan->set.all = all || kind == KW_UNION;
    VONK_TRY(vonk__keep_plan(p, plan, from, ret, err));
    if (kind == KW_UNION && !all) return vonk__node(p, from, VONK_PN_DISTINCT, *ret, NULL, 0, ret, err);
    return VONK_OK;
}

static vonk_status where(vonk_parser *p, uint32_t from, const vonk_plan *left, const vonk_plan **ret, vonk_error *err)
{
    vonk_exprs list = {0};
    const vonk_expr *e;
    VONK_TRY(vonk__expr(p, &e, err));
    VONK_TRY(VONK_PUSH(p, &list, e, err));
    return vonk__node(p, from, VONK_PN_FILTER, left, &list, 0, ret, err);
}

static vonk_status alias(vonk_parser *p, uint32_t from, const vonk_plan *left, const vonk_plan **ret, vonk_error *err)
{
    vonk_str name;
    VONK_TRY(vonk__identifier_captured(p, &name, err));
    return vonk__alias_plan(p, from, left, name, NULL, ret, err);
}

vonk_status vonk__pipe(vonk_parser *p, const vonk_plan *left, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at;
    vonk_tok kind = vonk__tok(p);
    bool found;
    switch (kind) {
    case KW_SELECT: return vonk__select_tail(p, left, ret, err);
    case KW_PIVOT: return vonk__pivot(p, left, ret, err);
    case KW_UNPIVOT: return vonk__unpivot(p, left, ret, err);
    case KW_TABLESAMPLE: return vonk__sample(p, left, ret, err);
    case KW_ORDER:
    case KW_SORT:
    case KW_CLUSTER:
    case KW_DISTRIBUTE:
    case KW_LIMIT:
    case KW_OFFSET: return vonk__organize(p, left, ret, err);
    default: break;
    }
    VONK_TRY(vonk__join_relation(p, left, &found, ret, err));
    if (found) return VONK_OK;
    p->at++;
    switch (kind) {
    case KW_EXTEND: return extend(p, from, left, ret, err);
    case KW_SET: return set(p, from, left, ret, err);
    case KW_DROP: return drop(p, from, left, ret, err);
    case KW_AS: return alias(p, from, left, ret, err);
    case KW_WHERE: return where(p, from, left, ret, err);
    case KW_AGGREGATE: return aggregate(p, from, left, ret, err);
    case KW_UNION:
    case KW_EXCEPT:
    case KW_SETMINUS:
    case KW_INTERSECT: return set_operation(p, from, kind, left, ret, err);
    default: p->at--; return vonk__syntax_error(p, err);
    }
}
