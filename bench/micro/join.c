/* bench/micro/join.c -- hash joins by themselves: rows in memory through P_HASH_JOIN, one thread, time of the join
 * alone (the runner's numbers) per build row and per probe row. Results are checked by a sum.
 *
 *     join [BUILD_ROWS PROBE_ROWS [THREADS]]        default 1500000 6000000 1: orders and lineitem of TPC-H 1 */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "exec/exec.h"

#define CHECK(call)                                                                                                    \
    do {                                                                                                               \
        vonk_error error = VONK_ERROR_INIT, *err = &error;                                                             \
        if ((call) != VONK_OK) {                                                                                       \
            printf("%s\n", vonk_error_message(err));                                                                   \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

typedef struct shape {
    const char *name;
    int64_t (*build_key)(uint64_t i, uint64_t n);
    int64_t (*probe_key)(uint64_t i, uint64_t n, uint64_t n_probe);
    uint64_t hits; /* of 1000 probe rows */
    vonk_join_type type;
} shape;

static uint64_t scramble(uint64_t i) { return vonk_hash_mix(i * UINT64_C(0x9e3779b97f4a7c15) + 1); }
static int64_t orders(uint64_t i, uint64_t n) { return (int64_t)(i / 8 * 32 + i % 8); }
static int64_t counted(uint64_t i, uint64_t n) { return (int64_t)i; }
static int64_t shuffled(uint64_t i, uint64_t n) { return (int64_t)(i * 1000003 % n); }
static int64_t sparse(uint64_t i, uint64_t n) { return (int64_t)scramble(i); }
static int64_t in_order(uint64_t i, uint64_t n, uint64_t n_probe) { return orders(i * n / n_probe, n); }
static int64_t any_order(uint64_t i, uint64_t n, uint64_t n_probe) { return orders(scramble(i) % n, n); }
static int64_t any_count(uint64_t i, uint64_t n, uint64_t n_probe) { return (int64_t)(scramble(i) % n); }
static int64_t any_sparse(uint64_t i, uint64_t n, uint64_t n_probe) { return sparse(scramble(i) % n, n); }
static int64_t few_sparse(uint64_t i, uint64_t n, uint64_t n_probe)
{
    return i % 10 ? (int64_t)~scramble(i) : sparse(scramble(i) % n, n);
}

static const shape shapes[] = {
    {"orders, lineitem in order", orders, in_order, 1000, VONK_JOIN_INNER},
    {"orders, lineitem shuffled", orders, any_order, 1000, VONK_JOIN_INNER},
    {"range, shuffled probe", counted, any_count, 1000, VONK_JOIN_INNER},
    {"dense, both shuffled", shuffled, any_count, 1000, VONK_JOIN_INNER},
    {"64-bit keys, all match", sparse, any_sparse, 1000, VONK_JOIN_INNER},
    {"64-bit keys, 10 % match", sparse, few_sparse, 100, VONK_JOIN_INNER},
    {"64-bit keys, left", sparse, few_sparse, 100, VONK_JOIN_LEFT},
    {"64-bit keys, semi", sparse, any_sparse, 1000, VONK_JOIN_SEMI},
};

static vonk_budget *budget;

/* Columns key, payload = row number, in batches. */
static const vonk_plan *relation(uint64_t n, uint64_t n_build, const shape *s, bool build)
{
    vonk_plan *p = NULL;
    const vonk_plan *done = NULL;
    const vonk_expr *output[2];
    uint32_t n_batches = (uint32_t)((n + VONK_BATCH_ROWS - 1) / VONK_BATCH_ROWS);
    vonk_batch **batches = NULL;
    CHECK(vonk_alloc_array(budget, n_batches, sizeof *batches, &batches, err));
    CHECK(vonk_plan_new(budget, VONK_PN_P_LOCAL, NULL, 0, &p, err));
    for (uint32_t b = 0; b < n_batches; b++) {
        uint64_t first = (uint64_t)b * VONK_BATCH_ROWS,
                 some = n - first < VONK_BATCH_ROWS ? n - first : VONK_BATCH_ROWS;
        vonk_column *columns[2];
        void *keys, *payload;
        CHECK(vonk_column_new(budget, &vonk_type_long, (uint32_t)some, false, &columns[0], &keys, NULL, err));
        CHECK(vonk_column_new(budget, &vonk_type_long, (uint32_t)some, false, &columns[1], &payload, NULL, err));
        for (uint64_t k = 0; k < some; k++) {
            ((int64_t *)keys)[k] = build ? s->build_key(first + k, n) : s->probe_key(first + k, n_build, n);
            ((int64_t *)payload)[k] = (int64_t)(first + k);
        }
        CHECK(vonk_batch_new(budget, (uint32_t)some, columns, 2, &batches[b], err));
        for (int c = 0; c < 2; c++) vonk_column_unref(columns[c]);
    }
    CHECK(vonk_plan_hold_batches(p, batches, n_batches, &p->local.batches, err));
    p->local.n_batches = n_batches;
    while (n_batches > 0) vonk_batch_unref(batches[--n_batches]);
    vonk_free(batches);
    for (uint32_t c = 0; c < 2; c++)
        CHECK(vonk_ex_bound(budget, c, &vonk_type_long, false, VONK_STR("c"), &output[c], err));
    CHECK(vonk_plan_set_output(p, output, 2, err));
    for (int c = 0; c < 2; c++) vonk_expr_unref(output[c]);
    CHECK(vonk_plan_finish(p, &done, err));
    return done;
}

static const vonk_plan *join_of(const vonk_plan *probe, const vonk_plan *build, vonk_join_type type)
{
    vonk_plan *p = NULL;
    const vonk_plan *done = NULL, *sides[2] = {probe, build};
    const vonk_expr *key = NULL;
    CHECK(vonk_plan_new(budget, VONK_PN_P_HASH_JOIN, sides, 2, &p, err));
    CHECK(vonk_ex_bound(budget, 0, &vonk_type_long, false, VONK_STR("c"), &key, err));
    CHECK(vonk_plan_set_list(p, 0, &key, 1, err));
    CHECK(vonk_plan_set_list(p, 1, &key, 1, err));
    vonk_expr_unref(key);
    p->join.type = type;
    CHECK(vonk_plan_finish(p, &done, err));
    return done;
}

/* Milliseconds that the join has taken, from the text of its numbers. */
static double join_ms(const vonk_exec *exec, bool show)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, budget, SIZE_MAX);
    CHECK(vonk_exec_metrics_text(exec, &text, err));
    CHECK(vonk_buf_add_byte(&text, 0, err));
    const char *at = strstr(text.data, "time: "), *table = strstr(text.data, "table: ");
    if (show) printf("%-14.*s", table ? (int)strcspn(table + 7, ",]") : 0, table ? table + 7 : "");
    return at ? strtod(at + 6, NULL) : 0;
}

static double run(const vonk_plan *plan, vonk_pool *pool, uint32_t n_threads, uint64_t want_rows, bool show)
{
    vonk_exec *exec = NULL;
    vonk_batch *b = NULL;
    vonk_fn_env fn_env;
    const vonk_conf *conf = NULL;
    uint64_t rows = 0;
    vonk_budget *query = NULL;
    CHECK(vonk_budget_new(budget, "query", VONK_NO_LIMIT, &query, err));
    CHECK(vonk_conf_new(budget, &conf, err));
    vonk_conf_fn_env(conf, 0, &fn_env);
    vonk_exec_env env = {.pool = pool,
                         .budget = query,
                         .conf = conf,
                         .env = &fn_env,
                         .n_threads = n_threads,
                         .spill_dir = VONK_STR("/tmp")};
    CHECK(vonk_exec_start(&env, plan, &exec, err));
    for (;;) {
        CHECK(vonk_exec_next(exec, &b, err));
        if (!b) break;
        rows += b->n_sel;
        vonk_batch_unref(b);
    }
    double ms = join_ms(exec, show);
    vonk_exec_free(exec);
    vonk_conf_unref(conf);
    vonk_budget_free(query);
    if (want_rows && rows != want_rows)
        printf("%llu rows instead of %llu\n", (unsigned long long)rows, (unsigned long long)want_rows);
    return ms;
}

int main(int argc, char **argv)
{
    uint64_t n_build = argc > 2 ? strtoull(argv[1], NULL, 10) : 1500000,
             n_probe = argc > 2 ? strtoull(argv[2], NULL, 10) : 6000000;
    uint32_t n_threads = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 1;
    vonk_pool *pool = NULL;
    budget = vonk_budget_root();
    CHECK(vonk_pool_new(budget, n_threads, &pool, err));
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const shape *s = &shapes[i];
        const vonk_plan *build = relation(n_build, n_build, s, true), *probe = relation(n_probe, n_build, s, false);
        const vonk_plan *none = relation(0, n_build, s, false);
        const vonk_plan *only_build = join_of(none, build, s->type), *whole = join_of(probe, build, s->type);
        double best_build = 1e9, best = 1e9;
        printf("%-28s ", s->name);
        for (int r = 0; r < 5; r++) {
            double ms = run(only_build, pool, n_threads, 0, false),
                   all = run(whole, pool, n_threads, s->type == VONK_JOIN_LEFT ? n_probe : n_probe * s->hits / 1000,
                             r == 0);
            best_build = ms < best_build ? ms : best_build;
            best = all < best ? all : best;
        }
        printf("build %7.2f ns/row   probe %7.2f ns/row\n", 1e6 * best_build / (double)n_build,
               1e6 * (best - best_build) / (double)n_probe);
        vonk_plan_unref(only_build);
        vonk_plan_unref(whole);
        vonk_plan_unref(none);
        vonk_plan_unref(probe);
        vonk_plan_unref(build);
    }
    vonk_pool_free(pool);
    return 0;
}
