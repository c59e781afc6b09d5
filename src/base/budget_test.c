/* Tests of base/budget.c and base/alloc.c. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <cmocka.h>

#include "base/budget.h"

enum { MIB = 1 << 20 };

static vonk_budget *new_budget(vonk_budget *parent, const char *name, int64_t limit)
{
    vonk_budget *b = NULL;
    vonk_error err = VONK_ERROR_INIT;
    assert_int_equal(vonk_budget_new(parent, name, limit, &b, &err), VONK_OK);
    return b;
}

static void limits_are_exact(void **state)
{
    vonk_budget *server = new_budget(vonk_budget_root(), "server", 10 * MIB);
    vonk_budget *query = new_budget(server, "query", VONK_NO_LIMIT);
    vonk_budget *other = new_budget(server, "other", VONK_NO_LIMIT);
    vonk_error err = VONK_ERROR_INIT;
    assert_int_equal(vonk_budget_room(query), 10 * MIB);
    assert_int_equal(vonk_budget_limit(query), 10 * MIB);

    assert_int_equal(vonk_budget_charge(other, 1, &err), VONK_OK); /* draws a quantum, which must not be missed below */
    assert_int_equal(vonk_budget_charge(query, 10 * MIB - 1, &err), VONK_OK);
    assert_int_equal(vonk_budget_used(server), 10 * MIB);
    assert_int_equal(vonk_budget_used(query), 10 * MIB - 1);
    assert_int_equal(vonk_budget_room(query), 0);
    assert_false(vonk_budget_try_charge(other, 1));
    assert_int_equal(vonk_budget_charge(query, 1, &err), VONK_E_MEMORY_BUDGET_EXCEEDED);
    assert_non_null(strstr(vonk_error_message(&err), "server"));
    assert_string_equal(vonk_error_sqlstate(&err), "53200");
    vonk_error_reset(&err);

    vonk_budget_release(other, 1);
    assert_true(vonk_budget_try_charge(query, 1)); /* other's spare bytes came back */
    vonk_budget_release(query, 10 * MIB);
    assert_int_equal(vonk_budget_used(server), 0);
    assert_int_equal(vonk_budget_peak(server), 10 * MIB);
    assert_int_equal(vonk_budget_peak(query), 10 * MIB);
    assert_int_equal(vonk_budget_peak(other), 1);
    vonk_budget_free(other);
    vonk_budget_free(query);
    vonk_budget_free(server);
}

static void limit_can_shrink_and_grow(void **state)
{
    vonk_budget *b = new_budget(vonk_budget_root(), "b", 4 * MIB);
    assert_true(vonk_budget_try_charge(b, 3 * MIB));
    vonk_budget_set_limit(b, 2 * MIB);
    assert_true(vonk_budget_room(b) < 0);
    assert_false(vonk_budget_try_charge(b, 1));
    vonk_budget_release(b, 2 * MIB);
    assert_int_equal(vonk_budget_room(b), MIB);
    assert_false(vonk_budget_try_charge(b, MIB + 1));
    assert_true(vonk_budget_try_charge(b, MIB));
    vonk_budget_set_limit(b, VONK_NO_LIMIT);
    assert_true(vonk_budget_try_charge(b, INT64_C(1) << 40));
    vonk_budget_release(b, (INT64_C(1) << 40) + 2 * MIB);
    vonk_budget_free(b);
}

static void small_steps_up_to_a_small_limit(void **state)
{
    vonk_budget *b = new_budget(vonk_budget_root(), "b", 100000);
    vonk_budget *leaf = new_budget(b, "leaf", VONK_NO_LIMIT);
    int64_t n = 0;
    while (vonk_budget_try_charge(leaf, 7)) n++;
    assert_int_equal(n, 100000 / 7);
    vonk_budget_release(leaf, 7 * n);
    vonk_budget_free(leaf);
    assert_int_equal(vonk_budget_peak(b), 7 * n); /* a child's peak survives the child */
    vonk_budget_free(b);
}

/* ---- spilling ---- */

typedef struct hoard {
    vonk_spiller spiller;
    vonk_budget *budget;
    int64_t held;
    int asked, *order;
    bool busy, removes_itself;
} hoard;

static int64_t hoard_size(void *self) { return ((hoard *)self)->held; }
static int64_t hoard_spill(void *self, int64_t wanted)
{
    hoard *h = self;
    h->asked = ++*h->order;
    if (h->busy) return 0;
    /* Writing needs memory at a moment when there is none. */
    assert_true(vonk_budget_try_charge(h->budget, MIB));
    vonk_budget_release(h->budget, MIB);
    if (h->removes_itself) vonk_budget_remove_spiller(h->budget, &h->spiller);
    int64_t freed = h->held < wanted ? h->held : wanted;
    vonk_budget_release(h->budget, freed);
    h->held -= freed;
    return freed;
}

static void hoard_init(hoard *h, vonk_budget *parent, int64_t bytes, int *order)
{
    *h = (hoard){.budget = new_budget(parent, "hoard", VONK_NO_LIMIT), .held = bytes, .order = order};
    h->spiller = (vonk_spiller){.size = hoard_size, .spill = hoard_spill, .self = h};
    assert_true(vonk_budget_try_charge(h->budget, bytes));
    vonk_budget_add_spiller(h->budget, &h->spiller);
}
static void hoard_done(hoard *h)
{
    if (!h->removes_itself || !h->asked) vonk_budget_remove_spiller(h->budget, &h->spiller);
    vonk_budget_release(h->budget, h->held);
    vonk_budget_free(h->budget);
}

static void spillers_are_asked_largest_first(void **state)
{
    vonk_budget *query = new_budget(vonk_budget_root(), "query", 10 * MIB);
    int order = 0;
    hoard small, large, busy;
    hoard_init(&small, query, 2 * MIB, &order);
    hoard_init(&large, query, 3 * MIB, &order);
    hoard_init(&busy, query, 5 * MIB, &order);
    busy.busy = true;
    vonk_budget *asker = new_budget(query, "asker", VONK_NO_LIMIT);
    vonk_error err = VONK_ERROR_INIT;
    assert_false(vonk_budget_try_charge(asker, MIB)); /* never asks */
    assert_int_equal(order, 0);
    assert_int_equal(vonk_budget_charge(asker, 4 * MIB, &err), VONK_OK);
    assert_int_equal(busy.asked, 1);
    assert_int_equal(large.asked, 2);
    assert_int_equal(small.asked, 3);
    assert_int_equal(small.held, MIB);
    /* What can be given is given before the refusal. */
    assert_int_equal(vonk_budget_charge(asker, 2 * MIB, &err), VONK_E_MEMORY_BUDGET_EXCEEDED);
    vonk_error_reset(&err);
    assert_int_equal(vonk_budget_charge(asker, MIB, &err), VONK_OK);
    /* What can never fit asks nobody. */
    int before = order;
    assert_int_equal(vonk_budget_charge(asker, 11 * MIB, &err), VONK_E_MEMORY_BUDGET_EXCEEDED);
    vonk_error_reset(&err);
    assert_int_equal(order, before);
    vonk_budget_release(asker, 5 * MIB);
    vonk_budget_free(asker);
    hoard_done(&small);
    hoard_done(&large);
    hoard_done(&busy);
    vonk_budget_free(query);
}

static void spiller_may_remove_itself(void **state)
{
    vonk_budget *query = new_budget(vonk_budget_root(), "query", 4 * MIB);
    int order = 0;
    hoard a, b;
    hoard_init(&a, query, 2 * MIB, &order);
    hoard_init(&b, query, 2 * MIB, &order);
    a.removes_itself = b.removes_itself = true;
    vonk_error err = VONK_ERROR_INIT;
    assert_int_equal(vonk_budget_charge(query, 3 * MIB, &err), VONK_OK);
    assert_int_equal(order, 2);
    vonk_budget_release(query, 3 * MIB);
    hoard_done(&a);
    hoard_done(&b);
    vonk_budget_free(query);
}

/* ---- threads ---- */

typedef struct worker {
    vonk_budget *query;
    unsigned seed;
    int64_t refused;
    pthread_t thread;
} worker;

static int64_t own_size(void *self) { return atomic_load((_Atomic int64_t *)self); }
static vonk_budget *own_budget_of_thread_test[4];
static _Atomic int64_t own_held[4];
static int64_t own_spill(void *self, int64_t wanted)
{
    (void)wanted;
    size_t i = (size_t)((_Atomic int64_t *)self - own_held);
    int64_t got = atomic_exchange(&own_held[i], 0);
    vonk_budget_release(own_budget_of_thread_test[i], got);
    return got;
}

static void *churn(void *arg)
{
    worker *w = arg;
    size_t me = w->seed;
    vonk_budget *op = new_budget(w->query, "op", VONK_NO_LIMIT);
    own_budget_of_thread_test[me] = op;
    vonk_spiller spiller = {.size = own_size, .spill = own_spill, .self = &own_held[me]};
    vonk_budget_add_spiller(op, &spiller);
    void *blocks[64] = {0};
    unsigned random = w->seed * 7919 + 1;
    for (int i = 0; i < 20000; i++) {
        random = random * 1664525 + 1013904223;
        size_t slot = (random >> 8) % VONK_COUNTOF(blocks), bytes = (random >> 12) % 60000;
        vonk_free(blocks[slot]);
        blocks[slot] = NULL;
        vonk_error err = VONK_ERROR_INIT;
        if (vonk_alloc(op, bytes, &blocks[slot], &err) != VONK_OK) w->refused++;
        vonk_error_reset(&err);
        if (i % 16 == 0 && vonk_budget_try_charge(op, 50000)) atomic_fetch_add(&own_held[me], 50000);
        if (vonk_budget_used(w->query) < 0) w->refused += 1000000;
    }
    for (size_t i = 0; i < VONK_COUNTOF(blocks); i++) vonk_free(blocks[i]);
    vonk_budget_remove_spiller(op, &spiller);
    vonk_budget_release(op, atomic_exchange(&own_held[me], 0));
    vonk_budget_free(op);
    return NULL;
}

static void threads_share_a_tight_budget(void **state)
{
    int64_t before = vonk_budget_used(vonk_budget_root());
    vonk_budget *server = new_budget(vonk_budget_root(), "server", 5 * MIB);
    vonk_budget *query = new_budget(server, "query", VONK_NO_LIMIT);
    worker workers[4];
    for (unsigned i = 0; i < 4; i++) {
        workers[i] = (worker){.query = query, .seed = i};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, churn, &workers[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_true(workers[i].refused < 1000000);
    }
    assert_int_equal(vonk_budget_used(query), 0);
    assert_int_equal(vonk_budget_room(query), 5 * MIB);
    assert_true(vonk_budget_peak(server) <= 5 * MIB + 8 * MIB);
    assert_true(vonk_budget_peak(server) > 3 * MIB);
    vonk_budget_free(query);
    vonk_budget_free(server);
    assert_int_equal(vonk_budget_used(vonk_budget_root()), before);
}

static void *free_some(void *arg)
{
    for (void **block = arg; *block; block++) vonk_free(*block);
    return NULL;
}

/* A budget may go before what it paid for does; whoever frees the last of it frees the node. */
static void retired_budget_goes_with_its_last_release(void **state)
{
    int64_t before = vonk_budget_used(vonk_budget_root());
    vonk_budget *server = new_budget(vonk_budget_root(), "server", 5 * MIB);
    vonk_budget_retire(new_budget(server, "empty", VONK_NO_LIMIT));
    for (int round = 0; round < 200; round++) {
        vonk_budget *session = new_budget(server, "session", VONK_NO_LIMIT);
        void *blocks[2][9] = {{NULL}};
        pthread_t threads[2];
        vonk_error err = VONK_ERROR_INIT;
        for (int t = 0; t < 2; t++)
            for (int i = 0; i < 8; i++)
                assert_int_equal(vonk_alloc(session, 100 * (size_t)i, &blocks[t][i], &err), VONK_OK);
        int64_t used = vonk_budget_used(server);
        for (int t = 0; t < 2; t++) assert_int_equal(pthread_create(&threads[t], NULL, free_some, blocks[t]), 0);
        if (round % 2) vonk_budget_retire(session); /* while they free */
        for (int t = 0; t < 2; t++) pthread_join(threads[t], NULL);
        if (round % 2 == 0) vonk_budget_retire(session);
        assert_true(used > 0);
        assert_int_equal(vonk_budget_used(server), 0);
    }
    vonk_budget *session = new_budget(server, "session", VONK_NO_LIMIT);
    void *kept = NULL, *more = NULL;
    vonk_error err = VONK_ERROR_INIT;
    assert_int_equal(vonk_alloc(session, 1000, &kept, &err), VONK_OK);
    int64_t used = vonk_budget_used(server);
    vonk_budget_retire(session);
    assert_int_equal(vonk_budget_used(server), used);
    assert_int_equal(vonk_alloc(session, 3000, &more, &err), VONK_OK); /* who holds a part of it may still charge it */
    assert_true(vonk_budget_used(server) > used);
    vonk_free(more);
    assert_int_equal(vonk_budget_used(server), used);
    vonk_free(kept);
    assert_int_equal(vonk_budget_used(server), 0);
    vonk_budget_free(server);
    assert_int_equal(vonk_budget_used(vonk_budget_root()), before);
}

/* ---- allocation ---- */

/* From some tens of megabytes on a block is a mapping of its own: across that border, and beyond it, values stay. */
static void large_blocks_grow_and_shrink(void **state)
{
    vonk_budget *b = new_budget(vonk_budget_root(), "b", 1024 * MIB);
    vonk_error err = VONK_ERROR_INIT;
    uint64_t *p = NULL;
    size_t filled = 0;
    static const size_t steps_mib[] = {1, 31, 32, 33, 100, 250, 40, 32, 16, 64, 1};
    for (size_t i = 0; i < VONK_COUNTOF(steps_mib); i++) {
        size_t n = steps_mib[i] * MIB / sizeof(*p);
        assert_int_equal(vonk_realloc(b, &p, n * sizeof(*p), &err), VONK_OK);
        assert_int_equal(vonk_alloc_size(p), n * sizeof(*p));
        for (size_t k = 0; k < (filled < n ? filled : n); k += 509) assert_int_equal(p[k], k);
        for (size_t k = 0; k < n; k++) p[k] = k;
        filled = n;
        assert_in_range(vonk_budget_used(b), n * sizeof(*p), n * sizeof(*p) + 4096);
    }
    vonk_free(p);
    for (size_t bytes = 32 * MIB - 32; bytes <= 32 * MIB + 32; bytes += 8) {
        assert_int_equal(vonk_alloc_zeroed(b, bytes, &p, &err), VONK_OK);
        assert_int_equal((uintptr_t)p % 16, 0);
        assert_int_equal(p[0] | p[bytes / 8 - 1], 0);
        p[bytes / 8 - 1] = 1;
        vonk_free(p);
    }
    assert_int_equal(vonk_budget_used(b), 0);
    vonk_budget_free(b);
}

static void blocks_keep_their_size_and_budget(void **state)
{
    vonk_budget *b = new_budget(vonk_budget_root(), "b", MIB);
    vonk_error err = VONK_ERROR_INIT;
    char *p = NULL, *q = NULL;
    assert_int_equal(vonk_alloc(b, 0, &p, &err), VONK_OK);
    assert_non_null(p);
    assert_int_equal(vonk_alloc_size(p), 0);
    vonk_free(p);
    p = NULL;
    assert_int_equal(vonk_realloc(b, &p, 100, &err), VONK_OK);
    memset(p, 'x', 100);
    assert_int_equal((uintptr_t)p % 16, 0);
    assert_int_equal(vonk_realloc(b, &p, 5000, &err), VONK_OK);
    assert_int_equal(vonk_alloc_size(p), 5000);
    assert_int_equal(p[99], 'x');
    assert_true(vonk_budget_used(b) >= 5000);
    assert_int_equal(vonk_realloc(b, &p, 2 * MIB, &err), VONK_E_MEMORY_BUDGET_EXCEEDED);
    vonk_error_reset(&err);
    assert_int_equal(vonk_alloc_size(p), 5000);
    assert_int_equal(vonk_realloc(b, &p, 50, &err), VONK_OK);
    assert_true(vonk_budget_used(b) < 200);
    /* To another budget. */
    vonk_budget *c = new_budget(vonk_budget_root(), "c", MIB);
    assert_int_equal(vonk_realloc(c, &p, 60, &err), VONK_OK);
    assert_int_equal(vonk_budget_used(b), 0);
    assert_true(vonk_budget_used(c) >= 60);
    assert_int_equal(p[49], 'x');
    vonk_free(p);

    assert_int_equal(vonk_alloc_aligned(c, 1000, &q, &err), VONK_OK);
    assert_int_equal((uintptr_t)q % 64, 0);
    assert_int_equal(vonk_alloc_size(q), 1000);
    memset(q, 1, 1000);
    vonk_free_aligned(q);
    assert_int_equal(vonk_alloc_zeroed(c, 1000, &q, &err), VONK_OK);
    for (int i = 0; i < 1000; i++) assert_int_equal(q[i], 0);
    vonk_free(q);
    assert_int_equal(vonk_strdup(c, VONK_STR("hello"), &q, &err), VONK_OK);
    assert_string_equal(q, "hello");
    vonk_free(q);
    vonk_free(NULL);
    vonk_free_aligned(NULL);
    vonk_alloc_collect();
    assert_int_equal(vonk_budget_used(c), 0);
    vonk_budget_free(b);
    vonk_budget_free(c);
}

static void sizes_that_overflow_are_refused(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    void *p = NULL;
    vonk_budget *root = vonk_budget_root();
    assert_int_equal(vonk_alloc(root, SIZE_MAX, &p, &err), VONK_E_MEMORY_BUDGET_EXCEEDED);
    assert_int_equal(vonk_alloc_array(root, SIZE_MAX / 2, 3, &p, &err), VONK_E_MEMORY_BUDGET_EXCEEDED);
    assert_int_equal(vonk_alloc_aligned(root, SIZE_MAX - 10, &p, &err), VONK_E_MEMORY_BUDGET_EXCEEDED);
    assert_int_equal(vonk_realloc(root, &p, SIZE_MAX - 10, &err), VONK_E_MEMORY_BUDGET_EXCEEDED);
    assert_null(p);
    assert_int_equal(vonk_budget_charge(root, INT64_MAX, &err), VONK_E_MEMORY_BUDGET_EXCEEDED);
    vonk_error_reset(&err);
}

static void a_retired_budget_lives_as_long_as_its_memory(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_budget *parent = new_budget(vonk_budget_root(), "parent", MIB);
    vonk_budget *b = new_budget(parent, "b", VONK_NO_LIMIT);
    char *p = NULL, *q = NULL;
    assert_int_equal(vonk_alloc(b, 1000, &p, &err), VONK_OK);
    vonk_budget_retire(b);
    assert_true(vonk_budget_used(parent) >= 1000 && vonk_budget_used(parent) < 2000);
    assert_int_equal(vonk_alloc(b, 1000, &q, &err), VONK_OK); /* by whoever holds p */
    assert_true(vonk_budget_used(b) >= 2000 && vonk_budget_used(b) < 4000);
    assert_int_equal(vonk_alloc(b, 2 * MIB, &q, &err), VONK_E_MEMORY_BUDGET_EXCEEDED);
    vonk_error_reset(&err);
    vonk_free(p);
    assert_true(vonk_budget_used(parent) >= 1000);
    vonk_free(q); /* b is gone */
    assert_int_equal(vonk_budget_used(parent), 0);
    vonk_budget_retire(new_budget(parent, "empty", MIB));
    b = new_budget(parent, "b", VONK_NO_LIMIT);
    vonk_budget *below = new_budget(b, "below", VONK_NO_LIMIT);
    assert_int_equal(vonk_alloc(below, 1000, &p, &err), VONK_OK);
    vonk_budget_retire(below);
    vonk_budget_retire(b);
    assert_true(vonk_budget_used(parent) >= 1000);
    vonk_free(p); /* both are gone */
    assert_int_equal(vonk_budget_used(parent), 0);
    vonk_budget_free(parent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(limit_can_shrink_and_grow),
        cmocka_unit_test(small_steps_up_to_a_small_limit),
        cmocka_unit_test(spillers_are_asked_largest_first),
        cmocka_unit_test(spiller_may_remove_itself),
        cmocka_unit_test(threads_share_a_tight_budget),
        cmocka_unit_test(retired_budget_goes_with_its_last_release),
        cmocka_unit_test(blocks_keep_their_size_and_budget),
        cmocka_unit_test(large_blocks_grow_and_shrink),
        cmocka_unit_test(sizes_that_overflow_are_refused),
        cmocka_unit_test(a_retired_budget_lives_as_long_as_its_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
