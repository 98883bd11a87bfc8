// Weights that wait in pinned host memory because a GPU has no room for all of them: layer-wise offload. Layers are
// used in the same order again and again, so while one multiplies, the next ones' weights are already on their way. Not
// run on a device yet.
#pragma once

#include "runtime/context.h"
#include "runtime/device/cuda/pinned.h"
#include "runtime/device/cuda/side_copy.h"
#include "runtime/even_share.h"
#include "runtime/tensor/tensor.h"

#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

namespace kine {

class WeightOffload;

/// One weight that an offload keeps. Cheap to copy; empty: none.
class OffloadedWeight {
  public:
    OffloadedWeight() = default;
    explicit operator bool() const { return kept_ != nullptr; }
    const std::shared_ptr<WeightOffload>& offload() const;

    /// On the device of `context`, whose queue waits for the copy; hold it until what reads it is enqueued. Imagined if
    /// it was.
    Tensor on_device(const Context& context) const;
    /// The same values where the host can read them.
    Tensor on_host(const Context& context) const;

  private:
    friend class WeightOffload;
    struct Kept;
    explicit OffloadedWeight(std::shared_ptr<const Kept> kept) : kept_(std::move(kept)) {}

    std::shared_ptr<const Kept> kept_;
};

/// Of one GPU and one queue of work. Safe for several threads, whose work goes to that queue.
class WeightOffload : public std::enable_shared_from_this<WeightOffload> {
  public:
    /// How many layers are on their way beside the one that is used.
    static constexpr int kAhead = 2;

    /// Of what it is given, `resident_share` (0 to 1) stays on the device, evenly spread. The context's allocators and
    /// its queue outlive all weights.
    explicit WeightOffload(const Context& context, double resident_share = 0);
    ~WeightOffload();
    WeightOffload(const WeightOffload&) = delete;
    WeightOffload& operator=(const WeightOffload&) = delete;

    /// Copies a contiguous tensor of the host; one that is imagined is only counted. ErrorCode::DoesNotFit where the
    /// host's budget, or what can be pinned, is too small.
    OffloadedWeight keep(const Context& context, const Tensor& weight);

    /// One walk through the layers. Those of the same kind use the same weights in the same order.
    struct Pass {
        int index = 0;  ///< whoever begins the running one again is not heard
        int kind = 0;
    };
    /// The order of a kind is learnt in the first pass of it; until then it is that of keep(). Wrong guesses cost time
    /// and nothing else.
    void begin(const Context& context, Pass pass);

    /// No pass is under way, and what it has learnt of the last one is dropped: another run begins.
    void finish();

    int64_t bytes() const;         ///< of all that was given
    int64_t moving_bytes() const;  ///< of what does not stay on the device
    int64_t window_bytes() const;  ///< of what moves, most on the device at once
    int64_t copies() const;        ///< to the device, so far

  private:
    friend class OffloadedWeight;
    using Order = std::vector<int64_t>;  // numbers of weights

    /// A weight on its way to the device, or there.
    struct Arrival {
        Arrival(const Context& context, int64_t number, const OffloadedWeight::Kept& kept);

        int64_t number;
        Tensor weight;
        SideCopy copy;
        bool is_awaited = false;  // by the queue of work
    };
    using Arrivals = std::list<Arrival>;

    Tensor lend(const Context& context, int64_t number);
    void forget(int64_t number) noexcept;
    bool count(int64_t bytes);
    void enlist(OffloadedWeight::Kept& kept);
    CudaStream& copy_queue();
    Arrival& fetch(const Context& context, int64_t number);
    void drop_all_but(const Order& wanted);
    void note(int64_t number);
    Order upcoming(int64_t now) const;
    void look_ahead(const Context& context, const Order& wanted);
    const Order& expected() const { return expected_.empty() ? all_ : expected_; }

    const Device device_;
    const Stream work_;
    mutable std::mutex mutex_;  // of all below
    std::optional<CudaStream> copy_queue_;
    std::map<int64_t, const OffloadedWeight::Kept*> kept_;
    Order all_;  // in the order of keep()
    EvenShare share_;
    int64_t largest_ = 0, copies_ = 0, next_number_ = 0;
    Arrivals arrivals_;
    std::optional<Pass> pass_;
    std::map<int, Order> learnt_;  // by kind
    Order seen_;                   // in this pass
    Order expected_;               // in this pass
    size_t place_ = 0;             // in expected(), of what comes next
};

}  // namespace kine
