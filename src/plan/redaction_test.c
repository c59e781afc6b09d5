/* Tests of what is hidden: settings by the core's pattern and SQL's, passages of texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/ok_test.h"
#include "plan/redaction.h"
#include "sys/clock.h"

static vonk_redaction redaction_of(const char *pattern)
{
    vonk_redaction r;
    const vonk_str text = pattern ? vonk_str_of(pattern) : VONK_STR_NONE;
    OK(vonk_redaction_init(&r, vonk_budget_root(), text, err));
    return r;
}
static bool hides(const vonk_redaction *r, const char *key, const char *value)
{
    bool hidden = false;
    OK(vonk_redaction_hides(r, vonk_str_of(key), value ? vonk_str_of(value) : VONK_STR_NONE, &hidden, err));
    return hidden;
}

/* The words that are built in are those of the default pattern. */
static void test_default(void **state)
{
    static const char *const texts[] = {"my.Secret",    "PASSWORD",   "a.tokens.b", "access.key",
                                        "ACCESSKEY",    "access_key", "credential", "passwor",
                                        "access..key.", "",           "x",          "acces.key"};
    (void)state;
    vonk_redaction built_in = redaction_of(NULL);
    vonk_redaction same = redaction_of("(?i)secret|password|token|access[.]?key|credential");
    int n_hidden = 0;
    for (size_t i = 0; i < VONK_COUNTOF(texts); i++) {
        assert_int_equal(hides(&built_in, texts[i], NULL), hides(&same, texts[i], NULL));
        assert_int_equal(hides(&built_in, "a", texts[i]), hides(&same, texts[i], "a"));
        n_hidden += hides(&built_in, texts[i], "v");
    }
    assert_int_equal(n_hidden, 6);
    vonk_redaction_done(&built_in);
    vonk_redaction_done(&same);
}

static void test_own_pattern(void **state)
{
    (void)state;
    vonk_redaction r = redaction_of("appl.");
    assert_true(hides(&r, "my.apple", "1"));
    assert_true(hides(&r, "k", "anapple"));
    assert_false(hides(&r, "my.secret", "password"));
    assert_false(hides(&r, "Apple", NULL));
    vonk_redaction_done(&r);
    r = redaction_of("[no pattern");
    assert_true(hides(&r, "k", "v"));
    vonk_redaction_done(&r);
    r = redaction_of("(a|aa)+$"); /* takes unreasonably many steps: a second for all settings */
    const int64_t start_ns = vonk_clock_mono_ns();
    for (int i = 0; i < 20; i++)
        assert_true(hides(&r, "k", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"));
    assert_true(vonk_clock_mono_ns() - start_ns < 10 * VONK_NS_PER_S);
    assert_false(hides(&r, "k", "short"));
    vonk_redaction_done(&r);
}

/* ---- of a session */

static const vonk_conf *conf_with(const char *key, const char *value, const vonk_conf *take)
{
    const vonk_conf *conf = take, *next = NULL;
    if (!conf) OK(vonk_conf_new(vonk_budget_root(), &conf, err));
    if (!key) return conf;
    OK(vonk_conf_with_any(vonk_budget_root(), conf, vonk_str_of(key), vonk_str_of(value), &next, err));
    vonk_conf_unref(conf);
    return next;
}

static void test_session(void **state)
{
    (void)state;
    vonk_redaction r;
    const vonk_conf *conf = conf_with(NULL, NULL, NULL);
    OK(vonk_redaction_of(&r, vonk_budget_root(), conf, true, err));
    assert_true(hides(&r, "my.URL", "1") && hides(&r, "my.token", "1"));
    vonk_redaction_done(&r);
    OK(vonk_redaction_of(&r, vonk_budget_root(), conf, false, err));
    assert_false(hides(&r, "my.url", "1"));
    vonk_redaction_done(&r);
    conf = conf_with("spark.redaction.regex", "pear", conf);
    conf = conf_with("spark.sql.redaction.options.regex", "plum", conf);
    OK(vonk_redaction_of(&r, vonk_budget_root(), conf, true, err));
    assert_true(hides(&r, "pear", "1") && hides(&r, "plum", "1"));
    assert_false(hides(&r, "my.url", "token"));
    vonk_redaction_done(&r);
    conf = conf_with("spark.sql.redaction.options.regex", "(", conf);
    OK(vonk_redaction_of(&r, vonk_budget_root(), conf, true, err));
    assert_true(hides(&r, "k", "v"));
    vonk_redaction_done(&r);
    vonk_conf_unref(conf);
}

static void assert_shown(const vonk_conf *conf, const char *wanted)
{
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
    vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
    OK(vonk_buf_add_c(&out, "range: Project range1, orange", err));
    OK(vonk_redact_text(conf, &out, 7, err));
    assert_int_equal(out.len, strlen(wanted));
    assert_memory_equal(out.data, wanted, out.len);
}

static void test_passages(void **state)
{
    static const char core[] = "spark.redaction.string.regex", sql[] = "spark.sql.redaction.string.regex";
    (void)state;
    const vonk_conf *conf = conf_with(NULL, NULL, NULL);
    assert_shown(conf, "range: Project range1, orange");
    conf = conf_with(core, "ran.e", conf);
    assert_shown(conf, "range: Project *********(redacted)1, o*********(redacted)");
    conf = conf_with(sql, "P.*,", conf);
    assert_shown(conf, "range: *********(redacted) orange");
    conf = conf_with(sql, "[", conf);
    assert_shown(conf, "range: *********(redacted)");
    vonk_conf_unref(conf);
}

/* Nobody knows then: what is shown must not look like a secret. */
static void test_no_memory(void **state)
{
    (void)state;
    vonk_budget *budget = NULL;
    vonk_redaction r;
    vonk_error error = VONK_ERROR_INIT;
    bool hidden = false;
    OK(vonk_budget_new(vonk_budget_root(), "redaction", VONK_NO_LIMIT, &budget, err));
    OK(vonk_redaction_init(&r, budget, VONK_STR("appl."), err));
    vonk_budget_set_limit(budget, vonk_budget_used(budget));
    assert_int_equal(vonk_redaction_hides(&r, VONK_STR("k"), VONK_STR("v"), &hidden, &error),
                     VONK_E_MEMORY_BUDGET_EXCEEDED);
    vonk_error_reset(&error);
    vonk_budget_set_limit(budget, VONK_NO_LIMIT);
    OK(vonk_redaction_hides(&r, VONK_STR("k"), VONK_STR("v"), &hidden, err));
    assert_false(hidden);
    vonk_redaction_done(&r);
    vonk_budget_free(budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_default), cmocka_unit_test(test_own_pattern),
                                       cmocka_unit_test(test_no_memory), cmocka_unit_test(test_session),
                                       cmocka_unit_test(test_passages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
