/* serve/py4j/rdd_classes.h -- RDDs, functions of Python and their like as objects, for the areas that take or give
 * them.
 *
 * From an object to its RDD: vonk__j_rdd_of (any of JavaRDD, JavaPairRDD, JavaDoubleRDD, RDD and its subclasses), after
 * vonk__j_engine_use on its context; from a vonk_rdd to an object: vonk__j_rdd_object, which chooses the class by the
 * elements. Both only while the engine is held (rdd_engine.h). */
#ifndef VONK_SERVE_PY4J_RDD_CLASSES_H
#define VONK_SERVE_PY4J_RDD_CLASSES_H

#include "serve/py4j/rdd_engine.h"
#include "sys/files.h"

typedef struct vonk__j_rdd {
    vonk__j_object head;
    vonk__j_context *context; /* referenced */
    vonk_rdd *rdd;
    /* What SerDeUtil.pythonToJava made: Java would see the objects in the pickles. The records stay pickles here; each
     * holds a list of objects if `is_batched`, else one. */
    bool is_objects, is_batched;
    vonk__j_object *profile; /* of withResources; NULL: none */
} vonk__j_rdd;

/* NULL: it is something else, or null. Borrowed. */
vonk__j_rdd *vonk__j_rdd_of(vonk__j_object *object);
/* A JavaRDD, JavaPairRDD or JavaDoubleRDD. The RDD is taken, also on failure. */
vonk_status vonk__j_rdd_object(vonk__j_context *context, vonk_rdd *take_rdd, vonk__j_value *ret, vonk_error *err);
/* The same for what holds objects in pickles (DataFrame.rdd is not such: its records are bytes to Java). */
vonk_status vonk__j_objects_rdd(vonk__j_context *context, vonk_rdd *take_rdd, bool is_batched, vonk__j_value *ret,
                                vonk_error *err);

/* The payload of SimplePythonFunction. */
typedef struct vonk__j_function {
    vonk__j_object head;
    vonk__j_value command, executable, version;   /* texts */
    vonk__j_object *vars, *includes, *broadcasts; /* map, list, list; NULL: none */
} vonk__j_function;
vonk__j_function *vonk__j_function_of(vonk__j_object *object); /* NULL: it is something else */
/* What workers are started with for it, and what they are told: in `arena`. Reads collections: the machine's guard must
 * not be held. Broadcast values it names live as long as the function's object. */
vonk_status vonk__j_function_python(vonk__j_caller *caller, vonk__j_engine *engine, vonk__j_function *function,
                                    vonk_arena *arena, vonk_rdd_python *ret, vonk_error *err);

/* The payload of org.apache.spark.broadcast.Broadcast. */
typedef struct vonk__j_broadcast {
    vonk__j_object head;
    vonk__j_context *context;
    uint64_t id;
    bool is_destroyed;
    vonk__j_object *value; /* its PythonBroadcast */
} vonk__j_broadcast;

/* What a function's broadcast values are, in `arena`; references are new. Takes the machine's guard. */
vonk_status vonk__j_function_broadcasts(vonk__j_caller *caller, const vonk__j_function *function, vonk_arena *arena,
                                        vonk__j_broadcast ***ret, uint32_t *ret_n, vonk_error *err);

/* The payload of PythonBroadcast: a file that Python wrote, or with encryption one in memory that it sent. */
typedef struct vonk__j_python_broadcast {
    vonk__j_object head;
    vonk__j_value path;
    vonk_file *file; /* NULL: Python writes `path` itself */
    vonk__j_context *context;
    struct vonk__j_channel *channel;
} vonk__j_python_broadcast;

#endif
