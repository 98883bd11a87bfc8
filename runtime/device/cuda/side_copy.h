// A copy beside the work of a GPU: on a queue of its own, begun once the queue of work has come so far as when it was
// asked for, and waited for where its result is used.
#pragma once

#include "runtime/device/cuda/stream.h"

namespace kine {

/// One at a time; one thread at a time.
class SideCopy {
  public:
    explicit SideCopy(Device device) : may_begin_(device), is_done_(device) {}

    struct Job {
        void* to = nullptr;
        const void* from = nullptr;
        int64_t bytes = 0;
    };
    /// Memory that the queue of work allocates and frees lasts until await(); that of the host until the host has
    /// waited for the queue of copies.
    void start(Stream copying, Stream work, const Job& job) {
        may_begin_.record(work);
        may_begin_.hold(copying);
        copy_async(job.to, job.from, job.bytes, copying);
        is_done_.record(copying);
    }
    /// What is enqueued to `work` from now on comes after the copy.
    void await(Stream work) const { is_done_.hold(work); }

  private:
    CudaEvent may_begin_, is_done_;
};

}  // namespace kine
