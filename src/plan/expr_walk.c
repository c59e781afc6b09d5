/* plan/expr_walk.c -- walking, rewriting and asking about trees of expressions.
 * Recursion is bounded: a node's depth is checked when it is made. */
#include <stdlib.h>

#include "base/vec.h"

#include "func/coerce.h"
#include "plan/expr_int.h"
#include "plan/origin.h"

bool vonk_expr_walk(const vonk_expr *e, vonk_walk (*visit)(const vonk_expr *e, void *arg), void *arg)
{
    vonk_walk how = visit(e, arg);
    if (how == VONK_WALK_STOP) return false;
    if (how == VONK_WALK_SKIP) return true;
    for (uint32_t i = 0; i < e->n_children; i++)
        if (!vonk_expr_walk(e->children[i], visit, arg)) return false;
    return true;
}

/* ---- rewriting */

typedef struct rewriting {
    vonk_budget *budget;
    vonk_expr_step step;
    void *arg;
} rewriting;

static vonk_status rewrite(const rewriting *r, const vonk_expr *e, const vonk_expr **ret, vonk_error *err);

static void unref_all(const vonk_expr **exprs, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) vonk_expr_unref(exprs[i]);
}

/* `e`, or a copy of it when a child changed; a new reference. */
static vonk_status with_new_children(const rewriting *r, const vonk_expr *e, const vonk_expr **kids,
                                     const vonk_expr **ret, vonk_error *err)
{
    bool changed = false;
    for (uint32_t i = 0; i < e->n_children; i++) {
        vonk_status st = rewrite(r, e->children[i], &kids[i], err);
        if (st != VONK_OK) {
            unref_all(kids, i);
            return st;
        }
        changed |= kids[i] != e->children[i];
    }
    vonk_status st = VONK_OK;
    if (changed) {
        vonk_expr *copy = NULL;
        st = vonk_expr_copy(r->budget, e, kids, e->n_children, &copy, err);
        if (st == VONK_OK) st = vonk_expr_finish(copy, ret, err);
    } else {
        *ret = vonk_expr_ref(e);
    }
    unref_all(kids, e->n_children);
    return st;
}

static vonk_status rewrite(const rewriting *r, const vonk_expr *e, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *few[8], **kids = few, *built = NULL;
    if (e->n_children > VONK_COUNTOF(few))
        VONK_TRY(vonk_alloc_array(r->budget, e->n_children, sizeof(*kids), &kids, err));
    vonk_status st = with_new_children(r, e, kids, &built, err);
    if (kids != few) vonk_free(kids);
    if (st != VONK_OK) return st;
    st = r->step(built, r->arg, ret, err);
    vonk_expr_unref(built);
    return st;
}

vonk_status vonk_expr_rewrite(vonk_budget *budget, const vonk_expr *e, vonk_expr_step step, void *arg,
                              const vonk_expr **ret, vonk_error *err)
{
    rewriting r = {budget, step, arg};
    return rewrite(&r, e, ret, err);
}

/* ---- asking */

#define CALLS (VONK_EX_BIT(VONK_EX_FUNCTION) | VONK_EX_BIT(VONK_EX_PYTHON))

bool vonk_expr_any(const vonk_expr *e, uint64_t kinds, bool (*is)(const vonk_expr *e))
{
    if ((e->kinds & kinds) == 0) return false;
    if ((VONK_EX_BIT(e->kind) & kinds) != 0 && is(e)) return true;
    for (uint32_t i = 0; i < e->n_children; i++)
        if (vonk_expr_any(e->children[i], kinds, is)) return true;
    return false;
}

static bool is_unfoldable(const vonk_expr *function)
{
    return function->fn->kind != VONK_FN_SCALAR || function->fn->volatility == VONK_PARTITION_BOUND;
}

/* Is the expression free of variables of lambdas further out? Those inside its own lambdas are fine. */
static bool closed(const vonk_expr *e, uint32_t lambdas_around)
{
    if (!vonk_expr_contains(e, VONK_EX_LAMBDA_VAR)) return true;
    if (e->kind == VONK_EX_LAMBDA_VAR) return lambdas_around > 0;
    if (e->kind == VONK_EX_LAMBDA) lambdas_around++;
    for (uint32_t i = 0; i < e->n_children; i++)
        if (!closed(e->children[i], lambdas_around)) return false;
    return true;
}

bool vonk_expr_is_foldable(const vonk_expr *e)
{
    const uint64_t unfoldable = VONK_EX_BIT(VONK_EX_COLUMN) | VONK_EX_BIT(VONK_EX_BOUND) | VONK_EX_BIT(VONK_EX_WINDOW) |
                                VONK_EX_BIT(VONK_EX_SUBQUERY) | VONK_EX_BIT(VONK_EX_PYTHON) | VONK_EX_BIT(VONK_EX_SORT);

    return e->resolved && e->kind != VONK_EX_LAMBDA && (e->kinds & unfoldable) == 0 &&
           !vonk_expr_any(e, VONK_EX_BIT(VONK_EX_FUNCTION), is_unfoldable) && closed(e, 0);
}

static bool is_random(const vonk_expr *call)
{
    return call->kind == VONK_EX_FUNCTION ? call->fn->volatility == VONK_PARTITION_BOUND : !call->python->deterministic;
}

bool vonk_expr_is_deterministic(const vonk_expr *e) { return !vonk_expr_any(e, CALLS, is_random); }

static bool is_raising(const vonk_expr *e)
{
    bool raises = e->kind == VONK_EX_PYTHON;
    if (e->kind == VONK_EX_SUBQUERY) raises = e->sub_kind == VONK_SUB_SCALAR;
    if (e->kind == VONK_EX_CAST)
        raises = !e->children[0]->type || !e->type ||
                 vonk_coerce_cast_may_raise(e->children[0]->type, e->type, (int)e->mode);
    if (e->kind == VONK_EX_FUNCTION) {
        bool inexact = e->type && (e->type->id == VONK_T_DOUBLE || e->type->id == VONK_T_FLOAT);
        vonk_fn_raises how = e->fn->raises;
        raises = how == VONK_MAY_RAISE || (how == VONK_RAISES_ANSI && e->mode == VONK_MODE_ANSI) ||
                 (how == VONK_RAISES_ANSI_EXACT && e->mode == VONK_MODE_ANSI && !inexact);
    }
    return raises;
}

bool vonk_expr_may_raise(const vonk_expr *e)
{
    if (vonk_expr_has(e, VONK_EXF_CATCHES)) return false;
    return vonk_expr_any(e, CALLS | VONK_EX_BIT(VONK_EX_SUBQUERY) | VONK_EX_BIT(VONK_EX_CAST), is_raising);
}

static bool is_known_value(const vonk_expr *e)
{
    return e->kind == VONK_EX_LITERAL && !vonk_column_is_null(e->value, 0);
}

const vonk_expr *vonk_expr_leading_child(const vonk_expr *e)
{
    uint32_t i = 0;
    switch (e->kind) {
    case VONK_EX_FUNCTION:
        if (vonk_expr_has(e, VONK_EXF_CATCHES)) return NULL;
        while (i + 1 < e->n_children && is_known_value(e->children[i])) i++;
        return i < e->n_children ? e->children[i] : NULL;
    case VONK_EX_CAST:
    case VONK_EX_NOT:
    case VONK_EX_IS_NULL:
    case VONK_EX_IS_NOT_NULL:
    case VONK_EX_COALESCE:
    case VONK_EX_IN:
    case VONK_EX_GET_FIELD: return e->children[0];
    default: return NULL;
    }
}

static bool is_aggregate(const vonk_expr *e)
{
    return (e->kind == VONK_EX_FUNCTION && e->fn->kind == VONK_FN_AGGREGATE) ||
           (e->kind == VONK_EX_PYTHON && e->python->role == VONK_PY_ROLE_AGGREGATE);
}

/* The window's own function does not count, but what stands in its arguments, partition and order does:
 * sum(sum(x)) OVER (). */
bool vonk_expr_has_aggregate(const vonk_expr *e)
{
    if ((e->kinds & CALLS) == 0) return false;
    if (e->kind != VONK_EX_WINDOW) {
        if (is_aggregate(e)) return true;
        for (uint32_t i = 0; i < e->n_children; i++)
            if (vonk_expr_has_aggregate(e->children[i])) return true;
        return false;
    }
    const vonk_expr *fn = e->children[0];
    for (uint32_t i = 0; i < fn->n_children; i++)
        if (vonk_expr_has_aggregate(fn->children[i])) return true;
    for (uint32_t i = 1; i < e->n_children; i++)
        if (vonk_expr_has_aggregate(e->children[i])) return true;
    return false;
}

bool vonk_expr_has_window(const vonk_expr *e) { return vonk_expr_contains(e, VONK_EX_WINDOW); }

static bool is_generator(const vonk_expr *function) { return function->fn->kind == VONK_FN_GENERATOR; }

bool vonk_expr_has_generator(const vonk_expr *e)
{
    return vonk_expr_any(e, VONK_EX_BIT(VONK_EX_FUNCTION), is_generator);
}

/* ---- column ids */

typedef struct id_list {
    vonk_arena *arena;
    vonk_ids ids;
    bool outer_only; /* inside a subquery's plan: only references to outside */
    vonk_status status;
    vonk_error *err;
} id_list;

static vonk_walk collect_ids(const vonk_expr *e, void *arg);

static vonk_walk collect_from_node(const vonk_plan *p, void *arg)
{
    id_list *list = arg;
    for (uint32_t l = 0; l < p->n_lists; l++)
        for (uint32_t i = 0; i < p->lists[l].n; i++)
            if (!vonk_expr_walk(p->lists[l].at[i], collect_ids, list)) return VONK_WALK_STOP;
    return VONK_WALK_ON;
}

static vonk_walk collect_ids(const vonk_expr *e, void *arg)
{
    id_list *list = arg;
    if (e->kind == VONK_EX_COLUMN && (!list->outer_only || (e->flags & VONK_EXF_OUTER))) {
        list->status = VONK_VEC_ARENA_PUSH(&list->ids, list->arena, e->id, list->err);
    } else if (e->kind == VONK_EX_SUBQUERY && e->plan) {
        bool was = list->outer_only;
        list->outer_only = true;
        vonk_plan_walk(e->plan, collect_from_node, list);
        list->outer_only = was;
    }
    return list->status == VONK_OK ? VONK_WALK_ON : VONK_WALK_STOP;
}

static int by_id(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

bool vonk_ids_has(const vonk_ids *ids, uint64_t id)
{
    return ids->n > 0 && bsearch(&id, ids->at, ids->n, sizeof id, by_id) != NULL;
}

void vonk_ids_sort(vonk_ids *inout)
{
    size_t n = 0;
    if (inout->n > 1) qsort(inout->at, inout->n, sizeof *inout->at, by_id);
    for (size_t i = 0; i < inout->n; i++)
        if (n == 0 || inout->at[n - 1] != inout->at[i]) inout->at[n++] = inout->at[i];
    inout->n = n;
}

/* Only what is new is sorted and put in its place: many expressions may add to one large set. */
vonk_status vonk_expr_column_ids(const vonk_expr *e, vonk_arena *arena, vonk_ids *inout, vonk_error *err)
{
    id_list list = {.arena = arena, .err = err};
    const size_t n_old = inout->n;
    size_t n_new = 0;

    vonk_expr_walk(e, collect_ids, &list);
    if (list.status != VONK_OK) return list.status;
    vonk_ids_sort(&list.ids);
    for (size_t i = 0; i < list.ids.n; i++)
        if (!vonk_ids_has(inout, list.ids.at[i])) list.ids.at[n_new++] = list.ids.at[i];
    for (size_t i = 0; i < n_new; i++) VONK_TRY(VONK_VEC_ARENA_PUSH(inout, arena, list.ids.at[i], err));
    for (size_t old = n_old, at = inout->n; n_new > 0 && old > 0; at--) /* merged from the end */
        inout->at[at - 1] = inout->at[old - 1] > list.ids.at[n_new - 1] ? inout->at[--old] : list.ids.at[--n_new];
    if (n_new > 0) memcpy(inout->at, list.ids.at, n_new * sizeof *inout->at);
    return VONK_OK;
}

/* ---- errors */

/* Conditions that Spark raises where it does not know the place in the text, so that clients expect none. */
static bool knows_no_place(const vonk_expr *e, vonk_status status)
{
    static const vonk_errclass conditions[] = {
        VONK_E_AMBIGUOUS_LATERAL_COLUMN_ALIAS,
        VONK_E_AMBIGUOUS_REFERENCE_TO_FIELDS,
        VONK_E_BINARY_ARITHMETIC_OVERFLOW,
        VONK_E_CANNOT_DECODE_URL,
        VONK_E_CANNOT_PARSE_TIME,
        VONK_E_CANNOT_PARSE_TIMESTAMP,
        VONK_E_CAST_OVERFLOW,
        VONK_E_COLLECTION_SIZE_LIMIT_EXCEEDED__FUNCTION,
        VONK_E_COLLECTION_SIZE_LIMIT_EXCEEDED__PARAMETER,
        VONK_E_COMPARATOR_RETURNS_NULL,
        VONK_E_CONVERSION_INVALID_INPUT,
        VONK_E_DATETIME_FIELD_OUT_OF_BOUNDS__WITHOUT_SUGGESTION,
        VONK_E_DATETIME_OVERFLOW,
        VONK_E_DUPLICATED_MAP_KEY,
        VONK_E_FIELD_NOT_FOUND,
        VONK_E_ILLEGAL_DAY_OF_WEEK,
        VONK_E_INCONSISTENT_BEHAVIOR_CROSS_VERSION__DATETIME_PATTERN_RECOGNITION,
        VONK_E_INCONSISTENT_BEHAVIOR_CROSS_VERSION__DATETIME_WEEK_BASED_PATTERN,
        VONK_E_INVALID_DATETIME_PATTERN__ILLEGAL_CHARACTER,
        VONK_E_INVALID_DATETIME_PATTERN__LENGTH,
        VONK_E_INVALID_DATETIME_PATTERN__WITH_SUGGESTION,
        VONK_E_INVALID_EXTRACT_BASE_FIELD_TYPE,
        VONK_E_INVALID_FORMAT__ESC_AT_THE_END,
        VONK_E_INVALID_FORMAT__ESC_IN_THE_MIDDLE,
        VONK_E_INVALID_INTERVAL_WITH_MICROSECONDS_ADDITION,
        VONK_E_INVALID_PARAMETER_VALUE__AES_CRYPTO_ERROR,
        VONK_E_INVALID_PARAMETER_VALUE__AES_IV_LENGTH,
        VONK_E_INVALID_PARAMETER_VALUE__AES_KEY_LENGTH,
        VONK_E_INVALID_PARAMETER_VALUE__BIT_POSITION_RANGE,
        VONK_E_INVALID_PARAMETER_VALUE__CHARSET,
        VONK_E_INVALID_PARAMETER_VALUE__DATETIME_UNIT,
        VONK_E_INVALID_PARAMETER_VALUE__HMAC_ALGORITHM,
        VONK_E_INVALID_PARAMETER_VALUE__HMAC_CRYPTO_ERROR,
        VONK_E_INVALID_PARAMETER_VALUE__LENGTH,
        VONK_E_INVALID_PARAMETER_VALUE__PATTERN,
        VONK_E_INVALID_PARAMETER_VALUE__REGEX_GROUP_INDEX,
        VONK_E_INVALID_PARAMETER_VALUE__START,
        VONK_E_INVALID_PARAMETER_VALUE__TIME_UNIT,
        VONK_E_INVALID_REGEXP_REPLACE,
        VONK_E_INVALID_TIMEZONE,
        VONK_E_INVALID_URL,
        VONK_E_INVALID_UTF8_STRING,
        VONK_E_INVALID_VECTOR_NORM_DEGREE,
        VONK_E_MALFORMED_CHARACTER_CODING,
        VONK_E_NULL_MAP_KEY,
        VONK_E_SECOND_FUNCTION_ARGUMENT_NOT_INTEGER,
        VONK_E_UNSUPPORTED_FEATURE__AES_MODE,
        VONK_E_UNSUPPORTED_FEATURE__AES_MODE_AAD,
        VONK_E_UNSUPPORTED_FEATURE__AES_MODE_IV,
        VONK_E_USER_RAISED_EXCEPTION,
        VONK_E_VECTOR_DIMENSION_MISMATCH,
        VONK_E__LEGACY_ERROR_TEMP_2128,
    };
    if (e->kind == VONK_EX_NAME && status != VONK_E_AMBIGUOUS_LATERAL_COLUMN_ALIAS) return false;
    for (size_t i = 0; i < VONK_COUNTOF(conditions); i++)
        if (conditions[i] == status) return true;
    if (status == VONK_E_INVALID_INDEX_OF_ZERO)
        return e->mode == VONK_MODE_TRY || e->kind != VONK_EX_FUNCTION ||
               (strcmp(e->fn->name, "element_at") != 0 && strcmp(e->fn->name, "array_insert") != 0);
    if (status != VONK_E_ARITHMETIC_OVERFLOW || e->kind != VONK_EX_FUNCTION || !e->fn) return false;
    static const char *const functions[] = {"negative", "abs", "make_interval", "make_date", "add_months"};
    for (size_t i = 0; i < VONK_COUNTOF(functions); i++)
        if (strcmp(e->fn->name, functions[i]) == 0) return true;
    return false;
}

/* How many arguments there must be is known to the function alone ("> 0", "2n (n > 0)"): found out after the call was.
 */
static bool counts_itself(const vonk_error *err)
{
    for (size_t i = 0; i < vonk_error_n_params(err); i++) {
        const char *name, *value;
        vonk_error_param(err, i, &name, &value);
        if (strcmp(name, "expectedNum") == 0) return value[0] == '>' || strncmp(value, "2n", 2) == 0;
    }
    return false;
}

void vonk_expr_add_context(const vonk_expr *e, vonk_status status, vonk_error *err)
{
    vonk_query_context context;
    if (knows_no_place(e, status)) return;
    if (status == VONK_E_WRONG_NUM_ARGS__WITHOUT_SUGGESTION && counts_itself(err)) return;
    if (status == VONK_OK) return;
    if (vonk_origin_context(&e->origin, &context)) {
        vonk_error_add_context(err, &context);
    } else if (e->kind == VONK_EX_CAST &&
               status ==
                   VONK_E_CAST_INVALID_INPUT) { /* the analyzer's own: Spark tells of a place that it does not know */
        context = (vonk_query_context){.start = -1, .stop = -1};
        vonk_error_add_context(err, &context);
    }
}

vonk_status vonk_expr_failed_running(const vonk_expr *e, vonk_status status, vonk_error *err)
{
    static const vonk_query_context nowhere = {.start = -1, .stop = -1};
    if (vonk_error_n_contexts(err)) return status; /* an expression further in told its own: there is one place */
    if (e->origin.text)
        vonk_expr_add_context(e, status, err);
    else if (!knows_no_place(e, status) && vonk_error_get_family(err) != VONK_FAMILY_JAVA_ARGUMENT)
        vonk_error_add_context(err, &nowhere);
    return status;
}
