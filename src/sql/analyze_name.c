/* sql/analyze_name.c -- what a name stands for: lambda variables, columns of the input, functions without parentheses,
 * aliases to the left, columns of outer queries. Connect's names may say which plan they mean. */
#include "sql/analyze.h"

typedef struct found {
    vonk_exprs columns; /* different ones */
    uint32_t n_used;    /* parts of the name that are qualifier and column */
} found;

/* ---- columns of plans by name */

/* Do the last `n` parts of the column's qualifier fit? */
static bool qualifier_fits(const vonk_an *an, const vonk_expr *column, const vonk_str *parts, uint32_t n)
{
    if (column->n_parts < n) return false;
    const vonk_str *own = column->parts + (column->n_parts - n);
    for (uint32_t i = 0; i < n; i++)
        if (!vonk_str_eq_nocase(own[i], parts[i]) || (an->case_sensitive && !vonk_str_eq(own[i], parts[i])))
            return false;
    return true;
}

static vonk_status add_match(vonk_an *an, found *f, const vonk_expr *column, vonk_error *err)
{
    for (size_t i = 0; i < f->columns.n; i++)
        if (f->columns.at[i]->id == column->id) return VONK_OK;
    return VONK_AN_PUSH(an, &f->columns, column, err);
}

static vonk_status match_columns(vonk_an *an, const vonk_expr *const *columns, uint32_t n, const vonk_expr *name,
                                 uint32_t n_qualifier, found *f, vonk_error *err)
{
    vonk_str wanted = name->parts[n_qualifier];
    for (uint32_t i = 0; i < n; i++) {
        if (columns[i]->name.len != wanted.len || !vonk__an_name_eq(an, columns[i]->name, wanted)) continue;
        if (n_qualifier && !qualifier_fits(an, columns[i], name->parts, n_qualifier)) continue;
        VONK_TRY(add_match(an, f, columns[i], err));
    }
    return VONK_OK;
}

/* The longest qualifier that fits something wins. */
static vonk_status find_columns(vonk_an *an, const vonk_plan *const *plans, uint32_t n, bool hidden,
                                const vonk_expr *name, found *f, vonk_error *err)
{
    for (uint32_t q = vonk_u32_of(vonk_min_size(3, name->n_parts - 1)) + 1; q-- > (hidden ? 1u : 0u);) {
        for (uint32_t i = 0; i < n; i++) {
            const vonk_plan *p = plans[i];
            if (hidden)
                VONK_TRY(match_columns(an, p->hidden.at, p->hidden.n, name, q, f, err));
            else
                VONK_TRY(match_columns(an, p->output, p->n_output, name, q, f, err));
        }
        f->n_used = q + 1;
        if (f->columns.n) return VONK_OK;
    }
    return VONK_OK;
}

vonk_status vonk__an_quote_parts(vonk_an *an, const vonk_str *parts, uint32_t n, vonk_str *ret, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, an->budget, SIZE_MAX);
    for (uint32_t i = 0; i < n; i++) {
        VONK_TRY(vonk_buf_add_c(&text, i ? ".`" : "`", err));
        for (size_t k = 0; k < parts[i].len; k++) {
            if (parts[i].data[k] == '`') VONK_TRY(vonk_buf_add_byte(&text, '`', err));
            VONK_TRY(vonk_buf_add_byte(&text, parts[i].data[k], err));
        }
        VONK_TRY(vonk_buf_add_byte(&text, '`', err));
    }
    return vonk_arena_str(an->arena, vonk_buf_str(&text), ret, err);
}

vonk_status vonk__an_quote_written(vonk_an *an, vonk_str name, vonk_str *ret, vonk_error *err)
{
    VONK_VEC(vonk_str) parts = {0};
    size_t start = 0;
    bool quoted = false;

    for (size_t i = 0; i <= name.len; i++) {
        if (i < name.len && name.data[i] == '`') quoted = !quoted;
        if (i < name.len && (quoted || name.data[i] != '.')) continue;
        vonk_str part = vonk_str_sub(name, start, i);
        if (part.len > 1 && part.data[0] == '`' && part.data[part.len - 1] == '`')
            part = vonk_str_sub(part, 1, part.len - 1);
        VONK_TRY(VONK_VEC_ARENA_PUSH(&parts, an->arena, part, err));
        start = i + 1;
    }
    return vonk__an_quote_parts(an, parts.at, vonk_u32_of(parts.n), ret, err);
}

/* The column's qualifier and the name as it was written. */
static vonk_status quote_column(vonk_an *an, const vonk_expr *column, vonk_str written, vonk_str *ret, vonk_error *err)
{
    vonk_str *parts;
    VONK_TRY(vonk_arena_array(an->arena, column->n_parts + 1, sizeof(*parts), &parts, err));
    for (uint32_t i = 0; i < column->n_parts; i++) parts[i] = column->parts[i];
    parts[column->n_parts] = written;
    return vonk__an_quote_parts(an, parts, column->n_parts + 1, ret, err);
}

static vonk_status ambiguous(vonk_an *an, const vonk_expr *name, const found *f, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf list = {0};
    vonk_str quoted, one;
    vonk_buf_init(&list, an->budget, SIZE_MAX);
    VONK_TRY(vonk__an_quote_parts(an, name->parts, name->n_parts, &quoted, err));
    for (size_t i = 0; i < f->columns.n; i++) {
        VONK_TRY(quote_column(an, f->columns.at[i], name->parts[f->n_used - 1], &one, err));
        VONK_TRY(vonk_buf_printf(&list, err, "%s%.*s", i ? ", " : "[", VONK_STR_ARGS(one)));
    }
    VONK_TRY(vonk_buf_append(&list, "]", 2, err));
    return VONK_EXPR_FAIL(name, err, VONK_E_AMBIGUOUS_REFERENCE, "name", quoted.data, "referenceNames", list.data);
}

/* The column under the name as it was written: SELECT A gives a column A. */
static vonk_status with_written_name(vonk_an *an, const vonk_expr *column, vonk_str written, const vonk_expr **ret,
                                     vonk_error *err)
{
    *ret = column;
    if (vonk_str_eq(column->name, written)) return VONK_OK;
    vonk_expr *copy;
    VONK_TRY(vonk__an_copy(an, column, NULL, 0, &copy, err));
    VONK_TRY(vonk_expr_set_name(copy, written, err));
    return vonk__an_finish(an, copy, ret, err);
}

static vonk_status nested_fields(vonk_an *an, const vonk_expr *name, uint32_t n_used, const vonk_expr *base,
                                 const vonk_expr **ret, vonk_error *err)
{
    for (uint32_t i = n_used; i < name->n_parts; i++) {
        const vonk_expr *field;
        VONK_TRY(vonk__an_string(an, name->parts[i], &field, err));
        VONK_TRY(vonk__an_extract(an, name, base, field, &base, err));
    }
    *ret = base;
    return VONK_OK;
}

vonk_status vonk__an_lookup(vonk_an *an, const vonk_plan *const *plans, uint32_t n, const vonk_expr *name,
                            const vonk_expr **ret, vonk_error *err)
{
    found f = {0};
    *ret = NULL;
    VONK_TRY(find_columns(an, plans, n, false, name, &f, err));
    if (f.columns.n == 0) VONK_TRY(find_columns(an, plans, n, true, name, &f, err));
    if (f.columns.n == 0) return VONK_OK;
    if (f.columns.n > 1) return ambiguous(an, name, &f, err);
    const vonk_expr *column;
    VONK_TRY(with_written_name(an, f.columns.at[0], name->parts[f.n_used - 1], &column, err));
    return nested_fields(an, name, f.n_used, column, ret, err);
}

/* ---- suggestions */

/* The bytes of each character as a number. */
static vonk_status characters(vonk_arena *arena, vonk_str s, uint32_t **ret, size_t *ret_n, vonk_error *err)
{
    size_t n = 0;
    VONK_TRY(vonk_arena_array(arena, s.len + 1, sizeof(**ret), ret, err));
    for (size_t i = 0; i < s.len; i++) {
        const uint32_t byte = (unsigned char)s.data[i];
        if ((byte & 0xC0) == 0x80 && n > 0)
            (*ret)[n - 1] = (*ret)[n - 1] << 8 | byte;
        else
            (*ret)[n++] = byte;
    }
    *ret_n = n;
    return VONK_OK;
}

static vonk_status distance(vonk_arena *arena, vonk_str a, vonk_str b, uint32_t *ret, vonk_error *err)
{
    uint32_t *row, *left, *right;
    size_t n_left, n_right;
    VONK_TRY(characters(arena, a, &left, &n_left, err));
    VONK_TRY(characters(arena, b, &right, &n_right, err));
    VONK_TRY(vonk_arena_array(arena, n_right + 1, sizeof(*row), &row, err));
    for (size_t k = 0; k <= n_right; k++) row[k] = (uint32_t)k;
    for (size_t i = 1; i <= n_left; i++) {
        uint32_t diagonal = row[0];
        row[0] = (uint32_t)i;
        for (size_t k = 1; k <= n_right; k++) {
            uint32_t above = row[k], best = diagonal + (left[i - 1] != right[k - 1]);
            if (above + 1 < best) best = above + 1;
            if (row[k - 1] + 1 < best) best = row[k - 1] + 1;
            diagonal = above;
            row[k] = best;
        }
    }
    *ret = row[n_right];
    return VONK_OK;
}

enum { MOST_SUGGESTED = 5 };

vonk_status vonk__an_suggest(vonk_an *an, vonk_str wanted, const vonk_str *candidates, uint32_t n, vonk_str *ret,
                             vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
    uint32_t *distances;
    vonk_buf_init(&out, an->budget, SIZE_MAX);
    VONK_TRY(vonk_arena_array(an->arena, n, sizeof(*distances), &distances, err));
    for (uint32_t i = 0; i < n; i++) VONK_TRY(distance(an->arena, candidates[i], wanted, &distances[i], err));
    for (uint32_t shown = 0; shown < MOST_SUGGESTED && shown < n; shown++) {
        uint32_t best = UINT32_MAX;
        for (uint32_t i = 0; i < n; i++)
            if (distances[i] != UINT32_MAX && (best == UINT32_MAX || distances[i] < distances[best])) best = i;
        VONK_TRY(vonk_buf_printf(&out, err, "%s%.*s", shown ? ", " : "", VONK_STR_ARGS(candidates[best])));
        distances[best] = UINT32_MAX;
    }
    return vonk_arena_str(an->arena, vonk_buf_str(&out), ret, err);
}

vonk_status vonk__an_sorted_columns(vonk_an *an, const vonk_plan *const *plans, uint32_t n, vonk_exprs *ret,
                                    vonk_error *err)
{
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < plans[i]->n_output; k++) {
            const vonk_expr *c = plans[i]->output[k];
            VONK_TRY(VONK_AN_PUSH(an, ret, c, err));
            size_t at = ret->n - 1;
            for (; at > 0; at--) {
                int order = vonk_str_compare(ret->at[at - 1]->name, c->name);
                if (order < 0 || (order == 0 && ret->at[at - 1]->id <= c->id)) break;
                ret->at[at] = ret->at[at - 1];
            }
            ret->at[at] = c;
        }
    return VONK_OK;
}

/* Do all columns share their qualifier but for its last `n` parts (of qualifier and name)? */
static bool same_prefix(const vonk_exprs *columns, uint32_t n)
{
    const vonk_expr *first = columns->at[0];
    for (size_t i = 1; i < columns->n; i++) {
        const vonk_expr *c = columns->at[i];
        uint32_t a = first->n_parts + 1 > n ? first->n_parts + 1 - n : 0,
                 b = c->n_parts + 1 > n ? c->n_parts + 1 - n : 0;
        if (a != b) return false;
        for (uint32_t k = 0; k < a; k++)
            if (!vonk_str_eq(first->parts[k], c->parts[k])) return false;
    }
    return true;
}

static vonk_status candidate_text(vonk_an *an, const vonk_expr *c, uint32_t keep, vonk_str *ret, vonk_error *err)
{
    vonk_str *parts;
    uint32_t n = c->n_parts + 1, from = keep && keep < n ? n - keep : 0;
    VONK_TRY(vonk_arena_array(an->arena, n, sizeof(*parts), &parts, err));
    for (uint32_t i = 0; i < c->n_parts; i++) parts[i] = c->parts[i];
    parts[c->n_parts] = c->name;
    return vonk__an_quote_parts(an, parts + from, n - from, ret, err);
}

vonk_status vonk__an_unknown_column(vonk_an *an, const vonk_plan *const *plans, uint32_t n, const vonk_expr *name,
                                    vonk_error *err)
{
    vonk_exprs columns = {0};
    vonk_str quoted, *candidates, proposal;
    VONK_TRY(vonk__an_quote_parts(an, name->parts, name->n_parts, &quoted, err));
    VONK_TRY(vonk__an_sorted_columns(an, plans, n, &columns, err));
    if (columns.n == 0)
        return VONK_EXPR_FAIL(name, err, VONK_E_UNRESOLVED_COLUMN__WITHOUT_SUGGESTION, "objectName", quoted.data);
    uint32_t keep = 0;
    if (name->n_parts == 1 && same_prefix(&columns, 1))
        keep = 1;
    else if (name->n_parts <= 2 && same_prefix(&columns, 2))
        keep = 2;
    VONK_TRY(vonk_arena_array(an->arena, columns.n, sizeof(*candidates), &candidates, err));
    for (size_t i = 0; i < columns.n; i++) VONK_TRY(candidate_text(an, columns.at[i], keep, &candidates[i], err));
    VONK_AUTO(vonk_buf_done) vonk_buf plain = {0}; /* quoted candidates are compared with a name quoted where it must */
    vonk_buf_init(&plain, an->budget, SIZE_MAX);
    for (uint32_t i = 0; i < name->n_parts; i++) {
        VONK_TRY(vonk_buf_add_c(&plain, i ? "." : "", err));
        VONK_TRY(vonk_type_quote_name(name->parts[i], &plain, err));
    }
    VONK_TRY(vonk__an_suggest(an, vonk_buf_str(&plain), candidates, vonk_u32_of(columns.n), &proposal, err));
    return VONK_EXPR_FAIL(name, err, VONK_E_UNRESOLVED_COLUMN__WITH_SUGGESTION, "objectName", quoted.data, "proposal",
                          proposal.data);
}

/* ---- Connect's plan ids */

/* "a.b": parts with dots in backticks, the whole as an expression in a message. */
static vonk_status written_name(vonk_an *an, const vonk_expr *name, vonk_str *ret, vonk_error *err)
{
    *ret = VONK_STR("\"");
    for (uint32_t i = 0; i < name->n_parts; i++) {
        const char *quote = vonk_str_find_byte(name->parts[i], '.', 0) < name->parts[i].len ? "`" : "";
        VONK_TRY(vonk_arena_printf(an->arena, ret, err, "%.*s%s%s%.*s%s", VONK_STR_ARGS(*ret), i ? "." : "", quote,
                                   VONK_STR_ARGS(name->parts[i]), quote));
    }
    return vonk_arena_printf(an->arena, ret, err, "%.*s\"", VONK_STR_ARGS(*ret));
}

const vonk_expr *vonk__an_visible_column(const vonk_plan *p, uint64_t id)
{
    const vonk_expr *column = vonk_plan_column(p, id);
    for (uint32_t i = 0; i < p->hidden.n && !column; i++)
        if (p->hidden.at[i]->id == id) column = p->hidden.at[i];
    return column;
}

/* Is output i of p this column of its child, under a new id? So are the left side's of INTERSECT and EXCEPT, the ids of
 * UNPIVOT and what dropDuplicates() keeps of a group. */
static bool is_same_column(const vonk_plan *p, uint32_t i, uint64_t id)
{
    if (p->kind == VONK_PN_SET_OP) return p->children[0]->output[i]->id == id;
    if (p->kind == VONK_PN_AGGREGATE && p->number == VONK_AGGREGATE_DEDUPLICATES) {
        const vonk_expr *item = p->lists[1].at[i];
        return item->kind == VONK_EX_ALIAS && item->children[0]->children[0]->id == id;
    }
    if (p->kind != VONK_PN_EXPAND) return false;
    for (uint32_t k = 0; k < p->n_lists; k++)
        if (p->lists[k].at[i]->kind != VONK_EX_COLUMN || p->lists[k].at[i]->id != id) return false;
    return p->n_lists > 0;
}

/* The column of something below p as p puts it out, perhaps nullable by now; NULL: it does not. */
static const vonk_expr *carried_column(const vonk_plan *p, const vonk_expr *column)
{
    const vonk_expr *out = vonk__an_visible_column(p, column->id);
    for (uint32_t i = 0; i < p->n_output && !out; i++)
        if (is_same_column(p, i, column->id) && vonk_str_eq(p->output[i]->name, column->name)) out = p->output[i];
    return out;
}

static vonk_status carried(vonk_an *an, const vonk_plan *p, const vonk_expr *e, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *inner;
    vonk_expr *copy;
    *ret = e;
    if (e->kind == VONK_EX_GET_FIELD) {
        VONK_TRY(carried(an, p, e->children[0], &inner, err));
        *ret = inner ? e : NULL;
        if (!inner || inner == e->children[0]) return VONK_OK;
        VONK_TRY(vonk__an_copy(an, e, &inner, 1, &copy, err));
        return vonk__an_finish(an, copy, ret, err);
    }
    if (e->kind != VONK_EX_COLUMN) return VONK_OK;
    inner = carried_column(p, e);
    if (inner && inner->id == e->id && inner->nullable == e->nullable) return VONK_OK;
    *ret = NULL;
    return inner ? with_written_name(an, inner, e->name, ret, err) : VONK_OK;
}

static bool is_union(const vonk_plan *p) { return p->kind == VONK_PN_SET_OP && p->set.kind == VONK_SET_UNION; }

/* The columns that p puts out of those that the name finds in plans with its id. */
static vonk_status candidates(vonk_an *an, const vonk_plan *p, const vonk_expr *name, bool *ret_matched,
                              vonk_exprs *ret, vonk_error *err)
{
    vonk_exprs here = {0};
    const vonk_expr *column;
    if (p->plan_id == name->plan_id) {
        *ret_matched = true;
        VONK_TRY(vonk__an_lookup(an, &p, 1, name, &column, err));
        return column ? VONK_AN_PUSH(an, ret, column, err) : VONK_OK;
    }
    if (is_union(p)) return VONK_OK; /* its columns are those of no frame below it */
    for (uint32_t i = 0; i < p->n_children; i++)
        VONK_TRY(candidates(an, p->children[i], name, ret_matched, &here, err));
    for (size_t i = 0; i < here.n; i++) {
        VONK_TRY(carried(an, p, here.at[i], &column, err));
        if (column) VONK_TRY(VONK_AN_PUSH(an, ret, column, err));
    }
    return VONK_OK;
}

vonk_status vonk__an_by_plan_id(vonk_an *an, const vonk_plan *const *plans, uint32_t n, const vonk_expr *name,
                                bool *ret_matched, const vonk_expr **ret, vonk_error *err)
{
    vonk_exprs own = {0}, deeper = {0};
    vonk_str shown;
    *ret_matched = false;
    for (uint32_t i = 0; i < n; i++) {
        bool is_own = plans[i]->plan_id == name->plan_id;
        VONK_TRY(candidates(an, plans[i], name, ret_matched, is_own ? &own : &deeper, err));
    }
    const vonk_exprs *all = own.n ? &own : &deeper; /* an input goes before what the other one is made of */
    *ret = all->n ? all->at[0] : NULL;
    if (all->n <= 1) return VONK_OK;
    VONK_TRY(written_name(an, name, &shown, err));
    return VONK_EXPR_FAIL(name, err, VONK_E_AMBIGUOUS_COLUMN_REFERENCE, "name", shown.data);
}

/* ---- scopes */

static vonk_status lambda_variable(vonk_an *an, const vonk_scope *scope, const vonk_expr *name, const vonk_expr **ret,
                                   vonk_error *err)
{
    *ret = NULL;
    for (const vonk_lambda_names *l = scope->lambdas; l; l = l->next)
        for (uint32_t i = 0; i < l->n; i++)
            if (vonk__an_name_eq(an, l->variables[i]->name, name->parts[0]))
                return nested_fields(an, name, 1, l->variables[i], ret, err);
    return VONK_OK;
}

static bool is_literal_function(vonk_str name)
{
    static const char *const names[] = {
        "current_date",   "current_timestamp", "current_time",    "current_user",     "user",          "session_user",
        "localtimestamp", "localtime",         "current_catalog", "current_database", "current_schema"};
    for (size_t i = 0; i < VONK_COUNTOF(names); i++)
        if (vonk_str_is_nocase(name, names[i])) return true;
    return false;
}

static vonk_status literal_function(vonk_an *an, const vonk_expr *name, const vonk_expr **ret, vonk_error *err)
{
    *ret = NULL;
    if (name->n_parts != 1 || !is_literal_function(name->parts[0])) return VONK_OK;
    const vonk_expr *made, *call;
    vonk_scope nothing = {0};
    VONK_TRY(vonk_ex_call(an->budget, name->parts[0], NULL, 0, &made, err));
    VONK_TRY(vonk__an_keep(an, made, &call, err));
    return vonk__an_function(an, &nothing, call, ret, err);
}

/* Names of columns that are made from such a reference tell it: (lateralAliasReference(z) + 1). */
static vonk_status shown_as_lateral(vonk_an *an, vonk_str name, const vonk_expr **inout, vonk_error *err)
{
    vonk_expr *copy;
    vonk_str shown;
    VONK_TRY(vonk_arena_printf(an->arena, &shown, err, "lateralAliasReference(%.*s)", VONK_STR_ARGS(name)));
    VONK_TRY(vonk__an_copy(an, *inout, NULL, 0, &copy, err));
    VONK_TRY(vonk_expr_set_shown(copy, shown, err));
    return vonk__an_finish(an, copy, inout, err);
}

/* An alias further left in the same select list. */
static vonk_status lateral_alias(vonk_an *an, const vonk_scope *scope, const vonk_expr *name, const vonk_expr **ret,
                                 vonk_error *err)
{
    const vonk_expr *hit = NULL;
    uint32_t n = 0;
    *ret = NULL;
    if (!scope->lateral) return VONK_OK;
    for (size_t i = 0; i < scope->lateral->aliases.n; i++) {
        const vonk_expr *a = scope->lateral->aliases.at[i];
        if (!vonk__an_name_eq(an, a->name, name->parts[0])) continue;
        hit = a;
        n++;
    }
    if (!hit) return VONK_OK;
    vonk_str quoted;
    VONK_TRY(vonk__an_quote_parts(an, name->parts, name->n_parts, &quoted, err));
    if (n > 1)
        return VONK_EXPR_FAIL(name, err, VONK_E_AMBIGUOUS_LATERAL_COLUMN_ALIAS, "name", quoted.data, "n",
                              VONK_F("%u", n));
    const vonk_expr *column;
    scope->lateral->used = true;
    VONK_TRY(vonk__an_column_of(an, hit, &column, err));
    VONK_TRY(with_written_name(an, column, name->parts[0], &column, err));
    VONK_TRY(shown_as_lateral(an, name->parts[0], &column, err));
    return nested_fields(an, name, 1, column, ret, err);
}

/* GROUP BY z, where z names an item of the select list. */
static vonk_status item_alias(vonk_an *an, const vonk_scope *scope, const vonk_expr *name, const vonk_expr **ret,
                              vonk_error *err)
{
    *ret = NULL;
    for (size_t i = 0; scope->items && name->n_parts == 1 && i < scope->items->n; i++) {
        const vonk_expr *item = scope->items->at[i];
        if (item->kind != VONK_EX_ALIAS || item->n_parts || !vonk__an_name_eq(an, item->name, name->parts[0])) continue;
        vonk_scope inner = *scope;
        inner.items = NULL;
        return vonk__an_expr(an, &inner, item->children[0], ret, err);
    }
    return VONK_OK;
}

/* The innermost column becomes one of the enclosing query. */
static vonk_status mark_outer(vonk_an *an, const vonk_expr *e, const vonk_expr **ret, vonk_error *err)
{
    vonk_expr *copy;
    if (e->kind != VONK_EX_COLUMN) {
        *ret = e;
        if (e->n_children == 0) return VONK_OK;
        const vonk_expr **children;
        VONK_TRY(vonk_arena_array(an->arena, e->n_children, sizeof(*children), &children, err));
        for (uint32_t i = 0; i < e->n_children; i++) VONK_TRY(mark_outer(an, e->children[i], &children[i], err));
        VONK_TRY(vonk__an_copy(an, e, children, e->n_children, &copy, err));
        return vonk__an_finish(an, copy, ret, err);
    }
    VONK_TRY(vonk__an_copy(an, e, NULL, 0, &copy, err));
    copy->flags |= VONK_EXF_OUTER;
    return vonk__an_finish(an, copy, ret, err);
}

/* Below groups, there are only the expressions that they are made by. */
static vonk_status above_outer(vonk_an *an, vonk_above *above, const vonk_expr *name, const vonk_expr **ret,
                               vonk_error *err)
{
    VONK_TRY(vonk__an_above_name(an, above, name, ret, err));
    if (!*ret || !above->aggregate) return VONK_OK;
    const vonk_expr *below = *ret;
    VONK_TRY(vonk__an_above_expr(an, above, below, ret, err));
    if (*ret == below && !vonk_plan_has_column(above->plan, below->id) && !vonk__an_is_wanted(above, below))
        *ret = NULL;
    return VONK_OK;
}

/* Of the next enclosing query, as in Spark; lambda variables come from anywhere. */
static vonk_status outer_column(vonk_an *an, const vonk_scope *scope, const vonk_expr *name, const vonk_expr **ret,
                                vonk_error *err)
{
    *ret = NULL;
    for (const vonk_scope *s = scope->outer; s && !*ret; s = s->outer) {
        bool matched;
        VONK_TRY(lambda_variable(an, s, name, ret, err));
        if (*ret) return VONK_OK;
        if (s != scope->outer) continue;
        if (name->plan_id >= 0) VONK_TRY(vonk__an_by_plan_id(an, s->inputs, s->n_inputs, name, &matched, ret, err));
        if (!*ret && name->plan_id < 0) VONK_TRY(vonk__an_lookup(an, s->inputs, s->n_inputs, name, ret, err));
        if (!*ret && s->above) VONK_TRY(above_outer(an, s->above, name, ret, err));
    }
    return *ret ? mark_outer(an, *ret, ret, err) : VONK_OK;
}

typedef struct local_search {
    vonk_an *an;
    const vonk_plan *const *inputs;
    uint32_t n_inputs;
    bool any, local;
    vonk_status status;
    vonk_error *err;
} local_search;

static vonk_walk find_local(const vonk_expr *e, void *arg)
{
    local_search *s = arg;
    const vonk_expr *column = NULL;
    if (e->kind != VONK_EX_NAME) return VONK_WALK_ON;
    s->any = true;
    s->status = vonk__an_lookup(s->an, s->inputs, s->n_inputs, e, &column, s->err);
    s->local = s->status == VONK_OK && column != NULL;
    return s->status == VONK_OK && !s->local ? VONK_WALK_ON : VONK_WALK_STOP;
}

vonk_status vonk__an_outer_aggregate(vonk_an *an, const vonk_scope *scope, const vonk_expr *call, const vonk_expr **ret,
                                     vonk_error *err)
{
    const vonk_plan *below =
        scope->above && scope->above->aggregate ? vonk__an_below_aggregate(scope->above->aggregate) : NULL;
    local_search s = {
        .an = an, .inputs = below ? &below : scope->inputs, .n_inputs = below ? 1 : scope->n_inputs, .err = err};
    *ret = NULL;
    if (!scope->outer || !scope->outer->above || !scope->outer->above->aggregate) return VONK_OK;
    vonk_expr_walk(call, find_local, &s);
    VONK_TRY(s.status);
    if (!s.any || s.local) return VONK_OK;
    VONK_TRY(vonk__an_function(an, scope->outer, call, ret, err));
    return mark_outer(an, *ret, ret, err);
}

/* A frame's column that is not there. */
static vonk_status not_of_frame(vonk_an *an, const vonk_expr *name, vonk_error *err)
{
    vonk_str shown;
    VONK_TRY(written_name(an, name, &shown, err));
    return VONK_EXPR_FAIL(name, err, VONK_E_CANNOT_RESOLVE_DATAFRAME_COLUMN, "name", shown.data);
}

/* Of the plan that the name says and of no other, whatever has that name by now. */
static vonk_status frame_column(vonk_an *an, const vonk_scope *scope, const vonk_expr *name, const vonk_expr **ret,
                                vonk_error *err)
{
    bool matched;
    VONK_TRY(vonk__an_by_plan_id(an, scope->inputs, scope->n_inputs, name, &matched, ret, err));
    if (*ret || !matched || !scope->above) return VONK_OK;
    if (scope->above->aggregate) VONK_TRY(vonk__an_lookup(an, scope->inputs, scope->n_inputs, name, ret, err));
    if (*ret) return VONK_OK; /* HAVING and its kin go by the name */
    return vonk__an_above_name(an, scope->above, name, ret, err);
}

static vonk_status local_name(vonk_an *an, const vonk_scope *scope, const vonk_expr *name, const vonk_expr **ret,
                              vonk_error *err)
{
    VONK_TRY(lambda_variable(an, scope, name, ret, err));
    if (*ret) return VONK_OK;
    if (name->plan_id >= 0) {
        VONK_TRY(frame_column(an, scope, name, ret, err));
        if (*ret) return VONK_OK;
        return scope->outer ? VONK_OK : not_of_frame(an, name, err);
    }
    VONK_TRY(vonk__an_lookup(an, scope->inputs, scope->n_inputs, name, ret, err));
    if (*ret) return VONK_OK;
    if (scope->above) VONK_TRY(vonk__an_above_name(an, scope->above, name, ret, err));
    if (!*ret) VONK_TRY(literal_function(an, name, ret, err));
    if (!*ret) VONK_TRY(item_alias(an, scope, name, ret, err));
    if (!*ret) VONK_TRY(lateral_alias(an, scope, name, ret, err));
    if (!*ret) VONK_TRY(vonk__an_hive_grouping_id(an, scope, name, ret, err));
    return VONK_OK;
}

vonk_status vonk__an_name(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, const vonk_expr **ret,
                          vonk_error *err)
{
    *ret = NULL;
    if (!vonk_expr_has(e, VONK_EXF_OUTER)) VONK_TRY(local_name(an, scope, e, ret, err));
    if (!*ret) VONK_TRY(outer_column(an, scope, e, ret, err));
    if (!*ret)
        return e->plan_id >= 0 ? not_of_frame(an, e, err)
                               : vonk__an_unknown_column(an, scope->inputs, scope->n_inputs, e, err);
    if ((*ret)->kind == VONK_EX_COLUMN || (*ret)->kind == VONK_EX_LITERAL) return VONK_OK;
    if (!(*ret)->origin.text) vonk_expr_set_origin((vonk_expr *)*ret, &e->origin);
    return VONK_OK;
}
