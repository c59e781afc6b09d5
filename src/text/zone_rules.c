/* text/zone_rules.c -- zone files (RFC 8536): the transitions of the past, and the rule of the footer turned into
 * transitions up to 2437. */
#include "base/cursor.h"
#include "text/date.h"
#include "text/zone_int.h"

enum { FIRST_RULE_YEAR = 1970, TABLE_YEARS = 400, ABBREVIATION_ROOM = 16 };

typedef struct head {
    uint32_t n_isut, n_isstd, n_leap, n_times, n_types, n_chars;
    uint8_t version;
} head;

static vonk_status read_head(vonk_cursor *c, head *h, vonk_error *err)
{
    const uint8_t *bytes;
    VONK_TRY(vonk_cursor_take(c, 20, &bytes, err));
    if (memcmp(bytes, "TZif", 4) != 0) return vonk_cursor_fail(c, "not a zone file", err);
    h->version = bytes[4];
    VONK_TRY(vonk_cursor_u32_be(c, &h->n_isut, err));
    VONK_TRY(vonk_cursor_u32_be(c, &h->n_isstd, err));
    VONK_TRY(vonk_cursor_u32_be(c, &h->n_leap, err));
    VONK_TRY(vonk_cursor_u32_be(c, &h->n_times, err));
    VONK_TRY(vonk_cursor_u32_be(c, &h->n_types, err));
    VONK_TRY(vonk_cursor_u32_be(c, &h->n_chars, err));
    if (h->n_times > 10000 || h->n_types == 0 || h->n_types > 256 || h->n_chars > 4096 || h->n_leap > 1000)
        return vonk_cursor_fail(c, "unlikely counts in a zone file", err);
    return VONK_OK;
}

static uint64_t be(const uint8_t *at, int bytes)
{
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++) v = v << 8 | at[i];
    return v;
}

/* ---- the footer: "CET-1CEST,M3.5.0,M10.5.0/3" */

typedef struct rule_day {
    char kind; /* M, J or n (plain number) */
    int month, week, day;
    int32_t time_s;
} rule_day;

typedef struct footer {
    char std[ABBREVIATION_ROOM], dst[ABBREVIATION_ROOM];
    int32_t std_s, dst_s;
    bool has_dst;
    rule_day start, end;
} footer;

static bool take(const char **at, char c)
{
    if (**at != c) return false;
    ++*at;
    return true;
}

static bool number(const char **at, int *ret)
{
    const char *from = *at;
    int v = 0;
    for (; **at >= '0' && **at <= '9' && *at - from < 4; ++*at) v = v * 10 + (**at - '0');
    *ret = v;
    return *at > from;
}

static bool abbreviation(const char **at, char out[ABBREVIATION_ROOM])
{
    size_t n = 0;
    bool quoted = take(at, '<');
    while (n + 1 < ABBREVIATION_ROOM && **at && (quoted ? **at != '>' : ((**at | 32) >= 'a' && (**at | 32) <= 'z')))
        out[n++] = *(*at)++;
    out[n] = 0;
    return n > 0 && (!quoted || take(at, '>'));
}

/* [+-]hh[:mm[:ss]] */
static bool seconds(const char **at, int32_t *ret)
{
    int h = 0, m = 0, s = 0;
    bool minus = take(at, '-');
    if (!minus) take(at, '+');
    if (!number(at, &h)) return false;
    if (take(at, ':') && !number(at, &m)) return false;
    if (m >= 0 && take(at, ':') && !number(at, &s)) return false;
    *ret = (h * 60 + m) * 60 + s;
    if (minus) *ret = -*ret;
    return true;
}

static bool day_of_rule(const char **at, rule_day *d)
{
    d->time_s = 7200;
    d->kind = 'n';
    if (take(at, 'M')) {
        d->kind = 'M';
        if (!number(at, &d->month) || !take(at, '.') || !number(at, &d->week) || !take(at, '.')) return false;
        if (d->month < 1 || d->month > 12 || d->week < 1 || d->week > 5) return false;
    } else if (take(at, 'J')) {
        d->kind = 'J';
    }
    if (!number(at, &d->day)) return false;
    return !take(at, '/') || seconds(at, &d->time_s);
}

static bool read_footer(const char *at, footer *f)
{
    if (!abbreviation(&at, f->std) || !seconds(&at, &f->std_s)) return false;
    f->std_s = -f->std_s; /* POSIX counts to the west */
    f->has_dst = *at != 0;
    if (!f->has_dst) return true;
    if (!abbreviation(&at, f->dst)) return false;
    f->dst_s = f->std_s + 3600;
    if (*at != ',') {
        if (!seconds(&at, &f->dst_s)) return false;
        f->dst_s = -f->dst_s;
    }
    return take(&at, ',') && day_of_rule(&at, &f->start) && take(&at, ',') && day_of_rule(&at, &f->end) && *at == 0;
}

/* Local seconds since the epoch at which the rule fires in `year`. */
static int64_t local_of_rule(const rule_day *d, int64_t year)
{
    int64_t day;
    if (d->kind == 'M') { /* week 5: the last one */
        int64_t first = vonk_days_from_civil(year, d->month, 1);
        int weekday = (vonk_day_of_week(first) + 1) % 7; /* 0 = Sunday */
        int offset = (d->day - weekday + 7) % 7 + 7 * (d->week - 1);
        while (offset >= vonk_days_in_month(year, d->month)) offset -= 7;
        day = first + offset;
    } else {
        day = vonk_days_from_civil(year, 1, 1) + d->day;
        if (d->kind == 'J' && !(vonk_is_leap_year(year) && d->day >= 60)) day--;
    }
    return day * 86400 + d->time_s;
}

/* ---- the table */

static uint32_t add_abbreviation(vonk_zone *z, uint32_t *inout_n, const char *text)
{
    uint32_t at = *inout_n;
    size_t n = strlen(text) + 1;
    memcpy(z->abbreviations + at, text, n);
    *inout_n += (uint32_t)n;
    return at;
}

static void add_transition(vonk_zone *z, int64_t at, vonk__zone_period p)
{
    if (z->n > 0 && at <= z->at[z->n - 1]) return;
    z->at[z->n++] = at;
    z->periods[z->n] = p;
}

static void add_rule_years(vonk_zone *z, const footer *f, uint32_t n_chars)
{
    vonk__zone_period std = {f->std_s, add_abbreviation(z, &n_chars, f->std), false};
    vonk__zone_period dst = {f->dst_s, add_abbreviation(z, &n_chars, f->dst), true};
    int64_t last = z->n ? z->at[z->n - 1] : INT64_MIN, year = FIRST_RULE_YEAR;
    if (z->n) {
        int month, day;
        vonk_civil_from_days(vonk_floor_div(last, 86400), &year, &month, &day);
    }
    int64_t until = year + TABLE_YEARS + 1;
    for (; year <= until; year++) {
        int64_t start = local_of_rule(&f->start, year) - f->std_s, end = local_of_rule(&f->end, year) - f->dst_s;
        for (int i = 0; i < 2; i++) { /* in the south summer ends first */
            bool is_start = (start < end) == (i == 0);
            int64_t at = is_start ? start : end;
            if (at > last) add_transition(z, at, is_start ? dst : std);
        }
    }
    /* Everything in the last 400 years of the table follows the rule, so that any later time has its like there. */
    z->repeats = true;
    z->table_end = z->at[z->n - 1];
}

static vonk_status read_table(vonk_cursor *c, const head *h, vonk_zone *z, vonk_error *err)
{
    const uint8_t *times, *kinds, *types, *chars;
    VONK_TRY(vonk_cursor_take(c, (size_t)h->n_times * 8, &times, err));
    VONK_TRY(vonk_cursor_take(c, h->n_times, &kinds, err));
    VONK_TRY(vonk_cursor_take(c, (size_t)h->n_types * 6, &types, err));
    VONK_TRY(vonk_cursor_take(c, h->n_chars, &chars, err));
    uint32_t room = h->n_times + 2 * (TABLE_YEARS + 3);
    vonk_budget *budget = vonk_budget_root();
    VONK_TRY(vonk_alloc_array(budget, room, sizeof(*z->at), &z->at, err));
    VONK_TRY(vonk_alloc_array(budget, room + 1, sizeof(*z->periods), &z->periods, err));
    VONK_TRY(vonk_alloc_zeroed(budget, h->n_chars + 2 * ABBREVIATION_ROOM + 1, &z->abbreviations, err));
    memcpy(z->abbreviations, chars, h->n_chars);
    for (size_t i = 0; i <= h->n_times; i++) {
        size_t kind = i ? kinds[i - 1] : 0;
        if (kind >= h->n_types) return vonk_cursor_fail(c, "bad type in a zone file", err);
        const uint8_t *t = types + kind * 6;
        vonk__zone_period p = {(int32_t)be(t, 4), t[5], t[4] != 0};
        if (p.offset_s < -86400 || p.offset_s > 86400 || p.abbreviation >= h->n_chars)
            return vonk_cursor_fail(c, "bad offset in a zone file", err);
        if (i == 0)
            z->periods[0] = p;
        else if ((int64_t)be(times + (i - 1) * 8, 8) > INT64_MIN / 4) /* files may begin with a marker at -2^59 */
            add_transition(z, (int64_t)be(times + (i - 1) * 8, 8), p);
    }
    return VONK_OK;
}

vonk_status vonk__zone_read_rules(vonk_str bytes, vonk_zone *zone, vonk_error *err)
{
    vonk_cursor c = vonk_cursor_of(bytes.data, bytes.len, "time zone file");
    head h;
    const uint8_t *skipped;
    VONK_TRY(read_head(&c, &h, err));
    if (h.version < '2') return vonk_cursor_fail(&c, "old zone file", err);
    size_t old =
        (size_t)h.n_times * 5 + (size_t)h.n_types * 6 + h.n_chars + (size_t)h.n_leap * 8 + h.n_isstd + h.n_isut;
    VONK_TRY(vonk_cursor_take(&c, old, &skipped, err));
    VONK_TRY(read_head(&c, &h, err));
    VONK_TRY(read_table(&c, &h, zone, err));
    VONK_TRY(vonk_cursor_take(&c, (size_t)h.n_leap * 12 + h.n_isstd + h.n_isut, &skipped, err));

    char text[128] = {0};
    footer f = {0};
    size_t left = vonk_cursor_left(&c);
    if (left > 2 && left < sizeof(text)) {
        memcpy(text, c.at + 1, left - 2); /* between two newlines */
        if (!read_footer(text, &f)) return vonk_cursor_fail(&c, "bad footer in a zone file", err);
        if (f.has_dst) add_rule_years(zone, &f, h.n_chars);
    }
    if (!zone->repeats) zone->table_end = INT64_MAX / 2;
    if (zone->n == 0) {
        zone->fixed = true;
        zone->offset_s = zone->periods[0].offset_s;
    }
    return VONK_OK;
}
