#include "runtime/tensor/transfer.h"

#include "runtime/device/cuda/commands.h"
#include "runtime/tensor/convert.h"

#include <cstring>

namespace kine {

namespace {

/// Waits for the copy: pageable memory is read in its own time, and `from` may be gone by then.
void copy_now(const Context& context, std::byte* to, const std::byte* from, int64_t bytes) {
    if (bytes == 0) return;
    copy_async(to, from, bytes, context.stream);
    synchronize(context.stream);
}

void copy_on_gpus(const Tensor& from, Tensor& to, Stream stream) {
    use_device(from.device());
    const GpuMemory source = {from.device(), from.address()};
    use_device(to.device());
    if (from.device() == to.device()) {
        copy_async(to.address(), source.address, from.bytes(), stream);
    } else {
        copy_between_async({to.device(), to.address()}, source, from.bytes(), stream);
    }
}

Tensor from_another(const Context& context, const Tensor& x) {
    check(x.is_contiguous(), ErrorCode::Bug, "to_device: {} is not contiguous", to_string(x.shape()));
    Tensor copy = Tensor::empty(context, x.shape(), x.dtype());
    copy_contents(x, copy, context.stream);
    synchronize(context.stream);
    return copy;
}

}  // namespace

Tensor to_device(const Context& context, const Tensor& x) {
    if (!x || x.is_imagined() || x.device() == context.device) return x;
    if (x.device().kind != DeviceKind::Cpu) return from_another(context, x);
    const Context& host = context.host();
    const Tensor packed = x.is_contiguous() ? x : convert(host, x, x.dtype());
    Tensor copy = Tensor::empty(context, packed.shape(), packed.dtype());
    use_device(context.device);
    copy_now(context, copy.address(), packed.raw(), packed.bytes());
    return copy;
}

Tensor to_host(const Context& context, const Tensor& x) {
    if (!x || x.is_imagined() || x.device().kind == DeviceKind::Cpu) return x;
    check(x.is_contiguous(), ErrorCode::Bug, "to_host: {} is not contiguous", to_string(x.shape()));
    Tensor copy = Tensor::empty(context.host(), x.shape(), x.dtype());
    use_device(context.device);
    copy_now(context, copy.raw(), x.address(), x.bytes());
    return copy;
}

void copy_contents(const Tensor& from, Tensor& to, Stream stream) {
    check(from.device().kind == to.device().kind && from.bytes() == to.bytes(), ErrorCode::Bug,
          "copy_contents: {} bytes on {} to {} on {}", from.bytes(), to_string(from.device()), to.bytes(),
          to_string(to.device()));
    if (from.bytes() == 0) return;
    if (from.device().kind == DeviceKind::Cpu) {
        std::memcpy(to.raw(), from.raw(), static_cast<size_t>(from.bytes()));
    } else {
        copy_on_gpus(from, to, stream);
    }
}

void fill_with_zeros(const Context& context, Tensor& x) {
    if (x.elements() == 0) return;
    if (x.device().kind == DeviceKind::Cpu) {
        std::memset(x.raw(), 0, static_cast<size_t>(x.bytes()));
    } else {
        use_device(context.device);
        zero_async(x.address(), x.bytes(), context.stream);
    }
}

}  // namespace kine
