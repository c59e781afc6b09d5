/* sql/analyze_set_op.c -- UNION, INTERSECT, EXCEPT: sides of as many columns and of common types; by position or by
 * name. */
#include "func/coerce.h"
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

/* ---- by name: columns, and the fields of structs in them and in their arrays */

/* Do structs in both types have fields of the same names in the same order? Types of other kinds need not be alike. */
static bool has_same_fields(const vonk_an *an, const vonk_type *a, const vonk_type *b)
{
    if (a->id != b->id) return true;
    if (a->id == VONK_T_STRUCT && a->n_fields != b->n_fields) return false;
    for (uint32_t i = 0; i < a->n_fields; i++) {
        if (a->id == VONK_T_STRUCT && !vonk__an_name_eq(an, a->fields[i].name, b->fields[i].name)) return false;
        if (!has_same_fields(an, a->fields[i].type, b->fields[i].type)) return false;
    }
    return true;
}

static vonk_status align_value(vonk_an *an, const vonk_plan *p, const vonk_expr *e, const vonk_type *like,
                               const vonk_expr **ret, vonk_error *err);

static vonk_status add_field(vonk_an *an, vonk_str name, const vonk_expr *value, vonk_exprs *args, vonk_error *err)
{
    const vonk_expr *label;
    VONK_TRY(vonk__an_string(an, name, &label, err));
    VONK_TRY(VONK_AN_PUSH(an, args, label, err));
    return VONK_AN_PUSH(an, args, value, err);
}

static vonk_status field_by_name(vonk_an *an, const vonk_expr *e, vonk_str name, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *text;
    VONK_TRY(vonk__an_string(an, name, &text, err));
    return vonk__an_extract(an, e, e, text, ret, err);
}

static vonk_status null_if_null(vonk_an *an, const vonk_expr *e, const vonk_expr *value, const vonk_expr **ret,
                                vonk_error *err)
{
    const vonk_expr *args[3] = {NULL, NULL, value};
    VONK_TRY(vonk__an_call(an, "isnull", &e, 1, NULL, &args[0], err));
    VONK_TRY(vonk__an_null(an, value->type, &args[1], err));
    return vonk__an_call(an, "if", args, 3, NULL, ret, err);
}

/* The fields of `like` in their order, NULL where e has none; then e's other fields. */
static vonk_status align_struct(vonk_an *an, const vonk_plan *p, const vonk_expr *e, const vonk_type *like,
                                const vonk_expr **ret, vonk_error *err)
{
    vonk_exprs args = {0};
    const vonk_expr *value;
    for (uint32_t i = 0; i < like->n_fields; i++) {
        const vonk_field *want = &like->fields[i];
        if (p->set.allow_missing && vonk_type_field_index(e->type, want->name, an->case_sensitive) == -1) {
            VONK_TRY(vonk__an_null(an, want->type, &value, err));
        } else {
            VONK_TRY(field_by_name(an, e, want->name, &value, err));
            VONK_TRY(align_value(an, p, value, want->type, &value, err));
        }
        VONK_TRY(add_field(an, want->name, value, &args, err));
    }
    for (uint32_t i = 0; i < e->type->n_fields; i++) {
        vonk_str name = e->type->fields[i].name;
        if (vonk_type_field_index(like, name, an->case_sensitive) != -1) continue;
        VONK_TRY(field_by_name(an, e, name, &value, err));
        VONK_TRY(add_field(an, name, value, &args, err));
    }
    VONK_TRY(vonk__an_call(an, "named_struct", args.at, vonk_u32_of(args.n), NULL, ret, err));
    return e->nullable ? null_if_null(an, e, *ret, ret, err) : VONK_OK;
}

static vonk_status align_array(vonk_an *an, const vonk_plan *p, const vonk_expr *e, const vonk_type *like,
                               const vonk_expr **ret, vonk_error *err)
{
    const vonk_field *element = &e->type->fields[0];
    const vonk_expr *args[2] = {e}, *x, *body;
    vonk_expr *lambda;
    VONK_TRY(vonk__an_variable(an, VONK_STR("x"), element->type, element->nullable, &x, err));
    VONK_TRY(align_value(an, p, x, like->fields[0].type, &body, err));
    VONK_TRY(vonk__an_new(an, VONK_EX_LAMBDA, &body, 1, &lambda, err));
    VONK_TRY(vonk_expr_set_parts(lambda, &x->name, 1, err));
    VONK_TRY(vonk_expr_set_ids(lambda, &x->id, 1, err));
    VONK_TRY(vonk__an_finish(an, lambda, &args[1], err));
    return vonk__an_call(an, "transform", args, 2, NULL, ret, err);
}

/* Maps stay as they are: whether they fit is the union's to say. */
static vonk_status align_value(vonk_an *an, const vonk_plan *p, const vonk_expr *e, const vonk_type *like,
                               const vonk_expr **ret, vonk_error *err)
{
    *ret = e;
    if (has_same_fields(an, e->type, like)) return VONK_OK;
    if (e->type->id == VONK_T_STRUCT) return align_struct(an, p, e, like, ret, err);
    return e->type->id == VONK_T_ARRAY ? align_array(an, p, e, like, ret, err) : VONK_OK;
}

static const vonk_expr *column_named(const vonk_an *an, const vonk_plan *side, vonk_str name)
{
    for (uint32_t i = 0; i < side->n_output; i++)
        if (vonk__an_name_eq(an, side->output[i]->name, name)) return side->output[i];
    return NULL;
}

static vonk_status missing_column(vonk_an *an, const vonk_plan *p, vonk_str name, const vonk_plan *side,
                                  vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf list = {0};
    vonk_buf_init(&list, an->budget, SIZE_MAX);
    for (uint32_t i = 0; i < side->n_output; i++)
        VONK_TRY(vonk_buf_printf(&list, err, "%s%.*s", i ? ", " : "", VONK_STR_ARGS(side->output[i]->name)));
    return VONK_PLAN_FAIL(p, err, VONK_E_UNRESOLVED_COLUMN_AMONG_FIELD_NAMES, "colName", VONK_S(name), "fieldNames",
                          VONK_S(vonk_buf_str(&list)));
}

/* What `side` has for a column of the other side. */
static vonk_status align_column(vonk_an *an, const vonk_plan *p, const vonk_expr *want, const vonk_plan *side,
                                const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *c = column_named(an, side, want->name), *e;
    if (!c && !p->set.allow_missing) return missing_column(an, p, want->name, side, err);
    if (c)
        VONK_TRY(align_value(an, p, c, want->type, &e, err));
    else
        VONK_TRY(vonk__an_null(an, want->type, &e, err));
    *ret = e;
    return e == c ? VONK_OK : vonk__an_alias(an, e, c ? c->name : want->name, ret, err);
}

/* The columns of `like` in their order, then the other ones of `side`. */
static vonk_status align_side(vonk_an *an, const vonk_plan *p, const vonk_plan *like, const vonk_plan *side,
                              const vonk_plan **ret, vonk_error *err)
{
    vonk_exprs items = {0};
    bool changed = false;
    for (uint32_t i = 0; i < like->n_output; i++) {
        const vonk_expr *e = NULL;
        VONK_TRY(align_column(an, p, like->output[i], side, &e, err));
        changed = changed || i >= side->n_output || e != side->output[i];
        VONK_TRY(VONK_AN_PUSH(an, &items, e, err));
    }
    for (uint32_t i = 0; i < side->n_output; i++)
        if (!column_named(an, like, side->output[i]->name)) VONK_TRY(VONK_AN_PUSH(an, &items, side->output[i], err));
    *ret = side;
    return changed ? vonk__an_project(an, side, items.at, vonk_u32_of(items.n), ret, err) : VONK_OK;
}

static vonk_status check_names(vonk_an *an, const vonk_plan *side, vonk_error *err)
{
    for (uint32_t i = 0; i < side->n_output; i++) {
        vonk_str name = side->output[i]->name;
        for (uint32_t k = 0; k < i; k++)
            if (vonk__an_name_eq(an, side->output[k]->name, name))
                return vonk_type_name_twice(name, an->case_sensitive, err);
    }
    return VONK_OK;
}

/* Both sides get the same columns in the same order; only with allow_missing may that change the left one. */
static vonk_status align_sides(vonk_an *an, const vonk_plan *p, const vonk_plan **left, const vonk_plan **right,
                               vonk_error *err)
{
    VONK_TRY(check_names(an, *left, err));
    VONK_TRY(check_names(an, *right, err));
    VONK_TRY(align_side(an, p, *left, *right, right, err));
    return p->set.allow_missing ? align_side(an, p, *right, *left, left, err) : VONK_OK;
}

/* ---- the sides' columns */

static vonk_status check_columns(vonk_an *an, const vonk_plan *p, const vonk_plan *const *sides, uint32_t n,
                                 vonk_error *err)
{
    for (uint32_t i = 1; i < n; i++)
        if (sides[i]->n_output != sides[0]->n_output)
            return VONK_PLAN_FAIL(p, err, VONK_E_NUM_COLUMNS_MISMATCH, "operator", set_name(p), "firstNumColumns",
                                  VONK_F("%u", sides[0]->n_output), "invalidOrdinalNum", VONK_ORDINAL(i),
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

/* What a column of all sides is cast to, or NULL. A union takes structs whose fields have other names, too. */
static vonk_status set_op_type(vonk_an *an, const vonk_plan *p, const vonk_type *const *types, uint32_t n,
                               const vonk_type **ret, vonk_error *err)
{
    VONK_TRY(vonk__an_common_type(an, types, n, ret, err));
    if (*ret || p->set.kind != VONK_SET_UNION) return VONK_OK;
    *ret = types[0];
    for (uint32_t k = 1; k < n && *ret; k++) {
        VONK_TRY(vonk_coerce_merge_structure(*ret, types[k], ret, err));
        if (*ret) VONK_TRY(vonk__an_hold_type(an, *ret, ret, err));
    }
    return VONK_OK;
}

/* Names the first side that does not go with the first one, or the last. */
static vonk_status incompatible(vonk_an *an, const vonk_plan *p, uint32_t at, const vonk_type *const *types, uint32_t n,
                                vonk_error *err)
{
    uint32_t k = 1;
    for (; k + 1 < n; k++) {
        const vonk_type *common;
        VONK_TRY(set_op_type(an, p, (const vonk_type *[]){types[0], types[k]}, 2, &common, err));
        if (!common) break;
    }
    return VONK_PLAN_FAIL(p, err, VONK_E_INCOMPATIBLE_COLUMN_TYPE, "operator", set_name(p), "columnOrdinalNumber",
                          VONK_ORDINAL(at), "tableOrdinalNumber", VONK_ORDINAL(k), "dataType1", VONK_TYPE_SQL(types[k]),
                          "dataType2", VONK_TYPE_SQL(types[0]), "hint", "");
}

static vonk_status widen(vonk_an *an, const vonk_plan *p, const vonk_plan **sides, uint32_t n, vonk_error *err)
{
    const vonk_type **types, **column;
    uint32_t n_columns = sides[0]->n_output;
    VONK_TRY(vonk_arena_array(an->arena, n_columns + 1, sizeof(*types), &types, err));
    VONK_TRY(vonk_arena_array(an->arena, n, sizeof(*column), &column, err));
    for (uint32_t i = 0; i < n_columns; i++) {
        for (uint32_t k = 0; k < n; k++) column[k] = sides[k]->output[i]->type;
        VONK_TRY(set_op_type(an, p, column, n, &types[i], err));
        if (!types[i]) return incompatible(an, p, i, column, n, err);
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
        if (i > 0 && p->set.by_name) VONK_TRY(align_sides(an, p, &sides[0], &sides[i], err));
    }
    VONK_TRY(check_columns(an, p, sides, p->n_children, err));
    VONK_TRY(widen(an, p, sides, p->n_children, err));
    VONK_TRY(vonk__an_node(an, VONK_PN_SET_OP, sides, p->n_children, &node, err));
    node->set = p->set;
    node->set.by_name = false;
    return vonk__an_finish_node(an, node, ret, err);
}
