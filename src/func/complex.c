/* func/complex.c -- making and taking apart structs, arrays and maps. */
#include "base/buf.h"
#include "func/body.h"
#include "func/cast.h"
#include "func/coerce.h"
#include "func/collection_int.h"
#include "func/coerce_int.h"
#include "func/complex_int.h"
#include "func/literal_text.h"
#include "func/resolve.h"
#include "func/result.h"
#include "func/tables.h"

static vonk_status resolve_named_struct(vonk_fn_types *t, vonk_error *err);
static vonk_status resolve_array(vonk_fn_types *t, vonk_error *err);
static vonk_status resolve_map(vonk_fn_types *t, vonk_error *err);
static vonk_status resolve_item(vonk_fn_types *t, vonk_error *err);
static vonk_status resolve_map_value(vonk_fn_types *t, vonk_error *err);
static vonk_status resolve_element_at(vonk_fn_types *t, vonk_error *err);
static vonk_status resolve_struct_fields(vonk_fn_types *t, vonk_error *err);
static vonk_status resolve_size(vonk_fn_types *t, vonk_error *err);
static vonk_status prepare_struct_fields(vonk_fn_call *call, vonk_error *err);
VONK_FN_EVAL(eval_named_struct);
VONK_FN_EVAL(eval_array);
VONK_FN_EVAL(eval_map);
VONK_FN_EVAL(eval_array_item);
VONK_FN_EVAL(eval_map_value);
VONK_FN_EVAL(eval_element_at);
VONK_FN_EVAL(eval_struct_fields);
VONK_FN_EVAL(eval_size);

#define STRICT .nulls = VONK_NULL_IN_NULL_OUT

/* clang-format off */
const vonk_fn vonk_fns_complex[] = {
    {.name = "named_struct", .nulls = VONK_NEVER_NULL, .raises = VONK_NEVER_RAISES, .resolve = resolve_named_struct,
     .eval = eval_named_struct, .group = "struct_funcs", .since = "1.5.0", .doc = "A struct of names and values, given in turn.",
     .example = "named_struct('a', 1, 'b', 2)", .expect = "{1, 2}"},
    {.name = "struct", .args = "any...", .nulls = VONK_NEVER_NULL, .kind = VONK_FN_PLANNED, .group = "struct_funcs", .since = "1.4.0",
     .doc = "A struct of the values; fields are named after columns and aliases, others col1, col2, ...",
     .example = "struct(1, 2)", .expect = "{1, 2}"},
    {.name = "array", .args = "T...", .nulls = VONK_NEVER_NULL, .raises = VONK_NEVER_RAISES, .resolve = resolve_array,
     .eval = eval_array, .group = "array_funcs", .since = "1.1.0", .doc = "An array of the values.", .example = "array(1, 2, 3)",
     .expect = "[1, 2, 3]"},
    {.name = "map", .nulls = VONK_NEVER_NULL, .raises = VONK_MAY_RAISE, .resolve = resolve_map, .eval = eval_map,
     .group = "map_funcs", .since = "2.0.0", .doc = "A map of keys and values, given in turn.",
     .example = "map(1.0, '2', 3.0, '4')", .expect = "{1.0 -> 2, 3.0 -> 4}"},
    {.name = "get_array_item", .args = "array,=integral", STRICT, .raises = VONK_RAISES_ANSI, .text = "$1[$2]",
     .resolve = resolve_item, .eval = eval_array_item, .group = "array_funcs", .since = "1.0.0",
     .doc = "The element at a position counted from 0: written array[position].", .example = "array(1, 2, 3)[1]", .expect = "2"},
    {.name = "get", .args = "array,int", STRICT, .raises = VONK_NEVER_RAISES, .resolve = resolve_item, .eval = eval_array_item, .group = "array_funcs", .since = "3.4.0",
     .doc = "The element at a position counted from 0, NULL when there is none.", .example = "get(array(1, 2, 3), 2)",
     .expect = "3"},
    {.name = "get_map_value", .args = "map,any", STRICT, .raises = VONK_NEVER_RAISES, .nullable = VONK_NULLABLE_ALWAYS,
     .text = "$1[$2]", .resolve = resolve_map_value, .eval = eval_map_value, .group = "map_funcs", .since = "1.0.0",
     .doc = "The value of a key, NULL when there is none: written map[key].", .example = "map('a', 1)['a']", .expect = "1"},
    {.name = "element_at", .args = "array|map,any", STRICT, .raises = VONK_RAISES_ANSI, .resolve = resolve_element_at,
     .eval = eval_element_at, .group = "map_funcs", .since = "2.4.0",
     .doc = "The element at a position counted from 1, or from the end when negative; of a map the value of a key.",
     .example = "element_at(array(1, 2, 3), 2)", .expect = "2"},
    {.name = "try_element_at", .errors_of = "element_at", .args = "array|map,any", STRICT, .raises = VONK_MAY_RAISE, .force_mode = VONK_MODE_TRY,
     .resolve = resolve_element_at, .eval = eval_element_at, .group = "map_funcs", .since = "3.5.0",
     .doc = "element_at with NULL where there is no such element.", .example = "try_element_at(array(1, 2, 3), 5)",
     .expect = "NULL"},
    {.name = "get_array_struct_fields", .args = "array<struct>,string", STRICT, .raises = VONK_NEVER_RAISES, .text = "$1.$2",
     .resolve = resolve_struct_fields, .prepare = prepare_struct_fields, .eval = eval_struct_fields, .group = "array_funcs",
     .since = "1.0.0", .doc = "One field of every struct of an array: written array.field.",
     .example = "array(named_struct('a', 1), named_struct('a', 2)).a", .expect = "[1, 2]"},
    {.name = "size", .args = "array|map", .result = "int", .nulls = VONK_NULLS_OWN, .raises = VONK_NEVER_RAISES, .resolve = resolve_size, .eval = eval_size,
     .group = "collection_funcs", .since = "1.5.0", .doc = "How many elements an array has, or entries a map.",
     .example = "size(array('b', 'd', 'c', 'a'))", .expect = "4"},
    {.name = "cardinality", .alias_of = "size", .example = "cardinality(map('a', 1, 'b', 2))", .expect = "2"},
    {.name = "array_size", .args = "array", .result = "int", STRICT, .raises = VONK_NEVER_RAISES, .eval = eval_size,
     .group = "array_funcs", .since = "3.3.0", .doc = "How many elements the array has.",
     .example = "array_size(array('b', 'd', 'c', 'a'))", .expect = "4"},
};
/* clang-format on */
VONK_FN_COUNT(complex);

/* ---- types */

static vonk_status own_result(vonk_fn_types *t, vonk_status st, const vonk_type *const *take)
{
    if (st != VONK_OK) return st;
    const vonk_status set = vonk_fn_set_result(t, *take);
    vonk_type_unref(*take);
    return set;
}

static vonk_status not_names(const vonk_fn_types *t, vonk_error *err)
{
    char list[1024] = "[";
    bool first = true;
    for (uint32_t i = 0; i < t->n_args; i += 2) {
        const vonk_column *name = t->constants ? t->constants[i] : NULL;
        size_t n = strlen(list);
        if (n >= 900 || !t->texts || (name && vonk_type_is_stringy(name->type))) continue;
        vonk_format(list + n, 1024 - n, "%s\"%.*s\"", first ? "" : ", ", VONK_STR_ARGS(t->texts[i]));
        first = false;
    }
    size_t n = strlen(list);
    list[n] = ']';
    return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__CREATE_NAMED_STRUCT_WITHOUT_FOLDABLE_STRING, "sqlExpr",
                     vonk_fn_call_text(t, (char[1024]){0}), "inputExprs", list);
}

static vonk_status resolve_named_struct(vonk_fn_types *t, vonk_error *err)
{
    vonk_field *fields = NULL;
    const vonk_type *made = NULL;
    uint32_t n = t->n_args / 2;
    if (t->n_args % 2) return vonk_fn_wrong_count(t, "2n (n > 0)", err);
    VONK_TRY(vonk_arena_array(t->arena, n + 1, sizeof(*fields), &fields, err));
    for (uint32_t i = 0; i < n; i++) {
        const vonk_column *name = t->constants ? t->constants[(size_t)2 * i] : NULL;
        if (!name || !vonk_type_is_stringy(name->type)) return not_names(t, err);
        if (vonk_column_is_null(name, 0))
            return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__UNEXPECTED_NULL, "sqlExpr",
                             vonk_fn_call_text(t, (char[1024]){0}), "exprName", "[null]");
        fields[i] = (vonk_field){
            .name = vonk_column_str(name, 0), .type = t->types[2 * i + 1], .nullable = t->nullable[2 * i + 1]};
    }
    return own_result(t, vonk_type_struct(fields, n, &made, err), &made);
}

static bool any_nullable(const vonk_fn_types *t, uint32_t from, uint32_t step)
{
    for (uint32_t i = from; i < t->n_args; i += step)
        if (t->nullable[i]) return true;
    return false;
}

static vonk_status resolve_array(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *made = NULL, *element = t->n_args ? t->types[0] : &vonk_type_null;
    return own_result(t, vonk_type_array(element, any_nullable(t, 0, 1), &made, err), &made);
}

/* "[INT, STRING]": types of every second argument. */
static vonk_status list_every_second(const vonk_fn_types *t, uint32_t from, char into[1024], vonk_error *err)
{
    vonk_fn_types half = {.n_args = t->n_args / 2};
    VONK_TRY(vonk_arena_array(t->arena, half.n_args + 1, sizeof(*half.types), &half.types, err));
    for (uint32_t i = 0; i < half.n_args; i++) half.types[i] = t->types[2 * i + from];
    vonk_fn_type_list(&half, "[", ", ", "]", into);
    return VONK_OK;
}

/* The common type of every second argument. */
static vonk_status common_of(vonk_fn_types *t, uint32_t from, const vonk_type **ret, bool *ret_nullable,
                             vonk_error *err)
{
    const vonk_type *common = &vonk_type_null;
    for (uint32_t i = from; i < t->n_args; i += 2) {
        const vonk_type *wider = NULL;
        VONK_TRY(vonk_coerce_common(common, t->types[i], t->env->ansi, &wider, err));
        if (!wider) {
            char types[1024];
            VONK_TRY(list_every_second(t, from, types, err));
            if (from == 0)
                return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__CREATE_MAP_KEY_DIFF_TYPES, "sqlExpr",
                                 vonk_fn_call_text(t, (char[1024]){0}), "functionName", "`map`", "dataType", types);
            return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__CREATE_MAP_VALUE_DIFF_TYPES, "sqlExpr",
                             vonk_fn_call_text(t, (char[1024]){0}), "functionName", "`map`", "dataType", types);
        }
        VONK_TRY(vonk_fn_own_type(t->arena, wider, &common, err));
    }
    *ret_nullable = any_nullable(t, from, 2);
    for (uint32_t i = from; i < t->n_args; i += 2) {
        *ret_nullable |= vonk__force_nullable(t->types[i], common);
        t->types[i] = common;
    }
    *ret = common;
    return VONK_OK;
}

static vonk_status resolve_map(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *key, *value, *made = NULL;
    bool null_key, null_value;
    if (t->n_args % 2) return vonk_fn_wrong_count(t, "2n (n > 0)", err);
    VONK_TRY(common_of(t, 0, &key, &null_key, err));
    VONK_TRY(common_of(t, 1, &value, &null_value, err));
    if (vonk_type_has(key, VONK_T_MAP))
        return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__INVALID_MAP_KEY_TYPE, "sqlExpr",
                         vonk_fn_call_text(t, (char[1024]){0}), "keyType", VONK_TYPE_SQL(key));
    return own_result(t, vonk_type_map(key, value, null_value, &made, err), &made);
}

/* Is there an element for the constant position? */
static bool has_item(const vonk_fn_types *t, const vonk_column *array, const vonk_column *item)
{
    const bool from_one = strcmp(t->fn->name, "get") != 0 && strcmp(t->fn->name, "get_array_item") != 0;
    if (!vonk_type_is_integral(item->type) || vonk_column_is_null(item, 0) || vonk_column_is_null(array, 0))
        return false;
    const int64_t n = vonk_span_at(array, 0).len, at = vonk_column_i64(item, 0);
    if (from_one) return at != 0 && at <= n && at >= -n;
    return at >= 0 && at < n;
}

static vonk_status resolve_item(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *a = t->types[0];
    if (a->id != VONK_T_ARRAY) return vonk_fn_wrong_type(t, 0, "\"ARRAY\"", err);
    const bool lenient = t->mode != VONK_MODE_ANSI || strcmp(t->fn->name, "get") == 0;
    const vonk_column *array = t->constants ? t->constants[0] : NULL, *item = t->constants ? t->constants[1] : NULL;
    bool missing = lenient;
    if (item && !array) missing = true; /* as Spark has it */
    if (item && array && lenient) missing = !has_item(t, array, item);
    t->result_nullable = t->nullable[0] || t->nullable[1] || a->fields[0].nullable || missing;
    return vonk_fn_set_result(t, a->fields[0].type);
}

static vonk_status key_mismatch(const vonk_fn_types *t, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__MAP_FUNCTION_DIFF_TYPES, "sqlExpr",
                     vonk_fn_call_text(t, (char[1024]){0}), "functionName", VONK_F("`%s`", t->fn->name), "dataType",
                     "\"MAP\"", "leftType", VONK_TYPE_SQL(t->types[0]), "rightType", VONK_TYPE_SQL(t->types[1]));
}

/* The key is looked up as the common type of it and the map's keys. */
static vonk_status resolve_map_value(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *map = t->types[0], *common = NULL, *made = NULL;
    if (map->id != VONK_T_MAP) return vonk_fn_wrong_type(t, 0, "\"MAP\"", err);
    const bool ansi = strcmp(t->fn->name, "get_map_value") == 0 ? t->env->ansi : VONK__ELEMENTS_ANSI;
    VONK_TRY(vonk_coerce_common_no_strings(map->fields[0].type, t->types[1], ansi, &common, err));
    if (!common) return key_mismatch(t, err);
    VONK_TRY(vonk_fn_own_type(t->arena, common, &common, err));
    if (!vonk_type_is_orderable(common) && common->id != VONK_T_NULL) return vonk_fn_not_orderable(t, common, err);
    t->types[1] = common;
    if (!vonk_type_same(map->fields[0].type, common)) {
        VONK_TRY(vonk_type_map(common, map->fields[1].type, map->fields[1].nullable, &made, err));
        VONK_TRY(vonk_fn_own_type(t->arena, made, &t->types[0], err));
    }
    return vonk_fn_set_result(t, map->fields[1].type);
}

static vonk_status resolve_element_at(vonk_fn_types *t, vonk_error *err)
{
    if (t->types[0]->id == VONK_T_MAP) {
        t->result_nullable = true;
        return resolve_map_value(t, err);
    }
    if (t->types[0]->id == VONK_T_NULL) return vonk_fn_wrong_type(t, 0, "(\"ARRAY\" or \"MAP\")", err);
    if (!vonk_type_is_integral(t->types[1]) || t->types[1]->id == VONK_T_LONG)
        return vonk_fn_wrong_type(t, 1, "\"INT\"", err);
    t->types[1] = &vonk_type_int;
    return resolve_item(t, err);
}

static vonk_status resolve_struct_fields(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *s = t->types[0]->fields[0].type, *made = NULL;
    const vonk_column *name = t->constants ? t->constants[1] : NULL;
    int field = name ? vonk_type_field_index(s, vonk_column_str(name, 0), t->env->case_sensitive) : -1;
    if (field < 0) return vonk_fn_wrong_type(t, 1, "\"STRING\"", err);
    bool null = t->types[0]->fields[0].nullable || s->fields[field].nullable;
    return own_result(t, vonk_type_array(s->fields[field].type, null, &made, err), &made);
}

/* ---- making */

VONK_FN_EVAL(eval_named_struct)
{
    vonk_column **children;
    uint32_t n = call->n_args / 2;
    VONK_TRY(vonk_arena_array(ev->scratch, n + 1, sizeof(*children), &children, err));
    for (uint32_t i = 0; i < n; i++) children[i] = args[2 * i + 1];
    return vonk_column_new_struct(ev->budget, call->type, n_rows, children, NULL, ret, err);
}

/* Values of args[from], args[from + step], ... row by row: the elements of row 0, then those of row 1, ... */
static vonk_status interleave(vonk_eval *ev, vonk_column *const *args, uint32_t n_args, uint32_t from, uint32_t step,
                              uint32_t n_rows, const vonk_type *type, vonk_column **ret, vonk_error *err)
{
    const vonk_column **parts;
    uint32_t n = 0, *idx;
    VONK_AUTO(vonk_column_unref) vonk_column *all = NULL, *typed = NULL, *gathered = NULL;
    VONK_TRY(vonk_arena_array(ev->scratch, n_args + 1, sizeof(*parts), &parts, err));
    for (uint32_t i = from; i < n_args; i += step) parts[n++] = args[i];
    if ((uint64_t)n * n_rows >= UINT32_MAX)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "arrays of that size");
    if (n == 0) return vonk_column_new_nulls(ev->budget, type, 0, ret, err);
    VONK_TRY(vonk_arena_array(ev->scratch, (size_t)n * n_rows + 1, sizeof(*idx), &idx, err));
    for (uint32_t i = 0; i < n_rows; i++)
        for (uint32_t k = 0; k < n; k++) idx[i * n + k] = k * n_rows + i;
    VONK_TRY(vonk_column_concat(ev->budget, parts, n, &all, err));
    VONK_TRY(vonk_column_gather(ev->budget, all, idx, n * n_rows, false, &gathered, err));
    VONK_TRY(vonk_column_retype(ev->budget, gathered, type, &typed, err));
    return vonk_column_flatten(ev->budget, typed, ret, err);
}

static void even_spans(vonk_span *spans, uint32_t n_rows, uint32_t len)
{
    for (uint32_t i = 0; i < n_rows; i++) spans[i] = (vonk_span){i * len, len};
}

VONK_FN_EVAL(eval_array)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *child = NULL;
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, VONK_ALL_ROWS(n_rows), &r, err));
    VONK_TRY(interleave(ev, args, call->n_args, 0, 1, n_rows, call->type->fields[0].type, &child, err));
    even_spans(r.data, n_rows, call->n_args);
    VONK_TRY(vonk_column_set_children(r.column, &child, 1, err));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

static vonk_status duplicate_key(const vonk_fn_call *call, const vonk_column *keys, uint32_t row, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, vonk_arena_budget(call->arena), SIZE_MAX);
    VONK_TRY(vonk_cast_row_text(call->env, keys, row, &text, err));
    return VONK_FAIL(err, VONK_E_DUPLICATED_MAP_KEY, "key", VONK_S(vonk_buf_str(&text)), "mapKeyDedupPolicy",
                     "\"spark.sql.mapKeyDedupPolicy\"");
}

vonk_status vonk__map_check_keys(const vonk_fn_call *call, const vonk_column *keys, vonk_span span, bool *ret_last_wins,
                                 vonk_error *err)
{
    *ret_last_wins = false;
    for (uint32_t i = 0; i < span.len; i++) {
        uint32_t a = span.offset + i;
        if (keys->type->id == VONK_T_NULL || vonk_column_is_null(keys, a)) return VONK_FAIL(err, VONK_E_NULL_MAP_KEY);
        for (uint32_t k = 0; k < i; k++) {
            if (!vonk_column_row_eq(keys, a, keys, span.offset + k)) continue;
            if (vonk_fn_setting_is(call->env, "spark.sql.mapKeyDedupPolicy", "LAST_WIN")) {
                *ret_last_wins = true;
                break;
            }
            return duplicate_key(call, keys, a, err);
        }
    }
    return VONK_OK;
}

enum { FEW_KEYS = 16 };

/* Few keys are compared with each other, many are hashed. */
static vonk_status check_all_keys(const vonk_fn_call *call, vonk_eval *ev, vonk_rows rows, const vonk_column *keys,
                                  const vonk_span *spans, bool *ret_last_wins, vonk_error *err)
{
    vonk__rowset set;
    uint32_t longest = 0;
    for (uint32_t k = 0; k < rows.n; k++)
        if (spans[vonk_row_at(rows, k)].len > longest) longest = spans[vonk_row_at(rows, k)].len;
    bool hashed = longest > FEW_KEYS && keys->type->id != VONK_T_NULL && keys->encoding == VONK_FLAT;
    if (hashed) VONK_TRY(vonk__rowset_init(&set, ev, keys, longest, err));
    for (uint32_t k = 0; k < rows.n; k++) {
        vonk_span span = spans[vonk_row_at(rows, k)];
        bool last_wins = false, suspicious = !hashed || span.len <= FEW_KEYS;
        if (!suspicious) vonk__rowset_clear(&set, span.len);
        for (uint32_t i = span.offset; i < span.offset + span.len && !suspicious; i++)
            suspicious = vonk_column_is_null(keys, i) || !vonk__rowset_add(&set, i);
        if (suspicious) VONK_TRY(vonk__map_check_keys(call, keys, span, &last_wins, err));
        *ret_last_wins |= last_wins;
    }
    return VONK_OK;
}

/* Keeps the last of equal keys, at the place of the first. idx: room for the span; *ret_n: rows of the new span. */
static void drop_duplicates(const vonk_column *keys, vonk_span span, uint32_t *key_idx, uint32_t *value_idx,
                            uint32_t *ret_n)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < span.len; i++) {
        uint32_t k = 0;
        while (k < n && !vonk_column_row_eq(keys, key_idx[k], keys, span.offset + i)) k++;
        if (k == n) key_idx[n++] = span.offset + i;
        value_idx[k] = span.offset + i;
    }
    *ret_n = n;
}

vonk_status vonk__map_finish(const vonk_fn_call *call, vonk_eval *ev, vonk_rows rows, vonk_column *keys,
                             vonk_column *values, vonk_span *spans, vonk_column *map, vonk_error *err)
{
    bool any = false;
    VONK_TRY(check_all_keys(call, ev, rows, keys, spans, &any, err));
    vonk_column *children[2] = {keys, values};
    if (!any) return vonk_column_set_children(map, children, 2, err);
    uint32_t *key_idx, *value_idx, at = 0;
    VONK_AUTO(vonk_column_unref) vonk_column *new_keys = NULL, *new_values = NULL;
    VONK_TRY(vonk_arena_array(ev->scratch, keys->n_rows + 1, sizeof(uint32_t), &key_idx, err));
    VONK_TRY(vonk_arena_array(ev->scratch, keys->n_rows + 1, sizeof(uint32_t), &value_idx, err));
    for (uint32_t k = 0; k < rows.n; k++) {
        uint32_t i = vonk_row_at(rows, k), n;
        drop_duplicates(keys, spans[i], key_idx + at, value_idx + at, &n);
        spans[i] = (vonk_span){at, n};
        at += n;
    }
    VONK_TRY(vonk_column_gather(ev->budget, keys, key_idx, at, false, &new_keys, err));
    VONK_TRY(vonk_column_gather(ev->budget, values, value_idx, at, false, &new_values, err));
    if (rows.idx) { /* rows that do not count hold old places */
        uint32_t next = 0;
        for (uint32_t i = 0; i < map->n_rows; i++) {
            bool counts = next < rows.n && rows.idx[next] == i;
            if (counts)
                next++;
            else
                spans[i] = (vonk_span){0, 0};
        }
    }
    children[0] = new_keys;
    children[1] = new_values;
    return vonk_column_set_children(map, children, 2, err);
}

VONK_FN_EVAL(eval_map)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *keys = NULL, *values = NULL;
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, VONK_ALL_ROWS(n_rows), &r, err));
    VONK_TRY(interleave(ev, args, call->n_args, 0, 2, n_rows, call->type->fields[0].type, &keys, err));
    VONK_TRY(interleave(ev, args, call->n_args, 1, 2, n_rows, call->type->fields[1].type, &values, err));
    even_spans(r.data, n_rows, call->n_args / 2);
    VONK_TRY(vonk__map_finish(call, ev, rows, keys, values, r.data, r.column, err));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- taking apart */

typedef vonk_status (*picker)(const vonk_fn_call *call, vonk_span span, int64_t at, uint32_t *ret, vonk_error *err);

static vonk_status pick_from_zero(const vonk_fn_call *call, vonk_span span, int64_t at, uint32_t *ret, vonk_error *err)
{
    bool inside = at >= 0 && at < span.len;
    if (!inside && call->mode == VONK_MODE_ANSI && strcmp(call->fn->name, "get") != 0)
        return VONK_FAIL(err, VONK_E_INVALID_ARRAY_INDEX, "indexValue", VONK_F("%lld", (long long)at), "arraySize",
                         VONK_F("%u", span.len));
    *ret = inside ? span.offset + (uint32_t)at : UINT32_MAX;
    return VONK_OK;
}

static vonk_status pick_from_one(const vonk_fn_call *call, vonk_span span, int64_t at, uint32_t *ret, vonk_error *err)
{
    if (at == 0) return VONK_FAIL(err, VONK_E_INVALID_INDEX_OF_ZERO);
    int64_t place = at > 0 ? at - 1 : at + span.len;
    bool inside = place >= 0 && place < span.len;
    if (!inside && call->mode == VONK_MODE_ANSI)
        return VONK_FAIL(err, VONK_E_INVALID_ARRAY_INDEX_IN_ELEMENT_AT, "indexValue", VONK_F("%lld", (long long)at),
                         "arraySize", VONK_F("%u", span.len));
    *ret = inside ? span.offset + (uint32_t)place : UINT32_MAX;
    return VONK_OK;
}

/* For a gather: a null for each row that is given no place. */
static vonk_status no_places(vonk_eval *ev, uint32_t n_rows, uint32_t **ret, vonk_error *err)
{
    VONK_TRY(vonk_arena_array(ev->scratch, n_rows + 1, sizeof(**ret), ret, err));
    for (uint32_t i = 0; i < n_rows; i++) (*ret)[i] = UINT32_MAX;
    return VONK_OK;
}

static vonk_status pick(const vonk_fn_call *call, vonk_eval *ev, vonk_column *const *args, uint32_t n_rows,
                        vonk_rows rows, picker pick_one, vonk_column **ret, vonk_error *err)
{
    uint32_t *idx;
    const vonk_span *spans = args[0]->data;
    VONK_TRY(no_places(ev, n_rows, &idx, err));
    for (VONK_EACH_ROW(rows, i)) {
        VONK_TRY(pick_one(call, spans[i], vonk_column_i64(args[1], i), &idx[i], err));
    }
    return vonk_column_gather(ev->budget, args[0]->children[0], idx, n_rows, true, ret, err);
}

VONK_FN_EVAL(eval_array_item) { return pick(call, ev, args, n_rows, rows, pick_from_zero, ret, err); }

/* The last entry with the key. */
static uint32_t find_key(const vonk_column *keys, vonk_span span, const vonk_column *key, uint32_t row)
{
    for (uint32_t i = 0; i < span.len; i++)
        if (vonk_column_row_eq(keys, span.offset + i, key, row)) return span.offset + i;
    return UINT32_MAX;
}

VONK_FN_EVAL(eval_map_value)
{
    uint32_t *idx;
    const vonk_span *spans = args[0]->data;
    VONK_TRY(no_places(ev, n_rows, &idx, err));
    for (VONK_EACH_ROW(rows, i)) {
        idx[i] = find_key(args[0]->children[0], spans[i], args[1], i);
    }
    return vonk_column_gather(ev->budget, args[0]->children[1], idx, n_rows, true, ret, err);
}

VONK_FN_EVAL(eval_element_at)
{
    if (args[0]->type->id == VONK_T_MAP) return eval_map_value(call, ev, args, n_rows, rows, ret, err);
    return pick(call, ev, args, n_rows, rows, pick_from_one, ret, err);
}

static vonk_status prepare_struct_fields(vonk_fn_call *call, vonk_error *err)
{
    uint32_t *field = NULL;
    const vonk_type *s = call->arg_types[0]->fields[0].type;
    VONK_TRY(VONK_ARENA_NEW(call->arena, &field, err));
    *field = (uint32_t)vonk_type_field_index(s, vonk_column_str(call->constants[1], 0), call->env->case_sensitive);
    call->state = field;
    return VONK_OK;
}

/* A struct that is null makes its field null. */
static vonk_status field_with_nulls(vonk_eval *ev, const vonk_column *s, uint32_t field, vonk_column **ret,
                                    vonk_error *err)
{
    vonk_column *child = s->children[field];
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *bits = NULL;
    if (!s->validity) {
        *ret = vonk_column_ref(child);
        return VONK_OK;
    }
    VONK_TRY(vonk_buffer_new(ev->budget, vonk_bits_bytes(s->n_rows), &bits, err));
    memcpy(bits->data, s->validity, vonk_bits_bytes(s->n_rows));
    if (child->validity) vonk_bits_and(bits->data, child->validity, s->n_rows);
    return vonk_column_with_validity(ev->budget, child, VONK_STEAL(bits), ret, err);
}

VONK_FN_EVAL(eval_struct_fields)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *child = NULL;
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, VONK_ALL_ROWS(n_rows), &r, err));
    memcpy(r.data, args[0]->data, n_rows * sizeof(vonk_span));
    VONK_TRY(field_with_nulls(ev, args[0]->children[0], *(const uint32_t *)call->state, &child, err));
    VONK_TRY(vonk_column_set_children(r.column, &child, 1, err));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* Without ANSI the size of NULL is -1, unless spark.sql.legacy.sizeOfNull says otherwise. */
static bool null_has_size(const vonk_fn_env *env, const vonk_fn *fn)
{
    bool size = strcmp(vonk_fn_canonical(fn)->name, "size") == 0;
    return size && !env->ansi && !vonk_fn_setting_is(env, "spark.sql.legacy.sizeOfNull", "false");
}

static vonk_status resolve_size(vonk_fn_types *t, vonk_error *err)
{
    (void)err;
    if (null_has_size(t->env, t->fn)) t->result_nullable = false;
    return VONK_OK;
}

VONK_FN_EVAL(eval_size)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    bool all_nulls = args[0]->type->id == VONK_T_NULL, sized = null_has_size(call->env, call->fn);
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    const vonk_span *spans = args[0]->data;
    for (VONK_EACH_ROW(rows, i)) {
        bool null = all_nulls || vonk_column_is_null(args[0], i);
        if (null && !sized) VONK_TRY(vonk_result_null(&r, i, err));
        ((int32_t *)r.data)[i] = null ? -1 : (int32_t)spans[i].len;
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}
