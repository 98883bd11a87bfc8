// Where thread ranks leave word for one another. A call has three acts: post what this rank sends, read what its peers
// posted, and wait until its own peers have read; between the first and the second a rank may do other work. Readers
// copy straight out of the sender's tensors without holding the lock, so a rank that gives up half way withdraws its
// post and waits for readers that are still at it; not for ever, since one of them may be who hangs. Until it wakes
// that one holds the memory that it reads.
#pragma once

#include "parallel/transport.h"

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace kine::parallel {

/// Safe for several threads: one per rank. Mailboxes of subgroups share the lock and the fate of the one they came
/// from, so a rank that fails is missed everywhere.
class Mailbox {
  public:
    /// What a mailbox and those of its subgroups have in common.
    struct Room {
        std::mutex mutex;
        std::condition_variable changed;
        int failed_rank = -1;
        std::string reason;
        std::vector<char> left;  // by the ranks' numbers
    };

    /// `names` are the ranks' numbers in the outermost group, for messages.
    Mailbox(const std::vector<int>& names, std::shared_ptr<Room> room);

    int ranks() const { return static_cast<int>(desks_.size()); }
    /// The acts of Transport::begin, for `rank`. What is posted must stay until it is finished or withdrawn; a call
    /// that throws has withdrawn it.
    void post(int rank, const Call& call, std::span<const Parcel> sent);
    void finish(int rank, std::span<Parcel> received);
    void withdraw(int rank);
    std::shared_ptr<Mailbox> subgroup(int rank, const std::vector<int>& members);
    /// All other ranks' waiting and later calls throw ErrorCode::Rank. Only the first counts.
    void abandon(int rank, std::string reason) noexcept;
    /// The rank makes no more calls, in no group. Said by the outermost one only: while a rank that failed takes its
    /// groups down, the others are to hear of the failure, not of its absence.
    void leave(int rank) noexcept;

  private:
    using Lock = std::unique_lock<std::mutex>;

    struct Desk {
        int name = 0;
        int64_t posted = 0;    // number of the call whose parcels lie here
        int64_t finished = 0;  // number of the last call after which this rank had read everything
        int64_t subgroups = 0;
        Call call;
        std::span<const Parcel> sent;
        int readers = 0;
        bool has_lost_patience = false;
    };

    Desk& desk(int rank) { return desks_[static_cast<size_t>(rank)]; }
    const Parcel& find_parcel(int from, int rank, int64_t skipped);
    void read_from(Lock& lock, int rank, Parcel& received, int64_t skipped);
    bool wait_until(Lock& lock, const Call& call, const std::function<bool()>& is_over);
    void wait_for(Lock& lock, int rank, int other, int64_t Desk::*progress);
    void withdraw(Lock& lock, int rank);

    std::shared_ptr<Room> room_;
    std::vector<Desk> desks_;
    std::map<std::pair<int64_t, int>, std::shared_ptr<Mailbox>> subgroups_;  // by count of splits and first member
};

}  // namespace kine::parallel
