/* serve/py4j/collection.c -- java.util.Collection and Iterator over anything that has elements. */
#include "serve/py4j/collection.h"

/* ---- elements */

static vonk_status copy_map_part(vonk__j_caller *caller, const vonk__j_map *map, vonk__j_part part, vonk__j_value *to,
                                 uint32_t *ret_n, vonk_error *err)
{
    for (vonk__j_entry *e = NULL; (e = vonk__j_map_next(map, e));) {
        if (part == VONK__J_ENTRIES)
            VONK_TRY(vonk__j_map_entry_object(caller->machine, e, &to[*ret_n], err));
        else
            to[*ret_n] = vonk__j_ref(part == VONK__J_KEYS ? e->key : e->value);
        (*ret_n)++;
    }
    return VONK_OK;
}

typedef struct iterator {
    vonk__j_object head;
    vonk__j_object *of;
    vonk__j_value *items;
    uint32_t n, at, changes;
    bool can_remove;
} iterator;
static void iterator_drop(vonk__j_object *self);

bool vonk__j_size_of(vonk__j_object *object, uint32_t *ret)
{
    vonk__j_list *list = vonk__j_as_list(object);
    vonk__j_array *array = vonk__j_as_array(object);
    vonk__j_map *map = vonk__j_as_map(object);
    vonk__j_view_of_map *view = vonk__j_as_map_view(object);
    if (view) map = view->map;
    if (!list && !array && !map) return false;
    *ret = list ? (uint32_t)list->items.n : array ? array->n : map->n;
    return true;
}

vonk_status vonk__j_elements(vonk__j_caller *caller, vonk__j_object *of, vonk_arena *arena, vonk__j_value **ret,
                             uint32_t *ret_n, bool *ret_known, vonk_error *err)
{
    uint32_t n = 0;
    const vonk__j_value *from = NULL;
    vonk__j_map *map = vonk__j_as_map(of);
    vonk__j_part part = VONK__J_KEYS;
    iterator *left = of->cls->row.drop == iterator_drop ? (iterator *)of : NULL;
    *ret_known = vonk__j_size_of(of, &n) || left;
    *ret_n = 0;
    if (!*ret_known) return VONK_OK;
    if (left) {
        n = left->n - left->at;
        from = left->items + left->at;
        left->at = left->n;
    } else if (vonk__j_as_list(of)) {
        from = vonk__j_as_list(of)->items.at;
    } else if (vonk__j_as_array(of)) {
        from = vonk__j_as_array(of)->items;
    } else if (vonk__j_as_map_view(of)) {
        map = vonk__j_as_map_view(of)->map;
        part = vonk__j_as_map_view(of)->part;
    } else if (vonk__j_is(of, "java.util.Map")) {
        part = VONK__J_ENTRIES;
    }
    VONK_TRY(vonk_arena_array(arena, n + 1, sizeof **ret, ret, err));
    if (!from && n) return copy_map_part(caller, map, part, *ret, ret_n, err);
    for (; *ret_n < n; ++*ret_n) (*ret)[*ret_n] = vonk__j_ref(from[*ret_n]);
    return VONK_OK;
}

uint32_t *vonk__j_changes(vonk__j_object *object)
{
    vonk__j_view_of_map *view = vonk__j_as_map_view(object);
    if (view) return &view->map->changes;
    if (vonk__j_as_list(object)) return &vonk__j_as_list(object)->changes;
    return vonk__j_as_map(object) ? &vonk__j_as_map(object)->changes : NULL;
}

/* Elements of an argument, for as long as the arena lives. */
typedef struct elements {
    vonk_arena *arena;
    vonk__j_value *at;
    uint32_t n;
} elements;
static void elements_done(elements *e)
{
    vonk__j_unref_all(e->at, e->n);
    vonk_arena_free(e->arena);
}
VONK_DEFINE_AUTO_DONE(elements, elements_done)

static vonk_status take_elements(vonk__j_caller *caller, const vonk__j_value *of, elements *ret, vonk_error *err)
{
    bool known = false;
    if (of->kind != VONK__J_OBJECT) return vonk__j_throw_bare(caller, "java.lang.NullPointerException", err);
    VONK_TRY(vonk_arena_new(caller->machine->budget, &ret->arena, err));
    VONK_TRY(vonk__j_elements(caller, of->object, ret->arena, &ret->at, &ret->n, &known, err));
    if (known) return VONK_OK;
    return vonk__j_throw(caller, "java.lang.UnsupportedOperationException", err, "%.*s has no elements here",
                         VONK_STR_ARGS(of->object->cls->fqn));
}

/* ---- text, equality, hash */

static vonk_status collection_text(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_buf *out,
                                   vonk_error *err)
{
    VONK_AUTO(elements_done) elements e = {0};
    const vonk__j_value me = {.kind = VONK__J_OBJECT, .object = self};
    VONK_TRY(take_elements(caller, &me, &e, err));
    VONK_TRY(vonk_buf_add_byte(out, '[', err));
    for (uint32_t i = 0; i < e.n; i++) {
        if (i) VONK_TRY(vonk_buf_add_c(out, ", ", err));
        if (e.at[i].kind == VONK__J_OBJECT && e.at[i].object == self)
            VONK_TRY(vonk_buf_add_c(out, "(this Collection)", err));
        else
            VONK_TRY(vonk__j_add_text(caller, &e.at[i], depth + 1, out, err));
    }
    return vonk_buf_add_byte(out, ']', err);
}

static vonk_status list_equals(vonk__j_caller *caller, vonk__j_object *self, vonk__j_object *other, uint32_t depth,
                               bool *ret, vonk_error *err)
{
    VONK_AUTO(elements_done) elements a = {0}, b = {0};
    const vonk__j_value x = {.kind = VONK__J_OBJECT, .object = self}, y = {.kind = VONK__J_OBJECT, .object = other};
    *ret = false;
    if (!vonk__j_is(other, "java.util.List")) return VONK_OK;
    VONK_TRY(take_elements(caller, &x, &a, err));
    VONK_TRY(take_elements(caller, &y, &b, err));
    *ret = a.n == b.n;
    for (uint32_t i = 0; i < a.n && *ret; i++)
        VONK_TRY(vonk__j_equals(caller, &a.at[i], &b.at[i], depth + 1, ret, err));
    return VONK_OK;
}

static vonk_status list_hash(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, int32_t *ret,
                             vonk_error *err)
{
    VONK_AUTO(elements_done) elements e = {0};
    const vonk__j_value me = {.kind = VONK__J_OBJECT, .object = self};
    uint32_t h = 1;
    int32_t one = 0;
    VONK_TRY(take_elements(caller, &me, &e, err));
    for (uint32_t i = 0; i < e.n; i++) {
        VONK_TRY(vonk__j_hash(caller, &e.at[i], depth + 1, &one, err));
        h = h * 31 + (uint32_t)one;
    }
    *ret = (int32_t)h;
    return VONK_OK;
}

static vonk_status set_equals(vonk__j_caller *caller, vonk__j_object *self, vonk__j_object *other, uint32_t depth,
                              bool *ret, vonk_error *err)
{
    VONK_AUTO(elements_done) elements e = {0};
    uint32_t n = 0, m = 0;
    const vonk__j_value me = {.kind = VONK__J_OBJECT, .object = self};
    (void)depth;
    *ret = vonk__j_is(other, "java.util.Set") && vonk__j_size_of(self, &n) && vonk__j_size_of(other, &m) && n == m;
    if (*ret) VONK_TRY(take_elements(caller, &me, &e, err));
    for (uint32_t i = 0; i < e.n && *ret; i++) VONK_TRY(vonk__j_holds(caller, other, &e.at[i], ret, err));
    return VONK_OK;
}

static vonk_status set_hash(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, int32_t *ret, vonk_error *err)
{
    VONK_AUTO(elements_done) elements e = {0};
    const vonk__j_value me = {.kind = VONK__J_OBJECT, .object = self};
    uint32_t h = 0;
    int32_t one = 0;
    VONK_TRY(take_elements(caller, &me, &e, err));
    for (uint32_t i = 0; i < e.n; i++) {
        VONK_TRY(vonk__j_hash(caller, &e.at[i], depth + 1, &one, err));
        h += (uint32_t)one;
    }
    *ret = (int32_t)h;
    return VONK_OK;
}

/* ---- searching, removing */

vonk_status vonk__j_holds(vonk__j_caller *caller, vonk__j_object *of, const vonk__j_value *v, bool *ret,
                          vonk_error *err)
{
    VONK_AUTO(elements_done) elements e = {0};
    vonk__j_view_of_map *view = vonk__j_as_map_view(of);
    vonk__j_map *map = view ? view->part == VONK__J_KEYS ? view->map : NULL : vonk__j_as_map(of);
    const vonk__j_value me = {.kind = VONK__J_OBJECT, .object = of};
    if (map) {
        vonk__j_entry *entry = NULL;
        VONK_TRY(vonk__j_map_find(caller, map, v, &entry, err));
        *ret = entry != NULL;
        return VONK_OK;
    }
    *ret = false;
    VONK_TRY(take_elements(caller, &me, &e, err));
    for (uint32_t i = 0; i < e.n && !*ret; i++) VONK_TRY(vonk__j_equals(caller, v, &e.at[i], 0, ret, err));
    return VONK_OK;
}

vonk_status vonk__j_remove_one(vonk__j_caller *caller, vonk__j_object *of, const vonk__j_value *v, bool *ret_had,
                               vonk_error *err)
{
    vonk__j_list *list = vonk__j_as_list(of);
    vonk__j_view_of_map *view = vonk__j_as_map_view(of);
    vonk__j_map *map = view ? view->map : vonk__j_as_map(of);
    vonk__j_entry *entry = NULL;
    *ret_had = false;
    if (list) {
        uint32_t at = 0;
        VONK_AUTO(vonk__j_unref) vonk__j_value old = VONK__J_NOTHING;
        VONK_TRY(vonk__j_list_find(caller, list, v, &at, err));
        *ret_had = at < list->items.n;
        return *ret_had ? vonk__j_list_remove(list, at, &old, err) : VONK_OK;
    }
    if (!map || (view && view->part == VONK__J_ENTRIES))
        return vonk__j_throw(caller, "java.lang.UnsupportedOperationException", err, "remove");
    if (view && view->part == VONK__J_VALUES) {
        for (bool equal = false; !equal && (entry = vonk__j_map_next(map, entry));)
            VONK_TRY(vonk__j_equals(caller, v, &entry->value, 0, &equal, err));
    } else {
        VONK_TRY(vonk__j_map_find(caller, map, v, &entry, err));
    }
    *ret_had = entry && vonk__j_map_remove(map, entry);
    return VONK_OK;
}

/* ---- iterators: over what was there; a change makes the next step fail, as in Java */

static void iterator_drop(vonk__j_object *self)
{
    iterator *it = (iterator *)self;
    vonk__j_object *object = it->of;
    vonk__j_value *items = it->items;
    const uint32_t n = it->n;
    it->of = NULL;
    it->items = NULL;
    it->n = it->at = 0;
    if (items) vonk__j_unref_all(items, n);
    vonk_free(items);
    vonk__j_object_unref(object);
}

static vonk_status iterate(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(elements_done) elements e = {0};
    VONK__J_AUTO iterator *it = NULL;
    const vonk__j_value me = {.kind = VONK__J_OBJECT, .object = call->self};
    VONK_TRY(take_elements(call->caller, &me, &e, err));
    VONK_TRY(vonk__j_object_new(call->machine, "java.util.Iterator$Live", &it, err));
    VONK_TRY(vonk_alloc_array(call->machine->budget, e.n + 1, sizeof *it->items, &it->items, err));
    if (e.n) memcpy(it->items, e.at, e.n * sizeof *e.at);
    it->n = e.n;
    e.n = 0;
    it->of = vonk__j_object_ref(call->self);
    if (vonk__j_changes(call->self)) it->changes = *vonk__j_changes(call->self);
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(it)->head));
}

static vonk_status has_next(vonk__j_call *call, vonk_error *err)
{
    const iterator *it = (iterator *)call->self;
    (void)err;
    return vonk__j_return(call, vonk__j_bool(it->at < it->n));
}

static vonk_status check_changes(vonk__j_call *call, const iterator *it, vonk_error *err)
{
    const uint32_t *changes = it->of ? vonk__j_changes(it->of) : NULL;
    if (!changes || *changes == it->changes) return VONK_OK;
    return vonk__j_throw_bare(call->caller, "java.util.ConcurrentModificationException", err);
}

static vonk_status next_element(vonk__j_call *call, vonk_error *err)
{
    iterator *it = (iterator *)call->self;
    VONK_TRY(check_changes(call, it, err));
    if (it->at == it->n) return vonk__j_throw_bare(call->caller, "java.util.NoSuchElementException", err);
    it->can_remove = true;
    return vonk__j_return(call, vonk__j_ref(it->items[it->at++]));
}

static vonk_status remove_last(vonk__j_call *call, vonk_error *err)
{
    bool had = false;
    iterator *it = (iterator *)call->self;
    VONK_TRY(check_changes(call, it, err));
    if (!it->can_remove) return vonk__j_throw_bare(call->caller, "java.lang.IllegalStateException", err);
    vonk__j_list *list = vonk__j_as_list(it->of);
    if (list) {
        VONK_AUTO(vonk__j_unref) vonk__j_value old = VONK__J_NOTHING;
        const uint32_t gone = it->n - (uint32_t)list->items.n; /* removed before */
        VONK_TRY(vonk__j_list_remove(list, it->at - 1 - gone, &old, err));
    } else {
        VONK_TRY(vonk__j_remove_one(call->caller, it->of, &it->items[it->at - 1], &had, err));
    }
    it->can_remove = false;
    it->changes = *vonk__j_changes(it->of);
    return VONK_OK;
}

/* ---- java.util.Collection */

static vonk_status m_size(vonk__j_call *call, vonk_error *err)
{
    uint32_t n = 0;
    (void)err;
    vonk__j_size_of(call->self, &n);
    return vonk__j_return(call, call->member->tag ? vonk__j_bool(n == 0) : vonk__j_i32((int32_t)n));
}
static vonk_status m_contains(vonk__j_call *call, vonk_error *err)
{
    bool holds = false;
    VONK_TRY(vonk__j_holds(call->caller, call->self, &call->args[0], &holds, err));
    return vonk__j_return(call, vonk__j_bool(holds));
}
static vonk_status m_contains_all(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(elements_done) elements e = {0};
    bool holds = true;
    VONK_TRY(take_elements(call->caller, &call->args[0], &e, err));
    for (uint32_t i = 0; i < e.n && holds; i++)
        VONK_TRY(vonk__j_holds(call->caller, call->self, &e.at[i], &holds, err));
    return vonk__j_return(call, vonk__j_bool(holds));
}
static vonk_status m_remove(vonk__j_call *call, vonk_error *err)
{
    bool had = false;
    VONK_TRY(vonk__j_remove_one(call->caller, call->self, &call->args[0], &had, err));
    return vonk__j_return(call, vonk__j_bool(had));
}

/* removeAll (tag 0), retainAll (1): those of self that are, or are not, in the argument. */
static vonk_status m_keep(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(elements_done) elements mine = {0};
    const vonk__j_value me = {.kind = VONK__J_OBJECT, .object = call->self};
    bool changed = false, holds = false, had = false;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(take_elements(call->caller, &me, &mine, err));
    for (uint32_t i = 0; i < mine.n; i++) {
        VONK_TRY(vonk__j_holds(call->caller, call->args[0].object, &mine.at[i], &holds, err));
        if (holds == (call->member->tag == 1)) continue;
        VONK_TRY(vonk__j_remove_one(call->caller, call->self, &mine.at[i], &had, err));
        changed |= had;
    }
    return vonk__j_return(call, vonk__j_bool(changed));
}

static vonk_status m_clear(vonk__j_call *call, vonk_error *err)
{
    vonk__j_list *list = vonk__j_as_list(call->self);
    vonk__j_view_of_map *view = vonk__j_as_map_view(call->self);
    vonk__j_map *map = view ? view->map : vonk__j_as_map(call->self);
    (void)err;
    if (map) vonk__j_map_clear(map);
    if (!list) return VONK_OK;
    list->changes++;
    while (list->items.n) vonk__j_unref(&list->items.at[--list->items.n]);
    return VONK_OK;
}

static vonk_status m_to_array(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(elements_done) elements e = {0};
    vonk__j_array *array = NULL;
    const vonk__j_value me = {.kind = VONK__J_OBJECT, .object = call->self};
    VONK_TRY(take_elements(call->caller, &me, &e, err));
    VONK_TRY(
        vonk__j_array_new(call->machine, vonk__j_class_named(call->machine, "java.lang.Object"), e.n, &array, err));
    if (e.n) memcpy(array->items, e.at, e.n * sizeof *e.at);
    e.n = 0;
    return vonk__j_return(call, vonk__j_of(&array->head));
}

static vonk_status m_for_each(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(elements_done) elements e = {0};
    const vonk__j_value me = {.kind = VONK__J_OBJECT, .object = call->self};
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(take_elements(call->caller, &me, &e, err));
    for (uint32_t i = 0; i < e.n; i++) {
        VONK_AUTO(vonk__j_unref) vonk__j_value nothing = VONK__J_NOTHING;
        VONK_TRY(vonk__j_apply(call->caller, call->args[0].object, "accept", &e.at[i], 1, &nothing, err));
    }
    return VONK_OK;
}

static vonk_status m_remove_if(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(elements_done) elements e = {0};
    const vonk__j_value me = {.kind = VONK__J_OBJECT, .object = call->self};
    bool changed = false, had = false;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(take_elements(call->caller, &me, &e, err));
    for (uint32_t i = 0; i < e.n; i++) {
        VONK_AUTO(vonk__j_unref) vonk__j_value answer = VONK__J_NOTHING;
        VONK_TRY(vonk__j_apply(call->caller, call->args[0].object, "test", &e.at[i], 1, &answer, err));
        if (answer.kind != VONK__J_BOOL || !answer.i) continue;
        VONK_TRY(vonk__j_remove_one(call->caller, call->self, &e.at[i], &had, err));
        changed |= had;
    }
    return vonk__j_return(call, vonk__j_bool(changed));
}

const vonk__j_member vonk__j_collection_members[] = {
    {"size", "", "int", m_size, VONK__J_METHOD, 0},
    {"isEmpty", "", "boolean", m_size, VONK__J_METHOD, 1},
    {"contains", "Object", "boolean", m_contains, VONK__J_METHOD, 0},
    {"containsAll", "java.util.Collection", "boolean", m_contains_all, VONK__J_METHOD, 0},
    {"remove", "Object", "boolean", m_remove, VONK__J_METHOD, 0},
    {"removeAll", "java.util.Collection", "boolean", m_keep, VONK__J_METHOD, 0},
    {"retainAll", "java.util.Collection", "boolean", m_keep, VONK__J_METHOD, 1},
    {"removeIf", "java.util.function.Predicate", "boolean", m_remove_if, VONK__J_METHOD, 0},
    {"clear", "", "void", m_clear, VONK__J_METHOD, 0},
    {"iterator", "", "java.util.Iterator", iterate, VONK__J_METHOD, 0},
    {"forEach", "java.util.function.Consumer", "void", m_for_each, VONK__J_METHOD, 0},
    {"toArray", "", "Object[]", m_to_array, VONK__J_METHOD, 0},
};
const uint32_t vonk__j_n_collection_members = VONK_COUNTOF(vonk__j_collection_members);

static const vonk__j_member iterator_members[] = {
    {"hasNext", "", "boolean", has_next, VONK__J_METHOD, 0},
    {"next", "", "Object", next_element, VONK__J_METHOD, 0},
    {"remove", "", "void", remove_last, VONK__J_METHOD, 0},
};

#define INTERFACE(name, above) {.fqn = (name), .interfaces = (above), .flags = VONK__J_INTERFACE}
static const vonk__j_row rows[] = {
    INTERFACE("java.util.Iterator", NULL),
    INTERFACE("java.util.Collection", "java.lang.Iterable"),
    INTERFACE("java.util.List", "java.util.Collection"),
    INTERFACE("java.util.Set", "java.util.Collection"),
    INTERFACE("java.util.Queue", "java.util.Collection"),
    INTERFACE("java.util.Deque", "java.util.Queue"),
    INTERFACE("java.util.RandomAccess", NULL),
    {.fqn = "java.util.Iterator$Live",
     .interfaces = "java.util.Iterator",
     .flags = VONK__J_GUARDED | VONK__J_ABSTRACT,
     VONK__J_MEMBERS(iterator_members),
     .size = sizeof(iterator),
     .drop = iterator_drop},
    {.fqn = "java.util.AbstractCollection",
     .interfaces = "java.util.Collection",
     .flags = VONK__J_ABSTRACT | VONK__J_GUARDED,
     VONK__J_MEMBERS(vonk__j_collection_members),
     .text = collection_text},
    {.fqn = "java.util.AbstractList",
     .super = "java.util.AbstractCollection",
     .interfaces = "java.util.List",
     .flags = VONK__J_ABSTRACT,
     .equals = list_equals,
     .hash = list_hash},
    {.fqn = "java.util.AbstractSet",
     .super = "java.util.AbstractCollection",
     .interfaces = "java.util.Set",
     .flags = VONK__J_ABSTRACT,
     .equals = set_equals,
     .hash = set_hash},
};
const vonk__j_area vonk__j_area_collection = {rows, VONK_COUNTOF(rows)};
