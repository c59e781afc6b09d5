/* opt/rule_prune_nested.c -- scans read only those nested fields that something above uses.
 *
 *   Project [s.a]                                 Project [s.a]
 *   +- Relation [s: struct<a, b>]           =>    +- Relation [s: struct<a>]
 *
 * A use is a path of struct fields, elements and map values (s.a, arr.b, arr[0].b, m['k'].f, what explode makes of
 * arr); everything else uses its column whole. What only asks whether a value is there, or how many there are, is
 * content with any one leaf. First all uses are gathered from the top down, by column id; then scans, and from them
 * upwards every expression over their columns, get the narrower types. */
#include "opt/rules.h"
#include "opt/scratch.h"

/* What is used of a value: as many children as its type has fields, NULL where nothing is. */
typedef struct use {
    const vonk_type *type;
    bool whole;
    struct use **fields;
} use;

typedef struct column_use {
    uint64_t id;
    use *used;
    const vonk_type *narrowed; /* NULL: as it was; held by the arena */
} column_use;

typedef struct pruner {
    vonk__scratch s;
    VONK_VEC(column_use) columns; /* that hold structs */
    bool give_up;
} pruner;

/* ---- uses */
static bool holds_struct(const vonk_type *t)
{
    switch (t->id) {
    case VONK_T_STRUCT: return true;
    case VONK_T_ARRAY: return holds_struct(t->fields[0].type);
    case VONK_T_MAP: return holds_struct(t->fields[1].type);
    default: return false;
    }
}

static vonk_status new_use(pruner *p, const vonk_type *type, bool whole, use **ret, vonk_error *err)
{
    VONK_TRY(VONK_ARENA_NEW(p->s.arena, ret, err));
    (*ret)->type = type;
    (*ret)->whole = whole;
    return vonk_arena_array(p->s.arena, type->n_fields + 1, sizeof *(*ret)->fields, &(*ret)->fields, err);
}

static vonk_status add_use(pruner *p, use *into, const use *more, vonk_error *err)
{
    into->whole |= more->whole;
    for (uint32_t i = 0; i < into->type->n_fields && !into->whole; i++) {
        if (!more->fields[i]) continue;
        if (!into->fields[i]) VONK_TRY(new_use(p, into->type->fields[i].type, false, &into->fields[i], err));
        VONK_TRY(add_use(p, into->fields[i], more->fields[i], err));
    }
    return VONK_OK;
}

static column_use *find_column(pruner *p, uint64_t id)
{
    for (size_t i = p->columns.n; i-- > 0;)
        if (p->columns.at[i].id == id) return &p->columns.at[i];
    return NULL;
}

static vonk_status use_column(pruner *p, const vonk_expr *column, const use *how, vonk_error *err)
{
    column_use *known = find_column(p, column->id);

    if (!holds_struct(column->type)) return VONK_OK;
    if (!known) {
        const column_use fresh = {.id = column->id};
        VONK_TRY(VONK_VEC_ARENA_PUSH(&p->columns, p->s.arena, fresh, err));
        known = &p->columns.at[p->columns.n - 1];
        VONK_TRY(new_use(p, column->type, false, &known->used, err));
    }
    return add_use(p, known->used, how, err);
}

static vonk_status use_expr(pruner *p, const vonk_expr *e, const use *how, vonk_error *err);

static vonk_status use_whole(pruner *p, const vonk_expr *e, vonk_error *err)
{
    use *all = NULL;

    VONK_TRY(new_use(p, e->type, true, &all, err));
    return use_expr(p, e, all, err);
}

static vonk_status use_children(pruner *p, const vonk_expr *e, uint32_t from, vonk_error *err)
{
    for (uint32_t i = from; i < e->n_children; i++) VONK_TRY(use_whole(p, e->children[i], err));
    return VONK_OK;
}

/* Functions that look into a nested value without taking it whole. */
typedef enum path_kind {
    PATH_NONE,
    PATH_FIELDS,  /* array.field */
    PATH_ELEMENT, /* of an array, or the value of a map */
    PATH_VALUES,  /* array of a map's values */
    PATH_SHAPE    /* how many, but not what */
} path_kind;

static path_kind path_of(const vonk_expr *e)
{
    static const struct {
        const char *name;
        path_kind kind;
    } paths[] = {
        {"get_array_struct_fields", PATH_FIELDS},
        {"get_array_item", PATH_ELEMENT},
        {"get", PATH_ELEMENT},
        {"get_map_value", PATH_ELEMENT},
        {"element_at", PATH_ELEMENT},
        {"try_element_at", PATH_ELEMENT},
        {"map_values", PATH_VALUES},
        {"map_keys", PATH_SHAPE},
        {"size", PATH_SHAPE},
        {"array_size", PATH_SHAPE},
    };
    if (e->kind == VONK_EX_IS_NULL || e->kind == VONK_EX_IS_NOT_NULL) return PATH_SHAPE;
    if (e->kind != VONK_EX_FUNCTION || e->n_children == 0) return PATH_NONE;
    const vonk_str name = vonk_str_of(vonk_fn_canonical(e->fn)->name);
    for (size_t i = 0; i < VONK_COUNTOF(paths); i++)
        if (vonk_str_is(name, paths[i].name)) return paths[i].kind;
    return PATH_NONE;
}

/* Which field get_array_struct_fields takes. */
static int field_of_elements(const pruner *p, const vonk_expr *e)
{
    const vonk_expr *name = e->children[1];

    if (name->kind != VONK_EX_LITERAL) return -1;
    return vonk_type_field_index(e->children[0]->type->fields[0].type, vonk_column_str(name->value, 0),
                                 p->s.env->env->case_sensitive);
}

/* The use that a path makes of its first child, when `how` is made of the result. */
static vonk_status below_path(pruner *p, const vonk_expr *e, path_kind kind, const use *how, use *into, vonk_error *err)
{
    const vonk_type *t = into->type;
    const int field = kind == PATH_FIELDS ? field_of_elements(p, e) : -1;
    use *of_field = NULL;

    switch (kind) {
    case PATH_NONE:
    case PATH_SHAPE: return VONK_OK;
    case PATH_ELEMENT: into->fields[t->id == VONK_T_MAP ? 1 : 0] = (use *)(uintptr_t)how; return VONK_OK;
    case PATH_VALUES:
        if (how->whole) return new_use(p, t->fields[1].type, true, &into->fields[1], err);
        into->fields[1] = how->fields[0];
        return VONK_OK;
    case PATH_FIELDS: break;
    }
    if (field < 0) {
        into->whole = true;
        return VONK_OK;
    }
    VONK_TRY(new_use(p, t->fields[0].type, false, &into->fields[0], err));
    const vonk_type *type = t->fields[0].type->fields[field].type;
    VONK_TRY(new_use(p, type, how->whole, &of_field, err));
    if (!how->whole && how->fields[0]) VONK_TRY(add_use(p, of_field, how->fields[0], err));
    into->fields[0]->fields[field] = of_field;
    return VONK_OK;
}

/* Depth: that of expressions. */
static vonk_status use_expr(pruner *p, const vonk_expr *e, const use *how, vonk_error *err)
{
    const path_kind kind = path_of(e);
    use *below = NULL;

    switch (e->kind) {
    case VONK_EX_COLUMN:
        if (vonk_expr_has(e, VONK_EXF_OUTER)) p->give_up = true;
        return use_column(p, e, how, err);
    case VONK_EX_ALIAS: return use_expr(p, e->children[0], how, err);
    case VONK_EX_SUBQUERY: p->give_up = true; return VONK_OK;
    case VONK_EX_GET_FIELD:
        VONK_TRY(new_use(p, e->children[0]->type, false, &below, err));
        below->fields[e->index] = (use *)(uintptr_t)how;
        return use_expr(p, e->children[0], below, err);
    default: break;
    }
    if (kind == PATH_NONE) return use_children(p, e, 0, err);
    VONK_TRY(new_use(p, e->children[0]->type, false, &below, err));
    VONK_TRY(below_path(p, e, kind, how, below, err));
    VONK_TRY(use_expr(p, e->children[0], below, err));
    return use_children(p, e, 1, err);
}

static vonk_status use_lists(pruner *p, const vonk_plan *node, vonk_error *err)
{
    for (uint32_t l = 0; l < node->n_lists; l++)
        for (uint32_t i = 0; i < node->lists[l].n; i++) VONK_TRY(use_whole(p, node->lists[l].at[i], err));
    return VONK_OK;
}

static vonk_status use_output(pruner *p, const vonk_plan *node, vonk_error *err)
{
    for (uint32_t i = 0; i < node->n_output; i++) VONK_TRY(use_whole(p, node->output[i], err));
    return VONK_OK;
}

/* Columns that only pass are used by whoever is above. */
static vonk_status use_projection(pruner *p, const vonk_plan *node, vonk_error *err)
{
    for (uint32_t i = 0; i < node->lists[0].n; i++) {
        const vonk_expr *e = node->lists[0].at[i];
        const column_use *known = find_column(p, e->id);
        if (e->kind == VONK_EX_COLUMN) continue;
        if (known)
            VONK_TRY(use_expr(p, e, known->used, err));
        else
            VONK_TRY(use_whole(p, e, err));
    }
    return VONK_OK;
}

/* explode and its kin, which put elements, or keys and values, out as they are: where those columns start. */
static bool explodes(const vonk_plan *node, uint32_t *ret_first)
{
    const vonk_expr *e = node->lists[0].at[0];

    if (e->kind != VONK_EX_FUNCTION || e->n_children != 1) return false;
    const vonk_str name = vonk_str_of(vonk_fn_canonical(e->fn)->name);
    *ret_first = vonk_str_is(name, "posexplode") ? 1 : 0;
    return (vonk_str_is(name, "explode") || *ret_first == 1) &&
           node->generate.generated.n == *ret_first + e->children[0]->type->n_fields;
}

static vonk_status use_generator(pruner *p, const vonk_plan *node, vonk_error *err)
{
    const vonk_expr *e = node->lists[0].at[0];
    uint32_t first = 0;
    use *below = NULL;

    if (!explodes(node, &first)) return use_whole(p, e, err);
    const vonk_type *t = e->children[0]->type;
    VONK_TRY(new_use(p, t, false, &below, err));
    for (uint32_t i = 0; i < t->n_fields; i++) {
        const column_use *known = find_column(p, node->generate.generated.at[first + i]->id);
        if (known) below->fields[i] = known->used;
    }
    return use_expr(p, e->children[0], below, err);
}

static vonk_status gather(pruner *p, const vonk_plan *node, vonk_error *err)
{
    switch (node->kind) {
    case VONK_PN_PROJECT: VONK_TRY(use_projection(p, node, err)); break;
    case VONK_PN_GENERATE: VONK_TRY(use_generator(p, node, err)); break;
    case VONK_PN_FILTER:
    case VONK_PN_AGGREGATE:
    case VONK_PN_SORT:
    case VONK_PN_LIMIT:
    case VONK_PN_OFFSET:
    case VONK_PN_TAIL:
    case VONK_PN_SAMPLE:
    case VONK_PN_REPARTITION:
    case VONK_PN_WINDOW:
    case VONK_PN_COLLECT_METRICS:
    case VONK_PN_JOIN:
    case VONK_PN_SCAN: VONK_TRY(use_lists(p, node, err)); break;
    default:
        VONK_TRY(use_lists(p, node, err));
        for (uint32_t i = 0; i < node->n_children; i++) VONK_TRY(use_output(p, node->children[i], err));
    }
    for (uint32_t i = 0; i < node->n_children; i++) VONK_TRY(gather(p, node->children[i], err));
    return VONK_OK;
}

/* ---- narrower types */
static uint32_t cost_of(const vonk_type *t) { return t->n_fields > 0 ? 8 : t->storage == VONK_STORE_VIEW ? 2 : 1; }

static uint32_t cheapest_field(const vonk_type *t)
{
    uint32_t best = 0;

    for (uint32_t i = 1; i < t->n_fields; i++)
        if (cost_of(t->fields[i].type) < cost_of(t->fields[best].type)) best = i;
    return best;
}

/* Fields are found again by name. */
static bool has_doubles(const vonk_type *t)
{
    for (uint32_t i = 1; i < t->n_fields; i++)
        if (vonk_type_field_index(t, t->fields[i].name, false) != (int)i) return true;
    return false;
}

static void drop_type(void *type) { vonk_type_unref(type); }

static vonk_status hold_type(pruner *p, const vonk_type *take_type, vonk_error *err)
{
    return vonk_arena_on_free(p->s.arena, drop_type, (void *)(uintptr_t)take_type, err);
}

/* The type without what is not used (NULL: all but one leaf); held by the arena, or `t` itself. */
static vonk_status narrow(pruner *p, const vonk_type *t, const use *used, const vonk_type **ret, vonk_error *err)
{
    vonk_field *fields = NULL;
    uint32_t n = 0;
    bool same = true, any = false;
    const bool is_struct = t->id == VONK_T_STRUCT;

    *ret = t;
    if ((used && used->whole) || !holds_struct(t) || (is_struct && has_doubles(t))) return VONK_OK;
    VONK_TRY(vonk_arena_array(p->s.arena, t->n_fields, sizeof *fields, &fields, err));
    for (uint32_t i = 0; i < t->n_fields; i++) any |= used && used->fields[i];
    for (uint32_t i = 0; i < t->n_fields; i++) {
        const use *below = used ? used->fields[i] : NULL;
        if (is_struct && (any ? !below : i != cheapest_field(t))) {
            same = false;
            continue;
        }
        fields[n] = t->fields[i];
        if (t->id != VONK_T_MAP || i == 1) VONK_TRY(narrow(p, t->fields[i].type, below, &fields[n].type, err));
        same &= fields[n].type == t->fields[i].type;
        n++;
    }
    if (same || n == 0) return VONK_OK;
    if (is_struct) VONK_TRY(vonk_type_struct(fields, n, ret, err));
    if (t->id == VONK_T_ARRAY) VONK_TRY(vonk_type_array(fields[0].type, t->fields[0].nullable, ret, err));
    if (t->id == VONK_T_MAP) VONK_TRY(vonk_type_map(fields[0].type, fields[1].type, t->fields[1].nullable, ret, err));
    return hold_type(p, *ret, err);
}

static vonk_status set_narrowed(pruner *p, uint64_t id, const vonk_type *type, vonk_error *err)
{
    column_use *known = find_column(p, id);
    const column_use fresh = {.id = id, .narrowed = type};

    if (!known) return VONK_VEC_ARENA_PUSH(&p->columns, p->s.arena, fresh, err);
    known->narrowed = type;
    return VONK_OK;
}

/* ---- expressions over narrower columns */
static vonk_status with_type(pruner *p, const vonk_expr *e, const vonk_type *type, const vonk_expr **ret,
                             vonk_error *err)
{
    vonk_expr *copy = NULL;

    VONK_TRY(vonk_expr_copy(p->s.env->budget, e, NULL, 0, &copy, err));
    const vonk_status status = vonk_expr_set_type(copy, type, err);
    if (status == VONK_OK) return vonk_expr_finish(copy, ret, err);
    vonk_expr_unref(copy);
    return status;
}

static vonk_status with_index(pruner *p, const vonk_expr *e, uint32_t index, const vonk_expr **ret, vonk_error *err)
{
    vonk_expr *copy = NULL;

    VONK_TRY(vonk_expr_copy(p->s.env->budget, e, NULL, 0, &copy, err));
    copy->index = index;
    return vonk_expr_finish(copy, ret, err);
}

/* The result type of a path over its first child's type; held by the arena or borrowed. */
static vonk_status path_type(pruner *p, const vonk_expr *e, path_kind kind, const vonk_type **ret, vonk_error *err)
{
    const vonk_type *t = e->children[0]->type;

    *ret = e->type;
    if (kind == PATH_ELEMENT) *ret = t->fields[t->id == VONK_T_MAP ? 1 : 0].type;
    if (kind != PATH_VALUES && kind != PATH_FIELDS) return VONK_OK;
    const vonk_type *element =
        kind == PATH_VALUES ? t->fields[1].type : t->fields[0].type->fields[field_of_elements(p, e)].type;
    VONK_TRY(vonk_type_array(element, e->type->fields[0].nullable, ret, err));
    return hold_type(p, *ret, err);
}

static vonk_status retype(const vonk_expr *e, void *arg, const vonk_expr **ret, vonk_error *err)
{
    pruner *p = arg;
    const path_kind kind = path_of(e);

    if (e->kind == VONK_EX_COLUMN && holds_struct(e->type)) {
        const column_use *known = find_column(p, e->id);
        if (known && known->narrowed) return with_type(p, e, known->narrowed, ret, err);
    } else if (e->kind == VONK_EX_GET_FIELD) {
        const vonk_type *t = e->children[0]->type;
        const bool fits = e->index < t->n_fields && vonk_str_eq(t->fields[e->index].name, e->name);
        const int at = fits ? -1 : vonk_type_field_index(t, e->name, true);
        if (at >= 0) return with_index(p, e, (uint32_t)at, ret, err);
    } else if (kind != PATH_NONE && kind != PATH_SHAPE && holds_struct(e->children[0]->type)) {
        const vonk_type *type = NULL;
        VONK_TRY(path_type(p, e, kind, &type, err));
        if (!vonk_type_eq_exact(type, e->type)) return with_type(p, e, type, ret, err);
    }
    *ret = vonk_expr_ref(e);
    return VONK_OK;
}

static vonk_status retype_list(pruner *p, const vonk_expr_list *list, vonk__exprs *ret, vonk_error *err)
{
    for (uint32_t i = 0; i < list->n; i++) {
        const vonk_expr *e = NULL;
        VONK_TRY(vonk_expr_rewrite(p->s.env->budget, list->at[i], retype, p, &e, err));
        VONK_TRY(vonk__scratch_keep_expr(&p->s, e, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(ret, p->s.arena, e, err));
    }
    return VONK_OK;
}

/* ---- nodes, from the bottom up */
static bool prunes(const vonk_plan *node)
{
    return node->kind == VONK_PN_SCAN && !node->scan.pruned && node->scan.table->cls->prunes_nested;
}

static vonk_status fill_scan(pruner *p, const vonk_plan *node, const vonk_field *fields, vonk_plan *copy,
                             vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *pruned = NULL;
    vonk__exprs output = {0}, predicates = {0};

    VONK_TRY(vonk_type_struct(fields, node->n_output, &pruned, err));
    VONK_TRY(vonk_plan_hold_type(copy, pruned, &copy->scan.pruned, err));
    VONK_TRY(retype_list(p, &(vonk_expr_list){.at = node->output, .n = node->n_output}, &output, err));
    if (node->n_lists > 0) {
        VONK_TRY(retype_list(p, &node->lists[0], &predicates, err));
        VONK_TRY(vonk_plan_set_list(copy, 0, predicates.at, (uint32_t)predicates.n, err));
    }
    return vonk_plan_set_output(copy, output.at, (uint32_t)output.n, err);
}

static vonk_status narrow_scan(pruner *p, const vonk_plan *node, const vonk_plan **ret, vonk_error *err)
{
    vonk_field *fields = NULL;
    vonk_plan *copy = NULL;
    bool same = true;

    *ret = node;
    VONK_TRY(vonk_arena_array(p->s.arena, node->n_output, sizeof *fields, &fields, err));
    for (uint32_t i = 0; i < node->n_output; i++) {
        const vonk_expr *column = node->output[i];
        const column_use *known = find_column(p, column->id);
        fields[i] = (vonk_field){.name = column->name, .type = column->type, .nullable = column->nullable};
        VONK_TRY(narrow(p, column->type, known ? known->used : NULL, &fields[i].type, err));
        if (fields[i].type == column->type) continue;
        same = false;
        VONK_TRY(set_narrowed(p, column->id, fields[i].type, err));
    }
    if (same) return VONK_OK;
    VONK_TRY(vonk_plan_copy(p->s.env->budget, node, NULL, 0, &copy, err));
    const vonk_status status = fill_scan(p, node, fields, copy, err);
    if (status != VONK_OK) {
        vonk_plan_unref(copy);
        return status;
    }
    VONK_TRY(vonk_plan_finish(copy, ret, err));
    return vonk__scratch_keep_plan(&p->s, *ret, err);
}

/* What explode puts out of a narrower array or map. */
static vonk_status retype_generated(pruner *p, const vonk_plan *node, vonk_plan *copy, vonk_error *err)
{
    vonk__exprs generated = {0};
    uint32_t first = 0;

    if (!explodes(node, &first)) return VONK_OK;
    const vonk_type *t = copy->lists[0].at[0]->children[0]->type;
    for (uint32_t i = 0; i < t->n_fields; i++) {
        const vonk_expr *column = node->generate.generated.at[first + i];
        if (!vonk_type_eq_exact(column->type, t->fields[i].type))
            VONK_TRY(set_narrowed(p, column->id, t->fields[i].type, err));
    }
    VONK_TRY(retype_list(p, &node->generate.generated, &generated, err));
    return vonk_plan_hold_exprs(copy, generated.at, (uint32_t)generated.n, &copy->generate.generated, err);
}

/* The generator's own type: a struct of what it puts out. */
static vonk_status retype_generator(pruner *p, const vonk_plan *node, const vonk_expr **inout, vonk_error *err)
{
    assert(inout);
    const vonk_expr *e = *inout;
    if (e->kind != VONK_EX_FUNCTION) return VONK_OK;
    const vonk_type *t = e->children[0]->type, *made = NULL;
    vonk_field *fields = NULL;
    uint32_t first = 0;

    if (!explodes(node, &first) || e->type->n_fields != first + t->n_fields) return VONK_OK;
    VONK_TRY(vonk_arena_array(p->s.arena, e->type->n_fields, sizeof *fields, &fields, err));
    for (uint32_t i = 0; i < e->type->n_fields; i++) {
        fields[i] = e->type->fields[i];
        if (i >= first) fields[i].type = t->fields[i - first].type;
    }
    VONK_TRY(vonk_type_struct(fields, e->type->n_fields, &made, err));
    VONK_TRY(hold_type(p, made, err));
    VONK_TRY(with_type(p, e, made, inout, err));
    return vonk__scratch_keep_expr(&p->s, *inout, err);
}

static vonk_status fill_node(pruner *p, const vonk_plan *node, vonk_plan *copy, vonk_error *err)
{
    for (uint32_t l = 0; l < node->n_lists; l++) {
        vonk__exprs list = {0};
        VONK_TRY(retype_list(p, &node->lists[l], &list, err));
        if (node->kind == VONK_PN_GENERATE && l == 0) VONK_TRY(retype_generator(p, node, &list.at[0], err));
        VONK_TRY(vonk_plan_set_list(copy, l, list.at, (uint32_t)list.n, err));
        for (size_t i = 0; i < list.n; i++) {
            const vonk_expr *old = node->lists[l].at[i];
            if (list.at[i]->kind != VONK_EX_ALIAS || vonk_type_eq_exact(list.at[i]->type, old->type)) continue;
            VONK_TRY(hold_type(p, vonk_type_ref(list.at[i]->type), err));
            VONK_TRY(set_narrowed(p, old->id, list.at[i]->type, err));
        }
    }
    return node->kind == VONK_PN_GENERATE ? retype_generated(p, node, copy, err) : VONK_OK;
}

static vonk_status rebuild(pruner *p, const vonk_plan *node, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan **children = NULL;
    vonk_plan *copy = NULL;
    bool same = true;

    *ret = node;
    if (prunes(node)) return narrow_scan(p, node, ret, err);
    if (node->n_children == 0) return VONK_OK;
    VONK_TRY(vonk_arena_array(p->s.arena, node->n_children, sizeof *children, &children, err));
    for (uint32_t i = 0; i < node->n_children; i++) {
        VONK_TRY(rebuild(p, node->children[i], &children[i], err));
        same &= children[i] == node->children[i];
    }
    if (same) return VONK_OK;
    VONK_TRY(vonk_plan_copy(p->s.env->budget, node, children, node->n_children, &copy, err));
    const vonk_status status = fill_node(p, node, copy, err);
    if (status != VONK_OK) {
        vonk_plan_unref(copy);
        return status;
    }
    VONK_TRY(vonk_plan_finish(copy, ret, err));
    return vonk__scratch_keep_plan(&p->s, *ret, err);
}

static vonk_walk find_work(const vonk_plan *node, void *arg)
{
    bool *found = arg;

    for (uint32_t i = 0; prunes(node) && i < node->n_output; i++) *found |= holds_struct(node->output[i]->type);
    return *found ? VONK_WALK_STOP : VONK_WALK_ON;
}

vonk_status vonk__rule_prune_nested(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret,
                                    vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const vonk_plan *done = plan;
    bool any = false;

    vonk_plan_walk(plan, find_work, &any);
    if (any && vonk_conf_bool(env->conf, "spark.sql.optimizer.nestedSchemaPruning.enabled")) {
        VONK_TRY(vonk_arena_new(env->budget, &arena, err));
        pruner p = {.s = {env, arena}};
        VONK_TRY(use_output(&p, plan, err));
        VONK_TRY(gather(&p, plan, err));
        if (!p.give_up) VONK_TRY(rebuild(&p, plan, &done, err));
    }
    *ret = vonk_plan_ref(done);
    return VONK_OK;
}
