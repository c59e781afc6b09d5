/* catalog/functions.c -- functions that a session has registered, by name. */
#include "catalog/catalog_int.h"

vonk_status vonk__functions_init(vonk__functions *set, vonk_budget *budget, vonk_error *err)
{
    vonk_mutex_init(&set->mutex);
    set->budget = budget;
    return vonk_strmap_new(budget, true, &set->map, err);
}

void vonk__functions_done(vonk__functions *set)
{
    vonk_str name;
    void *fn;
    if (!set->budget) return;
    for (size_t at = 0; set->map && vonk_strmap_next(set->map, &at, &name, &fn);) vonk_python_fn_unref(fn);
    vonk_strmap_free(set->map);
    vonk_mutex_done(&set->mutex);
}

static vonk_status put(vonk__functions *set, vonk_str name, const vonk_python_fn *fn, vonk_error *err)
{
    void *old = NULL;
    vonk_mutex_lock(&set->mutex);
    const vonk_status st = vonk_strmap_put(set->map, name, (void *)vonk_python_fn_ref(fn), &old, err);
    vonk_mutex_unlock(&set->mutex);
    vonk_python_fn_unref(st == VONK_OK ? old : fn);
    return st;
}

vonk_status vonk__functions_copy(vonk__functions *into, vonk__functions *from, vonk_error *err)
{
    vonk_str name;
    void *fn;
    VONK_LOCKED(&from->mutex);
    for (size_t at = 0; vonk_strmap_next(from->map, &at, &name, &fn);) VONK_TRY(put(into, name, fn, err));
    return VONK_OK;
}

vonk_status vonk_catalog_put_function(vonk_catalog *catalog, vonk_str name, const vonk_python_fn *fn, vonk_error *err)
{
    const vonk_status st = put(&catalog->functions, name, fn, err);
    vonk__catalog_changed(catalog);
    return st;
}

static const vonk_python_fn *get(vonk__functions *set, vonk_str name)
{
    VONK_LOCKED(&set->mutex);
    return vonk_python_fn_ref(vonk_strmap_get(set->map, name));
}

const vonk_python_fn *vonk_catalog_find_function(vonk_catalog *catalog, vonk_str name)
{
    return get(&catalog->functions, name);
}

const vonk_python_fn *vonk_catalog_find_source(vonk_catalog *catalog, vonk_str name)
{
    return name.len ? get(&catalog->sources, name) : NULL;
}

vonk_status vonk_catalog_put_source(vonk_catalog *catalog, vonk_str name, const vonk_python_fn *source, vonk_error *err)
{
    /* Names that Spark has a source for, whether or not this is built here. */
    static const char *const taken[] = {"avro",  "binaryFile",       "console", "csv",  "jdbc", "json",
                                        "kafka", "libsvm",           "memory",  "noop", "orc",  "parquet",
                                        "rate",  "rate-micro-batch", "socket",  "text", "xml"};
    for (size_t i = 0; i < VONK_COUNTOF(taken); i++)
        if (vonk_str_is_nocase(name, taken[i]))
            return VONK_FAIL(err, VONK_E_DATA_SOURCE_ALREADY_EXISTS, "provider", VONK_S(name));
    const vonk_status st = put(&catalog->sources, name, source, err);
    vonk__catalog_changed(catalog);
    return st;
}

bool vonk_catalog_drop_function(vonk_catalog *catalog, vonk_str name)
{
    vonk_mutex_lock(&catalog->functions.mutex);
    const vonk_python_fn *fn = vonk_strmap_take(catalog->functions.map, name);
    vonk_mutex_unlock(&catalog->functions.mutex);
    if (fn) vonk__catalog_changed(catalog);
    vonk_python_fn_unref(fn);
    return fn != NULL;
}

static int by_name(const void *a, const void *b)
{
    return vonk_str_compare(*(const vonk_str *)a, *(const vonk_str *)b);
}

vonk_status vonk_catalog_list_functions(vonk_catalog *catalog, vonk_arena *arena, vonk_str **ret, uint32_t *ret_n,
                                        vonk_error *err)
{
    vonk_str name;
    void *fn;
    VONK_LOCKED(&catalog->functions.mutex);
    *ret_n = 0;
    VONK_TRY(vonk_arena_array(arena, vonk_strmap_n(catalog->functions.map) + 1, sizeof **ret, ret, err));
    for (size_t at = 0; vonk_strmap_next(catalog->functions.map, &at, &name, &fn);)
        VONK_TRY(vonk_arena_str(arena, ((const vonk_python_fn *)fn)->name, &(*ret)[(*ret_n)++], err));
    qsort(*ret, *ret_n, sizeof **ret, by_name);
    return VONK_OK;
}
