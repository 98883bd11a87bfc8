#include "dit/vae/temporal_decoder.h"

#include "kernels/move/move.h"

#include <algorithm>

namespace kine::dit {

namespace {

constexpr float kEpsilon = 1e-5f;
constexpr auto kSilu = kernels::Activation::Silu;
constexpr kernels::ConvGeometry kCausal = {.stride = 1, .pad_begin = 1, .pad_end = 1, .pad_front = 2};

struct ConvShape {
    int64_t in_channels = 0;
    int64_t out_channels = 0;
    int64_t side = 3;  ///< of the window, in frames, rows and columns
    bool has_bias = true;
};

kernels::ConvWeight bind_causal(const Scope& scope, const ConvShape& shape) {
    const Tensor weight =
        (scope / "conv").bind("weight", {shape.out_channels, shape.in_channels, shape.side, shape.side, shape.side});
    const Tensor bias = shape.has_bias ? (scope / "conv").bind("bias", {shape.out_channels}) : Tensor();
    return {scope.context(), weight, bias, shape.side == 1 ? kernels::ConvGeometry{} : kCausal};
}

/// Output channels c * 2 + k, of which k becomes a frame, reordered to k * C + c: a frame's channels then lie together.
Tensor frames_first(const Context& context, const Tensor& channels) {
    const int64_t half = channels.dim(0) / 2;
    const Tensor pairs = channels.reshape({half, 2, channels.elements() / (2 * half)});
    return kernels::contiguous(context, pairs.transpose(0, 1)).reshape(channels.shape());
}

kernels::ConvWeight bind_doubling(const Scope& scope, int64_t channels) {
    const Context& context = scope.context();
    const Tensor weight = (scope / "conv").bind("weight", {2 * channels, channels, 3, 3, 3});
    const Tensor bias = (scope / "conv").bind("bias", {2 * channels});
    return {context, frames_first(context, weight), frames_first(context, bias), kCausal};
}

/// Group norm takes the frames of a clip as positions of one picture.
Tensor norm_clip(const Context& context, const GroupNorm& norm, const Tensor& x) {
    const Tensor clip = x.reshape({1, x.dim(0) * x.dim(1), x.dim(2), x.dim(3)});
    return norm(context, clip, kSilu).reshape(x.shape());
}

/// [F, Y, X, 2 C] with one frame's channels after the other's -> [2 F, Y, X, C].
Tensor split_frames(const Context& context, const Tensor& x) {
    const int64_t area = x.dim(1) * x.dim(2);
    const int64_t channels = x.dim(3) / 2;
    const Tensor pairs = x.reshape({x.dim(0), area, 2, channels}).transpose(1, 2);
    return kernels::contiguous(context, pairs).reshape({2 * x.dim(0), x.dim(1), x.dim(2), channels});
}

std::vector<CausalResnetBlock> bind_blocks(const Scope& scope, int64_t count, CausalUpLevel::Widths widths,
                                           int64_t groups) {
    std::vector<CausalResnetBlock> blocks;
    for (int64_t i = 0; i < count; ++i) {
        blocks.emplace_back(scope / i, i == 0 ? widths.in_channels : widths.out_channels, widths.out_channels, groups);
    }
    return blocks;
}

std::vector<CausalUpLevel> bind_levels(const Scope& scope, const TemporalVaeConfig& config) {
    std::vector<CausalUpLevel> levels;
    int64_t channels = config.width(config.levels() - 1);
    for (size_t level = config.levels(); level-- > 0;) {
        levels.emplace_back(scope, config, level, CausalUpLevel::Widths{channels, config.width(level)});
        channels = config.width(level);
    }
    return levels;
}

}  // namespace

CausalResnetBlock::CausalResnetBlock(const Scope& scope, int64_t in_channels, int64_t out_channels, int64_t groups)
    : in_channels_(in_channels),
      out_channels_(out_channels),
      norm1_(scope / "norm1", in_channels, groups, kEpsilon),
      conv1_(bind_causal(scope / "conv1", {in_channels, out_channels, 3, false})),
      norm2_(scope / "norm2", out_channels, groups, kEpsilon),
      conv2_(bind_causal(scope / "conv2", {out_channels, out_channels, 3, false})) {
    if (in_channels != out_channels) shortcut_ = bind_causal(scope / "conv3", {in_channels, out_channels, 1, false});
}

Tensor CausalResnetBlock::operator()(const Context& context, Tensor x) const {
    Tensor h = norm_clip(context, norm1_, x);
    h = conv3d(context, h, conv1_);
    h = norm_clip(context, norm2_, h);
    if (!shortcut_) return conv3d(context, h, conv2_, x);
    h = conv3d(context, h, conv2_);
    return conv3d(context, x, shortcut_, h);
}

int64_t CausalResnetBlock::peak_channels() const {
    return in_channels_ + out_channels_ + std::max(in_channels_, out_channels_);
}

CausalUpLevel::CausalUpLevel(const Scope& decoder, const TemporalVaeConfig& config, size_t level, Widths widths)
    : blocks_(bind_blocks(decoder / "block_res_blocks" / static_cast<int64_t>(level), config.num_res_blocks, widths,
                          config.num_groups)) {
    if (level > 0 && config.temporal_downsample[level - 1] == 1) {
        double_frames_ = bind_doubling(decoder / "conv_blocks" / static_cast<int64_t>(level - 1), widths.out_channels);
    }
}

Tensor CausalUpLevel::operator()(const Context& context, Tensor x, const std::stop_token& stop) const {
    for (const CausalResnetBlock& block : blocks_) {
        check_running(stop);
        x = block(context, std::move(x));
    }
    if (!double_frames_) return x;
    check_running(stop);
    x = conv3d(context, x, double_frames_);
    return split_frames(context, x);
}

int64_t CausalUpLevel::peak_channels() const {
    int64_t peak = double_frames_ ? 2 * double_frames_.out_channels() : 0;
    for (const CausalResnetBlock& block : blocks_) peak = std::max(peak, block.peak_channels());
    return peak;
}

TemporalDecoder::TemporalDecoder(const Scope& scope, const TemporalVaeConfig& config)
    : post_quant_(bind_causal(scope / "post_quant_conv", {config.embed_dim, config.latent_embed_dim, 1})),
      conv_in_(bind_causal(scope / "decoder.conv1", {config.latent_embed_dim, config.width(config.levels() - 1)})),
      middle_(bind_blocks(scope / "decoder.res_blocks", config.num_res_blocks,
                          {config.width(config.levels() - 1), config.width(config.levels() - 1)}, config.num_groups)),
      levels_(bind_levels(scope / "decoder", config)),
      norm_out_(scope / "decoder.norm1", config.width(0), config.num_groups, kEpsilon),
      conv_out_(bind_causal(scope / "decoder.conv_out", {config.width(0), config.in_out_channels})) {}

Tensor TemporalDecoder::operator()(const Context& context, Tensor z, const std::stop_token& stop) const {
    z = conv3d(context, z, post_quant_);
    Tensor x = conv3d(context, z, conv_in_);
    for (const CausalResnetBlock& block : middle_) {
        check_running(stop);
        x = block(context, std::move(x));
    }
    for (const CausalUpLevel& level : levels_) x = level(context, std::move(x), stop);
    x = norm_clip(context, norm_out_, x);
    return conv3d(context, x, conv_out_);
}

int64_t TemporalDecoder::peak_elements(int64_t latent_frames) const {
    int64_t frames = latent_frames;
    int64_t peak = 0;
    for (const CausalResnetBlock& block : middle_) peak = std::max(peak, frames * block.peak_channels());
    for (const CausalUpLevel& level : levels_) {
        peak = std::max(peak, frames * level.peak_channels());
        if (level.doubles_frames()) frames *= 2;
    }
    const int64_t ends = 2 * conv_out_.in_channels() + conv_out_.out_channels();
    return std::max(peak, frames * ends);
}

}  // namespace kine::dit
