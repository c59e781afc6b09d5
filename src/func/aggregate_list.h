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
