/* accel/merger.c -- merging values by key in a worker: the inner loops of pyspark.shuffle.ExternalMerger and its
 * subclasses.
 *
 * What an instance holds, what lies on disk and how it is read again stay pyspark's. Ours are: merging, the partition
 * of a key, and spilling (pyspark's first spill makes a compressed frame for each key). */
#include "accel/accel.h"

static const double look_pairs = 2000, least_room = 32; /* MiB */

static PyObject *shuffle_module, *genuine_size, *genuine_group_spill;

/* ---- the partition of a key, among the files of a spill */

typedef struct part_rule {
    uint64_t seed;
    Py_ssize_t n;
} part_rule;

static int part_rule_of(PyObject *self, part_rule *ret)
{
    PyObject *seed = PyObject_GetAttrString(self, "_seed"), *n = PyObject_GetAttrString(self, "partitions");
    ret->seed = seed ? PyLong_AsUnsignedLongLongMask(seed) : 0;
    ret->n = n ? PyLong_AsSsize_t(n) : 0;
    Py_XDECREF(seed);
    Py_XDECREF(n);
    if (!PyErr_Occurred() && ret->n < 1) PyErr_SetString(PyExc_ValueError, "no partitions");
    return ret->n < 1 || PyErr_Occurred() ? -1 : 0;
}

static Py_ssize_t part_of(const part_rule *rule, PyObject *key)
{
    const Py_hash_t hash = PyObject_Hash(key);
    if (hash == -1) return -1;
    uint64_t mixed = ((uint64_t)hash ^ rule->seed) * 0x9e3779b97f4a7c15u;
    mixed ^= mixed >> 32;
    return (Py_ssize_t)(mixed % (uint64_t)rule->n);
}

static PyObject *partition(PyObject *self, PyObject *key)
{
    part_rule rule;
    if (part_rule_of(self, &rule) != 0) return NULL;
    const Py_ssize_t part = part_of(&rule, key);
    return part < 0 ? NULL : PyLong_FromSsize_t(part);
}

/* ---- merging */

typedef struct merging {
    PyObject *self, *data, *pdata;
    part_rule rule;
    accel_function make; /* first value -> combiner; none: it is one */
    accel_function combine;
    bool by_length;
    double limit; /* MiB; 0: none */
    double n_merged, n_look;
} merging;

static void merging_clear(merging *m)
{
    Py_CLEAR(m->data);
    Py_CLEAR(m->pdata);
    accel_function_clear(&m->make);
    accel_function_clear(&m->combine);
}

static int merging_of(PyObject *self, bool are_values, merging *ret)
{
    *ret = (merging){.self = self, .n_look = look_pairs};
    PyObject *agg = PyObject_GetAttrString(self, "agg");
    PyObject *make = agg && are_values ? PyObject_GetAttrString(agg, "createCombiner") : NULL;
    PyObject *combine = agg ? PyObject_GetAttrString(agg, are_values ? "mergeValue" : "mergeCombiners") : NULL;
    PyObject *size = PyObject_GetAttrString((PyObject *)Py_TYPE(self), "_object_size");
    ret->data = PyObject_GetAttrString(self, "data");
    ret->pdata = PyObject_GetAttrString(self, "pdata");
    int rc = combine && (make || !are_values) && size && ret->data && ret->pdata ? 0 : -1;
    if (rc == 0) rc = part_rule_of(self, &ret->rule);
    if (rc == 0) rc = accel_function_of(combine, &ret->combine);
    if (rc == 0 && make) rc = accel_function_of(make, &ret->make);
    if (rc == 0 && (!PyDict_CheckExact(ret->data) || !PyList_CheckExact(ret->pdata))) {
        PyErr_SetString(PyExc_TypeError, "data and pdata of a merger are a dict and a list");
        rc = -1;
    }
    ret->by_length = !are_values && size != genuine_size;
    Py_XDECREF(agg);
    Py_XDECREF(make);
    Py_XDECREF(combine);
    Py_XDECREF(size);
    if (rc != 0) merging_clear(ret);
    return rc;
}

static PyObject *dict_of(merging *m, PyObject *key)
{
    if (PyList_Size(m->pdata) == 0) return m->data;
    const Py_ssize_t part = part_of(&m->rule, key);
    return part < 0 ? NULL : PyList_GetItem(m->pdata, part);
}

static int merge_pair(merging *m, PyObject *key, PyObject *value)
{
    PyObject *dict = dict_of(m, key);
    PyObject *old = dict ? PyDict_GetItemWithError(dict, key) : NULL, *new;
    if (old) {
        Py_INCREF(old);
        new = accel_call2(&m->combine, old, value);
        const bool is_same = new == old;
        Py_DECREF(old);
        if (is_same) {
            Py_DECREF(new);
            return 0;
        }
    } else {
        if (PyErr_Occurred()) return -1;
        new = m->make.f ? accel_call1(&m->make, value) : (Py_INCREF(value), value);
    }
    const int rc = new ? PyDict_SetItem(dict, key, new) : -1;
    Py_XDECREF(new);
    return rc;
}

/* max(memory_limit, used * 1.05), but never so near that every few items are spilled. */
int accel_next_limit(PyObject *self, double *ret)
{
    const double used = accel_used_memory(), next = used * 1.05 > used + least_room ? used * 1.05 : used + least_room;
    if (accel_get_double(self, "memory_limit", ret) != 0) return -1;
    if (*ret < next) *ret = next;
    return 0;
}

static int spill_now(merging *m)
{
    PyObject *done = PyObject_CallMethod(m->self, "_spill", NULL);
    const int rc = done ? accel_next_limit(m->self, &m->limit) : -1;
    Py_XDECREF(done);
    return rc;
}

static int merge_all(merging *m, PyObject *iterable)
{
    PyObject *each = PyObject_GetIter(iterable), *item;
    if (!each) return -1;
    while ((item = PyIter_Next(each))) {
        PyObject *pair = accel_pair(item);
        PyObject *value = pair ? PyTuple_GetItem(pair, 1) : NULL;
        int rc = pair ? merge_pair(m, PyTuple_GetItem(pair, 0), value) : -1;
        const Py_ssize_t size = rc == 0 && m->by_length && m->limit > 0 ? PyObject_Size(value) : 1;
        Py_XDECREF(pair);
        m->n_merged += (double)size;
        if (rc == 0 && size >= 0 && m->limit > 0 && m->n_merged >= m->n_look) {
            m->n_look = m->n_merged + look_pairs;
            if (accel_used_memory() >= m->limit) rc = spill_now(m);
        }
        if (rc != 0 || size < 0) break;
    }
    Py_DECREF(each);
    if (PyErr_Occurred()) return -1;
    return m->limit > 0 && accel_used_memory() >= m->limit ? spill_now(m) : 0;
}

static PyObject *merge_values(PyObject *self, PyObject *iterable)
{
    merging m;
    if (merging_of(self, true, &m) != 0) return NULL;
    int rc = accel_next_limit(self, &m.limit);
    if (rc == 0) rc = merge_all(&m, iterable);
    merging_clear(&m);
    return rc == 0 ? Py_BuildValue("") : NULL;
}

static PyObject *merge_combiners(PyObject *self, PyObject *args, PyObject *names)
{
    static const char *variables[] = {"iterator", "limit", NULL};
    PyObject *iterable, *limit = Py_None;
    merging m;
    if (!PyArg_ParseTupleAndKeywords(args, names, "O|O", (char **)variables, &iterable, &limit)) return NULL;
    if (merging_of(self, false, &m) != 0) return NULL;
    int rc = 0;
    if (limit == Py_None) {
        rc = accel_next_limit(self, &m.limit);
    } else {
        m.limit = PyFloat_AsDouble(limit);
        if (m.limit == -1 && PyErr_Occurred()) rc = -1;
    }
    if (rc == 0) rc = merge_all(&m, iterable);
    merging_clear(&m);
    return rc == 0 ? Py_BuildValue("") : NULL;
}

/* ---- spilling: into a file for each partition */

static int open_part(PyObject *serializer, PyObject *folder, Py_ssize_t part, accel_frames *ret)
{
    PyObject *path = PyUnicode_FromFormat("%U/%zd", folder, part);
    const int rc = path ? accel_frames_open(serializer, path, ret) : -1;
    Py_XDECREF(path);
    return rc;
}

static int write_pair(accel_frames *file, PyObject *key, PyObject *value)
{
    PyObject *pair = PyTuple_Pack(2, key, value);
    const int rc = pair ? accel_frames_add(file, pair) : -1;
    Py_XDECREF(pair);
    return rc;
}

/* Closes it; adds its bytes. */
static int close_part(accel_frames *file, long long *bytes)
{
    long long its = 0;
    const int rc = accel_frames_close(file, &its);
    *bytes += its;
    return rc;
}

/* The first spill: what is in one dict goes apart. */
static int spill_one(PyObject *serializer, PyObject *folder, const part_rule *rule, PyObject *dict, long long *bytes)
{
    accel_frames *files = PyMem_Calloc((size_t)rule->n, sizeof *files);
    PyObject *key, *value;
    Py_ssize_t n = 0;
    int rc = 0;
    if (!files) return PyErr_NoMemory(), -1;
    while (rc == 0 && n < rule->n) {
        rc = open_part(serializer, folder, n, &files[n]);
        n += rc == 0;
    }
    for (Py_ssize_t at = 0; rc == 0 && PyDict_Next(dict, &at, &key, &value);) {
        const Py_ssize_t part = part_of(rule, key);
        rc = part < 0 ? -1 : write_pair(&files[part], key, value);
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        if (rc == 0) rc = close_part(&files[i], bytes);
        accel_frames_clear(&files[i]);
    }
    PyMem_Free(files);
    return rc;
}

/* Later ones: each partition has its dict. */
static int spill_parts(PyObject *serializer, PyObject *folder, PyObject *dicts, long long *bytes)
{
    const Py_ssize_t n = PyList_Size(dicts);
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *dict = PyList_GetItem(dicts, i), *key, *value;
        accel_frames file;
        int rc = open_part(serializer, folder, i, &file);
        if (rc != 0) return -1;
        for (Py_ssize_t at = 0; rc == 0 && PyDict_Next(dict, &at, &key, &value);) rc = write_pair(&file, key, value);
        if (rc == 0) rc = close_part(&file, bytes);
        accel_frames_clear(&file);
        if (rc != 0) return -1;
        PyDict_Clear(dict);
    }
    return 0;
}

/* os.makedirs(self._get_spill_dir(self.spills), exist_ok=True) */
static PyObject *spill_folder(PyObject *self)
{
    PyObject *spills = PyObject_GetAttrString(self, "spills"), *make = accel_import("os", "makedirs"), *made = NULL;
    PyObject *folder = spills ? PyObject_CallMethod(self, "_get_spill_dir", "O", spills) : NULL;
    if (folder && make) made = PyObject_CallFunction(make, "OiO", folder, 0777, Py_True);
    Py_XDECREF(spills);
    Py_XDECREF(make);
    if (!made) Py_CLEAR(folder);
    Py_XDECREF(made);
    return folder;
}

/* What came first is on disk: from now on there is a dict for each partition. */
static int go_apart(PyObject *data, PyObject *pdata, Py_ssize_t n)
{
    PyDict_Clear(data);
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *dict = PyDict_New();
        const int rc = dict ? PyList_Append(pdata, dict) : -1;
        Py_XDECREF(dict);
        if (rc != 0) return -1;
    }
    return 0;
}

static int spill_to(PyObject *self, PyObject *folder)
{
    PyObject *data = PyObject_GetAttrString(self, "data"), *pdata = PyObject_GetAttrString(self, "pdata");
    PyObject *serializer = PyObject_GetAttrString(self, "serializer");
    long long bytes = 0;
    part_rule rule;
    int rc = data && pdata && serializer ? part_rule_of(self, &rule) : -1;
    if (rc == 0 && PyList_Size(pdata) > 0) {
        rc = spill_parts(serializer, folder, pdata, &bytes);
    } else if (rc == 0) {
        rc = spill_one(serializer, folder, &rule, data, &bytes);
        if (rc == 0) rc = go_apart(data, pdata, rule.n);
    }
    Py_XDECREF(data);
    Py_XDECREF(pdata);
    Py_XDECREF(serializer);
    return rc == 0 ? accel_add_int(shuffle_module, "DiskBytesSpilled", bytes) : -1;
}

static PyObject *spill(PyObject *self, PyObject *unused)
{
    const double used = accel_used_memory();
    PyObject *folder = spill_folder(self);
    int rc = folder ? spill_to(self, folder) : -1;
    if (rc == 0) rc = accel_add_int(self, "spills", 1);
    if (rc == 0) {
        PyGC_Collect();
        const double freed = used - accel_used_memory();
        rc = accel_add_int(shuffle_module, "MemoryBytesSpilled", freed > 0 ? (long long)freed << 20 : 0);
    }
    Py_XDECREF(folder);
    return rc == 0 ? Py_BuildValue("") : NULL;
}

/* ExternalGroupBy sorts where there are few keys, from the first spill on: pyspark's own code does that. */
static int spills_sorted(PyObject *self)
{
    PyObject *pdata = PyObject_GetAttrString(self, "pdata"), *answer = NULL;
    const Py_ssize_t n = pdata ? PyList_Size(pdata) : -1;
    Py_XDECREF(pdata);
    if (n > 0) {
        answer = PyObject_GetAttrString(self, "_sorted");
    } else if (n == 0) {
        PyObject *data = PyObject_GetAttrString(self, "data"), *most = PyObject_GetAttrString(self, "SORT_KEY_LIMIT");
        const Py_ssize_t limit = most ? PyLong_AsSsize_t(most) : -1;
        if (data && limit >= 0) answer = PyBool_FromLong(PyDict_Size(data) < limit);
        Py_XDECREF(data);
        Py_XDECREF(most);
        if (answer && PyObject_SetAttrString(self, "_sorted", answer) != 0) Py_CLEAR(answer);
    }
    const int is_true = answer ? PyObject_IsTrue(answer) : -1;
    Py_XDECREF(answer);
    return is_true;
}

static PyObject *group_spill(PyObject *self, PyObject *unused)
{
    const int is_sorted = spills_sorted(self);
    if (is_sorted < 0) return NULL;
    return is_sorted ? PyObject_CallFunctionObjArgs(genuine_group_spill, self, NULL) : spill(self, unused);
}

static PyMethodDef methods[] = {
    {"_partition", partition, METH_O, NULL},
    {"mergeValues", merge_values, METH_O, NULL},
    {"mergeCombiners", (PyCFunction)(void (*)(void))merge_combiners, METH_VARARGS | METH_KEYWORDS, NULL},
    {"_spill", spill, METH_NOARGS, NULL},
};
static PyMethodDef group_spill_def = {"_spill", group_spill, METH_NOARGS, NULL};

int accel_merger_start(PyObject *shuffle)
{
    PyObject *class = PyObject_GetAttrString(shuffle, "ExternalMerger"),
             *group = PyObject_GetAttrString(shuffle, "ExternalGroupBy");
    int rc = class && group ? 0 : -1;
    Py_INCREF(shuffle);
    shuffle_module = shuffle;
    if (rc == 0) {
        genuine_size = PyObject_GetAttrString(class, "_object_size");
        genuine_group_spill = genuine_size ? PyObject_GetAttrString(group, "_spill") : NULL;
        if (!genuine_group_spill) rc = -1;
    }
    for (size_t i = 0; rc == 0 && i < sizeof methods / sizeof methods[0]; i++)
        rc = accel_set_method(class, &methods[i]);
    if (rc == 0) rc = accel_set_method(group, &group_spill_def);
    Py_XDECREF(class);
    Py_XDECREF(group);
    return rc;
}
