// Host memory that stays where it is, so that GPUs read and write it by themselves. Builds without CUDA refuse
// (without_cuda/); tests of dispatch have memory of their own behind it.
#pragma once

#include "runtime/device/allocator.h"
#include "runtime/error.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace kine {

class PinnedBuffer {
  public:
    explicit PinnedBuffer(int64_t bytes);
    ~PinnedBuffer();
    PinnedBuffer(const PinnedBuffer&) = delete;
    PinnedBuffer& operator=(const PinnedBuffer&) = delete;

    /// Of all of this process.
    static int64_t in_use();

    std::span<std::byte> bytes() const { return {memory_, static_cast<size_t>(size_)}; }

  private:
    std::byte* memory_ = nullptr;
    int64_t size_ = 0;
};

/// ErrorCode::DoesNotFit unless `bytes` more of `what` fit what the host's budget leaves beside all pinned memory; else
/// `remedy` is what a user can do.
inline void check_host_has_room(const Allocator& host, int64_t bytes, std::string_view what, std::string_view remedy) {
    const int64_t in_use = host.bytes_in_use() + PinnedBuffer::in_use();
    check(host.budget() == 0 || in_use + bytes <= host.budget(), ErrorCode::DoesNotFit,
          "{} bytes of {} that wait in host memory do not fit: {} in use, budget {} ({})", bytes, what, in_use,
          host.budget(), remedy);
}

}  // namespace kine
