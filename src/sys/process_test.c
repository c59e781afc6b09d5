/* Tests of sys/process.c: what a child sees, its streams, its end. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/fault.h"
#include "sys/clock.h"
#include "sys/files.h"
#include "sys/process.h"
#include "sys/sockets.h"

#define OK(call) assert_int_equal((call), VONK_OK)

static vonk_error err;
static const int64_t second = VONK_NS_PER_S;

/* Runs a shell text; its standard output, as far as it fits. */
static vonk_process *start_shell(const char *text, vonk_process_spec spec)
{
    const vonk_str args[] = {VONK_STR("-c"), vonk_str_of(text)};
    vonk_process *process = NULL;
    spec.program = VONK_STR("sh");
    spec.args = args;
    spec.n_args = 2;
    OK(vonk_process_start(vonk_budget_root(), &spec, &process, &err));
    return process;
}

static void read_all(int fd, char *into, size_t room)
{
    size_t n = 0, got;
    vonk_io io = VONK_IO_DONE;
    while (n + 1 < room && io != VONK_IO_CLOSED) {
        OK(vonk_socket_read(fd, into + n, room - n - 1, &got, &io, &err));
        if (io == VONK_IO_DONE) n += got;
        if (io == VONK_IO_WANT_READ) assert_true(vonk_socket_wait_readable(fd, 10 * second));
    }
    into[n] = 0;
}

static void output_of(const char *text, vonk_process_spec spec, char *into, size_t room)
{
    spec.out = VONK_STDIO_PIPE;
    vonk_process *process = start_shell(text, spec);
    read_all(vonk_process_out(process), into, room);
    vonk_process_end end;
    assert_true(vonk_process_wait(process, 10 * second, &end));
    assert_false(end.by_signal);
    assert_int_equal(end.code, 0);
    vonk_process_free(process);
}

static void streams_are_those_that_were_asked_for(void **state)
{
    char out[256], error[256];
    vonk_process *process =
        start_shell("read line; echo \"got $line\"; echo bad >&2; exit 3",
                    (vonk_process_spec){.in = VONK_STDIO_PIPE, .out = VONK_STDIO_PIPE, .err = VONK_STDIO_PIPE});
    vonk_process_end end;
    assert_false(vonk_process_wait(process, 0, &end));
    assert_false(vonk_process_wait(process, second / 50, &end));
    OK(vonk_socket_write_all_wait(vonk_process_in(process), "hello\n", 6, second, &err));
    read_all(vonk_process_out(process), out, sizeof out);
    read_all(vonk_process_err(process), error, sizeof error);
    assert_string_equal(out, "got hello\n");
    assert_string_equal(error, "bad\n");
    for (int i = 0; i < 2; i++) { /* it says so as often as it is asked */
        assert_true(vonk_process_wait(process, 10 * second, &end));
        assert_false(end.by_signal);
        assert_int_equal(end.code, 3);
    }
    vonk_process_kill(process, true);
    vonk_process_free(process);

    process = start_shell("cat; echo end", (vonk_process_spec){.in = VONK_STDIO_PIPE, .out = VONK_STDIO_PIPE});
    assert_int_equal(vonk_process_err(process), -1);
    vonk_process_close_in(process);
    assert_int_equal(vonk_process_in(process), -1);
    read_all(vonk_process_out(process), out, sizeof out);
    assert_string_equal(out, "end\n");
    vonk_process_free(process);
    output_of("cat", (vonk_process_spec){.in = VONK_STDIO_NULL}, out, sizeof out);
    assert_string_equal(out, "");
}

static void a_child_sees_its_variables_and_folder_only(void **state)
{
    char out[512];
    OK(setenv("VONK_TEST_GONE", "1", 1));
    OK(setenv("VONK_TEST_OTHER", "old", 1));
    const vonk_str vars[] = {VONK_STR("VONK_TEST_GONE"), VONK_STR("VONK_TEST_OTHER=new=2"), VONK_STR("VONK_TEST_NEW=")};
    output_of("echo \"${VONK_TEST_GONE-none} $VONK_TEST_OTHER ${VONK_TEST_NEW-none}.\"; pwd",
              (vonk_process_spec){.vars = vars, .n_vars = 3, .folder = VONK_STR("/usr/lib/../bin")}, out, sizeof out);
    assert_string_equal(out, "none new=2 .\n/usr/bin\n");
    /* A descriptor of a library that forgot close-on-exec. */
    const int left_open = dup(2);
    output_of("ls /proc/self/fd | wc -l", (vonk_process_spec){0}, out, sizeof out);
    assert_int_equal(strtol(out, NULL, 10), 4); /* three standard ones, and that of ls */
    close(left_open);
    /* Signals that we block or ignore are as they are for everybody. */
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    output_of("grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '[:space:]'", (vonk_process_spec){0}, out, sizeof out);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    assert_non_null(strstr(out, "SigBlk:0000000000000000SigIgn:"));
    /* Signals 32 and 33 belong to the C library, which ignores them in a child. */
    assert_int_equal(strtoull(strstr(out, "SigIgn:") + 7, NULL, 16) & 0x7fffffff, 0);
}

static void programs_are_found_on_the_childs_path(void **state)
{
    vonk_arena *arena;
    vonk_str folder, path;
    char out[64];
    OK(vonk_arena_new(vonk_budget_root(), &arena, &err));
    OK(vonk_dir_make_temp(arena, VONK_STR_NONE, VONK_STR("process-"), &folder, &err));
    OK(vonk_path_join(arena, folder, VONK_STR("vonk-test-program"), &path, &err));
    assert_int_equal(symlink("/bin/echo", path.data), 0);
    vonk_str var;
    OK(vonk_arena_printf(arena, &var, &err, "PATH=/nowhere:%s", folder.data));
    const vonk_str word = VONK_STR("found");
    vonk_process_spec spec = {
        .program = VONK_STR("vonk-test-program"), .args = &word, .n_args = 1, .out = VONK_STDIO_PIPE};
    vonk_process *process = NULL;
    assert_int_equal(vonk_process_start(vonk_budget_root(), &spec, &process, &err), VONK_E_INTERNAL_ERROR);
    assert_non_null(strstr(vonk_error_message(&err), "vonk-test-program"));
    spec.vars = &var;
    spec.n_vars = 1;
    OK(vonk_process_start(vonk_budget_root(), &spec, &process, &err));
    read_all(vonk_process_out(process), out, sizeof out);
    assert_string_equal(out, "found\n");
    vonk_process_free(process);
    spec.program = VONK_STR("/nowhere/program");
    assert_int_equal(vonk_process_start(vonk_budget_root(), &spec, &process, &err), VONK_E_INTERNAL_ERROR);
    assert_non_null(strstr(vonk_error_message(&err), "/nowhere/program"));
    spec.folder = VONK_STR("/nowhere/folder");
    assert_int_equal(vonk_process_start(vonk_budget_root(), &spec, &process, &err), VONK_E_INTERNAL_ERROR);
    assert_non_null(strstr(vonk_error_message(&err), "/nowhere/folder"));
    OK(vonk_dir_remove_tree(folder, &err));
    vonk_arena_free(arena);
    vonk_error_reset(&err);
}

static void a_group_is_killed_with_its_children(void **state)
{
    char out[64];
    vonk_process_end end;
    vonk_process *process =
        start_shell("sleep 1000 & echo $!; wait", (vonk_process_spec){.out = VONK_STDIO_PIPE, .own_group = true});
    size_t n = 0, got;
    vonk_io io;
    while (n == 0 || out[n - 1] != '\n') {
        assert_true(vonk_socket_wait_readable(vonk_process_out(process), 10 * second));
        OK(vonk_socket_read(vonk_process_out(process), out + n, sizeof out - n, &got, &io, &err));
        assert_int_equal(io, VONK_IO_DONE);
        n += got;
    }
    vonk_process_kill(process, false);
    assert_true(vonk_process_wait(process, 10 * second, &end));
    assert_true(end.by_signal);
    assert_int_equal(end.code, SIGTERM);
    read_all(vonk_process_out(process), out, sizeof out); /* its end: the child has gone too */
    vonk_process_free(process);
    /* Freeing ends what still runs. */
    const int64_t before = vonk_clock_mono_ns();
    vonk_process_free(start_shell("exec sleep 1000", (vonk_process_spec){0}));
    vonk_process_free(NULL);
    assert_true(vonk_clock_mono_ns() - before < 20 * second);
}

/* Entries of /proc/self/fd. */
static size_t n_descriptors(void)
{
    vonk_arena *arena;
    vonk_dir_entry *entries;
    size_t n;
    OK(vonk_arena_new(vonk_budget_root(), &arena, &err));
    OK(vonk_dir_list(arena, VONK_STR("/proc/self/fd"), &entries, &n, &err));
    vonk_arena_free(arena);
    return n;
}

static void nothing_is_left(void **state)
{
    char out[16];
    const size_t before = n_descriptors();
    const int64_t used = vonk_budget_used(vonk_budget_root());
    for (int i = 0; i < 50; i++) {
        output_of("echo x", (vonk_process_spec){.in = VONK_STDIO_PIPE, .err = VONK_STDIO_PIPE}, out, sizeof out);
        vonk_process_spec wrong = {.program = VONK_STR("/nowhere"), .in = VONK_STDIO_PIPE, .out = VONK_STDIO_PIPE};
        vonk_process *process = NULL;
        assert_int_equal(vonk_process_start(vonk_budget_root(), &wrong, &process, &err), VONK_E_INTERNAL_ERROR);
        vonk_error_reset(&err);
    }
    assert_int_equal(n_descriptors(), before);
    assert_int_equal(vonk_budget_used(vonk_budget_root()), used);
    /* No zombies: there is no child at all. */
    output_of("cat /proc/$PPID/task/*/children", (vonk_process_spec){0}, out, sizeof out);
    char *rest;
    assert_true(strtol(out, &rest, 10) > 0); /* the shell that asks */
    assert_int_equal(strtol(rest, NULL, 10), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_those_that_were_asked_for),
        cmocka_unit_test(a_child_sees_its_variables_and_folder_only),
        cmocka_unit_test(programs_are_found_on_the_childs_path),
        cmocka_unit_test(a_group_is_killed_with_its_children),
        cmocka_unit_test(nothing_is_left),
    };
    return cmocka_run_group_tests_name("sys/process", tests, NULL, NULL);
}
