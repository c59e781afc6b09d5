/* cluster/shuffle.h -- records that map tasks write by reduce partition, and reduce tasks read.
 *
 * A map task's output is one block per reduce partition, committed together: a task that runs twice replaces its
 * output, a task that dies leaves none. The registry knows which map outputs exist; the scheduler runs what is missing.
 * Records keep their order within a map task; a reducer reads map tasks in ascending order, so results are the same
 * however the tasks ran. Writers buffer per partition under the task's budget and spill.
 * A committed output has a number of its own (b of its blocks), so that a reader never mixes two runs of a task. */
#ifndef VONK_CLUSTER_SHUFFLE_H
#define VONK_CLUSTER_SHUFFLE_H

#include "cluster/blocks.h"

typedef struct vonk_shuffle vonk_shuffle; /* registered; reference-counted: dropped when no lineage needs it */

vonk_status vonk_shuffle_new(vonk_block_store *store, uint32_t n_maps, uint32_t n_reduces, vonk_shuffle **ret,
                             vonk_error *err);
vonk_shuffle *vonk_shuffle_ref(vonk_shuffle *shuffle);
void vonk_shuffle_unref(vonk_shuffle *shuffle);
VONK_DEFINE_AUTO(vonk_shuffle, vonk_shuffle_unref)
uint64_t vonk_shuffle_id(const vonk_shuffle *shuffle);
uint32_t vonk_shuffle_n_maps(const vonk_shuffle *shuffle);
uint32_t vonk_shuffle_n_reduces(const vonk_shuffle *shuffle);
/* The block that holds what a map task wrote for a reduce partition. False: it has not run, or wrote nothing there. */
bool vonk_shuffle_block(vonk_shuffle *shuffle, uint32_t map, uint32_t reduce, vonk_block_id *ret);
/* Map tasks whose output is not there, ascending, into a vector of n_maps places. */
uint32_t vonk_shuffle_missing(vonk_shuffle *shuffle, uint32_t *ret_maps);
void vonk_shuffle_forget(vonk_shuffle *shuffle, uint32_t map); /* its output got lost */
void vonk_shuffle_forget_all(vonk_shuffle *shuffle);           /* cleanShuffleDependencies */

typedef struct vonk_shuffle_writer vonk_shuffle_writer;
vonk_status vonk_shuffle_writer_new(vonk_shuffle *shuffle, uint32_t map, vonk_budget *budget, vonk_shuffle_writer **ret,
                                    vonk_error *err);
/* One record as bytes with its own framing; kept whole. */
vonk_status vonk_shuffle_write(vonk_shuffle_writer *writer, uint32_t reduce, const void *bytes, size_t n,
                               vonk_error *err);
vonk_status vonk_shuffle_commit(vonk_shuffle_writer *take_writer, vonk_error *err);
void vonk_shuffle_writer_free(vonk_shuffle_writer *writer);
VONK_DEFINE_AUTO(vonk_shuffle_writer, vonk_shuffle_writer_free)

typedef struct vonk_shuffle_reader vonk_shuffle_reader;
vonk_status vonk_shuffle_reader_new(vonk_shuffle *shuffle, uint32_t reduce, vonk_shuffle_reader **ret, vonk_error *err);
/* As vonk_block_read. A lost map output: VONK_E_BLOCK_LOST, and the registry has forgotten it. */
vonk_status vonk_shuffle_read(vonk_shuffle_reader *reader, vonk_str *ret, vonk_error *err);
void vonk_shuffle_reader_free(vonk_shuffle_reader *reader);
VONK_DEFINE_AUTO(vonk_shuffle_reader, vonk_shuffle_reader_free)

#endif
