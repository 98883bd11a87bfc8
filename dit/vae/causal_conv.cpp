#include "dit/vae/causal_conv.h"

#include "kernels/move/move.h"

#include <utility>

namespace kine::dit {

namespace {

/// One clip after the other. Both handles end here, so that nobody holds the parts beside the whole.
Tensor joined(const Context& context, Tensor before, Tensor after) {
    const Tensor parts[] = {std::move(before), std::move(after)};
    return kernels::concat(context, parts, 0);
}

Tensor fresh_copy(const Context& context, const Tensor& x) { return kernels::concat(context, std::span(&x, 1), 0); }

/// A band with zeros for the rows that without_edges() takes off, so that it is added with the same rounding as to a
/// whole picture.
Tensor with_empty_edges(const Context& context, const Tensor& x, const BandLinks& links) {
    const Tensor row = Tensor::zeros(context, {x.dim(0), 1, x.dim(2), x.dim(3)}, x.dtype());
    std::vector<Tensor> parts = {x};
    if (!links.is_first()) parts.insert(parts.begin(), row);
    if (!links.is_last()) parts.push_back(row);
    return kernels::concat(context, parts, 1);
}

}  // namespace

Tensor without_edges(const Context& context, const Tensor& x, const BandLinks& links) {
    const int64_t above = links.is_first() ? 0 : 1, below = links.is_last() ? 0 : 1;
    return kernels::contiguous(context, x.slice(1, above, x.dim(1) - below));
}

CausalConv::CausalConv(const Scope& scope, int64_t in_channels, int64_t out_channels, TimeTaps taps, Kernel kernel)
    : side_(kernel.side), history_(taps == TimeTaps::All ? kernel.frames - 1 : 0), before_(kernel.before) {
    const auto [frames, side, before] = kernel;
    Tensor weight = scope.bind("weight", {out_channels, in_channels, frames, side, side});
    if (taps == TimeTaps::Last) weight = weight.select(2, frames - 1);
    const kernels::ConvGeometry same_size = {.pad_begin = side / 2, .pad_end = side / 2};
    weight_ = {scope.context(), weight, scope.bind("bias", {out_channels}), same_size};
}

/// The frames before the first of x.
Tensor CausalConv::before(const Context& context, const Tensor& x) const {
    if (before_ == BeforeFirst::Zeros)
        return Tensor::zeros(context, {history_, x.dim(1), x.dim(2), x.dim(3)}, x.dtype());
    const std::vector<Tensor> copies(static_cast<size_t>(history_), x.slice(0, 0, 1));
    return kernels::concat(context, copies, 0);
}

Tensor CausalConv::operator()(const Context& context, Tensor x, FrameMemory& memory, const Tensor& residual) const {
    BandLinks* const links = side_ > 1 ? memory.links() : nullptr;
    if (!links) return convolve(context, std::move(x), memory, residual);
    x = links->with_edges(context, x);
    const auto added = [&] { return residual ? with_empty_edges(context, residual, *links) : Tensor(); };
    const Tensor made = convolve(context, std::move(x), memory, added());
    return without_edges(context, made, *links);
}

Tensor CausalConv::convolve(const Context& context, Tensor x, FrameMemory& memory, const Tensor& residual) const {
    if (history_ == 0) return kernels::conv3d(context, x, weight_, residual);
    Tensor& kept = memory.next();
    if (!kept) kept = before(context, x);
    const Tensor clip = joined(context, std::exchange(kept, {}), std::move(x));
    kept = fresh_copy(context, clip.slice(0, clip.dim(0) - history_, clip.dim(0)));
    return kernels::conv3d(context, clip, weight_, residual);
}

}  // namespace kine::dit
