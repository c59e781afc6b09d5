/* serve/py4j/java_lang.c -- java.lang (but for throwables), java.io and java.math: what Python programs touch of them.
 */
#include "serve/py4j/py4j_int.h"
#include "sys/clock.h"
#include "sys/env.h"
#include "sys/files.h"
#include "text/number.h"

/* ---- java.lang.Object */

static vonk_status object_text(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_buf *out,
                               vonk_error *err)
{
    int32_t hash = 0;
    VONK_TRY(self->cls->row.hash(caller, self, depth, &hash, err));
    return vonk_buf_printf(out, err, "%.*s@%x", VONK_STR_ARGS(self->cls->fqn), (unsigned)hash);
}

/* Each time that Python asks for a class it gets another object for it. */
typedef struct class_object {
    vonk__j_object head;
    const vonk__j_class *of;
} class_object;

static const vonk__j_class *of(const vonk__j_object *self) { return ((const class_object *)self)->of; }

/* Two objects that have the same are equal: an object its own, those of a class that class. */
static const void *identity_of(const vonk__j_object *o)
{
    return vonk_str_is(o->cls->fqn, "java.lang.Class") ? (const void *)of(o) : o;
}

static vonk_status object_equals(vonk__j_caller *caller, vonk__j_object *self, vonk__j_object *other, uint32_t depth,
                                 bool *ret, vonk_error *err)
{
    (void)caller, (void)depth, (void)err;
    *ret = identity_of(self) == identity_of(other);
    return VONK_OK;
}

static vonk_status object_hash(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, int32_t *ret,
                               vonk_error *err)
{
    (void)caller, (void)depth, (void)err;
    *ret = identity_of(self) == self ? (int32_t)self->serial : vonk__j_hash_text(of(self)->fqn);
    return VONK_OK;
}

static vonk_status m_equals(vonk__j_call *call, vonk_error *err)
{
    bool equal = false;
    const vonk__j_value self = {.kind = VONK__J_OBJECT, .object = call->self};
    VONK_TRY(vonk__j_equals(call->caller, &self, &call->args[0], 0, &equal, err));
    return vonk__j_return(call, vonk__j_bool(equal));
}
static vonk_status m_hash(vonk__j_call *call, vonk_error *err)
{
    int32_t hash = 0;
    const vonk__j_value self = {.kind = VONK__J_OBJECT, .object = call->self};
    VONK_TRY(vonk__j_hash(call->caller, &self, 0, &hash, err));
    return vonk__j_return(call, vonk__j_i32(hash));
}
static vonk_status m_text(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    const vonk__j_value self = {.kind = VONK__J_OBJECT, .object = call->self};
    vonk_buf_init(&text, call->machine->budget, VONK__J_MAX_COMMAND_BYTES);
    VONK_TRY(vonk__j_add_text(call->caller, &self, 0, &text, err));
    return vonk__j_return_str(call, vonk_buf_str(&text), err);
}
static vonk_status m_class(vonk__j_call *call, vonk_error *err)
{
    return vonk__j_return_class(call, call->self->cls, err);
}
static vonk_status object_new(vonk__j_call *call, vonk_error *err)
{
    vonk__j_object *made = NULL;
    VONK_TRY(vonk__j_object_of(call->machine, call->cls, &made, err));
    return vonk__j_return(call, vonk__j_of(made));
}

static const vonk__j_member object_members[] = {
    {"new", "", "", object_new, VONK__J_CONSTRUCTOR, 0},   {"equals", "Object", "boolean", m_equals, VONK__J_METHOD, 0},
    {"hashCode", "", "int", m_hash, VONK__J_METHOD, 0},    {"toString", "", "String", m_text, VONK__J_METHOD, 0},
    {"getClass", "", "Class", m_class, VONK__J_METHOD, 0},
};

/* ---- java.lang.Class */

vonk_status vonk__j_class_object(vonk__j_machine *machine, const vonk__j_class *cls, vonk__j_value *ret,
                                 vonk_error *err)
{
    class_object *made = NULL;
    VONK_TRY(vonk__j_object_new(machine, "java.lang.Class", &made, err));
    made->of = cls;
    *ret = vonk__j_of(&made->head);
    return VONK_OK;
}
vonk_status vonk__j_return_class(vonk__j_call *call, const vonk__j_class *cls, vonk_error *err)
{
    vonk__j_value made;
    VONK_TRY(vonk__j_class_object(call->machine, cls, &made, err));
    return vonk__j_return(call, made);
}

static vonk_status class_text(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_buf *out,
                              vonk_error *err)
{
    (void)caller, (void)depth;
    const unsigned flags = of(self)->row.flags;
    return vonk_buf_printf(out, err, "%s%.*s",
                           flags & VONK__J_PRIMITIVE   ? ""
                           : flags & VONK__J_INTERFACE ? "interface "
                                                       : "class ",
                           VONK_STR_ARGS(of(self)->fqn));
}
enum {
    NAME,
    SIMPLE_NAME,
    CANONICAL_NAME,
    IS_INTERFACE,
    IS_ARRAY,
    SUPERCLASS,
    PACKAGE_NAME,
    IS_INSTANCE,
    IS_ASSIGNABLE,
    COMPONENT
};

static vonk_status class_name(vonk__j_call *call, vonk_error *err)
{
    const vonk__j_class *cls = of(call->self);
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, call->machine->budget, SIZE_MAX);
    if (call->member->tag == NAME) return vonk__j_return_str(call, cls->fqn, err);
    if (call->member->tag == PACKAGE_NAME) {
        size_t n = cls->fqn.len;
        while (n && cls->fqn.data[n - 1] != '.') n--;
        return vonk__j_return_str(call, vonk_str_sub(cls->fqn, 0, n ? n - 1 : 0), err);
    }
    VONK_TRY(vonk__j_add_class_name(cls, call->member->tag == SIMPLE_NAME, &text, err));
    return vonk__j_return_str(call, vonk_buf_str(&text), err);
}
static vonk_status class_asks(vonk__j_call *call, vonk_error *err)
{
    const vonk__j_class *cls = of(call->self), *other = NULL;
    bool answer = false;
    switch (call->member->tag) {
    case IS_INTERFACE: answer = cls->row.flags & VONK__J_INTERFACE; break;
    case IS_ARRAY: answer = cls->element != NULL; break;
    case IS_INSTANCE:
        other = vonk__j_class_of(call->machine, &call->args[0]);
        answer = other && vonk__j_is_a(other, cls);
        break;
    case IS_ASSIGNABLE:
        VONK_TRY(vonk__j_need(call, 0, err));
        answer = vonk__j_is_a(of(call->args[0].object), cls);
        break;
    default: assert(false);
    }
    return vonk__j_return(call, vonk__j_bool(answer));
}
static vonk_status class_relative(vonk__j_call *call, vonk_error *err)
{
    const vonk__j_class *cls = of(call->self), *other = call->member->tag == SUPERCLASS ? cls->super : cls->element;
    return other ? vonk__j_return_class(call, other, err) : vonk__j_return(call, VONK__J_NOTHING);
}
static vonk_status class_for_name(vonk__j_call *call, vonk_error *err)
{
    const vonk__j_class *cls = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_find_class(call->machine, vonk__j_str(&call->args[0]), &cls, err));
    if (cls && !(cls->row.flags & VONK__J_PRIMITIVE)) return vonk__j_return_class(call, cls, err);
    return vonk__j_throw(call->caller, "java.lang.ClassNotFoundException", err, "%s", call->args[0].text->data);
}

static const vonk__j_member class_members[] = {
    {"forName", "String", "Class", class_for_name, VONK__J_STATIC, 0},
    {"getName", "", "String", class_name, VONK__J_METHOD, NAME},
    {"getTypeName", "", "String", class_name, VONK__J_METHOD, CANONICAL_NAME},
    {"getSimpleName", "", "String", class_name, VONK__J_METHOD, SIMPLE_NAME},
    {"getCanonicalName", "", "String", class_name, VONK__J_METHOD, CANONICAL_NAME},
    {"getPackageName", "", "String", class_name, VONK__J_METHOD, PACKAGE_NAME},
    {"isInterface", "", "boolean", class_asks, VONK__J_METHOD, IS_INTERFACE},
    {"isArray", "", "boolean", class_asks, VONK__J_METHOD, IS_ARRAY},
    {"isInstance", "Object", "boolean", class_asks, VONK__J_METHOD, IS_INSTANCE},
    {"isAssignableFrom", "Class", "boolean", class_asks, VONK__J_METHOD, IS_ASSIGNABLE},
    {"getSuperclass", "", "Class", class_relative, VONK__J_METHOD, SUPERCLASS},
    {"getComponentType", "", "Class", class_relative, VONK__J_METHOD, COMPONENT},
};

/* ---- texts and numbers: what their classes do; the values themselves never reach Python as objects */

static vonk_status value_of(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, call->machine->budget, VONK__J_MAX_COMMAND_BYTES);
    VONK_TRY(vonk__j_add_text(call->caller, &call->args[0], 0, &text, err));
    return vonk__j_return_str(call, vonk_buf_str(&text), err);
}
static vonk_status same(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_ref(call->args[0]));
}
static vonk_status empty_string(vonk__j_call *call, vonk_error *err)
{
    return vonk__j_return_str(call, VONK_STR_NONE, err);
}

static vonk_status parse_integer(vonk__j_call *call, vonk_error *err)
{
    const bool wide = call->member->tag == VONK__J_I64;
    const vonk_str s = vonk__j_str(&call->args[0]);
    int64_t i = 0;
    bool digits = s.len > 0;
    if (call->args[0].kind == VONK__J_NULL)
        return vonk__j_throw(call->caller, "java.lang.NumberFormatException", err, "Cannot parse null string: null");
    for (size_t k = s.len > 1 && (s.data[0] == '-' || s.data[0] == '+'); k < s.len; k++)
        digits &= s.data[k] >= '0' && s.data[k] <= '9';
    if (!digits || !vonk_text_to_i64(s, false, wide ? INT64_MIN : INT32_MIN, wide ? INT64_MAX : INT32_MAX, &i))
        return vonk__j_throw(call->caller, "java.lang.NumberFormatException", err, "For input string: \"%.*s\"",
                             (int)vonk_min_size(s.len, 200), s.data);
    return vonk__j_return(call, wide ? vonk__j_i64(i) : vonk__j_i32((int32_t)i));
}
static vonk_status parse_double(vonk__j_call *call, vonk_error *err)
{
    double f = 0;
    VONK_TRY(vonk__j_need(call, 0, err));
    if (!vonk_text_to_f64(vonk__j_str(&call->args[0]), &f))
        return vonk__j_throw(call->caller, "java.lang.NumberFormatException", err, "For input string: \"%.200s\"",
                             call->args[0].text->data);
    return vonk__j_return(call, vonk__j_f64(f));
}
static vonk_status parse_boolean(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_bool(vonk_str_is_nocase(vonk__j_str(&call->args[0]), "true")));
}
static vonk_status limit(vonk__j_call *call, vonk_error *err)
{
    static const int64_t limits[] = {INT32_MIN, INT32_MAX, INT64_MIN, INT64_MAX};
    const int32_t tag = call->member->tag;
    (void)err;
    return vonk__j_return(call, tag < 2 ? vonk__j_i32((int32_t)limits[tag]) : vonk__j_i64(limits[tag]));
}
static vonk_status double_limit(vonk__j_call *call, vonk_error *err)
{
    static const double limits[] = {1.7976931348623157e308, 4.9e-324, __builtin_inf(), -__builtin_inf(),
                                    __builtin_nan("")};
    (void)err;
    return vonk__j_return(call, vonk__j_f64(limits[call->member->tag]));
}

static const vonk__j_member string_members[] = {
    {"new", "", "", empty_string, VONK__J_CONSTRUCTOR, 0},
    {"new", "String", "", same, VONK__J_CONSTRUCTOR, 0},
    {"valueOf", "Object", "String", value_of, VONK__J_STATIC, 0},
    {"valueOf", "boolean", "String", value_of, VONK__J_STATIC, 0},
    {"valueOf", "int", "String", value_of, VONK__J_STATIC, 0},
    {"valueOf", "long", "String", value_of, VONK__J_STATIC, 0},
    {"valueOf", "double", "String", value_of, VONK__J_STATIC, 0},
};
static const vonk__j_member integer_members[] = {
    {"MIN_VALUE", "", "int", limit, VONK__J_STATIC_FIELD, 0},
    {"MAX_VALUE", "", "int", limit, VONK__J_STATIC_FIELD, 1},
    {"parseInt", "String", "int", parse_integer, VONK__J_STATIC, VONK__J_I32},
    {"valueOf", "String", "Integer", parse_integer, VONK__J_STATIC, VONK__J_I32},
    {"valueOf", "int", "Integer", same, VONK__J_STATIC, 0},
    {"toString", "int", "String", value_of, VONK__J_STATIC, 0},
};
static const vonk__j_member long_members[] = {
    {"MIN_VALUE", "", "long", limit, VONK__J_STATIC_FIELD, 2},
    {"MAX_VALUE", "", "long", limit, VONK__J_STATIC_FIELD, 3},
    {"parseLong", "String", "long", parse_integer, VONK__J_STATIC, VONK__J_I64},
    {"valueOf", "String", "Long", parse_integer, VONK__J_STATIC, VONK__J_I64},
    {"valueOf", "long", "Long", same, VONK__J_STATIC, 0},
    {"toString", "long", "String", value_of, VONK__J_STATIC, 0},
};
static const vonk__j_member double_members[] = {
    {"MAX_VALUE", "", "double", double_limit, VONK__J_STATIC_FIELD, 0},
    {"MIN_VALUE", "", "double", double_limit, VONK__J_STATIC_FIELD, 1},
    {"POSITIVE_INFINITY", "", "double", double_limit, VONK__J_STATIC_FIELD, 2},
    {"NEGATIVE_INFINITY", "", "double", double_limit, VONK__J_STATIC_FIELD, 3},
    {"NaN", "", "double", double_limit, VONK__J_STATIC_FIELD, 4},
    {"parseDouble", "String", "double", parse_double, VONK__J_STATIC, 0},
    {"valueOf", "String", "Double", parse_double, VONK__J_STATIC, 0},
    {"valueOf", "double", "Double", same, VONK__J_STATIC, 0},
    {"toString", "double", "String", value_of, VONK__J_STATIC, 0},
};
static const vonk__j_member float_members[] = {{"valueOf", "float", "Float", same, VONK__J_STATIC, 0}};
static const vonk__j_member short_members[] = {{"valueOf", "short", "Short", same, VONK__J_STATIC, 0}};
static const vonk__j_member byte_members[] = {{"valueOf", "byte", "Byte", same, VONK__J_STATIC, 0}};
static const vonk__j_member boolean_members[] = {
    {"parseBoolean", "String", "boolean", parse_boolean, VONK__J_STATIC, 0},
    {"valueOf", "String", "Boolean", parse_boolean, VONK__J_STATIC, 0},
    {"valueOf", "boolean", "Boolean", same, VONK__J_STATIC, 0},
};

/* ---- java.lang.Math */

enum { ABS, MAX, MIN };
static vonk_status math_integer(vonk__j_call *call, vonk_error *err)
{
    const int64_t a = call->args[0].i, b = call->n_args > 1 ? call->args[1].i : 0;
    const int64_t r = call->member->tag == ABS   ? (a < 0 ? (int64_t)(0 - (uint64_t)a) : a)
                      : call->member->tag == MAX ? (a > b ? a : b)
                                                 : (a < b ? a : b);
    (void)err;
    return vonk__j_return(call, call->args[0].kind == VONK__J_I32 ? vonk__j_i32((int32_t)(uint32_t)(uint64_t)r)
                                                                  : vonk__j_i64(r));
}
static const vonk__j_member math_members[] = {
    {"abs", "int", "int", math_integer, VONK__J_STATIC, ABS},
    {"abs", "long", "long", math_integer, VONK__J_STATIC, ABS},
    {"max", "int, int", "int", math_integer, VONK__J_STATIC, MAX},
    {"max", "long, long", "long", math_integer, VONK__J_STATIC, MAX},
    {"min", "int, int", "int", math_integer, VONK__J_STATIC, MIN},
    {"min", "long, long", "long", math_integer, VONK__J_STATIC, MIN},
};

/* ---- java.lang.System: properties are one map of the machine, guarded by its `guard` */

static const struct {
    const char *key, *value;
} fixed_properties[] = {
    {"SPARK_SUBMIT", "true"}, {"file.encoding", "UTF-8"}, {"file.separator", "/"}, {"java.vendor", "Vonk"},
    {"java.version", "17"},   {"line.separator", "\n"},   {"os.arch", "amd64"},    {"os.name", "Linux"},
    {"path.separator", ":"},  {"java.vm.name", "Vonk"},   {"user.language", "en"},
};

vonk_status vonk__j_load_properties(vonk__j_machine *machine, const vonk_conf *conf, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk__j_map *map = NULL;
    vonk_str key, value, folder = {0};
    vonk__j_caller nobody = {.machine = machine};
    VONK_TRY(vonk_arena_new(machine->budget, &arena, err));
    VONK_TRY(vonk__j_map_new(machine, "java.util.Properties", &map, err));
    machine->properties = &map->head;
    for (size_t i = 0; i < VONK_COUNTOF(fixed_properties); i++)
        VONK_TRY(vonk__j_map_put_text(&nobody, map, vonk_str_of(fixed_properties[i].key),
                                      vonk_str_of(fixed_properties[i].value), err));
    const vonk_str temp = vonk_env_get("TMPDIR"), home = vonk_env_get("HOME");
    VONK_TRY(vonk_env_directory(arena, &folder, err));
    VONK_TRY(vonk__j_map_put_text(&nobody, map, VONK_STR("user.dir"), folder, err));
    VONK_TRY(vonk__j_map_put_text(&nobody, map, VONK_STR("user.name"), vonk_env_user_name(), err));
    VONK_TRY(vonk__j_map_put_text(&nobody, map, VONK_STR("user.home"), home.len ? home : VONK_STR("/"), err));
    VONK_TRY(vonk__j_map_put_text(&nobody, map, VONK_STR("java.io.tmpdir"), temp.len ? temp : VONK_STR("/tmp"), err));
    for (size_t at = 0; conf && vonk_conf_next(conf, &at, &key, &value);)
        VONK_TRY(vonk__j_map_put_text(&nobody, map, key, value, err));
    return VONK_OK;
}

enum { GET, SET, CLEAR };
static vonk_status system_property(vonk__j_call *call, vonk_error *err)
{
    vonk__j_map *map = (vonk__j_map *)call->machine->properties;
    vonk__j_entry *entry = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    if (!vonk__j_str(&call->args[0]).len)
        return vonk__j_throw(call->caller, "java.lang.IllegalArgumentException", err, "key can't be empty");
    if (call->member->tag == SET) VONK_TRY(vonk__j_need(call, 1, err));
    VONK_LOCKED(&call->machine->guard);
    VONK_TRY(vonk__j_map_find(call->caller, map, &call->args[0], &entry, err));
    call->result = entry                                          ? vonk__j_ref(entry->value)
                   : call->member->tag == GET && call->n_args > 1 ? vonk__j_ref(call->args[1])
                                                                  : VONK__J_NOTHING;
    if (call->member->tag == SET)
        return vonk__j_map_put(call->caller, map, vonk__j_ref(call->args[0]), vonk__j_ref(call->args[1]), NULL, err);
    if (call->member->tag == CLEAR && entry) vonk__j_map_remove(map, entry);
    return VONK_OK;
}
static vonk_status system_properties(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_of(vonk__j_object_ref(call->machine->properties)));
}
static vonk_status system_env(vonk__j_call *call, vonk_error *err)
{
    VONK_TRY(vonk__j_need(call, 0, err));
    const vonk_str value = vonk_env_get(call->args[0].text->data);
    return value.data ? vonk__j_return_str(call, value, err) : vonk__j_return(call, VONK__J_NOTHING);
}
static vonk_status system_time(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_i64(call->member->tag ? vonk_clock_mono_ns() : vonk_clock_wall_us() / 1000));
}
static vonk_status system_identity(vonk__j_call *call, vonk_error *err)
{
    const vonk__j_value *v = &call->args[0];
    (void)err;
    return vonk__j_return(call, vonk__j_i32(v->kind == VONK__J_OBJECT ? (int32_t)v->object->serial : 0));
}
static vonk_status system_line(vonk__j_call *call, vonk_error *err)
{
    return vonk__j_return_str(call, VONK_STR("\n"), err);
}
static vonk_status system_gc(vonk__j_call *call, vonk_error *err)
{
    (void)call, (void)err; /* nothing waits to be collected: objects are counted */
    return VONK_OK;
}

static const vonk__j_member system_members[] = {
    {"getProperty", "String", "String", system_property, VONK__J_STATIC, GET},
    {"getProperty", "String, String", "String", system_property, VONK__J_STATIC, GET},
    {"setProperty", "String, String", "String", system_property, VONK__J_STATIC, SET},
    {"clearProperty", "String", "String", system_property, VONK__J_STATIC, CLEAR},
    {"getProperties", "", "java.util.Properties", system_properties, VONK__J_STATIC, 0},
    {"getenv", "String", "String", system_env, VONK__J_STATIC, 0},
    {"currentTimeMillis", "", "long", system_time, VONK__J_STATIC, 0},
    {"nanoTime", "", "long", system_time, VONK__J_STATIC, 1},
    {"identityHashCode", "Object", "int", system_identity, VONK__J_STATIC, 0},
    {"lineSeparator", "", "String", system_line, VONK__J_STATIC, 0},
    {"gc", "", "void", system_gc, VONK__J_STATIC, 0},
};

/* ---- java.io.File, java.math.BigDecimal */

typedef struct file_object {
    vonk__j_object head;
    vonk__j_value path;
} file_object;

static vonk_str path_of(const vonk__j_object *self) { return vonk__j_str(&((const file_object *)self)->path); }
static void file_drop(vonk__j_object *self) { vonk__j_unref(&((file_object *)self)->path); }
static vonk_status file_text(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_buf *out,
                             vonk_error *err)
{
    (void)caller, (void)depth;
    return vonk_buf_add_str(out, path_of(self), err);
}
static vonk_status file_new(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO file_object *made = NULL;
    VONK_TRY(vonk__j_need(call, call->n_args - 1, err));
    VONK_TRY(vonk__j_object_new(call->machine, "java.io.File", &made, err));
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    vonk_str path = vonk__j_str(&call->args[call->n_args - 1]);
    if (call->n_args > 1 && call->args[0].kind == VONK__J_STRING)
        VONK_TRY(vonk_path_join(arena, vonk__j_str(&call->args[0]), path, &path, err));
    VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_STRING, path, &made->path, err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(made)->head));
}
static vonk_status file_path(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_str path = path_of(call->self);
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    if (call->member->tag == 1) VONK_TRY(vonk_path_absolute(arena, path, &path, err));
    for (size_t i = path.len; call->member->tag == 2 && i > 0; i--)
        if (path.data[i - 1] == '/') {
            path = vonk_str_sub(path, i, path.len);
            break;
        }
    return vonk__j_return_str(call, path, err);
}
static vonk_status file_asks(vonk__j_call *call, vonk_error *err)
{
    bool exists = false;
    vonk_file_info info = {0};
    VONK_TRY(vonk_file_exists(path_of(call->self), &exists, err));
    if (exists && call->member->tag) VONK_TRY(vonk_file_stat(path_of(call->self), &info, err));
    return vonk__j_return(call, vonk__j_bool(exists && (!call->member->tag || info.kind == VONK_FILE_DIRECTORY)));
}
static const vonk__j_member file_members[] = {
    {"new", "String", "", file_new, VONK__J_CONSTRUCTOR, 0},
    {"new", "String, String", "", file_new, VONK__J_CONSTRUCTOR, 0},
    {"getPath", "", "String", file_path, VONK__J_METHOD, 0},
    {"getAbsolutePath", "", "String", file_path, VONK__J_METHOD, 1},
    {"getName", "", "String", file_path, VONK__J_METHOD, 2},
    {"exists", "", "boolean", file_asks, VONK__J_METHOD, 0},
    {"isDirectory", "", "boolean", file_asks, VONK__J_METHOD, 1},
};

static vonk_status decimal_new(vonk__j_call *call, vonk_error *err)
{
    vonk_i128 unscaled = 0;
    int scale = 0;
    vonk__j_value made;
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, call->machine->budget, SIZE_MAX);
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_add_text(call->caller, &call->args[0], 0, &text, err));
    if (vonk_text_to_dec_exact(vonk_buf_str(&text), &unscaled, &scale) != VONK_DEC_OK)
        return vonk__j_throw(call->caller, "java.lang.NumberFormatException", err, "not a decimal of 38 digits: %.*s",
                             (int)vonk_min_size(text.len, 100), text.data);
    VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_DECIMAL, vonk_buf_str(&text), &made, err));
    return vonk__j_return(call, made);
}
static const vonk__j_member decimal_members[] = {
    {"new", "String", "", decimal_new, VONK__J_CONSTRUCTOR, 0},
    {"new", "int", "", decimal_new, VONK__J_CONSTRUCTOR, 0},
    {"new", "long", "", decimal_new, VONK__J_CONSTRUCTOR, 0},
    {"valueOf", "long", "java.math.BigDecimal", decimal_new, VONK__J_STATIC, 0},
    {"valueOf", "double", "java.math.BigDecimal", decimal_new, VONK__J_STATIC, 0},
};

#define NUMBER(name, array)                                                                                            \
    {.fqn = (name), .super = "java.lang.Number", .interfaces = "java.lang.Comparable", VONK__J_MEMBERS(array)}
#define PRIMITIVE(name) {.fqn = (name), .flags = VONK__J_PRIMITIVE}
#define INTERFACE(name) {.fqn = (name), .flags = VONK__J_INTERFACE}

static const vonk__j_row rows[] = {
    PRIMITIVE("boolean"),
    PRIMITIVE("byte"),
    PRIMITIVE("char"),
    PRIMITIVE("short"),
    PRIMITIVE("int"),
    PRIMITIVE("long"),
    PRIMITIVE("float"),
    PRIMITIVE("double"),
    PRIMITIVE("void"),
    {.fqn = "java.lang.Object",
     VONK__J_MEMBERS(object_members),
     .size = sizeof(vonk__j_object),
     .text = object_text,
     .equals = object_equals,
     .hash = object_hash},
    INTERFACE("java.io.Serializable"),
    INTERFACE("java.io.Closeable"),
    INTERFACE("java.lang.Cloneable"),
    INTERFACE("java.lang.CharSequence"),
    INTERFACE("java.lang.Comparable"),
    INTERFACE("java.lang.Iterable"),
    {.fqn = "java.lang.Class",
     .interfaces = "java.io.Serializable",
     VONK__J_MEMBERS(class_members),
     .size = sizeof(class_object),
     .text = class_text,
     .equals = object_equals,
     .hash = object_hash},
    {.fqn = "java.lang.String",
     .interfaces = "java.io.Serializable java.lang.Comparable java.lang.CharSequence",
     VONK__J_MEMBERS(string_members)},
    {.fqn = "java.lang.Number", .interfaces = "java.io.Serializable", .flags = VONK__J_ABSTRACT},
    NUMBER("java.lang.Integer", integer_members),
    NUMBER("java.lang.Long", long_members),
    NUMBER("java.lang.Double", double_members),
    NUMBER("java.lang.Float", float_members),
    NUMBER("java.lang.Short", short_members),
    NUMBER("java.lang.Byte", byte_members),
    NUMBER("java.math.BigDecimal", decimal_members),
    {.fqn = "java.lang.Boolean",
     .interfaces = "java.io.Serializable java.lang.Comparable",
     VONK__J_MEMBERS(boolean_members)},
    {.fqn = "java.lang.Character", .interfaces = "java.io.Serializable java.lang.Comparable"},
    {.fqn = "java.lang.Math", .flags = VONK__J_ABSTRACT, VONK__J_MEMBERS(math_members)},
    {.fqn = "java.lang.System", .flags = VONK__J_ABSTRACT, VONK__J_MEMBERS(system_members)},
    {.fqn = "java.io.File",
     .interfaces = "java.io.Serializable java.lang.Comparable",
     VONK__J_MEMBERS(file_members),
     .size = sizeof(file_object),
     .drop = file_drop,
     .text = file_text},
};
const vonk__j_area vonk__j_area_java_lang = {rows, VONK_COUNTOF(rows)};
