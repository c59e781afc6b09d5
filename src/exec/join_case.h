/* exec/join_case.h -- for the tests of the joins: random relations, a join of them as a plan and as plain loops, in exact
 * order. Included by *_test.c after cmocka. */
#ifndef VONK_EXEC_JOIN_CASE_H
#define VONK_EXEC_JOIN_CASE_H

#include "exec/plan_case.h"

/* ---- relations: key columns, then an id, then a string */

typedef struct relation {
    vonk_batch *rows;
    uint32_t n_keys, n;
} relation;

static inline vonk_column *ids(uint32_t n)
{
    vonk_column *c = NULL;
    OK(vonk_column_new_sequence(case_budget, &vonk_type_long, n, 0, 1, &c, err));
    return c;
}

static inline relation relation_of(const char *const *key_types, uint32_t n_keys, uint32_t n, unsigned nulls_in_8)
{
    static const vonk_encoding encodings[] = {VONK_FLAT, VONK_FLAT, VONK_DICTIONARY, VONK_CONSTANT};
    vonk_column *columns[8];
    for (uint32_t i = 0; i < n_keys; i++) {
        const vonk_type *t = random_type_of(key_types[i]);
        OK(random_column(case_budget, t, n, encodings[random_below(random_below(3) ? 3 : 4)], nulls_in_8, &columns[i],
                         err));
        vonk_type_unref(t);
    }
    columns[n_keys] = ids(n);
    OK(random_column(case_budget, &vonk_type_string, n, VONK_FLAT, 1, &columns[n_keys + 1], err));
    return (relation){case_batch(columns, n_keys + 2), n_keys, n};
}

/* One bigint key. */
static inline relation relation_of_longs(const int64_t *keys, uint32_t n)
{
    vonk_column *columns[3];
    void *data = NULL;
    OK(vonk_column_new(case_budget, &vonk_type_long, n, false, &columns[0], &data, NULL, err));
    memcpy(data, keys, n * sizeof *keys);
    columns[1] = ids(n);
    OK(random_column(case_budget, &vonk_type_string, n, VONK_FLAT, 1, &columns[2], err));
    return (relation){case_batch(columns, 3), 1, n};
}

/* ---- the join as a plan and as loops */

typedef struct join_case {
    vonk_join_type type;
    bool loop, build_left, null_aware, residual; /* loop: P_LOOP_JOIN, key columns mean nothing */
    relation left, right;
} join_case;

/* Residual: probe id % 3 is not build id % 3, written without arithmetic: (probe.s < build.s) is not null and true. */
static inline const vonk_expr *residual_of(const relation *probe, const relation *build)
{
    const vonk_expr *a = case_bound(probe->n_keys + 1, &vonk_type_string);
    const vonk_expr *b = case_bound(probe->rows->n_columns + build->n_keys + 1, &vonk_type_string);
    return case_call("<", a, b);
}

enum { NO = 0, YES = 1, UNKNOWN = 2 };

static inline int judge_residual(const join_case *c, uint32_t left, uint32_t right)
{
    const vonk_column *l = c->left.rows->columns[c->left.n_keys + 1], *r = c->right.rows->columns[c->right.n_keys + 1];
    if (!c->residual) return YES;
    if (vonk_column_is_null(l, left) || vonk_column_is_null(r, right)) return UNKNOWN;
    int order = vonk_column_row_compare(l, left, r, right);
    return (c->build_left ? order > 0 : order < 0) ? YES : NO;
}

static inline const vonk_plan *plan_of(const join_case *c)
{
    const relation *probe = c->build_left ? &c->right : &c->left, *build = c->build_left ? &c->left : &c->right;
    const vonk_expr *probe_keys[4], *build_keys[4], *residual = c->residual ? residual_of(probe, build) : NULL;
    const vonk_plan *sides[2] = {case_local(probe->rows, 1 + random_below(40)), case_local(build->rows, 7)};
    vonk_plan *p = case_node(c->loop ? VONK_PN_P_LOOP_JOIN : VONK_PN_P_HASH_JOIN, sides, 2);
    for (uint32_t i = 0; i < probe->n_keys && !c->loop; i++) {
        probe_keys[i] = case_bound(i, probe->rows->columns[i]->type);
        build_keys[i] = case_bound(i, build->rows->columns[i]->type);
    }
    if (!c->loop) OK(vonk_plan_set_list(p, 0, probe_keys, probe->n_keys, err));
    if (!c->loop) OK(vonk_plan_set_list(p, 1, build_keys, probe->n_keys, err));
    OK(vonk_plan_set_list(p, c->loop ? 0 : 2, &residual, residual ? 1 : 0, err));
    p->join.type = c->type;
    p->join.build_left = c->build_left;
    p->join.null_aware = c->null_aware;
    p->join.broadcast = true;
    return case_done(p);
}

static inline int compare_keys(const join_case *c, uint32_t left, uint32_t right)
{
    int result = YES;
    for (uint32_t i = 0; i < c->left.n_keys && !c->loop; i++) {
        const vonk_column *l = c->left.rows->columns[i], *r = c->right.rows->columns[i];
        if (vonk_column_is_null(l, left) || vonk_column_is_null(r, right))
            result = UNKNOWN;
        else if (!vonk_column_row_eq(l, left, r, right))
            return NO;
    }
    return result;
}

/* The condition of a loop join is all of the comparison; beside keys it only narrows. */
static inline int judge(const join_case *c, uint32_t left, uint32_t right)
{
    int keys = compare_keys(c, left, right), residual = judge_residual(c, left, right);
    if (c->loop) return residual;
    return keys != NO && residual != YES ? NO : keys;
}

typedef struct expected_row {
    int64_t left, right; /* -1: nulls */
    int mark;
} expected_row;
static VONK_VEC(expected_row) expected;
static bool expect_too_many;

static inline void expect(int64_t left, int64_t right, int mark) { CASE_PUSH(&expected, ((expected_row){left, right, mark})); }

/* What is known of each left row. */
static inline int known_of(const join_case *c, uint32_t left)
{
    int known = NO;
    for (uint32_t r = 0; r < c->right.n && known != YES; r++) {
        int one = judge(c, left, r);
        if (one == YES || (one == UNKNOWN && c->null_aware)) known = one;
    }
    return known;
}

static inline void expect_left_rows(const join_case *c)
{
    for (uint32_t l = 0; l < c->left.n; l++) {
        int known = known_of(c, l);
        if (c->type == VONK_JOIN_MARK || (c->type == VONK_JOIN_SEMI && known == YES) ||
            (c->type == VONK_JOIN_ANTI && known == NO))
            expect(l, -1, known);
    }
}

static inline void expect_rows(const join_case *c)
{
    uint32_t n_probe = c->build_left ? c->right.n : c->left.n, n_build = c->build_left ? c->left.n : c->right.n;
    bool outer_left = c->type == VONK_JOIN_LEFT || c->type == VONK_JOIN_FULL || c->type == VONK_JOIN_SINGLE;
    bool outer_right = c->type == VONK_JOIN_RIGHT || c->type == VONK_JOIN_FULL;
    bool outer_probe = c->build_left ? outer_right : outer_left, outer_build = c->build_left ? outer_left : outer_right;
    uint32_t hits[4096] = {0};
    expected.n = 0;
    expect_too_many = false;
    if (c->type == VONK_JOIN_SEMI || c->type == VONK_JOIN_ANTI || c->type == VONK_JOIN_MARK) {
        expect_left_rows(c);
        return;
    }
    for (uint32_t p = 0; p < n_probe; p++) {
        uint32_t n = 0;
        for (uint32_t b = 0; b < n_build; b++) {
            uint32_t l = c->build_left ? b : p, r = c->build_left ? p : b;
            if (judge(c, l, r) != YES) continue;
            expect(l, r, 0);
            n++;
            hits[b]++;
            if (c->type == VONK_JOIN_SINGLE && (c->build_left ? hits[b] : n) > 1) expect_too_many = true;
        }
        if (n == 0 && outer_probe) expect(c->build_left ? -1 : (int64_t)p, c->build_left ? (int64_t)p : -1, 0);
    }
    for (uint32_t b = 0; b < n_build && outer_build; b++)
        if (hits[b] == 0) expect(c->build_left ? (int64_t)b : -1, c->build_left ? -1 : (int64_t)b, 0);
}

static inline bool side_agrees(const relation *side, const vonk_batch *rows, uint32_t first, uint32_t row, int64_t from)
{
    for (uint32_t i = 0; i < side->rows->n_columns; i++) {
        if (from < 0 ? !vonk_column_is_null(rows->columns[first + i], row)
                     : !vonk_column_row_eq(rows->columns[first + i], row, side->rows->columns[i], (uint32_t)from))
            return false;
    }
    return true;
}

static inline bool mark_agrees(const vonk_column *mark, uint32_t row, int known)
{
    if (vonk_column_is_null(mark, row)) return known == UNKNOWN;
    return known != UNKNOWN && vonk_column_i64(mark, row) == known;
}

static inline bool row_agrees(const join_case *c, const vonk_batch *rows, uint32_t row)
{
    const expected_row *e = &expected.at[row];
    bool only_left = c->type == VONK_JOIN_SEMI || c->type == VONK_JOIN_ANTI || c->type == VONK_JOIN_MARK;
    if (!side_agrees(&c->left, rows, 0, row, e->left)) return false;
    if (c->type == VONK_JOIN_MARK && !mark_agrees(rows->columns[rows->n_columns - 1], row, e->mark)) return false;
    return only_left || side_agrees(&c->right, rows, c->left.rows->n_columns, row, e->right);
}

static const char *const type_names[] = {"inner", "left", "right", "full", "semi", "anti", "cross", "single", "mark"};

static inline void check_case(const join_case *c, case_run how)
{
    const vonk_plan *plan = plan_of(c);
    expect_rows(c);
    case_result r = case_rows(plan, how);
    uint32_t n = r.rows ? r.rows->n_rows : 0, bad = UINT32_MAX;
    if (expect_too_many) {
        assert_int_equal(r.st, VONK_E_SCALAR_SUBQUERY_TOO_MANY_ROWS);
        case_drop(&r);
        return;
    }
    if (r.st != VONK_OK) fail_msg("%s", vonk_error_message(&r.err));
    for (uint32_t i = 0; i < n && i < expected.n && bad == UINT32_MAX; i++)
        if (!row_agrees(c, r.rows, i)) bad = i;
    if (n != expected.n || bad != UINT32_MAX)
        fail_msg("%s %s join, build %s, null-aware %d, residual %d, threads %u, batches of %u: %u rows, expected %zu; row "
                 "%d differs",
                 c->loop ? "loop" : "hash", type_names[c->type], c->build_left ? "left" : "right", c->null_aware, c->residual, how.n_threads,
                 how.batch_rows, n, expected.n, (int)bad);
    case_drop(&r);
}

static const case_run runs[] = {{1, 4096, 0}, {1, 1, 0}, {2, 3, 0}, {8, 16, 0}, {8, 4096, 0}};

static inline void check_all_types(relation left, relation right, bool loop)
{
    for (uint32_t i = 0; i < 9 * 2 * 2 * 2; i++) {
        join_case c = {.type = (vonk_join_type)(i / 8),
                       .loop = loop,
                       .build_left = i & 1,
                       .null_aware = i >> 1 & 1,
                       .residual = i >> 2 & 1,
                       .left = left,
                       .right = right};
        if (c.type == VONK_JOIN_CROSS) continue;
        if (c.null_aware && c.type != VONK_JOIN_ANTI && c.type != VONK_JOIN_MARK) continue;
        check_case(&c, runs[random_below(VONK_COUNTOF(runs))]);
    }
    vonk_batch_unref(left.rows);
    vonk_batch_unref(right.rows);
}

/* Every row of both sides goes to disk. */
static inline void check_all_types_spilled(relation left, relation right, bool loop)
{
    case_set("vonk.test.forceSpill", "true");
    check_all_types(left, right, loop);
    case_set("vonk.test.forceSpill", "false");
}

/* Runs a plan whose rows are seen once and given back: `check` is told each batch and the number of its first row. */
typedef struct join_stream {
    vonk_status st;
    uint64_t n_rows, spilled;
    char metrics[4096];
} join_stream;
static inline join_stream join_run(const vonk_plan *plan, case_run how,
                                   void (*check)(const vonk_batch *b, uint64_t first, void *arg), void *arg)
{
    join_stream r = {0};
    vonk_error failure = VONK_ERROR_INIT;
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_budget *query = NULL;
    vonk_exec *exec = NULL;
    vonk_batch *b = NULL;
    OK(vonk_budget_new(case_budget, "query", how.budget ? how.budget : VONK_NO_LIMIT, &query, err));
    vonk_exec_env env = {.pool = case_pool,
                         .budget = query,
                         .conf = case_conf,
                         .env = &case_env,
                         .n_threads = how.n_threads,
                         .batch_rows = how.batch_rows,
                         .spill_dir = VONK_STR("/tmp")};
    r.st = vonk_exec_start(&env, plan, &exec, &failure);
    while (r.st == VONK_OK && (r.st = vonk_exec_next(exec, &b, &failure)) == VONK_OK && b) {
        check(b, r.n_rows, arg);
        r.n_rows += b->n_rows;
        vonk_batch_unref(b);
    }
    if (exec) r.spilled = case_spilled(exec);
    vonk_buf_init(&text, case_budget, SIZE_MAX);
    if (exec) OK(vonk_exec_metrics_text(exec, &text, err));
    snprintf(r.metrics, sizeof r.metrics, "%s%.*s", r.st == VONK_OK ? "" : vonk_error_message(&failure), (int)text.len,
             text.data ? text.data : "");
    vonk_error_reset(&failure);
    vonk_exec_free(exec);
    vonk_budget_free(query);
    return r;
}

static inline void join_case_end(void)
{
    vonk_free(expected.at);
    memset(&expected, 0, sizeof expected);
    case_end();
}

#endif
