/* source/partition_values.c -- types and values of partition columns: the narrowest of int, bigint, decimal, double,
 * date, timestamp, time, string that takes every text of the column, as Spark infers it. A text that stands for null
 * fits all; of nothing but those the type is void. */
#include "column/builder.h"
#include "source/files.h"
#include "text/date.h"
#include "text/number.h"

typedef enum value_kind {
    KIND_NULL,
    KIND_INT,
    KIND_LONG,
    KIND_DECIMAL,
    KIND_DOUBLE,
    KIND_DATE,
    KIND_TIMESTAMP,
    KIND_TIME,
    KIND_STRING
} value_kind;

typedef struct inference {
    vonk_budget *budget;
    const vonk_zone *zone;
    int64_t now_us;
    bool times; /* spark.sql.timeType.enabled */
} inference;

static bool is_decimal(vonk_str text, int *ret_precision)
{
    vonk_i128 value;
    int scale;
    if (text.len == 0 || (unsigned char)text.data[0] <= ' ' || (unsigned char)text.data[text.len - 1] <= ' ')
        return false;
    if (vonk_text_to_dec_exact(text, &value, &scale) != VONK_DEC_OK || scale > 0) return false;
    vonk_u128 size = value < 0 ? -(vonk_u128)value : (vonk_u128)value;
    *ret_precision = vonk_digits_u128(size) - scale;
    return *ret_precision <= VONK_MAX_PRECISION;
}

/* yyyy-MM-dd */
static bool is_date(vonk_str text)
{
    int32_t days;
    return text.len == 10 && text.data[4] == '-' && text.data[7] == '-' && vonk_text_to_date(text, &days);
}

/* yyyy-MM-dd HH:mm:ss[.S]: one digit of a fraction at most. */
static bool is_timestamp(const inference *in, vonk_str text)
{
    int64_t us;
    if (text.len != 19 && text.len != 21) return false;
    if (text.data[10] != ' ' || text.data[13] != ':' || text.data[16] != ':' ||
        (text.len == 21 && text.data[19] != '.'))
        return false;
    return is_date(vonk_str_sub(text, 0, 10)) && vonk_text_to_timestamp(text, in->zone, in->now_us, &us);
}

/* HH:mm:ss[.S], up to six digits of a fraction. */
static bool is_time(const inference *in, vonk_str text)
{
    int64_t ns;
    if (!in->times || text.len < 8 || text.len == 9 || text.len > 15 || text.data[2] != ':' || text.data[5] != ':')
        return false;
    return (text.len == 8 || text.data[8] == '.') && (unsigned char)text.data[text.len - 1] > ' ' &&
           vonk_text_to_time(text, &ns);
}

/* Java's parseInt and parseLong know no white space. */
static bool is_whole(vonk_str text, int64_t least, int64_t most)
{
    int64_t i;
    return text.len > 0 && (unsigned char)text.data[0] > ' ' && (unsigned char)text.data[text.len - 1] > ' ' &&
           vonk_text_to_i64(text, false, least, most, &i);
}

static value_kind kind_of(const inference *in, vonk_str text, int *ret_precision)
{
    double d;
    if (!text.data) return KIND_NULL;
    if (is_whole(text, INT32_MIN, INT32_MAX)) return KIND_INT;
    if (is_whole(text, INT64_MIN, INT64_MAX)) return KIND_LONG;
    if (is_decimal(text, ret_precision)) return KIND_DECIMAL;
    if (vonk_text_to_f64(text, &d)) return KIND_DOUBLE;
    if (is_date(text)) return KIND_DATE;
    if (is_timestamp(in, text)) return KIND_TIMESTAMP;
    if (is_time(in, text)) return KIND_TIME;
    return KIND_STRING;
}

/* Spark's wider type of two; what has none is text. */
static value_kind wider(value_kind a, value_kind b)
{
    if (a == b || b == KIND_NULL) return a;
    if (a == KIND_NULL) return b;
    if (a > b) {
        value_kind t = a;
        a = b;
        b = t;
    }
    if (b <= KIND_DECIMAL) return b;
    if (a == KIND_INT && b == KIND_DOUBLE) return KIND_DOUBLE;
    if (a == KIND_DATE && b == KIND_TIMESTAMP) return KIND_TIMESTAMP;
    return KIND_STRING;
}

static vonk_status type_of(value_kind kind, int precision, const vonk_type **ret, vonk_error *err)
{
    switch (kind) {
    case KIND_INT: *ret = &vonk_type_int; return VONK_OK;
    case KIND_LONG: *ret = &vonk_type_long; return VONK_OK;
    case KIND_DECIMAL: return vonk_type_decimal(precision, 0, ret, err);
    case KIND_DOUBLE: *ret = &vonk_type_double; return VONK_OK;
    case KIND_DATE: *ret = &vonk_type_date; return VONK_OK;
    case KIND_TIMESTAMP: *ret = &vonk_type_timestamp; return VONK_OK;
    case KIND_TIME: *ret = &vonk_type_time; return VONK_OK;
    case KIND_NULL: *ret = &vonk_type_null; return VONK_OK;
    case KIND_STRING: break;
    }
    *ret = &vonk_type_string;
    return VONK_OK;
}

static vonk_status bad_value(vonk_str text, vonk_str name, const vonk_type *type, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_INVALID_PARTITION_VALUE, "value", VONK_F("'%.*s'", VONK_STR_ARGS(text)), "columnName",
                     VONK_F("`%.*s`", VONK_STR_ARGS(name)), "dataType", VONK_TYPE_SQL(type));
}

static vonk_status put_value(const inference *in, vonk_builder *b, vonk_str text, vonk_str name, vonk_error *err)
{
    const vonk_type *t = b->type;
    int64_t i = 0;
    int32_t days = 0;
    double d = 0;
    vonk_i128 dec = 0;
    if (!text.data) return vonk_builder_null(b, err);
    switch (t->id) {
    case VONK_T_BOOLEAN:
        if (!vonk_str_is_nocase(text, "true") && !vonk_str_is_nocase(text, "false"))
            return bad_value(text, name, t, err);
        return vonk_builder_bool(b, vonk_str_is_nocase(text, "true"), err);
    case VONK_T_BYTE:
    case VONK_T_SHORT:
    case VONK_T_INT:
    case VONK_T_LONG: {
        int bits = t->id == VONK_T_BYTE ? 7 : t->id == VONK_T_SHORT ? 15 : t->id == VONK_T_INT ? 31 : 63;
        int64_t most = (int64_t)((UINT64_C(1) << bits) - 1);
        return vonk_text_to_i64(text, false, -most - 1, most, &i) ? vonk_builder_i64(b, i, err)
                                                                  : bad_value(text, name, t, err);
    }
    case VONK_T_DECIMAL:
        return vonk_text_to_dec(text, t->precision, t->scale, &dec) == VONK_DEC_OK ? vonk_builder_i128(b, dec, err)
                                                                                   : bad_value(text, name, t, err);
    case VONK_T_FLOAT:
    case VONK_T_DOUBLE: return vonk_text_to_f64(text, &d) ? vonk_builder_f64(b, d, err) : bad_value(text, name, t, err);
    case VONK_T_DATE:
        return vonk_text_to_date(text, &days) ? vonk_builder_i64(b, days, err) : bad_value(text, name, t, err);
    case VONK_T_TIMESTAMP:
        return vonk_text_to_timestamp(text, in->zone, in->now_us, &i) ? vonk_builder_i64(b, i, err)
                                                                      : bad_value(text, name, t, err);
    case VONK_T_TIMESTAMP_NTZ:
        return vonk_text_to_timestamp_ntz(text, true, &i) ? vonk_builder_i64(b, i, err) : bad_value(text, name, t, err);
    case VONK_T_TIME: return vonk_text_to_time(text, &i) ? vonk_builder_i64(b, i, err) : bad_value(text, name, t, err);
    case VONK_T_STRING:
    case VONK_T_CHAR:
    case VONK_T_VARCHAR: return vonk_builder_str(b, text, err);
    default: return VONK_FAIL(err, VONK_E_INVALID_PARTITION_COLUMN_DATA_TYPE, "type", VONK_TYPE_SQL(t));
    }
}

static void drop_column(void *column) { vonk_column_unref(column); }
static void drop_type(void *type) { vonk_type_unref(type); }

static vonk_status make_value(const inference *in, source_files *files, const vonk_type *type, vonk_str text,
                              vonk_str name, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_TRY(vonk_builder_init(&b, in->budget, type, 1, err));
    VONK_TRY(put_value(in, &b, text, name, err));
    VONK_TRY(vonk_builder_finish(&b, ret, err));
    return vonk_arena_on_free(files->arena, drop_column, *ret, err);
}

static vonk_status infer_column(const inference *in, const source_files *files, uint32_t n, uint32_t c,
                                const vonk_str *texts, bool infer, const vonk_type **ret, vonk_error *err)
{
    value_kind kind = KIND_NULL;
    int precision = 0;
    for (size_t f = 0; f < files->n; f++) {
        int p = 0;
        value_kind k = infer ? kind_of(in, texts[f * n + c], &p) : KIND_STRING;
        kind = wider(kind, k);
        if (k == KIND_INT || k == KIND_LONG) p = k == KIND_INT ? 10 : 20; /* as decimals */
        if (p > precision) precision = p;
    }
    return type_of(kind, precision, ret, err);
}

vonk_status vonk__partition_values(vonk_budget *budget, const vonk_conf *conf, const vonk_fn_env *env,
                                   source_files *files, const vonk_str *names, uint32_t n, const vonk_str *texts,
                                   const vonk_type *wanted, vonk_error *err)
{
    inference in = {
        .budget = budget, .now_us = env->now_us, .times = vonk_conf_bool(conf, "spark.sql.timeType.enabled")};
    bool infer = vonk_conf_bool(conf, "spark.sql.sources.partitionColumnTypeInference.enabled");
    vonk_field *fields = NULL;
    VONK_TRY(vonk_zone_find(env->time_zone, &in.zone, err));
    VONK_TRY(vonk_arena_array(files->arena, n, sizeof *fields, &fields, err));
    for (uint32_t c = 0; c < n; c++) {
        int given = wanted ? vonk_type_field_index(wanted, names[c], env->case_sensitive) : -1;
        fields[c] = (vonk_field){.name = names[c], .nullable = true};
        if (given >= 0) {
            fields[c].name = wanted->fields[given].name;
            fields[c].type = vonk_type_ref(wanted->fields[given].type);
        } else {
            VONK_TRY(infer_column(&in, files, n, c, texts, infer, &fields[c].type, err));
        }
        VONK_TRY(vonk_arena_on_free(files->arena, drop_type, (void *)(uintptr_t)fields[c].type, err));
    }
    VONK_TRY(vonk_type_struct(fields, n, &files->partitions, err));
    VONK_TRY(vonk_arena_on_free(files->arena, drop_type, (void *)(uintptr_t)files->partitions, err));
    for (size_t f = 0; f < files->n; f++) {
        VONK_TRY(vonk_arena_array(files->arena, n, sizeof *files->at[f].values, &files->at[f].values, err));
        for (uint32_t c = 0; c < n; c++)
            VONK_TRY(make_value(&in, files, fields[c].type, texts[f * n + c], names[c], &files->at[f].values[c], err));
    }
    return VONK_OK;
}
