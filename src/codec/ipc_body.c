/* Bodies of record batches: the values of columns in Arrow's buffers. A column comes in parts (one per batch), each
 * with its encoding and selection. */
#include "codec/ipc_int.h"

#define PIECE 1024 /* rows whose places are worked out at a time */

/* Rows of a column: idx NULL means rows 0 .. n-1; any order, repeats allowed. */
typedef struct part {
    const vonk_column *c;
    const uint32_t *idx;
    uint32_t n;
} part;

typedef struct parts {
    const part *at;
    size_t n;
    uint64_t n_rows;
} parts;

static vonk_status put_column(ipc_body *b, const vonk_type *type, parts p, vonk_error *err);

static const vonk_type *stored_type(const vonk_type *t) { return t->id == VONK_T_UDT ? t->fields[0].type : t; }

/* ---- counting */
void vonk__ipc_count(const vonk_type *type, size_t *nodes, size_t *buffers)
{
    const vonk_type *t = stored_type(type);
    *nodes += 1;
    switch (t->id) {
    case VONK_T_NULL: return;
    case VONK_T_STRING:
    case VONK_T_CHAR:
    case VONK_T_VARCHAR:
    case VONK_T_BINARY: *buffers += 3; return;
    case VONK_T_VARIANT:
        *nodes += 2;
        *buffers += 1 + 3 + 3;
        return;
    case VONK_T_GEOMETRY:
    case VONK_T_GEOGRAPHY:
        *nodes += 2;
        *buffers += 1 + 2 + 3;
        return;
    case VONK_T_MAP: /* and its entries */
        *nodes += 1;
        *buffers += 1;
        break;
    case VONK_T_STRUCT: *buffers += 1; break;
    default: break;
    }
    if (t->id != VONK_T_STRUCT) *buffers += 2;
    if (t->id != VONK_T_STRUCT && t->id != VONK_T_ARRAY && t->id != VONK_T_MAP) return;
    for (uint32_t i = 0; i < t->n_fields; i++) vonk__ipc_count(t->fields[i].type, nodes, buffers);
}

/* ---- buffers */
static vonk_buf *begin_buffer(ipc_body *b)
{
    if (!b->compressor) return b->out;
    vonk_buf_reset(&b->plain);
    return &b->plain;
}

static vonk_status pad(ipc_body *b, vonk_error *err)
{
    static const uint8_t zeros[IPC_ALIGN];
    size_t over = (b->out->len - b->start) % IPC_ALIGN;
    return over ? vonk_buf_append(b->out, zeros, IPC_ALIGN - over, err) : VONK_OK;
}

/* (plain size, packed bytes), or (-1, plain bytes) where packing gains nothing. */
static vonk_status put_packed(ipc_body *b, vonk_error *err)
{
    int64_t plain = (int64_t)b->plain.len;
    size_t head = b->out->len;
    if (plain == 0) return VONK_OK;
    VONK_TRY(vonk_buf_append(b->out, &plain, sizeof plain, err));
    VONK_TRY(vonk_compress(b->compressor, b->options->compression, b->options->level, b->plain.data, b->plain.len,
                           b->out, err));
    if (b->out->len - head - sizeof plain < b->plain.len) return VONK_OK;
    b->out->len = head + sizeof plain;
    memcpy(b->out->data + head, &(int64_t){-1}, sizeof plain);
    return vonk_buf_append(b->out, b->plain.data, b->plain.len, err);
}

/* The buffer begun at `from` in out (uncompressed), or b->plain, is complete. */
static vonk_status end_buffer(ipc_body *b, size_t from, vonk_error *err)
{
    if (b->compressor) VONK_TRY(put_packed(b, err));
    b->buffers[b->n_buffers++] = (ipc_buffer){(int64_t)(from - b->start), (int64_t)(b->out->len - from)};
    return pad(b, err);
}

static vonk_status put_no_buffer(ipc_body *b, vonk_error *err)
{
    (void)begin_buffer(b);
    return end_buffer(b, b->out->len, err);
}

/* ---- rows */
/* Where the values lie: the column itself or its dictionary. */
static const vonk_column *values_of(const vonk_column *c)
{
    return c->encoding == VONK_DICTIONARY ? c->children[0] : c;
}

/* Rows from .. from+k-1 of the part as rows of values_of(): either `place` filled, or NULL and they are consecutive
 * from *ret_first. */
static const uint32_t *places(const part *p, uint32_t from, uint32_t k, uint32_t *place, uint32_t *ret_first)
{
    const uint32_t *codes = p->c->data;
    *ret_first = from;
    switch (p->c->encoding) {
    case VONK_CONSTANT: memset(place, 0, k * sizeof *place); return place;
    case VONK_DICTIONARY:
        for (uint32_t i = 0; i < k; i++) place[i] = codes[p->idx ? p->idx[from + i] : from + i];
        return place;
    default: return p->idx ? p->idx + from : NULL;
    }
}

static bool row_valid(const part *p, uint32_t i)
{
    if (!p->c->validity) return true;
    uint32_t row = p->c->encoding == VONK_CONSTANT ? 0 : (p->idx ? p->idx[i] : i);
    return vonk_bit_get(p->c->validity, row);
}

static uint64_t put_valid_bits(const part *p, uint8_t *bits, size_t at)
{
    uint64_t ones = 0;
    if (p->c->validity && !p->idx && p->c->encoding != VONK_CONSTANT) {
        vonk_bits_copy(bits, at, p->c->validity, 0, p->n);
        return vonk_bits_count(p->c->validity, p->n);
    }
    for (uint32_t i = 0; i < p->n; i++) {
        bool on = row_valid(p, i);
        vonk_bit_put(bits, at + i, on);
        ones += on;
    }
    return ones;
}

/* Node and validity buffer. */
static vonk_status put_validity(ipc_body *b, parts p, vonk_error *err)
{
    ipc_node *node = &b->nodes[b->n_nodes++];
    *node = (ipc_node){(int64_t)p.n_rows, 0};
    bool any = false;
    for (size_t i = 0; i < p.n; i++) any |= p.at[i].c->validity != NULL;
    if (!any) return put_no_buffer(b, err);
    size_t from = b->out->len, at = 0, bytes = vonk_bits_bytes(p.n_rows);
    vonk_buf *to = begin_buffer(b);
    size_t begun = to->len;
    char *bits = NULL;
    uint64_t ones = 0;
    VONK_TRY(vonk_buf_extend(to, bytes, &bits, err));
    if (bytes > 0) bits[bytes - 1] = 0;
    for (size_t i = 0; i < p.n; at += p.at[i++].n) ones += put_valid_bits(&p.at[i], (uint8_t *)bits, at);
    node->nulls = (int64_t)(p.n_rows - ones);
    if (node->nulls == 0) to->len = begun;
    return end_buffer(b, from, err);
}

/* ---- values of fixed size */
#define GATHER(in_type, out_type, expression)                                                                          \
    do {                                                                                                               \
        const in_type *v = values->data;                                                                               \
        out_type *to = out;                                                                                            \
        if (place) {                                                                                                   \
            for (uint32_t i = 0; i < k; i++) {                                                                         \
                in_type x = v[place[i]];                                                                               \
                to[i] = (expression);                                                                                  \
            }                                                                                                          \
        } else {                                                                                                       \
            for (uint32_t i = 0; i < k; i++) {                                                                         \
                in_type x = v[first + i];                                                                              \
                to[i] = (expression);                                                                                  \
            }                                                                                                          \
        }                                                                                                              \
    } while (0)

typedef struct month_day_nano {
    int32_t months, days;
    int64_t nanos;
} month_day_nano;

static month_day_nano arrow_interval(vonk_interval x)
{
    return (month_day_nano){x.months, x.days, (int64_t)((uint64_t)x.us * 1000)};
}

/* Bytes of a value in Arrow's buffer. */
static size_t arrow_bytes(const vonk_type *t)
{
    switch (t->id) {
    case VONK_T_DECIMAL: return 16;
    case VONK_T_TIMESTAMP_NANOS:
    case VONK_T_TIMESTAMP_NTZ_NANOS: return 8;
    default: return vonk_storage_bytes(t->storage);
    }
}

/* k values into `out`, aligned for their type. */
static void gather(const vonk_type *t, const vonk_column *values, const uint32_t *place, uint32_t first, uint32_t k,
                   void *out)
{
    switch (t->storage) {
    case VONK_STORE_I8: GATHER(uint8_t, uint8_t, x); break;
    case VONK_STORE_I16: GATHER(uint16_t, uint16_t, x); break;
    case VONK_STORE_I32:
    case VONK_STORE_F32: GATHER(uint32_t, uint32_t, x); break;
    case VONK_STORE_I64:
    case VONK_STORE_F64:
        if (t->id == VONK_T_DECIMAL)
            GATHER(int64_t, vonk_i128, x);
        else
            GATHER(int64_t, int64_t, x);
        break;
    case VONK_STORE_I128:
        if (t->id == VONK_T_DECIMAL)
            GATHER(vonk_i128, vonk_i128, x);
        else
            GATHER(vonk_i128, int64_t, (int64_t)x); /* checked before */
        break;
    default: GATHER(vonk_interval, month_day_nano, arrow_interval(x)); break;
    }
}

/* A SEQUENCE has no values to look up: they are made. */
static void make_sequence(const part *p, const vonk_type *t, uint32_t from, uint32_t k, void *out)
{
    for (uint32_t i = 0; i < k; i++) {
        uint32_t row = p->idx ? p->idx[from + i] : from + i;
        int64_t x = (int64_t)((uint64_t)p->c->seq_start + (uint64_t)row * (uint64_t)p->c->seq_step);
        switch (t->storage) {
        case VONK_STORE_I8: ((int8_t *)out)[i] = (int8_t)x; break;
        case VONK_STORE_I16: ((int16_t *)out)[i] = (int16_t)x; break;
        case VONK_STORE_I32: ((int32_t *)out)[i] = (int32_t)x; break;
        default: ((int64_t *)out)[i] = x; break;
        }
    }
}

static vonk_status check_nanos(const vonk_type *t, const part *p, vonk_error *err)
{ /* Arrow counts nanoseconds in 64 bits: years 1677 to 2262 */
    if (t->id != VONK_T_TIMESTAMP_NANOS && t->id != VONK_T_TIMESTAMP_NTZ_NANOS) return VONK_OK;
    for (uint32_t i = 0; i < p->n; i++) {
        uint32_t row = p->idx ? p->idx[i] : i;
        if (!row_valid(p, i)) continue;
        vonk_i128 x = vonk_column_i128(p->c, row);
        if (x < INT64_MIN || x > INT64_MAX)
            return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                             "nanosecond timestamps outside of 1677 to 2262 in Arrow data");
    }
    return VONK_OK;
}

static vonk_status put_fixed_part(const part *p, const vonk_type *t, uint8_t *to, vonk_error *err)
{
    size_t each = arrow_bytes(t);
    const vonk_column *values = values_of(p->c);
    bool same = each == vonk_storage_bytes(t->storage) && t->storage != VONK_STORE_INTERVAL;
    uint32_t place[PIECE];
    _Alignas(16) uint8_t aligned[PIECE * 16];
    VONK_TRY(check_nanos(t, p, err));
    if (same && p->c->encoding == VONK_FLAT && !p->idx) {
        if (p->n > 0) memcpy(to, p->c->data, p->n * each);
        return VONK_OK;
    }
    for (uint32_t i = 0; i < p->n; i += PIECE) {
        uint32_t k = p->n - i < PIECE ? p->n - i : PIECE, first = 0;
        if (p->c->encoding == VONK_SEQUENCE) {
            make_sequence(p, t, i, k, aligned);
        } else {
            const uint32_t *at = places(p, i, k, place, &first);
            gather(t, values, at, first, k, aligned);
        }
        memcpy(to + i * each, aligned, k * each);
    }
    return VONK_OK;
}

static vonk_status put_fixed(ipc_body *b, const vonk_type *t, parts p, vonk_error *err)
{
    VONK_TRY(put_validity(b, p, err));
    size_t from = b->out->len, each = arrow_bytes(t);
    char *to = NULL;
    VONK_TRY(vonk_buf_extend(begin_buffer(b), p.n_rows * each, &to, err));
    for (size_t i = 0; i < p.n; to += p.at[i++].n * each) VONK_TRY(put_fixed_part(&p.at[i], t, (uint8_t *)to, err));
    return end_buffer(b, from, err);
}

static vonk_status put_bits(ipc_body *b, parts p, vonk_error *err)
{
    VONK_TRY(put_validity(b, p, err));
    size_t from = b->out->len, at = 0;
    char *to = NULL;
    VONK_TRY(vonk_buf_extend(begin_buffer(b), vonk_bits_bytes(p.n_rows), &to, err));
    if (p.n_rows > 0) to[vonk_bits_bytes(p.n_rows) - 1] = 0;
    for (size_t i = 0; i < p.n; at += p.at[i++].n) {
        const part *one = &p.at[i];
        const vonk_column *values = values_of(one->c);
        uint32_t place[PIECE];
        if (one->c->encoding == VONK_FLAT && !one->idx) {
            vonk_bits_copy((uint8_t *)to, at, values->data, 0, one->n);
            continue;
        }
        for (uint32_t k = 0; k < one->n; k++) {
            uint32_t first = 0;
            const uint32_t *row = places(one, k, 1, place, &first);
            vonk_bit_put((uint8_t *)to, at + k, vonk_bit_get(values->data, row ? row[0] : first));
        }
    }
    return end_buffer(b, from, err);
}

/* ---- strings and binaries */
/* Offsets behind those of the parts before; *inout_bytes: bytes so far. `large`: 64 bits each. */
static void put_offsets(const part *p, bool large, char *to, uint64_t *inout_bytes)
{
    const vonk_view *views = values_of(p->c)->data;
    uint32_t place[PIECE], narrow[PIECE];
    uint64_t wide[PIECE], bytes = *inout_bytes;
    for (uint32_t i = 0; i < p->n; i += PIECE) {
        uint32_t k = p->n - i < PIECE ? p->n - i : PIECE, first = 0;
        const uint32_t *at = places(p, i, k, place, &first);
        for (uint32_t j = 0; j < k; j++) {
            uint32_t len = views[at ? at[j] : first + j].len;
            wide[j] = bytes += row_valid(p, i + j) ? len : 0;
        }
        for (uint32_t j = 0; j < k && !large; j++) narrow[j] = (uint32_t)wide[j]; /* checked when all is known */
        if (large)
            memcpy(to + (size_t)i * sizeof *wide, wide, k * sizeof *wide);
        else
            memcpy(to + (size_t)i * sizeof *narrow, narrow, k * sizeof *narrow);
    }
    *inout_bytes = bytes;
}

/* May write up to 12 bytes past the end of the part's bytes. */
static char *put_bytes(const part *p, char *to)
{
    const vonk_column *values = values_of(p->c);
    const vonk_view *views = values->data;
    uint32_t place[PIECE];
    for (uint32_t i = 0; i < p->n; i += PIECE) {
        uint32_t k = p->n - i < PIECE ? p->n - i : PIECE, first = 0;
        const uint32_t *at = places(p, i, k, place, &first);
        for (uint32_t j = 0; j < k; j++) {
            const vonk_view *v = &views[at ? at[j] : first + j];
            if (p->c->validity && !row_valid(p, i + j)) continue;
            if (v->len <= VONK_VIEW_INLINE)
                memcpy(to, v->inlined, VONK_VIEW_INLINE);
            else
                memcpy(to, values->heaps[v->heap]->data + v->offset, v->len);
            to += v->len;
        }
    }
    return to;
}

static vonk_status put_strings(ipc_body *b, const vonk_type *t, parts p, vonk_error *err)
{
    bool large = b->options->large && t->id != VONK_T_VARIANT;
    size_t each = large ? sizeof(int64_t) : sizeof(int32_t), from = 0;
    uint64_t bytes = 0;
    char *to = NULL;
    VONK_TRY(put_validity(b, p, err));
    from = b->out->len;
    VONK_TRY(vonk_buf_extend(begin_buffer(b), (p.n_rows + 1) * each, &to, err));
    memset(to, 0, each);
    for (size_t i = 0; i < p.n; to += p.at[i++].n * each) put_offsets(&p.at[i], large, to + each, &bytes);
    if (!large && bytes > INT32_MAX) {
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         "more than 2 GiB of strings in one Arrow column (spark.sql.execution.arrow.useLargeVarTypes)");
    }
    VONK_TRY(end_buffer(b, from, err));
    from = b->out->len;
    vonk_buf *out = begin_buffer(b);
    VONK_TRY(vonk_buf_extend(out, bytes + VONK_VIEW_INLINE, &to, err));
    for (size_t i = 0; i < p.n; i++) to = put_bytes(&p.at[i], to);
    out->len -= VONK_VIEW_INLINE;
    return end_buffer(b, from, err);
}

/* ---- nested values */
/* The parts of child k: same rows; of a constant its one row again and again. `zeros`: as many as the longest part has
 * rows. */
static vonk_status put_child(ipc_body *b, const vonk_type *type, parts p, uint32_t k, const uint32_t *zeros,
                             vonk_error *err)
{
    part *at = NULL;
    VONK_TRY(vonk_alloc_array(b->budget, p.n, sizeof *at, &at, err));
    for (size_t i = 0; i < p.n; i++) {
        bool constant = p.at[i].c->encoding == VONK_CONSTANT;
        at[i] = (part){p.at[i].c->children[k], constant ? zeros : p.at[i].idx, p.at[i].n};
    }
    vonk_status st = put_column(b, type, (parts){at, p.n, p.n_rows}, err);
    vonk_free(at);
    return st;
}

static vonk_status zeros_for(ipc_body *b, parts p, uint32_t **ret, vonk_error *err)
{
    uint32_t most = 0;
    for (size_t i = 0; i < p.n; i++) most = p.at[i].n > most ? p.at[i].n : most;
    return vonk_alloc_zeroed(b->budget, most * sizeof **ret, ret, err);
}

static vonk_status put_struct(ipc_body *b, const vonk_type *t, parts p, vonk_error *err)
{
    uint32_t *zeros = NULL;
    bool variant = t->id == VONK_T_VARIANT;
    uint32_t n = variant ? 2 : t->n_fields;
    VONK_TRY(put_validity(b, p, err));
    VONK_TRY(zeros_for(b, p, &zeros, err));
    vonk_status st = VONK_OK;
    for (uint32_t i = 0; i < n && st == VONK_OK; i++)
        st = put_child(b, variant ? &vonk_type_binary : t->fields[i].type, p, i, zeros, err);
    vonk_free(zeros);
    return st;
}

/* Rows of the children that the part's rows span, in order, and offsets. */
static vonk_status put_spans(ipc_body *b, const part *p, int32_t *offsets, uint64_t *inout_n, uint32_t **ret_idx,
                             uint32_t *ret_n, vonk_error *err)
{
    const vonk_span *spans = p->c->data;
    uint64_t n = 0, before = *inout_n;
    for (uint32_t i = 0; i < p->n; i++) {
        uint32_t row = p->c->encoding == VONK_CONSTANT ? 0 : (p->idx ? p->idx[i] : i);
        if (row_valid(p, i)) n += spans[row].len;
        if (before + n > INT32_MAX)
            return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "more than 2^31 elements in one Arrow column");
        offsets[i] = (int32_t)(before + n);
    }
    VONK_TRY(vonk_alloc_array(b->budget, n, sizeof **ret_idx, ret_idx, err));
    uint32_t *to = *ret_idx;
    for (uint32_t i = 0; i < p->n; i++) {
        uint32_t row = p->c->encoding == VONK_CONSTANT ? 0 : (p->idx ? p->idx[i] : i);
        for (uint32_t k = 0; row_valid(p, i) && k < spans[row].len; k++) *to++ = spans[row].offset + k;
    }
    *ret_n = (uint32_t)n;
    *inout_n = before + n;
    return VONK_OK;
}

static vonk_status put_elements(ipc_body *b, const vonk_type *t, parts lists, part *elements, uint64_t n,
                                vonk_error *err)
{
    if (t->id == VONK_T_MAP) { /* the entries are a struct without nulls */
        b->nodes[b->n_nodes++] = (ipc_node){(int64_t)n, 0};
        VONK_TRY(put_no_buffer(b, err));
    }
    for (uint32_t k = 0; k < t->n_fields; k++) {
        for (size_t i = 0; i < lists.n; i++) elements[i].c = lists.at[i].c->children[k];
        VONK_TRY(put_column(b, t->fields[k].type, (parts){elements, lists.n, n}, err));
    }
    return VONK_OK;
}

static vonk_status put_list_parts(ipc_body *b, const vonk_type *t, parts p, part *elements, vonk_error *err)
{
    size_t from = b->out->len, row = 1;
    int32_t *offsets = NULL;
    uint64_t n = 0;
    VONK_TRY(vonk_alloc_zeroed(b->budget, (p.n_rows + 1) * sizeof *offsets, &offsets, err));
    vonk_status st = VONK_OK;
    for (size_t i = 0; i < p.n && st == VONK_OK; row += p.at[i++].n) {
        uint32_t *idx = NULL;
        st = put_spans(b, &p.at[i], offsets + row, &n, &idx, &elements[i].n, err);
        elements[i].idx = idx;
    }
    if (st == VONK_OK) st = vonk_buf_append(begin_buffer(b), offsets, (p.n_rows + 1) * sizeof *offsets, err);
    if (st == VONK_OK) st = end_buffer(b, from, err);
    vonk_free(offsets);
    return st == VONK_OK ? put_elements(b, t, p, elements, n, err) : st;
}

static vonk_status put_list(ipc_body *b, const vonk_type *t, parts p, vonk_error *err)
{
    part *elements = NULL;
    VONK_TRY(put_validity(b, p, err));
    VONK_TRY(vonk_alloc_zeroed(b->budget, p.n * sizeof *elements, &elements, err));
    vonk_status st = put_list_parts(b, t, p, elements, err);
    for (size_t i = 0; i < p.n; i++) vonk_free((void *)(uintptr_t)elements[i].idx);
    vonk_free(elements);
    return st;
}

static vonk_status put_spatial(ipc_body *b, const vonk_type *t, parts p, vonk_error *err)
{
    size_t from = 0;
    char *to = NULL;
    int32_t srid = t->length < 0 ? 0 : t->length;
    VONK_TRY(put_validity(b, p, err));
    b->nodes[b->n_nodes++] = (ipc_node){(int64_t)p.n_rows, 0};
    VONK_TRY(put_no_buffer(b, err));
    from = b->out->len;
    VONK_TRY(vonk_buf_extend(begin_buffer(b), p.n_rows * sizeof srid, &to, err));
    for (uint64_t i = 0; i < p.n_rows; i++) memcpy(to + i * sizeof srid, &srid, sizeof srid);
    VONK_TRY(end_buffer(b, from, err));
    return put_strings(b, t, p, err);
}

/* ---- columns */
static vonk_status put_flat_or_any(ipc_body *b, const vonk_type *t, parts p, vonk_error *err)
{
    switch (t->id) {
    case VONK_T_NULL: b->nodes[b->n_nodes++] = (ipc_node){(int64_t)p.n_rows, (int64_t)p.n_rows}; return VONK_OK;
    case VONK_T_BOOLEAN: return put_bits(b, p, err);
    case VONK_T_STRING:
    case VONK_T_CHAR:
    case VONK_T_VARCHAR:
    case VONK_T_BINARY: return put_strings(b, t, p, err);
    case VONK_T_ARRAY:
    case VONK_T_MAP: return put_list(b, t, p, err);
    case VONK_T_STRUCT:
    case VONK_T_VARIANT: return put_struct(b, t, p, err);
    case VONK_T_GEOMETRY:
    case VONK_T_GEOGRAPHY: return put_spatial(b, t, p, err);
    default: return put_fixed(b, t, p, err);
    }
}

static bool is_nested(const vonk_type *t)
{
    return t->storage == VONK_STORE_SPAN || (t->storage == VONK_STORE_NONE && t->id != VONK_T_NULL);
}

static vonk_status put_column(ipc_body *b, const vonk_type *type, parts p, vonk_error *err)
{
    const vonk_type *t = stored_type(type);
    bool coded = false;
    for (size_t i = 0; i < p.n; i++) coded |= p.at[i].c->encoding == VONK_DICTIONARY;
    if (!coded || !is_nested(t)) return put_flat_or_any(b, t, p, err);
    /* Dictionaries of nested values are rare: they are flattened first. */
    part *flat = NULL;
    size_t made = 0;
    VONK_TRY(vonk_alloc_array(b->budget, p.n, sizeof *flat, &flat, err));
    vonk_status st = VONK_OK;
    for (; made < p.n && st == VONK_OK; made += st == VONK_OK) {
        vonk_column *column = NULL;
        st = vonk_column_flatten(b->budget, p.at[made].c, &column, err);
        flat[made] = (part){column, p.at[made].idx, p.at[made].n};
    }
    if (st == VONK_OK) st = put_flat_or_any(b, t, (parts){flat, p.n, p.n_rows}, err);
    for (size_t i = 0; i < made; i++) vonk_column_unref((vonk_column *)(uintptr_t)flat[i].c);
    vonk_free(flat);
    return st;
}

vonk_status vonk__ipc_put_columns(ipc_body *b, const vonk_batch *const *batches, size_t n, const vonk_type *struct_type,
                                  vonk_error *err)
{
    part *at = NULL;
    uint64_t n_rows = 0;
    VONK_TRY(vonk_alloc_array(b->budget, n, sizeof *at, &at, err));
    for (size_t i = 0; i < n; i++) n_rows += batches[i]->n_sel;
    vonk_status st = VONK_OK;
    for (uint32_t c = 0; c < struct_type->n_fields && st == VONK_OK; c++) {
        for (size_t i = 0; i < n; i++) at[i] = (part){batches[i]->columns[c], batches[i]->sel, batches[i]->n_sel};
        st = put_column(b, struct_type->fields[c].type, (parts){at, n, n_rows}, err);
    }
    vonk_free(at);
    return st;
}

/* ---- sizes */
static size_t string_bytes(const part *p)
{
    const vonk_view *views = values_of(p->c)->data;
    uint32_t place[PIECE];
    size_t bytes = 0;
    for (uint32_t i = 0; i < p->n; i += PIECE) {
        uint32_t k = p->n - i < PIECE ? p->n - i : PIECE, first = 0;
        const uint32_t *at = places(p, i, k, place, &first);
        for (uint32_t j = 0; j < k; j++) bytes += views[at ? at[j] : first + j].len;
    }
    return bytes + (size_t)p->n * 4;
}

size_t vonk_ipc_row_bytes(const vonk_batch *batch, const vonk_type *struct_type)
{
    size_t bytes = 0;
    for (uint32_t c = 0; c < struct_type->n_fields; c++) {
        const vonk_type *t = stored_type(struct_type->fields[c].type);
        const part p = {batch->columns[c], batch->sel, batch->n_sel};
        if (t->storage == VONK_STORE_VIEW)
            bytes += string_bytes(&p);
        else if (!is_nested(t))
            bytes += batch->n_sel * (arrow_bytes(t) ? arrow_bytes(t) : 1);
        else if (batch->n_rows > 0)
            bytes += (size_t)((uint64_t)vonk_column_bytes(p.c) * batch->n_sel / batch->n_rows);
    }
    return bytes;
}
