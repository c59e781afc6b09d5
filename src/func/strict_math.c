/* func/strict_math.c -- exp, log, pow and kin after FDLIBM 5.3.
 *
 * The algorithms and constants are those of FDLIBM, of which its authors say:
 *   Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved. Developed at SunSoft, a Sun Microsystems, Inc.
 * business. Permission to use, copy, modify, and distribute this software is freely granted, provided that this notice
 * is preserved. Others: func/strict_trig.c. */
#include <math.h>

#include "func/strict_math_int.h"

static const double ln2_hi = 6.93147180369123816490e-01, ln2_lo = 1.90821492927058770002e-10,
                    two54 = 18014398509481984.0;

double vonk_strict_exp(double x)
{
    static const double limit = 7.09782712893383973096e+02, least = -7.45133219101941108420e+02,
                        invln2 = 1.44269504088896338700e+00, P1 = 1.66666666666666019037e-01,
                        P2 = -2.77777777770155933842e-03, P3 = 6.61375632143793436117e-05,
                        P4 = -1.65339022054652515390e-06, P5 = 4.13813679705723846039e-08;
    double hi = 0, lo = 0;
    int k = 0;
    uint32_t hx = (uint32_t)high_word(x);
    bool negative = hx >> 31;
    hx &= 0x7fffffff;
    if (hx >= 0x40862E42) { /* |x| >= 709.78... */
        if (x != x) return x + x;
        if (isinf(x)) return negative ? 0 : x;
        if (x > limit) return INFINITY;
        if (x < least) return 0;
    }
    if (hx > 0x3fd62e42) {     /* |x| > 0.5 ln2 */
        if (hx < 0x3FF0A2B2) { /* and < 1.5 ln2 */
            hi = x - (negative ? -ln2_hi : ln2_hi);
            lo = negative ? -ln2_lo : ln2_lo;
            k = 1 - negative - negative;
        } else {
            k = (int)(invln2 * x + (negative ? -0.5 : 0.5));
            hi = x - k * ln2_hi;
            lo = k * ln2_lo;
        }
        x = hi - lo;
    } else if (hx < 0x3e300000) {
        return 1 + x;
    }
    double t = x * x, c = x - t * (P1 + t * (P2 + t * (P3 + t * (P4 + t * P5))));
    if (k == 0) return 1 - ((x * c) / (c - 2.0) - x);
    double y = 1 - ((lo - (x * c) / (2.0 - c)) - hi);
    if (k >= -1021) return with_high(y, high_word(y) + (int32_t)((uint32_t)k << 20));
    return with_high(y, high_word(y) + (int32_t)((uint32_t)(k + 1000) << 20)) * 9.33263618503218878990e-302;
}

/* High word and exponent of a positive number, scaled up if it is subnormal. false: the logarithm is *ret_special. */
static inline bool log_start(double *inout_x, int32_t *ret_high, int32_t *ret_exponent, double *ret_special)
{
    double x = *inout_x;
    int32_t hx = high_word(x), k = 0;
    *ret_special = hx < 0 ? NAN : x + x;
    if (hx < 0x00100000) {
        if (((hx & 0x7fffffff) | (int32_t)low_word(x)) == 0) *ret_special = -INFINITY;
        if (hx < 0 || *ret_special < 0) return false;
        k -= 54;
        x *= two54;
        hx = high_word(x);
    }
    if (hx >= 0x7ff00000) return false;
    *inout_x = x;
    *ret_high = hx;
    *ret_exponent = k + (hx >> 20) - 1023;
    return true;
}

double vonk_strict_log(double x)
{
    static const double Lg1 = 6.666666666666735130e-01, Lg2 = 3.999999999940941908e-01, Lg3 = 2.857142874366239149e-01,
                        Lg4 = 2.222219843214978396e-01, Lg5 = 1.818357216161805012e-01, Lg6 = 1.531383769920937332e-01,
                        Lg7 = 1.479819860511658591e-01;
    int32_t hx, k;
    double special;
    if (!log_start(&x, &hx, &k, &special)) return special;
    hx &= 0x000fffff;
    int32_t i = (hx + 0x95f64) & 0x100000;
    x = with_high(x, hx | (i ^ 0x3ff00000));
    k += i >> 20;
    double f = x - 1.0, dk = k, R;
    if ((0x000fffff & (2 + hx)) < 3) { /* |f| < 2^-20 */
        if (f == 0) return k == 0 ? 0 : dk * ln2_hi + dk * ln2_lo;
        R = f * f * (0.5 - 0.33333333333333333 * f);
        return k == 0 ? f - R : dk * ln2_hi - ((R - dk * ln2_lo) - f);
    }
    double s = f / (2.0 + f), z = s * s, w = z * z;
    int32_t j = 0x6b851 - hx;
    i = hx - 0x6147a;
    double t1 = w * (Lg2 + w * (Lg4 + w * Lg6)), t2 = z * (Lg1 + w * (Lg3 + w * (Lg5 + w * Lg7)));
    i |= j;
    R = t2 + t1;
    if (i > 0) {
        double hfsq = 0.5 * f * f;
        if (k == 0) return f - (hfsq - s * (hfsq + R));
        return dk * ln2_hi - ((hfsq - (s * (hfsq + R) + dk * ln2_lo)) - f);
    }
    if (k == 0) return f - s * (f - R);
    return dk * ln2_hi - ((s * (f - R) - dk * ln2_lo) - f);
}

double vonk_strict_log10(double x)
{
    static const double ivln10 = 4.34294481903251816668e-01, log10_2hi = 3.01029995663611771306e-01,
                        log10_2lo = 3.69423907715893078616e-13;
    int32_t hx, k;
    double special;
    if (!log_start(&x, &hx, &k, &special)) return special;
    int32_t i = (int32_t)(((uint32_t)k & 0x80000000u) >> 31);
    hx = (hx & 0x000fffff) | ((0x3ff - i) << 20);
    double y = (double)(k + i);
    x = with_high(x, hx);
    double z = y * log10_2lo + ivln10 * vonk_strict_log(x);
    return z + y * log10_2hi;
}

double vonk_strict_log1p(double x)
{
    static const double Lp1 = 6.666666666666735130e-01, Lp2 = 3.999999999940941908e-01, Lp3 = 2.857142874366239149e-01,
                        Lp4 = 2.222219843214978396e-01, Lp5 = 1.818357216161805012e-01, Lp6 = 1.531383769920937332e-01,
                        Lp7 = 1.479819860511658591e-01;
    double f = 0, c = 0, u;
    int32_t hx = high_word(x), ax = hx & 0x7fffffff, hu = 0, k = 1;
    if (hx < 0x3FDA827A) { /* x < 0.41422 */
        if (ax >= 0x3ff00000) return x == -1.0 ? -INFINITY : NAN;
        if (ax < 0x3e200000) return ax < 0x3c900000 ? x : x - x * x * 0.5;
        if (hx > 0 || hx <= (int32_t)0xbfd2bec3) { /* -0.2929 < x < 0.41422 */
            k = 0;
            f = x;
            hu = 1;
        }
    }
    if (hx >= 0x7ff00000) return x + x;
    if (k != 0) {
        if (hx < 0x43400000) {
            u = 1.0 + x;
            hu = high_word(u);
            k = (hu >> 20) - 1023;
            c = k > 0 ? 1.0 - (u - x) : x - (u - 1.0);
            c /= u;
        } else {
            u = x;
            hu = high_word(u);
            k = (hu >> 20) - 1023;
            c = 0;
        }
        hu &= 0x000fffff;
        if (hu < 0x6a09e) {
            u = with_high(u, hu | 0x3ff00000);
        } else {
            k += 1;
            u = with_high(u, hu | 0x3fe00000);
            hu = (0x00100000 - hu) >> 2;
        }
        f = u - 1.0;
    }
    double hfsq = 0.5 * f * f, R;
    if (hu == 0) { /* |f| < 2^-20 */
        if (f == 0) {
            if (k == 0) return 0;
            c += k * ln2_lo;
            return k * ln2_hi + c;
        }
        R = hfsq * (1.0 - 0.66666666666666666 * f);
        return k == 0 ? f - R : k * ln2_hi - ((R - (k * ln2_lo + c)) - f);
    }
    double s = f / (2.0 + f), z = s * s;
    R = z * (Lp1 + z * (Lp2 + z * (Lp3 + z * (Lp4 + z * (Lp5 + z * (Lp6 + z * Lp7))))));
    if (k == 0) return f - (hfsq - s * (hfsq + R));
    return k * ln2_hi - ((hfsq - (s * (hfsq + R) + (k * ln2_lo + c))) - f);
}

/* Multiplies by 2^k through the exponent bits. */
static double add_exponent(double y, int k) { return with_high(y, high_word(y) + (int32_t)((uint32_t)k << 20)); }

double vonk_strict_expm1(double x)
{
    static const double limit = 7.09782712893383973096e+02, invln2 = 1.44269504088896338700e+00,
                        Q1 = -3.33333333333331316428e-02, Q2 = 1.58730158725481460165e-03,
                        Q3 = -7.93650757867487942473e-05, Q4 = 4.00821782732936239552e-06,
                        Q5 = -2.01099218183624371326e-07;
    double c = 0, t, y;
    int k = 0;
    uint32_t hx = (uint32_t)high_word(x);
    bool negative = hx >> 31;
    hx &= 0x7fffffff;
    if (hx >= 0x4043687A) { /* |x| >= 56 ln2 */
        if (x != x) return x + x;
        if (hx >= 0x40862E42) {
            if (isinf(x)) return negative ? -1.0 : x;
            if (x > limit) return INFINITY;
        }
        if (negative) return -1.0;
    }
    if (hx > 0x3fd62e42) {
        double hi, lo;
        if (hx < 0x3FF0A2B2) {
            hi = negative ? x + ln2_hi : x - ln2_hi;
            lo = negative ? -ln2_lo : ln2_lo;
            k = negative ? -1 : 1;
        } else {
            k = (int)(invln2 * x + (negative ? -0.5 : 0.5));
            t = k;
            hi = x - t * ln2_hi;
            lo = t * ln2_lo;
        }
        x = hi - lo;
        c = (hi - x) - lo;
    } else if (hx < 0x3c900000) {
        return x;
    }
    double hfx = 0.5 * x, hxs = x * hfx, r1 = 1.0 + hxs * (Q1 + hxs * (Q2 + hxs * (Q3 + hxs * (Q4 + hxs * Q5))));
    t = 3.0 - r1 * hfx;
    double e = hxs * ((r1 - t) / (6.0 - x * t));
    if (k == 0) return x - (x * e - hxs);
    e = x * (e - c) - c;
    e -= hxs;
    if (k == -1) return 0.5 * (x - e) - 0.5;
    if (k == 1) return x < -0.25 ? -2.0 * (e - (x + 0.5)) : 1.0 + 2.0 * (x - e);
    if (k <= -2 || k > 56) return add_exponent(1.0 - (e - x), k) - 1.0;
    if (k < 20) {
        t = with_high(1.0, 0x3ff00000 - (0x200000 >> k)); /* 1 - 2^-k */
        y = t - (e - x);
        return add_exponent(y, k);
    }
    t = with_high(1.0, (0x3ff - k) << 20); /* 2^-k */
    y = x - (e + t);
    y += 1.0;
    return add_exponent(y, k);
}

/* ---- pow */

/* y as an integer: 0 no, 1 odd, 2 even. */
static int integer_kind(double y)
{
    int32_t iy = high_word(y) & 0x7fffffff;
    uint32_t ly = low_word(y);
    if (iy >= 0x43400000) return 2;
    if (iy < 0x3ff00000) return 0;
    int32_t k = (iy >> 20) - 0x3ff;
    if (k > 20) {
        uint32_t j = ly >> (52 - k);
        return (j << (52 - k)) == ly ? 2 - (int)(j & 1) : 0;
    }
    if (ly != 0) return 0;
    int32_t j = iy >> (20 - k);
    return (j << (20 - k)) == iy ? 2 - (j & 1) : 0;
}

/* Cases that need no series; *ret_done says so. */
static double pow_special(double x, double y, bool *ret_done)
{
    int32_t hx = high_word(x), hy = high_word(y), ix = hx & 0x7fffffff, iy = hy & 0x7fffffff;
    uint32_t lx = low_word(x), ly = low_word(y);
    *ret_done = true;
    if (y == 0) return 1.0;
    if (x != x || y != y) return x + y;
    int yisint = hx < 0 ? integer_kind(y) : 0;
    if (ly == 0) {
        if (iy == 0x7ff00000) {
            if (((ix - 0x3ff00000) | (int32_t)lx) == 0) return NAN; /* +-1 ** +-inf, in Java */
            if (ix >= 0x3ff00000) return hy >= 0 ? y : 0;
            return hy < 0 ? -y : 0;
        }
        if (iy == 0x3ff00000) return hy < 0 ? 1.0 / x : x;
        if (hy == 0x40000000) return x * x;
        if (hy == 0x3fe00000 && hx >= 0) return sqrt(x);
    }
    double ax = fabs(x);
    if (lx == 0 && (ix == 0x7ff00000 || ix == 0 || ix == 0x3ff00000)) {
        double z = hy < 0 ? 1.0 / ax : ax;
        if (hx < 0) {
            if (((ix - 0x3ff00000) | yisint) == 0)
                z = NAN;
            else if (yisint == 1)
                z = -z;
        }
        return z;
    }
    if (hx < 0 && yisint == 0) return NAN;
    *ret_done = false;
    return 0;
}

/* log2(|x|) in two parts, the first with few bits. */
static void log2_parts(double ax, int32_t ix, double *ret_t1, double *ret_t2)
{
    static const double bp[] = {1.0, 1.5}, dp_h[] = {0.0, 5.84962487220764160156e-01},
                        dp_l[] = {0.0, 1.35003920212974897128e-08}, two53 = 9007199254740992.0,
                        L1 = 5.99999999999994648725e-01, L2 = 4.28571428578550184252e-01,
                        L3 = 3.33333329818377432918e-01, L4 = 2.72728123808534006489e-01,
                        L5 = 2.30660745775561754067e-01, L6 = 2.06975017800338417784e-01,
                        cp = 9.61796693925975554329e-01, cp_h = 9.61796700954437255859e-01,
                        cp_l = -7.02846165095275826516e-09;
    int32_t n = 0, k;
    if (ix < 0x00100000) {
        ax *= two53;
        n -= 53;
        ix = high_word(ax);
    }
    n += (ix >> 20) - 0x3ff;
    int32_t j = ix & 0x000fffff;
    ix = j | 0x3ff00000;
    if (j <= 0x3988E) {
        k = 0;
    } else if (j < 0xBB67A) {
        k = 1;
    } else {
        k = 0;
        n += 1;
        ix -= 0x00100000;
    }
    ax = with_high(ax, ix);
    double u = ax - bp[k], v = 1.0 / (ax + bp[k]), ss = u * v, s_h = without_low(ss);
    double t_h = with_high(0.0, ((ix >> 1) | 0x20000000) + 0x00080000 + (k << 18)), t_l = ax - (t_h - bp[k]);
    double s_l = v * ((u - s_h * t_h) - s_h * t_l), s2 = ss * ss;
    double r = s2 * s2 * (L1 + s2 * (L2 + s2 * (L3 + s2 * (L4 + s2 * (L5 + s2 * L6)))));
    r += s_l * (s_h + ss);
    s2 = s_h * s_h;
    t_h = without_low(3.0 + s2 + r);
    t_l = r - ((t_h - 3.0) - s2);
    u = s_h * t_h;
    v = s_l * t_h + t_l * ss;
    double p_h = without_low(u + v), p_l = v - (p_h - u), z_h = cp_h * p_h, z_l = cp_l * p_h + p_l * cp + dp_l[k],
           t = n;
    *ret_t1 = without_low(((z_h + z_l) + dp_h[k]) + t);
    *ret_t2 = z_l - (((*ret_t1 - t) - dp_h[k]) - z_h);
}

/* The same near 1, for huge |y|. */
static void log2_near_one(double ax, double *ret_t1, double *ret_t2)
{
    static const double ivln2 = 1.44269504088896338700e+00, ivln2_h = 1.44269502162933349609e+00,
                        ivln2_l = 1.92596299112661746887e-08;
    double t = ax - 1, w = (t * t) * (0.5 - t * (0.3333333333333333333333 - t * 0.25)), u = ivln2_h * t,
           v = t * ivln2_l - w * ivln2;
    *ret_t1 = without_low(u + v);
    *ret_t2 = v - (*ret_t1 - u);
}

/* 2^(p_h + p_l) */
static double exp2_parts(double s, double p_h, double p_l)
{
    static const double ovt = 8.0085662595372944372e-0017, lg2 = 6.93147180559945286227e-01,
                        lg2_h = 6.93147182464599609375e-01, lg2_l = -1.90465429995776804525e-09,
                        P1 = 1.66666666666666019037e-01, P2 = -2.77777777770155933842e-03,
                        P3 = 6.61375632143793436117e-05, P4 = -1.65339022054652515390e-06,
                        P5 = 4.13813679705723846039e-08;
    double z = p_l + p_h;
    int32_t j = high_word(z), i = (int32_t)low_word(z);
    if (j >= 0x40900000) { /* z >= 1024 */
        if (((j - 0x40900000) | i) != 0) return s * INFINITY;
        if (p_l + ovt > z - p_h) return s * INFINITY;
    } else if ((j & 0x7fffffff) >= 0x4090cc00) { /* z <= -1075 */
        if (((j - (int32_t)0xc090cc00) | i) != 0) return s * 0.0;
        if (p_l <= z - p_h) return s * 0.0;
    }
    i = j & 0x7fffffff;
    int32_t k = (i >> 20) - 0x3ff, n = 0;
    if (i > 0x3fe00000) { /* |z| > 0.5: n = [z + 0.5] */
        n = j + (0x00100000 >> (k + 1));
        k = ((n & 0x7fffffff) >> 20) - 0x3ff;
        double t = with_high(0.0, n & ~(0x000fffff >> k));
        n = ((n & 0x000fffff) | 0x00100000) >> (20 - k);
        if (j < 0) n = -n;
        p_h -= t;
    }
    double t = without_low(p_l + p_h), u = t * lg2_h, v = (p_l - (t - p_h)) * lg2 + t * lg2_l;
    z = u + v;
    double w = v - (z - u);
    t = z * z;
    double t1 = z - t * (P1 + t * (P2 + t * (P3 + t * (P4 + t * P5)))), r = (z * t1) / (t1 - 2.0) - (w + z * w);
    z = 1.0 - (r - z);
    j = high_word(z) + (int32_t)((uint32_t)n << 20);
    return s * ((j >> 20) <= 0 ? scalbn(z, n) : with_high(z, j));
}

double vonk_strict_pow(double x, double y)
{
    bool done;
    double special = pow_special(x, y, &done), t1, t2;
    if (done) return special;
    int32_t hx = high_word(x), hy = high_word(y), ix = hx & 0x7fffffff, iy = hy & 0x7fffffff;
    double s = hx < 0 && integer_kind(y) == 1 ? -1.0 : 1.0;
    if (iy > 0x41e00000) { /* |y| > 2^31 */
        if (iy > 0x43f00000) {
            if (ix <= 0x3fefffff) return hy < 0 ? INFINITY : 0;
            if (ix >= 0x3ff00000) return hy > 0 ? INFINITY : 0;
        }
        if (ix < 0x3fefffff) return hy < 0 ? s * INFINITY : s * 0.0;
        if (ix > 0x3ff00000) return hy > 0 ? s * INFINITY : s * 0.0;
        log2_near_one(fabs(x), &t1, &t2);
    } else {
        log2_parts(fabs(x), ix, &t1, &t2);
    }
    double y1 = without_low(y), p_l = (y - y1) * t1 + y * t2, p_h = y1 * t1;
    return exp2_parts(s, p_h, p_l);
}
