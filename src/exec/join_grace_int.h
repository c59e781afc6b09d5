/* exec/join_grace_int.h -- inside spilled joins: join_spill.c writes rows, join_grace.c joins them, join_merge.c puts
 * what comes of it in order.
 *
 * When the build side does not fit, the rows of both sides go to disk. Build rows go to GRACE_PARTS lists by the hash of
 * their keys; when all are there, neighbouring lists become *units* of about the size that a lane may keep in memory,
 * and probe rows go to one list per unit. Units are joined independently: a *round* makes a table of as many of the
 * unit's build rows as memory allows and takes all its probe rows past it, so that even a single key with more rows than
 * memory holds comes to an end; what probe rows have found is carried from round to round.
 *
 * Order. Every row has a *position*: ordinal of its morsel << 32 | row in the morsel. What a round puts out is a *run*,
 * in order of (position of the probe row, position of the build row). All runs are merged, so the rows come out just as
 * they do without spilling: probe rows in order, each with its build rows in order, then what is left of the build side
 * (a second set of runs). A block on disk has rows of one partition, a block of probe rows of one morsel. */
#ifndef VONK_EXEC_JOIN_GRACE_INT_H
#define VONK_EXEC_JOIN_GRACE_INT_H

#include "exec/join_int.h"

enum { GRACE_PARTS = 64, GRACE_MOST_RUNS = 64, GRACE_MOST_KEYS = 2 };

typedef struct grace_block {
    vonk_spill_ref ref;
    uint64_t position; /* of the first row */
    int32_t partition;
} grace_block;

typedef struct grace_list {
    VONK_VEC(grace_block) blocks;
    uint64_t n_rows;
} grace_list;

typedef struct grace_side {
    vonk_spill_file *file;
    const vonk_type **types; /* stored or probe columns, position; build: partition */
    uint32_t n_types;
    grace_list lists[GRACE_PARTS]; /* build: [part], probe: [unit] */
    uint64_t n_rows, n_bytes;      /* bytes: as they were in memory */
} grace_side;

typedef struct grace_out {
    vonk_spill_file *file;
    const vonk_type **types; /* the node's columns, then the positions that runs are ordered by */
    uint32_t n_types, n_keys;
    VONK_VEC(grace_list) runs;
} grace_out;

struct join_grace {
    vonk_op *op;
    vonk_mutex lock;
    uint32_t n_parts, n_units, n_rounds;
    uint32_t unit_end[GRACE_PARTS]; /* [unit]: first part that is not its own */
    uint8_t unit_of[GRACE_PARTS];   /* [part] */
    grace_side build, probe;
    grace_out main, rest;
    int64_t round_bytes; /* build rows of a round */
    uint32_t block_rows; /* of what goes out */
    bool reduced;
};

/* ---- join_spill.c */
/* All build rows are written: makes the units. */
void vonk__join_grace_plan(join_grace *g);
/* How much a lane may hold in a round now. */
int64_t vonk__join_grace_share(const vonk_op *op);

/* ---- join_merge.c */
vonk_status vonk__grace_out_open(vonk_op *op, grace_out *out, uint32_t n_keys, vonk_error *err);
void vonk__grace_out_close(grace_out *out);

typedef struct grace_writer { /* of one run */
    join_grace *g;
    grace_out *out;
    grace_list run;
    VONK_VEC(vonk_batch *) held; /* of one partition */
    uint32_t held_rows;
    int32_t partition;
} grace_writer;
/* Rows in order: the node's columns, then at least one position; more columns are left out. */
vonk_status vonk__grace_write(grace_writer *w, vonk_batch *take_batch, int32_t partition, vonk_error *err);
vonk_status vonk__grace_write_end(grace_writer *w, vonk_error *err); /* the run is the set's */
void vonk__grace_write_close(grace_writer *w);
/* At most GRACE_MOST_RUNS runs remain. */
vonk_status vonk__grace_reduce(join_grace *g, vonk_error *err);

#endif
