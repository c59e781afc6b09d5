/* Tests of the calendar, of zones, and of dates and timestamps as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "text/date.h"

static void calendar_goes_round(void **state)
{
    int64_t year;
    int month, day;
    for (int64_t d = -1000000; d < 3000000; d += 37) {
        vonk_civil_from_days(d, &year, &month, &day);
        assert_true(vonk_civil_valid(year, month, day));
        assert_int_equal(vonk_days_from_civil(year, month, day), d);
    }
    assert_int_equal(vonk_days_from_civil(1970, 1, 1), 0);
    assert_int_equal(vonk_days_from_civil(2000, 2, 29), 11016);
    assert_int_equal(vonk_day_of_week(0), 3);
    assert_int_equal(vonk_day_of_year(vonk_days_from_civil(2020, 12, 31)), 366);
    assert_int_equal(vonk_iso_week(vonk_days_from_civil(2021, 1, 3), &year), 53);
    assert_int_equal(year, 2020);
    assert_int_equal(vonk_add_months(vonk_days_from_civil(2020, 1, 31), 1), vonk_days_from_civil(2020, 2, 29));
    assert_int_equal(vonk_add_months(vonk_days_from_civil(2020, 3, 31), -13), vonk_days_from_civil(2019, 2, 28));
}

static void expect_date(const char *text, bool ok, const char *back)
{
    int32_t days = 0;
    char out[VONK_DATE_CHARS + 1];
    assert_int_equal(vonk_text_to_date(vonk_str_of(text), &days), ok);
    if (!ok) return;
    out[vonk_date_to_text(days, out)] = 0;
    assert_string_equal(out, back);
}

static void dates_are_read_and_written(void **state)
{
    expect_date("2020", true, "2020-01-01");
    expect_date("2020-1", true, "2020-01-01");
    expect_date(" 2020-1-2 ", true, "2020-01-02");
    expect_date("2020-01-02Txyz", true, "2020-01-02");
    expect_date("2020-02-29 abc", true, "2020-02-29");
    expect_date("-0001-01-01", true, "-0001-01-01");
    expect_date("+10000-01-01", true, "+10000-01-01");
    expect_date("0000-01-01", true, "0000-01-01");
    expect_date("20-1-2", false, "");
    expect_date("2020-13-01", false, "");
    expect_date("2020-02-30", false, "");
    expect_date("2020/01/01", false, "");
    expect_date("2020-01-01x", false, "");
    expect_date("2020-01-", false, "");
    expect_date("2020-001-01", false, "");
    expect_date("", false, "");
    expect_date("-", false, "");
}

static void expect_ts(const char *text, const char *zone, bool ok, const char *back)
{
    int64_t us = 0;
    char out[VONK_TIMESTAMP_CHARS + 1];
    const vonk_zone *z = vonk_zone_lookup(vonk_str_of(zone));
    assert_non_null(z);
    int64_t now = vonk_days_from_civil(2026, 1, 2) * VONK_US_PER_DAY;
    assert_int_equal(vonk_text_to_timestamp(vonk_str_of(text), z, now, &us), ok);
    if (!ok) return;
    out[vonk_timestamp_to_text(us, vonk_zone_utc(), NULL, out)] = 0;
    assert_string_equal(out, back);
}

static void timestamps_are_read_and_written(void **state)
{
    expect_ts("2020", "UTC", true, "2020-01-01 00:00:00");
    expect_ts("2020-01-01 10", "UTC", true, "2020-01-01 10:00:00");
    expect_ts("2020-01-01 10:1", "UTC", true, "2020-01-01 10:01:00");
    expect_ts("2020-01-01 10:11:12.", "UTC", true, "2020-01-01 10:11:12");
    expect_ts("2020-01-01 10:11:12.1234567", "UTC", true, "2020-01-01 10:11:12.123456");
    expect_ts("2020-01-01T10:11:12Z", "Asia/Tokyo", true, "2020-01-01 10:11:12");
    expect_ts("2020-01-01 10:11:12 America/New_York", "UTC", true, "2020-01-01 15:11:12");
    expect_ts("2020-01-01 10:11:12+1:30", "UTC", true, "2020-01-01 08:41:12");
    expect_ts("2020-01-01 10:11:12 EST", "UTC", true, "2020-01-01 15:11:12");
    expect_ts("2020-01-01 10:11:12 PST", "UTC", true, "2020-01-01 18:11:12");
    expect_ts("2020-01-01 10:11:12UTC+2", "UTC", true, "2020-01-01 08:11:12");
    expect_ts("10:11:12", "UTC", true, "2026-01-02 10:11:12");
    expect_ts("T10:11", "UTC", true, "2026-01-02 10:11:00");
    expect_ts("2020-01-01 00:00:00", "America/Los_Angeles", true, "2020-01-01 08:00:00");
    expect_ts("2020-01-01 10:11 Z", "UTC", false, "");
    expect_ts("2020-01-01T", "UTC", false, "");
    expect_ts("2020-01-01 24:00:00", "UTC", false, "");
    expect_ts("2020-01-01 10:11:60", "UTC", false, "");
    expect_ts("2020-01-01 10:11:12 Mars/X", "UTC", false, "");
    expect_ts("2020-01-01 10:11:12.1.2", "UTC", false, "");
    expect_ts("294247-01-10 04:00:54.775807", "UTC", true, "+294247-01-10 04:00:54.775807");
    expect_ts("294247-01-10 04:00:54.775808", "UTC", false, "");
    expect_ts("-290308-12-21 19:59:05.224192", "UTC", true, "-290308-12-21 19:59:05.224192");
    int64_t us;
    assert_true(vonk_text_to_timestamp_ntz(VONK_STR("2020-01-01 10:11:12 Asia/Tokyo"), true, &us));
    assert_false(vonk_text_to_timestamp_ntz(VONK_STR("2020-01-01 10:11:12Z"), false, &us));
    assert_false(vonk_text_to_timestamp_ntz(VONK_STR("10:11:12"), true, &us));
}

static void expect_offset(const char *zone, const char *utc, int32_t seconds)
{
    int64_t us;
    vonk_zone_cache cache = {0};
    const vonk_zone *z = vonk_zone_lookup(vonk_str_of(zone));
    assert_non_null(z);
    assert_true(vonk_text_to_timestamp(vonk_str_of(utc), vonk_zone_utc(), 0, &us));
    for (int i = 0; i < 2; i++) /* without and with what the cache remembers */
        assert_int_equal(vonk_zone_offset(z, vonk_floor_div(us, 1000000), &cache), seconds);
    assert_int_equal(vonk_zone_offset(z, vonk_floor_div(us, 1000000), NULL), seconds);
}

static void zones_know_their_rules(void **state)
{
    expect_offset("America/Los_Angeles", "2020-01-01", -8 * 3600);
    expect_offset("America/Los_Angeles", "2020-03-08 09:59:59", -8 * 3600);
    expect_offset("America/Los_Angeles", "2020-03-08 10:00:00", -7 * 3600);
    expect_offset("America/Los_Angeles", "2020-11-01 09:00:00", -8 * 3600);
    expect_offset("America/Los_Angeles", "2300-07-01", -7 * 3600);
    expect_offset("America/Los_Angeles", "9999-07-01", -7 * 3600);
    expect_offset("America/Los_Angeles", "9999-12-31", -8 * 3600);
    expect_offset("America/Los_Angeles", "1800-01-01", -(7 * 3600 + 52 * 60 + 58));
    expect_offset("Australia/Sydney", "2100-01-01", 11 * 3600);
    expect_offset("Europe/Dublin", "2100-07-01", 3600);
    expect_offset("Asia/Kolkata", "2100-07-01", 19800);
    expect_offset("Etc/GMT+5", "2020-01-01", -5 * 3600);
    expect_offset("+01:30", "2020-01-01", 5400);
    expect_offset("-8", "2020-01-01", -8 * 3600);
    expect_offset("UTC+0130", "2020-01-01", 5400);
    expect_offset("+5:30", "2020-01-01", 19800);
    assert_null(vonk_zone_lookup(VONK_STR("Mars/X")));
    assert_null(vonk_zone_lookup(VONK_STR("../../etc/passwd")));
    assert_null(vonk_zone_lookup(VONK_STR("+19:00")));
    assert_null(vonk_zone_lookup(VONK_STR("+1:2:3")));
    assert_null(vonk_zone_lookup(VONK_STR("America")));
    assert_null(vonk_zone_lookup(VONK_STR("")));
    assert_ptr_equal(vonk_zone_lookup(VONK_STR("Asia/Tokyo")), vonk_zone_lookup(VONK_STR("JST")));
    vonk_error err = VONK_ERROR_INIT;
    const vonk_zone *z;
    assert_int_equal(vonk_zone_find(VONK_STR("Mars/X"), &z, &err), VONK_E_INVALID_TIMEZONE);
    vonk_error_reset(&err);
}

static void expect_utc(const char *zone, const char *local, const char *utc)
{
    int64_t us;
    char out[VONK_TIMESTAMP_CHARS + 1];
    assert_true(vonk_text_to_timestamp(vonk_str_of(local), vonk_zone_utc(), 0, &us));
    assert_true(vonk_zone_to_utc(vonk_zone_lookup(vonk_str_of(zone)), vonk_local_of_us(us), &us));
    out[vonk_timestamp_to_text(us, NULL, NULL, out)] = 0;
    assert_string_equal(out, utc);
}

static void local_times_in_gaps_and_overlaps(void **state)
{
    expect_utc("America/Los_Angeles", "2020-03-08 01:59:59", "2020-03-08 09:59:59");
    expect_utc("America/Los_Angeles", "2020-03-08 02:30:00", "2020-03-08 10:30:00"); /* is 03:30 PDT */
    expect_utc("America/Los_Angeles", "2020-03-08 03:00:00", "2020-03-08 10:00:00");
    expect_utc("America/Los_Angeles", "2020-11-01 00:59:59", "2020-11-01 07:59:59");
    expect_utc("America/Los_Angeles", "2020-11-01 01:30:00", "2020-11-01 08:30:00"); /* the first one */
    expect_utc("America/Los_Angeles", "2020-11-01 02:00:00", "2020-11-01 10:00:00");
    expect_utc("America/Los_Angeles", "3020-07-01 00:00:00", "3020-07-01 07:00:00");
    expect_utc("+02:00", "2020-03-08 02:30:00", "2020-03-08 00:30:00");
    bool dst;
    int64_t july = vonk_days_from_civil(2020, 7, 1) * 86400;
    assert_true(vonk_str_is(vonk_zone_abbreviation(vonk_zone_lookup(VONK_STR("Europe/Paris")), july, &dst), "CEST"));
    assert_true(dst);
}

static void ends_of_the_range(void **state)
{
    const vonk_zone *west = vonk_zone_lookup(VONK_STR("America/Los_Angeles")),
                    *east = vonk_zone_lookup(VONK_STR("Asia/Tokyo"));
    char text[VONK_TIMESTAMP_CHARS + 1];
    int64_t us = 0;
    text[vonk_timestamp_to_text(INT64_MIN, west, NULL, text)] = 0;
    assert_string_equal(text, "-290308-12-21 12:06:07.224192");
    text[vonk_timestamp_to_text(INT64_MAX, east, NULL, text)] = 0;
    assert_string_equal(text, "+294247-01-10 13:00:54.775807");
    assert_false(vonk_local_to_us(vonk_zone_to_local(west, INT64_MIN, NULL), &us));
    assert_false(vonk_local_to_us(vonk_zone_to_local(east, INT64_MAX, NULL), &us));
    assert_false(vonk_zone_to_utc(west, vonk_local_of_us(INT64_MAX), &us));
    assert_false(vonk_zone_to_utc(east, (vonk_local){INT64_MAX, 0}, &us));
    assert_true(vonk_zone_to_utc(west, vonk_zone_to_local(west, INT64_MIN, NULL), &us));
    assert_int_equal(us, INT64_MIN);
    assert_true(vonk_zone_to_utc(NULL, vonk_local_of_us(INT64_MIN), &us));
    assert_int_equal(us, INT64_MIN);
    assert_int_equal(vonk_floor_mod(INT64_MIN, VONK_US_PER_DAY), vonk_local_of_us(INT64_MIN).us);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calendar_goes_round),
        cmocka_unit_test(dates_are_read_and_written),
        cmocka_unit_test(timestamps_are_read_and_written),
        cmocka_unit_test(zones_know_their_rules),
        cmocka_unit_test(local_times_in_gaps_and_overlaps),
        cmocka_unit_test(ends_of_the_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
