/* net/slice.c -- the two plain owners: a buffer that was moved, and a copy behind its owner. */
#include "net/slice.h"

typedef struct buf_owner {
    vonk_slice_owner owner;
    char *data;
} buf_owner;

static void drop_buf(vonk_slice_owner *owner)
{
    buf_owner *o = (buf_owner *)owner;
    vonk_free(o->data);
    vonk_free(o);
}

vonk_status vonk_slice_of_buf(vonk_buf *take_buf, vonk_slice *ret, vonk_error *err)
{
    buf_owner *o = NULL;
    vonk_status st = vonk_alloc(take_buf->budget, sizeof(*o), &o, err);
    if (st != VONK_OK) {
        vonk_buf_done(take_buf);
        return st;
    }
    atomic_init(&o->owner.refs, 1);
    o->owner.drop = drop_buf;
    o->data = take_buf->data;
    *ret = (vonk_slice){vonk_buf_str(take_buf), &o->owner};
    vonk_buf_init(take_buf, take_buf->budget, take_buf->max_bytes);
    return VONK_OK;
}

typedef struct copy_owner {
    vonk_slice_owner owner;
    char data[];
} copy_owner;

static void drop_copy(vonk_slice_owner *owner) { vonk_free(owner); }

vonk_status vonk_slice_copy(vonk_budget *budget, vonk_str bytes, vonk_slice *ret, vonk_error *err)
{
    copy_owner *o = NULL;
    if (bytes.len > SIZE_MAX / 2) bytes.len = SIZE_MAX / 2; /* refused below */
    VONK_TRY(vonk_alloc(budget, sizeof(*o) + bytes.len, &o, err));
    atomic_init(&o->owner.refs, 1);
    o->owner.drop = drop_copy;
    if (bytes.len) memcpy(o->data, bytes.data, bytes.len);
    *ret = (vonk_slice){{o->data, bytes.len}, &o->owner};
    return VONK_OK;
}
