// A value handle: shared storage, shape, strides, dtype, offset. Views are members; arithmetic is in kernels/.
// Copying a Tensor copies the handle, so in-place ops ask is_unique() first.
#pragma once

#include "runtime/error.h"
#include "runtime/tensor/dtype.h"
#include "runtime/tensor/shape.h"
#include "runtime/tensor/storage.h"

namespace kine {

struct Context;

class Tensor {
  public:
    Tensor() = default;  ///< no storage, rank 0, false in a condition

    /// Fresh memory with undefined content, contiguous.
    static Tensor empty(const Context& context, const Shape& shape, DType dtype);
    static Tensor zeros(const Context& context, const Shape& shape, DType dtype);
    /// A copy of host values.
    template <class T>
    static Tensor of(const Context& context, const Shape& shape, std::span<const T> values);
    /// A contiguous view of foreign memory that `storage` keeps alive.
    static Tensor over(std::shared_ptr<Storage> storage, int64_t byte_offset, const Shape& shape, DType dtype);

    /// A shape whose values nobody may ask for; it takes no memory.
    static Tensor imagined(const Shape& shape, DType dtype);

    explicit operator bool() const { return storage_ != nullptr; }
    bool is_imagined() const { return storage_ && storage_->is_imagined(); }
    const Shape& shape() const { return shape_; }
    int rank() const { return shape_.rank(); }
    int64_t dim(int axis) const { return shape_[axis]; }
    int64_t stride(int axis) const { return strides_[static_cast<size_t>(shape_.index(axis))]; }  ///< in elements
    DType dtype() const { return dtype_; }
    Device device() const { return storage_ ? storage_->device() : Device{}; }
    int64_t elements() const { return shape_.elements(); }
    int64_t bytes() const { return elements() * size_of(dtype_); }
    bool is_contiguous() const;
    /// Nobody else holds this storage, and it is ours to write.
    bool is_unique() const { return storage_ && storage_.use_count() == 1 && !storage_->is_borrowed(); }

    // What the host reads and writes; ErrorCode::Bug for a tensor of another device (transfer.h moves it).
    template <class T>
    const T* data() const;
    template <class T>
    T* data();
    const std::byte* raw() const { return at_host(); }
    std::byte* raw() { return at_host(); }

    // What is handed to the GPU in use; ErrorCode::Bug for a tensor of the host or of another one.
    template <class T>
    T* address() const;
    std::byte* address() const;

    // Views: same storage. Errors are ErrorCode::Bug, since shapes were checked when the model was bound.
    Tensor reshape(const Shape& shape) const;  ///< contiguous tensors only
    Tensor slice(int axis, int64_t begin, int64_t end) const;
    Tensor select(int axis, int64_t index) const;  ///< drops the axis
    Tensor transpose(int first, int second) const;
    Tensor unsqueeze(int axis) const;             ///< inserts an axis of size 1 before `axis`
    Tensor split(int axis, int64_t outer) const;  ///< [.., N, ..] -> [.., outer, N / outer, ..], any strides

  private:
    static Tensor filled(const Context& context, const Shape& shape, DType dtype, std::span<const std::byte> values);
    std::byte* at_host() const {
        if (!storage_) return nullptr;
        if (!storage_->serves_host()) refuse("the host neither reads nor writes");
        return storage_->data() + offset_ * size_of(dtype_);
    }
    [[noreturn]] void refuse(std::string_view why) const;
    void check_is(DType asked, std::string_view how) const {
        check(dtype_ == asked, ErrorCode::Bug, "tensor is {}, {} as {}", name_of(dtype_), how, name_of(asked));
    }

    std::shared_ptr<Storage> storage_;
    int64_t offset_ = 0;  // in elements
    Shape shape_;
    std::array<int64_t, kMaxRank> strides_ = {};
    DType dtype_ = DType::Float32;
};

template <class T>
const T* Tensor::data() const {
    check_is(kDTypeOf<T>, "read");
    return reinterpret_cast<const T*>(raw());
}

template <class T>
T* Tensor::data() {
    check_is(kDTypeOf<T>, "written");
    return reinterpret_cast<T*>(raw());
}

template <class T>
T* Tensor::address() const {
    check_is(kDTypeOf<std::remove_const_t<T>>, "handed over");
    return reinterpret_cast<T*>(address());
}

template <class T>
Tensor Tensor::of(const Context& context, const Shape& shape, std::span<const T> values) {
    check(static_cast<int64_t>(values.size()) == shape.elements(), ErrorCode::Bug, "{} values for shape {}",
          values.size(), to_string(shape));
    return filled(context, shape, kDTypeOf<T>, std::as_bytes(values));
}

}  // namespace kine
