/* exec/spill.c -- batches on disk: docs/format/spill.md. One unnamed file; blocks are appended under a lock and read at
 * their place by any thread. */
#include "base/hash.h"
#include "codec/compress.h"
#include "column/block.h"
#include "exec/exec_int.h"
#include "sys/files.h"

#define SPILL_MAGIC UINT32_C(0x31505356) /* "VSP1" */
#define SPILL_BLOCK_MAX ((size_t)1 << 30)

typedef struct spill_head { /* before each block; see spill.md */
    uint32_t magic, raw_bytes, packed_bytes;
    int32_t partition;
    uint64_t sequence, checksum; /* of the packed bytes */
} spill_head;
_Static_assert(sizeof(spill_head) == 32, "docs/format/spill.md");

struct vonk_spill_file {
    vonk_op *op;
    vonk_file *file;
    const vonk_type *const *types;
    uint32_t n_types;
    vonk_mutex lock; /* the end of the file */
    uint64_t end;
};

vonk_status vonk_spill_new(vonk_op *op, const vonk_type *const *types, uint32_t n_types, vonk_spill_file **ret,
                           vonk_error *err)
{
    vonk_spill_file *f = NULL;
    VONK_TRY(VONK_NEW(vonk_budget_root(), &f, err));
    vonk_status st = vonk_file_open_unnamed(vonk_budget_root(), vonk_exec_spill_dir(op->exec), &f->file, err);
    if (st != VONK_OK) {
        vonk_free(f);
        return st;
    }
    f->op = op;
    f->types = types;
    f->n_types = n_types;
    vonk_mutex_init(&f->lock);
    atomic_fetch_add(&op->metrics.spills, 1);
    *ret = f;
    return VONK_OK;
}

void vonk_spill_free(vonk_spill_file *f)
{
    if (!f) return;
    vonk_file_free(f->file);
    vonk_mutex_done(&f->lock);
    vonk_free(f);
}

vonk_status vonk_spill_put(vonk_spill_file *f, const vonk_batch *batch, vonk_spill_ref *ret, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf raw = {0}, packed = {0};
    VONK_AUTO(vonk_compressor_free) vonk_compressor *compressor = NULL;
    spill_head head = {.magic = SPILL_MAGIC, .partition = batch->partition, .sequence = batch->sequence};
    vonk_buf_init(&raw, vonk_budget_root(), SPILL_BLOCK_MAX);
    vonk_buf_init(&packed, vonk_budget_root(), SPILL_BLOCK_MAX);
    VONK_TRY(vonk_block_encode(batch, &raw, err));
    VONK_TRY(vonk_buf_append(&packed, &head, sizeof head, err));
    VONK_TRY(vonk_compressor_new(vonk_budget_root(), &compressor, err));
    VONK_TRY(
        vonk_compress(compressor, VONK_COMPRESS_LZ4_RAW, VONK_COMPRESS_LEVEL_DEFAULT, raw.data, raw.len, &packed, err));
    head.raw_bytes = vonk_u32_of(raw.len);
    head.packed_bytes = vonk_u32_of(packed.len - sizeof head);
    head.checksum = vonk_hash64(packed.data + sizeof head, head.packed_bytes, head.raw_bytes);
    memcpy(packed.data, &head, sizeof head);
    VONK_LOCKED(&f->lock);
    VONK_TRY(vonk_file_write_at(f->file, (int64_t)f->end, packed.data, packed.len, err));
    *ret = (vonk_spill_ref){.offset = f->end, .bytes = vonk_u32_of(packed.len), .n_rows = batch->n_sel};
    f->end += packed.len;
    atomic_fetch_add(&f->op->metrics.spilled_bytes, packed.len);
    return VONK_OK;
}

static vonk_status damaged(const char *problem, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_MALFORMED_INPUT, "path", "spill file", "problem", problem);
}

static vonk_status unpack(const spill_head *head, const char *packed, vonk_buf *raw, vonk_error *err)
{
    VONK_AUTO(vonk_compressor_free) vonk_compressor *compressor = NULL;
    char *to = NULL;
    vonk_cursor in = vonk_cursor_of(packed, head->packed_bytes, "spill file");
    if (vonk_hash64(packed, head->packed_bytes, head->raw_bytes) != head->checksum)
        return damaged("the checksum is wrong", err);
    VONK_TRY(vonk_buf_extend(raw, head->raw_bytes, &to, err));
    VONK_TRY(vonk_compressor_new(vonk_budget_root(), &compressor, err));
    return vonk_decompress(compressor, VONK_COMPRESS_LZ4_RAW, &in, to, head->raw_bytes, err);
}

vonk_status vonk_spill_get(vonk_spill_file *f, vonk_spill_ref ref, vonk_budget *budget, vonk_batch **ret,
                           vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf raw = {0}, packed = {0};
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    char *bytes = NULL;
    spill_head head;
    vonk_buf_init(&raw, vonk_budget_root(), SPILL_BLOCK_MAX);
    vonk_buf_init(&packed, vonk_budget_root(), SPILL_BLOCK_MAX);
    assert(ref.bytes >= sizeof head);
    VONK_TRY(vonk_buf_extend(&packed, ref.bytes, &bytes, err));
    VONK_TRY(vonk_file_read_exact(f->file, (int64_t)ref.offset, bytes, ref.bytes, err));
    memcpy(&head, bytes, sizeof head);
    if (head.magic != SPILL_MAGIC || head.packed_bytes != ref.bytes - sizeof head)
        return damaged("no block at this place", err);
    VONK_TRY(unpack(&head, bytes + sizeof head, &raw, err));
    vonk_cursor in = vonk_cursor_of(raw.data, raw.len, "spill file");
    VONK_TRY(vonk_block_decode(budget, &in, f->types, f->n_types, &batch, err));
    if (batch->n_sel != ref.n_rows) return damaged("the number of rows is wrong", err);
    batch->partition = head.partition;
    batch->sequence = head.sequence;
    *ret = VONK_STEAL(batch);
    return VONK_OK;
}

void vonk_spill_drop(vonk_spill_file *f, vonk_spill_ref ref)
{
    if (ref.bytes >= (1u << 20)) vonk_file_punch(f->file, (int64_t)ref.offset, ref.bytes);
}
