// oneDNN parallelises with OpenMP; our ranges are already parallel. While this lives, the calling thread asks OpenMP
// for one thread; other threads and the caller's own setting afterwards are untouched.
#pragma once

#include <omp.h>

namespace kine::kernels {

class OneThread {
  public:
    OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
    ~OneThread() { omp_set_num_threads(before_); }
    OneThread(const OneThread&) = delete;
    OneThread& operator=(const OneThread&) = delete;

  private:
    int before_;
};

}  // namespace kine::kernels
