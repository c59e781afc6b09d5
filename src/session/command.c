/* session/command.c -- statements that act at once: settings, views, EXPLAIN, cached tables. What they answer are rows
 * of their plan's output columns. */
#include "plan/redaction.h"
#include "session/session_int.h"
#include "session/command_rows.h"

typedef vonk_status (*command_fn)(vonk_query *query, const vonk_plan *command, vonk__rows *rows, vonk_error *err);

/* ---- SET, RESET */
static vonk_status set_row(vonk__rows *rows, vonk_str key, vonk_str value, vonk_error *err)
{
    VONK_TRY(vonk__rows_str(rows, 0, key, err));
    return vonk__rows_str(rows, 1, value, err);
}

/* Settings of Spark's core that nobody has set are unknown to SQL. */
static vonk_str setting_of(const vonk_conf *conf, vonk_str key)
{
    const vonk_str set = vonk_conf_get_set(conf, key);
    const vonk_str value = set.data || !vonk_conf_known(key, NULL, NULL) ? set : vonk_conf_get(conf, VONK_S(key));
    return value.data ? value : VONK_STR("<undefined>");
}

static vonk_status show_settings(vonk_query *query, const vonk_name_info *name, vonk__rows *rows, vonk_error *err)
{
    VONK_AUTO(vonk_redaction_done) vonk_redaction r = {0};
    vonk_str key, value;

    VONK_TRY(vonk_redaction_of(&r, query->budget, query->conf, true, err));
    if (name->n_parts == 1) {
        key = name->parts[0];
        value = setting_of(query->conf, key);
        VONK_TRY(vonk_redaction_show(&r, key, &value, err));
        return set_row(rows, key, value, err);
    }
    for (size_t at = 0; vonk_conf_next(query->conf, &at, &key, &value);) {
        VONK_TRY(vonk_redaction_show(&r, key, &value, err));
        VONK_TRY(set_row(rows, key, value, err));
    }
    return VONK_OK;
}

static vonk_status run_set(vonk_query *query, const vonk_plan *command, vonk__rows *rows, vonk_error *err)
{
    const vonk_name_info *name = &command->name;

    if (name->n_parts < 2) return show_settings(query, name, rows, err);
    VONK_TRY(vonk_session_set(query->session, name->parts[0], name->parts[1], err));
    return set_row(rows, name->parts[0], name->parts[1], err);
}

static vonk_status run_reset(vonk_query *query, const vonk_plan *command, vonk__rows *rows, vonk_error *err)
{
    vonk_str key, value;

    (void)rows;
    if (command->name.n_parts == 1) return vonk_session_set(query->session, command->name.parts[0], VONK_STR_NONE, err);
    for (size_t at = 0; vonk_conf_next(query->conf, &at, &key, &value);) {
        const vonk_status status = vonk_session_set(query->session, key, VONK_STR_NONE, err);
        if (status != VONK_E_CANNOT_MODIFY_CONFIG && status != VONK_E_CANNOT_MODIFY_STATIC_CONFIG) VONK_TRY(status);
        vonk_error_reset(err); /* what the server was started with stays */
    }
    return VONK_OK;
}

/* ---- views */
static vonk_status run_create_view(vonk_query *query, const vonk_plan *command, vonk__rows *rows, vonk_error *err)
{
    const vonk_view_info *view = &command->view;

    (void)rows;
    if (!view->temporary) return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "CREATE VIEW without TEMPORARY");
    return vonk_catalog_put_view(query->session->catalog, view->name.parts[view->name.n_parts - 1], view->global,
                                 view->replace, command->children[0], view->text, query->conf, err);
}

static vonk_status run_drop(vonk_query *query, const vonk_plan *command, vonk__rows *rows, vonk_error *err)
{
    const vonk_command_info *info = &command->command;
    bool existed = false;

    (void)rows;
    if (vonk_str_is(info->kind, "function")) {
        const vonk_str name = info->name.parts[info->name.n_parts - 1];
        if (vonk_catalog_drop_function(query->session->catalog, name) || info->if_exists) return VONK_OK;
        return VONK_FAIL(err, VONK_E_ROUTINE_NOT_FOUND, "routineName", VONK_F("`%.*s`", VONK_STR_ARGS(name)));
    }
    if (!vonk_str_is(info->kind, "view") && !vonk_str_is(info->kind, "table"))
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("DROP %.*s", VONK_STR_ARGS(info->kind)));
    VONK_TRY(vonk_catalog_drop_view(query->session->catalog, info->name.parts, info->name.n_parts, &existed, err));
    if (existed || info->if_exists) return VONK_OK;
    return vonk__fail_no_table(&info->name, err);
}

/* ---- USE */
static vonk_status run_use(vonk_query *query, const vonk_plan *command, vonk__rows *rows, vonk_error *err)
{
    const vonk_name_info *name = &command->command.name;

    (void)rows;
    return vonk_catalog_set_current_database(query->session->catalog, name->parts[name->n_parts - 1], err);
}

/* ---- EXPLAIN */
static vonk_status run_explain(vonk_query *query, const vonk_plan *command, vonk__rows *rows, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};

    vonk_buf_init(&text, query->budget, SIZE_MAX);
    query->use_cached = true;
    VONK_TRY(vonk__session_explain(query, NULL, command->children[0], command->command.kind, &text, err));
    return vonk__rows_str(rows, 0, vonk_buf_str(&text), err);
}

/* ---- CACHE TABLE and friends */
static vonk_status run_cache(vonk_query *query, const vonk_plan *command, vonk__rows *rows, vonk_error *err)
{
    const vonk_command_info *info = &command->command;
    vonk_session *session = query->session;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *named = NULL;
    VONK_AUTO(vonk_error_reset) vonk_error missing = VONK_ERROR_INIT;
    bool was = false;

    (void)rows;
    if (vonk_str_is(info->kind, "clear")) {
        vonk__session_clear_cache(session);
        return VONK_OK;
    }
    if (vonk_str_is(info->kind, "cache") && command->n_children == 1)
        VONK_TRY(vonk_catalog_put_view(session->catalog, info->name.parts[info->name.n_parts - 1], false, true,
                                       command->children[0], VONK_STR_NONE, NULL, err));
    const vonk_status found =
        vonk_catalog_lookup(session->catalog, query->conf, info->name.parts, info->name.n_parts, &named, &missing);
    if (found != VONK_OK && info->if_exists) return vonk_error_forgive(&missing, err);
    if (found != VONK_OK) vonk_error_move(err, &missing);
    VONK_TRY(found);
    if (vonk_str_is(info->kind, "cache"))
        return vonk__session_persist(session, named, VONK_STR("MEMORY_AND_DISK"), err);
    if (vonk_str_is(info->kind, "uncache")) return vonk__session_unpersist(session, named, &was, err);
    if (vonk_str_is(info->kind, "refresh")) return VONK_OK; /* files are looked at anew by every query */
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("%.*s TABLE", VONK_STR_ARGS(info->kind)));
}

/* ---- Dataset.show */
static vonk_status run_show_string(vonk_query *query, const vonk_plan *command, vonk__rows *rows, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};

    vonk_buf_init(&text, query->budget, SIZE_MAX);
    VONK_TRY(vonk__session_show_string(query, command, &text, err));
    return vonk__rows_str(rows, 0, vonk_buf_str(&text), err);
}

static vonk_status run_other(vonk_query *query, const vonk_plan *command, vonk__rows *rows, vonk_error *err)
{
    (void)query;
    (void)rows;
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("%.*s", VONK_STR_ARGS(command->command.kind)));
}

static vonk_status run_create_table(vonk_query *query, const vonk_plan *command, vonk__rows *rows, vonk_error *err)
{
    (void)query;
    (void)rows;
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                     command->kind == VONK_PN_INSERT ? "INSERT into a table" : "CREATE TABLE");
}

static command_fn command_of(vonk_node_kind kind)
{
    switch (kind) {
    case VONK_PN_SET_CONF: return run_set;
    case VONK_PN_RESET_CONF: return run_reset;
    case VONK_PN_CREATE_VIEW: return run_create_view;
    case VONK_PN_DROP: return run_drop;
    case VONK_PN_USE: return run_use;
    case VONK_PN_EXPLAIN: return run_explain;
    case VONK_PN_SHOW: return vonk__run_show;
    case VONK_PN_DESCRIBE: return vonk__run_describe;
    case VONK_PN_CACHE_TABLE: return run_cache;
    case VONK_PN_SHOW_STRING: return run_show_string;
    case VONK_PN_CREATE_TABLE:
    case VONK_PN_INSERT: return run_create_table;
    case VONK_PN_OTHER_COMMAND: return run_other;
    default: return NULL;
    }
}

bool vonk__session_is_command(const vonk_plan *resolved) { return command_of(resolved->kind) != NULL; }

vonk_status vonk__session_run_command(vonk_query *query, vonk_batch **ret_rows, vonk_error *err)
{
    VONK_AUTO(vonk__rows_done) vonk__rows rows = {0};

    VONK_TRY(vonk__rows_init(&rows, query->budget, query->schema, err));
    VONK_TRY(command_of(query->resolved->kind)(query, query->resolved, &rows, err));
    return vonk__rows_finish(&rows, ret_rows, err);
}
