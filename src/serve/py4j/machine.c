/* serve/py4j/machine.c -- the machine: all objects, and the table of those that Python knows. */
#include "serve/py4j/py4j_int.h"
#include "base/hash.h"
#include "sys/files.h"
#include "sys/sockets.h"

/* ---- objects */

vonk_status vonk__j_object_of(vonk__j_machine *machine, const vonk__j_class *cls, void *ret, vonk_error *err)
{
    vonk__j_object *object = NULL;
    assert(cls->row.size >= sizeof *object);
    VONK_TRY(vonk_alloc_zeroed(machine->budget, cls->row.size, &object, err));
    object->refs = 1;
    object->cls = cls;
    object->machine = machine;
    VONK_LOCKED(&machine->heap);
    object->serial = (uint32_t)vonk_hash_mix(++machine->next_serial) & INT32_MAX;
    object->next = machine->objects;
    if (object->next) object->next->prev = object;
    machine->objects = object;
    *(vonk__j_object **)ret = object;
    return VONK_OK;
}

vonk_status vonk__j_object_new(vonk__j_machine *machine, const char *fqn, void *ret, vonk_error *err)
{
    return vonk__j_object_of(machine, vonk__j_class_named(machine, fqn), ret, err);
}

vonk__j_object *vonk__j_object_ref(void *object)
{
    vonk__j_object *o = object;
    atomic_fetch_add(&o->refs, 1);
    return o;
}

static void unlink_object(vonk__j_object *object)
{
    vonk__j_machine *machine = object->machine;
    VONK_LOCKED(&machine->heap);
    if (object->prev)
        object->prev->next = object->next;
    else
        machine->objects = object->next;
    if (object->next) object->next->prev = object->prev;
}

/* A list in a list in a list ...: those that die while one dies wait in a chain, so that depth costs no stack. */
static _Thread_local vonk__j_object *dying;
static _Thread_local bool is_dropping;

void vonk__j_object_unref(void *object)
{
    vonk__j_object *o = object;
    if (!o || atomic_fetch_sub(&o->refs, 1) != 1) return;
    unlink_object(o);
    o->next = dying;
    dying = o;
    if (is_dropping) return;
    is_dropping = true;
    while ((o = dying)) {
        dying = o->next;
        if (o->cls->row.drop) o->cls->row.drop(o);
        vonk_free(o);
    }
    is_dropping = false;
}

/* ---- ids */

vonk_status vonk__j_put(vonk__j_machine *machine, vonk__j_object *object, char ret_id[24], vonk_error *err)
{
    VONK_LOCKED(&machine->heap);
    if (machine->n_ids >= VONK__J_MAX_OBJECTS)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "Python holds too many Java objects");
    vonk_format(ret_id, 24, "o%llu", (unsigned long long)machine->next_id++);
    VONK_TRY(vonk_strmap_put(machine->ids, vonk_str_of(ret_id), object, NULL, err));
    vonk__j_object_ref(object);
    machine->n_ids++;
    return VONK_OK;
}

vonk__j_object *vonk__j_get(vonk__j_machine *machine, vonk_str id)
{
    VONK_LOCKED(&machine->heap);
    vonk__j_object *object = vonk_strmap_get(machine->ids, id);
    return object ? vonk__j_object_ref(object) : NULL;
}

void vonk__j_forget(vonk__j_machine *machine, vonk_str id)
{
    vonk_mutex_lock(&machine->heap);
    vonk__j_object *object = vonk_strmap_take(machine->ids, id);
    if (object) machine->n_ids--;
    vonk_mutex_unlock(&machine->heap);
    vonk__j_object_unref(object);
}

/* ---- the machine */

static vonk_status fill(vonk__j_machine *m, const vonk_py4j_options *options, vonk_error *err)
{
    char gateway_id[] = "GATEWAY_SERVER";
    VONK__J_AUTO vonk__j_object *gateway = NULL;
    VONK_TRY(vonk_arena_new(m->budget, &m->arena, err));
    VONK_TRY(vonk_strmap_new(m->budget, false, &m->classes, err));
    VONK_TRY(vonk_strmap_new(m->budget, false, &m->ids, err));
    VONK_TRY(vonk_arena_str(m->arena, options->local_folder, &m->local_folder, err));
    VONK_TRY(vonk__j_load_classes(m, err));
    VONK_TRY(vonk__j_view_new(m, &m->view, err));
    VONK_TRY(vonk_strmap_put(m->ids, VONK_STR("j"), m->view, NULL, err));
    vonk__j_object_ref(m->view);
    VONK_TRY(vonk__j_object_new(m, "py4j.ClientServer", &gateway, err));
    VONK_TRY(vonk_strmap_put(m->ids, vonk_str_of(gateway_id), gateway, NULL, err));
    gateway = NULL;
    return vonk__j_load_properties(m, options->conf, err);
}

vonk_status vonk__j_machine_new(const vonk_py4j_options *options, vonk__j_machine **ret, vonk_error *err)
{
    VONK_AUTO(vonk__j_machine_free) vonk__j_machine *m = NULL;
    VONK_TRY(VONK_NEW(options->budget, &m, err));
    m->budget = options->budget;
    m->n_threads = options->n_threads;
    m->shared_connections = options->shared_connections;
    m->callback_port = 25334; /* py4j's default */
    vonk_format(m->callback_host, sizeof m->callback_host, "127.0.0.1");
    vonk_rwlock_init(&m->classes_lock);
    vonk_mutex_init(&m->guard);
    vonk_mutex_init(&m->heap);
    vonk_mutex_init(&m->state);
    VONK_TRY(fill(m, options, err));
    *ret = VONK_STEAL(m);
    return VONK_OK;
}

/* Cycles of lists would keep each other: everything lets go of what it holds before the last references are dropped. */
static void drop_objects(vonk__j_machine *m)
{
    vonk_str id;
    void *object = NULL;
    for (vonk__j_object *o = m->objects; o; o = o->next) atomic_fetch_add(&o->refs, 1);
    if (m->ids)
        for (size_t at = 0; vonk_strmap_next(m->ids, &at, &id, &object);) vonk__j_object_unref(object);
    vonk__j_object_unref(m->properties);
    vonk__j_object_unref(m->view);
    for (vonk__j_object *o = m->objects; o; o = o->next)
        if (o->cls->row.drop) o->cls->row.drop(o);
    while (m->objects) vonk__j_object_unref(m->objects);
}

void vonk__j_leave_open(vonk__j_machine *m, int fd)
{
    vonk_mutex_lock(&m->state);
    const int old = m->left_open[0] - 1;
    m->left_open[0] = m->left_open[1];
    m->left_open[1] = fd + 1;
    vonk_mutex_unlock(&m->state);
    vonk_socket_close(old);
}

void vonk__j_machine_free(vonk__j_machine *m)
{
    if (!m) return;
    vonk__j_sql_drop(m);
    vonk__j_context_drop(m);
    drop_objects(m);
    for (int i = 0; i < 2; i++) vonk__j_leave_open(m, -1);
    for (size_t i = 0; i < m->temp_folders.n; i++) {
        vonk_error err = VONK_ERROR_INIT;
        vonk_dir_remove_tree(vonk_str_of(m->temp_folders.at[i]), &err) == VONK_OK ? (void)0 : vonk_error_reset(&err);
        vonk_free(m->temp_folders.at[i]);
    }
    vonk_free(m->temp_folders.at);
    while (m->dead_proxies) {
        struct vonk__j_dead *next = m->dead_proxies->next;
        vonk_free(m->dead_proxies);
        m->dead_proxies = next;
    }
    vonk_strmap_free(m->ids);
    vonk_strmap_free(m->classes);
    vonk_arena_free(m->arena);
    vonk_mutex_done(&m->state);
    vonk_mutex_done(&m->heap);
    vonk_mutex_done(&m->guard);
    vonk_rwlock_done(&m->classes_lock);
    vonk_free(m);
}
