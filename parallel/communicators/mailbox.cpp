#include "parallel/communicators/mailbox.h"

#include "runtime/device/cuda/commands.h"
#include "runtime/tensor/transfer.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>

namespace kine::parallel {

namespace {

/// " in step 3", or nothing.
std::string in_place(const Call& call) { return call.place.empty() ? "" : fmt::format(" in {}", call.place); }

/// Ranks in step answer within microseconds, or within the hundred that a peer takes to copy a megabyte, while to be
/// put to sleep and woken takes about as long again. Where ranks share processors, the one that is waited for gets this
/// one's turn.
void stay_awake_for(std::unique_lock<std::mutex>& lock, const std::function<bool()>& is_over) {
    constexpr std::chrono::microseconds kMost(200);
    const auto end = std::chrono::steady_clock::now() + kMost;
    while (!is_over() && std::chrono::steady_clock::now() < end) {
        lock.unlock();
        std::this_thread::yield();
        lock.lock();
    }
}

/// While it lasts the lock is not held, and the sender knows that it is read from.
class Reading {
  public:
    Reading(std::unique_lock<std::mutex>& lock, int& readers) : lock_(lock), readers_(readers) {
        ++readers_;
        lock_.unlock();
    }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;
    ~Reading() {
        lock_.lock();
        --readers_;
    }

  private:
    std::unique_lock<std::mutex>& lock_;
    int& readers_;
};

/// A GPU's queue is told; queues that differ wait for one another, since the sender may write again when this returns.
void copy(const Tensor& from, Stream sender, Tensor& to, Stream receiver) {
    const bool waits = from.device().kind != DeviceKind::Cpu && sender.handle != receiver.handle;
    if (waits) synchronize(sender);
    copy_contents(from, to, receiver);
    if (waits) synchronize(receiver);
}

}  // namespace

Mailbox::Mailbox(const std::vector<int>& names, std::shared_ptr<Room> room)
    : room_(std::move(room)), desks_(names.size()) {
    for (size_t index = 0; index < names.size(); ++index) desks_[index].name = names[index];
    if (room_->left.empty()) room_->left.resize(names.size());  // the outermost group
}

void Mailbox::post(int rank, const Call& call, std::span<const Parcel> sent) {
    const Lock lock(room_->mutex);
    Desk& own = desk(rank);
    check(own.finished == own.posted, ErrorCode::Bug, "{}{}: rank {} has not finished {}", call.operation,
          in_place(call), own.name, own.call.operation);
    own.call = call;
    own.sent = sent;
    ++own.posted;
    room_->changed.notify_all();
}

void Mailbox::finish(int rank, std::span<Parcel> received) {
    Lock lock(room_->mutex);
    Desk& own = desk(rank);
    try {
        for (auto parcel = received.begin(); parcel != received.end(); ++parcel) {
            const auto from_same = [&](const Parcel& earlier) { return earlier.peer == parcel->peer; };
            read_from(lock, rank, *parcel, std::count_if(received.begin(), parcel, from_same));
        }
        own.finished = own.posted;
        room_->changed.notify_all();
        for (const Parcel& parcel : own.sent) wait_for(lock, rank, parcel.peer, &Desk::finished);
    } catch (...) {
        withdraw(lock, rank);
        throw;
    }
    own.sent = {};
}

void Mailbox::withdraw(int rank) {
    Lock lock(room_->mutex);
    withdraw(lock, rank);
}

/// The parcel that `from` has for `rank`, after as many others for it.
const Parcel& Mailbox::find_parcel(int from, int rank, int64_t skipped) {
    const Desk& sender = desk(from);
    const Desk& own = desk(rank);
    check(sender.posted == own.posted && sender.call.operation == own.call.operation, ErrorCode::Bug,
          "rank {} calls {}{} while rank {} calls {}{}", own.name, own.call.operation, in_place(own.call), sender.name,
          sender.call.operation, in_place(sender.call));
    for (const Parcel& parcel : sender.sent) {
        if (parcel.peer == rank && skipped-- == 0) return parcel;
    }
    fail(ErrorCode::Bug, "{}{}: rank {} sends nothing to rank {}, which awaits it", own.call.operation,
         in_place(own.call), sender.name, own.name);
}

void Mailbox::read_from(Lock& lock, int rank, Parcel& received, int64_t skipped) {
    wait_for(lock, rank, received.peer, &Desk::posted);
    Desk& sender = desk(received.peer);
    const Desk& own = desk(rank);
    const Tensor sent = find_parcel(received.peer, rank, skipped).tensor;
    check(sent.shape() == received.tensor.shape() && sent.dtype() == received.tensor.dtype(), ErrorCode::Bug,
          "{}{}: rank {} expected {} {} from rank {}, came {} {}", own.call.operation, in_place(own.call), own.name,
          name_of(received.tensor.dtype()), to_string(received.tensor.shape()), sender.name, name_of(sent.dtype()),
          to_string(sent.shape()));
    if (!sent || sent.elements() == 0) return;
    const Stream from = sender.call.stream, to = own.call.stream;
    {
        const Reading reading(lock, sender.readers);
        copy(sent, from, received.tensor, to);
    }
    room_->changed.notify_all();
}

/// Whether it came true within the call's patience.
bool Mailbox::wait_until(Lock& lock, const Call& call, const std::function<bool()>& is_over) {
    const std::chrono::duration<double> patience(call.timeout_seconds);
    if (patience.count() > 0) return room_->changed.wait_for(lock, patience, is_over);
    room_->changed.wait(lock, is_over);
    return true;
}

/// Until `other` has come as far as this rank's present call.
void Mailbox::wait_for(Lock& lock, int rank, int other, int64_t Desk::*progress) {
    const Desk& waited_for = desk(other);
    Desk& own = desk(rank);
    const auto has_answered = [&] { return waited_for.*progress >= own.posted; };
    const auto is_over = [&] {
        return has_answered() || room_->failed_rank >= 0 || room_->left[static_cast<size_t>(waited_for.name)];
    };
    stay_awake_for(lock, is_over);
    own.has_lost_patience = !wait_until(lock, own.call, is_over);
    check(!own.has_lost_patience, ErrorCode::Rank, "rank {} did not answer {} of rank {}{} within {} s",
          waited_for.name, own.call.operation, own.name, in_place(own.call), own.call.timeout_seconds);
    check(room_->failed_rank < 0, ErrorCode::Rank, "rank {} failed: {}", room_->failed_rank, room_->reason);
    check(has_answered(), ErrorCode::Rank, "rank {} left before {} of rank {}{}", waited_for.name, own.call.operation,
          own.name, in_place(own.call));
}

/// As if the call had not been made: nobody begins to read any more. The others go on waiting until this rank abandons
/// or leaves, so that whoever caused the trouble is the first to be named; and who has found that out, perhaps of a
/// reader that hangs, does not wait again before it says so.
void Mailbox::withdraw(Lock& lock, int rank) {
    Desk& own = desk(rank);
    --own.posted;
    own.finished = std::min(own.finished, own.posted);
    if (!own.has_lost_patience) wait_until(lock, own.call, [&] { return own.readers == 0; });
    own.sent = {};
}

std::shared_ptr<Mailbox> Mailbox::subgroup(int rank, const std::vector<int>& members) {
    const Lock lock(room_->mutex);
    std::shared_ptr<Mailbox>& group = subgroups_[{desk(rank).subgroups++, members.front()}];
    if (group) return group;
    std::vector<int> names;
    for (const int member : members) names.push_back(desk(member).name);
    return group = std::make_shared<Mailbox>(names, room_);
}

void Mailbox::abandon(int rank, std::string reason) noexcept {
    const Lock lock(room_->mutex);
    if (room_->failed_rank >= 0) return;
    room_->failed_rank = desk(rank).name;
    room_->reason = std::move(reason);
    room_->changed.notify_all();
}

void Mailbox::leave(int rank) noexcept {
    const Lock lock(room_->mutex);
    room_->left[static_cast<size_t>(desk(rank).name)] = true;
    room_->changed.notify_all();
}

}  // namespace kine::parallel
