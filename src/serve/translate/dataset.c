/* serve/translate/dataset.c -- Relation messages that only the DataFrame API has: drop, withColumns, na, stat, sample,
 * show, ... */
#include "serve/translate/translate_int.h"

/* A node over m's input whose `name.parts` are the strings of a field. */
static vonk_status with_names(vonk_translator *t, const vonk_pb_msg *m, int input, int names, vonk_node_kind kind,
                              vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *child = NULL;
    const vonk_str *parts = NULL;
    uint32_t n = 0;
    vonk_plan *node = NULL;

    VONK_TRY(vonk__tr_plan(t, vonk_pb_get_msg(m, input), &child, err));
    if (names) VONK_TRY(vonk__tr_strs(t, m, names, &parts, &n, err));
    VONK_TRY(vonk__tr_node(t, kind, child, &node, err));
    node->name.n_parts = n;
    vonk_status status = vonk_plan_strs(node, parts, n, &node->name.parts, err);
    if (status == VONK_OK)
        *ret = node;
    else
        vonk_plan_unref(node);
    return status;
}

static vonk_status named_columns(vonk_translator *t, const vonk_str *names, uint32_t n, const vonk_expr ***ret,
                                 vonk_error *err)
{
    VONK_TRY(vonk_arena_array(t->arena, n + 1, sizeof **ret, ret, err));
    for (uint32_t i = 0; i < n; i++) VONK_TRY(vonk__tr_name(t, names[i], &(*ret)[i], err));
    return VONK_OK;
}

/* ---- columns */
static vonk_status drop(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_expr **columns = NULL;
    uint32_t n = 0;
    vonk_plan *node = NULL;

    VONK_TRY(vonk__tr_exprs(t, m, PB_DROP_COLUMNS, &columns, &n, err));
    VONK_TRY(with_names(t, m, PB_DROP_INPUT, PB_DROP_COLUMN_NAMES, VONK_PN_DROP_COLUMNS, &node, err));
    return vonk__tr_done(vonk_plan_set_list(node, 0, columns, n, err), node, ret, err);
}

static vonk_status with_columns(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_expr **aliases = NULL;
    uint32_t n = 0;
    vonk_plan *node = NULL;

    VONK_TRY(vonk__tr_aliases(t, m, PB_WITH_COLUMNS_ALIASES, &aliases, &n, err));
    VONK_TRY(with_names(t, m, PB_WITH_COLUMNS_INPUT, 0, VONK_PN_WITH_COLUMNS, &node, err));
    return vonk__tr_done(vonk_plan_set_list(node, 0, aliases, n, err), node, ret, err);
}

/* old, new, old, new, ...: `renames` of newer clients, the map of older ones */
static vonk_status rename_columns(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const bool list = vonk_pb_n(m, PB_WITH_COLUMNS_RENAMED_RENAMES) > 0;
    const int field = list ? PB_WITH_COLUMNS_RENAMED_RENAMES : PB_WITH_COLUMNS_RENAMED_RENAME_COLUMNS_MAP;
    const uint32_t n = vonk_u32_of(vonk_pb_n(m, field));
    vonk_str *parts = NULL;
    vonk_plan *node = NULL;

    VONK_TRY(vonk_arena_array(t->arena, 2 * (size_t)n + 1, sizeof *parts, &parts, err));
    for (size_t i = 0; i < n; i++) {
        const vonk_pb_msg *pair = vonk_pb_msg_at(m, field, i);
        parts[2 * i] = vonk_pb_str(pair, list ? PB_WITH_COLUMNS_RENAMED_RENAME_COL_NAME
                                              : PB_WITH_COLUMNS_RENAMED_RENAME_COLUMNS_MAP_ENTRY_KEY);
        parts[2 * i + 1] = vonk_pb_str(pair, list ? PB_WITH_COLUMNS_RENAMED_RENAME_NEW_COL_NAME
                                                  : PB_WITH_COLUMNS_RENAMED_RENAME_COLUMNS_MAP_ENTRY_VALUE);
    }
    VONK_TRY(with_names(t, m, PB_WITH_COLUMNS_RENAMED_INPUT, 0, VONK_PN_RENAME_COLUMNS, &node, err));
    node->name.n_parts = 2 * n;
    return vonk__tr_done(vonk_plan_strs(node, parts, 2 * n, &node->name.parts, err), node, ret, err);
}

static vonk_status to_df(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *node = NULL;

    VONK_TRY(with_names(t, m, PB_TO_DF_INPUT, PB_TO_DF_COLUMN_NAMES, VONK_PN_TO_DF, &node, err));
    return vonk_plan_finish(node, ret, err);
}

static vonk_status to_schema(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
    const vonk_plan *child = NULL;
    vonk_plan *node = NULL;

    VONK_TRY(vonk__tr_plan(t, vonk_pb_get_msg(m, PB_TO_SCHEMA_INPUT), &child, err));
    VONK_TRY(vonk_translate_type(t, vonk_pb_get_msg(m, PB_TO_SCHEMA_SCHEMA), &type, err));
    if (type->id != VONK_T_STRUCT) return vonk_translate_invalid("a schema that is not a struct", err);
    VONK_TRY(vonk__tr_node(t, VONK_PN_TO_SCHEMA, child, &node, err));
    return vonk__tr_done(vonk_plan_hold_type(node, type, &node->schema, err), node, ret, err);
}

/* ---- rows */
static vonk_status deduplicate(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const bool all = vonk_pb_bool(m, PB_DEDUPLICATE_ALL_COLUMNS_AS_KEYS);
    vonk_plan *node = NULL;

    if (!all && !t->classic && vonk_pb_n(m, PB_DEDUPLICATE_COLUMN_NAMES) == 0)
        return VONK_FAIL(err, VONK_E_CONNECT_INVALID_PLAN__DEDUPLICATE_REQUIRES_COLUMNS_OR_ALL);
    if (vonk_pb_bool(m, PB_DEDUPLICATE_WITHIN_WATERMARK)) /* no frame is a stream */
        return VONK_FAIL(err, VONK_E__LEGACY_ERROR_TEMP_3102, "msg",
                         "only streams have watermarks: dropDuplicatesWithinWatermark has nothing to go by here");
    VONK_TRY(with_names(t, m, PB_DEDUPLICATE_INPUT, PB_DEDUPLICATE_COLUMN_NAMES, VONK_PN_DEDUPLICATE, &node, err));
    node->number = all ? 1 : 0;
    return vonk_plan_finish(node, ret, err);
}

static vonk_status check_fraction(double fraction, bool replacement, vonk_error *err)
{
    const double rounding = 1e-6; /* as much as Spark allows */

    if (fraction >= -rounding && (replacement || fraction <= 1 + rounding)) return VONK_OK;
    return VONK_FAIL(err, VONK_E_REQUIREMENT_FAILED, "requirement",
                     VONK_F("a sample is a share from 0 on%s, not %g", replacement ? "" : " to 1", fraction));
}

static vonk_status sample(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *child = NULL;
    vonk_plan *node = NULL;

    const double lower = vonk_pb_f64(m, PB_SAMPLE_LOWER_BOUND), upper = vonk_pb_f64(m, PB_SAMPLE_UPPER_BOUND);
    const bool replacement = vonk_pb_bool(m, PB_SAMPLE_WITH_REPLACEMENT);
    VONK_TRY(check_fraction(upper - lower, replacement, err));
    VONK_TRY(vonk__tr_plan(t, vonk_pb_get_msg(m, PB_SAMPLE_INPUT), &child, err));
    VONK_TRY(vonk__tr_node(t, VONK_PN_SAMPLE, child, &node, err));
    node->sample = (vonk_sample_info){.lower = lower,
                                      .upper = upper,
                                      .replacement = replacement,
                                      .deterministic_order = vonk_pb_bool(m, PB_SAMPLE_DETERMINISTIC_ORDER),
                                      .seed = vonk_pb_has(m, PB_SAMPLE_SEED) ? vonk_pb_i64(m, PB_SAMPLE_SEED)
                                                                             : (int64_t)vonk_expr_new_id()};
    return vonk_plan_finish(node, ret, err);
}

static vonk_status repartition(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *child = NULL;
    vonk_plan *node = NULL;

    VONK_TRY(vonk__tr_plan(t, vonk_pb_get_msg(m, PB_REPARTITION_INPUT), &child, err));
    VONK_TRY(vonk__tr_node(t, VONK_PN_REPARTITION, child, &node, err));
    node->repartition = (vonk_repartition_info){
        .kind = vonk_pb_bool(m, PB_REPARTITION_SHUFFLE) ? VONK_REPARTITION_SHUFFLE : VONK_REPARTITION_COALESCE,
        .n = vonk_pb_i32(m, PB_REPARTITION_NUM_PARTITIONS)};
    return vonk_plan_finish(node, ret, err);
}

static vonk_status repartition_by(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *child = NULL;
    const vonk_expr **exprs = NULL;
    uint32_t n = 0;
    bool range = false;
    vonk_plan *node = NULL;

    VONK_TRY(vonk__tr_plan(t, vonk_pb_get_msg(m, PB_REPARTITION_BY_EXPRESSION_INPUT), &child, err));
    VONK_TRY(vonk__tr_exprs(t, m, PB_REPARTITION_BY_EXPRESSION_PARTITION_EXPRS, &exprs, &n, err));
    for (uint32_t i = 0; i < n; i++) range = range || exprs[i]->kind == VONK_EX_SORT;
    VONK_TRY(vonk__tr_node(t, VONK_PN_REPARTITION, child, &node, err));
    node->repartition = (vonk_repartition_info){.kind = range ? VONK_REPARTITION_RANGE : VONK_REPARTITION_BY,
                                                .n = vonk_pb_i32(m, PB_REPARTITION_BY_EXPRESSION_NUM_PARTITIONS)};
    return vonk__tr_done(vonk_plan_set_list(node, 0, exprs, n, err), node, ret, err);
}

static vonk_status collect_metrics(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *child = NULL;
    const vonk_expr **metrics = NULL;
    const vonk_str name = vonk_pb_str(m, PB_COLLECT_METRICS_NAME);
    uint32_t n = 0;
    vonk_plan *node = NULL;

    VONK_TRY(vonk__tr_plan(t, vonk_pb_get_msg(m, PB_COLLECT_METRICS_INPUT), &child, err));
    VONK_TRY(vonk__tr_exprs(t, m, PB_COLLECT_METRICS_METRICS, &metrics, &n, err));
    VONK_TRY(vonk__tr_node(t, VONK_PN_COLLECT_METRICS, child, &node, err));
    node->name.n_parts = 1;
    vonk_status status = vonk_plan_strs(node, &name, 1, &node->name.parts, err);
    if (status == VONK_OK) status = vonk_plan_set_list(node, 0, metrics, n, err);
    return vonk__tr_done(status, node, ret, err);
}

/* ---- shape */
static vonk_status unpivot(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_expr **ids = NULL, **values = NULL;
    uint32_t n_ids = 0, n_values = 0;
    const vonk_str names[2] = {vonk_pb_str(m, PB_UNPIVOT_VARIABLE_COLUMN_NAME),
                               vonk_pb_str(m, PB_UNPIVOT_VALUE_COLUMN_NAME)};
    const vonk_pb_msg *given = vonk_pb_get_msg(m, PB_UNPIVOT_VALUES);
    vonk_plan *node = NULL;

    VONK_TRY(vonk__tr_exprs(t, m, PB_UNPIVOT_IDS, &ids, &n_ids, err));
    if (given) VONK_TRY(vonk__tr_exprs(t, given, PB_UNPIVOT_VALUES_VALUES, &values, &n_values, err));
    VONK_TRY(with_names(t, m, PB_UNPIVOT_INPUT, 0, VONK_PN_UNPIVOT, &node, err));
    node->number = given ? 1 : 0;
    node->name.n_parts = 2;
    vonk_status status = vonk_plan_strs(node, names, 2, &node->name.parts, err);
    if (status == VONK_OK) status = vonk_plan_set_list(node, 0, ids, n_ids, err);
    if (status == VONK_OK) status = vonk_plan_set_list(node, 1, values, n_values, err);
    return vonk__tr_done(status, node, ret, err);
}

static vonk_status transpose(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_expr **index = NULL;
    uint32_t n = 0;
    vonk_plan *node = NULL;

    VONK_TRY(vonk__tr_exprs(t, m, PB_TRANSPOSE_INDEX_COLUMNS, &index, &n, err));
    VONK_TRY(with_names(t, m, PB_TRANSPOSE_INPUT, 0, VONK_PN_TRANSPOSE, &node, err));
    return vonk__tr_done(vonk_plan_set_list(node, 0, index, n, err), node, ret, err);
}

static vonk_status table_function(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_expr **args = NULL;
    const vonk_str name = vonk_pb_str(m, PB_UNRESOLVED_TABLE_VALUED_FUNCTION_FUNCTION_NAME);
    uint32_t n = 0;
    vonk_plan *node = NULL;

    VONK_TRY(vonk__tr_exprs(t, m, PB_UNRESOLVED_TABLE_VALUED_FUNCTION_ARGUMENTS, &args, &n, err));
    VONK_TRY(vonk__tr_node(t, VONK_PN_TABLE_CALL, NULL, &node, err));
    node->name.n_parts = 1;
    vonk_status status = vonk_plan_strs(node, &name, 1, &node->name.parts, err);
    if (status == VONK_OK) status = vonk_plan_set_list(node, 0, args, n, err);
    return vonk__tr_done(status, node, ret, err);
}

/* ---- na */
/* A node over m's input whose list 0 are the columns of the names in a field. */
static vonk_status na_node(vonk_translator *t, const vonk_pb_msg *m, int input, int names_field, vonk_node_kind kind,
                           vonk_plan **ret, vonk_error *err)
{
    const vonk_expr **columns = NULL;
    const vonk_str *names = NULL;
    uint32_t n = 0;
    vonk_plan *node = NULL;

    VONK_TRY(vonk__tr_strs(t, m, names_field, &names, &n, err));
    VONK_TRY(named_columns(t, names, n, &columns, err));
    VONK_TRY(with_names(t, m, input, 0, kind, &node, err));
    const vonk_status status = vonk_plan_set_list(node, 0, columns, n, err);
    if (status == VONK_OK)
        *ret = node;
    else
        vonk_plan_unref(node);
    return status;
}

static vonk_status na_fill(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_expr **values = NULL;
    uint32_t n = 0;
    vonk_plan *node = NULL;

    VONK_TRY(vonk__tr_literals(t, m, PB_NA_FILL_VALUES, &values, &n, err));
    if (n == 0 || (n > 1 && n != vonk_pb_n(m, PB_NA_FILL_COLS)))
        return vonk_translate_invalid("a fill without a value for each column", err);
    VONK_TRY(na_node(t, m, PB_NA_FILL_INPUT, PB_NA_FILL_COLS, VONK_PN_NA_FILL, &node, err));
    return vonk__tr_done(vonk_plan_set_list(node, 1, values, n, err), node, ret, err);
}

static vonk_status na_drop(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *node = NULL;

    VONK_TRY(na_node(t, m, PB_NA_DROP_INPUT, PB_NA_DROP_COLS, VONK_PN_NA_DROP, &node, err));
    const int32_t least = vonk_pb_i32(m, PB_NA_DROP_MIN_NON_NULLS);
    node->number = !vonk_pb_has(m, PB_NA_DROP_MIN_NON_NULLS) ? -1 : least < 0 ? 0 : least;
    return vonk_plan_finish(node, ret, err);
}

static vonk_status na_replace(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const uint32_t n = vonk_u32_of(vonk_pb_n(m, PB_NA_REPLACE_REPLACEMENTS));
    const vonk_expr **pairs = NULL;
    vonk_plan *node = NULL;

    VONK_TRY(vonk_arena_array(t->arena, 2 * (size_t)n + 1, sizeof *pairs, &pairs, err));
    for (uint32_t i = 0; i < n; i++) {
        const vonk_pb_msg *pair = vonk_pb_msg_at(m, PB_NA_REPLACE_REPLACEMENTS, i);
        for (uint32_t side = 0; side < 2; side++) {
            const int field = side ? PB_NA_REPLACE_REPLACEMENT_NEW_VALUE : PB_NA_REPLACE_REPLACEMENT_OLD_VALUE;
            VONK_TRY(vonk__translate_literal(t, vonk_pb_get_msg(pair, field), &pairs[2 * i + side], err));
            VONK_TRY(vonk__tr_keep_expr(t, pairs[2 * i + side], err));
        }
    }
    VONK_TRY(na_node(t, m, PB_NA_REPLACE_INPUT, PB_NA_REPLACE_COLS, VONK_PN_NA_REPLACE, &node, err));
    return vonk__tr_done(vonk_plan_set_list(node, 1, pairs, 2 * n, err), node, ret, err);
}

/* ---- stat */
static vonk_status stat_over(vonk_translator *t, const vonk_plan *child, const char *kind, const vonk_str *names,
                             uint32_t n_names, vonk_plan **ret, vonk_error *err)
{
    vonk_plan *node = NULL;

    VONK_TRY(vonk__tr_node(t, VONK_PN_STAT, child, &node, err));
    node->stat.n_names = n_names;
    vonk_status status = vonk_plan_str(node, vonk_str_of(kind), &node->stat.kind, err);
    if (status == VONK_OK) status = vonk_plan_strs(node, names, n_names, &node->stat.names, err);
    if (status == VONK_OK)
        *ret = node;
    else
        vonk_plan_unref(node);
    return status;
}

static vonk_status stat_node(vonk_translator *t, const vonk_pb_msg *m, int input, const char *kind,
                             const vonk_str *names, uint32_t n_names, vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *child = NULL;

    VONK_TRY(vonk__tr_plan(t, vonk_pb_get_msg(m, input), &child, err));
    return stat_over(t, child, kind, names, n_names, ret, err);
}

/* A node over the columns of these names, as list 0. */
static vonk_status stat_of(vonk_translator *t, const vonk_pb_msg *m, int input, const char *kind, const vonk_str *names,
                           uint32_t n_names, vonk_plan **ret, vonk_error *err)
{
    const vonk_expr **columns = NULL;

    VONK_TRY(named_columns(t, names, n_names, &columns, err));
    VONK_TRY(stat_node(t, m, input, kind, names, n_names, ret, err));
    const vonk_status status = vonk_plan_set_list(*ret, 0, columns, n_names, err);
    if (status != VONK_OK) vonk_plan_unref(*ret);
    return status;
}

static vonk_status set_numbers(vonk_plan *node, const double *numbers, uint32_t n, vonk_error *err)
{
    double *own = NULL;

    VONK_TRY(vonk_arena_array(node->arena, n + 1, sizeof *own, &own, err));
    for (uint32_t i = 0; i < n; i++) own[i] = numbers[i];
    node->stat.numbers = own;
    node->stat.n_numbers = n;
    return VONK_OK;
}

static vonk_status stat_names(vonk_translator *t, const vonk_pb_msg *m, int input, int names_field, const char *kind,
                              const vonk_plan **ret, vonk_error *err)
{
    const vonk_str *names = NULL;
    uint32_t n = 0;
    vonk_plan *node = NULL;

    VONK_TRY(vonk__tr_strs(t, m, names_field, &names, &n, err));
    VONK_TRY(stat_node(t, m, input, kind, names, n, &node, err));
    return vonk_plan_finish(node, ret, err);
}

/* describe of columns: what they select, described. */
static vonk_status describe(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *child = NULL;
    const vonk_expr **columns = NULL;
    const vonk_str *names = NULL;
    uint32_t n = 0;
    vonk_plan *node = NULL;

    VONK_TRY(vonk__tr_plan(t, vonk_pb_get_msg(m, PB_STAT_DESCRIBE_INPUT), &child, err));
    VONK_TRY(vonk__tr_strs(t, m, PB_STAT_DESCRIBE_COLS, &names, &n, err));
    if (n > 0) {
        VONK_TRY(named_columns(t, names, n, &columns, err));
        VONK_TRY(vonk__tr_node(t, VONK_PN_PROJECT, child, &node, err));
        VONK_TRY(vonk__tr_done(vonk_plan_set_list(node, 0, columns, n, err), node, &child, err));
        VONK_TRY(vonk__tr_keep_plan(t, child, err));
    }
    VONK_TRY(stat_over(t, child, "describe", NULL, 0, &node, err));
    return vonk_plan_finish(node, ret, err);
}

static vonk_status stat_pair(vonk_translator *t, const vonk_pb_msg *m, int input, int first, int second,
                             const char *kind, const vonk_plan **ret, vonk_error *err)
{
    const vonk_str names[2] = {vonk_pb_str(m, first), vonk_pb_str(m, second)};
    vonk_plan *node = NULL;

    VONK_TRY(stat_of(t, m, input, kind, names, 2, &node, err));
    return vonk_plan_finish(node, ret, err);
}

static vonk_status corr(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_str method = vonk_pb_str(m, PB_STAT_CORR_METHOD);

    if (method.len > 0 && !vonk_str_is(method, "pearson"))
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         VONK_F("correlation by %.*s", VONK_STR_ARGS(method)));
    return stat_pair(t, m, PB_STAT_CORR_INPUT, PB_STAT_CORR_COL1, PB_STAT_CORR_COL2, "corr", ret, err);
}

/* numbers: the probabilities, then the relative error */
static vonk_status approx_quantile(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_str *names = NULL;
    uint32_t n = 0;
    const uint32_t n_probabilities = vonk_u32_of(vonk_pb_n(m, PB_STAT_APPROX_QUANTILE_PROBABILITIES));
    double *numbers = NULL;
    vonk_plan *node = NULL;

    VONK_TRY(vonk__tr_strs(t, m, PB_STAT_APPROX_QUANTILE_COLS, &names, &n, err));
    VONK_TRY(vonk_arena_array(t->arena, n_probabilities + 1, sizeof *numbers, &numbers, err));
    for (uint32_t i = 0; i < n_probabilities; i++)
        numbers[i] = vonk_pb_f64_at(m, PB_STAT_APPROX_QUANTILE_PROBABILITIES, i);
    numbers[n_probabilities] = vonk_pb_f64(m, PB_STAT_APPROX_QUANTILE_RELATIVE_ERROR);
    VONK_TRY(stat_of(t, m, PB_STAT_APPROX_QUANTILE_INPUT, "approx_quantile", names, n, &node, err));
    return vonk__tr_done(set_numbers(node, numbers, n_probabilities + 1, err), node, ret, err);
}

static vonk_status freq_items(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_str *names = NULL;
    uint32_t n = 0;
    const double support =
        vonk_pb_has(m, PB_STAT_FREQ_ITEMS_SUPPORT) ? vonk_pb_f64(m, PB_STAT_FREQ_ITEMS_SUPPORT) : 0.01;
    vonk_plan *node = NULL;

    VONK_TRY(vonk__tr_strs(t, m, PB_STAT_FREQ_ITEMS_COLS, &names, &n, err));
    VONK_TRY(stat_of(t, m, PB_STAT_FREQ_ITEMS_INPUT, "freq_items", names, n, &node, err));
    return vonk__tr_done(set_numbers(node, &support, 1, err), node, ret, err);
}

/* l0: the column, then the strata; numbers: their fractions */
static vonk_status sample_by(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const uint32_t n = vonk_u32_of(vonk_pb_n(m, PB_STAT_SAMPLE_BY_FRACTIONS));
    const vonk_expr **exprs = NULL;
    double *fractions = NULL;
    vonk_plan *node = NULL;

    VONK_TRY(vonk_arena_array(t->arena, n + 1, sizeof *exprs, &exprs, err));
    VONK_TRY(vonk_arena_array(t->arena, n + 1, sizeof *fractions, &fractions, err));
    VONK_TRY(vonk__tr_expr(t, vonk_pb_get_msg(m, PB_STAT_SAMPLE_BY_COL), &exprs[0], err));
    for (uint32_t i = 0; i < n; i++) {
        const vonk_pb_msg *f = vonk_pb_msg_at(m, PB_STAT_SAMPLE_BY_FRACTIONS, i);
        VONK_TRY(
            vonk__translate_literal(t, vonk_pb_get_msg(f, PB_STAT_SAMPLE_BY_FRACTION_STRATUM), &exprs[i + 1], err));
        VONK_TRY(vonk__tr_keep_expr(t, exprs[i + 1], err));
        fractions[i] = vonk_pb_f64(f, PB_STAT_SAMPLE_BY_FRACTION_FRACTION);
    }
    VONK_TRY(stat_node(t, m, PB_STAT_SAMPLE_BY_INPUT, "sample_by", NULL, 0, &node, err));
    node->stat.seed =
        vonk_pb_has(m, PB_STAT_SAMPLE_BY_SEED) ? vonk_pb_i64(m, PB_STAT_SAMPLE_BY_SEED) : (int64_t)vonk_expr_new_id();
    vonk_status status = set_numbers(node, fractions, n, err);
    if (status == VONK_OK) status = vonk_plan_set_list(node, 0, exprs, n + 1, err);
    return vonk__tr_done(status, node, ret, err);
}

/* ---- show */
static vonk_status show(vonk_translator *t, const vonk_pb_msg *m, bool html, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *child = NULL;
    vonk_plan *node = NULL;

    VONK_TRY(vonk__tr_plan(t, vonk_pb_get_msg(m, html ? PB_HTML_STRING_INPUT : PB_SHOW_STRING_INPUT), &child, err));
    VONK_TRY(vonk__tr_node(t, VONK_PN_SHOW_STRING, child, &node, err));
    node->show = (vonk_show_info){.n_rows = vonk_pb_i32(m, html ? PB_HTML_STRING_NUM_ROWS : PB_SHOW_STRING_NUM_ROWS),
                                  .truncate = vonk_pb_i32(m, html ? PB_HTML_STRING_TRUNCATE : PB_SHOW_STRING_TRUNCATE),
                                  .vertical = !html && vonk_pb_bool(m, PB_SHOW_STRING_VERTICAL),
                                  .html = html};
    return vonk_plan_finish(node, ret, err);
}

vonk_status vonk__translate_dataset(vonk_translator *t, const vonk_pb_msg *relation, const vonk_plan **ret,
                                    vonk_error *err)
{
    const int which = vonk_pb_which(relation, PB_RELATION_REL_TYPE_ONEOF);
    const vonk_pb_msg *m = vonk_pb_get_msg(relation, which);

    switch (which) {
    case PB_RELATION_DROP: return drop(t, m, ret, err);
    case PB_RELATION_WITH_COLUMNS: return with_columns(t, m, ret, err);
    case PB_RELATION_WITH_COLUMNS_RENAMED: return rename_columns(t, m, ret, err);
    case PB_RELATION_TO_DF: return to_df(t, m, ret, err);
    case PB_RELATION_TO_SCHEMA: return to_schema(t, m, ret, err);
    case PB_RELATION_DEDUPLICATE: return deduplicate(t, m, ret, err);
    case PB_RELATION_SAMPLE: return sample(t, m, ret, err);
    case PB_RELATION_REPARTITION: return repartition(t, m, ret, err);
    case PB_RELATION_REPARTITION_BY_EXPRESSION: return repartition_by(t, m, ret, err);
    case PB_RELATION_COLLECT_METRICS: return collect_metrics(t, m, ret, err);
    case PB_RELATION_UNPIVOT: return unpivot(t, m, ret, err);
    case PB_RELATION_TRANSPOSE: return transpose(t, m, ret, err);
    case PB_RELATION_UNRESOLVED_TABLE_VALUED_FUNCTION: return table_function(t, m, ret, err);
    case PB_RELATION_FILL_NA: return na_fill(t, m, ret, err);
    case PB_RELATION_DROP_NA: return na_drop(t, m, ret, err);
    case PB_RELATION_REPLACE: return na_replace(t, m, ret, err);
    case PB_RELATION_SUMMARY:
        return stat_names(t, m, PB_STAT_SUMMARY_INPUT, PB_STAT_SUMMARY_STATISTICS, "summary", ret, err);
    case PB_RELATION_DESCRIBE: return describe(t, m, ret, err);
    case PB_RELATION_CROSSTAB:
        return stat_pair(t, m, PB_STAT_CROSSTAB_INPUT, PB_STAT_CROSSTAB_COL1, PB_STAT_CROSSTAB_COL2, "crosstab", ret,
                         err);
    case PB_RELATION_COV:
        return stat_pair(t, m, PB_STAT_COV_INPUT, PB_STAT_COV_COL1, PB_STAT_COV_COL2, "cov", ret, err);
    case PB_RELATION_CORR: return corr(t, m, ret, err);
    case PB_RELATION_APPROX_QUANTILE: return approx_quantile(t, m, ret, err);
    case PB_RELATION_FREQ_ITEMS: return freq_items(t, m, ret, err);
    case PB_RELATION_SAMPLE_BY: return sample_by(t, m, ret, err);
    case PB_RELATION_SHOW_STRING: return show(t, m, false, ret, err);
    case PB_RELATION_HTML_STRING: return show(t, m, true, ret, err);
    default: *ret = NULL; return VONK_OK;
    }
}
