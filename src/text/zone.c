/* text/zone.c -- names of zones, and questions to their rules. The rules themselves are read by text/zone_rules.c. */
#include <stdatomic.h>

#include "base/cursor.h"
#include "sys/thread.h"
#include "sys/tzdata.h"
#include "text/date.h"
#include "text/zone_int.h"

/* Short names as java.time.ZoneId.SHORT_IDS has them. */
static const struct {
    const char *from, *to;
} short_ids[] = {
    {"ACT", "Australia/Darwin"},
    {"AET", "Australia/Sydney"},
    {"AGT", "America/Argentina/Buenos_Aires"},
    {"ART", "Africa/Cairo"},
    {"AST", "America/Anchorage"},
    {"BET", "America/Sao_Paulo"},
    {"BST", "Asia/Dhaka"},
    {"CAT", "Africa/Harare"},
    {"CNT", "America/St_Johns"},
    {"CST", "America/Chicago"},
    {"CTT", "Asia/Shanghai"},
    {"EAT", "Africa/Addis_Ababa"},
    {"ECT", "Europe/Paris"},
    {"EST", "-05:00"},
    {"HST", "-10:00"},
    {"IET", "America/Indiana/Indianapolis"},
    {"IST", "Asia/Kolkata"},
    {"JST", "Asia/Tokyo"},
    {"MIT", "Pacific/Apia"},
    {"MST", "-07:00"},
    {"NET", "Asia/Yerevan"},
    {"NST", "Pacific/Auckland"},
    {"PLT", "Asia/Karachi"},
    {"PNT", "America/Phoenix"},
    {"PRT", "America/Puerto_Rico"},
    {"PST", "America/Los_Angeles"},
    {"SST", "Pacific/Guadalcanal"},
    {"VST", "Asia/Ho_Chi_Minh"},
};

static char utc_name[] = "UTC";
static vonk_zone utc = {.name = utc_name, .abbreviations = utc_name, .fixed = true};

const vonk_zone *vonk_zone_utc(void) { return &utc; }

/* ---- the cache: zones are never freed */

static vonk_mutex lock = VONK_MUTEX_INIT;
static vonk_zone *known; /* newest first; there are some hundred names at most that mean something */

static const vonk_zone *find_known(vonk_str name)
{
    for (const vonk_zone *z = known; z; z = z->next)
        if (vonk_str_is(name, z->name)) return z;
    return NULL;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Two digits at `at`, -1 when they are not. */
static int two(vonk_str s, size_t at)
{
    if (at + 2 > s.len || !is_digit(s.data[at]) || !is_digit(s.data[at + 1])) return -1;
    return (s.data[at] - '0') * 10 + (s.data[at + 1] - '0');
}

/* +h, +hh, +hh:mm, +hhmm, +hh:mm:ss, +hhmmss, and Spark's +h:mm and +hh:m. */
static bool read_offset(vonk_str s, int32_t *ret)
{
    char padded[12];
    if (s.len < 2 || s.len > 9 || (s.data[0] != '+' && s.data[0] != '-')) return false;
    size_t n = 0;
    padded[n++] = s.data[0];
    vonk_str digits = vonk_str_sub(s, 1, s.len);
    if (digits.len == 1 || digits.data[1] == ':') padded[n++] = '0';
    memcpy(padded + n, digits.data, digits.len);
    n += digits.len;
    if (n == 5 && padded[3] == ':') { /* +hh:m */
        padded[5] = padded[4];
        padded[4] = '0';
        n = 6;
    }
    vonk_str t = {padded, n};
    bool colons = n > 3 && padded[3] == ':';
    size_t step = colons ? 3 : 2;
    int hours = two(t, 1), minutes = 0, seconds = 0;
    if (n > 3) minutes = two(t, 1 + step);
    if (n > 1 + step + 2) {
        if (colons && padded[6] != ':') return false;
        seconds = two(t, 1 + 2 * step);
    }
    bool whole = n == 3 || n == 1 + step + 2 || n == 1 + 2 * step + 2;
    if (!whole || hours < 0 || minutes < 0 || seconds < 0 || minutes > 59 || seconds > 59) return false;
    int32_t total = hours * 3600 + minutes * 60 + seconds;
    if (total > 18 * 3600) return false;
    *ret = padded[0] == '-' ? -total : total;
    return true;
}

/* Z, +01:00, UTC, GMT+1, ...: zones without rules. */
static bool read_fixed(vonk_str name, int32_t *ret_offset)
{
    *ret_offset = 0;
    if (vonk_str_is(name, "Z") || vonk_str_is(name, "UTC") || vonk_str_is(name, "GMT") || vonk_str_is(name, "UT"))
        return true;
    if (name.len && (name.data[0] == '+' || name.data[0] == '-')) return read_offset(name, ret_offset);
    size_t prefix = vonk_str_starts(name, VONK_STR("UTC")) || vonk_str_starts(name, VONK_STR("GMT")) ? 3
                    : vonk_str_starts(name, VONK_STR("UT"))                                          ? 2
                                                                                                     : 0;
    return prefix && read_offset(vonk_str_sub(name, prefix, name.len), ret_offset);
}

static bool region_name_ok(vonk_str name)
{
    static const char *const hidden[] = {"posix/", "right/", "localtime", "posixrules", "Factory",
                                         "leap",   "tz",     "zone",      "iso3166"};
    if (name.len < 2 || name.len > 80) return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool letter = (c | 32) >= 'a' && (c | 32) <= 'z';
        if (!letter && (i == 0 || !(is_digit(c) || strchr("~/._+-", c)))) return false;
    }
    for (size_t i = 0; i < VONK_COUNTOF(hidden); i++)
        if (vonk_str_starts(name, vonk_str_of(hidden[i]))) return false;
    return true;
}

static vonk_status new_zone(vonk_str name, vonk_zone **ret, vonk_error *err)
{
    vonk_zone *z = NULL;
    VONK_TRY(VONK_NEW(vonk_budget_root(), &z, err));
    vonk_status st = vonk_strdup(vonk_budget_root(), name, &z->name, err);
    if (st != VONK_OK) {
        vonk_free(z);
        return st;
    }
    *ret = z;
    return VONK_OK;
}

static void drop_zone(vonk_zone *z)
{
    vonk_free(z->name);
    vonk_free(z->at);
    vonk_free(z->periods);
    if (z->abbreviations != z->name) vonk_free(z->abbreviations);
    vonk_free(z);
}

static vonk_status load_region(vonk_str name, vonk_zone *z, bool *ret_found, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf bytes = {0};
    vonk_buf_init(&bytes, vonk_budget_root(), 1 << 17);
    VONK_TRY(vonk_tzdata_read(z->name, &bytes, ret_found, err));
    if (!*ret_found) return VONK_OK;
    vonk_error bad = VONK_ERROR_INIT;
    vonk_status st = vonk__zone_read_rules(vonk_buf_str(&bytes), z, &bad);
    if (st == VONK_E_MALFORMED_INPUT) { /* some other file in that folder */
        vonk_error_reset(&bad);
        *ret_found = false;
        return VONK_OK;
    }
    if (st != VONK_OK) vonk_error_move(err, &bad);
    return st;
}

/* *ret NULL: no such zone. */
static vonk_status make_zone(vonk_str name, vonk_zone **ret, vonk_error *err)
{
    int32_t offset = 0;
    bool found = true;
    vonk_zone *z = NULL;
    vonk_str rules = name;
    for (size_t i = 0; i < VONK_COUNTOF(short_ids); i++)
        if (vonk_str_is(name, short_ids[i].from)) rules = vonk_str_of(short_ids[i].to);
    bool fixed = read_fixed(rules, &offset);
    if (!fixed && !region_name_ok(rules)) return VONK_OK;
    VONK_TRY(new_zone(rules, &z, err));
    if (fixed) {
        z->fixed = true;
        z->offset_s = offset;
        z->abbreviations = z->name;
    } else {
        vonk_status st = load_region(rules, z, &found, err);
        if (st != VONK_OK || !found) {
            drop_zone(z);
            return st;
        }
    }
    *ret = z;
    return VONK_OK;
}

static vonk_status find_or_make(vonk_str name, const vonk_zone **ret, vonk_error *err)
{
    vonk_status st = VONK_OK;
    *ret = NULL;
    if (vonk_str_is(name, "UTC")) {
        *ret = &utc;
        return VONK_OK;
    }
    vonk_mutex_lock(&lock);
    *ret = find_known(name);
    if (!*ret) {
        vonk_zone *made = NULL;
        st = make_zone(name, &made, err);
        if (made && vonk_str_is(name, made->name)) { /* short names go through their zone each time: rare */
            made->next = known;
            known = made;
            *ret = made;
        } else if (made) {
            const vonk_zone *same = find_known(vonk_str_of(made->name));
            if (same) {
                drop_zone(made);
            } else {
                made->next = known;
                known = made;
                same = made;
            }
            *ret = same;
        }
    }
    vonk_mutex_unlock(&lock);
    return st;
}

const vonk_zone *vonk_zone_lookup(vonk_str name)
{
    const vonk_zone *z = NULL;
    vonk_error err = VONK_ERROR_INIT;
    if (name.len == 0 || name.len > 100) return NULL;
    if (find_or_make(name, &z, &err) != VONK_OK) vonk_error_reset(&err);
    return z;
}

vonk_status vonk_zone_find(vonk_str name, const vonk_zone **ret, vonk_error *err)
{
    const vonk_zone *z = NULL;
    if (name.len > 0 && name.len <= 100) VONK_TRY(find_or_make(name, &z, err));
    if (!z) return VONK_FAIL(err, VONK_E_INVALID_TIMEZONE, "timeZone", VONK_S(name));
    *ret = z;
    return VONK_OK;
}

vonk_str vonk_zone_name(const vonk_zone *zone) { return vonk_str_of(zone->name); }

bool vonk_zone_is_fixed(const vonk_zone *zone, int32_t *ret_offset_s)
{
    if (ret_offset_s) *ret_offset_s = zone->offset_s;
    return zone->fixed;
}

vonk_str vonk_zone_local_name(void)
{
    static char name[100];
    static _Atomic bool done;
    if (!atomic_load(&done)) {
        vonk_mutex_lock(&lock);
        if (!atomic_load(&done)) {
            vonk_tzdata_local_name(name, sizeof(name));
            atomic_store(&done, true);
        }
        vonk_mutex_unlock(&lock);
    }
    return vonk_str_of(name);
}

/* ---- questions */

/* Times past the table repeat every 400 years. */
static int64_t into_table(const vonk_zone *z, int64_t s)
{
    const int64_t era = INT64_C(146097) * 86400;
    if (!z->repeats || s < z->table_end) return s;
    return s - ((s - z->table_end) / era + 1) * era;
}

/* The last period that has begun at s: 0 is the one before the first transition. */
static uint32_t period_at(const vonk_zone *z, int64_t s)
{
    uint32_t low = 0, high = z->n;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (z->at[middle] <= s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int32_t vonk_zone_offset(const vonk_zone *zone, int64_t utc_s, vonk_zone_cache *cache)
{
    if (zone->fixed) return zone->offset_s;
    if (cache && utc_s >= cache->from_s && utc_s < cache->to_s) return cache->offset_s;
    int64_t s = into_table(zone, utc_s);
    uint32_t p = period_at(zone, s);
    if (cache) {
        int64_t from = p ? zone->at[p - 1] : INT64_MIN / 2, to = p < zone->n ? zone->at[p] : zone->table_end;
        cache->from_s = from + (utc_s - s);
        cache->to_s = to + (utc_s - s);
        cache->offset_s = zone->periods[p].offset_s;
    }
    return zone->periods[p].offset_s;
}

vonk_local vonk_zone_to_local(const vonk_zone *zone, int64_t utc_us, vonk_zone_cache *cache)
{
    vonk_local local = vonk_local_of_us(utc_us);
    if (!zone) return local;
    const int32_t offset = vonk_zone_offset(zone, vonk_floor_div(utc_us, VONK_US_PER_SECOND), cache);
    local.us += offset * VONK_US_PER_SECOND;
    if (local.us < 0)
        local = (vonk_local){local.day - 1, local.us + VONK_US_PER_DAY};
    else if (local.us >= VONK_US_PER_DAY)
        local = (vonk_local){local.day + 1, local.us - VONK_US_PER_DAY};
    return local;
}

/* A transition at t from offset a to b concerns local times from t + min(a, b) to t + max(a, b): up to there the
 * earlier offset is used, which gives the earlier of two instants, and moves a time in a gap on by the gap's length. */
static int32_t offset_at_local(const vonk_zone *zone, int64_t local_s)
{
    if (zone->fixed) return zone->offset_s;
    const int64_t local = into_table(zone, local_s);
    uint32_t low = 0, high = zone->n;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int32_t a = zone->periods[middle].offset_s, b = zone->periods[middle + 1].offset_s;
        if (zone->at[middle] + (a > b ? a : b) <= local)
            low = middle + 1;
        else
            high = middle;
    }
    return zone->periods[low].offset_s;
}

bool vonk_zone_to_utc(const vonk_zone *zone, vonk_local local, int64_t *ret_us)
{
    int64_t day_s, local_s;
    if (!zone) return vonk_local_to_us(local, ret_us);
    if (__builtin_mul_overflow(local.day, INT64_C(86400), &day_s) ||
        __builtin_add_overflow(day_s, local.us / VONK_US_PER_SECOND, &local_s))
        return false;
    local.us -= offset_at_local(zone, local_s) * VONK_US_PER_SECOND;
    return vonk_local_to_us(local, ret_us);
}

vonk_str vonk_zone_abbreviation(const vonk_zone *zone, int64_t utc_s, bool *ret_dst)
{
    if (ret_dst) *ret_dst = false;
    if (zone->fixed) return vonk_str_of(zone->abbreviations);
    const vonk__zone_period *p = &zone->periods[period_at(zone, into_table(zone, utc_s))];
    if (ret_dst) *ret_dst = p->dst;
    return vonk_str_of(zone->abbreviations + p->abbreviation);
}
