/* column/type_lex.h -- inside the folder: words of Spark's DDL texts ("a INT NOT NULL COMMENT 'x'"). Borrowed from the text. */
#ifndef VONK_COLUMN_TYPE_LEX_H
#define VONK_COLUMN_TYPE_LEX_H

#include "base/buf.h"

typedef enum vonk_word_kind {
    VONK_WORD_END,
    VONK_WORD_NAME,    /* letters, digits, _ ; bytes past ASCII count as letters */
    VONK_WORD_QUOTED,  /* `name` with its quotes */
    VONK_WORD_INTEGER, /* digits */
    VONK_WORD_NUMBER,  /* any other number */
    VONK_WORD_STRING,  /* 'x' or "x" with its quotes */
    VONK_WORD_SYMBOL   /* one byte, or "<>" */
} vonk_word_kind;

typedef struct vonk_word {
    vonk_word_kind kind;
    vonk_str       text;
    size_t         at; /* byte position in the text */
} vonk_word;

vonk_word   vonk__word_next(vonk_str text, size_t *inout_at);
vonk_status vonk__word_quoted_name(vonk_str word, vonk_buf *out, vonk_error *err); /* without quotes, doubled ones halved */
vonk_status vonk__word_string(vonk_str word, vonk_buf *out, vonk_error *err);      /* without quotes, escapes resolved */
vonk_status vonk__add_code_point(uint32_t c, vonk_buf *out, vonk_error *err);      /* as UTF-8; U+FFFD for what has no UTF-8 form */
bool        vonk__hex(vonk_str s, size_t at, size_t digits, uint32_t *ret);

#endif
