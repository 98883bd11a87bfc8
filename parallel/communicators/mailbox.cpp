#include "parallel/communicators/mailbox.h"

#include <algorithm>

namespace kine::parallel {

void Mailbox::exchange(int rank, std::string_view operation, std::span<const Tensor> parts, const Read& read) {
    Lock lock(mutex_);
    Desk& own = desk(rank);
    own.operation = operation;
    own.parts = parts;
    ++own.posted;
    changed_.notify_all();
    try {
        // Starting at the next rank spreads the readers over the senders.
        for (int distance = 1; distance < ranks(); ++distance) read_from(lock, (rank + distance) % ranks(), rank, read);
        own.finished = own.posted;
        changed_.notify_all();
        for (int other = 0; other < ranks(); ++other) wait_for(lock, rank, other, &Desk::finished);
    } catch (...) {
        withdraw(lock, rank);
        throw;
    }
    own.parts = {};
}

void Mailbox::read_from(Lock& lock, int from, int rank, const Read& read) {
    wait_for(lock, rank, from, &Desk::posted);
    Desk& sender = desk(from);
    check(sender.operation == desk(rank).operation, ErrorCode::Bug, "rank {} calls {} while rank {} calls {}", rank,
          desk(rank).operation, from, sender.operation);
    ++sender.readers;
    const std::span<const Tensor> parts = sender.parts;  // they stay while they have readers
    lock.unlock();
    std::exception_ptr failure;
    try {
        read(from, parts);
    } catch (...) {
        failure = std::current_exception();
    }
    lock.lock();
    --sender.readers;
    changed_.notify_all();
    if (failure) std::rethrow_exception(failure);
}

/// Until `other` has come as far as this rank's present call.
void Mailbox::wait_for(Lock& lock, int rank, int other, int64_t Desk::*progress) {
    const Desk& waited_for = desk(other);
    const int64_t call = desk(rank).posted;
    changed_.wait(lock, [&] { return waited_for.*progress >= call || failed_rank_ >= 0 || waited_for.has_left; });
    check(failed_rank_ < 0, ErrorCode::Rank, "rank {} failed: {}", failed_rank_, reason_);
    check(waited_for.*progress >= call, ErrorCode::Rank, "rank {} left before {} of rank {}", other,
          desk(rank).operation, rank);
}

/// As if the call had not been made: nobody begins to read any more. The others go on waiting until this rank abandons
/// or leaves, so that whoever caused the trouble is the first to be named.
void Mailbox::withdraw(Lock& lock, int rank) {
    Desk& own = desk(rank);
    --own.posted;
    own.finished = std::min(own.finished, own.posted);
    changed_.wait(lock, [&] { return own.readers == 0; });
    own.parts = {};
}

void Mailbox::abandon(int rank, std::string reason) noexcept {
    const Lock lock(mutex_);
    if (failed_rank_ >= 0) return;
    failed_rank_ = rank;
    reason_ = std::move(reason);
    changed_.notify_all();
}

void Mailbox::leave(int rank) noexcept {
    const Lock lock(mutex_);
    desk(rank).has_left = true;
    changed_.notify_all();
}

}  // namespace kine::parallel
