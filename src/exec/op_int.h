/* exec/op_int.h -- what the operators of this folder share: the classes' names, a program with its lane state, rows in
 * morsel order. */
#ifndef VONK_EXEC_OP_INT_H
#define VONK_EXEC_OP_INT_H

#include "base/vec.h"
#include "exec/exec_int.h"

/* ---- a program of an operator and its local part */
typedef struct op_program_local {
    vonk_program_local *at;
    int32_t partition; /* that vonk_program_start_partition was told */
} op_program_local;
vonk_status vonk__program_open(vonk_op *op, vonk_lane *lane, const vonk_program *program, op_program_local *ret,
                               vonk_error *err);
void vonk__program_close(op_program_local *l);
/* Before evaluating: tells partition-bound programs that another partition has started. */
static inline void vonk__program_place(op_program_local *l, const vonk_lane *lane)
{
    if (VONK_UNLIKELY(l->partition != lane->partition)) {
        l->partition = lane->partition;
        vonk_program_start_partition(l->at, lane->partition);
    }
}

/* Batch of `columns` (references taken) with the selection of `like`. */
vonk_status vonk__batch_like(vonk_lane *lane, const vonk_batch *like, vonk_column **take_columns, uint32_t n,
                             vonk_batch **ret, vonk_error *err);

/* Partitions of a leaf that does not say: spark.sql.leafNodeDefaultParallelism, spark.default.parallelism, or the
 * pool's threads. Never depends on env.n_threads. */
uint32_t vonk__default_parallelism(const vonk_exec *exec);

/* hash(exprs), as Spark's hash partitioning computes it: a non-null int. Its program is freed by the operator. */
vonk_status vonk__spark_hash_expr(vonk_budget *budget, const vonk_expr *const *exprs, uint32_t n, const vonk_expr **ret,
                                  vonk_error *err);
vonk_status vonk__spark_hash_program(vonk_op *op, const vonk_expr *const *exprs, uint32_t n, vonk_program **ret,
                                     vonk_error *err);
static inline uint32_t vonk__pmod(int32_t hash, uint32_t n)
{
    int64_t r = (int64_t)hash % (int64_t)n;
    return (uint32_t)(r < 0 ? r + n : r);
}

/* ---- batches by morsel, taken out in order of ordinals: LIMIT and TAIL. Not thread-safe. */
typedef struct ordered_slot {
    VONK_VEC(vonk_batch *) batches;
    uint64_t n_rows;
    bool ended;
} ordered_slot;
typedef struct ordered {
    vonk_budget *budget;
    ordered_slot *slots; /* [ordinal] */
    uint64_t n, capacity;
} ordered;
vonk_status vonk__ordered_slot(ordered *o, uint64_t ordinal, ordered_slot **ret, vonk_error *err);
void vonk__ordered_clear(ordered_slot *slot);
void vonk__ordered_done(ordered *o);

#endif
