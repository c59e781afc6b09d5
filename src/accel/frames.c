/* accel/frames.c -- items on their way to disk, in frames that pyspark's AutoBatchedSerializer reads: a length (32
 * bits, big endian) and the pickled list as zlib makes it. Frames stay small: what is written is still in the
 * processor's cache then, and so is what is read. What zlib makes little smaller (numbers) is only wrapped. */
#include "accel/accel.h"

#define WORTH_IT 0.6 /* of its size is left */
enum { LEAST_BYTES = 1 << 14, MOST_BYTES = 1 << 18, FIRST_ITEMS = 64, MOST_ITEMS = 1024 };

int accel_frames_open(PyObject *batched, PyObject *path, accel_frames *ret)
{
    PyObject *packing = PyObject_GetAttrString(batched, "serializer"), *open = accel_import("io", "open");
    PyObject *pickling = packing ? PyObject_GetAttrString(packing, "serializer") : NULL;
    *ret = (accel_frames){.most_items = FIRST_ITEMS, .level = 1, .items = PyList_New(0)};
    ret->dumps = pickling ? PyObject_GetAttrString(pickling, "dumps") : NULL;
    ret->pack = ret->dumps ? accel_import("zlib", "compress") : NULL;
    ret->file = ret->pack && ret->items && open ? PyObject_CallFunction(open, "Os", path, "wb") : NULL;
    Py_XDECREF(packing);
    Py_XDECREF(pickling);
    Py_XDECREF(open);
    if (ret->file) return 0;
    accel_frames_clear(ret);
    return -1;
}

void accel_frames_clear(accel_frames *frames)
{
    Py_CLEAR(frames->dumps);
    Py_CLEAR(frames->pack);
    Py_CLEAR(frames->file);
    Py_CLEAR(frames->items);
}

static PyObject *packed(accel_frames *frames)
{
    PyObject *pickled = accel_call(frames->dumps, &frames->items, 1, NULL);
    PyObject *body = pickled ? PyObject_CallFunction(frames->pack, "Oi", pickled, frames->level) : NULL;
    if (body && (double)PyObject_Size(body) > WORTH_IT * (double)PyObject_Size(pickled)) frames->level = 0;
    Py_XDECREF(pickled);
    return body;
}

static int write_frame(accel_frames *frames)
{
    PyObject *body = packed(frames);
    const Py_ssize_t n = body ? PyObject_Size(body) : -1;
    if (n > INT32_MAX) PyErr_SetString(PyExc_ValueError, "can not serialize object larger than 2G");
    const unsigned char head[4] = {(unsigned char)(n >> 24), (unsigned char)(n >> 16), (unsigned char)(n >> 8),
                                   (unsigned char)n};
    PyObject *done = !PyErr_Occurred() ? PyObject_CallMethod(frames->file, "write", "y#", head, (Py_ssize_t)4) : NULL;
    PyObject *more = done ? PyObject_CallMethod(frames->file, "write", "O", body) : NULL;
    Py_XDECREF(done);
    Py_XDECREF(more);
    Py_XDECREF(body);
    if (!more) return -1;
    if (n < LEAST_BYTES && frames->most_items < MOST_ITEMS)
        frames->most_items *= 2;
    else if (n > MOST_BYTES && frames->most_items > 1)
        frames->most_items /= 2;
    return PyList_SetSlice(frames->items, 0, PY_SSIZE_T_MAX, NULL);
}

int accel_frames_add(accel_frames *frames, PyObject *item)
{
    if (PyList_Append(frames->items, item) != 0) return -1;
    return PyList_Size(frames->items) < frames->most_items ? 0 : write_frame(frames);
}

int accel_frames_close(accel_frames *frames, long long *ret_bytes)
{
    if (PyList_Size(frames->items) > 0 && write_frame(frames) != 0) return -1;
    PyObject *size = PyObject_CallMethod(frames->file, "tell", NULL);
    PyObject *closed = size ? PyObject_CallMethod(frames->file, "close", NULL) : NULL;
    *ret_bytes = size ? PyLong_AsLongLong(size) : 0;
    Py_XDECREF(size);
    Py_XDECREF(closed);
    return closed && !PyErr_Occurred() ? 0 : -1;
}
