/* func/registry.c -- finding functions by name. The index is made at the first look, in static storage: it cannot fail.
 */
#include <stdlib.h>

#include "func/tables.h"
#include "sys/thread.h"

enum { MOST_ROWS = 1024, MOST_ALIASES = 320, MOST_NAME_BYTES = 64 };

static const vonk_fn *rows[MOST_ROWS]; /* sorted by name */
static size_t n_rows;
static vonk_fn aliases[MOST_ALIASES]; /* completed from the rows that they stand for */
static const vonk_fn *originals[MOST_ALIASES];
static size_t n_aliases;
static vonk_once made = VONK_ONCE_INIT;

static const struct {
    const vonk_fn *at;
    const size_t *n;
} tables[] = {
#define TABLE(category) {vonk_fns_##category, &vonk_n_fns_##category},
#include "func/tables.def"
#undef TABLE
};

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const vonk_fn *const *)a)->name, (*(const vonk_fn *const *)b)->name);
}

/* `name` in lower case. */
static const vonk_fn *find(const char *name)
{
    size_t low = 0, high = n_rows;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int c = strcmp(name, rows[middle]->name);
        if (c == 0) return rows[middle];
        if (c < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* What an alias says of itself stays: its name, and rules of its arguments and texts if it has any. */
static void complete(size_t i)
{
    const vonk_fn *own = rows[i], *original = find(own->alias_of);
    assert(original && !original->alias_of && n_aliases < MOST_ALIASES);
    vonk_fn *full = &aliases[n_aliases];
    originals[n_aliases++] = original;
    *full = *original;
    full->name = own->name;
    full->alias_of = own->alias_of;
    if (own->args) full->args = own->args;
    if (own->symbol) full->symbol = own->symbol;
    if (own->text) full->text = own->text;
    if (own->doc) full->doc = own->doc;
    if (own->group) full->group = own->group;
    if (own->since) full->since = own->since;
    if (own->example) {
        full->example = own->example;
        full->expect = own->expect;
    }
    rows[i] = full;
}

static void make_index(void)
{
    for (size_t t = 0; t < VONK_COUNTOF(tables); t++)
        for (size_t i = 0; i < *tables[t].n; i++) {
            assert(n_rows < MOST_ROWS);
            rows[n_rows++] = &tables[t].at[i];
        }
    qsort(rows, n_rows, sizeof(rows[0]), by_name);
    for (size_t i = 0; i < n_rows; i++)
        if (rows[i]->alias_of) complete(i);
}

const vonk_fn *vonk_fn_find(vonk_str name)
{
    char lower[MOST_NAME_BYTES];
    if (name.len >= sizeof(lower)) return NULL;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    lower[name.len] = 0;
    vonk_once_run(&made, make_index);
    return find(lower);
}

const vonk_fn *vonk_fn_canonical(const vonk_fn *fn) { return fn->alias_of ? originals[fn - aliases] : fn; }

const vonk_fn *vonk_fn_next(size_t *inout_at)
{
    vonk_once_run(&made, make_index);
    return *inout_at < n_rows ? rows[(*inout_at)++] : NULL;
}
