/* Calls that stand for plain values, and the walk that finds values inside themselves. */
#include "base/utf8.h"
#include "codec/pickle_int.h"

typedef vonk__pickle_reader reader;
typedef vonk_pickle_value value;
typedef vonk__pickle_box box;

static bool is_latin1(const value *v)
{
    static const char *const names[] = {"latin-1", "latin1", "iso-8859-1", "iso8859-1"};
    if (v->kind != VONK_PICKLE_STRING) return false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (vonk_str_is_nocase(v->text, names[i])) return true;
    return false;
}

static vonk_status new_text(reader *r, vonk_pickle_kind kind, vonk_str text, value **ret, vonk_error *err)
{
    VONK_TRY(vonk__pickle_alloc(r, sizeof(**ret), ret, err));
    **ret = (value){.kind = kind, .text = text};
    return VONK_OK;
}

/* The bytes that Latin-1 has for a text, which is how protocols before 3 write bytes. */
static vonk_status latin1_bytes(reader *r, vonk_pickle_kind kind, vonk_str text, value **ret, vonk_error *err)
{
    char *bytes, *at;
    VONK_TRY(vonk__pickle_alloc(r, text.len + 1, &bytes, err));
    at = bytes;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = (uint8_t)text.data[i];
        if (c >= 0x80) {
            if (c > 0xc3 || i + 1 == text.len) return vonk__pickle_fail(r, "bytes that are not Latin-1", err);
            c = (uint8_t)(c << 6 | ((uint8_t)text.data[++i] & 0x3f));
        }
        *at++ = (char)c;
    }
    return new_text(r, kind, (vonk_str){bytes, (size_t)(at - bytes)}, ret, err);
}

/* bytes() and bytearray(): of nothing, of bytes, of a text in Latin-1. *ret stays NULL for other arguments. */
static vonk_status call_bytes(reader *r, vonk_pickle_kind kind, const value *args, value **ret, vonk_error *err)
{
    if (args->n_items == 0) return new_text(r, kind, VONK_STR_NONE, ret, err);
    const value *a = args->items[0];
    if (args->n_items == 1 && (a->kind == VONK_PICKLE_BYTES || a->kind == VONK_PICKLE_BYTEARRAY))
        return new_text(r, kind, a->text, ret, err);
    if (args->n_items == 2 && a->kind == VONK_PICKLE_STRING && is_latin1(args->items[1]))
        return latin1_bytes(r, kind, a->text, ret, err);
    return VONK_OK;
}

static vonk_status call_set(reader *r, vonk_pickle_kind kind, const value *args, value **ret, vonk_error *err)
{
    box *set;
    if (args->n_items > 1) return VONK_OK;
    const value *a = args->n_items ? args->items[0] : NULL;
    if (a && (a->kind < VONK_PICKLE_LIST || a->kind > VONK_PICKLE_FROZENSET)) return VONK_OK;
    VONK_TRY(vonk__pickle_box_new(r, kind, 0, &set, err));
    if (a) {
        value **items;
        memcpy(&items, &a->items, sizeof(items));
        VONK_TRY(vonk__pickle_extend(r, set, items, a->n_items, err));
    }
    *ret = &set->v;
    return VONK_OK;
}

static vonk_status call_known(reader *r, vonk_str name, const value *args, value **ret, vonk_error *err)
{
    if (vonk_str_is(name, "_codecs.encode")) {
        if (args->n_items != 2 || args->items[0]->kind != VONK_PICKLE_STRING || !is_latin1(args->items[1]))
            return VONK_OK;
        return latin1_bytes(r, VONK_PICKLE_BYTES, args->items[0]->text, ret, err);
    }
    vonk_str builtin = VONK_STR("builtins."), old = VONK_STR("__builtin__.");
    size_t from = vonk_str_starts(name, builtin) ? builtin.len : vonk_str_starts(name, old) ? old.len : 0;
    if (from == 0) return VONK_OK;
    name = vonk_str_sub(name, from, name.len);
    if (vonk_str_is(name, "bytearray")) return call_bytes(r, VONK_PICKLE_BYTEARRAY, args, ret, err);
    if (vonk_str_is(name, "bytes")) return call_bytes(r, VONK_PICKLE_BYTES, args, ret, err);
    if (vonk_str_is(name, "set")) return call_set(r, VONK_PICKLE_SET, args, ret, err);
    if (vonk_str_is(name, "frozenset")) return call_set(r, VONK_PICKLE_FROZENSET, args, ret, err);
    return VONK_OK;
}

/* copyreg.__newobj__(cls, ...): how protocols before 2 write NEWOBJ. */
static vonk_status undo_newobj(reader *r, value **maker, value **args, bool *by_new, vonk_error *err)
{
    box *rest;
    value **items;
    const value *a = *args;
    vonk_str name = (*maker)->text;
    if (!vonk_str_is(name, "copyreg.__newobj__") && !vonk_str_is(name, "copy_reg.__newobj__")) return VONK_OK;
    if (a->n_items == 0 || a->items[0]->kind != VONK_PICKLE_GLOBAL) return VONK_OK;
    memcpy(&items, &a->items, sizeof(items));
    VONK_TRY(vonk__pickle_box_new(r, VONK_PICKLE_TUPLE, a->n_items - 1, &rest, err));
    VONK_TRY(vonk__pickle_extend(r, rest, items + 1, a->n_items - 1, err));
    *maker = items[0];
    *args = &rest->v;
    *by_new = true;
    return VONK_OK;
}

vonk_status vonk__pickle_call(reader *r, value *maker, value *args, bool by_new, value **ret, vonk_error *err)
{
    static value none = {.kind = VONK_PICKLE_NONE};
    box *object;
    *ret = NULL;
    if (maker->kind == VONK_PICKLE_GLOBAL) {
        if (!by_new) VONK_TRY(undo_newobj(r, &maker, &args, &by_new, err));
        VONK_TRY(call_known(r, maker->text, args, ret, err));
        if (*ret) return VONK_OK;
    }
    value *const items[3] = {maker, args, &none};
    VONK_TRY(vonk__pickle_box_new(r, VONK_PICKLE_OBJECT, 3, &object, err));
    VONK_TRY(vonk__pickle_extend(r, object, items, 3, err));
    object->v.by_new = by_new;
    *ret = &object->v;
    return VONK_OK;
}

typedef struct step {
    box *b;
    uint32_t next;
} step;

static void leave(box *b)
{
    b->seen = 2;
    b->depth = 1;
    b->size = 1;
    for (uint32_t i = 0; i < b->v.n_items; i++) {
        const value *item = b->v.items[i];
        const box *inner = (const box *)item;
        if (!vonk__pickle_is_box(item)) {
            b->size++;
            continue;
        }
        if (b->depth <= inner->depth) b->depth = inner->depth + 1;
        b->size += inner->size;
        if (b->size > VONK_PICKLE_MAX_VALUES) b->size = VONK_PICKLE_MAX_VALUES + 1;
    }
}

static vonk_status walk(reader *r, step *path, box *root, vonk_error *err)
{
    size_t n = 1;
    path[0] = (step){root, 0};
    root->seen = 1;
    while (n > 0) {
        step *s = &path[n - 1];
        if (s->next == s->b->v.n_items) {
            leave(s->b);
            if (s->b->depth > VONK_PICKLE_MAX_DEPTH) return vonk__pickle_fail(r, "too deep", err);
            if (s->b->size > VONK_PICKLE_MAX_VALUES) return vonk__pickle_fail(r, "too many values", err);
            n--;
            continue;
        }
        box *inner;
        memcpy(&inner, &s->b->v.items[s->next++], sizeof(inner));
        if (!vonk__pickle_is_box(&inner->v) || inner->seen == 2) continue;
        if (inner->seen == 1) return vonk__pickle_fail(r, "a value that contains itself", err);
        if (n == VONK_PICKLE_MAX_DEPTH) return vonk__pickle_fail(r, "too deep", err);
        inner->seen = 1;
        path[n++] = (step){inner, 0};
    }
    return VONK_OK;
}

vonk_status vonk__pickle_check(reader *r, value *root, vonk_error *err)
{
    step *path;
    if (!vonk__pickle_is_box(root)) return VONK_OK;
    VONK_TRY(vonk_alloc_array(r->budget, VONK_PICKLE_MAX_DEPTH, sizeof(*path), &path, err));
    vonk_status st = walk(r, path, (box *)root, err);
    vonk_free(path);
    return st;
}
