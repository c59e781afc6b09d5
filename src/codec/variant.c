/* codec/variant.c -- values as Spark's VARIANT. A byte says the kind of a value; lists say where their elements end.
 * Offsets, and ids of field names, take four bytes everywhere: these values are short. */
#include "codec/variant.h"

#include "base/arena.h"
#include "base/vec.h"

enum { PRIMITIVE, SHORT_TEXT, OBJECT, ARRAY };
enum {
    NOTHING,
    YES,
    NO,
    INT1,
    INT2,
    INT4,
    INT8,
    DOUBLE,
    DECIMAL4,
    DECIMAL8,
    DECIMAL16,
    DATE,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    FLOAT,
    BINARY,
    LONG_TEXT
};
enum { MOST_SHORT = 63, MOST_DEPTH = 100, FOUR_BYTES = 3, VERSION = 1 };

typedef struct writer {
    vonk_arena *arena;
    vonk_buf *out;
    VONK_VEC(vonk_str) names; /* of all fields, sorted, each once */
} writer;

static vonk_status put_le(vonk_buf *out, vonk_i128 v, size_t bytes, vonk_error *err)
{
    char text[16];
    for (size_t i = 0; i < bytes; i++) text[i] = (char)(unsigned char)((vonk_u128)v >> (8 * i));
    return vonk_buf_append(out, text, bytes, err);
}

static vonk_status put_number(writer *w, int kind, vonk_i128 v, size_t bytes, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_byte(w->out, (char)(kind << 2 | PRIMITIVE), err));
    return put_le(w->out, v, bytes, err);
}

static vonk_status put_integer(writer *w, int64_t v, vonk_error *err)
{
    if (v == (int8_t)v) return put_number(w, INT1, v, 1, err);
    if (v == (int16_t)v) return put_number(w, INT2, v, 2, err);
    return v == (int32_t)v ? put_number(w, INT4, v, 4, err) : put_number(w, INT8, v, 8, err);
}

static vonk_status put_decimal(writer *w, vonk_i128 v, int32_t precision, int32_t scale, vonk_error *err)
{
    const int kind = precision <= 9 ? DECIMAL4 : precision <= 18 ? DECIMAL8 : DECIMAL16;
    VONK_TRY(put_number(w, kind, scale, 1, err));
    return put_le(w->out, v, kind == DECIMAL4 ? 4 : kind == DECIMAL8 ? 8 : 16, err);
}

static vonk_status put_text(writer *w, vonk_str text, vonk_error *err)
{
    if (text.len <= MOST_SHORT)
        VONK_TRY(vonk_buf_add_byte(w->out, (char)(text.len << 2 | SHORT_TEXT), err));
    else
        VONK_TRY(put_number(w, LONG_TEXT, (vonk_i128)text.len, 4, err));
    return vonk_buf_add_str(w->out, text, err);
}

static vonk_status put_float(writer *w, const vonk_column *c, uint32_t row, vonk_error *err)
{
    const double d = vonk_column_f64(c, row);
    const float f = (float)d;
    uint64_t long_bits;
    uint32_t bits;
    memcpy(&long_bits, &d, sizeof d);
    memcpy(&bits, &f, sizeof f);
    return c->type->id == VONK_T_FLOAT ? put_number(w, FLOAT, bits, 4, err) : put_number(w, DOUBLE, long_bits, 8, err);
}

/* ---- lists: a count, ids of names (objects), n + 1 offsets, elements. Offsets are filled in as elements come. */

static vonk_status put_cell(writer *w, const vonk_column *column, uint32_t row, uint32_t depth, vonk_error *err);

static vonk_status begin_list(writer *w, int kind, uint32_t n, const uint32_t *ids, size_t *ret_offsets,
                              vonk_error *err)
{
    const int is_large = n > UINT8_MAX;
    const int head = kind == OBJECT ? is_large << 4 | FOUR_BYTES << 2 | FOUR_BYTES : is_large << 2 | FOUR_BYTES;
    VONK_TRY(vonk_buf_add_byte(w->out, (char)(head << 2 | kind), err));
    VONK_TRY(put_le(w->out, n, is_large ? 4 : 1, err));
    for (uint32_t i = 0; i < n && ids; i++) VONK_TRY(put_le(w->out, ids[i], 4, err));
    *ret_offsets = w->out->len;
    for (uint32_t i = 0; i <= n; i++) VONK_TRY(put_le(w->out, 0, 4, err));
    return VONK_OK;
}

static void set_offset(writer *w, size_t offsets, uint32_t n, uint32_t i)
{
    const uint32_t from = (uint32_t)(w->out->len - (offsets + ((size_t)n + 1) * 4));
    for (int k = 0; k < 4; k++)
        w->out->data[offsets + (size_t)i * 4 + (size_t)k] = (char)(unsigned char)(from >> (8 * k));
}

static vonk_status put_array(writer *w, const vonk_column *elements, uint32_t from, uint32_t n, uint32_t depth,
                             vonk_error *err)
{
    size_t offsets = 0;
    VONK_TRY(begin_list(w, ARRAY, n, NULL, &offsets, err));
    for (uint32_t i = 0; i < n; i++) {
        VONK_TRY(put_cell(w, elements, from + i, depth, err));
        set_offset(w, offsets, n, i + 1);
    }
    return VONK_OK;
}

static int by_name(const void *a, const void *b)
{
    return vonk_str_compare(*(const vonk_str *)a, *(const vonk_str *)b);
}

static uint32_t id_of(const writer *w, vonk_str name)
{
    assert(w->names.n > 0); /* every name of a field was put in before */
    const vonk_str *found = bsearch(&name, w->names.at, w->names.n, sizeof name, by_name);
    return (uint32_t)(found - w->names.at);
}

/* Fields go in the order of their names, as in the dictionary. */
static vonk_status put_object(writer *w, const vonk_column *column, uint32_t row, uint32_t depth, vonk_error *err)
{
    const vonk_type *t = column->type;
    uint32_t *ids = NULL, *order = NULL;
    size_t offsets = 0;
    VONK_TRY(vonk_arena_array(w->arena, t->n_fields + 1, sizeof *ids, &ids, err));
    VONK_TRY(vonk_arena_array(w->arena, t->n_fields + 1, sizeof *order, &order, err));
    for (uint32_t i = 0; i < t->n_fields; i++) {
        const uint32_t id = id_of(w, t->fields[i].name);
        uint32_t at = i;
        for (; at > 0 && ids[at - 1] > id; at--) ids[at] = ids[at - 1], order[at] = order[at - 1];
        ids[at] = id;
        order[at] = i;
    }
    VONK_TRY(begin_list(w, OBJECT, t->n_fields, ids, &offsets, err));
    for (uint32_t i = 0; i < t->n_fields; i++) {
        VONK_TRY(put_cell(w, column->children[order[i]], row, depth, err));
        set_offset(w, offsets, t->n_fields, i + 1);
    }
    return VONK_OK;
}

/* The type is known to have a form, and not to be too deep. */
static vonk_status put_cell(writer *w, const vonk_column *column, uint32_t row, uint32_t depth, vonk_error *err)
{
    const vonk_column *c = vonk_column_locate(column, row, &row);
    assert(depth < MOST_DEPTH);
    if (vonk_column_is_null(c, row)) return put_number(w, NOTHING, 0, 0, err);
    switch ((int)c->type->id) {
    case VONK_T_BOOLEAN: return put_number(w, vonk_column_i64(c, row) ? YES : NO, 0, 0, err);
    case VONK_T_FLOAT:
    case VONK_T_DOUBLE: return put_float(w, c, row, err);
    case VONK_T_DECIMAL: return put_decimal(w, vonk_column_i128(c, row), c->type->precision, c->type->scale, err);
    case VONK_T_STRING:
    case VONK_T_CHAR:
    case VONK_T_VARCHAR: return put_text(w, vonk_column_str(c, row), err);
    case VONK_T_BINARY:
        VONK_TRY(put_number(w, BINARY, (vonk_i128)vonk_column_str(c, row).len, 4, err));
        return vonk_buf_add_str(w->out, vonk_column_str(c, row), err);
    case VONK_T_DATE: return put_number(w, DATE, vonk_column_i64(c, row), 4, err);
    case VONK_T_TIMESTAMP: return put_number(w, TIMESTAMP, vonk_column_i64(c, row), 8, err);
    case VONK_T_TIMESTAMP_NTZ: return put_number(w, TIMESTAMP_NTZ, vonk_column_i64(c, row), 8, err);
    case VONK_T_ARRAY: {
        const vonk_span *span = &VONK_VALUES(c, vonk_span)[row];
        return put_array(w, c->children[0], span->offset, span->len, depth + 1, err);
    }
    case VONK_T_STRUCT: return put_object(w, c, row, depth + 1, err);
    default: return put_integer(w, vonk_column_i64(c, row), err);
    }
}

/* ---- types and names */

static bool has_form(const vonk_type *t, uint32_t depth)
{
    switch ((int)t->id) {
    case VONK_T_NULL:
    case VONK_T_BOOLEAN:
    case VONK_T_BYTE:
    case VONK_T_SHORT:
    case VONK_T_INT:
    case VONK_T_LONG:
    case VONK_T_FLOAT:
    case VONK_T_DOUBLE:
    case VONK_T_DECIMAL:
    case VONK_T_STRING:
    case VONK_T_CHAR:
    case VONK_T_VARCHAR:
    case VONK_T_BINARY:
    case VONK_T_DATE:
    case VONK_T_TIMESTAMP:
    case VONK_T_TIMESTAMP_NTZ: return true;
    case VONK_T_ARRAY:
    case VONK_T_STRUCT: break;
    default: return false;
    }
    for (uint32_t i = 0; i < t->n_fields; i++)
        if (depth + 1 >= MOST_DEPTH || !has_form(t->fields[i].type, depth + 1)) return false;
    return true;
}

static vonk_status add_names(writer *w, const vonk_type *t, vonk_error *err)
{
    for (uint32_t i = 0; i < t->n_fields; i++) {
        if (t->id == VONK_T_STRUCT) VONK_TRY(VONK_VEC_ARENA_PUSH(&w->names, w->arena, t->fields[i].name, err));
        VONK_TRY(add_names(w, t->fields[i].type, err)); /* depth: has_form has looked */
    }
    return VONK_OK;
}

static void sort_names(writer *w)
{
    size_t n = 0;
    if (w->names.n) qsort(w->names.at, w->names.n, sizeof *w->names.at, by_name);
    for (size_t i = 0; i < w->names.n; i++)
        if (!i || !vonk_str_eq(w->names.at[i], w->names.at[n - 1])) w->names.at[n++] = w->names.at[i];
    w->names.n = n;
}

static vonk_status put_names(const writer *w, vonk_buf *out, vonk_error *err)
{
    uint32_t at = 0;
    VONK_TRY(vonk_buf_add_byte(out, (char)(unsigned char)(FOUR_BYTES << 6 | 1 << 4 | VERSION), err)); /* 1: sorted */
    VONK_TRY(put_le(out, (vonk_i128)w->names.n, 4, err));
    VONK_TRY(put_le(out, 0, 4, err));
    for (size_t i = 0; i < w->names.n; i++) {
        at += (uint32_t)w->names.at[i].len;
        VONK_TRY(put_le(out, at, 4, err));
    }
    for (size_t i = 0; i < w->names.n; i++) VONK_TRY(vonk_buf_add_str(out, w->names.at[i], err));
    return VONK_OK;
}

/* ---- all of it */

static vonk_status write(const vonk_column *column, uint32_t row, bool as_array, vonk_buf *value, vonk_buf *metadata,
                         bool *ret_known, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    *ret_known = has_form(column->type, 1);
    if (!*ret_known) return VONK_OK;
    VONK_TRY(vonk_arena_new(vonk_budget_root(), &arena, err));
    writer w = {.arena = arena, .out = value};
    VONK_TRY(add_names(&w, column->type, err));
    sort_names(&w);
    VONK_TRY(put_names(&w, metadata, err));
    return as_array ? put_array(&w, column, 0, column->n_rows, 1, err) : put_cell(&w, column, row, 0, err);
}

vonk_status vonk_variant_write(const vonk_column *column, uint32_t row, vonk_buf *value, vonk_buf *metadata,
                               bool *ret_known, vonk_error *err)
{
    return write(column, row, false, value, metadata, ret_known, err);
}

vonk_status vonk_variant_write_array(const vonk_column *elements, vonk_buf *value, vonk_buf *metadata, bool *ret_known,
                                     vonk_error *err)
{
    return write(elements, 0, true, value, metadata, ret_known, err);
}
