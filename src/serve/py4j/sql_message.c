/* serve/py4j/sql_message.c -- messages of Spark Connect, put together from a call's arguments. */
#include "serve/py4j/sql.h"

vonk_status vonk__j_message_open(vonk__j_message *m, vonk__j_call *call, vonk__j_session *session, vonk_error *err)
{
    *m = (vonk__j_message){.call = call, .session = session, .err = err};
    VONK_TRY(vonk_arena_new(call->machine->budget, &m->arena, err));
    vonk_buf_init(&m->buf, call->machine->budget, VONK__J_MAX_COMMAND_BYTES);
    m->w = vonk_pb_writer_of(&vonk_pb_connect, &m->buf, err);
    return VONK_OK;
}

void vonk__j_message_done(vonk__j_message *m)
{
    vonk_buf_done(&m->buf);
    vonk_free(m->inputs.at);
    vonk_free(m->plans.at);
    vonk__j_functions_done(&m->functions);
    vonk_arena_free(m->arena);
    *m = (vonk__j_message){0};
}

void vonk__j_put_failed(vonk__j_message *m, vonk_status status)
{
    if (m->status == VONK_OK) m->status = status;
}

static vonk_status state_of(const vonk__j_message *m)
{
    return m->status != VONK_OK ? m->status : vonk_pb_writer_end(&m->w);
}

/* ---- what arguments consist of */

typedef struct held {
    vonk__j_value *values;
    uint32_t n;
} held;
static void let_go(void *self)
{
    held *h = self;
    vonk__j_unref_all(h->values, h->n);
}

vonk_status vonk__j_items(vonk__j_message *m, const vonk__j_value *of, vonk__j_value **ret, uint32_t *ret_n)
{
    held *h = NULL;
    bool known = true;
    *ret = NULL;
    *ret_n = 0;
    if (of->kind == VONK__J_NULL) return VONK_OK;
    VONK_TRY(VONK_ARENA_NEW(m->arena, &h, m->err));
    *h = (held){0};
    if (of->kind == VONK__J_OBJECT) {
        VONK_LOCKED(&m->call->machine->guard);
        VONK_TRY(vonk__j_elements(m->call->caller, of->object, m->arena, &h->values, &h->n, &known, m->err));
    }
    if (of->kind != VONK__J_OBJECT || !known)
        return vonk__j_throw(m->call->caller, "java.lang.ClassCastException", m->err, "not a sequence");
    *ret = h->values;
    *ret_n = h->n;
    return vonk_arena_on_free(m->arena, let_go, h, m->err);
}

void vonk__j_put_map(vonk__j_message *m, const vonk__j_entry_fields *fields, const vonk__j_value *map)
{
    if (map->kind != VONK__J_OBJECT) return;
    VONK_LOCKED(&m->call->machine->guard);
    const vonk__j_map *of = vonk__j_as_map(map->object);
    for (vonk__j_entry *e = NULL; of && (e = vonk__j_map_next(of, e));)
        vonk_pb_put_pair(&m->w, fields->field, fields->key, vonk__j_str(&e->key), fields->value,
                         vonk__j_str(&e->value));
}

/* ---- relations */

int64_t vonk__j_next_plan_id(void)
{
    static _Atomic int64_t next_plan_id;
    return atomic_fetch_add(&next_plan_id, 1);
}

void vonk__j_put_common(vonk__j_message *m)
{
    m->plan_id = vonk__j_next_plan_id();
    const size_t mark = vonk_pb_begin(&m->w, PB_RELATION_COMMON);
    vonk_pb_put_i64(&m->w, PB_RELATION_COMMON_PLAN_ID, m->plan_id);
    vonk_pb_end(&m->w, mark);
}

static void put_remote(vonk__j_message *m, vonk_pb_writer *w, int field, vonk__j_dataset *dataset)
{
    const size_t relation = vonk_pb_begin(w, field);
    const size_t remote = vonk_pb_begin(w, PB_RELATION_CACHED_REMOTE_RELATION);
    vonk_pb_put_c(w, PB_CACHED_REMOTE_RELATION_RELATION_ID, VONK_F("%zu", m->inputs.n));
    vonk_pb_end(w, remote);
    vonk_pb_end(w, relation);
    vonk__j_put_failed(m, VONK_VEC_PUSH(&m->inputs, m->call->machine->budget, dataset, m->err));
}

void vonk__j_put_input(vonk__j_message *m, int field, vonk__j_dataset *dataset)
{
    m->is_lazy |= dataset->is_lazy;
    put_remote(m, &m->w, field, dataset);
}

vonk_status vonk__j_relation_open(vonk__j_message *m, vonk__j_call *call, vonk__j_dataset *of, int relation, int input,
                                  size_t *ret_mark, vonk_error *err)
{
    VONK_TRY(vonk__j_message_open(m, call, of->session, err));
    vonk__j_put_common(m);
    *ret_mark = vonk_pb_begin(&m->w, relation);
    vonk__j_put_input(m, input, of);
    return VONK_OK;
}

int64_t vonk__j_put_input_anew(vonk__j_message *m, int field, vonk__j_dataset *dataset)
{
    const int64_t id = vonk__j_next_plan_id();
    const size_t relation = vonk_pb_begin(&m->w, field), common = vonk_pb_begin(&m->w, PB_RELATION_COMMON);
    vonk_pb_put_i64(&m->w, PB_RELATION_COMMON_PLAN_ID, id);
    vonk_pb_end(&m->w, common);
    const size_t remote = vonk_pb_begin(&m->w, PB_RELATION_CACHED_REMOTE_RELATION);
    vonk_pb_put_c(&m->w, PB_CACHED_REMOTE_RELATION_RELATION_ID, VONK_F("%zu", m->inputs.n));
    vonk_pb_end(&m->w, remote);
    vonk_pb_end(&m->w, relation);
    m->is_lazy |= dataset->is_lazy;
    vonk__j_put_failed(m, VONK_VEC_PUSH(&m->inputs, m->call->machine->budget, dataset, m->err));
    return id;
}

/* ---- literals */

/* Spark's rule: as many digits as there are, and not fewer than behind the point. */
static void put_decimal(vonk__j_message *m, vonk_str text)
{
    int32_t digits = 0, scale = 0, exponent = 0, sign = 1;
    size_t i = 0;
    bool point = false;
    for (; i < text.len && text.data[i] != 'e' && text.data[i] != 'E'; i++) {
        const char c = text.data[i];
        if (c == '.') point = true;
        if (c < '0' || c > '9') continue;
        if (digits || c != '0') digits++;
        scale += point;
    }
    if (i + 1 < text.len && text.data[i + 1] == '-') sign = -1;
    for (; i < text.len && exponent < 1000; i++)
        if (text.data[i] >= '0' && text.data[i] <= '9') exponent = exponent * 10 + (text.data[i] - '0');
    scale -= sign * exponent;
    if (scale < 0) {
        digits -= digits ? scale : 0;
        scale = 0;
    }
    const int32_t precision = digits > scale ? digits : scale;
    const size_t mark = vonk_pb_begin(&m->w, PB_EXPRESSION_LITERAL_DECIMAL);
    vonk_pb_put_str(&m->w, PB_EXPRESSION_LITERAL_DECIMAL_VALUE, text);
    vonk_pb_put_i64(&m->w, PB_EXPRESSION_LITERAL_DECIMAL_PRECISION, precision > 0 ? precision : 1);
    vonk_pb_put_i64(&m->w, PB_EXPRESSION_LITERAL_DECIMAL_SCALE, scale);
    vonk_pb_end(&m->w, mark);
}

static const struct time_class {
    const char *fqn;
    int field;
} time_classes[] = {{"java.sql.Date", PB_EXPRESSION_LITERAL_DATE},
                    {"java.time.LocalDate", PB_EXPRESSION_LITERAL_DATE},
                    {"java.sql.Timestamp", PB_EXPRESSION_LITERAL_TIMESTAMP},
                    {"java.time.Instant", PB_EXPRESSION_LITERAL_TIMESTAMP},
                    {"java.time.LocalDateTime", PB_EXPRESSION_LITERAL_TIMESTAMP_NTZ},
                    {"java.time.LocalTime", PB_EXPRESSION_LITERAL_TIME},
                    {"java.time.Duration", PB_EXPRESSION_LITERAL_DAY_TIME_INTERVAL},
                    {"java.time.Period", PB_EXPRESSION_LITERAL_YEAR_MONTH_INTERVAL}};

static bool put_time(vonk__j_message *m, const vonk__j_object *object)
{
    for (size_t i = 0; i < VONK_COUNTOF(time_classes); i++) {
        if (!vonk_str_is(object->cls->fqn, time_classes[i].fqn)) continue;
        const int64_t n = ((const vonk__j_time *)object)->n;
        const int field = time_classes[i].field;
        if (field != PB_EXPRESSION_LITERAL_TIME) {
            vonk_pb_put_i64(&m->w, field, n);
            return true;
        }
        const size_t mark = vonk_pb_begin(&m->w, field);
        vonk_pb_put_i64(&m->w, PB_EXPRESSION_LITERAL_TIME_NANO, n);
        vonk_pb_put_i64(&m->w, PB_EXPRESSION_LITERAL_TIME_PRECISION, 6);
        vonk_pb_end(&m->w, mark);
        return true;
    }
    return false;
}

/* An array's elements are primitives or texts: numpy's. */
static bool put_array(vonk__j_message *m, vonk__j_object *object)
{
    static const struct {
        const char *element;
        int kind;
    } kinds[] = {{"boolean", PB_DATA_TYPE_BOOLEAN}, {"byte", PB_DATA_TYPE_BYTE},
                 {"short", PB_DATA_TYPE_SHORT},     {"int", PB_DATA_TYPE_INTEGER},
                 {"long", PB_DATA_TYPE_LONG},       {"float", PB_DATA_TYPE_FLOAT},
                 {"double", PB_DATA_TYPE_DOUBLE},   {"java.lang.String", PB_DATA_TYPE_STRING}};
    const vonk__j_array *array = vonk__j_as_array(object);
    size_t kind = 0;
    while (array && kind < VONK_COUNTOF(kinds) && !vonk_str_is(object->cls->element->fqn, kinds[kind].element)) kind++;
    if (!array || kind == VONK_COUNTOF(kinds)) return false;
    const size_t mark = vonk_pb_begin(&m->w, PB_EXPRESSION_LITERAL_ARRAY);
    const size_t type = vonk_pb_begin(&m->w, PB_EXPRESSION_LITERAL_ARRAY_ELEMENT_TYPE);
    vonk_pb_end(&m->w, vonk_pb_begin(&m->w, kinds[kind].kind));
    vonk_pb_end(&m->w, type);
    for (uint32_t i = 0; i < array->n; i++)
        vonk__j_put_literal(m, PB_EXPRESSION_LITERAL_ARRAY_ELEMENTS, &array->items[i]);
    vonk_pb_end(&m->w, mark);
    return true;
}

static void put_null(vonk__j_message *m)
{
    const size_t mark = vonk_pb_begin(&m->w, PB_EXPRESSION_LITERAL_NULL);
    vonk_pb_end(&m->w, vonk_pb_begin(&m->w, PB_DATA_TYPE_NULL));
    vonk_pb_end(&m->w, mark);
}

static void refuse_literal(vonk__j_message *m, const vonk__j_object *object)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    const vonk__j_value value = {.kind = VONK__J_OBJECT, .object = (vonk__j_object *)(uintptr_t)object};
    vonk_buf_init(&text, m->call->machine->budget, 4096);
    vonk_status status = vonk__j_add_text(m->call->caller, &value, 0, &text, m->err);
    if (status == VONK_OK)
        status = VONK_FAIL(m->err, VONK_E_UNSUPPORTED_FEATURE__LITERAL_TYPE, "value", VONK_S(vonk_buf_str(&text)),
                           "type", VONK_S(object->cls->fqn));
    vonk__j_put_failed(m, status);
}

void vonk__j_put_literal(vonk__j_message *m, int field, const vonk__j_value *value)
{
    vonk_pb_writer *w = &m->w;
    const size_t mark = vonk_pb_begin(w, field);
    switch (value->kind) {
    case VONK__J_VOID:
    case VONK__J_NULL: put_null(m); break;
    case VONK__J_BOOL: vonk_pb_put_i64(w, PB_EXPRESSION_LITERAL_BOOLEAN, value->i); break;
    case VONK__J_I8: vonk_pb_put_i64(w, PB_EXPRESSION_LITERAL_BYTE, value->i); break;
    case VONK__J_I16: vonk_pb_put_i64(w, PB_EXPRESSION_LITERAL_SHORT, value->i); break;
    case VONK__J_I32: vonk_pb_put_i64(w, PB_EXPRESSION_LITERAL_INTEGER, value->i); break;
    case VONK__J_I64: vonk_pb_put_i64(w, PB_EXPRESSION_LITERAL_LONG, value->i); break;
    case VONK__J_F32: vonk_pb_put_f64(w, PB_EXPRESSION_LITERAL_FLOAT, value->f); break;
    case VONK__J_F64: vonk_pb_put_f64(w, PB_EXPRESSION_LITERAL_DOUBLE, value->f); break;
    case VONK__J_CHAR: {
        VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
        vonk_buf_init(&text, m->call->machine->budget, 16);
        vonk__j_put_failed(m, vonk__j_add_text(m->call->caller, value, 0, &text, m->err));
        vonk_pb_put_str(w, PB_EXPRESSION_LITERAL_STRING, vonk_buf_str(&text));
        break;
    }
    case VONK__J_DECIMAL: put_decimal(m, vonk__j_str(value)); break;
    case VONK__J_STRING: vonk_pb_put_str(w, PB_EXPRESSION_LITERAL_STRING, vonk__j_str(value)); break;
    case VONK__J_BYTES: vonk_pb_put_str(w, PB_EXPRESSION_LITERAL_BINARY, vonk__j_str(value)); break;
    case VONK__J_OBJECT:
        if (!put_time(m, value->object) && !put_array(m, value->object)) refuse_literal(m, value->object);
        break;
    }
    vonk_pb_end(w, mark);
}

/* ---- expressions */

static bool is_column(const vonk__j_value *v)
{
    return v->kind == VONK__J_OBJECT && vonk_str_is(v->object->cls->fqn, J_COLUMN);
}

static void add_plan(vonk__j_message *m, vonk__j_dataset *dataset)
{
    for (size_t i = 0; i < m->plans.n; i++)
        if (m->plans.at[i]->plan_id == dataset->plan_id) return;
    vonk__j_put_failed(m, VONK_VEC_PUSH(&m->plans, m->call->machine->budget, dataset, m->err));
}

static void note_column(vonk__j_message *m, const vonk__j_column *column)
{
    m->is_lazy |= column->is_lazy;
    for (size_t i = 0; i < column->plans.n; i++) add_plan(m, column->plans.at[i]);
    vonk__j_use_functions(m, &column->functions);
}

void vonk__j_keep_notes(vonk__j_message *m, const vonk__j_column *column) { note_column(m, column); }

size_t vonk__j_begin_subquery(vonk__j_message *m, vonk__j_dataset *dataset, int type)
{
    add_plan(m, dataset);
    const size_t mark = vonk_pb_begin(&m->w, PB_EXPRESSION_SUBQUERY_EXPRESSION);
    vonk_pb_put_i64(&m->w, PB_SUBQUERY_EXPRESSION_PLAN_ID, dataset->plan_id);
    vonk_pb_put_i64(&m->w, PB_SUBQUERY_EXPRESSION_SUBQUERY_TYPE, type);
    return mark;
}

void vonk__j_put_value(vonk__j_message *m, int field, const vonk__j_value *value)
{
    if (is_column(value)) {
        const vonk__j_column *column = (const vonk__j_column *)value->object;
        note_column(m, column);
        vonk_pb_put_encoded(&m->w, field, (vonk_str){column->bytes->data, column->bytes->len});
        return;
    }
    if (vonk__j_put_table_arg(m, field, value)) return;
    const size_t mark = vonk_pb_begin(&m->w, field);
    vonk__j_put_literal(m, PB_EXPRESSION_LITERAL, value);
    vonk_pb_end(&m->w, mark);
}

void vonk__j_put_values(vonk__j_message *m, int field, const vonk__j_value *values)
{
    vonk__j_value *items = NULL;
    uint32_t n = 0;
    vonk__j_put_failed(m, vonk__j_items(m, values, &items, &n));
    for (uint32_t i = 0; i < n; i++) vonk__j_put_value(m, field, &items[i]);
}

void vonk__j_put_name(vonk__j_message *m, int field, vonk_str name)
{
    const size_t mark = vonk_pb_begin(&m->w, field);
    if (vonk_str_is(name, "*") || vonk_str_ends(name, VONK_STR(".*"))) {
        const size_t star = vonk_pb_begin(&m->w, PB_EXPRESSION_UNRESOLVED_STAR);
        if (name.len > 1) vonk_pb_put_str(&m->w, PB_EXPRESSION_UNRESOLVED_STAR_UNPARSED_TARGET, name);
        vonk_pb_end(&m->w, star);
    } else {
        const size_t attribute = vonk_pb_begin(&m->w, PB_EXPRESSION_UNRESOLVED_ATTRIBUTE);
        vonk_pb_put_str(&m->w, PB_EXPRESSION_UNRESOLVED_ATTRIBUTE_UNPARSED_IDENTIFIER, name);
        vonk_pb_end(&m->w, attribute);
    }
    vonk_pb_end(&m->w, mark);
}

void vonk__j_put_text(vonk__j_message *m, int field, const vonk__j_value *text)
{
    if (text->kind != VONK__J_NULL) vonk_pb_put_str(&m->w, field, vonk__j_str(text));
}

void vonk__j_put_texts(vonk__j_message *m, int field, const vonk__j_value *texts)
{
    vonk__j_value *items = NULL;
    uint32_t n = 0;
    vonk__j_put_failed(m, vonk__j_items(m, texts, &items, &n));
    for (uint32_t i = 0; i < n; i++) vonk_pb_put_str(&m->w, field, vonk__j_str(&items[i]));
}

vonk_status vonk__j_decode_column(vonk__j_message *m, const vonk__j_column *column, const vonk_pb_msg **ret,
                                  vonk_error *err)
{
    vonk__j_use_functions(m, &column->functions);
    return vonk_pb_decode(&vonk_pb_connect, PB_M_EXPRESSION, (vonk_str){column->bytes->data, column->bytes->len},
                          VONK_PB_MAX_DEPTH, m->arena, ret, err);
}

void vonk__j_put_sort(vonk__j_message *m, int field, const vonk__j_value *column)
{
    const vonk_pb_msg *e = NULL;
    if (is_column(column)) {
        vonk__j_put_failed(m, vonk__j_decode_column(m, (const vonk__j_column *)column->object, &e, m->err));
        note_column(m, (const vonk__j_column *)column->object);
    }
    if (vonk_pb_which(e, PB_EXPRESSION_EXPR_TYPE_ONEOF) == PB_EXPRESSION_SORT_ORDER) {
        vonk_pb_put_msg(&m->w, field, vonk_pb_get_msg(e, PB_EXPRESSION_SORT_ORDER));
        return;
    }
    const size_t mark = vonk_pb_begin(&m->w, field);
    if (column->kind == VONK__J_STRING)
        vonk__j_put_name(m, PB_EXPRESSION_SORT_ORDER_CHILD, vonk__j_str(column));
    else
        vonk__j_put_value(m, PB_EXPRESSION_SORT_ORDER_CHILD, column);
    vonk_pb_put_i64(&m->w, PB_EXPRESSION_SORT_ORDER_DIRECTION, PB_E_EXPRESSION_SORT_ORDER_SORT_DIRECTION_ASCENDING);
    vonk_pb_put_i64(&m->w, PB_EXPRESSION_SORT_ORDER_NULL_ORDERING, PB_E_EXPRESSION_SORT_ORDER_SORT_NULLS_FIRST);
    vonk_pb_end(&m->w, mark);
}

void vonk__j_put_sorts(vonk__j_message *m, int field, const vonk__j_value *columns)
{
    vonk__j_value *items = NULL;
    uint32_t n = 0;
    vonk__j_put_failed(m, vonk__j_items(m, columns, &items, &n));
    for (uint32_t i = 0; i < n; i++) vonk__j_put_sort(m, field, &items[i]);
}

void vonk__j_put_type(vonk__j_message *m, int field, const vonk__j_value *type)
{
    vonk__j_put_failed(m, vonk_translate_put_type(&m->w, field, ((const vonk__j_type *)type->object)->type, m->err));
}

void vonk__j_put_raw(vonk__j_message *m, vonk_str fields)
{
    vonk__j_put_failed(m, vonk_buf_add_str(&m->buf, fields, m->err));
}

/* ---- results */

vonk_status vonk__j_column_from(vonk__j_call *call, vonk_str encoded, vonk__j_column **ret, vonk_error *err)
{
    VONK__J_AUTO vonk__j_column *made = NULL;
    vonk__j_value bytes;
    VONK_TRY(vonk__j_object_new(call->machine, J_COLUMN, &made, err));
    VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_BYTES, encoded, &bytes, err));
    made->bytes = bytes.text;
    *ret = VONK_STEAL(made);
    return VONK_OK;
}

static void put_origin(vonk__j_message *m)
{
    const vonk__j_caller *caller = m->call->caller;
    if (caller->fragment.kind != VONK__J_STRING) return;
    const size_t common = vonk_pb_begin(&m->w, PB_EXPRESSION_COMMON);
    const size_t origin = vonk_pb_begin(&m->w, PB_EXPRESSION_COMMON_ORIGIN);
    const size_t python = vonk_pb_begin(&m->w, PB_ORIGIN_PYTHON_ORIGIN);
    vonk_pb_put_str(&m->w, PB_PYTHON_ORIGIN_FRAGMENT, vonk__j_str(&caller->fragment));
    vonk_pb_put_str(&m->w, PB_PYTHON_ORIGIN_CALL_SITE, vonk__j_str(&caller->call_site));
    vonk_pb_end(&m->w, python);
    vonk_pb_end(&m->w, origin);
    vonk_pb_end(&m->w, common);
}

vonk_status vonk__j_column_of(vonk__j_message *m, vonk__j_column **ret, vonk_error *err)
{
    VONK__J_AUTO vonk__j_column *made = NULL;
    put_origin(m);
    VONK_TRY(state_of(m));
    VONK_TRY(vonk__j_column_from(m->call, vonk_buf_str(&m->buf), &made, err));
    made->is_lazy = m->is_lazy;
    for (size_t i = 0; i < m->plans.n; i++) {
        VONK_TRY(VONK_VEC_PUSH(&made->plans, m->call->machine->budget, m->plans.at[i], err));
        vonk__j_object_ref(m->plans.at[i]);
    }
    VONK_TRY(vonk__j_add_functions(&made->functions, &m->functions, err));
    *ret = VONK_STEAL(made);
    return VONK_OK;
}

vonk_status vonk__j_return_column(vonk__j_message *m, vonk_error *err)
{
    vonk__j_column *made = NULL;
    VONK_TRY(vonk__j_column_of(m, &made, err));
    return vonk__j_return(m->call, vonk__j_of(&made->head));
}

static vonk_status own_data(void *door, vonk_str hash, vonk_str *ret, vonk_error *err)
{
    const vonk__j_message *m = door;
    *ret = vonk_str_is(hash, "data") ? m->data : m->schema;
    if (ret->data) return VONK_OK;
    return vonk_translate_invalid(VONK_F("no cached local relation %.*s", VONK_STR_ARGS(hash)), err);
}

static vonk_status input_plan(void *door, vonk_str id, const vonk_plan **ret, vonk_error *err)
{
    const vonk__j_message *m = door;
    size_t i = 0;
    for (size_t k = 0; k < id.len; k++) i = i * 10 + (size_t)(id.data[k] - '0');
    if (i >= m->inputs.n) return vonk_translate_invalid("a dataset that is not there", err);
    *ret = vonk_plan_ref(m->inputs.at[i]->plan);
    return VONK_OK;
}

void vonk__j_translator(vonk__j_message *m, vonk_translator *ret)
{
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = vonk_session_conf(m->session->session);
    *ret = (vonk_translator){.session = m->session->session,
                             .budget = vonk_session_budget(m->session->session),
                             .arena = m->arena,
                             .classic = true,
                             .ansi = vonk_conf_bool(conf, "spark.sql.ansi.enabled"),
                             .artifact = own_data,
                             .remote_relation = input_plan,
                             .complete = vonk__j_complete_function,
                             .door = m};
}

/* Plans of subqueries stand beside the relation that mentions them. */
static vonk_status with_plans(vonk__j_message *m, vonk_error *err)
{
    vonk_buf inner = m->buf;
    if (!m->plans.n) return VONK_OK;
    vonk_buf_init(&m->buf, m->call->machine->budget, VONK__J_MAX_COMMAND_BYTES);
    m->w = vonk_pb_writer_of(&vonk_pb_connect, &m->buf, err);
    const size_t common = vonk_pb_begin(&m->w, PB_RELATION_COMMON);
    vonk_pb_put_i64(&m->w, PB_RELATION_COMMON_PLAN_ID, m->plan_id);
    vonk_pb_end(&m->w, common);
    const size_t with = vonk_pb_begin(&m->w, PB_RELATION_WITH_RELATIONS);
    vonk_pb_put_encoded(&m->w, PB_WITH_RELATIONS_ROOT, vonk_buf_str(&inner));
    for (size_t i = 0; i < m->plans.n; i++) put_remote(m, &m->w, PB_WITH_RELATIONS_REFERENCES, m->plans.at[i]);
    vonk_pb_end(&m->w, with);
    vonk_buf_done(&inner);
    return state_of(m);
}

vonk_status vonk__j_relation(vonk__j_message *m, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
    const vonk_pb_msg *relation = NULL;
    vonk_translator t;
    VONK_TRY(state_of(m));
    VONK_TRY(with_plans(m, err));
    VONK_TRY(vonk_pb_decode(&vonk_pb_connect, PB_M_RELATION, vonk_buf_str(&m->buf), VONK_PB_MAX_DEPTH, m->arena,
                            &relation, err));
    vonk__j_translator(m, &t);
    VONK_TRY(vonk_translate_relation(&t, relation, &plan, err));
    if (!m->is_lazy) return vonk_session_analyze(m->session->session, plan, ret, err);
    *ret = VONK_STEAL(plan);
    return VONK_OK;
}

vonk_status vonk__j_return_dataset(vonk__j_message *m, vonk_error *err)
{
    const vonk_plan *plan = NULL;
    vonk__j_dataset *made = NULL;
    VONK_TRY(vonk__j_relation(m, &plan, err));
    VONK_TRY(vonk__j_dataset_new(m->session, plan, &made, err));
    made->plan_id = m->plan_id;
    made->is_lazy = m->is_lazy;
    return vonk__j_return(m->call, vonk__j_of(&made->head));
}

vonk_status vonk__j_run_command(vonk__j_message *m, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *resolved = NULL;
    VONK_AUTO(vonk__j_rows_done) vonk__j_rows rows = {0};
    const vonk_pb_msg *command = NULL;
    vonk_translator t;
    VONK_TRY(state_of(m));
    VONK_TRY(vonk_pb_decode(&vonk_pb_connect, PB_M_COMMAND, vonk_buf_str(&m->buf), VONK_PB_MAX_DEPTH, m->arena,
                            &command, err));
    vonk__j_translator(m, &t);
    VONK_TRY(vonk_translate_command(&t, command, &plan, err));
    if (!plan)
        return vonk_translate_unsupported(
            vonk_pb_field_name(&vonk_pb_connect, vonk_pb_which(command, PB_COMMAND_COMMAND_TYPE_ONEOF)), err);
    VONK_TRY(vonk_session_analyze(m->session->session, plan, &resolved, err));
    return vonk__j_rows_of(m->call->caller, m->session, resolved, &rows, err);
}

/* ---- rows at once */

void vonk__j_rows_done(vonk__j_rows *rows)
{
    for (size_t i = 0; i < rows->n; i++) vonk_batch_unref(rows->at[i]);
    vonk_free(rows->at);
    vonk_query_free(rows->query);
    *rows = (vonk__j_rows){0};
}

vonk_status vonk__j_rows_of(vonk__j_caller *caller, vonk__j_session *session, const vonk_plan *resolved,
                            vonk__j_rows *ret, vonk_error *err)
{
    VONK_AUTO(vonk__j_run_done) vonk__j_run run = {0};
    VONK_TRY(vonk_session_execute_resolved(session->session, resolved, &ret->query, err));
    VONK_TRY(vonk__j_run_begin(&run, caller, session, ret->query, err));
    for (;;) {
        vonk_batch *batch = NULL;
        VONK_TRY(vonk__j_run_next(&run, &batch, err));
        if (!batch) break;
        const vonk_status status = VONK_VEC_PUSH(ret, vonk_budget_root(), batch, err);
        if (status != VONK_OK) {
            vonk_batch_unref(batch);
            return status;
        }
        if (!vonk_query_runs(ret->query)) break; /* a command's rows come once */
    }
    return vonk__j_note_observed(session, ret->query, err);
}

static vonk_status first_text(vonk__j_message *m, vonk_buf *out, bool *ret_null, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *resolved = NULL;
    VONK_AUTO(vonk__j_rows_done) vonk__j_rows rows = {0};
    VONK_TRY(vonk__j_relation(m, &resolved, err));
    VONK_TRY(vonk__j_rows_of(m->call->caller, m->session, resolved, &rows, err));
    *ret_null = true;
    for (size_t i = 0; i < rows.n; i++)
        if (rows.at[i]->n_sel > 0)
            return vonk_query_cell(rows.query, rows.at[i], 0, rows.at[i]->sel ? rows.at[i]->sel[0] : 0, out, ret_null,
                                   err);
    return VONK_OK;
}

vonk_status vonk__j_one_text(vonk__j_message *m, vonk__j_value *ret, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    bool is_null = false;
    vonk_buf_init(&text, m->call->machine->budget, SIZE_MAX);
    VONK_TRY(first_text(m, &text, &is_null, err));
    *ret = VONK__J_NOTHING;
    return is_null ? VONK_OK
                   : vonk__j_text_value(m->call->machine->budget, VONK__J_STRING, vonk_buf_str(&text), ret, err);
}

vonk_status vonk__j_one_number(vonk__j_message *m, vonk__j_kind kind, vonk__j_value *ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *resolved = NULL;
    VONK_AUTO(vonk__j_rows_done) vonk__j_rows rows = {0};
    VONK_TRY(vonk__j_relation(m, &resolved, err));
    VONK_TRY(vonk__j_rows_of(m->call->caller, m->session, resolved, &rows, err));
    *ret = VONK__J_NOTHING;
    for (size_t i = 0; i < rows.n; i++) {
        if (!rows.at[i]->n_sel) continue;
        const uint32_t row = rows.at[i]->sel ? rows.at[i]->sel[0] : 0;
        const vonk_column *column = rows.at[i]->columns[0];
        if (vonk_column_is_null(column, row)) return VONK_OK;
        if (kind == VONK__J_F64)
            *ret = vonk__j_f64(vonk_column_f64(column, row));
        else
            *ret = (vonk__j_value){.kind = kind, .i = vonk_column_i64(column, row)};
        return VONK_OK;
    }
    return VONK_OK;
}
