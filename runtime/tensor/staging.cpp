#include "runtime/tensor/staging.h"

#include "runtime/device/cuda/commands.h"

namespace kine {

Tensor Staging::to_host(const Context& context, const Tensor& x) {
    if (!x || x.is_imagined() || x.device().kind == DeviceKind::Cpu || x.bytes() == 0) return kine::to_host(context, x);
    check(x.is_contiguous(), ErrorCode::Bug, "staging: {} is not contiguous", to_string(x.shape()));
    use_device(context.device);
    if (!buffer_ || static_cast<int64_t>(buffer_->bytes().size()) < x.bytes())
        buffer_ = std::make_shared<PinnedBuffer>(x.bytes());
    std::byte* const memory = buffer_->bytes().data();
    copy_async(memory, x.address(), x.bytes(), context.stream);
    synchronize(context.stream);
    return Tensor::over(Storage::borrow(memory, x.bytes(), buffer_), 0, x.shape(), x.dtype());
}

}  // namespace kine
