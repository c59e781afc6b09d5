/* session/python_source.c -- data sources that users write in Python: pyspark's planner modules say their columns, how
 * they are read and written; reading and writing itself is a function of Python over partitions. */
#include "session/python_source.h"

#include "column/builder.h"

#define PLANNER(name) "pyspark.sql.worker." name

/* ---- errors: what a planner raised, in the words of who asked it */

static const char *traceback_of(const vonk_error *e)
{
    const char *name, *value;
    for (size_t i = 0; i < vonk_error_n_params(e); i++) {
        vonk_error_param(e, i, &name, &value);
        if (strcmp(name, "traceback") == 0) return value;
    }
    return "";
}

static vonk_status failed(vonk_status st, const char *action, const char *what, vonk_error *why, vonk_error *err)
{
    if (st == VONK_E_PYTHON_EXCEPTION)
        st = VONK_FAIL(err, VONK_E_PYTHON_DATA_SOURCE_ERROR, "action", action, "type", what, "msg", traceback_of(why));
    else
        vonk_error_move(err, why);
    vonk_error_reset(why);
    return st;
}

/* ---- fields of questions */

static vonk_status put_flag(vonk_buf *out, bool value, vonk_error *err) { return vonk_buf_add_byte(out, value, err); }

static vonk_status put_type(vonk_buf *out, vonk_arena *arena, const vonk_type *type, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf json = {0};
    vonk_buf_init(&json, vonk_arena_budget(arena), SIZE_MAX);
    VONK_TRY(vonk_type_json(type, &json, err));
    return vonk_py_frame(out, vonk_buf_str(&json), err);
}

static vonk_status put_option(vonk_buf *out, vonk_str key, vonk_str value, vonk_error *err)
{
    VONK_TRY(vonk_py_frame(out, key, err));
    return vonk_py_frame(out, value, err);
}

static bool has_option(const vonk_option *options, uint32_t n, const char *key)
{
    for (uint32_t i = 0; i < n; i++)
        if (vonk_str_is_nocase(options[i].key, key)) return true;
    return false;
}

/* One path is the option "path", several are a JSON list, "paths". */
static vonk_status paths_text(vonk_arena *arena, const vonk_str *paths, uint32_t n, vonk_str *ret, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, vonk_arena_budget(arena), SIZE_MAX);
    VONK_TRY(vonk_buf_add_byte(&text, '[', err));
    for (uint32_t i = 0; i < n; i++) {
        VONK_TRY(vonk_buf_add_c(&text, i ? ",\"" : "\"", err));
        for (size_t k = 0; k < paths[i].len; k++) {
            const char c = paths[i].data[k];
            if (c == '"' || c == '\\') VONK_TRY(vonk_buf_add_byte(&text, '\\', err));
            VONK_TRY(vonk_buf_add_byte(&text, c, err));
        }
        VONK_TRY(vonk_buf_add_byte(&text, '"', err));
    }
    VONK_TRY(vonk_buf_add_byte(&text, ']', err));
    return vonk_arena_str(arena, vonk_buf_str(&text), ret, err);
}

static vonk_status put_options(vonk_buf *out, vonk_arena *arena, const vonk_option *options, uint32_t n,
                               const vonk_str *paths, uint32_t n_paths, vonk_error *err)
{
    const char *key = n_paths == 1 ? "path" : "paths";
    const bool with_path = n_paths > 0 && paths[0].len > 0 && !has_option(options, n, key);
    vonk_str text = n_paths ? paths[0] : VONK_STR_NONE;
    if (n_paths > 1) VONK_TRY(paths_text(arena, paths, n_paths, &text, err));
    VONK_TRY(vonk_py_mark(out, (int32_t)(n + with_path), err));
    for (uint32_t i = 0; i < n; i++) VONK_TRY(put_option(out, options[i].key, options[i].value, err));
    return with_path ? put_option(out, vonk_str_of(key), text, err) : VONK_OK;
}

static vonk_str bytes_of(const vonk_buffer *b) { return (vonk_str){(const char *)b->data, b->bytes}; }

/* ---- opening */

static vonk_status read_instance(vonk_py_planner *planner, const vonk_python_fn *source, const vonk_python_fn **ret,
                                 vonk_error *err)
{
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *instance = NULL, *schema = NULL;
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
    vonk_python_fn as = *source;
    int32_t is_ddl = 0;
    VONK_TRY(vonk_py_planner_frame(planner, &instance, err));
    VONK_TRY(vonk_py_planner_number(planner, &is_ddl, err));
    VONK_TRY(vonk_py_planner_frame(planner, &schema, err));
    VONK_TRY(vonk_py_planner_end(planner, err));
    if (is_ddl)
        VONK_TRY(vonk_type_parse_ddl(bytes_of(schema), &type, err));
    else
        VONK_TRY(vonk_type_parse_json(bytes_of(schema), &type, err));
    if (type->id != VONK_T_STRUCT)
        return VONK_FAIL(err, VONK_E_PYTHON_DATA_SOURCE_ERROR, "action", "create", "type", "instance", "msg",
                         "its schema is no struct");
    as.command = bytes_of(instance);
    as.returns = type;
    return vonk_python_fn_new(&as, ret, err);
}

static vonk_status open_source(vonk_session *session, const vonk_python_fn *source, const vonk_read_info *read,
                               const vonk_python_fn **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = vonk_session_conf(session);
    VONK_AUTO(vonk_py_planner_free) vonk_py_planner *planner = NULL;
    VONK_TRY(vonk_arena_new(session->budget, &arena, err));
    VONK_TRY(
        vonk__session_python_ask(session, conf, PLANNER("create_data_source"), source, NULL, arena, &planner, err));
    vonk_buf *out = vonk_py_planner_out(planner);
    VONK_TRY(vonk_py_frame(out, source->command, err));
    VONK_TRY(vonk_py_frame(out, read->format, err));
    VONK_TRY(put_flag(out, read->schema != NULL, err));
    if (read->schema) VONK_TRY(put_type(out, arena, read->schema, err));
    VONK_TRY(put_options(out, arena, read->options, read->n_options, read->paths, read->n_paths, err));
    VONK_TRY(vonk_py_planner_ask(planner, err));
    return read_instance(planner, source, ret, err);
}

vonk_status vonk__session_open_source(void *session, const vonk_python_fn *source, const vonk_read_info *read,
                                      const vonk_python_fn **ret, vonk_error *err)
{
    vonk_error why = VONK_ERROR_INIT;
    const vonk_status st = open_source(session, source, read, ret, &why);
    return st == VONK_OK ? VONK_OK : failed(st, "create", "instance", &why, err);
}

/* ---- reading: a row for each partition, which a function of Python turns into its rows */

typedef struct read_plan {
    vonk_query *query;
    vonk_arena *arena;
} read_plan;

static void drop_expr(void *e) { vonk_expr_unref(e); }
static vonk_status keep(vonk_arena *arena, const vonk_expr *take_e, vonk_error *err)
{
    return vonk_arena_on_free(arena, drop_expr, (void *)take_e, err);
}

/* ARRAY<BINARY> of what each partition is. */
static vonk_status partitions_literal(vonk_py_planner *planner, vonk_budget *budget, uint32_t *ret_n,
                                      const vonk_expr **ret, vonk_error *err)
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
    VONK_AUTO(vonk_column_unref) vonk_column *value = NULL;
    int32_t n = 0;
    VONK_TRY(vonk_type_array(&vonk_type_binary, false, &type, err));
    VONK_TRY(vonk_builder_init(&b, budget, type, 1, err));
    VONK_TRY(vonk_py_planner_number(planner, &n, err));
    for (int32_t i = 0; i < n; i++) {
        VONK_AUTO(vonk_buffer_unref) vonk_buffer *partition = NULL;
        VONK_TRY(vonk_py_planner_frame(planner, &partition, err));
        VONK_TRY(vonk_builder_str(vonk_builder_child(&b, 0), bytes_of(partition), err));
    }
    VONK_TRY(vonk_builder_close(&b, err));
    VONK_TRY(vonk_builder_finish(&b, &value, err));
    *ret_n = n > 0 ? (uint32_t)n : 0;
    return vonk_ex_literal(budget, value, ret, err);
}

static vonk_status new_column(vonk_budget *budget, const char *name, const vonk_type *type, const vonk_expr **ret,
                              vonk_error *err)
{
    vonk_expr *e = NULL;
    VONK_TRY(vonk_expr_new(budget, VONK_EX_COLUMN, NULL, 0, &e, err));
    e->id = vonk_expr_new_id();
    vonk_status st = vonk_expr_set_name(e, vonk_str_of(name), err);
    if (st == VONK_OK) st = vonk_expr_set_type(e, type, err);
    if (st == VONK_OK) return vonk_expr_finish(e, ret, err);
    vonk_expr_unref(e);
    return st;
}

static vonk_status range_of(vonk_budget *budget, vonk_arena *arena, uint32_t n, const vonk_expr **ret_id,
                            const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *node = NULL;
    VONK_TRY(new_column(budget, "id", &vonk_type_long, ret_id, err));
    VONK_TRY(keep(arena, *ret_id, err));
    VONK_TRY(vonk_plan_new(budget, VONK_PN_RANGE, NULL, 0, &node, err));
    node->range = (vonk_range_info){.start = 1, .end = (int64_t)n + 1, .step = 1, .n_partitions = (int32_t)n};
    const vonk_status st = vonk_plan_set_output(node, ret_id, 1, err);
    if (st == VONK_OK) return vonk_plan_finish(node, ret, err);
    vonk_plan_unref(node);
    return st;
}

/* Partition i has one row, the i-th element of `list`. */
static vonk_status partition_rows(const read_plan *r, uint32_t n, const vonk_expr *list, const vonk_plan **ret,
                                  vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *range = NULL;
    vonk_budget *budget = r->query->budget;
    const vonk_expr *id = NULL, *at = NULL, *element = NULL, *named = NULL;
    VONK_TRY(range_of(budget, r->arena, n, &id, &range, err));
    VONK_TRY(vonk_ex_cast(budget, id, &vonk_type_int, VONK_MODE_LEGACY, &at, err));
    VONK_TRY(keep(r->arena, at, err));
    const vonk_expr *args[2] = {list, at};
    VONK_TRY(vonk_ex_function(budget, &r->query->env, VONK_STR("element_at"), args, 2, &element, err));
    VONK_TRY(keep(r->arena, element, err));
    VONK_TRY(vonk_ex_alias(budget, element, VONK_STR("value"), &named, err));
    VONK_TRY(keep(r->arena, named, err));
    return vonk_pn_project(budget, range, &named, 1, ret, err);
}

/* The function over all columns of `child`; `output` NULL: new columns. */
static vonk_status map_over(vonk_budget *budget, vonk_arena *arena, const vonk_plan *child, const vonk_python_fn *fn,
                            const vonk_expr *const *output, uint32_t n_output, const vonk_plan **ret, vonk_error *err)
{
    vonk_expr *e = NULL;
    const vonk_expr *call = NULL;
    vonk_plan *node = NULL;
    VONK_TRY(vonk_expr_new(budget, VONK_EX_PYTHON, child->output, child->n_output, &e, err));
    vonk_expr_set_python(e, fn);
    VONK_TRY(vonk_expr_finish(e, &call, err));
    VONK_TRY(keep(arena, call, err));
    VONK_TRY(vonk_plan_new(budget, VONK_PN_PYTHON_MAP, &child, 1, &node, err));
    vonk_status st = vonk_plan_set_list(node, 0, &call, 1, err);
    if (st == VONK_OK) st = vonk_plan_set_output(node, output, n_output, err);
    if (st == VONK_OK) return vonk_plan_finish(node, ret, err);
    vonk_plan_unref(node);
    return st;
}

static bool takes_filters(const vonk_conf *conf)
{
    return vonk_conf_bool(conf, "spark.sql.python.filterPushdown.enabled");
}

static int32_t batch_rows(const vonk_conf *conf)
{
    const int64_t rows = vonk_conf_i64(conf, "spark.sql.execution.arrow.maxRecordsPerBatch");
    return rows > 0 && rows < INT32_MAX ? (int32_t)rows : INT32_MAX;
}

/* `filters` NULL: the reader is not asked about any. */
static vonk_status ask_how_to_read(vonk_query *query, vonk_arena *arena, const vonk_python_fn *source,
                                   const vonk__source_filters *filters, vonk_py_planner **ret, vonk_error *err)
{
    const vonk_field field = {.name = VONK_STR("value"), .type = &vonk_type_binary, .nullable = true};
    VONK_AUTO(vonk_type_unref) const vonk_type *in = NULL;
    VONK_TRY(vonk_type_struct(&field, 1, &in, err));
    VONK_TRY(
        vonk__session_python_ask(query->session, query->conf,
                                 filters ? PLANNER("data_source_pushdown_filters") : PLANNER("plan_data_source_read"),
                                 source, &query->cancelled, arena, ret, err));
    vonk_buf *out = vonk_py_planner_out(*ret);
    VONK_TRY(vonk_py_frame(out, source->command, err));
    if (!filters) VONK_TRY(put_type(out, arena, in, err));
    VONK_TRY(put_type(out, arena, source->returns, err));
    if (filters) VONK_TRY(vonk_py_frame(out, filters->json, err));
    VONK_TRY(vonk_py_mark(out, batch_rows(query->conf), err));
    if (!filters) VONK_TRY(put_flag(out, takes_filters(query->conf), err));
    if (!filters) VONK_TRY(put_flag(out, false, err)); /* no stream */
    VONK_TRY(put_flag(out, vonk_conf_bool(query->conf, "spark.sql.execution.pyspark.binaryAsBytes"), err));
    return vonk_py_planner_ask(*ret, err);
}

/* Those that the reader applies itself: their terms become NULL. */
static vonk_status take_filters(vonk_py_planner *planner, vonk__source_filters *filters, vonk_error *err)
{
    int32_t n = 0, at = 0;
    VONK_TRY(vonk_py_planner_number(planner, &n, err));
    for (int32_t i = 0; i < n; i++) {
        VONK_TRY(vonk_py_planner_number(planner, &at, err));
        if (at < 0 || (size_t)at >= filters->asked.n)
            return VONK_FAIL(err, VONK_E_PYTHON_WORKER_GARBAGE, "message",
                             "a data source took a filter that there is not");
        filters->terms.at[filters->asked.at[at]] = NULL;
    }
    return VONK_OK;
}

static vonk_status plan_source(const read_plan *r, const vonk_plan *p, vonk__source_filters *filters,
                               const vonk_plan **ret, vonk_error *err)
{
    const vonk_python_fn *source = p->lists[0].at[0]->python;
    VONK_AUTO(vonk_py_planner_free) vonk_py_planner *planner = NULL;
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *command = NULL;
    VONK_AUTO(vonk_python_fn_unref) const vonk_python_fn *reader = NULL;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *rows = NULL;
    const vonk_expr *list = NULL;
    uint32_t n = 0;
    VONK_TRY(ask_how_to_read(r->query, r->arena, source, filters, &planner, err));
    VONK_TRY(vonk_py_planner_frame(planner, &command, err));
    VONK_TRY(partitions_literal(planner, r->query->budget, &n, &list, err));
    VONK_TRY(keep(r->arena, list, err));
    if (filters) VONK_TRY(take_filters(planner, filters, err));
    VONK_TRY(vonk_py_planner_end(planner, err));
    vonk_python_fn as = *source;
    as.command = bytes_of(command);
    VONK_TRY(vonk_python_fn_new(&as, &reader, err));
    VONK_TRY(partition_rows(r, n, list, &rows, err));
    return map_over(r->query->budget, r->arena, rows, reader, p->output, p->n_output, ret, err);
}

/* ---- filters: from a condition over (projected) columns of a source to what is left of it */

static const vonk_plan *source_below(const vonk_plan *p)
{
    while (p->kind == VONK_PN_PROJECT) p = p->children[0];
    return p->kind == VONK_PN_PYTHON_SOURCE ? p : NULL;
}

static vonk_status put_reader(const read_plan *r, const vonk_plan *p, vonk__source_filters *filters,
                              const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *child = NULL;
    vonk_plan *copy = NULL;
    if (p->kind != VONK_PN_PROJECT) return plan_source(r, p, filters, ret, err);
    VONK_TRY(put_reader(r, p->children[0], filters, &child, err)); /* depth: that of a plan */
    VONK_TRY(vonk_plan_copy(r->query->budget, p, &child, 1, &copy, err));
    return vonk_plan_finish(copy, ret, err);
}

static vonk_status plan_filter(const read_plan *r, const vonk_plan *p, const vonk_plan *source, const vonk_plan **ret,
                               vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *rows = NULL;
    vonk__source_filters filters = {0};
    const vonk_expr *rest = NULL;
    uint32_t n = 0;
    VONK_TRY(vonk__source_filters_of(r->query, r->arena, source, p->lists[0].at[0], &filters, err));
    if (!filters.asked.n) {
        *ret = vonk_plan_ref(p);
        return VONK_OK;
    }
    VONK_TRY(put_reader(r, p->children[0], &filters, &rows, err));
    for (size_t i = 0; i < filters.terms.n; i++)
        if (filters.terms.at[i]) filters.terms.at[n++] = filters.terms.at[i];
    if (!n) {
        *ret = VONK_STEAL(rows);
        return VONK_OK;
    }
    VONK_TRY(vonk_ex_and(r->query->budget, filters.terms.at, n, &rest, err));
    VONK_TRY(keep(r->arena, rest, err));
    return vonk_pn_filter(r->query->budget, rows, rest, ret, err);
}

static vonk_status plan_one(const vonk_plan *p, void *arg, const vonk_plan **ret, vonk_error *err)
{
    const read_plan *r = arg;
    const vonk_plan *source = p->kind == VONK_PN_FILTER ? source_below(p->children[0]) : NULL;
    vonk_error why = VONK_ERROR_INIT;
    if (p->kind != VONK_PN_PYTHON_SOURCE && !(source && takes_filters(r->query->conf))) {
        *ret = vonk_plan_ref(p);
        return VONK_OK;
    }
    const vonk_status st = source ? plan_filter(r, p, source, ret, &why) : plan_source(r, p, NULL, ret, &why);
    return st == VONK_OK ? VONK_OK : failed(st, "initialize", "reader", &why, err);
}

vonk_status vonk__session_plan_sources(vonk_query *query, const vonk_plan *optimized, const vonk_plan **ret,
                                       vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_TRY(vonk_arena_new(query->budget, &arena, err));
    read_plan r = {.query = query, .arena = arena};
    return vonk_plan_rewrite_down(query->budget, optimized, plan_one, &r, ret, err);
}

/* ---- writing */

struct vonk__source_write {
    const vonk_python_fn *source;
    vonk_buffer *writer;              /* pickled */
    VONK_VEC(vonk_buffer *) messages; /* of the partitions that are written, in order */
};

static vonk_status check_mode(const vonk_write_info *w, vonk_error *err)
{
    if (w->n_buckets)
        return w->n_sort_by ? VONK_FAIL(err, VONK_E__LEGACY_ERROR_TEMP_1313, "operation", "save")
                            : VONK_FAIL(err, VONK_E__LEGACY_ERROR_TEMP_1312, "operation", "save");
    if (w->n_sort_by) return VONK_FAIL(err, VONK_E_SORT_BY_WITHOUT_BUCKETING);
    if (w->n_partition_by || w->n_cluster_by) return VONK_FAIL(err, VONK_E_PYTHON_SOURCE_PARTITIONS);
    if (vonk_str_is(w->mode, "append") || vonk_str_is(w->mode, "overwrite")) return VONK_OK;
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_DATA_SOURCE_SAVE_MODE, "source",
                     VONK_F("\"%.*s\"", VONK_STR_ARGS(w->format)), "createMode",
                     vonk_str_is(w->mode, "ignore") ? "\"Ignore\"" : "\"ErrorIfExists\"");
}

static vonk_status ask_how_to_write(vonk_query *query, vonk_arena *arena, const vonk_plan *write,
                                    const vonk_python_fn *source, const vonk_type *message, vonk_py_planner **ret,
                                    vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *rows = NULL;
    const vonk_write_info *w = &write->write;
    VONK_TRY(vonk_plan_schema(write->children[0], &rows, err));
    VONK_TRY(vonk__session_python_ask(query->session, query->conf, PLANNER("write_into_data_source"), source, NULL,
                                      arena, ret, err));
    vonk_buf *out = vonk_py_planner_out(*ret);
    VONK_TRY(vonk_py_frame(out, source->command, err));
    VONK_TRY(vonk_py_frame(out, w->format, err));
    VONK_TRY(put_type(out, arena, rows, err));
    VONK_TRY(put_type(out, arena, message, err));
    VONK_TRY(put_options(out, arena, w->name.options, w->name.n_options, &w->path, w->path.len ? 1 : 0, err));
    VONK_TRY(put_flag(out, vonk_str_is(w->mode, "overwrite"), err));
    VONK_TRY(put_flag(out, false, err)); /* no stream */
    VONK_TRY(put_flag(out, vonk_conf_bool(query->conf, "spark.sql.execution.pyspark.binaryAsBytes"), err));
    return vonk_py_planner_ask(*ret, err);
}

static vonk_status plan_write(vonk_query *query, const vonk_plan *write, vonk__source_write *w, const vonk_plan **ret,
                              vonk_error *err)
{
    const vonk_field field = {.name = VONK_STR("message"), .type = &vonk_type_binary, .nullable = false};
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_py_planner_free) vonk_py_planner *planner = NULL;
    VONK_AUTO(vonk_type_unref) const vonk_type *message = NULL;
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *command = NULL;
    VONK_AUTO(vonk_python_fn_unref) const vonk_python_fn *writer = NULL;
    const vonk_expr *column = NULL;
    VONK_TRY(vonk_arena_new(query->budget, &arena, err));
    VONK_TRY(vonk_type_struct(&field, 1, &message, err));
    VONK_TRY(ask_how_to_write(query, arena, write, w->source, message, &planner, err));
    VONK_TRY(vonk_py_planner_frame(planner, &command, err));
    VONK_TRY(vonk_py_planner_frame(planner, &w->writer, err));
    VONK_TRY(vonk_py_planner_end(planner, err));
    vonk_python_fn as = *w->source;
    as.command = bytes_of(command);
    as.returns = message;
    VONK_TRY(vonk_python_fn_new(&as, &writer, err));
    VONK_TRY(new_column(query->budget, "message", &vonk_type_binary, &column, err));
    VONK_TRY(keep(arena, column, err));
    return map_over(query->budget, arena, write->children[0], writer, &column, 1, ret, err);
}

vonk_status vonk__source_write_new(vonk_query *query, const vonk_plan *write, const vonk_python_fn *source,
                                   vonk__source_write **ret, const vonk_plan **ret_plan, vonk_error *err)
{
    VONK_AUTO(vonk__source_write_free) vonk__source_write *w = NULL;
    vonk_error why = VONK_ERROR_INIT;
    VONK_TRY(check_mode(&write->write, err));
    VONK_TRY(VONK_NEW(query->budget, &w, err));
    w->source = vonk_python_fn_ref(source);
    const vonk_status st = plan_write(query, write, w, ret_plan, &why);
    if (st != VONK_OK) return failed(st, "initialize", "writer", &why, err);
    *ret = VONK_STEAL(w);
    return VONK_OK;
}

vonk_status vonk__source_write_take(vonk__source_write *w, vonk_budget *budget, const vonk_batch *batch,
                                    vonk_error *err)
{
    for (uint32_t i = 0; i < batch->n_sel; i++) {
        const uint32_t row = vonk_row_at(vonk_batch_rows(batch), i);
        const vonk_str text = vonk_column_str(batch->columns[0], row);
        vonk_buffer *copy = NULL;
        VONK_TRY(vonk_buffer_new(budget, text.len, &copy, err));
        if (text.len) memcpy(copy->data, text.data, text.len);
        const vonk_status st = VONK_VEC_PUSH(&w->messages, budget, copy, err);
        if (st != VONK_OK) {
            vonk_buffer_unref(copy);
            return st;
        }
    }
    return VONK_OK;
}

static vonk_status end_write(vonk_query *query, vonk__source_write *w, uint32_t n_partitions, bool abort,
                             vonk_error *err)
{
    static const char none[] = "\x80\x04N."; /* pickled */
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_py_planner_free) vonk_py_planner *planner = NULL;
    const uint32_t n = vonk_u32_of(w->messages.n), n_all = n_partitions > n ? n_partitions : n;
    int32_t answer = 0;
    VONK_TRY(vonk_arena_new(query->budget, &arena, err));
    VONK_TRY(vonk__session_python_ask(query->session, query->conf, PLANNER("commit_data_source_write"), w->source, NULL,
                                      arena, &planner, err));
    vonk_buf *out = vonk_py_planner_out(planner);
    VONK_TRY(vonk_py_frame(out, bytes_of(w->writer), err));
    VONK_TRY(vonk_py_mark(out, (int32_t)n_all, err));
    for (uint32_t i = 0; i < n; i++) VONK_TRY(vonk_py_frame(out, bytes_of(w->messages.at[i]), err));
    for (uint32_t i = n; i < n_all; i++) VONK_TRY(vonk_py_frame(out, (vonk_str){none, sizeof none - 1}, err));
    VONK_TRY(put_flag(out, abort, err));
    VONK_TRY(vonk_py_planner_ask(planner, err));
    VONK_TRY(vonk_py_planner_number(planner, &answer, err));
    return vonk_py_planner_end(planner, err);
}

vonk_status vonk__source_write_commit(vonk_query *query, vonk__source_write *w, vonk_error *err)
{
    vonk_error why = VONK_ERROR_INIT;
    const vonk_status st = end_write(query, w, 0, false, &why);
    return st == VONK_OK ? VONK_OK : failed(st, "commit", "write", &why, err);
}

void vonk__source_write_abort(vonk_query *query, vonk__source_write *w, uint32_t n_partitions)
{
    vonk_error why = VONK_ERROR_INIT; /* there is an error to report already */
    if (end_write(query, w, n_partitions, true, &why) != VONK_OK) vonk_error_reset(&why);
}

void vonk__source_write_free(vonk__source_write *w)
{
    if (!w) return;
    vonk_python_fn_unref(w->source);
    vonk_buffer_unref(w->writer);
    for (size_t i = 0; i < w->messages.n; i++) vonk_buffer_unref(w->messages.at[i]);
    vonk_free(w->messages.at);
    vonk_free(w);
}
