#include "dit/vae/cogvideox_blocks.h"

#include "kernels/move/move.h"
#include "kernels/resample/nearest_modulation.h"

#include <algorithm>

namespace kine::dit {

namespace {

constexpr auto kSilu = kernels::Activation::Silu;

/// Two 1x1x1 convolutions of the latents, side by side. They commute with taking the nearest pixel, so they see the
/// latents at their own size.
Linear bind_condition(const Scope& scope, int64_t in, int64_t out) {
    const Context& context = scope.context();
    const Scope factor = scope / "conv_y" / "conv", offset = scope / "conv_b" / "conv";
    const auto weight = [&](const Scope& of) { return of.bind("weight", {out, in, 1, 1, 1}).reshape({out, in}); };
    const Tensor weights[] = {weight(factor), weight(offset)};
    const Tensor biases[] = {factor.bind("bias", {out}), offset.bind("bias", {out})};
    return {context, kernels::concat(context, weights, 0), kernels::concat(context, biases, 0)};
}

kernels::ConvWeight bind_shortcut(const Scope& scope, int64_t in, int64_t out) {
    if (in == out) return {};
    const Tensor weight = scope.bind("weight", {out, in, 1, 1, 1}).reshape({out, in, 1, 1});
    return {scope.context(), weight, scope.bind("bias", {out}), {}};
}

/// Frames 0, 0, 1, 1, ...; of an odd number of frames the first only once.
Tensor with_frames_doubled(const Context& context, const Tensor& x) {
    const int64_t frames = x.dim(0), after = doubled_frames(frames);
    if (after == frames) return x;
    std::vector<int64_t> from;
    for (int64_t i = 0; i < after; ++i) from.push_back((i + after % 2) / 2);
    const Tensor ids = Tensor::of<int64_t>(context.host(), {after}, from);
    const Tensor pictures = kernels::gather_rows(context, x.reshape({frames, x.elements() / frames}), ids);
    return pictures.reshape({after, x.dim(1), x.dim(2), x.dim(3)});
}

}  // namespace

ClipNorm::ClipNorm(const Scope& scope, int64_t channels, const ClipNormShape& shape)
    : norm_(shape.latent_channels > 0 ? scope / "norm_layer" : scope, channels, shape.groups, shape.eps) {
    if (shape.latent_channels > 0) condition_ = bind_condition(scope, shape.latent_channels, channels);
}

std::vector<int64_t> latent_frames(int64_t frames, int64_t latents) {
    const int64_t single = frames > 1 ? frames % 2 : 0;  // the first frame has a latent frame of its own
    std::vector<int64_t> result(static_cast<size_t>(single), 0);
    for (int64_t i = 0; i < frames - single; ++i) result.push_back(single + i * (latents - single) / (frames - single));
    return result;
}

Tensor ClipNorm::with_silu(const Context& context, const Tensor& x, const Tensor& z) const {
    const Shape clip = {1, x.dim(0) * x.dim(1), x.dim(2), x.dim(3)};
    if (!condition_) return norm_(context, x.reshape(clip), kSilu).reshape(x.shape());
    Tensor normed = norm_(context, x.reshape(clip)).reshape(x.shape());
    const Tensor condition = (*condition_)(context, z);  // [Z, y, x, 2C]
    kernels::modulate_nearest(context, normed, condition, latent_frames(x.dim(0), z.dim(0)), kSilu);
    return normed;
}

CausalConv bind_clip_conv(const Scope& scope, int64_t in_channels, int64_t out_channels) {
    return {scope / "conv", in_channels, out_channels, TimeTaps::All, {.before = BeforeFirst::FirstFrame}};
}

ClipResnet::ClipResnet(const Scope& scope, int64_t in_channels, int64_t out_channels, const ClipNormShape& norm)
    : in_channels_(in_channels),
      out_channels_(out_channels),
      norm1_(scope / "norm1", in_channels, norm),
      conv1_(bind_clip_conv(scope / "conv1", in_channels, out_channels)),
      norm2_(scope / "norm2", out_channels, norm),
      conv2_(bind_clip_conv(scope / "conv2", out_channels, out_channels)),
      shortcut_(bind_shortcut(scope / "conv_shortcut", in_channels, out_channels)) {}

Tensor ClipResnet::operator()(const Context& context, Tensor x, const Tensor& z, FrameMemory& memory) const {
    Tensor h = conv1_(context, norm1_.with_silu(context, x, z), memory);
    h = norm2_.with_silu(context, h, z);
    if (!shortcut_) return conv2_(context, std::move(h), memory, x);
    h = conv2_(context, std::move(h), memory);
    return conv2d(context, x, shortcut_, h);
}

int64_t ClipResnet::peak_channels(int64_t frames) const {
    const int64_t wide = std::max(in_channels_, out_channels_);
    return frames * in_channels_ + (2 * frames + 2) * wide;  // x, one result, one joined clip
}

int64_t doubled_frames(int64_t frames) { return frames == 1 ? 1 : 2 * frames - frames % 2; }

ClipUpLevel::ClipUpLevel(const Scope& scope, const ClipLevelShape& shape, const ClipNormShape& norm) : shape_(shape) {
    for (int64_t i = 0; i < shape.resnets; ++i) {
        const int64_t in_channels = i == 0 ? shape.in_channels : shape.out_channels;
        resnets_.emplace_back(scope / "resnets" / i, in_channels, shape.out_channels, norm);
    }
    if (shape.resizes) upsample_.emplace(scope / "upsamplers" / 0, shape.out_channels);
}

/// The reference doubles frames before the convolution, which sees each of them alone: after it is half the work.
Tensor ClipUpLevel::operator()(const Context& context, Tensor x, const Tensor& z, FrameMemory& memory,
                               const std::stop_token& stop) const {
    for (const ClipResnet& resnet : resnets_) {
        check_running(stop);
        x = resnet(context, std::move(x), z, memory);
    }
    check_running(stop);
    if (upsample_) x = (*upsample_)(context, std::move(x));
    return shape_.doubles_time ? with_frames_doubled(context, x) : x;
}

int64_t ClipUpLevel::peak_channels(int64_t frames) const {
    int64_t peak = 0;
    for (const ClipResnet& resnet : resnets_) peak = std::max(peak, resnet.peak_channels(frames));
    if (!upsample_) return peak;
    const int64_t grown = 4 * (frames + frames_after(frames)) * shape_.out_channels;
    return std::max({peak, frames * upsample_->peak_channels(), grown});
}

int64_t ClipUpLevel::kept_channels() const {
    int64_t kept = 0;
    for (const ClipResnet& resnet : resnets_) kept += resnet.kept_channels();
    return kept;
}

}  // namespace kine::dit
