/* rdd/rdd_make.c -- makers of nodes. */
#include "rdd/rdd_int.h"

static const char by_call[] = " at NativeMethodAccessorImpl.java:0";

/* "<method> at NativeMethodAccessorImpl.java:0" */
#define BY_CALL(method) vonk_format((char[96]){0}, 96, "%s%s", (method), by_call)

static vonk_status refuse(vonk_error *err, const char *what)
{
    vonk_status st = VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", what);
    if (st != VONK_OK) (void)vonk_error_set_family(err, VONK_FAMILY_ILLEGAL_ARGUMENT);
    return vonk_raised(st);
}

vonk_status vonk_rdd_empty(vonk_rdd_context *context, vonk_rdd **ret, vonk_error *err)
{
    vonk_rdd *rdd = NULL;
    VONK_TRY(vonk__rdd_new(context, VONK_RDD_EMPTY, NULL, 0, BY_CALL("emptyRDD"), &rdd, err));
    return vonk__rdd_enter(rdd, ret, err);
}

/* ---- parallelize */

typedef struct frames { /* of a file */
    vonk_file *file;
    int64_t at, bytes;
} frames;

static vonk_status frame_head(const frames *f, int64_t at, int64_t *ret_all, vonk_error *err)
{
    char head[4];
    VONK_TRY(vonk_file_read_exact(f->file, at, head, sizeof head, err));
    int32_t n = vonk__be32(head);
    *ret_all = 4 + (n > 0 ? n : 0);
    if (*ret_all > f->bytes - at)
        return VONK_FAIL(err, VONK_E_MALFORMED_INPUT, "path", VONK_S(vonk_file_path(f->file)), "problem",
                         "the last record is cut off");
    return VONK_OK;
}

static vonk_status count_frames(const frames *f, uint64_t *ret, vonk_error *err)
{
    int64_t all = 0;
    *ret = 0;
    for (int64_t at = 0; at < f->bytes; at += all, ++*ret) VONK_TRY(frame_head(f, at, &all, err));
    return VONK_OK;
}

static vonk_status copy_bytes(frames *f, int64_t n, vonk_block_writer *w, vonk_buf *buf, vonk_error *err)
{
    while (n > 0) {
        char *to = NULL;
        size_t some = n > (1 << 20) ? 1 << 20 : (size_t)n;
        vonk_buf_reset(buf);
        VONK_TRY(vonk_buf_extend(buf, some, &to, err));
        VONK_TRY(vonk_file_read_exact(f->file, f->at, to, some, err));
        VONK_TRY(vonk_block_write(w, to, some, err));
        f->at += (int64_t)some;
        n -= (int64_t)some;
    }
    return VONK_OK;
}

static vonk_status fill_partition(frames *f, vonk_rdd *rdd, uint32_t partition, uint64_t n, vonk_buf *buf,
                                  vonk_error *err)
{
    VONK_AUTO(vonk_block_writer_free) vonk_block_writer *w = NULL;
    vonk_block_id id = {.kind = VONK_BLOCK_FRAME, .a = rdd->data, .b = partition};
    vonk_storage_level level = {.memory = true, .disk = true, .replication = 1};
    bool kept = false;
    int64_t bytes = 0, all = 0;
    for (uint64_t i = 0; i < n; i++, bytes += all) VONK_TRY(frame_head(f, f->at + bytes, &all, err));
    VONK_TRY(vonk_block_writer_new(vonk__rdd_store(rdd), id, level, &w, err));
    VONK_TRY(copy_bytes(f, bytes, w, buf, err));
    return vonk_block_commit(VONK_STEAL(w), n, &kept, err);
}

static vonk_status fill_partitions(frames *f, vonk_rdd *rdd, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf buf = {0};
    vonk_file_info info;
    uint64_t n = 0, n_parts = rdd->n_partitions;
    vonk_buf_init(&buf, rdd->context->budget, SIZE_MAX);
    VONK_TRY(vonk_file_get_info(f->file, &info, err));
    f->bytes = info.size_bytes;
    VONK_TRY(count_frames(f, &n, err));
    for (uint64_t i = 0; i < n_parts; i++)
        VONK_TRY(fill_partition(f, rdd, (uint32_t)i, (i + 1) * n / n_parts - i * n / n_parts, &buf, err));
    return VONK_OK;
}

vonk_status vonk_rdd_parallelize_file(vonk_rdd_context *context, vonk_str path, uint32_t n_partitions, vonk_rdd **ret,
                                      vonk_error *err)
{
    VONK_AUTO(vonk_rdd_unref) vonk_rdd *rdd = NULL;
    frames f = {0};
    if (!n_partitions) return refuse(err, "a list is cut into at least one partition");
    VONK_TRY(vonk__rdd_new(context, VONK_RDD_PARALLEL, NULL, 0, "readRDDFromFile at PythonRDD.scala:326", &rdd, err));
    rdd->n_partitions = n_partitions;
    rdd->data = vonk_block_store_name(vonk__rdd_store(rdd));
    VONK_TRY(vonk_file_open(context->budget, path, VONK_FILE_READ, &f.file, err));
    vonk_status st = fill_partitions(&f, rdd, err);
    vonk_file_free(f.file);
    return st == VONK_OK ? vonk__rdd_enter(VONK_STEAL(rdd), ret, err) : st;
}

/* ---- narrow */

static vonk_status map_of(vonk_rdd *parent, rdd_map map, vonk_rdd_elements elements, const char *site, vonk_rdd **ret,
                          vonk_error *err)
{
    VONK_TRY(vonk__rdd_new(parent->context, VONK_RDD_MAPPED, &parent, 1, site, ret, err));
    (*ret)->map = map;
    (*ret)->elements = elements;
    (*ret)->n_partitions = parent->n_partitions;
    return VONK_OK;
}

vonk_status vonk_rdd_pairwise(vonk_rdd *parent, vonk_rdd **ret, vonk_error *err)
{
    vonk_rdd *rdd = NULL;
    if (parent->elements != VONK_RDD_BYTES) return refuse(err, "a PairwiseRDD is made of hashes and lists in turn");
    VONK_TRY(vonk__rdd_new(parent->context, VONK_RDD_PAIRWISE, &parent, 1, "RDD at PythonRDD.scala:59", &rdd, err));
    rdd->elements = VONK_RDD_PAIR;
    rdd->n_partitions = parent->n_partitions;
    return vonk__rdd_enter(rdd, ret, err);
}

vonk_status vonk_rdd_values(vonk_rdd *parent, vonk_rdd **ret, vonk_error *err)
{
    vonk_rdd *rdd = NULL;
    if (parent->elements != VONK_RDD_PAIR) return refuse(err, "only pairs have values");
    VONK_TRY(map_of(parent, RDD_MAP_VALUES, VONK_RDD_BYTES, "mapPartitions at PythonRDD.scala:197", &rdd, err));
    rdd->has_partitioner = parent->has_partitioner;
    rdd->partitioner_id = parent->partitioner_id;
    return vonk__rdd_enter(rdd, ret, err);
}

vonk_status vonk_rdd_as_strings(vonk_rdd *parent, vonk_rdd **ret, vonk_error *err)
{
    vonk_rdd *rdd = NULL;
    if (parent->elements != VONK_RDD_BYTES) return refuse(err, "only bytes are made strings");
    VONK_TRY(map_of(parent, RDD_MAP_SAME, VONK_RDD_STRING, BY_CALL("map"), &rdd, err));
    return vonk__rdd_enter(rdd, ret, err);
}

static bool same_partitioner(const vonk_rdd *x, const vonk_rdd *y)
{
    return x->has_partitioner && y->has_partitioner && x->partitioner_id == y->partitioner_id &&
           x->n_partitions == y->n_partitions;
}

vonk_status vonk_rdd_union(vonk_rdd *const *parents, uint32_t n, vonk_rdd **ret, vonk_error *err)
{
    assert(n);
    VONK_AUTO(vonk_arena_free) vonk_arena *scratch = NULL;
    vonk_rdd **some = NULL, *rdd = NULL;
    uint32_t n_some = 0;
    uint64_t n_parts = 0;
    bool aware = true;
    VONK_TRY(vonk_arena_new(parents[0]->context->budget, &scratch, err));
    VONK_TRY(vonk_arena_array(scratch, n, sizeof(vonk_rdd *), &some, err));
    for (uint32_t i = 0; i < n; i++) {
        if (parents[i]->elements != parents[0]->elements) return refuse(err, "a union of RDDs of different kinds");
        if (!parents[i]->n_partitions) continue; /* as Spark: partitions that are not there tell nothing */
        some[n_some++] = parents[i];
        n_parts += parents[i]->n_partitions;
        aware &= same_partitioner(some[0], parents[i]);
    }
    aware &= n_some > 0;
    if (n_parts > INT32_MAX) return refuse(err, "a union of more than 2147483647 partitions");
    VONK_TRY(vonk__rdd_new(parents[0]->context, aware ? VONK_RDD_PARTITIONER_AWARE_UNION : VONK_RDD_UNION, some, n_some,
                           BY_CALL("union"), &rdd, err));
    rdd->elements = parents[0]->elements;
    rdd->n_partitions = aware ? some[0]->n_partitions : (uint32_t)n_parts;
    rdd->has_partitioner = aware;
    if (aware) rdd->partitioner_id = some[0]->partitioner_id;
    return vonk__rdd_enter(rdd, ret, err);
}

static vonk_status pair_of(vonk_rdd *left, vonk_rdd *right, vonk_rdd_kind kind, const char *site, vonk_rdd **ret,
                           vonk_error *err)
{
    vonk_rdd *both[2] = {left, right};
    for (int i = 0; i < 2; i++)
        if (both[i]->elements == VONK_RDD_PAIR || both[i]->elements == VONK_RDD_F64)
            return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "pairs of pairs or of plain numbers");
    VONK_TRY(vonk__rdd_new(left->context, kind, both, 2, site, ret, err));
    (*ret)->elements = VONK_RDD_PAIR;
    return VONK_OK;
}

vonk_status vonk_rdd_cartesian(vonk_rdd *left, vonk_rdd *right, vonk_rdd **ret, vonk_error *err)
{
    vonk_rdd *rdd = NULL;
    uint64_t n = (uint64_t)left->n_partitions * right->n_partitions;
    if (n > INT32_MAX) return refuse(err, "a product of more than 2147483647 partitions");
    VONK_TRY(pair_of(left, right, VONK_RDD_CARTESIAN, BY_CALL("cartesian"), &rdd, err));
    rdd->n_partitions = (uint32_t)n;
    return vonk__rdd_enter(rdd, ret, err);
}

vonk_status vonk_rdd_zip(vonk_rdd *left, vonk_rdd *right, vonk_rdd **ret, vonk_error *err)
{
    vonk_rdd *rdd = NULL;
    if (left->n_partitions != right->n_partitions)
        return refuse(err,
                      VONK_F("RDDs of %u and %u partitions cannot be zipped", left->n_partitions, right->n_partitions));
    VONK_TRY(pair_of(left, right, VONK_RDD_ZIPPED, BY_CALL("zip"), &rdd, err));
    rdd->n_partitions = left->n_partitions;
    return vonk__rdd_enter(rdd, ret, err);
}

/* ---- shuffles */

static vonk_status shuffled(vonk_rdd *parent, uint32_t n, const char *site, vonk_rdd **ret, vonk_error *err)
{
    vonk_rdd *rdd = NULL;
    VONK_TRY(vonk__rdd_new(parent->context, VONK_RDD_SHUFFLED, &parent, 1, site, &rdd, err));
    rdd->elements = parent->elements;
    rdd->n_partitions = n;
    vonk_status st = vonk_shuffle_new(vonk__rdd_store(rdd), parent->n_partitions, n, &rdd->shuffle, err);
    if (st == VONK_OK)
        *ret = rdd;
    else
        vonk_rdd_unref(rdd);
    return st;
}

vonk_status vonk_rdd_partition_by(vonk_rdd *parent, uint32_t n_partitions, int64_t partitioner_id, vonk_rdd **ret,
                                  vonk_error *err)
{
    vonk_rdd *rdd = NULL;
    if (parent->elements != VONK_RDD_PAIR) return refuse(err, "only pairs are partitioned by their keys");
    if (!n_partitions) return refuse(err, "the number of partitions must be positive");
    if (parent->has_partitioner && parent->partitioner_id == partitioner_id && parent->n_partitions == n_partitions) {
        *ret = vonk_rdd_ref(parent);
        return VONK_OK;
    }
    VONK_TRY(shuffled(parent, n_partitions, BY_CALL("partitionBy"), &rdd, err));
    rdd->has_partitioner = true;
    rdd->partitioner_id = partitioner_id;
    return vonk__rdd_enter(rdd, ret, err);
}

static vonk_status coalesced(vonk_rdd *parent, uint32_t n, vonk_rdd **ret, vonk_error *err)
{
    vonk_rdd *rdd = NULL;
    VONK_TRY(vonk__rdd_new(parent->context, VONK_RDD_COALESCED, &parent, 1, BY_CALL("coalesce"), &rdd, err));
    rdd->elements = parent->elements;
    rdd->n_partitions = n < parent->n_partitions ? n : parent->n_partitions;
    return vonk__rdd_enter(rdd, ret, err);
}

vonk_status vonk_rdd_coalesce(vonk_rdd *parent, uint32_t n, bool shuffle, vonk_rdd **ret, vonk_error *err)
{
    VONK_AUTO(vonk_rdd_unref) vonk_rdd *spread = NULL, *mixed = NULL, *joined = NULL;
    vonk_rdd *rdd = NULL;
    if (!n) return refuse(err, "the number of partitions must be positive");
    if (!shuffle) return coalesced(parent, n, ret, err);
    VONK_TRY(map_of(parent, RDD_MAP_SPREAD, VONK_RDD_BYTES, BY_CALL("coalesce"), &rdd, err));
    rdd->spread_to = n;
    VONK_TRY(vonk__rdd_enter(rdd, &spread, err));
    VONK_TRY(shuffled(spread, n, BY_CALL("coalesce"), &rdd, err));
    rdd->spread_to = n;
    VONK_TRY(vonk__rdd_enter(rdd, &mixed, err));
    VONK_TRY(coalesced(mixed, n, &joined, err));
    VONK_TRY(map_of(joined, RDD_MAP_UNSPREAD, parent->elements, BY_CALL("coalesce"), &rdd, err));
    return vonk__rdd_enter(rdd, ret, err);
}

/* ---- other folders' leaves */

vonk_status vonk_rdd_of_source(vonk_rdd_context *context, const char *source, vonk_str bytes, uint32_t n_partitions,
                               vonk_rdd_elements elements, vonk_rdd **ret, vonk_error *err)
{
    VONK_AUTO(vonk_rdd_unref) vonk_rdd *rdd = NULL;
    VONK_TRY(vonk__rdd_new(context, VONK_RDD_SOURCE, NULL, 0, BY_CALL("javaToPython"), &rdd, err));
    vonk_mutex_lock(&context->lock);
    for (size_t i = 0; i < context->sources.n; i++)
        if (strcmp(context->sources.at[i]->name, source) == 0) rdd->source = context->sources.at[i];
    vonk_mutex_unlock(&context->lock);
    if (!rdd->source) return refuse(err, VONK_F("no source of RDDs is named %s", source));
    VONK_TRY(vonk_arena_str(rdd->arena, bytes, &rdd->source_bytes, err));
    rdd->n_partitions = n_partitions;
    rdd->elements = elements;
    return vonk__rdd_enter(VONK_STEAL(rdd), ret, err);
}
