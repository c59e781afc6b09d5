/* sys/cpu.c */
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "sys/cgroup_int.h"
#include "sys/cpu.h"
#include "sys/thread.h"

static struct {
    vonk_once once;
    vonk_cpu_level level;
    bool is_supported;
    char model[64];
    size_t l2_bytes, n_cores;
    int64_t memory_total, memory_limit;
} machine = {.once = VONK_ONCE_INIT};

static const char *const level_names[VONK_N_CPU_LEVEL] = {"v1", "v3", "v4"};

static void find_level(void)
{
    __builtin_cpu_init(); /* heeds what the system saves of the registers, too */
#define HAS(feature) (__builtin_cpu_supports(feature) != 0)
    machine.is_supported = HAS("sse4.2") && HAS("ssse3") && HAS("popcnt");
    bool v3 = machine.is_supported && HAS("avx2") && HAS("bmi") && HAS("bmi2") && HAS("fma");
    bool v4 = v3 && HAS("avx512f") && HAS("avx512bw") && HAS("avx512cd") && HAS("avx512dq") && HAS("avx512vl");
#undef HAS
    machine.level = v4 ? VONK_CPU_V4 : v3 ? VONK_CPU_V3 : VONK_CPU_V1;
    const char *wanted = getenv("VONK_CPU_LEVEL");
    for (vonk_cpu_level l = VONK_CPU_V1; wanted && l < machine.level; l++)
        if (strcmp(wanted, level_names[l]) == 0) machine.level = l;
}

static void find_model(void)
{
    static char text[4096];
    const char *at = vonk__read_small("/proc/cpuinfo", text, sizeof(text)) ? strstr(text, "model name") : NULL;
    at = at ? strchr(at, ':') : NULL;
    if (!at) at = ": unknown";
    at += 1 + strspn(at + 1, " ");
    snprintf(machine.model, sizeof(machine.model), "%.*s", (int)strcspn(at, "\n"), at);
}

static size_t n_cores(void)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = online > 0 ? (size_t)online : 1;
    cpu_set_t mask; /* 1024 CPUs; on larger machines the call fails and the number online counts */
    if (sched_getaffinity(0, sizeof(mask), &mask) == 0 && CPU_COUNT(&mask) > 0) n = (size_t)CPU_COUNT(&mask);
    double quota = vonk__cgroup_cores("");
    if (quota > 0 && ceil(quota) < (double)n) n = (size_t)ceil(quota);
    return n ? n : 1;
}

static void look(void)
{
    find_level();
    find_model();
    long l2 = sysconf(_SC_LEVEL2_CACHE_SIZE);
    machine.l2_bytes = l2 > 0 ? (size_t)l2 : (size_t)1 << 20;
    machine.n_cores = n_cores();
    machine.memory_total = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    int64_t limit = vonk__cgroup_memory_bytes("");
    machine.memory_limit = limit < machine.memory_total ? limit : machine.memory_total;
}

static void look_once(void) { vonk_once_run(&machine.once, look); }

vonk_cpu_level vonk_cpu_get_level(void)
{
    look_once();
    return machine.level;
}
const char *vonk_cpu_level_name(vonk_cpu_level level) { return level_names[level]; }
bool vonk_cpu_is_supported(void)
{
    look_once();
    return machine.is_supported;
}
const char *vonk_cpu_model(void)
{
    look_once();
    return machine.model;
}
size_t vonk_cpu_l2_bytes(void)
{
    look_once();
    return machine.l2_bytes;
}
size_t vonk_cpu_n_cores(void)
{
    look_once();
    return machine.n_cores;
}
int64_t vonk_memory_total_bytes(void)
{
    look_once();
    return machine.memory_total;
}
int64_t vonk_memory_limit_bytes(void)
{
    look_once();
    return machine.memory_limit;
}

static int64_t ns_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}
int64_t vonk_process_cpu_us(void) { return ns_of(CLOCK_PROCESS_CPUTIME_ID) / 1000; }
int64_t vonk_thread_cpu_ns(void) { return ns_of(CLOCK_THREAD_CPUTIME_ID); }

int64_t vonk_process_rss_bytes(void)
{
    char text[128];
    long long all, resident;
    if (!vonk__read_small("/proc/self/statm", text, sizeof(text)) || sscanf(text, "%lld %lld", &all, &resident) != 2)
        return 0;
    return resident * sysconf(_SC_PAGESIZE);
}

int64_t vonk_process_peak_rss_bytes(void)
{
    struct rusage used;
    return getrusage(RUSAGE_SELF, &used) == 0 ? (int64_t)used.ru_maxrss * 1024 : 0;
}
