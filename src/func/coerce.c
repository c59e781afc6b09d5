/* func/coerce.c -- implicit type rules. Which casts exist at all: func/coerce_cast.c; decimal arithmetic:
 * func/coerce_decimal.c. */
#include "func/coerce.h"
#include "func/coerce_int.h"

typedef vonk_status (*rule)(const vonk_type *a, const vonk_type *b, bool ansi, const vonk_type **ret, vonk_error *err);

static bool is_decimal(const vonk_type *t) { return t->id == VONK_T_DECIMAL; }
static bool is_inexact(const vonk_type *t) { return t->id == VONK_T_FLOAT || t->id == VONK_T_DOUBLE; }
static bool is_timestamp(const vonk_type *t) { return t->id == VONK_T_TIMESTAMP || t->id == VONK_T_TIMESTAMP_NTZ; }

static vonk_status give(const vonk_type *type, const vonk_type **ret)
{
    *ret = vonk_type_ref(type);
    return VONK_OK;
}

/* Does every value of the integral type fit the decimal? */
static bool decimal_holds(const vonk_type *decimal, const vonk_type *integral)
{
    return decimal->precision - decimal->scale >= vonk__integral_digits(integral->id);
}

/* byte, short, int, long, float, double: the later one; int with float is double in ANSI mode. */
static const vonk_type *wider_number(const vonk_type *a, const vonk_type *b, bool ansi)
{
    static const vonk_type_id order[] = {VONK_T_BYTE, VONK_T_SHORT, VONK_T_INT,
                                         VONK_T_LONG, VONK_T_FLOAT, VONK_T_DOUBLE};
    int ia = -1, ib = -1;
    for (int i = 0; i < (int)VONK_COUNTOF(order); i++) {
        if (order[i] == a->id) ia = i;
        if (order[i] == b->id) ib = i;
    }
    const vonk_type *wider = ia > ib ? a : b;
    return ansi && wider->id == VONK_T_FLOAT ? &vonk_type_double : wider;
}

static vonk_status common_interval(const vonk_type *a, const vonk_type *b, const vonk_type **ret, vonk_error *err)
{
    int first = a->first < b->first ? a->first : b->first, last = a->last > b->last ? a->last : b->last;
    if (a->id == VONK_T_INTERVAL_YEAR_MONTH)
        return vonk_type_interval_ym((vonk_interval_field)first, (vonk_interval_field)last, ret, err);
    return vonk_type_interval_dt((vonk_interval_field)first, (vonk_interval_field)last, ret, err);
}

/* ---- nested types: the rule for what they hold */

static vonk_status common_array(const vonk_type *a, const vonk_type *b, bool ansi, rule r, const vonk_type **ret,
                                vonk_error *err)
{
    const vonk_field *fa = a->fields, *fb = b->fields;
    const vonk_type *element = NULL;
    VONK_TRY(r(fa->type, fb->type, ansi, &element, err));
    if (!element) return VONK_OK;
    bool null = fa->nullable || fb->nullable || vonk__force_nullable(fa->type, element) ||
                vonk__force_nullable(fb->type, element);
    vonk_status st = vonk_type_array(element, null, ret, err);
    vonk_type_unref(element);
    return st;
}

static vonk_status common_map(const vonk_type *a, const vonk_type *b, bool ansi, rule r, const vonk_type **ret,
                              vonk_error *err)
{
    const vonk_field *ka = &a->fields[0], *kb = &b->fields[0], *va = &a->fields[1], *vb = &b->fields[1];
    const vonk_type *key = NULL, *value = NULL;
    VONK_TRY(r(ka->type, kb->type, ansi, &key, err));
    if (!key) return VONK_OK;
    vonk_status st = VONK_OK;
    if (!vonk__force_nullable(ka->type, key) && !vonk__force_nullable(kb->type, key))
        st = r(va->type, vb->type, ansi, &value, err);
    if (st == VONK_OK && value) {
        bool null = va->nullable || vb->nullable || vonk__force_nullable(va->type, value) ||
                    vonk__force_nullable(vb->type, value);
        st = vonk_type_map(key, value, null, ret, err);
    }
    vonk_type_unref(key);
    vonk_type_unref(value);
    return st;
}

static vonk_status same_structure(const vonk_type *a, const vonk_type *b, bool ansi, const vonk_type **ret,
                                  vonk_error *err);

static vonk_status common_fields(const vonk_type *a, const vonk_type *b, bool ansi, rule r, vonk_field *fields,
                                 bool *ret_all, vonk_error *err)
{
    for (uint32_t i = 0; i < a->n_fields; i++) {
        const vonk_field *fa = &a->fields[i], *fb = &b->fields[i];
        if (r != same_structure && !vonk_str_eq_nocase(fa->name, fb->name)) return VONK_OK;
        VONK_TRY(r(fa->type, fb->type, ansi, &fields[i].type, err));
        if (!fields[i].type) return VONK_OK;
        fields[i].name = fa->name;
        fields[i].nullable = fa->nullable || fb->nullable || vonk__force_nullable(fa->type, fields[i].type) ||
                             vonk__force_nullable(fb->type, fields[i].type);
    }
    *ret_all = true;
    return VONK_OK;
}

static vonk_status common_struct(const vonk_type *a, const vonk_type *b, bool ansi, rule r, const vonk_type **ret,
                                 vonk_error *err)
{
    vonk_field *fields = NULL;
    bool all = false;
    if (a->n_fields != b->n_fields) return VONK_OK;
    VONK_TRY(vonk_alloc_zeroed(vonk_budget_root(), a->n_fields * sizeof(*fields), &fields, err));
    vonk_status st = common_fields(a, b, ansi, r, fields, &all, err);
    if (st == VONK_OK && all) st = vonk_type_struct(fields, a->n_fields, ret, err);
    for (uint32_t i = 0; i < a->n_fields; i++) vonk_type_unref(fields[i].type);
    vonk_free(fields);
    return st;
}

/* Depth of types is bounded when they are made. */
static vonk_status common_nested(const vonk_type *a, const vonk_type *b, bool ansi, rule r, const vonk_type **ret,
                                 vonk_error *err)
{
    if (a->id != b->id) return VONK_OK;
    if (a->id == VONK_T_ARRAY) return common_array(a, b, ansi, r, ret, err);
    if (a->id == VONK_T_MAP) return common_map(a, b, ansi, r, ret, err);
    if (a->id == VONK_T_STRUCT) return common_struct(a, b, ansi, r, ret, err);
    return VONK_OK;
}

static vonk_status same_but_nulls(const vonk_type *a, const vonk_type *b, bool ansi, const vonk_type **ret,
                                  vonk_error *err)
{
    *ret = NULL;
    if (vonk_type_eq(a, b)) return give(a, ret);
    return common_nested(a, b, ansi, same_but_nulls, ret, err);
}

static vonk_status same_structure(const vonk_type *a, const vonk_type *b, bool ansi, const vonk_type **ret,
                                  vonk_error *err)
{
    *ret = NULL;
    if (vonk_type_eq(a, b)) return give(a, ret);
    return common_nested(a, b, ansi, same_structure, ret, err);
}

vonk_status vonk_coerce_merge_structure(const vonk_type *a, const vonk_type *b, const vonk_type **ret, vonk_error *err)
{
    return same_structure(a, b, true, ret, err);
}

vonk_status vonk_coerce_merge_nulls(const vonk_type *a, const vonk_type *b, const vonk_type **ret, vonk_error *err)
{
    return same_but_nulls(a, b, true, ret, err);
}

/* ---- the rules */

/* Text of any length is a string; a char of another length too. */
static bool both_text(const vonk_type *a, const vonk_type *b)
{
    return vonk_type_is_stringy(a) && vonk_type_is_stringy(b) && a->collation == b->collation;
}

vonk_status vonk_coerce_tightest(const vonk_type *a, const vonk_type *b, bool ansi, const vonk_type **ret,
                                 vonk_error *err)
{
    *ret = NULL;
    if (vonk_type_eq(a, b)) return give(a, ret);
    if (a->id == VONK_T_NULL) return give(b, ret);
    if (b->id == VONK_T_NULL) return give(a, ret);
    if (vonk_type_is_integral(a) && is_decimal(b)) return decimal_holds(b, a) ? give(b, ret) : VONK_OK;
    if (is_decimal(a) && vonk_type_is_integral(b)) return decimal_holds(a, b) ? give(a, ret) : VONK_OK;
    if (vonk_type_is_numeric(a) && vonk_type_is_numeric(b))
        return is_decimal(a) || is_decimal(b) ? VONK_OK : give(wider_number(a, b, ansi), ret);
    if (both_text(a, b))
        return a->collation ? vonk_type_collated(a->collation, ret, err) : give(&vonk_type_string, ret);
    if (a->id == VONK_T_DATE && is_timestamp(b)) return give(b, ret);
    if (is_timestamp(a) && b->id == VONK_T_DATE) return give(a, ret);
    if (is_timestamp(a) && is_timestamp(b)) return give(&vonk_type_timestamp, ret);
    if (a->id == b->id && (a->id == VONK_T_INTERVAL_YEAR_MONTH || a->id == VONK_T_INTERVAL_DAY_TIME))
        return common_interval(a, b, ret, err);
    if (a->id == VONK_T_TIME && b->id == VONK_T_TIME) return give(a->precision > b->precision ? a : b, ret);
    return common_nested(a, b, ansi, vonk_coerce_tightest, ret, err);
}

/* Decimals among themselves and with other numbers. */
static vonk_status wider_decimal(const vonk_type *a, const vonk_type *b, const vonk_type **ret, vonk_error *err)
{
    if (!is_decimal(a) && !is_decimal(b)) return VONK_OK;
    if (is_inexact(a) || is_inexact(b)) return give(&vonk_type_double, ret);
    if (!vonk_type_is_numeric(a) || !vonk_type_is_numeric(b)) return VONK_OK;
    return vonk__wider_decimal(a, b, ret, err);
}

/* A string takes the other side's type. */
static const vonk_type *promoted_ansi(const vonk_type *other)
{
    if (vonk_type_is_integral(other)) return &vonk_type_long;
    if (vonk_type_is_numeric(other)) return &vonk_type_double;
    if (other->id == VONK_T_INTERVAL_YEAR_MONTH || other->id == VONK_T_INTERVAL_DAY_TIME) return NULL;
    return vonk_type_is_atomic(other) && !vonk_type_is_stringy(other) ? other : NULL;
}

/* The other side becomes a string. */
static const vonk_type *promoted_legacy(const vonk_type *string, const vonk_type *other)
{
    if (other->id == VONK_T_BINARY || other->id == VONK_T_BOOLEAN || vonk_type_is_stringy(other)) return NULL;
    return vonk_type_is_atomic(other) ? string : NULL;
}

static vonk_status with_string(const vonk_type *a, const vonk_type *b, bool ansi, const vonk_type **ret)
{
    if (!vonk_type_is_stringy(a)) {
        const vonk_type *swap = a;
        a = b;
        b = swap;
    }
    if (!vonk_type_is_stringy(a)) return VONK_OK;
    const vonk_type *to = ansi ? promoted_ansi(b) : promoted_legacy(a, b);
    return to ? give(to, ret) : VONK_OK;
}

vonk_status vonk_coerce_common(const vonk_type *a, const vonk_type *b, bool ansi, const vonk_type **ret,
                               vonk_error *err)
{
    VONK_TRY(vonk_coerce_tightest(a, b, ansi, ret, err));
    if (!*ret) VONK_TRY(wider_decimal(a, b, ret, err));
    if (!*ret) VONK_TRY(with_string(a, b, ansi, ret));
    if (!*ret) VONK_TRY(common_nested(a, b, ansi, vonk_coerce_common, ret, err));
    return VONK_OK;
}

vonk_status vonk_coerce_common_no_strings(const vonk_type *a, const vonk_type *b, bool ansi, const vonk_type **ret,
                                          vonk_error *err)
{
    VONK_TRY(vonk_coerce_tightest(a, b, ansi, ret, err));
    if (!*ret) VONK_TRY(wider_decimal(a, b, ret, err));
    if (!*ret) VONK_TRY(common_nested(a, b, ansi, vonk_coerce_common_no_strings, ret, err));
    return VONK_OK;
}

/* Legacy: a string against a date or timestamp is read as one, against a decimal as a double, against others as the
 * other. */
static const vonk_type *compared_legacy(const vonk_type *other)
{
    if (is_decimal(other)) return &vonk_type_double;
    return vonk_type_is_atomic(other) && !vonk_type_is_interval(other) ? other : NULL;
}

vonk_status vonk_coerce_comparison(const vonk_type *a, const vonk_type *b, bool ansi, const vonk_type **ret,
                                   vonk_error *err)
{
    VONK_TRY(vonk_coerce_tightest(a, b, ansi, ret, err));
    if (!*ret) VONK_TRY(wider_decimal(a, b, ret, err));
    if (*ret) return VONK_OK;
    const vonk_type *other = vonk_type_is_stringy(a) ? b : vonk_type_is_stringy(b) ? a : NULL;
    if (!other || vonk_type_is_stringy(other)) return VONK_OK;
    const vonk_type *to = ansi ? promoted_ansi(other) : compared_legacy(other);
    return to ? give(to, ret) : VONK_OK;
}

/* ---- arguments */

static bool implicit_legacy(const vonk_type *from, const vonk_type *to)
{
    if (from->id == VONK_T_NULL || vonk_type_same(from, to)) return true;
    if (vonk_type_is_numeric(from) && vonk_type_is_numeric(to)) return true;
    if ((vonk_type_is_datetime(from) || from->id == VONK_T_TIME) && vonk_type_is_datetime(to)) return true;
    if (vonk_type_is_stringy(from))
        return vonk_type_is_numeric(to) || vonk_type_is_datetime(to) || to->id == VONK_T_BINARY ||
               vonk_type_is_stringy(to);
    if (vonk_type_is_stringy(to)) return vonk_type_is_atomic(from);
    if (from->id == VONK_T_ARRAY && to->id == VONK_T_ARRAY)
        return (to->fields->nullable || !from->fields->nullable) &&
               implicit_legacy(from->fields->type, to->fields->type);
    if (from->id == VONK_T_MAP && to->id == VONK_T_MAP)
        return implicit_legacy(from->fields[0].type, to->fields[0].type) &&
               implicit_legacy(from->fields[1].type, to->fields[1].type);
    return false;
}

bool vonk_coerce_implicit(const vonk_type *from, const vonk_type *to, bool ansi)
{
    if (!ansi) return implicit_legacy(from, to);
    if (vonk_type_same(from, to)) return true;
    if (vonk_type_is_stringy(from)) return vonk_type_is_atomic(to);
    if (from->id == VONK_T_ARRAY && to->id == VONK_T_ARRAY)
        return vonk_coerce_implicit(from->fields->type, to->fields->type, ansi);
    return vonk_coerce_can_store(from, to);
}
