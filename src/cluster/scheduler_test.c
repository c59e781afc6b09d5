/* Tests of cluster/scheduler.c: random lineages with failures and losses give what they give without; cancelling,
 * barriers, pools, groups. */
#include "cluster/cluster_case.h"

#include "base/fault.h"
#include "base/hash.h"
#include "sys/clock.h"
#include "sys/thread.h"

enum { MOST_STAGES = 6, RECORDS = 60 };

/* ---- a lineage: stage s makes numbers of its own and passes on what its parents wrote for its partition */

typedef struct lineage {
    cluster_case c;
    vonk_scheduler *scheduler;
    uint32_t n_stages, n_tasks[MOST_STAGES], parents[MOST_STAGES][MOST_STAGES], n_parents[MOST_STAGES];
    vonk_shuffle *shuffles[MOST_STAGES];
    uint64_t seed;
    _Atomic uint64_t luck;
    _Atomic int failures_left, losses_left;
} lineage;

typedef struct stage_bytes { /* what a task knows */
    lineage *of;
    uint32_t stage;
} stage_bytes;

static uint64_t draw(lineage *l) { return vonk_hash_mix(atomic_fetch_add(&l->luck, 0x9e3779b97f4a7c15u)); }

static vonk_status mishap(lineage *l, vonk_error *err)
{
    uint64_t r = draw(l);
    vonk_block_id id;
    if (r % 4 == 0 && atomic_fetch_sub(&l->losses_left, 1) > 0) {
        vonk_shuffle *s = l->shuffles[(r >> 8) % (l->n_stages - 1)];
        uint32_t map = (uint32_t)(r >> 16) % vonk_shuffle_n_maps(s),
                 reduce = (uint32_t)(r >> 32) % vonk_shuffle_n_reduces(s);
        if (r >> 50 & 1)
            vonk_shuffle_forget(s, map);
        else if (vonk_shuffle_block(s, map, reduce, &id))
            vonk_block_damage(l->c.store, id, r >> 51 & 1);
    }
    if (r % 5 == 0 && atomic_fetch_sub(&l->failures_left, 1) > 0)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "injected");
    return VONK_OK;
}

static vonk_status emit(vonk_task *task, vonk_shuffle_writer *w, uint64_t x, vonk_error *err)
{
    if (!w) return vonk_buf_append(task->result, &x, sizeof x, err);
    return vonk_shuffle_write(w, (uint32_t)(x % vonk_shuffle_n_reduces(task->shuffle)), &x, sizeof x, err);
}

static vonk_status pass_on(vonk_task *task, vonk_shuffle *from, vonk_shuffle_writer *w, vonk_error *err)
{
    VONK_AUTO(vonk_shuffle_reader_free) vonk_shuffle_reader *r = NULL;
    VONK_TRY(vonk_shuffle_reader_new(from, task->partition, &r, err));
    for (;;) {
        vonk_str piece;
        VONK_TRY(vonk_shuffle_read(r, &piece, err));
        if (!piece.len) return VONK_OK;
        assert_int_equal(piece.len % 8, 0);
        for (size_t at = 0; at < piece.len; at += 8) {
            uint64_t x;
            memcpy(&x, piece.data + at, 8);
            VONK_TRY(emit(task, w, vonk_hash_mix(x + task->stage % 1), err));
        }
    }
}

static vonk_status run_lineage(vonk_task *task, vonk_error *err)
{
    stage_bytes b;
    VONK_AUTO(vonk_shuffle_writer_free) vonk_shuffle_writer *w = NULL;
    memcpy(&b, task->bytes.data, sizeof b);
    lineage *l = b.of;
    VONK_TRY(mishap(l, err));
    if (task->shuffle) VONK_TRY(vonk_shuffle_writer_new(task->shuffle, task->partition, task->budget, &w, err));
    for (uint32_t i = 0; i < RECORDS; i++)
        VONK_TRY(emit(task, w, vonk_hash_mix(l->seed + b.stage * 1000003 + task->partition * 1009 + i), err));
    for (uint32_t p = 0; p < l->n_parents[b.stage]; p++)
        VONK_TRY(pass_on(task, l->shuffles[l->parents[b.stage][p]], w, err));
    VONK_TRY(mishap(l, err));
    VONK_TRY(vonk_task_accumulate(task, VONK_STR("x"), err));
    return w ? vonk_shuffle_commit(VONK_STEAL(w), err) : VONK_OK;
}
static const vonk_task_kind lineage_kind = {"lineage", run_lineage};

typedef struct answer {
    vonk_buf results[16];
    uint32_t n_results, n_updates;
    _Atomic int inside;
} answer;

static vonk_status take_result(void *self, uint32_t index, vonk_str bytes, vonk_error *err)
{
    answer *a = self;
    assert_int_equal(atomic_fetch_add(&a->inside, 1), 0); /* one at a time */
    assert_int_equal(a->results[index].len, 0);           /* each once */
    a->n_results++;
    vonk_status st = vonk_buf_add_str(&a->results[index], bytes, err);
    atomic_fetch_sub(&a->inside, 1);
    return st;
}

static vonk_status take_update(void *self, vonk_str update, vonk_error *err)
{
    answer *a = self;
    (void)err;
    assert_true(vonk_str_is(update, "x"));
    a->n_updates++;
    return VONK_OK;
}

static vonk_receiver receiver_of(answer *a)
{
    for (int i = 0; i < 16; i++) vonk_buf_init(&a->results[i], vonk_budget_root(), SIZE_MAX);
    return (vonk_receiver){.self = a, .result = take_result, .accumulate = take_update};
}

static void answer_done(answer *a)
{
    for (int i = 0; i < 16; i++) vonk_buf_done(&a->results[i]);
}

static void lineage_open(lineage *l, uint64_t seed, uint32_t n_slots, int64_t memory)
{
    vonk_error err = VONK_ERROR_INIT;
    uint64_t r = seed * 2654435761u + 1;
    *l = (lineage){.seed = seed};
    case_open(&l->c, memory, seed & 1, seed & 2);
    vonk_scheduler_options options = {.n_slots = n_slots, .max_failures = 50, .max_stage_attempts = 60};
    CASE_OK(vonk_scheduler_new(vonk_budget_root(), l->c.store, &options, &l->scheduler, &err));
    CASE_OK(vonk_scheduler_register(l->scheduler, &lineage_kind, &err));
    l->n_stages = 2 + (uint32_t)(case_random(&r) % (MOST_STAGES - 1));
    for (uint32_t s = 0; s < l->n_stages; s++) l->n_tasks[s] = 1 + (uint32_t)(case_random(&r) % 7);
    for (uint32_t s = 1; s < l->n_stages; s++) {
        /* Parents of one stage have the same number of reduce partitions: its tasks. */
        for (uint32_t p = 0; p < s; p++)
            if (p == s - 1 || (case_random(&r) % 3 == 0 && l->n_tasks[p + 1] == l->n_tasks[s]))
                l->parents[s][l->n_parents[s]++] = p;
    }
    for (uint32_t s = 0; s + 1 < l->n_stages; s++)
        CASE_OK(vonk_shuffle_new(l->c.store, l->n_tasks[s], l->n_tasks[s + 1], &l->shuffles[s], &err));
}

static void lineage_close(lineage *l)
{
    vonk_scheduler_free(l->scheduler);
    for (uint32_t s = 0; s + 1 < l->n_stages; s++) vonk_shuffle_unref(l->shuffles[s]);
    case_close(&l->c);
}

static vonk_status lineage_start(lineage *l, answer *a, vonk_job_run **ret, vonk_error *err)
{
    vonk_stage_spec specs[MOST_STAGES] = {0};
    stage_bytes bytes[MOST_STAGES];
    for (uint32_t s = 0; s < l->n_stages; s++) {
        bytes[s] = (stage_bytes){l, s};
        specs[s] = (vonk_stage_spec){.kind = "lineage",
                                     .bytes = {(const char *)&bytes[s], sizeof bytes[s]},
                                     .n_partitions = l->n_tasks[s],
                                     .parents = l->parents[s],
                                     .n_parents = l->n_parents[s],
                                     .shuffle = s + 1 < l->n_stages ? l->shuffles[s] : NULL,
                                     .name = VONK_STR("lineage")};
    }
    vonk_job_spec spec = {.stages = specs, .n_stages = l->n_stages, .receiver = receiver_of(a), .budget = l->c.budget};
    return vonk_job_start(l->scheduler, &spec, ret, err);
}

static void run_whole(lineage *l, answer *a)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_job_run *job = NULL;
    bool ended = false;
    CASE_OK(lineage_start(l, a, &job, &err));
    CASE_OK(vonk_job_wait(job, -1, &ended, &err));
    assert_true(ended);
    vonk_job_free(job);
}

static void test_losses(void **state)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        lineage l;
        answer wanted = {0}, got = {0};
        uint32_t n_updates = 0;
        lineage_open(&l, seed, 1, VONK_NO_LIMIT);
        run_whole(&l, &wanted);
        for (uint32_t s = 0; s < l.n_stages; s++) n_updates += l.n_tasks[s];
        assert_int_equal(wanted.n_updates, n_updates);
        lineage_close(&l);
        lineage_open(&l, seed, 1 + (uint32_t)seed % 8, seed % 3 ? VONK_NO_LIMIT : 8 << 20);
        atomic_store(&l.luck, seed * 977);
        atomic_store(&l.failures_left, 12);
        atomic_store(&l.losses_left, 12);
        run_whole(&l, &got);
        assert_int_equal(got.n_updates, n_updates); /* once per partition, however often it ran */
        assert_int_equal(got.n_results, l.n_tasks[l.n_stages - 1]);
        for (int i = 0; i < 16; i++) {
            assert_int_equal(got.results[i].len, wanted.results[i].len);
            if (got.results[i].len)
                assert_memory_equal(got.results[i].data, wanted.results[i].data, got.results[i].len);
        }
        answer_done(&wanted);
        answer_done(&got);
        lineage_close(&l);
    }
    (void)state;
}

static void test_cancel_anywhen(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        lineage l;
        answer a = {0};
        vonk_job_run *job = NULL;
        bool ended = false;
        lineage_open(&l, seed, 1 + (uint32_t)seed % 4, VONK_NO_LIMIT);
        atomic_store(&l.losses_left, 5);
        CASE_OK(lineage_start(&l, &a, &job, &err));
        vonk_clock_sleep_ns((int64_t)(seed * seed % 23) * 40000);
        if (seed % 4) vonk_job_cancel(job, VONK_STR("enough"));
        if (seed % 4) {
            vonk_status st = vonk_job_wait(job, -1, &ended, &err);
            assert_true(st == VONK_OK || st == VONK_E_SPARK_JOB_CANCELLED);
            uint32_t n = a.n_results;
            vonk_clock_sleep_ns(200000);
            assert_int_equal(n, a.n_results); /* nothing comes behind the end */
        }
        vonk_error_reset(&err);
        vonk_job_free(job);
        answer_done(&a);
        lineage_close(&l);
    }
    (void)state;
}

static void test_too_many_failures(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    lineage l;
    answer a = {0};
    vonk_job_run *job = NULL;
    bool ended = false;
    lineage_open(&l, 7, 3, VONK_NO_LIMIT);
    atomic_store(&l.failures_left, 100000);
    for (int i = 0; i < 1000; i++) draw(&l);
    vonk_scheduler_free(l.scheduler);
    vonk_scheduler_options options = {.n_slots = 3, .max_failures = 1, .max_stage_attempts = 4};
    CASE_OK(vonk_scheduler_new(vonk_budget_root(), l.c.store, &options, &l.scheduler, &err));
    assert_int_equal(lineage_start(&l, &a, &job, &err), VONK_E_INTERNAL_ERROR); /* no such kind */
    vonk_error_reset(&err);
    CASE_OK(vonk_scheduler_register(l.scheduler, &lineage_kind, &err));
    for (int i = 0; i < 10 && err.cls == VONK_OK; i++) {
        vonk_shuffle_forget_all(l.shuffles[0]);
        answer_done(&a);
        CASE_OK(lineage_start(&l, &a, &job, &err));
        vonk_status st = vonk_job_wait(job, -1, &ended, &err);
        assert_true(st == VONK_OK || st == VONK_E_INTERNAL_ERROR);
        vonk_job_free(job);
    }
    assert_int_equal(err.cls, VONK_E_INTERNAL_ERROR);
    vonk_error_reset(&err);
    answer_done(&a);
    lineage_close(&l);
    (void)state;
}

/* ---- one stage of tasks that do what a test says */

typedef struct act {
    vonk_status (*run)(struct act *self, vonk_task *task, vonk_error *err);
    _Atomic int n_started, n_stopped, go;
    _Atomic uint32_t order[64];
} act;

static vonk_status run_act(vonk_task *task, vonk_error *err)
{
    act *a;
    memcpy(&a, task->bytes.data, sizeof a);
    return a->run(a, task, err);
}
static const vonk_task_kind act_kind = {"act", run_act};

typedef struct act_job {
    act *act;
    uint32_t n_tasks;
    bool barrier;
    vonk_property properties[2];
    uint32_t n_properties;
} act_job;

static vonk_job_run *start_act(cluster_case *c, vonk_scheduler *s, act_job *j, answer *a)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_job_run *job = NULL;
    vonk_stage_spec stage = {.kind = "act",
                             .bytes = {(const char *)&j->act, sizeof j->act},
                             .n_partitions = j->n_tasks,
                             .barrier = j->barrier,
                             .name = VONK_STR("act")};
    vonk_job_spec spec = {.stages = &stage,
                          .n_stages = 1,
                          .receiver = receiver_of(a),
                          .properties = j->properties,
                          .n_properties = j->n_properties,
                          .budget = c->budget};
    CASE_OK(vonk_job_start(s, &spec, &job, &err));
    return job;
}

static vonk_status end_act(vonk_job_run *job, answer *a)
{
    vonk_error err = VONK_ERROR_INIT;
    bool ended = false;
    vonk_status st = vonk_job_wait(job, -1, &ended, &err);
    assert_true(ended);
    vonk_error_reset(&err);
    vonk_job_free(job);
    (void)a;
    return st;
}

static void open_acts(cluster_case *c, vonk_scheduler **ret, uint32_t n_slots, uint32_t max_failures, bool fair)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_scheduler_options options = {
        .n_slots = n_slots, .max_failures = max_failures, .max_stage_attempts = 4, .fair = fair};
    case_open(c, VONK_NO_LIMIT, false, false);
    CASE_OK(vonk_scheduler_new(c->budget, c->store, &options, ret, &err));
    CASE_OK(vonk_scheduler_register(*ret, &act_kind, &err));
}

static void stop_act(void *arg)
{
    act *a = arg;
    atomic_fetch_add(&a->n_stopped, 1);
    atomic_store(&a->go, 1);
}

static vonk_status wait_for_stop(act *a, vonk_task *task, vonk_error *err)
{
    vonk_task_on_cancel(task, stop_act, a);
    atomic_fetch_add(&a->n_started, 1);
    while (!atomic_load(&a->go)) vonk_clock_sleep_ns(100000);
    while (!vonk_task_cancelled(task)) vonk_clock_sleep_ns(100000);
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "the worker was killed");
}

static void test_groups(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    cluster_case c;
    vonk_scheduler *s;
    answer a = {0}, b = {0};
    act x = {.run = wait_for_stop}, y = {.run = wait_for_stop};
    const uint32_t *ids = NULL;
    uint32_t n = 0;
    open_acts(&c, &s, 4, 1, false);
    act_job tagged = {&x, 2, false, {{VONK_STR("spark.job.tags"), VONK_STR("one,two")}}, 1};
    act_job grouped = {&y, 2, false, {{VONK_STR("spark.jobGroup.id"), VONK_STR("g")}}, 1};
    vonk_job_run *first = start_act(&c, s, &tagged, &a), *second = start_act(&c, s, &grouped, &b);
    while (atomic_load(&x.n_started) + atomic_load(&y.n_started) < 4) vonk_clock_sleep_ns(100000);
    CASE_OK(vonk_scheduler_jobs(s, VONK_STR("spark.jobGroup.id"), VONK_STR("g"), false, c.arena, &ids, &n, &err));
    assert_int_equal(n, 1);
    assert_int_equal(ids[0], vonk_job_id(second));
    CASE_OK(vonk_scheduler_jobs(s, VONK_STR_NONE, VONK_STR_NONE, true, c.arena, &ids, &n, &err));
    assert_int_equal(n, 2);
    vonk_stage_status status;
    vonk_job_state job_state;
    bool there = false;
    CASE_OK(vonk_scheduler_job(s, vonk_job_id(first), c.arena, &job_state, &ids, &n, &err));
    assert_int_equal(job_state, VONK_JOB_RUNNING);
    assert_int_equal(n, 1);
    CASE_OK(vonk_scheduler_stage(s, ids[0], c.arena, &there, &status, &err));
    assert_true(there && status.n_active == 2 && status.n_tasks == 2 && vonk_str_is(status.name, "act"));
    assert_int_equal(vonk_scheduler_cancel(s, VONK_STR("spark.job.tags"), VONK_STR("three"), VONK_STR("-"), false), 0);
    assert_int_equal(vonk_scheduler_cancel(s, VONK_STR("spark.job.tags"), VONK_STR("two"), VONK_STR("-"), false), 1);
    assert_int_equal(end_act(first, &a), VONK_E_SPARK_JOB_CANCELLED);
    assert_int_equal(vonk_scheduler_cancel(s, VONK_STR("spark.jobGroup.id"), VONK_STR("g"), VONK_STR("-"), true), 1);
    assert_int_equal(end_act(second, &b), VONK_E_SPARK_JOB_CANCELLED);
    assert_true(x.n_stopped >= 1 && x.n_stopped <= 2 && y.n_stopped >= 1);
    answer_done(&b);
    assert_int_equal(end_act(start_act(&c, s, &grouped, &b), &b), VONK_E_SPARK_JOB_CANCELLED); /* a future one */
    CASE_OK(vonk_scheduler_job(s, 0, c.arena, &job_state, &ids, &n, &err));
    assert_int_equal(job_state, VONK_JOB_FAILED);
    CASE_OK(vonk_scheduler_job(s, 99, c.arena, &job_state, &ids, &n, &err));
    assert_int_equal(job_state, VONK_JOB_UNKNOWN);
    answer_done(&a);
    answer_done(&b);
    vonk_scheduler_free(s);
    case_close(&c);
    (void)state;
}

/* ---- barriers */

static vonk_status gather_twice(act *a, vonk_task *task, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf got = {0};
    char text[32];
    vonk_buf_init(&got, task->budget, SIZE_MAX);
    atomic_fetch_add(&a->n_started, 1);
    VONK_TRY(vonk_task_barrier(task, VONK_STR_NONE, NULL, err));
    assert_true(atomic_load(&a->n_started) >= (int)task->n_tasks); /* nobody is still on the way */
    vonk_format(text, sizeof text, "m%u", task->partition);
    VONK_TRY(vonk_task_barrier(task, vonk_str_of(text), &got, err));
    return vonk_buf_add_str(task->result, vonk_buf_str(&got), err);
}

static vonk_status fail_first_attempt(act *a, vonk_task *task, vonk_error *err)
{
    if (task->stage_attempt == 0 && task->partition == 1)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "first attempt");
    return gather_twice(a, task, err);
}

/* The first attempt is stopped by one task while the other has passed the barrier and ends well. */
static vonk_status end_well_when_stopped(act *a, vonk_task *task, vonk_error *err)
{
    VONK_TRY(vonk_task_barrier(task, VONK_STR_NONE, NULL, err));
    if (task->stage_attempt == 0 && task->partition == 1) {
        while (!atomic_load(&a->go)) vonk_clock_sleep_ns(100000);
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "behind the barrier");
    }
    atomic_store(&a->go, 1);
    while (task->stage_attempt == 0 && !vonk_task_cancelled(task)) vonk_clock_sleep_ns(100000);
    return vonk_buf_printf(task->result, err, "%u", task->stage_attempt);
}

/* It has broken the barrier, and says why when those who waited there have long failed. */
static vonk_status fail_late(act *a, vonk_task *task, vonk_error *err)
{
    if (task->partition != 1) {
        const vonk_status st = vonk_task_barrier(task, VONK_STR_NONE, NULL, err);
        atomic_fetch_add(&a->go, 1);
        return st;
    }
    vonk_task_break_barrier(task);
    while (atomic_load(&a->go) < 2) vonk_clock_sleep_ns(100000);
    vonk_clock_sleep_ns(50000000);
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "the reason");
}

static vonk_status leave_early(act *a, vonk_task *task, vonk_error *err)
{
    (void)a;
    return task->partition == 0 ? VONK_OK : vonk_task_barrier(task, VONK_STR_NONE, NULL, err);
}

static void test_barriers(void **state)
{
    cluster_case c;
    vonk_scheduler *s;
    answer a = {0};
    act x = {.run = gather_twice};
    open_acts(&c, &s, 4, 2, false);
    act_job whole = {.act = &x, .n_tasks = 4, .barrier = true};
    assert_int_equal(end_act(start_act(&c, s, &whole, &a), &a), VONK_OK);
    for (int i = 0; i < 4; i++) assert_memory_equal(a.results[i].data, "\0\0\0\2m0\0\0\0\2m1\0\0\0\2m2\0\0\0\2m3", 24);
    answer_done(&a);
    a = (answer){0};
    act y = {.run = fail_first_attempt};
    whole.act = &y;
    whole.n_tasks = 3;
    vonk_status st = end_act(start_act(&c, s, &whole, &a), &a);
    assert_int_equal(st, VONK_OK);
    assert_int_equal(a.n_results, 3);
    answer_done(&a);
    a = (answer){0};
    act w = {.run = end_well_when_stopped};
    whole.act = &w;
    whole.n_tasks = 2;
    assert_int_equal(end_act(start_act(&c, s, &whole, &a), &a), VONK_OK); /* both run again, and both results count */
    assert_int_equal(a.n_results, 2);
    for (int i = 0; i < 2; i++) assert_memory_equal(a.results[i].data, "1", 1);
    answer_done(&a);
    a = (answer){0};
    act late = {.run = fail_late};
    whole.act = &late;
    whole.n_tasks = 3;
    assert_int_equal(end_act(start_act(&c, s, &whole, &a), &a),
                     VONK_E_INTERNAL_ERROR); /* not that of those who waited */
    answer_done(&a);
    a = (answer){0};
    act z = {.run = leave_early};
    whole.n_tasks = 3;
    whole.act = &z;
    assert_int_not_equal(end_act(start_act(&c, s, &whole, &a), &a), VONK_OK); /* and it does not hang */
    answer_done(&a);
    whole.n_tasks = 5;
    assert_int_equal(end_act(start_act(&c, s, &whole, &a), &a), VONK_E_UNSUPPORTED_FEATURE);
    answer_done(&a);
    vonk_scheduler_free(s);
    case_close(&c);
    (void)state;
}

/* ---- order between jobs */

static vonk_status note_order(act *a, vonk_task *task, vonk_error *err)
{
    (void)err;
    int at = atomic_fetch_add(&a->n_started, 1);
    atomic_store(&a->order[at], task->job);
    while (!atomic_load(&a->go)) vonk_clock_sleep_ns(50000);
    return VONK_OK;
}

static void run_order(bool fair, const uint32_t *wanted)
{
    vonk_error err = VONK_ERROR_INIT;
    cluster_case c;
    vonk_scheduler *s;
    answer answers[3] = {0};
    act x = {.run = note_order};
    vonk_job_run *jobs[3];
    open_acts(&c, &s, 1, 1, fair);
    CASE_OK(vonk_scheduler_pool(s, VONK_STR("heavy"), false, 3, 0, &err));
    act_job plain = {.act = &x, .n_tasks = 4}, heavy = {.act = &x, .n_tasks = 4, .n_properties = 1};
    heavy.properties[0] = (vonk_property){VONK_STR("spark.scheduler.pool"), VONK_STR("heavy")};
    for (int i = 0; i < 2; i++) jobs[i] = start_act(&c, s, &plain, &answers[i]);
    while (!atomic_load(&x.n_started)) vonk_clock_sleep_ns(100000);
    jobs[2] = start_act(&c, s, &heavy, &answers[2]);
    atomic_store(&x.go, 1);
    for (int i = 0; i < 3; i++) assert_int_equal(end_act(jobs[i], &answers[i]), VONK_OK);
    for (int i = 0; i < 12; i++) assert_int_equal(x.order[i], wanted[i]);
    for (int i = 0; i < 3; i++) answer_done(&answers[i]);
    vonk_scheduler_free(s);
    case_close(&c);
}

static void test_order(void **state)
{
    static const uint32_t fifo[] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2};
    /* One slot: nobody runs anything when it is free, so pools tie and go by name: "default" comes before "heavy". */
    run_order(false, fifo);
    run_order(true, fifo);
    (void)state;
}

#ifdef VONK_FAULTS
/* A whole lineage with each of its failures. */
static bool lineage_fails_at(uint64_t seed, vonk_fault kind, int64_t at, const answer *wanted)
{
    vonk_error err = VONK_ERROR_INIT;
    lineage l;
    answer got = {0};
    vonk_job_run *job = NULL;
    bool ended = false;
    lineage_open(&l, seed, 1, VONK_NO_LIMIT);
    vonk_fault_arm(kind, at);
    vonk_status st = lineage_start(&l, &got, &job, &err);
    if (st == VONK_OK) st = vonk_job_wait(job, -1, &ended, &err);
    bool fired = vonk_fault_fired();
    vonk_fault_arm(kind, -1);
    if (st != VONK_OK && !(fired && st == VONK_E_MEMORY_BUDGET_EXCEEDED)) fail_msg("%s", vonk_error_message(&err));
    for (int i = 0; st == VONK_OK && i < 16; i++) {
        assert_int_equal(got.results[i].len, wanted->results[i].len);
        if (got.results[i].len) assert_memory_equal(got.results[i].data, wanted->results[i].data, got.results[i].len);
    }
    vonk_error_reset(&err);
    vonk_job_free(job);
    answer_done(&got);
    lineage_close(&l);
    return fired;
}

static void test_faults(void **state)
{
    for (uint64_t seed = 2; seed < 5; seed++) {
        lineage l;
        answer wanted = {0};
        lineage_open(&l, seed, 1, VONK_NO_LIMIT);
        run_whole(&l, &wanted);
        lineage_close(&l);
        for (int64_t at = 0; lineage_fails_at(seed, VONK_FAULT_ALLOC, at, &wanted);) at += 3;
        answer_done(&wanted);
    }
    (void)state;
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_losses), cmocka_unit_test(test_cancel_anywhen), cmocka_unit_test(test_too_many_failures),
        cmocka_unit_test(test_groups), cmocka_unit_test(test_barriers),       cmocka_unit_test(test_order),
#ifdef VONK_FAULTS
        cmocka_unit_test(test_faults),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
