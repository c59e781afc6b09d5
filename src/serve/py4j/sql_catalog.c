/* serve/py4j/sql_catalog.c -- spark.catalog: each question a Catalog relation whose rows become records. */
#include "serve/py4j/sql.h"

/* ---- records: a row as an object, its columns as members */

typedef struct record {
    vonk__j_object head;
    vonk__j_map *fields;
} record;
static void record_drop(vonk__j_object *self)
{
    vonk__j_map *fields = ((record *)self)->fields;
    ((record *)self)->fields = NULL;
    vonk__j_object_unref(fields);
}
/* Many of them, where Spark has a Dataset. */
typedef struct records {
    vonk__j_object head;
    vonk__j_list *list;
} records;
static void records_drop(vonk__j_object *self)
{
    vonk__j_list *list = ((records *)self)->list;
    ((records *)self)->list = NULL;
    vonk__j_object_unref(list);
}
static vonk_status record_get(vonk__j_call *call, vonk_error *err)
{
    const vonk_str name = vonk_str_of(call->member->name);
    const vonk__j_map *fields = ((record *)call->self)->fields;
    VONK_LOCKED(&call->machine->guard);
    for (vonk__j_entry *e = NULL; (e = vonk__j_map_next(fields, e));)
        if (vonk_str_eq(vonk__j_str(&e->key), name)) return vonk__j_return(call, vonk__j_ref(e->value));
    (void)err;
    return vonk__j_return(call, VONK__J_NOTHING);
}
/* The last part of its namespace, null for a temporary one. */
static vonk_status record_database(vonk__j_call *call, vonk_error *err)
{
    const vonk__j_map *fields = ((record *)call->self)->fields;
    (void)err;
    VONK_LOCKED(&call->machine->guard);
    for (vonk__j_entry *e = NULL; (e = vonk__j_map_next(fields, e));) {
        if (!vonk_str_is(vonk__j_str(&e->key), "namespace") || e->value.kind != VONK__J_OBJECT) continue;
        const vonk__j_array *parts = vonk__j_as_array(e->value.object);
        if (parts && parts->n) return vonk__j_return(call, vonk__j_ref(parts->items[parts->n - 1]));
    }
    return vonk__j_return(call, VONK__J_NOTHING);
}

static vonk_status value_at(vonk__j_call *call, const vonk_query *query, const vonk_column *column, uint32_t row,
                            vonk__j_value *ret, vonk_error *err);

static vonk_status texts_at(vonk__j_call *call, const vonk_query *query, const vonk_column *column, uint32_t row,
                            vonk__j_value *ret, vonk_error *err)
{
    VONK__J_AUTO vonk__j_array *array = NULL;
    uint32_t at = 0;
    const vonk_column *flat = vonk_column_locate(column, row, &at);
    const vonk_span *span = &VONK_VALUES(flat, vonk_span)[at];
    VONK_TRY(vonk__j_array_new(call->machine, vonk__j_class_named(call->machine, "java.lang.String"),
                               (uint32_t)span->len, &array, err));
    for (uint32_t i = 0; i < array->n; i++)
        VONK_TRY(value_at(call, query, flat->children[0], (uint32_t)span->offset + i, &array->items[i], err));
    *ret = vonk__j_of(&VONK_STEAL(array)->head);
    return VONK_OK;
}

static vonk_status value_at(vonk__j_call *call, const vonk_query *query, const vonk_column *column, uint32_t row,
                            vonk__j_value *ret, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    *ret = VONK__J_NOTHING;
    if (vonk_column_is_null(column, row)) return VONK_OK;
    if (column->type->id == VONK_T_ARRAY) return texts_at(call, query, column, row, ret, err);
    if (column->type->id == VONK_T_BOOLEAN) {
        *ret = vonk__j_bool(vonk_column_i64(column, row) != 0);
        return VONK_OK;
    }
    vonk_buf_init(&text, call->machine->budget, SIZE_MAX);
    VONK_TRY(vonk_query_text(query, column, row, &text, err));
    return vonk__j_text_value(call->machine->budget, VONK__J_STRING, text.len ? vonk_buf_str(&text) : VONK_STR(""), ret,
                              err);
}

static vonk_status record_new(vonk__j_call *call, const char *fqn, const vonk_query *query, const vonk_batch *batch,
                              uint32_t row, vonk__j_value *ret, vonk_error *err)
{
    VONK__J_AUTO record *made = NULL;
    const vonk_type *type = vonk_query_schema(query);
    VONK_TRY(vonk__j_object_new(call->machine, fqn, &made, err));
    VONK_TRY(vonk__j_map_new(call->machine, "java.util.LinkedHashMap", &made->fields, err));
    for (uint32_t i = 0; i < type->n_fields; i++) {
        vonk__j_value key, value = VONK__J_NOTHING;
        VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_STRING, type->fields[i].name, &key, err));
        const vonk_status status = value_at(call, query, batch->columns[i], row, &value, err);
        if (status != VONK_OK) {
            vonk__j_unref(&key);
            return status;
        }
        VONK_TRY(vonk__j_map_put(call->caller, made->fields, key, value, NULL, err));
    }
    *ret = vonk__j_of(&VONK_STEAL(made)->head);
    return VONK_OK;
}

/* ---- questions by table */

enum { A_TEXT, A_FLAG, NOTHING, RECORD, RECORDS, FRAME };
typedef struct question {
    int which;     /* of Catalog */
    int fields[3]; /* of its message, one for each argument; 0: none */
    uint8_t answer;
    const char *record;
} question;

#define RECORD_OF(name) "org.apache.spark.sql.catalog." name
static const question questions[] = {
#define QUESTION(id, name, args, result, ...) __VA_ARGS__,
#include "serve/py4j/sql_catalog.def"
#undef QUESTION
};
enum {
#define QUESTION(id, name, args, result, ...) Q_##id,
#include "serve/py4j/sql_catalog.def"
#undef QUESTION
};

static void put_argument(vonk__j_message *m, int field, const vonk__j_value *v)
{
    if (v->kind == VONK__J_STRING) vonk__j_put_text(m, field, v);
    if (v->kind == VONK__J_BOOL) vonk_pb_put_i64(&m->w, field, v->i);
    if (v->kind == VONK__J_OBJECT && vonk__j_is(v->object, J_LEVEL)) {
        const vonk__j_level *l = (vonk__j_level *)v->object;
        const size_t mark = vonk_pb_begin(&m->w, field);
        vonk_pb_put_i64(&m->w, PB_STORAGE_LEVEL_USE_DISK, l->disk);
        vonk_pb_put_i64(&m->w, PB_STORAGE_LEVEL_USE_MEMORY, l->memory);
        vonk_pb_put_i64(&m->w, PB_STORAGE_LEVEL_USE_OFF_HEAP, l->off_heap);
        vonk_pb_put_i64(&m->w, PB_STORAGE_LEVEL_DESERIALIZED, l->deserialized);
        vonk_pb_put_i64(&m->w, PB_STORAGE_LEVEL_REPLICATION, l->replication);
        vonk_pb_end(&m->w, mark);
    } else if (v->kind == VONK__J_OBJECT && field == PB_CREATE_DATABASE_PROPERTIES) {
        static const vonk__j_entry_fields fields = {PB_CREATE_DATABASE_PROPERTIES,
                                                    PB_CREATE_DATABASE_PROPERTIES_ENTRY_KEY,
                                                    PB_CREATE_DATABASE_PROPERTIES_ENTRY_VALUE};
        vonk__j_put_map(m, &fields, v);
    }
}

static vonk_status add_records(vonk__j_call *call, const question *q, const vonk__j_rows *rows, vonk__j_list *list,
                               vonk_error *err)
{
    for (size_t i = 0; i < rows->n; i++)
        for (uint32_t k = 0; k < rows->at[i]->n_sel; k++) {
            vonk__j_value made = VONK__J_NOTHING;
            const uint32_t row = rows->at[i]->sel ? rows->at[i]->sel[k] : k;
            VONK_TRY(record_new(call, q->record, rows->query, rows->at[i], row, &made, err));
            VONK_TRY(vonk__j_list_add(list, made, err));
        }
    return VONK_OK;
}

static vonk_status answer_records(vonk__j_message *m, const question *q, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
    VONK_AUTO(vonk__j_rows_done) vonk__j_rows rows = {0};
    VONK__J_AUTO vonk__j_list *list = NULL;
    records *made = NULL;
    VONK_TRY(vonk__j_relation(m, &plan, err));
    VONK_TRY(vonk__j_rows_of(m->call->caller, m->session, plan, &rows, err));
    VONK_TRY(vonk__j_list_new(m->call->machine, &list, err));
    VONK_TRY(add_records(m->call, q, &rows, list, err));
    if (q->answer == RECORD)
        return list->items.n ? vonk__j_return(m->call, vonk__j_ref(list->items.at[0]))
                             : vonk__j_return(m->call, VONK__J_NOTHING);
    VONK_TRY(vonk__j_object_new(m->call->machine, RECORD_OF("Records"), &made, err));
    made->list = VONK_STEAL(list);
    return vonk__j_return(m->call, vonk__j_of(&made->head));
}

static vonk_status ask(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const question *q = &questions[call->member->tag];
    VONK_TRY(vonk__j_message_open(&m, call, vonk__j_session_of(call), err));
    vonk__j_put_common(&m);
    const size_t catalog = vonk_pb_begin(&m.w, PB_RELATION_CATALOG), mark = vonk_pb_begin(&m.w, q->which);
    for (uint32_t i = 0; i < call->n_args && i < VONK_COUNTOF(q->fields); i++)
        if (q->fields[i]) put_argument(&m, q->fields[i], &call->args[i]);
    vonk_pb_end(&m.w, mark);
    vonk_pb_end(&m.w, catalog);
    switch (q->answer) {
    case A_TEXT: return vonk__j_one_text(&m, &call->result, err);
    case A_FLAG: return vonk__j_one_number(&m, VONK__J_BOOL, &call->result, err);
    case NOTHING: {
        VONK_AUTO(vonk__j_unref) vonk__j_value ignored = VONK__J_NOTHING;
        return vonk__j_one_text(&m, &ignored, err);
    }
    case FRAME: return vonk__j_return_dataset(&m, err);
    default: return answer_records(&m, q, err);
    }
}

/* databaseName, tableName in the order of the deprecated overloads: (db, name) */
static vonk_status swapped(vonk__j_call *call, vonk_error *err)
{
    const vonk__j_value first = call->args[0];
    call->args[0] = call->args[1];
    call->args[1] = first;
    return ask(call, err);
}

static vonk_status iterator(vonk__j_call *call, vonk_error *err)
{
    vonk__j_object *list = &((records *)call->self)->list->head;
    const vonk__j_signature *s = NULL;
    vonk__j_choose(call->machine, list->cls, VONK_STR("iterator"), false, NULL, 0, &s);
    return vonk__j_invoke(call->caller, list->cls, list, s, NULL, 0, &call->result, err);
}

static vonk_status unbuilt(vonk__j_call *call, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("%s of the catalog", call->member->name));
}
static const vonk__j_member catalog_members[] = {
#define QUESTION(id, name, args, result, ...) {name, args, result, ask, VONK__J_METHOD, Q_##id},
#include "serve/py4j/sql_catalog.def"
#undef QUESTION
    {"tableExists", "String, String", "boolean", swapped, VONK__J_METHOD, Q_TABLE_EXISTS},
    {"functionExists", "String, String", "boolean", swapped, VONK__J_METHOD, Q_FUNCTION_EXISTS},
    {"listColumns", "String, String", "Object", swapped, VONK__J_METHOD, Q_LIST_COLUMNS},
    {"createTable", "String, String, " J_STRUCT ", String, " J_MAP, J_DATASET, unbuilt, VONK__J_METHOD, 0},
    {"getTableProperties", "String", "Object", unbuilt, VONK__J_METHOD, 0},
};
/* ---- SQLContext: SHOW TABLES, and questions of the catalog under its older name */

static vonk_status show_tables(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    const vonk_plan *rows = NULL;
    vonk__j_dataset *made = NULL;
    vonk__j_session *session = vonk__j_session_of(call);
    vonk_buf_init(&text, call->machine->budget, 1 << 20);
    VONK_TRY(vonk_buf_add_c(&text, "SHOW TABLES", err));
    if (call->n_args) VONK_TRY(vonk__j_need(call, 0, err));
    if (call->n_args) VONK_TRY(vonk_buf_printf(&text, err, " IN %s", call->args[0].text->data));
    VONK_TRY(vonk__j_message_open(&m, call, session, err));
    vonk__j_put_common(&m);
    const size_t mark = vonk_pb_begin(&m.w, PB_RELATION_SQL);
    vonk_pb_put_str(&m.w, PB_SQL_QUERY, vonk_buf_str(&text));
    vonk_pb_end(&m.w, mark);
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
    VONK_TRY(vonk__j_relation(&m, &plan, err));
    VONK_TRY(vonk_session_rematerialize(session->session, plan, &rows, err));
    VONK_TRY(vonk__j_dataset_new(session, rows, &made, err));
    return vonk__j_return(call, vonk__j_of(&made->head));
}

/* The second column of those rows. */
static vonk_status table_names(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_rows_done) vonk__j_rows rows = {0};
    VONK__J_AUTO vonk__j_list *names = NULL;
    VONK_TRY(show_tables(call, err));
    VONK_TRY(vonk__j_rows_of(call->caller, vonk__j_session_of(call), ((vonk__j_dataset *)call->result.object)->plan,
                             &rows, err));
    VONK_TRY(vonk__j_list_new(call->machine, &names, err));
    for (size_t i = 0; i < rows.n; i++)
        for (uint32_t k = 0; k < rows.at[i]->n_sel; k++) {
            vonk__j_value name = VONK__J_NOTHING;
            VONK_TRY(value_at(call, rows.query, rows.at[i]->columns[1], rows.at[i]->sel ? rows.at[i]->sel[k] : k, &name,
                              err));
            VONK_TRY(vonk__j_list_add(names, name, err));
        }
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(names)->head));
}

static vonk_status session_of(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_of(vonk__j_object_ref(vonk__j_session_of(call))));
}
static const vonk__j_member context_members[] = {
    {"tables", "", J_DATASET, show_tables, VONK__J_METHOD, 0},
    {"tables", "String", J_DATASET, show_tables, VONK__J_METHOD, 0},
    {"tableNames", "", "Object", table_names, VONK__J_METHOD, 0},
    {"tableNames", "String", "Object", table_names, VONK__J_METHOD, 0},
    {"cacheTable", "String", "void", ask, VONK__J_METHOD, Q_CACHE_TABLE},
    {"uncacheTable", "String", "void", ask, VONK__J_METHOD, Q_UNCACHE_TABLE},
    {"clearCache", "", "void", ask, VONK__J_METHOD, Q_CLEAR_CACHE},
    {"refreshTable", "String", "void", ask, VONK__J_METHOD, Q_REFRESH_TABLE},
    {"sparkSession", "", J_SESSION, session_of, VONK__J_METHOD, 0},
};
static const vonk__j_member records_members[] = {
    {"toLocalIterator", "", "java.util.Iterator", iterator, VONK__J_METHOD, 0},
};
#define GET(name) {name, "", "Object", record_get, VONK__J_METHOD, 0}
static const vonk__j_member record_members[] = {
    GET("name"),        GET("catalog"),     GET("namespace"),
    GET("description"), GET("tableType"),   GET("isTemporary"),
    GET("locationUri"), GET("className"),   GET("dataType"),
    GET("nullable"),    GET("isPartition"), GET("isBucket"),
    GET("isCluster"),   GET("partition"),   {"database", "", "String", record_database, VONK__J_METHOD, 0},
};
#define RECORD_CLASS(name)                                                                                             \
    {.fqn = RECORD_OF(name),                                                                                           \
     .flags = VONK__J_ABSTRACT,                                                                                        \
     VONK__J_MEMBERS(record_members),                                                                                  \
     .size = sizeof(record),                                                                                           \
     .drop = record_drop}
static const vonk__j_row rows[] = {
    {.fqn = "org.apache.spark.sql.classic.Catalog",
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(catalog_members),
     .size = sizeof(vonk__j_facet),
     .drop = vonk__j_facet_drop},
    {.fqn = RECORD_OF("Records"),
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(records_members),
     .size = sizeof(records),
     .drop = records_drop},
    {.fqn = "org.apache.spark.sql.classic.SQLContext",
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(context_members),
     .size = sizeof(vonk__j_facet),
     .drop = vonk__j_facet_drop},
    RECORD_CLASS("CatalogMetadata"),
    RECORD_CLASS("Database"),
    RECORD_CLASS("Table"),
    RECORD_CLASS("Function"),
    RECORD_CLASS("Column"),
    RECORD_CLASS("CatalogTablePartition"),
};
const vonk__j_area vonk__j_area_sql_catalog = {rows, VONK_COUNTOF(rows)};
