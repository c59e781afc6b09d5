/* opt/physical.c -- logical plan to physical plan, node by node (docs/decisions/0010-physical-plan.md). Aggregates,
 * joins, scans and windows have files of their own. */
#include "opt/opt_int.h"

#include "plan/program.h"

/* ---- pieces */
vonk_status vonk__opt_node(const vonk_opt_env *env, vonk_node_kind kind, const vonk_plan *const *children,
                           uint32_t n_children, const vonk__lists *lists, vonk_plan **ret, vonk_error *err)
{
    vonk_plan *node = NULL;
    vonk_status status = VONK_OK;

    VONK_TRY(vonk_plan_new(env->budget, kind, children, n_children, &node, err));
    for (uint32_t i = 0; lists && i < lists->n_lists && status == VONK_OK; i++)
        status = vonk_plan_set_list(node, i, lists->at[i], lists->n[i], err);
    if (status == VONK_OK)
        *ret = node;
    else
        vonk_plan_unref(node);
    return status;
}

vonk_status vonk__opt_exchange(const vonk_opt_env *env, const vonk_plan *physical, vonk_exchange_kind kind,
                               const vonk_expr *const *keys, uint32_t n_keys, int32_t n_partitions, bool fixed,
                               const vonk_plan **ret, vonk_error *err)
{
    const vonk__lists lists = {.at = {keys}, .n = {n_keys}, .n_lists = 1};
    vonk_plan *node = NULL;

    VONK_TRY(vonk__opt_node(env, VONK_PN_P_EXCHANGE, &physical, 1, &lists, &node, err));
    node->exchange = (vonk_exchange_info){.kind = kind, .n_partitions = n_partitions, .fixed = fixed};
    return vonk_plan_finish(node, ret, err);
}

/* LIMIT, OFFSET and TAIL counts are foldable and already checked to be non-negative integers. */
static vonk_status count_of(const vonk_opt_env *env, const vonk_expr *e, int64_t *ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *value = NULL;

    VONK_TRY(vonk_program_fold(env->budget, env->env, e, &value, err));
    *ret = vonk_column_is_null(value, 0) ? 0 : vonk_column_i64(value, 0);
    return VONK_OK;
}

/* One child, lists bound to its output, payload copied from the logical node. */
static vonk_status lower_unary(const vonk_opt_env *env, const vonk_plan *p, vonk_node_kind kind, const vonk_plan **ret,
                               vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *child = NULL;
    vonk_plan *node = NULL;
    vonk_status status = VONK_OK;

    VONK_TRY(vonk_arena_new(env->budget, &arena, err));
    VONK_TRY(vonk__opt_lower(env, p->children[0], &child, err));
    VONK_TRY(vonk_plan_new(env->budget, kind, &child, 1, &node, err));
    for (uint32_t i = 0; i < p->n_lists && status == VONK_OK; i++) {
        const vonk_expr **bound = NULL;
        status = vonk__opt_bind_list(env, arena, p->lists[i].at, p->lists[i].n, p->children[0], VONK__BIND_NAMED,
                                     &bound, err);
        if (status == VONK_OK) status = vonk_plan_set_list(node, i, bound, p->lists[i].n, err);
    }
    if (status != VONK_OK) {
        vonk_plan_unref(node);
        return status;
    }
    node->number = p->number;
    switch (p->kind) {
    case VONK_PN_SAMPLE: node->sample = p->sample; break;
    case VONK_PN_COLLECT_METRICS:
        status = vonk_plan_strs(node, p->name.parts, p->name.n_parts, &node->name.parts, err);
        node->name.n_parts = p->name.n_parts;
        break;
    default: break;
    }
    if (status != VONK_OK) {
        vonk_plan_unref(node);
        return status;
    }
    return vonk_plan_finish(node, ret, err);
}

/* ---- LIMIT, OFFSET, TAIL, and LIMIT over SORT */
static vonk_status limit_node(const vonk_opt_env *env, vonk_node_kind kind, const vonk_plan *child,
                              const vonk__lists *lists, int64_t limit, int64_t offset, bool local,
                              const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *node = NULL;

    VONK_TRY(vonk__opt_node(env, kind, &child, 1, lists, &node, err));
    node->number = local ? 1 : 0;
    node->limit = (vonk_limit_info){.limit = limit, .offset = offset};
    return vonk_plan_finish(node, ret, err);
}

static vonk_status top_n(const vonk_opt_env *env, const vonk_plan *sort, int64_t limit, int64_t offset,
                         const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *child = NULL;
    const vonk_expr **orders = NULL;

    VONK_TRY(vonk_arena_new(env->budget, &arena, err));
    VONK_TRY(vonk__opt_lower(env, sort->children[0], &child, err));
    VONK_TRY(vonk__opt_bind_list(env, arena, sort->lists[0].at, sort->lists[0].n, sort->children[0], VONK__BIND_NAMED,
                                 &orders, err));
    return limit_node(env, VONK_PN_P_TOP_N, child,
                      &(vonk__lists){.at = {orders}, .n = {sort->lists[0].n}, .n_lists = 1}, limit, offset, false, ret,
                      err);
}

/* Above this many rows a full sort, which can spill, is better than a heap. */
#define TOP_N_MOST 1000000

static vonk_status lower_limit(const vonk_opt_env *env, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *child = NULL;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *local = NULL;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *single = NULL;
    const vonk_plan *below = p;
    int64_t limit = -1, offset = 0;

    if (below->kind == VONK_PN_LIMIT) {
        VONK_TRY(count_of(env, below->lists[0].at[0], &limit, err));
        below = below->children[0];
    }
    if (below->kind == VONK_PN_OFFSET) {
        VONK_TRY(count_of(env, below->lists[0].at[0], &offset, err));
        below = below->children[0];
    }
    if (limit >= 0 && below->kind == VONK_PN_SORT && below->number == 1 && limit <= TOP_N_MOST &&
        offset <= TOP_N_MOST - limit)
        return top_n(env, below, limit, offset, ret, err);
    VONK_TRY(vonk__opt_lower(env, below, &child, err));
    if (limit >= 0)
        VONK_TRY(limit_node(env, VONK_PN_P_LIMIT, child, NULL, limit > INT64_MAX - offset ? INT64_MAX : limit + offset,
                            0, true, &local, err));
    else
        local = vonk_plan_ref(child);
    VONK_TRY(vonk__opt_exchange(env, local, VONK_EXCHANGE_SINGLE, NULL, 0, 1, false, &single, err));
    return limit_node(env, VONK_PN_P_LIMIT, single, NULL, limit, offset, false, ret, err);
}

static vonk_status lower_tail(const vonk_opt_env *env, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *child = NULL;
    int64_t count = 0;

    VONK_TRY(count_of(env, p->lists[0].at[0], &count, err));
    VONK_TRY(vonk__opt_lower(env, p->children[0], &child, err));
    return limit_node(env, VONK_PN_P_TAIL, child, NULL, count, 0, false, ret, err);
}

/* ---- SORT, REPARTITION */
static vonk_status lower_sort(const vonk_opt_env *env, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *child = NULL;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *placed = NULL;
    const vonk_expr **orders = NULL;
    const uint32_t n = p->lists[0].n;
    vonk_plan *node = NULL;

    VONK_TRY(vonk_arena_new(env->budget, &arena, err));
    VONK_TRY(vonk__opt_lower(env, p->children[0], &child, err));
    VONK_TRY(
        vonk__opt_bind_list(env, arena, p->lists[0].at, p->lists[0].n, p->children[0], VONK__BIND_NAMED, &orders, err));
    if (p->number == 1)
        VONK_TRY(vonk__opt_exchange(env, child, VONK_EXCHANGE_RANGE, orders, n,
                                    (int32_t)vonk_conf_i64(env->conf, "spark.sql.shuffle.partitions"), false, &placed,
                                    err));
    else
        placed = vonk_plan_ref(child);
    VONK_TRY(vonk__opt_node(env, VONK_PN_P_SORT, &placed, 1, &(vonk__lists){.at = {orders}, .n = {n}, .n_lists = 1},
                            &node, err));
    node->number = p->number;
    return vonk_plan_finish(node, ret, err);
}

static vonk_exchange_kind exchange_of(const vonk_plan *p)
{
    switch (p->repartition.kind) {
    case VONK_REPARTITION_COALESCE: return VONK_EXCHANGE_COALESCE;
    case VONK_REPARTITION_RANGE: return VONK_EXCHANGE_RANGE;
    case VONK_REPARTITION_BY:
    case VONK_REPARTITION_REBALANCE:
        return p->n_lists > 0 && p->lists[0].n > 0 ? VONK_EXCHANGE_HASH : VONK_EXCHANGE_ROUND_ROBIN;
    default: return VONK_EXCHANGE_ROUND_ROBIN;
    }
}

static vonk_status lower_repartition(const vonk_opt_env *env, const vonk_plan *p, const vonk_plan **ret,
                                     vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *child = NULL;
    const vonk_expr **keys = NULL;
    const vonk_exchange_kind kind = exchange_of(p);
    int32_t n = p->repartition.n;

    VONK_TRY(vonk_arena_new(env->budget, &arena, err));
    VONK_TRY(vonk__opt_lower(env, p->children[0], &child, err));
    if (p->n_lists > 0)
        VONK_TRY(vonk__opt_bind_list(env, arena, p->lists[0].at, p->lists[0].n, p->children[0], VONK__BIND_NAMED, &keys,
                                     err));
    const bool fixed = n > 0;
    if (!fixed) n = (int32_t)vonk_conf_i64(env->conf, "spark.sql.shuffle.partitions");
    return vonk__opt_exchange(env, child, kind, keys, p->n_lists > 0 ? p->lists[0].n : 0, n, true, ret, err);
}

/* ---- leaves, unions, generators, projections over several lists */
static vonk_status lower_leaf(const vonk_opt_env *env, const vonk_plan *p, vonk_node_kind kind, const vonk_plan **ret,
                              vonk_error *err)
{
    vonk_plan *node = NULL;

    VONK_TRY(vonk_plan_new(env->budget, kind, NULL, 0, &node, err));
    vonk_status status = VONK_OK;
    if (p->kind == VONK_PN_RANGE) {
        node->range = p->range;
    } else if (p->kind == VONK_PN_LOCAL) {
        node->local.n_batches = p->local.n_batches;
        node->local.one_partition = p->local.one_partition;
        status = vonk_plan_hold_batches(node, p->local.batches, p->local.n_batches, &node->local.batches, err);
    }
    if (status == VONK_OK) status = vonk_plan_set_output(node, p->output, p->n_output, err);
    if (status != VONK_OK) {
        vonk_plan_unref(node);
        return status;
    }
    return vonk_plan_finish(node, ret, err);
}

static vonk_status lower_union(const vonk_opt_env *env, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan **children = NULL;
    uint32_t n = 0;
    vonk_plan *node = NULL;
    vonk_status status = vonk_alloc_array(env->budget, p->n_children, sizeof *children, &children, err);

    for (; status == VONK_OK && n < p->n_children; n++) {
        status = vonk__opt_lower(env, p->children[n], &children[n], err);
        if (status != VONK_OK) break;
    }
    if (status == VONK_OK) status = vonk__opt_node(env, VONK_PN_P_UNION, children, n, NULL, &node, err);
    if (status == VONK_OK) status = vonk_plan_finish(node, ret, err);
    for (uint32_t i = 0; i < n; i++) vonk_plan_unref(children[i]);
    vonk_free(children);
    return status;
}

/* l1 of P_GENERATE: the input columns kept, i.e. all; column pruning leaves a PROJECT below when fewer are wanted. */
static vonk_status lower_generate(const vonk_opt_env *env, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *child = NULL;
    const vonk_expr **generator = NULL, **kept = NULL;
    vonk_plan *node = NULL;
    const vonk_expr_list all = {.at = (const vonk_expr **)p->children[0]->output, .n = p->children[0]->n_output};

    VONK_TRY(vonk_arena_new(env->budget, &arena, err));
    VONK_TRY(vonk__opt_lower(env, p->children[0], &child, err));
    VONK_TRY(vonk__opt_bind_list(env, arena, p->lists[0].at, p->lists[0].n, p->children[0], VONK__BIND_NAMED,
                                 &generator, err));
    VONK_TRY(vonk__opt_bind_list(env, arena, all.at, all.n, p->children[0], VONK__BIND_NAMED, &kept, err));
    VONK_TRY(vonk__opt_node(env, VONK_PN_P_GENERATE, &child, 1,
                            &(vonk__lists){.at = {generator, kept}, .n = {1, all.n}, .n_lists = 2}, &node, err));
    node->generate.outer = p->generate.outer;
    vonk_status status =
        vonk_plan_hold_exprs(node, p->generate.generated.at, p->generate.generated.n, &node->generate.generated, err);
    if (status != VONK_OK) {
        vonk_plan_unref(node);
        return status;
    }
    return vonk_plan_finish(node, ret, err);
}

static vonk_status lower_filter(const vonk_opt_env *env, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    if (p->children[0]->kind == VONK_PN_SCAN || p->children[0]->kind == VONK_PN_CACHED)
        return vonk__opt_lower_scan(env, p->children[0], p->lists[0].at[0], ret, err);
    return lower_unary(env, p, VONK_PN_P_FILTER, ret, err);
}

/* ---- writes */
static int written_column(const vonk_plan *p, vonk_str name, bool case_sensitive)
{
    for (uint32_t i = 0; i < p->write.schema->n_fields; i++) {
        const vonk_str field = p->write.schema->fields[i].name;
        if (case_sensitive ? vonk_str_eq(field, name) : vonk_str_eq_nocase(field, name)) return (int)i;
    }
    return -1;
}

/* Rows of each partition sorted by the partition columns: a writer has one file open at a time. */
static vonk_status sort_for_folders(const vonk_opt_env *env, const vonk_plan *p, const vonk_plan *child,
                                    const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const vonk_expr **orders = NULL, **bound = NULL;
    vonk_expr_list list = {0};
    vonk_plan *node = NULL;

    VONK_TRY(vonk_arena_new(env->budget, &arena, err));
    VONK_TRY(vonk_arena_array(arena, p->write.n_partition_by, sizeof *orders, &orders, err));
    for (uint32_t i = 0; i < p->write.n_partition_by; i++) {
        const int at = written_column(p, p->write.partition_by[i], env->env->case_sensitive);
        if (at < 0)
            return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                             "a partition column is not among the rows' columns");
        VONK_TRY(vonk_ex_sort(env->budget, p->children[0]->output[at], false, false, &orders[i], err));
        VONK_TRY(vonk__opt_keep(arena, orders[i], err));
    }
    list = (vonk_expr_list){.at = orders, .n = p->write.n_partition_by};
    VONK_TRY(vonk__opt_bind_list(env, arena, list.at, list.n, p->children[0], VONK__BIND_NAMED, &bound, err));
    VONK_TRY(vonk__opt_node(env, VONK_PN_P_SORT, &child, 1, &(vonk__lists){.at = {bound}, .n = {list.n}, .n_lists = 1},
                            &node, err));
    return vonk_plan_finish(node, ret, err);
}

/* INSERT-like root: the child's rows go to files. */
static vonk_status lower_write(const vonk_opt_env *env, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *rows = NULL, *child = NULL;
    vonk_plan *node = NULL;

    VONK_TRY(vonk__opt_lower(env, p->children[0], &rows, err));
    if (p->write.n_partition_by > 0)
        VONK_TRY(sort_for_folders(env, p, rows, &child, err));
    else
        child = vonk_plan_ref(rows);
    VONK_TRY(vonk_plan_copy(env->budget, p, &child, 1, &node, err)); /* keeps the payload's texts alive */
    node->kind = VONK_PN_P_WRITE;
    return vonk_plan_finish(node, ret, err);
}

/* ---- subplans that stand in the plan more than once: one exchange with several readers */
typedef struct lowered {
    int64_t number;
    const vonk_plan *plan;
} lowered;

struct vonk__opt_shared {
    VONK_VEC(lowered) done;
};

static vonk_status lower_shared(const vonk_opt_env *env, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *child = NULL;
    struct vonk__opt_shared *shared = env->shared;
    lowered fresh = {.number = p->number};

    for (size_t i = 0; i < shared->done.n; i++) {
        if (shared->done.at[i].number != p->number) continue;
        *ret = vonk_plan_ref(shared->done.at[i].plan);
        return VONK_OK;
    }
    VONK_TRY(vonk__opt_lower(env, p->children[0], &child, err));
    VONK_TRY(vonk__opt_exchange(env, child, VONK_EXCHANGE_SINGLE, NULL, 0, 1, false, &fresh.plan, err));
    const vonk_status status = VONK_VEC_PUSH(&shared->done, env->budget, fresh, err);
    if (status != VONK_OK)
        vonk_plan_unref(fresh.plan);
    else
        *ret = vonk_plan_ref(fresh.plan);
    return status;
}

static bool is_python_table(const vonk_plan *p)
{
    return p->kind == VONK_PN_GENERATE && p->lists[0].at[0]->kind == VONK_EX_PYTHON;
}

vonk_status vonk__opt_lower(const vonk_opt_env *env, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    switch (p->kind) {
    case VONK_PN_SCAN:
    case VONK_PN_CACHED: return vonk__opt_lower_scan(env, p, NULL, ret, err);
    case VONK_PN_LOCAL: return lower_leaf(env, p, VONK_PN_P_LOCAL, ret, err);
    case VONK_PN_RANGE: return lower_leaf(env, p, VONK_PN_P_RANGE, ret, err);
    case VONK_PN_ONE_ROW: return lower_leaf(env, p, VONK_PN_P_ONE_ROW, ret, err);
    case VONK_PN_SUBQUERY_ALIAS:
    case VONK_PN_VIEW:
    case VONK_PN_HINT: return vonk__opt_lower(env, p->children[0], ret, err);
    case VONK_PN_PROJECT:
        return is_python_table(p->children[0]) ? vonk__opt_lower_python_table(env, p->children[0], p, ret, err)
                                               : lower_unary(env, p, VONK_PN_P_PROJECT, ret, err);
    case VONK_PN_FILTER: return lower_filter(env, p, ret, err);
    case VONK_PN_AGGREGATE: return vonk__opt_lower_aggregate(env, p, ret, err);
    case VONK_PN_SORT: return lower_sort(env, p, ret, err);
    case VONK_PN_LIMIT:
    case VONK_PN_OFFSET: return lower_limit(env, p, ret, err);
    case VONK_PN_TAIL: return lower_tail(env, p, ret, err);
    case VONK_PN_SAMPLE: return lower_unary(env, p, VONK_PN_P_SAMPLE, ret, err);
    case VONK_PN_COLLECT_METRICS: return lower_unary(env, p, VONK_PN_P_METRICS, ret, err);
    case VONK_PN_REPARTITION: return lower_repartition(env, p, ret, err);
    case VONK_PN_WINDOW: return vonk__opt_lower_window(env, p, ret, err);
    case VONK_PN_PYTHON_GROUPS:
    case VONK_PN_PYTHON_AGGREGATE: return vonk__opt_lower_python_groups(env, p, ret, err);
    case VONK_PN_GENERATE:
        return is_python_table(p) ? vonk__opt_lower_python_table(env, p, NULL, ret, err)
                                  : lower_generate(env, p, ret, err);
    case VONK_PN_EXPAND: return lower_unary(env, p, VONK_PN_P_EXPAND, ret, err);
    case VONK_PN_JOIN: return vonk__opt_lower_join(env, p, ret, err);
    case VONK_PN_SET_OP:
        return lower_union(env, p, ret, err); /* INTERSECT and EXCEPT were rewritten to joins and aggregates */
    case VONK_PN_PYTHON_EVAL: return lower_unary(env, p, VONK_PN_P_PYTHON_EVAL, ret, err);
    case VONK_PN_PYTHON_MAP: return lower_unary(env, p, VONK_PN_P_PYTHON_MAP, ret, err);
    case VONK_PN_SHARED: return lower_shared(env, p, ret, err);
    case VONK_PN_WRITE_FILES: return lower_write(env, p, ret, err);
    default: return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", vonk_node_name(p->kind));
    }
}

/* SUBQUERY_ALIAS and VIEW vanish, so that FILTER over an aliased SCAN is seen as such. */
vonk_status vonk_opt_physical(const vonk_opt_env *env, const vonk_plan *optimized, const vonk_plan **ret,
                              vonk_error *err)
{
    struct vonk__opt_shared shared = {0};
    vonk_opt_env with_shared = *env;

    with_shared.shared = &shared;
    const vonk_status status = vonk__opt_lower(&with_shared, optimized, ret, err);
    for (size_t i = 0; i < shared.done.n; i++) vonk_plan_unref(shared.done.at[i].plan);
    vonk_free(shared.done.at);
    return status;
}
