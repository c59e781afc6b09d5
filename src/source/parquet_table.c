/* source/parquet_table.c -- Parquet files as a table: schema, statistics, description. */
#include "source/parquet_int.h"

#include "base/hash.h"
#include "column/builder.h"

/* ---- opening */

static vonk_parquet_rebase rebase_of(vonk_str mode)
{
    if (vonk_str_is_nocase(mode, "LEGACY")) return VONK_PARQUET_LEGACY;
    return vonk_str_is_nocase(mode, "EXCEPTION") ? VONK_PARQUET_EXCEPTION : VONK_PARQUET_CORRECTED;
}

void vonk__parquet_options_of(const vonk_conf *conf, vonk_parquet_options *ret)
{
    *ret = (vonk_parquet_options){
        .case_sensitive = vonk_conf_bool(conf, "spark.sql.caseSensitive"),
        .binary_as_string = vonk_conf_bool(conf, "spark.sql.parquet.binaryAsString"),
        .int96_as_timestamp = vonk_conf_bool(conf, "spark.sql.parquet.int96AsTimestamp"),
        .infer_timestamp_ntz = vonk_conf_bool(conf, "spark.sql.parquet.inferTimestampNTZ.enabled"),
        .nanos_as_long = vonk_conf_bool(conf, "spark.sql.legacy.parquet.nanosAsLong"),
        .field_ids = vonk_conf_bool(conf, "spark.sql.parquet.fieldId.read.enabled"),
        .ignore_variant_annotation = vonk_conf_bool(conf, "spark.sql.parquet.ignoreVariantAnnotation"),
        .verify_checksums = true,
        .datetime_rebase = rebase_of(vonk_conf_get(conf, "spark.sql.parquet.datetimeRebaseModeInRead")),
        .int96_rebase = rebase_of(vonk_conf_get(conf, "spark.sql.parquet.int96RebaseModeInRead"))};
}

/* Every field, at every depth, may be null: files do not promise more. Depth is bounded by VONK_MAX_TYPE_DEPTH. */
static vonk_status as_nullable(vonk_arena *arena, const vonk_type *t, const vonk_type **ret, vonk_error *err)
{
    vonk_field *fields = NULL;
    vonk_status st = VONK_OK;
    if (t->n_fields == 0 || t->id == VONK_T_UDT) {
        *ret = vonk_type_ref(t);
        return VONK_OK;
    }
    VONK_TRY(vonk_arena_array(arena, t->n_fields, sizeof *fields, &fields, err));
    for (uint32_t i = 0; i < t->n_fields && st == VONK_OK; i++) {
        fields[i] = t->fields[i];
        fields[i].type = NULL;
        fields[i].nullable = true;
        st = as_nullable(arena, t->fields[i].type, &fields[i].type, err);
    }
    if (st == VONK_OK && t->id == VONK_T_ARRAY) st = vonk_type_array(fields[0].type, true, ret, err);
    if (st == VONK_OK && t->id == VONK_T_MAP) st = vonk_type_map(fields[0].type, fields[1].type, true, ret, err);
    if (st == VONK_OK && t->id == VONK_T_STRUCT) st = vonk_type_struct(fields, t->n_fields, ret, err);
    for (uint32_t i = 0; i < t->n_fields; i++) vonk_type_unref(fields[i].type);
    return st;
}

/* *ret NULL: a file that is left out. */
static vonk_status footer_for_schema(parquet_table *t, const source_file *file, vonk_parquet_meta **ret,
                                     vonk_error *err)
{
    VONK_AUTO(vonk_error_reset) vonk_error why = VONK_ERROR_INIT;
    vonk_status st = vonk__footer_get(file, &t->options, ret, &why);
    if (st == VONK_OK) return VONK_OK;
    *ret = NULL;
    if (vonk__parquet_forgives(t, st)) return VONK_OK;
    if (st != VONK_E_MALFORMED_INPUT && st != VONK_E_FAILED_READ_FILE__CANNOT_READ_FILE_FOOTER) {
        vonk_error_move(err, &why);
        return st;
    }
    st = VONK_FAIL(err, VONK_E_FAILED_READ_FILE__CANNOT_READ_FILE_FOOTER, "path",
                   VONK_F("file:%.*s", VONK_STR_ARGS(file->path)));
    vonk_error_set_cause(err, &why);
    return st;
}

static vonk_status merged_schema(parquet_table *t, const vonk_type **ret, vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *all = NULL;
    for (size_t i = 0; i < t->files.n; i++) {
        VONK_AUTO(vonk_parquet_meta_unref) vonk_parquet_meta *meta = NULL;
        VONK_AUTO(vonk_type_unref) const vonk_type *one = NULL, *both = NULL;
        VONK_TRY(footer_for_schema(t, &t->files.at[i], &meta, err));
        if (!meta) continue;
        VONK_TRY(vonk_parquet_schema(meta, &one, err));
        if (!all) {
            all = VONK_STEAL(one);
            continue;
        }
        VONK_TRY(vonk_parquet_merge_schemas(all, one, t->case_sensitive, &both, err));
        vonk_type_unref(all);
        all = VONK_STEAL(both);
    }
    *ret = VONK_STEAL(all);
    return VONK_OK;
}

/* *ret NULL: no file says anything. */
static vonk_status files_schema(parquet_table *t, bool merge, const vonk_type **ret, vonk_error *err)
{
    VONK_AUTO(vonk_parquet_meta_unref) vonk_parquet_meta *meta = NULL;
    *ret = NULL;
    if (t->files.n == 0) return VONK_OK;
    if (merge) return merged_schema(t, ret, err);
    VONK_TRY(footer_for_schema(t, &t->files.at[0], &meta, err));
    return meta ? vonk_parquet_schema(meta, ret, err) : VONK_OK;
}

/* What the user says the files hold: partition columns are no part of it. */
static vonk_status given_schema(parquet_table *t, const vonk_type *given, const vonk_type **ret, vonk_error *err)
{
    const vonk_type *partitions = t->files.partitions;
    vonk_field *fields = NULL;
    uint32_t n = 0;
    VONK_TRY(vonk_arena_array(t->files.arena, given->n_fields, sizeof *fields, &fields, err));
    for (uint32_t i = 0; i < given->n_fields; i++) {
        bool is_partition =
            partitions && vonk_type_field_index(partitions, given->fields[i].name, t->case_sensitive) >= 0;
        if (!is_partition) fields[n++] = given->fields[i];
    }
    return vonk_type_struct(fields, n, ret, err);
}

static vonk_status find_data_schema(parquet_table *t, const vonk_conf *conf, const vonk_read_info *read,
                                    vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *found = NULL;
    VONK_AUTO(vonk_arena_free) vonk_arena *scratch = NULL;
    bool merge;
    VONK_TRY(vonk_arena_new(t->budget, &scratch, err));
    VONK_TRY(vonk__option_bool(read->options, read->n_options, "mergeSchema",
                               vonk_conf_bool(conf, "spark.sql.parquet.mergeSchema"), &merge, err));
    if (read->schema)
        VONK_TRY(given_schema(t, read->schema, &found, err));
    else
        VONK_TRY(files_schema(t, merge, &found, err));
    if (!found) return VONK_FAIL(err, VONK_E_UNABLE_TO_INFER_SCHEMA, "format", "Parquet");
    VONK_TRY(vonk_type_check_names(read->schema ? read->schema : found, t->case_sensitive, err));
    return as_nullable(scratch, found, &t->data, err);
}

/* Table columns: the user's or the files' fields in their order (partition columns among them keep their place), then
 * the other partition columns. */
static vonk_status make_schema(parquet_table *t, vonk_error *err)
{
    const vonk_type *partitions = t->files.partitions;
    uint32_t n = t->data->n_fields, n_partitions = partitions ? partitions->n_fields : 0;
    vonk_field *fields = NULL;
    VONK_TRY(vonk_arena_array(t->files.arena, n + n_partitions, sizeof *fields, &fields, err));
    VONK_TRY(vonk_arena_array(t->files.arena, n + n_partitions, sizeof *t->columns, &t->columns, err));
    for (uint32_t i = 0; i < n; i++) {
        int p = partitions ? vonk_type_field_index(partitions, t->data->fields[i].name, t->case_sensitive) : -1;
        t->columns[i] = (parquet_column){.data = (int32_t)i, .partition = p};
        fields[i] = t->data->fields[i];
        if (p >= 0) fields[i].type = partitions->fields[p].type;
    }
    for (uint32_t p = 0; p < n_partitions; p++) {
        if (vonk_type_field_index(t->data, partitions->fields[p].name, t->case_sensitive) >= 0) continue;
        t->columns[n] = (parquet_column){.data = -1, .partition = (int32_t)p};
        fields[n++] = partitions->fields[p];
    }
    return vonk_type_struct(fields, n, &t->base.schema, err);
}

/* What two tables that read the same have in common. */
static uint64_t identity_of(const parquet_table *t)
{
    uint64_t h = 0;
    for (size_t i = 0; i < t->files.n; i++) {
        const source_file *f = &t->files.at[i];
        h = vonk_hash64(f->path.data, f->path.len, h);
        h = vonk_hash_combine(h, (uint64_t)f->bytes);
        h = vonk_hash_combine(h, (uint64_t)f->mtime_us);
    }
    return h;
}

static vonk_status open_table(parquet_table *t, const vonk_conf *conf, const vonk_fn_env *env,
                              const vonk_read_info *read, vonk_error *err)
{
    vonk__parquet_options_of(conf, &t->options);
    t->case_sensitive = env->case_sensitive;
    VONK_TRY(vonk__option_bool(read->options, read->n_options, "ignoreCorruptFiles",
                               vonk_conf_bool(conf, "spark.sql.files.ignoreCorruptFiles"), &t->ignore_corrupt, err));
    VONK_TRY(vonk__option_bool(read->options, read->n_options, "ignoreMissingFiles",
                               vonk_conf_bool(conf, "spark.sql.files.ignoreMissingFiles"), &t->ignore_missing, err));
    VONK_TRY(vonk__files_list(t->budget, conf, env, read, &t->files, err));
    VONK_TRY(find_data_schema(t, conf, read, err));
    VONK_TRY(make_schema(t, err));
    t->base.identity = identity_of(t);
    return VONK_OK;
}

vonk_status vonk__parquet_table_new(vonk_budget *budget, parquet_table **ret, vonk_error *err)
{
    parquet_table *t = NULL;
    VONK_TRY(VONK_NEW(budget, &t, err));
    t->base.cls = &vonk__parquet_class;
    atomic_store(&t->base.refs, 1);
    t->budget = budget;
    vonk_mutex_init(&t->lock);
    *ret = t;
    return VONK_OK;
}

vonk_status vonk__parquet_open(vonk_budget *budget, const vonk_conf *conf, const vonk_fn_env *env,
                               const vonk_read_info *read, vonk_table **ret, vonk_error *err)
{
    VONK_AUTO(vonk_table_unref) vonk_table *table = NULL;
    parquet_table *t = NULL;
    vonk_table_class_register(&vonk__parquet_class);
    VONK_TRY(vonk__parquet_table_new(budget, &t, err));
    table = &t->base;
    VONK_TRY(open_table(t, conf, env, read, err));
    *ret = VONK_STEAL(table);
    return VONK_OK;
}

static void drop_stats(parquet_table *t)
{
    for (uint32_t c = 0; t->column_stats && c < t->base.schema->n_fields; c++) {
        vonk_column_unref(t->column_stats[c].min);
        vonk_column_unref(t->column_stats[c].max);
    }
    vonk_free(t->column_stats);
}

static void table_free(vonk_table *table)
{
    parquet_table *t = (parquet_table *)table;
    drop_stats(t);
    vonk_type_unref(t->data);
    vonk_type_unref(table->schema);
    vonk__files_done(&t->files);
    vonk_mutex_done(&t->lock);
    vonk_free(t);
}

/* ---- statistics: sums and bounds over all row groups */

typedef struct column_sum {
    double nulls, values;
    vonk_column *min, *max;
    bool no_bounds, no_nulls;
} column_sum;

static vonk_status widen(vonk_budget *budget, vonk_column *bounds, column_sum *sum, vonk_error *err)
{
    vonk_column *piece = NULL;
    if (!sum->min || vonk_column_row_compare(bounds, 0, sum->min, 0) < 0) {
        VONK_TRY(vonk_column_slice(budget, bounds, 0, 1, &piece, err));
        vonk_column_unref(sum->min);
        sum->min = piece;
    }
    if (!sum->max || vonk_column_row_compare(bounds, 1, sum->max, 0) > 0) {
        VONK_TRY(vonk_column_slice(budget, bounds, 1, 1, &piece, err));
        vonk_column_unref(sum->max);
        sum->max = piece;
    }
    return VONK_OK;
}

static vonk_status add_group(const parquet_table *t, const vonk_parquet_meta *meta, uint32_t group, column_sum *sums,
                             vonk_error *err)
{
    for (uint32_t c = 0; c < t->data->n_fields; c++) {
        const vonk_field *f = &t->data->fields[c];
        vonk_parquet_column_stats stats;
        column_sum *sum = &sums[c];
        VONK_TRY(vonk_parquet_column_stats_of(t->budget, meta, group, f->name, f->type, &stats, err));
        vonk_status st = VONK_OK;
        sum->values += (double)stats.n_values;
        if (stats.n_nulls < 0) sum->no_nulls = true;
        sum->nulls += stats.n_nulls > 0 ? (double)stats.n_nulls : 0;
        bool only_nulls = stats.n_nulls >= 0 && (uint64_t)stats.n_nulls == stats.n_values;
        if (stats.min_max)
            st = widen(t->budget, stats.min_max, sum, err);
        else if (!only_nulls)
            sum->no_bounds = true;
        vonk_column_unref(stats.min_max);
        VONK_TRY(st);
    }
    return VONK_OK;
}

/* How many values can there be: for whole numbers and dates, as many as lie between the bounds. */
static double distinct_of(const vonk_type *type, const vonk_column_stats *s, double values)
{
    if (type->id == VONK_T_BOOLEAN) return 2;
    if (!s->min || !s->max) return -1;
    bool whole = vonk_type_is_integral(type) || type->id == VONK_T_DATE;
    if (!whole) return -1;
    double span = (double)vonk_column_i64(s->max, 0) - (double)vonk_column_i64(s->min, 0) + 1;
    return span < values ? span : values;
}

static void partition_stats(const parquet_table *t, uint32_t p, vonk_column_stats *s)
{
    double distinct = 0;
    for (size_t f = 0; f < t->files.n; f++) {
        bool again = f > 0 && vonk_column_row_eq(t->files.at[f].values[p], 0, t->files.at[f - 1].values[p], 0);
        distinct += !again;
    }
    *s = (vonk_column_stats){.distinct = distinct, .null_fraction = -1};
}

static void finish_stats(parquet_table *t, column_sum *sums)
{
    for (uint32_t c = 0; c < t->base.schema->n_fields; c++) {
        vonk_column_stats *s = &t->column_stats[c];
        if (t->columns[c].partition >= 0) {
            partition_stats(t, (uint32_t)t->columns[c].partition, s);
            continue;
        }
        column_sum *sum = &sums[t->columns[c].data];
        if (!sum->no_bounds) {
            s->min = VONK_STEAL(sum->min);
            s->max = VONK_STEAL(sum->max);
        }
        s->null_fraction = sum->no_nulls || sum->values == 0 ? -1 : sum->nulls / sum->values;
        s->distinct = distinct_of(t->base.schema->fields[c].type, s, sum->values);
    }
}

static vonk_status sum_files(parquet_table *t, column_sum *sums, vonk_error *err)
{
    for (size_t i = 0; i < t->files.n; i++) {
        VONK_AUTO(vonk_parquet_meta_unref) vonk_parquet_meta *meta = NULL;
        vonk_status st = vonk__footer_get(&t->files.at[i], &t->options, &meta, err);
        if (st != VONK_OK && st != VONK_E_MEMORY_BUDGET_EXCEEDED) { /* the scan will say so */
            vonk_error_reset(err);
            continue;
        }
        VONK_TRY(st);
        t->stats.n_rows += (double)vonk_parquet_n_rows(meta);
        for (uint32_t g = 0; g < vonk_parquet_n_row_groups(meta); g++) VONK_TRY(add_group(t, meta, g, sums, err));
    }
    return VONK_OK;
}

vonk_status vonk__parquet_stats(vonk_table *table, vonk_table_stats *ret, vonk_error *err)
{
    parquet_table *t = (parquet_table *)table;
    VONK_LOCKED(&t->lock);
    if (!t->has_stats) {
        column_sum *sums = NULL;
        VONK_TRY(vonk_alloc_zeroed(t->budget, (t->data->n_fields + 1) * sizeof *sums, &sums, err));
        t->stats = (vonk_table_stats){0};
        vonk_status st = sum_files(t, sums, err);
        if (st == VONK_OK && !t->column_stats)
            st = vonk_alloc_zeroed(t->budget, (table->schema->n_fields + 1) * sizeof *t->column_stats, &t->column_stats,
                                   err);
        if (st == VONK_OK) finish_stats(t, sums);
        for (uint32_t c = 0; c < t->data->n_fields; c++) {
            vonk_column_unref(sums[c].min);
            vonk_column_unref(sums[c].max);
        }
        vonk_free(sums);
        VONK_TRY(st);
        t->stats.columns = t->column_stats;
        t->has_stats = true;
    }
    *ret = t->stats;
    return VONK_OK;
}

/* ---- texts */

static vonk_status table_files(vonk_table *table, vonk_arena *arena, vonk_str **ret, uint32_t *ret_n, vonk_error *err)
{
    const parquet_table *t = (const parquet_table *)table;
    VONK_TRY(vonk_arena_array(arena, t->files.n, sizeof **ret, ret, err));
    for (size_t i = 0; i < t->files.n; i++) VONK_TRY(vonk_arena_str(arena, t->files.at[i].uri, &(*ret)[i], err));
    *ret_n = vonk_u32_of(t->files.n);
    return VONK_OK;
}

static vonk_status table_describe(vonk_table *table, vonk_buf *out, vonk_error *err)
{
    const parquet_table *t = (const parquet_table *)table;
    VONK_TRY(vonk_buf_printf(out, err, "Location: InMemoryFileIndex(%zu paths)[", t->files.n_roots));
    for (size_t i = 0; i < t->files.n_roots && i < 3; i++)
        VONK_TRY(vonk_buf_printf(out, err, "%sfile:%.*s", i ? ", " : "", VONK_STR_ARGS(t->files.roots[i])));
    return vonk_buf_add_c(out, t->files.n_roots > 3 ? ", ...]" : "]", err);
}

static const vonk_type *read_schema(const vonk_scan *scan) { return ((const parquet_scan *)scan)->want; }

const vonk_table_class vonk__parquet_class = {.name = "parquet",
                                              .prunes_nested = true,
                                              .read_schema = read_schema,
                                              .free = table_free,
                                              .stats = vonk__parquet_stats,
                                              .pushable = vonk__parquet_pushable,
                                              .plan_scan = vonk__parquet_plan_scan,
                                              .files = table_files,
                                              .describe = table_describe,
                                              .encode_scan = vonk__parquet_encode_scan,
                                              .decode_scan = vonk__parquet_decode_scan};
