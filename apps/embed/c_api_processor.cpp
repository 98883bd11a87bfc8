// Compiled for any x86-64 (CMakeLists.txt), so that a processor that is too old for the rest can still be told so.
#include "apps/embed/kinescope.h"

const char* kine_missing_processor(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports(KINE_CPU_LEVEL) ? nullptr : KINE_CPU_LEVEL;
}
