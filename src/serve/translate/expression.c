/* serve/translate/expression.c -- Expression messages to unresolved expressions. */
#include "serve/translate/translate_int.h"

/* ---- keeping */
static void unref_expr(void *e) { vonk_expr_unref(e); }
static void unref_plan(void *p) { vonk_plan_unref(p); }
static void unref_type(void *t) { vonk_type_unref(t); }
static void unref_text(void *t) { vonk_origin_text_unref(t); }

vonk_status vonk__tr_keep_expr(vonk_translator *t, const vonk_expr *take_e, vonk_error *err)
{
    return vonk_arena_on_free(t->arena, unref_expr, (void *)take_e, err);
}
vonk_status vonk__tr_keep_plan(vonk_translator *t, const vonk_plan *take_p, vonk_error *err)
{
    return vonk_arena_on_free(t->arena, unref_plan, (void *)take_p, err);
}
vonk_status vonk__tr_keep_type(vonk_translator *t, const vonk_type *take_type, vonk_error *err)
{
    return vonk_arena_on_free(t->arena, unref_type, (void *)take_type, err);
}

vonk_status vonk_translate_invalid(const char *what, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_CONNECT_INVALID_PLAN__CANNOT_PARSE, "errorMsg", what);
}
vonk_status vonk_translate_unsupported(const char *what, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", what);
}

vonk_status vonk__tr_origin(vonk_translator *t, const vonk_pb_msg *origin, vonk_origin *ret, vonk_error *err)
{
    const vonk_pb_msg *python = vonk_pb_get_msg(origin, PB_ORIGIN_PYTHON_ORIGIN);

    *ret = (vonk_origin){.start = -1, .stop = -1};
    if (!python) return VONK_OK;
    VONK_TRY(vonk_origin_text_new(t->budget, true, vonk_pb_str(python, PB_PYTHON_ORIGIN_FRAGMENT),
                                  vonk_pb_str(python, PB_PYTHON_ORIGIN_CALL_SITE), &ret->text, err));
    return vonk_arena_on_free(t->arena, unref_text, ret->text, err);
}

/* ---- lists */
vonk_status vonk__tr_expr(vonk_translator *t, const vonk_pb_msg *m, const vonk_expr **ret, vonk_error *err)
{
    VONK_TRY(vonk_translate_expr(t, m, ret, err));
    return vonk__tr_keep_expr(t, *ret, err);
}

vonk_status vonk__tr_exprs(vonk_translator *t, const vonk_pb_msg *m, int field, const vonk_expr ***ret, uint32_t *ret_n,
                           vonk_error *err)
{
    *ret_n = vonk_u32_of(vonk_pb_n(m, field));
    VONK_TRY(vonk_arena_array(t->arena, *ret_n + 1, sizeof **ret, ret, err));
    for (uint32_t i = 0; i < *ret_n; i++) VONK_TRY(vonk__tr_expr(t, vonk_pb_msg_at(m, field, i), &(*ret)[i], err));
    return VONK_OK;
}

vonk_status vonk__tr_literals(vonk_translator *t, const vonk_pb_msg *m, int field, const vonk_expr ***ret,
                              uint32_t *ret_n, vonk_error *err)
{
    *ret_n = vonk_u32_of(vonk_pb_n(m, field));
    VONK_TRY(vonk_arena_array(t->arena, *ret_n + 1, sizeof **ret, ret, err));
    for (uint32_t i = 0; i < *ret_n; i++) {
        VONK_TRY(vonk__translate_literal(t, vonk_pb_msg_at(m, field, i), &(*ret)[i], err));
        VONK_TRY(vonk__tr_keep_expr(t, (*ret)[i], err));
    }
    return VONK_OK;
}

vonk_status vonk__tr_strs(vonk_translator *t, const vonk_pb_msg *m, int field, const vonk_str **ret, uint32_t *ret_n,
                          vonk_error *err)
{
    vonk_str *at = NULL;

    *ret_n = vonk_u32_of(vonk_pb_n(m, field));
    VONK_TRY(vonk_arena_array(t->arena, *ret_n + 1, sizeof *at, &at, err));
    for (uint32_t i = 0; i < *ret_n; i++) at[i] = vonk_pb_str_at(m, field, i);
    *ret = at;
    return VONK_OK;
}

static vonk_status sort_order(vonk_translator *t, const vonk_pb_msg *m, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *child = NULL;
    const bool descending =
        vonk_pb_i32(m, PB_EXPRESSION_SORT_ORDER_DIRECTION) == PB_E_EXPRESSION_SORT_ORDER_SORT_DIRECTION_DESCENDING;
    const int nulls = vonk_pb_i32(m, PB_EXPRESSION_SORT_ORDER_NULL_ORDERING);
    const bool last = nulls == PB_E_EXPRESSION_SORT_ORDER_SORT_NULLS_LAST ||
                      (nulls == PB_E_EXPRESSION_SORT_ORDER_SORT_NULLS_UNSPECIFIED && descending);

    VONK_TRY(vonk__tr_expr(t, vonk_pb_get_msg(m, PB_EXPRESSION_SORT_ORDER_CHILD), &child, err));
    return vonk_ex_sort(t->budget, child, descending, last, ret, err);
}

vonk_status vonk__tr_sort_orders(vonk_translator *t, const vonk_pb_msg *m, int field, const vonk_expr ***ret,
                                 uint32_t *ret_n, vonk_error *err)
{
    *ret_n = vonk_u32_of(vonk_pb_n(m, field));
    VONK_TRY(vonk_arena_array(t->arena, *ret_n + 1, sizeof **ret, ret, err));
    for (uint32_t i = 0; i < *ret_n; i++) {
        VONK_TRY(sort_order(t, vonk_pb_msg_at(m, field, i), &(*ret)[i], err));
        VONK_TRY(vonk__tr_keep_expr(t, (*ret)[i], err));
    }
    return VONK_OK;
}

/* ---- names */
static vonk_status bad_name(vonk_str name, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_INVALID_ATTRIBUTE_NAME_SYNTAX, "name", VONK_S(name));
}

/* A column's name as the DataFrame API writes it: parts between dots, backticks around a part with dots. Not SQL:
 * "max(age)" is one part. */
static vonk_status attribute_parts(vonk_translator *t, vonk_str name, const vonk_str **ret, uint32_t *ret_n,
                                   vonk_error *err)
{
    VONK_VEC(vonk_str) parts = {0};
    char *text = NULL;
    size_t n = 0, start = 0;
    bool quoted = false;

    VONK_TRY(vonk_arena_alloc(t->arena, name.len + 1, &text, err));
    for (size_t i = 0; i < name.len; i++) {
        const char c = name.data[i];
        const bool is_last = i + 1 == name.len;
        if (quoted && c == '`' && !is_last && name.data[i + 1] == '`') {
            text[n++] = '`';
            i++;
        } else if (quoted && c == '`') {
            if (!is_last && name.data[i + 1] != '.') return bad_name(name, err);
            quoted = false;
        } else if (!quoted && c == '`') {
            if (n > start) return bad_name(name, err);
            quoted = true;
        } else if (!quoted && c == '.') {
            if (is_last || i == 0 || name.data[i - 1] == '.') return bad_name(name, err);
            VONK_TRY(VONK_VEC_ARENA_PUSH(&parts, t->arena, ((vonk_str){text + start, n - start}), err));
            start = n;
        } else {
            text[n++] = c;
        }
    }
    if (quoted) return bad_name(name, err);
    VONK_TRY(VONK_VEC_ARENA_PUSH(&parts, t->arena, ((vonk_str){text + start, n - start}), err));
    *ret = parts.at;
    *ret_n = vonk_u32_of(parts.n);
    return VONK_OK;
}

static vonk_status new_name(vonk_translator *t, vonk_str name, vonk_expr **ret, vonk_error *err)
{
    const vonk_str *parts = NULL;
    uint32_t n = 0;
    vonk_expr *e = NULL;

    VONK_TRY(attribute_parts(t, name, &parts, &n, err));
    VONK_TRY(vonk_expr_new(t->budget, VONK_EX_NAME, NULL, 0, &e, err));
    vonk_status status = vonk_expr_set_parts(e, parts, n, err);
    if (status == VONK_OK)
        *ret = e;
    else
        vonk_expr_unref(e);
    return status;
}

vonk_status vonk__tr_name(vonk_translator *t, vonk_str name, const vonk_expr **ret, vonk_error *err)
{
    vonk_expr *e = NULL;

    VONK_TRY(new_name(t, name, &e, err));
    VONK_TRY(vonk_expr_finish(e, ret, err));
    return vonk__tr_keep_expr(t, *ret, err);
}

static vonk_status attribute(vonk_translator *t, const vonk_pb_msg *m, const vonk_expr **ret, vonk_error *err)
{
    vonk_expr *e = NULL;

    VONK_TRY(new_name(t, vonk_pb_str(m, PB_EXPRESSION_UNRESOLVED_ATTRIBUTE_UNPARSED_IDENTIFIER), &e, err));
    if (vonk_pb_has(m, PB_EXPRESSION_UNRESOLVED_ATTRIBUTE_PLAN_ID))
        e->plan_id = vonk_pb_i64(m, PB_EXPRESSION_UNRESOLVED_ATTRIBUTE_PLAN_ID);
    if (vonk_pb_bool(m, PB_EXPRESSION_UNRESOLVED_ATTRIBUTE_IS_METADATA_COLUMN)) e->flags |= VONK_EXF_METADATA_COLUMN;
    return vonk_expr_finish(e, ret, err);
}

/* "t.*" -> t; absent: all columns. */
static vonk_status star(vonk_translator *t, const vonk_pb_msg *m, const vonk_expr **ret, vonk_error *err)
{
    vonk_str target = vonk_pb_str(m, PB_EXPRESSION_UNRESOLVED_STAR_UNPARSED_TARGET);
    const vonk_str *parts = NULL;
    uint32_t n = 0;
    vonk_expr *e = NULL;

    if (target.len > 0) {
        if (!vonk_str_ends(target, VONK_STR(".*")))
            return vonk_translate_invalid("a star's target does not end with .*", err);
        VONK_TRY(attribute_parts(t, vonk_str_sub(target, 0, target.len - 2), &parts, &n, err));
    }
    VONK_TRY(vonk_expr_new(t->budget, VONK_EX_STAR, NULL, 0, &e, err));
    vonk_status status = vonk_expr_set_parts(e, parts, n, err);
    if (status != VONK_OK) {
        vonk_expr_unref(e);
        return status;
    }
    e->plan_id = vonk_pb_has(m, PB_EXPRESSION_UNRESOLVED_STAR_PLAN_ID)
                     ? vonk_pb_i64(m, PB_EXPRESSION_UNRESOLVED_STAR_PLAN_ID)
                     : -1;
    return vonk_expr_finish(e, ret, err);
}

/* "`...`" is a pattern, "t.`...`" one for columns of t; colRegex() takes names, too. */
static bool is_pattern(vonk_str text)
{
    if (text.len < 3 || text.data[text.len - 1] != '`') return false;
    if (text.data[0] == '`') return true;
    for (size_t i = 2; i + 2 < text.len; i++)
        if (text.data[i] == '`' && text.data[i - 1] == '.') return true;
    return false;
}

static vonk_status new_regex(vonk_translator *t, vonk_str pattern, vonk_expr **ret, vonk_error *err)
{
    vonk_expr *e = NULL;

    VONK_TRY(vonk_expr_new(t->budget, VONK_EX_REGEX, NULL, 0, &e, err));
    vonk_status status = vonk_expr_set_name(e, pattern, err);
    if (status == VONK_OK)
        *ret = e;
    else
        vonk_expr_unref(e);
    return status;
}

static vonk_status regex(vonk_translator *t, const vonk_pb_msg *m, const vonk_expr **ret, vonk_error *err)
{
    const vonk_str text = vonk_pb_str(m, PB_EXPRESSION_UNRESOLVED_REGEX_COL_NAME);
    vonk_expr *e = NULL;

    VONK_TRY(is_pattern(text) ? new_regex(t, text, &e, err) : new_name(t, text, &e, err));
    e->plan_id = vonk_pb_has(m, PB_EXPRESSION_UNRESOLVED_REGEX_PLAN_ID)
                     ? vonk_pb_i64(m, PB_EXPRESSION_UNRESOLVED_REGEX_PLAN_ID)
                     : -1;
    return vonk_expr_finish(e, ret, err);
}

/* ---- calls */
static bool is_symbol(vonk_str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!strchr("+-*/%<>=!&|^~", name.data[i])) return false;
    return name.len > 0;
}

static vonk_status call(vonk_translator *t, const vonk_str *parts, uint32_t n_parts, const vonk_expr *const *args,
                        uint32_t n_args, uint32_t flags, const vonk_expr **ret, vonk_error *err)
{
    vonk_expr *e = NULL;

    VONK_TRY(vonk_expr_new(t->budget, VONK_EX_CALL, args, n_args, &e, err));
    vonk_status status = vonk_expr_set_parts(e, parts, n_parts, err);
    if (status != VONK_OK) {
        vonk_expr_unref(e);
        return status;
    }
    e->n_args = n_args;
    e->flags |= flags | (n_parts == 1 && is_symbol(parts[0]) ? (uint32_t)VONK_EXF_OPERATOR : 0);
    return vonk_expr_finish(e, ret, err);
}

static vonk_status function(vonk_translator *t, const vonk_pb_msg *m, const vonk_expr **ret, vonk_error *err)
{
    const vonk_str name = vonk_pb_str(m, PB_EXPRESSION_UNRESOLVED_FUNCTION_FUNCTION_NAME);
    const vonk_str *parts = &name;
    const vonk_expr **args = NULL;
    uint32_t n = 0, n_parts = 1, flags = 0;

    VONK_TRY(vonk__tr_exprs(t, m, PB_EXPRESSION_UNRESOLVED_FUNCTION_ARGUMENTS, &args, &n, err));
    const bool distinct = vonk_pb_bool(m, PB_EXPRESSION_UNRESOLVED_FUNCTION_IS_DISTINCT);
    if (n == 1 && args[0]->kind == VONK_EX_STAR && args[0]->n_parts == 0 && vonk_str_is_nocase(name, "count") &&
        !distinct) { /* rows, not columns */
        VONK_TRY(vonk_ex_int(t->budget, 1, &vonk_type_int, &args[0], err));
        VONK_TRY(vonk__tr_keep_expr(t, args[0], err));
    }
    if (distinct) flags |= VONK_EXF_DISTINCT;
    if (vonk_pb_bool(m, PB_EXPRESSION_UNRESOLVED_FUNCTION_IS_INTERNAL)) flags |= VONK_EXF_INTERNAL;
    if (vonk_pb_bool(m, PB_EXPRESSION_UNRESOLVED_FUNCTION_IS_USER_DEFINED_FUNCTION)) {
        flags |= VONK_EXF_USER_DEFINED;
        VONK_TRY(vonk_session_parse_name(t->session, t->arena, name, &parts, &n_parts, err));
    }
    return call(t, parts, n_parts, args, n, flags, ret, err);
}

static vonk_status call_by_name(vonk_translator *t, const vonk_pb_msg *m, const vonk_expr **ret, vonk_error *err)
{
    const vonk_str *parts = NULL;
    const vonk_expr **args = NULL;
    uint32_t n = 0, n_parts = 0;

    VONK_TRY(vonk__tr_exprs(t, m, PB_CALL_FUNCTION_ARGUMENTS, &args, &n, err));
    VONK_TRY(vonk_session_parse_name(t->session, t->arena, vonk_pb_str(m, PB_CALL_FUNCTION_FUNCTION_NAME), &parts,
                                     &n_parts, err));
    return call(t, parts, n_parts, args, n, VONK_EXF_USER_DEFINED, ret, err);
}

/* ---- one writable node over translated children, then finish */
static vonk_status node(vonk_translator *t, vonk_expr_kind kind, const vonk_expr *const *children, uint32_t n,
                        vonk_str name, const vonk_expr **ret, vonk_error *err)
{
    vonk_expr *e = NULL;

    VONK_TRY(vonk_expr_new(t->budget, kind, children, n, &e, err));
    vonk_status status = name.data ? vonk_expr_set_name(e, name, err) : VONK_OK;
    if (status != VONK_OK) {
        vonk_expr_unref(e);
        return status;
    }
    return vonk_expr_finish(e, ret, err);
}

static vonk_status alias(vonk_translator *t, const vonk_pb_msg *m, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *child = NULL;
    const vonk_str *names = NULL;
    uint32_t n = 0;
    vonk_expr *e = NULL;

    VONK_TRY(vonk__tr_expr(t, vonk_pb_get_msg(m, PB_EXPRESSION_ALIAS_EXPR), &child, err));
    VONK_TRY(vonk__tr_strs(t, m, PB_EXPRESSION_ALIAS_NAME, &names, &n, err));
    if (n == 0) return vonk_translate_invalid("an alias without a name", err);
    VONK_TRY(vonk_expr_new(t->budget, VONK_EX_ALIAS, &child, 1, &e, err));
    e->id = vonk_expr_new_id();
    vonk_status status = vonk_expr_set_name(e, names[0], err);
    if (status == VONK_OK && n > 1) status = vonk_expr_set_parts(e, names, n, err);
    if (status == VONK_OK && vonk_pb_has(m, PB_EXPRESSION_ALIAS_METADATA))
        status = vonk_expr_set_metadata(e, vonk_pb_str(m, PB_EXPRESSION_ALIAS_METADATA), err);
    if (status != VONK_OK) {
        vonk_expr_unref(e);
        return status;
    }
    return vonk_expr_finish(e, ret, err);
}

vonk_status vonk__tr_aliases(vonk_translator *t, const vonk_pb_msg *m, int field, const vonk_expr ***ret,
                             uint32_t *ret_n, vonk_error *err)
{
    *ret_n = vonk_u32_of(vonk_pb_n(m, field));
    VONK_TRY(vonk_arena_array(t->arena, *ret_n + 1, sizeof **ret, ret, err));
    for (uint32_t i = 0; i < *ret_n; i++) {
        VONK_TRY(alias(t, vonk_pb_msg_at(m, field, i), &(*ret)[i], err));
        VONK_TRY(vonk__tr_keep_expr(t, (*ret)[i], err));
        if (!(*ret)[i]->metadata.len) /* none is not the metadata of the column that it may be of */
            VONK_TRY(vonk_expr_set_metadata((vonk_expr *)(*ret)[i], VONK_STR("{}"), err));
    }
    return VONK_OK;
}

static vonk_eval_mode cast_mode(const vonk_translator *t, const vonk_pb_msg *m)
{
    switch (vonk_pb_i32(m, PB_EXPRESSION_CAST_EVAL_MODE)) {
    case PB_E_EXPRESSION_CAST_EVAL_MODE_LEGACY: return VONK_MODE_LEGACY;
    case PB_E_EXPRESSION_CAST_EVAL_MODE_ANSI: return VONK_MODE_ANSI;
    case PB_E_EXPRESSION_CAST_EVAL_MODE_TRY: return VONK_MODE_TRY;
    default: return t->ansi ? VONK_MODE_ANSI : VONK_MODE_LEGACY;
    }
}

static vonk_status cast(vonk_translator *t, const vonk_pb_msg *m, const vonk_expr **ret, vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
    const vonk_expr *child = NULL;

    VONK_TRY(vonk__tr_expr(t, vonk_pb_get_msg(m, PB_EXPRESSION_CAST_EXPR), &child, err));
    if (vonk_pb_which(m, PB_EXPRESSION_CAST_CAST_TO_TYPE_ONEOF) == PB_EXPRESSION_CAST_TYPE)
        VONK_TRY(vonk_translate_type(t, vonk_pb_get_msg(m, PB_EXPRESSION_CAST_TYPE), &type, err));
    else
        VONK_TRY(vonk_type_parse(vonk_pb_str(m, PB_EXPRESSION_CAST_TYPE_STR), &type, err));
    return vonk_ex_cast(t->budget, child, type, cast_mode(t, m), ret, err);
}

static vonk_status lambda(vonk_translator *t, const vonk_pb_msg *m, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *body = NULL;
    const uint32_t n = vonk_u32_of(vonk_pb_n(m, PB_EXPRESSION_LAMBDA_FUNCTION_ARGUMENTS));
    vonk_str *names = NULL;
    vonk_expr *e = NULL;

    VONK_TRY(vonk__tr_expr(t, vonk_pb_get_msg(m, PB_EXPRESSION_LAMBDA_FUNCTION_FUNCTION), &body, err));
    VONK_TRY(vonk_arena_array(t->arena, n + 1, sizeof *names, &names, err));
    for (uint32_t i = 0; i < n; i++) {
        const vonk_pb_msg *var = vonk_pb_msg_at(m, PB_EXPRESSION_LAMBDA_FUNCTION_ARGUMENTS, i);
        if (vonk_pb_n(var, PB_EXPRESSION_UNRESOLVED_NAMED_LAMBDA_VARIABLE_NAME_PARTS) != 1)
            return vonk_translate_invalid("a lambda parameter's name", err);
        names[i] = vonk_pb_str_at(var, PB_EXPRESSION_UNRESOLVED_NAMED_LAMBDA_VARIABLE_NAME_PARTS, 0);
    }
    VONK_TRY(vonk_expr_new(t->budget, VONK_EX_LAMBDA, &body, 1, &e, err));
    vonk_status status = vonk_expr_set_parts(e, names, n, err);
    if (status != VONK_OK) {
        vonk_expr_unref(e);
        return status;
    }
    return vonk_expr_finish(e, ret, err);
}

static vonk_status lambda_variable(vonk_translator *t, const vonk_pb_msg *m, const vonk_expr **ret, vonk_error *err)
{
    if (vonk_pb_n(m, PB_EXPRESSION_UNRESOLVED_NAMED_LAMBDA_VARIABLE_NAME_PARTS) == 0)
        return vonk_translate_invalid("a lambda variable's name", err);
    return node(t, VONK_EX_LAMBDA_VAR, NULL, 0,
                vonk_pb_str_at(m, PB_EXPRESSION_UNRESOLVED_NAMED_LAMBDA_VARIABLE_NAME_PARTS, 0), ret, err);
}

/* ---- windows */
static vonk_status bound(vonk_translator *t, const vonk_pb_msg *m, vonk_bound_kind *ret_kind,
                         const vonk_expr **ret_value, vonk_error *err)
{
    *ret_value = NULL;
    switch (vonk_pb_which(m, PB_EXPRESSION_WINDOW_WINDOW_FRAME_FRAME_BOUNDARY_BOUNDARY_ONEOF)) {
    case PB_EXPRESSION_WINDOW_WINDOW_FRAME_FRAME_BOUNDARY_CURRENT_ROW: *ret_kind = VONK_FRAME_CURRENT; return VONK_OK;
    case PB_EXPRESSION_WINDOW_WINDOW_FRAME_FRAME_BOUNDARY_UNBOUNDED: *ret_kind = VONK_FRAME_UNBOUNDED; return VONK_OK;
    case PB_EXPRESSION_WINDOW_WINDOW_FRAME_FRAME_BOUNDARY_VALUE:
        *ret_kind = VONK_FRAME_VALUE;
        return vonk__tr_expr(t, vonk_pb_get_msg(m, PB_EXPRESSION_WINDOW_WINDOW_FRAME_FRAME_BOUNDARY_VALUE), ret_value,
                             err);
    default: return vonk_translate_invalid("a window frame's boundary", err);
    }
}

static vonk_status window(vonk_translator *t, const vonk_pb_msg *m, const vonk_expr **ret, vonk_error *err)
{
    const vonk_pb_msg *spec = vonk_pb_get_msg(m, PB_EXPRESSION_WINDOW_FRAME_SPEC);
    const vonk_expr *fn = NULL, **partition = NULL, **order = NULL, *values[2] = {NULL, NULL};
    uint32_t n_partition = 0, n_order = 0;
    vonk_frame frame = {0};
    VONK_VEC(const vonk_expr *) children = {0};
    vonk_expr *e = NULL;

    VONK_TRY(vonk__tr_expr(t, vonk_pb_get_msg(m, PB_EXPRESSION_WINDOW_WINDOW_FUNCTION), &fn, err));
    VONK_TRY(vonk__tr_exprs(t, m, PB_EXPRESSION_WINDOW_PARTITION_SPEC, &partition, &n_partition, err));
    VONK_TRY(vonk__tr_sort_orders(t, m, PB_EXPRESSION_WINDOW_ORDER_SPEC, &order, &n_order, err));
    if (spec) {
        frame.given = true;
        frame.rows = vonk_pb_i32(spec, PB_EXPRESSION_WINDOW_WINDOW_FRAME_FRAME_TYPE) ==
                     PB_E_EXPRESSION_WINDOW_WINDOW_FRAME_FRAME_TYPE_ROW;
        VONK_TRY(
            bound(t, vonk_pb_get_msg(spec, PB_EXPRESSION_WINDOW_WINDOW_FRAME_LOWER), &frame.lower, &values[0], err));
        VONK_TRY(
            bound(t, vonk_pb_get_msg(spec, PB_EXPRESSION_WINDOW_WINDOW_FRAME_UPPER), &frame.upper, &values[1], err));
    }
    VONK_TRY(VONK_VEC_ARENA_PUSH(&children, t->arena, fn, err));
    for (uint32_t i = 0; i < n_partition; i++) VONK_TRY(VONK_VEC_ARENA_PUSH(&children, t->arena, partition[i], err));
    for (uint32_t i = 0; i < n_order; i++) VONK_TRY(VONK_VEC_ARENA_PUSH(&children, t->arena, order[i], err));
    for (uint32_t i = 0; i < 2; i++)
        if (values[i]) VONK_TRY(VONK_VEC_ARENA_PUSH(&children, t->arena, values[i], err));
    VONK_TRY(vonk_expr_new(t->budget, VONK_EX_WINDOW, children.at, (uint32_t)children.n, &e, err));
    e->n_partition = n_partition;
    e->n_order = n_order;
    e->frame = frame;
    return vonk_expr_finish(e, ret, err);
}

/* ---- the rest */
static vonk_status extract(vonk_translator *t, const vonk_pb_msg *m, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *children[2] = {NULL, NULL};

    VONK_TRY(vonk__tr_expr(t, vonk_pb_get_msg(m, PB_EXPRESSION_UNRESOLVED_EXTRACT_VALUE_CHILD), &children[0], err));
    VONK_TRY(
        vonk__tr_expr(t, vonk_pb_get_msg(m, PB_EXPRESSION_UNRESOLVED_EXTRACT_VALUE_EXTRACTION), &children[1], err));
    return node(t, VONK_EX_EXTRACT, children, 2, VONK_STR_NONE, ret, err);
}

static vonk_status update_fields(vonk_translator *t, const vonk_pb_msg *m, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *children[2] = {NULL, NULL};
    const bool has_value = vonk_pb_has(m, PB_EXPRESSION_UPDATE_FIELDS_VALUE_EXPRESSION);

    VONK_TRY(vonk__tr_expr(t, vonk_pb_get_msg(m, PB_EXPRESSION_UPDATE_FIELDS_STRUCT_EXPRESSION), &children[0], err));
    if (has_value)
        VONK_TRY(vonk__tr_expr(t, vonk_pb_get_msg(m, PB_EXPRESSION_UPDATE_FIELDS_VALUE_EXPRESSION), &children[1], err));
    return node(t, VONK_EX_UPDATE_FIELD, children, has_value ? 2 : 1,
                vonk_pb_str(m, PB_EXPRESSION_UPDATE_FIELDS_FIELD_NAME), ret, err);
}

static vonk_status named_argument(vonk_translator *t, const vonk_pb_msg *m, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *value = NULL;

    VONK_TRY(vonk__tr_expr(t, vonk_pb_get_msg(m, PB_NAMED_ARGUMENT_EXPRESSION_VALUE), &value, err));
    return node(t, VONK_EX_NAMED_ARG, &value, 1, vonk_pb_str(m, PB_NAMED_ARGUMENT_EXPRESSION_KEY), ret, err);
}

static vonk_status table_argument(vonk_translator *t, const vonk_pb_msg *options, int64_t plan_id,
                                  const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr **keys = NULL, **orders = NULL, **all = NULL;
    uint32_t n_keys = 0, n_orders = 0;
    vonk_expr *e = NULL;

    if (options) {
        VONK_TRY(
            vonk__tr_exprs(t, options, PB_SUBQUERY_EXPRESSION_TABLE_ARG_OPTIONS_PARTITION_SPEC, &keys, &n_keys, err));
        VONK_TRY(vonk__tr_sort_orders(t, options, PB_SUBQUERY_EXPRESSION_TABLE_ARG_OPTIONS_ORDER_SPEC, &orders,
                                      &n_orders, err));
    }
    VONK_TRY(vonk_arena_array(t->arena, n_keys + n_orders + 1, sizeof *all, &all, err));
    for (uint32_t i = 0; i < n_keys; i++) all[i] = keys[i];
    for (uint32_t i = 0; i < n_orders; i++) all[n_keys + i] = orders[i];
    VONK_TRY(vonk_expr_new(t->budget, VONK_EX_SUBQUERY, all, n_keys + n_orders, &e, err));
    e->plan_id = plan_id;
    e->sub_kind = VONK_SUB_TABLE_ARG;
    e->n_partition = n_keys;
    e->n_order = n_orders;
    e->index = options && vonk_pb_bool(options, PB_SUBQUERY_EXPRESSION_TABLE_ARG_OPTIONS_WITH_SINGLE_PARTITION);
    return vonk_expr_finish(e, ret, err);
}

/* The plan is found by its id among the relations that come along (WithRelations). */
static vonk_status subquery(vonk_translator *t, const vonk_pb_msg *m, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr **values = NULL;
    uint32_t n = 0;
    vonk_expr *e = NULL;
    vonk_sub_kind kind;

    switch (vonk_pb_i32(m, PB_SUBQUERY_EXPRESSION_SUBQUERY_TYPE)) {
    case PB_E_SUBQUERY_EXPRESSION_SUBQUERY_TYPE_SCALAR: kind = VONK_SUB_SCALAR; break;
    case PB_E_SUBQUERY_EXPRESSION_SUBQUERY_TYPE_EXISTS: kind = VONK_SUB_EXISTS; break;
    case PB_E_SUBQUERY_EXPRESSION_SUBQUERY_TYPE_IN: kind = VONK_SUB_IN; break;
    case PB_E_SUBQUERY_EXPRESSION_SUBQUERY_TYPE_TABLE_ARG: kind = VONK_SUB_TABLE_ARG; break;
    default: return vonk_translate_invalid("a subquery's type", err);
    }
    if (kind == VONK_SUB_TABLE_ARG)
        return table_argument(t, vonk_pb_get_msg(m, PB_SUBQUERY_EXPRESSION_TABLE_ARG_OPTIONS),
                              vonk_pb_i64(m, PB_SUBQUERY_EXPRESSION_PLAN_ID), ret, err);
    VONK_TRY(vonk__tr_exprs(t, m, PB_SUBQUERY_EXPRESSION_IN_SUBQUERY_VALUES, &values, &n, err));
    if (kind == VONK_SUB_IN && n == 0) return vonk_translate_invalid("what is to be IN a subquery", err);
    VONK_TRY(vonk_expr_new(t->budget, VONK_EX_SUBQUERY, values, n, &e, err));
    e->plan_id = vonk_pb_i64(m, PB_SUBQUERY_EXPRESSION_PLAN_ID);
    e->sub_kind = kind;
    return vonk_expr_finish(e, ret, err);
}

static vonk_status by_kind(vonk_translator *t, const vonk_pb_msg *m, int which, const vonk_expr **ret, vonk_error *err)
{
    const vonk_pb_msg *inner = which ? vonk_pb_get_msg(m, which) : NULL;

    switch (which) {
    case PB_EXPRESSION_LITERAL: return vonk__translate_literal(t, inner, ret, err);
    case PB_EXPRESSION_UNRESOLVED_ATTRIBUTE: return attribute(t, inner, ret, err);
    case PB_EXPRESSION_UNRESOLVED_FUNCTION: return function(t, inner, ret, err);
    case PB_EXPRESSION_EXPRESSION_STRING:
        return vonk_session_parse_expr(t->session, vonk_pb_str(inner, PB_EXPRESSION_EXPRESSION_STRING_EXPRESSION), ret,
                                       err);
    case PB_EXPRESSION_UNRESOLVED_STAR: return star(t, inner, ret, err);
    case PB_EXPRESSION_ALIAS: return alias(t, inner, ret, err);
    case PB_EXPRESSION_CAST: return cast(t, inner, ret, err);
    case PB_EXPRESSION_UNRESOLVED_REGEX: return regex(t, inner, ret, err);
    case PB_EXPRESSION_SORT_ORDER: return sort_order(t, inner, ret, err);
    case PB_EXPRESSION_LAMBDA_FUNCTION: return lambda(t, inner, ret, err);
    case PB_EXPRESSION_WINDOW: return window(t, inner, ret, err);
    case PB_EXPRESSION_UNRESOLVED_EXTRACT_VALUE: return extract(t, inner, ret, err);
    case PB_EXPRESSION_UPDATE_FIELDS: return update_fields(t, inner, ret, err);
    case PB_EXPRESSION_UNRESOLVED_NAMED_LAMBDA_VARIABLE: return lambda_variable(t, inner, ret, err);
    case PB_EXPRESSION_CALL_FUNCTION: return call_by_name(t, inner, ret, err);
    case PB_EXPRESSION_COMMON_INLINE_USER_DEFINED_FUNCTION: return vonk__translate_python(t, inner, ret, err);
    case PB_EXPRESSION_NAMED_ARGUMENT_EXPRESSION: return named_argument(t, inner, ret, err);
    case PB_EXPRESSION_SUBQUERY_EXPRESSION: return subquery(t, inner, ret, err);
    case 0: return vonk_translate_invalid("an expression without a kind", err);
    default: return vonk_translate_unsupported(vonk_pb_field_name(&vonk_pb_connect, which), err);
    }
}

vonk_status vonk_translate_expr(vonk_translator *t, const vonk_pb_msg *m, const vonk_expr **ret, vonk_error *err)
{
    vonk_origin origin;
    const vonk_expr *e = NULL;
    vonk_expr *placed = NULL;

    VONK_TRY(by_kind(t, m, vonk_pb_which(m, PB_EXPRESSION_EXPR_TYPE_ONEOF), &e, err));
    assert(e);
    const vonk_pb_msg *common = vonk_pb_get_msg(m, PB_EXPRESSION_COMMON);
    if (!common || e->origin.text) {
        *ret = e;
        return VONK_OK;
    }
    vonk_status status = vonk__tr_origin(t, vonk_pb_get_msg(common, PB_EXPRESSION_COMMON_ORIGIN), &origin, err);
    if (status == VONK_OK) status = vonk_expr_copy(t->budget, e, NULL, 0, &placed, err);
    vonk_expr_unref(e);
    VONK_TRY(status);
    vonk_expr_set_origin(placed, &origin);
    return vonk_expr_finish(placed, ret, err);
}
