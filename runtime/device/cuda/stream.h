// Queues, and marks in them. Builds without CUDA refuse (without_cuda/), tests of dispatch have their own
// (tests/support/device).
#pragma once

#include "runtime/device/cuda/commands.h"

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

}  // namespace kine
