/* accel/text.c -- lines of text from the engine, taken from the stream a buffer at a time.
 *
 * The twin of UTF8Deserializer.load_stream, for a deserializer that has the stream for itself. A record is a length (32
 * bits, big endian) and its bytes; negative lengths are marks. What the buffer does not hold whole is read by pyspark's
 * own code. */
#include "accel/accel.h"

enum { END_OF_DATA_SECTION = -1, MARK_NULL = -5 };

typedef struct text_stream {
    PyObject_HEAD PyObject *stream, *deserializer;
    PyObject *ends[2]; /* exceptions that end a stream quietly */
    PyObject *chunk;   /* bytes that the stream has in its buffer */
    const char *data;
    Py_ssize_t at, end;
    bool as_text, is_over;
} text_stream;

static void text_free(PyObject *obj)
{
    text_stream *self = (text_stream *)obj;
    Py_CLEAR(self->stream);
    Py_CLEAR(self->deserializer);
    Py_CLEAR(self->ends[0]);
    Py_CLEAR(self->ends[1]);
    Py_CLEAR(self->chunk);
    accel_free_object(obj);
}

/* The stream stands where we do. */
static int catch_up(text_stream *self)
{
    PyObject *skipped = self->at ? PyObject_CallMethod(self->stream, "read", "n", self->at) : NULL;
    Py_CLEAR(self->chunk);
    self->at = self->end = 0;
    Py_XDECREF(skipped);
    return PyErr_Occurred() ? -1 : 0;
}

static int look(text_stream *self)
{
    char *data;
    if (catch_up(self) != 0) return -1;
    self->chunk = PyObject_CallMethod(self->stream, "peek", NULL);
    if (!self->chunk) return -1;
    if (PyBytes_AsStringAndSize(self->chunk, &data, &self->end) != 0) return -1;
    self->data = data;
    return 0;
}

static PyObject *over(text_stream *self)
{
    self->is_over = true;
    return NULL;
}

/* A record that is longer than what the buffer holds. */
static PyObject *read_one(text_stream *self)
{
    if (catch_up(self) != 0) return NULL;
    PyObject *text = PyObject_CallMethod(self->deserializer, "loads", "O", self->stream);
    if (text) return text;
    if (PyErr_ExceptionMatches(self->ends[0]) || PyErr_ExceptionMatches(self->ends[1])) PyErr_Clear();
    return over(self);
}

static PyObject *text_next(PyObject *obj)
{
    text_stream *self = (text_stream *)obj;
    if (self->is_over) return NULL;
    if (self->end - self->at < 4 && look(self) != 0) return over(self);
    if (self->end - self->at < 4) return read_one(self);
    const unsigned char *head = (const unsigned char *)self->data + self->at;
    const int32_t n = (int32_t)((uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3]);
    if (n == END_OF_DATA_SECTION) {
        self->at += 4;
        catch_up(self);
        return over(self);
    }
    if (n == MARK_NULL) {
        self->at += 4;
        Py_INCREF(Py_None);
        return Py_None;
    }
    if (n < 0 || self->end - self->at - 4 < n) return read_one(self);
    const char *text = self->data + self->at + 4;
    self->at += 4 + n;
    PyObject *out = self->as_text ? PyUnicode_DecodeUTF8(text, n, "strict") : PyBytes_FromStringAndSize(text, n);
    return out ? out : over(self);
}

static PyType_Slot text_slots[] = {{Py_tp_iter, (void *)PyObject_SelfIter},
                                   {Py_tp_iternext, (void *)text_next},
                                   {Py_tp_dealloc, (void *)text_free},
                                   {0, NULL}};
static PyType_Spec text_spec = {"vonk.text_stream", sizeof(text_stream), 0, Py_TPFLAGS_DEFAULT, text_slots};
static PyTypeObject *text_type;

static PyObject *load_stream(PyObject *deserializer, PyObject *stream)
{
    if (!PyObject_HasAttrString(stream, "peek")) return PyObject_CallMethod(deserializer, "load_stream", "O", stream);
    PyObject *use_unicode = PyObject_GetAttrString(deserializer, "use_unicode");
    PyObject *obj = use_unicode ? accel_new_object(&text_type, &text_spec) : NULL;
    text_stream *self = (text_stream *)obj;
    if (self) {
        Py_INCREF(stream);
        self->stream = stream;
        Py_INCREF(deserializer);
        self->deserializer = deserializer;
        self->as_text = PyObject_IsTrue(use_unicode) == 1;
        self->ends[0] = accel_import("struct", "error");
        Py_INCREF(PyExc_EOFError);
        self->ends[1] = PyExc_EOFError;
        if (!self->ends[0]) Py_CLEAR(obj);
    }
    Py_XDECREF(use_unicode);
    return obj;
}

static PyMethodDef load_stream_def = {"load_stream", load_stream, METH_O, NULL};

PyObject *accel_text_reader(PyObject *deserializer)
{
    PyObject *space = accel_import("types", "SimpleNamespace"),
             *load = PyCFunction_NewEx(&load_stream_def, deserializer, NULL);
    PyObject *empty = PyTuple_New(0), *names = PyDict_New(), *reader = NULL;
    if (space && load && empty && names && PyDict_SetItemString(names, "load_stream", load) == 0)
        reader = PyObject_Call(space, empty, names);
    Py_XDECREF(space);
    Py_XDECREF(load);
    Py_XDECREF(empty);
    Py_XDECREF(names);
    return reader;
}
