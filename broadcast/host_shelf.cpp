#include "broadcast/host_shelf.h"

#include "kernels/move/move.h"
#include "runtime/device/cuda/commands.h"
#include "runtime/error.h"

#include <utility>

namespace kine::broadcast {

/// What a site has here: in host memory, and on the device while it goes or comes.
struct HostShelf::Place {
    Place(Device device, const Tensor& output)
        : like(Tensor::imagined(output.shape(), output.dtype())), memory(output.bytes()), out(device), back(device) {}

    Tensor like;  // imagined
    PinnedBuffer memory;
    Tensor leaving, coming;
    SideCopy out, back;
};

HostShelf::HostShelf(const Context& context) : context_(context), copying_(context.device) {}

/// Copies are over before the memory goes that they read or write.
HostShelf::~HostShelf() {
    try {
        copying_.synchronize();
    } catch (const std::exception&) {
        return;  // the device is lost, and with it whoever would read on
    }
}

void HostShelf::put(const Site& site, const Tensor& output) {
    use_device(context_.device);
    const Tensor whole = kernels::contiguous(context_, output);
    Place& place = place_of(site, whole);
    let_go(place);
    place.out.start(copying_.get(), context_.stream, {place.memory.bytes().data(), whole.address(), whole.bytes()});
    place.leaving = whole;
    leaving_.push_back(&place);
    while (leaving_.size() > kLeaving) let_go(*leaving_.front());
}

/// Pinning takes long, so memory is used again: in one run a site's outputs are alike.
HostShelf::Place& HostShelf::place_of(const Site& site, const Tensor& output) {
    std::unique_ptr<Place>& place = places_[site];
    if (place) {
        check(place->like.shape() == output.shape() && place->like.dtype() == output.dtype(), ErrorCode::Bug,
              "kept outputs of {} were {} and are now {}", to_string(site), to_string(place->like.shape()),
              to_string(output.shape()));
        return *place;
    }
    check_host_has_room(context_.host().allocator, output.bytes(), "kept outputs",
                        "raise --max-ram, or lower --cache-budget");
    place = std::make_unique<Place>(context_.device, output);
    return *place;
}

/// Its memory on the device belongs to the queue of work, which must not use it again before it was read.
void HostShelf::let_go(Place& place) {
    if (!place.leaving) return;
    place.out.await(context_.stream);
    place.leaving = {};
    std::erase(leaving_, &place);
}

void HostShelf::expect(const Site& site) {
    Place& place = *places_.at(site);
    const Allocator& memory = context_.allocator;
    const bool has_room = memory.budget() == 0 || memory.bytes_in_use() + place.like.bytes() <= memory.budget();
    if (place.leaving || place.coming || !has_room) return;
    try {
        fetch(place);
    } catch (const Error& error) {  // somebody else was faster, or what is free lies in pieces: take() asks again
        if (error.code() != ErrorCode::DoesNotFit) throw;
    }
}

void HostShelf::fetch(Place& place) {
    use_device(context_.device);
    const Tensor coming = Tensor::empty(context_, place.like.shape(), place.like.dtype());
    place.back.start(copying_.get(), context_.stream, {coming.address(), place.memory.bytes().data(), coming.bytes()});
    place.coming = coming;
}

Tensor HostShelf::take(const Site& site) {
    Place& place = *places_.at(site);
    if (place.leaving) return place.leaving;
    if (!place.coming) fetch(place);
    place.back.await(context_.stream);
    return std::exchange(place.coming, {});
}

}  // namespace kine::broadcast
