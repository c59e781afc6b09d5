/* column/row_store.c -- layouts and stores of rows. Rows lie in blocks of up to 256 KiB that start small; strings and
 * nested values are bumped into heap blocks of the same sizes. Columns are written one after the other over the
 * addresses of 512 new rows, which stay in the cache. */
#include "column/collation.h"
#include "column/rows_int.h"

enum { FIRST_BLOCK_BYTES = 4 << 10, BLOCK_BYTES = 256 << 10 };

/* ---- layout */

static void set_places(vonk_row_layout *l, uint32_t extra_bytes)
{
    uint32_t at = (l->n_columns + 63) / 64 * 8;
    for (uint32_t width = 16; width > 0; width /= 2) /* widest first: no gaps */
        for (uint32_t c = 0; c < l->n_columns; c++)
            if (vonk__row_width(l->types[c]) == width) {
                l->offsets[c] = at;
                at += width;
            }
    for (uint32_t c = 0; c < l->n_columns; c++)
        if (vonk__row_width(l->types[c]) == 0) l->offsets[c] = at;
    uint32_t unit = extra_bytes ? 16 : 8;
    l->extra_at = (at + unit - 1) / unit * unit;
    l->extra_bytes = extra_bytes;
    l->row_bytes = (l->extra_at + extra_bytes + unit - 1) / unit * unit;
    if (l->row_bytes == 0) l->row_bytes = 8; /* rows of nothing still have addresses */
}

vonk_status vonk_row_layout_new(vonk_budget *budget, const vonk_type *const *types, uint32_t n, uint32_t extra_bytes,
                                vonk_row_layout **ret, vonk_error *err)
{
    vonk_row_layout *l;
    if (extra_bytes > (1u << 28) || n > (1u << 20))
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "rows of more than 256 MiB");
    VONK_TRY(vonk_alloc(budget, sizeof(*l) + n * (sizeof(vonk_type *) + sizeof(uint32_t)), &l, err));
    *l = (vonk_row_layout){.n_columns = n, .types = (const vonk_type **)(l + 1)};
    l->offsets = (uint32_t *)(l->types + n);
    for (uint32_t c = 0; c < n; c++) l->types[c] = vonk_type_ref(types[c]);
    set_places(l, extra_bytes);
    *ret = l;
    return VONK_OK;
}

void vonk_row_layout_free(vonk_row_layout *layout)
{
    if (!layout) return;
    for (uint32_t c = 0; c < layout->n_columns; c++) vonk_type_unref(layout->types[c]);
    vonk_free(layout);
}

/* ---- store */

typedef struct block {
    uint8_t *rows;
    uint64_t first; /* number of its first row in the store */
    uint32_t n, capacity;
} block;
typedef struct heap_block {
    char *bytes;
    size_t used, capacity;
} heap_block;

struct vonk_row_store {
    vonk_budget *budget;
    const vonk_row_layout *layout; /* borrowed: outlives the store */
    block *blocks;
    heap_block *heaps;
    size_t n_blocks, n_heaps;
    uint64_t n_rows;
    size_t bytes; /* of all blocks */
};

vonk_status vonk_row_store_new(vonk_budget *budget, const vonk_row_layout *layout, vonk_row_store **ret,
                               vonk_error *err)
{
    VONK_TRY(VONK_NEW(budget, ret, err));
    (*ret)->budget = budget;
    (*ret)->layout = layout;
    return VONK_OK;
}

void vonk_row_store_reset(vonk_row_store *store)
{
    for (size_t i = 0; i < store->n_blocks; i++) vonk_free_aligned(store->blocks[i].rows);
    for (size_t i = 0; i < store->n_heaps; i++) vonk_free_aligned(store->heaps[i].bytes);
    vonk_free(store->blocks);
    vonk_free(store->heaps);
    *store = (vonk_row_store){.budget = store->budget, .layout = store->layout};
}

void vonk_row_store_free(vonk_row_store *store)
{
    if (!store) return;
    vonk_row_store_reset(store);
    vonk_free(store);
}

uint64_t vonk_row_store_n(const vonk_row_store *store) { return store->n_rows; }
size_t vonk_row_store_bytes(const vonk_row_store *store)
{
    return store->bytes + sizeof(*store) + store->n_blocks * sizeof(block) + store->n_heaps * sizeof(heap_block);
}

static const block *block_of(const vonk_row_store *store, uint64_t i)
{
    size_t lo = 0, hi = store->n_blocks; /* the last block whose first row is <= i; empty blocks come before theirs */
    while (hi - lo > 1) {
        size_t mid = (lo + hi) / 2;
        if (store->blocks[mid].first <= i)
            lo = mid;
        else
            hi = mid;
    }
    return &store->blocks[lo];
}

uint8_t *vonk_row_store_row(const vonk_row_store *store, uint64_t i)
{
    assert(i < store->n_rows);
    const block *b = block_of(store, i);
    return b->rows + (i - b->first) * store->layout->row_bytes;
}

void vonk_row_store_addresses(const vonk_row_store *store, uint64_t from, uint32_t n, uint8_t **ret_rows)
{
    assert(from <= store->n_rows && n <= store->n_rows - from);
    if (n == 0) return;
    const block *b = block_of(store, from);
    uint64_t at = from - b->first;
    for (uint32_t k = 0; k < n; k++, at++) {
        while (at >= b->n) {
            at -= b->n;
            b++;
        }
        ret_rows[k] = b->rows + at * store->layout->row_bytes;
    }
}

vonk_status vonk_row_store_move(vonk_row_store *into, vonk_row_store *from, vonk_error *err)
{
    assert(into->layout->row_bytes == from->layout->row_bytes);
    VONK_TRY(vonk_realloc(into->budget, &into->blocks, (into->n_blocks + from->n_blocks) * sizeof(block), err));
    VONK_TRY(vonk_realloc(into->budget, &into->heaps, (into->n_heaps + from->n_heaps) * sizeof(heap_block), err));
    for (size_t i = 0; i < from->n_blocks; i++) {
        into->blocks[into->n_blocks] = from->blocks[i];
        into->blocks[into->n_blocks++].first += into->n_rows;
    }
    for (size_t i = 0; i < from->n_heaps; i++) into->heaps[into->n_heaps++] = from->heaps[i];
    into->n_rows += from->n_rows;
    into->bytes += from->bytes;
    from->n_blocks = from->n_heaps = 0;
    vonk_row_store_reset(from);
    return VONK_OK;
}

/* ---- room */

static vonk_status add_block(vonk_row_store *s, vonk_error *err)
{
    size_t row = s->layout->row_bytes;
    size_t bytes = s->n_blocks == 0 ? FIRST_BLOCK_BYTES : s->blocks[s->n_blocks - 1].capacity * row * 4;
    uint8_t *rows;
    if (bytes > BLOCK_BYTES) bytes = BLOCK_BYTES;
    uint32_t capacity = bytes / row ? (uint32_t)(bytes / row) : 1;
    VONK_TRY(vonk_realloc(s->budget, &s->blocks, (s->n_blocks + 1) * sizeof(block), err));
    VONK_TRY(vonk_alloc_aligned(s->budget, capacity * row, &rows, err));
    s->blocks[s->n_blocks++] = (block){.rows = rows, .first = s->n_rows, .capacity = capacity};
    s->bytes += capacity * row;
    return VONK_OK;
}

static vonk_status heap_alloc(vonk_row_store *s, size_t bytes, char **ret, vonk_error *err)
{
    heap_block *h = s->n_heaps ? &s->heaps[s->n_heaps - 1] : NULL;
    if (!h || h->capacity - h->used < bytes) {
        size_t capacity = h ? vonk_min_size(h->capacity * 4, BLOCK_BYTES) : FIRST_BLOCK_BYTES;
        char *fresh;
        capacity = vonk_max_size(capacity, bytes);
        VONK_TRY(vonk_realloc(s->budget, &s->heaps, (s->n_heaps + 1) * sizeof(heap_block), err));
        VONK_TRY(vonk_alloc_aligned(s->budget, capacity, &fresh, err));
        s->heaps[s->n_heaps++] = (heap_block){.bytes = fresh, .capacity = capacity};
        s->bytes += capacity;
        h = &s->heaps[s->n_heaps - 1];
    }
    *ret = h->bytes + h->used;
    h->used += bytes;
    return VONK_OK;
}

/* New rows: all columns valid, everything else zero. */
static vonk_status add_rows(vonk_row_store *s, uint32_t n, uint8_t **rows, vonk_error *err)
{
    size_t row = s->layout->row_bytes, words = (s->layout->n_columns + 63) / 64; /* validity takes whole words */
    for (uint32_t k = 0; k < n;) {
        if (s->n_blocks == 0 || s->blocks[s->n_blocks - 1].n == s->blocks[s->n_blocks - 1].capacity)
            VONK_TRY(add_block(s, err));
        block *b = &s->blocks[s->n_blocks - 1];
        uint32_t some = n - k < b->capacity - b->n ? n - k : b->capacity - b->n;
        uint8_t *at = b->rows + b->n * row;
        memset(at, 0, some * row);
        for (uint32_t i = 0; i < some; i++, at += row) {
            for (size_t w = 0; w < words; w++) ((uint64_t *)(void *)at)[w] = UINT64_MAX;
            rows[k + i] = at;
        }
        b->n += some;
        s->n_rows += some;
        k += some;
    }
    return VONK_OK;
}

/* ---- writing columns */

#define PUT_EACH(T, chunk, rows, at) VONK__EACH_LANE(T, chunk, k, v, *(T *)(void *)((rows)[k] + (at)) = v)

static void put_fixed(const vonk__chunk *c, vonk_storage storage, uint8_t *const *rows, uint32_t at)
{
    switch (storage) {
    case VONK_STORE_BIT:
        for (uint32_t k = 0; k < c->n; k++) rows[k][at] = vonk_bit_get(c->values, vonk__lane_row(c, k));
        break;
    case VONK_STORE_I8: PUT_EACH(uint8_t, c, rows, at); break;
    case VONK_STORE_I16: PUT_EACH(uint16_t, c, rows, at); break;
    case VONK_STORE_I32:
    case VONK_STORE_F32: PUT_EACH(uint32_t, c, rows, at); break;
    case VONK_STORE_I64:
    case VONK_STORE_F64: PUT_EACH(uint64_t, c, rows, at); break;
    case VONK_STORE_I128:
    case VONK_STORE_INTERVAL: PUT_EACH(vonk__pair64, c, rows, at); break;
    default: break;
    }
}

static vonk_status put_string(vonk_row_store *s, const vonk_view *v, vonk_buffer *const *heaps, vonk__row_str *out,
                              vonk_error *err)
{
    if (v->len <= VONK_VIEW_INLINE) {
        memcpy(out, v, sizeof(*out));
        return VONK_OK;
    }
    char *to;
    VONK_TRY(heap_alloc(s, v->len, &to, err));
    memcpy(to, heaps[v->heap]->data + v->offset, v->len);
    out->len = v->len;
    memcpy(out->prefix, v->prefix, 4);
    out->ptr = to;
    return VONK_OK;
}

static vonk_status put_strings(vonk_row_store *s, const vonk__chunk *c, uint8_t *const *rows, uint32_t at,
                               vonk_error *err)
{
    const vonk_view *v = c->values;
    for (uint32_t k = 0; k < c->n; k++)
        if (vonk__lane_valid(c, k))
            VONK_TRY(
                put_string(s, &v[vonk__lane_row(c, k)], c->base->heaps, (vonk__row_str *)(void *)(rows[k] + at), err));
    return VONK_OK;
}

static vonk_status put_nested(vonk_row_store *s, const vonk__chunk *c, uint8_t *const *rows, uint32_t at,
                              vonk_error *err)
{
    for (uint32_t k = 0; k < c->n; k++) {
        vonk__row_str *out = (vonk__row_str *)(void *)(rows[k] + at);
        uint32_t row = vonk__lane_row(c, k);
        char *to;
        if (!vonk__lane_valid(c, k)) continue;
        uint64_t bytes = vonk__nested_bytes(c->base, row);
        if (bytes > INT32_MAX)
            return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "nested values larger than 2 GiB in one row");
        VONK_TRY(heap_alloc(s, bytes, &to, err));
        uint8_t *end = vonk__nested_write(c->base, row, (uint8_t *)to);
        assert(end == (uint8_t *)to + bytes);
        (void)end;
        out->len = (uint32_t)bytes;
        out->ptr = to;
    }
    return VONK_OK;
}

static void put_nulls(const vonk__chunk *c, uint8_t *const *rows, uint32_t column)
{
    if (!c->valid) return;
    for (uint32_t k = 0; k < c->n; k++)
        rows[k][column >> 3] = (uint8_t)(rows[k][column >> 3] & ~((unsigned)!c->valid[k] << (column & 7)));
}

static vonk_status put_chunk(vonk_row_store *s, vonk_column *const *columns, vonk_rows rows, uint32_t from, uint32_t n,
                             uint8_t *const *to, vonk_error *err)
{
    vonk__chunk chunk;
    for (uint32_t c = 0; c < s->layout->n_columns; c++) {
        const vonk_type *t = s->layout->types[c];
        uint32_t at = s->layout->offsets[c];
        assert(columns[c]->type->storage == t->storage);
        vonk__chunk_load(&chunk, columns[c], rows, from, n);
        if (vonk__is_nested(t))
            VONK_TRY(put_nested(s, &chunk, to, at, err));
        else if (t->storage == VONK_STORE_VIEW)
            VONK_TRY(put_strings(s, &chunk, to, at, err));
        else
            put_fixed(&chunk, t->storage, to, at);
        put_nulls(&chunk, to, c);
    }
    return VONK_OK;
}

/* Takes back rows from number n_rows on. Heap bytes that they used stay until the store is reset. */
static void cut(vonk_row_store *s, uint64_t n_rows)
{
    while (s->n_blocks && s->blocks[s->n_blocks - 1].first >= n_rows && s->n_blocks > 1) {
        block *b = &s->blocks[--s->n_blocks];
        s->bytes -= (size_t)b->capacity * s->layout->row_bytes;
        vonk_free_aligned(b->rows);
    }
    if (s->n_blocks) s->blocks[s->n_blocks - 1].n = (uint32_t)(n_rows - s->blocks[s->n_blocks - 1].first);
    s->n_rows = n_rows;
}

vonk_status vonk_row_store_append(vonk_row_store *store, vonk_column *const *columns, vonk_rows rows,
                                  uint8_t **ret_rows, vonk_error *err)
{
    uint8_t *own[VONK__CHUNK_ROWS];
    uint64_t before = store->n_rows;
    vonk_status st = VONK_OK;
    for (uint32_t at = 0; at < rows.n && st == VONK_OK; at += VONK__CHUNK_ROWS) {
        uint32_t n = rows.n - at < VONK__CHUNK_ROWS ? rows.n - at : VONK__CHUNK_ROWS;
        uint8_t **to = ret_rows ? ret_rows + at : own;
        st = add_rows(store, n, to, err);
        if (st == VONK_OK) st = put_chunk(store, columns, rows, at, n, to, err);
    }
    if (st != VONK_OK) cut(store, before);
    return st;
}
