/* tests/fuzz/pb_rewrite.h -- writes a decoded message anew, field by field, by the table alone. Unknown fields are gone afterwards, the
 * order is the table's; everything else must be the same message. For tests. */
#ifndef VONK_TESTS_PB_REWRITE_H
#define VONK_TESTS_PB_REWRITE_H

#include "net/proto.h"

static void pb_rewrite(vonk_pb_writer *w, const vonk_pb_msg *m);

static void pb_rewrite_field(vonk_pb_writer *w, const vonk_pb_msg *m, int id)
{
    const vonk_pb_field *f = &m->schema->fields[id];
    bool                 repeated = f->flags & VONK_PB_REPEATED;
    size_t               n = repeated ? vonk_pb_n(m, id) : vonk_pb_has(m, id);
    for (size_t i = 0; i < n; i++) {
        switch (f->kind) {
        case VONK_PB_MESSAGE: {
            size_t mark = vonk_pb_begin(w, id);
            pb_rewrite(w, repeated ? vonk_pb_msg_at(m, id, i) : vonk_pb_get_msg(m, id));
            vonk_pb_end(w, mark);
            break;
        }
        case VONK_PB_STRING:
        case VONK_PB_BYTES: vonk_pb_put_str(w, id, repeated ? vonk_pb_str_at(m, id, i) : vonk_pb_str(m, id)); break;
        case VONK_PB_FLOAT:
        case VONK_PB_DOUBLE: vonk_pb_put_f64(w, id, repeated ? vonk_pb_f64_at(m, id, i) : vonk_pb_f64(m, id)); break;
        default: vonk_pb_put_i64(w, id, repeated ? vonk_pb_i64_at(m, id, i) : vonk_pb_i64(m, id)); break;
        }
    }
}

static void pb_rewrite(vonk_pb_writer *w, const vonk_pb_msg *m)
{
    const vonk_pb_type *t = &m->schema->types[m->type];
    for (int i = 0; i < t->n_fields; i++) pb_rewrite_field(w, m, t->first_field + i);
}

#endif
