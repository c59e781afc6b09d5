/* plan/program_in.c -- x IN (...): a set when the items are constants, else item by item. */
#include <math.h>

#include "base/hash.h"
#include "column/kernel/kernel.h"
#include "plan/program_int.h"

enum { FEW_ITEMS = 6 };

typedef enum set_kind {
    SET_NOTHING, /* no item that is not null */
    SET_INTS,    /* up to 64 bits, booleans, dates, ... */
    SET_WIDE,    /* 128 bits */
    SET_STRINGS,
    SET_OTHERS /* compared one by one */
} set_kind;

struct vonk__in_set {
    set_kind kind;
    bool has_null;
    uint32_t n, mask;
    const vonk_type *type;
    int64_t least, most; /* INTS */
    int64_t *ints;       /* [n] */
    vonk_i128 *wide;
    uint32_t *table; /* [mask + 1]: item + 1 */
    vonk_str *strings;
    vonk_column **items; /* [n], one row each */
};

/* ---- making */

/* A float's bits, with one NaN and one zero. */
static int64_t float_key(double v)
{
    int64_t bits;
    if (v == 0) v = 0;
    if (isnan(v)) v = (double)NAN;
    memcpy(&bits, &v, sizeof(bits));
    return isnan(v) ? INT64_C(0x7ff8000000000000) : bits;
}

static int64_t int_key(const vonk_column *c, uint32_t row)
{
    vonk_storage s = c->type->storage;
    return s == VONK_STORE_F32 || s == VONK_STORE_F64 ? float_key(vonk_column_f64(c, row)) : vonk_column_i64(c, row);
}

static set_kind kind_for(const vonk_type *t)
{
    switch (t->storage) {
    case VONK_STORE_BIT:
    case VONK_STORE_I8:
    case VONK_STORE_I16:
    case VONK_STORE_I32:
    case VONK_STORE_I64:
    case VONK_STORE_F32:
    case VONK_STORE_F64: return SET_INTS;
    case VONK_STORE_I128: return SET_WIDE;
    case VONK_STORE_VIEW: return t->collation == 0 ? SET_STRINGS : SET_OTHERS;
    default: return SET_OTHERS;
    }
}

static uint64_t hash_wide(vonk_i128 v)
{
    return vonk_hash_combine(vonk_hash_mix((uint64_t)v), (uint64_t)((vonk_u128)v >> 64));
}

static uint64_t item_hash(const vonk__in_set *s, uint32_t i)
{
    if (s->kind == SET_INTS) return vonk_hash_mix((uint64_t)s->ints[i]);
    if (s->kind == SET_WIDE) return hash_wide(s->wide[i]);
    return vonk_hash64(s->strings[i].data, s->strings[i].len, 0);
}

static vonk_status make_table(vonk_arena *arena, vonk__in_set *s, vonk_error *err)
{
    uint32_t room = 8;
    while (room < s->n * 2) room *= 2;
    VONK_TRY(vonk_arena_array(arena, room, sizeof(uint32_t), &s->table, err));
    s->mask = room - 1;
    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t at = (uint32_t)item_hash(s, i) & s->mask;
        while (s->table[at]) at = (at + 1) & s->mask;
        s->table[at] = i + 1;
    }
    return VONK_OK;
}

vonk_status vonk__in_set_new(vonk_arena *arena, vonk_column *const *items, uint32_t n, const vonk_type *type,
                             vonk__in_set **ret, vonk_error *err)
{
    vonk__in_set *s = NULL;
    VONK_TRY(VONK_ARENA_NEW(arena, &s, err));
    s->kind = kind_for(type);
    s->type = type;
    s->least = INT64_MAX;
    s->most = INT64_MIN;
    VONK_TRY(vonk_arena_array(arena, n + 1, sizeof(*s->items), &s->items, err));
    if (s->kind == SET_INTS) VONK_TRY(vonk_arena_array(arena, n + 1, sizeof(int64_t), &s->ints, err));
    if (s->kind == SET_WIDE) VONK_TRY(vonk_arena_array(arena, n + 1, sizeof(vonk_i128), &s->wide, err));
    if (s->kind == SET_STRINGS) VONK_TRY(vonk_arena_array(arena, n + 1, sizeof(vonk_str), &s->strings, err));
    for (uint32_t i = 0; i < n; i++) {
        if (items[i]->type->id == VONK_T_NULL || vonk_column_is_null(items[i], 0)) {
            s->has_null = true;
            continue;
        }
        if (s->kind == SET_INTS) {
            int64_t v = s->ints[s->n] = int_key(items[i], 0);
            if (v < s->least) s->least = v;
            if (v > s->most) s->most = v;
        }
        if (s->kind == SET_WIDE) s->wide[s->n] = vonk_column_i128(items[i], 0);
        if (s->kind == SET_STRINGS) s->strings[s->n] = vonk_column_str(items[i], 0);
        s->items[s->n++] = items[i];
    }
    *ret = s;
    if (s->n == 0) s->kind = SET_NOTHING;
    return s->kind == SET_NOTHING || s->kind == SET_OTHERS ? VONK_OK : make_table(arena, s, err);
}

/* ---- looking */

static bool has_int(const vonk__in_set *s, int64_t v)
{
    if (v < s->least || v > s->most) return false;
    for (uint32_t at = (uint32_t)vonk_hash_mix((uint64_t)v) & s->mask; s->table[at]; at = (at + 1) & s->mask)
        if (s->ints[s->table[at] - 1] == v) return true;
    return false;
}

static bool has_wide(const vonk__in_set *s, vonk_i128 v)
{
    for (uint32_t at = (uint32_t)hash_wide(v) & s->mask; s->table[at]; at = (at + 1) & s->mask)
        if (s->wide[s->table[at] - 1] == v) return true;
    return false;
}

static bool has_string(const vonk__in_set *s, vonk_str v)
{
    for (uint32_t at = (uint32_t)vonk_hash64(v.data, v.len, 0) & s->mask; s->table[at]; at = (at + 1) & s->mask)
        if (vonk_str_eq(s->strings[s->table[at] - 1], v)) return true;
    return false;
}

static bool has_other(const vonk__in_set *s, const vonk_column *c, uint32_t row)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (vonk_column_row_eq(c, row, s->items[i], 0)) return true;
    return false;
}

/* A short list of numbers: one comparison of all lanes per item. */
static bool few_numbers(const vonk__in_set *s, const vonk_column *c)
{
    vonk_lane lane = vonk_lane_of(c->type->storage);
    return s->n <= FEW_ITEMS && lane < VONK_LANE_I128 && c->encoding == VONK_FLAT;
}

static vonk_status compare_all(vonk_program_local *local, const vonk__in_set *s, const vonk_column *c, uint8_t *out,
                               vonk_error *err)
{
    uint8_t *bits;
    uint32_t n = c->n_rows;
    vonk_lane lane = vonk_lane_of(c->type->storage);
    VONK_TRY(vonk_arena_alloc(local->scratch, vonk_bits_bytes(n) + 8, &bits, err));
    memset(out, 0, vonk_bits_bytes(n));
    for (uint32_t i = 0; i < s->n; i++) {
        vonk_kernels->compare[VONK_CMP_EQ][lane](n, c->data, s->items[i]->data, VONK_VS, bits);
        vonk_kernels->bits_or(n, out, bits, out);
    }
    return VONK_OK;
}

/* out: bits of c->n_rows rows; those of `rows` are set. c: FLAT. */
static vonk_status look_up(vonk_program_local *local, const vonk__in_set *s, const vonk_column *c, vonk_rows rows,
                           uint8_t *out, vonk_error *err)
{
    if (few_numbers(s, c)) return compare_all(local, s, c, out, err);
    memset(out, 0, vonk_bits_bytes(c->n_rows));
    for (uint32_t k = 0; k < rows.n; k++) {
        uint32_t i = vonk_row_at(rows, k);
        bool found = false;
        if (c->validity && !vonk_bit_get(c->validity, i)) continue;
        switch (s->kind) {
        case SET_INTS: found = has_int(s, int_key(c, i)); break;
        case SET_WIDE: found = has_wide(s, VONK_VALUES(c, vonk_i128)[i]); break;
        case SET_STRINGS: found = has_string(s, vonk_view_str(&VONK_VALUES(c, vonk_view)[i], c->heaps)); break;
        case SET_OTHERS: found = has_other(s, c, i); break;
        default: break;
        }
        if (found) vonk_bit_set(out, i);
    }
    return VONK_OK;
}

/* A dictionary's entries are looked up once each, then spread by code. */
static vonk_status look_up_dictionary(vonk_program_local *local, const vonk__in_set *s, const vonk_column *c,
                                      vonk_rows rows, uint8_t *out, vonk_error *err)
{
    const vonk_column *entries = c->children[0];
    const uint32_t *codes = c->data;
    uint8_t *found;
    VONK_TRY(vonk_arena_alloc(local->scratch, vonk_bits_bytes(entries->n_rows) + 8, &found, err));
    VONK_TRY(look_up(local, s, entries, VONK_ALL_ROWS(entries->n_rows), found, err));
    memset(out, 0, vonk_bits_bytes(c->n_rows));
    for (uint32_t k = 0; k < rows.n; k++) {
        uint32_t i = vonk_row_at(rows, k);
        if (vonk_bit_get(found, codes[i])) vonk_bit_set(out, i);
    }
    return VONK_OK;
}

/* Valid where the value is not null and, if the list has a null, where it was found. */
static vonk_status three_values(vonk_program_local *local, vonk_column *made, const uint8_t *bits, const uint8_t *valid,
                                bool has_null, vonk_error *err)
{
    uint32_t n = local->n_rows;
    if (!valid && !has_null) return VONK_OK;
    VONK_TRY(vonk_buffer_new(local->budget, vonk_bits_bytes(n), &made->validity_buffer, err));
    uint8_t *out = made->validity_buffer->data;
    made->validity = out;
    memcpy(out, has_null ? bits : valid, vonk_bits_bytes(n));
    if (has_null && valid) vonk_kernels->bits_and(n, out, valid, out);
    return VONK_OK;
}

static vonk_status run_set(vonk_program_local *local, const vonk__step *s, const vonk__scope *scope, vonk_column **ret,
                           vonk_error *err)
{
    vonk_column *value;
    uint8_t *bits;
    VONK_AUTO(vonk_column_unref) vonk_column *flat = NULL, *made = NULL;
    VONK_TRY(vonk__value(local, s->args[0], scope, &value, err));
    if (value->type->id == VONK_T_NULL || (value->encoding == VONK_CONSTANT && vonk_column_is_null(value, 0)))
        return vonk_column_new_nulls(local->budget, &vonk_type_boolean, local->n_rows, ret, err);
    bool dictionary = value->encoding == VONK_DICTIONARY && value->children[0]->n_rows <= 2 * scope->rows.n;
    if (dictionary)
        flat = vonk_column_ref(value);
    else
        VONK_TRY(vonk_column_flatten(local->budget, value, &flat, err));
    VONK_TRY(vonk__new_bools(local, &made, &bits, err));
    if (dictionary)
        VONK_TRY(look_up_dictionary(local, s->set, flat, scope->rows, bits, err));
    else
        VONK_TRY(look_up(local, s->set, flat, scope->rows, bits, err));
    VONK_TRY(three_values(local, made, bits, flat->validity, s->set->has_null, err));
    *ret = VONK_STEAL(made);
    return VONK_OK;
}

/* ---- items that are not constants: each is evaluated only for rows that are not found yet */

typedef struct search {
    uint8_t *found, *null_seen; /* null_seen: an item was null */
    vonk_rows left;
} search;

static vonk_status match_item(vonk_program_local *local, const vonk_column *value, const vonk_column *item, search *f,
                              vonk_error *err)
{
    uint32_t *left, n = 0;
    VONK_TRY(vonk_arena_array(local->scratch, f->left.n + 1, sizeof(*left), &left, err));
    bool none = item->type->id == VONK_T_NULL;
    for (uint32_t k = 0; k < f->left.n; k++) {
        uint32_t i = vonk_row_at(f->left, k);
        if (none || vonk_column_is_null(item, i)) {
            vonk_bit_set(f->null_seen, i);
        } else if (vonk_column_row_eq(value, i, item, i)) {
            vonk_bit_set(f->found, i);
            continue;
        }
        left[n++] = i;
    }
    f->left = (vonk_rows){left, n};
    return VONK_OK;
}

static vonk_status start_search(vonk_program_local *local, const vonk_column *value, const vonk__scope *scope,
                                search *f, vonk_error *err)
{
    uint32_t *rows, n = 0;
    VONK_TRY(vonk__scratch_bits(local, &f->null_seen, err));
    VONK_TRY(vonk_arena_array(local->scratch, scope->rows.n + 1, sizeof(*rows), &rows, err));
    for (uint32_t k = 0; k < scope->rows.n; k++) {
        uint32_t i = vonk_row_at(scope->rows, k);
        if (vonk_column_is_null(value, i))
            vonk_bit_set(f->null_seen, i);
        else
            rows[n++] = i;
    }
    f->left = (vonk_rows){rows, n};
    return VONK_OK;
}

static vonk_status run_list(vonk_program_local *local, const vonk__step *s, const vonk__scope *scope, vonk_column **ret,
                            vonk_error *err)
{
    vonk_column *value;
    search f = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *made = NULL;
    VONK_TRY(vonk__value(local, s->args[0], scope, &value, err));
    if (value->type->id == VONK_T_NULL)
        return vonk_column_new_nulls(local->budget, &vonk_type_boolean, local->n_rows, ret, err);
    VONK_TRY(vonk__new_bools(local, &made, &f.found, err));
    memset(f.found, 0, vonk_bits_bytes(local->n_rows));
    VONK_TRY(start_search(local, value, scope, &f, err));
    const vonk__scope *now = scope;
    for (uint32_t i = 1; i < s->n_args && f.left.n > 0; i++) {
        vonk__scope *inner;
        vonk_column *item;
        VONK_TRY(VONK_ARENA_NEW(local->scratch, &inner, err));
        *inner = vonk__narrowed(local, now, f.left);
        VONK_TRY(vonk__value(local, s->args[i], inner, &item, err));
        VONK_TRY(match_item(local, value, item, &f, err));
        now = inner;
    }
    /* Null where nothing was found and a null was seen. */
    size_t n = vonk_bits_bytes(local->n_rows);
    VONK_TRY(vonk_buffer_new(local->budget, n, &made->validity_buffer, err));
    made->validity = made->validity_buffer->data;
    for (size_t i = 0; i < n; i++) made->validity_buffer->data[i] = (uint8_t)(f.found[i] | (uint8_t)~f.null_seen[i]);
    *ret = VONK_STEAL(made);
    return VONK_OK;
}

vonk_status vonk__run_in(vonk_program_local *local, const vonk__step *s, const vonk__scope *scope, vonk_column **ret,
                         vonk_error *err)
{
    return s->set ? run_set(local, s, scope, ret, err) : run_list(local, s, scope, ret, err);
}
