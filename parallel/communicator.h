// What ranks say to one another, whatever carries it. Tensors are contiguous and of one dtype; every rank of a
// communicator makes the same calls in the same order. Sums are made in rank order on one rank each, so that they have
// the same bits on every rank and over every transport.
#pragma once

#include "parallel/transport.h"
#include "runtime/context.h"

#include <string>

namespace kine::parallel {

struct Traffic {
    int64_t calls = 0;       ///< of everything but barriers
    int64_t bytes_sent = 0;  ///< to other ranks; what stays on the rank does not count
    int64_t bytes_received = 0;
    double seconds = 0;  ///< in calls, waiting included

    Traffic& operator+=(const Traffic& other);
    Traffic& operator-=(const Traffic& other);
};

/// What is to come from `peer`.
struct Awaited {
    int peer = 0;
    Shape shape;
    DType dtype = DType::Float32;
};

/// About what a fast link carries in the time that an exchange takes to begin (NVLink: 15 us at 360 GB/s): a smaller
/// tile would cost more than it hides. Not measured yet.
inline constexpr int64_t kLeastTileBytes = int64_t{4} << 20;

class Communicator;

/// A call that was begun: its parcels travel while this rank computes. One at a time may be on its way between the
/// ranks of a communicator, which must outlive it.
class Pending {
  public:
    /// What the call returns. Once.
    std::vector<Tensor> wait();

  private:
    friend class Communicator;

    Communicator* communicator_ = nullptr;
    Profiler* profiler_ = nullptr;
    std::string_view operation_;
    std::vector<Tensor> result_;  // what has yet to come is being written
    int64_t bytes_sent_ = 0;
    int64_t bytes_received_ = 0;
    std::unique_ptr<Exchange> exchange_;
};

/// One thread at a time each. A rank that fails calls abandon(), so that no other rank waits for it: theirs waiting and
/// later calls throw ErrorCode::Rank, which names it.
class Communicator {
  public:
    /// What a rank's communicators have in common.
    struct Watch {
        std::string place;
        double timeout_seconds = 0;
        int64_t least_tile_bytes = kLeastTileBytes;
    };

    explicit Communicator(std::unique_ptr<Transport> transport,
                          std::shared_ptr<Watch> watch = std::make_shared<Watch>());

    int rank() const { return transport_->rank(); }
    int size() const { return transport_->size(); }

    /// parts[r] goes to rank r; the result's r-th tensor came from rank r. `shapes[r]` is what rank r will send.
    std::vector<Tensor> all_to_all(const Context& context, std::span<const Tensor> parts,
                                   std::span<const Shape> shapes);
    /// Everybody's tensor, in rank order. `shapes[r]` is what rank r contributes.
    std::vector<Tensor> all_gather(const Context& context, const Tensor& part, std::span<const Shape> shapes);
    /// The sum over ranks of their parts[this rank]; every rank's r-th part has the same shape.
    Tensor reduce_scatter(const Context& context, std::span<const Tensor> parts);
    /// The sum over ranks of x.
    Tensor all_reduce(const Context& context, const Tensor& x);
    /// Pairs, all at once: sends `sent` and returns what was awaited, in that order. A rank with nothing to say calls
    /// it all the same.
    std::vector<Tensor> send_receive(const Context& context, std::span<const Parcel> sent,
                                     std::span<const Awaited> awaited);
    /// The tensor of rank `from.peer`, whose `x` it is; others need not bring one.
    Tensor broadcast(const Context& context, const Tensor& x, const Awaited& from);
    void barrier();

    // The same, begun only, so that this rank may compute meanwhile.
    Pending begin_all_to_all(const Context& context, std::span<const Tensor> parts, std::span<const Shape> shapes);
    Pending begin_all_gather(const Context& context, const Tensor& part, std::span<const Shape> shapes);
    Pending begin_send_receive(const Context& context, std::span<const Parcel> sent, std::span<const Awaited> awaited);

    /// Ranks of one colour among themselves, ordered by `key`, then by rank.
    std::unique_ptr<Communicator> split(const Context& context, int64_t color, int64_t key);
    /// This rank gives up because of `cause`. The first to do so is the one that the others name.
    void abandon(std::exception_ptr cause) noexcept { transport_->abandon(std::move(cause)); }

    /// Where the run is, for messages: "step 3". Holds for communicators split from this one too.
    void set_place(std::string place) { watch_->place = std::move(place); }
    const std::string& place() const { return watch_->place; }
    /// A peer that does not answer a call for so long is an error; 0 waits for ever.
    void set_timeout(double seconds) { watch_->timeout_seconds = seconds; }
    /// The least that a rank has of a tile, in the mean, where an exchange may be cut into tiles (tiled_switch.h); the
    /// same on every rank.
    void set_least_tile_bytes(int64_t bytes) { watch_->least_tile_bytes = bytes; }
    int64_t least_tile_bytes() const { return watch_->least_tile_bytes; }

    const Traffic& traffic() const { return traffic_; }

  private:
    friend class Pending;

    struct Letters {
        std::vector<Parcel> sent;
        std::vector<Parcel> received;
        std::vector<Tensor> result;
    };

    Letters one_for_each(const Context& context, std::string_view operation, std::span<const Tensor> parts,
                         std::span<const Shape> shapes) const;
    Pending begin(const Context& context, std::string_view operation, Letters letters);

    std::unique_ptr<Transport> transport_;
    std::shared_ptr<Watch> watch_;
    Traffic traffic_;
};

/// The only rank there is: every exchange is a copy of the handle.
std::unique_ptr<Communicator> make_single_communicator();
/// `ranks` communicators for as many threads of this process, one each. A rank that destroys its own while others wait
/// for it counts as one that left: they throw ErrorCode::Rank.
std::vector<std::unique_ptr<Communicator>> make_thread_communicators(int ranks);

}  // namespace kine::parallel
