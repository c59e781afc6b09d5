/* Tests of cluster/blocks.c and its parts. */
#include "cluster/cluster_case.h"

#include "base/hash.h"
#include "sys/thread.h"

enum { MOST_BYTES = 3 << 20 };

/* Bytes of a block as its number says: half of them repeat themselves. */
static void fill(char *into, size_t n, uint64_t number)
{
    uint64_t state = vonk_hash_mix(number + 1);
    for (size_t i = 0; i < n; i++) into[i] = i / 512 % 2 ? (char)case_random(&state) : (char)(i % 7);
}

static vonk_block_id rdd(uint64_t a, uint32_t b) { return (vonk_block_id){.kind = VONK_BLOCK_RDD, .a = a, .b = b}; }

static bool write_block(vonk_block_store *store, vonk_block_id id, vonk_storage_level level, size_t n, vonk_status *ret,
                        vonk_error *err)
{
    static _Thread_local char bytes[MOST_BYTES];
    bool kept = false;
    vonk_block_writer *w = NULL;
    fill(bytes, n, id.a * 1000 + id.b);
    *ret = vonk_block_writer_new(store, id, level, &w, err);
    for (size_t at = 0; *ret == VONK_OK && at < n;) {
        size_t piece = 1 + (at * 7919 + n) % 100000;
        if (piece > n - at) piece = n - at;
        *ret = vonk_block_write(w, bytes + at, piece, err);
        at += piece;
    }
    if (*ret == VONK_OK)
        *ret = vonk_block_commit(w, n / 3, &kept, err);
    else
        vonk_block_writer_free(w);
    return kept;
}

/* True: it is there and right. False: there is none, or it was lost. Wrong bytes fail the test. */
static bool read_block(vonk_block_store *store, vonk_block_id id, size_t n, vonk_error *err)
{
    static _Thread_local char wanted[MOST_BYTES];
    VONK_AUTO(vonk_block_close) vonk_block_reader *r = NULL;
    vonk_str piece;
    size_t at = 0;
    if (vonk_block_open(store, id, &r, err) != VONK_OK) {
        assert_int_equal(err->cls, VONK_E_MEMORY_BUDGET_EXCEEDED);
        vonk_error_reset(err);
    }
    if (!r) return false;
    fill(wanted, n, id.a * 1000 + id.b);
    assert_int_equal(vonk_block_bytes(r), n);
    assert_int_equal(vonk_block_records(r), n / 3);
    for (;;) {
        vonk_status st = vonk_block_read(r, &piece, err);
        /* Too many threads may want memory at once in the test of a crowd. */
        if (st == VONK_E_BLOCK_LOST || st == VONK_E_MEMORY_BUDGET_EXCEEDED) {
            vonk_error_reset(err);
            return false;
        }
        assert_int_equal(st, VONK_OK);
        if (!piece.len) break;
        assert_true(piece.len <= n - at);
        assert_memory_equal(piece.data, wanted + at, piece.len);
        at += piece.len;
    }
    assert_int_equal(at, n);
    return true;
}
static void test_levels(void **state)
{
    static const size_t sizes[] = {0, 1, 100, 262143, 262144, 262145, 1000000, MOST_BYTES};
    vonk_error err = VONK_ERROR_INIT;
    vonk_status st;
    for (int form = 0; form < 4; form++) {
        cluster_case c = {0};
        case_open(&c, VONK_NO_LIMIT, form & 1, form & 2);
        for (uint32_t i = 0; i < VONK_COUNTOF(sizes); i++)
            for (uint32_t level = 1; level < 8; level++) {
                bool memory = level & 1, disk = level & 2;
                vonk_block_id id = rdd(i, level);
                bool kept = write_block(c.store, id, case_level(memory, disk, level & 4), sizes[i], &st, &err);
                assert_int_equal(st, VONK_OK);
                assert_int_equal(kept, memory || disk);
                assert_int_equal(read_block(c.store, id, sizes[i], &err), kept);
            }
        vonk_block_counts counts = vonk_block_count(c.store, VONK_BLOCK_RDD, 6);
        assert_int_equal(counts.n_blocks, 6);
        assert_true(counts.memory_bytes > 0 && counts.disk_bytes > 0);
        vonk_block_drop(c.store, rdd(6, 1));
        assert_false(read_block(c.store, rdd(6, 1), 0, &err));
        vonk_block_drop_all(c.store, VONK_BLOCK_RDD, 6);
        assert_int_equal(vonk_block_count(c.store, VONK_BLOCK_RDD, 6).n_blocks, 0);
        assert_true(read_block(c.store, rdd(5, 3), sizes[5], &err));
        case_close(&c);
    }
    (void)state;
}

static void test_eviction(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_status st;
    cluster_case c = {0};
    case_open(&c, 6 << 20, false, true);
    for (uint32_t i = 0; i < 40; i++) { /* 20 MB, half of them may go to disk */
        bool kept = write_block(c.store, rdd(i, 0), case_level(true, i % 2, true), 500000, &st, &err);
        assert_int_equal(st, VONK_OK);
        assert_true(kept);
        if (i) assert_true(read_block(c.store, rdd(i, 0), 500000, &err)); /* the newest are there */
    }
    uint32_t lost = 0;
    for (uint32_t i = 0; i < 40; i++) {
        bool there = read_block(c.store, rdd(i, 0), 500000, &err);
        assert_true(there || i % 2 == 0);
        lost += !there;
    }
    assert_true(lost >= 10 && lost < 20); /* of those without a disk, all but the last ones */
    /* Partitions of one RDD do not push each other out. */
    uint32_t n_kept = 0;
    for (uint32_t i = 0; i < 40; i++)
        n_kept += write_block(c.store, rdd(99, i), case_level(true, false, true), 500000, &st, &err);
    assert_true(n_kept >= 4 && n_kept < 12);
    assert_true(read_block(c.store, rdd(99, 0), 500000, &err));
    /* A query that wants memory gets it. */
    void *block = NULL;
    CASE_OK(vonk_alloc(c.budget, 3 << 20, &block, &err));
    vonk_free(block);
    case_close(&c);
    (void)state;
}

static void test_damage(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_status st;
    for (int form = 0; form < 4; form++) {
        cluster_case c = {0};
        case_open(&c, VONK_NO_LIMIT, form & 1, form & 2);
        for (uint32_t level = 1; level < 4; level++)
            for (uint32_t half = 0; half < 2; half++) {
                vonk_block_id id = rdd(level, half);
                write_block(c.store, id, case_level(level & 1, level & 2, false), 700000, &st, &err);
                assert_true(vonk_block_damage(c.store, id, half));
                assert_false(read_block(c.store, id, 700000, &err));
                assert_false(read_block(c.store, id, 700000, &err)); /* gone now */
                assert_false(vonk_block_damage(c.store, id, half));
            }
        case_close(&c);
    }
    (void)state;
}

static void test_replacing_and_readers(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_status st;
    cluster_case c = {0};
    case_open(&c, 4 << 20, true, false);
    write_block(c.store, rdd(1, 1), case_level(true, true, true), 600000, &st, &err);
    vonk_block_reader *r = NULL;
    vonk_str piece;
    CASE_OK(vonk_block_open(c.store, rdd(1, 1), &r, &err));
    CASE_OK(vonk_block_read(r, &piece, &err));
    vonk_block_writer *w = NULL;
    bool kept = false;
    CASE_OK(vonk_block_writer_new(c.store, rdd(1, 1), case_level(true, false, false), &w, &err));
    CASE_OK(vonk_block_write(w, "new", 3, &err));
    assert_true(read_block(c.store, rdd(1, 1), 600000, &err)); /* until it is committed */
    CASE_OK(vonk_block_commit(w, 1, &kept, &err));
    CASE_OK(vonk_block_writer_new(c.store, rdd(1, 1), case_level(true, false, false), &w, &err));
    vonk_block_writer_free(w);
    size_t n = piece.len;
    for (; piece.len; n += piece.len) CASE_OK(vonk_block_read(r, &piece, &err));
    assert_int_equal(n, 600000);
    vonk_block_close(r);
    CASE_OK(vonk_block_open(c.store, rdd(1, 1), &r, &err));
    CASE_OK(vonk_block_read(r, &piece, &err));
    assert_true(vonk_str_is(piece, "new"));
    vonk_block_close(r);
    case_close(&c);
    (void)state;
}

/* ---- many threads */

typedef struct crowd {
    cluster_case *c;
    uint64_t seed;
    _Atomic int *n_right;
} crowd;

static void be_one_of_many(void *arg)
{
    crowd *self = arg;
    vonk_error err = VONK_ERROR_INIT;
    vonk_status st;
    for (int i = 0; i < 120; i++) {
        uint64_t r = case_random(&self->seed);
        vonk_block_id id = rdd(r % 3, (uint32_t)(r >> 8) % 8);
        size_t n = 50000 + id.b * 60000;
        switch (r >> 32 & 7) {
        case 0:
        case 1:
        case 2:
            write_block(self->c->store, id, case_level((r >> 40 & 3) != 0, r >> 42 & 1, r >> 43 & 1), n, &st, &err);
            if (st != VONK_OK) assert_int_equal(st, VONK_E_MEMORY_BUDGET_EXCEEDED);
            vonk_error_reset(&err);
            break;
        case 3: vonk_block_damage(self->c->store, id, r >> 50 & 1); break;
        case 4: vonk_block_drop(self->c->store, id); break;
        default: atomic_fetch_add(self->n_right, read_block(self->c->store, id, n, &err));
        }
    }
}

static void test_crowd(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    for (int form = 0; form < 2; form++) {
        cluster_case c = {0};
        crowd all[4];
        vonk_thread *threads[4];
        _Atomic int n_right = 0;
        case_open(&c, 8 << 20, form == 0, form == 1);
        for (int i = 0; i < 4; i++) {
            all[i] = (crowd){&c, 77 + (uint64_t)(form * 4 + i), &n_right};
            CASE_OK(vonk_thread_start(vonk_budget_root(), "crowd", VONK_STACK_ENGINE, be_one_of_many, &all[i],
                                      &threads[i], &err));
        }
        for (int i = 0; i < 4; i++) vonk_thread_join(threads[i]);
        assert_true(n_right > 10);
        case_close(&c);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels), cmocka_unit_test(test_eviction),
        cmocka_unit_test(test_damage), cmocka_unit_test(test_replacing_and_readers),
        cmocka_unit_test(test_crowd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
