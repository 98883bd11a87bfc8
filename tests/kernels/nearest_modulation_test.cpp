#include "kernels/resample/nearest_modulation.h"

#include "kernels/move/move.h"
#include "tests/support/expect_close.h"
#include "tests/support/test_context.h"

#include <cmath>

namespace kine::kernels {
namespace {

double silu_of(double v) { return v / (1.0 + std::exp(-v)); }

/// x [F, Y, X, C] by the plain definition.
std::vector<double> twin(const Tensor& x, const Tensor& condition, const std::vector<int64_t>& frames) {
    std::vector<double> values = to_doubles(x);
    const std::vector<double> coarse = to_doubles(condition);
    const int64_t rows = x.dim(1), columns = x.dim(2), channels = x.dim(3);
    for (size_t i = 0; i < values.size(); ++i) {
        const auto at = static_cast<int64_t>(i);
        const int64_t channel = at % channels, column = at / channels % columns;
        const int64_t row = at / channels / columns % rows;
        const int64_t frame = frames[static_cast<size_t>(at / channels / columns / rows)];
        const int64_t y = row * condition.dim(1) / rows, z = column * condition.dim(2) / columns;
        const int64_t pixel = (frame * condition.dim(1) + y) * condition.dim(2) + z;
        const auto factor = static_cast<size_t>(pixel * 2 * channels + channel);
        values[i] = silu_of(values[i] * coarse[factor] + coarse[factor + static_cast<size_t>(channels)]);
    }
    return values;
}

TEST(ModulateNearest, EqualsTheTwin) {
    TestContext test(2);
    for (const DType dtype : {DType::Float32, DType::BFloat16}) {
        for (const int64_t channels : {1, 8, 13}) {
            Tensor x = random_tensor(test.context, {5, 4, 6, channels}, dtype, 1, 2.0f);
            const Tensor condition = random_tensor(test.context, {3, 2, 3, 2 * channels}, dtype, 2);
            const std::vector<int64_t> frames = {0, 1, 1, 2, 2};
            const std::vector<double> want = twin(x, condition, frames);
            modulate_nearest(test.context, x, condition, frames, Activation::Silu);
            expect_close(x, want, dtype == DType::BFloat16 ? Tolerance{4e-3, 1e-5} : Tolerance{2e-6, 2e-6});
        }
    }
}

TEST(ModulateNearest, RefusesAGridThatDoesNotFit) {
    TestContext test;
    Tensor x = Tensor::zeros(test.context, {2, 4, 6, 3}, DType::Float32);
    const Tensor condition = Tensor::zeros(test.context, {1, 2, 4, 6}, DType::Float32);
    const std::vector<int64_t> frames = {0, 0};
    EXPECT_THROW(modulate_nearest(test.context, x, condition, frames, Activation::None), Error);
    const Tensor fitting = Tensor::zeros(test.context, {1, 2, 3, 6}, DType::Float32);
    EXPECT_NO_THROW(modulate_nearest(test.context, x, fitting, frames, Activation::None));
    const std::vector<int64_t> beyond = {0, 1};
    EXPECT_THROW(modulate_nearest(test.context, x, fitting, beyond, Activation::None), Error);
}

}  // namespace
}  // namespace kine::kernels
