/* exec/join_filter.c -- what the build side knows of its keys goes to the scans of the probe side before they start:
 * least and greatest value, and a bloom filter. */
#include "column/builder.h"
#include "column/rows.h"
#include "exec/join_int.h"

#define BLOOM_MOST_ROWS (UINT32_C(8) << 20)
#define BLOOM_ROWS_A_WORD 6

/* Do probe rows without a match leave no trace? */
static bool may_skip(const join_form *f)
{
    if (f->outer_probe || f->null_aware) return false;
    return !f->by_probe || f->type == VONK_JOIN_SEMI;
}

void vonk__join_find_slots(vonk_op *op, join_shared *s)
{
    const join_form *f = &s->form;
    if (!may_skip(f)) return;
    for (uint32_t i = 0; i < f->n_keys; i++) {
        const vonk_expr *key = op->node->lists[0].at[i];
        if (f->probe_keys.column[i] == JOIN_NONE) continue;
        while (key->kind == VONK_EX_ALIAS) key = key->children[0];
        s->has_slot[i] = vonk_op_filter_slot(op, 0, key, &s->slots[i]);
    }
}

static vonk_status one_value(vonk_budget *budget, const vonk_type *type, int64_t value, vonk_column **ret,
                             vonk_error *err)
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_TRY(vonk_builder_init(&b, budget, type, 1, err));
    VONK_TRY(vonk_builder_i64(&b, value, err));
    return vonk_builder_finish(&b, ret, err);
}

static vonk_status add_range(const join_table *t, uint32_t key, vonk_runtime_filter *filter, vonk_error *err)
{
    const join_pack *p = &t->packs[key];
    const vonk_type *type = t->form->key_types[key];
    if (!t->form->int_keys || type->storage == VONK_STORE_BIT) return VONK_OK;
    VONK_TRY(one_value(filter->budget, type, p->min, &filter->min, err));
    return one_value(filter->budget, type, (int64_t)((uint64_t)p->min + p->range), &filter->max, err);
}

static bool wants_bloom(const join_table *t) { return t->n_rows <= BLOOM_MOST_ROWS && t->kind != JOIN_RANGE; }

static vonk_status add_bloom(const vonk_column *keys, vonk_runtime_filter *filter, vonk_error *err)
{
    enum { SOME = 2048 };
    uint64_t hashes[SOME], *words = NULL;
    size_t n_words = 8;
    while (n_words * BLOOM_ROWS_A_WORD < keys->n_rows) n_words *= 2;
    VONK_TRY(vonk_alloc_zeroed(filter->budget, n_words * sizeof *words, &words, err));
    filter->bloom = words;
    filter->n_words = n_words;
    for (uint32_t from = 0; from < keys->n_rows; from += SOME) {
        uint32_t n = keys->n_rows - from < SOME ? keys->n_rows - from : SOME;
        VONK_AUTO(vonk_column_unref) vonk_column *slice = NULL;
        VONK_TRY(vonk_column_slice(filter->budget, keys, from, n, &slice, err));
        VONK_TRY(vonk_column_hash(slice, VONK_ALL_ROWS(n), hashes, true, err));
        for (uint32_t k = 0; k < n; k++) words[vonk_bloom_word(hashes[k], n_words)] |= vonk_bloom_bits(hashes[k]);
    }
    return VONK_OK;
}

/* Optional work: an error leaves the scan without a filter. */
static void publish_key(vonk_op *op, join_shared *s, uint32_t i, const vonk_column *keys)
{
    const join_table *t = s->table;
    vonk_error err = VONK_ERROR_INIT;
    vonk_runtime_filter *filter = NULL;
    vonk_status st = VONK_NEW(op->budget, &filter, &err);
    if (st == VONK_OK) {
        atomic_store(&filter->refs, 1);
        filter->budget = op->budget;
        st = add_range(t, i, filter, &err);
    }
    if (st == VONK_OK && wants_bloom(t)) st = add_bloom(keys, filter, &err);
    if (st == VONK_OK && (filter->min || filter->bloom))
        vonk_exec_publish_filter(s->slots[i], filter);
    else
        vonk_runtime_filter_unref(filter);
    vonk_error_reset(&err);
}

void vonk__join_publish(vonk_op *op, join_shared *s, vonk_column *const *keys)
{
    for (uint32_t i = 0; i < s->form.n_keys && keys; i++)
        if (s->has_slot[i] && s->table->kind != JOIN_EMPTY) publish_key(op, s, i, keys[i]);
}

/* Nobody reads any more; the scan may live on with the plan. */
void vonk__join_withdraw(join_shared *s)
{
    for (uint32_t i = 0; s->has_slot && i < s->form.n_keys; i++) {
        if (!s->has_slot[i]) continue;
        vonk_filter_slot slot = s->slots[i];
        vonk_runtime_filter_unref(atomic_exchange(&slot.scan->filters[slot.slot], (vonk_runtime_filter *)NULL));
    }
}
