/* func/body.c -- what bodies of functions on texts and collections share. */
#include "func/body.h"

vonk_status vonk_slices_new(vonk_eval *ev, const vonk_type *type, uint32_t n_rows, vonk_rows rows,
                            const vonk_column *from, vonk_result *r, vonk_error *err)
{
    uint32_t first = 0;
    VONK_TRY(vonk_result_new(ev, type, n_rows, rows, r, err));
    memset(r->data, 0, n_rows * sizeof(vonk_view));
    return vonk_column_share_heaps(r->column, from, &first, err);
}

vonk_status vonk_lists_new(vonk_eval *ev, const vonk_type *type, uint32_t n_rows, vonk_rows rows, vonk_lists *l,
                           vonk_error *err)
{
    *l = (vonk_lists){.ev = ev};
    VONK_TRY(vonk_result_new(ev, type, n_rows, rows, &l->result, err));
    memset(l->result.data, 0, n_rows * sizeof(vonk_span));
    return VONK_OK;
}

vonk_status vonk_lists_grow(vonk_lists *l, size_t more, vonk_error *err)
{
    size_t wanted = vonk_max_size(l->capacity ? l->capacity * 2 : 1024, l->n + more);
    uint32_t *at = NULL;
    if (l->n + more > INT32_MAX)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "batches of more than 2147483647 array elements");
    VONK_TRY(vonk_arena_alloc(l->ev->scratch, wanted * sizeof(*at), &at, err));
    if (l->n) memcpy(at, l->at, l->n * sizeof(*at));
    l->at = at;
    l->capacity = wanted;
    return VONK_OK;
}

vonk_status vonk__as_child(vonk_eval *ev, const vonk_type *parent, uint32_t field, vonk_column *take_column,
                           vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *column = take_column, *typed = NULL;
    *ret = NULL;
    VONK_TRY(vonk_column_retype(ev->budget, column, parent->fields[field].type, &typed, err));
    return vonk_column_flatten(ev->budget, typed, ret, err);
}

vonk_status vonk_lists_take(vonk_lists *l, vonk_column *const *sources, uint32_t n_sources, vonk_column **ret,
                            vonk_error *err)
{
    vonk_column *children[2] = {NULL, NULL};
    vonk_status st = VONK_OK;
    assert(n_sources <= VONK_COUNTOF(children) && n_sources == l->result.column->type->n_fields);
    for (uint32_t i = 0; i < n_sources && st == VONK_OK; i++)
        st = vonk_column_gather(l->ev->budget, sources[i], l->at, (uint32_t)l->n, true, &children[i], err);
    for (uint32_t i = 0; i < n_sources && st == VONK_OK; i++)
        st = vonk__as_child(l->ev, l->result.column->type, i, children[i], &children[i], err);
    if (st == VONK_OK) st = vonk_column_set_children(l->result.column, children, n_sources, err);
    for (uint32_t i = 0; i < n_sources; i++) vonk_column_unref(children[i]);
    if (st == VONK_OK) *ret = vonk_result_take(&l->result);
    return st;
}

vonk_status vonk_join_children(vonk_eval *ev, vonk_column *const *args, uint32_t n, uint32_t child, uint32_t *ret_first,
                               vonk_column **ret, vonk_error *err)
{
    const vonk_column **parts = NULL;
    uint64_t total = 0;
    VONK_TRY(vonk_arena_array(ev->scratch, n, sizeof(*parts), &parts, err));
    for (uint32_t i = 0; i < n; i++) {
        parts[i] = args[i]->children[child];
        ret_first[i] = (uint32_t)total;
        total += parts[i]->n_rows;
        if (total > INT32_MAX)
            return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                             "batches of more than 2147483647 array elements");
    }
    if (n == 1) {
        *ret = vonk_column_ref(parts[0]);
        return VONK_OK;
    }
    return vonk_column_concat(ev->budget, parts, n, ret, err);
}
