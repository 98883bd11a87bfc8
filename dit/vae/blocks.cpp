#include "dit/vae/blocks.h"

#include "kernels/attention/attention.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/norm/norm.h"
#include "kernels/resample/resample.h"

#include <algorithm>

namespace kine::dit {

namespace {

constexpr auto kSilu = kernels::Activation::Silu;

kernels::ConvWeight bind_conv_as(const Scope& scope, const Shape& shape, kernels::ConvGeometry geometry) {
    return {scope.context(), scope.bind("weight", shape), scope.bind("bias", {shape[0]}), geometry};
}

/// Published before diffusers 0.18 the projections were called query, key, value and proj_attn.
bool has_older_names(const Scope& scope) { return scope.has("query.weight"); }

Linear bind_qkv(const Scope& scope, int64_t channels) {
    if (has_older_names(scope)) return {{scope / "query", scope / "key", scope / "value"}, channels, channels};
    return {{scope / "to_q", scope / "to_k", scope / "to_v"}, channels, channels};
}

std::vector<ResnetBlock> bind_resnets(const Scope& scope, const LevelShape& shape) {
    std::vector<ResnetBlock> resnets;
    for (int64_t i = 0; i < shape.resnets; ++i) {
        const int64_t in_channels = i == 0 ? shape.in_channels : shape.out_channels;
        resnets.emplace_back(scope / "resnets" / i, in_channels, shape.out_channels, shape.groups);
    }
    return resnets;
}

}  // namespace

void check_running(const std::stop_token& stop) {
    check(!stop.stop_requested(), ErrorCode::Interrupted, "cancelled while decoding");
}

kernels::ConvWeight bind_conv(const Scope& scope, int64_t in_channels, int64_t out_channels, int64_t side) {
    const int64_t margin = side / 2;
    return bind_conv_as(scope, {out_channels, in_channels, side, side}, {1, margin, margin});
}

GroupNorm::GroupNorm(const Scope& scope, int64_t channels, int64_t groups, float eps)
    : weight_(scope.as(DType::Float32).bind("weight", {channels})),
      bias_(scope.as(DType::Float32).bind("bias", {channels})),
      groups_(groups),
      eps_(eps) {}

Tensor GroupNorm::operator()(const Context& context, const Tensor& x, kernels::Activation activation) const {
    return kernels::group_norm(context, x, weight_, bias_, groups_, eps_, activation);
}

ResnetBlock::ResnetBlock(const Scope& scope, int64_t in_channels, int64_t out_channels, int64_t groups)
    : in_channels_(in_channels),
      out_channels_(out_channels),
      norm1_(scope / "norm1", in_channels, groups),
      conv1_(bind_conv(scope / "conv1", in_channels, out_channels, 3)),
      norm2_(scope / "norm2", out_channels, groups),
      conv2_(bind_conv(scope / "conv2", out_channels, out_channels, 3)) {
    if (in_channels != out_channels) shortcut_ = bind_conv(scope / "conv_shortcut", in_channels, out_channels, 1);
}

Tensor ResnetBlock::operator()(const Context& context, Tensor x) const {
    Tensor h = norm1_(context, x, kSilu);
    h = conv2d(context, h, conv1_);
    h = norm2_(context, h, kSilu);
    if (!shortcut_) return conv2d(context, h, conv2_, x);
    h = conv2d(context, h, conv2_);
    return conv2d(context, x, shortcut_, h);
}

int64_t ResnetBlock::peak_channels() const {
    return in_channels_ + out_channels_ + std::max(in_channels_, out_channels_);
}

PixelAttention::PixelAttention(const Scope& scope, int64_t channels, int64_t groups)
    : channels_(channels),
      norm_(scope / "group_norm", channels, groups),
      qkv_(bind_qkv(scope, channels)),
      out_(scope / (has_older_names(scope) ? "proj_attn" : "to_out.0"), channels, channels) {}

Tensor PixelAttention::operator()(const Context& context, Tensor x) const {
    const Shape tokens = {x.dim(0), 1, x.dim(1) * x.dim(2), channels_};  // [N, 1, S, C]
    Tensor h = norm_(context, x).reshape(tokens);
    h = qkv_(context, h);                // [N, 1, S, 3C]
    const Tensor heads = h.split(3, 3);  // [N, 1, S, 3, C]
    h = kernels::attention(context, heads.slice(3, 0, 1), heads.slice(3, 1, 2), heads.slice(3, 2, 3));
    h = out_(context, h.reshape(tokens)).reshape(x.shape());
    return kernels::gate_residual(context, std::move(x), {}, h);
}

MidBlock::MidBlock(const Scope& scope, int64_t channels, int64_t groups, bool has_attention)
    : first_(scope / "resnets" / 0, channels, channels, groups),
      second_(scope / "resnets" / 1, channels, channels, groups) {
    if (has_attention) attention_.emplace(scope / "attentions" / 0, channels, groups);
}

Tensor MidBlock::operator()(const Context& context, Tensor x, const std::stop_token& stop) const {
    x = first_(context, std::move(x));
    check_running(stop);
    if (attention_) x = (*attention_)(context, std::move(x));
    check_running(stop);
    return second_(context, std::move(x));
}

int64_t MidBlock::peak_channels() const {
    return std::max(first_.peak_channels(), attention_ ? attention_->peak_channels() : 0);
}

Upsample::Upsample(const Scope& scope, int64_t channels) : conv_(bind_conv(scope / "conv", channels, channels, 3)) {}

Tensor Upsample::operator()(const Context& context, Tensor x) const {
    x = kernels::upsample_nearest_2x(context, x);
    return conv2d(context, x, conv_);
}

Downsample::Downsample(const Scope& scope, int64_t channels)
    : conv_(bind_conv_as(scope / "conv", {channels, channels, 3, 3}, {.stride = 2, .pad_begin = 0, .pad_end = 1})) {}

Tensor Downsample::operator()(const Context& context, const Tensor& x) const { return conv2d(context, x, conv_); }

UpLevel::UpLevel(const Scope& scope, const LevelShape& shape) : resnets_(bind_resnets(scope, shape)) {
    if (shape.resizes) upsample_.emplace(scope / "upsamplers" / 0, shape.out_channels);
}

Tensor UpLevel::operator()(const Context& context, Tensor x, const std::stop_token& stop) const {
    for (const ResnetBlock& resnet : resnets_) {
        check_running(stop);
        x = resnet(context, std::move(x));
    }
    check_running(stop);
    return upsample_ ? (*upsample_)(context, std::move(x)) : x;
}

int64_t UpLevel::peak_channels() const {
    int64_t peak = upsample_ ? upsample_->peak_channels() : 0;
    for (const ResnetBlock& resnet : resnets_) peak = std::max(peak, resnet.peak_channels());
    return peak;
}

DownLevel::DownLevel(const Scope& scope, const LevelShape& shape) : resnets_(bind_resnets(scope, shape)) {
    if (shape.resizes) downsample_.emplace(scope / "downsamplers" / 0, shape.out_channels);
}

Tensor DownLevel::operator()(const Context& context, Tensor x) const {
    for (const ResnetBlock& resnet : resnets_) x = resnet(context, std::move(x));
    return downsample_ ? (*downsample_)(context, x) : x;
}

}  // namespace kine::dit
