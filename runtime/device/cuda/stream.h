// Queues, marks in them, and host memory that GPUs read and write without the processor. Builds without CUDA refuse
// (without_cuda/), tests of dispatch have their own (tests/support/device).
#pragma once

#include "runtime/device/cuda/commands.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace kine {

/// Owns a queue of a GPU. Work in it is in order; queues do not wait for one another. One thread at a time.
class CudaStream {
  public:
    explicit CudaStream(Device device);
    ~CudaStream();
    CudaStream(const CudaStream&) = delete;
    CudaStream& operator=(const CudaStream&) = delete;

    Stream get() const { return stream_; }
    Device device() const { return device_; }
    /// Waits until all that was enqueued is done, and throws what went wrong in it.
    void synchronize();

  private:
    Device device_;
    Stream stream_;
};

/// A mark in a queue that others can wait for. One thread at a time.
class CudaEvent {
  public:
    explicit CudaEvent(Device device);
    ~CudaEvent();
    CudaEvent(const CudaEvent&) = delete;
    CudaEvent& operator=(const CudaEvent&) = delete;

    void record(Stream stream);
    /// What is enqueued to `stream` from now on begins after the mark.
    void hold(Stream stream) const;
    void synchronize() const;
    bool is_done() const;
    /// Milliseconds of the GPU from `earlier` to here; both are done.
    float since(const CudaEvent& earlier) const;

  private:
    void* handle_ = nullptr;
};

/// Host memory that stays where it is, so that copies to and from a GPU run beside other work.
class PinnedBuffer {
  public:
    explicit PinnedBuffer(int64_t bytes);
    ~PinnedBuffer();
    PinnedBuffer(const PinnedBuffer&) = delete;
    PinnedBuffer& operator=(const PinnedBuffer&) = delete;

    std::span<std::byte> bytes() const { return {memory_, static_cast<size_t>(size_)}; }

  private:
    std::byte* memory_ = nullptr;
    int64_t size_ = 0;
};

}  // namespace kine
