/* serve/py4j/rdd_approx.c -- actions over elements: counts, sums and means with bounds, how many are different.
 *
 * Elements stand in pickles, of which Java would see the objects; they are decoded as the partitions come. The results
 * are final ones: pyspark asks for getFinalValue, which waits for all partitions in Spark, too. */
#include <math.h>

#include "base/hash.h"
#include "codec/pickle.h"
#include "func/hll.h"
#include "serve/py4j/rdd_classes.h"

#define API "org.apache.spark.api.java."
#define RDD_CLASS "org.apache.spark.rdd.RDD"
#define PARTIAL "org.apache.spark.partial."

/* ---- a job whose records are handed on one by one */

typedef struct reading {
    void *self;
    vonk_status (*take)(void *self, const vonk_pickle_value *element, vonk_error *err); /* NULL: only counted */
    void (*next_partition)(void *self);                                                 /* may be NULL */
    bool is_pair, is_batched;
    vonk_budget *budget;
    uint64_t n_records;
} reading;

static vonk_status take_frame(reading *r, vonk_str frame, vonk_arena *arena, vonk_error *err)
{
    const vonk_pickle_value *v = NULL;
    size_t used = 0;
    VONK_TRY(vonk_pickle_read(frame, arena, &v, &used, err));
    if (!r->is_batched) return r->take(r->self, v, err);
    if (v->kind != VONK_PICKLE_LIST && v->kind != VONK_PICKLE_TUPLE)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "a batch of pickled elements is no list");
    for (uint32_t i = 0; i < v->n_items; i++) VONK_TRY(r->take(r->self, v->items[i], err));
    return VONK_OK;
}

static vonk_status take_partition(void *self, uint32_t index, vonk_str bytes, vonk_error *err)
{
    reading *r = self;
    uint64_t n_frames = 0;
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    (void)index;
    VONK_TRY(vonk_arena_new(r->budget, &arena, err));
    for (size_t at = 0; at + 4 <= bytes.len; n_frames++) {
        const uint8_t *p = (const uint8_t *)bytes.data + at;
        const int32_t n = (int32_t)((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]);
        const size_t len = n > 0 ? (size_t)n : 0;
        at += 4;
        if (len > bytes.len - at) return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "a record is cut off");
        if (r->take) VONK_TRY(take_frame(r, vonk_str_sub(bytes, at, at + len), arena, err));
        at += len;
        if (r->take) vonk_arena_reset(arena);
    }
    r->n_records += r->is_pair ? n_frames / 2 : n_frames;
    if (r->next_partition) r->next_partition(r->self);
    return VONK_OK;
}

static vonk_status read_all(vonk__j_call *call, vonk__j_rdd *of, reading *r, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const vonk_property *properties = NULL;
    uint32_t n = 0;
    VONK_TRY(vonk__j_engine_use(call->caller, of->context, &e, err));
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    VONK_TRY(vonk__j_job_properties(call->caller, arena, &properties, &n, err));
    r->is_pair = vonk_rdd_elements_of(of->rdd) == VONK_RDD_PAIR;
    r->is_batched = of->is_batched;
    r->budget = call->machine->budget;
    vonk__j_watch_begin(call->caller, e);
    const vonk_status status =
        vonk__j_run_job(of->rdd, NULL, 0, properties, n, (vonk_receiver){.self = r, .result = take_partition}, err);
    vonk__j_watch_end();
    return status;
}

/* What only RDDs of objects can do. */
static vonk_status need_objects(vonk__j_call *call, const vonk__j_rdd *of, vonk_error *err)
{
    if (of->is_objects) return VONK_OK;
    return vonk__j_throw(call->caller, "java.lang.ClassCastException", err,
                         "the elements of this RDD are bytes, not numbers: SerDeUtil.pythonToJava comes first");
}

/* ---- count: of Java's records, which may be batches of Python's */

static vonk_status m_count(vonk__j_call *call, vonk_error *err)
{
    reading r = {0};
    VONK_TRY(read_all(call, (vonk__j_rdd *)call->self, &r, err));
    return vonk__j_return(call, vonk__j_i64((int64_t)r.n_records));
}

/* ---- sums and means: running statistics, merged as Spark's StatCounter merges them */

typedef struct counter {
    double n, mean;
} counter;
typedef struct sums {
    counter all, partition;
} sums;

static vonk_status add_number(void *self, const vonk_pickle_value *v, vonk_error *err)
{
    counter *c = &((sums *)self)->partition;
    if (v->kind != VONK_PICKLE_INT && v->kind != VONK_PICKLE_FLOAT)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "an element is no number");
    const double x = v->kind == VONK_PICKLE_INT ? (double)v->i : v->f;
    c->n++;
    c->mean += (x - c->mean) / c->n;
    return VONK_OK;
}
static void merge(void *self)
{
    counter *a = &((sums *)self)->all, *b = &((sums *)self)->partition;
    const double delta = b->mean - a->mean, n = a->n + b->n;
    if (a->n == 0)
        *a = *b;
    else if (b->n == 0)
        (void)b;
    else if (b->n * 10 < a->n)
        a->mean += delta * b->n / n;
    else if (a->n * 10 < b->n)
        a->mean = b->mean - delta * a->n / n;
    else
        a->mean = (a->mean * a->n + b->mean * b->n) / n;
    a->n = n;
    *b = (counter){0};
}

typedef struct bounded {
    vonk__j_object head;
    double value;
} bounded;

static vonk_status m_from_rdd(vonk__j_call *call, vonk_error *err)
{
    VONK_TRY(vonk__j_need(call, 0, err));
    vonk__j_rdd *made = NULL, *of = vonk__j_rdd_of(call->args[0].object);
    VONK_TRY(vonk__j_object_of(call->machine, call->cls, &made, err));
    made->context = (vonk__j_context *)vonk__j_object_ref(of->context);
    made->rdd = vonk_rdd_ref(of->rdd);
    made->is_objects = of->is_objects;
    made->is_batched = of->is_batched;
    return vonk__j_return(call, vonk__j_of(&made->head));
}

static vonk_status m_approx(vonk__j_call *call, vonk_error *err)
{
    sums s = {0};
    reading r = {.self = &s, .take = add_number, .next_partition = merge};
    bounded *made = NULL;
    const double confidence = call->n_args > 1 ? call->args[1].f : 0.95;
    VONK_TRY(need_objects(call, (vonk__j_rdd *)call->self, err));
    if (call->n_args > 1 && !(confidence >= 0 && confidence <= 1))
        return vonk__j_throw(call->caller, "java.lang.IllegalArgumentException", err,
                             "requirement failed: confidence (%g) must be in [0,1]", confidence);
    VONK_TRY(read_all(call, (vonk__j_rdd *)call->self, &r, err));
    VONK_TRY(vonk__j_object_new(call->machine, PARTIAL "PartialResult", &made, err));
    made->value = call->member->tag ? s.all.n * s.all.mean : s.all.n > 0 ? s.all.mean : NAN;
    return vonk__j_return(call, vonk__j_of(&made->head));
}
static vonk_status m_final(vonk__j_call *call, vonk_error *err)
{
    bounded *made = NULL;
    VONK_TRY(vonk__j_object_new(call->machine, PARTIAL "BoundedDouble", &made, err));
    made->value = ((bounded *)call->self)->value;
    return vonk__j_return(call, vonk__j_of(&made->head));
}
static vonk_status m_is_final(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_bool(true));
}
static vonk_status m_bound(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_f64(call->member->tag ? 1.0 : ((bounded *)call->self)->value));
}

/* ---- countApproxDistinct: HyperLogLog++ over MurmurHash2 (public domain, A. Appleby) of Java's texts of the elements
 */

static uint64_t murmur2(vonk_str text)
{
    const uint64_t m = UINT64_C(0xc6a4a7935bd1e995);
    uint64_t h = UINT64_C(0xe17a1465) ^ text.len * m;
    size_t at = 0;
    for (; at + 8 <= text.len; at += 8) {
        uint64_t k;
        memcpy(&k, text.data + at, 8);
        k *= m;
        k ^= k >> 47;
        h = (h ^ k * m) * m;
    }
    uint64_t rest = 0;
    for (size_t i = at; i < text.len; i++) rest |= (uint64_t)(uint8_t)text.data[i] << 8 * (i - at);
    if (at < text.len) h = (h ^ rest) * m;
    h = (h ^ h >> 47) * m;
    return h ^ h >> 47;
}

typedef struct sketch {
    uint8_t *registers;
    int p;
} sketch;

static vonk_status add_distinct(void *self, const vonk_pickle_value *v, vonk_error *err)
{
    const sketch *s = self;
    char digits[32];
    uint64_t x = 0;
    switch (v->kind) {
    case VONK_PICKLE_NONE: break;
    case VONK_PICKLE_STRING: x = murmur2(v->text); break;
    case VONK_PICKLE_INT: x = murmur2(vonk_str_of(vonk_format(digits, sizeof digits, "%lld", (long long)v->i))); break;
    default:
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "countApproxDistinct of others than int and str");
    }
    const uint64_t rest = x << s->p | UINT64_C(1) << (s->p - 1);
    uint8_t *at = &s->registers[x >> (64 - s->p)];
    const uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);
    if (rank > *at) *at = rank;
    return VONK_OK;
}

static vonk_status m_distinct(vonk__j_call *call, vonk_error *err)
{
    const double error = call->args[0].f;
    sketch s = {.p = error > 0 ? (int)ceil(2.0 * log(1.054 / error) / log(2.0)) : 33};
    reading r = {.self = &s, .take = add_distinct};
    VONK_TRY(need_objects(call, (vonk__j_rdd *)call->self, err));
    if (s.p < 4 || s.p > 24)
        return vonk__j_throw(call->caller, "java.lang.IllegalArgumentException", err,
                             "requirement failed: accuracy (%g) must be greater than 0.000017 and at most 0.39", error);
    VONK_TRY(vonk_alloc_zeroed(call->machine->budget, (size_t)1 << s.p, &s.registers, err));
    const vonk_status status = read_all(call, (vonk__j_rdd *)call->self, &r, err);
    const int64_t n = status == VONK_OK ? vonk_hll_estimate(s.registers, s.p) : 0;
    vonk_free(s.registers);
    VONK_TRY(status);
    return vonk__j_return(call, vonk__j_i64(n));
}

/* ---- rows */

#define METHOD(name, args, result, function, tag) {name, args, result, function, VONK__J_METHOD, tag}
static const vonk__j_member action_members[] = {
    METHOD("count", "", "long", m_count, 0),
    METHOD("countApproxDistinct", "double", "long", m_distinct, 0),
};
static const vonk__j_member double_members[] = {
    {"fromRDD", RDD_CLASS, API "JavaDoubleRDD", m_from_rdd, VONK__J_STATIC, 0},
    METHOD("sumApprox", "long, Double", PARTIAL "PartialResult", m_approx, 1),
    METHOD("sumApprox", "long", PARTIAL "PartialResult", m_approx, 1),
    METHOD("meanApprox", "long, Double", PARTIAL "PartialResult", m_approx, 0),
    METHOD("meanApprox", "long", PARTIAL "PartialResult", m_approx, 0),
};
static const vonk__j_member partial_members[] = {
    METHOD("getFinalValue", "", "Object", m_final, 0),
    METHOD("initialValue", "", "Object", m_final, 0),
    METHOD("isInitialValueFinal", "", "boolean", m_is_final, 0),
};
static const vonk__j_member bounded_members[] = {
    METHOD("mean", "", "double", m_bound, 0),
    METHOD("low", "", "double", m_bound, 0),
    METHOD("high", "", "double", m_bound, 0),
    METHOD("confidence", "", "double", m_bound, 1),
};
static const vonk__j_row rows[] = {
    {.fqn = API "JavaRDDLike$Actions", .flags = VONK__J_INTERFACE, VONK__J_MEMBERS(action_members)},
    {.fqn = API "JavaDoubleRDD$Actions", .flags = VONK__J_INTERFACE, VONK__J_MEMBERS(double_members)},
    {.fqn = PARTIAL "PartialResult",
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(partial_members),
     .size = sizeof(bounded)},
    {.fqn = PARTIAL "BoundedDouble",
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(bounded_members),
     .size = sizeof(bounded)},
};
const vonk__j_area vonk__j_area_rdd_approx = {rows, VONK_COUNTOF(rows)};
