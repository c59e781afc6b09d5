/* serve/translate/catalog.c -- Catalog messages (spark.catalog): answered at once, as rows at hand. */
#include "serve/translate/translate_int.h"

#include "column/builder.h"

/* One row, one column. */
static vonk_status one_value(vonk_translator *t, const char *name, const vonk_type *type, vonk_builder *take_value,
                             const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *schema = NULL;
    VONK_AUTO(vonk_column_unref) vonk_column *column = NULL;
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    const vonk_field field = {.name = vonk_str_of(name), .type = type, .nullable = false};

    vonk_status status = vonk_builder_finish(take_value, &column, err);
    vonk_builder_done(take_value);
    VONK_TRY(status);
    VONK_TRY(vonk_type_struct(&field, 1, &schema, err));
    VONK_TRY(vonk_batch_new(t->budget, 1, &column, 1, &batch, err));
    return vonk_pn_local(t->budget, schema, &batch, 1, ret, err);
}

static vonk_status text_value(vonk_translator *t, vonk_str value, const vonk_plan **ret, vonk_error *err)
{
    vonk_builder b = {0};

    VONK_TRY(vonk_builder_init(&b, t->budget, &vonk_type_string, 1, err));
    vonk_status status = vonk_builder_str(&b, value, err);
    if (status != VONK_OK) {
        vonk_builder_done(&b);
        return status;
    }
    return one_value(t, "value", &vonk_type_string, &b, ret, err);
}

static vonk_status bool_value(vonk_translator *t, bool value, const vonk_plan **ret, vonk_error *err)
{
    vonk_builder b = {0};

    VONK_TRY(vonk_builder_init(&b, t->budget, &vonk_type_boolean, 1, err));
    vonk_status status = vonk_builder_bool(&b, value, err);
    if (status != VONK_OK) {
        vonk_builder_done(&b);
        return status;
    }
    return one_value(t, "value", &vonk_type_boolean, &b, ret, err);
}

static vonk_status nothing(vonk_translator *t, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *schema = NULL;

    VONK_TRY(vonk_type_struct(NULL, 0, &schema, err));
    return vonk_pn_local(t->budget, schema, NULL, 0, ret, err);
}

static vonk_status drop_view(vonk_translator *t, const vonk_pb_msg *m, bool global, const vonk_plan **ret,
                             vonk_error *err)
{
    const vonk_str parts[2] = {VONK_STR("global_temp"), vonk_pb_str(m, global ? PB_DROP_GLOBAL_TEMP_VIEW_VIEW_NAME
                                                                              : PB_DROP_TEMP_VIEW_VIEW_NAME)};
    bool existed = false;

    VONK_TRY(vonk_catalog_drop_view(vonk_session_catalog(t->session), global ? parts : parts + 1, global ? 2 : 1,
                                    &existed, err));
    return bool_value(t, existed, ret, err);
}

static vonk_status table_exists(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = vonk_session_conf(t->session);
    VONK_AUTO(vonk_plan_unref) const vonk_plan *found = NULL;
    VONK_AUTO(vonk_error_reset) vonk_error quiet = VONK_ERROR_INIT;
    const vonk_str *parts = NULL;
    uint32_t n = 0;

    VONK_TRY(
        vonk_session_parse_name(t->session, t->arena, vonk_pb_str(m, PB_TABLE_EXISTS_TABLE_NAME), &parts, &n, err));
    const bool is_there =
        vonk_catalog_lookup(vonk_session_catalog(t->session), conf, parts, n, &found, &quiet) == VONK_OK;
    VONK_TRY(vonk_error_forgive(&quiet, err));
    return bool_value(t, is_there, ret, err);
}

static vonk_status function_exists(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_str *parts = NULL;
    uint32_t n = 0;

    VONK_TRY(vonk_session_parse_name(t->session, t->arena, vonk_pb_str(m, PB_FUNCTION_EXISTS_FUNCTION_NAME), &parts, &n,
                                     err));
    VONK_AUTO(vonk_python_fn_unref)
    const vonk_python_fn *registered = vonk_catalog_find_function(vonk_session_catalog(t->session), parts[n - 1]);
    return bool_value(t, registered || vonk_fn_find(parts[n - 1]), ret, err);
}

/* CACHE TABLE and its kin, as the SQL statement that means the same. */
static vonk_status run_statement(vonk_translator *t, const char *statement, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
    VONK_AUTO(vonk_query_free) vonk_query *query = NULL;

    VONK_TRY(vonk_session_parse(t->session, vonk_str_of(statement), &plan, err));
    VONK_TRY(vonk_session_execute(t->session, plan, &query, err));
    return nothing(t, ret, err);
}

vonk_status vonk__translate_catalog(vonk_translator *t, const vonk_pb_msg *catalog, const vonk_plan **ret,
                                    vonk_error *err)
{
    const int which = vonk_pb_which(catalog, PB_CATALOG_CAT_TYPE_ONEOF);
    const vonk_pb_msg *m = which ? vonk_pb_get_msg(catalog, which) : NULL;
    vonk_catalog *names = vonk_session_catalog(t->session);

    switch (which) {
    case PB_CATALOG_CURRENT_DATABASE: return text_value(t, vonk_catalog_current_database(names), ret, err);
    case PB_CATALOG_CURRENT_CATALOG: return text_value(t, VONK_STR("spark_catalog"), ret, err);
    case PB_CATALOG_SET_CURRENT_DATABASE:
        VONK_TRY(vonk_catalog_set_current_database(names, vonk_pb_str(m, PB_SET_CURRENT_DATABASE_DB_NAME), err));
        return nothing(t, ret, err);
    case PB_CATALOG_DROP_TEMP_VIEW: return drop_view(t, m, false, ret, err);
    case PB_CATALOG_DROP_GLOBAL_TEMP_VIEW: return drop_view(t, m, true, ret, err);
    case PB_CATALOG_TABLE_EXISTS: return table_exists(t, m, ret, err);
    case PB_CATALOG_FUNCTION_EXISTS: return function_exists(t, m, ret, err);
    case PB_CATALOG_CACHE_TABLE:
        return run_statement(
            t, VONK_F("CACHE LAZY TABLE %.*s", VONK_STR_ARGS(vonk_pb_str(m, PB_CACHE_TABLE_TABLE_NAME))), ret, err);
    case PB_CATALOG_UNCACHE_TABLE:
        return run_statement(
            t, VONK_F("UNCACHE TABLE %.*s", VONK_STR_ARGS(vonk_pb_str(m, PB_UNCACHE_TABLE_TABLE_NAME))), ret, err);
    case PB_CATALOG_CLEAR_CACHE: return run_statement(t, "CLEAR CACHE", ret, err);
    case PB_CATALOG_REFRESH_TABLE:
        return run_statement(
            t, VONK_F("REFRESH TABLE %.*s", VONK_STR_ARGS(vonk_pb_str(m, PB_REFRESH_TABLE_TABLE_NAME))), ret, err);
    case 0: return vonk_translate_invalid("a catalog question without a kind", err);
    default: return vonk__translate_catalog_list(t, which, m, ret, err);
    }
}
