/* func/collection_array.c -- arrays from arrays: cut, filled, sorted, joined; the smallest and largest element. */
#include <stdlib.h>

#include "func/cast.h"
#include "func/collection_int.h"
#include "func/tables.h"
#include "sys/entropy.h"

static vonk_body eval_append, eval_compact, eval_extreme, eval_flatten, eval_insert, eval_join, eval_repeat,
    eval_shuffle, eval_slice, eval_sort, eval_zip;
static vonk_status resolve_append(vonk_fn_types *types, vonk_error *err);
static vonk_status resolve_compact(vonk_fn_types *types, vonk_error *err);
static vonk_status resolve_extreme(vonk_fn_types *types, vonk_error *err);
static vonk_status resolve_flatten(vonk_fn_types *types, vonk_error *err);
static vonk_status resolve_insert(vonk_fn_types *types, vonk_error *err);
static vonk_status resolve_repeat(vonk_fn_types *types, vonk_error *err);
static vonk_status resolve_sort(vonk_fn_types *types, vonk_error *err);
static vonk_status resolve_zip(vonk_fn_types *types, vonk_error *err);
static vonk_status prepare_shuffle(vonk_fn_call *call, vonk_error *err);

#define ROW .group = "array_funcs", .raises = VONK_NEVER_RAISES
#define PEND .args = "any,any", .nulls = VONK_NULLS_OWN, ROW, .resolve = resolve_append, .eval = eval_append
#define EXTREME                                                                                                        \
    .args = "array<any>", ROW, .nullable = VONK_NULLABLE_ALWAYS, .resolve = resolve_extreme, .eval = eval_extreme

const vonk_fn vonk_fns_collection_array[] = {
    {.name = "array_append",
     PEND,
     .since = "3.4.0",
     .doc = "The array with the element behind its last one.",
     .example = "array_append(array('b', 'd'), 'd')",
     .expect = "[b, d, d]"},
    {.name = "array_compact",
     .args = "array<any>",
     ROW,
     .resolve = resolve_compact,
     .eval = eval_compact,
     .since = "3.4.0",
     .doc = "The array without nulls.",
     .example = "array_compact(array(1, 2, 3, NULL))",
     .expect = "[1, 2, 3]"},
    {.name = "array_insert",
     .args = "any,any,any",
     .nulls = VONK_NULLS_OWN,
     .group = "array_funcs",
     .resolve = resolve_insert,
     .eval = eval_insert,
     .since = "3.4.0",
     .doc =
         "The array with the element put in at a position (from 1, or from -1 at the end); gaps are filled with nulls.",
     .example = "array_insert(array(1, 2, 3, 4), 5, 5)",
     .expect = "[1, 2, 3, 4, 5]"},
    {.name = "array_join",
     .args = "array<string>,=string,=string?",
     .result = "string",
     ROW,
     .eval = eval_join,
     .since = "2.4.0",
     .doc = "The elements of an array of strings in one string, with a separator between them. Nulls are left out, or "
            "replaced by the third argument.",
     .example = "array_join(array('hello', NULL, 'vonk'), ' ', ',')",
     .expect = "hello , vonk"},
    {.name = "array_max",
     EXTREME,
     .since = "2.4.0",
     .doc = "The largest element; nulls do not count.",
     .example = "array_max(array(1, 20, NULL, 3))",
     .expect = "20"},
    {.name = "array_min",
     EXTREME,
     .since = "2.4.0",
     .doc = "The smallest element; nulls do not count.",
     .example = "array_min(array(1, 20, NULL, 3))",
     .expect = "1"},
    {.name = "array_prepend",
     PEND,
     .since = "3.5.0",
     .doc = "The array with the element in front of its first one.",
     .example = "array_prepend(array('b', 'd'), 'd')",
     .expect = "[d, b, d]"},
    {.name = "array_repeat",
     .args = "any,=int",
     .nulls = VONK_NULLS_OWN,
     .group = "array_funcs",
     .resolve = resolve_repeat,
     .eval = eval_repeat,
     .since = "2.4.0",
     .doc = "An array that holds the value n times.",
     .example = "array_repeat('123', 2)",
     .expect = "[123, 123]"},
    {.name = "arrays_zip",
     .args = "array<any>...",
     ROW,
     .wants_texts = true,
     .resolve = resolve_zip,
     .eval = eval_zip,
     .since = "2.4.0",
     .doc = "An array of structs: struct n has the n-th elements of all arrays.",
     .example = "arrays_zip(array(1, 2, 3), array(2, 3, 4))",
     .expect = "[{1, 2}, {2, 3}, {3, 4}]"},
    {.name = "flatten",
     .args = "any",
     ROW,
     .resolve = resolve_flatten,
     .eval = eval_flatten,
     .since = "2.4.0",
     .doc = "The arrays of an array in one array.",
     .example = "flatten(array(array(1, 2), array(3, 4)))",
     .expect = "[1, 2, 3, 4]"},
    {.name = "shuffle",
     .args = "array<any>,bigint?",
     .result = "arg0",
     .volatility = VONK_PARTITION_BOUND,
     ROW,
     .text = "$0($1); $0($1)",
     .prepare = prepare_shuffle,
     .seeded = 2,
     .eval = eval_shuffle,
     .since = "2.4.0",
     .doc = "The elements in random order.",
     .example = "sort_array(shuffle(array(1, 20, 3, 5)))",
     .expect = "[1, 3, 5, 20]"},
    {.name = "slice",
     .args = "array<any>,int,int",
     .result = "arg0",
     .group = "array_funcs",
     .eval = eval_slice,
     .since = "2.4.0",
     .doc = "The part of an array that starts at a position (from 1, or from -1 at the end) and is so long.",
     .example = "slice(array(1, 2, 3, 4), 2, 2)",
     .expect = "[2, 3]"},
    {.name = "sort_array",
     .args = "array<any>,=boolean?",
     .result = "arg0",
     ROW,
     .text = "$0($1, true); $0($1, $2)",
     .resolve = resolve_sort,
     .eval = eval_sort,
     .since = "1.5.0",
     .doc =
         "The elements in ascending order, nulls first; or descending, nulls last, when the second argument is false.",
     .example = "sort_array(array('b', 'd', NULL, 'c', 'a'), true)",
     .expect = "[null, a, b, c, d]"},
};
VONK_FN_COUNT(collection_array);

/* ---- types */

static vonk_status set_array(vonk_fn_types *t, const vonk_type *element, bool nulls, vonk_error *err)
{
    const vonk_type *array;
    VONK_TRY(vonk__array_of(t, element, nulls, &array, err));
    return vonk_fn_set_result(t, array);
}

static vonk_status resolve_append(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *array;
    VONK_TRY(vonk__resolve_array_and_value(t, 1, false, &array, err));
    t->result_nullable = t->nullable[0];
    return set_array(t, array->fields[0].type, true, err);
}

static vonk_status resolve_insert(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *array;
    if (t->types[0]->id != VONK_T_ARRAY) return vonk__array_mismatch(t, 2, err);
    if (t->types[1]->id != VONK_T_INT) {
        bool fits = vonk_type_is_integral(t->types[1]) && t->types[1]->id != VONK_T_LONG;
        if (!fits) return vonk_fn_wrong_type(t, 1, "\"INT\"", err);
        t->types[1] = &vonk_type_int;
    }
    VONK_TRY(vonk__resolve_array_and_value(t, 2, false, &array, err));
    t->result_nullable = t->nullable[0] || t->nullable[1];
    return set_array(t, array->fields[0].type, true, err);
}

static vonk_status resolve_compact(vonk_fn_types *t, vonk_error *err)
{
    return set_array(t, t->types[0]->fields[0].type, false, err);
}

static vonk_status resolve_extreme(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *element = t->types[0]->fields[0].type;
    if (element->id != VONK_T_NULL && !vonk_type_is_orderable(element)) return vonk_fn_not_orderable(t, element, err);
    return vonk_fn_set_result(t, element);
}

static vonk_status resolve_flatten(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *a = t->types[0];
    if (a->id != VONK_T_ARRAY || a->fields[0].type->id != VONK_T_ARRAY)
        return vonk_fn_wrong_type(t, 0, "\"ARRAY\" of \"ARRAY\"", err);
    t->result_nullable |= a->fields[0].nullable;
    return vonk_fn_set_result(t, a->fields[0].type);
}

static vonk_status resolve_repeat(vonk_fn_types *t, vonk_error *err)
{
    t->result_nullable = t->nullable[1];
    return set_array(t, t->types[0], t->nullable[0], err);
}

static vonk_status resolve_sort(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *element = t->types[0]->fields[0].type;
    if (element->id != VONK_T_NULL && !vonk_type_is_orderable(element))
        return vonk_fn_not_orderable(t, t->types[0], err);
    return VONK_OK;
}

static vonk_status resolve_zip(vonk_fn_types *t, vonk_error *err)
{
    vonk_field *fields;
    const vonk_type *element;
    VONK_TRY(vonk_arena_array(t->arena, t->n_args + 1, sizeof(*fields), &fields, err));
    for (uint32_t i = 0; i < t->n_args; i++) {
        fields[i] = (vonk_field){.type = t->types[i]->fields[0].type, .nullable = true};
        if (t->names && t->names[i].data)
            fields[i].name = t->names[i];
        else
            VONK_TRY(vonk_arena_printf(t->arena, &fields[i].name, err, "%u", i));
    }
    VONK_TRY(vonk_type_struct(fields, t->n_args, &element, err));
    VONK_TRY(vonk_fn_own_type(t->arena, element, &element, err));
    return set_array(t, element, false, err);
}

/* ---- filled and cut */

/* Arrays of argument 0 and the values of argument `value`, in one column: values stand behind *ret_first. */
static vonk_status join_values(vonk_eval *ev, vonk_column *const *args, uint32_t value, uint32_t *ret_first,
                               vonk_column **ret, vonk_error *err)
{
    const vonk_column *parts[2] = {args[0]->children[0], args[value]};
    if ((uint64_t)parts[0]->n_rows + parts[1]->n_rows > INT32_MAX)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "batches of more than 2147483647 array elements");
    *ret_first = parts[0]->n_rows;
    return vonk_column_concat(ev->budget, parts, 2, ret, err);
}

static vonk_status add_span(vonk_lists *l, uint32_t offset, uint32_t len, vonk_error *err)
{
    if (l->capacity - l->n < len) VONK_TRY(vonk_lists_grow(l, len, err));
    for (uint32_t k = 0; k < len; k++) l->at[l->n++] = offset + k;
    return VONK_OK;
}

VONK_FN_EVAL(eval_append)
{
    bool behind = strcmp(vonk_fn_canonical(call->fn)->name, "array_append") == 0;
    VONK_AUTO(vonk_lists_done) vonk_lists l = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *elements = NULL;
    uint32_t first;
    VONK_TRY(join_values(ev, args, 1, &first, &elements, err));
    VONK_TRY(vonk_lists_new(ev, call->type, n_rows, rows, &l, err));
    for (VONK_EACH_ROW(rows, i)) {
        if (vonk_null_at(args[0], i)) {
            VONK_TRY(vonk_lists_null(&l, i, err));
            continue;
        }
        vonk_span s = vonk_span_at(args[0], i);
        if (!behind) VONK_TRY(vonk_lists_add(&l, first + i, err));
        VONK_TRY(add_span(&l, s.offset, s.len, err));
        if (behind) VONK_TRY(vonk_lists_add(&l, first + i, err));
        vonk_lists_close(&l, i);
    }
    return vonk_lists_take(&l, &elements, 1, ret, err);
}

enum { MOST_ELEMENTS = INT32_MAX - 15 };

static vonk_status too_many(const char *function, const char *parameter, int64_t n, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_COLLECTION_SIZE_LIMIT_EXCEEDED__PARAMETER, "numberOfElements",
                     VONK_F("%lld", (long long)n), "functionName", VONK_QUOTED(function), "maxRoundedArrayLength",
                     VONK_F("%d", MOST_ELEMENTS), "parameter", VONK_QUOTED(parameter));
}

static vonk_status too_long(int64_t n, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_COLLECTION_SIZE_LIMIT_EXCEEDED__FUNCTION, "numberOfElements",
                     VONK_F("%lld", (long long)n), "maxRoundedArrayLength", VONK_F("%d", MOST_ELEMENTS), "functionName",
                     "`array_insert`");
}

static vonk_status add_nulls(vonk_lists *l, uint32_t n, vonk_error *err)
{
    for (; n; n--) VONK_TRY(vonk_lists_add(l, UINT32_MAX, err));
    return VONK_OK;
}

static vonk_status insert_row(vonk_lists *l, vonk_span s, int64_t at, uint32_t value, vonk_error *err)
{
    if (at > 0) {
        uint32_t before = at - 1 < s.len ? (uint32_t)(at - 1) : s.len;
        if (at > MOST_ELEMENTS) return too_long(at, err);
        VONK_TRY(add_span(l, s.offset, before, err));
        VONK_TRY(add_nulls(l, (uint32_t)(at - 1) - before, err));
        VONK_TRY(vonk_lists_add(l, value, err));
        return add_span(l, s.offset + before, s.len - before, err);
    }
    int64_t behind = -at - 1; /* elements that stand behind the new one */
    if (behind > MOST_ELEMENTS) return too_long(behind + 1, err);
    if (behind > s.len) {
        VONK_TRY(vonk_lists_add(l, value, err));
        VONK_TRY(add_nulls(l, (uint32_t)(behind - s.len), err));
        return add_span(l, s.offset, s.len, err);
    }
    VONK_TRY(add_span(l, s.offset, s.len - (uint32_t)behind, err));
    VONK_TRY(vonk_lists_add(l, value, err));
    return add_span(l, s.offset + s.len - (uint32_t)behind, (uint32_t)behind, err);
}

VONK_FN_EVAL(eval_insert)
{
    VONK_AUTO(vonk_lists_done) vonk_lists l = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *elements = NULL;
    uint32_t first;
    VONK_TRY(join_values(ev, args, 2, &first, &elements, err));
    VONK_TRY(vonk_lists_new(ev, call->type, n_rows, rows, &l, err));
    for (VONK_EACH_ROW(rows, i)) {
        if (vonk_null_at(args[0], i) || vonk_null_at(args[1], i)) {
            VONK_TRY(vonk_lists_null(&l, i, err));
            continue;
        }
        int32_t at = vonk_i32_at(args[1], i);
        if (at == 0) return VONK_FAIL(err, VONK_E_INVALID_INDEX_OF_ZERO);
        VONK_TRY(insert_row(&l, vonk_span_at(args[0], i), at, first + i, err));
        vonk_lists_close(&l, i);
    }
    return vonk_lists_take(&l, &elements, 1, ret, err);
}

VONK_FN_EVAL(eval_compact)
{
    VONK_AUTO(vonk_lists_done) vonk_lists l = {0};
    const vonk_column *child = args[0]->children[0];
    VONK_TRY(vonk_lists_new(ev, call->type, n_rows, rows, &l, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_span s = vonk_span_at(args[0], i);
        for (uint32_t k = s.offset; k < s.offset + s.len; k++)
            if (!vonk_null_at(child, k)) VONK_TRY(vonk_lists_add(&l, k, err));
        vonk_lists_close(&l, i);
    }
    return vonk_lists_take(&l, args[0]->children, 1, ret, err);
}

VONK_FN_EVAL(eval_repeat)
{
    VONK_AUTO(vonk_lists_done) vonk_lists l = {0};
    VONK_TRY(vonk_lists_new(ev, call->type, n_rows, rows, &l, err));
    for (VONK_EACH_ROW(rows, i)) {
        if (vonk_null_at(args[1], i)) {
            VONK_TRY(vonk_lists_null(&l, i, err));
            continue;
        }
        int32_t n = vonk_i32_at(args[1], i);
        if (n > MOST_ELEMENTS) return too_many("array_repeat", "count", n, err);
        if (n > 0 && l.capacity - l.n < (size_t)n) VONK_TRY(vonk_lists_grow(&l, (size_t)n, err));
        for (int32_t k = 0; k < n; k++) l.at[l.n++] = i;
        vonk_lists_close(&l, i);
    }
    return vonk_lists_take(&l, args, 1, ret, err);
}

/* Only spans change; the elements are shared. */
VONK_FN_EVAL(eval_slice)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_span s = vonk_span_at(args[0], i);
        int64_t start = vonk_i32_at(args[1], i), len = vonk_i32_at(args[2], i);
        if (start == 0)
            return VONK_FAIL(err, VONK_E_INVALID_PARAMETER_VALUE__START, "parameter", "`start`", "functionName",
                             "`slice`");
        if (len < 0)
            return VONK_FAIL(err, VONK_E_INVALID_PARAMETER_VALUE__LENGTH, "parameter", "`length`", "functionName",
                             "`slice`", "length", VONK_F("%lld", (long long)len));
        int64_t from = start > 0 ? start - 1 : start + s.len;
        if (from < 0 || from >= s.len) from = len = 0;
        if (len > s.len - from) len = s.len - from;
        VONK_OUT(r, vonk_span)[i] = (vonk_span){s.offset + (uint32_t)from, (uint32_t)len};
    }
    VONK_TRY(vonk_column_set_children(r.column, args[0]->children, 1, err));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_flatten)
{
    VONK_AUTO(vonk_lists_done) vonk_lists l = {0};
    const vonk_column *inner = args[0]->children[0];
    VONK_TRY(vonk_lists_new(ev, call->type, n_rows, rows, &l, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_span s = vonk_span_at(args[0], i);
        bool null = false;
        for (uint32_t k = s.offset; k < s.offset + s.len && !null; k++) {
            null = vonk_null_at(inner, k);
            if (!null) VONK_TRY(add_span(&l, vonk_span_at(inner, k).offset, vonk_span_at(inner, k).len, err));
        }
        if (null)
            VONK_TRY(vonk_lists_null(&l, i, err));
        else
            vonk_lists_close(&l, i);
    }
    return vonk_lists_take(&l, inner->children, 1, ret, err);
}

/* ---- order */

typedef struct sort_run {
    const vonk_column *child;
    vonk__order order;
} sort_run;

static int compare_elements(const sort_run *run, uint32_t a, uint32_t b)
{
    bool an = vonk_null_at(run->child, a), bn = vonk_null_at(run->child, b);
    if (an || bn) return run->order == VONK__NULLS_FIRST ? (int)bn - (int)an : (int)an - (int)bn;
    int c = vonk_column_row_compare(run->child, a, run->child, b);
    return run->order == VONK__DESCENDING ? -c : c;
}

/* Stable; `spare` has room for n. */
static void merge_sort(const sort_run *run, uint32_t *at, size_t n, uint32_t *spare)
{
    for (size_t i = 1; i < n && n <= 12; i++) {
        uint32_t x = at[i];
        size_t k = i;
        for (; k > 0 && compare_elements(run, at[k - 1], x) > 0; k--) at[k] = at[k - 1];
        at[k] = x;
    }
    if (n <= 12) return;
    size_t half = n / 2, a = 0, b = half, out = 0;
    merge_sort(run, at, half, spare);
    merge_sort(run, at + half, n - half, spare);
    memcpy(spare, at, n * sizeof(*at));
    while (a < half && b < n) at[out++] = compare_elements(run, spare[a], spare[b]) <= 0 ? spare[a++] : spare[b++];
    while (a < half) at[out++] = spare[a++];
    while (b < n) at[out++] = spare[b++];
}

/* The elements of the list that is being made; NULL while no list has had any. */
static uint32_t *open_items(const vonk_lists *l) { return l->at ? l->at + l->open : NULL; }

vonk_status vonk__sort_arrays(const vonk_fn_call *call, vonk_eval *ev, vonk_column *const *args, uint32_t n_rows,
                              vonk_rows rows, vonk__order order, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_lists_done) vonk_lists l = {0};
    sort_run run = {args[0]->children[0], order};
    uint32_t *spare = NULL;
    size_t room = 0;
    VONK_TRY(vonk_lists_new(ev, call->type, n_rows, rows, &l, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_span s = vonk_span_at(args[0], i);
        if (order != VONK__NULLS_LAST && call->n_args > 1)
            run.order = vonk_bool_at(args[1], i) ? VONK__NULLS_FIRST : VONK__DESCENDING;
        VONK_TRY(add_span(&l, s.offset, s.len, err));
        if (s.len > room) {
            room = (size_t)s.len * 2;
            VONK_TRY(vonk_arena_array(ev->scratch, room, sizeof(*spare), &spare, err));
        }
        merge_sort(&run, open_items(&l), s.len, spare);
        vonk_lists_close(&l, i);
    }
    return vonk_lists_take(&l, args[0]->children, 1, ret, err);
}

VONK_FN_EVAL(eval_sort) { return vonk__sort_arrays(call, ev, args, n_rows, rows, VONK__NULLS_FIRST, ret, err); }

VONK_FN_EVAL(eval_extreme)
{
    int sign = strcmp(vonk_fn_canonical(call->fn)->name, "array_max") == 0 ? 1 : -1;
    const vonk_column *child = args[0]->children[0];
    uint32_t *best;
    VONK_TRY(vonk_arena_array(ev->scratch, n_rows, sizeof(*best), &best, err));
    memset(best, 0xFF, n_rows * sizeof(*best));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_span s = vonk_span_at(args[0], i);
        for (uint32_t k = s.offset; k < s.offset + s.len; k++) {
            if (vonk_null_at(child, k)) continue;
            if (best[i] == UINT32_MAX || sign * vonk_column_row_compare(child, k, child, best[i]) > 0) best[i] = k;
        }
    }
    VONK_AUTO(vonk_column_unref) vonk_column *gathered = NULL;
    VONK_TRY(vonk_column_gather(ev->budget, child, best, n_rows, true, &gathered, err));
    return vonk_column_flatten(ev->budget, gathered, ret, err);
}

/* ---- shuffle: one generator per partition */

typedef struct shuffle_local {
    uint64_t state;
    bool seeded;
} shuffle_local;

static vonk_status prepare_shuffle(vonk_fn_call *call, vonk_error *err)
{
    const vonk_column *given = vonk_constant_arg(call, 1);
    uint64_t *seed;
    VONK_TRY(VONK_ARENA_NEW(call->arena, &seed, err));
    *seed = given ? (uint64_t)vonk_column_i64(given, 0) : vonk_random_u64();
    call->state = seed;
    call->local_bytes = sizeof(shuffle_local);
    return VONK_OK;
}

static uint64_t next_random(shuffle_local *local) /* splitmix64 */
{
    uint64_t z = local->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

VONK_FN_EVAL(eval_shuffle)
{
    VONK_AUTO(vonk_lists_done) vonk_lists l = {0};
    shuffle_local *local = ev->local;
    if (!local->seeded) local->state = *(const uint64_t *)call->state + (uint64_t)ev->partition;
    local->seeded = true;
    VONK_TRY(vonk_lists_new(ev, call->type, n_rows, rows, &l, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_span s = vonk_span_at(args[0], i);
        VONK_TRY(add_span(&l, s.offset, s.len, err));
        uint32_t *at = open_items(&l);
        for (uint32_t k = s.len; k > 1; k--) {
            uint32_t other = (uint32_t)(next_random(local) % k), kept = at[k - 1];
            at[k - 1] = at[other];
            at[other] = kept;
        }
        vonk_lists_close(&l, i);
    }
    return vonk_lists_take(&l, args[0]->children, 1, ret, err);
}

/* ---- array_join, arrays_zip */

static size_t join_row(const vonk_column *child, vonk_span s, vonk_str separator, const vonk_str *for_null, char *out)
{
    size_t bytes = 0;
    bool any = false;
    for (uint32_t k = s.offset; k < s.offset + s.len; k++) {
        bool null = vonk_null_at(child, k);
        if (null && !for_null) continue;
        vonk_str part = null ? *for_null : vonk_str_at(child, k);
        if (any) {
            if (out && separator.len) memcpy(out + bytes, separator.data, separator.len);
            bytes += separator.len;
        }
        if (out && part.len) memcpy(out + bytes, part.data, part.len);
        bytes += part.len;
        any = true;
    }
    return bytes;
}

VONK_FN_EVAL(eval_join)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_str separator = vonk_str_at(args[1], i), for_null = VONK_STR_NONE;
        const vonk_str *replacement = call->n_args > 2 ? &for_null : NULL;
        char *at;
        if (replacement) for_null = vonk_str_at(args[2], i);
        vonk_span span = vonk_span_at(args[0], i);
        size_t bytes = join_row(args[0]->children[0], span, separator, replacement, NULL);
        VONK_TRY(vonk_strings_reserve(&s, bytes, &at, err));
        join_row(args[0]->children[0], span, separator, replacement, at);
        vonk_strings_commit(&s, i, at, bytes);
    }
    return vonk_strings_take(&s, ret, err);
}

/* Element numbers of argument `arg` for every struct; UINT32_MAX where that array is shorter. */
static vonk_status zip_field(vonk_eval *ev, vonk_column *const *args, uint32_t arg, vonk_rows rows,
                             const vonk_span *spans, uint32_t total, const vonk_type *element, vonk_column **ret,
                             vonk_error *err)
{
    uint32_t *at;
    vonk_column *gathered = NULL;
    VONK_TRY(vonk_arena_array(ev->scratch, total + 1, sizeof(*at), &at, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_span s = vonk_span_at(args[arg], i);
        for (uint32_t k = 0; k < spans[i].len; k++) at[spans[i].offset + k] = k < s.len ? s.offset + k : UINT32_MAX;
    }
    VONK_TRY(vonk_column_gather(ev->budget, args[arg]->children[0], at, total, true, &gathered, err));
    return vonk__as_child(ev, element, arg, gathered, ret, err);
}

static vonk_status zip_spans(uint32_t n_args, vonk_column *const *args, vonk_rows rows, vonk_span *spans,
                             uint32_t *ret_total, vonk_error *err)
{
    uint64_t total = 0;
    for (VONK_EACH_ROW(rows, i)) {
        uint32_t most = 0;
        for (uint32_t a = 0; a < n_args; a++) {
            uint32_t len = vonk_span_at(args[a], i).len;
            if (len > most) most = len;
        }
        spans[i] = (vonk_span){(uint32_t)total, most};
        total += most;
        if (total > INT32_MAX)
            return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                             "batches of more than 2147483647 array elements");
    }
    *ret_total = (uint32_t)total;
    return VONK_OK;
}

VONK_FN_EVAL(eval_zip)
{
    const vonk_type *element = call->type->fields[0].type;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *structs = NULL;
    vonk_column **fields;
    uint32_t total = 0, n = call->n_args;
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    VONK_TRY(vonk_arena_array(ev->scratch, n + 1, sizeof(*fields), &fields, err));
    VONK_TRY(zip_spans(n, args, rows, r.data, &total, err));
    vonk_status st = VONK_OK;
    for (uint32_t a = 0; a < n && st == VONK_OK; a++)
        st = zip_field(ev, args, a, rows, r.data, total, element, &fields[a], err);
    if (st == VONK_OK) st = vonk_column_new_struct(ev->budget, element, total, fields, NULL, &structs, err);
    for (uint32_t a = 0; a < n; a++) vonk_column_unref(fields[a]);
    if (st == VONK_OK) st = vonk_column_set_children(r.column, &structs, 1, err);
    if (st == VONK_OK) *ret = vonk_result_take(&r);
    return st;
}
