/* Footers: reading, checking, what they say about the whole file. */
#include "codec/parquet/file.h"

#define TAIL_BYTES 8            /* length and magic */
#define FIRST_GUESS (64u << 10) /* most footers come with the first read */

static vonk_status no_footer(const vonk_bytes_in *in, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_FAILED_READ_FILE__CANNOT_READ_FILE_FOOTER, "path", VONK_S(in->path));
}

/* ---- life */
static vonk_status meta_new(vonk_budget *budget, const vonk_bytes_in *in, const vonk_parquet_options *options,
                            vonk_parquet_meta **ret, vonk_error *err)
{
    vonk_parquet_meta *meta = NULL;
    vonk_str path;
    VONK_TRY(VONK_NEW(budget, &meta, err));
    meta->refs = 1;
    meta->budget = budget;
    meta->options = *options;
    vonk_status st = vonk_arena_new(budget, &meta->arena, err);
    if (st == VONK_OK) st = vonk_arena_str(meta->arena, in->path, &path, err);
    if (st != VONK_OK) {
        vonk_parquet_meta_unref(meta);
        return st;
    }
    meta->path = path.data;
    *ret = meta;
    return VONK_OK;
}

size_t vonk_parquet_meta_bytes(const vonk_parquet_meta *meta)
{
    return sizeof *meta + (meta->arena ? vonk_arena_bytes(meta->arena) : 0);
}

vonk_parquet_meta *vonk_parquet_meta_ref(vonk_parquet_meta *meta)
{
    meta->refs++;
    return meta;
}

void vonk_parquet_meta_unref(vonk_parquet_meta *meta)
{
    if (!meta || --meta->refs > 0) return;
    vonk_arena_free(meta->arena);
    vonk_free(meta);
}

/* ---- reading */
/* The footer's bytes, in the arena (texts of the metadata point into them). */
static vonk_status read_footer(vonk_parquet_meta *meta, const vonk_bytes_in *in, const uint8_t **ret, size_t *ret_bytes,
                               vonk_error *err)
{
    if (in->size < 4 + TAIL_BYTES) return no_footer(in, err);
    size_t have = vonk_min_size(in->size, FIRST_GUESS);
    uint8_t *bytes = NULL;
    VONK_TRY(vonk_arena_alloc(meta->arena, have, &bytes, err));
    VONK_TRY(in->read_at(in->self, in->size - have, have, bytes, err));
    const uint8_t *tail = bytes + have - TAIL_BYTES;
    if (memcmp(tail + 4, "PARE", 4) == 0)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "encrypted Parquet footers");
    uint32_t footer;
    memcpy(&footer, tail, 4);
    if (memcmp(tail + 4, "PAR1", 4) != 0 || footer == 0 || footer > PQ_MAX_FOOTER || footer > in->size - TAIL_BYTES - 4)
        return no_footer(in, err);
    meta->data_end = in->size - TAIL_BYTES - footer;
    *ret_bytes = footer;
    if (footer + TAIL_BYTES <= have) {
        *ret = tail - footer;
        return VONK_OK;
    }
    VONK_TRY(vonk_arena_alloc(meta->arena, footer, &bytes, err));
    *ret = bytes;
    return in->read_at(in->self, meta->data_end, footer, bytes, err);
}

static vonk_status check_groups(vonk_parquet_meta *meta, vonk_error *err)
{
    const pq_file_meta *file = &meta->file;
    VONK_TRY(vonk_arena_array(meta->arena, file->groups.n + 1, sizeof *meta->first_rows, &meta->first_rows, err));
    if (file->groups.n > UINT32_MAX) return vonk__pq_fail(meta, "too many row groups", err);
    for (size_t i = 0; i < file->groups.n; i++) {
        const pq_row_group *group = &file->groups.at[i];
        if (group->chunks.n != meta->n_leaves)
            return vonk__pq_fail(meta, "a row group lacks columns of the schema", err);
        if (group->n_rows < 0 || (uint64_t)group->n_rows > (uint64_t)INT64_MAX - meta->first_rows[i])
            return vonk__pq_fail(meta, "an impossible number of rows", err);
        meta->first_rows[i + 1] = meta->first_rows[i] + (uint64_t)group->n_rows;
    }
    return VONK_OK;
}

/* Spark notes its version, and whether it wrote in the hybrid calendar that it used before 3.0 (INT96: 3.1). */
static vonk_parquet_rebase rebase_of(const vonk_parquet_meta *meta, const char *first_version, const char *legacy_key,
                                     vonk_parquet_rebase unknown)
{
    vonk_str version, flag;
    if (!vonk_parquet_key_value(meta, VONK_STR("org.apache.spark.version"), &version)) return unknown;
    if (vonk_str_compare(version, vonk_str_of(first_version)) < 0) return VONK_PARQUET_LEGACY;
    return vonk_parquet_key_value(meta, vonk_str_of(legacy_key), &flag) ? VONK_PARQUET_LEGACY : VONK_PARQUET_CORRECTED;
}

static void find_rebase(vonk_parquet_meta *meta)
{
    vonk_str zone = VONK_STR_NONE;
    const vonk_parquet_options *o = &meta->options;
    meta->datetime_rebase = rebase_of(meta, "3.0.0", "org.apache.spark.legacyDateTime", o->datetime_rebase);
    meta->int96_rebase = rebase_of(meta, "3.1.0", "org.apache.spark.legacyINT96", o->int96_rebase);
    if (vonk_parquet_key_value(meta, VONK_STR("org.apache.spark.timeZone"), &zone)) {
        meta->rebase_utc = vonk_str_is(zone, "UTC") || vonk_str_is(zone, "Etc/UTC") || vonk_str_is(zone, "Z") ||
                           vonk_str_is(zone, "GMT");
    }
}

static vonk_status read_meta(vonk_parquet_meta *meta, const vonk_bytes_in *in, vonk_error *err)
{
    const uint8_t *bytes = NULL;
    size_t n = 0;
    VONK_TRY(read_footer(meta, in, &bytes, &n, err));
    vonk_cursor cursor = vonk__pq_cursor(meta, bytes, n);
    VONK_TRY(vonk_thrift_read(meta->arena, &cursor, &vonk__pq_file_meta, &meta->file, err));
    if (meta->file.has >> PQ_FILE_CRYPTO & 1)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "encrypted Parquet files");
    VONK_TRY(vonk__pq_make_tree(meta, err));
    VONK_TRY(check_groups(meta, err));
    find_rebase(meta);
    return VONK_OK;
}

vonk_status vonk_parquet_meta_read(vonk_budget *budget, const vonk_bytes_in *in, const vonk_parquet_options *options,
                                   vonk_parquet_meta **ret, vonk_error *err)
{
    VONK_AUTO(vonk_parquet_meta_unref) vonk_parquet_meta *meta = NULL;
    VONK_TRY(meta_new(budget, in, options, &meta, err));
    VONK_TRY(read_meta(meta, in, err));
    *ret = VONK_STEAL(meta);
    return VONK_OK;
}

/* ---- asking */
uint64_t vonk_parquet_n_rows(const vonk_parquet_meta *meta) { return meta->first_rows[meta->file.groups.n]; }

uint32_t vonk_parquet_n_row_groups(const vonk_parquet_meta *meta) { return (uint32_t)meta->file.groups.n; }

vonk_str vonk_parquet_created_by(const vonk_parquet_meta *meta) { return meta->file.created_by; }

bool vonk_parquet_key_value(const vonk_parquet_meta *meta, vonk_str key, vonk_str *ret_value)
{
    for (size_t i = 0; i < meta->file.key_values.n; i++) {
        if (!vonk_str_eq(meta->file.key_values.at[i].key, key)) continue;
        *ret_value = meta->file.key_values.at[i].value;
        return true;
    }
    return false;
}

vonk_parquet_row_group vonk_parquet_row_group_at(const vonk_parquet_meta *meta, uint32_t group)
{
    const pq_row_group *g = &meta->file.groups.at[group];
    vonk_parquet_row_group info = {.first_row = meta->first_rows[group], .n_rows = (uint64_t)g->n_rows};
    uint64_t first = UINT64_MAX;
    for (size_t i = 0; i < g->chunks.n; i++) {
        const pq_column_meta *chunk = &g->chunks.at[i].meta;
        if (chunk->bytes > 0) info.bytes += (uint64_t)chunk->bytes;
        if (chunk->plain_bytes > 0) info.plain_bytes += (uint64_t)chunk->plain_bytes;
        bool dictionary_first = PQ_HAS(*chunk, PQ_COL_DICT_AT) && chunk->dict_at > 0 && chunk->dict_at < chunk->data_at;
        int64_t at = dictionary_first ? chunk->dict_at : chunk->data_at;
        if (at > 0 && (uint64_t)at < first) first = (uint64_t)at;
    }
    info.offset = first == UINT64_MAX ? 0 : first;
    return info;
}
