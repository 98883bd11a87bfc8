// Kept outputs that wait in pinned host memory because the GPU has no room for all of them. They leave beside the work
// that follows, and come back beside the work before their next use. Not run on a device yet.
#pragma once

#include "broadcast/site.h"
#include "runtime/context.h"
#include "runtime/device/cuda/pinned.h"
#include "runtime/device/cuda/side_copy.h"
#include "runtime/tensor/tensor.h"

#include <deque>
#include <map>
#include <memory>

namespace kine::broadcast {

/// Of one rank on a GPU; one thread at a time.
class HostShelf {
  public:
    /// How many outputs are on their way out at once; another may be on its way back.
    static constexpr int kLeaving = 2;
    /// Most on the device at once of what is put here, as multiples of the largest: with one that is used. One more
    /// that a residual has yet to add is there when activations, which count more, are not.
    static constexpr int kWindow = kLeaving + 2;

    /// The context must outlive it.
    explicit HostShelf(const Context& context);
    ~HostShelf();
    HostShelf(const HostShelf&) = delete;
    HostShelf& operator=(const HostShelf&) = delete;

    /// Takes the place of what the site had here. The caller's tensor is not written until it has left.
    /// ErrorCode::DoesNotFit where the host has no room.
    void put(const Site& site, const Tensor& output);
    /// Begins to bring the site's output back, if the device has room.
    void expect(const Site& site);
    /// The site's output on the device, where the queue of work waits for it.
    Tensor take(const Site& site);

  private:
    struct Place;

    Place& place_of(const Site& site, const Tensor& output);
    void fetch(Place& place);
    void let_go(Place& place);

    const Context& context_;
    CudaStream copying_;
    std::map<Site, std::unique_ptr<Place>> places_;
    std::deque<Place*> leaving_;  // the oldest first
};

}  // namespace kine::broadcast
