/* Tests of clock, thread, entropy, cpu, cgroup, env. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/vec.h"
#include "sys/cgroup_int.h"
#include "sys/clock.h"
#include "sys/cpu.h"
#include "sys/entropy.h"
#include "sys/env.h"
#include "sys/files.h"
#include "sys/thread.h"

#define OK(call) assert_int_equal((call), VONK_OK)

/* ---- clock ---- */

typedef struct fake_clock {
    int64_t ns;
} fake_clock;
static int64_t fake_mono(void *self) { return ((fake_clock *)self)->ns; }
static int64_t fake_wall(void *self) { return ((fake_clock *)self)->ns / 1000 + 5; }
static void fake_sleep(void *self, int64_t ns) { ((fake_clock *)self)->ns += ns; }

static void clocks(void **state)
{
    int64_t a = vonk_clock_mono_ns(), wall = vonk_clock_wall_us();
    vonk_clock_sleep_ns(2 * VONK_NS_PER_MS);
    assert_true(vonk_clock_mono_ns() - a >= 2 * VONK_NS_PER_MS);
    assert_true(wall > INT64_C(1700000000) * 1000000);
    fake_clock fake = {7};
    vonk_sys_clock clock = {fake_mono, fake_wall, fake_sleep, &fake};
    vonk_clock_use(&clock);
    vonk_clock_sleep_ns(3600 * VONK_NS_PER_S);
    assert_int_equal(vonk_clock_mono_ns(), 7 + 3600 * VONK_NS_PER_S);
    assert_int_equal(vonk_clock_wall_us(), INT64_C(3600000000) + 5);
    vonk_clock_use(NULL);
    assert_true(vonk_clock_mono_ns() > a);
}

/* ---- threads ---- */

typedef struct shared {
    vonk_mutex lock;
    vonk_cond changed;
    vonk_rwlock table;
    int turns, guarded;
    _Atomic int once_runs;
} shared;
static shared s;
static vonk_once once = VONK_ONCE_INIT;
static void count_once(void) { atomic_fetch_add(&s.once_runs, 1); }

static void take_turns(void *arg)
{
    int me = *(int *)arg;
    vonk_once_run(&once, count_once);
    for (int i = 0; i < 100; i++) {
        VONK_LOCKED(&s.lock);
        while (s.turns % 2 != me) vonk_cond_wait(&s.changed, &s.lock);
        s.turns++;
        vonk_cond_broadcast(&s.changed);
    }
    for (int i = 0; i < 1000; i++) {
        vonk_rwlock_write(&s.table);
        s.guarded++;
        vonk_rwlock_unlock(&s.table);
        vonk_rwlock_read(&s.table);
        if (s.guarded <= 0) s.turns = -1;
        vonk_rwlock_unlock(&s.table);
    }
}

static void threads_take_turns(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_mutex_init(&s.lock);
    vonk_cond_init(&s.changed);
    vonk_rwlock_init(&s.table);
    int ids[2] = {0, 1};
    vonk_thread *t[2];
    for (int i = 0; i < 2; i++)
        OK(vonk_thread_start(vonk_budget_root(), "a-rather-long-thread-name", VONK_STACK_ENGINE, take_turns, &ids[i],
                             &t[i], &err));
    assert_int_equal(vonk_thread_count(), 2);
    assert_false(vonk_thread_is_self(t[0]));
    for (int i = 0; i < 2; i++) vonk_thread_join(t[i]);
    assert_int_equal(vonk_thread_count(), 0);
    assert_int_equal(s.turns, 200);
    assert_int_equal(s.guarded, 2000);
    assert_int_equal(s.once_runs, 1);
    assert_true(vonk_mutex_try_lock(&s.lock));
    assert_false(vonk_mutex_try_lock(&s.lock));
    int64_t until = vonk_clock_mono_ns() + 5 * VONK_NS_PER_MS;
    while (vonk_cond_wait_until(&s.changed, &s.lock, until)) {
    }
    assert_true(vonk_clock_mono_ns() >= until);
    assert_false(vonk_cond_wait_until(&s.changed, &s.lock, until));
    vonk_mutex_unlock(&s.lock);
    vonk_mutex_done(&s.lock);
    vonk_cond_done(&s.changed);
    vonk_rwlock_done(&s.table);
    vonk_thread_join(NULL);
}

static int burn(int depth)
{
    volatile char page[4096];
    page[0] = (char)depth;
    return depth == 0 ? page[0] : burn(depth - 1) + page[0] - (char)depth;
}
static void deep(void *arg) { *(int *)arg = burn(10000) + 1; } /* 40 MiB */
static void sees_signals(void *arg)
{
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    *(int *)arg = sigismember(&mask, SIGTERM) && !sigismember(&mask, SIGSEGV) ? 1 : 2;
}

static void stacks_and_signal_masks(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_thread *t;
    int done = 0;
    OK(vonk_thread_start(vonk_budget_root(), "deep", VONK_STACK_PLAN, deep, &done, &t, &err));
    vonk_thread_join(t);
    assert_int_equal(done, 1);
    OK(vonk_thread_start(vonk_budget_root(), "mask", VONK_STACK_ENGINE, sees_signals, &done, &t, &err));
    vonk_thread_join(t);
    assert_int_equal(done, 1);
    /* A stack that nobody can have. */
    int64_t used = vonk_budget_used(vonk_budget_root());
    assert_int_equal(vonk_thread_start(vonk_budget_root(), "huge", (size_t)1 << 60, deep, &done, &t, &err),
                     VONK_E_INTERNAL_ERROR);
    vonk_error_reset(&err);
    assert_int_equal(vonk_budget_used(vonk_budget_root()), used);
    assert_int_equal(vonk_thread_count(), 0);
}

/* ---- randomness ---- */

static void entropy(void **state)
{
    uint8_t a[100] = {0}, b[100] = {0};
    vonk_random_bytes(a, sizeof(a));
    vonk_random_bytes(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    assert_true(vonk_random_u64() != vonk_random_u64());
    for (int i = 0; i < 200; i++) {
        char id[37];
        vonk_random_uuid(id);
        assert_int_equal(strlen(id), 36);
        for (int k = 0; k < 36; k++) {
            if (k == 8 || k == 13 || k == 18 || k == 23)
                assert_int_equal(id[k], '-');
            else
                assert_non_null(strchr("0123456789abcdef", id[k]));
        }
        assert_int_equal(id[14], '4');
        assert_non_null(strchr("89ab", id[19]));
    }
    vonk_random_simulate(42);
    vonk_random_bytes(a, sizeof(a));
    vonk_random_simulate(42);
    vonk_random_bytes(b, sizeof(b));
    assert_memory_equal(a, b, sizeof(a));
    vonk_random_real();
    vonk_random_bytes(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
}

/* ---- the machine ---- */

static void machine(void **state)
{
    assert_true(vonk_cpu_is_supported());
    assert_in_range(vonk_cpu_get_level(), VONK_CPU_V1, VONK_CPU_V4);
    assert_string_equal(vonk_cpu_level_name(VONK_CPU_V4), "v4");
    assert_true(strlen(vonk_cpu_model()) > 0);
    assert_in_range(vonk_cpu_l2_bytes(), 64 << 10, 256 << 20);
    assert_in_range(vonk_cpu_n_cores(), 1, 4096);
    assert_true(vonk_memory_total_bytes() > 64 << 20);
    assert_true(vonk_memory_limit_bytes() > 0 && vonk_memory_limit_bytes() <= vonk_memory_total_bytes());
    assert_true(vonk_process_rss_bytes() > 100 << 10);
    assert_true(vonk_process_peak_rss_bytes() > 100 << 10);
    int64_t cpu = vonk_thread_cpu_ns();
    for (volatile int i = 0; i < 2000000; i++) {
    }
    assert_true(vonk_thread_cpu_ns() > cpu);
    assert_true(vonk_process_cpu_us() > 0);
}

static void write_text(vonk_arena *arena, vonk_str root, const char *name, const char *text)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_str path;
    OK(vonk_path_join(arena, root, vonk_str_of(name), &path, &err));
    const char *slash = strrchr(path.data, '/');
    OK(vonk_dir_make((vonk_str){path.data, (size_t)(slash - path.data)}, &err));
    OK(vonk_file_replace(path, text, strlen(text), &err));
}

static void container_limits(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_str root;
    OK(vonk_arena_new(vonk_budget_root(), &arena, &err));
    OK(vonk_dir_make_temp(arena, VONK_STR_NONE, VONK_STR("vonk-cgroup-"), &root, &err));
    assert_int_equal(vonk__cgroup_memory_bytes(root.data), INT64_MAX); /* no files at all */
    assert_true(vonk__cgroup_cores(root.data) == 0);

    write_text(arena, root, "proc/self/cgroup", "0::/outer/inner\n"); /* v2: the tightest of all above counts */
    write_text(arena, root, "sys/fs/cgroup/outer/inner/memory.max", "max\n");
    write_text(arena, root, "sys/fs/cgroup/outer/memory.max", "1073741824\n");
    write_text(arena, root, "sys/fs/cgroup/outer/inner/cpu.max", "150000 100000\n");
    write_text(arena, root, "sys/fs/cgroup/outer/cpu.max", "max 100000\n");
    assert_int_equal(vonk__cgroup_memory_bytes(root.data), 1 << 30);
    assert_true(vonk__cgroup_cores(root.data) == 1.5);

    /* v1, where the path is the outside's and only the mount's root is there. */
    write_text(arena, root, "proc/self/cgroup", "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/x\n");
    write_text(arena, root, "sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n");
    write_text(arena, root, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "250000\n");
    write_text(arena, root, "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    assert_int_equal(vonk__cgroup_memory_bytes(root.data), 512 << 20);
    assert_true(vonk__cgroup_cores(root.data) == 2.5);
    write_text(arena, root, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"); /* v1's "none" */
    write_text(arena, root, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    assert_int_equal(vonk__cgroup_memory_bytes(root.data), INT64_MAX);
    assert_true(vonk__cgroup_cores(root.data) == 0);
    OK(vonk_dir_remove_tree(root, &err));
}

static void environment(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    OK(vonk_arena_new(vonk_budget_root(), &arena, &err));
    assert_int_equal(setenv("VONK_TEST_VALUE", "a=b", 1), 0);
    assert_true(vonk_str_is(vonk_env_get("VONK_TEST_VALUE"), "a=b"));
    assert_null(vonk_env_get("VONK_TEST_NOT_SET").data);
    bool found = false;
    vonk_str name, value;
    for (size_t at = 0; vonk_env_next(&at, &name, &value);)
        if (vonk_str_is(name, "VONK_TEST_VALUE") && vonk_str_is(value, "a=b")) found = true;
    assert_true(found);
    assert_true(vonk_env_user_name().len > 0);
    assert_true(vonk_env_host_name().len > 0);
    vonk_str path;
    OK(vonk_env_program_path(arena, &path, &err));
    assert_true(vonk_str_ends(path, VONK_STR("_test")));
    OK(vonk_env_directory(arena, &path, &err));
    assert_int_equal(path.data[0], '/');
    assert_int_equal(vonk_env_process_id(), getpid());
    assert_true(vonk_env_terminal_width() >= 1);
    assert_false(vonk_env_is_terminal(99));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks),
        cmocka_unit_test(threads_take_turns),
        cmocka_unit_test(stacks_and_signal_masks),
        cmocka_unit_test(entropy),
        cmocka_unit_test(machine),
        cmocka_unit_test(container_limits),
        cmocka_unit_test(environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
