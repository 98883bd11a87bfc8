// Group norm's three kernels on an emulated grid, against a twin in double.
#include "kernels/norm/group_norm.cuh"

#include "kernels/cuda/tensor_rows.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/norm/group_norm_cuda.h"
#include "kernels/norm/norm.h"
#include "runtime/config.h"
#include "tests/support/cuda/emulated_kernels.h"
#include "tests/support/cuda/kernel_test.h"
#include "tests/support/expect_close.h"

#include <gtest/gtest.h>

namespace kine::kernels::cuda {
namespace {

constexpr float kEps = 1e-6f;

struct Case {
    int64_t pictures, positions;
    int channels, groups;
    bool has_silu = false;
    float mean = 0.0f;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
    return out << c.pictures << " x " << c.positions << " x " << c.channels << " in " << c.groups;
}

std::vector<double> twin(const Case& c, const std::vector<double>& x, const std::vector<double>& weight,
                         const std::vector<double>& bias) {
    std::vector<double> out(x.size());
    const int64_t width = c.channels / c.groups;
    for (int64_t picture = 0; picture < c.pictures; ++picture) {
        for (int64_t group = 0; group < c.groups; ++group) {
            std::vector<size_t> members;
            for (int64_t position = 0; position < c.positions; ++position) {
                for (int64_t channel = group * width; channel < (group + 1) * width; ++channel)
                    members.push_back(static_cast<size_t>((picture * c.positions + position) * c.channels + channel));
            }
            double mean = 0.0, variance = 0.0;
            for (const size_t i : members) mean += x[i] / static_cast<double>(members.size());
            for (const size_t i : members)
                variance += (x[i] - mean) * (x[i] - mean) / static_cast<double>(members.size());
            for (const size_t i : members) {
                const size_t channel = i % static_cast<size_t>(c.channels);
                const double value = (x[i] - mean) / std::sqrt(variance + kEps) * weight[channel] + bias[channel];
                out[i] = c.has_silu ? value / (1.0 + std::exp(-value)) : value;
            }
        }
    }
    return out;
}

class GroupNormKernel : public KernelTest {
  protected:
    template <class T>
    Tensor normed_as(const Case& c, const Tensor& x, const Tensor& weight, const Tensor& bias) {
        const int64_t runs = runs_of(c.positions, c.channels);
        Tensor out = Tensor::empty(context, x.shape(), x.dtype());
        Tensor parts = Tensor::empty(context, {c.pictures, runs, c.groups, 2}, DType::Float32);
        Tensor moments = Tensor::empty(context, {c.pictures, c.groups, 2}, DType::Float32);
        GroupNormArguments<T> norm;
        norm.x = x.data<T>();
        norm.weight = weight.data<float>();
        norm.bias = bias.data<float>();
        norm.parts = reinterpret_cast<GroupMoments*>(parts.data<float>());
        norm.moments = reinterpret_cast<GroupMoments*>(moments.data<float>());
        norm.out = out.data<T>();
        norm.pictures = c.pictures;
        norm.positions = c.positions;
        norm.channels = c.channels;
        norm.groups = c.groups;
        norm.eps = kEps;
        norm.has_silu = c.has_silu;
        norm.by_words = moves_by_words({&x, &out, &weight, &bias});
        run(norm);
        return out;
    }

    Tensor normed(const Case& c, const Tensor& x, const Tensor& weight, const Tensor& bias) {
        return x.dtype() == DType::Float32 ? normed_as<float>(c, x, weight, bias)
                                           : normed_as<BFloat16>(c, x, weight, bias);
    }

    Tensor picture(const Case& c, DType dtype) const {
        Tensor x = random_tensor(context, {c.pictures, c.positions, c.channels}, DType::Float32, 1, 2.0f);
        for (int64_t i = 0; i < x.elements(); ++i) x.data<float>()[i] += c.mean;
        return dtype == DType::Float32 ? x : cast(context, x, dtype);
    }

    void expect_equals_twin(const Case& c, DType dtype, const Tolerance& tolerance) {
        const Tensor x = picture(c, dtype);
        const Tensor weight = random_tensor(context, {c.channels}, DType::Float32, 2);
        const Tensor bias = random_tensor(context, {c.channels}, DType::Float32, 3);
        expect_close(normed(c, x, weight, bias), twin(c, to_doubles(x), to_doubles(weight), to_doubles(bias)),
                     tolerance);
    }

  private:
    template <class T>
    void run(const GroupNormArguments<T>& norm) {
        if constexpr (kHasCuda) {
            if (is_on_gpu()) return run_on_gpu([&](Stream stream) { launch_group_norm(norm, stream); });
        }
        emulate(norm);
    }
};

INSTANTIATE_TEST_SUITE_P(Places, GroupNormKernel, kPlaces, name_of_place);

// As for rows: a few roundings of 2^-24 of values up to about 10; one rounding to bf16.
Tolerance tolerance_of(DType dtype) { return dtype == DType::BFloat16 ? Tolerance{4e-3, 2e-5} : Tolerance{3e-6, 6e-6}; }

// One position; rows of threads with and without work; channels that are no whole chunk; three runs, the last a part;
// as many channels as there may be.
const Case kCases[] = {{2, 1, 8, 2},         {1, 37, 64, 32, true}, {2, 5, 12, 3},
                       {1, 300, 6, 1, true}, {1, 700, 512, 32},     {2, 65, 320, 10, true},
                       {1, 9, 1030, 5},      {1, 40000, 8, 4},      {1, 160, kGroupNormWidest, 32, true}};

TEST_P(GroupNormKernel, EqualsTheTwin) {
    for (const DType dtype : {DType::Float32, DType::BFloat16}) {
        for (const Case& c : kCases) {
            SCOPED_TRACE(c);
            expect_equals_twin(c, dtype, tolerance_of(dtype));
        }
    }
}

// f32 holds 1,000 in steps of 6e-5; the mean may be off by half of one, and that is divided by a deviation of about 1.
TEST_P(GroupNormKernel, KeepsDigitsBesideALargeMean) {
    expect_equals_twin({1, 3000, 64, 8, false, 1000.0f}, DType::Float32, {3e-6, 5e-5});
}

TEST_P(GroupNormKernel, GivesTheSameBitsAgainAndBesideOthers) {
    const Case both = {2, 900, 192, 16}, one = {1, 900, 192, 16};
    const Tensor x = picture(both, DType::Float32);
    const Tensor weight = random_tensor(context, {192}, DType::Float32, 2);
    const Tensor together = normed(both, x, weight, weight);
    EXPECT_TRUE(same_bits(together, normed(both, x, weight, weight)));
    EXPECT_TRUE(same_bits(together.slice(0, 1, 2), normed(one, x.slice(0, 1, 2), weight, weight)));
}

TEST(GroupNormLaunch, GivesARunOfPositionsABlock) {
    EXPECT_EQ(group_norm_launch(3, 4096, 128), (Launch{4, 3, 256, 16384}));
    EXPECT_EQ(group_norm_launch(1, 1, 6), (Launch{1, 1, 256, 16384}));
    EXPECT_EQ(group_norm_launch(1, 1025, 1030), (Launch{9, 1, 256, 8256}));
    EXPECT_EQ(group_norm_rows(512), 4);
    EXPECT_EQ(group_norm_rows(kGroupNormWidest), 1);
    EXPECT_EQ(group_merge_launch(5, 32), (Launch{32, 5, 32, 0}));
}

}  // namespace
}  // namespace kine::kernels::cuda
