/* cmd/server.c -- `vonk server`: Spark Connect on a port, until SIGTERM or SIGINT; then it drains and stops. */
#include <stdio.h>
#include <stdlib.h>

#include "cmd/cmd.h"
#include "serve/connect/connect.h"
#include "serve/connect/engine.h"
#include "serve/connect/page.h"
#include "sys/files.h"
#include "sys/loop.h"
#include "sys/tls.h"

#define DRAIN_US (10 * INT64_C(1000000))

#define MOST_TOKEN_BYTES (64 << 10)

typedef struct server_flags {
    const char *port, *ui_port, *bind, *token_file, *tls_cert, *tls_key, *quiet, *max_sessions, *max_queries;
    vonk__settings settings;
} server_flags;

static vonk_status read_token(const char *path, vonk_buf *token, vonk_error *err)
{
    VONK_TRY(vonk_file_read_all(vonk_str_of(path), MOST_TOKEN_BYTES / 4, token, err));
    const vonk_str trimmed = vonk_str_trim(vonk_buf_str(token));
    if (trimmed.len == 0)
        return VONK_FAIL(err, VONK_E_INVALID_CONF_VALUE__REQUIREMENT, "confName", "--token-file", "confValue", path,
                         "confRequirement", "the file holds no token");
    memmove(token->data, trimmed.data, trimmed.len);
    token->len = trimmed.len;
    return vonk_buf_add_byte(token, 0, err);
}

/* 0: any free port. */
static vonk_status read_port(const char *name, vonk_str text, uint16_t *ret, vonk_error *err)
{
    int32_t port = text.len ? 0 : -1;

    for (size_t i = 0; i < text.len && port >= 0; i++)
        port = text.data[i] >= '0' && text.data[i] <= '9' ? port * 10 + (text.data[i] - '0') : -1;
    if (port < 0 || port > UINT16_MAX || text.len > 5)
        return VONK_FAIL(err, VONK_E_INVALID_CONF_VALUE__TYPE_MISMATCH, "confName", name, "confValue", VONK_S(text),
                         "confType", "0 to 65535");
    *ret = (uint16_t)port;
    return VONK_OK;
}

/* The flag, or what the settings say; NULL: all addresses. Lives as long as both. */
static vonk_status read_address(const char *flag, const vonk_conf *conf, vonk_buf *into, const char **ret,
                                vonk_error *err)
{
    const vonk_str set = vonk_conf_get(conf, "spark.connect.grpc.binding.address");

    *ret = flag;
    if (flag || set.len == 0) return VONK_OK;
    VONK_TRY(vonk_buf_add_str(into, set, err));
    VONK_TRY(vonk_buf_add_byte(into, 0, err));
    *ret = into->data;
    return VONK_OK;
}

/* The token that clients must send, NUL behind it; nothing: any client. */
static vonk_status find_token(const char *file, const vonk_conf *conf, vonk_buf *token, vonk_error *err)
{
    const vonk_str set = vonk_conf_get(conf, "spark.connect.authenticate.token");

    if (file) return read_token(file, token, err);
    if (set.len == 0) return VONK_OK;
    VONK_TRY(vonk_buf_add_str(token, set, err));
    return vonk_buf_add_byte(token, 0, err);
}

/* A flag that counts; 0 when it is not there. */
static vonk_status read_count(const char *flag, const char *text, uint32_t *ret, vonk_error *err)
{
    char *end = NULL;
    const long value = text ? strtol(text, &end, 10) : 0;

    if (text && (*end || value < 1 || value > 1000000))
        return VONK_FAIL(err, VONK_E_INVALID_CONF_VALUE__TYPE_MISMATCH, "confName", flag, "confValue", text, "confType",
                         "1 to 1000000");
    *ret = (uint32_t)value;
    return VONK_OK;
}

static void on_signal(void *server, int number)
{
    vonk_log(VONK_LOG_INFO, "stopping", "signal=%d", number);
    vonk_connect_server_stop(server, DRAIN_US);
}

/* Only where it was asked for: it costs time at the start, and memory. NULL: there is none. */
static vonk_status open_page(const char *flag, vonk_engine *engine, vonk_ui **ret, vonk_error *err)
{
    static const char key[] = "spark.ui.port";
    const vonk_conf *conf = vonk_engine_conf(engine);
    const vonk_str set = vonk_conf_get_set(conf, vonk_str_of(key));
    uint16_t port = 0;

    if (!vonk_conf_bool(conf, "spark.ui.enabled") || (!flag && !set.data)) return VONK_OK;
    VONK_TRY(read_port(flag ? "--ui-port" : key, flag ? vonk_str_of(flag) : set, &port, err));
    VONK_TRY(vonk_connect_page_new(engine, port, ret, err));
    vonk_log(VONK_LOG_INFO, "page", "http://localhost:%u", vonk_ui_port(*ret));
    return VONK_OK;
}

static vonk_status serve(const server_flags *flags, vonk_error *err)
{
    static const char port_key[] = "spark.connect.grpc.binding.port";
    VONK_AUTO(vonk_engine_free) vonk_engine *engine = NULL;
    VONK_AUTO(vonk_ui_free) vonk_ui *page = NULL;
    VONK_AUTO(vonk_tls_context_free) vonk_tls_context *tls = NULL;
    VONK_AUTO(vonk_connect_server_free) vonk_connect_server *server = NULL;
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf token = {0}, address_text = {0};
    vonk_connect_backend backend;
    const char *address = NULL;
    uint16_t port = 0;
    uint32_t max_sessions = 0, max_queries = 0;

    VONK_TRY(vonk__settings_conf(&flags->settings, &conf, err));
    vonk_buf_init(&token, vonk_budget_root(), MOST_TOKEN_BYTES);
    vonk_buf_init(&address_text, vonk_budget_root(), MOST_TOKEN_BYTES);
    if (flags->port)
        VONK_TRY(read_port("--port", vonk_str_of(flags->port), &port, err));
    else
        VONK_TRY(read_port(port_key, vonk_conf_get(conf, port_key), &port, err));
    VONK_TRY(read_address(flags->bind, conf, &address_text, &address, err));
    VONK_TRY(find_token(flags->token_file, conf, &token, err));
    if (flags->tls_cert)
        VONK_TRY(vonk_tls_context_new_server(vonk_budget_root(), vonk_str_of(flags->tls_cert),
                                             vonk_str_of(flags->tls_key ? flags->tls_key : flags->tls_cert), &tls,
                                             err));
    VONK_TRY(read_count("--max-sessions", flags->max_sessions, &max_sessions, err));
    VONK_TRY(read_count("--max-queries", flags->max_queries, &max_queries, err));
    VONK_TRY(vonk__engine_start(&flags->settings, &engine, err));
    VONK_TRY(open_page(flags->ui_port, engine, &page, err));
    vonk_connect_engine_backend(engine, &backend);
    const vonk_connect_options options = {.grpc = {.bind = address,
                                                   .port = port,
                                                   .tls = tls,
                                                   .token = token.len ? token.data : NULL,
                                                   .budget = vonk_engine_budget(engine)},
                                          .backend = &backend,
                                          .conf = conf,
                                          .max_sessions = max_sessions,
                                          .max_operations = max_queries,
                                          .artifact_dir = vonk_str_of(flags->settings.spill_dir)};
    VONK_TRY(vonk_connect_server_new(&options, &server, err));
    VONK_TRY(vonk_loop_on_signal(vonk_connect_server_loop(server), on_signal, server, err));
    vonk_log(VONK_LOG_INFO, "listening", "port=%u threads=%u memory=%lld tls=%s token=%s",
             vonk_connect_server_port(server), vonk_engine_n_threads(engine),
             (long long)vonk_budget_limit(vonk_engine_budget(engine)), tls ? "yes" : "no", token.len ? "yes" : "no");
    return vonk_connect_server_run(server, err);
}

int vonk__cmd_server(int argc, char **argv)
{
    server_flags f = {0};
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    int status = 0;
    const vonk__flag flags[] = {
        {"--port", "PORT", "to listen on; 0: any free one (15002, or spark.connect.grpc.binding.port)", &f.port, NULL},
        {"--bind", "ADDRESS", "to listen at (all, or spark.connect.grpc.binding.address)", &f.bind, NULL},
        {"--ui-port", "PORT", "a page on this machine only (none, or spark.ui.port); 0: any free one", &f.ui_port,
         NULL},
        {"--memory", "BYTES", "budget, as 2g or 512m (60 % of the machine's)", &f.settings.memory, NULL},
        {"--threads", "N", "that run queries (all cores)", &f.settings.threads, NULL},
        {"--spill-dir", "DIR", "for spill files and artifacts ($TMPDIR or /tmp)", &f.settings.spill_dir, NULL},
        {"--warehouse-dir", "DIR", "for tables (spark-warehouse)", &f.settings.warehouse_dir, NULL},
        {"--conf", "KEY=VALUE", "a setting of all sessions; may be repeated", f.settings.conf, &f.settings.n_conf},
        {"--properties-file", "FILE", "instead of spark-defaults.conf", &f.settings.properties_file, NULL},
        {"--token-file", "FILE", "clients must send this bearer token (or spark.connect.authenticate.token)",
         &f.token_file, NULL},
        {"--tls-cert", "FILE", "certificate chain (PEM): serve TLS", &f.tls_cert, NULL},
        {"--tls-key", "FILE", "its key (PEM)", &f.tls_key, NULL},
        {"--max-sessions", "N", "at once (1000)", &f.max_sessions, NULL},
        {"--max-queries", "N", "that run at once; more wait (128)", &f.max_queries, NULL},
        {"--quiet", NULL, "log warnings and errors only", &f.quiet, NULL},
    };

    if (!vonk__flags_read("server [FLAGS]", flags, VONK_COUNTOF(flags), argc, argv, &status)) return status;
    if (f.quiet) vonk_log_set_level(VONK_LOG_WARN);
    vonk_signals_prepare();
    if (serve(&f, &err) == VONK_OK) return 0;
    vonk__error_print(&err);
    return 1;
}
