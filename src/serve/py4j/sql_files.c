/* serve/py4j/sql_files.c -- DataFrameReader and DataFrameWriter: what is said in steps, then a Read or a
 * WriteOperation. */
#include "serve/py4j/sql.h"

/* One object for both: they say mostly the same. Owned by one caller at a time, as in Spark. */
typedef struct files {
    vonk__j_object head;
    vonk__j_session *session;
    vonk__j_dataset *dataset; /* of a writer; NULL: a reader */
    vonk__j_value format, schema, mode;
    vonk__j_map *options; /* keys as written first, found without regard to case */
    vonk__j_value fields; /* of WriteOperation: partitions, buckets, order; encoded */
} files;

#define J_READER "org.apache.spark.sql.classic.DataFrameReader"
#define J_WRITER "org.apache.spark.sql.classic.DataFrameWriter"

static void files_drop(vonk__j_object *self)
{
    files *f = (files *)self;
    vonk__j_object *held[] = {(vonk__j_object *)f->session, (vonk__j_object *)f->dataset, (vonk__j_object *)f->options};
    f->session = NULL;
    f->dataset = NULL;
    f->options = NULL;
    vonk__j_unref(&f->format);
    vonk__j_unref(&f->schema);
    vonk__j_unref(&f->mode);
    vonk__j_unref(&f->fields);
    for (size_t i = 0; i < VONK_COUNTOF(held); i++) vonk__j_object_unref(held[i]);
}

static vonk_status files_new(vonk__j_call *call, const char *fqn, vonk__j_session *session, vonk__j_dataset *dataset,
                             vonk_error *err)
{
    VONK__J_AUTO files *made = NULL;
    VONK_TRY(vonk__j_object_new(call->machine, fqn, &made, err));
    made->format = made->schema = made->mode = made->fields = VONK__J_NOTHING;
    made->session = (vonk__j_session *)vonk__j_object_ref(session);
    if (dataset) made->dataset = (vonk__j_dataset *)vonk__j_object_ref(dataset);
    VONK_TRY(vonk__j_map_new(call->machine, "java.util.LinkedHashMap", &made->options, err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(made)->head));
}
vonk_status vonk__j_read(vonk__j_call *call, vonk_error *err)
{
    return files_new(call, J_READER, (vonk__j_session *)call->self, NULL, err);
}
vonk_status vonk__j_write(vonk__j_call *call, vonk_error *err)
{
    vonk__j_dataset *dataset = (vonk__j_dataset *)call->self;
    return files_new(call, J_WRITER, dataset->session, dataset, err);
}

/* ---- steps */

static vonk_status set_text(vonk__j_call *call, vonk_error *err)
{
    files *f = (files *)call->self;
    vonk__j_value *const slots[] = {&f->format, &f->mode};
    VONK_TRY(vonk__j_need(call, 0, err));
    vonk__j_unref(slots[call->member->tag]);
    *slots[call->member->tag] = vonk__j_ref(call->args[0]);
    return vonk__j_return_self(call);
}
static vonk_status set_mode(vonk__j_call *call, vonk_error *err)
{
    static const char *const modes[] = {"overwrite", "append", "ignore", "error", "errorifexists", "default"};
    VONK_TRY(vonk__j_need(call, 0, err));
    for (size_t i = 0; i < VONK_COUNTOF(modes); i++)
        if (vonk_str_is_nocase(vonk__j_str(&call->args[0]), modes[i])) return set_text(call, err);
    return VONK_FAIL(err, VONK_E_INVALID_SAVE_MODE, "mode", VONK_F("\"%.100s\"", call->args[0].text->data));
}
static vonk_status set_schema(vonk__j_call *call, vonk_error *err)
{
    files *f = (files *)call->self;
    VONK_AUTO(vonk_buf_done) vonk_buf json = {0};
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    vonk__j_unref(&f->schema);
    if (call->args[0].kind == VONK__J_STRING) {
        VONK_TRY(vonk_type_parse_ddl(vonk__j_str(&call->args[0]), &type, err)); /* told at once, as in Spark */
        f->schema = vonk__j_ref(call->args[0]);
        return vonk__j_return_self(call);
    }
    vonk_buf_init(&json, call->machine->budget, SIZE_MAX);
    VONK_TRY(vonk_type_json(((vonk__j_type *)call->args[0].object)->type, &json, err));
    VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_STRING, vonk_buf_str(&json), &f->schema, err));
    return vonk__j_return_self(call);
}

static vonk_status put_option(vonk__j_call *call, const vonk__j_value *key, const vonk__j_value *value, vonk_error *err)
{
    files *f = (files *)call->self;
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, call->machine->budget, 1 << 24);
    VONK_TRY(vonk__j_add_text(call->caller, value, 0, &text, err));
    for (vonk__j_entry *e = NULL; (e = vonk__j_map_next(f->options, e));)
        if (vonk_str_eq_nocase(vonk__j_str(&e->key), vonk__j_str(key))) {
            vonk__j_map_remove(f->options, e);
            break;
        }
    return vonk__j_map_put_text(call->caller, f->options, vonk__j_str(key),
                                text.len ? vonk_buf_str(&text) : VONK_STR(""), err);
}
static vonk_status set_option(vonk__j_call *call, vonk_error *err)
{
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_LOCKED(&call->machine->guard);
    if (call->n_args == 2) {
        VONK_TRY(put_option(call, &call->args[0], &call->args[1], err));
        return vonk__j_return_self(call);
    }
    const vonk__j_map *map = vonk__j_as_map(call->args[0].object);
    for (vonk__j_entry *e = NULL; map && (e = vonk__j_map_next(map, e));)
        VONK_TRY(put_option(call, &e->key, &e->value, err));
    return vonk__j_return_self(call);
}

enum { PARTITION_BY, BUCKET_BY, SORT_BY, CLUSTER_BY };
static vonk_status by_columns(vonk__j_call *call, vonk_error *err)
{
    files *f = (files *)call->self;
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const vonk__j_value *a = call->args;
    VONK_TRY(vonk__j_message_open(&m, call, NULL, err));
    vonk__j_put_raw(&m, vonk__j_str(&f->fields));
    switch (call->member->tag) {
    case PARTITION_BY: vonk__j_put_texts(&m, PB_WRITE_OPERATION_PARTITIONING_COLUMNS, &a[0]); break;
    case SORT_BY:
        vonk__j_put_text(&m, PB_WRITE_OPERATION_SORT_COLUMN_NAMES, &a[0]);
        vonk__j_put_texts(&m, PB_WRITE_OPERATION_SORT_COLUMN_NAMES, &a[1]);
        break;
    case CLUSTER_BY:
        vonk__j_put_text(&m, PB_WRITE_OPERATION_CLUSTERING_COLUMNS, &a[0]);
        vonk__j_put_texts(&m, PB_WRITE_OPERATION_CLUSTERING_COLUMNS, &a[1]);
        break;
    default: {
        const size_t mark = vonk_pb_begin(&m.w, PB_WRITE_OPERATION_BUCKET_BY);
        vonk__j_put_text(&m, PB_WRITE_OPERATION_BUCKET_BY_BUCKET_COLUMN_NAMES, &a[1]);
        vonk__j_put_texts(&m, PB_WRITE_OPERATION_BUCKET_BY_BUCKET_COLUMN_NAMES, &a[2]);
        vonk_pb_put_i64(&m.w, PB_WRITE_OPERATION_BUCKET_BY_NUM_BUCKETS, a[0].i);
        vonk_pb_end(&m.w, mark);
    }
    }
    VONK_TRY(m.status);
    VONK_TRY(vonk_pb_writer_end(&m.w));
    vonk__j_unref(&f->fields);
    VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_BYTES, vonk_buf_str(&m.buf), &f->fields, err));
    return vonk__j_return_self(call);
}

/* ---- reading */

static vonk_status load(vonk__j_call *call, vonk_error *err)
{
    static const vonk__j_entry_fields options = {PB_READ_DATA_SOURCE_OPTIONS, PB_READ_DATA_SOURCE_OPTIONS_ENTRY_KEY,
                                                 PB_READ_DATA_SOURCE_OPTIONS_ENTRY_VALUE};
    files *f = (files *)call->self;
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const vonk__j_value map = {.kind = VONK__J_OBJECT, .object = &f->options->head};
    const bool is_load = strcmp(call->member->name, "load") == 0;
    VONK_TRY(vonk__j_message_open(&m, call, f->session, err));
    vonk__j_put_common(&m);
    const size_t read = vonk_pb_begin(&m.w, PB_RELATION_READ), source = vonk_pb_begin(&m.w, PB_READ_DATA_SOURCE);
    if (!is_load)
        vonk_pb_put_c(&m.w, PB_READ_DATA_SOURCE_FORMAT, call->member->name);
    else
        vonk__j_put_text(&m, PB_READ_DATA_SOURCE_FORMAT, &f->format);
    vonk__j_put_text(&m, PB_READ_DATA_SOURCE_SCHEMA, &f->schema);
    vonk__j_put_map(&m, &options, &map);
    if (call->n_args && call->args[0].kind == VONK__J_STRING)
        vonk__j_put_text(&m, PB_READ_DATA_SOURCE_PATHS, &call->args[0]);
    else if (call->n_args)
        vonk__j_put_texts(&m, PB_READ_DATA_SOURCE_PATHS, &call->args[0]);
    vonk_pb_end(&m.w, source);
    vonk_pb_end(&m.w, read);
    return vonk__j_return_dataset(&m, err);
}

static vonk_status table(vonk__j_call *call, vonk_error *err)
{
    static const vonk__j_entry_fields options = {PB_READ_NAMED_TABLE_OPTIONS, PB_READ_NAMED_TABLE_OPTIONS_ENTRY_KEY,
                                                 PB_READ_NAMED_TABLE_OPTIONS_ENTRY_VALUE};
    files *f = (files *)call->self;
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const vonk__j_value map = {.kind = VONK__J_OBJECT, .object = &f->options->head};
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_message_open(&m, call, f->session, err));
    vonk__j_put_common(&m);
    const size_t read = vonk_pb_begin(&m.w, PB_RELATION_READ), named = vonk_pb_begin(&m.w, PB_READ_NAMED_TABLE);
    vonk__j_put_text(&m, PB_READ_NAMED_TABLE_UNPARSED_IDENTIFIER, &call->args[0]);
    vonk__j_put_map(&m, &options, &map);
    vonk_pb_end(&m.w, named);
    vonk_pb_end(&m.w, read);
    return vonk__j_return_dataset(&m, err);
}

static vonk_status unbuilt(vonk__j_call *call, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("%s of a DataFrame", call->member->name));
}

/* ---- writing */

static int save_mode(const files *f)
{
    const vonk_str mode = vonk__j_str(&f->mode);
    if (vonk_str_is_nocase(mode, "overwrite")) return PB_E_WRITE_OPERATION_SAVE_MODE_OVERWRITE;
    if (vonk_str_is_nocase(mode, "append")) return PB_E_WRITE_OPERATION_SAVE_MODE_APPEND;
    if (vonk_str_is_nocase(mode, "ignore")) return PB_E_WRITE_OPERATION_SAVE_MODE_IGNORE;
    return PB_E_WRITE_OPERATION_SAVE_MODE_ERROR_IF_EXISTS;
}

enum { TO_PATH, TO_TABLE, INTO_TABLE };
static vonk_status save(vonk__j_call *call, vonk_error *err)
{
    static const vonk__j_entry_fields options = {PB_WRITE_OPERATION_OPTIONS, PB_WRITE_OPERATION_OPTIONS_ENTRY_KEY,
                                                 PB_WRITE_OPERATION_OPTIONS_ENTRY_VALUE};
    files *f = (files *)call->self;
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const vonk__j_value map = {.kind = VONK__J_OBJECT, .object = &f->options->head};
    const int32_t to = call->member->tag;
    const bool is_save = strcmp(call->member->name, "save") == 0;
    VONK_TRY(vonk__j_message_open(&m, call, f->session, err));
    const size_t mark = vonk_pb_begin(&m.w, PB_COMMAND_WRITE_OPERATION);
    vonk__j_put_input(&m, PB_WRITE_OPERATION_INPUT, f->dataset);
    if (to == TO_PATH && !is_save)
        vonk_pb_put_c(&m.w, PB_WRITE_OPERATION_SOURCE, call->member->name);
    else
        vonk__j_put_text(&m, PB_WRITE_OPERATION_SOURCE, &f->format);
    if (to == TO_PATH) {
        if (call->n_args) vonk__j_put_text(&m, PB_WRITE_OPERATION_PATH, &call->args[0]);
    } else {
        const size_t table_mark = vonk_pb_begin(&m.w, PB_WRITE_OPERATION_TABLE);
        vonk__j_put_text(&m, PB_WRITE_OPERATION_SAVE_TABLE_TABLE_NAME, &call->args[0]);
        vonk_pb_put_i64(&m.w, PB_WRITE_OPERATION_SAVE_TABLE_SAVE_METHOD,
                        to == TO_TABLE ? PB_E_WRITE_OPERATION_SAVE_TABLE_TABLE_SAVE_METHOD_SAVE_AS_TABLE
                                       : PB_E_WRITE_OPERATION_SAVE_TABLE_TABLE_SAVE_METHOD_INSERT_INTO);
        vonk_pb_end(&m.w, table_mark);
    }
    vonk_pb_put_i64(&m.w, PB_WRITE_OPERATION_MODE, save_mode(f));
    vonk__j_put_raw(&m, vonk__j_str(&f->fields));
    vonk__j_put_map(&m, &options, &map);
    vonk_pb_end(&m.w, mark);
    return vonk__j_run_command(&m, err);
}

#define SHARED(cls)                                                                                                    \
    {"format", "String", cls, set_text, VONK__J_METHOD, 0},                                                            \
        {"option", "String, String", cls, set_option, VONK__J_METHOD, 0},                                              \
        {"option", "String, boolean", cls, set_option, VONK__J_METHOD, 0},                                             \
        {"option", "String, long", cls, set_option, VONK__J_METHOD, 0},                                                \
        {"option", "String, double", cls, set_option, VONK__J_METHOD, 0},                                              \
        {"options", J_MAP, cls, set_option, VONK__J_METHOD, 0}
#define FROM(name)                                                                                                     \
    {name, "String", J_DATASET, load, VONK__J_METHOD, 0}, {name, J_SEQ, J_DATASET, load, VONK__J_METHOD, 0}
static const vonk__j_member reader_members[] = {
    SHARED(J_READER),
    {"schema", "String", J_READER, set_schema, VONK__J_METHOD, 0},
    {"schema", J_STRUCT, J_READER, set_schema, VONK__J_METHOD, 0},
    {"load", "", J_DATASET, load, VONK__J_METHOD, 0},
    FROM("load"),
    FROM("parquet"),
    FROM("json"),
    FROM("csv"),
    FROM("text"),
    FROM("orc"),
    FROM("xml"),
    {"table", "String", J_DATASET, table, VONK__J_METHOD, 0},
    {"changes", "String", J_DATASET, unbuilt, VONK__J_METHOD, 0},
    {"json", "Object", J_DATASET, unbuilt, VONK__J_METHOD, 0},
    {"csv", "Object", J_DATASET, unbuilt, VONK__J_METHOD, 0},
    {"xml", "Object", J_DATASET, unbuilt, VONK__J_METHOD, 0},
    {"jdbc", "String, String, java.util.Properties", J_DATASET, unbuilt, VONK__J_METHOD, 0},
    {"jdbc", "String, String, String[], java.util.Properties", J_DATASET, unbuilt, VONK__J_METHOD, 0},
    {"jdbc", "String, String, String, long, long, int, java.util.Properties", J_DATASET, unbuilt, VONK__J_METHOD, 0},
};
#define INTO(name) {name, "String", "void", save, VONK__J_METHOD, TO_PATH}
static const vonk__j_member writer_members[] = {
    SHARED(J_WRITER),
    {"mode", "String", J_WRITER, set_mode, VONK__J_METHOD, 1},
    {"partitionBy", J_SEQ, J_WRITER, by_columns, VONK__J_METHOD, PARTITION_BY},
    {"bucketBy", "int, String, " J_SEQ, J_WRITER, by_columns, VONK__J_METHOD, BUCKET_BY},
    {"sortBy", "String, " J_SEQ, J_WRITER, by_columns, VONK__J_METHOD, SORT_BY},
    {"clusterBy", "String, " J_SEQ, J_WRITER, by_columns, VONK__J_METHOD, CLUSTER_BY},
    {"save", "", "void", save, VONK__J_METHOD, TO_PATH},
    INTO("save"),
    INTO("parquet"),
    INTO("json"),
    INTO("csv"),
    INTO("text"),
    INTO("orc"),
    INTO("xml"),
    {"saveAsTable", "String", "void", save, VONK__J_METHOD, TO_TABLE},
    {"insertInto", "String", "void", save, VONK__J_METHOD, INTO_TABLE},
    {"jdbc", "String, String, java.util.Properties", "void", unbuilt, VONK__J_METHOD, 0},
};
#define ROW(name, list)                                                                                                \
    {.fqn = (name), .flags = VONK__J_ABSTRACT, VONK__J_MEMBERS(list), .size = sizeof(files), .drop = files_drop}
static const vonk__j_row rows[] = {ROW(J_READER, reader_members), ROW(J_WRITER, writer_members)};
const vonk__j_area vonk__j_area_sql_files = {rows, VONK_COUNTOF(rows)};
