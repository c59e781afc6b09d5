/* session/query.c -- the life of one query: analyse, use cached frames, optimise, plan, run. */
#include "session/python_source.h"

#include "func/cast.h"
#include "opt/opt.h"
#include "source/write.h"
#include "sys/clock.h"

/* ---- analysis */
static vonk_status run_for_analyzer(void *arg, const vonk_plan *resolved, vonk_batch **ret, vonk_error *err)
{
    vonk_session *session = arg;

    return vonk__session_collect(session, resolved, true, session->budget, ret, err);
}

vonk_status vonk__session_analyze(vonk_session *session, const vonk_conf *conf, const vonk_fn_env *env,
                                  const vonk_plan *unresolved, const vonk_plan **ret, vonk_error *err)
{
    const vonk_analyzer analyzer = {.budget = session->budget,
                                    .catalog = session->catalog,
                                    .conf = conf,
                                    .env = env,
                                    .run = run_for_analyzer,
                                    .ask_udtf = vonk__session_ask_udtf,
                                    .open_source = vonk__session_open_source,
                                    .find_source = vonk__session_find_source,
                                    .session = session};

    return vonk_analyze(&analyzer, unresolved, ret, err);
}

static void env_of(const vonk_session *session, const vonk_conf *conf, vonk_fn_env *ret)
{
    vonk_conf_fn_env(conf, vonk_clock_wall_us(), ret);
    ret->user = vonk_str_of(session->user);
    ret->database = vonk_catalog_current_database(session->catalog);
}

vonk_status vonk_session_analyze(vonk_session *session, const vonk_plan *unresolved, const vonk_plan **ret,
                                 vonk_error *err)
{
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = vonk_session_conf(session);
    vonk_fn_env env;

    env_of(session, conf, &env);
    VONK_TRY(vonk__session_analyze(session, conf, &env, unresolved, ret, err));
    if (vonk__session_wants_python(*ret)) vonk__session_warm_python(session);
    return VONK_OK;
}

/* ---- planning */
vonk_status vonk__session_plan(vonk_query *query, const vonk_plan *resolved, const vonk_plan **ret_optimized,
                               const vonk_plan **ret_physical, vonk_error *err)
{
    const vonk_opt_env env = {.budget = query->budget,
                              .conf = query->conf,
                              .env = &query->env,
                              .n_threads = query->session->engine->n_threads};
    VONK_AUTO(vonk_plan_unref) const vonk_plan *with_cached = NULL;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *optimized = NULL;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *with_sources = NULL;

    if (query->use_cached)
        VONK_TRY(vonk__session_use_cached(query->session, resolved, &with_cached, err));
    else
        with_cached = vonk_plan_ref(resolved);
    VONK_TRY(vonk_optimize(&env, with_cached, &optimized, err));
    query->expected_bytes = vonk_opt_memory_bytes(&env, optimized);
    VONK_TRY(vonk__session_plan_sources(query, optimized, &with_sources, err));
    VONK_TRY(vonk_opt_physical(&env, with_sources, ret_physical, err));
    if (ret_optimized) *ret_optimized = VONK_STEAL(optimized);
    return VONK_OK;
}

/* ---- a query's life */
/* `shared`: the budget it spends from, when its rows outlive it; NULL: one of its own. */
static vonk_status query_new(vonk_session *session, vonk_budget *shared, vonk_query **ret, vonk_error *err)
{
    VONK_AUTO(vonk_query_free) vonk_query *query = NULL;

    VONK_TRY(VONK_NEW(session->budget, &query, err));
    vonk_mutex_init(&query->lock);
    query->session = vonk_session_ref(session);
    query->conf = vonk_session_conf(session);
    env_of(session, query->conf, &query->env);
    if (!shared)
        VONK_TRY(vonk_budget_new(session->budget, "query", session->engine->query_bytes, &query->own_budget, err));
    query->budget = shared ? shared : query->own_budget;
    VONK_TRY(vonk_arena_new(query->budget, &query->arena, err));
    *ret = VONK_STEAL(query);
    return VONK_OK;
}

/* ---- running; in turn when memory is short (admission.h) */
static vonk_status python_of(vonk_query *query, const vonk_exec_python **ret, vonk_error *err)
{
    vonk_engine *engine = query->session->engine;
    const vonk_exec_python *found = NULL;
    vonk_exec_python *python = NULL;

    VONK_TRY(vonk__session_python(query->session, query->conf, query->arena, &found, err));
    VONK_TRY(VONK_ARENA_NEW(query->arena, &python, err));
    *python = *found;
    VONK_TRY(vonk__session_cpus(query->conf, query->arena, python, err));
    python->properties = query->properties;
    python->n_properties = query->n_properties;
    python->next_task = &engine->next_python_task;
    python->next_stage = &engine->next_python_stage;
    *ret = python;
    return VONK_OK;
}

static vonk_status run_exec(vonk_query *query, vonk_error *err)
{
    const vonk_engine *engine = query->session->engine;
    const int64_t batch_rows = vonk_conf_i64(query->conf, "vonk.exec.batchRows");
    const int64_t threads = vonk_conf_i64(query->conf, "vonk.exec.threads");
    const vonk_exec_python *python = NULL;
    if (vonk__session_wants_python(query->physical)) VONK_TRY(python_of(query, &python, err));
    const vonk_exec_env env = {.pool = engine->pool,
                               .budget = query->budget,
                               .conf = query->conf,
                               .env = &query->env,
                               .n_threads = threads > 0 ? (uint32_t)threads : engine->n_threads,
                               .batch_rows = batch_rows > 0 ? (uint32_t)batch_rows : VONK_BATCH_ROWS,
                               .spill_dir = vonk_str_of(engine->spill_dir),
                               .python = python,
                               .on_demand = query->on_demand};
    vonk_exec *exec = NULL;

    VONK_TRY(vonk_exec_start(&env, query->physical, &exec, err));
    vonk_mutex_lock(&query->lock);
    query->exec = exec;
    if (query->cancelled) vonk_exec_cancel(exec);
    vonk_mutex_unlock(&query->lock);
    vonk_admission_set_exec(engine->admission, &query->ticket, exec);
    return VONK_OK;
}

static void drop_exec(vonk_query *query)
{
    if (query->runs) vonk_admission_set_exec(query->session->engine->admission, &query->ticket, NULL);
    vonk_mutex_lock(&query->lock);
    vonk_exec *exec = VONK_STEAL(query->exec);
    vonk_mutex_unlock(&query->lock);
    vonk_exec_free(exec);
}

/* It was refused memory and has given nothing yet: true if it will wait and run once more. */
static bool comes_again(vonk_query *query, vonk_status why)
{
    if (why != VONK_E_MEMORY_BUDGET_EXCEEDED || query->gave_rows || query->cancelled || query->never_waits)
        return false;
    if (query->resolved->kind == VONK_PN_WRITE_FILES || query->source_write)
        return false; /* its job is bound to its first run */
    if (!vonk_admission_again(query->session->engine->admission, &query->ticket)) return false;
    drop_exec(query);
    vonk_plan_unref(query->physical); /* its scans hold runtime filters */
    query->physical = NULL;
    return true;
}

static vonk_status run_or_come_again(vonk_query *query, vonk_error *err)
{
    vonk_status status = VONK_OK;

    if (!query->physical) status = vonk__session_plan(query, query->resolved, NULL, &query->physical, err);
    if (status == VONK_OK) status = run_exec(query, err);
    if (status == VONK_OK || !comes_again(query, status)) return status;
    vonk_error_reset(err);
    return VONK_OK;
}

static vonk_status start_exec(vonk_query *query, vonk_error *err)
{
    query->runs = true;
    VONK_TRY(vonk__session_plan(query, query->resolved, NULL, &query->physical, err));
    if (vonk__session_wants_python(query->physical)) VONK_TRY(vonk__session_properties(query, err));
    if (!vonk_admission_try(query->session->engine->admission, &query->ticket, query->expected_bytes))
        return VONK_OK; /* waits in vonk_query_next */
    return run_or_come_again(query, err);
}

/* Until it runs, or wait_ns have passed (0: as long as it takes). */
static vonk_status wait_to_run(vonk_query *query, int64_t wait_ns, vonk_error *err)
{
    bool runs = false;

    do {
        VONK_TRY(vonk_admission_wait(query->session->engine->admission, &query->ticket, wait_ns, &query->cancelled,
                                     &runs, err));
        if (runs) VONK_TRY(run_or_come_again(query, err));
    } while (!query->exec && wait_ns == 0);
    return VONK_OK;
}

/* What came out of the running plan; *ret_again: it starts anew. */
static vonk_status note_rows(vonk_query *query, vonk_status status, const vonk_batch *rows, bool *ret_again,
                             vonk_error *err)
{
    *ret_again = status != VONK_OK && comes_again(query, status);
    if (*ret_again) vonk_error_reset(err);
    if (rows) query->gave_rows = true;
    if (!rows && !*ret_again) vonk_admission_leave(query->session->engine->admission, &query->ticket);
    return *ret_again ? VONK_OK : status;
}

vonk_status vonk__session_start(vonk_session *session, const vonk_plan *resolved, unsigned flags, vonk_budget *shared,
                                vonk_query **ret, vonk_error *err)
{
    VONK_AUTO(vonk_query_free) vonk_query *query = NULL;

    VONK_TRY(query_new(session, shared, &query, err));
    query->resolved = vonk_plan_ref(resolved);
    query->use_cached = (flags & VONK__USE_CACHED) != 0;
    query->never_waits = (flags & VONK__NEVER_WAITS) != 0;
    query->on_demand = (flags & VONK__ON_DEMAND) != 0;
    VONK_TRY(vonk_plan_schema(resolved, &query->schema, err));
    VONK_AUTO(vonk_python_fn_unref)
    const vonk_python_fn *source =
        resolved->kind == VONK_PN_WRITE_FILES ? vonk__session_find_source(session, resolved->write.format) : NULL;
    if (source) {
        const vonk_plan *writing = NULL;
        VONK_TRY(vonk__source_write_new(query, resolved, source, &query->source_write, &writing, err));
        vonk_plan_unref(query->resolved);
        query->resolved = writing;
        VONK_TRY(start_exec(query, err));
    } else if (resolved->kind == VONK_PN_WRITE_FILES) {
        bool skip = false;
        VONK_TRY(vonk_write_check(query->budget, query->conf, &query->env, &resolved->write, &skip, err));
        if (!skip) VONK_TRY(start_exec(query, err));
    } else if (vonk__session_is_command(resolved))
        VONK_TRY(vonk__session_run_command(query, &query->rows, err));
    else
        VONK_TRY(start_exec(query, err));
    *ret = VONK_STEAL(query);
    return VONK_OK;
}

vonk_status vonk_session_execute(vonk_session *session, const vonk_plan *unresolved, vonk_query **ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *resolved = NULL;

    VONK_TRY(vonk_session_analyze(session, unresolved, &resolved, err));
    return vonk__session_start(session, resolved, VONK__USE_CACHED, NULL, ret, err);
}

vonk_status vonk_session_execute_at_once(vonk_session *session, const vonk_plan *unresolved, vonk_query **ret,
                                         vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *resolved = NULL;

    VONK_TRY(vonk_session_analyze(session, unresolved, &resolved, err));
    return vonk__session_start(session, resolved, VONK__NEVER_WAITS, NULL, ret, err);
}

vonk_status vonk_session_execute_resolved(vonk_session *session, const vonk_plan *resolved, vonk_query **ret,
                                          vonk_error *err)
{
    return vonk__session_start(session, resolved, VONK__USE_CACHED, NULL, ret, err);
}

uint32_t vonk_query_n_partitions(vonk_query *query)
{
    VONK_LOCKED(&query->lock);
    return query->exec ? vonk_exec_n_partitions(query->exec) : 0;
}

uint32_t vonk_query_failed_partition(vonk_query *query)
{
    VONK_LOCKED(&query->lock);
    return query->exec ? vonk_exec_failed_partition(query->exec) : UINT32_MAX;
}

vonk_status vonk_session_n_partitions(vonk_session *session, const vonk_plan *resolved, uint32_t *ret, vonk_error *err)
{
    VONK_AUTO(vonk_query_free) vonk_query *query = NULL;

    *ret = 0;
    if (resolved->kind == VONK_PN_WRITE_FILES || vonk__session_is_command(resolved)) return VONK_OK;
    VONK_TRY(vonk__session_start(session, resolved, VONK__USE_CACHED | VONK__ON_DEMAND, NULL, &query, err));
    *ret = vonk_query_n_partitions(query);
    return VONK_OK;
}

bool vonk_session_acts(const vonk_plan *resolved)
{
    return resolved->kind == VONK_PN_WRITE_FILES ||
           (resolved->kind != VONK_PN_SHOW_STRING && vonk__session_is_command(resolved));
}

vonk_status vonk_session_scan(vonk_session *session, vonk_table *table, const vonk_plan **ret, vonk_error *err)
{
    return vonk_catalog_scan(session->budget, table, ret, err);
}

vonk_status vonk_session_rematerialize(vonk_session *session, const vonk_plan *unresolved, const vonk_plan **ret,
                                       vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *resolved = NULL;
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
    VONK_AUTO(vonk_batch_unref) vonk_batch *rows = NULL;

    VONK_TRY(vonk_session_analyze(session, unresolved, &resolved, err));
    VONK_TRY(vonk__session_collect(session, resolved, true, session->budget, &rows, err));
    VONK_TRY(vonk_plan_schema(resolved, &type, err));
    return vonk_pn_local(session->budget, type, &rows, 1, ret, err);
}

vonk_status vonk_session_explain(vonk_session *session, const vonk_plan *unresolved, vonk_str mode, vonk_buf *out,
                                 vonk_error *err)
{
    VONK_AUTO(vonk_query_free) vonk_query *query = NULL;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *resolved = NULL;

    VONK_TRY(query_new(session, NULL, &query, err));
    query->use_cached = true;
    VONK_TRY(vonk__session_analyze(session, query->conf, &query->env, unresolved, &resolved, err));
    return vonk__session_explain(query, unresolved, resolved, mode, out, err);
}

const vonk_type *vonk_query_schema(const vonk_query *query) { return query->schema; }
bool vonk_query_runs(const vonk_query *query) { return query->runs; }

uint32_t vonk_query_progress(vonk_query *query, vonk_progress *ret, uint32_t room)
{
    VONK_LOCKED(&query->lock);

    return query->exec ? vonk_exec_progress(query->exec, ret, room) : 0;
}

static vonk_status hand_out_rows(vonk_query *query, vonk_batch **ret, vonk_error *err)
{
    if (query->cancelled) return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
    *ret = VONK_STEAL(query->rows);
    return VONK_OK;
}

static vonk_status next_rows(vonk_query *query, vonk_batch **ret, vonk_error *err)
{
    bool again = true;
    vonk_status status = VONK_OK;

    if (!query->runs) return hand_out_rows(query, ret, err);
    while (again) {
        if (!query->exec) VONK_TRY(wait_to_run(query, 0, err));
        *ret = NULL;
        status = vonk_exec_next(query->exec, ret, err);
        status = note_rows(query, status, *ret, &again, err);
    }
    return status;
}

/* Ends a write into a data source of Python that has not come to its end. */
static void give_up_write(vonk_query *query)
{
    vonk__source_write *write = VONK_STEAL(query->source_write);
    if (!write) return;
    vonk__source_write_abort(query, write, query->exec ? vonk_exec_n_partitions(query->exec) : 0);
    vonk__source_write_free(write);
}

/* Takes the messages of all partitions, then commits; a write gives no rows. */
static vonk_status write_all(vonk_query *query, vonk_error *err)
{
    for (;;) {
        VONK_AUTO(vonk_batch_unref) vonk_batch *rows = NULL;
        vonk_status status = next_rows(query, &rows, err);
        if (status == VONK_OK && rows) status = vonk__source_write_take(query->source_write, query->budget, rows, err);
        if (status == VONK_OK && !rows) status = vonk__source_write_commit(query, query->source_write, err);
        if (status != VONK_OK) {
            give_up_write(query);
            return status;
        }
        if (rows) continue;
        vonk__source_write_free(VONK_STEAL(query->source_write));
        return VONK_OK;
    }
}

vonk_status vonk_query_next(vonk_query *query, vonk_batch **ret, vonk_error *err)
{
    if (!query->source_write) return next_rows(query, ret, err);
    *ret = NULL;
    return write_all(query, err);
}

/* Of one who polls: waiting for memory has no news to wake him by. */
#define POLL_WAIT_NS INT64_C(20000000)

vonk_status vonk_query_poll(vonk_query *query, void (*wake)(void *), void *arg, bool *ret_ready, vonk_batch **ret,
                            vonk_error *err)
{
    bool again = false;

    *ret_ready = true;
    if (query->source_write) return vonk_query_next(query, ret, err);
    if (!query->runs) return hand_out_rows(query, ret, err);
    if (!query->exec) VONK_TRY(wait_to_run(query, POLL_WAIT_NS, err));
    *ret_ready = query->exec != NULL;
    *ret = NULL;
    vonk_status status = VONK_OK;
    if (query->exec) status = vonk_exec_poll(query->exec, wake, arg, ret_ready, ret, err);
    if (query->exec && *ret_ready) status = note_rows(query, status, *ret, &again, err);
    if (again) *ret_ready = false;
    if (!query->exec) wake(arg);
    return status;
}

void vonk_query_cancel(vonk_query *query)
{
    vonk_mutex_lock(&query->lock);
    query->cancelled = true;
    if (query->exec) vonk_exec_cancel(query->exec);
    vonk_mutex_unlock(&query->lock);
    if (query->runs) vonk_admission_wake(query->session->engine->admission);
}

void vonk_query_free(vonk_query *query)
{
    if (!query) return;
    vonk_session *session = query->session;
    give_up_write(query);
    drop_exec(query);
    if (query->runs) vonk_admission_leave(session->engine->admission, &query->ticket);
    vonk_query_free(query->inner);
    vonk_batch_unref(query->rows);
    vonk_plan_unref(query->physical);
    vonk_plan_unref(query->resolved);
    vonk_type_unref(query->schema);
    vonk_arena_free(query->arena);
    vonk_budget_free(query->own_budget);
    vonk_conf_unref(query->conf);
    vonk_mutex_done(&query->lock);
    vonk_free(query);
    vonk_session_unref(session);
}

uint32_t vonk_query_n_observed(const vonk_query *query)
{
    if (query->inner) return vonk_query_n_observed(query->inner); /* a command's, which is no command itself */
    return query->exec ? vonk_exec_n_observed(query->exec) : 0;
}

void vonk_query_observed(const vonk_query *query, uint32_t i, vonk_observed *ret)
{
    const vonk_query *ran = query->inner ? query->inner : query;

    vonk_exec_observed(ran->exec, i, &ret->name, &ret->node, &ret->row);
}

uint32_t vonk_query_n_accumulators(const vonk_query *query)
{
    if (query->inner) return vonk_query_n_accumulators(query->inner);
    return query->exec ? vonk_exec_n_accumulators(query->exec) : 0;
}

vonk_str vonk_query_accumulator(const vonk_query *query, uint32_t i)
{
    return vonk_exec_accumulator(query->inner ? query->inner->exec : query->exec, i);
}

vonk_status vonk_query_text(const vonk_query *query, const vonk_column *column, uint32_t row, vonk_buf *out,
                            vonk_error *err)
{
    return vonk_cast_row_text(&query->env, column, row, out, err);
}

size_t vonk_session_statement_end(vonk_str text) { return vonk_sql_statement_end(text); }

vonk_status vonk_query_cell(const vonk_query *query, const vonk_batch *batch, uint32_t column, uint32_t row,
                            vonk_buf *out, bool *ret_null, vonk_error *err)
{
    *ret_null = vonk_column_is_null(batch->columns[column], row);
    return *ret_null ? VONK_OK : vonk_cast_row_text(&query->env, batch->columns[column], row, out, err);
}

/* ---- all rows at once, for analysis, show and cached frames */
static vonk_status no_rows(vonk_budget *budget, const vonk_plan *plan, vonk_batch **ret, vonk_error *err)
{
    vonk_column **columns = NULL;
    uint32_t n = 0;
    vonk_status status = vonk_alloc_array(budget, plan->n_output + 1, sizeof *columns, &columns, err);

    while (status == VONK_OK && n < plan->n_output) {
        status = vonk_column_new_nulls(budget, plan->output[n]->type, 0, &columns[n], err);
        if (status == VONK_OK) n++;
    }
    if (status == VONK_OK) status = vonk_batch_new(budget, 0, columns, n, ret, err);
    for (uint32_t i = 0; i < n; i++) vonk_column_unref(columns[i]);
    vonk_free(columns);
    return status;
}

vonk_status vonk__session_collect(vonk_session *session, const vonk_plan *resolved, bool use_cached, vonk_budget *into,
                                  vonk_batch **ret, vonk_error *err)
{
    VONK_AUTO(vonk_query_free) vonk_query *query = NULL;

    return vonk__session_collect_query(session, resolved, use_cached, into, &query, ret, err);
}

vonk_status vonk__session_collect_query(vonk_session *session, const vonk_plan *resolved, bool use_cached,
                                        vonk_budget *into, vonk_query **ret_query, vonk_batch **ret, vonk_error *err)
{
    VONK_AUTO(vonk_query_free) vonk_query *query = NULL;
    VONK_VEC(vonk_batch *) batches = {0};
    vonk_status status;

    VONK_TRY(vonk__session_start(session, resolved, use_cached ? VONK__USE_CACHED : 0, into, &query,
                                 err)); /* rows share its dictionaries and text */
    for (;;) {
        vonk_batch *batch = NULL;
        status = vonk_query_next(query, &batch, err);
        if (status != VONK_OK || !batch) break;
        status = VONK_VEC_PUSH(&batches, into, batch, err);
        if (status != VONK_OK) {
            vonk_batch_unref(batch);
            break;
        }
    }
    if (status == VONK_OK && batches.n > 0)
        status = vonk_batch_concat(into, (const vonk_batch *const *)batches.at, batches.n, ret, err);
    if (status == VONK_OK && batches.n == 0) status = no_rows(into, resolved, ret, err);
    for (size_t i = 0; i < batches.n; i++) vonk_batch_unref(batches.at[i]);
    vonk_free(batches.at);
    if (status == VONK_OK) *ret_query = VONK_STEAL(query);
    return status;
}
