/* base/str.h -- a borrowed piece of bytes (UTF-8 unless said otherwise), not NUL-terminated. Copy freely; it owns nothing. */
#ifndef VONK_BASE_STR_H
#define VONK_BASE_STR_H

#include <string.h>

#include "base/attr.h"
#include "base/forward.h"

typedef struct vonk_str {
    const char *data; /* may be NULL when len is 0 */
    size_t      len;  /* bytes */
} vonk_str;

#define VONK_STR(literal) ((vonk_str){"" literal, sizeof(literal) - 1})
#define VONK_STR_NONE     ((vonk_str){NULL, 0})
#define VONK_STR_ARGS(s)  (int)(s).len, (s).data /* for "%.*s" */

static inline vonk_str vonk_str_of(const char *c_string)
{
    return (vonk_str){c_string, c_string ? strlen(c_string) : 0};
}
static inline bool vonk_str_eq(vonk_str a, vonk_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}
static inline bool vonk_str_is(vonk_str a, const char *c_string) { return vonk_str_eq(a, vonk_str_of(c_string)); }
static inline vonk_str vonk_str_sub(vonk_str s, size_t from, size_t to)
{
    assert(from <= to && to <= s.len);
    if (!s.data) return (vonk_str){0}; /* len is 0 then */
    return (vonk_str){s.data + from, to - from};
}
static inline bool vonk_str_starts(vonk_str s, vonk_str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.data, prefix.data, prefix.len) == 0);
}
static inline bool vonk_str_ends(vonk_str s, vonk_str suffix)
{
    return s.len >= suffix.len && (suffix.len == 0 || memcmp(s.data + s.len - suffix.len, suffix.data, suffix.len) == 0);
}

/* ASCII case is folded; other bytes compare as they are (identifiers, keywords, configuration). */
bool vonk_str_eq_nocase(vonk_str a, vonk_str b);
bool vonk_str_is_nocase(vonk_str a, const char *c_string);
int  vonk_str_compare(vonk_str a, vonk_str b); /* bytewise, as memcmp then length; -1, 0, 1 */
/* Position of the first occurrence at or after `from`, SIZE_MAX when there is none. */
size_t   vonk_str_find(vonk_str hay, vonk_str needle, size_t from);
size_t   vonk_str_find_byte(vonk_str hay, char byte, size_t from);
vonk_str vonk_str_trim(vonk_str s); /* without ASCII white space and control bytes at both ends */

#endif
