/* func/datetime_int.h -- inside func: what functions on dates and times share. */
#ifndef VONK_FUNC_DATETIME_INT_H
#define VONK_FUNC_DATETIME_INT_H

#include "func/body.h"
#include "text/date.h"

/* The session's zone; lives as long as the process. */
vonk_status vonk__session_zone(const vonk_fn_env *env, const vonk_zone **ret, vonk_error *err);
/* A zone named by an argument: constant ones are looked up once. Zero it; at most one per call. */
typedef struct vonk__zone_arg {
    vonk_str         name; /* of the last row: points into it */
    const vonk_zone *zone;
} vonk__zone_arg;
vonk_status vonk__zone_of_row(const vonk_column *names, uint32_t row, vonk__zone_arg *last, const vonk_zone **ret, vonk_error *err);

/* Local time of a date (midnight), timestamp (in zone) or timestamp without zone. */
static inline vonk_local vonk__local(const vonk_column *c, uint32_t row, const vonk_zone *zone, vonk_zone_cache *cache)
{
    if (c->type->id == VONK_T_DATE) return (vonk_local){vonk_i32_at(c, row), 0};
    return vonk_zone_to_local(c->type->id == VONK_T_TIMESTAMP ? zone : NULL, vonk_i64_at(c, row), cache);
}

/* Year, month and day in one go, for any day of 32 bits; inline for loops. */
static inline void vonk__civil(int32_t days, int32_t *year, int32_t *month, int32_t *day)
{
    /* Shifted by eras of 400 years, so that everything is positive; years start in March. */
    enum { ERAS = 14700, DAYS_OF_ERA = 146097 };
    uint64_t z = (uint64_t)((int64_t)days + 719468 + (int64_t)ERAS * DAYS_OF_ERA);
    uint32_t era = (uint32_t)(z / DAYS_OF_ERA), doe = (uint32_t)(z - (uint64_t)era * DAYS_OF_ERA);
    uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), shifted = (5 * doy + 2) / 153;
    *day = (int32_t)(doy - (153 * shifted + 2) / 5 + 1);
    *month = (int32_t)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = (int32_t)yoe + ((int32_t)era - ERAS) * 400 + (*month <= 2);
}

/* Units of trunc and date_trunc, smallest first. */
typedef enum vonk__unit {
    VONK__UNIT_NONE, VONK__UNIT_MICROSECOND, VONK__UNIT_MILLISECOND, VONK__UNIT_SECOND, VONK__UNIT_MINUTE, VONK__UNIT_HOUR, VONK__UNIT_DAY,
    VONK__UNIT_WEEK, VONK__UNIT_MONTH, VONK__UNIT_QUARTER, VONK__UNIT_YEAR
} vonk__unit;
vonk__unit vonk__trunc_unit(vonk_str name); /* any case; NONE: no such unit */
int64_t    vonk__trunc_days(int64_t days, vonk__unit unit); /* DAY and longer */

/* ARITHMETIC_OVERFLOW of days and months that fit no DATE or interval. */
vonk_status vonk__datetime_overflow(vonk_error *err);
/* DATETIME_FIELD_OUT_OF_BOUNDS, in the form "Invalid value for MonthOfYear (valid values 1 - 12): 13". */
vonk_status vonk__field_out_of_bounds(const char *field, int64_t least, int64_t most, int64_t value, vonk_error *err);

#endif
