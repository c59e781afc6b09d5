/* accel/call.c -- calls without the frames that only wrap, and the helpers that every file here needs. */
#include "accel/accel.h"

#include <stdio.h>
#include <unistd.h>

static PyObject *genuine_guard; /* pyspark.util.fail_on_stopiteration */
static PyObject *operator_add;
static PyObject *portable_hash; /* pyspark.core.rdd.portable_hash */
static PyObject *take_pair;
static PyObject *identity, *adder; /* samples: functions whose code we know */

/* ---- calls */

PyObject *accel_call(PyObject *f, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    if (PyObject_Vectorcall) return PyObject_Vectorcall(f, args, (size_t)n, names);
    const Py_ssize_t n_names = names ? PyTuple_Size(names) : 0;
    PyObject *positional = PyTuple_New(n), *named = n_names ? PyDict_New() : NULL, *out = NULL;
    bool is_ready = positional && (named || !n_names);
    for (Py_ssize_t i = 0; is_ready && i < n; i++) {
        Py_INCREF(args[i]);
        is_ready = PyTuple_SetItem(positional, i, args[i]) == 0;
    }
    for (Py_ssize_t i = 0; is_ready && i < n_names; i++)
        is_ready = PyDict_SetItem(named, PyTuple_GetItem(names, i), args[n + i]) == 0;
    if (is_ready) out = PyObject_Call(f, positional, named);
    Py_XDECREF(positional);
    Py_XDECREF(named);
    return out;
}

static PyObject *raise_again(PyObject *error, PyObject *unused)
{
    PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    return NULL;
}

static PyMethodDef raise_again_def = {"raise_again", raise_again, METH_NOARGS, NULL};

/* A StopIteration is set: what pyspark makes of it takes its place, by pyspark's own code. */
static void stopped(void)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    if (trace) PyException_SetTraceback(value, trace);
    PyObject *raiser = PyCFunction_NewEx(&raise_again_def, value, NULL);
    PyObject *wrapped = raiser ? PyObject_CallFunctionObjArgs(genuine_guard, raiser, NULL) : NULL;
    Py_XDECREF(wrapped ? PyObject_CallFunctionObjArgs(wrapped, NULL) : NULL);
    Py_XDECREF(wrapped);
    Py_XDECREF(raiser);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
}

static PyObject *guarded(PyObject *f, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    PyObject *out = accel_call(f, args, n, names);
    if (!out && PyErr_ExceptionMatches(PyExc_StopIteration)) stopped();
    return out;
}

static PyMethodDef guarded_def = {"wrapper", (PyCFunction)(void (*)(void))guarded, METH_FASTCALL | METH_KEYWORDS, NULL};

static PyObject *guard(PyObject *unused, PyObject *f) { return PyCFunction_NewEx(&guarded_def, f, NULL); }

static PyMethodDef guard_def = {"fail_on_stopiteration", guard, METH_O,
                                "Wraps f: a StopIteration that leaves it is an error."};

/* ---- functions that are known */

static bool same_attribute(PyObject *a, PyObject *b, const char *name)
{
    PyObject *x = PyObject_GetAttrString(a, name), *y = PyObject_GetAttrString(b, name);
    const int same = x && y ? PyObject_RichCompareBool(x, y, Py_EQ) : -1;
    Py_XDECREF(x);
    Py_XDECREF(y);
    if (same < 0) PyErr_Clear();
    return same == 1;
}

/* Whether `f` computes what `sample` does: a function of the same instructions over the same constants, wherever its
 * text stands. */
static bool is_like(PyObject *f, PyObject *sample)
{
    static const char *const names[] = {"co_code",     "co_consts",         "co_names",
                                        "co_argcount", "co_kwonlyargcount", "co_freevars",
                                        "co_cellvars", "co_nlocals",        "co_posonlyargcount"};
    if (Py_TYPE(f) != Py_TYPE(sample)) return false;
    PyObject *code = PyObject_GetAttrString(f, "__code__"), *its = PyObject_GetAttrString(sample, "__code__");
    bool same = code && its && same_attribute(f, sample, "__defaults__");
    for (size_t i = 0; same && i < sizeof names / sizeof names[0]; i++) same = same_attribute(code, its, names[i]);
    if (!code || !its) PyErr_Clear();
    Py_XDECREF(code);
    Py_XDECREF(its);
    return same;
}

static accel_kind kind_of(PyObject *f)
{
    if (f == operator_add || is_like(f, adder)) return ACCEL_ADD;
    if (f == portable_hash) return ACCEL_PORTABLE_HASH;
    if (is_like(f, identity)) return ACCEL_IDENTITY;
    switch (accel_twin_of(f)) {
    case TWIN_LIST_OF: return ACCEL_LIST_OF;
    case TWIN_APPEND: return ACCEL_APPEND;
    case TWIN_EXTEND: return ACCEL_EXTEND;
    case TWIN_RANGE_PARTITIONER: return ACCEL_RANGE;
    default: return ACCEL_ANY;
    }
}

int accel_function_of(PyObject *f, accel_function *ret)
{
    *ret = (accel_function){.f = f};
    Py_INCREF(f);
    if (accel_twin_of(f) == TWIN_GUARD) {
        PyObject *inner = accel_closure(f, "f");
        if (!inner) return -1;
        Py_DECREF(f);
        *ret = (accel_function){.f = inner, .is_guarded = true};
    }
    ret->kind = kind_of(ret->f);
    return 0;
}

void accel_function_clear(accel_function *f) { Py_CLEAR(f->f); }

static PyObject *list_of(PyObject *x)
{
    PyObject *list = PyList_New(1);
    if (!list) return NULL;
    Py_INCREF(x);
    PyList_SetItem(list, 0, x);
    return list;
}

PyObject *accel_call1(const accel_function *f, PyObject *x)
{
    if (f->kind == ACCEL_IDENTITY) {
        Py_INCREF(x);
        return x;
    }
    if (f->kind == ACCEL_LIST_OF) return list_of(x);
    PyObject *out = accel_call(f->f, &x, 1, NULL);
    if (!out && f->is_guarded && PyErr_ExceptionMatches(PyExc_StopIteration)) stopped();
    return out;
}

PyObject *accel_call2(const accel_function *f, PyObject *x, PyObject *y)
{
    PyObject *out;
    if (f->kind == ACCEL_APPEND && PyList_CheckExact(x)) {
        if (PyList_Append(x, y) != 0) return NULL;
        Py_INCREF(x);
        return x;
    }
    if (f->kind == ACCEL_EXTEND && PyList_CheckExact(x)) {
        if (PyList_SetSlice(x, PY_SSIZE_T_MAX, PY_SSIZE_T_MAX, y) != 0) return NULL;
        Py_INCREF(x);
        return x;
    }
    if (f->kind == ACCEL_ADD) {
        out = PyNumber_Add(x, y);
    } else {
        PyObject *const args[] = {x, y};
        out = accel_call(f->f, args, 2, NULL);
    }
    if (!out && f->is_guarded && PyErr_ExceptionMatches(PyExc_StopIteration)) stopped();
    return out;
}

/* ---- helpers */

PyObject *accel_pair(PyObject *item)
{
    if (PyTuple_CheckExact(item) && PyTuple_Size(item) == 2) return item;
    PyObject *pair = accel_call(take_pair, &item, 1, NULL);
    Py_DECREF(item);
    return pair;
}

double accel_used_memory(void)
{
    static long page_bytes;
    char text[128];
    long long size, resident = 0;
    if (!page_bytes) page_bytes = sysconf(_SC_PAGESIZE);
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file) return 0;
    if (fgets(text, sizeof text, file) && sscanf(text, "%lld %lld", &size, &resident) != 2) resident = 0;
    fclose(file);
    return (double)(resident * page_bytes >> 20);
}

PyObject *accel_import(const char *module, const char *path)
{
    PyObject *at = PyImport_ImportModule(module);
    char name[64];
    while (at && *path) {
        size_t n = 0;
        for (; path[n] && path[n] != '.'; n++) name[n] = path[n];
        name[n] = 0;
        path += n + (path[n] == '.');
        PyObject *next = PyObject_GetAttrString(at, name);
        Py_DECREF(at);
        at = next;
    }
    return at;
}

int accel_set_method(PyObject *class, PyMethodDef *def)
{
    PyObject *method = PyDescr_NewMethod((PyTypeObject *)class, def);
    const int rc = method ? PyObject_SetAttrString(class, def->ml_name, method) : -1;
    Py_XDECREF(method);
    return rc;
}

PyObject *accel_new_object(PyTypeObject **type, PyType_Spec *spec)
{
    if (!*type) *type = (PyTypeObject *)PyType_FromSpec(spec);
    return *type ? PyType_GenericAlloc(*type, 0) : NULL;
}

void accel_free_object(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_Free(self);
    Py_DECREF(type);
}

int accel_get_double(PyObject *obj, const char *name, double *ret)
{
    PyObject *value = PyObject_GetAttrString(obj, name);
    if (!value) return -1;
    *ret = PyFloat_AsDouble(value);
    Py_DECREF(value);
    return *ret == -1 && PyErr_Occurred() ? -1 : 0;
}

int accel_add_int(PyObject *obj, const char *name, long long n)
{
    PyObject *old = PyObject_GetAttrString(obj, name), *more = PyLong_FromLongLong(n);
    PyObject *sum = old && more ? PyNumber_Add(old, more) : NULL;
    const int rc = sum ? PyObject_SetAttrString(obj, name, sum) : -1;
    Py_XDECREF(old);
    Py_XDECREF(more);
    Py_XDECREF(sum);
    return rc;
}

int accel_rdd_start(void)
{
    PyObject *os = accel_import("os", "environ");
    const int is_set =
        os ? PyMapping_HasKeyString(os, "PYTHONHASHSEED") : 0; /* without it pyspark's own raises an error */
    Py_XDECREF(os);
    portable_hash = accel_import("pyspark.core.rdd", "portable_hash");
    if (portable_hash && !is_set) Py_CLEAR(portable_hash);
    return PyErr_Occurred() ? -1 : 0;
}

int accel_call_start(void)
{
    static const char samples[] = "identity = lambda x: x\n"
                                  "adder = lambda a, b: a + b\n"
                                  "def take_pair(item):\n"
                                  "    k, v = item\n"
                                  "    return k, v\n";
    PyObject *code = Py_CompileString(samples, "<vonk>", Py_file_input), *names = PyDict_New();
    PyObject *done = code && names ? PyEval_EvalCode(code, names, names) : NULL;
    const bool is_made = done != NULL;
    Py_XDECREF(done);
    Py_XDECREF(code);
    if (is_made) {
        identity = PyDict_GetItemString(names, "identity");
        adder = PyDict_GetItemString(names, "adder");
        take_pair = PyDict_GetItemString(names, "take_pair");
    } /* `names` is kept, and with it these */
    if (!identity || !adder || !take_pair) return -1;
    operator_add = accel_import("_operator", "add");
    PyObject *util = PyImport_ImportModule("pyspark.util");
    genuine_guard = util ? PyObject_GetAttrString(util, "fail_on_stopiteration") : NULL;
    PyObject *ours = PyCFunction_NewEx(&guard_def, NULL, NULL);
    const int rc =
        operator_add && genuine_guard && ours ? PyObject_SetAttrString(util, "fail_on_stopiteration", ours) : -1;
    Py_XDECREF(ours);
    Py_XDECREF(util);
    return rc;
}
