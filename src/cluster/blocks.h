/* cluster/blocks.h -- the block store: streams of bytes under a name, in memory or on disk, that may get lost.
 *
 * One store holds cached partitions, shuffle outputs, broadcasts and frames of a process. A *block* is a sequence of
 * opaque bytes, written once from front to back and then immutable; readers hold a reference, so dropping a block while
 * it is read is fine. Blocks in memory are charged to the store's budget, which may ask the store for room: least
 * recently used blocks go to disk if their level says so, else they are lost. Files carry a checksum per chunk; a chunk
 * that does not fit its checksum is a lost block, never wrong data.
 *
 * Losing a block is no error of the store: the reader gets VONK_E_BLOCK_LOST (internal) and whoever knows the lineage
 * makes it again. */
#ifndef VONK_CLUSTER_BLOCKS_H
#define VONK_CLUSTER_BLOCKS_H

#include "base/buf.h"
#include "column/buffer.h"

typedef enum vonk_block_kind {
    VONK_BLOCK_RDD,       /* a = RDD, b = partition */
    VONK_BLOCK_SHUFFLE,   /* a = shuffle, b = number of a map task's output, c = reduce partition */
    VONK_BLOCK_BROADCAST, /* a = broadcast */
    VONK_BLOCK_FRAME      /* a = query's or frame's number, b = partition */
} vonk_block_kind;
typedef struct vonk_block_id {
    vonk_block_kind kind;
    uint32_t b, c;
    uint64_t a;
} vonk_block_id;

/* Spark's storage level. `deserialized` and `off_heap` are kept for who asks, bytes are bytes here; replication counts
 * executors, of which one process is one. */
typedef struct vonk_storage_level {
    bool disk, memory, off_heap, deserialized;
    uint8_t replication; /* 0: level NONE */
} vonk_storage_level;

typedef struct vonk_block_store vonk_block_store;
typedef struct vonk_block_writer vonk_block_writer;
typedef struct vonk_block_reader vonk_block_reader;

typedef struct vonk_block_options {
    vonk_str folder; /* spill files, unlinked as soon as they are open */
    bool compress;   /* LZ4, on disk and in memory for levels that are not `deserialized` */
    bool encrypt;    /* on disk: AES-GCM with a key that the process makes (spark.io.encryption.enabled) */
} vonk_block_options;

vonk_status vonk_block_store_new(vonk_budget *budget, const vonk_block_options *options, vonk_block_store **ret,
                                 vonk_error *err);
void vonk_block_store_free(vonk_block_store *store); /* writers and readers are gone */
VONK_DEFINE_AUTO(vonk_block_store, vonk_block_store_free)
vonk_budget *vonk_block_store_budget(const vonk_block_store *store);
uint64_t vonk_block_store_name(vonk_block_store *store); /* a number that it has given to nobody yet */

/* ---- writing. A block that has this name already stays until the new one is committed. */
vonk_status vonk_block_writer_new(vonk_block_store *store, vonk_block_id id, vonk_storage_level level,
                                  vonk_block_writer **ret, vonk_error *err);
vonk_status vonk_block_write(vonk_block_writer *writer, const void *bytes, size_t n, vonk_error *err);
/* What was written so far lies where the block will lie, and the writer holds no memory of its own. */
vonk_status vonk_block_flush(vonk_block_writer *writer, vonk_error *err);
/* Consumes the writer, also on failure. A block that fits nowhere (memory full, no disk in its level) is not kept:
 * *ret_kept false. */
vonk_status vonk_block_commit(vonk_block_writer *take_writer, uint64_t n_records, bool *ret_kept, vonk_error *err);
void vonk_block_writer_free(vonk_block_writer *writer); /* not committed: nothing is kept */
VONK_DEFINE_AUTO(vonk_block_writer, vonk_block_writer_free)

/* ---- reading. *ret NULL: no such block. */
vonk_status vonk_block_open(vonk_block_store *store, vonk_block_id id, vonk_block_reader **ret, vonk_error *err);
uint64_t vonk_block_bytes(const vonk_block_reader *reader);
uint64_t vonk_block_records(const vonk_block_reader *reader);
/* The next piece, as long as it lies in one piece; valid until the next call. Empty: the end. VONK_E_BLOCK_LOST: it is
 * gone. */
vonk_status vonk_block_read(vonk_block_reader *reader, vonk_str *ret, vonk_error *err);
void vonk_block_close(vonk_block_reader *reader);
VONK_DEFINE_AUTO(vonk_block_reader, vonk_block_close)

/* ---- the store as a whole */
void vonk_block_drop(vonk_block_store *store, vonk_block_id id);
void vonk_block_drop_all(vonk_block_store *store, vonk_block_kind kind, uint64_t a);
/* For tests: the block is gone (half 0), or its bytes are damaged in place (half 1). False: there is none. */
bool vonk_block_damage(vonk_block_store *store, vonk_block_id id, bool half);
typedef struct vonk_block_counts {
    uint32_t n_blocks;
    uint64_t memory_bytes, disk_bytes;
} vonk_block_counts;
vonk_block_counts vonk_block_count(vonk_block_store *store, vonk_block_kind kind, uint64_t a);

#endif
