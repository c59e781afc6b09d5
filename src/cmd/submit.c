/* cmd/submit.c -- `vonk submit`: what $SPARK_HOME/bin/spark-submit is. For "pyspark-shell", which is how pyspark itself
 * starts it, a gateway is opened, its port and secret are written where pyspark waits for them, and the end of standard
 * input is the end of it all. For a program in Python a gateway is opened and the program runs with it; its exit status
 * is ours. */
#include <stdio.h>

#include "base/version.h"
#include "cmd/cmd.h"
#include "serve/py4j/py4j.h"
#include "sys/cpu.h"
#include "sys/env.h"
#include "sys/files.h"
#include "sys/loop.h"
#include "sys/process.h"
#include "sys/thread.h"

typedef struct submit {
    vonk__settings settings;
    const char *master, *remote, *name, *py_files, *files, *archives, *deploy_mode, *driver_memory, *verbose, *version;
    const char *app; /* the first word that is no flag */
    char **args;     /* its own, after it */
    int n_args;
    const char *refused; /* a flag that asks for what is not there */
    vonk_loop *loop;
    vonk_process *process; /* the program; NULL: none */
    vonk_process_end end;
} submit;

/* Those that only say on how many machines something runs mean nothing to one process, as to Spark's own local master.
 */
#define IGNORED(flag, what) {flag, "VALUE", what " (one process: not used)", &unused, NULL}
#define NO_JVM(flag, what) {flag, "VALUE", what " (there is no JVM: not used)", &unused, NULL}
/* Those that a program would miss. */
#define REFUSED(flag, what) {flag, "VALUE", what " (refused: not there)", &refused, NULL}

static int read_flags(submit *s, int argc, char **argv, int *ret_status)
{
    static const char *unused, *refused;
    const vonk__flag flags[] = {
        {"--master", "URL", "local, local[N], local[*] (local[*])", &s->master, NULL},
        {"--name", "NAME", "of the application", &s->name, NULL},
        {"--conf", "KEY=VALUE", "a Spark setting; may be repeated", s->settings.conf, &s->settings.n_conf},
        {"-c", "KEY=VALUE", "the same", s->settings.conf, &s->settings.n_conf},
        {"--properties-file", "FILE", "instead of spark-defaults.conf", &s->settings.properties_file, NULL},
        {"--load-spark-defaults", NULL, "spark-defaults.conf, too", &s->settings.load_defaults, NULL},
        {"--py-files", "FILES", "for the path of Python, separated by commas", &s->py_files, NULL},
        {"--files", "FILES", "that SparkFiles.get finds, separated by commas", &s->files, NULL},
        {"--archives", "FILES", "unpacked beside them; a name may follow as #NAME", &s->archives, NULL},
        {"--remote", "URL", "of a Spark Connect server that the program talks to", &s->remote, NULL},
        {"--deploy-mode", "MODE", "client", &s->deploy_mode, NULL},
        {"--driver-memory", "BYTES", "budget, as 2g or 512m", &s->driver_memory, NULL},
        {"--verbose", NULL, "log more", &s->verbose, NULL},
        {"-v", NULL, "the same", &s->verbose, NULL},
        {"--version", NULL, "print the version", &s->version, NULL},
        REFUSED("--class", "main class"),
        REFUSED("--jars", "Java archives"),
        REFUSED("--packages", "Maven coordinates"),
        REFUSED("--exclude-packages", "Maven coordinates"),
        REFUSED("--repositories", "Maven repositories"),
        NO_JVM("--driver-java-options", "options of a JVM"),
        NO_JVM("--driver-library-path", "libraries of a JVM"),
        REFUSED("--driver-class-path", "path of a JVM"),
        IGNORED("--driver-cores", "cores"),
        IGNORED("--executor-memory", "memory"),
        IGNORED("--executor-cores", "cores"),
        IGNORED("--total-executor-cores", "cores"),
        IGNORED("--num-executors", "executors"),
        IGNORED("--queue", "queue"),
        {"--supervise", NULL, "start it again (one process: not used)", &unused, NULL},
        REFUSED("--proxy-user", "user"),
        REFUSED("--principal", "of Kerberos"),
        REFUSED("--keytab", "of Kerberos"),
        REFUSED("--kill", "a program of a cluster"),
        REFUSED("--status", "of a program of a cluster"),
    };
    int n = 1;
    while (n < argc && argv[n][0] == '-') { /* the flags before the program; what follows is the program's own */
        size_t i = 0;
        const char *equals = strchr(argv[n], '=');
        const size_t len = equals ? (size_t)(equals - argv[n]) : strlen(argv[n]);
        while (i < VONK_COUNTOF(flags) && (strlen(flags[i].name) != len || strncmp(flags[i].name, argv[n], len) != 0))
            i++;
        if (i < VONK_COUNTOF(flags) && flags[i].text == &refused) s->refused = flags[i].name;
        n += i < VONK_COUNTOF(flags) && flags[i].argument && !equals && n + 1 < argc ? 2 : 1;
    }
    if (!vonk__flags_read("submit [FLAGS] PROGRAM.py [ARGUMENTS]", flags, VONK_COUNTOF(flags), n, argv, ret_status))
        return -1;
    return n;
}

/* ---- settings: flags are more special than --conf, which is more special than files */

static vonk_status set(const vonk_conf **inout, const char *key, const char *value, bool only_missing, vonk_error *err)
{
    const vonk_conf *changed = NULL;
    if (!value || (only_missing && vonk_conf_get_set(*inout, vonk_str_of(key)).data)) return VONK_OK;
    VONK_TRY(vonk_conf_with_any(vonk_budget_root(), *inout, vonk_str_of(key), vonk_str_of(value), &changed, err));
    vonk_conf_unref(*inout);
    *inout = changed;
    return VONK_OK;
}

/* "a.txt,file:/b.zip#c": each as it is found from here, since the program may go elsewhere. */
static vonk_status set_paths(const vonk_conf **inout, const char *key, const char *paths, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf all = {0};
    const vonk_str text = vonk_str_of(paths);
    vonk_str whole;
    if (!paths) return VONK_OK;
    VONK_TRY(vonk_arena_new(vonk_budget_root(), &arena, err));
    vonk_buf_init(&all, vonk_budget_root(), 1 << 20);
    for (size_t from = 0, to; from <= text.len; from = to + 1) {
        to = vonk_min_size(vonk_str_find_byte(text, ',', from), text.len);
        whole = vonk_str_trim(vonk_str_sub(text, from, to));
        if (!whole.len) continue;
        if (!vonk_str_starts(whole, VONK_STR("file:"))) VONK_TRY(vonk_path_absolute(arena, whole, &whole, err));
        VONK_TRY(vonk_buf_printf(&all, err, "%s%.*s", all.len ? "," : "", VONK_STR_ARGS(whole)));
    }
    VONK_TRY(vonk_buf_add_byte(&all, '\0', err));
    return set(inout, key, all.data, false, err);
}

static vonk_status settings(submit *s, const vonk_conf **ret, vonk_error *err)
{
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = NULL;
    VONK_TRY(vonk__settings_conf(&s->settings, &conf, err));
    VONK_TRY(set(&conf, "spark.master", s->master, false, err));
    VONK_TRY(set(&conf, "spark.app.name", s->name, false, err));
    VONK_TRY(set(&conf, "spark.submit.pyFiles", s->py_files, false, err));
    VONK_TRY(set(&conf, "spark.remote", s->remote, false, err));
    VONK_TRY(set_paths(&conf, "spark.files", s->files, err));
    VONK_TRY(set_paths(&conf, "spark.archives", s->archives, err));
    VONK_TRY(set(&conf, "spark.submit.deployMode", s->deploy_mode, false, err));
    VONK_TRY(set(&conf, "spark.driver.memory", s->driver_memory, false, err));
    if (!vonk_conf_get_set(conf, VONK_STR("spark.remote")).len)
        VONK_TRY(set(&conf, "spark.master", "local[*]", true, err));
    const char *slash = strrchr(s->app, '/');
    VONK_TRY(set(&conf, "spark.app.name", slash ? slash + 1 : s->app, true, err));
    VONK_TRY(set(&conf, "spark.submit.deployMode", "client", true, err));
    *ret = VONK_STEAL(conf);
    return VONK_OK;
}

/* ---- the end: standard input, SIGTERM, SIGHUP. Ctrl-C belongs to Python, which cancels what runs and goes on. */

static void on_input(void *self, unsigned events)
{
    (void)events;
    if (vonk_env_read_byte() < 0) vonk_loop_stop(((submit *)self)->loop);
}
static void on_signal(void *self, int number)
{
    submit *s = self;
    if (number == 2 /* SIGINT */) return;
    if (s->process)
        vonk_process_kill(s->process, false);
    else
        vonk_loop_stop(s->loop);
}

/* What Python makes here is charged to it: spark.driver.memory, else 60 % of the machine's. */
static vonk_status make_budget(const vonk_conf *conf, vonk_budget **ret, vonk_error *err)
{
    int64_t bytes = vonk_memory_limit_bytes() / 10 * 6;
    const vonk_str set = vonk_conf_get_set(conf, VONK_STR("spark.driver.memory"));
    if (set.len) VONK_TRY(vonk__parse_bytes(VONK_S(set), &bytes, err));
    return vonk_budget_new(vonk_budget_root(), "driver", bytes, ret, err);
}

static vonk_status open_gateway(submit *s, const vonk_conf *conf, vonk_budget *budget, vonk_py4j_server **ret,
                                vonk_error *err)
{
    const vonk_str pinned = vonk_env_get("PYSPARK_PIN_THREAD");
    const vonk_py4j_options options = {.budget = budget,
                                       .loop = s->loop,
                                       .conf = conf,
                                       .shared_connections = pinned.len && !vonk_str_is_nocase(pinned, "true"),
                                       .n_threads = (uint32_t)vonk_cpu_n_cores()};
    return vonk_py4j_server_new(&options, ret, err);
}

static vonk_status run_gateway(submit *s, vonk_error *err)
{
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = NULL;
    VONK_AUTO(vonk_loop_free) vonk_loop *loop = NULL;
    VONK_AUTO(vonk_budget_free) vonk_budget *budget = NULL;
    VONK_AUTO(vonk_py4j_server_free) vonk_py4j_server *server = NULL;
    VONK_AUTO(vonk_error_reset) vonk_error no_watch = VONK_ERROR_INIT;
    vonk_watch input = {.ready = on_input, .self = s};
    const vonk_str path = vonk_env_get("_PYSPARK_DRIVER_CONN_INFO_PATH");
    if (!path.len)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         "pyspark-shell without _PYSPARK_DRIVER_CONN_INFO_PATH, which pyspark sets; run python");
    VONK_TRY(settings(s, &conf, err));
    VONK_TRY(vonk_loop_new(vonk_budget_root(), &loop, err));
    s->loop = loop;
    VONK_TRY(make_budget(conf, &budget, err));
    VONK_TRY(open_gateway(s, conf, budget, &server, err));
    VONK_TRY(vonk_loop_on_signal(loop, on_signal, s, err));
    VONK_TRY(vonk_py4j_server_announce(server, path, err));
    vonk_log(VONK_LOG_INFO, "py4j", "port=%u", vonk_py4j_server_port(server));
    if (vonk_loop_watch(loop, &input, 0, VONK_WATCH_READ, &no_watch) == VONK_OK) {
        VONK_TRY(vonk_loop_run(loop, err));
        vonk_loop_unwatch(&input);
    }
    return VONK_OK; /* a file, or /dev/null: it has ended before it began */
}

/* ---- a program in Python */

static vonk_str interpreter(const vonk_conf *conf)
{
    static const char *const keys[] = {"spark.pyspark.driver.python", "spark.pyspark.python"};
    static const char *const names[] = {"PYSPARK_DRIVER_PYTHON", "PYSPARK_PYTHON"};
    for (size_t i = 0; i < VONK_COUNTOF(keys); i++) {
        const vonk_str set = vonk_conf_get_set(conf, vonk_str_of(keys[i]));
        if (set.len) return set;
    }
    for (size_t i = 0; i < VONK_COUNTOF(names); i++) {
        const vonk_str set = vonk_env_get(names[i]);
        if (set.len) return set;
    }
    return VONK_STR("python3");
}

/* "PYTHONPATH=" with --py-files first; PySpark's workers get the same from the SparkContext. */
static vonk_status python_path(const submit *s, vonk_arena *arena, vonk_str *ret, vonk_error *err)
{
    const vonk_str old = vonk_env_get("PYTHONPATH"), files = vonk_str_of(s->py_files);
    VONK_TRY(vonk_arena_printf(arena, ret, err, "PYTHONPATH=%.*s%s%.*s", VONK_STR_ARGS(files),
                               files.len && old.len ? ":" : "", (int)old.len, old.len ? old.data : ""));
    char *text = (char *)(uintptr_t)ret->data; /* just made */
    for (size_t i = 0; i < files.len; i++)
        if (files.data[i] == ',') text[strlen("PYTHONPATH=") + i] = ':';
    return VONK_OK;
}

static vonk_status start_program(submit *s, const vonk_conf *conf, const vonk_py4j_server *server, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_str *args = NULL, vars[8];
    uint32_t n = 5;
    const vonk_str secret = vonk_py4j_server_secret(server), seed = vonk_env_get("PYTHONHASHSEED");
    VONK_TRY(vonk_arena_new(vonk_budget_root(), &arena, err));
    VONK_TRY(vonk_arena_array(arena, (size_t)s->n_args + 1, sizeof *args, &args, err));
    args[0] = vonk_str_of(s->app);
    for (int i = 0; i < s->n_args; i++) args[i + 1] = vonk_str_of(s->args[i]);
    VONK_TRY(vonk_arena_printf(arena, &vars[0], err, "PYSPARK_GATEWAY_PORT=%u", vonk_py4j_server_port(server)));
    VONK_TRY(vonk_arena_printf(arena, &vars[1], err, "PYSPARK_GATEWAY_SECRET=%.*s", VONK_STR_ARGS(secret)));
    VONK_TRY(python_path(s, arena, &vars[2], err));
    vars[3] = VONK_STR("PYTHONUNBUFFERED=YES");
    VONK_TRY(vonk_arena_printf(arena, &vars[4], err, "PYTHONHASHSEED=%s", seed.len ? seed.data : "0"));
    const vonk_str python = vonk_conf_get_set(conf, VONK_STR("spark.pyspark.python")); /* of the workers */
    const vonk_str remote = vonk_conf_get_set(conf, VONK_STR("spark.remote"));
    if (python.len) VONK_TRY(vonk_arena_printf(arena, &vars[n++], err, "PYSPARK_PYTHON=%.*s", VONK_STR_ARGS(python)));
    if (remote.len) {
        VONK_TRY(vonk_arena_printf(arena, &vars[n++], err, "SPARK_REMOTE=%.*s", VONK_STR_ARGS(remote)));
        vars[n++] = VONK_STR("SPARK_CONNECT_MODE_ENABLED=1");
    }
    const vonk_process_spec spec = {.program = interpreter(conf),
                                    .args = args,
                                    .n_args = (uint32_t)s->n_args + 1,
                                    .vars = vars,
                                    .n_vars = n,
                                    .in = VONK_STDIO_INHERIT,
                                    .out = VONK_STDIO_INHERIT,
                                    .err = VONK_STDIO_INHERIT};
    return vonk_process_start(vonk_budget_root(), &spec, &s->process, err);
}

static void await_program(void *self)
{
    submit *s = self;
    vonk_process_wait(s->process, -1, &s->end);
    vonk_loop_stop(s->loop);
}

static vonk_status run_program(submit *s, vonk_error *err)
{
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = NULL;
    VONK_AUTO(vonk_loop_free) vonk_loop *loop = NULL;
    VONK_AUTO(vonk_budget_free) vonk_budget *budget = NULL;
    VONK_AUTO(vonk_py4j_server_free) vonk_py4j_server *server = NULL;
    vonk_thread *thread = NULL;
    VONK_TRY(settings(s, &conf, err));
    VONK_TRY(vonk_loop_new(vonk_budget_root(), &loop, err));
    s->loop = loop;
    VONK_TRY(make_budget(conf, &budget, err));
    VONK_TRY(open_gateway(s, conf, budget, &server, err));
    VONK_TRY(start_program(s, conf, server, err));
    vonk_status status = vonk_loop_on_signal(loop, on_signal, s, err);
    if (status == VONK_OK)
        status = vonk_thread_start(vonk_budget_root(), "program", VONK_STACK_ENGINE, await_program, s, &thread, err);
    if (status == VONK_OK) status = vonk_loop_run(loop, err);
    if (status != VONK_OK) vonk_process_kill(s->process, true);
    vonk_thread_join(thread);
    vonk_process_free(s->process);
    return status;
}

int vonk__cmd_submit(int argc, char **argv)
{
    submit s = {0};
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    int status = 0;
    const int n = read_flags(&s, argc, argv, &status);
    if (n < 0) return status;
    if (s.version) {
        puts("vonk " VONK_VERSION " (behaves as Apache Spark " VONK_SPARK_VERSION ")");
        return 0;
    }
    s.app = n < argc ? argv[n] : NULL;
    s.args = argv + n + 1;
    s.n_args = s.app ? argc - n - 1 : 0;
    vonk_log_set_level(s.verbose ? VONK_LOG_DEBUG : VONK_LOG_WARN);
    vonk_signals_prepare();
    vonk_status result = VONK_OK;
    if (s.refused)
        result = VONK_FAIL(&err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("the flag %s", s.refused));
    else if (s.remote && s.master)
        result =
            VONK_FAIL(&err, VONK_E_UNSUPPORTED_FEATURE, "feature", "both --master and --remote: a program has one");
    else if (s.deploy_mode && strcmp(s.deploy_mode, "client") != 0)
        result = VONK_FAIL(&err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("--deploy-mode %s", s.deploy_mode));
    else if (s.app && strcmp(s.app, "pyspark-shell") == 0)
        result = run_gateway(&s, &err);
    else if (s.app && vonk_str_ends(vonk_str_of(s.app), VONK_STR(".py")))
        result = run_program(&s, &err);
    else
        result = VONK_FAIL(&err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                           VONK_F("submitting %s: programs are in Python (.py)", s.app ? s.app : "nothing"));
    if (result == VONK_OK) return s.end.by_signal ? 128 + s.end.code : s.end.code;
    vonk__error_print(&err);
    return 1;
}
