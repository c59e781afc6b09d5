/* plan/expr.c -- memory of expressions: making, copying, freeing; vonk_expr_finish closes a node
 * (types: plan/expr_type.c). */
#include "plan/expr_int.h"
#include "plan/origin.h"
#include "plan/plan.h"

enum { TEXT_BYTES = 48 }; /* room for a name in the first block */

static _Atomic uint64_t next_id = 1;

uint64_t vonk_expr_new_id(void) { return __atomic_fetch_add((uint64_t *)&next_id, 1, __ATOMIC_RELAXED); }

static vonk_status new_node(vonk_budget *budget, uint32_t n_children, vonk_expr **ret, vonk_error *err)
{
    vonk_arena *arena = NULL;
    vonk_expr *e = NULL;
    size_t bytes = sizeof(vonk_expr) + n_children * sizeof(vonk_expr *) + TEXT_BYTES;

    VONK_TRY(vonk_arena_new_sized(budget, bytes, &arena, err));
    vonk_status st = VONK_ARENA_NEW(arena, &e, err);
    if (st == VONK_OK && n_children > 0)
        st = vonk_arena_array(arena, n_children, sizeof(vonk_expr *), &e->children, err);
    if (st != VONK_OK) {
        vonk_arena_free(arena);
        return st;
    }
    e->arena = arena;
    e->refs = 1;
    e->plan_id = -1;
    *ret = e;
    return VONK_OK;
}

vonk_status vonk_expr_new(vonk_budget *budget, vonk_expr_kind kind, const vonk_expr *const *children,
                          uint32_t n_children, vonk_expr **ret, vonk_error *err)
{
    vonk_expr *e = NULL;
    VONK_TRY(new_node(budget, n_children, &e, err));
    e->kind = kind;
    e->n_children = n_children;
    for (uint32_t i = 0; i < n_children; i++) e->children[i] = vonk_expr_ref(children[i]);
    *ret = e;
    return VONK_OK;
}

/* Texts of a copy lie where the original's do: in the original, or in the node that the original keeps for that. */
static const vonk_expr *text_owner(const vonk_expr *e) { return e->own_texts || !e->base ? e : e->base; }

vonk_status vonk_expr_copy(vonk_budget *budget, const vonk_expr *e, const vonk_expr *const *children,
                           uint32_t n_children, vonk_expr **ret, vonk_error *err)
{
    vonk_expr *c = NULL;
    if (!children) n_children = e->n_children;
    VONK_TRY(new_node(budget, n_children, &c, err));
    vonk_arena *arena = c->arena;
    const vonk_expr **slots = c->children;

    memcpy(c, e, sizeof(*c));
    c->refs = 1;
    c->arena = arena;
    c->children = slots;
    c->n_children = n_children;
    c->resolved = false;
    c->own_texts = false;
    c->base = e->own_texts || e->base ? vonk_expr_ref(text_owner(e)) : NULL;
    for (uint32_t i = 0; i < n_children; i++) slots[i] = vonk_expr_ref(children ? children[i] : e->children[i]);
    if (c->type) vonk_type_ref(c->type);
    if (c->value) vonk_column_ref(c->value);
    vonk_python_fn_ref(c->python);
    if (c->plan) vonk_plan_ref(c->plan);
    if (c->origin.text) vonk_origin_text_ref(c->origin.text);
    *ret = c;
    return VONK_OK;
}

static vonk_status set_text(vonk_expr *e, vonk_str text, vonk_str *ret, vonk_error *err)
{
    VONK_TRY(vonk_arena_str(e->arena, text, ret, err));
    e->own_texts = true;
    return VONK_OK;
}

vonk_status vonk_expr_set_name(vonk_expr *e, vonk_str name, vonk_error *err)
{
    return set_text(e, name, &e->name, err);
}

vonk_status vonk_expr_set_metadata(vonk_expr *e, vonk_str json, vonk_error *err)
{
    return set_text(e, json, &e->metadata, err);
}

vonk_status vonk_expr_set_shown(vonk_expr *e, vonk_str text, vonk_error *err)
{
    return set_text(e, text, &e->shown, err);
}

vonk_status vonk_expr_set_parts(vonk_expr *e, const vonk_str *parts, uint32_t n, vonk_error *err)
{
    vonk_str *copies = NULL;
    VONK_TRY(vonk_arena_array(e->arena, n, sizeof(vonk_str), &copies, err));
    for (uint32_t i = 0; i < n; i++) VONK_TRY(vonk_arena_str(e->arena, parts[i], &copies[i], err));
    e->parts = copies;
    e->n_parts = n;
    e->own_texts = true;
    return VONK_OK;
}

vonk_status vonk_expr_set_ids(vonk_expr *e, const uint64_t *ids, uint32_t n, vonk_error *err)
{
    uint64_t *copies = NULL;
    VONK_TRY(vonk_arena_array(e->arena, n, sizeof(uint64_t), &copies, err));
    if (n) memcpy(copies, ids, n * sizeof(uint64_t));
    e->ids = copies;
    e->own_texts = true;
    return VONK_OK;
}

vonk_status vonk_expr_set_type(vonk_expr *e, const vonk_type *type, vonk_error *err)
{
    (void)err;
    const vonk_type *old = e->type;
    e->type = type ? vonk_type_ref(type) : NULL;
    vonk_type_unref(old);
    return VONK_OK;
}

vonk_status vonk_expr_set_value(vonk_expr *e, const vonk_column *value, vonk_error *err)
{
    (void)err;
    vonk_column *old = e->value;
    e->value = vonk_column_ref(value);
    vonk_column_unref(old);
    return VONK_OK;
}

vonk_status vonk_expr_set_plan(vonk_expr *e, const vonk_plan *plan, vonk_error *err)
{
    (void)err;
    const vonk_plan *old = e->plan;
    e->plan = plan ? vonk_plan_ref(plan) : NULL;
    if (old) vonk_plan_unref(old);
    return VONK_OK;
}

void vonk_expr_set_python(vonk_expr *e, const vonk_python_fn *python)
{
    const vonk_python_fn *old = e->python;
    e->python = vonk_python_fn_ref(python);
    vonk_python_fn_unref(old);
}

void vonk_expr_set_origin(vonk_expr *e, const vonk_origin *origin)
{
    vonk_origin old = e->origin;
    e->origin = *origin;
    if (e->origin.text) vonk_origin_text_ref(e->origin.text);
    if (old.text) vonk_origin_text_unref(old.text);
}

vonk_status vonk_expr_finish(vonk_expr *take_e, const vonk_expr **ret, vonk_error *err)
{
    const uint64_t uncounted = VONK_EX_BIT(VONK_EX_LITERAL) | VONK_EX_BIT(VONK_EX_CAST) | VONK_EX_BIT(VONK_EX_ALIAS);
    uint64_t kinds = VONK_EX_BIT(take_e->kind), n_nodes = 1;
    uint32_t deepest = 0;
    for (uint32_t i = 0; i < take_e->n_children; i++) {
        if (take_e->children[i]->depth > deepest) deepest = take_e->children[i]->depth;
        kinds |= take_e->children[i]->kinds;
        n_nodes += take_e->children[i]->n_nodes;
    }
    if (take_e->plan) n_nodes += take_e->plan->weight / VONK_PLAN_NODE_WEIGHT;
    take_e->kinds = kinds;
    if ((kinds & ~uncounted) == 0) n_nodes = 0;
    take_e->n_nodes = n_nodes < UINT32_MAX ? (uint32_t)n_nodes : UINT32_MAX;
    vonk_status st = VONK_OK;
    if (deepest + 1 > VONK_MAX_EXPR_DEPTH)
        st = VONK_FAIL(err, VONK_E_FAILED_TO_PARSE_TOO_COMPLEX);
    else
        take_e->depth = vonk_u16_of(deepest + 1);
    if (st == VONK_OK) st = vonk__expr_derive(take_e, err);
    if (st != VONK_OK) {
        vonk_expr_unref(take_e);
        return st;
    }
    *ret = take_e;
    return VONK_OK;
}

const vonk_expr *vonk_expr_ref(const vonk_expr *e)
{
    __atomic_fetch_add((int64_t *)&((vonk_expr *)e)->refs, 1, __ATOMIC_RELAXED);
    return e;
}

static bool last_ref(const vonk_expr *e)
{
    return e && __atomic_sub_fetch((int64_t *)&((vonk_expr *)e)->refs, 1, __ATOMIC_ACQ_REL) == 0;
}

/* A node whose count has come to zero is nobody else's: `base_link` chains those that wait to be freed. */
static void free_later(const vonk_expr *e, vonk_expr **inout_list)
{
    if (!last_ref(e)) return;
    ((vonk_expr *)e)->dying = *inout_list;
    *inout_list = (vonk_expr *)e;
}

void vonk_expr_unref(const vonk_expr *e)
{
    vonk_expr *dying = NULL;
    free_later(e, &dying);
    while (dying) {
        vonk_expr *x = dying;
        dying = x->dying;
        for (uint32_t i = 0; i < x->n_children; i++) free_later(x->children[i], &dying);
        free_later(x->base, &dying);
        vonk_type_unref(x->type);
        vonk_column_unref(x->value);
        vonk_python_fn_unref(x->python);
        if (x->plan) vonk_plan_unref(x->plan);
        if (x->origin.text) vonk_origin_text_unref(x->origin.text);
        vonk_arena_free(x->arena);
    }
}
