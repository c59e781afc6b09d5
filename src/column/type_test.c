/* Tests of types: Spark's own answers (type_cases.def), round trips, hostile text, memory faults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/fault.h"
#include "column/collation.h"
#include "column/type.h"

typedef vonk_status text_of(const vonk_type *t, vonk_buf *out, vonk_error *err);

static void check_text(const char *input, const vonk_type *t, text_of *of, const char *expected)
{
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    if (!expected) return;
    vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
    assert_int_equal(of(t, &out, &err), VONK_OK);
    assert_int_equal(vonk_buf_add_byte(&out, 0, &err), VONK_OK);
    if (strcmp(out.data, expected) != 0) print_error("for: %s\n", input);
    assert_string_equal(out.data, expected);
}

static vonk_status tree_of(const vonk_type *t, vonk_buf *out, vonk_error *err)
{
    return vonk_type_tree_string(t, 0, out, err);
}

static void good(bool json, const char *input, const char *simple, const char *sql, const char *as_json,
                 const char *ddl, const char *tree)
{
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    VONK_AUTO(vonk_type_unref) const vonk_type *t = NULL;
    VONK_AUTO(vonk_type_unref) const vonk_type *again = NULL;
    vonk_status st =
        json ? vonk_type_parse_json(vonk_str_of(input), &t, &err) : vonk_type_parse_ddl(vonk_str_of(input), &t, &err);
    if (st != VONK_OK) print_error("for: %s\n%s\n", input, vonk_error_message(&err));
    assert_int_equal(st, VONK_OK);
    check_text(input, t, vonk_type_simple_string, simple);
    check_text(input, t, vonk_type_sql, sql);
    check_text(input, t, vonk_type_json, as_json);
    if (ddl) check_text(input, t, vonk_type_ddl, ddl);
    if (tree) check_text(input, t, tree_of, tree);
    /* JSON is complete: the same type comes back. char and varchar with a collation have no JSON of their own in Spark.
     */
    if (strstr(as_json, ") collate")) return;
    assert_int_equal(vonk_type_parse_json(vonk_str_of(as_json), &again, &err), VONK_OK);
    assert_true(vonk_type_eq_exact(t, again));
    assert_true(vonk_type_same(t, again));
    check_text(input, again, vonk_type_json, as_json);
}

static int by_text(const void *a, const void *b) { return strcmp(a, b); }

static void bad(bool json, const char *input, const char *condition, const char *sqlstate, const char *params)
{
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    VONK_AUTO(vonk_type_unref) const vonk_type *t = NULL;
    char got[2048] = "", rows[8][256];
    size_t n = 0;
    vonk_status st =
        json ? vonk_type_parse_json(vonk_str_of(input), &t, &err) : vonk_type_parse_ddl(vonk_str_of(input), &t, &err);
    if (st == VONK_OK) print_error("should fail: %s\n", input);
    assert_int_not_equal(st, VONK_OK);
    if (strcmp(vonk_error_condition(&err), condition) != 0)
        print_error("for: %s\n%s\n", input, vonk_error_message(&err));
    assert_string_equal(vonk_error_condition(&err), condition);
    assert_string_equal(vonk_error_sqlstate(&err), sqlstate);
    for (size_t i = 0; i < vonk_error_n_params(&err); i++) {
        const char *name, *value;
        vonk_error_param(&err, i, &name, &value);
        if (strcmp(name, "hint") != 0) (void)snprintf(rows[n++], sizeof(rows[0]), "%s=%.200s", name, value);
    }
    qsort(rows, n, sizeof(rows[0]), by_text);
    for (size_t i = 0; i < n; i++)
        (void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", i ? ";" : "", rows[i]);
    if (strcmp(got, params) != 0) print_error("for: %s\n", input);
    assert_string_equal(got, params);
}

static void answers_as_spark(void **state)
{
#define OK_DDL(...) good(false, __VA_ARGS__);
#define OK_JSON(...) good(true, __VA_ARGS__);
#define BAD_DDL(...) bad(false, __VA_ARGS__);
#define BAD_JSON(...) bad(true, __VA_ARGS__);
#include "column/type_cases.def"
}

static const vonk_type *parse(const char *text)
{
    vonk_error err = VONK_ERROR_INIT;
    const vonk_type *t = NULL;
    assert_int_equal(vonk_type_parse_ddl(vonk_str_of(text), &t, &err), VONK_OK);
    return t;
}

static void equality_and_classes(void **state)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *a = parse("a int not null, b array<string>");
    VONK_AUTO(vonk_type_unref) const vonk_type *b = parse("A int, b array<string>");
    VONK_AUTO(vonk_type_unref) const vonk_type *c = parse("a int not null comment 'x', b array<string>");
    VONK_AUTO(vonk_type_unref) const vonk_type *d = parse("a int, A string, m map<int,int>, v variant, g geometry(0)");
    assert_true(vonk_type_same(a, b));
    assert_false(vonk_type_eq(a, b));
    assert_true(vonk_type_eq(a, c));
    assert_false(vonk_type_eq_exact(a, c));
    assert_false(vonk_type_same(a, d));
    assert_int_equal(vonk_type_field_index(d, VONK_STR("a"), false), -2);
    assert_int_equal(vonk_type_field_index(d, VONK_STR("A"), true), 1);
    assert_int_equal(vonk_type_field_index(d, VONK_STR("zz"), false), -1);
    assert_true(vonk_type_has(d, VONK_T_MAP));
    assert_false(vonk_type_has(a, VONK_T_MAP));
    assert_true(vonk_type_is_orderable(a));
    assert_false(vonk_type_is_orderable(d));
    assert_false(vonk_type_is_orderable(&vonk_type_variant));
    assert_true(vonk_type_is_orderable(&vonk_type_null));
    assert_true(vonk_type_is_atomic(&vonk_type_variant));
    assert_false(vonk_type_is_atomic(&vonk_type_calendar_interval));
    assert_true(vonk_type_is_datetime(&vonk_type_date) && !vonk_type_is_datetime(&vonk_type_time));
    assert_true(vonk_type_is_integral(&vonk_type_long) && !vonk_type_is_integral(&vonk_type_float));
    assert_true(vonk_type_is_numeric(&vonk_type_double) && !vonk_type_is_numeric(&vonk_type_boolean));
    assert_int_equal(vonk_type_default_bytes(a), 4 + 20);
    assert_string_equal(VONK_TYPE_SQL(a), "\"STRUCT<a: INT NOT NULL, b: ARRAY<STRING>>\"");
}

static void what_configuration_changes(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    const vonk_type_options options = {.nanos = true, .timestamp_ntz = true};
    VONK_AUTO(vonk_type_unref) const vonk_type *t = NULL;
    assert_int_equal(vonk_type_parse_with(VONK_STR("timestamp"), false, &options, &t, &err), VONK_OK);
    assert_ptr_equal(t, &vonk_type_timestamp_ntz);
    assert_int_equal(vonk_type_parse_with(VONK_STR("timestamp_ltz(9)"), false, &options, &t, &err), VONK_OK);
    assert_int_equal(t->id, VONK_T_TIMESTAMP_NANOS);
    assert_int_equal(t->precision, 9);
}

static void trees_stop_at_their_level(void **state)
{
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
    vonk_error err = VONK_ERROR_INIT;
    VONK_AUTO(vonk_type_unref) const vonk_type *t = parse("a array<map<string,int>>, m map<int,int>");
    vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
    assert_int_equal(vonk_type_tree_string(t, 2, &out, &err), VONK_OK);
    assert_int_equal(vonk_buf_add_byte(&out, 0, &err), VONK_OK);
    assert_string_equal(
        out.data,
        "root\n |-- a: array (nullable = true)\n |    |-- element: map (containsNull = true)\n"
        " |-- m: map (nullable = true)\n |    |-- key: integer\n |    |-- value: integer (valueContainsNull = true)\n");
}

static void user_defined_types(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    VONK_AUTO(vonk_type_unref) const vonk_type *t = NULL;
    const char *json = "{\"type\":\"udt\",\"class\":\"org.apache.spark.ml.linalg.VectorUDT\",\"pyClass\":\"pyspark.ml."
                       "linalg.VectorUDT\",\"sqlType\":\"double\"}";
    assert_int_equal(vonk_type_parse_json(vonk_str_of(json), &t, &err), VONK_OK);
    check_text(json, t, vonk_type_simple_string, "vector");
    check_text(json, t, vonk_type_catalog_string, "double");
    check_text(json, t, vonk_type_sql, "DOUBLE");
    check_text(json, t, vonk_type_json, json);
    assert_int_equal(t->storage, VONK_STORE_F64);
}

static void deep_and_hostile_texts(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    enum { DEEP = 100000 };
    char *text = malloc(DEEP * 30);
    const vonk_type *t = NULL;
    text[0] = 0;
    char *at = text;
    for (int i = 0; i < DEEP; i++) at += snprintf(at, 32, "array<");
    assert_int_equal(vonk_type_parse_ddl(vonk_str_of(text), &t, &err), VONK_E_UNSUPPORTED_FEATURE);
    vonk_error_reset(&err);
    at = text;
    for (int i = 0; i < DEEP; i++) at += snprintf(at, 32, "{\"elementType\":");
    assert_int_equal(vonk_type_parse_json(vonk_str_of(text), &t, &err), VONK_E_UNSUPPORTED_FEATURE);
    vonk_error_reset(&err);
    at = text;
    for (int i = 0; i < 127; i++) at += snprintf(at, 32, "array<");
    at += snprintf(at, 32, "int");
    for (int i = 0; i < 127; i++) at += snprintf(at, 32, ">");
    assert_int_equal(vonk_type_parse_ddl(vonk_str_of(text), &t, &err), VONK_OK);
    assert_int_equal(t->depth, 128);
    vonk_type_unref(t);
    /* Every prefix of a valid text, and every byte of it changed: an answer or an error, never a crash. */
    const char *whole = "a STRUCT<`x``y`: DECIMAL(10, 2) NOT NULL COMMENT 'it\\u0041''s', z: MAP<STRING COLLATE "
                        "UNICODE_CI, INTERVAL DAY TO SECOND>>, b TIME(3) -- c";
    for (size_t n = 0; n <= strlen(whole); n++)
        for (int flip = 0; flip < 8; flip++) {
            memcpy(text, whole, n);
            if (n) text[n / 2] = (char)(text[n / 2] ^ (1 << flip));
            vonk_error_reset(&err);
            char *exact = malloc(n ? n : 1);
            memcpy(exact, text, n);
            if (vonk_type_parse_ddl((vonk_str){exact, n}, &t, &err) == VONK_OK) vonk_type_unref(t);
            if (vonk_type_parse_json((vonk_str){exact, n}, &t, &err) == VONK_OK) vonk_type_unref(t);
            free(exact);
        }
    vonk_error_reset(&err);
    free(text);
}

static void every_failing_allocation(void **state)
{
#ifdef VONK_FAULTS
    static const char *const texts[] = {
        "a int comment 'x', b struct<c: array<map<string, decimal(3,1)>>, `d e`: string collate UNICODE>", "array<int"};
    for (size_t k = 0; k < VONK_COUNTOF(texts); k++)
        for (int64_t at = 0;; at++) {
            VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
            VONK_AUTO(vonk_type_unref) const vonk_type *t = NULL;
            VONK_AUTO(vonk_type_unref) const vonk_type *u = NULL;
            VONK_AUTO(vonk_buf_done) vonk_buf json = {0};
            vonk_buf_init(&json, vonk_budget_root(), SIZE_MAX);
            vonk_fault_arm(VONK_FAULT_ALLOC, at);
            vonk_status st = vonk_type_parse_ddl(vonk_str_of(texts[k]), &t, &err);
            if (st == VONK_OK) st = vonk_type_json(t, &json, &err);
            if (st == VONK_OK) st = vonk_type_parse_json(vonk_buf_str(&json), &u, &err);
            bool fired = vonk_fault_fired();
            vonk_fault_arm(VONK_FAULT_ALLOC, -1);
            if (!fired) break;
            assert_int_not_equal(st, VONK_OK);
        }
#else
    skip();
#endif
}

static void collation_names(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    char name[64];
    int32_t id;
    assert_int_equal(vonk_collation_by_name(VONK_STR("unicode_rtrim_ci"), &id, &err), VONK_OK);
    assert_int_equal(id, 0x20060000);
    assert_string_equal(vonk_collation_name(id, name), "UNICODE_CI_RTRIM");
    assert_string_equal(vonk_collation_locale(id), "");
    assert_int_equal(vonk_collation_by_name(VONK_STR("sr_cyrl_srb_AI"), &id, &err), VONK_OK);
    assert_int_equal(id, 0x20010070);
    assert_string_equal(vonk_collation_locale(id), "sr_Cyrl_SRB");
    assert_null(vonk_collation_name(0x20000fff, name));
    assert_null(vonk_collation_name(0x00010000, name));
    assert_null(vonk_collation_name(-1, name));
    assert_false(vonk_collation_supported(id));
    assert_int_equal(vonk_collation_check(id, &err), VONK_E_UNSUPPORTED_FEATURE);
    vonk_error_reset(&err);
    assert_true(vonk_collation_supported(VONK_COLLATION_RTRIM));
    assert_int_equal(vonk_collation_compare(VONK_COLLATION_RTRIM, VONK_STR("a  "), VONK_STR("a")), 0);
    assert_true(vonk_collation_compare(0, VONK_STR("a  "), VONK_STR("a")) > 0);
    assert_true(vonk_collation_hash(VONK_COLLATION_RTRIM, VONK_STR("a  ")) ==
                vonk_collation_hash(VONK_COLLATION_RTRIM, VONK_STR("a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_as_spark),           cmocka_unit_test(equality_and_classes),
        cmocka_unit_test(what_configuration_changes), cmocka_unit_test(trees_stop_at_their_level),
        cmocka_unit_test(user_defined_types),         cmocka_unit_test(deep_and_hostile_texts),
        cmocka_unit_test(every_failing_allocation),   cmocka_unit_test(collation_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
