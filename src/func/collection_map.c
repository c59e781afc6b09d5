/* func/collection_map.c -- maps from maps and arrays, and back. */
#include "func/coerce.h"
#include "func/collection_int.h"
#include "func/complex_int.h"
#include "func/tables.h"

static vonk_body eval_concat, eval_contains_key, eval_entries, eval_from_arrays, eval_from_entries, eval_keys;
static vonk_status resolve_concat(vonk_fn_types *types, vonk_error *err);
static vonk_status resolve_contains_key(vonk_fn_types *types, vonk_error *err);
static vonk_status resolve_entries(vonk_fn_types *types, vonk_error *err);
static vonk_status resolve_from_arrays(vonk_fn_types *types, vonk_error *err);
static vonk_status resolve_from_entries(vonk_fn_types *types, vonk_error *err);
static vonk_status resolve_keys(vonk_fn_types *types, vonk_error *err);

#define ROW .group = "map_funcs", .raises = VONK_NEVER_RAISES

/* With three arguments the first delimiter is made NULL where the second one is: then so is the map. */
#define PAIRS(pairs, values)                                                                                           \
    "map_from_entries(transform(split($1, " pairs ", -1), kv -> struct(split(kv, " values ", 2)[0], "                  \
    "get(split(kv, " values ", 2), 1))))"

const vonk_fn vonk_fns_collection_map[] = {
    {.name = "map_concat",
     .args = "any...",
     .group = "map_funcs",
     .resolve = resolve_concat,
     .eval = eval_concat,
     .since = "2.4.0",
     .doc = "The entries of all maps in one map.",
     .example = "map_concat(map(1, 'a', 2, 'b'), map(3, 'c'))",
     .expect = "{1 -> a, 2 -> b, 3 -> c}"},
    {.name = "map_contains_key",
     .args = "any,any",
     .result = "boolean",
     .nullable = VONK_NULLABLE_ALWAYS,
     ROW,
     .resolve = resolve_contains_key,
     .eval = eval_contains_key,
     .since = "3.3.0",
     .doc = "Whether the map has the key.",
     .example = "map_contains_key(map(1, 'a', 2, 'b'), 1)",
     .expect = "true"},
    {.name = "map_entries",
     .args = "map",
     ROW,
     .resolve = resolve_entries,
     .eval = eval_entries,
     .since = "3.0.0",
     .doc = "The entries of the map as an array of structs (key, value).",
     .example = "map_entries(map(1, 'a', 2, 'b'))",
     .expect = "[{1, a}, {2, b}]"},
    {.name = "map_from_arrays",
     .args = "array<any>,array<any>",
     .group = "map_funcs",
     .resolve = resolve_from_arrays,
     .eval = eval_from_arrays,
     .since = "2.4.0",
     .doc = "The map of an array of keys and an array of values.",
     .example = "map_from_arrays(array(1.0, 3.0), array('2', '4'))",
     .expect = "{1.0 -> 2, 3.0 -> 4}"},
    {.name = "map_from_entries",
     .args = "any",
     .group = "map_funcs",
     .resolve = resolve_from_entries,
     .eval = eval_from_entries,
     .since = "2.4.0",
     .doc = "The map of an array of structs (key, value).",
     .example = "map_from_entries(array(struct(1, 'a'), struct(2, 'b')))",
     .expect = "{1 -> a, 2 -> b}"},
    {.name = "map_keys",
     .args = "map",
     ROW,
     .resolve = resolve_keys,
     .eval = eval_keys,
     .since = "2.0.0",
     .doc = "The keys of the map as an array.",
     .example = "map_keys(map(1, 'a', 2, 'b'))",
     .expect = "[1, 2]"},
    {.name = "str_to_map",
     .kind = VONK_FN_REWRITE,
     .args = "=string,=string?,=string?",
     .group = "map_funcs",
     .rewrite = PAIRS("','", "':'") "; " PAIRS("$2", "':'") "; " PAIRS("concat($2, substr($3, 1, 0))", "$3"),
     .text = "$0($1, ,, :); $0($1, $2, :); $0($1, $2, $3)",
     .since = "2.0.1",
     .doc = "The map of keys and values in a text: cut at the second argument into pairs, those at the third.",
     .example = "str_to_map('a:1,b:2,c:3', ',', ':')",
     .expect = "{a -> 1, b -> 2, c -> 3}"},
    {.name = "map_values",
     .args = "map",
     ROW,
     .resolve = resolve_keys,
     .eval = eval_keys,
     .since = "2.0.0",
     .doc = "The values of the map as an array.",
     .example = "map_values(map(1, 'a', 2, 'b'))",
     .expect = "[a, b]"},
};
VONK_FN_COUNT(collection_map);

/* ---- types */

static vonk_status map_of(const vonk_fn_types *t, const vonk_type *key, const vonk_type *value, bool nulls,
                          const vonk_type **ret, vonk_error *err)
{
    const vonk_type *made;
    VONK_TRY(vonk_type_map(key, value, nulls, &made, err));
    return vonk_fn_own_type(t->arena, made, ret, err);
}

/* NULL as a map: of nothing. */
static vonk_status need_map(vonk_fn_types *t, vonk_error *err)
{
    if (t->types[0]->id != VONK_T_NULL) return VONK_OK;
    return map_of(t, &vonk_type_null, &vonk_type_null, true, &t->types[0], err);
}

static vonk_status resolve_keys(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *result;
    VONK_TRY(need_map(t, err));
    bool keys = strcmp(t->fn->name, "map_keys") == 0;
    const vonk_field *f = &t->types[0]->fields[keys ? 0 : 1];
    VONK_TRY(vonk__array_of(t, f->type, keys || f->nullable, &result, err)); /* Spark says so of keys, too */
    return vonk_fn_set_result(t, result);
}

static vonk_status resolve_entries(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *entry, *result;
    VONK_TRY(need_map(t, err));
    const vonk_field *f = t->types[0]->fields;
    vonk_field fields[2] = {{.name = VONK_STR("key"), .type = f[0].type},
                            {.name = VONK_STR("value"), .type = f[1].type, .nullable = f[1].nullable}};
    VONK_TRY(vonk_type_struct(fields, 2, &entry, err));
    VONK_TRY(vonk_fn_own_type(t->arena, entry, &entry, err));
    VONK_TRY(vonk__array_of(t, entry, false, &result, err));
    return vonk_fn_set_result(t, result);
}

static vonk_status resolve_concat(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *common = NULL;
    char list[1024];
    if (!t->n_args) {
        VONK_TRY(map_of(t, &vonk_type_string, &vonk_type_string, true, &common, err));
        return vonk_fn_set_result(t, common);
    }
    for (uint32_t i = 0; i < t->n_args; i++)
        if (t->types[i]->id != VONK_T_MAP)
            return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__MAP_CONCAT_DIFF_TYPES, "sqlExpr",
                             vonk_fn_call_text(t, (char[1024]){0}), "functionName", VONK_QUOTED(t->fn->name),
                             "dataType", vonk_fn_type_list(t, "[", ", ", "]", list));
    common = t->types[0];
    for (uint32_t i = 1; i < t->n_args; i++) {
        const vonk_type *wider = NULL;
        VONK_TRY(vonk_coerce_common_no_strings(common, t->types[i], t->env->ansi, &wider, err));
        if (!wider)
            return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__DATA_DIFF_TYPES, "sqlExpr",
                             vonk_fn_call_text(t, (char[1024]){0}), "functionName", VONK_QUOTED(t->fn->name),
                             "dataType", vonk_fn_type_list(t, "(", " or ", ")", list));
        VONK_TRY(vonk_fn_own_type(t->arena, wider, &common, err));
    }
    for (uint32_t i = 0; i < t->n_args; i++) t->types[i] = common;
    return vonk_fn_set_result(t, common);
}

static vonk_status resolve_contains_key(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *map = t->types[0], *common = NULL;
    if (t->types[1]->id == VONK_T_NULL)
        return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__NULL_TYPE, "sqlExpr", vonk_fn_call_text(t, (char[1024]){0}),
                         "functionName", VONK_QUOTED(t->fn->name));
    if (map->id == VONK_T_MAP)
        VONK_TRY(vonk_coerce_common_no_strings(map->fields[0].type, t->types[1], VONK__ELEMENTS_ANSI, &common, err));
    if (!common)
        return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__MAP_FUNCTION_DIFF_TYPES, "sqlExpr",
                         vonk_fn_call_text(t, (char[1024]){0}), "functionName", VONK_QUOTED(t->fn->name), "dataType",
                         "\"MAP\"", "leftType", VONK_TYPE_SQL(map), "rightType", VONK_TYPE_SQL(t->types[1]));
    VONK_TRY(vonk_fn_own_type(t->arena, common, &common, err));
    t->types[1] = common;
    return map_of(t, common, map->fields[1].type, map->fields[1].nullable, &t->types[0], err);
}

static vonk_status check_key(const vonk_fn_types *t, const vonk_type *key, vonk_error *err)
{
    if (!vonk_type_has(key, VONK_T_MAP)) return VONK_OK;
    return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__INVALID_MAP_KEY_TYPE, "sqlExpr",
                     vonk_fn_call_text(t, (char[1024]){0}), "keyType", VONK_TYPE_SQL(key));
}

static vonk_status resolve_from_arrays(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *result;
    const vonk_field *key = &t->types[0]->fields[0], *value = &t->types[1]->fields[0];
    VONK_TRY(check_key(t, key->type, err));
    VONK_TRY(map_of(t, key->type, value->type, value->nullable, &result, err));
    return vonk_fn_set_result(t, result);
}

static vonk_status resolve_from_entries(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *a = t->types[0], *entry = a->id == VONK_T_ARRAY ? a->fields[0].type : NULL, *result;
    if (!entry || entry->id != VONK_T_STRUCT || entry->n_fields != 2)
        return vonk_fn_wrong_type(t, 0, "\"ARRAY\" of pair \"STRUCT\"", err);
    VONK_TRY(check_key(t, entry->fields[0].type, err));
    VONK_TRY(map_of(t, entry->fields[0].type, entry->fields[1].type, entry->fields[1].nullable, &result, err));
    t->result_nullable |= a->fields[0].nullable;
    return vonk_fn_set_result(t, result);
}

/* ---- taking apart */

VONK_FN_EVAL(eval_keys)
{
    vonk_column *child = args[0]->children[strcmp(vonk_fn_canonical(call->fn)->name, "map_keys") == 0 ? 0 : 1];
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, VONK_ALL_ROWS(n_rows), &r, err));
    memcpy(r.data, args[0]->data, n_rows * sizeof(vonk_span));
    VONK_TRY(vonk_column_set_children(r.column, &child, 1, err));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_entries)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *entries = NULL;
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, VONK_ALL_ROWS(n_rows), &r, err));
    memcpy(r.data, args[0]->data, n_rows * sizeof(vonk_span));
    VONK_TRY(vonk_column_new_struct(ev->budget, call->type->fields[0].type, args[0]->children[0]->n_rows,
                                    args[0]->children, NULL, &entries, err));
    VONK_TRY(vonk_column_set_children(r.column, &entries, 1, err));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_contains_key)
{
    const vonk_column *keys = args[0]->children[0];
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_span s = vonk_span_at(args[0], i);
        uint32_t k = s.offset;
        while (k < s.offset + s.len && !vonk__values_eq(keys, k, args[1], i)) k++;
        vonk_put_bool(&r, i, k < s.offset + s.len);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- making: keys and values are gathered, then checked */

static vonk_status gather_child(const vonk_fn_call *call, vonk_eval *ev, const vonk_column *source, const uint32_t *at,
                                size_t n, uint32_t field, vonk_column **ret, vonk_error *err)
{
    vonk_column *gathered = NULL;
    VONK_TRY(vonk_column_gather(ev->budget, source, at, (uint32_t)n, true, &gathered, err));
    return vonk__as_child(ev, call->type, field, gathered, ret, err);
}

/* Entry k of the result: row key_at[k] of `keys`, row value_at[k] of `values`. */
static vonk_status take_map(const vonk_fn_call *call, vonk_eval *ev, vonk_rows rows, const vonk_column *keys,
                            const uint32_t *key_at, const vonk_column *values, const uint32_t *value_at, size_t n,
                            vonk_result *map, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *k = NULL, *v = NULL;
    VONK_TRY(gather_child(call, ev, keys, key_at, n, 0, &k, err));
    VONK_TRY(gather_child(call, ev, values, value_at, n, 1, &v, err));
    VONK_TRY(vonk__map_finish(call, ev, rows, k, v, map->data, map->column, err));
    *ret = vonk_result_take(map);
    return VONK_OK;
}

static vonk_status empty_map(const vonk_fn_call *call, vonk_eval *ev, uint32_t n_rows, vonk_column **ret,
                             vonk_error *err)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *key = NULL, *value = NULL;
    vonk_rows none = {NULL, 0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, none, &r, err));
    memset(r.data, 0, n_rows * sizeof(vonk_span));
    VONK_TRY(vonk_column_new(ev->budget, call->type->fields[0].type, 0, false, &key, &(void *){NULL}, NULL, err));
    VONK_TRY(vonk_column_new(ev->budget, call->type->fields[1].type, 0, false, &value, &(void *){NULL}, NULL, err));
    VONK_TRY(vonk_column_set_children(r.column, (vonk_column *[]){key, value}, 2, err));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_concat)
{
    VONK_AUTO(vonk_lists_done) vonk_lists l = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *keys = NULL, *values = NULL;
    uint32_t *first;
    if (!call->n_args) return empty_map(call, ev, n_rows, ret, err);
    VONK_TRY(vonk_arena_array(ev->scratch, call->n_args, sizeof(*first), &first, err));
    VONK_TRY(vonk_join_children(ev, args, call->n_args, 0, first, &keys, err));
    VONK_TRY(vonk_join_children(ev, args, call->n_args, 1, first, &values, err));
    VONK_TRY(vonk_lists_new(ev, call->type, n_rows, rows, &l, err));
    for (VONK_EACH_ROW(rows, i)) {
        for (uint32_t a = 0; a < call->n_args; a++) {
            vonk_span s = vonk_span_at(args[a], i);
            for (uint32_t k = 0; k < s.len; k++) VONK_TRY(vonk_lists_add(&l, first[a] + s.offset + k, err));
        }
        vonk_lists_close(&l, i);
    }
    return take_map(call, ev, rows, keys, l.at, values, l.at, l.n, &l.result, ret, err);
}

VONK_FN_EVAL(eval_from_arrays)
{
    VONK_AUTO(vonk_lists_done) vonk_lists l = {0};
    uint32_t *value_at;
    VONK_TRY(vonk_lists_new(ev, call->type, n_rows, rows, &l, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_span k = vonk_span_at(args[0], i), v = vonk_span_at(args[1], i);
        if (k.len != v.len) return VONK_FAIL(err, VONK_E__LEGACY_ERROR_TEMP_2128);
        for (uint32_t e = 0; e < k.len; e++) VONK_TRY(vonk_lists_add(&l, k.offset + e, err));
        vonk_lists_close(&l, i);
    }
    VONK_TRY(vonk_arena_array(ev->scratch, l.n + 1, sizeof(*value_at), &value_at, err));
    size_t at = 0;
    for (VONK_EACH_ROW(rows, i)) {
        vonk_span v = vonk_span_at(args[1], i);
        for (uint32_t e = 0; e < v.len; e++) value_at[at++] = v.offset + e;
    }
    return take_map(call, ev, rows, args[0]->children[0], l.at, args[1]->children[0], value_at, l.n, &l.result, ret,
                    err);
}

VONK_FN_EVAL(eval_from_entries)
{
    VONK_AUTO(vonk_lists_done) vonk_lists l = {0};
    const vonk_column *entries = args[0]->children[0];
    VONK_TRY(vonk_lists_new(ev, call->type, n_rows, rows, &l, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_span s = vonk_span_at(args[0], i);
        bool null = false;
        for (uint32_t k = s.offset; k < s.offset + s.len && !null; k++) null = vonk_null_at(entries, k);
        if (null) {
            VONK_TRY(vonk_lists_null(&l, i, err));
            continue;
        }
        for (uint32_t k = s.offset; k < s.offset + s.len; k++) VONK_TRY(vonk_lists_add(&l, k, err));
        vonk_lists_close(&l, i);
    }
    return take_map(call, ev, rows, entries->children[0], l.at, entries->children[1], l.at, l.n, &l.result, ret, err);
}
