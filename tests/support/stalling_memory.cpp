#include "tests/support/stalling_memory.h"

#include "runtime/error.h"

#include <semaphore.h>
#include <sys/mman.h>
#include <cerrno>
#include <csignal>
#include <ctime>

namespace kine {

namespace {

constexpr size_t kBytes = 4096;

// A handler of signals reaches nothing but what is global.
void* page = nullptr;
sem_t is_released;
struct sigaction earlier;

void wait_for_release(int, siginfo_t* fault, void*) {
    const auto offset = static_cast<const std::byte*>(fault->si_addr) - static_cast<const std::byte*>(page);
    if (offset < 0 || offset >= static_cast<std::ptrdiff_t>(kBytes)) {  // somebody else's: it faults again, unhandled
        ::sigaction(SIGSEGV, &earlier, nullptr);
        return;
    }
    timespec end = {};
    ::clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 10;
    while (::sem_timedwait(&is_released, &end) != 0 && errno == EINTR) continue;
    ::mprotect(page, kBytes, PROT_READ);
}

}  // namespace

StallingMemory::StallingMemory() {
    check(page == nullptr, ErrorCode::Bug, "stalling memory: there is one already");
    page = ::mmap(nullptr, kBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(page != MAP_FAILED, ErrorCode::Other, "stalling memory: no page to be had");
    ::sem_init(&is_released, 0, 0);
    struct sigaction action = {};
    action.sa_sigaction = wait_for_release;
    action.sa_flags = SA_SIGINFO;
    ::sigaction(SIGSEGV, &action, &earlier);
}

StallingMemory::~StallingMemory() {
    ::sigaction(SIGSEGV, &earlier, nullptr);
    ::sem_destroy(&is_released);
    ::munmap(page, kBytes);
    page = nullptr;
}

std::span<const std::byte> StallingMemory::bytes() const { return {static_cast<const std::byte*>(page), kBytes}; }

void StallingMemory::release() { ::sem_post(&is_released); }

}  // namespace kine
