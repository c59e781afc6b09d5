/* serve/translate/types.c -- DataType messages and vonk types. */
#include "serve/translate/translate_int.h"

/* ---- message -> type */
static vonk_status plain_type(int which, const vonk_type **ret)
{
    switch (which) {
    case PB_DATA_TYPE_NULL: *ret = &vonk_type_null; return VONK_OK;
    case PB_DATA_TYPE_BINARY: *ret = &vonk_type_binary; return VONK_OK;
    case PB_DATA_TYPE_BOOLEAN: *ret = &vonk_type_boolean; return VONK_OK;
    case PB_DATA_TYPE_BYTE: *ret = &vonk_type_byte; return VONK_OK;
    case PB_DATA_TYPE_SHORT: *ret = &vonk_type_short; return VONK_OK;
    case PB_DATA_TYPE_INTEGER: *ret = &vonk_type_int; return VONK_OK;
    case PB_DATA_TYPE_LONG: *ret = &vonk_type_long; return VONK_OK;
    case PB_DATA_TYPE_FLOAT: *ret = &vonk_type_float; return VONK_OK;
    case PB_DATA_TYPE_DOUBLE: *ret = &vonk_type_double; return VONK_OK;
    case PB_DATA_TYPE_DATE: *ret = &vonk_type_date; return VONK_OK;
    case PB_DATA_TYPE_TIMESTAMP: *ret = &vonk_type_timestamp; return VONK_OK;
    case PB_DATA_TYPE_TIMESTAMP_NTZ: *ret = &vonk_type_timestamp_ntz; return VONK_OK;
    case PB_DATA_TYPE_CALENDAR_INTERVAL: *ret = &vonk_type_calendar_interval; return VONK_OK;
    case PB_DATA_TYPE_VARIANT: *ret = &vonk_type_variant; return VONK_OK;
    default: *ret = NULL; return VONK_OK;
    }
}

static vonk_status kept_type(vonk_translator *t, const vonk_pb_msg *m, const vonk_type **ret, vonk_error *err)
{
    VONK_TRY(vonk_translate_type(t, m, ret, err));
    return vonk__tr_keep_type(t, *ret, err);
}

static vonk_status struct_type(vonk_translator *t, const vonk_pb_msg *m, const vonk_type **ret, vonk_error *err)
{
    const size_t n = vonk_pb_n(m, PB_DATA_TYPE_STRUCT_FIELDS);
    vonk_field *fields = NULL;

    VONK_TRY(vonk_arena_array(t->arena, n + 1, sizeof *fields, &fields, err));
    for (size_t i = 0; i < n; i++) {
        const vonk_pb_msg *f = vonk_pb_msg_at(m, PB_DATA_TYPE_STRUCT_FIELDS, i);
        fields[i] = (vonk_field){.name = vonk_pb_str(f, PB_DATA_TYPE_STRUCT_FIELD_NAME),
                                 .nullable = vonk_pb_bool(f, PB_DATA_TYPE_STRUCT_FIELD_NULLABLE),
                                 .metadata = vonk_pb_str(f, PB_DATA_TYPE_STRUCT_FIELD_METADATA)};
        VONK_TRY(kept_type(t, vonk_pb_get_msg(f, PB_DATA_TYPE_STRUCT_FIELD_DATA_TYPE), &fields[i].type, err));
    }
    return vonk_type_struct(fields, n, ret, err);
}

static vonk_status map_type(vonk_translator *t, const vonk_pb_msg *m, const vonk_type **ret, vonk_error *err)
{
    const vonk_type *key = NULL, *value = NULL;

    VONK_TRY(kept_type(t, vonk_pb_get_msg(m, PB_DATA_TYPE_MAP_KEY_TYPE), &key, err));
    VONK_TRY(kept_type(t, vonk_pb_get_msg(m, PB_DATA_TYPE_MAP_VALUE_TYPE), &value, err));
    return vonk_type_map(key, value, vonk_pb_bool(m, PB_DATA_TYPE_MAP_VALUE_CONTAINS_NULL), ret, err);
}

static vonk_status udt_type(vonk_translator *t, const vonk_pb_msg *m, const vonk_type **ret, vonk_error *err)
{
    const vonk_type *sql = NULL;

    VONK_TRY(kept_type(t, vonk_pb_get_msg(m, PB_DATA_TYPE_UDT_SQL_TYPE), &sql, err));
    return vonk_type_udt(sql, vonk_pb_str(m, PB_DATA_TYPE_UDT_JVM_CLASS), vonk_pb_str(m, PB_DATA_TYPE_UDT_PYTHON_CLASS),
                         vonk_pb_str(m, PB_DATA_TYPE_UDT_SERIALIZED_PYTHON_CLASS), ret, err);
}

static vonk_status array_type(vonk_translator *t, const vonk_pb_msg *m, const vonk_type **ret, vonk_error *err)
{
    const vonk_type *element = NULL;

    VONK_TRY(kept_type(t, vonk_pb_get_msg(m, PB_DATA_TYPE_ARRAY_ELEMENT_TYPE), &element, err));
    return vonk_type_array(element, vonk_pb_bool(m, PB_DATA_TYPE_ARRAY_CONTAINS_NULL), ret, err);
}

static vonk_status string_type(const vonk_pb_msg *m, const vonk_type **ret, vonk_error *err)
{
    const vonk_str collation = vonk_pb_str(m, PB_DATA_TYPE_STRING_COLLATION);

    if (collation.len == 0 || vonk_str_is_nocase(collation, "UTF8_BINARY")) {
        *ret = vonk_type_ref(&vonk_type_string);
        return VONK_OK;
    }
    return vonk_type_parse(vonk_str_of(VONK_F("string collate %.*s", VONK_STR_ARGS(collation))), ret, err);
}

static int precision_of(const vonk_pb_msg *m, int field, int otherwise)
{
    return vonk_pb_has(m, field) ? vonk_pb_i32(m, field) : otherwise;
}

/* The fields of an ANSI interval; both default to the widest. */
static vonk_status interval_type(const vonk_pb_msg *m, bool day_time, const vonk_type **ret, vonk_error *err)
{
    const int start = precision_of(
        m, day_time ? PB_DATA_TYPE_DAY_TIME_INTERVAL_START_FIELD : PB_DATA_TYPE_YEAR_MONTH_INTERVAL_START_FIELD, 0);
    const int last = day_time ? 3 : 1;
    const int end = precision_of(
        m, day_time ? PB_DATA_TYPE_DAY_TIME_INTERVAL_END_FIELD : PB_DATA_TYPE_YEAR_MONTH_INTERVAL_END_FIELD, last);

    if (start < 0 || end > last || start > end) return vonk_translate_invalid("interval fields", err);
    return day_time ? vonk_type_interval_dt((vonk_interval_field)start, (vonk_interval_field)end, ret, err)
                    : vonk_type_interval_ym((vonk_interval_field)start, (vonk_interval_field)end, ret, err);
}

/* A type, columns, or (the last try) fields as they stand in a struct: "a: int, b: int". */
static vonk_status unparsed(vonk_translator *t, vonk_str text, const vonk_type **ret, vonk_error *err)
{
    VONK_AUTO(vonk_error_reset) vonk_error ignored = VONK_ERROR_INIT;
    vonk_str wrapped;
    const vonk_status status = vonk_type_parse_ddl(text, ret, err);

    if (status == VONK_OK) return VONK_OK;
    VONK_TRY(vonk_arena_printf(t->arena, &wrapped, &ignored, "struct<%.*s>", VONK_STR_ARGS(text)));
    if (vonk_type_parse(wrapped, ret, &ignored) != VONK_OK) return status;
    vonk_error_reset(err);
    return VONK_OK;
}

vonk_status vonk_translate_type(vonk_translator *t, const vonk_pb_msg *m, const vonk_type **ret, vonk_error *err)
{
    const int which = vonk_pb_which(m, PB_DATA_TYPE_KIND_ONEOF);
    const vonk_pb_msg *kind = which ? vonk_pb_get_msg(m, which) : NULL;

    VONK_TRY(plain_type(which, ret));
    if (*ret) return VONK_OK;
    switch (which) {
    case PB_DATA_TYPE_DECIMAL:
        return vonk_type_decimal(precision_of(kind, PB_DATA_TYPE_DECIMAL_PRECISION, 10),
                                 precision_of(kind, PB_DATA_TYPE_DECIMAL_SCALE, 0), ret, err);
    case PB_DATA_TYPE_STRING: return string_type(kind, ret, err);
    case PB_DATA_TYPE_CHAR: return vonk_type_char(vonk_pb_i32(kind, PB_DATA_TYPE_CHAR_LENGTH), ret, err);
    case PB_DATA_TYPE_VAR_CHAR: return vonk_type_varchar(vonk_pb_i32(kind, PB_DATA_TYPE_VAR_CHAR_LENGTH), ret, err);
    case PB_DATA_TYPE_TIME: return vonk_type_time_of(precision_of(kind, PB_DATA_TYPE_TIME_PRECISION, 6), ret, err);
    case PB_DATA_TYPE_TIMESTAMP_NTZ_NANOS:
        return vonk_type_timestamp_nanos(true, precision_of(kind, PB_DATA_TYPE_TIMESTAMP_NTZ_NANOS_PRECISION, 9), ret,
                                         err);
    case PB_DATA_TYPE_TIMESTAMP_LTZ_NANOS:
        return vonk_type_timestamp_nanos(false, precision_of(kind, PB_DATA_TYPE_TIMESTAMP_LTZ_NANOS_PRECISION, 9), ret,
                                         err);
    case PB_DATA_TYPE_YEAR_MONTH_INTERVAL: return interval_type(kind, false, ret, err);
    case PB_DATA_TYPE_DAY_TIME_INTERVAL: return interval_type(kind, true, ret, err);
    case PB_DATA_TYPE_ARRAY: return array_type(t, kind, ret, err);
    case PB_DATA_TYPE_STRUCT: return struct_type(t, kind, ret, err);
    case PB_DATA_TYPE_MAP: return map_type(t, kind, ret, err);
    case PB_DATA_TYPE_UDT: return udt_type(t, kind, ret, err);
    case PB_DATA_TYPE_GEOMETRY:
        return vonk_type_spatial(false, vonk_pb_i32(kind, PB_DATA_TYPE_GEOMETRY_SRID), ret, err);
    case PB_DATA_TYPE_GEOGRAPHY:
        return vonk_type_spatial(true, vonk_pb_i32(kind, PB_DATA_TYPE_GEOGRAPHY_SRID), ret, err);
    case PB_DATA_TYPE_UNPARSED: return unparsed(t, vonk_pb_str(kind, PB_DATA_TYPE_UNPARSED_DATA_TYPE_STRING), ret, err);
    default: return vonk_translate_invalid("data type", err);
    }
}

/* ---- type -> message */
static void put_empty(vonk_pb_writer *w, int field) { vonk_pb_end(w, vonk_pb_begin(w, field)); }

static void put_number(vonk_pb_writer *w, int kind, int field, int64_t value)
{
    const size_t mark = vonk_pb_begin(w, kind);
    vonk_pb_put_i64(w, field, value);
    vonk_pb_end(w, mark);
}

static void put_two(vonk_pb_writer *w, int kind, int field_a, int64_t a, int field_b, int64_t b)
{
    const size_t mark = vonk_pb_begin(w, kind);
    vonk_pb_put_i64(w, field_a, a);
    vonk_pb_put_i64(w, field_b, b);
    vonk_pb_end(w, mark);
}

static int plain_kind(vonk_type_id id)
{
    switch (id) {
    case VONK_T_NULL: return PB_DATA_TYPE_NULL;
    case VONK_T_BINARY: return PB_DATA_TYPE_BINARY;
    case VONK_T_BOOLEAN: return PB_DATA_TYPE_BOOLEAN;
    case VONK_T_BYTE: return PB_DATA_TYPE_BYTE;
    case VONK_T_SHORT: return PB_DATA_TYPE_SHORT;
    case VONK_T_INT: return PB_DATA_TYPE_INTEGER;
    case VONK_T_LONG: return PB_DATA_TYPE_LONG;
    case VONK_T_FLOAT: return PB_DATA_TYPE_FLOAT;
    case VONK_T_DOUBLE: return PB_DATA_TYPE_DOUBLE;
    case VONK_T_DATE: return PB_DATA_TYPE_DATE;
    case VONK_T_TIMESTAMP: return PB_DATA_TYPE_TIMESTAMP;
    case VONK_T_TIMESTAMP_NTZ: return PB_DATA_TYPE_TIMESTAMP_NTZ;
    case VONK_T_INTERVAL_CALENDAR: return PB_DATA_TYPE_CALENDAR_INTERVAL;
    case VONK_T_VARIANT: return PB_DATA_TYPE_VARIANT;
    default: return 0;
    }
}

static vonk_status put_struct(vonk_pb_writer *w, const vonk_type *type, vonk_error *err)
{
    const size_t mark = vonk_pb_begin(w, PB_DATA_TYPE_STRUCT);

    for (uint32_t i = 0; i < type->n_fields; i++) {
        const vonk_field *f = &type->fields[i];
        const size_t field = vonk_pb_begin(w, PB_DATA_TYPE_STRUCT_FIELDS);
        vonk_pb_put_str(w, PB_DATA_TYPE_STRUCT_FIELD_NAME, f->name);
        VONK_TRY(vonk_translate_put_type(w, PB_DATA_TYPE_STRUCT_FIELD_DATA_TYPE, f->type, err));
        vonk_pb_put_i64(w, PB_DATA_TYPE_STRUCT_FIELD_NULLABLE, f->nullable);
        if (f->metadata.len > 0) vonk_pb_put_str(w, PB_DATA_TYPE_STRUCT_FIELD_METADATA, f->metadata);
        vonk_pb_end(w, field);
    }
    vonk_pb_end(w, mark);
    return VONK_OK;
}

static vonk_status put_map(vonk_pb_writer *w, const vonk_type *type, vonk_error *err)
{
    const size_t mark = vonk_pb_begin(w, PB_DATA_TYPE_MAP);

    VONK_TRY(vonk_translate_put_type(w, PB_DATA_TYPE_MAP_KEY_TYPE, type->fields[0].type, err));
    VONK_TRY(vonk_translate_put_type(w, PB_DATA_TYPE_MAP_VALUE_TYPE, type->fields[1].type, err));
    vonk_pb_put_i64(w, PB_DATA_TYPE_MAP_VALUE_CONTAINS_NULL, type->fields[1].nullable);
    vonk_pb_end(w, mark);
    return VONK_OK;
}

static vonk_status put_array(vonk_pb_writer *w, const vonk_type *type, vonk_error *err)
{
    const size_t mark = vonk_pb_begin(w, PB_DATA_TYPE_ARRAY);

    VONK_TRY(vonk_translate_put_type(w, PB_DATA_TYPE_ARRAY_ELEMENT_TYPE, type->fields[0].type, err));
    vonk_pb_put_i64(w, PB_DATA_TYPE_ARRAY_CONTAINS_NULL, type->fields[0].nullable);
    vonk_pb_end(w, mark);
    return VONK_OK;
}

static vonk_status put_udt(vonk_pb_writer *w, const vonk_type *type, vonk_error *err)
{
    const size_t mark = vonk_pb_begin(w, PB_DATA_TYPE_UDT);

    vonk_pb_put_c(w, PB_DATA_TYPE_UDT_TYPE, "udt");
    if (type->udt_class.len > 0) vonk_pb_put_str(w, PB_DATA_TYPE_UDT_JVM_CLASS, type->udt_class);
    if (type->udt_py_class.len > 0) vonk_pb_put_str(w, PB_DATA_TYPE_UDT_PYTHON_CLASS, type->udt_py_class);
    if (type->udt_serialized.len > 0)
        vonk_pb_put_str(w, PB_DATA_TYPE_UDT_SERIALIZED_PYTHON_CLASS, type->udt_serialized);
    VONK_TRY(vonk_translate_put_type(w, PB_DATA_TYPE_UDT_SQL_TYPE, type->fields[0].type, err));
    vonk_pb_end(w, mark);
    return VONK_OK;
}

/* "string collate UNICODE" names the collation behind its last blank. */
static vonk_status put_string(vonk_pb_writer *w, const vonk_type *type, vonk_error *err)
{
    const size_t mark = vonk_pb_begin(w, PB_DATA_TYPE_STRING);

    if (type->collation != VONK_COLLATION_UTF8_BINARY) {
        VONK_AUTO(vonk_buf_done) vonk_buf name = {0};
        vonk_buf_init(&name, vonk_budget_root(), 256);
        VONK_TRY(vonk_type_simple_string(type, &name, err));
        size_t from = name.len;
        while (from > 0 && name.data[from - 1] != ' ') from--;
        vonk_pb_put_str(w, PB_DATA_TYPE_STRING_COLLATION, vonk_str_sub(vonk_buf_str(&name), from, name.len));
    } else {
        vonk_pb_put_c(w, PB_DATA_TYPE_STRING_COLLATION, "UTF8_BINARY");
    }
    vonk_pb_end(w, mark);
    return VONK_OK;
}

static vonk_status put_kind(vonk_pb_writer *w, const vonk_type *type, vonk_error *err)
{
    switch (type->id) {
    case VONK_T_DECIMAL:
        put_two(w, PB_DATA_TYPE_DECIMAL, PB_DATA_TYPE_DECIMAL_SCALE, type->scale, PB_DATA_TYPE_DECIMAL_PRECISION,
                type->precision);
        return VONK_OK;
    case VONK_T_STRING: return put_string(w, type, err);
    case VONK_T_CHAR: put_number(w, PB_DATA_TYPE_CHAR, PB_DATA_TYPE_CHAR_LENGTH, type->length); return VONK_OK;
    case VONK_T_VARCHAR:
        put_number(w, PB_DATA_TYPE_VAR_CHAR, PB_DATA_TYPE_VAR_CHAR_LENGTH, type->length);
        return VONK_OK;
    case VONK_T_TIME: put_number(w, PB_DATA_TYPE_TIME, PB_DATA_TYPE_TIME_PRECISION, type->precision); return VONK_OK;
    case VONK_T_TIMESTAMP_NTZ_NANOS:
        put_number(w, PB_DATA_TYPE_TIMESTAMP_NTZ_NANOS, PB_DATA_TYPE_TIMESTAMP_NTZ_NANOS_PRECISION, type->precision);
        return VONK_OK;
    case VONK_T_TIMESTAMP_NANOS:
        put_number(w, PB_DATA_TYPE_TIMESTAMP_LTZ_NANOS, PB_DATA_TYPE_TIMESTAMP_LTZ_NANOS_PRECISION, type->precision);
        return VONK_OK;
    case VONK_T_INTERVAL_YEAR_MONTH:
        put_two(w, PB_DATA_TYPE_YEAR_MONTH_INTERVAL, PB_DATA_TYPE_YEAR_MONTH_INTERVAL_START_FIELD, type->first,
                PB_DATA_TYPE_YEAR_MONTH_INTERVAL_END_FIELD, type->last);
        return VONK_OK;
    case VONK_T_INTERVAL_DAY_TIME:
        put_two(w, PB_DATA_TYPE_DAY_TIME_INTERVAL, PB_DATA_TYPE_DAY_TIME_INTERVAL_START_FIELD, type->first,
                PB_DATA_TYPE_DAY_TIME_INTERVAL_END_FIELD, type->last);
        return VONK_OK;
    case VONK_T_ARRAY: return put_array(w, type, err);
    case VONK_T_MAP: return put_map(w, type, err);
    case VONK_T_STRUCT: return put_struct(w, type, err);
    case VONK_T_UDT: return put_udt(w, type, err);
    case VONK_T_GEOMETRY:
        put_number(w, PB_DATA_TYPE_GEOMETRY, PB_DATA_TYPE_GEOMETRY_SRID, type->length);
        return VONK_OK;
    case VONK_T_GEOGRAPHY:
        put_number(w, PB_DATA_TYPE_GEOGRAPHY, PB_DATA_TYPE_GEOGRAPHY_SRID, type->length);
        return VONK_OK;
    default: return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "a type without a message");
    }
}

vonk_status vonk_translate_put_type(vonk_pb_writer *w, int field, const vonk_type *type, vonk_error *err)
{
    const size_t mark = vonk_pb_begin(w, field);
    const int plain = plain_kind(type->id);

    if (plain)
        put_empty(w, plain);
    else
        VONK_TRY(put_kind(w, type, err));
    vonk_pb_end(w, mark);
    return VONK_OK;
}

/* "a INT, b STRING", or one type, or the inside of a struct: "a: int, b: string". The first reading's error is the one
 * shown. */
vonk_status vonk_translate_parse_ddl(vonk_str ddl, const vonk_type **ret, vonk_error *err)
{
    VONK_AUTO(vonk_error_reset) vonk_error ignored = VONK_ERROR_INIT;
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    const vonk_status status = vonk_type_parse_ddl(ddl, ret, err);

    if (status == VONK_OK) return VONK_OK;
    bool read = vonk_type_parse(ddl, ret, &ignored) == VONK_OK;
    if (!read) {
        vonk_error_reset(&ignored);
        vonk_buf_init(&text, vonk_budget_root(), SIZE_MAX);
        read = vonk_buf_printf(&text, &ignored, "struct<%.*s>", VONK_STR_ARGS(ddl)) == VONK_OK &&
               vonk_type_parse(vonk_buf_str(&text), ret, &ignored) == VONK_OK;
    }
    if (!read) return status;
    vonk_error_reset(err);
    return VONK_OK;
}
