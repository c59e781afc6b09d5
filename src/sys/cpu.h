/* sys/cpu.h -- what the machine offers and what this process has used. Read once at first use, except where noted. Thread-safe. */
#ifndef VONK_SYS_CPU_H
#define VONK_SYS_CPU_H

#include "base/attr.h"

/* x86-64 levels; kernels are built for each (column/kernel). */
typedef enum vonk_cpu_level {
    VONK_CPU_V1, /* the least we run on: x86-64-v2 */
    VONK_CPU_V3, /* AVX2, BMI, FMA */
    VONK_CPU_V4, /* AVX-512 F, BW, CD, DQ, VL */
    VONK_N_CPU_LEVEL
} vonk_cpu_level;

/* The best that the machine and the environment allow: VONK_CPU_LEVEL=v1|v3|v4 lowers it. */
vonk_cpu_level vonk_cpu_get_level(void);
const char    *vonk_cpu_level_name(vonk_cpu_level level); /* "v1" */
bool           vonk_cpu_is_supported(void);               /* false: not even v1 */
const char    *vonk_cpu_model(void);                      /* "Intel(R) Xeon(R) ..." or "unknown" */
size_t         vonk_cpu_l2_bytes(void);
size_t         vonk_cpu_n_cores(void); /* affinity mask and cgroup quota are heeded; at least 1 */

int64_t vonk_memory_total_bytes(void); /* the machine's */
int64_t vonk_memory_limit_bytes(void); /* the least of that and the cgroups' limits (v1 and v2) */

/* Asked anew each time. */
int64_t vonk_process_cpu_us(void); /* user + system, all threads */
int64_t vonk_process_rss_bytes(void);
int64_t vonk_process_peak_rss_bytes(void);
int64_t vonk_thread_cpu_ns(void);  /* of the calling thread */

#endif
