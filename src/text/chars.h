/* text/chars.h -- characters of UTF-8 text, as Spark counts them: a character is as long as its first byte says, whatever follows, and a byte that
 * cannot start one counts alone. Nothing here refuses bytes that are not UTF-8. */
#ifndef VONK_TEXT_CHARS_H
#define VONK_TEXT_CHARS_H

#include "base/buf.h"

extern const uint8_t vonk_char_bytes[256]; /* by first byte */

bool vonk_chars_ascii(const char *at, size_t bytes);
/* Number of characters. */
size_t vonk_chars_count(vonk_str text);
/* Byte position of the n-th character (0-based) counted from byte `from`; text.len when there are fewer. */
size_t vonk_chars_skip(vonk_str text, size_t from, size_t n);
/* Byte position of the last character that starts before `at` (at > 0). */
size_t vonk_chars_back(vonk_str text, size_t at);
/* Length in bytes of the character at `at`, cut at the end of the text. */
static inline size_t vonk_char_at(vonk_str text, size_t at)
{
    size_t n = vonk_char_bytes[(uint8_t)text.data[at]];
    return n <= text.len - at ? n : text.len - at;
}
/* Code point at *inout_at, which moves on; U+FFFD for bytes that are not UTF-8 (then it moves on by one byte). */
uint32_t vonk_char_decode(vonk_str text, size_t *inout_at);
/* Bytes written (1 to 4). */
size_t vonk_char_encode(uint32_t code, char out[4]);

/* Appends the text with U+FFFD for every ill-formed part, as Java's decoder replaces them. */
vonk_status vonk_chars_repair(vonk_str text, vonk_buf *out, vonk_error *err);

#endif
