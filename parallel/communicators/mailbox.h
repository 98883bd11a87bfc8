// Where thread ranks leave word for one another. A call has three acts: post what this rank sends, read what the others
// posted, and wait until all have read. Readers copy straight out of the sender's tensors without holding the lock, so
// a rank that gives up half way withdraws its post and waits for readers that are still at it.
#pragma once

#include "runtime/tensor/tensor.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kine::parallel {

/// Safe for several threads: one per rank.
class Mailbox {
  public:
    explicit Mailbox(int ranks) : desks_(static_cast<size_t>(ranks)) {}

    int ranks() const { return static_cast<int>(desks_.size()); }
    /// `read(r, parts)` is called once for every other rank r with what it posted, then all ranks leave together.
    /// Throws what `read` throws, ErrorCode::Rank if another rank gave up or left, ErrorCode::Bug if ranks make
    /// different calls.
    using Read = std::function<void(int from, std::span<const Tensor> parts)>;
    void exchange(int rank, std::string_view operation, std::span<const Tensor> parts, const Read& read);
    /// All other ranks' waiting and later calls throw ErrorCode::Rank. Only the first counts.
    void abandon(int rank, std::string reason) noexcept;
    /// The rank makes no more calls.
    void leave(int rank) noexcept;

  private:
    using Lock = std::unique_lock<std::mutex>;

    struct Desk {
        int64_t posted = 0;    // number of the call whose parts lie here
        int64_t finished = 0;  // number of the last call after which this rank had read everything
        std::string_view operation;
        std::span<const Tensor> parts;
        int readers = 0;
        bool has_left = false;
    };

    Desk& desk(int rank) { return desks_[static_cast<size_t>(rank)]; }
    void read_from(Lock& lock, int from, int rank, const Read& read);
    void wait_for(Lock& lock, int rank, int other, int64_t Desk::*progress);
    void withdraw(Lock& lock, int rank);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Desk> desks_;
    int failed_rank_ = -1;
    std::string reason_;
};

}  // namespace kine::parallel
