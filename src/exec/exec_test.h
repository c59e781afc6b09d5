/* exec/exec_test.h -- for the tests of this folder: plans made by hand, run in every mode, results as text.
 *
 * Modes: 1, 2 and 8 threads x batches of 1, 3 and 4096 rows x in memory and spilling at every chance x with and without
 * left-out exchanges. Every mode must give the rows of the first one, in the same order. */
#ifndef VONK_EXEC_EXEC_TEST_H
#define VONK_EXEC_EXEC_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "column/builder.h"
#include "exec/exec.h"
#include "func/cast.h"
#include "plan/program.h"

#define OK(call)                                                                                                       \
    do {                                                                                                               \
        vonk_error err = VONK_ERROR_INIT;                                                                              \
        vonk_status st_ = (call);                                                                                      \
        if (st_ != VONK_OK)                                                                                            \
            fail_msg("%s:%d: %s (%s:%d)", __FILE__, __LINE__, vonk_error_message(&err), err.file, err.line);           \
    } while (0)

static vonk_budget *t_budget;
static const vonk_conf *t_conf;
static vonk_fn_env t_env;
static const vonk_expr *t_exprs[65536];
static size_t t_n_exprs;
static const vonk_plan *t_plans[1024];
static size_t t_n_plans;
static vonk_batch *t_batches[1024];
static size_t t_n_batches;

/* ---- configuration */

VONK_UNUSED static void t_set(const vonk_conf **conf, const char *key, const char *value)
{
    const vonk_conf *next = NULL;
    OK(vonk_conf_with(t_budget, *conf, vonk_str_of(key), vonk_str_of(value), &next, &err));
    vonk_conf_unref(*conf);
    *conf = next;
}

VONK_UNUSED static int t_setup(void **state)
{
    OK(vonk_budget_new(vonk_budget_root(), "test", VONK_NO_LIMIT, &t_budget, &err));
    OK(vonk_conf_new(t_budget, &t_conf, &err));
    t_set(&t_conf, "spark.sql.leafNodeDefaultParallelism", "4");
    t_set(&t_conf, "spark.sql.shuffle.partitions", "8");
    vonk_conf_fn_env(t_conf, 1700000000000000, &t_env);
    t_env.time_zone = VONK_STR("UTC");
    return 0;
}

VONK_UNUSED static int t_teardown(void **state)
{
    while (t_n_plans > 0) vonk_plan_unref(t_plans[--t_n_plans]);
    while (t_n_exprs > 0) vonk_expr_unref(t_exprs[--t_n_exprs]);
    while (t_n_batches > 0) vonk_batch_unref(t_batches[--t_n_batches]);
    vonk_conf_unref(t_conf);
    vonk_budget_free(t_budget);
    return 0;
}

/* ---- expressions; they live until the test program ends */

VONK_UNUSED static const vonk_expr *e_keep(const vonk_expr *e)
{
    assert_true(t_n_exprs < VONK_COUNTOF(t_exprs));
    return t_exprs[t_n_exprs++] = e;
}
VONK_UNUSED static const vonk_expr *e_int(int64_t v)
{
    const vonk_expr *e = NULL;
    OK(vonk_ex_int(t_budget, v, &vonk_type_int, &e, &err));
    return e_keep(e);
}
VONK_UNUSED static const vonk_expr *e_long(int64_t v)
{
    const vonk_expr *e = NULL;
    OK(vonk_ex_int(t_budget, v, &vonk_type_long, &e, &err));
    return e_keep(e);
}
VONK_UNUSED static const vonk_expr *e_str(const char *v)
{
    const vonk_expr *e = NULL;
    OK(vonk_ex_string(t_budget, vonk_str_of(v), &e, &err));
    return e_keep(e);
}
/* Column i of a plan's output. */
VONK_UNUSED static const vonk_expr *e_col(const vonk_plan *child, uint32_t i)
{
    const vonk_expr *e = NULL;
    OK(vonk_ex_bound(t_budget, i, child->output[i]->type, child->output[i]->nullable, child->output[i]->name, &e,
                     &err));
    return e_keep(e);
}
VONK_UNUSED static const vonk_expr *e_fn(const char *name, uint32_t n, const vonk_expr *const *args)
{
    const vonk_expr *e = NULL;
    OK(vonk_ex_function(t_budget, &t_env, vonk_str_of(name), args, n, &e, &err));
    return e_keep(e);
}
#define E_FN(name, ...)                                                                                                \
    e_fn(name, (uint32_t)(sizeof((const vonk_expr *[]){__VA_ARGS__}) / sizeof(void *)),                                \
         (const vonk_expr *[]){__VA_ARGS__})
VONK_UNUSED static const vonk_expr *e_as(const vonk_expr *child, const char *name)
{
    const vonk_expr *e = NULL;
    OK(vonk_ex_alias(t_budget, child, vonk_str_of(name), &e, &err));
    return e_keep(e);
}
VONK_UNUSED static const vonk_expr *e_sort(const vonk_expr *child, bool descending, bool nulls_last)
{
    const vonk_expr *e = NULL;
    OK(vonk_ex_sort(t_budget, child, descending, nulls_last, &e, &err));
    return e_keep(e);
}

/* ---- plans; likewise */

VONK_UNUSED static const vonk_plan *p_keep(const vonk_plan *p)
{
    assert_true(t_n_plans < VONK_COUNTOF(t_plans));
    return t_plans[t_n_plans++] = p;
}
VONK_UNUSED static vonk_plan *p_new(vonk_node_kind kind, uint32_t n, const vonk_plan *const *children)
{
    vonk_plan *p = NULL;
    OK(vonk_plan_new(t_budget, kind, children, n, &p, &err));
    return p;
}
VONK_UNUSED static void p_list(vonk_plan *p, uint32_t list, uint32_t n, const vonk_expr *const *exprs)
{
    OK(vonk_plan_set_list(p, list, exprs, n, &err));
}
#define P_LIST(p, list, ...)                                                                                           \
    p_list(p, list, (uint32_t)(sizeof((const vonk_expr *[]){__VA_ARGS__}) / sizeof(void *)),                           \
           (const vonk_expr *[]){__VA_ARGS__})
VONK_UNUSED static const vonk_plan *p_done(vonk_plan *p)
{
    const vonk_plan *done = NULL;
    OK(vonk_plan_finish(p, &done, &err));
    return p_keep(done);
}
VONK_UNUSED static void p_output(vonk_plan *p, uint32_t n, const vonk_type *const *types)
{
    const vonk_expr *columns[32];
    for (uint32_t i = 0; i < n; i++) {
        OK(vonk_ex_bound(t_budget, i, types[i], true, VONK_STR("c"), &columns[i], &err));
        e_keep(columns[i]);
    }
    OK(vonk_plan_set_output(p, columns, n, &err));
}
VONK_UNUSED static const vonk_plan *p_range(int64_t start, int64_t end, int64_t step, int32_t partitions)
{
    vonk_plan *p = p_new(VONK_PN_P_RANGE, 0, NULL);
    p->range = (vonk_range_info){start, end, step, partitions};
    p_output(p, 1, (const vonk_type *[]){&vonk_type_long});
    return p_done(p);
}
VONK_UNUSED static const vonk_plan *p_local(vonk_batch *const *batches, uint32_t n)
{
    const vonk_type *types[32];
    vonk_plan *p = p_new(VONK_PN_P_LOCAL, 0, NULL);
    for (uint32_t c = 0; c < batches[0]->n_columns; c++) types[c] = batches[0]->columns[c]->type;
    p_output(p, batches[0]->n_columns, types);
    OK(vonk_plan_hold_batches(p, batches, n, &p->local.batches, &err));
    p->local.n_batches = n;
    return p_done(p);
}
VONK_UNUSED static const vonk_plan *p_project(const vonk_plan *child, uint32_t n, const vonk_expr *const *exprs)
{
    vonk_plan *p = p_new(VONK_PN_P_PROJECT, 1, &child);
    p_list(p, 0, n, exprs);
    return p_done(p);
}
#define P_PROJECT(child, ...)                                                                                          \
    p_project(child, (uint32_t)(sizeof((const vonk_expr *[]){__VA_ARGS__}) / sizeof(void *)),                          \
              (const vonk_expr *[]){__VA_ARGS__})
VONK_UNUSED static const vonk_plan *p_filter(const vonk_plan *child, const vonk_expr *condition)
{
    vonk_plan *p = p_new(VONK_PN_P_FILTER, 1, &child);
    P_LIST(p, 0, condition);
    return p_done(p);
}
VONK_UNUSED static const vonk_plan *p_limit(vonk_node_kind kind, const vonk_plan *child, int64_t limit, int64_t offset,
                                            bool local)
{
    vonk_plan *p = p_new(kind, 1, &child);
    p->limit = (vonk_limit_info){limit, offset};
    p->number = local;
    return p_done(p);
}
VONK_UNUSED static const vonk_plan *p_exchange(const vonk_plan *child, vonk_exchange_kind kind, int32_t n, bool fixed,
                                               uint32_t n_keys, const vonk_expr *const *keys)
{
    vonk_plan *p = p_new(VONK_PN_P_EXCHANGE, 1, &child);
    p_list(p, 0, n_keys, keys);
    p->exchange = (vonk_exchange_info){kind, n, fixed};
    return p_done(p);
}
VONK_UNUSED static const vonk_plan *p_sort(const vonk_plan *child, bool global, uint32_t n,
                                           const vonk_expr *const *keys)
{
    vonk_plan *p = p_new(VONK_PN_P_SORT, 1, &child);
    p_list(p, 0, n, keys);
    p->number = global;
    return p_done(p);
}
VONK_UNUSED static const vonk_plan *p_agg(const vonk_plan *child, vonk_agg_mode mode, uint32_t n_keys,
                                          const vonk_expr *const *keys, uint32_t n_fns, const vonk_expr *const *fns)
{
    vonk_plan *p = p_new(VONK_PN_P_AGGREGATE, 1, &child);
    p_list(p, 0, n_keys, keys);
    p_list(p, 1, n_fns, fns);
    p->agg.mode = mode;
    return p_done(p);
}

/* ---- batches */

/* A column of texts cast to the type; "-" is null. */
VONK_UNUSED static vonk_column *c_texts(const char *type, const char *const *texts, uint32_t n)
{
    vonk_builder b = {0};
    vonk_column *strings = NULL, *c = NULL;
    const vonk_type *t = NULL;
    OK(vonk_type_parse(vonk_str_of(type), &t, &err));
    OK(vonk_builder_init(&b, t_budget, &vonk_type_string, n, &err));
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(texts[i], "-") == 0)
            OK(vonk_builder_null(&b, &err));
        else
            OK(vonk_builder_str(&b, vonk_str_of(texts[i]), &err));
    }
    OK(vonk_builder_finish(&b, &strings, &err));
    vonk_builder_done(&b);
    OK(vonk_cast_column(&t_env, VONK_MODE_ANSI, t_budget, strings, t, &c, &err));
    vonk_column_unref(strings);
    vonk_type_unref(t);
    return c;
}
VONK_UNUSED static vonk_batch *b_of(uint32_t n, vonk_column **take_columns, uint32_t n_columns)
{
    vonk_batch *b = NULL;
    OK(vonk_batch_new(t_budget, n, take_columns, n_columns, &b, &err));
    for (uint32_t i = 0; i < n_columns; i++) vonk_column_unref(take_columns[i]);
    return t_batches[t_n_batches++] = b;
}

/* ---- running */

typedef struct run_mode {
    uint32_t threads, batch_rows;
    bool spill, fuse, codec;
} run_mode;

typedef struct run_result {
    char *text; /* rows, one a line, columns by '|' */
    size_t len;
    uint64_t n_rows;
    vonk_errclass cls;
} run_result;

VONK_UNUSED static void add_batch_text(run_result *r, vonk_buf *out, const vonk_batch *b)
{
    vonk_column *texts[32] = {NULL};
    assert_null(b->sel);
    for (uint32_t c = 0; c < b->n_columns; c++) {
        vonk_column *flat = NULL;
        OK(vonk_column_flatten(t_budget, b->columns[c], &flat, &err));
        OK(vonk_cast_column(&t_env, VONK_MODE_ANSI, t_budget, flat, &vonk_type_string, &texts[c], &err));
        vonk_column_unref(flat);
    }
    for (uint32_t i = 0; i < b->n_rows; i++) {
        for (uint32_t c = 0; c < b->n_columns; c++) {
            if (c > 0) OK(vonk_buf_add_byte(out, '|', &err));
            if (vonk_column_is_null(texts[c], i))
                OK(vonk_buf_add_c(out, "-", &err));
            else
                OK(vonk_buf_add_str(out, vonk_column_str(texts[c], i), &err));
        }
        OK(vonk_buf_add_byte(out, '\n', &err));
    }
    r->n_rows += b->n_rows;
    for (uint32_t c = 0; c < b->n_columns; c++) vonk_column_unref(texts[c]);
}

VONK_UNUSED static run_result run_once(const vonk_plan *plan, run_mode mode)
{
    static const char *const on[] = {"vonk.test.forceSpill", "vonk.test.noFusion", "vonk.test.checkPlanCodec"};
    run_result r = {0};
    vonk_pool *pool = NULL;
    vonk_exec *exec = NULL;
    vonk_budget *budget = NULL;
    vonk_buf out = {0};
    const vonk_conf *conf = vonk_conf_ref(t_conf);
    if (mode.spill) t_set(&conf, on[0], "true");
    if (!mode.fuse) t_set(&conf, on[1], "true");
    if (mode.codec) t_set(&conf, on[2], "true");
    vonk_buf_init(&out, t_budget, SIZE_MAX);
    OK(vonk_budget_new(t_budget, "query", VONK_NO_LIMIT, &budget, &err));
    OK(vonk_pool_new(t_budget, mode.threads, &pool, &err));
    vonk_exec_env env = {.pool = pool,
                         .budget = budget,
                         .conf = conf,
                         .env = &t_env,
                         .n_threads = mode.threads,
                         .batch_rows = mode.batch_rows,
                         .spill_dir = VONK_STR("/tmp")};
    vonk_error failure = VONK_ERROR_INIT;
    r.cls = vonk_exec_start(&env, plan, &exec, &failure);
    for (vonk_batch *b = NULL; r.cls == VONK_OK;) {
        r.cls = vonk_exec_next(exec, &b, &failure);
        if (r.cls != VONK_OK || !b) break;
        add_batch_text(&r, &out, b);
        vonk_batch_unref(b);
    }
    if (r.cls != VONK_OK) OK(vonk_buf_printf(&out, &err, "%s", vonk_error_condition(&failure)));
    vonk_error_reset(&failure);
    vonk_exec_free(exec);
    vonk_pool_free(pool);
    vonk_budget_free(budget);
    vonk_conf_unref(conf);
    r.text = malloc(out.len + 1);
    memcpy(r.text, out.data ? out.data : "", out.len);
    r.text[out.len] = 0;
    r.len = out.len;
    vonk_buf_done(&out);
    return r;
}

/* Rows of the plan, the same in every mode. The caller frees it. */
VONK_UNUSED static char *run_all(const vonk_plan *plan)
{
    static const uint32_t threads[] = {1, 2, 8}, batches[] = {4096, 3, 1};
    char *first = NULL;
    for (uint32_t t = 0; t < 3; t++) {
        for (uint32_t b = 0; b < 3; b++) {
            for (uint32_t bits = 0; bits < 4; bits++) {
                run_mode mode = {threads[t], batches[b], bits & 1, !(bits & 2), (t + b) % 2 == 0};
                run_result r = run_once(plan, mode);
                if (!first) {
                    first = r.text;
                    continue;
                }
                if (strcmp(first, r.text) != 0)
                    fail_msg("threads %u, batch %u, spill %d, fuse %d:\n%.2000s\ninstead of\n%.2000s", mode.threads,
                             mode.batch_rows, mode.spill, mode.fuse, r.text, first);
                free(r.text);
            }
        }
    }
    return first;
}

#define EXPECT(plan, wanted)                                                                                           \
    do {                                                                                                               \
        char *got_ = run_all(plan);                                                                                    \
        if (strcmp(got_, wanted) != 0) fail_msg("line %d: got\n%.4000s\ninstead of\n%.4000s", __LINE__, got_, wanted); \
        free(got_);                                                                                                    \
    } while (0)

#endif
