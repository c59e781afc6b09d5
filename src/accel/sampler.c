/* accel/sampler.c -- sampling without replacement: RDDSampler.func and RDDRangeSampler.func of pyspark.rddsampler. */
#include "accel/accel.h"

typedef struct sample {
    PyObject_HEAD PyObject *items, *random; /* iterator; a method that gives 0 <= x < 1 */
    double low, high;                       /* kept: low <= x < high */
} sample;

static void sample_free(PyObject *obj)
{
    sample *self = (sample *)obj;
    Py_CLEAR(self->items);
    Py_CLEAR(self->random);
    accel_free_object(obj);
}

static PyObject *sample_next(PyObject *obj)
{
    sample *self = (sample *)obj;
    for (PyObject *item; (item = PyIter_Next(self->items)); Py_DECREF(item)) {
        PyObject *drawn = accel_call(self->random, NULL, 0, NULL);
        const double x = drawn ? PyFloat_AsDouble(drawn) : -1;
        Py_XDECREF(drawn);
        if (x >= self->low && x < self->high) return item;
        if (x < 0 && PyErr_Occurred()) {
            Py_DECREF(item);
            return NULL;
        }
    }
    return NULL;
}

static PyType_Slot sample_slots[] = {{Py_tp_iter, (void *)PyObject_SelfIter},
                                     {Py_tp_iternext, (void *)sample_next},
                                     {Py_tp_dealloc, (void *)sample_free},
                                     {0, NULL}};
static PyType_Spec sample_spec = {"vonk.sample", sizeof(sample), 0, Py_TPFLAGS_DEFAULT, sample_slots};
static PyTypeObject *sample_type;

static PyObject *sample_start(PyObject *sampler, PyObject *split, PyObject *iterable, double low, double high)
{
    PyObject *done = PyObject_CallMethod(sampler, "initRandomGenerator", "O", split);
    PyObject *random = done ? PyObject_GetAttrString(sampler, "_random") : NULL;
    PyObject *obj = random ? accel_new_object(&sample_type, &sample_spec) : NULL;
    sample *self = (sample *)obj;
    if (self) {
        self->low = low;
        self->high = high;
        self->items = PyObject_GetIter(iterable);
        self->random = self->items ? PyObject_GetAttrString(random, "random") : NULL;
        if (!self->random) Py_CLEAR(obj);
    }
    Py_XDECREF(done);
    Py_XDECREF(random);
    return obj;
}

static PyObject *genuine_func;

static PyObject *sampler_func(PyObject *self, PyObject *args)
{
    PyObject *split, *iterable, *replaces = PyObject_GetAttrString(self, "_withReplacement");
    const int is_true = replaces ? PyObject_IsTrue(replaces) : -1;
    double fraction;
    Py_XDECREF(replaces);
    if (is_true < 0 || !PyArg_ParseTuple(args, "OO", &split, &iterable)) return NULL;
    if (is_true) return PyObject_CallFunctionObjArgs(genuine_func, self, split, iterable, NULL);
    if (accel_get_double(self, "_fraction", &fraction) != 0) return NULL;
    return sample_start(self, split, iterable, 0, fraction);
}

static PyObject *range_func(PyObject *self, PyObject *args)
{
    PyObject *split, *iterable;
    double low, high;
    if (!PyArg_ParseTuple(args, "OO", &split, &iterable)) return NULL;
    if (accel_get_double(self, "_lowerBound", &low) != 0 || accel_get_double(self, "_upperBound", &high) != 0)
        return NULL;
    return sample_start(self, split, iterable, low, high);
}

static PyMethodDef sampler_def = {"func", sampler_func, METH_VARARGS, NULL};
static PyMethodDef range_def = {"func", range_func, METH_VARARGS, NULL};

int accel_sampler_start(void)
{
    PyObject *sampler = accel_import("pyspark.rddsampler", "RDDSampler"),
             *range = accel_import("pyspark.rddsampler", "RDDRangeSampler");
    genuine_func = sampler ? PyObject_GetAttrString(sampler, "func") : NULL;
    int rc = range && genuine_func ? accel_set_method(sampler, &sampler_def) : -1;
    if (rc == 0) rc = accel_set_method(range, &range_def);
    Py_XDECREF(sampler);
    Py_XDECREF(range);
    return rc;
}
