#include "sys/module.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>

static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

static int open_module(vonk_module *m)
{
    void *handle = dlopen(m->library, RTLD_NOW | RTLD_LOCAL); /* never closed: its code may be anywhere on a stack */
    if (!handle) return -1;
    for (size_t i = 0; i < m->n; i++) {
        void *at = dlsym(handle, m->names[i]);
        if (!at) return -1;
        memcpy(&m->at[i], &at, sizeof at);
    }
    return 1;
}

vonk_status vonk_module_need(vonk_module *m, vonk_error *err)
{
    int state = atomic_load_explicit(&m->state, memory_order_acquire);
    if (VONK_UNLIKELY(state == 0)) {
        pthread_mutex_lock(&opening);
        state = atomic_load(&m->state);
        if (state == 0) {
            state = open_module(m);
            atomic_store_explicit(&m->state, state, memory_order_release);
        }
        pthread_mutex_unlock(&opening);
    }
    if (state == 1) return VONK_OK;
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                     VONK_F("library %s, which is not installed (package %s)", m->library, m->package));
}
