/* column/kernel/dispatch.c -- the tables of all levels, and the choice at start. */
#include <string.h>

#include "column/kernel/kernel.h"
#include "sys/cpu.h"

extern const vonk_kernel_table vonk__kernel_table_v1, vonk__kernel_table_v3, vonk__kernel_table_v4;

static const vonk_kernel_table *const tables[VONK_N_CPU_LEVEL] = {
    [VONK_CPU_V1] = &vonk__kernel_table_v1,
    [VONK_CPU_V3] = &vonk__kernel_table_v3,
    [VONK_CPU_V4] = &vonk__kernel_table_v4,
};

const vonk_kernel_table *vonk_kernels = &vonk__kernel_table_v1;

__attribute__((constructor)) static void choose(void) { vonk_kernels = tables[vonk_cpu_get_level()]; }

const vonk_kernel_table *vonk_kernel_table_of(const char *level)
{
    for (int i = 0; i < VONK_N_CPU_LEVEL && i <= (int)vonk_cpu_get_level(); i++)
        if (strcmp(tables[i]->level, level) == 0) return tables[i];
    return NULL;
}
