/* plan/plan.c -- plan nodes: making, copying, references. A node, its arrays and texts lie in one arena.
 *
 * Two counts: `refs` keeps the node alive as part of a plan; `holders` keeps only its arena alive, for copies that
 * still point at its texts. So a chain of rewritten versions of a node does not keep the old versions' children. */
#include "plan/plan_int.h"

#include "plan/origin.h"

static vonk_status own_exprs(vonk_plan *p, const vonk_expr *const *exprs, uint32_t n, const vonk_expr ***ret,
                             vonk_error *err);
static void release_node(vonk_plan *p);
static void drop_holder(const vonk_plan *p);

typedef struct vonk_plan_memo {
    uint64_t key;
    const vonk_conf *conf;
    void (*drop_conf)(const vonk_conf *conf);
    const vonk_plan *result;
} vonk_plan_memo;

static const struct {
    const char *name;
    vonk_node_phase phase;
} nodes[] = {
#define NODE(kind, name, phase) {name, VONK_PHASE_##phase},
#include "plan/node.def"
#undef NODE
};

vonk_node_phase vonk_node_phase_of(vonk_node_kind kind) { return nodes[kind].phase; }
const char *vonk_node_name(vonk_node_kind kind) { return nodes[kind].name; }

/* ---- making */

static vonk_status new_node(vonk_budget *budget, vonk_node_kind kind, vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_plan *p;
    VONK_TRY(vonk_arena_new(budget, &arena, err));
    VONK_TRY(VONK_ARENA_NEW(arena, &p, err));
    p->kind = kind;
    p->plan_id = -1;
    p->origin.start = p->origin.stop = -1;
    p->est_rows = -1;
    p->depth = 1;
    atomic_init(&p->refs, 1);
    atomic_init(&p->holders, 1);
    atomic_flag_clear(&p->memo_lock);
    p->arena = VONK_STEAL(arena);
    *ret = p;
    return VONK_OK;
}

static vonk_status set_children(vonk_plan *p, const vonk_plan *const *children, uint32_t n, vonk_error *err)
{
    if (n == 0) return VONK_OK;
    VONK_TRY(vonk_arena_array(p->arena, n, sizeof(*p->children), &p->children, err));
    for (uint32_t i = 0; i < n; i++) p->children[i] = vonk_plan_ref(children[i]);
    p->n_children = n;
    return VONK_OK;
}

/* A node that is not handed on yet. */
static void drop_unfinished(vonk_plan *p) { vonk_plan_unref(p); }
VONK_DEFINE_AUTO(vonk_plan, drop_unfinished)

vonk_status vonk_plan_new(vonk_budget *budget, vonk_node_kind kind, const vonk_plan *const *children,
                          uint32_t n_children, vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(drop_unfinished) vonk_plan *p = NULL;
    VONK_TRY(new_node(budget, kind, &p, err));
    VONK_TRY(set_children(p, children, n_children, err));
    *ret = VONK_STEAL(p);
    return VONK_OK;
}

/* Where the output does not follow from the children it is part of what is copied. */
static bool output_is_own(const vonk_plan *p)
{
    switch (p->kind) {
    case VONK_PN_EXPAND:
    case VONK_PN_P_EXPAND:
    case VONK_PN_CTE_REF:
    case VONK_PN_PYTHON_MAP:
    case VONK_PN_PYTHON_GROUPS:
    case VONK_PN_P_PYTHON_GROUPS:
    case VONK_PN_P_PYTHON_TABLE:
    case VONK_PN_P_WRITE: return true;
    case VONK_PN_P_AGGREGATE: return p->agg.mode == VONK_AGG_PARTIAL || p->agg.mode == VONK_AGG_MERGE;
    default: return p->n_children == 0 || vonk_node_phase_of(p->kind) == VONK_PHASE_COMMAND;
    }
}

vonk_status vonk_plan_copy(vonk_budget *budget, const vonk_plan *p, const vonk_plan *const *children,
                           uint32_t n_children, vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(drop_unfinished) vonk_plan *c = NULL;
    VONK_TRY(new_node(budget, p->kind, &c, err));
    c->plan_id = p->plan_id;
    c->number = p->number;
    c->hidden = p->hidden;
    c->analyzed = p->analyzed;
    size_t payload = offsetof(vonk_plan, name);
    memcpy((char *)c + payload, (const char *)p + payload, offsetof(vonk_plan, est_rows) - payload);
    /* Texts of the original: its own, or those of the node it was copied from. */
    const vonk_plan *base = p->owns_texts ? p : p->base;
    if (base) {
        atomic_fetch_add_explicit(&((vonk_plan *)base)->holders, 1, memory_order_relaxed);
        c->base = base;
    }
    vonk_plan_set_origin(c, &p->origin);
    if (children)
        VONK_TRY(set_children(c, children, n_children, err));
    else
        VONK_TRY(set_children(c, p->children, p->n_children, err));
    for (uint32_t i = 0; i < p->n_lists; i++) VONK_TRY(vonk_plan_set_list(c, i, p->lists[i].at, p->lists[i].n, err));
    if (p->n_output > 0 && (!children || output_is_own(p)))
        VONK_TRY(vonk_plan_set_output(c, p->output, p->n_output, err));
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

static vonk_status own_exprs(vonk_plan *p, const vonk_expr *const *exprs, uint32_t n, const vonk_expr ***ret,
                             vonk_error *err)
{
    const vonk_expr **own = NULL;
    if (n > 0) VONK_TRY(vonk_arena_array(p->arena, n, sizeof(*own), &own, err));
    for (uint32_t i = 0; i < n; i++) own[i] = vonk_expr_ref(exprs[i]);
    *ret = own;
    return VONK_OK;
}

static void unref_exprs(const vonk_expr **exprs, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) vonk_expr_unref(exprs[i]);
}

vonk_status vonk_plan_set_list(vonk_plan *p, uint32_t list, const vonk_expr *const *exprs, uint32_t n, vonk_error *err)
{
    if (list >= p->lists_room) {
        vonk_expr_list *lists;
        uint32_t room = list < 4 ? 4 : list * 2;
        VONK_TRY(vonk_arena_array(p->arena, room, sizeof(*lists), &lists, err));
        if (p->n_lists) memcpy(lists, p->lists, p->n_lists * sizeof(*lists));
        p->lists = lists;
        p->lists_room = room;
    }
    if (list >= p->n_lists) p->n_lists = list + 1;
    const vonk_expr **own;
    VONK_TRY(own_exprs(p, exprs, n, &own, err));
    unref_exprs(p->lists[list].at, p->lists[list].n);
    p->lists[list] = (vonk_expr_list){own, n};
    return VONK_OK;
}

enum { FEW_COLUMNS = 16 }; /* are looked at one by one */

static int by_column_id(const void *a, const void *b, void *columns)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    const uint64_t x_id = ((const vonk_expr **)columns)[x]->id, y_id = ((const vonk_expr **)columns)[y]->id;
    return x_id != y_id ? (x_id > y_id) - (x_id < y_id) : (x > y) - (x < y);
}

static vonk_status index_output(vonk_plan *p, vonk_error *err)
{
    uint32_t *by_id = NULL;
    p->output_by_id = NULL;
    p->output_ascends = true;
    for (uint32_t i = 1; i < p->n_output && p->output_ascends; i++)
        p->output_ascends = p->output[i - 1]->id <= p->output[i]->id;
    if (p->output_ascends || p->n_output <= FEW_COLUMNS) return VONK_OK;
    VONK_TRY(vonk_arena_array(p->arena, p->n_output, sizeof *by_id, &by_id, err));
    for (uint32_t i = 0; i < p->n_output; i++) by_id[i] = i;
    qsort_r(by_id, p->n_output, sizeof *by_id, by_column_id, p->output);
    p->output_by_id = by_id;
    return VONK_OK;
}

vonk_status vonk_plan_set_output(vonk_plan *p, const vonk_expr *const *columns, uint32_t n, vonk_error *err)
{
    const vonk_expr **own;
    VONK_TRY(own_exprs(p, columns, n, &own, err));
    unref_exprs(p->output, p->n_output);
    p->output = own;
    p->n_output = n;
    return index_output(p, err);
}

uint32_t vonk_plan_column_at(const vonk_plan *p, uint64_t id)
{
    uint32_t from = 0, to = p->n_output;
    if (!p->output_by_id && !p->output_ascends) {
        while (from < to && p->output[from]->id != id) from++;
        return from;
    }
    while (from < to) {
        const uint32_t middle = from + (to - from) / 2;
        if (p->output[p->output_by_id ? p->output_by_id[middle] : middle]->id < id)
            from = middle + 1;
        else
            to = middle;
    }
    const uint32_t at = from < p->n_output && p->output_by_id ? p->output_by_id[from] : from;
    return at < p->n_output && p->output[at]->id == id ? at : p->n_output;
}

vonk_status vonk_plan_str(vonk_plan *p, vonk_str text, vonk_str *ret, vonk_error *err)
{
    p->owns_texts = true;
    return vonk_arena_str(p->arena, text, ret, err);
}

vonk_status vonk_plan_strs(vonk_plan *p, const vonk_str *texts, uint32_t n, const vonk_str **ret, vonk_error *err)
{
    vonk_str *own = NULL;
    p->owns_texts = true;
    if (n > 0) VONK_TRY(vonk_arena_array(p->arena, n, sizeof(*own), &own, err));
    for (uint32_t i = 0; i < n; i++) VONK_TRY(vonk_arena_str(p->arena, texts[i], &own[i], err));
    *ret = own;
    return VONK_OK;
}

vonk_status vonk_plan_options(vonk_plan *p, const vonk_option *options, uint32_t n, const vonk_option **ret,
                              vonk_error *err)
{
    vonk_option *own = NULL;
    p->owns_texts = true;
    if (n > 0) VONK_TRY(vonk_arena_array(p->arena, n, sizeof(*own), &own, err));
    for (uint32_t i = 0; i < n; i++) {
        VONK_TRY(vonk_arena_str(p->arena, options[i].key, &own[i].key, err));
        VONK_TRY(vonk_arena_str(p->arena, options[i].value, &own[i].value, err));
    }
    *ret = own;
    return VONK_OK;
}

/* ---- things that stay alive as long as the arena */

static void drop_type(void *type) { vonk_type_unref(type); }
static void drop_expr(void *expr) { vonk_expr_unref(expr); }
static void drop_batch(void *batch) { vonk_batch_unref(batch); }
static void drop_table(void *table) { vonk_table_unref(table); }
static void drop_scan(void *scan) { vonk_scan_unref(scan); }

vonk_status vonk_plan_hold_type(vonk_plan *p, const vonk_type *type, const vonk_type **ret, vonk_error *err)
{
    p->owns_texts = true;
    VONK_TRY(vonk_arena_on_free(p->arena, drop_type, (void *)vonk_type_ref(type), err));
    *ret = type;
    return VONK_OK;
}

vonk_status vonk_plan_hold_exprs(vonk_plan *p, const vonk_expr *const *exprs, uint32_t n, vonk_expr_list *ret,
                                 vonk_error *err)
{
    const vonk_expr **own = NULL;
    p->owns_texts = true;
    if (n > 0) VONK_TRY(vonk_arena_array(p->arena, n, sizeof(*own), &own, err));
    for (uint32_t i = 0; i < n; i++) {
        VONK_TRY(vonk_arena_on_free(p->arena, drop_expr, (void *)vonk_expr_ref(exprs[i]), err));
        own[i] = exprs[i];
    }
    *ret = (vonk_expr_list){own, n};
    return VONK_OK;
}

vonk_status vonk_plan_hold_batches(vonk_plan *p, vonk_batch *const *batches, uint32_t n, vonk_batch *const **ret,
                                   vonk_error *err)
{
    vonk_batch **own = NULL;
    p->owns_texts = true;
    if (n > 0) VONK_TRY(vonk_arena_array(p->arena, n, sizeof(*own), &own, err));
    for (uint32_t i = 0; i < n; i++) {
        VONK_TRY(vonk_arena_on_free(p->arena, drop_batch, vonk_batch_ref(batches[i]), err));
        own[i] = batches[i];
    }
    *ret = own;
    return VONK_OK;
}

vonk_status vonk_plan_hold_table(vonk_plan *p, vonk_table *table, vonk_error *err)
{
    p->owns_texts = true;
    VONK_TRY(vonk_arena_on_free(p->arena, drop_table, vonk_table_ref(table), err));
    p->scan.table = table;
    return VONK_OK;
}

vonk_status vonk_plan_hold_scan(vonk_plan *p, vonk_scan *scan, vonk_error *err)
{
    p->owns_texts = true;
    VONK_TRY(vonk_arena_on_free(p->arena, drop_scan, vonk_scan_ref(scan), err));
    p->scan.scan = scan;
    return VONK_OK;
}

void vonk_plan_set_origin(vonk_plan *p, const vonk_origin *origin)
{
    if (origin->text) vonk_origin_text_ref(origin->text);
    if (p->origin.text) vonk_origin_text_unref(p->origin.text);
    p->origin = *origin;
}

static bool lists_resolved(const vonk_plan *p)
{
    for (uint32_t i = 0; i < p->n_lists; i++)
        for (uint32_t k = 0; k < p->lists[i].n; k++)
            if (!p->lists[i].at[k]->resolved) return false;
    return true;
}

static bool all_named(const vonk_expr_list *list)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (list->at[i]->kind != VONK_EX_ALIAS && list->at[i]->kind != VONK_EX_COLUMN) return false;
    return true;
}

/* Whether this node itself, its children and expressions being resolved, is. */
static bool kind_resolved(const vonk_plan *p)
{
    switch (p->kind) {
    case VONK_PN_SUBQUERY_ALIAS: return p->name.n_columns == 0;
    case VONK_PN_AGGREGATE:
        return p->group.kind == VONK_GROUP_BY && !p->group.by_all && p->n_lists > 1 && all_named(&p->lists[1]);
    case VONK_PN_GENERATE: return p->generate.generated.n > 0;
    case VONK_PN_JOIN: return !p->join.natural && p->join.n_using == 0 && !p->join.as_of;
    case VONK_PN_SET_OP: return !p->set.by_name;
    case VONK_PN_PROJECT: return p->n_lists > 0 && all_named(&p->lists[0]);
    case VONK_PN_CTE_REF: return p->n_output > 0;
    default: return vonk_node_phase_of(p->kind) != VONK_PHASE_UNRESOLVED;
    }
}

/* Physical plans are as large as the logical ones that they come from. */
static vonk_status weigh(vonk_plan *p, vonk_error *err)
{
    const bool is_physical = vonk_node_phase_of(p->kind) == VONK_PHASE_PHYSICAL;
    const bool makes_columns = p->n_children == 0 || p->kind == VONK_PN_SUBQUERY_ALIAS;
    const int64_t most = vonk_budget_limit(vonk_arena_budget(p->arena)) / VONK_MEMORY_PER_PLAN_WEIGHT;
    uint64_t weight = (uint64_t)p->n_output * (makes_columns ? VONK_PLAN_NODE_WEIGHT : 1);
    for (uint32_t i = 0; i < p->n_children; i++) weight += p->children[i]->weight;
    for (uint32_t i = 0; i < p->n_lists; i++)
        for (uint32_t k = 0; k < p->lists[i].n; k++) {
            const vonk_expr *e = p->lists[i].at[k];
            weight += e->kind == VONK_EX_COLUMN ? 1 : (uint64_t)e->n_nodes * VONK_PLAN_NODE_WEIGHT;
        }
    p->weight = weight < UINT32_MAX ? (uint32_t)weight : UINT32_MAX;
    return p->weight > most && !is_physical ? VONK_FAIL(err, VONK_E_FAILED_TO_PARSE_TOO_COMPLEX) : VONK_OK;
}

vonk_status vonk_plan_finish(vonk_plan *take_p, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(drop_unfinished) vonk_plan *p = take_p;
    unsigned depth = 0;
    bool resolved = true;
    for (uint32_t i = 0; i < p->n_children; i++) {
        if (p->children[i]->depth > depth) depth = p->children[i]->depth;
        resolved = resolved && p->children[i]->resolved;
    }
    if (depth >= VONK_MAX_PLAN_DEPTH) return VONK_FAIL(err, VONK_E_FAILED_TO_PARSE_TOO_COMPLEX);
    p->depth = vonk_u16_of(depth + 1);
    p->resolved = resolved && lists_resolved(p) && kind_resolved(p);
    if (p->resolved) VONK_TRY(vonk__plan_derive_output(p, err));
    VONK_TRY(weigh(p, err));
    *ret = VONK_STEAL(p);
    return VONK_OK;
}

/* ---- references */

const vonk_plan *vonk_plan_ref(const vonk_plan *p)
{
    if (p) atomic_fetch_add_explicit(&((vonk_plan *)p)->refs, 1, memory_order_relaxed);
    return p;
}

static bool drop_ref(const vonk_plan *p)
{
    if (atomic_fetch_sub_explicit(&((vonk_plan *)p)->refs, 1, memory_order_acq_rel) > 1) return false;
    return true;
}

static void drop_holder(const vonk_plan *p)
{
    while (p && atomic_fetch_sub_explicit(&((vonk_plan *)p)->holders, 1, memory_order_acq_rel) == 1) {
        const vonk_plan *base = p->base;
        vonk_arena_free(p->arena);
        p = base;
    }
}

static void drop_memo(vonk_plan_memo *memo)
{
    if (!memo) return;
    memo->drop_conf(memo->conf);
    vonk_plan_unref(memo->result);
    vonk_free(memo);
}

/* The node's last reference is gone (or it was never handed on). Dead children wait in a list that is linked through
 * `number`, which nobody reads any more, so that deep plans need no stack. */
static void release_node(vonk_plan *p)
{
    vonk_plan *dead = p;
    p->number = 0;
    while (dead) {
        vonk_plan *at = dead;
        dead = (vonk_plan *)(intptr_t)at->number;
        for (uint32_t i = 0; i < at->n_children; i++) {
            vonk_plan *child = (vonk_plan *)at->children[i];
            if (!child || !drop_ref(child)) continue;
            child->number = (int64_t)(intptr_t)dead;
            dead = child;
        }
        for (uint32_t i = 0; i < at->n_lists; i++) unref_exprs(at->lists[i].at, at->lists[i].n);
        unref_exprs(at->output, at->n_output);
        drop_memo(at->memo);
        if (at->origin.text) vonk_origin_text_unref(at->origin.text);
        drop_holder(at);
    }
}

void vonk_plan_unref(const vonk_plan *p)
{
    if (p && drop_ref(p)) release_node((vonk_plan *)p);
}

/* ---- memo */

static void lock_memo(vonk_plan *p)
{
    while (atomic_flag_test_and_set_explicit(&p->memo_lock, memory_order_acquire)) {
    } /* held for a few instructions */
}

const vonk_plan *vonk_plan_memo_get(const vonk_plan *p, uint64_t key, const vonk_conf *conf)
{
    vonk_plan *own = (vonk_plan *)p;
    const vonk_plan *found = NULL;
    lock_memo(own);
    if (own->memo && own->memo->key == key && own->memo->conf == conf) found = vonk_plan_ref(own->memo->result);
    atomic_flag_clear_explicit(&own->memo_lock, memory_order_release);
    return found;
}

void vonk_plan_memo_put(const vonk_plan *p, uint64_t key, const vonk_conf *take_conf,
                        void (*drop_conf)(const vonk_conf *conf), const vonk_plan *result)
{
    vonk_plan *own = (vonk_plan *)p;
    vonk_plan_memo *memo;
    VONK_AUTO(vonk_error_reset) vonk_error ignored = VONK_ERROR_INIT;
    if (p == result || VONK_NEW(vonk_arena_budget(p->arena), &memo, &ignored) != VONK_OK) {
        drop_conf(take_conf);
        return;
    }
    *memo = (vonk_plan_memo){key, take_conf, drop_conf, vonk_plan_ref(result)};
    lock_memo(own);
    vonk_plan_memo *old = own->memo;
    own->memo = memo;
    atomic_flag_clear_explicit(&own->memo_lock, memory_order_release);
    drop_memo(old);
}
