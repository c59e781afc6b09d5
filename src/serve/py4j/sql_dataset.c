/* serve/py4j/sql_dataset.c -- Dataset: what makes another Dataset of it. Most members are a relation whose fields are
 * the arguments: a table says which. */
#include "serve/py4j/sql.h"
#include "serve/py4j/sql_text.h"

/* ---- objects */

static void dataset_drop(vonk__j_object *self)
{
    vonk__j_dataset *d = (vonk__j_dataset *)self;
    vonk__j_session *session = d->session;
    vonk_plan_unref(d->plan);
    d->plan = NULL;
    d->session = NULL;
    vonk__j_object_unref(session);
}

vonk_status vonk__j_dataset_new(vonk__j_session *session, const vonk_plan *take_plan, vonk__j_dataset **ret,
                                vonk_error *err)
{
    vonk_status status = vonk__j_object_new(session->head.machine, J_DATASET, ret, err);
    if (status == VONK_OK && take_plan->plan_id < 0) { /* columns are found by it */
        vonk_plan *copy = NULL;
        const vonk_plan *old = take_plan;
        status = vonk_plan_copy(vonk_session_budget(session->session), old, NULL, 0, &copy, err);
        if (status == VONK_OK) {
            copy->plan_id = vonk__j_next_plan_id();
            status = vonk_plan_finish(copy, &take_plan, err);
        }
        if (status == VONK_OK) vonk_plan_unref(old);
        if (status != VONK_OK) vonk__j_object_unref(*ret);
    }
    if (status != VONK_OK) {
        vonk_plan_unref(take_plan);
        return status;
    }
    (*ret)->session = (vonk__j_session *)vonk__j_object_ref(session);
    (*ret)->plan = take_plan;
    (*ret)->plan_id = take_plan->plan_id;
    return VONK_OK;
}

vonk__j_dataset *vonk__j_dataset_at(const vonk__j_call *call, uint32_t arg)
{
    return (vonk__j_dataset *)call->args[arg].object;
}

static vonk_status dataset_text(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_buf *out,
                                vonk_error *err)
{
    (void)caller, (void)depth;
    return vonk__j_dataset_text((vonk__j_dataset *)self, out, err);
}

/* ---- transformations by table. A part says how an argument (or a constant) is put into which field. */

enum {
    INPUT,   /* the dataset itself */
    DATASET, /* an argument that is one */
    EXPR,    /* an expression */
    EXPRS,   /* a Seq of them */
    NAME,    /* a text that names a column */
    NAMES,   /* a Seq of those */
    SQL,     /* a text that is an expression */
    SQLS,    /* a Seq of those */
    TEXT,
    TEXTS,
    NUMBER, /* also booleans */
    REAL,
    SORT,  /* an expression as SortOrder */
    SORTS, /* a Seq of them */
    TYPE,
    CONSTANT /* `arg` itself */
};
typedef struct part {
    int field;
    uint8_t how;
    uint8_t arg;
} part;
typedef struct step {
    int relation;
    part parts[8]; /* ends with field 0 */
} step;

static void put_sql(vonk__j_message *m, int field, const vonk__j_value *text)
{
    const size_t e = vonk_pb_begin(&m->w, field), s = vonk_pb_begin(&m->w, PB_EXPRESSION_EXPRESSION_STRING);
    vonk__j_put_text(m, PB_EXPRESSION_EXPRESSION_STRING_EXPRESSION, text);
    vonk_pb_end(&m->w, s);
    vonk_pb_end(&m->w, e);
}

static void put_each(vonk__j_message *m, const part *p, const vonk__j_value *seq)
{
    vonk__j_value *items = NULL;
    uint32_t n = 0;
    vonk__j_put_failed(m, vonk__j_items(m, seq, &items, &n));
    for (uint32_t i = 0; i < n; i++)
        if (p->how == NAMES)
            vonk__j_put_name(m, p->field, vonk__j_str(&items[i]));
        else
            put_sql(m, p->field, &items[i]);
}

static void put_part(vonk__j_message *m, const part *p)
{
    const vonk__j_value *v = &m->call->args[p->arg];
    switch (p->how) {
    case INPUT: vonk__j_put_input(m, p->field, (vonk__j_dataset *)m->call->self); break;
    case DATASET: vonk__j_put_input(m, p->field, (vonk__j_dataset *)v->object); break;
    case EXPR: vonk__j_put_value(m, p->field, v); break;
    case EXPRS: vonk__j_put_values(m, p->field, v); break;
    case NAME: vonk__j_put_name(m, p->field, vonk__j_str(v)); break;
    case NAMES:
    case SQLS: put_each(m, p, v); break;
    case SQL: put_sql(m, p->field, v); break;
    case TEXT: vonk__j_put_text(m, p->field, v); break;
    case TEXTS: vonk__j_put_texts(m, p->field, v); break;
    case NUMBER: vonk_pb_put_i64(&m->w, p->field, v->i); break;
    case REAL: vonk_pb_put_f64(&m->w, p->field, v->f); break;
    case SORT: vonk__j_put_sort(m, p->field, v); break;
    case SORTS: vonk__j_put_sorts(m, p->field, v); break;
    case TYPE: vonk__j_put_type(m, p->field, v); break;
    default: vonk_pb_put_i64(&m->w, p->field, p->arg); break;
    }
}

#define IN(field) {field, INPUT, 0}
enum {
#define STEP(id, name, args, ...) STEP_##id,
#include "serve/py4j/sql_steps.def"
#undef STEP
    N_STEPS
};
static const step steps[] = {
#define STEP(id, name, args, ...) [STEP_##id] = {__VA_ARGS__},
#include "serve/py4j/sql_steps.def"
#undef STEP
};

static vonk_status transform(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const step *s = &steps[call->member->tag];
    for (const part *p = s->parts; p->field; p++)
        if (p->how == DATASET || p->how == TYPE) VONK_TRY(vonk__j_need(call, p->arg, err));
    VONK_TRY(vonk__j_message_open(&m, call, ((vonk__j_dataset *)call->self)->session, err));
    vonk__j_put_common(&m);
    const size_t mark = vonk_pb_begin(&m.w, s->relation);
    for (const part *p = s->parts; p->field; p++) put_part(&m, p);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

static vonk_status open_relation(vonk__j_message *m, vonk__j_call *call, int relation, int input, size_t *ret_mark,
                                 vonk_error *err)
{
    return vonk__j_relation_open(m, call, (vonk__j_dataset *)call->self, relation, input, ret_mark, err);
}

/* ---- columns of a dataset: known to it at once */

static bool is_plain_field(const vonk__j_dataset *d, vonk_str name)
{
    uint32_t n = 0;
    for (size_t i = 0; i < name.len; i++)
        if (name.data[i] == '.' || name.data[i] == '`') return false;
    for (uint32_t i = 0; i < d->plan->n_output; i++) n += vonk_str_eq_nocase(d->plan->output[i]->name, name);
    for (uint32_t i = 0; n == 1 && i < d->plan->n_output; i++)
        if (vonk_str_eq(d->plan->output[i]->name, name)) return true;
    return false;
}

/* What cannot be seen at a glance is asked of the analyzer, as SELECT of that column. */
static vonk_status check_column(vonk__j_call *call, const vonk__j_column *column, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
    size_t mark = 0;
    VONK_TRY(open_relation(&m, call, PB_RELATION_PROJECT, PB_PROJECT_INPUT, &mark, err));
    vonk_pb_put_encoded(&m.w, PB_PROJECT_EXPRESSIONS, (vonk_str){column->bytes->data, column->bytes->len});
    vonk_pb_end(&m.w, mark);
    return vonk__j_relation(&m, &plan, err);
}

enum { COL, METADATA_COL };

/* One that says whose it is, or a mere name. */
static vonk_status make_column(vonk__j_call *call, bool with_plan, vonk__j_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const vonk_str name = vonk__j_str(&call->args[0]);
    const bool is_star = vonk_str_is(name, "*");
    VONK_TRY(vonk__j_message_open(&m, call, NULL, err));
    const size_t mark =
        vonk_pb_begin(&m.w, is_star ? PB_EXPRESSION_UNRESOLVED_STAR : PB_EXPRESSION_UNRESOLVED_ATTRIBUTE);
    if (!is_star) vonk_pb_put_str(&m.w, PB_EXPRESSION_UNRESOLVED_ATTRIBUTE_UNPARSED_IDENTIFIER, name);
    if (with_plan)
        vonk_pb_put_i64(&m.w,
                        is_star ? PB_EXPRESSION_UNRESOLVED_STAR_PLAN_ID : PB_EXPRESSION_UNRESOLVED_ATTRIBUTE_PLAN_ID,
                        ((vonk__j_dataset *)call->self)->plan_id);
    if (call->member->tag == METADATA_COL)
        vonk_pb_put_i64(&m.w, PB_EXPRESSION_UNRESOLVED_ATTRIBUTE_IS_METADATA_COLUMN, 1);
    vonk_pb_end(&m.w, mark);
    return vonk__j_column_of(&m, ret, err);
}

/* A name that is not there is reported as any name in a query, at once. */
static vonk_status col(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_column *name_only = NULL, *made = NULL;
    const vonk__j_dataset *self = (vonk__j_dataset *)call->self;
    VONK_TRY(vonk__j_need(call, 0, err));
    const vonk_str name = vonk__j_str(&call->args[0]);
    if (!self->is_lazy && !vonk_str_is(name, "*") && !is_plain_field(self, name)) {
        VONK_TRY(make_column(call, false, &name_only, err));
        VONK_TRY(check_column(call, name_only, err));
    }
    VONK_TRY(make_column(call, true, &made, err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(made)->head));
}

static vonk_status col_regex(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_message_open(&m, call, NULL, err));
    const size_t mark = vonk_pb_begin(&m.w, PB_EXPRESSION_UNRESOLVED_REGEX);
    vonk__j_put_text(&m, PB_EXPRESSION_UNRESOLVED_REGEX_COL_NAME, &call->args[0]);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_column(&m, err);
}

static vonk_status subquery(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    VONK_TRY(vonk__j_message_open(&m, call, NULL, err));
    vonk_pb_end(&m.w, vonk__j_begin_subquery(&m, (vonk__j_dataset *)call->self, call->member->tag));
    return vonk__j_return_column(&m, err);
}

/* ---- joins */

static vonk_status join_type(vonk__j_call *call, vonk_str text, int *ret, vonk_error *err)
{
    static const struct {
        const char *name;
        int type;
    } types[] = {{"inner", PB_E_JOIN_JOIN_TYPE_INNER},       {"outer", PB_E_JOIN_JOIN_TYPE_FULL_OUTER},
                 {"full", PB_E_JOIN_JOIN_TYPE_FULL_OUTER},   {"fullouter", PB_E_JOIN_JOIN_TYPE_FULL_OUTER},
                 {"left", PB_E_JOIN_JOIN_TYPE_LEFT_OUTER},   {"leftouter", PB_E_JOIN_JOIN_TYPE_LEFT_OUTER},
                 {"right", PB_E_JOIN_JOIN_TYPE_RIGHT_OUTER}, {"rightouter", PB_E_JOIN_JOIN_TYPE_RIGHT_OUTER},
                 {"semi", PB_E_JOIN_JOIN_TYPE_LEFT_SEMI},    {"leftsemi", PB_E_JOIN_JOIN_TYPE_LEFT_SEMI},
                 {"anti", PB_E_JOIN_JOIN_TYPE_LEFT_ANTI},    {"leftanti", PB_E_JOIN_JOIN_TYPE_LEFT_ANTI},
                 {"cross", PB_E_JOIN_JOIN_TYPE_CROSS}};
    char plain[32];
    size_t n = 0;
    for (size_t i = 0; i < text.len && n + 1 < sizeof plain; i++)
        if (text.data[i] != '_') plain[n++] = text.data[i];
    for (size_t i = 0; i < VONK_COUNTOF(types); i++)
        if (vonk_str_is_nocase((vonk_str){plain, n}, types[i].name)) {
            *ret = types[i].type;
            return VONK_OK;
        }
    (void)call;
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_JOIN_TYPE, "typ", VONK_F("%.100s", VONK_S(text)), "supported",
                     "'inner', 'outer', 'full', 'fullouter', 'full_outer', 'leftouter', 'left', 'left_outer', "
                     "'rightouter', 'right', 'right_outer', 'leftsemi', 'left_semi', 'semi', 'leftanti', "
                     "'left_anti', 'anti', 'cross'");
}

/* ---- self joins: df.join(df, df.id == df.id). Both names mean the left side; Spark takes the second for the right one
 * where they are compared. */

static bool share_columns(const vonk__j_dataset *a, const vonk__j_dataset *b)
{
    if (a->is_lazy || b->is_lazy) return false;
    for (uint32_t i = 0; i < a->plan->n_output; i++)
        if (vonk_plan_has_column(b->plan, a->plan->output[i]->id)) return true;
    return false;
}

static const vonk_pb_msg *call_in(const vonk_pb_msg *e)
{
    return vonk_pb_which(e, PB_EXPRESSION_EXPR_TYPE_ONEOF) == PB_EXPRESSION_UNRESOLVED_FUNCTION
               ? vonk_pb_get_msg(e, PB_EXPRESSION_UNRESOLVED_FUNCTION)
               : NULL;
}
static const vonk_pb_msg *name_in(const vonk_pb_msg *e)
{
    return vonk_pb_which(e, PB_EXPRESSION_EXPR_TYPE_ONEOF) == PB_EXPRESSION_UNRESOLVED_ATTRIBUTE
               ? vonk_pb_get_msg(e, PB_EXPRESSION_UNRESOLVED_ATTRIBUTE)
               : NULL;
}

static bool compares_with_itself(const vonk_pb_msg *f)
{
    if (vonk_pb_n(f, PB_EXPRESSION_UNRESOLVED_FUNCTION_ARGUMENTS) != 2) return false;
    const vonk_str name = vonk_pb_str(f, PB_EXPRESSION_UNRESOLVED_FUNCTION_FUNCTION_NAME);
    const vonk_pb_msg *a = name_in(vonk_pb_msg_at(f, PB_EXPRESSION_UNRESOLVED_FUNCTION_ARGUMENTS, 0));
    const vonk_pb_msg *b = name_in(vonk_pb_msg_at(f, PB_EXPRESSION_UNRESOLVED_FUNCTION_ARGUMENTS, 1));
    return (vonk_str_is(name, "==") || vonk_str_is(name, "<=>")) && a && b &&
           vonk_pb_has(a, PB_EXPRESSION_UNRESOLVED_ATTRIBUTE_PLAN_ID) &&
           vonk_pb_i64(a, PB_EXPRESSION_UNRESOLVED_ATTRIBUTE_PLAN_ID) ==
               vonk_pb_i64(b, PB_EXPRESSION_UNRESOLVED_ATTRIBUTE_PLAN_ID) &&
           vonk_str_eq(vonk_pb_str(a, PB_EXPRESSION_UNRESOLVED_ATTRIBUTE_UNPARSED_IDENTIFIER),
                       vonk_pb_str(b, PB_EXPRESSION_UNRESOLVED_ATTRIBUTE_UNPARSED_IDENTIFIER));
}

/* As deep as the decoder lets messages be. */
static void put_condition(vonk__j_message *m, int field, const vonk_pb_msg *e, int64_t right)
{
    const vonk_pb_msg *f = call_in(e);
    if (!f) {
        vonk_pb_put_msg(&m->w, field, e);
        return;
    }
    const bool itself = compares_with_itself(f);
    const size_t mark = vonk_pb_begin(&m->w, field), call = vonk_pb_begin(&m->w, PB_EXPRESSION_UNRESOLVED_FUNCTION);
    vonk_pb_put_str(&m->w, PB_EXPRESSION_UNRESOLVED_FUNCTION_FUNCTION_NAME,
                    vonk_pb_str(f, PB_EXPRESSION_UNRESOLVED_FUNCTION_FUNCTION_NAME));
    for (size_t i = 0; i < vonk_pb_n(f, PB_EXPRESSION_UNRESOLVED_FUNCTION_ARGUMENTS); i++) {
        const vonk_pb_msg *arg = vonk_pb_msg_at(f, PB_EXPRESSION_UNRESOLVED_FUNCTION_ARGUMENTS, i);
        if (!itself || i == 0) {
            put_condition(m, PB_EXPRESSION_UNRESOLVED_FUNCTION_ARGUMENTS, arg, right);
            continue;
        }
        const size_t other = vonk_pb_begin(&m->w, PB_EXPRESSION_UNRESOLVED_FUNCTION_ARGUMENTS);
        const size_t name = vonk_pb_begin(&m->w, PB_EXPRESSION_UNRESOLVED_ATTRIBUTE);
        vonk_pb_put_str(&m->w, PB_EXPRESSION_UNRESOLVED_ATTRIBUTE_UNPARSED_IDENTIFIER,
                        vonk_pb_str(name_in(arg), PB_EXPRESSION_UNRESOLVED_ATTRIBUTE_UNPARSED_IDENTIFIER));
        vonk_pb_put_i64(&m->w, PB_EXPRESSION_UNRESOLVED_ATTRIBUTE_PLAN_ID, right);
        vonk_pb_end(&m->w, name);
        vonk_pb_end(&m->w, other);
    }
    vonk_pb_end(&m->w, call);
    vonk_pb_end(&m->w, mark);
}

static vonk_status put_self_join(vonk__j_message *m, vonk__j_call *call, vonk_error *err)
{
    const vonk__j_column *column = (const vonk__j_column *)call->args[1].object;
    const vonk_pb_msg *e = NULL;
    VONK_TRY(vonk__j_decode_column(m, column, &e, err));
    const int64_t right = vonk__j_put_input_anew(m, PB_JOIN_RIGHT, vonk__j_dataset_at(call, 0));
    put_condition(m, PB_JOIN_JOIN_CONDITION, e, right);
    vonk__j_keep_notes(m, column);
    return VONK_OK;
}

enum { CONDITION = 1, USING = 2, CROSS = 4, LATERAL = 8 };
static vonk_status join(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const int32_t tag = call->member->tag;
    const bool lateral = tag & LATERAL;
    const vonk__j_value *last = &call->args[call->n_args - 1];
    int type = tag & CROSS ? PB_E_JOIN_JOIN_TYPE_CROSS : PB_E_JOIN_JOIN_TYPE_INNER;
    size_t mark = 0;
    VONK_TRY(vonk__j_need(call, 0, err));
    if (call->n_args > (tag & (CONDITION | USING) ? 2u : 1u)) VONK_TRY(join_type(call, vonk__j_str(last), &type, err));
    VONK_TRY(open_relation(&m, call, lateral ? PB_RELATION_LATERAL_JOIN : PB_RELATION_JOIN,
                           lateral ? PB_LATERAL_JOIN_LEFT : PB_JOIN_LEFT, &mark, err));
    const bool conditional = tag & CONDITION && call->args[1].kind != VONK__J_NULL;
    const bool itself =
        conditional && !lateral && share_columns((vonk__j_dataset *)call->self, vonk__j_dataset_at(call, 0));
    if (itself)
        VONK_TRY(put_self_join(&m, call, err));
    else
        vonk__j_put_input(&m, lateral ? PB_LATERAL_JOIN_RIGHT : PB_JOIN_RIGHT, vonk__j_dataset_at(call, 0));
    if (lateral) m.is_lazy = ((vonk__j_dataset *)call->self)->is_lazy; /* the right side sees the left one */
    if (conditional && !itself)
        vonk__j_put_value(&m, lateral ? PB_LATERAL_JOIN_JOIN_CONDITION : PB_JOIN_JOIN_CONDITION, &call->args[1]);
    if (tag & USING && call->args[1].kind == VONK__J_STRING)
        vonk__j_put_text(&m, PB_JOIN_USING_COLUMNS, &call->args[1]);
    else if (tag & USING)
        vonk__j_put_texts(&m, PB_JOIN_USING_COLUMNS, &call->args[1]);
    vonk_pb_put_i64(&m.w, lateral ? PB_LATERAL_JOIN_JOIN_TYPE : PB_JOIN_JOIN_TYPE, type);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

/* ---- new, renamed, described columns */

static void put_alias(vonk__j_message *m, const vonk__j_value *name, const vonk__j_value *column)
{
    const size_t mark = vonk_pb_begin(&m->w, PB_WITH_COLUMNS_ALIASES);
    vonk__j_put_value(m, PB_EXPRESSION_ALIAS_EXPR, column);
    vonk__j_put_text(m, PB_EXPRESSION_ALIAS_NAME, name);
    vonk_pb_end(&m->w, mark);
}

static vonk_status with_columns(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    vonk__j_value *names = &call->args[0], *columns = &call->args[1];
    uint32_t n = 1, n_columns = 1;
    size_t mark = 0;
    VONK_TRY(open_relation(&m, call, PB_RELATION_WITH_COLUMNS, PB_WITH_COLUMNS_INPUT, &mark, err));
    if (call->member->tag) {
        VONK_TRY(vonk__j_items(&m, &call->args[0], &names, &n));
        VONK_TRY(vonk__j_items(&m, &call->args[1], &columns, &n_columns));
    }
    for (uint32_t i = 0; i < n && i < n_columns; i++) put_alias(&m, &names[i], &columns[i]);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

static vonk_status with_renamed(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    vonk__j_value *from = &call->args[0], *to = &call->args[1];
    uint32_t n = 1, n_to = 1;
    size_t mark = 0;
    VONK_TRY(open_relation(&m, call, PB_RELATION_WITH_COLUMNS_RENAMED, PB_WITH_COLUMNS_RENAMED_INPUT, &mark, err));
    if (call->member->tag) {
        VONK_TRY(vonk__j_items(&m, &call->args[0], &from, &n));
        VONK_TRY(vonk__j_items(&m, &call->args[1], &to, &n_to));
    }
    for (uint32_t i = 0; i < n && i < n_to; i++) {
        const size_t pair = vonk_pb_begin(&m.w, PB_WITH_COLUMNS_RENAMED_RENAMES);
        vonk__j_put_text(&m, PB_WITH_COLUMNS_RENAMED_RENAME_COL_NAME, &from[i]);
        vonk__j_put_text(&m, PB_WITH_COLUMNS_RENAMED_RENAME_NEW_COL_NAME, &to[i]);
        vonk_pb_end(&m.w, pair);
    }
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

static vonk_status with_metadata(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    VONK_AUTO(vonk_buf_done) vonk_buf json = {0};
    size_t mark = 0;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(open_relation(&m, call, PB_RELATION_WITH_COLUMNS, PB_WITH_COLUMNS_INPUT, &mark, err));
    vonk_buf_init(&json, call->machine->budget, 1 << 24);
    VONK_TRY(vonk__j_add_text(call->caller, &call->args[1], 0, &json, err));
    const size_t alias = vonk_pb_begin(&m.w, PB_WITH_COLUMNS_ALIASES);
    vonk__j_put_name(&m, PB_EXPRESSION_ALIAS_EXPR, vonk__j_str(&call->args[0]));
    vonk__j_put_text(&m, PB_EXPRESSION_ALIAS_NAME, &call->args[0]);
    vonk_pb_put_str(&m.w, PB_EXPRESSION_ALIAS_METADATA, vonk_buf_str(&json));
    vonk_pb_end(&m.w, alias);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

static vonk_status drop_columns(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    size_t mark = 0;
    VONK_TRY(open_relation(&m, call, PB_RELATION_DROP, PB_DROP_INPUT, &mark, err));
    vonk__j_put_value(&m, PB_DROP_COLUMNS, &call->args[0]);
    if (call->n_args > 1) vonk__j_put_values(&m, PB_DROP_COLUMNS, &call->args[1]);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

/* ---- parts of the rows */

static vonk_status sample(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const uint32_t at = call->args[0].kind == VONK__J_BOOL;
    size_t mark = 0;
    VONK_TRY(open_relation(&m, call, PB_RELATION_SAMPLE, PB_SAMPLE_INPUT, &mark, err));
    vonk_pb_put_f64(&m.w, PB_SAMPLE_LOWER_BOUND, 0);
    vonk_pb_put_f64(&m.w, PB_SAMPLE_UPPER_BOUND, call->args[at].f);
    vonk_pb_put_i64(&m.w, PB_SAMPLE_WITH_REPLACEMENT, at ? call->args[0].i : 0);
    if (call->n_args > at + 1) vonk_pb_put_i64(&m.w, PB_SAMPLE_SEED, call->args[at + 1].i);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

/* One piece of the rows for each weight: samples of the same order with the same seed. */
static vonk_status random_split(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message weights = {0};
    VONK__J_AUTO vonk__j_array *array = NULL;
    vonk__j_value *w = NULL;
    uint32_t n = 0;
    double total = 0, sum = 0;
    VONK_TRY(vonk__j_message_open(&weights, call, NULL, err));
    VONK_TRY(vonk__j_items(&weights, &call->args[0], &w, &n));
    for (uint32_t i = 0; i < n; i++) total += w[i].kind == VONK__J_F64 ? w[i].f : (double)w[i].i;
    VONK_TRY(vonk__j_array_new(call->machine, vonk__j_class_named(call->machine, J_DATASET), n, &array, err));
    for (uint32_t i = 0; i < n; i++) {
        VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
        size_t mark = 0;
        VONK_TRY(open_relation(&m, call, PB_RELATION_SAMPLE, PB_SAMPLE_INPUT, &mark, err));
        vonk_pb_put_f64(&m.w, PB_SAMPLE_LOWER_BOUND, sum / total);
        sum += w[i].kind == VONK__J_F64 ? w[i].f : (double)w[i].i;
        vonk_pb_put_f64(&m.w, PB_SAMPLE_UPPER_BOUND, sum / total);
        vonk_pb_put_i64(&m.w, PB_SAMPLE_WITH_REPLACEMENT, 0);
        vonk_pb_put_i64(&m.w, PB_SAMPLE_SEED, call->args[1].i);
        vonk_pb_put_i64(&m.w, PB_SAMPLE_DETERMINISTIC_ORDER, 1);
        vonk_pb_end(&m.w, mark);
        VONK_TRY(vonk__j_return_dataset(&m, err));
        array->items[i] = vonk__j_ref(call->result);
    }
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(array)->head));
}

static vonk_status unpivot(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const bool has_values = call->n_args > 3;
    size_t mark = 0;
    VONK_TRY(open_relation(&m, call, PB_RELATION_UNPIVOT, PB_UNPIVOT_INPUT, &mark, err));
    vonk__j_put_values(&m, PB_UNPIVOT_IDS, &call->args[0]);
    if (has_values) {
        const size_t values = vonk_pb_begin(&m.w, PB_UNPIVOT_VALUES);
        vonk__j_put_values(&m, PB_UNPIVOT_VALUES_VALUES, &call->args[1]);
        vonk_pb_end(&m.w, values);
    }
    vonk__j_put_text(&m, PB_UNPIVOT_VARIABLE_COLUMN_NAME, &call->args[call->n_args - 2]);
    vonk__j_put_text(&m, PB_UNPIVOT_VALUE_COLUMN_NAME, &call->args[call->n_args - 1]);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

/* A hint's parameters: columns, literals, arrays of literals (as calls of array). */
static vonk_status hint(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    vonk__j_value *items = NULL;
    uint32_t n = 0;
    size_t mark = 0;
    VONK_TRY(open_relation(&m, call, PB_RELATION_HINT, PB_HINT_INPUT, &mark, err));
    vonk__j_put_text(&m, PB_HINT_NAME, &call->args[0]);
    VONK_TRY(vonk__j_items(&m, &call->args[1], &items, &n));
    for (uint32_t i = 0; i < n; i++) {
        if (items[i].kind != VONK__J_OBJECT || !items[i].object->cls->element) {
            vonk__j_put_value(&m, PB_HINT_PARAMETERS, &items[i]);
            continue;
        }
        const size_t e = vonk_pb_begin(&m.w, PB_HINT_PARAMETERS),
                     f = vonk_pb_begin(&m.w, PB_EXPRESSION_UNRESOLVED_FUNCTION);
        vonk_pb_put_c(&m.w, PB_EXPRESSION_UNRESOLVED_FUNCTION_FUNCTION_NAME, "array");
        vonk__j_put_values(&m, PB_EXPRESSION_UNRESOLVED_FUNCTION_ARGUMENTS, &items[i]);
        vonk_pb_end(&m.w, f);
        vonk_pb_end(&m.w, e);
    }
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

/* repartition(n), (n, columns), (columns), by hash or by range */
enum { BY_HASH, BY_RANGE };
static vonk_status repartition(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const bool has_number = call->args[0].kind == VONK__J_I32;
    size_t mark = 0;
    VONK_TRY(
        open_relation(&m, call, PB_RELATION_REPARTITION_BY_EXPRESSION, PB_REPARTITION_BY_EXPRESSION_INPUT, &mark, err));
    if (call->member->tag == BY_HASH) {
        vonk__j_put_values(&m, PB_REPARTITION_BY_EXPRESSION_PARTITION_EXPRS, &call->args[has_number]);
    } else {
        vonk__j_value *items = NULL;
        uint32_t n = 0;
        VONK_TRY(vonk__j_items(&m, &call->args[has_number], &items, &n));
        for (uint32_t i = 0; i < n; i++) {
            const size_t e = vonk_pb_begin(&m.w, PB_REPARTITION_BY_EXPRESSION_PARTITION_EXPRS);
            vonk__j_put_sort(&m, PB_EXPRESSION_SORT_ORDER, &items[i]);
            vonk_pb_end(&m.w, e);
        }
    }
    if (has_number) vonk_pb_put_i64(&m.w, PB_REPARTITION_BY_EXPRESSION_NUM_PARTITIONS, call->args[0].i);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

/* *, distributed_sequence_id() AS index */
static vonk_status zip_with_index(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    size_t mark = 0;
    VONK_TRY(open_relation(&m, call, PB_RELATION_PROJECT, PB_PROJECT_INPUT, &mark, err));
    vonk__j_put_name(&m, PB_PROJECT_EXPRESSIONS, VONK_STR("*"));
    const size_t e = vonk_pb_begin(&m.w, PB_PROJECT_EXPRESSIONS), alias = vonk_pb_begin(&m.w, PB_EXPRESSION_ALIAS);
    const size_t inner = vonk_pb_begin(&m.w, PB_EXPRESSION_ALIAS_EXPR);
    const size_t f = vonk_pb_begin(&m.w, PB_EXPRESSION_UNRESOLVED_FUNCTION);
    vonk_pb_put_c(&m.w, PB_EXPRESSION_UNRESOLVED_FUNCTION_FUNCTION_NAME, "distributed_sequence_id");
    vonk_pb_end(&m.w, f);
    vonk_pb_end(&m.w, inner);
    vonk__j_put_text(&m, PB_EXPRESSION_ALIAS_NAME, &call->args[0]);
    vonk_pb_end(&m.w, alias);
    vonk_pb_end(&m.w, e);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

static vonk_status transpose(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    size_t mark = 0;
    VONK_TRY(open_relation(&m, call, PB_RELATION_TRANSPOSE, PB_TRANSPOSE_INPUT, &mark, err));
    if (call->n_args) vonk__j_put_value(&m, PB_TRANSPOSE_INDEX_COLUMNS, &call->args[0]);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

static vonk_status to_df(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return_self(call);
}
static vonk_status agg(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    size_t mark = 0;
    VONK_TRY(open_relation(&m, call, PB_RELATION_AGGREGATE, PB_AGGREGATE_INPUT, &mark, err));
    vonk_pb_put_i64(&m.w, PB_AGGREGATE_GROUP_TYPE, PB_E_AGGREGATE_GROUP_TYPE_GROUPBY);
    vonk__j_put_value(&m, PB_AGGREGATE_AGGREGATE_EXPRESSIONS, &call->args[0]);
    vonk__j_put_values(&m, PB_AGGREGATE_AGGREGATE_EXPRESSIONS, &call->args[1]);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}
static vonk_status unbuilt(vonk__j_call *call, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("DataFrame.%s", call->member->name));
}

static vonk_status facet(vonk__j_call *call, vonk_error *err)
{
    static const char *const names[] = {"org.apache.spark.sql.classic.DataFrameNaFunctions",
                                        "org.apache.spark.sql.classic.DataFrameStatFunctions",
                                        "org.apache.spark.sql.execution.QueryExecution"};
    return vonk__j_return_of_dataset(call, names[call->member->tag], (vonk__j_dataset *)call->self, err);
}

#define BE(name, args, function, tag) {name, args, J_DATASET, function, VONK__J_METHOD, tag}
#define TO(name, args, type) {name, args, J_GROUPED, vonk__j_group, VONK__J_METHOD, PB_E_AGGREGATE_GROUP_TYPE_##type}
#define SUB(name, type) {name, "", J_COLUMN, subquery, VONK__J_METHOD, PB_E_SUBQUERY_EXPRESSION_SUBQUERY_TYPE_##type}
static const vonk__j_member members[] = {
#define STEP(id, name, args, ...) {name, args, J_DATASET, transform, VONK__J_METHOD, STEP_##id},
#include "serve/py4j/sql_steps.def"
#undef STEP
    {"col", "String", J_COLUMN, col, VONK__J_METHOD, COL},
    {"apply", "String", J_COLUMN, col, VONK__J_METHOD, COL},
    {"metadataColumn", "String", J_COLUMN, col, VONK__J_METHOD, METADATA_COL},
    {"colRegex", "String", J_COLUMN, col_regex, VONK__J_METHOD, 0},
    SUB("scalar", SCALAR),
    SUB("exists", EXISTS),
    BE("join", J_DATASET, join, 0),
    BE("join", J_DATASET ", " J_COLUMN, join, CONDITION),
    BE("join", J_DATASET ", " J_COLUMN ", String", join, CONDITION),
    BE("join", J_DATASET ", String", join, USING),
    BE("join", J_DATASET ", String, String", join, USING),
    BE("join", J_DATASET ", " J_SEQ, join, USING),
    BE("join", J_DATASET ", " J_SEQ ", String", join, USING),
    BE("crossJoin", J_DATASET, join, CROSS),
    BE("lateralJoin", J_DATASET, join, LATERAL),
    BE("lateralJoin", J_DATASET ", String", join, LATERAL),
    BE("lateralJoin", J_DATASET ", " J_COLUMN, join, LATERAL | CONDITION),
    BE("lateralJoin", J_DATASET ", " J_COLUMN ", String", join, LATERAL | CONDITION),
    BE("withColumn", "String, " J_COLUMN, with_columns, 0),
    BE("withColumns", J_SEQ ", " J_SEQ, with_columns, 1),
    BE("withColumnRenamed", "String, String", with_renamed, 0),
    BE("withColumnsRenamed", J_SEQ ", " J_SEQ, with_renamed, 1),
    BE("withMetadata", "String, " J_METADATA, with_metadata, 0),
    BE("drop", J_COLUMN, drop_columns, 0),
    BE("drop", J_COLUMN ", " J_SEQ, drop_columns, 0),
    BE("sample", "double", sample, 0),
    BE("sample", "double, long", sample, 0),
    BE("sample", "boolean, double", sample, 0),
    BE("sample", "boolean, double, long", sample, 0),
    {"randomSplit", J_SEQ ", long", J_DATASET "[]", random_split, VONK__J_METHOD, 0},
    BE("unpivotWithSeq", J_SEQ ", String, String", unpivot, 0),
    BE("unpivotWithSeq", J_SEQ ", " J_SEQ ", String, String", unpivot, 0),
    BE("hint", "String, " J_SEQ, hint, 0),
    BE("repartition", "int, " J_SEQ, repartition, BY_HASH),
    BE("repartition", J_SEQ, repartition, BY_HASH),
    BE("repartitionByRange", "int, " J_SEQ, repartition, BY_RANGE),
    BE("repartitionByRange", J_SEQ, repartition, BY_RANGE),
    BE("zipWithIndex", "String", zip_with_index, 0),
    BE("transpose", "", transpose, 0),
    BE("transpose", J_COLUMN, transpose, 0),
    BE("toDF", "", to_df, 0),
    BE("agg", J_COLUMN ", " J_SEQ, agg, 0),
    TO("groupBy", J_SEQ, GROUPBY),
    TO("groupBy", "String, " J_SEQ, GROUPBY),
    TO("rollup", J_SEQ, ROLLUP),
    TO("cube", J_SEQ, CUBE),
    TO("groupingSets", J_SEQ ", " J_SEQ, GROUPING_SETS),
    {"na", "", "org.apache.spark.sql.classic.DataFrameNaFunctions", facet, VONK__J_METHOD, 0},
    {"stat", "", "org.apache.spark.sql.classic.DataFrameStatFunctions", facet, VONK__J_METHOD, 1},
    {"queryExecution", "", "org.apache.spark.sql.execution.QueryExecution", facet, VONK__J_METHOD, 2},
    BE("zip", J_DATASET, unbuilt, 0),
    BE("repartitionById", "int, " J_COLUMN, unbuilt, 0),
    BE("nearestByJoin", J_DATASET ", " J_COLUMN ", int, String, String, String", unbuilt, 0),
    BE("joinAsOf", J_DATASET ", " J_COLUMN ", " J_COLUMN ", Object, String, " J_COLUMN ", boolean, String", unbuilt, 0),
    BE("withWatermark", "String, String", unbuilt, 0),
    {"asTable", "", "org.apache.spark.sql.TableArg", vonk__j_as_table, VONK__J_METHOD, 0},
    {"writeStream", "", "Object", unbuilt, VONK__J_METHOD, 0},
    {"writeTo", "String", "Object", unbuilt, VONK__J_METHOD, 0},
    {"mergeInto", "String, " J_COLUMN, "Object", unbuilt, VONK__J_METHOD, 0},
};
/* A class that all datasets are of, so that its members may stand in two tables. */
static const vonk__j_row rows[] = {
    {.fqn = "org.apache.spark.sql.Dataset",
     .interfaces = "java.io.Serializable",
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(members),
     .size = sizeof(vonk__j_dataset),
     .drop = dataset_drop,
     .text = dataset_text},
};
const vonk__j_area vonk__j_area_sql_dataset = {rows, VONK_COUNTOF(rows)};
