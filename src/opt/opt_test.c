/* Tests of the rules and of physical planning: plans made by hand, each rule alone, before and after as EXPLAIN shows
 * them. Ids of columns are renumbered in order of appearance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "opt/opt.h"
#include "opt/rules.h"
#include "opt/scratch.h"
#include "opt/stats.h"

#define OK(call)                                                                                                       \
    do {                                                                                                               \
        vonk_error err_ = VONK_ERROR_INIT, *err = &err_;                                                               \
        if ((call) != VONK_OK)                                                                                         \
            fail_msg("%s:%d: %s (%s:%d)", __FILE__, __LINE__, vonk_error_message(err), err->file, err->line);          \
    } while (0)

static vonk_budget *budget;
static const vonk_conf *conf;
static vonk_fn_env fn_env;
static vonk_opt_env env;
static vonk__scratch s;

static int setup(void **state)
{
    OK(vonk_budget_new(vonk_budget_root(), "test", VONK_NO_LIMIT, &budget, err));
    OK(vonk_conf_new(budget, &conf, err));
    vonk_conf_fn_env(conf, 0, &fn_env);
    env = (vonk_opt_env){.budget = budget, .conf = conf, .env = &fn_env, .n_threads = 2};
    s.env = &env;
    return 0;
}
static int teardown(void **state)
{
    vonk_conf_unref(conf);
    vonk_budget_free(budget);
    return 0;
}
static int begin(void **state)
{
    OK(vonk_arena_new(budget, &s.arena, err));
    return 0;
}
static int end(void **state)
{
    vonk_arena_free(s.arena);
    return 0;
}

/* ---- plans by hand; they live until the test ends */

static const vonk_expr *keep(const vonk_expr *e)
{
    OK(vonk__scratch_keep_expr(&s, e, err));
    return e;
}
static const vonk_plan *keep_plan(const vonk_plan *p)
{
    OK(vonk__scratch_keep_plan(&s, p, err));
    return p;
}
/* An empty relation with nullable bigint columns. */
static const vonk_plan *relation(uint32_t n, const char *const *names)
{
    vonk_field fields[8];
    const vonk_type *type = NULL;
    const vonk_plan *p = NULL;
    vonk_column *columns[8];
    vonk_batch *batch = NULL;
    for (uint32_t i = 0; i < n; i++) {
        fields[i] = (vonk_field){.name = vonk_str_of(names[i]), .type = &vonk_type_long, .nullable = true};
        OK(vonk_column_new_nulls(budget, &vonk_type_long, 3, &columns[i], err));
    }
    OK(vonk_type_struct(fields, n, &type, err));
    OK(vonk_batch_new(budget, 3, columns, n, &batch, err));
    OK(vonk_pn_local(budget, type, &batch, 1, &p, err));
    for (uint32_t i = 0; i < n; i++) vonk_column_unref(columns[i]);
    vonk_batch_unref(batch);
    vonk_type_unref(type);
    return keep_plan(p);
}
#define RELATION(...)                                                                                                  \
    relation((uint32_t)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), (const char *[]){__VA_ARGS__})

static const vonk_expr *number(int64_t v)
{
    const vonk_expr *e = NULL;
    OK(vonk_ex_int(budget, v, &vonk_type_long, &e, err));
    return keep(e);
}
static const vonk_expr *truth(bool v)
{
    const vonk_expr *e = NULL;
    OK(vonk_ex_bool(budget, v, &e, err));
    return keep(e);
}
static const vonk_expr *call(const char *name, const vonk_expr *a, const vonk_expr *b)
{
    const vonk_expr *e = NULL, *args[2] = {a, b};
    OK(vonk_ex_function(budget, &fn_env, vonk_str_of(name), args, b ? 2 : 1, &e, err));
    return keep(e);
}
static const vonk_expr *node(vonk_expr_kind kind, const vonk_expr *a, const vonk_expr *b)
{
    const vonk_expr *e = NULL;
    OK(vonk__mk_node(&s, kind, (const vonk_expr *[]){a, b}, b ? 2 : 1, &e, err));
    return e;
}
static const vonk_expr *both(const vonk_expr *a, const vonk_expr *b)
{
    const vonk_expr *e = NULL;
    OK(vonk__mk_and(&s, (const vonk_expr *[]){a, b}, 2, &e, err));
    return e;
}
static const vonk_expr *named(const vonk_expr *value, const char *name)
{
    const vonk_expr *alias = NULL, *column = NULL;
    OK(vonk__mk_alias(&s, value, name, &alias, &column, err));
    return alias;
}
static const vonk_plan *filter(const vonk_plan *p, const vonk_expr *condition)
{
    OK(vonk__mk_filter(&s, p, &condition, 1, &p, err));
    return p;
}
static const vonk_plan *project(const vonk_plan *p, const vonk_expr *a, const vonk_expr *b)
{
    OK(vonk__mk_project(&s, p, (const vonk_expr *[]){a, b}, b ? 2 : 1, &p, err));
    return p;
}
static const vonk_plan *join(const vonk_plan *a, const vonk_plan *b, vonk_join_type type, const vonk_expr *condition)
{
    const vonk_plan *p = NULL;
    OK(vonk__mk_join(&s, a, b, type, &condition, condition ? 1 : 0, &p, err));
    return p;
}
static const vonk_plan *limit(const vonk_plan *p, int64_t n)
{
    const vonk_plan *done = NULL;
    OK(vonk_pn_limit(budget, p, n, &done, err));
    return keep_plan(done);
}
static const vonk_plan *offset(const vonk_plan *p, int64_t n)
{
    vonk_plan *made = NULL;
    const vonk_plan *done = NULL;
    const vonk_expr *count = NULL;
    OK(vonk_ex_int(budget, n, &vonk_type_int, &count, err));
    keep(count);
    OK(vonk_plan_new(budget, VONK_PN_OFFSET, &p, 1, &made, err));
    OK(vonk_plan_set_list(made, 0, &count, 1, err));
    OK(vonk_plan_finish(made, &done, err));
    return keep_plan(done);
}
static const vonk_plan *sort(const vonk_plan *p, const vonk_expr *by)
{
    const vonk_plan *done = NULL;
    const vonk_expr *order = NULL;
    OK(vonk_ex_sort(budget, by, false, false, &order, err));
    keep(order);
    OK(vonk_pn_sort(budget, p, &order, 1, true, &done, err));
    return keep_plan(done);
}
static const vonk_plan *set_op(vonk_node_kind kind, const vonk_plan *a, const vonk_plan *b, vonk_set_info set)
{
    vonk_plan *made = NULL;
    const vonk_plan *done = NULL;
    OK(vonk_plan_new(budget, kind, (const vonk_plan *[]){a, b}, b ? 2 : 1, &made, err));
    if (b) made->set = set;
    OK(vonk_plan_finish(made, &done, err));
    return keep_plan(done);
}
/* EXISTS(plan), or value IN (plan). */
static const vonk_expr *subquery(const vonk_expr *value, const vonk_plan *plan)
{
    vonk_expr *made = NULL;
    const vonk_expr *done = NULL;
    OK(vonk_expr_new(budget, VONK_EX_SUBQUERY, &value, value ? 1 : 0, &made, err));
    made->sub_kind = value ? VONK_SUB_IN : VONK_SUB_EXISTS;
    OK(vonk_expr_set_plan(made, plan, err));
    OK(vonk_expr_set_type(made, &vonk_type_boolean, err));
    OK(vonk_expr_finish(made, &done, err));
    return keep(done);
}
static const vonk_expr *outer(const vonk_expr *column)
{
    vonk_expr *made = NULL;
    const vonk_expr *done = NULL;
    OK(vonk_expr_copy(budget, column, NULL, 0, &made, err));
    made->flags |= VONK_EXF_OUTER;
    OK(vonk_expr_finish(made, &done, err));
    return keep(done);
}

static const vonk_plan *range(int64_t n)
{
    vonk_plan *made = NULL;
    const vonk_plan *done = NULL;
    const vonk_expr *alias = NULL, *id = NULL;
    OK(vonk__mk_alias(&s, number(0), "id", &alias, &id, err));
    OK(vonk_plan_new(budget, VONK_PN_RANGE, NULL, 0, &made, err));
    made->range = (vonk_range_info){.end = n, .step = 1};
    OK(vonk_plan_set_output(made, &id, 1, err));
    OK(vonk_plan_finish(made, &done, err));
    return keep_plan(done);
}

/* ---- texts */

/* #123L -> #1: the n-th id that appears. */
static void renumber(vonk_buf *out, const char *text, size_t len)
{
    uint64_t seen[256];
    uint32_t n = 0;
    for (size_t i = 0; i < len;) {
        bool id = text[i] == '#' && i + 1 < len && text[i + 1] >= '0' && text[i + 1] <= '9';
        OK(vonk_buf_add_byte(out, text[i++], err));
        if (!id) continue;
        uint64_t v = 0;
        uint32_t at = 0;
        for (; i < len && text[i] >= '0' && text[i] <= '9'; i++) v = v * 10 + (uint64_t)(text[i] - '0');
        if (i < len && text[i] == 'L') i++;
        while (at < n && seen[at] != v) at++;
        assert_true(at < VONK_COUNTOF(seen));
        if (at == n) seen[n++] = v;
        OK(vonk_buf_printf(out, err, "%u", at + 1));
    }
    OK(vonk_buf_add_byte(out, 0, err));
}

static void expect_text(int line, const vonk_plan *p, const char *wanted)
{
    vonk_buf raw = {0}, text = {0};
    vonk_buf_init(&raw, budget, SIZE_MAX);
    vonk_buf_init(&text, budget, SIZE_MAX);
    OK(vonk_plan_explain(p, &raw, err));
    renumber(&text, raw.data, raw.len);
    if (strcmp(text.data, wanted) != 0) fail_msg("line %d: got\n%s\ninstead of\n%s", line, text.data, wanted);
    vonk_buf_done(&raw);
    vonk_buf_done(&text);
}
#define EXPECT(p, wanted) expect_text(__LINE__, (p), (wanted))

static const vonk_plan *after(vonk__opt_rule rule, const vonk_plan *p)
{
    const vonk_plan *done = NULL;
    OK(rule(&env, p, &done, err));
    assert_int_equal(done->n_output, p->n_output);
    for (uint32_t i = 0; i < p->n_output; i++) assert_true(done->output[i]->id == p->output[i]->id);
    return keep_plan(done);
}
static const vonk_plan *physical(const vonk_plan *p)
{
    const vonk_plan *done = NULL;
    OK(vonk_opt_physical(&env, p, &done, err));
    assert_int_equal(done->n_output, p->n_output);
    return keep_plan(done);
}

/* ---- rules */

static void strip_names(void **state)
{
    const vonk_plan *r = RELATION("a"), *t = NULL;
    OK(vonk_pn_alias(budget, r, VONK_STR("t"), &t, err));
    keep_plan(t);
    EXPECT(after(vonk__rule_strip_names, filter(t, call(">", r->output[0], number(1)))), "Filter (a#1 > 1)\n"
                                                                                         "+- LocalRelation [a#1]\n");
}

static void set_ops(void **state)
{
    const vonk_plan *r = RELATION("a", "b"), *q = RELATION("c", "d");
    vonk_set_info except = {.kind = VONK_SET_EXCEPT}, intersect = {.kind = VONK_SET_INTERSECT};
    EXPECT(after(vonk__rule_set_ops, set_op(VONK_PN_DISTINCT, r, NULL, except)), "Aggregate [a#1, b#2], [a#1, b#2]\n"
                                                                                 "+- LocalRelation [a#1, b#2]\n");
    EXPECT(after(vonk__rule_set_ops, set_op(VONK_PN_SET_OP, r, q, except)),
           "Join LeftAnti, ((a#1 <=> c#2) AND (b#3 <=> d#4))\n"
           ":- Aggregate [a#1, b#3], [a#1, b#3]\n"
           ":  +- LocalRelation [a#1, b#3]\n"
           "+- LocalRelation [c#2, d#4]\n");
    EXPECT(after(vonk__rule_set_ops, set_op(VONK_PN_SET_OP, r, q, intersect)),
           "Join LeftSemi, ((a#1 <=> c#2) AND (b#3 <=> d#4))\n"
           ":- Aggregate [a#1, b#3], [a#1, b#3]\n"
           ":  +- LocalRelation [a#1, b#3]\n"
           "+- LocalRelation [c#2, d#4]\n");
    except.all = true;
    EXPECT(after(vonk__rule_set_ops, set_op(VONK_PN_SET_OP, RELATION("a"), RELATION("b"), except)),
           "Project [a#1]\n"
           "+- Join LeftAnti, ((a#1 <=> b#2) AND (row_number#3 = row_number#4))\n"
           "   :- Window [row_number() windowspecdefinition(a#1, specifiedwindowframe(RowFrame, "
           "unboundedpreceding$(), currentrow$())) AS row_number#3], [a#1], []\n"
           "   :  +- LocalRelation [a#1]\n"
           "   +- Window [row_number() windowspecdefinition(b#2, specifiedwindowframe(RowFrame, "
           "unboundedpreceding$(), currentrow$())) AS row_number#4], [b#2], []\n"
           "      +- LocalRelation [b#2]\n");
}

static void fold(void **state)
{
    const vonk_plan *r = RELATION("a");
    const vonk_expr *sum = call("+", number(1), number(2));
    EXPECT(after(vonk__rule_fold, filter(r, both(call(">", r->output[0], sum), truth(true)))),
           "Filter (a#1 > 3)\n"
           "+- LocalRelation [a#1]\n");
    /* what raises stays until a row asks for it */
    EXPECT(after(vonk__rule_fold, filter(r, call(">", r->output[0], call("div", number(1), number(0))))),
           "Filter (a#1 > (1 div 0))\n"
           "+- LocalRelation [a#1]\n");
}

static void factor_or(void **state)
{
    const vonk_plan *r = RELATION("a", "b");
    const vonk_expr *same = call("=", r->output[0], r->output[1]);
    const vonk_expr *one = call("=", r->output[0], number(1)), *two = call("=", r->output[0], number(2));
    EXPECT(after(vonk__rule_factor_or, filter(r, node(VONK_EX_OR, both(same, one), both(same, two)))),
           "Filter ((a#1 = b#2) AND ((a#1 = 1) OR (a#1 = 2)))\n"
           "+- LocalRelation [a#1, b#2]\n");
}

static void unnest(void **state)
{
    const vonk_plan *r = RELATION("a", "b"), *q = RELATION("c", "d");
    const vonk_plan *inner = filter(q, call("=", q->output[0], outer(r->output[0])));
    const vonk_plan *c = project(q, q->output[0], NULL);
    const vonk_expr *in = subquery(r->output[1], c);
    EXPECT(after(vonk__rule_unnest, filter(r, subquery(NULL, inner))), "Join LeftSemi, (c#1 = a#2)\n"
                                                                       ":- LocalRelation [a#2, b#3]\n"
                                                                       "+- LocalRelation [c#1, d#4]\n");
    EXPECT(after(vonk__rule_unnest, filter(r, node(VONK_EX_NOT, subquery(NULL, inner), NULL))),
           "Join LeftAnti, (c#1 = a#2)\n"
           ":- LocalRelation [a#2, b#3]\n"
           "+- LocalRelation [c#1, d#4]\n");
    EXPECT(after(vonk__rule_unnest, filter(r, in)), "Join LeftSemi, (b#1 = c#2)\n"
                                                    ":- LocalRelation [a#3, b#1]\n"
                                                    "+- Project [c#2]\n"
                                                    "   +- LocalRelation [c#2, d#4]\n");
    const vonk_plan *anti = after(vonk__rule_unnest, filter(r, node(VONK_EX_NOT, in, NULL)));
    assert_true(anti->join.null_aware);
    EXPECT(anti, "Join LeftAnti, (b#1 = c#2)\n"
                 ":- LocalRelation [a#3, b#1]\n"
                 "+- Project [c#2]\n"
                 "   +- LocalRelation [c#2, d#4]\n");
    /* as a value: two-valued, as in Spark; NOT IN meets what is unknown */
    EXPECT(after(vonk__rule_unnest, project(r, named(in, "x"), NULL)), "Project [exists#1 AS x#2]\n"
                                                                       "+- Join ExistenceJoin, (b#3 = c#4)\n"
                                                                       "   :- LocalRelation [a#5, b#3]\n"
                                                                       "   +- Project [c#4]\n"
                                                                       "      +- LocalRelation [c#4, d#6]\n");
    EXPECT(after(vonk__rule_unnest, project(r, named(node(VONK_EX_NOT, in, NULL), "x"), NULL)),
           "Project [NOT exists#1 AS x#2]\n"
           "+- Join ExistenceJoin, (((b#3 = c#4) OR isnull(b#3)) OR isnull(c#4))\n"
           "   :- LocalRelation [a#5, b#3]\n"
           "   +- Project [c#4]\n"
           "      +- LocalRelation [c#4, d#6]\n");
    /* NOT goes through AND: the same join as for NOT IN */
    const vonk_expr *big = call(">", r->output[0], number(1));
    EXPECT(after(vonk__rule_unnest, project(r, named(node(VONK_EX_NOT, both(in, big), NULL), "x"), NULL)),
           "Project [(NOT exists#1 OR NOT (a#2 > 1)) AS x#3]\n"
           "+- Join ExistenceJoin, (((b#4 = c#5) OR isnull(b#4)) OR isnull(c#5))\n"
           "   :- LocalRelation [a#2, b#4]\n"
           "   +- Project [c#5]\n"
           "      +- LocalRelation [c#5, d#6]\n");
}

static void strengthen_joins(void **state)
{
    const vonk_plan *r = RELATION("a"), *q = RELATION("b");
    const vonk_expr *same = call("=", r->output[0], q->output[0]);
    const vonk_plan *left = join(r, q, VONK_JOIN_LEFT, same), *full = join(r, q, VONK_JOIN_FULL, same);
    EXPECT(after(vonk__rule_strengthen_joins, filter(left, call(">", q->output[0], number(1)))),
           "Filter (b#1 > 1)\n"
           "+- Join Inner, (a#2 = b#1)\n"
           "   :- LocalRelation [a#2]\n"
           "   +- LocalRelation [b#1]\n");
    EXPECT(after(vonk__rule_strengthen_joins, filter(full, call(">", q->output[0], number(1)))),
           "Filter (b#1 > 1)\n"
           "+- Join RightOuter, (a#2 = b#1)\n"
           "   :- LocalRelation [a#2]\n"
           "   +- LocalRelation [b#1]\n");
    EXPECT(after(vonk__rule_strengthen_joins, filter(left, node(VONK_EX_IS_NULL, q->output[0], NULL))),
           "Filter isnull(b#1)\n"
           "+- Join LeftOuter, (a#2 = b#1)\n"
           "   :- LocalRelation [a#2]\n"
           "   +- LocalRelation [b#1]\n");
}

static void push_filters(void **state)
{
    const vonk_plan *r = RELATION("a", "b"), *q = RELATION("c");
    const vonk_expr *big = call(">", r->output[0], number(1)), *same = call("=", r->output[1], q->output[0]);
    EXPECT(after(vonk__rule_push_filters, filter(join(r, q, VONK_JOIN_CROSS, NULL), both(big, same))),
           "Join Inner, (b#1 = c#2)\n"
           ":- Filter (a#3 > 1)\n"
           ":  +- LocalRelation [a#3, b#1]\n"
           "+- LocalRelation [c#2]\n");
    /* the right side of a left join keeps its rows: a condition on it must stay above */
    const vonk_expr *unknown = node(VONK_EX_IS_NULL, q->output[0], NULL);
    EXPECT(after(vonk__rule_push_filters, filter(join(r, q, VONK_JOIN_LEFT, same), both(big, unknown))),
           "Filter isnull(c#1)\n"
           "+- Join LeftOuter, (b#2 = c#1)\n"
           "   :- Filter (a#3 > 1)\n"
           "   :  +- LocalRelation [a#3, b#2]\n"
           "   +- LocalRelation [c#1]\n");
}

static void derive_filters(void **state)
{
    const vonk_plan *r = RELATION("a"), *q = RELATION("b");
    const vonk_expr *same = call("=", r->output[0], q->output[0]), *big = call(">", r->output[0], number(1));
    EXPECT(after(vonk__rule_derive_and_push_filters, filter(join(r, q, VONK_JOIN_INNER, same), big)),
           "Join Inner, (a#1 = b#2)\n"
           ":- Filter (a#1 > 1)\n"
           ":  +- LocalRelation [a#1]\n"
           "+- Filter (b#2 > 1)\n"
           "   +- LocalRelation [b#2]\n");
}

static void distinct_aggregates(void **state)
{
    const vonk_plan *r = RELATION("a", "b"), *p = NULL;
    const vonk_expr *plain = call("sum", r->output[1], NULL), *counted = NULL;
    vonk_expr *copy = NULL;
    OK(vonk_expr_copy(budget, call("count", r->output[1], NULL), NULL, 0, &copy, err));
    copy->flags |= VONK_EXF_DISTINCT;
    OK(vonk_expr_finish(copy, &counted, err));
    keep(counted);
    const vonk_expr *out[3] = {r->output[0], named(counted, "n"), named(plain, "s")};
    OK(vonk__mk_aggregate(&s, r, r->output, 1, out, 2, &p, err));
    EXPECT(after(vonk__rule_distinct, p), "Aggregate [distinct#1], [distinct#1 AS a#2, count(distinct#3) AS n#4]\n"
                                          "+- Aggregate [a#2, b#5], [a#2 AS distinct#1, b#5 AS distinct#3]\n"
                                          "   +- LocalRelation [a#2, b#5]\n");
    OK(vonk__mk_aggregate(&s, r, r->output, 1, out, 3, &p, err));
    EXPECT(after(vonk__rule_distinct, p),
           "Aggregate [expanded#1], [expanded#1 AS a#2, count(expanded#3) FILTER (WHERE (gid#4 = 1)) AS n#5, "
           "first(plain#6) FILTER (WHERE (gid#4 = 0)) AS s#7]\n"
           "+- Aggregate [expanded#1, expanded#3, gid#4], [expanded#1, expanded#3, gid#4, sum(expanded#8) "
           "FILTER (WHERE (gid#4 = 0)) AS plain#6]\n"
           "   +- Expand [[a#2, null, b#9, 0], [a#2, b#9, null, 1]], [expanded#1, expanded#3, expanded#8, gid#4]\n"
           "      +- LocalRelation [a#2, b#9]\n");
}

/* name(args) of Python, of the kind that runs row by row unless said otherwise. */
static const vonk_expr *python(const char *name, vonk_py_eval eval, const vonk_expr *a, const vonk_expr *b)
{
    const vonk_python_fn as = {.name = vonk_str_of(name),
                               .command = vonk_str_of(name),
                               .eval = eval,
                               .returns = &vonk_type_long,
                               .deterministic = true};
    const vonk_expr *args[2] = {a, b}, *made = NULL;
    const vonk_python_fn *fn = NULL;
    vonk_expr *e = NULL;

    OK(vonk_python_fn_new(&as, &fn, err));
    OK(vonk_expr_new(budget, VONK_EX_PYTHON, args, b ? 2 : 1, &e, err));
    vonk_expr_set_python(e, fn);
    vonk_python_fn_unref(fn);
    OK(vonk_expr_finish(e, &made, err));
    return keep(made);
}

static void extract_python(void **state)
{
    const vonk_plan *r = RELATION("a", "b"), *q = RELATION("c"), *p = NULL;
    const vonk_expr *a = r->output[0], *b = r->output[1], *c = q->output[0];
    const vonk_py_eval rows = VONK_PY_BATCHED_UDF, pandas = VONK_PY_SCALAR_PANDAS_UDF;
    const vonk_expr *fa = python("f", rows, a, NULL);

    EXPECT(after(vonk__rule_extract_python, filter(r, call("=", fa, b))), "Project [a#1, b#2]\n"
                                                                          "+- Filter (pythonUDF#3 = b#2)\n"
                                                                          "   +- PythonEval [f(a#1) AS pythonUDF#3]\n"
                                                                          "      +- LocalRelation [a#1, b#2]\n");
    /* a chain of one kind runs in one go, another kind needs a node of its own; equal calls run once */
    EXPECT(
        after(vonk__rule_extract_python, project(r, named(python("g", pandas, python("g", rows, fa, NULL), NULL), "x"),
                                                 named(call("+", fa, fa), "y"))),
        "Project [pythonUDF#1 AS x#2, (pythonUDF#3 + pythonUDF#3) AS y#4]\n"
        "+- PythonEval [g(pythonUDF#5) AS pythonUDF#1]\n"
        "   +- PythonEval [g(f(a#6)) AS pythonUDF#5, f(a#6) AS pythonUDF#3]\n"
        "      +- LocalRelation [a#6, b#7]\n");
    /* below and above an aggregate */
    const vonk_expr *out[2] = {named(fa, "k"), named(python("g", rows, call("sum", b, NULL), fa), "x")};
    OK(vonk__mk_aggregate(&s, r, &fa, 1, out, 2, &p, err));
    EXPECT(after(vonk__rule_extract_python, p),
           "Project [aggregate#1 AS k#2, pythonUDF#3 AS x#4]\n"
           "+- PythonEval [g(aggregate#5, aggregate#1) AS pythonUDF#3]\n"
           "   +- Aggregate [pythonUDF#6], [pythonUDF#6 AS aggregate#1, sum(b#7) AS aggregate#5]\n"
           "      +- PythonEval [f(a#8) AS pythonUDF#6]\n"
           "         +- LocalRelation [a#8, b#7]\n");
    /* one side of a join, and both */
    EXPECT(after(vonk__rule_extract_python, join(r, q, VONK_JOIN_LEFT, call("=", fa, python("f", rows, c, NULL)))),
           "Project [a#1, b#2, c#3]\n"
           "+- Join LeftOuter, (pythonUDF#4 = pythonUDF#5)\n"
           "   :- PythonEval [f(a#1) AS pythonUDF#4]\n"
           "   :  +- LocalRelation [a#1, b#2]\n"
           "   +- PythonEval [f(c#3) AS pythonUDF#5]\n"
           "      +- LocalRelation [c#3]\n");
    EXPECT(after(vonk__rule_extract_python,
                 join(r, q, VONK_JOIN_INNER, both(call("=", a, c), call("=", python("f", rows, b, c), a)))),
           "Project [a#1, b#2, c#3]\n"
           "+- Filter (pythonUDF#4 = a#1)\n"
           "   +- PythonEval [f(b#2, c#3) AS pythonUDF#4]\n"
           "      +- Join Inner, (a#1 = c#3)\n"
           "         :- LocalRelation [a#1, b#2]\n"
           "         +- LocalRelation [c#3]\n");
}

static vonk_status refused(vonk__opt_rule rule, const vonk_plan *p)
{
    VONK_AUTO(vonk_error_reset) vonk_error raised = VONK_ERROR_INIT;
    const vonk_plan *made = NULL;
    return rule(&env, p, &made, &raised);
}

static void extract_python_aggregates(void **state)
{
    const vonk_plan *r = RELATION("a", "b"), *p = NULL;
    const vonk_expr *a = r->output[0], *b = r->output[1];
    const vonk_py_eval rows = VONK_PY_BATCHED_UDF, pandas = VONK_PY_GROUPED_AGG_PANDAS_UDF;
    const vonk_expr *mean = python("m", pandas, call("+", b, number(1)), NULL);

    /* arguments below, expressions of the results above; a call of rows inside and around */
    const vonk_expr *out[2] = {a, named(call("+", mean, mean), "x")};
    OK(vonk__mk_aggregate(&s, r, &a, 1, out, 2, &p, err));
    EXPECT(after(vonk__rule_extract_python, p), "Project [a#1, (pythonUDF#2 + pythonUDF#2) AS x#3]\n"
                                                "+- PythonAggregate [a#1], [m(operand#4) AS pythonUDF#2]\n"
                                                "   +- Project [a#1, (b#5 + 1) AS operand#4]\n"
                                                "      +- LocalRelation [a#1, b#5]\n");
    const vonk_expr *nested =
        named(python("f", rows, python("m", pandas, python("f", rows, b, NULL), NULL), NULL), "x");
    OK(vonk__mk_aggregate(&s, r, &a, 1, &nested, 1, &p, err));
    EXPECT(after(vonk__rule_extract_python, p), "Project [pythonUDF#1 AS x#2]\n"
                                                "+- PythonEval [f(aggregate#3) AS pythonUDF#1]\n"
                                                "   +- Project [pythonUDF#4 AS aggregate#3]\n"
                                                "      +- PythonAggregate [a#5], [m(operand#6) AS pythonUDF#4]\n"
                                                "         +- Project [a#5, pythonUDF#7 AS operand#6]\n"
                                                "            +- PythonEval [f(b#8) AS pythonUDF#7]\n"
                                                "               +- LocalRelation [a#5, b#8]\n");
    /* not beside aggregates of SQL, nor of another kind */
    const vonk_expr *mixed[2] = {named(mean, "x"), named(call("sum", b, NULL), "y")};
    OK(vonk__mk_aggregate(&s, r, &a, 1, mixed, 2, &p, err));
    assert_int_equal(refused(vonk__rule_extract_python, p), VONK_E_INVALID_PANDAS_UDF_PLACEMENT);
    mixed[1] = named(python("n", VONK_PY_GROUPED_AGG_ARROW_UDF, b, NULL), "y");
    OK(vonk__mk_aggregate(&s, r, &a, 1, mixed, 2, &p, err));
    assert_int_equal(refused(vonk__rule_extract_python, p), VONK_E_INTERNAL_ERROR);
}

static void order_joins(void **state)
{
    const vonk_plan *a = RELATION("a"), *b = RELATION("b", "c"), *d = limit(RELATION("d"), 1);
    const vonk_plan *ab = join(a, b, VONK_JOIN_CROSS, NULL);
    const vonk_expr *all = both(call("=", b->output[1], d->output[0]), call("=", a->output[0], b->output[0]));
    EXPECT(after(vonk__rule_order_joins, join(ab, d, VONK_JOIN_INNER, all)), "Project [a#1, b#2, c#3, d#4]\n"
                                                                             "+- Join Inner, (a#1 = b#2)\n"
                                                                             "   :- Join Inner, (c#3 = d#4)\n"
                                                                             "   :  :- GlobalLimit 1\n"
                                                                             "   :  :  +- LocalLimit 1\n"
                                                                             "   :  :     +- LocalRelation [d#4]\n"
                                                                             "   :  +- LocalRelation [b#2, c#3]\n"
                                                                             "   +- LocalRelation [a#1]\n");
}

/* `filter` with false gives a relation without rows. */
static void propagate_empty(void **state)
{
    const vonk_plan *r = RELATION("a", "b"), *q = RELATION("c", "d");
    const vonk_plan *none = after(vonk__rule_fold, filter(r, truth(false)));
    const vonk_plan *also = after(vonk__rule_fold, filter(q, truth(false)));
    const vonk_expr *same = call("=", r->output[0], q->output[0]);
    const vonk_set_info all = {.all = true};
    EXPECT(after(vonk__rule_empty, limit(project(sort(none, r->output[1]), r->output[0], NULL), 10)),
           "LocalRelation [a#1]\n");
    EXPECT(after(vonk__rule_empty, set_op(VONK_PN_SET_OP, none, also, all)), "LocalRelation [a#1, b#2]\n");
    EXPECT(after(vonk__rule_empty, set_op(VONK_PN_SET_OP, none, q, all)), "Union false, false\n"
                                                                          ":- LocalRelation [a#1, b#2]\n"
                                                                          "+- LocalRelation [c#3, d#4]\n");
    EXPECT(after(vonk__rule_empty, join(none, q, VONK_JOIN_INNER, same)), "LocalRelation [a#1, b#2, c#3, d#4]\n");
    EXPECT(after(vonk__rule_empty, join(r, also, VONK_JOIN_LEFT, same)), "Join LeftOuter, (a#1 = c#2)\n"
                                                                         ":- LocalRelation [a#1, b#3]\n"
                                                                         "+- LocalRelation [c#2, d#4]\n");
    EXPECT(after(vonk__rule_empty, join(none, q, VONK_JOIN_FULL, same)), "Join FullOuter, (a#1 = c#2)\n"
                                                                         ":- LocalRelation [a#1, b#3]\n"
                                                                         "+- LocalRelation [c#2, d#4]\n");
    EXPECT(after(vonk__rule_empty, join(r, also, VONK_JOIN_ANTI, same)), "Join LeftAnti, (a#1 = c#2)\n"
                                                                         ":- LocalRelation [a#1, b#3]\n"
                                                                         "+- LocalRelation [c#2, d#4]\n");
}

static void push_limits(void **state)
{
    const vonk_plan *r = RELATION("a", "b"), *q = RELATION("c", "d");
    EXPECT(after(vonk__rule_push_limits, limit(project(sort(r, r->output[1]), r->output[0], NULL), 10)),
           "Project [a#1]\n"
           "+- GlobalLimit 10\n"
           "   +- LocalLimit 10\n"
           "      +- Sort [b#2 ASC NULLS FIRST], true\n"
           "         +- LocalRelation [a#1, b#2]\n");
    EXPECT(after(vonk__rule_push_limits, limit(set_op(VONK_PN_SET_OP, r, q, (vonk_set_info){.all = true}), 10)),
           "GlobalLimit 10\n"
           "+- LocalLimit 10\n"
           "   +- Union false, false\n"
           "      :- GlobalLimit 10\n"
           "      :  +- LocalLimit 10\n"
           "      :     +- LocalRelation [a#1, b#2]\n"
           "      +- GlobalLimit 10\n"
           "         +- LocalLimit 10\n"
           "            +- LocalRelation [c#3, d#4]\n");
}

static void merge_projects(void **state)
{
    const vonk_plan *r = RELATION("a");
    const vonk_plan *below = project(r, named(call("*", r->output[0], number(2)), "x"), NULL);
    const vonk_expr *x = below->output[0];
    EXPECT(after(vonk__rule_merge_projects, project(below, named(call("+", x, number(1)), "y"), NULL)),
           "Project [((a#1 * 2) + 1) AS y#2]\n"
           "+- LocalRelation [a#1]\n");
    /* twice used and not for nothing: stays */
    EXPECT(after(vonk__rule_merge_projects, project(below, named(call("+", x, x), "y"), NULL)),
           "Project [(x#1 + x#1) AS y#2]\n"
           "+- Project [(a#3 * 2) AS x#1]\n"
           "   +- LocalRelation [a#3]\n");
    EXPECT(after(vonk__rule_merge_projects, project(r, r->output[0], NULL)), "LocalRelation [a#1]\n");
}

static void prune_columns(void **state)
{
    const vonk_plan *r = RELATION("a", "b", "c"), *q = RELATION("d", "e");
    const vonk_plan *joined = join(r, q, VONK_JOIN_INNER, call("=", r->output[0], q->output[0]));
    EXPECT(after(vonk__rule_prune_columns, project(joined, r->output[1], NULL)),
           "Project [b#1]\n"
           "+- Project [b#1]\n"
           "   +- Join Inner, (a#2 = d#3)\n"
           "      :- Project [a#2, b#1]\n"
           "      :  +- LocalRelation [a#2, b#1, c#4]\n"
           "      +- Project [d#3]\n"
           "         +- LocalRelation [d#3, e#5]\n");

    const vonk_plan *named_x_y = RELATION("x", "y"), *expand = NULL;
    vonk_plan *node = NULL;
    OK(vonk_plan_new(budget, VONK_PN_EXPAND, &joined, 1, &node, err));
    OK(vonk_plan_set_output(node, named_x_y->output, 2, err));
    OK(vonk_plan_set_list(node, 0, (const vonk_expr *[]){r->output[1], r->output[0]}, 2, err));
    OK(vonk_plan_set_list(node, 1, (const vonk_expr *[]){r->output[2], r->output[0]}, 2, err));
    OK(vonk_plan_finish(node, &expand, err));
    OK(vonk__scratch_keep_plan(&s, expand, err));
    EXPECT(after(vonk__rule_prune_columns, project(expand, named_x_y->output[1], NULL)),
           "Project [y#1]\n"
           "+- Expand [[a#2], [a#2]], [y#1]\n"
           "   +- Project [a#2]\n"
           "      +- Join Inner, (a#2 = d#3)\n"
           "         :- Project [a#2]\n"
           "         :  +- LocalRelation [a#2, b#4, c#5]\n"
           "         +- Project [d#3]\n"
           "            +- LocalRelation [d#3, e#6]\n");
}

static vonk_walk count_shared(const vonk_plan *p, void *arg)
{
    *(int *)arg += p->kind == VONK_PN_SHARED;
    return VONK_WALK_ON;
}
static int n_shared(const vonk_plan *p)
{
    int n = 0;
    vonk_plan_walk(p, count_shared, &n);
    return n;
}
/* id % 10 AS k, sum(id) AS n, max(id) AS m of range(0, end), by k. */
static const vonk_plan *grouped(int64_t end)
{
    vonk_plan *made = NULL;
    const vonk_plan *range = NULL, *p = NULL;
    vonk_expr *id = NULL;
    const vonk_expr *column = NULL;
    OK(vonk_expr_new(budget, VONK_EX_COLUMN, NULL, 0, &id, err));
    id->id = vonk_expr_new_id();
    OK(vonk_expr_set_name(id, VONK_STR("id"), err));
    OK(vonk_expr_set_type(id, &vonk_type_long, err));
    OK(vonk_expr_finish(id, &column, err));
    keep(column);
    OK(vonk_plan_new(budget, VONK_PN_RANGE, NULL, 0, &made, err));
    made->range = (vonk_range_info){.end = end, .step = 1};
    OK(vonk_plan_set_output(made, &column, 1, err));
    OK(vonk_plan_finish(made, &range, err));
    keep_plan(range);
    const vonk_expr *key = call("%", column, number(10));
    const vonk_expr *outputs[] = {named(key, "k"), named(call("sum", column, NULL), "n"),
                                  named(call("max", column, NULL), "m")};
    OK(vonk__mk_aggregate(&s, range, &key, 1, outputs, 3, &p, err));
    return p;
}

static void share_subplans(void **state)
{
    const vonk_plan *a = grouped(1000000), *b = grouped(1000000), *c = grouped(2000000);
    const vonk_plan *joined = join(a, b, VONK_JOIN_INNER, call("=", a->output[0], b->output[0]));
    const vonk_plan *p = after(vonk__rule_share, project(joined, a->output[1], b->output[2]));
    EXPECT(p, "Project [n#1, m#2]\n"
              "+- Join Inner, (k#3 = k#4)\n"
              "   :- Shared\n"
              "   :  +- Aggregate [(id#5 % 10)], [(id#5 % 10) AS k#3, sum(id#5) AS n#1, max(id#5) AS m#6]\n"
              "   :     +- Range (0, 1000000, step=1)\n"
              "   +- Project [k#3 AS k#4, n#1 AS n#7, m#6 AS m#2]\n"
              "      +- Shared\n"
              "         +- Aggregate [(id#5 % 10)], [(id#5 % 10) AS k#3, sum(id#5) AS n#1, max(id#5) AS m#6]\n"
              "            +- Range (0, 1000000, step=1)\n");
    /* pruned alike, to what one of the two needs */
    const vonk_plan *pruned = after(vonk__rule_prune_columns, p), *join_node = pruned;
    while (join_node->kind != VONK_PN_JOIN) join_node = join_node->children[0];
    for (uint32_t side = 0; side < 2; side++) {
        const vonk_plan *aggregate = join_node->children[side];
        while (aggregate->kind != VONK_PN_AGGREGATE) aggregate = aggregate->children[0];
        assert_int_equal(aggregate->n_output, 3);
    }
    const vonk_plan *lowered = physical(pruned), *exchanges[2] = {0};
    while (lowered->kind != VONK_PN_P_HASH_JOIN) lowered = lowered->children[0];
    for (uint32_t side = 0; side < 2; side++) {
        const vonk_plan *at = lowered->children[side];
        while (at->kind != VONK_PN_P_EXCHANGE || at->exchange.kind != VONK_EXCHANGE_SINGLE) at = at->children[0];
        exchanges[side] = at;
    }
    assert_ptr_equal(exchanges[0], exchanges[1]);

    joined = join(a, c, VONK_JOIN_CROSS, NULL); /* other rows */
    assert_int_equal(n_shared(after(vonk__rule_share, joined)), 0);
    const vonk_plan *d = grouped(1000), *e = grouped(1000); /* too few */
    assert_int_equal(n_shared(after(vonk__rule_share, join(d, e, VONK_JOIN_CROSS, NULL))), 0);
}

/* A table with one column s: struct<a: bigint, b: bigint, in: struct<p: bigint, q: bigint>>, read whole. */
static vonk_status no_describe(vonk_table *table, vonk_buf *out, vonk_error *err) { return VONK_OK; }
static const vonk_table_class nested_class = {.name = "nested", .prunes_nested = true, .describe = no_describe};
static const vonk_plan *nested_scan(vonk_table *table, const vonk_type **ret_s)
{
    static const uint32_t columns[] = {0};
    const vonk_type *inner = NULL;
    const vonk_plan *done = NULL;
    const vonk_expr *column = NULL;
    vonk_plan *made = NULL;
    vonk_expr *s_column = NULL;
    vonk_field fields[3] = {{.name = VONK_STR("p"), .type = &vonk_type_long, .nullable = true},
                            {.name = VONK_STR("q"), .type = &vonk_type_long, .nullable = true}};
    OK(vonk_type_struct(fields, 2, &inner, err));
    fields[0].name = VONK_STR("a");
    fields[1].name = VONK_STR("b");
    fields[2] = (vonk_field){.name = VONK_STR("in"), .type = inner, .nullable = true};
    OK(vonk_type_struct(fields, 3, ret_s, err));
    vonk_type_unref(inner);
    OK(vonk_expr_new(budget, VONK_EX_COLUMN, NULL, 0, &s_column, err));
    s_column->id = vonk_expr_new_id();
    s_column->nullable = true;
    OK(vonk_expr_set_name(s_column, VONK_STR("s"), err));
    OK(vonk_expr_set_type(s_column, *ret_s, err));
    OK(vonk_expr_finish(s_column, &column, err));
    keep(column);
    OK(vonk_plan_new(budget, VONK_PN_SCAN, NULL, 0, &made, err));
    made->scan.table = table;
    made->scan.columns = columns;
    made->scan.n_columns = 1;
    made->scan.limit = -1;
    OK(vonk_plan_set_output(made, &column, 1, err));
    OK(vonk_plan_finish(made, &done, err));
    return keep_plan(done);
}
static const vonk_expr *field(const vonk_expr *of, uint32_t index)
{
    vonk_expr *made = NULL;
    const vonk_expr *done = NULL;
    OK(vonk_expr_new(budget, VONK_EX_GET_FIELD, &of, 1, &made, err));
    made->index = index;
    OK(vonk_expr_set_name(made, of->type->fields[index].name, err));
    OK(vonk_expr_finish(made, &done, err));
    return keep(done);
}
/* The type of the only column of the scan below p. */
static void expect_scanned(int line, const vonk_plan *p, const char *wanted)
{
    vonk_buf text = {0};
    while (p->n_children > 0) p = p->children[0];
    vonk_buf_init(&text, budget, SIZE_MAX);
    OK(vonk_type_simple_string(p->output[0]->type, &text, err));
    OK(vonk_buf_add_byte(&text, 0, err));
    if (strcmp(text.data, wanted) != 0) fail_msg("line %d: %s instead of %s", line, text.data, wanted);
    assert_true(!p->scan.pruned || p->scan.pruned->fields[0].type == p->output[0]->type);
    vonk_buf_done(&text);
}
#define EXPECT_SCANNED(p, wanted) expect_scanned(__LINE__, (p), (wanted))

static void prune_nested(void **state)
{
    const char *const whole = "struct<a:bigint,b:bigint,in:struct<p:bigint,q:bigint>>";
    vonk_table table = {.cls = &nested_class, .refs = 1};
    const vonk_type *type = NULL;
    const vonk_plan *r = nested_scan(&table, &type), *p;
    const vonk_expr *column = r->output[0], *q = field(field(column, 2), 1);

    p = after(vonk__rule_prune_nested, project(r, named(field(column, 1), "b"), NULL));
    EXPECT_SCANNED(p, "struct<b:bigint>");
    EXPECT(p, "Project [s#1.b AS b#2]\n+- Relation [s#1] nested\n");
    assert_int_equal(p->lists[0].at[0]->children[0]->index, 0);

    p = after(vonk__rule_prune_nested, project(filter(r, call(">", q, number(1))), named(field(column, 0), "a"), NULL));
    EXPECT_SCANNED(p, "struct<a:bigint,in:struct<q:bigint>>");
    const vonk_expr *in_filter = p->children[0]->lists[0].at[0]->children[0];
    assert_true(in_filter->index == 0 && in_filter->children[0]->index == 1 && in_filter->type == &vonk_type_long);

    /* through a projection under another name */
    const vonk_expr *inner = named(field(column, 2), "n"), *n = project(r, inner, NULL)->output[0];
    p = after(vonk__rule_prune_nested, project(project(r, inner, NULL), named(field(n, 0), "p"), NULL));
    EXPECT_SCANNED(p, "struct<in:struct<p:bigint>>");

    /* only whether it is there */
    p = filter(r, node(VONK_EX_IS_NULL, column, NULL));
    EXPECT_SCANNED(after(vonk__rule_prune_nested, project(p, named(number(1), "one"), NULL)), "struct<a:bigint>");

    EXPECT_SCANNED(after(vonk__rule_prune_nested, filter(r, call(">", q, number(1)))), whole);
    EXPECT_SCANNED(after(vonk__rule_prune_nested, project(r, column, named(q, "q"))), whole);
    const vonk_plan *twice = set_op(VONK_PN_SET_OP, r, r, (vonk_set_info){.kind = VONK_SET_UNION, .all = true});
    p = project(twice, named(field(twice->output[0], 0), "a"), NULL);
    EXPECT_SCANNED(after(vonk__rule_prune_nested, p), whole);
    vonk_type_unref(type);
}

/* ---- physical plans */

static double some_nulls;
static vonk_status fake_stats(vonk_table *table, vonk_table_stats *ret, vonk_error *err)
{
    static vonk_column_stats column = {.distinct = -1};
    column.null_fraction = some_nulls;
    *ret = (vonk_table_stats){.n_rows = 1000, .columns = &column};
    return VONK_OK;
}

static void shares_of_nulls(void **state)
{
    static const vonk_table_class with_stats = {.name = "stats", .stats = fake_stats, .describe = no_describe};
    vonk_table table = {.cls = &with_stats, .refs = 1};
    const vonk_type *type = NULL;
    const vonk_plan *r = nested_scan(&table, &type);
    const vonk_expr *nulls = node(VONK_EX_IS_NULL, r->output[0], NULL),
                    *others = node(VONK_EX_IS_NOT_NULL, r->output[0], NULL);
    some_nulls = 0.9;
    assert_float_equal(vonk__opt_rows(&env, filter(r, nulls)), 900, 1e-9);
    assert_float_equal(vonk__opt_rows(&env, filter(r, others)), 100, 1e-9);
    some_nulls = -1; /* the footer does not say */
    assert_float_equal(vonk__opt_rows(&env, filter(r, nulls)), 50, 1e-9);
    assert_float_equal(vonk__opt_rows(&env, filter(r, others)), 950, 1e-9);
    vonk_type_unref(type);
}

static void physical_limits(void **state)
{
    const vonk_plan *r = RELATION("a"), *p = physical(limit(offset(r, 5), 10));
    EXPECT(p, "Limit, limit=10, offset=5\n"
              "+- Exchange SinglePartition(1)\n"
              "   +- Limit, limit=15, offset=0\n"
              "      +- LocalTableScan [a#1]\n");
    const vonk_plan *local = p->children[0]->children[0];
    assert_true(p->kind == VONK_PN_P_LIMIT && p->number == 0 && p->limit.limit == 10 && p->limit.offset == 5);
    assert_true(local->kind == VONK_PN_P_LIMIT && local->number == 1 && local->limit.limit == 15);
    EXPECT(physical(limit(sort(r, r->output[0]), 10)), "TakeOrdered [a ASC NULLS FIRST], limit=10, offset=0\n"
                                                       "+- LocalTableScan [a#1]\n");
    EXPECT(physical(sort(r, r->output[0])), "Sort [a ASC NULLS FIRST], true\n"
                                            "+- Exchange rangepartitioning([a ASC NULLS FIRST], 200)\n"
                                            "   +- LocalTableScan [a#1]\n");
}

static void physical_joins(void **state)
{
    const vonk_plan *r = RELATION("a", "b"), *q = RELATION("c", "d");
    const vonk_expr *same = call("=", r->output[0], q->output[0]), *less = call("<", r->output[1], q->output[1]);
    EXPECT(physical(join(r, q, VONK_JOIN_LEFT, both(same, less))),
           "BroadcastHashJoin [a], [c], [(b < d)], LeftOuter, BuildRight\n"
           ":- LocalTableScan [a#1, b#2]\n"
           "+- Exchange Broadcast(1)\n"
           "   +- LocalTableScan [c#3, d#4]\n");
    EXPECT(physical(join(r, q, VONK_JOIN_FULL, less)), "BroadcastNestedLoopJoin [(b < d)], FullOuter, BuildRight\n"
                                                       ":- LocalTableScan [a#1, b#2]\n"
                                                       "+- Exchange Broadcast(1)\n"
                                                       "   +- LocalTableScan [c#3, d#4]\n");
    EXPECT(physical(join(r, q, VONK_JOIN_INNER, call("<=>", r->output[0], q->output[0]))),
           "BroadcastHashJoin [coalesce(a, 0), isnull(a)], [coalesce(c, 0), isnull(c)], [], Inner, BuildRight\n"
           ":- LocalTableScan [a#1, b#2]\n"
           "+- Exchange Broadcast(1)\n"
           "   +- LocalTableScan [c#3, d#4]\n");
    const vonk_plan *p = physical(join(limit(r, 1), q, VONK_JOIN_INNER, same));
    assert_true(p->kind == VONK_PN_P_HASH_JOIN && p->join.build_left);
}

static void physical_aggregates(void **state)
{
    const vonk_plan *r = RELATION("a", "b"), *p = NULL;
    const vonk_expr *out[2] = {r->output[0], named(call("sum", r->output[1], NULL), "s")};
    OK(vonk__mk_aggregate(&s, r, r->output, 1, out, 2, &p, err));
    EXPECT(physical(p), "Project [a, aggregate AS s#1]\n"
                        "+- HashAggregate [a], [sum(b)], final\n"
                        "   +- Exchange hashpartitioning([a], 200)\n"
                        "      +- HashAggregate [a], [sum(b)], partial\n"
                        "         +- LocalTableScan [a#2, b#3]\n");
    OK(vonk__mk_aggregate(&s, r, NULL, 0, out + 1, 1, &p, err));
    EXPECT(physical(p), "Project [aggregate AS s#1]\n"
                        "+- HashAggregate [], [sum(b)], final\n"
                        "   +- Exchange SinglePartition(1)\n"
                        "      +- HashAggregate [], [sum(b)], partial\n"
                        "         +- LocalTableScan [a#2, b#3]\n");
}

/* Only what must be done is done when the optimizer is off. */
static void switched_off(void **state)
{
    const vonk_plan *r = RELATION("a"), *p = NULL;
    const vonk_conf *off = NULL;
    const vonk_plan *in = filter(filter(r, call(">", number(2), number(1))), call(">", r->output[0], number(1)));
    OK(vonk_conf_with_any(budget, conf, VONK_STR("vonk.opt.enabled"), VONK_STR("false"), &off, err));
    env.conf = off;
    OK(vonk_optimize(&env, in, &p, err));
    EXPECT(keep_plan(p), "Filter (a#1 > 1)\n"
                         "+- Filter (2 > 1)\n"
                         "   +- LocalRelation [a#1]\n");
    env.conf = conf;
    vonk_conf_unref(off);
    OK(vonk_optimize(&env, in, &p, err));
    EXPECT(keep_plan(p), "Filter (a#1 > 1)\n"
                         "+- LocalRelation [a#1]\n");
}

/* A plan that is nothing but a source passes most rules by: those have nothing to say about it. */
static void leaves(void **state)
{
    static const vonk__opt_rule skipped[] = {
        vonk__rule_strip_names,    vonk__rule_lateral,       vonk__rule_set_ops,
        vonk__rule_distinct,       vonk__rule_unnest,        vonk__rule_fold,
        vonk__rule_factor_or,      vonk__rule_push_filters,  vonk__rule_derive_and_push_filters,
        vonk__rule_one_partition,  vonk__rule_order_joins,   vonk__rule_strengthen_joins,
        vonk__rule_push_limits,    vonk__rule_share,         vonk__rule_extract_python,
        vonk__rule_merge_projects, vonk__rule_prune_columns, vonk__rule_prune_nested,
    };
    const vonk_plan *some[] = {RELATION("a", "b"), range(10)}, *p = NULL;
    for (size_t i = 0; i < VONK_COUNTOF(some); i++)
        for (size_t k = 0; k < VONK_COUNTOF(skipped); k++) assert_ptr_equal(after(skipped[k], some[i]), some[i]);
    OK(vonk_optimize(&env, some[1], &p, err));
    assert_ptr_equal(keep_plan(p), some[1]);
    OK(vonk_optimize(&env, range(0), &p, err));
    EXPECT(keep_plan(p), "LocalRelation [id#1]\n");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(strip_names),     CASE(set_ops),         CASE(fold),
        CASE(factor_or),       CASE(unnest),          CASE(strengthen_joins),
        CASE(push_filters),    CASE(derive_filters),  CASE(distinct_aggregates),
        CASE(order_joins),     CASE(propagate_empty), CASE(push_limits),
        CASE(merge_projects),  CASE(prune_columns),   CASE(shares_of_nulls),
        CASE(physical_limits), CASE(physical_joins),  CASE(physical_aggregates),
        CASE(switched_off),    CASE(leaves),          CASE(prune_nested),
        CASE(share_subplans),  CASE(extract_python),  CASE(extract_python_aggregates),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
