/* text/datetime_read.c -- dates and times from text by a pattern: fields are read first, then put together (strictly,
 * as java.time does). */
#include <stdio.h>

#include "text/datetime_pattern.h"

typedef struct fields {
    int64_t value[VONK_DT_N_FIELD];
    uint32_t set; /* bits */
    const vonk_zone *zone;
} fields;

typedef struct reading {
    const vonk_dt_pattern *p;
    vonk_str text;
    size_t failed_at;
} reading;

static bool has(const fields *f, vonk_dt_field field) { return f->set >> field & 1; }

/* A field read twice must say the same. */
static bool keep(fields *f, vonk_dt_field field, int64_t value)
{
    if (has(f, field)) return f->value[field] == value;
    f->set |= 1U << field;
    f->value[field] = value;
    return true;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* ---- items: each moves *at on, or returns false */

/* At most `most` digits from `at` on; where they end. */
static size_t digits_end(vonk_str s, size_t at, size_t most, int64_t *ret)
{
    size_t end = at;
    int64_t v = 0;
    while (end < s.len && end - at < most && is_digit(s.data[end])) {
        if (v > (INT64_MAX - 9) / 10) return at;
        v = v * 10 + (s.data[end++] - '0');
    }
    *ret = v;
    return end;
}

static bool read_number(const vonk_dt_item *item, vonk_str s, size_t *at, fields *f)
{
    size_t from = *at;
    char sign = from < s.len && (s.data[from] == '+' || s.data[from] == '-') ? s.data[from] : 0;
    if (sign && (item->sign == VONK_DT_NOT_NEGATIVE || (sign == '+' && item->sign == VONK_DT_NORMAL))) return false;
    if (sign) from++;
    size_t least = (size_t)item->min, reserved = item->reserved > 0 ? (size_t)item->reserved : 0;
    int64_t v = 0;
    size_t end = digits_end(s, from, (size_t)item->max + reserved, &v);
    if (reserved) {
        size_t n = end - from;
        end = digits_end(s, from, vonk_max_size(least, n > reserved ? n - reserved : 0), &v);
    }
    if (end - from < least || end == from) return false;
    if (sign == '-') {
        if (v == 0) return false;
        v = -v;
    } else if (item->sign == VONK_DT_EXCEEDS_PAD) {
        if (sign == '+' ? end - from <= least : end - from > least) return false;
    }
    if (item->kind == VONK_DT_REDUCED) v += 2000;
    *at = end;
    return keep(f, item->field, v);
}

static bool read_fraction(const vonk_dt_item *item, vonk_str s, size_t *at, fields *f)
{
    int64_t v = 0;
    size_t end = digits_end(s, *at, (size_t)item->max, &v);
    if (end - *at < (size_t)item->min) return false;
    for (size_t n = end - *at; n < 9; n++) v *= 10;
    *at = end;
    return keep(f, VONK_DT_NANO, v);
}

static bool starts_nocase(vonk_str s, size_t at, vonk_str what)
{
    return s.len - at >= what.len && vonk_str_eq_nocase(vonk_str_sub(s, at, at + what.len), what);
}

static bool read_text(const vonk_dt_item *item, vonk_str s, size_t *at, fields *f)
{
    static const char *const eras[] = {"Before Christ", "Anno Domini"}, *const short_eras[] = {"BC", "AD"},
                             *const halves[] = {"AM", "PM"};
    const char *const *names = item->field == VONK_DT_MONTH  ? vonk_month_names
                               : item->field == VONK_DT_AMPM ? halves
                               : item->min == 3              ? short_eras
                                                             : eras;
    int n = item->field == VONK_DT_MONTH ? 12 : 2, first = item->field == VONK_DT_MONTH ? 1 : 0;
    for (int i = 0; i < n; i++) {
        vonk_str name = vonk_str_of(names[i]);
        if (item->field == VONK_DT_MONTH && item->min == 3) name.len = 3;
        if (!starts_nocase(s, *at, name)) continue;
        *at += name.len;
        return keep(f, item->field, first + i);
    }
    return false;
}

static bool two_digits(vonk_str s, size_t *at, int most, int64_t *ret)
{
    size_t end = digits_end(s, *at, 2, ret);
    if (end - *at != 2 || *ret > most) return false;
    *at = end;
    return true;
}

static bool keep_offset(fields *f, int64_t seconds)
{
    char name[16];
    int64_t all = seconds < 0 ? -seconds : seconds;
    if (all > 18 * 3600) return false;
    snprintf(name, sizeof(name), "%c%02d:%02d:%02d", seconds < 0 ? '-' : '+', (int)(all / 3600), (int)(all / 60 % 60),
             (int)(all % 60));
    f->zone = vonk_zone_lookup(vonk_str_of(name));
    return f->zone && keep(f, VONK_DT_OFFSET, seconds);
}

static bool read_offset(const vonk_dt_item *item, vonk_str s, size_t *at, fields *f)
{
    size_t from = *at;
    int64_t hours = 0, minutes = 0, seconds = 0;
    if (item->kind == VONK_DT_OFFSET_GMT) {
        if (!starts_nocase(s, from, VONK_STR("GMT"))) return false;
        from += 3;
    } else if (starts_nocase(s, from, item->text)) {
        *at += item->text.len;
        return keep_offset(f, 0);
    }
    char sign = from < s.len ? s.data[from] : 0;
    if (sign != '+' && sign != '-') {
        *at = from;
        return item->kind == VONK_DT_OFFSET_GMT && keep_offset(f, 0);
    }
    from++;
    bool gmt = item->kind == VONK_DT_OFFSET_GMT, colon = gmt || item->with_colon;
    size_t n_hours = gmt && item->min != 4 && from + 1 < s.len && !is_digit(s.data[from + 1]) ? 1 : 2;
    size_t end = digits_end(s, from, n_hours, &hours);
    if (end == from || (n_hours == 2 && end - from != 2 && !(gmt && item->min != 4))) return false;
    from = end;
    size_t back = from;
    bool more = !colon || (from < s.len && s.data[from] == ':');
    if (more && colon) from++;
    if (!more || !two_digits(s, &from, 59, &minutes)) {
        if (!item->minutes_optional && !(gmt && item->min != 4)) return false;
        from = back;
    } else if (item->seconds || gmt) {
        back = from;
        more = !colon || (from < s.len && s.data[from] == ':');
        if (more && colon) from++;
        if (!more || !two_digits(s, &from, 59, &seconds)) from = back;
    }
    *at = from;
    seconds += hours * 3600 + minutes * 60;
    return keep_offset(f, sign == '-' ? -seconds : seconds);
}

/* The longest piece that names a zone. */
static bool read_zone(const vonk_dt_item *item, vonk_str s, size_t *at, fields *f)
{
    size_t end = *at;
    while (end < s.len && (strchr("/_+-:", s.data[end]) || is_digit(s.data[end]) || (s.data[end] | 32) >= 'a') &&
           (s.data[end] | 32) <= 'z')
        end++;
    while (end > *at) {
        f->zone = vonk_zone_lookup(vonk_str_sub(s, *at, end));
        if (!f->zone && item->kind == VONK_DT_ZONE_NAME && end - *at == 3 &&
            s.data[end - 2] == 'D') { /* PDT: the zone of PST */
            char standard[4] = {s.data[*at], 'S', s.data[end - 1], 0};
            f->zone = vonk_zone_lookup(vonk_str_of(standard));
        }
        if (f->zone) break;
        end--;
    }
    if (!f->zone) return false;
    *at = end;
    return true;
}

static bool read_item(reading *r, const vonk_dt_item *item, size_t *at, fields *f)
{
    switch (item->kind) {
    case VONK_DT_LITERAL:
        if (!starts_nocase(r->text, *at, item->text)) return false;
        *at += item->text.len;
        return true;
    case VONK_DT_NUMBER:
    case VONK_DT_REDUCED: return read_number(item, r->text, at, f);
    case VONK_DT_FRACTION: return read_fraction(item, r->text, at, f);
    case VONK_DT_TEXT: return read_text(item, r->text, at, f);
    case VONK_DT_ZONE_ID:
    case VONK_DT_ZONE_NAME: return read_zone(item, r->text, at, f);
    default: return read_offset(item, r->text, at, f);
    }
}

/* Items [from, to). An optional section that does not fit leaves no trace; depth is limited by the compiler. */
static bool read_items(reading *r, uint32_t from, uint32_t to, size_t *at, fields *f)
{
    for (uint32_t i = from; i < to; i++) {
        const vonk_dt_item *item = &r->p->items[i];
        if (item->kind == VONK_DT_OPTIONAL) {
            fields before = *f;
            size_t back = *at;
            if (!read_items(r, i + 1, item->end, at, f)) {
                *f = before;
                *at = back;
            }
            i = item->end - 1;
            continue;
        }
        size_t start = *at;
        if (read_item(r, item, at, f)) continue;
        r->failed_at = start;
        return false;
    }
    return true;
}

/* ---- putting together */

typedef struct range {
    const char *name;
    int64_t least, most;
} range;

static const range ranges[VONK_DT_N_FIELD] = {
    [VONK_DT_ERA] = {"Era", 0, 1},
    [VONK_DT_YEAR] = {"Year", -999999999, 999999999},
    [VONK_DT_YEAR_OF_ERA] = {"YearOfEra", 1, 999999999},
    [VONK_DT_QUARTER] = {"QuarterOfYear", 1, 4},
    [VONK_DT_MONTH] = {"MonthOfYear", 1, 12},
    [VONK_DT_DAY] = {"DayOfMonth", 1, 31},
    [VONK_DT_DAY_OF_YEAR] = {"DayOfYear", 1, 366},
    [VONK_DT_DAY_OF_WEEK] = {"DayOfWeek", 1, 7},
    [VONK_DT_WEEKDAY_OF_MONTH] = {"AlignedDayOfWeekInMonth", 1, 7},
    [VONK_DT_JULIAN_DAY] = {"ModifiedJulianDay", INT32_MIN, INT32_MAX},
    [VONK_DT_AMPM] = {"AmPmOfDay", 0, 1},
    [VONK_DT_HOUR] = {"HourOfDay", 0, 23},
    [VONK_DT_CLOCK_HOUR] = {"ClockHourOfDay", 1, 24},
    [VONK_DT_HOUR_OF_AMPM] = {"HourOfAmPm", 0, 11},
    [VONK_DT_CLOCK_HOUR_OF_AMPM] = {"ClockHourOfAmPm", 1, 12},
    [VONK_DT_MINUTE] = {"MinuteOfHour", 0, 59},
    [VONK_DT_SECOND] = {"SecondOfMinute", 0, 59},
    [VONK_DT_NANO] = {"NanoOfSecond", 0, 999999999},
    [VONK_DT_OFFSET] = {"OffsetSeconds", -64800, 64800},
};

static bool wrong(vonk_str text, char why[512], const char *what)
{
    snprintf(why, 512, "Text '%.*s' could not be parsed: %.256s", (int)vonk_min_size(text.len, 128), text.data, what);
    return false;
}

static bool check_ranges(vonk_str text, const fields *f, char why[512])
{
    char what[160];
    for (int i = 0; i < VONK_DT_N_FIELD; i++) {
        if (!has(f, (vonk_dt_field)i) || (f->value[i] >= ranges[i].least && f->value[i] <= ranges[i].most)) continue;
        snprintf(what, sizeof(what), "Invalid value for %s (valid values %lld - %s): %lld", ranges[i].name,
                 (long long)ranges[i].least,
                 i == VONK_DT_DAY           ? "28/31"
                 : i == VONK_DT_DAY_OF_YEAR ? "365/366"
                                            : VONK_F("%lld", (long long)ranges[i].most),
                 (long long)f->value[i]);
        return wrong(text, why, what);
    }
    return true;
}

static bool conflict(vonk_str text, char why[512])
{
    return wrong(text, why, "Conflict found: two fields say different things");
}

/* `whole`: year, month and day are all in the text. Invalid days of such texts have a word of their own. */
static bool date_of(vonk_str text, const fields *f, vonk_dt_value *ret, char why[512])
{
    char what[160];
    int64_t year = has(f, VONK_DT_YEAR) ? f->value[VONK_DT_YEAR] : 1970, month = 1, day = 1;
    if (has(f, VONK_DT_YEAR_OF_ERA)) {
        int64_t of_era = f->value[VONK_DT_YEAR_OF_ERA];
        if (has(f, VONK_DT_ERA)) year = f->value[VONK_DT_ERA] ? of_era : 1 - of_era;
    }
    if (has(f, VONK_DT_DAY_OF_YEAR) && !(has(f, VONK_DT_MONTH) && has(f, VONK_DT_DAY))) {
        int64_t days = vonk_days_from_civil(year, 1, 1) + f->value[VONK_DT_DAY_OF_YEAR] - 1;
        if (f->value[VONK_DT_DAY_OF_YEAR] == 366 && !vonk_is_leap_year(year)) {
            snprintf(what, sizeof(what), "Invalid date 'DayOfYear 366' as '%lld' is not a leap year", (long long)year);
            return wrong(text, why, what);
        }
        ret->days = (int32_t)days;
        return days == ret->days;
    }
    if (has(f, VONK_DT_MONTH)) month = f->value[VONK_DT_MONTH];
    if (has(f, VONK_DT_DAY)) day = f->value[VONK_DT_DAY];
    if (!vonk_civil_valid(year, (int)month, (int)day)) {
        char upper[16] = {0};
        const char *name = vonk_month_names[month - 1];
        for (size_t i = 0; name[i] && i < 15; i++) upper[i] = (char)(name[i] >= 'a' ? name[i] - 32 : name[i]);
        if (month == 2 && day == 29)
            snprintf(what, sizeof(what), "Invalid date 'February 29' as '%lld' is not a leap year", (long long)year);
        else
            snprintf(what, sizeof(what), "Invalid date '%s %d'", upper, (int)day);
        if (has(f, VONK_DT_YEAR) || has(f, VONK_DT_YEAR_OF_ERA)) return wrong(text, why, what);
        snprintf(why, 512, "%s", what);
        return false;
    }
    int64_t days = vonk_days_from_civil(year, (int)month, (int)day);
    ret->days = (int32_t)days;
    if (days != ret->days) return wrong(text, why, "the date is out of range");
    if (has(f, VONK_DT_DAY_OF_YEAR) && vonk_day_of_year(days) != f->value[VONK_DT_DAY_OF_YEAR])
        return conflict(text, why);
    return true;
}

static bool time_of(vonk_str text, const fields *f, vonk_dt_value *ret, char why[512])
{
    int64_t hour = -1, half = has(f, VONK_DT_AMPM) ? f->value[VONK_DT_AMPM] : -1, of_half = -1;
    if (has(f, VONK_DT_CLOCK_HOUR)) hour = f->value[VONK_DT_CLOCK_HOUR] % 24;
    if (has(f, VONK_DT_HOUR)) {
        if (hour >= 0 && hour != f->value[VONK_DT_HOUR]) return conflict(text, why);
        hour = f->value[VONK_DT_HOUR];
    }
    if (has(f, VONK_DT_CLOCK_HOUR_OF_AMPM)) of_half = f->value[VONK_DT_CLOCK_HOUR_OF_AMPM] % 12;
    if (has(f, VONK_DT_HOUR_OF_AMPM)) of_half = f->value[VONK_DT_HOUR_OF_AMPM];
    if (hour >= 0) {
        if ((half >= 0 && hour / 12 != half) || (of_half >= 0 && hour % 12 != of_half)) return conflict(text, why);
    } else {
        hour = (of_half >= 0 ? of_half : 0) + (half > 0 ? 12 : 0);
    }
    int64_t seconds = hour * 3600;
    if (has(f, VONK_DT_MINUTE)) seconds += f->value[VONK_DT_MINUTE] * 60;
    if (has(f, VONK_DT_SECOND)) seconds += f->value[VONK_DT_SECOND];
    ret->nanos_of_day = seconds * 1000000000 + (has(f, VONK_DT_NANO) ? f->value[VONK_DT_NANO] : 0);
    return true;
}

bool vonk_dt_read(const vonk_dt_pattern *p, vonk_str text, vonk_dt_value *ret, char ret_why[512])
{
    reading r = {.p = p, .text = text};
    fields f = {0};
    size_t at = 0;
    int shown = (int)vonk_min_size(text.len, 64);
    const char *dots = text.len > 64 ? "..." : "";
    if (!read_items(&r, 0, p->n, &at, &f)) {
        snprintf(ret_why, 512, "Text '%.*s%s' could not be parsed at index %zu", shown, text.data ? text.data : "",
                 dots, r.failed_at);
        return false;
    }
    if (at < text.len) {
        snprintf(ret_why, 512, "Text '%.*s%s' could not be parsed, unparsed text found at index %zu", shown, text.data,
                 dots, at);
        return false;
    }
    *ret = (vonk_dt_value){.zone = f.zone};
    return check_ranges(text, &f, ret_why) && date_of(text, &f, ret, ret_why) && time_of(text, &f, ret, ret_why);
}

bool vonk_dt_value_us(const vonk_dt_value *v, const vonk_zone *zone, int64_t *ret_us)
{
    const vonk_local local = {v->days, v->nanos_of_day / 1000};
    if (v->zone) zone = v->zone;
    return vonk_zone_to_utc(zone, local, ret_us);
}
