#include "dit/vae/wan_blocks.h"

#include "dit/vae/blocks.h"
#include "kernels/attention/attention.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"
#include "kernels/norm/norm.h"
#include "kernels/resample/fold.h"
#include "kernels/resample/resample.h"

#include <algorithm>
#include <utility>

namespace kine::dit {

namespace {

// The norm has no epsilon; this only keeps a pixel that is all zeros from dividing by zero.
constexpr float kEpsilon = 1e-30f;

kernels::LinearWeight bind_pixel_linear(const Scope& scope, int64_t in, int64_t out) {
    return {scope.context(), scope.bind("weight", {out, in, 1, 1}).reshape({out, in}), scope.bind("bias", {out})};
}

kernels::ConvWeight bind_shortcut(const Scope& scope, int64_t in, int64_t out) {
    if (in == out) return {};
    const Tensor weight = scope.bind("weight", {out, in, 1, 1, 1}).reshape({out, in, 1, 1});
    return {scope.context(), weight, scope.bind("bias", {out}), {}};
}

}  // namespace

kernels::ConvWeight bind_picture_conv(const Scope& scope, int64_t in_channels, int64_t out_channels, int64_t side) {
    return bind_conv(scope, in_channels, out_channels, side);
}

PixelNorm::PixelNorm(const Scope& scope, const Shape& shape)
    : gamma_(scope.as(DType::Float32).bind("gamma", shape).reshape({shape[0]})) {}

Tensor PixelNorm::operator()(const Context& context, const Tensor& x) const {
    return kernels::rms_norm(context, x, gamma_, kEpsilon);
}

Tensor PixelNorm::with_silu(const Context& context, const Tensor& x) const {
    return kernels::activate(context, (*this)(context, x), kernels::Activation::Silu);
}

CausalResnet::CausalResnet(const Scope& scope, int64_t in_channels, int64_t out_channels, TimeTaps taps)
    : in_channels_(in_channels),
      out_channels_(out_channels),
      norm1_(scope / "norm1", {in_channels, 1, 1, 1}),
      conv1_(scope / "conv1", in_channels, out_channels, taps, {}),
      norm2_(scope / "norm2", {out_channels, 1, 1, 1}),
      conv2_(scope / "conv2", out_channels, out_channels, taps, {}),
      shortcut_(bind_shortcut(scope / "conv_shortcut", in_channels, out_channels)) {}

Tensor CausalResnet::operator()(const Context& context, Tensor x, FrameMemory& memory) const {
    Tensor h = conv1_(context, norm1_.with_silu(context, x), memory);
    h = norm2_.with_silu(context, h);
    if (!shortcut_) return conv2_(context, std::move(h), memory, x);
    h = conv2_(context, std::move(h), memory);
    return conv2d(context, x, shortcut_, h);
}

int64_t CausalResnet::peak_channels(int64_t frames) const {
    const int64_t wide = std::max(in_channels_, out_channels_);
    const int64_t held = frames * in_channels_ + frames * wide + (frames + 2) * wide;  // x, one result, one joined clip
    const int64_t kept = 2 * (in_channels_ + out_channels_);
    return held + kept;
}

CausalMid::CausalMid(const Scope& scope, int64_t channels, TimeTaps taps)
    : channels_(channels),
      first_(scope / "resnets" / 0, channels, channels, taps),
      norm_(scope / "attentions" / 0 / "norm", {channels, 1, 1}),
      qkv_(bind_pixel_linear(scope / "attentions" / 0 / "to_qkv", channels, 3 * channels)),
      out_(bind_pixel_linear(scope / "attentions" / 0 / "proj", channels, channels)),
      second_(scope / "resnets" / 1, channels, channels, taps) {}

/// The pixels of a band attend to those of the whole picture.
Tensor CausalMid::attend(const Context& context, Tensor x, BandLinks* links) const {
    const Shape tokens = {x.dim(0), 1, x.dim(1) * x.dim(2), channels_};  // [F, 1, S, C]
    const Tensor qkv = kernels::linear(context, norm_(context, x).reshape(tokens), qkv_);
    Tensor attended = qkv.slice(3, channels_, 3 * channels_);
    if (links) {
        const Shape rows = {x.dim(0), x.dim(1), x.dim(2), 2 * channels_};
        attended = links->all_rows(context, kernels::contiguous(context, attended).reshape(rows));
        attended = attended.reshape({x.dim(0), 1, attended.dim(1) * attended.dim(2), 2 * channels_});
    }
    const Tensor queries = qkv.slice(3, 0, channels_).split(3, 1), others = attended.split(3, 2);  // [F, 1, S, n, C]
    const Tensor mixed = kernels::attention(context, queries, others.slice(3, 0, 1), others.slice(3, 1, 2));
    const Tensor out = kernels::linear(context, mixed.reshape(tokens), out_).reshape(x.shape());
    return kernels::gate_residual(context, std::move(x), {}, out);
}

Tensor CausalMid::operator()(const Context& context, Tensor x, FrameMemory& memory, const std::stop_token& stop) const {
    x = first_(context, std::move(x), memory);
    check_running(stop);
    x = attend(context, std::move(x), memory.links());
    check_running(stop);
    return second_(context, std::move(x), memory);
}

int64_t CausalMid::peak_channels(int64_t frames) const {
    return std::max(first_.peak_channels(frames), 6 * frames * channels_);
}

CausalUpsample::CausalUpsample(const Scope& scope, int64_t in_channels, int64_t out_channels, bool doubles_time)
    : conv_(bind_conv(scope / "resample" / 1, in_channels, out_channels, 3)) {
    if (!doubles_time) return;
    time_.emplace(scope / "time_conv", in_channels, 2 * in_channels, TimeTaps::All,
                  CausalConv::Kernel{.frames = 3, .side = 1});
}

/// Channels (a, c) become frame 2j + a, channel c.
Tensor CausalUpsample::double_time(const Context& context, const Tensor& x, FrameMemory& memory) const {
    const Tensor pairs = (*time_)(context, x, memory).split(3, 2);  // [F, Y, X, 2, C]
    const Tensor frames = pairs.transpose(2, 3).transpose(1, 2);    // [F, 2, Y, X, C]
    return kernels::contiguous(context, frames).reshape({2 * x.dim(0), x.dim(1), x.dim(2), x.dim(3)});
}

Tensor CausalUpsample::operator()(const Context& context, Tensor x, FrameMemory& memory) const {
    const bool has_first_frame = time_ && memory.is_first_chunk();
    if (has_first_frame && x.dim(0) == 1) {
        memory.next();  // the first frame is neither seen nor doubled by the convolution in time
    } else if (has_first_frame) {
        const Tensor parts[] = {x.slice(0, 0, 1), double_time(context, x.slice(0, 1, x.dim(0)), memory)};
        x = kernels::concat(context, parts, 0);
    } else if (time_) {
        x = double_time(context, x, memory);
    }
    x = kernels::upsample_nearest_2x(context, x);
    BandLinks* const links = memory.links();
    if (!links) return conv2d(context, x, conv_);
    return without_edges(context, conv2d(context, links->with_edges(context, x), conv_), *links);
}

WanUpLevel::WanUpLevel(const Scope& scope, const WanUpShape& shape) : shape_(shape) {
    for (int64_t i = 0; i < shape.resnets; ++i) {
        const int64_t in_channels = i == 0 ? shape.in_channels : shape.out_channels;
        resnets_.emplace_back(scope / "resnets" / i, in_channels, shape.out_channels, TimeTaps::All);
    }
    if (!shape.upsamples) return;
    const Scope upsampler = shape.is_residual ? scope / "upsampler" : scope / "upsamplers" / 0;
    upsample_.emplace(upsampler, shape.out_channels, left_channels(), shape.doubles_time);
}

int64_t WanUpLevel::left_channels() const {
    return shape_.upsamples && !shape_.is_residual ? shape_.out_channels / 2 : shape_.out_channels;
}

/// The level's input, grown without parameters; a video's first frame stays one here too.
Tensor WanUpLevel::shortcut(const Context& context, const Tensor& x, const FrameMemory& memory) const {
    const kernels::Cell cell = {.frames = shape_.doubles_time ? 2 : 1, .side = 2};
    const Tensor grown = kernels::unfold_channels(context, x, cell, shape_.out_channels);
    return memory.is_first_chunk() ? grown.slice(0, cell.frames - 1, grown.dim(0)) : grown;
}

Tensor WanUpLevel::operator()(const Context& context, Tensor x, FrameMemory& memory,
                              const std::stop_token& stop) const {
    const Tensor before = shape_.is_residual && shape_.upsamples ? x : Tensor();
    for (const CausalResnet& resnet : resnets_) {
        check_running(stop);
        x = resnet(context, std::move(x), memory);
    }
    check_running(stop);
    if (upsample_) x = (*upsample_)(context, std::move(x), memory);
    return before ? kernels::gate_residual(context, std::move(x), {}, shortcut(context, before, memory)) : x;
}

int64_t WanUpLevel::peak_channels(int64_t frames) const {
    int64_t peak = 0;
    for (const CausalResnet& resnet : resnets_) peak = std::max(peak, resnet.peak_channels(frames));
    const int64_t kept_input = shape_.is_residual && shape_.upsamples ? frames * shape_.in_channels : 0;
    if (!upsample_) return peak;
    const int64_t left = shape_.doubles_time ? 2 * frames : frames;
    const int64_t in_time = shape_.doubles_time ? (2 * frames + 2 + 2 * left) * shape_.out_channels : 0;
    const int64_t in_space = left * (5 * shape_.out_channels + 4 * left_channels());
    const int64_t shortcut = kept_input > 0 ? 8 * left * shape_.out_channels : 0;
    return kept_input + std::max({peak, in_time, in_space, shortcut});
}

}  // namespace kine::dit
