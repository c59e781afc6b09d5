/* base/str.c -- comparing and searching borrowed bytes. */
#include "base/str.h"

static inline unsigned char lower(char c)
{
    unsigned char u = (unsigned char)c;
    return u >= 'A' && u <= 'Z' ? (unsigned char)(u | 0x20) : u;
}

bool vonk_str_eq_nocase(vonk_str a, vonk_str b)
{
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.data[i]) != lower(b.data[i])) return false;
    return true;
}

bool vonk_str_is_nocase(vonk_str a, const char *c_string) { return vonk_str_eq_nocase(a, vonk_str_of(c_string)); }

int vonk_str_compare(vonk_str a, vonk_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.data, b.data, n) : 0;
    if (c == 0) return (a.len > b.len) - (a.len < b.len);
    return c < 0 ? -1 : 1;
}

size_t vonk_str_find(vonk_str hay, vonk_str needle, size_t from)
{
    if (from > hay.len) return SIZE_MAX;
    if (needle.len == 0) return from;
    if (needle.len > hay.len - from) return SIZE_MAX;
    const char *at = memmem(hay.data + from, hay.len - from, needle.data, needle.len);
    return at ? (size_t)(at - hay.data) : SIZE_MAX;
}

size_t vonk_str_find_byte(vonk_str hay, char byte, size_t from)
{
    if (from >= hay.len) return SIZE_MAX;
    const char *at = memchr(hay.data + from, byte, hay.len - from);
    return at ? (size_t)(at - hay.data) : SIZE_MAX;
}

static bool is_blank(char c) { return (unsigned char)c <= 0x20 || c == 0x7f; }

vonk_str vonk_str_trim(vonk_str s)
{
    while (s.len && is_blank(s.data[0])) s.data++, s.len--;
    while (s.len && is_blank(s.data[s.len - 1])) s.len--;
    return s;
}
