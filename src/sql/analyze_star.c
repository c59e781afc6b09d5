/* sql/analyze_star.c -- items of a select list that stand for several columns: *, t.*, struct.*, colRegex. */
#include "sql/analyze.h"

#include "text/regex.h"

static bool qualifier_ends_with(const vonk_an *an, const vonk_expr *column, const vonk_str *parts, uint32_t n)
{
    if (column->n_parts < n) return false;
    for (uint32_t i = 0; i < n; i++)
        if (!vonk__an_name_eq(an, column->parts[column->n_parts - n + i], parts[i])) return false;
    return true;
}

static vonk_status all_columns(vonk_an *an, const vonk_plan *p, vonk_exprs *ret, vonk_error *err)
{
    for (uint32_t i = 0; i < p->n_output; i++) VONK_TRY(VONK_AN_PUSH(an, ret, p->output[i], err));
    return VONK_OK;
}

static vonk_status qualified_columns(vonk_an *an, const vonk_plan *p, const vonk_expr *star, vonk_exprs *ret,
                                     vonk_error *err)
{
    for (uint32_t i = 0; i < p->hidden.n; i++)
        if (qualifier_ends_with(an, p->hidden.at[i], star->parts, star->n_parts))
            VONK_TRY(VONK_AN_PUSH(an, ret, p->hidden.at[i], err));
    for (uint32_t i = 0; i < p->n_output; i++)
        if (qualifier_ends_with(an, p->output[i], star->parts, star->n_parts))
            VONK_TRY(VONK_AN_PUSH(an, ret, p->output[i], err));
    return VONK_OK;
}

static vonk_status cannot_expand(vonk_an *an, const vonk_scope *scope, const vonk_expr *star, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf list = {0};
    vonk_exprs columns = {0};
    vonk_str quoted;
    vonk_buf_init(&list, an->budget, SIZE_MAX);
    VONK_TRY(vonk__an_quote_parts(an, star->parts, star->n_parts, &quoted, err));
    for (uint32_t i = 0; i < scope->n_inputs; i++) /* Spark tells what the inputs are made of */
        VONK_TRY(vonk__an_sorted_columns(an, scope->inputs[i]->children, scope->inputs[i]->n_children, &columns, err));
    for (size_t i = 0; i < columns.n; i++) {
        vonk_str one;
        VONK_TRY(vonk__an_quote_written(an, columns.at[i]->name, &one, err));
        VONK_TRY(vonk_buf_printf(&list, err, "%s%.*s", i ? ", " : "", VONK_STR_ARGS(one)));
    }
    VONK_TRY(vonk_buf_add_byte(&list, '\0', err));
    return VONK_EXPR_FAIL(star, err, VONK_E_CANNOT_RESOLVE_STAR_EXPAND, "targetString", quoted.data, "columns",
                          list.data);
}

/* s.* of a struct column: its fields. */
static vonk_status struct_fields(vonk_an *an, const vonk_scope *scope, const vonk_expr *star, vonk_exprs *ret,
                                 vonk_error *err)
{
    const vonk_expr *made, *name, *base;
    VONK_TRY(vonk_ex_name(an->budget, star->parts, star->n_parts, star->plan_id, &made, err));
    VONK_TRY(vonk__an_keep(an, made, &name, err));
    VONK_TRY(vonk__an_lookup(an, scope->inputs, scope->n_inputs, name, &base, err));
    if (!base) return cannot_expand(an, scope, star, err);
    if (base->type->id != VONK_T_STRUCT) {
        vonk_str path = star->parts[0];
        for (uint32_t i = 1; i < star->n_parts; i++)
            VONK_TRY(vonk_arena_printf(an->arena, &path, err, "%.*s, %.*s", VONK_STR_ARGS(path),
                                       VONK_STR_ARGS(star->parts[i])));
        return VONK_EXPR_FAIL(star, err, VONK_E__LEGACY_ERROR_TEMP_1050, "attributes",
                              VONK_F("List(%.*s)", VONK_STR_ARGS(path)));
    }
    for (uint32_t i = 0; i < base->type->n_fields; i++) {
        const vonk_expr *field;
        VONK_TRY(vonk__an_get_field(an, base, i, &field, err));
        VONK_TRY(vonk__an_alias(an, field, base->type->fields[i].name, &field, err));
        VONK_TRY(VONK_AN_PUSH(an, ret, field, err));
    }
    return VONK_OK;
}

/* ---- df["*"] */

typedef struct frame_search {
    const vonk_plan *found;
    uint32_t depth; /* of what was found */
    bool ambiguous;
} frame_search;

static bool puts_out_all(const vonk_plan *p, const vonk_plan *columns_of)
{
    for (uint32_t i = 0; i < columns_of->n_output; i++)
        if (!vonk__an_visible_column(p, columns_of->output[i]->id)) return false;
    return true;
}

/* The plan with that id, if every plan above it up to p still puts out all of its columns. */
static void find_frame(const vonk_plan *p, int64_t plan_id, uint32_t depth, frame_search *s)
{
    frame_search here = {0};
    if (p->plan_id == plan_id)
        here = (frame_search){.found = p, .depth = depth};
    else
        for (uint32_t i = 0; i < p->n_children; i++) find_frame(p->children[i], plan_id, depth + 1, &here);
    s->ambiguous = s->ambiguous || here.ambiguous;
    if (!here.found || !puts_out_all(p, here.found)) return;
    if (s->found && (s->depth == 0) != (here.depth == 0)) {
        if (s->depth == 0) return;
        s->found = NULL;
    }
    here.ambiguous = s->ambiguous || s->found != NULL;
    *s = here;
}

/* Its columns, as the inputs put them out (perhaps nullable by now). */
static vonk_status frame_columns(vonk_an *an, const vonk_scope *scope, const vonk_expr *star, vonk_exprs *ret,
                                 vonk_error *err)
{
    frame_search s = {0};
    for (uint32_t i = 0; i < scope->n_inputs; i++) find_frame(scope->inputs[i], star->plan_id, 0, &s);
    if (s.ambiguous) return VONK_EXPR_FAIL(star, err, VONK_E_AMBIGUOUS_COLUMN_REFERENCE, "name", "`*`");
    if (!s.found) return VONK_EXPR_FAIL(star, err, VONK_E_CANNOT_RESOLVE_DATAFRAME_COLUMN, "name", "`*`");
    for (uint32_t i = 0; i < s.found->n_output; i++) {
        const vonk_expr *column = NULL;
        for (uint32_t k = 0; k < scope->n_inputs && !column; k++)
            column = vonk__an_visible_column(scope->inputs[k], s.found->output[i]->id);
        VONK_TRY(VONK_AN_PUSH(an, ret, column, err));
    }
    return VONK_OK;
}

/* ---- EXCEPT */

static vonk_status drop_nested(vonk_an *an, const vonk_expr *base, const vonk_str *path, uint32_t n,
                               const vonk_expr *name, const vonk_expr **ret, vonk_error *err)
{
    vonk_exprs args = {0};
    bool found = false;
    if (base->type->id != VONK_T_STRUCT) {
        vonk_str quoted;
        VONK_TRY(vonk__an_quote_parts(an, name->parts, name->n_parts - n, &quoted, err));
        return VONK_EXPR_FAIL(name, err, VONK_E_EXCEPT_NESTED_COLUMN_INVALID_TYPE, "columnName", quoted.data,
                              "dataType", VONK_TYPE_SQL(base->type));
    }
    for (uint32_t i = 0; i < base->type->n_fields; i++) {
        const vonk_expr *field, *label;
        bool hit = vonk__an_name_eq(an, base->type->fields[i].name, path[0]);
        found = found || hit;
        if (hit && n == 1) continue;
        VONK_TRY(vonk__an_get_field(an, base, i, &field, err));
        if (hit) VONK_TRY(drop_nested(an, field, path + 1, n - 1, name, &field, err));
        VONK_TRY(vonk__an_string(an, base->type->fields[i].name, &label, err));
        VONK_TRY(VONK_AN_PUSH(an, &args, label, err));
        VONK_TRY(VONK_AN_PUSH(an, &args, field, err));
    }
    if (!found) {
        vonk_str quoted;
        VONK_TRY(vonk__an_quote_parts(an, name->parts, name->n_parts, &quoted, err));
        return VONK_EXPR_FAIL(name, err, VONK_E_UNRESOLVED_COLUMN__WITHOUT_SUGGESTION, "objectName", quoted.data);
    }
    return vonk__an_call(an, "named_struct", args.at, vonk_u32_of(args.n), name, ret, err);
}

static vonk_status remove_one(vonk_an *an, const vonk_scope *scope, const vonk_expr *name, vonk_exprs *columns,
                              vonk_error *err)
{
    const vonk_expr *target = NULL;
    VONK_TRY(vonk__an_lookup(an, scope->inputs, scope->n_inputs, name, &target, err));
    if (!target) return vonk__an_unknown_column(an, scope->inputs, scope->n_inputs, name, err);
    uint32_t n_nested = 0;
    for (; target->kind == VONK_EX_GET_FIELD; target = target->children[0]) n_nested++;
    for (size_t i = 0; i < columns->n; i++) {
        const vonk_expr *c = columns->at[i];
        if (c->kind != VONK_EX_COLUMN || c->id != target->id) continue;
        if (n_nested) {
            const vonk_expr *rest;
            VONK_TRY(drop_nested(an, c, name->parts + (name->n_parts - n_nested), n_nested, name, &rest, err));
            return vonk__an_alias(an, rest, c->name, &columns->at[i], err);
        }
        memmove(&columns->at[i], &columns->at[i + 1], (columns->n - i - 1) * sizeof(*columns->at));
        columns->n--;
        return VONK_OK;
    }
    return vonk__an_unknown_column(an, scope->inputs, scope->n_inputs, name, err);
}

static vonk_status expand_star(vonk_an *an, const vonk_scope *scope, const vonk_expr *star, vonk_exprs *ret,
                               vonk_error *err)
{
    vonk_exprs columns = {0};
    if (star->plan_id >= 0) VONK_TRY(frame_columns(an, scope, star, &columns, err));
    for (uint32_t i = 0; star->plan_id < 0 && i < scope->n_inputs; i++) {
        if (star->n_parts)
            VONK_TRY(qualified_columns(an, scope->inputs[i], star, &columns, err));
        else
            VONK_TRY(all_columns(an, scope->inputs[i], &columns, err));
    }
    if (columns.n == 0 && star->n_parts) VONK_TRY(struct_fields(an, scope, star, &columns, err));
    for (uint32_t i = 0; i < star->n_children; i++) VONK_TRY(remove_one(an, scope, star->children[i], &columns, err));
    for (size_t i = 0; i < columns.n; i++) VONK_TRY(VONK_AN_PUSH(an, ret, columns.at[i], err));
    return VONK_OK;
}

vonk_status vonk__an_refuse_counted_table(vonk_an *an, const vonk_scope *scope, const vonk_expr *counted,
                                          vonk_error *err)
{
    vonk_exprs columns = {0};
    vonk_str table;
    const bool allowed = vonk_conf_bool(an->conf, "spark.sql.legacy.allowStarWithSingleTableIdentifierInCount");
    if (counted->kind != VONK_EX_STAR || counted->n_parts == 0 || counted->n_children || allowed) return VONK_OK;
    for (uint32_t i = 0; i < scope->n_inputs; i++)
        VONK_TRY(qualified_columns(an, scope->inputs[i], counted, &columns, err));
    if (columns.n == 0) return VONK_OK; /* a struct's fields */
    VONK_TRY(vonk__an_quote_parts(an, counted->parts, counted->n_parts, &table, err));
    return VONK_FAIL(err, VONK_E_INVALID_USAGE_OF_STAR_WITH_TABLE_IDENTIFIER_IN_COUNT, "tableName", table.data);
}

/* ---- colRegex */

/* "`...`" is a pattern for whole names, "t.`...`" one for the columns of t. */
static void split_regex(vonk_str text, vonk_str *ret_qualifier, vonk_str *ret_pattern)
{
    size_t open = text.len - 2;
    while (open > 0 && (text.data[0] == '`' || text.data[open] != '`' || text.data[open - 1] != '.')) open--;
    *ret_qualifier = vonk_str_sub(text, 0, open > 0 ? open - 1 : 0);
    *ret_pattern = vonk_str_sub(text, open + 1, text.len - 1);
}

static vonk_status matching_columns(vonk_an *an, const vonk_scope *scope, vonk_str qualifier, const vonk_regex *regex,
                                    vonk_exprs *ret, vonk_error *err)
{
    VONK_AUTO(vonk_matcher_done) vonk_matcher m = {0};
    VONK_TRY(vonk_matcher_init(&m, regex, NULL, NULL, err));
    for (uint32_t i = 0; i < scope->n_inputs; i++)
        for (uint32_t k = 0; k < scope->inputs[i]->n_output; k++) {
            const vonk_expr *column = scope->inputs[i]->output[k];
            bool found = false;
            if (qualifier.len && !qualifier_ends_with(an, column, &qualifier, 1)) continue;
            VONK_TRY(vonk_matcher_find(&m, column->name, 0, &found, err));
            if (found) VONK_TRY(VONK_AN_PUSH(an, ret, column, err));
        }
    return VONK_OK;
}

static vonk_status expand_regex(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, vonk_exprs *ret,
                                vonk_error *err)
{
    VONK_AUTO(vonk_regex_free) vonk_regex *regex = NULL;
    vonk_str qualifier, pattern, whole;
    split_regex(e->name, &qualifier, &pattern);
    VONK_TRY(vonk_arena_printf(an->arena, &whole, err, "%s\\A(?:%.*s)\\z", an->case_sensitive ? "" : "(?i)",
                               VONK_STR_ARGS(pattern)));
    VONK_TRY(vonk_regex_new(an->budget, whole, &regex, err));
    if (!regex) return VONK_FAIL(err, VONK_E_PATTERN_SYNTAX, "pattern", VONK_S(pattern));
    return matching_columns(an, scope, qualifier, regex, ret, err);
}

vonk_status vonk__an_refuse_stars(const vonk_expr *const *items, uint32_t n, const char *node, vonk_error *err)
{
    for (uint32_t i = 0; i < n; i++)
        if (items[i]->kind == VONK_EX_STAR || items[i]->kind == VONK_EX_REGEX)
            return VONK_FAIL(err, VONK_E_INVALID_USAGE_OF_STAR_OR_REGEX, "elem",
                             items[i]->kind == VONK_EX_STAR ? "'*'" : "regular expressions", "prettyName", node);
    return VONK_OK;
}

vonk_status vonk__an_expand_stars(vonk_an *an, const vonk_scope *scope, const vonk_expr *const *items, uint32_t n,
                                  vonk_exprs *ret, vonk_error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        if (items[i]->kind == VONK_EX_STAR)
            VONK_TRY(expand_star(an, scope, items[i], ret, err));
        else if (items[i]->kind == VONK_EX_REGEX)
            VONK_TRY(expand_regex(an, scope, items[i], ret, err));
        else
            VONK_TRY(VONK_AN_PUSH(an, ret, items[i], err));
    }
    return VONK_OK;
}
