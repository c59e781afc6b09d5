/* serve/py4j/callback.c -- objects that live in Python: calling them, and telling Python when nobody holds them.
 *
 * A thread of ours that a connection belongs to calls over that connection: Python waits there for an answer, so it
 * listens. Any other call, and every one of shared connections, goes to Python's callback server. While Python computes
 * it may send commands over the same connection: they are served until the answer comes. */
#include "serve/py4j/py4j_int.h"
#include "serve/py4j/socket_stream.h"
#include "sys/clock.h"
#include "sys/sockets.h"

typedef struct proxy {
    vonk__j_object head;
    vonk__j_text *id;
} proxy;

static void proxy_drop(vonk__j_object *self)
{
    proxy *p = (proxy *)self;
    vonk__j_value id = {.kind = VONK__J_STRING, .text = p->id};
    if (!p->id) return;
    p->id = NULL;
    vonk__j_proxy_died(self->machine, vonk__j_str(&id));
    vonk__j_unref(&id);
}
bool vonk__j_is_proxy(const vonk__j_object *object) { return object->cls->row.drop == proxy_drop; }

/* ---- making: "p0;java.lang.Runnable;java.util.Comparator" */

static vonk_status add_interface(vonk__j_machine *machine, vonk_str name, vonk__j_class *cls, vonk_error *err)
{
    const vonk__j_class *of = NULL;
    VONK_TRY(vonk__j_find_class(machine, name, &of, err));
    if (!of || !(of->row.flags & VONK__J_INTERFACE))
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                         VONK_F("py4j.Py4JException: java.lang.ClassNotFoundException: %.*s is no interface here",
                                (int)vonk_min_size(name.len, 300), name.data));
    cls->interfaces[cls->n_interfaces++] = of;
    return VONK_OK;
}

/* One class per list of interfaces, as Java's proxies have. */
static vonk_status proxy_class(vonk__j_machine *machine, vonk_str interfaces, const vonk__j_class **ret,
                               vonk_error *err)
{
    enum { MOST_INTERFACES = 64 };
    const vonk__j_class *found[MOST_INTERFACES];
    vonk__j_class made = *vonk__j_class_named(machine, "py4j.PythonProxy"), *kept = NULL;
    const char *fqn = VONK_F("com.sun.proxy.$Proxy;%.*s", VONK_STR_ARGS(interfaces));
    VONK_TRY(vonk__j_find_class(machine, vonk_str_of(fqn), ret, err));
    if (*ret) return VONK_OK;
    made.interfaces = found;
    made.n_interfaces = 0;
    for (size_t at = 0; at < interfaces.len;) {
        size_t end = vonk_str_find_byte(interfaces, ';', at);
        if (end == SIZE_MAX) end = interfaces.len;
        if (made.n_interfaces == MOST_INTERFACES || interfaces.len > 900)
            return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "py4j.Py4JException: too many interfaces");
        VONK_TRY(add_interface(machine, vonk_str_sub(interfaces, at, end), &made, err));
        at = end + 1;
    }
    vonk_rwlock_write(&machine->classes_lock);
    vonk_status status = vonk_arena_str(machine->arena, vonk_str_of(fqn), &made.fqn, err);
    if (status == VONK_OK) status = VONK_ARENA_NEW(machine->arena, &kept, err);
    if (status == VONK_OK)
        status = vonk_arena_array(machine->arena, made.n_interfaces + 1, sizeof(void *), &made.interfaces, err);
    if (status == VONK_OK) {
        memcpy(made.interfaces, found, made.n_interfaces * sizeof *found);
        *kept = made;
        status = vonk_strmap_put(machine->classes, made.fqn, kept, NULL, err);
    }
    vonk_rwlock_unlock(&machine->classes_lock);
    *ret = kept;
    return status;
}

vonk_status vonk__j_proxy_new(vonk__j_caller *caller, vonk_str part, vonk__j_value *ret, vonk_error *err)
{
    const size_t semicolon = vonk_str_find_byte(part, ';', 0);
    const vonk_str id = vonk_str_sub(part, 0, semicolon == SIZE_MAX ? part.len : semicolon);
    const vonk__j_class *cls = NULL;
    vonk__j_value text;
    VONK__J_AUTO proxy *made = NULL;
    if (!id.len || id.len > 64 || semicolon == SIZE_MAX)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                         "py4j.Py4JException: a proxy without an id or interfaces");
    VONK_TRY(proxy_class(caller->machine, vonk_str_sub(part, semicolon + 1, part.len), &cls, err));
    VONK_TRY(vonk__j_object_of(caller->machine, cls, &made, err));
    VONK_TRY(vonk__j_text_value(caller->machine->budget, VONK__J_STRING, id, &text, err));
    made->id = text.text;
    *ret = vonk__j_of(&VONK_STEAL(made)->head);
    return VONK_OK;
}

/* ---- proxies that nobody holds */

void vonk__j_proxy_died(vonk__j_machine *machine, vonk_str id)
{
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    struct vonk__j_dead *dead = NULL;
    if (vonk_alloc(machine->budget, sizeof *dead + id.len + 1, &dead, &err) != VONK_OK) return; /* Python keeps it */
    memcpy(dead->id, id.data, id.len);
    dead->id[id.len] = 0;
    VONK_LOCKED(&machine->heap);
    dead->next = machine->dead_proxies;
    machine->dead_proxies = dead;
}

static struct vonk__j_dead *take_dead(vonk__j_machine *machine)
{
    VONK_LOCKED(&machine->heap);
    return VONK_STEAL(machine->dead_proxies);
}

static vonk_status bury_one(vonk__j_caller *over, const char *id, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf line = {0};
    bool end = false;
    vonk_buf_init(&line, over->machine->budget, VONK__J_HEAD_BYTES);
    VONK_TRY(over->stream.write(over->stream.self, vonk_str_of(VONK_F("g\n%s\ne\n", id)), err));
    VONK_TRY(vonk__j_read_line(over, &line, &end, err));
    if (!end && line.len && line.data[0] == '!') return VONK_OK;
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR_NETWORK, "message", "Python did not answer that a proxy is gone");
}

static vonk_status bury_over(vonk__j_caller *over, vonk_error *err)
{
    vonk_status status = VONK_OK;
    for (struct vonk__j_dead *dead = take_dead(over->machine), *next = NULL; dead; dead = next) {
        next = dead->next;
        if (status == VONK_OK) status = bury_one(over, dead->id, err);
        vonk_free(dead);
    }
    return status;
}

vonk_status vonk__j_bury(vonk__j_caller *caller, vonk_error *err)
{
    return caller->can_call_back ? bury_over(caller, err) : VONK_OK;
}

/* ---- calling */

static vonk_status write_call(vonk__j_caller *over, const proxy *p, const char *method, const vonk__j_value *args,
                              uint32_t n_args, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
    vonk_buf_init(&out, over->machine->budget, VONK__J_MAX_COMMAND_BYTES);
    VONK_TRY(vonk_buf_printf(&out, err, "c\n%s\n%s\n", p->id->data, method));
    for (uint32_t i = 0; i < n_args; i++) {
        VONK_TRY(vonk__j_encode(over, &args[i], &out, err));
        VONK_TRY(vonk_buf_add_byte(&out, '\n', err));
    }
    VONK_TRY(vonk_buf_add_c(&out, "e\n", err));
    return over->stream.write(over->stream.self, vonk_buf_str(&out), err);
}

/* "!x" and what Python raised: a throwable of ours that it passes on, or a traceback. */
static vonk_status raise_answer(vonk__j_caller *over, vonk_str body, vonk_error *err)
{
    VONK_AUTO(vonk__j_unref) vonk__j_value v = VONK__J_NOTHING;
    VONK_TRY(vonk__j_decode(over, body, &v, err));
    if (v.kind == VONK__J_OBJECT && vonk__j_is(v.object, "java.lang.Throwable")) {
        over->thrown = vonk__j_object_ref(v.object);
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "raised in Python");
    }
    const vonk_str text = vonk__j_str(&v);
    return vonk__j_throw(over, "py4j.Py4JException", err,
                         "An exception was raised by the Python Proxy. Return Message: %.*s",
                         (int)vonk_min_size(text.len, 1900), text.len ? text.data : "");
}

static vonk_status await_answer(vonk__j_caller *over, vonk__j_value *ret, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf line = {0};
    vonk_buf_init(&line, over->machine->budget, VONK__J_MAX_COMMAND_BYTES);
    for (bool end = false;;) {
        vonk_buf_reset(&line);
        VONK_TRY(vonk__j_read_line(over, &line, &end, err));
        if (end || over->ends)
            return VONK_FAIL(err, VONK_E_INTERNAL_ERROR_NETWORK, "message",
                             "Python closed the connection within a call");
        const vonk_str text = vonk_buf_str(&line);
        if (vonk_str_starts(text, VONK_STR("!y"))) {
            *ret = VONK__J_NOTHING;
            return text.len == 2 ? VONK_OK : vonk__j_decode(over, vonk_str_sub(text, 2, text.len), ret, err);
        }
        if (vonk_str_starts(text, VONK_STR("!x"))) return raise_answer(over, vonk_str_sub(text, 2, text.len), err);
        VONK_TRY(vonk__j_command(over, text, err));
    }
}

static vonk_status call_over(vonk__j_caller *over, const proxy *p, const char *method, const vonk__j_value *args,
                             uint32_t n_args, vonk__j_value *ret, vonk_error *err)
{
    if (over->depth >= VONK__J_MAX_DEPTH) return vonk__j_throw_bare(over, "java.lang.StackOverflowError", err);
    over->depth++;
    vonk_status status = write_call(over, p, method, args, n_args, err);
    if (status == VONK_OK) status = await_answer(over, ret, err);
    over->depth--;
    return status;
}

static vonk_status show_secret(vonk__j_caller *over, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf line = {0};
    bool end = false;
    const vonk_str secret = vonk_py4j_server_secret(over->machine->server);
    vonk_buf_init(&line, over->machine->budget, VONK__J_HEAD_BYTES);
    VONK_TRY(over->stream.write(over->stream.self, vonk_str_of(VONK_F("A\n%.*s\ne\n", VONK_STR_ARGS(secret))), err));
    VONK_TRY(vonk__j_read_line(over, &line, &end, err));
    if (!end && vonk_str_starts(vonk_buf_str(&line), VONK_STR("!y"))) return VONK_OK;
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR_NETWORK, "message", "Python's callback server refused the secret");
}

/* On a connection of its own to Python's callback server. What is thrown there is thrown at `caller`. */
static vonk_status call_elsewhere(vonk__j_caller *caller, const proxy *p, const char *method, const vonk__j_value *args,
                                  uint32_t n_args, vonk__j_value *ret, vonk_error *err)
{
    char host[64];
    int fd = -1;
    vonk__j_caller *over = NULL;
    vonk__j_machine *machine = caller->machine;
    vonk_mutex_lock(&machine->state);
    memcpy(host, machine->callback_host, sizeof host);
    const uint16_t port = machine->callback_port;
    vonk_mutex_unlock(&machine->state);
    VONK_TRY(vonk_socket_connect_wait(vonk_str_of(host), port, 10 * VONK_NS_PER_S, &fd, err));
    vonk_status status = VONK_NEW(machine->budget, &over, err);
    if (status == VONK_OK) {
        vonk__j_caller_init(over, machine, vonk__j_socket_stream(&fd));
        over->depth = caller->depth;
        if (machine->shared_connections && machine->server) status = show_secret(over, err);
        if (status == VONK_OK) status = bury_over(over, err);
        if (status == VONK_OK) status = call_over(over, p, method, args, n_args, ret, err);
        caller->thrown = VONK_STEAL(over->thrown);
        vonk__j_caller_done(over);
        vonk_free(over);
    }
    vonk_socket_close(fd);
    return status;
}

vonk_status vonk__j_call_back(vonk__j_caller *caller, vonk__j_object *object, const char *method,
                              const vonk__j_value *args, uint32_t n_args, vonk__j_value *ret, vonk_error *err)
{
    const proxy *p = (proxy *)object;
    *ret = VONK__J_NOTHING;
    assert(vonk__j_is_proxy(object));
    return caller->can_call_back ? call_over(caller, p, method, args, n_args, ret, err)
                                 : call_elsewhere(caller, p, method, args, n_args, ret, err);
}

static const vonk__j_row rows[] = {
    {.fqn = "py4j.PythonProxy", .flags = VONK__J_ABSTRACT, .size = sizeof(proxy), .drop = proxy_drop},
};
const vonk__j_area vonk__j_area_callback = {rows, VONK_COUNTOF(rows)};
