/* sql/dataset.c -- columns added, renamed, dropped, reordered; duplicates dropped. */
#include "sql/dataset.h"

#include "func/coerce.h"

/* ---- withColumn(s), withColumnRenamed, drop */

static vonk_status check_different(vonk__ds *d)
{
    const vonk_expr_list *list = &d->p->lists[0];

    for (uint32_t i = 0; i < list->n; i++)
        for (uint32_t k = i + 1; k < list->n; k++)
            if (vonk__ds_same_name(d, list->at[i]->name, list->at[k]->name))
                return vonk_type_name_twice(list->at[i]->name, d->a->env->case_sensitive, d->err);
    return VONK_OK;
}

/* A new column takes the place of an old one of its name, else it goes to the end. */
static vonk_status with_columns(vonk__ds *d, const vonk_plan **ret)
{
    const vonk_expr_list *list = &d->p->lists[0];
    vonk__ds_list out = {0};
    bool *placed = NULL;

    VONK_TRY(check_different(d));
    VONK_TRY(vonk_arena_array(d->arena, list->n + 1, sizeof *placed, &placed, d->err));
    for (uint32_t c = 0; c < d->child->n_output; c++) {
        const vonk_expr *e = d->child->output[c];
        for (uint32_t i = 0; i < list->n; i++)
            if (vonk__ds_same_name(d, list->at[i]->name, d->child->output[c]->name)) {
                e = list->at[i];
                placed[i] = true;
            }
        VONK_TRY(vonk__ds_push(d, &out, e));
    }
    for (uint32_t i = 0; i < list->n; i++)
        if (!placed[i]) VONK_TRY(vonk__ds_push(d, &out, list->at[i]));
    return vonk__ds_project(d, d->child, &out, ret);
}

/* Pairs apply one after the other: a later one sees earlier names. Unknown names change nothing. */
static vonk_status rename_columns(vonk__ds *d, const vonk_plan **ret)
{
    vonk_str *names = NULL;
    vonk__ds_list out = {0};

    VONK_TRY(vonk_arena_array(d->arena, d->child->n_output + 1, sizeof *names, &names, d->err));
    for (uint32_t c = 0; c < d->child->n_output; c++) names[c] = d->child->output[c]->name;
    for (uint32_t i = 0; i + 1 < d->p->name.n_parts; i += 2)
        for (uint32_t c = 0; c < d->child->n_output; c++)
            if (vonk__ds_same_name(d, names[c], d->p->name.parts[i])) names[c] = d->p->name.parts[i + 1];
    for (uint32_t c = 0; c < d->child->n_output; c++) {
        const vonk_expr *e = d->child->output[c];
        if (!vonk_str_eq(names[c], e->name)) VONK_TRY(vonk__ds_alias(d, e, names[c], &e));
        VONK_TRY(vonk__ds_push(d, &out, e));
    }
    return vonk__ds_project(d, d->child, &out, ret);
}

/* Is this child column what a dropped column expression says? Resolved ones by id, names that resolve to nothing drop
 * nothing. */
static bool is_dropped(const vonk__ds *d, const vonk_expr *column)
{
    for (uint32_t i = 0; i < d->p->name.n_parts; i++)
        if (vonk__ds_same_name(d, d->p->name.parts[i], column->name)) return true;
    for (uint32_t i = 0; d->p->n_lists > 0 && i < d->p->lists[0].n; i++) {
        const vonk_expr *e = d->p->lists[0].at[i];
        if (e->kind == VONK_EX_COLUMN && e->id == column->id) return true;
        if (e->kind == VONK_EX_NAME && e->n_parts == 1 && vonk__ds_same_name(d, e->parts[0], column->name)) return true;
    }
    return false;
}

static vonk_status drop_columns(vonk__ds *d, const vonk_plan **ret)
{
    vonk__ds_list out = {0};

    for (uint32_t c = 0; c < d->child->n_output; c++)
        if (!is_dropped(d, d->child->output[c])) VONK_TRY(vonk__ds_push(d, &out, d->child->output[c]));
    return vonk__ds_project(d, d->child, &out, ret);
}

static vonk_status to_df(vonk__ds *d, const vonk_plan **ret)
{
    vonk__ds_list out = {0};

    if (d->p->name.n_parts != d->child->n_output)
        return VONK_FAIL(d->err, VONK_E_ASSIGNMENT_ARITY_MISMATCH, "numTarget", VONK_F("%u", d->child->n_output),
                         "numExpr", VONK_F("%u", d->p->name.n_parts));
    for (uint32_t c = 0; c < d->child->n_output; c++) {
        const vonk_expr *e = NULL;
        VONK_TRY(vonk__ds_alias(d, d->child->output[c], d->p->name.parts[c], &e));
        VONK_TRY(vonk__ds_push(d, &out, e));
    }
    return vonk__ds_project(d, d->child, &out, ret);
}

static bool has_column(const vonk__ds *d, vonk_str name)
{
    for (uint32_t c = 0; c < d->child->n_output; c++)
        if (vonk__ds_same_name(d, d->child->output[c]->name, name)) return true;
    return false;
}

static vonk_status missing_field(vonk__ds *d, const vonk_field *f, const vonk_expr **ret)
{
    const vonk_expr *null = NULL;

    VONK_TRY(vonk_ex_null(d->a->budget, f->type, &null, d->err));
    VONK_TRY(vonk__ds_keep(d, null));
    return vonk__ds_alias(d, null, f->name, ret);
}

/* ---- to(schema): columns by name, in the schema's order, stored into its types */

/* What is being fitted: an expression of a type, and where it stands (`a`.`b`). */
typedef struct fitted {
    const vonk_expr *e;
    const vonk_type *type;
    bool nullable;
    vonk_str path;
} fitted;

static vonk_status fit(vonk__ds *d, const fitted *from, const vonk_field *to, const vonk_expr **ret);

static vonk_status unknown_field(vonk__ds *d, const fitted *from, vonk_str name)
{
    vonk_str list = VONK_STR("");

    for (uint32_t i = 0; i < from->type->n_fields; i++)
        VONK_TRY(vonk_arena_printf(d->arena, &list, d->err, "%.*s%s`%.*s`", VONK_STR_ARGS(list), i ? ", " : "",
                                   VONK_STR_ARGS(from->type->fields[i].name)));
    return VONK_FAIL(d->err, VONK_E_UNRESOLVED_FIELD__WITH_SUGGESTION, "fieldName",
                     VONK_F("`%.*s`", VONK_STR_ARGS(name)), "columnPath", VONK_S(from->path), "proposal", VONK_S(list));
}

/* Raises when more than one of the fields has the name. */
static vonk_status check_one(vonk__ds *d, const vonk_field *fields, uint32_t n, vonk_str name, vonk_str path)
{
    uint32_t n_same = 0;

    for (uint32_t i = 0; i < n; i++) n_same += vonk__ds_same_name(d, fields[i].name, name);
    if (n_same <= 1) return VONK_OK;
    return VONK_FAIL(d->err, VONK_E_AMBIGUOUS_COLUMN_OR_FIELD, "name", VONK_S(path), "n", VONK_F("%u", n_same));
}

static vonk_status path_of(vonk__ds *d, vonk_str above, vonk_str name, vonk_str *ret)
{
    return vonk_arena_printf(d->arena, ret, d->err, "%.*s%s`%.*s`", VONK_STR_ARGS(above), above.len ? "." : "",
                             VONK_STR_ARGS(name));
}

/* The field of a struct for one of the schema's, by its name. */
static vonk_status fit_field(vonk__ds *d, const fitted *from, const vonk_field *to, const vonk_expr **ret)
{
    const int at = vonk_type_field_index(from->type, to->name, d->a->env->case_sensitive);
    const vonk_expr *label = NULL;
    fitted field = {0};

    VONK_TRY(path_of(d, from->path, to->name, &field.path));
    VONK_TRY(check_one(d, from->type->fields, from->type->n_fields, to->name, field.path));
    if (at < 0 && to->nullable) return missing_field(d, to, ret);
    if (at < 0) return unknown_field(d, from, to->name);
    VONK_TRY(vonk__ds_text(d, from->type->fields[at].name, &label));
    VONK_TRY(vonk__ds_node(d, VONK_EX_EXTRACT, (const vonk_expr *[]){from->e, label}, 2, &field.e));
    field.type = from->type->fields[at].type;
    field.nullable = from->type->fields[at].nullable;
    return fit(d, &field, to, ret);
}

static vonk_status fit_struct(vonk__ds *d, const fitted *from, const vonk_type *to, const vonk_expr **ret)
{
    vonk__ds_list args = {0};
    const vonk_expr *when[3] = {NULL};

    for (uint32_t i = 0; i < to->n_fields; i++) {
        const vonk_expr *e = NULL;
        VONK_TRY(vonk__ds_text(d, to->fields[i].name, &e));
        VONK_TRY(vonk__ds_push(d, &args, e));
        VONK_TRY(fit_field(d, from, &to->fields[i], &e));
        VONK_TRY(vonk__ds_push(d, &args, e));
    }
    VONK_TRY(vonk__ds_call(d, "named_struct", args.at, (uint32_t)args.n, ret));
    if (!from->nullable) return VONK_OK;
    VONK_TRY(vonk__ds_node(d, VONK_EX_IS_NULL, &from->e, 1, &when[0]));
    VONK_TRY(vonk_ex_null(d->a->budget, to, &when[1], d->err));
    VONK_TRY(vonk__ds_keep(d, when[1]));
    when[2] = *ret;
    return vonk__ds_node(d, VONK_EX_CASE, when, 3, ret);
}

/* transform(array, x -> x fitted) */
static vonk_status fit_array(vonk__ds *d, const fitted *from, const vonk_type *to, const vonk_expr **ret)
{
    const vonk_field *element = &from->type->fields[0];
    const vonk_str name = VONK_STR("x");
    const vonk_expr *body = NULL, *lambda = NULL;
    vonk_expr *made = NULL;
    fitted x = {.type = element->type, .nullable = element->nullable};

    if (element->nullable && !to->fields[0].nullable)
        return VONK_FAIL(d->err, VONK_E_NOT_NULL_CONSTRAINT_VIOLATION__ARRAY_ELEMENT, "columnPath", VONK_S(from->path));
    VONK_TRY(path_of(d, from->path, VONK_STR("element"), &x.path));
    VONK_TRY(vonk_ex_name(d->a->budget, &name, 1, -1, &x.e, d->err));
    VONK_TRY(vonk__ds_keep(d, x.e));
    VONK_TRY(fit(d, &x, &to->fields[0], &body));
    *ret = from->e;
    if (body == x.e) return VONK_OK;
    VONK_TRY(vonk_expr_new(d->a->budget, VONK_EX_LAMBDA, &body, 1, &made, d->err));
    const vonk_status status = vonk_expr_set_parts(made, &name, 1, d->err);
    if (status != VONK_OK) {
        vonk_expr_unref(made);
        return status;
    }
    VONK_TRY(vonk_expr_finish(made, &lambda, d->err));
    VONK_TRY(vonk__ds_keep(d, lambda));
    return vonk__ds_call(d, "transform", (const vonk_expr *[]){from->e, lambda}, 2, ret);
}

static vonk_status wrong_type(vonk__ds *d, vonk_str path, const vonk_type *from, const vonk_type *to)
{
    return VONK_FAIL(d->err, VONK_E_INVALID_COLUMN_OR_FIELD_DATA_TYPE, "name", VONK_S(path), "type",
                     VONK_TYPE_SQL(from), "expectedType", VONK_TYPE_SQL(to));
}

/* Keys and values are cast; fields of structs in them go by their places. */
static vonk_status check_map(vonk__ds *d, const fitted *from, const vonk_type *to)
{
    static const vonk_str names[2] = {VONK_STR("key"), VONK_STR("value")};
    vonk_str path;

    if (from->type->fields[1].nullable && !to->fields[1].nullable)
        return VONK_FAIL(d->err, VONK_E_NOT_NULL_CONSTRAINT_VIOLATION__MAP_VALUE, "columnPath", VONK_S(from->path));
    for (int i = 0; i < 2; i++) {
        VONK_TRY(path_of(d, from->path, names[i], &path));
        if (!vonk_coerce_can_store(from->type->fields[i].type, to->fields[i].type))
            return wrong_type(d, path, from->type->fields[i].type, to->fields[i].type);
    }
    return VONK_OK;
}

static vonk_status fit(vonk__ds *d, const fitted *from, const vonk_field *to, const vonk_expr **ret)
{
    const vonk_type *a = from->type, *b = to->type;

    if (from->nullable && !to->nullable)
        return VONK_FAIL(d->err, VONK_E_NULLABLE_COLUMN_OR_FIELD, "name", VONK_S(from->path));
    if (a->id == VONK_T_STRUCT && b->id == a->id) return fit_struct(d, from, b, ret);
    if (a->id == VONK_T_ARRAY && b->id == a->id) return fit_array(d, from, b, ret);
    if (a->id == VONK_T_MAP && b->id == a->id) VONK_TRY(check_map(d, from, b));
    if (!vonk_coerce_can_store(a, b)) return wrong_type(d, from->path, a, b);
    *ret = from->e;
    return vonk_type_eq(a, b) ? VONK_OK : vonk__ds_cast(d, from->e, b, ret);
}

static vonk_status to_schema(vonk__ds *d, const vonk_plan **ret)
{
    vonk__ds_list out = {0};
    vonk_field *columns = NULL;

    VONK_TRY(vonk_arena_array(d->arena, d->child->n_output + 1, sizeof *columns, &columns, d->err));
    for (uint32_t c = 0; c < d->child->n_output; c++) columns[c].name = d->child->output[c]->name;
    if (vonk_type_has(d->p->schema, VONK_T_CHAR) || vonk_type_has(d->p->schema, VONK_T_VARCHAR))
        return VONK_FAIL(d->err, VONK_E_UNSUPPORTED_CHAR_OR_VARCHAR_AS_STRING);
    for (uint32_t i = 0; i < d->p->schema->n_fields; i++) {
        const vonk_field *f = &d->p->schema->fields[i];
        const vonk_expr *e = NULL;
        if (f->nullable && !has_column(d, f->name)) {
            VONK_TRY(missing_field(d, f, &e));
        } else {
            fitted from = {0};
            VONK_TRY(path_of(d, VONK_STR(""), f->name, &from.path));
            VONK_TRY(check_one(d, columns, d->child->n_output, f->name, from.path));
            VONK_TRY(vonk__ds_column(d, f->name, &e));
            from.e = e;
            from.type = e->type;
            from.nullable = e->nullable;
            VONK_TRY(fit(d, &from, f, &e));
        }
        if (e->kind != VONK_EX_COLUMN || !vonk_str_eq(e->name, f->name)) VONK_TRY(vonk__ds_alias(d, e, f->name, &e));
        VONK_TRY(vonk__ds_push(d, &out, e));
    }
    return vonk__ds_project(d, d->child, &out, ret);
}

/* ---- dropDuplicates: the first row of each key */
/* Does a name say this column? All columns of a name are keys. */
static bool is_key(const vonk__ds *d, const vonk_expr *column)
{
    if (d->p->number) return true;
    for (uint32_t i = 0; i < d->p->name.n_parts; i++)
        if (vonk__ds_same_name(d, d->p->name.parts[i], column->name)) return true;
    return false;
}

static vonk_status check_keys(vonk__ds *d, const vonk__ds_list *keys)
{
    for (uint32_t i = 0; i < d->p->name.n_parts; i++) VONK_TRY(vonk__ds_has_column(d, d->p->name.parts[i]));
    for (size_t i = 0; i < keys->n; i++)
        if (vonk_type_has(keys->at[i]->type, VONK_T_MAP))
            return VONK_FAIL(d->err, VONK_E_UNSUPPORTED_FEATURE__SET_OPERATION_ON_MAP_TYPE, "colName",
                             VONK_F("`%.*s`", VONK_STR_ARGS(keys->at[i]->name)), "dataType",
                             VONK_TYPE_SQL(keys->at[i]->type));
    return VONK_OK;
}

/* The first row of each group; without keys all rows are one group. */
static vonk_status deduplicate(vonk__ds *d, const vonk_plan **ret)
{
    vonk__ds_list keys = {0}, out = {0};

    for (uint32_t c = 0; c < d->child->n_output; c++) {
        const vonk_expr *e = d->child->output[c], *first = NULL;
        if (is_key(d, e)) {
            VONK_TRY(vonk__ds_push(d, &keys, e));
        } else {
            VONK_TRY(vonk__ds_call(d, "first", &e, 1, &first));
            VONK_TRY(vonk__ds_alias(d, first, e->name, &e));
        }
        VONK_TRY(vonk__ds_push(d, &out, e));
    }
    VONK_TRY(check_keys(d, &keys));
    if (keys.n == d->child->n_output) {
        vonk_plan *distinct = NULL;
        VONK_TRY(vonk_plan_new(d->a->budget, VONK_PN_DISTINCT, &d->child, 1, &distinct, d->err));
        return vonk_plan_finish(distinct, ret, d->err);
    }
    if (keys.n == 0) return vonk_pn_limit(d->a->budget, d->child, 1, ret, d->err);
    return vonk_pn_aggregate(d->a->budget, d->child, keys.at, (uint32_t)keys.n, out.at, (uint32_t)out.n, ret, d->err);
}

static vonk_status rewrite(vonk__ds *d, const vonk_plan **ret)
{
    switch (d->p->kind) {
    case VONK_PN_WITH_COLUMNS: return with_columns(d, ret);
    case VONK_PN_RENAME_COLUMNS: return rename_columns(d, ret);
    case VONK_PN_DROP_COLUMNS: return drop_columns(d, ret);
    case VONK_PN_DEDUPLICATE: return deduplicate(d, ret);
    case VONK_PN_TO_DF: return to_df(d, ret);
    case VONK_PN_TO_SCHEMA: return to_schema(d, ret);
    case VONK_PN_UNPIVOT: return vonk__ds_unpivot(d, ret);
    case VONK_PN_PIVOT: return vonk__ds_pivot(d, ret);
    case VONK_PN_TRANSPOSE: return vonk__ds_transpose(d, ret);
    case VONK_PN_NA_FILL: return vonk__ds_na_fill(d, ret);
    case VONK_PN_NA_DROP: return vonk__ds_na_drop(d, ret);
    case VONK_PN_NA_REPLACE: return vonk__ds_na_replace(d, ret);
    case VONK_PN_STAT: return vonk__ds_stat(d, ret);
    default: return VONK_FAIL(d->err, VONK_E_UNSUPPORTED_FEATURE, "feature", vonk_node_name(d->p->kind));
    }
}

vonk_status vonk__sql_dataset(const vonk_analyzer *a, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;

    VONK_TRY(vonk_arena_new(a->budget, &arena, err));
    vonk__ds d = {.a = a, .arena = arena, .p = p, .child = p->children[0], .err = err};
    return rewrite(&d, ret);
}
