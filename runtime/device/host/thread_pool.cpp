// Fork and join over index ranges. A job is cut into fixed parts; whoever is free claims the next one by counting
// `unclaimed` down, so a worker that the system holds up delays nobody. A worker reads the job's fields only after a
// successful claim, and the caller changes them only after all claimed parts have ended: no lock on the way.
#include "runtime/device/host/thread_pool.h"

#include "runtime/error.h"

#include <immintrin.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace kine {

namespace {

using Body = std::function<void(int64_t, int64_t)>;

constexpr int kMostThreads = 1024;
constexpr int64_t kPartsPerThread = 4;  // evens out unequal parts; more would only add dispatch
constexpr int kSpins = 2000;            // about 30 microseconds: ops follow each other faster than a futex wakes

int allowed_processors() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) return std::max(1, CPU_COUNT(&allowed));
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

int resolve_threads(int threads) {
    check(threads >= 0 && threads <= kMostThreads, ErrorCode::Usage, "threads: expected 0 to {}, got {}", kMostThreads,
          threads);
    return threads == 0 ? std::min(allowed_processors(), kMostThreads) : threads;
}

template <class Ready>
bool spin_until(const Ready& ready) {
    for (int spin = 0; spin < kSpins; ++spin) {
        if (ready()) return true;
        _mm_pause();
    }
    return ready();
}

/// Signals of the host program are handled on its own threads, so ours start with all of them blocked.
class SignalsBlocked {
  public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

  private:
    sigset_t before_;
};

}  // namespace

struct ThreadPool::State {
    ~State();
    void start(int workers);
    void work();
    bool wait_for_part();
    void publish();
    void run_parts();
    void run_part(int64_t part);
    void remember(int64_t part);
    void join();

    // The present job; written by the caller while no part is claimed.
    const Body* body = nullptr;
    int64_t count = 0;
    int64_t parts = 0;
    std::atomic<int64_t> unclaimed = 0;
    std::atomic<int64_t> unfinished = 0;
    std::atomic<int64_t> first_failed = std::numeric_limits<int64_t>::max();
    std::exception_ptr failure;  // of part first_failed, under the mutex

    std::atomic<bool> busy = false;
    std::atomic<bool> stopping = false;
    std::mutex mutex;
    std::condition_variable part_ready;
    std::condition_variable all_done;
    std::vector<std::thread> workers;
};

ThreadPool::State::~State() {
    {
        const std::lock_guard lock(mutex);
        stopping.store(true);
    }
    part_ready.notify_all();
    for (std::thread& worker : workers) worker.join();
}

void ThreadPool::State::start(int number) {
    const SignalsBlocked blocked;
    for (int index = 0; index < number; ++index) workers.emplace_back([this] { work(); });
}

void ThreadPool::State::work() {
    while (wait_for_part()) run_parts();
}

/// False when the pool ends.
bool ThreadPool::State::wait_for_part() {
    const auto ready = [this] { return unclaimed.load() > 0 || stopping.load(); };
    if (!spin_until(ready)) {
        std::unique_lock lock(mutex);
        part_ready.wait(lock, ready);
    }
    return !stopping.load();
}

void ThreadPool::State::publish() {
    unfinished.store(parts);
    {
        const std::lock_guard lock(mutex);  // a worker between its last look and its sleep must not miss this
        unclaimed.store(parts);
    }
    part_ready.notify_all();
}

void ThreadPool::State::run_parts() {
    int64_t left = unclaimed.load();
    while (left > 0) {
        if (!unclaimed.compare_exchange_weak(left, left - 1)) continue;
        run_part(parts - left);
        left = unclaimed.load();
    }
}

void ThreadPool::State::run_part(int64_t part) {
    const int64_t begin = part * (count / parts) + std::min(part, count % parts);
    const int64_t length = count / parts + (part < count % parts ? 1 : 0);
    try {
        if (part < first_failed.load()) (*body)(begin, begin + length);
    } catch (...) {
        remember(part);
    }
    if (unfinished.fetch_sub(1) > 1) return;
    const std::lock_guard lock(mutex);
    all_done.notify_all();
}

/// Parts are claimed in order, so the lowest failing one always runs, and its exception is the same every time.
void ThreadPool::State::remember(int64_t part) {
    const std::lock_guard lock(mutex);
    if (part >= first_failed.load()) return;
    first_failed.store(part);
    failure = std::current_exception();
}

void ThreadPool::State::join() {
    const auto done = [this] { return unfinished.load() == 0; };
    if (spin_until(done)) return;
    std::unique_lock lock(mutex);
    all_done.wait(lock, done);
}

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) { state_->start(resolve_threads(threads) - 1); }

ThreadPool::~ThreadPool() = default;

int ThreadPool::size() const { return static_cast<int>(state_->workers.size()) + 1; }

void ThreadPool::parallel_for(int64_t count, int64_t grain, const Body& body) {
    if (count <= 0) return;
    const int64_t most_parts = std::max<int64_t>(1, count / std::max<int64_t>(1, grain));
    const bool alone = size() == 1 || most_parts == 1;
    if (alone || state_->busy.exchange(true)) return body(0, count);  // busy: nested, or another thread's job runs
    state_->body = &body;
    state_->count = count;
    state_->parts = std::min(most_parts, size() * kPartsPerThread);
    state_->publish();
    state_->run_parts();
    state_->join();
    state_->first_failed.store(std::numeric_limits<int64_t>::max());
    const std::exception_ptr failure = [&] {
        const std::lock_guard lock(state_->mutex);
        return std::exchange(state_->failure, nullptr);
    }();
    state_->busy.store(false);
    if (failure) std::rethrow_exception(failure);
}

}  // namespace kine
