/* plan/plan_text.c -- EXPLAIN: a plan as Spark shows its trees, one node a line:
 *
 *   Project [a#1, (b#2 + 1) AS c#3]
 *   +- Join Inner, (a#1 = b#2)
 *      :- LocalRelation [a#1]
 *      +- LocalRelation [b#2] */
#include "plan/plan_int.h"

enum { MAX_SHOWN = 25 }; /* spark.sql.debug.maxToStringFields */

static vonk_status show_node(const vonk_plan *p, vonk_buf *out, vonk_error *err);

typedef struct remarks {
    vonk_plan_remark remark; /* or NULL */
    void *arg;
} remarks;

/* One level of the tree's left edge: ":  " below a child that has later siblings, else "   ". */
static vonk_status show_tree(const vonk_plan *p, const remarks *with, vonk_buf *edge, vonk_buf *out, vonk_error *err)
{
    size_t edge_len = edge->len;
    VONK_TRY(show_node(p, out, err));
    if (with->remark) VONK_TRY(with->remark(p, with->arg, out, err));
    VONK_TRY(vonk_buf_add_byte(out, '\n', err));
    if (p->kind == VONK_PN_LIMIT) { /* Spark shows the two halves of a limit */
        VONK_TRY(vonk_buf_add_str(out, vonk_buf_str(edge), err));
        VONK_TRY(vonk_buf_add_c(out, "+- LocalLimit ", err));
        if (p->n_lists && p->lists[0].n) VONK_TRY(vonk_expr_explain(p->lists[0].at[0], out, err));
        VONK_TRY(vonk_buf_add_byte(out, '\n', err));
        VONK_TRY(vonk_buf_add_c(edge, "   ", err));
    }
    for (uint32_t i = 0; i < p->n_children; i++) {
        bool last = i + 1 == p->n_children;
        size_t len = edge->len;
        VONK_TRY(vonk_buf_add_str(out, vonk_buf_str(edge), err));
        VONK_TRY(vonk_buf_add_c(out, last ? "+- " : ":- ", err));
        VONK_TRY(vonk_buf_add_c(edge, last ? "   " : ":  ", err));
        VONK_TRY(show_tree(p->children[i], with, edge, out, err));
        edge->len = len;
    }
    edge->len = edge_len;
    return VONK_OK;
}

vonk_status vonk_plan_explain(const vonk_plan *p, vonk_buf *out, vonk_error *err)
{
    return vonk_plan_explain_with(p, NULL, NULL, out, err);
}

vonk_status vonk_plan_explain_with(const vonk_plan *p, vonk_plan_remark remark, void *arg, vonk_buf *out,
                                   vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf edge = {0};
    remarks with = {remark, arg};
    vonk_buf_init(&edge, out->budget, SIZE_MAX);
    return show_tree(p, &with, &edge, out, err);
}

static vonk_status show_exprs(const vonk_expr *const *at, uint32_t n, vonk_buf *out, vonk_error *err)
{
    uint32_t shown = n > MAX_SHOWN ? MAX_SHOWN - 1 : n;
    VONK_TRY(vonk_buf_add_byte(out, '[', err));
    for (uint32_t i = 0; i < shown; i++) {
        if (i) VONK_TRY(vonk_buf_add_c(out, ", ", err));
        VONK_TRY(vonk_expr_explain(at[i], out, err));
    }
    if (shown < n) VONK_TRY(vonk_buf_printf(out, err, ", ... %u more fields", n - shown));
    return vonk_buf_add_byte(out, ']', err);
}

static vonk_status show_list(const vonk_plan *p, uint32_t list, vonk_buf *out, vonk_error *err)
{
    if (list >= p->n_lists) return vonk_buf_add_c(out, "[]", err);
    return show_exprs(p->lists[list].at, p->lists[list].n, out, err);
}

static vonk_status show_first(const vonk_plan *p, vonk_buf *out, vonk_error *err)
{
    return p->n_lists && p->lists[0].n ? vonk_expr_explain(p->lists[0].at[0], out, err) : VONK_OK;
}

static vonk_status show_strs(const vonk_str *at, uint32_t n, const char *between, vonk_buf *out, vonk_error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i) VONK_TRY(vonk_buf_add_c(out, between, err));
        VONK_TRY(vonk_buf_add_str(out, at[i], err));
    }
    return VONK_OK;
}

static const char *join_name(vonk_join_type type)
{
    static const char *const names[] = {
        [VONK_JOIN_INNER] = "Inner",    [VONK_JOIN_LEFT] = "LeftOuter",    [VONK_JOIN_RIGHT] = "RightOuter",
        [VONK_JOIN_FULL] = "FullOuter", [VONK_JOIN_SEMI] = "LeftSemi",     [VONK_JOIN_ANTI] = "LeftAnti",
        [VONK_JOIN_CROSS] = "Cross",    [VONK_JOIN_SINGLE] = "LeftSingle", [VONK_JOIN_MARK] = "ExistenceJoin",
    };
    return names[type];
}

static vonk_status show_join(const vonk_plan *p, vonk_buf *out, vonk_error *err)
{
    const char *type = join_name(p->join.type);
    if (p->join.natural) return vonk_buf_printf(out, err, "Join NaturalJoin(%s)", type);
    if (p->join.n_using) {
        VONK_TRY(vonk_buf_printf(out, err, "Join UsingJoin(%s, [", type));
        VONK_TRY(show_strs(p->join.using_columns, p->join.n_using, ", ", out, err));
        return vonk_buf_add_c(out, "])", err);
    }
    VONK_TRY(vonk_buf_printf(out, err, p->join.lateral ? "LateralJoin lateral-subquery, %s" : "Join %s", type));
    if (!p->n_lists || !p->lists[0].n) return VONK_OK;
    VONK_TRY(vonk_buf_add_c(out, ", ", err));
    return show_first(p, out, err);
}

static vonk_status show_set_op(const vonk_plan *p, vonk_buf *out, vonk_error *err)
{
    switch (p->set.kind) {
    case VONK_SET_UNION:
        return vonk_buf_printf(out, err, "Union %s, %s", p->set.by_name ? "true" : "false",
                               p->set.allow_missing ? "true" : "false");
    case VONK_SET_INTERSECT: return vonk_buf_printf(out, err, "Intersect %s", p->set.all ? "true" : "false");
    case VONK_SET_EXCEPT: break;
    }
    return vonk_buf_printf(out, err, "Except %s", p->set.all ? "true" : "false");
}

static vonk_status show_generate(const vonk_plan *p, vonk_buf *out, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_c(out, "Generate ", err));
    VONK_TRY(show_first(p, out, err));
    VONK_TRY(vonk_buf_add_c(out, p->generate.outer ? ", true, " : ", false, ", err));
    if (p->generate.qualifier.len) {
        VONK_TRY(vonk_buf_add_str(out, p->generate.qualifier, err));
        VONK_TRY(vonk_buf_add_c(out, ", ", err));
    }
    if (p->generate.generated.n) return show_exprs(p->generate.generated.at, p->generate.generated.n, out, err);
    VONK_TRY(vonk_buf_add_byte(out, '[', err));
    VONK_TRY(show_strs(p->generate.columns, p->generate.n_columns, ", ", out, err));
    return vonk_buf_add_byte(out, ']', err);
}

static vonk_status show_expand(const vonk_plan *p, vonk_buf *out, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_c(out, "Expand [", err));
    for (uint32_t i = 0; i < p->n_lists; i++) {
        if (i) VONK_TRY(vonk_buf_add_c(out, ", ", err));
        VONK_TRY(show_list(p, i, out, err));
    }
    VONK_TRY(vonk_buf_add_c(out, "], ", err));
    return show_exprs(p->output, p->n_output, out, err);
}

static vonk_status show_repartition(const vonk_plan *p, vonk_buf *out, vonk_error *err)
{
    const vonk_repartition_info *r = &p->repartition;
    if (r->kind == VONK_REPARTITION_SHUFFLE || r->kind == VONK_REPARTITION_COALESCE)
        return vonk_buf_printf(out, err, "Repartition %d, %s", r->n,
                               r->kind == VONK_REPARTITION_SHUFFLE ? "true" : "false");
    VONK_TRY(vonk_buf_add_c(
        out, r->kind == VONK_REPARTITION_REBALANCE ? "RebalancePartitions " : "RepartitionByExpression ", err));
    VONK_TRY(show_list(p, 0, out, err));
    return r->n > 0 ? vonk_buf_printf(out, err, ", %d", r->n) : VONK_OK;
}

static vonk_status show_scan(const vonk_plan *p, vonk_buf *out, vonk_error *err)
{
    const vonk_table *table = p->scan.table;
    bool physical = p->kind == VONK_PN_P_SCAN;
    if (physical && table && vonk_str_is(vonk_str_of(table->cls->name), "memory"))
        VONK_TRY(vonk_buf_add_c(out, "InMemoryTableScan ", err));
    else if (physical)
        VONK_TRY(vonk_buf_printf(out, err, "FileScan %s ", table ? table->cls->name : ""));
    else
        VONK_TRY(vonk_buf_printf(out, err, "%s ", vonk_node_name(p->kind)));
    VONK_TRY(show_exprs(p->output, p->n_output, out, err));
    if (!physical && table) VONK_TRY(vonk_buf_printf(out, err, " %s", table->cls->name));
    if (physical && p->n_lists && p->lists[0].n) {
        VONK_TRY(vonk_buf_add_c(out, ", DataFilters: ", err));
        VONK_TRY(show_list(p, 0, out, err));
    }
    if (!physical || !table || !table->cls->describe) return VONK_OK;
    VONK_TRY(vonk_buf_add_c(out, ", ", err));
    return table->cls->describe((vonk_table *)table, out, err);
}

static vonk_status show_relation(const vonk_plan *p, vonk_buf *out, vonk_error *err)
{
    switch (p->kind) {
    case VONK_PN_TABLE:
        VONK_TRY(vonk_buf_add_c(out, "UnresolvedRelation [", err));
        VONK_TRY(show_strs(p->name.parts, p->name.n_parts, ", ", out, err));
        return vonk_buf_add_c(out, "], [], false", err);
    case VONK_PN_READ:
        return vonk_buf_printf(out, err, "UnresolvedDataSource format: %.*s", VONK_STR_ARGS(p->read.format));
    case VONK_PN_RANGE:
    case VONK_PN_P_RANGE:
        VONK_TRY(vonk_buf_printf(out, err, "Range (%lld, %lld, step=%lld", (long long)p->range.start,
                                 (long long)p->range.end, (long long)p->range.step));
        if (p->range.n_partitions > 0) VONK_TRY(vonk_buf_printf(out, err, ", splits=Some(%d)", p->range.n_partitions));
        return vonk_buf_add_byte(out, ')', err);
    case VONK_PN_SUBQUERY_ALIAS:
        VONK_TRY(vonk_buf_add_c(out, "SubqueryAlias ", err));
        return show_strs(p->name.parts, p->name.n_parts, ".", out, err);
    case VONK_PN_VIEW:
        VONK_TRY(vonk_buf_add_c(out, "View (`", err));
        VONK_TRY(show_strs(p->name.parts, p->name.n_parts, "`.`", out, err));
        VONK_TRY(vonk_buf_add_c(out, "`, ", err));
        VONK_TRY(show_exprs(p->output, p->n_output, out, err));
        return vonk_buf_add_byte(out, ')', err);
    default: /* LOCAL */
        VONK_TRY(vonk_buf_printf(out, err, "%s ", vonk_node_name(p->kind)));
        return show_exprs(p->output, p->n_output, out, err);
    }
}

static const char *node_name(const vonk_plan *p)
{
    if (p->kind == VONK_PN_P_HASH_JOIN) return p->join.broadcast ? "BroadcastHashJoin" : "ShuffledHashJoin";
    if (p->kind == VONK_PN_P_LOOP_JOIN) return p->join.broadcast ? "BroadcastNestedLoopJoin" : "CartesianProduct";
    return vonk_node_name(p->kind);
}

static vonk_status show_lists(const vonk_plan *p, vonk_buf *out, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_c(out, node_name(p), err));
    for (uint32_t i = 0; i < p->n_lists; i++) {
        VONK_TRY(vonk_buf_add_c(out, i ? ", " : " ", err));
        VONK_TRY(show_list(p, i, out, err));
    }
    return VONK_OK;
}

static vonk_status show_exchange(const vonk_plan *p, vonk_buf *out, vonk_error *err)
{
    static const char *const names[] = {
        [VONK_EXCHANGE_HASH] = "hashpartitioning",  [VONK_EXCHANGE_RANGE] = "rangepartitioning",
        [VONK_EXCHANGE_ROUND_ROBIN] = "RoundRobin", [VONK_EXCHANGE_SINGLE] = "SinglePartition",
        [VONK_EXCHANGE_BROADCAST] = "Broadcast",    [VONK_EXCHANGE_COALESCE] = "Coalesce",
    };
    VONK_TRY(vonk_buf_printf(out, err, "Exchange %s(", names[p->exchange.kind]));
    if (p->n_lists && p->lists[0].n) {
        VONK_TRY(show_list(p, 0, out, err));
        VONK_TRY(vonk_buf_add_c(out, ", ", err));
    }
    return vonk_buf_printf(out, err, "%d)", p->exchange.n_partitions);
}

static vonk_status show_physical(const vonk_plan *p, vonk_buf *out, vonk_error *err)
{
    static const char *const modes[] = {
        [VONK_AGG_PARTIAL] = "partial",
        [VONK_AGG_FINAL] = "final",
        [VONK_AGG_COMPLETE] = "complete",
        [VONK_AGG_MERGE] = "merge",
    };
    switch (p->kind) {
    case VONK_PN_P_LOCAL:
    case VONK_PN_P_RANGE: return show_relation(p, out, err);
    case VONK_PN_P_SCAN: return show_scan(p, out, err);
    case VONK_PN_P_EXCHANGE: return show_exchange(p, out, err);
    case VONK_PN_P_FILTER: VONK_TRY(vonk_buf_add_c(out, "Filter ", err)); return show_first(p, out, err);
    case VONK_PN_P_HASH_JOIN:
    case VONK_PN_P_LOOP_JOIN:
        VONK_TRY(show_lists(p, out, err));
        return vonk_buf_printf(out, err, ", %s, Build%s", join_name(p->join.type),
                               p->join.build_left ? "Left" : "Right");
    case VONK_PN_P_AGGREGATE:
        VONK_TRY(show_lists(p, out, err));
        return vonk_buf_printf(out, err, ", %s", modes[p->agg.mode]);
    case VONK_PN_P_LIMIT:
    case VONK_PN_P_TAIL:
    case VONK_PN_P_TOP_N:
        VONK_TRY(show_lists(p, out, err));
        return vonk_buf_printf(out, err, ", limit=%lld, offset=%lld", (long long)p->limit.limit,
                               (long long)p->limit.offset);
    case VONK_PN_P_SORT:
        VONK_TRY(show_lists(p, out, err));
        return vonk_buf_add_c(out, p->number ? ", true" : ", false", err);
    default: return show_lists(p, out, err);
    }
}

static vonk_status show_node(const vonk_plan *p, vonk_buf *out, vonk_error *err)
{
    if (vonk_node_phase_of(p->kind) == VONK_PHASE_PHYSICAL) return show_physical(p, out, err);
    if (!p->resolved) VONK_TRY(vonk_buf_add_byte(out, '\'', err));
    switch (p->kind) {
    case VONK_PN_TABLE:
    case VONK_PN_READ:
    case VONK_PN_RANGE:
    case VONK_PN_SUBQUERY_ALIAS:
    case VONK_PN_VIEW:
    case VONK_PN_LOCAL: return show_relation(p, out, err);
    case VONK_PN_SCAN:
    case VONK_PN_CACHED: return show_scan(p, out, err);
    case VONK_PN_FILTER:
    case VONK_PN_LIMIT:
    case VONK_PN_OFFSET:
    case VONK_PN_TAIL:
        VONK_TRY(vonk_buf_printf(out, err, "%s ", vonk_node_name(p->kind)));
        return show_first(p, out, err);
    case VONK_PN_SORT:
        VONK_TRY(show_lists(p, out, err));
        return vonk_buf_add_c(out, p->number ? ", true" : ", false", err);
    case VONK_PN_JOIN: return show_join(p, out, err);
    case VONK_PN_SET_OP: return show_set_op(p, out, err);
    case VONK_PN_GENERATE: return show_generate(p, out, err);
    case VONK_PN_EXPAND: return show_expand(p, out, err);
    case VONK_PN_REPARTITION: return show_repartition(p, out, err);
    case VONK_PN_SAMPLE:
        return vonk_buf_printf(out, err, "Sample %g, %g, %s, %lld", p->sample.lower, p->sample.upper,
                               p->sample.replacement ? "true" : "false", (long long)p->sample.seed);
    default: return show_lists(p, out, err);
    }
}
