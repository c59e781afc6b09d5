/* func/higher_order.c -- functions that take functions: their lambdas run over the elements of all rows of a batch at
 * once. */
#include "func/collection_int.h"
#include "func/complex_int.h"
#include "func/higher_order_int.h"
#include "func/literal_text.h"
#include "func/tables.h"

static vonk_body eval_transform, eval_filter, eval_exists, eval_forall, eval_aggregate, eval_zip_with, eval_map_filter,
    eval_transform_keys, eval_transform_values;
static vonk_status element_params(const vonk_fn_types *t, uint32_t arg, uint32_t n_params, const vonk_type **types,
                                  bool *nullable, vonk_error *err);
static vonk_status aggregate_params(const vonk_fn_types *t, uint32_t arg, uint32_t n_params, const vonk_type **types,
                                    bool *nullable, vonk_error *err);
static vonk_status zip_params(const vonk_fn_types *t, uint32_t arg, uint32_t n_params, const vonk_type **types,
                              bool *nullable, vonk_error *err);
static vonk_status entry_params(const vonk_fn_types *t, uint32_t arg, uint32_t n_params, const vonk_type **types,
                                bool *nullable, vonk_error *err);
static vonk_status resolve_transform(vonk_fn_types *t, vonk_error *err);
static vonk_status resolve_filter(vonk_fn_types *t, vonk_error *err);
static vonk_status resolve_truth(vonk_fn_types *t, vonk_error *err);
static vonk_status resolve_aggregate(vonk_fn_types *t, vonk_error *err);
static vonk_status resolve_zip(vonk_fn_types *t, vonk_error *err);
static vonk_status resolve_entries(vonk_fn_types *t, vonk_error *err);

#define ONE_LAMBDA(params, hook, body)                                                                                 \
    .args = "any,lambda", .group = "lambda_funcs", .lambda_params = params, .resolve = hook, .eval = body

/* clang-format off */
const vonk_fn vonk_fns_higher_order[] = {
    {.name = "transform", ONE_LAMBDA(element_params, resolve_transform, eval_transform), .since = "2.4.0",
     .doc = "The array of what the function gives for each element, and for its position (from 0) if it takes two parameters.",
     .example = "transform(array(1, 2, 3), (x, i) -> x + i)", .expect = "[1, 3, 5]"},
    {.name = "filter", ONE_LAMBDA(element_params, resolve_filter, eval_filter), .since = "2.4.0",
     .doc = "The elements for which the function says true; it may take the position (from 0), too.",
     .example = "filter(array(1, 2, 3), x -> x % 2 == 1)", .expect = "[1, 3]"},
    {.name = "exists", ONE_LAMBDA(element_params, resolve_truth, eval_exists), .since = "2.4.0",
     .doc = "Whether the function says true of an element; NULL when it does not, but gives NULL for one.",
     .example = "exists(array(1, 2, 3), x -> x % 2 == 0)", .expect = "true"},
    {.name = "forall", ONE_LAMBDA(element_params, resolve_truth, eval_forall), .since = "3.0.0",
     .doc = "Whether the function says true of all elements; NULL when it says false of none, but gives NULL for one.",
     .example = "forall(array(1, 2, 3), x -> x % 2 == 0)", .expect = "false"},
    {.name = "aggregate", .args = "any,any,lambda,lambda?", .nulls = VONK_NULLS_OWN, .group = "lambda_funcs",
     .lambda_params = aggregate_params, .resolve = resolve_aggregate,
     .eval = eval_aggregate, .since = "2.4.0",
     .text = "$0($1, $2, $3, lambdafunction(namedlambdavariable(), namedlambdavariable())); $0($1, $2, $3, $4)",
     .doc = "Folds the elements into a start value by a function of both; a second function may finish the result.",
     .example = "aggregate(array(1, 2, 3), 0, (acc, x) -> acc + x, acc -> acc * 10)", .expect = "60"},
    {.name = "reduce", .alias_of = "aggregate", .since = "3.4.0", .example = "reduce(array(1, 2, 3), 0, (acc, x) -> acc + x)",
     .expect = "6"},
    {.name = "zip_with", .args = "any,any,lambda", .group = "lambda_funcs", .lambda_params = zip_params,
     .resolve = resolve_zip, .eval = eval_zip_with, .since = "2.4.0",
     .doc = "The array of what the function gives for the pairs of elements; the shorter array is filled with nulls.",
     .example = "zip_with(array(1, 2), array(3, 4), (x, y) -> x + y)", .expect = "[4, 6]"},
    {.name = "map_filter", ONE_LAMBDA(entry_params, resolve_entries, eval_map_filter), .since = "3.0.0",
     .doc = "The entries of whose key and value the function says true.",
     .example = "map_filter(map(1, 0, 2, 2, 3, -1), (k, v) -> k > v)", .expect = "{1 -> 0, 3 -> -1}"},
    {.name = "transform_keys", ONE_LAMBDA(entry_params, resolve_entries, eval_transform_keys), .since = "3.0.0",
     .doc = "The map with the keys that the function gives for each key and value.",
     .example = "transform_keys(map(1, 1, 2, 2, 3, 3), (k, v) -> k + v)", .expect = "{2 -> 1, 4 -> 2, 6 -> 3}"},
    {.name = "transform_values", ONE_LAMBDA(entry_params, resolve_entries, eval_transform_values), .since = "3.0.0",
     .doc = "The map with the values that the function gives for each key and value.",
     .example = "transform_values(map(1, 1, 2, 2, 3, 3), (k, v) -> k + v)", .expect = "{1 -> 2, 2 -> 4, 3 -> 6}"},
};
/* clang-format on */
VONK_FN_COUNT(higher_order);

/* ---- parameters */

vonk_status vonk__wrong_params(uint32_t given, uint32_t takes, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_INVALID_LAMBDA_FUNCTION_CALL__NUM_ARGS_MISMATCH, "expectedNumArgs",
                     VONK_F("%u", given), "actualNumArgs", VONK_F("%u", takes));
}

static vonk_status need_array(const vonk_fn_types *t, uint32_t arg, vonk_error *err)
{
    return t->types[arg]->id == VONK_T_ARRAY ? VONK_OK : vonk_fn_wrong_type(t, arg, "\"ARRAY\"", err);
}

static vonk_status element_params(const vonk_fn_types *t, uint32_t arg, uint32_t n_params, const vonk_type **types,
                                  bool *nullable, vonk_error *err)
{
    (void)arg;
    bool counted = strcmp(t->fn->name, "transform") == 0 || strcmp(t->fn->name, "filter") == 0;
    VONK_TRY(need_array(t, 0, err));
    if (n_params < 1 || n_params > (counted ? 2u : 1u)) return vonk__wrong_params(n_params, 1, err);
    types[0] = t->types[0]->fields[0].type;
    nullable[0] = t->types[0]->fields[0].nullable;
    if (n_params > 1) types[1] = &vonk_type_int;
    return VONK_OK;
}

static vonk_status aggregate_params(const vonk_fn_types *t, uint32_t arg, uint32_t n_params, const vonk_type **types,
                                    bool *nullable, vonk_error *err)
{
    uint32_t takes = arg == 2 ? 2 : 1;
    VONK_TRY(need_array(t, 0, err));
    if (n_params != takes) return vonk__wrong_params(n_params, takes, err);
    types[0] = t->types[1];
    nullable[0] = true;
    if (takes == 1) return VONK_OK;
    types[1] = t->types[0]->fields[0].type;
    nullable[1] = t->types[0]->fields[0].nullable;
    return VONK_OK;
}

static vonk_status zip_params(const vonk_fn_types *t, uint32_t arg, uint32_t n_params, const vonk_type **types,
                              bool *nullable, vonk_error *err)
{
    (void)arg;
    VONK_TRY(need_array(t, 0, err));
    VONK_TRY(need_array(t, 1, err));
    if (n_params != 2) return vonk__wrong_params(n_params, 2, err);
    for (int i = 0; i < 2; i++) {
        types[i] = t->types[i]->fields[0].type;
        nullable[i] = true;
    }
    return VONK_OK;
}

static vonk_status entry_params(const vonk_fn_types *t, uint32_t arg, uint32_t n_params, const vonk_type **types,
                                bool *nullable, vonk_error *err)
{
    (void)arg;
    if (t->types[0]->id != VONK_T_MAP) return vonk_fn_wrong_type(t, 0, "\"MAP\"", err);
    if (n_params != 2) return vonk__wrong_params(n_params, 2, err);
    types[0] = t->types[0]->fields[0].type;
    types[1] = t->types[0]->fields[1].type;
    nullable[1] = t->types[0]->fields[1].nullable;
    return VONK_OK;
}

/* ---- results */

static vonk_status set_array(vonk_fn_types *t, const vonk_type *element, bool nulls, vonk_error *err)
{
    const vonk_type *array;
    VONK_TRY(vonk__array_of(t, element, nulls, &array, err));
    return vonk_fn_set_result(t, array);
}

static vonk_status need_boolean(const vonk_fn_types *t, uint32_t arg, vonk_error *err)
{
    vonk_type_id id = t->types[arg]->id;
    return id == VONK_T_BOOLEAN || id == VONK_T_NULL ? VONK_OK : vonk_fn_wrong_type(t, arg, "\"BOOLEAN\"", err);
}

static vonk_status resolve_transform(vonk_fn_types *t, vonk_error *err)
{
    t->result_nullable = t->nullable[0];
    return set_array(t, t->types[1], t->nullable[1], err);
}

static vonk_status resolve_filter(vonk_fn_types *t, vonk_error *err)
{
    VONK_TRY(need_boolean(t, 1, err));
    t->result_nullable = t->nullable[0];
    return vonk_fn_set_result(t, t->types[0]);
}

static bool three_valued(const vonk_fn_env *env, const vonk_fn *fn)
{
    if (strcmp(fn->name, "exists") != 0) return true;
    return !vonk_fn_setting_is(env, "spark.sql.legacy.followThreeValuedLogicInArrayExists", "false");
}

static vonk_status resolve_truth(vonk_fn_types *t, vonk_error *err)
{
    VONK_TRY(need_boolean(t, 1, err));
    t->result_nullable = t->nullable[0] || (three_valued(t->env, t->fn) && t->nullable[1]);
    return vonk_fn_set_result(t, &vonk_type_boolean);
}

/* The fields of structs may have other names. */
static bool same_but_names(const vonk_type *a, const vonk_type *b)
{
    if (a->n_fields == 0) return vonk_type_same(a, b);
    bool same = a->id == b->id && a->n_fields == b->n_fields;
    for (uint32_t i = 0; i < a->n_fields && same; i++) same = same_but_names(a->fields[i].type, b->fields[i].type);
    return same;
}

static vonk_status resolve_aggregate(vonk_fn_types *t, vonk_error *err)
{
    char required[512];
    t->result_nullable = t->nullable[0] || t->n_args == 3 || t->nullable[3];
    if (t->types[2]->id != VONK_T_NULL && !same_but_names(t->types[1], t->types[2])) {
        snprintf(required, sizeof(required), "%s", VONK_TYPE_SQL(t->types[1]));
        return vonk_fn_wrong_type(t, 2, required, err);
    }
    return vonk_fn_set_result(t, t->types[t->n_args > 3 ? 3 : 1]);
}

static vonk_status resolve_zip(vonk_fn_types *t, vonk_error *err)
{
    t->result_nullable = t->nullable[0] || t->nullable[1];
    return set_array(t, t->types[2], t->nullable[2], err);
}

static vonk_status resolve_entries(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *map = t->types[0], *made = NULL;
    t->result_nullable = t->nullable[0];
    if (strcmp(t->fn->name, "map_filter") == 0) {
        VONK_TRY(need_boolean(t, 1, err));
        return vonk_fn_set_result(t, map);
    }
    if (strcmp(t->fn->name, "transform_keys") == 0) {
        if (vonk_type_has(t->types[1], VONK_T_MAP))
            return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__INVALID_MAP_KEY_TYPE, "sqlExpr",
                             vonk_fn_call_text(t, (char[1024]){0}), "keyType", VONK_TYPE_SQL(t->types[1]));
        VONK_TRY(vonk_type_map(t->types[1], map->fields[1].type, map->fields[1].nullable, &made, err));
    } else {
        VONK_TRY(vonk_type_map(map->fields[0].type, t->types[1], t->nullable[1], &made, err));
    }
    VONK_TRY(vonk_fn_own_type(t->arena, made, &made, err));
    return vonk_fn_set_result(t, made);
}

/* ---- running lambdas */

vonk_status vonk__elements_of(vonk_eval *ev, const vonk_column *lists, vonk_rows rows, vonk_span *spans,
                              vonk__elements *e, vonk_error *err)
{
    uint64_t total = 0;
    uint32_t n = 0;
    for (VONK_EACH_ROW(rows, i)) total += vonk_span_at(lists, i).len;
    if (total > INT32_MAX)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "batches of more than 2147483647 array elements");
    *e = (vonk__elements){.n = (uint32_t)total, .whole = total == lists->children[0]->n_rows};
    VONK_TRY(vonk_arena_array(ev->scratch, e->n + 1, sizeof(uint32_t), &e->at, err));
    VONK_TRY(vonk_arena_array(ev->scratch, e->n + 1, sizeof(uint32_t), &e->outer, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_span s = vonk_span_at(lists, i);
        if (spans) spans[i] = (vonk_span){n, s.len};
        e->whole &= s.offset == n || s.len == 0;
        for (uint32_t k = 0; k < s.len; k++, n++) {
            e->at[n] = s.offset + k;
            e->outer[n] = i;
        }
    }
    return VONK_OK;
}

vonk_status vonk__elements_take(vonk_eval *ev, const vonk__elements *e, vonk_column *child, vonk_column **ret,
                                vonk_error *err)
{
    if (e->whole) {
        *ret = vonk_column_ref(child);
        return VONK_OK;
    }
    return vonk_column_gather(ev->budget, child, e->at, e->n, true, ret, err);
}

/* Positions of the elements in their arrays. */
static vonk_status positions(vonk_eval *ev, const vonk__elements *e, const vonk_column *lists, vonk_column **ret,
                             vonk_error *err)
{
    void *data;
    VONK_TRY(vonk_column_new(ev->budget, &vonk_type_int, e->n, false, ret, &data, NULL, err));
    for (uint32_t k = 0; k < e->n; k++)
        ((int32_t *)data)[k] = (int32_t)(e->at[k] - vonk_span_at(lists, e->outer[k]).offset);
    return VONK_OK;
}

vonk_status vonk__run_body(const vonk_fn_call *call, vonk_eval *ev, uint32_t arg, vonk_column *const *params,
                           uint32_t n_params, uint32_t n, const uint32_t *outer, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *made = NULL;
    if (n == 0)
        VONK_TRY(vonk_column_new_nulls(ev->budget, call->arg_types[arg], 0, &made, err));
    else
        VONK_TRY(ev->run_lambda(ev, call->lambdas[arg], params, n_params, n, outer, &made, err));
    return vonk_column_flatten(ev->budget, made, ret, err);
}

/* Body number 1 over the elements of arrays. */
static vonk_status over_elements(const vonk_fn_call *call, vonk_eval *ev, const vonk_column *lists,
                                 const vonk__elements *e, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *values = NULL, *index = NULL;
    VONK_TRY(vonk__elements_take(ev, e, lists->children[0], &values, err));
    VONK_TRY(positions(ev, e, lists, &index, err));
    return vonk__run_body(call, ev, 1, (vonk_column *[]){values, index}, 2, e->n, e->outer, ret, err);
}

/* Over the entries of maps. */
static vonk_status over_entries(const vonk_fn_call *call, vonk_eval *ev, const vonk_column *maps,
                                const vonk__elements *e, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *keys = NULL, *values = NULL;
    VONK_TRY(vonk__elements_take(ev, e, maps->children[0], &keys, err));
    VONK_TRY(vonk__elements_take(ev, e, maps->children[1], &values, err));
    return vonk__run_body(call, ev, 1, (vonk_column *[]){keys, values}, 2, e->n, e->outer, ret, err);
}

/* 1, 0, or -1 for null. */
static int truth(const vonk_column *mask, uint32_t row)
{
    return vonk_null_at(mask, row) ? -1 : vonk_bool_at(mask, row);
}

/* ---- transform, filter */

VONK_FN_EVAL(eval_transform)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *made = NULL, *child = NULL;
    vonk__elements e;
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    VONK_TRY(vonk__elements_of(ev, args[0], rows, r.data, &e, err));
    VONK_TRY(over_elements(call, ev, args[0], &e, &made, err));
    VONK_TRY(vonk__as_child(ev, call->type, 0, VONK_STEAL(made), &child, err));
    VONK_TRY(vonk_column_set_children(r.column, &child, 1, err));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* Elements of which the mask says true; the mask has them one after the other. */
static vonk_status keep_true(const vonk_fn_call *call, vonk_eval *ev, vonk_column *const *args, uint32_t n_rows,
                             vonk_rows rows, const vonk_column *mask, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_lists_done) vonk_lists l = {0};
    uint32_t at = 0;
    VONK_TRY(vonk_lists_new(ev, call->type, n_rows, rows, &l, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_span s = vonk_span_at(args[0], i);
        for (uint32_t k = 0; k < s.len; k++, at++)
            if (truth(mask, at) > 0) VONK_TRY(vonk_lists_add(&l, s.offset + k, err));
        vonk_lists_close(&l, i);
    }
    return vonk_lists_take(&l, args[0]->children, args[0]->n_children, ret, err);
}

VONK_FN_EVAL(eval_filter)
{
    VONK_AUTO(vonk_column_unref) vonk_column *mask = NULL;
    vonk__elements e;
    VONK_TRY(vonk__elements_of(ev, args[0], rows, NULL, &e, err));
    VONK_TRY(over_elements(call, ev, args[0], &e, &mask, err));
    return keep_true(call, ev, args, n_rows, rows, mask, ret, err);
}

VONK_FN_EVAL(eval_map_filter)
{
    VONK_AUTO(vonk_column_unref) vonk_column *mask = NULL;
    vonk__elements e;
    VONK_TRY(vonk__elements_of(ev, args[0], rows, NULL, &e, err));
    VONK_TRY(over_entries(call, ev, args[0], &e, &mask, err));
    return keep_true(call, ev, args, n_rows, rows, mask, ret, err);
}

/* ---- exists, forall: answers by row: 0 nothing decided, 1 decided, 2 nothing decided, and a null was seen */

enum { OPEN, DECIDED, OPEN_WITH_NULL };

static void note(uint8_t *answer, int value, bool deciding)
{
    if (*answer == DECIDED) return;
    if (value < 0)
        *answer = OPEN_WITH_NULL;
    else if (value == (int)deciding)
        *answer = DECIDED;
}

/* Spark looks at no element behind the deciding one, so that one that raises does no harm: element number k of all rows
 * that are still open. */
static vonk_status search_in_steps(const vonk_fn_call *call, vonk_eval *ev, const vonk_column *lists, vonk_rows rows,
                                   bool deciding, uint8_t *answers, vonk_error *err)
{
    uint32_t *at, *outer, n = 1;
    VONK_TRY(vonk_arena_array(ev->scratch, rows.n + 1, sizeof(*at), &at, err));
    VONK_TRY(vonk_arena_array(ev->scratch, rows.n + 1, sizeof(*outer), &outer, err));
    for (VONK_EACH_ROW(rows, i)) answers[i] = OPEN;
    for (uint32_t k = 0; n > 0; k++) {
        n = 0;
        for (VONK_EACH_ROW(rows, i)) {
            vonk_span s = vonk_span_at(lists, i);
            if (answers[i] == DECIDED || k >= s.len) continue;
            at[n] = s.offset + k;
            outer[n++] = i;
        }
        VONK_AUTO(vonk_column_unref) vonk_column *values = NULL, *mask = NULL;
        if (n == 0) break;
        VONK_TRY(vonk_column_gather(ev->budget, lists->children[0], at, n, false, &values, err));
        VONK_TRY(vonk__run_body(call, ev, 1, &values, 1, n, outer, &mask, err));
        for (uint32_t j = 0; j < n; j++) note(&answers[outer[j]], truth(mask, j), deciding);
    }
    return VONK_OK;
}

static vonk_status search(const vonk_fn_call *call, vonk_eval *ev, vonk_column *const *args, uint32_t n_rows,
                          vonk_rows rows, bool deciding, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *mask = NULL;
    vonk__elements e;
    uint8_t *answers;
    bool nulls = three_valued(call->env, call->fn);
    VONK_TRY(vonk_arena_array(ev->scratch, n_rows + 1, 1, &answers, err));
    VONK_TRY(vonk__elements_of(ev, args[0], rows, NULL, &e, err));
    if (over_elements(call, ev, args[0], &e, &mask, err) == VONK_OK) {
        for (uint32_t k = 0; k < e.n; k++) note(&answers[e.outer[k]], truth(mask, k), deciding);
    } else {
        vonk_error_reset(err);
        VONK_TRY(search_in_steps(call, ev, args[0], rows, deciding, answers, err));
    }
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        if (answers[i] == OPEN_WITH_NULL && nulls) VONK_TRY(vonk_result_null(&r, i, err));
        vonk_put_bool(&r, i, (answers[i] == DECIDED) == deciding);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_exists) { return search(call, ev, args, n_rows, rows, true, ret, err); }
VONK_FN_EVAL(eval_forall) { return search(call, ev, args, n_rows, rows, false, ret, err); }

/* ---- aggregate: element number k of all arrays that are longer than k; a row that is through leaves */

typedef struct folding {
    const vonk_fn_call *call;
    vonk_eval *ev;
    const vonk_column *lists;
    uint32_t *row, n; /* live rows; acc's rows are theirs */
    vonk_column *acc;
    const vonk_column **done;          /* values of rows that are through, piece by piece */
    uint32_t n_done, *place, n_placed; /* place[row]: where its value stands in all pieces together */
} folding;

/* Rows of length k leave. */
static vonk_status leave(folding *f, uint32_t k, vonk_error *err)
{
    uint32_t *stay, *go, n_stay = 0, n_go = 0;
    VONK_TRY(vonk_arena_array(f->ev->scratch, f->n + 1, sizeof(*stay), &stay, err));
    VONK_TRY(vonk_arena_array(f->ev->scratch, f->n + 1, sizeof(*go), &go, err));
    for (uint32_t j = 0; j < f->n; j++) {
        uint32_t row = f->row[j];
        if (vonk_span_at(f->lists, row).len > k) {
            f->row[n_stay] = row;
            stay[n_stay++] = j;
        } else {
            f->place[row] = f->n_placed++;
            go[n_go++] = j;
        }
    }
    if (n_go == 0) return VONK_OK;
    vonk_column *gone = NULL, *stays = NULL;
    VONK_TRY(vonk_column_gather(f->ev->budget, f->acc, go, n_go, false, &gone, err));
    f->done[f->n_done++] = gone;
    VONK_TRY(vonk_column_gather(f->ev->budget, f->acc, stay, n_stay, false, &stays, err));
    vonk_column_unref(f->acc);
    f->acc = stays;
    f->n = n_stay;
    return VONK_OK;
}

static vonk_status fold_one(folding *f, uint32_t k, vonk_error *err)
{
    uint32_t *at;
    VONK_AUTO(vonk_column_unref) vonk_column *values = NULL, *made = NULL;
    VONK_TRY(vonk_arena_array(f->ev->scratch, f->n + 1, sizeof(*at), &at, err));
    for (uint32_t j = 0; j < f->n; j++) at[j] = vonk_span_at(f->lists, f->row[j]).offset + k;
    VONK_TRY(vonk_column_gather(f->ev->budget, f->lists->children[0], at, f->n, false, &values, err));
    VONK_TRY(vonk__run_body(f->call, f->ev, 2, (vonk_column *[]){f->acc, values}, 2, f->n, f->row, &made, err));
    vonk_column *typed = NULL;
    if (made->type->id == VONK_T_NULL)
        VONK_TRY(vonk_column_new_nulls(f->ev->budget, f->call->arg_types[1], f->n, &typed, err));
    else
        VONK_TRY(vonk_column_retype(f->ev->budget, made, f->call->arg_types[1], &typed, err));
    vonk_column_unref(f->acc);
    f->acc = typed;
    return VONK_OK;
}

static vonk_status fold_all(folding *f, vonk_error *err)
{
    for (uint32_t k = 0;; k++) {
        if (k % 256 == 0 && f->ev->cancelled && f->ev->cancelled(f->ev->query))
            return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
        VONK_TRY(leave(f, k, err));
        if (f->n == 0) return VONK_OK;
        VONK_TRY(fold_one(f, k, err));
    }
}

/* What each row ended with, then the last function, then rows put where they belong. */
static vonk_status finish_folding(folding *f, vonk_column *const *args, uint32_t n_rows, vonk_column **ret,
                                  vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *all = NULL, *made = NULL, *typed = NULL, *back = NULL;
    uint32_t *outer;
    (void)args;
    VONK_TRY(vonk_column_concat(f->ev->budget, f->done, f->n_done, &all, err));
    if (f->call->n_args > 3) {
        VONK_TRY(vonk_arena_array(f->ev->scratch, f->n_placed + 1, sizeof(*outer), &outer, err));
        for (uint32_t i = 0; i < n_rows; i++)
            if (f->place[i] != UINT32_MAX) outer[f->place[i]] = i;
        VONK_TRY(vonk__run_body(f->call, f->ev, 3, &all, 1, f->n_placed, outer, &made, err));
    } else {
        made = vonk_column_ref(all);
    }
    VONK_TRY(vonk_column_gather(f->ev->budget, made, f->place, n_rows, true, &back, err));
    VONK_TRY(vonk_column_retype(f->ev->budget, back, f->call->type, &typed, err));
    return vonk_column_flatten(f->ev->budget, typed, ret, err);
}

VONK_FN_EVAL(eval_aggregate)
{
    folding f = {.call = call, .ev = ev, .lists = args[0]};
    uint32_t longest = 0;
    VONK_TRY(vonk_arena_array(ev->scratch, rows.n + 1, sizeof(*f.row), &f.row, err));
    VONK_TRY(vonk_arena_array(ev->scratch, n_rows + 1, sizeof(*f.place), &f.place, err));
    memset(f.place, 0xFF, n_rows * sizeof(*f.place));
    for (VONK_EACH_ROW(rows, i)) {
        if (vonk_null_at(args[0], i)) continue;
        f.row[f.n++] = i;
        if (vonk_span_at(args[0], i).len > longest) longest = vonk_span_at(args[0], i).len;
    }
    if (f.n == 0) return vonk_column_new_nulls(ev->budget, call->type, n_rows, ret, err);
    uint32_t most_pieces = longest + 1 < f.n ? longest + 1 : f.n;
    VONK_TRY(vonk_arena_array(ev->scratch, most_pieces + 1, sizeof(*f.done), &f.done, err));
    VONK_TRY(vonk_column_gather(ev->budget, args[1], f.row, f.n, false, &f.acc, err));
    vonk_status st = fold_all(&f, err);
    if (st == VONK_OK) st = finish_folding(&f, args, n_rows, ret, err);
    vonk_column_unref(f.acc);
    for (uint32_t i = 0; i < f.n_done; i++) vonk_column_unref((vonk_column *)(uintptr_t)f.done[i]);
    return st;
}

/* ---- zip_with */

VONK_FN_EVAL(eval_zip_with)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *left = NULL, *right = NULL, *made = NULL, *child = NULL;
    uint32_t *at[2], *outer, n = 0;
    uint64_t total = 0;
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        uint32_t a = vonk_span_at(args[0], i).len, b = vonk_span_at(args[1], i).len;
        total += a > b ? a : b;
    }
    if (total > INT32_MAX)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "batches of more than 2147483647 array elements");
    for (int side = 0; side < 2; side++)
        VONK_TRY(vonk_arena_array(ev->scratch, (size_t)total + 1, sizeof(uint32_t), &at[side], err));
    VONK_TRY(vonk_arena_array(ev->scratch, (size_t)total + 1, sizeof(*outer), &outer, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_span a = vonk_span_at(args[0], i), b = vonk_span_at(args[1], i);
        uint32_t most = a.len > b.len ? a.len : b.len;
        VONK_OUT(r, vonk_span)[i] = (vonk_span){n, most};
        for (uint32_t k = 0; k < most; k++, n++) {
            at[0][n] = k < a.len ? a.offset + k : UINT32_MAX;
            at[1][n] = k < b.len ? b.offset + k : UINT32_MAX;
            outer[n] = i;
        }
    }
    VONK_TRY(vonk_column_gather(ev->budget, args[0]->children[0], at[0], n, true, &left, err));
    VONK_TRY(vonk_column_gather(ev->budget, args[1]->children[0], at[1], n, true, &right, err));
    VONK_TRY(vonk__run_body(call, ev, 2, (vonk_column *[]){left, right}, 2, n, outer, &made, err));
    VONK_TRY(vonk__as_child(ev, call->type, 0, VONK_STEAL(made), &child, err));
    VONK_TRY(vonk_column_set_children(r.column, &child, 1, err));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- maps */

/* New keys (field 0) or values (field 1); the other side is taken over. */
static vonk_status change_entries(const vonk_fn_call *call, vonk_eval *ev, const vonk_column *maps, uint32_t n_rows,
                                  vonk_rows rows, uint32_t field, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *made = NULL, *kept = NULL, *new_side = NULL, *old_side = NULL;
    vonk__elements e;
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    VONK_TRY(vonk__elements_of(ev, maps, rows, r.data, &e, err));
    VONK_TRY(over_entries(call, ev, maps, &e, &made, err));
    VONK_TRY(vonk__elements_take(ev, &e, maps->children[1 - field], &kept, err));
    VONK_TRY(vonk__as_child(ev, call->type, 1 - field, VONK_STEAL(kept), &old_side, err));
    if (field == 0) { /* before it is typed: keys may be null */
        VONK_TRY(vonk_column_retype(ev->budget, made, call->type->fields[0].type, &new_side, err));
        VONK_TRY(vonk__map_finish(call, ev, rows, new_side, old_side, r.data, r.column, err));
    } else {
        VONK_TRY(vonk__as_child(ev, call->type, 1, VONK_STEAL(made), &new_side, err));
        VONK_TRY(vonk_column_set_children(r.column, (vonk_column *[]){old_side, new_side}, 2, err));
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_transform_keys) { return change_entries(call, ev, args[0], n_rows, rows, 0, ret, err); }
VONK_FN_EVAL(eval_transform_values) { return change_entries(call, ev, args[0], n_rows, rows, 1, ret, err); }
