/* rdd/rdd.c -- contexts, nodes, references, names and levels. */
#include "rdd/rdd_int.h"
#include "sys/clock.h"

/* ---- contexts: tasks know them by number */

static vonk_mutex contexts_lock = VONK_MUTEX_INIT;
static vonk_rdd_context *contexts;
static uint32_t last_number;

vonk_rdd_context *vonk__rdd_context_find(uint32_t number)
{
    VONK_LOCKED(&contexts_lock);
    vonk_rdd_context *c = contexts;
    while (c && c->number != number) c = c->next;
    if (c) atomic_fetch_add(&c->refs, 1);
    return c;
}

void vonk__rdd_context_unref(vonk_rdd_context *c)
{
    if (atomic_fetch_sub(&c->refs, 1) != 1) return;
    vonk_budget *budget = c->budget;
    vonk_free(c->nodes.at);
    vonk_free(c->sources.at);
    vonk_free(c->broadcasts.at);
    vonk_free(c->local_folder);
    vonk_free(c->files_folder);
    vonk_free(c->checkpoint_folder);
    vonk_mutex_done(&c->lock);
    vonk_free(c);
    vonk_budget_retire(budget);
}

static vonk_status context_fill(vonk_rdd_context *c, vonk_error *err)
{
    VONK_TRY(vonk_strdup(c->budget, c->env.local_folder, &c->local_folder, err));
    return vonk_strdup(c->budget, c->env.files_folder, &c->files_folder, err);
}

vonk_status vonk_rdd_context_new(const vonk_rdd_env *env, vonk_rdd_context **ret, vonk_error *err)
{
    vonk_budget *budget = NULL;
    vonk_rdd_context *c = NULL;
    VONK_TRY(vonk_budget_new(env->budget, "rdd", VONK_NO_LIMIT, &budget, err));
    vonk_status st = VONK_NEW(budget, &c, err);
    if (st != VONK_OK) {
        vonk_budget_free(budget);
        return st;
    }
    atomic_store(&c->refs, 1);
    c->env = *env;
    c->budget = budget;
    vonk_mutex_init(&c->lock);
    st = context_fill(c, err);
    if (st == VONK_OK) st = vonk_scheduler_register(env->scheduler, vonk__rdd_task_kind(), err);
    if (st != VONK_OK) {
        vonk__rdd_context_unref(c);
        return st;
    }
    c->env.local_folder = vonk_str_of(c->local_folder);
    c->env.files_folder = vonk_str_of(c->files_folder);
    VONK_LOCKED(&contexts_lock);
    c->number = ++last_number;
    c->next = contexts;
    contexts = c;
    *ret = c;
    return VONK_OK;
}

/* What a node keeps in the block store. */
static void give_back(vonk_rdd *rdd)
{
    vonk_block_store *store = rdd->context->env.scheduler ? vonk__rdd_store(rdd) : NULL;
    vonk_shuffle_unref(VONK_STEAL(rdd->shuffle));
    if (!store) return;
    if (rdd->kind == VONK_RDD_PARALLEL || rdd->flow || rdd->tap)
        vonk_block_drop_all(store, VONK_BLOCK_FRAME, rdd->data);
    if (rdd->cache) vonk_block_drop_all(store, VONK_BLOCK_RDD, rdd->cache);
}

void vonk_rdd_context_free(vonk_rdd_context *c)
{
    if (!c) return;
    vonk_mutex_lock(&contexts_lock);
    vonk_rdd_context **link = &contexts;
    while (*link && *link != c) link = &(*link)->next;
    if (*link) *link = c->next;
    vonk_mutex_unlock(&contexts_lock);
    while (c->broadcasts.n) vonk_rdd_broadcast_drop(c, c->broadcasts.at[0].id);
    vonk_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->nodes.n; i++)
        if (c->nodes.at[i]) give_back(c->nodes.at[i]);
    c->closed = true;
    c->env.scheduler = NULL;
    vonk_mutex_unlock(&c->lock);
    vonk__rdd_context_unref(c);
}

vonk_status vonk_rdd_set_checkpoint_folder(vonk_rdd_context *c, vonk_str folder, vonk_error *err)
{
    char *copy = NULL;
    VONK_TRY(vonk_dir_make(folder, err));
    VONK_TRY(vonk_strdup(c->budget, folder, &copy, err));
    VONK_LOCKED(&c->lock);
    vonk_free(c->checkpoint_folder);
    c->checkpoint_folder = copy;
    return VONK_OK;
}

vonk_status vonk_rdd_source_register(vonk_rdd_context *c, const vonk_rdd_source *source, vonk_error *err)
{
    VONK_LOCKED(&c->lock);
    return VONK_VEC_PUSH(&c->sources, c->budget, source, err);
}

vonk_block_store *vonk__rdd_store(const vonk_rdd *rdd) { return vonk_scheduler_blocks(rdd->context->env.scheduler); }

/* ---- nodes */

static _Thread_local vonk_str thread_site;

void vonk_rdd_site(vonk_str site) { thread_site = site; }

static _Thread_local void (*thread_look)(void *arg);
static _Thread_local void *thread_look_arg;

void vonk_rdd_look(void (*look)(void *arg), void *arg)
{
    thread_look = look;
    thread_look_arg = arg;
}

vonk_status vonk_rdd_wait(vonk_job_run *job, vonk_error *err)
{
    for (bool ended = false;;) {
        VONK_TRY(vonk_job_wait(job, thread_look ? 100 * VONK_NS_PER_MS : -1, &ended, err));
        if (ended) return VONK_OK;
        if (thread_look) thread_look(thread_look_arg);
    }
}

vonk_status vonk__rdd_new(vonk_rdd_context *context, vonk_rdd_kind kind, vonk_rdd *const *parents, uint32_t n_parents,
                          const char *site, vonk_rdd **ret, vonk_error *err)
{
    vonk_arena *arena = NULL;
    vonk_rdd *rdd = NULL;
    VONK_TRY(vonk_arena_new(context->budget, &arena, err));
    vonk_status st = VONK_ARENA_NEW(arena, &rdd, err);
    if (st == VONK_OK) st = vonk_arena_array(arena, n_parents, sizeof(vonk_rdd *), &rdd->parents, err);
    if (st == VONK_OK) st = vonk_arena_str(arena, thread_site.len ? thread_site : vonk_str_of(site), &rdd->site, err);
    if (st != VONK_OK) {
        vonk_arena_free(arena);
        return st;
    }
    rdd->arena = arena;
    rdd->context = context;
    rdd->kind = kind;
    rdd->id = UINT32_MAX;
    rdd->n_parents = n_parents;
    for (uint32_t i = 0; i < n_parents; i++) rdd->parents[i] = vonk_rdd_ref(parents[i]);
    atomic_store(&rdd->refs, 1);
    atomic_fetch_add(&context->refs, 1);
    vonk_mutex_init(&rdd->lock);
    *ret = rdd;
    return VONK_OK;
}

static vonk_status enter(vonk_rdd_context *c, vonk_rdd *rdd, vonk_error *err)
{
    VONK_LOCKED(&c->lock);
    if (c->closed)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "the SparkContext of this RDD has been stopped");
    rdd->id = vonk_u32_of(c->nodes.n);
    return VONK_VEC_PUSH(&c->nodes, c->budget, rdd, err);
}

vonk_status vonk__rdd_enter(vonk_rdd *rdd, vonk_rdd **ret, vonk_error *err)
{
    vonk_status st = enter(rdd->context, rdd, err);
    if (st == VONK_OK)
        *ret = rdd;
    else
        vonk_rdd_unref(rdd);
    return st;
}

uint32_t vonk__rdd_take_id(vonk_rdd_context *c, vonk_error *err, vonk_status *ret)
{
    VONK_LOCKED(&c->lock);
    uint32_t id = vonk_u32_of(c->nodes.n);
    *ret = VONK_VEC_PUSH(&c->nodes, c->budget, NULL, err);
    return id;
}

vonk_rdd *vonk__rdd_find(vonk_rdd_context *c, uint32_t id)
{
    VONK_LOCKED(&c->lock);
    vonk_rdd *rdd = id < c->nodes.n ? c->nodes.at[id] : NULL;
    return rdd ? vonk_rdd_ref(rdd) : NULL;
}

vonk_rdd *vonk_rdd_ref(vonk_rdd *rdd)
{
    atomic_fetch_add(&rdd->refs, 1);
    return rdd;
}

/* Leaves the table; true: nobody has it any more. Under the context's lock, so that nobody finds what goes. */
static bool leave(vonk_rdd *rdd)
{
    vonk_rdd_context *c = rdd->context;
    VONK_LOCKED(&c->lock);
    if (atomic_fetch_sub(&rdd->refs, 1) != 1) return false;
    if (rdd->id < c->nodes.n) c->nodes.at[rdd->id] = NULL;
    give_back(rdd);
    return true;
}

static void free_node(vonk_rdd *rdd)
{
    vonk_rdd_context *context = rdd->context;
    vonk_free(rdd->name);
    vonk_mutex_done(&rdd->lock);
    vonk_arena_free(rdd->arena);
    vonk__rdd_context_unref(context);
}

void vonk_rdd_unref(vonk_rdd *rdd)
{
    if (!rdd || !leave(rdd)) return;
    rdd->next_dead = NULL;
    for (vonk_rdd *dead = rdd; dead;) { /* a lineage may be long: no recursion */
        vonk_rdd *next = dead->next_dead;
        for (uint32_t i = 0; i < dead->n_parents; i++) {
            if (!leave(dead->parents[i])) continue;
            dead->parents[i]->next_dead = next;
            next = dead->parents[i];
        }
        free_node(dead);
        dead = next;
    }
}

/* ---- looking and marking */

uint32_t vonk_rdd_id(const vonk_rdd *rdd) { return rdd->id; }
vonk_rdd_kind vonk_rdd_kind_of(const vonk_rdd *rdd) { return rdd->kind; }
vonk_rdd_elements vonk_rdd_elements_of(const vonk_rdd *rdd) { return rdd->elements; }
uint32_t vonk_rdd_n_partitions(const vonk_rdd *rdd) { return rdd->n_partitions; }

bool vonk_rdd_is_barrier(const vonk_rdd *rdd)
{
    for (; rdd; rdd = rdd->n_parents == 1 && rdd->kind != VONK_RDD_SHUFFLED ? rdd->parents[0] : NULL)
        if (rdd->barrier) return true;
    return false;
}

int64_t vonk_rdd_list_bytes(const vonk_rdd *rdd)
{
    while (rdd->kind == VONK_RDD_PYTHON || rdd->kind == VONK_RDD_MAPPED) rdd = rdd->parents[0];
    if (rdd->kind == VONK_RDD_EMPTY) return 0;
    if (rdd->kind != VONK_RDD_PARALLEL || !rdd->context->env.scheduler) return -1;
    const vonk_block_counts counts = vonk_block_count(vonk__rdd_store(rdd), VONK_BLOCK_FRAME, rdd->data);
    return (int64_t)(counts.memory_bytes + counts.disk_bytes);
}

vonk_status vonk_rdd_set_name(vonk_rdd *rdd, vonk_str name, vonk_error *err)
{
    char *copy = NULL;
    VONK_TRY(vonk_strdup(rdd->context->budget, name, &copy, err));
    VONK_LOCKED(&rdd->lock);
    vonk_free(rdd->name);
    rdd->name = copy;
    return VONK_OK;
}

vonk_status vonk_rdd_name(vonk_rdd *rdd, vonk_buf *out, vonk_error *err)
{
    VONK_LOCKED(&rdd->lock);
    return vonk_buf_add_c(out, rdd->name ? rdd->name : "", err);
}

static bool same_level(vonk_storage_level x, vonk_storage_level y)
{
    return x.disk == y.disk && x.memory == y.memory && x.off_heap == y.off_heap && x.deserialized == y.deserialized &&
           x.replication == y.replication;
}

vonk_status vonk_rdd_persist(vonk_rdd *rdd, vonk_storage_level level, vonk_error *err)
{
    VONK_LOCKED(&rdd->lock);
    if (rdd->level.replication && !same_level(level, rdd->level))
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         "another storage level for an RDD that has one: unpersist() it first");
    if (rdd->level.replication) return VONK_OK;
    if (!rdd->context->env.scheduler)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "the SparkContext of this RDD has been stopped");
    if (!rdd->cache) rdd->cache = vonk_block_store_name(vonk__rdd_store(rdd)) + 1;
    rdd->level = level;
    return VONK_OK;
}

void vonk_rdd_unpersist(vonk_rdd *rdd)
{
    vonk_mutex_lock(&rdd->lock);
    rdd->level = (vonk_storage_level){0};
    vonk_mutex_unlock(&rdd->lock);
    VONK_LOCKED(&rdd->context->lock);
    if (rdd->cache && rdd->context->env.scheduler)
        vonk_block_drop_all(vonk__rdd_store(rdd), VONK_BLOCK_RDD, rdd->cache);
}

vonk_storage_level vonk_rdd_level(vonk_rdd *rdd)
{
    VONK_LOCKED(&rdd->lock);
    return rdd->level;
}

void vonk_rdd_clean_shuffles(vonk_rdd *rdd)
{
    for (; rdd; rdd = rdd->n_parents ? rdd->parents[0] : NULL) {
        for (uint32_t i = 1; i < rdd->n_parents; i++)
            if (rdd->parents[i]->shuffle) vonk_shuffle_forget_all(rdd->parents[i]->shuffle);
        if (rdd->kind != VONK_RDD_SHUFFLED) continue;
        if (rdd->shuffle) vonk_shuffle_forget_all(rdd->shuffle);
        return; /* its own dependencies, not those of its parents */
    }
}
