/* source/parquet_codec.c -- a planned scan as bytes: what an executor needs to read its partitions, without looking at
 * folders or at the footers of files that it does not read. Format: docs/format/plan.md.
 *
 *   settings (pairs), time, zone, user, catalog, database | data schema, partition schema, columns of the table | files
 * with a block of partition values | output columns, pruned type, predicates (a Project in the plan's own format) | row
 * groups by partition */
#include "column/block.h"
#include "source/parquet_int.h"

/* ---- writing */

static vonk_status put_u64(vonk_buf *out, uint64_t x, vonk_error *err)
{
    char bytes[10];
    size_t n = 0;
    for (; x >= 128; x >>= 7) bytes[n++] = (char)(x | 128);
    bytes[n++] = (char)x;
    return vonk_buf_append(out, bytes, n, err);
}

static vonk_status put_i64(vonk_buf *out, int64_t x, vonk_error *err)
{
    return put_u64(out, (uint64_t)x << 1 ^ (uint64_t)(x >> 63), err);
}

static vonk_status put_str(vonk_buf *out, vonk_str s, vonk_error *err)
{
    VONK_TRY(put_u64(out, s.len, err));
    return vonk_buf_append(out, s.data, s.len, err);
}

static vonk_status put_type(vonk_buf *out, const vonk_type *type, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf json = {0};
    vonk_buf_init(&json, out->budget, SIZE_MAX);
    if (type) VONK_TRY(vonk_type_json(type, &json, err));
    return put_str(out, vonk_buf_str(&json), err);
}

static vonk_status put_session(vonk_buf *out, const parquet_scan *s, vonk_error *err)
{
    const vonk_fn_env *env = s->env;
    vonk_str key, value;
    uint64_t n = 0;
    for (size_t at = 0; vonk_conf_next(s->conf, &at, &key, &value);) n++;
    VONK_TRY(put_u64(out, n, err));
    for (size_t at = 0; vonk_conf_next(s->conf, &at, &key, &value);) {
        VONK_TRY(put_str(out, key, err));
        VONK_TRY(put_str(out, value, err));
    }
    VONK_TRY(put_i64(out, env->now_us, err));
    VONK_TRY(put_str(out, env->time_zone, err));
    VONK_TRY(put_str(out, env->user, err));
    VONK_TRY(put_str(out, env->catalog, err));
    return put_str(out, env->database, err);
}

static vonk_status put_table(vonk_buf *out, const parquet_table *t, vonk_error *err)
{
    VONK_TRY(put_type(out, t->data, err));
    VONK_TRY(put_type(out, t->base.schema, err));
    VONK_TRY(put_type(out, t->files.partitions, err));
    for (uint32_t i = 0; i < t->base.schema->n_fields; i++) {
        VONK_TRY(put_i64(out, t->columns[i].data, err));
        VONK_TRY(put_i64(out, t->columns[i].partition, err));
    }
    VONK_TRY(put_u64(out, t->base.identity, err));
    return put_u64(out, (uint64_t)t->ignore_corrupt | (uint64_t)t->ignore_missing << 1, err);
}

static vonk_status put_values(vonk_buf *out, const parquet_scan *s, const source_file *file, vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf block = {0};
    const vonk_type *partitions = s->table->files.partitions;
    if (!partitions) return VONK_OK;
    vonk_buf_init(&block, out->budget, SIZE_MAX);
    VONK_TRY(vonk_batch_new(s->budget, 1, file->values, partitions->n_fields, &batch, err));
    VONK_TRY(vonk_block_encode(batch, &block, err));
    return put_str(out, vonk_buf_str(&block), err);
}

/* Files that some partition reads; number[f]: which one in the list, UINT32_MAX: none. */
static vonk_status put_files(vonk_buf *out, const parquet_scan *s, uint32_t *number, vonk_error *err)
{
    uint32_t n = 0;
    for (size_t f = 0; f < s->table->files.n; f++) number[f] = UINT32_MAX;
    for (uint32_t u = 0; u < s->n_units; u++) number[s->units[u].file] = 0;
    for (size_t f = 0; f < s->table->files.n; f++)
        if (number[f] == 0) number[f] = n++;
    VONK_TRY(put_u64(out, n, err));
    for (size_t f = 0; f < s->table->files.n; f++) {
        const source_file *file = &s->table->files.at[f];
        if (number[f] == UINT32_MAX) continue;
        VONK_TRY(put_str(out, file->path, err));
        VONK_TRY(put_str(out, file->uri, err));
        VONK_TRY(put_i64(out, file->bytes, err));
        VONK_TRY(put_i64(out, file->mtime_us, err));
        VONK_TRY(put_values(out, s, file, err));
    }
    return VONK_OK;
}

static vonk_status put_predicates(vonk_buf *out, const parquet_scan *s, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *row = NULL, *project = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf bytes = {0};
    vonk_plan *node = NULL;
    vonk_buf_init(&bytes, out->budget, SIZE_MAX);
    VONK_TRY(vonk_plan_new(s->budget, VONK_PN_P_ONE_ROW, NULL, 0, &node, err));
    VONK_TRY(vonk_plan_finish(node, &row, err));
    VONK_TRY(vonk_plan_new(s->budget, VONK_PN_P_PROJECT, &row, 1, &node, err));
    vonk_status st = vonk_plan_set_list(node, 0, s->predicates, s->n_predicates, err);
    if (st != VONK_OK) {
        vonk_plan_unref(node);
        return st;
    }
    VONK_TRY(vonk_plan_finish(node, &project, err));
    VONK_TRY(vonk_plan_encode(project, &bytes, err));
    return put_str(out, vonk_buf_str(&bytes), err);
}

vonk_status vonk__parquet_encode_scan(const vonk_scan *scan, vonk_buf *out, vonk_error *err)
{
    const parquet_scan *s = (const parquet_scan *)scan;
    VONK_AUTO(vonk_arena_free) vonk_arena *scratch = NULL;
    uint32_t *number = NULL;
    VONK_TRY(vonk_arena_new(out->budget, &scratch, err));
    VONK_TRY(vonk_arena_array(scratch, s->table->files.n, sizeof *number, &number, err));
    VONK_TRY(put_session(out, s, err));
    VONK_TRY(put_table(out, s->table, err));
    VONK_TRY(put_files(out, s, number, err));
    VONK_TRY(put_u64(out, s->n_output, err));
    for (uint32_t i = 0; i < s->n_output; i++) VONK_TRY(put_u64(out, s->columns[i], err));
    VONK_TRY(put_type(out, s->pruned, err));
    VONK_TRY(put_predicates(out, s, err));
    VONK_TRY(put_u64(out, s->base.n_partitions, err));
    for (uint32_t p = 0; p < s->base.n_partitions; p++) {
        VONK_TRY(put_u64(out, s->first_unit[p + 1] - s->first_unit[p], err));
        for (uint32_t u = s->first_unit[p]; u < s->first_unit[p + 1]; u++) {
            VONK_TRY(put_u64(out, number[s->units[u].file], err));
            VONK_TRY(put_u64(out, s->units[u].group, err));
        }
    }
    return VONK_OK;
}

/* ---- reading */

typedef struct reading {
    vonk_budget *budget;
    vonk_arena *arena; /* the table's */
    vonk_cursor *in;
    vonk_error *err;
} reading;

static vonk_status get_u32(reading *r, uint64_t most, uint32_t *ret)
{
    uint64_t x = 0;
    VONK_TRY(vonk_cursor_varint(r->in, &x, r->err));
    if (x > most || x > UINT32_MAX) return vonk_cursor_fail(r->in, "a number of a scan is out of range", r->err);
    *ret = (uint32_t)x;
    return VONK_OK;
}

/* A count of things that take a byte each at least. */
static vonk_status get_n(reading *r, uint32_t *ret) { return get_u32(r, vonk_cursor_left(r->in), ret); }

static vonk_status get_str(reading *r, vonk_str *ret)
{
    uint64_t n = 0;
    const uint8_t *at = NULL;
    VONK_TRY(vonk_cursor_varint(r->in, &n, r->err));
    if (n > vonk_cursor_left(r->in)) return vonk_cursor_fail(r->in, "a text of a scan is cut off", r->err);
    VONK_TRY(vonk_cursor_take(r->in, (size_t)n, &at, r->err));
    return vonk_arena_str(r->arena, (vonk_str){(const char *)at, (size_t)n}, ret, r->err);
}

static void drop_type(void *type) { vonk_type_unref(type); }
static void drop_batch(void *batch) { vonk_batch_unref(batch); }
static void drop_plan(void *plan) { vonk_plan_unref(plan); }
static void drop_conf(void *conf) { vonk_conf_unref(conf); }

/* Of the arena; *ret NULL: none. */
static vonk_status get_type(reading *r, const vonk_type **ret)
{
    vonk_str json;
    *ret = NULL;
    VONK_TRY(get_str(r, &json));
    if (json.len == 0) return VONK_OK;
    VONK_TRY(vonk_type_parse_json(json, ret, r->err));
    VONK_TRY(vonk_arena_on_free(r->arena, drop_type, (void *)(uintptr_t)*ret, r->err));
    return (*ret)->id == VONK_T_STRUCT ? VONK_OK : vonk_cursor_fail(r->in, "a schema of a scan is no struct", r->err);
}

static vonk_status get_session(reading *r, const vonk_conf **ret_conf, vonk_fn_env *ret_env)
{
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = NULL;
    uint32_t n = 0;
    VONK_TRY(vonk_conf_new(r->budget, &conf, r->err));
    VONK_TRY(get_n(r, &n));
    for (uint32_t i = 0; i < n; i++) {
        vonk_str key, value;
        const vonk_conf *next = NULL;
        VONK_TRY(get_str(r, &key));
        VONK_TRY(get_str(r, &value));
        VONK_TRY(vonk_conf_with_any(r->budget, conf, key, value, &next, r->err));
        vonk_conf_unref(conf);
        conf = next;
    }
    int64_t now_us = 0;
    VONK_TRY(vonk_cursor_zigzag(r->in, &now_us, r->err));
    vonk_conf_fn_env(conf, now_us, ret_env);
    VONK_TRY(get_str(r, &ret_env->time_zone));
    VONK_TRY(get_str(r, &ret_env->user));
    VONK_TRY(get_str(r, &ret_env->catalog));
    VONK_TRY(get_str(r, &ret_env->database));
    *ret_conf = conf;
    return vonk_arena_on_free(r->arena, drop_conf, (void *)(uintptr_t)VONK_STEAL(conf), r->err);
}

static vonk_status get_column(reading *r, const parquet_table *t, parquet_column *ret)
{
    int64_t data = 0, partition = 0;
    VONK_TRY(vonk_cursor_zigzag(r->in, &data, r->err));
    VONK_TRY(vonk_cursor_zigzag(r->in, &partition, r->err));
    int64_t n_partitions = t->files.partitions ? t->files.partitions->n_fields : 0;
    bool known = data >= -1 && data < t->data->n_fields && partition >= -1 && partition < n_partitions &&
                 (data >= 0 || partition >= 0);
    if (!known) return vonk_cursor_fail(r->in, "a column of a scan is not there", r->err);
    *ret = (parquet_column){(int32_t)data, (int32_t)partition};
    return VONK_OK;
}

static vonk_status get_table(reading *r, parquet_table *t)
{
    const vonk_type *data = NULL, *schema = NULL;
    uint32_t bits = 0;
    VONK_TRY(get_type(r, &data));
    VONK_TRY(get_type(r, &schema));
    VONK_TRY(get_type(r, &t->files.partitions));
    if (!data || !schema) return vonk_cursor_fail(r->in, "a scan without a schema", r->err);
    t->data = vonk_type_ref(data);
    t->base.schema = vonk_type_ref(schema);
    VONK_TRY(vonk_arena_array(r->arena, schema->n_fields, sizeof *t->columns, &t->columns, r->err));
    for (uint32_t i = 0; i < schema->n_fields; i++) VONK_TRY(get_column(r, t, &t->columns[i]));
    VONK_TRY(vonk_cursor_varint(r->in, &t->base.identity, r->err));
    VONK_TRY(get_u32(r, 3, &bits));
    t->ignore_corrupt = bits & 1;
    t->ignore_missing = bits >> 1;
    return VONK_OK;
}

static vonk_status get_values(reading *r, const parquet_table *t, source_file *file)
{
    const vonk_type *partitions = t->files.partitions;
    const vonk_type **types = NULL;
    vonk_batch *batch = NULL;
    vonk_str bytes;
    if (!partitions) return VONK_OK;
    VONK_TRY(get_str(r, &bytes));
    VONK_TRY(vonk_arena_array(r->arena, partitions->n_fields, sizeof *types, &types, r->err));
    for (uint32_t i = 0; i < partitions->n_fields; i++) types[i] = partitions->fields[i].type;
    vonk_cursor in = vonk_cursor_of(bytes.data, bytes.len, "scan");
    VONK_TRY(vonk_block_decode(r->budget, &in, types, partitions->n_fields, &batch, r->err));
    VONK_TRY(vonk_arena_on_free(r->arena, drop_batch, batch, r->err));
    if (batch->n_sel != 1 || batch->sel)
        return vonk_cursor_fail(r->in, "partition values of a scan are not one row", r->err);
    file->values = batch->columns;
    return VONK_OK;
}

static vonk_status get_files(reading *r, parquet_table *t)
{
    uint32_t n = 0;
    VONK_TRY(get_n(r, &n));
    VONK_TRY(vonk_arena_array(r->arena, n, sizeof *t->files.at, &t->files.at, r->err));
    t->files.n = n;
    for (uint32_t f = 0; f < n; f++) {
        source_file *file = &t->files.at[f];
        VONK_TRY(get_str(r, &file->path));
        VONK_TRY(get_str(r, &file->uri));
        VONK_TRY(vonk_cursor_zigzag(r->in, &file->bytes, r->err));
        VONK_TRY(vonk_cursor_zigzag(r->in, &file->mtime_us, r->err));
        VONK_TRY(get_values(r, t, file));
    }
    return VONK_OK;
}

static vonk_status get_spec(reading *r, const parquet_table *t, vonk_scan_spec *ret)
{
    uint32_t *columns = NULL;
    const vonk_plan *project = NULL;
    vonk_str bytes;
    VONK_TRY(get_n(r, &ret->n_columns));
    VONK_TRY(vonk_arena_array(r->arena, ret->n_columns, sizeof *columns, &columns, r->err));
    for (uint32_t i = 0; i < ret->n_columns; i++) {
        VONK_TRY(get_u32(r, UINT32_MAX, &columns[i]));
        if (columns[i] >= t->base.schema->n_fields)
            return vonk_cursor_fail(r->in, "an output column of a scan is not there", r->err);
    }
    ret->columns = columns;
    VONK_TRY(get_type(r, &ret->pruned));
    if (ret->pruned && ret->pruned->n_fields != ret->n_columns)
        return vonk_cursor_fail(r->in, "a pruned type of a scan does not fit", r->err);
    VONK_TRY(get_str(r, &bytes));
    VONK_TRY(vonk_plan_decode(r->budget, bytes, &project, r->err));
    VONK_TRY(vonk_arena_on_free(r->arena, drop_plan, (void *)(uintptr_t)project, r->err));
    ret->predicates = project->n_lists > 0 ? project->lists[0].at : NULL;
    ret->n_predicates = project->n_lists > 0 ? project->lists[0].n : 0;
    return VONK_OK;
}

static vonk_status get_units(reading *r, parquet_scan *s)
{
    uint32_t n = 0;
    VONK_TRY(get_n(r, &s->base.n_partitions));
    VONK_TRY(
        vonk_arena_array(s->arena, (size_t)s->base.n_partitions + 1, sizeof *s->first_unit, &s->first_unit, r->err));
    VONK_TRY(vonk_arena_array(s->arena, vonk_cursor_left(r->in) / 2 + 1, sizeof *s->units, &s->units, r->err));
    for (uint32_t p = 0; p < s->base.n_partitions; p++) {
        VONK_TRY(get_u32(r, vonk_cursor_left(r->in) / 2, &n));
        s->first_unit[p] = s->n_units;
        for (uint32_t i = 0; i < n; i++) {
            parquet_unit *unit = &s->units[s->n_units++];
            VONK_TRY(get_u32(r, UINT32_MAX, &unit->file));
            VONK_TRY(get_u32(r, UINT32_MAX, &unit->group));
            if (unit->file >= s->table->files.n)
                return vonk_cursor_fail(r->in, "a file of a scan is not there", r->err);
        }
    }
    s->first_unit[s->base.n_partitions] = s->n_units;
    return VONK_OK;
}

vonk_status vonk__parquet_decode_scan(vonk_budget *budget, vonk_cursor *in, vonk_scan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_table_unref) vonk_table *table = NULL;
    VONK_AUTO(vonk_scan_unref) vonk_scan *scan = NULL;
    parquet_table *t = NULL;
    vonk_scan_spec spec = {.limit = -1};
    vonk_fn_env *env = NULL;
    VONK_TRY(vonk__parquet_table_new(budget, &t, err));
    table = &t->base;
    VONK_TRY(vonk_arena_new(budget, &t->files.arena, err));
    reading r = {.budget = budget, .arena = t->files.arena, .in = in, .err = err};
    VONK_TRY(VONK_ARENA_NEW(r.arena, &env, err));
    VONK_TRY(get_session(&r, &spec.conf, env));
    spec.env = env;
    vonk__parquet_options_of(spec.conf, &t->options);
    t->case_sensitive = env->case_sensitive;
    VONK_TRY(get_table(&r, t));
    VONK_TRY(get_files(&r, t));
    VONK_TRY(get_spec(&r, t, &spec));
    VONK_TRY(vonk__parquet_scan_new(table, &spec, budget, &scan, err));
    VONK_TRY(get_units(&r, (parquet_scan *)scan));
    *ret = VONK_STEAL(scan);
    return VONK_OK;
}
