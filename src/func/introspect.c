/* func/introspect.c -- what a query may ask about itself: types, where a row is, checks; types as functions. */
#include "base/version.h"
#include "func/body.h"
#include "func/literal_text.h"
#include "func/tables.h"
#include "sys/entropy.h"

static vonk_body eval_typeof, eval_raise, eval_assert, eval_partition, eval_increasing, eval_uuid;
static vonk_status resolve_assert(vonk_fn_types *t, vonk_error *err);
static vonk_status prepare_typeof(vonk_fn_call *call, vonk_error *err);
static vonk_status prepare_increasing(vonk_fn_call *call, vonk_error *err);

#define ROW .group = "misc_funcs"
#define BOUND .args = "", .nulls = VONK_NEVER_NULL, .volatility = VONK_PARTITION_BOUND, .raises = VONK_NEVER_RAISES, ROW
#define FACT(r)                                                                                                        \
    .kind = VONK_FN_PLANNED, .args = "", .result = r, .nulls = VONK_NEVER_NULL, .volatility = VONK_QUERY_CONSTANT, ROW
#define CASTS(type)                                                                                                    \
    .kind = VONK_FN_REWRITE, .args = "any", .rewrite = "CAST($1 AS " type ")", .text = "$1",                           \
    .group = "conversion_funcs", .since = "2.0.1", .doc = "The value as " type "."

/* clang-format off */
const vonk_fn vonk_fns_introspect[] = {
    {.name = "typeof", .args = "any", .result = "string", .nulls = VONK_NEVER_NULL, .raises = VONK_NEVER_RAISES, ROW,
     .prepare = prepare_typeof, .eval = eval_typeof, .since = "3.0.0", .doc = "The name of the value's type.",
     .example = "typeof(array(1))", .expect = "array<int>"},
    {.name = "assert_true", .args = "any,string", .result = "void", .nulls = VONK_NULLS_OWN,
     .nullable = VONK_NULLABLE_ALWAYS, ROW, .resolve = resolve_assert, .eval = eval_assert, .since = "2.0.0",
     .doc = "NULL when the condition is true, else an error; the second argument is its message.",
     .example = "assert_true(0 < 1)", .expect = "NULL"},
    {.name = "raise_error", .args = "string", .result = "void", .nulls = VONK_NULLS_OWN, .nullable = VONK_NULLABLE_ALWAYS, ROW,
     .text = "$0(USER_RAISED_EXCEPTION, map(errorMessage, $1))", .eval = eval_raise, .since = "3.1.0",
     .doc = "Ends the query with this message.", .example = "raise_error('custom')", .expect = "!USER_RAISED_EXCEPTION"},
    {.name = "equal_null", .kind = VONK_FN_REWRITE, .rewrite = "$1 <=> $2", .args = "any,any", .group = "predicate_funcs",
     .since = "3.4.0", .doc = "Are both values equal, or both NULL?", .example = "equal_null(NULL, NULL)", .expect = "true"},
    {.name = "spark_partition_id", BOUND, .result = "int", .text = "SPARK_PARTITION_ID()", .eval = eval_partition,
     .since = "1.4.0", .doc = "The number of the partition that the row is in.", .example = "spark_partition_id()", .expect = "0"},
    {.name = "monotonically_increasing_id", BOUND, .result = "bigint", .prepare = prepare_increasing, .eval = eval_increasing,
     .since = "1.4.0", .doc = "Numbers that grow from row to row: the partition's number in the upper 31 bits, the row's in the lower 33.",
     .example = "monotonically_increasing_id()", .expect = "0"},
    {.name = "uuid", BOUND, .result = "string", .eval = eval_uuid, .since = "2.3.0", .doc = "A random UUID (version 4).",
     .example = "length(uuid())", .expect = "36"},
    {.name = "current_user", FACT("string"), .since = "3.2.0", .doc = "Who runs the query.", .example = "length(current_user()) > 0", .expect = "true"},
    {.name = "user", FACT("string"), .since = "3.4.0", .doc = "Who runs the query.", .example = "user() = current_user()", .expect = "true"},
    {.name = "session_user", FACT("string"), .since = "4.0.0", .doc = "Who runs the query.", .example = "session_user() = current_user()", .expect = "true"},
    {.name = "current_catalog", FACT("string"), .since = "3.1.0", .doc = "The catalog in which names are looked up.",
     .example = "current_catalog()", .expect = "spark_catalog"},
    {.name = "current_schema", FACT("string"), .since = "3.4.0", .doc = "The database in which names are looked up.",
     .example = "current_schema()", .expect = "default"},
    {.name = "current_database", FACT("string"), .since = "1.6.0", .doc = "The database in which names are looked up.",
     .example = "current_database()", .expect = "default"},
    {.name = "version", FACT("string"), .since = "3.0.0", .doc = "The version, and what it is a version of.",
     .example = "version()", .expect = VONK_SPARK_VERSION " vonk"},
    {.name = "bigint", CASTS("BIGINT"), .example = "bigint('5')", .expect = "5"},
    {.name = "binary", CASTS("BINARY"), .example = "binary('a')", .expect = "a"},
    {.name = "boolean", CASTS("BOOLEAN"), .example = "boolean('yes')", .expect = "true"},
    {.name = "date", CASTS("DATE"), .example = "date('2009-07-30 04:17:52')", .expect = "2009-07-30"},
    {.name = "decimal", CASTS("DECIMAL(10,0)"), .example = "decimal('1.5')", .expect = "2"},
    {.name = "double", CASTS("DOUBLE"), .example = "double('1.5')", .expect = "1.5"},
    {.name = "float", CASTS("FLOAT"), .example = "float('1.5')", .expect = "1.5"},
    {.name = "int", CASTS("INT"), .example = "int('5')", .expect = "5"},
    {.name = "smallint", CASTS("SMALLINT"), .example = "smallint('5')", .expect = "5"},
    {.name = "string", CASTS("STRING"), .example = "string(5)", .expect = "5"},
    {.name = "time", CASTS("TIME(6)"), .example = "time('04:17:52')", .expect = "04:17:52"},
    {.name = "timestamp", CASTS("TIMESTAMP"), .example = "timestamp('2009-07-30 04:17:52')", .expect = "2009-07-30 04:17:52"},
    {.name = "tinyint", CASTS("TINYINT"), .example = "tinyint('5')", .expect = "5"},
};
/* clang-format on */
VONK_FN_COUNT(introspect);

/* ---- typeof */

static vonk_status prepare_typeof(vonk_fn_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_str *name;
    vonk_buf_init(&text, vonk_arena_budget(call->arena), SIZE_MAX);
    VONK_TRY(VONK_ARENA_NEW(call->arena, &name, err));
    VONK_TRY(vonk_type_catalog_string(call->arg_types[0], &text, err));
    VONK_TRY(vonk_arena_str(call->arena, vonk_buf_str(&text), name, err));
    call->state = name;
    return VONK_OK;
}

VONK_FN_EVAL(eval_typeof)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    (void)args;
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) VONK_TRY(vonk_strings_put(&s, i, *(const vonk_str *)call->state, err));
    return vonk_strings_take(&s, ret, err);
}

/* ---- errors that users ask for */

/* Errors of types show what Spark makes of the call. */
static vonk_status resolve_assert(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type_id id = t->types[0]->id;
    vonk_fn_types shown = *t;
    if (id == VONK_T_BOOLEAN || id == VONK_T_NULL) {
        t->types[0] = &vonk_type_boolean;
        return VONK_OK;
    }
    if (t->texts)
        VONK_TRY(vonk_arena_printf(t->arena, &shown.text, err,
                                   "(IF(%.*s, NULL, raise_error(USER_RAISED_EXCEPTION, map(errorMessage, %.*s))))",
                                   VONK_STR_ARGS(t->texts[0]), VONK_STR_ARGS(t->texts[1])));
    return vonk_fn_wrong_type(&shown, 0, "\"BOOLEAN\"", err);
}

static vonk_status raise_message(const vonk_column *messages, uint32_t row, vonk_error *err)
{
    vonk_str message = vonk_null_at(messages, row) ? VONK_STR("null") : vonk_str_at(messages, row);
    return VONK_FAIL(err, VONK_E_USER_RAISED_EXCEPTION, "errorMessage", VONK_S(message));
}

VONK_FN_EVAL(eval_raise)
{
    if (rows.n) return raise_message(args[0], vonk_row_at(rows, 0), err);
    return vonk_column_new_nulls(ev->budget, call->type, n_rows, ret, err);
}

VONK_FN_EVAL(eval_assert)
{
    for (VONK_EACH_ROW(rows, i))
        if (vonk_null_at(args[0], i) || !vonk_bool_at(args[0], i)) return raise_message(args[1], i, err);
    return vonk_column_new_nulls(ev->budget, call->type, n_rows, ret, err);
}

/* ---- where a row is */

VONK_FN_EVAL(eval_partition)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    (void)args;
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) VONK_OUT(r, int32_t)[i] = ev->partition;
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

static vonk_status prepare_increasing(vonk_fn_call *call, vonk_error *err)
{
    (void)err;
    call->local_bytes = sizeof(int64_t);
    return VONK_OK;
}

/* As in Spark, rows that are not evaluated (in a CASE) are not counted. */
VONK_FN_EVAL(eval_increasing)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    int64_t none = 0, *n = ev->local ? ev->local : &none, first = (int64_t)ev->partition << 33;
    (void)args;
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) VONK_OUT(r, int64_t)[i] = first + (*n)++;
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_uuid)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    char text[37];
    (void)args;
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_random_uuid(text);
        VONK_TRY(vonk_strings_put(&s, i, (vonk_str){text, 36}, err));
    }
    return vonk_strings_take(&s, ret, err);
}
