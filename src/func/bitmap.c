/* func/bitmap.c -- aggregates whose result is a bitmap of 32768 bits. */
#include "func/aggregate_int.h"
#include "func/body.h"
#include "func/tables.h"

enum { BITMAP_BYTES = 4096, BITMAP_BITS = 8 * BITMAP_BYTES };

/* clang-format off */
static const vonk_agg construct_agg, or_agg, and_agg;
#define ROW .kind = VONK_FN_AGGREGATE, .result = "binary", .nulls = VONK_NEVER_NULL, .group = "agg_funcs"

const vonk_fn vonk_fns_bitmap[] = {
    {.name = "bitmap_construct_agg", .args = "bigint", ROW, .agg = &construct_agg, .since = "3.5.0",
     .doc = "The bitmap in which the bits at the given positions (bitmap_bit_position) are set.",
     .example = "bitmap_construct_agg(bitmap_bit_position(col)) FROM VALUES (1), (2), (3) AS tab(col)", .expect = ""},
    {.name = "bitmap_or_agg", .args = "!binary", ROW, .raises = VONK_NEVER_RAISES, .agg = &or_agg, .since = "3.5.0",
     .doc = "The bits that are set in any of the bitmaps.",
     .example = "bitmap_or_agg(col) FROM VALUES (X'10'), (X'20'), (X'40') AS tab(col)", .expect = ""},
    {.name = "bitmap_and_agg", .args = "!binary", ROW, .raises = VONK_NEVER_RAISES, .agg = &and_agg, .since = "4.1.0",
     .doc = "The bits that are set in all of the bitmaps.",
     .example = "bitmap_and_agg(col) FROM VALUES (X'F0'), (X'70'), (X'30') AS tab(col)", .expect = ""},
};
/* clang-format on */
VONK_FN_COUNT(bitmap);

typedef struct state {
    uint8_t *bits; /* in the heap; NULL: nothing came yet */
} state;

static bool meets(const vonk_fn_call *call) { return call->fn->agg == &and_agg; }

/* The empty union has no bit, the empty intersection all of them. */
static int start_byte(const vonk_fn_call *call) { return meets(call) ? 0xFF : 0; }

static vonk_status bits_of(const vonk_fn_call *call, state *s, vonk_arena *heap, uint8_t **ret, vonk_error *err)
{
    if (!s->bits) {
        VONK_TRY(vonk_arena_alloc(heap, BITMAP_BYTES, &s->bits, err));
        memset(s->bits, start_byte(call), BITMAP_BYTES);
    }
    *ret = s->bits;
    return VONK_OK;
}

VONK__AGG_UPDATE(construct_update)
{
    VONK__AGG_EACH(rows, k, row)
    {
        uint8_t *bits;
        if (!vonk__agg_present(args[0], row)) continue;
        int64_t at = vonk_column_i64(args[0], row);
        if (at < 0 || at >= BITMAP_BITS)
            return VONK_FAIL(err, VONK_E_INVALID_BITMAP_POSITION, "bitPosition", VONK_F("%lld", (long long)at),
                             "bitmapNumBits", VONK_F("%d", BITMAP_BITS), "bitmapNumBytes", VONK_F("%d", BITMAP_BYTES));
        VONK_TRY(bits_of(call, (state *)(void *)states[k], heap, &bits, err));
        vonk_bit_set(bits, (size_t)at);
    }
    return VONK_OK;
}

/* A bitmap that is shorter has no bits behind its end; what is longer than a bitmap does not count. */
static void join(uint8_t *bits, vonk_str other, bool meet)
{
    size_t n = vonk_min_size(other.len, BITMAP_BYTES);
    for (size_t i = 0; i < n; i++) {
        uint8_t byte = (uint8_t)other.data[i];
        bits[i] = meet ? bits[i] & byte : bits[i] | byte;
    }
    if (meet) memset(bits + n, 0, BITMAP_BYTES - n);
}

VONK__AGG_UPDATE(join_update)
{
    VONK__AGG_EACH(rows, k, row)
    {
        uint8_t *bits;
        if (!vonk__agg_present(args[0], row)) continue;
        VONK_TRY(bits_of(call, (state *)(void *)states[k], heap, &bits, err));
        join(bits, vonk_column_str(args[0], row), meets(call));
    }
    return VONK_OK;
}

VONK__AGG_FINISH(finish)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, &vonk_type_binary, n, VONK_ALL_ROWS(n), &s, err));
    for (uint32_t i = 0; i < n; i++) {
        const state *from = (const state *)(const void *)states[i];
        char *at;
        VONK_TRY(vonk_strings_reserve(&s, BITMAP_BYTES, &at, err));
        if (from->bits)
            memcpy(at, from->bits, BITMAP_BYTES);
        else
            memset(at, start_byte(call), BITMAP_BYTES);
        vonk_strings_commit(&s, i, at, BITMAP_BYTES);
    }
    return vonk_strings_take(&s, ret, err);
}

static const vonk_agg construct_agg = {.state_bytes = sizeof(state),
                                       .state = "binary",
                                       .update = construct_update,
                                       .merge = join_update,
                                       .save = finish,
                                       .finish = finish,
                                       .ignores_duplicates = true};
static const vonk_agg or_agg = {.state_bytes = sizeof(state),
                                .state = "binary",
                                .update = join_update,
                                .merge = join_update,
                                .save = finish,
                                .finish = finish,
                                .ignores_duplicates = true};
static const vonk_agg and_agg = {.state_bytes = sizeof(state),
                                 .state = "binary",
                                 .update = join_update,
                                 .merge = join_update,
                                 .save = finish,
                                 .finish = finish,
                                 .ignores_duplicates = true};
