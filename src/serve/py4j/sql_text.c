/* serve/py4j/sql_text.c -- an Expression as Column.toString shows it: near to SQL, promising nothing. */
#include "serve/py4j/sql_text.h"

#include "text/date.h"
#include "text/number.h"
#include "text/zone.h"

typedef struct printer {
    vonk_arena *arena;
    vonk_budget *budget;
    const vonk__j_column *column;
    vonk_buf *out;
} printer;

/* As deep as the decoder lets messages be. */
static vonk_status put(printer *p, const vonk_pb_msg *e, vonk_error *err);

static vonk_status put_list(printer *p, const vonk_pb_msg *m, int field, const char *open, const char *close,
                            vonk_error *err)
{
    VONK_TRY(vonk_buf_add_c(p->out, open, err));
    for (size_t i = 0; i < vonk_pb_n(m, field); i++) {
        if (i) VONK_TRY(vonk_buf_add_c(p->out, ", ", err));
        VONK_TRY(put(p, vonk_pb_msg_at(m, field, i), err));
    }
    return vonk_buf_add_c(p->out, close, err);
}

/* ---- leaves */

static vonk_status put_quoted(printer *p, vonk_str text, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_byte(p->out, '\'', err));
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\'' || text.data[i] == '\\') VONK_TRY(vonk_buf_add_byte(p->out, '\\', err));
        VONK_TRY(vonk_buf_add_byte(p->out, text.data[i], err));
    }
    return vonk_buf_add_byte(p->out, '\'', err);
}

/* As java.sql.Timestamp has it: in the process's zone, with a digit behind the point at least. */
static vonk_status put_timestamp(printer *p, int64_t us, bool is_local, vonk_error *err)
{
    char text[VONK_TIMESTAMP_CHARS];
    const vonk_zone *zone = NULL;
    if (!is_local) VONK_TRY(vonk_zone_find(vonk_zone_local_name(), &zone, err));
    const size_t n = vonk_timestamp_to_text(us, zone, NULL, text);
    VONK_TRY(vonk_buf_append(p->out, text, n, err));
    return memchr(text, '.', n) ? VONK_OK : vonk_buf_add_c(p->out, ".0", err);
}

/* java.time.Duration's: PT26H3M4.5S */
static vonk_status put_duration(printer *p, int64_t us, vonk_error *err)
{
    const long long seconds = us / 1000000, fraction = us % 1000000;
    if (!us) return vonk_buf_add_c(p->out, "PT0S", err);
    VONK_TRY(vonk_buf_add_c(p->out, "PT", err));
    if (seconds / 3600) VONK_TRY(vonk_buf_printf(p->out, err, "%lldH", seconds / 3600));
    if (seconds / 60 % 60) VONK_TRY(vonk_buf_printf(p->out, err, "%lldM", seconds / 60 % 60));
    if (!(seconds % 60) && !fraction) return VONK_OK;
    VONK_TRY(vonk_buf_printf(p->out, err, "%s%lld", us < 0 && !(seconds % 60) ? "-" : "", seconds % 60));
    if (fraction) {
        char digits[16];
        vonk_format(digits, sizeof digits, ".%06lld", fraction < 0 ? -fraction : fraction);
        size_t n = strlen(digits);
        while (digits[n - 1] == '0') n--;
        VONK_TRY(vonk_buf_append(p->out, digits, n, err));
    }
    return vonk_buf_add_c(p->out, "S", err);
}

static vonk_status put_literal(printer *p, const vonk_pb_msg *m, vonk_error *err)
{
    char text[64];
    vonk_translator t = {.budget = p->budget, .arena = p->arena};
    const vonk_expr *literal = NULL;
    const int which = vonk_pb_which(m, PB_EXPRESSION_LITERAL_LITERAL_TYPE_ONEOF);
    switch (which) {
    case PB_EXPRESSION_LITERAL_NULL: return vonk_buf_add_c(p->out, "NULL", err);
    case PB_EXPRESSION_LITERAL_STRING: return put_quoted(p, vonk_pb_str(m, which), err);
    case PB_EXPRESSION_LITERAL_DATE:
        return vonk_buf_append(p->out, text, vonk_date_to_text(vonk_pb_i32(m, which), text), err);
    case PB_EXPRESSION_LITERAL_TIMESTAMP:
    case PB_EXPRESSION_LITERAL_TIMESTAMP_NTZ:
        return put_timestamp(p, vonk_pb_i64(m, which), which == PB_EXPRESSION_LITERAL_TIMESTAMP_NTZ, err);
    case PB_EXPRESSION_LITERAL_DAY_TIME_INTERVAL: return put_duration(p, vonk_pb_i64(m, which), err);
    case PB_EXPRESSION_LITERAL_BOOLEAN: return vonk_buf_add_c(p->out, vonk_pb_bool(m, which) ? "true" : "false", err);
    case PB_EXPRESSION_LITERAL_FLOAT:
    case PB_EXPRESSION_LITERAL_DOUBLE: {
        const size_t n = which == PB_EXPRESSION_LITERAL_FLOAT ? vonk_f32_to_text((float)vonk_pb_f64(m, which), text)
                                                              : vonk_f64_to_text(vonk_pb_f64(m, which), text);
        return vonk_buf_add_str(p->out, (vonk_str){text, n}, err);
    }
    case PB_EXPRESSION_LITERAL_BYTE:
    case PB_EXPRESSION_LITERAL_INTEGER: return vonk_buf_printf(p->out, err, "%lld", (long long)vonk_pb_i64(m, which));
    case PB_EXPRESSION_LITERAL_SHORT: return vonk_buf_printf(p->out, err, "%lldS", (long long)vonk_pb_i64(m, which));
    case PB_EXPRESSION_LITERAL_LONG: return vonk_buf_printf(p->out, err, "%lldL", (long long)vonk_pb_i64(m, which));
    case PB_EXPRESSION_LITERAL_DECIMAL:
        return vonk_buf_add_str(p->out, vonk_pb_str(vonk_pb_get_msg(m, which), PB_EXPRESSION_LITERAL_DECIMAL_VALUE),
                                err);
    default: break;
    }
    VONK_TRY(vonk__translate_literal(&t, m, &literal, err));
    const vonk_status status = vonk_expr_sql(literal, p->out, err);
    vonk_expr_unref(literal);
    return status;
}

static vonk_status put_type(printer *p, const vonk_pb_msg *cast, vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
    vonk_translator t = {.budget = p->budget, .arena = p->arena};
    if (vonk_pb_has(cast, PB_EXPRESSION_CAST_TYPE))
        VONK_TRY(vonk_translate_type(&t, vonk_pb_get_msg(cast, PB_EXPRESSION_CAST_TYPE), &type, err));
    else
        VONK_TRY(vonk_type_parse(vonk_pb_str(cast, PB_EXPRESSION_CAST_TYPE_STR), &type, err));
    return vonk_type_sql(type, p->out, err);
}

/* ---- nodes */

static vonk_status put_call(printer *p, const vonk_pb_msg *m, vonk_error *err)
{
    static const struct {
        const char *name, *shown;
    } shown[] = {{"==", "="}, {"not", "!"}, {"startsWith", "startswith"}, {"endsWith", "endswith"}};
    const vonk_str name = vonk_pb_str(m, PB_EXPRESSION_UNRESOLVED_FUNCTION_FUNCTION_NAME);
    const size_t n = vonk_pb_n(m, PB_EXPRESSION_UNRESOLVED_FUNCTION_ARGUMENTS);
    if (vonk_str_is(name, "when")) {
        VONK_TRY(vonk_buf_add_c(p->out, "CASE", err));
        for (size_t i = 0; i < n; i++) {
            VONK_TRY(vonk_buf_add_c(p->out, i % 2 ? " THEN " : i + 1 < n ? " WHEN " : " ELSE ", err));
            VONK_TRY(put(p, vonk_pb_msg_at(m, PB_EXPRESSION_UNRESOLVED_FUNCTION_ARGUMENTS, i), err));
        }
        return vonk_buf_add_c(p->out, " END", err);
    }
    size_t i = 0;
    while (i < VONK_COUNTOF(shown) && !vonk_str_is(name, shown[i].name)) i++;
    VONK_TRY(i < VONK_COUNTOF(shown) ? vonk_buf_add_c(p->out, shown[i].shown, err)
                                     : vonk_buf_add_str(p->out, name, err));
    if (vonk_str_is(name, "lag") || vonk_str_is(name, "lead"))
        return put_list(p, m, PB_EXPRESSION_UNRESOLVED_FUNCTION_ARGUMENTS, "(",
                        n < 3   ? ", NULL, false)"
                        : n < 4 ? ", false)"
                                : ")",
                        err);
    return put_list(p, m, PB_EXPRESSION_UNRESOLVED_FUNCTION_ARGUMENTS, "(", ")", err);
}

static vonk_status put_alias(printer *p, const vonk_pb_msg *m, vonk_error *err)
{
    const size_t n = vonk_pb_n(m, PB_EXPRESSION_ALIAS_NAME);
    VONK_TRY(put(p, vonk_pb_get_msg(m, PB_EXPRESSION_ALIAS_EXPR), err));
    VONK_TRY(vonk_buf_add_c(p->out, n == 1 ? " AS " : " AS (", err));
    for (size_t i = 0; i < n; i++) {
        if (i) VONK_TRY(vonk_buf_add_c(p->out, ", ", err));
        VONK_TRY(vonk_buf_add_str(p->out, vonk_pb_str_at(m, PB_EXPRESSION_ALIAS_NAME, i), err));
    }
    return n == 1 ? VONK_OK : vonk_buf_add_c(p->out, ")", err);
}

static vonk_status put_cast(printer *p, const vonk_pb_msg *m, vonk_error *err)
{
    const bool tries = vonk_pb_i32(m, PB_EXPRESSION_CAST_EVAL_MODE) == PB_E_EXPRESSION_CAST_EVAL_MODE_TRY;
    VONK_TRY(vonk_buf_add_c(p->out, tries ? "TRY_CAST(" : "CAST(", err));
    VONK_TRY(put(p, vonk_pb_get_msg(m, PB_EXPRESSION_CAST_EXPR), err));
    VONK_TRY(vonk_buf_add_c(p->out, " AS ", err));
    VONK_TRY(put_type(p, m, err));
    return vonk_buf_add_c(p->out, ")", err);
}

static vonk_status put_sort(printer *p, const vonk_pb_msg *m, vonk_error *err)
{
    VONK_TRY(put(p, vonk_pb_get_msg(m, PB_EXPRESSION_SORT_ORDER_CHILD), err));
    VONK_TRY(vonk_buf_add_c(p->out,
                            vonk_pb_i32(m, PB_EXPRESSION_SORT_ORDER_DIRECTION) ==
                                    PB_E_EXPRESSION_SORT_ORDER_SORT_DIRECTION_DESCENDING
                                ? " DESC"
                                : " ASC",
                            err));
    return vonk_buf_add_c(p->out,
                          vonk_pb_i32(m, PB_EXPRESSION_SORT_ORDER_NULL_ORDERING) ==
                                  PB_E_EXPRESSION_SORT_ORDER_SORT_NULLS_LAST
                              ? " NULLS LAST"
                              : " NULLS FIRST",
                          err);
}

static vonk_status put_boundary(printer *p, const vonk_pb_msg *m, const char *unbounded, vonk_error *err)
{
    switch (vonk_pb_which(m, PB_EXPRESSION_WINDOW_WINDOW_FRAME_FRAME_BOUNDARY_BOUNDARY_ONEOF)) {
    case PB_EXPRESSION_WINDOW_WINDOW_FRAME_FRAME_BOUNDARY_UNBOUNDED: return vonk_buf_add_c(p->out, unbounded, err);
    case PB_EXPRESSION_WINDOW_WINDOW_FRAME_FRAME_BOUNDARY_VALUE:
        return put(p, vonk_pb_get_msg(m, PB_EXPRESSION_WINDOW_WINDOW_FRAME_FRAME_BOUNDARY_VALUE), err);
    default: return vonk_buf_add_c(p->out, "CURRENT ROW", err);
    }
}

static vonk_status put_window(printer *p, const vonk_pb_msg *m, vonk_error *err)
{
    const vonk_pb_msg *frame = vonk_pb_get_msg(m, PB_EXPRESSION_WINDOW_FRAME_SPEC);
    const size_t n = vonk_pb_n(m, PB_EXPRESSION_WINDOW_ORDER_SPEC);
    const char *blank = "";
    VONK_TRY(put(p, vonk_pb_get_msg(m, PB_EXPRESSION_WINDOW_WINDOW_FUNCTION), err));
    VONK_TRY(vonk_buf_add_c(p->out, " OVER (", err));
    if (vonk_pb_n(m, PB_EXPRESSION_WINDOW_PARTITION_SPEC)) {
        VONK_TRY(put_list(p, m, PB_EXPRESSION_WINDOW_PARTITION_SPEC, "PARTITION BY ", "", err));
        blank = " ";
    }
    for (size_t i = 0; i < n; i++) {
        VONK_TRY(i ? vonk_buf_add_c(p->out, ", ", err) : vonk_buf_printf(p->out, err, "%sORDER BY ", blank));
        VONK_TRY(put_sort(p, vonk_pb_msg_at(m, PB_EXPRESSION_WINDOW_ORDER_SPEC, i), err));
        blank = " ";
    }
    if (frame) {
        const bool is_rows = vonk_pb_i32(frame, PB_EXPRESSION_WINDOW_WINDOW_FRAME_FRAME_TYPE) ==
                             PB_E_EXPRESSION_WINDOW_WINDOW_FRAME_FRAME_TYPE_ROW;
        VONK_TRY(vonk_buf_printf(p->out, err, "%s%s BETWEEN ", blank, is_rows ? "ROWS" : "RANGE"));
        VONK_TRY(put_boundary(p, vonk_pb_get_msg(frame, PB_EXPRESSION_WINDOW_WINDOW_FRAME_LOWER), "UNBOUNDED PRECEDING",
                              err));
        VONK_TRY(vonk_buf_add_c(p->out, " AND ", err));
        VONK_TRY(put_boundary(p, vonk_pb_get_msg(frame, PB_EXPRESSION_WINDOW_WINDOW_FRAME_UPPER), "UNBOUNDED FOLLOWING",
                              err));
    }
    return vonk_buf_add_c(p->out, ")", err);
}

static vonk_status put_variable(printer *p, const vonk_pb_msg *m, vonk_error *err)
{
    return vonk_buf_add_str(p->out, vonk_pb_str_at(m, PB_EXPRESSION_UNRESOLVED_NAMED_LAMBDA_VARIABLE_NAME_PARTS, 0),
                            err);
}

static vonk_status put_lambda(printer *p, const vonk_pb_msg *m, vonk_error *err)
{
    const size_t n = vonk_pb_n(m, PB_EXPRESSION_LAMBDA_FUNCTION_ARGUMENTS);
    if (n > 1) VONK_TRY(vonk_buf_add_c(p->out, "(", err));
    for (size_t i = 0; i < n; i++) {
        if (i) VONK_TRY(vonk_buf_add_c(p->out, ", ", err));
        VONK_TRY(put_variable(p, vonk_pb_msg_at(m, PB_EXPRESSION_LAMBDA_FUNCTION_ARGUMENTS, i), err));
    }
    VONK_TRY(vonk_buf_add_c(p->out, n > 1 ? ") -> " : " -> ", err));
    return put(p, vonk_pb_get_msg(m, PB_EXPRESSION_LAMBDA_FUNCTION_FUNCTION), err);
}

static vonk_status put_extract(printer *p, const vonk_pb_msg *m, vonk_error *err)
{
    VONK_TRY(put(p, vonk_pb_get_msg(m, PB_EXPRESSION_UNRESOLVED_EXTRACT_VALUE_CHILD), err));
    VONK_TRY(vonk_buf_add_c(p->out, "[", err));
    VONK_TRY(put(p, vonk_pb_get_msg(m, PB_EXPRESSION_UNRESOLVED_EXTRACT_VALUE_EXTRACTION), err));
    return vonk_buf_add_c(p->out, "]", err);
}

static vonk_status put_update(printer *p, const vonk_pb_msg *m, vonk_error *err)
{
    const vonk_pb_msg *value = vonk_pb_get_msg(m, PB_EXPRESSION_UPDATE_FIELDS_VALUE_EXPRESSION);
    VONK_TRY(vonk_buf_add_c(p->out, value ? "update_field(" : "drop_field(", err));
    VONK_TRY(put(p, vonk_pb_get_msg(m, PB_EXPRESSION_UPDATE_FIELDS_STRUCT_EXPRESSION), err));
    VONK_TRY(vonk_buf_add_c(p->out, ", ", err));
    VONK_TRY(vonk_buf_add_str(p->out, vonk_pb_str(m, PB_EXPRESSION_UPDATE_FIELDS_FIELD_NAME), err));
    if (value) VONK_TRY(vonk_buf_add_c(p->out, ", ", err));
    if (value) VONK_TRY(put(p, value, err));
    return vonk_buf_add_c(p->out, ")", err);
}

static vonk_status put_named(printer *p, const vonk_pb_msg *m, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_str(p->out, vonk_pb_str(m, PB_NAMED_ARGUMENT_EXPRESSION_KEY), err));
    VONK_TRY(vonk_buf_add_c(p->out, " => ", err));
    return put(p, vonk_pb_get_msg(m, PB_NAMED_ARGUMENT_EXPRESSION_VALUE), err);
}

static vonk_status put_subquery(printer *p, const vonk_pb_msg *m, vonk_error *err)
{
    const int64_t id = vonk_pb_i64(m, PB_SUBQUERY_EXPRESSION_PLAN_ID);
    const int type = vonk_pb_i32(m, PB_SUBQUERY_EXPRESSION_SUBQUERY_TYPE);
    if (type == PB_E_SUBQUERY_EXPRESSION_SUBQUERY_TYPE_IN)
        VONK_TRY(put_list(p, m, PB_SUBQUERY_EXPRESSION_IN_SUBQUERY_VALUES, "(", ") IN ", err));
    if (type == PB_E_SUBQUERY_EXPRESSION_SUBQUERY_TYPE_EXISTS) VONK_TRY(vonk_buf_add_c(p->out, "EXISTS ", err));
    VONK_TRY(vonk_buf_add_c(p->out, "(", err));
    for (size_t i = 0; i < p->column->plans.n; i++)
        if (p->column->plans.at[i]->plan_id == id) VONK_TRY(vonk__j_dataset_text(p->column->plans.at[i], p->out, err));
    return vonk_buf_add_c(p->out, ")", err);
}

static vonk_status put(printer *p, const vonk_pb_msg *e, vonk_error *err)
{
    const int which = vonk_pb_which(e, PB_EXPRESSION_EXPR_TYPE_ONEOF);
    const vonk_pb_msg *m = which ? vonk_pb_get_msg(e, which) : NULL;
    switch (which) {
    case PB_EXPRESSION_LITERAL: return put_literal(p, m, err);
    case PB_EXPRESSION_UNRESOLVED_ATTRIBUTE:
        return vonk_buf_add_str(p->out, vonk_pb_str(m, PB_EXPRESSION_UNRESOLVED_ATTRIBUTE_UNPARSED_IDENTIFIER), err);
    case PB_EXPRESSION_UNRESOLVED_STAR: {
        const vonk_str target = vonk_pb_str(m, PB_EXPRESSION_UNRESOLVED_STAR_UNPARSED_TARGET);
        return vonk_buf_add_str(p->out, target.len ? target : VONK_STR("*"), err);
    }
    case PB_EXPRESSION_UNRESOLVED_FUNCTION: return put_call(p, m, err);
    case PB_EXPRESSION_EXPRESSION_STRING:
        return vonk_buf_add_str(p->out, vonk_pb_str(m, PB_EXPRESSION_EXPRESSION_STRING_EXPRESSION), err);
    case PB_EXPRESSION_ALIAS: return put_alias(p, m, err);
    case PB_EXPRESSION_CAST: return put_cast(p, m, err);
    case PB_EXPRESSION_UNRESOLVED_REGEX: return vonk_buf_add_c(p->out, "unresolvedregex()", err);
    case PB_EXPRESSION_SORT_ORDER: return put_sort(p, m, err);
    case PB_EXPRESSION_WINDOW: return put_window(p, m, err);
    case PB_EXPRESSION_LAMBDA_FUNCTION: return put_lambda(p, m, err);
    case PB_EXPRESSION_UNRESOLVED_NAMED_LAMBDA_VARIABLE: return put_variable(p, m, err);
    case PB_EXPRESSION_UNRESOLVED_EXTRACT_VALUE: return put_extract(p, m, err);
    case PB_EXPRESSION_UPDATE_FIELDS: return put_update(p, m, err);
    case PB_EXPRESSION_NAMED_ARGUMENT_EXPRESSION: return put_named(p, m, err);
    case PB_EXPRESSION_CALL_FUNCTION:
        VONK_TRY(vonk_buf_add_str(p->out, vonk_pb_str(m, PB_CALL_FUNCTION_FUNCTION_NAME), err));
        return put_list(p, m, PB_CALL_FUNCTION_ARGUMENTS, "(", ")", err);
    case PB_EXPRESSION_COMMON_INLINE_USER_DEFINED_FUNCTION:
        VONK_TRY(vonk_buf_add_str(p->out, vonk_pb_str(m, PB_COMMON_INLINE_USER_DEFINED_FUNCTION_FUNCTION_NAME), err));
        return put_list(p, m, PB_COMMON_INLINE_USER_DEFINED_FUNCTION_ARGUMENTS, "(", ")", err);
    case PB_EXPRESSION_SUBQUERY_EXPRESSION: return put_subquery(p, m, err);
    default: return vonk_translate_unsupported(vonk_pb_field_name(&vonk_pb_connect, which), err);
    }
}

vonk_status vonk__j_column_text(const vonk__j_column *column, vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_budget *budget = column->head.machine->budget;
    const vonk_pb_msg *e = NULL;
    VONK_TRY(vonk_arena_new(budget, &arena, err));
    VONK_TRY(vonk_pb_decode(&vonk_pb_connect, PB_M_EXPRESSION, (vonk_str){column->bytes->data, column->bytes->len},
                            VONK_PB_MAX_DEPTH, arena, &e, err));
    printer p = {arena, budget, column, out};
    return put(&p, e, err);
}

vonk_status vonk__j_dataset_text(const vonk__j_dataset *dataset, vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
    if (dataset->is_lazy) return vonk_buf_add_c(out, "[]", err);
    VONK_TRY(vonk_plan_schema(dataset->plan, &type, err));
    VONK_TRY(vonk_buf_add_c(out, "[", err));
    for (uint32_t i = 0; i < type->n_fields; i++) {
        if (i == 2 && type->n_fields > 2) { /* Dataset.toString shows two, then says how many there are */
            VONK_TRY(
                vonk_buf_printf(out, err, " ... %u more field%s", type->n_fields - 2, type->n_fields > 3 ? "s" : ""));
            break;
        }
        VONK_TRY(vonk_buf_printf(out, err, "%s%.*s: ", i ? ", " : "", VONK_STR_ARGS(type->fields[i].name)));
        VONK_TRY(vonk_type_simple_string(type->fields[i].type, out, err));
    }
    return vonk_buf_add_c(out, "]", err);
}
