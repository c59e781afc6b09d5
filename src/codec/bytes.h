/* codec/bytes.h -- where file formats read from and write to: two small vtables, filled by whoever owns the file (source, exec, tests).
 *
 * The storage of both structs belongs to the caller and must outlive every object made over it. */
#ifndef VONK_CODEC_BYTES_H
#define VONK_CODEC_BYTES_H

#include "base/budget.h"

/* Random access to an immutable file. Thread-safe: many threads call at once with one `self`. */
typedef struct vonk_bytes_in {
    void    *self;
    uint64_t size; /* bytes */
    vonk_str path; /* for error messages */
    /* Exactly `bytes` bytes at `offset` (inside size); a short read is an error. */
    vonk_status (*read_at)(void *self, uint64_t offset, size_t bytes, void *dst, vonk_error *err);
    /* Optional (may be NULL): the same bytes without a copy, valid as long as the file is open (mapped or read ahead).
     * *ret NULL: not at hand, use read_at. */
    void (*borrow)(void *self, uint64_t offset, size_t bytes, const uint8_t **ret);
} vonk_bytes_in;

/* Sequential writing. One thread at a time. */
typedef struct vonk_bytes_out {
    void *self;
    vonk_status (*append)(void *self, const void *data, size_t bytes, vonk_error *err);
} vonk_bytes_out;

/* A file that lies in memory: `in` is filled to read from `data`, which is borrowed. */
void vonk_bytes_in_memory(vonk_bytes_in *in, const void *data, size_t bytes, vonk_str path);
/* Writes into a buffer, which is borrowed. */
void vonk_bytes_out_buf(vonk_bytes_out *out, vonk_buf *buf);

#endif
