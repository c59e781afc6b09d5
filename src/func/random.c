/* func/random.c -- random numbers, with Spark's generator, so that seeds give the same numbers. A partition's generator
 * starts from seed + partition. */
#include <math.h>

#include "func/body.h"
#include "func/cast.h"
#include "func/resolve.h"
#include "func/result.h"
#include "func/strict_math.h"
#include "func/tables.h"
#include "sys/entropy.h"

static vonk_status resolve_seed(vonk_fn_types *t, vonk_error *err);
static vonk_status prepare_random(vonk_fn_call *call, vonk_error *err);
VONK_FN_EVAL(eval_rand);
VONK_FN_EVAL(eval_randn);
static vonk_status resolve_uniform(vonk_fn_types *t, vonk_error *err);
static vonk_status prepare_uniform(vonk_fn_call *call, vonk_error *err);
VONK_FN_EVAL(eval_uniform);
static vonk_status resolve_randstr(vonk_fn_types *t, vonk_error *err);
static vonk_status prepare_randstr(vonk_fn_call *call, vonk_error *err);
VONK_FN_EVAL(eval_randstr);

#define RANDOM                                                                                                         \
    .args = "=int|bigint?", .result = "double", .nulls = VONK_NULLS_OWN, .nullable = VONK_NULLABLE_NEVER,              \
    .volatility = VONK_PARTITION_BOUND, .raises = VONK_NEVER_RAISES, .resolve = resolve_seed,                          \
    .prepare = prepare_random, .seeded = 1, .group = "math_funcs"

/* clang-format off */
const vonk_fn vonk_fns_random[] = {
    {.name = "rand", RANDOM, .eval = eval_rand, .since = "1.5.0", .doc = "A random number from 0 to below 1, all equally likely.",
     .example = "rand(0)", .expect = "0.7604953758285915"},
    {.name = "random", .alias_of = "rand", .text = "rand($*)", .example = "random(0)", .expect = "0.7604953758285915"},
    {.name = "randn", RANDOM, .eval = eval_randn, .since = "1.5.0", .doc = "A random number of the standard normal distribution.",
     .example = "randn(0)", .expect = "1.6034991609278433"},
    {.name = "uniform", .args = "=numeric,=numeric,=int|bigint?", .nulls = VONK_NULLS_OWN, .nullable = VONK_NULLABLE_NEVER,
     .volatility = VONK_PARTITION_BOUND, .raises = VONK_NEVER_RAISES, .resolve = resolve_uniform, .prepare = prepare_uniform,
     .eval = eval_uniform, .seeded = 3, .group = "math_funcs", .since = "4.0.0",
     .doc = "A random number between two constants, all equally likely, of the wider of their types.",
     .example = "uniform(10, 20, 0)", .expect = "17"},
    {.name = "randstr", .args = "int,int|bigint?", .result = "string", .nulls = VONK_NEVER_NULL,
     .volatility = VONK_PARTITION_BOUND, .raises = VONK_MAY_RAISE, .resolve = resolve_randstr, .prepare = prepare_randstr,
     .eval = eval_randstr, .seeded = 2, .group = "string_funcs", .since = "4.0.0", .doc = "A text of so many random digits and letters.",
     .example = "randstr(3, 0)", .expect = "ceV"},
};
/* clang-format on */
VONK_FN_COUNT(random);

static vonk_status resolve_seed(vonk_fn_types *t, vonk_error *err)
{
    if (t->n_args == 0 || (t->constants && t->constants[0])) return VONK_OK;
    return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__NON_FOLDABLE_INPUT, "sqlExpr",
                     vonk_fn_call_text(t, (char[1024]){0}), "inputName", "`seed`", "inputType", "\"INT\" or \"BIGINT\"",
                     "inputExpr", VONK_F("\"%.*s\"", VONK_STR_ARGS(t->texts ? t->texts[0] : VONK_STR("?"))));
}

/* ---- the generator: 64 bits of state, three shifts */

typedef struct generator {
    bool ready;
    bool has_spare; /* a second normal number is left */
    double spare;
    uint64_t seed;
} generator;

/* MurmurHash3 (32 bits) of the 8 bytes of the seed, most significant first. */
static uint32_t murmur(uint64_t value, uint32_t h)
{
    for (int half = 0; half < 2; half++) {
        uint32_t k = __builtin_bswap32((uint32_t)(half == 0 ? value >> 32 : value));
        k *= 0xcc9e2d51u;
        k = k << 15 | k >> 17;
        k *= 0x1b873593u;
        h ^= k;
        h = h << 13 | h >> 19;
        h = h * 5 + 0xe6546b64u;
    }
    h ^= 8;
    h ^= h >> 16;
    h *= 0x85ebca6bu;
    h ^= h >> 13;
    h *= 0xc2b2ae35u;
    return h ^ h >> 16;
}

static void start(uint64_t seed, uint64_t *ret_state)
{
    uint32_t low = murmur(seed, 0x3c074a61u), high = murmur(seed, low);
    *ret_state = (uint64_t)high << 32 | low;
}

static uint32_t next_bits(generator *g, int bits)
{
    uint64_t s = g->seed;
    s ^= s << 21;
    s ^= s >> 35;
    s ^= s << 4;
    g->seed = s;
    return (uint32_t)(s & ((UINT64_C(1) << bits) - 1));
}

static double next_double(generator *g)
{
    uint64_t high = next_bits(g, 26), low = next_bits(g, 27);
    return (double)(int64_t)((high << 27) + low) * 0x1.0p-53;
}

static double next_gaussian(generator *g)
{
    if (g->has_spare) {
        g->has_spare = false;
        return g->spare;
    }
    double a, b, s;
    do {
        a = 2 * next_double(g) - 1;
        b = 2 * next_double(g) - 1;
        s = a * a + b * b;
    } while (s >= 1 || s == 0);
    double times = sqrt(-2 * vonk_strict_log(s) / s);
    g->spare = b * times;
    g->has_spare = true;
    return a * times;
}

/* ---- bodies */

static vonk_status prepare_random(vonk_fn_call *call, vonk_error *err)
{
    uint64_t *seed = NULL;
    const vonk_column *given = call->n_args ? call->constants[0] : NULL;
    VONK_TRY(VONK_ARENA_NEW(call->arena, &seed, err));
    if (call->n_args == 0)
        *seed = vonk_random_u64();
    else if (given && given->type->id != VONK_T_NULL && !vonk_column_is_null(given, 0))
        *seed = (uint64_t)vonk_column_i64(given, 0);
    call->state = seed;
    call->local_bytes = sizeof(generator);
    return VONK_OK;
}

static vonk_status draw(const vonk_fn_call *call, vonk_eval *ev, uint32_t n_rows, vonk_rows rows,
                        double (*next)(generator *), vonk_column **ret, vonk_error *err)
{
    generator *g = ev->local;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    if (!g->ready) {
        start(*(const uint64_t *)call->state + (uint64_t)ev->partition, &g->seed);
        g->ready = true;
    }
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (uint32_t k = 0; k < rows.n; k++) ((double *)r.data)[vonk_row_at(rows, k)] = next(g);
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_rand) { return draw(call, ev, n_rows, rows, next_double, ret, err); }
VONK_FN_EVAL(eval_randn) { return draw(call, ev, n_rows, rows, next_gaussian, ret, err); }

/* ---- uniform: min + (max - min) * a random number, in double precision, then cast */

typedef struct range {
    uint64_t seed;
    double least, span;
} range;

static vonk_status need_constant(const vonk_fn_types *t, uint32_t arg, const char *name, const char *type,
                                 vonk_error *err)
{
    if (t->constants && t->constants[arg]) return VONK_OK;
    return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__NON_FOLDABLE_INPUT, "sqlExpr",
                     vonk_fn_call_text(t, (char[1024]){0}), "inputName", VONK_QUOTED(name), "inputType", type,
                     "inputExpr", VONK_F("\"%.*s\"", VONK_STR_ARGS(t->texts ? t->texts[arg] : VONK_STR("?"))));
}

static const vonk_type *range_type(const vonk_type *a, const vonk_type *b)
{
    if (vonk_type_is_integral(a) && vonk_type_is_integral(b))
        return vonk_storage_bytes(a->storage) > vonk_storage_bytes(b->storage) ? a : b;
    if (a->id == VONK_T_DOUBLE || b->id == VONK_T_DOUBLE) return &vonk_type_double;
    if (a->id == VONK_T_FLOAT || b->id == VONK_T_FLOAT) return &vonk_type_float;
    return a->id == VONK_T_DECIMAL ? a : b;
}

static vonk_status resolve_uniform(vonk_fn_types *t, vonk_error *err)
{
    static const char *const names[] = {"min", "max", "seed"};
    assert(t->n_args <= VONK_COUNTOF(names));
    for (uint32_t i = 0; i < t->n_args; i++)
        VONK_TRY(need_constant(t, i, names[i], i < 2 ? "\"NUMERIC\"" : "\"INT\" or \"BIGINT\"", err));
    for (uint32_t i = 0; i < t->n_args; i++)
        if (t->types[i]->id == VONK_T_NULL) {
            t->result_nullable = true;
            return vonk_fn_set_result(t, &vonk_type_null);
        }
    return vonk_fn_set_result(t, range_type(t->types[0], t->types[1]));
}

static vonk_status bound(const vonk_fn_call *call, uint32_t arg, double *ret, bool *ret_null, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *value = NULL;
    const vonk_column *given = call->constants[arg];
    if (!given || given->type->id == VONK_T_NULL || vonk_column_is_null(given, 0)) {
        *ret_null = true;
        return VONK_OK;
    }
    VONK_TRY(vonk_cast_column(call->env, VONK_MODE_ANSI, vonk_arena_budget(call->arena), given, &vonk_type_double,
                              &value, err));
    *ret = vonk_column_f64(value, 0);
    return VONK_OK;
}

static vonk_status seed_of(const vonk_fn_call *call, uint32_t arg, uint64_t *ret)
{
    const vonk_column *given = arg < call->n_args ? call->constants[arg] : NULL;
    if (arg >= call->n_args)
        *ret = vonk_random_u64();
    else
        *ret = given && given->type->id != VONK_T_NULL && !vonk_column_is_null(given, 0)
                   ? (uint64_t)vonk_column_i64(given, 0)
                   : 0;
    return VONK_OK;
}

static vonk_status prepare_uniform(vonk_fn_call *call, vonk_error *err)
{
    range *r;
    double most = 0;
    bool null = call->type->id == VONK_T_NULL;
    VONK_TRY(VONK_ARENA_NEW(call->arena, &r, err));
    VONK_TRY(bound(call, 0, &r->least, &null, err));
    VONK_TRY(bound(call, 1, &most, &null, err));
    VONK_TRY(seed_of(call, 2, &r->seed));
    r->span = most - r->least;
    call->state = null ? NULL : r;
    call->local_bytes = sizeof(generator);
    call->takes_constants = true;
    return VONK_OK;
}

static generator *started(vonk_eval *ev, uint64_t seed)
{
    generator *g = ev->local;
    if (!g->ready) {
        start(seed + (uint64_t)ev->partition, &g->seed);
        g->ready = true;
    }
    return g;
}

VONK_FN_EVAL(eval_uniform)
{
    const range *span = call->state;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *numbers = NULL, *cast = NULL;
    (void)args;
    if (!span) return vonk_column_new_nulls(ev->budget, call->type, n_rows, ret, err);
    generator *g = started(ev, span->seed);
    VONK_TRY(vonk_result_new(ev, &vonk_type_double, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) VONK_OUT(r, double)[i] = span->least + span->span * next_double(g);
    numbers = vonk_result_take(&r);
    VONK_TRY(vonk_cast_column(call->env, call->env->ansi ? VONK_MODE_ANSI : VONK_MODE_LEGACY, ev->budget, numbers,
                              call->type, &cast, err));
    return vonk_column_flatten(ev->budget, cast, ret, err);
}

/* ---- randstr */

static vonk_status resolve_randstr(vonk_fn_types *t, vonk_error *err)
{
    VONK_TRY(need_constant(t, 0, "length", "\"INT\" or \"SMALLINT\"", err));
    return t->n_args > 1 ? need_constant(t, 1, "seed", "\"INT\" or \"BIGINT\"", err) : VONK_OK;
}

static vonk_status prepare_randstr(vonk_fn_call *call, vonk_error *err)
{
    uint64_t *seed;
    VONK_TRY(VONK_ARENA_NEW(call->arena, &seed, err));
    VONK_TRY(seed_of(call, 1, seed));
    call->state = seed;
    call->local_bytes = sizeof(generator);
    return VONK_OK;
}

VONK_FN_EVAL(eval_randstr)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    generator *g = started(ev, *(const uint64_t *)call->state);
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        int32_t n = vonk_null_at(args[0], i) ? 0 : vonk_i32_at(args[0], i);
        char *at;
        if (n < 0)
            return VONK_FAIL(err, VONK_E_INVALID_PARAMETER_VALUE__LENGTH, "parameter", "`length`", "functionName",
                             "`randstr`", "length", VONK_F("%d", n));
        VONK_TRY(vonk_strings_reserve(&s, (size_t)n, &at, err));
        for (int32_t k = 0; k < n; k++) {
            int32_t v = (int32_t)next_bits(g, 32) % 62;
            at[k] = letters[v < 0 ? -v : v];
        }
        vonk_strings_commit(&s, i, at, (size_t)n);
    }
    return vonk_strings_take(&s, ret, err);
}
