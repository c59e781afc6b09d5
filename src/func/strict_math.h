/* func/strict_math.h -- elementary functions as Java's StrictMath computes them: the algorithms of FDLIBM 5.3, bit for bit, so that results equal
 * Spark's to the last digit. The C library's differ from them in the last place now and then. */
#ifndef VONK_FUNC_STRICT_MATH_H
#define VONK_FUNC_STRICT_MATH_H

double vonk_strict_exp(double x);
double vonk_strict_expm1(double x);
double vonk_strict_log(double x);
double vonk_strict_log10(double x);
double vonk_strict_log1p(double x);
double vonk_strict_pow(double x, double y);
double vonk_strict_cbrt(double x);
double vonk_strict_sinh(double x);
double vonk_strict_cosh(double x);
double vonk_strict_tanh(double x);
double vonk_strict_asin(double x);
double vonk_strict_acos(double x);
double vonk_strict_atan(double x);
double vonk_strict_atan2(double y, double x);
double vonk_strict_hypot(double x, double y);

#endif
