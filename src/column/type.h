/* column/type.h -- Spark SQL types: immutable, reference-counted, shared between threads.
 *
 * Types without parameters are static objects (ref and unref do nothing on them). Names: `simpleString` ("array<int>"), SQL ("ARRAY<INT>"),
 * JSON (Spark's schema JSON) and DDL are Spark's exact forms. Parsing of DDL text and JSON lives here too, because files, clients and SQL need it. */
#ifndef VONK_COLUMN_TYPE_H
#define VONK_COLUMN_TYPE_H

#include "base/buf.h"

typedef enum vonk_type_id {
#define TYPE(id, sql, json, storage) VONK_T_##id,
#include "column/type.def"
#undef TYPE
    VONK_N_TYPE
} vonk_type_id;

/* How one value lies in a column's data buffer. */
typedef enum vonk_storage {
    VONK_STORE_NONE,     /* nothing of its own: void, struct, variant */
    VONK_STORE_BIT,      /* bitmap */
    VONK_STORE_I8,
    VONK_STORE_I16,
    VONK_STORE_I32,
    VONK_STORE_I64,
    VONK_STORE_I128,     /* vonk_i128, 16-byte aligned */
    VONK_STORE_F32,
    VONK_STORE_F64,
    VONK_STORE_VIEW,     /* vonk_view, 16 bytes */
    VONK_STORE_INTERVAL, /* vonk_interval, 16 bytes */
    VONK_STORE_SPAN,     /* vonk_span, 8 bytes */
    VONK_STORE_DECIMAL,  /* only in type.def: resolved to I64 or I128 */
    VONK_STORE_UDT       /* only in type.def: the sql type's storage */
} vonk_storage;

typedef enum vonk_interval_field { /* bounds of ANSI intervals, as Spark numbers them */
    VONK_YEAR = 0, VONK_MONTH = 1,
    VONK_DAY = 0, VONK_HOUR = 1, VONK_MINUTE = 2, VONK_SECOND = 3
} vonk_interval_field;

typedef struct vonk_field {
    vonk_str         name;
    const vonk_type *type;
    bool             nullable;
    vonk_str         metadata; /* JSON object text, or empty */
} vonk_field;

#define VONK_COLLATION_UTF8_BINARY 0
#define VONK_MAX_TYPE_DEPTH        128 /* making a deeper type fails */
#define VONK_MAX_PRECISION         38

struct vonk_type {
    vonk_type_id      id;
    vonk_storage      storage;
    uint8_t           precision;   /* decimal 1..38; time and timestamps: fractional digits */
    int8_t            scale;       /* decimal 0..precision */
    uint8_t           first, last; /* ANSI interval fields */
    int32_t           length;      /* char, varchar: characters. geometry, geography: SRID */
    int32_t           collation;   /* strings: Spark's collation id, 0 = UTF8_BINARY */
    bool             collate_shown; /* "collate UTF8_BINARY" was written out: shows in texts, means nothing else */
    uint8_t          depth;         /* 1 for types without children; at most VONK_MAX_TYPE_DEPTH, so walks may recurse */
    uint32_t          n_fields;    /* array: 1 ("element"), map: 2 ("key", "value"), struct: its fields, UDT: 1 (sql type) */
    const vonk_field *fields;
    vonk_str          udt_class, udt_py_class, udt_serialized; /* UDT only */
    _Atomic int64_t   refs;        /* < 0: static */
};

/* Static types. */
extern const vonk_type vonk_type_null, vonk_type_boolean, vonk_type_byte, vonk_type_short, vonk_type_int, vonk_type_long, vonk_type_float,
    vonk_type_double, vonk_type_string, vonk_type_binary, vonk_type_date, vonk_type_timestamp, vonk_type_timestamp_ntz, vonk_type_calendar_interval,
    vonk_type_variant, vonk_type_year_month /* year to month */, vonk_type_day_time /* day to second */, vonk_type_time /* time(6) */;

const vonk_type *vonk_type_ref(const vonk_type *type);
void             vonk_type_unref(const vonk_type *type); /* NULL is fine */
static inline void vonk_type_unref_auto(const vonk_type **p) { vonk_type_unref(*p); }

/* Makers: the result is a new reference; names and metadata are copied, child types referenced. Memory: the root budget. */
vonk_status vonk_type_decimal(int precision, int scale, const vonk_type **ret, vonk_error *err);
vonk_status vonk_type_char(int32_t length, const vonk_type **ret, vonk_error *err);
vonk_status vonk_type_varchar(int32_t length, const vonk_type **ret, vonk_error *err);
vonk_status vonk_type_collated(int32_t collation, const vonk_type **ret, vonk_error *err);
vonk_status vonk_type_time_of(int precision, const vonk_type **ret, vonk_error *err);
vonk_status vonk_type_timestamp_nanos(bool ntz, int precision, const vonk_type **ret, vonk_error *err);
vonk_status vonk_type_interval_ym(vonk_interval_field first, vonk_interval_field last, const vonk_type **ret, vonk_error *err);
vonk_status vonk_type_interval_dt(vonk_interval_field first, vonk_interval_field last, const vonk_type **ret, vonk_error *err);
vonk_status vonk_type_array(const vonk_type *element, bool contains_null, const vonk_type **ret, vonk_error *err);
vonk_status vonk_type_map(const vonk_type *key, const vonk_type *value, bool value_contains_null, const vonk_type **ret, vonk_error *err);
vonk_status vonk_type_struct(const vonk_field *fields, size_t n, const vonk_type **ret, vonk_error *err);
vonk_status vonk_type_spatial(bool geography, int32_t srid, const vonk_type **ret, vonk_error *err); /* srid -1: any */
vonk_status vonk_type_udt(const vonk_type *sql_type, vonk_str class_name, vonk_str py_class, vonk_str serialized, const vonk_type **ret, vonk_error *err);

/* Equality. `exact`: names (case-sensitive), nullability and metadata count; else only what Spark's sameType compares (structure and names' case ignored). */
bool vonk_type_eq(const vonk_type *a, const vonk_type *b);       /* exact, metadata ignored */
bool vonk_type_eq_exact(const vonk_type *a, const vonk_type *b); /* exact, metadata too */
bool vonk_type_same(const vonk_type *a, const vonk_type *b);     /* nullability and metadata ignored */

/* Classes used by type rules. */
bool vonk_type_is_numeric(const vonk_type *t);  /* byte .. double, decimal */
bool vonk_type_is_integral(const vonk_type *t); /* byte, short, int, long */
bool vonk_type_is_stringy(const vonk_type *t);  /* string, char, varchar */
bool vonk_type_is_datetime(const vonk_type *t); /* date, timestamps */
bool vonk_type_is_interval(const vonk_type *t); /* year-month, day-time, calendar */
bool vonk_type_is_atomic(const vonk_type *t);
bool vonk_type_is_orderable(const vonk_type *t);
bool vonk_type_has(const vonk_type *t, vonk_type_id id); /* itself or anywhere inside */
int64_t vonk_type_default_bytes(const vonk_type *t);      /* Spark's defaultSize: what its statistics assume per value */
size_t vonk_storage_bytes(vonk_storage storage); /* of one value; 0 for NONE and BIT */
/* Index of a struct's field; -1: none; -2: more than one (case folded). */
int vonk_type_field_index(const vonk_type *t, vonk_str name, bool case_sensitive);
/* COLUMN_ALREADY_EXISTS: the name in small letters unless they count; and the same when two fields of a struct have one name. */
vonk_status vonk_type_name_twice(vonk_str name, bool case_sensitive, vonk_error *err);
vonk_status vonk_type_check_names(const vonk_type *struct_type, bool case_sensitive, vonk_error *err);

/* Texts; appended to `out`. */
vonk_status vonk_type_simple_string(const vonk_type *t, vonk_buf *out, vonk_error *err);  /* struct<a:int>, cut after max_fields as Spark where it shows plans */
vonk_status vonk_type_catalog_string(const vonk_type *t, vonk_buf *out, vonk_error *err); /* never cut */
vonk_status vonk_type_sql(const vonk_type *t, vonk_buf *out, vonk_error *err);            /* STRUCT<a: INT NOT NULL> */
vonk_status vonk_type_json(const vonk_type *t, vonk_buf *out, vonk_error *err);
vonk_status vonk_type_ddl(const vonk_type *struct_type, vonk_buf *out, vonk_error *err);  /* a INT NOT NULL,b STRING */
vonk_status vonk_type_tree_string(const vonk_type *struct_type, int32_t max_level, vonk_buf *out, vonk_error *err); /* printSchema; level 0: all */

/* The same struct field texts for one field: quoted only if it must be (Spark's quoteIfNeeded). */
vonk_status vonk_type_quote_name(vonk_str name, vonk_buf *out, vonk_error *err);

/* What the session's configuration changes in the words of types. */
typedef struct vonk_type_options {
    bool nanos;         /* spark.sql.timestampNanosTypes.enabled: timestamp_ntz(9) and timestamp_ltz(9) are types */
    bool timestamp_ntz; /* spark.sql.timestampType = TIMESTAMP_NTZ: "timestamp" means timestamp_ntz */
} vonk_type_options;

/* Parsers. Depth is limited. Errors: PARSE_SYNTAX_ERROR, UNSUPPORTED_DATATYPE, INVALID_JSON_DATA_TYPE, ... as Spark. */
vonk_status vonk_type_parse(vonk_str text, const vonk_type **ret, vonk_error *err);     /* one type: "array<int>", "DECIMAL(10, 2)" */
vonk_status vonk_type_parse_ddl(vonk_str text, const vonk_type **ret, vonk_error *err); /* a table schema -> struct; also accepts one type, as Spark's fromDDL */
/* `table`: as parse_ddl, else as parse. NULL options: Spark's defaults. */
vonk_status vonk_type_parse_with(vonk_str text, bool table, const vonk_type_options *options, const vonk_type **ret, vonk_error *err);
vonk_status vonk_type_parse_json(vonk_str text, const vonk_type **ret, vonk_error *err);

/* Text of a type for error parameters: VONK_TYPE_SQL(t) gives "\"DECIMAL(10,2)\"" quoted as Spark does; lives until the block ends. */
#define VONK_TYPE_SQL(t) vonk_type_quote((t), (char[1024]){0}, 1024)
const char *vonk_type_quote(const vonk_type *t, char *into, size_t bytes);

#endif
