// One timeline of all ranks: what each saw, by its own clock, comes together in the profiler of rank 0.
#pragma once

#include "parallel/communicator.h"

namespace kine::parallel {

/// A rank that is a thread has a profiler of its own, whose zones its parent takes in at the end, as those of that
/// rank.
class RankProfiler {
  public:
    RankProfiler(Profiler& parent, int rank);
    ~RankProfiler();
    RankProfiler(const RankProfiler&) = delete;
    RankProfiler& operator=(const RankProfiler&) = delete;

    Profiler& get() { return rank_ == 0 ? parent_ : own_; }

  private:
    Profiler& parent_;
    Profiler own_;
    int rank_;
};

/// Ranks that are processes, all of which call this: the zones of all move to the profiler of rank 0, if that one is
/// on. How far clocks are apart is found by messages there and back; the quickest of several is the one to go by.
void gather_zones(const Context& context, Communicator& communicator);

}  // namespace kine::parallel
