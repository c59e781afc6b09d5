/* sql/analyze_set_op.c -- UNION, INTERSECT, EXCEPT: sides of as many columns and of common types; by position or by
 * name. */
#include "sql/analyze.h"

static const char *set_name(const vonk_plan *p)
{
    switch (p->set.kind) {
    case VONK_SET_UNION: return "UNION";
    case VONK_SET_INTERSECT: return p->set.all ? "INTERSECT ALL" : "INTERSECT";
    case VONK_SET_EXCEPT: break;
    }
    return p->set.all ? "EXCEPT ALL" : "EXCEPT";
}

static const char *ordinal(uint32_t i)
{
    static const char *const names[] = {"first", "second",  "third",  "fourth", "fifth",
                                        "sixth", "seventh", "eighth", "ninth",  "tenth"};
    return i < VONK_COUNTOF(names) ? names[i] : "later";
}

/* UNION BY NAME: the right side in the order of the left's names. */
static vonk_status reorder(vonk_an *an, const vonk_plan *p, const vonk_plan *left, const vonk_plan *right,
                           const vonk_plan **ret_left, const vonk_plan **ret_right, vonk_error *err)
{
    vonk_exprs items = {0}, more = {0};
    const vonk_expr *missing;
    for (uint32_t i = 0; i < left->n_output; i++) {
        const vonk_expr *c = NULL, *want = left->output[i];
        for (uint32_t k = 0; k < right->n_output && !c; k++)
            if (vonk__an_name_eq(an, right->output[k]->name, want->name)) c = right->output[k];
        if (!c) {
            vonk_str quoted, list = VONK_STR("");
            if (!p->set.allow_missing) {
                VONK_TRY(vonk__an_quote_parts(an, &want->name, 1, &quoted, err));
                for (uint32_t k = 0; k < right->n_output; k++)
                    VONK_TRY(vonk_arena_printf(an->arena, &list, err, "%.*s%s%.*s", VONK_STR_ARGS(list), k ? ", " : "",
                                               VONK_STR_ARGS(right->output[k]->name)));
                return VONK_PLAN_FAIL(p, err, VONK_E_UNRESOLVED_COLUMN_AMONG_FIELD_NAMES, "colName", VONK_S(want->name),
                                      "fieldNames", VONK_S(list));
            }
            VONK_TRY(vonk__an_null(an, want->type, &missing, err));
            VONK_TRY(vonk__an_alias(an, missing, want->name, &c, err));
        }
        VONK_TRY(VONK_AN_PUSH(an, &items, c, err));
    }
    for (uint32_t i = 0; i < left->n_output; i++) VONK_TRY(VONK_AN_PUSH(an, &more, left->output[i], err));
    bool extra = false;
    for (uint32_t k = 0; k < right->n_output; k++) {
        bool known = false;
        for (uint32_t i = 0; i < left->n_output && !known; i++)
            known = vonk__an_name_eq(an, right->output[k]->name, left->output[i]->name);
        if (known) continue;
        extra = true;
        VONK_TRY(VONK_AN_PUSH(an, &items, right->output[k], err));
        VONK_TRY(vonk__an_null(an, right->output[k]->type, &missing, err));
        VONK_TRY(vonk__an_alias(an, missing, right->output[k]->name, &missing, err));
        VONK_TRY(VONK_AN_PUSH(an, &more, missing, err));
    }
    *ret_left = left;
    if (extra && p->set.allow_missing)
        VONK_TRY(vonk__an_project(an, left, more.at, vonk_u32_of(more.n), ret_left, err));
    return vonk__an_project(an, right, items.at, vonk_u32_of(items.n), ret_right, err);
}

static vonk_status check_columns(vonk_an *an, const vonk_plan *p, const vonk_plan *const *sides, uint32_t n,
                                 vonk_error *err)
{
    for (uint32_t i = 1; i < n; i++)
        if (sides[i]->n_output != sides[0]->n_output)
            return VONK_PLAN_FAIL(p, err, VONK_E_NUM_COLUMNS_MISMATCH, "operator", set_name(p), "firstNumColumns",
                                  VONK_F("%u", sides[0]->n_output), "invalidOrdinalNum", ordinal(i),
                                  "invalidNumColumns", VONK_F("%u", sides[i]->n_output));
    if (p->set.kind == VONK_SET_UNION) return VONK_OK;
    for (uint32_t i = 0; i < sides[0]->n_output; i++) {
        const vonk_expr *c = sides[0]->output[i];
        vonk_str quoted;
        if (!vonk_type_has(c->type, VONK_T_MAP)) continue;
        VONK_TRY(vonk__an_quote_parts(an, &c->name, 1, &quoted, err));
        return VONK_PLAN_FAIL(p, err, VONK_E_UNSUPPORTED_FEATURE__SET_OPERATION_ON_MAP_TYPE, "colName", quoted.data,
                              "dataType", VONK_TYPE_SQL(c->type));
    }
    return VONK_OK;
}

static vonk_status widen_side(vonk_an *an, const vonk_plan *side, const vonk_type *const *types,
                              const vonk_origin *origin, const vonk_plan **ret, vonk_error *err)
{
    vonk_exprs items = {0};
    bool changed = false;
    for (uint32_t i = 0; i < side->n_output; i++) {
        const vonk_expr *c = side->output[i], *e;
        VONK_TRY(vonk__an_cast(an, c, types[i], &e, err));
        if (e != c) {
            vonk_expr_set_origin((vonk_expr *)e, origin);
            VONK_TRY(vonk__an_alias(an, e, c->name, &e, err));
            changed = true;
        }
        VONK_TRY(VONK_AN_PUSH(an, &items, e, err));
    }
    *ret = side;
    return changed ? vonk__an_project(an, side, items.at, vonk_u32_of(items.n), ret, err) : VONK_OK;
}

static vonk_status widen(vonk_an *an, const vonk_plan *p, const vonk_plan **sides, uint32_t n, vonk_error *err)
{
    const vonk_type **types, **column;
    uint32_t n_columns = sides[0]->n_output;
    VONK_TRY(vonk_arena_array(an->arena, n_columns + 1, sizeof(*types), &types, err));
    VONK_TRY(vonk_arena_array(an->arena, n, sizeof(*column), &column, err));
    for (uint32_t i = 0; i < n_columns; i++) {
        for (uint32_t k = 0; k < n; k++) column[k] = sides[k]->output[i]->type;
        VONK_TRY(vonk__an_common_type(an, column, n, &types[i], err));
        for (uint32_t k = 1; !types[i] && k < n; k++) {
            const vonk_type *common;
            VONK_TRY(vonk__an_common_type(an, (const vonk_type *[]){column[0], column[k]}, 2, &common, err));
            if (common && k + 1 < n) continue;
            return VONK_PLAN_FAIL(p, err, VONK_E_INCOMPATIBLE_COLUMN_TYPE, "operator", set_name(p),
                                  "columnOrdinalNumber", ordinal(i), "tableOrdinalNumber", ordinal(k), "dataType1",
                                  VONK_TYPE_SQL(column[k]), "dataType2", VONK_TYPE_SQL(column[0]), "hint", "");
        }
    }
    for (uint32_t k = 0; k < n; k++) VONK_TRY(widen_side(an, sides[k], types, &p->origin, &sides[k], err));
    return VONK_OK;
}

vonk_status vonk__an_set_op(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                            vonk_error *err)
{
    const vonk_plan **sides;
    vonk_plan *node;
    VONK_TRY(vonk_arena_array(an->arena, p->n_children, sizeof(*sides), &sides, err));
    for (uint32_t i = 0; i < p->n_children; i++) {
        VONK_TRY(vonk__an_plan(an, p->children[i], outer, &sides[i], err));
        for (uint32_t k = 0; k < i; k++) VONK_TRY(vonk__an_distinct_ids(an, sides[k], sides[i], &sides[i], err));
        if (i > 0 && p->set.by_name) VONK_TRY(reorder(an, p, sides[0], sides[i], &sides[0], &sides[i], err));
    }
    VONK_TRY(check_columns(an, p, sides, p->n_children, err));
    VONK_TRY(widen(an, p, sides, p->n_children, err));
    VONK_TRY(vonk__an_node(an, VONK_PN_SET_OP, sides, p->n_children, &node, err));
    node->set = p->set;
    node->set.by_name = false;
    return vonk__an_finish_node(an, node, ret, err);
}
