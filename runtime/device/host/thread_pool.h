// The threads of one session. Work is split by index range; which thread runs a range never changes a result.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace kine {

/// One caller at a time; a parallel_for inside a parallel_for runs where it is called.
class ThreadPool {
  public:
    /// `threads` workers in all, the caller included; 0 takes every processor this process may use.
    explicit ThreadPool(int threads = 0);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    int size() const;
    /// Calls body(begin, end) over disjoint ranges that cover [0, count), at least `grain` long where possible.
    /// Ranges may run at the same time; the first exception reaches the caller after all have ended.
    void parallel_for(int64_t count, int64_t grain, const std::function<void(int64_t begin, int64_t end)>& body);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace kine
