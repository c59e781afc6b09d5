/* exec/window_form.c -- what a window node computes: its functions, their frames, and the values that are needed for
 * them, as one program over the input. */
#include "exec/window_int.h"

typedef struct win_values {
    vonk_op *op;
    const vonk_expr **at;
    uint32_t n, room;
} win_values;

static const vonk_expr *unnamed(const vonk_expr *e)
{
    while (e->kind == VONK_EX_ALIAS) e = e->children[0];
    return e;
}

static uint32_t add_value(win_values *v, const vonk_expr *e)
{
    assert(v->n < v->room);
    v->at[v->n] = e;
    return v->n++;
}

static void unref_expr(void *e) { vonk_expr_unref(e); }

/* Lives as long as the execution, so that pays. */
static vonk_status keep(vonk_op *op, const vonk_expr *take_e, vonk_error *err)
{
    return vonk_arena_on_free(op->arena, unref_expr, (void *)(uintptr_t)take_e, err);
}

/* The value of a foldable expression. */
static vonk_status constant(vonk_op *op, const vonk_expr *e, vonk_column **ret, vonk_error *err)
{
    return vonk_program_fold(op->budget, vonk_exec_fn_env(op->exec), e, ret, err);
}

static vonk_status integer(vonk_op *op, const vonk_expr *e, int64_t *ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    VONK_TRY(constant(op, e, &c, err));
    *ret = vonk_column_is_null(c, 0) ? 0 : vonk_column_i64(c, 0);
    return VONK_OK;
}

/* ---- frames */

/* The order's value, moved by the offset in the direction of the order. */
static vonk_status moved(win_values *v, const vonk_expr *sort, const vonk_expr *offset, const vonk_expr **ret,
                         vonk_error *err)
{
    const vonk_expr *args[] = {sort->children[0], offset}, *e = NULL;
    bool down = vonk_expr_has(sort, VONK_EXF_DESCENDING);
    vonk_str name = vonk_str_of(down ? "-" : "+");
    if (args[0]->type->id == VONK_T_DATE && vonk_type_is_integral(offset->type))
        name = vonk_str_of(down ? "date_sub" : "date_add");
    VONK_TRY(vonk_ex_function(vonk_exec_budget(v->op->exec), vonk_exec_fn_env(v->op->exec), name, args, 2, &e, err));
    VONK_TRY(keep(v->op, e, err));
    *ret = e;
    return VONK_OK;
}

static vonk_status cast_to(win_values *v, const vonk_expr *e, const vonk_type *type, const vonk_expr **ret,
                           vonk_error *err)
{
    *ret = e;
    if (vonk_type_same(e->type, type)) return VONK_OK;
    VONK_TRY(vonk_ex_cast(vonk_exec_budget(v->op->exec), e, type, VONK_MODE_LEGACY, ret, err));
    return keep(v->op, *ret, err);
}

/* A bound in values: what it is compared with has its type (decimals get a digit more). */
static vonk_status value_bound(win_values *v, const vonk_expr *w, const vonk_expr *offset, uint32_t *ret,
                               vonk_error *err)
{
    window_shared *s = v->op->shared;
    const vonk_expr *sort = w->children[1 + w->n_partition], *bound = NULL, *order = NULL;
    VONK_TRY(moved(v, sort, offset, &bound, err));
    if (s->bound_bytes == 0) {
        bool exact;
        VONK_TRY(cast_to(v, sort->children[0], bound->type, &order, err));
        s->order_value = add_value(v, order);
        s->order_spec = (vonk_sort_spec){.descending = vonk_expr_has(sort, VONK_EXF_DESCENDING),
                                         .nulls_last = vonk_expr_has(sort, VONK_EXF_NULLS_LAST)};
        s->bound_bytes = vonk_sort_key_bytes(&bound->type, 1, &exact);
    }
    VONK_TRY(cast_to(v, bound, v->at[s->order_value]->type, &bound, err));
    *ret = add_value(v, bound);
    return VONK_OK;
}

static vonk_status open_bound(win_values *v, const vonk_expr *w, bool rows, vonk_bound_kind kind, uint32_t *inout_child,
                              win_bound *ret, vonk_error *err)
{
    *ret = (win_bound){.kind = kind};
    if (kind != VONK_FRAME_VALUE) return VONK_OK;
    const vonk_expr *offset = w->children[(*inout_child)++];
    return rows ? integer(v->op, offset, &ret->rows, err) : value_bound(v, w, offset, &ret->value, err);
}

static bool same_bound(const win_values *v, bool rows, const win_bound *a, const win_bound *b)
{
    if (a->kind != b->kind) return false;
    if (a->kind != VONK_FRAME_VALUE) return true;
    return rows ? a->rows == b->rows : vonk_expr_equal(v->at[a->value], v->at[b->value]);
}

/* Without ORDER BY all rows are equal. */
static vonk_status open_frame(win_values *v, const vonk_expr *w, uint32_t *ret, vonk_error *err)
{
    window_shared *s = v->op->shared;
    const vonk_frame *f = &w->frame;
    win_frame frame = {.rows = false, .lower = {VONK_FRAME_UNBOUNDED, 0, 0}, .upper = {VONK_FRAME_CURRENT, 0, 0}};
    uint32_t child = 1 + w->n_partition + w->n_order;
    if (f->given) {
        frame.rows = f->rows;
        VONK_TRY(open_bound(v, w, f->rows, f->lower, &child, &frame.lower, err));
        VONK_TRY(open_bound(v, w, f->rows, f->upper, &child, &frame.upper, err));
    }
    if (w->n_order == 0 && !frame.rows) {
        frame.lower.kind = VONK_FRAME_UNBOUNDED;
        frame.upper.kind = VONK_FRAME_UNBOUNDED;
    }
    uint32_t i = 0;
    while (i < s->n_frames &&
           !(s->frames[i].rows == frame.rows && same_bound(v, frame.rows, &s->frames[i].lower, &frame.lower) &&
             same_bound(v, frame.rows, &s->frames[i].upper, &frame.upper)))
        i++;
    if (i == s->n_frames) s->frames[s->n_frames++] = frame;
    *ret = i;
    return VONK_OK;
}

static void need(window_shared *s, win_need what, int64_t ahead)
{
    if (s->need < what) s->need = what;
    if (ahead > 0 && s->ahead < (uint64_t)ahead) s->ahead = (uint64_t)ahead;
}

static void need_frame(window_shared *s, const win_frame *f)
{
    switch (f->upper.kind) {
    case VONK_FRAME_UNBOUNDED: need(s, WIN_NEED_PARTITION, 0); break;
    case VONK_FRAME_CURRENT: need(s, f->rows ? WIN_NEED_ROWS : WIN_NEED_PEERS, 0); break;
    default: need(s, f->rows ? WIN_NEED_ROWS : WIN_NEED_PARTITION, f->upper.rows); break;
    }
}

/* ---- functions */

static vonk_status open_offset(win_values *v, const vonk_expr *e, win_fn *f, vonk_error *err)
{
    window_shared *s = v->op->shared;
    int64_t rows = 1;
    f->kind = WIN_OFFSET;
    if (e->n_args > 1) VONK_TRY(integer(v->op, e->children[1], &rows, err));
    f->offset = vonk_fn_canonical(e->fn)->name[1] == 'a' ? -rows : rows; /* lag */
    if (e->n_args > 2) f->fallback = add_value(v, e->children[2]);
    need(s, f->ignore_nulls && f->offset > 0 ? WIN_NEED_PARTITION : WIN_NEED_ROWS, f->offset);
    return VONK_OK;
}

static vonk_status open_ranking(win_values *v, const vonk_expr *e, const char *name, win_fn *f, vonk_error *err)
{
    static const struct {
        const char *name;
        win_kind kind;
        win_need need;
    } rankings[] = {
        {"row_number", WIN_ROW_NUMBER, WIN_NEED_ROWS},    {"rank", WIN_RANK, WIN_NEED_ROWS},
        {"dense_rank", WIN_DENSE_RANK, WIN_NEED_ROWS},    {"percent_rank", WIN_PERCENT_RANK, WIN_NEED_PARTITION},
        {"cume_dist", WIN_CUME_DIST, WIN_NEED_PARTITION}, {"ntile", WIN_NTILE, WIN_NEED_PARTITION},
    };
    for (size_t i = 0; i < VONK_COUNTOF(rankings); i++) {
        if (strcmp(rankings[i].name, name) != 0) continue;
        f->kind = rankings[i].kind;
        f->offset = 1;
        need(v->op->shared, rankings[i].need, 0);
        return f->kind == WIN_NTILE && e->n_args > 0 ? integer(v->op, e->children[0], &f->offset, err) : VONK_OK;
    }
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("the window function %s", name));
}

/* first, last, nth_value; *ret false: some other function. */
static vonk_status open_nth(win_values *v, const vonk_expr *e, const char *name, win_fn *f, bool *ret, vonk_error *err)
{
    bool first = strcmp(name, "first") == 0 || strcmp(name, "any_value") == 0, last = strcmp(name, "last") == 0;
    bool nth = strcmp(name, "nth_value") == 0;
    int64_t ignore = 0;
    *ret = first || last || nth;
    if (!*ret) return VONK_OK;
    f->kind = WIN_NTH;
    f->offset = last ? -1 : 1;
    if (nth) VONK_TRY(integer(v->op, e->children[1], &f->offset, err));
    if (e->n_args > (nth ? 2 : 1)) VONK_TRY(integer(v->op, e->children[nth ? 2 : 1], &ignore, err));
    f->ignore_nulls |= ignore != 0;
    return VONK_OK;
}

static bool narrow(const win_frame *f)
{
    if (!f->rows || f->lower.kind == VONK_FRAME_UNBOUNDED || f->upper.kind == VONK_FRAME_UNBOUNDED) return false;
    return f->upper.rows - f->lower.rows < 8;
}

static vonk_status open_aggregate(win_values *v, const vonk_expr *e, win_fn *f, vonk_error *err)
{
    window_shared *s = v->op->shared;
    const win_frame *frame = &s->frames[f->frame];
    VONK_TRY(vonk_call_prepare(v->op->arena, vonk_exec_fn_env(v->op->exec), e, &f->call, err));
    f->agg = e->fn->agg;
    f->state_bytes = (vonk_agg_state_bytes(f->call) + 15) & ~(size_t)15;
    bool exact = f->agg->copyable && f->agg->combine && f->agg->exact && f->agg->exact(f->call);
    f->whole_rows = exact && f->filter == UINT32_MAX;
    if (frame->lower.kind != VONK_FRAME_UNBOUNDED)
        f->kind = exact && !narrow(frame) ? WIN_SLIDING : WIN_EACH;
    else
        f->kind = frame->upper.kind == VONK_FRAME_UNBOUNDED ? WIN_WHOLE : WIN_GROWING;
    return VONK_OK;
}

/* Where the frame starts or ends. */
static vonk_status open_end(win_values *v, const vonk_expr *w, const vonk_expr *e, win_fn *f, vonk_error *err)
{
    window_shared *s = v->op->shared;
    *f = (win_fn){.type = w->type, .filter = UINT32_MAX, .fallback = UINT32_MAX, .first_arg = v->n};
    f->kind = vonk_column_i64(e->value, 0) == 0 ? WIN_FRAME_START : WIN_FRAME_END;
    VONK_TRY(open_frame(v, w, &f->frame, err));
    need_frame(s, &s->frames[f->frame]);
    return VONK_OK;
}

static vonk_status open_fn(win_values *v, const vonk_expr *w, win_fn *f, vonk_error *err)
{
    window_shared *s = v->op->shared;
    const vonk_expr *e = unnamed(w->children[0]);
    bool filtered = vonk_expr_has(e, VONK_EXF_HAS_FILTER), nth = false;
    if (e->kind == VONK_EX_LITERAL && e->type->id == VONK_T_INT) return open_end(v, w, e, f, err);
    if (e->kind != VONK_EX_FUNCTION || (e->fn->kind != VONK_FN_WINDOW && e->fn->kind != VONK_FN_AGGREGATE))
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "a window node computes something that is no function");
    const char *name = vonk_fn_canonical(e->fn)->name;
    if (e->n_order > 0)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         VONK_F("ORDER BY inside the aggregate function %s", name));
    *f = (win_fn){.type = w->type, .filter = UINT32_MAX, .fallback = UINT32_MAX};
    f->ignore_nulls = vonk_expr_has(e, VONK_EXF_IGNORE_NULLS);
    f->n_args = e->n_children - (filtered ? 1 : 0);
    f->first_arg = v->n;
    for (uint32_t i = 0; i < f->n_args; i++) add_value(v, e->children[i]);
    if (filtered) f->filter = add_value(v, e->children[f->n_args]);
    if (strcmp(name, "lag") == 0 || strcmp(name, "lead") == 0) return open_offset(v, e, f, err);
    VONK_TRY(open_nth(v, e, name, f, &nth, err));
    if (!nth && e->fn->kind == VONK_FN_WINDOW) return open_ranking(v, e, name, f, err);
    VONK_TRY(open_frame(v, w, &f->frame, err));
    need_frame(s, &s->frames[f->frame]);
    return nth ? VONK_OK : open_aggregate(v, e, f, err);
}

static vonk_status open_types(vonk_op *op, const win_values *v, vonk_error *err)
{
    window_shared *s = op->shared;
    s->n_values = v->n;
    VONK_TRY(vonk_arena_array(op->arena, s->n_in + v->n + 1, sizeof *s->types, &s->types, err));
    for (uint32_t i = 0; i < s->n_in; i++) s->types[i] = op->children[0]->types[i];
    for (uint32_t i = 0; i < v->n; i++) s->types[s->n_in + i] = v->at[i]->type;
    return vonk_op_program(op, v->at, v->n, &s->program, err);
}

vonk_status vonk__win_form_open(vonk_op *op, vonk_error *err)
{
    window_shared *s = op->shared;
    const vonk_expr_list *list = &op->node->lists[0];
    win_values v = {.op = op};
    s->n_fns = list->n;
    s->n_in = op->children[0]->n_columns;
    if (op->n_columns != s->n_in + s->n_fns)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                         "the columns of a window node do not fit its functions");
    for (uint32_t i = 0; i < list->n; i++) v.room += unnamed(unnamed(list->at[i])->children[0])->n_children + 4;
    VONK_TRY(vonk_arena_array(op->arena, v.room + 1, sizeof *v.at, &v.at, err));
    VONK_TRY(vonk_arena_array(op->arena, s->n_fns, sizeof *s->fns, &s->fns, err));
    VONK_TRY(vonk_arena_array(op->arena, s->n_fns, sizeof *s->frames, &s->frames, err));
    for (uint32_t i = 0; i < list->n; i++) {
        const vonk_expr *w = unnamed(list->at[i]);
        if (w->kind != VONK_EX_WINDOW)
            return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "a window node computes something else");
        VONK_TRY(open_fn(&v, w, &s->fns[i], err));
    }
    VONK_TRY(open_types(op, &v, err));
    return vonk__sort_groups_open(op, &op->node->lists[1], &op->node->lists[2], err);
}
