/* Spark's schema merging: fields of both, types of common fields joined where Spark joins them. */
#include "codec/parquet.h"

typedef struct merger {
    bool case_sensitive;
    vonk_error *err;
} merger;

static vonk_status merge(const merger *m, const vonk_type *left, const vonk_type *right, const vonk_type **ret);

static vonk_status incompatible(const merger *m, const vonk_type *left, const vonk_type *right)
{
    return VONK_FAIL(m->err, VONK_E_CANNOT_MERGE_INCOMPATIBLE_DATA_TYPE, "left", VONK_TYPE_SQL(left), "right",
                     VONK_TYPE_SQL(right));
}

static vonk_status give(const vonk_type *type, const vonk_type **ret)
{
    *ret = vonk_type_ref(type);
    return VONK_OK;
}

static vonk_status merge_decimals(const merger *m, const vonk_type *left, const vonk_type *right, const vonk_type **ret)
{
    if (left->scale != right->scale) return incompatible(m, left, right);
    return give(left->precision >= right->precision ? left : right, ret);
}

static vonk_status merge_intervals(const merger *m, const vonk_type *left, const vonk_type *right,
                                   const vonk_type **ret)
{
    vonk_interval_field first = left->first < right->first ? left->first : right->first,
                        last = left->last > right->last ? left->last : right->last;
    return left->id == VONK_T_INTERVAL_YEAR_MONTH ? vonk_type_interval_ym(first, last, ret, m->err)
                                                  : vonk_type_interval_dt(first, last, ret, m->err);
}

static vonk_status merge_arrays(const merger *m, const vonk_type *left, const vonk_type *right, const vonk_type **ret)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *element = NULL;
    VONK_TRY(merge(m, left->fields[0].type, right->fields[0].type, &element));
    return vonk_type_array(element, left->fields[0].nullable || right->fields[0].nullable, ret, m->err);
}

static vonk_status merge_maps(const merger *m, const vonk_type *left, const vonk_type *right, const vonk_type **ret)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *key = NULL;
    VONK_AUTO(vonk_type_unref) const vonk_type *value = NULL;
    VONK_TRY(merge(m, left->fields[0].type, right->fields[0].type, &key));
    VONK_TRY(merge(m, left->fields[1].type, right->fields[1].type, &value));
    return vonk_type_map(key, value, left->fields[1].nullable || right->fields[1].nullable, ret, m->err);
}

static const vonk_field *find(const merger *m, const vonk_type *in, vonk_str name)
{
    for (uint32_t i = 0; i < in->n_fields; i++) {
        vonk_str other = in->fields[i].name;
        if (m->case_sensitive ? vonk_str_eq(other, name) : vonk_str_eq_nocase(other, name)) return &in->fields[i];
    }
    return NULL;
}

/* Fields of left, joined with right's of the same name, then what only right has. *ret_n: how many of `to` were made,
 * also on failure. */
static vonk_status merge_fields(const merger *m, const vonk_type *left, const vonk_type *right, vonk_field *to,
                                uint32_t *ret_n)
{
    for (uint32_t i = 0; i < left->n_fields; i++) {
        const vonk_field *other = find(m, right, left->fields[i].name);
        vonk_field field = left->fields[i];
        VONK_TRY(other ? merge(m, field.type, other->type, &field.type) : give(field.type, &field.type));
        if (other) field.nullable |= other->nullable;
        to[(*ret_n)++] = field;
    }
    for (uint32_t i = 0; i < right->n_fields; i++) {
        if (find(m, left, right->fields[i].name)) continue;
        vonk_field field = right->fields[i];
        VONK_TRY(give(field.type, &field.type));
        to[(*ret_n)++] = field;
    }
    return VONK_OK;
}

static vonk_status merge_structs(const merger *m, const vonk_type *left, const vonk_type *right, const vonk_type **ret)
{
    vonk_field *fields = NULL;
    uint32_t n = 0;
    VONK_TRY(vonk_alloc_array(vonk_budget_root(), (size_t)left->n_fields + right->n_fields, sizeof *fields, &fields,
                              m->err));
    vonk_status st = merge_fields(m, left, right, fields, &n);
    if (st == VONK_OK) st = vonk_type_struct(fields, n, ret, m->err);
    for (uint32_t i = 0; i < n; i++) vonk_type_unref(fields[i].type);
    vonk_free(fields);
    return st;
}

static vonk_status merge(const merger *m, const vonk_type *left, const vonk_type *right, const vonk_type **ret)
{
    if (left->id == right->id) {
        switch (left->id) {
        case VONK_T_ARRAY: return merge_arrays(m, left, right, ret);
        case VONK_T_MAP: return merge_maps(m, left, right, ret);
        case VONK_T_STRUCT: return merge_structs(m, left, right, ret);
        case VONK_T_DECIMAL: return merge_decimals(m, left, right, ret);
        case VONK_T_INTERVAL_YEAR_MONTH:
        case VONK_T_INTERVAL_DAY_TIME: return merge_intervals(m, left, right, ret);
        case VONK_T_UDT:
            if (vonk_str_eq(left->udt_class, right->udt_class)) return give(left, ret);
            break;
        default: break;
        }
    }
    return vonk_type_eq(left, right) ? give(left, ret) : incompatible(m, left, right);
}

static vonk_status quoted(const vonk_type *type, vonk_buf *out, vonk_error *err)
{
    vonk_buf_init(out, vonk_budget_root(), SIZE_MAX);
    VONK_TRY(vonk_buf_add_byte(out, '"', err));
    VONK_TRY(vonk_type_sql(type, out, err));
    return vonk_buf_append(out, "\"", 2, err); /* with its NUL */
}

/* The reason stays as the cause. */
static vonk_status cannot_merge(const vonk_type *left, const vonk_type *right, vonk_error *why, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf left_text = {0};
    VONK_AUTO(vonk_buf_done) vonk_buf right_text = {0};
    VONK_TRY(quoted(left, &left_text, err));
    VONK_TRY(quoted(right, &right_text, err));
    vonk_status st = VONK_FAIL(err, VONK_E_CANNOT_MERGE_SCHEMAS, "left", left_text.data, "right", right_text.data);
    vonk_error_set_cause(err, why);
    return st;
}

vonk_status vonk_parquet_merge_schemas(const vonk_type *left, const vonk_type *right, bool case_sensitive,
                                       const vonk_type **ret, vonk_error *err)
{
    VONK_AUTO(vonk_error_reset) vonk_error why = VONK_ERROR_INIT;
    const merger m = {case_sensitive, &why};
    vonk_status st = merge_structs(&m, left, right, ret);
    if (st == VONK_E_CANNOT_MERGE_INCOMPATIBLE_DATA_TYPE) return cannot_merge(left, right, &why, err);
    if (st != VONK_OK) vonk_error_move(err, &why);
    return st;
}
