#include "runtime/tensor/tensor.h"

#include "runtime/context.h"
#include "runtime/device/cuda/commands.h"
#include "runtime/tensor/transfer.h"

#include <cstring>

namespace kine {

Tensor Tensor::imagined(const Shape& shape, DType dtype) {
    return over(Storage::imagine(shape.elements() * size_of(dtype)), 0, shape, dtype);
}

Tensor Tensor::over(std::shared_ptr<Storage> storage, int64_t byte_offset, const Shape& shape, DType dtype) {
    Tensor tensor;
    tensor.shape_ = shape;
    tensor.dtype_ = dtype;
    const int64_t bytes = tensor.bytes();
    check(byte_offset >= 0 && byte_offset % size_of(dtype) == 0 && byte_offset + bytes <= storage->bytes(),
          ErrorCode::Bug, "tensor {} at byte {} reaches past {} bytes of storage", to_string(shape), byte_offset,
          storage->bytes());
    tensor.offset_ = byte_offset / size_of(dtype);
    int64_t stride = 1;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
        tensor.strides_[static_cast<size_t>(axis)] = stride;
        stride *= shape[axis];
    }
    tensor.storage_ = std::move(storage);
    return tensor;
}

Tensor Tensor::empty(const Context& context, const Shape& shape, DType dtype) {
    int64_t bytes = 0;
    check(!__builtin_mul_overflow(shape.elements(), size_of(dtype), &bytes), ErrorCode::DoesNotFit,
          "tensor {} of {}: size overflows", to_string(shape), name_of(dtype));
    return over(Storage::allocate(context.allocator, bytes), 0, shape, dtype);
}

Tensor Tensor::zeros(const Context& context, const Shape& shape, DType dtype) {
    Tensor tensor = empty(context, shape, dtype);
    fill_with_zeros(context, tensor);
    return tensor;
}

Tensor Tensor::filled(const Context& context, const Shape& shape, DType dtype, std::span<const std::byte> values) {
    Tensor tensor = empty(context.host(), shape, dtype);
    if (!values.empty()) std::memcpy(tensor.raw(), values.data(), values.size());
    return to_device(context, tensor);
}

std::byte* Tensor::address() const {
    if (!storage_) return nullptr;
    if (!storage_->serves_gpus()) refuse("no GPU reads or writes");
    if (device().kind != DeviceKind::Cpu && device() != used_device()) refuse("the GPU in use does not reach it");
    return storage_->data() + offset_ * size_of(dtype_);
}

void Tensor::refuse(std::string_view why) const {
    fail(ErrorCode::Bug, "tensor {} lies on {}, where {}", to_string(shape_), to_string(device()), why);
}

bool Tensor::is_contiguous() const {
    int64_t expected = 1;
    for (int axis = rank() - 1; axis >= 0; --axis) {
        if (dim(axis) != 1 && stride(axis) != expected) return false;
        expected *= dim(axis);
    }
    return true;
}

Tensor Tensor::reshape(const Shape& shape) const {
    check(is_contiguous() && shape.elements() == elements(), ErrorCode::Bug, "cannot view {} as {}", to_string(shape_),
          to_string(shape));
    return over(storage_, offset_ * size_of(dtype_), shape, dtype_);
}

Tensor Tensor::slice(int axis, int64_t begin, int64_t end) const {
    axis = shape_.index(axis);
    check(0 <= begin && begin <= end && end <= dim(axis), ErrorCode::Bug, "slice {}..{} of axis {} of {}", begin, end,
          axis, to_string(shape_));
    Tensor view = *this;
    view.offset_ += begin * stride(axis);
    view.shape_.set(axis, end - begin);
    return view;
}

Tensor Tensor::select(int axis, int64_t index) const {
    axis = shape_.index(axis);
    const Tensor row = slice(axis, index, index + 1);
    Tensor view = row;
    view.shape_ = Shape();
    for (int source = 0; source < rank(); ++source) {
        if (source == axis) continue;
        view.strides_[static_cast<size_t>(view.rank())] = stride(source);
        view.shape_.append(dim(source));
    }
    return view;
}

Tensor Tensor::transpose(int first, int second) const {
    first = shape_.index(first);
    second = shape_.index(second);
    Tensor view = *this;
    view.shape_.set(first, dim(second));
    view.shape_.set(second, dim(first));
    std::swap(view.strides_[static_cast<size_t>(first)], view.strides_[static_cast<size_t>(second)]);
    return view;
}

Tensor Tensor::unsqueeze(int axis) const {
    Tensor view = *this;
    view.shape_ = Shape();
    for (int target = 0; target <= rank(); ++target) {
        const int source = target > axis ? target - 1 : target;
        const bool inserted = target == axis;
        view.shape_.append(inserted ? 1 : dim(source));
        const bool last = inserted && source >= rank();
        view.strides_[static_cast<size_t>(target)] = last       ? 1
                                                     : inserted ? stride(source) * dim(source)
                                                                : stride(source);
    }
    return view;
}

Tensor Tensor::split(int axis, int64_t outer) const {
    axis = shape_.index(axis);
    check(outer > 0 && dim(axis) % outer == 0, ErrorCode::Bug, "axis {} of {} does not split into {}", axis,
          to_string(shape_), outer);
    Tensor view = unsqueeze(axis);
    const int64_t inner = dim(axis) / outer;
    view.shape_.set(axis, outer);
    view.shape_.set(axis + 1, inner);
    view.strides_[static_cast<size_t>(axis)] = inner * stride(axis);
    view.strides_[static_cast<size_t>(axis) + 1] = stride(axis);
    return view;
}

}  // namespace kine
