/* func/collection_set.c -- arrays as sets: distinct, union, intersection, difference, membership. */
#include "func/coerce.h"
#include "column/rows.h"
#include "func/collection_int.h"
#include "func/tables.h"

static vonk_body eval_contains, eval_distinct, eval_except, eval_intersect, eval_overlap, eval_position, eval_remove,
    eval_union;
static vonk_status resolve_contains(vonk_fn_types *types, vonk_error *err);
static vonk_status resolve_value(vonk_fn_types *types, vonk_error *err);
static vonk_status resolve_pair(vonk_fn_types *types, vonk_error *err);
static vonk_status resolve_overlap(vonk_fn_types *types, vonk_error *err);
static vonk_status resolve_distinct(vonk_fn_types *types, vonk_error *err);

#define ROW .group = "array_funcs", .raises = VONK_NEVER_RAISES
#define PAIR .args = "any,any", ROW, .resolve = resolve_pair

const vonk_fn vonk_fns_collection_set[] = {
    {.name = "array_contains",
     .args = "any,any",
     .result = "boolean",
     ROW,
     .resolve = resolve_contains,
     .eval = eval_contains,
     .since = "1.5.0",
     .doc = "Whether the array has the value. NULL when it has not, but has a null.",
     .example = "array_contains(array(1, 2, 3), 2)",
     .expect = "true"},
    {.name = "array_distinct",
     .args = "array<any>",
     .result = "arg0",
     ROW,
     .resolve = resolve_distinct,
     .eval = eval_distinct,
     .since = "2.4.0",
     .doc = "The array without elements that were there before.",
     .example = "array_distinct(array(1, 2, 3, NULL, 3))",
     .expect = "[1, 2, 3, null]"},
    {.name = "array_except",
     PAIR,
     .eval = eval_except,
     .since = "2.4.0",
     .doc = "Elements of the first array that are not in the second, each once.",
     .example = "array_except(array(1, 2, 3), array(1, 3, 5))",
     .expect = "[2]"},
    {.name = "array_intersect",
     PAIR,
     .eval = eval_intersect,
     .since = "2.4.0",
     .doc = "Elements that both arrays have, each once.",
     .example = "array_intersect(array(1, 2, 3), array(1, 3, 5))",
     .expect = "[1, 3]"},
    {.name = "array_position",
     .args = "any,any",
     .result = "bigint",
     ROW,
     .resolve = resolve_value,
     .eval = eval_position,
     .since = "2.4.0",
     .doc = "Position (from 1) of the value's first occurrence in the array; 0 when there is none.",
     .example = "array_position(array(312, 773, 708, 708), 708)",
     .expect = "3"},
    {.name = "array_remove",
     .args = "any,any",
     ROW,
     .resolve = resolve_value,
     .eval = eval_remove,
     .since = "2.4.0",
     .doc = "The array without elements equal to the value.",
     .example = "array_remove(array(1, 2, 3, NULL, 3), 3)",
     .expect = "[1, 2, null]"},
    {.name = "array_union",
     PAIR,
     .eval = eval_union,
     .since = "2.4.0",
     .doc = "Elements of both arrays, each once.",
     .example = "array_union(array(1, 2, 3), array(1, 3, 5))",
     .expect = "[1, 2, 3, 5]"},
    {.name = "arrays_overlap",
     .args = "any,any",
     .result = "boolean",
     ROW,
     .resolve = resolve_overlap,
     .eval = eval_overlap,
     .since = "2.4.0",
     .doc = "Whether the arrays have an element other than null in common. NULL when not, but one of them has a null "
            "and neither is empty.",
     .example = "arrays_overlap(array(1, 2, 3), array(3, 4, 5))",
     .expect = "true"},
};
VONK_FN_COUNT(collection_set);

/* ---- types */

vonk_status vonk__array_of(const vonk_fn_types *t, const vonk_type *element, bool nulls, const vonk_type **ret,
                           vonk_error *err)
{
    const vonk_type *made;
    VONK_TRY(vonk_type_array(element, nulls, &made, err));
    return vonk_fn_own_type(t->arena, made, ret, err);
}

static vonk_status not_an_array(const vonk_fn_types *t, uint32_t arg, vonk_error *err)
{
    return vonk_fn_wrong_type(t, arg, "\"ARRAY\"", err);
}

vonk_status vonk__array_mismatch(const vonk_fn_types *t, uint32_t other, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__ARRAY_FUNCTION_DIFF_TYPES, "sqlExpr",
                     vonk_fn_call_text(t, (char[1024]){0}), "functionName", VONK_QUOTED(t->fn->name), "dataType",
                     "\"ARRAY\"", "leftType", VONK_TYPE_SQL(t->types[0]), "rightType", VONK_TYPE_SQL(t->types[other]));
}

vonk_status vonk__resolve_array_and_value(vonk_fn_types *t, uint32_t other, bool widest, const vonk_type **ret_array,
                                          vonk_error *err)
{
    const vonk_type *array = t->types[0], *value = t->types[other], *common = NULL;
    if (array->id != VONK_T_ARRAY) return not_an_array(t, 0, err);
    VONK_TRY((widest ? vonk_coerce_common_no_strings : vonk_coerce_tightest)(array->fields[0].type, value,
                                                                             VONK__ELEMENTS_ANSI, &common, err));
    if (!common) return vonk__array_mismatch(t, other, err);
    VONK_TRY(vonk_fn_own_type(t->arena, common, &common, err));
    VONK_TRY(vonk__array_of(t, common, array->fields[0].nullable, &t->types[0], err));
    t->types[other] = common;
    *ret_array = t->types[0];
    return VONK_OK;
}

static vonk_status null_type(const vonk_fn_types *t, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__NULL_TYPE, "sqlExpr", vonk_fn_call_text(t, (char[1024]){0}),
                     "functionName", VONK_QUOTED(t->fn->name));
}

static vonk_status resolve_contains(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *array;
    if (t->types[0]->id == VONK_T_NULL || t->types[1]->id == VONK_T_NULL) return null_type(t, err);
    VONK_TRY(vonk__resolve_array_and_value(t, 1, true, &array, err));
    if (!vonk_type_is_orderable(t->types[1])) return vonk_fn_not_orderable(t, t->types[1], err);
    t->result_nullable |= array->fields[0].nullable;
    return VONK_OK;
}

static vonk_status resolve_value(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *array;
    const bool removes = strcmp(t->fn->name, "array_remove") == 0;
    if (t->types[0]->id == VONK_T_NULL && !removes) return null_type(t, err);
    if (t->types[0]->id != VONK_T_ARRAY && removes) return vonk__array_mismatch(t, 1, err);
    VONK_TRY(vonk__resolve_array_and_value(t, 1, false, &array, err));
    if (!vonk_type_is_orderable(t->types[1]) && t->types[1]->id != VONK_T_NULL)
        return vonk_fn_not_orderable(t, t->types[1], err);
    return t->result ? VONK_OK : vonk_fn_set_result(t, array);
}

static vonk_status resolve_distinct(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *element = t->types[0]->fields[0].type;
    if (element->id != VONK_T_NULL && !vonk_type_is_orderable(element)) return vonk_fn_not_orderable(t, element, err);
    return VONK_OK;
}

/* Both arrays get their common element type; each keeps whether it has nulls. */
static vonk_status resolve_arrays(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *a = t->types[0], *b = t->types[1], *common = NULL;
    if (a->id == VONK_T_ARRAY && b->id == VONK_T_ARRAY)
        VONK_TRY(vonk_coerce_tightest(a->fields[0].type, b->fields[0].type, VONK__ELEMENTS_ANSI, &common, err));
    if (!common)
        return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__BINARY_ARRAY_DIFF_TYPES, "sqlExpr",
                         vonk_fn_call_text(t, (char[1024]){0}), "functionName", VONK_QUOTED(t->fn->name), "arrayType",
                         "\"ARRAY\"", "leftType", VONK_TYPE_SQL(a), "rightType", VONK_TYPE_SQL(b));
    VONK_TRY(vonk_fn_own_type(t->arena, common, &common, err));
    if (common->id != VONK_T_NULL && !vonk_type_is_orderable(common)) return vonk_fn_not_orderable(t, common, err);
    VONK_TRY(vonk__array_of(t, common, a->fields[0].nullable, &t->types[0], err));
    return vonk__array_of(t, common, b->fields[0].nullable, &t->types[1], err);
}

static vonk_status resolve_pair(vonk_fn_types *t, vonk_error *err)
{
    VONK_TRY(resolve_arrays(t, err));
    const vonk_field *a = &t->types[0]->fields[0], *b = &t->types[1]->fields[0];
    bool is_union = strcmp(t->fn->name, "array_union") == 0, is_except = strcmp(t->fn->name, "array_except") == 0;
    bool nulls = is_union ? a->nullable || b->nullable : is_except ? a->nullable : a->nullable && b->nullable;
    const vonk_type *result;
    VONK_TRY(vonk__array_of(t, a->type, nulls, &result, err));
    return vonk_fn_set_result(t, result);
}

static vonk_status resolve_overlap(vonk_fn_types *t, vonk_error *err)
{
    VONK_TRY(resolve_arrays(t, err));
    t->result_nullable |= t->types[0]->fields[0].nullable || t->types[1]->fields[0].nullable;
    return VONK_OK;
}

/* ---- values */

bool vonk__values_eq(const vonk_column *a, uint32_t i, const vonk_column *b, uint32_t k)
{
    switch (a->type->storage) {
    case VONK_STORE_I8: return VONK_VALUES(a, int8_t)[i] == VONK_VALUES(b, int8_t)[k];
    case VONK_STORE_I16: return VONK_VALUES(a, int16_t)[i] == VONK_VALUES(b, int16_t)[k];
    case VONK_STORE_I32: return VONK_VALUES(a, int32_t)[i] == VONK_VALUES(b, int32_t)[k];
    case VONK_STORE_I64: return VONK_VALUES(a, int64_t)[i] == VONK_VALUES(b, int64_t)[k];
    case VONK_STORE_VIEW:
        if (a->type->collation) break;
        return vonk_view_eq(VONK_VALUES(a, vonk_view) + i, a->heaps, VONK_VALUES(b, vonk_view) + k, b->heaps);
    default: break;
    }
    return vonk_column_row_eq(a, i, b, k);
}

/* ---- sets */

enum { SHORT_LIST = 8 };

vonk_status vonk__rowset_init(vonk__rowset *s, vonk_eval *ev, const vonk_column *column, uint32_t most, vonk_error *err)
{
    *s = (vonk__rowset){.column = column};
    VONK_TRY(vonk_arena_array(ev->scratch, most + 1, sizeof(*s->members), &s->members, err));
    if (most <= SHORT_LIST) return VONK_OK;
    size_t slots = 16;
    while (slots < (size_t)most * 2) slots *= 2;
    VONK_TRY(vonk_arena_array(ev->scratch, slots, sizeof(*s->slots), &s->slots, err));
    VONK_TRY(vonk_arena_array(ev->scratch, column->n_rows + 1, sizeof(*s->hashes), &s->hashes, err));
    return vonk_column_hash(column, VONK_ALL_ROWS(column->n_rows), s->hashes, true, err);
}

void vonk__rowset_clear(vonk__rowset *s, uint32_t expected)
{
    s->n = 0;
    s->hashed = s->hashes && expected > SHORT_LIST;
    if (!s->hashed) return;
    uint32_t slots = 16;
    while (slots < expected * 2) slots *= 2;
    s->mask = slots - 1;
    memset(s->slots, 0xFF, slots * sizeof(*s->slots));
}

static bool same(const vonk__rowset *s, uint32_t a, uint32_t b)
{
    bool an = vonk_null_at(s->column, a), bn = vonk_null_at(s->column, b);
    return an || bn ? an && bn : vonk__values_eq(s->column, a, s->column, b);
}

/* The slot of an equal row, or the free one where it would go. */
static uint32_t find_slot(const vonk__rowset *s, uint32_t row)
{
    for (uint32_t at = (uint32_t)(s->hashes[row] >> 7) & s->mask;; at = (at + 1) & s->mask)
        if (s->slots[at] == UINT32_MAX || same(s, s->slots[at], row)) return at;
}

uint32_t vonk__rowset_find(const vonk__rowset *s, uint32_t row)
{
    if (s->hashed) return s->slots[find_slot(s, row)];
    for (uint32_t i = 0; i < s->n; i++)
        if (same(s, s->members[i], row)) return s->members[i];
    return UINT32_MAX;
}

bool vonk__rowset_has(const vonk__rowset *s, uint32_t row) { return vonk__rowset_find(s, row) != UINT32_MAX; }

bool vonk__rowset_add(vonk__rowset *s, uint32_t row)
{
    if (s->hashed) {
        uint32_t at = find_slot(s, row);
        if (s->slots[at] != UINT32_MAX) return false;
        s->slots[at] = row;
    } else if (vonk__rowset_has(s, row)) {
        return false;
    }
    s->members[s->n++] = row;
    return true;
}

/* ---- one array */

static uint32_t longest(const vonk_column *c, vonk_rows rows)
{
    uint32_t most = 0;
    for (VONK_EACH_ROW(rows, i)) {
        uint32_t len = vonk_span_at(c, i).len;
        if (len > most) most = len;
    }
    return most;
}

VONK_FN_EVAL(eval_distinct)
{
    VONK_AUTO(vonk_lists_done) vonk_lists l = {0};
    const vonk_column *child = args[0]->children[0];
    vonk__rowset set;
    VONK_TRY(vonk__rowset_init(&set, ev, child, longest(args[0], rows), err));
    VONK_TRY(vonk_lists_new(ev, call->type, n_rows, rows, &l, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_span s = vonk_span_at(args[0], i);
        vonk__rowset_clear(&set, s.len);
        for (uint32_t k = s.offset; k < s.offset + s.len; k++)
            if (vonk__rowset_add(&set, k)) VONK_TRY(vonk_lists_add(&l, k, err));
        vonk_lists_close(&l, i);
    }
    return vonk_lists_take(&l, args[0]->children, 1, ret, err);
}

/* First element equal to the value of row `row`, from `from` on; the span's end when there is none. *ret_null: a null
 * was passed. */
static uint32_t find_value(const vonk_column *child, uint32_t from, uint32_t end, const vonk_column *values,
                           uint32_t row, bool *ret_null)
{
    for (uint32_t k = from; k < end; k++) {
        if (vonk_null_at(child, k))
            *ret_null = true;
        else if (vonk__values_eq(child, k, values, row))
            return k;
    }
    return end;
}

VONK_FN_EVAL(eval_contains)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_span s = vonk_span_at(args[0], i);
        bool null = false;
        if (find_value(args[0]->children[0], s.offset, s.offset + s.len, args[1], i, &null) < s.offset + s.len)
            vonk_put_bool(&r, i, true);
        else if (null)
            VONK_TRY(vonk_result_null(&r, i, err));
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_position)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_span s = vonk_span_at(args[0], i);
        bool null = false;
        uint32_t at = find_value(args[0]->children[0], s.offset, s.offset + s.len, args[1], i, &null);
        VONK_OUT(r, int64_t)[i] = at < s.offset + s.len ? (int64_t)(at - s.offset) + 1 : 0;
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_remove)
{
    VONK_AUTO(vonk_lists_done) vonk_lists l = {0};
    const vonk_column *child = args[0]->children[0];
    VONK_TRY(vonk_lists_new(ev, call->type, n_rows, rows, &l, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_span s = vonk_span_at(args[0], i);
        for (uint32_t k = s.offset; k < s.offset + s.len; k++)
            if (vonk_null_at(child, k) || !vonk__values_eq(child, k, args[1], i)) VONK_TRY(vonk_lists_add(&l, k, err));
        vonk_lists_close(&l, i);
    }
    return vonk_lists_take(&l, args[0]->children, 1, ret, err);
}

/* ---- two arrays: their elements stand in one column, those of the second behind those of the first */

typedef struct two_arrays {
    vonk_column *elements;
    uint32_t first[2];
    vonk__rowset set;
} two_arrays;

static vonk_status begin_two(vonk_eval *ev, vonk_column *const *args, vonk_rows rows, two_arrays *t, vonk_error *err)
{
    VONK_TRY(vonk_join_children(ev, args, 2, 0, t->first, &t->elements, err));
    return vonk__rowset_init(&t->set, ev, t->elements, longest(args[0], rows) + longest(args[1], rows), err);
}

static vonk_span span_of(const two_arrays *t, vonk_column *const *args, uint32_t arg, uint32_t row)
{
    vonk_span s = vonk_span_at(args[arg], row);
    s.offset += t->first[arg];
    return s;
}

typedef vonk_status one_row(two_arrays *t, vonk_span a, vonk_span b, vonk_lists *l, vonk_error *err);

static vonk_status make_lists(const vonk_fn_call *call, vonk_eval *ev, vonk_column *const *args, uint32_t n_rows,
                              vonk_rows rows, one_row *row, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_lists_done) vonk_lists l = {0};
    two_arrays t = {0};
    vonk_status st = begin_two(ev, args, rows, &t, err);
    if (st == VONK_OK) st = vonk_lists_new(ev, call->type, n_rows, rows, &l, err);
    for (uint32_t k = 0; k < rows.n && st == VONK_OK; k++) {
        uint32_t i = vonk_row_at(rows, k);
        st = row(&t, span_of(&t, args, 0, i), span_of(&t, args, 1, i), &l, err);
        vonk_lists_close(&l, i);
    }
    if (st == VONK_OK) st = vonk_lists_take(&l, &t.elements, 1, ret, err);
    vonk_column_unref(t.elements);
    return st;
}

static vonk_status union_row(two_arrays *t, vonk_span a, vonk_span b, vonk_lists *l, vonk_error *err)
{
    vonk_span spans[2] = {a, b};
    vonk__rowset_clear(&t->set, a.len + b.len);
    for (int side = 0; side < 2; side++)
        for (uint32_t k = spans[side].offset; k < spans[side].offset + spans[side].len; k++)
            if (vonk__rowset_add(&t->set, k)) VONK_TRY(vonk_lists_add(l, k, err));
    return VONK_OK;
}

static vonk_status except_row(two_arrays *t, vonk_span a, vonk_span b, vonk_lists *l, vonk_error *err)
{
    vonk__rowset_clear(&t->set, a.len + b.len);
    for (uint32_t k = b.offset; k < b.offset + b.len; k++) (void)vonk__rowset_add(&t->set, k);
    for (uint32_t k = a.offset; k < a.offset + a.len; k++)
        if (vonk__rowset_add(&t->set, k)) VONK_TRY(vonk_lists_add(l, k, err));
    return VONK_OK;
}

/* What is in the second is looked up there; what was taken already is looked up among the row's results, so that one
 * set is enough. */
static vonk_status intersect_row(two_arrays *t, vonk_span a, vonk_span b, vonk_lists *l, vonk_error *err)
{
    uint32_t taken = (uint32_t)l->n;
    vonk__rowset_clear(&t->set, b.len);
    for (uint32_t k = b.offset; k < b.offset + b.len; k++) (void)vonk__rowset_add(&t->set, k);
    for (uint32_t k = a.offset; k < a.offset + a.len; k++)
        if (vonk__rowset_has(&t->set, k)) VONK_TRY(vonk_lists_add(l, k, err));
    uint32_t n = (uint32_t)l->n, kept = taken;
    vonk__rowset_clear(&t->set, n - taken);
    for (uint32_t k = taken; k < n; k++)
        if (vonk__rowset_add(&t->set, l->at[k])) l->at[kept++] = l->at[k];
    l->n = kept;
    return VONK_OK;
}

VONK_FN_EVAL(eval_union) { return make_lists(call, ev, args, n_rows, rows, union_row, ret, err); }
VONK_FN_EVAL(eval_except) { return make_lists(call, ev, args, n_rows, rows, except_row, ret, err); }
VONK_FN_EVAL(eval_intersect) { return make_lists(call, ev, args, n_rows, rows, intersect_row, ret, err); }

/* 1: a common element; 0: none; -1: none, but a null. */
static int overlap_row(two_arrays *t, vonk_span a, vonk_span b)
{
    bool null = false;
    if (!a.len || !b.len) return 0;
    vonk__rowset_clear(&t->set, b.len);
    for (uint32_t k = b.offset; k < b.offset + b.len; k++) {
        if (vonk_null_at(t->elements, k))
            null = true;
        else
            (void)vonk__rowset_add(&t->set, k);
    }
    for (uint32_t k = a.offset; k < a.offset + a.len; k++) {
        if (vonk_null_at(t->elements, k))
            null = true;
        else if (vonk__rowset_has(&t->set, k))
            return 1;
    }
    return null ? -1 : 0;
}

VONK_FN_EVAL(eval_overlap)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    two_arrays t = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    vonk_status st = begin_two(ev, args, rows, &t, err);
    for (uint32_t k = 0; k < rows.n && st == VONK_OK; k++) {
        uint32_t i = vonk_row_at(rows, k);
        int answer = overlap_row(&t, span_of(&t, args, 0, i), span_of(&t, args, 1, i));
        vonk_put_bool(&r, i, answer > 0);
        if (answer < 0) st = vonk_result_null(&r, i, err);
    }
    vonk_column_unref(t.elements);
    if (st == VONK_OK) *ret = vonk_result_take(&r);
    return st;
}
