/* source/files.c -- see files.h. */
#include "source/files.h"

#include <stdlib.h>

#include "base/strmap.h"
#include "base/vec.h"
#include "sys/files.h"
#include "sys/glob.h"
#include "text/date.h"
#include "text/zone.h"

#define MOST_DEPTH 256

#define MOST_PARTITION_COLUMNS 64

typedef struct found_file {
    vonk_str path, folder;
    int64_t bytes, mtime_us;
    bool direct;      /* right in a root folder, or a root itself */
    vonk_str *pieces; /* k=v directories, from the top; those of files of one folder are shared */
    uint32_t n_pieces;
} found_file;

typedef struct listing {
    vonk_arena *arena;
    const vonk_read_info *read;
    const vonk_fn_env *env;
    vonk_str base, name_filter;
    vonk_strmap *bases; /* folders above which nothing is looked at */
    bool recursive;
    int64_t after_us, before_us; /* files changed outside of these times do not count */
    struct {
        found_file *at;
        size_t n, capacity;
    } files;
} listing;

/* ---- options and paths */

vonk_str vonk__option(const vonk_option *options, uint32_t n, const char *key)
{
    for (uint32_t i = 0; i < n; i++) {
        if (vonk_str_is_nocase(options[i].key, key)) return options[i].value;
    }
    return VONK_STR_NONE;
}

vonk_status vonk__option_bool(const vonk_option *options, uint32_t n, const char *key, bool fallback, bool *ret,
                              vonk_error *err)
{
    vonk_str value = vonk__option(options, n, key);
    *ret = fallback;
    if (!value.data) return VONK_OK;
    *ret = vonk_str_is_nocase(value, "true");
    if (*ret || vonk_str_is_nocase(value, "false")) return VONK_OK;
    return VONK_FAIL(err, VONK_E_REQUIREMENT_FAILED, "requirement",
                     VONK_F("the option %s must be true or false, not %.*s", key, VONK_STR_ARGS(value)));
}

/* Length of "scheme" in "scheme:/...", 0: none. */
static size_t scheme_of(vonk_str path)
{
    size_t i = 0;
    while (i < path.len && ((path.data[i] | 32) >= 'a' && (path.data[i] | 32) <= 'z')) i++;
    while (i > 0 && i < path.len &&
           ((path.data[i] >= '0' && path.data[i] <= '9') || strchr("+-.", path.data[i]) ||
            ((path.data[i] | 32) >= 'a' && (path.data[i] | 32) <= 'z')))
        i++;
    return i > 0 && i + 1 < path.len && path.data[i] == ':' && path.data[i + 1] == '/' ? i : 0;
}

vonk_status vonk__local_path(vonk_arena *arena, vonk_str path, vonk_str *ret, vonk_error *err)
{
    size_t scheme = scheme_of(path);
    if (scheme > 0) {
        vonk_str name = vonk_str_sub(path, 0, scheme);
        if (!vonk_str_is_nocase(name, "file"))
            return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                             VONK_F("the file system %.*s://", VONK_STR_ARGS(name)));
        path = vonk_str_sub(path, scheme + 1, path.len);
        if (vonk_str_starts(path, VONK_STR("//"))) path = vonk_str_sub(path, 2, path.len);
    }
    return vonk_path_absolute(arena, path, ret, err);
}

vonk_status vonk__show_path(vonk_arena *arena, vonk_str path, vonk_str *ret, vonk_error *err)
{
    return vonk_arena_printf(arena, ret, err, "file:%.*s", VONK_STR_ARGS(path));
}

/* As java.net.URI writes a path. */
vonk_status vonk__file_uri(vonk_arena *arena, vonk_str path, vonk_str *ret, vonk_error *err)
{
    static const char plain[] = "-_.!~*'()/;:@&=+$,";
    char *to = NULL;
    size_t n = 7;
    VONK_TRY(vonk_arena_alloc(arena, n + path.len * 3 + 1, &to, err));
    memcpy(to, "file://", n);
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.data[i];
        bool letter = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c >= 128;
        if (letter || (c && strchr(plain, c))) {
            to[n++] = (char)c;
        } else {
            to[n++] = '%';
            to[n++] = "0123456789ABCDEF"[c >> 4];
            to[n++] = "0123456789ABCDEF"[c & 15];
        }
    }
    *ret = (vonk_str){to, n};
    return VONK_OK;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

vonk_status vonk__unescape_name(vonk_arena *arena, vonk_str name, vonk_str *ret, vonk_error *err)
{
    char *to = NULL;
    size_t n = 0;
    VONK_TRY(vonk_arena_alloc(arena, name.len + 1, &to, err));
    for (size_t i = 0; i < name.len; i++) {
        int high = i + 2 < name.len && name.data[i] == '%' ? hex_digit(name.data[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(name.data[i + 2]) : -1;
        if (low >= 0) {
            to[n++] = (char)(high * 16 + low);
            i += 2;
        } else {
            to[n++] = name.data[i];
        }
    }
    *ret = (vonk_str){to, n};
    return VONK_OK;
}

vonk_status vonk__escape_name(vonk_str name, vonk_buf *out, vonk_error *err)
{
    if (name.len == 0) return vonk_buf_add_c(out, SOURCE_NULL_PARTITION, err);
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (c < 32 || c == 127 || strchr("\"#%'*/:=?\\{[]^", c))
            VONK_TRY(vonk_buf_printf(out, err, "%%%02X", c));
        else
            VONK_TRY(vonk_buf_add_byte(out, (char)c, err));
    }
    return VONK_OK;
}

/* ---- walking */

/* Names that Spark does not take for data. */
static bool is_hidden(vonk_str name)
{
    bool has_value = vonk_str_find_byte(name, '=', 0) != SIZE_MAX;
    return name.len == 0 || name.data[0] == '.' || (name.data[0] == '_' && !has_value) ||
           vonk_str_ends(name, VONK_STR("._COPYING_"));
}

static vonk_str last_name(vonk_str path)
{
    size_t at = path.len;
    while (at > 0 && path.data[at - 1] != '/') at--;
    return vonk_str_sub(path, at, path.len);
}

static vonk_str parent_of(vonk_str path)
{
    size_t at = path.len;
    while (at > 0 && path.data[at - 1] != '/') at--;
    return vonk_str_sub(path, 0, at > 1 ? at - 1 : at);
}

static vonk_status add_file(listing *l, vonk_str path, const vonk_file_info *info, bool direct, vonk_error *err)
{
    bool match = true;
    if (l->name_filter.data) VONK_TRY(vonk_glob_match(l->name_filter, last_name(path), &match, err));
    if (!match || info->size_bytes == 0 || info->mtime_us <= l->after_us || info->mtime_us >= l->before_us)
        return VONK_OK;
    found_file f = {.path = path,
                    .folder = parent_of(path),
                    .bytes = info->size_bytes,
                    .mtime_us = info->mtime_us,
                    .direct = direct};
    return VONK_VEC_ARENA_PUSH(&l->files, l->arena, f, err);
}

static vonk_status walk(listing *l, vonk_str directory, uint32_t depth, vonk_error *err)
{
    vonk_dir_entry *entries = NULL;
    size_t n = 0;
    if (depth > MOST_DEPTH)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "folders nested more than 256 deep");
    VONK_TRY(vonk_dir_list(l->arena, directory, &entries, &n, err));
    for (size_t i = 0; i < n; i++) {
        vonk_str path;
        if (is_hidden(entries[i].name)) continue;
        VONK_TRY(vonk_path_join(l->arena, directory, entries[i].name, &path, err));
        if (entries[i].info.kind == VONK_FILE_DIRECTORY)
            VONK_TRY(walk(l, path, depth + 1, err));
        else
            VONK_TRY(add_file(l, path, &entries[i].info, depth == 0, err));
    }
    return VONK_OK;
}

static vonk_status not_found(listing *l, vonk_str path, vonk_error *err)
{
    vonk_str shown;
    VONK_TRY(vonk__show_path(l->arena, path, &shown, err));
    return VONK_FAIL(err, VONK_E_PATH_NOT_FOUND, "path", VONK_S(shown));
}

static bool is_below(vonk_str path, vonk_str folder)
{
    return vonk_str_starts(path, folder) && (path.len == folder.len || folder.len == 1 || path.data[folder.len] == '/');
}

static vonk_status bad_base(const char *message, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_REQUIREMENT_FAILED, "requirement", message);
}

static vonk_status list_root(listing *l, vonk_str path, vonk_error *err)
{
    vonk_file_info info;
    vonk_error missing = VONK_ERROR_INIT;
    vonk_status st = vonk_file_stat(path, &info, &missing);
    vonk_error_reset(&missing);
    if (st != VONK_OK) return not_found(l, path, err);
    bool is_folder = info.kind == VONK_FILE_DIRECTORY;
    if (l->base.data && !is_below(path, l->base))
        return bad_base(
            VONK_F("Wrong basePath %.*s for the root path: file:%.*s", VONK_STR_ARGS(l->base), VONK_STR_ARGS(path)),
            err);
    if (!l->base.data) VONK_TRY(vonk_strmap_put(l->bases, is_folder ? path : parent_of(path), l, NULL, err));
    if (is_folder) return walk(l, path, 0, err);
    return is_hidden(last_name(path)) ? VONK_OK : add_file(l, path, &info, true, err);
}

static vonk_status list_path(listing *l, vonk_str given, vonk_str *ret_root, vonk_error *err)
{
    vonk_str path, *matches = NULL;
    size_t n = 0;
    VONK_TRY(vonk__local_path(l->arena, given, &path, err));
    *ret_root = path;
    if (!vonk_glob_is_pattern(path)) return list_root(l, path, err);
    VONK_TRY(vonk_glob_expand(l->arena, path, &matches, &n, err));
    if (n == 0) return not_found(l, path, err);
    for (size_t i = 0; i < n; i++) {
        if (!is_hidden(last_name(matches[i]))) VONK_TRY(list_root(l, matches[i], err));
    }
    return VONK_OK;
}

static int by_path(const void *a, const void *b)
{
    const found_file *x = a, *y = b;
    return vonk_str_compare(x->path, y->path);
}

/* ---- partition columns */

static bool is_piece(vonk_str name) { return vonk_str_find_byte(name, '=', 0) != SIZE_MAX; }

/* The k=v directories of a folder, read upwards: what lies below the lowest one does not count, and what lies above or
 * is a base path ends them. */
static vonk_status partition_pieces(listing *l, found_file *f, vonk_str *ret_base, vonk_error *err)
{
    vonk_str pieces[MOST_PARTITION_COLUMNS];
    uint32_t n = 0;
    vonk_str at = f->folder;
    while (!vonk_strmap_get(l->bases, at)) {
        bool piece = is_piece(last_name(at));
        if (piece && n == MOST_PARTITION_COLUMNS)
            return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "more than 64 partition columns");
        if (piece) pieces[n++] = last_name(at);
        if ((!piece && n > 0) || at.len <= 1) break;
        at = parent_of(at);
    }
    *ret_base = n > 0 ? at : f->folder;
    f->n_pieces = n;
    VONK_TRY(vonk_arena_array(l->arena, n, sizeof *f->pieces, &f->pieces, err));
    for (uint32_t i = 0; i < n; i++) f->pieces[i] = pieces[n - 1 - i];
    return VONK_OK;
}

static vonk_status split_piece(vonk_arena *arena, vonk_str piece, vonk_str *ret_name, vonk_str *ret_text,
                               vonk_error *err)
{
    size_t at = vonk_str_find_byte(piece, '=', 0);
    if (at == 0) return VONK_FAIL(err, VONK_E_EMPTY_PARTITION_COLUMN_NAME, "columnSpec", VONK_S(piece));
    if (at + 1 == piece.len) return VONK_FAIL(err, VONK_E_EMPTY_PARTITION_COLUMN_VALUE, "columnSpec", VONK_S(piece));
    VONK_TRY(vonk__unescape_name(arena, vonk_str_sub(piece, 0, at), ret_name, err));
    VONK_TRY(vonk__unescape_name(arena, vonk_str_sub(piece, at + 1, piece.len), ret_text, err));
    if (vonk_str_is(*ret_text, SOURCE_NULL_PARTITION)) *ret_text = VONK_STR_NONE;
    return VONK_OK;
}

typedef struct partition_texts {
    vonk_str *names, *texts; /* texts[file * n + column] */
    uint32_t n;
} partition_texts;

static vonk_status piece_names(listing *l, const found_file *f, vonk_str *names, vonk_error *err)
{
    vonk_str text;
    for (uint32_t i = 0; i < f->n_pieces; i++) VONK_TRY(split_piece(l->arena, f->pieces[i], &names[i], &text, err));
    return VONK_OK;
}

static bool same_names(const listing *l, const vonk_str *a, uint32_t n_a, const vonk_str *b, uint32_t n_b)
{
    if (n_a != n_b) return false;
    for (uint32_t i = 0; i < n_a; i++) {
        if (l->env->case_sensitive ? !vonk_str_eq(a[i], b[i]) : !vonk_str_eq_nocase(a[i], b[i])) return false;
    }
    return true;
}

static vonk_status add_names(vonk_buf *out, uint32_t number, const vonk_str *names, uint32_t n, vonk_error *err)
{
    VONK_TRY(vonk_buf_printf(out, err, "\n\tPartition column name list #%u: ", number));
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0) VONK_TRY(vonk_buf_add_c(out, ", ", err));
        VONK_TRY(vonk_buf_add_str(out, names[i], err));
    }
    return VONK_OK;
}

/* Two folders that do not agree; short lists first. */
static vonk_status conflict(listing *l, const found_file *a, const found_file *b, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf lists = {0};
    vonk_str names[MOST_PARTITION_COLUMNS];
    const found_file *two[2] = {a->n_pieces <= b->n_pieces ? a : b, a->n_pieces <= b->n_pieces ? b : a};
    vonk_buf_init(&lists, vonk_arena_budget(l->arena), SIZE_MAX);
    for (uint32_t i = 0; i < 2; i++) {
        VONK_TRY(piece_names(l, two[i], names, err));
        VONK_TRY(add_names(&lists, i, names, two[i]->n_pieces, err));
    }
    VONK_TRY(vonk_buf_append(&lists, "\n", 2, err)); /* with its NUL */
    return VONK_FAIL(
        err, VONK_E_CONFLICTING_PARTITION_COLUMN_NAMES, "distinctPartColLists", lists.data, "suspiciousPaths",
        VONK_F("\n\tfile:%.*s\n\tfile:%.*s", VONK_STR_ARGS(two[0]->folder), VONK_STR_ARGS(two[1]->folder)));
}

static vonk_status two_bases(listing *l, vonk_str a, vonk_str b, vonk_error *err)
{
    vonk_str text;
    VONK_TRY(
        vonk_arena_printf(l->arena, &text, err, "\n\tfile:%.*s\n\tfile:%.*s\n", VONK_STR_ARGS(a), VONK_STR_ARGS(b)));
    char *c = (char *)(uintptr_t)text.data;
    for (size_t i = 0; i < text.len; i++) c[i] = c[i] >= 'A' && c[i] <= 'Z' ? (char)(c[i] | 32) : c[i];
    return VONK_FAIL(err, VONK_E_CONFLICTING_DIRECTORY_STRUCTURES, "discoveredBasePaths", c);
}

/* Pieces of all files; *ret_first: one that has some, or NULL. */
static vonk_status find_pieces(listing *l, const found_file **ret_first, vonk_error *err)
{
    vonk_str base = VONK_STR_NONE, other = VONK_STR_NONE;
    *ret_first = NULL;
    for (size_t i = 0; i < l->files.n; i++) {
        found_file *f = &l->files.at[i], *before = i > 0 ? f - 1 : NULL;
        vonk_str found;
        if (before && vonk_str_eq(before->folder, f->folder)) {
            f->pieces = before->pieces;
            f->n_pieces = before->n_pieces;
            continue;
        }
        VONK_TRY(partition_pieces(l, f, &found, err));
        if (!base.data)
            base = found;
        else if (!vonk_str_eq_nocase(base, found))
            other = found;
        if (f->n_pieces > 0 && !*ret_first) *ret_first = f;
    }
    return *ret_first && other.data ? two_bases(l, base, other, err) : VONK_OK;
}

/* Files outside of partition folders do not count once there are some. */
static vonk_status read_partitions(listing *l, const found_file *first, partition_texts *t, vonk_error *err)
{
    vonk_str names[MOST_PARTITION_COLUMNS], name;
    const found_file example = *first;
    size_t kept = 0;
    t->n = example.n_pieces;
    VONK_TRY(vonk_arena_array(l->arena, t->n, sizeof *t->names, &t->names, err));
    VONK_TRY(piece_names(l, &example, t->names, err));
    VONK_TRY(vonk_arena_array(l->arena, l->files.n * t->n, sizeof *t->texts, &t->texts, err));
    for (size_t f = 0; f < l->files.n; f++) {
        const found_file file = l->files.at[f];
        if (file.n_pieces == 0) continue;
        if (file.pieces != example.pieces) {
            VONK_TRY(piece_names(l, &file, names, err));
            if (!same_names(l, names, file.n_pieces, t->names, t->n)) return conflict(l, &example, &file, err);
        }
        for (uint32_t i = 0; i < t->n; i++)
            VONK_TRY(split_piece(l->arena, file.pieces[i], &name, &t->texts[kept * t->n + i], err));
        l->files.at[kept++] = file;
    }
    l->files.n = kept;
    return VONK_OK;
}

/* Without partition columns only what lies right in the given folders is read. */
static void keep_direct(listing *l)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->files.n; i++) {
        if (l->files.at[i].direct) l->files.at[kept++] = l->files.at[i];
    }
    l->files.n = kept;
}

/* ---- all together */

/* A time as the session reads it, or as the option timeZone says. */
static vonk_status time_option(const listing *l, const char *key, const char *strategy, int64_t *inout, vonk_error *err)
{
    const vonk_zone *zone = NULL;
    vonk_str text = vonk__option(l->read->options, l->read->n_options, key);
    vonk_str name = vonk__option(l->read->options, l->read->n_options, "timeZone");
    if (!text.data) return VONK_OK;
    VONK_TRY(vonk_zone_find(name.data ? name : l->env->time_zone, &zone, err));
    if (vonk_text_to_timestamp(text, zone, l->env->now_us, inout)) return VONK_OK;
    return VONK_FAIL(err, VONK_E__LEGACY_ERROR_TEMP_1294, "strategy", strategy, "timeString", VONK_S(text));
}

static vonk_status base_option(listing *l, vonk_error *err)
{
    vonk_file_info info;
    bool is_there = false;
    vonk_str base = vonk__option(l->read->options, l->read->n_options, "basePath");
    if (!base.data) return VONK_OK;
    VONK_TRY(vonk__local_path(l->arena, base, &l->base, err));
    VONK_TRY(vonk_file_exists(l->base, &is_there, err));
    if (!is_there) return bad_base("Option 'basePath' not found", err);
    VONK_TRY(vonk_file_stat(l->base, &info, err));
    if (info.kind != VONK_FILE_DIRECTORY) return bad_base("Option 'basePath' must be a directory", err);
    return vonk_strmap_put(l->bases, l->base, l, NULL, err);
}

static vonk_status open_listing(listing *l, vonk_error *err)
{
    const vonk_read_info *read = l->read;
    VONK_TRY(base_option(l, err));
    l->name_filter = vonk__option(read->options, read->n_options, "pathGlobFilter");
    VONK_TRY(time_option(l, "modifiedAfter", "modifiedafter", &l->after_us, err));
    VONK_TRY(time_option(l, "modifiedBefore", "modifiedbefore", &l->before_us, err));
    return vonk__option_bool(read->options, read->n_options, "recursiveFileLookup", false, &l->recursive, err);
}

/* The paths asked for; the option "path" when there are none. */
static vonk_status find_files(listing *l, bool legacy_paths, source_files *ret, vonk_error *err)
{
    const vonk_str option = vonk__option(l->read->options, l->read->n_options, "path");
    if (l->read->n_paths > 0 && option.data && !legacy_paths)
        return VONK_FAIL(err, VONK_E__LEGACY_ERROR_TEMP_1306, "config", "spark.sql.legacy.pathOptionBehavior.enabled");
    const vonk_str *paths = l->read->n_paths == 0 && option.data ? &option : l->read->paths;
    ret->n_roots = l->read->n_paths == 0 && option.data ? 1 : l->read->n_paths;
    VONK_TRY(vonk_arena_array(l->arena, ret->n_roots, sizeof *ret->roots, &ret->roots, err));
    for (size_t i = 0; i < ret->n_roots; i++) {
        if (paths[i].len == 0) return bad_base("a path is empty", err);
        VONK_TRY(list_path(l, paths[i], &ret->roots[i], err));
    }
    if (l->files.n > 1) qsort(l->files.at, l->files.n, sizeof *l->files.at, by_path);
    return VONK_OK;
}

static vonk_status list(listing *l, vonk_budget *budget, const vonk_conf *conf, source_files *ret, vonk_error *err)
{
    partition_texts texts = {0};
    const found_file *first = NULL;
    VONK_TRY(open_listing(l, err));
    VONK_TRY(find_files(l, vonk_conf_bool(conf, "spark.sql.legacy.pathOptionBehavior.enabled"), ret, err));
    if (!l->recursive) {
        VONK_TRY(find_pieces(l, &first, err));
        if (first)
            VONK_TRY(read_partitions(l, first, &texts, err));
        else
            keep_direct(l);
    }
    VONK_TRY(vonk_arena_array(ret->arena, l->files.n, sizeof *ret->at, &ret->at, err));
    for (size_t i = 0; i < l->files.n; i++) {
        const found_file *f = &l->files.at[i];
        ret->at[i] = (source_file){.path = f->path, .bytes = f->bytes, .mtime_us = f->mtime_us};
        VONK_TRY(vonk__file_uri(ret->arena, f->path, &ret->at[i].uri, err));
    }
    ret->n = l->files.n;
    if (texts.n == 0) return VONK_OK;
    return vonk__partition_values(budget, conf, l->env, ret, texts.names, texts.n, texts.texts, l->read->schema, err);
}

vonk_status vonk__files_list(vonk_budget *budget, const vonk_conf *conf, const vonk_fn_env *env,
                             const vonk_read_info *read, source_files *ret, vonk_error *err)
{
    source_files files = {0};
    VONK_TRY(vonk_arena_new(budget, &files.arena, err));
    listing l = {.arena = files.arena, .read = read, .env = env, .after_us = INT64_MIN, .before_us = INT64_MAX};
    vonk_status st = vonk_strmap_new(budget, false, &l.bases, err);
    if (st == VONK_OK) st = list(&l, budget, conf, &files, err);
    vonk_strmap_free(l.bases);
    if (st != VONK_OK) {
        vonk__files_done(&files);
        return st;
    }
    *ret = files;
    return VONK_OK;
}

void vonk__files_done(source_files *files)
{
    vonk_arena_free(files->arena);
    *files = (source_files){0};
}
