/* func/aggregate_list.c -- collect_list, collect_set, listagg, mode: values of a group kept one by one. */
#include "base/hash.h"
#include "column/rows.h"
#include "func/aggregate_list.h"
#include "func/resolve.h"
#include "func/tables.h"

vonk_status vonk__list_add(vonk__list *list, vonk_eval *ev, vonk_arena *heap, const vonk_column *column, uint32_t row,
                           vonk_error *err)
{
    vonk__list_chunk *c = list->last;
    if (!c || c->n == c->capacity) {
        uint32_t capacity = !c ? 4 : c->capacity < 1024 ? c->capacity * 2 : c->capacity;
        VONK_TRY(vonk_arena_alloc(heap, sizeof(*c) + capacity * sizeof(c->values[0]), &c, err));
        c->capacity = capacity;
        if (list->last)
            list->last->next = c;
        else
            list->first = c;
        list->last = c;
    }
    VONK_TRY(vonk__kept_set(&c->values[c->n], ev, heap, column, row, err));
    c->n++;
    list->n++;
    return VONK_OK;
}

/* ---- bags */

static vonk_status grow(vonk__bag *bag, vonk_arena *heap, vonk_error *err)
{
    uint32_t log2 = bag->log2 ? bag->log2 + 1 : 4;
    vonk__bag_entry **slots;
    VONK_TRY(vonk_arena_array(heap, (size_t)1 << log2, sizeof(*slots), &slots, err));
    for (vonk__bag_entry *e = bag->first; e; e = e->next) {
        size_t at = e->hash >> (64 - log2);
        while (slots[at]) at = (at + 1) & (((size_t)1 << log2) - 1);
        slots[at] = e;
    }
    bag->slots = slots;
    bag->log2 = log2;
    return VONK_OK;
}

vonk_status vonk__bag_add(vonk__bag *bag, vonk_eval *ev, vonk_arena *heap, const vonk_column *column, uint32_t row,
                          uint64_t hash, int64_t count, vonk_error *err)
{
    if (!bag->slots || (uint64_t)bag->n * 2 >= UINT64_C(1) << bag->log2) VONK_TRY(grow(bag, heap, err));
    hash = vonk_hash_mix(hash);
    size_t at = hash >> (64 - bag->log2);
    for (vonk__bag_entry *e; (e = bag->slots[at]); at = (at + 1) & (((size_t)1 << bag->log2) - 1))
        if (e->hash == hash && vonk__kept_compare(&e->value, column, row) == 0) {
            e->count += count;
            return VONK_OK;
        }
    vonk__bag_entry *e;
    VONK_TRY(VONK_ARENA_NEW(heap, &e, err));
    VONK_TRY(vonk__kept_set(&e->value, ev, heap, column, row, err));
    e->hash = hash;
    e->count = count;
    if (bag->last)
        bag->last->next = e;
    else
        bag->first = e;
    bag->last = e;
    bag->slots[at] = e;
    bag->n++;
    return VONK_OK;
}

vonk_status vonk__agg_hashes(vonk_eval *ev, const vonk_column *c, vonk_rows rows, uint64_t **ret, vonk_error *err)
{
    VONK_TRY(vonk_arena_array(ev->scratch, rows.n + 1, sizeof(**ret), ret, err));
    return vonk_column_hash(c, rows, *ret, true, err);
}

/* ---- collect_list: nulls are left out */

VONK__AGG_UPDATE(list_update)
{
    VONK__AGG_EACH(rows, k, row)
    if (vonk__agg_present(args[0], row)) VONK_TRY(vonk__list_add((vonk__list *)states[k], ev, heap, args[0], row, err));
    return VONK_OK;
}

/* The saved form is the result: an array. */
VONK__AGG_UPDATE(list_merge)
{
    VONK__AGG_EACH(rows, k, row)
    {
        vonk_span s = VONK_VALUES(args[0], vonk_span)[row];
        for (uint32_t i = s.offset; i < s.offset + s.len; i++)
            VONK_TRY(vonk__list_add((vonk__list *)states[k], ev, heap, args[0]->children[0], i, err));
    }
    return VONK_OK;
}

VONK__AGG_FINISH(list_finish)
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_TRY(vonk_builder_init(&b, ev->budget, call->type, n, err));
    for (uint32_t i = 0; i < n; i++) {
        for (VONK__LIST_EACH((const vonk__list *)states[i], value))
            VONK_TRY(vonk__kept_put(vonk_builder_child(&b, 0), value, err));
        VONK_TRY(vonk_builder_close(&b, err));
    }
    return vonk_builder_finish(&b, ret, err);
}

static const vonk_agg list_agg = {.state_bytes = sizeof(vonk__list),
                                  .state = "result",
                                  .update = list_update,
                                  .merge = list_merge,
                                  .save = list_finish,
                                  .finish = list_finish,
                                  .order_sensitive = true};

/* ---- collect_set */

VONK__AGG_UPDATE(set_update)
{
    uint64_t *hashes;
    VONK_TRY(vonk__agg_hashes(ev, args[0], rows, &hashes, err));
    VONK__AGG_EACH(rows, k, row)
    if (vonk__agg_present(args[0], row))
        VONK_TRY(vonk__bag_add((vonk__bag *)states[k], ev, heap, args[0], row, hashes[k], 1, err));
    return VONK_OK;
}

VONK__AGG_UPDATE(set_merge)
{
    const vonk_column *values = args[0]->children[0];
    uint64_t *hashes;
    VONK_TRY(vonk__agg_hashes(ev, values, VONK_ALL_ROWS(values->n_rows), &hashes, err));
    VONK__AGG_EACH(rows, k, row)
    {
        vonk_span s = VONK_VALUES(args[0], vonk_span)[row];
        for (uint32_t i = s.offset; i < s.offset + s.len; i++)
            VONK_TRY(vonk__bag_add((vonk__bag *)states[k], ev, heap, values, i, hashes[i], 1, err));
    }
    return VONK_OK;
}

VONK__AGG_FINISH(set_finish)
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_TRY(vonk_builder_init(&b, ev->budget, call->type, n, err));
    for (uint32_t i = 0; i < n; i++) {
        for (const vonk__bag_entry *e = ((const vonk__bag *)states[i])->first; e; e = e->next)
            VONK_TRY(vonk__kept_put(vonk_builder_child(&b, 0), &e->value, err));
        VONK_TRY(vonk_builder_close(&b, err));
    }
    return vonk_builder_finish(&b, ret, err);
}

static const vonk_agg set_agg = {.state_bytes = sizeof(vonk__bag),
                                 .state = "result",
                                 .update = set_update,
                                 .merge = set_merge,
                                 .save = set_finish,
                                 .finish = set_finish,
                                 .order_sensitive = true,
                                 .ignores_duplicates = true};

static vonk_status resolve_collect(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *type = NULL;
    VONK_TRY(vonk_type_array(t->types[0], false, &type, err));
    VONK_TRY(vonk_fn_own_type(t->arena, type, &type, err));
    VONK_TRY(vonk_fn_set_result(t, type));
    t->result_nullable = false;
    return VONK_OK;
}

static bool holds_map(const vonk_type *t)
{
    if (t->id == VONK_T_MAP || t->id == VONK_T_VARIANT) return true;
    for (uint32_t i = 0; i < t->n_fields; i++)
        if (holds_map(t->fields[i].type)) return true;
    return false;
}

static vonk_status resolve_set(vonk_fn_types *t, vonk_error *err)
{
    if (holds_map(t->types[0]))
        return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__UNSUPPORTED_INPUT_TYPE, "sqlExpr",
                         vonk_fn_call_text(t, (char[1024]){0}), "functionName", "`collect_set`", "dataType",
                         "\"MAP\" or \"COLLATED STRING\"");
    return resolve_collect(t, err);
}

/* ---- listagg: the values with a separator in between */

VONK__AGG_FINISH(text_finish)
{
    const vonk_column *separator =
        call->n_args > 1 && call->constants && call->constants[1] && !vonk_column_is_null(call->constants[1], 0)
            ? call->constants[1]
            : NULL;
    vonk_str between = separator ? vonk_column_str(separator, 0) : VONK_STR("");
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_TRY(vonk_builder_init(&b, ev->budget, call->type, n, err));
    for (uint32_t i = 0; i < n; i++) {
        const vonk__list *list = (const vonk__list *)states[i];
        size_t bytes = 0;
        char *start, *at;
        if (!list->n) {
            VONK_TRY(vonk_builder_null(&b, err));
            continue;
        }
        for (VONK__LIST_EACH(list, value)) bytes += value->len + between.len;
        bytes -= between.len;
        VONK_TRY(vonk_builder_str_reserve(&b, bytes, &start, err));
        at = start;
        for (VONK__LIST_EACH(list, value)) {
            if (at > start || value != list->first->values) {
                if (between.len) memcpy(at, between.data, between.len);
                at += between.len;
            }
            if (value->len) memcpy(at, value->text, value->len);
            at += value->len;
        }
        VONK_TRY(vonk_builder_str_commit(&b, bytes, err));
    }
    return vonk_builder_finish(&b, ret, err);
}

VONK__AGG_FINISH(text_save)
{
    const vonk_type *type = NULL;
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_TRY(vonk_type_array(call->arg_types[0], true, &type, err));
    vonk_status st = vonk_builder_init(&b, ev->budget, type, n, err);
    vonk_type_unref(type);
    VONK_TRY(st);
    for (uint32_t i = 0; i < n; i++) {
        for (VONK__LIST_EACH((const vonk__list *)states[i], value))
            VONK_TRY(vonk__kept_put(vonk_builder_child(&b, 0), value, err));
        VONK_TRY(vonk_builder_close(&b, err));
    }
    return vonk_builder_finish(&b, ret, err);
}

static const vonk_agg text_agg = {.state_bytes = sizeof(vonk__list),
                                  .state = "array<arg0>",
                                  .update = list_update,
                                  .merge = list_merge,
                                  .save = text_save,
                                  .finish = text_finish,
                                  .order_sensitive = true};

static vonk_status resolve_listagg(vonk_fn_types *t, vonk_error *err)
{
    t->result_nullable = true;
    if (t->n_args > 1 && !t->constants[1])
        return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__NON_FOLDABLE_INPUT, "sqlExpr",
                         vonk_fn_call_text(t, (char[1024]){0}), "inputName", "`delimiter`", "inputType",
                         VONK_TYPE_SQL(t->types[1]), "inputExpr",
                         t->texts ? VONK_F("\"%.*s\"", VONK_STR_ARGS(t->texts[1])) : "?");
    return VONK_OK;
}

/* ---- a saved form: the values, and how often each was there */

vonk_status vonk__counted_init(vonk__counted *c, const vonk_fn_call *call, vonk_eval *ev, uint32_t n, vonk_error *err)
{
    const vonk_type *types[2] = {NULL, NULL};
    vonk_status st = vonk_type_array(call->arg_types[0], true, &types[0], err);
    if (st == VONK_OK) st = vonk_type_array(&vonk_type_long, true, &types[1], err);
    if (st == VONK_OK) st = vonk_builder_init(&c->values, ev->budget, types[0], n, err);
    if (st == VONK_OK) st = vonk_builder_init(&c->counts, ev->budget, types[1], n, err);
    for (int i = 0; i < 2; i++) vonk_type_unref(types[i]);
    return st;
}

vonk_status vonk__counted_add(vonk__counted *c, const vonk__kept *value, int64_t count, vonk_error *err)
{
    VONK_TRY(vonk__kept_put(vonk_builder_child(&c->values, 0), value, err));
    return vonk_builder_i64(vonk_builder_child(&c->counts, 0), count, err);
}

vonk_status vonk__counted_close(vonk__counted *c, vonk_error *err)
{
    VONK_TRY(vonk_builder_close(&c->values, err));
    return vonk_builder_close(&c->counts, err);
}

vonk_status vonk__counted_finish(vonk__counted *c, vonk_column **ret, vonk_error *err)
{
    VONK_TRY(vonk_builder_finish(&c->values, &ret[0], err));
    const vonk_status st = vonk_builder_finish(&c->counts, &ret[1], err);
    if (st != VONK_OK) vonk_column_unref(ret[0]);
    return st;
}

void vonk__counted_done(vonk__counted *c)
{
    vonk_builder_done(&c->values);
    vonk_builder_done(&c->counts);
}

vonk_status vonk__counted_merge(vonk__counted_into into, const vonk_fn_call *call, vonk_eval *ev, vonk_arena *heap,
                                vonk_column *const *saved, vonk_rows rows, uint8_t *const *states, vonk_error *err)
{
    const vonk_column *values = saved[0]->children[0];
    const int64_t *counts = saved[1]->children[0]->data;
    uint64_t *hashes;
    VONK_TRY(vonk__agg_hashes(ev, values, VONK_ALL_ROWS(values->n_rows), &hashes, err));
    VONK__AGG_EACH(rows, k, row)
    {
        vonk_span s = VONK_VALUES(saved[0], vonk_span)[row], c = VONK_VALUES(saved[1], vonk_span)[row];
        for (uint32_t i = 0; i < s.len; i++)
            VONK_TRY(
                into(call, states[k], ev, heap, values, s.offset + i, hashes[s.offset + i], counts[c.offset + i], err));
    }
    return VONK_OK;
}

/* ---- mode: the value that is there most often */

static vonk_status into_bag(const vonk_fn_call *call, uint8_t *state, vonk_eval *ev, vonk_arena *heap,
                            const vonk_column *values, uint32_t row, uint64_t hash, int64_t count, vonk_error *err)
{
    (void)call;
    return vonk__bag_add((vonk__bag *)state, ev, heap, values, row, hash, count, err);
}

VONK__AGG_MERGE(mode_merge) { return vonk__counted_merge(into_bag, call, ev, heap, saved, rows, states, err); }

VONK__AGG_FINISH(mode_save)
{
    VONK_AUTO(vonk__counted_done) vonk__counted saved = {0};
    VONK_TRY(vonk__counted_init(&saved, call, ev, n, err));
    for (uint32_t i = 0; i < n; i++) {
        for (const vonk__bag_entry *e = ((const vonk__bag *)states[i])->first; e; e = e->next)
            VONK_TRY(vonk__counted_add(&saved, &e->value, e->count, err));
        VONK_TRY(vonk__counted_close(&saved, err));
    }
    return vonk__counted_finish(&saved, ret, err);
}

/* Of values that are there equally often, the one that came first; with a second argument true, the smallest. */
static vonk_status find_mode(const vonk_fn_call *call, vonk_eval *ev, const vonk__bag *bag, vonk_builder *b,
                             vonk_error *err)
{
    const vonk_column *c = call->n_args > 1 && call->constants ? call->constants[1] : NULL;
    bool smallest = c && !vonk_column_is_null(c, 0) && vonk_column_i64(c, 0) != 0;
    const vonk__bag_entry *best = bag->first;
    if (!best) return vonk_builder_null(b, err);
    for (const vonk__bag_entry *e = best->next; e; e = e->next) {
        if (e->count < best->count) continue;
        if (e->count == best->count) {
            if (!smallest) continue;
            VONK_AUTO(vonk_column_unref) vonk_column *one = NULL;
            const vonk__kept *kept = &e->value;
            VONK_TRY(vonk__kept_column(ev, call->type, &kept, 1, &one, err));
            if (vonk__kept_compare(&best->value, one, 0) <= 0) continue;
        }
        best = e;
    }
    return vonk__kept_put(b, &best->value, err);
}

VONK__AGG_FINISH(mode_finish)
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_TRY(vonk_builder_init(&b, ev->budget, call->type, n, err));
    for (uint32_t i = 0; i < n; i++) VONK_TRY(find_mode(call, ev, (const vonk__bag *)states[i], &b, err));
    return vonk_builder_finish(&b, ret, err);
}

static const vonk_agg mode_agg = {.state_bytes = sizeof(vonk__bag),
                                  .state = "array<arg0>,array<bigint>",
                                  .update = set_update,
                                  .merge = mode_merge,
                                  .save = mode_save,
                                  .finish = mode_finish,
                                  .order_sensitive = true};

#define AGG .kind = VONK_FN_AGGREGATE, .nulls = VONK_NULLS_OWN, .group = "agg_funcs"
#define NUMBERS " FROM VALUES (1), (2), (1) AS tab(col)"

const vonk_fn vonk_fns_aggregate_list[] = {
    {.name = "array_agg", .alias_of = "collect_list", .text = "collect_list($1)", .since = "3.3.0"},
    {.name = "collect_list",
     AGG,
     .args = "any",
     .resolve = resolve_collect,
     .agg = &list_agg,
     .since = "2.0.0",
     .doc = "An array of the group's values, without nulls.",
     .example = "collect_list(col)" NUMBERS,
     .expect = "[1, 2, 1]"},
    {.name = "collect_set",
     AGG,
     .args = "any",
     .resolve = resolve_set,
     .agg = &set_agg,
     .since = "2.0.0",
     .doc = "An array of the group's different values, without nulls.",
     .example = "collect_set(col)" NUMBERS,
     .expect = "[1, 2]"},
    {.name = "listagg",
     AGG,
     .args = "string|binary,string|binary?",
     .result = "arg0",
     .text = "listagg($1, NULL); listagg($1, $2)",
     .resolve = resolve_listagg,
     .agg = &text_agg,
     .since = "4.0.0",
     .doc = "The group's strings or binaries one after the other, with the second argument in between.",
     .example = "listagg(col, ',') FROM VALUES ('a'), ('b') AS tab(col)",
     .expect = "a,b"},
    {.name = "mode",
     AGG,
     .args = "any,boolean?",
     .result = "arg0",
     .text = "$0($1)",
     .nullable = VONK_NULLABLE_ALWAYS,
     .agg = &mode_agg,
     .since = "3.4.0",
     .doc = "The value that is there most often; with a second argument true, the smallest of those.",
     .example = "mode(col)" NUMBERS,
     .expect = "1"},
    {.name = "string_agg", .alias_of = "listagg", .text = "string_agg($1, NULL); string_agg($1, $2)", .since = "4.0.0"},
};
VONK_FN_COUNT(aggregate_list);
