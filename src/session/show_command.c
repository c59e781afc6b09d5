/* session/show_command.c -- SHOW and DESCRIBE: what is there. */
#include "session/command_rows.h"

/* ---- SHOW */
static vonk_status show_tables(vonk_query *query, const vonk_command_info *info, vonk__rows *rows, bool views,
                               vonk_error *err)
{
    vonk_catalog_entry *entries = NULL;
    uint32_t n = 0;
    const vonk_str database = info->name.n_parts ? info->name.parts[info->name.n_parts - 1]
                                                 : vonk_catalog_current_database(query->session->catalog);

    VONK_TRY(vonk_catalog_list(query->session->catalog, database, info->pattern, query->arena, &entries, &n, err));
    for (uint32_t i = 0; i < n; i++) {
        if (views && !entries[i].temporary && !vonk_str_is(entries[i].kind, "VIEW")) continue;
        VONK_TRY(vonk__rows_str(rows, 0, entries[i].database.data ? entries[i].database : VONK_STR(""), err));
        VONK_TRY(vonk__rows_str(rows, 1, entries[i].name, err));
        VONK_TRY(vonk__rows_bool(rows, 2, entries[i].temporary, err));
    }
    return VONK_OK;
}

/* Spark's LIKE of SHOW: '*' any text, '|' alternatives, case folded. */
static bool like_one(vonk_str text, vonk_str pattern)
{
    size_t t = 0, p = 0, star = SIZE_MAX, mark = 0;

    while (t < text.len) {
        if (p < pattern.len && pattern.data[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.len &&
                   vonk_str_eq_nocase(vonk_str_sub(text, t, t + 1), vonk_str_sub(pattern, p, p + 1))) {
            t++;
            p++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.data[p] == '*') p++;
    return p == pattern.len;
}

static bool like(vonk_str text, vonk_str pattern)
{
    for (size_t from = 0; pattern.len > 0 && from <= pattern.len;) {
        size_t bar = vonk_str_find_byte(pattern, '|', from);
        size_t to = bar == SIZE_MAX ? pattern.len : bar;
        if (like_one(text, vonk_str_sub(pattern, from, to))) return true;
        from = to + 1;
    }
    return pattern.len == 0;
}

/* Built-in ones and the session's own, sorted. `extended`: only the session's own. */
static vonk_status show_functions(vonk_query *query, const vonk_command_info *info, vonk__rows *rows, vonk_error *err)
{
    const vonk_fn *fn = NULL;
    vonk_str *own = NULL;
    uint32_t n_own = 0, k = 0;

    VONK_TRY(vonk_catalog_list_functions(query->session->catalog, query->arena, &own, &n_own, err));
    for (size_t at = 0; !info->extended && (fn = vonk_fn_next(&at));) {
        for (; k < n_own && vonk_str_compare(own[k], vonk_str_of(fn->name)) < 0; k++)
            if (like(own[k], info->pattern)) VONK_TRY(vonk__rows_str(rows, 0, own[k], err));
        if (like(vonk_str_of(fn->name), info->pattern)) VONK_TRY(vonk__rows_str(rows, 0, vonk_str_of(fn->name), err));
    }
    for (; k < n_own; k++)
        if (like(own[k], info->pattern)) VONK_TRY(vonk__rows_str(rows, 0, own[k], err));
    return VONK_OK;
}

static vonk_status show_columns(vonk_query *query, const vonk_command_info *info, vonk__rows *rows, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;

    VONK_TRY(
        vonk_catalog_lookup(query->session->catalog, query->conf, info->name.parts, info->name.n_parts, &plan, err));
    for (uint32_t i = 0; i < plan->n_output; i++) VONK_TRY(vonk__rows_str(rows, 0, plan->output[i]->name, err));
    return VONK_OK;
}

vonk_status vonk__run_show(vonk_query *query, const vonk_plan *command, vonk__rows *rows, vonk_error *err)
{
    const vonk_command_info *info = &command->command;

    if (vonk_str_is(info->kind, "tables")) return show_tables(query, info, rows, false, err);
    if (vonk_str_is(info->kind, "views")) return show_tables(query, info, rows, true, err);
    if (vonk_str_is(info->kind, "functions")) return show_functions(query, info, rows, err);
    if (vonk_str_is(info->kind, "columns")) return show_columns(query, info, rows, err);
    if (vonk_str_is(info->kind, "databases"))
        return like(VONK_STR("default"), info->pattern) ? vonk__rows_str(rows, 0, VONK_STR("default"), err) : VONK_OK;
    if (vonk_str_is(info->kind, "catalogs"))
        return like(VONK_STR("spark_catalog"), info->pattern) ? vonk__rows_str(rows, 0, VONK_STR("spark_catalog"), err)
                                                              : VONK_OK;
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("SHOW %.*s", VONK_STR_ARGS(info->kind)));
}

/* ---- DESCRIBE */
static vonk_status describe_columns(vonk_query *query, const vonk_plan *plan, vonk__rows *rows, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};

    vonk_buf_init(&text, query->budget, SIZE_MAX);
    for (uint32_t i = 0; i < plan->n_output; i++) {
        vonk_buf_reset(&text);
        VONK_TRY(vonk_type_catalog_string(plan->output[i]->type, &text, err));
        VONK_TRY(vonk__rows_str(rows, 0, plan->output[i]->name, err));
        VONK_TRY(vonk__rows_str(rows, 1, vonk_buf_str(&text), err));
        VONK_TRY(vonk__rows_str(rows, 2, VONK_STR_NONE, err));
    }
    return VONK_OK;
}

static vonk_status describe_registered(const vonk_command_info *info, const vonk_python_fn *fn, vonk__rows *rows,
                                       vonk_error *err)
{
    VONK_TRY(vonk__rows_str(rows, 0,
                            vonk_str_of(VONK_F("Function: spark_catalog.session.%.*s", VONK_STR_ARGS(fn->name))), err));
    VONK_TRY(vonk__rows_str(rows, 0, VONK_STR("Class: a function written in Python"), err));
    VONK_TRY(vonk__rows_str(rows, 0, VONK_STR("Usage: N/A."), err));
    if (!info->extended) return VONK_OK;
    return vonk__rows_str(
        rows, 0, vonk_str_of(VONK_F("Extended Usage:\n    No example/argument for %.*s.\n", VONK_STR_ARGS(fn->name))),
        err);
}

static vonk_status describe_function(vonk_query *query, const vonk_command_info *info, vonk__rows *rows,
                                     vonk_error *err)
{
    const vonk_str name = info->name.parts[info->name.n_parts - 1];
    const vonk_fn *fn = vonk_fn_find(name);
    VONK_AUTO(vonk_python_fn_unref)
    const vonk_python_fn *registered = fn ? NULL : vonk_catalog_find_function(query->session->catalog, name);

    if (registered) return describe_registered(info, registered, rows, err);
    if (!fn)
        return VONK_FAIL(err, VONK_E_UNRESOLVED_ROUTINE, "routineName",
                         VONK_F("`%.*s`", VONK_STR_ARGS(info->name.parts[0])), "searchPath",
                         "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]");
    VONK_TRY(vonk__rows_str(rows, 0, vonk_str_of(VONK_F("Function: %s", fn->name)), err));
    VONK_TRY(vonk__rows_str(
        rows, 0, vonk_str_of(VONK_F("Usage: %s(%s) - %s", fn->name, fn->args ? fn->args : "", fn->doc ? fn->doc : "")),
        err));
    if (!info->extended || !fn->example) return VONK_OK;
    return vonk__rows_str(
        rows, 0,
        vonk_str_of(VONK_F("Extended Usage:\n    Examples:\n      > SELECT %s;\n       %s\n", fn->example, fn->expect)),
        err);
}

vonk_status vonk__run_describe(vonk_query *query, const vonk_plan *command, vonk__rows *rows, vonk_error *err)
{
    const vonk_command_info *info = &command->command;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;

    if (vonk_str_is(info->kind, "query")) return describe_columns(query, command->children[0], rows, err);
    if (vonk_str_is(info->kind, "function")) return describe_function(query, info, rows, err);
    if (!vonk_str_is(info->kind, "table"))
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         VONK_F("DESCRIBE %.*s", VONK_STR_ARGS(info->kind)));
    VONK_TRY(
        vonk_catalog_lookup(query->session->catalog, query->conf, info->name.parts, info->name.n_parts, &plan, err));
    return describe_columns(query, plan, rows, err);
}
