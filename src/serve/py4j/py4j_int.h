/* serve/py4j/py4j_int.h -- values, objects, classes and calls: what the files of this folder share.
 *
 * Nouns: value (what a tag of the wire stands for), object (what "o12" names), row (a Java class as a table), class (a
 * row whose names are resolved), member (a method, constructor or field of a row), machine (all classes and objects of
 * one gateway), caller (one connection and the Python thread behind it), call (one member that runs). */
#ifndef VONK_SERVE_PY4J_PY4J_INT_H
#define VONK_SERVE_PY4J_PY4J_INT_H

#include "base/buf.h"
#include "base/log.h"
#include "base/strmap.h"
#include "base/vec.h"
#include "serve/py4j/py4j.h"
#include "sys/thread.h"

typedef struct vonk__j_object vonk__j_object;
typedef struct vonk__j_class vonk__j_class;
typedef struct vonk__j_row vonk__j_row;
typedef struct vonk__j_member vonk__j_member;
typedef struct vonk__j_machine vonk__j_machine;
typedef struct vonk__j_caller vonk__j_caller;
typedef struct vonk__j_call vonk__j_call;
typedef struct vonk__j_context vonk__j_context; /* spark_context.c */

enum {
    VONK__J_MAX_ARGS = 4096,
    VONK__J_MAX_DEPTH = 200, /* of collections in collections, of callbacks in callbacks */
    VONK__J_MAX_OBJECTS = 20000000,
    VONK__J_HEAD_BYTES = 64 << 10 /* of what comes before the secret was shown */
};
#define VONK__J_MAX_COMMAND_BYTES ((size_t)1 << 30)

/* ---- values: owned by whoever holds them; texts and objects are counted */
typedef enum vonk__j_kind {
    VONK__J_VOID,
    VONK__J_NULL,
    VONK__J_BOOL,
    VONK__J_I8,
    VONK__J_I16,
    VONK__J_I32,
    VONK__J_I64,
    VONK__J_F32,
    VONK__J_F64,
    VONK__J_CHAR,
    VONK__J_DECIMAL, /* as text */
    VONK__J_STRING,
    VONK__J_BYTES,
    VONK__J_OBJECT
} vonk__j_kind;

typedef struct vonk__j_text {
    _Atomic uint32_t refs;
    size_t len;
    char data[]; /* NUL-terminated */
} vonk__j_text;

typedef struct vonk__j_value {
    vonk__j_kind kind;
    union {
        int64_t i; /* also BOOL and CHAR (a code point) */
        double f;
        vonk__j_text *text;
        vonk__j_object *object;
    };
} vonk__j_value;

#define VONK__J_NOTHING ((vonk__j_value){.kind = VONK__J_NULL})
static inline vonk__j_value vonk__j_bool(bool b) { return (vonk__j_value){.kind = VONK__J_BOOL, .i = b}; }
static inline vonk__j_value vonk__j_i32(int32_t i) { return (vonk__j_value){.kind = VONK__J_I32, .i = i}; }
static inline vonk__j_value vonk__j_i64(int64_t i) { return (vonk__j_value){.kind = VONK__J_I64, .i = i}; }
static inline vonk__j_value vonk__j_f64(double f) { return (vonk__j_value){.kind = VONK__J_F64, .f = f}; }
static inline vonk__j_value vonk__j_of(vonk__j_object *object) /* takes the reference; NULL: null */
{
    return object ? (vonk__j_value){.kind = VONK__J_OBJECT, .object = object} : VONK__J_NOTHING;
}
static inline bool vonk__j_has_text(const vonk__j_value *v)
{
    return v->kind == VONK__J_STRING || v->kind == VONK__J_DECIMAL || v->kind == VONK__J_BYTES;
}
static inline vonk_str vonk__j_str(const vonk__j_value *v) /* of a value with text; empty for null */
{
    return vonk__j_has_text(v) ? (vonk_str){v->text->data, v->text->len} : VONK_STR_NONE;
}
vonk_status vonk__j_text_value(vonk_budget *budget, vonk__j_kind kind, vonk_str text, vonk__j_value *ret,
                               vonk_error *err);
vonk__j_value vonk__j_ref(vonk__j_value value);
void vonk__j_unref(vonk__j_value *value); /* leaves null */
VONK_DEFINE_AUTO_DONE(vonk__j_value, vonk__j_unref)

/* Java's String.valueOf, equals, hashCode and Comparable; `depth` counts collections in collections. */
vonk_status vonk__j_add_text(vonk__j_caller *caller, const vonk__j_value *v, uint32_t depth, vonk_buf *out,
                             vonk_error *err);
vonk_status vonk__j_equals(vonk__j_caller *caller, const vonk__j_value *a, const vonk__j_value *b, uint32_t depth,
                           bool *ret, vonk_error *err);
vonk_status vonk__j_hash(vonk__j_caller *caller, const vonk__j_value *v, uint32_t depth, int32_t *ret, vonk_error *err);
/* ClassCastException when they have no order. */
vonk_status vonk__j_compare(vonk__j_caller *caller, const vonk__j_value *a, const vonk__j_value *b, int *ret,
                            vonk_error *err);
int32_t vonk__j_hash_text(vonk_str text);

/* ---- objects */
struct vonk__j_object {
    _Atomic uint32_t refs;
    uint32_t serial; /* its identity */
    const vonk__j_class *cls;
    vonk__j_machine *machine;
    vonk__j_object *next, *prev; /* of all objects of the machine */
};
/* Zeroed payload behind the header; row->size bytes in all. */
vonk_status vonk__j_object_new(vonk__j_machine *machine, const char *fqn, void *ret, vonk_error *err);
vonk_status vonk__j_object_of(vonk__j_machine *machine, const vonk__j_class *cls, void *ret, vonk_error *err);
vonk__j_object *vonk__j_object_ref(void *object);
void vonk__j_object_unref(void *object); /* chains in a loop; NULL is fine */
static inline void vonk__j_drop_auto(void *p) { vonk__j_object_unref(*(void **)p); }
#define VONK__J_AUTO __attribute__((cleanup(vonk__j_drop_auto)))

/* ---- classes */
enum {
    VONK__J_INTERFACE = 1,
    VONK__J_ABSTRACT = 2,
    VONK__J_PRIMITIVE = 4,
    VONK__J_GUARDED = 8 /* members run one at a time, under the machine's lock (collections); inherited */
};
typedef enum vonk__j_role {
    VONK__J_METHOD,
    VONK__J_STATIC,
    VONK__J_CONSTRUCTOR,
    VONK__J_FIELD,
    VONK__J_STATIC_FIELD
} vonk__j_role;

struct vonk__j_member {
    const char *name; /* "new" of a constructor */
    const char *args; /* "String, int, java.util.List": names without a dot are java.lang's or primitive */
    const char *result;
    vonk_status (*call)(vonk__j_call *call, vonk_error *err);
    vonk__j_role role;
    int32_t tag; /* for a function that serves several rows */
};
struct vonk__j_row {
    const char *fqn, *super; /* super NULL: java.lang.Object */
    const char *interfaces;  /* separated by blanks; NULL: none */
    unsigned flags;
    const vonk__j_member *members;
    uint32_t n_members;
    size_t size; /* of objects; 0: as the superclass */
    /* All inherited when NULL. `drop` lets go of what the object holds; it may be called again. */
    void (*drop)(vonk__j_object *self);
    vonk_status (*text)(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_buf *out, vonk_error *err);
    vonk_status (*equals)(vonk__j_caller *caller, vonk__j_object *self, vonk__j_object *other, uint32_t depth,
                          bool *ret, vonk_error *err);
    vonk_status (*hash)(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, int32_t *ret, vonk_error *err);
};
#define VONK__J_MEMBERS(array) .members = (array), .n_members = VONK_COUNTOF(array)

typedef struct vonk__j_signature {
    const vonk__j_member *member;
    const vonk__j_class **args;
    uint32_t n_args;
} vonk__j_signature;

struct vonk__j_class {
    vonk_str fqn;    /* "java.util.Map$Entry", "[I", "int" */
    vonk__j_row row; /* what is inherited is filled in */
    const vonk__j_class *super, **interfaces;
    uint32_t n_interfaces;
    vonk__j_signature *signatures;
    const vonk__j_class *element; /* of an array */
    char tag;                     /* of references to objects: r l a h t g */
};

/* NULL: there is none. Arrays are made when asked for: "[I", "[Ljava.lang.String;". */
vonk_status vonk__j_find_class(vonk__j_machine *machine, vonk_str fqn, const vonk__j_class **ret, vonk_error *err);
const vonk__j_class *vonk__j_class_named(vonk__j_machine *machine, const char *fqn); /* that must exist */
vonk_status vonk__j_array_class(vonk__j_machine *machine, const vonk__j_class *element, const vonk__j_class **ret,
                                vonk_error *err);
bool vonk__j_is_a(const vonk__j_class *cls, const vonk__j_class *of);
bool vonk__j_is(const vonk__j_object *object, const char *fqn);
const vonk__j_class *vonk__j_class_of(vonk__j_machine *machine, const vonk__j_value *v); /* NULL for null */
vonk_status vonk__j_class_object(vonk__j_machine *machine, const vonk__j_class *cls, vonk__j_value *ret,
                                 vonk_error *err);
vonk_str vonk__j_simple_name(const vonk__j_class *cls);
/* As people write it: "java.lang.String[]", "java.util.Map.Entry". */
vonk_status vonk__j_add_class_name(const vonk__j_class *cls, bool is_short, vonk_buf *out, vonk_error *err);

/* ---- one machine per gateway */
typedef struct vonk__j_view {
    vonk__j_object head;
    vonk_mutex lock;
    vonk_strmap *names, *packages; /* imported: simple name -> char *fqn, package -> itself */
    uint32_t sequence;
} vonk__j_view;

struct vonk__j_machine {
    vonk_budget *budget;
    vonk_arena *arena; /* classes; under `classes_lock` */
    vonk_rwlock classes_lock;
    vonk_strmap *classes;
    vonk_mutex guard; /* of guarded classes' members */
    vonk_mutex heap;  /* the list of objects, the table of ids */
    vonk__j_object *objects;
    vonk_strmap *ids; /* "o12" -> object */
    uint64_t next_id, next_serial;
    uint32_t n_ids;
    vonk__j_view *view;         /* "j" */
    vonk_mutex state;           /* of what is below */
    vonk__j_object *properties; /* java.util.Properties of java.lang.System */
    vonk__j_context *context;   /* the one SparkContext, or NULL */
    struct vonk__j_sql *sql;    /* sql.h: the engine behind SparkSessions; NULL until the first */
    vonk__j_object *default_session, *active_session;
    VONK_VEC(char *) temp_folders;
    vonk_str local_folder;
    uint32_t n_threads;
    bool shared_connections;
    int left_open[2]; /* sockets + 1; see vonk__j_leave_open */
    /* callbacks */
    char callback_host[64];
    uint16_t callback_port;
    struct vonk__j_dead {
        struct vonk__j_dead *next;
        char id[];
    } *dead_proxies;
    vonk_py4j_server *server; /* NULL: none (tests) */
};
vonk_status vonk__j_machine_new(const vonk_py4j_options *options, vonk__j_machine **ret, vonk_error *err);
void vonk__j_machine_free(vonk__j_machine *machine);
VONK_DEFINE_AUTO(vonk__j_machine, vonk__j_machine_free)
/* Takes a socket whose other side is not to see its end yet: closed when two more have come, or with the machine. */
void vonk__j_leave_open(vonk__j_machine *machine, int fd);
vonk_status vonk__j_put(vonk__j_machine *machine, vonk__j_object *object, char ret_id[24], vonk_error *err);
vonk__j_object *vonk__j_get(vonk__j_machine *machine, vonk_str id); /* new reference; NULL: none */
void vonk__j_forget(vonk__j_machine *machine, vonk_str id);

/* Steps of making one, each in its own file. */
vonk_status vonk__j_load_classes(vonk__j_machine *machine, vonk_error *err);
vonk_status vonk__j_load_properties(vonk__j_machine *machine, const vonk_conf *conf, vonk_error *err);
vonk_status vonk__j_view_new(vonk__j_machine *machine, vonk__j_view **ret, vonk_error *err);

/* ---- callers */
typedef struct vonk__j_stream {
    void *self;
    /* *ret_bytes 0: the end. Blocks. */
    vonk_status (*read)(void *self, void *into, size_t bytes, size_t *ret_bytes, vonk_error *err);
    vonk_status (*write)(void *self, vonk_str data, vonk_error *err);
    /* Something can be read now, or it is over; NULL: not known. */
    bool (*ready)(void *self);
} vonk__j_stream;

struct vonk__j_caller {
    vonk__j_machine *machine;
    vonk__j_stream stream;
    char in[64 << 10];
    size_t in_at, in_end;
    uint32_t depth;             /* of callbacks that run */
    bool can_call_back;         /* Python listens on this very connection while it waits for an answer */
    bool ends;                  /* after this answer */
    vonk__j_object *thrown;     /* what a call raised, when it is no vonk_error */
    vonk__j_object *properties; /* this thread's local properties of the SparkContext; NULL: none yet */
    vonk__j_value fragment, call_site; /* where in Python's program a Column is made (PySparkCurrentOrigin); null: not said */
};
void vonk__j_caller_init(vonk__j_caller *caller, vonk__j_machine *machine, vonk__j_stream stream);
void vonk__j_caller_done(vonk__j_caller *caller);

/* ---- calls */
struct vonk__j_call {
    vonk__j_machine *machine;
    vonk__j_caller *caller;
    const vonk__j_member *member;
    const vonk__j_class *cls; /* the object's, or the one that was named */
    vonk__j_object *self;     /* NULL: static */
    vonk__j_value *args;      /* as the member declares them */
    uint32_t n_args;
    vonk__j_value result; /* starts void */
};
/* `thrown` and VONK_E_INTERNAL_ERROR say that an object was thrown. */
vonk_status vonk__j_throw(vonk__j_caller *caller, const char *fqn, vonk_error *err, const char *fmt, ...)
    VONK_PRINTF(4, 5);
vonk_status vonk__j_throw_bare(vonk__j_caller *caller, const char *fqn, vonk_error *err); /* without a message */
vonk_status vonk__j_return_str(vonk__j_call *call, vonk_str text, vonk_error *err);
vonk_status vonk__j_return_class(vonk__j_call *call, const vonk__j_class *cls, vonk_error *err);
static inline vonk_status vonk__j_return(vonk__j_call *call, vonk__j_value take_value)
{
    vonk__j_unref(&call->result);
    call->result = take_value;
    return VONK_OK;
}
static inline vonk_status vonk__j_return_self(vonk__j_call *call)
{
    return vonk__j_return(call, vonk__j_of(vonk__j_object_ref(call->self)));
}
/* NullPointerException where an object is needed. */
vonk_status vonk__j_need(vonk__j_call *call, uint32_t arg, vonk_error *err);

typedef enum vonk__j_found { VONK__J_FOUND, VONK__J_NO_SUCH } vonk__j_found;
/* Py4J's choice among the members of that name. *ret NULL: none fits. */
void vonk__j_choose(vonk__j_machine *machine, const vonk__j_class *cls, vonk_str name, bool constructors,
                    const vonk__j_value *args, uint32_t n_args, const vonk__j_signature **ret);
/* What a parameter of `to` costs for a value of `from` (NULL: null); -1: it does not fit. */
int64_t vonk__j_cost(const vonk__j_class *to, const vonk__j_class *from);
/* `args` are converted in place; *ret is void on failure. */
vonk_status vonk__j_invoke(vonk__j_caller *caller, const vonk__j_class *cls, vonk__j_object *self,
                           const vonk__j_signature *signature, vonk__j_value *args, uint32_t n_args, vonk__j_value *ret,
                           vonk_error *err);
/* Reads a field or calls a method by name, as other members do. */
bool vonk__j_has_member(const vonk__j_class *cls, vonk_str name, vonk__j_role role);
const vonk__j_signature *vonk__j_field(const vonk__j_class *cls, vonk_str name, vonk__j_role role);

/* ---- the wire */
/* One line without its end; *ret_end: the stream is over. Appended to `into`. */
vonk_status vonk__j_read_line(vonk__j_caller *caller, vonk_buf *into, bool *ret_end, vonk_error *err);
/* What an argument says. Raises INTERNAL_ERROR with the text that Py4J's fatal error has. */
vonk_status vonk__j_decode(vonk__j_caller *caller, vonk_str part, vonk__j_value *ret, vonk_error *err);
/* "s...", "i5", "ro12": puts objects into the table. */
vonk_status vonk__j_encode(vonk__j_caller *caller, const vonk__j_value *v, vonk_buf *out, vonk_error *err);
vonk_status vonk__j_escape(vonk_str text, vonk_buf *out, vonk_error *err);
vonk_status vonk__j_unescape(vonk_str text, vonk_buf *out, vonk_error *err); /* strict */
/* Commands of one caller until the stream ends or it says so; answers are written. */
vonk_status vonk__j_serve(vonk__j_caller *caller, vonk_error *err);
/* Queries that this thread starts are the caller's: its local properties go with them. NULL: nobody's. */
void vonk__j_asks(vonk__j_caller *caller);
/* Reads the rest of the command whose first line is `name`, runs it and writes the answer. */
vonk_status vonk__j_command(vonk__j_caller *caller, vonk_str name, vonk_error *err);

/* A command's lines, read. `head` are those before the arguments. */
typedef struct vonk__j_request {
    vonk_str head[3];
    vonk__j_value *args;
    uint32_t n_args;
    vonk_buf *out; /* the answer, behind "!" */
} vonk__j_request;
typedef vonk_status (*vonk__j_command_fn)(vonk__j_caller *caller, vonk__j_request *request, vonk_error *err);
vonk_status vonk__j_answer(vonk__j_caller *caller, vonk__j_request *r, const vonk__j_value *v, vonk_error *err);
vonk_status vonk__j_refuse(vonk__j_request *r, vonk_error *err, const char *fmt, ...) VONK_PRINTF(3, 4); /* "!xs..." */
vonk_status vonk__j_target(vonk__j_caller *caller, vonk__j_request *r, vonk_str id, vonk__j_object **ret,
                           vonk_error *err); /* NULL: refused */
/* "rj", "ro12": how views are named where the wire wants one. NULL: refused. */
vonk_status vonk__j_view_of(vonk__j_caller *caller, vonk__j_request *r, vonk_str part, vonk__j_object **ret,
                            vonk_error *err);
vonk_status vonk__j_array_command(vonk__j_caller *caller, vonk__j_request *r, char sub, vonk_error *err);
vonk_status vonk__j_list_command(vonk__j_caller *caller, vonk__j_request *r, char sub, vonk_error *err);
vonk_status vonk__j_dir_command(vonk__j_caller *caller, vonk__j_request *r, char sub, vonk_error *err);
vonk_status vonk__j_help_command(vonk__j_caller *caller, vonk__j_request *r, char sub, vonk_error *err);

/* ---- throwables (throwable.c) */
vonk_status vonk__j_throwable_of(vonk__j_machine *machine, const vonk_error *error, vonk__j_object **ret,
                                 vonk_error *err);
/* "fqn: message", newline, causes. */
vonk_status vonk__j_stack_text(vonk__j_caller *caller, vonk__j_object *throwable, vonk_buf *out, vonk_error *err);

/* ---- collections (java_list.c, java_map.c): payloads that others make and read. Guarded: hold machine->guard. */
typedef struct vonk__j_list {
    vonk__j_object head;
    VONK_VEC(vonk__j_value) items;
    uint32_t changes;
} vonk__j_list;
typedef struct vonk__j_array {
    vonk__j_object head;
    uint32_t n;
    vonk__j_value *items;
} vonk__j_array;
typedef struct vonk__j_entry {
    vonk__j_value key, value;
    int32_t hash;
    struct vonk__j_entry *chain, *before, *after;
} vonk__j_entry;
typedef struct vonk__j_map {
    vonk__j_object head;
    vonk__j_entry **buckets, *first, *last;
    uint32_t n, n_buckets, changes;
} vonk__j_map;

vonk_status vonk__j_list_new(vonk__j_machine *machine, vonk__j_list **ret, vonk_error *err);
vonk_status vonk__j_list_add(vonk__j_list *list, vonk__j_value take_value, vonk_error *err);
vonk_status vonk__j_array_new(vonk__j_machine *machine, const vonk__j_class *element, uint32_t n, vonk__j_array **ret,
                              vonk_error *err);
vonk_status vonk__j_map_new(vonk__j_machine *machine, const char *fqn, vonk__j_map **ret, vonk_error *err);
vonk_status vonk__j_map_put(vonk__j_caller *caller, vonk__j_map *map, vonk__j_value take_key, vonk__j_value take_value,
                            vonk__j_value *ret_old, vonk_error *err);
vonk_status vonk__j_map_find(vonk__j_caller *caller, const vonk__j_map *map, const vonk__j_value *key,
                             vonk__j_entry **ret, vonk_error *err);
bool vonk__j_map_remove(vonk__j_map *map, vonk__j_entry *entry); /* unlinks and frees */
void vonk__j_map_clear(vonk__j_map *map);
/* In the order that Java's class has: NULL is the start and the end. */
vonk__j_entry *vonk__j_map_next(const vonk__j_map *map, const vonk__j_entry *entry);
/* Texts to texts, for conf-like maps. */
vonk_status vonk__j_map_put_text(vonk__j_caller *caller, vonk__j_map *map, vonk_str key, vonk_str value,
                                 vonk_error *err);
vonk_str vonk__j_map_get_text(vonk__j_map *map, vonk_str key); /* data NULL: none; borrowed */
/* All elements of anything that has some (list, set, map's view, array, iterator that is left, Seq). *ret_known false:
 * it has none. Values are new references, in `arena`. */
vonk_status vonk__j_elements(vonk__j_caller *caller, vonk__j_object *of, vonk_arena *arena, vonk__j_value **ret,
                             uint32_t *ret_n, bool *ret_known, vonk_error *err);
void vonk__j_unref_all(vonk__j_value *values, uint32_t n);

/* ---- scala (scala.c) */
vonk_status vonk__j_option(vonk__j_machine *machine, vonk__j_value take_value, bool is_some, vonk__j_value *ret,
                           vonk_error *err);
vonk_status vonk__j_tuple2(vonk__j_machine *machine, vonk__j_value take_a, vonk__j_value take_b, vonk__j_value *ret,
                           vonk_error *err);

vonk_status vonk__j_to_scala(vonk__j_call *call, vonk_error *err); /* a member: Seq or Map of the first argument */

/* ---- callbacks (callback.c) */
vonk_status vonk__j_proxy_new(vonk__j_caller *caller, vonk_str part, vonk__j_value *ret, vonk_error *err);
bool vonk__j_is_proxy(const vonk__j_object *object);
/* Calls Python. The machine's guard must not be held. *ret is new. Python's exception is thrown as Py4JException. */
vonk_status vonk__j_call_back(vonk__j_caller *caller, vonk__j_object *proxy, const char *method,
                              const vonk__j_value *args, uint32_t n_args, vonk__j_value *ret, vonk_error *err);
/* A functional interface's method, called from inside a guarded member: the guard is let go meanwhile. */
vonk_status vonk__j_apply(vonk__j_caller *caller, vonk__j_object *function, const char *method,
                          const vonk__j_value *args, uint32_t n_args, vonk__j_value *ret, vonk_error *err);
void vonk__j_proxy_died(vonk__j_machine *machine, vonk_str id);
/* Tells Python which proxies are gone, when the caller's connection can be used for that. */
vonk_status vonk__j_bury(vonk__j_caller *caller, vonk_error *err);

/* ---- server (server.c), for members of the gateway's own objects */
uint16_t vonk__j_server_port(const vonk_py4j_server *server);
void vonk__j_server_shutdown(vonk_py4j_server *server);
void vonk__j_server_cut(vonk_py4j_server *server, uint16_t peer_port);

/* ---- Spark (spark_conf.c, spark_context.c) */
void vonk__j_context_drop(vonk__j_machine *machine); /* at the end of the machine */
void vonk__j_sql_drop(vonk__j_machine *machine);     /* the same */

/* ---- rows, one table per area */
typedef struct vonk__j_area {
    const vonk__j_row *rows;
    uint32_t n;
} vonk__j_area;
#define AREA(name) extern const vonk__j_area vonk__j_area_##name;
#include "serve/py4j/area.def"
#undef AREA

#endif
