/* column/type.c -- type objects: static ones, makers, equality, classes. One dynamic type is one allocation: struct,
 * fields, texts. */
#include "column/type.h"

#include "base/strmap.h"
#include "column/type_int.h"

#define STATIC_TYPE(name, ident, store, ...)                                                                           \
    const vonk_type vonk_type_##name = {                                                                               \
        .id = VONK_T_##ident, .storage = VONK_STORE_##store, .depth = 1, .refs = -1, ##__VA_ARGS__}
STATIC_TYPE(null, NULL, NONE);
STATIC_TYPE(boolean, BOOLEAN, BIT);
STATIC_TYPE(byte, BYTE, I8);
STATIC_TYPE(short, SHORT, I16);
STATIC_TYPE(int, INT, I32);
STATIC_TYPE(long, LONG, I64);
STATIC_TYPE(float, FLOAT, F32);
STATIC_TYPE(double, DOUBLE, F64);
STATIC_TYPE(string, STRING, VIEW);
STATIC_TYPE(binary, BINARY, VIEW);
STATIC_TYPE(date, DATE, I32);
STATIC_TYPE(timestamp, TIMESTAMP, I64, .precision = 6);
STATIC_TYPE(timestamp_ntz, TIMESTAMP_NTZ, I64, .precision = 6);
STATIC_TYPE(calendar_interval, INTERVAL_CALENDAR, INTERVAL);
STATIC_TYPE(variant, VARIANT, NONE);
STATIC_TYPE(year_month, INTERVAL_YEAR_MONTH, I32, .first = VONK_YEAR, .last = VONK_MONTH);
STATIC_TYPE(day_time, INTERVAL_DAY_TIME, I64, .first = VONK_DAY, .last = VONK_SECOND);
STATIC_TYPE(time, TIME, I64, .precision = 6);

/* ---- references */

const vonk_type *vonk_type_ref(const vonk_type *type)
{
    vonk_type *t = (vonk_type *)type; /* the count is the only mutable part */
    if (atomic_load_explicit(&t->refs, memory_order_relaxed) >= 0)
        atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return type;
}

void vonk_type_unref(const vonk_type *type)
{
    vonk_type *t = (vonk_type *)type;
    if (!t || atomic_load_explicit(&t->refs, memory_order_relaxed) < 0) return;
    if (atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1) return;
    for (uint32_t i = 0; i < t->n_fields; i++) vonk_type_unref(t->fields[i].type);
    vonk_free(t);
}

/* ---- makers */

static vonk_str copy_text(char **at, vonk_str text)
{
    if (text.len == 0) return VONK_STR_NONE;
    char *to = *at;
    memcpy(to, text.data, text.len);
    *at += text.len;
    return (vonk_str){to, text.len};
}

/* A copy of `head` with its own fields and texts; `depth` is set here. */
static vonk_status make(const vonk_type *head, const vonk_field *fields, size_t n, const vonk_type **ret,
                        vonk_error *err)
{
    size_t texts = head->udt_class.len + head->udt_py_class.len + head->udt_serialized.len;
    unsigned depth = 1;
    if (n > VONK_MAX_FIELDS)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "structs of more than 1000000 fields");
    for (size_t i = 0; i < n; i++) {
        texts += fields[i].name.len + fields[i].metadata.len;
        if (fields[i].type->depth + 1u > depth) depth = fields[i].type->depth + 1u;
    }
    if (depth > VONK_MAX_TYPE_DEPTH)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "types nested more than 128 deep");
    vonk_type *t;
    VONK_TRY(vonk_alloc(vonk_budget_root(), sizeof(*t) + n * sizeof(vonk_field) + texts, &t, err));
    memcpy(t, head, sizeof(*t));
    vonk_field *own = (vonk_field *)(t + 1);
    char *at = (char *)(own + n);
    for (size_t i = 0; i < n; i++)
        own[i] = (vonk_field){.name = copy_text(&at, fields[i].name),
                              .type = vonk_type_ref(fields[i].type),
                              .nullable = fields[i].nullable,
                              .metadata = copy_text(&at, fields[i].metadata)};
    t->udt_class = copy_text(&at, head->udt_class);
    t->udt_py_class = copy_text(&at, head->udt_py_class);
    t->udt_serialized = copy_text(&at, head->udt_serialized);
    t->fields = n ? own : NULL;
    t->n_fields = (uint32_t)n;
    t->depth = (uint8_t)depth;
    atomic_init(&t->refs, 1);
    *ret = t;
    return VONK_OK;
}

vonk_status vonk_type_decimal(int precision, int scale, const vonk_type **ret, vonk_error *err)
{
    if (precision > VONK_MAX_PRECISION)
        return VONK_FAIL(err, VONK_E_DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION, "precision", VONK_F("%d", precision),
                         "maxPrecision", VONK_F("%d", VONK_MAX_PRECISION));
    if (scale < 0)
        return VONK_FAIL(err, VONK_E_NEGATIVE_SCALE_DISALLOWED, "scale", VONK_F("%d", scale), "sqlConf",
                         "\"spark.sql.legacy.allowNegativeScaleOfDecimal\"");
    if (scale > precision)
        return VONK_FAIL(err, VONK_E_DECIMAL_SCALE_EXCEEDS_PRECISION, "scale", VONK_F("%d", scale), "precision",
                         VONK_F("%d", precision));
    vonk_type head = {.id = VONK_T_DECIMAL,
                      .storage = precision <= 18 ? VONK_STORE_I64 : VONK_STORE_I128,
                      .precision = (uint8_t)precision,
                      .scale = (int8_t)scale};
    return make(&head, NULL, 0, ret, err);
}

vonk_status vonk__type_stringy(vonk_type_id id, int32_t length, int32_t collation, bool shown, const vonk_type **ret,
                               vonk_error *err)
{
    if (length < 0)
        return VONK_FAIL(err, VONK_E_DATATYPE_PARAMETER_VALUE_OUT_OF_RANGE, "parameter", "length", "value",
                         VONK_F("%d", length), "type", id == VONK_T_CHAR ? "CHAR" : "VARCHAR");
    vonk_type head = {
        .id = id, .storage = VONK_STORE_VIEW, .length = length, .collation = collation, .collate_shown = shown};
    return make(&head, NULL, 0, ret, err);
}
vonk_status vonk_type_char(int32_t length, const vonk_type **ret, vonk_error *err)
{
    return vonk__type_stringy(VONK_T_CHAR, length, 0, false, ret, err);
}
vonk_status vonk_type_varchar(int32_t length, const vonk_type **ret, vonk_error *err)
{
    return vonk__type_stringy(VONK_T_VARCHAR, length, 0, false, ret, err);
}
vonk_status vonk_type_collated(int32_t collation, const vonk_type **ret, vonk_error *err)
{
    if (collation == VONK_COLLATION_UTF8_BINARY) {
        *ret = &vonk_type_string;
        return VONK_OK;
    }
    return vonk__type_stringy(VONK_T_STRING, 0, collation, false, ret, err);
}

vonk_status vonk_type_time_of(int precision, const vonk_type **ret, vonk_error *err)
{
    if (precision < 0 || precision > 9)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_TIME_PRECISION, "precision", VONK_F("%d", precision));
    vonk_type head = {.id = VONK_T_TIME, .storage = VONK_STORE_I64, .precision = (uint8_t)precision};
    return make(&head, NULL, 0, ret, err);
}

vonk_status vonk_type_timestamp_nanos(bool ntz, int precision, const vonk_type **ret, vonk_error *err)
{
    if (precision < 7 || precision > 9)
        return VONK_FAIL(err, VONK_E_INVALID_TIMESTAMP_PRECISION, "precision", VONK_F("%d", precision), "type",
                         ntz ? "TIMESTAMP_NTZ" : "TIMESTAMP_LTZ");
    vonk_type head = {.id = ntz ? VONK_T_TIMESTAMP_NTZ_NANOS : VONK_T_TIMESTAMP_NANOS,
                      .storage = VONK_STORE_I128,
                      .precision = (uint8_t)precision};
    return make(&head, NULL, 0, ret, err);
}

static vonk_status make_interval(vonk_type_id id, vonk_storage storage, int most, vonk_interval_field first,
                                 vonk_interval_field last, const vonk_type **ret, vonk_error *err)
{
    if ((int)first > (int)last || (int)last > most)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                         VONK_F("interval of fields %d to %d", (int)first, (int)last));
    vonk_type head = {.id = id, .storage = storage, .first = (uint8_t)first, .last = (uint8_t)last};
    return make(&head, NULL, 0, ret, err);
}
vonk_status vonk_type_interval_ym(vonk_interval_field first, vonk_interval_field last, const vonk_type **ret,
                                  vonk_error *err)
{
    return make_interval(VONK_T_INTERVAL_YEAR_MONTH, VONK_STORE_I32, VONK_MONTH, first, last, ret, err);
}
vonk_status vonk_type_interval_dt(vonk_interval_field first, vonk_interval_field last, const vonk_type **ret,
                                  vonk_error *err)
{
    return make_interval(VONK_T_INTERVAL_DAY_TIME, VONK_STORE_I64, VONK_SECOND, first, last, ret, err);
}

vonk_status vonk_type_array(const vonk_type *element, bool contains_null, const vonk_type **ret, vonk_error *err)
{
    vonk_type head = {.id = VONK_T_ARRAY, .storage = VONK_STORE_SPAN};
    vonk_field f = {.name = VONK_STR("element"), .type = element, .nullable = contains_null};
    return make(&head, &f, 1, ret, err);
}

vonk_status vonk_type_map(const vonk_type *key, const vonk_type *value, bool value_contains_null, const vonk_type **ret,
                          vonk_error *err)
{
    vonk_type head = {.id = VONK_T_MAP, .storage = VONK_STORE_SPAN};
    vonk_field f[2] = {{.name = VONK_STR("key"), .type = key},
                       {.name = VONK_STR("value"), .type = value, .nullable = value_contains_null}};
    return make(&head, f, 2, ret, err);
}

vonk_status vonk_type_struct(const vonk_field *fields, size_t n, const vonk_type **ret, vonk_error *err)
{
    vonk_type head = {.id = VONK_T_STRUCT, .storage = VONK_STORE_NONE};
    return make(&head, fields, n, ret, err);
}

vonk_status vonk_type_spatial(bool geography, int32_t srid, const vonk_type **ret, vonk_error *err)
{
    if (!vonk__srid_is_known(geography, srid))
        return VONK_FAIL(err, VONK_E_ST_INVALID_SRID_VALUE, "srid", VONK_F("%d", srid));
    vonk_type head = {.id = geography ? VONK_T_GEOGRAPHY : VONK_T_GEOMETRY, .storage = VONK_STORE_VIEW, .length = srid};
    return make(&head, NULL, 0, ret, err);
}

vonk_status vonk_type_udt(const vonk_type *sql_type, vonk_str class_name, vonk_str py_class, vonk_str serialized,
                          const vonk_type **ret, vonk_error *err)
{
    vonk_type head = {.id = VONK_T_UDT,
                      .storage = sql_type->storage,
                      .precision = sql_type->precision,
                      .scale = sql_type->scale,
                      .udt_class = class_name,
                      .udt_py_class = py_class,
                      .udt_serialized = serialized};
    vonk_field f = {.name = VONK_STR("sqlType"), .type = sql_type, .nullable = true};
    return make(&head, &f, 1, ret, err);
}

/* ---- equality */

typedef enum strictness { HOW_SAME, HOW_EXACT, HOW_METADATA } strictness;

static bool equal(const vonk_type *a, const vonk_type *b, strictness how)
{
    if (a == b) return true;
    if (a->id != b->id || a->n_fields != b->n_fields || a->precision != b->precision || a->scale != b->scale ||
        a->first != b->first || a->last != b->last || a->length != b->length || a->collation != b->collation)
        return false;
    if (a->id == VONK_T_UDT &&
        !(vonk_str_eq(a->udt_class, b->udt_class) && vonk_str_eq(a->udt_py_class, b->udt_py_class)))
        return false;
    bool names = a->id == VONK_T_STRUCT;
    for (uint32_t i = 0; i < a->n_fields; i++) {
        const vonk_field *x = &a->fields[i], *y = &b->fields[i];
        if (how == HOW_SAME) {
            if (names && !vonk_str_eq_nocase(x->name, y->name)) return false;
        } else {
            if (x->nullable != y->nullable || (names && !vonk_str_eq(x->name, y->name))) return false;
            if (how == HOW_METADATA && !vonk_str_eq(x->metadata, y->metadata)) return false;
        }
        if (!equal(x->type, y->type, how)) return false;
    }
    return true;
}

bool vonk_type_eq(const vonk_type *a, const vonk_type *b) { return equal(a, b, HOW_EXACT); }
bool vonk_type_eq_exact(const vonk_type *a, const vonk_type *b) { return equal(a, b, HOW_METADATA); }
bool vonk_type_same(const vonk_type *a, const vonk_type *b) { return equal(a, b, HOW_SAME); }

/* ---- classes */

bool vonk_type_is_integral(const vonk_type *t) { return t->id >= VONK_T_BYTE && t->id <= VONK_T_LONG; }
bool vonk_type_is_numeric(const vonk_type *t) { return t->id >= VONK_T_BYTE && t->id <= VONK_T_DECIMAL; }
bool vonk_type_is_stringy(const vonk_type *t)
{
    return t->id == VONK_T_STRING || t->id == VONK_T_CHAR || t->id == VONK_T_VARCHAR;
}
bool vonk_type_is_datetime(const vonk_type *t)
{
    return t->id == VONK_T_DATE || (t->id >= VONK_T_TIMESTAMP && t->id <= VONK_T_TIMESTAMP_NTZ_NANOS);
}

bool vonk_type_is_interval(const vonk_type *t)
{
    return t->id == VONK_T_INTERVAL_YEAR_MONTH || t->id == VONK_T_INTERVAL_DAY_TIME ||
           t->id == VONK_T_INTERVAL_CALENDAR;
}

bool vonk_type_is_atomic(const vonk_type *t)
{
    switch (t->id) {
    case VONK_T_NULL:
    case VONK_T_INTERVAL_CALENDAR:
    case VONK_T_ARRAY:
    case VONK_T_MAP:
    case VONK_T_STRUCT:
    case VONK_T_UDT: return false;
    default: return true;
    }
}

bool vonk_type_is_orderable(const vonk_type *t)
{
    switch (t->id) {
    case VONK_T_VARIANT:
    case VONK_T_GEOMETRY:
    case VONK_T_GEOGRAPHY:
    case VONK_T_INTERVAL_CALENDAR:
    case VONK_T_MAP: return false;
    default: break;
    }
    for (uint32_t i = 0; i < t->n_fields; i++)
        if (!vonk_type_is_orderable(t->fields[i].type)) return false;
    return true;
}

bool vonk_type_has(const vonk_type *t, vonk_type_id id)
{
    if (t->id == id) return true;
    for (uint32_t i = 0; i < t->n_fields; i++)
        if (vonk_type_has(t->fields[i].type, id)) return true;
    return false;
}

size_t vonk_storage_bytes(vonk_storage storage)
{
    switch (storage) {
    case VONK_STORE_I8: return 1;
    case VONK_STORE_I16: return 2;
    case VONK_STORE_I32:
    case VONK_STORE_F32: return 4;
    case VONK_STORE_I64:
    case VONK_STORE_F64:
    case VONK_STORE_SPAN: return 8;
    case VONK_STORE_I128:
    case VONK_STORE_VIEW:
    case VONK_STORE_INTERVAL: return 16;
    default: return 0;
    }
}

int64_t vonk_type_default_bytes(const vonk_type *t)
{
    switch (t->id) {
    case VONK_T_NULL:
    case VONK_T_BOOLEAN:
    case VONK_T_BYTE: return 1;
    case VONK_T_SHORT: return 2;
    case VONK_T_INT:
    case VONK_T_FLOAT:
    case VONK_T_DATE:
    case VONK_T_INTERVAL_YEAR_MONTH: return 4;
    case VONK_T_DECIMAL: return t->precision <= 18 ? 8 : 16;
    case VONK_T_STRING: return 20;
    case VONK_T_CHAR:
    case VONK_T_VARCHAR: return t->length;
    case VONK_T_BINARY: return 100;
    case VONK_T_TIMESTAMP_NANOS:
    case VONK_T_TIMESTAMP_NTZ_NANOS: return 10;
    case VONK_T_INTERVAL_CALENDAR: return 16;
    case VONK_T_VARIANT:
    case VONK_T_GEOMETRY:
    case VONK_T_GEOGRAPHY: return 2048;
    case VONK_T_ARRAY:
    case VONK_T_MAP:
    case VONK_T_STRUCT:
    case VONK_T_UDT: {
        int64_t sum = 0;
        for (uint32_t i = 0; i < t->n_fields; i++) {
            int64_t more = vonk_type_default_bytes(t->fields[i].type);
            if (__builtin_add_overflow(sum, more, &sum)) return INT64_MAX;
        }
        return sum;
    }
    default: return 8;
    }
}

int vonk_type_field_index(const vonk_type *t, vonk_str name, bool case_sensitive)
{
    int found = -1;
    for (uint32_t i = 0; i < t->n_fields; i++) {
        vonk_str f = t->fields[i].name;
        if (f.len != name.len || !(case_sensitive ? vonk_str_eq(f, name) : vonk_str_eq_nocase(f, name))) continue;
        if (found >= 0) return -2;
        found = (int)i;
    }
    return found;
}

vonk_status vonk_type_name_twice(vonk_str name, bool case_sensitive, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf shown = {0};
    vonk_buf_init(&shown, vonk_budget_root(), SIZE_MAX);
    VONK_TRY(vonk_buf_add_byte(&shown, '`', err));
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (c == '`') VONK_TRY(vonk_buf_add_byte(&shown, c, err));
        VONK_TRY(vonk_buf_add_byte(&shown, !case_sensitive && c >= 'A' && c <= 'Z' ? (char)(c | 32) : c, err));
    }
    VONK_TRY(vonk_buf_add_byte(&shown, '`', err));
    return VONK_FAIL(err, VONK_E_COLUMN_ALREADY_EXISTS, "columnName", VONK_S(vonk_buf_str(&shown)));
}

vonk_status vonk_type_check_names(const vonk_type *t, bool case_sensitive, vonk_error *err)
{
    VONK_AUTO(vonk_strmap_free) vonk_strmap *seen = NULL;
    VONK_TRY(vonk_strmap_new(vonk_budget_root(), !case_sensitive, &seen, err));
    for (uint32_t i = 0; i < t->n_fields; i++) {
        void *before;
        VONK_TRY(vonk_strmap_put(seen, t->fields[i].name, (void *)(uintptr_t)t, &before, err));
        if (before) return vonk_type_name_twice(t->fields[i].name, case_sensitive, err);
    }
    return VONK_OK;
}
