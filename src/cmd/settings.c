/* cmd/settings.c -- configuration from files, environment and flags; sizes; the engine made from them. */
#include <stdlib.h>

#include "cmd/cmd.h"
#include "sys/env.h"
#include "sys/files.h"

#define MAX_FILE_BYTES (1 << 20)

vonk_status vonk__parse_bytes(const char *text, int64_t *ret, vonk_error *err)
{
    static const char units[] = "kmgtp";
    char *end = NULL;
    const double number = strtod(text, &end);
    double factor = 1;

    if (end != text && *end) {
        const char *unit = strchr(units, *end | 0x20);
        if (!unit) end = (char *)text;
        for (const char *u = units; unit && u <= unit; u++) factor *= 1024;
    }
    if (end == text || number < 0 || number * factor > 9e18)
        return VONK_FAIL(err, VONK_E_INVALID_CONF_VALUE__TYPE_MISMATCH, "confName", "memory", "confValue", text,
                         "confType", "bytes");
    *ret = (int64_t)(number * factor);
    return VONK_OK;
}

static vonk_status put(const vonk_conf **inout, vonk_str key, vonk_str value, vonk_error *err)
{
    const vonk_conf *changed = NULL;
    vonk_str usual;
    bool modifiable = false;

    if (vonk_conf_known(key, &usual, &modifiable) && modifiable) /* the value is checked */
        VONK_TRY(vonk_conf_with(vonk_budget_root(), *inout, key, value, &changed, err));
    else
        VONK_TRY(vonk_conf_with_any(vonk_budget_root(), *inout, key, value, &changed, err));
    vonk_conf_unref(*inout);
    *inout = changed;
    return VONK_OK;
}

/* ---- spark-defaults.conf: "key value", "key=value" or "key: value"; # begins a comment line */
static vonk_status read_line(vonk_str line, const vonk_conf **inout, vonk_error *err)
{
    size_t key_end = 0;

    line = vonk_str_trim(line);
    if (line.len == 0 || line.data[0] == '#') return VONK_OK;
    while (key_end < line.len && !strchr(" \t=:", line.data[key_end])) key_end++;
    vonk_str value = vonk_str_trim(vonk_str_sub(line, key_end, line.len));
    if (value.len > 0 && (value.data[0] == '=' || value.data[0] == ':'))
        value = vonk_str_trim(vonk_str_sub(value, 1, value.len));
    return put(inout, vonk_str_sub(line, 0, key_end), value, err);
}

static vonk_status read_file(const char *path, bool must_exist, const vonk_conf **inout, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    bool exists = false;

    VONK_TRY(vonk_file_exists(vonk_str_of(path), &exists, err));
    if (!exists && !must_exist) return VONK_OK;
    vonk_buf_init(&text, vonk_budget_root(), MAX_FILE_BYTES);
    VONK_TRY(vonk_file_read_all(vonk_str_of(path), MAX_FILE_BYTES, &text, err));
    for (size_t from = 0; from < text.len;) {
        const size_t newline = vonk_str_find_byte(vonk_buf_str(&text), '\n', from);
        const size_t to = newline == SIZE_MAX ? text.len : newline;
        VONK_TRY(read_line(vonk_str_sub(vonk_buf_str(&text), from, to), inout, err));
        from = to + 1;
    }
    return VONK_OK;
}

static vonk_status read_default_file(const vonk_conf **inout, vonk_error *err)
{
    const vonk_str dir = vonk_env_get("SPARK_CONF_DIR"), home = vonk_env_get("SPARK_HOME");

    if (dir.len > 0) return read_file(VONK_F("%.*s/spark-defaults.conf", VONK_STR_ARGS(dir)), false, inout, err);
    if (home.len > 0) return read_file(VONK_F("%.*s/conf/spark-defaults.conf", VONK_STR_ARGS(home)), false, inout, err);
    return VONK_OK;
}

/* VONK_CONF_spark_sql_ansi_enabled=false: keys have no underscores of their own. */
static vonk_status read_environment(const vonk_conf **inout, vonk_error *err)
{
    static const vonk_str prefix = {"VONK_CONF_", 10};
    vonk_str name, value;

    for (size_t at = 0; vonk_env_next(&at, &name, &value);) {
        char key[256];
        if (!vonk_str_starts(name, prefix) || name.len - prefix.len >= sizeof key) continue;
        for (size_t i = prefix.len; i < name.len; i++) key[i - prefix.len] = name.data[i] == '_' ? '.' : name.data[i];
        VONK_TRY(put(inout, (vonk_str){key, name.len - prefix.len}, value, err));
    }
    return VONK_OK;
}

vonk_status vonk__settings_conf(const vonk__settings *settings, const vonk_conf **ret, vonk_error *err)
{
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = NULL;

    VONK_TRY(vonk_conf_new(vonk_budget_root(), &conf, err));
    if (!settings->properties_file || settings->load_defaults) VONK_TRY(read_default_file(&conf, err));
    if (settings->properties_file) VONK_TRY(read_file(settings->properties_file, true, &conf, err));
    VONK_TRY(read_environment(&conf, err));
    for (size_t i = 0; i < settings->n_conf; i++) {
        const vonk_str text = vonk_str_of(settings->conf[i]);
        const size_t equals = vonk_str_find_byte(text, '=', 0);
        if (equals == SIZE_MAX)
            return VONK_FAIL(err, VONK_E_INVALID_CONF_VALUE__TYPE_MISMATCH, "confName", "--conf", "confValue",
                             settings->conf[i], "confType", "key=value");
        VONK_TRY(put(&conf, vonk_str_sub(text, 0, equals), vonk_str_sub(text, equals + 1, text.len), err));
    }
    *ret = VONK_STEAL(conf);
    return VONK_OK;
}

vonk_status vonk__engine_start(const vonk__settings *settings, vonk_engine **ret, vonk_error *err)
{
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = NULL;
    vonk_engine_options options = {.spill_dir = vonk_str_of(settings->spill_dir),
                                   .warehouse_dir = vonk_str_of(settings->warehouse_dir)};

    VONK_TRY(vonk__settings_conf(settings, &conf, err));
    options.conf = conf;
    if (settings->memory) VONK_TRY(vonk__parse_bytes(settings->memory, &options.memory_bytes, err));
    if (settings->threads) {
        const long n = strtol(settings->threads, NULL, 10);
        if (n < 1 || n > 1024)
            return VONK_FAIL(err, VONK_E_INVALID_CONF_VALUE__TYPE_MISMATCH, "confName", "threads", "confValue",
                             settings->threads, "confType", "1 to 1024");
        options.n_threads = (uint32_t)n;
    }
    return vonk_engine_new(&options, ret, err);
}
