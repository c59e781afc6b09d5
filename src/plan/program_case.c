/* plan/program_case.c -- CASE, COALESCE and calls that catch errors: each branch is evaluated for the rows that take
 * it, then the branches are put together. */
#include "column/kernel/kernel.h"
#include "plan/program_int.h"

/* The rows that take one branch, and its values for them; value NULL: null. */
typedef struct branch {
    vonk_column *value; /* referenced: the slot may get another one for another branch */
    vonk_rows rows;
} branch;

typedef struct choice {
    vonk_program_local *local;
    const vonk__step *step;
    branch *branches;
    uint32_t n;
} choice;

/* ---- fixed width and strings: copied into place */

#define SCATTER(name, T)                                                                                               \
    static VONK_HOT void name(vonk_rows rows, const void *from, bool constant, void *to)                               \
    {                                                                                                                  \
        const T *in = from;                                                                                            \
        T *out = to;                                                                                                   \
        if (constant && !rows.idx)                                                                                     \
            for (uint32_t k = 0; k < rows.n; k++) out[k] = in[0];                                                      \
        else if (constant)                                                                                             \
            for (uint32_t k = 0; k < rows.n; k++) out[rows.idx[k]] = in[0];                                            \
        else if (!rows.idx)                                                                                            \
            memcpy(out, in, rows.n * sizeof(T));                                                                       \
        else                                                                                                           \
            for (uint32_t k = 0; k < rows.n; k++) out[rows.idx[k]] = in[rows.idx[k]];                                  \
    }
SCATTER(scatter_1, uint8_t)
SCATTER(scatter_2, uint16_t)
SCATTER(scatter_4, uint32_t)
SCATTER(scatter_8, uint64_t)
SCATTER(scatter_16, vonk_u128)

static void scatter_bits(vonk_rows rows, const uint8_t *in, bool constant, uint8_t *out)
{
    for (uint32_t k = 0; k < rows.n; k++) {
        uint32_t i = vonk_row_at(rows, k);
        vonk_bit_put(out, i, vonk_bit_get(in, constant ? 0 : i));
    }
}

static void scatter_views(vonk_rows rows, const vonk_view *in, bool constant, uint32_t first_heap, vonk_view *out)
{
    for (uint32_t k = 0; k < rows.n; k++) {
        uint32_t i = vonk_row_at(rows, k);
        out[i] = in[constant ? 0 : i];
        if (out[i].len > VONK_VIEW_INLINE) out[i].heap += first_heap;
    }
}

static vonk_status scatter(vonk_column *to, void *out, const vonk_column *from, vonk_rows rows, vonk_error *err)
{
    bool constant = from->encoding == VONK_CONSTANT;
    uint32_t first = 0;
    switch (to->type->storage) {
    case VONK_STORE_BIT: scatter_bits(rows, from->data, constant, out); return VONK_OK;
    case VONK_STORE_VIEW:
        VONK_TRY(vonk_column_share_heaps(to, from, &first, err));
        scatter_views(rows, from->data, constant, first, out);
        return VONK_OK;
    default: break;
    }
    switch (vonk_storage_bytes(to->type->storage)) {
    case 1: scatter_1(rows, from->data, constant, out); break;
    case 2: scatter_2(rows, from->data, constant, out); break;
    case 4: scatter_4(rows, from->data, constant, out); break;
    case 8: scatter_8(rows, from->data, constant, out); break;
    default: scatter_16(rows, from->data, constant, out); break;
    }
    return VONK_OK;
}

static void clear_valid(vonk_rows rows, uint8_t *valid)
{
    for (uint32_t k = 0; k < rows.n; k++) vonk_bit_clear(valid, vonk_row_at(rows, k));
}

static void copy_valid(vonk_rows rows, const vonk_column *from, uint8_t *valid)
{
    bool constant = from->encoding == VONK_CONSTANT;
    for (uint32_t k = 0; k < rows.n; k++) {
        uint32_t i = vonk_row_at(rows, k);
        if (!vonk_bit_get(from->validity, constant ? 0 : i)) vonk_bit_clear(valid, i);
    }
}

static bool is_null_value(const vonk_column *value) { return !value || value->type->id == VONK_T_NULL; }

static bool may_have_nulls(const vonk_column *value)
{
    return !value || value->type->id == VONK_T_NULL || value->validity;
}

static vonk_status merge_flat(choice *c, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *made = NULL;
    void *out;
    uint8_t *valid;
    uint32_t n = c->local->n_rows;
    bool nulls = false;
    for (uint32_t i = 0; i < c->n; i++) nulls |= may_have_nulls(c->branches[i].value);
    VONK_TRY(vonk_column_new(c->local->budget, c->step->type, n, nulls, &made, &out, &valid, err));
    bool bits = c->step->type->storage == VONK_STORE_BIT;
    memset(out, 0, bits ? vonk_bits_bytes(n) : n * vonk_storage_bytes(c->step->type->storage));
    for (uint32_t i = 0; i < c->n; i++) {
        const branch *b = &c->branches[i];
        if (is_null_value(b->value)) {
            clear_valid(b->rows, valid);
            continue;
        }
        assert(b->value);
        VONK_AUTO(vonk_column_unref) vonk_column *flat = NULL;
        if (b->value->encoding == VONK_CONSTANT)
            flat = vonk_column_ref(b->value);
        else
            VONK_TRY(vonk_column_flatten(c->local->budget, b->value, &flat, err));
        VONK_TRY(scatter(made, out, flat, b->rows, err));
        if (flat->validity) copy_valid(b->rows, flat, valid);
    }
    *ret = VONK_STEAL(made);
    return VONK_OK;
}

/* ---- nested values: all branches one after the other, then gathered */

/* Branches may differ in what may be null inside them. */
static vonk_status unify_types(choice *c, vonk_error *err)
{
    for (uint32_t i = 0; i < c->n; i++) {
        vonk_column *value = c->branches[i].value, *typed = NULL;
        if (!value || is_null_value(value) || vonk_type_eq(value->type, c->step->type)) continue;
        VONK_TRY(vonk_column_retype(c->local->budget, value, c->step->type, &typed, err));
        vonk_column_unref(value);
        c->branches[i].value = typed;
    }
    return VONK_OK;
}

static vonk_status merge_nested(choice *c, vonk_column **ret, vonk_error *err)
{
    const vonk_column **parts;
    uint32_t *idx, n_parts = 0, base = 0, n = c->local->n_rows;
    VONK_AUTO(vonk_column_unref) vonk_column *all = NULL;
    VONK_TRY(unify_types(c, err));
    VONK_TRY(vonk_arena_array(c->local->scratch, c->n + 1, sizeof(*parts), &parts, err));
    VONK_TRY(vonk_arena_array(c->local->scratch, n + 1, sizeof(*idx), &idx, err));
    for (uint32_t i = 0; i < n; i++) idx[i] = UINT32_MAX;
    for (uint32_t b = 0; b < c->n; b++) {
        const branch *br = &c->branches[b];
        if (is_null_value(br->value)) continue;
        for (uint32_t k = 0; k < br->rows.n; k++) idx[vonk_row_at(br->rows, k)] = base + vonk_row_at(br->rows, k);
        parts[n_parts++] = br->value;
        base += br->value->n_rows;
    }
    if (n_parts == 0) return vonk_column_new_nulls(c->local->budget, c->step->type, n, ret, err);
    VONK_TRY(vonk_column_concat(c->local->budget, parts, n_parts, &all, err));
    return vonk_column_gather(c->local->budget, all, idx, n, true, ret, err);
}

static vonk_status merge(choice *c, vonk_column **ret, vonk_error *err)
{
    vonk_storage storage = c->step->type->storage;
    uint32_t live = 0, last = 0;
    for (uint32_t i = 0; i < c->n; i++)
        if (c->branches[i].rows.n) {
            live++;
            last = i;
        }
    if (live == 0) return vonk_column_new_nulls(c->local->budget, c->step->type, c->local->n_rows, ret, err);
    if (live == 1 && c->branches[last].value && !is_null_value(c->branches[last].value) &&
        c->branches[last].value->n_rows == c->local->n_rows) { /* one branch for all rows that count */
        *ret = vonk_column_ref(c->branches[last].value);
        return VONK_OK;
    }
    if (storage == VONK_STORE_NONE || storage == VONK_STORE_SPAN) return merge_nested(c, ret, err);
    return merge_flat(c, ret, err);
}

/* ---- CASE */

static vonk_status add_branch(choice *c, const vonk__scope *scope, uint32_t arg, vonk_error *err)
{
    vonk_column *value;
    VONK_TRY(vonk__value(c->local, c->step->args[arg], scope, &value, err));
    c->branches[c->n++] = (branch){vonk_column_ref(value), scope->rows};
    return VONK_OK;
}

/* Puts the branches together, and lets them go. */
static vonk_status finish(choice *c, vonk_status st, vonk_column **ret, vonk_error *err)
{
    if (st == VONK_OK) st = merge(c, ret, err);
    for (uint32_t i = 0; i < c->n; i++) vonk_column_unref(c->branches[i].value);
    return st;
}

/* Splits the scope's rows by the condition: those for the branch, and those that are left. */
static vonk_status split(vonk_program_local *local, const vonk__scope *scope, uint32_t condition, vonk_rows *ret_yes,
                         vonk_rows *ret_left, vonk_error *err)
{
    vonk_column *value;
    VONK_AUTO(vonk_column_unref) vonk_column *keep = NULL;
    const uint8_t *bits, *valid;
    VONK_TRY(vonk__value(local, condition, scope, &value, err));
    VONK_TRY(vonk__bool_bits(local, value, &bits, &valid, &keep, err));
    VONK_TRY(vonk__rows_where(local, scope->rows, bits, valid, true, ret_yes, err));
    if (ret_yes->n == scope->rows.n) {
        *ret_left = (vonk_rows){ret_yes->idx, 0};
        return VONK_OK;
    }
    return vonk__rows_where(local, scope->rows, bits, valid, false, ret_left, err);
}

static vonk_status new_choice(vonk_program_local *local, const vonk__step *s, choice *c, vonk_error *err)
{
    *c = (choice){.local = local, .step = s};
    return vonk_arena_array(local->scratch, s->n_args + 2, sizeof(branch), &c->branches, err);
}

static vonk_status choose(choice *c, const vonk__scope *scope, vonk_error *err)
{
    vonk_program_local *local = c->local;
    const vonk__step *s = c->step;
    const vonk__scope *left = scope;
    uint32_t i = 0;
    for (; i + 1 < s->n_args && left->rows.n > 0; i += 2) {
        vonk__scope *inner, *rest;
        VONK_TRY(VONK_ARENA_NEW(local->scratch, &inner, err));
        VONK_TRY(VONK_ARENA_NEW(local->scratch, &rest, err));
        vonk_rows yes, no;
        VONK_TRY(split(local, left, s->args[i], &yes, &no, err));
        *inner = vonk__narrowed(local, left, yes);
        *rest = vonk__narrowed(local, left, no);
        if (yes.n == left->rows.n) inner = (vonk__scope *)(uintptr_t)left; /* all of them: what is known stays known */
        if (yes.n > 0) VONK_TRY(add_branch(c, inner, i + 1, err));
        left = yes.n == 0 ? left : rest;
    }
    if (left->rows.n > 0 && s->n_args % 2 == 1)
        VONK_TRY(add_branch(c, left, s->n_args - 1, err));
    else if (left->rows.n > 0)
        c->branches[c->n++] = (branch){NULL, left->rows};
    return VONK_OK;
}

vonk_status vonk__run_case(vonk_program_local *local, const vonk__step *s, const vonk__scope *scope, vonk_column **ret,
                           vonk_error *err)
{
    choice c;
    VONK_TRY(new_choice(local, s, &c, err));
    return finish(&c, choose(&c, scope, err), ret, err);
}

/* ---- COALESCE */

/* Rows whose value is not null, and those that are left. */
static vonk_status split_nulls(vonk_program_local *local, const vonk_column *value, vonk_rows rows, vonk_rows *ret_yes,
                               vonk_rows *ret_left, vonk_error *err)
{
    static const uint32_t none[1] = {0};
    bool constant = value->encoding == VONK_CONSTANT && value->validity;
    if (is_null_value(value) || (constant && !vonk_bit_get(value->validity, 0))) {
        *ret_yes = (vonk_rows){none, 0};
        *ret_left = rows;
        return VONK_OK;
    }
    if (!value->validity || constant) {
        *ret_yes = rows;
        *ret_left = (vonk_rows){none, 0};
        return VONK_OK;
    }
    VONK_TRY(vonk__rows_where(local, rows, value->validity, NULL, true, ret_yes, err));
    return vonk__rows_where(local, rows, value->validity, NULL, false, ret_left, err);
}

static vonk_status first_values(choice *c, const vonk__scope *scope, vonk_error *err)
{
    vonk_program_local *local = c->local;
    const vonk__step *s = c->step;
    const vonk__scope *left = scope;
    for (uint32_t i = 0; i < s->n_args && left->rows.n > 0; i++) {
        vonk_column *value;
        vonk_rows yes, no;
        vonk__scope *rest;
        VONK_TRY(vonk__value(local, s->args[i], left, &value, err));
        VONK_TRY(split_nulls(local, value, left->rows, &yes, &no, err));
        if (yes.n == 0) continue;
        c->branches[c->n++] = (branch){vonk_column_ref(value), yes};
        VONK_TRY(VONK_ARENA_NEW(local->scratch, &rest, err));
        *rest = vonk__narrowed(local, left, no);
        left = rest;
    }
    if (left->rows.n > 0) c->branches[c->n++] = (branch){NULL, left->rows};
    return VONK_OK;
}

vonk_status vonk__run_coalesce(vonk_program_local *local, const vonk__step *s, const vonk__scope *scope,
                               vonk_column **ret, vonk_error *err)
{
    choice c;
    VONK_TRY(new_choice(local, s, &c, err));
    return finish(&c, first_values(&c, scope, err), ret, err);
}

/* ---- errors that become nulls */

static vonk_status halves(vonk_program_local *local, vonk_rows rows, vonk_rows ret[2], vonk_error *err)
{
    const uint32_t half = rows.n / 2;
    const uint32_t *idx = rows.idx ? rows.idx + half : NULL;
    if (!idx) {
        uint32_t *made;
        VONK_TRY(vonk_arena_array(local->scratch, rows.n - half, sizeof(*made), &made, err));
        for (uint32_t i = half; i < rows.n; i++) made[i - half] = i;
        idx = made;
    }
    ret[0] = (vonk_rows){.n = half, .idx = rows.idx};
    ret[1] = (vonk_rows){.n = rows.n - half, .idx = idx};
    return VONK_OK;
}

/* An error does not say which row it is of: the rows are halved until it has one alone. */
vonk_status vonk__run_caught(vonk_program_local *local, const vonk__step *s, const vonk__scope *scope,
                             vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_error_reset) vonk_error raised = VONK_ERROR_INIT;
    vonk_status st = vonk__run_call(local, s, scope, ret, &raised);
    if (st == VONK_OK) return VONK_OK;
    if (st == VONK_E_INTERNAL_ERROR || st == VONK_E_UNSUPPORTED_FEATURE) {
        vonk_error_move(err, &raised);
        return st;
    }
    VONK_TRY(vonk_error_forgive(&raised, err));
    if (scope->rows.n < 2) return vonk_column_new_nulls(local->budget, s->type, local->n_rows, ret, err);
    branch branches[2];
    choice c = {.local = local, .step = s, .branches = branches};
    vonk_rows rows[2];
    VONK_TRY(halves(local, scope->rows, rows, err));
    for (st = VONK_OK; c.n < 2 && st == VONK_OK;) {
        const vonk__scope half = vonk__narrowed(local, scope, rows[c.n]);
        vonk_column *value;
        st = vonk__run_caught(local, s, &half, &value, err);
        if (st == VONK_OK) {
            branches[c.n] = (branch){value, rows[c.n]};
            c.n++;
        }
    }
    return finish(&c, st, ret, err);
}
