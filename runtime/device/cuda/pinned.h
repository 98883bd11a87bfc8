// Host memory that stays where it is, so that GPUs read and write it by themselves. Builds without CUDA refuse
// (without_cuda/); tests of dispatch have memory of their own behind it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

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

}  // namespace kine
