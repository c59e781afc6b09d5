/* codec/hadoop_blocks.h -- Hadoop's framing of Snappy and LZ4, for compress.c: blocks of a be32 with their plain bytes, then
 * chunks (be32 packed bytes, bytes) until that many have come. A block of no bytes is what its writers make of nothing.
 *
 * Bytes from outside: sizes are checked against what has come, so that memory stays in proportion to the input; what
 * does not fit is MALFORMED_INPUT with the cursor's `what`. One stream, one thread. */
#ifndef VONK_CODEC_HADOOP_BLOCKS_H
#define VONK_CODEC_HADOOP_BLOCKS_H

#include "base/buf.h"
#include "base/cursor.h"

typedef struct vonk__chunk_codec {
    size_t block_bytes; /* what Hadoop's writers put into a block at most; its readers have room for no more */
    /* The most bytes that the chunk at `in` can stand for; 0: it is damaged. */
    size_t (*most)(vonk_str in);
    /* The whole chunk into `to`, which has room for `most` bytes; 0: it is damaged. */
    size_t (*unpack)(vonk_str in, void *to, size_t most);
    /* Appends one chunk, without framing. */
    vonk_status (*pack)(void *self, const void *data, size_t bytes, vonk_buf *out, vonk_error *err);
} vonk__chunk_codec;

/* A stream that is being read. Storage is the caller's, zeroed and then initialised. */
typedef struct vonk__blocks {
    vonk_buf packed, plain; /* what has come of a number or a chunk; what has not been taken of a chunk, from plain_at on */
    size_t plain_at;
    uint32_t owed, wanted; /* plain bytes of the block; packed bytes of the chunk; 0: not known yet */
} vonk__blocks;
void vonk__blocks_init(vonk__blocks *b, vonk_budget *budget);
void vonk__blocks_done(vonk__blocks *b); /* accepts zeroed storage */
void vonk__blocks_start(vonk__blocks *b);
/* Some plain bytes, or none: `in` is used up then, or a block has ended. *ret_end: nothing is owed. */
vonk_status vonk__blocks_step(vonk__blocks *b, const vonk__chunk_codec *codec, vonk_cursor *in, void *to, size_t room,
                              size_t *ret_got, bool *ret_end, vonk_error *err);

/* Appends the blocks of `data`, one chunk in each; `self` is the codec's. */
vonk_status vonk__blocks_pack(const vonk__chunk_codec *codec, void *self, const void *data, size_t bytes, vonk_buf *out,
                              vonk_error *err);

#endif
