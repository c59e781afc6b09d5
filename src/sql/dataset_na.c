/* sql/dataset_na.c -- DataFrame.na: fill, drop, replace. */
#include "sql/dataset.h"

static bool is_float(const vonk_type *t) { return t->id == VONK_T_FLOAT || t->id == VONK_T_DOUBLE; }

/* Which columns a literal can stand in for: numbers for numbers, text for text, truth for truth. */
static bool fits(const vonk_type *column, const vonk_type *literal)
{
    if (vonk_type_is_numeric(literal)) return vonk_type_is_numeric(column);
    if (vonk_type_is_stringy(literal)) return vonk_type_is_stringy(column);
    return literal->id == column->id;
}

/* Is the column one of list 0, which may be empty for all of them? A nested field there stands for no column. */
static bool chosen(const vonk__ds *d, const vonk_expr *column, uint32_t *ret_at)
{
    const vonk_expr_list *columns = &d->p->lists[0];

    *ret_at = 0;
    for (uint32_t i = 0; i < columns->n; i++)
        if (columns->at[i]->kind == VONK_EX_COLUMN && columns->at[i]->id == column->id) {
            *ret_at = i;
            return true;
        }
    return columns->n == 0;
}

/* NaN counts as missing. */
static vonk_status filled(vonk__ds *d, const vonk_expr *column, const vonk_expr *value, const vonk_expr **ret)
{
    const vonk_expr *present = column, *none = NULL;

    if (is_float(column->type)) {
        VONK_TRY(vonk_ex_null(d->a->budget, column->type, &none, d->err));
        VONK_TRY(vonk__ds_keep(d, none));
        VONK_TRY(vonk__ds_call(d, "nanvl", (const vonk_expr *[]){column, none}, 2, &present));
    }
    VONK_TRY(vonk__ds_cast(d, value, column->type, &value));
    VONK_TRY(vonk__ds_call(d, "coalesce", (const vonk_expr *[]){present, value}, 2, ret));
    return vonk__ds_alias(d, *ret, column->name, ret);
}

/* One value goes where its type fits; with a value for each column, it becomes the column's type. */
vonk_status vonk__ds_na_fill(vonk__ds *d, const vonk_plan **ret)
{
    const vonk_expr_list *values = &d->p->lists[1];
    vonk__ds_list out = {0};

    for (uint32_t c = 0; c < d->child->n_output; c++) {
        const vonk_expr *e = d->child->output[c];
        uint32_t at = 0;
        if (chosen(d, e, &at) && (values->n > 1 || fits(e->type, values->at[0]->type)))
            VONK_TRY(filled(d, e, values->at[values->n > 1 ? at : 0], &e));
        VONK_TRY(vonk__ds_push(d, &out, e));
    }
    return vonk__ds_project(d, d->child, &out, ret);
}

static vonk_status is_present(vonk__ds *d, const vonk_expr *column, const vonk_expr **ret)
{
    const vonk_expr *nan = NULL, *terms[2] = {NULL, NULL};

    VONK_TRY(vonk__ds_node(d, VONK_EX_IS_NOT_NULL, &column, 1, &terms[0]));
    *ret = terms[0];
    if (!is_float(column->type)) return VONK_OK;
    VONK_TRY(vonk__ds_call(d, "isnan", &column, 1, &nan));
    VONK_TRY(vonk__ds_node(d, VONK_EX_NOT, &nan, 1, &terms[1]));
    return vonk__ds_node(d, VONK_EX_AND, terms, 2, ret);
}

/* At least so many of the columns hold a value. */
static vonk_status enough(vonk__ds *d, const vonk__ds_list *columns, int64_t least, const vonk_expr **ret)
{
    const vonk_expr *sum = NULL, *one = NULL, *zero = NULL, *want = NULL;
    vonk__ds_list present = {0};

    for (size_t i = 0; i < columns->n; i++) {
        const vonk_expr *e = NULL;
        VONK_TRY(is_present(d, columns->at[i], &e));
        VONK_TRY(vonk__ds_push(d, &present, e));
    }
    if (least == (int64_t)present.n || least == 1) { /* more than there are: never, by the sum below */
        *ret = present.at[0];
        return present.n == 1
                   ? VONK_OK
                   : vonk__ds_node(d, least == 1 ? VONK_EX_OR : VONK_EX_AND, present.at, (uint32_t)present.n, ret);
    }
    VONK_TRY(vonk__ds_int(d, 1, &one));
    VONK_TRY(vonk__ds_int(d, 0, &zero));
    VONK_TRY(vonk__ds_int(d, (int32_t)least, &want));
    for (size_t i = 0; i < present.n; i++) {
        const vonk_expr *counted = NULL;
        VONK_TRY(vonk__ds_node(d, VONK_EX_CASE, (const vonk_expr *[]){present.at[i], one, zero}, 3, &counted));
        if (sum)
            VONK_TRY(vonk__ds_call(d, "+", (const vonk_expr *[]){sum, counted}, 2, &sum));
        else
            sum = counted;
    }
    return vonk__ds_call(d, ">=", (const vonk_expr *[]){sum, want}, 2, ret);
}

vonk_status vonk__ds_na_drop(vonk__ds *d, const vonk_plan **ret)
{
    const vonk_expr_list *named = &d->p->lists[0];
    vonk__ds_list columns = {0};
    const vonk_expr *condition = NULL;

    for (uint32_t i = 0; i < (named->n ? named->n : d->child->n_output); i++)
        VONK_TRY(vonk__ds_push(d, &columns, named->n ? named->at[i] : d->child->output[i]));
    if (columns.n == 0 || d->p->number == 0) {
        *ret = vonk_plan_ref(d->child);
        return VONK_OK;
    }
    VONK_TRY(enough(d, &columns, d->p->number < 0 ? (int64_t)columns.n : d->p->number, &condition));
    return vonk_pn_filter(d->a->budget, d->child, condition, ret, d->err);
}

/* CASE column WHEN old THEN new ... ELSE column END; null as old means missing. */
static vonk_status replaced(vonk__ds *d, const vonk_expr *column, const vonk_expr **ret)
{
    const vonk_expr_list *pairs = &d->p->lists[1];
    vonk__ds_list parts = {0};

    for (uint32_t i = 0; i + 1 < pairs->n; i += 2) {
        const vonk_expr *old = pairs->at[i], *new = pairs->at[i + 1], *hit = NULL;
        const bool old_null = vonk_column_is_null(old->value, 0), new_null = vonk_column_is_null(new->value, 0);
        if ((!old_null && !fits(column->type, old->type)) || (!new_null && !fits(column->type, new->type))) continue;
        if (old_null)
            VONK_TRY(vonk__ds_node(d, VONK_EX_IS_NULL, &column, 1, &hit));
        else
            VONK_TRY(vonk__ds_call(d, "=", (const vonk_expr *[]){column, old}, 2, &hit));
        VONK_TRY(vonk__ds_cast(d, new, column->type, &new));
        VONK_TRY(vonk__ds_push(d, &parts, hit));
        VONK_TRY(vonk__ds_push(d, &parts, new));
    }
    *ret = column;
    if (parts.n == 0) return VONK_OK;
    VONK_TRY(vonk__ds_push(d, &parts, column));
    VONK_TRY(vonk__ds_node(d, VONK_EX_CASE, parts.at, (uint32_t)parts.n, ret));
    return vonk__ds_alias(d, *ret, column->name, ret);
}

vonk_status vonk__ds_na_replace(vonk__ds *d, const vonk_plan **ret)
{
    vonk__ds_list out = {0};

    for (uint32_t c = 0; c < d->child->n_output; c++) {
        const vonk_expr *e = d->child->output[c];
        uint32_t at;
        if (chosen(d, e, &at)) VONK_TRY(replaced(d, e, &e));
        VONK_TRY(vonk__ds_push(d, &out, e));
    }
    return vonk__ds_project(d, d->child, &out, ret);
}
