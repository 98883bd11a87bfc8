#include "dit/families/cogvideox/patches.h"

#include "kernels/move/move.h"
#include "kernels/patch/patch.h"

namespace kine::dit::cogvideox {

namespace {

/// Weights [D, (channel, frame, pixel)] -> [D, (frame, channel, pixel)].
Linear bind_in(const Scope& scope, const Config& config) {
    const int64_t size = config.patch_size, frames = config.patch_frames(), width = config.channels();
    const int64_t vector = config.in_channels * frames * size * size;
    const Shape of_frame = {width, config.in_channels, size, size};
    const Tensor weight = scope.bind("weight", config.patch_size_t ? Shape{width, vector} : of_frame);
    const Tensor apart = weight.reshape({width, config.in_channels, frames, size * size}).transpose(1, 2);
    // Patches of several frames have a bias whatever the configuration says.
    const bool has_bias = config.patch_size_t || config.patch_bias;
    return {scope.context(), kernels::contiguous(scope.context(), apart).reshape({width, vector}),
            has_bias ? scope.bind("bias", {width}) : Tensor()};
}

/// Rows (channel, frame, pixel) -> (frame, pixel, channel).
Tensor rows_by_frame(const Context& context, const Tensor& rows, const Config& config) {
    const int64_t pixels = config.patch_size * config.patch_size;
    const int64_t width = rows.elements() / rows.dim(0);
    const Tensor apart = rows.reshape({config.out_channels, config.patch_frames(), pixels, width});
    return kernels::contiguous(context, apart.transpose(0, 1).transpose(1, 2)).reshape(rows.shape());
}

Linear bind_out(const Scope& scope, const Config& config) {
    const int64_t rows = config.out_channels * config.patch_frames() * config.patch_size * config.patch_size;
    const Context& context = scope.context();
    return {context, rows_by_frame(context, scope.bind("weight", {rows, config.channels()}), config),
            rows_by_frame(context, scope.bind("bias", {rows}), config)};
}

}  // namespace

Patches::Patches(const Scope& scope, const Config& config)
    : size_(config.patch_size),
      frames_(config.patch_frames()),
      dtype_(scope.dtype()),
      in_(bind_in(scope / "patch_embed.proj", config)),
      out_(bind_out(scope / "proj_out", config)) {}

Tensor Patches::cut(const Context& context, const Tensor& latents) const {
    const Tensor x = kernels::patchify(context, latents, size_, dtype_);  // [B, T, S, (channel, row, column)]
    if (frames_ == 1) return x;
    const int64_t times = x.dim(1) / frames_;
    const Tensor together = x.split(1, times).transpose(2, 3);  // [B, T', S, frame, (channel, row, column)]
    return kernels::contiguous(context, together).reshape({x.dim(0), times, x.dim(2), frames_ * x.dim(3)});
}

Tensor Patches::join(const Context& context, const Tensor& patches, int64_t rows) const {
    const Tensor apart = patches.split(3, frames_).transpose(2, 3);  // [B, T', frame, S, (row, column, channel)]
    const Tensor x = kernels::contiguous(context, apart)
                         .reshape({patches.dim(0), patches.dim(1) * frames_, patches.dim(2), patches.dim(3) / frames_});
    return kernels::unpatchify(context, x, size_, rows, patches.dim(2) / rows);
}

}  // namespace kine::dit::cogvideox
