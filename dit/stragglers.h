// Which rank the others waited for, step by step. A step takes every rank equally long, since they wait for one
// another; what tells them apart is how much of it they spent at work.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace kine::dit {

struct RankReport;  // dit/generator.h

/// One step of one rank.
struct StepTime {
    double seconds = 0;
    double communication_seconds = 0;  ///< waiting included
};

struct Straggler {
    int64_t step = 0;
    int rank = 0;
    double busy_seconds = 0;     ///< of that rank, outside communication
    double others_seconds = 0;   ///< busy, on average
    double waiting_seconds = 0;  ///< of the others in communication, on average
};

/// The slowest rank of each step; nothing for one rank.
std::vector<Straggler> find_stragglers(std::span<const RankReport> ranks);

}  // namespace kine::dit
