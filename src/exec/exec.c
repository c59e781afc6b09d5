/* exec/exec.c -- an execution from start to free; progress and numbers; what operators ask of it. */
#include "exec/exec_int.h"

static vonk_status start(vonk_exec *exec, vonk_error *err);

/* ---- life */

static bool wants_no_more(void *query) { return vonk_exec_cancelled(query); }

static vonk_status new_lane(vonk_exec *exec, uint32_t number, vonk_error *err)
{
    exec_runner *r = NULL;
    VONK_TRY(VONK_ARENA_NEW(exec->arena, &r, err));
    r->pub.exec = exec;
    r->pub.number = number;
    r->pub.budget = exec->budget;
    VONK_TRY(vonk_arena_new(exec->own_budget, &r->pub.scratch, err));
    vonk_eval_init(&r->pub.ev, exec->budget, r->pub.scratch);
    r->pub.ev.cancelled = wants_no_more;
    r->pub.ev.query = exec;
    exec->lanes[exec->n_lanes++] = r;
    return VONK_OK;
}

static bool is_on(const vonk_conf *conf, vonk_str key)
{
    return conf && vonk_str_is_nocase(vonk_conf_get_set(conf, key), "true");
}

static vonk_status make(const vonk_exec_env *env, const vonk_plan *plan, vonk_budget *own, vonk_exec **ret,
                        vonk_error *err)
{
    vonk_exec *exec = NULL;
    uint32_t n_lanes = env->n_threads ? env->n_threads : vonk_pool_n_threads(env->pool);
    VONK_TRY(VONK_NEW(own, &exec, err));
    exec->env = *env;
    exec->budget = env->budget;
    exec->own_budget = own;
    exec->plan = vonk_plan_ref(plan);
    exec->result.take = exec->result.want = -1;
    exec->result.most_bytes = vonk__result_room(exec->budget);
    atomic_store(&exec->stop_at, UINT64_MAX);
    exec->failed_partition = UINT32_MAX;
    vonk_mutex_init(&exec->lock);
    vonk_cond_init(&exec->changed);
    *ret = exec; /* from here on vonk_exec_free cleans up */
    if (exec->env.batch_rows == 0) exec->env.batch_rows = VONK_BATCH_ROWS;
    exec->force_spill = is_on(env->conf, VONK_STR("vonk.test.forceSpill"));
    exec->fuse = !is_on(env->conf, VONK_STR("vonk.test.noFusion"));
    exec->check_codec = is_on(env->conf, VONK_STR("vonk.test.checkPlanCodec"));
    VONK_TRY(vonk_arena_new(own, &exec->arena, err));
    VONK_TRY(vonk_arena_array(exec->arena, n_lanes, sizeof *exec->lanes, &exec->lanes, err));
    for (uint32_t i = 0; i < n_lanes; i++) VONK_TRY(new_lane(exec, i, err));
    return start(exec, err);
}

vonk_status vonk_exec_start(const vonk_exec_env *env, const vonk_plan *plan, vonk_exec **ret, vonk_error *err)
{
    VONK_AUTO(vonk_exec_free) vonk_exec *exec = NULL;
    vonk_budget *own = NULL;
    assert(vonk_node_phase_of(plan->kind) == VONK_PHASE_PHYSICAL);
    VONK_TRY(vonk_budget_new(env->budget, "exec", VONK_NO_LIMIT, &own, err));
    vonk_status st = make(env, plan, own, &exec, err);
    if (st != VONK_OK && !exec) vonk_budget_free(own);
    VONK_TRY(st);
    *ret = VONK_STEAL(exec);
    return VONK_OK;
}

/* All leaves are a handful of rows in memory: the one who asks for the result runs it, no thread is woken. Node count
 * bounds the walk. */
static bool is_small(const vonk_exec *exec, const vonk_plan *p)
{
    uint64_t rows = 0;
    switch (p->kind) {
    case VONK_PN_P_ONE_ROW: return true;
    case VONK_PN_P_LOCAL:
        for (uint32_t i = 0; i < p->local.n_batches; i++) rows += p->local.batches[i]->n_sel;
        return rows <= VONK_BATCH_ROWS;
    case VONK_PN_P_RANGE: {
        vonk_i128 n = p->range.step == 0 ? 0 : ((vonk_i128)p->range.end - p->range.start) / p->range.step;
        return n <= VONK_BATCH_ROWS;
    }
    case VONK_PN_P_WRITE: return false;
    default: break;
    }
    for (uint32_t i = 0; i < p->n_children; i++) {
        if (!is_small(exec, p->children[i])) return false;
    }
    return p->n_children > 0;
}

static vonk_status start(vonk_exec *exec, vonk_error *err)
{
    VONK_TRY(vonk__count_readers(exec, exec->plan, err));
    VONK_TRY(vonk__cut_stages(exec, err));
    if (exec->env.python && exec->env.python->next_stage)
        exec->first_stage = atomic_fetch_add(exec->env.python->next_stage, vonk_i32_of((int64_t)exec->stages.n));
    VONK_TRY(vonk__lower_stage(exec, 0, err));
    vonk_mutex_lock(&exec->lock);
    exec->deferred = exec->env.on_demand || is_small(exec, exec->plan);
    exec->inline_run = true; /* nobody is woken yet */
    vonk__stage_attach(exec, 0);
    exec->inline_run = false;
    if (exec->result.take == 0) {
        exec->result.complete = exec->all_done = true;
        exec->deferred = false;
    } else if (!exec->deferred) {
        vonk__exec_kick(exec, exec->todo.n);
    }
    vonk_mutex_unlock(&exec->lock);
    return VONK_OK;
}

void vonk_exec_cancel(vonk_exec *exec)
{
    vonk_mutex_lock(&exec->lock);
    atomic_store(&exec->cancelled, true);
    vonk__exec_stop(exec, 0);
    vonk__result_signal(exec);
    vonk_mutex_unlock(&exec->lock);
}

void vonk_exec_free(vonk_exec *exec)
{
    if (!exec) return;
    vonk_mutex_lock(&exec->lock);
    atomic_store(&exec->cancelled, true);
    vonk__exec_stop(exec, 0);
    while (exec->n_active + exec->n_parked > 0) vonk_cond_wait(&exec->changed, &exec->lock);
    vonk_mutex_unlock(&exec->lock);
    vonk__result_done(exec);
    vonk__ops_close(exec);
    for (size_t i = 0; i < exec->observed.n; i++) vonk_batch_unref(exec->observed.at[i].row);
    for (size_t i = 0; i < exec->accumulators.n; i++) vonk_buffer_unref(exec->accumulators.at[i]);
    vonk_free(exec->accumulators.at);
    for (uint32_t i = 0; i < exec->n_lanes; i++) {
        vonk_free(exec->lanes[i]->pending);
        vonk_arena_free(exec->lanes[i]->pub.scratch);
        vonk_error_reset(&exec->lanes[i]->error);
    }
    vonk_free(exec->observed.at);
    vonk_free(exec->ops.at);
    vonk_free(exec->ports.at);
    vonk_free(exec->stages.at);
    vonk_free(exec->todo.at);
    for (size_t i = 0; i < exec->held.n; i++) vonk_plan_unref(exec->held.at[i]);
    vonk_free(exec->held.at);
    vonk_plan_unref(exec->plan);
    vonk_arena_free(exec->arena);
    vonk_error_reset(&exec->error);
    vonk_cond_done(&exec->changed);
    vonk_mutex_done(&exec->lock);
    vonk_budget *own = exec->own_budget;
    vonk_free(exec);
    vonk_budget_retire(own);
}

/* ---- progress and numbers */

bool vonk_exec_is_idle(vonk_exec *exec)
{
    vonk_mutex_lock(&exec->lock);
    bool idle = exec->n_active == 0;
    vonk_mutex_unlock(&exec->lock);
    return idle;
}

uint32_t vonk_exec_progress(const vonk_exec *exec, vonk_progress *ret, uint32_t room)
{
    vonk_exec *e = (vonk_exec *)exec; /* only the lock is written */
    vonk_mutex_lock(&e->lock);
    uint32_t n = vonk_u32_of(e->stages.n);
    for (uint32_t i = 0; i < n && i < room; i++) {
        exec_stage *s = e->stages.at[i];
        ret[i] = (vonk_progress){
            .n_tasks = atomic_load(&s->n_units), .n_done_tasks = atomic_load(&s->n_done_units), .done = s->done};
    }
    for (size_t i = 0; i < e->ops.n; i++) {
        const vonk_op *op = e->ops.at[i];
        if (op->n_children > 0 || op->stage >= room || !op->opened) continue;
        ret[op->stage].rows_read += atomic_load(&op->metrics.rows_out);
        ret[op->stage].bytes_read += atomic_load(&op->metrics.bytes_read);
    }
    vonk_mutex_unlock(&e->lock);
    return n;
}

static vonk_status one_op_text(const vonk_op *op, uint32_t depth, vonk_buf *out, vonk_error *err)
{
    for (uint32_t i = 0; i < depth; i++) VONK_TRY(vonk_buf_add_c(out, "  ", err));
    VONK_TRY(vonk_buf_printf(out, err, "%s [rows: %llu, batches: %llu, time: %.3f ms, peak memory: %lld bytes",
                             vonk_node_name(op->node->kind), (unsigned long long)atomic_load(&op->metrics.rows_out),
                             (unsigned long long)atomic_load(&op->metrics.batches_out),
                             (double)atomic_load(&op->metrics.time_ns) / 1e6, (long long)vonk_budget_peak(op->budget)));
    if (atomic_load(&op->metrics.bytes_read))
        VONK_TRY(
            vonk_buf_printf(out, err, ", read: %llu bytes", (unsigned long long)atomic_load(&op->metrics.bytes_read)));
    if (atomic_load(&op->metrics.spills))
        VONK_TRY(vonk_buf_printf(out, err, ", spilled: %llu bytes",
                                 (unsigned long long)atomic_load(&op->metrics.spilled_bytes)));
    if (op->cls->metrics) {
        VONK_TRY(vonk_buf_add_c(out, ", ", err));
        VONK_TRY(op->cls->metrics((vonk_op *)op, out, err));
    }
    return vonk_buf_add_c(out, "]\n", err);
}

static vonk_status op_tree_text(const vonk_op *op, uint32_t depth, vonk_buf *out, vonk_error *err)
{
    if (op->cls != &vonk__op_result) {
        VONK_TRY(one_op_text(op, depth, out, err));
        depth++;
    }
    for (uint32_t i = 0; i < op->n_children; i++) VONK_TRY(op_tree_text(op->children[i], depth, out, err));
    return VONK_OK;
}

vonk_status vonk_exec_metrics_text(const vonk_exec *exec, vonk_buf *out, vonk_error *err)
{
    vonk_exec *e = (vonk_exec *)exec;
    vonk_status st = VONK_OK;
    vonk_mutex_lock(&e->lock);
    /* the last stage that runs shows the stages below it; before that, each for itself */
    for (size_t i = e->stages.n; i-- > 0 && st == VONK_OK;) {
        if (!e->stages.at[i]->started) continue;
        st = op_tree_text(e->stages.at[i]->op, 0, out, err);
        if (i + 1 == e->stages.n) break;
    }
    vonk_mutex_unlock(&e->lock);
    return st;
}

uint32_t vonk_exec_n_observed(const vonk_exec *exec)
{
    vonk_exec *e = (vonk_exec *)exec;
    vonk_mutex_lock(&e->lock);
    uint32_t n = vonk_u32_of(e->observed.n);
    vonk_mutex_unlock(&e->lock);
    return n;
}

void vonk_exec_observed(const vonk_exec *exec, uint32_t i, vonk_str *ret_name, const vonk_plan **ret_node,
                        vonk_batch **ret_row)
{
    vonk_exec *e = (vonk_exec *)exec;
    vonk_mutex_lock(&e->lock);
    *ret_name = e->observed.at[i].name;
    *ret_node = e->observed.at[i].node;
    *ret_row = e->observed.at[i].row;
    vonk_mutex_unlock(&e->lock);
}

uint32_t vonk_exec_n_partitions(const vonk_exec *exec)
{
    VONK_LOCKED(&((vonk_exec *)exec)->lock);
    const exec_stage *last = exec->stages.n ? exec->stages.at[exec->stages.n - 1] : NULL;
    return last && last->op ? last->op->children[0]->n_partitions : 0;
}

uint32_t vonk_exec_failed_partition(const vonk_exec *exec)
{
    VONK_LOCKED(&((vonk_exec *)exec)->lock);
    return exec->failed_partition;
}

uint32_t vonk_exec_n_accumulators(const vonk_exec *exec)
{
    VONK_LOCKED(&((vonk_exec *)exec)->lock);
    return vonk_u32_of(exec->accumulators.n);
}

vonk_str vonk_exec_accumulator(const vonk_exec *exec, uint32_t i)
{
    VONK_LOCKED(&((vonk_exec *)exec)->lock);
    const vonk_buffer *b = exec->accumulators.at[i];
    return (vonk_str){(const char *)b->data, b->bytes};
}

/* ---- for operators */

uint32_t vonk_exec_n_lanes(const vonk_exec *exec) { return exec->n_lanes; }
uint32_t vonk_exec_batch_rows(const vonk_exec *exec) { return exec->env.batch_rows; }
const vonk_conf *vonk_exec_conf(const vonk_exec *exec) { return exec->env.conf; }
const vonk_fn_env *vonk_exec_fn_env(const vonk_exec *exec) { return exec->env.env; }
vonk_budget *vonk_exec_budget(const vonk_exec *exec) { return exec->budget; }
vonk_str vonk_exec_spill_dir(const vonk_exec *exec) { return exec->env.spill_dir; }
bool vonk_exec_force_spill(const vonk_exec *exec) { return exec->force_spill; }
bool vonk_exec_cancelled(const vonk_exec *exec)
{
    return atomic_load_explicit(&exec->stop_at, memory_order_relaxed) == 0;
}

vonk_status vonk_op_program(vonk_op *op, const vonk_expr *const *exprs, uint32_t n, vonk_program **ret, vonk_error *err)
{
    VONK_TRY(vonk_program_new(op->budget, op->exec->env.env, exprs, n, ret, err));
    if (vonk_program_partition_bound(*ret)) op->needs_order = true;
    return VONK_OK;
}

vonk_status vonk_op_types(vonk_op *op, const vonk_expr *const *exprs, uint32_t n, const vonk_type ***ret,
                          vonk_error *err)
{
    const vonk_type **types = NULL;
    VONK_TRY(vonk_arena_array(op->arena, n, sizeof *types, &types, err));
    for (uint32_t i = 0; i < n; i++) types[i] = exprs[i]->type;
    *ret = types;
    return VONK_OK;
}

vonk_status vonk_op_batch(vonk_lane *lane, uint32_t n_rows, vonk_column **take_columns, uint32_t n, vonk_batch **ret,
                          vonk_error *err)
{
    vonk_status st = vonk_batch_new(lane->budget, n_rows, take_columns, n, ret, err);
    for (uint32_t i = 0; i < n; i++) {
        vonk_column_unref(take_columns[i]);
        take_columns[i] = NULL;
    }
    return st;
}

const vonk_op_class *vonk_op_class_of(vonk_node_kind kind)
{
    switch (kind) {
#define OP(KIND, name)                                                                                                 \
    case VONK_PN_##KIND: return &vonk_op_##name;
#include "exec/op.def"
#undef OP
    default: return NULL;
    }
}

/* ---- runtime filters */

static uint32_t n_uses(const vonk_plan *p, const vonk_scan *scan)
{
    uint32_t n = p->kind == VONK_PN_P_SCAN && p->scan.scan == scan;
    for (uint32_t i = 0; i < p->n_children; i++) n += n_uses(p->children[i], scan);
    return n;
}

static bool scan_slot(const vonk_op *op, uint32_t column, vonk_filter_slot *ret)
{
    vonk_scan *scan = op->node->scan.scan;
    for (uint32_t i = 0; i < scan->n_filters; i++) {
        if (scan->filter_columns[i] != column || atomic_load(&scan->filters[i])) continue;
        bool taken = false;
        for (size_t k = 0; k < op->exec->n_slots; k++)
            taken |= op->exec->slots[k].scan == scan && op->exec->slots[k].slot == i;
        if (taken || op->exec->n_slots == VONK_COUNTOF(op->exec->slots)) continue;
        if (n_uses(op->exec->plan, scan) > 1)
            return false; /* two readers of one scan: what one may skip the other may need */
        *ret = op->exec->slots[op->exec->n_slots++] = (vonk_filter_slot){scan, i};
        return true;
    }
    return false;
}

/* Column of a join's output -> column of its streamed child; false: not from there, or the join needs every row of it.
 * Output columns are in the order of the join's own left and right (plan/plan_output.c). */
static bool through_join(const vonk_op *join, uint32_t *inout_column)
{
    const vonk_join_info *info = &join->node->join;
    uint32_t n_stream = join->children[0]->n_columns, n_build = join->children[1]->n_columns;
    bool only_left = info->type == VONK_JOIN_SEMI || info->type == VONK_JOIN_ANTI || info->type == VONK_JOIN_MARK;
    if (info->type == VONK_JOIN_FULL || info->type == (info->build_left ? VONK_JOIN_LEFT : VONK_JOIN_RIGHT))
        return false;
    if (!info->build_left) return *inout_column < n_stream;
    if (only_left || *inout_column < n_build) return false;
    *inout_column -= n_build;
    return *inout_column < n_stream;
}

/* The expression of a projection that is nothing but a column. */
static bool through_project(const vonk_op *project, uint32_t *inout_column)
{
    const vonk_expr *e = project->node->lists[0].at[*inout_column];
    while (e->kind == VONK_EX_ALIAS) e = e->children[0];
    if (e->kind != VONK_EX_BOUND) return false;
    *inout_column = e->index;
    return true;
}

/* A grouping key: rows of a group that nobody wants need not be grouped. */
static bool through_aggregate(const vonk_op *aggregate, uint32_t *inout_column)
{
    const vonk_plan *from =
        aggregate->fused && aggregate->fused->kind == VONK_PN_P_AGGREGATE ? aggregate->fused : aggregate->node;
    if (*inout_column >= from->lists[0].n) return false;
    const vonk_expr *e = from->lists[0].at[*inout_column];
    while (e->kind == VONK_EX_ALIAS) e = e->children[0];
    if (e->kind != VONK_EX_BOUND) return false;
    *inout_column = e->index;
    return true;
}

bool vonk_op_filter_slot(vonk_op *op, uint32_t child, const vonk_expr *expr, vonk_filter_slot *ret)
{
    const vonk_op *at = op->children[child];
    if (expr->kind != VONK_EX_BOUND) return false;
    for (uint32_t column = expr->index;; at = at->children[0]) {
        switch (at->node->kind) {
        case VONK_PN_P_SCAN: return scan_slot(at, column, ret);
        case VONK_PN_P_FILTER: break;
        case VONK_PN_P_PROJECT:
            if (!through_project(at, &column)) return false;
            break;
        case VONK_PN_P_AGGREGATE:
            if (!through_aggregate(at, &column)) return false;
            break;
        case VONK_PN_P_HASH_JOIN:
        case VONK_PN_P_LOOP_JOIN:
            if (!through_join(at, &column)) return false;
            break;
        default: return false;
        }
    }
}

void vonk_exec_publish_filter(vonk_filter_slot slot, vonk_runtime_filter *take_filter)
{
    vonk_runtime_filter *none = NULL;
    bool was_empty = atomic_compare_exchange_strong(&slot.scan->filters[slot.slot], &none, take_filter);
    assert(was_empty);
    (void)was_empty;
}
