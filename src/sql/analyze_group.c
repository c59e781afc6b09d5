/* sql/analyze_group.c -- GROUP BY: ordinals, aliases, ALL; grouping sets as EXPAND below the aggregate; columns that
 * are neither grouped nor aggregated. */
#include "sql/analyze.h"

bool vonk__an_is_aggregate(const vonk_expr *e)
{
    return (e->kind == VONK_EX_FUNCTION && e->fn->kind == VONK_FN_AGGREGATE) ||
           (e->kind == VONK_EX_PYTHON && e->python->role == VONK_PY_ROLE_AGGREGATE);
}

bool vonk__an_has_aggregate(const vonk_expr *e)
{
    if (vonk__an_is_aggregate(e)) return true;
    uint32_t from = 0;
    if (e->kind == VONK_EX_WINDOW) { /* its own function is none, the arguments may be */
        for (uint32_t i = 0; i < e->children[0]->n_children; i++)
            if (vonk__an_has_aggregate(e->children[0]->children[i])) return true;
        from = 1;
    }
    for (uint32_t i = from; i < e->n_children; i++)
        if (vonk__an_has_aggregate(e->children[i])) return true;
    return false;
}

/* ---- replacing by equality, outer parts first */

static bool is_typed_otherwise(const vonk_expr *const *children, const vonk_expr *e)
{
    for (uint32_t i = 0; i < e->n_children; i++)
        if (children[i]->nullable != e->children[i]->nullable ||
            !vonk_type_eq_exact(children[i]->type, e->children[i]->type))
            return true;
    return false;
}

static vonk_status replace(vonk_an *an, const vonk_expr *e, const vonk_exprs *from, const vonk_exprs *to,
                           bool in_aggregates, const vonk_expr **ret, vonk_error *err)
{
    for (size_t i = 0; i < from->n; i++)
        if (vonk_expr_same(e, from->at[i])) {
            *ret = to->at[i];
            return VONK_OK;
        }
    *ret = e;
    if (e->n_children == 0 || (!in_aggregates && vonk__an_is_aggregate(e))) return VONK_OK;
    const vonk_expr **children;
    bool changed = false;
    VONK_TRY(vonk_arena_array(an->arena, e->n_children, sizeof(*children), &children, err));
    for (uint32_t i = 0; i < e->n_children; i++) {
        bool own_function = e->kind == VONK_EX_WINDOW && i == 0;
        VONK_TRY(replace(an, e->children[i], from, to, in_aggregates || own_function, &children[i], err));
        changed = changed || children[i] != e->children[i];
    }
    if (!changed) return VONK_OK;
    vonk_expr *copy;
    const vonk_expr *typed;
    VONK_TRY(vonk__an_copy(an, e, children, e->n_children, &copy, err));
    VONK_TRY(vonk__an_finish(an, copy, ret, err));
    /* A grouping column may be null where its expression is not: so may be what is made of it. */
    if (e->kind != VONK_EX_FUNCTION || !is_typed_otherwise(children, e)) return VONK_OK;
    VONK_TRY(vonk_ex_resolve_function(an->budget, an->api->env, *ret, &typed, err));
    return vonk__an_keep(an, typed, ret, err);
}

vonk_status vonk__an_replace(vonk_an *an, const vonk_expr *e, const vonk_exprs *from, const vonk_exprs *to,
                             const vonk_expr **ret, vonk_error *err)
{
    return replace(an, e, from, to, true, ret, err);
}

/* ---- grouping expressions */

static vonk_status no_aggregate_in_key(vonk_an *an, const vonk_expr *key, const vonk_expr *written, vonk_error *err)
{
    const char *sql;
    vonk_str text;
    if (vonk__an_has_aggregate(key)) {
        VONK_TRY(vonk__an_sql(an, key, &text, err));
        return VONK_EXPR_FAIL(written, err, VONK_E_GROUP_BY_AGGREGATE, "sqlExpr", VONK_S(text));
    }
    if (key->type->id == VONK_T_NULL || vonk_type_is_orderable(key->type)) return VONK_OK;
    if (key->type->id == VONK_T_MAP) return VONK_OK; /* grouped by its entries */
    VONK_TRY(vonk__an_quoted_sql(an, key, &sql, err));
    return VONK_EXPR_FAIL(written, err, VONK_E_GROUP_EXPRESSION_TYPE_IS_NOT_ORDERABLE, "sqlExpr", sql, "dataType",
                          VONK_TYPE_SQL(key->type));
}

static bool is_ordinal(const vonk_an *an, const vonk_expr *e, int64_t *ret)
{
    if (e->kind != VONK_EX_LITERAL || e->type->id != VONK_T_INT || vonk_column_is_null(e->value, 0)) return false;
    *ret = vonk_column_i64(e->value, 0);
    return vonk_conf_bool(an->conf, "spark.sql.groupByOrdinal");
}

static vonk_status aggregate_at(vonk_an *an, const vonk_expr *item, const vonk_expr *e, int64_t ordinal,
                                const vonk_expr *written, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf name = {0};
    vonk_str text;
    vonk_buf_init(&name, an->budget, SIZE_MAX);
    VONK_TRY(vonk__an_sql(an, e, &text, err));
    VONK_TRY(vonk_type_quote_name(item->kind == VONK_EX_ALIAS ? item->name : text, &name, err));
    return VONK_EXPR_FAIL(written, err, VONK_E_GROUP_BY_POS_AGGREGATE, "index", VONK_F("%lld", (long long)ordinal),
                          "aggExpr", VONK_F("%.*s AS %.*s", VONK_STR_ARGS(text), VONK_STR_ARGS(vonk_buf_str(&name))));
}

static vonk_status ordinal_key(vonk_an *an, vonk_scope *scope, const vonk_exprs *items, int64_t ordinal,
                               const vonk_expr *written, const vonk_expr **ret, vonk_error *err)
{
    if (ordinal < 1 || (uint64_t)ordinal > items->n)
        return VONK_EXPR_FAIL(written, err, VONK_E_GROUP_BY_POS_OUT_OF_RANGE, "index",
                              VONK_F("%lld", (long long)ordinal), "size", VONK_F("%zu", items->n));
    const vonk_expr *item, *e;
    VONK_TRY(vonk__an_expr(an, scope, items->at[ordinal - 1], &item, err));
    for (e = item; e->kind == VONK_EX_ALIAS;) e = e->children[0];
    *ret = e;
    return vonk__an_has_aggregate(e) ? aggregate_at(an, item, e, ordinal, written, err) : VONK_OK;
}

static vonk_status resolve_key(vonk_an *an, vonk_scope *scope, const vonk_exprs *items, const vonk_expr *written,
                               const vonk_expr **ret, vonk_error *err)
{
    int64_t ordinal;
    const vonk_expr *e;
    if (is_ordinal(an, written, &ordinal)) return ordinal_key(an, scope, items, ordinal, written, ret, err);
    scope->items = vonk_conf_bool(an->conf, "spark.sql.groupByAliases") ? items : NULL;
    VONK_TRY(vonk__an_expr(an, scope, written, &e, err));
    scope->items = NULL;
    while (e->kind == VONK_EX_ALIAS) e = e->children[0];
    *ret = e;
    return no_aggregate_in_key(an, e, written, err);
}

/* GROUP BY ALL: the word names no column. */
static vonk_status is_group_by_all(vonk_an *an, const vonk_plan *p, const vonk_plan *child, bool *ret, vonk_error *err)
{
    *ret = p->group.by_all;
    if (*ret || p->lists[0].n != 1 || p->group.kind != VONK_GROUP_BY) return VONK_OK;
    const vonk_expr *key = p->lists[0].at[0], *found;
    if (key->kind != VONK_EX_NAME || key->n_parts != 1 || !vonk_str_is_nocase(key->parts[0], "all")) return VONK_OK;
    VONK_TRY(vonk__an_lookup(an, &child, 1, key, &found, err));
    *ret = found == NULL;
    return VONK_OK;
}

static vonk_walk find_free_column(const vonk_expr *e, void *arg)
{
    if (vonk__an_is_aggregate(e)) return VONK_WALK_SKIP;
    if (e->kind == VONK_EX_COLUMN && !vonk_expr_has(e, VONK_EXF_OUTER)) *(bool *)arg = true;
    return VONK_WALK_ON;
}

/* All items without aggregates are grouping expressions. */
static vonk_status keys_of_all(vonk_an *an, const vonk_plan *p, const vonk_exprs *items, vonk_exprs *ret,
                               vonk_error *err)
{
    for (size_t i = 0; i < items->n; i++) {
        const vonk_expr *e = items->at[i];
        bool free_column = false;
        while (e->kind == VONK_EX_ALIAS) e = e->children[0];
        if (vonk__an_has_aggregate(e)) {
            vonk_expr_walk(e, find_free_column, &free_column);
            if (free_column) return VONK_PLAN_FAIL(p, err, VONK_E_UNRESOLVED_ALL_IN_GROUP_BY);
            continue;
        }
        VONK_TRY(VONK_AN_PUSH(an, ret, e, err));
    }
    return VONK_OK;
}

/* ---- grouping sets */

typedef struct set_list {
    uint64_t *masks; /* bit i: key i is grouped by */
    uint32_t n;
    bool repeats;
} set_list;

enum { MOST_KEYS = 64 };

static vonk_status too_many_keys(int most, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_GROUPING_SIZE_LIMIT_EXCEEDED, "maxSize", VONK_F("%d", most));
}

/* The place of a key, which is a new one unless an equal one is there. */
static vonk_status place_of_key(vonk_an *an, const vonk_expr *key, vonk_exprs *keys, uint32_t *ret, vonk_error *err)
{
    uint32_t at = 0;
    while (at < keys->n && !vonk_expr_same(keys->at[at], key)) at++;
    *ret = at;
    if (at < keys->n) return VONK_OK;
    return at == MOST_KEYS ? too_many_keys(MOST_KEYS, err) : VONK_AN_PUSH(an, keys, key, err);
}

/* Expressions of a set need not be among those after GROUP BY. */
static vonk_status mask_of_set(vonk_an *an, vonk_scope *scope, const vonk_exprs *items, const vonk_expr_list *set,
                               vonk_exprs *keys, uint64_t *ret, vonk_error *err)
{
    *ret = 0;
    for (uint32_t i = 0; i < set->n; i++) {
        const vonk_expr *key;
        uint32_t at;
        VONK_TRY(resolve_key(an, scope, items, set->at[i], &key, err));
        VONK_TRY(place_of_key(an, key, keys, &at, err));
        *ret |= UINT64_C(1) << at;
    }
    return VONK_OK;
}

/* The keys of those of the given expressions that `chosen` says. */
static uint64_t mask_of_chosen(const uint32_t *places, uint32_t n, uint64_t chosen)
{
    uint64_t mask = 0;
    for (uint32_t i = 0; i < n; i++)
        if (chosen >> i & 1) mask |= UINT64_C(1) << places[i];
    return mask;
}

static vonk_status masks_of_kind(vonk_an *an, const vonk_plan *p, const uint32_t *places, uint32_t n, set_list *ret,
                                 vonk_error *err)
{
    uint64_t all = n == 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
    if (p->group.kind == VONK_GROUP_ROLLUP) {
        VONK_TRY(vonk_arena_array(an->arena, n + 1, sizeof(*ret->masks), &ret->masks, err));
        for (uint32_t k = n + 1; k-- > 0;) ret->masks[ret->n++] = mask_of_chosen(places, k, all);
        return VONK_OK;
    }
    if (n > 16) return too_many_keys(16, err);
    VONK_TRY(vonk_arena_array(an->arena, (size_t)1 << n, sizeof(*ret->masks), &ret->masks, err));
    for (int size = (int)n; size >= 0; size--)
        for (uint64_t chosen = 0; chosen <= all; chosen++)
            if (__builtin_popcountll(chosen) == size) ret->masks[ret->n++] = mask_of_chosen(places, n, chosen);
    return VONK_OK;
}

static vonk_status masks_of_sets(vonk_an *an, vonk_scope *scope, const vonk_plan *p, const vonk_exprs *items,
                                 vonk_exprs *keys, set_list *ret, vonk_error *err)
{
    VONK_TRY(vonk_arena_array(an->arena, p->group.n_sets, sizeof(*ret->masks), &ret->masks, err));
    for (; ret->n < p->group.n_sets; ret->n++)
        VONK_TRY(mask_of_set(an, scope, items, &p->group.sets[ret->n], keys, &ret->masks[ret->n], err));
    return VONK_OK;
}

/* The sets, and the keys of all of them: the expressions after GROUP BY, then those that only sets have. */
static vonk_status grouping_masks(vonk_an *an, vonk_scope *scope, const vonk_plan *p, const vonk_exprs *items,
                                  const vonk_exprs *given, vonk_exprs *keys, set_list *ret, vonk_error *err)
{
    uint32_t *places;
    *ret = (set_list){0};
    if (given->n > MOST_KEYS) return too_many_keys(MOST_KEYS, err);
    VONK_TRY(vonk_arena_array(an->arena, given->n + 1, sizeof(*places), &places, err));
    for (size_t i = 0; i < given->n; i++) VONK_TRY(place_of_key(an, given->at[i], keys, &places[i], err));
    if (p->group.kind == VONK_GROUP_SETS)
        VONK_TRY(masks_of_sets(an, scope, p, items, keys, ret, err));
    else
        VONK_TRY(masks_of_kind(an, p, places, vonk_u32_of(given->n), ret, err));
    for (uint32_t i = 0; i < ret->n; i++)
        for (uint32_t k = 0; k < i; k++) ret->repeats = ret->repeats || ret->masks[i] == ret->masks[k];
    return VONK_OK;
}

static vonk_str key_name(const vonk_expr *key) { return key->kind == VONK_EX_COLUMN ? key->name : VONK_STR_NONE; }

/* The columns that EXPAND adds: the keys, nullable unless all sets have them, and the set's number. */
static vonk_status grouping_columns(vonk_an *an, const set_list *sets, vonk_grouping_sets *g, vonk_error *err)
{
    uint64_t everywhere = UINT64_MAX;
    for (uint32_t i = 0; i < sets->n; i++) everywhere &= sets->masks[i];
    for (size_t i = 0; i < g->keys.n; i++) {
        const vonk_expr *key = g->keys.at[i], *column;
        bool nullable = key->nullable || (everywhere >> i & 1) == 0;
        vonk_str name = key_name(key);
        if (!name.data) VONK_TRY(vonk__an_sql(an, key, &name, err));
        VONK_TRY(vonk__an_new_column(an, name, key->type, nullable, &column, err));
        if (key->n_parts && key->kind == VONK_EX_COLUMN)
            VONK_TRY(vonk_expr_set_parts((vonk_expr *)column, key->parts, key->n_parts, err));
        VONK_TRY(VONK_AN_PUSH(an, &g->columns, column, err));
    }
    return vonk__an_new_column(an, VONK_STR("spark_grouping_id"), &vonk_type_long, false, &g->id, err);
}

static vonk_status expand(vonk_an *an, const vonk_plan *child, const vonk_grouping_sets *g, const set_list *sets,
                          const vonk_expr **ret_position, const vonk_plan **ret, vonk_error *err)
{
    vonk_exprs output = {0};
    vonk_plan *p;
    uint32_t n = vonk_u32_of(g->keys.n);
    *ret_position = NULL;
    for (uint32_t i = 0; i < child->n_output; i++) VONK_TRY(VONK_AN_PUSH(an, &output, child->output[i], err));
    for (uint32_t i = 0; i < n; i++) VONK_TRY(VONK_AN_PUSH(an, &output, g->columns.at[i], err));
    VONK_TRY(VONK_AN_PUSH(an, &output, g->id, err));
    if (sets->repeats) {
        VONK_TRY(vonk__an_new_column(an, VONK_STR("_gen_grouping_pos"), &vonk_type_long, false, ret_position, err));
        VONK_TRY(VONK_AN_PUSH(an, &output, *ret_position, err));
    }
    VONK_TRY(vonk__an_node(an, VONK_PN_EXPAND, &child, 1, &p, err));
    for (uint32_t s = 0; s < sets->n; s++) {
        vonk_exprs list = {0};
        const vonk_expr *e;
        uint64_t id = 0;
        for (uint32_t i = 0; i < child->n_output; i++) VONK_TRY(VONK_AN_PUSH(an, &list, child->output[i], err));
        for (uint32_t i = 0; i < n; i++) {
            bool in = (sets->masks[s] >> i & 1) != 0;
            e = g->keys.at[i];
            if (!in) VONK_TRY(vonk__an_null(an, e->type, &e, err));
            if (!in) id |= UINT64_C(1) << (n - 1 - i);
            VONK_TRY(VONK_AN_PUSH(an, &list, e, err));
        }
        VONK_TRY(vonk__an_int(an, (int64_t)id, &vonk_type_long, &e, err));
        VONK_TRY(VONK_AN_PUSH(an, &list, e, err));
        if (sets->repeats) {
            VONK_TRY(vonk__an_int(an, (int64_t)s, &vonk_type_long, &e, err));
            VONK_TRY(VONK_AN_PUSH(an, &list, e, err));
        }
        VONK_TRY(vonk_plan_set_list(p, s, list.at, vonk_u32_of(list.n), err));
    }
    VONK_TRY(vonk_plan_set_output(p, output.at, vonk_u32_of(output.n), err));
    return vonk__an_finish_node(an, p, ret, err);
}

/* ---- grouping(a), grouping_id(a, b) */

bool vonk__an_is_grouping_call(const vonk_expr *call)
{
    return call->n_parts == 1 &&
           (vonk_str_is_nocase(call->parts[0], "grouping") || vonk_str_is_nocase(call->parts[0], "grouping_id"));
}

static vonk_status shown_as(vonk_an *an, const vonk_expr *e, vonk_str shown, const vonk_expr **ret, vonk_error *err)
{
    vonk_expr *copy;
    VONK_TRY(vonk__an_copy(an, e, NULL, 0, &copy, err));
    VONK_TRY(vonk_expr_set_shown(copy, shown, err));
    return vonk__an_finish(an, copy, ret, err);
}

/* As plans show columns: k#1,t#2 */
static vonk_status with_ids(vonk_an *an, const vonk_expr *const *exprs, size_t n, vonk_str *ret, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf list = {0};
    vonk_buf_init(&list, an->budget, SIZE_MAX);
    for (size_t i = 0; i < n; i++) {
        if (i) VONK_TRY(vonk_buf_add_byte(&list, ',', err));
        VONK_TRY(vonk_expr_sql(exprs[i], &list, err));
        if (exprs[i]->kind == VONK_EX_COLUMN)
            VONK_TRY(vonk_buf_printf(&list, err, "#%llu", (unsigned long long)exprs[i]->id));
    }
    return vonk_arena_str(an->arena, vonk_buf_str(&list), ret, err);
}

static vonk_status grouping_of_one(vonk_an *an, const vonk_grouping_sets *g, const vonk_expr *id, const vonk_expr *call,
                                   const vonk_expr *arg, const vonk_expr **ret, vonk_error *err)
{
    size_t n = g->keys.n, at = 0;
    const vonk_expr *args[2] = {id}, *e;
    vonk_str text;
    while (at < n && !vonk_expr_same(g->keys.at[at], arg)) at++;
    if (at == n) {
        vonk_str given, keys;
        VONK_TRY(with_ids(an, &arg, 1, &given, err));
        VONK_TRY(with_ids(an, g->keys.at, n, &keys, err));
        return VONK_FAIL(err, VONK_E_GROUPING_COLUMN_MISMATCH, "grouping", given.data, "groupingColumns", keys.data);
    }
    VONK_TRY(vonk__an_int(an, (int64_t)(n - 1 - at), &vonk_type_int, &args[1], err));
    VONK_TRY(vonk__an_call(an, "shiftright", args, 2, call, &args[0], err));
    VONK_TRY(vonk__an_int(an, 1, &vonk_type_long, &args[1], err));
    VONK_TRY(vonk__an_call(an, "&", args, 2, call, &e, err));
    VONK_TRY(vonk__an_cast(an, e, &vonk_type_byte, &e, err));
    VONK_TRY(vonk__an_sql(an, arg, &text, err));
    VONK_TRY(vonk_arena_printf(an->arena, &text, err, "grouping(%.*s)", VONK_STR_ARGS(text)));
    return shown_as(an, e, text, ret, err);
}

static vonk_status not_the_keys(vonk_an *an, const vonk_grouping_sets *g, const vonk_exprs *args, vonk_error *err)
{
    vonk_str given, keys;
    VONK_TRY(with_ids(an, args->at, args->n, &given, err));
    VONK_TRY(with_ids(an, g->keys.at, g->keys.n, &keys, err));
    return VONK_FAIL(err, VONK_E_GROUPING_ID_COLUMN_MISMATCH, "groupingIdColumn", given.data, "groupByColumns",
                     keys.data);
}

vonk_status vonk__an_hive_grouping_id(vonk_an *an, const vonk_scope *scope, const vonk_expr *name,
                                      const vonk_expr **ret, vonk_error *err)
{
    if (!scope->grouping || name->n_parts != 1 || !vonk_str_is_nocase(name->parts[0], "grouping__id")) return VONK_OK;
    const vonk_expr *id = scope->grouping->id;
    if (scope->above) VONK_TRY(vonk__an_above_grouping_id(an, scope->above, id, &id, err));
    return shown_as(an, id, VONK_STR("grouping__id"), ret, err);
}

vonk_status vonk__an_grouping_call(vonk_an *an, const vonk_scope *scope, const vonk_expr *call, const vonk_expr **ret,
                                   vonk_error *err)
{
    const vonk_grouping_sets *g = scope->grouping;
    const vonk_plan *below;
    const vonk_expr *id = g->id;
    vonk_exprs args = {0};
    vonk_scope inner = *scope;
    VONK_AUTO(vonk_buf_done) vonk_buf shown = {0};
    vonk_buf_init(&shown, an->budget, SIZE_MAX);
    if (scope->above) {
        below = vonk__an_below_aggregate(scope->above->sets);
        inner.inputs = &below;
        inner.above = NULL;
        VONK_TRY(vonk__an_above_grouping_id(an, scope->above, g->id, &id, err));
    }
    VONK_TRY(vonk__an_exprs(an, &inner, call->children, call->n_args, &args, err));
    if (vonk_str_is_nocase(call->parts[0], "grouping")) {
        if (args.n != 1)
            return VONK_EXPR_FAIL(call, err, VONK_E_WRONG_NUM_ARGS__WITHOUT_SUGGESTION, "functionName", "`grouping`",
                                  "expectedNum", "1", "actualNum", VONK_F("%zu", args.n), "docroot",
                                  "https://spark.apache.org/docs/latest");
        return grouping_of_one(an, g, id, call, args.at[0], ret, err);
    }
    bool fits = args.n == 0 || args.n == g->keys.n;
    for (size_t i = 0; i < args.n && fits; i++) fits = vonk_expr_same(args.at[i], g->keys.at[i]);
    VONK_TRY(vonk_buf_add_c(&shown, "grouping_id(", err));
    for (size_t i = 0; i < args.n; i++) {
        vonk_str text;
        VONK_TRY(vonk__an_sql(an, args.at[i], &text, err));
        VONK_TRY(vonk_buf_printf(&shown, err, "%s%.*s", i ? ", " : "", VONK_STR_ARGS(text)));
    }
    VONK_TRY(vonk_buf_add_byte(&shown, ')', err));
    if (!fits) return not_the_keys(an, g, &args, err);
    return shown_as(an, id, vonk_buf_str(&shown), ret, err);
}

/* ---- checking and building */

typedef struct key_check {
    vonk_an *an;
    const vonk_exprs *keys;
    const vonk_expr *missing;
} key_check;

static vonk_walk check_grouped(const vonk_expr *e, void *arg)
{
    key_check *c = arg;
    for (size_t i = 0; i < c->keys->n; i++)
        if (vonk_expr_same(e, c->keys->at[i])) return VONK_WALK_SKIP;
    if (vonk__an_is_aggregate(e)) return VONK_WALK_SKIP;
    if (e->kind == VONK_EX_WINDOW) {
        bool fine = true;
        for (uint32_t i = 0; i < e->children[0]->n_children && fine; i++)
            fine = vonk_expr_walk(e->children[0]->children[i], check_grouped, c);
        for (uint32_t i = 1; i < e->n_children && fine; i++) fine = vonk_expr_walk(e->children[i], check_grouped, c);
        return fine ? VONK_WALK_SKIP : VONK_WALK_STOP;
    }
    if (e->kind != VONK_EX_COLUMN || vonk_expr_has(e, VONK_EXF_OUTER)) return VONK_WALK_ON;
    c->missing = e;
    return VONK_WALK_STOP;
}

/* A scalar subquery over columns of the input is possible only as a grouping expression or inside an aggregate
 * function. */
static vonk_status check_subqueries(vonk_an *an, const vonk_plan *child, const vonk_exprs *keys, const vonk_expr *e,
                                    vonk_error *err)
{
    for (size_t i = 0; i < keys->n; i++)
        if (vonk_expr_same(e, keys->at[i])) return VONK_OK;
    if (vonk__an_is_aggregate(e)) return VONK_OK;
    if (e->kind == VONK_EX_SUBQUERY) {
        vonk_exprs outer = {0};
        const char *sql;
        VONK_TRY(vonk__an_outer_columns(an, e->plan, &child, 1, &outer, err));
        if (outer.n == 0) return VONK_OK;
        VONK_TRY(vonk__an_quoted_sql(an, e, &sql, err));
        return e->sub_kind == VONK_SUB_SCALAR
                   ? VONK_EXPR_FAIL(e, err, VONK_E_SCALAR_SUBQUERY_IS_IN_GROUP_BY_OR_AGGREGATE_FUNCTION, "sqlExpr", sql)
                   : VONK_EXPR_FAIL(e, err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                                    "a correlated IN or EXISTS in the select list of an aggregation");
    }
    for (uint32_t i = 0; i < e->n_children; i++) VONK_TRY(check_subqueries(an, child, keys, e->children[i], err));
    return VONK_OK;
}

static vonk_status check_items(vonk_an *an, const vonk_plan *child, const vonk_exprs *keys, const vonk_exprs *items,
                               const vonk_plan *origin, vonk_error *err)
{
    for (size_t i = 0; i < items->n; i++) {
        key_check c = {an, keys, NULL};
        const char *sql;
        if (vonk_expr_contains(items->at[i], VONK_EX_SUBQUERY))
            VONK_TRY(check_subqueries(an, child, keys, items->at[i], err));
        if (vonk_expr_walk(items->at[i], check_grouped, &c)) continue;
        if (!vonk_plan_has_column(child, c.missing->id)) continue; /* an alias to the left */
        if (keys->n == 0)
            return origin ? VONK_PLAN_FAIL(origin, err, VONK_E_MISSING_GROUP_BY)
                          : VONK_FAIL(err, VONK_E_MISSING_GROUP_BY);
        VONK_TRY(vonk__an_quoted_sql(an, c.missing, &sql, err));
        return VONK_FAIL(err, VONK_E_MISSING_AGGREGATION, "expression", sql, "expressionAnyValue",
                         VONK_F("\"any_value(%.*s)\"", (int)strlen(sql) - 2, sql + 1));
    }
    return VONK_OK;
}

typedef struct other_order {
    const vonk_exprs *keys;
    bool found;
} other_order;

static vonk_walk find_other_order(const vonk_expr *e, void *arg)
{
    other_order *o = arg;
    for (size_t i = 0; i < o->keys->n; i++)
        if (vonk_expr_same(e, o->keys->at[i])) {
            o->found = !vonk_expr_equal(e, o->keys->at[i]);
            return o->found ? VONK_WALK_STOP : VONK_WALK_SKIP;
        }
    return vonk__an_is_aggregate(e) ? VONK_WALK_SKIP : VONK_WALK_ON;
}

/* b + a, where rows are grouped by a + b: items have the keys as these are written. */
static vonk_status as_keys(vonk_an *an, const vonk_exprs *keys, vonk_exprs *inout_items, vonk_error *err)
{
    for (size_t i = 0; i < inout_items->n; i++) {
        other_order o = {.keys = keys};
        const vonk_expr **item = &inout_items->at[i];
        vonk_expr_walk(*item, find_other_order, &o);
        if (!o.found) continue;
        VONK_TRY(vonk__an_named(an, *item, item, err));
        VONK_TRY(replace(an, *item, keys, keys, false, item, err));
    }
    return VONK_OK;
}

typedef struct parts {
    vonk_an *an;
    const vonk_exprs *keys;
    vonk_exprs from, to; /* an expression of the aggregate, and its output column */
    vonk_exprs outputs;
} parts;

static vonk_status add_part(parts *s, const vonk_expr *e, vonk_error *err)
{
    const vonk_expr *named, *column;
    for (size_t i = 0; i < s->from.n; i++)
        if (vonk_expr_equal(s->from.at[i], e)) return VONK_OK;
    VONK_TRY(vonk__an_named(s->an, e, &named, err));
    VONK_TRY(vonk__an_column_of(s->an, named, &column, err));
    VONK_TRY(VONK_AN_PUSH(s->an, &s->from, e, err));
    VONK_TRY(VONK_AN_PUSH(s->an, &s->to, column, err));
    return VONK_AN_PUSH(s->an, &s->outputs, named, err);
}

/* Aggregate functions and grouping expressions inside e, as large as possible. */
static vonk_status collect_parts(parts *s, const vonk_expr *e, vonk_error *err)
{
    for (size_t i = 0; i < s->keys->n; i++)
        if (vonk_expr_equal(e, s->keys->at[i])) return add_part(s, e, err);
    if (vonk__an_is_aggregate(e)) return add_part(s, e, err);
    uint32_t from = 0;
    if (e->kind == VONK_EX_WINDOW) {
        const vonk_expr *function = e->children[0];
        for (uint32_t i = 0; i < function->n_children; i++) VONK_TRY(collect_parts(s, function->children[i], err));
        from = 1;
    }
    for (uint32_t i = from; i < e->n_children; i++) VONK_TRY(collect_parts(s, e->children[i], err));
    return VONK_OK;
}

typedef struct foreign_search {
    const vonk_plan *child;
    bool found;
} foreign_search;

static vonk_walk find_foreign(const vonk_expr *e, void *arg)
{
    foreign_search *s = arg;
    if (e->kind == VONK_EX_COLUMN && !vonk_expr_has(e, VONK_EXF_OUTER) && !vonk_plan_has_column(s->child, e->id))
        s->found = true;
    return s->found ? VONK_WALK_STOP : VONK_WALK_ON;
}

/* Window functions and generators see the groups that HAVING leaves. */
static bool is_computed_later(const vonk_expr *e) { return vonk_expr_has_window(e) || vonk_expr_has_generator(e); }

/* Does an item need more than one aggregate node: windows, generators, subqueries, aliases to the left? */
static bool needs_projection(const vonk_plan *child, const vonk_expr *e)
{
    foreign_search s = {child, false};
    if (vonk_expr_contains(e, VONK_EX_SUBQUERY)) return true;
    if (is_computed_later(e)) return true;
    vonk_expr_walk(e, find_foreign, &s);
    return s.found;
}

vonk_status vonk__an_build_aggregate(vonk_an *an, const vonk_plan *child, const vonk_exprs *keys,
                                     const vonk_exprs *items, const vonk_plan **ret, vonk_error *err)
{
    bool split = false, alone = true;
    VONK_TRY(check_items(an, child, keys, items, an->origin, err));
    for (size_t i = 0; i < items->n; i++) {
        split = split || needs_projection(child, items->at[i]);
        alone = alone && !is_computed_later(items->at[i]);
    }
    if (!split) return vonk__an_aggregate(an, child, keys, items, ret, err);
    parts s = {.an = an, .keys = keys};
    vonk_exprs above = {0};
    for (size_t i = 0; i < items->n; i++) VONK_TRY(collect_parts(&s, items->at[i], err));
    VONK_TRY(vonk__an_aggregate(an, child, keys, &s.outputs, &child, err));
    for (size_t i = 0; i < items->n; i++) {
        const vonk_expr *e;
        VONK_TRY(vonk__an_replace(an, items->at[i], &s.from, &s.to, &e, err));
        VONK_TRY(VONK_AN_PUSH(an, &above, e, err));
    }
    VONK_TRY(vonk__an_build_project(an, child, &above, &child, err));
    *ret = child;
    if (!alone) return VONK_OK;
    vonk_plan *list;
    VONK_TRY(vonk__an_copy_node(an, child, child->children, child->n_children, &list, err));
    list->number = VONK_PROJECT_OF_GROUPS;
    return vonk__an_finish_node(an, list, ret, err);
}

/* ---- HAVING */

static bool is_among(const vonk_exprs *named, const vonk_expr *e)
{
    for (size_t i = 0; i < named->n; i++)
        if (named->at[i]->id == e->id) return true;
    return false;
}

/* Groups go before window functions and generators see them. The condition knows the names of the other items only. */
static vonk_status build_filtered(vonk_an *an, const vonk_plan *child, const vonk_exprs *keys, const vonk_exprs *items,
                                  const vonk_plan *having, const vonk_scope *outer, const vonk_plan **ret,
                                  vonk_error *err)
{
    parts s = {.an = an, .keys = keys};
    vonk_exprs grouped = {0}, above = {0};
    VONK_TRY(check_items(an, child, keys, items, an->origin, err));
    for (size_t i = 0; i < items->n; i++) {
        const vonk_expr *item = items->at[i];
        if (is_computed_later(item)) {
            VONK_TRY(collect_parts(&s, item, err));
        } else {
            VONK_TRY(VONK_AN_PUSH(an, &grouped, item, err));
            VONK_TRY(vonk__an_column_of(an, item, &item, err));
        }
        VONK_TRY(VONK_AN_PUSH(an, &above, item, err));
    }
    bool later = s.from.n > 0 || grouped.n < items->n;
    for (size_t i = 0; i < s.outputs.n; i++)
        if (!is_among(&grouped, s.outputs.at[i])) VONK_TRY(VONK_AN_PUSH(an, &grouped, s.outputs.at[i], err));
    VONK_TRY(vonk__an_build_aggregate(an, child, keys, &grouped, &child, err));
    VONK_TRY(vonk__an_filter_rows(an, having, child, outer, &child, err));
    *ret = child;
    if (!later) return VONK_OK;
    for (size_t i = 0; i < above.n; i++) VONK_TRY(vonk__an_replace(an, above.at[i], &s.from, &s.to, &above.at[i], err));
    return vonk__an_build_project(an, child, &above, ret, err);
}

/* ---- the node */

/* What stands around the groups of a node: the condition on them, or NULL, and the query outside. */
typedef struct around {
    const vonk_plan *having;
    const vonk_scope *outer;
} around;

static vonk_status build(vonk_an *an, const around *a, const vonk_plan *child, const vonk_exprs *keys,
                         const vonk_exprs *items, const vonk_plan **ret, vonk_error *err)
{
    if (a->having) return build_filtered(an, child, keys, items, a->having, a->outer, ret, err);
    return vonk__an_build_aggregate(an, child, keys, items, ret, err);
}

static vonk_status with_sets(vonk_an *an, vonk_scope *scope, const vonk_plan *p, const around *a,
                             const vonk_plan *child, const vonk_exprs *written, const vonk_exprs *given,
                             const vonk_plan **ret, vonk_error *err)
{
    vonk_grouping_sets g = {0};
    set_list sets;
    const vonk_expr *position;
    vonk_exprs items = {0}, replaced = {0}, all_keys = {0};
    const vonk_plan *expanded;
    VONK_TRY(grouping_masks(an, scope, p, written, given, &g.keys, &sets, err));
    VONK_TRY(vonk__an_check_windows(an, p, "Aggregate", &g.keys, err));
    VONK_TRY(grouping_columns(an, &sets, &g, err));
    VONK_TRY(expand(an, child, &g, &sets, &position, &expanded, err));
    scope->grouping = &g;
    VONK_TRY(vonk__an_items(an, scope, written->at, vonk_u32_of(written->n), &items, err));
    for (size_t i = 0; i < items.n; i++) {
        const vonk_expr *e;
        VONK_TRY(replace(an, items.at[i], &g.keys, &g.columns, false, &e, err));
        VONK_TRY(vonk__an_named(an, e, &e, err));
        VONK_TRY(VONK_AN_PUSH(an, &replaced, e, err));
    }
    for (size_t i = 0; i < g.columns.n; i++) VONK_TRY(VONK_AN_PUSH(an, &all_keys, g.columns.at[i], err));
    VONK_TRY(VONK_AN_PUSH(an, &all_keys, g.id, err));
    if (position) VONK_TRY(VONK_AN_PUSH(an, &all_keys, position, err));
    return build(an, a, expanded, &all_keys, &replaced, ret, err);
}

static vonk_status group(vonk_an *an, const vonk_plan *p, const around *a, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *child, *origin = an->origin;
    vonk_exprs written = {0}, keys = {0}, items = {0};
    bool by_all;
    VONK_TRY(vonk__an_plan(an, p->children[0], a->outer, &child, err));
    vonk_scope scope = {.inputs = &child, .n_inputs = 1, .outer = a->outer};
    an->origin = p;
    VONK_TRY(vonk__an_expand_stars(an, &scope, p->lists[1].at, p->lists[1].n, &written, err));
    VONK_TRY(vonk__an_refuse_stars(p->lists[0].at, p->lists[0].n, "Aggregate", err));
    VONK_TRY(is_group_by_all(an, p, child, &by_all, err));
    for (uint32_t i = 0; !by_all && i < p->lists[0].n; i++) {
        const vonk_expr *key;
        VONK_TRY(resolve_key(an, &scope, &written, p->lists[0].at[i], &key, err));
        VONK_TRY(VONK_AN_PUSH(an, &keys, key, err));
    }
    if (p->group.kind != VONK_GROUP_BY) return with_sets(an, &scope, p, a, child, &written, &keys, ret, err);
    VONK_TRY(vonk__an_items(an, &scope, written.at, vonk_u32_of(written.n), &items, err));
    if (by_all) VONK_TRY(keys_of_all(an, p, &items, &keys, err));
    VONK_TRY(vonk__an_expose(an, child, items.at, items.n, &child, err));
    VONK_TRY(vonk__an_expose(an, child, keys.at, keys.n, &child, err));
    VONK_TRY(vonk__an_check_windows(an, p, "Aggregate", &keys, err));
    VONK_TRY(as_keys(an, &keys, &items, err));
    VONK_TRY(build(an, a, child, &keys, &items, ret, err));
    an->origin = origin;
    return VONK_OK;
}

vonk_status vonk__an_group(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                           vonk_error *err)
{
    return group(an, p, &(around){.outer = outer}, ret, err);
}

vonk_status vonk__an_having(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                            vonk_error *err)
{
    return group(an, p->children[0], &(around){.having = p, .outer = outer}, ret, err);
}
