/* source/write_check.c -- what can be said about a write before anything runs. */
#include "base/vec.h"
#include "source/source.h"
#include "source/write_int.h"

static const write_format *const formats[] = {&vonk__write_parquet};
static const char *const unwritten[] = {"avro", "csv", "jdbc", "json", "orc", "text", "xml"};

vonk_status vonk__write_format_of(const vonk_conf *conf, const vonk_write_info *info, const write_format **ret,
                                  vonk_error *err)
{
    vonk_str name = info->format.len > 0 ? info->format : vonk_conf_get(conf, "spark.sql.sources.default");
    const vonk_str brief = vonk_source_short_name(name);
    for (size_t i = 0; i < VONK_COUNTOF(formats); i++) {
        if (!vonk_str_is_nocase(brief, formats[i]->name)) continue;
        *ret = formats[i];
        return VONK_OK;
    }
    for (size_t i = 0; i < VONK_COUNTOF(unwritten); i++)
        if (vonk_str_is_nocase(brief, unwritten[i]))
            return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("writing %s files", unwritten[i]));
    return VONK_FAIL(err, VONK_E_DATA_SOURCE_NOT_FOUND, "provider", VONK_S(name));
}

vonk_str vonk__write_path(const vonk_write_info *info)
{
    return info->path.len > 0 ? info->path : vonk__option(info->name.options, info->name.n_options, "path");
}

vonk_status vonk__write_is_dynamic(const vonk_conf *conf, const vonk_write_info *info, bool *ret, vonk_error *err)
{
    vonk_str mode = vonk__option(info->name.options, info->name.n_options, "partitionOverwriteMode");
    if (!mode.data) mode = vonk_conf_get(conf, "spark.sql.sources.partitionOverwriteMode");
    const bool dynamic = vonk_str_is_nocase(mode, "dynamic");
    if (!dynamic && !vonk_str_is_nocase(mode, "static"))
        return VONK_FAIL(err, VONK_E_REQUIREMENT_FAILED, "requirement",
                         VONK_F("partitionOverwriteMode is static or dynamic, not %.*s", VONK_STR_ARGS(mode)));
    *ret = vonk_str_is(info->mode, "overwrite") && info->n_partition_by > 0 && dynamic;
    return VONK_OK;
}

/* ---- columns */

static bool same_name(vonk_str a, vonk_str b, bool case_sensitive)
{
    return case_sensitive ? vonk_str_eq(a, b) : vonk_str_eq_nocase(a, b);
}

static vonk_status no_column(const vonk_type *schema, vonk_str name, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, vonk_budget_root(), SIZE_MAX);
    VONK_TRY(vonk_type_catalog_string(schema, &text, err));
    VONK_TRY(vonk_buf_add_byte(&text, 0, err));
    return VONK_FAIL(err, VONK_E__LEGACY_ERROR_TEMP_1155, "col", VONK_S(name), "schemaCatalog", text.data);
}

static vonk_status partition_columns(vonk_arena *arena, const vonk_fn_env *env, const vonk_write_info *info,
                                     bool *is_partition, write_columns *ret, vonk_error *err)
{
    const vonk_type *schema = info->schema;
    for (uint32_t i = 0; i < info->n_partition_by; i++) {
        uint32_t at = 0;
        for (uint32_t k = 0; k < i; k++)
            if (same_name(info->partition_by[i], info->partition_by[k], env->case_sensitive))
                return vonk_type_name_twice(info->partition_by[i], env->case_sensitive, err);
        while (at < schema->n_fields && !same_name(schema->fields[at].name, info->partition_by[i], env->case_sensitive))
            at++;
        if (at == schema->n_fields) return no_column(schema, info->partition_by[i], err);
        const vonk_type *type = schema->fields[at].type;
        if (!vonk_type_is_atomic(type) || type->id == VONK_T_VARIANT)
            return VONK_FAIL(err, VONK_E_INVALID_PARTITION_COLUMN_DATA_TYPE, "type", VONK_TYPE_SQL(type));
        is_partition[at] = true;
        ret->partition[ret->n_partition++] = at;
    }
    return VONK_OK;
}

static vonk_status check_types(const write_format *format, const vonk_type *data, vonk_error *err)
{
    for (uint32_t i = 0; i < data->n_fields; i++) {
        if (format->takes(data->fields[i].type)) continue;
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE, "format", format->shown, "columnName",
                         VONK_F("`%.*s`", VONK_STR_ARGS(data->fields[i].name)), "columnType",
                         VONK_TYPE_SQL(data->fields[i].type));
    }
    return VONK_OK;
}

static void drop_type(void *type) { vonk_type_unref(type); }

vonk_status vonk__write_columns_of(vonk_arena *arena, const vonk_fn_env *env, const vonk_write_info *info,
                                   const write_format *format, write_columns *ret, vonk_error *err)
{
    const vonk_type *schema = info->schema;
    vonk_field *fields = NULL;
    bool *is_partition = NULL;
    VONK_TRY(vonk_arena_array(arena, schema->n_fields, sizeof *fields, &fields, err));
    VONK_TRY(vonk_arena_array(arena, schema->n_fields, sizeof *is_partition, &is_partition, err));
    VONK_TRY(vonk_arena_array(arena, schema->n_fields, sizeof *ret->data, &ret->data, err));
    VONK_TRY(vonk_arena_array(arena, info->n_partition_by, sizeof *ret->partition, &ret->partition, err));
    VONK_TRY(partition_columns(arena, env, info, is_partition, ret, err));
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        if (is_partition[i]) continue;
        fields[ret->n_data] = schema->fields[i];
        ret->data[ret->n_data++] = i;
    }
    if (schema->n_fields == 0)
        return VONK_FAIL(err, VONK_E_EMPTY_SCHEMA_NOT_SUPPORTED_FOR_DATASOURCE, "format", format->shown);
    if (ret->n_data == 0) return VONK_FAIL(err, VONK_E_ALL_PARTITION_COLUMNS_NOT_ALLOWED);
    VONK_TRY(vonk_type_check_names(schema, env->case_sensitive, err));
    VONK_TRY(vonk_type_struct(fields, ret->n_data, &ret->schema, err));
    return vonk_arena_on_free(arena, drop_type, (void *)(uintptr_t)ret->schema, err);
}

/* ---- all together */

/* clusterBy is noted by tables; files of a path show nothing of it. */
static vonk_status check_words(const vonk_write_info *info, vonk_error *err)
{
    if (info->n_buckets > 0) return VONK_FAIL(err, VONK_E__LEGACY_ERROR_TEMP_1312, "operation", "save");
    if (info->n_sort_by > 0) return VONK_FAIL(err, VONK_E_SORT_BY_WITHOUT_BUCKETING);
    if (vonk__write_path(info).len == 0) return VONK_FAIL(err, VONK_E__LEGACY_ERROR_TEMP_2047);
    return VONK_OK;
}

vonk_status vonk_write_check(vonk_budget *budget, const vonk_conf *conf, const vonk_fn_env *env,
                             const vonk_write_info *info, bool *ret_skip, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const write_format *format = NULL;
    const void *settings = NULL;
    write_columns columns = {0};
    vonk_str target, shown, extension;
    bool is_there = false;

    *ret_skip = false;
    VONK_TRY(vonk_arena_new(budget, &arena, err));
    VONK_TRY(vonk__write_format_of(conf, info, &format, err));
    VONK_TRY(check_words(info, err));
    VONK_TRY(vonk__local_path(arena, vonk__write_path(info), &target, err));
    VONK_TRY(vonk__write_columns_of(arena, env, info, format, &columns, err));
    VONK_TRY(vonk_file_exists(target, &is_there, err));
    *ret_skip = is_there && vonk_str_is(info->mode, "ignore");
    if (*ret_skip) return VONK_OK;
    if (is_there && vonk_str_is(info->mode, "error")) {
        VONK_TRY(vonk__show_path(arena, target, &shown, err));
        return VONK_FAIL(err, VONK_E_PATH_ALREADY_EXISTS, "outputPath", VONK_S(shown));
    }
    VONK_TRY(check_types(format, columns.schema, err));
    return format->settle(arena, conf, info, &settings, &extension, err);
}
