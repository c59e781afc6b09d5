/* text/interval.c -- intervals as text. */
#include <stdio.h>

#include "text/interval.h"
#include "text/number.h"

#define US_PER_SECOND INT64_C(1000000)

static const char *const ym_fields[] = {"YEAR", "MONTH"};
static const char *const dt_fields[] = {"DAY", "HOUR", "MINUTE", "SECOND"};
static const int64_t unit_us[] = {INT64_C(86400000000), INT64_C(3600000000), INT64_C(60000000), US_PER_SECOND};

size_t vonk_interval_fields_text(bool year_month, int first, int last, char out[32])
{
    const char *const *names = year_month ? ym_fields : dt_fields;
    assert(0 <= first && first < (year_month ? 2 : 4) && 0 <= last && last < (year_month ? 2 : 4));
    int n = first == last ? snprintf(out, 32, "%s", names[first])
                          : snprintf(out, 32, "%s TO %s", names[first], names[last]);
    return (size_t)n;
}

/* ---- writing */

static size_t literal(const char *body, size_t n, bool year_month, int first, int last, char *out)
{
    char fields[32];
    vonk_interval_fields_text(year_month, first, last, fields);
    return (size_t)snprintf(out, VONK_INTERVAL_CHARS, "INTERVAL '%.*s' %s", (int)n, body, fields);
}

size_t vonk_ym_body_to_text(int32_t months, int first, int last, char out[VONK_INTERVAL_CHARS])
{
    int64_t m = months < 0 ? -(int64_t)months : months;
    const char *sign = months < 0 ? "-" : "";
    int n;
    if (first == last)
        n = snprintf(out, VONK_INTERVAL_CHARS, "%s%lld", sign, (long long)(first == 0 ? m / 12 : m));
    else
        n = snprintf(out, VONK_INTERVAL_CHARS, "%s%lld-%lld", sign, (long long)(m / 12), (long long)(m % 12));
    return (size_t)n;
}

size_t vonk_ym_to_text(int32_t months, int first, int last, char out[VONK_INTERVAL_CHARS])
{
    char body[VONK_INTERVAL_CHARS];
    return literal(body, vonk_ym_body_to_text(months, first, last, body), true, first, last, out);
}

static size_t put_seconds(uint64_t us, int width, char *out)
{
    int n = snprintf(out, 32, "%0*llu", width, (unsigned long long)(us / (uint64_t)US_PER_SECOND));
    uint64_t rest = us % (uint64_t)US_PER_SECOND;
    if (rest == 0) return (size_t)n;
    n += snprintf(out + n, 16, ".%06llu", (unsigned long long)rest);
    while (out[n - 1] == '0') n--;
    return (size_t)n;
}

size_t vonk_dt_body_to_text(int64_t us, int first, int last, char out[VONK_INTERVAL_CHARS])
{
    uint64_t rest = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;
    size_t n = 0;
    if (us < 0) out[n++] = '-';
    for (int f = first; f <= last; f++) {
        if (f > first) out[n++] = f == 1 ? ' ' : ':';
        if (f == 3) {
            n += put_seconds(rest, 2, out + n);
            break;
        }
        uint64_t whole = rest / (uint64_t)unit_us[f];
        rest -= whole * (uint64_t)unit_us[f];
        n += (size_t)snprintf(out + n, 32, "%0*llu", f == 0 ? 1 : 2, (unsigned long long)whole);
    }
    return n;
}

size_t vonk_dt_to_text(int64_t us, int first, int last, char out[VONK_INTERVAL_CHARS])
{
    char body[VONK_INTERVAL_CHARS];
    return literal(body, vonk_dt_body_to_text(us, first, last, body), false, first, last, out);
}

static size_t put_part(char *out, size_t n, int64_t value, const char *unit)
{
    if (value == 0) return n;
    return n + (size_t)snprintf(out + n, 40, "%s%lld %s", n ? " " : "", (long long)value, unit);
}

size_t vonk_calendar_to_text(int32_t months, int32_t days, int64_t us, char out[2 * VONK_INTERVAL_CHARS])
{
    size_t n = 0;
    n = put_part(out, n, months / 12, "years");
    n = put_part(out, n, months % 12, "months");
    n = put_part(out, n, days, "days");
    n = put_part(out, n, us / unit_us[1], "hours");
    n = put_part(out, n, us % unit_us[1] / unit_us[2], "minutes");
    int64_t rest = us % unit_us[2];
    if (rest != 0) {
        if (n) out[n++] = ' ';
        if (rest < 0) out[n++] = '-';
        n += put_seconds((uint64_t)(rest < 0 ? -rest : rest), 1, out + n);
        memcpy(out + n, " seconds", 8);
        n += 8;
    }
    if (n == 0) {
        memcpy(out, "0 seconds", 9);
        n = 9;
    }
    return n;
}

/* ---- reading */

typedef struct reader {
    const char *at, *end;
} reader;

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_blank(char c) { return (unsigned char)c <= ' '; }

static bool skip_blanks(reader *r)
{
    const char *from = r->at;
    while (r->at < r->end && is_blank(*r->at)) r->at++;
    return r->at > from;
}

static bool take(reader *r, char c)
{
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

/* A word without regard to case, blank or end behind it. */
static bool take_word(reader *r, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(r->end - r->at) < n || !vonk_str_is_nocase((vonk_str){r->at, n}, word)) return false;
    const char *next = r->at + n;
    if (next < r->end && !is_blank(*next) && *next != '\'' && *next != '+' && *next != '-') return false;
    r->at = next;
    return true;
}

static bool take_sign(reader *r)
{
    bool minus = take(r, '-');
    if (!minus) take(r, '+');
    return minus;
}

static bool take_number(reader *r, int most_digits, uint64_t *ret)
{
    const char *from = r->at;
    uint64_t v = 0;
    for (; r->at < r->end && is_digit(*r->at); r->at++)
        if (__builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, (uint64_t)(*r->at - '0'), &v)) return false;
    *ret = v;
    return r->at > from && r->at - from <= most_digits;
}

/* Strips INTERVAL [+-]'...' FIELDS; leaves the body. *ret_minus: the sign in front of the quote. */
static bool open_literal(vonk_str *inout, bool year_month, int first, int last, bool *ret_minus)
{
    char fields[32];
    vonk_str text = vonk_text_trim_all(*inout);
    reader r = {text.data, text.data + text.len};
    *ret_minus = false;
    if (take_word(&r, "interval")) {
        skip_blanks(&r);
        *ret_minus = take_sign(&r);
        if (!take(&r, '\'')) return false;
        const char *body = r.at;
        while (r.at < r.end && *r.at != '\'') r.at++;
        text = (vonk_str){body, (size_t)(r.at - body)};
        if (!take(&r, '\'') || !skip_blanks(&r)) return false;
        size_t n = vonk_interval_fields_text(year_month, first, last, fields);
        if (!vonk_str_eq_nocase((vonk_str){r.at, (size_t)(r.end - r.at)}, (vonk_str){fields, n})) return false;
    }
    *inout = text;
    return true;
}

vonk_interval_parse vonk_text_to_ym(vonk_str text, int first, int last, int32_t *ret_months)
{
    bool minus;
    uint64_t years = 0, months = 0;
    if (!open_literal(&text, true, first, last, &minus)) return VONK_INTERVAL_MALFORMED;
    reader r = {text.data, text.data + text.len};
    minus ^= take_sign(&r);
    if (first == last) {
        if (!take_number(&r, 10, first == 0 ? &years : &months) || r.at != r.end) return VONK_INTERVAL_MALFORMED;
    } else {
        if (!take_number(&r, 10, &years) || !take(&r, '-') || !take_number(&r, 2, &months) || r.at != r.end)
            return VONK_INTERVAL_MALFORMED;
        if (months > 11) return VONK_INTERVAL_OVERFLOW;
    }
    uint64_t total = years * 12 + months;
    if (total > (uint64_t)INT32_MAX + minus) return VONK_INTERVAL_OVERFLOW;
    *ret_months = (int32_t)(minus ? -(int64_t)total : (int64_t)total);
    return VONK_INTERVAL_OK;
}

/* .123456789: digits past the sixth are dropped. */
static bool take_fraction(reader *r, int64_t *ret_us)
{
    int64_t us = 0, unit = 100000;
    const char *from = r->at;
    for (; r->at < r->end && is_digit(*r->at); r->at++) {
        us += (*r->at - '0') * unit;
        unit /= 10;
    }
    *ret_us = us;
    return r->at > from && r->at - from <= 9;
}

vonk_interval_parse vonk_text_to_dt(vonk_str text, int first, int last, int64_t *ret_us)
{
    static const uint64_t most[] = {0, 23, 59, 59};
    bool minus;
    vonk_i128 total = 0;
    assert(0 <= first && last < (int)VONK_COUNTOF(most));
    if (!open_literal(&text, false, first, last, &minus)) return VONK_INTERVAL_MALFORMED;
    reader r = {text.data, text.data + text.len};
    minus ^= take_sign(&r);
    for (int f = first; f <= last; f++) {
        uint64_t v;
        int64_t us = 0;
        if (f > first && !(f == 1 ? skip_blanks(&r) : take(&r, ':'))) return VONK_INTERVAL_MALFORMED;
        if (!take_number(&r, f == first ? 13 : 2, &v)) return VONK_INTERVAL_MALFORMED;
        if (f > first && v > most[f]) return VONK_INTERVAL_OVERFLOW;
        if (f == 3 && take(&r, '.') && !take_fraction(&r, &us)) return VONK_INTERVAL_MALFORMED;
        total += (vonk_i128)v * unit_us[f] + us;
    }
    if (r.at != r.end) return VONK_INTERVAL_MALFORMED;
    if (minus) total = -total;
    if (total < INT64_MIN || total > INT64_MAX) return VONK_INTERVAL_OVERFLOW;
    *ret_us = (int64_t)total;
    return VONK_INTERVAL_OK;
}

typedef struct calendar {
    int64_t months, days, us;
} calendar;

static bool add_unit(calendar *c, vonk_str unit, int64_t value, int64_t fraction_us, bool has_fraction)
{
    static const struct {
        const char *name;
        int64_t months, days, us;
    } units[] = {
        {"year", 12, 0, 0},        {"month", 1, 0, 0},          {"week", 0, 7, 0},
        {"day", 0, 1, 0},          {"hour", 0, 0, 3600000000},  {"minute", 0, 0, 60000000},
        {"second", 0, 0, 1000000}, {"millisecond", 0, 0, 1000}, {"microsecond", 0, 0, 1},
    };
    if (unit.len > 2 && (unit.data[unit.len - 1] | 32) == 's') unit.len--;
    for (size_t i = 0; i < VONK_COUNTOF(units); i++) {
        if (!vonk_str_is_nocase(unit, units[i].name)) continue;
        if (has_fraction && units[i].us != 1000000) return false;
        int64_t m, d, u;
        if (__builtin_mul_overflow(value, units[i].months, &m) || __builtin_mul_overflow(value, units[i].days, &d) ||
            __builtin_mul_overflow(value, units[i].us, &u) || __builtin_add_overflow(u, fraction_us, &u))
            return false;
        return !__builtin_add_overflow(c->months, m, &c->months) && !__builtin_add_overflow(c->days, d, &c->days) &&
               !__builtin_add_overflow(c->us, u, &c->us);
    }
    return false;
}

bool vonk_text_to_calendar(vonk_str text, int32_t *ret_months, int32_t *ret_days, int64_t *ret_us)
{
    calendar c = {0};
    text = vonk_text_trim_all(text);
    reader r = {text.data, text.data + text.len};
    if (take_word(&r, "interval") && !skip_blanks(&r)) return false;
    if (r.at == r.end) return false;
    while (r.at < r.end) {
        bool minus = take_sign(&r), fraction = false;
        int64_t us = 0;
        uint64_t v = 0;
        skip_blanks(&r);
        bool digits = r.at < r.end && is_digit(*r.at);
        if (digits && !take_number(&r, 19, &v)) return false;
        if (take(&r, '.')) {
            fraction = true;
            if (r.at < r.end && is_digit(*r.at) ? !take_fraction(&r, &us) : !digits) return false;
        } else if (!digits) {
            return false;
        }
        if (v > (uint64_t)INT64_MAX || !skip_blanks(&r)) return false;
        const char *unit = r.at;
        while (r.at < r.end && !is_blank(*r.at)) r.at++;
        int64_t value = minus ? -(int64_t)v : (int64_t)v;
        if (!add_unit(&c, (vonk_str){unit, (size_t)(r.at - unit)}, value, minus ? -us : us, fraction)) return false;
        skip_blanks(&r);
    }
    if (c.months != (int32_t)c.months || c.days != (int32_t)c.days) return false;
    *ret_months = (int32_t)c.months;
    *ret_days = (int32_t)c.days;
    *ret_us = c.us;
    return true;
}
