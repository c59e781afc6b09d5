/* sql/analyze_expr.c -- expressions: dispatch over kinds; type rules of the forms that are not functions (CASE, IN,
 * AND, CAST, a.b, a[i]). */
#include "func/coerce.h"
#include "sql/analyze.h"
#include "sql/parse.h"

typedef vonk_status (*expr_step)(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, const vonk_expr **ret,
                                 vonk_error *err);

vonk_status vonk__an_exprs(vonk_an *an, const vonk_scope *scope, const vonk_expr *const *exprs, uint32_t n,
                           vonk_exprs *ret, vonk_error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        const vonk_expr *e;
        VONK_TRY(vonk__an_expr(an, scope, exprs[i], &e, err));
        VONK_TRY(VONK_AN_PUSH(an, ret, e, err));
    }
    return VONK_OK;
}

/* ---- messages */

static vonk_status wrong_type(vonk_an *an, const vonk_expr *whole, const vonk_expr *part, uint32_t at,
                              const char *required, vonk_error *err)
{
    const char *sql, *input;
    VONK_TRY(vonk__an_quoted_sql(an, whole, &sql, err));
    VONK_TRY(vonk__an_quoted_sql(an, part, &input, err));
    return VONK_EXPR_FAIL(whole, err, VONK_E_DATATYPE_MISMATCH__UNEXPECTED_INPUT_TYPE, "sqlExpr", sql, "paramIndex",
                          VONK_ORDINAL(at), "requiredType", required, "inputSql", input, "inputType",
                          VONK_TYPE_SQL(part->type));
}

/* Forms list the types in [], functions in () with "or" between them. */
static vonk_status type_list(vonk_an *an, bool is_function, const vonk_type *const *types, uint32_t n, const char **ret,
                             vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf list = {0};
    vonk_str text;
    vonk_buf_init(&list, an->budget, SIZE_MAX);
    VONK_TRY(vonk_buf_add_byte(&list, is_function ? '(' : '[', err));
    for (uint32_t i = 0; i < n; i++)
        VONK_TRY(vonk_buf_printf(&list, err, "%s%s",
                                 i == 0        ? ""
                                 : is_function ? " or "
                                               : ", ",
                                 VONK_TYPE_SQL(types[i])));
    VONK_TRY(vonk_buf_add_byte(&list, is_function ? ')' : ']', err));
    VONK_TRY(vonk_arena_str(an->arena, vonk_buf_str(&list), &text, err));
    *ret = text.data;
    return VONK_OK;
}

static vonk_status different_types(vonk_an *an, const vonk_expr *whole, const char *function,
                                   const vonk_type *const *types, uint32_t n, vonk_error *err)
{
    const char *sql, *list;
    VONK_TRY(vonk__an_quoted_sql(an, whole, &sql, err));
    VONK_TRY(type_list(an, whole->kind == VONK_EX_COALESCE, types, n, &list, err));
    return VONK_EXPR_FAIL(whole, err, VONK_E_DATATYPE_MISMATCH__DATA_DIFF_TYPES, "sqlExpr", sql, "functionName",
                          function, "dataType", list);
}

/* ---- coercion of forms */

typedef struct operands {
    const vonk_expr *like;
    const vonk_expr **at; /* writable copy */
    uint32_t n;
} operands;

static vonk_status rebuild(vonk_an *an, const operands *o, const vonk_expr **ret, vonk_error *err)
{
    vonk_expr *copy;
    VONK_TRY(vonk__an_copy(an, o->like, o->at, o->n, &copy, err));
    return vonk__an_finish(an, copy, ret, err);
}

/* Conditions are boolean; if() takes NULL for one. */
static vonk_status to_boolean(vonk_an *an, const operands *o, uint32_t i, uint32_t shown_index, vonk_error *err)
{
    const vonk_expr *e = o->at[i], *whole;
    if (e->type->id == VONK_T_BOOLEAN) return VONK_OK;
    if (e->type->id == VONK_T_NULL && vonk_str_is(o->like->name, "if"))
        return vonk__an_cast_in(an, o->like, e, &vonk_type_boolean, &o->at[i], err);
    VONK_TRY(rebuild(an, o, &whole, err));
    return wrong_type(an, whole, e, shown_index, "\"BOOLEAN\"", err);
}

/* Operands first, first + step, ... get one type. */
static vonk_status to_common(vonk_an *an, const operands *o, const uint32_t *which, uint32_t n, const char *function,
                             vonk_error *err)
{
    const vonk_type **types, *common;
    bool same = true;
    VONK_TRY(vonk_arena_array(an->arena, n + 1, sizeof(*types), &types, err));
    for (uint32_t i = 0; i < n; i++) {
        types[i] = o->at[which[i]]->type;
        same = same && vonk_type_same(types[i], types[0]);
    }
    if (same) return VONK_OK;
    VONK_TRY(vonk__an_common_type(an, types, n, &common, err));
    if (!common) {
        const vonk_expr *whole;
        VONK_TRY(rebuild(an, o, &whole, err));
        return different_types(an, whole, function, types, n, err);
    }
    for (uint32_t i = 0; i < n; i++)
        VONK_TRY(vonk__an_cast_in(an, o->like, o->at[which[i]], common, &o->at[which[i]], err));
    return VONK_OK;
}

static vonk_status coerce_case(vonk_an *an, const operands *o, vonk_error *err)
{
    uint32_t *values, n = 0;
    bool is_if = vonk_str_is(o->like->name, "if");
    VONK_TRY(vonk_arena_array(an->arena, o->n, sizeof(*values), &values, err));
    for (uint32_t i = 0; i < o->n; i++) {
        bool is_else = i + 1 == o->n && i % 2 == 0;
        if (i % 2 == 1 || is_else)
            values[n++] = i;
        else
            VONK_TRY(to_boolean(an, o, i, i / 2, err));
    }
    return to_common(an, o, values, n, is_if ? "`if`" : "`casewhen`", err);
}

static vonk_status coerce_all(vonk_an *an, const operands *o, const char *function, vonk_error *err)
{
    uint32_t *all;
    VONK_TRY(vonk_arena_array(an->arena, o->n + 1, sizeof(*all), &all, err));
    for (uint32_t i = 0; i < o->n; i++) all[i] = i;
    return to_common(an, o, all, o->n, function, err);
}

/* In ANSI mode a text counts as a boolean beside a boolean only. */
static vonk_status check_texts(vonk_an *an, const operands *o, vonk_error *err)
{
    const vonk_expr *whole;
    const char *sql;
    bool texts = false;
    if (!an->ansi || o->n < 2) return VONK_OK;
    for (int i = 0; i < 2; i++) {
        const vonk_type *type = o->at[i]->type;
        if (!vonk_type_is_stringy(type) && type->id != VONK_T_NULL) return VONK_OK;
        texts |= vonk_type_is_stringy(type);
    }
    if (!texts) return VONK_OK;
    VONK_TRY(rebuild(an, o, &whole, err));
    VONK_TRY(vonk__an_quoted_sql(an, whole, &sql, err));
    return VONK_EXPR_FAIL(whole, err, VONK_E_DATATYPE_MISMATCH__BINARY_OP_WRONG_TYPE, "sqlExpr", sql, "inputType",
                          "\"BOOLEAN\"", "actualDataType", "\"STRING\"");
}

static vonk_status coerce_logic(vonk_an *an, const operands *o, vonk_error *err)
{
    VONK_TRY(check_texts(an, o, err));
    for (uint32_t i = 0; i < o->n; i++) {
        const vonk_expr *e = o->at[i];
        if (e->type->id == VONK_T_BOOLEAN) continue;
        if (e->type->id == VONK_T_NULL || vonk_coerce_implicit(e->type, &vonk_type_boolean, an->ansi)) {
            VONK_TRY(vonk__an_cast_in(an, o->like, e, &vonk_type_boolean, &o->at[i], err));
            continue;
        }
        const vonk_expr *whole;
        const char *sql;
        VONK_TRY(rebuild(an, o, &whole, err));
        if (o->like->kind == VONK_EX_NOT) return wrong_type(an, whole, e, 0, "\"BOOLEAN\"", err);
        VONK_TRY(vonk__an_quoted_sql(an, whole, &sql, err));
        if (vonk_type_same(o->at[0]->type, o->at[o->n - 1]->type))
            return VONK_EXPR_FAIL(whole, err, VONK_E_DATATYPE_MISMATCH__BINARY_OP_WRONG_TYPE, "sqlExpr", sql,
                                  "inputType", "\"BOOLEAN\"", "actualDataType", VONK_TYPE_SQL(e->type));
        return VONK_EXPR_FAIL(whole, err, VONK_E_DATATYPE_MISMATCH__BINARY_OP_DIFF_TYPES, "sqlExpr", sql, "left",
                              VONK_TYPE_SQL(o->at[0]->type), "right", VONK_TYPE_SQL(o->at[o->n - 1]->type));
    }
    return VONK_OK;
}

/* Values are looked for in an order. */
static vonk_status check_order(vonk_an *an, const operands *o, vonk_error *err)
{
    const vonk_type *type = o->at[0]->type;
    const vonk_expr *whole;
    const char *sql;
    if (type->id == VONK_T_NULL || vonk_type_is_orderable(type)) return VONK_OK;
    VONK_TRY(rebuild(an, o, &whole, err));
    VONK_TRY(vonk__an_quoted_sql(an, whole, &sql, err));
    return VONK_EXPR_FAIL(whole, err, VONK_E_DATATYPE_MISMATCH__INVALID_ORDERING_TYPE, "sqlExpr", sql, "functionName",
                          "`in`", "dataType", VONK_TYPE_SQL(type));
}

vonk_status vonk__an_coerce(vonk_an *an, const vonk_expr *e, const vonk_expr *const *children, uint32_t n,
                            const vonk_expr **ret, vonk_error *err)
{
    operands o = {.like = e, .n = n};
    VONK_TRY(vonk_arena_array(an->arena, n + 1, sizeof(*o.at), &o.at, err));
    for (uint32_t i = 0; i < n; i++) o.at[i] = children[i];
    switch (e->kind) {
    case VONK_EX_CASE: VONK_TRY(coerce_case(an, &o, err)); break;
    case VONK_EX_COALESCE: VONK_TRY(coerce_all(an, &o, "`coalesce`", err)); break;
    case VONK_EX_IN:
        VONK_TRY(coerce_all(an, &o, "`in`", err));
        VONK_TRY(check_order(an, &o, err));
        break;
    case VONK_EX_AND:
    case VONK_EX_OR:
    case VONK_EX_NOT: VONK_TRY(coerce_logic(an, &o, err)); break;
    default: break;
    }
    VONK_TRY(rebuild(an, &o, ret, err));
    if ((*ret)->resolved) return VONK_OK;
    return VONK_EXPR_FAIL(e, err, VONK_E_INTERNAL_ERROR, "message", "an expression has no type after coercion");
}

/* ---- kinds */

static vonk_status operator_form(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, const vonk_expr **ret,
                                 vonk_error *err)
{
    vonk_exprs children = {0};
    VONK_TRY(vonk__an_exprs(an, scope, e->children, e->n_children, &children, err));
    return vonk__an_coerce(an, e, children.at, vonk_u32_of(children.n), ret, err);
}

static vonk_status alias(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, const vonk_expr **ret,
                         vonk_error *err)
{
    const vonk_expr *child;
    vonk_expr *copy;
    VONK_TRY(vonk__an_expr(an, scope, e->children[0], &child, err));
    while (child->kind == VONK_EX_ALIAS && e->n_parts == 0) child = child->children[0];
    VONK_TRY(vonk__an_copy(an, e, &child, 1, &copy, err));
    if (copy->id == 0) copy->id = vonk_expr_new_id();
    if (!copy->metadata.len && child->kind == VONK_EX_COLUMN && child->metadata.len)
        VONK_TRY(vonk_expr_set_metadata(copy, child->metadata, err));
    return vonk__an_finish(an, copy, ret, err);
}

/* Functions that do what a cast between these types would. */
static const char *instead_of_cast(const vonk_type *from, const vonk_type *to)
{
    if (vonk_type_is_numeric(from) && to->id == VONK_T_TIMESTAMP)
        return "`TIMESTAMP_SECONDS`/`TIMESTAMP_MILLIS`/`TIMESTAMP_MICROS`";
    if (from->id == VONK_T_TIMESTAMP && vonk_type_is_numeric(to)) return "`UNIX_SECONDS`/`UNIX_MILLIS`/`UNIX_MICROS`";
    if (vonk_type_is_numeric(from) && to->id == VONK_T_DATE) return "`DATE_FROM_UNIX_DATE`";
    return from->id == VONK_T_DATE && vonk_type_is_numeric(to) ? "`UNIX_DATE`" : NULL;
}

vonk_status vonk__an_check_cast(vonk_an *an, const vonk_expr *cast, vonk_error *err)
{
    const vonk_type *from = cast->children[0]->type;
    const char *sql, *instead = cast->mode == VONK_MODE_LEGACY ? NULL : instead_of_cast(from, cast->type);
    if (vonk_coerce_can_cast(from, cast->type, (int)cast->mode)) return VONK_OK;
    VONK_TRY(vonk__an_quoted_sql(an, cast, &sql, err));
    if (instead)
        return VONK_EXPR_FAIL(cast, err, VONK_E_DATATYPE_MISMATCH__CAST_WITH_FUNC_SUGGESTION, "sqlExpr", sql, "srcType",
                              VONK_TYPE_SQL(from), "targetType", VONK_TYPE_SQL(cast->type), "functionNames", instead);
    bool legacy_could = cast->mode == VONK_MODE_ANSI && vonk_coerce_can_cast(from, cast->type, VONK_MODE_LEGACY);
    if (legacy_could)
        return VONK_EXPR_FAIL(cast, err, VONK_E_DATATYPE_MISMATCH__CAST_WITH_CONF_SUGGESTION, "sqlExpr", sql, "srcType",
                              VONK_TYPE_SQL(from), "targetType", VONK_TYPE_SQL(cast->type), "config",
                              "\"spark.sql.ansi.enabled\"", "configVal", "'false'");
    return VONK_EXPR_FAIL(cast, err, VONK_E_DATATYPE_MISMATCH__CAST_WITHOUT_SUGGESTION, "sqlExpr", sql, "srcType",
                          VONK_TYPE_SQL(from), "targetType", VONK_TYPE_SQL(cast->type));
}

static vonk_status cast(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, const vonk_expr **ret,
                        vonk_error *err)
{
    const vonk_expr *child;
    vonk_expr *copy;
    VONK_TRY(vonk__an_expr(an, scope, e->children[0], &child, err));
    while (child->kind == VONK_EX_ALIAS) child = child->children[0];
    VONK_TRY(vonk__an_copy(an, e, &child, 1, &copy, err));
    VONK_TRY(vonk__an_finish(an, copy, ret, err));
    return vonk__an_check_cast(an, *ret, err);
}

static vonk_status type_name_cast(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, const vonk_expr **ret,
                                  vonk_error *err)
{
    const vonk_type *type;
    vonk_expr *copy;
    const vonk_expr *child;
    VONK_TRY(vonk_type_parse(e->name, &type, err));
    VONK_TRY(vonk__an_hold_type(an, type, &type, err));
    VONK_TRY(vonk__an_expr(an, scope, e->children[0], &child, err));
    while (child->kind == VONK_EX_ALIAS) child = child->children[0];
    VONK_TRY(vonk__an_new(an, VONK_EX_CAST, &child, 1, &copy, err));
    copy->mode = e->mode;
    VONK_TRY(vonk_expr_set_type(copy, type, err));
    vonk_expr_set_origin(copy, &e->origin);
    VONK_TRY(vonk__an_finish(an, copy, ret, err));
    return vonk__an_check_cast(an, *ret, err);
}

static vonk_status sort(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, const vonk_expr **ret,
                        vonk_error *err)
{
    const vonk_expr *child;
    vonk_expr *copy;
    VONK_TRY(vonk__an_expr(an, scope, e->children[0], &child, err));
    while (child->kind == VONK_EX_ALIAS) child = child->children[0];
    VONK_TRY(vonk__an_copy(an, e, &child, 1, &copy, err));
    VONK_TRY(vonk__an_finish(an, copy, ret, err));
    if (child->type->id == VONK_T_NULL || vonk_type_is_orderable(child->type)) return VONK_OK;
    const char *sql;
    VONK_TRY(vonk__an_quoted_sql(an, *ret, &sql, err));
    return VONK_EXPR_FAIL(e, err, VONK_E_DATATYPE_MISMATCH__INVALID_ORDERING_TYPE, "sqlExpr", sql, "functionName",
                          "`sortorder`", "dataType", VONK_TYPE_SQL(child->type));
}

static vonk_status extract_form(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, const vonk_expr **ret,
                                vonk_error *err)
{
    const vonk_expr *base, *what;
    VONK_TRY(vonk__an_expr(an, scope, e->children[0], &base, err));
    VONK_TRY(vonk__an_expr(an, scope, e->children[1], &what, err));
    while (base->kind == VONK_EX_ALIAS) base = base->children[0];
    return vonk__an_extract(an, e, base, what, ret, err);
}

static vonk_status star_here(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, const vonk_expr **ret,
                             vonk_error *err)
{
    (void)an;
    (void)scope;
    (void)ret;
    return vonk_expr_failed(e, vonk__an_refuse_stars(&e, 1, "expression", err), err);
}

static vonk_status parameter(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, const vonk_expr **ret,
                             vonk_error *err)
{
    (void)an;
    (void)scope;
    (void)ret;
    return vonk__unbound_parameter(e, err);
}

static vonk_status named_argument(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, const vonk_expr **ret,
                                  vonk_error *err)
{
    (void)an;
    (void)scope;
    (void)ret;
    return VONK_EXPR_FAIL(e, err, VONK_E_UNSUPPORTED_FEATURE, "feature", "named argument outside of a function");
}

static vonk_status lambda_alone(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, const vonk_expr **ret,
                                vonk_error *err)
{
    (void)an;
    (void)scope;
    (void)ret;
    return VONK_EXPR_FAIL(e, err, VONK_E_INVALID_LAMBDA_FUNCTION_CALL__NON_HIGHER_ORDER_FUNCTION, "class", "lambda");
}

/* Connect's lambda variables come as LAMBDA_VARs by name. */
static vonk_status lambda_var(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, const vonk_expr **ret,
                              vonk_error *err)
{
    for (const vonk_lambda_names *l = scope->lambdas; l; l = l->next)
        for (uint32_t i = 0; i < l->n; i++)
            if (vonk_str_eq(l->variables[i]->name, e->name)) {
                *ret = l->variables[i];
                return VONK_OK;
            }
    vonk_str quoted;
    VONK_TRY(vonk__an_quote_parts(an, &e->name, 1, &quoted, err));
    return VONK_EXPR_FAIL(e, err, VONK_E_UNRESOLVED_COLUMN__WITHOUT_SUGGESTION, "objectName", quoted.data);
}

static const expr_step steps[VONK_N_EXPR] = {
    [VONK_EX_NAME] = vonk__an_name,
    [VONK_EX_STAR] = star_here,
    [VONK_EX_REGEX] = star_here,
    [VONK_EX_CALL] = vonk__an_function,
    [VONK_EX_NAMED_ARG] = named_argument,
    [VONK_EX_EXTRACT] = extract_form,
    [VONK_EX_UPDATE_FIELD] = vonk__an_update_field,
    [VONK_EX_PARAMETER] = parameter,
    [VONK_EX_TYPE_NAME_CAST] = type_name_cast,
    [VONK_EX_PYTHON] = vonk__an_python,
    [VONK_EX_ALIAS] = alias,
    [VONK_EX_CAST] = cast,
    [VONK_EX_CASE] = operator_form,
    [VONK_EX_AND] = operator_form,
    [VONK_EX_OR] = operator_form,
    [VONK_EX_NOT] = operator_form,
    [VONK_EX_COALESCE] = operator_form,
    [VONK_EX_IN] = operator_form,
    [VONK_EX_IS_NULL] = operator_form,
    [VONK_EX_IS_NOT_NULL] = operator_form,
    [VONK_EX_LAMBDA] = lambda_alone,
    [VONK_EX_LAMBDA_VAR] = lambda_var,
    [VONK_EX_SORT] = sort,
    [VONK_EX_WINDOW] = vonk__an_window,
    [VONK_EX_SUBQUERY] = vonk__an_subquery,
};

vonk_status vonk__an_expr(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, const vonk_expr **ret,
                          vonk_error *err)
{
    const vonk_expr *done;
    if (e->resolved) {
        *ret = e;
        return VONK_OK;
    }
    if (!steps[e->kind])
        return VONK_EXPR_FAIL(e, err, VONK_E_INTERNAL_ERROR, "message",
                              "an expression of this kind cannot be analysed");
    VONK_TRY(steps[e->kind](an, scope, e, &done, err));
    if (!scope->above) {
        *ret = done;
        return VONK_OK;
    }
    return vonk__an_above_expr(an, scope->above, done, ret, err);
}

vonk_status vonk__an_condition(vonk_an *an, const vonk_scope *scope, const vonk_plan *node, const vonk_expr *e,
                               const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *condition;
    VONK_TRY(vonk__an_expr(an, scope, e, &condition, err));
    while (condition->kind == VONK_EX_ALIAS) condition = condition->children[0];
    *ret = condition;
    if (condition->type->id == VONK_T_BOOLEAN) return VONK_OK;
    const char *sql;
    VONK_TRY(vonk__an_quoted_sql(an, condition, &sql, err));
    if (!node) return VONK_FAIL(err, VONK_E_INVALID_AGGREGATE_FILTER__NOT_BOOLEAN, "filterExpr", sql);
    if (node->kind == VONK_PN_JOIN)
        return VONK_PLAN_FAIL(node, err, VONK_E_JOIN_CONDITION_IS_NOT_BOOLEAN_TYPE, "joinCondition", sql,
                              "conditionType", VONK_TYPE_SQL(condition->type));
    return VONK_PLAN_FAIL(node, err, VONK_E_DATATYPE_MISMATCH__FILTER_NOT_BOOLEAN, "sqlExpr", sql, "filter", sql,
                          "type", VONK_TYPE_SQL(condition->type));
}

/* ---- a.b, a[i] */

static vonk_status extract_failed(vonk_an *an, const vonk_expr *like, const vonk_expr *base, const vonk_expr *what,
                                  vonk_error *err)
{
    const char *base_sql, *what_sql;
    VONK_TRY(vonk__an_quoted_sql(an, base, &base_sql, err));
    VONK_TRY(vonk__an_quoted_sql(an, what, &what_sql, err));
    if (base->type->id == VONK_T_STRUCT)
        return VONK_EXPR_FAIL(like, err, VONK_E_INVALID_EXTRACT_FIELD_TYPE, "extraction", what_sql);
    return VONK_EXPR_FAIL(like, err, VONK_E_INVALID_EXTRACT_BASE_FIELD_TYPE, "base", base_sql, "other",
                          VONK_TYPE_SQL(base->type));
}

/* Raises: the struct type has none, or several, of the name. */
static vonk_status no_field(vonk_an *an, const vonk_expr *like, const vonk_type *type, vonk_str name, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf list = {0};
    vonk_str quoted, field;
    uint32_t n = 0;
    vonk_buf_init(&list, an->budget, SIZE_MAX);
    VONK_TRY(vonk__an_quote_written(an, name, &quoted, err));
    for (uint32_t i = 0; i < type->n_fields; i++) {
        VONK_TRY(vonk__an_quote_written(an, type->fields[i].name, &field, err));
        VONK_TRY(vonk_buf_printf(&list, err, "%s%.*s", i ? ", " : "", VONK_STR_ARGS(field)));
        n += vonk__an_name_eq(an, type->fields[i].name, name);
    }
    if (n > 0)
        return VONK_EXPR_FAIL(like, err, VONK_E_AMBIGUOUS_REFERENCE_TO_FIELDS, "field", quoted.data, "count",
                              VONK_F("%u", n));
    return VONK_EXPR_FAIL(like, err, VONK_E_FIELD_NOT_FOUND, "fieldName", quoted.data, "fields",
                          VONK_S(vonk_buf_str(&list)));
}

static vonk_status struct_field(vonk_an *an, const vonk_expr *like, const vonk_expr *base, vonk_str name,
                                const vonk_expr **ret, vonk_error *err)
{
    int index = vonk_type_field_index(base->type, name, an->case_sensitive);
    if (index >= 0) return vonk__an_get_field(an, base, (uint32_t)index, ret, err);
    return no_field(an, like, base->type, name, err);
}

/* array.field of an array of structs: the field of each element. */
static vonk_status field_of_elements(vonk_an *an, const vonk_expr *like, const vonk_expr *base, const vonk_expr *what,
                                     const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *args[2] = {base, what};
    const vonk_type *element = base->type->fields[0].type;
    vonk_str name = vonk_column_str(what->value, 0);
    if (vonk_type_field_index(element, name, an->case_sensitive) < 0) return no_field(an, like, element, name, err);
    return vonk__an_call(an, "get_array_struct_fields", args, 2, like, ret, err);
}

vonk_status vonk__an_extract(vonk_an *an, const vonk_expr *like, const vonk_expr *base, const vonk_expr *what,
                             const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *args[2] = {base, what};
    bool is_text =
        what->kind == VONK_EX_LITERAL && what->type->id == VONK_T_STRING && !vonk_column_is_null(what->value, 0);
    switch (base->type->id) {
    case VONK_T_STRUCT:
        if (!is_text) break;
        VONK_TRY(struct_field(an, like, base, vonk_column_str(what->value, 0), ret, err));
        if (!(*ret)->origin.text) vonk_expr_set_origin((vonk_expr *)*ret, &like->origin);
        return VONK_OK;
    case VONK_T_ARRAY:
        if (is_text && base->type->fields[0].type->id == VONK_T_STRUCT)
            return field_of_elements(an, like, base, what, ret, err);
        if (what->type->id == VONK_T_NULL) VONK_TRY(vonk__an_cast_in(an, like, what, &vonk_type_int, &args[1], err));
        return vonk__an_call(an, "get_array_item", args, 2, like, ret, err);
    case VONK_T_MAP:
        if (!vonk_type_same(what->type, base->type->fields[0].type) &&
            vonk_coerce_implicit(what->type, base->type->fields[0].type, an->ansi))
            VONK_TRY(vonk__an_cast_in(an, like, what, base->type->fields[0].type, &args[1], err));
        return vonk__an_call(an, "get_map_value", args, 2, like, ret, err);
    default: break;
    }
    return extract_failed(an, like, base, what, err);
}

/* ---- withField, dropFields */

typedef struct field_change {
    const vonk_str *path;
    uint32_t n;
    const vonk_expr *value; /* NULL: drop */
    bool continues;         /* a change of what a change gave: one of both as it is shown */
} field_change;

/* update_fields(s, WithField(update_fields(s.x, WithField(1)))): from the inside out. `base` stands at path[from]. */
static vonk_status show_change(vonk_an *an, const vonk_expr *base, const field_change *c, uint32_t from, vonk_str *ret,
                               vonk_error *err)
{
    vonk_str value = VONK_STR(""), sql, change;
    assert(c->n > from);
    if (c->value) VONK_TRY(vonk__an_sql(an, c->value, &value, err));
    VONK_TRY(vonk_arena_printf(an->arena, &change, err, c->value ? "WithField(%.*s)" : "dropfield(%.*s)",
                               VONK_STR_ARGS(value)));
    VONK_TRY(vonk__an_sql(an, base, &sql, err));
    for (uint32_t at = c->n; at-- > from;) {
        vonk_str inner = sql;
        for (uint32_t i = from; i < at; i++)
            VONK_TRY(vonk_arena_printf(an->arena, &inner, err, "%.*s.%.*s", VONK_STR_ARGS(inner),
                                       VONK_STR_ARGS(c->path[i])));
        if (at == 0 && c->continues) /* without its last bracket */
            return vonk_arena_printf(an->arena, ret, err, "%.*s, %.*s)", (int)inner.len - 1, inner.data,
                                     VONK_STR_ARGS(change));
        VONK_TRY(vonk_arena_printf(an->arena, ret, err, "update_fields(%.*s, %.*s)", VONK_STR_ARGS(inner),
                                   VONK_STR_ARGS(change)));
        if (at) VONK_TRY(vonk_arena_printf(an->arena, &change, err, "WithField(%.*s)", VONK_STR_ARGS(*ret)));
    }
    return VONK_OK;
}

/* Raises, for what stands at path[at]. */
static vonk_status change_failed(vonk_an *an, const vonk_expr *like, const vonk_expr *base, const field_change *c,
                                 uint32_t at, vonk_errclass condition, vonk_error *err)
{
    const char *input;
    vonk_str shown;
    VONK_TRY(vonk__an_quoted_sql(an, base, &input, err));
    if (base->type->id != VONK_T_STRUCT && at + 1 < c->n)
        return VONK_EXPR_FAIL(like, err, VONK_E_INVALID_EXTRACT_BASE_FIELD_TYPE, "base", input, "other",
                              VONK_TYPE_SQL(base->type));
    VONK_TRY(show_change(an, base, c, at, &shown, err));
    if (condition == VONK_E_DATATYPE_MISMATCH__CANNOT_DROP_ALL_FIELDS)
        return VONK_EXPR_FAIL(like, err, condition, "sqlExpr", VONK_F("\"%.*s\"", VONK_STR_ARGS(shown)));
    return VONK_EXPR_FAIL(like, err, condition, "sqlExpr", VONK_F("\"%.*s\"", VONK_STR_ARGS(shown)), "paramIndex",
                          "first", "requiredType", "\"STRUCT\"", "inputSql", input, "inputType",
                          VONK_TYPE_SQL(base->type));
}

static vonk_status change_field(vonk_an *an, const vonk_expr *like, const vonk_expr *base, const field_change *c,
                                uint32_t at, const vonk_expr **ret, vonk_error *err)
{
    vonk_exprs args = {0};
    bool found = false, last = at + 1 == c->n;
    if (base->type->id != VONK_T_STRUCT)
        return change_failed(an, like, base, c, at, VONK_E_DATATYPE_MISMATCH__UNEXPECTED_INPUT_TYPE, err);
    for (uint32_t i = 0; i < base->type->n_fields; i++) {
        const vonk_expr *field, *label;
        bool hit = vonk__an_name_eq(an, base->type->fields[i].name, c->path[at]);
        found = found || hit;
        if (hit && last && !c->value) continue;
        VONK_TRY(vonk__an_get_field(an, base, i, &field, err));
        if (hit && last)
            field = c->value;
        else if (hit)
            VONK_TRY(change_field(an, like, field, c, at + 1, &field, err));
        VONK_TRY(vonk__an_string(an, hit && last ? c->path[at] : base->type->fields[i].name, &label, err));
        VONK_TRY(VONK_AN_PUSH(an, &args, label, err));
        VONK_TRY(VONK_AN_PUSH(an, &args, field, err));
    }
    if (!found && last && c->value) {
        const vonk_expr *label;
        VONK_TRY(vonk__an_string(an, c->path[at], &label, err));
        VONK_TRY(VONK_AN_PUSH(an, &args, label, err));
        VONK_TRY(VONK_AN_PUSH(an, &args, c->value, err));
    } else if (!found && !last) {
        return struct_field(an, like, base, c->path[at], ret, err); /* says what is missing */
    }
    if (args.n == 0) return change_failed(an, like, base, c, at, VONK_E_DATATYPE_MISMATCH__CANNOT_DROP_ALL_FIELDS, err);
    VONK_TRY(vonk__an_call(an, "named_struct", args.at, vonk_u32_of(args.n), like, ret, err));
    if (!base->nullable) return VONK_OK;
    const vonk_expr *parts[3], *when[1] = {base};
    VONK_TRY(vonk__an_simple(an, VONK_EX_IS_NULL, when, 1, like, &parts[0], err));
    VONK_TRY(vonk__an_null(an, (*ret)->type, &parts[1], err));
    parts[2] = *ret;
    return vonk__an_simple(an, VONK_EX_CASE, parts, 3, like, ret, err);
}

vonk_status vonk__an_update_field(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, const vonk_expr **ret,
                                  vonk_error *err)
{
    const vonk_expr *base;
    field_change c = {.continues = e->children[0]->kind == VONK_EX_UPDATE_FIELD};
    VONK_TRY(vonk_sql_parse_name(an->arena, e->name, &c.path, &c.n, err));
    VONK_TRY(vonk__an_expr(an, scope, e->children[0], &base, err));
    if (e->n_children > 1) VONK_TRY(vonk__an_expr(an, scope, e->children[1], &c.value, err));
    while (base->kind == VONK_EX_ALIAS) base = base->children[0];
    VONK_TRY(change_field(an, e, base, &c, 0, ret, err));
    vonk_str shown;
    VONK_TRY(show_change(an, base, &c, 0, &shown, err));
    return vonk_expr_set_shown((vonk_expr *)*ret, shown, err);
}
