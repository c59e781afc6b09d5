/* Messages of an Arrow IPC stream. A record batch message has a fixed size for a type, so it is written first with
 * empty places, the body behind it, and the places are filled when the body is known: nothing is copied twice. */
#include "codec/ipc_int.h"

#include "base/arena.h"
#include "base/strmap.h"

static vonk_status put_field(vonk_flat *f, const vonk_field *field, const vonk_ipc_options *o, uint32_t *ret,
                             vonk_error *err);

/* ---- types */
typedef struct arrow_type {
    ipc_type type;
    uint32_t place;
} arrow_type;

/* A type table of up to two numbers. bytes 0: field is left out. */
static vonk_status put_type(vonk_flat *f, ipc_type type, size_t bytes0, int64_t value0, size_t bytes1, int64_t value1,
                            arrow_type *ret, vonk_error *err)
{
    vonk_flat_start(f);
    if (bytes0) VONK_TRY(vonk_flat_number(f, 0, bytes0, value0, err));
    if (bytes1) VONK_TRY(vonk_flat_number(f, 1, bytes1, value1, err));
    ret->type = type;
    return vonk_flat_end(f, &ret->place, err);
}

static vonk_status put_timestamp(vonk_flat *f, int unit, vonk_str zone, arrow_type *ret, vonk_error *err)
{
    uint32_t text = 0;
    if (zone.data) VONK_TRY(vonk_flat_text(f, zone, &text, err));
    vonk_flat_start(f);
    VONK_TRY(vonk_flat_place(f, 1, text, err));
    VONK_TRY(vonk_flat_number(f, 0, 2, unit, err));
    ret->type = IPC_TIMESTAMP;
    return vonk_flat_end(f, &ret->place, err);
}

static vonk_status type_of(vonk_flat *f, const vonk_type *t, const vonk_ipc_options *o, arrow_type *ret,
                           vonk_error *err)
{
    switch (t->id) {
    case VONK_T_NULL: return put_type(f, IPC_NULL, 0, 0, 0, 0, ret, err);
    case VONK_T_BOOLEAN: return put_type(f, IPC_BOOL, 0, 0, 0, 0, ret, err);
    case VONK_T_BYTE: return put_type(f, IPC_INT, 4, 8, 1, 1, ret, err);
    case VONK_T_SHORT: return put_type(f, IPC_INT, 4, 16, 1, 1, ret, err);
    case VONK_T_INT: return put_type(f, IPC_INT, 4, 32, 1, 1, ret, err);
    case VONK_T_LONG: return put_type(f, IPC_INT, 4, 64, 1, 1, ret, err);
    case VONK_T_FLOAT: return put_type(f, IPC_FLOAT, 2, 1, 0, 0, ret, err);
    case VONK_T_DOUBLE: return put_type(f, IPC_FLOAT, 2, 2, 0, 0, ret, err);
    case VONK_T_DECIMAL: return put_type(f, IPC_DECIMAL, 4, t->precision, 4, t->scale, ret, err);
    case VONK_T_STRING:
    case VONK_T_CHAR:
    case VONK_T_VARCHAR: return put_type(f, o->large ? IPC_LARGE_UTF8 : IPC_UTF8, 0, 0, 0, 0, ret, err);
    case VONK_T_BINARY: return put_type(f, o->large ? IPC_LARGE_BINARY : IPC_BINARY, 0, 0, 0, 0, ret, err);
    case VONK_T_DATE: return put_type(f, IPC_DATE, 2, 0, 0, 0, ret, err);
    case VONK_T_TIME: return put_type(f, IPC_TIME, 2, IPC_UNIT_NANO, 4, 64, ret, err);
    case VONK_T_TIMESTAMP: return put_timestamp(f, IPC_UNIT_MICRO, o->timezone, ret, err);
    case VONK_T_TIMESTAMP_NTZ: return put_timestamp(f, IPC_UNIT_MICRO, VONK_STR_NONE, ret, err);
    case VONK_T_TIMESTAMP_NANOS: return put_timestamp(f, IPC_UNIT_NANO, o->timezone, ret, err);
    case VONK_T_TIMESTAMP_NTZ_NANOS: return put_timestamp(f, IPC_UNIT_NANO, VONK_STR_NONE, ret, err);
    case VONK_T_INTERVAL_YEAR_MONTH: return put_type(f, IPC_INTERVAL, 2, IPC_INTERVAL_MONTHS, 0, 0, ret, err);
    case VONK_T_INTERVAL_DAY_TIME: return put_type(f, IPC_DURATION, 2, IPC_UNIT_MICRO, 0, 0, ret, err);
    case VONK_T_INTERVAL_CALENDAR: return put_type(f, IPC_INTERVAL, 2, IPC_INTERVAL_MONTH_DAY_NANO, 0, 0, ret, err);
    case VONK_T_ARRAY: return put_type(f, IPC_LIST, 0, 0, 0, 0, ret, err);
    case VONK_T_MAP: return put_type(f, IPC_MAP, 1, 0, 0, 0, ret, err);
    case VONK_T_STRUCT:
    case VONK_T_VARIANT:
    case VONK_T_GEOMETRY:
    case VONK_T_GEOGRAPHY: return put_type(f, IPC_STRUCT, 0, 0, 0, 0, ret, err);
    default:
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         VONK_F("the type %s in Arrow data", VONK_TYPE_SQL(t)));
    }
}

/* ---- fields */
typedef struct key_value {
    vonk_str key, value;
} key_value;

static vonk_status put_metadata(vonk_flat *f, const key_value *pairs, size_t n, uint32_t *ret, vonk_error *err)
{
    uint32_t places[2];
    for (size_t i = 0; i < n; i++) {
        uint32_t key = 0, value = 0;
        VONK_TRY(vonk_flat_text(f, pairs[i].value, &value, err));
        VONK_TRY(vonk_flat_text(f, pairs[i].key, &key, err));
        vonk_flat_start(f);
        VONK_TRY(vonk_flat_place(f, 1, value, err));
        VONK_TRY(vonk_flat_place(f, 0, key, err));
        VONK_TRY(vonk_flat_end(f, &places[i], err));
    }
    return vonk_flat_places(f, places, n, ret, err);
}

static vonk_status end_field(vonk_flat *f, vonk_str name, bool nullable, arrow_type type, uint32_t children,
                             uint32_t metadata, uint32_t *ret, vonk_error *err)
{
    uint32_t text = 0;
    VONK_TRY(vonk_flat_text(f, name, &text, err));
    vonk_flat_start(f);
    VONK_TRY(vonk_flat_place(f, IPC_FIELD_NAME, text, err));
    VONK_TRY(vonk_flat_place(f, IPC_FIELD_TYPE, type.place, err));
    VONK_TRY(vonk_flat_place(f, IPC_FIELD_CHILDREN, children, err));
    VONK_TRY(vonk_flat_place(f, IPC_FIELD_METADATA, metadata, err));
    VONK_TRY(vonk_flat_number(f, IPC_FIELD_TYPE_TYPE, 1, type.type, err));
    VONK_TRY(vonk_flat_number(f, IPC_FIELD_NULLABLE, 1, nullable, err));
    return vonk_flat_end(f, ret, err);
}

/* A field without children of its own. */
static vonk_status put_simple(vonk_flat *f, vonk_str name, ipc_type type, size_t bits, const key_value *pairs,
                              size_t n_pairs, uint32_t *ret, vonk_error *err)
{
    arrow_type arrow;
    uint32_t none = 0, metadata = 0;
    VONK_TRY(bits ? put_type(f, type, 4, (int64_t)bits, 1, 1, &arrow, err)
                  : put_type(f, type, 0, 0, 0, 0, &arrow, err));
    VONK_TRY(vonk_flat_places(f, NULL, 0, &none, err));
    if (n_pairs > 0) VONK_TRY(put_metadata(f, pairs, n_pairs, &metadata, err));
    return end_field(f, name, false, arrow, none, metadata, ret, err);
}

/* Structs that stand for a value are known by a mark on their second field. */
static vonk_status put_variant(vonk_flat *f, uint32_t *ret, vonk_error *err)
{
    const key_value mark = {VONK_STR("variant"), VONK_STR("true")};
    uint32_t places[2];
    VONK_TRY(put_simple(f, VONK_STR("value"), IPC_BINARY, 0, NULL, 0, &places[0], err));
    VONK_TRY(put_simple(f, VONK_STR("metadata"), IPC_BINARY, 0, &mark, 1, &places[1], err));
    return vonk_flat_places(f, places, 2, ret, err);
}

static vonk_status put_spatial(vonk_flat *f, const vonk_type *t, uint32_t *ret, vonk_error *err)
{
    const key_value marks[] = {{vonk_str_of(t->id == VONK_T_GEOMETRY ? "geometry" : "geography"), VONK_STR("true")},
                               {VONK_STR("srid"), vonk_str_of(VONK_F("%d", t->length))}};
    uint32_t places[2];
    VONK_TRY(put_simple(f, VONK_STR("srid"), IPC_INT, 32, NULL, 0, &places[0], err));
    VONK_TRY(put_simple(f, VONK_STR("wkb"), IPC_BINARY, 0, marks, 2, &places[1], err));
    return vonk_flat_places(f, places, 2, ret, err);
}

static vonk_status put_fields(vonk_flat *f, const vonk_field *fields, uint32_t n, const vonk_ipc_options *o,
                              uint32_t *ret, vonk_error *err)
{
    uint32_t *places = NULL;
    VONK_TRY(vonk_alloc_array(f->budget, n, sizeof *places, &places, err));
    vonk_status st = VONK_OK;
    for (uint32_t i = 0; i < n && st == VONK_OK; i++) st = put_field(f, &fields[i], o, &places[i], err);
    if (st == VONK_OK) st = vonk_flat_places(f, places, n, ret, err);
    vonk_free(places);
    return st;
}

typedef struct same_names {
    uint32_t n, n_numbered;
} same_names;

/* Counts the fields of each name; *ret_unique: there is one of each. */
static vonk_status count_names(const vonk_type *t, vonk_strmap *names, same_names *counts, bool *ret_unique,
                               vonk_error *err)
{
    *ret_unique = true;
    for (uint32_t i = 0; i < t->n_fields; i++) {
        same_names *same = vonk_strmap_get(names, t->fields[i].name);
        if (!same) {
            same = &counts[i];
            VONK_TRY(vonk_strmap_put(names, t->fields[i].name, same, NULL, err));
        }
        if (++same->n > 1) *ret_unique = false;
    }
    return VONK_OK;
}

static vonk_status number_names(vonk_arena *arena, const vonk_strmap *names, vonk_field *fields, uint32_t n,
                                vonk_error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        same_names *same = vonk_strmap_get(names, fields[i].name);
        if (same->n > 1)
            VONK_TRY(vonk_arena_printf(arena, &fields[i].name, err, "%.*s_%u", VONK_STR_ARGS(fields[i].name),
                                       same->n_numbered++));
    }
    return VONK_OK;
}

static vonk_status put_struct(vonk_flat *f, const vonk_type *t, const vonk_ipc_options *o, uint32_t *ret,
                              vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_strmap_free) vonk_strmap *names = NULL;
    same_names *counts;
    vonk_field *fields;
    bool unique;
    if (!o->number_fields || t->n_fields < 2) return put_fields(f, t->fields, t->n_fields, o, ret, err);
    VONK_TRY(vonk_arena_new(f->budget, &arena, err));
    VONK_TRY(vonk_strmap_new(f->budget, false, &names, err));
    VONK_TRY(vonk_arena_array(arena, t->n_fields, sizeof *counts, &counts, err));
    VONK_TRY(count_names(t, names, counts, &unique, err));
    if (unique) return put_fields(f, t->fields, t->n_fields, o, ret, err);
    VONK_TRY(vonk_arena_array(arena, t->n_fields, sizeof *fields, &fields, err));
    memcpy(fields, t->fields, t->n_fields * sizeof *fields);
    VONK_TRY(number_names(arena, names, fields, t->n_fields, err));
    return put_fields(f, fields, t->n_fields, o, ret, err);
}

/* Arrow's maps are lists of a struct. */
static vonk_status put_entries(vonk_flat *f, const vonk_type *map, const vonk_ipc_options *o, uint32_t *ret,
                               vonk_error *err)
{
    vonk_field fields[2] = {map->fields[0], map->fields[1]};
    uint32_t children = 0, entries = 0;
    arrow_type arrow;
    fields[0].name = VONK_STR("key");
    fields[0].nullable = false;
    fields[1].name = VONK_STR("value");
    VONK_TRY(put_fields(f, fields, 2, o, &children, err));
    VONK_TRY(put_type(f, IPC_STRUCT, 0, 0, 0, 0, &arrow, err));
    VONK_TRY(end_field(f, VONK_STR("entries"), false, arrow, children, 0, &entries, err));
    return vonk_flat_places(f, &entries, 1, ret, err);
}

static vonk_status put_children(vonk_flat *f, const vonk_type *t, const vonk_ipc_options *o, uint32_t *ret,
                                vonk_error *err)
{
    vonk_field element;
    switch (t->id) {
    case VONK_T_ARRAY:
        element = t->fields[0];
        element.name = VONK_STR("element");
        return put_fields(f, &element, 1, o, ret, err);
    case VONK_T_MAP: return put_entries(f, t, o, ret, err);
    case VONK_T_STRUCT: return put_struct(f, t, o, ret, err);
    case VONK_T_VARIANT: return put_variant(f, ret, err);
    case VONK_T_GEOMETRY:
    case VONK_T_GEOGRAPHY: return put_spatial(f, t, ret, err);
    default: return vonk_flat_places(f, NULL, 0, ret, err);
    }
}

static vonk_status put_field(vonk_flat *f, const vonk_field *field, const vonk_ipc_options *o, uint32_t *ret,
                             vonk_error *err)
{
    const vonk_type *t = field->type->id == VONK_T_UDT ? field->type->fields[0].type : field->type;
    uint32_t children = 0, metadata = 0;
    arrow_type arrow;
    VONK_TRY(put_children(f, t, o, &children, err));
    VONK_TRY(type_of(f, t, o, &arrow, err));
    if (field->metadata.len > 0 && !vonk_str_is(field->metadata, "{}")) {
        const key_value pair = {VONK_STR("SPARK::metadata::json"), field->metadata};
        VONK_TRY(put_metadata(f, &pair, 1, &metadata, err));
    }
    return end_field(f, field->name, field->nullable, arrow, children, metadata, ret, err);
}

/* ---- messages */
static vonk_status put_message_table(vonk_flat *f, int header_type, uint32_t header, uint32_t *ret, vonk_error *err)
{
    vonk_flat_start(f);
    VONK_TRY(vonk_flat_number(f, IPC_MESSAGE_BODY_BYTES, 8, 0, err));
    VONK_TRY(vonk_flat_place(f, IPC_MESSAGE_HEADER, header, err));
    VONK_TRY(vonk_flat_number(f, IPC_MESSAGE_VERSION, 2, IPC_V5, err));
    VONK_TRY(vonk_flat_number(f, IPC_MESSAGE_HEADER_TYPE, 1, header_type, err));
    return vonk_flat_end(f, ret, err);
}

vonk_status vonk__ipc_put_message(vonk_flat *flat, uint32_t root, vonk_buf *out, size_t *ret_message_at,
                                  vonk_error *err)
{
    const uint8_t *bytes = NULL;
    size_t n = 0;
    VONK_TRY(vonk_flat_finish(flat, root, &bytes, &n, err));
    uint32_t head[2] = {IPC_CONTINUATION, vonk_u32_of(n)}; /* n is a multiple of 8 */
    VONK_TRY(vonk_buf_append(out, head, sizeof head, err));
    if (ret_message_at) *ret_message_at = out->len;
    return vonk_buf_append(out, bytes, n, err);
}

vonk_status vonk_ipc_write_schema(const vonk_type *struct_type, const vonk_ipc_options *options, vonk_budget *budget,
                                  vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_flat_done) vonk_flat f = {0};
    uint32_t fields = 0, schema = 0, message = 0;
    vonk_flat_init(&f, budget);
    VONK_TRY(put_fields(&f, struct_type->fields, struct_type->n_fields, options, &fields, err));
    vonk_flat_start(&f);
    VONK_TRY(vonk_flat_place(&f, IPC_SCHEMA_FIELDS, fields, err));
    VONK_TRY(vonk_flat_number(&f, IPC_SCHEMA_ENDIAN, 2, 0, err));
    VONK_TRY(vonk_flat_end(&f, &schema, err));
    VONK_TRY(put_message_table(&f, IPC_HEADER_SCHEMA, schema, &message, err));
    return vonk__ipc_put_message(&f, message, out, NULL, err);
}

vonk_status vonk_ipc_write_end(vonk_buf *out, vonk_error *err)
{
    static const uint32_t end[2] = {IPC_CONTINUATION, 0};
    return vonk_buf_append(out, end, sizeof end, err);
}

/* ---- record batches */
/* Positions of what is filled in later, counted from the message's start. */
typedef struct batch_places {
    size_t nodes, buffers, body_bytes;
} batch_places;

static vonk_status put_batch_table(vonk_flat *f, uint64_t n_rows, size_t n_nodes, size_t n_buffers,
                                   const vonk_ipc_options *o, uint32_t *ret_nodes, uint32_t *ret_buffers, uint32_t *ret,
                                   vonk_error *err)
{
    uint32_t compression = 0;
    if (o->compression != VONK_COMPRESS_NONE) {
        vonk_flat_start(f);
        VONK_TRY(vonk_flat_number(f, 0, 1, o->compression == VONK_COMPRESS_ZSTD ? 1 : 0, err));
        VONK_TRY(vonk_flat_number(f, 1, 1, 0, err));
        VONK_TRY(vonk_flat_end(f, &compression, err));
    }
    VONK_TRY(vonk_flat_vector(f, NULL, n_buffers, sizeof(ipc_buffer), 8, ret_buffers, err));
    VONK_TRY(vonk_flat_vector(f, NULL, n_nodes, sizeof(ipc_node), 8, ret_nodes, err));
    vonk_flat_start(f);
    VONK_TRY(vonk_flat_number(f, IPC_BATCH_LENGTH, 8, (int64_t)n_rows, err));
    VONK_TRY(vonk_flat_place(f, IPC_BATCH_NODES, *ret_nodes, err));
    VONK_TRY(vonk_flat_place(f, IPC_BATCH_BUFFERS, *ret_buffers, err));
    VONK_TRY(vonk_flat_place(f, IPC_BATCH_COMPRESSION, compression, err));
    return vonk_flat_end(f, ret, err);
}

/* The message with zeros in its places. */
static vonk_status put_empty_batch(ipc_body *body, uint64_t n_rows, size_t n_nodes, size_t n_buffers, batch_places *ret,
                                   vonk_error *err)
{
    VONK_AUTO(vonk_flat_done) vonk_flat f = {0};
    uint32_t nodes = 0, buffers = 0, batch = 0, message = 0;
    size_t at = 0;
    vonk_flat_init(&f, body->budget);
    VONK_TRY(put_batch_table(&f, n_rows, n_nodes, n_buffers, body->options, &nodes, &buffers, &batch, err));
    VONK_TRY(put_message_table(&f, IPC_HEADER_BATCH, batch, &message, err));
    uint32_t body_bytes = f.fields[IPC_MESSAGE_BODY_BYTES];
    VONK_TRY(vonk__ipc_put_message(&f, message, body->out, &at, err));
    size_t end = at + f.n;
    *ret = (batch_places){end - nodes + 4, end - buffers + 4, end - body_bytes};
    return VONK_OK;
}

static void fill_places(const ipc_body *body, const batch_places *places)
{
    int64_t bytes = (int64_t)(body->out->len - body->start);
    memcpy(body->out->data + places->nodes, body->nodes, body->n_nodes * sizeof *body->nodes);
    memcpy(body->out->data + places->buffers, body->buffers, body->n_buffers * sizeof *body->buffers);
    memcpy(body->out->data + places->body_bytes, &bytes, sizeof bytes);
}

static vonk_status put_batch(ipc_body *body, const vonk_batch *const *batches, size_t n, const vonk_type *struct_type,
                             vonk_error *err)
{
    batch_places places;
    uint64_t n_rows = 0;
    size_t n_nodes = 0, n_buffers = 0;
    for (size_t i = 0; i < n; i++) n_rows += batches[i]->n_sel;
    for (uint32_t i = 0; i < struct_type->n_fields; i++)
        vonk__ipc_count(struct_type->fields[i].type, &n_nodes, &n_buffers);
    VONK_TRY(vonk_alloc_array(body->budget, n_nodes, sizeof *body->nodes, &body->nodes, err));
    VONK_TRY(vonk_alloc_array(body->budget, n_buffers, sizeof *body->buffers, &body->buffers, err));
    VONK_TRY(put_empty_batch(body, n_rows, n_nodes, n_buffers, &places, err));
    body->start = body->out->len;
    VONK_TRY(vonk__ipc_put_columns(body, batches, n, struct_type, err));
    assert(body->n_nodes == n_nodes && body->n_buffers == n_buffers);
    fill_places(body, &places);
    return VONK_OK;
}

vonk_status vonk_ipc_write_batch(const vonk_batch *const *batches, size_t n, const vonk_type *struct_type,
                                 const vonk_ipc_options *options, vonk_buf *out, vonk_error *err)
{
    ipc_body body = {.budget = out->budget, .options = options, .out = out};
    VONK_AUTO(vonk_compressor_free) vonk_compressor *compressor = NULL;
    if (options->compression != VONK_COMPRESS_NONE) VONK_TRY(vonk_compressor_new(out->budget, &compressor, err));
    body.compressor = compressor;
    vonk_buf_init(&body.plain, out->budget, SIZE_MAX);
    vonk_status st = put_batch(&body, batches, n, struct_type, err);
    vonk_buf_done(&body.plain);
    vonk_free(body.nodes);
    vonk_free(body.buffers);
    return st;
}

vonk_status vonk_ipc_write_stream(const vonk_batch *const *batches, size_t n, const vonk_type *struct_type,
                                  const vonk_ipc_options *options, vonk_buf *out, vonk_error *err)
{
    VONK_TRY(vonk_ipc_write_schema(struct_type, options, out->budget, out, err));
    VONK_TRY(vonk_ipc_write_batch(batches, n, struct_type, options, out, err));
    return vonk_ipc_write_end(out, err);
}
