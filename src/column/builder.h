/* column/builder.h -- a column made value by value, any type, nested too: readers of row formats, row-wise functions, results of collect_list.
 * One thread. Storage belongs to the caller. After an error the builder may only be done()d. */
#ifndef VONK_COLUMN_BUILDER_H
#define VONK_COLUMN_BUILDER_H

#include "column/column.h"

typedef struct vonk_builder vonk_builder;
struct vonk_builder {
    vonk_budget     *budget;
    const vonk_type *type; /* referenced */
    uint32_t         n_rows, capacity;
    vonk_buffer     *data, *validity; /* validity NULL until the first null */
    vonk_buffer     *heap;            /* being filled; earlier ones in heaps */
    size_t           heap_used;
    vonk_buffer    **heaps;
    uint32_t         n_heaps, n_children;
    vonk_builder    *children;
};

vonk_status vonk_builder_init(vonk_builder *b, vonk_budget *budget, const vonk_type *type, uint32_t expected_rows, vonk_error *err);
void        vonk_builder_done(vonk_builder *b); /* accepts zeroed storage */
VONK_DEFINE_AUTO_DONE(vonk_builder, vonk_builder_done)

vonk_status vonk_builder_null(vonk_builder *b, vonk_error *err); /* struct: its children get a null too */
vonk_status vonk_builder_bool(vonk_builder *b, bool value, vonk_error *err);
vonk_status vonk_builder_i64(vonk_builder *b, int64_t value, vonk_error *err); /* I8..I64 storages; asserts that it fits */
vonk_status vonk_builder_i128(vonk_builder *b, vonk_i128 value, vonk_error *err); /* I64 (must fit) and I128 */
vonk_status vonk_builder_f64(vonk_builder *b, double value, vonk_error *err);  /* F32, F64 */
vonk_status vonk_builder_str(vonk_builder *b, vonk_str bytes, vonk_error *err);
/* Room for `bytes` to be written by the caller; then vonk_builder_str_commit(b, bytes really used). */
vonk_status vonk_builder_str_reserve(vonk_builder *b, size_t bytes, char **ret, vonk_error *err);
vonk_status vonk_builder_str_commit(vonk_builder *b, size_t bytes, vonk_error *err);
/* The bytes of a value as they lie in a column: any storage of fixed width but BIT. */
vonk_status vonk_builder_fixed(vonk_builder *b, const void *value, vonk_error *err);
vonk_status vonk_builder_interval(vonk_builder *b, vonk_interval value, vonk_error *err);
/* Array and map: append elements to vonk_builder_child(b, 0 / 1), then close the row: it takes all children's rows since the last close. Struct and
 * variant: append one value to every child, then close. */
static inline vonk_builder *vonk_builder_child(vonk_builder *b, uint32_t i) { return &b->children[i]; }
vonk_status vonk_builder_close(vonk_builder *b, vonk_error *err);
/* Row `row` of a column of the same type; any encoding. */
vonk_status vonk_builder_copy(vonk_builder *b, const vonk_column *from, uint32_t row, vonk_error *err);
/* The column so far; the builder is empty again and can be used on. */
vonk_status vonk_builder_finish(vonk_builder *b, vonk_column **ret, vonk_error *err);

#endif
