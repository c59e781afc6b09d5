/* cmd/submit.c -- `vonk submit`: what $SPARK_HOME/bin/spark-submit is. For "pyspark-shell", which is how pyspark itself
 * starts it, a gateway is opened, its port and secret are written where pyspark waits for them, and the end of standard
 * input is the end of it all. */
#include <stdio.h>

#include "base/strmap.h"
#include "cmd/cmd.h"
#include "serve/py4j/py4j.h"
#include "sys/cpu.h"
#include "sys/env.h"
#include "sys/loop.h"

typedef struct submit {
    vonk__settings settings;
    const char *master, *name, *py_files, *files, *deploy_mode, *driver_memory, *verbose;
    const char *app; /* the first word that is no flag */
    vonk_loop *loop;
} submit;

/* Those that only change where something runs have no meaning for one process: read, so that command lines work. */
#define IGNORED(flag, what) {flag, "VALUE", what " (one process: not used)", &unused, NULL}

static int read_flags(submit *s, int argc, char **argv, int *ret_status)
{
    static const char *unused;
    const vonk__flag flags[] = {
        {"--master", "URL", "local, local[N], local[*] (local[*])", &s->master, NULL},
        {"--name", "NAME", "of the application", &s->name, NULL},
        {"--conf", "KEY=VALUE", "a Spark setting; may be repeated", s->settings.conf, &s->settings.n_conf},
        {"-c", "KEY=VALUE", "the same", s->settings.conf, &s->settings.n_conf},
        {"--properties-file", "FILE", "instead of spark-defaults.conf", &s->settings.properties_file, NULL},
        {"--py-files", "FILES", "for the path of Python, separated by commas", &s->py_files, NULL},
        {"--files", "FILES", "for the working folder of executors", &s->files, NULL},
        {"--deploy-mode", "MODE", "client", &s->deploy_mode, NULL},
        {"--driver-memory", "BYTES", "budget, as 2g or 512m", &s->driver_memory, NULL},
        {"--verbose", NULL, "log more", &s->verbose, NULL},
        {"-v", NULL, "the same", &s->verbose, NULL},
        IGNORED("--class", "main class"),
        IGNORED("--jars", "Java archives"),
        IGNORED("--packages", "Maven coordinates"),
        IGNORED("--exclude-packages", "Maven coordinates"),
        IGNORED("--repositories", "Maven repositories"),
        IGNORED("--archives", "archives"),
        IGNORED("--driver-java-options", "options of a JVM"),
        IGNORED("--driver-library-path", "path of a JVM"),
        IGNORED("--driver-class-path", "path of a JVM"),
        IGNORED("--driver-cores", "cores"),
        IGNORED("--executor-memory", "memory"),
        IGNORED("--executor-cores", "cores"),
        IGNORED("--total-executor-cores", "cores"),
        IGNORED("--num-executors", "executors"),
        IGNORED("--queue", "queue"),
        IGNORED("--proxy-user", "user"),
    };
    int n = 1;
    while (n < argc && argv[n][0] == '-') { /* the flags before the program; what follows is the program's own */
        size_t i = 0;
        const char *equals = strchr(argv[n], '=');
        const size_t len = equals ? (size_t)(equals - argv[n]) : strlen(argv[n]);
        while (i < VONK_COUNTOF(flags) && (strlen(flags[i].name) != len || strncmp(flags[i].name, argv[n], len) != 0))
            i++;
        n += i < VONK_COUNTOF(flags) && flags[i].argument && !equals && n + 1 < argc ? 2 : 1;
    }
    if (!vonk__flags_read("submit [FLAGS] pyspark-shell", flags, VONK_COUNTOF(flags), n, argv, ret_status)) return -1;
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

static vonk_status settings(submit *s, const vonk_conf **ret, vonk_error *err)
{
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = NULL;
    VONK_TRY(vonk__settings_conf(&s->settings, &conf, err));
    VONK_TRY(set(&conf, "spark.master", s->master, false, err));
    VONK_TRY(set(&conf, "spark.app.name", s->name, false, err));
    VONK_TRY(set(&conf, "spark.submit.pyFiles", s->py_files, false, err));
    VONK_TRY(set(&conf, "spark.files", s->files, false, err));
    VONK_TRY(set(&conf, "spark.submit.deployMode", s->deploy_mode, false, err));
    VONK_TRY(set(&conf, "spark.driver.memory", s->driver_memory, false, err));
    VONK_TRY(set(&conf, "spark.master", "local[*]", true, err));
    VONK_TRY(set(&conf, "spark.app.name", s->app, true, err));
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
    if (number != 2 /* SIGINT */) vonk_loop_stop(((submit *)self)->loop);
}

static vonk_status run_gateway(submit *s, vonk_error *err)
{
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = NULL;
    VONK_AUTO(vonk_loop_free) vonk_loop *loop = NULL;
    VONK_AUTO(vonk_py4j_server_free) vonk_py4j_server *server = NULL;
    VONK_AUTO(vonk_error_reset) vonk_error no_watch = VONK_ERROR_INIT;
    vonk_watch input = {.ready = on_input, .self = s};
    const vonk_str path = vonk_env_get("_PYSPARK_DRIVER_CONN_INFO_PATH"), pinned = vonk_env_get("PYSPARK_PIN_THREAD");
    if (!path.len)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         "pyspark-shell without _PYSPARK_DRIVER_CONN_INFO_PATH, which pyspark sets; run python");
    VONK_TRY(settings(s, &conf, err));
    VONK_TRY(vonk_loop_new(vonk_budget_root(), &loop, err));
    s->loop = loop;
    const vonk_py4j_options options = {.budget = vonk_budget_root(),
                                       .loop = loop,
                                       .conf = conf,
                                       .shared_connections = pinned.len && !vonk_str_is_nocase(pinned, "true"),
                                       .n_threads = (uint32_t)vonk_cpu_n_cores()};
    VONK_TRY(vonk_py4j_server_new(&options, &server, err));
    VONK_TRY(vonk_loop_on_signal(loop, on_signal, s, err));
    VONK_TRY(vonk_py4j_server_announce(server, path, err));
    vonk_log(VONK_LOG_INFO, "py4j", "port=%u", vonk_py4j_server_port(server));
    if (vonk_loop_watch(loop, &input, 0, VONK_WATCH_READ, &no_watch) == VONK_OK) {
        VONK_TRY(vonk_loop_run(loop, err));
        vonk_loop_unwatch(&input);
    }
    return VONK_OK; /* a file, or /dev/null: it has ended before it began */
}

int vonk__cmd_submit(int argc, char **argv)
{
    submit s = {0};
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    int status = 0;
    const int n = read_flags(&s, argc, argv, &status);
    if (n < 0) return status;
    s.app = n < argc ? argv[n] : NULL;
    vonk_log_set_level(s.verbose ? VONK_LOG_DEBUG : VONK_LOG_WARN);
    vonk_signals_prepare();
    vonk_status result = VONK_OK;
    if (s.deploy_mode && strcmp(s.deploy_mode, "client") != 0)
        result = VONK_FAIL(&err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("--deploy-mode %s", s.deploy_mode));
    else if (s.app && strcmp(s.app, "pyspark-shell") == 0)
        result = run_gateway(&s, &err);
    else
        result = VONK_FAIL(&err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                           VONK_F("submitting %s; pyspark-shell is what is understood", s.app ? s.app : "nothing"));
    if (result == VONK_OK) return 0;
    vonk__error_print(&err);
    return 1;
}
