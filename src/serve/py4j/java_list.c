/* serve/py4j/java_list.c -- java.util's lists, and arrays of any component type. */
#include "serve/py4j/collection.h"

void vonk__j_list_drop(vonk__j_object *self)
{
    vonk__j_list *list = (vonk__j_list *)self;
    vonk__j_value *items = list->items.at;
    const size_t n = list->items.n;
    list->items.at = NULL;
    list->items.n = list->items.capacity = 0;
    for (size_t i = 0; i < n; i++) vonk__j_unref(&items[i]);
    vonk_free(items);
}
static void array_drop(vonk__j_object *self)
{
    vonk__j_array *array = (vonk__j_array *)self;
    vonk__j_value *items = array->items;
    const uint32_t n = array->n;
    array->items = NULL;
    array->n = 0;
    if (items) vonk__j_unref_all(items, n);
    vonk_free(items);
}

vonk__j_list *vonk__j_as_list(vonk__j_object *object)
{
    return object->cls->row.drop == vonk__j_list_drop ? (vonk__j_list *)object : NULL;
}
vonk__j_array *vonk__j_as_array(vonk__j_object *object)
{
    return object->cls->row.drop == array_drop ? (vonk__j_array *)object : NULL;
}

vonk_status vonk__j_list_new(vonk__j_machine *machine, vonk__j_list **ret, vonk_error *err)
{
    return vonk__j_object_new(machine, "java.util.ArrayList", ret, err);
}

vonk_status vonk__j_list_add(vonk__j_list *list, vonk__j_value take_value, vonk_error *err)
{
    vonk_status status =
        list->items.n < INT32_MAX ? VONK_OK : VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "the list is full");
    if (status == VONK_OK) status = VONK_VEC_PUSH(&list->items, list->head.machine->budget, take_value, err);
    if (status != VONK_OK) vonk__j_unref(&take_value);
    return status;
}

static vonk_status insert(vonk__j_list *list, uint32_t at, vonk__j_value take_value, vonk_error *err)
{
    VONK_TRY(vonk__j_list_add(list, take_value, err));
    vonk__j_value *items = list->items.at;
    memmove(items + at + 1, items + at, (list->items.n - 1 - at) * sizeof *items);
    items[at] = take_value;
    list->changes++;
    return VONK_OK;
}

vonk_status vonk__j_list_remove(vonk__j_list *list, uint32_t at, vonk__j_value *ret, vonk_error *err)
{
    vonk__j_value *items = list->items.at;
    (void)err;
    *ret = items[at];
    memmove(items + at, items + at + 1, (list->items.n - at - 1) * sizeof *items);
    list->items.n--;
    list->changes++;
    return VONK_OK;
}

vonk_status vonk__j_list_find(vonk__j_caller *caller, const vonk__j_list *list, const vonk__j_value *v, uint32_t *ret,
                              vonk_error *err)
{
    bool equal = false;
    for (*ret = 0; *ret < list->items.n; ++*ret) {
        VONK_TRY(vonk__j_equals(caller, v, &list->items.at[*ret], 0, &equal, err));
        if (equal) return VONK_OK;
    }
    return VONK_OK;
}

/* ---- sorting: merges runs, so that a comparator that contradicts itself does no harm */

static vonk_status order(vonk__j_caller *caller, vonk__j_object *comparator, const vonk__j_value *a,
                         const vonk__j_value *b, int *ret, vonk_error *err)
{
    if (!comparator) return vonk__j_compare(caller, a, b, ret, err);
    VONK_AUTO(vonk__j_unref) vonk__j_value answer = VONK__J_NOTHING;
    const vonk__j_value pair[2] = {*a, *b};
    VONK_TRY(vonk__j_apply(caller, comparator, "compare", pair, 2, &answer, err));
    if (answer.kind != VONK__J_I32)
        return vonk__j_throw(caller, "java.lang.ClassCastException", err, "a comparator returns an int");
    *ret = answer.i < 0 ? -1 : answer.i > 0;
    return VONK_OK;
}

static vonk_status merge(vonk__j_caller *caller, const vonk__j_value *from, uint32_t middle, uint32_t n,
                         vonk__j_value *to, vonk__j_object *comparator, vonk_error *err)
{
    uint32_t a = 0, b = middle;
    for (uint32_t i = 0; i < n; i++) {
        int way = a == middle ? 1 : -1;
        if (a < middle && b < n) VONK_TRY(order(caller, comparator, &from[a], &from[b], &way, err));
        to[i] = way <= 0 ? from[a++] : from[b++];
    }
    return VONK_OK;
}

vonk_status vonk__j_sort(vonk__j_caller *caller, vonk__j_value *values, uint32_t n, vonk__j_object *comparator,
                         vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk__j_value *other = NULL;
    VONK_TRY(vonk_arena_new(caller->machine->budget, &arena, err));
    VONK_TRY(vonk_arena_array(arena, n + 1, sizeof *other, &other, err));
    for (uint64_t width = 1; width < n; width *= 2) {
        for (uint64_t at = 0; at < n; at += 2 * width) {
            const uint32_t count = (uint32_t)(at + 2 * width < n ? 2 * width : n - at);
            const uint32_t middle = count < width ? count : (uint32_t)width;
            VONK_TRY(merge(caller, values + at, middle, count, other + at, comparator, err));
        }
        memcpy(values, other, n * sizeof *values);
    }
    return VONK_OK;
}

/* ---- members */

static vonk__j_list *self_list(const vonk__j_call *call) { return (vonk__j_list *)call->self; }

static vonk_status check_index(vonk__j_call *call, int64_t at, bool or_end, uint32_t *ret, vonk_error *err)
{
    const size_t n = self_list(call)->items.n;
    if (at >= 0 && (at < (int64_t)n || (or_end && at == (int64_t)n))) {
        *ret = (uint32_t)at;
        return VONK_OK;
    }
    return vonk__j_throw(call->caller, "java.lang.IndexOutOfBoundsException", err,
                         or_end ? "Index: %lld, Size: %zu" : "Index %lld out of bounds for length %zu", (long long)at,
                         n);
}

static vonk_status add_all_at(vonk__j_call *call, uint32_t at, const vonk__j_value *from, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk__j_value *items = NULL;
    uint32_t n = 0;
    bool known = false;
    if (from->kind != VONK__J_OBJECT) return vonk__j_throw_bare(call->caller, "java.lang.NullPointerException", err);
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    VONK_TRY(vonk__j_elements(call->caller, from->object, arena, &items, &n, &known, err));
    vonk_status status = VONK_OK;
    for (uint32_t i = 0; i < n && status == VONK_OK; i++)
        status = insert(self_list(call), at + i, vonk__j_ref(items[i]), err);
    vonk__j_unref_all(items, n);
    VONK_TRY(status);
    return vonk__j_return(call, vonk__j_bool(n > 0));
}

static vonk_status list_new(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_list *list = NULL;
    VONK_TRY(vonk__j_object_of(call->machine, call->cls, &list, err));
    if (call->n_args && call->args[0].kind == VONK__J_I32 && call->args[0].i < 0)
        return vonk__j_throw(call->caller, "java.lang.IllegalArgumentException", err, "Illegal Capacity: %d",
                             (int)call->args[0].i);
    if (call->n_args && call->args[0].kind != VONK__J_I32) {
        call->self = &list->head;
        const vonk_status status = add_all_at(call, 0, &call->args[0], err);
        call->self = NULL;
        VONK_TRY(status);
    }
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(list)->head));
}

static vonk_status list_add(vonk__j_call *call, vonk_error *err)
{
    uint32_t at = (uint32_t)self_list(call)->items.n;
    if (call->n_args == 2) VONK_TRY(check_index(call, call->args[0].i, true, &at, err));
    VONK_TRY(insert(self_list(call), at, vonk__j_ref(call->args[call->n_args - 1]), err));
    return call->n_args == 1 ? vonk__j_return(call, vonk__j_bool(true)) : VONK_OK;
}
static vonk_status list_add_all(vonk__j_call *call, vonk_error *err)
{
    uint32_t at = (uint32_t)self_list(call)->items.n;
    if (call->n_args == 2) VONK_TRY(check_index(call, call->args[0].i, true, &at, err));
    return add_all_at(call, at, &call->args[call->n_args - 1], err);
}
static vonk_status list_get(vonk__j_call *call, vonk_error *err)
{
    uint32_t at = 0;
    VONK_TRY(check_index(call, call->args[0].i, false, &at, err));
    return vonk__j_return(call, vonk__j_ref(self_list(call)->items.at[at]));
}
static vonk_status list_set(vonk__j_call *call, vonk_error *err)
{
    uint32_t at = 0;
    VONK_TRY(check_index(call, call->args[0].i, false, &at, err));
    vonk__j_value *item = &self_list(call)->items.at[at];
    call->result = *item;
    *item = vonk__j_ref(call->args[1]);
    return VONK_OK;
}
static vonk_status list_remove_at(vonk__j_call *call, vonk_error *err)
{
    uint32_t at = 0;
    VONK_TRY(check_index(call, call->args[0].i, false, &at, err));
    return vonk__j_list_remove(self_list(call), at, &call->result, err);
}
static vonk_status list_index(vonk__j_call *call, vonk_error *err)
{
    const vonk__j_list *list = self_list(call);
    const bool last = call->member->tag;
    bool equal = false;
    for (size_t i = 0; i < list->items.n; i++) {
        const size_t at = last ? list->items.n - 1 - i : i;
        VONK_TRY(vonk__j_equals(call->caller, &call->args[0], &list->items.at[at], 0, &equal, err));
        if (equal) return vonk__j_return(call, vonk__j_i32((int32_t)at));
    }
    return vonk__j_return(call, vonk__j_i32(-1));
}

/* What Python computes with is a copy; it is put in place only if nobody changed the list meanwhile. */
static vonk_status change_copy(vonk__j_call *call, bool sorts, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk__j_list *list = self_list(call);
    vonk__j_object *function = call->args[0].kind == VONK__J_OBJECT ? call->args[0].object : NULL;
    vonk__j_value *copy = NULL;
    uint32_t n = 0;
    bool known = false;
    const uint32_t changes = list->changes;
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    VONK_TRY(vonk__j_elements(call->caller, call->self, arena, &copy, &n, &known, err));
    vonk_status status = sorts ? vonk__j_sort(call->caller, copy, n, function, err) : VONK_OK;
    for (uint32_t i = 0; i < n && !sorts && status == VONK_OK; i++) {
        vonk__j_value old = copy[i];
        copy[i] = VONK__J_NOTHING;
        status = vonk__j_apply(call->caller, function, "apply", &old, 1, &copy[i], err);
        vonk__j_unref(&old);
    }
    if (status == VONK_OK && list->changes != changes)
        status = vonk__j_throw_bare(call->caller, "java.util.ConcurrentModificationException", err);
    for (uint32_t i = 0; i < n && status == VONK_OK; i++) {
        const vonk__j_value old = list->items.at[i];
        list->items.at[i] = copy[i];
        copy[i] = old;
    }
    list->changes += status == VONK_OK;
    vonk__j_unref_all(copy, n);
    return status;
}
static vonk_status list_sort(vonk__j_call *call, vonk_error *err) { return change_copy(call, true, err); }
static vonk_status list_replace_all(vonk__j_call *call, vonk_error *err)
{
    VONK_TRY(vonk__j_need(call, 0, err));
    return change_copy(call, false, err);
}
static vonk_status list_clone(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_list *made = NULL;
    VONK_TRY(vonk__j_object_of(call->machine, call->cls, &made, err));
    for (size_t i = 0; i < self_list(call)->items.n; i++)
        VONK_TRY(vonk__j_list_add(made, vonk__j_ref(self_list(call)->items.at[i]), err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(made)->head));
}

static const vonk__j_member list_members[] = {
    {"new", "", "", list_new, VONK__J_CONSTRUCTOR, 0},
    {"new", "int", "", list_new, VONK__J_CONSTRUCTOR, 0},
    {"new", "java.util.Collection", "", list_new, VONK__J_CONSTRUCTOR, 0},
    {"add", "Object", "boolean", list_add, VONK__J_METHOD, 0},
    {"add", "int, Object", "void", list_add, VONK__J_METHOD, 0},
    {"addAll", "java.util.Collection", "boolean", list_add_all, VONK__J_METHOD, 0},
    {"addAll", "int, java.util.Collection", "boolean", list_add_all, VONK__J_METHOD, 0},
    {"get", "int", "Object", list_get, VONK__J_METHOD, 0},
    {"set", "int, Object", "Object", list_set, VONK__J_METHOD, 0},
    {"remove", "int", "Object", list_remove_at, VONK__J_METHOD, 0},
    {"indexOf", "Object", "int", list_index, VONK__J_METHOD, 0},
    {"lastIndexOf", "Object", "int", list_index, VONK__J_METHOD, 1},
    {"sort", "java.util.Comparator", "void", list_sort, VONK__J_METHOD, 0},
    {"replaceAll", "java.util.function.UnaryOperator", "void", list_replace_all, VONK__J_METHOD, 0},
    {"clone", "", "Object", list_clone, VONK__J_METHOD, 0},
};

/* ---- arrays */

vonk_status vonk__j_array_new(vonk__j_machine *machine, const vonk__j_class *element, uint32_t n, vonk__j_array **ret,
                              vonk_error *err)
{
    static const struct {
        const char *name;
        vonk__j_kind kind;
    } zeros[] = {{"boolean", VONK__J_BOOL}, {"byte", VONK__J_I8},  {"char", VONK__J_CHAR}, {"short", VONK__J_I16},
                 {"int", VONK__J_I32},      {"long", VONK__J_I64}, {"float", VONK__J_F32}, {"double", VONK__J_F64}};
    VONK__J_AUTO vonk__j_array *array = NULL;
    const vonk__j_class *cls = NULL;
    vonk__j_value zero = VONK__J_NOTHING;
    for (size_t i = 0; i < VONK_COUNTOF(zeros); i++)
        if (vonk_str_is(element->fqn, zeros[i].name)) zero = (vonk__j_value){.kind = zeros[i].kind};
    VONK_TRY(vonk__j_array_class(machine, element, &cls, err));
    VONK_TRY(vonk__j_object_of(machine, cls, &array, err));
    VONK_TRY(vonk_alloc_array(machine->budget, n, sizeof *array->items, &array->items, err));
    for (uint32_t i = 0; i < n; i++) array->items[i] = zero;
    array->n = n;
    *ret = VONK_STEAL(array);
    return VONK_OK;
}

static vonk_status array_clone(vonk__j_call *call, vonk_error *err)
{
    const vonk__j_array *array = (vonk__j_array *)call->self;
    vonk__j_array *made = NULL;
    VONK_TRY(vonk__j_array_new(call->machine, call->cls->element, array->n, &made, err));
    for (uint32_t i = 0; i < array->n; i++) made->items[i] = vonk__j_ref(array->items[i]);
    return vonk__j_return(call, vonk__j_of(&made->head));
}
static const vonk__j_member array_members[] = {{"clone", "", "Object", array_clone, VONK__J_METHOD, 0}};

/* ---- java.util.Arrays, java.util.Collections */

static vonk_status as_list(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_list *list = NULL;
    VONK_TRY(vonk__j_list_new(call->machine, &list, err));
    vonk__j_array *array =
        call->n_args && call->args[0].kind == VONK__J_OBJECT ? vonk__j_as_array(call->args[0].object) : NULL;
    if (call->n_args && !array) return vonk__j_throw_bare(call->caller, "java.lang.NullPointerException", err);
    for (uint32_t i = 0; array && i < array->n; i++)
        VONK_TRY(vonk__j_list_add(list, vonk__j_ref(array->items[i]), err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(list)->head));
}
static vonk_status array_text(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, call->machine->budget, SIZE_MAX);
    VONK_TRY(vonk__j_need(call, 0, err));
    const vonk__j_array *array = vonk__j_as_array(call->args[0].object);
    for (uint32_t i = 0; i < array->n; i++) {
        VONK_TRY(vonk_buf_add_c(&text, i ? ", " : "[", err));
        VONK_TRY(vonk__j_add_text(call->caller, &array->items[i], 0, &text, err));
    }
    VONK_TRY(vonk_buf_add_c(&text, array->n ? "]" : "[]", err));
    return vonk__j_return_str(call, vonk_buf_str(&text), err);
}
static const vonk__j_member arrays_members[] = {
    {"asList", "Object[]", "java.util.List", as_list, VONK__J_STATIC, 0},
    {"toString", "Object[]", "String", array_text, VONK__J_STATIC, 0},
    {"toString", "int[]", "String", array_text, VONK__J_STATIC, 0},
    {"toString", "long[]", "String", array_text, VONK__J_STATIC, 0},
    {"toString", "double[]", "String", array_text, VONK__J_STATIC, 0},
};

static const vonk__j_row rows[] = {
    {.fqn = "[]",
     .interfaces = "java.lang.Cloneable java.io.Serializable",
     .flags = VONK__J_GUARDED,
     VONK__J_MEMBERS(array_members),
     .size = sizeof(vonk__j_array),
     .drop = array_drop},
    {.fqn = "java.util.ArrayList",
     .super = "java.util.AbstractList",
     .interfaces = "java.util.List java.util.RandomAccess java.lang.Cloneable java.io.Serializable",
     VONK__J_MEMBERS(list_members),
     .size = sizeof(vonk__j_list),
     .drop = vonk__j_list_drop},
    {.fqn = "java.util.LinkedList",
     .super = "java.util.AbstractList",
     .interfaces = "java.util.List java.util.Deque java.lang.Cloneable java.io.Serializable",
     VONK__J_MEMBERS(list_members),
     .size = sizeof(vonk__j_list),
     .drop = vonk__j_list_drop},
    {.fqn = "java.util.Arrays", .flags = VONK__J_ABSTRACT | VONK__J_GUARDED, VONK__J_MEMBERS(arrays_members)},
};
const vonk__j_area vonk__j_area_java_list = {rows, VONK_COUNTOF(rows)};
