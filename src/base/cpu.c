#include "base/base.h"

#include <stdlib.h>

static vj_cpu_level probe(void)
{
    vj_cpu_level level = VJ_CPU_SCALAR;

#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt"))
        level = VJ_CPU_SSE42;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))
        level = VJ_CPU_AVX2;
#endif
    /* The one place where the library reads the environment: it may only lower the level. */
    const char *asked = getenv("VJ_CPU");
    for (vj_cpu_level i = VJ_CPU_SCALAR; asked != NULL && i < level; i++)
        if (strcmp(asked, vj_cpu_name(i)) == 0)
            level = i;
    return level;
}

vj_cpu_level vj_cpu(void)
{
    static _Atomic int cached; /* level + 1; the same value whoever computes it */
    int level = atomic_load_explicit(&cached, memory_order_relaxed);

    if (level == 0) {
        level = (int)probe() + 1;
        atomic_store_explicit(&cached, level, memory_order_relaxed);
    }
    return (vj_cpu_level)(level - 1);
}

const char *vj_cpu_name(vj_cpu_level level)
{
    static const char *const names[] = {"scalar", "sse42", "avx2"};

    return names[level];
}
