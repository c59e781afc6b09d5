/* codec/flatbuf.h -- FlatBuffers (flatbuffers.dev/internals) by hand: as much as Arrow's IPC messages need.
 *
 * Writing goes from the end to the front, as the format wants: what is referred to is written first. A "place" is a distance from the end
 * of the message; 0 is none. Reading is checked: every offset and length is compared with the buffer before it is followed. */
#ifndef VONK_CODEC_FLATBUF_H
#define VONK_CODEC_FLATBUF_H

#include "base/buf.h"
#include "base/cursor.h"

/* ---- writing. Storage belongs to the caller; not thread-safe. After an error only done() may follow. */
#define VONK_FLAT_FIELDS 8 /* most fields of a table */

typedef struct vonk_flat {
    vonk_budget *budget;
    uint8_t     *bytes;
    size_t       capacity, n; /* the message is the last n bytes */
    uint32_t     table_start, fields[VONK_FLAT_FIELDS];
    uint32_t     n_fields;
    size_t       align; /* largest so far */
} vonk_flat;

void vonk_flat_init(vonk_flat *f, vonk_budget *budget);
void vonk_flat_done(vonk_flat *f); /* accepts zeroed storage */
VONK_DEFINE_AUTO_DONE(vonk_flat, vonk_flat_done)

vonk_status vonk_flat_text(vonk_flat *f, vonk_str text, uint32_t *ret_place, vonk_error *err);
/* n numbers or structs of `each` bytes, aligned to `align`. data NULL: zeros. */
vonk_status vonk_flat_vector(vonk_flat *f, const void *data, size_t n, size_t each, size_t align, uint32_t *ret_place, vonk_error *err);
vonk_status vonk_flat_places(vonk_flat *f, const uint32_t *places, size_t n, uint32_t *ret_place, vonk_error *err); /* a vector of tables */

/* Between start and end: fields only. */
void        vonk_flat_start(vonk_flat *f);
vonk_status vonk_flat_number(vonk_flat *f, unsigned field, size_t bytes, int64_t value, vonk_error *err);
vonk_status vonk_flat_place(vonk_flat *f, unsigned field, uint32_t place, vonk_error *err); /* place 0: nothing is written */
vonk_status vonk_flat_end(vonk_flat *f, uint32_t *ret_place, vonk_error *err);

/* The message with `root` in front, aligned to 8. *ret points into f. */
vonk_status vonk_flat_finish(vonk_flat *f, uint32_t root, const uint8_t **ret, size_t *ret_bytes, vonk_error *err);

/* ---- reading */
typedef struct vonk_flat_table {
    const uint8_t *base; /* of the buffer */
    size_t         bytes;
    const char    *what;     /* for messages */
    size_t         at, vtable; /* positions; at 0: no table */
    uint16_t       vtable_bytes;
} vonk_flat_table;

vonk_status vonk_flat_root(const void *data, size_t bytes, const char *what, vonk_flat_table *ret, vonk_error *err);
static inline vonk_status vonk_flat_fail(const vonk_flat_table *t, const char *problem, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_MALFORMED_INPUT, "path", t->what, "problem", problem);
}
/* Absent: `otherwise`. bytes: 1, 2, 4 or 8; sign-extended. */
vonk_status vonk_flat_get(const vonk_flat_table *t, unsigned field, size_t bytes, int64_t otherwise, int64_t *ret, vonk_error *err);
vonk_status vonk_flat_get_text(const vonk_flat_table *t, unsigned field, vonk_str *ret, vonk_error *err); /* absent: data NULL */
vonk_status vonk_flat_get_table(const vonk_flat_table *t, unsigned field, vonk_flat_table *ret, vonk_error *err); /* absent: ret->at 0 */
/* The elements lie at *ret, n * each bytes, perhaps misaligned; absent: *ret_n 0. */
vonk_status vonk_flat_get_vector(const vonk_flat_table *t, unsigned field, size_t each, const uint8_t **ret, size_t *ret_n, vonk_error *err);
/* Table i of a vector that vonk_flat_get_vector gave with each = 4. */
vonk_status vonk_flat_element(const vonk_flat_table *t, const uint8_t *elements, size_t i, vonk_flat_table *ret, vonk_error *err);

#endif
