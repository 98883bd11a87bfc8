// Groups of ranks are told apart by tags, not by MPI's own communicators: making those would wait for ever for a rank
// that is gone, and here every wait is ours, so that each can end with the name of the one waited for.
#include "parallel/communicators/mpi.h"

#include <sched.h>
#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <tuple>

namespace kine::parallel {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kLargestMessage = int64_t{1} << 30;
constexpr int kCallBits = 16, kGroupBits = 12,
              kGroupsOfGroup = 16;  // of a tag, of which MPI implementations leave us 28
constexpr auto kNewsInterval = std::chrono::milliseconds(20);
constexpr auto kLastMail = std::chrono::milliseconds(500);
constexpr int kBusyTests = 200;  // before a waiting rank sleeps

std::string in_place(const Call& call) { return call.place.empty() ? "" : fmt::format(" in {}", call.place); }

std::string reason_of(const std::exception_ptr& cause, int& status) {
    status = static_cast<int>(ErrorCode::Other);
    if (!cause) return "no reason given";
    try {
        std::rethrow_exception(cause);
    } catch (const Error& error) {
        status = static_cast<int>(error.code());
        return error.what();
    } catch (const std::bad_alloc&) {
        status = static_cast<int>(ErrorCode::DoesNotFit);
        return "memory is exhausted";
    } catch (const std::exception& error) {
        return error.what();
    } catch (...) {
        return "unknown exception";
    }
}

/// Part of a parcel on its way.
struct Message {
    void* pending = nullptr;
    int peer = 0;
    int64_t expected = 0;
    bool is_sent = false;
};

/// Ranks that speak to one another, by their numbers among all processes.
struct Group {
    Processes& processes;
    const std::vector<int>& members;
    int index;  ///< of this rank
};

/// May not outlive its transport.
class MpiExchange final : public Exchange {
  public:
    MpiExchange(Group group, const Call& call, std::vector<Parcel> sent, std::vector<Parcel> received)
        : group_(group), call_(call), sent_(std::move(sent)), received_(std::move(received)) {}
    MpiExchange(const MpiExchange&) = delete;
    MpiExchange& operator=(const MpiExchange&) = delete;
    ~MpiExchange() override {
        if (!messages_.empty()) give_up();
    }

    void begin(int tag) {
        for (const Parcel& parcel : received_) post(parcel, {tag, false});
        for (const Parcel& parcel : sent_) post(parcel, {tag, true});
    }

    void finish() override { complete(); }

  private:
    struct Way {
        int tag;
        bool is_sent;
    };

    /// One message, or several for what is too large; one without content for what is empty.
    void post(const Parcel& parcel, Way way) {
        const Tensor& tensor = parcel.tensor;
        check(!tensor || tensor.device().kind == DeviceKind::Cpu, ErrorCode::Device,
              "{}: process ranks have no path on {}", call_.operation, to_string(tensor.device()));
        const int64_t bytes = tensor ? tensor.bytes() : 0;
        auto* start = bytes > 0 ? const_cast<std::byte*>(tensor.raw()) : nullptr;
        const int peer = group_.members[static_cast<size_t>(parcel.peer)];
        const MpiLibrary& mpi = group_.processes.library();
        for (int64_t done = 0; done == 0 || done < bytes; done += kLargestMessage) {
            const auto count = static_cast<int>(std::min(bytes - done, kLargestMessage));
            void* const joined = group_.processes.joined();
            void* const pending = way.is_sent
                                      ? mpi.send(joined, MpiChannel::Tokens, start + done, count, peer, way.tag)
                                      : mpi.receive(joined, MpiChannel::Tokens, start + done, count, peer, way.tag);
            check(pending != nullptr, ErrorCode::Rank, "{}{}: MPI cannot reach rank {}", call_.operation,
                  in_place(call_), peer);
            messages_.push_back({pending, peer, count, way.is_sent});
        }
    }

    void complete() {
        const Clock::time_point start = Clock::now();
        Clock::time_point next_news = start + kNewsInterval;
        std::optional<Clock::time_point> left;
        for (int tests = 0; !test_all(); ++tests) {
            if (tests < kBusyTests) {
                sched_yield();
                continue;
            }
            std::this_thread::sleep_for(std::chrono::microseconds(50));
            if (Clock::now() < next_news) continue;
            next_news = Clock::now() + kNewsInterval;
            check_peers(start);
            check_presence(left);
        }
    }

    /// What a rank sent before it left may still be on its way.
    void check_presence(std::optional<Clock::time_point>& left) {
        for (const Message& message : messages_) {
            if (message.is_sent || !group_.processes.has_left(message.peer)) continue;
            if (!left) left = Clock::now();
            check(Clock::now() - *left < kLastMail, ErrorCode::Rank, "rank {} left before {} of rank {}{}",
                  message.peer, call_.operation, name(), in_place(call_));
        }
    }

    /// Forgets what is done; whether all is.
    bool test_all() {
        std::erase_if(messages_, [&](Message& message) {
            int count = 0;
            const int state = group_.processes.library().test(message.pending, &count);
            if (state == 0) return false;
            message.pending = nullptr;
            check(state > 0, ErrorCode::Rank, "{}{}: MPI lost the message between rank {} and rank {}", call_.operation,
                  in_place(call_), name(), message.peer);
            check(message.is_sent || count == message.expected, ErrorCode::Bug,
                  "{}{}: rank {} expected {} bytes from rank {}, came {}", call_.operation, in_place(call_), name(),
                  message.expected, message.peer, count);
            return true;
        });
        return messages_.empty();
    }

    void check_peers(Clock::time_point start) {
        group_.processes.check_others(call_);
        const std::chrono::duration<double> waited = Clock::now() - start;
        check(call_.timeout_seconds <= 0 || waited.count() < call_.timeout_seconds, ErrorCode::Rank,
              "rank {} did not answer {} of rank {}{} within {} s", messages_.front().peer, call_.operation, name(),
              in_place(call_), call_.timeout_seconds);
    }

    /// MPI may go on reading and writing what it was given, so that stays as long as the process: it is never freed.
    void give_up() {
        for (const Message& message : messages_) {
            if (message.pending != nullptr) group_.processes.library().drop(message.pending);
        }
        messages_.clear();
        for (const auto* parcels : {&sent_, &received_}) {
            for (const Parcel& parcel : *parcels) std::ignore = std::make_unique<Tensor>(parcel.tensor).release();
        }
    }

    int name() const { return group_.members[static_cast<size_t>(group_.index)]; }

    Group group_;
    Call call_;
    std::vector<Parcel> sent_;
    std::vector<Parcel> received_;
    std::vector<Message> messages_;
};

class MpiTransport final : public Transport {
  public:
    /// `members` are the ranks' numbers among all processes.
    MpiTransport(Processes& processes, std::vector<int> members, int index, int group)
        : processes_(processes), members_(std::move(members)), index_(index), group_(group) {}

    int rank() const override { return index_; }
    int size() const override { return static_cast<int>(members_.size()); }

    std::unique_ptr<Exchange> begin(const Call& call, std::vector<Parcel> sent, std::vector<Parcel> received) override {
        const int tag = (group_ << kCallBits) | static_cast<int>(++calls_ & ((1 << kCallBits) - 1));
        auto exchange = std::make_unique<MpiExchange>(Group{processes_, members_, index_}, call, std::move(sent),
                                                      std::move(received));
        exchange->begin(tag);
        return exchange;
    }

    std::unique_ptr<Transport> subgroup(const std::vector<int>& members, int index) override {
        const int group = group_ * kGroupsOfGroup + ++subgroups_;
        check(subgroups_ < kGroupsOfGroup && group < (1 << kGroupBits), ErrorCode::Unsupported,
              "ranks: groups of groups of processes are too many");
        std::vector<int> names;
        for (const int member : members) names.push_back(members_[static_cast<size_t>(member)]);
        return std::make_unique<MpiTransport>(processes_, std::move(names), index, group);
    }

    void abandon(std::exception_ptr cause) noexcept override {
        int status = 0;
        try {
            const std::string reason = reason_of(cause, status);
            processes_.tell(status, reason);
        } catch (...) {
            processes_.tell(status, {});
        }
    }

  private:
    Processes& processes_;
    std::vector<int> members_;
    int index_;
    int group_;
    int64_t calls_ = 0;
    int subgroups_ = 0;
};

}  // namespace

std::unique_ptr<Transport> make_mpi_transport(Processes& processes, const std::vector<int>& members) {
    const auto index = std::ranges::find(members, processes.rank()) - members.begin();
    return std::make_unique<MpiTransport>(processes, members, static_cast<int>(index), 0);
}

}  // namespace kine::parallel
