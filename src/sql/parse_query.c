/* sql/parse_query.c -- queries: WITH, set operations, SELECT, ORDER BY ... OFFSET. */
#include "sql/parse.h"

static vonk_status set_operations(vonk_parser *p, int least, const vonk_plan **ret, vonk_error *err);

/* ---- words that go on with a query where an alias might stand */

/* The word at `ahead` can begin the body of a clause, so the word before it is the clause's. */
static bool begins_body(const vonk_parser *p, uint32_t ahead)
{
    switch (vonk__tok_at(p, ahead)) {
    case TK_END:
    case TK_RPAREN:
    case TK_COMMA:
    case TK_SEMICOLON:
    case TK_OPERATOR_PIPE:
    case TK_DOT: return false;
    default: return true;
    }
}

bool vonk__at_clause(const vonk_parser *p)
{
    vonk_tok next = vonk__tok_at(p, 1);
    switch (vonk__tok(p)) {
    case KW_FROM:
    case KW_WHERE:
    case KW_HAVING:
    case KW_LIMIT:
    case KW_OFFSET:
    case KW_QUALIFY: return begins_body(p, 1);
    case KW_GROUP:
    case KW_ORDER:
    case KW_SORT:
    case KW_CLUSTER:
    case KW_DISTRIBUTE: return next == KW_BY && begins_body(p, 2);
    case KW_WINDOW: return vonk__tok_at(p, 2) == KW_AS;
    case KW_LATERAL: return next == KW_VIEW;
    case KW_UNION:
    case KW_EXCEPT:
    case KW_INTERSECT:
    case KW_SETMINUS: return begins_body(p, 1);
    case KW_ON:
    case KW_USING:
    case KW_INNER:
    case KW_CROSS:
    case KW_LEFT:
    case KW_RIGHT:
    case KW_FULL:
    case KW_SEMI:
    case KW_ANTI:
    case KW_NATURAL:
    case KW_JOIN: return begins_body(p, 1);
    case KW_TABLESAMPLE:
    case KW_PIVOT: return next == TK_LPAREN;
    case KW_UNPIVOT: return next == TK_LPAREN || next == KW_INCLUDE || next == KW_EXCLUDE;
    case KW_WITH: /* GROUP BY a WITH ROLLUP; t WITH (options) */
        return next == KW_ROLLUP || next == KW_CUBE || next == TK_LPAREN;
    case KW_GROUPING: return next == KW_SETS;
    case KW_FOR:
    case KW_THEN:
    case KW_WHEN:
    case KW_ELSE:
    case KW_END:
    case KW_AND:
    case KW_OR:
    case KW_IN: return begins_body(p, 1) || vonk__tok(p) == KW_END;
    case KW_AS: return begins_body(p, 1);
    case KW_ASC:
    case KW_DESC: return next == TK_COMMA || next == TK_RPAREN || next == TK_END;
    case KW_SELECT:
    case KW_INSERT: return begins_body(p, 1); /* FROM t SELECT a */
    case KW_IS: return begins_body(p, 1);
    case KW_VALUES: return next == TK_LPAREN;
    default: return false;
    }
}

/* ---- is it a query? (p->at stands behind a '(' or at a statement's start) */

static bool follows_query(vonk_tok kind)
{
    switch (kind) {
    case TK_RPAREN:
    case TK_OPERATOR_PIPE:
    case KW_UNION:
    case KW_EXCEPT:
    case KW_INTERSECT:
    case KW_SETMINUS:
    case KW_ORDER:
    case KW_SORT:
    case KW_CLUSTER:
    case KW_DISTRIBUTE:
    case KW_LIMIT:
    case KW_OFFSET:
    case KW_WINDOW: return true;
    default: return false;
    }
}

bool vonk__at_query(const vonk_parser *p)
{
    vonk_tok next = vonk__tok_at(p, 1);
    switch (vonk__tok(p)) {
    case TK_LPAREN: {
        uint32_t closing = p->match[p->at];
        return p->is_query[p->at] && closing && follows_query((vonk_tok)p->tokens.at[closing + 1].kind);
    }
    case KW_SELECT: return begins_body(p, 1) && next != TK_EQ;
    case KW_WITH: return vonk__is_identifier(p, next);
    case KW_FROM: return vonk__is_identifier(p, next) || next == TK_LPAREN;
    case KW_TABLE: return vonk__is_identifier(p, next);
    case KW_VALUES: return begins_body(p, 1);
    default: return false;
    }
}

/* ---- WITH */

static vonk_status named_query(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at;
    vonk_str name;
    vonk_strs columns = {0};
    const vonk_plan *query;
    VONK_TRY(vonk__identifier_captured(p, &name, err));
    if (vonk__is(p, TK_LPAREN) && !p->is_query[p->at]) VONK_TRY(vonk__identifier_list(p, &columns, err));
    if (vonk__is2(p, KW_MAX, KW_RECURSION)) return vonk__unsupported(p, p->at, "MAX RECURSION LEVEL", err);
    vonk__accept(p, KW_AS);
    VONK_TRY(vonk__expect(p, TK_LPAREN, err));
    VONK_TRY(vonk__query(p, &query, err));
    VONK_TRY(vonk__expect(p, TK_RPAREN, err));
    return vonk__alias_plan(p, from, query, name, &columns, ret, err);
}

static vonk_status check_duplicates(const vonk_plans *ctes, vonk_error *err)
{
    for (size_t i = 0; i < ctes->n; i++)
        for (size_t k = 0; k < i; k++) {
            vonk_str name = ctes->at[i]->name.parts[0];
            if (!vonk_str_eq_nocase(name, ctes->at[k]->name.parts[0])) continue;
            return VONK_FAIL(err, VONK_E_DUPLICATED_CTE_NAMES, "duplicateNames", VONK_F("`%.*s`", VONK_STR_ARGS(name)));
        }
    return VONK_OK;
}

vonk_status vonk__ctes(vonk_parser *p, vonk_plans *ret, bool *ret_recursive, vonk_error *err)
{
    *ret_recursive =
        vonk__is(p, KW_RECURSIVE) && vonk__is_identifier(p, vonk__tok_at(p, 1)) && vonk__tok_at(p, 1) != KW_AS;
    if (*ret_recursive) p->at++;
    do {
        const vonk_plan *one;
        VONK_TRY(named_query(p, &one, err));
        VONK_TRY(VONK_PUSH(p, ret, one, err));
    } while (vonk__accept(p, TK_COMMA));
    return check_duplicates(ret, err);
}

vonk_status vonk__with(vonk_parser *p, uint32_t from, const vonk_plans *ctes, bool recursive, const vonk_plan *body,
                       const vonk_plan **ret, vonk_error *err)
{
    vonk_plans all = {0};
    vonk_plan *with;
    for (size_t i = 0; i < ctes->n; i++) VONK_TRY(VONK_PUSH(p, &all, ctes->at[i], err));
    VONK_TRY(VONK_PUSH(p, &all, body, err));
    VONK_TRY(vonk__new_plan(p, VONK_PN_WITH, all.at, vonk_u32_of(all.n), &with, err));
    with->number = recursive;
    return vonk__keep_plan(p, with, from, ret, err);
}

vonk_status vonk__query(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at;
    vonk_plans ctes = {0};
    bool recursive = false, with = vonk__is(p, KW_WITH);
    const vonk_plan *plan;
    VONK_TRY(vonk__deeper(p, err));
    if (with) {
        p->at++;
        VONK_TRY(vonk__ctes(p, &ctes, &recursive, err));
    }
    VONK_TRY(vonk__query_term(p, &plan, err));
    VONK_TRY(vonk__organize(p, plan, &plan, err));
    p->depth--;
    if (with) return vonk__with(p, from, &ctes, recursive, plan, ret, err);
    *ret = plan;
    return VONK_OK;
}

/* ---- UNION, EXCEPT, INTERSECT, |> */

static int set_level(const vonk_parser *p)
{
    switch (vonk__tok(p)) {
    case KW_INTERSECT: return p->flat_set_ops ? 1 : 2;
    case KW_UNION:
    case KW_EXCEPT:
    case KW_SETMINUS: return 1;
    default: return 0;
    }
}

static vonk_status set_operation(vonk_parser *p, uint32_t from, const vonk_plan *left, const vonk_plan **ret,
                                 vonk_error *err)
{
    int level = set_level(p);
    vonk_tok kind = (vonk_tok)p->tokens.at[p->at++].kind;
    bool all = vonk__accept(p, KW_ALL);
    if (!all) vonk__accept(p, KW_DISTINCT);
    const vonk_plan *sides[2] = {left};
    vonk_plan *plan;
    VONK_TRY(set_operations(p, level + 1, &sides[1], err));
    VONK_TRY(vonk__new_plan(p, VONK_PN_SET_OP, sides, 2, &plan, err));
    plan->set.kind = kind == KW_UNION ? VONK_SET_UNION : kind == KW_INTERSECT ? VONK_SET_INTERSECT : VONK_SET_EXCEPT;
    plan->set.all = all || kind == KW_UNION;
    VONK_TRY(vonk__keep_plan(p, plan, from, ret, err));
    if (kind == KW_UNION && !all) return vonk__node(p, from, VONK_PN_DISTINCT, *ret, NULL, 0, ret, err);
    return VONK_OK;
}

static vonk_status set_operations(vonk_parser *p, int least, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at;
    const vonk_plan *plan = NULL;
    VONK_TRY(vonk__query_primary(p, &plan, err));
    while (set_level(p) >= least && set_level(p) > 0) VONK_TRY(set_operation(p, from, plan, &plan, err));
    *ret = plan;
    return VONK_OK;
}

vonk_status vonk__query_term(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *plan;
    VONK_TRY(set_operations(p, 1, &plan, err));
    while (vonk__accept(p, TK_OPERATOR_PIPE)) VONK_TRY(vonk__pipe(p, plan, &plan, err));
    *ret = plan;
    return VONK_OK;
}

/* ---- primaries */

static vonk_status table_statement(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at++;
    vonk_strs name = {0};
    vonk_plan *plan;
    VONK_TRY(vonk__name_reference(p, &name, err));
    VONK_TRY(vonk__new_plan(p, VONK_PN_TABLE, NULL, 0, &plan, err));
    VONK_TRY(vonk__set_name_info(plan, &plan->name, &name, err));
    return vonk__keep_plan(p, plan, from, ret, err);
}

/* FROM t SELECT a ...; FROM t alone is all of t. */
static vonk_status from_statement(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *relation;
    p->at++;
    VONK_TRY(vonk__from_clause(p, &relation, err));
    if (vonk__is(p, KW_SELECT)) return vonk__select_tail(p, relation, ret, err);
    *ret = relation;
    return VONK_OK;
}

vonk_status vonk__query_primary(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    switch (vonk__tok(p)) {
    case TK_LPAREN:
        p->at++;
        VONK_TRY(vonk__query(p, ret, err));
        return vonk__expect_closing(p, TK_RPAREN, err);
    case KW_SELECT: return vonk__select_tail(p, NULL, ret, err);
    case KW_VALUES: return vonk__inline_table(p, ret, err);
    case KW_TABLE: return table_statement(p, ret, err);
    case KW_FROM: return from_statement(p, ret, err);
    case KW_MAP:
    case KW_REDUCE: return vonk__unsupported(p, p->at, "TRANSFORM", err);
    default: return vonk__syntax_error(p, err);
    }
}

/* ---- SELECT */

typedef struct select_parts {
    uint32_t from;
    bool distinct;
    vonk_exprs items;
    vonk_plans hints; /* HINT nodes without child, first one first */
} select_parts;

static vonk_status hint_statement(vonk_parser *p, vonk_plans *hints, vonk_error *err)
{
    uint32_t from = p->at;
    vonk_strs name = {0};
    vonk_str word;
    vonk_exprs parameters = {0};
    vonk_plan *hint;
    const vonk_plan *kept;
    VONK_TRY(vonk__identifier(p, &word, err));
    VONK_TRY(VONK_PUSH(p, &name, word, err));
    if (vonk__accept(p, TK_LPAREN)) {
        do {
            const vonk_expr *e;
            VONK_TRY(vonk__primary(p, &e, err));
            VONK_TRY(VONK_PUSH(p, &parameters, e, err));
        } while (vonk__accept(p, TK_COMMA));
        VONK_TRY(vonk__expect(p, TK_RPAREN, err));
    }
    VONK_TRY(vonk__new_plan(p, VONK_PN_HINT, NULL, 0, &hint, err));
    VONK_TRY(vonk__set_name_info(hint, &hint->name, &name, err));
    VONK_TRY(vonk_plan_set_list(hint, 0, parameters.at, vonk_u32_of(parameters.n), err));
    VONK_TRY(vonk__keep_plan(p, hint, from, &kept, err));
    return VONK_PUSH(p, hints, kept, err);
}

static vonk_status hints(vonk_parser *p, vonk_plans *ret, vonk_error *err)
{
    while (vonk__accept(p, TK_HINT_START)) {
        do {
            VONK_TRY(hint_statement(p, ret, err));
            vonk__accept(p, TK_COMMA);
        } while (!vonk__is(p, TK_HINT_END) && vonk__is_identifier(p, vonk__tok(p)));
        VONK_TRY(vonk__expect(p, TK_HINT_END, err));
    }
    return VONK_OK;
}

static vonk_status select_clause(vonk_parser *p, select_parts *s, vonk_error *err)
{
    s->from = p->at;
    VONK_TRY(vonk__expect(p, KW_SELECT, err));
    if (vonk__is2(p, KW_TRANSFORM, TK_LPAREN) && p->match[p->at + 1] &&
        p->tokens.at[p->match[p->at + 1] + 1].kind == KW_USING)
        return vonk__unsupported(p, p->at, "TRANSFORM", err);
    VONK_TRY(hints(p, &s->hints, err));
    if ((vonk__is(p, KW_DISTINCT) || vonk__is(p, KW_ALL)) && begins_body(p, 1) && vonk__tok_at(p, 1) != KW_FROM &&
        vonk__tok_at(p, 1) != KW_AS) {
        s->distinct = vonk__is(p, KW_DISTINCT);
        p->at++;
    }
    return vonk__named_exprs(p, &s->items, err);
}

static vonk_status one_row(vonk_parser *p, uint32_t from, const vonk_plan **ret, vonk_error *err)
{
    return vonk__node(p, from, VONK_PN_ONE_ROW, NULL, NULL, 0, ret, err);
}

/* ---- WINDOW clause */

typedef VONK_VEC(vonk_named_window) named_windows;

static vonk_status read_windows(vonk_parser *p, named_windows *ret, vonk_error *err)
{
    if (!vonk__is(p, KW_WINDOW) || vonk__tok_at(p, 2) != KW_AS) return VONK_OK;
    p->at++;
    do {
        uint32_t from = p->at;
        vonk_named_window one;
        const vonk_expr *nothing, *made;
        VONK_TRY(vonk__identifier_captured(p, &one.name, err));
        VONK_TRY(vonk__expect(p, KW_AS, err));
        VONK_TRY(vonk_ex_null(p->budget, &vonk_type_null, &made, err));
        VONK_TRY(vonk__keep_made(p, made, &nothing, err));
        for (size_t i = 0; i < ret->n; i++)
            if (vonk_str_eq_nocase(ret->at[i].name, one.name))
                return VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_SQL_SYNTAX__REPETITIVE_WINDOW_DEFINITION,
                                       "windowName", VONK_F("`%.*s`", VONK_STR_ARGS(one.name)));
        VONK_TRY(vonk__window_spec(p, from, nothing, &one.spec, err));
        if (one.spec->name.len) { /* WINDOW a AS b */
            p->n_window_refs--;
            VONK_TRY(vonk__replace_windows(p, ret->at, ret->n, one.spec, &one.spec, err));
            if (one.spec->name.len)
                return VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_SQL_SYNTAX__UNRESOLVED_WINDOW_REFERENCE,
                                       "windowName", VONK_F("`%.*s`", VONK_STR_ARGS(one.spec->name)));
        }
        VONK_TRY(VONK_PUSH(p, ret, one, err));
    } while (vonk__accept(p, TK_COMMA));
    return VONK_OK;
}

static vonk_status replace_in_list(vonk_parser *p, const named_windows *windows, vonk_exprs *list, vonk_error *err)
{
    for (size_t i = 0; i < list->n; i++)
        VONK_TRY(vonk__replace_windows(p, windows->at, windows->n, list->at[i], &list->at[i], err));
    return VONK_OK;
}

/* ---- the parts in the order of evaluation */

static vonk_status with_hints(vonk_parser *p, const vonk_plans *found, const vonk_plan *child, const vonk_plan **ret,
                              vonk_error *err)
{
    for (size_t i = found->n; i-- > 0;) {
        vonk_plan *hint;
        const vonk_plan *finished;
        VONK_TRY(vonk_plan_copy(p->budget, found->at[i], &child, 1, &hint, err));
        VONK_TRY(vonk_plan_finish(hint, &finished, err));
        vonk_status st = VONK_PUSH(p, &p->plans, finished, err);
        if (st != VONK_OK) {
            vonk_plan_unref(finished);
            return st;
        }
        child = finished;
    }
    *ret = child;
    return VONK_OK;
}

vonk_status vonk__select_tail(vonk_parser *p, const vonk_plan *from, const vonk_plan **ret, vonk_error *err)
{
    select_parts s = {0};
    named_windows windows = {0};
    vonk_exprs where = {0}, having = {0}, qualify = {0};
    vonk_grouping grouping = {0};
    uint32_t refs = p->n_window_refs;
    const vonk_plan *plan = from;
    const vonk_expr *e;
    VONK_TRY(select_clause(p, &s, err));
    if (!plan && vonk__accept(p, KW_FROM)) VONK_TRY(vonk__from_clause(p, &plan, err));
    if (!plan) VONK_TRY(one_row(p, s.from, &plan, err));
    VONK_TRY(vonk__lateral_views(p, plan, &plan, err));
    if (vonk__accept(p, KW_WHERE)) {
        VONK_TRY(vonk__expr(p, &e, err));
        VONK_TRY(VONK_PUSH(p, &where, e, err));
    }
    bool has_group = vonk__accept2(p, KW_GROUP, KW_BY);
    if (has_group) VONK_TRY(vonk__group_by(p, &grouping, err));
    bool has_having = vonk__accept(p, KW_HAVING);
    if (has_having) {
        VONK_TRY(vonk__expr(p, &e, err));
        VONK_TRY(VONK_PUSH(p, &having, e, err));
    }
    VONK_TRY(read_windows(p, &windows, err));
    if (vonk__accept(p, KW_QUALIFY)) {
        VONK_TRY(vonk__expr(p, &e, err));
        VONK_TRY(VONK_PUSH(p, &qualify, e, err));
    }
    if (windows.n && p->n_window_refs > refs) {
        VONK_TRY(replace_in_list(p, &windows, &s.items, err));
        VONK_TRY(replace_in_list(p, &windows, &having, err));
        VONK_TRY(replace_in_list(p, &windows, &qualify, err));
        p->n_window_refs = refs;
    }
    if (where.n) VONK_TRY(vonk__node(p, s.from, VONK_PN_FILTER, plan, &where, 0, &plan, err));
    if (has_group || has_having) /* HAVING alone: one group of all rows */
        VONK_TRY(vonk__aggregate(p, s.from, plan, &grouping, &s.items, &plan, err));
    else
        VONK_TRY(vonk__node(p, s.from, VONK_PN_PROJECT, plan, &s.items, 0, &plan, err));
    if (having.n) VONK_TRY(vonk__node(p, s.from, VONK_PN_FILTER, plan, &having, 1, &plan, err));
    if (qualify.n) VONK_TRY(vonk__node(p, s.from, VONK_PN_FILTER, plan, &qualify, 2, &plan, err));
    if (s.distinct) VONK_TRY(vonk__node(p, s.from, VONK_PN_DISTINCT, plan, NULL, 0, &plan, err));
    return with_hints(p, &s.hints, plan, ret, err);
}

/* ---- ORDER BY, SORT BY, CLUSTER BY, DISTRIBUTE BY, WINDOW, LIMIT, OFFSET */

static vonk_status sorts_of(vonk_parser *p, const vonk_exprs *exprs, vonk_exprs *ret, vonk_error *err)
{
    for (size_t i = 0; i < exprs->n; i++) {
        const vonk_expr *sort, *made;
        VONK_TRY(vonk_ex_sort(p->budget, exprs->at[i], false, false, &made, err));
        VONK_TRY(vonk__keep_made(p, made, &sort, err));
        VONK_TRY(VONK_PUSH(p, ret, sort, err));
    }
    return VONK_OK;
}

static vonk_status repartition(vonk_parser *p, uint32_t from, const vonk_plan *child, const vonk_exprs *by,
                               const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *plan;
    VONK_TRY(vonk__new_plan(p, VONK_PN_REPARTITION, &child, 1, &plan, err));
    VONK_TRY(vonk_plan_set_list(plan, 0, by->at, vonk_u32_of(by->n), err));
    plan->repartition.kind = VONK_REPARTITION_BY;
    return vonk__keep_plan(p, plan, from, ret, err);
}

typedef struct organization {
    vonk_exprs order, cluster, distribute, sort;
    const vonk_expr *limit, *offset;
} organization;

static vonk_status read_organization(vonk_parser *p, organization *o, vonk_error *err)
{
    if (vonk__accept2(p, KW_ORDER, KW_BY)) VONK_TRY(vonk__sort_items(p, &o->order, err));
    if (vonk__accept2(p, KW_CLUSTER, KW_BY)) VONK_TRY(vonk__expr_seq(p, &o->cluster, err));
    if (vonk__accept2(p, KW_DISTRIBUTE, KW_BY)) VONK_TRY(vonk__expr_seq(p, &o->distribute, err));
    if (vonk__accept2(p, KW_SORT, KW_BY)) VONK_TRY(vonk__sort_items(p, &o->sort, err));
    named_windows windows = {0};
    uint32_t from = p->at;
    VONK_TRY(read_windows(p, &windows, err));
    if (windows.n) return vonk__unsupported(p, from, "WINDOW clause behind ORDER BY", err);
    if (vonk__accept(p, KW_LIMIT) && !vonk__accept(p, KW_ALL)) VONK_TRY(vonk__expr(p, &o->limit, err));
    if (vonk__accept(p, KW_OFFSET)) VONK_TRY(vonk__expr(p, &o->offset, err));
    return VONK_OK;
}

static vonk_status count_node(vonk_parser *p, uint32_t from, vonk_node_kind kind, const vonk_plan *child,
                              const vonk_expr *count, const vonk_plan **ret, vonk_error *err)
{
    vonk_exprs list = {0};
    VONK_TRY(VONK_PUSH(p, &list, count, err));
    return vonk__node(p, from, kind, child, &list, 0, ret, err);
}

vonk_status vonk__organize(vonk_parser *p, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at;
    organization o = {0};
    VONK_TRY(read_organization(p, &o, err));
    int n = (o.order.n > 0) + (o.cluster.n > 0) + (o.distribute.n > 0 || o.sort.n > 0);
    if (n > 1) return VONK_PARSE_FAIL(p, from, err, VONK_E_UNSUPPORTED_FEATURE__COMBINATION_QUERY_RESULT_CLAUSES);
    if (o.order.n) VONK_TRY(vonk__node(p, from, VONK_PN_SORT, plan, &o.order, 1, &plan, err));
    if (o.cluster.n) {
        VONK_TRY(repartition(p, from, plan, &o.cluster, &plan, err));
        VONK_TRY(sorts_of(p, &o.cluster, &o.sort, err));
    }
    if (o.distribute.n) VONK_TRY(repartition(p, from, plan, &o.distribute, &plan, err));
    if (o.sort.n) VONK_TRY(vonk__node(p, from, VONK_PN_SORT, plan, &o.sort, 0, &plan, err));
    if (o.offset) VONK_TRY(count_node(p, from, VONK_PN_OFFSET, plan, o.offset, &plan, err));
    if (o.limit) VONK_TRY(count_node(p, from, VONK_PN_LIMIT, plan, o.limit, &plan, err));
    *ret = plan;
    return VONK_OK;
}
