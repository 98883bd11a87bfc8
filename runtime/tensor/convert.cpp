#include "runtime/tensor/convert.h"

#include <cstring>
#include <span>

namespace kine {

namespace {

constexpr int64_t kGrain = 1 << 15;

/// Calls visit with a value of the C++ type that `dtype` stands for.
template <class Visit>
void with_floating(DType dtype, const Visit& visit) {
    if (dtype == DType::Float32) return visit(float{});
    if (dtype == DType::BFloat16) return visit(BFloat16{});
    if (dtype == DType::Float16) return visit(Float16{});
    fail(ErrorCode::Unsupported, "convert: expected a floating type, got {}", name_of(dtype));
}

/// Those that are only ever read too.
template <class Visit>
void with_stored(DType dtype, const Visit& visit) {
    if (dtype == DType::Float8E4M3) return visit(Float8E4M3{});
    if (dtype == DType::Float8E5M2) return visit(Float8E5M2{});
    with_floating(dtype, visit);
}

template <class From, class To>
void convert_range(const From* from, To* to, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) to[i] = static_cast<To>(static_cast<float>(from[i]));
}

template <class From, class To>
void convert_range(const From* from, To* to, int64_t begin, int64_t end, float scale) {
    for (int64_t i = begin; i < end; ++i) to[i] = static_cast<To>(static_cast<float>(from[i]) * scale);
}

template <class... Scale>
void convert_elements(const Context& context, const Tensor& source, Tensor& target, Scale... scale) {
    with_stored(source.dtype(), [&]<class From>(From) {
        with_floating(target.dtype(), [&]<class To>(To) {
            const From* from = source.data<From>();
            To* to = target.data<To>();
            context.threads.parallel_for(source.elements(), kGrain, [=](int64_t begin, int64_t end) {
                convert_range(from, to, begin, end, scale...);
            });
        });
    });
}

/// Copies `source` from axis `axis` on; returns where the next element goes.
std::byte* copy_axis(const Tensor& source, int axis, const std::byte* from, std::byte* to) {
    const int64_t size = size_of(source.dtype());
    if (axis == source.rank()) {
        std::memcpy(to, from, static_cast<size_t>(size));
        return to + size;
    }
    const int64_t stride = source.stride(axis) * size;
    for (int64_t index = 0; index < source.dim(axis); ++index)
        to = copy_axis(source, axis + 1, from + index * stride, to);
    return to;
}

Tensor row_major(const Context& context, const Tensor& source) {
    if (source.is_contiguous()) return source;
    Tensor copy = Tensor::empty(context, source.shape(), source.dtype());
    copy_row_major(source, copy.raw());
    return copy;
}

}  // namespace

void copy_row_major(const Tensor& source, std::byte* target) {
    check(source.device().kind == DeviceKind::Cpu, ErrorCode::Bug, "copy: expected a tensor on cpu, got {}",
          to_string(source.device()));
    if (source.elements() == 0) return;
    if (source.is_contiguous()) {
        std::memcpy(target, source.raw(), static_cast<size_t>(source.bytes()));
    } else {
        copy_axis(source, 0, source.raw(), target);
    }
}

Tensor convert(const Context& context, const Tensor& source, DType dtype) {
    Tensor target = Tensor::empty(context, source.shape(), dtype);
    if (source.dtype() == dtype) {
        copy_row_major(source, target.raw());
    } else {
        convert_elements(context, row_major(context, source), target);
    }
    return target;
}

Tensor convert_scaled(const Context& context, const Tensor& source, DType dtype, float scale) {
    Tensor target = Tensor::empty(context, source.shape(), dtype);
    convert_elements(context, row_major(context, source), target, scale);
    return target;
}

}  // namespace kine
