/* text/like.c -- patterns of LIKE. */
#include "text/like.h"

#include "text/chars.h"

enum { WILD = 0xFF };

static vonk_status bad_escape(vonk_str pattern, const vonk_str *before, vonk_error *err)
{
    char shown[512]; /* as a literal writes it: backslashes twice */
    size_t n = 0;
    for (size_t i = 0; i < pattern.len && n + 3 < sizeof(shown); i++) {
        if (pattern.data[i] == '\\') shown[n++] = '\\';
        shown[n++] = pattern.data[i];
    }
    const char *format = VONK_F("'%.*s'", (int)n, shown);
    if (!before) return VONK_FAIL(err, VONK_E_INVALID_FORMAT__ESC_AT_THE_END, "format", format);
    return VONK_FAIL(err, VONK_E_INVALID_FORMAT__ESC_IN_THE_MIDDLE, "format", format, "char",
                     VONK_F("'%.*s'", VONK_STR_ARGS(*before)));
}

/* Splits the pattern into parts; `bytes` has room for all of their texts. */
static vonk_status split(vonk_str pattern, uint32_t escape, char *bytes, vonk_like *like, vonk_error *err)
{
    vonk_like_part *part = &like->parts[like->n_parts++];
    part->text.data = bytes;
    for (size_t i = 0; i < pattern.len;) {
        size_t at = i, start = i;
        uint32_t c = vonk_char_decode(pattern, &at);
        bool escaped = c == escape && escape != 0;
        if (escaped) {
            if (at >= pattern.len) return bad_escape(pattern, NULL, err);
            start = at;
            c = vonk_char_decode(pattern, &at);
            vonk_str shown = vonk_str_sub(pattern, start, at);
            if (c != '%' && c != '_' && c != escape) return bad_escape(pattern, &shown, err);
        }
        i = at;
        if (c == '%' && !escaped) {
            part = &like->parts[like->n_parts++];
            part->text.data = bytes;
            continue;
        }
        part->n_chars++;
        if (c == '_' && !escaped) {
            *bytes++ = (char)WILD;
            part->wild = true;
        } else {
            memcpy(bytes, pattern.data + start, at - start);
            bytes += at - start;
        }
        part->text.len = (size_t)(bytes - part->text.data);
    }
    return VONK_OK;
}

static void choose_kind(vonk_like *l)
{
    const vonk_like_part *p = l->parts;
    size_t n = l->n_parts;
    bool empty_middle = true;
    l->kind = VONK_LIKE_GENERAL;
    for (size_t i = 0; i < n; i++) {
        if (p[i].wild) return;
        if (i && i + 1 < n && p[i].text.len) empty_middle = false;
    }
    l->first = p[0].text;
    l->last = p[n - 1].text;
    if (n == 1) {
        l->kind = VONK_LIKE_EXACT;
        return;
    }
    if (!empty_middle) {
        if (n != 3 || l->first.len || l->last.len) return;
        l->kind = VONK_LIKE_CONTAINS;
        l->last = p[1].text;
        return;
    }
    l->kind = l->first.len && l->last.len ? VONK_LIKE_SANDWICH
              : l->first.len              ? VONK_LIKE_STARTS
              : l->last.len               ? VONK_LIKE_ENDS
                                          : VONK_LIKE_ANY;
}

vonk_status vonk_like_compile(vonk_arena *arena, vonk_str pattern, uint32_t escape, vonk_like *ret, vonk_error *err)
{
    size_t n_parts = 1;
    char *bytes;
    *ret = (vonk_like){0};
    for (size_t i = 0; i < pattern.len; i++) n_parts += pattern.data[i] == '%';
    VONK_TRY(vonk_arena_array(arena, n_parts, sizeof(*ret->parts), &ret->parts, err));
    VONK_TRY(vonk_arena_alloc(arena, pattern.len + 1, &bytes, err));
    VONK_TRY(split(pattern, escape, bytes, ret, err));
    choose_kind(ret);
    return VONK_OK;
}

/* Does the part stand at byte `at`? Gives the byte behind it, SIZE_MAX: no. */
static size_t part_at(const vonk_like_part *p, vonk_str s, size_t at)
{
    if (!p->wild) {
        if (s.len - at < p->text.len || memcmp(s.data + at, p->text.data, p->text.len) != 0) return SIZE_MAX;
        return at + p->text.len;
    }
    for (size_t i = 0; i < p->text.len; i++) {
        if (at >= s.len) return SIZE_MAX;
        if ((uint8_t)p->text.data[i] == WILD)
            at += vonk_char_at(s, at);
        else if (s.data[at++] != p->text.data[i])
            return SIZE_MAX;
    }
    return at;
}

/* The first place at or after `from` where the part stands; gives the byte behind it. */
static size_t find_part(const vonk_like_part *p, vonk_str s, size_t from)
{
    if (!p->wild) {
        size_t at = vonk_str_find(s, p->text, from);
        return at == SIZE_MAX ? SIZE_MAX : at + p->text.len;
    }
    for (size_t at = from; at < s.len; at += vonk_char_at(s, at)) {
        size_t end = part_at(p, s, at);
        if (end != SIZE_MAX) return end;
    }
    return SIZE_MAX;
}

/* Does the text end with the part, not before byte `from`? */
static bool ends_with_part(const vonk_like_part *p, vonk_str s, size_t from)
{
    size_t at = s.len;
    if (!p->wild) return at - from >= p->text.len && part_at(p, s, at - p->text.len) == s.len;
    for (size_t n = p->n_chars; n; n--) {
        if (at <= from) return false;
        at = vonk_chars_back(s, at);
    }
    return at >= from && part_at(p, s, at) == s.len;
}

static bool match_general(const vonk_like *l, vonk_str s)
{
    size_t at = part_at(&l->parts[0], s, 0);
    if (at == SIZE_MAX) return false;
    if (l->n_parts == 1) return at == s.len;
    for (size_t i = 1; i + 1 < l->n_parts; i++) {
        if (!l->parts[i].text.len) continue;
        at = find_part(&l->parts[i], s, at);
        if (at == SIZE_MAX) return false;
    }
    return ends_with_part(&l->parts[l->n_parts - 1], s, at);
}

bool vonk_like_match(const vonk_like *l, vonk_str s)
{
    switch (l->kind) {
    case VONK_LIKE_EXACT: return vonk_str_eq(s, l->first);
    case VONK_LIKE_STARTS: return vonk_str_starts(s, l->first);
    case VONK_LIKE_ENDS: return vonk_str_ends(s, l->last);
    case VONK_LIKE_CONTAINS: return vonk_str_find(s, l->last, 0) != SIZE_MAX;
    case VONK_LIKE_SANDWICH:
        return s.len >= l->first.len + l->last.len && vonk_str_starts(s, l->first) && vonk_str_ends(s, l->last);
    case VONK_LIKE_ANY: return true;
    default: return match_general(l, s);
    }
}
