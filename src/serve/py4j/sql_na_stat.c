/* serve/py4j/sql_na_stat.c -- DataFrame.na and DataFrame.stat. */
#include "serve/py4j/sql.h"

static vonk__j_dataset *self_dataset(const vonk__j_call *call) { return ((vonk__j_of_dataset *)call->self)->dataset; }

static vonk_status open_relation(vonk__j_message *m, vonk__j_call *call, int relation, int input, size_t *ret_mark,
                                 vonk_error *err)
{
    return vonk__j_relation_open(m, call, self_dataset(call), relation, input, ret_mark, err);
}

/* ---- na */

static vonk_status na_drop(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    size_t mark = 0;
    VONK_TRY(open_relation(&m, call, PB_RELATION_DROP_NA, PB_NA_DROP_INPUT, &mark, err));
    vonk__j_put_texts(&m, PB_NA_DROP_COLS, &call->args[1]);
    vonk_pb_put_i64(&m.w, PB_NA_DROP_MIN_NON_NULLS, call->args[0].i);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

static vonk_status na_fill(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    size_t mark = 0;
    VONK_TRY(open_relation(&m, call, PB_RELATION_FILL_NA, PB_NA_FILL_INPUT, &mark, err));
    if (call->n_args > 1) vonk__j_put_texts(&m, PB_NA_FILL_COLS, &call->args[1]);
    vonk__j_put_literal(&m, PB_NA_FILL_VALUES, &call->args[0]);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

/* {"age": 5}: a value for each column */
static vonk_status na_fill_map(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    size_t mark = 0;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(open_relation(&m, call, PB_RELATION_FILL_NA, PB_NA_FILL_INPUT, &mark, err));
    vonk_mutex_lock(&call->machine->guard);
    const vonk__j_map *map = vonk__j_as_map(call->args[0].object);
    for (vonk__j_entry *e = NULL; map && (e = vonk__j_map_next(map, e));)
        vonk__j_put_text(&m, PB_NA_FILL_COLS, &e->key);
    for (vonk__j_entry *e = NULL; map && (e = vonk__j_map_next(map, e));)
        vonk__j_put_literal(&m, PB_NA_FILL_VALUES, &e->value);
    vonk_mutex_unlock(&call->machine->guard);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

/* Numbers are doubles to the replacement, as in Spark. */
static void put_replaced(vonk__j_message *m, int field, const vonk__j_value *v)
{
    const bool is_number = v->kind >= VONK__J_I8 && v->kind <= VONK__J_I64;
    const vonk__j_value number = vonk__j_f64(is_number ? (double)v->i : 0);
    vonk__j_put_literal(m, field, is_number ? &number : v);
}

static vonk_status na_replace(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const vonk__j_value *columns = &call->args[0];
    size_t mark = 0;
    VONK_TRY(vonk__j_need(call, 1, err));
    VONK_TRY(open_relation(&m, call, PB_RELATION_REPLACE, PB_NA_REPLACE_INPUT, &mark, err));
    if (columns->kind == VONK__J_STRING && !vonk_str_is(vonk__j_str(columns), "*"))
        vonk__j_put_text(&m, PB_NA_REPLACE_COLS, columns);
    else if (columns->kind != VONK__J_STRING)
        vonk__j_put_texts(&m, PB_NA_REPLACE_COLS, columns);
    vonk_mutex_lock(&call->machine->guard);
    const vonk__j_map *map = vonk__j_as_map(call->args[1].object);
    for (vonk__j_entry *e = NULL; map && (e = vonk__j_map_next(map, e));) {
        const size_t pair = vonk_pb_begin(&m.w, PB_NA_REPLACE_REPLACEMENTS);
        put_replaced(&m, PB_NA_REPLACE_REPLACEMENT_OLD_VALUE, &e->key);
        put_replaced(&m, PB_NA_REPLACE_REPLACEMENT_NEW_VALUE, &e->value);
        vonk_pb_end(&m.w, pair);
    }
    vonk_mutex_unlock(&call->machine->guard);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

/* ---- stat */

enum { CORR, COV };
static vonk_status correlation(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const bool is_corr = call->member->tag == CORR;
    size_t mark = 0;
    VONK_TRY(open_relation(&m, call, is_corr ? PB_RELATION_CORR : PB_RELATION_COV,
                           is_corr ? PB_STAT_CORR_INPUT : PB_STAT_COV_INPUT, &mark, err));
    vonk__j_put_text(&m, is_corr ? PB_STAT_CORR_COL1 : PB_STAT_COV_COL1, &call->args[0]);
    vonk__j_put_text(&m, is_corr ? PB_STAT_CORR_COL2 : PB_STAT_COV_COL2, &call->args[1]);
    if (call->n_args > 2) vonk__j_put_text(&m, PB_STAT_CORR_METHOD, &call->args[2]);
    vonk_pb_end(&m.w, mark);
    return vonk__j_one_number(&m, VONK__J_F64, &call->result, err);
}

static vonk_status crosstab(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    size_t mark = 0;
    VONK_TRY(open_relation(&m, call, PB_RELATION_CROSSTAB, PB_STAT_CROSSTAB_INPUT, &mark, err));
    vonk__j_put_text(&m, PB_STAT_CROSSTAB_COL1, &call->args[0]);
    vonk__j_put_text(&m, PB_STAT_CROSSTAB_COL2, &call->args[1]);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

static vonk_status freq_items(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    size_t mark = 0;
    VONK_TRY(open_relation(&m, call, PB_RELATION_FREQ_ITEMS, PB_STAT_FREQ_ITEMS_INPUT, &mark, err));
    vonk__j_put_texts(&m, PB_STAT_FREQ_ITEMS_COLS, &call->args[0]);
    if (call->n_args > 1) vonk_pb_put_f64(&m.w, PB_STAT_FREQ_ITEMS_SUPPORT, call->args[1].f);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

static vonk_status sample_by(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    size_t mark = 0;
    VONK_TRY(vonk__j_need(call, 1, err));
    VONK_TRY(open_relation(&m, call, PB_RELATION_SAMPLE_BY, PB_STAT_SAMPLE_BY_INPUT, &mark, err));
    if (call->args[0].kind == VONK__J_STRING)
        vonk__j_put_name(&m, PB_STAT_SAMPLE_BY_COL, vonk__j_str(&call->args[0]));
    else
        vonk__j_put_value(&m, PB_STAT_SAMPLE_BY_COL, &call->args[0]);
    vonk_mutex_lock(&call->machine->guard);
    const vonk__j_map *map = vonk__j_as_map(call->args[1].object);
    for (vonk__j_entry *e = NULL; map && (e = vonk__j_map_next(map, e));) {
        const size_t fraction = vonk_pb_begin(&m.w, PB_STAT_SAMPLE_BY_FRACTIONS);
        vonk__j_put_literal(&m, PB_STAT_SAMPLE_BY_FRACTION_STRATUM, &e->key);
        vonk_pb_put_f64(&m.w, PB_STAT_SAMPLE_BY_FRACTION_FRACTION, e->value.f);
        vonk_pb_end(&m.w, fraction);
    }
    vonk_mutex_unlock(&call->machine->guard);
    vonk_pb_put_i64(&m.w, PB_STAT_SAMPLE_BY_SEED, call->args[2].i);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

/* double[][]: a row for each column */
static vonk_status doubles_at(vonk__j_call *call, const vonk_column *column, uint32_t row, bool nested,
                              vonk__j_value *ret, vonk_error *err)
{
    VONK__J_AUTO vonk__j_array *array = NULL;
    uint32_t at = 0;
    const vonk_column *flat = vonk_column_locate(column, row, &at);
    const vonk_span *span = &VONK_VALUES(flat, vonk_span)[at];
    VONK_TRY(vonk__j_array_new(call->machine,
                               vonk__j_class_named(call->machine, nested ? "java.lang.Object" : "double"),
                               (uint32_t)span->len, &array, err));
    for (uint32_t i = 0; i < array->n; i++) {
        const uint32_t child = (uint32_t)span->offset + i;
        if (nested)
            VONK_TRY(doubles_at(call, flat->children[0], child, false, &array->items[i], err));
        else
            array->items[i] = vonk__j_f64(vonk_column_f64(flat->children[0], child));
    }
    *ret = vonk__j_of(&VONK_STEAL(array)->head);
    return VONK_OK;
}

static vonk_status approx_quantile(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
    VONK_AUTO(vonk__j_rows_done) vonk__j_rows rows = {0};
    vonk__j_value *p = NULL;
    uint32_t n = 0;
    size_t mark = 0;
    VONK_TRY(open_relation(&m, call, PB_RELATION_APPROX_QUANTILE, PB_STAT_APPROX_QUANTILE_INPUT, &mark, err));
    vonk__j_put_texts(&m, PB_STAT_APPROX_QUANTILE_COLS, &call->args[0]);
    VONK_TRY(vonk__j_items(&m, &call->args[1], &p, &n));
    for (uint32_t i = 0; i < n; i++)
        vonk_pb_put_f64(&m.w, PB_STAT_APPROX_QUANTILE_PROBABILITIES,
                        p[i].kind == VONK__J_F64 ? p[i].f : (double)p[i].i);
    vonk_pb_put_f64(&m.w, PB_STAT_APPROX_QUANTILE_RELATIVE_ERROR, call->args[2].f);
    vonk_pb_end(&m.w, mark);
    VONK_TRY(vonk__j_relation(&m, &plan, err));
    VONK_TRY(vonk__j_rows_of(call->caller, m.session, plan, &rows, err));
    for (size_t i = 0; i < rows.n; i++)
        if (rows.at[i]->n_sel)
            return doubles_at(call, rows.at[i]->columns[0], rows.at[i]->sel ? rows.at[i]->sel[0] : 0, true,
                              &call->result, err);
    return vonk__j_return(call, VONK__J_NOTHING);
}

#define FILL(args) {"fill", args, J_DATASET, na_fill, VONK__J_METHOD, 0}
static const vonk__j_member na_members[] = {
    {"drop", "int, " J_SEQ, J_DATASET, na_drop, VONK__J_METHOD, 0},
    FILL("boolean"),
    FILL("long"),
    FILL("double"),
    FILL("String"),
    FILL("boolean, " J_SEQ),
    FILL("long, " J_SEQ),
    FILL("double, " J_SEQ),
    FILL("String, " J_SEQ),
    {"fill", J_MAP, J_DATASET, na_fill_map, VONK__J_METHOD, 0},
    {"replace", "String, " J_MAP, J_DATASET, na_replace, VONK__J_METHOD, 0},
    {"replace", "String, scala.collection.Map", J_DATASET, na_replace, VONK__J_METHOD, 0},
    {"replace", J_SEQ ", scala.collection.Map", J_DATASET, na_replace, VONK__J_METHOD, 0},
};
static const vonk__j_member stat_members[] = {
    {"corr", "String, String", "double", correlation, VONK__J_METHOD, CORR},
    {"corr", "String, String, String", "double", correlation, VONK__J_METHOD, CORR},
    {"cov", "String, String", "double", correlation, VONK__J_METHOD, COV},
    {"crosstab", "String, String", J_DATASET, crosstab, VONK__J_METHOD, 0},
    {"freqItems", J_SEQ, J_DATASET, freq_items, VONK__J_METHOD, 0},
    {"freqItems", J_SEQ ", double", J_DATASET, freq_items, VONK__J_METHOD, 0},
    {"sampleBy", J_COLUMN ", scala.collection.Map, long", J_DATASET, sample_by, VONK__J_METHOD, 0},
    {"sampleBy", "String, scala.collection.Map, long", J_DATASET, sample_by, VONK__J_METHOD, 0},
    {"approxQuantile", J_SEQ ", " J_SEQ ", double", "Object", approx_quantile, VONK__J_METHOD, 0},
};
#define ROW(name, list)                                                                                                \
    {.fqn = "org.apache.spark.sql.classic." name,                                                                      \
     .flags = VONK__J_ABSTRACT,                                                                                        \
     VONK__J_MEMBERS(list),                                                                                            \
     .size = sizeof(vonk__j_of_dataset),                                                                               \
     .drop = vonk__j_of_dataset_drop}
static const vonk__j_row rows[] = {ROW("DataFrameNaFunctions", na_members),
                                   ROW("DataFrameStatFunctions", stat_members)};
const vonk__j_area vonk__j_area_sql_na_stat = {rows, VONK_COUNTOF(rows)};
