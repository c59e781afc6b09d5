/* sql/analyze_table_function.c -- table functions of Python: a GENERATE over one row, or over the rows of TABLE
 * arguments, which come as one struct each. PARTITION BY and ORDER BY of such an argument sort it by a window without
 * functions; the partition's values stand behind its columns, for the worker to see where one ends. A function that
 * does not say its columns is asked for them, with the types of its arguments. */
#include "plan/program.h"
#include "sql/analyze.h"

typedef struct table_arg {
    const vonk_expr *e;    /* SUBQUERY */
    const vonk_plan *rows; /* resolved */
    const vonk_type *type; /* struct of its columns */
} table_arg;

typedef struct call {
    vonk_an *an;
    const vonk_plan *p;
    const vonk_scope *scope;
    const vonk_python_fn *fn;
    const vonk_expr **values; /* [n]: arguments without their names; SUBQUERYs of tables as they were written */
    vonk_str *names;          /* [n]; empty: by position */
    uint32_t n, n_tables, n_partition; /* n_partition: columns behind those of a table */
    bool any_named;
    vonk_str routine;  /* its quoted name, NUL-terminated */
    table_arg *tables; /* [n_tables], in the order of the arguments */
    vonk_udtf_answer answer;
} call;

static bool is_table(const vonk_expr *e) { return e->kind == VONK_EX_SUBQUERY && e->sub_kind == VONK_SUB_TABLE_ARG; }

/* ---- arguments */

static vonk_status add_name(call *c, uint32_t i, vonk_str name, vonk_error *err)
{
    for (uint32_t k = 0; k < i; k++)
        if (vonk_str_eq(c->names[k], name))
            return VONK_PLAN_FAIL(
                c->p, err, VONK_E_DUPLICATE_ROUTINE_PARAMETER_ASSIGNMENT__DOUBLE_NAMED_ARGUMENT_REFERENCE,
                "routineName", c->routine.data, "parameterName", VONK_F("`%.*s`", VONK_STR_ARGS(name)));
    c->names[i] = name;
    c->any_named = true;
    return VONK_OK;
}

static vonk_status resolve_table(call *c, const vonk_expr *e, vonk_error *err)
{
    vonk_an *an = c->an;
    const vonk_plan *written = NULL;
    vonk_field *fields = NULL;
    const vonk_type *type = NULL;
    table_arg *table = &c->tables[c->n_tables++];
    table->e = e;
    VONK_TRY(vonk__an_subplan(an, e, &written, err));
    an->depth++;
    VONK_TRY(vonk__an_plan(an, written, c->scope->outer, &table->rows, err));
    an->depth--;
    const vonk_plan *rows = table->rows;
    VONK_TRY(vonk_arena_array(an->arena, rows->n_output + 1, sizeof *fields, &fields, err));
    for (uint32_t i = 0; i < rows->n_output; i++)
        fields[i] = (vonk_field){
            .name = rows->output[i]->name, .type = rows->output[i]->type, .nullable = rows->output[i]->nullable};
    VONK_TRY(vonk_type_struct(fields, rows->n_output, &type, err));
    return vonk__an_hold_type(an, type, &table->type, err);
}

static vonk_status resolve_arguments(call *c, const vonk_expr_list *list, vonk_error *err)
{
    vonk_an *an = c->an;
    c->n = list ? list->n : 0;
    VONK_TRY(vonk_arena_array(an->arena, c->n + 1, sizeof *c->values, &c->values, err));
    VONK_TRY(vonk_arena_array(an->arena, c->n + 1, sizeof *c->names, &c->names, err));
    VONK_TRY(vonk_arena_array(an->arena, c->n + 1, sizeof *c->tables, &c->tables, err));
    for (uint32_t i = 0; list && i < c->n; i++) {
        const vonk_expr *e = list->at[i];
        if (e->kind == VONK_EX_NAMED_ARG) {
            VONK_TRY(add_name(c, i, e->name, err));
            e = e->children[0];
        } else if (c->any_named) {
            return VONK_PLAN_FAIL(c->p, err, VONK_E_UNEXPECTED_POSITIONAL_ARGUMENT, "routineName", c->routine.data,
                                  "parameterName", VONK_F("`%.*s`", VONK_STR_ARGS(c->names[i - 1])));
        }
        c->values[i] = e;
        if (is_table(e)) {
            VONK_TRY(resolve_table(c, e, err));
            continue;
        }
        VONK_TRY(vonk__an_expr(an, c->scope, e, &c->values[i], err));
        while (c->values[i]->kind == VONK_EX_ALIAS) c->values[i] = c->values[i]->children[0];
    }
    return VONK_OK;
}

/* After the function was asked: what analyze() says about its arguments comes first. */
static vonk_status count_tables(const call *c, vonk_error *err)
{
    if (c->n_tables < 2 || vonk_conf_bool(c->an->conf, "spark.sql.tvf.allowMultipleTableArguments.enabled"))
        return VONK_OK;
    return VONK_PLAN_FAIL(c->p, err, VONK_E_TABLE_VALUED_FUNCTION_TOO_MANY_TABLE_ARGUMENTS, "num",
                          VONK_F("%u", c->n_tables));
}

/* ---- asking */

static void unref_column(void *column) { vonk_column_unref(column); }

static vonk_status ask(call *c, vonk_error *err)
{
    vonk_an *an = c->an;
    vonk_udtf_arg *args = NULL;
    uint32_t t = 0;
    if (c->fn->returns) {
        c->answer.schema = c->fn->returns;
        return VONK_OK;
    }
    if (!an->api->ask_udtf) return vonk__an_unsupported(c->p, "table functions that say their columns when asked", err);
    VONK_TRY(vonk_arena_array(an->arena, c->n + 1, sizeof *args, &args, err));
    for (uint32_t i = 0; i < c->n; i++) {
        const bool table = is_table(c->values[i]);
        args[i] = (vonk_udtf_arg){
            .type = table ? c->tables[t++].type : c->values[i]->type, .is_table = table, .name = c->names[i]};
        if (table || !vonk_expr_is_foldable(c->values[i])) continue;
        VONK_TRY(vonk_program_fold(an->budget, an->api->env, c->values[i], &args[i].value, err));
        VONK_TRY(vonk_arena_on_free(an->arena, unref_column, args[i].value, err));
    }
    const vonk_status st = an->api->ask_udtf(an->api->session, c->fn, args, c->n, an->arena, &c->answer, err);
    if (st != VONK_OK) return vonk__an_at(c->p, st, err);
    return vonk__an_hold_type(an, c->answer.schema, &c->answer.schema, err);
}

/* What it asks for must not be in the call, too. */
static vonk_status check_answer(call *c, const vonk_expr *e, vonk_error *err)
{
    const vonk_udtf_answer *a = &c->answer;
    const bool asks = a->single || a->n_partition > 0;
    const char *wanted = a->single ? "specified its own WITH SINGLE PARTITION" : "specified its own PARTITION BY";
    const char *invalid = NULL;
    if (asks && e->index == 1) invalid = "specified the WITH SINGLE PARTITION clause";
    if (asks && e->n_partition > 0) invalid = "specified the PARTITION BY clause";
    if (asks && !invalid && e->n_order > 0) invalid = "specified the ORDER BY clause";
    if (invalid)
        return VONK_PLAN_FAIL(c->p, err, VONK_E_TABLE_VALUED_FUNCTION_REQUIRED_METADATA_INCOMPATIBLE_WITH_CALL,
                              "functionName", c->routine.data, "requestedMetadata", wanted,
                              "invalidFunctionCallProperty", invalid);
    if (a->single && a->n_partition > 0)
        return VONK_PLAN_FAIL(c->p, err, VONK_E_TABLE_VALUED_FUNCTION_REQUIRED_METADATA_INVALID, "functionName",
                              c->routine.data, "reason",
                              "it asks for one partition and for partitioning columns at the same time");
    if (a->n_order > 0 && !asks)
        return VONK_PLAN_FAIL(c->p, err, VONK_E_TABLE_VALUED_FUNCTION_REQUIRED_METADATA_INVALID, "functionName",
                              c->routine.data, "reason", "it asks for an order without partitions");
    return VONK_OK;
}

/* ---- a table's rows, sorted if that is asked for, as a column of structs */

typedef struct arrangement {
    vonk_exprs keys, orders; /* resolved over the rows; orders: SORTs */
    bool single;
} arrangement;

static vonk_status resolve_text(call *c, const vonk_scope *scope, vonk_str text, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *e = NULL;
    VONK_TRY(vonk_sql_parse_expr(c->an->budget, c->an->conf, text, &e, err));
    VONK_TRY(vonk__an_keep(c->an, e, &e, err));
    return vonk__an_expr(c->an, scope, e, ret, err);
}

static vonk_status sort_of(call *c, const vonk_expr *e, const vonk_udtf_order *order, const vonk_expr **ret,
                           vonk_error *err)
{
    const bool down = !order->ascending, last = order->nulls == 0 ? down : order->nulls == 2;
    VONK_TRY(vonk_ex_sort(c->an->budget, e, down, last, ret, err));
    return vonk__an_keep(c->an, *ret, ret, err);
}

static vonk_status arrange(call *c, const vonk_expr *e, const vonk_plan *rows, arrangement *a, vonk_error *err)
{
    const vonk_scope scope = {.inputs = &rows, .n_inputs = 1, .outer = c->scope->outer};
    a->single = e->index == 1 || c->answer.single;
    for (uint32_t i = 0; i < e->n_children; i++) {
        const vonk_expr *child = NULL;
        VONK_TRY(vonk__an_expr(c->an, &scope, e->children[i], &child, err));
        VONK_TRY(VONK_AN_PUSH(c->an, i < e->n_partition ? &a->keys : &a->orders, child, err));
    }
    for (uint32_t i = 0; i < c->answer.n_partition; i++) {
        const vonk_expr *key = NULL;
        VONK_TRY(resolve_text(c, &scope, c->answer.partition[i], &key, err));
        VONK_TRY(VONK_AN_PUSH(c->an, &a->keys, key, err));
    }
    for (uint32_t i = 0; i < c->answer.n_order; i++) {
        const vonk_expr *key = NULL, *sort = NULL;
        VONK_TRY(resolve_text(c, &scope, c->answer.order[i].name, &key, err));
        VONK_TRY(sort_of(c, key, &c->answer.order[i], &sort, err));
        VONK_TRY(VONK_AN_PUSH(c->an, &a->orders, sort, err));
    }
    return VONK_OK;
}

/* The columns that the function chose. */
static vonk_status choose(call *c, const vonk_plan **inout, vonk_exprs *ret, vonk_error *err)
{
    const vonk_plan *rows = *inout;
    const vonk_scope scope = {.inputs = &rows, .n_inputs = 1};
    for (uint32_t i = 0; i < rows->n_output && c->answer.n_select == 0; i++)
        VONK_TRY(VONK_AN_PUSH(c->an, ret, rows->output[i], err));
    for (uint32_t i = 0; i < c->answer.n_select; i++) {
        const vonk_udtf_select *s = &c->answer.select[i];
        const vonk_expr *e = NULL;
        VONK_TRY(resolve_text(c, &scope, s->name, &e, err));
        if (s->alias.len) {
            while (e->kind == VONK_EX_ALIAS) e = e->children[0];
            VONK_TRY(vonk__an_alias(c->an, e, s->alias, &e, err));
        } else if (e->kind != VONK_EX_COLUMN && e->kind != VONK_EX_ALIAS) {
            return VONK_PLAN_FAIL(c->p, err,
                                  VONK_E_UDTF_INVALID_REQUESTED_SELECTED_EXPRESSION_FROM_ANALYZE_METHOD_REQUIRES_ALIAS,
                                  "expression", VONK_S(s->name));
        }
        VONK_TRY(VONK_AN_PUSH(c->an, ret, e, err));
    }
    return VONK_OK;
}

/* Rows with equal keys follow each other, in the order asked for. */
static vonk_status sorted(call *c, const vonk_plan *rows, const vonk_exprs *keys, const vonk_exprs *orders,
                          const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *p = NULL;
    VONK_TRY(vonk__an_node(c->an, VONK_PN_WINDOW, &rows, 1, &p, err));
    VONK_TRY(vonk_plan_set_list(p, 0, NULL, 0, err));
    VONK_TRY(vonk_plan_set_list(p, 1, keys->at, vonk_u32_of(keys->n), err));
    VONK_TRY(vonk_plan_set_list(p, 2, orders->at, vonk_u32_of(orders->n), err));
    return vonk__an_finish_node(c->an, p, ret, err);
}

static vonk_status struct_of(call *c, const vonk_plan *rows, const vonk_exprs *columns, const vonk_plan **ret,
                             vonk_error *err)
{
    vonk_exprs args = {0};
    const vonk_expr *row = NULL;
    for (size_t i = 0; i < columns->n; i++) {
        const vonk_expr *name = NULL;
        VONK_TRY(vonk__an_string(c->an, columns->at[i]->name, &name, err));
        VONK_TRY(VONK_AN_PUSH(c->an, &args, name, err));
        VONK_TRY(VONK_AN_PUSH(c->an, &args, columns->at[i], err));
    }
    VONK_TRY(vonk__an_call(c->an, "named_struct", args.at, vonk_u32_of(args.n), NULL, &row, err));
    VONK_TRY(vonk__an_alias(c->an, row, VONK_STR("c"), &row, err));
    return vonk__an_project(c->an, rows, &row, 1, ret, err);
}

/* Keys and orders are computed beside the chosen columns, in one node below the sorting. */
static vonk_status table_rows(call *c, const table_arg *table, const vonk_plan **ret, vonk_error *err)
{
    vonk_an *an = c->an;
    const vonk_plan *rows = table->rows;
    arrangement a = {0};
    vonk_exprs items = {0}, columns = {0}, keys = {0}, orders = {0};
    VONK_TRY(arrange(c, table->e, rows, &a, err));
    VONK_TRY(choose(c, &rows, &items, err));
    const size_t n_chosen = items.n;
    for (size_t i = 0; i < a.keys.n; i++) {
        const vonk_expr *key = a.keys.at[i];
        vonk_str name;
        while (key->kind == VONK_EX_ALIAS) key = key->children[0];
        VONK_TRY(vonk_arena_printf(an->arena, &name, err, "partition_by_%zu", i));
        VONK_TRY(vonk__an_alias(an, key, name, &key, err));
        VONK_TRY(VONK_AN_PUSH(an, &items, key, err));
    }
    for (size_t i = 0; i < a.orders.n; i++) {
        const vonk_expr *sort = a.orders.at[i], *item = NULL, *column = NULL;
        vonk_expr *copy = NULL;
        VONK_TRY(vonk__an_alias(an, sort->children[0], VONK_STR("order_by"), &item, err));
        VONK_TRY(VONK_AN_PUSH(an, &items, item, err));
        VONK_TRY(vonk__an_column_of(an, item, &column, err));
        VONK_TRY(vonk__an_copy(an, sort, &column, 1, &copy, err));
        VONK_TRY(vonk__an_finish(an, copy, &sort, err));
        VONK_TRY(VONK_AN_PUSH(an, &orders, sort, err));
    }
    VONK_TRY(vonk__an_project(an, rows, items.at, vonk_u32_of(items.n), &rows, err));
    for (size_t i = 0; i < n_chosen + a.keys.n; i++) {
        VONK_TRY(VONK_AN_PUSH(an, &columns, rows->output[i], err));
        if (i >= n_chosen) VONK_TRY(VONK_AN_PUSH(an, &keys, rows->output[i], err));
    }
    if (table == c->tables) c->n_partition = vonk_u32_of(a.keys.n);
    if (a.keys.n > 0 || a.single) VONK_TRY(sorted(c, rows, &keys, &orders, &rows, err));
    return struct_of(c, rows, &columns, ret, err);
}

/* Each row of one table with each of the others; a column for each table. Partitions of the first one count, as in
 * Spark. */
static vonk_status all_rows(call *c, const vonk_plan **ret, vonk_error *err)
{
    vonk_an *an = c->an;
    if (c->n_tables == 0) return vonk__an_one_row(an, ret, err);
    for (uint32_t i = 0; i < c->n_tables; i++) {
        const vonk_plan *rows = NULL, *fresh = NULL, *both = NULL;
        VONK_TRY(check_answer(c, c->tables[i].e, err));
        VONK_TRY(table_rows(c, &c->tables[i], &rows, err));
        if (i > 0) {
            VONK_TRY(vonk_plan_fresh_ids(an->budget, rows, &fresh, err));
            VONK_TRY(vonk__an_keep_plan(an, fresh, &fresh, err));
            VONK_TRY(vonk_pn_join(an->budget, *ret, fresh, VONK_JOIN_CROSS, NULL, &both, err));
            VONK_TRY(vonk__an_keep_plan(an, both, &rows, err));
        }
        *ret = rows;
    }
    return VONK_OK;
}

/* ---- the node */

static vonk_status generator_of(call *c, const vonk_plan *child, const vonk_expr **ret, vonk_error *err)
{
    VONK_AUTO(vonk_python_fn_unref) const vonk_python_fn *fn = NULL;
    vonk_python_fn as = *c->fn;
    vonk_expr *e = NULL;
    for (uint32_t i = 0, t = 0; i < c->n; i++)
        if (is_table(c->values[i])) c->values[i] = child->output[t++];
    as.returns = c->answer.schema;
    as.analyzed = c->answer.pickled;
    VONK_TRY(vonk_python_fn_new(&as, &fn, err));
    VONK_TRY(vonk__an_new(c->an, VONK_EX_PYTHON, c->values, c->n, &e, err));
    vonk_expr_set_python(e, fn);
    if (c->any_named) VONK_TRY(vonk_expr_set_parts(e, c->names, c->n, err));
    e->n_partition = c->n_partition;
    e->id = vonk_expr_new_id();
    return vonk__an_finish(c->an, e, ret, err);
}

vonk_status vonk__an_python_table(vonk_an *an, const vonk_plan *p, const vonk_python_fn *fn, const vonk_scope *scope,
                                  const vonk_plan **ret, vonk_error *err)
{
    call c = {.an = an, .p = p, .scope = scope, .fn = fn};
    const vonk_plan *child = NULL, *generated = NULL;
    const vonk_expr *generator = NULL;
    VONK_TRY(vonk_arena_printf(an->arena, &c.routine, err, "`%.*s`", VONK_STR_ARGS(fn->name)));
    VONK_TRY(resolve_arguments(&c, p->n_lists > 0 ? &p->lists[0] : NULL, err));
    VONK_TRY(ask(&c, err));
    VONK_TRY(count_tables(&c, err));
    VONK_TRY(all_rows(&c, &child, err));
    VONK_TRY(generator_of(&c, child, &generator, err));
    VONK_TRY(vonk__an_make_generate(an, child, generator, false, VONK_STR_NONE, p->name.columns, p->name.n_columns,
                                    &generated, err));
    return vonk__an_project(an, generated, generated->output + child->n_output, generated->n_output - child->n_output,
                            ret, err);
}
