/* serve/py4j/invoke.c -- which of several members is meant, its arguments as it declares them, and the call.
 *
 * Py4J's rules: among the members of that name and number of arguments the cheapest wins, the first of equals. An
 * argument costs 100 per step up to the declared class; numbers have costs of their own (an int fits a long, never a
 * double); a null prefers the most special class. */
#include "serve/py4j/py4j_int.h"

#include <stdarg.h>

/* ---- costs */

static int64_t super_distance(const vonk__j_class *to, const vonk__j_class *from)
{
    int64_t n = 0;
    for (const vonk__j_class *c = from; c; c = c->super, n++)
        if (c == to) return n;
    return -1;
}

/* Steps to an interface: those of the class, then theirs together with those of the superclass, and so on. */
static int64_t interface_distance(const vonk__j_class *to, const vonk__j_class *from)
{
    enum { MOST = 128 };
    const vonk__j_class *level[MOST], *next[MOST];
    uint32_t n = 0;
    for (uint32_t i = 0; i < from->n_interfaces && n < MOST; i++) level[n++] = from->interfaces[i];
    const vonk__j_class *super = from->super;
    for (int64_t steps = 1; n || super; steps++) {
        uint32_t m = 0;
        for (uint32_t i = 0; i < n; i++) {
            if (level[i] == to) return steps;
            for (uint32_t k = 0; k < level[i]->n_interfaces && m < MOST; k++) next[m++] = level[i]->interfaces[k];
        }
        for (uint32_t k = 0; super && k < super->n_interfaces && m < MOST; k++) next[m++] = super->interfaces[k];
        if (super) super = super->super;
        memcpy(level, next, m * sizeof *next);
        n = m;
    }
    return -1;
}

static int64_t distance(const vonk__j_class *to, const vonk__j_class *from)
{
    int64_t n = super_distance(to, from);
    if (n < 0) n = interface_distance(to, from);
    return n < 0 ? n : n * 100;
}

/* 1 byte, 2 short, 3 int, 4 long, 5 float, 6 double; boxed or not; 0: another class */
static int rank(const vonk__j_class *cls)
{
    static const char *const names[] = {"byte",  "java.lang.Byte",    "short",  "java.lang.Short",
                                        "int",   "java.lang.Integer", "long",   "java.lang.Long",
                                        "float", "java.lang.Float",   "double", "java.lang.Double"};
    for (int i = 0; i < (int)VONK_COUNTOF(names); i++)
        if (vonk_str_is(cls->fqn, names[i])) return i / 2 + 1;
    return 0;
}

static int64_t number_cost(int to, int from)
{
    if (to == 4 && from <= 4) return to - from;
    if (to == 3 && from <= 3) return to - from;
    if (to == 2 && from <= 2) return to - from;
    if (to == 2 && from == 3) return 1;
    if (to == 1 && from == 1) return 0;
    if (to == 1 && from == 3) return 2;
    if (to == 6 && from >= 5) return from == 6 ? 0 : 1;
    if (to == 5 && from >= 5) return from == 5 ? 0 : 1;
    return -1;
}

int64_t vonk__j_cost(const vonk__j_class *to, const vonk__j_class *from)
{
    if (!from) {
        if (to->row.flags & VONK__J_PRIMITIVE) return -1;
        const vonk__j_class *top = to;
        while (top->super) top = top->super;
        const int64_t steps = to->row.flags & VONK__J_INTERFACE ? -1 : distance(top, to);
        return INT64_C(100000000) - steps;
    }
    if (vonk__j_is_a(from, to)) {
        const int64_t steps = distance(to, from);
        return steps < 0 ? 0 : steps; /* arrays of subclasses, interfaces as objects */
    }
    const int a = rank(to), b = rank(from);
    if (a && b) return number_cost(a, b);
    if (vonk_str_is(to->fqn, "char") || vonk_str_is(to->fqn, "java.lang.Character"))
        return vonk_str_is(from->fqn, "java.lang.Character") ? 0 : vonk_str_is(from->fqn, "java.lang.String") ? 1 : -1;
    return vonk_str_is(to->fqn, "boolean") && vonk_str_is(from->fqn, "java.lang.Boolean") ? 0 : -1;
}

static int64_t signature_cost(vonk__j_machine *machine, const vonk__j_signature *s, const vonk__j_value *args)
{
    int64_t cost = 0;
    for (uint32_t i = 0; i < s->n_args; i++) {
        const int64_t one = vonk__j_cost(s->args[i], vonk__j_class_of(machine, &args[i]));
        if (one < 0) return -1;
        cost += one;
    }
    return cost;
}

/* ---- choosing */

typedef struct choice {
    vonk__j_machine *machine;
    vonk_str name;
    const vonk__j_value *args;
    uint32_t n_args;
    const vonk__j_signature *best;
    int64_t cost;
} choice;

static void look_at(choice *c, const vonk__j_class *cls, bool constructors)
{
    for (uint32_t i = 0; i < cls->row.n_members; i++) {
        const vonk__j_signature *s = &cls->signatures[i];
        if (s->n_args != c->n_args || s->member->role >= VONK__J_FIELD) continue;
        if ((s->member->role == VONK__J_CONSTRUCTOR) != constructors) continue;
        if (!constructors && !vonk_str_is(c->name, s->member->name)) continue;
        const int64_t cost = signature_cost(c->machine, s, c->args);
        if (cost < 0 || (c->best && cost >= c->cost)) continue;
        c->best = s;
        c->cost = cost;
    }
}

static void look_at_interfaces(choice *c, const vonk__j_class *cls)
{
    for (uint32_t i = 0; i < cls->n_interfaces; i++) {
        look_at(c, cls->interfaces[i], false);
        look_at_interfaces(c, cls->interfaces[i]);
    }
}

void vonk__j_choose(vonk__j_machine *machine, const vonk__j_class *cls, vonk_str name, bool constructors,
                    const vonk__j_value *args, uint32_t n_args, const vonk__j_signature **ret)
{
    assert(cls);
    choice c = {.machine = machine, .name = name, .args = args, .n_args = n_args};
    if (constructors) {
        if (!(cls->row.flags & (VONK__J_INTERFACE | VONK__J_ABSTRACT))) look_at(&c, cls, true);
    } else {
        for (const vonk__j_class *k = cls; k; k = k->super) look_at(&c, k, false);
        for (const vonk__j_class *k = cls; k; k = k->super) look_at_interfaces(&c, k);
        if (cls->row.flags & VONK__J_INTERFACE) look_at(&c, vonk__j_class_named(machine, "java.lang.Object"), false);
    }
    *ret = c.best;
}

const vonk__j_signature *vonk__j_field(const vonk__j_class *cls, vonk_str name, vonk__j_role role)
{
    assert(cls);
    for (const vonk__j_class *k = cls; k; k = k->super)
        for (uint32_t i = 0; i < k->row.n_members; i++)
            if (k->row.members[i].role == role && vonk_str_is(name, k->row.members[i].name)) return &k->signatures[i];
    for (uint32_t i = 0; i < cls->n_interfaces; i++) {
        const vonk__j_signature *s = vonk__j_field(cls->interfaces[i], name, role);
        if (s) return s;
    }
    return cls->super && role == VONK__J_METHOD ? vonk__j_field(cls->super, name, role) : NULL;
}

bool vonk__j_has_member(const vonk__j_class *cls, vonk_str name, vonk__j_role role)
{
    return vonk__j_field(cls, name, role) != NULL;
}

/* ---- arguments as declared */

static vonk_status convert(vonk__j_caller *caller, const vonk__j_class *to, vonk__j_value *v, vonk_error *err)
{
    static const vonk__j_kind kinds[] = {VONK__J_NULL, VONK__J_I8,  VONK__J_I16, VONK__J_I32,
                                         VONK__J_I64,  VONK__J_F32, VONK__J_F64};
    const int want = rank(to);
    if (want && v->kind >= VONK__J_I8 && v->kind <= VONK__J_F64) {
        v->kind = kinds[want];
        if (want == 1) v->i = (int8_t)v->i;
        if (want == 2) v->i = (int16_t)v->i;
        if (want == 5) v->f = (float)v->f;
    } else if (v->kind == VONK__J_STRING &&
               (vonk_str_is(to->fqn, "char") || vonk_str_is(to->fqn, "java.lang.Character"))) {
        const vonk_str s = vonk__j_str(v);
        if (!s.len)
            return vonk__j_throw(caller, "java.lang.StringIndexOutOfBoundsException", err,
                                 "Index 0 out of bounds for length 0");
        const uint8_t *p = (const uint8_t *)s.data;
        const int64_t code = p[0] < 0x80 || s.len < 2   ? p[0]
                             : p[0] < 0xe0 || s.len < 3 ? (p[0] & 0x1f) << 6 | (p[1] & 0x3f)
                                                        : (p[0] & 0x0f) << 12 | (p[1] & 0x3f) << 6 | (p[2] & 0x3f);
        vonk__j_unref(v);
        *v = (vonk__j_value){.kind = VONK__J_CHAR, .i = code};
    }
    return VONK_OK;
}

vonk_status vonk__j_invoke(vonk__j_caller *caller, const vonk__j_class *cls, vonk__j_object *self,
                           const vonk__j_signature *signature, vonk__j_value *args, uint32_t n_args, vonk__j_value *ret,
                           vonk_error *err)
{
    vonk__j_call call = {.machine = caller->machine,
                         .caller = caller,
                         .member = signature->member,
                         .cls = cls,
                         .self = self,
                         .args = args,
                         .n_args = n_args,
                         .result = {.kind = VONK__J_VOID}};
    assert(!caller->thrown);
    for (uint32_t i = 0; i < n_args; i++) VONK_TRY(convert(caller, signature->args[i], &args[i], err));
    const bool guarded = cls->row.flags & VONK__J_GUARDED;
    if (guarded) vonk_mutex_lock(&caller->machine->guard);
    const vonk_status status = signature->member->call(&call, err);
    if (guarded) vonk_mutex_unlock(&caller->machine->guard);
    if (status != VONK_OK) {
        vonk__j_unref(&call.result);
        return status;
    }
    *ret = call.result;
    return VONK_OK;
}

/* ---- for members */

vonk_status vonk__j_need(vonk__j_call *call, uint32_t arg, vonk_error *err)
{
    if (call->args[arg].kind != VONK__J_NULL) return VONK_OK;
    return vonk__j_throw_bare(call->caller, "java.lang.NullPointerException", err);
}

vonk_status vonk__j_return_str(vonk__j_call *call, vonk_str text, vonk_error *err)
{
    vonk__j_value made;
    VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_STRING, text, &made, err));
    return vonk__j_return(call, made);
}
