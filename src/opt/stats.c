/* opt/stats.c -- estimates from Parquet footers and a few rules of thumb.
 *
 * Footers give row counts, minimum and maximum. From these: different values of an integral column <= min(rows, max -
 * min + 1); the share of a range is its part of [min, max]. Constants below are the usual guesses (P. Selinger et al.,
 * "Access Path Selection", 1979) where nothing is known. */
#include "opt/stats.h"

#include "opt/opt.h"

#include <math.h>

#define GUESS_EQUAL 0.1
#define GUESS_RANGE 0.33
#define GUESS_NULL 0.05
#define GUESS_LIKE 0.1
#define GUESS_OTHER 0.25
#define GUESS_HAVING 0.1
#define GUESS_GROUPS 0.1

static double at_least_one(double x) { return x < 1 ? 1 : x; }
static double within(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

/* ---- what a scan's table says of a column */
static bool table_stats(const vonk_plan *scan, vonk_table_stats *ret)
{
    VONK_AUTO(vonk_error_reset) vonk_error quiet = VONK_ERROR_INIT;
    vonk_table *table = scan->scan.table;

    *ret = (vonk_table_stats){.n_rows = -1};
    return table->cls->stats && table->cls->stats(table, ret, &quiet) == VONK_OK;
}

static bool number_of(const vonk_column *value, double *ret)
{
    if (!value || vonk_column_is_null(value, 0)) return false;
    switch (value->type->storage) {
    case VONK_STORE_I8:
    case VONK_STORE_I16:
    case VONK_STORE_I32:
    case VONK_STORE_I64: *ret = (double)vonk_column_i64(value, 0); break;
    case VONK_STORE_F32:
    case VONK_STORE_F64: *ret = vonk_column_f64(value, 0); break;
    default: return false;
    }
    for (int8_t s = 0; value->type->id == VONK_T_DECIMAL && s < value->type->scale; s++) *ret /= 10;
    return true;
}

/* The scan's statistics of a column, wherever below p it comes from unchanged. */
static const vonk_column_stats *column_stats(const vonk_plan *p, uint64_t id, double *ret_rows)
{
    vonk_table_stats stats;

    if (p->kind == VONK_PN_SCAN || p->kind == VONK_PN_CACHED) {
        const uint32_t at = vonk_plan_column_at(p, id);
        if (at == p->n_output || !table_stats(p, &stats)) return NULL;
        *ret_rows = stats.n_rows;
        return stats.columns ? &stats.columns[p->scan.columns[at]] : NULL;
    }
    if (p->kind == VONK_PN_PROJECT || p->kind == VONK_PN_AGGREGATE) { /* under another id: follow plain renames */
        const vonk_expr_list *list = &p->lists[p->kind == VONK_PN_AGGREGATE ? 1 : 0];
        const uint32_t at = vonk_plan_column_at(p, id);
        if (at < list->n && list->at[at]->kind == VONK_EX_ALIAS && list->at[at]->children[0]->kind == VONK_EX_COLUMN)
            id = list->at[at]->children[0]->id;
    }
    for (uint32_t i = 0; i < p->n_children; i++) {
        const vonk_column_stats *found =
            vonk_plan_has_column(p->children[i], id) ? column_stats(p->children[i], id, ret_rows) : NULL;
        if (found) return found;
    }
    return NULL;
}

/* Rows of the table below that the column comes from: the most different values it can have. */
static double base_rows(const vonk_opt_env *env, const vonk_plan *p, uint64_t id)
{
    vonk_table_stats stats;

    if ((p->kind == VONK_PN_SCAN || p->kind == VONK_PN_CACHED) && table_stats(p, &stats) && stats.n_rows >= 0)
        return at_least_one(stats.n_rows);
    if (p->kind == VONK_PN_AGGREGATE) return vonk__opt_rows(env, p);
    for (uint32_t i = 0; i < p->n_children; i++)
        if (vonk_plan_has_column(p->children[i], id)) return base_rows(env, p->children[i], id);
    return vonk__opt_rows(env, p);
}

double vonk__opt_distinct(const vonk_opt_env *env, const vonk_plan *p, uint64_t id)
{
    double table_rows = -1, low, high;
    const vonk_column_stats *stats = column_stats(p, id, &table_rows);
    const double most = base_rows(env, p, id);

    if (!stats) return most;
    if (stats->distinct >= 0) return at_least_one(stats->distinct);
    if (number_of(stats->min, &low) && number_of(stats->max, &high) && stats->min->type->storage != VONK_STORE_F64 &&
        stats->min->type->storage != VONK_STORE_F32)
        return within(high - low + 1, 1, most);
    return most;
}

/* ---- conditions */
static double share_below(const vonk_opt_env *env, const vonk_plan *p, const vonk_expr *column,
                          const vonk_expr *literal, bool *ret_known)
{
    double rows = -1, low, high, x;
    const vonk_column_stats *stats = column_stats(p, column->id, &rows);

    (void)env;
    *ret_known = stats && literal->kind == VONK_EX_LITERAL && number_of(stats->min, &low) &&
                 number_of(stats->max, &high) && number_of(literal->value, &x) && high > low;
    return *ret_known ? within((x - low) / (high - low), 0, 1) : GUESS_RANGE;
}

static const vonk_expr *without_cast(const vonk_expr *e) { return e->kind == VONK_EX_CAST ? e->children[0] : e; }

static double share_equal(const vonk_opt_env *env, const vonk_plan *p, const vonk_expr *column)
{
    const double distinct = vonk__opt_distinct(env, p, column->id);
    double rows = -1;
    const bool known = column_stats(p, column->id, &rows) != NULL && vonk_storage_bytes(column->type->storage) > 0 &&
                       column->type->storage != VONK_STORE_VIEW;

    return known || distinct < 100 ? 1 / distinct : GUESS_EQUAL;
}

static double comparison(const vonk_opt_env *env, const vonk_plan *p, const vonk_expr *e)
{
    const char *name = e->fn->name;
    const vonk_expr *a = without_cast(e->children[0]), *b = without_cast(e->children[1]);
    bool flipped = false, known;

    if (a->kind != VONK_EX_COLUMN) {
        const vonk_expr *t = a;
        a = b;
        b = t;
        flipped = true;
    }
    const bool equal = strcmp(name, "=") == 0 || strcmp(name, "==") == 0 || strcmp(name, "<=>") == 0;
    if (a->kind != VONK_EX_COLUMN) return equal ? GUESS_EQUAL : GUESS_RANGE;
    if (equal && b->kind == VONK_EX_COLUMN) return 1 / at_least_one(vonk__opt_distinct(env, p, a->id));
    if (equal) return share_equal(env, p, a);
    if (strcmp(name, "!=") == 0 || strcmp(name, "<>") == 0) return 1 - share_equal(env, p, a);
    const double below = share_below(env, p, a, b, &known);
    return (name[0] == '<') != flipped ? below : known ? 1 - below : GUESS_RANGE;
}

static double share_null(const vonk_plan *p, const vonk_expr *e)
{
    double rows = -1;
    const vonk_column_stats *stats = e->kind == VONK_EX_COLUMN ? column_stats(p, e->id, &rows) : NULL;

    return stats && stats->null_fraction >= 0 ? stats->null_fraction : GUESS_NULL;
}

double vonk__opt_selectivity(const vonk_opt_env *env, const vonk_plan *p, const vonk_expr *e)
{
    double share = 1;

    switch (e->kind) {
    case VONK_EX_AND:
        for (uint32_t i = 0; i < e->n_children; i++) share *= vonk__opt_selectivity(env, p, e->children[i]);
        return share;
    case VONK_EX_OR:
        for (uint32_t i = 0; i < e->n_children; i++) share *= 1 - vonk__opt_selectivity(env, p, e->children[i]);
        return 1 - share;
    case VONK_EX_NOT: return 1 - vonk__opt_selectivity(env, p, e->children[0]);
    case VONK_EX_IS_NOT_NULL: return 1 - share_null(p, e->children[0]);
    case VONK_EX_IS_NULL: return share_null(p, e->children[0]);
    case VONK_EX_LITERAL:
        return e->type->id == VONK_T_BOOLEAN && !vonk_column_is_null(e->value, 0) && vonk_column_i64(e->value, 0) ? 1
                                                                                                                  : 0;
    case VONK_EX_IN: {
        const vonk_expr *value = without_cast(e->children[0]);
        const double one = value->kind == VONK_EX_COLUMN ? share_equal(env, p, value) : GUESS_EQUAL;
        return within(one * (double)(e->n_children - 1), 0, 0.9);
    }
    case VONK_EX_FUNCTION:
        if (e->n_children == 2 && strchr("<>=!", e->fn->name[0])) return within(comparison(env, p, e), 0, 1);
        if (strstr(e->fn->name, "like") || strstr(e->fn->name, "contains") || strstr(e->fn->name, "with"))
            return GUESS_LIKE;
        return GUESS_OTHER;
    default: return GUESS_OTHER;
    }
}

/* ---- rows */
static double join_rows(const vonk_opt_env *env, const vonk_plan *p)
{
    const double left = vonk__opt_rows(env, p->children[0]), right = vonk__opt_rows(env, p->children[1]);
    const vonk_expr *condition = p->n_lists > 0 && p->lists[0].n > 0 ? p->lists[0].at[0] : NULL;
    double share = 1, match = 1;
    const uint32_t n = !condition ? 0 : condition->kind == VONK_EX_AND ? condition->n_children : 1;

    for (uint32_t i = 0; i < n; i++) {
        const vonk_expr *e = condition->kind == VONK_EX_AND ? condition->children[i] : condition;
        bool null_safe;
        if (!vonk__opt_is_equality(e, &null_safe) || e->children[0]->kind != VONK_EX_COLUMN ||
            e->children[1]->kind != VONK_EX_COLUMN) {
            share *= GUESS_RANGE;
            continue;
        }
        const bool straight = vonk_plan_has_column(p->children[0], e->children[0]->id);
        const double dl = vonk__opt_distinct(env, p->children[0], e->children[straight ? 0 : 1]->id),
                     dr = vonk__opt_distinct(env, p->children[1], e->children[straight ? 1 : 0]->id);
        share /= at_least_one(dl < dr ? dl : dr);
        match *= within(right / at_least_one(dl), 0, 1);
    }
    switch (p->join.type) {
    case VONK_JOIN_SEMI: return left * (n > 0 ? match : 1);
    case VONK_JOIN_ANTI: return left * within(1 - (n > 0 ? match : 1), 0.1, 1);
    case VONK_JOIN_MARK:
    case VONK_JOIN_SINGLE: return left;
    case VONK_JOIN_LEFT: return within(left * right * share, left, INFINITY);
    case VONK_JOIN_RIGHT: return within(left * right * share, right, INFINITY);
    case VONK_JOIN_FULL: return within(left * right * share, left + right, INFINITY);
    default: return left * right * share;
    }
}

static double group_rows(const vonk_opt_env *env, const vonk_plan *p)
{
    const double rows = vonk__opt_rows(env, p->children[0]);
    double groups = 1;

    for (uint32_t i = 0; i < p->lists[0].n; i++) {
        const vonk_expr *key = p->lists[0].at[i];
        groups *= key->kind == VONK_EX_COLUMN ? vonk__opt_distinct(env, p->children[0], key->id)
                                              : at_least_one(rows * GUESS_GROUPS);
        if (groups > rows) return rows;
    }
    return groups;
}

static double literal_rows(const vonk_plan *p)
{
    const vonk_expr *e = p->lists[0].at[0];

    return e->kind == VONK_EX_LITERAL && !vonk_column_is_null(e->value, 0) ? (double)vonk_column_i64(e->value, 0)
                                                                           : INFINITY;
}

static double rows_of(const vonk_opt_env *env, const vonk_plan *p)
{
    double rows = 0;
    vonk_table_stats stats;

    switch (p->kind) {
    case VONK_PN_SCAN:
    case VONK_PN_CACHED: return table_stats(p, &stats) && stats.n_rows >= 0 ? stats.n_rows : 1000000;
    case VONK_PN_LOCAL:
        for (uint32_t i = 0; i < p->local.n_batches; i++) rows += p->local.batches[i]->n_sel;
        return rows;
    case VONK_PN_RANGE:
        return p->range.step == 0
                   ? 1
                   : within(((double)p->range.end - (double)p->range.start) / (double)p->range.step, 0, INFINITY);
    case VONK_PN_ONE_ROW: return 1;
    case VONK_PN_FILTER:
        rows = vonk__opt_rows(env, p->children[0]);
        if (p->children[0]->kind == VONK_PN_AGGREGATE) return rows * GUESS_HAVING;
        return rows * vonk__opt_selectivity(env, p->children[0], p->lists[0].at[0]);
    case VONK_PN_AGGREGATE: return group_rows(env, p);
    case VONK_PN_JOIN: return join_rows(env, p);
    case VONK_PN_LIMIT: return within(vonk__opt_rows(env, p->children[0]), 0, literal_rows(p));
    case VONK_PN_SET_OP:
        for (uint32_t i = 0; i < p->n_children; i++) rows += vonk__opt_rows(env, p->children[i]);
        return rows;
    case VONK_PN_EXPAND: return vonk__opt_rows(env, p->children[0]) * p->n_lists;
    case VONK_PN_GENERATE: return vonk__opt_rows(env, p->children[0]) * 4;
    default: return p->n_children > 0 ? vonk__opt_rows(env, p->children[0]) : 1;
    }
}

/* Kept in the node, which does not change: each estimate asks for those below it several times. */
double vonk__opt_rows(const vonk_opt_env *env, const vonk_plan *p)
{
    double rows, *kept = &((vonk_plan *)p)->est_rows;
    __atomic_load(kept, &rows, __ATOMIC_RELAXED);
    if (rows >= 0) return rows;
    rows = at_least_one(rows_of(env, p));
    __atomic_store(kept, &rows, __ATOMIC_RELAXED);
    return rows;
}

/* What Spark takes for the size of a value whose length it does not know. */
enum { TEXT_BYTES = 20, BINARY_BYTES = 100, ROW_BYTES = 8, NESTED_DEPTH = 8 };

static double value_bytes(const vonk_type *t, int depth)
{
    double sum = 0;

    if (vonk_type_is_stringy(t)) return TEXT_BYTES;
    if (t->id == VONK_T_BINARY) return BINARY_BYTES;
    for (uint32_t i = 0; i < t->n_fields && depth < NESTED_DEPTH; i++) sum += value_bytes(t->fields[i].type, depth + 1);
    return sum + at_least_one((double)vonk_storage_bytes(t->storage));
}

double vonk__opt_value_bytes(const vonk_type *type) { return value_bytes(type, 0); }

static vonk_status add_bytes(double bytes, vonk_buf *out, vonk_error *err)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;

    for (; bytes >= 2048 && unit + 1 < VONK_COUNTOF(units); unit++) bytes /= 1024;
    return vonk_buf_printf(out, err, "%.1f %s", bytes, units[unit]);
}

vonk_status vonk_opt_cost_remark(const vonk_plan *p, void *arg, vonk_buf *out, vonk_error *err)
{
    const vonk_opt_env *env = arg;
    const double rows = vonk__opt_rows(env, p);
    double width = ROW_BYTES;

    for (uint32_t i = 0; i < p->n_output; i++) width += value_bytes(p->output[i]->type, 0);
    VONK_TRY(vonk_buf_add_c(out, ", Statistics(sizeInBytes=", err));
    VONK_TRY(add_bytes(rows * width, out, err));
    return vonk_buf_printf(out, err, ", rowCount=%.0f)", rows);
}
