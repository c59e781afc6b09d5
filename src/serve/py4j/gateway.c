/* serve/py4j/gateway.c -- py4j's own classes: the gateway's object, views, TypeUtil. */
#include "serve/py4j/py4j_int.h"

static void view_drop(vonk__j_object *self)
{
    vonk__j_view *view = (vonk__j_view *)self;
    vonk_str name;
    void *text = NULL;
    vonk_strmap *names = view->names, *packages = view->packages;
    if (!names) return;
    view->names = view->packages = NULL;
    for (size_t at = 0; vonk_strmap_next(names, &at, &name, &text);) vonk_free(text);
    vonk_strmap_free(names);
    vonk_strmap_free(packages);
    vonk_mutex_done(&view->lock);
}

/* ---- py4j.reflection.TypeUtil */

static vonk_status is_instance(vonk__j_call *call, vonk_error *err)
{
    const vonk__j_class *of = NULL, *cls = vonk__j_class_of(call->machine, &call->args[1]);
    VONK_TRY(vonk__j_need(call, 0, err));
    if (call->args[0].kind == VONK__J_STRING) {
        VONK_TRY(vonk__j_find_class(call->machine, vonk__j_str(&call->args[0]), &of, err));
        if (!of)
            return vonk__j_throw(call->caller, "py4j.Py4JException", err, "java.lang.ClassNotFoundException: %.400s",
                                 call->args[0].text->data);
    } else { /* a java.lang.Class */
        VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
        vonk_buf_init(&text, call->machine->budget, SIZE_MAX);
        VONK_TRY(vonk__j_add_text(call->caller, &call->args[0], 0, &text, err));
        const size_t blank = vonk_str_find_byte(vonk_buf_str(&text), ' ', 0);
        const size_t from = blank == SIZE_MAX ? 0 : blank + 1;
        VONK_TRY(vonk__j_find_class(call->machine, vonk_str_sub(vonk_buf_str(&text), from, text.len), &of, err));
    }
    return vonk__j_return(call, vonk__j_bool(cls && of && vonk__j_is_a(cls, of)));
}
static const vonk__j_member type_members[] = {
    {"isInstanceOf", "String, Object", "boolean", is_instance, VONK__J_STATIC, 0},
    {"isInstanceOf", "Class, Object", "boolean", is_instance, VONK__J_STATIC, 0},
};

/* ---- "GATEWAY_SERVER", and where Python listens for calls */

typedef struct address {
    vonk__j_object head;
    char host[64];
} address;

static vonk_status callback_client(vonk__j_call *call, vonk_error *err)
{
    vonk__j_object *made = NULL;
    VONK_TRY(vonk__j_object_new(call->machine, "py4j.CallbackClient", &made, err));
    return vonk__j_return(call, vonk__j_of(made));
}
static vonk_status client_address(vonk__j_call *call, vonk_error *err)
{
    address *made = NULL;
    VONK_TRY(vonk__j_object_new(call->machine, "java.net.InetAddress", &made, err));
    VONK_LOCKED(&call->machine->state);
    memcpy(made->host, call->machine->callback_host, sizeof made->host);
    return vonk__j_return(call, vonk__j_of(&made->head));
}
static vonk_status client_port(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    VONK_LOCKED(&call->machine->state);
    return vonk__j_return(call, vonk__j_i32(call->machine->callback_port));
}
static vonk_status reset_client(vonk__j_call *call, vonk_error *err)
{
    VONK_TRY(vonk__j_need(call, 0, err));
    const int64_t port = call->args[1].i;
    if (port <= 0 || port > 65535)
        return vonk__j_throw(call->caller, "java.lang.IllegalArgumentException", err, "no port: %lld", (long long)port);
    VONK_LOCKED(&call->machine->state);
    memcpy(call->machine->callback_host, ((address *)call->args[0].object)->host, sizeof call->machine->callback_host);
    call->machine->callback_port = (uint16_t)port;
    return VONK_OK;
}
static vonk_status listening_port(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_i32(call->machine->server ? vonk__j_server_port(call->machine->server) : 0));
}

/* Calls go nowhere but to this machine. */
static vonk_status address_by_name(vonk__j_call *call, vonk_error *err)
{
    address *made = NULL;
    const vonk_str name = vonk__j_str(&call->args[0]);
    if (name.len && !vonk_str_is(name, "localhost") && !vonk_str_starts(name, VONK_STR("127.")) &&
        !vonk_str_is(name, "::1"))
        return vonk__j_throw(call->caller, "java.io.IOException", err, "%.200s: not an address of this machine",
                             call->args[0].text->data);
    VONK_TRY(vonk__j_object_new(call->machine, "java.net.InetAddress", &made, err));
    vonk_format(made->host, sizeof made->host, "%s", vonk_str_is(name, "::1") ? "::1" : "127.0.0.1");
    return vonk__j_return(call, vonk__j_of(&made->head));
}
static vonk_status address_host(vonk__j_call *call, vonk_error *err)
{
    return vonk__j_return_str(call, vonk_str_of(((address *)call->self)->host), err);
}

static const vonk__j_member server_members[] = {
    {"getCallbackClient", "", "py4j.CallbackClient", callback_client, VONK__J_METHOD, 0},
    {"resetCallbackClient", "java.net.InetAddress, int", "void", reset_client, VONK__J_METHOD, 0},
    {"getListeningPort", "", "int", listening_port, VONK__J_METHOD, 0},
    {"getPort", "", "int", listening_port, VONK__J_METHOD, 0},
};
static const vonk__j_member client_members[] = {
    {"getAddress", "", "java.net.InetAddress", client_address, VONK__J_METHOD, 0},
    {"getPort", "", "int", client_port, VONK__J_METHOD, 0},
};
static const vonk__j_member address_members[] = {
    {"getByName", "String", "java.net.InetAddress", address_by_name, VONK__J_STATIC, 0},
    {"getHostAddress", "", "String", address_host, VONK__J_METHOD, 0},
};

static const vonk__j_row rows[] = {
    {.fqn = "py4j.JVMView", .flags = VONK__J_ABSTRACT, .size = sizeof(vonk__j_view), .drop = view_drop},
    {.fqn = "py4j.ClientServer", .flags = VONK__J_ABSTRACT, VONK__J_MEMBERS(server_members)},
    {.fqn = "py4j.CallbackClient", .flags = VONK__J_ABSTRACT, VONK__J_MEMBERS(client_members)},
    {.fqn = "py4j.reflection.TypeUtil", .flags = VONK__J_ABSTRACT, VONK__J_MEMBERS(type_members)},
    {.fqn = "java.net.InetAddress",
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(address_members),
     .size = sizeof(address)},
};
const vonk__j_area vonk__j_area_gateway = {rows, VONK_COUNTOF(rows)};
