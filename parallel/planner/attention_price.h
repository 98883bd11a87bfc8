// What one kind of attention of a run costs when ranks share it: compute of the rank with the largest part, what is
// sent on the way, and how much of one hides behind the other.
#pragma once

#include "parallel/planner/closed_forms.h"
#include "parallel/planner/methods.h"

namespace kine::parallel {

/// How the ranks of a sequence divide a run. Rank 0 has the largest part of everything, so it is the one that all wait
/// for.
struct Division {
    const Work& work;
    const Cluster& cluster;
    int ranks;

    int64_t size_of(Split split) const;
    /// Of an axis that `among` ranks share.
    double largest_share(Split split, int among) const;
    double largest_share(Split split) const { return largest_share(split, ranks); }
    double slowdown() const;
    double linear_seconds(double macs) const;
    double attention_seconds(double macs) const;
    double memory_seconds(double bytes) const;
    /// Bytes of all tokens.
    double whole_bytes() const;
};

/// One kind of attention of a method.
struct SharedAttention {
    const AttentionWork& work;
    Attended attended;
    Layout resident;
    Sharing sharing;
};

struct AttentionSeconds {
    double compute = 0;
    double total = 0;  ///< with what is sent and does not hide
};

AttentionSeconds seconds_of(const Division& division, const SharedAttention& attention);
/// Held beside a rank's own part: what is gathered, or what travels by.
double extra_bytes(const Division& division, const SharedAttention& attention);

}  // namespace kine::parallel
