/* cluster/scheduler.c -- jobs: starting, what of them can run now, ending, cancelling, looking. */
#include "cluster/scheduler_int.h"

/* ---- the scheduler */

static vonk_status add_pool(vonk_scheduler *scheduler, vonk_str name, bool fair, uint32_t weight, uint32_t min_share,
                            run_pool **ret, vonk_error *err)
{
    run_pool *p = NULL;
    VONK_TRY(VONK_NEW(scheduler->budget, &p, err));
    vonk_status st = vonk_strdup(scheduler->budget, name, &p->name, err);
    if (st == VONK_OK) st = VONK_VEC_PUSH(&scheduler->pools, scheduler->budget, p, err);
    if (st != VONK_OK) {
        vonk_free(p->name);
        vonk_free(p);
        return st;
    }
    p->fair = fair;
    p->weight = weight;
    p->min_share = min_share;
    *ret = p;
    return VONK_OK;
}

/* Unknown names make a pool of their own, FIFO inside, as in Spark. */
static vonk_status find_pool(vonk_scheduler *scheduler, vonk_str name, run_pool **ret, vonk_error *err)
{
    if (name.len == 0) name = VONK_STR("default");
    for (size_t i = 0; i < scheduler->pools.n; i++)
        if (vonk_str_is(name, scheduler->pools.at[i]->name)) {
            *ret = scheduler->pools.at[i];
            return VONK_OK;
        }
    return add_pool(scheduler, name, false, 1, 0, ret, err);
}

vonk_status vonk_scheduler_pool(vonk_scheduler *scheduler, vonk_str name, bool fair, uint32_t weight,
                                uint32_t min_share, vonk_error *err)
{
    run_pool *p = NULL;
    VONK_LOCKED(&scheduler->lock);
    VONK_TRY(find_pool(scheduler, name, &p, err));
    p->fair = fair;
    p->weight = weight;
    p->min_share = min_share;
    return VONK_OK;
}

static vonk_status scheduler_fill(vonk_scheduler *scheduler, vonk_error *err)
{
    uint32_t n = scheduler->options.n_slots + SPARE_THREADS;
    VONK_TRY(vonk_strmap_new(scheduler->budget, false, &scheduler->kinds, err));
    VONK_TRY(vonk_alloc_zeroed(scheduler->budget, n * sizeof(slot), &scheduler->slots, err));
    for (uint32_t i = 0; i < n; i++) {
        scheduler->slots[i].scheduler = scheduler;
        vonk_mutex_init(&scheduler->slots[i].hook_lock);
    }
    return VONK_OK;
}

vonk_status vonk_scheduler_new(vonk_budget *budget, vonk_block_store *store, const vonk_scheduler_options *options,
                               vonk_scheduler **ret, vonk_error *err)
{
    vonk_scheduler *scheduler = NULL;
    VONK_TRY(VONK_NEW(budget, &scheduler, err));
    scheduler->budget = budget;
    scheduler->store = store;
    scheduler->options = *options;
    if (!scheduler->options.n_slots) scheduler->options.n_slots = 1;
    if (!scheduler->options.max_failures) scheduler->options.max_failures = 1;
    if (!scheduler->options.max_stage_attempts) scheduler->options.max_stage_attempts = 4;
    vonk_mutex_init(&scheduler->lock);
    vonk_cond_init(&scheduler->work);
    vonk_cond_init(&scheduler->changed);
    vonk_status st = scheduler_fill(scheduler, err);
    if (st != VONK_OK) {
        vonk_scheduler_free(scheduler);
        return st;
    }
    *ret = scheduler;
    return VONK_OK;
}

static void free_lists(vonk_scheduler *scheduler)
{
    for (size_t i = 0; i < scheduler->pools.n; i++) {
        vonk_free(scheduler->pools.at[i]->name);
        vonk_free(scheduler->pools.at[i]);
    }
    vonk_free(scheduler->pools.at);
    for (size_t i = 0; i < scheduler->cancels.n; i++) vonk_free(scheduler->cancels.at[i].key);
    vonk_free(scheduler->cancels.at);
    for (job_record *r; (r = scheduler->records);) {
        scheduler->records = r->next;
        vonk_arena_free(r->arena);
    }
}

void vonk_scheduler_free(vonk_scheduler *scheduler)
{
    if (!scheduler) return;
    vonk_scheduler_cancel(scheduler, VONK_STR_NONE, VONK_STR_NONE, VONK_STR("the scheduler is shut down"), false);
    vonk_mutex_lock(&scheduler->lock);
    scheduler->stop = true;
    vonk_cond_broadcast(&scheduler->work);
    vonk_mutex_unlock(&scheduler->lock);
    for (uint32_t i = 0; i < scheduler->n_started; i++) vonk_thread_join(scheduler->slots[i].thread);
    for (uint32_t i = 0; scheduler->slots && i < scheduler->options.n_slots + SPARE_THREADS; i++)
        vonk_mutex_done(&scheduler->slots[i].hook_lock);
    free_lists(scheduler);
    vonk_strmap_free(scheduler->kinds);
    vonk_cond_done(&scheduler->work);
    vonk_cond_done(&scheduler->changed);
    vonk_mutex_done(&scheduler->lock);
    vonk_free(scheduler->slots);
    vonk_free(scheduler);
}

vonk_block_store *vonk_scheduler_blocks(vonk_scheduler *scheduler) { return scheduler->store; }

vonk_status vonk_scheduler_register(vonk_scheduler *scheduler, const vonk_task_kind *kind, vonk_error *err)
{
    void *value = (void *)(uintptr_t)kind;
    VONK_LOCKED(&scheduler->lock);
    return vonk_strmap_put(scheduler->kinds, vonk_str_of(kind->name), value, NULL, err);
}

/* A slot's thread for each task that waits, as long as there are slots. A machine without threads has fewer slots. */
void vonk__scheduler_wake(vonk_scheduler *scheduler)
{
    VONK_AUTO(vonk_error_reset) vonk_error own = VONK_ERROR_INIT;
    uint32_t n = vonk__scheduler_pending(scheduler);
    if (n == 0) return;
    vonk_cond_broadcast(&scheduler->work);
    const uint32_t n_slots = scheduler->options.n_slots, all = n_slots + scheduler->n_waiting,
                   most = all < n_slots + SPARE_THREADS ? all : n_slots + SPARE_THREADS;
    for (uint32_t ready = scheduler->n_idle; ready < n && scheduler->n_started < most; ready++) {
        slot *s = &scheduler->slots[scheduler->n_started];
        if (vonk_thread_start(scheduler->budget, "vonk-slot", VONK_STACK_ENGINE, vonk__slot_run, s, &s->thread, &own) !=
            VONK_OK)
            break;
        scheduler->n_started++;
    }
    while (scheduler->n_started == 0 && scheduler->jobs) vonk__job_fail(scheduler->jobs, &own);
}

void vonk__scheduler_stop_tasks(vonk_scheduler *scheduler)
{
    vonk_mutex_lock(&scheduler->lock);
    uint32_t n = scheduler->n_started;
    vonk_mutex_unlock(&scheduler->lock);
    for (uint32_t i = 0; i < n; i++) {
        slot *s = &scheduler->slots[i];
        if (!atomic_load(&s->cancel)) continue;
        VONK_LOCKED(&s->hook_lock);
        void (*stop)(void *) = s->stop;
        /* It may be the next task's already, which nobody has cancelled. */
        if (!stop || !atomic_load(&s->cancel)) continue;
        s->stop = NULL;
        stop(s->stop_arg);
    }
}

/* ---- ending. `lock` is held. */

static void forget_old_records(vonk_scheduler *scheduler)
{
    job_record **link = &scheduler->records, *before = NULL;
    while (*link && scheduler->n_records > KEPT_JOBS) {
        job_record *r = *link;
        if (r->held || r->state == VONK_JOB_RUNNING) {
            before = r;
            link = &r->next;
            continue;
        }
        *link = r->next;
        if (scheduler->last_record == r) scheduler->last_record = before;
        scheduler->n_records--;
        vonk_arena_free(r->arena);
    }
}

void vonk__job_end(vonk_job_run *job, vonk_job_state state)
{
    vonk_scheduler *scheduler = job->scheduler;
    if (job->ended) return;
    job->ended = true;
    job->record->state = state;
    job->record->status = job->error.cls;
    job->record->completed_us = vonk_clock_wall_us();
    for (vonk_job_run **link = &scheduler->jobs; *link; link = &(*link)->next)
        if (*link == job) {
            *link = job->next;
            break;
        }
    if (scheduler->launching && scheduler->launching->job == job) scheduler->launching = NULL;
    for (uint32_t i = 0; i < scheduler->n_started; i++) {
        slot *s = &scheduler->slots[i];
        if (s->stage && s->stage->job == job) atomic_store(&s->cancel, true);
    }
    vonk_cond_broadcast(&scheduler->changed);
}

void vonk__job_fail(vonk_job_run *job, vonk_error *err)
{
    if (job->ended) return;
    vonk_error_copy(&job->error, err);
    vonk__job_end(job, VONK_JOB_FAILED);
}

/* ---- what can run. `lock` is held. */

static void fail_slots(vonk_job_run *job, const stage *st)
{
    VONK_AUTO(vonk_error_reset) vonk_error own = VONK_ERROR_INIT;
    (void)vonk_raised(
        VONK_FAIL(&own, VONK_E_UNSUPPORTED_FEATURE, "feature",
                  VONK_F("a barrier stage of %u tasks on %u slots", st->n_tasks, job->scheduler->options.n_slots)));
    vonk__job_fail(job, &own);
}

static void start_attempt(stage *st)
{
    st->next_pending = st->end_pending = 0;
    st->stopped = false;
    if (st->shuffle && st->is_barrier) vonk_shuffle_forget_all(st->shuffle); /* all of them or none */
    if (st->shuffle) st->end_pending = vonk_shuffle_missing(st->shuffle, st->pending);
    for (uint32_t i = 0; !st->shuffle && i < st->n_tasks; i++)
        if (!st->done[i]) st->pending[st->end_pending++] = i;
    st->barrier.n_arrived = st->barrier.n_to_take = 0;
    st->barrier.broken = false;
    st->barrier.broken_by = NULL;
    vonk_error_reset(&st->lonely);
    st->running = st->end_pending > 0;
    st->status->n_done = st->status->n_active = 0;
    st->status->n_tasks = st->end_pending;
    st->status->submitted_us = vonk_clock_wall_us();
    st->status->completed_us = 0;
    if (st->is_barrier && st->end_pending > st->job->scheduler->options.n_slots) fail_slots(st->job, st);
}

/* From the result back to what is missing. False: what was missing has come meanwhile, by another job's tasks. */
static bool advance_once(vonk_job_run *job)
{
    for (uint32_t i = 0; i < job->n_stages; i++) job->stages[i].status->needed = false;
    job->stages[job->n_stages - 1].status->needed = true;
    for (uint32_t i = job->n_stages; i-- > 0 && !job->ended;) {
        stage *st = &job->stages[i];
        bool ready = true;
        if (!st->status->needed || st->running) continue;
        for (uint32_t p = 0; p < st->n_parents; p++) {
            stage *parent = &job->stages[st->parents[p]];
            if (!parent->running && vonk_shuffle_missing(parent->shuffle, parent->pending) == 0) continue;
            parent->status->needed = true;
            ready = false;
        }
        if (ready) start_attempt(st);
        if (ready && !st->running) return false;
    }
    return true;
}

void vonk__job_advance(vonk_job_run *job)
{
    stage *last = &job->stages[job->n_stages - 1];
    if (job->ended) return;
    if (!last->shuffle && last->n_left == 0) {
        vonk__job_end(job, VONK_JOB_SUCCEEDED);
        return;
    }
    while (!job->ended && !advance_once(job)) {
    }
}

/* ---- starting */

static vonk_status copy_stage(vonk_job_run *job, const vonk_stage_spec *spec, stage *st, vonk_stage_status *status,
                              vonk_error *err)
{
    vonk_scheduler *scheduler = job->scheduler;
    vonk_arena *arena = job->arena;
    uint32_t n = spec->n_partitions, *numbers = NULL, *parents = NULL;
    vonk_mutex_lock(&scheduler->lock);
    *st = (stage){.job = job, .kind = vonk_strmap_get(scheduler->kinds, vonk_str_of(spec->kind)), .n_tasks = n};
    vonk_mutex_unlock(&scheduler->lock);
    st->status = status;
    st->n_left = n;
    st->is_barrier = spec->barrier;
    st->n_parents = spec->n_parents;
    if (!st->kind)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", VONK_F("no kind of task is named %s", spec->kind));
    assert(!spec->shuffle || (!spec->partitions && vonk_shuffle_n_maps(spec->shuffle) == n));
    VONK_TRY(vonk_arena_str(arena, spec->bytes, &st->bytes, err));
    if (spec->partitions) {
        VONK_TRY(vonk_arena_array(arena, n, sizeof *numbers, &numbers, err));
        if (n) memcpy(numbers, spec->partitions, n * sizeof *numbers);
    }
    VONK_TRY(vonk_arena_array(arena, spec->n_parents, sizeof *parents, &parents, err));
    if (spec->n_parents) memcpy(parents, spec->parents, spec->n_parents * sizeof *parents);
    st->partitions = numbers;
    st->parents = parents;
    VONK_TRY(vonk_arena_array(arena, n, sizeof *st->pending, &st->pending, err));
    VONK_TRY(vonk_arena_array(arena, n, sizeof *st->failures, &st->failures, err));
    VONK_TRY(vonk_arena_array(arena, n, sizeof *st->done, &st->done, err));
    VONK_TRY(vonk_arena_array(arena, n, sizeof *st->accumulated, &st->accumulated, err));
    if (spec->barrier) VONK_TRY(vonk_arena_array(arena, n, sizeof(vonk_str), &st->barrier.messages, err));
    vonk_buf_init(&st->barrier.answer, vonk_arena_budget(arena), SIZE_MAX);
    if (spec->shuffle) st->shuffle = vonk_shuffle_ref(spec->shuffle);
    return VONK_OK;
}

static vonk_status make_record(vonk_job_run *job, const vonk_job_spec *spec, vonk_error *err)
{
    vonk_arena *arena = NULL;
    job_record *r = NULL;
    VONK_TRY(vonk_arena_new(job->scheduler->budget, &arena, err));
    vonk_status st = VONK_ARENA_NEW(arena, &r, err);
    if (st == VONK_OK) st = vonk_arena_array(arena, spec->n_stages, sizeof *r->stages, &r->stages, err);
    if (st == VONK_OK) st = vonk_arena_array(arena, spec->n_stages, sizeof *r->stage_ids, &r->stage_ids, err);
    vonk_str group = vonk__property(spec->properties, spec->n_properties, "spark.jobGroup.id");
    vonk_str tags = vonk__property(spec->properties, spec->n_properties, "spark.job.tags");
    vonk_str description = vonk__property(spec->properties, spec->n_properties, "spark.job.description");
    if (st == VONK_OK && group.data) st = vonk_arena_str(arena, group, &r->group, err);
    if (st == VONK_OK && tags.data) st = vonk_arena_str(arena, tags, &r->tags, err);
    if (st == VONK_OK && description.data) st = vonk_arena_str(arena, description, &r->description, err);
    for (uint32_t i = 0; st == VONK_OK && i < spec->n_stages; i++) {
        r->stages[i].n_tasks = spec->stages[i].n_partitions;
        st = vonk_arena_str(arena, spec->stages[i].name, &r->stages[i].name, err);
    }
    if (st != VONK_OK) {
        vonk_arena_free(arena);
        return st;
    }
    r->arena = arena;
    r->n_stages = spec->n_stages;
    r->held = true;
    job->record = r;
    return VONK_OK;
}

static vonk_status fill_job(vonk_job_run *job, const vonk_job_spec *spec, vonk_error *err)
{
    vonk_property *properties = NULL;
    VONK_TRY(make_record(job, spec, err));
    VONK_TRY(vonk_arena_array(job->arena, spec->n_stages, sizeof *job->stages, &job->stages, err));
    for (uint32_t i = 0; i < spec->n_stages; i++) {
        job->n_stages = i + 1;
        VONK_TRY(copy_stage(job, &spec->stages[i], &job->stages[i], &job->record->stages[i], err));
    }
    VONK_TRY(vonk_arena_array(job->arena, spec->n_properties, sizeof *properties, &properties, err));
    for (uint32_t i = 0; i < spec->n_properties; i++) {
        VONK_TRY(vonk_arena_str(job->arena, spec->properties[i].key, &properties[i].key, err));
        VONK_TRY(vonk_arena_str(job->arena, spec->properties[i].value, &properties[i].value, err));
    }
    job->properties = properties;
    job->n_properties = spec->n_properties;
    VONK_LOCKED(&job->scheduler->lock);
    return find_pool(job->scheduler, vonk__property(spec->properties, spec->n_properties, "spark.scheduler.pool"),
                     &job->pool, err);
}

static void free_job(vonk_job_run *job)
{
    for (uint32_t i = 0; i < job->n_stages; i++) {
        vonk_error_reset(&job->stages[i].lonely);
        vonk_buf_done(&job->stages[i].barrier.answer);
        vonk_shuffle_unref(job->stages[i].shuffle);
    }
    vonk_error_reset(&job->error);
    vonk_mutex_done(&job->receiver_lock);
    vonk_arena_free(job->arena);
}

/* A reason that somebody gave for all jobs of such a property that would come; NULL: none. */
static const char *cancelled_ahead(const vonk_job_run *job)
{
    const vonk_scheduler *scheduler = job->scheduler;
    for (size_t i = 0; i < scheduler->cancels.n; i++) {
        const future_cancel *c = &scheduler->cancels.at[i];
        vonk_str given = vonk__property(job->properties, job->n_properties, c->key);
        if (vonk__property_matches(given, vonk_str_of(c->key), vonk_str_of(c->value))) return c->reason;
    }
    return NULL;
}

static void cancel_job(vonk_job_run *job, vonk_str reason)
{
    if (job->ended) return;
    (void)vonk_raised(
        VONK_FAIL(&job->error, VONK_E_SPARK_JOB_CANCELLED, "jobId", VONK_F("%u", job->id), "reason", VONK_S(reason)));
    vonk__job_end(job, VONK_JOB_FAILED);
}

/* `lock` is held. */
static void enter(vonk_job_run *job)
{
    vonk_scheduler *scheduler = job->scheduler;
    job_record *r = job->record;
    job->id = r->id = scheduler->next_job++;
    r->submitted_us = vonk_clock_wall_us();
    for (uint32_t i = 0; i < job->n_stages; i++) r->stage_ids[i] = r->stages[i].id = scheduler->next_stage++;
    *(scheduler->last_record ? &scheduler->last_record->next : &scheduler->records) = r;
    scheduler->last_record = r;
    scheduler->n_records++;
    forget_old_records(scheduler);
    vonk_job_run **link = &scheduler->jobs;
    while (*link) link = &(*link)->next;
    *link = job;
    const char *reason = cancelled_ahead(job);
    if (reason) {
        cancel_job(job, vonk_str_of(reason));
        return;
    }
    vonk__job_advance(job);
    vonk__scheduler_wake(scheduler);
}

vonk_status vonk_job_start(vonk_scheduler *scheduler, const vonk_job_spec *spec, vonk_job_run **ret, vonk_error *err)
{
    vonk_arena *arena = NULL;
    vonk_job_run *job = NULL;
    assert(spec->n_stages && !spec->stages[spec->n_stages - 1].shuffle);
    VONK_TRY(vonk_arena_new(scheduler->budget, &arena, err));
    vonk_status st = VONK_ARENA_NEW(arena, &job, err);
    if (st != VONK_OK) {
        vonk_arena_free(arena);
        return st;
    }
    job->arena = arena;
    job->scheduler = scheduler;
    job->receiver = spec->receiver;
    job->budget = spec->budget;
    job->over = spec->over;
    job->over_arg = spec->over_arg;
    vonk_mutex_init(&job->receiver_lock);
    st = fill_job(job, spec, err);
    if (st != VONK_OK) {
        if (job->record) vonk_arena_free(job->record->arena);
        free_job(job);
        return st;
    }
    vonk_mutex_lock(&scheduler->lock);
    enter(job);
    vonk_mutex_unlock(&scheduler->lock);
    *ret = job;
    return VONK_OK;
}

uint32_t vonk_job_id(const vonk_job_run *job) { return job->id; }

vonk_status vonk_job_wait(vonk_job_run *job, int64_t timeout_ns, bool *ret_ended, vonk_error *err)
{
    vonk_scheduler *scheduler = job->scheduler;
    int64_t until = timeout_ns < 0 ? 0 : vonk_clock_mono_ns() + timeout_ns;
    vonk_mutex_lock(&scheduler->lock);
    bool more = true;
    while (!job->ended && more) {
        if (timeout_ns < 0)
            vonk_cond_wait(&scheduler->changed, &scheduler->lock);
        else
            more = vonk_cond_wait_until(&scheduler->changed, &scheduler->lock, until);
    }
    *ret_ended = job->ended;
    vonk_mutex_unlock(&scheduler->lock);
    if (!*ret_ended) return VONK_OK;
    /* Nobody is in the receiver any more, and nobody will be. */
    vonk_mutex_lock(&job->receiver_lock);
    vonk_mutex_unlock(&job->receiver_lock);
    if (job->error.cls == VONK_OK) return VONK_OK;
    vonk_error_copy(err, &job->error);
    return vonk_raised(job->error.cls);
}

void vonk_job_cancel(vonk_job_run *job, vonk_str reason)
{
    vonk_mutex_lock(&job->scheduler->lock);
    cancel_job(job, reason);
    vonk_mutex_unlock(&job->scheduler->lock);
    vonk__scheduler_stop_tasks(job->scheduler);
}

void vonk_job_free(vonk_job_run *job)
{
    if (!job) return;
    vonk_scheduler *scheduler = job->scheduler;
    vonk_job_cancel(job, VONK_STR("nobody waits for it"));
    vonk_mutex_lock(&scheduler->lock);
    while (job->n_running) vonk_cond_wait(&scheduler->changed, &scheduler->lock);
    job->record->held = false;
    void (*over)(void *) = job->over;
    void *arg = job->over_arg;
    vonk_mutex_unlock(&scheduler->lock);
    free_job(job);
    if (over) over(arg);
}

/* ---- cancelling many */

static void remember_cancel(vonk_scheduler *scheduler, vonk_str key, vonk_str value, vonk_str reason)
{
    VONK_AUTO(vonk_error_reset) vonk_error own = VONK_ERROR_INIT;
    future_cancel c = {0};
    size_t bytes = key.len + value.len + reason.len + 3;
    if (scheduler->cancels.n == KEPT_CANCELS) {
        vonk_free(scheduler->cancels.at[0].key);
        memmove(scheduler->cancels.at, scheduler->cancels.at + 1, (KEPT_CANCELS - 1) * sizeof c);
        scheduler->cancels.n--;
    }
    if (vonk_alloc_zeroed(vonk_budget_root(), bytes, &c.key, &own) != VONK_OK) return; /* as if it had come too late */
    c.value = c.key + key.len + 1;
    c.reason = c.value + value.len + 1;
    if (key.len) memcpy(c.key, key.data, key.len);
    if (value.len) memcpy(c.value, value.data, value.len);
    if (reason.len) memcpy(c.reason, reason.data, reason.len);
    const vonk_status status = VONK_VEC_PUSH(&scheduler->cancels, vonk_budget_root(), c, &own);
    if (status != VONK_OK) vonk_free(c.key);
}

uint32_t vonk_scheduler_cancel(vonk_scheduler *scheduler, vonk_str key, vonk_str value, vonk_str reason, bool future)
{
    uint32_t n = 0;
    char name[128];
    vonk_format(name, sizeof name, "%.*s", VONK_STR_ARGS(key));
    vonk_mutex_lock(&scheduler->lock);
    for (vonk_job_run *j = scheduler->jobs, *next; j; j = next) {
        next = j->next;
        vonk_str given = vonk__property(j->properties, j->n_properties, name);
        if (key.len && !vonk__property_matches(given, key, value)) continue;
        cancel_job(j, reason);
        n++;
    }
    if (future && key.len) remember_cancel(scheduler, key, value, reason);
    vonk_mutex_unlock(&scheduler->lock);
    vonk__scheduler_stop_tasks(scheduler);
    return n;
}

/* ---- looking */

static const job_record *find_record(const vonk_scheduler *scheduler, uint32_t job)
{
    const job_record *r = scheduler->records;
    while (r && r->id != job) r = r->next;
    return r;
}

vonk_status vonk_scheduler_job(vonk_scheduler *scheduler, uint32_t job, vonk_arena *arena, vonk_job_state *ret_state,
                               const uint32_t **ret_stages, uint32_t *ret_n, vonk_error *err)
{
    uint32_t *ids = NULL;
    VONK_LOCKED(&scheduler->lock);
    const job_record *r = find_record(scheduler, job);
    uint32_t n = r ? r->n_stages : 0;
    VONK_TRY(vonk_arena_array(arena, n, sizeof *ids, &ids, err));
    if (n) memcpy(ids, r->stage_ids, n * sizeof *ids);
    *ret_state = r ? r->state : VONK_JOB_UNKNOWN;
    *ret_stages = ids;
    *ret_n = n;
    return VONK_OK;
}

vonk_status vonk_scheduler_jobs(vonk_scheduler *scheduler, vonk_str key, vonk_str value, bool running,
                                vonk_arena *arena, const uint32_t **ret_jobs, uint32_t *ret_n, vonk_error *err)
{
    uint32_t *ids = NULL, n = 0;
    VONK_LOCKED(&scheduler->lock);
    VONK_TRY(vonk_arena_array(arena, scheduler->n_records, sizeof *ids, &ids, err));
    for (const job_record *r = scheduler->records; r; r = r->next) {
        vonk_str given = vonk_str_is(key, "spark.job.tags") ? r->tags : r->group;
        if (running && r->state != VONK_JOB_RUNNING) continue;
        if (key.len ? vonk__property_matches(given, key, value) : running || !r->group.data) ids[n++] = r->id;
    }
    *ret_jobs = ids;
    *ret_n = n;
    return VONK_OK;
}

vonk_status vonk_scheduler_stage(vonk_scheduler *scheduler, uint32_t stage_id, vonk_arena *arena, bool *ret_there,
                                 vonk_stage_status *ret, vonk_error *err)
{
    VONK_LOCKED(&scheduler->lock);
    *ret_there = false;
    for (const job_record *r = scheduler->records; r && !*ret_there; r = r->next) {
        if (!r->n_stages || stage_id < r->stage_ids[0] || stage_id - r->stage_ids[0] >= r->n_stages) continue;
        *ret = r->stages[stage_id - r->stage_ids[0]];
        VONK_TRY(vonk_arena_str(arena, ret->name, &ret->name, err));
        *ret_there = true;
    }
    return VONK_OK;
}

static vonk_status copy_record(const job_record *r, vonk_arena *arena, vonk_job_status *to, vonk_error *err)
{
    vonk_stage_status *stages = NULL;
    *to = (vonk_job_status){.id = r->id,
                            .n_stages = r->n_stages,
                            .state = r->state,
                            .submitted_us = r->submitted_us,
                            .completed_us = r->completed_us};
    if (r->group.data) VONK_TRY(vonk_arena_str(arena, r->group, &to->group, err));
    if (r->tags.data) VONK_TRY(vonk_arena_str(arena, r->tags, &to->tags, err));
    if (r->description.data) VONK_TRY(vonk_arena_str(arena, r->description, &to->description, err));
    VONK_TRY(vonk_arena_array(arena, r->n_stages, sizeof *stages, &stages, err));
    for (uint32_t i = 0; i < r->n_stages; i++) {
        stages[i] = r->stages[i];
        VONK_TRY(vonk_arena_str(arena, r->stages[i].name, &stages[i].name, err));
    }
    to->stages = stages;
    return VONK_OK;
}

vonk_status vonk_scheduler_all_jobs(vonk_scheduler *scheduler, vonk_arena *arena, const vonk_job_status **ret,
                                    uint32_t *ret_n, vonk_error *err)
{
    vonk_job_status *all = NULL;
    uint32_t n = 0;
    VONK_LOCKED(&scheduler->lock);
    VONK_TRY(vonk_arena_array(arena, scheduler->n_records, sizeof *all, &all, err));
    for (const job_record *r = scheduler->records; r; r = r->next) VONK_TRY(copy_record(r, arena, &all[n++], err));
    *ret = all;
    *ret_n = n;
    return VONK_OK;
}
