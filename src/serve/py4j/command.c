/* serve/py4j/command.c -- the commands of the wire: read, run, answered.
 *
 * Answers: "!y" and a value; "!xr" and a throwable that a member raised; "!xs" and a text where Py4J itself refuses;
 * "!zs" and a text where the command was no command: then the connection ends. */
#include "serve/py4j/py4j_int.h"

#include <stdarg.h>

/* ---- answers */

vonk_status vonk__j_answer(vonk__j_caller *caller, vonk__j_request *r, const vonk__j_value *v, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_byte(r->out, 'y', err));
    return vonk__j_encode(caller, v, r->out, err);
}

vonk_status vonk__j_refuse(vonk__j_request *r, vonk_error *err, const char *fmt, ...)
{
    char text[2048];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    VONK_TRY(vonk_buf_add_c(r->out, "xs", err));
    return vonk__j_escape(vonk_str_of(text), r->out, err);
}

static vonk_str plain_message(const vonk_error *error)
{
    const char *name = NULL, *value = NULL;
    if (error->cls == VONK_E_INTERNAL_ERROR && vonk_error_n_params(error)) {
        vonk_error_param(error, 0, &name, &value);
        return vonk_str_of(value);
    }
    return vonk_str_of(vonk_error_message(error));
}

/* What a member raised: an object that Python asks about. */
static vonk_status answer_raised(vonk__j_caller *caller, vonk__j_request *r, const vonk_error *raised, vonk_error *err)
{
    char id[24];
    VONK__J_AUTO vonk__j_object *thrown = VONK_STEAL(caller->thrown);
    if (!thrown) VONK_TRY(vonk__j_throwable_of(caller->machine, raised, &thrown, err));
    VONK_TRY(vonk__j_put(caller->machine, thrown, id, err));
    return vonk_buf_printf(r->out, err, "xr%s", id);
}

/* The text of what stops a command: of a throwable, or of an error of ours. */
static vonk_status answer_fatal(vonk__j_caller *caller, vonk_buf *out, const vonk_error *raised, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    VONK__J_AUTO vonk__j_object *thrown = VONK_STEAL(caller->thrown);
    vonk_buf_init(&text, caller->machine->budget, SIZE_MAX);
    if (thrown)
        VONK_TRY(vonk__j_stack_text(caller, thrown, &text, err));
    else
        VONK_TRY(vonk_buf_add_str(&text, plain_message(raised), err));
    caller->ends = true;
    vonk_buf_reset(out);
    VONK_TRY(vonk_buf_add_c(out, "!zs", err));
    return vonk__j_escape(vonk_buf_str(&text), out, err);
}

vonk_status vonk__j_target(vonk__j_caller *caller, vonk__j_request *r, vonk_str id, vonk__j_object **ret,
                           vonk_error *err)
{
    *ret = vonk__j_get(caller->machine, id);
    if (*ret) return VONK_OK;
    return vonk__j_refuse(r, err, "py4j.Py4JException: Target Object ID does not exist for this gateway :%.*s\n",
                          (int)vonk_min_size(id.len, 100), id.data);
}

/* ---- calls */

static vonk_status refuse_unknown(vonk__j_caller *caller, vonk__j_request *r, const char *what, vonk_str name,
                                  vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, caller->machine->budget, SIZE_MAX);
    VONK_TRY(vonk_buf_printf(&text, err, "py4j.Py4JException: %s %.*s([", what, (int)vonk_min_size(name.len, 400),
                             name.data));
    for (uint32_t i = 0; i < r->n_args; i++) {
        const vonk__j_class *cls = vonk__j_class_of(caller->machine, &r->args[i]);
        if (i) VONK_TRY(vonk_buf_add_c(&text, ", ", err));
        if (cls)
            VONK_TRY(vonk_buf_printf(&text, err, "class %.*s", VONK_STR_ARGS(cls->fqn)));
        else
            VONK_TRY(vonk_buf_add_c(&text, "null", err));
    }
    VONK_TRY(vonk_buf_add_c(&text, "]) does not exist\n", err));
    VONK_TRY(vonk_buf_add_c(r->out, "xs", err));
    return vonk__j_escape(vonk_buf_str(&text), r->out, err);
}

static vonk_status refuse_class(vonk__j_request *r, vonk_str fqn, vonk_error *err)
{
    return vonk__j_refuse(r, err, "java.lang.ClassNotFoundException: %.*s\n", (int)vonk_min_size(fqn.len, 400),
                          fqn.data);
}

static vonk_status run_member(vonk__j_caller *caller, vonk__j_request *r, const vonk__j_class *cls,
                              vonk__j_object *self, const vonk__j_signature *s, vonk_error *err)
{
    VONK_AUTO(vonk_error_reset) vonk_error raised = VONK_ERROR_INIT;
    VONK_AUTO(vonk__j_unref) vonk__j_value result = VONK__J_NOTHING;
    if (s->n_args != r->n_args) /* fields have none */
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "py4j.Py4JException: arguments of a field");
    if (vonk__j_invoke(caller, cls, self, s, r->args, r->n_args, &result, &raised) != VONK_OK)
        return answer_raised(caller, r, &raised, err);
    return vonk__j_answer(caller, r, &result, err);
}

static vonk_status call_command(vonk__j_caller *caller, vonk__j_request *r, vonk_error *err)
{
    const vonk__j_class *cls = NULL;
    const vonk__j_signature *s = NULL;
    VONK__J_AUTO vonk__j_object *self = NULL;
    const bool is_static = vonk_str_starts(r->head[0], VONK_STR("z:"));
    if (is_static) {
        const vonk_str fqn = vonk_str_sub(r->head[0], 2, r->head[0].len);
        VONK_TRY(vonk__j_find_class(caller->machine, fqn, &cls, err));
        if (!cls) return refuse_class(r, fqn, err);
    } else {
        VONK_TRY(vonk__j_target(caller, r, r->head[0], &self, err));
        if (!self) return VONK_OK;
        cls = self->cls;
    }
    vonk__j_choose(caller->machine, cls, r->head[1], false, r->args, r->n_args, &s);
    if (!s) return refuse_unknown(caller, r, "Method", r->head[1], err);
    if (is_static && s->member->role == VONK__J_METHOD)
        return vonk__j_refuse(r, err, "java.lang.NullPointerException\n");
    return run_member(caller, r, cls, self, s, err);
}

static vonk_status constructor_command(vonk__j_caller *caller, vonk__j_request *r, vonk_error *err)
{
    const vonk__j_class *cls = NULL;
    const vonk__j_signature *s = NULL;
    VONK_TRY(vonk__j_find_class(caller->machine, r->head[0], &cls, err));
    if (!cls) return refuse_class(r, r->head[0], err);
    vonk__j_choose(caller->machine, cls, VONK_STR_NONE, true, r->args, r->n_args, &s);
    if (!s) return refuse_unknown(caller, r, "Constructor", r->head[0], err);
    return run_member(caller, r, cls, NULL, s, err);
}

/* ---- fields */

static vonk_status field_command(vonk__j_caller *caller, vonk__j_request *r, vonk__j_role role, vonk_error *err)
{
    VONK__J_AUTO vonk__j_object *self = NULL;
    VONK_TRY(vonk__j_target(caller, r, r->head[0], &self, err));
    if (!self) return VONK_OK;
    const vonk__j_signature *s = vonk__j_field(self->cls, r->head[1], role);
    if (!s || s->n_args != r->n_args) return vonk_buf_add_c(r->out, "yo", err); /* fields of rows are final */
    return run_member(caller, r, self->cls, self, s, err);
}
static vonk_status field_get(vonk__j_caller *caller, vonk__j_request *r, vonk_error *err)
{
    return field_command(caller, r, VONK__J_FIELD, err);
}
static vonk_status field_set(vonk__j_caller *caller, vonk__j_request *r, vonk_error *err)
{
    VONK__J_AUTO vonk__j_object *self = NULL;
    VONK_TRY(vonk__j_target(caller, r, r->head[0], &self, err));
    return self ? vonk_buf_add_c(r->out, "yo", err) : VONK_OK; /* no row has a field that can be set */
}

/* ---- reflection */

static vonk_status find_in_view(vonk__j_caller *caller, vonk__j_view *view, vonk_str name, const vonk__j_class **ret,
                                vonk_error *err)
{
    vonk_str package;
    void *unused = NULL;
    VONK_LOCKED(&view->lock);
    const char *fqn = vonk_strmap_get(view->names, name);
    *ret = NULL;
    if (fqn) VONK_TRY(vonk__j_find_class(caller->machine, vonk_str_of(fqn), ret, err));
    for (size_t at = 0; !*ret && vonk_strmap_next(view->packages, &at, &package, &unused);)
        VONK_TRY(vonk__j_find_class(
            caller->machine, vonk_str_of(VONK_F("%.*s.%.*s", VONK_STR_ARGS(package), VONK_STR_ARGS(name))), ret, err));
    return VONK_OK;
}

vonk_status vonk__j_view_of(vonk__j_caller *caller, vonk__j_request *r, vonk_str part, vonk__j_object **ret,
                            vonk_error *err)
{
    const bool is_reference = part.len && part.data[0] == 'r';
    VONK_TRY(vonk__j_target(caller, r, is_reference ? vonk_str_sub(part, 1, part.len) : part, ret, err));
    if (!*ret || vonk__j_is(*ret, "py4j.JVMView")) return VONK_OK;
    vonk__j_object_unref(*ret);
    *ret = NULL;
    return vonk__j_refuse(r, err, "java.lang.ClassCastException: no view\n");
}

static vonk_status unknown_name(vonk__j_caller *caller, vonk__j_request *r, vonk_error *err)
{
    const vonk__j_class *cls = NULL;
    VONK__J_AUTO vonk__j_object *view = NULL;
    if (vonk_str_find_byte(r->head[0], '.', 0) != SIZE_MAX) {
        VONK_TRY(vonk__j_find_class(caller->machine, r->head[0], &cls, err));
    } else {
        VONK_TRY(vonk__j_view_of(caller, r, r->head[1], &view, err));
        if (!view) return VONK_OK;
        VONK_TRY(find_in_view(caller, (vonk__j_view *)view, r->head[0], &cls, err));
    }
    return cls ? vonk_buf_printf(r->out, err, "yc%.*s", VONK_STR_ARGS(cls->fqn)) : vonk_buf_add_c(r->out, "yp", err);
}

static vonk_status class_member(vonk__j_caller *caller, vonk__j_request *r, vonk_error *err)
{
    const vonk__j_class *cls = NULL, *nested = NULL;
    VONK_TRY(vonk__j_find_class(caller->machine, r->head[0], &cls, err));
    if (!cls) return vonk_buf_add_byte(r->out, 'x', err);
    const vonk__j_signature *field = vonk__j_field(cls, r->head[1], VONK__J_STATIC_FIELD);
    if (field) return run_member(caller, r, cls, NULL, field, err);
    if (vonk__j_has_member(cls, r->head[1], VONK__J_STATIC)) return vonk_buf_add_c(r->out, "ym", err);
    if (vonk__j_has_member(cls, r->head[1], VONK__J_METHOD))
        return vonk__j_refuse(r, err, "Trying to access a non-static member from a static context.");
    VONK_TRY(vonk__j_find_class(caller->machine,
                                vonk_str_of(VONK_F("%.*s$%.*s", VONK_STR_ARGS(cls->fqn), VONK_STR_ARGS(r->head[1]))),
                                &nested, err));
    return vonk_buf_add_c(r->out, nested ? "yc" : "x", err);
}

static vonk_status class_object(vonk__j_caller *caller, vonk__j_request *r, vonk_error *err)
{
    const vonk__j_class *cls = NULL;
    VONK_AUTO(vonk__j_unref) vonk__j_value object = VONK__J_NOTHING;
    VONK_TRY(vonk__j_find_class(caller->machine, r->head[0], &cls, err));
    if (!cls)
        return vonk__j_refuse(r, err, "The class %.*s does not exist.", (int)vonk_min_size(r->head[0].len, 400),
                              r->head[0].data);
    VONK_TRY(vonk__j_class_object(caller->machine, cls, &object, err));
    return vonk__j_answer(caller, r, &object, err);
}

/* ---- memory, views, throwables */

static vonk_status forget_command(vonk__j_caller *caller, vonk__j_request *r, vonk_error *err)
{
    if (!vonk_str_is(r->head[0], "j") && !vonk_str_is(r->head[0], "GATEWAY_SERVER"))
        vonk__j_forget(caller->machine, r->head[0]);
    return vonk_buf_add_c(r->out, "yv", err);
}

vonk_status vonk__j_view_new(vonk__j_machine *machine, vonk__j_view **ret, vonk_error *err)
{
    VONK__J_AUTO vonk__j_view *view = NULL;
    VONK_TRY(vonk__j_object_new(machine, "py4j.JVMView", &view, err));
    vonk_mutex_init(&view->lock);
    VONK_TRY(vonk_strmap_new(machine->budget, false, &view->names, err));
    VONK_TRY(vonk_strmap_new(machine->budget, false, &view->packages, err));
    VONK_TRY(vonk_strmap_put(view->packages, VONK_STR("java.lang"), view, NULL, err));
    *ret = VONK_STEAL(view);
    return VONK_OK;
}

static vonk_status view_create(vonk__j_caller *caller, vonk__j_request *r, vonk_error *err)
{
    VONK_AUTO(vonk__j_unref) vonk__j_value made = VONK__J_NOTHING;
    vonk__j_view *view = NULL;
    VONK_TRY(vonk__j_view_new(caller->machine, &view, err));
    made = vonk__j_of(&view->head);
    return vonk__j_answer(caller, r, &made, err);
}

static vonk_status change_imports(vonk__j_view *view, vonk_str text, bool add, bool *ret_had, vonk_error *err)
{
    enum { MOST_IMPORTS = 100000 };
    const bool star = vonk_str_ends(text, VONK_STR(".*"));
    vonk_str name = star ? vonk_str_sub(text, 0, text.len - 2) : text;
    vonk_strmap *map = star ? view->packages : view->names;
    for (size_t i = name.len; !star && i > 0; i--)
        if (name.data[i - 1] == '.') {
            name = vonk_str_sub(name, i, name.len);
            break;
        }
    VONK_LOCKED(&view->lock);
    view->sequence++;
    void *old = add ? NULL : vonk_strmap_take(map, name);
    *ret_had = old != NULL;
    if (add && vonk_strmap_n(map) >= MOST_IMPORTS)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "too many imports");
    char *copy = NULL;
    if (add && !star) VONK_TRY(vonk_strdup(view->head.machine->budget, text, &copy, err));
    if (add) VONK_TRY(vonk_strmap_put(map, name, star ? (void *)view : copy, &old, err));
    if (!star) vonk_free(old);
    return VONK_OK;
}

static vonk_status import_command(vonk__j_caller *caller, vonk__j_request *r, vonk_error *err)
{
    bool had = false;
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    VONK__J_AUTO vonk__j_object *view = NULL;
    vonk_buf_init(&text, caller->machine->budget, SIZE_MAX);
    VONK_TRY(vonk__j_unescape(r->head[1], &text, err));
    VONK_TRY(vonk__j_view_of(caller, r, r->head[0], &view, err));
    if (!view) return VONK_OK;
    VONK_TRY(change_imports((vonk__j_view *)view, vonk_buf_str(&text), true, &had, err));
    return vonk_buf_add_c(r->out, "yv", err);
}

static vonk_status remove_import(vonk__j_caller *caller, vonk__j_request *r, vonk_error *err)
{
    bool had = false;
    VONK__J_AUTO vonk__j_object *view = NULL;
    VONK_TRY(vonk__j_view_of(caller, r, r->head[0], &view, err));
    if (!view) return VONK_OK;
    if (r->n_args != 1 || r->args[0].kind != VONK__J_STRING)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "py4j.Py4JException: an import is a text");
    VONK_TRY(change_imports((vonk__j_view *)view, vonk__j_str(&r->args[0]), false, &had, err));
    return vonk_buf_add_c(r->out, had ? "ybtrue" : "ybfalse", err);
}

static vonk_status stack_command(vonk__j_caller *caller, vonk__j_request *r, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, caller->machine->budget, SIZE_MAX);
    if (r->n_args != 1 || r->args[0].kind != VONK__J_OBJECT || !vonk__j_is(r->args[0].object, "java.lang.Throwable"))
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                         "java.lang.NullPointerException: no throwable of that id");
    VONK_TRY(vonk__j_stack_text(caller, r->args[0].object, &text, err));
    VONK_TRY(vonk_buf_add_c(r->out, "ys", err));
    return vonk__j_escape(vonk_buf_str(&text), r->out, err);
}

/* ---- the commands with a letter for what to do; head lines besides that one */

#define SUBS(name, letter)                                                                                             \
    static vonk_status name(vonk__j_caller *caller, vonk__j_request *r, vonk_error *err)                               \
    {                                                                                                                  \
        return FAMILY(caller, r, letter, err);                                                                         \
    }
#define FAMILY vonk__j_array_command
SUBS(array_get, 'g')
SUBS(array_set, 's')
SUBS(array_slice, 'l')
SUBS(array_length, 'e')
SUBS(array_create, 'c')
#undef FAMILY
#define FAMILY vonk__j_list_command
SUBS(list_sort, 's')
SUBS(list_reverse, 'r')
SUBS(list_slice, 'l')
SUBS(list_concat, 'a')
SUBS(list_multiply, 'm')
SUBS(list_extend, 'i')
SUBS(list_count, 'f')
#undef FAMILY
#define FAMILY vonk__j_dir_command
SUBS(dir_fields, 'f')
SUBS(dir_methods, 'm')
SUBS(dir_statics, 's')
SUBS(dir_view, 'v')
#undef FAMILY
#define FAMILY vonk__j_help_command
SUBS(help_object, 'o')
SUBS(help_class, 'c')
#undef FAMILY

static const struct command {
    char name, sub; /* sub 0: none */
    uint8_t n_head;
    vonk__j_command_fn run;
} commands[] = {
    {'c', 0, 2, call_command},     {'i', 0, 1, constructor_command}, {'m', 'd', 1, forget_command},
    {'r', 'u', 2, unknown_name},   {'r', 'm', 2, class_member},      {'r', 'c', 1, class_object},
    {'f', 'g', 2, field_get},      {'f', 's', 2, field_set},         {'j', 'c', 0, view_create},
    {'j', 'i', 2, import_command}, {'j', 'r', 1, remove_import},     {'p', 0, 0, stack_command},
    {'a', 'g', 1, array_get},      {'a', 's', 1, array_set},         {'a', 'l', 1, array_slice},
    {'a', 'e', 1, array_length},   {'a', 'c', 0, array_create},      {'l', 's', 1, list_sort},
    {'l', 'r', 1, list_reverse},   {'l', 'l', 1, list_slice},        {'l', 'a', 2, list_concat},
    {'l', 'm', 1, list_multiply},  {'l', 'i', 1, list_extend},       {'l', 'f', 1, list_count},
    {'d', 'f', 1, dir_fields},     {'d', 'm', 1, dir_methods},       {'d', 's', 1, dir_statics},
    {'d', 'v', 1, dir_view},       {'h', 'o', 1, help_object},       {'h', 'c', 1, help_class},
};

static const struct command *find_command(vonk_str name, vonk_str sub)
{
    for (size_t i = 0; name.len == 1 && i < VONK_COUNTOF(commands); i++)
        if (commands[i].name == name.data[0] && (!commands[i].sub || (sub.len == 1 && sub.data[0] == commands[i].sub)))
            return &commands[i];
    return NULL;
}

static bool takes_sub(vonk_str name) { return name.len == 1 && strchr("mrfjaldh", name.data[0]); }

/* ---- reading a command */

typedef struct lines {
    vonk_buf text; /* one behind the other */
    VONK_VEC(size_t) ends;
} lines;

static void lines_done(lines *l)
{
    vonk_buf_done(&l->text);
    vonk_free(l->ends.at);
}
VONK_DEFINE_AUTO_DONE(lines, lines_done)

static vonk_str line_at(const lines *l, size_t i)
{
    const size_t from = i ? l->ends.at[i - 1] : 0;
    return (vonk_str){l->text.data + from, l->ends.at[i] - from};
}

static vonk_status cut_off(vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR_NETWORK, "message", "the connection ended within a command");
}

static vonk_status next_line(vonk__j_caller *caller, lines *l, vonk_error *err)
{
    bool end = false;
    VONK_TRY(vonk__j_read_line(caller, &l->text, &end, err));
    if (end) return cut_off(err);
    return VONK_VEC_PUSH(&l->ends, caller->machine->budget, l->text.len, err);
}

static vonk_status read_lines(vonk__j_caller *caller, lines *l, size_t n_head, vonk_error *err)
{
    while (l->ends.n < n_head) VONK_TRY(next_line(caller, l, err));
    do {
        if (l->ends.n > n_head + VONK__J_MAX_ARGS)
            return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "py4j.Py4JException: too many arguments");
        VONK_TRY(next_line(caller, l, err));
    } while (!vonk_str_is(line_at(l, l->ends.n - 1), "e"));
    return VONK_OK;
}

static vonk_status decode_args(vonk__j_caller *caller, const lines *l, size_t n_head, vonk__j_request *r,
                               vonk_error *err)
{
    for (size_t i = n_head; i + 1 < l->ends.n; i++) {
        VONK_TRY(vonk__j_decode(caller, line_at(l, i), &r->args[r->n_args], err));
        r->n_args++;
    }
    return VONK_OK;
}

static vonk_status run_command(vonk__j_caller *caller, vonk_str name, vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(lines_done) lines l = {0};
    vonk__j_request r = {.out = out};
    vonk_buf_init(&l.text, caller->machine->budget, VONK__J_MAX_COMMAND_BYTES);
    const size_t n_sub = takes_sub(name);
    if (n_sub) VONK_TRY(next_line(caller, &l, err));
    const struct command *command = find_command(name, n_sub ? line_at(&l, 0) : VONK_STR_NONE);
    if (!command)
        return VONK_FAIL(
            err, VONK_E_INTERNAL_ERROR, "message",
            VONK_F("py4j.Py4JException: Unknown command received: %.*s", (int)vonk_min_size(name.len, 100), name.data));
    const size_t n_head = n_sub + command->n_head;
    VONK_TRY(read_lines(caller, &l, n_head, err));
    for (size_t i = n_sub; i < n_head; i++) r.head[i - n_sub] = line_at(&l, i);
    VONK_TRY(vonk_alloc_array(caller->machine->budget, l.ends.n, sizeof *r.args, &r.args, err));
    vonk_status status = decode_args(caller, &l, n_head, &r, err);
    if (status == VONK_OK) status = command->run(caller, &r, err);
    vonk__j_unref_all(r.args, r.n_args);
    vonk_free(r.args);
    return status;
}

/* ---- those without an answer */

static vonk_status cancel_command(vonk__j_caller *caller, vonk_error *err)
{
    VONK_AUTO(lines_done) lines l = {0};
    vonk_buf_init(&l.text, caller->machine->budget, VONK__J_HEAD_BYTES);
    for (int i = 0; i < 3; i++) VONK_TRY(next_line(caller, &l, err));
    uint32_t port = 0;
    const vonk_str digits = line_at(&l, 1);
    for (size_t i = 0; i < digits.len && port < 100000; i++)
        port = digits.data[i] >= '0' && digits.data[i] <= '9' ? port * 10 + (uint32_t)(digits.data[i] - '0') : 100000;
    if (caller->machine->server && port > 0 && port < 65536)
        vonk__j_server_cut(caller->machine->server, (uint16_t)port);
    caller->ends = true;
    return VONK_OK;
}

/* Without memory for an answer: "!zs" and the error's own text from the stack. Lines of the command may be unread. */
static vonk_status answer_plainly(vonk__j_caller *caller, vonk_error *err)
{
    char line[sizeof err->message + 8] = "!zs";
    size_t n = 3;
    for (const char *at = vonk_error_message(err); *at && n + 2 < sizeof line; at++)
        line[n++] = *at == '\n' || *at == '\r' || *at == '\\' ? ' ' : *at;
    line[n++] = '\n';
    caller->ends = true;
    vonk_error_reset(err);
    return caller->stream.write(caller->stream.self, (vonk_str){line, n}, err);
}

static vonk_status command_of(vonk__j_caller *caller, vonk_str name, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
    VONK_AUTO(vonk_error_reset) vonk_error raised = VONK_ERROR_INIT;
    if (vonk_str_is(name, "s")) {
        caller->ends = true;
        if (caller->machine->server) vonk__j_server_shutdown(caller->machine->server);
        return VONK_OK;
    }
    if (vonk_str_is(name, "z")) return cancel_command(caller, err);
    vonk_buf_init(&out, caller->machine->budget, SIZE_MAX);
    VONK_TRY(vonk_buf_add_byte(&out, '!', err));
    const vonk_status status = run_command(caller, name, &out, &raised);
    if (status == VONK_E_INTERNAL_ERROR_NETWORK) {
        vonk_error_move(err, &raised);
        return status;
    }
    if (status != VONK_OK) VONK_TRY(answer_fatal(caller, &out, &raised, err));
    VONK_TRY(vonk_buf_add_byte(&out, '\n', err));
    VONK_TRY(vonk__j_bury(caller, err));
    return caller->stream.write(caller->stream.self, vonk_buf_str(&out), err);
}

vonk_status vonk__j_command(vonk__j_caller *caller, vonk_str name, vonk_error *err)
{
    const vonk_status status = command_of(caller, name, err);
    if (status == VONK_OK || status == VONK_E_INTERNAL_ERROR_NETWORK) return status;
    return answer_plainly(caller, err);
}

vonk_status vonk__j_serve(vonk__j_caller *caller, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf line = {0};
    vonk_buf_init(&line, caller->machine->budget, VONK__J_HEAD_BYTES);
    for (bool end = false; !caller->ends;) {
        vonk_buf_reset(&line);
        VONK_TRY(vonk__j_read_line(caller, &line, &end, err));
        if (end) return VONK_OK;
        VONK_TRY(vonk__j_command(caller, vonk_buf_str(&line), err));
    }
    return VONK_OK;
}
