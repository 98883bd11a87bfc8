// Latents to tokens and back on an emulated grid: the same bits as the host's ops, which have twins of their own.
#include "kernels/patch/patch.cuh"

#include "kernels/patch/patch.h"
#include "kernels/patch/patch_cuda.h"
#include "runtime/config.h"
#include "tests/support/cuda/kernel_test.h"
#include "tests/support/expect_close.h"

#include <gtest/gtest.h>

namespace kine::kernels::cuda {
namespace {

PatchGeometry geometry_of(const Shape& latents, int64_t patch) {
    return {latents[0], latents[1], latents[2], latents[3], latents[4], patch};
}

class PatchKernel : public KernelTest {
  protected:
    template <class T>
    Tensor patched_as(const Tensor& latents, int64_t patch) {
        const PatchGeometry of = geometry_of(latents.shape(), patch);
        Tensor tokens = Tensor::empty(context, {of.batch, of.frames, of.rows() * of.columns(), of.vector()},
                                      sizeof(T) == 2 ? DType::BFloat16 : DType::Float32);
        const PatchArguments<T> work = {latents.data<float>(), tokens.data<T>(), of};
        run(work);
        return tokens;
    }

    template <class T>
    Tensor unpatched_as(const Shape& latents, UnpatchArguments<T> work) {
        Tensor out = Tensor::empty(context, latents, DType::Float32);
        work.latents = out.data<float>();
        run(work);
        return out;
    }

    Tensor unpatched(const Tensor& tokens, const Shape& latents, int64_t patch) {
        const PatchGeometry of = geometry_of(latents, patch);
        if (tokens.dtype() == DType::Float32)
            return unpatched_as<float>(latents, {.tokens = tokens.data<float>(), .geometry = of});
        return unpatched_as<BFloat16>(latents, {.tokens = tokens.data<BFloat16>(), .geometry = of});
    }

  private:
    template <class T>
    void run(const PatchArguments<T>& work) {
        if constexpr (kHasCuda) {
            if (is_on_gpu()) return run_on_gpu([&](Stream stream) { launch_patchify(work, stream); });
        }
        emulation::run_grid(patch_launch(work.geometry.token_values()), [&](std::byte*) { patchify_block(work); });
    }

    template <class T>
    void run(const UnpatchArguments<T>& work) {
        if constexpr (kHasCuda) {
            if (is_on_gpu()) return run_on_gpu([&](Stream stream) { launch_unpatchify(work, stream); });
        }
        emulation::run_grid(patch_launch(work.geometry.latent_values()), [&](std::byte*) { unpatchify_block(work); });
    }
};

INSTANTIATE_TEST_SUITE_P(Places, PatchKernel, kPlaces, name_of_place);

TEST_P(PatchKernel, GivesTheTokensOfTheHost) {
    // More than a block; sides that the patch does not divide.
    for (const auto& [shape, patch] : std::vector<std::pair<Shape, int64_t>>{
             {{2, 4, 3, 6, 8}, 2}, {{1, 3, 2, 7, 9}, 2}, {{1, 16, 1, 5, 3}, 1}, {{1, 2, 2, 9, 12}, 3}}) {
        SCOPED_TRACE(to_string(shape));
        const Tensor latents = random_tensor(context, shape, DType::Float32, 1);
        EXPECT_TRUE(same_bits(patched_as<float>(latents, patch), patchify(context, latents, patch, DType::Float32)));
        EXPECT_TRUE(
            same_bits(patched_as<BFloat16>(latents, patch), patchify(context, latents, patch, DType::BFloat16)));
    }
}

TEST_P(PatchKernel, GivesTheLatentsOfTheHost) {
    for (const auto& [shape, patch] :
         std::vector<std::pair<Shape, int64_t>>{{{2, 4, 3, 6, 8}, 2}, {{1, 8, 2, 2, 6}, 1}, {{1, 2, 2, 9, 12}, 3}}) {
        SCOPED_TRACE(to_string(shape));
        const PatchGeometry of = geometry_of(shape, patch);
        for (const DType dtype : {DType::Float32, DType::BFloat16}) {
            const Tensor tokens =
                random_tensor(context, {of.batch, of.frames, of.rows() * of.columns(), of.vector()}, dtype, 2);
            EXPECT_TRUE(same_bits(unpatched(tokens, shape, patch),
                                  unpatchify(context, tokens, patch, of.rows(), of.columns())));
        }
    }
}

TEST_P(PatchKernel, EndsAStepWithGuidance) {
    const Shape shape = {1, 4, 2, 6, 8};
    const Tensor tokens = random_tensor(context, {2, 2, 12, 16}, DType::Float32, 3);
    const Tensor sample = random_tensor(context, shape, DType::Float32, 4);
    const Tensor got = unpatched_as<float>(shape, {.tokens = tokens.data<float>(),
                                                   .sample = sample.data<float>(),
                                                   .geometry = geometry_of(shape, 2),
                                                   .is_guided = true,
                                                   .guidance = 4.5f,
                                                   .keep = 0.75f,
                                                   .move = -0.5f});
    const std::vector<double> branches = to_doubles(unpatchify(context, tokens, 2, 3, 4));
    std::vector<double> want = to_doubles(sample);
    for (size_t i = 0; i < want.size(); ++i) {
        const double without = branches[i], with = branches[want.size() + i];
        want[i] = 0.75 * want[i] - 0.5 * (without + 4.5 * (with - without));
    }
    expect_close(got, want, {2e-6, 2e-6});  // four roundings of values up to 10
}

}  // namespace
}  // namespace kine::kernels::cuda
