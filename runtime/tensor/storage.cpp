#include "runtime/tensor/storage.h"

#include "runtime/error.h"

namespace kine {

std::shared_ptr<Storage> Storage::allocate(Allocator& allocator, int64_t bytes) {
    auto* memory = static_cast<std::byte*>(allocator.allocate(bytes));
    auto storage = std::shared_ptr<Storage>(new Storage(memory, bytes, allocator.device(), &allocator, nullptr));
    storage->is_shared_ = allocator.is_shared();
    return storage;
}

std::shared_ptr<Storage> Storage::borrow(const void* memory, int64_t bytes, std::shared_ptr<const void> owner) {
    auto* writable = static_cast<std::byte*>(const_cast<void*>(memory));  // tensors over it are handed out as const
    return std::shared_ptr<Storage>(new Storage(writable, bytes, Device{}, nullptr, std::move(owner)));
}

std::shared_ptr<Storage> Storage::imagine(int64_t bytes) {
    std::shared_ptr<Storage> storage = borrow(nullptr, bytes, nullptr);
    storage->is_imagined_ = true;
    return storage;
}

void Storage::refuse() const {
    fail(ErrorCode::Bug, "{} imagined bytes were asked for their values: the weights of this stage are not loaded",
         bytes_);
}

Storage::~Storage() {
    if (allocator_) allocator_->release(memory_, bytes_);
}

}  // namespace kine
