/* func/literal_text.c -- values as literals. */
#include <math.h>
#include <stdio.h>

#include "func/literal_text.h"
#include "text/date.h"
#include "text/interval.h"
#include "text/number.h"

typedef enum style { STYLE_NAME, STYLE_EXPLAIN, STYLE_SQL, STYLE_MESSAGE } style;

typedef struct writer {
    vonk_buf *out;
    style style;
    const vonk_zone *zone;
} writer;

static vonk_status put(const writer *w, const vonk_column *c, uint32_t row, vonk_error *err);

static vonk_status add(const writer *w, const char *text, size_t n, vonk_error *err)
{
    return vonk_buf_append(w->out, text, n, err);
}

static vonk_status add_c(const writer *w, const char *text, vonk_error *err)
{
    return vonk_buf_add_c(w->out, text, err);
}

static bool as_sql(const writer *w) { return w->style == STYLE_SQL || w->style == STYLE_MESSAGE; }

static vonk_status put_i64(const writer *w, const vonk_column *c, uint32_t row, vonk_error *err)
{
    char text[VONK_I64_CHARS];
    VONK_TRY(add(w, text, vonk_i64_to_text(vonk_column_i64(c, row), text), err));
    if (!as_sql(w)) return VONK_OK;
    vonk_type_id id = c->type->id;
    return add_c(w, id == VONK_T_LONG ? "L" : id == VONK_T_SHORT ? "S" : id == VONK_T_BYTE ? "Y" : "", err);
}

static vonk_status put_float(const writer *w, const vonk_column *c, uint32_t row, vonk_error *err)
{
    char text[VONK_F64_CHARS];
    double v = vonk_column_f64(c, row);
    bool single = c->type->id == VONK_T_FLOAT;
    size_t n = single ? vonk_f32_to_text((float)v, text) : vonk_f64_to_text(v, text);
    if (w->style == STYLE_SQL && (single || !isfinite(v)))
        return vonk_buf_printf(w->out, err, "CAST(%s%.*s%s AS %s)", isfinite(v) ? "" : "'", (int)n, text,
                               isfinite(v) ? "" : "'", single ? "FLOAT" : "DOUBLE");
    VONK_TRY(add(w, text, n, err));
    return add_c(w, as_sql(w) && !single && isfinite(v) ? "D" : "", err);
}

static vonk_status put_decimal(const writer *w, const vonk_column *c, uint32_t row, vonk_error *err)
{
    char text[VONK_DEC_CHARS];
    VONK_TRY(add(w, text, vonk_dec_to_text_java(vonk_column_i128(c, row), c->type->scale, text), err));
    return add_c(w, as_sql(w) ? "BD" : "", err);
}

static vonk_status put_string(const writer *w, vonk_str s, vonk_error *err)
{
    if (!as_sql(w)) return vonk_buf_add_str(w->out, s, err);
    VONK_TRY(add_c(w, "'", err));
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '\\' || s.data[i] == '\'') VONK_TRY(vonk_buf_add_byte(w->out, '\\', err));
        VONK_TRY(vonk_buf_add_byte(w->out, s.data[i], err));
    }
    return add_c(w, "'", err);
}

static vonk_status put_binary(const writer *w, vonk_str s, vonk_error *err)
{
    VONK_TRY(add_c(w, w->style == STYLE_EXPLAIN ? "0x" : "X'", err));
    for (size_t i = 0; i < s.len; i++) VONK_TRY(vonk_buf_printf(w->out, err, "%02X", (unsigned char)s.data[i]));
    return add_c(w, w->style == STYLE_EXPLAIN ? "" : "'", err);
}

/* DATE '2020-01-01'; in plans the bare text. */
static vonk_status put_quoted(const writer *w, const char *word, const char *text, size_t n, vonk_error *err)
{
    if (w->style == STYLE_EXPLAIN) return add(w, text, n, err);
    return vonk_buf_printf(w->out, err, "%s '%.*s'", word, (int)n, text);
}

static vonk_status put_time(const writer *w, const vonk_column *c, uint32_t row, vonk_error *err)
{
    char text[VONK_TIMESTAMP_CHARS];
    int64_t v = vonk_column_i64(c, row);
    switch (c->type->id) {
    case VONK_T_DATE: return put_quoted(w, "DATE", text, vonk_date_to_text((int32_t)v, text), err);
    case VONK_T_TIME: return put_quoted(w, "TIME", text, vonk_time_to_text(v, text), err);
    case VONK_T_TIMESTAMP: return put_quoted(w, "TIMESTAMP", text, vonk_timestamp_to_text(v, w->zone, NULL, text), err);
    default: return put_quoted(w, "TIMESTAMP_NTZ", text, vonk_timestamp_to_text(v, NULL, NULL, text), err);
    }
}

static vonk_status put_interval(const writer *w, const vonk_column *c, uint32_t row, vonk_error *err)
{
    char text[2 * VONK_INTERVAL_CHARS];
    const vonk_type *t = c->type;
    if (t->id == VONK_T_INTERVAL_YEAR_MONTH)
        return add(w, text, vonk_ym_to_text((int32_t)vonk_column_i64(c, row), t->first, t->last, text), err);
    if (t->id == VONK_T_INTERVAL_DAY_TIME)
        return add(w, text, vonk_dt_to_text(vonk_column_i64(c, row), t->first, t->last, text), err);
    uint32_t at;
    const vonk_column *home = vonk_column_locate(c, row, &at);
    vonk_interval v = VONK_VALUES(home, vonk_interval)[at];
    size_t n = vonk_calendar_to_text(v.months, v.days, v.us, text);
    if (w->style == STYLE_EXPLAIN) return add(w, text, n, err);
    return vonk_buf_printf(w->out, err, "INTERVAL '%.*s'", (int)n, text);
}

/* Elements [from, from + n) of a child. */
static vonk_status put_elements(const writer *w, const vonk_column *child, uint32_t from, uint32_t n, vonk_error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i) VONK_TRY(add_c(w, w->style == STYLE_EXPLAIN ? "," : ", ", err));
        VONK_TRY(put(w, child, from + i, err));
    }
    return VONK_OK;
}

static vonk_status put_nested(const writer *w, const vonk_column *c, uint32_t row, vonk_error *err)
{
    uint32_t at;
    const vonk_column *home = vonk_column_locate(c, row, &at);
    bool explain = w->style == STYLE_EXPLAIN;
    if (c->type->id == VONK_T_STRUCT) {
        VONK_TRY(add_c(w, explain ? "[" : "NAMED_STRUCT(", err));
        for (uint32_t i = 0; i < home->n_children; i++) {
            if (i) VONK_TRY(add_c(w, explain ? "," : ", ", err));
            if (!explain) VONK_TRY(vonk_buf_printf(w->out, err, "'%.*s', ", VONK_STR_ARGS(c->type->fields[i].name)));
            VONK_TRY(put(w, home->children[i], at, err));
        }
        return add_c(w, explain ? "]" : ")", err);
    }
    vonk_span span = VONK_VALUES(home, vonk_span)[at];
    if (c->type->id == VONK_T_ARRAY) {
        VONK_TRY(add_c(w, explain ? "[" : "ARRAY(", err));
        VONK_TRY(put_elements(w, home->children[0], span.offset, span.len, err));
        return add_c(w, explain ? "]" : ")", err);
    }
    VONK_TRY(add_c(w, explain ? "keys: [" : "MAP(", err));
    for (uint32_t i = 0; i < span.len && !explain; i++) {
        if (i) VONK_TRY(add_c(w, ", ", err));
        VONK_TRY(put(w, home->children[0], span.offset + i, err));
        VONK_TRY(add_c(w, ", ", err));
        VONK_TRY(put(w, home->children[1], span.offset + i, err));
    }
    if (!explain) return add_c(w, ")", err);
    VONK_TRY(put_elements(w, home->children[0], span.offset, span.len, err));
    VONK_TRY(add_c(w, "], values: [", err));
    VONK_TRY(put_elements(w, home->children[1], span.offset, span.len, err));
    return add_c(w, "]", err);
}

static vonk_status put_null(const writer *w, const vonk_type *type, vonk_error *err)
{
    if (w->style == STYLE_EXPLAIN) return add_c(w, "null", err);
    if (w->style != STYLE_SQL || type->id == VONK_T_NULL) return add_c(w, "NULL", err);
    VONK_TRY(add_c(w, "CAST(NULL AS ", err));
    VONK_TRY(vonk_type_sql(type, w->out, err));
    return add_c(w, ")", err);
}

static vonk_status put(const writer *w, const vonk_column *c, uint32_t row, vonk_error *err)
{
    if (c->type->id == VONK_T_NULL || vonk_column_is_null(c, row)) return put_null(w, c->type, err);
    switch (c->type->id) {
    case VONK_T_BOOLEAN: return add_c(w, vonk_column_i64(c, row) ? "true" : "false", err);
    case VONK_T_BYTE:
    case VONK_T_SHORT:
    case VONK_T_INT:
    case VONK_T_LONG: return put_i64(w, c, row, err);
    case VONK_T_FLOAT:
    case VONK_T_DOUBLE: return put_float(w, c, row, err);
    case VONK_T_DECIMAL: return put_decimal(w, c, row, err);
    case VONK_T_STRING:
    case VONK_T_CHAR:
    case VONK_T_VARCHAR: return put_string(w, vonk_column_str(c, row), err);
    case VONK_T_BINARY: return put_binary(w, vonk_column_str(c, row), err);
    case VONK_T_DATE:
    case VONK_T_TIME:
    case VONK_T_TIMESTAMP:
    case VONK_T_TIMESTAMP_NTZ: return put_time(w, c, row, err);
    case VONK_T_INTERVAL_YEAR_MONTH:
    case VONK_T_INTERVAL_DAY_TIME:
    case VONK_T_INTERVAL_CALENDAR: return put_interval(w, c, row, err);
    case VONK_T_ARRAY:
    case VONK_T_MAP:
    case VONK_T_STRUCT: return put_nested(w, c, row, err);
    default: return vonk_type_simple_string(c->type, w->out, err); /* variants and the like have no literals */
    }
}

vonk_status vonk_literal_text(const vonk_column *value, bool explain, vonk_buf *out, vonk_error *err)
{
    bool nested = value->type->n_fields > 0;
    writer w = {out, explain ? STYLE_EXPLAIN : nested ? STYLE_SQL : STYLE_NAME, vonk_zone_utc()};
    if (!explain && vonk_column_is_null(value, 0)) return vonk_buf_add_c(out, "NULL", err);
    return put(&w, value, 0, err);
}

const char *vonk_literal_param(const vonk_column *column, uint32_t row, const vonk_zone *zone, char into[1024])
{
    vonk_error err = VONK_ERROR_INIT;
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
    vonk_buf_init(&out, vonk_budget_root(), 1 << 16);
    writer w = {&out, STYLE_MESSAGE, zone ? zone : vonk_zone_utc()};
    if (put(&w, column, row, &err) != VONK_OK) vonk_error_reset(&err);
    return vonk_format(into, 1024, "%.*s", (int)out.len, out.data ? out.data : "");
}
