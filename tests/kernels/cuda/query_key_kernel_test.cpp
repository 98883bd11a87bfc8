// Norm and rotation of packed heads on an emulated grid, against a twin in double.
#include "kernels/rope/query_key.cuh"

#include "kernels/cuda/tensor_rows.h"
#include "kernels/rope/query_key_cuda.h"
#include "runtime/config.h"
#include "tests/kernels/cuda/head_twin.h"
#include "tests/support/cuda/emulated_kernels.h"
#include "tests/support/cuda/kernel_test.h"
#include "tests/support/expect_close.h"

#include <gtest/gtest.h>

namespace kine::kernels::cuda {
namespace {

constexpr int64_t kBatch = 2, kFrames = 3, kPatches = 2;
constexpr int64_t kTokens = kBatch * kFrames * kPatches;

/// Projections [tokens, 3, H, D], and what is done to them.
struct Packed {
    Tensor qkv;
    Tensor query_weight, key_weight, bias;
    Tensor turns;  ///< [T or 1, S or 1, D]
    HeadNorm norm = HeadNorm::Rms;
};

Packed packed(const Context& context, DType dtype, int64_t heads, int64_t size) {
    Packed made;
    made.qkv = random_tensor(context, {kTokens, 3, heads, size}, dtype, 1, 2.0f);
    made.query_weight = random_tensor(context, {size}, DType::Float32, 2);
    made.key_weight = random_tensor(context, {size}, DType::Float32, 3);
    made.turns = random_tensor(context, {kFrames, kPatches, size}, DType::Float32, 4);
    return made;
}

const float* values_or_null(const Tensor& tensor) { return tensor ? tensor.data<float>() : nullptr; }

template <class T>
QueryKeyArguments<T> arguments_of(Packed& in) {
    const Tensor queries = in.qkv.select(1, 0);
    QueryKeyArguments<T> all;
    all.heads = static_cast<int>(in.qkv.dim(2));
    all.head_size = static_cast<int>(in.qkv.dim(3));
    all.queries = in.qkv.data<T>();
    all.keys = all.queries + in.qkv.stride(1);
    all.tokens = kTokens;
    all.token_stride = in.qkv.stride(0);
    all.query_steps = {in.norm, values_or_null(in.query_weight), values_or_null(in.bias), values_or_null(in.turns),
                       kHeadEps};
    all.key_steps = all.query_steps;
    all.key_steps.weight = values_or_null(in.key_weight);
    all.frames = kFrames;
    all.patches = kPatches;
    if (in.turns) {
        all.frame_turns = in.turns.dim(0) == 1 ? 0 : in.turns.stride(0);
        all.patch_turns = in.turns.dim(1) == 1 ? 0 : in.turns.stride(1);
    }
    all.by_words = moves_by_words({&queries});
    return all;
}

std::vector<double> twin(const Packed& in) {
    std::vector<double> values = to_doubles(in.qkv);
    const auto size = static_cast<size_t>(in.qkv.dim(3)), heads = static_cast<size_t>(in.qkv.dim(2));
    const std::vector<double> bias = in.bias ? to_doubles(in.bias) : std::vector<double>();
    const std::vector<double> turns = in.turns ? to_doubles(in.turns) : std::vector<double>();
    for (size_t row = 0; row < values.size() / size; ++row) {
        const size_t token = row / heads / 3, part = row / heads % 3;
        if (part == 2) continue;  // values
        HeadTwin head{in.norm, to_doubles(part == 0 ? in.query_weight : in.key_weight), bias, {}};
        if (in.turns) {
            const size_t frame = in.turns.dim(0) == 1 ? 0 : token / kPatches % kFrames;
            const size_t patch = in.turns.dim(1) == 1 ? 0 : token % kPatches;
            const size_t at = (frame * static_cast<size_t>(in.turns.dim(1)) + patch) * size;
            head.turns.assign(turns.begin() + static_cast<int64_t>(at),
                              turns.begin() + static_cast<int64_t>(at + size));
        }
        head.apply({values.data() + row * size, size});
    }
    return values;
}

class QueryKeyKernel : public KernelTest {
  protected:
    /// A turned pair is a sum of two products of about unit size: a few roundings of 2^-24 of up to about 10.
    void expect_equals_twin(Packed in) {
        const std::vector<double> want = twin(in);
        const bool is_float = in.qkv.dtype() == DType::Float32;
        if (is_float) {
            run(arguments_of<float>(in));
        } else {
            run(arguments_of<BFloat16>(in));
        }
        expect_close(in.qkv, want, is_float ? Tolerance{2e-6, 1e-5} : Tolerance{4e-3, 1e-5});
    }

  private:
    template <class T>
    void run(const QueryKeyArguments<T>& all) {
        if constexpr (kHasCuda) {
            if (is_on_gpu()) return run_on_gpu([&](Stream stream) { launch_query_key(all, stream); });
        }
        emulate(all);
    }
};

INSTANTIATE_TEST_SUITE_P(Places, QueryKeyKernel, kPlaces, name_of_place);

TEST_P(QueryKeyKernel, EqualsTheTwinForEverySizeOfHeads) {
    for (const DType dtype : {DType::Float32, DType::BFloat16}) {
        for (const int64_t size : {2, 8, 20, 32, 64, 72, 128, 256}) {
            SCOPED_TRACE(size);
            expect_equals_twin(packed(context, dtype, 3, size));
        }
    }
}

TEST_P(QueryKeyKernel, EqualsTheTwinWithEachNormAndWithAnyPartAbsent) {
    const auto make = [&] { return packed(context, DType::BFloat16, 2, 72); };
    for (const HeadNorm norm : {HeadNorm::None, HeadNorm::Rms, HeadNorm::Layer}) {
        Packed in = make();
        in.norm = norm;
        if (norm == HeadNorm::Layer) in.bias = random_tensor(context, {72}, DType::Float32, 7);
        expect_equals_twin(in);
        in = make();
        in.norm = norm;
        in.turns = {};
        expect_equals_twin(in);
    }
}

TEST_P(QueryKeyKernel, SharesTurnsAlongAnAxisOfOne) {
    for (const Shape& shape : {Shape{1, kPatches, 64}, Shape{kFrames, 1, 64}}) {
        Packed in = packed(context, DType::Float32, 2, 64);
        in.turns = random_tensor(context, shape, DType::Float32, 9);
        expect_equals_twin(in);
    }
}

TEST(QueryKeyLaunch, GivesEachHeadARunOfLanes) {
    EXPECT_EQ(lanes_per_head(64), 8);
    EXPECT_EQ(lanes_per_head(72), 16);
    EXPECT_EQ(lanes_per_head(256), 32);
    EXPECT_EQ(lanes_per_head(257), 0);
    EXPECT_EQ(query_key_launch(10, 16, 64, 2), (Launch{20, 1, 128, 0}));
    EXPECT_EQ(query_key_launch(1, 1, 72, 2), (Launch{1, 1, 128, 0}));
}

}  // namespace
}  // namespace kine::kernels::cuda
