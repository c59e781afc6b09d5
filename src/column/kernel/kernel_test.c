/* Tests of kernels: each level against plain loops, on odd lengths, shifted pointers and values at the edges. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/bits.h"
#include "base/hash.h"
#include "column/kernel/kernel.h"

enum { MOST = 260, LANE_BYTES = 16, GUARD = 64 };
static const size_t widths[VONK_N_LANE] = {1, 2, 4, 8, 4, 8, 16};
static uint64_t random_state;
static uint64_t random_u64(void) { return vonk_hash_mix(random_state += UINT64_C(0x9e3779b97f4a7c15)); }

/* Space for MOST lanes at a shift (of whole lanes) with guards behind, which kernels must not touch. */
typedef struct area {
    _Alignas(64) uint8_t bytes[(MOST + 8) * LANE_BYTES + GUARD];
} area;

static void *place(area *a, vonk_lane lane, size_t shift) { return a->bytes + shift * widths[lane]; }

static void fill(void *out, vonk_lane lane, size_t n)
{
    static const double odd[] = {0.0, -0.0, 1.0, -1.0, 1e300, -1e300, 5e-324, 3e38, 1e-45};
    for (size_t i = 0; i < n; i++) {
        uint64_t r = random_u64();
        bool edge = r % 3 == 0, small = r % 3 == 1;
        int64_t v = (int64_t)random_u64();
        double d = (double)v / 1e10;
        if (small) v = v % 4, d = (double)v;
        if (edge) v = (r >> 8) & 1 ? INT64_MIN + (int64_t)((r >> 9) & 1) : INT64_MAX - (int64_t)((r >> 9) & 1);
        if (edge)
            d = (r >> 8) % 12 == 9    ? (double)NAN
                : (r >> 8) % 12 == 10 ? (double)INFINITY
                : (r >> 8) % 12 == 11 ? -(double)INFINITY
                                      : odd[(r >> 8) % 12];
        switch (lane) {
        case VONK_LANE_I8: ((int8_t *)out)[i] = edge ? (int8_t)(v >> 56) : (int8_t)v; break;
        case VONK_LANE_I16: ((int16_t *)out)[i] = edge ? (int16_t)(v >> 48) : (int16_t)v; break;
        case VONK_LANE_I32: ((int32_t *)out)[i] = edge ? (int32_t)(v >> 32) : (int32_t)v; break;
        case VONK_LANE_I64: ((int64_t *)out)[i] = v; break;
        case VONK_LANE_F32: ((float *)out)[i] = (float)d; break;
        case VONK_LANE_F64: ((double *)out)[i] = d; break;
        default: {
            vonk_i128 w = edge ? (vonk_i128)((vonk_u128)v << 64) : v,
                      limit = (vonk_i128)10000000000000000000ULL * 10000000000000000000ULL;
            if (r % 5 == 4) w = (v & 1 ? limit - 1 : 1 - limit);
            memcpy((uint8_t *)out + 16 * i, &w, 16);
        }
        }
    }
}

/* One lane widened: integers exactly, floats as double. */
typedef struct value {
    vonk_i128 i;
    double d;
} value;
static value get(const void *v, vonk_lane lane, size_t i)
{
    switch (lane) {
    case VONK_LANE_I8: return (value){.i = ((const int8_t *)v)[i]};
    case VONK_LANE_I16: return (value){.i = ((const int16_t *)v)[i]};
    case VONK_LANE_I32: return (value){.i = ((const int32_t *)v)[i]};
    case VONK_LANE_I64: return (value){.i = ((const int64_t *)v)[i]};
    case VONK_LANE_F32: return (value){.d = (double)((const float *)v)[i]};
    case VONK_LANE_F64: return (value){.d = ((const double *)v)[i]};
    default: {
        value r = {0};
        memcpy(&r.i, (const uint8_t *)v + 16 * i, 16);
        return r;
    }
    }
}
static bool is_float(vonk_lane lane) { return lane == VONK_LANE_F32 || lane == VONK_LANE_F64; }

static int order(value a, value b, vonk_lane lane)
{
    if (!is_float(lane)) return (a.i > b.i) - (a.i < b.i);
    if (isnan(a.d) || isnan(b.d)) return isnan(a.d) - isnan(b.d);
    return (a.d > b.d) - (a.d < b.d);
}

static bool holds(vonk_cmp cmp, int o)
{
    switch (cmp) {
    case VONK_CMP_EQ: return o == 0;
    case VONK_CMP_NE: return o != 0;
    case VONK_CMP_LT: return o < 0;
    case VONK_CMP_LE: return o <= 0;
    case VONK_CMP_GT: return o > 0;
    default: return o >= 0;
    }
}

static void assert_bits_end(const uint8_t *bits, size_t n)
{
    for (size_t i = n; i < vonk_bits_bytes(n) * 8; i++) assert_false(vonk_bit_get(bits, i)); /* bits past n are 0 */
    assert_int_equal(bits[vonk_bits_bytes(n)], 0xa5); /* bytes past them untouched */
}

static size_t at_a(vonk_shape s, size_t i) { return s == VONK_SV ? 0 : i; }
static size_t at_b(vonk_shape s, size_t i) { return s == VONK_VS ? 0 : i; }

static void check_compare(const vonk_kernel_table *t, size_t n, size_t shift)
{
    static area a, b;
    uint8_t bits[MOST / 8 + GUARD];
    for (int lane = 0; lane < VONK_N_LANE; lane++) {
        void *x = place(&a, (vonk_lane)lane, shift), *y = place(&b, (vonk_lane)lane, (shift * 3) % 5);
        fill(x, (vonk_lane)lane, n + 1);
        fill(y, (vonk_lane)lane, n + 1);
        for (int shape = 0; shape < 3; shape++)
            for (int cmp = 0; cmp < VONK_N_CMP; cmp++) {
                memset(bits, 0xa5, sizeof(bits));
                t->compare[cmp][lane](n, x, y, (vonk_shape)shape, bits);
                for (size_t i = 0; i < n; i++) {
                    int o = order(get(x, (vonk_lane)lane, at_a((vonk_shape)shape, i)),
                                  get(y, (vonk_lane)lane, at_b((vonk_shape)shape, i)), (vonk_lane)lane);
                    assert_int_equal(vonk_bit_get(bits, i), holds((vonk_cmp)cmp, o));
                }
                assert_bits_end(bits, n);
            }
    }
}

static bool fits(vonk_i128 v, vonk_lane lane)
{
    if (lane == VONK_LANE_I128) return true; /* decided by the caller */
    int bits = (int)widths[lane] * 8 - 1;
    return v >= -((vonk_i128)1 << bits) && v < (vonk_i128)1 << bits;
}

static void expect_int(char op, value x, value y, vonk_lane lane, vonk_i128 got, bool bad)
{
    vonk_i128 r, limit = (vonk_i128)10000000000000000000ULL * 10000000000000000000ULL;
    bool over = op == '+'   ? __builtin_add_overflow(x.i, y.i, &r)
                : op == '-' ? __builtin_sub_overflow(x.i, y.i, &r)
                            : __builtin_mul_overflow(x.i, y.i, &r);
    bool wrong = lane == VONK_LANE_I128 ? over || r >= limit || r <= -limit : over || !fits(r, lane);
    assert_int_equal(bad, wrong);
    vonk_u128 mask = widths[lane] == 16 ? ~(vonk_u128)0 : ((vonk_u128)1 << (widths[lane] * 8)) - 1;
    assert_true(((vonk_u128)got & mask) == ((vonk_u128)r & mask)); /* wrapped */
}

static void expect_float(char op, value x, value y, vonk_lane lane, double got, bool bad)
{
    double r;
    if (lane == VONK_LANE_F32) {
        float p = (float)x.d, q = (float)y.d;
        r = (double)(op == '+' ? p + q : op == '-' ? p - q : op == '*' ? p * q : p / q);
    } else
        r = op == '+' ? x.d + y.d : op == '-' ? x.d - y.d : op == '*' ? x.d * y.d : x.d / y.d;
    assert_true(isnan(r) ? isnan(got) : r == got);
    assert_int_equal(bad, op == '/' && y.d == 0);
}

static void check_arith(const vonk_kernel_table *t, size_t n, size_t shift)
{
    static area a, b, r;
    uint8_t bad[MOST / 8 + GUARD];
    const vonk_kernel_arith *ops[] = {t->add, t->sub, t->mul, t->div};
    for (int op = 0; op < 4; op++)
        for (int lane = 0; lane < VONK_N_LANE; lane++)
            for (int shape = 0; shape < 3 && ops[op][lane]; shape++) {
                void *x = place(&a, (vonk_lane)lane, shift), *y = place(&b, (vonk_lane)lane, (shift * 3) % 5),
                     *out = place(&r, (vonk_lane)lane, (shift * 2) % 3);
                fill(x, (vonk_lane)lane, n + 1);
                fill(y, (vonk_lane)lane, n + 1);
                memset(bad, 0xa5, sizeof(bad));
                memset(&r, 0xa5, sizeof(r));
                bool any = ops[op][lane](n, x, y, (vonk_shape)shape, out, bad), seen = false;
                for (size_t i = 0; i < n; i++) {
                    value p = get(x, (vonk_lane)lane, at_a((vonk_shape)shape, i)),
                          q = get(y, (vonk_lane)lane, at_b((vonk_shape)shape, i)), g = get(out, (vonk_lane)lane, i);
                    if (is_float((vonk_lane)lane))
                        expect_float("+-*/"[op], p, q, (vonk_lane)lane, g.d, vonk_bit_get(bad, i));
                    else
                        expect_int("+-*/"[op], p, q, (vonk_lane)lane, g.i, vonk_bit_get(bad, i));
                    seen |= vonk_bit_get(bad, i);
                }
                assert_int_equal(any, seen);
                assert_bits_end(bad, n);
                assert_int_equal(((uint8_t *)out)[n * widths[lane]], 0xa5);
                if (shape == VONK_VV) { /* in place */
                    ops[op][lane](n, x, y, VONK_VV, x, NULL);
                    assert_memory_equal(x, out, n * widths[lane]);
                }
            }
}

static void check_decimals(const vonk_kernel_table *t, size_t n, size_t shift)
{
    static area a, b;
    static int64_t r[MOST];
    static vonk_i128 w[MOST];
    int64_t *x = place(&a, VONK_LANE_I64, shift), *y = place(&b, VONK_LANE_I64, 1);
    for (size_t i = 0; i <= n; i++) {
        x[i] = (int64_t)(random_u64() % 2000000000) - 1000000000;
        y[i] = (int64_t)(random_u64() % 2000000000) - 1000000000;
    }
    for (int shape = 0; shape < 3; shape++) {
        t->decimal_add_i64(n, x, 100, y, -1000, (vonk_shape)shape, r);
        for (size_t i = 0; i < n; i++)
            assert_true(r[i] == x[at_a((vonk_shape)shape, i)] * 100 - y[at_b((vonk_shape)shape, i)] * 1000);
        t->decimal_mul_i64(n, x, y, (vonk_shape)shape, r);
        for (size_t i = 0; i < n; i++)
            assert_true(r[i] == x[at_a((vonk_shape)shape, i)] * y[at_b((vonk_shape)shape, i)]);
    }
    fill(x, VONK_LANE_I64, n + 1);
    fill(y, VONK_LANE_I64, n + 1);
    for (int shape = 0; shape < 3; shape++) {
        t->decimal_add_i64_to_i128(n, x, 1000000000000000000, y, -10, (vonk_shape)shape, w);
        for (size_t i = 0; i < n; i++)
            assert_true(w[i] == (vonk_i128)x[at_a((vonk_shape)shape, i)] * 1000000000000000000 -
                                    (vonk_i128)y[at_b((vonk_shape)shape, i)] * 10);
        t->decimal_mul_i64_to_i128(n, x, y, (vonk_shape)shape, w);
        for (size_t i = 0; i < n; i++)
            assert_true(w[i] == (vonk_i128)x[at_a((vonk_shape)shape, i)] * y[at_b((vonk_shape)shape, i)]);
    }
}

static double sum_in_order(const void *v, vonk_lane lane, size_t n, const uint8_t *validity)
{
    double s[8] = {0};
    for (size_t i = 0; i < n; i++)
        if (!validity || vonk_bit_get(validity, i)) s[i % 8] += get(v, lane, i).d;
    return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}

static void check_sums(const vonk_kernel_table *t, size_t n, size_t shift)
{
    static area a;
    uint8_t validity[MOST / 8 + 8];
    for (size_t i = 0; i < sizeof(validity); i++) validity[i] = (uint8_t)(random_u64() | random_u64());
    for (int lane = 0; lane < VONK_N_LANE; lane++)
        for (int nulls = 0; nulls < 2; nulls++) {
            void *x = place(&a, (vonk_lane)lane, shift);
            const uint8_t *v = nulls ? validity : NULL;
            fill(x, (vonk_lane)lane, n);
            vonk_i128 sum = 0, got = 0;
            bool over = false, any = false;
            value low = {0}, high = {0};
            for (size_t i = 0; i < n; i++) {
                if (v && !vonk_bit_get(v, i)) continue;
                value g = get(x, (vonk_lane)lane, i);
                over |= __builtin_add_overflow(sum, g.i, &sum);
                if (!any || order(g, low, (vonk_lane)lane) < 0) low = g;
                if (!any || order(g, high, (vonk_lane)lane) > 0) high = g;
                any = true;
            }
            switch (lane) {
            case VONK_LANE_I8: got = t->sum_i8(n, x, v); break;
            case VONK_LANE_I16: got = t->sum_i16(n, x, v); break;
            case VONK_LANE_I32: got = t->sum_i32(n, x, v); break;
            case VONK_LANE_I64: got = t->sum_i64(n, x, v); break;
            case VONK_LANE_I128: assert_int_equal(t->sum_i128(n, x, v, &got), over); break;
            default: {
                double d = lane == VONK_LANE_F32 ? t->sum_f32(n, x, v) : t->sum_f64(n, x, v),
                       e = sum_in_order(x, (vonk_lane)lane, n, v);
                assert_true(isnan(e) ? isnan(d) : d == e);
            }
            }
            if (!is_float((vonk_lane)lane)) assert_true(got == sum);
            _Alignas(16) uint8_t r[16] = {0};
            assert_int_equal(t->min[lane](n, x, v, r), any);
            if (any) assert_int_equal(order(get(r, (vonk_lane)lane, 0), low, (vonk_lane)lane), 0);
            assert_int_equal(t->max[lane](n, x, v, r), any);
            if (any) assert_int_equal(order(get(r, (vonk_lane)lane, 0), high, (vonk_lane)lane), 0);
        }
}

static void check_bitmaps(const vonk_kernel_table *t, size_t n)
{
    uint8_t a[MOST / 8 + GUARD], b[MOST / 8 + GUARD], r[MOST / 8 + GUARD], bytes[MOST + 1], back[MOST / 8 + GUARD];
    uint32_t rows[MOST + 1], found = 0, some[MOST + 1], n_some = 0;
    for (size_t i = 0; i < sizeof(a); i++) {
        a[i] = n % 3 == 0 ? 0xff : (uint8_t)random_u64();
        b[i] = (uint8_t)random_u64();
    }
    struct {
        void (*op)(size_t, const uint8_t *, const uint8_t *, uint8_t *);
        int kind;
    } ops[] = {{t->bits_and, 0}, {t->bits_or, 1}, {t->bits_and_not, 2}};
    for (size_t k = 0; k < 3; k++) {
        memset(r, 0xa5, sizeof(r));
        ops[k].op(n, a, b, r);
        for (size_t i = 0; i < n; i++) {
            bool x = vonk_bit_get(a, i), y = vonk_bit_get(b, i);
            assert_int_equal(vonk_bit_get(r, i), k == 0 ? x && y : k == 1 ? x || y : x && !y);
        }
        assert_bits_end(r, n);
    }
    memset(r, 0xa5, sizeof(r));
    t->bits_not(n, a, r);
    for (size_t i = 0; i < n; i++) assert_int_equal(vonk_bit_get(r, i), !vonk_bit_get(a, i));
    assert_bits_end(r, n);
    assert_int_equal(t->bits_count(n, b), vonk_bits_count(b, n));
    rows[n] = 0xdeadbeef;
    found = (uint32_t)t->bits_to_rows(n, b, rows);
    assert_int_equal(found, vonk_bits_count(b, n));
    for (uint32_t i = 0, k = 0; i < n; i++)
        if (vonk_bit_get(b, i)) assert_int_equal(rows[k++], i);
    assert_int_equal(rows[n], 0xdeadbeef);
    n_some = (uint32_t)t->rows_where(found, rows, a, some);
    for (uint32_t k = 0, m = 0; k < found; k++)
        if (vonk_bit_get(a, rows[k])) assert_int_equal(some[m++], rows[k]);
    assert_true(n_some <= found);
    bytes[n] = 0x77;
    t->bits_to_bytes(n, b, bytes);
    for (size_t i = 0; i < n; i++) assert_int_equal(bytes[i], vonk_bit_get(b, i));
    assert_int_equal(bytes[n], 0x77);
    for (size_t i = 0; i < n; i++) bytes[i] = bytes[i] ? (uint8_t)(1 + random_u64() % 255) : 0;
    memset(back, 0xa5, sizeof(back));
    t->bytes_to_bits(n, bytes, back);
    for (size_t i = 0; i < n; i++) assert_int_equal(vonk_bit_get(back, i), vonk_bit_get(b, i));
    assert_bits_end(back, n);
}

static void check_hash_and_gather(const vonk_kernel_table *t, size_t n, size_t shift)
{
    static area a, r;
    uint64_t h[MOST], g[MOST];
    uint32_t rows[MOST];
    int32_t *x = place(&a, VONK_LANE_I32, shift);
    fill(x, VONK_LANE_I32, n + 8);
    for (size_t i = 0; i < n; i++) {
        h[i] = g[i] = random_u64();
        rows[i] = (uint32_t)(random_u64() % (n + 1));
    }
    t->hash_i32(n, x, h, false);
    for (size_t i = 0; i < n; i++) assert_true(h[i] == vonk_hash_combine(g[i], (uint64_t)(int64_t)x[i]));
    t->hash_i32(n, x, h, true);
    for (size_t i = 0; i < n; i++) assert_true(h[i] == vonk_hash_mix((uint64_t)(int64_t)x[i]));
    t->gather_4(n, x, rows, &r);
    for (size_t i = 0; i < n; i++) assert_int_equal(((int32_t *)(void *)&r)[i], x[rows[i]]);
    int64_t *y = place(&a, VONK_LANE_I64, shift);
    fill(y, VONK_LANE_I64, n + 8);
    t->hash_i64(n, y, g, false);
    t->hash_i64(n, y, g, true);
    for (size_t i = 0; i < n; i++) assert_true(g[i] == vonk_hash_mix((uint64_t)y[i]));
    t->gather_8(n, y, rows, &r);
    for (size_t i = 0; i < n; i++) assert_true(((int64_t *)(void *)&r)[i] == y[rows[i]]);
    uint8_t *z = place(&a, VONK_LANE_I128, shift);
    fill(z, VONK_LANE_I128, n + 1);
    t->gather_16(n, z, rows, &r);
    for (size_t i = 0; i < n; i++) assert_memory_equal(r.bytes + 16 * i, z + 16 * rows[i], 16);
}

static void check_level(const char *level)
{
    const vonk_kernel_table *t = vonk_kernel_table_of(level);
    if (!t) {
        print_message("this machine has no %s\n", level);
        return;
    }
    assert_string_equal(t->level, level);
    for (size_t n = 0; n <= 130; n++)
        for (size_t shift = 0; shift < 4; shift += n % 2 + 1) {
            random_state = n * 10 + shift;
            check_compare(t, n, shift);
            check_arith(t, n, shift);
            check_decimals(t, n, shift);
            check_sums(t, n, shift);
            check_bitmaps(t, n);
            check_hash_and_gather(t, n, shift);
        }
}
static void level_v1(void **state) { check_level("v1"); }
static void level_v3(void **state) { check_level("v3"); }
static void level_v4(void **state) { check_level("v4"); }

static void one_is_chosen(void **state)
{
    assert_non_null(vonk_kernels);
    assert_ptr_equal(vonk_kernel_table_of(vonk_kernels->level), vonk_kernels);
    assert_null(vonk_kernel_table_of("v9"));
    assert_int_equal(vonk_lane_of(VONK_STORE_VIEW), VONK_N_LANE);
    assert_int_equal(vonk_lane_of(VONK_STORE_F64), VONK_LANE_F64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(level_v1),
        cmocka_unit_test(level_v3),
        cmocka_unit_test(level_v4),
        cmocka_unit_test(one_is_chosen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
