/* tests/fuzz/pb_mutate.h -- changes an encoded message by the field table, so that what comes out is a message again: fields go,
 * come, are repeated, replaced by others of their kind, nested in themselves. For libFuzzer's custom mutators.
 *
 * pb_tree lists the fields of a message; field 0 is the message itself. pb_emit writes it again with one edit. */
#ifndef VONK_TESTS_PB_MUTATE_H
#define VONK_TESTS_PB_MUTATE_H

#include "net/proto.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t bytes, size_t most);

enum { PB_MOST_NODES = 4000, PB_MOST_NESTED = 2500 };

typedef struct pb_node {
    const uint8_t *from, *at, *end; /* with its tag; payload */
    int            field, type;     /* PB field id, 0: not in the table; message id, -1: not a message */
    uint8_t        wire;
    uint32_t       parent, after;   /* after: behind the last node inside of it */
} pb_node;
typedef struct pb_tree {
    pb_node  nodes[PB_MOST_NODES];
    uint32_t n;
} pb_tree;

typedef struct pb_out {
    uint8_t *at;
    size_t   n, room;
    bool     is_full;
} pb_out;

static inline bool pb_varint(const uint8_t **at, const uint8_t *end, uint64_t *ret)
{
    *ret = 0;
    for (int shift = 0; *at < end && shift < 64; shift += 7) {
        uint8_t byte = *(*at)++;
        *ret |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return true;
    }
    return false;
}

static inline int pb_field_of(const vonk_pb_schema *s, int type, uint64_t number)
{
    const vonk_pb_type *t = &s->types[type];
    for (int i = 0; i < t->n_fields; i++)
        if (s->fields[t->first_field + i].number == number) return t->first_field + i;
    return 0;
}

/* One field's head and payload; false: no field begins here. */
static inline bool pb_read_node(const vonk_pb_schema *s, int type, const uint8_t **at, const uint8_t *end, pb_node *ret)
{
    uint64_t tag, n = 0;
    *ret = (pb_node){.from = *at, .type = -1};
    if (!pb_varint(at, end, &tag)) return false;
    ret->wire = tag & 7;
    ret->field = pb_field_of(s, type, tag >> 3);
    ret->at = *at;
    if (ret->wire == 0) {
        if (!pb_varint(at, end, &n)) return false;
    } else if (ret->wire == 1 || ret->wire == 5) {
        n = ret->wire == 1 ? 8 : 4;
        if ((size_t)(end - *at) < n) return false;
        *at += n;
    } else if (ret->wire == 2) {
        if (!pb_varint(at, end, &n) || (size_t)(end - *at) < n) return false;
        ret->at = *at;
        *at += n;
        if (ret->field && s->fields[ret->field].kind == VONK_PB_MESSAGE) ret->type = s->fields[ret->field].holds;
    } else {
        return false;
    }
    ret->end = *at;
    return true;
}

/* Fields in the order of the bytes, those of inner messages behind their message. Bytes that are no field end their message. */
static inline void pb_parse(const vonk_pb_schema *s, int message, const uint8_t *data, size_t bytes, pb_tree *ret)
{
    uint32_t open = 0, depth = 0;
    ret->nodes[0] = (pb_node){.from = data, .at = data, .end = data + bytes, .type = message, .wire = 2, .after = 1};
    ret->n = 1;
    const uint8_t *at = data;
    for (;;) {
        pb_node *in = &ret->nodes[open];
        pb_node  one;
        if (at >= in->end || ret->n == PB_MOST_NODES || !pb_read_node(s, in->type, &at, in->end, &one)) {
            in->after = ret->n;
            if (open == 0) return;
            at = in->end;
            open = in->parent;
            depth--;
            continue;
        }
        one.parent = open;
        one.after = ret->n + 1;
        if (one.type >= 0 && depth < PB_MOST_NESTED) {
            open = ret->n;
            at = one.at;
            depth++;
        } else {
            one.type = -1;
        }
        ret->nodes[ret->n++] = one;
    }
}

static inline void pb_put(pb_out *o, const void *data, size_t n)
{
    if (n > o->room - o->n) o->is_full = true;
    if (o->is_full) return;
    if (n) memmove(o->at + o->n, data, n);
    o->n += n;
}

static inline void pb_put_varint(pb_out *o, uint64_t v)
{
    for (; v >= 0x80; v >>= 7) pb_put(o, &(uint8_t){(uint8_t)(v | 0x80)}, 1);
    pb_put(o, &(uint8_t){(uint8_t)v}, 1);
}

static inline void pb_put_text(pb_out *o, const vonk_pb_schema *s, int field, const void *data, size_t n)
{
    pb_put_varint(o, (uint64_t)s->fields[field].number << 3 | 2);
    pb_put_varint(o, n);
    pb_put(o, data, n);
}

/* The message again, with the bytes [from, to) of it replaced; `inside`: the node whose payload holds them. The heads of all messages around
 * it get their new lengths: innermost first, each level from the one before. Result in `a` or `b`, whichever is returned. */
static inline pb_out *pb_splice(const pb_tree *t, uint32_t inside, const uint8_t *from, const uint8_t *to, const void *with,
                                size_t n, pb_out *a, pb_out *b)
{
    pb_out *now = a, *next = b;
    const pb_node *in = &t->nodes[inside];
    now->n = 0;
    pb_put(now, in->at, (size_t)(from - in->at));
    pb_put(now, with, n);
    pb_put(now, to, (size_t)(in->end - to));
    while (inside != 0) {
        const pb_node *above = &t->nodes[in->parent];
        const uint8_t *tag_end = in->from;
        uint64_t       tag;
        pb_varint(&tag_end, in->end, &tag);
        next->n = 0;
        next->is_full = now->is_full;
        pb_put(next, above->at, (size_t)(tag_end - above->at));
        pb_put_varint(next, now->n);
        pb_put(next, now->at, now->n);
        pb_put(next, in->end, (size_t)(above->end - in->end));
        inside = in->parent;
        in = above;
        pb_out *other = now;
        now = next;
        next = other;
    }
    return now;
}

/* ---- choices */

typedef struct pb_random {
    uint64_t state;
} pb_random;

static inline uint32_t pb_below(pb_random *r, uint32_t n)
{
    r->state = r->state * 6364136223846793005u + 1442695040888963407u;
    return n ? (uint32_t)((r->state >> 33) % n) : 0;
}

/* A node whose message is of this type; 0: none but the whole. */
static inline uint32_t pb_pick_of_type(const pb_tree *t, int type, pb_random *r)
{
    uint32_t found = 0, n = 0;
    for (uint32_t i = 1; i < t->n; i++)
        if (t->nodes[i].type == type && pb_below(r, ++n) == 0) found = i;
    return found;
}

/* A field of the message that it may have got, with a payload from elsewhere or of its own making. */
static inline void pb_make_field(const vonk_pb_schema *s, const pb_tree *from, int type, pb_random *r, pb_out *to)
{
    static const int64_t numbers[] = {0, 1, 2, 3, -1, 7, 38, 100, 255, 65536, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
    static const char *const texts[] = {"", "a", "b", "*", "id", "sum", "+", "count", "int", "a.b", "SELECT 1", "first", "=="};
    const vonk_pb_type *t = &s->types[type];
    if (t->n_fields == 0) return;
    int                  field = t->first_field + (int)pb_below(r, t->n_fields);
    const vonk_pb_field *f = &s->fields[field];
    uint32_t             give = f->kind == VONK_PB_MESSAGE ? pb_pick_of_type(from, f->holds, r) : 0;
    const char          *text = texts[pb_below(r, VONK_COUNTOF(texts))];
    int64_t              number = numbers[pb_below(r, VONK_COUNTOF(numbers))];
    switch (f->kind) {
    case VONK_PB_MESSAGE: {
        const pb_node *node = &from->nodes[give];
        pb_put_text(to, s, field, node->at, give ? (size_t)(node->end - node->at) : 0);
        break;
    }
    case VONK_PB_STRING:
    case VONK_PB_BYTES: pb_put_text(to, s, field, text, strlen(text)); break;
    case VONK_PB_DOUBLE:
    case VONK_PB_FIXED64:
    case VONK_PB_SFIXED64:
        pb_put_varint(to, (uint64_t)f->number << 3 | 1);
        pb_put(to, &number, 8);
        break;
    case VONK_PB_FLOAT:
    case VONK_PB_FIXED32:
    case VONK_PB_SFIXED32:
        pb_put_varint(to, (uint64_t)f->number << 3 | 5);
        pb_put(to, &number, 4);
        break;
    default:
        pb_put_varint(to, (uint64_t)f->number << 3);
        pb_put_varint(to, (uint64_t)number);
        break;
    }
}

/* The message's own way from an outer one of its type down to it, some more times: depth. *ret gets what stands in its place. */
static inline void pb_deepen(const pb_tree *t, uint32_t node, pb_random *r, pb_out *ret, pb_out *scratch)
{
    uint32_t outer = t->nodes[node].parent;
    while (outer != 0 && t->nodes[outer].type != t->nodes[node].type) outer = t->nodes[outer].parent;
    const pb_node *in = &t->nodes[node], *out = &t->nodes[outer];
    if (outer == 0 && out->type != in->type) outer = node;
    pb_put(ret, in->at, (size_t)(in->end - in->at));
    for (uint32_t times = 1 + pb_below(r, 1u << pb_below(r, 10)); outer != node && times > 0 && !ret->is_full; times--) {
        for (uint32_t i = node; i != outer; i = t->nodes[i].parent) { /* one level: around what is there */
            const pb_node *inner = &t->nodes[i], *above = &t->nodes[inner->parent];
            const uint8_t *tag_end = inner->from;
            uint64_t       tag;
            pb_varint(&tag_end, inner->end, &tag);
            scratch->n = 0;
            pb_put(scratch, above->at, (size_t)(tag_end - above->at));
            pb_put_varint(scratch, ret->n);
            pb_put(scratch, ret->at, ret->n);
            pb_put(scratch, inner->end, (size_t)(above->end - inner->end));
            ret->is_full |= scratch->is_full;
            ret->n = 0;
            pb_put(ret, scratch->at, scratch->n);
        }
    }
}

/* Changes `data` in place; other: where fields may come from (a second message of the same kind, or the same). */
static inline size_t pb_mutate(const vonk_pb_schema *s, int message, uint8_t *data, size_t bytes, size_t most, const pb_tree *other,
                               unsigned seed, pb_out *a, pb_out *b, pb_out *c, pb_out *d)
{
    static pb_tree tree;
    pb_random      r = {seed * UINT64_C(2654435761) + 1};
    pb_parse(s, message, data, bytes, &tree);
    if (!other) other = &tree;
    uint32_t       k = tree.n > 1 ? 1 + pb_below(&r, tree.n - 1) : 0;
    const pb_node *node = &tree.nodes[k];
    pb_out        *now = NULL;
    a->n = b->n = c->n = d->n = 0;
    a->is_full = b->is_full = c->is_full = d->is_full = false;
    if (k == 0) {
        pb_make_field(s, other, message, &r, c);
        now = pb_splice(&tree, 0, data, data, c->at, c->n, a, b);
    } else if (node->type >= 0) {
        uint32_t give = pb_pick_of_type(other, node->type, &r);
        switch (pb_below(&r, 8)) {
        case 0: now = pb_splice(&tree, node->parent, node->from, node->end, NULL, 0, a, b); break;
        case 1:
        case 2: /* one more field, at either end */
            pb_make_field(s, other, node->type, &r, c);
            now = pb_splice(&tree, k, r.state >> 40 & 1 ? node->at : node->end, r.state >> 40 & 1 ? node->at : node->end, c->at,
                            c->n, a, b);
            break;
        case 3: now = pb_splice(&tree, node->parent, node->from, node->from, node->from, (size_t)(node->end - node->from), a, b); break;
        case 4:
            pb_deepen(&tree, k, &r, c, d);
            now = pb_splice(&tree, k, node->at, node->end, c->at, c->n, a, b);
            break;
        default:
            if (give) now = pb_splice(&tree, k, node->at, node->end, other->nodes[give].at, (size_t)(other->nodes[give].end - other->nodes[give].at), a, b);
            break;
        }
    } else if (node->wire == 2) { /* a text: its bytes */
        pb_put(c, node->at, (size_t)(node->end - node->at));
        if (!c->is_full) c->n = LLVMFuzzerMutate(c->at, c->n, vonk_min_size(c->room, c->n + 16));
        pb_put_varint(d, (uint64_t)(node->field ? s->fields[node->field].number : 1) << 3 | 2);
        pb_put_varint(d, c->n);
        pb_put(d, c->at, c->n);
        now = pb_splice(&tree, node->parent, node->from, node->end, d->at, d->n, a, b);
    } else if (pb_below(&r, 4) == 0 || node->wire != 0) {
        now = pb_splice(&tree, node->parent, node->from, node->end, NULL, 0, a, b);
    } else {
        static const int64_t numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, -1, 38, 1000, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
        pb_put_varint(c, (uint64_t)numbers[pb_below(&r, VONK_COUNTOF(numbers))]);
        now = pb_splice(&tree, node->parent, node->at, node->end, c->at, c->n, a, b);
    }
    if (!now || now->is_full || c->is_full || d->is_full || now->n > most) return bytes;
    memcpy(data, now->at, now->n);
    return now->n;
}

#endif
