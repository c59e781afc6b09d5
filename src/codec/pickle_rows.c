/* Rows to a pickle. The classes, converters and lists of names that values refer to are written first, remembered and
 * dropped again; then comes one list with the rows. */
#include "codec/pickle_int.h"
#include "text/zone.h"

typedef vonk__pickle_writer writer;
typedef vonk__pickle_cell cell;

typedef struct plan {
    writer *w;
    vonk_arena *arena;
    const vonk_pickle_options *options;
    uint32_t globals[12]; /* memo of names[i] + 1; 0: not written yet */
} plan;

/* Who makes Python's values: they are written as such (FINAL), or as Spark has them, structs being converted where they
 * stand (INTERNAL) or by a converter around them (CONVERTED). */
typedef enum mode { FINAL, INTERNAL, CONVERTED } mode;

enum {
    G_CREATE_ROW,
    G_CONVERTER,
    G_PARSE,
    G_DECIMAL,
    G_DATE,
    G_DATETIME,
    G_TIME,
    G_TIMEDELTA,
    G_VARIANT,
    G_GEOMETRY,
    G_GEOGRAPHY,
    G_GETATTR
};
static const char *const modules[] = {"pyspark.sql.types", "pyspark.sql.types", "pyspark.sql.types", "decimal",
                                      "datetime",          "datetime",          "datetime",          "datetime",
                                      "pyspark.sql.types", "pyspark.sql.types", "pyspark.sql.types", "builtins"};
static const char *const names[] = {"_create_row",
                                    "_create_row_inbound_converter",
                                    "_parse_datatype_json_string",
                                    "Decimal",
                                    "date",
                                    "datetime",
                                    "time",
                                    "timedelta",
                                    "VariantVal",
                                    "Geometry",
                                    "Geography",
                                    "getattr"};

static vonk_status put_ops(writer *w, const void *ops, size_t n, vonk_error *err)
{
    VONK_TRY(vonk__pickle_room(w, n, err));
    memcpy(w->at, ops, n);
    w->at += n;
    return VONK_OK;
}

static vonk_status put_get(writer *w, uint32_t memo, vonk_error *err)
{
    uint8_t ops[5] = {OP_LONG_BINGET};
    memcpy(ops + 1, &memo, 4);
    return put_ops(w, ops, 5, err);
}

/* Remembers the value on top of the stack and drops it. */
static vonk_status keep(writer *w, uint32_t *ret_memo, vonk_error *err)
{
    *ret_memo = w->n_memo++;
    return put_ops(w, (const uint8_t[]){OP_MEMOIZE, OP_POP}, 2, err);
}

static vonk_status need_global(plan *p, int which, uint32_t *ret_memo, vonk_error *err)
{
    if (p->globals[which] == 0) {
        VONK_TRY(vonk__pickle_put_str(p->w, vonk_str_of(modules[which]), err));
        VONK_TRY(vonk__pickle_put_str(p->w, vonk_str_of(names[which]), err));
        VONK_TRY(put_ops(p->w, (const uint8_t[]){OP_STACK_GLOBAL}, 1, err));
        VONK_TRY(keep(p->w, &p->globals[which], err));
        p->globals[which]++;
    }
    *ret_memo = p->globals[which] - 1;
    return VONK_OK;
}

/* _parse_datatype_json_string(json of type), left on the stack. */
static vonk_status put_type(plan *p, const vonk_type *type, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf json = {0};
    uint32_t parse;
    vonk_buf_init(&json, p->w->budget, SIZE_MAX);
    VONK_TRY(vonk_type_json(type, &json, err));
    VONK_TRY(need_global(p, G_PARSE, &parse, err));
    VONK_TRY(put_get(p->w, parse, err));
    VONK_TRY(vonk__pickle_put_str(p->w, vonk_buf_str(&json), err));
    return put_ops(p->w, (const uint8_t[]){OP_TUPLE1, OP_REDUCE}, 2, err);
}

static vonk_status need_converter(plan *p, const vonk_type *type, uint32_t *ret_memo, vonk_error *err)
{
    uint32_t maker, schema;
    VONK_TRY(need_global(p, G_CONVERTER, &maker, err));
    VONK_TRY(put_type(p, type, err));
    VONK_TRY(keep(p->w, &schema, err));
    VONK_TRY(put_get(p->w, maker, err));
    VONK_TRY(put_get(p->w, schema, err));
    VONK_TRY(put_ops(p->w, (const uint8_t[]){OP_TUPLE1, OP_REDUCE}, 2, err));
    return keep(p->w, ret_memo, err);
}

/* The method that makes a user-defined type's object of its SQL value. */
static vonk_status need_udt(plan *p, const vonk_type *type, uint32_t *ret_memo, vonk_error *err)
{
    uint32_t getattr, udt;
    VONK_TRY(need_global(p, G_GETATTR, &getattr, err));
    VONK_TRY(put_type(p, type, err));
    VONK_TRY(keep(p->w, &udt, err));
    VONK_TRY(put_get(p->w, getattr, err));
    VONK_TRY(put_get(p->w, udt, err));
    VONK_TRY(vonk__pickle_put_str(p->w, VONK_STR("fromInternal"), err));
    VONK_TRY(put_ops(p->w, (const uint8_t[]){OP_TUPLE2, OP_REDUCE}, 2, err));
    return keep(p->w, ret_memo, err);
}

static vonk_status need_names(plan *p, const vonk_type *type, uint32_t *ret_memo, vonk_error *err)
{
    VONK_TRY(put_ops(p->w, (const uint8_t[]){OP_EMPTY_LIST, OP_MARK}, 2, err));
    for (uint32_t i = 0; i < type->n_fields; i++) VONK_TRY(vonk__pickle_put_str(p->w, type->fields[i].name, err));
    VONK_TRY(put_ops(p->w, (const uint8_t[]){OP_APPENDS}, 1, err));
    return keep(p->w, ret_memo, err);
}

static vonk_status plan_value(plan *p, const vonk_type *type, const vonk_column *column, mode how, cell *ret,
                              vonk_error *err);

static vonk_status plan_children(plan *p, const vonk_type *type, vonk_column *const *columns, mode how, cell *ret,
                                 vonk_error *err)
{
    ret->n_children = type->n_fields;
    VONK_TRY(vonk_arena_array(p->arena, type->n_fields, sizeof(cell), &ret->children, err));
    for (uint32_t i = 0; i < type->n_fields; i++)
        VONK_TRY(plan_value(p, type->fields[i].type, columns[i], how, &ret->children[i], err));
    return VONK_OK;
}

static vonk_status plan_struct(plan *p, const vonk_type *type, vonk_column *const *columns, mode how, cell *ret,
                               vonk_error *err)
{
    switch (how) {
    case CONVERTED: ret->op = CELL_TUPLE; return plan_children(p, type, columns, CONVERTED, ret, err);
    case INTERNAL:
        ret->op = CELL_CONVERTED;
        VONK_TRY(need_converter(p, type, &ret->memo, err));
        return plan_children(p, type, columns, CONVERTED, ret, err);
    default:
        ret->op = CELL_ROW;
        VONK_TRY(need_global(p, G_CREATE_ROW, &ret->memo, err));
        VONK_TRY(need_names(p, type, &ret->memo2, err));
        return plan_children(p, type, columns, FINAL, ret, err);
    }
}

static vonk_status made_by(plan *p, vonk__pickle_cell_op op, int global, cell *ret, vonk_error *err)
{
    ret->op = op;
    return need_global(p, global, &ret->memo, err);
}

static vonk_status no_such_value(const vonk_type *type, vonk_error *err)
{
    return vonk_raised(
        VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("%s as a value of Python", VONK_TYPE_SQL(type))));
}

/* Types whose values Spark sends in another form than Python uses them. */
static vonk_status plan_special(plan *p, const vonk_type *type, mode how, cell *ret, vonk_error *err)
{
    bool internal = how != FINAL;
    ret->op = CELL_I64;
    switch (type->id) {
    case VONK_T_DATE: return internal ? VONK_OK : made_by(p, CELL_DATE, G_DATE, ret, err);
    case VONK_T_TIME: return internal ? VONK_OK : made_by(p, CELL_TIME, G_TIME, ret, err);
    case VONK_T_TIMESTAMP: return internal ? VONK_OK : made_by(p, CELL_DATETIME, G_DATETIME, ret, err);
    case VONK_T_TIMESTAMP_NTZ: return internal ? VONK_OK : made_by(p, CELL_DATETIME_NTZ, G_DATETIME, ret, err);
    case VONK_T_INTERVAL_DAY_TIME: return internal ? VONK_OK : made_by(p, CELL_TIMEDELTA, G_TIMEDELTA, ret, err);
    case VONK_T_INTERVAL_YEAR_MONTH: return internal ? VONK_OK : no_such_value(type, err);
    case VONK_T_INTERVAL_CALENDAR: ret->op = CELL_INTERVAL_DICT; return internal ? VONK_OK : no_such_value(type, err);
    case VONK_T_VARIANT:
        ret->op = CELL_VARIANT_DICT;
        return internal ? VONK_OK : made_by(p, CELL_VARIANT, G_VARIANT, ret, err);
    case VONK_T_GEOMETRY:
        ret->op = CELL_SPATIAL_DICT;
        return internal ? VONK_OK : made_by(p, CELL_SPATIAL, G_GEOMETRY, ret, err);
    case VONK_T_GEOGRAPHY:
        ret->op = CELL_SPATIAL_DICT;
        return internal ? VONK_OK : made_by(p, CELL_SPATIAL, G_GEOGRAPHY, ret, err);
    default: return no_such_value(type, err);
    }
}

static vonk_status plan_udt(plan *p, const vonk_type *type, const vonk_column *column, mode how, cell *ret,
                            vonk_error *err)
{
    uint32_t wrapper = 0;
    if (how != CONVERTED) VONK_TRY(need_udt(p, type, &wrapper, err));
    VONK_TRY(plan_value(p, type->fields[0].type, column, CONVERTED, ret, err));
    ret->wrapped = how != CONVERTED;
    ret->wrapper = wrapper;
    return VONK_OK;
}

static vonk_status plan_value(plan *p, const vonk_type *type, const vonk_column *column, mode how, cell *ret,
                              vonk_error *err)
{
    ret->column = column;
    switch (type->id) {
    case VONK_T_NULL: ret->op = CELL_NULL; return VONK_OK;
    case VONK_T_BOOLEAN: ret->op = CELL_BOOL; return VONK_OK;
    case VONK_T_BYTE:
    case VONK_T_SHORT:
    case VONK_T_INT:
    case VONK_T_LONG: ret->op = CELL_I64; return VONK_OK;
    case VONK_T_FLOAT: ret->op = CELL_F32; return VONK_OK;
    case VONK_T_DOUBLE: ret->op = CELL_F64; return VONK_OK;
    case VONK_T_DECIMAL: return made_by(p, CELL_DECIMAL, G_DECIMAL, ret, err);
    case VONK_T_STRING:
    case VONK_T_CHAR:
    case VONK_T_VARCHAR: ret->op = CELL_STRING; return VONK_OK;
    case VONK_T_BINARY: ret->op = p->options->bytearrays ? CELL_BYTEARRAY : CELL_BINARY; return VONK_OK;
    case VONK_T_ARRAY: ret->op = CELL_ARRAY; return plan_children(p, type, column->children, how, ret, err);
    case VONK_T_MAP: ret->op = CELL_MAP; return plan_children(p, type, column->children, how, ret, err);
    case VONK_T_STRUCT: return plan_struct(p, type, column->children, how, ret, err);
    case VONK_T_UDT: return plan_udt(p, type, column, how, ret, err);
    default: return plan_special(p, type, how, ret, err);
    }
}

static vonk_status plan_row(plan *p, const vonk_type *type, vonk_column *const *columns, cell *ret, vonk_error *err)
{
    mode how = p->options->internal ? INTERNAL : FINAL;
    if (p->options->named) return plan_struct(p, type, columns, how, ret, err);
    ret->op = CELL_TUPLE;
    return plan_children(p, type, columns, how, ret, err);
}

static vonk_status write_rows(plan *p, const vonk_type *type, vonk_column *const *columns, vonk_rows rows,
                              vonk_error *err)
{
    cell top = {0};
    vonk_column whole = {0}; /* rows themselves are never null */
    VONK_TRY(put_ops(p->w, (const uint8_t[]){OP_PROTO, 5}, 2, err));
    VONK_TRY(plan_row(p, type, columns, &top, err));
    top.column = &whole;
    VONK_TRY(put_ops(p->w, (const uint8_t[]){OP_EMPTY_LIST, OP_MARK}, 2, err));
    for (uint32_t k = 0; k < rows.n; k++) VONK_TRY(vonk__pickle_cell_write(p->w, &top, vonk_row_at(rows, k), err));
    VONK_TRY(put_ops(p->w, (const uint8_t[]){OP_APPENDS, OP_STOP}, 2, err));
    vonk__pickle_sync(p->w);
    return VONK_OK;
}

vonk_status vonk_pickle_write_rows(const vonk_batch *batch, const vonk_type *struct_type,
                                   const vonk_pickle_options *options, vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_zone_cache cache = {0};
    writer w = {.out = out, .budget = batch->budget, .zone = vonk_zone_utc(), .zone_cache = &cache};
    vonk_column **columns;
    size_t before = out->len;
    assert(struct_type->id == VONK_T_STRUCT && struct_type->n_fields == batch->n_columns);
    if (options->timezone.len) VONK_TRY(vonk_zone_find(options->timezone, &w.zone, err));
    VONK_TRY(vonk_arena_new(batch->budget, &arena, err));
    VONK_TRY(vonk_arena_array(arena, batch->n_columns, sizeof(*columns), &columns, err));
    plan p = {.w = &w, .arena = arena, .options = options};
    vonk_status st = VONK_OK;
    uint32_t n = 0;
    for (; n < batch->n_columns && st == VONK_OK; n++)
        st = vonk_column_flatten(batch->budget, batch->columns[n], &columns[n], err);
    if (st == VONK_OK) st = write_rows(&p, struct_type, columns, vonk_batch_rows(batch), err);
    if (st != VONK_OK) out->len = before;
    for (uint32_t i = 0; i < n; i++) vonk_column_unref(columns[i]);
    return st;
}
