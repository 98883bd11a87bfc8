// Ends the program with a message where its first instruction of a newer kind would end it without one. Compiled for
// any x86-64 (CMakeLists.txt).
#include "apps/embed/kinescope.h"

#include <unistd.h>
#include <cstring>

namespace {

void say(const char* text) {
    if (write(STDERR_FILENO, text, std::strlen(text)) < 0) return;  // there is nobody else to tell
}

/// Before what other files do at the beginning.
[[gnu::constructor(101)]] void check_processor() {
    const char* missing = kine_missing_processor();
    if (missing == nullptr) return;
    say("kinescope: error: this program is built for processors of level ");
    say(missing);
    say(", which this one is not; build it with -DKINE_CPU_BASELINE=x86-64\n");
    _exit(KINE_UNSUPPORTED);
}

}  // namespace
