/* serve/py4j/java_hadoop.c -- what programs take from Java beside Spark: Hadoop's Configuration, Path and FileSystem
 * over local files, and log4j's loggers. Other file systems answer that they are not there. */
#include "serve/py4j/collection.h"
#include "serve/py4j/spark.h"
#include "sys/files.h"
#include "sys/glob.h"

#define J_CONF "org.apache.hadoop.conf.Configuration"
#define J_PATH "org.apache.hadoop.fs.Path"
#define J_FS "org.apache.hadoop.fs.FileSystem"
#define J_STATUS "org.apache.hadoop.fs.FileStatus"

/* ---- Configuration: the SparkContext's settings that begin with spark.hadoop.; else settings of its own */

typedef struct conf {
    vonk__j_object head;
    vonk__j_context *context; /* NULL: own */
    vonk__j_map *own;
} conf;
static void conf_drop(vonk__j_object *self)
{
    vonk__j_object *held[] = {(vonk__j_object *)((conf *)self)->context, (vonk__j_object *)((conf *)self)->own};
    ((conf *)self)->context = NULL;
    ((conf *)self)->own = NULL;
    for (size_t i = 0; i < VONK_COUNTOF(held); i++) vonk__j_object_unref(held[i]);
}
static vonk_status conf_new(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO conf *made = NULL;
    VONK_TRY(vonk__j_object_new(call->machine, J_CONF, &made, err));
    VONK_TRY(vonk__j_map_new(call->machine, "java.util.HashMap", &made->own, err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(made)->head));
}
vonk_status vonk__j_hadoop_conf(vonk__j_call *call, vonk_error *err)
{
    conf *made = NULL;
    VONK_TRY(vonk__j_object_new(call->machine, J_CONF, &made, err));
    made->context = (vonk__j_context *)vonk__j_object_ref(vonk__j_context_of(call->self));
    return vonk__j_return(call, vonk__j_of(&made->head));
}

static vonk__j_map *map_of(const conf *c) { return c->context ? c->context->conf->map : c->own; }

/* "spark.hadoop.key" of a context's, "key" of its own. */
static vonk_status full_key(const conf *c, const vonk__j_value *key, vonk_buf *out, vonk_error *err)
{
    vonk_buf_init(out, c->head.machine->budget, 1 << 20);
    if (c->context) VONK_TRY(vonk_buf_add_c(out, "spark.hadoop.", err));
    return vonk_buf_add_str(out, vonk__j_str(key), err);
}

static vonk_status conf_set(vonk__j_call *call, vonk_error *err)
{
    conf *c = (conf *)call->self;
    VONK_AUTO(vonk_buf_done) vonk_buf key = {0}, value = {0};
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_need(call, 1, err));
    VONK_TRY(full_key(c, &call->args[0], &key, err));
    vonk_buf_init(&value, call->machine->budget, 1 << 20);
    VONK_TRY(vonk__j_add_text(call->caller, &call->args[1], 0, &value, err));
    VONK_LOCKED(&call->machine->guard);
    return vonk__j_map_put_text(call->caller, map_of(c), vonk_buf_str(&key),
                                value.len ? vonk_buf_str(&value) : VONK_STR(""), err);
}
static vonk_status conf_get(vonk__j_call *call, vonk_error *err)
{
    conf *c = (conf *)call->self;
    VONK_AUTO(vonk_buf_done) vonk_buf key = {0};
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(full_key(c, &call->args[0], &key, err));
    VONK_LOCKED(&call->machine->guard);
    const vonk_str found = vonk__j_map_get_text(map_of(c), vonk_buf_str(&key));
    if (found.data) return vonk__j_return_str(call, found, err);
    if (call->n_args > 1) return vonk__j_return(call, vonk__j_ref(call->args[1]));
    return vonk__j_return(call, VONK__J_NOTHING);
}
static vonk_status conf_unset(vonk__j_call *call, vonk_error *err)
{
    conf *c = (conf *)call->self;
    VONK_AUTO(vonk_buf_done) vonk_buf key = {0};
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(full_key(c, &call->args[0], &key, err));
    VONK_LOCKED(&call->machine->guard);
    for (vonk__j_entry *e = NULL; (e = vonk__j_map_next(map_of(c), e));)
        if (vonk_str_eq(vonk__j_str(&e->key), vonk_buf_str(&key))) {
            vonk__j_map_remove(map_of(c), e);
            return VONK_OK;
        }
    return VONK_OK;
}

/* ---- Path, and java.net.URI: a text */

typedef struct path {
    vonk__j_object head;
    vonk__j_value text;
} path;
static void path_drop(vonk__j_object *self) { vonk__j_unref(&((path *)self)->text); }
static vonk_str path_text(const vonk__j_object *o) { return vonk__j_str(&((const path *)o)->text); }

static vonk_status make_path(vonk__j_machine *machine, const char *fqn, vonk_str text, vonk__j_value *ret,
                             vonk_error *err)
{
    VONK__J_AUTO path *made = NULL;
    while (text.len > 1 && text.data[text.len - 1] == '/') text.len--;
    VONK_TRY(vonk__j_object_new(machine, fqn, &made, err));
    VONK_TRY(vonk__j_text_value(machine->budget, VONK__J_STRING, text, &made->text, err));
    *ret = vonk__j_of(&VONK_STEAL(made)->head);
    return VONK_OK;
}
static vonk_status path_new(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, call->machine->budget, 1 << 20);
    for (uint32_t i = 0; i < call->n_args; i++) {
        VONK_TRY(vonk__j_need(call, i, err));
        if (i) VONK_TRY(vonk_buf_add_c(&text, "/", err));
        VONK_TRY(vonk__j_add_text(call->caller, &call->args[i], 0, &text, err));
    }
    if (!text.len)
        return vonk__j_throw(call->caller, "java.lang.IllegalArgumentException", err,
                             "Can not create a Path from an empty string");
    return make_path(call->machine, vonk_str_is(call->cls->fqn, J_PATH) ? J_PATH : "java.net.URI", vonk_buf_str(&text),
                     &call->result, err);
}
static size_t last_slash(vonk_str text)
{
    size_t at = text.len;
    while (at && text.data[at - 1] != '/') at--;
    return at;
}
enum { NAME, PARENT, TEXT, URI, SCHEME };
static vonk_status path_part(vonk__j_call *call, vonk_error *err)
{
    const vonk_str text = path_text(call->self);
    const size_t at = last_slash(text), colon = vonk_str_find_byte(text, ':', 0);
    switch (call->member->tag) {
    case NAME: return vonk__j_return_str(call, vonk_str_sub(text, at, text.len), err);
    case PARENT:
        if (!at || text.len == 1) return vonk__j_return(call, VONK__J_NOTHING);
        return make_path(call->machine, J_PATH, vonk_str_sub(text, 0, at), &call->result, err);
    case URI: return make_path(call->machine, "java.net.URI", text, &call->result, err);
    case SCHEME:
        return colon == SIZE_MAX ? vonk__j_return(call, VONK__J_NOTHING)
                                 : vonk__j_return_str(call, vonk_str_sub(text, 0, colon), err);
    default: return vonk__j_return_str(call, text, err);
    }
}
static vonk_status path_to_text(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_buf *out,
                                vonk_error *err)
{
    (void)caller, (void)depth;
    return vonk_buf_add_str(out, path_text(self), err);
}
static vonk_status path_equals(vonk__j_caller *caller, vonk__j_object *self, vonk__j_object *other, uint32_t depth,
                               bool *ret, vonk_error *err)
{
    (void)caller, (void)depth, (void)err;
    *ret = self->cls == other->cls && vonk_str_eq(path_text(self), path_text(other));
    return VONK_OK;
}

/* ---- FileSystem: that of this machine */

/* "file:///a", "file:/a", "/a", "a"; another scheme: not there. */
static vonk_status local_path(vonk_str text, vonk_str *ret, vonk_error *err)
{
    const size_t colon = vonk_str_find_byte(text, ':', 0), slash = vonk_str_find_byte(text, '/', 0);
    *ret = text;
    if (colon == SIZE_MAX || slash < colon) return VONK_OK;
    if (!vonk_str_starts(text, VONK_STR("file:")))
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         VONK_F("the file system of %.200s", VONK_S(vonk_str_sub(text, 0, colon + 1))));
    *ret = vonk_str_sub(text, colon + 1, text.len);
    if (vonk_str_starts(*ret, VONK_STR("//"))) *ret = vonk_str_sub(*ret, 2, ret->len);
    return VONK_OK;
}
static vonk_status path_arg(vonk__j_call *call, uint32_t i, vonk_str *ret, vonk_error *err)
{
    VONK_TRY(vonk__j_need(call, i, err));
    return local_path(path_text(call->args[i].object), ret, err);
}

static vonk_status fs_get(vonk__j_call *call, vonk_error *err)
{
    vonk__j_object *made = NULL;
    vonk_str at;
    if (call->self) VONK_TRY(local_path(path_text(call->self), &at, err));
    for (uint32_t i = 0; !call->self && i < call->n_args; i++)
        if (call->args[i].kind == VONK__J_OBJECT && vonk__j_is(call->args[i].object, "java.net.URI"))
            VONK_TRY(path_arg(call, i, &at, err));
    VONK_TRY(vonk__j_object_new(call->machine, "org.apache.hadoop.fs.LocalFileSystem", &made, err));
    return vonk__j_return(call, vonk__j_of(made));
}

enum { EXISTS, IS_FOLDER, IS_FILE };
static vonk_status fs_ask(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_error_reset) vonk_error ignored = VONK_ERROR_INIT;
    vonk_str at;
    bool is = false;
    vonk_file_info info;
    VONK_TRY(path_arg(call, 0, &at, err));
    VONK_TRY(vonk_file_exists(at, &is, err));
    if (is && call->member->tag != EXISTS)
        is = vonk_file_stat(at, &info, &ignored) == VONK_OK &&
             info.kind == (call->member->tag == IS_FOLDER ? VONK_FILE_DIRECTORY : VONK_FILE_REGULAR);
    return vonk__j_return(call, vonk__j_bool(is));
}
static vonk_status fs_delete(vonk__j_call *call, vonk_error *err)
{
    vonk_str at;
    bool is = false;
    vonk_file_info info;
    VONK_TRY(path_arg(call, 0, &at, err));
    VONK_TRY(vonk_file_exists(at, &is, err));
    if (!is) return vonk__j_return(call, vonk__j_bool(false));
    VONK_TRY(vonk_file_stat(at, &info, err));
    if (info.kind == VONK_FILE_DIRECTORY && (call->n_args < 2 || call->args[1].i))
        VONK_TRY(vonk_dir_remove_tree(at, err));
    else
        VONK_TRY(vonk_file_remove(at, NULL, err));
    return vonk__j_return(call, vonk__j_bool(true));
}
static vonk_status fs_make(vonk__j_call *call, vonk_error *err)
{
    vonk_str at;
    VONK_TRY(path_arg(call, 0, &at, err));
    VONK_TRY(vonk_dir_make(at, err));
    return vonk__j_return(call, vonk__j_bool(true));
}
static vonk_status fs_rename(vonk__j_call *call, vonk_error *err)
{
    vonk_str from, to;
    VONK_TRY(path_arg(call, 0, &from, err));
    VONK_TRY(path_arg(call, 1, &to, err));
    VONK_TRY(vonk_file_rename(from, to, err));
    return vonk__j_return(call, vonk__j_bool(true));
}

/* ---- FileStatus */

typedef struct status {
    vonk__j_object head;
    vonk__j_value path; /* a Path */
    vonk_file_info info;
} status;
static void status_drop(vonk__j_object *self) { vonk__j_unref(&((status *)self)->path); }
static vonk_status make_status(vonk__j_call *call, vonk_str at, vonk__j_value *ret, vonk_error *err)
{
    VONK__J_AUTO status *made = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    VONK_TRY(vonk__j_object_new(call->machine, J_STATUS, &made, err));
    VONK_TRY(vonk_file_stat(at, &made->info, err));
    vonk_buf_init(&text, call->machine->budget, 1 << 20);
    VONK_TRY(vonk_buf_printf(&text, err, "file:%.*s", VONK_STR_ARGS(at)));
    VONK_TRY(make_path(call->machine, J_PATH, vonk_buf_str(&text), &made->path, err));
    *ret = vonk__j_of(&VONK_STEAL(made)->head);
    return VONK_OK;
}
static vonk_status fs_status(vonk__j_call *call, vonk_error *err)
{
    vonk_str at;
    VONK_TRY(path_arg(call, 0, &at, err));
    return make_status(call, at, &call->result, err);
}
static vonk_status statuses(vonk__j_call *call, const vonk_str *paths, size_t n, vonk_error *err)
{
    VONK__J_AUTO vonk__j_array *array = NULL;
    VONK_TRY(vonk__j_array_new(call->machine, vonk__j_class_named(call->machine, J_STATUS), (uint32_t)n, &array, err));
    for (uint32_t i = 0; i < array->n; i++) VONK_TRY(make_status(call, paths[i], &array->items[i], err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(array)->head));
}
enum { LIST, GLOB };
static vonk_status fs_list(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_dir_entry *entries = NULL;
    vonk_str given, at, *paths = NULL;
    size_t n = 0;
    vonk_file_info info;
    VONK_TRY(path_arg(call, 0, &given, err));
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    VONK_TRY(vonk_path_absolute(arena, given, &at, err));
    if (call->member->tag == GLOB) {
        VONK_TRY(vonk_glob_expand(arena, at, &paths, &n, err));
        return statuses(call, paths, n, err);
    }
    VONK_TRY(vonk_file_stat(at, &info, err));
    if (info.kind != VONK_FILE_DIRECTORY) return statuses(call, &at, 1, err);
    VONK_TRY(vonk_dir_list(arena, at, &entries, &n, err));
    VONK_TRY(vonk_arena_array(arena, n + 1, sizeof *paths, &paths, err));
    for (size_t i = 0; i < n; i++) VONK_TRY(vonk_path_join(arena, at, entries[i].name, &paths[i], err));
    return statuses(call, paths, n, err);
}
enum { S_PATH, S_FOLDER, S_FILE, S_LEN, S_TIME };
static vonk_status status_get(vonk__j_call *call, vonk_error *err)
{
    const status *s = (status *)call->self;
    (void)err;
    switch (call->member->tag) {
    case S_PATH: return vonk__j_return(call, vonk__j_ref(s->path));
    case S_LEN: return vonk__j_return(call, vonk__j_i64(s->info.kind == VONK_FILE_REGULAR ? s->info.size_bytes : 0));
    case S_TIME: return vonk__j_return(call, vonk__j_i64(s->info.mtime_us / 1000));
    default:
        return vonk__j_return(call, vonk__j_bool(s->info.kind == (call->member->tag == S_FOLDER ? VONK_FILE_DIRECTORY
                                                                                                : VONK_FILE_REGULAR)));
    }
}

/* ---- log4j: loggers write to Vonk's log; a level belongs to the logger, that of the root to all */

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

static vonk_status logger_get(vonk__j_call *call, vonk_error *err)
{
    logger *made = NULL;
    if (call->n_args) VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_object_new(call->machine, "org.apache.log4j.Logger", &made, err));
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
    VONK_TRY(vonk__j_object_new(call->machine, "org.apache.log4j.Level", &made, err));
    made->level = i;
    return vonk__j_return(call, vonk__j_of(&made->head));
}
static vonk_status level_text(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_buf *out,
                              vonk_error *err)
{
    (void)caller, (void)depth;
    return vonk_buf_add_c(out, levels[((level *)self)->level].name, err);
}
static vonk_status logger_level(vonk__j_call *call, vonk_error *err)
{
    logger *l = (logger *)call->self;
    VONK_TRY(vonk__j_need(call, 0, err));
    l->level = ((level *)call->args[0].object)->level;
    if (strcmp(l->name, "root") == 0 || strcmp(l->name, "org") == 0 || strcmp(l->name, "org.apache.spark") == 0)
        vonk_log_set_level(levels[l->level].level);
    return VONK_OK;
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

#define SET(name, type) {name, "String, " type, "void", conf_set, VONK__J_METHOD, 0}
static const vonk__j_member conf_members[] = {
    {"new", "", "", conf_new, VONK__J_CONSTRUCTOR, 0},
    SET("set", "String"),
    SET("setInt", "int"),
    SET("setLong", "long"),
    SET("setDouble", "double"),
    SET("setBoolean", "boolean"),
    {"get", "String", "String", conf_get, VONK__J_METHOD, 0},
    {"get", "String, String", "String", conf_get, VONK__J_METHOD, 0},
    {"unset", "String", "void", conf_unset, VONK__J_METHOD, 0},
};
static const vonk__j_member path_members[] = {
    {"new", "String", "", path_new, VONK__J_CONSTRUCTOR, 0},
    {"new", "java.net.URI", "", path_new, VONK__J_CONSTRUCTOR, 0},
    {"new", "String, String", "", path_new, VONK__J_CONSTRUCTOR, 0},
    {"new", J_PATH ", String", "", path_new, VONK__J_CONSTRUCTOR, 0},
    {"getName", "", "String", path_part, VONK__J_METHOD, NAME},
    {"getParent", "", J_PATH, path_part, VONK__J_METHOD, PARENT},
    {"toUri", "", "java.net.URI", path_part, VONK__J_METHOD, URI},
    {"getFileSystem", J_CONF, J_FS, fs_get, VONK__J_METHOD, 0},
};
static const vonk__j_member uri_members[] = {
    {"new", "String", "", path_new, VONK__J_CONSTRUCTOR, 0},
    {"create", "String", "java.net.URI", path_new, VONK__J_STATIC, 0},
    {"getPath", "", "String", path_part, VONK__J_METHOD, TEXT},
    {"getScheme", "", "String", path_part, VONK__J_METHOD, SCHEME},
};
static const vonk__j_member fs_members[] = {
    {"get", J_CONF, J_FS, fs_get, VONK__J_STATIC, 0},
    {"get", "java.net.URI, " J_CONF, J_FS, fs_get, VONK__J_STATIC, 0},
    {"getLocal", J_CONF, J_FS, fs_get, VONK__J_STATIC, 0},
    {"exists", J_PATH, "boolean", fs_ask, VONK__J_METHOD, EXISTS},
    {"isDirectory", J_PATH, "boolean", fs_ask, VONK__J_METHOD, IS_FOLDER},
    {"isFile", J_PATH, "boolean", fs_ask, VONK__J_METHOD, IS_FILE},
    {"delete", J_PATH, "boolean", fs_delete, VONK__J_METHOD, 0},
    {"delete", J_PATH ", boolean", "boolean", fs_delete, VONK__J_METHOD, 0},
    {"mkdirs", J_PATH, "boolean", fs_make, VONK__J_METHOD, 0},
    {"rename", J_PATH ", " J_PATH, "boolean", fs_rename, VONK__J_METHOD, 0},
    {"getFileStatus", J_PATH, J_STATUS, fs_status, VONK__J_METHOD, 0},
    {"listStatus", J_PATH, J_STATUS "[]", fs_list, VONK__J_METHOD, LIST},
    {"globStatus", J_PATH, J_STATUS "[]", fs_list, VONK__J_METHOD, GLOB},
};
static const vonk__j_member status_members[] = {
    {"getPath", "", J_PATH, status_get, VONK__J_METHOD, S_PATH},
    {"isDirectory", "", "boolean", status_get, VONK__J_METHOD, S_FOLDER},
    {"isFile", "", "boolean", status_get, VONK__J_METHOD, S_FILE},
    {"getLen", "", "long", status_get, VONK__J_METHOD, S_LEN},
    {"getModificationTime", "", "long", status_get, VONK__J_METHOD, S_TIME},
};
#define J_LOGGER "org.apache.log4j.Logger"
#define J_LOG_LEVEL "org.apache.log4j.Level"
static const vonk__j_member manager_members[] = {
    {"getLogger", "String", J_LOGGER, logger_get, VONK__J_STATIC, 0},
    {"getRootLogger", "", J_LOGGER, logger_get, VONK__J_STATIC, 0},
};
#define WRITE(name, at) {name, "Object", "void", logger_write, VONK__J_METHOD, at}
static const vonk__j_member logger_members[] = {
    {"getLogger", "String", J_LOGGER, logger_get, VONK__J_STATIC, 0},
    {"getRootLogger", "", J_LOGGER, logger_get, VONK__J_STATIC, 0},
    {"setLevel", J_LOG_LEVEL, "void", logger_level, VONK__J_METHOD, 0},
    WRITE("trace", 1),
    WRITE("debug", 2),
    WRITE("info", 3),
    WRITE("warn", 4),
    WRITE("error", 5),
    WRITE("fatal", 6),
};
#define LEVEL(name) {name, "", J_LOG_LEVEL, level_get, VONK__J_STATIC_FIELD, 0}
static const vonk__j_member level_members[] = {
    LEVEL("ALL"),   LEVEL("TRACE"), LEVEL("DEBUG"),
    LEVEL("INFO"),  LEVEL("WARN"),  LEVEL("ERROR"),
    LEVEL("FATAL"), LEVEL("OFF"),   {"toLevel", "String", J_LOG_LEVEL, level_get, VONK__J_STATIC, 0},
};
#define ROW(name, list) .fqn = (name), VONK__J_MEMBERS(list)
static const vonk__j_row rows[] = {
    {ROW(J_CONF, conf_members), .size = sizeof(conf), .drop = conf_drop},
    {ROW(J_PATH, path_members), .size = sizeof(path), .drop = path_drop, .text = path_to_text, .equals = path_equals},
    {ROW("java.net.URI", uri_members), .size = sizeof(path), .drop = path_drop, .text = path_to_text,
     .equals = path_equals},
    {ROW(J_FS, fs_members), .flags = VONK__J_ABSTRACT},
    {.fqn = "org.apache.hadoop.fs.LocalFileSystem", .super = J_FS, .flags = VONK__J_ABSTRACT},
    {ROW(J_STATUS, status_members), .flags = VONK__J_ABSTRACT, .size = sizeof(status), .drop = status_drop},
    {ROW("org.apache.log4j.LogManager", manager_members), .flags = VONK__J_ABSTRACT},
    {ROW(J_LOGGER, logger_members), .flags = VONK__J_ABSTRACT, .size = sizeof(logger)},
    {ROW(J_LOG_LEVEL, level_members), .flags = VONK__J_ABSTRACT, .size = sizeof(level), .text = level_text},
};
const vonk__j_area vonk__j_area_java_hadoop = {rows, VONK_COUNTOF(rows)};
