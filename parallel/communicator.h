// What ranks say to one another. Tensors are contiguous and of one dtype; every rank of a communicator makes the same
// calls in the same order. Ranks are threads of one process here; processes and GPUs are further rows.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

#include <exception>
#include <memory>
#include <span>
#include <vector>

namespace kine::parallel {

struct Traffic {
    int64_t calls = 0;       ///< of all_to_all and all_gather
    int64_t bytes_sent = 0;  ///< to other ranks; what stays on the rank does not count
    int64_t bytes_received = 0;
};

/// One thread at a time each. A rank that fails calls abandon(), so that no other rank waits for it: theirs waiting and
/// later calls throw ErrorCode::Rank, which names it.
class Communicator {
  public:
    virtual ~Communicator() = default;

    virtual int rank() const = 0;
    virtual int size() const = 0;
    /// parts[r] goes to rank r; the result's r-th tensor came from rank r. `shapes[r]` is what rank r will send.
    virtual std::vector<Tensor> all_to_all(const Context& context, std::span<const Tensor> parts,
                                           std::span<const Shape> shapes) = 0;
    /// Everybody's tensor, in rank order. `shapes[r]` is what rank r contributes.
    virtual std::vector<Tensor> all_gather(const Context& context, const Tensor& part,
                                           std::span<const Shape> shapes) = 0;
    virtual void barrier() = 0;
    /// This rank gives up because of `cause`. The first to do so is the one that the others name.
    virtual void abandon(std::exception_ptr cause) noexcept = 0;

    const Traffic& traffic() const { return traffic_; }

  protected:
    Traffic traffic_;
};

/// The only rank there is: every exchange is a copy of the handle.
std::unique_ptr<Communicator> make_single_communicator();
/// `ranks` communicators for as many threads of this process, one each. A rank that destroys its own while others wait
/// for it counts as one that left: they throw ErrorCode::Rank.
std::vector<std::unique_ptr<Communicator>> make_thread_communicators(int ranks);

}  // namespace kine::parallel
