/* func/strict_trig.c -- cbrt, hyperbolic and inverse functions after FDLIBM 5.3 (notice: func/strict_math.c). */
#include <math.h>

#include "func/strict_math_int.h"

double vonk_strict_cbrt(double x)
{
    static const double C = 5.42857142857142815906e-01, D = -7.05306122448979611050e-01, E = 1.41428571428571436819e+00,
                        F = 1.60714285714285720630e+00, G = 3.57142857142857150787e-01;
    if (x == 0 || !isfinite(x)) return x + x == x ? x : x + x;
    double ax = fabs(x), t;
    uint32_t hx = (uint32_t)high_word(ax);
    if (hx < 0x00100000) { /* subnormal */
        t = 18014398509481984.0 * ax;
        t = with_high(t, (int32_t)((uint32_t)high_word(t) / 3 + 696219795u));
    } else {
        t = with_high(0.0, (int32_t)(hx / 3 + 715094163u));
    }
    double r = t * t / ax, s = C + r * t;
    t *= G + F / (s + E + D / s);
    t = with_high(0.0, high_word(t) + 1);
    s = t * t;
    r = ax / s;
    double w = t + t;
    r = (r - t) / (w + r);
    t = t + t * r;
    return x < 0 ? -t : t;
}

double vonk_strict_sinh(double x)
{
    int32_t ix = high_word(x) & 0x7fffffff;
    double h = x < 0 ? -0.5 : 0.5;
    if (ix >= 0x7ff00000) return x + x;
    if (ix < 0x40360000) { /* |x| < 22 */
        if (ix < 0x3e300000) return x;
        double t = vonk_strict_expm1(fabs(x));
        return ix < 0x3ff00000 ? h * (2.0 * t - t * t / (t + 1.0)) : h * (t + t / (t + 1.0));
    }
    if (ix < 0x40862E42) return h * vonk_strict_exp(fabs(x));
    if (fabs(x) <= 710.4758600739439) {
        double w = vonk_strict_exp(0.5 * fabs(x));
        return h * w * w;
    }
    return x * INFINITY;
}

double vonk_strict_cosh(double x)
{
    int32_t ix = high_word(x) & 0x7fffffff;
    if (ix >= 0x7ff00000) return x * x;
    if (ix < 0x3fd62e43) { /* |x| < 0.5 ln2 */
        double t = vonk_strict_expm1(fabs(x)), w = 1.0 + t;
        return ix < 0x3c800000 ? w : 1.0 + (t * t) / (w + w);
    }
    if (ix < 0x40360000) {
        double t = vonk_strict_exp(fabs(x));
        return 0.5 * t + 0.5 / t;
    }
    if (ix < 0x40862E42) return 0.5 * vonk_strict_exp(fabs(x));
    if (fabs(x) <= 710.4758600739439) {
        double w = vonk_strict_exp(0.5 * fabs(x)), t = 0.5 * w;
        return t * w;
    }
    return INFINITY;
}

double vonk_strict_tanh(double x)
{
    int32_t jx = high_word(x), ix = jx & 0x7fffffff;
    double z;
    if (ix >= 0x7ff00000) return jx >= 0 ? 1.0 / x + 1.0 : 1.0 / x - 1.0;
    if (ix < 0x40360000) {
        if (ix < 0x3c800000) return x * (1.0 + x);
        if (ix >= 0x3ff00000) {
            double t = vonk_strict_expm1(2.0 * fabs(x));
            z = 1.0 - 2.0 / (t + 2.0);
        } else {
            double t = vonk_strict_expm1(-2.0 * fabs(x));
            z = -t / (t + 2.0);
        }
    } else {
        z = 1.0;
    }
    return jx >= 0 ? z : -z;
}

/* ---- inverse functions */

static const double pio2_hi = 1.57079632679489655800e+00, pio2_lo = 6.12323399573676603587e-17,
                    pio4_hi = 7.85398163397448278999e-01;

/* The rational function that asin and acos share. */
static double arc_ratio(double t)
{
    static const double pS0 = 1.66666666666666657415e-01, pS1 = -3.25565818622400915405e-01,
                        pS2 = 2.01212532134862925881e-01, pS3 = -4.00555345006794114027e-02,
                        pS4 = 7.91534994289814532176e-04, pS5 = 3.47933107596021167570e-05,
                        qS1 = -2.40339491173441421878e+00, qS2 = 2.02094576023350569471e+00,
                        qS3 = -6.88283971605453293030e-01, qS4 = 7.70381505559019352791e-02;
    double p = t * (pS0 + t * (pS1 + t * (pS2 + t * (pS3 + t * (pS4 + t * pS5)))));
    double q = 1.0 + t * (qS1 + t * (qS2 + t * (qS3 + t * qS4)));
    return p / q;
}

double vonk_strict_asin(double x)
{
    int32_t hx = high_word(x), ix = hx & 0x7fffffff;
    if (ix >= 0x3ff00000) {
        if (((ix - 0x3ff00000) | (int32_t)low_word(x)) == 0) return x * pio2_hi + x * pio2_lo;
        return NAN;
    }
    if (ix < 0x3fe00000) {
        if (ix < 0x3e400000) return x;
        return x + x * arc_ratio(x * x);
    }
    double w = 1.0 - fabs(x), t = w * 0.5, ratio = arc_ratio(t), s = sqrt(t);
    if (ix >= 0x3FEF3333) {
        t = pio2_hi - (2.0 * (s + s * ratio) - pio2_lo);
    } else {
        w = without_low(s);
        double c = (t - w * w) / (s + w), p = 2.0 * s * ratio - (pio2_lo - 2.0 * c), q = pio4_hi - 2.0 * w;
        t = pio4_hi - (p - q);
    }
    return hx > 0 ? t : -t;
}

double vonk_strict_acos(double x)
{
    static const double pi = 3.14159265358979311600e+00;
    int32_t hx = high_word(x), ix = hx & 0x7fffffff;
    if (ix >= 0x3ff00000) {
        if (((ix - 0x3ff00000) | (int32_t)low_word(x)) == 0) return hx > 0 ? 0.0 : pi + 2.0 * pio2_lo;
        return NAN;
    }
    if (ix < 0x3fe00000) {
        if (ix <= 0x3c600000) return pio2_hi + pio2_lo;
        return pio2_hi - (x - (pio2_lo - x * arc_ratio(x * x)));
    }
    if (hx < 0) {
        double z = (1.0 + x) * 0.5, s = sqrt(z), w = arc_ratio(z) * s - pio2_lo;
        return pi - 2.0 * (s + w);
    }
    double z = (1.0 - x) * 0.5, s = sqrt(z), df = without_low(s), c = (z - df * df) / (s + df),
           w = arc_ratio(z) * s + c;
    return 2.0 * (df + w);
}

double vonk_strict_atan(double x)
{
    static const double hi[] = {4.63647609000806093515e-01, 7.85398163397448278999e-01, 9.82793723247329054082e-01,
                                1.57079632679489655800e+00},
                        lo[] = {2.26987774529616870924e-17, 3.06161699786838301793e-17, 1.39033110312309984516e-17,
                                6.12323399573676603587e-17},
                        aT[] = {3.33333333333329318027e-01,  -1.99999999998764832476e-01, 1.42857142725034663711e-01,
                                -1.11111104054623557880e-01, 9.09088713343650656196e-02,  -7.69187620504482999495e-02,
                                6.66107313738753120669e-02,  -5.83357013379057348645e-02, 4.97687799461593236017e-02,
                                -3.65315727442169155270e-02, 1.62858201153657823623e-02};
    int32_t hx = high_word(x), ix = hx & 0x7fffffff;
    int id = -1;
    if (ix >= 0x44100000) { /* |x| >= 2^66 */
        if (x != x) return x + x;
        return hx > 0 ? hi[3] + lo[3] : -hi[3] - lo[3];
    }
    if (ix < 0x3fdc0000) {
        if (ix < 0x3e200000) return x;
    } else {
        x = fabs(x);
        if (ix < 0x3fe60000) {
            id = 0;
            x = (2.0 * x - 1.0) / (2.0 + x);
        } else if (ix < 0x3ff30000) {
            id = 1;
            x = (x - 1.0) / (x + 1.0);
        } else if (ix < 0x40038000) {
            id = 2;
            x = (x - 1.5) / (1.0 + 1.5 * x);
        } else {
            id = 3;
            x = -1.0 / x;
        }
    }
    double z = x * x, w = z * z;
    double s1 = z * (aT[0] + w * (aT[2] + w * (aT[4] + w * (aT[6] + w * (aT[8] + w * aT[10])))));
    double s2 = w * (aT[1] + w * (aT[3] + w * (aT[5] + w * (aT[7] + w * aT[9]))));
    if (id < 0) return x - x * (s1 + s2);
    z = hi[id] - ((x * (s1 + s2) - lo[id]) - x);
    return hx < 0 ? -z : z;
}

/* y or x is infinite. */
static double atan2_infinite(double y, double x, int m)
{
    static const double pi = 3.1415926535897931160E+00, tiny = 1.0e-300;
    double sign = m & 1 ? -1 : 1;
    if (!isinf(x)) return sign * (pi / 2 + tiny);
    if (isinf(y)) return sign * (m & 2 ? 3.0 * (pi / 4) + tiny : pi / 4 + tiny);
    return m & 2 ? sign * (pi + tiny) : sign * 0.0;
}

double vonk_strict_atan2(double y, double x)
{
    static const double pi = 3.1415926535897931160E+00, pi_lo = 1.2246467991473531772E-16, tiny = 1.0e-300;
    if (x != x || y != y) return x + y;
    if (x == 1.0) return vonk_strict_atan(y);
    int m = (int)signbit(y) ? 1 : 0;
    if (signbit(x)) m |= 2;
    if (y == 0) return m < 2 ? y : m == 2 ? pi + tiny : -pi - tiny;
    if (x == 0) return m & 1 ? -pi / 2 - tiny : pi / 2 + tiny;
    if (isinf(x) || isinf(y)) return atan2_infinite(y, x, m);
    int k = ((high_word(y) & 0x7fffffff) - (high_word(x) & 0x7fffffff)) >> 20;
    double z;
    if (k > 60)
        z = pi / 2 + 0.5 * pi_lo;
    else if ((m & 2) && k < -60)
        z = 0.0;
    else
        z = vonk_strict_atan(fabs(y / x));
    switch (m) {
    case 0: return z;
    case 1: return -z;
    case 2: return pi - (z - pi_lo);
    default: return (z - pi_lo) - pi;
    }
}

/* Scaled into the middle of the range; *ret_k: power of two to put back. */
static void hypot_scale(double *a, double *b, int32_t *ha, int32_t *hb, int *ret_k)
{
    *ret_k = 0;
    if (*ha > 0x5f300000) { /* a > 2^500 */
        *ha -= 0x25800000;
        *hb -= 0x25800000;
        *ret_k += 600;
        *a = with_high(*a, *ha);
        *b = with_high(*b, *hb);
    }
    if (*hb >= 0x20b00000) return;
    if (*hb <= 0x000fffff) {                    /* subnormal */
        double t1 = with_high(0.0, 0x7fd00000); /* 2^1022 */
        *b *= t1;
        *a *= t1;
        *ret_k -= 1022;
    } else {
        *ha += 0x25800000;
        *hb += 0x25800000;
        *ret_k -= 600;
        *a = with_high(*a, *ha);
        *b = with_high(*b, *hb);
    }
}

double vonk_strict_hypot(double x, double y)
{
    if (isinf(x) || isinf(y)) return INFINITY;
    if (x != x || y != y) return NAN;
    double a = fabs(x), b = fabs(y), w, t1, t2;
    int32_t ha = high_word(a), hb = high_word(b);
    int k;
    if (hb > ha) {
        double swap = a;
        a = b;
        b = swap;
        ha = high_word(a);
        hb = high_word(b);
    }
    if (ha - hb > 0x3c00000) return a + b;
    if (b == 0) return a;
    hypot_scale(&a, &b, &ha, &hb, &k);
    w = a - b;
    if (w > b) {
        t1 = with_high(0.0, high_word(a));
        t2 = a - t1;
        w = sqrt(t1 * t1 - (b * (-b) - t2 * (a + t1)));
    } else {
        a = a + a;
        double y1 = with_high(0.0, high_word(b)), y2 = b - y1;
        t1 = with_high(0.0, high_word(a));
        t2 = a - t1;
        w = sqrt(t1 * y1 - (w * (-w) - (t1 * y2 + t2 * b)));
    }
    if (k == 0) return w;
    return with_high(1.0, high_word(1.0) + (int32_t)((uint32_t)k << 20)) * w;
}
