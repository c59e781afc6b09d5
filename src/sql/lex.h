/* sql/lex.h -- text to tokens. Inside sql/. The whole text is cut at once, in one pass; a token is a place in the text. */
#ifndef VONK_SQL_LEX_H
#define VONK_SQL_LEX_H

#include "base/vec.h"

typedef enum vonk_tok {
    TK_END, TK_BAD, TK_IDENT, TK_QUOTED /* `a` */, TK_STRING, TK_DQ_STRING /* "a" */, TK_DOLLAR /* $$ a $$ */,
    TK_INT, TK_EXPONENT, TK_DECIMAL, TK_BIGINT, TK_SMALLINT, TK_TINYINT, TK_FLOAT, TK_DOUBLE, TK_BIGDECIMAL,
    TK_ARGUMENT, /* $1, in rewrite rules of functions only */
    TK_SEMICOLON, TK_LPAREN, TK_RPAREN, TK_COMMA, TK_DOT, TK_LBRACKET, TK_RBRACKET, TK_BANG, TK_EQ, TK_NSEQ, TK_NEQ, TK_NEQJ, TK_LT, TK_LTE, TK_GT, TK_GTE,
    TK_SHIFT_LEFT, TK_PLUS, TK_MINUS, TK_STAR, TK_SLASH, TK_PERCENT, TK_TILDE, TK_AMPERSAND, TK_PIPE, TK_CONCAT, TK_OPERATOR_PIPE, TK_HAT, TK_COLON,
    TK_DOUBLE_COLON, TK_AT, TK_ARROW, TK_FAT_ARROW, TK_HINT_START, TK_HINT_END, TK_QUESTION,
    TK_FIRST_KEYWORD,
    TK_BEFORE_KEYWORDS = TK_FIRST_KEYWORD - 1,
#define KEYWORD(word, id, reserved, strict) KW_##id,
#define SYNONYM(word, id, reserved, strict)
#include "sql/keyword.def"
#undef KEYWORD
#undef SYNONYM
    TK_N
} vonk_tok;

typedef struct vonk_token {
    uint16_t kind;  /* vonk_tok */
    uint32_t start, end; /* bytes */
} vonk_token;

#define VONK_MAX_SQL_BYTES ((size_t)256 << 20)

typedef struct vonk_tokens {
    vonk_token *at;       /* n of them, the last one is TK_END */
    uint32_t    n;
    bool        ascii;    /* the text has no other characters: bytes are positions */
    bool        unclosed_comment;
} vonk_tokens;

/* Tokens lie in `arena`. Never fails on bad text: what fits nothing is a TK_BAD of one character. `arguments`: $1 is a token. */
vonk_status vonk__lex(vonk_arena *arena, vonk_str text, bool arguments, vonk_tokens *ret, vonk_error *err);

bool vonk__keyword_reserved(vonk_tok kind); /* in the standard's sense */
bool vonk__keyword_strict(vonk_tok kind);   /* never an alias of a relation */
/* TK_IDENT when the word is none. */
vonk_tok vonk__keyword_of(vonk_str word);

#endif
