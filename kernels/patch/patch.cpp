#include "kernels/patch/patch.h"

#include "kernels/check.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/host/visit.h"
#include "kernels/patch/patch_cuda.h"
#include "kernels/patch/patch_host.h"

namespace kine::kernels {

namespace {

/// Of latents [B, C, T, Y, X].
cuda::PatchGeometry geometry_of(const Tensor& latents, int64_t patch) {
    return {latents.dim(0), latents.dim(1), latents.dim(2), latents.dim(3), latents.dim(4), patch};
}

void patchify_device(const Context& context, const Tensor& x, int64_t patch, Tensor& out) {
    visit_on_device(out.dtype(), [&]<class T>(T) {
        const cuda::PatchArguments<T> work = {x.address<const float>(), out.address<T>(), geometry_of(x, patch)};
        cuda::launch_patchify(work, context.stream);
    });
}

void unpatchify_device(const Context& context, const Tensor& tokens, int64_t patch, Tensor& out) {
    visit_on_device(tokens.dtype(), [&]<class T>(T) {
        cuda::UnpatchArguments<T> work;
        work.tokens = tokens.address<const T>();
        work.latents = out.address<float>();
        work.geometry = geometry_of(out, patch);
        cuda::launch_unpatchify(work, context.stream);
    });
}

}  // namespace

Tensor patchify(const Context& context, const Tensor& x, int64_t patch, DType dtype) {
    check_rank("patchify", "x", x, 5);
    check_floating("patchify", "x", x);
    check(patch > 0 && patch <= x.dim(3) && patch <= x.dim(4), ErrorCode::Bug,
          "patchify: patch size {} for x of shape {}, expected 1 or more, at most the picture", patch,
          to_string(x.shape()));
    const int64_t tokens = (x.dim(3) / patch) * (x.dim(4) / patch);
    Tensor out = Tensor::empty(context, {x.dim(0), x.dim(2), tokens, patch * patch * x.dim(1)}, dtype);
    on_device(
        context, "patchify", [&] { patchify_host(context, x, patch, out); },
        [&] { patchify_device(context, cast(context, x, DType::Float32), patch, out); });
    return out;
}

Tensor unpatchify(const Context& context, const Tensor& tokens, int64_t patch, int64_t rows, int64_t columns) {
    check_rank("unpatchify", "tokens", tokens, 4);
    check_floating("unpatchify", "tokens", tokens);
    check_contiguous("unpatchify", "tokens", tokens);
    check(rows * columns == tokens.dim(2), ErrorCode::Bug, "unpatchify: {} tokens a frame, expected {} x {}",
          tokens.dim(2), rows, columns);
    check(patch > 0 && tokens.dim(3) % (patch * patch) == 0, ErrorCode::Bug,
          "unpatchify: vectors of {} values, expected a multiple of {} x {}", tokens.dim(3), patch, patch);
    const int64_t channels = tokens.dim(3) / (patch * patch);
    const Shape shape = {tokens.dim(0), channels, tokens.dim(1), rows * patch, columns * patch};
    Tensor out = Tensor::empty(context, shape, DType::Float32);
    on_device(
        context, "unpatchify",
        [&] {
            unpatchify_host(context, tokens, {patch, rows, columns}, out);
        },
        [&] { unpatchify_device(context, tokens, patch, out); });
    return out;
}

}  // namespace kine::kernels
