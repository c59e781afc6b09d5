/* serve/py4j/spark_context.c -- SparkContext and JavaSparkContext: start, stop, settings, local properties, files. */
#include "base/version.h"
#include "serve/py4j/archive.h"
#include "serve/py4j/collection.h"
#include "serve/py4j/rdd_engine.h"
#include "serve/py4j/spark.h"
#include "sys/clock.h"
#include "sys/cpu.h"
#include "sys/entropy.h"
#include "sys/env.h"
#include "sys/files.h"
#include "text/number.h"

typedef struct java_context {
    vonk__j_object head;
    vonk__j_context *context;
} java_context;

static void java_context_drop(vonk__j_object *self)
{
    vonk__j_context *context = ((java_context *)self)->context;
    ((java_context *)self)->context = NULL;
    vonk__j_object_unref(context);
}
static void context_drop(vonk__j_object *self)
{
    vonk__j_context *c = (vonk__j_context *)self;
    vonk__j_conf *conf = c->conf;
    if (c->has_lock) vonk__j_web_stop(c); /* of one that has never run */
    c->conf = NULL;
    vonk__j_object_unref(conf);
    for (size_t i = 0; i < c->files.n; i++) vonk_free(c->files.at[i]);
    for (size_t i = 0; i < c->accumulators.n; i++) vonk__j_object_unref(c->accumulators.at[i]);
    for (size_t i = 0; i < c->archives.n; i++) vonk_free(c->archives.at[i]);
    vonk_free(c->archives.at);
    c->archives.at = NULL;
    c->archives.n = 0;
    vonk_free(c->files.at);
    vonk_free(c->accumulators.at);
    vonk_free(c->checkpoint_folder);
    vonk__j_engine_free(c->engine);
    c->engine = NULL;
    c->files.at = NULL;
    c->accumulators.at = NULL;
    c->files.n = c->accumulators.n = 0;
    c->checkpoint_folder = NULL;
    if (c->has_lock) vonk_mutex_done(&c->lock);
    c->has_lock = false;
}

vonk__j_context *vonk__j_context_of(vonk__j_object *object)
{
    return object->cls->row.drop == context_drop ? (vonk__j_context *)object : ((java_context *)object)->context;
}
static vonk__j_context *self_context(const vonk__j_call *call) { return vonk__j_context_of(call->self); }

vonk__j_context *vonk__j_active_context(vonk__j_machine *machine)
{
    VONK_LOCKED(&machine->state);
    return machine->context ? (vonk__j_context *)vonk__j_object_ref(machine->context) : NULL;
}

vonk_str vonk__j_context_setting(vonk__j_context *context, vonk_str key, char *into, size_t bytes)
{
    VONK_LOCKED(&context->head.machine->guard);
    const vonk_str found = vonk__j_map_get_text(context->conf->map, key);
    if (!found.data) return VONK_STR_NONE;
    vonk_format(into, bytes, "%.*s", VONK_STR_ARGS(found));
    return vonk_str_of(into);
}

vonk_status vonk__j_context_number(vonk__j_context *context, const char *key, int64_t usual, int64_t most, int64_t *ret,
                                   vonk_error *err)
{
    char text[64];
    const vonk_str set = vonk__j_context_setting(context, vonk_str_of(key), text, sizeof text);
    *ret = usual;
    if (!set.data || vonk_text_to_i64(set, false, 0, most, ret)) return VONK_OK;
    return VONK_FAIL(err, VONK_E_INVALID_CONF_VALUE__TYPE_MISMATCH, "confValue", text, "confName", key, "confType",
                     "int");
}

vonk_status vonk__j_context_conf(vonk__j_context *context, const vonk_conf **ret, vonk_error *err)
{
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = NULL;
    VONK_TRY(vonk_conf_new(vonk_budget_root(), &conf, err));
    VONK_LOCKED(&context->head.machine->guard);
    for (vonk__j_entry *e = NULL; (e = vonk__j_map_next(context->conf->map, e));) {
        const vonk_conf *with = NULL;
        VONK_TRY(
            vonk_conf_with_any(vonk_budget_root(), conf, vonk__j_str(&e->key), vonk__j_str(&e->value), &with, err));
        vonk_conf_unref(conf);
        conf = with;
    }
    *ret = VONK_STEAL(conf);
    return VONK_OK;
}

/* ---- folders */

vonk_status vonk__j_temp_folder(vonk__j_machine *machine, vonk_str parent, vonk_str prefix, char **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_str path = {0};
    VONK_TRY(vonk_arena_new(machine->budget, &arena, err));
    VONK_TRY(vonk_dir_make_temp(arena, parent, prefix, &path, err));
    char *copy = NULL;
    vonk_status status = vonk_strdup(machine->budget, path, &copy, err);
    VONK_LOCKED(&machine->state);
    if (status == VONK_OK) status = VONK_VEC_PUSH(&machine->temp_folders, machine->budget, copy, err);
    if (status != VONK_OK) vonk_free(copy);
    *ret = status == VONK_OK ? copy : NULL;
    return status;
}

/* ---- starting */

static vonk_str local_path(vonk_str uri)
{
    if (!vonk_str_starts(uri, VONK_STR("file:"))) return uri;
    uri = vonk_str_sub(uri, 5, uri.len);
    return vonk_str_starts(uri, VONK_STR("//")) ? vonk_str_sub(uri, 2, uri.len) : uri;
}

/* "4", "*" at `at`; false: neither. */
static bool read_count(vonk_str text, size_t *at, uint32_t all, uint32_t *ret)
{
    if (*at < text.len && text.data[*at] == '*') {
        *ret = all;
        ++*at;
        return true;
    }
    uint64_t n = 0;
    const size_t from = *at;
    for (; *at < text.len && text.data[*at] >= '0' && text.data[*at] <= '9' && n < 100000; ++*at)
        n = n * 10 + (uint64_t)(text.data[*at] - '0');
    *ret = (uint32_t)n;
    return *at > from && n > 0 && n < 100000;
}

static vonk_status read_master(vonk__j_call *call, vonk_str master, uint32_t *ret_slots, vonk_error *err)
{
    static const char *const elsewhere[] = {"spark://", "local-cluster[", "yarn", "k8s://"};
    const uint32_t all = call->machine->n_threads ? call->machine->n_threads : (uint32_t)vonk_cpu_n_cores();
    size_t at = VONK_STR("local[").len;
    uint32_t failures = 0;
    *ret_slots = 1;
    if (vonk_str_is(master, "local")) return VONK_OK;
    for (size_t i = 0; i < VONK_COUNTOF(elsewhere); i++)
        if (vonk_str_starts(master, vonk_str_of(elsewhere[i])))
            return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                             VONK_F("a SparkContext on other machines: spark.master=%.200s", VONK_S(master)));
    bool good = vonk_str_starts(master, VONK_STR("local[")) && read_count(master, &at, all, ret_slots);
    if (good && at < master.len && master.data[at] == ',') {
        for (at++; at < master.len && master.data[at] == ' ';) at++;
        good = read_count(master, &at, 1, &failures);
    }
    if (good && at + 1 == master.len && master.data[at] == ']') return VONK_OK;
    return vonk__j_throw(call->caller, "org.apache.spark.SparkException", err, "Could not parse Master URL: '%.200s'",
                         VONK_S(master));
}

static vonk_status put_setting(vonk__j_call *call, vonk__j_conf *conf, const char *key, const char *value,
                               vonk_error *err)
{
    return vonk__j_map_put_text(call->caller, conf->map, vonk_str_of(key), vonk_str_of(value), err);
}

static vonk_status fill_conf(vonk__j_call *call, vonk__j_context *c, const vonk__j_conf *from, vonk_error *err)
{
    VONK_LOCKED(&call->machine->guard);
    if (!vonk__j_map_get_text(from->map, VONK_STR("spark.master")).data)
        return vonk__j_throw(call->caller, "org.apache.spark.SparkException", err,
                             "A master URL must be set in your configuration");
    if (!vonk__j_map_get_text(from->map, VONK_STR("spark.app.name")).data)
        return vonk__j_throw(call->caller, "org.apache.spark.SparkException", err,
                             "An application name must be set in your configuration");
    VONK_TRY(vonk__j_conf_copy(call->caller, from->map, VONK_STR_NONE, c->conf, err));
    VONK_TRY(put_setting(call, c->conf, "spark.app.id", c->app_id, err));
    VONK_TRY(put_setting(call, c->conf, "spark.app.startTime", VONK_F("%lld", (long long)c->start_ms), err));
    VONK_TRY(put_setting(call, c->conf, "spark.executor.id", "driver", err));
    return put_setting(call, c->conf, "spark.driver.host", "localhost", err);
}

/* A folder of its own below `uri` is where checkpoints go. */
static vonk_status set_checkpoint(vonk__j_context *c, vonk_str uri, vonk_error *err)
{
    char id[37], *copy = NULL;
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_str path = {0};
    VONK_TRY(vonk_arena_new(c->head.machine->budget, &arena, err));
    VONK_TRY(vonk_path_absolute(arena, local_path(uri), &path, err));
    vonk_random_uuid(id);
    VONK_TRY(vonk_path_join(arena, path, vonk_str_of(id), &path, err));
    VONK_TRY(vonk_dir_make(path, err));
    VONK_TRY(vonk_strdup(c->head.machine->budget, path, &copy, err));
    VONK_LOCKED(&c->lock);
    vonk_free(c->checkpoint_folder);
    c->checkpoint_folder = copy;
    return VONK_OK;
}

static vonk_status set_log_level(vonk__j_caller *caller, vonk_str name, vonk_error *err)
{
    static const struct {
        const char *name;
        vonk_log_level level;
    } levels[] = {{"ALL", VONK_LOG_DEBUG},   {"DEBUG", VONK_LOG_DEBUG}, {"TRACE", VONK_LOG_DEBUG},
                  {"INFO", VONK_LOG_INFO},   {"WARN", VONK_LOG_WARN},   {"ERROR", VONK_LOG_ERROR},
                  {"FATAL", VONK_LOG_ERROR}, {"OFF", VONK_LOG_ERROR}};
    for (size_t i = 0; i < VONK_COUNTOF(levels); i++)
        if (vonk_str_is_nocase(name, levels[i].name)) {
            vonk_log_set_level(levels[i].level);
            return VONK_OK;
        }
    return vonk__j_throw(caller, "java.lang.IllegalArgumentException", err,
                         "requirement failed: Supplied level %.*s did not match one of: "
                         "ALL,DEBUG,ERROR,FATAL,INFO,OFF,TRACE,WARN",
                         (int)vonk_min_size(name.len, 100), name.data);
}

/* A part of a core is possible: tasks hear the next whole number, and that many count here. */
static vonk_status read_task_cpus(vonk__j_call *call, vonk__j_context *c, vonk_error *err)
{
    char text[64];
    double amount = 1;
    const vonk_str set = vonk__j_context_setting(c, VONK_STR("spark.task.cpus"), text, sizeof text);
    if (set.data && (!vonk_text_to_f64(set, &amount) || !(amount > 0 && amount <= INT32_MAX)))
        return vonk__j_throw(call->caller, "java.lang.IllegalArgumentException", err,
                             "spark.task.cpus should be a number above 0, but was %s", text);
    const int64_t n = (int64_t)amount + (amount > (double)(int64_t)amount);
    if (n > c->n_slots)
        return vonk__j_throw(call->caller, "org.apache.spark.SparkException", err,
                             "a task wants %lld cpus (spark.task.cpus), and there are %u cores", (long long)n,
                             c->n_slots);
    c->task_cpus = (uint32_t)n;
    return VONK_OK;
}

/* What members set later, too. */
static vonk_status read_settings(vonk__j_call *call, vonk__j_context *c, vonk_error *err)
{
    char text[4096];
    VONK_TRY(read_task_cpus(call, c, err));
    const vonk_str level = vonk__j_context_setting(c, VONK_STR("spark.log.level"), text, sizeof text);
    if (level.data) VONK_TRY(set_log_level(call->caller, level, err));
    const vonk_str folder = vonk__j_context_setting(c, VONK_STR("spark.checkpoint.dir"), text, sizeof text);
    return folder.data ? set_checkpoint(c, folder, err) : VONK_OK;
}

/* Beyond this a worker spills what it aggregates or sorts. Spark's own is 512m; spills of accelerated workers cost
 * little (decision 0032), so less memory does. */
static vonk_status choose_worker_memory(vonk__j_call *call, vonk__j_context *c, vonk_error *err)
{
    static const char key[] = "spark.python.worker.memory";
    char text[16];
    const vonk_str accelerated = vonk__j_context_setting(c, VONK_STR("vonk.python.accelerated"), text, sizeof text);
    VONK_LOCKED(&call->machine->guard);
    if (vonk__j_map_get_text(c->conf->map, vonk_str_of(key)).data || vonk_str_eq(accelerated, VONK_STR("false")))
        return VONK_OK;
    return put_setting(call, c->conf, key, "192m", err);
}

static vonk_status fill_context(vonk__j_call *call, vonk__j_context *c, const vonk__j_conf *from, vonk_error *err)
{
    char text[512];
    int64_t n = 0;
    vonk_mutex_init(&c->lock);
    c->has_lock = true;
    c->start_ms = vonk_clock_wall_us() / 1000;
    vonk_format(c->app_id, sizeof c->app_id, "local-%lld", (long long)c->start_ms);
    VONK_TRY(vonk__j_conf_new(call->machine, &c->conf, err));
    VONK_TRY(fill_conf(call, c, from, err));
    VONK_TRY(
        read_master(call, vonk__j_context_setting(c, VONK_STR("spark.master"), text, sizeof text), &c->n_slots, err));
    VONK_TRY(choose_worker_memory(call, c, err));
    c->parallelism = c->n_slots;
    const vonk_str wanted = vonk__j_context_setting(c, VONK_STR("spark.default.parallelism"), text, sizeof text);
    if (wanted.data && !vonk_text_to_i64(wanted, false, 1, INT32_MAX, &n))
        return vonk__j_throw(call->caller, "java.lang.NumberFormatException", err, "For input string: \"%.200s\"",
                             text);
    if (n) c->parallelism = (uint32_t)n;
    VONK_TRY(read_settings(call, c, err));
    vonk_str parent = vonk__j_context_setting(c, VONK_STR("spark.local.dir"), text, sizeof text);
    const size_t comma = vonk_str_find_byte(parent, ',', 0);
    if (comma != SIZE_MAX) parent = vonk_str_sub(parent, 0, comma);
    if (!parent.len) parent = call->machine->local_folder;
    VONK_TRY(vonk__j_temp_folder(call->machine, parent, VONK_STR("spark-"), &c->local_folder, err));
    return vonk__j_temp_folder(call->machine, vonk_str_of(c->local_folder), VONK_STR("userFiles-"), &c->files_folder,
                               err);
}

/* ---- files and archives of a context */

/* "file:/path/name", "name": a copy below files_folder. */
static vonk_status add_file(vonk__j_call *call, vonk__j_context *c, vonk_str uri, bool recursive, vonk_error *err)
{
    vonk_file_info info;
    vonk_str path = local_path(uri);
    while (path.len > 1 && path.data[path.len - 1] == '/') path.len--;
    size_t at = path.len;
    while (at && path.data[at - 1] != '/') at--;
    const vonk_str name = vonk_str_sub(path, at, path.len);
    VONK_TRY(vonk__j_as_hadoop(call, path, false, vonk_file_stat(path, &info, err), err));
    const bool is_folder = info.kind == VONK_FILE_DIRECTORY;
    if (is_folder && !recursive)
        return vonk__j_throw(call->caller, "org.apache.spark.SparkException", err,
                             "Added file %.400s is a directory and recursive is not turned on.", VONK_S(uri));
    if (!name.len || vonk_str_is(name, "..") || vonk_str_is(name, "."))
        return vonk__j_throw(call->caller, "org.apache.spark.SparkException", err, "%.400s has no name to be added by",
                             VONK_S(uri));
    VONK_LOCKED(&c->lock);
    const vonk_str listed = vonk_str_of(VONK_F("%.*s%s", VONK_STR_ARGS(name), is_folder ? "/" : ""));
    for (size_t i = 0; i < c->files.n; i++)
        if (vonk_str_is(listed, c->files.at[i])) return VONK_OK; /* the first stays */
    const vonk_str to = vonk_str_of(VONK_F("%s/%.*s", c->files_folder, VONK_STR_ARGS(name)));
    VONK_TRY((is_folder ? vonk_dir_copy_tree : vonk_file_copy)(call->machine->budget, path, to, err));
    char *copy = NULL;
    VONK_TRY(vonk_strdup(call->machine->budget, listed, &copy, err));
    const vonk_status status = VONK_VEC_PUSH(&c->files, call->machine->budget, copy, err);
    if (status != VONK_OK) vonk_free(copy);
    return status;
}
static vonk_status m_add_file(vonk__j_call *call, vonk_error *err)
{
    VONK_TRY(vonk__j_need(call, 0, err));
    return add_file(call, self_context(call), vonk__j_str(&call->args[0]), call->n_args > 1 && call->args[1].i, err);
}
/* "path/name.zip#alias": unpacked below files_folder, under the alias or the name. */
static vonk_status add_archive(vonk__j_call *call, vonk__j_context *c, vonk_str all, vonk_error *err)
{
    char *copy = NULL;
    const size_t hash = vonk_str_find_byte(all, '#', 0);
    const vonk_str path = local_path(vonk_str_sub(all, 0, hash == SIZE_MAX ? all.len : hash));
    size_t at = path.len;
    while (at && path.data[at - 1] != '/') at--;
    const vonk_str file = vonk_str_sub(path, at, path.len);
    const vonk_str name = hash == SIZE_MAX ? file : vonk_str_sub(all, hash + 1, all.len);
    if (!name.len || vonk_str_find_byte(name, '/', 0) != SIZE_MAX || name.data[0] == '.')
        return vonk__j_throw(call->caller, "java.lang.IllegalArgumentException", err,
                             "an archive is unpacked under a name, which %.200s is not", VONK_S(name));
    const char *listed = VONK_F("%.*s%s%.*s", VONK_STR_ARGS(file), hash == SIZE_MAX ? "" : "#",
                                (int)(hash == SIZE_MAX ? 0 : name.len), name.data);
    VONK_LOCKED(&c->lock);
    for (size_t i = 0; i < c->archives.n; i++)
        if (strcmp(c->archives.at[i], listed) == 0) return VONK_OK; /* the first stays */
    VONK_TRY(vonk__j_unpack(call->machine->budget, path,
                            vonk_str_of(VONK_F("%s/%.*s", c->files_folder, VONK_STR_ARGS(name))), err));
    VONK_TRY(vonk_strdup(call->machine->budget, vonk_str_of(listed), &copy, err));
    const vonk_status status = VONK_VEC_PUSH(&c->archives, call->machine->budget, copy, err);
    if (status != VONK_OK) vonk_free(copy);
    return status;
}
static vonk_status m_add_archive(vonk__j_call *call, vonk_error *err)
{
    VONK_TRY(vonk__j_need(call, 0, err));
    return add_archive(call, self_context(call), vonk__j_str(&call->args[0]), err);
}
/* spark.files, spark.archives: what a context begins with. */
static vonk_status add_of_settings(vonk__j_call *call, vonk__j_context *c, const char *key, bool archives,
                                   vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf all = {0};
    vonk_buf_init(&all, call->machine->budget, 1 << 20);
    {
        VONK_LOCKED(&call->machine->guard);
        VONK_TRY(vonk_buf_add_str(&all, vonk__j_map_get_text(c->conf->map, vonk_str_of(key)), err));
    }
    for (size_t from = 0, to; from < all.len; from = to + 1) {
        to = vonk_min_size(vonk_str_find_byte(vonk_buf_str(&all), ',', from), all.len);
        const vonk_str one = vonk_str_trim(vonk_str_sub(vonk_buf_str(&all), from, to));
        if (!one.len) continue;
        VONK_TRY(archives ? add_archive(call, c, one, err) : add_file(call, c, one, false, err));
    }
    return VONK_OK;
}

static vonk_status start(vonk__j_call *call, const vonk__j_conf *conf, vonk__j_context **ret, vonk_error *err)
{
    VONK__J_AUTO vonk__j_context *c = NULL;
    VONK_TRY(vonk__j_object_new(call->machine, "org.apache.spark.SparkContext", &c, err));
    VONK_TRY(fill_context(call, c, conf, err));
    VONK_TRY(vonk__j_read_pools(c, NULL, err));
    VONK_TRY(add_of_settings(call, c, "spark.files", false, err));
    VONK_TRY(add_of_settings(call, c, "spark.archives", true, err));
    VONK_TRY(vonk__j_web_start(c, err));
    VONK_LOCKED(&call->machine->state);
    if (call->machine->context)
        return vonk__j_throw(call->caller, "org.apache.spark.SparkException", err,
                             "Only one SparkContext can run at a time; %s is still active",
                             call->machine->context->app_id);
    call->machine->context = (vonk__j_context *)vonk__j_object_ref(c);
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

static vonk_status java_context_new(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO java_context *made = NULL;
    vonk__j_object *from = call->args[0].kind == VONK__J_OBJECT ? call->args[0].object : NULL;
    if (!from) return vonk__j_throw_bare(call->caller, "java.lang.NullPointerException", err);
    VONK_TRY(vonk__j_object_new(call->machine, "org.apache.spark.api.java.JavaSparkContext", &made, err));
    if (from->cls->row.drop == context_drop)
        made->context = (vonk__j_context *)vonk__j_object_ref(from);
    else
        VONK_TRY(start(call, (vonk__j_conf *)from, &made->context, err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(made)->head));
}
static vonk_status context_new(vonk__j_call *call, vonk_error *err)
{
    vonk__j_context *c = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(start(call, (vonk__j_conf *)call->args[0].object, &c, err));
    return vonk__j_return(call, vonk__j_of(&c->head));
}

/* ---- stopping */

static void stop(vonk__j_context *c)
{
    vonk__j_machine *machine = c->head.machine;
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    vonk_mutex_lock(&c->lock);
    const bool was = c->is_stopped;
    c->is_stopped = true;
    vonk_mutex_unlock(&c->lock);
    if (was) return;
    vonk__j_web_stop(c);
    vonk__j_engine_stop(c);
    vonk_mutex_lock(&machine->state);
    vonk__j_context *active = machine->context == c ? c : NULL;
    if (active) machine->context = NULL;
    vonk_mutex_unlock(&machine->state);
    if (vonk_dir_remove_tree(vonk_str_of(c->files_folder), &err) != VONK_OK)
        vonk_log(VONK_LOG_WARN, "context_stop", "%s", vonk_error_message(&err));
    vonk__j_object_unref(active);
}
void vonk__j_context_drop(vonk__j_machine *machine)
{
    vonk__j_context *c = vonk__j_active_context(machine);
    if (c) stop(c);
    vonk__j_object_unref(c);
}
static vonk_status m_stop(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    stop(self_context(call));
    return VONK_OK;
}
static vonk_status m_stopped(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    VONK_LOCKED(&self_context(call)->lock);
    return vonk__j_return(call, vonk__j_bool(self_context(call)->is_stopped));
}

/* ---- looking */

enum { VERSION, APP_ID, SPARK_USER, MASTER, APP_NAME };
static vonk_status m_text(vonk__j_call *call, vonk_error *err)
{
    char text[1024];
    switch (call->member->tag) {
    case VERSION: return vonk__j_return_str(call, VONK_STR(VONK_SPARK_VERSION), err);
    case APP_ID: return vonk__j_return_str(call, vonk_str_of(self_context(call)->app_id), err);
    case SPARK_USER: return vonk__j_return_str(call, vonk_env_user_name(), err);
    default: break;
    }
    const vonk_str key = call->member->tag == MASTER ? VONK_STR("spark.master") : VONK_STR("spark.app.name");
    return vonk__j_return_str(call, vonk__j_context_setting(self_context(call), key, text, sizeof text), err);
}
static vonk_status m_parallelism(vonk__j_call *call, vonk_error *err)
{
    const uint32_t n = self_context(call)->parallelism;
    (void)err;
    return vonk__j_return(call, vonk__j_i32((int32_t)(call->member->tag && n > 2 ? 2 : n)));
}
static vonk_status m_start_time(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_i64(self_context(call)->start_ms));
}
static vonk_status m_is_local(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_bool(true)); /* read_master takes nothing else */
}
static vonk_status m_sc(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_of(vonk__j_object_ref(self_context(call))));
}
static vonk_status m_conf(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_conf *copy = NULL;
    vonk__j_conf *conf = self_context(call)->conf;
    if (!call->member->tag) return vonk__j_return(call, vonk__j_of(vonk__j_object_ref(conf)));
    VONK_TRY(vonk__j_conf_new(call->machine, &copy, err));
    VONK_LOCKED(&call->machine->guard);
    VONK_TRY(vonk__j_conf_copy(call->caller, conf->map, VONK_STR_NONE, copy, err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(copy)->head));
}
static vonk_status m_resources(vonk__j_call *call, vonk_error *err) /* a driver on its own machine has none */
{
    vonk__j_map *map = NULL;
    VONK_TRY(vonk__j_map_new(call->machine, "java.util.HashMap", &map, err));
    return vonk__j_return(call, vonk__j_of(&map->head));
}
static vonk_status m_log_level(vonk__j_call *call, vonk_error *err)
{
    VONK_TRY(vonk__j_need(call, 0, err));
    return set_log_level(call->caller, vonk__j_str(&call->args[0]), err);
}

/* ---- local properties: of the caller, which stands for a thread of Python */

vonk_status vonk__j_local_properties(vonk__j_caller *caller, vonk__j_map **ret, vonk_error *err)
{
    if (!caller->properties) {
        vonk__j_map *map = NULL;
        VONK_TRY(vonk__j_map_new(caller->machine, "java.util.Properties", &map, err));
        caller->properties = &map->head;
    }
    *ret = (vonk__j_map *)caller->properties;
    return VONK_OK;
}

vonk_status vonk__j_set_local(vonk__j_call *call, const char *key, const vonk__j_value *value, vonk_error *err)
{
    vonk__j_map *map = NULL;
    vonk__j_entry *e = NULL;
    VONK_AUTO(vonk__j_unref) vonk__j_value name = VONK__J_NOTHING;
    VONK_LOCKED(&call->machine->guard);
    VONK_TRY(vonk__j_local_properties(call->caller, &map, err));
    if (value->kind == VONK__J_STRING)
        return vonk__j_map_put_text(call->caller, map, vonk_str_of(key), vonk__j_str(value), err);
    VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_STRING, vonk_str_of(key), &name, err));
    VONK_TRY(vonk__j_map_find(call->caller, map, &name, &e, err));
    if (e) vonk__j_map_remove(map, e);
    return VONK_OK;
}
static vonk_status m_set_local(vonk__j_call *call, vonk_error *err)
{
    VONK_TRY(vonk__j_need(call, 0, err));
    return vonk__j_set_local(call, call->args[0].text->data, &call->args[1], err);
}
static vonk_status m_get_local(vonk__j_call *call, vonk_error *err)
{
    vonk__j_map *map = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_LOCKED(&call->machine->guard);
    VONK_TRY(vonk__j_local_properties(call->caller, &map, err));
    const vonk_str found = vonk__j_map_get_text(map, vonk__j_str(&call->args[0]));
    return found.data ? vonk__j_return_str(call, found, err) : vonk__j_return(call, VONK__J_NOTHING);
}
static vonk_status m_all_local(vonk__j_call *call, vonk_error *err)
{
    vonk__j_map *map = NULL;
    if (call->n_args) {
        VONK_TRY(vonk__j_need(call, 0, err));
        vonk__j_object *old = call->caller->properties;
        call->caller->properties = vonk__j_object_ref(call->args[0].object);
        vonk__j_object_unref(old);
        return VONK_OK;
    }
    VONK_TRY(vonk__j_local_properties(call->caller, &map, err));
    return vonk__j_return(call, vonk__j_of(vonk__j_object_ref(map)));
}
static vonk_status m_job_group(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_unref) vonk__j_value text = VONK__J_NOTHING;
    const bool interrupt = call->n_args > 2 && call->args[2].i;
    VONK_TRY(vonk__j_set_local(call, "spark.job.description", call->n_args ? &call->args[1] : &text, err));
    VONK_TRY(vonk__j_set_local(call, "spark.jobGroup.id", call->n_args ? &call->args[0] : &text, err));
    if (call->n_args)
        VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_STRING,
                                    interrupt ? VONK_STR("true") : VONK_STR("false"), &text, err));
    return vonk__j_set_local(call, "spark.job.interruptOnCancel", &text, err);
}
static vonk_status m_description(vonk__j_call *call, vonk_error *err)
{
    return vonk__j_set_local(call, call->member->tag ? "callSite.short" : "spark.job.description", &call->args[0], err);
}
static vonk_status m_clear_call_site(vonk__j_call *call, vonk_error *err)
{
    const vonk__j_value nothing = VONK__J_NOTHING;
    VONK_TRY(vonk__j_set_local(call, "callSite.short", &nothing, err));
    return vonk__j_set_local(call, "callSite.long", &nothing, err);
}
static vonk_status m_interrupt(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_unref) vonk__j_value text = VONK__J_NOTHING;
    VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_STRING,
                                call->args[0].i ? VONK_STR("true") : VONK_STR("false"), &text, err));
    return vonk__j_set_local(call, "spark.job.interruptOnCancel", &text, err);
}

/* ---- job tags: one local property, separated by commas */

vonk_status vonk__j_local_text(vonk__j_caller *caller, const char *key, vonk_buf *out, vonk_error *err)
{
    vonk__j_map *map = NULL;
    vonk_buf_init(out, caller->machine->budget, 1 << 20);
    VONK_LOCKED(&caller->machine->guard);
    VONK_TRY(vonk__j_local_properties(caller, &map, err));
    return vonk_buf_add_str(out, vonk__j_map_get_text(map, vonk_str_of(key)), err);
}
bool vonk__j_next_tag(vonk_str all, size_t *at, vonk_str *ret)
{
    if (*at >= all.len) return false;
    size_t end = vonk_str_find_byte(all, ',', *at);
    if (end == SIZE_MAX) end = all.len;
    *ret = vonk_str_sub(all, *at, end);
    *at = end + 1;
    return true;
}
vonk_status vonk__j_change_tags_of(vonk__j_call *call, const char *property, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf old = {0}, new = {0};
    VONK_AUTO(vonk__j_unref) vonk__j_value text = VONK__J_NOTHING;
    const vonk_str tag = call->n_args ? vonk__j_str(&call->args[0]) : VONK_STR_NONE;
    vonk_str one;
    if (call->n_args && (!tag.len || vonk_str_find_byte(tag, ',', 0) != SIZE_MAX))
        return vonk__j_throw(call->caller, "java.lang.IllegalArgumentException", err, "Spark job tag %s",
                             call->args[0].kind == VONK__J_NULL ? "cannot be null."
                             : tag.len                          ? "cannot contain ','."
                                                                : "cannot be an empty string.");
    vonk_buf_init(&new, call->machine->budget, 1 << 20);
    VONK_TRY(vonk__j_local_text(call->caller, property, &old, err));
    if (!call->n_args) vonk_buf_reset(&old);
    for (size_t at = 0; vonk__j_next_tag(vonk_buf_str(&old), &at, &one);)
        if (!vonk_str_eq(one, tag))
            VONK_TRY(vonk_buf_printf(&new, err, "%s%.*s", new.len ? "," : "", VONK_STR_ARGS(one)));
    if (call->member->tag) VONK_TRY(vonk_buf_printf(&new, err, "%s%.*s", new.len ? "," : "", VONK_STR_ARGS(tag)));
    if (new.len) VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_STRING, vonk_buf_str(&new), &text, err));
    return vonk__j_set_local(call, property, &text, err);
}
static vonk_status m_change_tag(vonk__j_call *call, vonk_error *err)
{
    return vonk__j_change_tags_of(call, "spark.job.tags", err);
}
vonk_status vonk__j_return_tags(vonk__j_call *call, const char *property, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf all = {0};
    VONK__J_AUTO vonk__j_map *set = NULL;
    vonk_str one;
    VONK_TRY(vonk__j_local_text(call->caller, property, &all, err));
    VONK_TRY(vonk__j_map_new(call->machine, "java.util.LinkedHashSet", &set, err));
    for (size_t at = 0; vonk__j_next_tag(vonk_buf_str(&all), &at, &one);)
        VONK_TRY(vonk__j_map_put_text(call->caller, set, one, VONK_STR_NONE, err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(set)->head));
}
static vonk_status m_tags(vonk__j_call *call, vonk_error *err)
{
    return vonk__j_return_tags(call, "spark.job.tags", err);
}

/* ---- files, checkpoints, accumulators */

static vonk_status m_files(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_list *seq = NULL;
    vonk__j_context *c = self_context(call);
    char *const *names = NULL;
    size_t n = 0;
    VONK_TRY(vonk__j_object_new(call->machine, "scala.collection.immutable.Seq$Live", &seq, err));
    VONK_LOCKED(&c->lock);
    names = call->member->tag ? c->archives.at : c->files.at;
    n = call->member->tag ? c->archives.n : c->files.n;
    for (size_t i = 0; i < n; i++) {
        vonk__j_value uri;
        VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_STRING,
                                    vonk_str_of(VONK_F("file:%s/%s", c->files_folder, names[i])), &uri, err));
        VONK_TRY(vonk__j_list_add(seq, uri, err));
    }
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(seq)->head));
}
static vonk_status m_set_checkpoint(vonk__j_call *call, vonk_error *err)
{
    vonk__j_context *c = self_context(call);
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(set_checkpoint(c, vonk__j_str(&call->args[0]), err));
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = vonk__j_engine_try(c);
    return e ? vonk_rdd_set_checkpoint_folder(e->rdds, vonk_str_of(c->checkpoint_folder), err) : VONK_OK;
}
static vonk_status m_checkpoint(vonk__j_call *call, vonk_error *err)
{
    vonk__j_context *c = self_context(call);
    vonk__j_value text = VONK__J_NOTHING;
    VONK_LOCKED(&c->lock);
    if (c->checkpoint_folder)
        VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_STRING,
                                    vonk_str_of(VONK_F("file:%s", c->checkpoint_folder)), &text, err));
    return vonk__j_option(call->machine, text, c->checkpoint_folder != NULL, &call->result, err);
}
static vonk_status m_register(vonk__j_call *call, vonk_error *err)
{
    vonk__j_context *c = self_context(call);
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_LOCKED(&c->lock);
    VONK_TRY(VONK_VEC_PUSH(&c->accumulators, call->machine->budget, call->args[0].object, err));
    vonk__j_object_ref(call->args[0].object);
    return VONK_OK;
}

/* ---- org.apache.spark.SparkFiles */

static vonk_status files_root(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_context *c = vonk__j_active_context(call->machine);
    if (!c) return vonk__j_throw(call->caller, "java.lang.IllegalStateException", err, "no SparkContext is active");
    if (!call->n_args) return vonk__j_return_str(call, vonk_str_of(c->files_folder), err);
    VONK_TRY(vonk__j_need(call, 0, err));
    return vonk__j_return_str(call, vonk_str_of(VONK_F("%s/%s", c->files_folder, call->args[0].text->data)), err);
}

/* What both classes have. */
#define SHARED                                                                                                         \
    {"stop", "", "void", m_stop, VONK__J_METHOD, 0}, {"version", "", "String", m_text, VONK__J_METHOD, VERSION},       \
        {"sparkUser", "", "String", m_text, VONK__J_METHOD, SPARK_USER},                                               \
        {"master", "", "String", m_text, VONK__J_METHOD, MASTER},                                                      \
        {"appName", "", "String", m_text, VONK__J_METHOD, APP_NAME},                                                   \
        {"isLocal", "", "boolean", m_is_local, VONK__J_METHOD, 0},                                                     \
        {"startTime", "", "long", m_start_time, VONK__J_METHOD, 0},                                                    \
        {"defaultParallelism", "", "int", m_parallelism, VONK__J_METHOD, 0},                                           \
        {"defaultMinPartitions", "", "int", m_parallelism, VONK__J_METHOD, 1},                                         \
        {"getConf", "", "org.apache.spark.SparkConf", m_conf, VONK__J_METHOD, 1},                                      \
        {"hadoopConfiguration", "", "org.apache.hadoop.conf.Configuration", vonk__j_hadoop_conf, VONK__J_METHOD, 0},   \
        {"setLogLevel", "String", "void", m_log_level, VONK__J_METHOD, 0},                                             \
        {"setLocalProperty", "String, String", "void", m_set_local, VONK__J_METHOD, 0},                                \
        {"getLocalProperty", "String", "String", m_get_local, VONK__J_METHOD, 0},                                      \
        {"setJobGroup", "String, String, boolean", "void", m_job_group, VONK__J_METHOD, 0},                            \
        {"setJobGroup", "String, String", "void", m_job_group, VONK__J_METHOD, 0},                                     \
        {"clearJobGroup", "", "void", m_job_group, VONK__J_METHOD, 0},                                                 \
        {"setJobDescription", "String", "void", m_description, VONK__J_METHOD, 0},                                     \
        {"setCallSite", "String", "void", m_description, VONK__J_METHOD, 1},                                           \
        {"clearCallSite", "", "void", m_clear_call_site, VONK__J_METHOD, 0},                                           \
        {"setInterruptOnCancel", "boolean", "void", m_interrupt, VONK__J_METHOD, 0},                                   \
        {"addJobTag", "String", "void", m_change_tag, VONK__J_METHOD, 1},                                              \
        {"removeJobTag", "String", "void", m_change_tag, VONK__J_METHOD, 0},                                           \
        {"clearJobTags", "", "void", m_change_tag, VONK__J_METHOD, 0},                                                 \
        {"addFile", "String", "void", m_add_file, VONK__J_METHOD, 0},                                                  \
        {"setCheckpointDir", "String", "void", m_set_checkpoint, VONK__J_METHOD, 0}

#define SC "org.apache.spark.SparkContext"
static const vonk__j_member java_members[] = {
    {"new", "org.apache.spark.SparkConf", "", java_context_new, VONK__J_CONSTRUCTOR, 0},
    {"new", SC, "", java_context_new, VONK__J_CONSTRUCTOR, 0},
    SHARED,
    {"sc", "", SC, m_sc, VONK__J_METHOD, 0},
    {"close", "", "void", m_stop, VONK__J_METHOD, 0},
    {"getJobTags", "", "java.util.Set", m_tags, VONK__J_METHOD, 0},
    {"resources", "", "java.util.Map", m_resources, VONK__J_METHOD, 0},
};
static const vonk__j_member context_members[] = {
    {"new", "org.apache.spark.SparkConf", "", context_new, VONK__J_CONSTRUCTOR, 0},
    SHARED,
    {"addFile", "String, boolean", "void", m_add_file, VONK__J_METHOD, 0},
    {"conf", "", "org.apache.spark.SparkConf", m_conf, VONK__J_METHOD, 0},
    {"applicationId", "", "String", m_text, VONK__J_METHOD, APP_ID},
    {"uiWebUrl", "", "scala.Option", vonk__j_web_url, VONK__J_METHOD, 0},
    {"isStopped", "", "boolean", m_stopped, VONK__J_METHOD, 0},
    {"getLocalProperties", "", "java.util.Properties", m_all_local, VONK__J_METHOD, 0},
    {"setLocalProperties", "java.util.Properties", "void", m_all_local, VONK__J_METHOD, 0},
    {"listFiles", "", "scala.collection.immutable.Seq", m_files, VONK__J_METHOD, 0},
    {"listArchives", "", "scala.collection.immutable.Seq", m_files, VONK__J_METHOD, 1},
    {"addArchive", "String", "void", m_add_archive, VONK__J_METHOD, 0},
    {"getCheckpointDir", "", "scala.Option", m_checkpoint, VONK__J_METHOD, 0},
    {"register", "org.apache.spark.util.AccumulatorV2", "void", m_register, VONK__J_METHOD, 0},
};
static const vonk__j_member files_members[] = {
    {"getRootDirectory", "", "String", files_root, VONK__J_STATIC, 0},
    {"get", "String", "String", files_root, VONK__J_STATIC, 0},
};
static const vonk__j_row rows[] = {
    {.fqn = SC,
     .interfaces = "org.apache.spark.SparkContext$Rdds",
     VONK__J_MEMBERS(context_members),
     .size = sizeof(vonk__j_context),
     .drop = context_drop},
    {.fqn = "org.apache.spark.api.java.JavaSparkContext",
     .interfaces = "java.io.Closeable org.apache.spark.api.java.JavaSparkContext$Rdds",
     VONK__J_MEMBERS(java_members),
     .size = sizeof(java_context),
     .drop = java_context_drop},
    {.fqn = "org.apache.spark.SparkFiles", .flags = VONK__J_ABSTRACT, VONK__J_MEMBERS(files_members)},
};
const vonk__j_area vonk__j_area_spark_context = {rows, VONK_COUNTOF(rows)};
