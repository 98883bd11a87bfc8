// What a command finds around it: signals from outside, and the other ranks where mpirun or srun started several of us.
#pragma once

#include "apps/cli/signals.h"
#include "apps/embed/kinescope.hpp"

#include <string>
#include <utility>
#include <vector>

namespace kinescope::cli {

/// Alone until a command joins: most have no use for others.
class Ranks {
  public:
    Ranks() = default;
    ~Ranks() { kine_ranks_destroy(ranks_, 0); }
    Ranks(const Ranks&) = delete;
    Ranks& operator=(const Ranks&) = delete;

    void join() { check(kine_ranks_join(&ranks_)); }
    const kine_ranks* get() const { return ranks_; }
    /// More than one share what is made, and end together.
    bool are_several() const { return kine_ranks_size(ranks_) > 1; }
    /// Every process calls this with what all are going to make.
    void agree(const std::vector<Request>& requests) const {
        if (are_several()) kinescope::agree(ranks_, requests);
    }
    /// How the program ends, after all others have: with `status`, or with what another failed with, in `reason`.
    int leave(int status, std::string& reason) {
        const int result = kine_ranks_leave(ranks_, status, reason.c_str());
        if (result != status) reason = kine_last_error();
        return result;
    }
    void end_others(int status) { kine_ranks_destroy(std::exchange(ranks_, nullptr), status); }

  private:
    kine_ranks* ranks_ = nullptr;
};

/// Of processes that mpirun or srun started, as its variables say.
bool is_first_process();
/// What all of them are likely to say alike, the first says; mpirun then ends the others. Of those, one that finds
/// itself alone with its error has waited three seconds, since mpirun takes one.
void let_the_first_speak();

struct Surroundings {
    SignalWatch signals;  // first: threads inherit what it blocks
    Ranks ranks;
};

}  // namespace kinescope::cli
