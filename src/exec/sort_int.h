/* exec/sort_int.h -- inside sorting (op_sort.c, op_top_n.c, op_window.c, sort_*.c).
 *
 * A row lies in a row store: [sort keys, other output columns][key bytes][position]. Key bytes are comparable by
 * memcmp: Spark's partition first where the sort is local (the one that the row comes from, or the one that a hash of
 * it leads to), then the encoded keys (strings: a prefix). Position (ordinal
 * << 32 | row) makes the order total: the sort is stable, and the same with any number of lanes. An entry holds the
 * first 8 key bytes as a number, so that most comparisons touch no row. */
#ifndef VONK_EXEC_SORT_INT_H
#define VONK_EXEC_SORT_INT_H

#include "exec/op_int.h"
#include "column/rows.h"

typedef struct sort_entry {
    uint64_t prefix;
    uint8_t *row;
} sort_entry;

typedef struct sort_form {
    vonk_program *program;
    uint32_t n_keys, n_columns; /* of the layout: keys, then the rest */
    vonk_sort_spec *specs;
    const vonk_type **types; /* [n_columns] + long, int: what spilled rows look like */
    uint32_t *from_input;    /* [n_columns]: input column, UINT32_MAX: computed key */
    uint32_t *output_at;     /* [output column]: layout column */
    vonk_row_layout *layout;
    uint32_t key_at, key_bytes; /* in a row; key_bytes: with the partition */
    uint32_t encoded_bytes, position_at;
    bool exact, local;
    uint32_t n_buckets; /* local: the partition is hash(..) pmod this, computed by the program behind the keys; 0: the
                           lane's */
} sort_form;

/* Rows of one lane. */
typedef struct sort_rows {
    vonk_row_store *store;
    VONK_VEC(sort_entry) entries;
    op_program_local program;
    vonk_column **keys, **columns;
    uint8_t **rows, *encoded; /* for `room` rows */
    uint32_t *buckets;
    uint32_t room;
    uint64_t ordinal, row_in_morsel;
} sort_rows;

vonk_status vonk__sort_form_open(vonk_op *op, sort_form *f, bool local, vonk_error *err);
/* The same for given keys (all of it in op->arena). `hash` and n_buckets: see sort_form. */
vonk_status vonk__sort_form_make(vonk_op *op, sort_form *f, const vonk_expr *const *keys, vonk_sort_spec *specs,
                                 uint32_t n, bool local, const vonk_expr *hash, uint32_t n_buckets, vonk_error *err);
void vonk__sort_form_close(sort_form *f);
vonk_status vonk__sort_rows_open(vonk_op *op, vonk_lane *lane, const sort_form *f, sort_rows *r, vonk_error *err);
void vonk__sort_rows_close(sort_rows *r);
/* Evaluates and encodes the keys of a batch: r->columns (references), r->encoded. vonk__sort_drop gives the columns
 * back. */
vonk_status vonk__sort_encode(vonk_op *op, vonk_lane *lane, const sort_form *f, sort_rows *r, const vonk_batch *in,
                              vonk_error *err);
void vonk__sort_drop(const sort_form *f, sort_rows *r);
/* Keeps the rows k in list[0..n) (NULL: 0..n-1) of the encoded batch. */
vonk_status vonk__sort_keep(vonk_op *op, vonk_lane *lane, const sort_form *f, sort_rows *r, const vonk_batch *in,
                            const uint32_t *list, uint32_t n, vonk_error *err);
uint64_t vonk__sort_prefix(const uint8_t *key, uint32_t key_bytes);
int vonk__sort_compare(const sort_form *f, const sort_entry *a, const sort_entry *b);
void vonk__sort_entries(const sort_form *f, sort_entry *entries, size_t n);
/* Output columns of rows in memory. */
vonk_status vonk__sort_output(vonk_op *op, vonk_lane *lane, const sort_form *f, uint8_t *const *rows, uint32_t n,
                              vonk_batch **ret, vonk_error *err);

/* ---- several sorted runs in memory, merged */
typedef struct sort_cursor {
    const sort_entry *at, *end;
} sort_cursor;
/* Writes up to `room` rows in order; advances the cursors; returns how many. heap[0..*n_live): cursors with rows,
 * smallest first. */
void vonk__sort_heap(const sort_form *f, sort_cursor *cursors, uint32_t n, uint32_t *heap, uint32_t *ret_live);
uint32_t vonk__sort_merge(const sort_form *f, sort_cursor *cursors, uint32_t *heap, uint32_t *n_live, uint8_t **rows,
                          uint32_t room);

/* ---- runs on disk (sort_disk.c) */
typedef struct run_block {
    vonk_spill_ref ref;
    uint32_t first_partition;
} run_block;
typedef struct sort_run {
    VONK_VEC(run_block) blocks;
    uint64_t n_rows;
} sort_run;
/* Appends sorted rows to a run. */
vonk_status vonk__sort_run_write(vonk_op *op, const sort_form *f, vonk_spill_file *file, uint8_t *const *rows,
                                 uint32_t n, sort_run *run, vonk_error *err);
void vonk__sort_run_done(sort_run *run);

/* Merges runs of one file and runs in memory; all are borrowed until free. Blocks that end before `from_partition` are
 * not read. *ret must be freed also after a failure. */
typedef struct disk_merge disk_merge;
vonk_status vonk__disk_merge_new(vonk_op *op, const sort_form *f, vonk_spill_file *file, const sort_run *runs,
                                 uint32_t n_runs, const sort_cursor *memory, uint32_t n_memory, uint32_t from_partition,
                                 disk_merge **ret, vonk_error *err);
void vonk__disk_merge_free(disk_merge *m);
/* The next rows in order, alive until the next call; 0: the end. */
vonk_status vonk__disk_merge_next(disk_merge *m, uint8_t **rows, uint32_t room, uint32_t *ret_n, vonk_error *err);
/* ---- the sink of sorting operators (sort_sink.c): each lane keeps its rows and sorts them when it has no more, or when
 * memory is short: then they go to disk as a run. At the end the sorted rows are cut, so that cuts can be read on their
 * own. op->shared starts with a sort_sink. */
#define SORT_CUT_ROWS 65536

typedef struct sort_lane {
    vonk_op *op;
    vonk_mutex lock; /* push and merge / spill from outside */
    sort_rows rows;
    _Atomic int64_t bytes;
    bool sorted;
    struct sort_lane *next;
} sort_lane;

typedef struct sort_sink {
    sort_form form;
    vonk_mutex lock;
    sort_lane *lanes;
    vonk_spill_file *file;
    VONK_VEC(sort_run) runs;
    vonk_status spill_status;
    vonk_error spill_error;
    /* Order of a row and the row that a cut starts at; NULL: any row may start one. */
    int (*compare_cut)(const vonk_op *op, const sort_entry *a, const sort_entry *b);
    bool by_partition; /* one cut for each of the output's partitions */
    bool all_or_none;  /* once there is a run on disk, the rows in memory follow in the end: the reader needs the room */
    /* after finish */
    uint32_t n_memory, n_cuts; /* runs in memory; cuts */
    const sort_entry **bounds; /* [cut][run]: where it starts; one more at the end */
    bool on_disk;              /* there are no cuts: everything is merged with the runs on disk */
    uint32_t n_morsels;        /* altogether; when all are given the rows go */
    _Atomic uint32_t n_given;
} sort_sink;

void vonk__sort_sink_init(sort_sink *s);
void vonk__sort_sink_done(sort_sink *s); /* with its form */
extern const vonk_input_class vonk__sort_input;
int64_t vonk__sort_spillable(vonk_op *op);
int64_t vonk__sort_spill(vonk_op *op, int64_t bytes_wanted);
vonk_status vonk__sort_n_morsels(vonk_op *op, uint32_t partition, uint32_t *ret_n, vonk_error *err);

/* Reading: the rows of one cut (or of one partition, or all, when there are runs on disk) in order. One per lane. */
typedef struct sort_reader {
    sort_cursor *cursors;
    uint32_t *heap, n_live;
    disk_merge *disk;
    uint32_t partition;
    bool ended;
} sort_reader;
vonk_status vonk__sort_reader_open(vonk_op *op, sort_reader *r, vonk_error *err);
void vonk__sort_reader_close(sort_reader *r);
vonk_status vonk__sort_reader_start(vonk_op *op, sort_reader *r, uint32_t partition, uint32_t morsel, vonk_error *err);
/* At most `room` rows, alive until the next call (in memory: until the last morsel is given); 0: the end, and then the
 * morsel counts as given. */
vonk_status vonk__sort_reader_next(vonk_op *op, sort_reader *r, uint8_t **rows, uint32_t room, uint32_t *ret_n,
                                   vonk_error *err);

/* Merges runs until at most SORT_MOST_RUNS are left. */
#define SORT_MOST_RUNS 64
vonk_status vonk__sort_runs_reduce(vonk_op *op, const sort_form *f, vonk_spill_file *file, sort_run *runs,
                                   uint32_t *inout_n, vonk_error *err);

#endif
