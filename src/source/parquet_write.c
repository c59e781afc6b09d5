/* source/parquet_write.c -- Parquet as a format to write: Spark's and Parquet's options, file names. */
#include "base/vec.h"
#include "codec/parquet.h"
#include "source/write_int.h"
#include "text/number.h"

static const struct {
    const char *name;
    vonk_compression codec;
    const char *extension;
} codecs[] = {
    {"none", VONK_COMPRESS_NONE, ".parquet"},
    {"uncompressed", VONK_COMPRESS_NONE, ".parquet"},
    {"snappy", VONK_COMPRESS_SNAPPY, ".snappy.parquet"},
    {"gzip", VONK_COMPRESS_GZIP, ".gz.parquet"},
    {"lz4", VONK_COMPRESS_LZ4_HADOOP, ".lz4hadoop.parquet"},
    {"lz4_raw", VONK_COMPRESS_LZ4_RAW, ".lz4raw.parquet"},
    {"zstd", VONK_COMPRESS_ZSTD, ".zstd.parquet"},
    {"brotli", VONK_COMPRESS_BROTLI, ".br.parquet"},
    {"lzo", VONK_COMPRESS_LZO, ".lzo.parquet"},
};

typedef struct settings {
    vonk_arena *arena;
    const vonk_conf *conf;
    const vonk_write_info *info;
    vonk_parquet_write_options options;
    VONK_VEC(vonk_str) blooms;
} settings;

/* An option of the write, or a setting of that name in the session. */
static vonk_str option(const settings *s, const char *key)
{
    vonk_str v = vonk__option(s->info->name.options, s->info->name.n_options, key);
    return v.data ? v : vonk_conf_get_set(s->conf, vonk_str_of(key));
}

static vonk_status bad_option(const char *key, vonk_str value, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                     VONK_F("the option %s cannot be %.*s", key, VONK_STR_ARGS(value)));
}

static vonk_status option_bool(const settings *s, const char *key, bool *inout, vonk_error *err)
{
    vonk_str v = option(s, key);
    if (!v.data) return VONK_OK;
    *inout = vonk_str_is_nocase(v, "true");
    return *inout || vonk_str_is_nocase(v, "false") ? VONK_OK : bad_option(key, v, err);
}

static vonk_status option_number(const settings *s, const char *key, uint64_t most, uint64_t *inout, vonk_error *err)
{
    int64_t n = 0;
    vonk_str v = option(s, key);
    if (!v.data) return VONK_OK;
    if (!vonk_text_to_i64(v, false, 1, (int64_t)most, &n)) return bad_option(key, v, err);
    *inout = (uint64_t)n;
    return VONK_OK;
}

static vonk_status option_u32(const settings *s, const char *key, uint32_t *inout, vonk_error *err)
{
    uint64_t n = *inout;
    VONK_TRY(option_number(s, key, INT32_MAX, &n, err));
    *inout = (uint32_t)n;
    return VONK_OK;
}

static vonk_status settle_codec(settings *s, vonk_str *ret_extension, vonk_error *err)
{
    vonk_str name = vonk__option(s->info->name.options, s->info->name.n_options, "compression");
    if (!name.data && s->info->compression.len > 0) name = s->info->compression;
    if (!name.data) name = vonk__option(s->info->name.options, s->info->name.n_options, "parquet.compression");
    if (!name.data) name = vonk_conf_get(s->conf, "spark.sql.parquet.compression.codec");
    for (size_t i = 0; i < VONK_COUNTOF(codecs); i++) {
        if (!vonk_str_is_nocase(name, codecs[i].name)) continue;
        s->options.compression = codecs[i].codec;
        *ret_extension = vonk_str_of(codecs[i].extension);
        return VONK_OK;
    }
    return VONK_FAIL(err, VONK_E_CODEC_NOT_AVAILABLE__WITH_AVAILABLE_CODECS_SUGGESTION, "codecName", VONK_S(name),
                     "availableCodecs", "brotli, uncompressed, lzo, snappy, lz4_raw, none, zstd, lz4, gzip");
}

static vonk_status settle_timestamps(settings *s, vonk_error *err)
{
    vonk_str kind = vonk_conf_get(s->conf, "spark.sql.parquet.outputTimestampType");
    static const char *const calendars[] = {"spark.sql.parquet.datetimeRebaseModeInWrite",
                                            "spark.sql.parquet.int96RebaseModeInWrite"};
    s->options.timestamps = vonk_str_is_nocase(kind, "TIMESTAMP_MICROS")   ? VONK_PARQUET_MICROS
                            : vonk_str_is_nocase(kind, "TIMESTAMP_MILLIS") ? VONK_PARQUET_MILLIS
                                                                           : VONK_PARQUET_INT96;
    for (size_t i = 0; i < VONK_COUNTOF(calendars); i++) {
        vonk_str mode = vonk_conf_get(s->conf, calendars[i]);
        if (!vonk_str_is_nocase(mode, "CORRECTED"))
            return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                             VONK_F("%s = %.*s", calendars[i], VONK_STR_ARGS(mode)));
    }
    return VONK_OK;
}

/* parquet.bloom.filter.enabled#column.path = true */
static vonk_status settle_blooms(settings *s, vonk_error *err)
{
    static const vonk_str prefix = {"parquet.bloom.filter.enabled#", 29};
    for (uint32_t i = 0; i < s->info->name.n_options; i++) {
        const vonk_option *o = &s->info->name.options[i];
        bool named = o->key.len > prefix.len && vonk_str_eq_nocase(vonk_str_sub(o->key, 0, prefix.len), prefix);
        if (!named || !vonk_str_is_nocase(o->value, "true")) continue;
        VONK_TRY(VONK_VEC_ARENA_PUSH(&s->blooms, s->arena, vonk_str_sub(o->key, prefix.len, o->key.len), err));
    }
    s->options.bloom_columns = s->blooms.at;
    s->options.n_bloom_columns = s->blooms.n;
    return VONK_OK;
}

static vonk_status settle_sizes(settings *s, vonk_error *err)
{
    vonk_parquet_write_options *o = &s->options;
    uint64_t level = 0;
    VONK_TRY(option_number(s, "parquet.block.size", UINT64_C(1) << 40, &o->row_group_bytes, err));
    VONK_TRY(option_u32(s, "parquet.page.size", &o->page_bytes, err));
    VONK_TRY(option_u32(s, "parquet.page.row.count.limit", &o->page_rows, err));
    VONK_TRY(option_u32(s, "parquet.dictionary.page.size", &o->dictionary_bytes, err));
    VONK_TRY(option_bool(s, "parquet.enable.dictionary", &o->dictionary, err));
    VONK_TRY(option_bool(s, "parquet.page.write-checksum.enabled", &o->checksums, err));
    VONK_TRY(option_number(s, "parquet.compression.codec.zstd.level", 22, &level, err));
    if (level > 0 && o->compression == VONK_COMPRESS_ZSTD) o->level = (int32_t)level;
    vonk_str version = option(s, "parquet.writer.version");
    if (version.data) {
        o->v2 = vonk_str_is_nocase(version, "PARQUET_2_0") || vonk_str_is_nocase(version, "v2");
        if (!o->v2 && !vonk_str_is_nocase(version, "PARQUET_1_0") && !vonk_str_is_nocase(version, "v1"))
            return bad_option("parquet.writer.version", version, err);
    }
    return VONK_OK;
}

static vonk_status settle(vonk_arena *arena, const vonk_conf *conf, const vonk_write_info *info,
                          const void **ret_settings, vonk_str *ret_extension, vonk_error *err)
{
    settings *s = NULL;
    VONK_TRY(VONK_ARENA_NEW(arena, &s, err));
    s->arena = arena;
    s->conf = conf;
    s->info = info;
    s->options = (vonk_parquet_write_options)VONK_PARQUET_WRITE_OPTIONS;
    s->options.legacy_format = vonk_conf_bool(conf, "spark.sql.parquet.writeLegacyFormat");
    s->options.field_ids = vonk_conf_bool(conf, "spark.sql.parquet.fieldId.write.enabled");
    VONK_TRY(settle_codec(s, ret_extension, err));
    VONK_TRY(settle_timestamps(s, err));
    VONK_TRY(settle_sizes(s, err));
    VONK_TRY(settle_blooms(s, err));
    *ret_settings = s;
    return VONK_OK;
}

/* Everything but calendar intervals. Depth is bounded by VONK_MAX_TYPE_DEPTH. */
static bool takes(const vonk_type *type) { return !vonk_type_has(type, VONK_T_INTERVAL_CALENDAR); }

/* ---- one file */

static vonk_status open_writer(vonk_budget *budget, const void *from, const vonk_type *schema,
                               const vonk_bytes_out *out, void **ret_writer, vonk_error *err)
{
    const settings *s = from;
    vonk_parquet_write_options options = s->options;
    vonk_parquet_writer *w = NULL;
    /* A row group is kept in memory until it is whole: several files at once must not take all there is. */
    uint64_t most = (uint64_t)vonk_budget_limit(budget) / 32;
    if (most < (1u << 20)) most = 1u << 20;
    if (options.row_group_bytes > most) options.row_group_bytes = most;
    VONK_TRY(vonk_parquet_writer_new(budget, out, schema, &options, &w, err));
    *ret_writer = w;
    return VONK_OK;
}

static vonk_status put_rows(void *writer, const vonk_batch *batch, vonk_error *err)
{
    return vonk_parquet_writer_write(writer, batch, err);
}

static vonk_status end_file(void *writer, vonk_error *err)
{
    vonk_parquet_written written;
    return vonk_parquet_writer_close(writer, &written, err);
}

static void drop_writer(void *writer) { vonk_parquet_writer_free(writer); }

const write_format vonk__write_parquet = {.name = "parquet",
                                          .shown = "Parquet",
                                          .takes = takes,
                                          .settle = settle,
                                          .open = open_writer,
                                          .put = put_rows,
                                          .end = end_file,
                                          .free = drop_writer};
