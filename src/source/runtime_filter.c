/* source/runtime_filter.c -- nulls, then the range, then the bloom filter; a dictionary's values are looked at once. */
#include "source/runtime_filter.h"

#include "column/rows.h"

static uint32_t drop_nulls(const vonk_column *column, vonk_rows rows, uint32_t *ret_rows)
{
    uint32_t n = 0;
    assert(ret_rows || rows.n == 0);
    for (uint32_t k = 0; k < rows.n; k++) {
        uint32_t row = vonk_row_at(rows, k);
        ret_rows[n] = row;
        n += vonk_bit_get(column->validity, row);
    }
    return n;
}

/* One test for both bounds: value - low, unsigned, is at most high - low. */
#define DEFINE_RANGE(name, ctype)                                                                                      \
    static uint32_t name(const vonk_column *column, vonk_rows rows, int64_t low, uint64_t span, uint32_t *ret_rows)    \
    {                                                                                                                  \
        const ctype *values = VONK_VALUES(column, ctype);                                                              \
        uint32_t n = 0;                                                                                                \
        for (uint32_t k = 0; k < rows.n; k++) {                                                                        \
            uint32_t row = vonk_row_at(rows, k);                                                                       \
            ret_rows[n] = row;                                                                                         \
            n += (uint64_t)values[row] - (uint64_t)low <= span;                                                        \
        }                                                                                                              \
        return n;                                                                                                      \
    }
DEFINE_RANGE(range_i8, int8_t)
DEFINE_RANGE(range_i16, int16_t)
DEFINE_RANGE(range_i32, int32_t)
DEFINE_RANGE(range_i64, int64_t)

static bool has_range(const vonk_column *column)
{
    return column->encoding == VONK_FLAT && column->type->storage >= VONK_STORE_I8 &&
           column->type->storage <= VONK_STORE_I64;
}

static uint32_t in_range(const vonk_runtime_filter *filter, const vonk_column *column, vonk_rows rows,
                         uint32_t *ret_rows)
{
    int64_t low = vonk_column_i64(filter->min, 0);
    uint64_t span = (uint64_t)vonk_column_i64(filter->max, 0) - (uint64_t)low;
    switch (column->type->storage) {
    case VONK_STORE_I8: return range_i8(column, rows, low, span, ret_rows);
    case VONK_STORE_I16: return range_i16(column, rows, low, span, ret_rows);
    case VONK_STORE_I32: return range_i32(column, rows, low, span, ret_rows);
    default: return range_i64(column, rows, low, span, ret_rows);
    }
}

/* The same where the values lie in a dictionary that is too large to be judged for so few rows. */
#define DEFINE_RANGE_BY_CODE(name, ctype)                                                                              \
    static uint32_t name(const vonk_column *column, vonk_rows rows, int64_t low, uint64_t span, uint32_t *ret_rows)    \
    {                                                                                                                  \
        const uint32_t *codes = VONK_VALUES(column, uint32_t);                                                         \
        const ctype *values = VONK_VALUES(column->children[0], ctype);                                                 \
        uint32_t n = 0;                                                                                                \
        for (uint32_t k = 0; k < rows.n; k++) {                                                                        \
            uint32_t row = vonk_row_at(rows, k);                                                                       \
            ret_rows[n] = row;                                                                                         \
            n += (uint64_t)values[codes[row]] - (uint64_t)low <= span;                                                 \
        }                                                                                                              \
        return n;                                                                                                      \
    }
DEFINE_RANGE_BY_CODE(range_of_codes_i32, int32_t)
DEFINE_RANGE_BY_CODE(range_of_codes_i64, int64_t)

/* Not worth it beside a bloom filter, which tells more. */
static bool has_range_by_code(const vonk_runtime_filter *filter, const vonk_column *column)
{
    if (column->encoding != VONK_DICTIONARY || filter->bloom || column->children[0]->encoding != VONK_FLAT)
        return false;
    const vonk_storage storage = column->type->storage;
    return storage == VONK_STORE_I32 || storage == VONK_STORE_I64;
}

static uint32_t in_range_by_code(const vonk_runtime_filter *filter, const vonk_column *column, vonk_rows rows,
                                 uint32_t *ret_rows)
{
    const int64_t low = vonk_column_i64(filter->min, 0);
    const uint64_t span = (uint64_t)vonk_column_i64(filter->max, 0) - (uint64_t)low;
    return column->type->storage == VONK_STORE_I32 ? range_of_codes_i32(column, rows, low, span, ret_rows)
                                                   : range_of_codes_i64(column, rows, low, span, ret_rows);
}

static vonk_status in_bloom(const vonk_runtime_filter *filter, const vonk_column *column, vonk_rows rows,
                            uint32_t *ret_rows, uint32_t *ret_n, vonk_error *err)
{
    enum { SOME = 1024 };
    uint64_t hashes[SOME];
    uint32_t some[SOME], n = 0;

    for (uint32_t from = 0; from < rows.n; from += SOME) {
        uint32_t m = rows.n - from < SOME ? rows.n - from : SOME;
        for (uint32_t k = 0; k < m; k++) some[k] = vonk_row_at(rows, from + k);
        VONK_TRY(vonk_column_hash(column, (vonk_rows){some, m}, hashes, true, err));
        for (uint32_t k = 0; k < m; k++) {
            ret_rows[n] = some[k];
            n += vonk_bloom_has(filter->bloom, filter->n_words, hashes[k]);
        }
    }
    *ret_n = n;
    return VONK_OK;
}

static vonk_status flat_rows(const vonk_runtime_filter *filter, const vonk_column *column, vonk_rows rows,
                             uint32_t *ret_rows, uint32_t *ret_n, vonk_error *err)
{
    bool narrowed = rows.idx == ret_rows;
    if (column->encoding == VONK_CONSTANT) {
        *ret_n = 0;
        if (vonk_column_is_null(column, 0)) return VONK_OK;
    } else if (column->validity) {
        rows = (vonk_rows){ret_rows, drop_nulls(column, rows, ret_rows)};
        narrowed = true;
    }
    if (filter->min && filter->max && has_range(column)) {
        rows = (vonk_rows){ret_rows, in_range(filter, column, rows, ret_rows)};
        narrowed = true;
    } else if (filter->min && filter->max && has_range_by_code(filter, column)) {
        rows = (vonk_rows){ret_rows, in_range_by_code(filter, column, rows, ret_rows)};
        narrowed = true;
    }
    if (filter->bloom) return in_bloom(filter, column, rows, ret_rows, ret_n, err);
    for (uint32_t k = 0; !narrowed && k < rows.n; k++) ret_rows[k] = vonk_row_at(rows, k);
    *ret_n = rows.n;
    return VONK_OK;
}

/* wanted[i]: does the filter let entry i of the dictionary through? */
static vonk_status judge(vonk_budget *budget, const vonk_runtime_filter *filter, const vonk_column *dictionary,
                         uint8_t *wanted, vonk_error *err)
{
    uint32_t *entries = NULL, n = 0;
    VONK_TRY(vonk_alloc_array(budget, dictionary->n_rows + 1, sizeof *entries, &entries, err));
    vonk_status st = flat_rows(filter, dictionary, VONK_ALL_ROWS(dictionary->n_rows), entries, &n, err);
    for (uint32_t i = 0; st == VONK_OK && i < n; i++) wanted[entries[i]] = 1;
    vonk_free(entries);
    return st;
}

static void wanted_rows(const vonk_column *column, vonk_rows rows, const uint8_t *wanted, uint32_t *ret_rows,
                        uint32_t *ret_n)
{
    const uint32_t *codes = VONK_VALUES(column, uint32_t);
    uint32_t n = 0;
    for (uint32_t k = 0; k < rows.n; k++) {
        uint32_t row = vonk_row_at(rows, k);
        ret_rows[n] = row;
        n += wanted[codes[row]] && (!column->validity || vonk_bit_get(column->validity, row));
    }
    *ret_n = n;
}

vonk_status vonk__runtime_filter_rows(vonk_budget *budget, const vonk_runtime_filter *filter, const vonk_column *column,
                                      vonk_rows rows, uint32_t *ret_rows, uint32_t *ret_n, vonk_error *err)
{
    if (column->encoding != VONK_DICTIONARY || column->children[0]->n_rows >= rows.n)
        return flat_rows(filter, column, rows, ret_rows, ret_n, err);
    uint8_t *wanted = NULL;
    VONK_TRY(vonk_alloc_zeroed(budget, column->children[0]->n_rows + 1, &wanted, err));
    vonk_status st = judge(budget, filter, column->children[0], wanted, err);
    if (st == VONK_OK) wanted_rows(column, rows, wanted, ret_rows, ret_n);
    vonk_free(wanted);
    return st;
}
