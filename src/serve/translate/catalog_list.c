/* serve/translate/catalog_list.c -- spark.catalog.list...() and get...(): what there is, as rows at hand in the columns
 * that clients expect. */
#include "serve/translate/translate_int.h"

#include "column/builder.h"

#define CATALOG "spark_catalog"

/* ---- rows of one struct type; a cell appended per column, left to right */
typedef struct listing {
    vonk_translator *t;
    const vonk_type *schema;
    vonk_builder rows;
    uint32_t at; /* the next column */
} listing;

static void listing_done(listing *l)
{
    vonk_builder_done(&l->rows);
    vonk_type_unref(l->schema);
}
VONK_DEFINE_AUTO_DONE(listing, listing_done)

static vonk_status listing_init(listing *l, vonk_translator *t, const char *ddl, vonk_error *err)
{
    l->t = t;
    VONK_TRY(vonk_type_parse_ddl(vonk_str_of(ddl), &l->schema, err));
    return vonk_builder_init(&l->rows, t->budget, l->schema, 16, err);
}

/* NULL where the text has no bytes to point at. */
static vonk_status cell_text(listing *l, vonk_str text, vonk_error *err)
{
    vonk_builder *b = vonk_builder_child(&l->rows, l->at++);

    return text.data ? vonk_builder_str(b, text, err) : vonk_builder_null(b, err);
}

static vonk_status cell_bool(listing *l, bool value, vonk_error *err)
{
    return vonk_builder_bool(vonk_builder_child(&l->rows, l->at++), value, err);
}

static vonk_status cell_texts(listing *l, const vonk_str *texts, uint32_t n, vonk_error *err)
{
    vonk_builder *b = vonk_builder_child(&l->rows, l->at++);

    for (uint32_t i = 0; i < n; i++) VONK_TRY(vonk_builder_str(vonk_builder_child(b, 0), texts[i], err));
    return vonk_builder_close(b, err);
}

static vonk_status end_row(listing *l, vonk_error *err)
{
    l->at = 0;
    return vonk_builder_close(&l->rows, err);
}

static vonk_status as_plan(listing *l, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *rows = NULL;
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;

    VONK_TRY(vonk_builder_finish(&l->rows, &rows, err));
    VONK_TRY(vonk_batch_new(l->t->budget, rows->n_rows, rows->children, l->schema->n_fields, &batch, err));
    return vonk_pn_local(l->t->budget, l->schema, &batch, 1, ret, err);
}

static bool fits(const vonk_pb_msg *m, int pattern, vonk_str name)
{
    return !vonk_pb_has(m, pattern) || vonk_catalog_like(vonk_pb_str(m, pattern), name);
}

/* ---- catalogs and databases */
static vonk_status list_catalogs(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(listing_done) listing l = {0};

    VONK_TRY(listing_init(&l, t, "name STRING, description STRING", err));
    if (fits(m, PB_LIST_CATALOGS_PATTERN, VONK_STR(CATALOG))) {
        VONK_TRY(cell_text(&l, VONK_STR(CATALOG), err));
        VONK_TRY(cell_text(&l, VONK_STR_NONE, err));
        VONK_TRY(end_row(&l, err));
    }
    return as_plan(&l, ret, err);
}

static bool is_database(vonk_str name)
{
    return vonk_str_is_nocase(name, "default") || vonk_str_is_nocase(name, "global_temp");
}

static vonk_status no_database(vonk_str name, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_SCHEMA_NOT_FOUND, "schemaName", VONK_F("`" CATALOG "`.`%.*s`", VONK_STR_ARGS(name)));
}

/* `name` of a database, with or without the catalog before it. */
static vonk_status database_name(vonk_translator *t, vonk_str text, vonk_str *ret, vonk_error *err)
{
    const vonk_str *parts = NULL;
    uint32_t n = 0;

    VONK_TRY(vonk_session_parse_name(t->session, t->arena, text, &parts, &n, err));
    *ret = n == 1 || (n == 2 && vonk_str_is_nocase(parts[0], CATALOG)) ? parts[n - 1] : text;
    return VONK_OK;
}

static vonk_status database_row(listing *l, vonk_error *err)
{
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = vonk_session_conf(l->t->session);

    VONK_TRY(cell_text(l, VONK_STR("default"), err));
    VONK_TRY(cell_text(l, VONK_STR(CATALOG), err));
    VONK_TRY(cell_text(l, VONK_STR("default database"), err));
    VONK_TRY(cell_text(l, vonk_conf_get(conf, "spark.sql.warehouse.dir"), err));
    return end_row(l, err);
}

static vonk_status databases(vonk_translator *t, bool with_default, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(listing_done) listing l = {0};

    VONK_TRY(listing_init(&l, t, "name STRING, catalog STRING, description STRING, locationUri STRING", err));
    if (with_default) VONK_TRY(database_row(&l, err));
    return as_plan(&l, ret, err);
}

static vonk_status get_database(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    vonk_str name;

    VONK_TRY(database_name(t, vonk_pb_str(m, PB_GET_DATABASE_DB_NAME), &name, err));
    return vonk_str_is_nocase(name, "default") ? databases(t, true, ret, err) : no_database(name, err);
}

/* ---- tables and views: temporary ones are all there are */
#define TABLE_COLUMNS                                                                                                  \
    "name STRING, catalog STRING, namespace ARRAY<STRING>, description STRING, tableType STRING, isTemporary BOOLEAN " \
    "NOT NULL"

static vonk_status table_row(listing *l, vonk_str name, vonk_str database, vonk_error *err)
{
    VONK_TRY(cell_text(l, name, err));
    VONK_TRY(cell_text(l, VONK_STR_NONE, err));
    VONK_TRY(cell_texts(l, &database, database.len ? 1 : 0, err));
    VONK_TRY(cell_text(l, VONK_STR_NONE, err));
    VONK_TRY(cell_text(l, VONK_STR("TEMPORARY"), err));
    VONK_TRY(cell_bool(l, true, err));
    return end_row(l, err);
}

static vonk_status list_tables(vonk_translator *t, const vonk_pb_msg *m, int db_field, int pattern,
                               const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(listing_done) listing l = {0};
    vonk_catalog *names = vonk_session_catalog(t->session);
    vonk_str database = vonk_catalog_current_database(names);
    vonk_catalog_entry *entries = NULL;
    uint32_t n = 0;

    if (vonk_pb_has(m, db_field)) {
        VONK_TRY(database_name(t, vonk_pb_str(m, db_field), &database, err));
        if (!is_database(database)) return no_database(database, err);
    }
    VONK_TRY(listing_init(&l, t, TABLE_COLUMNS, err));
    VONK_TRY(vonk_catalog_list(names, database, vonk_pb_has(m, pattern) ? vonk_pb_str(m, pattern) : VONK_STR_NONE,
                               t->arena, &entries, &n, err));
    for (uint32_t i = 0; i < n; i++) VONK_TRY(table_row(&l, entries[i].name, entries[i].database, err));
    return as_plan(&l, ret, err);
}

/* The parts of a table's name, the database in front when the request names one. */
static vonk_status table_name(vonk_translator *t, vonk_str name, const vonk_pb_msg *m, int db_field,
                              const vonk_str **ret, uint32_t *ret_n, vonk_error *err)
{
    vonk_str *both = NULL;

    VONK_TRY(vonk_session_parse_name(t->session, t->arena, name, ret, ret_n, err));
    if (!db_field || !vonk_pb_has(m, db_field) || *ret_n != 1) return VONK_OK;
    VONK_TRY(vonk_arena_array(t->arena, 2, sizeof *both, &both, err));
    both[0] = vonk_pb_str(m, db_field);
    both[1] = (*ret)[0];
    *ret = both;
    *ret_n = 2;
    return VONK_OK;
}

static vonk_status lookup(vonk_translator *t, vonk_str name, const vonk_pb_msg *m, int db_field,
                          const vonk_str **ret_parts, uint32_t *ret_n, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = vonk_session_conf(t->session);

    VONK_TRY(table_name(t, name, m, db_field, ret_parts, ret_n, err));
    return vonk_catalog_lookup(vonk_session_catalog(t->session), conf, *ret_parts, *ret_n, ret, err);
}

static vonk_status get_table(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(listing_done) listing l = {0};
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
    const vonk_str *parts = NULL;
    uint32_t n = 0;

    VONK_TRY(lookup(t, vonk_pb_str(m, PB_GET_TABLE_TABLE_NAME), m, PB_GET_TABLE_DB_NAME, &parts, &n, &plan, err));
    VONK_TRY(listing_init(&l, t, TABLE_COLUMNS, err));
    VONK_TRY(table_row(&l, parts[n - 1], n > 1 ? parts[n - 2] : VONK_STR(""), err));
    return as_plan(&l, ret, err);
}

static vonk_status column_row(listing *l, const vonk_expr *column, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf type = {0};

    vonk_buf_init(&type, l->t->budget, SIZE_MAX);
    VONK_TRY(vonk_type_catalog_string(column->type, &type, err));
    VONK_TRY(cell_text(l, column->name, err));
    VONK_TRY(cell_text(l, VONK_STR_NONE, err));
    VONK_TRY(cell_text(l, vonk_buf_str(&type), err));
    VONK_TRY(cell_bool(l, column->nullable, err));
    for (int i = 0; i < 3; i++) VONK_TRY(cell_bool(l, false, err)); /* of a partition, a bucket, a cluster */
    return end_row(l, err);
}

static vonk_status list_columns(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(listing_done) listing l = {0};
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
    const vonk_str *parts = NULL;
    uint32_t n = 0;

    VONK_TRY(lookup(t, vonk_pb_str(m, PB_LIST_COLUMNS_TABLE_NAME), m, PB_LIST_COLUMNS_DB_NAME, &parts, &n, &plan, err));
    VONK_TRY(listing_init(&l, t,
                          "name STRING, description STRING, dataType STRING, nullable BOOLEAN NOT NULL, isPartition "
                          "BOOLEAN NOT NULL, isBucket BOOLEAN NOT NULL, "
                          "isCluster BOOLEAN NOT NULL",
                          err));
    for (uint32_t i = 0; i < plan->n_output; i++) VONK_TRY(column_row(&l, plan->output[i], err));
    return as_plan(&l, ret, err);
}

/* ---- functions: the built-in ones and those of the session */
#define FUNCTION_COLUMNS                                                                                               \
    "name STRING, catalog STRING, namespace ARRAY<STRING>, description STRING, className STRING, isTemporary BOOLEAN " \
    "NOT NULL"

static vonk_status function_row(listing *l, vonk_str name, vonk_str doc, vonk_error *err)
{
    VONK_TRY(cell_text(l, name, err));
    VONK_TRY(cell_text(l, VONK_STR_NONE, err));
    VONK_TRY(vonk_builder_null(vonk_builder_child(&l->rows, l->at++), err));
    VONK_TRY(cell_text(l, doc, err));
    VONK_TRY(cell_text(l, VONK_STR_NONE, err)); /* no class implements it */
    VONK_TRY(cell_bool(l, true, err));
    return end_row(l, err);
}

static vonk_status list_functions(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(listing_done) listing l = {0};
    const vonk_fn *fn = NULL;
    vonk_str database, *own = NULL;
    uint32_t n_own = 0;

    if (vonk_pb_has(m, PB_LIST_FUNCTIONS_DB_NAME)) {
        VONK_TRY(database_name(t, vonk_pb_str(m, PB_LIST_FUNCTIONS_DB_NAME), &database, err));
        if (!is_database(database)) return no_database(database, err);
    }
    VONK_TRY(listing_init(&l, t, FUNCTION_COLUMNS, err));
    for (size_t at = 0; (fn = vonk_fn_next(&at));)
        if (fits(m, PB_LIST_FUNCTIONS_PATTERN, vonk_str_of(fn->name)))
            VONK_TRY(function_row(&l, vonk_str_of(fn->name), fn->doc ? vonk_str_of(fn->doc) : VONK_STR_NONE, err));
    VONK_TRY(vonk_catalog_list_functions(vonk_session_catalog(t->session), t->arena, &own, &n_own, err));
    for (uint32_t i = 0; i < n_own; i++)
        if (fits(m, PB_LIST_FUNCTIONS_PATTERN, own[i])) VONK_TRY(function_row(&l, own[i], VONK_STR("N/A."), err));
    return as_plan(&l, ret, err);
}

static vonk_status get_function(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(listing_done) listing l = {0};
    const vonk_str *parts = NULL;
    uint32_t n = 0;

    VONK_TRY(
        vonk_session_parse_name(t->session, t->arena, vonk_pb_str(m, PB_GET_FUNCTION_FUNCTION_NAME), &parts, &n, err));
    const vonk_fn *fn = vonk_fn_find(parts[n - 1]);
    VONK_AUTO(vonk_python_fn_unref)
    const vonk_python_fn *registered =
        fn ? NULL : vonk_catalog_find_function(vonk_session_catalog(t->session), parts[n - 1]);
    if (!fn && !registered)
        return VONK_FAIL(err, VONK_E_UNRESOLVED_ROUTINE, "routineName", VONK_F("`%.*s`", VONK_STR_ARGS(parts[n - 1])),
                         "searchPath", "[`system`.`builtin`, `system`.`session`, `" CATALOG "`.`default`]");
    VONK_TRY(listing_init(&l, t, FUNCTION_COLUMNS, err));
    VONK_TRY(registered ? function_row(&l, registered->name, VONK_STR("N/A."), err)
                        : function_row(&l, vonk_str_of(fn->name), fn->doc ? vonk_str_of(fn->doc) : VONK_STR_NONE, err));
    return as_plan(&l, ret, err);
}

/* ---- yes or no */
static vonk_status answer(vonk_translator *t, bool value, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(listing_done) listing l = {0};

    VONK_TRY(listing_init(&l, t, "value BOOLEAN NOT NULL", err));
    VONK_TRY(cell_bool(&l, value, err));
    VONK_TRY(end_row(&l, err));
    return as_plan(&l, ret, err);
}

static vonk_status database_exists(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    vonk_str name;

    VONK_TRY(database_name(t, vonk_pb_str(m, PB_DATABASE_EXISTS_DB_NAME), &name, err));
    return answer(t, is_database(name), ret, err);
}

static vonk_status is_cached(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
    const vonk_str *parts = NULL;
    uint32_t n = 0;
    char level[VONK_STORAGE_LEVEL_BYTES];

    VONK_TRY(lookup(t, vonk_pb_str(m, PB_IS_CACHED_TABLE_NAME), m, 0, &parts, &n, &plan, err));
    VONK_TRY(vonk_session_storage_level(t->session, plan, level, err));
    return answer(t, strcmp(level, "NONE") != 0, ret, err);
}

static vonk_status set_catalog(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *nothing = NULL;
    const vonk_str name = vonk_pb_str(m, PB_SET_CURRENT_CATALOG_CATALOG_NAME);

    if (!vonk_str_is_nocase(name, CATALOG))
        return VONK_FAIL(err, VONK_E_CATALOG_NOT_FOUND, "catalogName", VONK_F("`%.*s`", VONK_STR_ARGS(name)), "config",
                         VONK_F("\"spark.sql.catalog.%.*s\"", VONK_STR_ARGS(name)));
    VONK_TRY(vonk_type_struct(NULL, 0, &nothing, err));
    return vonk_pn_local(t->budget, nothing, NULL, 0, ret, err);
}

vonk_status vonk__translate_catalog_list(vonk_translator *t, int which, const vonk_pb_msg *m, const vonk_plan **ret,
                                         vonk_error *err)
{
    switch (which) {
    case PB_CATALOG_LIST_CATALOGS: return list_catalogs(t, m, ret, err);
    case PB_CATALOG_SET_CURRENT_CATALOG: return set_catalog(t, m, ret, err);
    case PB_CATALOG_LIST_DATABASES:
        return databases(t, fits(m, PB_LIST_DATABASES_PATTERN, VONK_STR("default")), ret, err);
    case PB_CATALOG_GET_DATABASE: return get_database(t, m, ret, err);
    case PB_CATALOG_DATABASE_EXISTS: return database_exists(t, m, ret, err);
    case PB_CATALOG_LIST_TABLES: return list_tables(t, m, PB_LIST_TABLES_DB_NAME, PB_LIST_TABLES_PATTERN, ret, err);
    case PB_CATALOG_LIST_VIEWS: return list_tables(t, m, PB_LIST_VIEWS_DB_NAME, PB_LIST_VIEWS_PATTERN, ret, err);
    case PB_CATALOG_GET_TABLE: return get_table(t, m, ret, err);
    case PB_CATALOG_LIST_COLUMNS: return list_columns(t, m, ret, err);
    case PB_CATALOG_LIST_FUNCTIONS: return list_functions(t, m, ret, err);
    case PB_CATALOG_GET_FUNCTION: return get_function(t, m, ret, err);
    case PB_CATALOG_IS_CACHED: return is_cached(t, m, ret, err);
    default: return vonk_translate_unsupported(VONK_F("catalog.%s", vonk_pb_field_name(&vonk_pb_connect, which)), err);
    }
}
