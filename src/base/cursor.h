/* base/cursor.h -- the one way to read bytes from outside: never past the end, never misaligned. A short read raises `cls`
 * with the parameter "what". Little-endian unless the name says be. */
#ifndef VONK_BASE_CURSOR_H
#define VONK_BASE_CURSOR_H

#include "base/error.h"

struct vonk_cursor {
    const uint8_t *at, *end;
    const char    *what; /* for the message: "Parquet footer" */
};

static inline vonk_cursor vonk_cursor_of(const void *data, size_t bytes, const char *what)
{
    const uint8_t *at = data ? data : (const uint8_t *)""; /* nothing has a place, too: NULL + 0 is undefined */
    return (vonk_cursor){at, at + bytes, what};
}
static inline size_t vonk_cursor_left(const vonk_cursor *c) { return (size_t)(c->end - c->at); }

/* Raises MALFORMED_INPUT with `what` and `problem`. */
static inline vonk_status vonk_cursor_fail(const vonk_cursor *c, const char *problem, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_MALFORMED_INPUT, "path", c->what ? c->what : "input", "problem", problem);
}
vonk_status vonk_cursor_u8(vonk_cursor *c, uint8_t *ret, vonk_error *err);
vonk_status vonk_cursor_u16(vonk_cursor *c, uint16_t *ret, vonk_error *err);
vonk_status vonk_cursor_u32(vonk_cursor *c, uint32_t *ret, vonk_error *err);
vonk_status vonk_cursor_u64(vonk_cursor *c, uint64_t *ret, vonk_error *err);
vonk_status vonk_cursor_u32_be(vonk_cursor *c, uint32_t *ret, vonk_error *err);
/* LEB128, at most 10 bytes; zigzag for the signed form. */
vonk_status vonk_cursor_varint(vonk_cursor *c, uint64_t *ret, vonk_error *err);
vonk_status vonk_cursor_zigzag(vonk_cursor *c, int64_t *ret, vonk_error *err);
/* A borrowed piece of `bytes`. */
vonk_status vonk_cursor_take(vonk_cursor *c, size_t bytes, const uint8_t **ret, vonk_error *err);

#endif
