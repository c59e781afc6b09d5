/* serve/connect/observed.c -- what DataFrame.observe() counted, as literals in a response. */
#include "serve/connect/engine_int.h"

/* The member of Literal that holds an integer of this type, or 0. */
static int integer_field(vonk_type_id id)
{
    switch (id) {
    case VONK_T_BOOLEAN: return PB_EXPRESSION_LITERAL_BOOLEAN;
    case VONK_T_BYTE: return PB_EXPRESSION_LITERAL_BYTE;
    case VONK_T_SHORT: return PB_EXPRESSION_LITERAL_SHORT;
    case VONK_T_INT: return PB_EXPRESSION_LITERAL_INTEGER;
    case VONK_T_LONG: return PB_EXPRESSION_LITERAL_LONG;
    case VONK_T_DATE: return PB_EXPRESSION_LITERAL_DATE;
    case VONK_T_TIMESTAMP: return PB_EXPRESSION_LITERAL_TIMESTAMP;
    case VONK_T_TIMESTAMP_NTZ: return PB_EXPRESSION_LITERAL_TIMESTAMP_NTZ;
    case VONK_T_INTERVAL_YEAR_MONTH: return PB_EXPRESSION_LITERAL_YEAR_MONTH_INTERVAL;
    case VONK_T_INTERVAL_DAY_TIME: return PB_EXPRESSION_LITERAL_DAY_TIME_INTERVAL;
    default: return 0;
    }
}

static vonk_status put_decimal(vonk_pb_writer *w, const vonk_query *query, const vonk_column *column, uint32_t row,
                               vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};

    vonk_buf_init(&text, vonk_budget_root(), SIZE_MAX);
    VONK_TRY(vonk_query_text(query, column, row, &text, err));
    const size_t mark = vonk_pb_begin(w, PB_EXPRESSION_LITERAL_DECIMAL);
    vonk_pb_put_str(w, PB_EXPRESSION_LITERAL_DECIMAL_VALUE, vonk_buf_str(&text));
    vonk_pb_put_i64(w, PB_EXPRESSION_LITERAL_DECIMAL_PRECISION, column->type->precision);
    vonk_pb_put_i64(w, PB_EXPRESSION_LITERAL_DECIMAL_SCALE, column->type->scale);
    vonk_pb_end(w, mark);
    return VONK_OK;
}

static vonk_status put_value(vonk_pb_writer *w, int field, const vonk_query *query, const vonk_column *column,
                             uint32_t row, vonk_error *err);

/* Children of a nested value: rows from..to of a child column, each as a literal. */
static vonk_status put_values(vonk_pb_writer *w, int field, const vonk_query *query, const vonk_column *child,
                              uint32_t from, uint32_t n, vonk_error *err)
{
    for (uint32_t i = 0; i < n; i++)
        VONK_TRY(put_value(w, field, query, child, from + i, err)); /* as deep as the type, which is bounded */
    return VONK_OK;
}

static vonk_status put_nested(vonk_pb_writer *w, const vonk_query *query, const vonk_column *column, uint32_t row,
                              vonk_error *err)
{
    uint32_t at = 0;
    const vonk_column *flat = vonk_column_locate(column, row, &at);
    size_t mark = 0;

    if (column->type->id == VONK_T_STRUCT) {
        mark = vonk_pb_begin(w, PB_EXPRESSION_LITERAL_STRUCT);
        VONK_TRY(vonk_translate_put_type(w, PB_EXPRESSION_LITERAL_STRUCT_STRUCT_TYPE, column->type, err));
        for (uint32_t i = 0; i < column->type->n_fields; i++)
            VONK_TRY(put_value(w, PB_EXPRESSION_LITERAL_STRUCT_ELEMENTS, query, flat->children[i], at, err));
        vonk_pb_end(w, mark);
        return VONK_OK;
    }
    const vonk_span *span = &VONK_VALUES(flat, vonk_span)[at];
    if (column->type->id == VONK_T_ARRAY) {
        mark = vonk_pb_begin(w, PB_EXPRESSION_LITERAL_ARRAY);
        VONK_TRY(
            vonk_translate_put_type(w, PB_EXPRESSION_LITERAL_ARRAY_ELEMENT_TYPE, column->type->fields[0].type, err));
        VONK_TRY(put_values(w, PB_EXPRESSION_LITERAL_ARRAY_ELEMENTS, query, flat->children[0], span->offset, span->len,
                            err));
    } else {
        mark = vonk_pb_begin(w, PB_EXPRESSION_LITERAL_MAP);
        VONK_TRY(vonk_translate_put_type(w, PB_EXPRESSION_LITERAL_MAP_KEY_TYPE, column->type->fields[0].type, err));
        VONK_TRY(vonk_translate_put_type(w, PB_EXPRESSION_LITERAL_MAP_VALUE_TYPE, column->type->fields[1].type, err));
        VONK_TRY(put_values(w, PB_EXPRESSION_LITERAL_MAP_KEYS, query, flat->children[0], span->offset, span->len, err));
        VONK_TRY(
            put_values(w, PB_EXPRESSION_LITERAL_MAP_VALUES, query, flat->children[1], span->offset, span->len, err));
    }
    vonk_pb_end(w, mark);
    return VONK_OK;
}

static vonk_status put_present(vonk_pb_writer *w, const vonk_query *query, const vonk_column *column, uint32_t row,
                               vonk_error *err)
{
    const int integer = integer_field(column->type->id);

    if (integer) {
        vonk_pb_put_i64(w, integer, vonk_column_i64(column, row));
        return VONK_OK;
    }
    switch (column->type->id) {
    case VONK_T_FLOAT: vonk_pb_put_f64(w, PB_EXPRESSION_LITERAL_FLOAT, vonk_column_f64(column, row)); return VONK_OK;
    case VONK_T_DOUBLE: vonk_pb_put_f64(w, PB_EXPRESSION_LITERAL_DOUBLE, vonk_column_f64(column, row)); return VONK_OK;
    case VONK_T_STRING:
    case VONK_T_CHAR:
    case VONK_T_VARCHAR: vonk_pb_put_str(w, PB_EXPRESSION_LITERAL_STRING, vonk_column_str(column, row)); return VONK_OK;
    case VONK_T_BINARY: vonk_pb_put_str(w, PB_EXPRESSION_LITERAL_BINARY, vonk_column_str(column, row)); return VONK_OK;
    case VONK_T_DECIMAL: return put_decimal(w, query, column, row, err);
    case VONK_T_ARRAY:
    case VONK_T_MAP:
    case VONK_T_STRUCT: return put_nested(w, query, column, row, err);
    default: return vonk_translate_unsupported(VONK_F("observed metrics of type %s", VONK_TYPE_SQL(column->type)), err);
    }
}

static vonk_status put_value(vonk_pb_writer *w, int field, const vonk_query *query, const vonk_column *column,
                             uint32_t row, vonk_error *err)
{
    const size_t mark = vonk_pb_begin(w, field);

    if (vonk_column_is_null(column, row))
        VONK_TRY(vonk_translate_put_type(w, PB_EXPRESSION_LITERAL_NULL, column->type, err));
    else
        VONK_TRY(put_present(w, query, column, row, err));
    vonk_pb_end(w, mark);
    return VONK_OK;
}

/* What workers of Python added up travels as observed metrics under a name that the client knows. */
static void put_accumulators(vonk_pb_writer *w, const vonk_query *query)
{
    const uint32_t n = vonk_query_n_accumulators(query);
    if (n == 0) return;
    const size_t mark = vonk_pb_begin(w, PB_EXECUTE_PLAN_RESPONSE_OBSERVED_METRICS);
    vonk_pb_put_str(w, PB_EXECUTE_PLAN_RESPONSE_OBSERVED_METRICS_NAME, VONK_STR("__python_accumulator__"));
    for (uint32_t i = 0; i < n; i++) {
        const size_t value = vonk_pb_begin(w, PB_EXECUTE_PLAN_RESPONSE_OBSERVED_METRICS_VALUES);
        vonk_pb_put_str(w, PB_EXPRESSION_LITERAL_BINARY, vonk_query_accumulator(query, i));
        vonk_pb_end(w, value);
    }
    vonk_pb_end(w, mark);
}

vonk_status vonk__connect_put_observed(vonk_pb_writer *w, const vonk_query *query, vonk_error *err)
{
    put_accumulators(w, query);
    for (uint32_t i = 0; i < vonk_query_n_observed(query); i++) {
        vonk_observed seen;
        vonk_query_observed(query, i, &seen);
        const size_t mark = vonk_pb_begin(w, PB_EXECUTE_PLAN_RESPONSE_OBSERVED_METRICS);
        vonk_pb_put_str(w, PB_EXECUTE_PLAN_RESPONSE_OBSERVED_METRICS_NAME, seen.name);
        for (uint32_t c = 0; c < seen.row->n_columns; c++) {
            vonk_pb_put_str(w, PB_EXECUTE_PLAN_RESPONSE_OBSERVED_METRICS_KEYS, seen.node->lists[0].at[c]->name);
            VONK_TRY(
                put_value(w, PB_EXECUTE_PLAN_RESPONSE_OBSERVED_METRICS_VALUES, query, seen.row->columns[c], 0, err));
        }
        vonk_pb_end(w, mark);
    }
    return VONK_OK;
}
