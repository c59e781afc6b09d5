/* Tests of base/error.c and of the rows in error_class.def. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/budget.h"

static void message_has_sparks_shape(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    assert_int_equal(VONK_FAIL(&err, VONK_E_INTERNAL_ERROR, "message", "a <b> c"), VONK_E_INTERNAL_ERROR);
    assert_string_equal(vonk_error_message(&err), "[INTERNAL_ERROR] a <b> c SQLSTATE: XX000");
    assert_string_equal(vonk_error_condition(&err), "INTERNAL_ERROR");
    assert_string_equal(vonk_error_sqlstate(&err), "XX000");
    assert_int_equal(vonk_error_get_family(&err), VONK_FAMILY_SPARK);
    assert_int_equal(vonk_error_n_params(&err), 1);
    const char *name, *value;
    vonk_error_param(&err, 0, &name, &value);
    assert_string_equal(name, "message");
    assert_string_equal(value, "a <b> c");
    assert_non_null(strstr(err.file, "error_test.c"));
    /* A value may be a piece of the error that it replaces. */
    (void)VONK_FAIL(&err, VONK_E_ARITHMETIC_OVERFLOW, "message", value, "alternative", "", "config", "\"x\"");
    assert_string_equal(vonk_error_message(&err),
                        "[ARITHMETIC_OVERFLOW] a <b> c. With \"x\" set to \"false\" the result "
                        "wraps or is NULL instead. SQLSTATE: 22003");
    /* A missing parameter stays visible. */
    (void)VONK_FAIL(&err, VONK_E_UNSUPPORTED_FEATURE);
    assert_string_equal(vonk_error_message(&err), "[UNSUPPORTED_FEATURE] not supported: <feature> SQLSTATE: 0A000");
    assert_int_equal(vonk_error_n_params(&err), 0);
    vonk_error_reset(&err);
    assert_int_equal(err.cls, VONK_OK);
    assert_int_equal(VONK_FAIL(NULL, VONK_E_OPERATION_CANCELED), VONK_E_OPERATION_CANCELED);
}

static void long_message_is_whole_in_the_detail(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    char text[3001];
    memset(text, 'y', sizeof(text) - 1);
    text[3000] = 0;
    for (size_t i = 0; i + 1 < 3000; i += 2) memcpy(text + i, "\xc3\xa9", 2); /* 2-byte characters */
    (void)VONK_FAIL(&err, VONK_E_INTERNAL_ERROR, "message", text);
    assert_int_equal(strlen(vonk_error_message(&err)), strlen("[INTERNAL_ERROR]  SQLSTATE: XX000") + 3000);
    assert_non_null(strstr(vonk_error_message(&err), " SQLSTATE: XX000"));
    size_t fixed = strlen(err.message);
    assert_true(fixed == 511 || fixed == 510);
    assert_int_equal((fixed - strlen("[INTERNAL_ERROR] ")) % 2, 0); /* cut between characters */

    (void)vonk_fail_foreign(&err, VONK_E_INTERNAL_ERROR, (vonk_str){text, 3000});
    assert_string_equal(vonk_error_message(&err), text);
    (void)vonk_fail_foreign(&err, VONK_E_INTERNAL_ERROR, VONK_STR("short"));
    assert_string_equal(vonk_error_message(&err), "short");
    assert_null(err.detail);
    vonk_error_reset(&err);
}

static void filling_works_without_memory(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_budget *root = vonk_budget_root();
    vonk_budget_set_limit(root, vonk_budget_used(root));
    (void)VONK_FAIL(&err, VONK_E_UNSUPPORTED_FEATURE, "feature", "x");
    vonk_query_context context = {.fragment = VONK_STR("f")};
    vonk_error_add_context(&err, &context);
    vonk_error_set_cause(&err, &err);
    vonk_budget_set_limit(root, VONK_NO_LIMIT);
    assert_string_equal(vonk_error_message(&err), "[UNSUPPORTED_FEATURE] not supported: x SQLSTATE: 0A000");
    assert_null(err.detail);
    assert_int_equal(vonk_error_n_params(&err), 0);
    assert_int_equal(vonk_error_n_contexts(&err), 0);
    assert_null(vonk_error_cause(&err));
    vonk_error_reset(&err);
}

static void contexts_and_causes_belong_to_their_copy(void **state)
{
    int64_t before = vonk_budget_used(vonk_budget_root());
    vonk_error a = VONK_ERROR_INIT, b = VONK_ERROR_INIT, c = VONK_ERROR_INIT;
    (void)VONK_FAIL(&a, VONK_E_UNSUPPORTED_FEATURE, "feature", "x");
    char fragment[] = "1/0";
    vonk_query_context inner = {.start = 7, .stop = 9, .fragment = {fragment, 3}};
    vonk_error_add_context(&a, &inner);
    memset(fragment, '?', 3); /* copied, so the caller's may change */
    vonk_error_copy(&b, &a);
    vonk_query_context outer = {
        .object_type = VONK_STR("VIEW"), .object_name = VONK_STR("v"), .fragment = VONK_STR("v")};
    vonk_error_add_context(&b, &outer);
    assert_int_equal(vonk_error_n_contexts(&a), 1);
    assert_int_equal(vonk_error_n_contexts(&b), 2);
    assert_true(vonk_str_is(vonk_error_context(&b, 0)->fragment, "1/0"));
    assert_int_equal(vonk_error_context(&b, 0)->start, 7);
    assert_true(vonk_str_is(vonk_error_context(&b, 1)->object_name, "v"));

    (void)VONK_FAIL(&c, VONK_E_INTERNAL_ERROR, "message", "wrapped");
    vonk_error_set_cause(&c, &b);
    vonk_error_reset(&b);
    assert_non_null(vonk_error_cause(&c));
    assert_int_equal(vonk_error_cause(&c)->cls, VONK_E_UNSUPPORTED_FEATURE);
    assert_int_equal(vonk_error_n_contexts(vonk_error_cause(&c)), 2);
    vonk_error_move(&b, &c);
    assert_int_equal(c.cls, VONK_OK);
    assert_null(vonk_error_cause(&c));
    assert_non_null(vonk_error_cause(&b));
    /* Chains end: an error that wraps itself again and again, contexts without end. */
    for (int i = 0; i < 100; i++) {
        vonk_error_set_cause(&b, &b);
        vonk_error_add_context(&b, &outer);
    }
    int depth = 0;
    for (const vonk_error *e = &b; (e = vonk_error_cause(e)) != NULL;) depth++;
    assert_in_range(depth, 2, 16);
    assert_int_equal(vonk_error_n_contexts(&b), 64);
    vonk_error_reset(&a);
    vonk_error_reset(&b);
    assert_int_equal(vonk_budget_used(vonk_budget_root()), before);
}

static void format_cuts_at_a_character(void **state)
{
    char small[6];
    assert_string_equal(vonk_format(small, sizeof(small), "%s", "abc\xe2\x82\xac"), "abc");
    assert_string_equal(vonk_format(small, sizeof(small), "%s", "ab\xe2\x82\xac"), "ab\xe2\x82\xac");
    assert_string_equal(VONK_S(VONK_STR("piece")), "piece");
}

/* ---- the table ---- */

static const struct {
    const char *id, *condition, *sqlstate, *family;
} table[] = {
#define ERROR_CLASS(id, condition, sqlstate, family, text) {#id, condition, sqlstate, #family},
#include "base/error_class.def"
#undef ERROR_CLASS
};

/* A plain exception of Java; it has the family of those. */
static bool has_no_condition(size_t i) { return strcmp(table[i].family, "JAVA_ARGUMENT") == 0; }

/* Ids that say more than the condition which Spark has for them. */
static bool has_own_id(const char *id)
{
    if (strncmp(id, "PYTHON_", 7) == 0 && strcmp(id, "PYTHON_EXCEPTION") != 0)
        return true; /* why there is no worker, ... */
    return strcmp(id, "MALFORMED_INPUT") == 0 || strcmp(id, "MEMORY_BUDGET_EXCEEDED") == 0 ||
           strcmp(id, "BLOCK_LOST") == 0;
}

static void rows_are_sorted_and_named_after_their_condition(void **state)
{
    for (size_t i = 0; i < VONK_COUNTOF(table); i++) {
        if (i && strcmp(table[i - 1].id, table[i].id) >= 0)
            fail_msg("error_class.def: %s stands after %s", table[i].id, table[i - 1].id);
        char id[256];
        size_t n = 0;
        for (const char *c = table[i].condition; *c && n < sizeof(id) - 3; c++) {
            id[n++] = *c == '.' ? '_' : *c;
            if (*c == '.') id[n++] = '_';
        }
        id[n] = 0;
        if (strcmp(id, has_no_condition(i) ? "" : table[i].id) != 0 && !has_own_id(table[i].id))
            fail_msg("error_class.def: the condition %s has the id %s", table[i].condition, table[i].id);
        bool unnamed = has_no_condition(i) || strncmp(table[i].condition, "_LEGACY_", 8) == 0; /* nor an SQLSTATE */
        if (strlen(table[i].sqlstate) != (unnamed ? 0u : 5u))
            fail_msg("error_class.def: %s has no right SQLSTATE", table[i].id);
        assert_string_equal(vonk_errclass_condition((vonk_errclass)(i + 1)), table[i].condition);
        assert_string_equal(vonk_errclass_sqlstate((vonk_errclass)(i + 1)), table[i].sqlstate);
    }
}

/* Field i of a tab-separated line. */
static vonk_str field_of(const char *line, int i)
{
    for (; i > 0; i--) line += strcspn(line, "\t\n") + (line[strcspn(line, "\t\n")] == '\t');
    return (vonk_str){line, strcspn(line, "\t\n")};
}

static bool lists(vonk_str comma_separated, const char *word)
{
    for (size_t at = 0; at <= comma_separated.len;) {
        size_t comma = vonk_str_find_byte(comma_separated, ',', at);
        size_t end = comma == SIZE_MAX ? comma_separated.len : comma;
        if (vonk_str_is(vonk_str_sub(comma_separated, at, end), word)) return true;
        at = end + 1;
    }
    return false;
}

/* What Spark's list says against row i; NULL: nothing. */
static const char *disagreement(FILE *facts, size_t i)
{
    static char line[1 << 16], said[64];
    size_t n = strlen(table[i].condition);
    const char *problem = "no such condition in Spark";
    rewind(facts);
    while (fgets(line, sizeof(line), facts)) {
        if (strncmp(line, table[i].condition, n) != 0 || line[n] != '\t') continue;
        vonk_str sqlstate = field_of(line, 1), families = field_of(line, 3);
        if (!vonk_str_is(sqlstate, table[i].sqlstate))
            problem = "Spark's SQLSTATE is";
        else if (families.len && !lists(families, table[i].family))
            problem = "Spark's family is";
        else
            return NULL;
        vonk_str theirs = vonk_str_is(sqlstate, table[i].sqlstate) ? families : sqlstate;
        return vonk_format(said, sizeof(said), "%s %.*s", problem, VONK_STR_ARGS(theirs));
    }
    return problem;
}

static void rows_agree_with_sparks_list(void **state)
{
    const char *root = getenv("VONK_SOURCE_ROOT");
    FILE *facts = fopen(VONK_F("%s/data/spark-4.3.0/errors.tsv", root ? root : "."), "re");
    assert_non_null(facts);
    int wrong = 0;
    for (size_t i = 0; i < VONK_COUNTOF(table); i++) {
        const char *problem = has_no_condition(i) ? NULL : disagreement(facts, i);
        if (!problem) continue;
        print_error("error_class.def: %s (%s, %s): %s\n", table[i].condition, table[i].sqlstate, table[i].family,
                    problem);
        wrong++;
    }
    fclose(facts);
    assert_int_equal(wrong, 0);
}

static void context_of(const char *sql, const char *fragment, vonk_error *err)
{
    const char *at = strstr(sql, fragment);
    int32_t start = 0;
    for (const char *p = sql; p < at; p++) start += ((unsigned char)*p & 0xC0) != 0x80;
    (void)VONK_FAIL(err, VONK_E_DIVIDE_BY_ZERO, "config", "x");
    vonk_query_context context = {.start = start,
                                  .stop = start + (int32_t)strlen(fragment) - 1,
                                  .fragment = {at, strlen(fragment)},
                                  .text = vonk_str_of(sql)};
    vonk_error_add_context(err, &context);
}

static void assert_summary(const char *sql, const char *fragment, const char *expected)
{
    vonk_error err = VONK_ERROR_INIT;
    context_of(sql, fragment, &err);
    const vonk_query_context *kept = vonk_error_context(&err, 0);
    assert_int_equal(kept->summary.len, strlen(expected));
    assert_memory_equal(kept->summary.data, expected, strlen(expected));
    assert_null(kept->text.data);
    vonk_error_reset(&err);
}

/* As real Spark draws them. */
static void contexts_are_drawn(void **state)
{
    assert_summary("select 1,\n  1/0 as x", "1/0", "== SQL (line 2, position 3) ==\n  1/0 as x\n  ^^^\n");
    assert_summary("select 1,\n(1\n /\n 0) from range(3)", "1\n /\n 0",
                   "== SQL (line 2, position 2) ==\n(1\n ^\n /\n^^\n 0) from range(3)\n^^\n");
    assert_summary("select '\xc3\xa9', \t 1/0", "1/0",
                   "== SQL (line 1, position 15) ==\nselect '\xc3\xa9', \t 1/0\n              ^^^\n");
    assert_summary("select 1234567890123456789012345678 as a_very_long_name_of_a_column, 1/0 as b, 5 as another_column_"
                   "with_a_name",
                   "1/0",
                   "== SQL (line 1, position 70) ==\n...s a_very_long_name_of_a_column, 1/0 as b, 5 as another_column_"
                   "with_...\n                                   ^^^\n");
    vonk_error err = VONK_ERROR_INIT;
    (void)VONK_FAIL(&err, VONK_E_DIVIDE_BY_ZERO, "config", "x");
    vonk_query_context context = {
        .is_dataframe = true, .start = -1, .stop = -1, .fragment = VONK_STR("div"), .call_site = VONK_STR("a.py:3")};
    vonk_query_context unnamed = {.is_dataframe = true, .start = -1, .stop = -1}; /* no client of ours, but one may */
    vonk_error_add_context(&err, &context);
    vonk_error_add_context(&err, &unnamed);
    vonk_str summary = vonk_error_context(&err, 0)->summary;
    assert_true(vonk_str_is(summary, "== DataFrame ==\n\"div\" was called from\na.py:3\n"));
    assert_true(vonk_str_is(vonk_error_context(&err, 1)->summary, "== DataFrame ==\n\"\" was called from\n\n"));
    vonk_error_reset(&err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_has_sparks_shape),
        cmocka_unit_test(long_message_is_whole_in_the_detail),
        cmocka_unit_test(filling_works_without_memory),
        cmocka_unit_test(contexts_and_causes_belong_to_their_copy),
        cmocka_unit_test(format_cuts_at_a_character),
        cmocka_unit_test(rows_are_sorted_and_named_after_their_condition),
        cmocka_unit_test(rows_agree_with_sparks_list),
        cmocka_unit_test(contexts_are_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
