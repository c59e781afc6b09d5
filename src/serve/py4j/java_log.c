/* serve/py4j/java_log.c -- log4j 1 and 2, slf4j: loggers write to Vonk's log. A level belongs to the logger, that of
 * the root to all. */
#include "serve/py4j/py4j_int.h"

#define J_LOGGER "org.apache.log4j.Logger"
#define J_LEVEL "org.apache.log4j.Level"
#define J_LOGGER2 "org.apache.logging.log4j.Logger"
#define J_LEVEL2 "org.apache.logging.log4j.Level"
#define J_LOGGER_SLF "org.slf4j.Logger"

typedef struct logger {
    vonk__j_object head;
    char name[128];
    int32_t level; /* of this object */
} logger;
typedef struct level {
    vonk__j_object head;
    int32_t level;
} level;
static const struct {
    const char *name;
    vonk_log_level level;
} levels[] = {{"ALL", VONK_LOG_DEBUG}, {"TRACE", VONK_LOG_DEBUG}, {"DEBUG", VONK_LOG_DEBUG}, {"INFO", VONK_LOG_INFO},
              {"WARN", VONK_LOG_WARN}, {"ERROR", VONK_LOG_ERROR}, {"FATAL", VONK_LOG_ERROR}, {"OFF", VONK_LOG_ERROR}};

static const char *logger_class(const vonk__j_class *asked)
{
    if (vonk_str_starts(asked->fqn, VONK_STR("org.slf4j."))) return J_LOGGER_SLF;
    return vonk_str_starts(asked->fqn, VONK_STR("org.apache.logging.")) ? J_LOGGER2 : J_LOGGER;
}
static vonk_status logger_get(vonk__j_call *call, vonk_error *err)
{
    logger *made = NULL;
    if (call->n_args) VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_object_new(call->machine, logger_class(call->cls), &made, err));
    vonk_format(made->name, sizeof made->name, "%.*s",
                VONK_STR_ARGS(call->n_args ? vonk__j_str(&call->args[0]) : VONK_STR("root")));
    made->level = 0;
    return vonk__j_return(call, vonk__j_of(&made->head));
}
static vonk_status level_get(vonk__j_call *call, vonk_error *err)
{
    level *made = NULL;
    const vonk_str name = call->n_args ? vonk__j_str(&call->args[0]) : vonk_str_of(call->member->name);
    int32_t i = 0;
    while (i + 1 < (int32_t)VONK_COUNTOF(levels) && !vonk_str_is_nocase(name, levels[i].name)) i++;
    VONK_TRY(vonk__j_object_new(call->machine, vonk_str_is(call->cls->fqn, J_LEVEL2) ? J_LEVEL2 : J_LEVEL, &made, err));
    made->level = i;
    return vonk__j_return(call, vonk__j_of(&made->head));
}
static vonk_status level_text(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_buf *out,
                              vonk_error *err)
{
    (void)caller, (void)depth;
    return vonk_buf_add_c(out, levels[((level *)self)->level].name, err);
}
static void set_level(vonk_str name, int32_t at)
{
    if (!name.len || vonk_str_is(name, "root") || vonk_str_is(name, "org") || vonk_str_is(name, "org.apache.spark"))
        vonk_log_set_level(levels[at].level);
}
static vonk_status logger_level(vonk__j_call *call, vonk_error *err)
{
    logger *l = (logger *)call->self;
    VONK_TRY(vonk__j_need(call, 0, err));
    l->level = ((level *)call->args[0].object)->level;
    set_level(vonk_str_of(l->name), l->level);
    return VONK_OK;
}
/* log4j 2: Configurator.setLevel("name", level), setRootLevel(level). */
static vonk_status configure(vonk__j_call *call, vonk_error *err)
{
    const vonk__j_value *given = &call->args[call->n_args - 1];
    VONK_TRY(vonk__j_need(call, call->n_args - 1, err));
    if (call->n_args > 1) VONK_TRY(vonk__j_need(call, 0, err));
    set_level(call->n_args > 1 ? vonk__j_str(&call->args[0]) : VONK_STR_NONE, ((level *)given->object)->level);
    return VONK_OK;
}
static vonk_status logger_name(vonk__j_call *call, vonk_error *err)
{
    return vonk__j_return_str(call, vonk_str_of(((logger *)call->self)->name), err);
}
static vonk_status logger_write(vonk__j_call *call, vonk_error *err)
{
    const logger *l = (logger *)call->self;
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    if (call->member->tag < l->level) return VONK_OK;
    vonk_buf_init(&text, call->machine->budget, 1 << 20);
    VONK_TRY(vonk__j_add_text(call->caller, &call->args[0], 0, &text, err));
    vonk_log(levels[call->member->tag].level, l->name, "%.*s", (int)vonk_min_size(text.len, 4096), text.data);
    return VONK_OK;
}

#define GET(type) {"getLogger", "String", type, logger_get, VONK__J_STATIC, 0}
#define ROOT(type) {"getRootLogger", "", type, logger_get, VONK__J_STATIC, 0}
static const vonk__j_member manager_members[] = {GET(J_LOGGER), ROOT(J_LOGGER)};
static const vonk__j_member manager2_members[] = {GET(J_LOGGER2), ROOT(J_LOGGER2)};
static const vonk__j_member factory_members[] = {GET(J_LOGGER_SLF)};
static const vonk__j_member configurator_members[] = {
    {"setLevel", "String, " J_LEVEL2, "void", configure, VONK__J_STATIC, 0},
    {"setRootLevel", J_LEVEL2, "void", configure, VONK__J_STATIC, 0},
};
#define WRITE(name, at) {name, "Object", "void", logger_write, VONK__J_METHOD, at}
#define WRITES                                                                                                         \
    WRITE("trace", 1), WRITE("debug", 2), WRITE("info", 3), WRITE("warn", 4), WRITE("error", 5),                       \
        {"getName", "", "String", logger_name, VONK__J_METHOD, 0}
static const vonk__j_member logger_members[] = {
    GET(J_LOGGER), ROOT(J_LOGGER),    {"setLevel", J_LEVEL, "void", logger_level, VONK__J_METHOD, 0},
    WRITES,        WRITE("fatal", 6),
};
static const vonk__j_member logger2_members[] = {WRITES, WRITE("fatal", 6)};
static const vonk__j_member logger_slf_members[] = {WRITES};
#define LEVEL(name, type) {name, "", type, level_get, VONK__J_STATIC_FIELD, 0}
#define LEVELS(type)                                                                                                   \
    LEVEL("ALL", type), LEVEL("TRACE", type), LEVEL("DEBUG", type), LEVEL("INFO", type), LEVEL("WARN", type),          \
        LEVEL("ERROR", type), LEVEL("FATAL", type), LEVEL("OFF", type),                                                \
        {"toLevel", "String", type, level_get, VONK__J_STATIC, 0}
static const vonk__j_member level_members[] = {LEVELS(J_LEVEL)};
static const vonk__j_member level2_members[] = {LEVELS(J_LEVEL2)};

#define ROW(name, list) .fqn = (name), .flags = VONK__J_ABSTRACT, VONK__J_MEMBERS(list)
static const vonk__j_row rows[] = {
    {ROW("org.apache.log4j.LogManager", manager_members)},
    {ROW(J_LOGGER, logger_members), .size = sizeof(logger)},
    {ROW(J_LEVEL, level_members), .size = sizeof(level), .text = level_text},
    {ROW("org.apache.logging.log4j.LogManager", manager2_members)},
    {ROW("org.apache.logging.log4j.core.config.Configurator", configurator_members)},
    {ROW(J_LOGGER2, logger2_members), .size = sizeof(logger)},
    {ROW(J_LEVEL2, level2_members), .size = sizeof(level), .text = level_text},
    {ROW("org.slf4j.LoggerFactory", factory_members)},
    {ROW(J_LOGGER_SLF, logger_slf_members), .size = sizeof(logger)},
};
const vonk__j_area vonk__j_area_java_log = {rows, VONK_COUNTOF(rows)};
