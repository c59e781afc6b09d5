/* exec/op_project.c -- P_PROJECT: computes columns. The selection stays; columns that only pass are shared. */
#include "exec/op_int.h"

typedef struct project_shared {
    vonk_program *program;
} project_shared;
typedef struct project_local {
    op_program_local program;
    vonk_column **columns;
} project_local;

static vonk_status project_open(vonk_op *op, vonk_error *err)
{
    project_shared *s = op->shared;
    return vonk_op_program(op, op->node->lists[0].at, op->node->lists[0].n, &s->program, err);
}

static void project_close(vonk_op *op)
{
    project_shared *s = op->shared;
    vonk_program_free(s->program);
}

static vonk_status project_local_open(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err)
{
    project_shared *s = op->shared;
    project_local *l = local;
    VONK_TRY(vonk_alloc_zeroed(op->budget, (op->n_columns + 1) * sizeof *l->columns, &l->columns, err));
    return vonk__program_open(op, lane, s->program, &l->program, err);
}

static vonk_status project_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                                vonk_flow *ret_flow, vonk_error *err)
{
    project_local *l = local;
    vonk_batch *batch = NULL;
    vonk__program_place(&l->program, lane);
    VONK_TRY(vonk_program_eval(l->program.at, in, l->columns, err));
    VONK_TRY(vonk__batch_like(lane, in, l->columns, op->n_columns, &batch, err));
    vonk_out_put(out, batch);
    return VONK_OK;
}

static void project_local_close(vonk_op *op, void *local)
{
    project_local *l = local;
    vonk__program_close(&l->program);
    vonk_free(l->columns);
}

static const vonk_input_class project_input = {.order = VONK_ORDER_KEEPS,
                                               .local_size = sizeof(project_local),
                                               .local_open = project_local_open,
                                               .push = project_push,
                                               .local_close = project_local_close};
const vonk_op_class vonk_op_project = {.name = "project",
                                       .shared_size = sizeof(project_shared),
                                       .open = project_open,
                                       .close = project_close,
                                       .n_inputs = 1,
                                       .inputs = &project_input};
