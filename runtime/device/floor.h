// What work on a device stands on: its memory, and on a GPU the queue that ops enqueue to.
#pragma once

#include "runtime/device/allocator.h"
#include "runtime/device/stream.h"

#include <memory>

namespace kine {

class DeviceFloor {
  public:
    virtual ~DeviceFloor() = default;
    virtual Allocator& memory() = 0;
    virtual Stream stream() const { return {}; }
    /// Lets another GPU read and write this one's memory, where the two can.
    virtual void let_in(Device) {}
    /// Of the device's memory, how much nobody has taken; 0 where that is not known or not ours to say.
    virtual int64_t free_bytes() const { return 0; }
};

/// ErrorCode::Device, with the reason, where `device` cannot be used.
std::unique_ptr<DeviceFloor> open_floor(Device device);

}  // namespace kine
