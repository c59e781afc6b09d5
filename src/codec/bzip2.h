/* codec/bzip2.h -- bzip2: streams for compress.c, and blocks for readers of a part of a file.
 *
 * libbz2 is opened at first use. A file is streams one after another, a stream is blocks that begin at any bit, with a
 * mark of 48 bits. A part [start, end) of a file has the blocks whose mark begins in it, so that parts that lie side by
 * side have each block once. Bytes from outside: what does not decode, and what is cut off, is MALFORMED_INPUT with the
 * file's path. One reader, one thread. */
#ifndef VONK_CODEC_BZIP2_H
#define VONK_CODEC_BZIP2_H

#include "base/buf.h"
#include "base/cursor.h"
#include "codec/bytes.h"

typedef struct vonk_bzip2_reader vonk_bzip2_reader;
/* Begins with the first block from `start` (bytes) on; reads on behind any end. `in` is borrowed. */
vonk_status vonk_bzip2_reader_new(vonk_budget *budget, const vonk_bytes_in *in, uint64_t start, vonk_bzip2_reader **ret,
                                  vonk_error *err);
/* Where the next block's mark begins, in bytes; false: there is none. */
bool vonk_bzip2_peek(const vonk_bzip2_reader *reader, uint64_t *ret_at);
/* The bytes of the block that was peeked at (some MiB; tens where they repeat); valid until the next call. */
vonk_status vonk_bzip2_next(vonk_bzip2_reader *reader, vonk_str *ret_plain, vonk_error *err);
void vonk_bzip2_reader_free(vonk_bzip2_reader *reader); /* NULL is fine */
VONK_DEFINE_AUTO(vonk_bzip2_reader, vonk_bzip2_reader_free)

/* Inside codec: a stream in pieces. Start makes *inout, or uses it again. */
typedef struct vonk__bunzip vonk__bunzip;
vonk_status vonk__bunzip_start(vonk_budget *budget, vonk__bunzip **inout, vonk_error *err);
vonk_status vonk__bunzip_step(vonk__bunzip *bunzip, vonk_cursor *in, void *to, size_t room, size_t *ret_got,
                              bool *ret_end, vonk_error *err);
void vonk__bunzip_free(vonk__bunzip *bunzip); /* NULL is fine */
/* Appends a whole stream. `level` 1 to 9; others: the default. */
vonk_status vonk__bzip2_compress(vonk_budget *budget, int32_t level, const void *data, size_t bytes, vonk_buf *out,
                                 vonk_error *err);

#endif
