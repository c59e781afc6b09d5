/* serve/py4j/help_command.c -- what people see when they complete a name (d) or ask for help (h): the rows as text. */
#include "serve/py4j/py4j_int.h"

/* ---- names */

typedef struct names {
    vonk_strmap *seen;
    vonk_buf *out;
} names;

static vonk_status add_name(names *n, const char *name, vonk_error *err)
{
    const bool first = vonk_strmap_n(n->seen) == 0;
    if (vonk_strmap_get(n->seen, vonk_str_of(name))) return VONK_OK;
    VONK_TRY(vonk_strmap_put(n->seen, vonk_str_of(name), n, NULL, err));
    if (!first) VONK_TRY(vonk_buf_add_c(n->out, "\\n", err));
    return vonk__j_escape(vonk_str_of(name), n->out, err);
}

static bool shows(char sub, vonk__j_role role)
{
    switch (sub) {
    case 'f': return role == VONK__J_FIELD || role == VONK__J_STATIC_FIELD;
    case 'm': return role == VONK__J_METHOD || role == VONK__J_STATIC;
    default: return role == VONK__J_STATIC || role == VONK__J_STATIC_FIELD;
    }
}

static vonk_status add_members(names *n, const vonk__j_class *cls, char sub, vonk_error *err)
{
    assert(cls);
    for (const vonk__j_class *k = cls; k; k = k->super)
        for (uint32_t i = 0; i < k->row.n_members; i++)
            if (shows(sub, k->row.members[i].role)) VONK_TRY(add_name(n, k->row.members[i].name, err));
    for (uint32_t i = 0; i < cls->n_interfaces; i++) VONK_TRY(add_members(n, cls->interfaces[i], sub, err));
    return VONK_OK;
}

/* The number of the view's last change, then its names; null when the client has that number. */
static vonk_status add_view(vonk__j_caller *caller, vonk__j_request *r, names *n, vonk_error *err)
{
    char number[24];
    vonk_str name;
    void *text = NULL;
    VONK__J_AUTO vonk__j_object *object = NULL;
    VONK_TRY(vonk__j_view_of(caller, r, r->head[0], &object, err));
    if (!object) return VONK_OK;
    VONK_TRY(vonk_buf_add_c(r->out, "ys", err));
    vonk__j_view *view = (vonk__j_view *)object;
    VONK_LOCKED(&view->lock);
    vonk_format(number, sizeof number, "%u", view->sequence);
    if (r->n_args && r->args[0].kind == VONK__J_STRING && vonk_str_is(vonk__j_str(&r->args[0]), number)) {
        vonk_buf_reset(r->out);
        return vonk_buf_add_c(r->out, "!yn", err);
    }
    VONK_TRY(add_name(n, number, err));
    for (size_t at = 0; vonk_strmap_next(view->names, &at, &name, &text);) VONK_TRY(add_name(n, name.data, err));
    return VONK_OK;
}

vonk_status vonk__j_dir_command(vonk__j_caller *caller, vonk__j_request *r, char sub, vonk_error *err)
{
    VONK_AUTO(vonk_strmap_free) vonk_strmap *seen = NULL;
    VONK__J_AUTO vonk__j_object *object = NULL;
    const vonk__j_class *cls = NULL;
    VONK_TRY(vonk_strmap_new(caller->machine->budget, false, &seen, err));
    names n = {.seen = seen, .out = r->out};
    if (sub == 's') {
        VONK_TRY(vonk__j_find_class(caller->machine, r->head[0], &cls, err));
        if (!cls)
            return vonk__j_refuse(r, err, "The class %.*s does not exist.", (int)vonk_min_size(r->head[0].len, 400),
                                  r->head[0].data);
    } else if (sub != 'v') {
        VONK_TRY(vonk__j_target(caller, r, r->head[0], &object, err));
        if (!object) return VONK_OK;
        cls = object->cls;
    }
    if (!cls) return add_view(caller, r, &n, err);
    VONK_TRY(vonk_buf_add_c(r->out, "ys", err));
    return add_members(&n, cls, sub, err);
}

/* ---- help pages */

/* '*' stands for any text. Patterns are short; the loop remembers only the last star. */
static bool matches(vonk_str text, vonk_str pattern)
{
    size_t i = 0, p = 0, star = SIZE_MAX, star_i = 0;
    while (i < text.len) {
        if (p < pattern.len && pattern.data[p] == '*') {
            star = p++;
            star_i = i;
        } else if (p < pattern.len && pattern.data[p] == text.data[i]) {
            i++, p++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            i = ++star_i;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.data[p] == '*') p++;
    return p == pattern.len;
}

static vonk_status add_type(const char *name, bool is_short, vonk_buf *out, vonk_error *err)
{
    const char *dot = strrchr(name, '.');
    const bool plain = !dot && name[0] >= 'A' && name[0] <= 'Z' && !is_short;
    return vonk_buf_printf(out, err, "%s%s", plain ? "java.lang." : "", is_short && dot ? dot + 1 : name);
}

static vonk_status add_signature(const vonk__j_signature *s, bool is_short, vonk_buf *out, vonk_error *err)
{
    VONK_TRY(vonk_buf_printf(out, err, "%s(", s->member->name));
    for (uint32_t i = 0; i < s->n_args; i++) {
        if (i) VONK_TRY(vonk_buf_add_c(out, ", ", err));
        VONK_TRY(vonk__j_add_class_name(s->args[i], is_short, out, err));
    }
    VONK_TRY(vonk_buf_add_c(out, ") : ", err));
    return add_type(s->member->result, is_short, out, err);
}

static vonk_status add_methods(vonk__j_caller *caller, const vonk__j_class *cls, vonk_str pattern, bool is_short,
                               vonk_buf *page, vonk_error *err)
{
    for (const vonk__j_class *k = cls; k; k = k->super)
        for (uint32_t i = 0; i < k->row.n_members; i++) {
            VONK_AUTO(vonk_buf_done) vonk_buf line = {0};
            vonk_buf_init(&line, caller->machine->budget, SIZE_MAX);
            if (k->row.members[i].role > VONK__J_STATIC) continue;
            VONK_TRY(add_signature(&k->signatures[i], is_short, &line, err));
            if (pattern.len && !matches(vonk_buf_str(&line), pattern)) continue;
            VONK_TRY(vonk_buf_printf(page, err, "|  \n|  %.*s\n", (int)line.len, line.data));
        }
    return vonk_buf_add_c(page, "|  \n", err);
}

static vonk_status add_page(vonk__j_caller *caller, const vonk__j_class *cls, vonk_str pattern, bool is_short,
                            vonk_buf *page, vonk_error *err)
{
    const vonk_str name = vonk__j_simple_name(cls);
    const vonk_str package = vonk_str_sub(cls->fqn, 0, cls->fqn.len > name.len ? cls->fqn.len - name.len - 1 : 0);
    VONK_TRY(vonk_buf_printf(page, err, "Help on class %.*s in package %.*s:\n\n%.*s", VONK_STR_ARGS(name),
                             VONK_STR_ARGS(package), VONK_STR_ARGS(is_short ? name : cls->fqn)));
    if (cls->super && cls->super->super)
        VONK_TRY(vonk_buf_printf(page, err, " extends %.*s", VONK_STR_ARGS(cls->super->fqn)));
    for (uint32_t i = 0; i < cls->n_interfaces; i++)
        VONK_TRY(
            vonk_buf_printf(page, err, "%s%.*s", i ? ", " : " implements ", VONK_STR_ARGS(cls->interfaces[i]->fqn)));
    VONK_TRY(vonk_buf_add_c(page, " {\n|  \n|  Methods defined here:\n", err));
    VONK_TRY(add_methods(caller, cls, pattern, is_short, page, err));
    return vonk_buf_add_c(page, "}\n", err);
}

vonk_status vonk__j_help_command(vonk__j_caller *caller, vonk__j_request *r, char sub, vonk_error *err)
{
    VONK__J_AUTO vonk__j_object *object = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf page = {0};
    const vonk__j_class *cls = NULL;
    vonk_buf_init(&page, caller->machine->budget, SIZE_MAX);
    if (sub == 'c') {
        VONK_TRY(vonk__j_find_class(caller->machine, r->head[0], &cls, err));
        if (!cls)
            return vonk__j_refuse(r, err, "The class %.*s does not exist.", (int)vonk_min_size(r->head[0].len, 400),
                                  r->head[0].data);
    } else {
        VONK_TRY(vonk__j_target(caller, r, r->head[0], &object, err));
        if (!object) return VONK_OK;
        cls = object->cls;
    }
    VONK_TRY(add_page(caller, cls, r->n_args ? vonk__j_str(&r->args[0]) : VONK_STR_NONE, r->n_args > 1 && r->args[1].i,
                      &page, err));
    VONK_TRY(vonk_buf_add_c(r->out, "ys", err));
    return vonk__j_escape(vonk_buf_str(&page), r->out, err);
}
