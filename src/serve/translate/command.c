/* serve/translate/command.c -- Command messages that are plans: views and writes. */
#include "serve/translate/translate_int.h"

/* The last part of "v" or "database.v": session views belong to no database. */
static vonk_status view_name(vonk_translator *t, vonk_str text, vonk_str *ret, vonk_error *err)
{
    const vonk_str *parts = NULL;
    uint32_t n = 0;
    VONK_AUTO(vonk_error_reset) vonk_error tried = VONK_ERROR_INIT;

    if (vonk_session_parse_name(t->session, t->arena, text, &parts, &n, &tried) != VONK_OK)
        VONK_TRY(vonk_error_forgive(&tried, err));
    else if (n == 1 || n == 2) {
        *ret = parts[n - 1];
        return VONK_OK;
    }
    return VONK_FAIL(err, VONK_E__LEGACY_ERROR_TEMP_1321, "viewName", VONK_S(text));
}

static vonk_status create_view(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *child = NULL;
    vonk_str name;
    vonk_plan *node = NULL;

    VONK_TRY(view_name(t, vonk_pb_str(m, PB_CREATE_DATA_FRAME_VIEW_COMMAND_NAME), &name, err));
    VONK_TRY(vonk__tr_plan(t, vonk_pb_get_msg(m, PB_CREATE_DATA_FRAME_VIEW_COMMAND_INPUT), &child, err));
    VONK_TRY(vonk__tr_node(t, VONK_PN_CREATE_VIEW, child, &node, err));
    node->view = (vonk_view_info){.temporary = true,
                                  .global = vonk_pb_bool(m, PB_CREATE_DATA_FRAME_VIEW_COMMAND_IS_GLOBAL),
                                  .replace = vonk_pb_bool(m, PB_CREATE_DATA_FRAME_VIEW_COMMAND_REPLACE)};
    node->view.name.n_parts = 1;
    return vonk__tr_done(vonk_plan_strs(node, &name, 1, &node->view.name.parts, err), node, ret, err);
}

static const char *save_mode(int mode)
{
    switch (mode) {
    case PB_E_WRITE_OPERATION_SAVE_MODE_APPEND: return "append";
    case PB_E_WRITE_OPERATION_SAVE_MODE_OVERWRITE: return "overwrite";
    case PB_E_WRITE_OPERATION_SAVE_MODE_IGNORE: return "ignore";
    default: return "error";
    }
}

static vonk_status name_list(vonk_translator *t, const vonk_pb_msg *m, int field, vonk_plan *node, const vonk_str **ret,
                             uint32_t *ret_n, vonk_error *err)
{
    const vonk_str *names = NULL;

    VONK_TRY(vonk__tr_strs(t, m, field, &names, ret_n, err));
    return vonk_plan_strs(node, names, *ret_n, ret, err);
}

static vonk_status fill_write(vonk_translator *t, const vonk_pb_msg *m, vonk_plan *node, vonk_error *err)
{
    vonk_write_info *w = &node->write;
    const uint32_t n = vonk_u32_of(vonk_pb_n(m, PB_WRITE_OPERATION_OPTIONS));
    vonk_option *options = NULL;

    VONK_TRY(vonk_plan_str(node, vonk_pb_str(m, PB_WRITE_OPERATION_SOURCE), &w->format, err));
    VONK_TRY(vonk_plan_str(node, vonk_pb_str(m, PB_WRITE_OPERATION_PATH), &w->path, err));
    VONK_TRY(vonk_plan_str(node, vonk_str_of(save_mode(vonk_pb_i32(m, PB_WRITE_OPERATION_MODE))), &w->mode, err));
    VONK_TRY(name_list(t, m, PB_WRITE_OPERATION_PARTITIONING_COLUMNS, node, &w->partition_by, &w->n_partition_by, err));
    VONK_TRY(name_list(t, m, PB_WRITE_OPERATION_SORT_COLUMN_NAMES, node, &w->sort_by, &w->n_sort_by, err));
    VONK_TRY(name_list(t, m, PB_WRITE_OPERATION_CLUSTERING_COLUMNS, node, &w->cluster_by, &w->n_cluster_by, err));
    VONK_TRY(vonk_arena_array(t->arena, n + 1, sizeof *options, &options, err));
    for (uint32_t i = 0; i < n; i++) {
        const vonk_pb_msg *entry = vonk_pb_msg_at(m, PB_WRITE_OPERATION_OPTIONS, i);
        options[i] = (vonk_option){vonk_pb_str(entry, PB_WRITE_OPERATION_OPTIONS_ENTRY_KEY),
                                   vonk_pb_str(entry, PB_WRITE_OPERATION_OPTIONS_ENTRY_VALUE)};
        if (vonk_str_is_nocase(options[i].key, "path") && w->path.len == 0)
            VONK_TRY(vonk_plan_str(node, options[i].value, &w->path, err));
        if (vonk_str_is_nocase(options[i].key, "compression"))
            VONK_TRY(vonk_plan_str(node, options[i].value, &w->compression, err));
    }
    if (vonk_pb_has(m, PB_WRITE_OPERATION_BUCKET_BY))
        w->n_buckets =
            vonk_pb_i32(vonk_pb_get_msg(m, PB_WRITE_OPERATION_BUCKET_BY), PB_WRITE_OPERATION_BUCKET_BY_NUM_BUCKETS);
    w->name.n_options = n;
    return vonk_plan_options(node, options, n, &w->name.options, err);
}

static vonk_status write(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *child = NULL;
    vonk_plan *node = NULL;

    if (vonk_pb_which(m, PB_WRITE_OPERATION_SAVE_TYPE_ONEOF) == PB_WRITE_OPERATION_TABLE)
        return vonk_translate_unsupported("saveAsTable and insertInto", err);
    VONK_TRY(vonk__tr_plan(t, vonk_pb_get_msg(m, PB_WRITE_OPERATION_INPUT), &child, err));
    VONK_TRY(vonk__tr_node(t, VONK_PN_WRITE_FILES, child, &node, err));
    return vonk__tr_done(fill_write(t, m, node, err), node, ret, err);
}

vonk_status vonk_translate_command(vonk_translator *t, const vonk_pb_msg *command, const vonk_plan **ret,
                                   vonk_error *err)
{
    const int which = vonk_pb_which(command, PB_COMMAND_COMMAND_TYPE_ONEOF);

    *ret = NULL;
    switch (which) {
    case PB_COMMAND_CREATE_DATAFRAME_VIEW: return create_view(t, vonk_pb_get_msg(command, which), ret, err);
    case PB_COMMAND_WRITE_OPERATION: return write(t, vonk_pb_get_msg(command, which), ret, err);
    case PB_COMMAND_SQL_COMMAND: return vonk__translate_sql(t, vonk_pb_get_msg(command, which), ret, err);
    case 0: return vonk_translate_invalid("a command without a kind", err);
    default: return VONK_OK;
    }
}
