#include "dump_rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void must(vonk_status st, vonk_error *err)
{
    if (st == VONK_OK) return;
    fprintf(stderr, "%s\n", vonk_error_message(err));
    exit(1);
}

void read_whole_file(const char *path, vonk_buf *out)
{
    vonk_error err = VONK_ERROR_INIT;
    char *to;
    FILE *file = fopen(path, "rb");
    vonk_buf_init(out, vonk_budget_root(), SIZE_MAX);
    if (!file) {
        fprintf(stderr, "cannot open %s\n", path);
        exit(2);
    }
    for (;;) {
        must(vonk_buf_extend(out, 1 << 16, &to, &err), &err);
        size_t got = fread(to, 1, 1 << 16, file);
        out->len -= (1 << 16) - got;
        if (got == 0) break;
    }
    fclose(file);
}

static vonk_status dump_text(vonk_str text, vonk_buf *out, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_byte(out, '"', err));
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == '"' || c == '\\' || c < 0x20)
            VONK_TRY(vonk_buf_printf(out, err, "\\u%04x", c));
        else
            VONK_TRY(vonk_buf_add_byte(out, (char)c, err));
    }
    return vonk_buf_add_byte(out, '"', err);
}

static vonk_status dump_hex(vonk_str bytes, vonk_buf *out, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_c(out, "{\"hex\":\"", err));
    for (size_t i = 0; i < bytes.len; i++) VONK_TRY(vonk_buf_printf(out, err, "%02x", (unsigned char)bytes.data[i]));
    return vonk_buf_add_c(out, "\"}", err);
}

static vonk_status dump_decimal(vonk_i128 value, int scale, vonk_buf *out, vonk_error *err)
{
    char digits[64];
    size_t n = sizeof digits;
    vonk_u128 rest = value < 0 ? -(vonk_u128)value : (vonk_u128)value;
    int place = 0;
    digits[--n] = '"';
    do {
        if (place > 0 && place == scale) digits[--n] = '.';
        digits[--n] = (char)('0' + (int)(rest % 10));
        rest /= 10;
        place++;
    } while (rest > 0 || place <= scale);
    if (value < 0) digits[--n] = '-';
    digits[--n] = '"';
    return vonk_buf_append(out, digits + n, sizeof digits - n, err);
}

static vonk_status dump_float(double x, vonk_buf *out, vonk_error *err)
{
    if (isnan(x)) return vonk_buf_add_c(out, "\"NaN\"", err);
    if (isinf(x)) return vonk_buf_add_c(out, x > 0 ? "\"Infinity\"" : "\"-Infinity\"", err);
    return vonk_buf_printf(out, err, "%.17g", x);
}

static vonk_status dump_span(const vonk_column *c, uint32_t row, vonk_buf *out, vonk_error *err)
{
    vonk_span span = VONK_VALUES(c, vonk_span)[row];
    VONK_TRY(vonk_buf_add_byte(out, '[', err));
    for (uint32_t i = span.offset; i < span.offset + span.len; i++) {
        if (i > span.offset) VONK_TRY(vonk_buf_add_byte(out, ',', err));
        if (c->n_children == 1) {
            VONK_TRY(dump_value(c->children[0], i, out, err));
            continue;
        }
        VONK_TRY(vonk_buf_add_byte(out, '[', err));
        VONK_TRY(dump_value(c->children[0], i, out, err));
        VONK_TRY(vonk_buf_add_byte(out, ',', err));
        VONK_TRY(dump_value(c->children[1], i, out, err));
        VONK_TRY(vonk_buf_add_byte(out, ']', err));
    }
    return vonk_buf_add_byte(out, ']', err);
}

static vonk_status dump_struct(const vonk_column *c, const vonk_type *type, uint32_t row, vonk_buf *out,
                               vonk_error *err)
{
    static const char *const variant[] = {"value", "metadata"};
    VONK_TRY(vonk_buf_add_byte(out, '{', err));
    for (uint32_t i = 0; i < c->n_children; i++) {
        vonk_str name = type->id == VONK_T_VARIANT ? vonk_str_of(variant[i]) : type->fields[i].name;
        if (i > 0) VONK_TRY(vonk_buf_add_byte(out, ',', err));
        VONK_TRY(dump_text(name, out, err));
        VONK_TRY(vonk_buf_add_byte(out, ':', err));
        VONK_TRY(dump_value(c->children[i], row, out, err));
    }
    return vonk_buf_add_byte(out, '}', err);
}

static vonk_status dump_interval(const vonk_column *c, uint32_t row, vonk_buf *out, vonk_error *err)
{
    vonk_interval v = VONK_VALUES(c, vonk_interval)[row];
    return vonk_buf_printf(out, err, "[%d,%d,%lld]", v.months, v.days, (long long)v.us);
}

vonk_status dump_value(const vonk_column *column, uint32_t row, vonk_buf *out, vonk_error *err)
{
    if (vonk_column_is_null(column, row)) return vonk_buf_add_c(out, "null", err);
    const vonk_column *c = vonk_column_locate(column, row, &row);
    const vonk_type *type = c->type->id == VONK_T_UDT ? c->type->fields[0].type : c->type;
    switch (type->storage) {
    case VONK_STORE_BIT: return vonk_buf_add_c(out, vonk_column_i64(c, row) ? "true" : "false", err);
    case VONK_STORE_F32:
    case VONK_STORE_F64: return dump_float(vonk_column_f64(c, row), out, err);
    case VONK_STORE_VIEW:
        return type->id == VONK_T_STRING || type->id == VONK_T_CHAR || type->id == VONK_T_VARCHAR
                   ? dump_text(vonk_column_str(c, row), out, err)
                   : dump_hex(vonk_column_str(c, row), out, err);
    case VONK_STORE_SPAN: return dump_span(c, row, out, err);
    case VONK_STORE_NONE: return dump_struct(c, type, row, out, err);
    case VONK_STORE_INTERVAL: return dump_interval(c, row, out, err);
    case VONK_STORE_I128: return dump_decimal(vonk_column_i128(c, row), type->scale, out, err);
    default:
        if (type->id == VONK_T_DECIMAL) return dump_decimal(vonk_column_i64(c, row), type->scale, out, err);
        return vonk_buf_printf(out, err, "%lld", (long long)vonk_column_i64(c, row));
    }
}
