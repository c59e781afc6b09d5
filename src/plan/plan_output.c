/* plan/plan_output.c -- what columns a node puts out, for the kinds where that follows from children and expressions;
 * and the usual nodes in one call. */
#include "plan/plan_int.h"

#include "base/vec.h"
#include "func/coerce.h"

typedef struct columns {
    vonk_budget *budget;
    const vonk_expr **at; /* each one referenced */
    uint32_t n, room;
    bool physical;
} columns;

static void columns_done(columns *c)
{
    for (uint32_t i = 0; i < c->n; i++) vonk_expr_unref(c->at[i]);
    vonk_free(c->at);
}
VONK_DEFINE_AUTO_DONE(columns, columns_done)

static vonk_status derive_logical(const vonk_plan *p, columns *out, vonk_error *err);
static vonk_status derive_physical(const vonk_plan *p, columns *out, vonk_error *err);

vonk_status vonk__plan_derive_output(vonk_plan *p, vonk_error *err)
{
    if (p->n_output > 0) return VONK_OK;
    VONK_AUTO(columns_done) columns out = {.budget = vonk_arena_budget(p->arena)};
    switch (vonk_node_phase_of(p->kind)) {
    case VONK_PHASE_LOGICAL: VONK_TRY(derive_logical(p, &out, err)); break;
    case VONK_PHASE_PHYSICAL:
        out.physical = true;
        VONK_TRY(derive_physical(p, &out, err));
        break;
    case VONK_PHASE_UNRESOLVED:
    case VONK_PHASE_COMMAND: break;
    }
    return vonk_plan_set_output(p, out.at, out.n, err);
}

static vonk_status add(columns *c, const vonk_expr *take_e, vonk_error *err)
{
    if (c->n == c->room) {
        uint32_t room = c->room ? c->room * 2 : 16;
        vonk_status st = vonk_realloc(c->budget, &c->at, room * sizeof(*c->at), err);
        if (st != VONK_OK) {
            vonk_expr_unref(take_e);
            return st;
        }
        c->room = room;
    }
    c->at[c->n++] = take_e;
    return VONK_OK;
}

static vonk_status add_bound(columns *c, const vonk_type *type, bool nullable, vonk_str name, vonk_error *err)
{
    const vonk_expr *bound;
    VONK_TRY(vonk_ex_bound(c->budget, c->n, type, nullable, name, &bound, err));
    return add(c, bound, err);
}

/* The same column, perhaps of another type or nullable now; physical ones get their new position. */
static vonk_status add_typed(columns *c, const vonk_expr *column, const vonk_type *type, bool nullable, vonk_error *err)
{
    const bool same = column->type == type && column->nullable == nullable;
    if (c->physical && (column->index != c->n || !same)) return add_bound(c, type, nullable, column->name, err);
    if (same) return add(c, vonk_expr_ref(column), err);
    vonk_expr *changed;
    const vonk_expr *done;
    VONK_TRY(vonk_expr_copy(c->budget, column, NULL, 0, &changed, err));
    changed->nullable = nullable;
    const vonk_status st = vonk_expr_set_type(changed, type, err);
    if (st != VONK_OK) {
        vonk_expr_unref(changed);
        return st;
    }
    VONK_TRY(vonk_expr_finish(changed, &done, err));
    return add(c, done, err);
}

static vonk_status add_column(columns *c, const vonk_expr *column, bool nullable, vonk_error *err)
{
    return add_typed(c, column, column->type, nullable, err);
}

static vonk_status add_child(columns *c, const vonk_plan *child, bool make_nullable, vonk_error *err)
{
    for (uint32_t i = 0; i < child->n_output; i++)
        VONK_TRY(add_column(c, child->output[i], child->output[i]->nullable || make_nullable, err));
    return VONK_OK;
}

static vonk_status add_named(columns *c, const vonk_expr *named, vonk_error *err)
{
    if (c->physical) {
        VONK_AUTO(vonk_buf_done) vonk_buf name = {0};
        vonk_buf_init(&name, c->budget, SIZE_MAX);
        VONK_TRY(vonk_expr_output_name(named, &name, err));
        return add_bound(c, named->type, named->nullable, vonk_buf_str(&name), err);
    }
    if (named->kind != VONK_EX_ALIAS && named->kind != VONK_EX_COLUMN)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "an output expression has no name");
    const vonk_expr *column;
    VONK_TRY(vonk_ex_column_of(c->budget, named, &column, err));
    return add(c, column, err);
}

static vonk_status add_list(columns *c, const vonk_plan *p, uint32_t list, vonk_error *err)
{
    for (uint32_t i = 0; list < p->n_lists && i < p->lists[list].n; i++)
        VONK_TRY(add_named(c, p->lists[list].at[i], err));
    return VONK_OK;
}

static vonk_status add_qualified(columns *c, const vonk_plan *p, vonk_error *err)
{
    const vonk_plan *child = p->children[0];
    for (uint32_t i = 0; i < child->n_output; i++) {
        vonk_expr *changed;
        const vonk_expr *done;
        VONK_TRY(vonk_expr_copy(c->budget, child->output[i], NULL, 0, &changed, err));
        uint32_t n = p->name.n_parts;
        if (n == 1 && vonk_str_is(p->name.parts[0], VONK_NO_ALIAS)) n = 0; /* nobody gave it a name */
        vonk_status st = vonk_expr_set_parts(changed, p->name.parts, n, err);
        vonk_status finished = vonk_expr_finish(changed, &done, err);
        if (st == VONK_OK) st = finished;
        if (st != VONK_OK) {
            if (finished == VONK_OK) vonk_expr_unref(done);
            return st;
        }
        VONK_TRY(add(c, done, err));
    }
    return VONK_OK;
}

static vonk_status add_mark(columns *c, const vonk_plan *p, vonk_error *err)
{
    if (c->physical) return add_bound(c, &vonk_type_boolean, p->join.null_aware, VONK_STR("exists"), err);
    vonk_expr *mark;
    const vonk_expr *done;
    VONK_TRY(vonk_expr_new(c->budget, VONK_EX_COLUMN, NULL, 0, &mark, err));
    vonk_status st = vonk_expr_set_name(mark, VONK_STR("exists"), err);
    if (st == VONK_OK) st = vonk_expr_set_type(mark, &vonk_type_boolean, err);
    mark->id = p->join.mark_id;
    mark->nullable = p->join.null_aware;
    vonk_status finished = vonk_expr_finish(mark, &done, err);
    if (st == VONK_OK) st = finished;
    if (st != VONK_OK) {
        if (finished == VONK_OK) vonk_expr_unref(done);
        return st;
    }
    return add(c, done, err);
}

static vonk_status add_join(columns *c, const vonk_plan *p, vonk_error *err)
{
    const vonk_plan *left = p->children[0], *right = p->children[1];
    bool null_left = false, null_right = false, only_left = false;
    switch (p->join.type) {
    case VONK_JOIN_INNER:
    case VONK_JOIN_CROSS: break;
    case VONK_JOIN_SINGLE:
    case VONK_JOIN_LEFT: null_right = true; break;
    case VONK_JOIN_RIGHT: null_left = true; break;
    case VONK_JOIN_FULL: null_left = null_right = true; break;
    case VONK_JOIN_SEMI:
    case VONK_JOIN_ANTI:
    case VONK_JOIN_MARK: only_left = true; break;
    }
    VONK_TRY(add_child(c, left, null_left, err));
    if (!only_left) VONK_TRY(add_child(c, right, null_right, err));
    return p->join.type == VONK_JOIN_MARK ? add_mark(c, p, err) : VONK_OK;
}

/* The physical hash join has the probe side as child 0; its columns come in the order of the join's own left and right.
 */
static vonk_status add_physical_join(columns *c, const vonk_plan *p, vonk_error *err)
{
    if (!p->join.build_left) return add_join(c, p, err);
    vonk_plan swapped = *p;
    const vonk_plan *sides[2] = {p->children[1], p->children[0]};
    swapped.children = sides;
    return add_join(c, &swapped, err);
}

static bool is_union(const vonk_plan *p) { return p->kind == VONK_PN_P_UNION || p->set.kind == VONK_SET_UNION; }

/* What is in arrays, maps and structs may be null where it may be on any side. */
static vonk_status union_type(const vonk_plan *p, uint32_t at, const vonk_type **ret, vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *type = vonk_type_ref(p->children[0]->output[at]->type);
    for (uint32_t k = 1; k < p->n_children; k++) {
        const vonk_type *merged;
        if (at >= p->children[k]->n_output) continue;
        VONK_TRY(vonk_coerce_merge_nulls(type, p->children[k]->output[at]->type, &merged, err));
        if (!merged) continue; /* sides whose types are not settled yet */
        vonk_type_unref(type);
        type = merged;
    }
    *ret = VONK_STEAL(type);
    return VONK_OK;
}

static bool set_op_nullable(const vonk_plan *p, uint32_t at)
{
    bool nullable = p->children[0]->output[at]->nullable;
    for (uint32_t k = 1; k < p->n_children; k++) {
        if (at >= p->children[k]->n_output) continue;
        bool other = p->children[k]->output[at]->nullable;
        if (is_union(p))
            nullable = nullable || other;
        else if (p->set.kind == VONK_SET_INTERSECT)
            nullable = nullable && other;
    }
    return nullable;
}

static vonk_status add_set_op(columns *c, const vonk_plan *p, vonk_error *err)
{
    const vonk_plan *first = p->children[0];
    for (uint32_t i = 0; i < first->n_output; i++) {
        VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
        if (is_union(p))
            VONK_TRY(union_type(p, i, &type, err));
        else
            type = vonk_type_ref(first->output[i]->type);
        VONK_TRY(add_typed(c, first->output[i], type, set_op_nullable(p, i), err));
    }
    return VONK_OK;
}

static vonk_status add_generated(columns *c, const vonk_plan *p, vonk_error *err)
{
    for (uint32_t i = 0; i < p->generate.generated.n; i++) {
        const vonk_expr *e = p->generate.generated.at[i];
        bool nullable = e->nullable || p->generate.outer;
        if (c->physical)
            VONK_TRY(add_bound(c, e->type, nullable, e->name, err));
        else
            VONK_TRY(add_column(c, e, nullable, err));
    }
    return VONK_OK;
}

/* The rows that a function of Python gives. */
static vonk_status add_made_rows(columns *c, const vonk_plan *p, vonk_error *err)
{
    const vonk_expr *call = p->lists[0].at[0];
    const vonk_type *rows = call->kind == VONK_EX_PYTHON ? call->python->returns : NULL;
    if (!rows || rows->id != VONK_T_STRUCT)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                         "a Python function that makes rows must say its columns");
    for (uint32_t i = 0; i < rows->n_fields; i++)
        VONK_TRY(add_bound(c, rows->fields[i].type, rows->fields[i].nullable, rows->fields[i].name, err));
    return VONK_OK;
}

static vonk_status derive_logical(const vonk_plan *p, columns *out, vonk_error *err)
{
    switch (p->kind) {
    case VONK_PN_SUBQUERY_ALIAS: return add_qualified(out, p, err);
    case VONK_PN_PROJECT: return add_list(out, p, 0, err);
    case VONK_PN_AGGREGATE: return add_list(out, p, 1, err);
    case VONK_PN_PYTHON_AGGREGATE: VONK_TRY(add_list(out, p, 0, err)); return add_list(out, p, 1, err);
    case VONK_PN_PYTHON_MAP:
    case VONK_PN_PYTHON_GROUPS: return VONK_OK; /* no columns at all; otherwise they are set */
    case VONK_PN_PYTHON_EVAL:
    case VONK_PN_WINDOW: VONK_TRY(add_child(out, p->children[0], false, err)); return add_list(out, p, 0, err);
    case VONK_PN_GENERATE: VONK_TRY(add_child(out, p->children[0], false, err)); return add_generated(out, p, err);
    case VONK_PN_JOIN: return add_join(out, p, err);
    case VONK_PN_SET_OP: return add_set_op(out, p, err);
    default: return p->n_children == 1 ? add_child(out, p->children[0], false, err) : VONK_OK;
    }
}

static vonk_status derive_physical(const vonk_plan *p, columns *out, vonk_error *err)
{
    switch (p->kind) {
    case VONK_PN_P_PROJECT:
    case VONK_PN_P_EXPAND: return add_list(out, p, 0, err);
    case VONK_PN_P_AGGREGATE: VONK_TRY(add_list(out, p, 0, err)); return add_list(out, p, 1, err);
    case VONK_PN_P_HASH_JOIN:
    case VONK_PN_P_LOOP_JOIN: return add_physical_join(out, p, err);
    case VONK_PN_P_PYTHON_EVAL:
    case VONK_PN_P_WINDOW: VONK_TRY(add_child(out, p->children[0], false, err)); return add_list(out, p, 0, err);
    case VONK_PN_P_GENERATE: VONK_TRY(add_list(out, p, 1, err)); return add_generated(out, p, err);
    case VONK_PN_P_PYTHON_MAP: return add_made_rows(out, p, err);
    case VONK_PN_P_UNION: return add_set_op(out, p, err);
    case VONK_PN_P_PYTHON_TABLE:
    case VONK_PN_P_PYTHON_GROUPS: return VONK_OK; /* set by the planner */
    default: return p->n_children == 1 ? add_child(out, p->children[0], false, err) : VONK_OK;
    }
}

/* ---- the usual nodes in one call */

/* A node of one child (or none) with one list. */
static vonk_status node_of(vonk_budget *budget, vonk_node_kind kind, const vonk_plan *child,
                           const vonk_expr *const *exprs, uint32_t n, int64_t number, const vonk_plan **ret,
                           vonk_error *err)
{
    vonk_plan *p;
    VONK_TRY(vonk_plan_new(budget, kind, &child, 1, &p, err));
    p->number = number;
    vonk_status st = vonk_plan_set_list(p, 0, exprs, n, err);
    if (st != VONK_OK) {
        vonk_plan_unref(p);
        return st;
    }
    return vonk_plan_finish(p, ret, err);
}

vonk_status vonk_pn_project(vonk_budget *budget, const vonk_plan *child, const vonk_expr *const *exprs, uint32_t n,
                            const vonk_plan **ret, vonk_error *err)
{
    return node_of(budget, VONK_PN_PROJECT, child, exprs, n, 0, ret, err);
}

vonk_status vonk_pn_filter(vonk_budget *budget, const vonk_plan *child, const vonk_expr *condition,
                           const vonk_plan **ret, vonk_error *err)
{
    return node_of(budget, VONK_PN_FILTER, child, &condition, 1, 0, ret, err);
}

vonk_status vonk_pn_aggregate(vonk_budget *budget, const vonk_plan *child, const vonk_expr *const *keys,
                              uint32_t n_keys, const vonk_expr *const *outputs, uint32_t n_outputs,
                              const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *p;
    VONK_TRY(vonk_plan_new(budget, VONK_PN_AGGREGATE, &child, 1, &p, err));
    vonk_status st = vonk_plan_set_list(p, 0, keys, n_keys, err);
    if (st == VONK_OK) st = vonk_plan_set_list(p, 1, outputs, n_outputs, err);
    if (st != VONK_OK) {
        vonk_plan_unref(p);
        return st;
    }
    return vonk_plan_finish(p, ret, err);
}

vonk_status vonk_pn_join(vonk_budget *budget, const vonk_plan *left, const vonk_plan *right, vonk_join_type type,
                         const vonk_expr *condition, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *sides[2] = {left, right};
    vonk_plan *p;
    VONK_TRY(vonk_plan_new(budget, VONK_PN_JOIN, sides, 2, &p, err));
    p->join.type = type;
    vonk_status st = vonk_plan_set_list(p, 0, &condition, condition ? 1 : 0, err);
    if (st != VONK_OK) {
        vonk_plan_unref(p);
        return st;
    }
    return vonk_plan_finish(p, ret, err);
}

vonk_status vonk_pn_sort(vonk_budget *budget, const vonk_plan *child, const vonk_expr *const *orders, uint32_t n,
                         bool global, const vonk_plan **ret, vonk_error *err)
{
    return node_of(budget, VONK_PN_SORT, child, orders, n, global, ret, err);
}

vonk_status vonk_pn_limit(vonk_budget *budget, const vonk_plan *child, int64_t count, const vonk_plan **ret,
                          vonk_error *err)
{
    VONK_AUTO(vonk_expr_unref) const vonk_expr *literal = NULL;
    bool is_int = count >= INT32_MIN && count <= INT32_MAX;
    VONK_TRY(vonk_ex_int(budget, count, is_int ? &vonk_type_int : &vonk_type_long, &literal, err));
    return node_of(budget, VONK_PN_LIMIT, child, &literal, 1, 0, ret, err);
}

vonk_status vonk_pn_alias(vonk_budget *budget, const vonk_plan *child, vonk_str name, const vonk_plan **ret,
                          vonk_error *err)
{
    vonk_plan *p;
    VONK_TRY(vonk_plan_new(budget, VONK_PN_SUBQUERY_ALIAS, &child, 1, &p, err));
    vonk_status st = vonk_plan_strs(p, &name, 1, &p->name.parts, err);
    p->name.n_parts = 1;
    if (st != VONK_OK) {
        vonk_plan_unref(p);
        return st;
    }
    return vonk_plan_finish(p, ret, err);
}

/* COLUMNs with fresh ids for the fields of a struct. */
static vonk_status fields_output(vonk_budget *budget, const vonk_type *struct_type, columns *out, vonk_error *err)
{
    for (uint32_t i = 0; i < struct_type->n_fields; i++) {
        const vonk_field *f = &struct_type->fields[i];
        vonk_expr *c;
        const vonk_expr *done;
        VONK_TRY(vonk_expr_new(budget, VONK_EX_COLUMN, NULL, 0, &c, err));
        c->id = vonk_expr_new_id();
        c->nullable = f->nullable;
        vonk_status st = vonk_expr_set_name(c, f->name, err);
        if (st == VONK_OK) st = vonk_expr_set_type(c, f->type, err);
        if (st == VONK_OK && f->metadata.len) st = vonk_expr_set_metadata(c, f->metadata, err);
        if (st != VONK_OK) {
            vonk_expr_unref(c);
            return st;
        }
        VONK_TRY(vonk_expr_finish(c, &done, err));
        VONK_TRY(add(out, done, err));
    }
    return VONK_OK;
}

vonk_status vonk_pn_local(vonk_budget *budget, const vonk_type *struct_type, vonk_batch *const *batches, uint32_t n,
                          const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(columns_done) columns out = {.budget = budget};
    vonk_plan *p;
    VONK_TRY(fields_output(budget, struct_type, &out, err));
    VONK_TRY(vonk_plan_new(budget, VONK_PN_LOCAL, NULL, 0, &p, err));
    vonk_status st = vonk_plan_hold_batches(p, batches, n, &p->local.batches, err);
    if (st == VONK_OK) st = vonk_plan_set_output(p, out.at, out.n, err);
    if (st != VONK_OK) {
        vonk_plan_unref(p);
        return st;
    }
    p->local.n_batches = n;
    return vonk_plan_finish(p, ret, err);
}

vonk_status vonk_plan_schema(const vonk_plan *p, const vonk_type **ret_struct, vonk_error *err)
{
    vonk_field *fields = NULL;
    if (p->n_output)
        VONK_TRY(vonk_alloc_array(vonk_arena_budget(p->arena), p->n_output, sizeof(*fields), &fields, err));
    for (uint32_t i = 0; i < p->n_output; i++) {
        const vonk_expr *e = p->output[i];
        fields[i] = (vonk_field){e->name, e->type, e->nullable, e->metadata};
    }
    vonk_status st = vonk_type_struct(fields, p->n_output, ret_struct, err);
    vonk_free(fields);
    return st;
}
