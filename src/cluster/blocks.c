/* cluster/blocks.c -- the map of blocks, their order of use, and making room. */
#include "base/hash.h"
#include "cluster/blocks_int.h"
#include "sys/clock.h"
#include "sys/entropy.h"

enum { FIRST_BUCKETS = 64, SPILL_WAITS = 200 };

static _Thread_local const vonk_block_id *asking;

void vonk__block_asks(const vonk_block_id *id) { asking = id; }

static bool same_id(vonk_block_id x, vonk_block_id y)
{
    return x.kind == y.kind && x.a == y.a && x.b == y.b && x.c == y.c;
}

static block **bucket_of(const vonk_block_store *store, vonk_block_id id)
{
    uint64_t h = vonk_hash_combine(vonk_hash_mix(id.a * 8 + (uint64_t)id.kind), (uint64_t)id.b << 32 | id.c);
    return &store->buckets[h & (store->n_buckets - 1)];
}

static block *find(const vonk_block_store *store, vonk_block_id id)
{
    block *b = *bucket_of(store, id);
    while (b && !same_id(b->id, id)) b = b->next_same_hash;
    return b;
}

/* ---- order of use. `lock` is held. */

static void list_by_use(block *b)
{
    vonk_block_store *store = b->store;
    b->older = store->newest;
    b->newer = NULL;
    *(b->older ? &b->older->newer : &store->oldest) = b;
    store->newest = b;
    atomic_fetch_add(&store->memory_bytes, (int64_t)b->memory_bytes);
}

static void unlist_by_use(block *b)
{
    vonk_block_store *store = b->store;
    *(b->older ? &b->older->newer : &store->oldest) = b->newer;
    *(b->newer ? &b->newer->older : &store->newest) = b->older;
    b->older = b->newer = NULL;
    atomic_fetch_sub(&store->memory_bytes, (int64_t)b->memory_bytes);
}

/* ---- references */

static void free_memory(block *b)
{
    for (size_t i = 0; i < b->chunks.n; i++) {
        vonk_free(b->chunks.at[i].bytes);
        b->chunks.at[i].bytes = NULL;
    }
    b->memory_bytes = 0;
}

static void block_free(block *b)
{
    free_memory(b);
    for (size_t i = 0; i < b->chunks.n; i++) vonk__chunk_leave_disk(b->store, &b->chunks.at[i]);
    vonk_free(b->chunks.at);
    vonk_free(b);
}

void vonk__block_unref(block *b)
{
    vonk_mutex_lock(&b->store->lock);
    bool last = --b->refs == 0;
    vonk_mutex_unlock(&b->store->lock);
    if (last) block_free(b);
}

/* Out of the map and the list. True: the map's reference is the caller's to drop. `lock` is held. */
static bool take_out(block *b)
{
    if (!b->in_map) return false;
    block **link = bucket_of(b->store, b->id);
    while (*link != b) link = &(*link)->next_same_hash;
    *link = b->next_same_hash;
    b->in_map = false;
    b->store->n_blocks--;
    if (b->in_memory) unlist_by_use(b);
    return true;
}

void vonk__block_lose(block *b)
{
    vonk_mutex_lock(&b->store->lock);
    bool mine = take_out(b);
    vonk_mutex_unlock(&b->store->lock);
    if (mine) vonk__block_unref(b);
}

/* ---- the map */

/* More buckets when there are many blocks. Optional: without memory the chains stay long. */
static void grow_map(vonk_block_store *store)
{
    vonk_mutex_lock(&store->lock);
    size_t n = store->n_buckets;
    bool full = store->n_blocks >= n;
    vonk_mutex_unlock(&store->lock);
    if (!full) return;
    VONK_AUTO(vonk_error_reset) vonk_error own = VONK_ERROR_INIT;
    block **fresh = NULL, **old;
    if (vonk_alloc_zeroed(store->budget, 2 * n * sizeof(block *), &fresh, &own) != VONK_OK) return;
    vonk_mutex_lock(&store->lock);
    old = fresh;
    if (store->n_buckets == n) {
        old = store->buckets;
        store->buckets = fresh;
        store->n_buckets = 2 * n;
        for (size_t i = 0; i < n; i++)
            for (block *b = old[i], *next; b; b = next) {
                next = b->next_same_hash;
                block **link = bucket_of(store, b->id);
                b->next_same_hash = *link;
                *link = b;
            }
    }
    vonk_mutex_unlock(&store->lock);
    vonk_free(old);
}

void vonk__block_list(block *b)
{
    vonk_block_store *store = b->store;
    grow_map(store);
    vonk_mutex_lock(&store->lock);
    block *old = find(store, b->id);
    bool mine = old && take_out(old);
    block **link = bucket_of(store, b->id);
    b->next_same_hash = *link;
    *link = b;
    b->in_map = true;
    b->refs++;
    store->n_blocks++;
    if (b->in_memory) list_by_use(b);
    vonk_mutex_unlock(&store->lock);
    if (mine) vonk__block_unref(old);
}

block *vonk__block_enter(vonk_block_store *store, vonk_block_id id, bool *ret_in_memory)
{
    VONK_LOCKED(&store->lock);
    block *b = find(store, id);
    if (!b) return NULL;
    b->refs++;
    b->n_readers++;
    *ret_in_memory = b->in_memory;
    if (b->in_memory) {
        unlist_by_use(b);
        list_by_use(b);
    }
    return b;
}

void vonk__block_leave(block *b)
{
    vonk_mutex_lock(&b->store->lock);
    b->n_readers--;
    vonk_mutex_unlock(&b->store->lock);
    vonk__block_unref(b);
}

/* ---- making room */

/* The block that was not used for longest and may go now; NULL: none. It is referenced. */
static block *pick_victim(vonk_block_store *store, uint64_t round)
{
    VONK_LOCKED(&store->lock);
    for (block *b = store->oldest; b; b = b->newer) {
        if (b->n_readers || b->evicting || b->round == round) continue;
        /* As Spark: partitions of one RDD do not push each other out, else a loop over it would find none of them. */
        if (asking && b->id.kind == VONK_BLOCK_RDD && asking->kind == VONK_BLOCK_RDD && b->id.a == asking->a) continue;
        b->round = round;
        b->evicting = true;
        b->refs++;
        return b;
    }
    return NULL;
}

/* *ret_damaged: it is not what was written any more; packing it would give that a checksum that fits. */
static bool write_all(block *b, scratch *s, bool *ret_damaged)
{
    VONK_AUTO(vonk_error_reset) vonk_error own = VONK_ERROR_INIT;
    for (size_t i = 0; i < b->chunks.n; i++) {
        chunk *c = &b->chunks.at[i];
        vonk_str stored = {c->bytes, c->memory.bytes};
        piece form = c->memory;
        if (c->segment) continue;
        *ret_damaged = vonk__piece_checksum(stored, c->raw_bytes) != c->memory.checksum;
        if (*ret_damaged) return false;
        vonk_status st = VONK_OK;
        if (!form.packed) st = vonk__chunk_pack(b->store, s, stored, &stored, &form, &own);
        if (st == VONK_OK) st = vonk__chunk_to_disk(b->store, s, c, stored, form, &own);
        if (st != VONK_OK) return false; /* what is on disk already stays for the next try */
        b->disk_bytes += form.bytes;
    }
    return true;
}

static int64_t evict(block *b, scratch *s)
{
    vonk_block_store *store = b->store;
    int64_t freed = 0;
    bool mine = false, free_now = false, damaged = false;
    bool written = b->level.disk && write_all(b, s, &damaged);
    vonk_mutex_lock(&store->lock);
    b->evicting = false;
    if (!b->n_readers && b->in_map && (written || damaged || !b->level.disk)) {
        freed = (int64_t)b->memory_bytes;
        if (written) {
            unlist_by_use(b);
            b->in_memory = false;
            free_now = true;
        } else {
            mine = take_out(b); /* lost */
        }
    }
    /* A reader that comes now finds it on disk, or finds no block. */
    if (free_now) free_memory(b);
    vonk_mutex_unlock(&store->lock);
    if (mine) vonk__block_unref(b);
    vonk__block_unref(b);
    return freed;
}

static int64_t store_size(void *self)
{
    const vonk_block_store *store = self;
    return atomic_load(&store->memory_bytes);
}

static int64_t store_spill(void *self, int64_t bytes_wanted)
{
    vonk_block_store *store = self;
    int64_t freed = 0;
    /* Not for ever: who holds the lock may be opening a file, and that may want memory. */
    for (int i = 0; !vonk_mutex_try_lock(&store->disk); i++) {
        if (i == SPILL_WAITS) return 0;
        vonk_clock_sleep_ns(VONK_NS_PER_MS);
    }
    uint64_t round = ++store->round;
    for (block *b; freed < bytes_wanted && (b = pick_victim(store, round));) freed += evict(b, store->spilling);
    vonk_mutex_unlock(&store->disk);
    return freed;
}

/* ---- the store */

static vonk_status store_fill(vonk_block_store *store, const vonk_block_options *options, vonk_error *err)
{
    store->compress = options->compress;
    store->encrypt = options->encrypt;
    store->n_buckets = FIRST_BUCKETS;
    VONK_TRY(vonk_strdup(store->budget, options->folder, &store->folder, err));
    VONK_TRY(vonk_alloc_zeroed(store->budget, FIRST_BUCKETS * sizeof(block *), &store->buckets, err));
    VONK_TRY(vonk__scratch_take(store, &store->spilling, err));
    vonk_random_bytes(store->key, sizeof store->key);
    return VONK_OK;
}

vonk_status vonk_block_store_new(vonk_budget *budget, const vonk_block_options *options, vonk_block_store **ret,
                                 vonk_error *err)
{
    vonk_block_store *store = NULL;
    VONK_TRY(VONK_NEW(budget, &store, err));
    store->budget = budget;
    vonk_mutex_init(&store->lock);
    vonk_mutex_init(&store->disk);
    store->spiller = (vonk_spiller){.size = store_size, .spill = store_spill, .self = store};
    vonk_status st = store_fill(store, options, err);
    vonk_budget_add_spiller(budget, &store->spiller);
    if (st != VONK_OK) {
        vonk_block_store_free(store);
        return st;
    }
    *ret = store;
    return VONK_OK;
}

void vonk_block_store_free(vonk_block_store *store)
{
    if (!store) return;
    vonk_budget_remove_spiller(store->budget, &store->spiller);
    for (size_t i = 0; store->buckets && i < store->n_buckets; i++)
        while (store->buckets[i]) vonk__block_lose(store->buckets[i]);
    vonk__segment_free(store->segment);
    for (scratch *s; (s = store->idle);) {
        store->idle = s->next;
        vonk__scratch_free(s);
    }
    vonk__scratch_free(store->spilling);
    vonk_mutex_done(&store->lock);
    vonk_mutex_done(&store->disk);
    vonk_free(store->buckets);
    vonk_free(store->folder);
    vonk_free(store);
}

vonk_budget *vonk_block_store_budget(const vonk_block_store *store) { return store->budget; }

uint64_t vonk_block_store_name(vonk_block_store *store) { return atomic_fetch_add(&store->next_name, 1); }

void vonk_block_drop(vonk_block_store *store, vonk_block_id id)
{
    vonk_mutex_lock(&store->lock);
    block *b = find(store, id);
    bool mine = b && take_out(b);
    vonk_mutex_unlock(&store->lock);
    if (mine) vonk__block_unref(b);
}

/* One block of that kind and number, out of the map; NULL: there is none from *inout_bucket on. */
static block *take_any(vonk_block_store *store, vonk_block_kind kind, uint64_t a, size_t *inout_bucket)
{
    VONK_LOCKED(&store->lock);
    for (; *inout_bucket < store->n_buckets; ++*inout_bucket)
        for (block *b = store->buckets[*inout_bucket]; b; b = b->next_same_hash)
            if (b->id.kind == kind && b->id.a == a && take_out(b)) return b;
    return NULL;
}

void vonk_block_drop_all(vonk_block_store *store, vonk_block_kind kind, uint64_t a)
{
    size_t at = 0;
    for (block *b; (b = take_any(store, kind, a, &at));) vonk__block_unref(b);
}

vonk_block_counts vonk_block_count(vonk_block_store *store, vonk_block_kind kind, uint64_t a)
{
    vonk_block_counts counts = {0};
    VONK_LOCKED(&store->lock);
    for (size_t i = 0; i < store->n_buckets; i++)
        for (const block *b = store->buckets[i]; b; b = b->next_same_hash) {
            if (b->id.kind != kind || b->id.a != a) continue;
            counts.n_blocks++;
            if (b->in_memory)
                counts.memory_bytes += b->memory_bytes;
            else
                counts.disk_bytes += b->disk_bytes;
        }
    return counts;
}

/* ---- for tests */

static bool damage_on_disk(vonk_block_store *store, const chunk *c)
{
    VONK_AUTO(vonk_error_reset) vonk_error own = VONK_ERROR_INIT;
    char byte = 0;
    VONK_LOCKED(&store->disk);
    if (vonk_file_read_exact(c->segment->file, (int64_t)c->offset, &byte, 1, &own) != VONK_OK) return false;
    byte = (char)(byte ^ 0x40);
    return vonk_file_write_at(c->segment->file, (int64_t)c->offset, &byte, 1, &own) == VONK_OK;
}

bool vonk_block_damage(vonk_block_store *store, vonk_block_id id, bool half)
{
    bool done = false, mine = false;
    vonk_mutex_lock(&store->lock);
    block *b = find(store, id);
    if (!b) {
        vonk_mutex_unlock(&store->lock);
        return false;
    }
    b->refs++;
    chunk *c = b->chunks.n ? &b->chunks.at[b->chunks.n / 2] : NULL;
    if (half && c && b->in_memory && !b->n_readers && !b->evicting) {
        *(char *)c->bytes = (char)(*(char *)c->bytes ^ 0x40);
        done = true;
    }
    bool on_disk = half && !done && c && !b->in_memory;
    if (!done && !on_disk) mine = take_out(b); /* bytes that are being read stay as they are: gone altogether */
    vonk_mutex_unlock(&store->lock);
    if (mine) vonk__block_unref(b);
    if (on_disk) done = damage_on_disk(store, c);
    vonk__block_unref(b);
    return done || mine;
}
