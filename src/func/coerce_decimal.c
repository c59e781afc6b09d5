/* func/coerce_decimal.c -- result types of decimal arithmetic, as SQL Server's and Hive's rules that Spark follows. */
#include "func/coerce_int.h"

enum { LEAST_SCALE = 6 }; /* digits behind the point that are kept when a result is too long */

static int min_int(int a, int b) { return a < b ? a : b; }
static int max_int(int a, int b) { return a > b ? a : b; }

int vonk__integral_digits(vonk_type_id id)
{
    return id == VONK_T_BYTE ? 3 : id == VONK_T_SHORT ? 5 : id == VONK_T_INT ? 10 : 20;
}

vonk_status vonk_coerce_decimal_for(const vonk_type *type, const vonk_type **ret, vonk_error *err)
{
    switch (type->id) {
    case VONK_T_DECIMAL: *ret = vonk_type_ref(type); return VONK_OK;
    case VONK_T_FLOAT: return vonk_type_decimal(14, 7, ret, err);
    case VONK_T_DOUBLE: return vonk_type_decimal(30, 15, ret, err);
    default: return vonk_type_decimal(vonk__integral_digits(type->id), 0, ret, err);
    }
}

vonk_status vonk__bounded_decimal(int precision, int scale, bool keep_integral, const vonk_type **ret, vonk_error *err)
{
    if (precision <= VONK_MAX_PRECISION) return vonk_type_decimal(precision, scale, ret, err);
    if (keep_integral)
        return vonk_type_decimal(VONK_MAX_PRECISION, max_int(0, scale - (precision - VONK_MAX_PRECISION)), ret, err);
    return vonk_type_decimal(VONK_MAX_PRECISION, min_int(scale, VONK_MAX_PRECISION), ret, err);
}

/* Too long results lose digits behind the point, but keep up to six of them. */
static vonk_status adjusted(int precision, int scale, const vonk_type **ret, vonk_error *err)
{
    if (precision <= VONK_MAX_PRECISION) return vonk_type_decimal(precision, scale, ret, err);
    int whole = precision - scale, least = min_int(scale, LEAST_SCALE);
    return vonk_type_decimal(VONK_MAX_PRECISION, max_int(VONK_MAX_PRECISION - whole, least), ret, err);
}

static void digits_of(const vonk_type *t, int *p, int *s)
{
    *p = t->id == VONK_T_DECIMAL ? t->precision : vonk__integral_digits(t->id);
    *s = t->id == VONK_T_DECIMAL ? t->scale : 0;
}

vonk_status vonk__wider_decimal(const vonk_type *a, const vonk_type *b, const vonk_type **ret, vonk_error *err)
{
    int p1, s1, p2, s2;
    digits_of(a, &p1, &s1);
    digits_of(b, &p2, &s2);
    int scale = max_int(s1, s2), whole = max_int(p1 - s1, p2 - s2);
    return vonk__bounded_decimal(whole + scale, scale, true, ret, err);
}

vonk_status vonk_coerce_decimal(char op, const vonk_type *a, const vonk_type *b, bool loss_allowed,
                                const vonk_type **ret, vonk_error *err)
{
    int p1, s1, p2, s2, p, s;
    digits_of(a, &p1, &s1);
    digits_of(b, &p2, &s2);
    switch (op) {
    case '+':
    case '-':
        s = max_int(s1, s2);
        p = max_int(p1 - s1, p2 - s2) + s + 1;
        break;
    case '*':
        p = p1 + p2 + 1;
        s = s1 + s2;
        break;
    case '/':
        if (loss_allowed) {
            s = max_int(LEAST_SCALE, s1 + p2 + 1);
            p = p1 - s1 + s2 + s;
        } else {
            int whole = min_int(VONK_MAX_PRECISION, p1 - s1 + s2);
            int behind = min_int(VONK_MAX_PRECISION, max_int(LEAST_SCALE, s1 + p2 + 1));
            int over = whole + behind - VONK_MAX_PRECISION;
            if (over > 0) {
                behind -= over / 2 + 1;
                whole = VONK_MAX_PRECISION - behind;
            }
            p = whole + behind;
            s = behind;
        }
        break;
    case 'd':
        s = 0;
        p = p1 - s1 + s2;
        if (p == 0) p = 1;
        break;
    default: /* % and pmod */
        s = max_int(s1, s2);
        p = min_int(p1 - s1, p2 - s2) + s;
        break;
    }
    if (loss_allowed) return adjusted(p, s, ret, err);
    return vonk_type_decimal(min_int(p, VONK_MAX_PRECISION), min_int(s, VONK_MAX_PRECISION), ret, err);
}
