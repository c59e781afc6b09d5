/* plan/table.c -- reference counts of tables and scans; the classes that decoding knows. */
#include <stdatomic.h>

#include "plan/scan.h"

vonk_table *vonk_table_ref(vonk_table *table)
{
    if (table) atomic_fetch_add_explicit(&table->refs, 1, memory_order_relaxed);
    return table;
}

void vonk_table_unref(vonk_table *table)
{
    if (table && atomic_fetch_sub_explicit(&table->refs, 1, memory_order_acq_rel) == 1) table->cls->free(table);
}

vonk_scan *vonk_scan_ref(vonk_scan *scan)
{
    if (scan) atomic_fetch_add_explicit(&scan->refs, 1, memory_order_relaxed);
    return scan;
}

void vonk_scan_unref(vonk_scan *scan)
{
    if (scan && atomic_fetch_sub_explicit(&scan->refs, 1, memory_order_acq_rel) == 1) scan->cls->free(scan);
}

void vonk_runtime_filter_unref(vonk_runtime_filter *filter)
{
    if (!filter || atomic_fetch_sub_explicit(&filter->refs, 1, memory_order_acq_rel) != 1) return;
    vonk_column_unref(filter->min);
    vonk_column_unref(filter->max);
    vonk_free((void *)filter->bloom);
    vonk_free(filter);
}

/* ---- classes by name */

enum { MOST_CLASSES = 64 };
static _Atomic(const vonk_table_class *) classes[MOST_CLASSES];

void vonk_table_class_register(const vonk_table_class *cls)
{
    for (uint32_t i = 0; i < MOST_CLASSES; i++) {
        const vonk_table_class *there = NULL;
        if (atomic_compare_exchange_strong(&classes[i], &there, cls)) return;
        if (vonk_str_is(vonk_str_of(there->name), cls->name)) return;
    }
    assert(false);
}

const vonk_table_class *vonk_table_class_find(vonk_str name)
{
    for (uint32_t i = 0; i < MOST_CLASSES; i++) {
        const vonk_table_class *cls = atomic_load(&classes[i]);
        if (!cls) return NULL;
        if (vonk_str_is(name, cls->name)) return cls;
    }
    return NULL;
}
