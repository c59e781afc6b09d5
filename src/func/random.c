/* func/random.c -- random numbers, with Spark's generator, so that seeds give the same numbers. A partition's generator
 * starts from seed + partition. */
#include <math.h>

#include "func/resolve.h"
#include "func/result.h"
#include "func/strict_math.h"
#include "func/tables.h"
#include "sys/entropy.h"

static vonk_status resolve_seed(vonk_fn_types *t, vonk_error *err);
static vonk_status prepare_random(vonk_fn_call *call, vonk_error *err);
VONK_FN_EVAL(eval_rand);
VONK_FN_EVAL(eval_randn);

#define RANDOM                                                                                                         \
    .args = "int|bigint?", .result = "double", .nulls = VONK_NULLS_OWN, .nullable = VONK_NULLABLE_NEVER,               \
    .volatility = VONK_PARTITION_BOUND, .raises = VONK_NEVER_RAISES, .resolve = resolve_seed,                          \
    .prepare = prepare_random, .group = "math_funcs"

/* clang-format off */
const vonk_fn vonk_fns_random[] = {
    {.name = "rand", RANDOM, .eval = eval_rand, .since = "1.5.0", .doc = "A random number from 0 to below 1, all equally likely.",
     .example = "rand(0)", .expect = "0.7604953758285915"},
    {.name = "random", .alias_of = "rand", .text = "rand($*)", .example = "random(0)", .expect = "0.7604953758285915"},
    {.name = "randn", RANDOM, .eval = eval_randn, .since = "1.5.0", .doc = "A random number of the standard normal distribution.",
     .example = "randn(0)", .expect = "1.6034991609278433"},
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
