/* Row groups, indexes, the footer. */
#include "base/version.h"
#include "codec/parquet/file.h"
#include "codec/parquet/write.h"

#define SLICE_ROWS 1024 /* rows that are shredded at a time: pages may end between slices */

typedef struct group_indexes {
    pq_offset_index *offsets; /* one per leaf */
    pq_column_index *columns; /* has 0: none */
} group_indexes;

struct vonk_parquet_writer {
    vonk_budget *budget;
    vonk_arena *arena; /* what the footer needs */
    const vonk_bytes_out *out;
    vonk_parquet_write_options options;
    const vonk_type *type;
    vonk_compressor *compressor;
    pq_out_node root;
    pq_elements elements;
    pq_out_leaf *leaves;
    uint32_t n_leaves;
    uint64_t at, n_rows, group_rows;
    VONK_VEC(pq_row_group) groups;
    VONK_VEC(group_indexes) indexes;
    VONK_VEC(pq_key_value) pairs;
    bool closed;
};

/* ---- life */
static bool wants_bloom(const vonk_parquet_write_options *o, const pq_out_leaf_spec *leaf)
{
    for (size_t i = 0; i < o->n_bloom_columns; i++) {
        vonk_str rest = o->bloom_columns[i];
        size_t k = 0;
        for (; k < leaf->path.n; k++) {
            if (!vonk_str_starts(rest, leaf->path.at[k])) break;
            rest = vonk_str_sub(rest, leaf->path.at[k].len, rest.len);
            bool last = k + 1 == leaf->path.n;
            if (last ? rest.len > 0 : rest.len == 0 || rest.data[0] != '.') break;
            if (!last) rest = vonk_str_sub(rest, 1, rest.len);
        }
        if (k == leaf->path.n) return true;
    }
    return false;
}

static vonk_status add_pair(vonk_parquet_writer *w, vonk_str key, vonk_str value, vonk_error *err)
{
    pq_key_value pair = {.has = 3};
    VONK_TRY(vonk_arena_str(w->arena, key, &pair.key, err));
    VONK_TRY(vonk_arena_str(w->arena, value, &pair.value, err));
    return VONK_VEC_ARENA_PUSH(&w->pairs, w->arena, pair, err);
}

static vonk_status add_pairs(vonk_parquet_writer *w, const vonk_parquet_write_options *o, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf json = {0};
    vonk_buf_init(&json, w->budget, SIZE_MAX);
    VONK_TRY(vonk_type_json(w->type, &json, err));
    /* Readers take from the version that dates are counted in the proleptic calendar. */
    VONK_TRY(add_pair(w, VONK_STR("org.apache.spark.version"), VONK_STR(VONK_SPARK_VERSION), err));
    VONK_TRY(add_pair(w, VONK_STR("org.apache.spark.sql.parquet.row.metadata"), vonk_buf_str(&json), err));
    for (size_t i = 0; i < o->n_pairs; i++) VONK_TRY(add_pair(w, o->pairs[i].key, o->pairs[i].value, err));
    return VONK_OK;
}

static vonk_status open_leaves(vonk_parquet_writer *w, const pq_out_leaf_specs *specs,
                               const vonk_parquet_write_options *o, vonk_error *err)
{
    VONK_TRY(vonk_arena_array(w->arena, specs->n, sizeof *w->leaves, &w->leaves, err));
    for (uint32_t i = 0; i < specs->n; i++) {
        const pq_out_leaf_spec *spec = &specs->at[i];
        pq_out_leaf *leaf = &w->leaves[i];
        leaf->type = spec->type;
        leaf->path.at = spec->path.at;
        leaf->path.n = spec->path.n;
        leaf->put = spec->put;
        leaf->physical = spec->physical;
        leaf->max_def = spec->max_def;
        leaf->max_rep = spec->max_rep;
        leaf->fixed_bytes = spec->fixed_bytes;
        leaf->bloom = spec->put != PQ_PUT_BITS && wants_bloom(o, spec);
        VONK_TRY(vonk__pq_out_leaf_init(leaf, w->budget, w->arena, &w->options, w->compressor, err));
        w->n_leaves = i + 1;
    }
    return VONK_OK;
}

static vonk_status open_writer(vonk_parquet_writer *w, const vonk_parquet_write_options *o, vonk_error *err)
{
    pq_out_leaf_specs leaves = {0};
    VONK_TRY(vonk_arena_new(w->budget, &w->arena, err));
    VONK_TRY(vonk_compressor_new(w->budget, &w->compressor, err));
    if (o->compression == VONK_COMPRESS_LZO) {
        return VONK_FAIL(err, VONK_E_CODEC_NOT_AVAILABLE__WITH_AVAILABLE_CODECS_SUGGESTION, "codecName", "lzo",
                         "availableCodecs", "brotli, uncompressed, lz4_raw, lz4, none, snappy, zstd, gzip");
    }
    VONK_TRY(vonk__pq_out_schema(w->arena, w->type, &w->options, &w->root, &w->elements, &leaves, err));
    VONK_TRY(open_leaves(w, &leaves, o, err));
    VONK_TRY(add_pairs(w, o, err));
    VONK_TRY(w->out->append(w->out->self, "PAR1", 4, err));
    w->at = 4;
    return VONK_OK;
}

vonk_status vonk_parquet_writer_new(vonk_budget *budget, const vonk_bytes_out *out, const vonk_type *struct_type,
                                    const vonk_parquet_write_options *options, vonk_parquet_writer **ret,
                                    vonk_error *err)
{
    VONK_AUTO(vonk_parquet_writer_free) vonk_parquet_writer *w = NULL;
    VONK_TRY(VONK_NEW(budget, &w, err));
    w->budget = budget;
    w->out = out;
    w->options = *options;
    w->options.bloom_columns = NULL; /* borrowed for this call only */
    w->options.pairs = NULL;
    w->type = vonk_type_ref(struct_type);
    VONK_TRY(open_writer(w, options, err));
    *ret = VONK_STEAL(w);
    return VONK_OK;
}

void vonk_parquet_writer_free(vonk_parquet_writer *w)
{
    if (!w) return;
    for (uint32_t i = 0; i < w->n_leaves; i++) vonk__pq_out_leaf_done(&w->leaves[i]);
    vonk_compressor_free(w->compressor);
    vonk_type_unref(w->type);
    if (w->arena) vonk_arena_free(w->arena);
    vonk_free(w);
}

/* ---- indexes */
static int order_of(const pq_out_leaf *leaf, const pq_column_index *index)
{
    bool up = true, down = true;
    size_t before = SIZE_MAX;
    for (size_t i = 0; i < index->null_pages.n; i++) {
        if (index->null_pages.at[i]) continue;
        if (before != SIZE_MAX) {
            int min = vonk__pq_bounds_compare(leaf, index->min.at[before], index->min.at[i]);
            int max = vonk__pq_bounds_compare(leaf, index->max.at[before], index->max.at[i]);
            up &= min <= 0 && max <= 0;
            down &= min >= 0 && max >= 0;
        }
        before = i;
    }
    return up ? PQ_ASCENDING : (down ? PQ_DESCENDING : PQ_UNORDERED);
}

static vonk_status make_column_index(vonk_parquet_writer *w, const pq_out_leaf *leaf, pq_column_index *index,
                                     vonk_error *err)
{
    size_t n = leaf->notes.n;
    for (size_t i = 0; i < n; i++) {
        const pq_page_note *note = &leaf->notes.at[i];
        if (!note->all_null && (note->bad || !note->min.data)) return VONK_OK; /* one page without bounds: no index */
    }
    VONK_TRY(vonk_arena_array(w->arena, n, sizeof(bool), &index->null_pages.at, err));
    VONK_TRY(vonk_arena_array(w->arena, n, sizeof(vonk_str), &index->min.at, err));
    VONK_TRY(vonk_arena_array(w->arena, n, sizeof(vonk_str), &index->max.at, err));
    VONK_TRY(vonk_arena_array(w->arena, n, sizeof(int64_t), &index->n_nulls.at, err));
    index->null_pages.n = index->min.n = index->max.n = index->n_nulls.n = n;
    for (size_t i = 0; i < n; i++) {
        const pq_page_note *note = &leaf->notes.at[i];
        index->null_pages.at[i] = note->all_null;
        index->min.at[i] = note->min;
        index->max.at[i] = note->max;
        index->n_nulls.at[i] = note->n_nulls;
    }
    index->has = 31;
    index->order = order_of(leaf, index);
    return VONK_OK;
}

static vonk_status make_offset_index(vonk_parquet_writer *w, const pq_out_leaf *leaf, const pq_chunk *chunk,
                                     pq_offset_index *index, vonk_error *err)
{
    index->has = 1;
    index->pages.n = leaf->notes.n;
    VONK_TRY(vonk_arena_array(w->arena, leaf->notes.n, sizeof *index->pages.at, &index->pages.at, err));
    for (size_t i = 0; i < leaf->notes.n; i++) {
        const pq_page_note *note = &leaf->notes.at[i];
        index->pages.at[i] =
            (pq_page_place){7, chunk->meta.data_at + (int64_t)note->at, (int32_t)note->bytes, (int64_t)note->first_row};
    }
    return VONK_OK;
}

static vonk_status keep_indexes(vonk_parquet_writer *w, const pq_row_group *group, vonk_error *err)
{
    group_indexes indexes = {0};
    if (!w->options.page_index) return VONK_OK;
    VONK_TRY(vonk_arena_array(w->arena, w->n_leaves, sizeof *indexes.offsets, &indexes.offsets, err));
    VONK_TRY(vonk_arena_array(w->arena, w->n_leaves, sizeof *indexes.columns, &indexes.columns, err));
    for (uint32_t i = 0; i < w->n_leaves; i++) {
        VONK_TRY(make_offset_index(w, &w->leaves[i], &group->chunks.at[i], &indexes.offsets[i], err));
        VONK_TRY(make_column_index(w, &w->leaves[i], &indexes.columns[i], err));
    }
    return VONK_VEC_ARENA_PUSH(&w->indexes, w->arena, indexes, err);
}

/* ---- row groups */
static vonk_status end_group(vonk_parquet_writer *w, vonk_error *err)
{
    if (w->group_rows == 0) return VONK_OK;
    pq_row_group group = {.has = 1u << PQ_RG_CHUNKS | 1u << PQ_RG_BYTES | 1u << PQ_RG_ROWS | 1u << PQ_RG_OFFSET |
                                 1u << PQ_RG_PACKED_BYTES | 1u << PQ_RG_ORDINAL};
    group.n_rows = (int64_t)w->group_rows;
    group.file_offset = (int64_t)w->at;
    group.ordinal = (int16_t)(w->groups.n < INT16_MAX ? w->groups.n : INT16_MAX);
    group.chunks.n = w->n_leaves;
    VONK_TRY(vonk_arena_array(w->arena, w->n_leaves, sizeof *group.chunks.at, &group.chunks.at, err));
    for (uint32_t i = 0; i < w->n_leaves; i++) {
        VONK_TRY(vonk__pq_out_leaf_flush(&w->leaves[i], w->out, &w->at, &group.chunks.at[i], err));
        group.total_bytes += group.chunks.at[i].meta.plain_bytes;
        group.compressed_bytes += group.chunks.at[i].meta.bytes;
    }
    VONK_TRY(keep_indexes(w, &group, err));
    VONK_TRY(VONK_VEC_ARENA_PUSH(&w->groups, w->arena, group, err));
    for (uint32_t i = 0; i < w->n_leaves; i++) vonk__pq_out_leaf_reset(&w->leaves[i]);
    w->group_rows = 0;
    return VONK_OK;
}

static uint64_t group_bytes(const vonk_parquet_writer *w)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < w->n_leaves; i++) bytes += vonk__pq_out_leaf_bytes(&w->leaves[i]);
    return bytes;
}

static vonk_status write_rows(vonk_parquet_writer *w, vonk_column *const *columns, const uint32_t *rows, uint32_t n,
                              vonk_error *err)
{
    for (uint32_t c = 0; c < w->root.n_children; c++)
        VONK_TRY(vonk__pq_shred(w->budget, w->leaves, &w->root.children[c], columns[c], rows, n, err));
    w->group_rows += n;
    w->n_rows += n;
    return group_bytes(w) >= w->options.row_group_bytes ? end_group(w, err) : VONK_OK;
}

/* Rows until a leaf's page has as many as it may. */
static uint32_t rows_to_page_end(const vonk_parquet_writer *w)
{
    uint32_t most = SLICE_ROWS;
    for (uint32_t i = 0; i < w->n_leaves; i++) {
        uint32_t left = w->options.page_rows > w->leaves[i].n_rows ? w->options.page_rows - w->leaves[i].n_rows : 1;
        most = left < most ? left : most;
    }
    return most;
}

static vonk_status write_slices(vonk_parquet_writer *w, const vonk_batch *batch, vonk_column *const *columns,
                                vonk_error *err)
{
    uint32_t rows[SLICE_ROWS];
    for (uint32_t i = 0, n = 0; i < batch->n_sel; i += n) {
        n = rows_to_page_end(w);
        if (n > batch->n_sel - i) n = batch->n_sel - i;
        for (uint32_t k = 0; k < n; k++) rows[k] = batch->sel ? batch->sel[i + k] : i + k;
        VONK_TRY(write_rows(w, columns, rows, n, err));
    }
    return VONK_OK;
}

vonk_status vonk_parquet_writer_write(vonk_parquet_writer *w, const vonk_batch *batch, vonk_error *err)
{
    vonk_column **columns = NULL;
    uint32_t made = 0;
    assert(!w->closed && batch->n_columns == w->root.n_children);
    VONK_TRY(vonk_alloc_array(w->budget, batch->n_columns, sizeof *columns, &columns, err));
    vonk_status st = VONK_OK;
    for (; made < batch->n_columns && st == VONK_OK; made += st == VONK_OK)
        st = vonk_column_flatten(w->budget, batch->columns[made], &columns[made], err);
    if (st == VONK_OK) st = write_slices(w, batch, columns, err);
    for (uint32_t i = 0; i < made; i++) vonk_column_unref(columns[i]);
    vonk_free(columns);
    return st;
}

/* ---- the end of the file */
static vonk_status put_struct(vonk_parquet_writer *w, const vonk_thrift_struct *what, const void *from,
                              vonk_buf *scratch, vonk_error *err)
{
    vonk_buf_reset(scratch);
    VONK_TRY(vonk_thrift_write(what, from, scratch, err));
    VONK_TRY(w->out->append(w->out->self, scratch->data, scratch->len, err));
    w->at += scratch->len;
    return VONK_OK;
}

/* First all column indexes, then all offset indexes: a reader gets each kind with one read. */
static vonk_status put_indexes(vonk_parquet_writer *w, vonk_buf *scratch, vonk_error *err)
{
    for (size_t g = 0; g < w->indexes.n; g++) {
        for (uint32_t i = 0; i < w->n_leaves; i++) {
            pq_chunk *chunk = &w->groups.at[g].chunks.at[i];
            if (!w->indexes.at[g].columns[i].has) continue;
            chunk->has |= 1u << PQ_CHUNK_CI_AT | 1u << PQ_CHUNK_CI_BYTES;
            chunk->column_index_at = (int64_t)w->at;
            VONK_TRY(put_struct(w, &vonk__pq_column_index, &w->indexes.at[g].columns[i], scratch, err));
            chunk->column_index_bytes = (int32_t)scratch->len;
        }
    }
    for (size_t g = 0; g < w->indexes.n; g++) {
        for (uint32_t i = 0; i < w->n_leaves; i++) {
            pq_chunk *chunk = &w->groups.at[g].chunks.at[i];
            chunk->has |= 1u << PQ_CHUNK_OI_AT | 1u << PQ_CHUNK_OI_BYTES;
            chunk->offset_index_at = (int64_t)w->at;
            VONK_TRY(put_struct(w, &vonk__pq_offset_index, &w->indexes.at[g].offsets[i], scratch, err));
            chunk->offset_index_bytes = (int32_t)scratch->len;
        }
    }
    return VONK_OK;
}

static vonk_status put_footer(vonk_parquet_writer *w, vonk_buf *scratch, vonk_error *err)
{
    pq_column_order *orders = NULL;
    VONK_TRY(vonk_arena_array(w->arena, w->n_leaves, sizeof *orders, &orders, err));
    for (uint32_t i = 0; i < w->n_leaves; i++) orders[i].has = 1;
    pq_file_meta file = {.has = 1u << PQ_FILE_VERSION | 1u << PQ_FILE_SCHEMA | 1u << PQ_FILE_ROWS |
                                1u << PQ_FILE_GROUPS | 1u << PQ_FILE_KEY_VALUES | 1u << PQ_FILE_CREATED_BY |
                                1u << PQ_FILE_ORDERS,
                         .version = w->options.v2 ? 2 : 1,
                         .n_rows = (int64_t)w->n_rows,
                         .created_by = VONK_STR("vonk version " VONK_VERSION)};
    file.schema.at = w->elements.at, file.schema.n = w->elements.n;
    file.groups.at = w->groups.at, file.groups.n = w->groups.n;
    file.key_values.at = w->pairs.at, file.key_values.n = w->pairs.n;
    file.orders.at = orders, file.orders.n = w->n_leaves;
    VONK_TRY(put_struct(w, &vonk__pq_file_meta, &file, scratch, err));
    if (scratch->len > PQ_MAX_FOOTER)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "Parquet footers of more than 512 MiB");
    uint32_t bytes = (uint32_t)scratch->len;
    VONK_TRY(w->out->append(w->out->self, &bytes, 4, err));
    VONK_TRY(w->out->append(w->out->self, "PAR1", 4, err));
    w->at += 8;
    return VONK_OK;
}

vonk_status vonk_parquet_writer_close(vonk_parquet_writer *w, vonk_parquet_written *ret, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf scratch = {0};
    assert(!w->closed);
    vonk_buf_init(&scratch, w->budget, SIZE_MAX);
    VONK_TRY(end_group(w, err));
    VONK_TRY(put_indexes(w, &scratch, err));
    VONK_TRY(put_footer(w, &scratch, err));
    w->closed = true;
    if (ret) *ret = (vonk_parquet_written){w->n_rows, w->at, (uint32_t)w->groups.n};
    return VONK_OK;
}
