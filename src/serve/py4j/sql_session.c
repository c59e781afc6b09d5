/* serve/py4j/sql_session.c -- SparkSession: made of a SparkContext, with an engine behind it. */
#include "base/version.h"
#include "serve/py4j/sql.h"
#include "sys/cpu.h"

/* ---- the engine */

void vonk__j_sql_unref(vonk__j_sql *sql)
{
    if (!sql || atomic_fetch_sub(&sql->refs, 1) > 1) return;
    vonk_engine_free(sql->engine);
    vonk_mutex_done(&sql->lock);
    vonk_free(sql);
}

void vonk__j_sql_drop(vonk__j_machine *machine)
{
    vonk__j_object_unref(machine->default_session);
    vonk__j_object_unref(machine->active_session);
    vonk__j_sql_unref(machine->sql);
    machine->default_session = machine->active_session = NULL;
    machine->sql = NULL;
}

static vonk_status start_engine(vonk__j_context *context, vonk__j_sql **ret, vonk_error *err)
{
    VONK_AUTO(vonk__j_sql_unref) vonk__j_sql *made = NULL;
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = NULL;
    VONK_TRY(vonk__j_context_conf(context, &conf, err));
    VONK_TRY(VONK_NEW(vonk_budget_root(), &made, err));
    made->refs = 1;
    vonk_mutex_init(&made->lock);
    made->of = context->head.serial;
    vonk_str warehouse = vonk_conf_get_set(conf, VONK_STR("spark.sql.warehouse.dir"));
    if (vonk_str_starts(warehouse, VONK_STR("file:"))) warehouse = vonk_str_sub(warehouse, 5, warehouse.len);
    const vonk_engine_options options = {.n_threads = context->n_slots,
                                         .memory_bytes = vonk_budget_limit(context->head.machine->budget),
                                         .spill_dir = vonk_str_of(context->local_folder),
                                         .warehouse_dir = warehouse,
                                         .conf = conf};
    VONK_TRY(vonk_engine_new(&options, &made->engine, err));
    VONK_TRY(vonk_engine_keep_history(made->engine, err));
    *ret = VONK_STEAL(made);
    return VONK_OK;
}

/* One for each SparkContext; new reference. */
static vonk_status sql_of(vonk__j_context *context, vonk__j_sql **ret, vonk_error *err)
{
    vonk__j_machine *machine = context->head.machine;
    VONK_AUTO(vonk__j_sql_unref) vonk__j_sql *old = NULL;
    VONK_LOCKED(&machine->state);
    if (!machine->sql || machine->sql->of != context->head.serial) {
        vonk__j_sql *made = NULL;
        VONK_TRY(start_engine(context, &made, err));
        old = machine->sql;
        machine->sql = made;
        (void)old; /* goes when the lock is open again */
    }
    atomic_fetch_add(&machine->sql->refs, 1);
    *ret = machine->sql;
    return VONK_OK;
}

/* ---- sessions */

static void session_drop(vonk__j_object *self)
{
    vonk__j_session *s = (vonk__j_session *)self;
    vonk__j_context *context = s->context;
    vonk_session_unref(s->session);
    vonk__j_sql_unref(s->sql);
    s->session = NULL;
    s->sql = NULL;
    s->context = NULL;
    for (size_t i = 0; i < s->observations.n; i++) vonk__j_object_unref(s->observations.at[i]);
    vonk_free(s->observations.at);
    s->observations.at = NULL;
    s->observations.n = 0;
    vonk__j_object_unref(context);
}

static vonk_status session_over(vonk__j_sql *sql, vonk__j_context *context, vonk_session *take_session,
                                vonk__j_session **ret, vonk_error *err)
{
    vonk__j_session *made = NULL;
    const vonk_status status = vonk__j_object_new(context->head.machine, J_SESSION, &made, err);
    if (status != VONK_OK) {
        vonk_session_unref(take_session);
        return status;
    }
    atomic_fetch_add(&sql->refs, 1);
    made->sql = sql;
    made->session = take_session;
    made->context = (vonk__j_context *)vonk__j_object_ref(context);
    *ret = made;
    return VONK_OK;
}

static vonk_status open_session(vonk__j_context *context, vonk__j_session **ret, vonk_error *err)
{
    VONK_AUTO(vonk__j_sql_unref) vonk__j_sql *sql = NULL;
    vonk_session *session = NULL;
    VONK_TRY(sql_of(context, &sql, err));
    VONK_TRY(vonk_session_new(sql->engine, VONK_STR("classic"), &session, err));
    return session_over(sql, context, session, ret, err);
}

vonk__j_session *vonk__j_active_session(vonk__j_machine *machine)
{
    VONK_LOCKED(&machine->state);
    vonk__j_object *found = machine->active_session ? machine->active_session : machine->default_session;
    return found ? (vonk__j_session *)vonk__j_object_ref(found) : NULL;
}

void vonk__j_facet_drop(vonk__j_object *self)
{
    vonk__j_session *session = ((vonk__j_facet *)self)->session;
    ((vonk__j_facet *)self)->session = NULL;
    vonk__j_object_unref(session);
}

vonk_status vonk__j_return_facet(vonk__j_call *call, const char *fqn, vonk__j_session *session, vonk_error *err)
{
    vonk__j_facet *made = NULL;
    VONK_TRY(vonk__j_object_new(call->machine, fqn, &made, err));
    made->session = (vonk__j_session *)vonk__j_object_ref(session);
    return vonk__j_return(call, vonk__j_of(&made->head));
}

/* Settings that a running session may change; the others have had their time. */
static vonk_status apply(vonk__j_call *call, vonk__j_session *session, const vonk__j_value *options, vonk_error *err)
{
    if (options->kind != VONK__J_OBJECT) return VONK_OK;
    VONK_LOCKED(&call->machine->guard);
    const vonk__j_map *map = vonk__j_as_map(options->object);
    for (vonk__j_entry *e = NULL; map && (e = vonk__j_map_next(map, e));) {
        VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
        bool modifiable = false;
        const vonk_str key = vonk__j_str(&e->key);
        if (vonk_conf_known(key, NULL, &modifiable) ? !modifiable : vonk_str_starts(key, VONK_STR("spark."))) continue;
        vonk_buf_init(&text, call->machine->budget, 1 << 20);
        VONK_TRY(vonk__j_add_text(call->caller, &e->value, 0, &text, err));
        VONK_TRY(vonk_session_set(session->session, key, text.len ? vonk_buf_str(&text) : VONK_STR(""), err));
    }
    return VONK_OK;
}

static vonk_status session_new(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_session *made = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(open_session(vonk__j_context_of(call->args[0].object), &made, err));
    if (call->n_args > 1) VONK_TRY(apply(call, made, &call->args[1], err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(made)->head));
}
static vonk_status m_apply(vonk__j_call *call, vonk_error *err)
{
    VONK_TRY(vonk__j_need(call, 0, err));
    return apply(call, (vonk__j_session *)call->args[0].object, &call->args[1], err);
}

enum { DEFAULT, ACTIVE };
static vonk__j_object **slot(vonk__j_call *call)
{
    return call->member->tag == DEFAULT ? &call->machine->default_session : &call->machine->active_session;
}
static vonk_status get_session(vonk__j_call *call, vonk_error *err)
{
    vonk_mutex_lock(&call->machine->state);
    vonk__j_object *found = *slot(call) ? vonk__j_object_ref(*slot(call)) : NULL;
    vonk_mutex_unlock(&call->machine->state);
    return vonk__j_option(call->machine, vonk__j_of(found), found != NULL, &call->result, err);
}
static vonk_status set_session(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    vonk__j_object *given =
        call->n_args && call->args[0].kind == VONK__J_OBJECT ? vonk__j_object_ref(call->args[0].object) : NULL;
    vonk_mutex_lock(&call->machine->state);
    vonk__j_object *old = *slot(call);
    *slot(call) = given;
    vonk_mutex_unlock(&call->machine->state);
    vonk__j_object_unref(old);
    return VONK_OK;
}
static vonk_status active(vonk__j_call *call, vonk_error *err)
{
    vonk__j_session *found = vonk__j_active_session(call->machine);
    if (!found) return vonk__j_throw(call->caller, "java.lang.IllegalStateException", err, "No active session");
    return vonk__j_return(call, vonk__j_of(&found->head));
}
static vonk_status module(vonk__j_call *call, vonk_error *err)
{
    vonk__j_object *made = NULL;
    VONK_TRY(vonk__j_object_new(call->machine, J_SESSION "$", &made, err));
    return vonk__j_return(call, vonk__j_of(made));
}

/* ---- the builder: options, then a session over the active SparkContext */

typedef struct builder {
    vonk__j_object head;
    vonk__j_map *options;
} builder;
static void builder_drop(vonk__j_object *self)
{
    vonk__j_map *options = ((builder *)self)->options;
    ((builder *)self)->options = NULL;
    vonk__j_object_unref(options);
}
static vonk_status builder_new(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO builder *made = NULL;
    VONK_TRY(vonk__j_object_new(call->machine, J_SESSION "$Builder", &made, err));
    VONK_TRY(vonk__j_map_new(call->machine, "java.util.HashMap", &made->options, err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(made)->head));
}
static vonk_status builder_config(vonk__j_call *call, vonk_error *err)
{
    builder *b = (builder *)call->self;
    VONK_LOCKED(&call->machine->guard);
    if (call->n_args == 2) {
        VONK_TRY(vonk__j_map_put(call->caller, b->options, vonk__j_ref(call->args[0]), vonk__j_ref(call->args[1]), NULL,
                                 err));
        return vonk__j_return_self(call);
    }
    const vonk__j_map *map = call->args[0].kind == VONK__J_OBJECT ? vonk__j_as_map(call->args[0].object) : NULL;
    for (vonk__j_entry *e = NULL; map && (e = vonk__j_map_next(map, e));)
        VONK_TRY(vonk__j_map_put(call->caller, b->options, vonk__j_ref(e->key), vonk__j_ref(e->value), NULL, err));
    return vonk__j_return_self(call);
}
static vonk_status builder_named(vonk__j_call *call, vonk_error *err)
{
    builder *b = (builder *)call->self;
    VONK_LOCKED(&call->machine->guard);
    VONK_TRY(vonk__j_map_put_text(call->caller, b->options,
                                  vonk_str_of(call->member->tag ? "spark.master" : "spark.app.name"),
                                  vonk__j_str(&call->args[0]), err));
    return vonk__j_return_self(call);
}
static vonk_status builder_create(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_session *session = call->member->tag ? NULL : vonk__j_active_session(call->machine);
    VONK__J_AUTO vonk__j_context *context = vonk__j_active_context(call->machine);
    const vonk__j_value options = {.kind = VONK__J_OBJECT, .object = &((builder *)call->self)->options->head};
    if (!session && !context)
        return vonk__j_throw(call->caller, "java.lang.IllegalStateException", err, "no SparkContext is active");
    if (!session) VONK_TRY(open_session(context, &session, err));
    VONK_TRY(apply(call, session, &options, err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(session)->head));
}

/* ---- members */

static vonk__j_session *self_session(const vonk__j_call *call) { return (vonk__j_session *)call->self; }

static vonk_status m_context(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_of(vonk__j_object_ref(self_session(call)->context)));
}
static vonk_status m_version(vonk__j_call *call, vonk_error *err)
{
    return vonk__j_return_str(call, VONK_STR(VONK_SPARK_VERSION), err);
}
enum { FACET_STATE, FACET_CONF, FACET_CATALOG, FACET_UDF, FACET_UDTF, FACET_TVF, FACET_SQL_CONTEXT, FACET_SOURCES };
static vonk_status m_facet(vonk__j_call *call, vonk_error *err)
{
    static const char *const names[] = {[FACET_STATE] = "org.apache.spark.sql.internal.SessionState",
                                        [FACET_CONF] = "org.apache.spark.sql.classic.RuntimeConfig",
                                        [FACET_CATALOG] = "org.apache.spark.sql.classic.Catalog",
                                        [FACET_UDF] = "org.apache.spark.sql.classic.UDFRegistration",
                                        [FACET_UDTF] = "org.apache.spark.sql.UDTFRegistration",
                                        [FACET_TVF] = "org.apache.spark.sql.classic.TableValuedFunction",
                                        [FACET_SQL_CONTEXT] = "org.apache.spark.sql.classic.SQLContext",
                                        [FACET_SOURCES] = "org.apache.spark.sql.DataSourceRegistration"};
    return vonk__j_return_facet(call, names[call->member->tag], self_session(call), err);
}
static vonk_status m_new_session(vonk__j_call *call, vonk_error *err)
{
    vonk__j_session *from = self_session(call), *made = NULL;
    vonk_session *session = NULL;
    if (call->member->tag)
        VONK_TRY(vonk_session_clone(from->session, &session, err));
    else
        VONK_TRY(vonk_session_new(from->sql->engine, VONK_STR("classic"), &session, err));
    VONK_TRY(session_over(from->sql, from->context, session, &made, err));
    return vonk__j_return(call, vonk__j_of(&made->head));
}
static vonk_status m_stop(vonk__j_call *call, vonk_error *err)
{
    const vonk__j_signature *s = NULL;
    vonk__j_object *context = &self_session(call)->context->head;
    vonk__j_choose(call->machine, context->cls, VONK_STR("stop"), false, NULL, 0, &s);
    return vonk__j_invoke(call->caller, context->cls, context, s, NULL, 0, &call->result, err);
}

static vonk_status m_range(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const vonk__j_value *a = call->args;
    VONK_TRY(vonk__j_message_open(&m, call, self_session(call), err));
    vonk__j_put_common(&m);
    const size_t mark = vonk_pb_begin(&m.w, PB_RELATION_RANGE);
    vonk_pb_put_i64(&m.w, PB_RANGE_START, call->n_args > 1 ? a[0].i : 0);
    vonk_pb_put_i64(&m.w, PB_RANGE_END, call->n_args > 1 ? a[1].i : a[0].i);
    vonk_pb_put_i64(&m.w, PB_RANGE_STEP, call->n_args > 2 ? a[2].i : 1);
    if (call->n_args > 3) vonk_pb_put_i64(&m.w, PB_RANGE_NUM_PARTITIONS, a[3].i);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

static vonk_status m_table(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_message_open(&m, call, self_session(call), err));
    vonk__j_put_common(&m);
    const size_t read = vonk_pb_begin(&m.w, PB_RELATION_READ), table = vonk_pb_begin(&m.w, PB_READ_NAMED_TABLE);
    vonk__j_put_text(&m, PB_READ_NAMED_TABLE_UNPARSED_IDENTIFIER, &call->args[0]);
    vonk_pb_end(&m.w, table);
    vonk_pb_end(&m.w, read);
    return vonk__j_return_dataset(&m, err);
}

static void put_named_arguments(vonk__j_message *m, const vonk__j_value *map)
{
    VONK_LOCKED(&m->call->machine->guard);
    const vonk__j_map *of = vonk__j_as_map(map->object);
    for (vonk__j_entry *e = NULL; of && (e = vonk__j_map_next(of, e));) {
        const size_t mark = vonk_pb_begin(&m->w, PB_SQL_NAMED_ARGUMENTS);
        vonk_pb_put_str(&m->w, PB_SQL_NAMED_ARGUMENTS_ENTRY_KEY, vonk__j_str(&e->key));
        vonk__j_put_value(m, PB_SQL_NAMED_ARGUMENTS_ENTRY_VALUE, &e->value);
        vonk_pb_end(&m->w, mark);
    }
}

/* A statement that acts does so now, and its rows are the frame. */
static vonk_status act_now(vonk__j_message *m, vonk_error *err)
{
    vonk__j_dataset *made = (vonk__j_dataset *)m->call->result.object;
    const vonk_plan *rows = NULL;
    if (made->is_lazy || !vonk_session_acts(made->plan)) return VONK_OK;
    VONK_TRY(vonk_session_rematerialize(m->session->session, made->plan, &rows, err));
    VONK_TRY(vonk__j_dataset_new(m->session, rows, &made, err));
    return vonk__j_return(m->call, vonk__j_of(&made->head));
}

static vonk_status m_sql(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_message_open(&m, call, self_session(call), err));
    vonk__j_put_common(&m);
    const size_t mark = vonk_pb_begin(&m.w, PB_RELATION_SQL);
    vonk__j_put_text(&m, PB_SQL_QUERY, &call->args[0]);
    if (call->n_args > 1 && call->member->tag && call->args[1].kind == VONK__J_OBJECT)
        put_named_arguments(&m, &call->args[1]);
    else if (call->n_args > 1)
        vonk__j_put_values(&m, PB_SQL_POS_ARGUMENTS, &call->args[1]);
    vonk_pb_end(&m.w, mark);
    VONK_TRY(vonk__j_return_dataset(&m, err));
    return act_now(&m, err);
}

static vonk_status m_parse_type(vonk__j_call *call, vonk_error *err)
{
    const vonk_type *type = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk_type_parse_json(vonk__j_str(&call->args[0]), &type, err));
    return vonk__j_type_new(call->machine, type, &call->result, err);
}

static vonk_status m_empty(vonk__j_call *call, vonk_error *err)
{
    const vonk_type *type = NULL;
    const vonk_plan *plan = NULL;
    vonk__j_dataset *made = NULL;
    VONK_TRY(vonk_type_struct(NULL, 0, &type, err));
    const vonk_status status =
        vonk_pn_local(vonk_session_budget(self_session(call)->session), type, NULL, 0, &plan, err);
    vonk_type_unref(type);
    VONK_TRY(status);
    VONK_TRY(vonk__j_dataset_new(self_session(call), plan, &made, err));
    return vonk__j_return(call, vonk__j_of(&made->head));
}

/* A column as an expression: pyspark asks whether it is a plain name, and for that. */
typedef struct expression {
    vonk__j_object head;
    vonk__j_value name;
} expression;
static void expression_drop(vonk__j_object *self) { vonk__j_unref(&((expression *)self)->name); }
static vonk_status expression_sql(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_ref(((expression *)call->self)->name));
}
#define J_NAME "org.apache.spark.sql.catalyst.analysis.UnresolvedAttribute"
#define J_EXPRESSION "org.apache.spark.sql.catalyst.expressions.Expression"
static vonk_status m_expression(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    VONK__J_AUTO expression *made = NULL;
    const vonk_pb_msg *e = NULL;
    const vonk_str *parts = NULL;
    uint32_t n = 0;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_message_open(&m, call, NULL, err));
    VONK_TRY(vonk__j_decode_column(&m, (vonk__j_column *)call->args[0].object, &e, err));
    const vonk_pb_msg *name = vonk_pb_which(e, PB_EXPRESSION_EXPR_TYPE_ONEOF) == PB_EXPRESSION_UNRESOLVED_ATTRIBUTE
                                  ? vonk_pb_get_msg(e, PB_EXPRESSION_UNRESOLVED_ATTRIBUTE)
                                  : NULL;
    vonk_buf_init(&text, call->machine->budget, SIZE_MAX);
    if (name)
        VONK_TRY(vonk_session_parse_name(self_session(call)->session, m.arena,
                                         vonk_pb_str(name, PB_EXPRESSION_UNRESOLVED_ATTRIBUTE_UNPARSED_IDENTIFIER),
                                         &parts, &n, err));
    for (uint32_t i = 0; i < n; i++) {
        if (i) VONK_TRY(vonk_buf_add_c(&text, ".", err));
        VONK_TRY(vonk_type_quote_name(parts[i], &text, err));
    }
    if (!name) VONK_TRY(vonk__j_add_text(call->caller, &call->args[0], 0, &text, err));
    VONK_TRY(vonk__j_object_new(call->machine, name ? J_NAME : J_EXPRESSION "$Live", &made, err));
    VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_STRING, vonk_buf_str(&text), &made->name, err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(made)->head));
}

static vonk_status m_parallelism(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_i32((int32_t)self_session(call)->context->parallelism));
}
static vonk_status m_unbuilt(vonk__j_call *call, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("SparkSession.%s", call->member->name));
}

#define BUILDER J_SESSION "$Builder"
#define STATICS(role)                                                                                                  \
    {"builder", "", BUILDER, builder_new, role, 0}, {"active", "", J_SESSION, active, role, 0},                        \
        {"getDefaultSession", "", "scala.Option", get_session, role, DEFAULT},                                         \
        {"getActiveSession", "", "scala.Option", get_session, role, ACTIVE},                                           \
        {"setDefaultSession", J_SESSION, "void", set_session, role, DEFAULT},                                          \
        {"setActiveSession", J_SESSION, "void", set_session, role, ACTIVE},                                            \
        {"clearDefaultSession", "", "void", set_session, role, DEFAULT},                                               \
    {                                                                                                                  \
        "clearActiveSession", "", "void", set_session, role, ACTIVE                                                    \
    }

static const vonk__j_member session_members[] = {
    {"new", "org.apache.spark.SparkContext", "", session_new, VONK__J_CONSTRUCTOR, 0},
    {"new", "org.apache.spark.SparkContext, java.util.HashMap", "", session_new, VONK__J_CONSTRUCTOR, 0},
    STATICS(VONK__J_STATIC),
    {"sparkContext", "", "org.apache.spark.SparkContext", m_context, VONK__J_METHOD, 0},
    {"version", "", "String", m_version, VONK__J_METHOD, 0},
    {"interruptAll", "", "java.util.List", vonk__j_interrupt, VONK__J_METHOD, 0},
    {"interruptTag", "String", "java.util.List", vonk__j_interrupt, VONK__J_METHOD, 1},
    {"interruptOperation", "String", "java.util.List", vonk__j_interrupt, VONK__J_METHOD, 2},
    {"addTag", "String", "void", vonk__j_change_tags, VONK__J_METHOD, 1},
    {"removeTag", "String", "void", vonk__j_change_tags, VONK__J_METHOD, 0},
    {"clearTags", "", "void", vonk__j_change_tags, VONK__J_METHOD, 0},
    {"getTags", "", "java.util.Set", vonk__j_get_tags, VONK__J_METHOD, 0},
    {"sessionState", "", "org.apache.spark.sql.internal.SessionState", m_facet, VONK__J_METHOD, FACET_STATE},
    {"conf", "", "org.apache.spark.sql.classic.RuntimeConfig", m_facet, VONK__J_METHOD, FACET_CONF},
    {"catalog", "", "org.apache.spark.sql.classic.Catalog", m_facet, VONK__J_METHOD, FACET_CATALOG},
    {"udf", "", "org.apache.spark.sql.classic.UDFRegistration", m_facet, VONK__J_METHOD, FACET_UDF},
    {"udtf", "", "org.apache.spark.sql.UDTFRegistration", m_facet, VONK__J_METHOD, FACET_UDTF},
    {"tvf", "", "org.apache.spark.sql.classic.TableValuedFunction", m_facet, VONK__J_METHOD, FACET_TVF},
    {"sqlContext", "", "org.apache.spark.sql.classic.SQLContext", m_facet, VONK__J_METHOD, FACET_SQL_CONTEXT},
    {"read", "", "org.apache.spark.sql.classic.DataFrameReader", vonk__j_read, VONK__J_METHOD, 0},
    {"newSession", "", J_SESSION, m_new_session, VONK__J_METHOD, 0},
    {"cloneSession", "", J_SESSION, m_new_session, VONK__J_METHOD, 1},
    {"stop", "", "void", m_stop, VONK__J_METHOD, 0},
    {"close", "", "void", m_stop, VONK__J_METHOD, 0},
    {"range", "long", J_DATASET, m_range, VONK__J_METHOD, 0},
    {"range", "long, long", J_DATASET, m_range, VONK__J_METHOD, 0},
    {"range", "long, long, long", J_DATASET, m_range, VONK__J_METHOD, 0},
    {"range", "long, long, long, int", J_DATASET, m_range, VONK__J_METHOD, 0},
    {"table", "String", J_DATASET, m_table, VONK__J_METHOD, 0},
    {"sql", "String", J_DATASET, m_sql, VONK__J_METHOD, 0},
    {"sql", "String, Object", J_DATASET, m_sql, VONK__J_METHOD, 0},
    {"sql", "String, java.util.Map", J_DATASET, m_sql, VONK__J_METHOD, 1},
    {"parseDataType", "String", J_TYPE, m_parse_type, VONK__J_METHOD, 0},
    {"applySchemaToPythonRDD", "org.apache.spark.rdd.RDD, String", J_DATASET, vonk__j_rdd_dataset, VONK__J_METHOD, 0},
    {"expression", J_COLUMN, J_EXPRESSION, m_expression, VONK__J_METHOD, 0},
    {"emptyDataFrame", "", J_DATASET, m_empty, VONK__J_METHOD, 0},
    {"leafNodeDefaultParallelism", "", "int", m_parallelism, VONK__J_METHOD, 0},
    {"readStream", "", "Object", m_unbuilt, VONK__J_METHOD, 0},
    {"streams", "", "Object", m_unbuilt, VONK__J_METHOD, 0},
    {"dataSource", "", "org.apache.spark.sql.DataSourceRegistration", m_facet, VONK__J_METHOD, FACET_SOURCES},
};
static const vonk__j_member module_members[] = {
    {"MODULE$", "", J_SESSION "$", module, VONK__J_STATIC_FIELD, 0},
    {"applyModifiableSettings", J_SESSION ", java.util.HashMap", "void", m_apply, VONK__J_METHOD, 0},
    STATICS(VONK__J_METHOD),
};
static const vonk__j_member builder_members[] = {
    {"config", "java.util.Map", BUILDER, builder_config, VONK__J_METHOD, 0},
    {"config", "String, String", BUILDER, builder_config, VONK__J_METHOD, 0},
    {"config", "String, long", BUILDER, builder_config, VONK__J_METHOD, 0},
    {"config", "String, double", BUILDER, builder_config, VONK__J_METHOD, 0},
    {"config", "String, boolean", BUILDER, builder_config, VONK__J_METHOD, 0},
    {"appName", "String", BUILDER, builder_named, VONK__J_METHOD, 0},
    {"master", "String", BUILDER, builder_named, VONK__J_METHOD, 1},
    {"getOrCreate", "", J_SESSION, builder_create, VONK__J_METHOD, 0},
    {"create", "", J_SESSION, builder_create, VONK__J_METHOD, 1},
};
static const vonk__j_member expression_members[] = {
    {"sql", "", "String", expression_sql, VONK__J_METHOD, 0},
};
static const vonk__j_row rows[] = {
    {.fqn = J_EXPRESSION,
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(expression_members),
     .size = sizeof(expression),
     .drop = expression_drop},
    {.fqn = J_EXPRESSION "$Live", .super = J_EXPRESSION, .flags = VONK__J_ABSTRACT},
    {.fqn = J_NAME, .super = J_EXPRESSION, .flags = VONK__J_ABSTRACT},
    {.fqn = "org.apache.spark.sql.catalyst.expressions.AttributeReference",
     .super = J_EXPRESSION,
     .flags = VONK__J_ABSTRACT},
    {.fqn = "org.apache.spark.sql.SparkSession", .interfaces = "java.io.Closeable", .flags = VONK__J_ABSTRACT},
    {.fqn = J_SESSION,
     .super = "org.apache.spark.sql.SparkSession",
     VONK__J_MEMBERS(session_members),
     .size = sizeof(vonk__j_session),
     .drop = session_drop},
    {.fqn = J_SESSION "$", .flags = VONK__J_ABSTRACT, VONK__J_MEMBERS(module_members)},
    {.fqn = BUILDER,
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(builder_members),
     .size = sizeof(builder),
     .drop = builder_drop},
};
const vonk__j_area vonk__j_area_sql_session = {rows, VONK_COUNTOF(rows)};
