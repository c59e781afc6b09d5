/* plan/plan_encode.c -- a physical plan as bytes: docs/format/plan.md. Types, origins, expressions and nodes are
 * records; what is used twice is written once. */
#include "column/block.h"
#include "plan/origin.h"
#include "plan/plan_codec.h"
#include "plan/plan_int.h"

typedef struct encoder {
    vonk_buf *out;
    vonk_arena *arena;
    vonk_id_map types, origins, exprs, nodes; /* address -> number */
    uint64_t n[VONK__N_PLAN_TAG];
    const vonk_plan *const *leaves;
    uint32_t n_leaves;
} encoder;

/* ---- primitives */

static vonk_status put_u64(encoder *e, uint64_t x, vonk_error *err)
{
    char bytes[10];
    size_t n = 0;
    for (; x >= 0x80; x >>= 7) bytes[n++] = (char)(x | 0x80);
    bytes[n++] = (char)x;
    return vonk_buf_append(e->out, bytes, n, err);
}
static vonk_status put_i64(encoder *e, int64_t x, vonk_error *err)
{
    return put_u64(e, (uint64_t)x << 1 ^ (uint64_t)(x >> 63), err);
}
static vonk_status put_f64(encoder *e, double x, vonk_error *err) { return vonk_buf_append(e->out, &x, sizeof x, err); }
static vonk_status put_str(encoder *e, vonk_str s, vonk_error *err)
{
    VONK_TRY(put_u64(e, s.len, err));
    return vonk_buf_append(e->out, s.data, s.len, err);
}
static vonk_status put_strs(encoder *e, const vonk_str *texts, uint32_t n, vonk_error *err)
{
    VONK_TRY(put_u64(e, n, err));
    for (uint32_t i = 0; i < n; i++) VONK_TRY(put_str(e, texts[i], err));
    return VONK_OK;
}
static vonk_status put_options(encoder *e, const vonk_option *options, uint32_t n, vonk_error *err)
{
    VONK_TRY(put_u64(e, n, err));
    for (uint32_t i = 0; i < n; i++) {
        VONK_TRY(put_str(e, options[i].key, err));
        VONK_TRY(put_str(e, options[i].value, err));
    }
    return VONK_OK;
}

static uint64_t known(const vonk_id_map *map, const void *thing)
{
    uint64_t number = 0;
    return vonk__id_map_get(map, (uint64_t)(uintptr_t)thing, &number) ? number : 0;
}

static vonk_status begin(encoder *e, vonk__plan_tag tag, vonk_id_map *map, const void *thing, vonk_error *err)
{
    VONK_TRY(vonk__id_map_put(map, (uint64_t)(uintptr_t)thing, ++e->n[tag], err));
    return put_u64(e, tag, err);
}

/* ---- records that others refer to */

static vonk_status type_record(encoder *e, const vonk_type *t, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf json = {0};
    if (!t || known(&e->types, t)) return VONK_OK;
    vonk_buf_init(&json, vonk_arena_budget(e->arena), SIZE_MAX);
    VONK_TRY(vonk_type_json(t, &json, err));
    VONK_TRY(begin(e, VONK__TAG_TYPE, &e->types, t, err));
    return put_str(e, vonk_buf_str(&json), err);
}

static vonk_status origin_record(encoder *e, const vonk_origin_text *t, vonk_error *err)
{
    if (!t || known(&e->origins, t)) return VONK_OK;
    VONK_TRY(begin(e, VONK__TAG_ORIGIN, &e->origins, t, err));
    VONK_TRY(put_u64(e, t->is_dataframe, err));
    VONK_TRY(put_str(e, t->text, err));
    VONK_TRY(put_str(e, t->call_site, err));
    VONK_TRY(put_str(e, t->object_type, err));
    return put_str(e, t->object_name, err);
}

static vonk_status put_block(encoder *e, const vonk_batch *batch, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf block = {0};
    vonk_buf_init(&block, vonk_arena_budget(e->arena), SIZE_MAX);
    VONK_TRY(vonk_block_encode(batch, &block, err));
    return put_str(e, vonk_buf_str(&block), err);
}

static vonk_status put_value(encoder *e, vonk_column *value, vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    VONK_TRY(vonk_batch_new(vonk_arena_budget(e->arena), 1, &value, 1, &batch, err));
    return put_block(e, batch, err);
}

/* ---- expressions */

static uint64_t fields_of(const vonk_expr *x)
{
    uint64_t fields = 0;
    if (x->name.len) fields |= VONK__EXPR_NAME;
    if (x->n_parts) fields |= VONK__EXPR_PARTS;
    if (x->ids) fields |= VONK__EXPR_IDS;
    if (x->plan_id != -1) fields |= VONK__EXPR_PLAN_ID;
    if (x->n_args || x->n_order || x->n_partition || x->index) fields |= VONK__EXPR_COUNTS;
    if (x->kind == VONK_EX_WINDOW) fields |= VONK__EXPR_FRAME;
    if (x->fn) fields |= VONK__EXPR_FN;
    if (x->value) fields |= VONK__EXPR_VALUE;
    if (x->metadata.len) fields |= VONK__EXPR_METADATA;
    if (x->origin.text) fields |= VONK__EXPR_ORIGIN;
    if (x->python) fields |= VONK__EXPR_PYTHON;
    return fields;
}

static vonk_status put_python(encoder *e, const vonk_python_fn *fn, vonk_error *err)
{
    if (fn->n_broadcasts)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "broadcast variables in plans that travel");
    VONK_TRY(put_u64(e, fn->eval, err));
    VONK_TRY(put_u64(e, fn->deterministic, err));
    VONK_TRY(put_str(e, fn->name, err));
    VONK_TRY(put_str(e, fn->command, err));
    VONK_TRY(put_str(e, fn->python_version, err));
    VONK_TRY(put_str(e, fn->analyzed, err));
    return put_strs(e, fn->includes, fn->n_includes, err);
}

static vonk_status put_fields(encoder *e, const vonk_expr *x, uint64_t fields, vonk_error *err)
{
    if (fields & VONK__EXPR_NAME) VONK_TRY(put_str(e, x->name, err));
    if (fields & VONK__EXPR_PARTS) VONK_TRY(put_strs(e, x->parts, x->n_parts, err));
    for (uint32_t i = 0; i < x->n_parts && fields & VONK__EXPR_IDS; i++) VONK_TRY(put_u64(e, x->ids[i], err));
    if (fields & VONK__EXPR_PLAN_ID) VONK_TRY(put_i64(e, x->plan_id, err));
    if (fields & VONK__EXPR_COUNTS) {
        VONK_TRY(put_u64(e, x->n_args, err));
        VONK_TRY(put_u64(e, x->n_order, err));
        VONK_TRY(put_u64(e, x->n_partition, err));
        VONK_TRY(put_u64(e, x->index, err));
    }
    if (fields & VONK__EXPR_FRAME) {
        VONK_TRY(put_u64(e, (uint64_t)x->frame.given | (uint64_t)x->frame.rows << 1, err));
        VONK_TRY(put_u64(e, x->frame.lower, err));
        VONK_TRY(put_u64(e, x->frame.upper, err));
    }
    if (fields & VONK__EXPR_FN) VONK_TRY(put_str(e, vonk_str_of(x->fn->name), err));
    if (fields & VONK__EXPR_VALUE) VONK_TRY(put_value(e, x->value, err));
    if (fields & VONK__EXPR_METADATA) VONK_TRY(put_str(e, x->metadata, err));
    if (fields & VONK__EXPR_ORIGIN) {
        VONK_TRY(put_u64(e, known(&e->origins, x->origin.text), err));
        VONK_TRY(put_i64(e, x->origin.start, err));
        VONK_TRY(put_i64(e, x->origin.stop, err));
    }
    return fields & VONK__EXPR_PYTHON ? put_python(e, x->python, err) : VONK_OK;
}

/* Children first. The depth of expressions is bounded (VONK_MAX_EXPR_DEPTH). */
static vonk_status expr_record(encoder *e, const vonk_expr *x, vonk_error *err)
{
    if (known(&e->exprs, x)) return VONK_OK;
    if (x->kind == VONK_EX_SUBQUERY)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "a subquery in a physical plan");
    for (uint32_t i = 0; i < x->n_children; i++) VONK_TRY(expr_record(e, x->children[i], err));
    VONK_TRY(type_record(e, x->type, err));
    VONK_TRY(origin_record(e, x->origin.text, err));
    uint64_t fields = fields_of(x);
    VONK_TRY(begin(e, VONK__TAG_EXPR, &e->exprs, x, err));
    VONK_TRY(put_u64(e, x->kind, err));
    VONK_TRY(put_u64(e, x->flags, err));
    VONK_TRY(put_u64(e, (uint64_t)x->nullable | (uint64_t)x->mode << 1, err));
    VONK_TRY(put_u64(e, x->type ? known(&e->types, x->type) : 0, err));
    VONK_TRY(put_u64(e, x->id, err));
    VONK_TRY(put_u64(e, x->n_children, err));
    for (uint32_t i = 0; i < x->n_children; i++) VONK_TRY(put_u64(e, known(&e->exprs, x->children[i]), err));
    VONK_TRY(put_u64(e, fields, err));
    return put_fields(e, x, fields, err);
}

static vonk_status list_records(encoder *e, const vonk_expr *const *list, uint32_t n, vonk_error *err)
{
    for (uint32_t i = 0; i < n; i++) VONK_TRY(expr_record(e, list[i], err));
    return VONK_OK;
}

static vonk_status put_list(encoder *e, const vonk_expr *const *list, uint32_t n, vonk_error *err)
{
    VONK_TRY(put_u64(e, n, err));
    for (uint32_t i = 0; i < n; i++) VONK_TRY(put_u64(e, known(&e->exprs, list[i]), err));
    return VONK_OK;
}

/* ---- payloads */

static vonk_status put_name(encoder *e, const vonk_name_info *info, vonk_error *err)
{
    VONK_TRY(put_strs(e, info->parts, info->n_parts, err));
    VONK_TRY(put_strs(e, info->columns, info->n_columns, err));
    return put_options(e, info->options, info->n_options, err);
}

static vonk_status put_scan(encoder *e, const vonk_plan *p, vonk_error *err)
{
    const vonk_scan_info *info = &p->scan;
    VONK_AUTO(vonk_buf_done) vonk_buf bytes = {0};
    vonk_buf_init(&bytes, vonk_arena_budget(e->arena), SIZE_MAX);
    VONK_TRY(info->table->cls->encode_scan(info->scan, &bytes, err));
    VONK_TRY(put_str(e, vonk_str_of(info->table->cls->name), err));
    VONK_TRY(put_str(e, vonk_buf_str(&bytes), err));
    VONK_TRY(put_u64(e, info->n_columns, err));
    for (uint32_t i = 0; i < info->n_columns; i++) VONK_TRY(put_u64(e, info->columns[i], err));
    VONK_TRY(put_u64(e, info->pruned ? known(&e->types, info->pruned) : 0, err));
    VONK_TRY(put_i64(e, info->limit, err));
    VONK_TRY(put_u64(e, info->n_files, err));
    return put_u64(e, info->n_options, err);
}

static vonk_status put_join(encoder *e, const vonk_join_info *info, vonk_error *err)
{
    uint64_t bits = (uint64_t)info->natural | (uint64_t)info->lateral << 1 | (uint64_t)info->null_aware << 2 |
                    (uint64_t)info->build_left << 3 | (uint64_t)info->broadcast << 4;
    VONK_TRY(put_u64(e, info->type, err));
    VONK_TRY(put_u64(e, bits, err));
    return put_u64(e, info->mark_id, err);
}

static vonk_status put_write(encoder *e, const vonk_write_info *info, vonk_error *err)
{
    uint64_t bits =
        (uint64_t)info->by_name | (uint64_t)info->if_not_exists << 1 | (uint64_t)info->dynamic_overwrite << 2;
    VONK_TRY(put_name(e, &info->name, err));
    VONK_TRY(put_str(e, info->format, err));
    VONK_TRY(put_str(e, info->path, err));
    VONK_TRY(put_str(e, info->mode, err));
    VONK_TRY(put_str(e, info->compression, err));
    VONK_TRY(put_strs(e, info->partition_by, info->n_partition_by, err));
    VONK_TRY(put_strs(e, info->sort_by, info->n_sort_by, err));
    VONK_TRY(put_strs(e, info->bucket_by, info->n_bucket_by, err));
    VONK_TRY(put_strs(e, info->cluster_by, info->n_cluster_by, err));
    VONK_TRY(put_i64(e, info->n_buckets, err));
    VONK_TRY(put_u64(e, bits, err));
    return put_u64(e, info->schema ? known(&e->types, info->schema) : 0, err);
}

static vonk_status put_payload(encoder *e, const vonk_plan *p, vonk_error *err)
{
    switch (p->kind) {
    case VONK_PN_P_LOCAL:
        VONK_TRY(put_u64(e, p->local.one_partition, err));
        VONK_TRY(put_u64(e, p->local.n_batches, err));
        for (uint32_t i = 0; i < p->local.n_batches; i++) VONK_TRY(put_block(e, p->local.batches[i], err));
        return VONK_OK;
    case VONK_PN_P_RANGE:
        VONK_TRY(put_i64(e, p->range.start, err));
        VONK_TRY(put_i64(e, p->range.end, err));
        VONK_TRY(put_i64(e, p->range.step, err));
        return put_i64(e, p->range.n_partitions, err);
    case VONK_PN_P_SCAN: return put_scan(e, p, err);
    case VONK_PN_P_AGGREGATE:
        VONK_TRY(put_u64(e, p->agg.mode, err));
        VONK_TRY(put_f64(e, p->agg.rows, err));
        return put_f64(e, p->agg.groups, err);
    case VONK_PN_P_HASH_JOIN:
    case VONK_PN_P_LOOP_JOIN: return put_join(e, &p->join, err);
    case VONK_PN_P_TOP_N:
    case VONK_PN_P_LIMIT:
    case VONK_PN_P_TAIL: VONK_TRY(put_i64(e, p->limit.limit, err)); return put_i64(e, p->limit.offset, err);
    case VONK_PN_P_SAMPLE:
        VONK_TRY(put_f64(e, p->sample.lower, err));
        VONK_TRY(put_f64(e, p->sample.upper, err));
        VONK_TRY(put_u64(e, (uint64_t)p->sample.replacement | (uint64_t)p->sample.deterministic_order << 1, err));
        return put_i64(e, p->sample.seed, err);
    case VONK_PN_P_GENERATE:
        VONK_TRY(put_u64(e, (uint64_t)p->generate.outer | (uint64_t)p->generate.lateral_view << 1, err));
        VONK_TRY(put_str(e, p->generate.qualifier, err));
        VONK_TRY(put_strs(e, p->generate.columns, p->generate.n_columns, err));
        return put_list(e, p->generate.generated.at, p->generate.generated.n, err);
    case VONK_PN_P_EXCHANGE:
        VONK_TRY(put_u64(e, p->exchange.kind, err));
        VONK_TRY(put_i64(e, p->exchange.n_partitions, err));
        return put_u64(e, p->exchange.fixed, err);
    case VONK_PN_P_METRICS: return put_name(e, &p->name, err);
    case VONK_PN_P_WRITE: return put_write(e, &p->write, err);
    default: return VONK_OK;
    }
}

/* ---- nodes */

static vonk_status leaf_record(encoder *e, const vonk_plan *p, bool *ret_is_leaf, vonk_error *err)
{
    for (uint32_t i = 0; i < e->n_leaves; i++) {
        if (e->leaves[i] != p) continue;
        *ret_is_leaf = true;
        /* leaves count as nodes */
        VONK_TRY(vonk__id_map_put(&e->nodes, (uint64_t)(uintptr_t)p, ++e->n[VONK__TAG_NODE], err));
        VONK_TRY(put_u64(e, VONK__TAG_LEAF, err));
        return put_u64(e, i, err);
    }
    return VONK_OK;
}

static vonk_status put_node(encoder *e, const vonk_plan *p, vonk_error *err)
{
    VONK_TRY(begin(e, VONK__TAG_NODE, &e->nodes, p, err));
    VONK_TRY(put_u64(e, p->kind, err));
    VONK_TRY(put_i64(e, p->number, err));
    VONK_TRY(put_i64(e, p->plan_id, err));
    VONK_TRY(put_u64(e, p->n_children, err));
    for (uint32_t i = 0; i < p->n_children; i++) VONK_TRY(put_u64(e, known(&e->nodes, p->children[i]), err));
    VONK_TRY(put_u64(e, p->n_lists, err));
    for (uint32_t i = 0; i < p->n_lists; i++) VONK_TRY(put_list(e, p->lists[i].at, p->lists[i].n, err));
    VONK_TRY(put_list(e, p->output, p->n_output, err));
    return put_payload(e, p, err);
}

/* Children first. The depth of plans is bounded (VONK_MAX_PLAN_DEPTH). */
static vonk_status node_record(encoder *e, const vonk_plan *p, vonk_error *err)
{
    bool is_leaf = false;
    if (known(&e->nodes, p)) return VONK_OK;
    if (vonk_node_phase_of(p->kind) != VONK_PHASE_PHYSICAL)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "only physical plans are encoded");
    VONK_TRY(leaf_record(e, p, &is_leaf, err));
    if (is_leaf) return VONK_OK;
    for (uint32_t i = 0; i < p->n_children; i++) VONK_TRY(node_record(e, p->children[i], err));
    for (uint32_t i = 0; i < p->n_lists; i++) VONK_TRY(list_records(e, p->lists[i].at, p->lists[i].n, err));
    VONK_TRY(list_records(e, p->output, p->n_output, err));
    if (p->kind == VONK_PN_P_GENERATE)
        VONK_TRY(list_records(e, p->generate.generated.at, p->generate.generated.n, err));
    if (p->kind == VONK_PN_P_SCAN) VONK_TRY(type_record(e, p->scan.pruned, err));
    if (p->kind == VONK_PN_P_WRITE) VONK_TRY(type_record(e, p->write.schema, err));
    return put_node(e, p, err);
}

vonk_status vonk_plan_encode_above(const vonk_plan *physical, const vonk_plan *const *leaves, uint32_t n_leaves,
                                   vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_TRY(vonk_arena_new(out->budget, &arena, err));
    encoder e = {.out = out, .arena = arena, .leaves = leaves, .n_leaves = n_leaves};
    e.types.arena = e.origins.arena = e.exprs.arena = e.nodes.arena = arena;
    VONK_TRY(vonk_buf_append(out, VONK__PLAN_MAGIC, 4, err));
    VONK_TRY(put_u64(&e, VONK__PLAN_VERSION, err));
    VONK_TRY(node_record(&e, physical, err));
    return put_u64(&e, VONK__TAG_END, err);
}

vonk_status vonk_plan_encode(const vonk_plan *physical, vonk_buf *out, vonk_error *err)
{
    return vonk_plan_encode_above(physical, NULL, 0, out, err);
}
