/* rdd/rdd_record.c -- records in a stream of bytes. */
#include "rdd/rdd_int.h"

int32_t vonk__be32(const char *at)
{
    uint32_t x;
    memcpy(&x, at, sizeof x);
    return (int32_t)__builtin_bswap32(x);
}

void vonk__put_be32(char *at, int32_t x)
{
    uint32_t be = __builtin_bswap32((uint32_t)x);
    memcpy(at, &be, sizeof be);
}

int64_t vonk__be64(const char *at)
{
    uint64_t x;
    memcpy(&x, at, sizeof x);
    return (int64_t)__builtin_bswap64(x);
}

/* A frame with its length; a negative length (a null) has no bytes. 0: not all there. */
static size_t frame_bytes(vonk_str bytes)
{
    if (bytes.len < 4) return 0;
    int32_t n = vonk__be32(bytes.data);
    size_t all = 4 + (n > 0 ? (size_t)n : 0);
    return all <= bytes.len ? all : 0;
}

size_t vonk__record_bytes(vonk_rdd_elements elements, vonk_str bytes)
{
    if (elements == VONK_RDD_F64) return bytes.len >= 8 ? 8 : 0;
    size_t first = frame_bytes(bytes);
    if (elements != VONK_RDD_PAIR || !first) return first;
    size_t second = frame_bytes(vonk_str_sub(bytes, first, bytes.len));
    return second ? first + second : 0;
}

void vonk__cutter_init(rdd_cutter *c, vonk_rdd_elements elements, vonk_budget *budget, vonk_rdd_sink *sink)
{
    *c = (rdd_cutter){.elements = elements, .sink = sink};
    vonk_buf_init(&c->rest, budget, SIZE_MAX);
}

void vonk__cutter_done(rdd_cutter *c) { vonk_buf_done(&c->rest); }

static vonk_status hand_on(rdd_cutter *c, vonk_str record, vonk_error *err)
{
    return c->n++ < c->skip ? VONK_OK : c->sink->put(c->sink->self, record, &c->enough, err);
}

/* How many more bytes the record in `rest` surely wants. */
static size_t wants(const rdd_cutter *c)
{
    vonk_str rest = vonk_buf_str(&c->rest);
    if (c->elements == VONK_RDD_F64) return 8 - rest.len;
    if (c->elements == VONK_RDD_PAIR && frame_bytes(rest)) rest = vonk_str_sub(rest, frame_bytes(rest), rest.len);
    if (rest.len < 4) return 4 - rest.len;
    return 4 + (size_t)vonk__be32(rest.data) - rest.len; /* positive: the frame is not whole */
}

vonk_status vonk__cutter_push(rdd_cutter *c, vonk_str bytes, vonk_error *err)
{
    while (c->rest.len && bytes.len && !c->enough) {
        size_t n = vonk_min_size(wants(c), bytes.len);
        VONK_TRY(vonk_buf_append(&c->rest, bytes.data, n, err));
        bytes = vonk_str_sub(bytes, n, bytes.len);
        if (!vonk__record_bytes(c->elements, vonk_buf_str(&c->rest))) continue;
        VONK_TRY(hand_on(c, vonk_buf_str(&c->rest), err));
        vonk_buf_reset(&c->rest);
    }
    for (size_t n; !c->enough && (n = vonk__record_bytes(c->elements, bytes)) > 0;) {
        VONK_TRY(hand_on(c, (vonk_str){bytes.data, n}, err));
        bytes = vonk_str_sub(bytes, n, bytes.len);
    }
    return c->enough ? VONK_OK : vonk_buf_add_str(&c->rest, bytes, err);
}

vonk_status vonk__cutter_end(const rdd_cutter *c, vonk_error *err)
{
    if (c->enough || !c->rest.len) return VONK_OK;
    return VONK_FAIL(err, VONK_E_MALFORMED_INPUT, "path", "records of an RDD", "problem", "the last record is cut off");
}

vonk_status vonk__push_block(vonk_block_store *store, vonk_block_id id, rdd_cutter *cutter, bool *ret_there,
                             vonk_error *err)
{
    VONK_AUTO(vonk_block_close) vonk_block_reader *r = NULL;
    VONK_TRY(vonk_block_open(store, id, &r, err));
    *ret_there = r != NULL;
    while (r && !cutter->enough) {
        vonk_str piece;
        VONK_TRY(vonk_block_read(r, &piece, err));
        if (!piece.len) break;
        VONK_TRY(vonk__cutter_push(cutter, piece, err));
    }
    return r ? vonk__cutter_end(cutter, err) : VONK_OK;
}
