/* func/cast_text.c -- casts to strings. */
#include "column/kernel/kernel.h"
#include "func/body.h"
#include "func/cast_int.h"
#include "text/date.h"
#include "text/interval.h"
#include "text/number.h"

enum { MOST_CHARS = 2 * VONK_INTERVAL_CHARS };

/* Writes one value that is not null into out (MOST_CHARS), returns its length. */
typedef size_t (*writer)(const vonk__cast *c, vonk_zone_cache *cache, const void *data, uint32_t row, char *out);

static size_t write_bool(const vonk__cast *c, vonk_zone_cache *cache, const void *data, uint32_t row, char *out)
{
    bool on = vonk_bit_get(data, row);
    memcpy(out, on ? "true" : "false", 5);
    return on ? 4 : 5;
}
#define WRITE_INT(name, T)                                                                                             \
    static size_t name(const vonk__cast *c, vonk_zone_cache *cache, const void *data, uint32_t row, char *out)         \
    {                                                                                                                  \
        return vonk_i64_to_text(((const T *)data)[row], out);                                                          \
    }
WRITE_INT(write_i8, int8_t)
WRITE_INT(write_i16, int16_t)
WRITE_INT(write_i32, int32_t)
WRITE_INT(write_i64, int64_t)
static size_t write_f32(const vonk__cast *c, vonk_zone_cache *cache, const void *data, uint32_t row, char *out)
{
    return vonk_f32_to_text(((const float *)data)[row], out);
}
static size_t write_f64(const vonk__cast *c, vonk_zone_cache *cache, const void *data, uint32_t row, char *out)
{
    return vonk_f64_to_text(((const double *)data)[row], out);
}
static size_t write_decimal(const vonk__cast *c, vonk_zone_cache *cache, const void *data, uint32_t row, char *out)
{
    vonk_i128 v = c->from->storage == VONK_STORE_I64 ? ((const int64_t *)data)[row] : ((const vonk_i128 *)data)[row];
    return c->plain_decimals ? vonk_dec_to_text(v, c->from->scale, out) : vonk_dec_to_text_java(v, c->from->scale, out);
}
static size_t write_date(const vonk__cast *c, vonk_zone_cache *cache, const void *data, uint32_t row, char *out)
{
    return vonk_date_to_text(((const int32_t *)data)[row], out);
}
static size_t write_time(const vonk__cast *c, vonk_zone_cache *cache, const void *data, uint32_t row, char *out)
{
    return vonk_time_to_text(((const int64_t *)data)[row], out);
}
static size_t write_timestamp(const vonk__cast *c, vonk_zone_cache *cache, const void *data, uint32_t row, char *out)
{
    return vonk_timestamp_to_text(((const int64_t *)data)[row], c->zone, cache, out);
}
static size_t write_ntz(const vonk__cast *c, vonk_zone_cache *cache, const void *data, uint32_t row, char *out)
{
    return vonk_timestamp_to_text(((const int64_t *)data)[row], NULL, NULL, out);
}
static size_t write_ym(const vonk__cast *c, vonk_zone_cache *cache, const void *data, uint32_t row, char *out)
{
    return vonk_ym_to_text(((const int32_t *)data)[row], c->from->first, c->from->last, out);
}
static size_t write_dt(const vonk__cast *c, vonk_zone_cache *cache, const void *data, uint32_t row, char *out)
{
    return vonk_dt_to_text(((const int64_t *)data)[row], c->from->first, c->from->last, out);
}
static size_t write_calendar(const vonk__cast *c, vonk_zone_cache *cache, const void *data, uint32_t row, char *out)
{
    vonk_interval v = ((const vonk_interval *)data)[row];
    return vonk_calendar_to_text(v.months, v.days, v.us, out);
}

static const writer writers[VONK_N_TYPE] = {
    [VONK_T_BOOLEAN] = write_bool,
    [VONK_T_BYTE] = write_i8,
    [VONK_T_SHORT] = write_i16,
    [VONK_T_INT] = write_i32,
    [VONK_T_LONG] = write_i64,
    [VONK_T_FLOAT] = write_f32,
    [VONK_T_DOUBLE] = write_f64,
    [VONK_T_DECIMAL] = write_decimal,
    [VONK_T_DATE] = write_date,
    [VONK_T_TIME] = write_time,
    [VONK_T_TIMESTAMP] = write_timestamp,
    [VONK_T_TIMESTAMP_NTZ] = write_ntz,
    [VONK_T_INTERVAL_YEAR_MONTH] = write_ym,
    [VONK_T_INTERVAL_DAY_TIME] = write_dt,
    [VONK_T_INTERVAL_CALENDAR] = write_calendar,
};

VONK_FN_EVAL(eval_scalar)
{
    const vonk__cast *c = vonk__cast_of(call);
    writer write = writers[c->from->id];
    vonk_zone_cache cache = {0};
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, c->to, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        char *at;
        VONK_TRY(vonk_strings_reserve(&s, MOST_CHARS, &at, err));
        vonk_strings_commit(&s, i, at, write(c, &cache, args[0]->data, i, at));
    }
    return vonk_strings_take(&s, ret, err);
}

/* ---- nested values: [1, null, 2], {a -> 1}, {1, x} */

static vonk_status put_value(const vonk__cast *c, const vonk_column *column, uint32_t row, vonk_buf *out,
                             vonk_error *err);

static vonk_status put_list(const vonk__cast *c, const vonk_column *child, vonk_span span, vonk_buf *out,
                            vonk_error *err)
{
    VONK_TRY(vonk_buf_add_byte(out, '[', err));
    for (uint32_t i = 0; i < span.len; i++) {
        if (i) VONK_TRY(vonk_buf_add_c(out, ", ", err));
        VONK_TRY(put_value(c, child, span.offset + i, out, err));
    }
    return vonk_buf_add_byte(out, ']', err);
}

static vonk_status put_map(const vonk__cast *c, const vonk_column *map, vonk_span span, vonk_buf *out, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_byte(out, '{', err));
    for (uint32_t i = 0; i < span.len; i++) {
        if (i) VONK_TRY(vonk_buf_add_c(out, ", ", err));
        VONK_TRY(put_value(c, map->children[0], span.offset + i, out, err));
        VONK_TRY(vonk_buf_add_c(out, " -> ", err));
        VONK_TRY(put_value(c, map->children[1], span.offset + i, out, err));
    }
    return vonk_buf_add_byte(out, '}', err);
}

static vonk_status put_struct(const vonk__cast *c, const vonk_column *s, uint32_t row, vonk_buf *out, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_byte(out, '{', err));
    for (uint32_t i = 0; i < s->n_children; i++) {
        if (i) VONK_TRY(vonk_buf_add_c(out, ", ", err));
        VONK_TRY(put_value(c, s->children[i], row, out, err));
    }
    return vonk_buf_add_byte(out, '}', err);
}

static vonk_status put_bytes(vonk_str bytes, vonk_buf *out, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_byte(out, '[', err));
    for (size_t i = 0; i < bytes.len; i++)
        VONK_TRY(vonk_buf_printf(out, err, "%s%02X", i ? " " : "", (unsigned char)bytes.data[i]));
    return vonk_buf_add_byte(out, ']', err);
}

/* Types are at most 128 deep, and so is this. */
static vonk_status put_value(const vonk__cast *c, const vonk_column *column, uint32_t row, vonk_buf *out,
                             vonk_error *err)
{
    if (column->type->id == VONK_T_NULL || vonk_column_is_null(column, row))
        return vonk_buf_add_c(out, c->pretty ? "NULL" : "null", err);
    uint32_t at;
    const vonk_column *home = vonk_column_locate(column, row, &at);
    switch (column->type->id) {
    case VONK_T_ARRAY: return put_list(c, home->children[0], VONK_VALUES(home, vonk_span)[at], out, err);
    case VONK_T_MAP: return put_map(c, home, VONK_VALUES(home, vonk_span)[at], out, err);
    case VONK_T_STRUCT: return put_struct(c, home, at, out, err);
    default: break;
    }
    if (c->pretty && column->type->id == VONK_T_BINARY) return put_bytes(vonk_column_str(column, row), out, err);
    if (column->type->storage == VONK_STORE_VIEW) return vonk_buf_add_str(out, vonk_column_str(column, row), err);
    writer write = writers[column->type->id];
    if (!write || home->encoding == VONK_SEQUENCE) {
        if (!write) return vonk_buf_add_c(out, "?", err);
        char digits[VONK_I64_CHARS];
        return vonk_buf_append(out, digits, vonk_i64_to_text(vonk_column_i64(column, row), digits), err);
    }
    char *text;
    vonk__cast own = *c;
    own.from = column->type;
    VONK_TRY(vonk_buf_extend(out, MOST_CHARS, &text, err));
    out->len -= MOST_CHARS;
    out->len += write(&own, NULL, home->data, at, text);
    return VONK_OK;
}

VONK_FN_EVAL(eval_nested)
{
    const vonk__cast *c = vonk__cast_of(call);
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, ev->budget, SIZE_MAX);
    VONK_TRY(vonk_strings_new(ev, c->to, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_buf_reset(&text);
        VONK_TRY(put_value(c, args[0], i, &text, err));
        VONK_TRY(vonk_strings_put(&s, i, vonk_buf_str(&text), err));
    }
    return vonk_strings_take(&s, ret, err);
}

bool vonk__cast_to_text(vonk_fn_call *call, const vonk__cast *c)
{
    if (!vonk_type_is_stringy(c->to)) return false;
    bool nested = c->from->id == VONK_T_ARRAY || c->from->id == VONK_T_MAP || c->from->id == VONK_T_STRUCT;
    if (!nested && !writers[c->from->id]) return false;
    call->eval = nested ? eval_nested : eval_scalar;
    return true;
}

static vonk_status row_text(const vonk_fn_env *env, const vonk_column *column, uint32_t row, bool pretty, vonk_buf *out,
                            vonk_error *err)
{
    vonk__cast c = {.from = column->type,
                    .to = &vonk_type_string,
                    .plain_decimals = pretty || !env || env->ansi,
                    .pretty = pretty,
                    .zone = vonk_zone_utc()};
    if (env && env->time_zone.len && vonk_type_has(column->type, VONK_T_TIMESTAMP))
        VONK_TRY(vonk_zone_find(env->time_zone, &c.zone, err));
    return put_value(&c, column, row, out, err);
}

vonk_status vonk_cast_row_text(const vonk_fn_env *env, const vonk_column *column, uint32_t row, vonk_buf *out,
                               vonk_error *err)
{
    if (column->type->id == VONK_T_NULL || vonk_column_is_null(column, row)) return VONK_OK;
    return row_text(env, column, row, false, out, err);
}

vonk_status vonk_cast_row_pretty(const vonk_fn_env *env, const vonk_column *column, uint32_t row, vonk_buf *out,
                                 vonk_error *err)
{
    return row_text(env, column, row, true, out, err);
}
