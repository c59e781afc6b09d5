/* exec/window_int.h -- inside the window operator (op_window.c, window_*.c).
 *
 * Rows come in as into a sort: by (Spark's partition, partition keys, order keys). They are read back in order, in
 * blocks of a batch; a block goes out as soon as the rows are there that its functions look at: the next ones, all
 * equal ones, or the rest of the window partition. Rows are counted from 0 over a whole morsel; a frame is [low, high)
 * in those numbers. Blocks behind everything that a function may still look at are dropped; when memory is short, those
 * farthest ahead go to disk and come back when they are asked for. */
#ifndef VONK_EXEC_WINDOW_INT_H
#define VONK_EXEC_WINDOW_INT_H

#include "exec/sort_groups.h"

#define WINDOW_NO_ROW UINT64_MAX

typedef enum win_kind {
    WIN_ROW_NUMBER,
    WIN_RANK,
    WIN_DENSE_RANK,
    WIN_PERCENT_RANK,
    WIN_CUME_DIST,
    WIN_NTILE,
    WIN_FRAME_START, /* row numbers in the partition: for who computes over frames elsewhere */
    WIN_FRAME_END,
    WIN_OFFSET,   /* lag, lead: a row so far away */
    WIN_NTH,      /* nth_value, first, last: a row of the frame */
    WIN_WHOLE,    /* aggregates over the partition */
    WIN_GROWING,  /* ... from the partition's start on */
    WIN_SLIDING,  /* ... over any frame, from partial results */
    WIN_EACH      /* ... over any frame, row by row as Spark does it: where another order of adding could show */
} win_kind;

typedef enum win_need { WIN_NEED_ROWS, WIN_NEED_PEERS, WIN_NEED_PARTITION } win_need;

typedef struct win_bound {
    vonk_bound_kind kind;
    int64_t rows;   /* ROWS: offset */
    uint32_t value; /* RANGE: which value the order's is compared with */
} win_bound;

typedef struct win_frame {
    bool rows;
    win_bound lower, upper;
} win_frame;

typedef struct win_fn {
    win_kind kind;
    const vonk_type *type;
    vonk_fn_call *call; /* aggregates */
    const vonk_agg *agg;
    size_t state_bytes;
    uint32_t first_arg, n_args; /* among the values */
    uint32_t filter, fallback;  /* values; UINT32_MAX: none */
    uint32_t frame;
    int64_t offset; /* WIN_OFFSET: rows ahead; WIN_NTH: from 1, -1: the last; WIN_NTILE: buckets */
    bool ignore_nulls, whole_rows /* kernels over a whole column give the same */;
} win_fn;

typedef struct window_shared {
    sort_groups by; /* first: the partition's keys, then the order's */
    uint32_t n_in, n_values, n_fns, n_frames;
    win_fn *fns;
    win_frame *frames;
    vonk_program *program; /* of the values: arguments, filters, defaults, bounds */
    const vonk_type **types; /* of a block: input columns, values */
    uint32_t order_value, bound_bytes; /* RANGE with values: the order's value; bytes of its encoded form, 0: no such frame */
    vonk_sort_spec order_spec;
    win_need need;
    uint64_t ahead; /* rows */
} window_shared;

typedef struct win_block {
    uint64_t first; /* row */
    uint32_t n, pins;
    uint64_t used;     /* number of the last pin */
    vonk_batch *batch; /* NULL: on disk */
    vonk_spill_ref ref;
    bool saved;              /* on disk there is a copy */
    uint8_t *starts, *peers; /* bits: a window partition, a group of equal rows starts here. One allocation */
    uint8_t *order;          /* encoded order values, when bounds are compared with them */
} win_block;

/* What a function keeps from one block to the next. */
typedef struct win_fn_local {
    void *scratch;          /* the call's */
    uint64_t partition;     /* first row of the partition that the rest belongs to; WINDOW_NO_ROW: none */
    uint64_t count;         /* dense_rank */
    uint8_t *state;         /* rows [.., at) */
    vonk_arena *heap;
    uint64_t from, at;      /* EACH: of the last state */
    vonk_column *carried;   /* WHOLE: one row */
    uint8_t *front;         /* SLIDING: states of rows [j, middle) for j from front_first on; `state`: [middle, at) */
    uint64_t front_first, middle, front_room;
    uint8_t **pointers;     /* [front_room] */
    VONK_VEC(uint64_t) present; /* rows with a value, for IGNORE NULLS */
    size_t first_present;
} win_fn_local;

typedef struct win_frame_local {
    uint64_t partition, low, high;
} win_frame_local;

/* The first border at or behind a place. */
typedef struct win_border {
    uint64_t next, scanned; /* WINDOW_NO_ROW: not among the rows up to `scanned` */
} win_border;

/* Frames and borders of the rows of the block that goes out. */
typedef struct win_span {
    uint64_t *start, *end, *peer, *peer_end; /* [row of the block] */
    uint64_t **low, **high;                  /* [frame] */
} win_span;

typedef struct win_out {
    vonk_op *op;
    vonk_lane *lane;
    sort_reader reader;
    op_program_local program;
    uint8_t **rows;
    VONK_VEC(win_block) blocks;
    size_t head; /* first block that is still wanted */
    uint64_t end; /* rows read */
    uint64_t n_pins;
    bool ended;
    /* the last row read, for the border to the next one */
    uint8_t *last;
    vonk_row_store *edge;
    vonk_spill_file *file;
    uint64_t last_start, last_peer; /* borders among the rows read; WINDOW_NO_ROW: none */
    win_border start, peers;
    uint64_t partition, peer; /* that the last row gone out belongs to */
    size_t at_block;          /* to go out next; all before are only looked at */
    uint64_t kept_from;       /* rows before may go */
    uint32_t *iota, room;     /* 0, 1, 2, ... */
    uint8_t **repeated;
    win_frame_local *frames;
    win_fn_local *fns;
} win_out;

static inline vonk_column *win_value(const window_shared *s, const win_block *b, uint32_t value)
{
    return b->batch->columns[s->n_in + value];
}

/* window_rows.c: blocks */
vonk_status vonk__win_read(win_out *w, vonk_error *err);                            /* one more block, or w->ended */
/* Its batch stays until unpin. Nothing may be read while a block is pinned. */
vonk_status vonk__win_pin(win_out *w, uint64_t row, win_block **ret, vonk_error *err);
static inline void vonk__win_unpin(win_block *b) { b->pins--; }
win_block *vonk__win_block_of(const win_out *w, uint64_t row);
void vonk__win_drop_behind(win_out *w); /* blocks before kept_from */
void vonk__win_rows_clear(win_out *w);
vonk_status vonk__win_room(win_out *w, uint32_t rows, vonk_error *err); /* of iota, repeated */

/* window_frame.c */
bool vonk__win_enough(const win_out *w, const win_block *b); /* rows read to put b out */
vonk_status vonk__win_spans(win_out *w, const win_block *b, win_span *ret, vonk_error *err);

/* window_rank.c, window_pick.c, window_aggregate.c: the function's column for a block */
vonk_status vonk__win_rank(win_out *w, uint32_t f, const win_block *b, const win_span *span, vonk_column **ret,
                           vonk_error *err);
vonk_status vonk__win_pick(win_out *w, uint32_t f, const win_block *b, const win_span *span, vonk_column **ret,
                           vonk_error *err);
vonk_status vonk__win_aggregate(win_out *w, uint32_t f, const win_block *b, const win_span *span, vonk_column **ret,
                                vonk_error *err);
/* No row of a partition is known to the function any more. */
void vonk__win_fn_reset(const window_shared *s, uint32_t f, win_fn_local *l);
void vonk__win_fn_done(const window_shared *s, uint32_t f, win_fn_local *l);

/* window_form.c: functions, frames and what of the rows they need */
vonk_status vonk__win_form_open(vonk_op *op, vonk_error *err);

#endif
