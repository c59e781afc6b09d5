/* serve/py4j/throwable.h -- what a throwable holds, for the members that Spark's error classes have. */
#ifndef VONK_SERVE_PY4J_THROWABLE_H
#define VONK_SERVE_PY4J_THROWABLE_H

#include "serve/py4j/py4j_int.h"

typedef struct vonk__j_throwable {
    vonk__j_object head;
    vonk__j_value message; /* a text or null */
    vonk_error error;      /* of ours, with condition, parameters and contexts; VONK_OK: none */
    vonk__j_object *cause; /* another throwable, or NULL */
} vonk__j_throwable;

#endif
