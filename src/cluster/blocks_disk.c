/* cluster/blocks_disk.c -- chunks on disk: packed, checked, encrypted (docs/format/shuffle.md). */
#include "base/hash.h"
#include "cluster/blocks_int.h"

/* ---- scratch */

static vonk_status scratch_new(vonk_block_store *store, scratch **ret, vonk_error *err)
{
    scratch *s = NULL;
    VONK_TRY(VONK_NEW(store->budget, &s, err));
    vonk_buf_init(&s->packed, store->budget, SIZE_MAX);
    vonk_buf_init(&s->sealed, store->budget, SIZE_MAX);
    size_t most = BLOCK_CHUNK_BYTES + BLOCK_CHUNK_BYTES / 128 + 64;
    vonk_status st = vonk_compressor_new(store->budget, &s->compressor, err);
    if (st == VONK_OK) st = vonk_buf_reserve(&s->packed, most, err);
    if (st == VONK_OK && store->encrypt) st = vonk_buf_reserve(&s->sealed, most + VONK_AES_MORE_BYTES, err);
    /* The library's state is made at its first use: now. */
    if (st == VONK_OK)
        st = vonk_compress(s->compressor, VONK_COMPRESS_LZ4_RAW, VONK_COMPRESS_LEVEL_DEFAULT, "", 1, &s->packed, err);
    if (st != VONK_OK) {
        vonk__scratch_free(s);
        return st;
    }
    *ret = s;
    return VONK_OK;
}

void vonk__scratch_free(scratch *s)
{
    if (!s) return;
    vonk_compressor_free(s->compressor);
    vonk_buf_done(&s->packed);
    vonk_buf_done(&s->sealed);
    vonk_free(s);
}

vonk_status vonk__scratch_take(vonk_block_store *store, scratch **ret, vonk_error *err)
{
    vonk_mutex_lock(&store->lock);
    scratch *s = store->idle;
    if (s) store->idle = s->next;
    vonk_mutex_unlock(&store->lock);
    if (!s) return scratch_new(store, ret, err);
    *ret = s;
    return VONK_OK;
}

void vonk__scratch_give(vonk_block_store *store, scratch *s)
{
    if (!s) return;
    VONK_LOCKED(&store->lock);
    s->next = store->idle;
    store->idle = s;
}

/* ---- packing */

uint64_t vonk__piece_checksum(vonk_str stored, uint32_t raw_bytes)
{
    return vonk_hash64(stored.data, stored.len, raw_bytes);
}

vonk_status vonk__chunk_pack(vonk_block_store *store, scratch *s, vonk_str raw, vonk_str *ret, piece *ret_piece,
                             vonk_error *err)
{
    vonk_str stored = raw;
    bool packed = false;
    if (store->compress && raw.len > 64) { /* less is not worth the trouble */
        vonk_buf_reset(&s->packed);
        VONK_TRY(vonk_compress(s->compressor, VONK_COMPRESS_LZ4_RAW, VONK_COMPRESS_LEVEL_DEFAULT, raw.data, raw.len,
                               &s->packed, err));
        packed = s->packed.len < raw.len;
        if (packed) stored = vonk_buf_str(&s->packed);
    }
    *ret_piece = (piece){.bytes = vonk_u32_of(stored.len),
                         .packed = packed,
                         .checksum = vonk__piece_checksum(stored, vonk_u32_of(raw.len))};
    *ret = stored;
    return VONK_OK;
}

/* ---- segments */

void vonk__segment_free(segment *s)
{
    if (!s) return;
    vonk_file_free(s->file);
    vonk_free(s);
}

/* The old one goes when its last chunk has gone. */
static void leave_segment(vonk_block_store *store)
{
    segment *s = store->segment;
    if (!s) return;
    vonk_mutex_lock(&store->lock);
    s->current = false;
    bool dead = s->n_live == 0;
    vonk_mutex_unlock(&store->lock);
    store->segment = NULL;
    if (dead) vonk__segment_free(s);
}

static vonk_status open_segment(vonk_block_store *store, vonk_error *err)
{
    if (store->segment && store->segment->end < BLOCK_SEGMENT_BYTES) return VONK_OK;
    segment *s = NULL;
    /* The process's, not the store's: this may happen to make room in the store's budget. */
    VONK_TRY(VONK_NEW(vonk_budget_root(), &s, err));
    vonk_status st = vonk_file_open_unnamed(vonk_budget_root(), vonk_str_of(store->folder), &s->file, err);
    if (st != VONK_OK) {
        vonk_free(s);
        return st;
    }
    leave_segment(store);
    s->current = true;
    store->segment = s;
    return VONK_OK;
}

static void iv_of(const chunk *c, uint8_t ret[12])
{
    memset(ret, 0, 12);
    memcpy(ret + 4, &c->iv, sizeof c->iv);
}

static vonk_status seal(vonk_block_store *store, scratch *s, chunk *c, vonk_str *inout, vonk_error *err)
{
    uint8_t iv[12];
    char *to = NULL;
    size_t n = 0;
    c->iv = atomic_fetch_add(&store->next_iv, 1);
    iv_of(c, iv);
    vonk_buf_reset(&s->sealed);
    VONK_TRY(vonk_buf_extend(&s->sealed, inout->len + VONK_AES_MORE_BYTES, &to, err));
    VONK_TRY(vonk_aes_encrypt(VONK_AES_GCM, (vonk_str){(const char *)store->key, sizeof store->key},
                              (vonk_str){(const char *)iv, sizeof iv}, VONK_STR_NONE, *inout, to, &n, err));
    *inout = (vonk_str){to, n};
    return VONK_OK;
}

vonk_status vonk__chunk_to_disk(vonk_block_store *store, scratch *s, chunk *c, vonk_str stored, piece form,
                                vonk_error *err)
{
    assert(!c->segment && stored.len == form.bytes);
    VONK_TRY(open_segment(store, err));
    if (store->encrypt) VONK_TRY(seal(store, s, c, &stored, err));
    segment *at = store->segment;
    VONK_TRY(vonk_file_write_at(at->file, (int64_t)at->end, stored.data, stored.len, err));
    c->offset = at->end;
    c->disk = form;
    at->end += stored.len;
    VONK_LOCKED(&store->lock);
    at->n_live++;
    c->segment = at;
    return VONK_OK;
}

static size_t bytes_on_disk(const vonk_block_store *store, const chunk *c)
{
    return (size_t)c->disk.bytes + (store->encrypt ? 16 : 0); /* GCM's tag */
}

static vonk_status open_sealed(vonk_block_store *store, scratch *s, const chunk *c, vonk_buf *out, bool *ret_there,
                               vonk_error *err)
{
    uint8_t iv[12];
    char *to = NULL;
    size_t n = 0, sealed_bytes = bytes_on_disk(store, c);
    iv_of(c, iv);
    vonk_str key = {(const char *)store->key, sizeof store->key};
    VONK_TRY(vonk_buf_extend(out, sealed_bytes + VONK_AES_MORE_BYTES, &to, err));
    VONK_TRY(vonk_aes_decrypt(VONK_AES_GCM, key, (vonk_str){(const char *)iv, sizeof iv}, VONK_STR_NONE,
                              (vonk_str){s->sealed.data, sealed_bytes}, to, &n, ret_there, err));
    out->len = (size_t)(to - out->data) + (*ret_there ? n : 0);
    return VONK_OK;
}

vonk_status vonk__chunk_from_disk(vonk_block_store *store, scratch *s, const chunk *c, vonk_buf *out, bool *ret_there,
                                  vonk_error *err)
{
    size_t bytes = bytes_on_disk(store, c), before = out->len;
    vonk_buf *into = store->encrypt ? &s->sealed : out;
    VONK_AUTO(vonk_error_reset) vonk_error own = VONK_ERROR_INIT;
    char *to = NULL;
    if (store->encrypt) vonk_buf_reset(into);
    VONK_TRY(vonk_buf_extend(into, bytes, &to, err));
    /* A file that cannot be read is a block that is lost: it will be made again, elsewhere. */
    *ret_there = vonk_file_read_exact(c->segment->file, (int64_t)c->offset, to, bytes, &own) == VONK_OK;
    if (*ret_there && store->encrypt) VONK_TRY(open_sealed(store, s, c, out, ret_there, err));
    if (!*ret_there) return VONK_OK;
    vonk_str stored = {out->data + before, out->len - before};
    *ret_there = stored.len == c->disk.bytes && vonk__piece_checksum(stored, c->raw_bytes) == c->disk.checksum;
    return VONK_OK;
}

void vonk__chunk_leave_disk(vonk_block_store *store, chunk *c)
{
    segment *s = c->segment;
    if (!s) return;
    size_t bytes = bytes_on_disk(store, c);
    if (bytes >= BLOCK_PUNCH_FROM_BYTES) vonk_file_punch(s->file, (int64_t)c->offset, (int64_t)bytes);
    vonk_mutex_lock(&store->lock);
    assert(s->n_live > 0);
    bool dead = --s->n_live == 0 && !s->current;
    vonk_mutex_unlock(&store->lock);
    c->segment = NULL;
    if (dead) vonk__segment_free(s);
}
