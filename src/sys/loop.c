/* sys/loop.c -- epoll, a heap of timers, a list of posted jobs behind an eventfd. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/vec.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "sys/thread.h"

enum { MOST_EVENTS = 256, LONGEST_SLEEP_MS = 3600 * 1000 };

struct vonk_loop {
    vonk_budget *budget;
    int epoll;
    atomic_bool stop;
    vonk_watch wake;   /* an eventfd: something was posted, or stop */
    vonk_watch *ready; /* of the present round, not called yet */
    VONK_VEC(vonk_timer *) heap;
    vonk_mutex lock; /* jobs */
    vonk_job *first_job, **last_job;
    vonk_watch signals;
    void (*on_signal)(void *self, int number);
    void *on_signal_self;
};

static const int kept_signals[] = {SIGTERM, SIGINT, SIGHUP};

static vonk_status fail_os(const char *what, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", VONK_F("%s: %s", what, strerrordesc_np(errno)));
}

/* ---- life ---- */

static void drain_wake(void *self, unsigned events)
{
    (void)events;
    vonk_loop *loop = self;
    uint64_t n;
    while (read(loop->wake.fd, &n, sizeof(n)) < 0 && errno == EINTR) {
    }
}

static void wake(vonk_loop *loop)
{
    uint64_t one = 1;
    /* The only failure left is a full counter, and then the loop wakes anyway. */
    while (write(loop->wake.fd, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
}

vonk_status vonk_loop_new(vonk_budget *budget, vonk_loop **ret, vonk_error *err)
{
    VONK_AUTO(vonk_loop_free) vonk_loop *loop = NULL;
    VONK_TRY(VONK_NEW(budget, &loop, err));
    loop->budget = budget;
    loop->wake.fd = loop->signals.fd = -1;
    loop->last_job = &loop->first_job;
    vonk_mutex_init(&loop->lock);
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0) return fail_os("epoll", err);
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0) return fail_os("eventfd", err);
    loop->wake.fd = fd;
    loop->wake.ready = drain_wake;
    loop->wake.self = loop;
    VONK_TRY(vonk_loop_watch(loop, &loop->wake, fd, VONK_WATCH_READ, err));
    *ret = VONK_STEAL(loop);
    return VONK_OK;
}

void vonk_loop_free(vonk_loop *loop)
{
    if (!loop) return;
    if (loop->signals.fd >= 0) close(loop->signals.fd);
    if (loop->wake.fd >= 0) close(loop->wake.fd);
    if (loop->epoll >= 0) close(loop->epoll);
    for (size_t i = 0; i < loop->heap.n; i++) loop->heap.at[i]->heap_pos = 0;
    vonk_free(loop->heap.at);
    vonk_mutex_done(&loop->lock);
    vonk_free(loop);
}

/* ---- watches ---- */

static uint32_t epoll_of(unsigned events)
{
    return (events & VONK_WATCH_READ ? EPOLLIN | EPOLLRDHUP : 0u) | (events & VONK_WATCH_WRITE ? EPOLLOUT : 0u);
}

vonk_status vonk_loop_watch(vonk_loop *loop, vonk_watch *watch, int fd, unsigned events, vonk_error *err)
{
    assert(!watch->loop && watch->ready);
    struct epoll_event e = {.events = epoll_of(events), .data.ptr = watch};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &e) != 0) return fail_os("cannot watch a descriptor", err);
    watch->fd = fd;
    watch->events = events;
    watch->loop = loop;
    watch->got = 0;
    return VONK_OK;
}

void vonk_loop_set_events(vonk_watch *watch, unsigned events)
{
    assert(watch->loop);
    if (watch->events == events) return;
    struct epoll_event e = {.events = epoll_of(events), .data.ptr = watch};
    int rc = epoll_ctl(watch->loop->epoll, EPOLL_CTL_MOD, watch->fd, &e);
    assert(rc == 0);
    (void)rc;
    watch->events = events;
}

void vonk_loop_unwatch(vonk_watch *watch)
{
    vonk_loop *loop = watch->loop;
    if (!loop) return;
    int rc = epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
    assert(rc == 0); /* else the descriptor was closed too early */
    (void)rc;
    for (vonk_watch **link = &loop->ready; *link; link = &(*link)->next_ready)
        if (*link == watch) {
            *link = watch->next_ready;
            break;
        }
    watch->loop = NULL;
}

static unsigned events_of(uint32_t e, unsigned wanted)
{
    unsigned got = 0;
    if (e & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) got |= VONK_WATCH_READ;
    if (e & EPOLLOUT) got |= VONK_WATCH_WRITE;
    got &= wanted;
    if (e & (EPOLLERR | EPOLLHUP)) got |= VONK_WATCH_ERROR;
    return got;
}

static void call_ready(vonk_loop *loop, const struct epoll_event *events, int n)
{
    /* Linked first, so that unwatch can take out what was not called yet. */
    vonk_watch **last = &loop->ready;
    for (int i = 0; i < n; i++) {
        vonk_watch *w = events[i].data.ptr;
        w->got = events_of(events[i].events, ~0u);
        *last = w;
        last = &w->next_ready;
    }
    *last = NULL;
    while (loop->ready) {
        vonk_watch *w = loop->ready;
        loop->ready = w->next_ready;
        /* What is no longer wanted since an earlier callback of this round is left out. */
        unsigned got = w->got & (w->events | VONK_WATCH_ERROR);
        if (got) w->ready(w->self, got);
    }
}

/* ---- timers: a binary heap, 1-based positions ---- */

static void place(vonk_loop *loop, vonk_timer *t, size_t pos)
{
    loop->heap.at[pos - 1] = t;
    t->heap_pos = pos;
}

static void sift_up(vonk_loop *loop, vonk_timer *t)
{
    size_t pos = t->heap_pos;
    for (; pos > 1 && loop->heap.at[pos / 2 - 1]->at_ns > t->at_ns; pos /= 2)
        place(loop, loop->heap.at[pos / 2 - 1], pos);
    place(loop, t, pos);
}

static void sift_down(vonk_loop *loop, vonk_timer *t)
{
    size_t pos = t->heap_pos, n = loop->heap.n;
    for (;;) {
        size_t child = pos * 2;
        if (child > n) break;
        if (child < n && loop->heap.at[child]->at_ns < loop->heap.at[child - 1]->at_ns) child++;
        if (loop->heap.at[child - 1]->at_ns >= t->at_ns) break;
        place(loop, loop->heap.at[child - 1], pos);
        pos = child;
    }
    place(loop, t, pos);
}

vonk_status vonk_loop_set_timer(vonk_loop *loop, vonk_timer *timer, int64_t at_ns, vonk_error *err)
{
    if (timer->heap_pos == 0) {
        VONK_TRY(VONK_VEC_PUSH(&loop->heap, loop->budget, timer, err));
        timer->heap_pos = loop->heap.n;
    }
    timer->at_ns = at_ns;
    sift_up(loop, timer);
    sift_down(loop, timer);
    return VONK_OK;
}

void vonk_loop_cancel_timer(vonk_loop *loop, vonk_timer *timer)
{
    if (timer->heap_pos == 0) return;
    vonk_timer *last = loop->heap.at[--loop->heap.n];
    size_t pos = timer->heap_pos;
    timer->heap_pos = 0;
    if (last == timer) return;
    place(loop, last, pos);
    sift_up(loop, last);
    sift_down(loop, last);
}

static void fire_timers(vonk_loop *loop)
{
    int64_t now = vonk_clock_mono_ns(); /* once: timers that are set anew from within wait for the next round */
    while (loop->heap.n && loop->heap.at[0]->at_ns <= now && !atomic_load(&loop->stop)) {
        vonk_timer *t = loop->heap.at[0];
        vonk_loop_cancel_timer(loop, t);
        t->fire(t->self);
    }
}

static int sleep_ms(const vonk_loop *loop)
{
    if (loop->heap.n == 0) return -1;
    int64_t ns = loop->heap.at[0]->at_ns - vonk_clock_mono_ns();
    if (ns <= 0) return 0;
    int64_t ms = (ns + VONK_NS_PER_MS - 1) / VONK_NS_PER_MS;
    return ms > LONGEST_SLEEP_MS ? LONGEST_SLEEP_MS : (int)ms;
}

/* ---- jobs ---- */

void vonk_loop_post(vonk_loop *loop, vonk_job *job)
{
    job->next = NULL;
    vonk_mutex_lock(&loop->lock);
    bool was_empty = !loop->first_job;
    *loop->last_job = job;
    loop->last_job = &job->next;
    if (was_empty) wake(loop); /* under the lock: after it the loop may be gone */
    vonk_mutex_unlock(&loop->lock);
}

static void run_jobs(vonk_loop *loop)
{
    vonk_mutex_lock(&loop->lock);
    vonk_job *job = loop->first_job;
    loop->first_job = NULL;
    loop->last_job = &loop->first_job;
    vonk_mutex_unlock(&loop->lock);
    while (job) {
        vonk_job *next = job->next; /* running, it may be freed or posted again */
        job->run(job->self);
        job = next;
    }
}

void vonk_loop_stop(vonk_loop *loop)
{
    atomic_store(&loop->stop, true);
    wake(loop);
}

vonk_status vonk_loop_run(vonk_loop *loop, vonk_error *err)
{
    struct epoll_event events[MOST_EVENTS];
    while (!atomic_load(&loop->stop)) {
        int n = epoll_wait(loop->epoll, events, MOST_EVENTS, sleep_ms(loop));
        if (n < 0 && errno != EINTR) return fail_os("epoll", err);
        if (n > 0) call_ready(loop, events, n);
        run_jobs(loop);
        fire_timers(loop);
    }
    atomic_store(&loop->stop, false); /* it may run again */
    return VONK_OK;
}

/* ---- signals ---- */

static sigset_t kept_set(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < VONK_COUNTOF(kept_signals); i++) sigaddset(&set, kept_signals[i]);
    return set;
}

void vonk_signals_prepare(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL);
    sigset_t set = kept_set();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

void vonk_signals_restore(void)
{
    sigset_t set = kept_set();
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    struct sigaction usual = {.sa_handler = SIG_DFL};
    sigaction(SIGPIPE, &usual, NULL);
}

static volatile sig_atomic_t is_interrupted;

static void note_interrupt(int number)
{
    (void)number;
    is_interrupted = 1;
}

void vonk_interrupts_catch(void)
{
    struct sigaction note = {.sa_handler = note_interrupt}; /* no SA_RESTART */
    sigaction(SIGINT, &note, NULL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

bool vonk_interrupts_take(void)
{
    bool was = is_interrupted != 0;
    is_interrupted = 0;
    return was;
}

/* The signal is let through only while nothing but the wait is going on: one that came just before it would be noted,
 * and waited past. */
bool vonk_interrupts_wait_input(int fd)
{
    struct pollfd input = {.fd = fd, .events = POLLIN};
    sigset_t interrupt, usual;
    bool pressed;

    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    pthread_sigmask(SIG_BLOCK, &interrupt, &usual);
    while (!(pressed = is_interrupted != 0) && ppoll(&input, 1, NULL, &usual) < 0 && errno == EINTR) {
    }
    pthread_sigmask(SIG_SETMASK, &usual, NULL);
    return !pressed;
}

static void read_signals(void *self, unsigned events)
{
    (void)events;
    vonk_loop *loop = self;
    struct signalfd_siginfo info;
    while (read(loop->signals.fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        loop->on_signal(loop->on_signal_self, (int)info.ssi_signo);
}

vonk_status vonk_loop_on_signal(vonk_loop *loop, void (*on_signal)(void *self, int number), void *self, vonk_error *err)
{
    loop->on_signal = on_signal;
    loop->on_signal_self = self;
    if (loop->signals.fd >= 0) return VONK_OK;
    sigset_t set = kept_set();
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0) return fail_os("signalfd", err);
    loop->signals.ready = read_signals;
    loop->signals.self = loop;
    vonk_status st = vonk_loop_watch(loop, &loop->signals, fd, VONK_WATCH_READ, err);
    if (st != VONK_OK) {
        close(fd);
        return st;
    }
    loop->signals.fd = fd;
    return VONK_OK;
}
