/* serve/py4j/sql_window.c -- order and windows: Column.desc() and its kin, Window, WindowSpec, Column.over. */
#include "serve/py4j/sql.h"

#define J_SPEC "org.apache.spark.sql.expressions.WindowSpec"

vonk_status vonk__j_sorted(vonk__j_call *call, const vonk__j_value *column, bool descending, bool nulls_last,
                           vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    VONK_TRY(vonk__j_message_open(&m, call, NULL, err));
    const size_t mark = vonk_pb_begin(&m.w, PB_EXPRESSION_SORT_ORDER);
    if (column->kind == VONK__J_STRING)
        vonk__j_put_name(&m, PB_EXPRESSION_SORT_ORDER_CHILD, vonk__j_str(column));
    else
        vonk__j_put_value(&m, PB_EXPRESSION_SORT_ORDER_CHILD, column);
    vonk_pb_put_i64(&m.w, PB_EXPRESSION_SORT_ORDER_DIRECTION,
                    descending ? PB_E_EXPRESSION_SORT_ORDER_SORT_DIRECTION_DESCENDING
                               : PB_E_EXPRESSION_SORT_ORDER_SORT_DIRECTION_ASCENDING);
    vonk_pb_put_i64(&m.w, PB_EXPRESSION_SORT_ORDER_NULL_ORDERING,
                    nulls_last ? PB_E_EXPRESSION_SORT_ORDER_SORT_NULLS_LAST
                               : PB_E_EXPRESSION_SORT_ORDER_SORT_NULLS_FIRST);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_column(&m, err);
}

/* ---- WindowSpec: three groups of fields of a Window message, each replaced as a whole */

enum { PARTITION, ORDER, FRAME, N_PARTS };
typedef struct spec {
    vonk__j_object head;
    vonk__j_value parts[N_PARTS]; /* encoded, or null */
    vonk__j_functions functions;
} spec;

static void spec_drop(vonk__j_object *self)
{
    for (int i = 0; i < N_PARTS; i++) vonk__j_unref(&((spec *)self)->parts[i]);
    vonk__j_functions_done(&((spec *)self)->functions);
}

/* A copy of `from` (NULL: an empty one) with one part replaced by what has been put. */
static vonk_status return_spec(vonk__j_message *m, const spec *from, int part, vonk_error *err)
{
    VONK__J_AUTO spec *made = NULL;
    VONK_TRY(m->status);
    VONK_TRY(vonk_pb_writer_end(&m->w));
    VONK_TRY(vonk__j_object_new(m->call->machine, J_SPEC, &made, err));
    for (int i = 0; i < N_PARTS; i++) made->parts[i] = from ? vonk__j_ref(from->parts[i]) : VONK__J_NOTHING;
    VONK_TRY(vonk__j_add_functions(&made->functions, &m->functions, err));
    if (from) VONK_TRY(vonk__j_add_functions(&made->functions, &from->functions, err));
    vonk__j_unref(&made->parts[part]);
    VONK_TRY(
        vonk__j_text_value(m->call->machine->budget, VONK__J_BYTES, vonk_buf_str(&m->buf), &made->parts[part], err));
    return vonk__j_return(m->call, vonk__j_of(&VONK_STEAL(made)->head));
}

static void put_column_or_name(vonk__j_message *m, int field, const vonk__j_value *v)
{
    if (v->kind == VONK__J_STRING)
        vonk__j_put_name(m, field, vonk__j_str(v));
    else
        vonk__j_put_value(m, field, v);
}

static vonk_status partition_or_order(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    vonk__j_value *items = NULL;
    uint32_t n = 0;
    VONK_TRY(vonk__j_message_open(&m, call, NULL, err));
    if (call->args[0].kind == VONK__J_STRING)
        put_column_or_name(&m, PB_EXPRESSION_WINDOW_PARTITION_SPEC, &call->args[0]);
    VONK_TRY(vonk__j_items(&m, &call->args[call->n_args - 1], &items, &n));
    for (uint32_t i = 0; i < n; i++)
        if (call->member->tag == PARTITION)
            put_column_or_name(&m, PB_EXPRESSION_WINDOW_PARTITION_SPEC, &items[i]);
        else
            vonk__j_put_sort(&m, PB_EXPRESSION_WINDOW_ORDER_SPEC, &items[i]);
    return return_spec(&m, (spec *)call->self, call->member->tag, err);
}

/* ---- frames: 0 is the current row, the ends of a long are unbounded */

enum { IS_ROWS, IS_RANGE };
static void put_bound(vonk__j_message *m, int field, int64_t n, bool lower, bool is_rows)
{
    const size_t mark = vonk_pb_begin(&m->w, field);
    if (n == 0) {
        vonk_pb_put_i64(&m->w, PB_EXPRESSION_WINDOW_WINDOW_FRAME_FRAME_BOUNDARY_CURRENT_ROW, 1);
    } else if (n == (lower ? INT64_MIN : INT64_MAX)) {
        vonk_pb_put_i64(&m->w, PB_EXPRESSION_WINDOW_WINDOW_FRAME_FRAME_BOUNDARY_UNBOUNDED, 1);
    } else {
        const vonk__j_value value = is_rows ? vonk__j_i32((int32_t)n) : vonk__j_i64(n);
        vonk__j_put_value(m, PB_EXPRESSION_WINDOW_WINDOW_FRAME_FRAME_BOUNDARY_VALUE, &value);
    }
    vonk_pb_end(&m->w, mark);
}

static vonk_status check_row_bound(int64_t n, bool lower, vonk_error *err)
{
    const char *value = VONK_F("%lldL", (long long)n);
    if (n == 0 || n == (lower ? INT64_MIN : INT64_MAX) || (n >= INT32_MIN && n <= INT32_MAX)) return VONK_OK;
    if (lower)
        return VONK_FAIL(err, VONK_E_INVALID_BOUNDARY__START, "boundary", "`start`", "invalidValue", value,
                         "longMinValue", "-9223372036854775808L", "intMinValue", "-2147483648", "intMaxValue",
                         "2147483647");
    return VONK_FAIL(err, VONK_E_INVALID_BOUNDARY__END, "boundary", "`end`", "invalidValue", value, "longMaxValue",
                     "9223372036854775807L", "intMinValue", "-2147483648", "intMaxValue", "2147483647");
}

static vonk_status frame(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const bool is_rows = call->member->tag == IS_ROWS;
    const int64_t start = call->args[0].i, end = call->args[1].i;
    if (is_rows) VONK_TRY(check_row_bound(start, true, err));
    if (is_rows) VONK_TRY(check_row_bound(end, false, err));
    VONK_TRY(vonk__j_message_open(&m, call, NULL, err));
    const size_t mark = vonk_pb_begin(&m.w, PB_EXPRESSION_WINDOW_FRAME_SPEC);
    vonk_pb_put_i64(&m.w, PB_EXPRESSION_WINDOW_WINDOW_FRAME_FRAME_TYPE,
                    is_rows ? PB_E_EXPRESSION_WINDOW_WINDOW_FRAME_FRAME_TYPE_ROW
                            : PB_E_EXPRESSION_WINDOW_WINDOW_FRAME_FRAME_TYPE_RANGE);
    put_bound(&m, PB_EXPRESSION_WINDOW_WINDOW_FRAME_LOWER, start, true, is_rows);
    put_bound(&m, PB_EXPRESSION_WINDOW_WINDOW_FRAME_UPPER, end, false, is_rows);
    vonk_pb_end(&m.w, mark);
    return return_spec(&m, (spec *)call->self, FRAME, err);
}

static vonk_status bound(vonk__j_call *call, vonk_error *err)
{
    const int64_t values[] = {INT64_MIN, 0, INT64_MAX};
    (void)err;
    return vonk__j_return(call, vonk__j_i64(values[call->member->tag]));
}

vonk_status vonk__j_over(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const vonk__j_value self = {.kind = VONK__J_OBJECT, .object = call->self};
    if (call->n_args) VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_message_open(&m, call, NULL, err));
    const size_t mark = vonk_pb_begin(&m.w, PB_EXPRESSION_WINDOW);
    vonk__j_put_value(&m, PB_EXPRESSION_WINDOW_WINDOW_FUNCTION, &self);
    for (int i = 0; call->n_args && i < N_PARTS; i++)
        vonk__j_put_raw(&m, vonk__j_str(&((spec *)call->args[0].object)->parts[i]));
    if (call->n_args) vonk__j_use_functions(&m, &((spec *)call->args[0].object)->functions);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_column(&m, err);
}

#define SHARED(role)                                                                                                   \
    {"partitionBy", J_SEQ, J_SPEC, partition_or_order, role, PARTITION},                                               \
        {"partitionBy", J_COLUMNS, J_SPEC, partition_or_order, role, PARTITION},                                       \
        {"partitionBy", "String, " J_SEQ, J_SPEC, partition_or_order, role, PARTITION},                                \
        {"orderBy", J_SEQ, J_SPEC, partition_or_order, role, ORDER},                                                   \
        {"orderBy", J_COLUMNS, J_SPEC, partition_or_order, role, ORDER},                                               \
        {"rowsBetween", "long, long", J_SPEC, frame, role, IS_ROWS},                                                   \
    {                                                                                                                  \
        "rangeBetween", "long, long", J_SPEC, frame, role, IS_RANGE                                                    \
    }
static const vonk__j_member window_members[] = {
    SHARED(VONK__J_STATIC),
    {"unboundedPreceding", "", "long", bound, VONK__J_STATIC, 0},
    {"currentRow", "", "long", bound, VONK__J_STATIC, 1},
    {"unboundedFollowing", "", "long", bound, VONK__J_STATIC, 2},
};
static const vonk__j_member spec_members[] = {SHARED(VONK__J_METHOD)};
static const vonk__j_row rows[] = {
    {.fqn = "org.apache.spark.sql.expressions.Window", .flags = VONK__J_ABSTRACT, VONK__J_MEMBERS(window_members)},
    {.fqn = J_SPEC, .flags = VONK__J_ABSTRACT, VONK__J_MEMBERS(spec_members), .size = sizeof(spec), .drop = spec_drop},
};
const vonk__j_area vonk__j_area_sql_window = {rows, VONK_COUNTOF(rows)};
