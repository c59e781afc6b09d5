/* cluster/scheduler_slot.c -- a slot's thread: takes a task, runs it, says how it went; and what tasks may ask. */
#include "cluster/scheduler_int.h"

static slot *slot_of(const vonk_task *task) { return (slot *)(uintptr_t)task; }

/* ---- what tasks may ask */

bool vonk_task_cancelled(const vonk_task *task) { return atomic_load(&slot_of(task)->cancel); }

void vonk_task_on_cancel(vonk_task *task, void (*stop)(void *), void *arg)
{
    slot *s = slot_of(task);
    VONK_LOCKED(&s->hook_lock);
    s->stop = stop;
    s->stop_arg = arg;
    if (!stop || !atomic_load(&s->cancel)) return;
    s->stop = NULL; /* too late to wait for the cancel: it has come */
    stop(arg);
}

void vonk_task_wait_begin(vonk_task *task)
{
    vonk_scheduler *scheduler = slot_of(task)->scheduler;
    VONK_LOCKED(&scheduler->lock);
    slot_of(task)->is_waiting = true;
    scheduler->n_waiting++;
    vonk__scheduler_wake(scheduler);
}

void vonk_task_wait_end(vonk_task *task)
{
    vonk_scheduler *scheduler = slot_of(task)->scheduler;
    VONK_LOCKED(&scheduler->lock);
    slot_of(task)->is_waiting = false;
    scheduler->n_waiting--;
}

vonk_status vonk_task_accumulate(vonk_task *task, vonk_str update, vonk_error *err)
{
    slot *s = slot_of(task);
    VONK_TRY(vonk_buf_append(&s->updates, &update.len, sizeof update.len, err));
    return vonk_buf_add_str(&s->updates, update, err);
}

static vonk_status left_alone(slot *s, vonk_error *err)
{
    s->is_left_alone = s->stage->barrier.broken_by != s;
    return VONK_FAIL(err, VONK_E_SPARK_JOB_CANCELLED, "jobId", VONK_F("%u", s->task.job), "reason",
                     "not all tasks of the barrier stage come to the barrier");
}

static vonk_status add_be32(vonk_buf *out, size_t n, vonk_error *err)
{
    uint32_t be = __builtin_bswap32(vonk_u32_of(n));
    return vonk_buf_append(out, &be, sizeof be, err);
}

static vonk_status gather(const stage *st, vonk_buf *out, vonk_error *err)
{
    for (uint32_t i = 0; i < st->n_tasks; i++) {
        VONK_TRY(add_be32(out, st->barrier.messages[i].len, err));
        VONK_TRY(vonk_buf_add_str(out, st->barrier.messages[i], err));
    }
    return VONK_OK;
}

/* The last one to come makes the answer for all. */
static vonk_status meet(slot *s, vonk_str message, vonk_error *err)
{
    stage *st = s->stage;
    barrier *b = &st->barrier;
    vonk_scheduler *scheduler = s->scheduler;
    uint32_t generation = b->generation;
    while (b->n_to_take && !b->broken && !atomic_load(&s->cancel))
        vonk_cond_wait(&scheduler->changed, &scheduler->lock);
    b->messages[s->place] = message;
    if (++b->n_arrived == st->n_tasks) {
        vonk_buf_reset(&b->answer);
        vonk_status made = gather(st, &b->answer, err);
        b->n_arrived = 0;
        if (made == VONK_OK) {
            b->n_to_take = st->n_tasks;
            b->generation++;
        } else {
            b->broken = true;
        }
        vonk_cond_broadcast(&scheduler->changed);
        return made;
    }
    while (b->generation == generation && !b->broken && !atomic_load(&s->cancel))
        vonk_cond_wait(&scheduler->changed, &scheduler->lock);
    /* Who has all it came for may leave, which breaks the barrier, before we have woken up. */
    return b->generation != generation ? VONK_OK : left_alone(s, err);
}

vonk_status vonk_task_barrier(vonk_task *task, vonk_str message, vonk_buf *ret, vonk_error *err)
{
    slot *s = slot_of(task);
    assert(s->stage->is_barrier);
    VONK_LOCKED(&s->scheduler->lock);
    barrier *b = &s->stage->barrier;
    if (b->broken) return left_alone(s, err);
    VONK_TRY(meet(s, message, err));
    vonk_status st = ret ? vonk_buf_add_str(ret, vonk_buf_str(&b->answer), err) : VONK_OK;
    if (--b->n_to_take == 0) vonk_cond_broadcast(&s->scheduler->changed);
    return st;
}

void vonk_task_break_barrier(vonk_task *task)
{
    slot *s = slot_of(task);
    VONK_LOCKED(&s->scheduler->lock);
    barrier *b = &s->stage->barrier;
    if (!b->broken) b->broken_by = s;
    b->broken = true;
    vonk_cond_broadcast(&s->scheduler->changed);
}

/* ---- running one task */

/* May what the task has made be given away? Not once its job has ended, or its barrier attempt was stopped: that one
 * runs again as a whole, unless something of it was given away before. */
static bool may_deliver(slot *s)
{
    stage *st = s->stage;
    VONK_LOCKED(&s->scheduler->lock);
    if (st->job->ended || (st->is_barrier && st->stopped)) return false;
    st->is_given = true;
    return true;
}

/* To the job's receiver: updates of accumulators once per place, then the result. */
static vonk_status deliver(slot *s, vonk_error *err)
{
    stage *st = s->stage;
    vonk_job_run *job = st->job;
    const vonk_receiver *to = &job->receiver;
    VONK_LOCKED(&job->receiver_lock);
    if (!may_deliver(s)) {
        s->is_withheld = true;
        return VONK_OK;
    }
    for (size_t at = 0; at < s->updates.len && to->accumulate && !st->accumulated[s->place];) {
        size_t n;
        memcpy(&n, s->updates.data + at, sizeof n);
        VONK_TRY(to->accumulate(to->self, (vonk_str){s->updates.data + at + sizeof n, n}, err));
        at += sizeof n + n;
    }
    st->accumulated[s->place] = true;
    if (st->shuffle || !to->result) return VONK_OK;
    return to->result(to->self, s->place, vonk_buf_str(&s->result), err);
}

static vonk_status run_task(slot *s, bool *ret_receiver, vonk_error *err)
{
    stage *st = s->stage;
    VONK_AUTO(vonk_budget_free) vonk_budget *budget = NULL;
    *ret_receiver = s->is_withheld = false;
    VONK_TRY(vonk_budget_new(st->job->budget, "task", VONK_NO_LIMIT, &budget, err));
    vonk_buf_init(&s->result, budget, SIZE_MAX);
    vonk_buf_init(&s->updates, budget, SIZE_MAX);
    s->task.budget = budget;
    s->task.result = st->shuffle ? NULL : &s->result;
    vonk_status status = st->kind->run(&s->task, err);
    vonk_task_on_cancel(&s->task, NULL, NULL);
    if (status == VONK_OK) {
        status = deliver(s, err);
        *ret_receiver = status != VONK_OK;
    }
    vonk_buf_done(&s->result);
    vonk_buf_done(&s->updates);
    return status;
}

/* ---- how it went. `lock` is held. */

static void stop_stage(stage *st)
{
    st->stopped = true;
    st->barrier.broken = true;
    if (st->is_barrier)
        for (uint32_t i = 0; i < st->job->scheduler->n_started; i++)
            if (st->job->scheduler->slots[i].stage == st) atomic_store(&st->job->scheduler->slots[i].cancel, true);
}

/* Nothing of the attempt runs any more and nothing of it will. */
static void end_attempt(stage *st, vonk_error *err)
{
    vonk_job_run *job = st->job;
    bool whole = st->shuffle ? vonk_shuffle_missing(st->shuffle, st->pending) == 0 : st->n_left == 0;
    st->running = false;
    st->status->completed_us = whole ? vonk_clock_wall_us() : 0;
    st->consecutive = whole ? 0 : st->consecutive + 1;
    if (!whole) st->status->attempt++;
    if (st->consecutive < job->scheduler->options.max_stage_attempts) {
        vonk__job_advance(job);
        return;
    }
    if (err->cls == VONK_OK)
        (void)vonk_raised(VONK_FAIL(err, VONK_E_BLOCK_LOST, "block", VONK_F("of stage %u", st->status->id)));
    vonk__job_fail(job, err);
}

static void again(stage *st, uint32_t place)
{
    if (st->is_barrier)
        stop_stage(st);
    else
        st->pending[--st->next_pending] = place; /* it was taken from there or from behind */
}

static void task_failed(stage *st, uint32_t place, bool killed, vonk_error *err)
{
    if (killed) return; /* its attempt was stopped: not its fault */
    const bool started_over = st->is_barrier && !st->shuffle && st->is_given; /* results are not taken back */
    if (err->cls == VONK_E_BLOCK_LOST && !started_over) {
        stop_stage(st);
        return;
    }
    st->status->n_failed++;
    if (++st->failures[place] >= st->job->scheduler->options.max_failures || started_over)
        vonk__job_fail(st->job, err);
    else
        again(st, place);
}

/* It failed since others do not come: why they do not is told by them, who may end later than it. */
static void keep_lonely(stage *st, uint32_t place, vonk_error *err)
{
    if (st->lonely.cls != VONK_OK) return;
    vonk_error_move(&st->lonely, err);
    st->lonely_place = place;
}

static void task_ended(slot *s, vonk_status status, bool receiver, vonk_error *err)
{
    stage *st = s->stage;
    vonk_job_run *job = st->job;
    bool killed = atomic_load(&s->cancel);
    s->stage = NULL;
    s->scheduler->n_busy--;
    job->pool->n_running--;
    st->status->n_active--;
    st->barrier.broken |= st->is_barrier; /* who still waits waits in vain: this one does not come again */
    if (!job->ended) {
        if (receiver) {
            vonk__job_fail(job, err);
        } else if (status != VONK_OK && s->is_left_alone && !killed) {
            keep_lonely(st, s->place, err);
        } else if (status != VONK_OK) {
            task_failed(st, s->place, killed, err);
        } else if (!s->is_withheld) {
            st->status->n_done++;
            if (!st->shuffle && !st->done[s->place]) {
                st->done[s->place] = true;
                st->n_left--;
            }
        }
    }
    if (!job->ended && st->status->n_active == 0 && !st->stopped && st->lonely.cls != VONK_OK)
        task_failed(st, st->lonely_place, false, &st->lonely);
    bool over = st->status->n_active == 0 && (st->stopped || st->next_pending == st->end_pending);
    if (!job->ended && over) end_attempt(st, err);
    job->n_running--; /* last: now the job may be freed */
    vonk_cond_broadcast(&s->scheduler->changed);
    vonk__scheduler_wake(s->scheduler);
}

static void take_task(slot *s, stage *st)
{
    vonk_job_run *job = st->job;
    vonk_scheduler *scheduler = s->scheduler;
    uint32_t place = st->pending[st->next_pending++];
    s->stage = st;
    s->place = place;
    atomic_store(&s->cancel, false);
    s->is_left_alone = false;
    s->task = (vonk_task){.stage = st->status->id,
                          .partition = st->partitions ? st->partitions[place] : place,
                          .attempt = st->failures[place],
                          .stage_attempt = st->status->attempt,
                          .task_id = scheduler->next_task++,
                          .job = job->id,
                          .n_tasks = st->n_tasks,
                          .barrier = st->is_barrier,
                          .bytes = st->bytes,
                          .properties = job->properties,
                          .n_properties = job->n_properties,
                          .scheduler = scheduler,
                          .shuffle = st->shuffle};
    scheduler->n_busy++;
    job->n_running++;
    job->pool->n_running++;
    st->status->n_active++;
}

void vonk__slot_run(void *arg)
{
    slot *s = arg;
    vonk_scheduler *scheduler = s->scheduler;
    vonk_mutex_lock(&scheduler->lock);
    for (;;) {
        stage *st = NULL;
        while (!scheduler->stop && !(st = vonk__scheduler_pick(scheduler))) {
            scheduler->n_idle++;
            vonk_cond_wait(&scheduler->work, &scheduler->lock);
            scheduler->n_idle--;
        }
        if (!st) break;
        take_task(s, st);
        vonk_mutex_unlock(&scheduler->lock);
        vonk_error err = VONK_ERROR_INIT;
        bool receiver = false;
        vonk_status status = run_task(s, &receiver, &err);
        vonk_mutex_lock(&scheduler->lock);
        task_ended(s, status, receiver, &err);
        vonk_mutex_unlock(&scheduler->lock);
        vonk_error_reset(&err);
        vonk__scheduler_stop_tasks(scheduler);
        vonk_mutex_lock(&scheduler->lock);
    }
    vonk_mutex_unlock(&scheduler->lock);
}
