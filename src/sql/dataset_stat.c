/* sql/dataset_stat.c -- DataFrame.stat, describe and summary, as aggregates. */
#include <math.h>

#include "base/strmap.h"
#include "sql/dataset.h"
#include "text/number.h"

/* ---- describe and summary: one row per statistic, one column per input column, all text */
static bool is_percentile(vonk_str which) { return which.len > 0 && which.data[which.len - 1] == '%'; }

static bool needs_number(vonk_str which)
{
    return vonk_str_is_nocase(which, "mean") || vonk_str_is_nocase(which, "stddev") || is_percentile(which);
}

static vonk_status unknown_statistic(vonk__ds *d, vonk_str which)
{
    return VONK_FAIL(d->err, VONK_E_UNRECOGNIZED_STATISTIC, "stats", VONK_F("'%.*s'", VONK_STR_ARGS(which)));
}

/* "12.5%": 0.125 */
static vonk_status share_of(vonk__ds *d, vonk_str which, double *ret)
{
    if (!vonk_text_to_f64(vonk_str_sub(which, 0, which.len - 1), ret)) return unknown_statistic(d, which);
    *ret /= 100;
    return VONK_OK;
}

static vonk_status check_percentiles(vonk__ds *d, const vonk_str *statistics, uint32_t n)
{
    bool all_fit = true;
    double share = 0;

    for (uint32_t i = 0; i < n; i++) {
        if (!is_percentile(statistics[i])) continue;
        VONK_TRY(share_of(d, statistics[i], &share));
        all_fit &= share >= 0 && share <= 1;
    }
    if (all_fit) return VONK_OK;
    return VONK_FAIL(d->err, VONK_E_REQUIREMENT_FAILED, "requirement", "percentiles lie between 0% and 100%");
}

static vonk_status percentile(vonk__ds *d, vonk_str which, const vonk_expr *column, const vonk_expr **ret)
{
    const vonk_expr *share_literal = NULL;
    double share = 0;

    VONK_TRY(share_of(d, which, &share));
    VONK_TRY(vonk__ds_double(d, share, &share_literal));
    if (column->type->id == VONK_T_DECIMAL)
        VONK_TRY(vonk__ds_cast(d, column, &vonk_type_double, &column)); /* 2.5, not 2.50 */
    return vonk__ds_call(d, "percentile_approx", (const vonk_expr *[]){column, share_literal}, 2, ret);
}

static vonk_status statistic(vonk__ds *d, vonk_str which, const vonk_expr *column, const vonk_expr **ret)
{
    static const struct {
        const char *name, *function;
    } rows[] = {{"count", "count"}, {"mean", "avg"}, {"stddev", "stddev"},
                {"min", "min"},     {"max", "max"},  {"approx_count_distinct", "approx_count_distinct"}};

    for (size_t i = 0; i < VONK_COUNTOF(rows); i++)
        if (vonk_str_is_nocase(which, rows[i].name)) return vonk__ds_call(d, rows[i].function, &column, 1, ret);
    if (vonk_str_is_nocase(which, "count_distinct")) return vonk__ds_distinct_call(d, "count", column, ret);
    if (is_percentile(which)) return percentile(d, which, column, ret);
    return unknown_statistic(d, which);
}

/* As text; the mean of a text column is over those texts that are numbers. */
static vonk_status statistic_text(vonk__ds *d, vonk_str which, const vonk_expr *column, const vonk_expr **ret)
{
    const vonk_expr *e = NULL;

    if (needs_number(which) && !vonk_type_is_numeric(column->type)) {
        VONK_TRY(vonk_ex_cast(d->a->budget, column, &vonk_type_double, VONK_MODE_TRY, &column, d->err));
        VONK_TRY(vonk__ds_keep(d, column));
    }
    VONK_TRY(statistic(d, which, column, &e));
    return vonk__ds_cast(d, e, &vonk_type_string, ret);
}

static vonk_status text_column(vonk__ds *d, vonk_str name, uint64_t id, const vonk_expr **ret)
{
    vonk_expr *column = NULL;

    VONK_TRY(vonk_expr_new(d->a->budget, VONK_EX_COLUMN, NULL, 0, &column, d->err));
    column->id = id;
    column->nullable = true;
    vonk_status status = vonk_expr_set_name(column, name, d->err);
    if (status == VONK_OK) status = vonk_expr_set_type(column, &vonk_type_string, d->err);
    if (status != VONK_OK) {
        vonk_expr_unref(column);
        return status;
    }
    VONK_TRY(vonk_expr_finish(column, ret, d->err));
    return vonk__ds_keep(d, *ret);
}

/* Row s of the result: the statistic's name, then its value for each column. */
static vonk_status fill_expand(vonk__ds *d, vonk_plan *expand, const vonk__ds_list *columns, const vonk_str *statistics,
                               uint32_t n, const vonk__ds_list *values)
{
    vonk__ds_list output = {0};
    const vonk_expr *e = NULL;

    VONK_TRY(text_column(d, VONK_STR("summary"), vonk_expr_new_id(), &e));
    VONK_TRY(vonk__ds_push(d, &output, e));
    for (size_t c = 0; c < columns->n; c++) {
        VONK_TRY(text_column(d, columns->at[c]->name, vonk_expr_new_id(), &e));
        VONK_TRY(vonk__ds_push(d, &output, e));
    }
    VONK_TRY(vonk_plan_set_output(expand, output.at, (uint32_t)output.n, d->err));
    for (uint32_t s = 0; s < n; s++) {
        vonk__ds_list row = {0};
        VONK_TRY(vonk__ds_text(d, statistics[s], &e));
        VONK_TRY(vonk__ds_push(d, &row, e));
        for (size_t c = 0; c < columns->n; c++) VONK_TRY(vonk__ds_push(d, &row, values->at[s * columns->n + c]));
        VONK_TRY(vonk_plan_set_list(expand, s, row.at, (uint32_t)row.n, d->err));
    }
    return VONK_OK;
}

/* Spark keeps a column's statistics in a map by their names, which raises DUPLICATED_MAP_KEY when one is there twice,
 * unless spark.sql.mapKeyDedupPolicy says otherwise. */
static vonk_status second_value(vonk__ds *d, vonk_str name, const vonk_expr *value, const vonk_expr **ret)
{
    const vonk_expr *key = NULL, *map = NULL;

    VONK_TRY(vonk__ds_text(d, name, &key));
    VONK_TRY(vonk__ds_call(d, "map", (const vonk_expr *[]){key, value, key, value}, 4, &map));
    return vonk__ds_call(d, "element_at", (const vonk_expr *[]){map, key}, 2, ret);
}

/* The first statistic that is the same as number s; all before it are in `seen` or the same as one there. */
static vonk_status first_same(vonk__ds *d, vonk_strmap *seen, const vonk_str *statistics, uint32_t s, uint32_t *ret)
{
    const vonk_str *first = vonk_strmap_get(seen, statistics[s]);

    *ret = first ? (uint32_t)(first - statistics) : s;
    return first ? VONK_OK : vonk_strmap_put(seen, statistics[s], (void *)&statistics[s], NULL, d->err);
}

/* All statistics of all columns in one row, then a row each through EXPAND. */
static vonk_status statistics_table(vonk__ds *d, const vonk__ds_list *columns, const vonk_str *statistics, uint32_t n,
                                    const vonk_plan **ret)
{
    VONK_AUTO(vonk_strmap_free) vonk_strmap *kinds = NULL, *names = NULL;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *row = NULL;
    vonk__ds_list aggs = {0}, values = {0};
    vonk_plan *expand = NULL;

    VONK_TRY(vonk_strmap_new(d->a->budget, true, &kinds, d->err));
    VONK_TRY(vonk_strmap_new(d->a->budget, false, &names, d->err));
    for (uint32_t s = 0; s < n; s++) {
        uint32_t same, same_name;
        VONK_TRY(first_same(d, kinds, statistics, s, &same)); /* computed once */
        VONK_TRY(first_same(d, names, statistics, s, &same_name));
        for (size_t c = 0; c < columns->n; c++) {
            const vonk_expr *e = NULL, *column = NULL;
            if (same < s) {
                assert(values.at);
                column = values.at[same * columns->n + c];
                if (same_name < s) VONK_TRY(second_value(d, statistics[s], column, &column));
                VONK_TRY(vonk__ds_push(d, &values, column));
                continue;
            }
            VONK_TRY(statistic_text(d, statistics[s], columns->at[c], &e));
            VONK_TRY(vonk__ds_alias(d, e, columns->at[c]->name, &e));
            VONK_TRY(vonk__ds_push(d, &aggs, e));
            VONK_TRY(text_column(d, e->name, e->id, &column));
            VONK_TRY(vonk__ds_push(d, &values, column));
        }
    }
    VONK_TRY(vonk_pn_aggregate(d->a->budget, d->child, NULL, 0, aggs.at, (uint32_t)aggs.n, &row, d->err));
    VONK_TRY(vonk_plan_new(d->a->budget, VONK_PN_EXPAND, &row, 1, &expand, d->err));
    const vonk_status status = fill_expand(d, expand, columns, statistics, n, &values);
    if (status != VONK_OK) {
        vonk_plan_unref(expand);
        return status;
    }
    return vonk_plan_finish(expand, ret, d->err);
}

static bool has_statistics(const vonk_type *t) { return vonk_type_is_numeric(t) || vonk_type_is_stringy(t); }

/* Spark takes the columns by their names: raises when that is not possible. */
static vonk_status check_names(vonk__ds *d, const vonk__ds_list *columns)
{
    VONK_AUTO(vonk_strmap_free) vonk_strmap *all = NULL, *twice = NULL;
    const vonk_expr *column = NULL;

    VONK_TRY(vonk_strmap_new(d->a->budget, !d->a->env->case_sensitive, &all, d->err));
    VONK_TRY(vonk_strmap_new(d->a->budget, !d->a->env->case_sensitive, &twice, d->err));
    for (uint32_t c = 0; c < d->child->n_output; c++) {
        void *before = NULL, *this = (void *)d->child->output[c];
        VONK_TRY(vonk_strmap_put(all, d->child->output[c]->name, this, &before, d->err));
        if (before) VONK_TRY(vonk_strmap_put(twice, d->child->output[c]->name, this, NULL, d->err));
    }
    for (size_t c = 0; c < columns->n; c++)
        if (vonk_strmap_get(twice, columns->at[c]->name)) return vonk__ds_column(d, columns->at[c]->name, &column);
    return VONK_OK;
}

static vonk_status summary(vonk__ds *d, const vonk_str *statistics, uint32_t n, const vonk_plan **ret)
{
    vonk__ds_list columns = {0};

    VONK_TRY(check_percentiles(d, statistics, n));
    for (uint32_t c = 0; c < d->child->n_output; c++)
        if (has_statistics(d->child->output[c]->type)) VONK_TRY(vonk__ds_push(d, &columns, d->child->output[c]));
    VONK_TRY(check_names(d, &columns));
    return statistics_table(d, &columns, statistics, n, ret);
}

/* ---- one value */
static vonk_status one_row(vonk__ds *d, const vonk_expr *value, const char *name, const vonk_plan **ret)
{
    VONK_TRY(vonk__ds_alias(d, value, vonk_str_of(name), &value));
    return vonk_pn_aggregate(d->a->budget, d->child, NULL, 0, &value, 1, ret, d->err);
}

static vonk_status want_numbers(vonk__ds *d, const vonk_expr *column)
{
    if (vonk_type_is_numeric(column->type)) return VONK_OK;
    return VONK_FAIL(d->err, VONK_E_REQUIREMENT_FAILED, "requirement",
                     VONK_F("%.*s is over columns of numbers, not of %s", VONK_STR_ARGS(d->p->stat.kind),
                            VONK_TYPE_SQL(column->type)));
}

/* There is always a number: a null counts as 0, and what the aggregate function gives no value for (too few rows, no
 * spread) is `otherwise`. */
static vonk_status of_pair(vonk__ds *d, const char *function, double otherwise, const char *name, const vonk_plan **ret)
{
    const vonk_expr *pair[2] = {NULL, NULL}, *e[2] = {NULL, NULL};

    for (uint32_t i = 0; i < 2; i++) {
        const vonk_expr *column = d->p->lists[0].at[i];
        VONK_TRY(want_numbers(d, column));
        VONK_TRY(vonk__ds_cast(d, column, &vonk_type_double, &e[0]));
        VONK_TRY(vonk__ds_double(d, 0, &e[1]));
        VONK_TRY(vonk__ds_call(d, "coalesce", e, 2, &pair[i]));
    }
    VONK_TRY(vonk__ds_call(d, function, pair, 2, &e[0]));
    VONK_TRY(vonk__ds_double(d, otherwise, &e[1]));
    VONK_TRY(vonk__ds_call(d, "coalesce", e, 2, &e[0]));
    return one_row(d, e[0], name, ret);
}

/* ---- approxQuantile: array over columns of array over probabilities */
static vonk_status check_quantiles(vonk__ds *d, const double *shares, uint32_t n, double error)
{
    bool all_fit = error >= 0;

    for (uint32_t i = 0; i < n; i++) all_fit &= shares[i] >= 0 && shares[i] <= 1;
    if (all_fit) return VONK_OK;
    return VONK_FAIL(d->err, VONK_E_REQUIREMENT_FAILED, "requirement",
                     "probabilities lie between 0 and 1, and the relative error is not negative");
}

/* Nulls and NaN do not count; no value at all: no quantiles. */
static vonk_status quantiles_of(vonk__ds *d, const vonk_expr *column, const vonk_expr *shares,
                                const vonk_expr *accuracy, const vonk_expr **ret)
{
    const vonk_expr *e = NULL, *is_nan = NULL, *number = NULL, *zero = NULL, *none = NULL;

    VONK_TRY(want_numbers(d, column));
    VONK_TRY(vonk__ds_cast(d, column, &vonk_type_double, &e));
    VONK_TRY(vonk__ds_call(d, "isnan", &e, 1, &is_nan));
    VONK_TRY(vonk__ds_node(d, VONK_EX_NOT, &is_nan, 1, &is_nan));
    VONK_TRY(vonk__ds_node(d, VONK_EX_CASE, (const vonk_expr *[]){is_nan, e}, 2, &number));
    VONK_TRY(vonk__ds_call(d, "percentile_approx", (const vonk_expr *[]){number, shares, accuracy}, 3, &e));
    VONK_TRY(vonk__ds_double(d, 0, &zero));
    VONK_TRY(vonk__ds_int(d, 0, &none));
    VONK_TRY(vonk__ds_call(d, "array_repeat", (const vonk_expr *[]){zero, none}, 2, &none));
    return vonk__ds_call(d, "coalesce", (const vonk_expr *[]){e, none}, 2, ret);
}

static vonk_status approx_quantile(vonk__ds *d, const vonk_plan **ret)
{
    const vonk_stat_info *s = &d->p->stat;
    const uint32_t n_shares = s->n_numbers - 1;
    const double error = s->numbers[n_shares];
    vonk__ds_list shares = {0}, quantiles = {0};
    const vonk_expr *share_array = NULL, *accuracy = NULL, *e = NULL;

    VONK_TRY(check_quantiles(d, s->numbers, n_shares, error));
    for (uint32_t i = 0; i < n_shares; i++) {
        VONK_TRY(vonk__ds_double(d, s->numbers[i], &e));
        VONK_TRY(vonk__ds_push(d, &shares, e));
    }
    VONK_TRY(vonk__ds_call(d, "array", shares.at, n_shares, &share_array));
    VONK_TRY(vonk__ds_int(d, error > 1e-9 ? (int32_t)(1 / error < 1 ? 1 : 1 / error) : INT32_MAX, &accuracy));
    for (uint32_t i = 0; i < d->p->lists[0].n; i++) {
        VONK_TRY(quantiles_of(d, d->p->lists[0].at[i], share_array, accuracy, &e));
        VONK_TRY(vonk__ds_push(d, &quantiles, e));
    }
    VONK_TRY(vonk__ds_call(d, "array", quantiles.at, (uint32_t)quantiles.n, &e));
    return one_row(d, e, "approx_quantile", ret);
}

/* ---- sampleBy: l0 = the column, then the strata; numbers = their fractions */
static vonk_status check_fractions(vonk__ds *d)
{
    for (uint32_t i = 0; i < d->p->stat.n_numbers; i++) {
        const double fraction = d->p->stat.numbers[i];
        if (!(fraction >= 0 && fraction <= 1))
            return VONK_FAIL(d->err, VONK_E_REQUIREMENT_FAILED, "requirement",
                             VONK_F("fractions lie between 0 and 1, not %g", fraction));
    }
    return VONK_OK;
}

/* Spark compares strata as objects: a text is never a number. */
static bool may_equal(const vonk_type *column, const vonk_type *stratum)
{
    return column->id == stratum->id || (vonk_type_is_numeric(column) && vonk_type_is_numeric(stratum));
}

static vonk_status sample_by(vonk__ds *d, const vonk_plan **ret)
{
    const vonk_expr_list *list = &d->p->lists[0];
    const vonk_expr *seed = NULL, *random = NULL, *limit = NULL, *condition = NULL, *e = NULL;
    vonk__ds_list parts = {0};

    VONK_TRY(check_fractions(d));
    for (uint32_t i = 1; i < list->n; i++) {
        if (!may_equal(list->at[0]->type, list->at[i]->type)) continue;
        VONK_TRY(vonk__ds_call(d, "<=>", (const vonk_expr *[]){list->at[0], list->at[i]}, 2, &e));
        VONK_TRY(vonk__ds_push(d, &parts, e));
        VONK_TRY(vonk__ds_double(d, d->p->stat.numbers[i - 1], &e));
        VONK_TRY(vonk__ds_push(d, &parts, e));
    }
    VONK_TRY(vonk__ds_double(d, 0, &limit));
    VONK_TRY(vonk__ds_push(d, &parts, limit));
    if (parts.n > 1) VONK_TRY(vonk__ds_node(d, VONK_EX_CASE, parts.at, (uint32_t)parts.n, &limit));
    VONK_TRY(vonk__ds_long(d, d->p->stat.seed, &seed));
    VONK_TRY(vonk__ds_call(d, "rand", &seed, 1, &random));
    VONK_TRY(vonk__ds_call(d, "<", (const vonk_expr *[]){random, limit}, 2, &condition));
    return vonk_pn_filter(d->a->budget, d->child, condition, ret, d->err);
}

/* ---- freqItems: of each column what is more frequent than the support, and perhaps others */
static vonk_status freq_items(vonk__ds *d, const vonk_plan **ret)
{
    const vonk_stat_info *s = &d->p->stat;
    const double support = s->numbers[0];
    vonk__ds_list items = {0};
    const vonk_expr *most = NULL, *e = NULL;

    if (!(support >= 1e-4 && support <= 1))
        return VONK_FAIL(d->err, VONK_E_REQUIREMENT_FAILED, "requirement",
                         VONK_F("the support lies between 1e-4 and 1, not %g", support));
    if (s->n_names == 0) return vonk__ds_project(d, d->child, &items, ret); /* a row of nothing for each row */
    VONK_TRY(vonk__ds_int(d, (int32_t)(1 / support), &most));
    for (uint32_t i = 0; i < s->n_names; i++) {
        VONK_TRY(vonk__ds_call(d, "collect_frequent_items", (const vonk_expr *[]){d->p->lists[0].at[i], most}, 2, &e));
        VONK_TRY(vonk__ds_alias(d, e, vonk_str_of(VONK_F("%.*s_freqItems", VONK_STR_ARGS(s->names[i]))), &e));
        VONK_TRY(vonk__ds_push(d, &items, e));
    }
    return vonk_pn_aggregate(d->a->budget, d->child, NULL, 0, items.at, (uint32_t)items.n, ret, d->err);
}

/* ---- crosstab: a pivot of counts, missing ones 0 */
static vonk_status crosstab_key(vonk__ds *d, const vonk_expr *column, bool is_name, const vonk_expr **ret)
{
    const vonk_expr *is_null = NULL, *null = NULL, *text = NULL;

    VONK_TRY(vonk__ds_node(d, VONK_EX_IS_NULL, &column, 1, &is_null));
    VONK_TRY(vonk__ds_text(d, VONK_STR("null"), &null));
    VONK_TRY(vonk__ds_cast(d, column, &vonk_type_string, &text));
    if (is_name) { /* columns could not be written in backticks otherwise */
        const vonk_expr *backtick = NULL;
        VONK_TRY(vonk__ds_text(d, VONK_STR("`"), &backtick));
        VONK_TRY(vonk__ds_call(d, "replace", (const vonk_expr *[]){text, backtick}, 2, &text));
    }
    return vonk__ds_node(d, VONK_EX_CASE, (const vonk_expr *[]){is_null, null, text}, 3, ret);
}

/* A node over `child` with lists, still to be resolved; kept. */
static vonk_status pending_node(vonk__ds *d, vonk_node_kind kind, const vonk_plan *child,
                                const vonk_expr *const *firsts, uint32_t n_lists, const vonk_plan **ret)
{
    vonk_plan *node = NULL;
    vonk_status status;

    VONK_TRY(vonk_plan_new(d->a->budget, kind, &child, 1, &node, d->err));
    status = VONK_OK;
    for (uint32_t i = 0; i < n_lists && status == VONK_OK; i++)
        status = vonk_plan_set_list(node, i, &firsts[i], 1, d->err);
    if (status == VONK_OK) return vonk_plan_finish(node, ret, d->err);
    vonk_plan_unref(node);
    return status;
}

static vonk_status crosstab(vonk__ds *d, const vonk_plan **ret)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *pivot = NULL;
    const vonk_expr *lists[3] = {NULL}, *zero = NULL;
    vonk_plan *fill = NULL;
    const vonk_str *names = d->p->stat.names;

    VONK_TRY(crosstab_key(d, d->p->lists[0].at[0], false, &lists[0]));
    VONK_TRY(vonk__ds_alias(
        d, lists[0], vonk_str_of(VONK_F("%.*s_%.*s", VONK_STR_ARGS(names[0]), VONK_STR_ARGS(names[1]))), &lists[0]));
    VONK_TRY(vonk__ds_long(d, 1, &zero));
    VONK_TRY(vonk__ds_call(d, "count", &zero, 1, &lists[1]));
    VONK_TRY(crosstab_key(d, d->p->lists[0].at[1], true, &lists[2]));
    VONK_TRY(pending_node(d, VONK_PN_PIVOT, d->child, lists, 3, &pivot));
    VONK_TRY(vonk__ds_long(d, 0, &zero));
    VONK_TRY(vonk_plan_new(d->a->budget, VONK_PN_NA_FILL, &pivot, 1, &fill, d->err));
    const vonk_status status = vonk_plan_set_list(fill, 1, &zero, 1, d->err); /* list 0, the columns: all */
    if (status == VONK_OK) return vonk_plan_finish(fill, ret, d->err);
    vonk_plan_unref(fill);
    return status;
}

vonk_status vonk__ds_stat(vonk__ds *d, const vonk_plan **ret)
{
    static const vonk_str few[] = {VONK_STR("count"), VONK_STR("mean"), VONK_STR("stddev"), VONK_STR("min"),
                                   VONK_STR("max")};
    static const vonk_str most[] = {VONK_STR("count"), VONK_STR("mean"), VONK_STR("stddev"), VONK_STR("min"),
                                    VONK_STR("25%"),   VONK_STR("50%"),  VONK_STR("75%"),    VONK_STR("max")};
    const vonk_str kind = d->p->stat.kind;

    if (vonk_str_is(kind, "describe")) return summary(d, few, VONK_COUNTOF(few), ret);
    if (vonk_str_is(kind, "summary"))
        return d->p->stat.n_names ? summary(d, d->p->stat.names, d->p->stat.n_names, ret)
                                  : summary(d, most, VONK_COUNTOF(most), ret);
    if (vonk_str_is(kind, "cov")) return of_pair(d, "covar_samp", 0, "cov", ret);
    if (vonk_str_is(kind, "corr")) return of_pair(d, "corr", NAN, "corr", ret);
    if (vonk_str_is(kind, "approx_quantile")) return approx_quantile(d, ret);
    if (vonk_str_is(kind, "sample_by")) return sample_by(d, ret);
    if (vonk_str_is(kind, "crosstab")) return crosstab(d, ret);
    if (vonk_str_is(kind, "freq_items")) return freq_items(d, ret);
    return VONK_FAIL(d->err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("DataFrame.stat.%.*s", VONK_STR_ARGS(kind)));
}
