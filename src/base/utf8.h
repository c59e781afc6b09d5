/* base/utf8.h -- is it UTF-8? For text that comes from outside and must be text (protocol strings). */
#ifndef VONK_BASE_UTF8_H
#define VONK_BASE_UTF8_H

#include "base/buf.h"

/* Well-formed as Unicode defines it: shortest forms only, no surrogates, nothing above U+10FFFF. NUL is a character. */
bool vonk_utf8_valid(vonk_str s);
/* Appends s with each byte that is no part of a character replaced by U+FFFD. */
vonk_status vonk_utf8_clean(vonk_str s, vonk_buf *out, vonk_error *err);
/* The longest prefix of at most max_bytes that does not cut a character in two; s must be valid. */
vonk_str vonk_utf8_cut(vonk_str s, size_t max_bytes);

#endif
