/* sql/analyze_make.c -- making resolved expressions and nodes. */
#include "func/coerce.h"
#include "sql/analyze.h"

/* ---- expressions */

static void take_origin(vonk_expr *e, const vonk_expr *like)
{
    if (like && like->origin.text) vonk_expr_set_origin(e, &like->origin);
}

bool vonk__an_name_eq(const vonk_an *an, vonk_str a, vonk_str b)
{
    return an->case_sensitive ? vonk_str_eq(a, b) : vonk_str_eq_nocase(a, b);
}

vonk_status vonk__an_alias(vonk_an *an, const vonk_expr *child, vonk_str name, const vonk_expr **ret, vonk_error *err)
{
    vonk_expr *e;
    VONK_TRY(vonk__an_new(an, VONK_EX_ALIAS, &child, 1, &e, err));
    VONK_TRY(vonk_expr_set_name(e, name, err));
    e->id = vonk_expr_new_id();
    if (child->kind == VONK_EX_COLUMN && child->metadata.len) VONK_TRY(vonk_expr_set_metadata(e, child->metadata, err));
    take_origin(e, child);
    return vonk__an_finish(an, e, ret, err);
}

vonk_status vonk__an_cast(vonk_an *an, const vonk_expr *e, const vonk_type *type, const vonk_expr **ret,
                          vonk_error *err)
{
    return vonk__an_cast_in(an, e, e, type, ret, err);
}

vonk_status vonk__an_cast_in(vonk_an *an, const vonk_expr *whole, const vonk_expr *e, const vonk_type *type,
                             const vonk_expr **ret, vonk_error *err)
{
    return vonk__an_cast_as(an, whole, e, type, an->ansi ? VONK_MODE_ANSI : VONK_MODE_LEGACY, ret, err);
}

vonk_status vonk__an_cast_as(vonk_an *an, const vonk_expr *whole, const vonk_expr *e, const vonk_type *type,
                             vonk_eval_mode mode, const vonk_expr **ret, vonk_error *err)
{
    *ret = e;
    if (vonk_type_same(e->type, type)) return VONK_OK;
    vonk_expr *cast;
    VONK_TRY(vonk__an_new(an, VONK_EX_CAST, &e, 1, &cast, err));
    cast->flags = VONK_EXF_IMPLICIT;
    cast->mode = mode;
    VONK_TRY(vonk_expr_set_type(cast, type, err));
    take_origin(cast, whole);
    VONK_TRY(vonk__an_check_cast(an, cast, err));
    return vonk__an_finish(an, cast, ret, err);
}

vonk_status vonk__an_simple(vonk_an *an, vonk_expr_kind kind, const vonk_expr *const *children, uint32_t n,
                            const vonk_expr *like, const vonk_expr **ret, vonk_error *err)
{
    vonk_expr *e;
    VONK_TRY(vonk__an_new(an, kind, children, n, &e, err));
    take_origin(e, like);
    return vonk__an_finish(an, e, ret, err);
}

vonk_status vonk__an_call(vonk_an *an, const char *name, const vonk_expr *const *args, uint32_t n,
                          const vonk_expr *like, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *made, *call;
    VONK_TRY(vonk_ex_call(an->budget, vonk_str_of(name), args, n, &made, err));
    VONK_TRY(vonk__an_keep(an, made, &call, err));
    take_origin((vonk_expr *)call, like);
    ((vonk_expr *)call)->flags |= VONK_EXF_OPERATOR;
    vonk_scope nothing = {0};
    return vonk__an_function(an, &nothing, call, ret, err);
}

vonk_status vonk__an_null(vonk_an *an, const vonk_type *type, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *e;
    VONK_TRY(vonk_ex_null(an->budget, type, &e, err));
    return vonk__an_keep(an, e, ret, err);
}

vonk_status vonk__an_int(vonk_an *an, int64_t value, const vonk_type *type, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *e;
    VONK_TRY(vonk_ex_int(an->budget, value, type, &e, err));
    return vonk__an_keep(an, e, ret, err);
}

vonk_status vonk__an_string(vonk_an *an, vonk_str value, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *e;
    VONK_TRY(vonk_ex_string(an->budget, value, &e, err));
    return vonk__an_keep(an, e, ret, err);
}

vonk_status vonk__an_equal(vonk_an *an, const vonk_expr *a, const vonk_expr *b, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *both[2] = {a, b};
    return vonk__an_call(an, "=", both, 2, NULL, ret, err);
}

vonk_status vonk__an_and(vonk_an *an, const vonk_exprs *terms, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *e;
    VONK_TRY(vonk_ex_and(an->budget, terms->at, vonk_u32_of(terms->n), &e, err));
    return vonk__an_keep(an, e, ret, err);
}

vonk_status vonk__an_column_of(vonk_an *an, const vonk_expr *named, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *e;
    VONK_TRY(vonk_ex_column_of(an->budget, named, &e, err));
    return vonk__an_keep(an, e, ret, err);
}

static vonk_status new_variable(vonk_an *an, vonk_expr_kind kind, vonk_str name, const vonk_type *type, bool nullable,
                                const vonk_expr **ret, vonk_error *err)
{
    vonk_expr *e;
    VONK_TRY(vonk__an_new(an, kind, NULL, 0, &e, err));
    e->id = vonk_expr_new_id();
    e->nullable = nullable;
    VONK_TRY(vonk_expr_set_name(e, name, err));
    VONK_TRY(vonk_expr_set_type(e, type, err));
    return vonk__an_finish(an, e, ret, err);
}

vonk_status vonk__an_new_column(vonk_an *an, vonk_str name, const vonk_type *type, bool nullable, const vonk_expr **ret,
                                vonk_error *err)
{
    return new_variable(an, VONK_EX_COLUMN, name, type, nullable, ret, err);
}

vonk_status vonk__an_variable(vonk_an *an, vonk_str name, const vonk_type *type, bool nullable, const vonk_expr **ret,
                              vonk_error *err)
{
    return new_variable(an, VONK_EX_LAMBDA_VAR, name, type, nullable, ret, err);
}

vonk_status vonk__an_get_field(vonk_an *an, const vonk_expr *base, uint32_t index, const vonk_expr **ret,
                               vonk_error *err)
{
    vonk_expr *e;
    VONK_TRY(vonk__an_new(an, VONK_EX_GET_FIELD, &base, 1, &e, err));
    e->index = index;
    VONK_TRY(vonk_expr_set_name(e, base->type->fields[index].name, err));
    take_origin(e, base);
    return vonk__an_finish(an, e, ret, err);
}

vonk_status vonk__an_sql(vonk_an *an, const vonk_expr *e, vonk_str *ret, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, an->budget, SIZE_MAX);
    VONK_TRY(vonk_expr_sql(e, &text, err));
    return vonk_arena_str(an->arena, vonk_buf_str(&text), ret, err);
}

vonk_status vonk__an_quoted_sql(vonk_an *an, const vonk_expr *e, const char **ret, vonk_error *err)
{
    vonk_str text, quoted;
    VONK_TRY(vonk__an_sql(an, e, &text, err));
    VONK_TRY(vonk_arena_printf(an->arena, &quoted, err, "\"%.*s\"", VONK_STR_ARGS(text)));
    *ret = quoted.data;
    return VONK_OK;
}

vonk_status vonk__an_named(vonk_an *an, const vonk_expr *e, const vonk_expr **ret, vonk_error *err)
{
    *ret = e;
    if (e->kind == VONK_EX_ALIAS || (e->kind == VONK_EX_COLUMN && !vonk_expr_has(e, VONK_EXF_OUTER))) return VONK_OK;
    VONK_AUTO(vonk_buf_done) vonk_buf name = {0};
    vonk_buf_init(&name, an->budget, SIZE_MAX);
    VONK_TRY(vonk_expr_output_name(e, &name, err));
    return vonk__an_alias(an, e, vonk_buf_str(&name), ret, err);
}

static void drop_type(void *type) { vonk_type_unref(type); }

vonk_status vonk__an_hold_type(vonk_an *an, const vonk_type *take_type, const vonk_type **ret, vonk_error *err)
{
    *ret = take_type;
    return vonk_arena_on_free(an->arena, drop_type, (void *)take_type, err);
}

static bool has_string(const vonk_type *t)
{
    if (t->id == VONK_T_ARRAY) return has_string(t->fields[0].type);
    return vonk_type_is_stringy(t);
}

/* Strings first: what they are promoted with must not depend on where they stand. */
vonk_status vonk__an_common_type(vonk_an *an, const vonk_type *const *types, uint32_t n, const vonk_type **ret,
                                 vonk_error *err)
{
    const vonk_type *got = &vonk_type_null;
    for (int strings = 1; strings >= 0; strings--)
        for (uint32_t i = 0; i < n; i++) {
            const vonk_type *wider;
            if (has_string(types[i]) != (bool)strings || got == types[i]) continue;
            VONK_TRY(vonk_coerce_common(got, types[i], an->ansi, &wider, err));
            if (!wider) {
                *ret = NULL;
                return VONK_OK;
            }
            VONK_TRY(vonk__an_hold_type(an, wider, &got, err));
        }
    *ret = got;
    return VONK_OK;
}

/* ---- nodes */

static vonk_status with_list(vonk_an *an, vonk_node_kind kind, const vonk_plan *child, const vonk_expr *const *exprs,
                             uint32_t n, const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *p;
    VONK_TRY(vonk__an_node(an, kind, &child, 1, &p, err));
    VONK_TRY(vonk_plan_set_list(p, 0, exprs, n, err));
    return vonk__an_finish_node(an, p, ret, err);
}

vonk_status vonk__an_project(vonk_an *an, const vonk_plan *child, const vonk_expr *const *exprs, uint32_t n,
                             const vonk_plan **ret, vonk_error *err)
{
    return with_list(an, VONK_PN_PROJECT, child, exprs, n, ret, err);
}

vonk_status vonk__an_filter(vonk_an *an, const vonk_plan *child, const vonk_expr *condition, const vonk_plan **ret,
                            vonk_error *err)
{
    return with_list(an, VONK_PN_FILTER, child, &condition, 1, ret, err);
}

vonk_status vonk__an_aggregate(vonk_an *an, const vonk_plan *child, const vonk_exprs *keys, const vonk_exprs *outputs,
                               const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *p;
    VONK_TRY(vonk__an_node(an, VONK_PN_AGGREGATE, &child, 1, &p, err));
    VONK_TRY(vonk_plan_set_list(p, 0, keys ? keys->at : NULL, keys ? vonk_u32_of(keys->n) : 0, err));
    VONK_TRY(vonk_plan_set_list(p, 1, outputs->at, vonk_u32_of(outputs->n), err));
    return vonk__an_finish_node(an, p, ret, err);
}

vonk_status vonk__an_join(vonk_an *an, const vonk_plan *left, const vonk_plan *right, const vonk_join_info *info,
                          const vonk_expr *condition, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *sides[2] = {left, right};
    vonk_plan *p;
    VONK_TRY(vonk__an_node(an, VONK_PN_JOIN, sides, 2, &p, err));
    p->join = *info;
    VONK_TRY(vonk_plan_str(p, info->hint_left, &p->join.hint_left, err));
    VONK_TRY(vonk_plan_str(p, info->hint_right, &p->join.hint_right, err));
    VONK_TRY(vonk_plan_set_list(p, 0, &condition, condition ? 1 : 0, err));
    return vonk__an_finish_node(an, p, ret, err);
}

vonk_status vonk__an_distinct(vonk_an *an, const vonk_plan *child, const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *p;
    VONK_TRY(vonk__an_node(an, VONK_PN_DISTINCT, &child, 1, &p, err));
    return vonk__an_finish_node(an, p, ret, err);
}

vonk_status vonk__an_one_row(vonk_an *an, const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *p;
    VONK_TRY(vonk__an_node(an, VONK_PN_ONE_ROW, NULL, 0, &p, err));
    return vonk__an_finish_node(an, p, ret, err);
}

vonk_status vonk__an_aliased(vonk_an *an, const vonk_plan *child, const vonk_str *parts, uint32_t n,
                             const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *p;
    VONK_TRY(vonk__an_node(an, VONK_PN_SUBQUERY_ALIAS, &child, 1, &p, err));
    VONK_TRY(vonk_plan_strs(p, parts, n, &p->name.parts, err));
    p->name.n_parts = n;
    return vonk__an_finish_node(an, p, ret, err);
}

vonk_status vonk__an_rename(vonk_an *an, const vonk_plan *child, const vonk_str *names, const vonk_plan **ret,
                            vonk_error *err)
{
    vonk_exprs items = {0};
    for (uint32_t i = 0; i < child->n_output; i++) {
        const vonk_expr *e = child->output[i];
        if (!vonk_str_eq(e->name, names[i])) VONK_TRY(vonk__an_alias(an, e, names[i], &e, err));
        VONK_TRY(VONK_AN_PUSH(an, &items, e, err));
    }
    return vonk__an_project(an, child, items.at, vonk_u32_of(items.n), ret, err);
}
