/* serve/py4j/java_function.c -- interfaces that Python implements: java.util.function, Comparator, Runnable, Callable.
 */
#include "serve/py4j/py4j_int.h"

vonk_status vonk__j_apply(vonk__j_caller *caller, vonk__j_object *function, const char *method,
                          const vonk__j_value *args, uint32_t n_args, vonk__j_value *ret, vonk_error *err)
{
    if (!vonk__j_is_proxy(function))
        return vonk__j_throw(caller, "java.lang.UnsupportedOperationException", err,
                             "%.*s is not implemented in Python", VONK_STR_ARGS(function->cls->fqn));
    vonk_mutex_unlock(&caller->machine->guard);
    const vonk_status status = vonk__j_call_back(caller, function, method, args, n_args, ret, err);
    vonk_mutex_lock(&caller->machine->guard);
    return status;
}

#define INTERFACE(name) {.fqn = (name), .flags = VONK__J_INTERFACE}
static const vonk__j_row rows[] = {
    INTERFACE("java.lang.Runnable"),
    INTERFACE("java.util.Comparator"),
    INTERFACE("java.util.concurrent.Callable"),
    INTERFACE("java.util.function.Consumer"),
    INTERFACE("java.util.function.Function"),
    INTERFACE("java.util.function.Predicate"),
    INTERFACE("java.util.function.Supplier"),
    {.fqn = "java.util.function.UnaryOperator",
     .interfaces = "java.util.function.Function",
     .flags = VONK__J_INTERFACE},
};
const vonk__j_area vonk__j_area_java_function = {rows, VONK_COUNTOF(rows)};
