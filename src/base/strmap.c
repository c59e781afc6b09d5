/* base/strmap.c -- entries in insertion order, and an open-addressed table of indices into them. */
#include "base/hash.h"
#include "base/strmap.h"
#include "base/vec.h"

typedef struct entry {
    char *key; /* NULL: taken out */
    size_t key_len;
    uint64_t hash;
    void *value;
} entry;

enum { FREE_SLOT = 0, LEAST_SLOTS = 8 }; /* a slot holds the index of an entry + 1 */

struct vonk_strmap {
    vonk_budget *budget;
    bool fold_case;
    size_t n_live;
    VONK_VEC(entry) entries; /* taken ones stay as gaps until the next growth */
    uint32_t *slots;
    size_t n_slots; /* a power of two, at least 4/3 of the entries */
};

vonk_status vonk_strmap_new(vonk_budget *budget, bool fold_case, vonk_strmap **ret, vonk_error *err)
{
    vonk_strmap *map;
    VONK_TRY(VONK_NEW(budget, &map, err));
    map->budget = budget;
    map->fold_case = fold_case;
    *ret = map;
    return VONK_OK;
}

void vonk_strmap_free(vonk_strmap *map)
{
    if (!map) return;
    for (size_t i = 0; i < map->entries.n; i++) vonk_free(map->entries.at[i].key);
    vonk_free(map->entries.at);
    vonk_free(map->slots);
    vonk_free(map);
}

static uint64_t hash_of(const vonk_strmap *map, vonk_str key)
{
    if (!map->fold_case) return vonk_hash64(key.data, key.len, 0);
    uint64_t h = 0;
    char part[64];
    for (size_t at = 0; at < key.len; at += sizeof(part)) {
        size_t n = vonk_min_size(key.len - at, sizeof(part));
        for (size_t i = 0; i < n; i++) {
            char c = key.data[at + i];
            part[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
        }
        h = vonk_hash64(part, n, h);
    }
    return h;
}

static bool is_key(const vonk_strmap *map, const entry *e, uint64_t hash, vonk_str key)
{
    if (!e->key || e->hash != hash) return false;
    vonk_str own = {e->key, e->key_len};
    return map->fold_case ? vonk_str_eq_nocase(own, key) : vonk_str_eq(own, key);
}

static entry *find(const vonk_strmap *map, uint64_t hash, vonk_str key)
{
    if (!map->n_slots) return NULL;
    for (size_t at = hash & (map->n_slots - 1); map->slots[at] != FREE_SLOT; at = (at + 1) & (map->n_slots - 1)) {
        entry *e = &map->entries.at[map->slots[at] - 1];
        if (is_key(map, e, hash, key)) return e;
    }
    return NULL;
}

/* The first slot on the way that is free or leads to an entry that was taken out: putting and taking one key again and
 * again must not make its way longer and longer. */
static void put_slot(const vonk_strmap *map, uint32_t *slots, size_t n_slots, uint64_t hash, size_t index)
{
    size_t at = hash & (n_slots - 1);
    while (slots[at] != FREE_SLOT && map->entries.at[slots[at] - 1].key) at = (at + 1) & (n_slots - 1);
    slots[at] = vonk_u32_of(index + 1);
}

/* Squeezes the gaps out and gives the table room for one more. */
static vonk_status rebuild(vonk_strmap *map, vonk_error *err)
{
    size_t n_slots = LEAST_SLOTS;
    while (n_slots * 3 / 4 < (map->n_live + 1) * 3 / 2) n_slots *= 2; /* half full at most, right after */
    if (n_slots > UINT32_MAX)
        return VONK_FAIL(err, VONK_E_MEMORY_BUDGET_EXCEEDED, "requestedBytes",
                         VONK_F("%zu", n_slots * sizeof(uint32_t)), "receivedBytes", "0", "budget",
                         "a string map's maximum");
    uint32_t *slots;
    VONK_TRY(vonk_alloc_zeroed(map->budget, n_slots * sizeof(*slots), &slots, err));
    size_t n = 0;
    for (size_t i = 0; i < map->entries.n; i++) {
        if (!map->entries.at[i].key) continue;
        map->entries.at[n] = map->entries.at[i];
        put_slot(map, slots, n_slots, map->entries.at[n].hash, n);
        n++;
    }
    map->entries.n = n;
    vonk_free(map->slots);
    map->slots = slots;
    map->n_slots = n_slots;
    return VONK_OK;
}

vonk_status vonk_strmap_put(vonk_strmap *map, vonk_str key, void *value, void **ret_old, vonk_error *err)
{
    uint64_t hash = hash_of(map, key);
    entry *old = find(map, hash, key);
    if (old) {
        if (ret_old) *ret_old = old->value;
        old->value = value;
        return VONK_OK;
    }
    if (map->entries.n + 1 > map->n_slots * 3 / 4) VONK_TRY(rebuild(map, err));
    entry e = {.key_len = key.len, .hash = hash, .value = value};
    VONK_TRY(vonk_strdup(map->budget, key, &e.key, err));
    vonk_status st = VONK_VEC_PUSH(&map->entries, map->budget, e, err);
    if (st != VONK_OK) {
        vonk_free(e.key);
        return st;
    }
    put_slot(map, map->slots, map->n_slots, hash, map->entries.n - 1);
    map->n_live++;
    if (ret_old) *ret_old = NULL;
    return VONK_OK;
}

void *vonk_strmap_get(const vonk_strmap *map, vonk_str key)
{
    entry *e = find(map, hash_of(map, key), key);
    return e ? e->value : NULL;
}

void *vonk_strmap_take(vonk_strmap *map, vonk_str key)
{
    entry *e = find(map, hash_of(map, key), key);
    if (!e) return NULL;
    vonk_free(e->key);
    e->key = NULL; /* its slot stays used, so that longer probe runs still find theirs */
    map->n_live--;
    return e->value;
}

size_t vonk_strmap_n(const vonk_strmap *map) { return map->n_live; }

bool vonk_strmap_next(const vonk_strmap *map, size_t *inout_at, vonk_str *ret_key, void **ret_value)
{
    while (*inout_at < map->entries.n) {
        const entry *e = &map->entries.at[(*inout_at)++];
        if (!e->key) continue;
        *ret_key = (vonk_str){e->key, e->key_len};
        if (ret_value) *ret_value = e->value;
        return true;
    }
    return false;
}
