/* accel/sorter.c -- sorting in a worker: pyspark.shuffle.ExternalSorter.sorted, and the merge of what went to disk. */
#include "accel/accel.h"

enum { LOOK_ITEMS = 2000 };

/* ---- the key */

static PyObject *zero;

/* keyfunc(kv[0]) */
static PyObject *key_of_pair(PyObject *keyfunc, PyObject *pair)
{
    PyObject *first = PyObject_GetItem(pair, zero);
    PyObject *key = first ? accel_call(keyfunc, &first, 1, NULL) : NULL;
    Py_XDECREF(first);
    return key;
}

static PyMethodDef key_def = {"key", key_of_pair, METH_O, NULL};

/* What computes the same as `key`, without Python's frames where it is sortByKey's own. */
static PyObject *quick_key(PyObject *key)
{
    PyObject *quick = key;
    Py_INCREF(quick);
    if (accel_twin_of(key) != TWIN_PAIR_KEY) return quick;
    accel_function f = {0};
    PyObject *keyfunc = accel_closure(key, "keyfunc");
    Py_CLEAR(quick);
    if (keyfunc && accel_function_of(keyfunc, &f) == 0) {
        if (f.kind != ACCEL_IDENTITY)
            quick = PyCFunction_NewEx(&key_def, keyfunc, NULL);
        else
            quick = accel_first_of(), Py_XINCREF(quick);
    }
    accel_function_clear(&f);
    Py_XDECREF(keyfunc);
    return quick;
}

/* ---- merging sorted runs: a heap of their first items; equal ones leave in the order of their runs */

typedef struct sorted_run {
    PyObject *items, *file; /* iterator; what it reads, if anything */
    PyObject *item, *key;
    Py_ssize_t number;
} sorted_run;

typedef struct run_merge {
    PyObject_HEAD PyObject *key; /* function; None: the item itself */
    sorted_run *heap;
    Py_ssize_t n;
    bool reverse, is_stale; /* the first run's item has left */
} run_merge;

static void run_clear(sorted_run *run)
{
    PyObject *closed = run->file ? PyObject_CallMethod(run->file, "close", NULL) : NULL;
    if (run->file && !closed) PyErr_Clear();
    Py_XDECREF(closed);
    Py_CLEAR(run->file);
    Py_CLEAR(run->items);
    Py_CLEAR(run->item);
    Py_CLEAR(run->key);
}

static void runs_free(PyObject *obj)
{
    run_merge *self = (run_merge *)obj;
    for (Py_ssize_t i = 0; i < self->n; i++) run_clear(&self->heap[i]);
    PyMem_Free(self->heap);
    Py_CLEAR(self->key);
    accel_free_object(obj);
}

/* -1, or whether a run has another item. */
static int run_step(const run_merge *self, sorted_run *run)
{
    Py_CLEAR(run->item);
    Py_CLEAR(run->key);
    run->item = PyIter_Next(run->items);
    if (!run->item) return PyErr_Occurred() ? -1 : 0;
    if (self->key == Py_None) {
        Py_INCREF(run->item);
        run->key = run->item;
    } else {
        run->key = accel_call(self->key, &run->item, 1, NULL);
    }
    return run->key ? 1 : -1;
}

/* -1, or whether a leaves before b. */
static int is_before(const run_merge *self, const sorted_run *a, const sorted_run *b)
{
    PyObject *x = self->reverse ? b->key : a->key, *y = self->reverse ? a->key : b->key;
    if (a->number < b->number) {
        const int is_after = PyObject_RichCompareBool(y, x, Py_LT);
        return is_after < 0 ? -1 : !is_after;
    }
    return PyObject_RichCompareBool(x, y, Py_LT);
}

static int sift_down(run_merge *self, Py_ssize_t at)
{
    for (;;) {
        Py_ssize_t first = at;
        for (Py_ssize_t child = 2 * at + 1; child <= 2 * at + 2 && child < self->n; child++) {
            const int before = is_before(self, &self->heap[child], &self->heap[first]);
            if (before < 0) return -1;
            if (before) first = child;
        }
        if (first == at) return 0;
        const sorted_run moved = self->heap[at];
        self->heap[at] = self->heap[first];
        self->heap[first] = moved;
        at = first;
    }
}

static PyObject *runs_next(PyObject *obj)
{
    run_merge *self = (run_merge *)obj;
    if (self->is_stale) {
        const int more = run_step(self, &self->heap[0]);
        if (more < 0) return NULL;
        if (more == 0) {
            run_clear(&self->heap[0]);
            self->heap[0] = self->heap[--self->n];
        }
        self->is_stale = false;
        if (sift_down(self, 0) != 0) return NULL;
    }
    if (self->n == 0) return NULL;
    self->is_stale = true;
    Py_INCREF(self->heap[0].item);
    return self->heap[0].item;
}

static PyType_Slot runs_slots[] = {{Py_tp_iter, (void *)PyObject_SelfIter},
                                   {Py_tp_iternext, (void *)runs_next},
                                   {Py_tp_dealloc, (void *)runs_free},
                                   {0, NULL}};
static PyType_Spec runs_spec = {"vonk.runs", sizeof(run_merge), 0, Py_TPFLAGS_DEFAULT, runs_slots};
static PyTypeObject *runs_type;

/* ---- sorting */

typedef struct sorting {
    PyObject *self, *key, *reverse; /* reverse: the caller's */
    accel_items items;
    sorted_run *spilled;
    Py_ssize_t n_spilled;
    double limit; /* MiB */
} sorting;

static void sorting_clear(sorting *s)
{
    Py_CLEAR(s->key);
    accel_items_clear(&s->items);
    for (Py_ssize_t i = 0; i < s->n_spilled; i++) run_clear(&s->spilled[i]);
    PyMem_Free(s->spilled);
}

/* The items, written to `path` and gone from memory; how many bytes. */
static int write_items(sorting *s, PyObject *serializer, PyObject *path, long long *ret)
{
    accel_frames file;
    PyObject *items = accel_items_drain(&s->items), *item;
    int rc = items ? accel_frames_open(serializer, path, &file) : -1;
    while (rc == 0 && (item = PyIter_Next(items))) {
        rc = accel_frames_add(&file, item);
        Py_DECREF(item);
        if (rc != 0) accel_frames_clear(&file);
    }
    Py_XDECREF(items);
    if (rc != 0) return -1;
    rc = accel_frames_close(&file, ret);
    accel_frames_clear(&file);
    return rc;
}

/* The file is read from now on, and gone when it is closed. */
static int add_run(sorting *s, PyObject *serializer, PyObject *open, PyObject *path)
{
    sorted_run *grown = PyMem_Realloc(s->spilled, (size_t)(s->n_spilled + 1) * sizeof *grown);
    if (!grown) return PyErr_NoMemory(), -1;
    s->spilled = grown;
    sorted_run next = {.number = s->n_spilled, .file = PyObject_CallFunction(open, "Os", path, "rb")};
    PyObject *loaded = next.file ? PyObject_CallMethod(serializer, "load_stream", "O", next.file) : NULL;
    PyObject *unlink = loaded ? accel_import("os", "unlink") : NULL;
    PyObject *gone = unlink ? PyObject_CallFunctionObjArgs(unlink, path, NULL) : NULL;
    next.items = gone ? PyObject_GetIter(loaded) : NULL;
    Py_XDECREF(loaded);
    Py_XDECREF(unlink);
    Py_XDECREF(gone);
    if (!next.items) {
        Py_CLEAR(next.file);
        return -1;
    }
    s->spilled[s->n_spilled++] = next;
    return 0;
}

static int spill_items(sorting *s)
{
    const double used = accel_used_memory();
    long long n_bytes = 0;
    if (accel_items_sort(&s->items, s->key, s->reverse) != 0) return -1;
    PyObject *serializer = PyObject_GetAttrString(s->self, "serializer"), *open = accel_import("io", "open");
    PyObject *path = PyObject_CallMethod(s->self, "_get_path", "n", s->n_spilled);
    PyObject *shuffle = PyImport_ImportModule("pyspark.shuffle");
    int rc = serializer && open && path && shuffle ? write_items(s, serializer, path, &n_bytes) : -1;
    if (rc == 0) rc = add_run(s, serializer, open, path);
    const double freed = used - accel_used_memory();
    if (rc == 0) rc = accel_add_int(shuffle, "MemoryBytesSpilled", freed > 0 ? (long long)freed << 20 : 0);
    if (rc == 0) rc = accel_add_int(shuffle, "DiskBytesSpilled", n_bytes);
    if (rc == 0) rc = accel_next_limit(s->self, &s->limit);
    Py_XDECREF(serializer);
    Py_XDECREF(open);
    Py_XDECREF(path);
    Py_XDECREF(shuffle);
    return rc == 0 && !PyErr_Occurred() ? 0 : -1;
}

static int take_all(sorting *s, PyObject *iterable)
{
    PyObject *each = PyObject_GetIter(iterable), *item;
    if (!each) return -1;
    for (long long n = 1; (item = PyIter_Next(each)); n++) {
        int rc = accel_items_push(&s->items, item);
        if (rc == 0 && n % LOOK_ITEMS == 0 && accel_used_memory() > s->limit) rc = spill_items(s);
        if (rc != 0) break;
    }
    Py_DECREF(each);
    return PyErr_Occurred() ? -1 : accel_items_sort(&s->items, s->key, s->reverse);
}

/* An iterator over the runs on disk and the items in memory; takes them from `s`. */
static PyObject *merged(sorting *s)
{
    PyObject *obj = accel_new_object(&runs_type, &runs_spec);
    run_merge *self = (run_merge *)obj;
    if (!self) return NULL;
    self->heap = PyMem_Calloc((size_t)s->n_spilled + 1, sizeof *self->heap);
    if (!self->heap) {
        Py_DECREF(obj);
        return PyErr_NoMemory();
    }
    Py_INCREF(s->key);
    self->key = s->key;
    self->reverse = PyObject_IsTrue(s->reverse) == 1;
    while (s->n_spilled > 0) self->heap[self->n++] = s->spilled[--s->n_spilled];
    self->heap[self->n] = (sorted_run){.number = self->n, .items = accel_items_drain(&s->items)};
    if (self->heap[self->n].items) self->n++;
    for (Py_ssize_t i = self->n; i-- > 0 && !PyErr_Occurred();) {
        if (run_step(self, &self->heap[i]) != 0) continue;
        run_clear(&self->heap[i]);
        self->heap[i] = self->heap[--self->n];
    }
    for (Py_ssize_t i = self->n / 2; i-- > 0 && !PyErr_Occurred();) sift_down(self, i);
    if (PyErr_Occurred()) Py_CLEAR(obj);
    return obj;
}

static PyObject *sorted(PyObject *self, PyObject *args, PyObject *names)
{
    static const char *variables[] = {"iterator", "key", "reverse", NULL};
    PyObject *iterable, *key = Py_None, *out = NULL;
    sorting s = {.self = self, .reverse = Py_False};
    if (!PyArg_ParseTupleAndKeywords(args, names, "O|OO", (char **)variables, &iterable, &key, &s.reverse)) return NULL;
    if (accel_next_limit(self, &s.limit) != 0) return NULL;
    s.key = quick_key(key);
    if (s.key && take_all(&s, iterable) == 0) out = s.n_spilled ? merged(&s) : accel_items_drain(&s.items);
    sorting_clear(&s);
    return out;
}

static PyMethodDef sorted_def = {"sorted", (PyCFunction)(void (*)(void))sorted, METH_VARARGS | METH_KEYWORDS, NULL};

int accel_sorter_start(PyObject *shuffle)
{
    PyObject *class = PyObject_GetAttrString(shuffle, "ExternalSorter");
    zero = PyLong_FromLong(0);
    const int rc = class && zero ? accel_set_method(class, &sorted_def) : -1;
    Py_XDECREF(class);
    return rc;
}
