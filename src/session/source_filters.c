/* session/source_filters.c -- conditions as the readers of Python's data sources see them: comparisons of one column,
 * or of a field in it, with a value. A reader says which it will apply itself; the others stay in the plan.
 *
 *   a.b > 3 AND upper(s) = 'X'   asks   IsNotNull(a.b), IsNotNull(s), GreaterThan(a.b, 3) */
#include "codec/variant.h"
#include "net/grpc_wire.h"
#include "session/python_source.h"

typedef struct asking {
    vonk_query *query;
    vonk_arena *arena;
    const vonk_plan *source;
    vonk__source_filters *to;
    vonk_buf json, value, metadata;
} asking;

enum { MOST_DISTINCT = 256 };

static void drop_expr(void *e) { vonk_expr_unref(e); }
static vonk_status keep(const asking *a, const vonk_expr *take_e, vonk_error *err)
{
    return vonk_arena_on_free(a->arena, drop_expr, (void *)take_e, err);
}

/* ---- columns and fields of structs in them */

static bool is_column(const asking *a, const vonk_expr *e)
{
    return e->kind == VONK_EX_COLUMN && !vonk_expr_has(e, VONK_EXF_OUTER) && vonk_plan_has_column(a->source, e->id);
}

static bool is_path(const asking *a, const vonk_expr *e)
{
    while (e->kind == VONK_EX_GET_FIELD && e->children[0]->type->id == VONK_T_STRUCT) e = e->children[0];
    return is_column(a, e);
}

static vonk_status put_json_text(vonk_buf *out, vonk_str text, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_byte(out, '"', err));
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.data[i];
        if (c == '"' || c == '\\') VONK_TRY(vonk_buf_add_byte(out, '\\', err));
        VONK_TRY(c < 0x20 ? vonk_buf_printf(out, err, "\\u%04x", c) : vonk_buf_add_byte(out, (char)c, err));
    }
    return vonk_buf_add_byte(out, '"', err);
}

static vonk_status put_path(asking *a, const vonk_expr *e, vonk_error *err)
{
    if (e->kind == VONK_EX_GET_FIELD) {
        VONK_TRY(put_path(a, e->children[0], err)); /* depth: VONK_MAX_EXPR_DEPTH */
        VONK_TRY(vonk_buf_add_byte(&a->json, ',', err));
        return put_json_text(&a->json, e->children[0]->type->fields[e->index].name, err);
    }
    return put_json_text(&a->json, e->name, err);
}

/* ---- what a term asks */

typedef enum operation {
    NONE,
    EQUAL,
    EQUAL_SAFE,
    GREATER,
    GREATER_EQ,
    LESS,
    LESS_EQ,
    IN,
    IS_NULL,
    IS_SET,
    STARTS,
    ENDS,
    CONTAINS
} operation;
static const char *const names[] = {[EQUAL] = "EqualTo",
                                    [EQUAL_SAFE] = "EqualNullSafe",
                                    [GREATER] = "GreaterThan",
                                    [GREATER_EQ] = "GreaterThanOrEqual",
                                    [LESS] = "LessThan",
                                    [LESS_EQ] = "LessThanOrEqual",
                                    [IN] = "In",
                                    [IS_NULL] = "IsNull",
                                    [IS_SET] = "IsNotNull",
                                    [STARTS] = "StringStartsWith",
                                    [ENDS] = "StringEndsWith",
                                    [CONTAINS] = "StringContains"};
static const struct {
    const char *name;
    operation direct, swapped, negated; /* as it is; with its sides exchanged; as NOT: NONE where that stays a NOT */
} functions[] = {{"=", EQUAL, EQUAL, NONE},
                 {"==", EQUAL, EQUAL, NONE},
                 {"<=>", EQUAL_SAFE, EQUAL_SAFE, NONE},
                 {">", GREATER, LESS, LESS_EQ},
                 {">=", GREATER_EQ, LESS_EQ, LESS},
                 {"<", LESS, GREATER, GREATER_EQ},
                 {"<=", LESS_EQ, GREATER_EQ, GREATER},
                 {"startswith", STARTS, NONE, NONE},
                 {"endswith", ENDS, NONE, NONE},
                 {"contains", CONTAINS, NONE, NONE}};

typedef struct question {
    operation op;
    bool is_negated;
    const vonk_expr *path;
    const vonk_column *value; /* one row; of IN all of them; NULL: none */
} question;

static bool is_value(const vonk_expr *e) { return e->kind == VONK_EX_LITERAL && !vonk_column_is_null(e->value, 0); }

/* The whole number towards zero of a constant, and on which side of the constant it is. False: it has none here. */
static bool whole_number(const vonk_column *value, int64_t *ret, int *ret_side)
{
    const vonk_type *type = value->type;
    *ret_side = 0;
    if (type->id == VONK_T_DOUBLE || type->id == VONK_T_FLOAT) {
        const double x = vonk_column_f64(value, 0);
        if (!(x > -1e15 && x < 1e15)) return false;
        *ret = (int64_t)x;
        *ret_side = (double)*ret < x ? -1 : (double)*ret > x;
        return true;
    }
    if (type->id == VONK_T_DECIMAL && type->precision > 18) return false;
    *ret = vonk_column_i64(value, 0);
    for (int i = 0; type->id == VONK_T_DECIMAL && i < type->scale; i++, *ret /= 10)
        if (*ret % 10) *ret_side = *ret > 0 ? -1 : 1;
    return true;
}

/* i > 1.5 where i is whole: i > 1. NONE: the side tells nothing of it. */
static operation rounded(operation op, int side)
{
    if (side == 0) return op;
    if (op == GREATER || op == GREATER_EQ) return side < 0 ? GREATER : GREATER_EQ;
    if (op == LESS || op == LESS_EQ) return side < 0 ? LESS_EQ : LESS;
    return NONE;
}

/* col = 1 where the column is narrower than the number: the number in the column's type, if it fits. */
static vonk_status narrowed(asking *a, const vonk_expr **inout_path, const vonk_column **inout_value,
                            operation *inout_op, vonk_error *err)
{
    static const int bits[] = {
        [VONK_STORE_I8] = 8, [VONK_STORE_I16] = 16, [VONK_STORE_I32] = 32, [VONK_STORE_I64] = 64};
    const vonk_expr *cast = *inout_path, *literal = NULL;
    int64_t v = 0;
    int side = 0;
    if (cast->kind != VONK_EX_CAST || !is_path(a, cast->children[0])) return VONK_OK;
    const vonk_type *to = cast->type, *from = cast->children[0]->type;
    const bool is_wider = to->id >= VONK_T_BYTE && to->id <= VONK_T_LONG && from->id < to->id;
    const bool is_fraction = (to->id == VONK_T_DOUBLE || to->id == VONK_T_DECIMAL) && from->id < VONK_T_LONG;
    if (from->id < VONK_T_BYTE || !(is_wider || is_fraction) || !whole_number(*inout_value, &v, &side)) return VONK_OK;
    const int64_t most = INT64_MAX >> (64 - bits[from->storage]);
    if (v > most || v < -most - 1 || rounded(*inout_op, side) == NONE) return VONK_OK;
    *inout_op = rounded(*inout_op, side);
    VONK_TRY(vonk_ex_int(a->query->budget, v, from, &literal, err));
    VONK_TRY(keep(a, literal, err));
    *inout_path = cast->children[0];
    *inout_value = literal->value;
    return VONK_OK;
}

static vonk_status ask_comparison(asking *a, const vonk_expr *e, question *q, vonk_error *err)
{
    const bool swapped = is_value(e->children[0]);
    const vonk_expr *path = e->children[swapped], *literal = e->children[!swapped];
    operation op = NONE, negated = NONE;
    for (size_t i = 0; i < VONK_COUNTOF(functions); i++)
        if (strcmp(e->fn->name, functions[i].name) == 0) {
            op = swapped ? functions[i].swapped : functions[i].direct;
            negated = swapped || !q->is_negated ? NONE : functions[i].negated;
        }
    if (op == NONE || literal->kind != VONK_EX_LITERAL) return VONK_OK;
    if (op == EQUAL_SAFE && !is_value(literal) && is_path(a, path)) {
        *q = (question){.op = q->is_negated ? IS_SET : IS_NULL, .path = path};
        return VONK_OK;
    }
    if (!is_value(literal)) return VONK_OK;
    q->value = literal->value;
    if (negated != NONE) op = negated;
    VONK_TRY(narrowed(a, &path, &q->value, &op, err));
    if (!is_path(a, path)) return VONK_OK;
    q->path = path;
    q->op = op;
    q->is_negated &= negated == NONE;
    return VONK_OK;
}

/* 'a%', '%a', '%a%' and 'a' are simpler questions. */
static vonk_status ask_like(asking *a, const vonk_expr *e, question *q, vonk_error *err)
{
    const vonk_expr *literal = NULL;
    if (!is_path(a, e->children[0]) || !is_value(e->children[1])) return VONK_OK;
    if (e->n_children > 2 &&
        (!is_value(e->children[2]) || !vonk_str_is(vonk_column_str(e->children[2]->value, 0), "\\")))
        return VONK_OK;
    vonk_str text = vonk_column_str(e->children[1]->value, 0);
    const bool open_start = text.len > 0 && text.data[0] == '%';
    const bool open_end = text.len > open_start && text.data[text.len - 1] == '%';
    text = vonk_str_sub(text, open_start, text.len - open_end);
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == '%' || text.data[i] == '_' || text.data[i] == '\\') return VONK_OK;
    if (text.len == 0 && (open_start || open_end)) return VONK_OK;
    VONK_TRY(vonk_ex_string(a->query->budget, text, &literal, err));
    VONK_TRY(keep(a, literal, err));
    q->op = open_start && open_end ? CONTAINS : open_start ? ENDS : open_end ? STARTS : EQUAL;
    q->path = e->children[0];
    q->value = literal->value;
    return VONK_OK;
}

static void drop_column(void *c) { vonk_column_unref(c); }
static vonk_status ask_in(asking *a, const vonk_expr *e, question *q, vonk_error *err)
{
    const vonk_column **values = NULL;
    vonk_column *all = NULL;
    uint32_t n = 0;
    if (!is_path(a, e->children[0]) || e->n_children < 2) return VONK_OK;
    VONK_TRY(vonk_arena_array(a->arena, e->n_children, sizeof *values, &values, err));
    for (uint32_t i = 1; i < e->n_children; i++) {
        if (e->children[i]->kind != VONK_EX_LITERAL) return VONK_OK;
        if (!vonk_type_eq(e->children[i]->type, e->children[0]->type)) return VONK_OK;
        bool is_new = true; /* a list that is long is not looked through */
        for (uint32_t k = 1; k < i && e->n_children <= MOST_DISTINCT && is_new; k++)
            is_new = !vonk_expr_equal(e->children[i], e->children[k]);
        if (is_new) values[n++] = e->children[i]->value;
    }
    if (n == 1 && vonk_column_is_null(values[0], 0)) return VONK_OK;
    VONK_TRY(vonk_column_concat(a->query->budget, values, n, &all, err));
    VONK_TRY(vonk_arena_on_free(a->arena, drop_column, all, err));
    q->op = n == 1 ? EQUAL : IN;
    q->path = e->children[0];
    q->value = all;
    return VONK_OK;
}

static vonk_status ask_null(asking *a, const vonk_expr *e, bool is_null, question *q)
{
    if (!is_path(a, e->children[0])) return VONK_OK;
    *q = (question){.op = is_null != q->is_negated ? IS_NULL : IS_SET, .path = e->children[0]};
    return VONK_OK;
}

static vonk_status ask_flag(asking *a, const vonk_expr *e, question *q, vonk_error *err)
{
    const vonk_expr *literal = NULL;
    if (!is_path(a, e) || e->type->id != VONK_T_BOOLEAN) return VONK_OK;
    VONK_TRY(vonk_ex_bool(a->query->budget, true, &literal, err));
    VONK_TRY(keep(a, literal, err));
    q->op = EQUAL;
    q->path = e;
    q->value = literal->value;
    return VONK_OK;
}

/* (a > 1) = true, (a > 1) = false */
static bool is_truth_of(const asking *a, const vonk_expr *e)
{
    return e->kind == VONK_EX_FUNCTION && e->n_children == 2 && (e->fn->name[0] == '=') && is_value(e->children[1]) &&
           e->children[1]->type->id == VONK_T_BOOLEAN && !is_path(a, e->children[0]);
}

/* q->op NONE: readers do not understand it. */
static vonk_status ask(asking *a, const vonk_expr *e, question *q, vonk_error *err)
{
    for (; e->kind == VONK_EX_NOT || is_truth_of(a, e); e = e->children[0])
        q->is_negated ^= e->kind == VONK_EX_NOT || vonk_column_i64(e->children[1]->value, 0) == 0;
    switch ((int)e->kind) {
    case VONK_EX_IS_NULL: return ask_null(a, e, true, q);
    case VONK_EX_IS_NOT_NULL: return ask_null(a, e, false, q);
    case VONK_EX_IN: return ask_in(a, e, q, err);
    case VONK_EX_FUNCTION:
        if (strcmp(e->fn->name, "like") == 0) return ask_like(a, e, q, err);
        return e->n_children == 2 ? ask_comparison(a, e, q, err) : VONK_OK;
    default: return ask_flag(a, e, q, err);
    }
}

/* ---- terms */

static vonk_status put_base64(asking *a, const vonk_buf *bytes, vonk_error *err)
{
    const size_t from = a->json.len;
    VONK_TRY(vonk_grpc_base64(vonk_buf_str(bytes), &a->json, err));
    while ((a->json.len - from) % 4) VONK_TRY(vonk_buf_add_byte(&a->json, '=', err));
    return VONK_OK;
}

static vonk_status put_question(asking *a, const question *q, uint32_t term, vonk_error *err)
{
    bool known = true;
    vonk_buf_reset(&a->value);
    vonk_buf_reset(&a->metadata);
    if (q->op == IN)
        VONK_TRY(vonk_variant_write_array(q->value, &a->value, &a->metadata, &known, err));
    else if (q->value)
        VONK_TRY(vonk_variant_write(q->value, 0, &a->value, &a->metadata, &known, err));
    if (!known) return VONK_OK;
    VONK_TRY(
        vonk_buf_printf(&a->json, err, "%s{\"name\":\"%s\",\"columnPath\":[", a->to->asked.n ? "," : "", names[q->op]));
    VONK_TRY(put_path(a, q->path, err));
    VONK_TRY(vonk_buf_printf(&a->json, err, "],\"isNegated\":%s", q->is_negated ? "true" : "false"));
    if (q->value) {
        VONK_TRY(vonk_buf_add_c(&a->json, ",\"value\":{\"value\":\"", err));
        VONK_TRY(put_base64(a, &a->value, err));
        VONK_TRY(vonk_buf_add_c(&a->json, "\",\"metadata\":\"", err));
        VONK_TRY(put_base64(a, &a->metadata, err));
        VONK_TRY(vonk_buf_add_c(&a->json, "\"}", err));
    }
    VONK_TRY(vonk_buf_add_byte(&a->json, '}', err));
    return VONK_VEC_ARENA_PUSH(&a->to->asked, a->arena, term, err);
}

static vonk_status add_term(asking *a, const vonk_expr *e, vonk_error *err)
{
    return VONK_VEC_ARENA_PUSH(&a->to->terms, a->arena, e, err);
}

/* Terms of the conjunction; NOT (a OR b) is one of NOTs. */
static vonk_status split(asking *a, const vonk_expr *e, bool is_negated, vonk_error *err)
{
    const vonk_expr *not = NULL;
    vonk_expr *made = NULL;
    if (e->kind == VONK_EX_NOT) return split(a, e->children[0], !is_negated, err); /* depth: VONK_MAX_EXPR_DEPTH */
    if (e->kind == (is_negated ? VONK_EX_OR : VONK_EX_AND)) {
        for (uint32_t i = 0; i < e->n_children; i++) VONK_TRY(split(a, e->children[i], is_negated, err));
        return VONK_OK;
    }
    if (!is_negated) return add_term(a, e, err);
    VONK_TRY(vonk_expr_new(a->query->budget, VONK_EX_NOT, &e, 1, &made, err));
    VONK_TRY(vonk_expr_finish(made, &not, err));
    VONK_TRY(keep(a, not, err));
    return add_term(a, not, err);
}

/* ---- what must not be null for a term to hold */

static vonk_status add_is_set(asking *a, const vonk_expr *path, vonk_error *err)
{
    const vonk_expr *done = NULL;
    vonk_expr *made = NULL;
    for (size_t i = 0; i < a->to->terms.n; i++) {
        const vonk_expr *t = a->to->terms.at[i];
        if (t->kind == VONK_EX_IS_NOT_NULL && vonk_expr_equal(t->children[0], path)) return VONK_OK;
    }
    VONK_TRY(vonk_expr_new(a->query->budget, VONK_EX_IS_NOT_NULL, &path, 1, &made, err));
    VONK_TRY(vonk_expr_finish(made, &done, err));
    VONK_TRY(keep(a, done, err));
    return add_term(a, done, err);
}

static bool is_strict(const vonk_expr *e)
{
    switch ((int)e->kind) {
    case VONK_EX_FUNCTION: return e->fn->nulls == VONK_NULL_IN_NULL_OUT;
    case VONK_EX_CAST:
    case VONK_EX_NOT:
    case VONK_EX_GET_FIELD: return true;
    case VONK_EX_IN: /* of one value: it is an =; of none: false */
        if (e->n_children == 1) return false;
        for (uint32_t i = 2; i < e->n_children; i++)
            if (!vonk_expr_equal(e->children[i], e->children[1])) return false;
        return true;
    default: return false;
    }
}

static vonk_status infer(asking *a, const vonk_expr *e, vonk_error *err)
{
    if (is_path(a, e)) return e->nullable ? add_is_set(a, e, err) : VONK_OK;
    if (!is_strict(e)) return VONK_OK;
    for (uint32_t i = 0; i < e->n_children; i++) VONK_TRY(infer(a, e->children[i], err)); /* depth: as above */
    return VONK_OK;
}

static vonk_status ask_all(asking *a, const vonk_expr *condition, vonk_error *err)
{
    vonk__source_filters terms = {0}, *const to = a->to;
    a->to = &terms;
    const vonk_status split_status = split(a, condition, false, err);
    a->to = to;
    VONK_TRY(split_status);
    for (size_t i = 0; i < terms.terms.n; i++)
        if (terms.terms.at[i]->kind == VONK_EX_IS_NOT_NULL && is_path(a, terms.terms.at[i]->children[0]))
            VONK_TRY(add_is_set(a, terms.terms.at[i]->children[0], err));
        else
            VONK_TRY(infer(a, terms.terms.at[i], err));
    const size_t n_inferred = to->terms.n;
    for (size_t i = 0; i < terms.terms.n; i++) {
        const vonk_expr *t = terms.terms.at[i];
        if (t->kind != VONK_EX_IS_NOT_NULL || !is_path(a, t->children[0])) VONK_TRY(add_term(a, t, err));
    }
    VONK_TRY(vonk_buf_add_byte(&a->json, '[', err));
    for (size_t i = 0; i < to->terms.n; i++) {
        question q = {.op = i < n_inferred ? IS_SET : NONE,
                      .path = i < n_inferred ? to->terms.at[i]->children[0] : NULL};
        if (i >= n_inferred) VONK_TRY(ask(a, to->terms.at[i], &q, err));
        if (q.op != NONE) VONK_TRY(put_question(a, &q, vonk_u32_of(i), err));
    }
    VONK_TRY(vonk_buf_add_byte(&a->json, ']', err));
    return vonk_arena_str(a->arena, vonk_buf_str(&a->json), &to->json, err);
}

vonk_status vonk__source_filters_of(vonk_query *query, vonk_arena *arena, const vonk_plan *source,
                                    const vonk_expr *condition, vonk__source_filters *ret, vonk_error *err)
{
    asking a = {.query = query, .arena = arena, .source = source, .to = ret};
    *ret = (vonk__source_filters){0};
    vonk_buf *const bufs[] = {&a.json, &a.value, &a.metadata};
    for (size_t i = 0; i < VONK_COUNTOF(bufs); i++) vonk_buf_init(bufs[i], query->budget, SIZE_MAX);
    const vonk_status st = ask_all(&a, condition, err);
    for (size_t i = 0; i < VONK_COUNTOF(bufs); i++) vonk_buf_done(bufs[i]);
    return st;
}
