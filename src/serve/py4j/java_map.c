/* serve/py4j/java_map.c -- java.util's hash maps and sets, in Java's own order: buckets by the same hash, doubled at
 * three quarters, entries of a bucket in the order of their coming. The linked ones keep the order of insertion. */
#include "serve/py4j/collection.h"

enum { LEAST_BUCKETS = 16, MOST_BUCKETS = 1 << 30 };

void vonk__j_map_drop(vonk__j_object *self) { vonk__j_map_clear((vonk__j_map *)self); }
static void view_drop(vonk__j_object *self)
{
    vonk__j_view_of_map *view = (vonk__j_view_of_map *)self;
    vonk__j_map *map = view->map;
    view->map = NULL;
    vonk__j_object_unref(map);
}
vonk__j_map *vonk__j_as_map(vonk__j_object *object)
{
    return object->cls->row.drop == vonk__j_map_drop ? (vonk__j_map *)object : NULL;
}
vonk__j_view_of_map *vonk__j_as_map_view(vonk__j_object *object)
{
    return object->cls->row.drop == view_drop ? (vonk__j_view_of_map *)object : NULL;
}

vonk_status vonk__j_map_new(vonk__j_machine *machine, const char *fqn, vonk__j_map **ret, vonk_error *err)
{
    return vonk__j_object_new(machine, fqn, ret, err);
}

static void free_entry(vonk__j_entry *entry)
{
    vonk__j_unref(&entry->key);
    vonk__j_unref(&entry->value);
    vonk_free(entry);
}

void vonk__j_map_clear(vonk__j_map *map)
{
    vonk__j_entry *entry = map->first;
    vonk_free(map->buckets);
    map->buckets = NULL;
    map->first = map->last = NULL;
    map->n = map->n_buckets = 0;
    map->changes++;
    while (entry) {
        vonk__j_entry *next = entry->after;
        free_entry(entry);
        entry = next;
    }
}

/* ---- the table */

static vonk_status grow(vonk__j_map *map, vonk_error *err)
{
    const uint32_t n = map->n_buckets ? map->n_buckets * 2 : LEAST_BUCKETS;
    vonk__j_entry **buckets = NULL;
    if (map->n_buckets >= MOST_BUCKETS) return VONK_OK;
    VONK_TRY(vonk_alloc_zeroed(map->head.machine->budget, (size_t)n * sizeof(void *), &buckets, err));
    for (uint32_t i = 0; i < map->n_buckets; i++)
        for (vonk__j_entry *e = map->buckets[i], *next = NULL; e; e = next) {
            vonk__j_entry **to = &buckets[(uint32_t)e->hash & (n - 1)];
            next = e->chain;
            while (*to) to = &(*to)->chain;
            e->chain = NULL;
            *to = e;
        }
    vonk_free(map->buckets);
    map->buckets = buckets;
    map->n_buckets = n;
    return VONK_OK;
}

static vonk_status spread_hash(vonk__j_caller *caller, const vonk__j_value *key, int32_t *ret, vonk_error *err)
{
    VONK_TRY(vonk__j_hash(caller, key, 0, ret, err));
    *ret = (int32_t)((uint32_t)*ret ^ (uint32_t)*ret >> 16);
    return VONK_OK;
}

static vonk_status find(vonk__j_caller *caller, const vonk__j_map *map, const vonk__j_value *key, int32_t hash,
                        vonk__j_entry **ret, vonk_error *err)
{
    bool equal = false;
    *ret = map->n_buckets ? map->buckets[(uint32_t)hash & (map->n_buckets - 1)] : NULL;
    for (; *ret; *ret = (*ret)->chain) {
        if ((*ret)->hash != hash) continue;
        VONK_TRY(vonk__j_equals(caller, key, &(*ret)->key, 0, &equal, err));
        if (equal) break;
    }
    return VONK_OK;
}

vonk_status vonk__j_map_find(vonk__j_caller *caller, const vonk__j_map *map, const vonk__j_value *key,
                             vonk__j_entry **ret, vonk_error *err)
{
    int32_t hash = 0;
    *ret = NULL;
    VONK_TRY(spread_hash(caller, key, &hash, err));
    return find(caller, map, key, hash, ret, err);
}

static vonk_status add_entry(vonk__j_map *map, vonk__j_value key, vonk__j_value value, int32_t hash, vonk_error *err)
{
    vonk__j_entry *e = NULL;
    if (!map->n_buckets) VONK_TRY(grow(map, err));
    VONK_TRY(VONK_NEW(map->head.machine->budget, &e, err));
    e->key = key;
    e->value = value;
    e->hash = hash;
    vonk__j_entry **to = &map->buckets[(uint32_t)hash & (map->n_buckets - 1)];
    while (*to) to = &(*to)->chain;
    *to = e;
    e->before = map->last;
    if (map->last)
        map->last->after = e;
    else
        map->first = e;
    map->last = e;
    map->changes++;
    if (++map->n <= map->n_buckets / 4 * 3) return VONK_OK;
    VONK_AUTO(vonk_error_reset) vonk_error full = VONK_ERROR_INIT;
    vonk_status status = grow(map, &full); /* without room for more buckets the old ones do */
    (void)status;
    return VONK_OK;
}

/* What a variable holds belongs to somebody else now, and it to what is given. */
static void hand_over(vonk__j_value *v, vonk__j_value take) { *v = take; }
static void forget(vonk__j_value *v) { hand_over(v, VONK__J_NOTHING); }

vonk_status vonk__j_map_put(vonk__j_caller *caller, vonk__j_map *map, vonk__j_value take_key, vonk__j_value take_value,
                            vonk__j_value *ret_old, vonk_error *err)
{
    VONK_AUTO(vonk__j_unref) vonk__j_value key = take_key, value = take_value;
    vonk__j_entry *entry = NULL;
    int32_t hash = 0;
    if (ret_old) *ret_old = VONK__J_NOTHING;
    VONK_TRY(spread_hash(caller, &key, &hash, err));
    VONK_TRY(find(caller, map, &key, hash, &entry, err));
    if (!entry) {
        VONK_TRY(add_entry(map, key, value, hash, err));
        forget(&key); /* the map has both now */
        forget(&value);
        return VONK_OK;
    }
    const vonk__j_value old = entry->value;
    entry->value = value;
    if (ret_old) {
        *ret_old = old;
        forget(&value);
    } else {
        hand_over(&value, old);
    }
    return VONK_OK;
}

bool vonk__j_map_remove(vonk__j_map *map, vonk__j_entry *entry)
{
    vonk__j_entry **at = &map->buckets[(uint32_t)entry->hash & (map->n_buckets - 1)];
    while (*at != entry) at = &(*at)->chain;
    *at = entry->chain;
    *(entry->before ? &entry->before->after : &map->first) = entry->after;
    *(entry->after ? &entry->after->before : &map->last) = entry->before;
    map->n--;
    map->changes++;
    free_entry(entry);
    return true;
}

static bool is_linked(const vonk__j_map *map)
{
    const vonk_str fqn = map->head.cls->fqn;
    return vonk_str_starts(fqn, VONK_STR("java.util.Linked")) || vonk_str_starts(fqn, VONK_STR("java.util.Prop")) ||
           vonk_str_starts(fqn, VONK_STR("scala."));
}

vonk__j_entry *vonk__j_map_next(const vonk__j_map *map, const vonk__j_entry *entry)
{
    if (is_linked(map)) return entry ? entry->after : map->first;
    if (entry && entry->chain) return entry->chain;
    uint32_t i = entry ? ((uint32_t)entry->hash & (map->n_buckets - 1)) + 1 : 0;
    while (i < map->n_buckets && !map->buckets[i]) i++;
    return i < map->n_buckets ? map->buckets[i] : NULL;
}

vonk_status vonk__j_map_put_text(vonk__j_caller *caller, vonk__j_map *map, vonk_str key, vonk_str value,
                                 vonk_error *err)
{
    vonk_budget *budget = map->head.machine->budget;
    VONK_AUTO(vonk__j_unref) vonk__j_value k = VONK__J_NOTHING;
    vonk__j_value v;
    VONK_TRY(vonk__j_text_value(budget, VONK__J_STRING, key, &k, err));
    VONK_TRY(vonk__j_text_value(budget, VONK__J_STRING, value, &v, err));
    vonk__j_value taken = k;
    k = VONK__J_NOTHING;
    return vonk__j_map_put(caller, map, taken, v, NULL, err);
}

vonk_str vonk__j_map_get_text(vonk__j_map *map, vonk_str key)
{
    const uint32_t plain = (uint32_t)vonk__j_hash_text(key);
    const int32_t hash = (int32_t)(plain ^ plain >> 16);
    vonk__j_entry *e = map->n_buckets ? map->buckets[(uint32_t)hash & (map->n_buckets - 1)] : NULL;
    for (; e; e = e->chain)
        if (e->hash == hash && e->key.kind == VONK__J_STRING && vonk_str_eq(vonk__j_str(&e->key), key)) break;
    return e ? vonk__j_str(&e->value) : VONK_STR_NONE;
}

/* ---- entries as objects */

typedef struct pair {
    vonk__j_object head;
    vonk__j_value key, value;
} pair;
static void pair_drop(vonk__j_object *self)
{
    vonk__j_unref(&((pair *)self)->key);
    vonk__j_unref(&((pair *)self)->value);
}
vonk_status vonk__j_map_entry_object(vonk__j_machine *machine, const vonk__j_entry *entry, vonk__j_value *ret,
                                     vonk_error *err)
{
    pair *made = NULL;
    VONK_TRY(vonk__j_object_new(machine, "java.util.AbstractMap$SimpleImmutableEntry", &made, err));
    made->key = vonk__j_ref(entry->key);
    made->value = vonk__j_ref(entry->value);
    *ret = vonk__j_of(&made->head);
    return VONK_OK;
}
static vonk_status pair_get(vonk__j_call *call, vonk_error *err)
{
    const pair *p = (pair *)call->self;
    (void)err;
    return vonk__j_return(call, vonk__j_ref(call->member->tag ? p->value : p->key));
}
static vonk_status pair_new(vonk__j_call *call, vonk_error *err)
{
    const vonk__j_entry entry = {.key = call->args[0], .value = call->args[1]};
    return vonk__j_map_entry_object(call->machine, &entry, &call->result, err);
}
static vonk_status add_pair(vonk__j_caller *caller, const vonk__j_value *key, const vonk__j_value *value,
                            const vonk__j_object *self, uint32_t depth, vonk_buf *out, vonk_error *err)
{
    const vonk__j_value *both[2] = {key, value};
    for (int i = 0; i < 2; i++) {
        if (i) VONK_TRY(vonk_buf_add_byte(out, '=', err));
        if (both[i]->kind == VONK__J_OBJECT && both[i]->object == self)
            VONK_TRY(vonk_buf_add_c(out, "(this Map)", err));
        else
            VONK_TRY(vonk__j_add_text(caller, both[i], depth + 1, out, err));
    }
    return VONK_OK;
}
static vonk_status pair_text(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_buf *out,
                             vonk_error *err)
{
    return add_pair(caller, &((pair *)self)->key, &((pair *)self)->value, NULL, depth, out, err);
}
static vonk_status pair_equals(vonk__j_caller *caller, vonk__j_object *self, vonk__j_object *other, uint32_t depth,
                               bool *ret, vonk_error *err)
{
    *ret = other->cls->row.drop == pair_drop;
    if (*ret) VONK_TRY(vonk__j_equals(caller, &((pair *)self)->key, &((pair *)other)->key, depth + 1, ret, err));
    if (*ret) VONK_TRY(vonk__j_equals(caller, &((pair *)self)->value, &((pair *)other)->value, depth + 1, ret, err));
    return VONK_OK;
}
static vonk_status hash_both(vonk__j_caller *caller, const vonk__j_value *a, const vonk__j_value *b, uint32_t depth,
                             int32_t *ret, vonk_error *err)
{
    int32_t x = 0, y = 0;
    VONK_TRY(vonk__j_hash(caller, a, depth + 1, &x, err));
    VONK_TRY(vonk__j_hash(caller, b, depth + 1, &y, err));
    *ret = x ^ y;
    return VONK_OK;
}
static vonk_status pair_hash(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, int32_t *ret,
                             vonk_error *err)
{
    return hash_both(caller, &((pair *)self)->key, &((pair *)self)->value, depth, ret, err);
}
static const vonk__j_member pair_members[] = {
    {"new", "Object, Object", "", pair_new, VONK__J_CONSTRUCTOR, 0},
    {"getKey", "", "Object", pair_get, VONK__J_METHOD, 0},
    {"getValue", "", "Object", pair_get, VONK__J_METHOD, 1},
};

/* ---- java.util.Map */

static vonk_status map_text(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_buf *out,
                            vonk_error *err)
{
    const vonk__j_map *map = (vonk__j_map *)self;
    VONK_TRY(vonk_buf_add_byte(out, '{', err));
    for (vonk__j_entry *e = NULL, *before = NULL; (e = vonk__j_map_next(map, e)); before = e) {
        if (before) VONK_TRY(vonk_buf_add_c(out, ", ", err));
        VONK_TRY(add_pair(caller, &e->key, &e->value, self, depth, out, err));
    }
    return vonk_buf_add_byte(out, '}', err);
}

static vonk_status map_equals(vonk__j_caller *caller, vonk__j_object *self, vonk__j_object *other, uint32_t depth,
                              bool *ret, vonk_error *err)
{
    const vonk__j_map *a = (vonk__j_map *)self, *b = vonk__j_as_map(other);
    *ret = b && vonk__j_is(other, "java.util.Map") && a->n == b->n;
    for (vonk__j_entry *e = NULL, *found = NULL; *ret && (e = vonk__j_map_next(a, e));) {
        VONK_TRY(vonk__j_map_find(caller, b, &e->key, &found, err));
        *ret = found != NULL;
        if (found) VONK_TRY(vonk__j_equals(caller, &e->value, &found->value, depth + 1, ret, err));
    }
    return VONK_OK;
}

static vonk_status map_hash(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, int32_t *ret, vonk_error *err)
{
    uint32_t sum = 0;
    int32_t one = 0;
    for (vonk__j_entry *e = NULL; (e = vonk__j_map_next((vonk__j_map *)self, e));) {
        VONK_TRY(hash_both(caller, &e->key, &e->value, depth, &one, err));
        sum += (uint32_t)one;
    }
    *ret = (int32_t)sum;
    return VONK_OK;
}

static vonk__j_map *self_map(const vonk__j_call *call) { return (vonk__j_map *)call->self; }

static vonk_status put_all(vonk__j_call *call, vonk__j_map *map, const vonk__j_value *from, vonk_error *err)
{
    if (from->kind != VONK__J_OBJECT) return vonk__j_throw_bare(call->caller, "java.lang.NullPointerException", err);
    const vonk__j_map *other = vonk__j_as_map(from->object);
    if (!other) return vonk__j_throw_bare(call->caller, "java.lang.UnsupportedOperationException", err);
    for (vonk__j_entry *e = NULL; other != map && (e = vonk__j_map_next(other, e));)
        VONK_TRY(vonk__j_map_put(call->caller, map, vonk__j_ref(e->key), vonk__j_ref(e->value), NULL, err));
    return VONK_OK;
}

static vonk_status map_new(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_map *map = NULL;
    VONK_TRY(vonk__j_object_of(call->machine, call->cls, &map, err));
    if (call->n_args && call->args[0].kind != VONK__J_I32) VONK_TRY(put_all(call, map, &call->args[0], err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(map)->head));
}

enum { PUT, PUT_ABSENT, GET, GET_OR, REMOVE };
static vonk_status map_access(vonk__j_call *call, vonk_error *err)
{
    vonk__j_map *map = self_map(call);
    vonk__j_entry *entry = NULL;
    const int32_t what = call->member->tag;
    if (vonk_str_starts(call->cls->fqn, VONK_STR("java.util.Prop")) && (what == PUT || what == PUT_ABSENT)) {
        VONK_TRY(vonk__j_need(call, 0, err));
        VONK_TRY(vonk__j_need(call, 1, err));
    }
    if (what == PUT) {
        vonk__j_value old = VONK__J_NOTHING;
        VONK_TRY(vonk__j_map_put(call->caller, map, vonk__j_ref(call->args[0]), vonk__j_ref(call->args[1]), &old, err));
        return vonk__j_return(call, old);
    }
    VONK_TRY(vonk__j_map_find(call->caller, map, &call->args[0], &entry, err));
    call->result = entry                                ? vonk__j_ref(entry->value)
                   : what == GET_OR && call->n_args > 1 ? vonk__j_ref(call->args[1])
                                                        : VONK__J_NOTHING;
    if (what == REMOVE && entry) vonk__j_map_remove(map, entry);
    if (what == PUT_ABSENT && !entry)
        return vonk__j_map_put(call->caller, map, vonk__j_ref(call->args[0]), vonk__j_ref(call->args[1]), NULL, err);
    return VONK_OK;
}
static vonk_status map_holds(vonk__j_call *call, vonk_error *err)
{
    vonk__j_entry *e = NULL;
    bool equal = false;
    if (call->member->tag == 0) {
        VONK_TRY(vonk__j_map_find(call->caller, self_map(call), &call->args[0], &e, err));
        return vonk__j_return(call, vonk__j_bool(e != NULL));
    }
    while (!equal && (e = vonk__j_map_next(self_map(call), e)))
        VONK_TRY(vonk__j_equals(call->caller, &call->args[0], &e->value, 0, &equal, err));
    return vonk__j_return(call, vonk__j_bool(equal));
}
static vonk_status map_put_all(vonk__j_call *call, vonk_error *err)
{
    return put_all(call, self_map(call), &call->args[0], err);
}
static vonk_status map_size(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    const uint32_t n = self_map(call)->n;
    return vonk__j_return(call, call->member->tag ? vonk__j_bool(n == 0) : vonk__j_i32((int32_t)n));
}
static vonk_status map_clear(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    vonk__j_map_clear(self_map(call));
    return VONK_OK;
}
static vonk_status map_view(vonk__j_call *call, vonk_error *err)
{
    static const char *const names[] = {[VONK__J_KEYS] = "java.util.HashMap$KeySet",
                                        [VONK__J_VALUES] = "java.util.HashMap$Values",
                                        [VONK__J_ENTRIES] = "java.util.HashMap$EntrySet"};
    vonk__j_view_of_map *view = NULL;
    VONK_TRY(vonk__j_object_new(call->machine, names[call->member->tag], &view, err));
    view->map = (vonk__j_map *)vonk__j_object_ref(call->self);
    view->part = (vonk__j_part)call->member->tag;
    return vonk__j_return(call, vonk__j_of(&view->head));
}
static vonk_status map_clone(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_map *made = NULL;
    const vonk__j_value me = {.kind = VONK__J_OBJECT, .object = call->self};
    VONK_TRY(vonk__j_object_of(call->machine, call->cls, &made, err));
    VONK_TRY(put_all(call, made, &me, err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(made)->head));
}

static const vonk__j_member map_members[] = {
    {"new", "", "", map_new, VONK__J_CONSTRUCTOR, 0},
    {"new", "int", "", map_new, VONK__J_CONSTRUCTOR, 0},
    {"new", "java.util.Map", "", map_new, VONK__J_CONSTRUCTOR, 0},
    {"put", "Object, Object", "Object", map_access, VONK__J_METHOD, PUT},
    {"putIfAbsent", "Object, Object", "Object", map_access, VONK__J_METHOD, PUT_ABSENT},
    {"get", "Object", "Object", map_access, VONK__J_METHOD, GET},
    {"getOrDefault", "Object, Object", "Object", map_access, VONK__J_METHOD, GET_OR},
    {"remove", "Object", "Object", map_access, VONK__J_METHOD, REMOVE},
    {"containsKey", "Object", "boolean", map_holds, VONK__J_METHOD, 0},
    {"containsValue", "Object", "boolean", map_holds, VONK__J_METHOD, 1},
    {"putAll", "java.util.Map", "void", map_put_all, VONK__J_METHOD, 0},
    {"size", "", "int", map_size, VONK__J_METHOD, 0},
    {"isEmpty", "", "boolean", map_size, VONK__J_METHOD, 1},
    {"clear", "", "void", map_clear, VONK__J_METHOD, 0},
    {"keySet", "", "java.util.Set", map_view, VONK__J_METHOD, VONK__J_KEYS},
    {"values", "", "java.util.Collection", map_view, VONK__J_METHOD, VONK__J_VALUES},
    {"entrySet", "", "java.util.Set", map_view, VONK__J_METHOD, VONK__J_ENTRIES},
    {"clone", "", "Object", map_clone, VONK__J_METHOD, 0},
};
static const vonk__j_member properties_members[] = {
    {"new", "", "", map_new, VONK__J_CONSTRUCTOR, 0},
    {"getProperty", "String", "String", map_access, VONK__J_METHOD, GET},
    {"getProperty", "String, String", "String", map_access, VONK__J_METHOD, GET_OR},
    {"setProperty", "String, String", "Object", map_access, VONK__J_METHOD, PUT},
    {"stringPropertyNames", "", "java.util.Set", map_view, VONK__J_METHOD, VONK__J_KEYS},
};

/* ---- sets: maps of keys */

static vonk_status add_to_set(vonk__j_caller *caller, vonk__j_map *set, const vonk__j_value *v, bool *ret_new,
                              vonk_error *err)
{
    const uint32_t n = set->n;
    VONK_TRY(vonk__j_map_put(caller, set, vonk__j_ref(*v), VONK__J_NOTHING, NULL, err));
    *ret_new = set->n > n;
    return VONK_OK;
}
static vonk_status add_all(vonk__j_call *call, vonk__j_map *set, const vonk__j_value *from, bool *ret_changed,
                           vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk__j_value *items = NULL;
    uint32_t n = 0;
    bool known = false, is_new = false;
    if (from->kind != VONK__J_OBJECT) return vonk__j_throw_bare(call->caller, "java.lang.NullPointerException", err);
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    VONK_TRY(vonk__j_elements(call->caller, from->object, arena, &items, &n, &known, err));
    vonk_status status = VONK_OK;
    for (uint32_t i = 0; i < n && status == VONK_OK; i++) {
        status = add_to_set(call->caller, set, &items[i], &is_new, err);
        *ret_changed |= is_new;
    }
    vonk__j_unref_all(items, n);
    return status;
}
static vonk_status set_new(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_map *set = NULL;
    bool changed = false;
    VONK_TRY(vonk__j_object_of(call->machine, call->cls, &set, err));
    if (call->n_args && call->args[0].kind != VONK__J_I32) VONK_TRY(add_all(call, set, &call->args[0], &changed, err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(set)->head));
}
static vonk_status set_add(vonk__j_call *call, vonk_error *err)
{
    bool is_new = false;
    VONK_TRY(call->member->tag ? add_all(call, self_map(call), &call->args[0], &is_new, err)
                               : add_to_set(call->caller, self_map(call), &call->args[0], &is_new, err));
    return vonk__j_return(call, vonk__j_bool(is_new));
}
static vonk_status set_clone(vonk__j_call *call, vonk_error *err) { return map_clone(call, err); }

static const vonk__j_member set_members[] = {
    {"new", "", "", set_new, VONK__J_CONSTRUCTOR, 0},
    {"new", "int", "", set_new, VONK__J_CONSTRUCTOR, 0},
    {"new", "java.util.Collection", "", set_new, VONK__J_CONSTRUCTOR, 0},
    {"add", "Object", "boolean", set_add, VONK__J_METHOD, 0},
    {"addAll", "java.util.Collection", "boolean", set_add, VONK__J_METHOD, 1},
    {"clone", "", "Object", set_clone, VONK__J_METHOD, 0},
};

#define MAP(name, above)                                                                                               \
    {.fqn = (name),                                                                                                    \
     .super = (above),                                                                                                 \
     .interfaces = "java.util.Map java.lang.Cloneable java.io.Serializable",                                           \
     VONK__J_MEMBERS(map_members)}
#define SET(name, above)                                                                                               \
    {.fqn = (name),                                                                                                    \
     .super = (above),                                                                                                 \
     .interfaces = "java.util.Set java.lang.Cloneable java.io.Serializable",                                           \
     VONK__J_MEMBERS(set_members),                                                                                     \
     .size = sizeof(vonk__j_map),                                                                                      \
     .drop = vonk__j_map_drop}
#define VIEW(name, above)                                                                                              \
    {.fqn = (name), .super = (above), .flags = VONK__J_ABSTRACT, .size = sizeof(vonk__j_view_of_map), .drop = view_drop}
static const vonk__j_row rows[] = {
    {.fqn = "java.util.Map", .flags = VONK__J_INTERFACE},
    {.fqn = "java.util.Map$Entry", .flags = VONK__J_INTERFACE},
    {.fqn = "java.util.AbstractMap",
     .interfaces = "java.util.Map",
     .flags = VONK__J_ABSTRACT | VONK__J_GUARDED,
     .size = sizeof(vonk__j_map),
     .drop = vonk__j_map_drop,
     .text = map_text,
     .equals = map_equals,
     .hash = map_hash},
    MAP("java.util.HashMap", "java.util.AbstractMap"),
    MAP("java.util.LinkedHashMap", "java.util.HashMap"),
    MAP("java.util.Hashtable", "java.util.AbstractMap"),
    {.fqn = "java.util.Properties", .super = "java.util.Hashtable", VONK__J_MEMBERS(properties_members)},
    SET("java.util.HashSet", "java.util.AbstractSet"),
    SET("java.util.LinkedHashSet", "java.util.HashSet"),
    VIEW("java.util.HashMap$KeySet", "java.util.AbstractSet"),
    VIEW("java.util.HashMap$EntrySet", "java.util.AbstractSet"),
    VIEW("java.util.HashMap$Values", "java.util.AbstractCollection"),
    {.fqn = "java.util.AbstractMap$SimpleImmutableEntry",
     .interfaces = "java.util.Map$Entry java.io.Serializable",
     .flags = VONK__J_GUARDED,
     VONK__J_MEMBERS(pair_members),
     .size = sizeof(pair),
     .drop = pair_drop,
     .text = pair_text,
     .equals = pair_equals,
     .hash = pair_hash},
};
const vonk__j_area vonk__j_area_java_map = {rows, VONK_COUNTOF(rows)};
