/* Tests of cluster/shuffle.c. */
#include "cluster/cluster_case.h"

#include "base/fault.h"

/* A record: its length, then bytes made from (map, number). */
static size_t make_record(char *into, uint32_t map, uint32_t number, size_t n)
{
    uint32_t head[3] = {(uint32_t)n, map, number};
    memcpy(into, head, sizeof head);
    for (size_t i = sizeof head; i < n; i++) into[i] = (char)(i * 31 + map * 7 + number);
    return n;
}
static size_t record_bytes(uint32_t map, uint32_t number, size_t most) { return 12 + (map * 131 + number * 71) % most; }
static uint32_t reduce_of(uint32_t map, uint32_t number, uint32_t n) { return (map + number * number) % n; }

static vonk_status write_map(vonk_shuffle *s, uint32_t map, uint32_t n_records, size_t most, vonk_budget *budget,
                             vonk_error *err)
{
    VONK_AUTO(vonk_shuffle_writer_free) vonk_shuffle_writer *w = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf record = {0};
    char *to = NULL;
    vonk_buf_init(&record, vonk_budget_root(), SIZE_MAX);
    VONK_TRY(vonk_buf_extend(&record, most + 12, &to, err));
    VONK_TRY(vonk_shuffle_writer_new(s, map, budget, &w, err));
    for (uint32_t i = 0; i < n_records; i++) {
        size_t n = make_record(to, map, i, record_bytes(map, i, most));
        VONK_TRY(vonk_shuffle_write(w, reduce_of(map, i, vonk_shuffle_n_reduces(s)), to, n, err));
    }
    return vonk_shuffle_commit(VONK_STEAL(w), err);
}

static vonk_status read_all(vonk_shuffle *s, uint32_t reduce, vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_shuffle_reader_free) vonk_shuffle_reader *r = NULL;
    VONK_TRY(vonk_shuffle_reader_new(s, reduce, &r, err));
    for (;;) {
        vonk_str piece;
        VONK_TRY(vonk_shuffle_read(r, &piece, err));
        if (!piece.len) return VONK_OK;
        VONK_TRY(vonk_buf_add_str(out, piece, err));
    }
}

/* Every record is there once, whole, in the order of (map, number). */
static void expect_reduce(vonk_shuffle *s, uint32_t reduce, uint32_t n_records, size_t most)
{
    vonk_error err = VONK_ERROR_INIT;
    VONK_AUTO(vonk_buf_done) vonk_buf got = {0}, wanted = {0};
    char *to = NULL;
    vonk_buf_init(&got, vonk_budget_root(), SIZE_MAX);
    vonk_buf_init(&wanted, vonk_budget_root(), SIZE_MAX);
    CASE_OK(read_all(s, reduce, &got, &err));
    for (uint32_t m = 0; m < vonk_shuffle_n_maps(s); m++)
        for (uint32_t i = 0; i < n_records; i++) {
            if (reduce_of(m, i, vonk_shuffle_n_reduces(s)) != reduce) continue;
            CASE_OK(vonk_buf_extend(&wanted, record_bytes(m, i, most), &to, &err));
            make_record(to, m, i, record_bytes(m, i, most));
        }
    assert_int_equal(got.len, wanted.len);
    if (got.len) assert_memory_equal(got.data, wanted.data, got.len);
}

static void check_shuffle(cluster_case *c, uint32_t n_maps, uint32_t n_reduces, uint32_t n_records, size_t most,
                          vonk_budget *task_budget)
{
    vonk_error err = VONK_ERROR_INIT;
    uint32_t missing[64];
    VONK_AUTO(vonk_shuffle_unref) vonk_shuffle *s = NULL;
    CASE_OK(vonk_shuffle_new(c->store, n_maps, n_reduces, &s, &err));
    assert_int_equal(vonk_shuffle_missing(s, missing), n_maps);
    for (uint32_t m = n_maps; m-- > 0;) CASE_OK(write_map(s, m, n_records, most, task_budget, &err));
    CASE_OK(write_map(s, n_maps / 2, n_records, most, task_budget, &err)); /* again: nothing is there twice */
    assert_int_equal(vonk_shuffle_missing(s, missing), 0);
    for (uint32_t r = 0; r < n_reduces; r++) expect_reduce(s, r, n_records, most);
}

static void test_round_trips(void **state)
{
    for (int form = 0; form < 4; form++) {
        cluster_case c = {0};
        case_open(&c, VONK_NO_LIMIT, form & 1, form & 2);
        check_shuffle(&c, 1, 1, 0, 100, c.budget);
        check_shuffle(&c, 5, 7, 1000, 300, c.budget);
        check_shuffle(&c, 3, 200, 50, 20, c.budget);
        check_shuffle(&c, 2, 3, 12, 4 << 20, c.budget); /* more than the buffer holds */
        check_shuffle(&c, 1, 2, 3, 30 << 20, c.budget); /* records larger than that */
        case_close(&c);
    }
    (void)state;
}

static void test_little_memory(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    cluster_case c = {0};
    vonk_budget *task = NULL;
    case_open(&c, 4 << 20, true, false);
    CASE_OK(vonk_budget_new(vonk_budget_root(), "task", 100000, &task, &err));
    check_shuffle(&c, 4, 5, 2000, 1000, task);
    check_shuffle(&c, 3, 3, 2000, 3000, c.budget); /* 9 MB of it */
    vonk_budget_free(task);
    case_close(&c);
    (void)state;
}

static void test_losing(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    cluster_case c = {0};
    vonk_shuffle *s = NULL;
    vonk_block_id id;
    uint32_t missing[8];
    VONK_AUTO(vonk_buf_done) vonk_buf got = {0};
    vonk_buf_init(&got, vonk_budget_root(), SIZE_MAX);
    case_open(&c, VONK_NO_LIMIT, true, false);
    CASE_OK(vonk_shuffle_new(c.store, 4, 3, &s, &err));
    assert_int_equal(read_all(s, 0, &got, &err), VONK_E_BLOCK_LOST);
    vonk_error_reset(&err);
    for (uint32_t round = 0; round < 6; round++) {
        uint32_t n = vonk_shuffle_missing(s, missing), victim = round % 4;
        for (uint32_t i = 0; i < n; i++) CASE_OK(write_map(s, missing[i], 100, 200, c.budget, &err));
        for (uint32_t r = 0; r < 3; r++) expect_reduce(s, r, 100, 200);
        assert_true(vonk_shuffle_block(s, victim, round % 3, &id));
        assert_true(vonk_block_damage(c.store, id, round % 2));
        assert_int_equal(read_all(s, round % 3, &got, &err), VONK_E_BLOCK_LOST);
        vonk_error_reset(&err);
        assert_int_equal(vonk_shuffle_missing(s, missing), 1);
        assert_int_equal(missing[0], victim);
    }
    /* A writer that is not committed leaves nothing. */
    vonk_shuffle_writer *w = NULL;
    uint32_t before = vonk_block_count(c.store, VONK_BLOCK_SHUFFLE, vonk_shuffle_id(s)).n_blocks;
    CASE_OK(vonk_shuffle_writer_new(s, 1, c.budget, &w, &err));
    CASE_OK(vonk_shuffle_write(w, 1, "record", 6, &err));
    vonk_shuffle_writer_free(w);
    assert_int_equal(vonk_block_count(c.store, VONK_BLOCK_SHUFFLE, vonk_shuffle_id(s)).n_blocks, before);
    vonk_shuffle_forget_all(s);
    assert_int_equal(vonk_shuffle_missing(s, missing), 4);
    assert_int_equal(vonk_block_count(c.store, VONK_BLOCK_SHUFFLE, vonk_shuffle_id(s)).n_blocks, 0);
    vonk_shuffle_unref(s);
    case_close(&c);
    (void)state;
}

#ifdef VONK_FAULTS
/* Each allocation, read and write fails once: the same records, or the error of such a failure; nothing is left. */
static vonk_status write_and_read(cluster_case *c, vonk_budget *task, vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_shuffle_unref) vonk_shuffle *s = NULL;
    VONK_TRY(vonk_shuffle_new(c->store, 2, 2, &s, err));
    for (uint32_t m = 0; m < 2; m++) VONK_TRY(write_map(s, m, 120, 900, task, err));
    for (uint32_t r = 0; r < 2; r++) VONK_TRY(read_all(s, r, out, err));
    return VONK_OK;
}

static bool is_of_fault(vonk_status st)
{
    return st == VONK_E_MEMORY_BUDGET_EXCEEDED || st == VONK_E_TASK_WRITE_FAILED || st == VONK_E_BLOCK_LOST;
}

static bool fail_at(cluster_case *c, vonk_budget *task, vonk_fault kind, int64_t at, const vonk_buf *wanted)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_buf got = {0};
    vonk_buf_init(&got, vonk_budget_root(), SIZE_MAX);
    CASE_OK(vonk_buf_reserve(&got, wanted->len, &err));
    vonk_fault_arm(kind, at);
    vonk_status st = write_and_read(c, task, &got, &err);
    bool fired = vonk_fault_fired();
    vonk_fault_arm(kind, -1);
    assert_true(st == VONK_OK || (fired && is_of_fault(st)));
    if (st == VONK_OK) {
        assert_int_equal(got.len, wanted->len);
        assert_memory_equal(got.data, wanted->data, got.len);
    }
    vonk_error_reset(&err);
    vonk_buf_done(&got);
    return fired;
}

static void test_faults(void **state)
{
    static const vonk_fault kinds[] = {VONK_FAULT_ALLOC, VONK_FAULT_READ, VONK_FAULT_WRITE};
    vonk_error err = VONK_ERROR_INIT;
    for (int form = 0; form < 4; form++) {
        cluster_case c = {0};
        vonk_budget *task = NULL;
        vonk_buf wanted = {0};
        vonk_buf_init(&wanted, vonk_budget_root(), SIZE_MAX);
        case_open(&c, VONK_NO_LIMIT, form & 1, form & 2);
        CASE_OK(vonk_budget_new(vonk_budget_root(), "task", form ? 20000 : VONK_NO_LIMIT, &task, &err));
        CASE_OK(write_and_read(&c, task, &wanted, &err));
        for (size_t k = 0; k < VONK_COUNTOF(kinds); k++)
            for (int64_t at = 0; fail_at(&c, task, kinds[k], at, &wanted);) at++;
        vonk_buf_done(&wanted);
        vonk_budget_free(task);
        case_close(&c);
    }
    (void)state;
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_little_memory),
        cmocka_unit_test(test_losing),
#ifdef VONK_FAULTS
        cmocka_unit_test(test_faults),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
