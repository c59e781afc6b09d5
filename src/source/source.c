/* source/source.c -- formats by name. */
#include "source/source.h"

static const char *const formats[] = {"parquet", "csv", "json", "text", "orc", "avro", "xml", "binaryfile"};

bool vonk_source_known(vonk_str format)
{
    for (size_t i = 0; i < VONK_COUNTOF(formats); i++) {
        if (vonk_str_is_nocase(format, formats[i])) return true;
    }
    return false;
}

/* NEEDSWORK: parquet_scan.c plans scans; the reader behind it is missing, so no table is opened yet. */
vonk_status vonk_source_open(vonk_budget *budget, const vonk_conf *conf, const vonk_fn_env *env, const vonk_read_info *read,
                             vonk_table **ret, vonk_error *err)
{
    vonk_str format = read->format.len > 0 ? read->format : vonk_conf_get(conf, "spark.sql.sources.default");
    if (!vonk_source_known(format)) return VONK_FAIL(err, VONK_E_DATA_SOURCE_NOT_FOUND, "provider", VONK_S(format));
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("reading %.*s files", VONK_STR_ARGS(format)));
}
