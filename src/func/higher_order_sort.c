/* func/higher_order_sort.c -- array_sort with a comparator, map_zip_with: lambdas over pairs. */
#include "func/coerce.h"
#include "func/collection_int.h"
#include "func/higher_order_int.h"
#include "func/literal_text.h"
#include "func/tables.h"

static vonk_body eval_sort, eval_sort_by, eval_zip_maps;
static vonk_status pair_params(const vonk_fn_types *t, uint32_t arg, uint32_t n_params, const vonk_type **types,
                               bool *nullable, vonk_error *err);
static vonk_status map_pair_params(const vonk_fn_types *t, uint32_t arg, uint32_t n_params, const vonk_type **types,
                                   bool *nullable, vonk_error *err);
static vonk_status resolve_sort(vonk_fn_types *t, vonk_error *err);
static vonk_status resolve_zip_maps(vonk_fn_types *t, vonk_error *err);
static vonk_status prepare_sort(vonk_fn_call *call, vonk_error *err);

/* The comparator that array_sort has when none is given, as Spark shows it in the column's name. */
#define V "namedlambdavariable()"
#define DEFAULT_ORDER                                                                                                  \
    "lambdafunction((IF(((" V " IS NULL) AND (" V " IS NULL)), 0, (IF((" V " IS NULL), 1, (IF((" V                     \
    " IS NULL), -1, (IF((" V " < " V "), -1, (IF((" V " > " V "), 1, 0)))))))))), " V ", " V ")"

/* clang-format off */
const vonk_fn vonk_fns_higher_order_sort[] = {
    {.name = "array_sort", .args = "any,lambda?", .group = "lambda_funcs", .lambda_params = pair_params,
     .resolve = resolve_sort, .prepare = prepare_sort, .text = "$0($1, " DEFAULT_ORDER "); $0($1, $2)", .since = "2.4.0",
     .doc = "The elements in order, nulls last; or in the order of a function that compares two (below 0, 0, above 0).",
     .example = "array_sort(array('bc', 'ab', 'dc'), (l, r) -> CASE WHEN l < r THEN 1 WHEN l > r THEN -1 ELSE 0 END)",
     .expect = "[dc, bc, ab]"},
    {.name = "map_zip_with", .args = "any,any,lambda", .group = "lambda_funcs", .lambda_params = map_pair_params,
     .resolve = resolve_zip_maps, .eval = eval_zip_maps, .since = "3.0.0",
     .doc = "The map of all keys with what the function gives for a key and its values in both maps (NULL where it is missing).",
     .example = "map_zip_with(map(1, 'a', 2, 'b'), map(1, 'x', 2, 'y'), (k, v1, v2) -> concat(v1, v2))",
     .expect = "{1 -> ax, 2 -> by}"},
};
/* clang-format on */
VONK_FN_COUNT(higher_order_sort);

/* ---- types */

static vonk_status pair_params(const vonk_fn_types *t, uint32_t arg, uint32_t n_params, const vonk_type **types,
                               bool *nullable, vonk_error *err)
{
    (void)arg;
    if (t->types[0]->id != VONK_T_ARRAY) return vonk_fn_wrong_type(t, 0, "\"ARRAY\"", err);
    if (n_params != 2) return vonk__wrong_params(n_params, 2, err);
    for (int i = 0; i < 2; i++) {
        types[i] = t->types[0]->fields[0].type;
        nullable[i] = t->types[0]->fields[0].nullable;
    }
    return VONK_OK;
}

static vonk_status resolve_sort(vonk_fn_types *t, vonk_error *err)
{
    if (t->types[0]->id != VONK_T_ARRAY) return vonk_fn_wrong_type(t, 0, "\"ARRAY\"", err);
    const vonk_type *element = t->types[0]->fields[0].type;
    t->result_nullable = t->nullable[0];
    if (t->n_args == 1 && element->id != VONK_T_NULL && !vonk_type_is_orderable(element))
        return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__INVALID_ORDERING_TYPE, "sqlExpr", "\"(" V " < " V ")\"",
                         "functionName", "`<`", "dataType", VONK_TYPE_SQL(element));
    if (t->n_args > 1 && t->types[1]->id != VONK_T_INT)
        return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__UNEXPECTED_RETURN_TYPE, "sqlExpr",
                         vonk_fn_call_text(t, (char[1024]){0}), "functionName", "`lambdafunction`", "expectedType",
                         "\"INT\"", "actualType", VONK_TYPE_SQL(t->types[1]));
    return vonk_fn_set_result(t, t->types[0]);
}

static vonk_status prepare_sort(vonk_fn_call *call, vonk_error *err)
{
    (void)err;
    call->eval = call->n_args > 1 ? eval_sort_by : eval_sort;
    return VONK_OK;
}

static vonk_status common_key(const vonk_fn_types *t, const vonk_type **ret, vonk_error *err)
{
    const vonk_type *common = NULL;
    for (uint32_t i = 0; i < 2; i++)
        if (t->types[i]->id != VONK_T_MAP) return vonk_fn_wrong_type(t, i, "\"MAP\"", err);
    const vonk_type *a = t->types[0]->fields[0].type, *b = t->types[1]->fields[0].type;
    VONK_TRY(vonk_coerce_common_no_strings(a, b, t->env->ansi, &common, err));
    if (!common)
        return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__MAP_ZIP_WITH_DIFF_TYPES, "sqlExpr",
                         vonk_fn_call_text(t, (char[1024]){0}), "functionName", VONK_QUOTED(t->fn->name), "leftType",
                         VONK_TYPE_SQL(a), "rightType", VONK_TYPE_SQL(b));
    return vonk_fn_own_type(t->arena, common, ret, err);
}

static vonk_status map_pair_params(const vonk_fn_types *t, uint32_t arg, uint32_t n_params, const vonk_type **types,
                                   bool *nullable, vonk_error *err)
{
    (void)arg;
    VONK_TRY(common_key(t, &types[0], err));
    if (n_params != 3) return vonk__wrong_params(n_params, 3, err);
    for (int i = 0; i < 2; i++) {
        types[1 + i] = t->types[i]->fields[1].type;
        nullable[1 + i] = true;
    }
    return VONK_OK;
}

static vonk_status resolve_zip_maps(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *key, *made;
    VONK_TRY(common_key(t, &key, err));
    for (int i = 0; i < 2; i++) {
        VONK_TRY(vonk_type_map(key, t->types[i]->fields[1].type, t->types[i]->fields[1].nullable, &made, err));
        VONK_TRY(vonk_fn_own_type(t->arena, made, &t->types[i], err));
    }
    t->result_nullable = t->nullable[0] || t->nullable[1];
    VONK_TRY(vonk_type_map(key, t->types[2], t->nullable[2], &made, err));
    VONK_TRY(vonk_fn_own_type(t->arena, made, &made, err));
    return vonk_fn_set_result(t, made);
}

/* ---- array_sort: all arrays of the batch are merge-sorted at once. On each level every merge that is not through asks
 * for one comparison, and the comparator answers all of them in one run. As in Java's sort its first argument is the
 * later element: what is no order gives the same then, too. */

typedef struct merge {
    uint32_t a, a_end, b, b_end, out, row;
} merge;

typedef struct sorting {
    const vonk_fn_call *call; /* NULL lambda: the default order */
    vonk_eval *ev;
    const vonk_column *child;
    uint32_t *from, *to; /* elements; each row's in its span */
    merge *merges;
    uint32_t n_merges, *left, *right, *outer; /* left, right: arguments of the comparator */
    bool nulls_are_equal;
} sorting;

/* Copies what needs no comparison; true when one is needed. */
static bool wants_comparison(sorting *s, merge *m)
{
    if (m->a < m->a_end && m->b < m->b_end) return true;
    while (m->a < m->a_end) s->to[m->out++] = s->from[m->a++];
    while (m->b < m->b_end) s->to[m->out++] = s->from[m->b++];
    return false;
}

/* Spark names the first value twice. */
static vonk_status null_comparison(const sorting *s, uint32_t k, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_COMPARATOR_RETURNS_NULL, "firstValue",
                     vonk_literal_param(s->child, s->left[k], NULL, (char[1024]){0}), "secondValue",
                     vonk_literal_param(s->child, s->left[k], NULL, (char[1024]){0}));
}

static vonk_status compare_all(sorting *s, uint32_t n, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *left = NULL, *right = NULL, *answers = NULL;
    VONK_TRY(vonk_column_gather(s->ev->budget, s->child, s->left, n, false, &left, err));
    VONK_TRY(vonk_column_gather(s->ev->budget, s->child, s->right, n, false, &right, err));
    VONK_TRY(vonk__run_body(s->call, s->ev, 1, (vonk_column *[]){left, right}, 2, n, s->outer, &answers, err));
    for (uint32_t k = 0; k < n; k++) {
        merge *m = &s->merges[k];
        bool null = vonk_null_at(answers, k);
        if (null && !s->nulls_are_equal) return null_comparison(s, k, err);
        bool right_first = !null && vonk_i32_at(answers, k) < 0;
        s->to[m->out++] = s->from[right_first ? m->b++ : m->a++];
    }
    return VONK_OK;
}

static vonk_status run_level(sorting *s, vonk_error *err)
{
    for (;;) {
        uint32_t n = 0;
        for (uint32_t k = 0; k < s->n_merges; k++)
            if (wants_comparison(s, &s->merges[k])) s->merges[n++] = s->merges[k];
        s->n_merges = n;
        if (n == 0) break;
        for (uint32_t k = 0; k < n; k++) {
            s->left[k] = s->from[s->merges[k].b];
            s->right[k] = s->from[s->merges[k].a];
            s->outer[k] = s->merges[k].row;
        }
        VONK_TRY(compare_all(s, n, err));
    }
    uint32_t *swap = s->from;
    s->from = s->to;
    s->to = swap;
    return VONK_OK;
}

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

static vonk_status sort_all(sorting *s, vonk_rows rows, const vonk_span *spans, uint32_t longest, vonk_error *err)
{
    for (uint64_t width = 1; width < longest; width *= 2) {
        uint32_t w = (uint32_t)width;
        s->n_merges = 0;
        for (VONK_EACH_ROW(rows, i)) {
            uint32_t n = spans[i].len, at = spans[i].offset;
            for (uint64_t lo = 0; lo < n; lo += 2 * width) {
                uint32_t start = (uint32_t)lo, mid = n - start < w ? n : start + w, end = mid + least(w, n - mid);
                s->merges[s->n_merges++] = (merge){at + start, at + mid, at + mid, at + end, at + start, i};
            }
        }
        VONK_TRY(run_level(s, err));
    }
    return VONK_OK;
}

VONK_FN_EVAL(eval_sort_by)
{
    sorting s = {.call = call, .ev = ev, .child = args[0]->children[0]};
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *sorted = NULL, *child = NULL;
    vonk__elements e;
    uint32_t longest = 0;
    s.nulls_are_equal = vonk_fn_setting_is(call->env, "spark.sql.legacy.allowNullComparisonResultInArraySort", "true");
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    VONK_TRY(vonk__elements_of(ev, args[0], rows, r.data, &e, err));
    for (VONK_EACH_ROW(rows, i))
        if (vonk_span_at(args[0], i).len > longest) longest = vonk_span_at(args[0], i).len;
    size_t room = (size_t)e.n + rows.n + 1;
    s.from = e.at;
    VONK_TRY(vonk_arena_array(ev->scratch, room, sizeof(uint32_t), &s.to, err));
    VONK_TRY(vonk_arena_array(ev->scratch, room, sizeof(*s.merges), &s.merges, err));
    VONK_TRY(vonk_arena_array(ev->scratch, room, sizeof(uint32_t), &s.left, err));
    VONK_TRY(vonk_arena_array(ev->scratch, room, sizeof(uint32_t), &s.right, err));
    VONK_TRY(vonk_arena_array(ev->scratch, room, sizeof(uint32_t), &s.outer, err));
    VONK_TRY(sort_all(&s, rows, r.data, longest, err));
    VONK_TRY(vonk_column_gather(ev->budget, s.child, s.from, e.n, false, &sorted, err));
    VONK_TRY(vonk__as_child(ev, call->type, 0, VONK_STEAL(sorted), &child, err));
    VONK_TRY(vonk_column_set_children(r.column, &child, 1, err));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_sort) { return vonk__sort_arrays(call, ev, args, n_rows, rows, VONK__NULLS_LAST, ret, err); }

/* ---- map_zip_with */

typedef struct zipping {
    vonk_column *keys; /* of both maps */
    uint32_t first[2], *key_at, *value_at[2], *outer, n;
    vonk__rowset set;
} zipping;

static void add_entry(zipping *z, uint32_t key, uint32_t left, uint32_t right, uint32_t row)
{
    z->key_at[z->n] = key;
    z->value_at[0][z->n] = left;
    z->value_at[1][z->n] = right;
    z->outer[z->n++] = row;
}

/* Keys of the first map in their order, then those that only the second has. */
static void zip_row(zipping *z, vonk_span a, vonk_span b, uint32_t row)
{
    vonk__rowset_clear(&z->set, b.len);
    for (uint32_t k = 0; k < b.len; k++) (void)vonk__rowset_add(&z->set, z->first[1] + b.offset + k);
    for (uint32_t k = 0; k < a.len; k++) {
        uint32_t found = vonk__rowset_find(&z->set, z->first[0] + a.offset + k);
        add_entry(z, z->first[0] + a.offset + k, a.offset + k, found == UINT32_MAX ? found : found - z->first[1], row);
    }
    vonk__rowset_clear(&z->set, a.len);
    for (uint32_t k = 0; k < a.len; k++) (void)vonk__rowset_add(&z->set, z->first[0] + a.offset + k);
    for (uint32_t k = 0; k < b.len; k++)
        if (!vonk__rowset_has(&z->set, z->first[1] + b.offset + k))
            add_entry(z, z->first[1] + b.offset + k, UINT32_MAX, b.offset + k, row);
}

static vonk_status zip_maps(zipping *z, const vonk_fn_call *call, vonk_eval *ev, vonk_column *const *args,
                            vonk_rows rows, vonk_span *spans, vonk_error *err)
{
    uint64_t total = 0;
    uint32_t longest = 0;
    (void)call;
    for (VONK_EACH_ROW(rows, i)) {
        uint32_t len = vonk_span_at(args[0], i).len + vonk_span_at(args[1], i).len;
        total += len;
        if (len > longest) longest = len;
    }
    if (total > INT32_MAX)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "batches of more than 2147483647 array elements");
    VONK_TRY(vonk_arena_array(ev->scratch, (size_t)total + 1, sizeof(uint32_t), &z->key_at, err));
    VONK_TRY(vonk_arena_array(ev->scratch, (size_t)total + 1, sizeof(uint32_t), &z->value_at[0], err));
    VONK_TRY(vonk_arena_array(ev->scratch, (size_t)total + 1, sizeof(uint32_t), &z->value_at[1], err));
    VONK_TRY(vonk_arena_array(ev->scratch, (size_t)total + 1, sizeof(uint32_t), &z->outer, err));
    VONK_TRY(vonk__rowset_init(&z->set, ev, z->keys, longest, err));
    for (VONK_EACH_ROW(rows, i)) {
        uint32_t start = z->n;
        zip_row(z, vonk_span_at(args[0], i), vonk_span_at(args[1], i), i);
        spans[i] = (vonk_span){start, z->n - start};
    }
    return VONK_OK;
}

VONK_FN_EVAL(eval_zip_maps)
{
    zipping z = {0};
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_AUTO(vonk_column_unref)
    vonk_column *all = NULL, *keys = NULL, *left = NULL, *right = NULL, *made = NULL, *key_child = NULL,
                *value_child = NULL;
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    VONK_TRY(vonk_join_children(ev, args, 2, 0, z.first, &all, err));
    z.keys = all;
    VONK_TRY(zip_maps(&z, call, ev, args, rows, r.data, err));
    VONK_TRY(vonk_column_gather(ev->budget, all, z.key_at, z.n, false, &keys, err));
    VONK_TRY(vonk_column_gather(ev->budget, args[0]->children[1], z.value_at[0], z.n, true, &left, err));
    VONK_TRY(vonk_column_gather(ev->budget, args[1]->children[1], z.value_at[1], z.n, true, &right, err));
    VONK_TRY(vonk__run_body(call, ev, 2, (vonk_column *[]){keys, left, right}, 3, z.n, z.outer, &made, err));
    VONK_TRY(vonk__as_child(ev, call->type, 0, VONK_STEAL(keys), &key_child, err));
    VONK_TRY(vonk__as_child(ev, call->type, 1, VONK_STEAL(made), &value_child, err));
    VONK_TRY(vonk_column_set_children(r.column, (vonk_column *[]){key_child, value_child}, 2, err));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}
