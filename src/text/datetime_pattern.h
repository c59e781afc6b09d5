/* text/datetime_pattern.h -- patterns of dates and times ("yyyy-MM-dd HH:mm:ss.SSS"): java.time's letters, as far as Spark allows them.
 *
 * A pattern is compiled once, for writing or for reading, is immutable and lives in the arena; its text is copied there. English names. */
#ifndef VONK_TEXT_DATETIME_PATTERN_H
#define VONK_TEXT_DATETIME_PATTERN_H

#include "base/arena.h"
#include "text/date.h"

typedef enum vonk_dt_field {
    VONK_DT_ERA, VONK_DT_YEAR, VONK_DT_YEAR_OF_ERA, VONK_DT_QUARTER, VONK_DT_MONTH, VONK_DT_DAY, VONK_DT_DAY_OF_YEAR, VONK_DT_DAY_OF_WEEK,
    VONK_DT_WEEKDAY_OF_MONTH, VONK_DT_JULIAN_DAY, VONK_DT_AMPM, VONK_DT_HOUR, VONK_DT_CLOCK_HOUR, VONK_DT_HOUR_OF_AMPM, VONK_DT_CLOCK_HOUR_OF_AMPM,
    VONK_DT_MINUTE, VONK_DT_SECOND, VONK_DT_NANO, VONK_DT_OFFSET,
    VONK_DT_N_FIELD
} vonk_dt_field;

typedef enum vonk_dt_kind {
    VONK_DT_LITERAL, VONK_DT_NUMBER, VONK_DT_REDUCED /* two digits of the years 2000 to 2099 */, VONK_DT_FRACTION, VONK_DT_TEXT, VONK_DT_OPTIONAL,
    VONK_DT_ZONE_ID, VONK_DT_ZONE_NAME, VONK_DT_OFFSET_ID, VONK_DT_OFFSET_GMT
} vonk_dt_kind;
typedef enum vonk_dt_sign { VONK_DT_NORMAL, VONK_DT_NOT_NEGATIVE, VONK_DT_EXCEEDS_PAD } vonk_dt_sign;

typedef struct vonk_dt_item {
    vonk_dt_kind  kind;
    vonk_dt_field field;
    vonk_dt_sign  sign;
    int           min, max;   /* digits; TEXT, ZONE_NAME: min = letters */
    int           reserved;   /* digits of the fixed-width numbers that follow without a gap; -1: fixed itself */
    uint32_t      end;        /* OPTIONAL: first item behind the section */
    bool          with_colon, minutes, minutes_optional, seconds, generic; /* OFFSET_ID, OFFSET_GMT; ZONE_NAME: generic */
    vonk_str      text;       /* LITERAL; OFFSET_ID: what stands for zero */
} vonk_dt_item;

typedef struct vonk_dt_pattern {
    const vonk_dt_item *items;
    uint32_t            n;
} vonk_dt_pattern;

/* Errors: INVALID_DATETIME_PATTERN.*, INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION. */
vonk_status vonk_dt_compile(vonk_arena *arena, vonk_str pattern, bool reading, vonk_dt_pattern *ret, vonk_error *err);

/* Appends the text of an instant in a zone. */
vonk_status vonk_dt_write(const vonk_dt_pattern *p, int64_t us, const vonk_zone *zone, vonk_zone_cache *cache, vonk_buf *out, vonk_error *err);

/* The same for a date, as its midnight in UTC. */
vonk_status vonk_dt_write_date(const vonk_dt_pattern *p, int32_t days, vonk_buf *out, vonk_error *err);
/* The same for a time of day: optional sections that ask for more are left out; *ret_fits false: something else asks. */
vonk_status vonk_dt_write_time(const vonk_dt_pattern *p, int64_t nanos_of_day, vonk_buf *out, bool *ret_fits, vonk_error *err);

typedef struct vonk_dt_value {
    int32_t          days; /* 1970-01-01 when nothing says more */
    int64_t          nanos_of_day;
    const vonk_zone *zone; /* NULL: none in the text */
} vonk_dt_value;
/* false: no such text; ret_why then says so in the words of java.time. */
bool vonk_dt_read(const vonk_dt_pattern *p, vonk_str text, vonk_dt_value *ret, char ret_why[512]);
/* Microseconds since 1970 UTC, `zone` where the text has none; false: outside of 64 bits. */
bool vonk_dt_value_us(const vonk_dt_value *v, const vonk_zone *zone, int64_t *ret_us);

extern const char *const vonk_month_names[12], *const vonk_day_names[7]; /* January ..., Monday ... */

#endif
