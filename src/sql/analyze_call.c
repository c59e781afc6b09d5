/* sql/analyze_call.c -- calls: finding the function, its arguments (stars, lambdas), the casts it wants; forms that are
 * no functions. */
#include "base/hash.h"
#include "base/version.h"
#include "func/coerce.h"
#include "plan/program.h"
#include "sql/analyze.h"
#include "sys/entropy.h"
#include "text/number.h"

static vonk_status special(vonk_an *an, const vonk_fn *fn, const vonk_expr *call, const vonk_exprs *args,
                           const vonk_expr **ret, vonk_error *err);
static vonk_status make_struct(vonk_an *an, const vonk_expr *call, const vonk_exprs *args, const vonk_expr **ret,
                               vonk_error *err);

/* ---- messages */

static vonk_status no_such_function(vonk_an *an, const vonk_expr *call, vonk_error *err)
{
    vonk_str quoted, database = vonk_catalog_current_database(an->api->catalog);
    VONK_TRY(vonk__an_quote_parts(an, call->parts, call->n_parts, &quoted, err));
    return VONK_EXPR_FAIL(
        call, err, VONK_E_UNRESOLVED_ROUTINE, "routineName", quoted.data, "searchPath",
        VONK_F("[`system`.`builtin`, `system`.`session`, `spark_catalog`.`%.*s`]", VONK_STR_ARGS(database)));
}

static vonk_status unsupported_syntax(const vonk_expr *call, const vonk_fn *fn, const char *syntax, vonk_error *err)
{
    return VONK_EXPR_FAIL(call, err, VONK_E_INVALID_SQL_SYNTAX__FUNCTION_WITH_UNSUPPORTED_SYNTAX, "prettyName",
                          VONK_F("`%s`", fn->name), "syntax", syntax);
}

/* What may stand at a function of each kind. */
static vonk_status check_syntax(const vonk_fn *fn, const vonk_expr *call, vonk_error *err)
{
    bool aggregate = fn->kind == VONK_FN_AGGREGATE;
    if (!aggregate && vonk_expr_has(call, VONK_EXF_DISTINCT)) return unsupported_syntax(call, fn, "DISTINCT", err);
    if (!aggregate && vonk_expr_has(call, VONK_EXF_HAS_FILTER))
        return unsupported_syntax(call, fn, "FILTER CLAUSE", err);
    if (!aggregate && call->n_order) return unsupported_syntax(call, fn, "WITHIN GROUP (ORDER BY ...)", err);
    if (aggregate && call->n_order)
        return VONK_EXPR_FAIL(call, err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                              VONK_F("ORDER BY inside the aggregate function %s", fn->name));
    if (fn->kind == VONK_FN_TABLE)
        return VONK_EXPR_FAIL(call, err, VONK_E_NOT_A_SCALAR_FUNCTION, "functionName", VONK_F("`%s`", fn->name));
    return VONK_OK;
}

/* ---- arguments */

static vonk_status check_lambda(const vonk_expr *lambda, uint32_t expected, vonk_error *err)
{
    for (uint32_t i = 0; i < lambda->n_parts; i++)
        for (uint32_t k = 0; k < i; k++)
            if (vonk_str_eq_nocase(lambda->parts[i], lambda->parts[k]))
                return VONK_EXPR_FAIL(
                    lambda, err, VONK_E_INVALID_LAMBDA_FUNCTION_CALL__DUPLICATE_ARG_NAMES, "args",
                    VONK_F("`%.*s`, `%.*s`", VONK_STR_ARGS(lambda->parts[k]), VONK_STR_ARGS(lambda->parts[i])),
                    "caseSensitiveConfig", "\"spark.sql.caseSensitive\"");
    if (lambda->n_parts == expected || expected == 0) return VONK_OK;
    return VONK_EXPR_FAIL(lambda, err, VONK_E_INVALID_LAMBDA_FUNCTION_CALL__NUM_ARGS_MISMATCH, "expectedNumArgs",
                          VONK_F("%u", lambda->n_parts), "actualNumArgs", VONK_F("%u", expected));
}

/* Parameters become variables with ids; the body is resolved with them in sight. */
static vonk_status bind_lambda(vonk_an *an, const vonk_scope *scope, const vonk_expr *lambda,
                               const vonk_type *const *types, const bool *nullable, const vonk_expr **ret,
                               vonk_error *err)
{
    uint32_t n = lambda->n_parts;
    const vonk_expr **variables, *body;
    uint64_t *ids;
    VONK_TRY(vonk_arena_array(an->arena, n, sizeof(*variables), &variables, err));
    VONK_TRY(vonk_arena_array(an->arena, n, sizeof(*ids), &ids, err));
    for (uint32_t i = 0; i < n; i++) {
        VONK_TRY(vonk__an_variable(an, lambda->parts[i], types[i], nullable[i], &variables[i], err));
        ids[i] = variables[i]->id;
    }
    vonk_lambda_names names = {variables, n, scope->lambdas};
    vonk_scope inner = *scope;
    inner.lambdas = &names;
    VONK_TRY(vonk__an_expr(an, &inner, lambda->children[0], &body, err));
    while (body->kind == VONK_EX_ALIAS) body = body->children[0];
    vonk_expr *copy;
    VONK_TRY(vonk__an_copy(an, lambda, &body, 1, &copy, err));
    VONK_TRY(vonk_expr_set_ids(copy, ids, n, err));
    return vonk__an_finish(an, copy, ret, err);
}

enum { MOST_LAMBDA_PARAMS = 3 };

/* Once more with texts, for the message. */
static vonk_status params_again(vonk_an *an, vonk_fn_types *t, const vonk_exprs *args, uint32_t arg,
                                const vonk_type **types, bool *nullable, vonk_error *err)
{
    vonk_str *texts;
    vonk_error_reset(err);
    VONK_TRY(vonk_arena_array(an->arena, args->n + 1, sizeof(*texts), &texts, err));
    for (uint32_t i = 0; i < args->n; i++) VONK_TRY(vonk__an_sql(an, args->at[i], &texts[i], err));
    t->texts = texts;
    return t->fn->lambda_params(t, arg, args->at[arg]->n_parts, types, nullable, err);
}

/* Is a lambda expected at this argument? The rules that say so have no commas of their own. */
static bool takes_lambda(const vonk_fn *fn, uint32_t arg)
{
    const char *rule = fn->args;
    for (uint32_t i = 0; i < arg && rule; i++) {
        rule = strchr(rule, ',');
        if (rule) rule++;
    }
    return rule && strncmp(rule, "lambda", strlen("lambda")) == 0;
}

/* A value where a function is expected: the function that gives it for whatever it is called with. */
static vonk_status as_lambda(vonk_an *an, const vonk_fn_types *t, uint32_t arg, const vonk_expr *value,
                             const vonk_expr **ret, vonk_error *err)
{
    static const vonk_str names[MOST_LAMBDA_PARAMS] = {{"x", 1}, {"y", 1}, {"z", 1}};
    const vonk_type *types[MOST_LAMBDA_PARAMS] = {0};
    bool nullable[MOST_LAMBDA_PARAMS] = {0};
    VONK_AUTO(vonk_error_reset) vonk_error ignored = VONK_ERROR_INIT;
    vonk_expr *lambda;
    uint32_t n = 1;
    while (n < MOST_LAMBDA_PARAMS && t->fn->lambda_params(t, arg, n, types, nullable, &ignored) ==
                                         VONK_E_INVALID_LAMBDA_FUNCTION_CALL__NUM_ARGS_MISMATCH) {
        vonk_error_reset(&ignored);
        n++;
    }
    VONK_TRY(vonk__an_new(an, VONK_EX_LAMBDA, &value, 1, &lambda, err));
    VONK_TRY(vonk_expr_set_parts(lambda, names, n, err));
    return vonk__an_finish(an, lambda, ret, err);
}

static vonk_status resolve_lambdas(vonk_an *an, const vonk_scope *scope, const vonk_fn *fn, const vonk_expr *call,
                                   vonk_exprs *args, vonk_error *err)
{
    const vonk_type **types;
    bool *nullable;
    VONK_TRY(vonk_arena_array(an->arena, args->n, sizeof(*types), &types, err));
    VONK_TRY(vonk_arena_array(an->arena, args->n, sizeof(*nullable), &nullable, err));
    for (size_t i = 0; i < args->n; i++) types[i] = &vonk_type_null; /* a function where a value should stand */
    for (size_t i = 0; i < args->n; i++)
        if (args->at[i]->resolved && args->at[i]->type) {
            types[i] = args->at[i]->type;
            nullable[i] = args->at[i]->nullable;
        }
    vonk_fn_types t = {.fn = fn,
                       .env = an->api->env,
                       .arena = an->arena,
                       .n_args = vonk_u32_of(args->n),
                       .types = types,
                       .nullable = nullable,
                       .mode = an->ansi ? VONK_MODE_ANSI : VONK_MODE_LEGACY};
    for (uint32_t i = 0; i < args->n; i++) {
        if (args->at[i]->kind != VONK_EX_LAMBDA && takes_lambda(fn, i))
            VONK_TRY(as_lambda(an, &t, i, args->at[i], &args->at[i], err));
        const vonk_expr *lambda = args->at[i];
        const vonk_type *params[MOST_LAMBDA_PARAMS] = {0};
        bool params_nullable[MOST_LAMBDA_PARAMS] = {0};
        if (lambda->kind != VONK_EX_LAMBDA || lambda->ids) continue;
        if (!fn->lambda_params || lambda->n_parts > MOST_LAMBDA_PARAMS)
            return VONK_EXPR_FAIL(call, err, VONK_E_INVALID_LAMBDA_FUNCTION_CALL__NON_HIGHER_ORDER_FUNCTION, "class",
                                  fn->name);
        vonk_status st = fn->lambda_params(&t, i, lambda->n_parts, params, params_nullable, err);
        if (st != VONK_OK) st = params_again(an, &t, args, i, params, params_nullable, err);
        if (st != VONK_OK)
            return vonk_expr_failed(st == VONK_E_INVALID_LAMBDA_FUNCTION_CALL__NUM_ARGS_MISMATCH ? lambda : call, st,
                                    err);
        VONK_TRY(check_lambda(lambda, 0, err));
        VONK_TRY(bind_lambda(an, scope, lambda, params, params_nullable, &args->at[i], err));
        types[i] = args->at[i]->type;
        nullable[i] = args->at[i]->nullable;
    }
    return VONK_OK;
}

/* The scope of arguments: those of an aggregate above an aggregate look below it. */
static vonk_scope argument_scope(const vonk_scope *scope, const vonk_fn *fn, const vonk_plan **below)
{
    vonk_scope s = *scope;
    s.is_window = false;
    if (fn->kind == VONK_FN_AGGREGATE && !scope->is_window && scope->above && scope->above->aggregate) {
        *below = vonk__an_below_aggregate(scope->above->aggregate);
        s.inputs = below;
        s.n_inputs = 1;
        s.above = NULL;
    }
    return s;
}

/* What Spark calls an operator in this error. */
static const char *operator_name(const vonk_fn *fn, uint32_t n_args)
{
    static const struct {
        const char *symbol, *name;
    } names[] = {{"+", "add"},
                 {"-", "subtract"},
                 {"*", "multiply"},
                 {"/", "divide"},
                 {"%", "remainder"},
                 {"div", "integraldivide"},
                 {"~", "bitwisenot"},
                 {"&", "bitwiseand"},
                 {"|", "bitwiseor"},
                 {"^", "bitwisexor"},
                 {"<<", "shiftleft"},
                 {">>", "shiftright"},
                 {">>>", "shiftrightunsigned"},
                 {"=", "equalto"},
                 {"<=>", "equalnullsafe"},
                 {"<", "lessthan"},
                 {"<=", "lessthanorequal"},
                 {">", "greaterthan"},
                 {">=", "greaterthanorequal"}};

    if (n_args == 1 && strcmp(fn->symbol, "-") == 0) return "unaryminus";
    if (n_args == 1 && strcmp(fn->symbol, "+") == 0) return "unarypositive";
    for (size_t i = 0; i < VONK_COUNTOF(names); i++)
        if (strcmp(names[i].symbol, fn->symbol) == 0) return names[i].name;
    return fn->name;
}

/* Unlike arguments of functions, operands are never lists of columns. */
static vonk_status refuse_stars(const vonk_fn *fn, const vonk_expr *call, vonk_error *err)
{
    if (!vonk_expr_has(call, VONK_EXF_OPERATOR) || !fn->symbol) return VONK_OK;
    return vonk__an_refuse_stars(call->children, call->n_args,
                                 VONK_F("expression `%s`", operator_name(fn, call->n_args)), err);
}

static vonk_status resolve_args(vonk_an *an, const vonk_scope *scope, const vonk_fn *fn, const vonk_expr *call,
                                vonk_exprs *ret, vonk_error *err)
{
    const vonk_plan *below;
    vonk_scope s = argument_scope(scope, fn, &below);
    vonk_exprs given = {0};
    bool lambdas = fn->lambda_params != NULL;
    VONK_TRY(refuse_stars(fn, call, err));
    if (call->n_args == 1 && strcmp(fn->name, "count") == 0)
        VONK_TRY(vonk__an_refuse_counted_table(an, &s, call->children[0], err));
    VONK_TRY(vonk__an_expand_stars(an, &s, call->children, call->n_args, &given, err));
    for (size_t i = 0; i < given.n; i++) {
        const vonk_expr *e = given.at[i];
        if (e->kind == VONK_EX_NAMED_ARG)
            return VONK_EXPR_FAIL(call, err, VONK_E_NAMED_PARAMETERS_NOT_SUPPORTED, "functionName",
                                  VONK_F("`%s`", fn->name));
        if (e->kind == VONK_EX_LAMBDA)
            lambdas = true;
        else
            VONK_TRY(vonk__an_expr(an, &s, e, &e, err));
        VONK_TRY(VONK_AN_PUSH(an, ret, e, err));
    }
    return lambdas ? resolve_lambdas(an, &s, fn, call, ret, err) : VONK_OK;
}

static void strip_aliases(vonk_exprs *args)
{
    for (size_t i = 0; i < args->n; i++)
        while (args->at[i]->kind == VONK_EX_ALIAS) args->at[i] = args->at[i]->children[0];
}

static vonk_walk find_aggregate(const vonk_expr *e, void *arg)
{
    if (e->kind != VONK_EX_WINDOW && !vonk__an_is_aggregate(e)) return VONK_WALK_ON;
    *(const vonk_expr **)arg = e;
    return VONK_WALK_STOP;
}

static vonk_status check_filter(vonk_an *an, const vonk_expr *call, const vonk_expr *condition, vonk_error *err)
{
    const vonk_expr *inner = condition;
    const char *sql, *inner_sql;
    const bool draws = !vonk_expr_is_deterministic(condition), windows = vonk_expr_has_window(condition);

    if (!draws && !windows && !vonk_expr_has_aggregate(condition)) return VONK_OK;
    VONK_TRY(vonk__an_quoted_sql(an, condition, &sql, err));
    if (draws) return VONK_EXPR_FAIL(call, err, VONK_E_INVALID_AGGREGATE_FILTER__NON_DETERMINISTIC, "filterExpr", sql);
    vonk_expr_walk(condition, find_aggregate, (void *)&inner);
    VONK_TRY(vonk__an_quoted_sql(an, inner, &inner_sql, err));
    return VONK_EXPR_FAIL(call, err,
                          windows ? VONK_E_INVALID_AGGREGATE_FILTER__CONTAINS_WINDOW_FUNCTION
                                  : VONK_E_INVALID_AGGREGATE_FILTER__CONTAINS_AGGREGATE,
                          "filterExpr", sql, windows ? "windowExpr" : "aggExpr", inner_sql);
}

/* FILTER's condition and WITHIN GROUP's orders. */
static vonk_status resolve_tail(vonk_an *an, const vonk_scope *scope, const vonk_fn *fn, const vonk_expr *call,
                                vonk_exprs *args, vonk_error *err)
{
    const vonk_plan *below;
    vonk_scope s = argument_scope(scope, fn, &below);
    for (uint32_t i = call->n_args; i < call->n_children; i++) {
        const vonk_expr *e;
        if (i == call->n_args && vonk_expr_has(call, VONK_EXF_HAS_FILTER)) {
            vonk_status st = vonk__an_condition(an, &s, NULL, call->children[i], &e, err);
            if (st != VONK_OK) return vonk_error_n_contexts(err) ? st : vonk_expr_failed(call, st, err);
            VONK_TRY(check_filter(an, call, e, err));
        } else {
            VONK_TRY(vonk__an_expr(an, &s, call->children[i], &e, err));
        }
        VONK_TRY(VONK_AN_PUSH(an, args, e, err));
    }
    return VONK_OK;
}

/* ---- binding */

/* What stands for e where it was found to be a constant a moment ago: e itself when it was not. */
static vonk_status found_constant(vonk_an *an, const vonk_expr *e, const vonk_expr **ret, vonk_error *err)
{
    *ret = e;
    if (e->kind == VONK_EX_CAST) { /* as its function wanted it */
        const vonk_expr *in;
        vonk_expr *copy;
        VONK_TRY(found_constant(an, e->children[0], &in, err));
        if (in == e->children[0]) return VONK_OK;
        VONK_TRY(vonk__an_copy(an, e, &in, 1, &copy, err));
        return vonk__an_finish(an, copy, ret, err);
    }
    for (size_t i = 0; i < VONK_COUNTOF(an->folded); i++)
        if (an->folded[i].e == e && an->folded[i].literal) *ret = an->folded[i].literal;
    return VONK_OK;
}

/* Was evaluating e found to raise a moment ago, or something that e always evaluates? Each such error tells of all
 * places further out, so trying again at each level would cost the square of the depth too. */
static bool found_raising(const vonk_an *an, const vonk_expr *e)
{
    for (; e; e = vonk_expr_leading_child(e))
        for (size_t i = 0; i < VONK_COUNTOF(an->folded); i++)
            if (an->folded[i].e == e) return an->folded[i].literal == NULL;
    return false;
}

static vonk_status remember(vonk_an *an, const vonk_expr *e, const vonk_expr *literal, vonk_error *err)
{
    const vonk_expr *kept;
    VONK_TRY(vonk__an_keep(an, vonk_expr_ref(e), &kept, err));
    const uint32_t at = an->n_folded++ % VONK_COUNTOF(an->folded);
    an->folded[at].e = kept;
    an->folded[at].literal = literal;
    return VONK_OK;
}

/* Calls are bound from the inside out, so the constants among a call's arguments are known: evaluating them again at
 * each level would cost the square of the depth. */
static vonk_status over_constants(vonk_an *an, const vonk_expr *e, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr **children;
    vonk_expr *copy;
    bool any = false;
    *ret = e;
    if (e->kind != VONK_EX_FUNCTION) return VONK_OK;
    VONK_TRY(vonk_arena_array(an->arena, e->n_children + 1, sizeof(*children), &children, err));
    for (uint32_t i = 0; i < e->n_children; i++) {
        VONK_TRY(found_constant(an, e->children[i], &children[i], err));
        any |= children[i] != e->children[i];
    }
    if (!any) return VONK_OK;
    VONK_TRY(vonk__an_copy(an, e, children, e->n_children, &copy, err));
    return vonk__an_finish(an, copy, ret, err);
}

static vonk_status constant_of(vonk_an *an, const vonk_expr *e, vonk_column **ret, vonk_error *err)
{
    *ret = NULL;
    if (e->kind == VONK_EX_LITERAL) {
        *ret = e->value;
        return VONK_OK;
    }
    if (e->kind == VONK_EX_LAMBDA || !vonk_expr_is_foldable(e)) return VONK_OK;
    VONK_AUTO(vonk_error_reset) vonk_error ignored = VONK_ERROR_INIT;
    const vonk_expr *literal, *shallow;
    vonk_column *value;
    if (found_raising(an, e)) return remember(an, e, NULL, err);
    VONK_TRY(over_constants(an, e, &shallow, err));
    if (vonk_program_fold(an->budget, an->api->env, shallow, &value, &ignored) != VONK_OK) { /* raises later */
        VONK_TRY(vonk_error_forgive(&ignored, err));
        return remember(an, e, NULL, err);
    }
    vonk_status st = vonk_ex_literal(an->budget, value, &literal, err);
    vonk_column_unref(value);
    if (st != VONK_OK) return st;
    VONK_TRY(vonk__an_keep(an, literal, &literal, err));
    *ret = literal->value;
    return remember(an, e, literal, err);
}

typedef struct binding {
    vonk_fn_types t;
    const vonk_type **types;
    bool *nullable;
    bool *literal;
    vonk_column **constants;
    vonk_str *texts;
} binding;

static vonk_status fill_binding(vonk_an *an, binding *b, const vonk_fn *fn, const vonk_expr *const *args, uint32_t n,
                                vonk_error *err)
{
    VONK_TRY(vonk_arena_array(an->arena, n + 1, sizeof(*b->types), &b->types, err));
    VONK_TRY(vonk_arena_array(an->arena, n + 1, sizeof(*b->nullable), &b->nullable, err));
    VONK_TRY(vonk_arena_array(an->arena, n + 1, sizeof(*b->literal), &b->literal, err));
    VONK_TRY(vonk_arena_array(an->arena, n + 1, sizeof(*b->constants), &b->constants, err));
    for (uint32_t i = 0; i < n; i++) {
        b->types[i] = args[i]->type;
        b->nullable[i] = args[i]->nullable;
        b->literal[i] = args[i]->kind == VONK_EX_LITERAL;
        VONK_TRY(constant_of(an, args[i], &b->constants[i], err));
    }
    b->t = (vonk_fn_types){.fn = fn,
                           .env = an->api->env,
                           .arena = an->arena,
                           .n_args = n,
                           .types = b->types,
                           .nullable = b->nullable,
                           .literal = b->literal,
                           .constants = b->constants,
                           .mode = an->ansi ? VONK_MODE_ANSI : VONK_MODE_LEGACY};
    return VONK_OK;
}

/* A FUNCTION that is not typed yet: only for its text. `like`: how it is written. */
static vonk_status call_text(vonk_an *an, const vonk_fn *fn, const vonk_expr *like, const vonk_expr *const *args,
                             uint32_t n_args, vonk_str *ret, vonk_error *err)
{
    vonk_expr *e;
    const vonk_expr *done;
    VONK_TRY(vonk__an_new(an, VONK_EX_FUNCTION, args, n_args, &e, err));
    e->fn = fn;
    e->n_args = n_args;
    e->flags = like->flags & (uint32_t)VONK_EXF_OPERATOR;
    VONK_TRY(vonk_expr_set_type(e, &vonk_type_null, err));
    VONK_TRY(vonk__an_finish(an, e, &done, err));
    return vonk__an_sql(an, done, ret, err);
}

/* What a field of a struct is called that is made of e; VONK_STR_NONE: nothing. */
static vonk_str field_name(const vonk_expr *e)
{
    if (e->kind == VONK_EX_ALIAS || e->kind == VONK_EX_COLUMN || e->kind == VONK_EX_LAMBDA_VAR ||
        e->kind == VONK_EX_GET_FIELD)
        return e->name;
    if (e->kind == VONK_EX_FUNCTION && strcmp(e->fn->name, "get_array_struct_fields") == 0)
        return vonk_column_str(e->children[1]->value, 0);
    return VONK_STR_NONE;
}

/* DISTINCT and FILTER are none of the function's business, nor of its errors. */
static vonk_status resolve_with_text(vonk_an *an, binding *b, const vonk_expr *like, const vonk_expr *const *children,
                                     vonk_error *err)
{
    VONK_TRY(call_text(an, b->t.fn, like, children, b->t.n_args, &b->t.text, err));
    b->t.mode = an->ansi ? VONK_MODE_ANSI : VONK_MODE_LEGACY;
    return vonk_fn_resolve(&b->t, err);
}

/* Texts are made only for messages: the call is resolved once more with them. */
static vonk_status resolve_again(vonk_an *an, binding *b, const vonk_expr *like, const vonk_expr *const *children,
                                 vonk_error *err)
{
    uint32_t n_args = b->t.n_args;
    assert(children || n_args == 0);
    vonk_error_reset(err);
    vonk_str *names;
    VONK_TRY(vonk_arena_array(an->arena, n_args + 1, sizeof(*b->texts), &b->texts, err));
    VONK_TRY(vonk_arena_array(an->arena, n_args + 1, sizeof(*names), &names, err));
    for (uint32_t i = 0; i < n_args; i++) {
        VONK_TRY(vonk__an_sql(an, children[i], &b->texts[i], err));
        names[i] = field_name(children[i]);
        b->types[i] = children[i]->type;
    }
    b->t.texts = b->texts;
    b->t.names = names;
    vonk_status st = resolve_with_text(an, b, like, children, err);
    if (st == VONK_OK || st == VONK_E_WRONG_NUM_ARGS__WITHOUT_SUGGESTION || !b->t.fn->errors_of) return st;
    vonk_error_reset(err);
    b->t.fn = vonk_fn_find(vonk_str_of(b->t.fn->errors_of));
    for (uint32_t i = 0; i < n_args; i++) b->types[i] = children[i]->type;
    return resolve_with_text(an, b, like, children, err);
}

static vonk_status need_over(vonk_an *an, const vonk_scope *scope, const vonk_expr *call, const vonk_expr *e,
                             vonk_error *err)
{
    const char *sql;
    if (e->kind != VONK_EX_FUNCTION || e->fn->kind != VONK_FN_WINDOW || scope->is_window) return VONK_OK;
    VONK_TRY(vonk__an_quoted_sql(an, e, &sql, err));
    return VONK_EXPR_FAIL(call, err, VONK_E_WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE, "funcName", sql);
}

/* Under an OVER an aggregate may take other aggregates and windows: they are computed before. */
static vonk_status check_aggregate(const vonk_scope *scope, const vonk_fn *fn, const vonk_expr *like,
                                   const vonk_expr *const *children, uint32_t n, vonk_error *err)
{
    if (strcmp(fn->name, "mode") == 0 && vonk_expr_has(like, VONK_EXF_DISTINCT))
        return VONK_EXPR_FAIL(like, err, VONK_E_INVALID_WITHIN_GROUP_EXPRESSION__DISTINCT_UNSUPPORTED, "funcName",
                              "`mode`");
    if (fn->kind != VONK_FN_AGGREGATE || scope->is_window) return VONK_OK;
    for (uint32_t i = 0; i < n; i++) {
        if (vonk_expr_has_aggregate(children[i]))
            return VONK_EXPR_FAIL(children[i], err, VONK_E_NESTED_AGGREGATE_FUNCTION);
        if (vonk_expr_has_window(children[i])) return VONK_EXPR_FAIL(like, err, VONK_E__LEGACY_ERROR_TEMP_1031);
    }
    return VONK_OK;
}

/* What an aggregate takes in must be the same however often it is computed; under an OVER nothing is computed again. */
static vonk_status check_same_again(vonk_an *an, const vonk_scope *scope, const vonk_expr *call, vonk_error *err)
{
    const char *sql;
    bool same = true;

    if (!vonk__an_is_aggregate(call) || scope->is_window) return VONK_OK;
    for (uint32_t i = 0; i < call->n_args; i++) same = same && vonk_expr_is_deterministic(call->children[i]);
    if (same) return VONK_OK;
    VONK_TRY(vonk__an_quoted_sql(an, call, &sql, err));
    return VONK_EXPR_FAIL(call, err, VONK_E_AGGREGATE_FUNCTION_WITH_NONDETERMINISTIC_EXPRESSION, "sqlExpr", sql);
}

static bool is_whole_days(const vonk_type *t)
{
    return t->id == VONK_T_INTERVAL_DAY_TIME && t->first == VONK_DAY && t->last == VONK_DAY;
}

static bool is_moment(const vonk_type *t) { return vonk_type_is_datetime(t) || t->id == VONK_T_TIME; }

static bool is_decimal_literal(const vonk_expr *e)
{
    return e->kind == VONK_EX_LITERAL && e->type->id == VONK_T_DECIMAL && !vonk_column_is_null(e->value, 0);
}

/* < <= > >= */
static bool is_ordering(const vonk_fn *fn)
{
    const char *name = fn->name;
    return (name[0] == '<' || name[0] == '>') && (name[1] == 0 || (name[1] == '=' && name[2] == 0));
}

/* id > 1.5: Spark compares with the whole number that says the same, 1, and shows that. *ret: the result where every
 * bigint gives the same one, else NULL. */
static vonk_status whole_bound(vonk_an *an, const vonk_fn *fn, const vonk_expr **inout_args, const vonk_expr **ret,
                               vonk_error *err)
{
    const int at = is_decimal_literal(inout_args[0]) ? 0 : 1;
    const vonk_expr *bound = inout_args[at], *made;
    *ret = NULL;
    if (!is_ordering(fn) || !is_decimal_literal(bound) || !vonk_type_is_integral(inout_args[1 - at]->type))
        return VONK_OK;
    const bool below = (fn->name[0] == '<') == (at == 1), or_equal = fn->name[1] == '=';
    const vonk_i128 value = vonk_column_i128(bound->value, 0), unit = vonk_pow10_i128[bound->type->scale];
    const vonk_i128 whole = value / unit, rest = value % unit;
    const bool too_large = whole > INT64_MAX || (whole == INT64_MAX && rest > 0);
    if (too_large || whole < INT64_MIN || (whole == INT64_MIN && rest < 0)) {
        VONK_TRY(vonk_ex_bool(an->budget, below == too_large, &made, err));
        return vonk__an_keep(an, made, ret, err);
    }
    const bool up = below != or_equal;
    const int64_t rounded = (int64_t)(whole + (up && rest > 0) - (!up && rest < 0));
    VONK_TRY(vonk_ex_int(an->budget, rounded, &vonk_type_long, &made, err));
    return vonk__an_keep(an, made, &inout_args[at], err);
}

/* '3' / 2: in ANSI mode the text is a bigint, as beside other operators, before it is divided. */
static vonk_status whole_texts(vonk_an *an, const vonk_fn *fn, const vonk_expr *like, const vonk_expr **inout_args,
                               vonk_error *err)
{
    if (!an->ansi || (strcmp(fn->name, "/") != 0 && strcmp(fn->name, "try_divide") != 0)) return VONK_OK;
    const vonk_eval_mode mode = fn->force_mode == VONK_MODE_TRY ? VONK_MODE_TRY : VONK_MODE_ANSI;
    for (int i = 0; i < 2; i++)
        if (vonk_type_is_stringy(inout_args[i]->type) && vonk_type_is_integral(inout_args[1 - i]->type))
            VONK_TRY(vonk__an_cast_as(an, like, inout_args[i], &vonk_type_long, mode, &inout_args[i], err));
    return VONK_OK;
}

/* Adding and taking away, not their try_ forms. */
static bool is_sum(const vonk_fn *fn) { return strcmp(fn->name, "+") == 0 || strcmp(fn->name, "-") == 0; }

/* A text beside an interval is a moment, and their sum is a text again: of which type? NULL: no such sum. */
static const vonk_type *text_of_sum(const vonk_fn *fn, const vonk_type *result, const vonk_expr *const *args)
{
    bool sum = is_sum(fn) || strcmp(fn->name, "try_add") == 0 || strcmp(fn->name, "try_subtract") == 0;
    if (!sum || result->id != VONK_T_TIMESTAMP) return NULL;
    assert(args);
    return vonk_type_is_stringy(args[0]->type)   ? args[0]->type
           : vonk_type_is_stringy(args[1]->type) ? args[1]->type
                                                 : NULL;
}

/* Spark has functions of their own for these: date + 1 shows as date_add(date, 1), so does a number of days; another
 * interval is shown behind what it is added to, without parentheses, and before the number that it is multiplied by.
 * `cast`: the arguments as their function wants them. */
static vonk_status show_datetime(vonk_an *an, vonk_expr *e, const vonk_expr *const *args, const vonk_expr *const *cast,
                                 vonk_error *err)
{
    const bool times = strcmp(e->fn->name, "*") == 0;
    if ((!times && !is_sum(e->fn)) || e->n_args != 2) return VONK_OK;
    assert(args);
    const char op = e->fn->name[0];
    const bool swapped = times ? vonk_type_is_interval(cast[1]->type) : op == '+' && !is_moment(cast[0]->type);
    const vonk_type *a = cast[swapped]->type, *b = cast[!swapped]->type;
    vonk_str left, right, shown;
    if (times ? !swapped : !is_moment(a) || vonk_type_is_datetime(b)) return VONK_OK;
    VONK_TRY(vonk__an_sql(an, args[swapped], &left, err));
    VONK_TRY(vonk__an_sql(an, args[!swapped], &right, err));
    if (times)
        VONK_TRY(vonk_arena_printf(an->arena, &shown, err, "(%.*s * %.*s)", VONK_STR_ARGS(left), VONK_STR_ARGS(right)));
    else if (a->id == VONK_T_DATE && vonk_type_is_integral(b))
        VONK_TRY(vonk_arena_printf(an->arena, &shown, err, "date_%s(%.*s, %.*s)", op == '+' ? "add" : "sub",
                                   VONK_STR_ARGS(left), VONK_STR_ARGS(right)));
    else if (a->id == VONK_T_DATE && is_whole_days(b))
        VONK_TRY(vonk_arena_printf(an->arena, &shown, err,
                                   op == '+' ? "date_add(%.*s, extractansiintervaldays(%.*s))"
                                             : "date_add(%.*s, (- extractansiintervaldays(%.*s)))",
                                   VONK_STR_ARGS(left), VONK_STR_ARGS(right)));
    else
        VONK_TRY(
            vonk_arena_printf(an->arena, &shown, err, "%.*s %c %.*s", VONK_STR_ARGS(left), op, VONK_STR_ARGS(right)));
    return vonk_expr_set_shown(e, shown, err);
}

vonk_status vonk__an_bind(vonk_an *an, const vonk_fn *fn, const vonk_expr *like, const vonk_expr *const *children,
                          uint32_t n, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *operands[2];
    if (n == 2) {
        memcpy(operands, children, sizeof(operands));
        children = operands;
        VONK_TRY(whole_bound(an, fn, operands, ret, err));
        if (*ret) return VONK_OK;
        VONK_TRY(whole_texts(an, fn, like, operands, err));
    }
    binding b = {0};
    uint32_t n_args = n - (vonk_expr_has(like, VONK_EXF_HAS_FILTER) ? 1 : 0) - like->n_order;
    VONK_TRY(fill_binding(an, &b, fn, children, n_args, err));
    vonk_status st = fn->wants_texts ? VONK_E_INTERNAL_ERROR : vonk_fn_resolve(&b.t, err);
    if (st != VONK_OK) st = resolve_again(an, &b, like, children, err);
    if (st != VONK_OK) return vonk_expr_failed(like, st, err);
    const vonk_type *result;
    VONK_TRY(vonk__an_hold_type(an, b.t.result, &result, err));
    const vonk_type *text = text_of_sum(fn, result, children);
    const vonk_eval_mode cast_mode = b.t.catches ? VONK_MODE_TRY : an->ansi ? VONK_MODE_ANSI : VONK_MODE_LEGACY;
    const vonk_expr **cast;
    VONK_TRY(vonk_arena_array(an->arena, n + 1, sizeof(*cast), &cast, err));
    for (uint32_t i = 0; i < n; i++) {
        cast[i] = children[i];
        if (i < n_args && b.types[i] && children[i]->kind != VONK_EX_LAMBDA)
            VONK_TRY(vonk__an_cast_as(an, like, children[i], b.types[i], cast_mode, &cast[i], err));
    }
    vonk_expr *e;
    VONK_TRY(vonk__an_new(an, VONK_EX_FUNCTION, cast, n, &e, err));
    e->fn = fn;
    e->n_args = n_args;
    e->n_order = like->n_order;
    e->flags = like->flags | (b.t.catches ? VONK_EXF_CATCHES : 0);
    e->mode = b.t.mode;
    e->nullable = b.t.result_nullable;
    VONK_TRY(vonk_expr_set_type(e, result, err));
    vonk_expr_set_origin(e, &like->origin);
    VONK_TRY(show_datetime(an, e, children, cast, err));
    VONK_TRY(vonk__an_finish(an, e, ret, err));
    return text ? vonk__an_cast_as(an, like, *ret, text, cast_mode, ret, err) : VONK_OK;
}

/* ---- functions that the analyzer answers itself */

static vonk_status shown_literal(vonk_an *an, const char *name, vonk_str value, const vonk_expr **ret, vonk_error *err)
{
    vonk_str shown;
    VONK_TRY(vonk__an_string(an, value, ret, err));
    VONK_TRY(vonk_arena_printf(an->arena, &shown, err, "%s()", name));
    return vonk_expr_set_shown((vonk_expr *)*ret, shown, err);
}

static vonk_status session_fact(vonk_an *an, const vonk_expr *call, bool *ret_known, const vonk_expr **ret,
                                vonk_error *err)
{
    vonk_str name = call->parts[call->n_parts - 1];
    *ret_known = call->n_args == 0;
    if (!*ret_known) return VONK_OK;
    if (vonk_str_is_nocase(name, "current_user") || vonk_str_is_nocase(name, "user") ||
        vonk_str_is_nocase(name, "session_user"))
        return shown_literal(an,
                             vonk_str_is_nocase(name, "user")           ? "user"
                             : vonk_str_is_nocase(name, "current_user") ? "current_user"
                                                                        : "session_user",
                             an->api->env->user, ret, err);
    if (vonk_str_is_nocase(name, "current_database") || vonk_str_is_nocase(name, "current_schema"))
        return shown_literal(an, "current_schema", vonk_catalog_current_database(an->api->catalog), ret, err);
    if (vonk_str_is_nocase(name, "current_catalog"))
        return shown_literal(an, "current_catalog", VONK_STR("spark_catalog"), ret, err);
    if (vonk_str_is_nocase(name, "current_timezone"))
        return shown_literal(an, "current_timezone", an->api->env->time_zone, ret, err);
    if (vonk_str_is_nocase(name, "version"))
        return shown_literal(an, "version", VONK_STR(VONK_SPARK_VERSION " vonk"), ret, err);
    *ret_known = false;
    return VONK_OK;
}

/* TIMESTAMPADD and TIMESTAMPDIFF are functions only with a unit, which the parser and DataFrames write as a text. */
static bool lacks_unit(const vonk_fn *fn, const vonk_expr *call)
{
    if (strcmp(fn->name, "timestampadd") != 0 && strcmp(fn->name, "timestampdiff") != 0) return false;
    const vonk_expr *unit = call->n_args == 3 ? call->children[0] : NULL;
    return !unit || unit->kind != VONK_EX_LITERAL || !vonk_type_is_stringy(unit->value->type);
}

static vonk_status find_function(vonk_an *an, const vonk_expr *call, const vonk_fn **ret, vonk_error *err)
{
    uint32_t n = call->n_parts;
    bool builtin =
        n == 1 || (n == 2 && vonk_str_is_nocase(call->parts[0], "builtin")) ||
        (n == 3 && vonk_str_is_nocase(call->parts[0], "system") && vonk_str_is_nocase(call->parts[1], "builtin"));
    *ret = builtin ? vonk_fn_find(call->parts[n - 1]) : NULL;
    if (*ret && lacks_unit(*ret, call)) *ret = NULL;
    return *ret ? VONK_OK : no_such_function(an, call, err);
}

/* A function that the session has registered: found where no built-in one has the name, or as session.f. */
static const vonk_python_fn *find_registered(vonk_an *an, const vonk_expr *call)
{
    const vonk_str *parts = call->parts;
    const uint32_t n = call->n_parts;
    const bool plain = n == 1 && !vonk_fn_find(parts[0]);
    const bool qualified =
        (n == 2 && vonk_str_is_nocase(parts[0], "session")) ||
        (n == 3 && vonk_str_is_nocase(parts[0], "system") && vonk_str_is_nocase(parts[1], "session"));
    return plain || qualified ? vonk_catalog_find_function(an->api->catalog, parts[n - 1]) : NULL;
}

static vonk_status call_registered(vonk_an *an, const vonk_scope *scope, const vonk_python_fn *fn,
                                   const vonk_expr *call, const vonk_expr **ret, vonk_error *err)
{
    static const char clause[] = "FILTER CLAUSE";
    const bool filters = vonk_expr_has(call, VONK_EXF_HAS_FILTER);
    const bool aggregate = fn->role == VONK_PY_ROLE_AGGREGATE;
    vonk_expr *e;
    const vonk_expr *python;
    if (filters || vonk_expr_has(call, VONK_EXF_DISTINCT) || call->n_order)
        return VONK_EXPR_FAIL(call, err, VONK_E_INVALID_SQL_SYNTAX__FUNCTION_WITH_UNSUPPORTED_SYNTAX, "prettyName",
                              aggregate ? "`pythonudaf`" : "`pythonudf`", "syntax",
                              call->n_order ? "WITHIN GROUP (ORDER BY ...)"
                              : filters     ? clause
                                            : "DISTINCT");
    VONK_TRY(vonk__an_new(an, VONK_EX_PYTHON, call->children, call->n_args, &e, err));
    vonk_expr_set_python(e, fn);
    e->flags = call->flags & (uint32_t)VONK_EXF_DISTINCT;
    vonk_expr_set_origin(e, &call->origin);
    VONK_TRY(vonk__an_finish(an, e, &python, err));
    return vonk__an_python(an, scope, python, ret, err);
}

/* The written form of a call that was replaced by something else. */
static vonk_status show_as_call(vonk_an *an, const vonk_fn *fn, const vonk_expr *call, const vonk_exprs *args,
                                const vonk_expr *made, const vonk_expr **ret, vonk_error *err)
{
    vonk_str shown;
    vonk_expr *copy;
    if (fn->kind == VONK_FN_SPECIAL) {
        *ret = made;
        return VONK_OK;
    }
    VONK_TRY(call_text(an, fn, call, args->at, vonk_u32_of(args->n), &shown, err));
    VONK_TRY(vonk__an_copy(an, made, NULL, 0, &copy, err));
    VONK_TRY(vonk_expr_set_shown(copy, shown, err));
    vonk_expr_set_origin(copy, &call->origin);
    return vonk__an_finish(an, copy, ret, err);
}

static vonk_status rewrite(vonk_an *an, const vonk_scope *scope, const vonk_fn *fn, const vonk_expr *call,
                           const vonk_exprs *args, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *made;
    binding b = {0};
    vonk_exprs cast = {0};
    VONK_TRY(fill_binding(an, &b, fn, args->at, vonk_u32_of(args->n), err));
    if (fn->args) {
        vonk_status st = vonk_fn_resolve(&b.t, err);
        if (st != VONK_OK) st = resolve_again(an, &b, call, args->at, err);
        if (st != VONK_OK) return vonk_expr_failed(call, st, err);
        vonk_type_unref(b.t.result);
    }
    for (size_t i = 0; i < args->n; i++) {
        const vonk_expr *e = args->at[i];
        if (b.types[i] && e->kind != VONK_EX_LAMBDA) VONK_TRY(vonk__an_cast_in(an, call, e, b.types[i], &e, err));
        VONK_TRY(VONK_AN_PUSH(an, &cast, e, err));
    }
    VONK_TRY(vonk__an_template(an, fn, scope, call, cast.at, vonk_u32_of(cast.n), &made, err));
    return show_as_call(an, fn, call, args, made, ret, err);
}

/* assert_true(x): the message says what x is. */
static vonk_status add_assertion_text(vonk_an *an, vonk_exprs *args, vonk_error *err)
{
    vonk_str text, message;
    const vonk_expr *literal;
    if (args->n != 1) return VONK_OK;
    VONK_TRY(vonk__an_sql(an, args->at[0], &text, err));
    VONK_TRY(vonk_arena_printf(an->arena, &message, err, "'%.*s' is not true!", VONK_STR_ARGS(text)));
    VONK_TRY(vonk__an_string(an, message, &literal, err));
    return VONK_AN_PUSH(an, args, literal, err);
}

/* In a select list a generator stands alone; its type is no value's. */
static vonk_status refuse_generators(vonk_an *an, const vonk_fn *fn, const vonk_expr *call, const vonk_exprs *args,
                                     vonk_error *err)
{
    vonk_str text, quoted;
    bool any = false;
    for (size_t i = 0; i < args->n && !any; i++) any = vonk_expr_has_generator(args->at[i]);
    if (!any) return VONK_OK;
    VONK_TRY(call_text(an, fn, call, args->at, vonk_u32_of(args->n), &text, err));
    VONK_TRY(vonk_arena_printf(an->arena, &quoted, err, "\"%.*s\"", VONK_STR_ARGS(text)));
    return VONK_EXPR_FAIL(call, err, VONK_E_UNSUPPORTED_GENERATOR__NESTED_IN_EXPRESSIONS, "expression", quoted.data);
}

/* first(x) IGNORE NULLS is first(x, true), under its first name. */
static vonk_status ignore_nulls(vonk_an *an, const vonk_expr *call, const vonk_fn **inout_fn, vonk_exprs *args,
                                vonk_error *err)
{
    const vonk_expr *yes, *tail = args->n > 1 ? args->at[1] : NULL;
    const char *name = vonk_fn_canonical(*inout_fn)->name;
    if (!vonk_expr_has(call, VONK_EXF_IGNORE_NULLS)) return VONK_OK;
    if (strcmp(name, "lag") == 0 || strcmp(name, "lead") == 0 || strcmp(name, "nth_value") == 0) return VONK_OK;
    if (strcmp(name, "first") != 0 && strcmp(name, "last") != 0 && strcmp(name, "any_value") != 0)
        return unsupported_syntax(call, *inout_fn, "IGNORE NULLS", err);
    *inout_fn = vonk_fn_canonical(*inout_fn);
    if (call->n_args != 1) return VONK_OK;
    VONK_TRY(vonk_ex_bool(an->budget, true, &yes, err));
    VONK_TRY(vonk__an_keep(an, yes, &yes, err));
    if (tail) args->at[1] = yes; /* before FILTER's condition */
    return VONK_AN_PUSH(an, args, tail ? tail : yes, err);
}

/* A seed that is not written belongs to the call in the text: all references to a WITH query see the same numbers. */
static vonk_status give_seed(vonk_an *an, const vonk_fn *fn, const vonk_expr *call, vonk_exprs *args,
                             const vonk_expr **inout, vonk_error *err)
{
    const vonk_expr *seed;
    vonk_str shown;
    vonk_expr *copy;
    if (an->random == 0) an->random = vonk_random_u64();
    const uint64_t drawn = vonk_hash_mix(an->random + (uintptr_t)call);
    VONK_TRY(vonk__an_sql(an, *inout, &shown, err));
    VONK_TRY(vonk__an_int(an, (int64_t)drawn, &vonk_type_long, &seed, err));
    VONK_TRY(VONK_AN_PUSH(an, args, seed, err));
    VONK_TRY(vonk__an_bind(an, fn, call, args->at, vonk_u32_of(args->n), inout, err));
    VONK_TRY(vonk__an_copy(an, *inout, NULL, 0, &copy, err));
    VONK_TRY(vonk_expr_set_shown(copy, shown, err));
    return vonk__an_finish(an, copy, inout, err);
}

vonk_status vonk__an_function(vonk_an *an, const vonk_scope *scope, const vonk_expr *call, const vonk_expr **ret,
                              vonk_error *err)
{
    const vonk_fn *fn;
    vonk_exprs args = {0};
    bool known = false;
    if (scope->grouping && vonk__an_is_grouping_call(call)) return vonk__an_grouping_call(an, scope, call, ret, err);
    if (vonk__an_is_grouping_call(call)) return VONK_EXPR_FAIL(call, err, VONK_E_UNSUPPORTED_GROUPING_EXPRESSION);
    VONK_TRY(session_fact(an, call, &known, ret, err));
    if (known) return VONK_OK;
    VONK_AUTO(vonk_python_fn_unref) const vonk_python_fn *registered = find_registered(an, call);
    if (registered) return call_registered(an, scope, registered, call, ret, err);
    VONK_TRY(find_function(an, call, &fn, err));
    VONK_TRY(check_syntax(fn, call, err));
    if (fn->kind == VONK_FN_AGGREGATE) VONK_TRY(vonk__an_outer_aggregate(an, scope, call, ret, err));
    if (fn->kind == VONK_FN_AGGREGATE && *ret) return VONK_OK;
    VONK_TRY(resolve_args(an, scope, fn, call, &args, err));
    if (scope->lateral) VONK_TRY(refuse_generators(an, fn, call, &args, err));
    if (strcmp(fn->name, "struct") == 0) return make_struct(an, call, &args, ret, err);
    strip_aliases(&args);
    if (strcmp(fn->name, "assert_true") == 0) VONK_TRY(add_assertion_text(an, &args, err));
    if (fn->kind == VONK_FN_SPECIAL) return special(an, fn, call, &args, ret, err);
    if (fn->kind == VONK_FN_REWRITE) return rewrite(an, scope, fn, call, &args, ret, err);
    if (fn->kind == VONK_FN_PLANNED)
        return VONK_EXPR_FAIL(call, err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("function %s", fn->name));
    VONK_TRY(resolve_tail(an, scope, fn, call, &args, err));
    VONK_TRY(check_aggregate(scope, fn, call, args.at, vonk_u32_of(args.n), err));
    VONK_TRY(ignore_nulls(an, call, &fn, &args, err));
    VONK_TRY(vonk__an_bind(an, fn, call, args.at, vonk_u32_of(args.n), ret, err));
    VONK_TRY(need_over(an, scope, call, *ret, err));
    VONK_TRY(check_same_again(an, scope, *ret, err));
    if (fn->seeded && args.n + 1 == fn->seeded) return give_seed(an, fn, call, &args, ret, err);
    if (fn->kind == VONK_FN_AGGREGATE && scope->above && scope->above->aggregate && !scope->is_window)
        return vonk__an_above_aggregate(an, scope->above, *ret, ret, err);
    return VONK_OK;
}

/* ---- forms that are written as calls */

static vonk_status special(vonk_an *an, const vonk_fn *fn, const vonk_expr *call, const vonk_exprs *args,
                           const vonk_expr **ret, vonk_error *err)
{
    static const struct {
        const char *name;
        vonk_expr_kind kind;
        uint32_t least, most;
    } forms[] = {
        {"and", VONK_EX_AND, 2, 2},
        {"or", VONK_EX_OR, 2, 2},
        {"not", VONK_EX_NOT, 1, 1},
        {"in", VONK_EX_IN, 1, UINT32_MAX},
        {"is_null", VONK_EX_IS_NULL, 1, 1},
        {"is_not_null", VONK_EX_IS_NOT_NULL, 1, 1},
        {"coalesce", VONK_EX_COALESCE, 1, UINT32_MAX},
        {"if", VONK_EX_CASE, 3, 3},
        {"case", VONK_EX_CASE, 2, UINT32_MAX},
    };
    uint32_t n = vonk_u32_of(args->n);
    for (size_t i = 0; i < VONK_COUNTOF(forms); i++) {
        if (strcmp(forms[i].name, fn->special) != 0) continue;
        if (n < forms[i].least || n > forms[i].most) break;
        vonk_expr *e;
        VONK_TRY(vonk__an_new(an, forms[i].kind, args->at, n, &e, err));
        if (strcmp(fn->special, "if") == 0) VONK_TRY(vonk_expr_set_name(e, VONK_STR("if"), err));
        vonk_expr_set_origin(e, &call->origin);
        return vonk__an_coerce(an, e, args->at, n, ret, err);
    }
    binding b = {0}; /* the wrong number of arguments: the row says it */
    VONK_TRY(fill_binding(an, &b, fn, args->at, n, err));
    vonk_status st = resolve_again(an, &b, call, args->at, err);
    if (st != VONK_OK) return vonk_expr_failed(call, st, err);
    vonk_type_unref(b.t.result);
    return VONK_EXPR_FAIL(call, err, VONK_E_INTERNAL_ERROR, "message", "an unknown special form");
}

/* struct(a, b + 1 AS c) is named_struct('a', a, 'c', b + 1). */
static vonk_status make_struct(vonk_an *an, const vonk_expr *call, const vonk_exprs *args, const vonk_expr **ret,
                               vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf shown = {0};
    vonk_exprs all = {0};
    vonk_buf_init(&shown, an->budget, SIZE_MAX);
    VONK_TRY(vonk_buf_add_c(&shown, "struct(", err));
    for (size_t i = 0; i < args->n; i++) {
        const vonk_expr *e = args->at[i], *label;
        vonk_str name = field_name(e), text;
        if (!name.data) VONK_TRY(vonk_arena_printf(an->arena, &name, err, "col%u", (unsigned)i + 1));
        VONK_TRY(vonk__an_string(an, name, &label, err));
        VONK_TRY(vonk__an_sql(an, e, &text, err));
        VONK_TRY(vonk_buf_printf(&shown, err, "%s%.*s", i ? ", " : "", VONK_STR_ARGS(text)));
        while (e->kind == VONK_EX_ALIAS) e = e->children[0];
        VONK_TRY(VONK_AN_PUSH(an, &all, label, err));
        VONK_TRY(VONK_AN_PUSH(an, &all, e, err));
    }
    VONK_TRY(vonk_buf_add_byte(&shown, ')', err));
    VONK_TRY(vonk__an_call(an, "named_struct", all.at, vonk_u32_of(all.n), call, ret, err));
    if (vonk_expr_has(call, VONK_EXF_OPERATOR)) return VONK_OK; /* (a, b): a row */
    return vonk_expr_set_shown((vonk_expr *)*ret, vonk_buf_str(&shown), err);
}
