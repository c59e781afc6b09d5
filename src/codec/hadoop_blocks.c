#include "codec/hadoop_blocks.h"

void vonk__blocks_init(vonk__blocks *b, vonk_budget *budget)
{
    vonk_buf_init(&b->packed, budget, SIZE_MAX);
    vonk_buf_init(&b->plain, budget, SIZE_MAX);
}

void vonk__blocks_done(vonk__blocks *b)
{
    vonk_buf_done(&b->packed);
    vonk_buf_done(&b->plain);
}

void vonk__blocks_start(vonk__blocks *b)
{
    vonk_buf_reset(&b->packed);
    vonk_buf_reset(&b->plain);
    b->plain_at = 0;
    b->owed = b->wanted = 0;
}

/* Exactly n bytes, valid until the next call; *ret false: more input is needed, what there was is kept. */
static vonk_status gather(vonk__blocks *b, vonk_cursor *in, size_t n, bool *ret, vonk_str *ret_bytes, vonk_error *err)
{
    const size_t left = vonk_cursor_left(in), some = vonk_min_size(n - b->packed.len, left);
    *ret = left >= n - b->packed.len;
    if (*ret && !b->packed.len) { /* where it lies */
        *ret_bytes = (vonk_str){(const char *)in->at, n};
    } else if (some) {
        VONK_TRY(vonk_buf_append(&b->packed, in->at, some, err));
        *ret_bytes = vonk_buf_str(&b->packed);
    }
    in->at += some;
    if (*ret) vonk_buf_reset(&b->packed); /* its bytes stay until the next append */
    return VONK_OK;
}

static vonk_status gather_number(vonk__blocks *b, vonk_cursor *in, bool *ret, uint32_t *ret_n, vonk_error *err)
{
    vonk_str bytes = VONK_STR_NONE;
    uint32_t be = 0;
    VONK_TRY(gather(b, in, sizeof be, ret, &bytes, err));
    if (!*ret) return VONK_OK;
    assert(bytes.data);
    memcpy(&be, bytes.data, sizeof be);
    be = __builtin_bswap32(be);
    if (be > INT32_MAX) return vonk_cursor_fail(in, "a block of the packed data has no size", err);
    *ret_n = be;
    return VONK_OK;
}

static size_t hand_out(vonk__blocks *b, void *to, size_t room)
{
    const size_t n = vonk_min_size(room, b->plain.len - b->plain_at);
    if (n) memcpy(to, b->plain.data + b->plain_at, n);
    b->plain_at += n;
    return n;
}

static vonk_status unpack_chunk(vonk__blocks *b, const vonk__chunk_codec *codec, const vonk_cursor *in, vonk_str chunk,
                                void *to, size_t room, size_t *ret_got, vonk_error *err)
{
    const size_t most = vonk_min_size(codec->most(chunk), b->owed);
    const bool is_direct = room >= most;
    char *into = to;
    vonk_buf_reset(&b->plain);
    b->plain_at = 0;
    if (!is_direct) VONK_TRY(vonk_buf_extend(&b->plain, most, &into, err));
    const size_t got = most ? codec->unpack(chunk, into, most) : 0;
    if (!got) return vonk_cursor_fail(in, "a block of the packed data is corrupt", err);
    b->owed -= (uint32_t)got;
    b->wanted = 0;
    b->plain.len = is_direct ? 0 : got;
    *ret_got = is_direct ? got : hand_out(b, to, room);
    return VONK_OK;
}

vonk_status vonk__blocks_step(vonk__blocks *b, const vonk__chunk_codec *codec, vonk_cursor *in, void *to, size_t room,
                              size_t *ret_got, bool *ret_end, vonk_error *err)
{
    bool is_there = true;
    vonk_str chunk = VONK_STR_NONE;
    *ret_got = hand_out(b, to, room);
    if (!*ret_got && !b->owed) {
        VONK_TRY(gather_number(b, in, &is_there, &b->owed, err));
    } else if (!*ret_got && !b->wanted) {
        VONK_TRY(gather_number(b, in, &is_there, &b->wanted, err));
        if (is_there && !b->wanted) return vonk_cursor_fail(in, "a block of the packed data is cut off", err);
    } else if (!*ret_got) {
        VONK_TRY(gather(b, in, b->wanted, &is_there, &chunk, err));
        if (is_there) VONK_TRY(unpack_chunk(b, codec, in, chunk, to, room, ret_got, err));
    }
    *ret_end = !b->owed && !b->packed.len && b->plain_at == b->plain.len;
    return VONK_OK;
}

/* ---- writing */

static vonk_status pack_block(const vonk__chunk_codec *codec, void *self, const char *data, size_t bytes, vonk_buf *out,
                              vonk_error *err)
{
    uint32_t sizes[2] = {__builtin_bswap32((uint32_t)bytes), 0};
    const size_t head = out->len;
    VONK_TRY(vonk_buf_append(out, sizes, bytes ? sizeof sizes : sizeof sizes[0], err));
    if (!bytes) return VONK_OK;
    VONK_TRY(codec->pack(self, data, bytes, out, err));
    sizes[1] = __builtin_bswap32((uint32_t)(out->len - head - sizeof sizes));
    memcpy(out->data + head, sizes, sizeof sizes);
    return VONK_OK;
}

vonk_status vonk__blocks_pack(const vonk__chunk_codec *codec, void *self, const void *data, size_t bytes, vonk_buf *out,
                              vonk_error *err)
{
    size_t at = 0;
    do {
        const size_t n = vonk_min_size(bytes - at, codec->block_bytes);
        VONK_TRY(pack_block(codec, self, bytes ? (const char *)data + at : "", n, out, err));
        at += n;
    } while (at < bytes);
    return VONK_OK;
}
