/* exec/join_int.h -- inside the joins: what op_hash_join.c and op_loop_join.c and their parts (join_*.c) share.
 *
 * Nouns.  *Probe side*: child 0, its batches stream through. *Build side*: child 1, collected first. *Form*: what the
 * plan node asks for, seen from those two sides instead of from left and right. *Table*: the build rows as whole
 * columns in their order of arrival, and how a key leads to them; read-only once made, but for a flag byte per row.
 * *Stored columns*: those build columns that go out or that the residual condition looks at, then keys that are none of
 * them. A *pair* is a probe row and a build row with equal keys.
 *
 * The arithmetic. A probe row costs the misses of its look-up and of each build column that goes out. With 1.5 million
 * 64-bit keys: directory 8 MB, entries 24 MB, a column 12 MB; all beyond L2 (1 MB), near the size of L3. About 10 lines
 * are under way at once, so a miss costs 2 - 8 ns, three of them 6 - 20 ns. Hence: (a) integer keys whose range is not
 * much larger than their number need no entries, and none at all when the build side comes in the order of its keys:
 * one word tells membership and row (1.5 MB for a range of 6 million); (b) the filter bits in the directory answer nine
 * of ten failing look-ups with one miss; (c) the columns stay as they came, so that what is near in the input stays
 * near. Building: two passes over 16 bytes a row, by parts that fit L2. */
#ifndef VONK_EXEC_JOIN_INT_H
#define VONK_EXEC_JOIN_INT_H

#include "exec/join_kernel.h"
#include "exec/op_int.h"

#define JOIN_FLAG_HIT 1     /* some probe row has matched */
#define JOIN_FLAG_UNKNOWN 2 /* null-aware: some comparison was neither true nor false */

/* Keys of one side. */
typedef struct join_keys {
    vonk_program *program;  /* of those that are computed; NULL: all are columns of the input */
    const uint32_t *column; /* [key]: column of the input, JOIN_NONE: the program's next */
} join_keys;

typedef struct join_used {
    bool build;
    uint32_t column; /* of the probe side, or stored */
} join_used;

typedef struct join_form {
    vonk_op *op;
    vonk_join_type type;
    bool build_left, null_aware;
    bool puts_probe, puts_build, puts_mark; /* what the output consists of */
    bool outer_probe, outer_build;          /* rows without a match go out too, with nulls for the other side */
    bool by_probe, by_build;                /* SEMI, ANTI, MARK: each row of that side at most once, by its matches */
    bool flags;                             /* build rows remember that they were hit */
    bool drop_nulls;                        /* build rows with a null key are of no use */
    bool null_pairs;                        /* null-aware, and what is unknown must be found by pairs */
    uint32_t n_keys;
    const vonk_type **key_types;
    bool int_keys; /* all keys are integers of some kind */
    join_keys probe_keys, build_keys;
    uint32_t n_probe, n_build, n_stored;
    uint32_t *stored; /* [stored column]: build column, JOIN_NONE: a key */
    const vonk_type **stored_types;
    uint32_t *stored_of;            /* [build column]: stored column or JOIN_NONE */
    uint32_t *key_stored;           /* [key]: its stored column */
    const vonk_expr *residual_expr; /* bound to `used`, or NULL */
    vonk_program *residual;
    join_used *used;
    uint32_t n_used;
} join_form;

/* op->node describes a join of child 0 (probe) and child 1 (build). */
vonk_status vonk__join_form_open(vonk_op *op, join_form *form, const vonk_expr_list *probe_keys,
                                 const vonk_expr_list *build_keys, const vonk_expr *residual, vonk_error *err);
void vonk__join_form_close(join_form *form);
/* Key columns of a batch, new references in ret[n_keys]. */
vonk_status vonk__join_key_columns(const join_keys *keys, uint32_t n_keys, op_program_local *program, vonk_lane *lane,
                                   const vonk_batch *in, vonk_column **ret, vonk_error *err);

/* ---- the table (join_table.c; made by join_build.c) */
typedef enum join_kind {
    JOIN_EMPTY,        /* no row has a key */
    JOIN_ALL,          /* no keys: every row is meant (loop join) */
    JOIN_RANGE,        /* row = key */
    JOIN_RANKED,       /* join_kernels.ranked */
    JOIN_DIRECT,       /* .direct */
    JOIN_DIRECT_LISTS, /* .direct_lists */
    JOIN_HASHED        /* .hashed */
} join_kind;

typedef struct join_pack { /* of an integer key */
    int64_t min;
    uint64_t range, times;
} join_pack;

typedef struct join_table {
    const join_form *form;
    vonk_budget *budget; /* of everything but the columns */
    join_kind kind;
    bool unique;   /* no key has two rows */
    bool packed;   /* keys are integers less their minimum; else hashes, and candidates must be compared */
    bool has_null; /* some row has a null key, kept or dropped */
    bool any;      /* there is a row, kept or dropped */
    uint32_t n_rows, n_columns;
    vonk_column **columns; /* [n_columns] stored columns, n_rows each. NULL when there is no row */
    join_pack *packs;
    uint64_t most; /* largest key */
    uint64_t *words;
    uint32_t *cells, *list;
    uint64_t *bases;
    join_entry *entries;
    uint64_t n_entries;
    join_dir dir;
    vonk_column **flat_keys; /* [key], FLAT: hashed candidates are compared with them */
    _Atomic uint8_t *flags;  /* [row] */
    uint32_t *null_rows;     /* with form->null_pairs: rows with a null key */
    uint32_t n_null_rows;
    _Atomic bool probe_any, probe_null; /* null-aware, by_build: there was a probe row; one with a null key */
} join_table;

void vonk__join_table_free(join_table *t);
/* Look-up of rows: keys is scratch of rows.n; see join_kernel.h for first and counts. `columns` are the key columns. */
vonk_status vonk__join_lookup(const join_table *t, vonk_lane *lane, vonk_column *const *columns, vonk_rows rows,
                              uint64_t *keys, uint32_t *first, uint32_t *counts, vonk_error *err);
/* Keys of rows of build or probe columns, as in join_kernel.h. */
vonk_status vonk__join_pack_keys(const join_table *t, vonk_budget *budget, vonk_column *const *columns, vonk_rows rows,
                                 uint64_t *ret_keys, vonk_error *err);
static inline void vonk__join_flag(const join_table *t, uint32_t row, uint8_t flag)
{
    uint8_t have = atomic_load_explicit(&t->flags[row], memory_order_relaxed);
    if (!(have & flag)) atomic_fetch_or_explicit(&t->flags[row], flag, memory_order_relaxed);
}
static inline uint8_t vonk__join_flag_of(const join_table *t, uint32_t row)
{
    return atomic_load_explicit(&t->flags[row], memory_order_relaxed);
}
/* match[k] &= row a_rows[k] of each a column equals row b_rows[k] (NULL: k) of the b column; both FLAT, no null is met.
 */
void vonk__join_match(vonk_column *const *a, const uint32_t *a_rows, vonk_column *const *b, const uint32_t *b_rows,
                      uint32_t n_columns, uint32_t n, uint8_t *match);

/* ---- making it: phases, in each of which steps may run at the same time (join_build.c) */
enum { JOIN_PHASES = 4, JOIN_CHUNK_ROWS = 65536, JOIN_PART_ROWS = 32768 };
typedef struct join_build {
    join_table *table;
    vonk_op *op;
    vonk_batch **batches; /* owned; in order; their columns are given up one by one */
    uint32_t n_batches;
    uint32_t n_steps[JOIN_PHASES];
    uint32_t n_chunks, n_parts;
    uint64_t *keys;        /* [row] */
    uint32_t *part_counts; /* [chunk][part] */
    join_entry *scratch;
    bool *ascending;       /* [chunk]: strictly */
    uint32_t *chunk_nulls; /* [chunk] */
    _Atomic bool dups;
} join_build;

/* Batches (taken over) of the stored columns, in order. */
vonk_status vonk__join_build_open(join_build *b, vonk_op *op, const join_form *form, vonk_batch **take_batches,
                                  uint32_t n_batches, vonk_error *err);
/* Serial beginning of a phase: sets n_steps[phase]. */
vonk_status vonk__join_build_phase(join_build *b, uint32_t phase, vonk_error *err);
vonk_status vonk__join_build_all(join_build *b, vonk_error *err); /* all phases, one step after the other */
vonk_status vonk__join_build_step(join_build *b, uint32_t phase, uint32_t i, vonk_error *err);
/* After the last: the table is the caller's. */
vonk_status vonk__join_build_end(join_build *b, join_table **ret, vonk_error *err);
void vonk__join_build_close(join_build *b);
void vonk__join_drop_keys(join_table *t); /* key columns that are not needed any more */
uint32_t vonk__join_n_parts(uint32_t n_rows);

/* ---- output (join_out.c) */
enum { JOIN_MOST_PIECES = 64 };
typedef struct join_pieces { /* few rows kept back, so that what comes above is not called for each few */
    vonk_batch *at[JOIN_MOST_PIECES];
    uint32_t n, n_rows;
} join_pieces;

/* Which rows make up an output batch. */
typedef struct join_rows {
    const vonk_batch *in;       /* of the probe side; NULL: its columns are null */
    const uint32_t *probe_rows; /* [n] of in; NULL: in's rows as they are, n == in->n_rows */
    const uint32_t *build_rows; /* [n], JOIN_NONE where some_null; NULL: the build columns are null */
    uint32_t n;
    bool some_null;
} join_rows;
/* Without a selection. `mark`: a further column, reference taken, or NULL. */
vonk_status vonk__join_output(const join_form *f, const join_table *t, vonk_lane *lane, const join_rows *rows,
                              vonk_column *take_mark, vonk_batch **ret, vonk_error *err);
/* Puts `batch` (taken) out, or keeps it with its like. At most one call before `out` is handed on. */
vonk_status vonk__join_put(join_pieces *p, vonk_lane *lane, vonk_batch *take_batch, vonk_out *out, vonk_error *err);
vonk_status vonk__join_put_rest(join_pieces *p, vonk_lane *lane, vonk_out *out, vonk_error *err);
void vonk__join_pieces_done(join_pieces *p);

/* ---- probing (join_probe.c): the state of one lane */
typedef struct join_lane {
    op_program_local key_program, residual;
    vonk_column **key_columns; /* [n_keys] of the batch */
    vonk_column **used_columns; /* [n_used]: room for the residual's input */
    uint32_t room, pair_room;
    uint64_t *keys;           /* [k]: k counts the selected rows */
    uint32_t *first, *counts; /* [k]: join_kernel.h; counts is not used when the table is unique */
    uint8_t *hit;             /* [k]: JOIN_FLAG_ */
    uint8_t *null_key;        /* [k], null-aware joins */
    uint32_t *pair_k, *pair_build, *out_probe, *out_build;
    bool open;              /* the batch has been looked up */
    uint32_t at_k, at_pair; /* next: pair number at_pair of row at_k */
    join_pieces pieces;
    /* spilled joins */
    uint8_t *carry;               /* [k] of this batch: `hit` of earlier rounds, in and out; NULL: there is one round */
    bool not_last;                /* rounds follow: what a probe row has not found it may still find */
    VONK_VEC(vonk_batch *) held;  /* on their way to disk, of one morsel */
    uint64_t held_position;       /* of their first row */
    uint64_t next_position;
    uint32_t held_rows;
    int64_t held_bytes;
    int32_t held_partition;
} join_lane;

vonk_status vonk__join_lane_open(const join_form *f, vonk_lane *lane, join_lane *l, vonk_error *err);
void vonk__join_lane_close(const join_form *f, join_lane *l);
/* As vonk_input_class.push. */
vonk_status vonk__join_probe(const join_form *f, join_table *t, vonk_lane *lane, join_lane *l, const vonk_batch *in,
                             vonk_out *out, vonk_flow *ret_flow, vonk_error *err);

/* The probe input, for `shared` = join_shared. */
vonk_status vonk__join_probe_local_open(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err);
vonk_status vonk__join_probe_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                                  vonk_flow *ret_flow, vonk_error *err);
vonk_status vonk__join_probe_end(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                                 vonk_error *err);
bool vonk__join_probe_wants(vonk_op *op, int32_t partition, uint64_t ordinal);
vonk_status vonk__join_probe_finish(vonk_op *op, vonk_lane *lane, uint32_t *ret_steps, vonk_error *err);
void vonk__join_probe_local_close(vonk_op *op, void *local);
#define JOIN_PROBE_INPUT                                                                                               \
    {.order = VONK_ORDER_KEEPS,                                                                                        \
     .local_size = sizeof(join_lane),                                                                                  \
     .local_open = vonk__join_probe_local_open,                                                                        \
     .push = vonk__join_probe_push,                                                                                    \
     .end_morsel = vonk__join_probe_end,                                                                               \
     .finish = vonk__join_probe_finish,                                                                                \
     .step = vonk__join_grace_step,                                                                                    \
     .wants = vonk__join_probe_wants,                                                                                  \
     .local_close = vonk__join_probe_local_close}

/* ---- the operator around it (join_collect.c, join_rest.c) */
typedef struct join_lot { /* build rows of one lane */
    vonk_op *op;
    vonk_mutex lock;
    VONK_VEC(vonk_batch *) batches;
    _Atomic int64_t bytes;
    bool any, has_null;
    uint64_t position; /* of the lane's next row: ordinal of the morsel << 32 | row in it */
    op_program_local keys;
    struct join_lot *next;
} join_lot;

typedef struct join_grace join_grace;   /* the join on disk: join_grace_int.h */
typedef struct join_reader join_reader; /* what comes out of it, for one lane */

typedef struct join_steps { /* phases of join_build, run by steps of the sink */
    vonk_mutex lock;
    vonk_cond changed;
    uint32_t phase, n_steps[JOIN_PHASES], n_phase_done; /* steps that were announced */
    bool failed;
} join_steps;

typedef struct join_shared {
    join_form form;
    vonk_mutex lock; /* lots */
    join_lot *lots;
    join_build build;
    join_steps steps;
    join_table *table;
    bool any, has_null;       /* of all lots */
    uint32_t *partition_rows; /* [partition + 1]: its first build row; NULL: all belong to the last partition */
    vonk_filter_slot *slots;  /* [key] */
    bool *has_slot;
    join_grace *grace; /* something has been spilled */
    bool spilled;      /* everything is: there is no table */
    _Atomic bool probe_any, probe_null; /* as in join_table, of spilled rows */
    vonk_status spill_status;           /* of a spill that somebody else has asked for; raised at the next call */
    vonk_error spill_error;
} join_shared;

/* ---- build sides that do not fit (join_spill.c, join_grace.c, join_merge.c) */
uint64_t vonk__join_bytes(const vonk_batch *b);
/* The position of the next n rows of a morsel; *inout moves behind them. */
vonk_status vonk__join_place(uint64_t *inout, uint64_t ordinal, uint32_t n, uint64_t *ret, vonk_error *err);
/* Writes batches (borrowed) of stored columns, whose sequences are the positions of their first rows. Any thread. */
vonk_status vonk__join_spill_build(vonk_op *op, vonk_batch *const *batches, size_t n, vonk_error *err);
vonk_status vonk__join_spill_lot(join_lot *lot, vonk_error *err);
vonk_status vonk__join_spill_error(join_shared *s, vonk_error *err);
int64_t vonk__join_spillable(vonk_op *op);
int64_t vonk__join_spill(vonk_op *op, int64_t bytes_wanted);
bool vonk__join_fits(const vonk_op *op, const join_form *f, vonk_batch *const *batches, uint32_t n);
void vonk__join_grace_plan(join_grace *g);
void vonk__join_grace_free(join_grace *g); /* NULL is fine */
/* Probe rows go to disk: each batch, and what is held at the end of a morsel. */
vonk_status vonk__join_grace_push(vonk_op *op, vonk_lane *lane, join_lane *l, const vonk_batch *in, vonk_error *err);
vonk_status vonk__join_grace_flush(vonk_op *op, vonk_lane *lane, join_lane *l, vonk_error *err);
void vonk__join_grace_drop_held(join_lane *l);
/* All probe rows are there: a step per unit. */
vonk_status vonk__join_grace_finish(vonk_op *op, uint32_t *ret_steps, vonk_error *err);
vonk_status vonk__join_grace_step(vonk_op *op, vonk_lane *lane, uint32_t unit, vonk_error *err);
/* The rows, one morsel per partition that has any. */
vonk_status vonk__join_grace_n_morsels(vonk_op *op, uint32_t partition, uint32_t *ret_n, vonk_error *err);
vonk_status vonk__join_grace_start(vonk_op *op, uint32_t partition, join_reader **inout, vonk_error *err);
vonk_status vonk__join_grace_next(vonk_op *op, vonk_lane *lane, join_reader *r, vonk_out *out, vonk_error *err);
void vonk__join_grace_reader_free(join_reader *r);
vonk_status vonk__join_grace_metrics(const join_grace *g, vonk_buf *out, vonk_error *err);

/* The build input, and the source that puts out build rows at the end; both for `shared` = join_shared. */
typedef struct join_build_local {
    join_lot *lot;
} join_build_local;
vonk_status vonk__join_build_local_open(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err);
vonk_status vonk__join_build_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                                  vonk_flow *ret_flow, vonk_error *err);
vonk_status vonk__join_build_finish(vonk_op *op, vonk_lane *lane, uint32_t *ret_steps, vonk_error *err);
vonk_status vonk__join_build_step_at(vonk_op *op, vonk_lane *lane, uint32_t i, vonk_error *err);
void vonk__join_build_local_close(vonk_op *op, void *local);
#define JOIN_BUILD_INPUT                                                                                               \
    {.sink = true,                                                                                                     \
     .first = 1,                                                                                                       \
     .order = VONK_ORDER_KEEPS,                                                                                        \
     .local_size = sizeof(join_build_local),                                                                           \
     .local_open = vonk__join_build_local_open,                                                                        \
     .push = vonk__join_build_push,                                                                                    \
     .finish = vonk__join_build_finish,                                                                                \
     .step = vonk__join_build_step_at,                                                                                 \
     .local_close = vonk__join_build_local_close}
extern const vonk_source_class vonk__join_source;
/* What is left of the build rows *inout_at .. end: a batch, NULL at the end. rows: room for a batch. */
vonk_status vonk__join_rest_batch(const join_table *t, vonk_lane *lane, uint32_t *inout_at, uint32_t end, uint32_t *rows,
                                  vonk_batch **ret, vonk_error *err);
vonk_status vonk__join_open(vonk_op *op, join_shared *s, const vonk_expr_list *probe_keys,
                            const vonk_expr_list *build_keys, const vonk_expr *residual, vonk_error *err);
void vonk__join_close(vonk_op *op);
/* Runtime filters (join_filter.c): which of the probe side's scans take one; tell them, before flat keys are given up;
 * take them back. */
void vonk__join_find_slots(vonk_op *op, join_shared *s);
void vonk__join_publish(vonk_op *op, join_shared *s, vonk_column *const *keys);
void vonk__join_withdraw(join_shared *s);

#endif
