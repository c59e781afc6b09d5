/* text/date.c -- calendar arithmetic and writing. Reading: text/date_read.c. */
#include "text/date.h"
#include "text/number.h"

/* Years start in March here, so that the leap day is the last one; 400 years are an era. */
int64_t vonk_days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = vonk_floor_div(year, 400), year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void vonk_civil_from_days(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day)
{
    days += 719468;
    int64_t era = vonk_floor_div(days, 146097), day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *ret_day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *ret_month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

bool vonk_is_leap_year(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int vonk_days_in_month(int64_t year, int month)
{
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && vonk_is_leap_year(year));
}

bool vonk_civil_valid(int64_t year, int month, int day)
{
    return month >= 1 && month <= 12 && day >= 1 && day <= vonk_days_in_month(year, month);
}

int vonk_day_of_week(int64_t days) { return (int)vonk_floor_mod(days + 3, 7); }

int vonk_day_of_year(int64_t days)
{
    int64_t year;
    int month, day;
    vonk_civil_from_days(days, &year, &month, &day);
    return (int)(days - vonk_days_from_civil(year, 1, 1)) + 1;
}

/* A week belongs to the year that its Thursday is in. */
int vonk_iso_week(int64_t days, int64_t *ret_year)
{
    int month, day;
    int64_t thursday = days - vonk_day_of_week(days) + 3, year;
    vonk_civil_from_days(thursday, &year, &month, &day);
    *ret_year = year;
    return (int)(thursday - vonk_days_from_civil(year, 1, 1)) / 7 + 1;
}

int64_t vonk_add_months(int64_t days, int64_t months)
{
    int64_t year;
    int month, day;
    vonk_civil_from_days(days, &year, &month, &day);
    int64_t total = year * 12 + (month - 1) + months;
    year = vonk_floor_div(total, 12);
    month = (int)vonk_floor_mod(total, 12) + 1;
    int most = vonk_days_in_month(year, month);
    return vonk_days_from_civil(year, month, day < most ? day : most);
}

vonk_civil vonk_civil_of(vonk_local local)
{
    vonk_civil c;
    vonk_civil_from_days(local.day, &c.year, &c.month, &c.day);
    int32_t seconds = (int32_t)(local.us / VONK_US_PER_SECOND);
    c.nanos = (int32_t)(local.us % VONK_US_PER_SECOND) * 1000;
    c.hour = seconds / 3600;
    c.minute = seconds / 60 % 60;
    c.second = seconds % 60;
    return c;
}

vonk_local vonk_local_of_civil(const vonk_civil *c)
{
    return (vonk_local){vonk_days_from_civil(c->year, c->month, c->day),
                        ((c->hour * INT64_C(60) + c->minute) * 60 + c->second) * VONK_US_PER_SECOND + c->nanos / 1000};
}

/* ---- writing */

static char *two_digits(char *at, int v)
{
    *at++ = (char)('0' + v / 10);
    *at++ = (char)('0' + v % 10);
    return at;
}

/* At least four digits; a sign in front of longer and of negative years. */
static char *put_year(char *at, int64_t year)
{
    char digits[VONK_I64_CHARS];
    size_t n = vonk_i64_to_text(year < 0 ? -year : year, digits);
    if (year < 0) *at++ = '-';
    if (year > 9999) *at++ = '+';
    for (size_t i = n; i < 4; i++) *at++ = '0';
    memcpy(at, digits, n);
    return at + n;
}

static char *put_date(char *at, int64_t year, int month, int day)
{
    at = put_year(at, year);
    *at++ = '-';
    at = two_digits(at, month);
    *at++ = '-';
    return two_digits(at, day);
}

static char *put_fraction(char *at, int32_t nanos)
{
    if (nanos == 0) return at;
    *at++ = '.';
    for (int32_t unit = 100000000; nanos > 0; unit /= 10) {
        *at++ = (char)('0' + nanos / unit);
        nanos %= unit;
    }
    return at;
}

static char *put_time(char *at, int hour, int minute, int second, int32_t nanos)
{
    at = two_digits(at, hour);
    *at++ = ':';
    at = two_digits(at, minute);
    *at++ = ':';
    at = two_digits(at, second);
    return put_fraction(at, nanos);
}

size_t vonk_date_to_text(int32_t days, char out[VONK_DATE_CHARS])
{
    int64_t year;
    int month, day;
    vonk_civil_from_days(days, &year, &month, &day);
    return (size_t)(put_date(out, year, month, day) - out);
}

size_t vonk_timestamp_to_text(int64_t us, const vonk_zone *zone, vonk_zone_cache *cache, char out[VONK_TIMESTAMP_CHARS])
{
    vonk_civil c = vonk_civil_of(vonk_zone_to_local(zone, us, cache));
    char *at = put_date(out, c.year, c.month, c.day);
    *at++ = ' ';
    return (size_t)(put_time(at, c.hour, c.minute, c.second, c.nanos) - out);
}

size_t vonk_time_to_text(int64_t nanos_of_day, char out[VONK_TIMESTAMP_CHARS])
{
    int32_t s = (int32_t)(nanos_of_day / 1000000000);
    return (size_t)(put_time(out, s / 3600, s / 60 % 60, s % 60, (int32_t)(nanos_of_day % 1000000000)) - out);
}
