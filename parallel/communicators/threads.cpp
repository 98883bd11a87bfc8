// Ranks as threads of one process. A rank copies what it receives into memory of its own context, so tensors never
// travel between the allocators of two sessions and uniqueness of a handle stays a matter of one thread.
#include "parallel/communicator.h"
#include "parallel/communicators/mailbox.h"

#include <cstring>

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

Tensor copy_of(const Context& context, const Tensor& sent) {
    Tensor received = Tensor::empty(context, sent.shape(), sent.dtype());
    if (sent.bytes() > 0) std::memcpy(received.raw(), sent.raw(), static_cast<size_t>(sent.bytes()));
    return received;
}

class ThreadCommunicator final : public Communicator {
  public:
    ThreadCommunicator(std::shared_ptr<Mailbox> mailbox, int rank) : mailbox_(std::move(mailbox)), rank_(rank) {}
    ~ThreadCommunicator() override { mailbox_->leave(rank_); }

    int rank() const override { return rank_; }
    int size() const override { return mailbox_->ranks(); }

    std::vector<Tensor> all_to_all(const Context& context, std::span<const Tensor> parts,
                                   std::span<const Shape> shapes) override {
        check(static_cast<int>(parts.size()) == size(), ErrorCode::Bug, "all_to_all: {} ranks, {} parts", size(),
              parts.size());
        return exchange(context, "all_to_all", parts, shapes);
    }

    std::vector<Tensor> all_gather(const Context& context, const Tensor& part, std::span<const Shape> shapes) override {
        const std::vector<Tensor> parts(static_cast<size_t>(size()), part);
        return exchange(context, "all_gather", parts, shapes);
    }

    void barrier() override {
        mailbox_->exchange(rank_, "barrier", {}, [](int, std::span<const Tensor>) {});
    }

    void abandon(std::exception_ptr cause) noexcept override {
        try {
            mailbox_->abandon(rank_, reason_of(cause));
        } catch (...) {
            mailbox_->abandon(rank_, {});  // without memory for the reason, the rank alone must do
        }
    }

  private:
    std::vector<Tensor> exchange(const Context& context, std::string_view operation, std::span<const Tensor> parts,
                                 std::span<const Shape> shapes) {
        check_sent(context, operation, parts, shapes);
        const size_t own = static_cast<size_t>(rank_);
        std::vector<Tensor> received(parts.size());
        received[own] = parts[own];
        mailbox_->exchange(rank_, operation, parts, [&](int from, std::span<const Tensor> sent) {
            check_received(operation, from, sent[own], shapes[static_cast<size_t>(from)]);
            received[static_cast<size_t>(from)] = copy_of(context, sent[own]);
        });
        count(parts, received);
        return received;
    }

    void check_sent(const Context& context, std::string_view operation, std::span<const Tensor> parts,
                    std::span<const Shape> shapes) const {
        check(context.device.kind == DeviceKind::Cpu, ErrorCode::Device, "{}: thread ranks have no path on {}",
              operation, to_string(context.device));
        check(shapes.size() == parts.size(), ErrorCode::Bug, "{}: {} ranks, {} shapes", operation, size(),
              shapes.size());
        for (const Tensor& part : parts) {
            check(part.elements() == 0 || part.is_contiguous(), ErrorCode::Bug, "{}: rank {} sends {}, not contiguous",
                  operation, rank_, to_string(part.shape()));
        }
        check_received(operation, rank_, parts[static_cast<size_t>(rank_)], shapes[static_cast<size_t>(rank_)]);
    }

    void check_received(std::string_view operation, int from, const Tensor& sent, const Shape& expected) const {
        check(sent.shape() == expected, ErrorCode::Bug, "{}: rank {} expected {} from rank {}, came {}", operation,
              rank_, to_string(expected), from, to_string(sent.shape()));
    }

    void count(std::span<const Tensor> sent, std::span<const Tensor> received) {
        ++traffic_.calls;
        for (size_t other = 0; other < sent.size(); ++other) {
            if (static_cast<int>(other) == rank_) continue;
            traffic_.bytes_sent += sent[other].bytes();
            traffic_.bytes_received += received[other].bytes();
        }
    }

    std::shared_ptr<Mailbox> mailbox_;
    int rank_;
};

}  // namespace

std::vector<std::unique_ptr<Communicator>> make_thread_communicators(int ranks) {
    check(ranks >= 1, ErrorCode::Usage, "ranks: expected 1 or more, came {}", ranks);
    const auto mailbox = std::make_shared<Mailbox>(ranks);
    std::vector<std::unique_ptr<Communicator>> communicators;
    for (int rank = 0; rank < ranks; ++rank)
        communicators.push_back(std::make_unique<ThreadCommunicator>(mailbox, rank));
    return communicators;
}

}  // namespace kine::parallel
