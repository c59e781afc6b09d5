/* serve/translate/literal.c -- Literal messages to LITERAL expressions: a column of one row, built by the literal's own
 * type. */
#include "serve/translate/translate_int.h"

#include "column/builder.h"
#include "text/number.h"

/* What a literal's type is: said by data_type, or following from which value is set. */
static vonk_status type_of(vonk_translator *t, const vonk_pb_msg *m, const vonk_type **ret, vonk_error *err);

static vonk_status first_type(vonk_translator *t, const vonk_pb_msg *m, int repeated, const vonk_type **ret,
                              vonk_error *err)
{
    if (vonk_pb_n(m, repeated) == 0) {
        *ret = &vonk_type_null;
        return VONK_OK;
    }
    VONK_TRY(type_of(t, vonk_pb_msg_at(m, repeated, 0), ret, err));
    return vonk__tr_keep_type(t, *ret, err);
}

static vonk_status element_type(vonk_translator *t, const vonk_pb_msg *m, int type_field, int repeated,
                                const vonk_type **ret, vonk_error *err)
{
    if (!vonk_pb_has(m, type_field)) return first_type(t, m, repeated, ret, err);
    VONK_TRY(vonk_translate_type(t, vonk_pb_get_msg(m, type_field), ret, err));
    return vonk__tr_keep_type(t, *ret, err);
}

static bool times_ten(vonk_i128 *value)
{
    const vonk_i128 most = vonk_pow10_i128[VONK_MAX_PRECISION - 1];

    if (*value >= most || *value <= -most) return false;
    *value *= 10;
    return true;
}

/* The number and its scale, at least 0: "12.50" is 1250 and 2, "1E+3" 1000 and 0. */
static vonk_status decimal_of(const vonk_pb_msg *m, vonk_i128 *ret, int *ret_scale, vonk_error *err)
{
    const vonk_str text = vonk_pb_str(m, PB_EXPRESSION_LITERAL_DECIMAL_VALUE);
    bool fits = vonk_text_to_dec_exact(text, ret, ret_scale) == VONK_DEC_OK && *ret_scale <= VONK_MAX_PRECISION;

    for (; fits && *ret_scale < 0; ++*ret_scale) fits = times_ten(ret);
    return fits ? VONK_OK : vonk_translate_invalid("decimal literal", err);
}

/* "12.50" is decimal(4,2) unless the message says more. */
static vonk_status decimal_type(const vonk_pb_msg *m, const vonk_type **ret, vonk_error *err)
{
    vonk_i128 value;
    int digits = 1, scale;

    VONK_TRY(decimal_of(m, &value, &scale, err));
    while (digits < VONK_MAX_PRECISION && (value >= vonk_pow10_i128[digits] || value <= -vonk_pow10_i128[digits]))
        digits++;
    /* The message's type can only widen: clients send decimal(10,0) for any value. */
    if (vonk_pb_i32(m, PB_EXPRESSION_LITERAL_DECIMAL_SCALE) > scale)
        scale = vonk_pb_i32(m, PB_EXPRESSION_LITERAL_DECIMAL_SCALE);
    if (vonk_pb_i32(m, PB_EXPRESSION_LITERAL_DECIMAL_PRECISION) > digits)
        digits = vonk_pb_i32(m, PB_EXPRESSION_LITERAL_DECIMAL_PRECISION);
    return vonk_type_decimal(digits < scale ? scale : digits, scale, ret, err);
}

static vonk_status array_of(vonk_translator *t, const vonk_pb_msg *m, const vonk_type **ret, vonk_error *err)
{
    const vonk_type *element = NULL;

    VONK_TRY(element_type(t, m, PB_EXPRESSION_LITERAL_ARRAY_ELEMENT_TYPE, PB_EXPRESSION_LITERAL_ARRAY_ELEMENTS,
                          &element, err));
    return vonk_type_array(element, true, ret, err);
}

static vonk_status map_of(vonk_translator *t, const vonk_pb_msg *m, const vonk_type **ret, vonk_error *err)
{
    const vonk_type *key = NULL, *value = NULL;

    VONK_TRY(element_type(t, m, PB_EXPRESSION_LITERAL_MAP_KEY_TYPE, PB_EXPRESSION_LITERAL_MAP_KEYS, &key, err));
    VONK_TRY(element_type(t, m, PB_EXPRESSION_LITERAL_MAP_VALUE_TYPE, PB_EXPRESSION_LITERAL_MAP_VALUES, &value, err));
    return vonk_type_map(key, value, true, ret, err);
}

static vonk_status specialized_of(const vonk_pb_msg *m, const vonk_type **ret, vonk_error *err)
{
    switch (vonk_pb_which(m, PB_EXPRESSION_LITERAL_SPECIALIZED_ARRAY_VALUE_TYPE_ONEOF)) {
    case PB_EXPRESSION_LITERAL_SPECIALIZED_ARRAY_BOOLS: return vonk_type_array(&vonk_type_boolean, false, ret, err);
    case PB_EXPRESSION_LITERAL_SPECIALIZED_ARRAY_INTS: return vonk_type_array(&vonk_type_int, false, ret, err);
    case PB_EXPRESSION_LITERAL_SPECIALIZED_ARRAY_LONGS: return vonk_type_array(&vonk_type_long, false, ret, err);
    case PB_EXPRESSION_LITERAL_SPECIALIZED_ARRAY_FLOATS: return vonk_type_array(&vonk_type_float, false, ret, err);
    case PB_EXPRESSION_LITERAL_SPECIALIZED_ARRAY_DOUBLES: return vonk_type_array(&vonk_type_double, false, ret, err);
    case PB_EXPRESSION_LITERAL_SPECIALIZED_ARRAY_STRINGS: return vonk_type_array(&vonk_type_string, false, ret, err);
    default: return vonk_translate_invalid("array literal", err);
    }
}

static int precision_or(const vonk_pb_msg *m, int field, int otherwise)
{
    return vonk_pb_has(m, field) ? vonk_pb_i32(m, field) : otherwise;
}

static vonk_status type_of(vonk_translator *t, const vonk_pb_msg *m, const vonk_type **ret, vonk_error *err)
{
    const int which = vonk_pb_which(m, PB_EXPRESSION_LITERAL_LITERAL_TYPE_ONEOF);

    if (vonk_pb_has(m, PB_EXPRESSION_LITERAL_DATA_TYPE))
        return vonk_translate_type(t, vonk_pb_get_msg(m, PB_EXPRESSION_LITERAL_DATA_TYPE), ret, err);
    switch (which) {
    case PB_EXPRESSION_LITERAL_NULL: return vonk_translate_type(t, vonk_pb_get_msg(m, which), ret, err);
    case PB_EXPRESSION_LITERAL_BINARY: *ret = &vonk_type_binary; return VONK_OK;
    case PB_EXPRESSION_LITERAL_BOOLEAN: *ret = &vonk_type_boolean; return VONK_OK;
    case PB_EXPRESSION_LITERAL_BYTE: *ret = &vonk_type_byte; return VONK_OK;
    case PB_EXPRESSION_LITERAL_SHORT: *ret = &vonk_type_short; return VONK_OK;
    case PB_EXPRESSION_LITERAL_INTEGER: *ret = &vonk_type_int; return VONK_OK;
    case PB_EXPRESSION_LITERAL_LONG: *ret = &vonk_type_long; return VONK_OK;
    case PB_EXPRESSION_LITERAL_FLOAT: *ret = &vonk_type_float; return VONK_OK;
    case PB_EXPRESSION_LITERAL_DOUBLE: *ret = &vonk_type_double; return VONK_OK;
    case PB_EXPRESSION_LITERAL_STRING: *ret = &vonk_type_string; return VONK_OK;
    case PB_EXPRESSION_LITERAL_DATE: *ret = &vonk_type_date; return VONK_OK;
    case PB_EXPRESSION_LITERAL_TIMESTAMP: *ret = &vonk_type_timestamp; return VONK_OK;
    case PB_EXPRESSION_LITERAL_TIMESTAMP_NTZ: *ret = &vonk_type_timestamp_ntz; return VONK_OK;
    case PB_EXPRESSION_LITERAL_CALENDAR_INTERVAL: *ret = &vonk_type_calendar_interval; return VONK_OK;
    case PB_EXPRESSION_LITERAL_YEAR_MONTH_INTERVAL: *ret = &vonk_type_year_month; return VONK_OK;
    case PB_EXPRESSION_LITERAL_DAY_TIME_INTERVAL: *ret = &vonk_type_day_time; return VONK_OK;
    case PB_EXPRESSION_LITERAL_DECIMAL: return decimal_type(vonk_pb_get_msg(m, which), ret, err);
    case PB_EXPRESSION_LITERAL_ARRAY: return array_of(t, vonk_pb_get_msg(m, which), ret, err);
    case PB_EXPRESSION_LITERAL_MAP: return map_of(t, vonk_pb_get_msg(m, which), ret, err);
    case PB_EXPRESSION_LITERAL_STRUCT:
        return vonk_translate_type(
            t, vonk_pb_get_msg(vonk_pb_get_msg(m, which), PB_EXPRESSION_LITERAL_STRUCT_STRUCT_TYPE), ret, err);
    case PB_EXPRESSION_LITERAL_SPECIALIZED_ARRAY: return specialized_of(vonk_pb_get_msg(m, which), ret, err);
    case PB_EXPRESSION_LITERAL_TIME:
        return vonk_type_time_of(precision_or(vonk_pb_get_msg(m, which), PB_EXPRESSION_LITERAL_TIME_PRECISION, 6), ret,
                                 err);
    case PB_EXPRESSION_LITERAL_TIMESTAMP_NTZ_NANOS:
        return vonk_type_timestamp_nanos(
            true, precision_or(vonk_pb_get_msg(m, which), PB_EXPRESSION_LITERAL_TIMESTAMP_NTZ_NANOS_PRECISION, 9), ret,
            err);
    case PB_EXPRESSION_LITERAL_TIMESTAMP_LTZ_NANOS:
        return vonk_type_timestamp_nanos(
            false, precision_or(vonk_pb_get_msg(m, which), PB_EXPRESSION_LITERAL_TIMESTAMP_LTZ_NANOS_PRECISION, 9), ret,
            err);
    default: return vonk_translate_invalid("literal", err);
    }
}

/* ---- the value, appended to a builder of the type */
static vonk_status append(const vonk_pb_msg *m, vonk_builder *b, vonk_error *err);

static vonk_status append_all(const vonk_pb_msg *m, int repeated, vonk_builder *b, vonk_error *err)
{
    for (size_t i = 0; i < vonk_pb_n(m, repeated); i++)
        VONK_TRY(append(vonk_pb_msg_at(m, repeated, i), b, err)); /* depth: bounded by the decoder */
    return VONK_OK;
}

static vonk_status append_decimal(const vonk_pb_msg *m, vonk_builder *b, vonk_error *err)
{
    vonk_i128 value;
    int scale;

    VONK_TRY(decimal_of(m, &value, &scale, err));
    bool fits = scale <= b->type->scale;
    for (; fits && scale < b->type->scale; scale++) fits = times_ten(&value);
    return fits ? vonk_builder_i128(b, value, err) : vonk_translate_invalid("decimal literal", err);
}

static vonk_status append_specialized(const vonk_pb_msg *m, vonk_builder *b, vonk_error *err)
{
    const int which = vonk_pb_which(m, PB_EXPRESSION_LITERAL_SPECIALIZED_ARRAY_VALUE_TYPE_ONEOF);
    const vonk_pb_msg *list = vonk_pb_get_msg(m, which);
    vonk_builder *items = vonk_builder_child(b, 0);

    switch (which) {
    case PB_EXPRESSION_LITERAL_SPECIALIZED_ARRAY_BOOLS:
        for (size_t i = 0; i < vonk_pb_n(list, PB_BOOLS_VALUES); i++)
            VONK_TRY(vonk_builder_bool(items, vonk_pb_i64_at(list, PB_BOOLS_VALUES, i) != 0, err));
        break;
    case PB_EXPRESSION_LITERAL_SPECIALIZED_ARRAY_INTS:
        for (size_t i = 0; i < vonk_pb_n(list, PB_INTS_VALUES); i++)
            VONK_TRY(vonk_builder_i64(items, vonk_pb_i64_at(list, PB_INTS_VALUES, i), err));
        break;
    case PB_EXPRESSION_LITERAL_SPECIALIZED_ARRAY_LONGS:
        for (size_t i = 0; i < vonk_pb_n(list, PB_LONGS_VALUES); i++)
            VONK_TRY(vonk_builder_i64(items, vonk_pb_i64_at(list, PB_LONGS_VALUES, i), err));
        break;
    case PB_EXPRESSION_LITERAL_SPECIALIZED_ARRAY_FLOATS:
        for (size_t i = 0; i < vonk_pb_n(list, PB_FLOATS_VALUES); i++)
            VONK_TRY(vonk_builder_f64(items, vonk_pb_f64_at(list, PB_FLOATS_VALUES, i), err));
        break;
    case PB_EXPRESSION_LITERAL_SPECIALIZED_ARRAY_DOUBLES:
        for (size_t i = 0; i < vonk_pb_n(list, PB_DOUBLES_VALUES); i++)
            VONK_TRY(vonk_builder_f64(items, vonk_pb_f64_at(list, PB_DOUBLES_VALUES, i), err));
        break;
    case PB_EXPRESSION_LITERAL_SPECIALIZED_ARRAY_STRINGS:
        for (size_t i = 0; i < vonk_pb_n(list, PB_STRINGS_VALUES); i++)
            VONK_TRY(vonk_builder_str(items, vonk_pb_str_at(list, PB_STRINGS_VALUES, i), err));
        break;
    default: return vonk_translate_invalid("array literal", err);
    }
    return vonk_builder_close(b, err);
}

static vonk_status append_struct(const vonk_pb_msg *m, vonk_builder *b, vonk_error *err)
{
    const size_t n = vonk_pb_n(m, PB_EXPRESSION_LITERAL_STRUCT_ELEMENTS);

    if (b->type->id != VONK_T_STRUCT || n != b->type->n_fields) return vonk_translate_invalid("struct literal", err);
    for (size_t i = 0; i < n; i++)
        VONK_TRY(append(vonk_pb_msg_at(m, PB_EXPRESSION_LITERAL_STRUCT_ELEMENTS, i), vonk_builder_child(b, (uint32_t)i),
                        err));
    return vonk_builder_close(b, err);
}

static vonk_status append_map(const vonk_pb_msg *m, vonk_builder *b, vonk_error *err)
{
    if (b->type->id != VONK_T_MAP ||
        vonk_pb_n(m, PB_EXPRESSION_LITERAL_MAP_KEYS) != vonk_pb_n(m, PB_EXPRESSION_LITERAL_MAP_VALUES))
        return vonk_translate_invalid("map literal", err);
    VONK_TRY(append_all(m, PB_EXPRESSION_LITERAL_MAP_KEYS, vonk_builder_child(b, 0), err));
    VONK_TRY(append_all(m, PB_EXPRESSION_LITERAL_MAP_VALUES, vonk_builder_child(b, 1), err));
    return vonk_builder_close(b, err);
}

static vonk_status append_nanos(const vonk_pb_msg *m, int micros, int nanos, vonk_builder *b, vonk_error *err)
{
    return vonk_builder_i128(b, (vonk_i128)vonk_pb_i64(m, micros) * 1000 + vonk_pb_i32(m, nanos), err);
}

static bool storage_fits(const vonk_pb_msg *m, int which, vonk_storage storage)
{
    (void)m;
    switch (which) {
    case PB_EXPRESSION_LITERAL_BOOLEAN: return storage == VONK_STORE_BIT;
    case PB_EXPRESSION_LITERAL_BYTE:
    case PB_EXPRESSION_LITERAL_SHORT:
    case PB_EXPRESSION_LITERAL_INTEGER:
    case PB_EXPRESSION_LITERAL_LONG:
    case PB_EXPRESSION_LITERAL_DATE:
    case PB_EXPRESSION_LITERAL_TIMESTAMP:
    case PB_EXPRESSION_LITERAL_TIMESTAMP_NTZ:
    case PB_EXPRESSION_LITERAL_YEAR_MONTH_INTERVAL:
    case PB_EXPRESSION_LITERAL_DAY_TIME_INTERVAL:
    case PB_EXPRESSION_LITERAL_TIME: return storage >= VONK_STORE_I8 && storage <= VONK_STORE_I64;
    case PB_EXPRESSION_LITERAL_FLOAT:
    case PB_EXPRESSION_LITERAL_DOUBLE: return storage == VONK_STORE_F32 || storage == VONK_STORE_F64;
    case PB_EXPRESSION_LITERAL_STRING:
    case PB_EXPRESSION_LITERAL_BINARY: return storage == VONK_STORE_VIEW;
    case PB_EXPRESSION_LITERAL_DECIMAL: return storage == VONK_STORE_I64 || storage == VONK_STORE_I128;
    case PB_EXPRESSION_LITERAL_TIMESTAMP_NTZ_NANOS:
    case PB_EXPRESSION_LITERAL_TIMESTAMP_LTZ_NANOS: return storage == VONK_STORE_I128;
    case PB_EXPRESSION_LITERAL_CALENDAR_INTERVAL: return storage == VONK_STORE_INTERVAL;
    case PB_EXPRESSION_LITERAL_ARRAY:
    case PB_EXPRESSION_LITERAL_SPECIALIZED_ARRAY:
    case PB_EXPRESSION_LITERAL_MAP: return storage == VONK_STORE_SPAN;
    default: return true;
    }
}

static bool integer_fits(int64_t value, vonk_storage storage)
{
    return storage == VONK_STORE_I8    ? value == (int8_t)value
           : storage == VONK_STORE_I16 ? value == (int16_t)value
           : storage == VONK_STORE_I32 ? value == (int32_t)value
                                       : true;
}

static vonk_status append(const vonk_pb_msg *m, vonk_builder *b, vonk_error *err)
{
    const int which = vonk_pb_which(m, PB_EXPRESSION_LITERAL_LITERAL_TYPE_ONEOF);
    const vonk_pb_msg *inner;

    if (!storage_fits(m, which, b->type->storage)) return vonk_translate_invalid("literal of another type", err);
    switch (which) {
    case PB_EXPRESSION_LITERAL_NULL: return vonk_builder_null(b, err);
    case PB_EXPRESSION_LITERAL_BINARY:
    case PB_EXPRESSION_LITERAL_STRING: return vonk_builder_str(b, vonk_pb_str(m, which), err);
    case PB_EXPRESSION_LITERAL_BOOLEAN: return vonk_builder_bool(b, vonk_pb_bool(m, which), err);
    case PB_EXPRESSION_LITERAL_FLOAT:
    case PB_EXPRESSION_LITERAL_DOUBLE: return vonk_builder_f64(b, vonk_pb_f64(m, which), err);
    case PB_EXPRESSION_LITERAL_TIME:
        return vonk_builder_i64(b, vonk_pb_i64(vonk_pb_get_msg(m, which), PB_EXPRESSION_LITERAL_TIME_NANO), err);
    case PB_EXPRESSION_LITERAL_DECIMAL: return append_decimal(vonk_pb_get_msg(m, which), b, err);
    case PB_EXPRESSION_LITERAL_CALENDAR_INTERVAL:
        inner = vonk_pb_get_msg(m, which);
        return vonk_builder_interval(
            b,
            (vonk_interval){.months = vonk_pb_i32(inner, PB_EXPRESSION_LITERAL_CALENDAR_INTERVAL_MONTHS),
                            .days = vonk_pb_i32(inner, PB_EXPRESSION_LITERAL_CALENDAR_INTERVAL_DAYS),
                            .us = vonk_pb_i64(inner, PB_EXPRESSION_LITERAL_CALENDAR_INTERVAL_MICROSECONDS)},
            err);
    case PB_EXPRESSION_LITERAL_ARRAY:
        if (b->type->id != VONK_T_ARRAY) return vonk_translate_invalid("array literal", err);
        VONK_TRY(
            append_all(vonk_pb_get_msg(m, which), PB_EXPRESSION_LITERAL_ARRAY_ELEMENTS, vonk_builder_child(b, 0), err));
        return vonk_builder_close(b, err);
    case PB_EXPRESSION_LITERAL_SPECIALIZED_ARRAY:
        return b->type->id == VONK_T_ARRAY ? append_specialized(vonk_pb_get_msg(m, which), b, err)
                                           : vonk_translate_invalid("array literal", err);
    case PB_EXPRESSION_LITERAL_MAP: return append_map(vonk_pb_get_msg(m, which), b, err);
    case PB_EXPRESSION_LITERAL_STRUCT: return append_struct(vonk_pb_get_msg(m, which), b, err);
    case PB_EXPRESSION_LITERAL_TIMESTAMP_NTZ_NANOS:
        return append_nanos(vonk_pb_get_msg(m, which), PB_EXPRESSION_LITERAL_TIMESTAMP_NTZ_NANOS_EPOCH_MICROS,
                            PB_EXPRESSION_LITERAL_TIMESTAMP_NTZ_NANOS_NANOS_WITHIN_MICRO, b, err);
    case PB_EXPRESSION_LITERAL_TIMESTAMP_LTZ_NANOS:
        return append_nanos(vonk_pb_get_msg(m, which), PB_EXPRESSION_LITERAL_TIMESTAMP_LTZ_NANOS_EPOCH_MICROS,
                            PB_EXPRESSION_LITERAL_TIMESTAMP_LTZ_NANOS_NANOS_WITHIN_MICRO, b, err);
    default:
        if (which == 0) return vonk_translate_invalid("literal", err);
        if (!integer_fits(vonk_pb_i64(m, which), b->type->storage))
            return vonk_translate_invalid("literal out of its type's range", err);
        return vonk_builder_i64(b, vonk_pb_i64(m, which), err);
    }
}

vonk_status vonk__translate_literal(vonk_translator *t, const vonk_pb_msg *m, const vonk_expr **ret, vonk_error *err)
{
    VONK_AUTO(vonk_builder_done) vonk_builder builder = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *value = NULL;
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;

    VONK_TRY(type_of(t, m, &type, err));
    VONK_TRY(vonk_builder_init(&builder, t->budget, type, 1, err));
    VONK_TRY(append(m, &builder, err));
    VONK_TRY(vonk_builder_finish(&builder, &value, err));
    return vonk_ex_literal(t->budget, value, ret, err);
}
