/* exec/sort_groups.c -- rows by group, as the sorting of windows and of functions over groups; see sort_groups.h. */
#include "exec/sort_groups.h"

static const vonk_expr *unnamed(const vonk_expr *e)
{
    while (e->kind == VONK_EX_ALIAS) e = e->children[0];
    return e;
}

static void unref_expr(void *e) { vonk_expr_unref(e); }

static int compare_rows(const sort_groups *g, const uint8_t *a, const uint8_t *b)
{
    const sort_form *f = &g->sink.form;
    int c = memcmp(a + f->key_at, b + f->key_at, g->key_bytes);
    if (c != 0 || g->key_exact) return c;
    return vonk_rows_compare(f->layout, f->specs, g->n_keys, a, b);
}

bool vonk__sort_groups_differ(const sort_groups *g, const uint8_t *a, const uint8_t *b)
{
    return compare_rows(g, a, b) != 0;
}

static int compare_keys(const vonk_op *op, const sort_entry *a, const sort_entry *b)
{
    return compare_rows(op->shared, a->row, b->row);
}

/* Rows of one partition are one cut: nothing to cut. */
static int compare_all(const vonk_op *op, const sort_entry *a, const sort_entry *b) { return 0; }

/* Spark's adaptive execution reads few rows as one partition and sorts them there: groups come out in the
 * order of their keys, not by the hash of them. */
static bool partitions_become_one(const vonk_conf *conf)
{
    return !conf || (vonk_conf_bool(conf, "spark.sql.adaptive.enabled") &&
                     vonk_conf_bool(conf, "spark.sql.adaptive.coalescePartitions.enabled"));
}

vonk_status vonk__sort_groups_open(vonk_op *op, const vonk_expr_list *keys, const vonk_expr_list *orders,
                                   vonk_error *err)
{
    sort_groups *s = op->shared;
    const vonk_expr **exprs = NULL, *hash = NULL;
    vonk_sort_spec *specs = NULL;
    const vonk_conf *conf = vonk_exec_conf(op->exec);
    uint32_t n = keys->n + orders->n,
             n_shuffle = conf ? (uint32_t)vonk_conf_i64(conf, "spark.sql.shuffle.partitions") : 200;
    bool local = !op->fused && op->children[0]->by_hash && op->children[0]->n_partitions > 1; /* dealt out already */
    VONK_TRY(vonk_arena_array(op->arena, n, sizeof *exprs, &exprs, err));
    VONK_TRY(vonk_arena_array(op->arena, n, sizeof *specs, &specs, err));
    for (uint32_t i = 0; i < keys->n; i++) {
        exprs[i] = unnamed(keys->at[i]);
        specs[i] = (vonk_sort_spec){0};
    }
    for (uint32_t i = 0; i < orders->n; i++) {
        const vonk_expr *e = orders->at[i];
        exprs[keys->n + i] = unnamed(e->kind == VONK_EX_SORT ? e->children[0] : e);
        specs[keys->n + i] = (vonk_sort_spec){.descending = vonk_expr_has(e, VONK_EXF_DESCENDING),
                                              .nulls_last = vonk_expr_has(e, VONK_EXF_NULLS_LAST)};
    }
    bool bucket = !local && keys->n > 0 && n_shuffle > 1 && !partitions_become_one(conf);
    if (bucket) {
        VONK_TRY(vonk__spark_hash_expr(vonk_exec_budget(op->exec), exprs, keys->n, &hash, err));
        VONK_TRY(vonk_arena_on_free(op->arena, unref_expr, (void *)(uintptr_t)hash, err));
    }
    s->sink.by_partition = local;
    s->sink.all_or_none = true;
    s->sink.compare_cut = keys->n > 0 ? compare_keys : compare_all;
    VONK_TRY(vonk__sort_form_make(op, &s->sink.form, exprs, specs, n, local || bucket, hash, n_shuffle, err));
    s->n_keys = keys->n;
    s->key_bytes = vonk_sort_key_bytes(s->sink.form.types, s->n_keys, &s->key_exact) + (local || bucket ? 4 : 0);
    if (keys->n == 0) {
        s->key_bytes = local ? 4 : 0;
        s->key_exact = true;
    }
    op->n_partitions = local ? op->children[0]->n_partitions : 1;
    op->by_hash = local && op->children[0]->by_hash;
    return VONK_OK;
}

vonk_status vonk__sort_groups_keep(vonk_op *op, vonk_lane *lane, const sort_groups *g, vonk_row_store *store,
                                   uint8_t *row, uint8_t **ret, vonk_error *err)
{
    const sort_form *f = &g->sink.form;
    vonk_column **columns = NULL;
    uint8_t *copy = NULL;
    vonk_status st = VONK_OK;
    *ret = row;
    if (!g->sink.on_disk) return VONK_OK;
    VONK_TRY(vonk_arena_array(lane->scratch, f->n_columns + 1, sizeof *columns, &columns, err));
    memset(columns, 0, (f->n_columns + 1) * sizeof *columns);
    for (uint32_t c = 0; c < f->n_columns && st == VONK_OK; c++)
        st = vonk_rows_gather(op->budget, f->layout, c, &row, 1, &columns[c], err);
    vonk_row_store_reset(store);
    if (st == VONK_OK) st = vonk_row_store_append(store, columns, VONK_ALL_ROWS(1), &copy, err);
    for (uint32_t c = 0; c < f->n_columns; c++) vonk_column_unref(columns[c]);
    VONK_TRY(st);
    memcpy(copy + f->key_at, row + f->key_at, f->key_bytes);
    *ret = copy;
    return VONK_OK;
}
