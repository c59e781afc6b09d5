/* catalog/catalog_int.h -- inside catalog/: what a session's catalog is made of. */
#ifndef VONK_CATALOG_CATALOG_INT_H
#define VONK_CATALOG_CATALOG_INT_H

#include <stdlib.h>

#include "base/strmap.h"
#include "catalog/catalog.h"
#include "sys/thread.h"

/* Views by name, with the number of the last change. */
typedef struct vonk__views {
    vonk_mutex mutex;
    vonk_budget *budget;
    vonk_strmap *map;
    uint64_t version;
} vonk__views;

/* Functions by name, case does not count. */
typedef struct vonk__functions {
    vonk_mutex mutex;
    vonk_budget *budget;
    vonk_strmap *map; /* const vonk_python_fn *, referenced */
} vonk__functions;

struct vonk_catalog {
    vonk__views own;
    vonk__functions functions, sources;
    vonk_shared_catalog *shared;
    char *database;
};

void vonk__catalog_changed(vonk_catalog *catalog); /* a lookup may answer differently from now on */

vonk_status vonk__functions_init(vonk__functions *set, vonk_budget *budget, vonk_error *err);
void vonk__functions_done(vonk__functions *set); /* zeroed storage is fine */
vonk_status vonk__functions_copy(vonk__functions *into, vonk__functions *from, vonk_error *err);

#endif
