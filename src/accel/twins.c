/* accel/twins.c -- which of pyspark's inner functions are known here, and the walk that puts twins in their place.
 *
 * A program's command arrives as functions that cloudpickle has taken apart: pyspark's own inner functions come as
 * code, not as names. Code that is equal to what the pyspark installed here would make is what we know; anything else
 * stays as it came. */
#include "accel/accel.h"

#include <string.h>

typedef struct twin_row {
    accel_twin twin;
    const char *module, *path; /* the function that defines it */
    const char *name;          /* co_name of the inner function */
    const char *variables;     /* its closure, as Python writes a tuple of strings; NULL: any */
} twin_row;

static const twin_row rows[] = {
    {TWIN_GUARD, "pyspark.util", "fail_on_stopiteration", "wrapper", NULL},
    {TWIN_LIST_OF, "pyspark.core.rdd", "RDD.groupByKey", "createCombiner", NULL},
    {TWIN_APPEND, "pyspark.core.rdd", "RDD.groupByKey", "mergeValue", NULL},
    {TWIN_EXTEND, "pyspark.core.rdd", "RDD.groupByKey", "mergeCombiners", NULL},
    {TWIN_SHUFFLE_KEYS, "pyspark.core.rdd", "RDD.partitionBy", "add_shuffle_key", NULL},
    {TWIN_RANGE_PARTITIONER, "pyspark.core.rdd", "RDD.sortByKey", "rangePartitioner", NULL},
    {TWIN_PAIR_KEY, "pyspark.core.rdd", "RDD.sortByKey", "<lambda>", "('keyfunc',)"},
    {TWIN_COUNT, "pyspark.core.rdd", "RDD.count", "<lambda>", "()"},
};

static PyObject *known;         /* dict: code -> number of accel_twin */
static PyTypeObject *functions; /* types.FunctionType */

/* The first code below `code` that the row describes; NULL without an error when there is none. */
static PyObject *find_code(PyObject *code, const twin_row *row)
{
    PyObject *found = NULL, *consts = PyObject_GetAttrString(code, "co_consts");
    const Py_ssize_t n = consts ? PyTuple_Size(consts) : 0;
    for (Py_ssize_t i = 0; i < n && !found && !PyErr_Occurred(); i++) {
        PyObject *inner = PyTuple_GetItem(consts, i);
        if (Py_TYPE(inner) != Py_TYPE(code)) continue;
        PyObject *name = PyObject_GetAttrString(inner, "co_name"),
                 *free_names = PyObject_GetAttrString(inner, "co_freevars");
        PyObject *variables = free_names ? PyObject_Repr(free_names) : NULL;
        if (name && variables && PyUnicode_CompareWithASCIIString(name, row->name) == 0 &&
            (!row->variables || PyUnicode_CompareWithASCIIString(variables, row->variables) == 0)) {
            found = inner;
            Py_INCREF(found);
        }
        Py_XDECREF(name);
        Py_XDECREF(free_names);
        Py_XDECREF(variables);
        if (!found && !PyErr_Occurred()) found = find_code(inner, row);
    }
    Py_XDECREF(consts);
    return found;
}

int accel_learn(const char *module)
{
    if (!known) known = PyDict_New();
    if (!known) return -1;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].module, module) != 0) continue;
        PyObject *outer = accel_import(module, rows[i].path);
        if (outer)
            functions = Py_TYPE(outer);
        else
            PyErr_Clear();
        PyObject *code = outer ? PyObject_GetAttrString(outer, "__code__") : NULL;
        PyObject *inner = code ? find_code(code, &rows[i]) : NULL, *twin = PyLong_FromLong(rows[i].twin);
        const int rc = inner && twin ? PyDict_SetItem(known, inner, twin) : 0; /* another pyspark: it has no twin */
        Py_XDECREF(outer);
        Py_XDECREF(code);
        Py_XDECREF(inner);
        Py_XDECREF(twin);
        if (rc != 0 || PyErr_Occurred()) return -1;
    }
    return 0;
}

accel_twin accel_twin_of(PyObject *f)
{
    if (Py_TYPE(f) != functions) return TWIN_NONE;
    PyObject *code = PyObject_GetAttrString(f, "__code__");
    PyObject *twin = code ? PyDict_GetItemWithError(known, code) : NULL;
    const accel_twin found = twin ? (accel_twin)PyLong_AsLong(twin) : TWIN_NONE;
    Py_XDECREF(code);
    if (!twin) PyErr_Clear(); /* a constant that cannot be hashed: not pyspark's */
    return found;
}

/* The cells of a function's closure beside their names; 0 when it has none. */
static Py_ssize_t cells_of(PyObject *f, PyObject **ret_names, PyObject **ret_cells)
{
    PyObject *code = PyObject_GetAttrString(f, "__code__");
    *ret_names = code ? PyObject_GetAttrString(code, "co_freevars") : NULL;
    *ret_cells = PyObject_GetAttrString(f, "__closure__");
    Py_XDECREF(code);
    return *ret_names && *ret_cells && PyTuple_Check(*ret_cells) ? PyTuple_Size(*ret_cells) : 0;
}

PyObject *accel_closure(PyObject *f, const char *name)
{
    PyObject *names, *cells, *found = NULL;
    const Py_ssize_t n = cells_of(f, &names, &cells);
    for (Py_ssize_t i = 0; i < n && !found && !PyErr_Occurred(); i++)
        if (PyUnicode_CompareWithASCIIString(PyTuple_GetItem(names, i), name) == 0)
            found = PyObject_GetAttrString(PyTuple_GetItem(cells, i), "cell_contents");
    Py_XDECREF(names);
    Py_XDECREF(cells);
    if (!found && !PyErr_Occurred()) PyErr_Format(PyExc_KeyError, "no variable %s", name);
    return found;
}

static bool is_of_rdd(PyObject *f)
{
    PyObject *module = PyObject_GetAttrString(f, "__module__");
    const bool is =
        module && PyUnicode_Check(module) && PyUnicode_CompareWithASCIIString(module, "pyspark.core.rdd") == 0;
    if (!module) PyErr_Clear();
    Py_XDECREF(module);
    return is;
}

static PyObject *count_items(PyObject *unused, PyObject *items)
{
    PyObject *each = PyObject_GetIter(items), *item;
    long long n = 0;
    if (!each) return NULL;
    for (; (item = PyIter_Next(each)); n++) Py_DECREF(item);
    Py_DECREF(each);
    return PyErr_Occurred() ? NULL : Py_BuildValue("[L]", n);
}

static PyMethodDef count_def = {"count", count_items, METH_O, NULL};

int accel_put_twins(PyObject **f)
{
    PyObject *twin, *names, *cells;
    if (Py_TYPE(*f) != functions) return 0;
    switch (accel_twin_of(*f)) {
    case TWIN_SHUFFLE_KEYS: twin = accel_shuffle_keys(*f); break;
    case TWIN_COUNT: twin = PyCFunction_NewEx(&count_def, NULL, NULL); break;
    default:
        if (!is_of_rdd(*f)) return 0;
        if (Py_EnterRecursiveCall(" in a command")) return -1;
        int rc = 0;
        const Py_ssize_t n = cells_of(*f, &names, &cells);
        for (Py_ssize_t i = 0; i < n && rc == 0; i++) {
            PyObject *cell = PyTuple_GetItem(cells, i), *content = PyObject_GetAttrString(cell, "cell_contents"),
                     *old = content;
            if (!content) {
                PyErr_Clear(); /* it is empty */
                continue;
            }
            Py_INCREF(old);
            rc = accel_put_twins(&content);
            if (rc == 0 && content != old) rc = PyObject_SetAttrString(cell, "cell_contents", content);
            Py_DECREF(old);
            Py_DECREF(content);
        }
        Py_XDECREF(names);
        Py_XDECREF(cells);
        Py_LeaveRecursiveCall();
        return rc;
    }
    if (!twin) return -1;
    Py_DECREF(*f);
    *f = twin;
    return 0;
}
