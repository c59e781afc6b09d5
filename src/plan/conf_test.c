/* Tests of configuration snapshots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "plan/conf.h"

static vonk_status set(const vonk_conf **conf, const char *key, const char *value)
{
    vonk_error err = VONK_ERROR_INIT;
    const vonk_conf *next = NULL;
    vonk_status st = vonk_conf_with(vonk_budget_root(), *conf, vonk_str_of(key), vonk_str_of(value), &next, &err);
    vonk_error_reset(&err);
    if (st != VONK_OK) return st;
    vonk_conf_unref(*conf);
    *conf = next;
    return VONK_OK;
}

static const vonk_conf *defaults(void)
{
    vonk_error err = VONK_ERROR_INIT;
    const vonk_conf *conf = NULL;
    assert_int_equal(vonk_conf_new(vonk_budget_root(), &conf, &err), VONK_OK);
    return conf;
}

static void defaults_are_known(void **state)
{
    const vonk_conf *conf = defaults();
    assert_int_equal(vonk_conf_i64(conf, "spark.sql.shuffle.partitions"), 200);
    assert_int_equal(vonk_conf_i64(conf, "spark.sql.autoBroadcastJoinThreshold"), 10 << 20);
    assert_int_equal(vonk_conf_i64(conf, "spark.sql.broadcastTimeout"), 300);
    assert_true(vonk_conf_bool(conf, "spark.sql.ansi.enabled"));
    assert_true(vonk_conf_get(conf, "spark.sql.session.timeZone").len > 0);
    assert_null(vonk_conf_get(conf, "no.such.key").data);
    bool modifiable;
    vonk_str value;
    assert_true(vonk_conf_known(VONK_STR("spark.sql.warehouse.dir"), &value, &modifiable));
    assert_false(modifiable);
    assert_false(vonk_conf_known(VONK_STR("spark.executor.memory"), NULL, &modifiable));
    /* the default is another key's value */
    assert_int_equal(set(&conf, "spark.sql.execution.arrow.enabled", "true"), VONK_OK);
    assert_true(vonk_conf_bool(conf, "spark.sql.execution.arrow.pyspark.enabled"));
    vonk_fn_env env;
    vonk_conf_fn_env(conf, 5, &env);
    assert_true(env.ansi && !env.case_sensitive && env.decimal_loss_allowed && env.now_us == 5);
    assert_true(vonk_str_is(env.conf_get(env.conf, "spark.sql.shuffle.partitions"), "200"));
    vonk_conf_unref(conf);
}

static void values_are_checked(void **state)
{
    const vonk_conf *conf = defaults();
    assert_int_equal(set(&conf, "spark.sql.shuffle.partitions", "abc"), VONK_E_INVALID_CONF_VALUE__TYPE_MISMATCH);
    assert_int_equal(set(&conf, "spark.sql.shuffle.partitions", "-1"), VONK_E_INVALID_CONF_VALUE__REQUIREMENT);
    assert_int_equal(set(&conf, "spark.sql.ansi.enabled", "maybe"), VONK_E_INVALID_CONF_VALUE__TYPE_MISMATCH);
    assert_int_equal(set(&conf, "spark.sql.session.timeZone", "Mars/X"), VONK_E_INVALID_CONF_VALUE__TIME_ZONE);
    assert_int_equal(set(&conf, "spark.sql.parquet.compression.codec", "xx"),
                     VONK_E_INVALID_CONF_VALUE__OUT_OF_RANGE_OF_OPTIONS);
    assert_int_equal(set(&conf, "spark.sql.parquet.compression.codec", "ZSTD"), VONK_OK);
    assert_int_equal(set(&conf, "spark.sql.warehouse.dir", "x"), VONK_E_CANNOT_MODIFY_STATIC_CONFIG);
    assert_int_equal(set(&conf, "spark.executor.memory", "1g"), VONK_E_CANNOT_MODIFY_CONFIG);
    assert_int_equal(set(&conf, "spark.sql.autoBroadcastJoinThreshold", "10zz"),
                     VONK_E_INVALID_CONF_VALUE__TYPE_MISMATCH);
    assert_int_equal(set(&conf, "spark.sql.autoBroadcastJoinThreshold", "1kb"), VONK_OK);
    assert_int_equal(vonk_conf_i64(conf, "spark.sql.autoBroadcastJoinThreshold"), 1024);
    assert_int_equal(set(&conf, "spark.sql.redaction.options.regex", "["), VONK_E_INVALID_CONF_VALUE__TYPE_MISMATCH);
    assert_int_equal(set(&conf, "spark.sql.redaction.options.regex", "a|b"), VONK_OK);
    assert_int_equal(set(&conf, "spark.sql.broadcastTimeout", "5m"), VONK_OK);
    assert_int_equal(vonk_conf_i64(conf, "spark.sql.broadcastTimeout"), 300);
    vonk_conf_unref(conf);
}

static void snapshots_do_not_change(void **state)
{
    const vonk_conf *conf = defaults();
    assert_int_equal(set(&conf, "b.key", "1"), VONK_OK);
    const vonk_conf *old = vonk_conf_ref(conf);
    assert_int_equal(set(&conf, "a.key", "2"), VONK_OK);
    assert_int_equal(set(&conf, "b.key", "3"), VONK_OK);
    assert_int_equal(set(&conf, "c.key", "4"), VONK_OK);
    assert_int_equal(set(&conf, "a.key", NULL), VONK_OK);
    assert_true(vonk_str_is(vonk_conf_get_set(old, VONK_STR("b.key")), "1"));
    vonk_str key, value;
    size_t at = 0;
    assert_true(vonk_conf_next(conf, &at, &key, &value));
    assert_true(vonk_str_is(key, "b.key") && vonk_str_is(value, "3"));
    assert_true(vonk_conf_next(conf, &at, &key, &value));
    assert_true(vonk_str_is(key, "c.key"));
    assert_false(vonk_conf_next(conf, &at, &key, &value));
    vonk_conf_unref(old);
    vonk_conf_unref(conf);
}

static void keys_are_sorted(void **state)
{
    vonk_str key, value, last = VONK_STR_NONE;
    size_t n = 0;
    for (size_t at = 0; vonk_conf_next_key(&at, &key, &value); n++) {
        assert_true(vonk_str_compare(last, key) < 0);
        assert_true(vonk_conf_known(key, NULL, NULL));
        last = key;
    }
    assert_true(n > 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(defaults_are_known), cmocka_unit_test(values_are_checked),
                                       cmocka_unit_test(snapshots_do_not_change), cmocka_unit_test(keys_are_sorted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
