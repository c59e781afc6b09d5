/* accel/shuffle_keys.c -- the map side of a shuffle: pairs go into a bucket for each partition, buckets leave as
 * pickles.
 *
 * The twin of RDD.partitionBy's add_shuffle_key: an iterator of bytes, in turn a partition's number and a pickled list
 * of pairs. */
#include "accel/accel.h"

static const long long look_pairs = 1000;
static const Py_ssize_t most_partitions = 1 << 20;

typedef struct shuffle_keys {
    PyObject_HEAD PyObject *pairs; /* iterator */
    PyObject *dumps;               /* of the serializer */
    accel_function partition;
    accel_range range;
    Py_ssize_t n_partitions, n_used, n_left;
    PyObject **buckets; /* lists by partition */
    Py_ssize_t *used;   /* the partitions that have one, in the order of their first pair */
    PyObject *leaving;  /* the bucket whose number has left */
    double memory_limit, batch, n_pairs, n_bytes;
    bool is_leaving, is_last;
} shuffle_keys;

static void keys_free(PyObject *obj)
{
    shuffle_keys *self = (shuffle_keys *)obj;
    Py_CLEAR(self->pairs);
    Py_CLEAR(self->dumps);
    Py_CLEAR(self->leaving);
    accel_function_clear(&self->partition);
    accel_range_clear(&self->range);
    for (Py_ssize_t i = 0; self->buckets && i < self->n_partitions; i++) Py_CLEAR(self->buckets[i]);
    PyMem_Free(self->buckets);
    PyMem_Free(self->used);
    accel_free_object(obj);
}

/* partitionFunc(key) % n_partitions */
static int partition_of(shuffle_keys *self, PyObject *key, Py_ssize_t *ret)
{
    int64_t number;
    if (self->partition.kind == ACCEL_PORTABLE_HASH) {
        if (accel_portable_hash_of(key, &number) != 0) return -1;
    } else if (self->partition.kind == ACCEL_RANGE) {
        Py_ssize_t found;
        if (accel_range_find(&self->range, key, &found) != 0) return -1;
        number = found;
    } else {
        PyObject *value = accel_call1(&self->partition, key), *n = PyLong_FromSsize_t(self->n_partitions);
        PyObject *rest = value && n ? PyNumber_Remainder(value, n) : NULL, *index = rest ? PyNumber_Index(rest) : NULL;
        number = index ? PyLong_AsSsize_t(index) : -1;
        Py_XDECREF(value);
        Py_XDECREF(n);
        Py_XDECREF(rest);
        Py_XDECREF(index);
        if (PyErr_Occurred()) return -1;
    }
    number %= self->n_partitions;
    *ret = number < 0 ? number + self->n_partitions : number;
    return 0;
}

static int put(shuffle_keys *self, PyObject *pair)
{
    Py_ssize_t p = 0;
    if (partition_of(self, PyTuple_GetItem(pair, 0), &p) != 0) return -1;
    if (!self->buckets[p]) {
        self->buckets[p] = PyList_New(0);
        if (!self->buckets[p]) return -1;
        self->used[self->n_used++] = p;
    }
    return PyList_Append(self->buckets[p], pair);
}

/* Takes pairs in until it is time to let buckets go, or there are no more. */
static int fill(shuffle_keys *self)
{
    for (PyObject *item; (item = PyIter_Next(self->pairs));) {
        PyObject *pair = accel_pair(item);
        const int rc = pair ? put(self, pair) : -1;
        Py_XDECREF(pair);
        if (rc != 0) return -1;
        self->n_pairs++;
        if (self->n_pairs > self->batch) return 0;
        if ((long long)self->n_pairs % look_pairs == 0 && accel_used_memory() > self->memory_limit) return 0;
    }
    self->is_last = true;
    return PyErr_Occurred() ? -1 : 0;
}

/* All buckets have left: how many pairs the next ones are to hold, so that a bucket makes 1 to 10 MiB. */
static void all_left(shuffle_keys *self)
{
    const long long mean = (long long)(self->n_bytes / (double)self->n_used) >> 20;
    if (mean < 1)
        self->batch *= 1.5;
    else if (mean > 10)
        self->batch = self->batch / 1.5 < 1 ? 1 : (double)(long long)(self->batch / 1.5);
    self->n_used = self->n_left = 0;
    self->n_pairs = self->n_bytes = 0;
    self->is_leaving = false;
}

static PyObject *pickled(shuffle_keys *self)
{
    PyObject *out = accel_call(self->dumps, &self->leaving, 1, NULL);
    Py_CLEAR(self->leaving);
    if (out) self->n_bytes += (double)PyObject_Size(out);
    return out;
}

static PyObject *keys_next(PyObject *obj)
{
    shuffle_keys *self = (shuffle_keys *)obj;
    for (;;) {
        if (self->leaving) return pickled(self);
        if (self->is_leaving && self->n_left < self->n_used) {
            const Py_ssize_t p = self->used[self->n_left++];
            unsigned char number[8];
            for (int i = 0; i < 8; i++) number[i] = (unsigned char)((uint64_t)p >> (56 - 8 * i));
            self->leaving = self->buckets[p];
            self->buckets[p] = NULL;
            return PyBytes_FromStringAndSize((const char *)number, sizeof number);
        }
        if (self->is_leaving) all_left(self);
        if (self->is_last || fill(self) != 0) return NULL;
        self->is_leaving = self->n_used > 0;
    }
}

static PyType_Slot keys_slots[] = {{Py_tp_iter, (void *)PyObject_SelfIter},
                                   {Py_tp_iternext, (void *)keys_next},
                                   {Py_tp_dealloc, (void *)keys_free},
                                   {0, NULL}};
static PyType_Spec keys_spec = {"vonk.shuffle_keys", sizeof(shuffle_keys), 0, Py_TPFLAGS_DEFAULT, keys_slots};
static PyTypeObject *keys_type;

/* f(split, iterator) */
static PyObject *keys_start(PyObject *f, PyObject *const *args, Py_ssize_t n_args)
{
    if (n_args != 2) return PyErr_Format(PyExc_TypeError, "%zd arguments instead of 2", n_args);
    PyObject *partition = accel_closure(f, "partitionFunc"), *n = accel_closure(f, "num_partitions");
    PyObject *limit = accel_closure(f, "limit"), *serializer = accel_closure(f, "outputSerializer");
    PyObject *obj = partition && n && limit && serializer ? accel_new_object(&keys_type, &keys_spec) : NULL;
    shuffle_keys *self = (shuffle_keys *)obj;
    bool is_ready = self && accel_function_of(partition, &self->partition) == 0;
    if (is_ready && self->partition.kind == ACCEL_RANGE) is_ready = accel_range_of(partition, &self->range) == 0;
    if (is_ready) {
        self->n_partitions = PyNumber_AsSsize_t(n, PyExc_OverflowError);
        self->memory_limit = PyFloat_AsDouble(limit);
        self->batch = (double)(self->n_partitions < look_pairs / 10 ? 10 * self->n_partitions : look_pairs);
        is_ready = !PyErr_Occurred();
    }
    if (is_ready) {
        self->buckets = PyMem_Calloc((size_t)self->n_partitions, sizeof *self->buckets);
        self->used = PyMem_Calloc((size_t)self->n_partitions, sizeof *self->used);
        if (!self->buckets || !self->used) PyErr_NoMemory();
        is_ready = self->buckets && self->used && (self->dumps = PyObject_GetAttrString(serializer, "dumps")) &&
                   (self->pairs = PyObject_GetIter(args[1]));
    }
    if (!is_ready) Py_CLEAR(obj);
    Py_XDECREF(partition);
    Py_XDECREF(n);
    Py_XDECREF(limit);
    Py_XDECREF(serializer);
    return obj;
}

static PyMethodDef keys_def = {"add_shuffle_key", (PyCFunction)(void (*)(void))keys_start, METH_FASTCALL, NULL};

PyObject *accel_shuffle_keys(PyObject *f)
{
    PyObject *n = accel_closure(f, "num_partitions");
    const Py_ssize_t n_partitions = n && PyLong_CheckExact(n) ? PyLong_AsSsize_t(n) : 0;
    Py_XDECREF(n);
    if (PyErr_Occurred()) return NULL;
    if (n_partitions < 1 || n_partitions > most_partitions) {
        Py_INCREF(f);
        return f;
    }
    return PyCFunction_NewEx(&keys_def, f, NULL);
}
