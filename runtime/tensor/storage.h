// A run of bytes on one device, shared by the tensors that view it and given back with the last of them. It may be
// imagined: it has a size and takes no memory, so that a model can be laid out, and asked what it would cost, without
// its weights.
#pragma once

#include "runtime/device/allocator.h"

#include <memory>

namespace kine {

class Storage {
  public:
    /// Fresh memory. The allocator must outlive every tensor made from it: it belongs to the session.
    static std::shared_ptr<Storage> allocate(Allocator& allocator, int64_t bytes);
    /// Memory of somebody else (a mapped file), alive as long as `owner`. Read-only by convention.
    static std::shared_ptr<Storage> borrow(const void* memory, int64_t bytes, std::shared_ptr<const void> owner);

    /// No memory at all. Whoever asks for its bytes gets ErrorCode::Bug.
    static std::shared_ptr<Storage> imagine(int64_t bytes);

    ~Storage();
    Storage(const Storage&) = delete;
    Storage& operator=(const Storage&) = delete;

    std::byte* data() const {
        if (is_imagined_) refuse();
        return memory_;
    }
    int64_t bytes() const { return bytes_; }
    Device device() const { return device_; }
    bool serves_host() const { return is_shared_ || device_.kind == DeviceKind::Cpu; }
    bool serves_gpus() const { return is_shared_ || device_.kind != DeviceKind::Cpu; }
    bool is_borrowed() const { return allocator_ == nullptr; }
    bool is_imagined() const { return is_imagined_; }

  private:
    Storage(std::byte* memory, int64_t bytes, Device device, Allocator* allocator, std::shared_ptr<const void> owner)
        : memory_(memory), bytes_(bytes), device_(device), allocator_(allocator), owner_(std::move(owner)) {}

    [[noreturn]] void refuse() const;

    std::byte* memory_;
    int64_t bytes_;
    Device device_;
    Allocator* allocator_;
    std::shared_ptr<const void> owner_;
    bool is_imagined_ = false;
    bool is_shared_ = false;
};

}  // namespace kine
