/* sys/glob.c -- Hadoop's path patterns.
 *
 * Braces that hold a slash are opened first, so that a pattern becomes paths of components. Then one component after
 * the other: braces are opened into alternatives; when all of them are plain names they are put behind each path found
 * so far, else each of these paths is listed once and its names are matched. */
#include <stdlib.h>

#include "base/vec.h"
#include "sys/files.h"
#include "sys/glob.h"

typedef VONK_VEC(vonk_str) strs;

bool vonk_glob_is_pattern(vonk_str path)
{
    for (size_t i = 0; i < path.len; i++)
        if (path.data[i] && strchr("{}[]*?\\", path.data[i])) return true;
    return false;
}

static vonk_status bad_pattern(vonk_str pattern, const char *problem, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_FAILED_READ_FILE__NO_HINT, "path", VONK_S(pattern), "problem", problem);
}

/* ---- checking ---- */

static vonk_status check(vonk_str pattern, vonk_error *err)
{
    size_t open = 0;
    bool in_set = false;
    assert(pattern.data || pattern.len == 0);
    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.data[i];
        if (c == '\\' && ++i == pattern.len)
            return bad_pattern(pattern, "a backslash stands at the end of the pattern", err);
        if (c == '[') {
            if (in_set) return bad_pattern(pattern, "a character class of the pattern is not closed", err);
            in_set = true;
            size_t first = i + 1;
            if (first < pattern.len && (pattern.data[first] == '^' || pattern.data[first] == '!')) first++;
            if (first < pattern.len && pattern.data[first] == ']')
                return bad_pattern(pattern, "a character class of the pattern is empty", err);
        }
        if (c == ']') in_set = false;
        if (c == '{' && !in_set) open++;
        if (c == '}' && !in_set && open) open--;
    }
    if (in_set) return bad_pattern(pattern, "a character class of the pattern is not closed", err);
    if (open) return bad_pattern(pattern, "a group of the pattern is not closed", err);
    return VONK_OK;
}

/* ---- braces ---- */

typedef struct group {
    size_t open, close; /* of the first group that is looked for */
    bool found;
} group;

/* The first outermost group; with_slash: that has a slash somewhere inside. */
static group first_group(vonk_str p, bool with_slash)
{
    group g = {0};
    size_t depth = 0;
    bool in_set = false, slash = false;
    for (size_t i = 0; i < p.len; i++) {
        char c = p.data[i];
        if (c == '\\')
            i++;
        else if (c == '[')
            in_set = true;
        else if (c == ']')
            in_set = false;
        else if (in_set)
            continue;
        else if (c == '{') {
            if (depth == 0) g.open = i, slash = false;
            depth++;
        } else if (c == '/' && depth)
            slash = true;
        else if (c == '}' && depth) {
            depth--;
            if (depth || (with_slash && !slash)) continue;
            g.close = i;
            g.found = true;
            return g;
        }
    }
    return g;
}

static vonk_status add_alternative(vonk_arena *arena, vonk_str p, group g, size_t from, size_t to, strs *into,
                                   vonk_error *err)
{
    vonk_str s;
    VONK_TRY(vonk_arena_printf(arena, &s, err, "%.*s%.*s%.*s", (int)g.open, p.data, (int)(to - from), p.data + from,
                               (int)(p.len - g.close - 1), p.data + g.close + 1));
    if (into->n == VONK_GLOB_MOST) return bad_pattern(p, "the pattern has too many alternatives", err);
    return VONK_VEC_ARENA_PUSH(into, arena, s, err);
}

static vonk_status open_group(vonk_arena *arena, vonk_str p, group g, strs *into, vonk_error *err)
{
    size_t depth = 0, from = g.open + 1;
    bool in_set = false;
    for (size_t i = g.open + 1; i <= g.close; i++) {
        char c = p.data[i];
        if (c == '\\')
            i++;
        else if (c == '[')
            in_set = true;
        else if (c == ']')
            in_set = false;
        else if (in_set)
            continue;
        else if (c == '{')
            depth++;
        else if (c == '}' && depth)
            depth--;
        else if (depth == 0 && (c == ',' || i == g.close)) {
            VONK_TRY(add_alternative(arena, p, g, from, i, into, err));
            from = i + 1;
        }
    }
    return VONK_OK;
}

static vonk_status open_braces(vonk_arena *arena, vonk_str pattern, bool with_slash, strs *ret, vonk_error *err)
{
    strs open = {0};
    *ret = (strs){0};
    VONK_TRY(VONK_VEC_ARENA_PUSH(&open, arena, pattern, err));
    while (open.n) {
        vonk_str p = open.at[--open.n];
        group g = first_group(p, with_slash);
        if (g.found) {
            VONK_TRY(open_group(arena, p, g, &open, err));
            continue;
        }
        if (ret->n == VONK_GLOB_MOST) return bad_pattern(pattern, "the pattern has too many alternatives", err);
        VONK_TRY(VONK_VEC_ARENA_PUSH(ret, arena, p, err));
    }
    return VONK_OK;
}

/* ---- matching one name ---- */

/* One UTF-8 character at *inout_at; a byte that starts none stands for itself. */
static uint32_t next_char(vonk_str s, size_t *inout_at)
{
    const uint8_t *b = (const uint8_t *)s.data + *inout_at;
    size_t left = s.len - *inout_at, n = b[0] < 0xc2 ? 1 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : b[0] < 0xf5 ? 4 : 1;
    for (size_t i = 1; i < n; i++)
        if (i >= left || (b[i] & 0xc0) != 0x80) n = 1;
    *inout_at += n;
    if (n == 1) return b[0];
    uint32_t c = b[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) c = c << 6 | (b[i] & 0x3fu);
    return c;
}

/* The set that starts behind '[' at *inout_at; leaves *inout_at behind ']'. */
static bool is_in_set(vonk_str p, size_t *inout_at, uint32_t c)
{
    bool is_in = false, negated = false;
    if (p.data[*inout_at] == '^' || p.data[*inout_at] == '!') negated = true, ++*inout_at;
    while (p.data[*inout_at] != ']') {
        if (p.data[*inout_at] == '\\') ++*inout_at;
        uint32_t low = next_char(p, inout_at), high = low;
        if (*inout_at + 1 < p.len && p.data[*inout_at] == '-' && p.data[*inout_at + 1] != ']') {
            ++*inout_at;
            if (p.data[*inout_at] == '\\') ++*inout_at;
            high = next_char(p, inout_at);
        }
        if (c >= low && c <= high) is_in = true;
    }
    ++*inout_at;
    return is_in != negated;
}

/* A checked pattern without braces. Only the last star is ever gone back to: linear for one star, quadratic at worst.
 */
static bool matches(vonk_str p, vonk_str name)
{
    size_t at = 0, in = 0, star_at = SIZE_MAX, star_in = 0;
    while (in < name.len || at < p.len) {
        if (at < p.len && p.data[at] == '*') {
            star_at = ++at;
            star_in = in;
            continue;
        }
        if (at < p.len && in < name.len) {
            size_t next_at = at, next_in = in;
            uint32_t c = next_char(name, &next_in);
            bool is_one;
            if (p.data[at] == '?')
                next_at++, is_one = true;
            else if (p.data[at] == '[')
                next_at++, is_one = is_in_set(p, &next_at, c);
            else {
                if (p.data[at] == '\\') next_at++;
                is_one = next_char(p, &next_at) == c;
            }
            if (is_one) {
                at = next_at, in = next_in;
                continue;
            }
        }
        if (star_at == SIZE_MAX || star_in >= name.len) return false;
        next_char(name, &star_in);
        at = star_at, in = star_in;
    }
    return true;
}

static bool matches_any(const strs *patterns, vonk_str name)
{
    for (size_t i = 0; i < patterns->n; i++)
        if (matches(patterns->at[i], name)) return true;
    return false;
}

vonk_status vonk_glob_match(vonk_str pattern, vonk_str name, bool *ret, vonk_error *err)
{
    VONK_TRY(check(pattern, err));
    if (!first_group(pattern, false).found) {
        *ret = matches(pattern, name);
        return VONK_OK;
    }
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_TRY(vonk_arena_new(vonk_budget_root(), &arena, err));
    strs alternatives;
    VONK_TRY(open_braces(arena, pattern, false, &alternatives, err));
    *ret = matches_any(&alternatives, name);
    return VONK_OK;
}

/* ---- walking ---- */

static bool is_plain(vonk_str p)
{
    for (size_t i = 0; i < p.len; i++) {
        if (p.data[i] == '\\')
            i++;
        else if (p.data[i] == '*' || p.data[i] == '?' || p.data[i] == '[')
            return false;
    }
    return true;
}

static vonk_status unescape(vonk_arena *arena, vonk_str p, vonk_str *ret, vonk_error *err)
{
    char *out;
    size_t n = 0;
    VONK_TRY(vonk_arena_alloc(arena, p.len + 1, &out, err));
    for (size_t i = 0; i < p.len; i++) {
        if (p.data[i] == '\\' && i + 1 < p.len) i++;
        out[n++] = p.data[i];
    }
    *ret = (vonk_str){out, n};
    return VONK_OK;
}

static vonk_status add_names(vonk_arena *arena, vonk_str directory, const strs *patterns, bool is_last, strs *into,
                             vonk_error *err)
{
    vonk_dir_entry *entries;
    size_t n;
    vonk_error own = VONK_ERROR_INIT;
    vonk_status st = vonk_dir_list(arena, directory.len ? directory : VONK_STR("."), &entries, &n, &own);
    if (st == VONK_E_PATH_NOT_FOUND) { /* nothing of that name, or no directory */
        vonk_error_reset(&own);
        return VONK_OK;
    }
    if (st != VONK_OK) {
        if (err) vonk_error_move(err, &own);
        vonk_error_reset(&own);
        return st;
    }
    for (size_t i = 0; i < n; i++) {
        if (!is_last && entries[i].info.kind != VONK_FILE_DIRECTORY) continue;
        if (!matches_any(patterns, entries[i].name)) continue;
        vonk_str path;
        VONK_TRY(vonk_path_join(arena, directory, entries[i].name, &path, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(into, arena, path, err));
    }
    return VONK_OK;
}

static vonk_status step(vonk_arena *arena, const strs *paths, vonk_str component, bool is_last, strs *ret,
                        vonk_error *err)
{
    strs patterns;
    VONK_TRY(check(component, err)); /* the slash may have cut a class or an escape in two */
    VONK_TRY(open_braces(arena, component, false, &patterns, err));
    bool all_plain = true;
    for (size_t i = 0; i < patterns.n; i++) all_plain &= is_plain(patterns.at[i]);
    *ret = (strs){0};
    for (size_t k = 0; k < paths->n; k++) {
        if (!all_plain) {
            VONK_TRY(add_names(arena, paths->at[k], &patterns, is_last, ret, err));
            continue;
        }
        for (size_t i = 0; i < patterns.n; i++) {
            vonk_str name, path;
            VONK_TRY(unescape(arena, patterns.at[i], &name, err));
            VONK_TRY(vonk_path_join(arena, paths->at[k], name, &path, err));
            if (ret->n == VONK_GLOB_MOST) return bad_pattern(component, "the pattern has too many alternatives", err);
            VONK_TRY(VONK_VEC_ARENA_PUSH(ret, arena, path, err));
        }
    }
    return VONK_OK;
}

static vonk_status expand_path(vonk_arena *arena, vonk_str pattern, strs *into, vonk_error *err)
{
    strs paths = {0};
    VONK_TRY(VONK_VEC_ARENA_PUSH(&paths, arena, (pattern.len && pattern.data[0] == '/' ? VONK_STR("/") : VONK_STR("")),
                                 err));
    for (size_t at = 0; at < pattern.len && paths.n;) {
        size_t end = vonk_str_find_byte(pattern, '/', at);
        if (end == SIZE_MAX) end = pattern.len;
        vonk_str component = vonk_str_sub(pattern, at, end);
        at = end + 1;
        if (component.len == 0) continue;
        strs next;
        VONK_TRY(step(arena, &paths, component, at >= pattern.len, &next, err));
        paths = next;
    }
    for (size_t i = 0; i < paths.n; i++) {
        bool exists;
        VONK_TRY(vonk_file_exists(paths.at[i], &exists, err));
        if (exists) VONK_TRY(VONK_VEC_ARENA_PUSH(into, arena, paths.at[i], err));
    }
    return VONK_OK;
}

static int by_bytes(const void *a, const void *b)
{
    return vonk_str_compare(*(const vonk_str *)a, *(const vonk_str *)b);
}

vonk_status vonk_glob_expand(vonk_arena *arena, vonk_str pattern, vonk_str **ret_paths, size_t *ret_n, vonk_error *err)
{
    VONK_TRY(check(pattern, err));
    strs patterns, found = {0};
    VONK_TRY(open_braces(arena, pattern, true, &patterns, err));
    for (size_t i = 0; i < patterns.n; i++) VONK_TRY(expand_path(arena, patterns.at[i], &found, err));
    if (found.n) qsort(found.at, found.n, sizeof(*found.at), by_bytes);
    size_t n = 0;
    for (size_t i = 0; i < found.n; i++)
        if (n == 0 || !vonk_str_eq(found.at[n - 1], found.at[i])) found.at[n++] = found.at[i];
    *ret_paths = found.at;
    *ret_n = n;
    return VONK_OK;
}
