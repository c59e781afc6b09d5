/* cluster/blocks_int.h -- inside of the block store.
 *
 * Locks.  `lock` guards the map, the list by use and the state of blocks; nothing is allocated and no file is touched
 * while it is held, so whoever asks for memory never waits for somebody who waits for memory. `disk` guards the end of
 * the current segment and is held while a chunk is written. Order: disk, then lock. */
#ifndef VONK_CLUSTER_BLOCKS_INT_H
#define VONK_CLUSTER_BLOCKS_INT_H

#include <stdatomic.h>

#include "base/vec.h"
#include "cluster/blocks.h"
#include "codec/compress.h"
#include "sys/crypto.h"
#include "sys/files.h"
#include "sys/thread.h"

enum {
    BLOCK_CHUNK_BYTES = 256 << 10, /* raw, at most */
    BLOCK_KEY_BYTES = 16,
    BLOCK_PUNCH_FROM_BYTES = 64 << 10
};
#define BLOCK_SEGMENT_BYTES ((uint64_t)256 << 20) /* then the next file is begun */

/* A file without a name that chunks of many blocks share; closed when none of them lives any more. */
typedef struct segment {
    vonk_file *file;
    uint64_t end;
    uint64_t n_live; /* chunks; under `lock` */
    bool current;    /* under `lock` */
} segment;

typedef struct piece { /* a chunk's bytes as they are stored in one place */
    uint32_t bytes;
    bool packed;
    uint64_t checksum; /* before encryption */
} piece;

typedef struct chunk {
    void *bytes;      /* NULL: not in memory */
    segment *segment; /* NULL: not on disk */
    uint64_t offset, iv;
    uint32_t raw_bytes;
    piece memory, disk;
} chunk;

typedef struct block {
    vonk_block_id id;
    vonk_storage_level level;
    vonk_block_store *store;
    VONK_VEC(chunk) chunks;
    uint64_t raw_bytes, records, memory_bytes, disk_bytes;
    /* under `lock` */
    uint32_t refs, n_readers;
    bool in_map, in_memory, evicting;
    uint64_t round; /* of spilling that has looked at it */
    struct block *next_same_hash, *older, *newer;
} block;

/* What packing and sealing need; taken from the store's idle ones or made. */
typedef struct scratch {
    vonk_compressor *compressor;
    vonk_buf packed, sealed;
    struct scratch *next;
} scratch;

struct vonk_block_store {
    vonk_budget *budget;
    char *folder;
    bool compress, encrypt;
    uint8_t key[BLOCK_KEY_BYTES];
    vonk_spiller spiller;
    _Atomic int64_t memory_bytes; /* of blocks that are listed by use */
    _Atomic uint64_t next_iv, next_name;
    vonk_mutex lock, disk;
    block **buckets; /* a power of two */
    size_t n_buckets, n_blocks;
    block *oldest, *newest; /* in memory, by use */
    uint64_t round;
    scratch *idle;
    scratch *spilling; /* ready when there is no memory; under `disk` */
    segment *segment;  /* current; under `disk` */
};

struct vonk_block_writer {
    vonk_block_store *store;
    block *block;
    vonk_buf tail;
    bool to_disk, refused;
};

struct vonk_block_reader {
    block *block;
    size_t next;
    bool from_memory;
    vonk_buf packed, raw; /* of a chunk */
    scratch *scratch;
};

/* blocks_disk.c */
vonk_status vonk__scratch_take(vonk_block_store *store, scratch **ret, vonk_error *err);
void vonk__scratch_give(vonk_block_store *store, scratch *s);
void vonk__scratch_free(scratch *s);
/* The stored form of raw bytes: in `s`, or the bytes themselves. */
vonk_status vonk__chunk_pack(vonk_block_store *store, scratch *s, vonk_str raw, vonk_str *ret, piece *ret_piece,
                             vonk_error *err);
/* Writes the chunk's stored bytes to the current segment. `disk` is held. */
vonk_status vonk__chunk_to_disk(vonk_block_store *store, scratch *s, chunk *c, vonk_str stored, piece form,
                                vonk_error *err);
/* Appends what was stored to `out`. *ret_there false: it is not there, or is not what was written. */
vonk_status vonk__chunk_from_disk(vonk_block_store *store, scratch *s, const chunk *c, vonk_buf *out, bool *ret_there,
                                  vonk_error *err);
void vonk__chunk_leave_disk(vonk_block_store *store, chunk *c); /* takes `lock` */
void vonk__segment_free(segment *s);
uint64_t vonk__piece_checksum(vonk_str stored, uint32_t raw_bytes);

/* blocks.c */
void vonk__block_unref(block *b); /* takes `lock` */
void vonk__block_lose(block *b);  /* no longer in the map; takes `lock` */
/* For a reader: stays in the place where it is until the reader leaves. NULL: no such block. */
block *vonk__block_enter(vonk_block_store *store, vonk_block_id id, bool *ret_in_memory);
void vonk__block_leave(block *b);
void vonk__block_list(block *b); /* into the map, in place of the old one; takes a reference */
/* The block that this thread wants memory for: others of its RDD are not pushed out for it. */
void vonk__block_asks(const vonk_block_id *id);

#endif
