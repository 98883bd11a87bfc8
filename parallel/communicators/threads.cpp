// Ranks as threads of one process. A rank copies what it receives into memory of its own context, so tensors never
// travel between the allocators of two sessions, and uniqueness of a handle stays a matter of one thread, but for what
// a peer is reading.
#include "parallel/communicator.h"
#include "parallel/communicators/mailbox.h"

#include <numeric>

namespace kine::parallel {

namespace {

std::string reason_of(const std::exception_ptr& cause) {
    if (!cause) return "no reason given";
    try {
        std::rethrow_exception(cause);
    } catch (const std::exception& error) {
        return error.what();
    } catch (...) {
        return "unknown exception";
    }
}

class ThreadExchange final : public Exchange {
  public:
    ThreadExchange(std::shared_ptr<Mailbox> mailbox, int rank, std::vector<Parcel> sent, std::vector<Parcel> received)
        : mailbox_(std::move(mailbox)), rank_(rank), sent_(std::move(sent)), received_(std::move(received)) {}
    ThreadExchange(const ThreadExchange&) = delete;
    ThreadExchange& operator=(const ThreadExchange&) = delete;
    ~ThreadExchange() override {
        if (is_posted_) mailbox_->withdraw(rank_);
    }

    void post(const Call& call) {
        mailbox_->post(rank_, call, sent_);
        is_posted_ = true;
    }

    void finish() override {
        is_posted_ = false;
        mailbox_->finish(rank_, received_);
    }

  private:
    std::shared_ptr<Mailbox> mailbox_;
    int rank_;
    std::vector<Parcel> sent_;
    std::vector<Parcel> received_;
    bool is_posted_ = false;
};

class ThreadTransport final : public Transport {
  public:
    enum class Group { Outermost, Part };

    ThreadTransport(std::shared_ptr<Mailbox> mailbox, int rank, Group group)
        : mailbox_(std::move(mailbox)), rank_(rank), group_(group) {}
    ~ThreadTransport() override {
        if (group_ == Group::Outermost) mailbox_->leave(rank_);
    }

    int rank() const override { return rank_; }
    int size() const override { return mailbox_->ranks(); }

    std::unique_ptr<Exchange> begin(const Call& call, std::vector<Parcel> sent, std::vector<Parcel> received) override {
        auto exchange = std::make_unique<ThreadExchange>(mailbox_, rank_, std::move(sent), std::move(received));
        exchange->post(call);
        return exchange;
    }

    std::unique_ptr<Transport> subgroup(const std::vector<int>& members, int index) override {
        return std::make_unique<ThreadTransport>(mailbox_->subgroup(rank_, members), index, Group::Part);
    }

    void abandon(std::exception_ptr cause) noexcept override {
        try {
            mailbox_->abandon(rank_, reason_of(cause));
        } catch (...) {
            mailbox_->abandon(rank_, {});  // without memory for the reason, the rank alone must do
        }
    }

  private:
    std::shared_ptr<Mailbox> mailbox_;
    int rank_;
    Group group_;
};

}  // namespace

std::vector<std::unique_ptr<Communicator>> make_thread_communicators(int ranks) {
    check(ranks >= 1, ErrorCode::Usage, "ranks: expected 1 or more, came {}", ranks);
    std::vector<int> names(static_cast<size_t>(ranks));
    std::iota(names.begin(), names.end(), 0);
    const auto mailbox = std::make_shared<Mailbox>(names, std::make_shared<Mailbox::Room>());
    std::vector<std::unique_ptr<Communicator>> communicators;
    for (int rank = 0; rank < ranks; ++rank)
        communicators.push_back(std::make_unique<Communicator>(
            std::make_unique<ThreadTransport>(mailbox, rank, ThreadTransport::Group::Outermost)));
    return communicators;
}

}  // namespace kine::parallel
