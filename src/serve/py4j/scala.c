/* serve/py4j/scala.c -- what Spark's Scala interfaces hand to Python: Option, Tuple2, Seq, Map, and their converters.
 */
#include "serve/py4j/collection.h"

/* ---- Option, Tuple2 */

typedef struct pair {
    vonk__j_object head;
    vonk__j_value a, b;
} pair;
static void pair_drop(vonk__j_object *self)
{
    vonk__j_unref(&((pair *)self)->a);
    vonk__j_unref(&((pair *)self)->b);
}
static vonk_status make_pair(vonk__j_machine *machine, const char *fqn, vonk__j_value a, vonk__j_value b,
                             vonk__j_value *ret, vonk_error *err)
{
    pair *made = NULL;
    const vonk_status status = vonk__j_object_new(machine, fqn, &made, err);
    if (status != VONK_OK) {
        vonk__j_unref(&a);
        vonk__j_unref(&b);
        return status;
    }
    made->a = a;
    made->b = b;
    *ret = vonk__j_of(&made->head);
    return VONK_OK;
}
vonk_status vonk__j_option(vonk__j_machine *machine, vonk__j_value take_value, bool is_some, vonk__j_value *ret,
                           vonk_error *err)
{
    return make_pair(machine, is_some ? "scala.Some" : "scala.None$", take_value, VONK__J_NOTHING, ret, err);
}
vonk_status vonk__j_tuple2(vonk__j_machine *machine, vonk__j_value take_a, vonk__j_value take_b, vonk__j_value *ret,
                           vonk_error *err)
{
    return make_pair(machine, "scala.Tuple2", take_a, take_b, ret, err);
}

static pair *self_pair(const vonk__j_call *call) { return (pair *)call->self; }
static bool is_some(const vonk__j_object *o) { return vonk_str_is(o->cls->fqn, "scala.Some"); }
static bool is_option(const vonk__j_object *o) { return is_some(o) || vonk_str_is(o->cls->fqn, "scala.None$"); }

static vonk_status pair_new(vonk__j_call *call, vonk_error *err)
{
    return make_pair(call->machine, call->cls->row.fqn, vonk__j_ref(call->args[0]),
                     call->n_args > 1 ? vonk__j_ref(call->args[1]) : VONK__J_NOTHING, &call->result, err);
}
static vonk_status option_of(vonk__j_call *call, vonk_error *err)
{
    const bool some = call->n_args && call->args[0].kind != VONK__J_NULL;
    return vonk__j_option(call->machine, some ? vonk__j_ref(call->args[0]) : VONK__J_NOTHING, some, &call->result, err);
}
static vonk_status option_get(vonk__j_call *call, vonk_error *err)
{
    if (is_some(call->self)) return vonk__j_return(call, vonk__j_ref(self_pair(call)->a));
    if (call->member->tag) return vonk__j_return(call, VONK__J_NOTHING);
    return vonk__j_throw(call->caller, "java.util.NoSuchElementException", err, "None.get");
}
static vonk_status option_asks(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_bool(is_some(call->self) == (call->member->tag == 1)));
}
static vonk_status tuple_get(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_ref(call->member->tag == 1 ? self_pair(call)->a : self_pair(call)->b));
}
static vonk_status pair_text(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_buf *out,
                             vonk_error *err)
{
    const pair *p = (pair *)self;
    if (is_option(self) && !is_some(self)) return vonk_buf_add_c(out, "None", err);
    VONK_TRY(vonk_buf_add_c(out, is_some(self) ? "Some(" : "(", err));
    VONK_TRY(vonk__j_add_text(caller, &p->a, depth + 1, out, err));
    if (!is_some(self)) {
        VONK_TRY(vonk_buf_add_byte(out, ',', err));
        VONK_TRY(vonk__j_add_text(caller, &p->b, depth + 1, out, err));
    }
    return vonk_buf_add_byte(out, ')', err);
}
static vonk_status pair_equals(vonk__j_caller *caller, vonk__j_object *self, vonk__j_object *other, uint32_t depth,
                               bool *ret, vonk_error *err)
{
    *ret = self->cls == other->cls;
    if (*ret) VONK_TRY(vonk__j_equals(caller, &((pair *)self)->a, &((pair *)other)->a, depth + 1, ret, err));
    if (*ret) VONK_TRY(vonk__j_equals(caller, &((pair *)self)->b, &((pair *)other)->b, depth + 1, ret, err));
    return VONK_OK;
}
static vonk_status pair_hash(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, int32_t *ret,
                             vonk_error *err)
{
    int32_t a = 0, b = 0;
    VONK_TRY(vonk__j_hash(caller, &((pair *)self)->a, depth + 1, &a, err));
    VONK_TRY(vonk__j_hash(caller, &((pair *)self)->b, depth + 1, &b, err));
    *ret = (int32_t)((uint32_t)a * 31 + (uint32_t)b);
    return VONK_OK;
}

static const vonk__j_member option_members[] = {
    {"apply", "Object", "scala.Option", option_of, VONK__J_STATIC, 0},
    {"empty", "", "scala.Option", option_of, VONK__J_STATIC, 0},
    {"get", "", "Object", option_get, VONK__J_METHOD, 0},
    {"orNull", "", "Object", option_get, VONK__J_METHOD, 1},
    {"isEmpty", "", "boolean", option_asks, VONK__J_METHOD, 0},
    {"isDefined", "", "boolean", option_asks, VONK__J_METHOD, 1},
    {"nonEmpty", "", "boolean", option_asks, VONK__J_METHOD, 1},
};
static const vonk__j_member some_members[] = {{"new", "Object", "", pair_new, VONK__J_CONSTRUCTOR, 0}};
static const vonk__j_member none_members[] = {{"MODULE$", "", "scala.None$", option_of, VONK__J_STATIC_FIELD, 0}};
static const vonk__j_member tuple_members[] = {
    {"new", "Object, Object", "", pair_new, VONK__J_CONSTRUCTOR, 0},
    {"_1", "", "Object", tuple_get, VONK__J_METHOD, 1},
    {"_2", "", "Object", tuple_get, VONK__J_METHOD, 2},
};

/* ---- Seq and Map: lists and maps that nobody changes */

static vonk_status add_joined(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_str between,
                              vonk_buf *out, vonk_error *err)
{
    const vonk__j_list *list = vonk__j_as_list(self);
    for (size_t i = 0; i < list->items.n; i++) {
        if (i) VONK_TRY(vonk_buf_add_str(out, between, err));
        VONK_TRY(vonk__j_add_text(caller, &list->items.at[i], depth + 1, out, err));
    }
    return VONK_OK;
}
static vonk_status seq_text(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_buf *out,
                            vonk_error *err)
{
    VONK_TRY(vonk_buf_add_c(out, "List(", err));
    VONK_TRY(add_joined(caller, self, depth, VONK_STR(", "), out, err));
    return vonk_buf_add_byte(out, ')', err);
}
static vonk_status seq_get(vonk__j_call *call, vonk_error *err)
{
    const vonk__j_list *list = vonk__j_as_list(call->self);
    const int64_t at = call->n_args ? call->args[0].i : 0;
    if (at >= 0 && at < (int64_t)list->items.n) return vonk__j_return(call, vonk__j_ref(list->items.at[at]));
    if (!call->n_args)
        return vonk__j_throw(call->caller, "java.util.NoSuchElementException", err, "head of empty list");
    return vonk__j_throw(call->caller, "java.lang.IndexOutOfBoundsException", err, "%lld", (long long)at);
}
static vonk_status seq_size(vonk__j_call *call, vonk_error *err)
{
    const size_t n = vonk__j_as_list(call->self)->items.n;
    (void)err;
    return vonk__j_return(call, call->member->tag ? vonk__j_bool(n == 0) : vonk__j_i32((int32_t)n));
}
static vonk_status seq_join(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, call->machine->budget, SIZE_MAX);
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(add_joined(call->caller, call->self, 0, vonk__j_str(&call->args[0]), &text, err));
    return vonk__j_return_str(call, vonk_buf_str(&text), err);
}
static vonk_status seq_contains(vonk__j_call *call, vonk_error *err)
{
    const vonk__j_list *list = vonk__j_as_list(call->self);
    uint32_t at = 0;
    VONK_TRY(vonk__j_list_find(call->caller, list, &call->args[0], &at, err));
    return vonk__j_return(call, vonk__j_bool(at < list->items.n));
}
static const vonk__j_member seq_members[] = {
    {"apply", "int", "Object", seq_get, VONK__J_METHOD, 0},
    {"head", "", "Object", seq_get, VONK__J_METHOD, 0},
    {"size", "", "int", seq_size, VONK__J_METHOD, 0},
    {"length", "", "int", seq_size, VONK__J_METHOD, 0},
    {"isEmpty", "", "boolean", seq_size, VONK__J_METHOD, 1},
    {"mkString", "String", "String", seq_join, VONK__J_METHOD, 0},
    {"contains", "Object", "boolean", seq_contains, VONK__J_METHOD, 0},
};

static vonk_status map_text(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_buf *out,
                            vonk_error *err)
{
    const vonk__j_map *map = (vonk__j_map *)self;
    VONK_TRY(vonk_buf_add_c(out, "Map(", err));
    for (vonk__j_entry *e = NULL, *before = NULL; (e = vonk__j_map_next(map, e)); before = e) {
        if (before) VONK_TRY(vonk_buf_add_c(out, ", ", err));
        VONK_TRY(vonk__j_add_text(caller, &e->key, depth + 1, out, err));
        VONK_TRY(vonk_buf_add_c(out, " -> ", err));
        VONK_TRY(vonk__j_add_text(caller, &e->value, depth + 1, out, err));
    }
    return vonk_buf_add_byte(out, ')', err);
}
static vonk_status map_get(vonk__j_call *call, vonk_error *err)
{
    vonk__j_entry *e = NULL;
    VONK_TRY(vonk__j_map_find(call->caller, (vonk__j_map *)call->self, &call->args[0], &e, err));
    if (call->member->tag == 2) return vonk__j_return(call, vonk__j_bool(e != NULL));
    if (call->member->tag == 0)
        return vonk__j_option(call->machine, e ? vonk__j_ref(e->value) : VONK__J_NOTHING, e != NULL, &call->result,
                              err);
    if (e) return vonk__j_return(call, vonk__j_ref(e->value));
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, call->machine->budget, SIZE_MAX);
    VONK_TRY(vonk__j_add_text(call->caller, &call->args[0], 0, &text, err));
    return vonk__j_throw(call->caller, "java.util.NoSuchElementException", err, "key not found: %.*s",
                         (int)vonk_min_size(text.len, 500), text.data);
}
static vonk_status map_size(vonk__j_call *call, vonk_error *err)
{
    const uint32_t n = ((vonk__j_map *)call->self)->n;
    (void)err;
    return vonk__j_return(call, call->member->tag ? vonk__j_bool(n == 0) : vonk__j_i32((int32_t)n));
}
static const vonk__j_member map_members[] = {
    {"get", "Object", "scala.Option", map_get, VONK__J_METHOD, 0},
    {"apply", "Object", "Object", map_get, VONK__J_METHOD, 1},
    {"contains", "Object", "boolean", map_get, VONK__J_METHOD, 2},
    {"size", "", "int", map_size, VONK__J_METHOD, 0},
    {"isEmpty", "", "boolean", map_size, VONK__J_METHOD, 1},
};

/* ---- there and back */

static vonk_status copy_list(vonk__j_call *call, const char *fqn, vonk_error *err)
{
    VONK__J_AUTO vonk__j_list *made = NULL;
    vonk__j_list *from = vonk__j_as_list(call->args[0].object);
    VONK_TRY(vonk__j_object_new(call->machine, fqn, &made, err));
    for (size_t i = 0; i < from->items.n; i++) VONK_TRY(vonk__j_list_add(made, vonk__j_ref(from->items.at[i]), err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(made)->head));
}
static vonk_status copy_map(vonk__j_call *call, const char *fqn, vonk_error *err)
{
    VONK__J_AUTO vonk__j_map *made = NULL;
    const vonk__j_map *from = vonk__j_as_map(call->args[0].object);
    VONK_TRY(vonk__j_object_new(call->machine, fqn, &made, err));
    for (vonk__j_entry *e = NULL; (e = vonk__j_map_next(from, e));)
        VONK_TRY(vonk__j_map_put(call->caller, made, vonk__j_ref(e->key), vonk__j_ref(e->value), NULL, err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(made)->head));
}
static vonk_status as_java(vonk__j_call *call, vonk_error *err)
{
    VONK_TRY(vonk__j_need(call, 0, err));
    return vonk__j_as_list(call->args[0].object) ? copy_list(call, "java.util.ArrayList", err)
                                                 : copy_map(call, "java.util.LinkedHashMap", err);
}
static vonk_status as_scala(vonk__j_call *call, vonk_error *err)
{
    VONK_TRY(vonk__j_need(call, 0, err));
    vonk__j_object *from = call->args[0].object;
    if (vonk__j_as_list(from)) return copy_list(call, "scala.collection.immutable.Seq$Live", err);
    if (vonk__j_as_map(from) && vonk__j_is(from, "java.util.Map"))
        return copy_map(call, "scala.collection.immutable.Map$Live", err);
    return vonk__j_throw(call->caller, "java.lang.UnsupportedOperationException", err, "%.*s has no form in Scala here",
                         VONK_STR_ARGS(from->cls->fqn));
}
static const vonk__j_member converter_members[] = {
    {"asJava", "scala.collection.Seq", "java.util.List", as_java, VONK__J_STATIC, 0},
    {"asJava", "scala.collection.Map", "java.util.Map", as_java, VONK__J_STATIC, 0},
    {"asScala", "java.util.List", "scala.collection.Seq", as_scala, VONK__J_STATIC, 0},
    {"asScala", "java.util.Map", "scala.collection.Map", as_scala, VONK__J_STATIC, 0},
};
/* PythonUtils.{toSeq, toList, toScalaMap}: spark_python.c's rows use it too. */
vonk_status vonk__j_to_scala(vonk__j_call *call, vonk_error *err) { return as_scala(call, err); }

#define INTERFACE(name, above) {.fqn = (name), .interfaces = (above), .flags = VONK__J_INTERFACE}
static const vonk__j_row rows[] = {
    INTERFACE("scala.Product", NULL),
    INTERFACE("scala.collection.Iterable", NULL),
    INTERFACE("scala.collection.Seq", "scala.collection.Iterable"),
    INTERFACE("scala.collection.Map", "scala.collection.Iterable"),
    INTERFACE("scala.collection.immutable.Seq", "scala.collection.Seq"),
    INTERFACE("scala.collection.immutable.Map", "scala.collection.Map"),
    {.fqn = "scala.Option",
     .interfaces = "scala.Product java.io.Serializable",
     .flags = VONK__J_ABSTRACT | VONK__J_GUARDED,
     VONK__J_MEMBERS(option_members),
     .size = sizeof(pair),
     .drop = pair_drop,
     .text = pair_text,
     .equals = pair_equals,
     .hash = pair_hash},
    {.fqn = "scala.Some", .super = "scala.Option", VONK__J_MEMBERS(some_members)},
    {.fqn = "scala.None$", .super = "scala.Option", VONK__J_MEMBERS(none_members)},
    {.fqn = "scala.Tuple2",
     .interfaces = "scala.Product java.io.Serializable",
     .flags = VONK__J_GUARDED,
     VONK__J_MEMBERS(tuple_members),
     .size = sizeof(pair),
     .drop = pair_drop,
     .text = pair_text,
     .equals = pair_equals,
     .hash = pair_hash},
    {.fqn = "scala.collection.immutable.Seq$Live",
     .interfaces = "scala.collection.immutable.Seq",
     .flags = VONK__J_GUARDED,
     VONK__J_MEMBERS(seq_members),
     .size = sizeof(vonk__j_list),
     .drop = vonk__j_list_drop,
     .text = seq_text},
    {.fqn = "scala.collection.immutable.Map$Live",
     .interfaces = "scala.collection.immutable.Map",
     .flags = VONK__J_GUARDED,
     VONK__J_MEMBERS(map_members),
     .size = sizeof(vonk__j_map),
     .drop = vonk__j_map_drop,
     .text = map_text},
    {.fqn = "scala.jdk.javaapi.CollectionConverters",
     .flags = VONK__J_ABSTRACT | VONK__J_GUARDED,
     VONK__J_MEMBERS(converter_members)},
};
const vonk__j_area vonk__j_area_scala = {rows, VONK_COUNTOF(rows)};
