/* Python's library objects, as they are pickled: datetime's classes, Decimal, array.array. */
#include "codec/pickle_int.h"
#include "text/date.h"
#include "text/zone.h"

typedef vonk_pickle_value value;

static bool is_class(const value *v, const char *name)
{
    return v->kind == VONK_PICKLE_OBJECT && vonk_str_is(vonk_pickle_class(v), name);
}

const value *vonk__pickle_attr(const value *v, const char *name)
{
    if (v->kind == VONK_PICKLE_OBJECT) v = v->items[2];
    if (v->kind == VONK_PICKLE_TUPLE && v->n_items == 2 && v->items[0]->kind == VONK_PICKLE_DICT)
        v = v->items[0]; /* a class with slots, too */
    if (v->kind != VONK_PICKLE_DICT) return NULL;
    for (uint32_t i = v->n_items; i >= 2; i -= 2)
        if (v->items[i - 2]->kind == VONK_PICKLE_STRING && vonk_str_is(v->items[i - 2]->text, name))
            return v->items[i - 1];
    return NULL;
}

bool vonk__pickle_decimal(const value *v, vonk_str *ret)
{
    if (!is_class(v, "decimal.Decimal") || v->items[1]->n_items != 1) return false;
    if (v->items[1]->items[0]->kind != VONK_PICKLE_STRING) return false;
    *ret = v->items[1]->items[0]->text;
    return true;
}

/* The numbers of a call like datetime(2020, 1, 2, ...): up to `most`, the first `least` are needed. Returns how many.
 */
static uint32_t numbers(const value *args, uint32_t least, uint32_t most, int64_t *ret)
{
    uint32_t n = 0;
    memset(ret, 0, most * sizeof(*ret));
    for (; n < args->n_items && n < most; n++) {
        const value *a = args->items[n];
        if (a->kind != VONK_PICKLE_INT || a->i < -1000000000000 || a->i > 1000000000000) break;
        ret[n] = a->i;
    }
    return n >= least ? n : 0;
}

static bool bytes_of(const value *args, size_t n, const uint8_t **ret)
{
    if (args->n_items == 0 || args->items[0]->kind != VONK_PICKLE_BYTES || args->items[0]->text.len != n) {
        /* Python 2's str, when all of it is ASCII */
        if (args->n_items == 0 || args->items[0]->kind != VONK_PICKLE_STRING || args->items[0]->text.len != n)
            return false;
    }
    *ret = (const uint8_t *)args->items[0]->text.data;
    return true;
}

static bool days_of(int64_t year, int64_t month, int64_t day, int32_t *ret)
{
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31) return false;
    if (!vonk_civil_valid(year, (int)month, (int)day)) return false;
    *ret = (int32_t)vonk_days_from_civil(year, (int)month, (int)day);
    return true;
}

static bool clock_us(int64_t h, int64_t m, int64_t s, int64_t us, int64_t *ret)
{
    if (h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 59 || us < 0 || us > 999999) return false;
    *ret = ((h * 60 + m) * 60 + s) * 1000000 + us;
    return true;
}

/* Days and microseconds of the day of a datetime; *ret_zone: its tzinfo or NULL. */
static bool civil(const value *v, int32_t *ret_days, int64_t *ret_us, bool *ret_fold, const value **ret_zone)
{
    int64_t n[7];
    const uint8_t *b;
    const value *args = v->items[1];
    *ret_fold = false;
    *ret_zone = NULL;
    if (bytes_of(args, 10, &b)) {
        *ret_fold = b[2] >= 0x80;
        if (args->n_items > 1) *ret_zone = args->items[1];
        return days_of(b[0] << 8 | b[1], b[2] & 0x7f, b[3], ret_days) &&
               clock_us(b[4], b[5], b[6], b[7] << 16 | b[8] << 8 | b[9], ret_us);
    }
    if (!numbers(args, 3, 7, n)) return false;
    if (args->n_items > 7) *ret_zone = args->items[7];
    return days_of(n[0], n[1], n[2], ret_days) && clock_us(n[3], n[4], n[5], n[6], ret_us);
}

bool vonk__pickle_date(const value *v, int32_t *ret_days)
{
    int64_t n[3], us;
    bool fold;
    const uint8_t *b;
    const value *zone;
    if (is_class(v, "datetime.datetime")) return civil(v, ret_days, &us, &fold, &zone);
    if (!is_class(v, "datetime.date")) return false;
    if (bytes_of(v->items[1], 4, &b)) return days_of(b[0] << 8 | b[1], b[2], b[3], ret_days);
    return numbers(v->items[1], 3, 3, n) && days_of(n[0], n[1], n[2], ret_days);
}

bool vonk__pickle_time(const value *v, int64_t *ret_nanos)
{
    int64_t n[4], us;
    const uint8_t *b;
    if (!is_class(v, "datetime.time")) return false;
    if (bytes_of(v->items[1], 6, &b)) {
        if (!clock_us(b[0] & 0x7f, b[1], b[2], b[3] << 16 | b[4] << 8 | b[5], &us)) return false;
    } else {
        if (!numbers(v->items[1], 1, 4, n) || !clock_us(n[0], n[1], n[2], n[3], &us)) return false;
    }
    *ret_nanos = us * 1000;
    return true;
}

bool vonk__pickle_timedelta(const value *v, int64_t *ret_us)
{
    int64_t n[3];
    if (!is_class(v, "datetime.timedelta")) return false;
    if (v->items[1]->n_items && !numbers(v->items[1], 1, 3, n)) return false;
    if (v->items[1]->n_items == 0) n[0] = n[1] = n[2] = 0;
    return !__builtin_mul_overflow(n[0], INT64_C(86400000000), ret_us) &&
           !__builtin_add_overflow(*ret_us, n[1] * 1000000, ret_us) && !__builtin_add_overflow(*ret_us, n[2], ret_us);
}

/* Zones: datetime.timezone, zoneinfo.ZoneInfo, pytz. */
static bool zone_name(const value *tz, vonk_str *ret)
{
    if (is_class(tz, "pytz._UTC")) {
        *ret = VONK_STR("UTC");
        return true;
    }
    const value *maker = tz->items[0], *args = tz->items[1];
    bool known =
        is_class(tz, "pytz._p") || is_class(tz, "zoneinfo.ZoneInfo._unpickle") || is_class(tz, "zoneinfo.ZoneInfo");
    if (maker->kind == VONK_PICKLE_OBJECT &&
        (is_class(maker, "builtins.getattr") || is_class(maker, "__builtin__.getattr")))
        known = maker->items[1]->n_items == 2 && maker->items[1]->items[0]->kind == VONK_PICKLE_GLOBAL &&
                vonk_str_is(maker->items[1]->items[0]->text, "zoneinfo.ZoneInfo");
    if (!known || args->n_items == 0 || args->items[0]->kind != VONK_PICKLE_STRING) return false;
    *ret = args->items[0]->text;
    return true;
}

static vonk_status to_utc(const value *tz, const vonk_zone *zone, int64_t local, bool fold, int64_t *ret_us,
                          vonk_error *err)
{
    vonk_str name = VONK_STR_NONE;
    int64_t offset;
    if (tz && tz->kind == VONK_PICKLE_OBJECT) {
        if (is_class(tz, "datetime.timezone") && tz->items[1]->n_items &&
            vonk__pickle_timedelta(tz->items[1]->items[0], &offset)) {
            *ret_us = local - offset;
            return VONK_OK;
        }
        zone = zone_name(tz, &name) ? vonk_zone_lookup(name) : NULL;
        if (!zone)
            return VONK_FAIL(
                err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                VONK_F("datetimes with a zone of class %.100s %.100s", VONK_S(vonk_pickle_class(tz)), VONK_S(name)));
    }
    const vonk_local at = vonk_local_of_us(local);
    vonk_zone_to_utc(zone, at, ret_us); /* Python's years are near enough */
    if (!fold) return VONK_OK;
    /* The second of two instants, if there are two: an hour or so later, with the same local time. */
    for (int64_t later = *ret_us + INT64_C(1800000000); later <= *ret_us + INT64_C(7200000000);
         later += INT64_C(1800000000)) {
        const vonk_local then = vonk_zone_to_local(zone, later, NULL);
        if (then.day == at.day && then.us == at.us) {
            *ret_us = later;
            return VONK_OK;
        }
    }
    return VONK_OK;
}

vonk_status vonk__pickle_datetime(const value *v, const vonk_zone *zone, bool *ret_is, int64_t *ret_us, vonk_error *err)
{
    int32_t days;
    int64_t us;
    bool fold;
    const value *tz;
    *ret_is = is_class(v, "datetime.datetime") && civil(v, &days, &us, &fold, &tz);
    if (!*ret_is) return VONK_OK;
    *ret_us = days * INT64_C(86400000000) + us;
    return zone ? to_utc(tz, zone, *ret_us, fold, ret_us, err) : VONK_OK;
}

/* ---- array.array: machine formats 0..17, in pairs of little and big endian from 2 on */
static const struct {
    uint8_t width;
    char kind; /* u: unsigned, i: signed, f: float */
} formats[18] = {{1, 'u'}, {1, 'i'}, {2, 'u'}, {2, 'u'}, {2, 'i'}, {2, 'i'}, {4, 'u'}, {4, 'u'}, {4, 'i'},
                 {4, 'i'}, {8, 'u'}, {8, 'u'}, {8, 'i'}, {8, 'i'}, {4, 'f'}, {4, 'f'}, {8, 'f'}, {8, 'f'}};

bool vonk__pickle_array_open(const value *v, vonk__pickle_array *ret)
{
    *ret = (vonk__pickle_array){0};
    const value *args = v->kind == VONK_PICKLE_OBJECT ? v->items[1] : NULL;
    if (is_class(v, "array.array") && args->n_items == 2 && args->items[1]->kind == VONK_PICKLE_LIST) {
        ret->list = args->items[1];
        ret->n = ret->list->n_items;
        return true;
    }
    if (!is_class(v, "array._array_reconstructor") || args->n_items != 4) return false;
    const value *code = args->items[2], *bytes = args->items[3];
    if (code->kind != VONK_PICKLE_INT || code->i < 0 || code->i >= 18 || bytes->kind != VONK_PICKLE_BYTES) return false;
    ret->format = (int)code->i;
    ret->width = formats[code->i].width;
    ret->bytes = bytes->text;
    if (bytes->text.len % ret->width || bytes->text.len / ret->width > UINT32_MAX) return false;
    ret->n = (uint32_t)(bytes->text.len / ret->width);
    return true;
}

value vonk__pickle_array_at(const vonk__pickle_array *a, uint32_t k)
{
    uint8_t b[8];
    if (a->list) return *a->list->items[k];
    bool big = a->format >= 2 && a->format % 2;
    for (uint32_t i = 0; i < a->width; i++)
        b[i] = (uint8_t)a->bytes.data[(size_t)k * a->width + (big ? a->width - 1 - i : i)];
    value v = {.kind = VONK_PICKLE_INT};
    float f;
    uint64_t u = 0;
    for (uint32_t i = a->width; i-- > 0;) u = u << 8 | b[i];
    switch (formats[a->format].kind) {
    case 'f':
        v.kind = VONK_PICKLE_FLOAT;
        if (a->width == 8) {
            memcpy(&v.f, b, 8);
        } else {
            memcpy(&f, b, 4);
            v.f = (double)f;
        }
        return v;
    case 'i':
        assert(a->width);
        v.i = (int64_t)(u << (64 - 8 * a->width)) >> (64 - 8 * a->width);
        return v;
    default: v.i = (int64_t)u; return v; /* 2^63 and more wrap, as Java's long would */
    }
}
