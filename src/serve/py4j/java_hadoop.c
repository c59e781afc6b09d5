/* serve/py4j/java_hadoop.c -- what programs take from Java beside Spark: Hadoop's Configuration, Path and FileSystem
 * over local files, their streams. Other file systems answer that they are not there. */
#include "serve/py4j/collection.h"
#include "serve/py4j/spark.h"
#include "sys/files.h"
#include "sys/glob.h"
#include "text/number.h"

#define J_CONF "org.apache.hadoop.conf.Configuration"
#define J_PATH "org.apache.hadoop.fs.Path"
#define J_FS "org.apache.hadoop.fs.FileSystem"
#define J_STATUS "org.apache.hadoop.fs.FileStatus"
#define J_SUMMARY "org.apache.hadoop.fs.ContentSummary"
#define J_ITERATOR "org.apache.hadoop.fs.RemoteIterator"

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
enum { INT, LONG, DOUBLE, BOOLEAN };
/* getInt(key, default) and its like: what is set must be such; a boolean that is none is the default, as in Hadoop. */
static vonk_status conf_number(vonk__j_call *call, vonk_error *err)
{
    conf *c = (conf *)call->self;
    VONK_AUTO(vonk_buf_done) vonk_buf key = {0};
    const int32_t kind = call->member->tag;
    int64_t i = 0;
    double f = 0;
    bool fits = false;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(full_key(c, &call->args[0], &key, err));
    VONK_LOCKED(&call->machine->guard);
    const vonk_str found = vonk_str_trim(vonk__j_map_get_text(map_of(c), vonk_buf_str(&key)));
    if (!found.len) return vonk__j_return(call, vonk__j_ref(call->args[1]));
    switch (kind) {
    case INT: fits = vonk_text_to_i64(found, false, INT32_MIN, INT32_MAX, &i); break;
    case LONG: fits = vonk_text_to_i64(found, false, INT64_MIN, INT64_MAX, &i); break;
    case DOUBLE: fits = vonk_text_to_f64(found, &f); break;
    default:
        if (!vonk_str_is_nocase(found, "true") && !vonk_str_is_nocase(found, "false"))
            return vonk__j_return(call, vonk__j_ref(call->args[1]));
        return vonk__j_return(call, vonk__j_bool(vonk_str_is_nocase(found, "true")));
    }
    if (!fits)
        return vonk__j_throw(call->caller, "java.lang.NumberFormatException", err, "For input string: \"%.*s\"",
                             (int)vonk_min_size(found.len, 200), found.data);
    return vonk__j_return(call, kind == DOUBLE ? vonk__j_f64(f)
                                : kind == LONG ? vonk__j_i64(i)
                                               : vonk__j_i32((int32_t)i));
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
    const bool is_path = strcmp(fqn, J_PATH) == 0;
    while (is_path && text.len > 1 && text.data[text.len - 1] == '/') text.len--;
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
vonk_status vonk__j_path_arg(vonk__j_call *call, uint32_t i, vonk_str *ret, vonk_error *err)
{
    VONK_TRY(vonk__j_need(call, i, err));
    return local_path(path_text(call->args[i].object), ret, err);
}

vonk_status vonk__j_as_hadoop(vonk__j_call *call, vonk_str at, bool for_job, vonk_status status, vonk_error *err)
{
    const int n = (int)vonk_min_size(at.len, 400);
    if (status != VONK_E_PATH_NOT_FOUND && status != VONK_E_PATH_ALREADY_EXISTS) return status;
    vonk_error_reset(err);
    if (status == VONK_E_PATH_NOT_FOUND)
        return vonk__j_throw(call->caller, "java.io.FileNotFoundException", err, "File %.*s does not exist", n,
                             at.data);
    if (for_job)
        return vonk__j_throw(call->caller, "org.apache.hadoop.mapred.FileAlreadyExistsException", err,
                             "Output directory file:%.*s already exists", n, at.data);
    return vonk__j_throw(call->caller, "org.apache.hadoop.fs.FileAlreadyExistsException", err, "%.*s already exists", n,
                         at.data);
}

vonk_status vonk__j_as_input(vonk__j_call *call, bool is_new, vonk_status status, vonk_error *err)
{
    const char *name = NULL, *value = "";
    char at[1024];
    if (status != VONK_E_PATH_NOT_FOUND) return status;
    for (size_t i = 0; i < vonk_error_n_params(err); i++) {
        vonk_error_param(err, i, &name, &value);
        if (strcmp(name, "path") == 0) break;
    }
    vonk_format(at, sizeof at, "%s", value);
    const bool pattern = vonk_glob_is_pattern(vonk_str_of(at));
    vonk_error_reset(err);
    return vonk__j_throw(call->caller,
                         is_new ? "org.apache.hadoop.mapreduce.lib.input.InvalidInputException"
                                : "org.apache.hadoop.mapred.InvalidInputException",
                         err, "Input %s file:%.400s%s", pattern ? "Pattern" : "path does not exist:", at,
                         pattern ? " matches 0 files" : "");
}

static vonk_status fs_get(vonk__j_call *call, vonk_error *err)
{
    vonk__j_object *made = NULL;
    vonk_str at;
    if (call->self) VONK_TRY(local_path(path_text(call->self), &at, err));
    for (uint32_t i = 0; !call->self && i < call->n_args; i++)
        if (call->args[i].kind == VONK__J_OBJECT && vonk__j_is(call->args[i].object, "java.net.URI"))
            VONK_TRY(vonk__j_path_arg(call, i, &at, err));
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
    VONK_TRY(vonk__j_path_arg(call, 0, &at, err));
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
    VONK_TRY(vonk__j_path_arg(call, 0, &at, err));
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
    VONK_TRY(vonk__j_path_arg(call, 0, &at, err));
    VONK_TRY(vonk_dir_make(at, err));
    return vonk__j_return(call, vonk__j_bool(true));
}
static vonk_status fs_rename(vonk__j_call *call, vonk_error *err)
{
    vonk_str from, to;
    VONK_TRY(vonk__j_path_arg(call, 0, &from, err));
    VONK_TRY(vonk__j_path_arg(call, 1, &to, err));
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
    VONK_TRY(vonk__j_path_arg(call, 0, &at, err));
    return vonk__j_as_hadoop(call, at, false, make_status(call, at, &call->result, err), err);
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
    VONK_TRY(vonk__j_path_arg(call, 0, &given, err));
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    VONK_TRY(vonk_path_absolute(arena, given, &at, err));
    if (call->member->tag == GLOB) {
        VONK_TRY(vonk_glob_expand(arena, at, &paths, &n, err));
        return statuses(call, paths, n, err);
    }
    VONK_TRY(vonk__j_as_hadoop(call, at, false, vonk_file_stat(at, &info, err), err));
    if (info.kind != VONK_FILE_DIRECTORY) return statuses(call, &at, 1, err);
    VONK_TRY(vonk_dir_list(arena, at, &entries, &n, err));
    VONK_TRY(vonk_arena_array(arena, n + 1, sizeof *paths, &paths, err));
    for (size_t i = 0; i < n; i++) VONK_TRY(vonk_path_join(arena, at, entries[i].name, &paths[i], err));
    return statuses(call, paths, n, err);
}
/* All below a folder, level by level; what is no folder is itself. In `arena`; with links that go round, until a path
 * is too long. */
typedef struct walk {
    vonk_arena *arena;
    VONK_VEC(vonk_str) files, folders;
    int64_t bytes;
} walk;
static void walk_done(walk *w) { vonk_arena_free(w->arena); }
VONK_DEFINE_AUTO_DONE(walk, walk_done)
static vonk_status walk_from(vonk__j_call *call, bool recursive, walk *w, vonk_error *err)
{
    vonk_str given, at, whole;
    vonk_file_info info;
    VONK_TRY(vonk__j_path_arg(call, 0, &given, err));
    VONK_TRY(vonk_arena_new(call->machine->budget, &w->arena, err));
    VONK_TRY(vonk_path_absolute(w->arena, given, &at, err));
    VONK_TRY(vonk__j_as_hadoop(call, at, false, vonk_file_stat(at, &info, err), err));
    if (info.kind != VONK_FILE_DIRECTORY) {
        w->bytes = info.size_bytes;
        return VONK_VEC_ARENA_PUSH(&w->files, w->arena, at, err);
    }
    VONK_TRY(VONK_VEC_ARENA_PUSH(&w->folders, w->arena, at, err));
    for (size_t f = 0; f < w->folders.n; f++) {
        vonk_dir_entry *entries = NULL;
        size_t n = 0;
        VONK_TRY(vonk_dir_list(w->arena, w->folders.at[f], &entries, &n, err));
        for (size_t i = 0; i < n; i++) {
            const bool is_folder = entries[i].info.kind == VONK_FILE_DIRECTORY;
            if (is_folder && !recursive) continue;
            VONK_TRY(vonk_path_join(w->arena, w->folders.at[f], entries[i].name, &whole, err));
            VONK_TRY(is_folder ? VONK_VEC_ARENA_PUSH(&w->folders, w->arena, whole, err)
                               : VONK_VEC_ARENA_PUSH(&w->files, w->arena, whole, err));
            if (!is_folder) w->bytes += entries[i].info.size_bytes;
        }
    }
    return VONK_OK;
}

typedef struct summary {
    vonk__j_object head;
    int64_t numbers[3]; /* bytes, files, folders */
} summary;
static vonk_status fs_summary(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(walk_done) walk w = {0};
    summary *made = NULL;
    VONK_TRY(walk_from(call, true, &w, err));
    VONK_TRY(vonk__j_object_new(call->machine, J_SUMMARY, &made, err));
    made->numbers[0] = w.bytes;
    made->numbers[1] = (int64_t)w.files.n;
    made->numbers[2] = (int64_t)w.folders.n;
    return vonk__j_return(call, vonk__j_of(&made->head));
}
static vonk_status summary_get(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_i64(((summary *)call->self)->numbers[call->member->tag]));
}

/* RemoteIterator of listFiles. */
typedef struct file_iterator {
    vonk__j_object head;
    vonk__j_object *all; /* array of FileStatus */
    _Atomic uint32_t at;
} file_iterator;
static void file_iterator_drop(vonk__j_object *self)
{
    vonk__j_object *all = ((file_iterator *)self)->all;
    ((file_iterator *)self)->all = NULL;
    vonk__j_object_unref(all);
}
static vonk_status fs_list_files(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(walk_done) walk w = {0};
    VONK__J_AUTO file_iterator *made = NULL;
    VONK_TRY(walk_from(call, call->args[1].i, &w, err));
    VONK_TRY(vonk__j_object_new(call->machine, J_ITERATOR, &made, err));
    VONK_TRY(statuses(call, w.files.at, w.files.n, err));
    made->all = call->result.object;
    call->result = vonk__j_of(&VONK_STEAL(made)->head);
    return VONK_OK;
}
static vonk_status file_iterator_has(vonk__j_call *call, vonk_error *err)
{
    file_iterator *it = (file_iterator *)call->self;
    (void)err;
    return vonk__j_return(call, vonk__j_bool(it->at < ((vonk__j_array *)it->all)->n));
}
static vonk_status file_iterator_next(vonk__j_call *call, vonk_error *err)
{
    file_iterator *it = (file_iterator *)call->self;
    const vonk__j_array *all = (vonk__j_array *)it->all;
    const uint32_t at = it->at++;
    if (at < all->n) return vonk__j_return(call, vonk__j_ref(all->items[at]));
    it->at = all->n;
    return vonk__j_throw_bare(call->caller, "java.util.NoSuchElementException", err);
}
/* Between two names of this machine. */
static vonk_status fs_copy(vonk__j_call *call, vonk_error *err)
{
    vonk_str from, to;
    vonk_file_info info;
    VONK_TRY(vonk__j_path_arg(call, 0, &from, err));
    VONK_TRY(vonk__j_path_arg(call, 1, &to, err));
    VONK_TRY(vonk__j_as_hadoop(call, from, false, vonk_file_stat(from, &info, err), err));
    return (info.kind == VONK_FILE_DIRECTORY ? vonk_dir_copy_tree : vonk_file_copy)(call->machine->budget, from, to,
                                                                                    err);
}
static vonk_status fs_uri(vonk__j_call *call, vonk_error *err)
{
    return make_path(call->machine, "java.net.URI", VONK_STR("file:///"), &call->result, err);
}
static vonk_status hadoop_version(vonk__j_call *call, vonk_error *err)
{
    return vonk__j_return_str(call, VONK_STR("3.5.0"), err); /* that comes with Spark 4.3.0 */
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

#define SET(name, type) {name, "String, " type, "void", conf_set, VONK__J_METHOD, 0}
#define NUMBER(name, type, tag) {name, "String, " type, type, conf_number, VONK__J_METHOD, tag}
static const vonk__j_member conf_members[] = {
    {"new", "", "", conf_new, VONK__J_CONSTRUCTOR, 0},
    SET("set", "String"),
    SET("setInt", "int"),
    SET("setLong", "long"),
    SET("setDouble", "double"),
    SET("setBoolean", "boolean"),
    {"get", "String", "String", conf_get, VONK__J_METHOD, 0},
    {"get", "String, String", "String", conf_get, VONK__J_METHOD, 0},
    NUMBER("getInt", "int", INT),
    NUMBER("getLong", "long", LONG),
    NUMBER("getDouble", "double", DOUBLE),
    NUMBER("getBoolean", "boolean", BOOLEAN),
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
    {"getUri", "", "java.net.URI", fs_uri, VONK__J_METHOD, 0},
    {"getContentSummary", J_PATH, J_SUMMARY, fs_summary, VONK__J_METHOD, 0},
    {"listFiles", J_PATH ", boolean", J_ITERATOR, fs_list_files, VONK__J_METHOD, 0},
    {"copyFromLocalFile", J_PATH ", " J_PATH, "void", fs_copy, VONK__J_METHOD, 0},
    {"copyToLocalFile", J_PATH ", " J_PATH, "void", fs_copy, VONK__J_METHOD, 0},
    {"open", J_PATH, "org.apache.hadoop.fs.FSDataInputStream", vonk__j_stream_open, VONK__J_METHOD, 0},
    {"create", J_PATH, "org.apache.hadoop.fs.FSDataOutputStream", vonk__j_stream_create, VONK__J_METHOD, 0},
    {"create", J_PATH ", boolean", "org.apache.hadoop.fs.FSDataOutputStream", vonk__j_stream_create, VONK__J_METHOD, 0},
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
static const vonk__j_member summary_members[] = {
    {"getLength", "", "long", summary_get, VONK__J_METHOD, 0},
    {"getSpaceConsumed", "", "long", summary_get, VONK__J_METHOD, 0},
    {"getFileCount", "", "long", summary_get, VONK__J_METHOD, 1},
    {"getDirectoryCount", "", "long", summary_get, VONK__J_METHOD, 2},
};
static const vonk__j_member iterator_members[] = {
    {"hasNext", "", "boolean", file_iterator_has, VONK__J_METHOD, 0},
    {"next", "", J_STATUS, file_iterator_next, VONK__J_METHOD, 0},
};
static const vonk__j_member version_members[] = {{"getVersion", "", "String", hadoop_version, VONK__J_STATIC, 0}};
#define ROW(name, list) .fqn = (name), VONK__J_MEMBERS(list)
static const vonk__j_row rows[] = {
    {ROW(J_CONF, conf_members), .size = sizeof(conf), .drop = conf_drop},
    {ROW(J_PATH, path_members), .size = sizeof(path), .drop = path_drop, .text = path_to_text, .equals = path_equals},
    {ROW("java.net.URI", uri_members), .size = sizeof(path), .drop = path_drop, .text = path_to_text,
     .equals = path_equals},
    {ROW(J_FS, fs_members), .flags = VONK__J_ABSTRACT},
    {.fqn = "org.apache.hadoop.fs.LocalFileSystem", .super = J_FS, .flags = VONK__J_ABSTRACT},
    {ROW(J_SUMMARY, summary_members), .flags = VONK__J_ABSTRACT, .size = sizeof(summary)},
    {ROW(J_ITERATOR, iterator_members), .flags = VONK__J_ABSTRACT, .size = sizeof(file_iterator),
     .drop = file_iterator_drop},
    {ROW("org.apache.hadoop.util.VersionInfo", version_members), .flags = VONK__J_ABSTRACT},
    {ROW(J_STATUS, status_members), .flags = VONK__J_ABSTRACT, .size = sizeof(status), .drop = status_drop},
};
const vonk__j_area vonk__j_area_java_hadoop = {rows, VONK_COUNTOF(rows)};
