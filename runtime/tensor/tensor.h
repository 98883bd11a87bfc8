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

    template <class T>
    const T* data() const;
    template <class T>
    T* data();
    const std::byte* raw() const { return storage_ ? storage_->data() + offset_ * size_of(dtype_) : nullptr; }
    std::byte* raw() { return storage_ ? storage_->data() + offset_ * size_of(dtype_) : nullptr; }

    // Views: same storage. Errors are ErrorCode::Bug, since shapes were checked when the model was bound.
    Tensor reshape(const Shape& shape) const;  ///< contiguous tensors only
    Tensor slice(int axis, int64_t begin, int64_t end) const;
    Tensor select(int axis, int64_t index) const;  ///< drops the axis
    Tensor transpose(int first, int second) const;
    Tensor unsqueeze(int axis) const;             ///< inserts an axis of size 1 before `axis`
    Tensor split(int axis, int64_t outer) const;  ///< [.., N, ..] -> [.., outer, N / outer, ..], any strides

  private:
    std::shared_ptr<Storage> storage_;
    int64_t offset_ = 0;  // in elements
    Shape shape_;
    std::array<int64_t, kMaxRank> strides_ = {};
    DType dtype_ = DType::Float32;
};

template <class T>
const T* Tensor::data() const {
    check(dtype_ == kDTypeOf<T>, ErrorCode::Bug, "tensor is {}, read as {}", name_of(dtype_), name_of(kDTypeOf<T>));
    return reinterpret_cast<const T*>(raw());
}

template <class T>
T* Tensor::data() {
    check(dtype_ == kDTypeOf<T>, ErrorCode::Bug, "tensor is {}, written as {}", name_of(dtype_), name_of(kDTypeOf<T>));
    return reinterpret_cast<T*>(raw());
}

template <class T>
Tensor Tensor::of(const Context& context, const Shape& shape, std::span<const T> values) {
    Tensor tensor = empty(context, shape, kDTypeOf<T>);
    check(static_cast<int64_t>(values.size()) == tensor.elements(), ErrorCode::Bug, "{} values for shape {}",
          values.size(), to_string(shape));
    std::copy(values.begin(), values.end(), tensor.data<T>());
    return tensor;
}

}  // namespace kine
