/* exec/agg_int.h -- inside the hash aggregate (op_aggregate.c, agg_*.c).
 *
 * A group is a row of a row store: [keys][hash][position][partition][states]. A lane finds groups through a table of
 * its own that stays in cache; when the table is full it is emptied and rows go on in AGG_PARTS stores, by the top bits
 * of the hash, so a group may have several rows. At the end the rows of each part are merged, parts in parallel.
 * Functions that need their rows in order (first, collect_list) keep argument values instead of states and are updated
 * in order at the end.
 *
 * Slot of a hash: the bits below the part's bits; so a part's table, read from front to back, is almost sorted by hash,
 * and parts are in order of hash: the order that many groups come out in. Few groups (AGG_ORDERED_GROUPS) come out as
 * Spark would put them: by (hash(keys) pmod shuffle partitions, first appearance). */
#ifndef VONK_EXEC_AGG_INT_H
#define VONK_EXEC_AGG_INT_H

#include "exec/op_int.h"
#include "column/rows.h"

#define AGG_RADIX_BITS 6
#define AGG_PARTS (1u << AGG_RADIX_BITS)
#define AGG_ORDERED_GROUPS 16384
#define AGG_LANE_SLOTS 17     /* log2 of the most slots of a lane's table (1 MB): half of them groups */
#define AGG_LANE_SLOTS_MAX 21 /* ... when the optimizer knows that all groups fit */
#define AGG_DIRECT_CODES 1024
#define AGG_MAX_SAVED 16

typedef struct agg_fn {
    vonk_fn_call *call;
    const vonk_agg *agg;
    uint32_t first_arg, n_args; /* among the values */
    uint32_t filter;            /* value, UINT32_MAX: none */
    uint32_t state_at;          /* in a row */
    uint32_t first_saved, n_saved;
} agg_fn;

typedef struct agg_table {
    uint64_t *slots; /* 0: free; else low 16 bits of the hash << 48 | row */
    uint32_t log2;
    uint32_t n_groups;
} agg_table;

/* Working arrays of one lane, for `room` rows. */
typedef struct agg_scratch {
    uint32_t room;
    uint64_t *hashes, *positions;
    uint8_t **rows, **states, **sub_rows;
    uint32_t *left, *compare, *fresh, *slot_of, *idx, *codes, *order;
    uint8_t *match;
} agg_scratch;

/* How a row is laid out. */
typedef struct agg_form {
    vonk_row_layout *layout;
    uint32_t hash_at, position_at, partition_at; /* partition_at 0: not kept */
    bool with_states;
} agg_form;

/* Where new rows go: `one`, or parts by hash. */
typedef struct agg_dest {
    const agg_form *form;
    vonk_row_store *one, **parts;
} agg_dest;

/* Keys that are all dictionaries: their codes, combined, lead straight to the group. */
typedef struct agg_direct {
    vonk_column **dictionaries; /* [key], referenced */
    uint8_t *rows[AGG_DIRECT_CODES];
    uint32_t counts[AGG_DIRECT_CODES + 1];
    uint32_t n_codes;
    bool valid;
} agg_direct;

typedef struct agg_lane {
    vonk_op *op;
    vonk_mutex lock; /* push, merge / spill from outside */
    op_program_local program;
    vonk_column **values, **args;
    void **fn_locals;
    vonk_arena *heap;
    agg_table table;
    agg_dest dest;
    vonk_row_store *parts[AGG_PARTS];
    agg_scratch scratch;
    agg_direct direct;
    uint64_t ordinal, row_in_morsel;
    uint64_t n_seen, n_added; /* since the table was emptied */
    uint64_t n_pass;          /* rows that still skip the table */
    uint8_t **scattered;      /* rows of dest.one by part, after merge */
    uint64_t first[AGG_PARTS + 1];
    _Atomic int64_t bytes; /* that a spill could free */
    bool merged;
    struct agg_lane *next;
} agg_lane;

/* The merged groups of one part (or of all). */
typedef struct agg_part {
    uint8_t **rows;
    uint64_t n_rows;
    vonk_row_store *own; /* rows made while merging */
    vonk_arena *heap;
    bool merged;
} agg_part;

typedef struct agg_spilled {
    VONK_VEC(vonk_spill_ref) refs;
    uint64_t n_rows;
} agg_spilled;

typedef struct agg_shared {
    const vonk_expr_list *key_list, *fn_list;
    uint32_t n_keys, n_fns, n_values, n_saved;
    agg_fn *fns;
    const vonk_type **value_types; /* keys, then arguments and filters (or saved columns) */
    const vonk_type **saved_types;
    bool saved_in, saved_out, ordered, partitioned, float_keys;
    vonk_program *program, *hash_program;
    uint32_t n_shuffle;               /* spark.sql.shuffle.partitions */
    uint32_t lane_slots;              /* log2 */
    const vonk_sort_spec *zero_specs; /* [n_keys] */
    agg_form groups;                  /* keys and states */
    agg_form raw;                     /* ordered: keys and values; what lanes keep then */
    uint32_t int_key;                 /* bytes of the one integral key (4, 8), 0: not that simple */
    vonk_mutex lock;
    agg_lane *lanes;
    const vonk_type **spill_types; /* layout's columns or raw_layout's, saved columns, position, hash, partition */
    uint32_t n_spill_types;
    vonk_spill_file *file;
    agg_spilled spilled[AGG_PARTS];
    vonk_status spill_status;
    vonk_error spill_error;
    agg_part parts[AGG_PARTS], all;
    _Atomic uint64_t n_groups;
    _Atomic uint32_t n_given, n_stepped;
    uint64_t *partition_first; /* in_order and partitioned: first row of each partition, and the end */
    bool in_order;             /* `all` holds everything, in Spark's order */
} agg_shared;

static inline uint64_t *agg_hash_of(const agg_form *f, uint8_t *row) { return (uint64_t *)(void *)(row + f->hash_at); }
static inline uint64_t *agg_position_of(const agg_form *f, uint8_t *row)
{
    return (uint64_t *)(void *)(row + f->position_at);
}
static inline int32_t *agg_partition_of(const agg_form *f, uint8_t *row)
{
    return (int32_t *)(void *)(row + f->partition_at);
} /* only if partition_at */
static inline uint32_t agg_slot(uint64_t hash, uint32_t log2)
{
    return (uint32_t)(hash << AGG_RADIX_BITS >> (64 - log2));
}
/* Part of a row: by hash, or by Spark's partition where those are kept. */
static inline uint32_t agg_part_of(const agg_shared *s, const vonk_op *op, uint64_t hash, int32_t partition)
{
    if (!s->partitioned) return (uint32_t)(hash >> (64 - AGG_RADIX_BITS));
    return op->n_partitions <= AGG_PARTS ? (uint32_t)partition
                                         : (uint32_t)((uint64_t)(uint32_t)partition * AGG_PARTS / op->n_partitions);
}

/* What is new about a set of rows. */
typedef struct agg_input {
    vonk_column *const *keys;
    vonk_rows rows;
    const uint64_t *hashes;    /* [k] */
    const uint64_t *positions; /* [k], or NULL: */
    uint64_t first_position;   /* ... position of k is this + k */
    const int32_t *partitions; /* [k], or NULL: */
    int32_t partition;
} agg_input;

/* agg_table.c */
vonk_status vonk__agg_scratch(agg_scratch *x, vonk_budget *budget, uint32_t n, vonk_error *err);
void vonk__agg_scratch_done(agg_scratch *x);
vonk_status vonk__agg_table_room(const agg_shared *s, agg_table *t, vonk_budget *budget, uint64_t groups,
                                 vonk_error *err);
void vonk__agg_table_clear(agg_table *t);
/* Row of the group of each k, in x->rows[0..n); new groups are made in `dest` with fresh states. The table must have
 * room for n more. */
vonk_status vonk__agg_find(const agg_shared *s, vonk_op *op, agg_table *t, agg_scratch *x, const agg_dest *dest,
                           const agg_input *in, uint32_t *ret_added, vonk_error *err);
/* Every row a group of its own. */
vonk_status vonk__agg_append(const agg_shared *s, vonk_op *op, agg_scratch *x, const agg_dest *dest,
                             const agg_input *in, vonk_error *err);

/* agg_final.c */
vonk_status vonk__agg_lane_merge(agg_lane *l, vonk_error *err);
vonk_status vonk__agg_finish(vonk_op *op, vonk_lane *lane, uint32_t *ret_steps, vonk_error *err);
vonk_status vonk__agg_step(vonk_op *op, vonk_lane *lane, uint32_t i, vonk_error *err);
void vonk__agg_part_free(agg_shared *s, agg_part *part);
extern const vonk_source_class vonk__agg_source;

/* agg_spill.c */
vonk_status vonk__agg_lane_spill(agg_lane *l, vonk_error *err); /* lane's lock held */
/* Rows of l->dest.one by part: l->scattered, l->first. */
vonk_status vonk__agg_scatter(agg_lane *l, vonk_budget *budget, vonk_error *err);

/* agg_order.c */
vonk_status vonk__agg_order_groups(vonk_op *op, vonk_lane *lane, vonk_error *err);
/* The finished column of one function, or its saved ones. */
/* A function's `save`: when it fails, its n_saved columns are NULL. */
vonk_status vonk__agg_save(const agg_fn *f, vonk_eval *ev, uint8_t *const *states, uint32_t n, vonk_column **ret,
                           vonk_error *err);
vonk_status vonk__agg_fn_column(const agg_shared *s, const agg_fn *f, vonk_lane *lane, uint8_t *const *rows, uint32_t n,
                                vonk_column **ret, vonk_error *err);
/* Columns of groups: keys, then saved or finished aggregates. */
vonk_status vonk__agg_output(vonk_op *op, vonk_lane *lane, uint8_t *const *rows, uint32_t n, vonk_batch **ret,
                             vonk_error *err);

/* op_aggregate.c */
vonk_status vonk__agg_open(vonk_op *op, vonk_error *err);
vonk_status vonk__agg_open_lists(vonk_op *op, const vonk_expr_list *keys, const vonk_expr_list *fns, vonk_agg_mode mode,
                                 vonk_error *err);
void vonk__agg_close(vonk_op *op);
vonk_status vonk__agg_lane_open(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err);
void vonk__agg_lane_close(vonk_op *op, void *local);
/* l->values = keys (any encoding), then arguments and filters or saved columns (flat). Dropped by
 * vonk__agg_drop_values. */
vonk_status vonk__agg_eval(vonk_op *op, vonk_lane *lane, agg_lane *l, const vonk_batch *in, vonk_error *err);
void vonk__agg_drop_values(const agg_shared *s, agg_lane *l);
/* Rows of the selection that f's filter lets through; list gets the k's when they are not all. */
uint32_t vonk__agg_filter(const agg_fn *f, vonk_column *const *values, vonk_rows rows, uint32_t *list);
/* Row k of rows goes to the group row groups[k]. */
vonk_status vonk__agg_update(const agg_shared *s, vonk_lane *lane, void *const *fn_locals, vonk_column *const *values,
                             vonk_rows rows, uint8_t *const *groups, agg_scratch *x, vonk_arena *heap, vonk_error *err);
/* Scratch of the functions, one each; *ret may be half-made after a failure: free it all the same. */
vonk_status vonk__agg_locals(const agg_shared *s, vonk_budget *budget, void ***ret, vonk_error *err);
void vonk__agg_locals_free(const agg_shared *s, void **locals);

/* agg_global.c: without keys */
extern const vonk_op_class vonk__op_global_aggregate;

typedef struct morsel_states {
    uint64_t ordinal;
    vonk_column **saved; /* [n_saved], one row each */
} morsel_states;

typedef struct global_shared {
    agg_shared agg; /* first: the aggregate's open and close work on it */
    VONK_VEC(morsel_states) morsels;
    uint8_t *final;
    vonk_arena *heap;
} global_shared;

typedef struct global_local {
    agg_lane lane; /* first */
    uint8_t *states;
    bool used;
} global_local;

vonk_status vonk__global_local_open(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err);
void vonk__global_local_close(vonk_op *op, void *local);
vonk_status vonk__global_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                              vonk_flow *ret_flow, vonk_error *err);
vonk_status vonk__global_end(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                             vonk_error *err);
vonk_status vonk__global_finish(vonk_op *op, vonk_lane *lane, uint32_t *ret_steps, vonk_error *err);
void vonk__global_close(vonk_op *op);

#endif
