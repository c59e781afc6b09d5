/* sql/dataset_make.c -- short ways to make expressions inside a DataFrame rewrite. */
#include "sql/dataset.h"

static void unref_expr(void *e) { vonk_expr_unref(e); }

vonk_status vonk__ds_keep(vonk__ds *d, const vonk_expr *take_e)
{
    return vonk_arena_on_free(d->arena, unref_expr, (void *)take_e, d->err);
}
vonk_status vonk__ds_push(vonk__ds *d, vonk__ds_list *list, const vonk_expr *e)
{
    return VONK_VEC_ARENA_PUSH(list, d->arena, e, d->err);
}

vonk_status vonk__ds_call(vonk__ds *d, const char *name, const vonk_expr *const *args, uint32_t n,
                          const vonk_expr **ret)
{
    VONK_TRY(vonk_ex_call(d->a->budget, vonk_str_of(name), args, n, ret, d->err));
    return vonk__ds_keep(d, *ret);
}

static vonk_status finish(vonk__ds *d, vonk_expr *node, const vonk_expr **ret)
{
    VONK_TRY(vonk_expr_finish(node, ret, d->err));
    return vonk__ds_keep(d, *ret);
}

vonk_status vonk__ds_distinct_call(vonk__ds *d, const char *name, const vonk_expr *arg, const vonk_expr **ret)
{
    const vonk_expr *plain = NULL;
    vonk_expr *copy = NULL;

    VONK_TRY(vonk__ds_call(d, name, &arg, 1, &plain));
    VONK_TRY(vonk_expr_copy(d->a->budget, plain, NULL, 0, &copy, d->err));
    copy->flags |= VONK_EXF_DISTINCT;
    return finish(d, copy, ret);
}

vonk_status vonk__ds_node(vonk__ds *d, vonk_expr_kind kind, const vonk_expr *const *children, uint32_t n,
                          const vonk_expr **ret)
{
    vonk_expr *node = NULL;

    VONK_TRY(vonk_expr_new(d->a->budget, kind, children, n, &node, d->err));
    return finish(d, node, ret);
}

vonk_status vonk__ds_cast(vonk__ds *d, const vonk_expr *e, const vonk_type *type, const vonk_expr **ret)
{
    *ret = e;
    if (e->type && vonk_type_eq(e->type, type)) return VONK_OK;
    VONK_TRY(vonk_ex_cast(d->a->budget, e, type, d->a->env->ansi ? VONK_MODE_ANSI : VONK_MODE_LEGACY, ret, d->err));
    return vonk__ds_keep(d, *ret);
}

vonk_status vonk__ds_alias(vonk__ds *d, const vonk_expr *e, vonk_str name, const vonk_expr **ret)
{
    VONK_TRY(vonk_ex_alias(d->a->budget, e, name, ret, d->err));
    return vonk__ds_keep(d, *ret);
}

vonk_status vonk__ds_text(vonk__ds *d, vonk_str text, const vonk_expr **ret)
{
    VONK_TRY(vonk_ex_string(d->a->budget, text, ret, d->err));
    return vonk__ds_keep(d, *ret);
}

vonk_status vonk__ds_long(vonk__ds *d, int64_t value, const vonk_expr **ret)
{
    VONK_TRY(vonk_ex_int(d->a->budget, value, &vonk_type_long, ret, d->err));
    return vonk__ds_keep(d, *ret);
}

vonk_status vonk__ds_int(vonk__ds *d, int32_t value, const vonk_expr **ret)
{
    VONK_TRY(vonk_ex_int(d->a->budget, value, &vonk_type_int, ret, d->err));
    return vonk__ds_keep(d, *ret);
}

vonk_status vonk__ds_double(vonk__ds *d, double value, const vonk_expr **ret)
{
    VONK_TRY(vonk_ex_double(d->a->budget, value, ret, d->err));
    return vonk__ds_keep(d, *ret);
}

vonk_status vonk__ds_project(vonk__ds *d, const vonk_plan *child, const vonk__ds_list *list, const vonk_plan **ret)
{
    return vonk_pn_project(d->a->budget, child, list->at, (uint32_t)list->n, ret, d->err);
}

bool vonk__ds_same_name(const vonk__ds *d, vonk_str a, vonk_str b)
{
    return d->a->env->case_sensitive ? vonk_str_eq(a, b) : vonk_str_eq_nocase(a, b);
}

static vonk_status no_column(vonk__ds *d, vonk_str name)
{
    VONK_AUTO(vonk_buf_done) vonk_buf names = {0};

    vonk_buf_init(&names, d->a->budget, SIZE_MAX);
    for (uint32_t i = 0; i < d->child->n_output; i++)
        VONK_TRY(vonk_buf_printf(&names, d->err, "%s%.*s", i ? ", " : "", VONK_STR_ARGS(d->child->output[i]->name)));
    return VONK_FAIL(d->err, VONK_E_UNRESOLVED_COLUMN_AMONG_FIELD_NAMES, "colName", VONK_S(name), "fieldNames",
                     VONK_S(vonk_buf_str(&names)));
}

vonk_status vonk__ds_column(vonk__ds *d, vonk_str name, const vonk_expr **ret)
{
    *ret = NULL;
    for (uint32_t i = 0; i < d->child->n_output; i++) {
        if (!vonk__ds_same_name(d, d->child->output[i]->name, name)) continue;
        if (*ret)
            return VONK_FAIL(d->err, VONK_E_AMBIGUOUS_REFERENCE, "name", VONK_F("`%.*s`", VONK_STR_ARGS(name)),
                             "referenceNames", VONK_F("[`%.*s`, `%.*s`]", VONK_STR_ARGS(name), VONK_STR_ARGS(name)));
        *ret = d->child->output[i];
    }
    return *ret ? VONK_OK : no_column(d, name);
}

vonk_status vonk__ds_has_column(vonk__ds *d, vonk_str name)
{
    for (uint32_t i = 0; i < d->child->n_output; i++)
        if (vonk__ds_same_name(d, d->child->output[i]->name, name)) return VONK_OK;
    return no_column(d, name);
}
