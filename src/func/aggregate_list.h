/* func/aggregate_list.h -- inside func: states of aggregates that keep all values of a group, or all different ones. Memory is the table's heap. */
#ifndef VONK_FUNC_AGGREGATE_LIST_H
#define VONK_FUNC_AGGREGATE_LIST_H

#include "column/builder.h"
#include "func/aggregate_int.h"

/* ---- values in the order in which they came */
typedef struct vonk__list_chunk {
    struct vonk__list_chunk *next;
    uint32_t n, capacity;
    vonk__kept values[];
} vonk__list_chunk;
typedef struct vonk__list {
    vonk__list_chunk *first, *last;
    uint64_t n;
} vonk__list;
vonk_status vonk__list_add(vonk__list *list, vonk_eval *ev, vonk_arena *heap, const vonk_column *column, uint32_t row, vonk_error *err);
/* for (VONK__LIST_EACH(list, value)) */
#define VONK__LIST_EACH(list, value)                                                                                        \
    vonk__list_chunk *c_ = (list)->first; c_; c_ = c_->next)                                                                \
        for (vonk__kept *value = c_->values; value < c_->values + c_->n; value++
/* Appends the value, or a null, to a builder of its type. */
vonk_status vonk__kept_put(vonk_builder *b, const vonk__kept *kept, vonk_error *err);

/* ---- different values with a count, in the order of first appearance */
typedef struct vonk__bag_entry {
    struct vonk__bag_entry *next; /* that came after it */
    uint64_t hash;
    int64_t count;
    vonk__kept value;
} vonk__bag_entry;
typedef struct vonk__bag {
    vonk__bag_entry *first, *last, **slots;
    uint32_t n, log2; /* of the slots */
} vonk__bag;
/* hash: of vonk_column_hash. The value is not null. */
vonk_status vonk__bag_add(vonk__bag *bag, vonk_eval *ev, vonk_arena *heap, const vonk_column *column, uint32_t row, uint64_t hash, int64_t count, vonk_error *err);

/* hashes[row] for the rows that count, in scratch. */
vonk_status vonk__agg_hashes(vonk_eval *ev, const vonk_column *c, vonk_rows rows, uint64_t **ret, vonk_error *err);

/* ---- a saved form, "array<arg0>,array<bigint>": the values of a state, and how often each was there */
typedef struct vonk__counted {
    vonk_builder values, counts;
} vonk__counted;
vonk_status vonk__counted_init(vonk__counted *c, const vonk_fn_call *call, vonk_eval *ev, uint32_t n, vonk_error *err);
vonk_status vonk__counted_add(vonk__counted *c, const vonk__kept *value, int64_t count, vonk_error *err);
vonk_status vonk__counted_close(vonk__counted *c, vonk_error *err);                     /* after each state */
vonk_status vonk__counted_finish(vonk__counted *c, vonk_column **ret, vonk_error *err); /* two columns */
void        vonk__counted_done(vonk__counted *c);
VONK_DEFINE_AUTO_DONE(vonk__counted, vonk__counted_done)
/* What takes one saved value into a state. hash: of vonk_column_hash. */
typedef vonk_status (*vonk__counted_into)(const vonk_fn_call *call, uint8_t *state, vonk_eval *ev, vonk_arena *heap, const vonk_column *values, uint32_t row,
                                          uint64_t hash, int64_t count, vonk_error *err);
/* The merge of such a form. */
vonk_status vonk__counted_merge(vonk__counted_into into, const vonk_fn_call *call, vonk_eval *ev, vonk_arena *heap, vonk_column *const *saved, vonk_rows rows,
                                uint8_t *const *states, vonk_error *err);

/* ---- numbers: doubles with a count each, in one array */
typedef struct vonk__weighted {
    double value;
    int64_t count;
} vonk__weighted;
typedef struct vonk__numbers {
    vonk__weighted *at;
    uint64_t n, capacity;
} vonk__numbers;
vonk_status vonk__numbers_add(vonk__numbers *numbers, vonk_arena *heap, double value, int64_t count, vonk_error *err);
/* By value, NaN last. */
void vonk__numbers_sort(vonk__numbers *numbers);
#endif
