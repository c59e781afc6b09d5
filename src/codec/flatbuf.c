#include "codec/flatbuf.h"

#define FIRST_BYTES 512
#define MAX_BYTES ((size_t)INT32_MAX)

/* ---- writing */
void vonk_flat_init(vonk_flat *f, vonk_budget *budget) { *f = (vonk_flat){.budget = budget, .align = 4}; }

void vonk_flat_done(vonk_flat *f)
{
    vonk_free(f->bytes);
    *f = (vonk_flat){0};
}

static vonk_status make_room(vonk_flat *f, size_t bytes, vonk_error *err)
{
    if (bytes <= f->capacity - f->n) return VONK_OK;
    if (bytes > MAX_BYTES - f->n)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "an IPC message is too large");
    size_t grown = vonk_max_size(vonk_max_size(FIRST_BYTES, f->capacity * 2), f->n + bytes);
    uint8_t *moved = NULL;
    VONK_TRY(vonk_alloc(f->budget, grown, &moved, err));
    if (f->n > 0) memcpy(moved + grown - f->n, f->bytes + f->capacity - f->n, f->n);
    vonk_free(f->bytes);
    f->bytes = moved;
    f->capacity = grown;
    return VONK_OK;
}

/* What is missing from n to a multiple of `align`, a power of two. */
static size_t missing_to(size_t n, size_t align) { return (0 - n) & (align - 1); }

/* `bytes` bytes in front, so that they and what follows them begin at a multiple of `align` (counted from the end). */
static vonk_status prepend(vonk_flat *f, const void *data, size_t bytes, size_t align, vonk_error *err)
{
    size_t pad = missing_to(f->n + bytes, align);
    if (align > f->align) f->align = align;
    VONK_TRY(make_room(f, bytes + pad, err));
    uint8_t *at = f->bytes + f->capacity - f->n;
    if (pad + bytes == 0) return VONK_OK; /* maybe there is no memory yet */
    if (pad > 0) memset(at - pad, 0, pad);
    f->n += pad + bytes;
    at -= pad + bytes;
    if (data && bytes > 0)
        memcpy(at, data, bytes);
    else
        memset(at, 0, bytes);
    return VONK_OK;
}

/* Pads so that after `bytes` more the position is a multiple of `align`. */
static vonk_status pad_before(vonk_flat *f, size_t bytes, size_t align, vonk_error *err)
{
    return prepend(f, NULL, missing_to(f->n + bytes, align), 1, err);
}

vonk_status vonk_flat_text(vonk_flat *f, vonk_str text, uint32_t *ret_place, vonk_error *err)
{
    uint32_t len = vonk_u32_of(text.len);
    VONK_TRY(pad_before(f, text.len + 1, 4, err));
    VONK_TRY(prepend(f, NULL, 1, 1, err));
    VONK_TRY(prepend(f, text.data, text.len, 1, err));
    VONK_TRY(prepend(f, &len, 4, 4, err));
    *ret_place = (uint32_t)f->n;
    return VONK_OK;
}

vonk_status vonk_flat_vector(vonk_flat *f, const void *data, size_t n, size_t each, size_t align, uint32_t *ret_place,
                             vonk_error *err)
{
    uint32_t count = vonk_u32_of(n);
    VONK_TRY(pad_before(f, n * each, vonk_max_size(align, 4), err));
    if (align > f->align) f->align = align;
    VONK_TRY(prepend(f, data, n * each, 1, err));
    VONK_TRY(prepend(f, &count, 4, 4, err));
    *ret_place = (uint32_t)f->n;
    return VONK_OK;
}

vonk_status vonk_flat_places(vonk_flat *f, const uint32_t *places, size_t n, uint32_t *ret_place, vonk_error *err)
{
    uint32_t count = vonk_u32_of(n);
    VONK_TRY(pad_before(f, n * 4, 4, err));
    for (size_t i = n; i-- > 0;) {
        uint32_t offset = (uint32_t)f->n + 4 - places[i];
        VONK_TRY(prepend(f, &offset, 4, 4, err));
    }
    VONK_TRY(prepend(f, &count, 4, 4, err));
    *ret_place = (uint32_t)f->n;
    return VONK_OK;
}

void vonk_flat_start(vonk_flat *f)
{
    f->table_start = (uint32_t)f->n;
    f->n_fields = 0;
    memset(f->fields, 0, sizeof f->fields);
}

static void note_field(vonk_flat *f, unsigned field)
{
    assert(field < VONK_FLAT_FIELDS);
    f->fields[field] = (uint32_t)f->n;
    if (field >= f->n_fields) f->n_fields = field + 1;
}

vonk_status vonk_flat_number(vonk_flat *f, unsigned field, size_t bytes, int64_t value, vonk_error *err)
{
    VONK_TRY(prepend(f, &value, bytes, bytes, err)); /* little-endian: the low bytes come first */
    note_field(f, field);
    return VONK_OK;
}

vonk_status vonk_flat_place(vonk_flat *f, unsigned field, uint32_t place, vonk_error *err)
{
    if (place == 0) return VONK_OK;
    VONK_TRY(pad_before(f, 4, 4, err));
    uint32_t offset = (uint32_t)f->n + 4 - place;
    VONK_TRY(prepend(f, &offset, 4, 4, err));
    note_field(f, field);
    return VONK_OK;
}

vonk_status vonk_flat_end(vonk_flat *f, uint32_t *ret_place, vonk_error *err)
{
    int32_t to_vtable = 0;
    VONK_TRY(prepend(f, &to_vtable, 4, 4, err));
    uint32_t table = (uint32_t)f->n;
    uint16_t vtable[2 + VONK_FLAT_FIELDS] = {vonk_u16_of(4 + 2 * f->n_fields), vonk_u16_of(table - f->table_start)};
    for (uint32_t i = 0; i < f->n_fields; i++) vtable[2 + i] = f->fields[i] ? vonk_u16_of(table - f->fields[i]) : 0;
    VONK_TRY(prepend(f, vtable, vtable[0], 2, err));
    to_vtable = (int32_t)(f->n - table);
    memcpy(f->bytes + f->capacity - table, &to_vtable, 4);
    *ret_place = table;
    return VONK_OK;
}

vonk_status vonk_flat_finish(vonk_flat *f, uint32_t root, const uint8_t **ret, size_t *ret_bytes, vonk_error *err)
{
    VONK_TRY(pad_before(f, 4, vonk_max_size(f->align, 8), err));
    uint32_t offset = (uint32_t)f->n + 4 - root;
    VONK_TRY(prepend(f, &offset, 4, 4, err));
    *ret = f->bytes + f->capacity - f->n;
    *ret_bytes = f->n;
    return VONK_OK;
}

/* ---- reading */
static uint32_t load32(const vonk_flat_table *t, size_t at)
{
    uint32_t x;
    memcpy(&x, t->base + at, 4);
    return x;
}

static uint16_t load16(const vonk_flat_table *t, size_t at)
{
    uint16_t x;
    memcpy(&x, t->base + at, 2);
    return x;
}

static bool inside(const vonk_flat_table *t, size_t at, size_t bytes)
{
    return at <= t->bytes && bytes <= t->bytes - at;
}

/* A table at position `at`. */
static vonk_status open_table(const vonk_flat_table *in, size_t at, vonk_flat_table *ret, vonk_error *err)
{
    vonk_flat_table t = {in->base, in->bytes, in->what, at, 0, 0};
    if (!inside(in, at, 4)) return vonk_flat_fail(in, "a table lies outside of its message", err);
    int64_t vtable = (int64_t)at - (int32_t)load32(in, at);
    if (vtable < 0 || !inside(in, (size_t)vtable, 4))
        return vonk_flat_fail(in, "a vtable lies outside of its message", err);
    t.vtable = (size_t)vtable;
    t.vtable_bytes = load16(in, t.vtable);
    if (t.vtable_bytes < 4 || !inside(in, t.vtable, t.vtable_bytes))
        return vonk_flat_fail(in, "a vtable is cut off", err);
    *ret = t;
    return VONK_OK;
}

vonk_status vonk_flat_root(const void *data, size_t bytes, const char *what, vonk_flat_table *ret, vonk_error *err)
{
    vonk_flat_table whole = {data, bytes, what, 0, 0, 0};
    if (bytes < 4) return vonk_flat_fail(&whole, "a message is cut off", err);
    return open_table(&whole, load32(&whole, 0), ret, err);
}

/* Position of a field's bytes; 0: absent. */
static vonk_status find(const vonk_flat_table *t, unsigned field, size_t bytes, size_t *ret, vonk_error *err)
{
    size_t slot = 4 + 2 * (size_t)field;
    *ret = 0;
    if (slot + 2 > t->vtable_bytes) return VONK_OK;
    uint16_t offset = load16(t, t->vtable + slot);
    if (offset == 0) return VONK_OK;
    if (!inside(t, t->at + offset, bytes)) return vonk_flat_fail(t, "a field lies outside of its message", err);
    *ret = t->at + offset;
    return VONK_OK;
}

vonk_status vonk_flat_get(const vonk_flat_table *t, unsigned field, size_t bytes, int64_t otherwise, int64_t *ret,
                          vonk_error *err)
{
    size_t at = 0;
    uint64_t x = 0;
    VONK_TRY(find(t, field, bytes, &at, err));
    *ret = otherwise;
    if (at == 0) return VONK_OK;
    memcpy(&x, t->base + at, bytes);
    unsigned unused = (unsigned)(64 - 8 * bytes);
    *ret = (int64_t)(x << unused) >> unused;
    return VONK_OK;
}

/* Where the offset at `at` leads. */
static vonk_status follow(const vonk_flat_table *t, size_t at, size_t *ret, vonk_error *err)
{
    uint32_t offset = load32(t, at);
    if (offset < 4 || !inside(t, at + offset, 4)) return vonk_flat_fail(t, "an offset leads out of its message", err);
    *ret = at + offset;
    return VONK_OK;
}

vonk_status vonk_flat_get_vector(const vonk_flat_table *t, unsigned field, size_t each, const uint8_t **ret,
                                 size_t *ret_n, vonk_error *err)
{
    size_t at = 0, vector = 0;
    *ret = NULL;
    *ret_n = 0;
    VONK_TRY(find(t, field, 4, &at, err));
    if (at == 0) return VONK_OK;
    VONK_TRY(follow(t, at, &vector, err));
    size_t n = load32(t, vector);
    if (n > (t->bytes - vector - 4) / each) return vonk_flat_fail(t, "a vector is cut off", err);
    *ret = t->base + vector + 4;
    *ret_n = n;
    return VONK_OK;
}

vonk_status vonk_flat_get_text(const vonk_flat_table *t, unsigned field, vonk_str *ret, vonk_error *err)
{
    const uint8_t *at = NULL;
    size_t n = 0;
    VONK_TRY(vonk_flat_get_vector(t, field, 1, &at, &n, err));
    *ret = (vonk_str){(const char *)at, n};
    return VONK_OK;
}

vonk_status vonk_flat_get_table(const vonk_flat_table *t, unsigned field, vonk_flat_table *ret, vonk_error *err)
{
    size_t at = 0, table = 0;
    *ret = (vonk_flat_table){.what = t->what};
    VONK_TRY(find(t, field, 4, &at, err));
    if (at == 0) return VONK_OK;
    VONK_TRY(follow(t, at, &table, err));
    return open_table(t, table, ret, err);
}

vonk_status vonk_flat_element(const vonk_flat_table *t, const uint8_t *elements, size_t i, vonk_flat_table *ret,
                              vonk_error *err)
{
    size_t table = 0;
    VONK_TRY(follow(t, (size_t)(elements - t->base) + 4 * i, &table, err));
    return open_table(t, table, ret, err);
}
