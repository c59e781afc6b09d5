/* exec/op_scan.c -- P_SCAN: rows of a planned scan (plan/scan.h). The scan applies its predicates and runtime filters
 * itself; a morsel is one of its morsels. */
#include "exec/op_int.h"

typedef struct scan_local {
    vonk_reader *reader;
    uint64_t counted_bytes;
} scan_local;

static vonk_status scan_open(vonk_op *op, vonk_error *err)
{
    assert(op->node->scan.scan);
    op->n_partitions = op->node->scan.scan->n_partitions;
    return VONK_OK;
}

static vonk_status scan_n_morsels(vonk_op *op, uint32_t partition, uint32_t *ret_n, vonk_error *err)
{
    vonk_scan *scan = op->node->scan.scan;
    *ret_n = scan->cls->n_morsels(scan, partition);
    return VONK_OK;
}

static void end_reader(scan_local *l)
{
    if (l->reader) l->reader->free(l->reader);
    l->reader = NULL;
    l->counted_bytes = 0;
}

static vonk_status scan_start(vonk_op *op, vonk_lane *lane, void *local, uint32_t partition, uint32_t morsel,
                              vonk_error *err)
{
    scan_local *l = local;
    vonk_scan *scan = op->node->scan.scan;
    end_reader(l);
    VONK_TRY(scan->cls->open(scan, partition, morsel, vonk_exec_batch_rows(op->exec), lane->budget, &l->reader, err));
    if (l->reader->set_cancel) l->reader->set_cancel(l->reader, lane->ev.cancelled, lane->ev.query);
    return VONK_OK;
}

static void wake_lane(void *token) { vonk_wake_up(token); }

static vonk_status wait_for_rows(vonk_reader *reader, vonk_lane *lane, vonk_flow *ret_flow, vonk_error *err)
{
    vonk_wake *token = NULL;
    VONK_TRY(vonk_lane_park(lane, &token, err));
    *ret_flow = VONK_WAIT;
    const vonk_status st = reader->watch(reader, wake_lane, token, err);
    if (st != VONK_OK) vonk_wake_up(token);
    return st;
}

static vonk_status scan_next(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                             vonk_error *err)
{
    scan_local *l = local;
    vonk_batch *batch = NULL;
    do { /* no batch, but ready: it is over, or they have come just now */
        if (l->reader->is_ready && !l->reader->is_ready(l->reader))
            return wait_for_rows(l->reader, lane, ret_flow, err);
        VONK_TRY(l->reader->next(l->reader, &batch, err));
    } while (!batch && l->reader->is_ready && !l->reader->is_over);
    if (l->reader->bytes_read != l->counted_bytes) {
        atomic_fetch_add_explicit(&op->metrics.bytes_read, l->reader->bytes_read - l->counted_bytes,
                                  memory_order_relaxed);
        l->counted_bytes = l->reader->bytes_read;
    }
    if (batch)
        vonk_out_put(out, batch);
    else
        end_reader(l);
    return VONK_OK;
}

static void scan_local_close(vonk_op *op, void *local) { end_reader(local); }

static const vonk_source_class scan_source = {.local_size = sizeof(scan_local),
                                              .n_morsels = scan_n_morsels,
                                              .start = scan_start,
                                              .next = scan_next,
                                              .local_close = scan_local_close};
const vonk_op_class vonk_op_scan = {.name = "scan", .open = scan_open, .source = &scan_source};
