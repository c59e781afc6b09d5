/* source/source.c -- the formats, by name. */
#include "source/source.h"

#include <string.h>

#include "source/parquet_int.h"

typedef vonk_status (*opener)(vonk_budget *budget, const vonk_conf *conf, const vonk_fn_env *env,
                              const vonk_read_info *read, vonk_table **ret, vonk_error *err);

static const struct {
    const char *name;
    opener open; /* NULL: known to Spark, not built here yet */
} formats[] = {
    {"avro", NULL},
    {"binaryFile", NULL},
    {"csv", NULL},
    {"jdbc", NULL},
    {"json", NULL},
    {"orc", NULL},
    {"parquet", vonk__parquet_open},
    {"text", NULL},
    {"xml", NULL},
};

vonk_str vonk_source_short_name(vonk_str format)
{
    static const char *const packages[] = {"org.apache.spark.sql.execution.datasources.", "org.apache.spark.sql."};
    for (size_t i = 0; i < VONK_COUNTOF(packages); i++) {
        const size_t n = strlen(packages[i]);
        if (format.len <= n || memcmp(format.data, packages[i], n) != 0) continue;
        const vonk_str rest = vonk_str_sub(format, n, format.len);
        const char *dot = memchr(rest.data, '.', rest.len);
        return dot ? vonk_str_sub(rest, 0, (size_t)(dot - rest.data)) : rest;
    }
    return format;
}

static int find(vonk_str format)
{
    format = vonk_source_short_name(format);
    for (size_t i = 0; i < VONK_COUNTOF(formats); i++)
        if (vonk_str_is_nocase(format, formats[i].name)) return (int)i;
    return -1;
}

bool vonk_source_known(vonk_str format) { return find(format) >= 0; }

vonk_status vonk_source_open(vonk_budget *budget, const vonk_conf *conf, const vonk_fn_env *env,
                             const vonk_read_info *read, vonk_table **ret, vonk_error *err)
{
    const vonk_str format = read->format.len > 0 ? read->format : vonk_conf_get(conf, "spark.sql.sources.default");
    const int at = find(format);

    if (at < 0) return VONK_FAIL(err, VONK_E_DATA_SOURCE_NOT_FOUND, "provider", VONK_S(format));
    if (!formats[at].open)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("reading %s files", formats[at].name));
    return formats[at].open(budget, conf, env, read, ret, err);
}
