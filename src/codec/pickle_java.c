/* The order in which a java.util.HashMap gives its entries, which Spark's rows show where maps travel to or from
 * Python. */
#include "codec/pickle_int.h"
#include "text/date.h"
#include "text/number.h"

int32_t vonk__java_hash_str(vonk_str s)
{
    uint32_t h = 0;
    for (size_t i = 0; i < s.len;) {
        uint8_t c = (uint8_t)s.data[i];
        size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
        uint32_t u = n == 1 ? c : (uint32_t)(c & (0xff >> (n + 1)));
        for (size_t k = 1; k < n && i + k < s.len; k++) u = u << 6 | ((uint8_t)s.data[i + k] & 0x3f);
        if (u >= 0x10000) { /* two UTF-16 units */
            h = 31 * h + 0xd800 + ((u - 0x10000) >> 10);
            u = 0xdc00 + ((u - 0x10000) & 0x3ff);
        }
        h = 31 * h + u;
        i += n;
    }
    return (int32_t)h;
}

int32_t vonk__java_hash_i64(int64_t value)
{
    uint64_t u = (uint64_t)value;
    return (int32_t)(uint32_t)(u ^ u >> 32);
}

int32_t vonk__java_hash_f64(double value)
{
    uint64_t bits;
    if (value != value) return (int32_t)0x7ff80000;
    memcpy(&bits, &value, 8);
    return (int32_t)(uint32_t)(bits ^ bits >> 32);
}

int32_t vonk__java_hash_f32(float value)
{
    int32_t bits;
    if (value != value) return (int32_t)0x7fc00000;
    memcpy(&bits, &value, 4);
    return bits;
}

int32_t vonk__java_hash_decimal(vonk_i128 unscaled, int scale)
{
    vonk_u128 u = unscaled < 0 ? -(vonk_u128)unscaled : (vonk_u128)unscaled;
    uint32_t h = 0;
    for (int i = 3; i >= 0; i--) h = 31 * h + (uint32_t)(u >> (32 * i)); /* leading zeros add nothing */
    if (unscaled < 0) h = -h;
    return (int32_t)(31 * h + (uint32_t)scale);
}

void vonk__java_map_order(vonk__java_key *keys, uint32_t n, uint32_t expected)
{
    uint32_t buckets = 1;
    while (buckets < expected) buckets *= 2;
    while (n > (uint64_t)buckets * 3 / 4) buckets *= 2; /* grows when the new size exceeds 3/4 */
    for (uint32_t i = 0; i < n; i++) {
        uint32_t h = (uint32_t)keys[i].hash;
        keys[i].hash = (int32_t)((h ^ h >> 16) & (buckets - 1));
    }
    /* Stable, by bucket: merges of runs that double. */
    vonk__java_key *from = keys, *to = keys + n;
    for (uint32_t run = 1; run < n; run *= 2) {
        for (uint32_t at = 0; at < n; at += 2 * run) {
            uint32_t a = at, a_end = at + run < n ? at + run : n, b = a_end, b_end = a_end + run < n ? a_end + run : n;
            for (uint32_t k = at; k < b_end; k++)
                to[k] = a < a_end && (b == b_end || from[a].hash <= from[b].hash) ? from[a++] : from[b++];
        }
        vonk__java_key *swap = from;
        from = to;
        to = swap;
    }
    if (from != keys) memcpy(keys, from, n * sizeof(*keys));
}

/* ---- values as Spark's unpickler has them */
typedef vonk_pickle_value value;

#define BATCH_ITEMS 1000

/* hashCode(); false: that of an object which is no value to Java. */
static bool hash_of(const value *v, int32_t *ret)
{
    vonk_str digits;
    vonk_i128 unscaled;
    int scale;
    uint32_t h = 1;
    *ret = 0;
    switch (v->kind) {
    case VONK_PICKLE_NONE: return true;
    case VONK_PICKLE_BOOL: *ret = v->i ? 1231 : 1237; return true;
    case VONK_PICKLE_INT:
        *ret = v->i >= INT32_MIN && v->i <= INT32_MAX ? (int32_t)v->i : vonk__java_hash_i64(v->i);
        return true;
    case VONK_PICKLE_FLOAT: *ret = vonk__java_hash_f64(v->f); return true;
    case VONK_PICKLE_STRING: *ret = vonk__java_hash_str(v->text); return true;
    case VONK_PICKLE_LIST:
        for (uint32_t i = 0; i < v->n_items; i++) {
            int32_t e;
            if (!hash_of(v->items[i], &e)) return false;
            h = 31 * h + (uint32_t)e;
        }
        *ret = (int32_t)h;
        return true;
    case VONK_PICKLE_OBJECT:
        if (!vonk__pickle_decimal(v, &digits) || vonk_text_to_dec_exact(digits, &unscaled, &scale) != VONK_DEC_OK)
            return false;
        *ret = vonk__java_hash_decimal(unscaled, scale);
        return true;
    default: return false;
    }
}

/* Spark's unpickler takes the items of one instruction (Python writes 1000 at a time) from the top of the stack, last
 * one first, into a map of its own, and then puts that one's entries into the dict's. */
vonk_status vonk__pickle_java_order(const value *const *keys, uint32_t n, uint32_t step, vonk_budget *budget,
                                    vonk__java_key **ret_order, vonk_error *err)
{
    vonk__java_key *order, *hashes;
    uint32_t buckets = 0;
    *ret_order = NULL;
    VONK_TRY(vonk_alloc_array(budget, 3 * (size_t)n, sizeof(*order), &order, err));
    hashes = order + 2 * (size_t)n;
    for (uint32_t i = 0; i < n; i++) {
        hashes[i].index = i;
        if (hash_of(keys[(size_t)i * step], &hashes[i].hash)) continue;
        vonk_free(order);
        return VONK_OK;
    }
    for (uint32_t from = 0; from < n; from += BATCH_ITEMS) {
        uint32_t some = n - from < BATCH_ITEMS ? n - from : BATCH_ITEMS;
        vonk__java_key batch[2 * BATCH_ITEMS];
        for (uint32_t i = 0; i < some; i++) batch[i] = hashes[from + some - 1 - i];
        vonk__java_map_order(batch, some, 16);
        for (uint32_t i = 0; i < some; i++) order[from + i] = hashes[batch[i].index];
        if (from == 0) {
            for (buckets = 1; buckets < some + some / 3 + 1;) buckets *= 2; /* putAll() makes room first */
        } else {
            while (some > buckets * 3 / 4) buckets *= 2;
        }
        while (from + some > buckets * 3 / 4) buckets *= 2;
    }
    vonk__java_map_order(order, n, buckets);
    *ret_order = order;
    return VONK_OK;
}

/* Decimal digits of a number in two's complement: divided by 10^9 until nothing is left. */
static vonk_status long_text(vonk_str bytes, vonk_buf *out, vonk_error *err)
{
    size_t n = (bytes.len + 3) / 4, n_parts = 0;
    uint32_t *limbs, *parts;
    bool negative = bytes.len && (uint8_t)bytes.data[bytes.len - 1] >= 0x80;
    if (bytes.len > 1800)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "pickle: a number of too many digits");
    VONK_TRY(vonk_alloc_array(out->budget, n + n * 2 + 2, sizeof(*limbs), &limbs, err));
    parts = limbs + n;
    memset(limbs, negative ? 0xff : 0, n * 4);
    memcpy(limbs, bytes.data, bytes.len);
    uint64_t carry = 1;
    for (size_t i = 0; negative && i < n; i++) {
        carry += (uint32_t)~limbs[i];
        limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    while (n > 0) {
        uint64_t rest = 0;
        for (size_t i = n; i-- > 0;) {
            rest = rest << 32 | limbs[i];
            limbs[i] = (uint32_t)(rest / 1000000000);
            rest %= 1000000000;
        }
        parts[n_parts++] = (uint32_t)rest;
        while (n > 0 && limbs[n - 1] == 0) n--;
    }
    vonk_status st = vonk_buf_printf(out, err, "%s%u", negative ? "-" : "", n_parts ? parts[n_parts - 1] : 0);
    for (size_t i = n_parts ? n_parts - 1 : 0; i-- > 0 && st == VONK_OK;)
        st = vonk_buf_printf(out, err, "%09u", parts[i]);
    vonk_free(limbs);
    return st;
}

static vonk_status items_text(const value *v, vonk_buf *out, vonk_error *err)
{
    uint32_t step = v->kind == VONK_PICKLE_DICT ? 2 : 1, n = v->n_items / step;
    vonk__java_key *order = NULL;
    if (v->kind != VONK_PICKLE_LIST) VONK_TRY(vonk__pickle_java_order(v->items, n, step, out->budget, &order, err));
    vonk_status st = vonk_buf_add_c(out, step == 2 ? "{" : "[", err);
    for (uint32_t i = 0; i < n && st == VONK_OK; i++) {
        const value *const *item = (const value *const *)v->items + (size_t)(order ? order[i].index : i) * step;
        if (i) st = vonk_buf_add_c(out, ", ", err);
        if (st == VONK_OK) st = vonk__pickle_java_text(item[0], out, err);
        if (st == VONK_OK && step == 2) st = vonk_buf_add_c(out, "=", err);
        if (st == VONK_OK && step == 2) st = vonk__pickle_java_text(item[1], out, err);
    }
    vonk_free(order);
    VONK_TRY(st);
    return vonk_buf_add_c(out, step == 2 ? "}" : "]", err);
}

/* A Java array shows its class and address. Two equal ones show the same here. */
static vonk_status address_text(const char *class_name, const value *v, vonk_buf *out, vonk_error *err)
{
    uint32_t h = 1;
    if (v->kind == VONK_PICKLE_TUPLE) {
        for (uint32_t i = 0; i < v->n_items; i++) {
            int32_t e;
            (void)hash_of(v->items[i], &e);
            h = 31 * h + (uint32_t)e;
        }
    } else {
        for (size_t i = 0; i < v->text.len; i++) h = 31 * h + (uint8_t)v->text.data[i];
    }
    return vonk_buf_printf(out, err, "%s@%x", class_name, h);
}

/* Spark's unpickler has classes of its own for some of datetime's. A date or a datetime, whose Java text says next to
 * nothing, is shown as Spark shows its own. */
static vonk_status time_text(const value *v, vonk_buf *out, bool *ret_is, vonk_error *err)
{
    char text[VONK_TIMESTAMP_CHARS];
    int64_t x;
    int32_t days;
    *ret_is = true;
    if (vonk__pickle_time(v, &x)) {
        x /= 1000;
        return vonk_buf_printf(out, err, "Time: %d hours, %d minutes, %d seconds, %d microseconds",
                               (int)(x / 3600000000), (int)(x / 60000000 % 60), (int)(x / 1000000 % 60),
                               (int)(x % 1000000));
    }
    if (vonk__pickle_timedelta(v, &x)) {
        int64_t day = vonk_floor_div(x, VONK_US_PER_DAY), us = vonk_floor_mod(x, VONK_US_PER_DAY);
        return vonk_buf_printf(out, err, "Timedelta: %lld days, %d seconds, %d microseconds (total: %.6f seconds)",
                               (long long)day, (int)(us / 1000000), (int)(us % 1000000), (double)x / 1e6);
    }
    VONK_TRY(vonk__pickle_datetime(v, NULL, ret_is, &x, err));
    if (*ret_is) return vonk_buf_append(out, text, vonk_timestamp_to_text(x, NULL, NULL, text), err);
    *ret_is = vonk__pickle_date(v, &days);
    return *ret_is ? vonk_buf_append(out, text, vonk_date_to_text(days, text), err) : VONK_OK;
}

static vonk_status object_text(const value *v, vonk_buf *out, vonk_error *err)
{
    bool is;
    char text[VONK_DEC_CHARS];
    vonk_str digits;
    vonk_i128 unscaled;
    int scale;
    if (vonk__pickle_decimal(v, &digits)) {
        if (vonk_text_to_dec_exact(digits, &unscaled, &scale) != VONK_DEC_OK)
            return vonk_buf_add_str(out, digits, err); /* NaN, and more than 38 digits */
        return vonk_buf_append(out, text, vonk_dec_to_text_java(unscaled, scale, text), err);
    }
    VONK_TRY(time_text(v, out, &is, err));
    if (is) return VONK_OK;
    const value *shown = v->items[2]->kind == VONK_PICKLE_DICT ? v->items[2] : v->items[1];
    return vonk__pickle_java_text(shown, out, err);
}

vonk_status vonk__pickle_java_text(const value *v, vonk_buf *out, vonk_error *err)
{
    char number[VONK_F64_CHARS > VONK_I64_CHARS ? VONK_F64_CHARS : VONK_I64_CHARS];
    switch (v->kind) {
    case VONK_PICKLE_NONE: return vonk_buf_add_c(out, "null", err);
    case VONK_PICKLE_BOOL: return vonk_buf_add_c(out, v->i ? "true" : "false", err);
    case VONK_PICKLE_INT: return vonk_buf_append(out, number, vonk_i64_to_text(v->i, number), err);
    case VONK_PICKLE_FLOAT: return vonk_buf_append(out, number, vonk_f64_to_text(v->f, number), err);
    case VONK_PICKLE_LONG: return long_text(v->text, out, err);
    case VONK_PICKLE_STRING:
    case VONK_PICKLE_GLOBAL: return vonk_buf_add_str(out, v->text, err);
    case VONK_PICKLE_BYTES:
    case VONK_PICKLE_BYTEARRAY: return address_text("[B", v, out, err);
    case VONK_PICKLE_TUPLE: return address_text("[Ljava.lang.Object;", v, out, err);
    case VONK_PICKLE_OBJECT: return object_text(v, out, err);
    default: return items_text(v, out, err);
    }
}
