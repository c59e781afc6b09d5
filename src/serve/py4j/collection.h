/* serve/py4j/collection.h -- what lists, sets, maps' views and arrays share. Whoever calls holds the machine's guard.
 */
#ifndef VONK_SERVE_PY4J_COLLECTION_H
#define VONK_SERVE_PY4J_COLLECTION_H

#include "serve/py4j/py4j_int.h"

void vonk__j_list_drop(vonk__j_object *self); /* for rows of other areas whose objects are lists or maps */
void vonk__j_map_drop(vonk__j_object *self);
/* NULL: it is something else. */
vonk__j_list *vonk__j_as_list(vonk__j_object *object);
vonk__j_array *vonk__j_as_array(vonk__j_object *object);
vonk__j_map *vonk__j_as_map(vonk__j_object *object); /* and sets, which are maps without values */

typedef enum vonk__j_part { VONK__J_KEYS, VONK__J_VALUES, VONK__J_ENTRIES } vonk__j_part;
typedef struct vonk__j_view_of_map {
    vonk__j_object head;
    vonk__j_map *map; /* NULL once dropped */
    vonk__j_part part;
} vonk__j_view_of_map;
vonk__j_view_of_map *vonk__j_as_map_view(vonk__j_object *object);

/* Counts what changes, so that iterators see it. NULL: nothing can change. */
uint32_t *vonk__j_changes(vonk__j_object *object);
bool vonk__j_size_of(vonk__j_object *object, uint32_t *ret);
/* Sorted stably; `comparator` NULL: the natural order. The guard is let go while Python compares. */
vonk_status vonk__j_sort(vonk__j_caller *caller, vonk__j_value *values, uint32_t n, vonk__j_object *comparator,
                         vonk_error *err);
vonk_status vonk__j_list_remove(vonk__j_list *list, uint32_t at, vonk__j_value *ret, vonk_error *err);
/* The first that equals; list.n: none. */
vonk_status vonk__j_list_find(vonk__j_caller *caller, const vonk__j_list *list, const vonk__j_value *v, uint32_t *ret,
                              vonk_error *err);
vonk_status vonk__j_map_entry_object(vonk__j_machine *machine, const vonk__j_entry *entry, vonk__j_value *ret,
                                     vonk_error *err);
/* Removes one element that equals, from any that can. */
vonk_status vonk__j_remove_one(vonk__j_caller *caller, vonk__j_object *of, const vonk__j_value *v, bool *ret_had,
                               vonk_error *err);
vonk_status vonk__j_holds(vonk__j_caller *caller, vonk__j_object *of, const vonk__j_value *v, bool *ret,
                          vonk_error *err);
/* Members of what can be asked one by one: java.util.Collection's. */
extern const vonk__j_member vonk__j_collection_members[];
extern const uint32_t vonk__j_n_collection_members;

#endif
