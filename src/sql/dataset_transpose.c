/* sql/dataset_transpose.c -- DataFrame.transpose(): columns become rows. The rows are looked at now, because their
 * index values are the new columns' names. */
#include "sql/dataset.h"

#include "column/builder.h"
#include "func/coerce.h"

/* Column 0: the index as text; then the other columns in their common type. */
static vonk_status common_type(vonk__ds *d, const vonk__ds_list *others, const vonk_type **ret)
{
    const vonk_type *type = vonk_type_ref(others->n ? others->at[0]->type : &vonk_type_string);

    for (size_t i = 1; i < others->n; i++) {
        const vonk_type *wider = NULL;
        vonk_status status = vonk_coerce_tightest(type, others->at[i]->type, d->a->env->ansi, &wider, d->err);
        if (status == VONK_OK && !wider)
            status = VONK_FAIL(d->err, VONK_E_TRANSPOSE_NO_LEAST_COMMON_TYPE, "dt1", VONK_TYPE_SQL(type), "dt2",
                               VONK_TYPE_SQL(others->at[i]->type));
        vonk_type_unref(type);
        VONK_TRY(status);
        type = wider;
    }
    *ret = type;
    return VONK_OK;
}

static bool is_nested(const vonk_type *t)
{
    return t->id == VONK_T_ARRAY || t->id == VONK_T_MAP || t->id == VONK_T_STRUCT || t->id == VONK_T_VARIANT ||
           t->id == VONK_T_UDT;
}

static vonk_status index_column(vonk__ds *d, const vonk_expr **ret)
{
    const vonk_expr_list *given = &d->p->lists[0];

    if (given->n > 1)
        return VONK_FAIL(d->err, VONK_E_TRANSPOSE_INVALID_INDEX_COLUMN, "reason", "there is more than one");
    *ret = given->n ? given->at[0] : d->child->n_output ? d->child->output[0] : NULL;
    if (*ret && (*ret)->kind != VONK_EX_COLUMN)
        return VONK_FAIL(d->err, VONK_E_TRANSPOSE_INVALID_INDEX_COLUMN, "reason", "it is not a column of the frame");
    if (*ret && (is_nested((*ret)->type) || (*ret)->type->id == VONK_T_NULL))
        return VONK_FAIL(d->err, VONK_E_TRANSPOSE_INVALID_INDEX_COLUMN, "reason",
                         VONK_F("its type is %s, which cannot name columns", VONK_TYPE_SQL((*ret)->type)));
    return VONK_OK;
}

/* The rows in the index's order, null ones left out. */
static vonk_status run(vonk__ds *d, const vonk_expr *index, const vonk__ds_list *others, const vonk_type *type,
                       vonk_batch **ret)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *present = NULL, *sorted = NULL, *limited = NULL, *shaped = NULL;
    const int64_t most = vonk_conf_i64(d->a->conf, "spark.sql.transposeMaxValues");
    const vonk_expr *order = NULL, *is_null = NULL, *condition = NULL, *e = NULL;
    vonk__ds_list columns = {0};

    VONK_TRY(vonk__ds_node(d, VONK_EX_IS_NULL, &index, 1, &is_null));
    VONK_TRY(vonk__ds_node(d, VONK_EX_NOT, &is_null, 1, &condition));
    VONK_TRY(vonk_pn_filter(d->a->budget, d->child, condition, &present, d->err));
    VONK_TRY(vonk_ex_sort(d->a->budget, index, false, false, &order, d->err));
    VONK_TRY(vonk__ds_keep(d, order));
    VONK_TRY(vonk_pn_sort(d->a->budget, present, &order, 1, true, &sorted, d->err));
    VONK_TRY(vonk_pn_limit(d->a->budget, sorted, most + 1, &limited, d->err));
    VONK_TRY(vonk__ds_cast(d, index, &vonk_type_string, &e));
    VONK_TRY(vonk__ds_alias(d, e, VONK_STR("key"), &e));
    VONK_TRY(vonk__ds_push(d, &columns, e));
    for (size_t i = 0; i < others->n; i++) {
        VONK_TRY(vonk__ds_cast(d, others->at[i], type, &e));
        VONK_TRY(vonk__ds_alias(d, e, others->at[i]->name, &e));
        VONK_TRY(vonk__ds_push(d, &columns, e));
    }
    VONK_TRY(vonk__ds_project(d, limited, &columns, &shaped));
    VONK_TRY(d->a->run(d->a->session, shaped, ret, d->err));
    if ((*ret)->n_rows <= most) return VONK_OK;
    vonk_batch_unref(VONK_STEAL(*ret));
    return VONK_FAIL(d->err, VONK_E_TRANSPOSE_EXCEED_ROW_LIMIT, "maxValues", VONK_F("%lld", (long long)most), "config",
                     "spark.sql.transposeMaxValues");
}

/* Row `row` of all columns but the first, as one column. */
static vonk_status row_as_column(vonk__ds *d, const vonk_batch *rows, uint32_t row, const vonk_type *type,
                                 vonk_column **ret)
{
    VONK_VEC(const vonk_column *) parts = {0};
    vonk_status status = VONK_OK;

    for (uint32_t c = 1; c < rows->n_columns && status == VONK_OK; c++) {
        vonk_column *one = NULL;
        status = vonk_column_gather(d->a->budget, rows->columns[c], &row, 1, false, &one, d->err);
        if (status != VONK_OK) break;
        status = VONK_VEC_ARENA_PUSH(&parts, d->arena, one, d->err);
        if (status != VONK_OK) vonk_column_unref(one);
    }
    if (status == VONK_OK && parts.n > 0) status = vonk_column_concat(d->a->budget, parts.at, parts.n, ret, d->err);
    if (status == VONK_OK && parts.n == 0) status = vonk_column_new_nulls(d->a->budget, type, 0, ret, d->err);
    for (size_t i = 0; i < parts.n; i++) vonk_column_unref((vonk_column *)parts.at[i]);
    return status;
}

static vonk_status key_column(vonk__ds *d, const vonk__ds_list *others, vonk_column **ret)
{
    VONK_AUTO(vonk_builder_done) vonk_builder names = {0};

    VONK_TRY(vonk_builder_init(&names, d->a->budget, &vonk_type_string, 16, d->err));
    for (size_t i = 0; i < others->n; i++) VONK_TRY(vonk_builder_str(&names, others->at[i]->name, d->err));
    return vonk_builder_finish(&names, ret, d->err);
}

static vonk_status turn(vonk__ds *d, const vonk_batch *rows, const vonk__ds_list *others, const vonk_type *type,
                        vonk_field *fields, vonk_column **columns, const vonk_plan **ret)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *schema = NULL;
    VONK_AUTO(vonk_batch_unref) vonk_batch *turned = NULL;
    uint32_t n = 0;
    vonk_status status = key_column(d, others, &columns[0]);

    fields[0] = (vonk_field){.name = VONK_STR("key"), .type = &vonk_type_string};
    for (n = status == VONK_OK ? 1 : 0; status == VONK_OK && n <= rows->n_rows; n++) {
        fields[n] = (vonk_field){.name = vonk_column_str(rows->columns[0], n - 1), .type = type, .nullable = true};
        status = row_as_column(d, rows, n - 1, type, &columns[n]);
        if (status != VONK_OK) break;
    }
    if (status == VONK_OK) status = vonk_batch_new(d->a->budget, (uint32_t)others->n, columns, n, &turned, d->err);
    for (uint32_t i = 0; i < n; i++) vonk_column_unref(columns[i]);
    VONK_TRY(status);
    VONK_TRY(vonk_type_struct(fields, n, &schema, d->err));
    return vonk_pn_local(d->a->budget, schema, &turned, 1, ret, d->err);
}

vonk_status vonk__ds_transpose(vonk__ds *d, const vonk_plan **ret)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
    VONK_AUTO(vonk_batch_unref) vonk_batch *rows = NULL;
    const vonk_expr *index = NULL;
    vonk__ds_list others = {0};
    vonk_field *fields = NULL;
    vonk_column **columns = NULL;

    VONK_TRY(index_column(d, &index));
    if (!index) {
        *ret = vonk_plan_ref(d->child);
        return VONK_OK;
    }
    for (uint32_t c = 0; c < d->child->n_output; c++)
        if (d->child->output[c]->id != index->id) VONK_TRY(vonk__ds_push(d, &others, d->child->output[c]));
    VONK_TRY(common_type(d, &others, &type));
    VONK_TRY(run(d, index, &others, type, &rows));
    VONK_TRY(vonk_arena_array(d->arena, (size_t)rows->n_rows + 1, sizeof *fields, &fields, d->err));
    VONK_TRY(vonk_arena_array(d->arena, (size_t)rows->n_rows + 1, sizeof *columns, &columns, d->err));
    return turn(d, rows, &others, type, fields, columns, ret);
}
