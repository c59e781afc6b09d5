/* tests/tools/parquet_prune_check.c -- pruning never leaves out a row that passes: for columns of a file, all
 * operators, values from the file and values near them, each kind of hint alone and all together.
 *
 *   parquet-prune-check FILE [PERCENT]    at least PERCENT of the rows that do not pass must be left out, over all
 * tries Ends with cmocka's line of counts, for tools/test_all.py. */
#include <stdio.h>
#include <stdlib.h>

#include "codec/parquet.h"
#include "column/builder.h"
#include "dump_rows.h"

static vonk_error err = VONK_ERROR_INIT;
static uint64_t n_tries, n_failed, n_left_out, n_could_be;

typedef struct tried {
    const vonk_parquet_meta *meta;
    const vonk_bytes_in *in;
    uint32_t group;
    vonk_str name;
    const vonk_column *column; /* the whole row group */
} tried;

static bool passes(const tried *t, vonk_parquet_op op, const vonk_column *values, uint32_t row)
{
    bool null = vonk_column_is_null(t->column, row);
    if (op == VONK_PARQUET_IS_NULL || op == VONK_PARQUET_IS_NOT_NULL) return null == (op == VONK_PARQUET_IS_NULL);
    if (null) return false;
    if (op == VONK_PARQUET_STARTS_WITH)
        return vonk_str_starts(vonk_column_str(t->column, row), vonk_column_str(values, 0));
    for (uint32_t i = 0; op == VONK_PARQUET_IN && i < values->n_rows; i++) {
        if (!vonk_column_is_null(values, i) && vonk_column_row_compare(t->column, row, values, i) == 0) return true;
    }
    if (op == VONK_PARQUET_IN) return false;
    int order = vonk_column_row_compare(t->column, row, values, 0);
    switch (op) {
    case VONK_PARQUET_EQ: return order == 0;
    case VONK_PARQUET_NE: return order != 0;
    case VONK_PARQUET_LT: return order < 0;
    case VONK_PARQUET_LE: return order <= 0;
    case VONK_PARQUET_GT: return order > 0;
    default: return order >= 0;
    }
}

static void try_term(const tried *t, vonk_parquet_op op, const vonk_column *values, unsigned use)
{
    vonk_arena *arena = NULL;
    const vonk_parquet_range *ranges = NULL;
    size_t n = 0, at = 0;
    const vonk_parquet_term term = {.path = &t->name, .n_path = 1, .op = op, .values = values};
    must(vonk_arena_new(vonk_budget_root(), &arena, &err), &err);
    must(vonk_parquet_prune(arena, t->meta, t->in, t->group, &term, 1, use, &ranges, &n, &err), &err);
    n_tries++;
    for (uint32_t row = 0; row < t->column->n_rows; row++) {
        while (at < n && ranges[at].from + ranges[at].n <= row) at++;
        bool kept = at < n && ranges[at].from <= row, passing = passes(t, op, values, row);
        if (passing && !kept) {
            printf("%.*s: operator %d with hints %u leaves out row %u of group %u\n", VONK_STR_ARGS(t->name), (int)op,
                   use, row, t->group);
            n_failed++;
            break;
        }
        n_could_be += !passing && use == VONK_PARQUET_USE_ALL;
        n_left_out += !kept && use == VONK_PARQUET_USE_ALL;
    }
    vonk_arena_free(arena);
}

/* The value itself, and for numbers one above and one below. */
static vonk_column *make_value(const vonk_column *column, uint32_t row, int shift)
{
    vonk_builder b;
    vonk_column *one = NULL;
    vonk_storage storage = column->type->storage;
    bool number = storage >= VONK_STORE_I8 && storage <= VONK_STORE_I64;
    if (shift != 0 && !number && storage != VONK_STORE_F64 && storage != VONK_STORE_F32) return NULL;
    must(vonk_builder_init(&b, vonk_budget_root(), column->type, 1, &err), &err);
    if (shift == 0)
        must(vonk_builder_copy(&b, column, row, &err), &err);
    else if (number)
        must(vonk_builder_i64(&b, vonk_column_i64(column, row) / 2 + shift, &err), &err);
    else
        must(vonk_builder_f64(&b, vonk_column_f64(column, row) + shift, &err), &err);
    must(vonk_builder_finish(&b, &one, &err), &err);
    vonk_builder_done(&b);
    return one;
}

static void try_values(const tried *t, const vonk_column *values)
{
    static const unsigned uses[] = {VONK_PARQUET_USE_STATISTICS, VONK_PARQUET_USE_PAGE_INDEX, VONK_PARQUET_USE_BLOOM,
                                    VONK_PARQUET_USE_DICTIONARY, VONK_PARQUET_USE_ALL};
    bool text = values->type->id == VONK_T_STRING;
    for (size_t k = 0; k < VONK_COUNTOF(uses); k++) {
        for (int op = VONK_PARQUET_EQ; op <= VONK_PARQUET_STARTS_WITH; op++) {
            bool unary = op == VONK_PARQUET_IS_NULL || op == VONK_PARQUET_IS_NOT_NULL;
            if (op != VONK_PARQUET_STARTS_WITH || text)
                try_term(t, (vonk_parquet_op)op, unary ? NULL : values, uses[k]);
        }
    }
}

static void try_column(const tried *t)
{
    uint32_t step = t->column->n_rows / 12 + 1;
    for (uint32_t row = 0; row < t->column->n_rows; row += step) {
        if (vonk_column_is_null(t->column, row)) continue;
        for (int shift = -1; shift <= 1; shift++) {
            vonk_column *value = make_value(t->column, row, shift);
            if (value) try_values(t, value);
            vonk_column_unref(value);
        }
    }
}

static void try_group(const vonk_parquet_meta *meta, const vonk_bytes_in *in, const vonk_field *field, uint32_t group)
{
    const vonk_type *want = NULL;
    vonk_parquet_scan *scan = NULL;
    uint32_t n = 0;
    bool flat = true;
    must(vonk_type_struct(field, 1, &want, &err), &err);
    vonk_parquet_scan_spec spec = {.group = group, .want = want, .flat = &flat};
    must(vonk_parquet_scan_new(vonk_budget_root(), meta, in, &spec, &scan, &err), &err);
    must(vonk_parquet_scan_next(scan, UINT32_MAX / 4, &n, &err), &err);
    if (n > 0) {
        vonk_column *column = NULL, *whole = NULL;
        must(vonk_parquet_scan_column(scan, 0, VONK_ALL_ROWS(n), &column, &err), &err);
        must(vonk_column_flatten(vonk_budget_root(), column, &whole, &err), &err);
        const tried t = {meta, in, group, field->name, whole};
        try_column(&t);
        vonk_column_unref(column);
        vonk_column_unref(whole);
    }
    vonk_parquet_scan_free(scan);
    vonk_type_unref(want);
}

int main(int argc, char **argv)
{
    vonk_buf file = {0};
    vonk_bytes_in in;
    vonk_parquet_meta *meta = NULL;
    const vonk_type *type = NULL;
    const vonk_parquet_options options = VONK_PARQUET_OPTIONS;
    if (argc < 2) {
        fprintf(stderr, "usage: parquet-prune-check FILE [PERCENT]\n");
        return 2;
    }
    read_whole_file(argv[1], &file);
    vonk_bytes_in_memory(&in, file.data, file.len, vonk_str_of(argv[1]));
    must(vonk_parquet_meta_read(vonk_budget_root(), &in, &options, &meta, &err), &err);
    must(vonk_parquet_schema(meta, &type, &err), &err);
    for (uint32_t g = 0; g < vonk_parquet_n_row_groups(meta); g++) {
        for (uint32_t c = 0; c < type->n_fields; c++) {
            if (type->fields[c].type->storage != VONK_STORE_SPAN && type->fields[c].type->storage != VONK_STORE_NONE)
                try_group(meta, &in, &type->fields[c], g);
        }
    }
    double share = n_could_be ? 100.0 * (double)n_left_out / (double)n_could_be : 0,
           least = argc > 2 ? strtod(argv[2], NULL) : 0;
    printf("%.1f %% of the rows that do not pass are left out\n", share);
    if (share < least) n_failed++;
    vonk_type_unref(type);
    vonk_parquet_meta_unref(meta);
    vonk_buf_done(&file);
    printf("%llu questions, %llu answered wrongly\n", (unsigned long long)n_tries, (unsigned long long)n_failed);
    return n_failed != 0;
}
