/* sql/parse_pivot.c -- PIVOT and UNPIVOT.
 *
 * PIVOT becomes PIVOT(child; l1 aggregates; l2 pivot column; l3 values) with number 1: the grouping is what is left
 * over. UNPIVOT becomes UNPIVOT(child; l1 values) with name.parts = name column, value columns ...; a set of several
 * columns is a call of struct. Bits of its number: see VONK_UNPIVOT_*. */
#include "sql/parse.h"
#include "sql/unpivot.h"

static vonk_status alias_of(vonk_parser *p, uint32_t from, const vonk_expr *child, const vonk_expr **ret,
                            vonk_error *err)
{
    *ret = child;
    bool as = vonk__accept(p, KW_AS);
    if (!as && !vonk__is_identifier(p, vonk__tok(p))) return VONK_OK;
    vonk_str name;
    vonk_expr *e;
    VONK_TRY(vonk__identifier_captured(p, &name, err));
    VONK_TRY(vonk__new(p, VONK_EX_ALIAS, &child, 1, &e, err));
    e->id = vonk_expr_new_id();
    VONK_TRY(vonk_expr_set_name(e, name, err));
    return vonk__keep_expr(p, e, from, ret, err);
}

static vonk_status relation_alias(vonk_parser *p, uint32_t from, const vonk_plan *plan, const vonk_plan **ret,
                                  vonk_error *err)
{
    vonk_str name;
    bool as = vonk__is(p, KW_AS);
    *ret = plan;
    if (!as && (!vonk__is_alias(p, vonk__tok(p)) || vonk__at_clause(p))) return VONK_OK;
    if (as) p->at++;
    VONK_TRY(vonk__identifier_captured(p, &name, err));
    return vonk__alias_plan(p, from, plan, name, NULL, ret, err);
}

/* FOR a IN or FOR (a, b) IN */
static vonk_status pivot_column(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    uint32_t from = p->at;
    vonk_strs names = {0};
    vonk_exprs columns = {0};
    bool many = vonk__is(p, TK_LPAREN);
    vonk_str one;
    if (many)
        VONK_TRY(vonk__identifier_list(p, &names, err));
    else {
        VONK_TRY(vonk__identifier_captured(p, &one, err));
        VONK_TRY(VONK_PUSH(p, &names, one, err));
    }
    for (size_t i = 0; i < names.n; i++) {
        const vonk_expr *e;
        VONK_TRY(vonk__name_expr(p, from, &names.at[i], 1, &e, err));
        VONK_TRY(VONK_PUSH(p, &columns, e, err));
    }
    if (names.n == 1) {
        *ret = columns.at[0];
        return VONK_OK;
    }
    return vonk__call(p, from, "struct", columns.at, vonk_u32_of(columns.n), 0, ret, err);
}

vonk_status vonk__pivot(vonk_parser *p, const vonk_plan *child, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at++;
    vonk_exprs aggregates = {0}, values = {0};
    const vonk_expr *column, *value;
    vonk_plan *plan;
    VONK_TRY(vonk__expect(p, TK_LPAREN, err));
    VONK_TRY(vonk__named_exprs(p, &aggregates, err));
    VONK_TRY(vonk__expect(p, KW_FOR, err));
    VONK_TRY(pivot_column(p, &column, err));
    VONK_TRY(vonk__expect(p, KW_IN, err));
    VONK_TRY(vonk__expect(p, TK_LPAREN, err));
    do {
        uint32_t at = p->at;
        VONK_TRY(vonk__expr(p, &value, err));
        VONK_TRY(alias_of(p, at, value, &value, err));
        VONK_TRY(VONK_PUSH(p, &values, value, err));
    } while (vonk__accept(p, TK_COMMA));
    VONK_TRY(vonk__expect(p, TK_RPAREN, err));
    VONK_TRY(vonk__expect(p, TK_RPAREN, err));
    VONK_TRY(vonk__new_plan(p, VONK_PN_PIVOT, &child, 1, &plan, err));
    VONK_TRY(vonk_plan_set_list(plan, 0, NULL, 0, err));
    VONK_TRY(vonk_plan_set_list(plan, 1, aggregates.at, vonk_u32_of(aggregates.n), err));
    VONK_TRY(vonk_plan_set_list(plan, 2, &column, 1, err));
    VONK_TRY(vonk_plan_set_list(plan, 3, values.at, vonk_u32_of(values.n), err));
    plan->number = 1;
    VONK_TRY(vonk__keep_plan(p, plan, from, ret, err));
    return relation_alias(p, from, *ret, ret, err);
}

/* ---- UNPIVOT */

static vonk_status column_name(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    uint32_t from = p->at;
    vonk_strs parts = {0};
    VONK_TRY(vonk__name(p, &parts, err));
    return vonk__name_expr(p, from, parts.at, vonk_u32_of(parts.n), ret, err);
}

/* (a, b) of UNPIVOT ((x, y) FOR n IN ((a, b), (c, d))) */
static vonk_status column_set(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    uint32_t from = p->at;
    vonk_exprs columns = {0};
    VONK_TRY(vonk__expect(p, TK_LPAREN, err));
    do {
        const vonk_expr *e;
        VONK_TRY(column_name(p, &e, err));
        VONK_TRY(VONK_PUSH(p, &columns, e, err));
    } while (vonk__accept(p, TK_COMMA));
    VONK_TRY(vonk__expect(p, TK_RPAREN, err));
    return vonk__call(p, from, "struct", columns.at, vonk_u32_of(columns.n), VONK_EXF_OPERATOR, ret, err);
}

static vonk_status unpivot_operator(vonk_parser *p, vonk_strs *names, vonk_exprs *values, vonk_error *err)
{
    vonk_strs value_names = {0};
    vonk_str one;
    bool many = vonk__is(p, TK_LPAREN);
    if (many)
        VONK_TRY(vonk__identifier_list(p, &value_names, err));
    else {
        VONK_TRY(vonk__identifier(p, &one, err));
        VONK_TRY(VONK_PUSH(p, &value_names, one, err));
    }
    VONK_TRY(vonk__expect(p, KW_FOR, err));
    VONK_TRY(vonk__identifier(p, &one, err));
    VONK_TRY(VONK_PUSH(p, names, one, err));
    for (size_t i = 0; i < value_names.n; i++) VONK_TRY(VONK_PUSH(p, names, value_names.at[i], err));
    VONK_TRY(vonk__expect(p, KW_IN, err));
    VONK_TRY(vonk__expect(p, TK_LPAREN, err));
    do {
        const vonk_expr *e;
        uint32_t at = p->at;
        VONK_TRY(many ? column_set(p, &e, err) : column_name(p, &e, err));
        VONK_TRY(alias_of(p, at, e, &e, err));
        VONK_TRY(VONK_PUSH(p, values, e, err));
    } while (vonk__accept(p, TK_COMMA));
    return vonk__expect(p, TK_RPAREN, err);
}

vonk_status vonk__unpivot(vonk_parser *p, const vonk_plan *child, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at++;
    vonk_strs names = {0};
    vonk_exprs values = {0};
    vonk_plan *plan;
    int64_t number = VONK_UNPIVOT_VALUES_GIVEN | VONK_UNPIVOT_IDS_OPEN | VONK_UNPIVOT_EXCLUDE_NULLS;
    if (vonk__accept2(p, KW_INCLUDE, KW_NULLS))
        number &= ~(int64_t)VONK_UNPIVOT_EXCLUDE_NULLS;
    else
        vonk__accept2(p, KW_EXCLUDE, KW_NULLS);
    VONK_TRY(vonk__expect(p, TK_LPAREN, err));
    VONK_TRY(unpivot_operator(p, &names, &values, err));
    VONK_TRY(vonk__expect(p, TK_RPAREN, err));
    VONK_TRY(vonk__new_plan(p, VONK_PN_UNPIVOT, &child, 1, &plan, err));
    VONK_TRY(vonk_plan_set_list(plan, 0, NULL, 0, err));
    VONK_TRY(vonk_plan_set_list(plan, 1, values.at, vonk_u32_of(values.n), err));
    VONK_TRY(vonk__set_name_info(plan, &plan->name, &names, err));
    plan->number = number;
    VONK_TRY(vonk__keep_plan(p, plan, from, ret, err));
    return relation_alias(p, from, *ret, ret, err);
}
