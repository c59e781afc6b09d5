/* plan/plan_decode.c -- bytes of docs/format/plan.md back to a physical plan. The bytes are foreign: every number is
 * checked before it is used. */
#include "base/vec.h"
#include "column/block.h"
#include "plan/origin.h"
#include "plan/plan_codec.h"

typedef struct decoder {
    vonk_budget *budget;
    vonk_arena *arena; /* scratch */
    vonk_cursor in;
    VONK_VEC(const vonk_type *) types;
    VONK_VEC(vonk_origin_text *) origins;
    VONK_VEC(const vonk_expr *) exprs;
    VONK_VEC(const vonk_plan *) nodes;
    const vonk_plan *const *leaves;
    uint32_t n_leaves;
} decoder;

/* ---- primitives */

static vonk_status bad(decoder *d, const char *problem, vonk_error *err)
{
    return vonk_cursor_fail(&d->in, problem, err);
}
static vonk_status get_u64(decoder *d, uint64_t *ret, vonk_error *err) { return vonk_cursor_varint(&d->in, ret, err); }
static vonk_status get_i64(decoder *d, int64_t *ret, vonk_error *err) { return vonk_cursor_zigzag(&d->in, ret, err); }
static vonk_status get_u32(decoder *d, uint32_t *ret, vonk_error *err)
{
    uint64_t x = 0;
    VONK_TRY(get_u64(d, &x, err));
    if (x > UINT32_MAX) return bad(d, "a number is too large", err);
    *ret = (uint32_t)x;
    return VONK_OK;
}
static vonk_status get_i32(decoder *d, int32_t *ret, vonk_error *err)
{
    int64_t x = 0;
    VONK_TRY(get_i64(d, &x, err));
    if (x < INT32_MIN || x > INT32_MAX) return bad(d, "a number is too large", err);
    *ret = (int32_t)x;
    return VONK_OK;
}
/* A number of things that take at least one byte each. */
static vonk_status get_n(decoder *d, uint32_t *ret, vonk_error *err)
{
    VONK_TRY(get_u32(d, ret, err));
    return *ret > vonk_cursor_left(&d->in) ? bad(d, "a list is longer than the bytes", err) : VONK_OK;
}
/* One of `n` values. */
static vonk_status get_enum(decoder *d, uint32_t n, uint32_t *ret, vonk_error *err)
{
    VONK_TRY(get_u32(d, ret, err));
    return *ret >= n ? bad(d, "a kind is not known", err) : VONK_OK;
}
static vonk_status get_f64(decoder *d, double *ret, vonk_error *err)
{
    const uint8_t *at = NULL;
    VONK_TRY(vonk_cursor_take(&d->in, sizeof *ret, &at, err));
    memcpy(ret, at, sizeof *ret);
    return VONK_OK;
}
static vonk_status get_str(decoder *d, vonk_str *ret, vonk_error *err)
{
    uint32_t n = 0;
    const uint8_t *at = NULL;
    VONK_TRY(get_n(d, &n, err));
    VONK_TRY(vonk_cursor_take(&d->in, n, &at, err));
    *ret = (vonk_str){(const char *)at, n};
    return VONK_OK;
}
static vonk_status get_strs(decoder *d, vonk_str **ret, uint32_t *ret_n, vonk_error *err)
{
    VONK_TRY(get_n(d, ret_n, err));
    VONK_TRY(vonk_arena_array(d->arena, *ret_n, sizeof **ret, ret, err));
    for (uint32_t i = 0; i < *ret_n; i++) VONK_TRY(get_str(d, &(*ret)[i], err));
    return VONK_OK;
}

/* Numbers of records count from 1. */
static vonk_status get_ref(decoder *d, size_t n, size_t *ret, vonk_error *err)
{
    uint64_t x = 0;
    VONK_TRY(get_u64(d, &x, err));
    if (x == 0 || x > n) return bad(d, "a record is not there", err);
    *ret = (size_t)x - 1;
    return VONK_OK;
}

static vonk_status get_type(decoder *d, const vonk_type **ret, vonk_error *err)
{
    uint64_t x = 0;
    VONK_TRY(get_u64(d, &x, err));
    if (x > d->types.n) return bad(d, "a type is not there", err);
    *ret = x == 0 ? NULL : d->types.at[x - 1];
    return VONK_OK;
}

static vonk_status get_list(decoder *d, const vonk_expr ***ret, uint32_t *ret_n, vonk_error *err)
{
    size_t at = 0;
    VONK_TRY(get_n(d, ret_n, err));
    VONK_TRY(vonk_arena_array(d->arena, *ret_n, sizeof **ret, ret, err));
    for (uint32_t i = 0; i < *ret_n; i++) {
        VONK_TRY(get_ref(d, d->exprs.n, &at, err));
        (*ret)[i] = d->exprs.at[at];
    }
    return VONK_OK;
}

static vonk_status get_block(decoder *d, const vonk_type *const *types, uint32_t n, vonk_batch **ret, vonk_error *err)
{
    vonk_str bytes = {0};
    VONK_TRY(get_str(d, &bytes, err));
    vonk_cursor in = vonk_cursor_of(bytes.data, bytes.len, "plan");
    return vonk_block_decode(d->budget, &in, types, n, ret, err);
}

/* ---- types, origins */

static vonk_status type_record(decoder *d, vonk_error *err)
{
    vonk_str json = {0};
    const vonk_type *type = NULL;
    VONK_TRY(get_str(d, &json, err));
    VONK_TRY(vonk_type_parse_json(json, &type, err));
    vonk_status st = VONK_VEC_PUSH(&d->types, d->budget, type, err);
    if (st != VONK_OK) vonk_type_unref(type);
    return st;
}

static vonk_status origin_record(decoder *d, vonk_error *err)
{
    vonk_str text = {0}, site = {0}, type = {0}, name = {0};
    uint32_t is_dataframe = 0;
    vonk_origin_text *t = NULL;
    VONK_TRY(get_u32(d, &is_dataframe, err));
    VONK_TRY(get_str(d, &text, err));
    VONK_TRY(get_str(d, &site, err));
    VONK_TRY(get_str(d, &type, err));
    VONK_TRY(get_str(d, &name, err));
    VONK_TRY(vonk_origin_text_new(d->budget, is_dataframe != 0, text, site, &t, err));
    vonk_status st = type.len || name.len ? vonk_origin_text_set_object(t, d->budget, type, name, err) : VONK_OK;
    if (st == VONK_OK) st = VONK_VEC_PUSH(&d->origins, d->budget, t, err);
    if (st != VONK_OK) vonk_origin_text_unref(t);
    return st;
}

/* ---- expressions */

static vonk_status get_value(decoder *d, vonk_expr *x, vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    if (!x->type) return bad(d, "a literal has no type", err);
    VONK_TRY(get_block(d, &x->type, 1, &batch, err));
    if (batch->n_sel != 1) return bad(d, "a literal is not one value", err);
    return vonk_expr_set_value(x, batch->columns[0], err);
}

static vonk_status get_origin(decoder *d, vonk_expr *x, vonk_error *err)
{
    size_t at = 0;
    vonk_origin origin = {0};
    VONK_TRY(get_ref(d, d->origins.n, &at, err));
    VONK_TRY(get_i32(d, &origin.start, err));
    VONK_TRY(get_i32(d, &origin.stop, err));
    origin.text = d->origins.at[at];
    vonk_expr_set_origin(x, &origin);
    return VONK_OK;
}

static vonk_status get_fn(decoder *d, vonk_expr *x, vonk_error *err)
{
    vonk_str name = {0};
    VONK_TRY(get_str(d, &name, err));
    x->fn = vonk_fn_find(name);
    return x->fn ? VONK_OK : bad(d, "a function is not known", err);
}

static vonk_status get_frame(decoder *d, vonk_expr *x, vonk_error *err)
{
    uint32_t bits = 0, lower = 0, upper = 0;
    VONK_TRY(get_u32(d, &bits, err));
    VONK_TRY(get_enum(d, VONK_FRAME_VALUE + 1, &lower, err));
    VONK_TRY(get_enum(d, VONK_FRAME_VALUE + 1, &upper, err));
    x->frame = (vonk_frame){
        .given = bits & 1, .rows = bits >> 1 & 1, .lower = (vonk_bound_kind)lower, .upper = (vonk_bound_kind)upper};
    return VONK_OK;
}

static vonk_status get_texts(decoder *d, vonk_expr *x, uint64_t fields, vonk_error *err)
{
    vonk_str name = {0}, *parts = NULL;
    uint32_t n = 0;
    uint64_t *ids = NULL;
    if (fields & VONK__EXPR_NAME) {
        VONK_TRY(get_str(d, &name, err));
        VONK_TRY(vonk_expr_set_name(x, name, err));
    }
    if (fields & VONK__EXPR_PARTS) {
        VONK_TRY(get_strs(d, &parts, &n, err));
        VONK_TRY(vonk_expr_set_parts(x, parts, n, err));
    }
    if (fields & VONK__EXPR_IDS) {
        VONK_TRY(vonk_arena_array(x->arena, n, sizeof *ids, &ids, err));
        for (uint32_t i = 0; i < n; i++) VONK_TRY(get_u64(d, &ids[i], err));
        x->ids = ids;
    }
    return VONK_OK;
}

static vonk_status get_python(decoder *d, vonk_expr *x, vonk_error *err)
{
    vonk_python_fn as = {.returns = x->type};
    const vonk_python_fn *fn = NULL;
    uint32_t eval = 0, deterministic = 0;
    vonk_str *includes = NULL;
    VONK_TRY(get_u32(d, &eval, err));
    VONK_TRY(get_enum(d, 2, &deterministic, err));
    VONK_TRY(get_str(d, &as.name, err));
    VONK_TRY(get_str(d, &as.command, err));
    VONK_TRY(get_str(d, &as.python_version, err));
    VONK_TRY(get_str(d, &as.analyzed, err));
    VONK_TRY(get_strs(d, &includes, &as.n_includes, err));
    if (eval > INT32_MAX || !vonk_py_eval_find((int32_t)eval, &as.shape, &as.role))
        return bad(d, "a kind of Python function is not known", err);
    as.eval = (vonk_py_eval)eval;
    as.deterministic = deterministic;
    as.includes = includes;
    VONK_TRY(vonk_python_fn_new(&as, &fn, err));
    vonk_expr_set_python(x, fn);
    vonk_python_fn_unref(fn);
    return VONK_OK;
}

static vonk_status get_fields(decoder *d, vonk_expr *x, uint64_t fields, vonk_error *err)
{
    vonk_str metadata = {0};
    VONK_TRY(get_texts(d, x, fields, err));
    if (fields & VONK__EXPR_PLAN_ID) VONK_TRY(get_i64(d, &x->plan_id, err));
    if (fields & VONK__EXPR_COUNTS) {
        VONK_TRY(get_u32(d, &x->n_args, err));
        VONK_TRY(get_u32(d, &x->n_order, err));
        VONK_TRY(get_u32(d, &x->n_partition, err));
        VONK_TRY(get_u32(d, &x->index, err));
    }
    if (fields & VONK__EXPR_FRAME) VONK_TRY(get_frame(d, x, err));
    if (fields & VONK__EXPR_FN) VONK_TRY(get_fn(d, x, err));
    if (fields & VONK__EXPR_VALUE) VONK_TRY(get_value(d, x, err));
    if (fields & VONK__EXPR_METADATA) {
        VONK_TRY(get_str(d, &metadata, err));
        VONK_TRY(vonk_expr_set_metadata(x, metadata, err));
    }
    if (fields & VONK__EXPR_ORIGIN) VONK_TRY(get_origin(d, x, err));
    if (fields & VONK__EXPR_PYTHON) VONK_TRY(get_python(d, x, err));
    if (x->kind == VONK_EX_PYTHON && (!x->python || (x->n_parts && x->n_parts != x->n_children)))
        return bad(d, "a Python function is not whole", err);
    return VONK_OK;
}

static vonk_status fill_expr(decoder *d, vonk_expr *x, uint32_t flags, uint32_t bits, const vonk_type *type,
                             uint64_t id, vonk_error *err)
{
    uint64_t fields = 0;
    x->flags = flags;
    x->nullable = bits & 1;
    x->mode = (vonk_eval_mode)(bits >> 1);
    x->id = id;
    if (type) VONK_TRY(vonk_expr_set_type(x, type, err));
    VONK_TRY(get_u64(d, &fields, err));
    return get_fields(d, x, fields, err);
}

static vonk_status expr_record(decoder *d, vonk_error *err)
{
    uint32_t kind = 0, flags = 0, bits = 0, n = 0;
    uint64_t id = 0;
    const vonk_type *type = NULL;
    const vonk_expr **children = NULL, *done = NULL;
    vonk_expr *x = NULL;
    VONK_TRY(get_enum(d, VONK_N_EXPR, &kind, err));
    VONK_TRY(get_u32(d, &flags, err));
    VONK_TRY(get_enum(d, (VONK_MODE_TRY + 1) * 2, &bits, err));
    VONK_TRY(get_type(d, &type, err));
    VONK_TRY(get_u64(d, &id, err));
    VONK_TRY(get_list(d, &children, &n, err));
    VONK_TRY(vonk_expr_new(d->budget, (vonk_expr_kind)kind, children, n, &x, err));
    vonk_status st = fill_expr(d, x, flags, bits, type, id, err);
    if (st != VONK_OK) {
        vonk_expr_unref(x);
        return st;
    }
    VONK_TRY(vonk_expr_finish(x, &done, err));
    st = VONK_VEC_PUSH(&d->exprs, d->budget, done, err);
    if (st != VONK_OK) vonk_expr_unref(done);
    return st;
}

/* ---- payloads */

static vonk_status hold_strs(decoder *d, vonk_plan *p, const vonk_str **ret, uint32_t *ret_n, vonk_error *err)
{
    vonk_str *texts = NULL;
    VONK_TRY(get_strs(d, &texts, ret_n, err));
    return vonk_plan_strs(p, texts, *ret_n, ret, err);
}

static vonk_status hold_str(decoder *d, vonk_plan *p, vonk_str *ret, vonk_error *err)
{
    vonk_str text = {0};
    VONK_TRY(get_str(d, &text, err));
    return vonk_plan_str(p, text, ret, err);
}

static vonk_status get_name(decoder *d, vonk_plan *p, vonk_name_info *info, vonk_error *err)
{
    vonk_option *options = NULL;
    VONK_TRY(hold_strs(d, p, &info->parts, &info->n_parts, err));
    VONK_TRY(hold_strs(d, p, &info->columns, &info->n_columns, err));
    VONK_TRY(get_n(d, &info->n_options, err));
    VONK_TRY(vonk_arena_array(d->arena, info->n_options, sizeof *options, &options, err));
    for (uint32_t i = 0; i < info->n_options; i++) {
        VONK_TRY(get_str(d, &options[i].key, err));
        VONK_TRY(get_str(d, &options[i].value, err));
    }
    return vonk_plan_options(p, options, info->n_options, &info->options, err);
}

static void drop_batches(vonk_batch **batches, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) vonk_batch_unref(batches[i]);
}

static vonk_status get_local(decoder *d, vonk_plan *p, vonk_error *err)
{
    const vonk_type **types = NULL;
    vonk_batch **batches = NULL;
    uint32_t n = 0, one_partition = 0;
    VONK_TRY(vonk_arena_array(d->arena, p->n_output, sizeof *types, &types, err));
    for (uint32_t i = 0; i < p->n_output; i++) types[i] = p->output[i]->type;
    VONK_TRY(get_u32(d, &one_partition, err));
    p->local.one_partition = one_partition != 0;
    VONK_TRY(get_n(d, &n, err));
    VONK_TRY(vonk_arena_array(d->arena, n, sizeof *batches, &batches, err));
    vonk_status st = VONK_OK;
    for (uint32_t i = 0; i < n && st == VONK_OK; i++) st = get_block(d, types, p->n_output, &batches[i], err);
    if (st == VONK_OK) st = vonk_plan_hold_batches(p, batches, n, &p->local.batches, err);
    if (st == VONK_OK) p->local.n_batches = n;
    drop_batches(batches, n);
    return st;
}

static vonk_status get_scan(decoder *d, vonk_plan *p, vonk_error *err)
{
    vonk_scan_info *info = &p->scan;
    vonk_str name = {0}, bytes = {0};
    uint32_t *columns = NULL;
    const vonk_type *pruned = NULL;
    VONK_AUTO(vonk_scan_unref) vonk_scan *scan = NULL;
    VONK_TRY(get_str(d, &name, err));
    VONK_TRY(get_str(d, &bytes, err));
    const vonk_table_class *cls = vonk_table_class_find(name);
    if (!cls || !cls->decode_scan) return bad(d, "a table's class is not known", err);
    vonk_cursor in = vonk_cursor_of(bytes.data, bytes.len, "plan");
    VONK_TRY(cls->decode_scan(d->budget, &in, &scan, err));
    VONK_TRY(vonk_plan_hold_scan(p, scan, err));
    VONK_TRY(vonk_plan_hold_table(p, scan->table, err));
    VONK_TRY(get_n(d, &info->n_columns, err));
    VONK_TRY(vonk_arena_array(p->arena, info->n_columns, sizeof *columns, &columns, err));
    for (uint32_t i = 0; i < info->n_columns; i++) VONK_TRY(get_u32(d, &columns[i], err));
    info->columns = columns;
    VONK_TRY(get_type(d, &pruned, err));
    if (pruned) VONK_TRY(vonk_plan_hold_type(p, pruned, &info->pruned, err));
    VONK_TRY(get_i64(d, &info->limit, err));
    VONK_TRY(get_u32(d, &info->n_files, err));
    return get_u32(d, &info->n_options, err);
}

static vonk_status get_join(decoder *d, vonk_join_info *info, vonk_error *err)
{
    uint32_t type = 0, bits = 0;
    VONK_TRY(get_enum(d, VONK_JOIN_MARK + 1, &type, err));
    VONK_TRY(get_u32(d, &bits, err));
    info->type = (vonk_join_type)type;
    info->natural = bits & 1;
    info->lateral = bits >> 1 & 1;
    info->null_aware = bits >> 2 & 1;
    info->build_left = bits >> 3 & 1;
    info->broadcast = bits >> 4 & 1;
    return get_u64(d, &info->mark_id, err);
}

static vonk_status get_write(decoder *d, vonk_plan *p, vonk_error *err)
{
    vonk_write_info *info = &p->write;
    const vonk_type *schema = NULL;
    uint32_t bits = 0;
    VONK_TRY(get_name(d, p, &info->name, err));
    VONK_TRY(hold_str(d, p, &info->format, err));
    VONK_TRY(hold_str(d, p, &info->path, err));
    VONK_TRY(hold_str(d, p, &info->mode, err));
    VONK_TRY(hold_str(d, p, &info->compression, err));
    VONK_TRY(hold_strs(d, p, &info->partition_by, &info->n_partition_by, err));
    VONK_TRY(hold_strs(d, p, &info->sort_by, &info->n_sort_by, err));
    VONK_TRY(hold_strs(d, p, &info->bucket_by, &info->n_bucket_by, err));
    VONK_TRY(hold_strs(d, p, &info->cluster_by, &info->n_cluster_by, err));
    VONK_TRY(get_i32(d, &info->n_buckets, err));
    VONK_TRY(get_u32(d, &bits, err));
    info->by_name = bits & 1;
    info->if_not_exists = bits >> 1 & 1;
    info->dynamic_overwrite = bits >> 2 & 1;
    VONK_TRY(get_type(d, &schema, err));
    return schema ? vonk_plan_hold_type(p, schema, &info->schema, err) : VONK_OK;
}

static vonk_status get_generate(decoder *d, vonk_plan *p, vonk_error *err)
{
    uint32_t bits = 0, n = 0;
    const vonk_expr **generated = NULL;
    VONK_TRY(get_u32(d, &bits, err));
    p->generate.outer = bits & 1;
    p->generate.lateral_view = bits >> 1 & 1;
    VONK_TRY(hold_str(d, p, &p->generate.qualifier, err));
    VONK_TRY(hold_strs(d, p, &p->generate.columns, &p->generate.n_columns, err));
    VONK_TRY(get_list(d, &generated, &n, err));
    return vonk_plan_hold_exprs(p, generated, n, &p->generate.generated, err);
}

static vonk_status get_sample(decoder *d, vonk_sample_info *info, vonk_error *err)
{
    uint32_t bits = 0;
    VONK_TRY(get_f64(d, &info->lower, err));
    VONK_TRY(get_f64(d, &info->upper, err));
    VONK_TRY(get_u32(d, &bits, err));
    info->replacement = bits & 1;
    info->deterministic_order = bits >> 1 & 1;
    return get_i64(d, &info->seed, err);
}

static vonk_status get_exchange(decoder *d, vonk_exchange_info *info, vonk_error *err)
{
    uint32_t kind = 0, fixed = 0;
    VONK_TRY(get_enum(d, VONK_EXCHANGE_COALESCE + 1, &kind, err));
    VONK_TRY(get_i32(d, &info->n_partitions, err));
    VONK_TRY(get_u32(d, &fixed, err));
    info->kind = (vonk_exchange_kind)kind;
    info->fixed = fixed != 0;
    return VONK_OK;
}

static vonk_status get_payload(decoder *d, vonk_plan *p, vonk_error *err)
{
    uint32_t x = 0;
    switch (p->kind) {
    case VONK_PN_P_LOCAL: return get_local(d, p, err);
    case VONK_PN_P_RANGE:
        VONK_TRY(get_i64(d, &p->range.start, err));
        VONK_TRY(get_i64(d, &p->range.end, err));
        VONK_TRY(get_i64(d, &p->range.step, err));
        return get_i32(d, &p->range.n_partitions, err);
    case VONK_PN_P_SCAN: return get_scan(d, p, err);
    case VONK_PN_P_AGGREGATE:
        VONK_TRY(get_enum(d, VONK_AGG_MERGE + 1, &x, err));
        p->agg.mode = (vonk_agg_mode)x;
        VONK_TRY(get_f64(d, &p->agg.rows, err));
        return get_f64(d, &p->agg.groups, err);
    case VONK_PN_P_HASH_JOIN:
    case VONK_PN_P_LOOP_JOIN: return get_join(d, &p->join, err);
    case VONK_PN_P_TOP_N:
    case VONK_PN_P_LIMIT:
    case VONK_PN_P_TAIL: VONK_TRY(get_i64(d, &p->limit.limit, err)); return get_i64(d, &p->limit.offset, err);
    case VONK_PN_P_SAMPLE: return get_sample(d, &p->sample, err);
    case VONK_PN_P_GENERATE: return get_generate(d, p, err);
    case VONK_PN_P_EXCHANGE: return get_exchange(d, &p->exchange, err);
    case VONK_PN_P_METRICS: return get_name(d, p, &p->name, err);
    case VONK_PN_P_WRITE: return get_write(d, p, err);
    default: return VONK_OK;
    }
}

/* ---- nodes */

static vonk_status fill_node(decoder *d, vonk_plan *p, vonk_error *err)
{
    const vonk_expr **list = NULL;
    uint32_t n_lists = 0, n = 0;
    VONK_TRY(get_n(d, &n_lists, err));
    for (uint32_t i = 0; i < n_lists; i++) {
        VONK_TRY(get_list(d, &list, &n, err));
        VONK_TRY(vonk_plan_set_list(p, i, list, n, err));
    }
    VONK_TRY(get_list(d, &list, &n, err));
    VONK_TRY(vonk_plan_set_output(p, list, n, err));
    return get_payload(d, p, err);
}

static vonk_status keep_node(decoder *d, const vonk_plan *take_p, vonk_error *err)
{
    vonk_status st = VONK_VEC_PUSH(&d->nodes, d->budget, take_p, err);
    if (st != VONK_OK) vonk_plan_unref(take_p);
    return st;
}

static vonk_status node_record(decoder *d, vonk_error *err)
{
    uint32_t kind = 0, n = 0;
    int64_t number = 0, plan_id = 0;
    const vonk_plan **children = NULL, *done = NULL;
    vonk_plan *p = NULL;
    VONK_TRY(get_enum(d, VONK_N_NODE, &kind, err));
    if (vonk_node_phase_of((vonk_node_kind)kind) != VONK_PHASE_PHYSICAL) return bad(d, "a node is not physical", err);
    VONK_TRY(get_i64(d, &number, err));
    VONK_TRY(get_i64(d, &plan_id, err));
    VONK_TRY(get_n(d, &n, err));
    VONK_TRY(vonk_arena_array(d->arena, n, sizeof *children, &children, err));
    for (uint32_t i = 0; i < n; i++) {
        size_t at = 0;
        VONK_TRY(get_ref(d, d->nodes.n, &at, err));
        children[i] = d->nodes.at[at];
    }
    VONK_TRY(vonk_plan_new(d->budget, (vonk_node_kind)kind, children, n, &p, err));
    p->number = number;
    p->plan_id = plan_id;
    vonk_status st = fill_node(d, p, err);
    if (st != VONK_OK) {
        vonk_plan_unref(p);
        return st;
    }
    VONK_TRY(vonk_plan_finish(p, &done, err));
    return keep_node(d, done, err);
}

static vonk_status leaf_record(decoder *d, vonk_error *err)
{
    uint32_t i = 0;
    VONK_TRY(get_enum(d, d->n_leaves, &i, err));
    return keep_node(d, vonk_plan_ref(d->leaves[i]), err);
}

static vonk_status decode(decoder *d, const vonk_plan **ret, vonk_error *err)
{
    const uint8_t *magic = NULL;
    uint32_t version = 0, tag = 0;
    VONK_TRY(vonk_cursor_take(&d->in, 4, &magic, err));
    if (memcmp(magic, VONK__PLAN_MAGIC, 4) != 0) return bad(d, "this is no plan", err);
    VONK_TRY(get_u32(d, &version, err));
    if (version != VONK__PLAN_VERSION) return bad(d, "a plan of another version", err);
    for (;;) {
        VONK_TRY(get_enum(d, VONK__N_PLAN_TAG, &tag, err));
        switch ((vonk__plan_tag)tag) {
        case VONK__TAG_TYPE: VONK_TRY(type_record(d, err)); break;
        case VONK__TAG_ORIGIN: VONK_TRY(origin_record(d, err)); break;
        case VONK__TAG_EXPR: VONK_TRY(expr_record(d, err)); break;
        case VONK__TAG_NODE: VONK_TRY(node_record(d, err)); break;
        case VONK__TAG_LEAF: VONK_TRY(leaf_record(d, err)); break;
        case VONK__TAG_END:
        case VONK__N_PLAN_TAG:
            if (d->nodes.n == 0 || vonk_cursor_left(&d->in) > 0) return bad(d, "the plan has no end", err);
            *ret = vonk_plan_ref(d->nodes.at[d->nodes.n - 1]);
            return VONK_OK;
        }
    }
}

vonk_status vonk_plan_decode_above(vonk_budget *budget, vonk_str bytes, const vonk_plan *const *leaves,
                                   uint32_t n_leaves, const vonk_plan **ret, vonk_error *err)
{
    decoder d = {
        .budget = budget, .in = vonk_cursor_of(bytes.data, bytes.len, "plan"), .leaves = leaves, .n_leaves = n_leaves};
    VONK_TRY(vonk_arena_new(budget, &d.arena, err));
    vonk_status st = decode(&d, ret, err);
    for (size_t i = 0; i < d.nodes.n; i++) vonk_plan_unref(d.nodes.at[i]);
    for (size_t i = 0; i < d.exprs.n; i++) vonk_expr_unref(d.exprs.at[i]);
    for (size_t i = 0; i < d.origins.n; i++) vonk_origin_text_unref(d.origins.at[i]);
    for (size_t i = 0; i < d.types.n; i++) vonk_type_unref(d.types.at[i]);
    vonk_free(d.nodes.at);
    vonk_free(d.exprs.at);
    vonk_free(d.origins.at);
    vonk_free(d.types.at);
    vonk_arena_free(d.arena);
    return st;
}

vonk_status vonk_plan_decode(vonk_budget *budget, vonk_str bytes, const vonk_plan **ret, vonk_error *err)
{
    return vonk_plan_decode_above(budget, bytes, NULL, 0, ret, err);
}
