/* exec/plan_case.h -- for tests: relations with random rows, physical plans over them, runs with few threads, small
 * batches and small budgets. Included by *_test.c after cmocka. Expressions and plans live until case_end(). */
#ifndef VONK_EXEC_PLAN_CASE_H
#define VONK_EXEC_PLAN_CASE_H

#include "base/vec.h"
#include "column/random_column.h"
#include "exec/exec.h"
#include "plan/program.h"

#define CASE_PUSH(vec, value)                                                                                          \
    do {                                                                                                               \
        vonk_error push_err_ = VONK_ERROR_INIT;                                                                        \
        assert_int_equal(VONK_VEC_PUSH((vec), case_budget, (value), &push_err_), VONK_OK);                             \
    } while (0)

static vonk_budget *case_budget;
static vonk_fn_env case_env;
static const vonk_conf *case_conf;
static vonk_pool *case_pool;
static VONK_VEC(const vonk_expr *) case_exprs;
static VONK_VEC(const vonk_plan *) case_plans;

static inline void case_begin(void)
{
    if (!case_pool) OK(vonk_pool_new(vonk_budget_root(), 8, &case_pool, err));
    OK(vonk_budget_new(vonk_budget_root(), "case", VONK_NO_LIMIT, &case_budget, err));
    if (!case_conf) OK(vonk_conf_new(vonk_budget_root(), &case_conf, err));
    vonk_conf_fn_env(case_conf, 0, &case_env);
}

static inline void case_set(const char *key, const char *value)
{
    const vonk_conf *old = case_conf;
    OK(vonk_conf_with_any(vonk_budget_root(), old, vonk_str_of(key), value ? vonk_str_of(value) : VONK_STR_NONE,
                          &case_conf, err));
    vonk_conf_unref(old);
    vonk_conf_fn_env(case_conf, 0, &case_env);
}

static inline void case_end(void)
{
    while (case_plans.n > 0) vonk_plan_unref(case_plans.at[--case_plans.n]);
    while (case_exprs.n > 0) vonk_expr_unref(case_exprs.at[--case_exprs.n]);
    vonk_free(case_plans.at);
    vonk_free(case_exprs.at);
    memset(&case_plans, 0, sizeof case_plans);
    memset(&case_exprs, 0, sizeof case_exprs);
    assert_int_equal(vonk_budget_used(case_budget), 0);
    vonk_budget_free(case_budget);
    case_budget = NULL;
}

static inline void case_over(void)
{
    vonk_conf_unref(case_conf);
    vonk_pool_free(case_pool);
    case_conf = NULL;
    case_pool = NULL;
}

/* ---- expressions */

static inline const vonk_expr *case_keep(const vonk_expr *e)
{
    CASE_PUSH(&case_exprs, e);
    return e;
}
static inline const vonk_expr *case_bound(uint32_t i, const vonk_type *type)
{
    const vonk_expr *e = NULL;
    OK(vonk_ex_bound(case_budget, i, type, true, VONK_STR("c"), &e, err));
    return case_keep(e);
}
static inline const vonk_expr *case_call(const char *name, const vonk_expr *a, const vonk_expr *b)
{
    const vonk_expr *e = NULL, *args[2] = {a, b};
    OK(vonk_ex_function(case_budget, &case_env, vonk_str_of(name), args, b ? 2 : 1, &e, err));
    return case_keep(e);
}
static inline const vonk_expr *case_sort(const vonk_expr *a, bool descending, bool nulls_last)
{
    const vonk_expr *e = NULL;
    OK(vonk_ex_sort(case_budget, a, descending, nulls_last, &e, err));
    return case_keep(e);
}
static inline const vonk_expr *case_long(int64_t value)
{
    const vonk_expr *e = NULL;
    OK(vonk_ex_int(case_budget, value, &vonk_type_long, &e, err));
    return case_keep(e);
}

/* ---- plans */

static inline vonk_plan *case_node(vonk_node_kind kind, const vonk_plan *const *children, uint32_t n)
{
    vonk_plan *p = NULL;
    OK(vonk_plan_new(case_budget, kind, children, n, &p, err));
    return p;
}
static inline const vonk_plan *case_done(vonk_plan *p)
{
    const vonk_plan *done = NULL;
    OK(vonk_plan_finish(p, &done, err));
    CASE_PUSH(&case_plans, done);
    return done;
}
/* P_LOCAL over a batch, handed out in batches of at most `piece` rows. */
static inline const vonk_plan *case_local(const vonk_batch *rows, uint32_t piece)
{
    const vonk_expr *output[64];
    vonk_batch *pieces[4096];
    uint32_t n = 0;
    vonk_plan *p = case_node(VONK_PN_P_LOCAL, NULL, 0);
    for (uint32_t at = 0; at < rows->n_sel; at += piece)
        OK(vonk_batch_slice(rows, at, rows->n_sel - at < piece ? rows->n_sel - at : piece, &pieces[n++], err));
    OK(vonk_plan_hold_batches(p, pieces, n, &p->local.batches, err));
    p->local.n_batches = n;
    while (n > 0) vonk_batch_unref(pieces[--n]);
    for (uint32_t i = 0; i < rows->n_columns; i++) output[i] = case_bound(i, rows->columns[i]->type);
    OK(vonk_plan_set_output(p, output, rows->n_columns, err));
    return case_done(p);
}
static inline vonk_batch *case_batch(vonk_column **take_columns, uint32_t n)
{
    vonk_batch *b = NULL;
    OK(vonk_batch_new(case_budget, take_columns[0]->n_rows, take_columns, n, &b, err));
    for (uint32_t i = 0; i < n; i++) vonk_column_unref(take_columns[i]);
    return b;
}

/* ---- runs */

typedef struct case_run {
    uint32_t n_threads, batch_rows;
    int64_t budget; /* bytes, 0: no limit */
} case_run;

typedef struct case_result {
    vonk_status st;
    vonk_error err;
    vonk_batch *rows; /* all in one; NULL: none */
    vonk_budget *query;
    uint64_t spilled; /* bytes that the metrics speak of */
} case_result;

static inline uint64_t case_spilled(const vonk_exec *exec)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    uint64_t sum = 0;
    vonk_buf_init(&text, case_budget, SIZE_MAX);
    OK(vonk_exec_metrics_text(exec, &text, err));
    OK(vonk_buf_add_byte(&text, 0, err));
    for (const char *at = text.data; (at = strstr(at, "spilled: ")); at++) sum += strtoull(at + 9, NULL, 10);
    return sum;
}

static inline case_result case_rows(const vonk_plan *plan, case_run how)
{
    VONK_VEC(vonk_batch *) all = {0};
    case_result r = {.err = VONK_ERROR_INIT};
    vonk_exec *exec = NULL;
    vonk_batch *b = NULL;
    OK(vonk_budget_new(case_budget, "query", how.budget ? how.budget : VONK_NO_LIMIT, &r.query, err));
    vonk_exec_env env = {.pool = case_pool,
                         .budget = r.query,
                         .conf = case_conf,
                         .env = &case_env,
                         .n_threads = how.n_threads,
                         .batch_rows = how.batch_rows,
                         .spill_dir = VONK_STR("/tmp")};
    r.st = vonk_exec_start(&env, plan, &exec, &r.err);
    while (r.st == VONK_OK && (r.st = vonk_exec_next(exec, &b, &r.err)) == VONK_OK && b) CASE_PUSH(&all, b);
    if (exec) r.spilled = case_spilled(exec);
    if (r.st == VONK_OK && all.n > 0)
        OK(vonk_batch_concat(case_budget, (const vonk_batch *const *)all.at, all.n, &r.rows, err));
    for (size_t i = 0; i < all.n; i++) vonk_batch_unref(all.at[i]);
    vonk_free(all.at);
    vonk_exec_free(exec);
    return r;
}

static inline void case_drop(case_result *r)
{
    vonk_batch_unref(r->rows);
    vonk_error_reset(&r->err);
    vonk_budget_free(r->query);
}

#endif
