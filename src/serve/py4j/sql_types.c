/* serve/py4j/sql_types.c -- values that SQL's calls carry: DataType, StructType, Metadata, dates, times, durations. */
#include "serve/py4j/sql.h"
#include "text/date.h"
#include "text/number.h"

/* ---- types */

static void type_drop(vonk__j_object *self)
{
    vonk_type_unref(((vonk__j_type *)self)->type);
    ((vonk__j_type *)self)->type = NULL;
}
static const vonk_type *self_type(const vonk__j_call *call) { return ((vonk__j_type *)call->self)->type; }

vonk_status vonk__j_type_new(vonk__j_machine *machine, const vonk_type *take_type, vonk__j_value *ret, vonk_error *err)
{
    vonk__j_type *made = NULL;
    const vonk_status status =
        vonk__j_object_new(machine, take_type->id == VONK_T_STRUCT ? J_STRUCT : J_TYPE "$Live", &made, err);
    if (status != VONK_OK) {
        vonk_type_unref(take_type);
        return status;
    }
    made->type = take_type;
    *ret = vonk__j_of(&made->head);
    return VONK_OK;
}

enum { JSON, SIMPLE, CATALOG, SQL, DDL };
static vonk_status type_text(vonk__j_call *call, vonk_error *err)
{
    static vonk_status (*const texts[])(const vonk_type *, vonk_buf *,
                                        vonk_error *) = {[JSON] = vonk_type_json,
                                                         [SIMPLE] = vonk_type_simple_string,
                                                         [CATALOG] = vonk_type_catalog_string,
                                                         [SQL] = vonk_type_sql,
                                                         [DDL] = vonk_type_ddl};
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, call->machine->budget, SIZE_MAX);
    VONK_TRY(texts[call->member->tag](self_type(call), &text, err));
    return vonk__j_return_str(call, vonk_buf_str(&text), err);
}
static vonk_status tree_string(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, call->machine->budget, SIZE_MAX);
    VONK_TRY(vonk_type_tree_string(self_type(call), call->n_args ? (int32_t)call->args[0].i : 0, &text, err));
    return vonk__j_return_str(call, vonk_buf_str(&text), err);
}
static vonk_status field_names(vonk__j_call *call, vonk_error *err)
{
    const vonk_type *type = self_type(call);
    VONK__J_AUTO vonk__j_array *array = NULL;
    VONK_TRY(vonk__j_array_new(call->machine, vonk__j_class_named(call->machine, "java.lang.String"), type->n_fields,
                               &array, err));
    for (uint32_t i = 0; i < type->n_fields; i++)
        VONK_TRY(
            vonk__j_text_value(call->machine->budget, VONK__J_STRING, type->fields[i].name, &array->items[i], err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(array)->head));
}
static vonk_status type_parse(vonk__j_call *call, vonk_error *err)
{
    const vonk_type *type = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(call->member->tag ? vonk_type_parse_json(vonk__j_str(&call->args[0]), &type, err)
                               : vonk_type_parse_ddl(vonk__j_str(&call->args[0]), &type, err));
    return vonk__j_type_new(call->machine, type, &call->result, err);
}
static vonk_status type_to_text(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_buf *out,
                                vonk_error *err)
{
    (void)caller, (void)depth;
    return vonk_type_simple_string(((vonk__j_type *)self)->type, out, err);
}
static vonk_status type_equals(vonk__j_caller *caller, vonk__j_object *self, vonk__j_object *other, uint32_t depth,
                               bool *ret, vonk_error *err)
{
    (void)caller, (void)depth, (void)err;
    *ret = self->cls == other->cls && vonk_type_eq_exact(((vonk__j_type *)self)->type, ((vonk__j_type *)other)->type);
    return VONK_OK;
}

static const vonk__j_member type_members[] = {
    {"json", "", "String", type_text, VONK__J_METHOD, JSON},
    {"simpleString", "", "String", type_text, VONK__J_METHOD, SIMPLE},
    {"catalogString", "", "String", type_text, VONK__J_METHOD, CATALOG},
    {"sql", "", "String", type_text, VONK__J_METHOD, SQL},
    {"fromDDL", "String", J_TYPE, type_parse, VONK__J_STATIC, 0},
    {"fromJson", "String", J_TYPE, type_parse, VONK__J_STATIC, 1},
};
static const vonk__j_member struct_members[] = {
    {"treeString", "", "String", tree_string, VONK__J_METHOD, 0},
    {"treeString", "int", "String", tree_string, VONK__J_METHOD, 0},
    {"toDDL", "", "String", type_text, VONK__J_METHOD, DDL},
    {"fieldNames", "", "String[]", field_names, VONK__J_METHOD, 0},
    {"names", "", "String[]", field_names, VONK__J_METHOD, 0},
    {"fromDDL", "String", J_STRUCT, type_parse, VONK__J_STATIC, 0},
};

/* ---- metadata: kept as text */

typedef struct metadata {
    vonk__j_object head;
    vonk__j_value json;
} metadata;
static void metadata_drop(vonk__j_object *self) { vonk__j_unref(&((metadata *)self)->json); }
static vonk_status metadata_new(vonk__j_call *call, vonk_error *err)
{
    metadata *made = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_object_new(call->machine, J_METADATA, &made, err));
    made->json = vonk__j_ref(call->args[0]);
    return vonk__j_return(call, vonk__j_of(&made->head));
}
static vonk_status metadata_json(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_ref(((metadata *)call->self)->json));
}
static vonk_status metadata_text(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_buf *out,
                                 vonk_error *err)
{
    (void)caller, (void)depth;
    return vonk_buf_add_str(out, vonk__j_str(&((metadata *)self)->json), err);
}
static const vonk__j_member metadata_members[] = {
    {"fromJson", "String", J_METADATA, metadata_new, VONK__J_STATIC, 0},
    {"json", "", "String", metadata_json, VONK__J_METHOD, 0},
};

/* ---- times */

static vonk_status return_time(vonk__j_call *call, const char *fqn, int64_t n, vonk_error *err)
{
    vonk__j_time *made = NULL;
    VONK_TRY(vonk__j_object_new(call->machine, fqn, &made, err));
    made->n = n;
    return vonk__j_return(call, vonk__j_of(&made->head));
}
static vonk_status date_value_of(vonk__j_call *call, vonk_error *err)
{
    int32_t days = 0;
    VONK_TRY(vonk__j_need(call, 0, err));
    if (!vonk_text_to_date(vonk__j_str(&call->args[0]), &days))
        return vonk__j_throw_bare(call->caller, "java.lang.IllegalArgumentException", err);
    return return_time(call, "java.sql.Date", days, err);
}
static vonk_status timestamp_new(vonk__j_call *call, vonk_error *err)
{
    return return_time(call, "java.sql.Timestamp", call->args[0].i * 1000, err);
}
static vonk_status timestamp_nanos(vonk__j_call *call, vonk_error *err)
{
    vonk__j_time *t = (vonk__j_time *)call->self;
    (void)err;
    const int64_t seconds = t->n / 1000000 - (t->n % 1000000 < 0);
    t->n = seconds * 1000000 + call->args[0].i / 1000;
    return VONK_OK;
}
static vonk_status time_of(vonk__j_call *call, vonk_error *err)
{
    const vonk__j_value *a = call->args;
    const int64_t seconds = a[0].i * 3600 + a[1].i * 60 + (call->n_args > 2 ? a[2].i : 0);
    return return_time(call, "java.time.LocalTime", seconds * 1000000000 + (call->n_args > 3 ? a[3].i : 0), err);
}
static vonk_status of_micros(vonk__j_call *call, vonk_error *err)
{
    return return_time(call, call->member->result, call->args[0].i, err);
}
static const vonk__j_member date_members[] = {
    {"valueOf", "String", "java.sql.Date", date_value_of, VONK__J_STATIC, 0},
};
static const vonk__j_member timestamp_members[] = {
    {"new", "long", "", timestamp_new, VONK__J_CONSTRUCTOR, 0},
    {"setNanos", "int", "void", timestamp_nanos, VONK__J_METHOD, 0},
};
static const vonk__j_member time_members[] = {
    {"of", "int, int", "java.time.LocalTime", time_of, VONK__J_STATIC, 0},
    {"of", "int, int, int", "java.time.LocalTime", time_of, VONK__J_STATIC, 0},
    {"of", "int, int, int, int", "java.time.LocalTime", time_of, VONK__J_STATIC, 0},
};
static const vonk__j_member time_utils[] = {
    {"microsToLocalDateTime", "long", "java.time.LocalDateTime", of_micros, VONK__J_STATIC, 0},
    {"microsToInstant", "long", "java.time.Instant", of_micros, VONK__J_STATIC, 0},
};
static const vonk__j_member interval_utils[] = {
    {"microsToDuration", "long", "java.time.Duration", of_micros, VONK__J_STATIC, 0},
    {"monthsToPeriod", "int", "java.time.Period", of_micros, VONK__J_STATIC, 0},
};

#define TYPE(name, above) {.fqn = (name), .super = (above), .flags = VONK__J_ABSTRACT}
#define TIME(name) {.fqn = "java.time." name, .flags = VONK__J_ABSTRACT, .size = sizeof(vonk__j_time)}
static const vonk__j_row rows[] = {
    {.fqn = J_TYPE,
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(type_members),
     .size = sizeof(vonk__j_type),
     .drop = type_drop,
     .text = type_to_text,
     .equals = type_equals},
    TYPE(J_TYPE "$Live", J_TYPE),
    {.fqn = J_STRUCT, .super = J_TYPE, .flags = VONK__J_ABSTRACT, VONK__J_MEMBERS(struct_members)},
    {.fqn = J_METADATA,
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(metadata_members),
     .size = sizeof(metadata),
     .drop = metadata_drop,
     .text = metadata_text},
    {.fqn = "java.sql.Date", .flags = VONK__J_ABSTRACT, VONK__J_MEMBERS(date_members), .size = sizeof(vonk__j_time)},
    {.fqn = "java.sql.Timestamp", VONK__J_MEMBERS(timestamp_members), .size = sizeof(vonk__j_time)},
    {.fqn = "java.time.LocalTime",
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(time_members),
     .size = sizeof(vonk__j_time)},
    TIME("LocalDate"),
    TIME("LocalDateTime"),
    TIME("Instant"),
    TIME("Duration"),
    TIME("Period"),
    {.fqn = "org.apache.spark.sql.catalyst.util.DateTimeUtils", .flags = VONK__J_ABSTRACT, VONK__J_MEMBERS(time_utils)},
    {.fqn = "org.apache.spark.sql.catalyst.util.IntervalUtils",
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(interval_utils)},
};
const vonk__j_area vonk__j_area_sql_types = {rows, VONK_COUNTOF(rows)};
