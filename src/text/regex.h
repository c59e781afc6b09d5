/* text/regex.h -- regular expressions as java.util.regex writes them, run by PCRE2 (the only file that uses it is regex.c).
 *
 * A compiled regex is immutable and shared between threads; a matcher belongs to one thread. Differences that stay: letters beyond ASCII are always folded
 * under (?i), and U+0085, U+2028 and U+2029 end no line. A match that takes long asks `cancelled` at least every few milliseconds. */
#ifndef VONK_TEXT_REGEX_H
#define VONK_TEXT_REGEX_H

#include "base/buf.h"

typedef struct vonk_regex vonk_regex;

/* *ret NULL (and VONK_OK): not a regular expression of Java's. Errors are those of memory. */
vonk_status vonk_regex_new(vonk_budget *budget, vonk_str pattern, vonk_regex **ret, vonk_error *err);
void        vonk_regex_free(vonk_regex *regex); /* NULL is fine */
VONK_DEFINE_AUTO(vonk_regex, vonk_regex_free)
uint32_t    vonk_regex_groups(const vonk_regex *regex); /* without group 0 */
/* 0: no group of that name. */
uint32_t    vonk_regex_group_of(const vonk_regex *regex, vonk_str name);

typedef struct vonk_matcher {
    const vonk_regex *regex;
    void             *data, *context; /* PCRE2's */
    const size_t     *at;   /* group g stands in [at[2g], at[2g + 1]); SIZE_MAX: took no part */
    bool (*cancelled)(void *query); /* may be NULL */
    void             *query;
    uint32_t          n_finds;
} vonk_matcher;
vonk_status vonk_matcher_init(vonk_matcher *m, const vonk_regex *regex, bool (*cancelled)(void *query), void *query, vonk_error *err);
void        vonk_matcher_done(vonk_matcher *m); /* accepts zeroed storage */
VONK_DEFINE_AUTO_DONE(vonk_matcher, vonk_matcher_done)
/* First match that starts at byte `from` or later. Errors: OPERATION_CANCELED; UNSUPPORTED_FEATURE when a match takes unreasonably many steps. */
vonk_status vonk_matcher_find(vonk_matcher *m, vonk_str text, size_t from, bool *ret_found, vonk_error *err);
/* Where the search goes on behind the match just found, as Matcher.find() does; SIZE_MAX: nowhere. */
size_t      vonk_matcher_next(const vonk_matcher *m, vonk_str text);

/* inside text: the pattern in PCRE2's syntax. false in *ret_ok: Java refuses it. *ret_unicode: (?U) was there. */
vonk_status vonk__regex_translate(vonk_str java, vonk_buf *out, bool *ret_ok, bool *ret_unicode, vonk_error *err);

#endif
