/* python/planner.c -- one question, one answer, on a thread that may block. */
#include "python/planner.h"

#include "base/arena.h"
#include "python/protocol_int.h"

#define LOOK_NS ((int64_t)50000000) /* then it is looked whether nobody wants the answer any more */

struct vonk_py_planner {
    vonk_budget *budget;
    vonk_py_worker *worker; /* NULL: it has said goodbye */
    bool (*cancelled)(void *arg);
    void *arg;
};

/* ---- waiting */

static vonk_status wait(vonk_py_planner *p, bool to_write, vonk_error *err)
{
    while (!vonk_py_worker_wait(p->worker, to_write, LOOK_NS))
        if (p->cancelled && p->cancelled(p->arg)) return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
    return VONK_OK;
}

static vonk_status wait_for_worker(vonk_py_planner *p, vonk_error *err)
{
    bool is_there = false;
    VONK_TRY(vonk_py_worker_ready(p->worker, &is_there, err));
    while (!is_there) {
        VONK_TRY(wait(p, false, err));
        VONK_TRY(vonk_py_worker_ready(p->worker, &is_there, err));
    }
    return VONK_OK;
}

/* ---- the question */

static vonk_status put_head(vonk_py_planner *p, const vonk_py_planner_head *head, vonk_error *err)
{
    vonk_buf *out = vonk_py_worker_out(p->worker);
    const vonk_str own = vonk_str_of(vonk_py_worker_python(p->worker));
    VONK_TRY(vonk_py_frame(out, head->python_version.len ? head->python_version : own, err));
    VONK_TRY(vonk_py_frame(out, head->files_folder, err));
    VONK_TRY(vonk_py_mark(out, (int32_t)head->n_includes, err));
    for (uint32_t i = 0; i < head->n_includes; i++) VONK_TRY(vonk_py_frame(out, head->includes[i], err));
    VONK_TRY(vonk_py_put_broadcasts(out, head->broadcasts, head->n_broadcasts, err));
    VONK_TRY(vonk_py_mark(out, (int32_t)head->n_conf, err));
    for (uint32_t i = 0; i < head->n_conf; i++) {
        VONK_TRY(vonk_py_frame(out, head->conf[i].key, err));
        VONK_TRY(vonk_py_frame(out, head->conf[i].value, err));
    }
    return VONK_OK;
}

static vonk_status add_memory_var(vonk_arena *arena, vonk_py_env *env, int64_t memory_bytes, vonk_error *err)
{
    vonk_str *vars = NULL;
    if (memory_bytes <= 0) return VONK_OK;
    VONK_TRY(vonk_arena_array(arena, env->n_vars + 1, sizeof *vars, &vars, err));
    for (uint32_t i = 0; i < env->n_vars; i++) vars[i] = env->vars[i];
    VONK_TRY(vonk_arena_printf(arena, &vars[env->n_vars], err, "PYSPARK_PLANNER_MEMORY_MB=%lld",
                               (long long)((memory_bytes + (1 << 20) - 1) >> 20)));
    env->vars = vars;
    env->n_vars++;
    return VONK_OK;
}

vonk_status vonk_py_planner_start(vonk_py_pool *pool, const vonk_py_env *env, const vonk_py_planner_head *head,
                                  vonk_budget *budget, vonk_py_planner **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_py_planner_free) vonk_py_planner *p = NULL;
    vonk_py_env own = *env;
    VONK_TRY(vonk_arena_new(budget, &arena, err));
    VONK_TRY(VONK_NEW(budget, &p, err));
    p->budget = budget;
    p->cancelled = head->cancelled;
    p->arg = head->arg;
    own.module = vonk_str_of(head->module);
    own.memory_bytes = 0; /* planners have a limit of their own */
    VONK_TRY(add_memory_var(arena, &own, head->memory_bytes, err));
    VONK_TRY(vonk_py_worker_take(pool, &own, budget, &p->worker, err));
    VONK_TRY(wait_for_worker(p, err));
    if (vonk_py_worker_version(p->worker) < VONK_PY_4_2)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         "table functions that are analyzed and data sources with pyspark before 4.2");
    VONK_TRY(put_head(p, head, err));
    *ret = VONK_STEAL(p);
    return VONK_OK;
}

const char *vonk_py_planner_python(const vonk_py_planner *p) { return vonk_py_worker_python(p->worker); }
vonk_buf *vonk_py_planner_out(vonk_py_planner *p) { return vonk_py_worker_out(p->worker); }

vonk_status vonk_py_planner_ask(vonk_py_planner *p, vonk_error *err)
{
    size_t left = 0;
    VONK_TRY(vonk_py_mark(vonk_py_worker_out(p->worker), PY_END_OF_STREAM, err));
    VONK_TRY(vonk_py_worker_send(p->worker, &left, err));
    while (left) {
        VONK_TRY(wait(p, true, err));
        VONK_TRY(vonk_py_worker_send(p->worker, &left, err));
    }
    return VONK_OK;
}

/* ---- the answer */

static vonk_status read_number(vonk_py_planner *p, int32_t *ret, vonk_error *err)
{
    bool is_there = false;
    for (;;) {
        VONK_TRY(vonk_py_worker_read_i32(p->worker, &is_there, ret, err));
        if (is_there) return VONK_OK;
        VONK_TRY(wait(p, false, err));
    }
}

static vonk_status read_bytes(vonk_py_planner *p, int32_t length, vonk_buffer **ret, vonk_error *err)
{
    *ret = NULL;
    if (length < 0)
        return VONK_FAIL(err, VONK_E_PYTHON_WORKER_GARBAGE, "message",
                         VONK_F("the answer of a Python planner cannot be read: a length of %d", length));
    for (;;) {
        VONK_TRY(vonk_py_worker_read(p->worker, (size_t)length, ret, err));
        if (*ret) return VONK_OK;
        VONK_TRY(wait(p, false, err));
    }
}

static vonk_status raise_exception(vonk_py_planner *p, vonk_error *err)
{
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *traceback = NULL;
    char *text = NULL;
    int32_t length = 0;
    VONK_TRY(read_number(p, &length, err));
    VONK_TRY(read_bytes(p, length, &traceback, err));
    VONK_TRY(vonk_strdup(p->budget, (vonk_str){(const char *)traceback->data, traceback->bytes}, &text, err));
    const vonk_status st =
        VONK_FAIL(err, VONK_E_PYTHON_EXCEPTION, "msg", "a Python planner raised this", "traceback", text);
    vonk_free(text);
    return st;
}

vonk_status vonk_py_planner_number(vonk_py_planner *p, int32_t *ret, vonk_error *err)
{
    VONK_TRY(read_number(p, ret, err));
    return *ret == PY_EXCEPTION ? raise_exception(p, err) : VONK_OK;
}

vonk_status vonk_py_planner_frame(vonk_py_planner *p, vonk_buffer **ret, vonk_error *err)
{
    int32_t length = 0;
    VONK_TRY(vonk_py_planner_number(p, &length, err));
    return read_bytes(p, length, ret, err);
}

vonk_status vonk_py_planner_end(vonk_py_planner *p, vonk_error *err)
{
    int32_t n = 0, mark = 0;
    VONK_TRY(vonk_py_planner_number(p, &n, err)); /* accumulators: of profilers, which nobody asks for here */
    for (int32_t i = 0; i < n; i++) {
        VONK_AUTO(vonk_buffer_unref) vonk_buffer *accumulator = NULL;
        VONK_TRY(vonk_py_planner_frame(p, &accumulator, err));
    }
    VONK_TRY(read_number(p, &mark, err));
    vonk_py_worker_give(VONK_STEAL(p->worker), mark == PY_END_OF_STREAM);
    return VONK_OK;
}

void vonk_py_planner_free(vonk_py_planner *p)
{
    if (!p) return;
    if (p->worker) vonk_py_worker_give(p->worker, false);
    vonk_free(p);
}
