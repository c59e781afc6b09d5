/* plan/plan_rewrite.c -- walks and rewrites over plan trees; fresh column ids; equality of results. Depth is bounded
 * when nodes are made. */
#include "plan/plan_int.h"

#include "base/hash.h"

typedef struct kids { /* children of one node while they are rewritten; all referenced */
    const vonk_plan *few[4], **at;
    uint32_t n;
} kids;

static void kids_done(kids *k)
{
    for (uint32_t i = 0; i < k->n; i++) vonk_plan_unref(k->at[i]);
    if (k->at != k->few) vonk_free(k->at);
}
VONK_DEFINE_AUTO_DONE(kids, kids_done)

static vonk_status kids_room(kids *k, vonk_budget *budget, uint32_t n, vonk_error *err)
{
    k->at = k->few;
    if (n > VONK_COUNTOF(k->few)) {
        k->at = NULL;
        VONK_TRY(vonk_alloc_array(budget, n, sizeof(*k->at), &k->at, err));
    }
    return VONK_OK;
}

bool vonk_plan_walk(const vonk_plan *p, vonk_walk (*visit)(const vonk_plan *p, void *arg), void *arg)
{
    switch (visit(p, arg)) {
    case VONK_WALK_STOP: return false;
    case VONK_WALK_SKIP: return true;
    case VONK_WALK_ON: break;
    }
    for (uint32_t i = 0; i < p->n_children; i++)
        if (!vonk_plan_walk(p->children[i], visit, arg)) return false;
    return true;
}

static vonk_status with_children(vonk_budget *budget, const vonk_plan *p, const kids *k, const vonk_plan **ret,
                                 vonk_error *err)
{
    bool same = true;
    for (uint32_t i = 0; i < k->n; i++) same = same && k->at[i] == p->children[i];
    if (same) {
        *ret = vonk_plan_ref(p);
        return VONK_OK;
    }
    vonk_plan *copy;
    VONK_TRY(vonk_plan_copy(budget, p, k->at, k->n, &copy, err));
    return vonk_plan_finish(copy, ret, err);
}

vonk_status vonk_plan_rewrite(vonk_budget *budget, const vonk_plan *p, vonk_plan_step step, void *arg,
                              const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(kids_done) kids k = {0};
    VONK_AUTO(vonk_plan_unref) const vonk_plan *rebuilt = NULL;
    VONK_TRY(kids_room(&k, budget, p->n_children, err));
    for (; k.n < p->n_children; k.n++)
        VONK_TRY(vonk_plan_rewrite(budget, p->children[k.n], step, arg, &k.at[k.n], err));
    VONK_TRY(with_children(budget, p, &k, &rebuilt, err));
    return step(rebuilt, arg, ret, err);
}

vonk_status vonk_plan_rewrite_down(vonk_budget *budget, const vonk_plan *p, vonk_plan_step step, void *arg,
                                   const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(kids_done) kids k = {0};
    VONK_AUTO(vonk_plan_unref) const vonk_plan *stepped = NULL;
    VONK_TRY(step(p, arg, &stepped, err));
    VONK_TRY(kids_room(&k, budget, stepped->n_children, err));
    for (; k.n < stepped->n_children; k.n++)
        VONK_TRY(vonk_plan_rewrite_down(budget, stepped->children[k.n], step, arg, &k.at[k.n], err));
    return with_children(budget, stepped, &k, ret, err);
}

typedef struct exprs { /* one rewritten list; all referenced */
    const vonk_expr **at;
    uint32_t n;
} exprs;

static void exprs_done(exprs *e)
{
    for (uint32_t i = 0; i < e->n; i++) vonk_expr_unref(e->at[i]);
    vonk_free(e->at);
}
VONK_DEFINE_AUTO_DONE(exprs, exprs_done)

static vonk_status rewrite_list(vonk_budget *budget, const vonk_expr *const *from, uint32_t n, vonk_expr_step step,
                                void *arg, exprs *out, bool *inout_changed, vonk_error *err)
{
    VONK_TRY(vonk_alloc_array(budget, n, sizeof(*out->at), &out->at, err));
    for (; out->n < n; out->n++) {
        VONK_TRY(vonk_expr_rewrite(budget, from[out->n], step, arg, &out->at[out->n], err));
        *inout_changed = *inout_changed || out->at[out->n] != from[out->n];
    }
    return VONK_OK;
}

static vonk_status copy_keeping_children(vonk_budget *budget, const vonk_plan *p, vonk_plan **inout_copy,
                                         vonk_error *err)
{
    if (*inout_copy) return VONK_OK;
    static const vonk_plan *const none[1];
    return vonk_plan_copy(budget, p, p->n_children ? p->children : none, p->n_children, inout_copy, err);
}

static void drop_writable(vonk_plan *p) { vonk_plan_unref(p); }
VONK_DEFINE_AUTO(vonk_plan, drop_writable)

vonk_status vonk_plan_rewrite_exprs(vonk_budget *budget, const vonk_plan *p, vonk_expr_step step, void *arg,
                                    const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(drop_writable) vonk_plan *copy = NULL;
    for (uint32_t i = 0; i < p->n_lists; i++) {
        VONK_AUTO(exprs_done) exprs list = {0};
        bool changed = false;
        if (p->lists[i].n == 0) continue;
        VONK_TRY(rewrite_list(budget, p->lists[i].at, p->lists[i].n, step, arg, &list, &changed, err));
        if (!changed) continue;
        VONK_TRY(copy_keeping_children(budget, p, &copy, err));
        VONK_TRY(vonk_plan_set_list(copy, i, list.at, list.n, err));
    }
    if (!copy) {
        *ret = vonk_plan_ref(p);
        return VONK_OK;
    }
    return vonk_plan_finish(VONK_STEAL(copy), ret, err);
}

/* ---- id maps */

bool vonk__id_map_get(const vonk_id_map *map, uint64_t key, uint64_t *ret)
{
    if (map->n == 0) return false;
    for (size_t at = vonk_hash_mix(key) & (map->capacity - 1); map->keys[at]; at = (at + 1) & (map->capacity - 1))
        if (map->keys[at] == key) {
            *ret = map->values[at];
            return true;
        }
    return false;
}

static void id_map_insert(vonk_id_map *map, uint64_t key, uint64_t value)
{
    size_t at = vonk_hash_mix(key) & (map->capacity - 1);
    while (map->keys[at] && map->keys[at] != key) at = (at + 1) & (map->capacity - 1);
    if (!map->keys[at]) map->n++;
    map->keys[at] = key;
    map->values[at] = value;
}

vonk_status vonk__id_map_put(vonk_id_map *map, uint64_t key, uint64_t value, vonk_error *err)
{
    assert(key != 0);
    if (map->n * 2 >= map->capacity) {
        vonk_id_map grown = {.arena = map->arena, .capacity = map->capacity ? map->capacity * 2 : 32};
        VONK_TRY(vonk_arena_array(map->arena, grown.capacity, sizeof(uint64_t), &grown.keys, err));
        VONK_TRY(vonk_arena_array(map->arena, grown.capacity, sizeof(uint64_t), &grown.values, err));
        for (size_t i = 0; i < map->capacity; i++)
            if (map->keys[i]) id_map_insert(&grown, map->keys[i], map->values[i]);
        *map = grown;
    }
    id_map_insert(map, key, value);
    return VONK_OK;
}

/* ---- renumbering: fresh ids for a second use of a plan; dense numbers for comparing plans */

typedef struct renumber {
    vonk_budget *budget;
    vonk_id_map ids;
    bool canonical; /* dense numbers in order of appearance */
    uint64_t next;  /* canonical: the next number */
} renumber;

static vonk_status renumber_plan(const vonk_plan *p, renumber *r, const vonk_plan **ret, vonk_error *err);

/* The new id of a column that is defined here. */
static vonk_status define_id(renumber *r, uint64_t id, uint64_t *ret, vonk_error *err)
{
    if (id == 0 || vonk__id_map_get(&r->ids, id, ret)) {
        if (id == 0) *ret = 0;
        return VONK_OK;
    }
    *ret = r->canonical ? r->next++ : vonk_expr_new_id();
    return vonk__id_map_put(&r->ids, id, *ret, err);
}

static vonk_status renumber_expr(const vonk_expr *e, void *arg, const vonk_expr **ret, vonk_error *err)
{
    renumber *r = arg;
    uint64_t id = e->id;
    if (e->kind == VONK_EX_ALIAS)
        VONK_TRY(define_id(r, e->id, &id, err));
    else if (e->kind == VONK_EX_COLUMN)
        vonk__id_map_get(&r->ids, e->id, &id);
    if (e->kind == VONK_EX_SUBQUERY && e->plan) {
        VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
        VONK_TRY(renumber_plan(e->plan, r, &plan, err));
        vonk_expr *copy;
        VONK_TRY(vonk_expr_copy(r->budget, e, NULL, 0, &copy, err));
        vonk_status st = vonk_expr_set_plan(copy, plan, err);
        if (st != VONK_OK) {
            vonk_expr_unref(copy);
            return st;
        }
        return vonk_expr_finish(copy, ret, err);
    }
    if (id == e->id) {
        *ret = vonk_expr_ref(e);
        return VONK_OK;
    }
    vonk_expr *copy;
    VONK_TRY(vonk_expr_copy(r->budget, e, NULL, 0, &copy, err));
    copy->id = id;
    return vonk_expr_finish(copy, ret, err);
}

/* Columns that this node itself brings into being: a leaf's output, a generator's, EXPAND's, the mark of a join. */
static vonk_status renumber_columns(renumber *r, const vonk_expr *const *from, uint32_t n, exprs *out, vonk_error *err)
{
    VONK_TRY(vonk_alloc_array(r->budget, n, sizeof(*out->at), &out->at, err));
    for (; out->n < n; out->n++) {
        uint64_t id;
        vonk_expr *copy;
        VONK_TRY(define_id(r, from[out->n]->id, &id, err));
        VONK_TRY(vonk_expr_copy(r->budget, from[out->n], NULL, 0, &copy, err));
        copy->id = id;
        VONK_TRY(vonk_expr_finish(copy, &out->at[out->n], err));
    }
    return VONK_OK;
}

static vonk_status renumber_own(renumber *r, const vonk_plan *p, vonk_plan **inout_copy, vonk_error *err)
{
    VONK_AUTO(exprs_done) exprs own = {0};
    bool logical = vonk_node_phase_of(p->kind) != VONK_PHASE_PHYSICAL;
    if (p->kind == VONK_PN_GENERATE && p->generate.generated.n) {
        VONK_TRY(renumber_columns(r, p->generate.generated.at, p->generate.generated.n, &own, err));
        VONK_TRY(copy_keeping_children(r->budget, p, inout_copy, err));
        return vonk_plan_hold_exprs(*inout_copy, own.at, own.n, &(*inout_copy)->generate.generated, err);
    }
    if (p->kind == VONK_PN_JOIN && p->join.type == VONK_JOIN_MARK) {
        VONK_TRY(copy_keeping_children(r->budget, p, inout_copy, err));
        return define_id(r, p->join.mark_id, &(*inout_copy)->join.mark_id, err);
    }
    bool own_output = p->n_children == 0 || p->kind == VONK_PN_EXPAND || p->kind == VONK_PN_PYTHON_MAP ||
                      p->kind == VONK_PN_PYTHON_GROUPS;
    if (logical && p->n_output && own_output) {
        VONK_TRY(renumber_columns(r, p->output, p->n_output, &own, err));
        VONK_TRY(copy_keeping_children(r->budget, p, inout_copy, err));
        return vonk_plan_set_output(*inout_copy, own.at, own.n, err);
    }
    return VONK_OK;
}

static vonk_status renumber_hidden(renumber *r, const vonk_plan *p, vonk_plan **inout_copy, vonk_error *err)
{
    VONK_AUTO(exprs_done) exprs list = {0};
    bool changed = false;
    if (p->hidden.n == 0) return VONK_OK;
    VONK_TRY(rewrite_list(r->budget, p->hidden.at, p->hidden.n, renumber_expr, r, &list, &changed, err));
    VONK_TRY(copy_keeping_children(r->budget, p, inout_copy, err));
    return vonk_plan_hold_exprs(*inout_copy, list.at, list.n, &(*inout_copy)->hidden, err);
}

static vonk_status renumber_plan(const vonk_plan *p, renumber *r, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(kids_done) kids k = {0};
    VONK_AUTO(vonk_plan_unref) const vonk_plan *rebuilt = NULL, *owned = NULL;
    VONK_AUTO(drop_writable) vonk_plan *copy = NULL;
    VONK_TRY(kids_room(&k, r->budget, p->n_children, err));
    for (; k.n < p->n_children; k.n++) VONK_TRY(renumber_plan(p->children[k.n], r, &k.at[k.n], err));
    VONK_TRY(with_children(r->budget, p, &k, &rebuilt, err));
    VONK_TRY(renumber_own(r, rebuilt, &copy, err));
    VONK_TRY(renumber_hidden(r, rebuilt, &copy, err));
    if (copy) VONK_TRY(vonk_plan_finish(VONK_STEAL(copy), &owned, err));
    return vonk_plan_rewrite_exprs(r->budget, owned ? owned : rebuilt, renumber_expr, r, ret, err);
}

vonk_status vonk_plan_fresh_ids(vonk_budget *budget, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_TRY(vonk_arena_new(budget, &arena, err));
    renumber r = {.budget = budget, .ids = {.arena = arena}};
    return renumber_plan(p, &r, ret, err);
}

vonk_status vonk__plan_canonical(vonk_budget *budget, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_TRY(vonk_arena_new(budget, &arena, err));
    renumber r = {.budget = budget, .ids = {.arena = arena}, .canonical = true, .next = 1};
    return renumber_plan(p, &r, ret, err);
}
