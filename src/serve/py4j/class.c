/* serve/py4j/class.c -- rows become classes: names resolved, what is inherited filled in; arrays as they are asked for.
 */
#include "serve/py4j/py4j_int.h"

static const vonk__j_area *const areas[] = {
#define AREA(name) &vonk__j_area_##name,
#include "serve/py4j/area.def"
#undef AREA
};

static const struct {
    const char *name;
    char code;
} primitives[] = {{"boolean", 'Z'}, {"byte", 'B'},  {"char", 'C'},   {"short", 'S'}, {"int", 'I'},
                  {"long", 'J'},    {"float", 'F'}, {"double", 'D'}, {"void", 'V'}};

static vonk__j_class *lookup(vonk__j_machine *m, vonk_str fqn) { return vonk_strmap_get(m->classes, fqn); }

static vonk_status unknown_name(const char *row, vonk_str name, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                     VONK_F("class row %s names %.*s, which has none", row, VONK_STR_ARGS(name)));
}

/* ---- arrays; under the lock for writing */

static vonk_status make_array(vonk__j_machine *m, const vonk__j_class *element, vonk__j_class **ret, vonk_error *err)
{
    vonk_str fqn = {0};
    vonk__j_class *cls = NULL;
    if (element->row.flags & VONK__J_PRIMITIVE) {
        size_t i = 0;
        while (!vonk_str_is(element->fqn, primitives[i].name)) i++;
        VONK_TRY(vonk_arena_printf(m->arena, &fqn, err, "[%c", primitives[i].code));
    } else {
        VONK_TRY(vonk_arena_printf(m->arena, &fqn, err, element->element ? "[%.*s" : "[L%.*s;",
                                   VONK_STR_ARGS(element->fqn)));
    }
    *ret = lookup(m, fqn);
    if (*ret) return VONK_OK;
    VONK_TRY(VONK_ARENA_NEW(m->arena, &cls, err));
    *cls = *lookup(m, VONK_STR("[]"));
    cls->fqn = fqn;
    cls->element = element;
    *ret = cls;
    return vonk_strmap_put(m->classes, fqn, cls, NULL, err);
}

/* "String", "int[]", "java.util.List": as rows write it. *ret NULL: unknown. */
static vonk_status resolve(vonk__j_machine *m, vonk_str name, vonk__j_class **ret, vonk_error *err)
{
    char full[256];
    uint32_t dimensions = 0;
    for (; vonk_str_ends(name, VONK_STR("[]")) && name.len > 2; name.len -= 2) dimensions++;
    *ret = lookup(m, name);
    if (!*ret && vonk_str_find_byte(name, '.', 0) == SIZE_MAX) {
        vonk_format(full, sizeof full, "java.lang.%.*s", VONK_STR_ARGS(name));
        *ret = lookup(m, vonk_str_of(full));
    }
    for (; *ret && dimensions; dimensions--) {
        const vonk__j_class *element = *ret;
        VONK_TRY(make_array(m, element, ret, err));
    }
    return VONK_OK;
}

vonk_status vonk__j_array_class(vonk__j_machine *machine, const vonk__j_class *element, const vonk__j_class **ret,
                                vonk_error *err)
{
    vonk__j_class *made = NULL;
    vonk_rwlock_write(&machine->classes_lock);
    const vonk_status status = make_array(machine, element, &made, err);
    vonk_rwlock_unlock(&machine->classes_lock);
    *ret = made;
    return status;
}

/* "[[I", "[Ljava.lang.String;" */
static vonk_status find_array(vonk__j_machine *m, vonk_str fqn, vonk__j_class **ret, vonk_error *err)
{
    uint32_t dimensions = 0;
    vonk_str rest = fqn;
    *ret = NULL;
    for (; rest.len && rest.data[0] == '[' && dimensions < 255; rest = vonk_str_sub(rest, 1, rest.len)) dimensions++;
    if (rest.len > 2 && rest.data[0] == 'L' && vonk_str_ends(rest, VONK_STR(";"))) {
        *ret = lookup(m, vonk_str_sub(rest, 1, rest.len - 1));
        if (*ret && (*ret)->row.flags & VONK__J_PRIMITIVE) *ret = NULL;
    }
    for (size_t i = 0; rest.len == 1 && i < VONK_COUNTOF(primitives) - 1; i++)
        if (rest.data[0] == primitives[i].code) *ret = lookup(m, vonk_str_of(primitives[i].name));
    for (; *ret && dimensions; dimensions--) {
        const vonk__j_class *element = *ret;
        VONK_TRY(make_array(m, element, ret, err));
    }
    return VONK_OK;
}

vonk_status vonk__j_find_class(vonk__j_machine *machine, vonk_str fqn, const vonk__j_class **ret, vonk_error *err)
{
    vonk_status status = VONK_OK;
    vonk__j_class *made = NULL;
    vonk_rwlock_read(&machine->classes_lock);
    *ret = vonk_str_is(fqn, "[]") ? NULL : lookup(machine, fqn);
    vonk_rwlock_unlock(&machine->classes_lock);
    if (*ret || fqn.len < 2 || fqn.data[0] != '[') return VONK_OK;
    vonk_rwlock_write(&machine->classes_lock);
    status = find_array(machine, fqn, &made, err);
    vonk_rwlock_unlock(&machine->classes_lock);
    *ret = made;
    return status;
}

const vonk__j_class *vonk__j_class_named(vonk__j_machine *machine, const char *fqn)
{
    vonk_rwlock_read(&machine->classes_lock);
    const vonk__j_class *cls = lookup(machine, vonk_str_of(fqn));
    vonk_rwlock_unlock(&machine->classes_lock);
    assert(cls);
    return cls;
}

/* ---- relations */

/* Interfaces form no cycles and are few levels deep. */
static bool implements(const vonk__j_class *cls, const vonk__j_class *of)
{
    for (uint32_t i = 0; i < cls->n_interfaces; i++)
        if (cls->interfaces[i] == of || implements(cls->interfaces[i], of)) return true;
    return false;
}

bool vonk__j_is_a(const vonk__j_class *cls, const vonk__j_class *of)
{
    if (cls == of) return true;
    if (cls->element && of->element && !(cls->element->row.flags & VONK__J_PRIMITIVE))
        return vonk__j_is_a(cls->element, of->element);
    if (cls->row.flags & VONK__J_PRIMITIVE) return false;
    if (vonk_str_is(of->fqn, "java.lang.Object")) return true;
    for (const vonk__j_class *c = cls; c; c = c->super)
        if (c == of || implements(c, of)) return true;
    return false;
}

bool vonk__j_is(const vonk__j_object *object, const char *fqn)
{
    return vonk__j_is_a(object->cls, vonk__j_class_named(object->machine, fqn));
}

const vonk__j_class *vonk__j_class_of(vonk__j_machine *machine, const vonk__j_value *v)
{
    static const char *const boxes[] = {[VONK__J_BOOL] = "java.lang.Boolean",
                                        [VONK__J_I8] = "java.lang.Byte",
                                        [VONK__J_I16] = "java.lang.Short",
                                        [VONK__J_I32] = "java.lang.Integer",
                                        [VONK__J_I64] = "java.lang.Long",
                                        [VONK__J_F32] = "java.lang.Float",
                                        [VONK__J_F64] = "java.lang.Double",
                                        [VONK__J_CHAR] = "java.lang.Character",
                                        [VONK__J_DECIMAL] = "java.math.BigDecimal",
                                        [VONK__J_STRING] = "java.lang.String",
                                        [VONK__J_BYTES] = "[B"};
    if (v->kind == VONK__J_OBJECT) return v->object->cls;
    return v->kind == VONK__J_NULL || v->kind == VONK__J_VOID ? NULL : vonk__j_class_named(machine, boxes[v->kind]);
}

vonk_str vonk__j_simple_name(const vonk__j_class *cls)
{
    size_t at = cls->fqn.len;
    if (cls->fqn.len && cls->fqn.data[cls->fqn.len - 1] == '$') at--; /* a Scala object: its name ends so */
    while (at > 0 && cls->fqn.data[at - 1] != '.' && cls->fqn.data[at - 1] != '$') at--;
    return vonk_str_sub(cls->fqn, at, cls->fqn.len);
}

vonk_status vonk__j_add_class_name(const vonk__j_class *cls, bool is_short, vonk_buf *out, vonk_error *err)
{
    uint32_t dimensions = 0;
    for (; cls->element; cls = cls->element) dimensions++;
    const vonk_str name = is_short ? vonk__j_simple_name(cls) : cls->fqn;
    for (size_t i = 0; i < name.len; i++)
        VONK_TRY(vonk_buf_add_byte(out, name.data[i] == '$' && i + 1 < name.len ? '.' : name.data[i], err));
    for (; dimensions; dimensions--) VONK_TRY(vonk_buf_add_c(out, "[]", err));
    return VONK_OK;
}

/* ---- loading */

static vonk_status add_rows(vonk__j_machine *m, vonk_error *err)
{
    for (size_t a = 0; a < VONK_COUNTOF(areas); a++)
        for (uint32_t i = 0; i < areas[a]->n; i++) {
            const vonk__j_row *row = &areas[a]->rows[i];
            vonk__j_class *cls = NULL;
            void *old = NULL;
            VONK_TRY(VONK_ARENA_NEW(m->arena, &cls, err));
            cls->fqn = vonk_str_of(row->fqn);
            cls->row = *row;
            VONK_TRY(vonk_strmap_put(m->classes, cls->fqn, cls, &old, err));
            if (old) return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", VONK_F("two class rows %s", row->fqn));
        }
    return VONK_OK;
}

/* The next name of a list, without blanks; empty at the end. */
static vonk_str next_name(const char **at, char separator)
{
    while (**at == ' ' || **at == separator) (*at)++;
    const char *from = *at;
    while (**at && **at != separator) (*at)++;
    return vonk_str_trim((vonk_str){from, (size_t)(*at - from)});
}

static vonk_status link_class(vonk__j_machine *m, vonk__j_class *cls, vonk_error *err)
{
    const char *super = cls->row.super, *at = cls->row.interfaces ? cls->row.interfaces : "";
    vonk__j_class *of = NULL;
    if (!super && !(cls->row.flags & (VONK__J_INTERFACE | VONK__J_PRIMITIVE)) &&
        !vonk_str_is(cls->fqn, "java.lang.Object"))
        super = "java.lang.Object";
    if (super) {
        of = lookup(m, vonk_str_of(super));
        if (!of) return unknown_name(cls->row.fqn, vonk_str_of(super), err);
        cls->super = of;
    }
    VONK_TRY(vonk_arena_array(m->arena, strlen(at) / 2 + 1, sizeof(void *), &cls->interfaces, err));
    for (vonk_str name = next_name(&at, ' '); name.len; name = next_name(&at, ' ')) {
        of = lookup(m, name);
        if (!of) return unknown_name(cls->row.fqn, name, err);
        cls->interfaces[cls->n_interfaces++] = of;
    }
    return VONK_OK;
}

static vonk_status add_signatures(vonk__j_machine *m, vonk__j_class *cls, vonk_error *err)
{
    VONK_TRY(vonk_arena_array(m->arena, cls->row.n_members + 1, sizeof *cls->signatures, &cls->signatures, err));
    for (uint32_t i = 0; i < cls->row.n_members; i++) {
        vonk__j_signature *s = &cls->signatures[i];
        const char *at = cls->row.members[i].args ? cls->row.members[i].args : "";
        s->member = &cls->row.members[i];
        VONK_TRY(vonk_arena_array(m->arena, strlen(at) / 3 + 1, sizeof(void *), &s->args, err));
        for (vonk_str name; (name = next_name(&at, ',')).len;) {
            vonk__j_class *of = NULL;
            VONK_TRY(resolve(m, name, &of, err));
            if (!of) return unknown_name(cls->row.fqn, name, err);
            s->args[s->n_args++] = of;
        }
    }
    return VONK_OK;
}

static void inherit(vonk__j_class *cls)
{
    for (const vonk__j_class *c = cls->super; c; c = c->super) {
        vonk__j_row *row = &cls->row;
        const vonk__j_row *from = &c->row;
        if (!row->size) row->size = from->size;
        if (!row->drop) row->drop = from->drop;
        if (!row->text) row->text = from->text;
        if (!row->equals) row->equals = from->equals;
        if (!row->hash) row->hash = from->hash;
        row->flags |= from->flags & VONK__J_GUARDED;
    }
}

static void set_tag(vonk__j_machine *m, vonk__j_class *cls)
{
    static const struct {
        const char *fqn;
        char tag;
    } tags[] = {{"java.util.List", 'l'}, {"java.util.Map", 'a'}, {"java.util.Set", 'h'}, {"java.util.Iterator", 'g'}};
    cls->tag = vonk_str_is(cls->fqn, "[]") ? 't' : 'r';
    for (size_t i = 0; i < VONK_COUNTOF(tags) && cls->tag == 'r'; i++)
        if (vonk__j_is_a(cls, lookup(m, vonk_str_of(tags[i].fqn)))) cls->tag = tags[i].tag;
}

static vonk_status each_class(vonk__j_machine *m, vonk_status (*step)(vonk__j_machine *, vonk__j_class *, vonk_error *),
                              vonk_error *err)
{
    for (size_t a = 0; a < VONK_COUNTOF(areas); a++)
        for (uint32_t i = 0; i < areas[a]->n; i++)
            VONK_TRY(step(m, lookup(m, vonk_str_of(areas[a]->rows[i].fqn)), err));
    return VONK_OK;
}

static vonk_status finish_class(vonk__j_machine *m, vonk__j_class *cls, vonk_error *err)
{
    inherit(cls);
    set_tag(m, cls);
    (void)err;
    return VONK_OK;
}

vonk_status vonk__j_load_classes(vonk__j_machine *machine, vonk_error *err)
{
    VONK_TRY(add_rows(machine, err));
    VONK_TRY(each_class(machine, link_class, err));
    VONK_TRY(each_class(machine, finish_class, err));
    VONK_TRY(add_signatures(machine, lookup(machine, VONK_STR("[]")), err)); /* arrays are copies of this one */
    VONK_TRY(each_class(machine, add_signatures, err));
    vonk__j_class *bytes = NULL;
    return resolve(machine, VONK_STR("byte[]"), &bytes, err); /* the class of values that are bytes */
}
