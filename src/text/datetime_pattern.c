/* text/datetime_pattern.c -- compiling patterns of dates and times. */
#include "base/vec.h"
#include "text/datetime_pattern.h"

enum { MOST_DEPTH = 32 };

const char *const vonk_month_names[12] = {"January", "February", "March",     "April",   "May",      "June",
                                          "July",    "August",   "September", "October", "November", "December"};
const char *const vonk_day_names[7] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

typedef VONK_VEC(vonk_dt_item) item_list;

typedef struct compiler {
    vonk_arena *arena;
    vonk_str pattern;
    bool reading, has_era, has_fraction;
    item_list items;
    uint32_t open[MOST_DEPTH]; /* optional sections */
    int depth;
    int64_t number; /* item that takes part in adjacent reading; -1: none */
} compiler;

static bool in_set(char c, const char *set) { return c && strchr(set, c); }

/* ---- what Spark refuses before java.time sees it */

/* Would java.text.SimpleDateFormat take the pattern? Then the error tells how to get it back. */
static bool old_format_takes(vonk_str p)
{
    bool quoted = false;
    for (size_t i = 0; i < p.len; i++) {
        char c = p.data[i];
        size_t n = 1;
        if (c == '\'') {
            quoted = !quoted;
            continue;
        }
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (quoted || !letter) continue;
        if (!in_set(c, "GyYMLwWDdFEuaHkKhmsSzZX")) return false;
        while (i + 1 < p.len && p.data[i + 1] == c) i++, n++;
        if (c == 'X' && n > 3) return false;
    }
    return !quoted;
}

static vonk_status refuse(const compiler *c, vonk_error *err)
{
    char quoted[1024];
    size_t n = 0;
    quoted[n++] = '\'';
    for (size_t i = 0; i < c->pattern.len && n < 1000; i++) {
        if (c->pattern.data[i] == '\'') quoted[n++] = '\\';
        quoted[n++] = c->pattern.data[i];
    }
    quoted[n++] = '\'';
    quoted[n] = 0;
    if (old_format_takes(c->pattern))
        return VONK_FAIL(err, VONK_E_INCONSISTENT_BEHAVIOR_CROSS_VERSION__DATETIME_PATTERN_RECOGNITION, "pattern",
                         quoted, "config", "\"spark.sql.legacy.timeParserPolicy\"", "docroot",
                         "https://spark.apache.org/docs/latest");
    return VONK_FAIL(err, VONK_E_INVALID_DATETIME_PATTERN__WITH_SUGGESTION, "pattern", quoted, "docroot",
                     "https://spark.apache.org/docs/latest");
}

/* Letters that java.time knows but Spark does not let through: same text, other meaning than before. */
static vonk_status check_letters(compiler *c, vonk_error *err)
{
    bool quoted = false;
    for (size_t i = 0; i < c->pattern.len; i++) {
        char l = c->pattern.data[i];
        if (l == '\'') quoted = !quoted;
        if (quoted) continue;
        if (l == 'G') c->has_era = true;
        if (l == 'S') c->has_fraction = true;
        if (in_set(l, "YWwuec")) {
            if (old_format_takes(c->pattern)) return refuse(c, err);
            return VONK_FAIL(err, VONK_E_INCONSISTENT_BEHAVIOR_CROSS_VERSION__DATETIME_WEEK_BASED_PATTERN, "c",
                             VONK_F("%c", l));
        }
        if (!in_set(l, "ABnNp") && !(c->reading && in_set(l, "EFqQ"))) continue;
        if (old_format_takes(c->pattern)) return refuse(c, err);
        return VONK_FAIL(err, VONK_E_INVALID_DATETIME_PATTERN__ILLEGAL_CHARACTER, "c", VONK_F("%c", l), "pattern",
                         VONK_S(c->pattern));
    }
    return VONK_OK;
}

static vonk_status too_long(const compiler *c, char letter, int n, vonk_error *err)
{
    char text[16] = {0};
    if (old_format_takes(c->pattern)) return refuse(c, err);
    memset(text, letter, (size_t)n);
    return VONK_FAIL(err, VONK_E_INVALID_DATETIME_PATTERN__LENGTH, "pattern", text);
}

/* ---- items */

static vonk_status add(compiler *c, vonk_dt_item item, vonk_error *err)
{
    c->number = -1;
    return VONK_VEC_ARENA_PUSH(&c->items, c->arena, item, err);
}

/* Numbers without a gap between them: the first one leaves room for those of fixed width behind it. */
static vonk_status add_number(compiler *c, vonk_dt_item item, vonk_error *err)
{
    int64_t base = c->number;
    bool fixed = item.min == item.max && item.sign == VONK_DT_NOT_NEGATIVE;
    if (base >= 0 && fixed) {
        c->items.at[base].reserved += item.max;
        item.reserved = -1;
    } else if (base >= 0 && c->items.at[base].reserved == 0) {
        c->items.at[base].reserved = -1;
    }
    VONK_TRY(add(c, item, err));
    c->number = base >= 0 && fixed ? base : (int64_t)c->items.n - 1;
    return VONK_OK;
}

static vonk_status number(compiler *c, vonk_dt_field field, int min, int max, vonk_dt_sign sign, vonk_error *err)
{
    return add_number(c, (vonk_dt_item){.kind = VONK_DT_NUMBER, .field = field, .min = min, .max = max, .sign = sign},
                      err);
}

static vonk_status year(compiler *c, int n, vonk_error *err)
{
    vonk_dt_field field = c->has_era ? VONK_DT_YEAR_OF_ERA : VONK_DT_YEAR;
    if (n >= 7) return too_long(c, 'y', 7, err);
    if (n == 2)
        return add_number(
            c,
            (vonk_dt_item){.kind = VONK_DT_REDUCED, .field = field, .min = 2, .max = 2, .sign = VONK_DT_NOT_NEGATIVE},
            err);
    return number(c, field, n, 19, n < 4 ? VONK_DT_NORMAL : VONK_DT_EXCEEDS_PAD, err);
}

/* One or two letters: a number; three a short name, four a long one. */
static vonk_status number_or_name(compiler *c, char letter, vonk_dt_field field, int n, vonk_error *err)
{
    if (n >= 5) return too_long(c, letter, 5, err);
    if (n == 1) return number(c, field, 1, 19, VONK_DT_NORMAL, err);
    if (n == 2) return number(c, field, 2, 2, VONK_DT_NOT_NEGATIVE, err);
    return add(c, (vonk_dt_item){.kind = VONK_DT_TEXT, .field = field, .min = n}, err);
}

static vonk_status small_number(compiler *c, vonk_dt_field field, int n, vonk_error *err)
{
    if (n > 2) return refuse(c, err);
    return n == 1 ? number(c, field, 1, 19, VONK_DT_NORMAL, err) : number(c, field, 2, 2, VONK_DT_NOT_NEGATIVE, err);
}

static vonk_status fraction(compiler *c, int n, vonk_error *err)
{
    vonk_dt_item item = {
        .kind = VONK_DT_FRACTION, .field = VONK_DT_NANO, .min = n, .max = n, .sign = VONK_DT_NOT_NEGATIVE};
    if (n > 9) return refuse(c, err);
    if (!c->reading || n == 1) return add_number(c, item, err);
    item.min = 1;
    return add(c, item, err);
}

static vonk_status offset(compiler *c, char letter, int n, vonk_error *err)
{
    vonk_dt_item item = {.kind = VONK_DT_OFFSET_ID, .field = VONK_DT_OFFSET};
    if (letter == 'O' || (letter == 'Z' && n == 4)) {
        if (letter == 'O' && n != 1 && n != 4) return refuse(c, err);
        item.kind = VONK_DT_OFFSET_GMT;
        item.min = n;
        return add(c, item, err);
    }
    if (n > 5) return refuse(c, err);
    item.minutes = true;
    if (letter == 'Z') {
        item.with_colon = item.seconds = n == 5;
        item.text = n == 5 ? VONK_STR("Z") : VONK_STR("+0000");
        return add(c, item, err);
    }
    item.minutes_optional = n == 1;
    item.with_colon = n == 3 || n == 5;
    item.seconds = n >= 4;
    item.text = letter == 'X' ? VONK_STR("Z")
                : n == 1      ? VONK_STR("+00")
                : n % 2 == 0  ? VONK_STR("+0000")
                              : VONK_STR("+00:00");
    return add(c, item, err);
}

static vonk_status zone(compiler *c, char letter, int n, vonk_error *err)
{
    if (letter == 'V' ? n != 2 : letter == 'v' ? n != 1 && n != 4 : n > 4) return refuse(c, err);
    if (letter == 'V') return add(c, (vonk_dt_item){.kind = VONK_DT_ZONE_ID}, err);
    return add(c, (vonk_dt_item){.kind = VONK_DT_ZONE_NAME, .min = n, .generic = letter == 'v'}, err);
}

static vonk_status letters(compiler *c, char l, int n, vonk_error *err)
{
    switch (l) {
    case 'y': return year(c, n, err);
    case 'M':
    case 'L': return number_or_name(c, l, VONK_DT_MONTH, n, err);
    case 'Q':
    case 'q': return number_or_name(c, l, VONK_DT_QUARTER, n, err);
    case 'G':
    case 'E':
        if (n >= 5) return too_long(c, l, 5, err);
        return add(c,
                   (vonk_dt_item){.kind = VONK_DT_TEXT,
                                  .field = l == 'G' ? VONK_DT_ERA : VONK_DT_DAY_OF_WEEK,
                                  .min = n < 4 ? 3 : 4},
                   err);
    case 'a':
        if (n > 1) return refuse(c, err);
        return add(c, (vonk_dt_item){.kind = VONK_DT_TEXT, .field = VONK_DT_AMPM, .min = 3}, err);
    case 'D':
        if (n > 3) return refuse(c, err);
        if (n == 1) return number(c, VONK_DT_DAY_OF_YEAR, 1, 19, VONK_DT_NORMAL, err);
        return number(c, VONK_DT_DAY_OF_YEAR, n, 3, VONK_DT_NOT_NEGATIVE, err);
    case 'd': return small_number(c, VONK_DT_DAY, n, err);
    case 'H': return small_number(c, VONK_DT_HOUR, n, err);
    case 'k': return small_number(c, VONK_DT_CLOCK_HOUR, n, err);
    case 'K': return small_number(c, VONK_DT_HOUR_OF_AMPM, n, err);
    case 'h': return small_number(c, VONK_DT_CLOCK_HOUR_OF_AMPM, n, err);
    case 'm': return small_number(c, VONK_DT_MINUTE, n, err);
    case 's': return small_number(c, VONK_DT_SECOND, n, err);
    case 'S': return fraction(c, n, err);
    case 'F': return n == 1 ? number(c, VONK_DT_WEEKDAY_OF_MONTH, 1, 19, VONK_DT_NORMAL, err) : refuse(c, err);
    case 'g': return number(c, VONK_DT_JULIAN_DAY, n, 19, VONK_DT_NORMAL, err);
    case 'V':
    case 'v':
    case 'z': return zone(c, l, n, err);
    case 'X':
    case 'x':
    case 'Z':
    case 'O': return offset(c, l, n, err);
    default: return refuse(c, err);
    }
}

static vonk_status section(compiler *c, char bracket, vonk_error *err)
{
    if (bracket == '[') {
        if (c->depth == MOST_DEPTH) return refuse(c, err);
        VONK_TRY(add(c, (vonk_dt_item){.kind = VONK_DT_OPTIONAL}, err));
        c->open[c->depth++] = (uint32_t)c->items.n - 1;
        return VONK_OK;
    }
    if (!c->depth) return refuse(c, err);
    c->items.at[c->open[--c->depth]].end = (uint32_t)c->items.n;
    c->number = -1;
    return VONK_OK;
}

/* '...' as it is, '' is one quote. *inout_at stands on the opening quote. */
static vonk_status quoted(compiler *c, size_t *inout_at, vonk_error *err)
{
    vonk_str p = c->pattern, text;
    char *copy;
    size_t n = 0, at = *inout_at + 1;
    VONK_TRY(vonk_arena_alloc(c->arena, p.len, &copy, err));
    for (;; at++) {
        if (at >= p.len) return refuse(c, err);
        if (p.data[at] == '\'') {
            if (at + 1 >= p.len || p.data[at + 1] != '\'') break;
            at++;
        }
        copy[n++] = p.data[at];
    }
    if (n == 0) copy[n++] = '\'';
    text = (vonk_str){copy, n};
    *inout_at = at + 1;
    return add(c, (vonk_dt_item){.kind = VONK_DT_LITERAL, .text = text}, err);
}

vonk_status vonk_dt_compile(vonk_arena *arena, vonk_str pattern, bool reading, vonk_dt_pattern *ret, vonk_error *err)
{
    compiler c = {.arena = arena, .reading = reading, .number = -1};
    VONK_TRY(vonk_arena_str(arena, pattern, &c.pattern, err));
    VONK_TRY(check_letters(&c, err));
    vonk_str p = c.pattern;
    for (size_t i = 0; i < p.len;) {
        char l = p.data[i];
        size_t end = i + 1;
        if ((l >= 'a' && l <= 'z') || (l >= 'A' && l <= 'Z')) {
            while (end < p.len && p.data[end] == l) end++;
            if (end - i > 100) return refuse(&c, err);
            VONK_TRY(letters(&c, l, (int)(end - i), err));
        } else if (l == '\'') {
            end = i;
            VONK_TRY(quoted(&c, &end, err));
        } else if (l == '[' || l == ']') {
            VONK_TRY(section(&c, l, err));
        } else if (l == '{' || l == '}' || l == '#') {
            return refuse(&c, err);
        } else {
            VONK_TRY(add(&c, (vonk_dt_item){.kind = VONK_DT_LITERAL, .text = vonk_str_sub(p, i, end)}, err));
        }
        i = end;
    }
    while (c.depth) VONK_TRY(section(&c, ']', err));
    *ret = (vonk_dt_pattern){c.items.at, (uint32_t)c.items.n};
    return VONK_OK;
}
