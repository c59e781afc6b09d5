/* source/files.c -- see files.h. */
#include "source/files.h"

#include <stdlib.h>

#include "base/vec.h"
#include "sys/files.h"
#include "sys/glob.h"

#define MOST_DEPTH 256

typedef struct found_file {
    vonk_str path, below; /* below: directories between the base path and the file */
    int64_t bytes, mtime_us;
    bool direct; /* right in a root folder, or a root itself */
} found_file;

typedef struct listing {
    vonk_arena *arena;
    const vonk_read_info *read;
    vonk_str base, name_filter;
    bool recursive;
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
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
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

/* Directories of `path`'s parent below `base`; empty when it is not below. */
static vonk_str below_base(vonk_str base, vonk_str directory)
{
    if (!vonk_str_starts(directory, base) || directory.len <= base.len) return (vonk_str){"", 0};
    size_t from = base.len > 1 ? base.len + 1 : 1;
    if (base.len > 1 && directory.data[base.len] != '/') return (vonk_str){"", 0};
    return vonk_str_sub(directory, from, directory.len);
}

static vonk_status add_file(listing *l, vonk_str path, const vonk_file_info *info, vonk_str base, bool direct,
                            vonk_error *err)
{
    bool match = true;
    if (l->name_filter.data) VONK_TRY(vonk_glob_match(l->name_filter, last_name(path), &match, err));
    if (!match || info->size_bytes == 0) return VONK_OK;
    found_file f = {.path = path,
                    .below = below_base(base, parent_of(path)),
                    .bytes = info->size_bytes,
                    .mtime_us = info->mtime_us,
                    .direct = direct};
    return VONK_VEC_ARENA_PUSH(&l->files, l->arena, f, err);
}

static vonk_status walk(listing *l, vonk_str directory, vonk_str base, uint32_t depth, vonk_error *err)
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
            VONK_TRY(walk(l, path, base, depth + 1, err));
        else
            VONK_TRY(add_file(l, path, &entries[i].info, base, depth == 0, err));
    }
    return VONK_OK;
}

static vonk_status not_found(listing *l, vonk_str path, vonk_error *err)
{
    vonk_str shown;
    VONK_TRY(vonk__show_path(l->arena, path, &shown, err));
    return VONK_FAIL(err, VONK_E_PATH_NOT_FOUND, "path", VONK_S(shown));
}

static vonk_status list_root(listing *l, vonk_str path, vonk_error *err)
{
    vonk_file_info info;
    vonk_error missing = VONK_ERROR_INIT;
    vonk_status st = vonk_file_stat(path, &info, &missing);
    vonk_error_reset(&missing);
    if (st != VONK_OK) return not_found(l, path, err);
    if (info.kind != VONK_FILE_DIRECTORY)
        return add_file(l, path, &info, l->base.data ? l->base : parent_of(path), true, err);
    return walk(l, path, l->base.data ? l->base : path, 0, err);
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

/* The k=v directories of `below`, read from the file upwards: what lies below the lowest one does not count, and what
 * lies above ends them. */
static uint32_t partition_pieces(vonk_str below, vonk_str *pieces, uint32_t room)
{
    uint32_t n = 0;
    size_t end = below.len;
    while (end > 0 && n < room) {
        size_t from = end;
        while (from > 0 && below.data[from - 1] != '/') from--;
        vonk_str name = vonk_str_sub(below, from, end);
        if (vonk_str_find_byte(name, '=', 0) != SIZE_MAX)
            pieces[n++] = name;
        else if (n > 0)
            break;
        end = from > 0 ? from - 1 : 0;
    }
    for (uint32_t i = 0; i < n / 2; i++) {
        vonk_str t = pieces[i];
        pieces[i] = pieces[n - 1 - i];
        pieces[n - 1 - i] = t;
    }
    return n;
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

#define MOST_PARTITION_COLUMNS 64

typedef struct partition_texts {
    vonk_str *names, *texts; /* texts[file * n + column] */
    uint32_t n;
} partition_texts;

static vonk_status add_names(vonk_buf *out, uint32_t number, const vonk_str *names, uint32_t n, vonk_error *err)
{
    VONK_TRY(vonk_buf_printf(out, err, "\n\tPartition column name list #%u: ", number));
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0) VONK_TRY(vonk_buf_add_c(out, ", ", err));
        VONK_TRY(vonk_buf_add_str(out, names[i], err));
    }
    return VONK_OK;
}

static vonk_status conflict(listing *l, const partition_texts *t, vonk_str path, const vonk_str *names, uint32_t n,
                            vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf lists = {0};
    vonk_buf_init(&lists, vonk_arena_budget(l->arena), SIZE_MAX);
    VONK_TRY(add_names(&lists, 0, t->names, t->n, err));
    VONK_TRY(add_names(&lists, 1, names, n, err));
    VONK_TRY(vonk_buf_add_byte(&lists, 0, err));
    return VONK_FAIL(err, VONK_E_CONFLICTING_PARTITION_COLUMN_NAMES, "distinctPartColLists", lists.data,
                     "suspiciousPaths", VONK_F("\n\tfile:%.*s", VONK_STR_ARGS(path)));
}

static vonk_status read_partitions(listing *l, partition_texts *t, vonk_error *err)
{
    vonk_str pieces[MOST_PARTITION_COLUMNS], names[MOST_PARTITION_COLUMNS], text;
    for (size_t f = 0; f < l->files.n; f++) {
        const found_file *file = &l->files.at[f];
        uint32_t n = partition_pieces(file->below, pieces, MOST_PARTITION_COLUMNS);
        for (uint32_t i = 0; i < n; i++) VONK_TRY(split_piece(l->arena, pieces[i], &names[i], &text, err));
        if (f == 0) {
            t->n = n;
            VONK_TRY(vonk_arena_array(l->arena, n, sizeof *t->names, &t->names, err));
            if (n > 0) memcpy(t->names, names, n * sizeof *names);
            VONK_TRY(vonk_arena_array(l->arena, l->files.n * n, sizeof *t->texts, &t->texts, err));
        }
        bool same = n == t->n;
        for (uint32_t i = 0; i < n && same; i++) same = vonk_str_eq(names[i], t->names[i]);
        if (!same) return conflict(l, t, file->path, names, n, err);
        for (uint32_t i = 0; i < n; i++)
            VONK_TRY(split_piece(l->arena, pieces[i], &names[i], &t->texts[f * n + i], err));
    }
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

static bool any_partition(const listing *l)
{
    vonk_str piece;
    for (size_t i = 0; i < l->files.n; i++) {
        if (partition_pieces(l->files.at[i].below, &piece, 1) > 0) return true;
    }
    return false;
}

/* ---- all together */

static vonk_status open_listing(listing *l, vonk_error *err)
{
    const vonk_read_info *read = l->read;
    vonk_str base = vonk__option(read->options, read->n_options, "basePath");
    if (base.data) VONK_TRY(vonk__local_path(l->arena, base, &l->base, err));
    l->name_filter = vonk__option(read->options, read->n_options, "pathGlobFilter");
    for (uint32_t i = 0; i < 2; i++) {
        const char *key = i == 0 ? "modifiedBefore" : "modifiedAfter";
        if (vonk__option(read->options, read->n_options, key).data)
            return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("the option %s", key));
    }
    return vonk__option_bool(read->options, read->n_options, "recursiveFileLookup", false, &l->recursive, err);
}

static vonk_status list(vonk_budget *budget, const vonk_conf *conf, const vonk_fn_env *env, const vonk_read_info *read,
                        source_files *ret, vonk_error *err)
{
    listing l = {.arena = ret->arena, .read = read};
    partition_texts texts = {0};
    VONK_TRY(open_listing(&l, err));
    VONK_TRY(vonk_arena_array(ret->arena, read->n_paths, sizeof *ret->roots, &ret->roots, err));
    ret->n_roots = read->n_paths;
    for (uint32_t i = 0; i < read->n_paths; i++) VONK_TRY(list_path(&l, read->paths[i], &ret->roots[i], err));
    if (l.files.n > 1) qsort(l.files.at, l.files.n, sizeof *l.files.at, by_path);
    if (!l.recursive) {
        if (any_partition(&l))
            VONK_TRY(read_partitions(&l, &texts, err));
        else
            keep_direct(&l);
    }
    VONK_TRY(vonk_arena_array(ret->arena, l.files.n, sizeof *ret->at, &ret->at, err));
    for (size_t i = 0; i < l.files.n; i++)
        ret->at[i] =
            (source_file){.path = l.files.at[i].path, .bytes = l.files.at[i].bytes, .mtime_us = l.files.at[i].mtime_us};
    ret->n = l.files.n;
    if (texts.n == 0) return VONK_OK;
    return vonk__partition_values(budget, conf, env, ret, texts.names, texts.n, texts.texts, read->schema, err);
}

vonk_status vonk__files_list(vonk_budget *budget, const vonk_conf *conf, const vonk_fn_env *env,
                             const vonk_read_info *read, source_files *ret, vonk_error *err)
{
    source_files files = {0};
    VONK_TRY(vonk_arena_new(budget, &files.arena, err));
    vonk_status st = list(budget, conf, env, read, &files, err);
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
