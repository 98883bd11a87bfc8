// How bytes get from rank to rank. A transport knows one thing: to send and receive several tensors at once; what
// collectives are, and what they count, is the communicator's business and the same for all of them.
#pragma once

#include "runtime/device/stream.h"
#include "runtime/tensor/tensor.h"

#include <exception>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace kine::parallel {

/// A tensor on its way to or from `peer`. Contiguous; an empty handle is a message without content.
struct Parcel {
    int peer = 0;
    Tensor tensor;
};

/// What a rank is doing, for messages and for the deadline.
struct Call {
    std::string_view operation;
    std::string_view place;      ///< e.g. "step 3"; may be empty
    double timeout_seconds = 0;  ///< for a peer to answer; 0 waits for ever
    Stream stream = {};          ///< of a GPU's tensors: what it holds so far comes before
};

/// Parcels on their way. Destroyed before it has finished, the rank gives the call up; its peers are not released by
/// that, but by abandon().
class Exchange {
  public:
    virtual ~Exchange() = default;
    /// Returns when all parcels have come and those sent may be written again. Once.
    virtual void finish() = 0;
};

class Transport {
  public:
    virtual ~Transport() = default;

    virtual int rank() const = 0;
    virtual int size() const = 0;
    /// Begins to send `sent` and to fill the tensors of `received`, in any order; the n-th parcel for a peer is the
    /// n-th that it awaits from here. Every rank makes the same calls in the same order, one at a time.
    /// ErrorCode::Rank, here or when it finishes, names a peer that failed, left or stayed silent, ErrorCode::Bug one
    /// that makes another call or sends another shape.
    virtual std::unique_ptr<Exchange> begin(const Call& call, std::vector<Parcel> sent,
                                            std::vector<Parcel> received) = 0;
    /// The same for some of the ranks, who all call this; `members` in their new order, this rank at `index`.
    virtual std::unique_ptr<Transport> subgroup(const std::vector<int>& members, int index) = 0;
    /// This rank gives up because of `cause`: the calls of all others fail, those of subgroups too.
    virtual void abandon(std::exception_ptr cause) noexcept = 0;
};

}  // namespace kine::parallel
