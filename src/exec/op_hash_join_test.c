/* Tests of P_HASH_JOIN: random relations against nested loops, in exact order; all join types, build sides, kinds of
 * keys and tables, with and without a residual condition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "exec/plan_case.h"

/* ---- relations: key columns, then an id, then a string */

typedef struct relation {
    vonk_batch *rows;
    uint32_t n_keys, n;
} relation;

static vonk_column *ids(uint32_t n)
{
    vonk_column *c = NULL;
    OK(vonk_column_new_sequence(case_budget, &vonk_type_long, n, 0, 1, &c, err));
    return c;
}

static relation relation_of(const char *const *key_types, uint32_t n_keys, uint32_t n, unsigned nulls_in_8)
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
static relation relation_of_longs(const int64_t *keys, uint32_t n)
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
    bool build_left, null_aware, residual;
    relation left, right;
} join_case;

/* Residual: probe id % 3 is not build id % 3, written without arithmetic: (probe.s < build.s) is not null and true. */
static const vonk_expr *residual_of(const relation *probe, const relation *build)
{
    const vonk_expr *a = case_bound(probe->n_keys + 1, &vonk_type_string);
    const vonk_expr *b = case_bound(probe->rows->n_columns + build->n_keys + 1, &vonk_type_string);
    return case_call("<", a, b);
}

static bool residual_holds(const join_case *c, uint32_t left, uint32_t right)
{
    const vonk_column *l = c->left.rows->columns[c->left.n_keys + 1], *r = c->right.rows->columns[c->right.n_keys + 1];
    if (!c->residual) return true;
    if (vonk_column_is_null(l, left) || vonk_column_is_null(r, right)) return false;
    int order = vonk_column_row_compare(l, left, r, right);
    return c->build_left ? order > 0 : order < 0;
}

static const vonk_plan *plan_of(const join_case *c)
{
    const relation *probe = c->build_left ? &c->right : &c->left, *build = c->build_left ? &c->left : &c->right;
    const vonk_expr *probe_keys[4], *build_keys[4], *residual = c->residual ? residual_of(probe, build) : NULL;
    const vonk_plan *sides[2] = {case_local(probe->rows, 1 + random_below(40)), case_local(build->rows, 7)};
    vonk_plan *p = case_node(VONK_PN_P_HASH_JOIN, sides, 2);
    for (uint32_t i = 0; i < probe->n_keys; i++) {
        probe_keys[i] = case_bound(i, probe->rows->columns[i]->type);
        build_keys[i] = case_bound(i, build->rows->columns[i]->type);
    }
    OK(vonk_plan_set_list(p, 0, probe_keys, probe->n_keys, err));
    OK(vonk_plan_set_list(p, 1, build_keys, probe->n_keys, err));
    OK(vonk_plan_set_list(p, 2, &residual, residual ? 1 : 0, err));
    p->join.type = c->type;
    p->join.build_left = c->build_left;
    p->join.null_aware = c->null_aware;
    p->join.broadcast = true;
    return case_done(p);
}

enum { NO = 0, YES = 1, UNKNOWN = 2 };

static int compare_keys(const join_case *c, uint32_t left, uint32_t right)
{
    int result = YES;
    for (uint32_t i = 0; i < c->left.n_keys; i++) {
        const vonk_column *l = c->left.rows->columns[i], *r = c->right.rows->columns[i];
        if (vonk_column_is_null(l, left) || vonk_column_is_null(r, right))
            result = UNKNOWN;
        else if (!vonk_column_row_eq(l, left, r, right))
            return NO;
    }
    return result;
}

static int judge(const join_case *c, uint32_t left, uint32_t right)
{
    int keys = compare_keys(c, left, right);
    return keys != NO && !residual_holds(c, left, right) ? NO : keys;
}

typedef struct expected_row {
    int64_t left, right; /* -1: nulls */
    int mark;
} expected_row;
static VONK_VEC(expected_row) expected;
static bool expect_too_many;

static void expect(int64_t left, int64_t right, int mark) { CASE_PUSH(&expected, ((expected_row){left, right, mark})); }

/* What is known of each left row. */
static int known_of(const join_case *c, uint32_t left)
{
    int known = NO;
    for (uint32_t r = 0; r < c->right.n && known != YES; r++) {
        int one = judge(c, left, r);
        if (one == YES || (one == UNKNOWN && c->null_aware)) known = one;
    }
    return known;
}

static void expect_left_rows(const join_case *c)
{
    for (uint32_t l = 0; l < c->left.n; l++) {
        int known = known_of(c, l);
        if (c->type == VONK_JOIN_MARK || (c->type == VONK_JOIN_SEMI && known == YES) ||
            (c->type == VONK_JOIN_ANTI && known == NO))
            expect(l, -1, known);
    }
}

static void expect_rows(const join_case *c)
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

static bool side_agrees(const relation *side, const vonk_batch *rows, uint32_t first, uint32_t row, int64_t from)
{
    for (uint32_t i = 0; i < side->rows->n_columns; i++) {
        if (from < 0 ? !vonk_column_is_null(rows->columns[first + i], row)
                     : !vonk_column_row_eq(rows->columns[first + i], row, side->rows->columns[i], (uint32_t)from))
            return false;
    }
    return true;
}

static bool mark_agrees(const vonk_column *mark, uint32_t row, int known)
{
    if (vonk_column_is_null(mark, row)) return known == UNKNOWN;
    return known != UNKNOWN && vonk_column_i64(mark, row) == known;
}

static bool row_agrees(const join_case *c, const vonk_batch *rows, uint32_t row)
{
    const expected_row *e = &expected.at[row];
    bool only_left = c->type == VONK_JOIN_SEMI || c->type == VONK_JOIN_ANTI || c->type == VONK_JOIN_MARK;
    if (!side_agrees(&c->left, rows, 0, row, e->left)) return false;
    if (c->type == VONK_JOIN_MARK && !mark_agrees(rows->columns[rows->n_columns - 1], row, e->mark)) return false;
    return only_left || side_agrees(&c->right, rows, c->left.rows->n_columns, row, e->right);
}

static const char *const type_names[] = {"inner", "left", "right", "full", "semi", "anti", "cross", "single", "mark"};

static void check_case(const join_case *c, case_run how)
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
        fail_msg("%s join, build %s, null-aware %d, residual %d, threads %u, batches of %u: %u rows, expected %zu; row "
                 "%d differs",
                 type_names[c->type], c->build_left ? "left" : "right", c->null_aware, c->residual, how.n_threads,
                 how.batch_rows, n, expected.n, (int)bad);
    case_drop(&r);
}

static const case_run runs[] = {{1, 4096, 0}, {1, 1, 0}, {2, 3, 0}, {8, 16, 0}, {8, 4096, 0}};

static void check_all_types(relation left, relation right)
{
    for (uint32_t i = 0; i < 9 * 2 * 2 * 2; i++) {
        join_case c = {.type = (vonk_join_type)(i / 8),
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

/* ---- tests */

static void end_case(void)
{
    vonk_free(expected.at);
    memset(&expected, 0, sizeof expected);
    case_end();
}

static void random_keys_of_any_type(void **state)
{
    static const char *const keys[][3] = {{"int"},
                                          {"bigint"},
                                          {"string"},
                                          {"double"},
                                          {"decimal(38,3)"},
                                          {"boolean"},
                                          {"date"},
                                          {"tinyint", "smallint"},
                                          {"bigint", "bigint"},
                                          {"string", "int"},
                                          {"float", "boolean"},
                                          {"decimal(9,2)", "date", "int"},
                                          {"struct<a:int,b:string>"},
                                          {"string collate UTF8_BINARY_RTRIM"},
                                          {"void"},
                                          {"binary", "timestamp"},
                                          {"array<string>"}};
    for (uint32_t round = 0; round < 3; round++)
        for (size_t i = 0; i < VONK_COUNTOF(keys); i++) {
            uint32_t n_keys = 0;
            while (n_keys < 3 && keys[i][n_keys]) n_keys++;
            case_begin();
            unsigned nulls = random_below(3);
            check_all_types(relation_of(keys[i], n_keys, random_below(60), nulls),
                            relation_of(keys[i], n_keys, random_below(60), nulls ? random_below(3) : 0));
            end_case();
        }
}

/* Each shape of keys leads to another kind of table. */
static void tables_of_all_kinds(void **state)
{
    enum { N = 100 };
    for (uint32_t shape = 0; shape < 7; shape++) {
        int64_t left[N], right[N];
        for (uint32_t i = 0; i < N; i++) {
            static const int64_t starts[] = {0, -50, INT64_MIN, INT64_MAX - 5000};
            int64_t start = starts[shape % 4];
            switch (shape) {
            case 0: right[i] = start + i; break;                 /* a range */
            case 1: right[i] = start + i * 7; break;             /* ascending with gaps */
            case 2: right[i] = start + (i * 37) % N; break;      /* in another order */
            case 3: right[i] = start + random_below(30); break;  /* several rows a key */
            case 4: right[i] = (int64_t)vonk_hash_mix(i); break; /* far apart */
            case 5: right[i] = (int64_t)vonk_hash_mix(i / 3); break;
            default: right[i] = i & 1 ? INT64_MIN : INT64_MAX - i; break; /* the whole range */
            }
            left[i] = random_below(4) ? right[random_below(i + 1)] : start + random_below(200);
        }
        case_begin();
        check_all_types(relation_of_longs(left, N), relation_of_longs(right, N));
        end_case();
    }
}

/* Many rows: the table is made by steps. Key of row i of either side: mix(i % 50000). */
static void large_build_side(void **state)
{
    enum { BUILD = 300000, PROBE = 200000, KEYS = 50000 };
    for (uint32_t shape = 0; shape < 3; shape++) {
        VONK_VEC(int64_t) keys = {0};
        case_begin();
        OK(vonk_alloc_array(case_budget, BUILD, sizeof(int64_t), &keys.at, err));
        for (uint32_t i = 0; i < BUILD; i++)
            keys.at[i] = shape == 0   ? (int64_t)vonk_hash_mix(i % KEYS)
                         : shape == 1 ? i % KEYS
                                      : (int64_t)vonk_hash_mix(i);
        relation build = relation_of_longs(keys.at, BUILD);
        for (uint32_t i = 0; i < PROBE; i++) keys.at[i] = shape == 1 ? i : (int64_t)vonk_hash_mix(i);
        relation probe = relation_of_longs(keys.at, PROBE);
        vonk_free(keys.at);
        join_case c = {.type = VONK_JOIN_INNER, .left = probe, .right = build};
        const vonk_plan *sides[2] = {case_local(probe.rows, 4096), case_local(build.rows, 4096)};
        const vonk_expr *key = case_bound(0, &vonk_type_long);
        vonk_plan *p = case_node(VONK_PN_P_HASH_JOIN, sides, 2);
        OK(vonk_plan_set_list(p, 0, &key, 1, err));
        OK(vonk_plan_set_list(p, 1, &key, 1, err));
        p->join.type = c.type;
        case_result r = case_rows(case_done(p), (case_run){1u << shape, 4096, 0});
        if (r.st != VONK_OK) fail_msg("%s", vonk_error_message(&r.err));
        uint32_t each = shape == 2 ? 1 : BUILD / KEYS, matching = shape == 2 ? PROBE : KEYS;
        assert_int_equal(r.rows->n_rows, matching * each);
        for (uint32_t i = 0; i < r.rows->n_rows; i++) {
            assert_int_equal(vonk_column_i64(r.rows->columns[1], i), i / each);
            assert_int_equal(vonk_column_i64(r.rows->columns[4], i), i / each + (i % each) * KEYS);
        }
        case_drop(&r);
        vonk_batch_unref(probe.rows);
        vonk_batch_unref(build.rows);
        end_case();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_keys_of_any_type),
        cmocka_unit_test(tables_of_all_kinds),
        cmocka_unit_test(large_build_side),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    case_over();
    return failed;
}
