/* text/date_read.c -- dates, times and timestamps from text, as Spark's CAST reads them. */
#include "text/date.h"
#include "text/number.h"

typedef struct reader {
    const char *at, *end;
} reader;

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* A run of digits; values past the tenth digit do not matter, as such runs are refused by their length. */
static int take_digits(reader *r, int64_t *ret)
{
    int n = 0;
    int64_t v = 0;
    for (; r->at < r->end && is_digit(*r->at); r->at++, n++)
        if (n < 10) v = v * 10 + (*r->at - '0');
    *ret = v;
    return n;
}

static bool take_field(reader *r, int32_t *ret)
{
    int64_t v;
    int n = take_digits(r, &v);
    if (n < 1 || n > 2) return false;
    *ret = (int32_t)v;
    return true;
}

static bool take_byte(reader *r, char c)
{
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

/* [+-]yyyy*[-m[-d]]; *ret_fields: 1 to 3. Stops behind the last one. */
static bool take_date(reader *r, int most_year_digits, vonk_civil *c, int *ret_fields)
{
    bool negative = r->at < r->end && *r->at == '-';
    if (r->at < r->end && (*r->at == '-' || *r->at == '+')) r->at++;
    int n = take_digits(r, &c->year);
    if (n < 4 || n > most_year_digits) return false;
    if (negative) c->year = -c->year;
    c->month = c->day = 1;
    *ret_fields = 1;
    if (!take_byte(r, '-')) return true;
    if (!take_field(r, &c->month)) return false;
    *ret_fields = 2;
    if (!take_byte(r, '-')) return true;
    *ret_fields = 3;
    return take_field(r, &c->day);
}

bool vonk_text_to_date(vonk_str text, int32_t *ret_days)
{
    vonk_civil c = {0};
    int fields;
    text = vonk_text_trim_all(text);
    reader r = {text.data, text.data + text.len};
    if (!take_date(&r, 7, &c, &fields)) return false;
    bool more = r.at < r.end;
    if (more && (fields < 3 || (*r.at != ' ' && *r.at != 'T'))) return false;
    if (!vonk_civil_valid(c.year, c.month, c.day)) return false;
    int64_t days = vonk_days_from_civil(c.year, c.month, c.day);
    if (days < INT32_MIN || days > INT32_MAX) return false;
    *ret_days = (int32_t)days;
    return true;
}

/* .fraction: any number of digits, those past `keep` are dropped. */
static void take_fraction(reader *r, int keep, int32_t *ret_nanos)
{
    int32_t nanos = 0, unit = 100000000;
    for (int n = 0; r->at < r->end && is_digit(*r->at); r->at++, n++) {
        if (n < keep) nanos += (*r->at - '0') * unit;
        unit /= 10;
    }
    *ret_nanos = nanos;
}

/* What follows the hour: [:m[:s[.f][zone]]]. The zone, if any, is left in the reader. */
static bool take_minutes(reader *r, vonk_civil *c, int digits, bool *ret_has_seconds)
{
    *ret_has_seconds = false;
    if (!take_byte(r, ':')) return r->at == r->end;
    if (!take_field(r, &c->minute)) return false;
    if (!take_byte(r, ':')) return r->at == r->end;
    if (!take_field(r, &c->second)) return false;
    *ret_has_seconds = true;
    if (take_byte(r, '.')) take_fraction(r, digits, &c->nanos);
    return true;
}

typedef struct timestamp_text {
    vonk_civil civil;
    bool time_only;
    vonk_str zone; /* data NULL: none */
} timestamp_text;

static bool read_timestamp(vonk_str whole, timestamp_text *t)
{
    int fields = 0;
    bool has_seconds = false;
    vonk_str text = vonk_text_trim_all(whole);
    reader r = {text.data, text.data + text.len}, probe;
    *t = (timestamp_text){.civil = {.month = 1, .day = 1}};
    if (text.len == 0) return false;

    /* "T10:11:12" at the very start, or "10:..." */
    int64_t number;
    probe = r;
    t->time_only = text.data == whole.data && take_byte(&probe, 'T');
    if (!t->time_only) {
        take_digits(&probe, &number);
        t->time_only = probe.at > r.at && probe.at < probe.end && *probe.at == ':';
        probe = r;
    }
    if (t->time_only) {
        r = probe;
    } else {
        if (!take_date(&r, 6, &t->civil, &fields)) return false;
        if (r.at == r.end) return true;
        if (fields < 3 || (*r.at != ' ' && *r.at != 'T')) return false;
        r.at++;
    }
    if (!take_field(&r, &t->civil.hour) || !take_minutes(&r, &t->civil, 6, &has_seconds)) return false;
    if (r.at < r.end) {
        if (!has_seconds) return false;
        t->zone = vonk_str_trim((vonk_str){r.at, (size_t)(r.end - r.at)});
    }
    return true;
}

static bool time_valid(const vonk_civil *c) { return c->hour < 24 && c->minute < 60 && c->second < 60; }

bool vonk_text_to_timestamp(vonk_str text, const vonk_zone *zone, int64_t now_us, int64_t *ret_us)
{
    timestamp_text t;
    if (!read_timestamp(text, &t)) return false;
    if (t.zone.data) {
        zone = vonk_zone_lookup(t.zone);
        if (!zone) return false;
    }
    if (t.time_only) {
        vonk_civil today = vonk_civil_of(vonk_zone_to_local(zone, now_us, NULL));
        t.civil.year = today.year;
        t.civil.month = today.month;
        t.civil.day = today.day;
    }
    if (!vonk_civil_valid(t.civil.year, t.civil.month, t.civil.day) || !time_valid(&t.civil)) return false;
    return vonk_zone_to_utc(zone, vonk_local_of_civil(&t.civil), ret_us);
}

bool vonk_text_to_timestamp_ntz(vonk_str text, bool allow_zone, int64_t *ret_us)
{
    timestamp_text t;
    if (!read_timestamp(text, &t) || t.time_only) return false;
    if (t.zone.data && (!allow_zone || !vonk_zone_lookup(t.zone))) return false;
    if (!vonk_civil_valid(t.civil.year, t.civil.month, t.civil.day) || !time_valid(&t.civil)) return false;
    return vonk_local_to_us(vonk_local_of_civil(&t.civil), ret_us);
}

static bool ends_with(vonk_str text, const char *two)
{
    return text.len >= 2 && vonk_str_is_nocase(vonk_str_sub(text, text.len - 2, text.len), two);
}

bool vonk_text_to_time(vonk_str text, int64_t *ret_nanos_of_day)
{
    vonk_civil c = {0};
    bool has_seconds = false;
    text = vonk_text_trim_all(text);
    const bool pm = ends_with(text, "PM"), halves = pm || ends_with(text, "AM");
    if (halves) text = vonk_text_trim_all(vonk_str_sub(text, 0, text.len - 2));
    reader r = {text.data, text.data + text.len};
    take_byte(&r, 'T');
    if (!take_field(&r, &c.hour) || r.at == r.end || !take_minutes(&r, &c, 9, &has_seconds)) return false;
    if (r.at != r.end || (halves && (c.hour < 1 || c.hour > 12))) return false;
    if (halves) c.hour = c.hour % 12 + (pm ? 12 : 0);
    if (!time_valid(&c)) return false;
    *ret_nanos_of_day = ((c.hour * INT64_C(60) + c.minute) * 60 + c.second) * 1000000000 + c.nanos;
    return true;
}
