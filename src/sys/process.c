/* sys/process.c -- posix_spawn, which does not copy our page tables; standard streams are socket pairs, so that they
 * are read and written as sockets are. An ended process stays a zombie until vonk_process_free: its number, and that of
 * its group, cannot be given to anybody else before. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "sys/clock.h"
#include "sys/process.h"

struct vonk_process {
    pid_t pid;
    int pidfd;   /* -1: the kernel has none; then waiting looks now and then */
    int ends[3]; /* ours, of standard input, output and error; -1: none */
    bool own_group;
};

enum { POLL_STEP_MS = 5 };

static vonk_status fail_start(vonk_str program, const char *why, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", VONK_F("cannot start %s: %s", VONK_S(program), why));
}

/* ---- the environment ---- */

static vonk_str name_of(vonk_str var)
{
    const size_t equals = vonk_str_find_byte(var, '=', 0);
    return equals == SIZE_MAX ? var : vonk_str_sub(var, 0, equals);
}

static const vonk_str *find_var(const vonk_process_spec *spec, vonk_str name)
{
    for (uint32_t i = 0; i < spec->n_vars; i++)
        if (vonk_str_eq(name_of(spec->vars[i]), name)) return &spec->vars[i];
    return NULL;
}

static vonk_status add_text(vonk_arena *arena, char **at, vonk_str text, vonk_error *err)
{
    vonk_str copy;
    VONK_TRY(vonk_arena_str(arena, text, &copy, err));
    *at = (char *)(uintptr_t)copy.data; /* ours, fresh from the arena */
    return VONK_OK;
}

static vonk_status make_env(vonk_arena *arena, const vonk_process_spec *spec, char ***ret, vonk_error *err)
{
    size_t n_ours = 0, n = 0;
    while (environ && environ[n_ours]) n_ours++;
    char **made;
    VONK_TRY(vonk_arena_array(arena, n_ours + spec->n_vars + 1, sizeof *made, &made, err));
    for (size_t i = 0; i < n_ours; i++)
        if (!find_var(spec, name_of(vonk_str_of(environ[i])))) made[n++] = environ[i];
    for (uint32_t i = 0; i < spec->n_vars; i++) {
        if (vonk_str_find_byte(spec->vars[i], '=', 0) == SIZE_MAX) continue; /* taken away */
        VONK_TRY(add_text(arena, &made[n++], spec->vars[i], err));
    }
    *ret = made;
    return VONK_OK;
}

static vonk_status make_args(vonk_arena *arena, const vonk_process_spec *spec, char ***ret, vonk_error *err)
{
    char **made;
    VONK_TRY(vonk_arena_array(arena, spec->n_args + 2, sizeof *made, &made, err));
    VONK_TRY(add_text(arena, &made[0], spec->program, err));
    for (uint32_t i = 0; i < spec->n_args; i++) VONK_TRY(add_text(arena, &made[i + 1], spec->args[i], err));
    *ret = made;
    return VONK_OK;
}

/* ---- the program ---- */

/* The path as the child sees it from its folder; `at`: that folder, or AT_FDCWD. */
static vonk_status find_program(vonk_arena *arena, const vonk_process_spec *spec, int at, vonk_str *ret,
                                vonk_error *err)
{
    VONK_TRY(vonk_arena_str(arena, spec->program, ret, err));
    if (vonk_str_find_byte(spec->program, '/', 0) != SIZE_MAX) return VONK_OK;
    const vonk_str *given = find_var(spec, VONK_STR("PATH"));
    vonk_str path = given ? *given : vonk_str_of(getenv("PATH"));
    if (given) path = vonk_str_sub(path, vonk_min_size(strlen("PATH="), path.len), path.len);
    if (!path.data) path = VONK_STR("/usr/local/bin:/usr/bin:/bin");
    for (size_t from = 0; from <= path.len;) {
        size_t end = vonk_str_find_byte(path, ':', from);
        if (end == SIZE_MAX) end = path.len;
        const vonk_str folder = vonk_str_sub(path, from, end);
        from = end + 1;
        VONK_TRY(vonk_arena_printf(arena, ret, err, "%.*s/%.*s", folder.len ? (int)folder.len : 1,
                                   folder.len ? folder.data : ".", VONK_STR_ARGS(spec->program)));
        if (faccessat(at, ret->data, X_OK, AT_EACCESS) == 0) return VONK_OK;
    }
    return fail_start(spec->program, "no folder of PATH has a program of that name", err);
}

/* ---- standard streams ---- */

/* A descriptor above the standard ones: those are about to be replaced. Takes fd. -1: errno says why. */
static int above_standard(int fd)
{
    if (fd > 2) return fd;
    const int higher = fcntl(fd, F_DUPFD_CLOEXEC, 3), number = errno;
    close(fd);
    errno = number;
    return higher;
}

/* 0 or errno. */
static int make_stream(vonk_stdio how, int standard, posix_spawn_file_actions_t *actions, int *ret_ours,
                       int *ret_theirs)
{
    int pair[2];
    if (how == VONK_STDIO_INHERIT) return 0;
    if (how == VONK_STDIO_NULL)
        return posix_spawn_file_actions_addopen(actions, standard, "/dev/null", standard ? O_WRONLY : O_RDONLY, 0);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return errno;
    *ret_ours = above_standard(pair[0]);
    *ret_theirs = above_standard(pair[1]);
    if (*ret_ours < 0 || *ret_theirs < 0 || fcntl(*ret_ours, F_SETFL, O_NONBLOCK) != 0) return errno;
    return posix_spawn_file_actions_adddup2(actions, *ret_theirs, standard);
}

/* 0 or errno. Descriptors without close-on-exec (of libraries) are closed as well. */
static int make_actions(const vonk_process_spec *spec, const char *folder, posix_spawn_file_actions_t *actions,
                        int ours[3], int theirs[3])
{
    const vonk_stdio how[3] = {spec->in, spec->out, spec->err};
    int number = 0;
    for (int i = 0; i < 3 && number == 0; i++) number = make_stream(how[i], i, actions, &ours[i], &theirs[i]);
    if (number == 0 && spec->folder.len) number = posix_spawn_file_actions_addchdir_np(actions, folder);
    if (number == 0) number = posix_spawn_file_actions_addclosefrom_np(actions, 3);
    return number;
}

static void make_attributes(const vonk_process_spec *spec, posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    const int group = spec->own_group ? POSIX_SPAWN_SETPGROUP : 0;
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setflags(attributes, (short)(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | group));
}

/* ---- life ---- */

typedef struct start {
    const char *path, *folder;
    char **args, **env;
} start;

/* 0 or errno. */
static int spawn(const vonk_process_spec *spec, const start *s, vonk_process *process)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int theirs[3] = {-1, -1, -1};
    int number = posix_spawn_file_actions_init(&actions);
    if (number) return number;
    number = posix_spawnattr_init(&attributes);
    if (number == 0) {
        make_attributes(spec, &attributes);
        number = make_actions(spec, s->folder, &actions, process->ends, theirs);
        if (number == 0) number = posix_spawn(&process->pid, s->path, &actions, &attributes, s->args, s->env);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    for (int i = 0; i < 3; i++)
        if (theirs[i] >= 0) close(theirs[i]);
    if (number) process->pid = 0;
    return number;
}

static vonk_status start_in(vonk_arena *arena, const vonk_process_spec *spec, vonk_process *process, vonk_error *err)
{
    start s;
    vonk_str path, folder = VONK_STR_NONE;
    int at = AT_FDCWD;
    VONK_TRY(make_args(arena, spec, &s.args, err));
    VONK_TRY(make_env(arena, spec, &s.env, err));
    if (spec->folder.len) {
        VONK_TRY(vonk_arena_str(arena, spec->folder, &folder, err));
        at = open(folder.data, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (at < 0)
            return fail_start(spec->program, VONK_F("its folder %s: %s", folder.data, strerrordesc_np(errno)), err);
    }
    const vonk_status st = find_program(arena, spec, at, &path, err);
    if (at >= 0) close(at);
    VONK_TRY(st);
    s.path = path.data;
    s.folder = folder.data;
    const int number = spawn(spec, &s, process);
    if (number) return fail_start(path, strerrordesc_np(number), err);
    process->pidfd = pidfd_open(process->pid, 0);
    return VONK_OK;
}

vonk_status vonk_process_start(vonk_budget *budget, const vonk_process_spec *spec, vonk_process **ret, vonk_error *err)
{
    VONK_AUTO(vonk_process_free) vonk_process *process = NULL;
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_TRY(vonk_arena_new(budget, &arena, err));
    VONK_TRY(VONK_NEW(budget, &process, err));
    process->pidfd = process->ends[0] = process->ends[1] = process->ends[2] = -1;
    process->own_group = spec->own_group;
    VONK_TRY(start_in(arena, spec, process, err));
    *ret = VONK_STEAL(process);
    return VONK_OK;
}

int vonk_process_in(const vonk_process *process) { return process->ends[0]; }
int vonk_process_out(const vonk_process *process) { return process->ends[1]; }
int vonk_process_err(const vonk_process *process) { return process->ends[2]; }

static void close_end(vonk_process *process, int i)
{
    if (process->ends[i] >= 0) close(process->ends[i]);
    process->ends[i] = -1;
}

void vonk_process_close_in(vonk_process *process) { close_end(process, 0); }

static bool look(const vonk_process *process, vonk_process_end *ret)
{
    siginfo_t info = {.si_pid = 0};
    while (waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
        if (errno != EINTR) return false;
    if (info.si_pid == 0) return false;
    ret->by_signal = info.si_code != CLD_EXITED;
    ret->code = info.si_status;
    return true;
}

bool vonk_process_wait(vonk_process *process, int64_t timeout_ns, vonk_process_end *ret)
{
    const int64_t until_ns = timeout_ns < 0 ? INT64_MAX : vonk_clock_mono_ns() + timeout_ns;
    for (;;) {
        if (look(process, ret)) return true;
        const int64_t left_ns = timeout_ns < 0 ? INT64_MAX : until_ns - vonk_clock_mono_ns();
        if (left_ns <= 0) return false;
        const int64_t left_ms = left_ns / VONK_NS_PER_MS + 1;
        const int64_t step_ms = process->pidfd >= 0 ? 3600 * 1000 : POLL_STEP_MS;
        struct pollfd watched = {.fd = process->pidfd, .events = POLLIN}; /* -1 is left out: a pause */
        if (poll(&watched, 1, (int)(left_ms < step_ms ? left_ms : step_ms)) < 0 && errno != EINTR) return false;
    }
}

void vonk_process_kill(vonk_process *process, bool hard)
{
    /* Nothing is left to do where it, or all of its group, has ended. */
    if (kill(process->own_group ? -process->pid : process->pid, hard ? SIGKILL : SIGTERM) != 0) return;
}

void vonk_process_free(vonk_process *process)
{
    if (!process) return;
    if (process->pid) {
        vonk_process_kill(process, true);
        siginfo_t info;
        while (waitid(P_PID, (id_t)process->pid, &info, WEXITED) != 0 && errno == EINTR) {
        }
    }
    for (int i = 0; i < 3; i++) close_end(process, i);
    if (process->pidfd >= 0) close(process->pidfd);
    vonk_free(process);
}
