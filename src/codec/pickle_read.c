#include "codec/pickle_int.h"

#include "base/utf8.h"

typedef vonk__pickle_reader reader;
typedef vonk_pickle_value value;
typedef vonk__pickle_box box;

#define SLAB_FIRST 1024
#define SLAB_MOST 65536

static const value none_value = {.kind = VONK_PICKLE_NONE};
static const value bools[2] = {{.kind = VONK_PICKLE_BOOL}, {.kind = VONK_PICKLE_BOOL, .i = 1}};

/* Shared constants are never written to: only boxes are. */
static value *constant(const value *v)
{
    value *plain;
    memcpy(&plain, &v, sizeof(plain));
    return plain;
}

vonk_status vonk__pickle_raise(const reader *r, const char *what, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                     VONK_F("pickle: %s (byte %zu)", what, (size_t)(r->op_at - r->begin)));
}

static inline vonk_status too_short(const reader *r, vonk_error *err)
{
    return vonk__pickle_fail(r, "it ends in the middle of an instruction", err);
}

vonk_status vonk__pickle_alloc(reader *r, size_t bytes, void *ret, vonk_error *err)
{
    bytes = (bytes + 7) & ~(size_t)7;
    if (VONK_UNLIKELY(bytes > r->slab_left)) {
        if (bytes > SLAB_MOST / 4) return vonk_arena_alloc(r->arena, bytes, ret, err);
        r->slab_bytes = r->slab_bytes < SLAB_MOST ? r->slab_bytes * 2 : SLAB_MOST;
        if (r->slab_bytes < bytes) r->slab_bytes = SLAB_MOST;
        r->slab_left = 0;
        VONK_TRY(vonk_arena_alloc(r->arena, r->slab_bytes, &r->slab, err));
        r->slab_left = r->slab_bytes;
    }
    char *at = r->slab;
    memcpy(ret, &at, sizeof(at));
    r->slab += bytes;
    r->slab_left -= bytes;
    return VONK_OK;
}

static inline vonk_status take(reader *r, size_t n, const uint8_t **ret, vonk_error *err)
{
    if (VONK_UNLIKELY(n > (size_t)(r->end - r->at))) return too_short(r, err);
    *ret = r->at;
    r->at += n;
    return VONK_OK;
}

/* Little-endian unsigned of 1, 2, 4 or 8 bytes. */
static inline vonk_status take_uint(reader *r, size_t n, uint64_t *ret, vonk_error *err)
{
    const uint8_t *p = NULL;
    uint64_t u = 0;
    VONK_TRY(take(r, n, &p, err));
    assert(p);
    for (size_t i = 0; i < n; i++) u |= (uint64_t)p[i] << (8 * i);
    *ret = u;
    return VONK_OK;
}

static inline vonk_status push(reader *r, value *v, vonk_error *err)
{
    return VONK_VEC_PUSH(&r->stack, r->budget, v, err);
}

/* The lowest stack height that opcodes may take from: what lies below the last mark is out of reach. */
static inline size_t ground(const reader *r) { return r->marks.n ? r->marks.at[r->marks.n - 1] : 0; }

static inline vonk_status pop(reader *r, value **ret, vonk_error *err)
{
    if (VONK_UNLIKELY(r->stack.n <= ground(r))) return vonk__pickle_fail(r, "nothing on the stack", err);
    *ret = r->stack.at[--r->stack.n];
    return VONK_OK;
}

static inline vonk_status top(reader *r, value **ret, vonk_error *err)
{
    if (VONK_UNLIKELY(r->stack.n <= ground(r))) return vonk__pickle_fail(r, "nothing on the stack", err);
    *ret = r->stack.at[r->stack.n - 1];
    return VONK_OK;
}

/* The values since the last mark; they stay valid until the next push. */
static vonk_status pop_marked(reader *r, value ***ret, size_t *ret_n, vonk_error *err)
{
    if (r->marks.n == 0) return vonk__pickle_fail(r, "no mark", err);
    size_t from = r->marks.at[--r->marks.n];
    *ret_n = r->stack.n - from;
    *ret = r->stack.at ? r->stack.at + from : NULL;
    r->stack.n = from;
    return VONK_OK;
}

static inline vonk_status push_scalar(reader *r, value v, vonk_error *err)
{
    value *made;
    VONK_TRY(vonk__pickle_alloc(r, sizeof(*made), &made, err));
    *made = v;
    return push(r, made, err);
}

vonk_status vonk__pickle_box_new(reader *r, vonk_pickle_kind kind, uint32_t capacity, box **ret, vonk_error *err)
{
    box *made;
    VONK_TRY(vonk__pickle_alloc(r, sizeof(*made), &made, err));
    *made = (box){.v = {.kind = kind}, .depth = 1, .size = 1, .capacity = capacity};
    if (capacity) VONK_TRY(vonk__pickle_alloc(r, capacity * sizeof(value *), &made->v.items, err));
    *ret = made;
    return VONK_OK;
}

static vonk_status grow(reader *r, box *b, size_t n, vonk_error *err)
{
    size_t wanted = b->v.n_items + n, capacity = b->capacity < wanted / 2 ? wanted : (size_t)b->capacity * 2;
    const value **items;
    if (wanted > UINT32_MAX / 2) return vonk__pickle_fail(r, "too many items", err);
    if (capacity < wanted) capacity = wanted;
    VONK_TRY(vonk__pickle_alloc(r, capacity * sizeof(value *), &items, err));
    if (b->v.n_items) memcpy(items, b->v.items, b->v.n_items * sizeof(value *));
    b->v.items = items;
    b->capacity = (uint32_t)capacity;
    return VONK_OK;
}

/* Counts what goes into a box. */
static inline void adopt(box *b, value *item)
{
    if (!vonk__pickle_is_box(item)) {
        b->size++;
        return;
    }
    box *inner = (box *)item;
    inner->held = true;
    if (b->depth <= inner->depth) b->depth = inner->depth + 1;
    b->size += inner->size;
    if (b->size > VONK_PICKLE_MAX_VALUES) b->size = VONK_PICKLE_MAX_VALUES + 1; /* never wraps around */
}

static inline vonk_status within_limits(const reader *r, const box *b, vonk_error *err)
{
    if (VONK_UNLIKELY(b->depth > VONK_PICKLE_MAX_DEPTH)) return vonk__pickle_fail(r, "too deep", err);
    if (VONK_UNLIKELY(b->size > VONK_PICKLE_MAX_VALUES)) return vonk__pickle_fail(r, "too many values", err);
    return VONK_OK;
}

vonk_status vonk__pickle_extend(reader *r, box *b, value *const *items, size_t n, vonk_error *err)
{
    if (b->held) r->check = true;
    if (n > b->capacity - b->v.n_items) VONK_TRY(grow(r, b, n, err));
    for (size_t i = 0; i < n; i++) {
        b->v.items[b->v.n_items + i] = items[i];
        adopt(b, items[i]);
    }
    b->v.n_items += (uint32_t)n;
    return within_limits(r, b, err);
}

/* Pushes a new box with these items, which may lie in the stack's free part. */
static vonk_status push_box(reader *r, vonk_pickle_kind kind, value *const *items, size_t n, vonk_error *err)
{
    box *made;
    if (n > UINT32_MAX / 2) return vonk__pickle_fail(r, "too many items", err);
    VONK_TRY(vonk__pickle_box_new(r, kind, (uint32_t)n, &made, err));
    if (n) VONK_TRY(vonk__pickle_extend(r, made, items, n, err));
    return push(r, &made->v, err);
}

static inline vonk_status push_last(reader *r, size_t n, vonk_error *err)
{
    if (r->stack.n < ground(r) + n) return vonk__pickle_fail(r, "nothing on the stack", err);
    r->stack.n -= n;
    return push_box(r, VONK_PICKLE_TUPLE, r->stack.at + r->stack.n, n, err);
}

static vonk_status push_marked(reader *r, vonk_pickle_kind kind, vonk_error *err)
{
    value **items = NULL;
    size_t n = 0;
    VONK_TRY(pop_marked(r, &items, &n, err));
    if (kind == VONK_PICKLE_DICT && n % 2) return vonk__pickle_fail(r, "a key without a value", err);
    return push_box(r, kind, items, n, err);
}

/* ---- memo */
static inline vonk_status memo_put(reader *r, size_t at, vonk_error *err)
{
    value *v = NULL;
    VONK_TRY(top(r, &v, err));
    if (VONK_UNLIKELY(at >= r->memo_capacity)) {
        /* An honest pickle numbers its values from 0, and each takes a byte at least. */
        if (at > (size_t)(r->end - r->begin)) return vonk__pickle_fail(r, "memo index out of bounds", err);
        size_t capacity = r->memo_capacity ? r->memo_capacity * 2 : 16;
        if (capacity <= at) capacity = at + 1;
        VONK_TRY(vonk_realloc(r->budget, &r->memo, capacity * sizeof(value *), err));
        memset(r->memo + r->memo_capacity, 0, (capacity - r->memo_capacity) * sizeof(value *));
        r->memo_capacity = capacity;
    }
    if (!r->memo[at]) r->memo_next++;
    r->memo[at] = v;
    return VONK_OK;
}

static inline vonk_status memo_get(reader *r, uint64_t at, vonk_error *err)
{
    if (VONK_UNLIKELY(at >= r->memo_capacity || !r->memo[at])) return vonk__pickle_fail(r, "no such memo entry", err);
    value *v = r->memo[at];
    if (vonk__pickle_is_box(v)) ((box *)v)->held = true;
    return push(r, v, err);
}

/* ---- changing what is on top of the stack */
/* items[3] (appended ones) or items[4] (set ones) of an OBJECT. */
static vonk_status object_part(reader *r, box *object, uint32_t part, box **ret, vonk_error *err)
{
    if (object->v.n_items == 3) {
        value *const more[3] = {constant(&none_value), constant(&none_value), constant(&none_value)};
        VONK_TRY(vonk__pickle_extend(r, object, more, 3, err));
    }
    const value *old = object->v.items[part];
    if (old->kind == VONK_PICKLE_NONE) {
        VONK_TRY(vonk__pickle_box_new(r, part == 3 ? VONK_PICKLE_LIST : VONK_PICKLE_DICT, 0, ret, err));
        object->v.items[part] = &(*ret)->v;
        return VONK_OK;
    }
    memcpy(ret, &object->v.items[part], sizeof(*ret));
    return VONK_OK;
}

static vonk_status change(reader *r, value *target, vonk_pickle_kind wanted, value *const *items, size_t n,
                          vonk_error *err)
{
    if (wanted == VONK_PICKLE_DICT && n % 2) return vonk__pickle_fail(r, "a key without a value", err);
    assert(target);
    if (target->kind == wanted) return vonk__pickle_extend(r, (box *)target, items, n, err);
    if (target->kind != VONK_PICKLE_OBJECT || wanted == VONK_PICKLE_SET)
        return vonk__pickle_fail(r, "items for something that takes none", err);
    box *object = (box *)target, *part;
    if (n == 0) return VONK_OK;
    if (object->held) r->check = true;
    VONK_TRY(object_part(r, object, wanted == VONK_PICKLE_LIST ? 3 : 4, &part, err));
    uint64_t before = part->size;
    VONK_TRY(vonk__pickle_extend(r, part, items, n, err));
    if (object->depth <= part->depth) object->depth = part->depth + 1;
    object->size += part->size - before;
    return within_limits(r, object, err);
}

static vonk_status change_one(reader *r, vonk_pickle_kind wanted, size_t n, vonk_error *err)
{
    value *target = NULL;
    if (r->stack.n < ground(r) + n) return vonk__pickle_fail(r, "nothing on the stack", err);
    r->stack.n -= n;
    value **items = r->stack.at + r->stack.n;
    VONK_TRY(top(r, &target, err));
    return change(r, target, wanted, items, n, err);
}

static vonk_status change_marked(reader *r, vonk_pickle_kind wanted, vonk_error *err)
{
    value **items = NULL, *target = NULL;
    size_t n = 0;
    VONK_TRY(pop_marked(r, &items, &n, err));
    VONK_TRY(top(r, &target, err));
    return change(r, target, wanted, items, n, err);
}

static vonk_status build(reader *r, vonk_error *err)
{
    value *state, *target;
    VONK_TRY(pop(r, &state, err));
    VONK_TRY(top(r, &target, err));
    if (target->kind != VONK_PICKLE_OBJECT) return vonk__pickle_fail(r, "a state for something that has none", err);
    box *object = (box *)target;
    if (object->v.items[2]->kind != VONK_PICKLE_NONE) return vonk__pickle_fail(r, "a second state", err);
    if (object->held) r->check = true;
    object->v.items[2] = state;
    adopt(object, state);
    return within_limits(r, object, err);
}

/* ---- classes and calls */
static vonk_status push_global(reader *r, vonk_str module, vonk_str name, vonk_error *err)
{
    char *text;
    if (module.len == 0 || name.len == 0 || !vonk_utf8_valid(module) || !vonk_utf8_valid(name))
        return vonk__pickle_fail(r, "no name of a class", err);
    if (module.len > UINT32_MAX) return vonk__pickle_fail(r, "a name is too long", err);
    VONK_TRY(vonk__pickle_alloc(r, module.len + 1 + name.len, &text, err));
    memcpy(text, module.data, module.len);
    text[module.len] = '.';
    memcpy(text + module.len + 1, name.data, name.len);
    return push_scalar(
        r,
        (value){.kind = VONK_PICKLE_GLOBAL, .n_items = (uint32_t)module.len, .text = {text, module.len + 1 + name.len}},
        err);
}

/* Below protocol 3 names are those of Python 2. */
static void modern_name(vonk_str *module, vonk_str *name)
{
    static const char *const renamed[][2] = {
        {"xrange", "range"}, {"unicode", "str"}, {"long", "int"}, {"unichr", "chr"}};
    if (vonk_str_is(*module, "copy_reg")) *module = VONK_STR("copyreg");
    if (vonk_str_is(*module, "exceptions")) *module = VONK_STR("builtins");
    if (!vonk_str_is(*module, "__builtin__")) return;
    *module = VONK_STR("builtins");
    for (size_t i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++)
        if (vonk_str_is(*name, renamed[i][0])) *name = vonk_str_of(renamed[i][1]);
}

static vonk_status take_line(reader *r, vonk_str *ret, vonk_error *err)
{
    const uint8_t *end = memchr(r->at, '\n', (size_t)(r->end - r->at));
    if (!end) return too_short(r, err);
    *ret = (vonk_str){(const char *)r->at, (size_t)(end - r->at)};
    r->at = end + 1;
    return VONK_OK;
}

static vonk_status op_global(reader *r, uint8_t op, vonk_error *err)
{
    vonk_str module, name;
    if (op == OP_STACK_GLOBAL) {
        value *n, *m;
        VONK_TRY(pop(r, &n, err));
        VONK_TRY(pop(r, &m, err));
        if (n->kind != VONK_PICKLE_STRING || m->kind != VONK_PICKLE_STRING)
            return vonk__pickle_fail(r, "no name of a class", err);
        return push_global(r, m->text, n->text, err);
    }
    VONK_TRY(take_line(r, &module, err));
    VONK_TRY(take_line(r, &name, err));
    if (r->protocol < 3) modern_name(&module, &name);
    return push_global(r, module, name, err);
}

static vonk_status push_call(reader *r, value *maker, value *args, bool by_new, vonk_error *err)
{
    value *made;
    assert(maker && args);
    if (args->kind != VONK_PICKLE_TUPLE) return vonk__pickle_fail(r, "arguments that are no tuple", err);
    if (maker->kind != VONK_PICKLE_GLOBAL && maker->kind != VONK_PICKLE_OBJECT)
        return vonk__pickle_fail(r, "a call of something that is no class", err);
    VONK_TRY(vonk__pickle_call(r, maker, args, by_new, &made, err));
    if (vonk__pickle_is_box(made)) VONK_TRY(within_limits(r, (box *)made, err));
    return push(r, made, err);
}

static vonk_status op_call(reader *r, uint8_t op, vonk_error *err)
{
    value *maker = NULL, *args = NULL, *named = NULL;
    if (op == OP_NEWOBJ_EX) VONK_TRY(pop(r, &named, err));
    VONK_TRY(pop(r, &args, err));
    VONK_TRY(pop(r, &maker, err));
    VONK_TRY(push_call(r, maker, args, op != OP_REDUCE, err));
    if (!named) return VONK_OK;
    if (named->kind != VONK_PICKLE_DICT) return vonk__pickle_fail(r, "keyword arguments that are no dict", err);
    if (named->n_items == 0) return VONK_OK;
    VONK_TRY(top(r, &maker, err));
    if (maker->kind != VONK_PICKLE_OBJECT) return vonk__pickle_fail(r, "keyword arguments for a plain value", err);
    value *const more[3] = {constant(&none_value), constant(&none_value), named};
    return vonk__pickle_extend(r, (box *)maker, more, 3, err);
}

/* INST and OBJ, for Python 2's old classes: a class and marked arguments. */
static vonk_status op_instance(reader *r, uint8_t op, vonk_error *err)
{
    value **items, *maker, *args;
    size_t n;
    VONK_TRY(pop_marked(r, &items, &n, err));
    if (op == OP_OBJ && n == 0) return vonk__pickle_fail(r, "an instance of no class", err);
    if (op == OP_OBJ) {
        maker = *items++;
        n--;
        VONK_TRY(push_box(r, VONK_PICKLE_TUPLE, items, n, err));
        VONK_TRY(pop(r, &args, err));
    } else {
        VONK_TRY(push_box(r, VONK_PICKLE_TUPLE, items, n, err));
        VONK_TRY(pop(r, &args, err));
        VONK_TRY(op_global(r, OP_GLOBAL, err));
        VONK_TRY(pop(r, &maker, err));
    }
    return push_call(r, maker, args, false, err);
}

/* ---- numbers and texts */
void vonk__pickle_long(const uint8_t *bytes, size_t n, value *ret)
{
    while (n > 1 && ((bytes[n - 1] == 0 && bytes[n - 2] < 0x80) || (bytes[n - 1] == 0xff && bytes[n - 2] >= 0x80))) n--;
    if (n > 8) {
        *ret = (value){.kind = VONK_PICKLE_LONG, .text = {(const char *)bytes, n}};
        return;
    }
    uint64_t u = n && bytes[n - 1] >= 0x80 ? UINT64_MAX : 0;
    for (size_t i = n; i-- > 0;) u = u << 8 | bytes[i];
    *ret = (value){.kind = VONK_PICKLE_INT, .i = (int64_t)u};
}

static inline vonk_status push_i64(reader *r, int64_t i, vonk_error *err)
{
    return push_scalar(r, (value){.kind = VONK_PICKLE_INT, .i = i}, err);
}

/* Bytes behind their length, which has `width` bytes. */
static inline vonk_status push_text(reader *r, vonk_pickle_kind kind, size_t width, vonk_error *err)
{
    uint64_t n;
    const uint8_t *p = NULL;
    VONK_TRY(take_uint(r, width, &n, err));
    if (n > (uint64_t)(r->end - r->at)) return too_short(r, err);
    VONK_TRY(take(r, (size_t)n, &p, err));
    vonk_str text = {(const char *)p, (size_t)n};
    if (kind == VONK_PICKLE_LONG) {
        value v;
        vonk__pickle_long(p, (size_t)n, &v);
        return push_scalar(r, v, err);
    }
    if (kind == VONK_PICKLE_STRING && VONK_UNLIKELY(!vonk_utf8_valid(text)))
        return vonk__pickle_fail(r, "a text that is not UTF-8", err);
    return push_scalar(r, (value){.kind = kind, .text = text}, err);
}

static inline vonk_status push_f64(reader *r, vonk_error *err)
{
    const uint8_t *p = NULL;
    uint64_t bits = 0;
    value v = {.kind = VONK_PICKLE_FLOAT};
    VONK_TRY(take(r, 8, &p, err));
    assert(p);
    memcpy(&bits, p, 8);
    bits = __builtin_bswap64(bits);
    memcpy(&v.f, &bits, 8);
    return push_scalar(r, v, err);
}

static vonk_status op_text(reader *r, uint8_t op, vonk_error *err)
{
    value v;
    uint64_t at;
    switch (op) {
    case OP_GET:
    case OP_PUT:
        VONK_TRY(vonk__pickle_text_op(r, OP_INT, &v, err));
        if (v.kind != VONK_PICKLE_INT || v.i < 0) return vonk__pickle_fail(r, "no memo index", err);
        at = (uint64_t)v.i;
        return op == OP_GET ? memo_get(r, at, err) : memo_put(r, (size_t)at, err);
    default:
        VONK_TRY(vonk__pickle_text_op(r, op, &v, err));
        if (v.kind == VONK_PICKLE_BOOL) return push(r, constant(&bools[v.i != 0]), err);
        return push_scalar(r, v, err);
    }
}

static vonk_status op_memo(reader *r, uint8_t op, vonk_error *err)
{
    uint64_t at;
    switch (op) {
    case OP_LONG_BINGET: VONK_TRY(take_uint(r, 4, &at, err)); return memo_get(r, at, err);
    case OP_LONG_BINPUT: VONK_TRY(take_uint(r, 4, &at, err)); return memo_put(r, (size_t)at, err);
    case OP_GET:
    case OP_PUT: return op_text(r, op, err);
    default: return memo_put(r, r->memo_next, err);
    }
}

static vonk_status op_stack(reader *r, uint8_t op, vonk_error *err)
{
    value *v, **items;
    size_t n;
    switch (op) {
    case OP_POP: /* of a mark, if that is on top */
        if (r->marks.n && r->marks.at[r->marks.n - 1] == r->stack.n) {
            r->marks.n--;
            return VONK_OK;
        }
        return pop(r, &v, err);
    case OP_POP_MARK: return pop_marked(r, &items, &n, err);
    default:
        VONK_TRY(top(r, &v, err));
        if (vonk__pickle_is_box(v)) ((box *)v)->held = true;
        return push(r, v, err);
    }
}

static vonk_status op_header(reader *r, uint8_t op, vonk_error *err)
{
    uint64_t n;
    VONK_TRY(take_uint(r, op == OP_PROTO ? 1 : 8, &n, err));
    if (op == OP_PROTO && n > 5) return vonk__pickle_fail(r, "a protocol that is not known", err);
    if (op == OP_PROTO) r->protocol = (int)n;
    if (op == OP_FRAME && n > (uint64_t)(r->end - r->at)) return vonk__pickle_fail(r, "a frame without end", err);
    return VONK_OK;
}

/* The rarer instructions. */
static vonk_status step_rare(reader *r, uint8_t op, vonk_error *err)
{
    switch (op) {
    case OP_PROTO:
    case OP_FRAME: return op_header(r, op, err);
    case OP_POP:
    case OP_POP_MARK:
    case OP_DUP: return op_stack(r, op, err);
    case OP_FLOAT:
    case OP_INT:
    case OP_LONG:
    case OP_STRING:
    case OP_BINSTRING:
    case OP_SHORT_BINSTRING:
    case OP_UNICODE: return op_text(r, op, err);
    case OP_GET:
    case OP_PUT:
    case OP_LONG_BINGET:
    case OP_LONG_BINPUT: return op_memo(r, op, err);
    case OP_LONG4: return push_text(r, VONK_PICKLE_LONG, 4, err);
    case OP_BINUNICODE8: return push_text(r, VONK_PICKLE_STRING, 8, err);
    case OP_BINBYTES8: return push_text(r, VONK_PICKLE_BYTES, 8, err);
    case OP_BYTEARRAY8: return push_text(r, VONK_PICKLE_BYTEARRAY, 8, err);
    case OP_DICT: return push_marked(r, VONK_PICKLE_DICT, err);
    case OP_LIST: return push_marked(r, VONK_PICKLE_LIST, err);
    case OP_FROZENSET: return push_marked(r, VONK_PICKLE_FROZENSET, err);
    case OP_EMPTY_SET: return push_box(r, VONK_PICKLE_SET, NULL, 0, err);
    case OP_EMPTY_TUPLE: return push_box(r, VONK_PICKLE_TUPLE, NULL, 0, err);
    case OP_ADDITEMS: return change_marked(r, VONK_PICKLE_SET, err);
    case OP_APPEND: return change_one(r, VONK_PICKLE_LIST, 1, err);
    case OP_SETITEM: return change_one(r, VONK_PICKLE_DICT, 2, err);
    case OP_BUILD: return build(r, err);
    case OP_GLOBAL:
    case OP_STACK_GLOBAL: return op_global(r, op, err);
    case OP_NEWOBJ:
    case OP_NEWOBJ_EX: return op_call(r, op, err);
    case OP_INST:
    case OP_OBJ: return op_instance(r, op, err);
    case OP_PERSID:
    case OP_BINPERSID: return vonk__pickle_fail(r, "persistent ids are not supported", err);
    case OP_NEXT_BUFFER:
    case OP_READONLY_BUFFER: return vonk__pickle_fail(r, "out-of-band buffers are not supported", err);
    case OP_EXT1:
    case OP_EXT2:
    case OP_EXT4: return vonk__pickle_fail(r, "extension codes are not supported", err);
    default: return vonk__pickle_fail(r, VONK_F("an instruction that is not known: 0x%02x", op), err);
    }
}

static inline vonk_status step(reader *r, uint8_t op, vonk_error *err)
{
    uint64_t u;
    switch (op) {
    case OP_MARK: return VONK_VEC_PUSH(&r->marks, r->budget, (uint32_t)r->stack.n, err);
    case OP_NONE: return push(r, constant(&none_value), err);
    case OP_NEWTRUE: return push(r, constant(&bools[1]), err);
    case OP_NEWFALSE: return push(r, constant(&bools[0]), err);
    case OP_BININT1: VONK_TRY(take_uint(r, 1, &u, err)); return push_i64(r, (int64_t)u, err);
    case OP_BININT2: VONK_TRY(take_uint(r, 2, &u, err)); return push_i64(r, (int64_t)u, err);
    case OP_BININT: VONK_TRY(take_uint(r, 4, &u, err)); return push_i64(r, (int32_t)(uint32_t)u, err);
    case OP_LONG1: return push_text(r, VONK_PICKLE_LONG, 1, err);
    case OP_BINFLOAT: return push_f64(r, err);
    case OP_SHORT_BINUNICODE: return push_text(r, VONK_PICKLE_STRING, 1, err);
    case OP_BINUNICODE: return push_text(r, VONK_PICKLE_STRING, 4, err);
    case OP_SHORT_BINBYTES: return push_text(r, VONK_PICKLE_BYTES, 1, err);
    case OP_BINBYTES: return push_text(r, VONK_PICKLE_BYTES, 4, err);
    case OP_MEMOIZE: return memo_put(r, r->memo_next, err);
    case OP_BINPUT: VONK_TRY(take_uint(r, 1, &u, err)); return memo_put(r, (size_t)u, err);
    case OP_BINGET: VONK_TRY(take_uint(r, 1, &u, err)); return memo_get(r, u, err);
    case OP_TUPLE1: return push_last(r, 1, err);
    case OP_TUPLE2: return push_last(r, 2, err);
    case OP_TUPLE3: return push_last(r, 3, err);
    case OP_TUPLE: return push_marked(r, VONK_PICKLE_TUPLE, err);
    case OP_EMPTY_LIST: return push_box(r, VONK_PICKLE_LIST, NULL, 0, err);
    case OP_EMPTY_DICT: return push_box(r, VONK_PICKLE_DICT, NULL, 0, err);
    case OP_APPENDS: return change_marked(r, VONK_PICKLE_LIST, err);
    case OP_SETITEMS: return change_marked(r, VONK_PICKLE_DICT, err);
    case OP_REDUCE: return op_call(r, op, err);
    default: return step_rare(r, op, err);
    }
}

static vonk_status run(reader *r, const value **ret, vonk_error *err)
{
    value *last;
    for (;;) {
        r->op_at = r->at;
        if (r->at == r->end) return too_short(r, err);
        uint8_t op = *r->at++;
        if (op == OP_STOP) break;
        VONK_TRY(step(r, op, err));
    }
    VONK_TRY(pop(r, &last, err));
    if (r->check) VONK_TRY(vonk__pickle_check(r, last, err));
    *ret = last;
    return VONK_OK;
}

vonk_status vonk_pickle_read(vonk_str bytes, vonk_arena *arena, const value **ret, size_t *ret_bytes_read,
                             vonk_error *err)
{
    static const uint8_t nothing[1];
    const uint8_t *begin = bytes.len ? (const uint8_t *)bytes.data : nothing;
    reader r = {.begin = begin,
                .at = begin,
                .op_at = begin,
                .end = begin + bytes.len,
                .arena = arena,
                .budget = vonk_arena_budget(arena),
                .slab_bytes = SLAB_FIRST / 2};
    vonk_status st = bytes.len > UINT32_MAX ? vonk__pickle_fail(&r, "longer than 4 GiB", err) : run(&r, ret, err);
    vonk_free(r.stack.at);
    vonk_free(r.marks.at);
    vonk_free(r.memo);
    if (st == VONK_OK && ret_bytes_read) *ret_bytes_read = (size_t)(r.at - r.begin);
    return st;
}

vonk_str vonk_pickle_class(const value *v)
{
    if (v->kind != VONK_PICKLE_OBJECT || v->items[0]->kind != VONK_PICKLE_GLOBAL) return VONK_STR_NONE;
    return v->items[0]->text;
}
