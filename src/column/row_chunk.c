/* column/row_chunk.c -- any encoding and selection, 512 rows at a time, as plain arrays. */
#include "column/rows_int.h"

static const uint32_t zeros[VONK__CHUNK_ROWS];

static void load_valid(vonk__chunk *c, const vonk_column *column, vonk_rows rows, uint32_t at)
{
    const uint8_t *bits = column->validity;
    c->valid = NULL;
    if (column->type->id == VONK_T_NULL)
        memset(c->valid_store, 0, c->n);
    else if (!bits)
        return;
    else if (column->encoding == VONK_CONSTANT) {
        if (vonk_bit_get(bits, 0)) return;
        memset(c->valid_store, 0, c->n);
    } else {
        uint32_t all = 1;
        for (uint32_t k = 0; k < c->n; k++) {
            c->valid_store[k] = vonk_bit_get(bits, vonk_row_at(rows, at + k));
            all &= c->valid_store[k];
        }
        if (all) return;
    }
    c->valid = c->valid_store;
}

/* Sums wrap: they fit for every row that the sequence has. */
static void load_sequence(vonk__chunk *c, const vonk_column *column, vonk_rows rows, uint32_t at)
{
    uint64_t start = (uint64_t)column->seq_start, step = (uint64_t)column->seq_step;
#define FILL(T)                                                                                                        \
    for (uint32_t k = 0; k < c->n; k++) ((T *)(void *)c->value_store)[k] = (T)(start + vonk_row_at(rows, at + k) * step)
    switch (column->type->storage) {
    case VONK_STORE_I8: FILL(uint8_t); break;
    case VONK_STORE_I16: FILL(uint16_t); break;
    case VONK_STORE_I32: FILL(uint32_t); break;
    default: FILL(uint64_t);
    }
#undef FILL
    c->values = c->value_store;
    c->idx = NULL;
    c->first = 0;
}

static void load_codes(vonk__chunk *c, const vonk_column *column, vonk_rows rows, uint32_t at)
{
    const uint32_t *codes = column->data;
    c->base = column->children[0];
    c->values = c->base->data;
    c->idx = c->idx_store;
    if (c->base->n_rows == 0) { /* all rows are null: some defined bytes stand in for their values */
        static const vonk__pair64 nothing;
        c->values = &nothing;
        c->idx = zeros;
    } else if (rows.idx)
        for (uint32_t k = 0; k < c->n; k++) c->idx_store[k] = codes[rows.idx[at + k]];
    else
        c->idx = codes + at;
}

void vonk__chunk_load(vonk__chunk *chunk, const vonk_column *column, vonk_rows rows, uint32_t at, uint32_t n)
{
    chunk->base = column;
    chunk->values = column->data;
    chunk->n = n;
    chunk->first = at;
    chunk->idx = NULL;
    load_valid(chunk, column, rows, at);
    switch (column->encoding) {
    case VONK_FLAT: chunk->idx = rows.idx ? rows.idx + at : NULL; break;
    case VONK_CONSTANT: chunk->idx = zeros; break;
    case VONK_DICTIONARY: load_codes(chunk, column, rows, at); break;
    case VONK_SEQUENCE: load_sequence(chunk, column, rows, at); break;
    }
}
