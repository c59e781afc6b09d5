/* serve/py4j/sql.h -- classic DataFrames: SparkSession, Dataset, Column and what makes them.
 *
 * A call becomes a message of Spark Connect, and the message a plan by serve/translate: so nothing that Connect can do is
 * written twice. Nouns: column (an encoded Expression), dataset (an analyzed plan, which later messages name as a
 * CachedRemoteRelation), message (one that is being built).
 *
 * Spark analyzes each transformation of classic at once, and so does this; only what mentions a column of an outer query
 * waits (lazy). Columns, datasets and what groups them never change once made. */
#ifndef VONK_SERVE_PY4J_SQL_H
#define VONK_SERVE_PY4J_SQL_H

#include "base/vec.h"
#include "codec/pickle.h"
#include "net/connect_table.h"
#include "serve/py4j/collection.h"
#include "serve/py4j/spark.h"
#include "serve/translate/translate.h"
#include "serve/ui/ui.h"

#define J_COLUMN "org.apache.spark.sql.Column"
#define J_COLUMNS J_COLUMN "[]"
#define J_DATASET "org.apache.spark.sql.classic.Dataset"
#define J_GROUPED "org.apache.spark.sql.classic.RelationalGroupedDataset"
#define J_SESSION "org.apache.spark.sql.classic.SparkSession"
#define J_SEQ "scala.collection.Seq"
#define J_TYPE "org.apache.spark.sql.types.DataType"
#define J_STRUCT "org.apache.spark.sql.types.StructType"
#define J_METADATA "org.apache.spark.sql.types.Metadata"
#define J_MAP "java.util.Map"
#define J_LEVEL "org.apache.spark.storage.StorageLevel"

/* The engine behind the sessions of one SparkContext; shared by all that was made in it. */
typedef struct vonk__j_sql {
    _Atomic uint32_t refs;
    vonk_engine *engine;
    uint32_t of; /* serial of its SparkContext */
    vonk_mutex lock; /* of what follows */
    struct vonk__j_run *runs;
} vonk__j_sql;
void vonk__j_sql_unref(vonk__j_sql *sql); /* NULL is fine */
VONK_DEFINE_AUTO(vonk__j_sql, vonk__j_sql_unref)

typedef struct vonk__j_session {
    vonk__j_object head;
    vonk__j_sql *sql;
    vonk_session *session;
    vonk__j_context *context;
    VONK_VEC(vonk__j_object *) observations; /* that wait; under machine->state */
} vonk__j_session;
/* An object that is a view of a session: SessionState, RuntimeConfig, Catalog, ... */
typedef struct vonk__j_facet {
    vonk__j_object head;
    vonk__j_session *session;
} vonk__j_facet;
vonk_status vonk__j_return_facet(vonk__j_call *call, const char *fqn, vonk__j_session *session, vonk_error *err);
void vonk__j_facet_drop(vonk__j_object *self);
static inline vonk__j_session *vonk__j_session_of(const vonk__j_call *call) /* of a facet's member */
{
    return ((vonk__j_facet *)call->self)->session;
}
/* The session that Column.cast(), functions and the like work with; new reference; NULL: none. */
vonk__j_session *vonk__j_active_session(vonk__j_machine *machine);

typedef struct vonk__j_dataset {
    vonk__j_object head;
    vonk__j_session *session;
    const vonk_plan *plan; /* analyzed unless lazy; answers to plan_id */
    int64_t plan_id;
    bool is_lazy;
} vonk__j_dataset;
vonk_status vonk__j_dataset_new(vonk__j_session *session, const vonk_plan *take_plan, vonk__j_dataset **ret,
                                vonk_error *err); /* of an analyzed plan */
vonk__j_dataset *vonk__j_dataset_at(const vonk__j_call *call, uint32_t arg); /* of an argument that is one */

/* An object that is a view of a dataset: na, stat, queryExecution. */
typedef struct vonk__j_of_dataset {
    vonk__j_object head;
    vonk__j_dataset *dataset;
} vonk__j_of_dataset;
vonk_status vonk__j_return_of_dataset(vonk__j_call *call, const char *fqn, vonk__j_dataset *dataset, vonk_error *err);
void vonk__j_of_dataset_drop(vonk__j_object *self);

/* SimplePythonFunctions that encoded expressions call and whose broadcast values must live as long; referenced. */
typedef struct vonk__j_functions {
    struct vonk__j_function **at;
    size_t n, capacity;
} vonk__j_functions;
vonk_status vonk__j_add_functions(vonk__j_functions *to, const vonk__j_functions *from, vonk_error *err);
void vonk__j_functions_done(vonk__j_functions *functions); /* leaves it empty */

typedef struct vonk__j_column {
    vonk__j_object head;
    vonk__j_text *bytes;               /* an Expression */
    VONK_VEC(vonk__j_dataset *) plans; /* of its subqueries */
    vonk__j_functions functions;
    bool is_lazy;                      /* mentions an outer query's column */
} vonk__j_column;

typedef struct vonk__j_type {
    vonk__j_object head;
    const vonk_type *type;
} vonk__j_type;
vonk_status vonk__j_type_new(vonk__j_machine *machine, const vonk_type *take_type, vonk__j_value *ret, vonk_error *err);

/* A point in time or a length of it: java.sql.Date (days), Timestamp, LocalDateTime, Duration (microseconds), LocalTime
 * (nanoseconds), Period (months), Instant (microseconds). */
typedef struct vonk__j_time {
    vonk__j_object head;
    int64_t n;
} vonk__j_time;

/* ---- messages. One thread; storage belongs to the caller. A failed put shows when the message is finished. */
typedef struct vonk__j_message {
    vonk__j_call *call;
    vonk__j_session *session; /* of a relation or command; NULL: an expression */
    vonk_arena *arena;
    vonk_buf buf;
    vonk_pb_writer w;
    VONK_VEC(vonk__j_dataset *) inputs; /* what CachedRemoteRelations in it name, by position; borrowed */
    VONK_VEC(vonk__j_dataset *) plans;  /* of its subqueries; borrowed from columns, which the call holds */
    vonk__j_functions functions;
    vonk_str data, schema; /* of a ChunkedCachedLocalRelation with the hashes "data" and "schema"; borrowed */
    bool is_lazy;
    int64_t plan_id;
    vonk_error *err;
    vonk_status status;
} vonk__j_message;
int64_t vonk__j_next_plan_id(void);
vonk_status vonk__j_message_open(vonk__j_message *m, vonk__j_call *call, vonk__j_session *session, vonk_error *err);
void vonk__j_message_done(vonk__j_message *m); /* accepts zeroed storage */
VONK_DEFINE_AUTO_DONE(vonk__j_message, vonk__j_message_done)

/* Relations begin with this: they get a plan id. */
void vonk__j_put_common(vonk__j_message *m);
void vonk__j_put_input(vonk__j_message *m, int field, vonk__j_dataset *dataset);
/* All of that, for a relation over one dataset; ended by vonk_pb_end(&m->w, *ret_mark). */
vonk_status vonk__j_relation_open(vonk__j_message *m, vonk__j_call *call, vonk__j_dataset *of, int relation, int input,
                                  size_t *ret_mark, vonk_error *err);
/* The same under a plan id of its own, which is given back: for one dataset that stands on both sides. */
int64_t vonk__j_put_input_anew(vonk__j_message *m, int field, vonk__j_dataset *dataset);
/* An Expression: a column, or anything else as a literal. */
void vonk__j_put_value(vonk__j_message *m, int field, const vonk__j_value *value);
/* One for each element of a Seq, list or array. */
void vonk__j_put_values(vonk__j_message *m, int field, const vonk__j_value *values);
void vonk__j_put_literal(vonk__j_message *m, int field, const vonk__j_value *value); /* a Literal, no Expression */
void vonk__j_put_name(vonk__j_message *m, int field, vonk_str name);                 /* an attribute; "*", "a.*" */
void vonk__j_put_text(vonk__j_message *m, int field, const vonk__j_value *text);     /* null: nothing */
void vonk__j_put_texts(vonk__j_message *m, int field, const vonk__j_value *texts);
void vonk__j_put_sort(vonk__j_message *m, int field, const vonk__j_value *column); /* a SortOrder */
void vonk__j_put_sorts(vonk__j_message *m, int field, const vonk__j_value *columns);
void vonk__j_put_type(vonk__j_message *m, int field, const vonk__j_value *type); /* a DataType */
/* Fields that were encoded before, whatever message they belong to. */
void vonk__j_put_raw(vonk__j_message *m, vonk_str fields);
void vonk__j_put_failed(vonk__j_message *m, vonk_status status); /* notes the first failure */
/* A string map's entries, of a java.util.Map or Scala's; null: none. */
typedef struct vonk__j_entry_fields {
    int field, key, value;
} vonk__j_entry_fields;
void vonk__j_put_map(vonk__j_message *m, const vonk__j_entry_fields *fields, const vonk__j_value *map);

/* The elements of a Seq, list, array or null (none), borrowed from it. */
vonk_status vonk__j_items(vonk__j_message *m, const vonk__j_value *of, vonk__j_value **ret, uint32_t *ret_n);
vonk_status vonk__j_decode_column(vonk__j_message *m, const vonk__j_column *column, const vonk_pb_msg **ret,
                                  vonk_error *err);

/* The message calls it. */
void vonk__j_use_function(vonk__j_message *m, struct vonk__j_function *function);
/* ... those. */
void vonk__j_use_functions(vonk__j_message *m, const vonk__j_functions *functions);
/* Of vonk_translator: `door` is a message. */
vonk_status vonk__j_complete_function(void *door, vonk_python_fn *as, vonk_error *err);

/* The message mentions what the column does, though its parts were copied one by one. */
void vonk__j_keep_notes(vonk__j_message *m, const vonk__j_column *column);
/* In an Expression: a SubqueryExpression over that dataset, of the type PB_E_SUBQUERY_EXPRESSION_...; ended by the caller. */
size_t vonk__j_begin_subquery(vonk__j_message *m, vonk__j_dataset *dataset, int type);

/* What has been put, as a column; `call->result` is it. */
vonk_status vonk__j_return_column(vonk__j_message *m, vonk_error *err);
vonk_status vonk__j_column_of(vonk__j_message *m, vonk__j_column **ret, vonk_error *err);
vonk_status vonk__j_column_from(vonk__j_call *call, vonk_str encoded, vonk__j_column **ret, vonk_error *err);
/* What has been put, as a Relation: its plan (analyzed unless lazy), or a dataset. */
vonk_status vonk__j_relation(vonk__j_message *m, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__j_return_dataset(vonk__j_message *m, vonk_error *err);
/* What has been put is a Command: runs it to its end. */
vonk_status vonk__j_run_command(vonk__j_message *m, vonk_error *err);
/* Rows of a relation at once. */
typedef struct vonk__j_rows {
    vonk_query *query;
    vonk_batch **at;
    size_t n, capacity;
} vonk__j_rows;
vonk_status vonk__j_rows_of(vonk__j_caller *caller, vonk__j_session *session, const vonk_plan *resolved,
                            vonk__j_rows *ret, vonk_error *err);
void vonk__j_rows_done(vonk__j_rows *rows);
VONK_DEFINE_AUTO_DONE(vonk__j_rows, vonk__j_rows_done)
/* The relation that has been put: the text (null if null) or the number in its first row and column. */
vonk_status vonk__j_one_text(vonk__j_message *m, vonk__j_value *ret, vonk_error *err);
vonk_status vonk__j_one_number(vonk__j_message *m, vonk__j_kind kind, vonk__j_value *ret, vonk_error *err);
void vonk__j_translator(vonk__j_message *m, vonk_translator *ret); /* needs m->session */

/* A query whose rows a call of Python waits for. While it is there it can be cancelled: by its SparkContext's members,
 * by the session's, and when Python's Ctrl-C comes over the waiting connection. The owner frees the query after it. */
typedef struct vonk__j_run {
    vonk__j_caller *caller; /* who waits; NULL: nobody who could hear Python's Ctrl-C */
    vonk__j_sql *sql;       /* NULL: nothing to be done */
    const vonk_session *session;
    vonk_query *query;
    vonk_buf group, job_tags, tags; /* of the caller when it began */
    vonk_history_run noted;         /* its id is the query's */
    vonk_mutex lock;
    vonk_cond changed;
    bool woken;
    struct vonk__j_run *next;
} vonk__j_run;
vonk_status vonk__j_run_begin(vonk__j_run *run, vonk__j_caller *caller, vonk__j_session *session, vonk_query *query,
                              vonk_error *err);
vonk_status vonk__j_run_next(vonk__j_run *run, vonk_batch **ret, vonk_error *err); /* as vonk_query_next */
void vonk__j_run_done(vonk__j_run *run);
VONK_DEFINE_AUTO_DONE(vonk__j_run, vonk__j_run_done)
/* Those that ended, then those that run. */
vonk_status vonk__j_list_queries(vonk__j_context *context, vonk_arena *arena, const vonk_query_record **ret,
                                 uint32_t *ret_n, vonk_error *err);
/* Members of SparkSession. */
vonk_status vonk__j_interrupt(vonk__j_call *call, vonk_error *err);
vonk_status vonk__j_change_tags(vonk__j_call *call, vonk_error *err);
vonk_status vonk__j_get_tags(vonk__j_call *call, vonk_error *err);

/* Observations that wait for what the query counted get it. */
vonk_status vonk__j_note_observed(vonk__j_session *session, const vonk_query *query, vonk_error *err);
/* Pickled rows: how, by the session's settings (borrowed from `conf`), and a frame of them at `out`. */
void vonk__j_pickle_options(const vonk_conf *conf, vonk_pickle_options *ret);
vonk_status vonk__j_add_frame(const vonk_batch *batch, const vonk_type *type, const vonk_pickle_options *options,
                              vonk_buf *out, vonk_error *err);
/* Bytes as an opaque object, and back. */
vonk_status vonk__j_bytes_object(vonk__j_call *call, vonk_str bytes, vonk_error *err);
vonk_status vonk__j_object_bytes(vonk__j_call *call, const vonk__j_value *of, vonk_str *ret, vonk_error *err);

/* DataFrame.asTable(), as an Expression; false: the value is something else. */
bool vonk__j_put_table_arg(vonk__j_message *m, int field, const vonk__j_value *value);
vonk_status vonk__j_as_table(vonk__j_call *call, vonk_error *err);

/* ---- members that other files' rows name */
vonk_status vonk__j_sorted(vonk__j_call *call, const vonk__j_value *column, bool descending, bool nulls_last,
                           vonk_error *err);
vonk_status vonk__j_over(vonk__j_call *call, vonk_error *err);          /* Column.over */
vonk_status vonk__j_read(vonk__j_call *call, vonk_error *err);          /* SparkSession.read */
vonk_status vonk__j_explain(vonk__j_call *call, vonk_error *err);       /* PythonSQLUtils.explainString */
vonk_status vonk__j_arrow_file(vonk__j_call *call, vonk_error *err);    /* PythonSQLUtils.readArrowStreamFromFile */
vonk_status vonk__j_arrow_dataset(vonk__j_call *call, vonk_error *err); /* PythonSQLUtils.toDataFrame */
vonk_status vonk__j_group(vonk__j_call *call, vonk_error *err);         /* Dataset.groupBy and its kin; tag: group type */

vonk_status vonk__j_collect_rows(vonk__j_call *call, vonk_error *err);
vonk_status vonk__j_tail_rows(vonk__j_call *call, vonk_error *err);
vonk_status vonk__j_iterate_rows(vonk__j_call *call, vonk_error *err);
vonk_status vonk__j_collect_arrow(vonk__j_call *call, vonk_error *err);
vonk_status vonk__j_write(vonk__j_call *call, vonk_error *err);
vonk_status vonk__j_observe(vonk__j_call *call, vonk_error *err);
vonk_status vonk__j_to_json(vonk__j_call *call, vonk_error *err);
vonk_status vonk__j_dataset_rdd(vonk__j_call *call, vonk_error *err);
vonk_status vonk__j_rdd_dataset(vonk__j_call *call, vonk_error *err); /* SparkSession.applySchemaToPythonRDD */
vonk_status vonk__j_map_partitions(vonk__j_call *call, vonk_error *err);
vonk_status vonk__j_py_row(vonk__j_call *call, vonk_error *err); /* PythonSQLUtils.toPyRow */

#endif
