/* func/generator.c -- functions that make rows: explode and its kin. The result type is a struct of the columns that
 * they put out. */
#include "func/coerce.h"
#include "func/resolve.h"
#include "func/result.h"
#include "func/tables.h"

static vonk_status resolve_explode(vonk_fn_types *t, vonk_error *err);
static vonk_status resolve_inline(vonk_fn_types *t, vonk_error *err);
static vonk_status resolve_stack(vonk_fn_types *t, vonk_error *err);
static vonk_status generate_explode(const vonk_fn_call *call, vonk_eval *ev, vonk_column *const *args, uint32_t n_rows,
                                    vonk_rows rows, uint32_t *ret_counts, vonk_column **ret_columns, vonk_error *err);
static vonk_status generate_inline(const vonk_fn_call *call, vonk_eval *ev, vonk_column *const *args, uint32_t n_rows,
                                   vonk_rows rows, uint32_t *ret_counts, vonk_column **ret_columns, vonk_error *err);
static vonk_status generate_stack(const vonk_fn_call *call, vonk_eval *ev, vonk_column *const *args, uint32_t n_rows,
                                  vonk_rows rows, uint32_t *ret_counts, vonk_column **ret_columns, vonk_error *err);

#define GENERATOR .kind = VONK_FN_GENERATOR, .group = "generator_funcs", .raises = VONK_NEVER_RAISES

/* clang-format off */
const vonk_fn vonk_fns_generator[] = {
    {.name = "explode", GENERATOR, .args = "array|map", .resolve = resolve_explode, .generate = generate_explode, .since = "1.0.0",
     .doc = "A row for each element of an array, or for each entry of a map.", .example = "explode(array(10, 20))", .expect = "10"},
    {.name = "explode_outer", .errors_of = "explode", .alias_of = "explode", .doc = "explode with one row of NULLs where there is no element.",
     .example = "explode_outer(array(10, 20))", .expect = "10"},
    {.name = "posexplode", GENERATOR, .args = "array|map", .resolve = resolve_explode, .generate = generate_explode, .since = "2.0.0",
     .doc = "explode with the position, counted from 0, in front.", .example = "posexplode(array(10, 20))", .expect = "0"},
    {.name = "posexplode_outer", .errors_of = "posexplode", .alias_of = "posexplode", .doc = "posexplode with one row of NULLs where there is no element.",
     .example = "posexplode_outer(array(10, 20))", .expect = "0"},
    {.name = "inline", GENERATOR, .resolve = resolve_inline, .generate = generate_inline, .since = "2.0.0",
     .doc = "A row for each struct of an array, a column for each field.", .example = "inline(array(struct(1, 'a')))", .expect = "1"},
    {.name = "inline_outer", .errors_of = "inline", .alias_of = "inline", .doc = "inline with one row of NULLs where there is no struct.",
     .example = "inline_outer(array(struct(1, 'a')))", .expect = "1"},
    {.name = "stack", GENERATOR, .resolve = resolve_stack, .generate = generate_stack, .since = "2.0.0",
     .doc = "The values cut into n rows.", .example = "stack(2, 1, 2, 3)", .expect = "1"},
};
/* clang-format on */
VONK_FN_COUNT(generator);

/* ---- types */

static vonk_status set_struct(vonk_fn_types *t, const vonk_field *fields, uint32_t n, vonk_error *err)
{
    const vonk_type *made = NULL;
    VONK_TRY(vonk_type_struct(fields, n, &made, err));
    const vonk_status set = vonk_fn_set_result(t, made);
    vonk_type_unref(made);
    t->result_nullable = false;
    return set;
}

static bool with_position(const vonk_fn *fn) { return vonk_fn_canonical(fn)->name[0] == 'p'; }

static vonk_status resolve_explode(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *in = t->types[0];
    vonk_field fields[3];
    uint32_t n = 0;
    if (in->id == VONK_T_NULL) return vonk_fn_wrong_type(t, 0, "(\"ARRAY\" or \"MAP\")", err);
    if (with_position(t->fn)) fields[n++] = (vonk_field){.name = VONK_STR("pos"), .type = &vonk_type_int};
    for (uint32_t i = 0; i < in->n_fields; i++, n++) {
        fields[n] = in->fields[i];
        if (in->id == VONK_T_ARRAY) fields[n].name = VONK_STR("col");
    }
    return set_struct(t, fields, n, err);
}

static vonk_status resolve_inline(vonk_fn_types *t, vonk_error *err)
{
    if (t->n_args != 1) return vonk_fn_wrong_count(t, "1", err);
    const vonk_type *s = t->types[0]->id == VONK_T_ARRAY ? t->types[0]->fields[0].type : NULL;
    vonk_field *fields = NULL;
    if (!s || s->id != VONK_T_STRUCT) return vonk_fn_wrong_type(t, 0, "\"ARRAY<STRUCT>\"", err);
    VONK_TRY(vonk_arena_array(t->arena, s->n_fields + 1, sizeof(*fields), &fields, err));
    for (uint32_t i = 0; i < s->n_fields; i++) {
        fields[i] = s->fields[i];
        fields[i].nullable |= t->types[0]->fields[0].nullable;
    }
    return set_struct(t, fields, s->n_fields, err);
}

static vonk_status stack_rows(const vonk_fn_types *t, uint32_t *ret, vonk_error *err)
{
    const vonk_column *n = t->constants ? t->constants[0] : NULL;
    if (t->n_args < 2) return vonk_fn_wrong_count(t, "> 1", err);
    if (t->types[0]->id != VONK_T_INT) return vonk_fn_wrong_type(t, 0, "\"INT\"", err);
    if (!n)
        return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__NON_FOLDABLE_INPUT, "sqlExpr",
                         vonk_fn_call_text(t, (char[1024]){0}), "inputName", "`n`", "inputType", "\"INT\"", "inputExpr",
                         VONK_F("\"%.*s\"", VONK_STR_ARGS(t->texts ? t->texts[0] : VONK_STR("?"))));
    int64_t v = n && !vonk_column_is_null(n, 0) ? vonk_column_i64(n, 0) : 0;
    if (v > 0 && v <= INT32_MAX) {
        *ret = (uint32_t)v;
        return VONK_OK;
    }
    return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__VALUE_OUT_OF_RANGE, "sqlExpr",
                     vonk_fn_call_text(t, (char[1024]){0}), "exprName", "`n`", "valueRange", "(0, 2147483647]",
                     "currentValue", VONK_F("%lld", (long long)v));
}

/* Values of one column must have one type; NULLs take it. */
static vonk_status stack_column(vonk_fn_types *t, uint32_t column, uint32_t n_columns, const vonk_type **ret,
                                vonk_error *err)
{
    const vonk_type *type = &vonk_type_null;
    uint32_t first = 0;
    for (uint32_t i = 1 + column; i < t->n_args; i += n_columns) {
        if (t->types[i]->id == VONK_T_NULL) continue;
        if (type->id == VONK_T_NULL) {
            type = t->types[i];
            first = i;
        } else if (!vonk_type_same(type, t->types[i])) {
            return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__STACK_COLUMN_DIFF_TYPES, "sqlExpr",
                             vonk_fn_call_text(t, (char[1024]){0}), "columnIndex", VONK_F("%u", column), "leftType",
                             VONK_TYPE_SQL(type), "leftParamIndex", VONK_F("%u", first), "rightType",
                             VONK_TYPE_SQL(t->types[i]), "rightParamIndex", VONK_F("%u", i));
        }
    }
    for (uint32_t i = 1 + column; i < t->n_args; i += n_columns) t->types[i] = type;
    *ret = type;
    return VONK_OK;
}

static vonk_status resolve_stack(vonk_fn_types *t, vonk_error *err)
{
    uint32_t n_rows = 0;
    vonk_field *fields = NULL;
    VONK_TRY(stack_rows(t, &n_rows, err));
    assert(n_rows > 0);
    uint32_t n = (t->n_args - 1 + n_rows - 1) / n_rows;
    VONK_TRY(vonk_arena_array(t->arena, n + 1, sizeof(*fields), &fields, err));
    for (uint32_t i = 0; i < n; i++) {
        VONK_TRY(stack_column(t, i, n, &fields[i].type, err));
        VONK_TRY(vonk_arena_printf(t->arena, &fields[i].name, err, "col%u", i));
        fields[i].nullable = true;
    }
    return set_struct(t, fields, n, err);
}

/* ---- bodies */

static bool is_null(const vonk_column *c, uint32_t row) { return c->validity && !vonk_bit_get(c->validity, row); }

/* Child rows of all spans, one after the other. */
static vonk_status element_rows(vonk_eval *ev, const vonk_column *arg, vonk_rows rows, uint32_t *counts,
                                uint32_t **ret_idx, uint32_t *ret_n, vonk_error *err)
{
    const vonk_span *spans = arg->data;
    size_t total = 0;
    uint32_t at = 0;
    for (uint32_t k = 0; k < rows.n; k++) {
        uint32_t i = vonk_row_at(rows, k);
        counts[k] = is_null(arg, i) ? 0 : spans[i].len;
        total += counts[k];
    }
    if (total >= UINT32_MAX)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "so many generated rows in one batch");
    VONK_TRY(vonk_arena_array(ev->scratch, total + 1, sizeof(uint32_t), ret_idx, err));
    for (uint32_t k = 0; k < rows.n; k++)
        for (uint32_t j = 0; j < counts[k]; j++) (*ret_idx)[at++] = spans[vonk_row_at(rows, k)].offset + j;
    *ret_n = at;
    return VONK_OK;
}

static vonk_status positions(vonk_eval *ev, const uint32_t *counts, uint32_t n, uint32_t total, vonk_column **ret,
                             vonk_error *err)
{
    int32_t *out;
    uint32_t at = 0;
    VONK_TRY(vonk_column_new(ev->budget, &vonk_type_int, total, false, ret, (void **)&out, NULL, err));
    for (uint32_t k = 0; k < n; k++)
        for (uint32_t j = 0; j < counts[k]; j++) out[at++] = (int32_t)j;
    return VONK_OK;
}

static void drop(vonk_column **columns, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) vonk_column_unref(columns[i]);
}

static vonk_status generate_explode(const vonk_fn_call *call, vonk_eval *ev, vonk_column *const *args, uint32_t n_rows,
                                    vonk_rows rows, uint32_t *ret_counts, vonk_column **ret_columns, vonk_error *err)
{
    uint32_t *idx, total, n = 0;
    VONK_TRY(element_rows(ev, args[0], rows, ret_counts, &idx, &total, err));
    vonk_status st = VONK_OK;
    if (with_position(call->fn)) st = positions(ev, ret_counts, rows.n, total, &ret_columns[n++], err);
    if (st != VONK_OK) return st;
    for (uint32_t i = 0; i < args[0]->n_children && st == VONK_OK; i++) {
        st = vonk_column_gather(ev->budget, args[0]->children[i], idx, total, false, &ret_columns[n], err);
        if (st == VONK_OK) n++;
    }
    if (st != VONK_OK) drop(ret_columns, n);
    return st;
}

static vonk_status generate_inline(const vonk_fn_call *call, vonk_eval *ev, vonk_column *const *args, uint32_t n_rows,
                                   vonk_rows rows, uint32_t *ret_counts, vonk_column **ret_columns, vonk_error *err)
{
    uint32_t *idx, total, n = 0;
    const vonk_column *s = args[0]->children[0];
    VONK_TRY(element_rows(ev, args[0], rows, ret_counts, &idx, &total, err));
    for (uint32_t k = 0; k < total; k++)
        if (is_null(s, idx[k])) idx[k] = UINT32_MAX;
    vonk_status st = VONK_OK;
    for (uint32_t i = 0; i < s->n_children && st == VONK_OK; i++) {
        st = vonk_column_gather(ev->budget, s->children[i], idx, total, true, &ret_columns[n], err);
        if (st == VONK_OK) n++;
    }
    if (st != VONK_OK) drop(ret_columns, n);
    return st;
}

/* Column c of the output: arguments c, c + n_columns, ... of every row. */
static vonk_status stacked(const vonk_fn_call *call, vonk_eval *ev, vonk_column *const *args, uint32_t n_rows,
                           vonk_rows rows, uint32_t column, uint32_t per_row, vonk_column **ret, vonk_error *err)
{
    const vonk_column **parts;
    uint32_t n_columns = call->type->n_fields, n_parts = 0, *idx, at = 0;
    VONK_AUTO(vonk_column_unref) vonk_column *all = NULL;
    VONK_TRY(vonk_arena_array(ev->scratch, per_row + 1, sizeof(*parts), &parts, err));
    VONK_TRY(vonk_arena_array(ev->scratch, (size_t)per_row * rows.n + 1, sizeof(*idx), &idx, err));
    for (uint32_t i = 1 + column; i < call->n_args; i += n_columns) parts[n_parts++] = args[i];
    for (uint32_t k = 0; k < rows.n; k++)
        for (uint32_t j = 0; j < per_row; j++) idx[at++] = j < n_parts ? j * n_rows + vonk_row_at(rows, k) : UINT32_MAX;
    if (n_parts == 0) return vonk_column_new_nulls(ev->budget, call->type->fields[column].type, at, ret, err);
    VONK_TRY(vonk_column_concat(ev->budget, parts, n_parts, &all, err));
    return vonk_column_gather(ev->budget, all, idx, at, true, ret, err);
}

static vonk_status generate_stack(const vonk_fn_call *call, vonk_eval *ev, vonk_column *const *args, uint32_t n_rows,
                                  vonk_rows rows, uint32_t *ret_counts, vonk_column **ret_columns, vonk_error *err)
{
    uint32_t per_row = (uint32_t)vonk_column_i64(call->constants[0], 0), n = 0;
    for (uint32_t k = 0; k < rows.n; k++) ret_counts[k] = per_row;
    for (; n < call->type->n_fields; n++) {
        vonk_status st = stacked(call, ev, args, n_rows, rows, n, per_row, &ret_columns[n], err);
        if (st == VONK_OK) continue;
        drop(ret_columns, n);
        return st;
    }
    return VONK_OK;
}
