/* func/window.c -- functions that exist in windows only. exec's window operator knows them by name; here are their
 * types. */
#include "func/coerce.h"
#include "func/resolve.h"
#include "func/tables.h"

static vonk_status resolve_ntile(vonk_fn_types *t, vonk_error *err);
static vonk_status resolve_nth(vonk_fn_types *t, vonk_error *err);
static vonk_status resolve_offset(vonk_fn_types *t, vonk_error *err);

#define WINDOW .kind = VONK_FN_WINDOW, .group = "window_funcs", .raises = VONK_NEVER_RAISES

/* clang-format off */
const vonk_fn vonk_fns_window[] = {
    {.name = "row_number", WINDOW, .args = "", .result = "int", .nulls = VONK_NEVER_NULL, .since = "2.0.0",
     .doc = "The number of the row in its partition, counted from 1.",
     .example = "row_number() OVER (ORDER BY 1)", .expect = "1"},
    {.name = "rank", WINDOW, .args = "any...", .result = "int", .nulls = VONK_NEVER_NULL, .text = "RANK()", .since = "2.0.0",
     .doc = "One more than the number of rows that come before in the order; equal rows have equal ranks.",
     .example = "rank() OVER (ORDER BY 1)", .expect = "1"},
    {.name = "dense_rank", WINDOW, .args = "any...", .result = "int", .nulls = VONK_NEVER_NULL, .text = "DENSE_RANK()",
     .since = "2.0.0", .doc = "The rank without gaps: how many different values come up to this row.",
     .example = "dense_rank() OVER (ORDER BY 1)", .expect = "1"},
    {.name = "percent_rank", WINDOW, .args = "any...", .result = "double", .nulls = VONK_NEVER_NULL, .text = "PERCENT_RANK()",
     .since = "2.0.0", .doc = "The rank as a share: (rank - 1) / (rows - 1), 0 for a single row.",
     .example = "percent_rank() OVER (ORDER BY 1)", .expect = "0.0"},
    {.name = "cume_dist", WINDOW, .args = "", .result = "double", .nulls = VONK_NEVER_NULL, .since = "2.0.0",
     .doc = "The share of rows that come before or are equal in the order.", .example = "cume_dist() OVER (ORDER BY 1)",
     .expect = "1.0"},
    {.name = "ntile", WINDOW, .args = "any?", .result = "int", .nulls = VONK_NEVER_NULL, .text = "ntile(1); ntile($1)",
     .resolve = resolve_ntile, .since = "2.0.0", .doc = "The number of the row's bucket when the partition is cut into n equal ones.",
     .example = "ntile(2) OVER (ORDER BY 1)", .expect = "1"},
    {.name = "lag", WINDOW, .args = "any,any?,any?", .result = "arg0", .nulls = VONK_NULLS_OWN,
     .text = "lag($1, 1, NULL); lag($1, $2, NULL); lag($1, $2, $3)", .resolve = resolve_offset, .since = "2.0.0",
     .doc = "The value so many rows before (1 when not said); the third value where there is no such row.",
     .example = "lag(1) OVER (ORDER BY 1)", .expect = "NULL"},
    {.name = "lead", WINDOW, .args = "any,any?,any?", .result = "arg0", .nulls = VONK_NULLS_OWN,
     .text = "lead($1, 1, NULL); lead($1, $2, NULL); lead($1, $2, $3)", .resolve = resolve_offset, .since = "2.0.0",
     .doc = "The value so many rows behind (1 when not said); the third value where there is no such row.",
     .example = "lead(1) OVER (ORDER BY 1)", .expect = "NULL"},
    {.name = "nth_value", WINDOW, .args = "any,int,boolean?", .result = "arg0", .nulls = VONK_NULLS_OWN, .nullable = VONK_NULLABLE_ALWAYS,
     .text = "nth_value($1, $2)", .resolve = resolve_nth, .since = "3.1.0", .doc = "The value of the n-th row of the frame, counted from 1.",
     .example = "nth_value(5, 1) OVER (ORDER BY 1)", .expect = "5"},
};
/* clang-format on */
VONK_FN_COUNT(window);

static vonk_status not_constant(const vonk_fn_types *t, uint32_t arg, const char *name, const vonk_type *type,
                                vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__NON_FOLDABLE_INPUT, "sqlExpr",
                     vonk_fn_call_text(t, (char[1024]){0}), "inputName", name, "inputType", VONK_TYPE_SQL(type),
                     "inputExpr", VONK_F("\"%.*s\"", VONK_STR_ARGS(t->texts ? t->texts[arg] : VONK_STR("?"))));
}

static vonk_status out_of_range(const vonk_fn_types *t, const char *name, const char *range, const char *value,
                                vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__VALUE_OUT_OF_RANGE, "sqlExpr",
                     vonk_fn_call_text(t, (char[1024]){0}), "exprName", name, "valueRange", range, "currentValue",
                     value);
}

static vonk_status resolve_ntile(vonk_fn_types *t, vonk_error *err)
{
    int64_t n = 0;
    bool is_null;
    if (t->n_args == 0) return VONK_OK;
    if (!t->constants || !t->constants[0]) return not_constant(t, 0, "`buckets`", t->types[0], err);
    if (t->types[0]->id != VONK_T_INT) return vonk_fn_wrong_type(t, 0, "\"INT\"", err);
    VONK_TRY(vonk_fn_constant_int(t, 0, &n, &is_null, err));
    return n > 0 ? VONK_OK : out_of_range(t, "buckets", "(0, 2147483647]", VONK_F("%lld", (long long)n), err);
}

static vonk_status resolve_nth(vonk_fn_types *t, vonk_error *err)
{
    int64_t n = 0;
    bool is_null;
    if (!t->constants || !t->constants[1]) return not_constant(t, 1, "`offset`", &vonk_type_int, err);
    VONK_TRY(vonk_fn_constant_int(t, 1, &n, &is_null, err));
    return n > 0 ? VONK_OK : out_of_range(t, "offset", "(0, 9223372036854775807]", VONK_F("%lldL", (long long)n), err);
}

/* What stands for a missing row gets the type of the others; without it there is nothing. */
static vonk_status resolve_offset(vonk_fn_types *t, vonk_error *err)
{
    if (t->n_args > 1 && !t->constants[1]) return not_constant(t, 1, "`offset`", t->types[1], err);
    if (t->n_args > 2 && !vonk_type_same(t->types[2], t->types[0])) {
        if (!vonk_coerce_implicit(t->types[2], t->types[0], t->env->ansi))
            return vonk_fn_wrong_type(t, 2, VONK_F("(%s or \"VOID\")", VONK_TYPE_SQL(t->types[0])), err);
        t->types[2] = t->types[0];
    }
    t->result_nullable = t->n_args < 3 || t->nullable[0] || t->nullable[2];
    return VONK_OK;
}
