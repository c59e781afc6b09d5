/* cluster/shuffle.c -- the registry of map outputs, writers, readers.
 *
 * A writer collects records in one buffer, in the order of their coming; when it is full (or there is no memory for it
 * to grow) the records are put into the blocks of their partitions, which lie on disk then. What never filled the
 * buffer goes into memory when it is committed, if it fits there. */
#include "cluster/shuffle.h"

#include <stdatomic.h>

#include "base/vec.h"
#include "sys/thread.h"

enum { BUFFER_BYTES = 16 << 20 };
static const vonk_storage_level in_memory = {.disk = true, .memory = true, .replication = 1},
                                on_disk = {.disk = true, .replication = 1};

typedef struct output { /* of a map task */
    bool there;
    uint32_t number;
    uint64_t *has; /* a bit per reduce partition: something was written for it */
} output;

struct vonk_shuffle {
    _Atomic uint32_t refs;
    _Atomic uint32_t next_number;
    vonk_block_store *store;
    uint64_t id;
    uint32_t n_maps, n_reduces;
    vonk_mutex lock; /* outputs */
    output outputs[];
};

static bool has_bit(const uint64_t *bits, uint32_t i) { return bits[i / 64] >> (i % 64) & 1; }
static void set_bit(uint64_t *bits, uint32_t i) { bits[i / 64] |= UINT64_C(1) << (i % 64); }

/* ---- registry */

vonk_status vonk_shuffle_new(vonk_block_store *store, uint32_t n_maps, uint32_t n_reduces, vonk_shuffle **ret,
                             vonk_error *err)
{
    vonk_shuffle *s = NULL;
    VONK_TRY(vonk_alloc_zeroed(vonk_block_store_budget(store), sizeof *s + n_maps * sizeof(output), &s, err));
    atomic_store(&s->refs, 1);
    s->store = store;
    s->id = vonk_block_store_name(store);
    s->n_maps = n_maps;
    s->n_reduces = n_reduces;
    vonk_mutex_init(&s->lock);
    *ret = s;
    return VONK_OK;
}

vonk_shuffle *vonk_shuffle_ref(vonk_shuffle *s)
{
    atomic_fetch_add(&s->refs, 1);
    return s;
}

void vonk_shuffle_unref(vonk_shuffle *s)
{
    if (!s || atomic_fetch_sub(&s->refs, 1) != 1) return;
    vonk_shuffle_forget_all(s);
    vonk_mutex_done(&s->lock);
    vonk_free(s);
}

uint64_t vonk_shuffle_id(const vonk_shuffle *s) { return s->id; }
uint32_t vonk_shuffle_n_maps(const vonk_shuffle *s) { return s->n_maps; }
uint32_t vonk_shuffle_n_reduces(const vonk_shuffle *s) { return s->n_reduces; }

uint32_t vonk_shuffle_missing(vonk_shuffle *s, uint32_t *ret_maps)
{
    uint32_t n = 0;
    VONK_LOCKED(&s->lock);
    for (uint32_t m = 0; m < s->n_maps; m++)
        if (!s->outputs[m].there) ret_maps[n++] = m;
    return n;
}

static vonk_block_id block_id(const vonk_shuffle *s, uint32_t number, uint32_t reduce)
{
    return (vonk_block_id){.kind = VONK_BLOCK_SHUFFLE, .a = s->id, .b = number, .c = reduce};
}

static void drop_output(vonk_shuffle *s, output *o)
{
    for (uint32_t r = 0; o->there && r < s->n_reduces; r++)
        if (has_bit(o->has, r)) vonk_block_drop(s->store, block_id(s, o->number, r));
    vonk_free(o->has);
}

/* Forgets the output if it is still that one. */
static void forget_number(vonk_shuffle *s, uint32_t map, bool any, uint32_t number)
{
    vonk_mutex_lock(&s->lock);
    output old = s->outputs[map];
    bool gone = old.there && (any || old.number == number);
    if (gone) s->outputs[map] = (output){0};
    vonk_mutex_unlock(&s->lock);
    if (gone) drop_output(s, &old);
}

void vonk_shuffle_forget(vonk_shuffle *s, uint32_t map) { forget_number(s, map, true, 0); }

void vonk_shuffle_forget_all(vonk_shuffle *s)
{
    for (uint32_t m = 0; m < s->n_maps; m++) vonk_shuffle_forget(s, m);
}

bool vonk_shuffle_block(vonk_shuffle *s, uint32_t map, uint32_t reduce, vonk_block_id *ret)
{
    VONK_LOCKED(&s->lock);
    const output *o = &s->outputs[map];
    if (!o->there || !has_bit(o->has, reduce)) return false;
    *ret = block_id(s, o->number, reduce);
    return true;
}

/* ---- writing */

typedef struct record_head { /* in front of each record of the buffer */
    uint32_t reduce, bytes;
} record_head;

struct vonk_shuffle_writer {
    vonk_shuffle *shuffle;
    uint32_t map;
    output out;
    vonk_buf buffer;
    bool spilled;
    uint64_t *records;          /* per reduce partition */
    vonk_block_writer **blocks; /* the same; NULL: nothing yet */
    VONK_VEC(size_t) places;    /* scratch of spill: records, by partition */
    vonk_budget *budget;
};

vonk_status vonk_shuffle_writer_new(vonk_shuffle *s, uint32_t map, vonk_budget *budget, vonk_shuffle_writer **ret,
                                    vonk_error *err)
{
    VONK_AUTO(vonk_shuffle_writer_free) vonk_shuffle_writer *w = NULL;
    assert(map < s->n_maps);
    VONK_TRY(VONK_NEW(budget, &w, err));
    w->shuffle = vonk_shuffle_ref(s);
    w->map = map;
    w->budget = budget;
    w->out.number = atomic_fetch_add(&s->next_number, 1);
    vonk_buf_init(&w->buffer, budget, SIZE_MAX);
    size_t n_words = (size_t)s->n_reduces / 64 + 1;
    VONK_TRY(vonk_alloc_zeroed(vonk_block_store_budget(s->store), n_words * 8, &w->out.has, err));
    VONK_TRY(vonk_alloc_zeroed(budget, s->n_reduces * sizeof *w->records, &w->records, err));
    VONK_TRY(vonk_alloc_zeroed(budget, s->n_reduces * sizeof(vonk_block_writer *), &w->blocks, err));
    *ret = VONK_STEAL(w);
    return VONK_OK;
}

void vonk_shuffle_writer_free(vonk_shuffle_writer *w)
{
    if (!w) return;
    for (uint32_t r = 0; w->blocks && r < w->shuffle->n_reduces; r++) vonk_block_writer_free(w->blocks[r]);
    /* Blocks that a commit had put down before it failed: under a number that nobody will ask for. */
    if (w->out.has) {
        w->out.there = true;
        drop_output(w->shuffle, &w->out);
    }
    vonk_shuffle_unref(w->shuffle);
    vonk_buf_done(&w->buffer);
    vonk_free(w->records);
    vonk_free(w->blocks);
    vonk_free(w->places.at);
    vonk_free(w);
}

static vonk_status put(vonk_shuffle_writer *w, uint32_t reduce, vonk_str record, vonk_error *err)
{
    vonk_shuffle *s = w->shuffle;
    if (!w->blocks[reduce])
        VONK_TRY(vonk_block_writer_new(s->store, block_id(s, w->out.number, reduce), w->spilled ? on_disk : in_memory,
                                       &w->blocks[reduce], err));
    return vonk_block_write(w->blocks[reduce], record.data, record.len, err);
}

static record_head head_at(const vonk_shuffle_writer *w, size_t at)
{
    record_head head;
    memcpy(&head, w->buffer.data + at, sizeof head);
    return head;
}

/* Where the records lie, those of a partition behind each other, in order. *ret_ends[r]: where partition r's end. */
static vonk_status sort_records(vonk_shuffle_writer *w, size_t *ends, vonk_error *err)
{
    size_t n = 0;
    uint32_t n_reduces = w->shuffle->n_reduces;
    for (size_t at = 0; at < w->buffer.len; n++) {
        record_head head = head_at(w, at);
        ends[head.reduce]++;
        at += sizeof head + head.bytes;
    }
    if (n > w->places.capacity) {
        VONK_TRY(vonk_realloc(w->budget, &w->places.at, n * sizeof *w->places.at, err));
        w->places.capacity = n;
    }
    size_t start = 0;
    for (uint32_t r = 0; r < n_reduces; r++) {
        size_t count = ends[r];
        ends[r] = start; /* moves on to the end below */
        start += count;
    }
    for (size_t at = 0; at < w->buffer.len;) {
        record_head head = head_at(w, at);
        w->places.at[ends[head.reduce]++] = at;
        at += sizeof head + head.bytes;
    }
    return VONK_OK;
}

/* The buffer's records into their blocks, one partition after the other: at most one of them holds memory. */
static vonk_status put_sorted(vonk_shuffle_writer *w, const size_t *ends, vonk_error *err)
{
    for (uint32_t r = 0; r < w->shuffle->n_reduces; r++) {
        size_t k = r ? ends[r - 1] : 0;
        if (k == ends[r]) continue;
        for (; k < ends[r]; k++) {
            record_head head = head_at(w, w->places.at[k]);
            VONK_TRY(put(w, r, (vonk_str){w->buffer.data + w->places.at[k] + sizeof head, head.bytes}, err));
        }
        VONK_TRY(vonk_block_flush(w->blocks[r], err));
    }
    return VONK_OK;
}

/* Without memory to sort them: each into its block as it comes. */
static vonk_status put_unsorted(vonk_shuffle_writer *w, vonk_error *err)
{
    for (size_t at = 0; at < w->buffer.len;) {
        record_head head = head_at(w, at);
        VONK_TRY(put(w, head.reduce, (vonk_str){w->buffer.data + at + sizeof head, head.bytes}, err));
        at += sizeof head + head.bytes;
    }
    for (uint32_t r = 0; r < w->shuffle->n_reduces; r++)
        if (w->blocks[r]) VONK_TRY(vonk_block_flush(w->blocks[r], err));
    return VONK_OK;
}

static vonk_status empty_buffer(vonk_shuffle_writer *w, vonk_error *err)
{
    size_t *ends = NULL;
    if (w->buffer.len == 0) return VONK_OK;
    vonk_status st = vonk_alloc_zeroed(w->budget, w->shuffle->n_reduces * sizeof *ends, &ends, err);
    if (st == VONK_OK) st = sort_records(w, ends, err);
    if (st == VONK_OK) {
        st = put_sorted(w, ends, err);
    } else if (st == VONK_E_MEMORY_BUDGET_EXCEEDED) {
        vonk_error_reset(err);
        st = put_unsorted(w, err);
    }
    vonk_free(ends);
    vonk_buf_reset(&w->buffer);
    return st;
}

vonk_status vonk_shuffle_write(vonk_shuffle_writer *w, uint32_t reduce, const void *bytes, size_t n, vonk_error *err)
{
    assert(reduce < w->shuffle->n_reduces);
    record_head head = {.reduce = reduce, .bytes = (uint32_t)n};
    set_bit(w->out.has, reduce);
    w->records[reduce]++;
    bool large = n > BUFFER_BYTES / 2;
    if (!large && w->buffer.len + sizeof head + n <= BUFFER_BYTES) {
        vonk_status st = vonk_buf_reserve(&w->buffer, sizeof head + n, err);
        if (st == VONK_OK) {
            VONK_TRY(vonk_buf_append(&w->buffer, &head, sizeof head, err));
            return vonk_buf_append(&w->buffer, bytes, n, err);
        }
        if (st != VONK_E_MEMORY_BUDGET_EXCEEDED) return st;
        vonk_error_reset(err);
    }
    w->spilled = true;
    VONK_TRY(empty_buffer(w, err));
    VONK_TRY(put(w, reduce, (vonk_str){bytes, n}, err));
    return vonk_block_flush(w->blocks[reduce], err);
}

static vonk_status commit(vonk_shuffle_writer *w, vonk_error *err)
{
    vonk_shuffle *s = w->shuffle;
    VONK_TRY(empty_buffer(w, err));
    for (uint32_t r = 0; r < s->n_reduces; r++) {
        bool kept = false;
        if (!has_bit(w->out.has, r)) continue;
        VONK_TRY(vonk_block_commit(VONK_STEAL(w->blocks[r]), w->records[r], &kept, err));
        assert(kept); /* its level has the disk */
    }
    vonk_mutex_lock(&s->lock);
    output old = s->outputs[w->map];
    w->out.there = true;
    s->outputs[w->map] = w->out;
    w->out = (output){0};
    vonk_mutex_unlock(&s->lock);
    drop_output(s, &old);
    return VONK_OK;
}

vonk_status vonk_shuffle_commit(vonk_shuffle_writer *w, vonk_error *err)
{
    vonk_status st = commit(w, err);
    vonk_shuffle_writer_free(w);
    return st;
}

/* ---- reading */

struct vonk_shuffle_reader {
    vonk_shuffle *shuffle;
    uint32_t reduce, map, number; /* map: the one that is read, or comes next */
    vonk_block_reader *block;
};

vonk_status vonk_shuffle_reader_new(vonk_shuffle *s, uint32_t reduce, vonk_shuffle_reader **ret, vonk_error *err)
{
    vonk_shuffle_reader *r = NULL;
    assert(reduce < s->n_reduces);
    VONK_TRY(VONK_NEW(vonk_block_store_budget(s->store), &r, err));
    r->shuffle = vonk_shuffle_ref(s);
    r->reduce = reduce;
    *ret = r;
    return VONK_OK;
}

void vonk_shuffle_reader_free(vonk_shuffle_reader *r)
{
    if (!r) return;
    vonk_block_close(r->block);
    vonk_shuffle_unref(r->shuffle);
    vonk_free(r);
}

static vonk_status lost(vonk_shuffle_reader *r, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_BLOCK_LOST, "block",
                     VONK_F("shuffle_%llu_%u_%u", (unsigned long long)r->shuffle->id, r->map, r->reduce));
}

/* Opens what the map task wrote for us; *ret_has false: nothing. */
static vonk_status open_map(vonk_shuffle_reader *r, bool *ret_has, vonk_error *err)
{
    vonk_shuffle *s = r->shuffle;
    vonk_mutex_lock(&s->lock);
    const output *o = &s->outputs[r->map];
    bool there = o->there;
    *ret_has = there && has_bit(o->has, r->reduce);
    r->number = o->number;
    vonk_mutex_unlock(&s->lock);
    if (!there) return lost(r, err);
    if (!*ret_has) return VONK_OK;
    VONK_TRY(vonk_block_open(s->store, block_id(s, r->number, r->reduce), &r->block, err));
    if (r->block) return VONK_OK;
    forget_number(s, r->map, false, r->number);
    return lost(r, err);
}

vonk_status vonk_shuffle_read(vonk_shuffle_reader *r, vonk_str *ret, vonk_error *err)
{
    *ret = VONK_STR_NONE;
    while (r->map < r->shuffle->n_maps) {
        bool has = true;
        if (!r->block) VONK_TRY(open_map(r, &has, err));
        if (r->block) {
            vonk_status st = vonk_block_read(r->block, ret, err);
            if (st == VONK_E_BLOCK_LOST) forget_number(r->shuffle, r->map, false, r->number);
            if (st != VONK_OK) return st;
            if (ret->len) return VONK_OK;
            vonk_block_close(VONK_STEAL(r->block));
        }
        r->map++;
    }
    return VONK_OK;
}
