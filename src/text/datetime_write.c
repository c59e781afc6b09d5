/* text/datetime_write.c -- instants as text by a pattern. */
#include <stdio.h>

#include "text/datetime_pattern.h"

typedef struct moment {
    vonk_civil civil;
    int64_t days, us;
    const vonk_zone *zone;
    int32_t offset_s;
} moment;

static int64_t field_of(const moment *m, vonk_dt_field field)
{
    const vonk_civil *c = &m->civil;
    switch (field) {
    case VONK_DT_ERA: return c->year > 0;
    case VONK_DT_YEAR: return c->year;
    case VONK_DT_YEAR_OF_ERA: return c->year > 0 ? c->year : 1 - c->year;
    case VONK_DT_QUARTER: return (c->month + 2) / 3;
    case VONK_DT_MONTH: return c->month;
    case VONK_DT_DAY: return c->day;
    case VONK_DT_DAY_OF_YEAR: return vonk_day_of_year(m->days);
    case VONK_DT_DAY_OF_WEEK: return vonk_day_of_week(m->days) + 1;
    case VONK_DT_WEEKDAY_OF_MONTH: return (c->day - 1) % 7 + 1;
    case VONK_DT_JULIAN_DAY: return m->days + 40587;
    case VONK_DT_AMPM: return c->hour >= 12;
    case VONK_DT_HOUR: return c->hour;
    case VONK_DT_CLOCK_HOUR: return c->hour ? c->hour : 24;
    case VONK_DT_HOUR_OF_AMPM: return c->hour % 12;
    case VONK_DT_CLOCK_HOUR_OF_AMPM: return c->hour % 12 ? c->hour % 12 : 12;
    case VONK_DT_MINUTE: return c->minute;
    case VONK_DT_SECOND: return c->second;
    case VONK_DT_NANO: return c->nanos;
    default: return m->offset_s;
    }
}

static vonk_status write_number(const vonk_dt_item *item, int64_t value, vonk_buf *out, vonk_error *err)
{
    static const int64_t exceeds[] = {0, 10, 100, 1000, 10000, 100000, 1000000};
    const char *sign = value < 0 ? "-" : "";
    if (item->sign == VONK_DT_EXCEEDS_PAD && item->min < 7 && value >= exceeds[item->min]) sign = "+";
    return vonk_buf_printf(out, err, "%s%0*lld", sign, item->min, (long long)(value < 0 ? -value : value));
}

static vonk_status write_fraction(const vonk_dt_item *item, int32_t nanos, vonk_buf *out, vonk_error *err)
{
    char digits[16];
    snprintf(digits, sizeof(digits), "%09u", (unsigned)nanos);
    return vonk_buf_append(out, digits, (size_t)item->max, err);
}

static vonk_status write_text(const vonk_dt_item *item, int64_t value, vonk_buf *out, vonk_error *err)
{
    static const char *const eras[] = {"Before Christ", "Anno Domini"}, *const short_eras[] = {"BC", "AD"};
    static const char *const quarters[] = {"1st quarter", "2nd quarter", "3rd quarter", "4th quarter"};
    bool is_short = item->min == 3;
    const char *name;
    switch (item->field) {
    case VONK_DT_ERA: return vonk_buf_add_c(out, is_short ? short_eras[value] : eras[value], err);
    case VONK_DT_AMPM: return vonk_buf_add_c(out, value ? "PM" : "AM", err);
    case VONK_DT_QUARTER:
        return is_short ? vonk_buf_printf(out, err, "Q%d", (int)value) : vonk_buf_add_c(out, quarters[value - 1], err);
    case VONK_DT_MONTH: name = vonk_month_names[value - 1]; break;
    default: name = vonk_day_names[value - 1]; break;
    }
    return vonk_buf_append(out, name, is_short ? 3 : strlen(name), err);
}

static vonk_status write_offset(const vonk_dt_item *item, int32_t offset_s, vonk_buf *out, vonk_error *err)
{
    int32_t all = offset_s < 0 ? -offset_s : offset_s, hours = all / 3600, minutes = all / 60 % 60, seconds = all % 60;
    const char *sign = offset_s < 0 ? "-" : "+", *colon = item->with_colon ? ":" : "";
    if (item->kind == VONK_DT_OFFSET_GMT) {
        VONK_TRY(vonk_buf_add_c(out, "GMT", err));
        if (!offset_s) return VONK_OK;
        bool is_long = item->min == 4;
        VONK_TRY(vonk_buf_printf(out, err, is_long ? "%s%02d:%02d" : "%s%d", sign, hours, minutes));
        if (!is_long && (minutes || seconds)) VONK_TRY(vonk_buf_printf(out, err, ":%02d", minutes));
        return seconds ? vonk_buf_printf(out, err, ":%02d", seconds) : VONK_OK;
    }
    if (!offset_s) return vonk_buf_add_str(out, item->text, err);
    VONK_TRY(vonk_buf_printf(out, err, "%s%02d", sign, hours));
    bool with_seconds = item->seconds && seconds;
    if (!item->minutes_optional || minutes || with_seconds)
        VONK_TRY(vonk_buf_printf(out, err, "%s%02d", colon, minutes));
    return with_seconds ? vonk_buf_printf(out, err, "%s%02d", colon, seconds) : VONK_OK;
}

/* Names of the zones that people meet most. What has no name here is written by its abbreviation, or refused in long
 * form. */
static const struct {
    const char *zone, *standard, *summer, *generic, *short_generic;
} zone_names[] = {
    {"America/Los_Angeles", "Pacific Standard Time", "Pacific Daylight Time", "Pacific Time", "PT"},
    {"America/Denver", "Mountain Standard Time", "Mountain Daylight Time", "Mountain Time", "MT"},
    {"America/Chicago", "Central Standard Time", "Central Daylight Time", "Central Time", "CT"},
    {"America/New_York", "Eastern Standard Time", "Eastern Daylight Time", "Eastern Time", "ET"},
    {"Europe/London", "Greenwich Mean Time", "British Summer Time", "British Time", "BT"},
    {"Europe/Paris", "Central European Standard Time", "Central European Summer Time", "Central European Time", "CET"},
    {"Europe/Berlin", "Central European Standard Time", "Central European Summer Time", "Central European Time", "CET"},
    {"Europe/Brussels", "Central European Standard Time", "Central European Summer Time", "Central European Time",
     "CET"},
    {"Europe/Amsterdam", "Central European Standard Time", "Central European Summer Time", "Central European Time",
     "CET"},
    {"Europe/Madrid", "Central European Standard Time", "Central European Summer Time", "Central European Time", "CET"},
    {"Europe/Rome", "Central European Standard Time", "Central European Summer Time", "Central European Time", "CET"},
    {"Asia/Tokyo", "Japan Standard Time", "Japan Daylight Time", "Japan Time", "JT"},
    {"Asia/Shanghai", "China Standard Time", "China Daylight Time", "China Time", "CT"},
    {"Asia/Kolkata", "India Standard Time", "India Daylight Time", "India Time", "IT"},
    {"UTC", "Coordinated Universal Time", "Coordinated Universal Time", "Coordinated Universal Time", "UTC"},
    {"GMT", "Greenwich Mean Time", "Greenwich Mean Time", "Greenwich Mean Time", "GMT"},
};

static vonk_status write_zone_name(const vonk_dt_item *item, const moment *m, vonk_buf *out, vonk_error *err)
{
    bool summer = false;
    vonk_str id = vonk_zone_name(m->zone);
    vonk_str brief = vonk_zone_abbreviation(m->zone, vonk_floor_div(m->us, VONK_US_PER_SECOND), &summer);
    for (size_t i = 0; i < VONK_COUNTOF(zone_names); i++) {
        if (!vonk_str_is(id, zone_names[i].zone)) continue;
        if (item->generic)
            return vonk_buf_add_c(out, item->min == 4 ? zone_names[i].generic : zone_names[i].short_generic, err);
        if (item->min == 4) return vonk_buf_add_c(out, summer ? zone_names[i].summer : zone_names[i].standard, err);
    }
    if (vonk_zone_is_fixed(m->zone, NULL)) return vonk_buf_add_str(out, id, err);
    if (item->generic || item->min == 4)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         VONK_F("the name of the zone %.*s in a pattern", VONK_STR_ARGS(id)));
    return vonk_buf_add_str(out, brief, err);
}

static vonk_status write_item(const vonk_dt_item *item, const moment *m, vonk_buf *out, vonk_error *err)
{
    switch (item->kind) {
    case VONK_DT_LITERAL: return vonk_buf_add_str(out, item->text, err);
    case VONK_DT_NUMBER: return write_number(item, field_of(m, item->field), out, err);
    case VONK_DT_REDUCED: {
        int64_t value = field_of(m, item->field) % 100;
        return vonk_buf_printf(out, err, "%02d", (int)(value < 0 ? -value : value));
    }
    case VONK_DT_FRACTION: return write_fraction(item, m->civil.nanos, out, err);
    case VONK_DT_TEXT: return write_text(item, field_of(m, item->field), out, err);
    case VONK_DT_ZONE_ID: return vonk_buf_add_str(out, vonk_zone_name(m->zone), err);
    case VONK_DT_ZONE_NAME: return write_zone_name(item, m, out, err);
    case VONK_DT_OFFSET_ID:
    case VONK_DT_OFFSET_GMT: return write_offset(item, m->offset_s, out, err);
    default: return VONK_OK; /* OPTIONAL: every field is there */
    }
}

static vonk_status write_local(const vonk_dt_pattern *p, vonk_local local, moment m, vonk_buf *out, vonk_error *err)
{
    m.civil = vonk_civil_of(local);
    m.days = local.day;
    for (uint32_t i = 0; i < p->n; i++) VONK_TRY(write_item(&p->items[i], &m, out, err));
    return VONK_OK;
}

vonk_status vonk_dt_write(const vonk_dt_pattern *p, int64_t us, const vonk_zone *zone, vonk_zone_cache *cache,
                          vonk_buf *out, vonk_error *err)
{
    const int32_t offset_s = vonk_zone_offset(zone, vonk_floor_div(us, VONK_US_PER_SECOND), cache);
    const moment m = {.us = us, .zone = zone, .offset_s = offset_s};
    return write_local(p, vonk_zone_to_local(zone, us, cache), m, out, err);
}

vonk_status vonk_dt_write_date(const vonk_dt_pattern *p, int32_t days, vonk_buf *out, vonk_error *err)
{
    return write_local(p, (vonk_local){days, 0}, (moment){.zone = vonk_zone_utc()}, out, err);
}

/* ---- times of day */

static bool asks_for_day(const vonk_dt_item *item)
{
    switch (item->kind) {
    case VONK_DT_LITERAL:
    case VONK_DT_OPTIONAL: return false;
    case VONK_DT_NUMBER:
    case VONK_DT_REDUCED:
    case VONK_DT_FRACTION:
    case VONK_DT_TEXT: return item->field < VONK_DT_AMPM;
    default: return true;
    }
}

/* Sections inside are left out by themselves. */
static bool section_fits(const vonk_dt_pattern *p, uint32_t from, uint32_t end)
{
    for (uint32_t i = from; i < end; i++) {
        if (asks_for_day(&p->items[i])) return false;
        if (p->items[i].kind == VONK_DT_OPTIONAL) i = p->items[i].end - 1;
    }
    return true;
}

vonk_status vonk_dt_write_time(const vonk_dt_pattern *p, int64_t nanos_of_day, vonk_buf *out, bool *ret_fits,
                               vonk_error *err)
{
    moment m = {.civil = vonk_civil_of((vonk_local){0, nanos_of_day / 1000})};
    m.civil.nanos = (int32_t)(nanos_of_day % 1000000000);
    *ret_fits = section_fits(p, 0, p->n);
    for (uint32_t i = 0; *ret_fits && i < p->n; i++) {
        const vonk_dt_item *item = &p->items[i];
        if (item->kind == VONK_DT_OPTIONAL && !section_fits(p, i + 1, item->end))
            i = item->end - 1;
        else
            VONK_TRY(write_item(item, &m, out, err));
    }
    return VONK_OK;
}
