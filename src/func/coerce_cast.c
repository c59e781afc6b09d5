/* func/coerce_cast.c -- which casts exist, which may be done on storing, and what they do to nullability. */
#include "func/coerce_int.h"
#include "func/func.h"

static bool is_integral(const vonk_type *t) { return vonk_type_is_integral(t); }
static bool is_numeric(const vonk_type *t) { return vonk_type_is_numeric(t); }
static bool is_text(const vonk_type *t) { return vonk_type_is_stringy(t); }
static bool is_decimal(const vonk_type *t) { return t->id == VONK_T_DECIMAL; }
static bool is_inexact(const vonk_type *t) { return t->id == VONK_T_FLOAT || t->id == VONK_T_DOUBLE; }
static bool is_ansi_interval(const vonk_type *t)
{
    return t->id == VONK_T_INTERVAL_YEAR_MONTH || t->id == VONK_T_INTERVAL_DAY_TIME;
}
static bool is_timestamp(const vonk_type *t) { return t->id == VONK_T_TIMESTAMP || t->id == VONK_T_TIMESTAMP_NTZ; }
static bool is_zoned(const vonk_type *t) { return t->id == VONK_T_TIMESTAMP; }
static bool is_date(const vonk_type *t) { return t->id == VONK_T_DATE; }
static bool is_time(const vonk_type *t) { return t->id == VONK_T_TIME; }
static bool is_moment(const vonk_type *t) { return vonk_type_is_datetime(t) || is_time(t); }

typedef bool (*allowed)(const vonk_type *from, const vonk_type *to);

/* ---- nested types */

static bool nulls_fit(bool from, bool to) { return !from || to; }

/* `strict`: a cast that can give null needs a place that may be null. */
static bool nested(const vonk_type *from, const vonk_type *to, allowed rule, bool strict)
{
    if (from->n_fields != to->n_fields) return false;
    for (uint32_t i = 0; i < from->n_fields; i++) {
        const vonk_field *f = &from->fields[i], *t = &to->fields[i];
        bool is_key = from->id == VONK_T_MAP && i == 0;
        bool forced = strict && vonk__force_nullable(f->type, t->type);
        if (!rule(f->type, t->type)) return false;
        if (is_key ? forced : !nulls_fit(f->nullable || forced, t->nullable)) return false;
    }
    return true;
}

static bool is_nested(const vonk_type *t)
{
    return t->id == VONK_T_ARRAY || t->id == VONK_T_MAP || t->id == VONK_T_STRUCT;
}

/* Anything may become a variant but maps and structs in it keep their form; a variant may become anything. */
static bool fits_variant(const vonk_type *t)
{
    return t->id != VONK_T_UDT && t->id != VONK_T_INTERVAL_CALENDAR && t->id != VONK_T_MAP && t->id != VONK_T_STRUCT;
}

/* ---- what both modes allow */

static bool always(const vonk_type *from, const vonk_type *to)
{
    if (from->id == VONK_T_NULL || vonk_type_same(from, to)) return true;
    if (is_text(to)) return from->id != VONK_T_GEOMETRY && from->id != VONK_T_GEOGRAPHY;
    if (is_text(from))
        return to->id == VONK_T_BINARY || to->id == VONK_T_BOOLEAN || is_timestamp(to) || is_date(to) ||
               is_numeric(to) || to->id == VONK_T_INTERVAL_CALENDAR || is_ansi_interval(to) || is_time(to) ||
               to->id == VONK_T_VARIANT;
    if (is_numeric(from) && (is_numeric(to) || to->id == VONK_T_BOOLEAN || is_zoned(to))) return true;
    if (from->id == VONK_T_BOOLEAN && is_numeric(to)) return true;
    if (is_zoned(from) && is_numeric(to)) return true;
    if ((is_date(from) || is_timestamp(from)) && (is_date(to) || is_timestamp(to))) return true;
    if (is_ansi_interval(from) && (is_integral(to) || is_decimal(to) || from->id == to->id)) return true;
    if ((is_integral(from) || is_decimal(from)) && is_ansi_interval(to)) return true;
    if (is_time(from) && (is_time(to) || is_timestamp(to) || is_integral(to) || is_decimal(to))) return true;
    if (is_timestamp(from) && is_time(to)) return true;
    if (from->id == VONK_T_VARIANT) return to->id != VONK_T_UDT && to->id != VONK_T_INTERVAL_CALENDAR;
    if (to->id == VONK_T_VARIANT) return fits_variant(from);
    return false;
}

static bool ansi(const vonk_type *from, const vonk_type *to)
{
    if (always(from, to)) return true;
    return is_nested(from) && from->id == to->id && nested(from, to, ansi, false);
}

static bool legacy(const vonk_type *from, const vonk_type *to)
{
    if (always(from, to)) return true;
    if (is_integral(from) && to->id == VONK_T_BINARY) return true;
    if ((is_date(from) || is_zoned(from)) && to->id == VONK_T_BOOLEAN) return true;
    if (from->id == VONK_T_BOOLEAN && is_zoned(to)) return true;
    if (is_date(from) && is_numeric(to)) return true;
    return is_nested(from) && from->id == to->id && nested(from, to, legacy, true);
}

static bool tried(const vonk_type *from, const vonk_type *to)
{
    if (is_nested(from) && from->id == to->id) return nested(from, to, legacy, true);
    return ansi(from, to);
}

bool vonk_coerce_can_cast(const vonk_type *from, const vonk_type *to, int mode)
{
    if (mode == VONK_MODE_ANSI) return ansi(from, to);
    return mode == VONK_MODE_TRY ? tried(from, to) : legacy(from, to);
}

bool vonk_coerce_can_store(const vonk_type *from, const vonk_type *to)
{
    if (from->id == VONK_T_NULL || vonk_type_same(from, to)) return true;
    if (is_numeric(from) && is_numeric(to)) return true;
    if (is_text(to)) return vonk_type_is_atomic(from) || from->id == VONK_T_INTERVAL_CALENDAR;
    if (is_moment(from) && is_moment(to)) return true;
    return is_nested(from) && from->id == to->id && nested(from, to, vonk_coerce_can_store, false);
}

/* ---- nullability */

static bool decimal_holds(const vonk_type *from, const vonk_type *to)
{
    int whole = to->precision - to->scale, had = from->precision - from->scale;
    if (from->id == VONK_T_BOOLEAN) return whole >= 1;
    if (is_decimal(from)) return whole > had || (whole == had && to->scale >= from->scale);
    return is_integral(from) && whole >= vonk__integral_digits(from->id);
}

bool vonk__force_nullable(const vonk_type *from, const vonk_type *to)
{
    if (from->id == VONK_T_NULL || vonk_type_same(from, to)) return false;
    if (from->id == VONK_T_VARIANT) return true;
    if (is_text(from)) return to->id != VONK_T_BINARY && !is_text(to);
    if (is_text(to)) return false;
    if (is_zoned(from) && (to->id == VONK_T_BYTE || to->id == VONK_T_SHORT || to->id == VONK_T_INT)) return true;
    if (is_time(from) && (to->id == VONK_T_BYTE || to->id == VONK_T_SHORT)) return true;
    if (is_inexact(from) && is_zoned(to)) return true;
    if (is_timestamp(from) && is_date(to)) return from->id != VONK_T_TIMESTAMP;
    if (is_date(to)) return true;
    if (is_date(from)) return to->id != VONK_T_TIMESTAMP;
    if (to->id == VONK_T_INTERVAL_CALENDAR) return true;
    if (is_decimal(to)) return !decimal_holds(from, to);
    return (is_inexact(from) || is_decimal(from)) && is_integral(to);
}

/* Without loss and without errors. */
static bool can_widen(const vonk_type *from, const vonk_type *to)
{
    static const uint8_t rank[VONK_N_TYPE] = {[VONK_T_BYTE] = 1, [VONK_T_SHORT] = 2, [VONK_T_INT] = 3,
                                              [VONK_T_LONG] = 4, [VONK_T_FLOAT] = 5, [VONK_T_DOUBLE] = 6};
    if (from->id == VONK_T_NULL || vonk_type_same(from, to)) return true;
    if (is_decimal(to) && is_numeric(from)) {
        if (is_decimal(from))
            return to->scale >= from->scale && to->precision - to->scale >= from->precision - from->scale;
        return decimal_holds(from, to);
    }
    if (is_decimal(from) && is_integral(to)) return from->scale == 0 && from->precision < vonk__integral_digits(to->id);
    if (rank[from->id] && rank[to->id]) return rank[from->id] <= rank[to->id];
    if (is_date(from) && is_timestamp(to)) return true;
    if (is_timestamp(from) && is_timestamp(to)) return true;
    if ((is_zoned(from) && to->id == VONK_T_LONG) || (from->id == VONK_T_LONG && is_zoned(to))) return true;
    if (is_nested(from) && from->id == to->id) return nested(from, to, can_widen, false);
    if (is_text(to)) return vonk_type_is_atomic(from);
    return is_ansi_interval(from) && from->id == to->id;
}

bool vonk_coerce_cast_nullable(const vonk_type *from, const vonk_type *to, int mode)
{
    if (mode != VONK_MODE_TRY) return vonk__force_nullable(from, to);
    if (is_text(from) && to->id == VONK_T_BINARY) return false;
    if (is_decimal(from) && is_integral(to)) return true;
    return !can_widen(from, to);
}

bool vonk_coerce_cast_may_raise(const vonk_type *from, const vonk_type *to, int mode)
{
    if (mode == VONK_MODE_TRY || can_widen(from, to)) return false;
    if (is_text(to) && vonk_type_is_atomic(from)) return to->id != VONK_T_STRING; /* char and varchar have lengths */
    if (to->id == VONK_T_BOOLEAN && is_numeric(from)) return false;
    if (from->id == VONK_T_BOOLEAN && is_numeric(to) && !is_decimal(to)) return false;
    if (is_zoned(from) && (is_date(to) || is_inexact(to) || to->id == VONK_T_LONG)) return false;
    if (is_inexact(to) && is_numeric(from)) return false;
    if (mode == VONK_MODE_ANSI) return true;
    return is_ansi_interval(from) || is_ansi_interval(to) || from->id == VONK_T_VARIANT || is_nested(from);
}
