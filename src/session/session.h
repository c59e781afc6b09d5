/* session/session.h -- who is asking: configuration, views, running queries, cached frames. The only place that knows sql, opt and exec together.
 *
 * engine (one per process) -> session (one per client) -> query (one operation). All thread-safe; sessions and queries are reference-counted. */
#ifndef VONK_SESSION_SESSION_H
#define VONK_SESSION_SESSION_H

#include "exec/exec.h"
#include "sql/sql.h"

typedef struct vonk_engine  vonk_engine;
typedef struct vonk_session vonk_session;
typedef struct vonk_query   vonk_query;

typedef struct vonk_engine_options {
    int64_t         memory_bytes; /* 0: 60 % of the machine's or cgroup's limit */
    uint32_t        n_threads;    /* 0: all cores */
    vonk_str        spill_dir;     /* empty: $TMPDIR or /tmp */
    vonk_str        warehouse_dir; /* empty: spark-warehouse below the working folder */
    const vonk_conf *conf;        /* defaults for new sessions (spark-defaults.conf, --conf); NULL: Spark's */
} vonk_engine_options;
vonk_status vonk_engine_new(const vonk_engine_options *options, vonk_engine **ret, vonk_error *err);
void        vonk_engine_free(vonk_engine *engine); /* after all sessions are gone; waits for the pool */
VONK_DEFINE_AUTO(vonk_engine, vonk_engine_free)
vonk_budget *vonk_engine_budget(vonk_engine *engine);
uint32_t     vonk_engine_n_threads(const vonk_engine *engine);
const vonk_conf *vonk_engine_conf(const vonk_engine *engine); /* of new sessions; borrowed */
/* Hands memory that is free back to the machine: this thread's, and that of the threads that wait for work. */
void         vonk_engine_trim(vonk_engine *engine);

vonk_status   vonk_session_new(vonk_engine *engine, vonk_str user, vonk_session **ret, vonk_error *err);
vonk_status   vonk_session_clone(vonk_session *session, vonk_session **ret, vonk_error *err);
vonk_session *vonk_session_ref(vonk_session *session);
void          vonk_session_unref(vonk_session *session); /* the last one cancels its queries and frees everything of the session */
VONK_DEFINE_AUTO(vonk_session, vonk_session_unref)
vonk_budget      *vonk_session_budget(vonk_session *session);
const vonk_conf  *vonk_session_conf(vonk_session *session); /* the current snapshot; new reference */
vonk_status       vonk_session_set(vonk_session *session, vonk_str key, vonk_str value /* data NULL: unset */, vonk_error *err);
vonk_catalog     *vonk_session_catalog(vonk_session *session);

/* Files of the user that functions of Python find in their working folder (SparkFiles) under `name`. on_path: Python looks for modules in it (.zip, .egg,
 * .jar; single modules are found without). They are copied. Archives are unpacked into the folder `into`; `name` tells
 * their kind. */
vonk_status vonk_session_add_file(vonk_session *session, vonk_str path, vonk_str name, bool on_path, vonk_error *err);
vonk_status vonk_session_add_archive(vonk_session *session, vonk_str path, vonk_str name, vonk_str into, vonk_error *err);

/* Registers a function of Python, of rows or tables, under its name. Workers start before the first query wants them
 * (vonk.python.prefork), as they do when a plan with a function is analyzed; that query is told what goes wrong. */
vonk_status vonk_session_put_function(vonk_session *session, const vonk_python_fn *fn, vonk_error *err);

/* Text to unresolved plan with the session's settings. */
vonk_status vonk_session_parse(vonk_session *session, vonk_str sql, const vonk_plan **ret, vonk_error *err);
vonk_status vonk_session_parse_expr(vonk_session *session, vonk_str sql, const vonk_expr **ret, vonk_error *err); /* selectExpr, expr(), filter("...") */
vonk_status vonk_session_parse_name(vonk_session *session, vonk_arena *arena, vonk_str text, const vonk_str **ret_parts, uint32_t *ret_n, vonk_error *err); /* a.`b c` */
/* Resolved plan. */
vonk_status vonk_session_analyze(vonk_session *session, const vonk_plan *unresolved, const vonk_plan **ret, vonk_error *err);
/* EXPLAIN text in one of Spark's modes. */
vonk_status vonk_session_explain(vonk_session *session, const vonk_plan *unresolved, vonk_str mode, vonk_buf *out, vonk_error *err);

/* Who lets this thread start queries: asked for his local properties when one has functions of Python, which find them in
 * their TaskContext. In `arena`. Borrowed until another one, or NULL, is said. */
typedef struct vonk_asker {
    void *self;
    vonk_status (*properties)(void *self, vonk_arena *arena, const vonk_py_pair **ret, uint32_t *ret_n, vonk_error *err);
} vonk_asker;
void vonk_session_asker(const vonk_asker *asker);

/* Analyses, optimises, plans, starts. Commands run to their end here and their rows are the result. `tags`/ids are kept by the door. */
vonk_status      vonk_session_execute(vonk_session *session, const vonk_plan *unresolved, vonk_query **ret, vonk_error *err);
/* The same for a caller that must not wait, with a plan of a few rows: it takes no kept frames and no second try when others have the memory. */
vonk_status      vonk_session_execute_at_once(vonk_session *session, const vonk_plan *unresolved, vonk_query **ret, vonk_error *err);
/* The same for a plan that is resolved already. */
vonk_status      vonk_session_execute_resolved(vonk_session *session, const vonk_plan *resolved, vonk_query **ret, vonk_error *err);
/* Does a resolved plan act when it is executed (a command, a write), so that SQL text runs it at once? */
bool             vonk_session_acts(const vonk_plan *resolved);
/* A resolved plan that reads the whole table. */
vonk_status      vonk_session_scan(vonk_session *session, vonk_table *table, const vonk_plan **ret, vonk_error *err);
/* All rows now, as a plan over rows at hand (checkpoint). */
vonk_status      vonk_session_rematerialize(vonk_session *session, const vonk_plan *unresolved, const vonk_plan **ret, vonk_error *err);
/* Where the first statement of a script ends: behind its ';', or text.len. */
size_t           vonk_session_statement_end(vonk_str text);
/* One value as text, as CAST(x AS STRING) gives it; nulls append nothing. */
vonk_status      vonk_query_cell(const vonk_query *query, const vonk_batch *batch, uint32_t column, uint32_t row, vonk_buf *out, bool *ret_null, vonk_error *err);
const vonk_type *vonk_query_schema(const vonk_query *query); /* struct; borrowed */
vonk_status      vonk_query_next(vonk_query *query, vonk_batch **ret, vonk_error *err); /* as vonk_exec_next */
vonk_status      vonk_query_poll(vonk_query *query, void (*wake)(void *), void *arg, bool *ret_ready, vonk_batch **ret, vonk_error *err);
void             vonk_query_cancel(vonk_query *query);
/* Does it compute rows (false: a command, which is done)? It may wait for memory before it starts: inside vonk_query_next. */
bool             vonk_query_runs(const vonk_query *query);
/* Of its rows; 0: not known yet, or a command's. Known when the first of them is there. Any thread. */
uint32_t         vonk_query_n_partitions(vonk_query *query);
/* After an error, as vonk_exec_failed_partition. */
uint32_t         vonk_query_failed_partition(vonk_query *query);
/* vonk_query_n_partitions of a plan that is not run for it; 0: something has to be computed to know. */
vonk_status      vonk_session_n_partitions(vonk_session *session, const vonk_plan *resolved, uint32_t *ret, vonk_error *err);
/* As vonk_exec_progress; 0 stages while it waits, and for commands. Any thread. */
uint32_t         vonk_query_progress(vonk_query *query, vonk_progress *ret, uint32_t room);
/* What DataFrame.observe() counted, once all rows are out: one row per name, also of the query that a command ran inside. Borrowed. */
typedef struct vonk_observed {
    vonk_str         name;
    const vonk_plan *node; /* lists[0]: the metrics, named */
    vonk_batch      *row;
} vonk_observed;
uint32_t           vonk_query_n_observed(const vonk_query *query);
void               vonk_query_observed(const vonk_query *query, uint32_t i, vonk_observed *ret);
/* As vonk_exec_n_accumulators, also of the query that a command ran inside. Borrowed. */
uint32_t           vonk_query_n_accumulators(const vonk_query *query);
vonk_str           vonk_query_accumulator(const vonk_query *query, uint32_t i);
/* One value as text, as CAST(x AS STRING) gives it; must not be null. */
vonk_status        vonk_query_text(const vonk_query *query, const vonk_column *column, uint32_t row, vonk_buf *out, vonk_error *err);
void             vonk_query_free(vonk_query *query);
VONK_DEFINE_AUTO(vonk_query, vonk_query_free)

/* Questions about a resolved plan. Local: it needs no job. */
bool        vonk_session_is_local(const vonk_plan *resolved);
vonk_status vonk_session_input_files(const vonk_plan *resolved, vonk_arena *arena, vonk_status (*found)(void *self, vonk_str file, vonk_error *err), void *self, vonk_error *err);

/* df.cache() and friends: by plan equality. level: Spark's storage level text. */
vonk_status vonk_session_persist(vonk_session *session, const vonk_plan *unresolved, vonk_str level, vonk_error *err);
vonk_status vonk_session_unpersist(vonk_session *session, const vonk_plan *unresolved, bool *ret_was, vonk_error *err);
#define VONK_STORAGE_LEVEL_BYTES 32
/* ret_level: room for VONK_STORAGE_LEVEL_BYTES; "NONE" when the plan is not kept. */
vonk_status vonk_session_storage_level(vonk_session *session, const vonk_plan *unresolved, char *ret_level, vonk_error *err);
/* A level's text and the five facts it consists of. */
typedef struct vonk_storage_facts {
    bool    disk, memory, off_heap, deserialized;
    int32_t replication;
} vonk_storage_facts;
void vonk_storage_level_write(const vonk_storage_facts *facts, char ret_text[VONK_STORAGE_LEVEL_BYTES]);
void vonk_storage_level_read(const char *text, vonk_storage_facts *ret);

#endif
