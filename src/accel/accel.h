/* accel/accel.h -- what the files of this folder share.
 *
 * Everything here runs in the user's interpreter, inside a worker, with the GIL held. Only CPython's limited API, so that one
 * object serves every interpreter from 3.10 on. Functions that return a PyObject give a new reference, or NULL with a Python
 * exception set; int functions give 0, or -1 with one set. "Genuine" is what pyspark itself defines. */
#ifndef VONK_ACCEL_ACCEL_H
#define VONK_ACCEL_ACCEL_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030A0000
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

/* In the stable API since 3.12, exported since 3.11: NULL in older ones. */
extern PyObject *PyObject_Vectorcall(PyObject *f, PyObject *const *args, size_t n, PyObject *names) __attribute__((weak));

/* ---- call.c: calls, and functions that are known */

/* f(*args) and f(*args, **names): `names` is NULL or a tuple with the names of the last arguments, which come after the n. */
PyObject *accel_call(PyObject *f, PyObject *const *args, Py_ssize_t n, PyObject *names);
/* Functions so small that calling them costs more than what they do. */
typedef enum accel_kind {
    ACCEL_ANY,
    ACCEL_IDENTITY, /* lambda x: x */
    ACCEL_ADD,      /* operator.add, lambda a, b: a + b */
    ACCEL_LIST_OF,  /* groupByKey's own three: [x]; xs.append(x); a.extend(b) */
    ACCEL_APPEND,
    ACCEL_EXTEND,
    ACCEL_PORTABLE_HASH,
    ACCEL_RANGE, /* sortByKey's own partitioner */
} accel_kind;

/* A callable, looked through once. */
typedef struct accel_function {
    PyObject *f; /* without the wrapper that guards against StopIteration */
    bool is_guarded;
    accel_kind kind;
} accel_function;

int accel_function_of(PyObject *f, accel_function *ret);
void accel_function_clear(accel_function *f);
PyObject *accel_call1(const accel_function *f, PyObject *x);
PyObject *accel_call2(const accel_function *f, PyObject *x, PyObject *y);
/* Puts ours in the place of the genuine fail_on_stopiteration. */
int accel_call_start(void);
/* pyspark.core.rdd is loaded: its functions are known by name. */
int accel_rdd_start(void);

/* ---- twins.c: pyspark's inner functions that have a twin here */

typedef enum accel_twin {
    TWIN_NONE,
    TWIN_GUARD,             /* util.fail_on_stopiteration: wrapper */
    TWIN_LIST_OF,           /* core.rdd.RDD.groupByKey: createCombiner, mergeValue, mergeCombiners */
    TWIN_APPEND,
    TWIN_EXTEND,
    TWIN_SHUFFLE_KEYS,      /* core.rdd.RDD.partitionBy: add_shuffle_key */
    TWIN_RANGE_PARTITIONER, /* core.rdd.RDD.sortByKey: rangePartitioner and the sort's key */
    TWIN_PAIR_KEY,
    TWIN_COUNT,             /* core.rdd.RDD.count: lambda i: [sum(1 for _ in i)] */
} accel_twin;

/* Learns the codes of the inner functions of a module of pyspark; what another version does not have is left out. */
int accel_learn(const char *module);
/* Which of pyspark's inner functions `f` is: its code is equal to the code in the pyspark that is installed here. */
accel_twin accel_twin_of(PyObject *f);
/* What the variable `name` of the function's closure holds. */
PyObject *accel_closure(PyObject *f, const char *name);
/* A command's function with twins in the place of pyspark's inner functions; `*f` is a reference that is replaced. */
int accel_put_twins(PyObject **f);

/* ---- the twins */

PyObject *accel_shuffle_keys(PyObject *f);               /* shuffle_keys.c; f: the genuine add_shuffle_key */
int accel_portable_hash_of(PyObject *key, int64_t *ret); /* partition.c */
/* sortByKey's partitioner, looked through once. */
typedef struct accel_range {
    PyObject *bounds; /* list */
    accel_function key;
    bool ascending;
    Py_ssize_t n_partitions;
} accel_range;

int accel_range_of(PyObject *f, accel_range *ret);
void accel_range_clear(accel_range *range);
int accel_range_find(const accel_range *range, PyObject *key, Py_ssize_t *ret);
PyObject *accel_text_reader(PyObject *deserializer); /* text.c; in the place of a UTF8Deserializer that reads alone */

/* ---- items.c: items that are sorted */

typedef struct accel_items {
    PyObject **at; /* owned */
    Py_ssize_t n, room;
} accel_items;

int accel_items_push(accel_items *items, PyObject *take_item);
/* As list.sort does. key: None or a function. */
int accel_items_sort(accel_items *items, PyObject *key, PyObject *reverse);
void accel_items_clear(accel_items *items);
/* An iterator that gives them away; they are taken from `items`. */
PyObject *accel_items_drain(accel_items *items);
/* operator.itemgetter(0), always the same one: a key for which nothing is called. Borrowed. */
PyObject *accel_first_of(void);

/* ---- frames.c: a file that pyspark reads again */

typedef struct accel_frames {
    PyObject *file, *dumps, *pack, *items; /* items: the next frame */
    Py_ssize_t most_items;
    int level; /* zlib's */
} accel_frames;

/* batched: an AutoBatchedSerializer of a CompressedSerializer. */
int accel_frames_open(PyObject *batched, PyObject *path, accel_frames *ret);
int accel_frames_add(accel_frames *frames, PyObject *item);
int accel_frames_close(accel_frames *frames, long long *ret_bytes);
void accel_frames_clear(accel_frames *frames);

/* ---- classes of pyspark whose methods are replaced */

/* Of an ExternalMerger or ExternalSorter: the memory in MiB from which on it spills (merger.c). */
int accel_next_limit(PyObject *self, double *ret);
int accel_merger_start(PyObject *shuffle); /* merger.c: ExternalMerger, and spilling of ExternalGroupBy */
int accel_sorter_start(PyObject *shuffle); /* sorter.c: ExternalSorter.sorted */
int accel_sampler_start(void);             /* sampler.c: RDDSampler.func, RDDRangeSampler.func */

/* ---- helpers (call.c) */

/* An item as `k, v = item` takes it: a tuple of two. `item` is taken over. */
PyObject *accel_pair(PyObject *item);
/* Resident memory of this process in MiB, as pyspark.shuffle.get_used_memory says. */
double accel_used_memory(void);
/* module.path[0].path[1]... ; `path` has dots. */
PyObject *accel_import(const char *module, const char *path);
/* A method of the class in C: replaced for every instance. */
int accel_set_method(PyObject *class, PyMethodDef *def);
/* A type whose instances are iterators; freed by `def`'s slots. Made once, kept. */
PyObject *accel_new_object(PyTypeObject **type, PyType_Spec *spec);
void accel_free_object(PyObject *self);
/* obj.name as a number. */
int accel_get_double(PyObject *obj, const char *name, double *ret);
int accel_add_int(PyObject *obj, const char *name, long long n);

#endif
