// Arithmetic element by element on an emulated grid, against twins in double.
#include "kernels/elementwise/map.cuh"

#include "kernels/cuda/tensor_rows.h"
#include "kernels/elementwise/map_cuda.h"
#include "runtime/config.h"
#include "tests/support/cuda/kernel_test.h"
#include "tests/support/expect_close.h"

#include <gtest/gtest.h>

namespace kine::kernels::cuda {
namespace {

double silu_twin(double x) { return x / (1.0 + std::exp(-x)); }
double gelu_twin(double x) { return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x))); }

double twin(MapKind kind, double x, double value) {
    if (kind == MapKind::Silu) return silu_twin(x);
    return kind == MapKind::GeluTanh ? gelu_twin(x) : gelu_twin(x) * value;
}

template <class T>
void emulate(MapKind kind, const MapArguments<T>& map) {
    const auto with = [&]<MapKind kKind>() {
        emulation::run_grid(map_launch(map.count), [&](std::byte*) { map_block<T, kKind>(map); });
    };
    if (kind == MapKind::Silu) return with.template operator()<MapKind::Silu>();
    if (kind == MapKind::GeluTanh) return with.template operator()<MapKind::GeluTanh>();
    return with.template operator()<MapKind::GeluTanhGate>();
}

class MapKernel : public KernelTest {
  protected:
    template <class T>
    Tensor mapped(MapKind kind, const Tensor& x, const Tensor& value) {
        Tensor out = Tensor::empty(context, x.shape(), x.dtype());
        const MapArguments<T> map = {x.data<T>(), value.data<T>(), out.data<T>(), x.elements(), true};
        bool is_on_device = false;
        if constexpr (kHasCuda) {
            is_on_device = is_on_gpu();
            if (is_on_device) run_on_gpu([&](Stream stream) { launch_map(kind, map, stream); });
        }
        if (!is_on_device) emulate(kind, map);
        return out;
    }

    void expect_equals_twin(MapKind kind, DType dtype, int64_t count) {
        const Tensor x = random_tensor(context, {count}, dtype, 1, 4.0f);
        const Tensor value = random_tensor(context, {count}, dtype, 2);
        const bool is_float = dtype == DType::Float32;
        const Tensor got = is_float ? mapped<float>(kind, x, value) : mapped<BFloat16>(kind, x, value);
        const std::vector<double> xs = to_doubles(x), values = to_doubles(value);
        std::vector<double> want(xs.size());
        for (size_t i = 0; i < want.size(); ++i) want[i] = twin(kind, xs[i], values[i]);
        // The exponential of a GPU errs by a few units of the last place, and by more the larger its argument.
        expect_close(got, want, is_float ? Tolerance{4e-6, 1e-6} : Tolerance{4e-3, 1e-6});
    }
};

INSTANTIATE_TEST_SUITE_P(Places, MapKernel, kPlaces, name_of_place);

TEST_P(MapKernel, EqualsTheTwinForEveryKind) {
    for (const MapKind kind : {MapKind::GeluTanh, MapKind::Silu, MapKind::GeluTanhGate}) {
        for (const DType dtype : {DType::Float32, DType::BFloat16}) {
            for (const int64_t count : {1, 8, 77, 2048, 2051}) expect_equals_twin(kind, dtype, count);
        }
    }
}

class GuidedStepKernel : public KernelTest {
  protected:
    void expect_equals_twin(bool is_guided, int64_t count, bool by_words) {
        const Shape shape = {count + 1};  // so that a slice begins where nothing is aligned
        const int64_t first = by_words ? 0 : 1;
        Tensor x = random_tensor(context, shape, DType::Float32, 1).slice(0, first, first + count);
        const Tensor towards = random_tensor(context, shape, DType::Float32, 2).slice(0, first, first + count);
        const Tensor from = random_tensor(context, shape, DType::Float32, 3).slice(0, first, first + count);
        const std::vector<double> xs = to_doubles(x), us = to_doubles(from);
        std::vector<double> want = to_doubles(towards);
        for (size_t i = 0; i < want.size(); ++i) {
            if (is_guided) want[i] = us[i] + 7.5 * (want[i] - us[i]);
            want[i] = 0.75 * xs[i] - 0.125 * want[i];
        }
        GuidedStepArguments step = {x.data<float>(), towards.data<float>(), nullptr, x.data<float>(), count};
        if (is_guided) step.unconditional = from.data<float>();
        step.guidance = 7.5f;
        step.keep = 0.75f;
        step.move = -0.125f;
        step.by_words = by_words;
        run(step);
        expect_close(x, want, {1e-6, 1e-6});  // values up to about 40, a few roundings of 2^-24
    }

  private:
    void run(const GuidedStepArguments& step) {
        if constexpr (kHasCuda) {
            if (is_on_gpu()) return run_on_gpu([&](Stream stream) { launch_guided_step(step, stream); });
        }
        emulation::run_grid(map_launch(step.count), [&](std::byte*) { guided_step_block(step); });
    }
};

INSTANTIATE_TEST_SUITE_P(Places, GuidedStepKernel, kPlaces, name_of_place);

TEST_P(GuidedStepKernel, EqualsTheTwinWithAndWithoutGuidance) {
    for (const bool is_guided : {true, false}) {
        expect_equals_twin(is_guided, 2051, true);
        expect_equals_twin(is_guided, 37, false);
    }
}

TEST(MapLaunch, HasAThreadForEachChunk) {
    EXPECT_EQ(map_launch(0), (Launch{0, 1, 256, 0}));
    EXPECT_EQ(map_launch(2048), (Launch{1, 1, 256, 0}));
    EXPECT_EQ(map_launch(2049), (Launch{2, 1, 256, 0}));
}

}  // namespace
}  // namespace kine::kernels::cuda
