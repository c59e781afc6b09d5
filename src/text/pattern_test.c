/* Tests of patterns of dates and of regular expressions: what Java means by them, and that a runaway match can be
 * stopped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "text/datetime_pattern.h"
#include "text/regex.h"

static void expect_written(const char *pattern, int64_t us, const char *zone, const char *wanted)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_arena *arena = NULL;
    vonk_dt_pattern p;
    vonk_buf out = {0};
    vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
    assert_int_equal(vonk_arena_new(vonk_budget_root(), &arena, &err), VONK_OK);
    assert_int_equal(vonk_dt_compile(arena, vonk_str_of(pattern), false, &p, &err), VONK_OK);
    assert_int_equal(vonk_dt_write(&p, us, vonk_zone_lookup(vonk_str_of(zone)), NULL, &out, &err), VONK_OK);
    if (!vonk_str_is(vonk_buf_str(&out), wanted))
        fail_msg("%s gives %.*s, not %s", pattern, (int)out.len, out.data, wanted);
    vonk_buf_done(&out);
    vonk_arena_free(arena);
}

static void instants_are_written(void **state)
{
    int64_t us = INT64_C(1460146215123456); /* 2016-04-08 20:10:15.123456 UTC */
    expect_written("yyyy-MM-dd HH:mm:ss.SSSSSS", us, "UTC", "2016-04-08 20:10:15.123456");
    expect_written("yy M MMM MMMM E EEEE a h k K D", us, "UTC", "16 4 Apr April Fri Friday PM 8 20 8 99");
    expect_written("QQ QQQ QQQQ G 'o''clock' ''", us, "UTC", "02 Q2 2nd quarter AD o'clock '");
    expect_written("VV z O X XXX xx Z", us, "America/Los_Angeles",
                   "America/Los_Angeles PDT GMT-7 -07 -07:00 -0700 -0700");
    expect_written("XXX xxx ZZZZ", us, "UTC", "Z +00:00 GMT");
    expect_written("yyyy", INT64_C(253402300800000000), "UTC", "+10000");
}

static void expect_refused(const char *pattern, bool reading, vonk_errclass wanted)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_arena *arena = NULL;
    vonk_dt_pattern p;
    assert_int_equal(vonk_arena_new(vonk_budget_root(), &arena, &err), VONK_OK);
    assert_int_equal(vonk_dt_compile(arena, vonk_str_of(pattern), reading, &p, &err), wanted);
    vonk_error_reset(&err);
    vonk_arena_free(arena);
}

static void wrong_patterns_are_refused(void **state)
{
    expect_refused("YYYY", false, VONK_E_INCONSISTENT_BEHAVIOR_CROSS_VERSION__DATETIME_PATTERN_RECOGNITION);
    expect_refused("E", true, VONK_E_INCONSISTENT_BEHAVIOR_CROSS_VERSION__DATETIME_PATTERN_RECOGNITION);
    expect_refused("A", false, VONK_E_INVALID_DATETIME_PATTERN__ILLEGAL_CHARACTER);
    expect_refused("yyyy 'open", false, VONK_E_INVALID_DATETIME_PATTERN__WITH_SUGGESTION);
    expect_refused("b", true, VONK_E_INVALID_DATETIME_PATTERN__WITH_SUGGESTION);
    expect_refused("yyyy]", true, VONK_E_INCONSISTENT_BEHAVIOR_CROSS_VERSION__DATETIME_PATTERN_RECOGNITION);
}

/* wanted: local microseconds; INT64_MIN: the text is refused. */
static void expect_read(const char *pattern, const char *text, int64_t wanted)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_arena *arena = NULL;
    vonk_dt_pattern p;
    vonk_dt_value v;
    int64_t us = INT64_MIN;
    char why[512];
    assert_int_equal(vonk_arena_new(vonk_budget_root(), &arena, &err), VONK_OK);
    assert_int_equal(vonk_dt_compile(arena, vonk_str_of(pattern), true, &p, &err), VONK_OK);
    if (vonk_dt_read(&p, vonk_str_of(text), &v, why)) assert_true(vonk_dt_value_us(&v, vonk_zone_utc(), &us));
    if (us != wanted) fail_msg("%s by %s gives %lld, not %lld", text, pattern, (long long)us, (long long)wanted);
    vonk_arena_free(arena);
}

static void texts_are_read(void **state)
{
    int64_t day = 86400000000;
    expect_read("yyyy-MM-dd", "1970-01-03", 2 * day);
    expect_read("yyyyMMdd", "19700103", 2 * day);
    expect_read("yyyy-MM-dd", "1970-1-3", INT64_MIN);
    expect_read("yyyy-MM-dd", "1970-02-30", INT64_MIN);
    expect_read("yyyy-MM-dd", "1970-01-03x", INT64_MIN);
    expect_read("d MMM yy", "2 JAN 00", 10958 * day);
    expect_read("HH:mm:ss.SSS", "00:00:01.5", 1500000);
    expect_read("hh:mm a", "12:01 AM", 60000000);
    expect_read("HH[:mm]", "01", 3600000000);
    expect_read("yyyy-DDD", "1970-365", 364 * day);
    expect_read("yyyy-MM-dd HH:mmXXX", "1970-01-01 01:00+01:00", 0);
    expect_read("HH a", "13 AM", INT64_MIN);
}

static void expect_match(const char *pattern, const char *text, int wanted) /* 2: refused */
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_regex *r = NULL;
    vonk_matcher m = {0};
    bool found = false;
    assert_int_equal(vonk_regex_new(vonk_budget_root(), vonk_str_of(pattern), &r, &err), VONK_OK);
    if (wanted == 2) {
        assert_null(r);
        return;
    }
    if (!r) fail_msg("%s is refused", pattern);
    assert_int_equal(vonk_matcher_init(&m, r, NULL, NULL, &err), VONK_OK);
    assert_int_equal(vonk_matcher_find(&m, vonk_str_of(text), 0, &found, &err), VONK_OK);
    if (found != (wanted == 1)) fail_msg("%s on %s", pattern, text);
    vonk_matcher_done(&m);
    vonk_regex_free(r);
}

static void java_syntax_is_understood(void **state)
{
    expect_match("[a-c&&[^b]]", "b", 0);
    expect_match("[a-c&&[^b]]", "c", 1);
    expect_match("[^a-c[x-z]]", "z", 0);
    expect_match("[^a-c[x-z]]", "m", 1);
    expect_match("[a-z&&[def]&&[^e]]", "e", 0);
    expect_match("\\Qa.b\\E", "axb", 0);
    expect_match("\\u0061\\x{62}\\0143", "abc", 1);
    expect_match("\\uD83D\\uDE00", "\xF0\x9F\x98\x80", 1);
    expect_match("\\p{javaUpperCase}\\p{IsGreek}\\p{Alpha}", "A\xCE\xB1z", 1);
    expect_match("\\bx", "\xC3\xA9x", 0);
    expect_match("(?U)\\w", "\xC3\xA9", 1);
    expect_match("\\w", "\xC3\xA9", 0);
    expect_match("(?<year>\\d{4})-\\k<year>", "2020-2020", 1);
    expect_match("a{,2}", "", 2);
    expect_match("(*ANY)a", "", 2);
    expect_match("(?P<x>a)", "", 2);
    expect_match("[b-a]", "", 2);
    expect_match("a(", "", 2);
    expect_match("\\y", "", 2);
    expect_match("[]a]", "]", 1);
}

static bool stop_at_third_look(void *query) { return ++*(int *)query >= 3; }

static void runaway_match_is_stopped(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_regex *r = NULL;
    vonk_matcher m = {0};
    bool found;
    int looks = 0;
    assert_int_equal(vonk_regex_new(vonk_budget_root(), VONK_STR("^(a+)+$"), &r, &err), VONK_OK);
    assert_int_equal(vonk_matcher_init(&m, r, stop_at_third_look, &looks, &err), VONK_OK);
    assert_int_equal(
        vonk_matcher_find(&m, VONK_STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), 0, &found, &err),
        VONK_E_OPERATION_CANCELED);
    assert_int_equal(looks, 3);
    vonk_error_reset(&err);
    vonk_matcher_done(&m);
    vonk_regex_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instants_are_written),     cmocka_unit_test(wrong_patterns_are_refused),
        cmocka_unit_test(texts_are_read),           cmocka_unit_test(java_syntax_is_understood),
        cmocka_unit_test(runaway_match_is_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
