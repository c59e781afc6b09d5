/* plan/plan_equal.c -- do two plans give the same result? Column ids are brought into a normal form first; then nodes
 * are compared kind by kind. Names of columns and aliases of relations do not count, order and types do. */
#include "plan/plan_int.h"

#include "base/hash.h"

/* Nodes that change nothing but names are looked through. */
static const vonk_plan *peel(const vonk_plan *p)
{
    while (p->kind == VONK_PN_SUBQUERY_ALIAS || p->kind == VONK_PN_VIEW) p = p->children[0];
    return p;
}

static bool strs_equal(const vonk_str *a, uint32_t n_a, const vonk_str *b, uint32_t n_b)
{
    if (n_a != n_b) return false;
    for (uint32_t i = 0; i < n_a; i++)
        if (!vonk_str_eq(a[i], b[i])) return false;
    return true;
}

static bool options_equal(const vonk_option *a, uint32_t n_a, const vonk_option *b, uint32_t n_b)
{
    if (n_a != n_b) return false;
    for (uint32_t i = 0; i < n_a; i++)
        if (!vonk_str_eq(a[i].key, b[i].key) || !vonk_str_eq(a[i].value, b[i].value)) return false;
    return true;
}

static bool types_equal(const vonk_type *a, const vonk_type *b) { return a == b || (a && b && vonk_type_eq(a, b)); }

static bool names_equal(const vonk_name_info *a, const vonk_name_info *b)
{
    return strs_equal(a->parts, a->n_parts, b->parts, b->n_parts) &&
           strs_equal(a->columns, a->n_columns, b->columns, b->n_columns) &&
           options_equal(a->options, a->n_options, b->options, b->n_options);
}

/* Rows of two LOCALs in order; batch borders do not count. */
static bool locals_equal(const vonk_local_info *a, const vonk_local_info *b)
{
    uint32_t at_a = 0, at_b = 0, row_a = 0, row_b = 0;
    if (a->one_partition != b->one_partition) return false;
    for (;;) {
        while (at_a < a->n_batches && row_a >= a->batches[at_a]->n_sel) at_a++, row_a = 0;
        while (at_b < b->n_batches && row_b >= b->batches[at_b]->n_sel) at_b++, row_b = 0;
        if (at_a == a->n_batches || at_b == b->n_batches) return at_a == a->n_batches && at_b == b->n_batches;
        const vonk_batch *x = a->batches[at_a], *y = b->batches[at_b];
        if (x->n_columns != y->n_columns) return false;
        uint32_t i = vonk_row_at(vonk_batch_rows(x), row_a++), k = vonk_row_at(vonk_batch_rows(y), row_b++);
        for (uint32_t c = 0; x != y && c < x->n_columns; c++)
            if (!vonk_column_row_eq(x->columns[c], i, y->columns[c], k)) return false;
    }
}

static bool scans_equal(const vonk_scan_info *a, const vonk_scan_info *b)
{
    if (a->table != b->table && a->table->identity != b->table->identity) return false;
    if (a->n_columns != b->n_columns || a->limit != b->limit || !types_equal(a->pruned, b->pruned)) return false;
    return memcmp(a->columns, b->columns, a->n_columns * sizeof(*a->columns)) == 0;
}

static bool joins_equal(const vonk_join_info *a, const vonk_join_info *b)
{
    return a->type == b->type && a->natural == b->natural && a->lateral == b->lateral &&
           a->null_aware == b->null_aware && a->as_of == b->as_of && a->mark_id == b->mark_id &&
           strs_equal(a->using_columns, a->n_using, b->using_columns, b->n_using);
}

static bool stats_equal(const vonk_stat_info *a, const vonk_stat_info *b)
{
    if (!vonk_str_eq(a->kind, b->kind) || a->n_numbers != b->n_numbers || a->seed != b->seed) return false;
    for (uint32_t i = 0; i < a->n_numbers; i++)
        if (a->numbers[i] < b->numbers[i] || a->numbers[i] > b->numbers[i]) return false;
    return strs_equal(a->names, a->n_names, b->names, b->n_names);
}

static bool doubles_equal(double a, double b) { return !(a < b) && !(a > b); }

static bool writes_equal(const vonk_write_info *a, const vonk_write_info *b)
{
    return names_equal(&a->name, &b->name) && vonk_str_eq(a->format, b->format) && vonk_str_eq(a->path, b->path) &&
           vonk_str_eq(a->mode, b->mode) && a->by_name == b->by_name &&
           strs_equal(a->partition_by, a->n_partition_by, b->partition_by, b->n_partition_by);
}

static bool commands_equal(const vonk_command_info *a, const vonk_command_info *b)
{
    return vonk_str_eq(a->kind, b->kind) && names_equal(&a->name, &b->name) && a->if_exists == b->if_exists &&
           a->extended == b->extended && vonk_str_eq(a->pattern, b->pattern);
}

static bool relation_payload_equal(const vonk_plan *a, const vonk_plan *b)
{
    switch (a->kind) {
    case VONK_PN_READ:
        return vonk_str_eq(a->read.format, b->read.format) && types_equal(a->read.schema, b->read.schema) &&
               strs_equal(a->read.paths, a->read.n_paths, b->read.paths, b->read.n_paths) &&
               options_equal(a->read.options, a->read.n_options, b->read.options, b->read.n_options);
    case VONK_PN_LOCAL: return locals_equal(&a->local, &b->local);
    case VONK_PN_RANGE:
        return a->range.start == b->range.start && a->range.end == b->range.end && a->range.step == b->range.step &&
               a->range.n_partitions == b->range.n_partitions;
    case VONK_PN_SCAN:
    case VONK_PN_CACHED: return scans_equal(&a->scan, &b->scan);
    case VONK_PN_TO_SCHEMA: return types_equal(a->schema, b->schema);
    case VONK_PN_SQL_TEXT: return vonk_str_eq(a->text.text, b->text.text);
    case VONK_PN_STAT: return stats_equal(&a->stat, &b->stat);
    case VONK_PN_SHOW_STRING:
        return a->show.n_rows == b->show.n_rows && a->show.truncate == b->show.truncate &&
               a->show.vertical == b->show.vertical && a->show.html == b->show.html;
    default: return names_equal(&a->name, &b->name);
    }
}

static bool payload_equal(const vonk_plan *a, const vonk_plan *b)
{
    switch (a->kind) {
    case VONK_PN_AGGREGATE:
        return a->group.kind == b->group.kind && a->group.by_all == b->group.by_all &&
               a->group.n_sets == b->group.n_sets;
    case VONK_PN_SAMPLE:
        return doubles_equal(a->sample.lower, b->sample.lower) && doubles_equal(a->sample.upper, b->sample.upper) &&
               a->sample.replacement == b->sample.replacement && a->sample.seed == b->sample.seed;
    case VONK_PN_REPARTITION: return a->repartition.kind == b->repartition.kind && a->repartition.n == b->repartition.n;
    case VONK_PN_GENERATE: return a->generate.outer == b->generate.outer;
    case VONK_PN_JOIN: return joins_equal(&a->join, &b->join);
    case VONK_PN_SET_OP:
        return a->set.kind == b->set.kind && a->set.all == b->set.all && a->set.by_name == b->set.by_name;
    case VONK_PN_CREATE_VIEW: return names_equal(&a->view.name, &b->view.name);
    case VONK_PN_WRITE_FILES:
    case VONK_PN_INSERT:
    case VONK_PN_CREATE_TABLE: return writes_equal(&a->write, &b->write);
    case VONK_PN_DROP:
    case VONK_PN_EXPLAIN:
    case VONK_PN_SHOW:
    case VONK_PN_DESCRIBE:
    case VONK_PN_CACHE_TABLE:
    case VONK_PN_USE:
    case VONK_PN_OTHER_COMMAND: return commands_equal(&a->command, &b->command);
    case VONK_PN_ONE_ROW:
    case VONK_PN_PROJECT:
    case VONK_PN_FILTER:
    case VONK_PN_SORT:
    case VONK_PN_LIMIT:
    case VONK_PN_OFFSET:
    case VONK_PN_TAIL:
    case VONK_PN_DISTINCT:
    case VONK_PN_WINDOW:
    case VONK_PN_EXPAND:
    case VONK_PN_PYTHON_EVAL:
    case VONK_PN_PYTHON_MAP:
    case VONK_PN_PYTHON_GROUPS:
    case VONK_PN_PYTHON_AGGREGATE:
    case VONK_PN_PYTHON_SOURCE:
    case VONK_PN_SHARED:
    case VONK_PN_REMATERIALIZE: return true;
    default: return relation_payload_equal(a, b);
    }
}

static bool nodes_equal(const vonk_plan *a, const vonk_plan *b)
{
    if (a->kind != b->kind || a->n_children != b->n_children || a->number != b->number || a->n_lists != b->n_lists ||
        a->n_output != b->n_output)
        return false;
    for (uint32_t i = 0; i < a->n_lists; i++) {
        if (a->lists[i].n != b->lists[i].n) return false;
        for (uint32_t k = 0; k < a->lists[i].n; k++)
            if (!vonk_expr_equal(a->lists[i].at[k], b->lists[i].at[k])) return false;
    }
    for (uint32_t i = 0; i < a->n_output; i++)
        if (!vonk_type_eq(a->output[i]->type, b->output[i]->type)) return false;
    return payload_equal(a, b);
}

static bool trees_equal(const vonk_plan *a, const vonk_plan *b)
{
    a = peel(a);
    b = peel(b);
    if (a == b) return true;
    if (!nodes_equal(a, b)) return false;
    for (uint32_t i = 0; i < a->n_children; i++)
        if (!trees_equal(a->children[i], b->children[i])) return false;
    return true;
}

vonk_status vonk_plan_same(const vonk_plan *a, const vonk_plan *b, bool *ret, vonk_error *err)
{
    a = peel(a);
    b = peel(b);
    *ret = a == b;
    if (a == b || a->kind != b->kind || a->n_children != b->n_children || a->n_output != b->n_output) return VONK_OK;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *x = NULL, *y = NULL;
    vonk_budget *budget = vonk_arena_budget(a->arena);
    VONK_TRY(vonk__plan_canonical(budget, a, &x, err));
    VONK_TRY(vonk__plan_canonical(budget, b, &y, err));
    *ret = trees_equal(x, y);
    return VONK_OK;
}

bool vonk_plan_equal(const vonk_plan *a, const vonk_plan *b)
{
    VONK_AUTO(vonk_error_reset) vonk_error ignored = VONK_ERROR_INIT;
    bool same = false;
    return vonk_plan_same(a, b, &same, &ignored) == VONK_OK ? same : trees_equal(a, b);
}

static uint64_t hash_tree(const vonk_plan *p)
{
    p = peel(p);
    uint64_t h = vonk_hash_combine((uint64_t)p->kind, (uint64_t)p->number);
    if (p->kind == VONK_PN_SCAN || p->kind == VONK_PN_CACHED) h = vonk_hash_combine(h, p->scan.table->identity);
    if (p->kind == VONK_PN_RANGE)
        h = vonk_hash_combine(vonk_hash_combine(h, (uint64_t)p->range.start), (uint64_t)p->range.end);
    for (uint32_t i = 0; i < p->n_lists; i++)
        for (uint32_t k = 0; k < p->lists[i].n; k++) h = vonk_hash_combine(h, vonk_expr_hash(p->lists[i].at[k]));
    for (uint32_t i = 0; i < p->n_output; i++) h = vonk_hash_combine(h, (uint64_t)p->output[i]->type->id);
    for (uint32_t i = 0; i < p->n_children; i++) h = vonk_hash_combine(h, hash_tree(p->children[i]));
    return h;
}

vonk_status vonk_plan_hash(const vonk_plan *p, uint64_t *ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *x = NULL;
    VONK_TRY(vonk__plan_canonical(vonk_arena_budget(p->arena), p, &x, err));
    *ret = hash_tree(x);
    return VONK_OK;
}
