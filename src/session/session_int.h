/* session/session_int.h -- inside session/: what engine, session and query are made of. */
#ifndef VONK_SESSION_SESSION_INT_H
#define VONK_SESSION_SESSION_INT_H

#include "base/vec.h"
#include "session/admission.h"
#include "python/planner.h"
#include "session/history.h"
#include "session/session.h"
#include "sys/thread.h"

struct vonk_engine {
    vonk_budget         *budget;
    vonk_pool           *pool;
    vonk_admission      *admission;
    vonk_shared_catalog *catalog;
    vonk_mutex           lock;   /* guards python */
    vonk_py_pool        *python; /* NULL: nobody has wanted one */
    vonk_history        *history; /* history.h; NULL: none is kept */
    const vonk_conf     *conf; /* of new sessions */
    char                *spill_dir;
    uint32_t             n_threads;
    _Atomic int64_t      next_execution, next_python_task; /* ids of queries with functions of Python, and of their tasks */
    _Atomic int32_t      next_python_stage;
    int64_t              query_bytes; /* that one query may spend: less than `budget` has */
};

typedef struct vonk__source_write vonk__source_write; /* python_source.h */

/* A frame that was asked to be kept: its analysed plan and, once it has run, its rows. */
typedef struct vonk_cached {
    const vonk_plan *plan;
    vonk_table      *table; /* NULL until first used */
    char             level[VONK_STORAGE_LEVEL_BYTES];
} vonk_cached;

struct vonk_session {
    _Atomic int64_t  refs;
    vonk_engine     *engine;
    vonk_budget     *budget;
    vonk_catalog    *catalog;
    char            *user;
    vonk_mutex       lock; /* guards conf and cached */
    const vonk_conf *conf;
    VONK_VEC(vonk_cached) cached;
    vonk_mutex       files_lock;   /* guards what follows */
    char            *files_folder; /* where functions of Python run, with the files that they find there; NULL: not made */
    VONK_VEC(char *) includes;     /* names there, that Python looks for modules in */
    vonk_mutex       sources_lock; /* guards what follows */
    bool             knows_sources; /* Python was asked which it finds */
    VONK_VEC(const vonk_python_fn *) sources; /* that it finds */
};

struct vonk_query {
    vonk_session    *session; /* referenced */
    vonk_budget     *budget;     /* to spend from */
    vonk_budget     *own_budget; /* the same, or NULL: somebody else's, who keeps the rows */
    vonk_arena      *arena; /* result rows of commands */
    const vonk_conf *conf;
    vonk_fn_env      env;
    const vonk_plan *resolved, *physical;
    const vonk_type *schema;
    double           expected_bytes; /* that its operators keep */
    vonk_mutex       lock;   /* guards exec against those who look on: progress, cancel */
    vonk_exec       *exec;   /* NULL for commands, and while it waits for memory */
    vonk_ticket      ticket;
    bool             runs;   /* on exec: no command */
    bool             gave_rows;
    vonk_batch      *rows; /* of a command; handed out once */
    vonk_query      *inner; /* that a command ran, kept for what it observed */
    struct vonk__source_write *source_write; /* into a data source of Python; NULL: another query, or it is over */
    const vonk_py_pair *properties; /* of its tasks of Python; in `arena` */
    uint32_t         n_properties;
    bool             use_cached, never_waits, on_demand;
    _Atomic bool     cancelled;
};

/* Everything an analysis needs, for one query or one question. */
vonk_status vonk__session_analyze(vonk_session *session, const vonk_conf *conf, const vonk_fn_env *env, const vonk_plan *unresolved, const vonk_plan **ret, vonk_error *err);
/* Replaces subtrees that are cached by scans over their rows (running them first when needed). */
vonk_status vonk__session_use_cached(vonk_session *session, const vonk_plan *resolved, const vonk_plan **ret, vonk_error *err);
/* Is this resolved plan run by command.c rather than by exec? */
bool        vonk__session_is_command(const vonk_plan *resolved);
/* Runs a command to its end; *ret_rows has the plan's output columns. */
vonk_status vonk__session_run_command(vonk_query *query, vonk_batch **ret_rows, vonk_error *err);
/* Optimises and plans a resolved query with the query's own settings; *ret_optimized may be NULL. */
vonk_status vonk__session_plan(vonk_query *query, const vonk_plan *resolved, const vonk_plan **ret_optimized, const vonk_plan **ret_physical, vonk_error *err);
/* Runs a resolved plan and gives all its rows as one batch; both spend from `into`. */
vonk_status vonk__session_collect(vonk_session *session, const vonk_plan *resolved, bool use_cached, vonk_budget *into, vonk_batch **ret, vonk_error *err);
/* The same, and the query itself, drained. */
vonk_status vonk__session_collect_query(vonk_session *session, const vonk_plan *resolved, bool use_cached, vonk_budget *into, vonk_query **ret_query, vonk_batch **ret, vonk_error *err);
/* How a query is run: flags. NEVER_WAITS: refused memory is an error, even when others, who have it, will be done soon.
 * ON_DEMAND: nothing is computed before rows are asked for. */
enum { VONK__USE_CACHED = 1, VONK__NEVER_WAITS = 2, VONK__ON_DEMAND = 4 };
/* A query over an already resolved plan. shared: the budget it spends from (its rows may outlive it), or NULL. */
vonk_status vonk__session_start(vonk_session *session, const vonk_plan *resolved, unsigned flags, vonk_budget *shared, vonk_query **ret, vonk_error *err);
/* Dataset.show's text of a SHOW_STRING node. */
vonk_status vonk__session_show_string(vonk_query *query, const vonk_plan *show, vonk_buf *out, vonk_error *err);
/* EXPLAIN of a resolved plan; `parsed` may be NULL. */
vonk_status vonk__session_explain(vonk_query *query, const vonk_plan *parsed, const vonk_plan *resolved, vonk_str mode, vonk_buf *out, vonk_error *err);

/* python.c: has the plan functions of Python? Then what runs them; in `arena`. */
/* What a planner of pyspark is told at first; in `arena`. */
vonk_status vonk__session_python_ask(vonk_session *session, const vonk_conf *conf, const char *module, const vonk_python_fn *about, _Atomic bool *cancelled /* or NULL */,
                                     vonk_arena *arena, vonk_py_planner **ret, vonk_error *err);
/* python_source.c: data sources of Python. */
vonk_status vonk__session_open_source(void *session, const vonk_python_fn *source, const vonk_read_info *read, const vonk_python_fn **ret, vonk_error *err);
/* source_lookup.c: a data source of Python by its name: one that was registered, or the DefaultSource of a module pyspark_*. New reference, or NULL. */
const vonk_python_fn *vonk__session_find_source(void *session, vonk_str format);
void        vonk__session_sources_done(vonk_session *session);
/* PYTHON_SOURCE nodes become what reads them now. */
vonk_status vonk__session_plan_sources(vonk_query *query, const vonk_plan *optimized, const vonk_plan **ret, vonk_error *err);

bool        vonk__session_wants_python(const vonk_plan *plan);
vonk_status vonk__session_python(vonk_session *session, const vonk_conf *conf, vonk_arena *arena, const vonk_exec_python **ret, vonk_error *err);
/* python_context.c: what tasks of a query's functions of Python are told about who asks; into the query. */
vonk_status vonk__session_properties(vonk_query *query, vonk_error *err);
/* spark.task.cpus, as tasks hear it. */
vonk_status vonk__session_cpus(const vonk_conf *conf, vonk_arena *arena, vonk_exec_python *python, vonk_error *err);
/* python_udtf.c: of vonk_analyzer; `session` is one. */
vonk_status vonk__session_ask_udtf(void *session, const vonk_python_fn *fn, const vonk_udtf_arg *args, uint32_t n, vonk_arena *arena, vonk_udtf_answer *ret, vonk_error *err);
void        vonk__session_warm_python(vonk_session *session); /* as vonk_session_put_function tells */
vonk_status vonk__session_python_clone(vonk_session *from, vonk_session *into, vonk_error *err);
void        vonk__session_python_done(vonk_session *session); /* its workers end, its files go */

/* Kept frames, by resolved plan. */
vonk_status vonk__session_persist(vonk_session *session, const vonk_plan *resolved, vonk_str level, vonk_error *err);
vonk_status vonk__session_unpersist(vonk_session *session, const vonk_plan *resolved, bool *ret_was, vonk_error *err);
void        vonk__session_clear_cache(vonk_session *session);

#endif
