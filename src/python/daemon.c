/* python/daemon.c -- a daemon's life: started, its port heard, asked to kill workers, ended. */
#include "accel/object.h"
#include "python/pool_int.h"

#include "sys/entropy.h"
#include "sys/env.h"
#include "sys/sockets.h"

enum { END_MS = 2000, LOOK_MS = 20 };

/* ---- starting */

static bool has_var(const vonk_py_env *env, vonk_str var)
{
    const vonk_str name = vonk_str_sub(var, 0, vonk_str_find_byte(var, '=', 0) + 1);
    for (uint32_t i = 0; i < env->n_vars; i++)
        if (vonk_str_starts(env->vars[i], name)) return true;
    return false;
}

typedef struct var_list {
    vonk_arena *arena;
    const vonk_py_env *env;
    VONK_VEC(vonk_str) vars;
    bool only_default; /* the environment's own word comes first */
} var_list;

static vonk_status add_var(var_list *list, const char *name, vonk_str value, vonk_error *err)
{
    vonk_str var;
    VONK_TRY(vonk_arena_printf(list->arena, &var, err, "%s=%.*s", name, VONK_STR_ARGS(value)));
    if (list->only_default && has_var(list->env, var)) return VONK_OK;
    return VONK_VEC_ARENA_PUSH(&list->vars, list->arena, var, err);
}

/* ---- vonk_accel: loaded by the daemon, so that every worker has it */

static const char boot[] =
    "def load():\n"
    "    import importlib.machinery, importlib.util, os, sys\n"
    "    try:\n"
    "        if sys.implementation.name != 'cpython' or 't' in sys.abiflags:\n"
    "            raise ImportError('it is for CPython with its global lock')\n"
    "        loader = importlib.machinery.ExtensionFileLoader('vonk_accel', os.environ.pop('VONK_ACCEL'))\n"
    "        importlib.util.module_from_spec(importlib.util.spec_from_loader('vonk_accel', loader))\n"
    "    except ImportError as error:\n"
    "        print('Python workers run without vonk_accel:', error, file=sys.stderr)\n"
    "load()\n"
    "del load\n"
    "from pyspark.daemon import manager\n"
    "manager()\n";

/* The module lies in memory from the first daemon on that wants it: the loader opens it by our process's name. */
static vonk_status accel_path(vonk_py_pool *pool, vonk_str *ret, vonk_error *err)
{
    if (!pool->accel) {
        VONK_AUTO(vonk_file_free) vonk_file *file = NULL;
        const vonk_str object = vonk_accel_object();
        VONK_TRY(vonk_file_open_memory(pool->budget, &file, err));
        VONK_TRY(vonk_file_write(file, object.data, object.len, err));
        pool->accel = VONK_STEAL(file);
    }
    *ret = vonk_file_path(pool->accel);
    return VONK_OK;
}

static vonk_status add_vars(const py_daemon *daemon, var_list *list, vonk_error *err)
{
    const vonk_py_env *env = list->env;
    for (uint32_t i = 0; i < env->n_vars; i++)
        VONK_TRY(VONK_VEC_ARENA_PUSH(&list->vars, list->arena, env->vars[i], err));
    list->only_default = true;
    VONK_TRY(add_var(list, "PYTHONUNBUFFERED", VONK_STR("YES"), err));
    VONK_TRY(add_var(list, "SPARK_BUFFER_SIZE", VONK_STR("65536"), err));
    VONK_TRY(add_var(list, "SPARK_AUTH_SOCKET_TIMEOUT", VONK_STR("15"), err));
    list->only_default = false;
    VONK_TRY(add_var(list, "SPARK_PYTHON_RUNTIME", VONK_STR("PYTHON_WORKER"), err));
    if (env->reuse) VONK_TRY(add_var(list, "SPARK_REUSE_WORKER", VONK_STR("1"), err));
    if (env->memory_bytes > 0)
        VONK_TRY(add_var(list, "PYSPARK_EXECUTOR_MEMORY_MB",
                         vonk_str_of(VONK_F("%lld", (long long)((env->memory_bytes + (1 << 20) - 1) >> 20))), err));
    if (env->faulthandler) VONK_TRY(add_var(list, "PYTHON_FAULTHANDLER_DIR", daemon->pool->folder, err));
    if (daemon->tcp) return add_var(list, "PYTHON_WORKER_FACTORY_SECRET", vonk_str_of(daemon->secret), err);
    VONK_TRY(add_var(list, "PYTHON_UNIX_DOMAIN_ENABLED", VONK_STR("true"), err));
    return add_var(list, "PYTHON_WORKER_FACTORY_SOCK_DIR", daemon->pool->folder, err);
}

static void on_said(void *self, vonk_str text)
{
    py_daemon *daemon = self;
    if (!daemon->is_up) {
        const size_t n = vonk_min_size(text.len, sizeof daemon->head - daemon->n_head);
        memcpy(daemon->head + daemon->n_head, text.data, n);
        daemon->n_head += n;
        text = vonk_str_sub(text, n, text.len);
    }
    vonk__py_tail_add(&daemon->child.tail, text);
    vonk_env_pass_on(text);
}

static vonk_status start_child(py_daemon *daemon, vonk_py_pool *pool, const vonk_py_env *env, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const bool accel = env->accel && vonk_str_eq(env->daemon, VONK_STR("pyspark.daemon"));
    const vonk_str args[] = {accel ? VONK_STR("-c") : VONK_STR("-m"), accel ? vonk_str_of(boot) : env->daemon,
                             env->module};
    VONK_TRY(vonk_arena_new(pool->budget, &arena, err));
    var_list list = {.arena = arena, .env = env};
    VONK_TRY(add_vars(daemon, &list, err));
    if (accel) {
        vonk_str path;
        VONK_TRY(accel_path(pool, &path, err));
        VONK_TRY(add_var(&list, "VONK_ACCEL", path, err));
    }
    const vonk_process_spec spec = {.program = env->executable,
                                    .args = args,
                                    .n_args = VONK_COUNTOF(args),
                                    .vars = list.vars.at,
                                    .n_vars = vonk_u32_of(list.vars.n),
                                    .folder = env->folder,
                                    .in = VONK_STDIO_PIPE,
                                    .out = VONK_STDIO_PIPE,
                                    .err = VONK_STDIO_PIPE,
                                    .own_group = true};
    daemon->child.on_out = on_said;
    daemon->child.self = daemon;
    return vonk__py_child_start(&daemon->child, pool, &spec, err);
}

vonk_status vonk__py_daemon_start(py_crew *crew, vonk_py_pool *pool, const py_facts *facts, vonk_error *err)
{
    py_daemon *daemon;
    VONK_TRY(VONK_NEW(pool->budget, &daemon, err));
    daemon->pool = pool;
    daemon->version = facts->version;
    memcpy(daemon->python, facts->python, sizeof daemon->python);
    daemon->tcp = crew->env.tcp || facts->version == VONK_PY_4_0;
    if (daemon->tcp) {
        static const char digits[] = "0123456789abcdef";
        uint8_t random[32];
        vonk_random_bytes(random, sizeof random);
        for (size_t i = 0; i < sizeof random; i++) {
            daemon->secret[2 * i] = digits[random[i] >> 4];
            daemon->secret[2 * i + 1] = digits[random[i] & 15];
        }
    }
    daemon->deadline_ns = vonk_clock_mono_ns() + pool->options.start_timeout_ns;
    const vonk_status st = start_child(daemon, pool, &crew->env, err);
    if (st != VONK_OK) {
        vonk__py_daemon_free(daemon);
        return st;
    }
    daemon->crew = crew;
    crew->daemon = daemon;
    daemon->next = pool->daemons;
    pool->daemons = daemon;
    vonk__py_come_again(pool, daemon->deadline_ns);
    return VONK_OK;
}

/* ---- its port */

static int32_t be32(const char *at)
{
    uint32_t v;
    memcpy(&v, at, 4);
    return (int32_t)__builtin_bswap32(v);
}

static vonk_status bad_port(py_daemon *daemon, vonk_error *err)
{
    const vonk_str rest = {daemon->head, daemon->n_head};
    vonk__py_tail_add(&daemon->child.tail, rest);
    return vonk__py_fail_with_tail(VONK_E_PYTHON_NOT_STARTED,
                                   "something else than the Python daemon's port came on its standard output",
                                   &daemon->child.tail, err);
}

/* What came behind the port is output of a worker. */
static void port_heard(py_daemon *daemon, size_t bytes, int64_t now_ns)
{
    daemon->is_up = true;
    daemon->idle_since_ns = now_ns;
    on_said(daemon, (vonk_str){daemon->head + bytes, daemon->n_head - bytes});
}

static vonk_status look_for_port(py_daemon *daemon, int64_t now_ns, vonk_error *err)
{
    if (daemon->n_head < 4) return VONK_OK;
    const int32_t number = be32(daemon->head);
    if (daemon->tcp) {
        if (number <= 0 || number > UINT16_MAX) return bad_port(daemon, err);
        daemon->port = (uint16_t)number;
        port_heard(daemon, 4, now_ns);
        return VONK_OK;
    }
    if (number <= 0 || (size_t)number >= sizeof daemon->path) return bad_port(daemon, err);
    const size_t n = (size_t)number;
    if (daemon->n_head < 4 + n) return VONK_OK;
    memcpy(daemon->path, daemon->head + 4, n);
    daemon->path[n] = 0;
    if (!vonk_str_starts(vonk_str_of(daemon->path), daemon->pool->folder)) return bad_port(daemon, err);
    port_heard(daemon, 4 + n, now_ns);
    return VONK_OK;
}

/* A daemon that is starting: its port, its end, or too late. */
static vonk_status tend_start(py_daemon *daemon, int64_t now_ns, vonk_error *err)
{
    vonk_process_end end;
    char text[64];
    VONK_TRY(look_for_port(daemon, now_ns, err));
    if (daemon->is_up) return VONK_OK;
    if (vonk_process_wait(daemon->child.process, 0, &end)) {
        vonk__py_child_drain(&daemon->child);
        const char *what = VONK_F("the Python daemon ended with %s before it was there", vonk__py_end_text(&end, text));
        return vonk__py_fail_with_tail(VONK_E_PYTHON_NOT_STARTED, what, &daemon->child.tail, err);
    }
    if (now_ns >= daemon->deadline_ns)
        return vonk__py_fail_with_tail(VONK_E_PYTHON_TIMED_OUT, "the Python daemon did not start in time",
                                       &daemon->child.tail, err);
    vonk__py_come_again(daemon->pool, daemon->deadline_ns);
    if (!daemon->child.out.loop) vonk__py_come_again(daemon->pool, now_ns + LOOK_MS * VONK_NS_PER_MS);
    return VONK_OK;
}

/* ---- workers */

void vonk__py_daemon_kill(py_daemon *daemon, int32_t pid)
{
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    const int in = vonk_process_in(daemon->child.process);
    const uint32_t number = __builtin_bswap32((uint32_t)pid);
    size_t n = 0;
    vonk_io io = VONK_IO_CLOSED;
    if (in < 0 || pid <= 0) return;
    /* Hundreds of numbers fit: a daemon that does not read them hangs, and goes with all that it forked. */
    const vonk_status st = vonk_socket_write(in, &number, sizeof number, &n, &io, &err);
    if (st != VONK_OK || io == VONK_IO_WANT_WRITE || (io == VONK_IO_DONE && n < sizeof number))
        vonk_process_kill(daemon->child.process, true);
}

/* ---- ending */

void vonk__py_daemon_end(py_daemon *daemon, bool hard)
{
    if (daemon->crew) daemon->crew->daemon = NULL;
    daemon->crew = NULL;
    for (py_conn *conn = daemon->pool->conns; conn; conn = conn->next)
        if (conn->daemon == daemon && !conn->is_dead && (hard || !conn->holder)) vonk__py_conn_kill(conn);
    if (hard) vonk_process_kill(daemon->child.process, true);
    vonk_process_close_in(daemon->child.process);
    const int64_t now_ns = vonk_clock_mono_ns();
    daemon->deadline_ns = now_ns + END_MS * VONK_NS_PER_MS;
    vonk__py_come_again(daemon->pool, now_ns + LOOK_MS * VONK_NS_PER_MS);
}

/* False: it is to be kept. */
static bool tend_end(py_daemon *daemon, int64_t now_ns)
{
    vonk_process_end end;
    const bool has_ended = vonk_process_wait(daemon->child.process, 0, &end);
    if (!has_ended && now_ns >= daemon->deadline_ns) vonk_process_kill(daemon->child.process, true);
    if (has_ended && daemon->n_conns == 0) return true;
    vonk__py_come_again(daemon->pool, now_ns + LOOK_MS * VONK_NS_PER_MS);
    return false;
}

static void tend_up(py_daemon *daemon, int64_t now_ns)
{
    vonk_process_end end;
    if (vonk_process_wait(daemon->child.process, 0, &end)) {
        vonk__py_daemon_end(daemon, false); /* its workers may live on: who holds one finishes */
        vonk__py_come_again(daemon->pool, now_ns);
        return;
    }
    if (daemon->n_conns) daemon->idle_since_ns = now_ns;
    const int64_t until_ns = daemon->idle_since_ns + daemon->pool->options.idle_ns;
    if (now_ns < until_ns) {
        vonk__py_come_again(daemon->pool, until_ns);
        return;
    }
    vonk__py_daemon_end(daemon, false);
    vonk__py_come_again(daemon->pool, now_ns);
}

void vonk__py_daemons_tend(vonk_py_pool *pool, int64_t now_ns)
{
    for (py_daemon **link = &pool->daemons; *link;) {
        py_daemon *daemon = *link;
        VONK_AUTO(vonk_error_reset) vonk_error why = VONK_ERROR_INIT;
        py_crew *crew = daemon->crew;
        if (crew && daemon->is_up) {
            tend_up(daemon, now_ns);
        } else if (crew && tend_start(daemon, now_ns, &why) != VONK_OK) {
            vonk__py_daemon_end(daemon, true);
            vonk__py_crew_failed(pool, crew, &why);
            vonk__py_come_again(pool, now_ns);
        } else if (!crew && tend_end(daemon, now_ns)) {
            *link = daemon->next;
            vonk__py_daemon_free(daemon);
            continue;
        }
        link = &daemon->next;
    }
}

void vonk__py_daemon_free(py_daemon *daemon)
{
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    vonk__py_child_drain(&daemon->child);
    vonk__py_child_done(&daemon->child);
    /* One that was killed leaves its socket. */
    if (daemon->path[0] && vonk_file_remove(vonk_str_of(daemon->path), NULL, &err) != VONK_OK) vonk_error_reset(&err);
    vonk_free(daemon);
}
