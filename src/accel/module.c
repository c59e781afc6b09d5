/* accel/module.c -- the module vonk_accel: `import vonk_accel` in pyspark's daemon puts twins where pyspark's hot loops
 * are.
 *
 * pyspark.worker_util.read_command is where a program's function comes in. The first one that belongs to an RDD is also
 * the first moment at which pyspark.core.rdd is loaded. */
#include "accel/accel.h"

static bool is_started;

static int start(void)
{
    PyObject *shuffle = PyImport_ImportModule("pyspark.shuffle");
    int rc = shuffle && accel_learn("pyspark.core.rdd") == 0 && accel_rdd_start() == 0 ? 0 : -1;
    if (rc == 0) rc = accel_merger_start(shuffle);
    if (rc == 0) rc = accel_sorter_start(shuffle);
    if (rc == 0) rc = accel_sampler_start();
    Py_XDECREF(shuffle);
    is_started = rc == 0;
    return rc;
}

/* Of an RDD: (function, profiler, deserializer, serializer); with twins where they belong. */
static PyObject *with_twins(PyObject *command)
{
    PyObject *parts[4], *out = NULL;
    for (Py_ssize_t i = 0; i < 4; i++) {
        parts[i] = PyTuple_GetItem(command, i);
        Py_INCREF(parts[i]);
    }
    PyObject *texts = accel_import("pyspark.serializers", "UTF8Deserializer");
    bool is_ready = texts && accel_put_twins(&parts[0]) == 0;
    if (is_ready && (PyObject *)Py_TYPE(parts[2]) == texts) {
        PyObject *reader = accel_text_reader(parts[2]);
        is_ready = reader != NULL;
        Py_DECREF(parts[2]);
        parts[2] = reader;
    }
    if (is_ready) out = PyTuple_Pack(4, parts[0], parts[1], parts[2], parts[3]);
    for (Py_ssize_t i = 0; i < 4; i++) Py_XDECREF(parts[i]);
    Py_XDECREF(texts);
    return out;
}

static PyObject *read_command(PyObject *genuine, PyObject *args)
{
    PyObject *command = PyObject_Call(genuine, args, NULL), *loaded = PyImport_GetModuleDict();
    if (!command || !PyTuple_CheckExact(command) || PyTuple_Size(command) != 4 ||
        !PyMapping_HasKeyString(loaded, "pyspark.core.rdd"))
        return command;
    PyObject *out = is_started || start() == 0 ? with_twins(command) : NULL;
    Py_DECREF(command);
    return out;
}

static PyMethodDef read_command_def = {"read_command", read_command, METH_VARARGS, NULL};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "vonk_accel", "Twins of pyspark's hot loops.", -1, NULL, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_vonk_accel(void);

PyMODINIT_FUNC PyInit_vonk_accel(void)
{
    PyObject *self = PyModule_Create(&module), *util = PyImport_ImportModule("pyspark.worker_util");
    PyObject *genuine = util ? PyObject_GetAttrString(util, "read_command") : NULL;
    PyObject *ours = genuine ? PyCFunction_NewEx(&read_command_def, genuine, NULL) : NULL;
    const bool is_ready = self && ours && accel_learn("pyspark.util") == 0 && accel_call_start() == 0 &&
                          PyObject_SetAttrString(util, "read_command", ours) == 0;
    Py_XDECREF(util);
    Py_XDECREF(genuine);
    Py_XDECREF(ours);
    if (!is_ready) Py_CLEAR(self);
    return self;
}
