/* exec/lower.c -- physical plan -> stages -> operators and pipelines.
 *
 * A stage is what lies between exchanges: its root is an exchange node or the plan's root, its leaves are sources or
 * exchanges that are done. Operators are opened children first. Every input of an operator becomes a port; a path from
 * a source over stream ports to a sink port is a pipeline. */
#include "exec/exec_int.h"

typedef struct lowering {
    vonk_exec *exec;
    uint32_t stage;
    bool is_last;
} lowering;

static vonk_status lower_node(lowering *l, const vonk_plan *node, bool root, vonk_op **ret, vonk_error *err);
static vonk_status build(lowering *l, vonk_op *op, exec_port *consumer, vonk_error *err);

/* ---- stages */

static vonk_status add_stage(vonk_exec *exec, const vonk_plan *root, vonk_error *err)
{
    exec_stage *stage = NULL;
    VONK_TRY(VONK_ARENA_NEW(exec->arena, &stage, err));
    stage->root = root;
    return VONK_VEC_PUSH(&exec->stages, exec->own_budget, stage, err);
}

static exec_stage *stage_of(const vonk_exec *exec, const vonk_plan *exchange)
{
    for (size_t i = 0; i < exec->stages.n; i++) {
        if (exec->stages.at[i]->root == exchange) return exec->stages.at[i];
    }
    return NULL;
}

/* Exchanges below `p`, deepest first; one that is used twice is one stage. Depth is bounded by VONK_MAX_PLAN_DEPTH. */
static vonk_status cut(vonk_exec *exec, const vonk_plan *p, vonk_error *err)
{
    for (uint32_t i = 0; i < p->n_children; i++) {
        const vonk_plan *child = p->children[i];
        if (stage_of(exec, child)) continue;
        VONK_TRY(cut(exec, child, err));
        bool cuts = child->kind == VONK_PN_P_EXCHANGE && child->exchange.kind != VONK_EXCHANGE_COALESCE;
        if (cuts && !vonk__fuses(exec, p, i)) VONK_TRY(add_stage(exec, child, err));
    }
    return VONK_OK;
}

vonk_status vonk__cut_stages(vonk_exec *exec, vonk_error *err)
{
    VONK_TRY(cut(exec, exec->plan, err));
    bool cuts = exec->plan->kind == VONK_PN_P_EXCHANGE && exec->plan->exchange.kind != VONK_EXCHANGE_COALESCE;
    VONK_TRY(add_stage(exec, exec->plan, err));
    return cuts ? add_stage(exec, NULL, err) : VONK_OK; /* a last stage that only reads the exchange */
}

/* ---- operators */

static vonk_status new_op(vonk_exec *exec, const vonk_op_class *cls, const vonk_plan *node, uint32_t n_children,
                          vonk_op **ret, vonk_error *err)
{
    vonk_op *op = NULL;
    VONK_TRY(VONK_ARENA_NEW(exec->arena, &op, err));
    op->cls = cls;
    op->node = node;
    op->exec = exec;
    op->number = vonk_u32_of(exec->ops.n);
    op->n_children = n_children;
    op->n_partitions = 1;
    op->arena = exec->arena;
    VONK_TRY(vonk_arena_array(exec->arena, n_children, sizeof *op->children, &op->children, err));
    VONK_TRY(vonk_arena_array(exec->arena, n_children, sizeof(exec_port *), &op->ports, err));
    VONK_TRY(vonk_arena_alloc(exec->arena, cls->shared_size, &op->shared, err));
    op->n_columns = node->n_output;
    VONK_TRY(vonk_arena_array(exec->arena, op->n_columns, sizeof *op->types, &op->types, err));
    for (uint32_t i = 0; i < op->n_columns; i++) op->types[i] = node->output[i]->type;
    VONK_TRY(vonk_budget_new(exec->budget, cls->name, VONK_NO_LIMIT, &op->budget, err));
    vonk_mutex_lock(&exec->lock);
    vonk_status st = VONK_VEC_PUSH(&exec->ops, exec->own_budget, op, err);
    vonk_mutex_unlock(&exec->lock);
    if (st != VONK_OK)
        vonk_budget_free(op->budget);
    else
        *ret = op;
    return st;
}

static int64_t spiller_size(void *self)
{
    vonk_op *op = self;
    return op->cls->spillable(op);
}
static int64_t spiller_spill(void *self, int64_t bytes_wanted)
{
    vonk_op *op = self;
    return op->cls->spill(op, bytes_wanted);
}

static vonk_status open_op(vonk_op *op, vonk_error *err)
{
    if (op->n_children > 0) {
        op->n_partitions = op->children[0]->n_partitions;
        op->by_hash = op->children[0]->by_hash && !op->cls->inputs[0].sink;
    }
    op->opened = true;
    if (op->cls->open) VONK_TRY(op->cls->open(op, err));
    if (op->cls->spill) {
        op->spiller = (vonk_spiller){.size = spiller_size, .spill = spiller_spill, .self = op};
        vonk_budget_add_spiller(op->exec->budget, &op->spiller);
        op->has_spiller = true;
    }
    return VONK_OK;
}

static vonk_status no_class(const vonk_plan *node, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                     VONK_F("the physical operator %s", vonk_node_name(node->kind)));
}

static vonk_status lower_node(lowering *l, const vonk_plan *node, bool root, vonk_op **ret, vonk_error *err)
{
    vonk_exec *exec = l->exec;
    vonk_op *op = NULL;
    exec_stage *done = stage_of(exec, node);
    if (done && done->done) {
        *ret = done->op;
        return VONK_OK;
    }
    const vonk_op_class *cls = vonk_op_class_of(node->kind);
    if (!cls) return no_class(node, err);
    if (cls->choose && cls->choose(node, root)) cls = cls->choose(node, root);
    if (node->n_children > 0 && cls->n_inputs == 0) return no_class(node, err);
    VONK_TRY(new_op(exec, cls, node, node->n_children, &op, err));
    for (uint32_t i = 0; i < node->n_children; i++) {
        const vonk_plan *fused = NULL, *input = vonk__input_of(exec, node, i, &fused);
        if (fused) op->fused = fused;
        VONK_TRY(lower_node(l, input, false, &op->children[i], err));
    }
    VONK_TRY(open_op(op, err));
    op->stage = l->stage;
    *ret = op;
    return VONK_OK;
}

static void close_sources(vonk_exec *exec, exec_pipeline *first)
{
    for (exec_pipeline *p = first; p; p = p->next) {
        for (uint32_t lane = 0; p->source_locals && lane < exec->n_lanes; lane++) {
            if (!p->source_locals[lane]) continue;
            if (p->source->cls->source->local_close)
                p->source->cls->source->local_close(p->source, p->source_locals[lane]);
            vonk_free(p->source_locals[lane]);
        }
    }
}

void vonk__ops_close(vonk_exec *exec)
{
    for (size_t i = 0; i < exec->ops.n; i++) { /* from here on nobody asks them to spill */
        vonk_op *op = exec->ops.at[i];
        if (op->has_spiller) vonk_budget_remove_spiller(exec->budget, &op->spiller);
    }
    for (size_t i = 0; i < exec->ports.n; i++) {
        exec_port *port = exec->ports.at[i];
        for (uint32_t lane = 0; lane < exec->n_lanes; lane++) {
            if (!port->locals[lane]) continue;
            if (port->cls->local_close) port->cls->local_close(port->op, port->locals[lane]);
            vonk_free(port->locals[lane]);
        }
    }
    close_sources(exec, exec->pipelines);
    close_sources(exec, exec->built);
    for (size_t i = exec->ops.n; i-- > 0;) {
        vonk_op *op = exec->ops.at[i];
        if (op->opened && op->cls->close) op->cls->close(op);
        vonk_budget_retire(op->budget); /* rows handed on may share its memory */
    }
}

/* ---- pipelines */

static vonk_status new_port(lowering *l, vonk_op *op, uint32_t input, exec_port *consumer, exec_port **ret,
                            vonk_error *err)
{
    vonk_exec *exec = l->exec;
    exec_port *port = NULL;
    VONK_TRY(VONK_ARENA_NEW(exec->arena, &port, err));
    port->op = op;
    port->input = input;
    port->cls = &op->cls->inputs[input < op->cls->n_inputs ? input : op->cls->n_inputs - 1];
    port->partition_add = op->partition_add ? op->partition_add[input] : 0;
    port->next = port->cls->sink ? NULL : consumer;
    port->stage = l->stage;
    VONK_TRY(vonk_arena_array(exec->arena, exec->n_lanes, sizeof *port->locals, &port->locals, err));
    vonk_mutex_lock(&exec->lock);
    vonk_status st = VONK_VEC_PUSH(&exec->ports, exec->own_budget, port, err);
    vonk_mutex_unlock(&exec->lock);
    *ret = port;
    return st;
}

/* What must be done before rows may run from `p->source` through its items. */
static vonk_status find_deps(lowering *l, exec_pipeline *p, vonk_error *err)
{
    vonk_exec *exec = l->exec;
    uint32_t room = p->source->stage == l->stage ? p->source->n_children : 0;
    for (uint32_t i = 0; i < p->n_items; i++) room += p->items[i].port->op->n_children;
    VONK_TRY(vonk_arena_array(exec->arena, room, sizeof *p->deps, &p->deps, err));
    if (p->source->stage == l->stage) {
        for (uint32_t c = 0; c < p->source->n_children; c++) p->deps[p->n_deps++] = p->source->ports[c];
    }
    for (uint32_t i = 0; i < p->n_items; i++) {
        const exec_port *port = p->items[i].port;
        for (uint32_t c = 0; c < port->op->n_children; c++) {
            if (c == port->input) continue;
            exec_port *other = port->op->ports[c];
            if (other->cls->first > port->cls->first) p->deps[p->n_deps++] = other;
        }
    }
    return VONK_OK;
}

static vonk_status add_to_map(vonk_exec *exec, uint32_t n, uint32_t add, const uint32_t **inout, vonk_error *err)
{
    uint32_t *map = NULL;
    VONK_TRY(vonk_arena_array(exec->arena, n, sizeof *map, &map, err));
    for (uint32_t i = 0; i < n; i++) map[i] = (*inout)[i] + add;
    *inout = map;
    return VONK_OK;
}

/* Partition numbers above the last item of the path so far, whose operator renumbers them. */
static vonk_status apply_map(vonk_exec *exec, const exec_pipeline *p, const uint32_t *op_map, const uint32_t **ret,
                             vonk_error *err)
{
    uint32_t *map = NULL;
    VONK_TRY(vonk_arena_array(exec->arena, p->n_partitions, sizeof *map, &map, err));
    for (uint32_t i = 0; i < p->n_partitions; i++) map[i] = op_map[vonk__partition_at(&p->items[p->n_items - 1], i)];
    *ret = map;
    return VONK_OK;
}

static vonk_status add_pipeline(lowering *l, vonk_op *source, exec_port *consumer, vonk_error *err)
{
    vonk_exec *exec = l->exec;
    exec_pipeline *p = NULL;
    uint32_t n = 0, add = 0;
    VONK_TRY(VONK_ARENA_NEW(exec->arena, &p, err));
    for (exec_port *port = consumer; port; port = port->next) n++;
    p->source = source;
    p->stage = l->stage;
    p->number = exec->n_pipelines++;
    p->n_partitions = source->n_partitions;
    p->serial = source->needs_order;
    VONK_TRY(vonk_arena_array(exec->arena, n, sizeof *p->items, &p->items, err));
    VONK_TRY(vonk_arena_array(exec->arena, p->n_partitions, sizeof *p->n_morsels, &p->n_morsels, err));
    VONK_TRY(vonk_arena_array(exec->arena, exec->n_lanes, sizeof *p->source_locals, &p->source_locals, err));
    const uint32_t *map = NULL;
    for (exec_port *port = consumer; port; port = port->next) {
        add += port->partition_add;
        if (map && port->partition_add) VONK_TRY(add_to_map(exec, p->n_partitions, port->partition_add, &map, err));
        p->items[p->n_items++] = (path_item){.port = port, .map = map, .add = add};
        if (port->op->partition_map && port->input == 0 && port->next)
            VONK_TRY(apply_map(exec, p, port->op->partition_map, &map, err));
        p->serial |= port->op->needs_order || port->cls->order == VONK_ORDER_NEEDS;
        p->empty_too |= port->op->wants_empty;
        port->n_pipelines_left++;
        port->last_pipeline = p->number;
    }
    exec_port *sink = p->items[n - 1].port;
    assert(sink->cls->sink);
    p->feeder = sink->last_feeder;
    sink->last_feeder = p;
    if (exec->last_built)
        exec->last_built->next = p;
    else
        exec->built = p;
    exec->last_built = p;
    return find_deps(l, p, err);
}

/* Everything that feeds `op`, then `op` as a source; its rows go to `consumer`. */
static vonk_status build(lowering *l, vonk_op *op, exec_port *consumer, vonk_error *err)
{
    const vonk_op_class *cls = op->cls;
    if (op->stage == l->stage) {
        int highest = 0;
        for (uint32_t i = 0; i < op->n_children; i++) {
            VONK_TRY(new_port(l, op, i, consumer, &op->ports[i], err));
            if (op->ports[i]->cls->first > highest) highest = op->ports[i]->cls->first;
        }
        for (int first = highest; first >= 0; first--) {
            for (uint32_t i = 0; i < op->n_children; i++)
                if (op->ports[i]->cls->first == first) VONK_TRY(build(l, op->children[i], op->ports[i], err));
        }
    }
    return cls->source && consumer ? add_pipeline(l, op, consumer, err) : VONK_OK;
}

/* ---- a stage */

static vonk_status reserve_todo(vonk_exec *exec, vonk_error *err)
{
    size_t room = exec->n_pipelines + exec->ports.n * (exec->n_lanes + 2) + exec->stages.n + 1;
    if (room <= exec->todo.capacity) return VONK_OK;
    VONK_TRY(vonk_realloc(exec->own_budget, &exec->todo.at, room * sizeof *exec->todo.at, err));
    exec->todo.capacity = room;
    return VONK_OK;
}

vonk_status vonk__lower_stage(vonk_exec *exec, uint32_t number, vonk_error *err)
{
    exec_stage *stage = exec->stages.at[number];
    lowering l = {.exec = exec, .stage = number, .is_last = number + 1 == exec->stages.n};
    const vonk_plan *root = stage->root ? stage->root : exec->plan;
    vonk_op *top = NULL, *result = NULL;
    VONK_TRY(vonk__replan(exec, number, &root, err));
    if (exec->check_codec && stage->root) VONK_TRY(vonk__stage_through_codec(exec, number, &root, err));
    VONK_TRY(lower_node(&l, root, l.is_last, &top, err));
    if (l.is_last) {
        VONK_TRY(new_op(exec, &vonk__op_result, root, 1, &result, err));
        result->children[0] = top;
        result->stage = number;
        VONK_TRY(open_op(result, err));
        top = result;
    }
    VONK_TRY(build(&l, top, NULL, err));
    top->ports[0]->ends_stage = true;
    stage->op = top;
    vonk_mutex_lock(&exec->lock);
    vonk_status st = reserve_todo(exec, err);
    vonk_mutex_unlock(&exec->lock);
    return st;
}

void vonk__stage_attach(vonk_exec *exec, uint32_t stage)
{
    exec->stages.at[stage]->started = true;
    if (exec->last_pipeline)
        exec->last_pipeline->next = exec->built;
    else
        exec->pipelines = exec->built;
    exec->last_pipeline = exec->last_built;
    exec->built = exec->last_built = NULL;
    vonk__start_ready(exec);
    vonk__exec_kick(exec, exec->todo.n > 1 ? exec->todo.n - 1 : 0);
}
