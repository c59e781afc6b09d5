/* Values of Python to columns, by the rules of Spark's EvaluatePython: what does not fit the type is null. */
#include "base/bits.h"
#include "codec/pickle_int.h"
#include "text/date.h"
#include "text/number.h"
#include "text/zone.h"

typedef vonk_pickle_value value;
typedef vonk_pickle_options options;

static bool is_class(const value *v, const char *name)
{
    return v->kind == VONK_PICKLE_OBJECT && vonk_str_is(vonk_pickle_class(v), name);
}

static vonk_status append_bool(const value *v, vonk_builder *b, vonk_error *err)
{
    return v->kind == VONK_PICKLE_BOOL ? vonk_builder_bool(b, v->i != 0, err) : vonk_builder_null(b, err);
}

/* Wraps around, as Java's narrowing does. */
static vonk_status append_integer(const value *v, vonk_type_id id, vonk_builder *b, vonk_error *err)
{
    if (v->kind != VONK_PICKLE_INT) return vonk_builder_null(b, err);
    switch (id) {
    case VONK_T_BYTE: return vonk_builder_i64(b, (int8_t)(uint64_t)v->i, err);
    case VONK_T_SHORT: return vonk_builder_i64(b, (int16_t)(uint64_t)v->i, err);
    case VONK_T_INT: return vonk_builder_i64(b, (int32_t)(uint64_t)v->i, err);
    default: return vonk_builder_i64(b, v->i, err);
    }
}

/* Spark's unpickler makes doubles of Decimal('NaN') and of infinities. */
static bool special_decimal(const value *v, double *ret)
{
    vonk_str digits;
    if (!vonk__pickle_decimal(v, &digits)) return false;
    bool negative = digits.len && digits.data[0] == '-';
    vonk_str word = vonk_str_sub(digits, negative ? 1 : 0, digits.len);
    if (!vonk_str_is(word, "NaN") && !vonk_str_is(word, "Infinity")) return false;
    *ret = word.data[0] == 'N' ? __builtin_nan("") : negative ? -__builtin_inf() : __builtin_inf();
    return true;
}

static vonk_status append_float(const value *v, vonk_builder *b, vonk_error *err)
{
    double f;
    if (v->kind == VONK_PICKLE_FLOAT) return vonk_builder_f64(b, v->f, err);
    return special_decimal(v, &f) ? vonk_builder_f64(b, f, err) : vonk_builder_null(b, err);
}

static vonk_status out_of_range(vonk_str digits, const vonk_type *type, vonk_error *err)
{
    char rounded[VONK_DEC_CHARS];
    vonk_i128 wide;
    vonk_str shown = digits;
    if (vonk_text_to_dec(digits, VONK_MAX_PRECISION, type->scale, &wide) == VONK_DEC_OK)
        shown = (vonk_str){rounded, vonk_dec_to_text(wide, type->scale, rounded)};
    return VONK_FAIL(err, VONK_E_NUMERIC_VALUE_OUT_OF_RANGE__WITHOUT_SUGGESTION, "roundedValue", VONK_S(shown),
                     "originalValue", VONK_S(digits), "precision", VONK_F("%d", type->precision), "scale",
                     VONK_F("%d", type->scale));
}

static vonk_status append_decimal(const value *v, const vonk_type *type, vonk_builder *b, vonk_error *err)
{
    vonk_str digits;
    vonk_i128 unscaled;
    if (!vonk__pickle_decimal(v, &digits)) return vonk_builder_null(b, err);
    switch (vonk_text_to_dec(digits, type->precision, type->scale, &unscaled)) {
    case VONK_DEC_OK: return vonk_builder_i128(b, unscaled, err);
    case VONK_DEC_MALFORMED: return vonk_builder_null(b, err); /* NaN, Infinity */
    default: return out_of_range(digits, type, err);
    }
}

static vonk_status append_string(const value *v, vonk_builder *b, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    if (v->kind == VONK_PICKLE_STRING) return vonk_builder_str(b, v->text, err);
    vonk_buf_init(&text, b->budget, UINT32_MAX);
    VONK_TRY(vonk__pickle_java_text(v, &text, err));
    return vonk_builder_str(b, vonk_buf_str(&text), err);
}

static vonk_status append_binary(const value *v, vonk_builder *b, vonk_error *err)
{
    bool is = v->kind == VONK_PICKLE_STRING || v->kind == VONK_PICKLE_BYTES || v->kind == VONK_PICKLE_BYTEARRAY;
    return is ? vonk_builder_str(b, v->text, err) : vonk_builder_null(b, err);
}

static vonk_status find_zone(const options *o, const vonk_zone **ret, vonk_error *err)
{
    *ret = vonk_zone_utc();
    return o->timezone.len ? vonk_zone_find(o->timezone, ret, err) : VONK_OK;
}

/* Numbers as Python's toInternal() makes them; without `internal` datetime's objects, too. */
static vonk_status append_time(const value *v, const vonk_type *type, const options *o, vonk_builder *b,
                               vonk_error *err)
{
    int64_t i = v->i;
    int32_t days;
    bool is = v->kind == VONK_PICKLE_INT;
    const vonk_zone *zone = NULL;
    if (type->id == VONK_T_DATE) is = is && i >= INT32_MIN && i <= INT32_MAX;
    if (type->id == VONK_T_TIME && is && (i < 0 || i >= INT64_C(86400000000000)))
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                         VONK_F("pickle: %lld is no nanosecond of a day", (long long)i));
    if (!is && !o->internal && v->kind == VONK_PICKLE_OBJECT) {
        switch (type->id) {
        case VONK_T_DATE:
            is = vonk__pickle_date(v, &days);
            i = is ? days : 0;
            break;
        case VONK_T_TIME: is = vonk__pickle_time(v, &i); break;
        case VONK_T_INTERVAL_DAY_TIME: is = vonk__pickle_timedelta(v, &i); break;
        case VONK_T_TIMESTAMP: VONK_TRY(find_zone(o, &zone, err)); __attribute__((fallthrough));
        case VONK_T_TIMESTAMP_NTZ: VONK_TRY(vonk__pickle_datetime(v, zone, &is, &i, err)); break;
        default: break;
        }
    }
    return is ? vonk_builder_i64(b, i, err) : vonk_builder_null(b, err);
}

/* ---- nested values */
static vonk_status append(const value *v, const vonk_type *type, const options *o, vonk_builder *b, vonk_error *err);

/* What Java has as a list or an array: calls append() for each element. */
static vonk_status append_elements(const value *v, const vonk_type *type, const options *o, vonk_builder *child,
                                   bool *ret_is, vonk_error *err)
{
    vonk__pickle_array array;
    *ret_is = true;
    if (v->kind == VONK_PICKLE_LIST || v->kind == VONK_PICKLE_TUPLE) {
        for (uint32_t i = 0; i < v->n_items; i++) VONK_TRY(append(v->items[i], type, o, child, err));
    } else if (v->kind == VONK_PICKLE_BYTES || v->kind == VONK_PICKLE_BYTEARRAY) {
        for (size_t i = 0; i < v->text.len; i++) {
            const value byte = {.kind = VONK_PICKLE_INT, .i = (int8_t)v->text.data[i]};
            VONK_TRY(append(&byte, type, o, child, err));
        }
    } else if (vonk__pickle_array_open(v, &array)) {
        for (uint32_t i = 0; i < array.n; i++) {
            const value element = vonk__pickle_array_at(&array, i);
            VONK_TRY(append(&element, type, o, child, err));
        }
    } else {
        *ret_is = false;
    }
    return VONK_OK;
}

static vonk_status append_array(const value *v, const vonk_type *type, const options *o, vonk_builder *b,
                                vonk_error *err)
{
    bool is;
    VONK_TRY(append_elements(v, type->fields[0].type, o, vonk_builder_child(b, 0), &is, err));
    return is ? vonk_builder_close(b, err) : vonk_builder_null(b, err);
}

/* The entries of a dict, or of an object that behaves like one. */
static const value *entries_of(const value *v)
{
    if (v->kind == VONK_PICKLE_DICT) return v;
    if (v->kind != VONK_PICKLE_OBJECT || v->n_items != 6 || v->items[4]->kind != VONK_PICKLE_DICT) return NULL;
    return v->items[4];
}

/* Nobody looks whether a key is null, so that Spark sees a zero where the value did not fit. A text or a nested value
 * has no such zero. */
static vonk_status append_key(const value *v, const vonk_type *type, const options *o, vonk_builder *b, vonk_error *err)
{
    VONK_TRY(append(v, type, o, b, err));
    uint32_t row = b->n_rows - 1;
    if (!b->validity || vonk_bit_get(b->validity->data, row)) return VONK_OK;
    size_t width = vonk_storage_bytes(type->storage);
    bool plain = type->storage == VONK_STORE_BIT || (width > 0 && width <= 8 && type->storage != VONK_STORE_SPAN);
    if (!plain) return VONK_FAIL(err, VONK_E_NULL_MAP_KEY);
    vonk_bit_put(b->validity->data, row, true);
    return VONK_OK;
}

static vonk_status append_map(const value *v, const vonk_type *type, const options *o, vonk_builder *b, vonk_error *err)
{
    vonk__java_key *order;
    const value *entries = entries_of(v);
    if (!entries) return vonk_builder_null(b, err);
    uint32_t n = entries->n_items / 2;
    VONK_TRY(vonk__pickle_java_order(entries->items, n, 2, b->budget, &order, err));
    vonk_status st = VONK_OK;
    for (uint32_t i = 0; i < n && st == VONK_OK; i++) {
        const value **entry = entries->items + (size_t)(order ? order[i].index : i) * 2;
        st = append_key(entry[0], type->fields[0].type, o, vonk_builder_child(b, 0), err);
        if (st == VONK_OK) st = append(entry[1], type->fields[1].type, o, vonk_builder_child(b, 1), err);
    }
    vonk_free(order);
    VONK_TRY(st);
    return vonk_builder_close(b, err);
}

static vonk_status wrong_length(const vonk_type *type, uint32_t n, vonk_error *err)
{
    return vonk_raised(VONK_FAIL(err, VONK_E_STRUCT_ARRAY_LENGTH_MISMATCH, "expected", VONK_F("%u", type->n_fields),
                                 "actual", VONK_F("%u", n)));
}

static vonk_status append_fields(const value *const *items, uint32_t n, const vonk_type *type, const options *o,
                                 vonk_builder *b, vonk_error *err)
{
    if (n != type->n_fields) return wrong_length(type, n, err);
    for (uint32_t i = 0; i < n; i++) VONK_TRY(append(items[i], type->fields[i].type, o, vonk_builder_child(b, i), err));
    return vonk_builder_close(b, err);
}

/* Fields by name: of a dict, or of an object's attributes. */
static vonk_status append_named(const value *v, const vonk_type *type, const options *o, vonk_builder *b,
                                vonk_error *err)
{
    for (uint32_t i = 0; i < type->n_fields; i++) {
        char *name;
        VONK_TRY(vonk_strdup(b->budget, type->fields[i].name, &name, err));
        const value *field = vonk__pickle_attr(v, name);
        vonk_free(name);
        VONK_TRY(field ? append(field, type->fields[i].type, o, vonk_builder_child(b, i), err)
                       : vonk_builder_null(vonk_builder_child(b, i), err));
    }
    return vonk_builder_close(b, err);
}

/* Row.__reduce__: _create_row(names, values). A row as Spark sent it: converter(values...). NULL: no row. */
static const value *row_values(const value *v)
{
    if (v->kind != VONK_PICKLE_OBJECT) return NULL;
    if (is_class(v->items[0], "pyspark.sql.types._create_row_inbound_converter")) return v->items[1];
    if (!is_class(v, "pyspark.sql.types._create_row") || v->items[1]->n_items != 2) return NULL;
    const value *values = v->items[1]->items[1];
    return values->kind == VONK_PICKLE_TUPLE || values->kind == VONK_PICKLE_LIST ? values : NULL;
}

static vonk_status append_struct(const value *v, const vonk_type *type, const options *o, vonk_builder *b,
                                 vonk_error *err)
{
    vonk__pickle_array array;
    const value *row = v->kind == VONK_PICKLE_TUPLE ? v : row_values(v);
    if (!row && !o->internal && v->kind == VONK_PICKLE_LIST) row = v;
    if (row) return append_fields((const value *const *)row->items, row->n_items, type, o, b, err);
    if (v->kind == VONK_PICKLE_BYTES || v->kind == VONK_PICKLE_BYTEARRAY || vonk__pickle_array_open(v, &array)) {
        /* Java's arrays of numbers are arrays, too. */
        uint32_t n = v->kind == VONK_PICKLE_OBJECT ? array.n : (uint32_t)v->text.len;
        if (n != type->n_fields) return wrong_length(type, n, err);
        for (uint32_t i = 0; i < n; i++) {
            value e = {.kind = VONK_PICKLE_INT, .i = v->kind == VONK_PICKLE_OBJECT ? 0 : (int8_t)v->text.data[i]};
            if (v->kind == VONK_PICKLE_OBJECT) e = vonk__pickle_array_at(&array, i);
            VONK_TRY(append(&e, type->fields[i].type, o, vonk_builder_child(b, i), err));
        }
        return vonk_builder_close(b, err);
    }
    bool named =
        v->kind == VONK_PICKLE_DICT || (v->kind == VONK_PICKLE_OBJECT && v->items[2]->kind != VONK_PICKLE_NONE);
    return named && !o->internal ? append_named(v, type, o, b, err) : vonk_builder_null(b, err);
}

static bool is_bytes(const value *v) { return v && (v->kind == VONK_PICKLE_BYTES || v->kind == VONK_PICKLE_BYTEARRAY); }

/* toInternal() of a VariantVal is a dict; an object has the same attributes. */
static vonk_status append_variant(const value *v, const options *o, vonk_builder *b, vonk_error *err)
{
    bool looks = v->kind == VONK_PICKLE_DICT || (!o->internal && is_class(v, "pyspark.sql.types.VariantVal"));
    const value *content = looks ? vonk__pickle_attr(v, "value") : NULL;
    const value *metadata = looks ? vonk__pickle_attr(v, "metadata") : NULL;
    if (!content || !metadata || !is_bytes(content) || !is_bytes(metadata)) return vonk_builder_null(b, err);
    VONK_TRY(vonk_builder_str(vonk_builder_child(b, 0), content->text, err));
    VONK_TRY(vonk_builder_str(vonk_builder_child(b, 1), metadata->text, err));
    return vonk_builder_close(b, err);
}

static vonk_status append_spatial(const value *v, const vonk_type *type, const options *o, vonk_builder *b,
                                  vonk_error *err)
{
    char *at;
    const char *class_name = type->id == VONK_T_GEOMETRY ? "pyspark.sql.types.Geometry" : "pyspark.sql.types.Geography";
    bool looks = v->kind == VONK_PICKLE_DICT || (!o->internal && is_class(v, class_name));
    const value *srid = looks ? vonk__pickle_attr(v, "srid") : NULL, *wkb = looks ? vonk__pickle_attr(v, "wkb") : NULL;
    if (!srid || srid->kind != VONK_PICKLE_INT || !is_bytes(wkb)) return vonk_builder_null(b, err);
    int32_t number = (int32_t)(uint64_t)srid->i;
    VONK_TRY(vonk_builder_str_reserve(b, wkb->text.len + 4, &at, err));
    memcpy(at, &number, 4);
    if (wkb->text.len) memcpy(at + 4, wkb->text.data, wkb->text.len);
    return vonk_builder_str_commit(b, wkb->text.len + 4, err);
}

/* Spark's unpickler knows a few classes; of others it makes a dict of their attributes, if no arguments are needed,
 * else it fails. */
static vonk_status check_class(const value *v, vonk_error *err)
{
    static const char *const known[] = {"decimal.Decimal",    "datetime.date",    "datetime.datetime",
                                        "datetime.time",      "array.array",      "array._array_reconstructor",
                                        "datetime.timedelta", "builtins.complex", "collections.OrderedDict"};
    vonk_str name = vonk_pickle_class(v);
    if (v->items[1]->n_items == 0 || row_values(v)) return VONK_OK;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (vonk_str_is(name, known[i])) return VONK_OK;
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                     VONK_F("pickle: objects of class %.200s are no values of SQL", name.len ? VONK_S(name) : "?"));
}

static vonk_status append(const value *v, const vonk_type *type, const options *o, vonk_builder *b, vonk_error *err)
{
    if (v->kind == VONK_PICKLE_NONE) return vonk_builder_null(b, err);
    if (VONK_UNLIKELY(v->kind == VONK_PICKLE_OBJECT)) VONK_TRY(check_class(v, err));
    switch (type->id) {
    case VONK_T_BOOLEAN: return append_bool(v, b, err);
    case VONK_T_BYTE:
    case VONK_T_SHORT:
    case VONK_T_INT:
    case VONK_T_LONG: return append_integer(v, type->id, b, err);
    case VONK_T_FLOAT:
    case VONK_T_DOUBLE: return append_float(v, b, err);
    case VONK_T_DECIMAL: return append_decimal(v, type, b, err);
    case VONK_T_STRING:
    case VONK_T_CHAR:
    case VONK_T_VARCHAR: return append_string(v, b, err);
    case VONK_T_BINARY: return append_binary(v, b, err);
    case VONK_T_DATE:
    case VONK_T_TIME:
    case VONK_T_TIMESTAMP:
    case VONK_T_TIMESTAMP_NTZ:
    case VONK_T_INTERVAL_DAY_TIME: return append_time(v, type, o, b, err);
    case VONK_T_ARRAY: return append_array(v, type, o, b, err);
    case VONK_T_MAP: return append_map(v, type, o, b, err);
    case VONK_T_STRUCT: return append_struct(v, type, o, b, err);
    case VONK_T_VARIANT: return append_variant(v, o, b, err);
    case VONK_T_GEOMETRY:
    case VONK_T_GEOGRAPHY: return append_spatial(v, type, o, b, err);
    case VONK_T_UDT: return append(v, type->fields[0].type, o, b, err);
    default: return vonk_builder_null(b, err); /* Spark takes no other intervals */
    }
}

vonk_status vonk_pickle_append(const value *v, const vonk_type *type, const options *o, vonk_builder *b,
                               vonk_error *err)
{
    return append(v, type, o, b, err);
}
