/* base/error_summary.c -- the place of an error, drawn: a heading, the lines of the text, marks under the fragment. */
#include "base/error_int.h"

enum { MOST_EXTRA = 32 }; /* characters shown of a line before and behind the fragment */

typedef struct sheet {
    char *at;
    size_t len, room;
} sheet;

static void put(sheet *s, const char *text, size_t len)
{
    if (len > s->room - s->len) len = s->room - s->len;
    if (len) memcpy(s->at + s->len, text, len); /* an empty text may be none */
    s->len += len;
}
static void put_str(sheet *s, vonk_str text) { put(s, text.data, text.len); }
static void put_c(sheet *s, const char *text) { put(s, text, strlen(text)); }

static bool starts_char(char c) { return ((unsigned char)c & 0xC0) != 0x80; }

static size_t count_chars(const char *from, const char *to)
{
    size_t n = 0;
    for (; from < to; from++) n += starts_char(*from);
    return n;
}

/* Back to the line's begin, or to MOST_EXTRA characters before `at`. */
static const char *show_from(const char *begin, const char *at, bool *ret_cut)
{
    size_t n = 0;
    *ret_cut = false;
    while (at > begin && at[-1] != '\n') {
        if (starts_char(at[-1]) && n++ == MOST_EXTRA) {
            *ret_cut = true;
            return at;
        }
        at--;
    }
    return at;
}

/* On to the line's end, or to MOST_EXTRA characters behind `at`. */
static const char *show_to(const char *at, const char *end, bool *ret_cut)
{
    size_t n = 0;
    *ret_cut = false;
    for (; at < end && *at != '\n'; at++)
        if (starts_char(*at) && n++ == MOST_EXTRA) {
            *ret_cut = true;
            return at;
        }
    return at;
}

static void put_heading(sheet *s, const vonk_query_context *c, const char *from)
{
    char place[64];
    size_t line = 1;
    const char *begin = c->text.data;
    for (const char *p = c->text.data; p < from; p++)
        if (*p == '\n') {
            line++;
            begin = p + 1;
        }
    put_c(s, "== SQL");
    if (c->object_type.len) {
        put_c(s, " of ");
        put_str(s, c->object_type);
        put_c(s, " ");
        put_str(s, c->object_name);
    }
    put_c(s, vonk_format(place, sizeof(place), " (line %zu, position %zu) ==\n", line, count_chars(begin, from) + 1));
}

/* One line, and marks below what lies in [from, to). */
static void put_line(sheet *s, const char *line, const char *end, const char *from, const char *to, bool cut_before,
                     bool cut_behind)
{
    if (cut_before) put_c(s, "...");
    put(s, line, (size_t)(end - line));
    if (cut_behind) put_c(s, "...");
    put_c(s, "\n");
    if (cut_before) put_c(s, "   ");
    for (const char *p = line; p < end && p < to; p++)
        if (starts_char(*p)) put_c(s, p < from ? " " : "^");
    put_c(s, "\n");
}

static void put_sql(sheet *s, const vonk_query_context *c)
{
    const char *from = c->fragment.data, *to = from + c->fragment.len, *text_end = c->text.data + c->text.len;
    bool cut_before, cut_behind;
    put_heading(s, c, from);
    const char *line = show_from(c->text.data, from, &cut_before), *last = show_to(to, text_end, &cut_behind);
    while (s->len < s->room) {
        const char *end = memchr(line, '\n', (size_t)(last - line));
        put_line(s, line, end ? end : last, from, to, cut_before, !end && cut_behind);
        cut_before = false;
        if (!end) return;
        line = end + 1;
    }
}

vonk_str vonk__error_summary(const vonk_query_context *c, char *into, size_t room)
{
    sheet s = {into, 0, room};
    bool inside = c->text.data && c->fragment.data >= c->text.data &&
                  c->fragment.data + c->fragment.len <= c->text.data + c->text.len;
    if (c->is_dataframe) {
        put_c(&s, "== DataFrame ==\n\"");
        put_str(&s, c->fragment);
        put_c(&s, "\" was called from\n");
        put_str(&s, c->call_site);
        put_c(&s, "\n");
    } else if (inside && c->start >= 0 && c->stop >= c->start) {
        put_sql(&s, c);
    }
    while (s.len == room && s.len > 0 && !starts_char(into[s.len - 1])) s.len--; /* no half character */
    return (vonk_str){into, s.len};
}
