/* text/like.h -- patterns of LIKE, compiled once: % any text, _ one character, an escape character in front of both (and of itself).
 * Immutable once compiled; matching allocates nothing and takes at most pattern x text steps. */
#ifndef VONK_TEXT_LIKE_H
#define VONK_TEXT_LIKE_H

#include "base/arena.h"

typedef enum vonk_like_kind {
    VONK_LIKE_EXACT,    /* abc */
    VONK_LIKE_STARTS,   /* abc% */
    VONK_LIKE_ENDS,     /* %abc */
    VONK_LIKE_CONTAINS, /* %abc% */
    VONK_LIKE_SANDWICH, /* ab%cd */
    VONK_LIKE_ANY,      /* % */
    VONK_LIKE_GENERAL
} vonk_like_kind;

/* Text between two %; a wildcard _ is a byte 0xFF (which is no part of UTF-8 text). */
typedef struct vonk_like_part {
    vonk_str text;
    size_t   n_chars;
    bool     wild; /* has a _ */
} vonk_like_part;

typedef struct vonk_like {
    vonk_like_kind  kind;
    vonk_str        first, last; /* EXACT: first; STARTS: first; ENDS, CONTAINS: last; SANDWICH: both */
    vonk_like_part *parts;
    size_t          n_parts; /* one more than there are % */
} vonk_like;

/* escape: a code point. Errors: INVALID_FORMAT.ESC_AT_THE_END, ESC_IN_THE_MIDDLE. The result and its texts live in the arena. */
vonk_status vonk_like_compile(vonk_arena *arena, vonk_str pattern, uint32_t escape, vonk_like *ret, vonk_error *err);
bool        vonk_like_match(const vonk_like *like, vonk_str text);

#endif
