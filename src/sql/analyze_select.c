/* sql/analyze_select.c -- select lists: stars, names of columns, aliases used further right, generators; then the nodes
 * that compute them. */
#include "sql/analyze.h"

/* ---- items */

static bool is_generator(const vonk_expr *e) { return e->kind == VONK_EX_FUNCTION && e->fn->kind == VONK_FN_GENERATOR; }

/* SELECT a.b names its column b. */
static vonk_status name_item(vonk_an *an, const vonk_expr *written, const vonk_expr *e, const vonk_expr **ret,
                             vonk_error *err)
{
    *ret = e;
    if (is_generator(e) || (e->kind == VONK_EX_ALIAS && e->n_parts)) return VONK_OK;
    if (written->kind == VONK_EX_NAME && e->kind != VONK_EX_COLUMN && e->kind != VONK_EX_ALIAS && written->n_parts > 1)
        return vonk__an_alias(an, e, written->parts[written->n_parts - 1], ret, err);
    if (e->kind == VONK_EX_COLUMN && e->shown.len) /* grouping_id(); an alias to the left keeps its name */
        return vonk__an_alias(an, e, written->kind == VONK_EX_NAME ? e->name : e->shown, ret, err);
    return vonk__an_named(an, e, ret, err);
}

static vonk_status resolve_items(vonk_an *an, vonk_scope *scope, const vonk_exprs *written, vonk_lateral *lateral,
                                 vonk_exprs *ret, vonk_error *err)
{
    for (size_t i = 0; i < written->n; i++) {
        const vonk_expr *e;
        VONK_TRY(vonk__an_expr(an, scope, written->at[i], &e, err));
        VONK_TRY(name_item(an, written->at[i], e, &e, err));
        if (written->at[i]->kind == VONK_EX_ALIAS && e->kind == VONK_EX_ALIAS && !e->n_parts)
            VONK_TRY(VONK_AN_PUSH(an, &lateral->aliases, e, err));
        VONK_TRY(VONK_AN_PUSH(an, ret, e, err));
    }
    return VONK_OK;
}

/* Resolves a select list; explicit aliases are visible to the items behind them. */
vonk_status vonk__an_items(vonk_an *an, vonk_scope *scope, const vonk_expr *const *list, uint32_t n, vonk_exprs *ret,
                           vonk_error *err)
{
    vonk_exprs written = {0};
    vonk_lateral lateral = {0};
    bool lateral_allowed = vonk_conf_bool(an->conf, "spark.sql.lateralColumnAlias.enableImplicitResolution");
    VONK_TRY(vonk__an_expand_stars(an, scope, list, n, &written, err));
    if (lateral_allowed) scope->lateral = &lateral;
    vonk_status st = resolve_items(an, scope, &written, &lateral, ret, err);
    scope->lateral = NULL; /* also on failure: it dies here */
    return st;
}

vonk_status vonk__an_select(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                            vonk_error *err)
{
    const vonk_plan *child;
    const vonk_plan *origin = an->origin;
    vonk_exprs items = {0};
    bool aggregates = false;
    VONK_TRY(vonk__an_plan(an, p->children[0], outer, &child, err));
    an->origin = p;
    vonk_scope scope = {.inputs = &child, .n_inputs = 1, .outer = outer};
    VONK_TRY(vonk__an_items(an, &scope, p->lists[0].at, p->lists[0].n, &items, err));
    VONK_TRY(vonk__an_expose(an, child, items.at, items.n, &child, err));
    for (size_t i = 0; i < items.n; i++) aggregates = aggregates || vonk__an_has_aggregate(items.at[i]);
    vonk_exprs no_keys = {0};
    if (aggregates)
        VONK_TRY(vonk__an_build_aggregate(an, child, &no_keys, &items, ret, err));
    else
        VONK_TRY(vonk__an_build_project(an, child, &items, ret, err));
    an->origin = origin;
    return VONK_OK;
}

/* ---- aliases to the left */

/* Which items are needed by which: by the ids of their aliases. */
typedef struct uses {
    vonk_an *an;
    vonk_ids aliases; /* of the items */
    vonk_ids used;    /* those that other items refer to */
    uint64_t self;    /* the alias that is looked at, 0: none */
    vonk_status status;
    vonk_error *err;
} uses;

static bool is_other_alias(const uses *u, const vonk_expr *e)
{
    return e->kind == VONK_EX_COLUMN && e->id != u->self && vonk_ids_has(&u->aliases, e->id);
}

static vonk_walk note_alias(const vonk_expr *e, void *arg)
{
    uses *u = arg;
    if (is_other_alias(u, e)) u->status = VONK_AN_PUSH(u->an, &u->used, e->id, u->err);
    return u->status == VONK_OK ? VONK_WALK_ON : VONK_WALK_STOP;
}

static vonk_walk stop_at_alias(const vonk_expr *e, void *arg)
{
    return is_other_alias(arg, e) ? VONK_WALK_STOP : VONK_WALK_ON;
}

static bool needs_others(uses *u, const vonk_expr *alias)
{
    u->self = alias->id;
    return !vonk_expr_walk(alias, stop_at_alias, u);
}

static vonk_status find_uses(vonk_an *an, const vonk_exprs *items, uses *ret, vonk_error *err)
{
    *ret = (uses){.an = an, .err = err};
    for (size_t i = 0; i < items->n; i++)
        if (items->at[i]->kind == VONK_EX_ALIAS) VONK_TRY(VONK_AN_PUSH(an, &ret->aliases, items->at[i]->id, err));
    vonk_ids_sort(&ret->aliases);
    for (size_t i = 0; ret->aliases.n > 0 && i < items->n; i++) {
        ret->self = items->at[i]->kind == VONK_EX_ALIAS ? items->at[i]->id : 0;
        vonk_expr_walk(items->at[i], note_alias, ret);
        VONK_TRY(ret->status);
    }
    vonk_ids_sort(&ret->used);
    return VONK_OK;
}

/* Aliases that others need and that need no others go into a projection below, until no item refers to another. */
vonk_status vonk__an_split_lateral(vonk_an *an, const vonk_plan *child, vonk_exprs *inout_items, const vonk_plan **ret,
                                   vonk_error *err)
{
    uses u;
    VONK_TRY(find_uses(an, inout_items, &u, err));
    while (u.used.n > 0) {
        vonk_exprs below = {0}, next = {0};
        for (uint32_t i = 0; i < child->n_output; i++) VONK_TRY(VONK_AN_PUSH(an, &below, child->output[i], err));
        for (size_t i = 0; i < inout_items->n; i++) {
            const vonk_expr *item = inout_items->at[i], *column = item;
            bool ready = item->kind == VONK_EX_ALIAS && vonk_ids_has(&u.used, item->id) && !needs_others(&u, item);
            if (ready) {
                VONK_TRY(VONK_AN_PUSH(an, &below, item, err));
                VONK_TRY(vonk__an_column_of(an, item, &column, err));
            }
            VONK_TRY(VONK_AN_PUSH(an, &next, column, err));
        }
        VONK_TRY(vonk__an_build_project(an, child, &below, &child, err));
        *inout_items = next;
        VONK_TRY(find_uses(an, inout_items, &u, err));
    }
    *ret = child;
    return VONK_OK;
}

/* ---- generators */

static vonk_status nested_generator(vonk_an *an, const vonk_expr *item, vonk_error *err)
{
    const char *sql;
    VONK_TRY(vonk__an_quoted_sql(an, item->kind == VONK_EX_ALIAS ? item->children[0] : item, &sql, err));
    return VONK_EXPR_FAIL(item, err, VONK_E_UNSUPPORTED_GENERATOR__NESTED_IN_EXPRESSIONS, "expression", sql);
}

static vonk_status alias_mismatch(vonk_an *an, const vonk_expr *generator, uint32_t n_columns, const vonk_str *names,
                                  uint32_t n_names, vonk_error *err)
{
    vonk_str all = VONK_STR_NONE;
    for (uint32_t i = 0; i < n_names; i++)
        VONK_TRY(vonk_arena_printf(an->arena, &all, err, "%.*s%s%.*s", VONK_STR_ARGS(all), i ? "," : "",
                                   VONK_STR_ARGS(names[i])));
    return VONK_EXPR_FAIL(generator, err, VONK_E_UDTF_ALIAS_NUMBER_MISMATCH, "aliasesSize", VONK_F("%u", n_columns),
                          "aliasesNames", VONK_S(all));
}

vonk_status vonk__an_make_generate(vonk_an *an, const vonk_plan *child, const vonk_expr *generator, bool outer,
                                   vonk_str qualifier, const vonk_str *names, uint32_t n_names, const vonk_plan **ret,
                                   vonk_error *err)
{
    const vonk_type *type = generator->type;
    vonk_plan *p;
    vonk_exprs columns = {0};
    uint32_t n = type->id == VONK_T_STRUCT ? type->n_fields : 1;
    if (n_names && n_names != n) return alias_mismatch(an, generator, n, names, n_names, err);
    size_t name_len = generator->fn ? strlen(generator->fn->name) : 0;
    bool is_outer = outer || (name_len > 6 && strcmp(generator->fn->name + name_len - 6, "_outer") == 0);
    for (uint32_t i = 0; i < n; i++) {
        const vonk_field *f = type->id == VONK_T_STRUCT ? &type->fields[i] : NULL;
        const vonk_expr *column;
        vonk_str name = n_names ? names[i] : f ? f->name : VONK_STR("col");
        bool nullable = is_outer || (f ? f->nullable : true);
        VONK_TRY(vonk__an_new_column(an, name, f ? f->type : type, nullable, &column, err));
        if (qualifier.len) VONK_TRY(vonk_expr_set_parts((vonk_expr *)column, &qualifier, 1, err));
        VONK_TRY(VONK_AN_PUSH(an, &columns, column, err));
    }
    VONK_TRY(vonk__an_node(an, VONK_PN_GENERATE, &child, 1, &p, err));
    VONK_TRY(vonk_plan_set_list(p, 0, &generator, 1, err));
    p->generate.outer = is_outer;
    VONK_TRY(vonk_plan_str(p, qualifier, &p->generate.qualifier, err));
    VONK_TRY(vonk_plan_hold_exprs(p, columns.at, n, &p->generate.generated, err));
    return vonk__an_finish_node(an, p, ret, err);
}

/* An item that is a generator becomes the columns that a GENERATE puts out; several multiply. */
static vonk_status many_names(vonk_an *an, const vonk_expr *alias, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf names = {0};
    const char *quoted;
    vonk_buf_init(&names, an->budget, SIZE_MAX);
    for (uint32_t i = 0; i < alias->n_parts; i++)
        VONK_TRY(vonk_buf_printf(&names, err, "%s%.*s", i ? ", " : "", VONK_STR_ARGS(alias->parts[i])));
    VONK_TRY(vonk_buf_add_byte(&names, 0, err));
    VONK_TRY(vonk__an_quoted_sql(an, alias->children[0], &quoted, err));
    return VONK_EXPR_FAIL(alias, err, VONK_E_MULTI_ALIAS_WITHOUT_GENERATOR, "expr", quoted, "names", names.data);
}

vonk_status vonk__an_extract_generator(vonk_an *an, const vonk_plan *child, vonk_exprs *inout_items,
                                       const vonk_plan **ret, vonk_error *err)
{
    vonk_exprs next = {0};
    *ret = child;
    for (size_t i = 0; i < inout_items->n; i++) {
        const vonk_expr *item = inout_items->at[i], *e = item->kind == VONK_EX_ALIAS ? item->children[0] : item;
        if (!is_generator(e)) {
            if (vonk_expr_has_generator(item)) return nested_generator(an, item, err);
            if (item->kind == VONK_EX_ALIAS && item->n_parts) return many_names(an, item, err);
            VONK_TRY(VONK_AN_PUSH(an, &next, item, err));
            continue;
        }
        for (uint32_t k = 0; k < e->n_children; k++)
            if (vonk_expr_has_generator(e->children[k])) return nested_generator(an, item, err);
        bool many = item->kind == VONK_EX_ALIAS && item->n_parts;
        const vonk_str *names = many ? item->parts : &item->name;
        uint32_t n_names = many ? item->n_parts : item->kind == VONK_EX_ALIAS ? 1 : 0;
        uint32_t n_before = (*ret)->n_output;
        VONK_TRY(vonk__an_make_generate(an, *ret, e, false, VONK_STR_NONE, names, n_names, ret, err));
        for (uint32_t k = 0; k < (*ret)->generate.generated.n; k++)
            VONK_TRY(VONK_AN_PUSH(an, &next, (*ret)->output[n_before + k], err));
    }
    *inout_items = next;
    return VONK_OK;
}

/* ---- the projection */

vonk_status vonk__an_build_project(vonk_an *an, const vonk_plan *child, const vonk_exprs *items, const vonk_plan **ret,
                                   vonk_error *err)
{
    vonk_exprs own = *items;
    VONK_TRY(vonk__an_split_lateral(an, child, &own, &child, err));
    VONK_TRY(vonk__an_extract_generator(an, child, &own, &child, err));
    VONK_TRY(vonk__an_extract_windows(an, child, &own, &child, err));
    return vonk__an_project(an, child, own.at, vonk_u32_of(own.n), ret, err);
}

/* LATERAL VIEW explode(a) t AS x */
vonk_status vonk__an_generate_node(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                                   vonk_error *err)
{
    const vonk_plan *child;
    const vonk_expr *e;
    VONK_TRY(vonk__an_plan(an, p->children[0], outer, &child, err));
    vonk_scope scope = {.inputs = &child, .n_inputs = 1, .outer = outer};
    VONK_TRY(vonk__an_expr(an, &scope, p->lists[0].at[0], &e, err));
    if (!is_generator(e)) {
        const vonk_expr *call = p->lists[0].at[0];
        vonk_str name = call->n_parts ? call->parts[call->n_parts - 1] : VONK_STR("expression");
        return VONK_EXPR_FAIL(e, err, VONK_E_UNSUPPORTED_GENERATOR__NOT_GENERATOR, "functionName",
                              VONK_F("`%.*s`", VONK_STR_ARGS(name)), "classCanonicalName", "expression");
    }
    return vonk__an_make_generate(an, child, e, p->generate.outer, p->generate.qualifier, p->generate.columns,
                                  p->generate.n_columns, ret, err);
}
