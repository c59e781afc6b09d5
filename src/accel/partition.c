/* accel/partition.c -- the partition of a key: pyspark's portable_hash, and the bounds of sortByKey. */
#include "accel/accel.h"

/* Of its items' hashes, as CPython 2.7 did: the low 63 bits of exact arithmetic. */
static int hash_tuple(PyObject *key, int64_t *ret)
{
    uint64_t hash = 0x345678;
    PyObject *each = PyObject_GetIter(key), *item;
    if (!each) return -1;
    while ((item = PyIter_Next(each))) {
        int64_t one;
        const int rc = accel_portable_hash_of(item, &one);
        Py_DECREF(item);
        if (rc != 0) break;
        hash = ((hash ^ (uint64_t)one) * 1000003) & INT64_MAX;
    }
    Py_DECREF(each);
    const Py_ssize_t n = PyErr_Occurred() ? -1 : PyObject_Size(key);
    *ret = (int64_t)(hash ^ (uint64_t)n);
    return n < 0 ? -1 : 0;
}

int accel_portable_hash_of(PyObject *key, int64_t *ret)
{
    *ret = 0;
    if (key == Py_None) return 0;
    if (PyTuple_Check(key)) {
        if (Py_EnterRecursiveCall(" in portable_hash")) return -1;
        const int rc = hash_tuple(key, ret);
        Py_LeaveRecursiveCall();
        return rc;
    }
    *ret = PyObject_Hash(key);
    return *ret == -1 ? -1 : 0;
}

int accel_range_of(PyObject *f, accel_range *ret)
{
    *ret = (accel_range){.bounds = accel_closure(f, "bounds")};
    PyObject *key = accel_closure(f, "keyfunc"), *ascending = accel_closure(f, "ascending");
    PyObject *n = accel_closure(f, "numPartitions");
    int rc = ret->bounds && key && ascending && n ? 0 : -1;
    if (rc == 0) {
        const int is_true = PyObject_IsTrue(ascending);
        ret->ascending = is_true == 1;
        ret->n_partitions = PyNumber_AsSsize_t(n, PyExc_OverflowError);
        rc = is_true < 0 || PyErr_Occurred() ? -1 : accel_function_of(key, &ret->key);
    }
    if (rc == 0 && !PyList_CheckExact(ret->bounds)) {
        PyErr_SetString(PyExc_TypeError, "the bounds of sortByKey are no list");
        rc = -1;
    }
    Py_XDECREF(key);
    Py_XDECREF(ascending);
    Py_XDECREF(n);
    if (rc != 0) accel_range_clear(ret);
    return rc;
}

void accel_range_clear(accel_range *range)
{
    Py_CLEAR(range->bounds);
    accel_function_clear(&range->key);
}

/* bisect.bisect_left */
int accel_range_find(const accel_range *range, PyObject *key, Py_ssize_t *ret)
{
    PyObject *x = accel_call1(&range->key, key);
    Py_ssize_t low = 0, high = PyList_Size(range->bounds);
    if (!x) return -1;
    while (low < high) {
        const Py_ssize_t middle = low + (high - low) / 2;
        PyObject *bound = PyList_GetItem(range->bounds, middle);
        Py_XINCREF(bound);
        const int is_less = bound ? PyObject_RichCompareBool(bound, x, Py_LT) : -1;
        Py_XDECREF(bound);
        if (is_less < 0) {
            Py_DECREF(x);
            return -1;
        }
        if (is_less)
            low = middle + 1;
        else
            high = middle;
    }
    Py_DECREF(x);
    *ret = range->ascending ? low : range->n_partitions - 1 - low;
    return 0;
}
