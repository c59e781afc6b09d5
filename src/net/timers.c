/* net/timers.c -- a binary heap of timers that know their place. */
#include "net/timers_int.h"

#include "base/vec.h"

static void put(vonk_timers *t, size_t place, vonk_timer *timer)
{
    t->heap[place - 1] = timer;
    timer->place = place;
}

static void sift_up(vonk_timers *t, size_t place, vonk_timer *timer)
{
    for (; place > 1 && t->heap[place / 2 - 1]->at_us > timer->at_us; place /= 2) put(t, place, t->heap[place / 2 - 1]);
    put(t, place, timer);
}

static void sift_down(vonk_timers *t, size_t place, vonk_timer *timer)
{
    for (;;) {
        size_t child = place * 2;
        if (child > t->n) break;
        if (child < t->n && t->heap[child]->at_us < t->heap[child - 1]->at_us) child++;
        if (t->heap[child - 1]->at_us >= timer->at_us) break;
        put(t, place, t->heap[child - 1]);
        place = child;
    }
    put(t, place, timer);
}

void vonk_timers_done(vonk_timers *timers)
{
    for (size_t i = 0; i < timers->n; i++) timers->heap[i]->place = 0;
    vonk_free(timers->heap);
    *timers = (vonk_timers){.budget = timers->budget};
}

vonk_status vonk_timer_start(vonk_timers *timers, vonk_timer *timer, int64_t at_us, void (*due)(vonk_timer *timer), vonk_error *err)
{
    assert(timer->place == 0);
    if (timers->n == timers->capacity)
        VONK_TRY(vonk_vec_grow(timers->budget, &timers->heap, &timers->capacity, timers->n, sizeof(*timers->heap), err));
    timer->at_us = at_us;
    timer->due = due;
    timers->n++;
    sift_up(timers, timers->n, timer);
    return VONK_OK;
}

void vonk_timer_stop(vonk_timers *timers, vonk_timer *timer)
{
    if (timer->place == 0) return;
    size_t place = timer->place;
    assert(timers->heap[place - 1] == timer);
    vonk_timer *last = timers->heap[--timers->n];
    timer->place = 0;
    if (last == timer) return;
    if (place > 1 && timers->heap[place / 2 - 1]->at_us > last->at_us)
        sift_up(timers, place, last);
    else
        sift_down(timers, place, last);
}

int64_t vonk_timers_next(const vonk_timers *timers) { return timers->n ? timers->heap[0]->at_us : INT64_MAX; }

void vonk_timers_run(vonk_timers *timers, int64_t now_us)
{
    while (timers->n > 0 && timers->heap[0]->at_us <= now_us) {
        vonk_timer *timer = timers->heap[0];
        vonk_timer_stop(timers, timer);
        timer->due(timer);
    }
}
