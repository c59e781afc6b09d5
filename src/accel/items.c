/* accel/items.c -- items in memory: sorted by what their keys are, and given away in that order.
 *
 * Where all keys are numbers of one kind, the numbers are sorted beside pointers to the items: comparing Python's
 * objects means fetching both from all over the memory. For the same reason items that are about to leave are fetched
 * ahead. */
#include "accel/accel.h"

#include <string.h>

enum { FETCH_ITEM = 48, FETCH_PARTS = 24, DIGITS = 8 };

int accel_items_push(accel_items *items, PyObject *item)
{
    if (items->n == items->room) {
        const Py_ssize_t room = items->room ? items->room + items->room / 2 : 1000;
        PyObject **at = PyMem_Realloc(items->at, (size_t)room * sizeof *at);
        if (!at) {
            Py_DECREF(item);
            return PyErr_NoMemory(), -1;
        }
        items->at = at;
        items->room = room;
    }
    items->at[items->n++] = item;
    return 0;
}

void accel_items_clear(accel_items *items)
{
    for (Py_ssize_t i = 0; i < items->n; i++) Py_DECREF(items->at[i]);
    PyMem_Free(items->at);
    *items = (accel_items){0};
}

/* ---- by numbers */

typedef struct numbered {
    uint64_t number; /* ordered as the key is */
    PyObject *item;
} numbered;

typedef enum number_kind { NUMBER_NONE, NUMBER_INT, NUMBER_FLOAT } number_kind;

/* NUMBER_NONE: the key is none, or too large, or has no order. */
static number_kind number_of(PyObject *key, uint64_t *ret)
{
    static const uint64_t sign = UINT64_C(1) << 63;
    if (PyLong_CheckExact(key)) {
        int overflow = 0;
        const long long value = PyLong_AsLongLongAndOverflow(key, &overflow);
        *ret = (uint64_t)value ^ sign;
        return overflow ? NUMBER_NONE : NUMBER_INT;
    }
    if (!PyFloat_CheckExact(key)) return NUMBER_NONE;
    double value = PyFloat_AsDouble(key);
    if (value != value) return NUMBER_NONE;
    if (value == 0) value = 0; /* minus zero is its equal */
    memcpy(ret, &value, sizeof value);
    *ret = *ret & sign ? ~*ret : *ret | sign;
    return NUMBER_FLOAT;
}

typedef size_t digit_counts[256];

/* Least significant digit first, so equal numbers keep their order; what is sorted ends up in `*at`. counts: zeros. */
static void sort_numbers(numbered **at, numbered **room, size_t n, digit_counts counts[DIGITS])
{
    for (size_t i = 0; i < n; i++)
        for (int digit = 0; digit < DIGITS; digit++) counts[digit][(*at)[i].number >> (8 * digit) & 255]++;
    for (int digit = 0; digit < DIGITS; digit++) {
        size_t *count = counts[digit], start = 0;
        if (count[(*at)[0].number >> (8 * digit) & 255] == n) continue; /* all have the same */
        for (int value = 0; value < 256; value++) {
            const size_t its = count[value];
            count[value] = start;
            start += its;
        }
        for (size_t i = 0; i < n; i++) (*room)[count[(*at)[i].number >> (8 * digit) & 255]++] = (*at)[i];
        numbered *sorted = *room;
        *room = *at;
        *at = sorted;
    }
}

/* The key of an item where no function has to be called for it; borrowed. NULL: it has none. */
static PyObject *plain_key(PyObject *item, bool is_first)
{
    if (!is_first) return item;
    return PyTuple_CheckExact(item) && PyTuple_Size(item) > 0 ? PyTuple_GetItem(item, 0) : NULL;
}

/* `keys`: one for each item; NULL: the items are, or (is_first) their first parts. false: they are no numbers, or
 * memory is short.
 */
static bool sort_by_numbers(accel_items *items, PyObject **keys, bool is_first, bool reverse)
{
    const size_t n = (size_t)items->n;
    numbered *at = PyMem_Malloc(n * sizeof *at), *room = PyMem_Malloc(n * sizeof *room);
    digit_counts *counts = PyMem_Calloc(DIGITS, sizeof *counts);
    number_kind kind = NUMBER_NONE;
    bool are_numbers = at && room && counts;
    for (size_t i = 0; are_numbers && i < n; i++) {
        PyObject *key = keys ? keys[i] : plain_key(items->at[i], is_first);
        const number_kind its = key ? number_of(key, &at[i].number) : NUMBER_NONE;
        are_numbers = its != NUMBER_NONE && (i == 0 || its == kind);
        kind = its;
        if (reverse) at[i].number = ~at[i].number;
        at[i].item = items->at[i];
    }
    if (are_numbers) {
        sort_numbers(&at, &room, n, counts);
        for (size_t i = 0; i < n; i++) items->at[i] = at[i].item;
    }
    PyMem_Free(at);
    PyMem_Free(room);
    PyMem_Free(counts);
    return are_numbers;
}

/* ---- by Python's order */

typedef struct key_list {
    PyObject **at;
    Py_ssize_t n, next;
} key_list;

static void keys_clear(key_list *keys)
{
    for (Py_ssize_t i = keys->next; i < keys->n; i++) Py_DECREF(keys->at[i]);
    PyMem_Free(keys->at);
    *keys = (key_list){0};
}

static int keys_of(const accel_items *items, PyObject *key, key_list *ret)
{
    *ret = (key_list){.at = PyMem_Malloc((size_t)items->n * sizeof *ret->at)};
    if (!ret->at) return PyErr_NoMemory(), -1;
    for (; ret->n < items->n; ret->n++) {
        ret->at[ret->n] = accel_call(key, &items->at[ret->n], 1, NULL);
        if (ret->at[ret->n]) continue;
        keys_clear(ret);
        return -1;
    }
    return 0;
}

/* list.sort asks for each item's key once, in their order. */
static PyObject *next_key(PyObject *capsule, PyObject *item)
{
    key_list *keys = PyCapsule_GetPointer(capsule, NULL);
    return keys->at[keys->next++];
}

static PyMethodDef next_key_def = {"next_key", next_key, METH_O, NULL};

static PyObject *as_list(const accel_items *items)
{
    PyObject *list = PyList_New(items->n);
    for (Py_ssize_t i = 0; list && i < items->n; i++) {
        Py_INCREF(items->at[i]);
        PyList_SetItem(list, i, items->at[i]);
    }
    return list;
}

/* list.sort(key=key, reverse=reverse) */
static int sort_list(accel_items *items, PyObject *key, PyObject *reverse)
{
    PyObject *list = as_list(items), *empty = PyTuple_New(0), *done = NULL;
    PyObject *sort = list ? PyObject_GetAttrString(list, "sort") : NULL;
    PyObject *names = Py_BuildValue("{s:O,s:O}", "key", key, "reverse", reverse);
    if (sort && empty && names) done = PyObject_Call(sort, empty, names);
    for (Py_ssize_t i = 0; done && i < items->n; i++)
        items->at[i] = PyList_GetItem(list, i); /* as many references as before */
    Py_XDECREF(list);
    Py_XDECREF(empty);
    Py_XDECREF(sort);
    Py_XDECREF(names);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

int accel_items_sort(accel_items *items, PyObject *key, PyObject *reverse)
{
    const int is_reverse = PyObject_IsTrue(reverse);
    if (is_reverse < 0) return -1;
    if (items->n == 0) return 0;
    const bool is_first = key == accel_first_of();
    if (is_first || key == Py_None)
        return sort_by_numbers(items, NULL, is_first, is_reverse) ? 0 : sort_list(items, key, reverse);
    key_list keys;
    int rc = keys_of(items, key, &keys);
    if (rc == 0 && !sort_by_numbers(items, keys.at, false, is_reverse)) {
        PyObject *capsule = PyCapsule_New(&keys, NULL, NULL);
        PyObject *next = capsule ? PyCFunction_NewEx(&next_key_def, capsule, NULL) : NULL;
        rc = next ? sort_list(items, next, reverse) : -1;
        Py_XDECREF(capsule);
        Py_XDECREF(next);
    }
    keys_clear(&keys);
    return rc;
}

PyObject *accel_first_of(void)
{
    static PyObject *first_of;
    if (!first_of) {
        PyObject *class = accel_import("operator", "itemgetter");
        first_of = class ? PyObject_CallFunction(class, "i", 0) : NULL;
        Py_XDECREF(class);
    }
    return first_of;
}

/* ---- given away */

typedef struct drain {
    PyObject_HEAD accel_items items;
    Py_ssize_t next;
} drain;

static void drain_free(PyObject *obj)
{
    drain *self = (drain *)obj;
    for (Py_ssize_t i = self->next; i < self->items.n; i++) Py_DECREF(self->items.at[i]);
    PyMem_Free(self->items.at);
    accel_free_object(obj);
}

static PyObject *drain_next(PyObject *obj)
{
    drain *self = (drain *)obj;
    const Py_ssize_t left = self->items.n - self->next;
    if (left == 0) return NULL;
    PyObject **at = self->items.at + self->next++;
    if (left > FETCH_ITEM) {
        __builtin_prefetch(at[FETCH_ITEM], 1);
        PyObject *soon = at[FETCH_PARTS];
        if (PyTuple_CheckExact(soon))
            for (Py_ssize_t i = PyTuple_Size(soon) < 2 ? PyTuple_Size(soon) : 2; i-- > 0;)
                __builtin_prefetch(PyTuple_GetItem(soon, i), 1);
    }
    return *at;
}

static PyType_Slot drain_slots[] = {{Py_tp_iter, (void *)PyObject_SelfIter},
                                    {Py_tp_iternext, (void *)drain_next},
                                    {Py_tp_dealloc, (void *)drain_free},
                                    {0, NULL}};
static PyType_Spec drain_spec = {"vonk.items", sizeof(drain), 0, Py_TPFLAGS_DEFAULT, drain_slots};
static PyTypeObject *drain_type;

PyObject *accel_items_drain(accel_items *items)
{
    PyObject *obj = accel_new_object(&drain_type, &drain_spec);
    if (!obj) return NULL;
    ((drain *)obj)->items = *items;
    *items = (accel_items){0};
    return obj;
}
