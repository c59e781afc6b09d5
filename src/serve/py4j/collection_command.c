/* serve/py4j/collection_command.c -- the commands for arrays (a) and lists (l). What goes wrong in them ends the
 * connection, as in Py4J; but that a list cannot be sorted is a plain "!x". */
#include "serve/py4j/collection.h"

static vonk_status not_of(vonk__j_caller *caller, const char *what, vonk_error *err)
{
    return vonk__j_throw(caller, "java.lang.IllegalArgumentException", err, "Argument is not %s", what);
}

static vonk_status int_arg(vonk__j_caller *caller, const vonk__j_request *r, uint32_t i, int32_t *ret, vonk_error *err)
{
    if (i >= r->n_args || r->args[i].kind != VONK__J_I32) return not_of(caller, "an int", err);
    *ret = (int32_t)r->args[i].i;
    return VONK_OK;
}

static vonk_status index_arg(vonk__j_caller *caller, const vonk__j_request *r, uint32_t i, uint32_t n, bool is_array,
                             uint32_t *ret, vonk_error *err)
{
    int32_t at = 0;
    VONK_TRY(int_arg(caller, r, i, &at, err));
    if (at < 0 || (uint32_t)at >= n)
        return vonk__j_throw(
            caller, is_array ? "java.lang.ArrayIndexOutOfBoundsException" : "java.lang.IndexOutOfBoundsException", err,
            "Index %d out of bounds for length %u", at, n);
    *ret = (uint32_t)at;
    return VONK_OK;
}

/* ---- arrays */

static vonk_status make_array(vonk__j_caller *caller, const vonk__j_request *r, uint32_t arg, const vonk__j_class *of,
                              vonk__j_value *ret, vonk_error *err)
{
    int32_t n = 0;
    vonk__j_array *array = NULL;
    const vonk__j_class *element = of;
    if (arg > 255) return not_of(caller, "a number of dimensions", err);
    VONK_TRY(int_arg(caller, r, arg, &n, err));
    if (n < 0) return vonk__j_throw(caller, "java.lang.NegativeArraySizeException", err, "%d", n);
    for (uint32_t i = arg + 1; i < r->n_args; i++)
        VONK_TRY(vonk__j_array_class(caller->machine, element, &element, err));
    VONK_TRY(vonk__j_array_new(caller->machine, element, (uint32_t)n, &array, err));
    *ret = vonk__j_of(&array->head);
    if (arg + 1 == r->n_args) return VONK_OK;
    vonk_status status = VONK_OK;
    for (int32_t i = 0; i < n && status == VONK_OK; i++) /* as deep as there are dimensions */
        status = make_array(caller, r, arg + 1, of, &array->items[i], err);
    if (status != VONK_OK) vonk__j_unref(ret);
    return status;
}

static vonk_status create_array(vonk__j_caller *caller, vonk__j_request *r, vonk_error *err)
{
    const vonk__j_class *of = NULL;
    VONK_AUTO(vonk__j_unref) vonk__j_value made = VONK__J_NOTHING;
    if (r->n_args < 2 || r->args[0].kind != VONK__J_STRING) return not_of(caller, "the name of a class", err);
    VONK_TRY(vonk__j_find_class(caller->machine, vonk__j_str(&r->args[0]), &of, err));
    if (!of) return vonk__j_throw(caller, "java.lang.ClassNotFoundException", err, "%s", r->args[0].text->data);
    VONK_TRY(make_array(caller, r, 1, of, &made, err));
    return vonk__j_answer(caller, r, &made, err);
}

/* The element as the array's class has it; others cannot be in it. */
static vonk_status fit(vonk__j_caller *caller, const vonk__j_class *to, vonk__j_value *v, vonk_error *err)
{
    const vonk__j_class *from = vonk__j_class_of(caller->machine, v);
    static const struct {
        const char *name;
        vonk__j_kind kind;
    } numbers[] = {{"byte", VONK__J_I8},  {"short", VONK__J_I16}, {"int", VONK__J_I32},
                   {"long", VONK__J_I64}, {"float", VONK__J_F32}, {"double", VONK__J_F64}};
    if (vonk__j_cost(to, from) < 0)
        return vonk__j_throw(caller, "py4j.Py4JException", err, "Cannot convert %.*s to %.*s",
                             from ? (int)from->fqn.len : 4, from ? from->fqn.data : "null", VONK_STR_ARGS(to->fqn));
    for (size_t i = 0; i < VONK_COUNTOF(numbers); i++)
        if (vonk_str_is(to->fqn, numbers[i].name)) v->kind = numbers[i].kind;
    if (v->kind == VONK__J_I8) v->i = (int8_t)v->i;
    if (v->kind == VONK__J_I16) v->i = (int16_t)v->i;
    if (v->kind == VONK__J_F32) v->f = (float)v->f;
    if (!vonk_str_is(to->fqn, "char") || v->kind != VONK__J_STRING) return VONK_OK;
    const vonk_str text = vonk__j_str(v);
    if (!text.len || (text.data[0] & 0x80)) return not_of(caller, "a char", err);
    const vonk__j_value made = {.kind = VONK__J_CHAR, .i = text.data[0]};
    vonk__j_unref(v);
    *v = made;
    return VONK_OK;
}

static vonk_status set_element(vonk__j_caller *caller, vonk__j_request *r, vonk__j_array *array, vonk_error *err)
{
    uint32_t at = 0;
    VONK_TRY(index_arg(caller, r, 0, array->n, true, &at, err));
    if (r->n_args < 2) return not_of(caller, "a value", err);
    VONK_TRY(fit(caller, array->head.cls->element, &r->args[1], err));
    vonk__j_unref(&array->items[at]);
    array->items[at] = vonk__j_ref(r->args[1]);
    return vonk_buf_add_c(r->out, "yv", err);
}

static vonk_status slice_array(vonk__j_caller *caller, vonk__j_request *r, vonk__j_array *array, vonk_error *err)
{
    VONK__J_AUTO vonk__j_array *made = NULL;
    VONK_TRY(vonk__j_array_new(caller->machine, array->head.cls->element, r->n_args, &made, err));
    for (uint32_t i = 0, at = 0; i < r->n_args; i++) {
        VONK_TRY(index_arg(caller, r, i, array->n, true, &at, err));
        vonk__j_unref(&made->items[i]);
        made->items[i] = vonk__j_ref(array->items[at]);
    }
    const vonk__j_value v = {.kind = VONK__J_OBJECT, .object = &made->head};
    return vonk__j_answer(caller, r, &v, err);
}

vonk_status vonk__j_array_command(vonk__j_caller *caller, vonk__j_request *r, char sub, vonk_error *err)
{
    uint32_t at = 0;
    VONK__J_AUTO vonk__j_object *object = NULL;
    if (sub == 'c') return create_array(caller, r, err);
    object = vonk__j_get(caller->machine, r->head[0]);
    vonk__j_array *array = object ? vonk__j_as_array(object) : NULL;
    if (!array) return not_of(caller, "an array", err);
    VONK_LOCKED(&caller->machine->guard);
    if (sub == 's') return set_element(caller, r, array, err);
    if (sub == 'l') return slice_array(caller, r, array, err);
    if (sub == 'e') return vonk_buf_printf(r->out, err, "yi%u", array->n);
    VONK_TRY(index_arg(caller, r, 0, array->n, true, &at, err));
    return vonk__j_answer(caller, r, &array->items[at], err);
}

/* ---- lists */

static vonk_status answer_list(vonk__j_caller *caller, vonk__j_request *r, vonk__j_list *list, vonk_error *err)
{
    const vonk__j_value v = {.kind = VONK__J_OBJECT, .object = &list->head};
    return vonk__j_answer(caller, r, &v, err);
}

static vonk_status add_times(vonk__j_list *to, const vonk__j_list *from, int64_t times, vonk_error *err)
{
    const size_t n = from->items.n;
    if (times > 0 && n && (uint64_t)times > INT32_MAX / n)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "java.lang.OutOfMemoryError: the list is too long");
    for (int64_t i = 0; i < times; i++)
        for (size_t k = 0; k < n; k++) VONK_TRY(vonk__j_list_add(to, vonk__j_ref(from->items.at[k]), err));
    return VONK_OK;
}

static vonk_status sort_list(vonk__j_caller *caller, vonk__j_request *r, vonk__j_list *list, vonk_error *err)
{
    VONK_AUTO(vonk_error_reset) vonk_error raised = VONK_ERROR_INIT;
    if (vonk__j_sort(caller, list->items.at, (uint32_t)list->items.n, NULL, &raised) != VONK_OK) {
        VONK__J_AUTO vonk__j_object *thrown = VONK_STEAL(caller->thrown);
        (void)err;
        return vonk_buf_add_byte(r->out, 'x', err);
    }
    list->changes++;
    return vonk_buf_add_c(r->out, "yv", err);
}

static vonk_status reverse_list(vonk__j_request *r, vonk__j_list *list, vonk_error *err)
{
    for (size_t i = 0; i < list->items.n / 2; i++) {
        const vonk__j_value v = list->items.at[i];
        list->items.at[i] = list->items.at[list->items.n - 1 - i];
        list->items.at[list->items.n - 1 - i] = v;
    }
    return vonk_buf_add_c(r->out, "yv", err);
}

static vonk_status extend_list(vonk__j_caller *caller, vonk__j_request *r, vonk__j_list *list, vonk_error *err)
{
    int32_t times = 0;
    VONK_TRY(int_arg(caller, r, 0, &times, err));
    list->changes++;
    if (times <= 0)
        while (list->items.n) vonk__j_unref(&list->items.at[--list->items.n]);
    else
        VONK_TRY(add_times(list, list, times - 1, err));
    return vonk_buf_add_c(r->out, "yv", err);
}

static vonk_status new_list(vonk__j_caller *caller, vonk__j_request *r, vonk__j_list *list, char sub, vonk_error *err)
{
    VONK__J_AUTO vonk__j_list *made = NULL;
    VONK__J_AUTO vonk__j_object *other = NULL;
    int32_t times = 0;
    VONK_TRY(vonk__j_list_new(caller->machine, &made, err));
    if (sub == 'm') {
        VONK_TRY(int_arg(caller, r, 0, &times, err));
        VONK_TRY(add_times(made, list, times, err));
    } else if (sub == 'a') {
        other = vonk__j_get(caller->machine, r->head[1]);
        if (!other || !vonk__j_as_list(other)) return not_of(caller, "a list", err);
        VONK_TRY(add_times(made, list, 1, err));
        VONK_TRY(add_times(made, vonk__j_as_list(other), 1, err));
    } else {
        for (uint32_t i = 0, at = 0; i < r->n_args; i++) {
            VONK_TRY(index_arg(caller, r, i, (uint32_t)list->items.n, false, &at, err));
            VONK_TRY(vonk__j_list_add(made, vonk__j_ref(list->items.at[at]), err));
        }
    }
    return answer_list(caller, r, made, err);
}

static vonk_status count(vonk__j_caller *caller, vonk__j_request *r, const vonk__j_list *list, vonk_error *err)
{
    int32_t n = 0;
    bool equal = false;
    if (!r->n_args) return not_of(caller, "a value", err);
    for (size_t i = 0; i < list->items.n; i++) {
        VONK_TRY(vonk__j_equals(caller, &r->args[0], &list->items.at[i], 0, &equal, err));
        n += equal;
    }
    return vonk_buf_printf(r->out, err, "yi%d", n);
}

vonk_status vonk__j_list_command(vonk__j_caller *caller, vonk__j_request *r, char sub, vonk_error *err)
{
    VONK__J_AUTO vonk__j_object *object = vonk__j_get(caller->machine, r->head[0]);
    vonk__j_list *list = object ? vonk__j_as_list(object) : NULL;
    if (!list) return not_of(caller, "a list", err);
    VONK_LOCKED(&caller->machine->guard);
    switch (sub) {
    case 's': return sort_list(caller, r, list, err);
    case 'r': return reverse_list(r, list, err);
    case 'i': return extend_list(caller, r, list, err);
    case 'f': return count(caller, r, list, err);
    default: return new_list(caller, r, list, sub, err);
    }
}
