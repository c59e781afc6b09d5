/* sql/analyze_from.c -- what stands in FROM: names, files, VALUES, table functions, aliases. */
#include "sql/analyze.h"

#include "column/builder.h"
#include "plan/program.h"

/* ---- names: WITH first, then views and tables */
static vonk_status from_with(vonk_an *an, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    *ret = NULL;
    if (p->name.n_parts != 1) return VONK_OK;
    for (vonk_cte *c = an->ctes; c; c = (vonk_cte *)c->next) {
        if (!vonk__an_name_eq(an, c->name, p->name.parts[0])) continue;
        *ret = c->plan;
        if (c->uses++ == 0) return VONK_OK;
        const vonk_plan *fresh; /* the second use has columns of its own */
        VONK_TRY(vonk_plan_fresh_ids(an->budget, c->plan, &fresh, err));
        return vonk__an_keep_plan(an, fresh, ret, err);
    }
    return VONK_OK;
}

vonk_status vonk__an_table(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                           vonk_error *err)
{
    const vonk_plan *found;

    (void)outer;
    VONK_TRY(from_with(an, p, &found, err));
    if (!found) {
        const vonk_status st = vonk__an_sql_view(an, p, &found, err);
        if (st != VONK_OK) return vonk__an_at(p, st, err);
    }
    if (!found) {
        const vonk_status st =
            vonk_catalog_lookup(an->api->catalog, an->conf, p->name.parts, p->name.n_parts, &found, err);
        if (st != VONK_OK) return vonk__an_at(p, st, err);
        VONK_TRY(vonk__an_keep_plan(an, found, &found, err));
        VONK_TRY(vonk__an_plan(an, found, NULL, &found, err));
    }
    return vonk__an_aliased(an, found, p->name.parts, p->name.n_parts, ret, err);
}

/* ---- files */
static vonk_status scan_columns(vonk_an *an, const vonk_type *schema, vonk_exprs *ret, vonk_error *err)
{
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        const vonk_field *f = &schema->fields[i];
        const vonk_expr *column;
        VONK_TRY(vonk__an_new_column(an, f->name, f->type, f->nullable, &column, err));
        if (f->metadata.len > 0) {
            vonk_expr *copy;
            VONK_TRY(vonk__an_copy(an, column, NULL, 0, &copy, err));
            VONK_TRY(vonk_expr_set_metadata(copy, f->metadata, err));
            VONK_TRY(vonk__an_finish(an, copy, &column, err));
        }
        VONK_TRY(VONK_AN_PUSH(an, ret, column, err));
    }
    return VONK_OK;
}

static vonk_status read_python(vonk_an *an, const vonk_plan *p, const vonk_python_fn *source, const vonk_plan **ret,
                               vonk_error *err)
{
    VONK_AUTO(vonk_python_fn_unref) const vonk_python_fn *made = NULL;
    vonk_exprs columns = {0};
    vonk_expr *e;
    const vonk_expr *call;
    vonk_plan *node;

    if (!an->api->open_source)
        return VONK_PLAN_FAIL(p, err, VONK_E_UNSUPPORTED_FEATURE, "feature", "data sources of Python in this place");
    const vonk_status st = an->api->open_source(an->api->session, source, &p->read, &made, err);
    if (st != VONK_OK) return vonk__an_at(p, st, err);
    VONK_TRY(scan_columns(an, made->returns, &columns, err));
    VONK_TRY(vonk__an_new(an, VONK_EX_PYTHON, NULL, 0, &e, err));
    vonk_expr_set_python(e, made);
    VONK_TRY(vonk__an_finish(an, e, &call, err));
    VONK_TRY(vonk__an_node(an, VONK_PN_PYTHON_SOURCE, NULL, 0, &node, err));
    VONK_TRY(vonk_plan_set_list(node, 0, &call, 1, err));
    VONK_TRY(vonk_plan_set_output(node, columns.at, (uint32_t)columns.n, err));
    return vonk__an_finish_node(an, node, ret, err);
}

vonk_status vonk__an_read(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                          vonk_error *err)
{
    VONK_AUTO(vonk_table_unref) vonk_table *table = NULL;
    vonk_exprs columns = {0};
    vonk_plan *scan;
    uint32_t *positions;

    (void)outer;
    VONK_AUTO(vonk_python_fn_unref)
    const vonk_python_fn *source = an->api->find_source ? an->api->find_source(an->api->session, p->read.format)
                                                        : vonk_catalog_find_source(an->api->catalog, p->read.format);
    if (source) return read_python(an, p, source, ret, err);
    const vonk_status st = vonk_catalog_open(an->api->catalog, an->conf, &p->read, &table, err);
    if (st != VONK_OK) return vonk__an_at(p, st, err);
    VONK_TRY(scan_columns(an, table->schema, &columns, err));
    VONK_TRY(vonk__an_node(an, VONK_PN_SCAN, NULL, 0, &scan, err));
    VONK_TRY(vonk_arena_array(scan->arena, columns.n + 1, sizeof(*positions), &positions, err));
    for (uint32_t i = 0; i < columns.n; i++) positions[i] = i;
    VONK_TRY(vonk_plan_hold_table(scan, table, err));
    VONK_TRY(vonk_plan_set_output(scan, columns.at, (uint32_t)columns.n, err));
    scan->scan.columns = positions;
    scan->scan.n_columns = (uint32_t)columns.n;
    scan->scan.limit = -1;
    return vonk__an_finish_node(an, scan, ret, err);
}

/* ---- VALUES: constants only, so the rows are made now */
static vonk_status value_types(vonk_an *an, const vonk_plan *p, vonk_exprs *rows, const vonk_type **types, uint32_t n,
                               vonk_error *err)
{
    const vonk_type **column;

    VONK_TRY(vonk_arena_array(an->arena, p->n_lists + 1, sizeof(*column), &column, err));
    for (uint32_t c = 0; c < n; c++) {
        for (uint32_t r = 0; r < p->n_lists; r++) column[r] = rows[r].at[c]->type;
        VONK_TRY(vonk__an_common_type(an, column, p->n_lists, &types[c], err));
        if (types[c]) continue;
        vonk_str name;
        VONK_TRY(vonk_arena_printf(an->arena, &name, err, "col%u", c + 1));
        VONK_TRY(vonk__an_quote_parts(an, c < p->name.n_columns ? &p->name.columns[c] : &name, 1, &name, err));
        return VONK_PLAN_FAIL(p, err, VONK_E_INVALID_INLINE_TABLE__INCOMPATIBLE_TYPES_IN_INLINE_TABLE, "colName",
                              name.data);
    }
    return VONK_OK;
}

static vonk_status value_column(vonk_an *an, const vonk_plan *p, const vonk_exprs *rows, uint32_t c,
                                const vonk_type *type, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};

    VONK_TRY(vonk_builder_init(&b, an->budget, type, p->n_lists, err));
    for (uint32_t r = 0; r < p->n_lists; r++) {
        VONK_AUTO(vonk_column_unref) vonk_column *value = NULL;
        const vonk_expr *e;
        vonk_error failed = VONK_ERROR_INIT;
        const char *text;
        VONK_TRY(vonk__an_cast(an, rows[r].at[c], type, &e, err));
        if (vonk_program_fold(an->budget, an->api->env, e, &value, &failed) != VONK_OK) {
            VONK_TRY(vonk_error_forgive(&failed, err));
            VONK_TRY(vonk__an_quoted_sql(an, rows[r].at[c], &text, err));
            return VONK_PLAN_FAIL(p, err, VONK_E_INVALID_INLINE_TABLE__FAILED_SQL_EXPRESSION_EVALUATION, "sqlExpr",
                                  text);
        }
        VONK_TRY(vonk_builder_copy(&b, value, 0, err));
    }
    return vonk_builder_finish(&b, ret, err);
}

static void unref_column(void *c) { vonk_column_unref(c); }

static vonk_status value_rows(vonk_an *an, const vonk_plan *p, vonk_exprs *rows, vonk_error *err)
{
    const vonk_scope nothing = {0};

    for (uint32_t r = 0; r < p->n_lists; r++) {
        VONK_TRY(vonk__an_exprs(an, &nothing, p->lists[r].at, p->lists[r].n, &rows[r], err));
        const size_t wanted = p->name.n_columns > 0 ? p->name.n_columns : rows[0].n;
        if (rows[r].n != wanted)
            return VONK_PLAN_FAIL(p, err, VONK_E_INVALID_INLINE_TABLE__NUM_COLUMNS_MISMATCH, "expectedNumCols",
                                  VONK_F("%zu", wanted), "actualNumCols", VONK_F("%zu", rows[r].n), "rowIndex",
                                  VONK_F("%u", r));
        for (size_t c = 0; c < rows[r].n; c++) {
            const char *text;
            if (vonk_expr_is_foldable(rows[r].at[c])) continue;
            VONK_TRY(vonk__an_quoted_sql(an, rows[r].at[c], &text, err));
            return VONK_EXPR_FAIL(rows[r].at[c], err,
                                  VONK_E_INVALID_INLINE_TABLE__CANNOT_EVALUATE_EXPRESSION_IN_INLINE_TABLE, "expr",
                                  text);
        }
    }
    return VONK_OK;
}

vonk_status vonk__an_values(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                            vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    VONK_AUTO(vonk_type_unref) const vonk_type *schema = NULL;
    vonk_exprs *rows;
    const vonk_type **types;
    vonk_field *fields;
    vonk_column **columns;

    (void)outer;
    VONK_TRY(vonk_arena_array(an->arena, p->n_lists + 1, sizeof(*rows), &rows, err));
    VONK_TRY(value_rows(an, p, rows, err));
    const uint32_t n = (uint32_t)rows[0].n;
    VONK_TRY(vonk_arena_array(an->arena, n + 1, sizeof(*types), &types, err));
    VONK_TRY(vonk_arena_array(an->arena, n + 1, sizeof(*fields), &fields, err));
    VONK_TRY(vonk_arena_array(an->arena, n + 1, sizeof(*columns), &columns, err));
    VONK_TRY(value_types(an, p, rows, types, n, err));
    for (uint32_t c = 0; c < n; c++) {
        vonk_str name;
        VONK_TRY(value_column(an, p, rows, c, types[c], &columns[c], err));
        VONK_TRY(vonk_arena_on_free(an->arena, unref_column, columns[c], err));
        VONK_TRY(vonk_arena_printf(an->arena, &name, err, "col%u", c + 1));
        fields[c] = (vonk_field){.name = c < p->name.n_columns ? p->name.columns[c] : name,
                                 .type = types[c],
                                 .nullable = columns[c]->validity != NULL || types[c]->id == VONK_T_NULL};
        for (uint32_t r = 0; r < p->n_lists; r++) fields[c].nullable |= rows[r].at[c]->nullable;
    }
    VONK_TRY(vonk_type_struct(fields, n, &schema, err));
    VONK_TRY(vonk_batch_new(an->budget, p->n_lists, columns, n, &batch, err));
    const vonk_plan *local;
    VONK_TRY(vonk_pn_local(an->budget, schema, &batch, 1, &local, err));
    return vonk__an_keep_plan(an, local, ret, err);
}

/* ---- aliases */
vonk_status vonk__an_subquery_alias(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                                    vonk_error *err)
{
    const vonk_plan *child;

    VONK_TRY(vonk__an_plan(an, p->children[0], outer, &child, err));
    if (p->name.n_columns > 0) {
        if (p->name.n_columns != child->n_output)
            return VONK_PLAN_FAIL(p, err, VONK_E_ASSIGNMENT_ARITY_MISMATCH, "numExpr", VONK_F("%u", p->name.n_columns),
                                  "numTarget", VONK_F("%u", child->n_output));
        VONK_TRY(vonk__an_rename(an, child, p->name.columns, &child, err));
    }
    return vonk__an_aliased(an, child, p->name.parts, p->name.n_parts, ret, err);
}

/* ---- range(end), range(start, end [, step [, partitions]]), and generators in FROM */
static vonk_status range_argument(vonk_an *an, const vonk_expr *e, int64_t *ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *value = NULL;

    VONK_TRY(vonk__an_cast(an, e, &vonk_type_long, &e, err));
    VONK_TRY(vonk_program_fold(an->budget, an->api->env, e, &value, err));
    *ret = vonk_column_is_null(value, 0) ? 0 : vonk_column_i64(value, 0);
    return VONK_OK;
}

static vonk_status range_node(vonk_an *an, const vonk_plan *p, const vonk_exprs *args, const vonk_plan **ret,
                              vonk_error *err)
{
    int64_t n[4] = {0, 0, 1, 0};
    const vonk_expr *id;
    vonk_plan *node;

    if (args->n < 1 || args->n > 4)
        return VONK_PLAN_FAIL(p, err, VONK_E_WRONG_NUM_ARGS__WITHOUT_SUGGESTION, "functionName", "`range`",
                              "expectedNum", "[1, 2, 3, 4]", "actualNum", VONK_F("%zu", args->n), "docroot",
                              "https://spark.apache.org/docs/latest");
    for (size_t i = 0; i < args->n; i++) {
        static const char *const names[] = {"`start`", "`end`", "`step`", "`numSlices`"};
        size_t place = args->n == 1 ? 1 : i;
        if (!vonk_expr_is_foldable(args->at[i]))
            return VONK_PLAN_FAIL(p, err, VONK_E_NON_FOLDABLE_ARGUMENT, "funcName", "`range`", "paramName",
                                  names[place], "paramType", place < 3 ? "\"BIGINT\"" : "\"INT\"");
        if (args->at[i]->type->id == VONK_T_NULL)
            return VONK_PLAN_FAIL(p, err, VONK_E_UNEXPECTED_INPUT_TYPE, "functionName", "`range`", "paramIndex",
                                  VONK_ORDINAL((uint32_t)place), "requiredType", place < 3 ? "\"BIGINT\"" : "\"INT\"",
                                  "inputSql", "\"NULL\"", "inputType", "\"VOID\"");
        VONK_TRY(range_argument(an, args->at[i], &n[place], err));
    }
    if (n[2] == 0) return VONK_PLAN_FAIL(p, err, VONK_E_FAILED_FUNCTION_CALL, "funcName", "`range`");
    if (args->n == 4 && n[3] <= 0)
        return VONK_PLAN_FAIL(p, err, VONK_E_REQUIREMENT_FAILED, "requirement", "a range has at least one partition");
    VONK_TRY(vonk__an_new_column(an, p->name.n_columns == 1 ? p->name.columns[0] : VONK_STR("id"), &vonk_type_long,
                                 false, &id, err));
    VONK_TRY(vonk__an_node(an, VONK_PN_RANGE, NULL, 0, &node, err));
    node->range = (vonk_range_info){.start = n[0], .end = n[1], .step = n[2], .n_partitions = (int32_t)n[3]};
    VONK_TRY(vonk_plan_set_output(node, &id, 1, err));
    return vonk__an_finish_node(an, node, ret, err);
}

/* collection => array(1): the one argument by its name */
static const vonk_expr *named_argument(const vonk_expr *e)
{
    return e->kind == VONK_EX_NAMED_ARG && vonk_str_is_nocase(e->name, "collection") ? e->children[0] : e;
}

static vonk_status generator_node(vonk_an *an, const vonk_plan *p, const vonk_scope *scope, const vonk_plan **ret,
                                  vonk_error *err)
{
    const vonk_plan *one, *generated;
    const vonk_expr *call;
    vonk_expr *written;
    vonk_exprs out = {0}, args = {0};

    for (uint32_t i = 0; p->n_lists > 0 && i < p->lists[0].n; i++)
        VONK_TRY(VONK_AN_PUSH(an, &args, named_argument(p->lists[0].at[i]), err));
    VONK_TRY(vonk__an_one_row(an, &one, err));
    VONK_TRY(vonk__an_new(an, VONK_EX_CALL, args.at, (uint32_t)args.n, &written, err));
    VONK_TRY(vonk_expr_set_parts(written, p->name.parts, p->name.n_parts, err));
    written->n_args = (uint32_t)args.n;
    vonk_expr_set_origin(written, &p->origin);
    VONK_TRY(vonk__an_finish(an, written, &call, err));
    VONK_TRY(vonk__an_expr(an, scope, call, &call, err));
    VONK_TRY(vonk__an_make_generate(an, one, call, false, VONK_STR_NONE, p->name.columns, p->name.n_columns, &generated,
                                    err));
    for (uint32_t i = one->n_output; i < generated->n_output; i++)
        VONK_TRY(VONK_AN_PUSH(an, &out, generated->output[i], err));
    return vonk__an_project(an, generated, out.at, (uint32_t)out.n, ret, err);
}

/* sql_keywords(): the words of the grammar, but those with two spellings. None is reserved unless the session says so,
 * and then still not here. */
static const char *const keyword_texts[] = {
#define KEYWORD(word, id, reserved, strict) #word,
#define SYNONYM(word, id, reserved, strict)
#include "sql/keyword.def"
#undef KEYWORD
#undef SYNONYM
};

static vonk_status keyword_columns(vonk_an *an, vonk_column **ret_words, vonk_column **ret_reserved, vonk_error *err)
{
    VONK_AUTO(vonk_builder_done) vonk_builder words = {0}, reserved = {0};

    VONK_TRY(vonk_builder_init(&words, an->budget, &vonk_type_string, VONK_COUNTOF(keyword_texts), err));
    VONK_TRY(vonk_builder_init(&reserved, an->budget, &vonk_type_boolean, VONK_COUNTOF(keyword_texts), err));
    for (size_t i = 0; i < VONK_COUNTOF(keyword_texts); i++) {
        if (strcmp(keyword_texts[i], "RLIKE") == 0 || strcmp(keyword_texts[i], "TEMPORARY") == 0) continue;
        VONK_TRY(vonk_builder_str(&words, vonk_str_of(keyword_texts[i]), err));
        VONK_TRY(vonk_builder_bool(&reserved, false, err));
    }
    VONK_TRY(vonk_builder_finish(&words, ret_words, err));
    return vonk_builder_finish(&reserved, ret_reserved, err);
}

static vonk_status keywords_node(vonk_an *an, const vonk_plan *p, uint32_t n_args, const vonk_plan **ret,
                                 vonk_error *err)
{
    static const vonk_field fields[] = {{.name = VONK_STR("keyword"), .type = &vonk_type_string},
                                        {.name = VONK_STR("reserved"), .type = &vonk_type_boolean}};
    VONK_AUTO(vonk_column_unref) vonk_column *words = NULL, *reserved = NULL;
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    VONK_AUTO(vonk_type_unref) const vonk_type *schema = NULL;
    const vonk_plan *local;

    if (n_args > 0)
        return VONK_PLAN_FAIL(p, err, VONK_E_WRONG_NUM_ARGS__WITHOUT_SUGGESTION, "functionName", "`sql_keywords`",
                              "expectedNum", "0", "actualNum", VONK_F("%u", n_args), "docroot",
                              "https://spark.apache.org/docs/latest");
    VONK_TRY(keyword_columns(an, &words, &reserved, err));
    VONK_TRY(vonk_type_struct(fields, 2, &schema, err));
    VONK_TRY(vonk_batch_new(an->budget, words->n_rows, (vonk_column *[]){words, reserved}, 2, &batch, err));
    VONK_TRY(vonk_pn_local(an->budget, schema, &batch, 1, &local, err));
    VONK_TRY(vonk__an_keep_plan(an, local, &local, err));
    if (p->name.n_columns == local->n_output) VONK_TRY(vonk__an_rename(an, local, p->name.columns, &local, err));
    *ret = local;
    return VONK_OK;
}

vonk_status vonk__an_table_call(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                                vonk_error *err)
{
    const vonk_scope scope = {.outer = outer};
    const vonk_str name = p->name.parts[p->name.n_parts - 1];
    const vonk_fn *fn = vonk_fn_find(name);
    vonk_exprs args = {0};

    if (p->n_lists > 1 && p->lists[1].n == 1)
        return vonk__an_python_table(an, p, p->lists[1].at[0]->python, &scope, ret, err);
    VONK_AUTO(vonk_python_fn_unref)
    const vonk_python_fn *registered = fn ? NULL : vonk_catalog_find_function(an->api->catalog, name);
    if (registered && registered->role == VONK_PY_ROLE_TABLE)
        return vonk__an_python_table(an, p, registered, &scope, ret, err);
    if (fn && fn->kind == VONK_FN_GENERATOR) return generator_node(an, p, &scope, ret, err);
    if (p->n_lists > 0) VONK_TRY(vonk__an_exprs(an, &scope, p->lists[0].at, p->lists[0].n, &args, err));
    if (vonk_str_is_nocase(name, "sql_keywords")) return keywords_node(an, p, (uint32_t)args.n, ret, err);
    if (vonk_str_is_nocase(name, "range")) return range_node(an, p, &args, ret, err);
    if (registered || fn)
        return VONK_PLAN_FAIL(p, err, VONK_E_NOT_A_TABLE_FUNCTION, "functionName",
                              VONK_F("`%.*s`", VONK_STR_ARGS(name)));
    return VONK_PLAN_FAIL(p, err, VONK_E_UNRESOLVABLE_TABLE_VALUED_FUNCTION, "name",
                          VONK_F("`%.*s`", VONK_STR_ARGS(name)));
}
