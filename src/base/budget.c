/* base/budget.c -- the budget tree.
 *
 * A node draws from its parent in quanta and hands them out itself, so that a small allocation touches one cache line
 * of one node.
 *   drawn  what the parent gave (never more than the limit)
 *   spare  the part of `drawn` that is neither charged here nor drawn by a child
 *   own    charged here
 * so that always  drawn == own + spare + sum of the children's drawn  (apart from operations under way). Spare bytes
 * of other nodes are taken back (trim) before anybody is refused, so a limit is exact although the quanta are coarse.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/budget_int.h"

enum {
    LEAST_QUANTUM = 64 << 10,
    MOST_QUANTUM = 1 << 20,
    SPILL_ROUNDS = 64,
    /* What a thread may take past the limits while it spills: else nothing could be written when all is full. */
    SPILL_OVERDRAFT = 8 << 20
};

struct vonk_budget {
    _Atomic int64_t spare, own, drawn;
    _Atomic int64_t own_peak, tree_peak; /* tree_peak: highest sample of own + everything below */
    _Atomic int64_t next_sample;         /* sample again when drawn - spare passes this */
    _Atomic int64_t limit;
    vonk_budget *parent;
    pthread_mutex_t spill_lock; /* one thread at a time asks the spillers below this node */
    /* under tree_lock: */
    vonk_budget *next, *prev;
    vonk_budget *_Atomic first_child; /* written under the lock; read without it to see "has children" */
    vonk_spiller *spillers;
    const char *name;
};

/* One thread asking spillers; the list pins them against vonk_budget_remove_spiller. */
typedef struct spill_round {
    vonk_spiller **at;
    size_t n;
    pthread_t thread;
    struct spill_round *next;
} spill_round;

/* What else `own` counts above the bytes: children, and that the owner has left. Whoever brings it down to exactly
 * RETIRED frees the node. */
#define ONE_CHILD (INT64_C(1) << 46)
#define RETIRED (INT64_C(1) << 62)

static vonk_budget root = {.limit = VONK_NO_LIMIT, .spill_lock = PTHREAD_MUTEX_INITIALIZER, .name = "process"};

static pthread_mutex_t tree_lock = PTHREAD_MUTEX_INITIALIZER; /* structure of the tree, spiller lists, rounds */
static pthread_cond_t round_over = PTHREAD_COND_INITIALIZER;
static spill_round *rounds;
static _Thread_local bool is_spilling;

static inline int64_t load(const _Atomic int64_t *x) { return atomic_load_explicit(x, memory_order_relaxed); }
static inline int64_t add(_Atomic int64_t *x, int64_t by)
{
    return atomic_fetch_add_explicit(x, by, memory_order_relaxed) + by;
}
static inline bool swap_if(_Atomic int64_t *x, int64_t was, int64_t now)
{
    return atomic_compare_exchange_weak_explicit(x, &was, now, memory_order_relaxed, memory_order_relaxed);
}
static void raise_to(_Atomic int64_t *x, int64_t value)
{
    for (int64_t was = load(x); was < value && !swap_if(x, was, value); was = load(x)) {
    }
}
static inline int64_t own_of(const vonk_budget *b) { return load(&b->own) & (ONE_CHILD - 1); }
static vonk_budget *child_of(const vonk_budget *b)
{
    return atomic_load_explicit(&b->first_child, memory_order_acquire);
}

/* ---- walking (under tree_lock) ---- */

static const vonk_budget *next_preorder(const vonk_budget *at, const vonk_budget *top)
{
    if (child_of(at)) return child_of(at);
    while (at != top && !at->next) at = at->parent;
    return at == top ? NULL : at->next;
}

static int64_t used_below(const vonk_budget *top)
{
    int64_t sum = 0;
    for (const vonk_budget *b = top; b; b = next_preorder(b, top)) sum += own_of(b);
    return sum;
}

static vonk_budget *deepest_first(vonk_budget *b)
{
    while (child_of(b)) b = child_of(b);
    return b;
}

/* Brings the spare bytes of everything below `top` up to it. */
static void trim(vonk_budget *top)
{
    pthread_mutex_lock(&tree_lock);
    for (vonk_budget *b = deepest_first(top); b != top;) {
        int64_t got = atomic_exchange_explicit(&b->spare, 0, memory_order_relaxed);
        add(&b->drawn, -got);
        add(&b->parent->spare, got);
        b = b->next ? deepest_first(b->next) : b->parent;
    }
    pthread_mutex_unlock(&tree_lock);
}

/* ---- drawing and giving back ---- */

static inline int64_t quantum_of(const vonk_budget *b)
{
    int64_t eighth = load(&b->drawn) / 8;
    return eighth < LEAST_QUANTUM ? LEAST_QUANTUM : eighth > MOST_QUANTUM ? MOST_QUANTUM : eighth;
}

/* How much of its spare a node holds on to. */
static inline int64_t keep_of(const vonk_budget *b)
{
    return load(&b->drawn) > load(&b->limit) ? 0 : 2 * quantum_of(b);
}

typedef struct draw_ask {
    bool exact;           /* without a quantum on top */
    bool drew;            /* out: more than the node's own spare was touched */
    vonk_budget *refused; /* out: whose limit said no */
} draw_ask;

static bool take(vonk_budget *b, int64_t bytes, draw_ask *ask);

static bool raise_drawn(vonk_budget *b, int64_t bytes)
{
    int64_t overdraft = is_spilling ? SPILL_OVERDRAFT : 0;
    for (;;) {
        int64_t was = load(&b->drawn), limit = load(&b->limit);
        int64_t room = limit >= VONK_NO_LIMIT - overdraft ? VONK_NO_LIMIT - was : limit + overdraft - was;
        if (bytes > room) return false;
        if (swap_if(&b->drawn, was, was + bytes)) return true;
    }
}

static bool draw(vonk_budget *b, int64_t bytes, draw_ask *ask)
{
    ask->drew = true;
    if (!raise_drawn(b, bytes)) {
        ask->refused = b;
        return false;
    }
    if (b->parent && !take(b->parent, bytes, ask)) {
        add(&b->drawn, -bytes);
        return false;
    }
    add(&b->spare, bytes);
    return true;
}

/* Only from b's own spare. */
static inline bool take_spare(vonk_budget *b, int64_t bytes)
{
    for (int64_t spare = load(&b->spare); spare >= bytes; spare = load(&b->spare))
        if (swap_if(&b->spare, spare, spare - bytes)) return true;
    return false;
}

/* Moves bytes out of b's spare, after drawing what is missing. Recursion is as deep as the tree: server, session,
 * query, operator. */
static bool take(vonk_budget *b, int64_t bytes, draw_ask *ask)
{
    while (!take_spare(b, bytes)) {
        int64_t missing = bytes - load(&b->spare), extra = ask->exact ? 0 : quantum_of(b);
        if (missing <= 0) continue;
        if (missing > VONK_NO_LIMIT - extra) extra = VONK_NO_LIMIT - missing;
        if (!draw(b, missing + extra, ask)) return false;
    }
    return true;
}

/* Upwards, what b need not keep of its spare. */
static void __attribute__((noinline)) pass_up(vonk_budget *b, int64_t spare)
{
    for (int64_t keep = keep_of(b); spare > keep; keep = keep_of(b)) {
        if (!swap_if(&b->spare, spare, keep / 2)) return; /* a later release does it */
        add(&b->drawn, keep / 2 - spare);
        if (!b->parent) return;
        spare = add(&b->parent->spare, spare - keep / 2);
        b = b->parent;
    }
}

static inline void give(vonk_budget *b, int64_t bytes)
{
    int64_t spare = add(&b->spare, bytes);
    if (VONK_UNLIKELY(spare > keep_of(b))) pass_up(b, spare);
}

/* The peak of an inner node cannot be kept exactly without touching it on each allocation; it is sampled when new highs
 * are drawn. */
static void sample_peaks(vonk_budget *b)
{
    for (; b; b = b->parent) {
        int64_t now = load(&b->drawn) - load(&b->spare);
        if (!child_of(b) || now <= load(&b->next_sample)) continue;
        atomic_store_explicit(&b->next_sample, now + (now / 64 > LEAST_QUANTUM ? now / 64 : LEAST_QUANTUM),
                              memory_order_relaxed);
        raise_to(&b->tree_peak, vonk_budget_used(b));
    }
}

static inline void charge_own(vonk_budget *b, int64_t bytes)
{
    raise_to(&b->own_peak, add(&b->own, bytes) & (ONE_CHILD - 1));
}

/* What nearly every charge is: the node's own spare is enough. */
static inline bool charge_spare(vonk_budget *b, int64_t bytes)
{
    if (VONK_UNLIKELY(!take_spare(b, bytes))) return false;
    charge_own(b, bytes);
    return true;
}

/* Without asking anybody; *ret_refused says whose limit was in the way. */
static bool charge_now(vonk_budget *b, int64_t bytes, vonk_budget **ret_refused)
{
    draw_ask ask = {.exact = false};
    bool ok = take(b, bytes, &ask);
    if (VONK_UNLIKELY(!ok)) {
        ask.exact = true;
        ok = take(b, bytes, &ask);
    }
    for (vonk_budget *trimmed = NULL; VONK_UNLIKELY(!ok) && ask.refused != trimmed;) {
        trimmed = ask.refused;
        trim(trimmed);
        ok = take(b, bytes, &ask);
    }
    if (ok) charge_own(b, bytes);
    if (ok && ask.drew) sample_peaks(b);
    *ret_refused = ask.refused;
    return ok;
}

/* ---- spilling ---- */

static void pin_round(spill_round *round, vonk_budget *top)
{
    pthread_mutex_lock(&tree_lock);
    size_t n = 0;
    for (const vonk_budget *b = top; b; b = next_preorder(b, top))
        for (const vonk_spiller *s = b->spillers; s; s = s->next) n++;
    /* Not charged: this is the moment when charging is impossible. */
    round->at = n ? malloc(n * sizeof(*round->at)) : NULL;
    round->n = 0;
    round->thread = pthread_self();
    if (round->at) {
        for (const vonk_budget *b = top; b; b = next_preorder(b, top))
            for (vonk_spiller *s = b->spillers; s; s = s->next) round->at[round->n++] = s;
        round->next = rounds;
        rounds = round;
    }
    pthread_mutex_unlock(&tree_lock);
}

static void unpin_round(spill_round *round)
{
    if (!round->at) return;
    pthread_mutex_lock(&tree_lock);
    spill_round **link = &rounds;
    while (*link != round) link = &(*link)->next;
    *link = round->next;
    pthread_cond_broadcast(&round_over);
    pthread_mutex_unlock(&tree_lock);
    free(round->at);
}

/* Asks those below `top`, largest first, until `bytes` are free; returns how many bytes they say they freed. */
static int64_t ask_spillers(vonk_budget *top, int64_t bytes)
{
    spill_round round;
    pin_round(&round, top);
    int64_t freed = 0;
    is_spilling = true;
    for (size_t left = round.n; left > 0 && freed < bytes; left--) {
        size_t best = 0;
        int64_t best_size = -1;
        for (size_t i = 0; i < left; i++) {
            int64_t size = round.at[i] ? round.at[i]->size(round.at[i]->self) : 0; /* NULL: removed while it spilled */
            if (size > best_size) best = i, best_size = size;
        }
        if (best_size <= 0) break;
        freed += round.at[best]->spill(round.at[best]->self, bytes - freed);
        /* Swapped, not overwritten: it stays pinned until the round is over. */
        pthread_mutex_lock(&tree_lock);
        vonk_spiller *asked = round.at[best];
        round.at[best] = round.at[left - 1];
        round.at[left - 1] = asked;
        pthread_mutex_unlock(&tree_lock);
    }
    is_spilling = false;
    unpin_round(&round);
    return freed;
}

static bool charge_with_spilling(vonk_budget *b, int64_t bytes, vonk_budget **ret_refused)
{
    bool ok = charge_now(b, bytes, ret_refused);
    for (int round = 0; VONK_UNLIKELY(!ok) && !is_spilling && round < SPILL_ROUNDS; round++) {
        vonk_budget *refused = *ret_refused;
        assert(refused);
        if (bytes > load(&refused->limit)) break; /* no spilling makes that fit */
        pthread_mutex_lock(&refused->spill_lock);
        ok = charge_now(b, bytes, ret_refused); /* another thread's round may have made room meanwhile */
        int64_t freed = ok ? 0 : ask_spillers(refused, bytes);
        if (!ok) ok = charge_now(b, bytes, ret_refused);
        pthread_mutex_unlock(&refused->spill_lock);
        if (!ok && freed <= 0 && *ret_refused == refused) break;
    }
    return ok;
}

void vonk_budget_add_spiller(vonk_budget *budget, vonk_spiller *spiller)
{
    pthread_mutex_lock(&tree_lock);
    spiller->prev = NULL;
    spiller->next = budget->spillers;
    if (spiller->next) spiller->next->prev = spiller;
    budget->spillers = spiller;
    pthread_mutex_unlock(&tree_lock);
}

static bool is_pinned_by_other(const vonk_spiller *spiller)
{
    for (const spill_round *r = rounds; r; r = r->next) {
        if (pthread_equal(r->thread, pthread_self())) continue; /* a spiller that removes itself while it spills */
        for (size_t i = 0; i < r->n; i++)
            if (r->at[i] == spiller) return true;
    }
    return false;
}

static void forget_in_own_rounds(const vonk_spiller *spiller)
{
    for (spill_round *r = rounds; r; r = r->next)
        for (size_t i = 0; i < r->n; i++)
            if (r->at[i] == spiller) r->at[i] = NULL;
}

void vonk_budget_remove_spiller(vonk_budget *budget, vonk_spiller *spiller)
{
    pthread_mutex_lock(&tree_lock);
    if (spiller->prev)
        spiller->prev->next = spiller->next;
    else
        budget->spillers = spiller->next;
    if (spiller->next) spiller->next->prev = spiller->prev;
    spiller->next = spiller->prev = NULL;
    while (is_pinned_by_other(spiller)) pthread_cond_wait(&round_over, &tree_lock);
    forget_in_own_rounds(spiller);
    pthread_mutex_unlock(&tree_lock);
}

/* ---- charging ---- */

static vonk_status __attribute__((noinline)) charge_or_fail(vonk_budget *budget, int64_t bytes, vonk_error *err)
{
    vonk_budget *refused = NULL;
    if (VONK_LIKELY(charge_with_spilling(budget, bytes, &refused))) return VONK_OK;
    int64_t room = vonk_budget_room(budget);
    return VONK_FAIL(err, VONK_E_MEMORY_BUDGET_EXCEEDED, "requestedBytes", VONK_F("%lld", (long long)bytes),
                     "receivedBytes", VONK_F("%lld", (long long)(room > 0 ? room : 0)), "budget", refused->name);
}

vonk_status vonk__budget_charge(vonk_budget *budget, int64_t bytes, vonk_error *err)
{
    assert(bytes >= 0);
    return charge_spare(budget, bytes) ? VONK_OK : charge_or_fail(budget, bytes, err);
}

bool vonk_budget_try_charge(vonk_budget *budget, int64_t bytes)
{
    assert(bytes >= 0);
    vonk_budget *refused;
    return charge_spare(budget, bytes) || charge_now(budget, bytes, &refused);
}

/* The node, and then each parent that was retired and waited only for it. */
static void drop_node(vonk_budget *budget)
{
    for (bool was_last = true; was_last;) {
        vonk_budget *parent = budget->parent;
        int64_t peak = vonk_budget_peak(budget);
        pthread_mutex_lock(&tree_lock);
        assert(!child_of(budget) && !budget->spillers);
        if (budget->prev)
            budget->prev->next = budget->next;
        else
            atomic_store_explicit(&parent->first_child, budget->next, memory_order_release);
        if (budget->next) budget->next->prev = budget->prev;
        pthread_mutex_unlock(&tree_lock);
        raise_to(&parent->tree_peak, peak);
        give(parent, load(&budget->drawn));
        pthread_mutex_destroy(&budget->spill_lock);
        vonk_free_aligned(budget);
        was_last = atomic_fetch_sub_explicit(&parent->own, ONE_CHILD, memory_order_acq_rel) - ONE_CHILD == RETIRED;
        budget = parent;
    }
}

void vonk_budget_release(vonk_budget *budget, int64_t bytes)
{
    assert(bytes >= 0);
    give(budget, bytes);
    /* The node is not touched behind this, unless these were the last bytes of a retired one. */
    int64_t was = atomic_fetch_sub_explicit(&budget->own, bytes, memory_order_acq_rel);
    assert((was & (ONE_CHILD - 1)) >= bytes);
    if (VONK_UNLIKELY(was - bytes == RETIRED) && bytes > 0) drop_node(budget);
}

/* ---- nodes ---- */

vonk_budget *vonk_budget_root(void) { return &root; }

vonk_status vonk_budget_new(vonk_budget *parent, const char *name, int64_t limit_bytes, vonk_budget **ret,
                            vonk_error *err)
{
    size_t name_bytes = strlen(name) + 1;
    vonk_budget *b;
    /* The node itself is the process's overhead, so that a fresh budget has used nothing of its parent. */
    VONK_TRY(vonk_alloc_aligned(&root, sizeof(*b) + name_bytes, &b, err));
    memset(b, 0, sizeof(*b));
    b->name = memcpy(b + 1, name, name_bytes);
    pthread_mutex_init(&b->spill_lock, NULL);
    atomic_store_explicit(&b->limit, limit_bytes, memory_order_relaxed);
    b->parent = parent;
    pthread_mutex_lock(&tree_lock);
    b->next = child_of(parent);
    if (b->next) b->next->prev = b;
    atomic_store_explicit(&parent->first_child, b, memory_order_release);
    add(&parent->own, ONE_CHILD);
    pthread_mutex_unlock(&tree_lock);
    *ret = b;
    return VONK_OK;
}

void vonk_budget_free(vonk_budget *budget)
{
    if (!budget) return;
    assert(load(&budget->own) == 0);
    drop_node(budget);
}

void vonk_budget_retire(vonk_budget *budget)
{
    if (!budget) return;
    assert(load(&budget->own) < RETIRED);
    if (atomic_fetch_add_explicit(&budget->own, RETIRED, memory_order_acq_rel) == 0) drop_node(budget);
}

void vonk_budget_set_limit(vonk_budget *budget, int64_t limit_bytes)
{
    atomic_store_explicit(&budget->limit, limit_bytes, memory_order_relaxed);
    if (limit_bytes == VONK_NO_LIMIT) return;
    trim(budget);
    int64_t spare = atomic_exchange_explicit(&budget->spare, 0, memory_order_relaxed);
    add(&budget->drawn, -spare);
    if (budget->parent) give(budget->parent, spare);
}

int64_t vonk_budget_used(const vonk_budget *budget)
{
    if (!child_of(budget)) return own_of(budget);
    pthread_mutex_lock(&tree_lock);
    int64_t used = used_below(budget);
    pthread_mutex_unlock(&tree_lock);
    return used;
}

int64_t vonk_budget_peak(const vonk_budget *budget)
{
    pthread_mutex_lock(&tree_lock);
    int64_t peak = used_below(budget);
    for (const vonk_budget *b = budget; b; b = next_preorder(b, budget)) {
        int64_t own = load(&b->own_peak), tree = load(&b->tree_peak);
        if (own > peak) peak = own;
        if (tree > peak) peak = tree;
    }
    pthread_mutex_unlock(&tree_lock);
    return peak;
}

int64_t vonk_budget_limit(const vonk_budget *budget)
{
    int64_t least = VONK_NO_LIMIT;
    for (; budget; budget = budget->parent)
        if (load(&budget->limit) < least) least = load(&budget->limit);
    return least;
}

int64_t vonk_budget_room(const vonk_budget *budget)
{
    int64_t least = VONK_NO_LIMIT, spare = 0;
    for (; budget; budget = budget->parent) {
        spare += load(&budget->spare);
        int64_t limit = load(&budget->limit);
        if (limit == VONK_NO_LIMIT) continue;
        int64_t room = limit - load(&budget->drawn) + spare;
        if (room < least) least = room;
    }
    return least;
}
