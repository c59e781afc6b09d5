/* text/date.h -- the proleptic Gregorian calendar, and dates, times and timestamps as text in the forms of Spark's CAST.
 *
 * Days count from 1970-01-01, microseconds from its midnight. Readers return false for text that is no such value; the caller raises. Years outside
 * -999999..999999 do not occur in text. */
#ifndef VONK_TEXT_DATE_H
#define VONK_TEXT_DATE_H

#include "base/buf.h"
#include "text/zone.h"

#define VONK_US_PER_SECOND INT64_C(1000000)
#define VONK_US_PER_DAY    INT64_C(86400000000)
#define VONK_DATE_CHARS    16
#define VONK_TIMESTAMP_CHARS 40

typedef struct vonk_civil {
    int64_t year;
    int32_t month, day;           /* 1.. */
    int32_t hour, minute, second;
    int32_t nanos;                /* of the second */
} vonk_civil;

/* Any year that fits in 32 bits. */
int64_t vonk_days_from_civil(int64_t year, int month, int day);
void    vonk_civil_from_days(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day);
bool    vonk_is_leap_year(int64_t year);
int     vonk_days_in_month(int64_t year, int month);
bool    vonk_civil_valid(int64_t year, int month, int day);
int     vonk_day_of_week(int64_t days); /* 0 = Monday */
int     vonk_day_of_year(int64_t days); /* 1.. */
/* ISO week; the year it belongs to in *ret_year. */
int     vonk_iso_week(int64_t days, int64_t *ret_year);
/* Adds months, the day cut to the month's length. */
int64_t vonk_add_months(int64_t days, int64_t months);
vonk_civil vonk_civil_of(vonk_local local);
vonk_local vonk_local_of_civil(const vonk_civil *c);
/* Quotient and rest of a division whose rest has the divisor's sign. */
static inline int64_t vonk_floor_div(int64_t a, int64_t b) { return a / b - ((a % b != 0) & ((a ^ b) < 0)); }
static inline int64_t vonk_floor_mod(int64_t a, int64_t b)
{
    const int64_t rest = a % b;
    return rest + (rest != 0 && (rest ^ b) < 0 ? b : 0);
}

/* Microseconds since 1970-01-01 and back; `us` may be any number then. False: it does not fit. */
static inline vonk_local vonk_local_of_us(int64_t us) { return (vonk_local){vonk_floor_div(us, VONK_US_PER_DAY), vonk_floor_mod(us, VONK_US_PER_DAY)}; }
static inline bool vonk_local_to_us(vonk_local local, int64_t *ret_us)
{
    const vonk_i128 us = (vonk_i128)local.day * VONK_US_PER_DAY + local.us;
    *ret_us = (int64_t)us;
    return us == *ret_us;
}

size_t vonk_date_to_text(int32_t days, char out[VONK_DATE_CHARS]);
/* yyyy-MM-dd HH:mm:ss[.ffffff], trailing zeros of the fraction dropped. */
size_t vonk_timestamp_to_text(int64_t us, const vonk_zone *zone, vonk_zone_cache *cache, char out[VONK_TIMESTAMP_CHARS]);
/* HH:mm:ss[.fffffffff] of nanoseconds of the day. */
size_t vonk_time_to_text(int64_t nanos_of_day, char out[VONK_TIMESTAMP_CHARS]);

/* [+-]yyyy*[-[m]m[-[d]d[( |T)anything]]] */
bool vonk_text_to_date(vonk_str text, int32_t *ret_days);
/* Date, date and time, or time alone (then of the day of now_us), with an optional zone; without one it is in `zone`. */
bool vonk_text_to_timestamp(vonk_str text, const vonk_zone *zone, int64_t now_us, int64_t *ret_us);
/* The same without zone: a zone in the text is refused, or ignored when allow_zone; a time alone is refused. */
bool vonk_text_to_timestamp_ntz(vonk_str text, bool allow_zone, int64_t *ret_us);
/* [h]h:[m]m[:[s]s[.fraction]][ AM|PM], nine digits of the fraction */
bool vonk_text_to_time(vonk_str text, int64_t *ret_nanos_of_day);

#endif
