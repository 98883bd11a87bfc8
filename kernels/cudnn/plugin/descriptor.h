// One thing that cuDNN's graph interface knows, made attribute by attribute. Only in builds with cuDNN.
#pragma once

#include "runtime/error.h"

#include <cudnn_graph.h>
#include <span>
#include <string_view>
#include <vector>

namespace kine::kernels::cudnn {

/// Throws ErrorCode::Unsupported where cuDNN has no such thing or does not take what is asked for, otherwise
/// ErrorCode::Device; the message says what was done and what cuDNN says, its last words included.
void check(cudnnStatus_t status, std::string_view what);

/// Owns it. Setting is over once it is finished.
class Descriptor {
  public:
    explicit Descriptor(cudnnBackendDescriptorType_t type);
    ~Descriptor();
    Descriptor(Descriptor&& other) noexcept;
    Descriptor& operator=(Descriptor&&) = delete;

    void set(cudnnBackendAttributeName_t name, std::span<const int64_t> values);
    void set(cudnnBackendAttributeName_t name, int64_t value) { set(name, std::span(&value, 1)); }
    void set(cudnnBackendAttributeName_t name, cudnnDataType_t value);
    void set(cudnnBackendAttributeName_t name, bool value);
    void set(cudnnBackendAttributeName_t name, const Descriptor& value);
    /// A value of another type of cuDNN's, as it lies in memory.
    void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count, const void* values);
    void finish();

    int64_t number(cudnnBackendAttributeName_t name) const;
    std::string text(cudnnBackendAttributeName_t name) const;
    cudnnBackendDescriptor_t get() const { return handle_; }

  private:
    cudnnBackendDescriptor_t handle_ = nullptr;
};

}  // namespace kine::kernels::cudnn
