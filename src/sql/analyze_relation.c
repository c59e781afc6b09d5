/* sql/analyze_relation.c -- what FROM names: tables and views, WITH names, files, VALUES, table functions, aliases. */
#include "column/builder.h"
#include "plan/program.h"
#include "sql/analyze.h"

/* ---- names */

/* A use of a WITH name: the first one is the definition itself, later ones copies with ids of their own. */
static vonk_status use_cte(vonk_an *an, vonk_cte *cte, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *plan = cte->plan, *fresh;
    if (cte->uses++ > 0) {
        VONK_TRY(vonk_plan_fresh_ids(an->budget, plan, &fresh, err));
        VONK_TRY(vonk__an_keep_plan(an, fresh, &plan, err));
    }
    return vonk__an_aliased(an, plan, &cte->name, 1, ret, err);
}

vonk_status vonk__an_table(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                           vonk_error *err)
{
    const vonk_plan *plan, *kept;
    (void)outer;
    for (vonk_cte *c = an->ctes; c && p->name.n_parts == 1; c = (vonk_cte *)c->next)
        if (vonk__an_name_eq(an, c->name, p->name.parts[0])) return use_cte(an, c, ret, err);
    vonk_status st = vonk_catalog_lookup(an->api->catalog, an->conf, p->name.parts, p->name.n_parts, &plan, err);
    if (st != VONK_OK) return vonk__an_at(p, st, err);
    VONK_TRY(vonk__an_keep_plan(an, plan, &kept, err));
    return vonk__an_aliased(an, kept, &p->name.parts[p->name.n_parts - 1], 1, ret, err);
}

vonk_status vonk__an_read(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                          vonk_error *err)
{
    vonk_table *table;
    const vonk_plan *plan;
    (void)outer;
    vonk_status st = vonk_catalog_open(an->api->catalog, an->conf, &p->read, &table, err);
    if (st != VONK_OK) return vonk__an_at(p, st, err);
    st = vonk_catalog_scan(an->budget, table, &plan, err);
    vonk_table_unref(table);
    if (st != VONK_OK) return st;
    return vonk__an_keep_plan(an, plan, ret, err);
}

vonk_status vonk__an_subquery_alias(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                                    vonk_error *err)
{
    const vonk_plan *child;
    VONK_TRY(vonk__an_plan(an, p->children[0], outer, &child, err));
    if (p->name.n_columns) {
        if (p->name.n_columns != child->n_output)
            return VONK_PLAN_FAIL(p, err, VONK_E_ASSIGNMENT_ARITY_MISMATCH, "numExpr", VONK_F("%u", p->name.n_columns),
                                  "numTarget", VONK_F("%u", child->n_output));
        VONK_TRY(vonk__an_rename(an, child, p->name.columns, &child, err));
    }
    if (p->name.n_parts == 0) {
        *ret = child;
        return VONK_OK;
    }
    return vonk__an_aliased(an, child, p->name.parts, p->name.n_parts, ret, err);
}

/* ---- VALUES */

static vonk_status resolve_rows(vonk_an *an, const vonk_plan *p, vonk_exprs *rows, vonk_error *err)
{
    vonk_scope nothing = {0};
    for (uint32_t r = 0; r < p->n_lists; r++) {
        if (p->lists[r].n != p->lists[0].n)
            return VONK_PLAN_FAIL(p, err, VONK_E_INVALID_INLINE_TABLE__NUM_COLUMNS_MISMATCH, "expectedNumCols",
                                  VONK_F("%u", p->lists[0].n), "actualNumCols", VONK_F("%u", p->lists[r].n),
                                  "rowIndex", VONK_F("%u", r));
        for (uint32_t i = 0; i < p->lists[r].n; i++) {
            const vonk_expr *e;
            VONK_TRY(vonk__an_expr(an, &nothing, p->lists[r].at[i], &e, err));
            if (e->kind == VONK_EX_ALIAS) e = e->children[0];
            if (!vonk_expr_is_deterministic(e) || vonk_expr_has_aggregate(e) || vonk_expr_has_window(e)) {
                const char *sql;
                VONK_TRY(vonk__an_quoted_sql(an, e, &sql, err));
                return VONK_EXPR_FAIL(e, err, VONK_E_INVALID_INLINE_TABLE__CANNOT_EVALUATE_EXPRESSION_IN_INLINE_TABLE,
                                      "expr", sql);
            }
            VONK_TRY(VONK_AN_PUSH(an, rows, e, err));
        }
    }
    return VONK_OK;
}

/* One type for a column's values. Text and other types do not mix. */
static vonk_status column_type(vonk_an *an, const vonk_plan *p, const vonk_exprs *rows, uint32_t i, vonk_str name,
                               const vonk_type **ret, bool *ret_nullable, vonk_error *err)
{
    const vonk_type **types;
    uint32_t n_columns = p->lists[0].n;
    bool texts = false, others = false;
    *ret_nullable = false;
    VONK_TRY(vonk_arena_array(an->arena, p->n_lists, sizeof(*types), &types, err));
    for (uint32_t r = 0; r < p->n_lists; r++) {
        const vonk_expr *e = rows->at[(size_t)r * n_columns + i];
        types[r] = e->type;
        if (e->nullable) *ret_nullable = true;
        if (vonk_type_is_stringy(e->type)) texts = true;
        else if (e->type->id != VONK_T_NULL) others = true;
    }
    *ret = NULL;
    if (!(texts && others)) VONK_TRY(vonk__an_common_type(an, types, p->n_lists, ret, err));
    if (*ret) return VONK_OK;
    vonk_str quoted;
    VONK_TRY(vonk__an_quote_parts(an, &name, 1, &quoted, err));
    return VONK_PLAN_FAIL(p, err, VONK_E_INVALID_INLINE_TABLE__INCOMPATIBLE_TYPES_IN_INLINE_TABLE, "colName",
                          VONK_S(quoted));
}

static vonk_status fold_into(vonk_an *an, vonk_builder *b, const vonk_expr *e, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *value = NULL;
    VONK_TRY(vonk_program_fold(an->budget, an->api->env, e, &value, err));
    return vonk_builder_copy(b, value, 0, err);
}

static vonk_status fold_column(vonk_an *an, const vonk_plan *p, const vonk_exprs *rows, uint32_t i,
                               const vonk_type *type, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_TRY(vonk_builder_init(&b, an->budget, type, p->n_lists, err));
    for (uint32_t r = 0; r < p->n_lists; r++) {
        const vonk_expr *e;
        VONK_TRY(vonk__an_cast(an, rows->at[(size_t)r * p->lists[0].n + i], type, &e, err));
        VONK_TRY(fold_into(an, &b, e, err));
    }
    return vonk_builder_finish(&b, ret, err);
}

static vonk_status local_rows(vonk_an *an, const vonk_plan *p, const vonk_exprs *rows, vonk_field *fields,
                              vonk_column **columns, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    VONK_AUTO(vonk_type_unref) const vonk_type *schema = NULL;
    const vonk_plan *plan;
    uint32_t n = p->lists[0].n;
    for (uint32_t i = 0; i < n; i++) VONK_TRY(fold_column(an, p, rows, i, fields[i].type, &columns[i], err));
    VONK_TRY(vonk_batch_new(an->budget, p->n_lists, columns, n, &batch, err));
    VONK_TRY(vonk_type_struct(fields, n, &schema, err));
    VONK_TRY(vonk_pn_local(an->budget, schema, &batch, 1, &plan, err));
    return vonk__an_keep_plan(an, plan, ret, err);
}

vonk_status vonk__an_values(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                            vonk_error *err)
{
    vonk_exprs rows = {0};
    vonk_field *fields;
    vonk_column **columns;
    uint32_t n = p->lists[0].n;
    (void)outer;
    if (p->name.n_columns && p->name.n_columns != n)
        return VONK_PLAN_FAIL(p, err, VONK_E_INVALID_INLINE_TABLE__NUM_COLUMNS_MISMATCH, "expectedNumCols",
                              VONK_F("%u", p->name.n_columns), "actualNumCols", VONK_F("%u", n), "rowIndex", "0");
    VONK_TRY(resolve_rows(an, p, &rows, err));
    VONK_TRY(vonk_arena_array(an->arena, n, sizeof(*fields), &fields, err));
    VONK_TRY(vonk_arena_array(an->arena, n, sizeof(vonk_column *), &columns, err));
    for (uint32_t i = 0; i < n; i++) {
        fields[i] = (vonk_field){0};
        columns[i] = NULL;
        if (i < p->name.n_columns) fields[i].name = p->name.columns[i];
        else VONK_TRY(vonk_arena_printf(an->arena, &fields[i].name, err, "col%u", i + 1));
        VONK_TRY(column_type(an, p, &rows, i, fields[i].name, &fields[i].type, &fields[i].nullable, err));
    }
    vonk_status st = local_rows(an, p, &rows, fields, columns, ret, err);
    for (uint32_t i = 0; i < n; i++) vonk_column_unref(columns[i]);
    return st;
}

/* ---- table functions */

static vonk_status long_argument(vonk_an *an, const vonk_expr *e, uint32_t index, int64_t *ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *value = NULL;
    const vonk_expr *cast;
    bool number = vonk_type_is_integral(e->type) || vonk_type_is_stringy(e->type) || e->type->id == VONK_T_DECIMAL;
    if (!vonk_expr_is_foldable(e) || !number) {
        const char *sql;
        VONK_TRY(vonk__an_quoted_sql(an, e, &sql, err));
        return VONK_EXPR_FAIL(e, err, VONK_E_UNEXPECTED_INPUT_TYPE, "functionName", "`range`", "requiredType",
                              "\"BIGINT\"", "inputSql", sql, "inputType", VONK_TYPE_SQL(e->type), "paramIndex",
                              VONK_F("%u", index));
    }
    VONK_TRY(vonk__an_cast(an, e, &vonk_type_long, &cast, err));
    VONK_TRY(vonk_program_fold(an->budget, an->api->env, cast, &value, err));
    *ret = vonk_column_is_null(value, 0) ? 0 : vonk_column_i64(value, 0);
    return VONK_OK;
}

/* range(end), range(start, end), range(start, end, step), range(start, end, step, numSlices) */
static vonk_status range(vonk_an *an, const vonk_plan *p, const vonk_exprs *args, const vonk_plan **ret,
                         vonk_error *err)
{
    int64_t v[4] = {0, 0, 1, 0};
    const vonk_expr *id;
    vonk_plan *r;
    if (args->n < 1 || args->n > 4)
        return VONK_PLAN_FAIL(p, err, VONK_E_WRONG_NUM_ARGS__WITHOUT_SUGGESTION, "functionName", "`range`",
                              "expectedNum", "[1, 2, 3, 4]", "actualNum", VONK_F("%zu", args->n), "docroot",
                              "https://spark.apache.org/docs/latest");
    for (uint32_t i = 0; i < args->n; i++)
        VONK_TRY(long_argument(an, args->at[i], i + 1, args->n == 1 ? &v[1] : &v[i], err));
    if (v[2] == 0) return VONK_PLAN_FAIL(p, err, VONK_E_INTERNAL_ERROR, "message", "step cannot be 0");
    VONK_TRY(vonk__an_new_column(an, VONK_STR("id"), &vonk_type_long, false, &id, err));
    VONK_TRY(vonk__an_node(an, VONK_PN_RANGE, NULL, 0, &r, err));
    r->range = (vonk_range_info){v[0], v[1], v[2], (int32_t)v[3]};
    VONK_TRY(vonk_plan_set_output(r, &id, 1, err));
    return vonk__an_finish_node(an, r, ret, err);
}

static vonk_status generated(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                             vonk_error *err)
{
    const vonk_expr *call, *e;
    const vonk_plan *one;
    const char *function = NULL;
    vonk_scope scope = {.outer = outer};
    vonk_str name = p->name.parts[p->name.n_parts - 1], quoted;
    const vonk_fn *fn = vonk_fn_find(name);
    VONK_TRY(vonk__an_quote_parts(an, p->name.parts, p->name.n_parts, &quoted, err));
    function = quoted.data;
    if (!fn) return VONK_PLAN_FAIL(p, err, VONK_E_UNRESOLVABLE_TABLE_VALUED_FUNCTION, "name", function);
    if (fn->kind != VONK_FN_GENERATOR)
        return VONK_PLAN_FAIL(p, err, VONK_E_NOT_A_TABLE_FUNCTION, "functionName", function);
    VONK_TRY(vonk_ex_call(an->budget, name, p->lists[0].at, p->lists[0].n, &call, err));
    VONK_TRY(vonk__an_keep(an, call, &call, err));
    VONK_TRY(vonk__an_expr(an, &scope, call, &e, err));
    VONK_TRY(vonk__an_one_row(an, &one, err));
    return vonk__an_make_generate(an, one, e, false, VONK_STR_NONE, NULL, 0, ret, err);
}

vonk_status vonk__an_table_call(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                                vonk_error *err)
{
    vonk_exprs args = {0};
    vonk_scope scope = {.outer = outer};
    const vonk_plan *plan;
    if (p->n_children) return vonk__an_unsupported(p, "table arguments", err);
    if (vonk_str_eq_nocase(p->name.parts[p->name.n_parts - 1], VONK_STR("range"))) {
        VONK_TRY(vonk__an_exprs(an, &scope, p->lists[0].at, p->n_lists ? p->lists[0].n : 0, &args, err));
        VONK_TRY(range(an, p, &args, &plan, err));
    } else {
        VONK_TRY(generated(an, p, outer, &plan, err));
    }
    if (p->name.n_columns) {
        if (p->name.n_columns != plan->n_output)
            return VONK_PLAN_FAIL(p, err, VONK_E_ASSIGNMENT_ARITY_MISMATCH, "numExpr", VONK_F("%u", p->name.n_columns),
                                  "numTarget", VONK_F("%u", plan->n_output));
        VONK_TRY(vonk__an_rename(an, plan, p->name.columns, &plan, err));
    }
    *ret = plan;
    return VONK_OK;
}
