/* The wanted type and the file's schema walked together. */
#include "codec/parquet/want.h"

typedef struct matcher {
    vonk_arena *arena;
    const vonk_parquet_meta *meta;
    pq_want_leaves *leaves;
    vonk_error *err;
} matcher;

static vonk_status match(matcher *m, const pq_node *node, const vonk_type *type, pq_want *want);
static vonk_status match_field(matcher *m, const pq_node *group, const vonk_field *field, pq_want *want);

/* A child of `around` that stands in the same places. */
static pq_want same_places(const pq_want *around)
{
    return (pq_want){.place_rep = around->place_rep, .place_def = around->place_def};
}

static vonk_status add_leaf(matcher *m, pq_want *want, const pq_node *node, const vonk_type *type)
{
    want->leaf = (uint32_t)m->leaves->n;
    return VONK_VEC_ARENA_PUSH(m->leaves, m->arena, ((pq_want_leaf){node, type, want->place_def}), m->err);
}

static vonk_status new_children(matcher *m, pq_want *want, uint32_t n)
{
    want->n_children = n;
    return vonk_arena_array(m->arena, n, sizeof *want->children, &want->children, m->err);
}

/* ---- levels of groups */
/* The leaf below whose levels cost least: little repetition, small values. */
static const pq_node *cheapest_leaf(const matcher *m, const pq_node *node)
{
    static const uint8_t cost[PQ_N_PHYSICAL] = {1, 4, 8, 12, 4, 8, 32, 16};
    const pq_node *best = m->meta->leaves[node->first_leaf];
    for (uint32_t i = 1; i < node->n_leaves; i++) {
        const pq_node *leaf = m->meta->leaves[node->first_leaf + i];
        bool better = leaf->max_rep != best->max_rep ? leaf->max_rep < best->max_rep
                                                     : cost[leaf->physical] < cost[best->physical];
        if (better) best = leaf;
    }
    return best;
}

/* Any leaf that is read below tells the group's levels; where none is, one is read for them alone. */
static vonk_status find_levels(matcher *m, pq_want *want, bool needed)
{
    want->leaf = PQ_NO_LEAF;
    for (uint32_t i = 0; i < want->n_children && want->leaf == PQ_NO_LEAF; i++) {
        const pq_want *child = &want->children[i];
        if (child->kind != PQ_WANT_MISSING) want->leaf = child->leaf;
    }
    if (want->leaf != PQ_NO_LEAF || !needed) return VONK_OK;
    return add_leaf(m, want, cheapest_leaf(m, want->node), NULL);
}

/* ---- groups */
static vonk_status wrong_group(const matcher *m, const pq_node *node, const vonk_type *type, const char *expected)
{
    return vonk__pq_fail(
        m->meta, VONK_F("the column %.*s is %s, not %s", VONK_STR_ARGS(node->name), expected, VONK_TYPE_SQL(type)),
        m->err);
}

static vonk_status match_struct(matcher *m, const pq_node *node, const vonk_type *type, pq_want *want)
{
    want->kind = PQ_WANT_STRUCT;
    VONK_TRY(new_children(m, want, type->n_fields));
    for (uint32_t i = 0; i < type->n_fields; i++) {
        want->children[i] = same_places(want);
        VONK_TRY(match_field(m, node, &type->fields[i], &want->children[i]));
    }
    return find_levels(m, want, want->valid_def > want->place_def);
}

static pq_want in_list(const pq_want *list, const pq_node *element)
{
    return (pq_want){.place_rep = list->element_rep, .place_def = list->element_def, .valid_def = element->max_def};
}

static vonk_status match_list(matcher *m, const pq_node *repeated, const pq_node *element, const vonk_type *type,
                              pq_want *want)
{
    want->kind = PQ_WANT_LIST;
    want->element_rep = repeated->max_rep;
    want->element_def = repeated->max_def;
    VONK_TRY(new_children(m, want, 1));
    want->children[0] = in_list(want, element);
    VONK_TRY(match(m, element, type->fields[0].type, &want->children[0]));
    return find_levels(m, want, true);
}

static vonk_status match_map(matcher *m, const pq_node *node, const vonk_type *type, pq_want *want)
{
    pq_map map;
    VONK_TRY(vonk__pq_map_of(m->meta, node, &map, m->err));
    want->kind = PQ_WANT_LIST;
    want->element_rep = map.repeated->max_rep;
    want->element_def = map.repeated->max_def;
    VONK_TRY(new_children(m, want, 2));
    want->children[0] = in_list(want, map.key);
    want->children[1] = in_list(want, map.value);
    VONK_TRY(match(m, map.key, type->fields[0].type, &want->children[0]));
    VONK_TRY(match(m, map.value, type->fields[1].type, &want->children[1]));
    return find_levels(m, want, true);
}

/* A variant is a group of metadata and value. */
static vonk_status match_variant(matcher *m, const pq_node *node, pq_want *want)
{
    static const vonk_str names[] = {{"value", 5}, {"metadata", 8}};
    want->kind = PQ_WANT_VARIANT;
    VONK_TRY(new_children(m, want, 2));
    for (uint32_t i = 0; i < node->n_children; i++) {
        if (vonk_str_is(node->children[i].name, "typed_value"))
            return VONK_FAIL(m->err, VONK_E_UNSUPPORTED_FEATURE, "feature", "shredded variants in Parquet files");
    }
    for (uint32_t k = 0; k < 2; k++) {
        const pq_node *child = NULL;
        for (uint32_t i = 0; i < node->n_children; i++) {
            if (vonk_str_eq(node->children[i].name, names[k])) child = &node->children[i];
        }
        if (!child)
            return VONK_FAIL(m->err, VONK_E_INVALID_VARIANT_FROM_PARQUET__MISSING_FIELD, "field", names[k].data);
        if (child->physical != PQ_BYTE_ARRAY || !child->leaf || child->repetition != PQ_REQUIRED)
            return VONK_FAIL(m->err, VONK_E_INVALID_VARIANT_FROM_PARQUET__NULLABLE_OR_NOT_BINARY_FIELD, "field",
                             names[k].data);
        want->children[k] = same_places(want);
        want->children[k].valid_def = child->max_def;
        VONK_TRY(match(m, child, &vonk_type_binary, &want->children[k]));
    }
    return find_levels(m, want, true);
}

/* ---- nodes */
static vonk_status match_group(matcher *m, const pq_node *node, const vonk_type *type, pq_want *want)
{
    pq_list list;
    bool is_list = node->annotation == PQ_ANN_LIST;
    bool is_map = node->annotation == PQ_ANN_MAP || node->annotation == PQ_ANN_MAP_KEY_VALUE;
    switch (type->id) {
    case VONK_T_VARIANT: return match_variant(m, node, want);
    case VONK_T_ARRAY:
        if (!is_list) return wrong_group(m, node, type, is_map ? "a map" : "a struct");
        VONK_TRY(vonk__pq_list_of(m->meta, node, &list, m->err));
        return match_list(m, list.repeated, list.element, type, want);
    case VONK_T_MAP:
        if (!is_map) return wrong_group(m, node, type, is_list ? "a list" : "a struct");
        return match_map(m, node, type, want);
    case VONK_T_STRUCT:
        if (is_list || is_map) return wrong_group(m, node, type, is_list ? "a list" : "a map");
        return match_struct(m, node, type, want);
    default: return wrong_group(m, node, type, is_list ? "a list" : (is_map ? "a map" : "a struct"));
    }
}

/* want's levels are set. */
static vonk_status match(matcher *m, const pq_node *node, const vonk_type *type, pq_want *want)
{
    const vonk_type *stored = type->id == VONK_T_UDT ? type->fields[0].type : type;
    want->node = node;
    want->type = type;
    if (!node->leaf) return match_group(m, node, stored, want);
    pq_convert unused;
    want->kind = PQ_WANT_LEAF;
    VONK_TRY(vonk__pq_convert_init(m->meta, node, type, &unused, m->err));
    return add_leaf(m, want, node, type);
}

static vonk_status match_field(matcher *m, const pq_node *group, const vonk_field *field, pq_want *want)
{
    int32_t at = -1;
    VONK_TRY(vonk__pq_find_child(m->meta, group, field, &at, m->err));
    if (at < 0) {
        want->kind = PQ_WANT_MISSING;
        want->type = field->type;
        want->leaf = PQ_NO_LEAF;
        return VONK_OK;
    }
    const pq_node *child = &group->children[at];
    want->valid_def = child->max_def;
    if (child->repetition != PQ_REPEATED) return match(m, child, field->type, want);
    /* Repeated outside of LIST and MAP: a list that is never null, of elements that are the field itself. */
    const vonk_type *type = field->type;
    if (type->id != VONK_T_ARRAY) return vonk__pq_mismatch(m->meta, child, type, m->err);
    want->node = child;
    want->type = type;
    want->valid_def = group->max_def;
    return match_list(m, child, child, type, want);
}

vonk_status vonk__pq_want_field(vonk_arena *arena, const vonk_parquet_meta *meta, const vonk_field *field, pq_want *ret,
                                pq_want_leaves *leaves, vonk_error *err)
{
    matcher m = {arena, meta, leaves, err};
    *ret = (pq_want){0};
    return match_field(&m, meta->root, field, ret);
}
