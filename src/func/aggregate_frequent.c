/* func/aggregate_frequent.c -- collect_frequent_items, of which DataFrame.freqItems is made: counters for at most
 * `most` values (J. Misra, D. Gries, "Finding repeated elements", 1982; R. Karp, S. Shenker, C. Papadimitriou, "A
 * simple algorithm for finding frequent elements in streams and bags", 2003). A value that finds no counter free takes
 * as much off all of them. What is more frequent than 1 / most is among the answer; so may be others, and Spark's
 * answer is in the order of its hash map: both are kept. */
#include <math.h>

#include "base/hash.h"
#include "func/aggregate_list.h"
#include "func/resolve.h"
#include "func/spark_hash.h"
#include "func/tables.h"

typedef struct counter {
    struct counter *next; /* in its slot, or free */
    uint64_t hash;
    int64_t count;
    size_t room; /* of value.text: the next one may fit */
    vonk__kept value;
} counter;

typedef struct frequent {
    counter **at, **slots; /* in the order in which they came; 2^log2 chains */
    counter *free;
    uint32_t n, log2;
} frequent;

static uint32_t most_of(const vonk_fn_call *call) { return (uint32_t)vonk_column_i64(call->constants[1], 0); }

/* ---- counters */

static counter **slot_of(const frequent *f, uint64_t hash) { return &f->slots[hash >> (64 - f->log2)]; }

static void link_all(frequent *f)
{
    memset(f->slots, 0, sizeof(*f->slots) << f->log2);
    for (uint32_t i = 0; i < f->n; i++) {
        counter **slot = slot_of(f, f->at[i]->hash);
        f->at[i]->next = *slot;
        *slot = f->at[i];
    }
}

static vonk_status grow(frequent *f, vonk_arena *heap, vonk_error *err)
{
    const uint32_t log2 = f->log2 ? f->log2 + 1 : 4;
    counter **at;
    VONK_TRY(vonk_arena_array(heap, (size_t)1 << log2, sizeof(*at), &at, err));
    VONK_TRY(vonk_arena_array(heap, (size_t)1 << log2, sizeof(*f->slots), &f->slots, err));
    if (f->n) memcpy(at, f->at, f->n * sizeof(*at));
    f->at = at;
    f->log2 = log2;
    link_all(f);
    return VONK_OK;
}

/* As Scala's ==: -0.0 is 0.0, but NaN is nothing's equal, and binaries are told apart by where they are. */
static bool equals_nothing(const vonk_column *column, uint32_t row)
{
    if (vonk_column_is_null(column, row)) return false;
    if (column->type->id == VONK_T_FLOAT || column->type->id == VONK_T_DOUBLE)
        return isnan(vonk_column_f64(column, row));
    return column->type->id == VONK_T_BINARY;
}

static counter *find(const frequent *f, const vonk_column *column, uint32_t row, uint64_t hash)
{
    const bool null = vonk_column_is_null(column, row);
    if (f->n == 0 || equals_nothing(column, row)) return NULL;
    for (counter *c = *slot_of(f, hash); c; c = c->next)
        if (c->hash == hash && c->value.null == null && (null || vonk__kept_compare(&c->value, column, row) == 0))
            return c;
    return NULL;
}

/* Texts of counters that are free again are written over: a stream of different texts needs no more and more memory. */
static vonk_status set_value(counter *c, vonk_eval *ev, vonk_arena *heap, const vonk_column *column, uint32_t row,
                             vonk_error *err)
{
    const bool is_text = column->type->storage == VONK_STORE_VIEW && !vonk_column_is_null(column, row);
    const vonk_str text = is_text ? vonk_column_str(column, row) : VONK_STR("");
    char *own = (char *)c->value.text;
    if (!is_text) return vonk__kept_set(&c->value, ev, heap, column, row, err);
    if (text.len > c->room) {
        c->room = text.len;
        VONK_TRY(vonk_arena_alloc(heap, c->room, &own, err));
    }
    if (text.len) memcpy(own, text.data, text.len);
    c->value = (vonk__kept){.set = true, .len = vonk_u32_of(text.len), .text = own};
    return VONK_OK;
}

static vonk_status insert(frequent *f, vonk_eval *ev, vonk_arena *heap, const vonk_column *column, uint32_t row,
                          uint64_t hash, int64_t count, vonk_error *err)
{
    counter *c = f->free;
    if (!f->log2 || f->n == UINT32_C(1) << f->log2) VONK_TRY(grow(f, heap, err));
    if (c)
        f->free = c->next;
    else
        VONK_TRY(VONK_ARENA_NEW(heap, &c, err));
    VONK_TRY(set_value(c, ev, heap, column, row, err));
    c->hash = hash;
    c->count = count;
    c->next = *slot_of(f, hash);
    *slot_of(f, hash) = c;
    f->at[f->n++] = c;
    return VONK_OK;
}

/* Takes `by` off all counters; those with nothing left are free. */
static void decrease(frequent *f, int64_t by)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->n; i++) {
        counter *c = f->at[i];
        c->count -= by;
        if (c->count > 0) {
            f->at[n++] = c;
        } else {
            c->next = f->free;
            f->free = c;
        }
    }
    f->n = n;
    link_all(f);
}

static int64_t least_count(const frequent *f)
{
    int64_t least = INT64_MAX;
    for (uint32_t i = 0; i < f->n; i++)
        if (f->at[i]->count < least) least = f->at[i]->count;
    return least;
}

static vonk_status add(const vonk_fn_call *call, uint8_t *state, vonk_eval *ev, vonk_arena *heap,
                       const vonk_column *values, uint32_t row, uint64_t hash, int64_t count, vonk_error *err)
{
    frequent *f = (frequent *)state;
    hash = vonk_hash_mix(hash);
    counter *c = find(f, values, row, hash);
    if (c) {
        c->count += count;
        return VONK_OK;
    }
    if (f->n < most_of(call)) return insert(f, ev, heap, values, row, hash, count, err);
    const int64_t least = least_count(f);
    if (count >= least) VONK_TRY(insert(f, ev, heap, values, row, hash, count, err));
    decrease(f, count < least ? count : least);
    return VONK_OK;
}

VONK__AGG_UPDATE(frequent_update)
{
    uint64_t *hashes;
    VONK_TRY(vonk__agg_hashes(ev, args[0], rows, &hashes, err));
    VONK__AGG_EACH(rows, k, row) VONK_TRY(add(call, states[k], ev, heap, args[0], row, hashes[k], 1, err));
    return VONK_OK;
}

VONK__AGG_MERGE(frequent_merge) { return vonk__counted_merge(add, call, ev, heap, saved, rows, states, err); }

VONK__AGG_FINISH(frequent_save)
{
    VONK_AUTO(vonk__counted_done) vonk__counted saved = {0};
    VONK_TRY(vonk__counted_init(&saved, call, ev, n, err));
    for (uint32_t i = 0; i < n; i++) {
        const frequent *f = (const frequent *)states[i];
        for (uint32_t k = 0; k < f->n; k++) VONK_TRY(vonk__counted_add(&saved, &f->at[k]->value, f->at[k]->count, err));
        VONK_TRY(vonk__counted_close(&saved, err));
    }
    return vonk__counted_finish(&saved, ret, err);
}

/* ---- the answer, in the order of scala.collection.mutable.HashMap: by the lower bits of the hash, then by the hash */

static uint32_t fold(int64_t v) { return (uint32_t)v ^ (uint32_t)((uint64_t)v >> 32); }

static uint32_t hash_of_f64(double v)
{
    int64_t bits;
    if (v >= -0x1p63 && v < 0x1p63 && (double)(int64_t)v == v) {
        const int64_t whole = (int64_t)v;
        return whole == (int32_t)whole ? (uint32_t)whole : fold(whole);
    }
    memcpy(&bits, &v, sizeof(bits));
    return fold(isnan(v) ? INT64_C(0x7ff8000000000000) : bits);
}

/* Scala's ## of a value. Nested ones, decimals and binaries: 0, so that they stay in the order in which they came. */
static vonk_status scala_hash(vonk_eval *ev, const vonk_type *type, const vonk__kept *value, uint32_t *ret,
                              vonk_error *err)
{
    *ret = 0;
    if (value->null) return VONK_OK;
    switch (type->storage) {
    case VONK_STORE_BIT: *ret = value->i64 ? 1231 : 1237; return VONK_OK;
    case VONK_STORE_I8:
    case VONK_STORE_I16:
    case VONK_STORE_I32: *ret = (uint32_t)value->i64; return VONK_OK;
    case VONK_STORE_I64:
        if (type->id != VONK_T_DECIMAL)
            *ret = value->i64 == (int32_t)value->i64 ? (uint32_t)value->i64 : fold(value->i64);
        return VONK_OK;
    case VONK_STORE_F32:
    case VONK_STORE_F64: *ret = hash_of_f64(value->f64); return VONK_OK;
    case VONK_STORE_VIEW: {
        VONK_AUTO(vonk_column_unref) vonk_column *text = NULL;
        if (type->id == VONK_T_BINARY) return VONK_OK;
        VONK_TRY(vonk__kept_column(ev, type, &value, 1, &text, err));
        *ret = 42; /* UTF8String.hashCode's seed */
        vonk_spark_murmur3(text, VONK_ALL_ROWS(1), ret);
        return VONK_OK;
    }
    default: return VONK_OK;
    }
}

typedef struct placed {
    uint32_t bucket, came;
    int32_t hash;
    const vonk__kept *value;
} placed;

static int by_place(const void *a, const void *b)
{
    const placed *x = a, *y = b;
    if (x->bucket != y->bucket) return x->bucket < y->bucket ? -1 : 1;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    return x->came < y->came ? -1 : x->came > y->came;
}

/* The map starts with 16 buckets and doubles when the next key would fill three quarters of them. */
static uint32_t buckets_for(uint32_t n)
{
    uint32_t buckets = 16;
    while (n >= buckets / 4 * 3) buckets *= 2;
    return buckets;
}

static vonk_status put_items(const vonk_fn_call *call, vonk_eval *ev, const frequent *f, vonk_builder *b,
                             vonk_error *err)
{
    placed *items;
    VONK_TRY(vonk_arena_array(ev->scratch, f->n + 1, sizeof(*items), &items, err));
    for (uint32_t i = 0; i < f->n; i++) {
        uint32_t hash;
        VONK_TRY(scala_hash(ev, call->arg_types[0], &f->at[i]->value, &hash, err));
        hash ^= hash >> 16;
        items[i] = (placed){
            .bucket = hash & (buckets_for(f->n) - 1), .came = i, .hash = (int32_t)hash, .value = &f->at[i]->value};
    }
    qsort(items, f->n, sizeof(*items), by_place);
    for (uint32_t i = 0; i < f->n; i++) VONK_TRY(vonk__kept_put(vonk_builder_child(b, 0), items[i].value, err));
    return vonk_builder_close(b, err);
}

VONK__AGG_FINISH(frequent_finish)
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_TRY(vonk_builder_init(&b, ev->budget, call->type, n, err));
    for (uint32_t i = 0; i < n; i++) VONK_TRY(put_items(call, ev, (const frequent *)states[i], &b, err));
    return vonk_builder_finish(&b, ret, err);
}

static const vonk_agg frequent_agg = {.state_bytes = sizeof(frequent),
                                      .state = "array<arg0>,array<bigint>",
                                      .update = frequent_update,
                                      .merge = frequent_merge,
                                      .save = frequent_save,
                                      .finish = frequent_finish,
                                      .order_sensitive = true};

static vonk_status resolve_frequent(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *type = NULL;
    if (!t->constants[1] || vonk_column_is_null(t->constants[1], 0) || vonk_column_i64(t->constants[1], 0) < 1)
        return VONK_FAIL(err, VONK_E_REQUIREMENT_FAILED, "requirement", "there is a number of items, at least 1");
    VONK_TRY(vonk_type_array(t->types[0], t->nullable[0], &type, err));
    VONK_TRY(vonk_fn_own_type(t->arena, type, &type, err));
    VONK_TRY(vonk_fn_set_result(t, type));
    t->result_nullable = false;
    return VONK_OK;
}

const vonk_fn vonk_fns_aggregate_frequent[] = {
    {.name = "collect_frequent_items",
     .kind = VONK_FN_AGGREGATE,
     .nulls = VONK_NULLS_OWN,
     .group = "agg_funcs",
     .args = "any,int",
     .resolve = resolve_frequent,
     .agg = &frequent_agg,
     .since = "3.4.0",
     .doc = "Values that are there often, at most as many as the second argument says: all that are more frequent than "
            "one in that many rows, and perhaps others.",
     .example = "collect_frequent_items(col, 2) FROM VALUES (1), (2), (1), (3), (1) AS tab(col)",
     .expect = "[1]"},
};
VONK_FN_COUNT(aggregate_frequent);
