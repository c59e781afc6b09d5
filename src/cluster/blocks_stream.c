/* cluster/blocks_stream.c -- writing a block from front to back, and reading it. */
#include "cluster/blocks_int.h"

/* ---- writing */

static vonk_status block_new(vonk_block_store *store, vonk_block_id id, vonk_storage_level level, block **ret,
                             vonk_error *err)
{
    VONK_TRY(VONK_NEW(store->budget, ret, err));
    **ret = (block){.id = id, .level = level, .store = store, .refs = 1};
    return VONK_OK;
}

vonk_status vonk_block_writer_new(vonk_block_store *store, vonk_block_id id, vonk_storage_level level,
                                  vonk_block_writer **ret, vonk_error *err)
{
    vonk_block_writer *w = NULL;
    VONK_TRY(VONK_NEW(store->budget, &w, err));
    *w = (vonk_block_writer){.store = store, .to_disk = level.disk && !level.memory};
    w->refused = !level.replication || (!level.disk && !level.memory);
    vonk_buf_init(&w->tail, store->budget, BLOCK_CHUNK_BYTES);
    vonk_status st = block_new(store, id, level, &w->block, err);
    if (st != VONK_OK) {
        vonk_free(w);
        return st;
    }
    *ret = w;
    return VONK_OK;
}

void vonk_block_writer_free(vonk_block_writer *w)
{
    if (!w) return;
    vonk_buf_done(&w->tail);
    vonk__block_unref(w->block);
    vonk_free(w);
}

/* A block that has no room is not kept at all. */
static void refuse(vonk_block_writer *w)
{
    w->refused = true;
    vonk_buf_done(&w->tail);
    vonk_buf_init(&w->tail, w->store->budget, BLOCK_CHUNK_BYTES);
    for (size_t i = 0; i < w->block->chunks.n; i++) vonk_free(w->block->chunks.at[i].bytes);
    w->block->chunks.n = 0;
    w->block->memory_bytes = 0;
}

static vonk_status chunk_to_disk(vonk_block_writer *w, scratch *s, chunk *c, vonk_str stored, piece form,
                                 vonk_error *err)
{
    VONK_LOCKED(&w->store->disk);
    VONK_TRY(vonk__chunk_to_disk(w->store, s, c, stored, form, err));
    w->block->disk_bytes += form.bytes;
    return VONK_OK;
}

/* From now on on disk, and what is there already too. */
static vonk_status go_to_disk(vonk_block_writer *w, scratch *s, vonk_error *err)
{
    w->to_disk = true;
    for (size_t i = 0; i < w->block->chunks.n; i++) {
        chunk *c = &w->block->chunks.at[i];
        vonk_str stored = {c->bytes, c->memory.bytes};
        piece form = c->memory;
        if (!form.packed) VONK_TRY(vonk__chunk_pack(w->store, s, stored, &stored, &form, err));
        VONK_TRY(chunk_to_disk(w, s, c, stored, form, err));
        vonk_free(c->bytes);
        c->bytes = NULL;
    }
    w->block->memory_bytes = 0;
    return VONK_OK;
}

static vonk_status chunk_to_memory(vonk_block_writer *w, scratch *s, chunk *c, vonk_str raw, vonk_error *err)
{
    vonk_str stored = raw;
    if (w->block->level.deserialized)
        c->memory = (piece){.bytes = c->raw_bytes, .checksum = vonk__piece_checksum(raw, c->raw_bytes)};
    else
        VONK_TRY(vonk__chunk_pack(w->store, s, raw, &stored, &c->memory, err));
    VONK_TRY(vonk_alloc(w->store->budget, stored.len, &c->bytes, err));
    memcpy(c->bytes, stored.data, stored.len);
    w->block->memory_bytes += stored.len;
    return VONK_OK;
}

static vonk_status seal_tail(vonk_block_writer *w, scratch *s, vonk_error *err)
{
    chunk c = {.raw_bytes = vonk_u32_of(w->tail.len)};
    vonk_str raw = vonk_buf_str(&w->tail), stored;
    piece form;
    if (w->block->chunks.n == w->block->chunks.capacity)
        VONK_TRY(vonk_vec_grow(w->store->budget, &w->block->chunks.at, &w->block->chunks.capacity, w->block->chunks.n,
                               sizeof(chunk), err));
    if (!w->to_disk) {
        VONK_TRY(chunk_to_memory(w, s, &c, raw, err));
    } else {
        VONK_TRY(vonk__chunk_pack(w->store, s, raw, &stored, &form, err));
        VONK_TRY(chunk_to_disk(w, s, &c, stored, form, err));
    }
    w->block->chunks.at[w->block->chunks.n++] = c;
    w->block->raw_bytes += raw.len;
    vonk_buf_reset(&w->tail);
    return VONK_OK;
}

/* There was no memory: on to disk, or give up. Anything else is the caller's. */
static vonk_status without_memory(vonk_block_writer *w, vonk_status st, vonk_error *err)
{
    if (st != VONK_E_MEMORY_BUDGET_EXCEEDED || w->to_disk) return vonk_raised(st);
    if (!w->block->level.disk) {
        vonk_error_reset(err);
        refuse(w);
        return VONK_OK;
    }
    vonk_error_reset(err);
    scratch *s = NULL;
    VONK_TRY(vonk__scratch_take(w->store, &s, err));
    st = go_to_disk(w, s, err);
    vonk__scratch_give(w->store, s);
    return st;
}

static vonk_status seal(vonk_block_writer *w, vonk_error *err)
{
    scratch *s = NULL;
    if (w->refused || w->tail.len == 0) return VONK_OK;
    vonk_status st = vonk__scratch_take(w->store, &s, err);
    if (st == VONK_OK) st = seal_tail(w, s, err);
    vonk__scratch_give(w->store, s);
    if (st == VONK_OK) return st;
    VONK_TRY(without_memory(w, st, err));
    return seal(w, err); /* once: it is refused or goes to disk now */
}

/* As much as fits the chunk; *ret_n 0: the chunk is full. */
static vonk_status fill_tail(vonk_block_writer *w, const char *bytes, size_t n, size_t *ret_n, vonk_error *err)
{
    *ret_n = vonk_min_size(n, BLOCK_CHUNK_BYTES - w->tail.len);
    return *ret_n ? vonk_buf_append(&w->tail, bytes, *ret_n, err) : VONK_OK;
}

static vonk_status write_some(vonk_block_writer *w, const char *bytes, size_t n, size_t *ret_n, vonk_error *err)
{
    vonk_status st = fill_tail(w, bytes, n, ret_n, err);
    if (st == VONK_E_MEMORY_BUDGET_EXCEEDED && !w->to_disk) {
        VONK_TRY(without_memory(w, st, err));
        *ret_n = 0;
        return VONK_OK;
    }
    if (st == VONK_E_MEMORY_BUDGET_EXCEEDED && w->tail.len) { /* smaller chunks, then */
        vonk_error_reset(err);
        *ret_n = 0;
        return seal(w, err);
    }
    VONK_TRY(st);
    return w->tail.len == BLOCK_CHUNK_BYTES ? seal(w, err) : VONK_OK;
}

vonk_status vonk_block_write(vonk_block_writer *w, const void *bytes, size_t n, vonk_error *err)
{
    const char *from = bytes;
    vonk_status st = VONK_OK;
    vonk__block_asks(&w->block->id);
    while (n && !w->refused && st == VONK_OK) {
        size_t took = 0;
        st = write_some(w, from, n, &took, err);
        from += took;
        n -= took;
    }
    vonk__block_asks(NULL);
    return st;
}

vonk_status vonk_block_flush(vonk_block_writer *w, vonk_error *err)
{
    vonk__block_asks(&w->block->id);
    vonk_status st = seal(w, err);
    vonk__block_asks(NULL);
    if (st != VONK_OK) return st;
    vonk_buf_done(&w->tail);
    vonk_buf_init(&w->tail, w->store->budget, BLOCK_CHUNK_BYTES);
    return VONK_OK;
}

vonk_status vonk_block_commit(vonk_block_writer *w, uint64_t n_records, bool *ret_kept, vonk_error *err)
{
    vonk_status st = vonk_block_flush(w, err);
    *ret_kept = st == VONK_OK && !w->refused;
    if (*ret_kept) {
        w->block->records = n_records;
        w->block->in_memory = !w->to_disk;
        vonk__block_list(w->block);
    }
    vonk_block_writer_free(w);
    return st;
}

/* ---- reading */

vonk_status vonk_block_open(vonk_block_store *store, vonk_block_id id, vonk_block_reader **ret, vonk_error *err)
{
    vonk_block_reader *r = NULL;
    VONK_TRY(VONK_NEW(store->budget, &r, err));
    vonk_buf_init(&r->packed, store->budget, SIZE_MAX);
    vonk_buf_init(&r->raw, store->budget, SIZE_MAX);
    r->block = vonk__block_enter(store, id, &r->from_memory);
    if (!r->block) {
        vonk_free(r);
        r = NULL;
    }
    *ret = r;
    return VONK_OK;
}

uint64_t vonk_block_bytes(const vonk_block_reader *r) { return r->block->raw_bytes; }
uint64_t vonk_block_records(const vonk_block_reader *r) { return r->block->records; }

static vonk_status lost(vonk_block_reader *r, vonk_error *err)
{
    static const char *const kinds[] = {"rdd", "shuffle", "broadcast", "frame"};
    const vonk_block_id *id = &r->block->id;
    vonk__block_lose(r->block);
    return VONK_FAIL(err, VONK_E_BLOCK_LOST, "block",
                     VONK_F("%s_%llu_%u_%u", kinds[id->kind], (unsigned long long)id->a, id->b, id->c));
}

static vonk_status unpack(vonk_block_reader *r, vonk_str stored, uint32_t raw_bytes, vonk_str *ret, vonk_error *err)
{
    VONK_AUTO(vonk_error_reset) vonk_error own = VONK_ERROR_INIT;
    char *to = NULL;
    if (!r->scratch) VONK_TRY(vonk__scratch_take(r->block->store, &r->scratch, err));
    vonk_buf_reset(&r->raw);
    VONK_TRY(vonk_buf_extend(&r->raw, raw_bytes, &to, err));
    vonk_cursor in = vonk_cursor_of(stored.data, stored.len, "block");
    vonk_status st = vonk_decompress(r->scratch->compressor, VONK_COMPRESS_LZ4_RAW, &in, to, raw_bytes, &own);
    if (st == VONK_E_MALFORMED_INPUT) return lost(r, err);
    if (st != VONK_OK) vonk_error_move(err, &own);
    *ret = (vonk_str){to, raw_bytes};
    return st;
}

static vonk_status read_chunk(vonk_block_reader *r, const chunk *c, vonk_str *ret, vonk_error *err)
{
    vonk_str stored;
    bool packed;
    if (r->from_memory) {
        stored = (vonk_str){c->bytes, c->memory.bytes};
        packed = c->memory.packed;
        if (vonk__piece_checksum(stored, c->raw_bytes) != c->memory.checksum) return lost(r, err);
    } else {
        bool there = false;
        if (!r->scratch) VONK_TRY(vonk__scratch_take(r->block->store, &r->scratch, err));
        vonk_buf_reset(&r->packed);
        VONK_TRY(vonk__chunk_from_disk(r->block->store, r->scratch, c, &r->packed, &there, err));
        if (!there) return lost(r, err);
        stored = vonk_buf_str(&r->packed);
        packed = c->disk.packed;
    }
    if (packed) return unpack(r, stored, c->raw_bytes, ret, err);
    *ret = stored;
    return VONK_OK;
}

vonk_status vonk_block_read(vonk_block_reader *r, vonk_str *ret, vonk_error *err)
{
    *ret = VONK_STR_NONE;
    if (r->next == r->block->chunks.n) return VONK_OK;
    VONK_TRY(read_chunk(r, &r->block->chunks.at[r->next], ret, err));
    r->next++;
    return VONK_OK;
}

void vonk_block_close(vonk_block_reader *r)
{
    if (!r) return;
    vonk__scratch_give(r->block->store, r->scratch);
    vonk_buf_done(&r->packed);
    vonk_buf_done(&r->raw);
    vonk__block_leave(r->block);
    vonk_free(r);
}
