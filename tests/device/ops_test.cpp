// Every op on a GPU against the same op on the host, which is itself held to twins in double: awkward sizes, views,
// both types. Tensors of the device are out of the host's reach, so an op that forgot to move something is told.
#include "kernels/attention/attention_device.h"
#include "kernels/attention/merge.h"
#include "kernels/blend/blend.h"
#include "kernels/color/color.h"
#include "kernels/conv/conv.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"
#include "kernels/norm/norm.h"
#include "kernels/patch/patch.h"
#include "kernels/resample/fold.h"
#include "kernels/resample/nearest_modulation.h"
#include "kernels/resample/resample.h"
#include "kernels/rope/rope.h"
#include "runtime/tensor/transfer.h"
#include "tests/support/device/test_device.h"
#include "tests/support/expect_close.h"

#include <functional>
#include <limits>

namespace kine::kernels {
namespace {

using Inputs = std::vector<Tensor>;
using Op = std::function<Tensor(const Context&, const Inputs&)>;

constexpr DType kBoth[] = {DType::Float32, DType::BFloat16};

/// Two computations that round alike but for sums in another order: an exponential's last places, or one rounding to
/// bf16 that fell to the other side.
Tolerance alike(DType dtype, double absolute = 2e-6) {
    return dtype == DType::BFloat16 ? Tolerance{8e-3, std::max(absolute, 2e-5)} : Tolerance{2e-6, absolute};
}

class DeviceOps : public testing::Test {
  protected:
    void SetUp() override {
        if (const std::string reason = TestDevice::why_none(); !reason.empty()) GTEST_SKIP() << reason;
        device_ = std::make_unique<TestDevice>();
    }
    const Context& host() { return device_->host(); }
    const Context& device() { return device_->context(); }

    Tensor random(const Shape& shape, DType dtype, float scale = 1.0f) {
        return random_tensor(host(), shape, dtype, ++seed_, scale);
    }
    Tensor on_device(const Op& op, const Inputs& inputs) {
        Inputs moved;
        for (const Tensor& input : inputs) moved.push_back(to_device(device(), input));
        return to_host(device(), contiguous(device(), op(device(), moved)));
    }
    void expect_alike(const Op& op, const Inputs& inputs, Tolerance tolerance) {
        const Tensor want = contiguous(host(), op(host(), copies(inputs)));
        const Tensor got = on_device(op, inputs);
        ASSERT_EQ(got.shape(), want.shape());
        ASSERT_EQ(got.dtype(), want.dtype());
        expect_close(got, to_doubles(want), tolerance);
    }

  private:
    /// An op in place may not change what the device is given afterwards.
    Inputs copies(const Inputs& inputs) {
        Inputs fresh;
        for (const Tensor& input : inputs)
            fresh.push_back(from_doubles(host(), input.shape(), input.dtype(), to_doubles(input)));
        return fresh;
    }

    std::unique_ptr<TestDevice> device_;
    uint64_t seed_ = 0;
};

const Shape kShapes[] = {{2, 3, 8}, {1, 5, 72}, {3, 4, 37}, {2, 1, 1}};

TEST_F(DeviceOps, ArithmeticEqualsTheHosts) {
    for (const DType dtype : kBoth) {
        for (const Shape& shape : kShapes) {
            const Inputs in = {random(shape, dtype), random(shape, dtype)};
            const Op ops[] = {
                [](const Context& c, const Inputs& i) { return add(c, i[0], i[1]); },
                [](const Context& c, const Inputs& i) { return multiply(c, i[0], i[1]); },
                [](const Context& c, const Inputs& i) { return scale(c, i[0], 1.7f, -0.3f); },
                [](const Context& c, const Inputs& i) { return activate(c, i[0], Activation::Silu); },
                [](const Context& c, const Inputs& i) { return activate(c, i[0], Activation::GeluTanh); },
                [](const Context& c, const Inputs& i) { return activate(c, i[0], Activation::None); },
                [](const Context& c, const Inputs& i) { return gelu_tanh_gate(c, i[0], i[1]); },
                [](const Context& c, const Inputs& i) { return combine(c, 0.7f, i[0], -1.3f, i[1]); },
                [](const Context& c, const Inputs& i) { return clamp(c, i[0], -0.5f, 0.4f); },
                [](const Context& c, const Inputs& i) { return cast(c, i[0].transpose(0, 2), DType::BFloat16); },
                [](const Context& c, const Inputs& i) { return cast(c, i[0], DType::Float32); },
            };
            for (const Op& op : ops) expect_alike(op, in, alike(dtype));
        }
    }
}

TEST_F(DeviceOps, GatesAndTablesMeetTheirRows) {
    for (const DType dtype : kBoth) {
        for (const int64_t channels : {8, 37}) {
            const Inputs in = {random({2, 3, 5, channels}, dtype),       random({2, 3, 5, channels}, dtype),
                               random({2, 6, channels}, DType::Float32), random({6, channels}, dtype),
                               random({5, channels}, DType::Float32),    random({3, 1, channels}, dtype)};
            const Op ops[] = {
                [](const Context& c, const Inputs& i) { return gate_residual(c, i[0], i[2].select(1, 4), i[1]); },
                [](const Context& c, const Inputs& i) { return gate_residual(c, i[0], i[3], i[1]); },
                [](const Context& c, const Inputs& i) { return gate_residual(c, i[0], {}, i[1]); },
                [](const Context& c, const Inputs& i) { return gate_multiply(c, i[2].select(1, 1), i[1]); },
                [](const Context& c, const Inputs& i) { return add_table(c, i[0], i[4]); },
                [](const Context& c, const Inputs& i) { return add_table(c, i[0], i[5]); },
            };
            for (const Op& op : ops) expect_alike(op, in, alike(dtype));
        }
    }
}

TEST_F(DeviceOps, OneValueThatIsNotFiniteIsFound) {
    for (const DType dtype : kBoth) {
        std::vector<double> values(20011, 1.0);
        const auto is_finite = [&] {
            const Tensor x = from_doubles(host(), {static_cast<int64_t>(values.size())}, dtype, values);
            return all_finite(device(), to_device(device(), x));
        };
        EXPECT_TRUE(is_finite());
        values[20010] = -std::numeric_limits<double>::infinity();
        EXPECT_FALSE(is_finite());
        values[20010] = 1.0;
        values[7] = std::numeric_limits<double>::quiet_NaN();
        EXPECT_FALSE(is_finite());
    }
}

TEST_F(DeviceOps, LevelsEqualTheHosts) {
    for (const DType dtype : kBoth) {
        const Op op = [](const Context& c, const Inputs& i) { return quantize_rgb(c, i[0]); };
        expect_alike(op, {random({2, 5, 7, 3}, dtype)}, {0.0, 0.0});
    }
}

TEST_F(DeviceOps, FramesEqualTheHosts) {
    for (const DType dtype : kBoth) {
        for (const Shape& shape : {Shape{2, 5, 7, 3}, Shape{1, 18, 34, 3}}) {
            const auto op_to = [](PixelFormat format) -> Op {
                return [format](const Context& c, const Inputs& i) { return to_frames(c, i[0], format); };
            };
            expect_alike(op_to(PixelFormat::Rgb24), {random(shape, dtype)}, {0.0, 0.0});
            // Its sums have another order, so a value beside a tie may fall to the other level.
            expect_alike(op_to(PixelFormat::Yuv420p), {random(shape, dtype)}, {0.0, 1.0});
        }
    }
}

TEST_F(DeviceOps, MovesAreExact) {
    const Tolerance exact = {0.0, 0.0};
    for (const DType dtype : {DType::Float32, DType::BFloat16, DType::UInt8, DType::Int64}) {
        const bool is_floating_type = dtype == DType::Float32 || dtype == DType::BFloat16;
        std::vector<double> numbers(size_t{2 * 3 * 16 * 5});
        for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<double>(i % 251);
        const Tensor x = from_doubles(host(), {2, 3, 16, 5}, dtype, numbers);
        expect_alike([](const Context& c, const Inputs& i) { return contiguous(c, i[0].transpose(1, 3)); }, {x}, exact);
        expect_alike([](const Context& c, const Inputs& i) { return contiguous(c, i[0].slice(2, 1, 9)); }, {x}, exact);
        expect_alike(
            [](const Context& c, const Inputs& i) {
                const Tensor parts[] = {i[0].slice(2, 3, 16), i[0].slice(2, 0, 3), i[0].slice(2, 5, 5)};
                return concat(c, parts, 2);
            },
            {x}, exact);
        if (!is_floating_type) continue;
        expect_alike(
            [](const Context& c, const Inputs& i) {
                return gather_rows(c, i[0].reshape({96, 5}), i[1]);
            },
            {x, from_doubles(host(), {4}, DType::Int64, {95, 0, 7, 7})}, exact);
    }
}

TEST_F(DeviceOps, IdsOutsideATableAreNamed) {
    const Tensor table = to_device(device(), random({4, 8}, DType::Float32));
    const int64_t wrong[] = {0, 4};
    EXPECT_THROW(gather_rows(device(), table, Tensor::of<int64_t>(device(), {2}, wrong)), Error);
}

TEST_F(DeviceOps, NormsEqualTheHosts) {
    for (const DType dtype : kBoth) {
        for (const int64_t width : {8, 37, 72, 1152, 2561}) {
            const Inputs in = {random({2, 3, 2, width}, dtype, 2.0f), random({2, 6, width}, DType::Float32),
                               random({6, width}, dtype), random({width}, dtype), random({width}, DType::Float32)};
            const Op ops[] = {
                [](const Context& c, const Inputs& i) { return norm_modulate(c, i[0], {}, {}, 1e-6f); },
                [](const Context& c, const Inputs& i) {
                    return norm_modulate(c, i[0], i[1].select(1, 0), i[1].select(1, 1), 1e-6f);
                },
                [](const Context& c, const Inputs& i) { return norm_modulate(c, i[0], i[2], i[2], 1e-6f); },
                [](const Context& c, const Inputs& i) { return layer_norm(c, i[0], i[3], i[4], 1e-5f); },
                [](const Context& c, const Inputs& i) { return layer_norm(c, i[0], i[3], {}, 1e-5f); },
                [](const Context& c, const Inputs& i) {
                    return layer_norm_modulate(c, i[0], {i[3], i[4], 1e-5f}, i[1].select(1, 2), i[1].select(1, 3));
                },
                [](const Context& c, const Inputs& i) { return rms_norm(c, i[0], i[3], 1e-6f); },
                [](const Context& c, const Inputs& i) { return sums_of_squares(c, i[0].transpose(0, 1)); },
            };
            for (const Op& op : ops) expect_alike(op, in, alike(dtype, 2e-5));
        }
    }
}

TEST_F(DeviceOps, NormsInPlaceLeaveTheRestOfAPackedProjection) {
    for (const DType dtype : kBoth) {
        const Inputs in = {random({2, 3, 4, 3, 5, 16}, dtype), random({16}, DType::Float32), random({16}, dtype)};
        const auto queries = [](const Inputs& i) { return i[0].select(3, 0); };  // [B, T, S, H, D]
        const Op ops[] = {
            [&](const Context& c, const Inputs& i) {
                Tensor heads = queries(i);
                rms_norm_in_place(c, heads, i[1], 1e-6f);
                return i[0];
            },
            [&](const Context& c, const Inputs& i) {
                Tensor heads = queries(i).transpose(1, 2);
                layer_norm_in_place(c, heads, i[1], i[2], 1e-6f);
                return i[0];
            },
            [&](const Context& c, const Inputs& i) {
                Tensor heads = queries(i);
                const WholeRows whole = {sums_of_squares(c, heads), 40};
                rms_norm_in_place(c, heads, i[1], 1e-6f, whole);
                return i[0];
            },
        };
        for (const Op& op : ops) expect_alike(op, in, alike(dtype, 4e-6));
    }
}

TEST_F(DeviceOps, GroupNormsEqualTheHosts) {
    for (const DType dtype : kBoth) {
        for (const int64_t channels : {12, 64}) {
            const Inputs in = {random({2, 5, 7, channels}, dtype), random({channels}, dtype),
                               random({channels}, DType::Float32)};
            const Op ops[] = {
                [](const Context& c, const Inputs& i) { return group_norm(c, i[0], i[1], i[2], 4, 1e-6f); },
                [](const Context& c, const Inputs& i) {
                    return group_norm(c, i[0], i[1], i[2], 2, 1e-6f, Activation::Silu);
                },
            };
            for (const Op& op : ops) expect_alike(op, in, alike(dtype, 1e-5));
        }
    }
}

TEST_F(DeviceOps, ProductsEqualTheHosts) {
    for (const DType dtype : kBoth) {
        const Inputs in = {random({2, 3, 40}, dtype), random({24, 40}, dtype), random({24}, dtype),
                           random({24, 16}, dtype)};
        const Op ops[] = {
            [](const Context& c, const Inputs& i) { return linear(c, i[0], LinearWeight(c, i[1])); },
            [](const Context& c, const Inputs& i) { return linear(c, i[0], LinearWeight(c, i[1], i[2])); },
            [](const Context& c, const Inputs& i) {
                return linear(c, i[0], LinearWeight(c, i[1], i[2]), Activation::GeluTanh);
            },
            [](const Context& c, const Inputs& i) {  // rows with a stride
                return linear(c, i[0].slice(2, 8, 24), LinearWeight(c, i[3], i[2]));
            },
        };
        for (const Op& op : ops) expect_alike(op, in, alike(dtype, 1e-5));
        // SiLU is a pass of its own here and sees the product as it was stored, up to 30 and so 2^-4 off in bf16.
        const Op silu = [](const Context& c, const Inputs& i) {
            return linear(c, i[0], LinearWeight(c, i[1], i[2]), Activation::Silu);
        };
        expect_alike(silu, in, dtype == DType::BFloat16 ? Tolerance{1.2e-2, 4e-3} : alike(dtype, 1e-5));
        const LinearWeight weight(device(), to_device(device(), in[1]), to_device(device(), in[2]));
        EXPECT_TRUE(same_bits(to_host(device(), weight.unpacked_weight(device())), in[1]));
        expect_close(to_host(device(), weight.unpacked_bias()), to_doubles(in[2]), {0.0, 0.0});
    }
}

TEST_F(DeviceOps, ConvolutionsEqualTheHosts) {
    for (const DType dtype : kBoth) {
        for (const int64_t channels : {3, 16}) {
            const Inputs in = {random({4, 6, 7, channels}, dtype), random({8, channels, 3, 3}, dtype),
                               random({8}, dtype), random({8, channels, 3, 3, 3}, dtype),
                               random({8, channels, 1, 1}, dtype)};
            const Op ops[] = {
                [](const Context& c, const Inputs& i) {
                    return conv2d(c, i[0], ConvWeight(c, i[1], i[2], {.pad_begin = 1, .pad_end = 1}));
                },
                [](const Context& c, const Inputs& i) {
                    return conv2d(c, i[0], ConvWeight(c, i[1], i[2], {.stride = 2, .pad_end = 1}));
                },
                [](const Context& c, const Inputs& i) {
                    const ConvGeometry causal = {.pad_begin = 1, .pad_end = 1, .pad_front = 2};
                    return conv3d(c, i[0], ConvWeight(c, i[3], i[2], causal));
                },
                [](const Context& c, const Inputs& i) { return conv2d(c, i[0], ConvWeight(c, i[4], {}, {})); },
            };
            for (const Op& op : ops) expect_alike(op, in, alike(dtype, 2e-5));
        }
    }
}

TEST_F(DeviceOps, PatchesAndPicturesEqualTheHosts) {
    for (const DType dtype : kBoth) {
        const Tensor latents = random({2, 3, 2, 5, 6}, DType::Float32), tokens = random({2, 2, 6, 12}, dtype);
        const Tensor clip = random({3, 4, 6, 8}, dtype);
        expect_alike([=](const Context& c, const Inputs& i) { return patchify(c, i[0], 2, dtype); }, {latents},
                     {0.0, 0.0});
        expect_alike([](const Context& c, const Inputs& i) { return unpatchify(c, i[0], 2, 2, 3); }, {tokens},
                     {0.0, 0.0});
        const Op exact[] = {
            [](const Context& c, const Inputs& i) { return upsample_nearest_2x(c, i[0]); },
            [=](const Context& c, const Inputs& i) { return to_channels_last(c, i[0].transpose(0, 1), dtype); },
            [](const Context& c, const Inputs& i) { return to_channels_first(c, i[0]); },
            [](const Context& c, const Inputs& i) {
                return unfold_channels(c, i[0], {2, 2}, 4);
            },
        };
        for (const Op& op : exact) expect_alike(op, {clip}, {0.0, 0.0});
        expect_alike(
            [](const Context& c, const Inputs& i) {
                return fold_means(c, i[0], {2, 2}, 16);
            },
            {clip}, alike(dtype));
    }
}

TEST_F(DeviceOps, CoarsePicturesModulateTheirPixels) {
    const int64_t frames[] = {0, 1, 1};
    for (const DType dtype : kBoth) {
        for (const Activation activation : {Activation::None, Activation::Silu}) {
            const Op op = [&](const Context& c, const Inputs& i) {
                Tensor x = i[0];
                modulate_nearest(c, x, i[1], frames, activation);
                return x;
            };
            expect_alike(op, {random({3, 4, 6, 8}, dtype), random({2, 2, 3, 16}, dtype)}, alike(dtype));
        }
    }
}

TEST_F(DeviceOps, WeightedPicturesAddUp) {
    const Op op = [](const Context& c, const Inputs& i) {
        Tensor place = i[0].slice(1, 1, 5).slice(2, 2, 8);
        add_weighted(c, place, i[1], i[2], i[3]);
        return i[0];
    };
    expect_alike(op,
                 {random({2, 6, 9, 3}, DType::Float32), random({2, 4, 6, 3}, DType::Float32),
                  random({4}, DType::Float32), random({6}, DType::Float32)},
                 alike(DType::Float32));
}

TEST_F(DeviceOps, HeadsTurnInPackedProjections) {
    for (const DType dtype : kBoth) {
        for (const bool is_swapped : {false, true}) {
            const Op op = [=](const Context& c, const Inputs& i) {
                Tensor heads = i[0].select(3, 1);  // [B, T, S, H, D]
                if (is_swapped) heads = heads.transpose(1, 2);
                rotate_pairs(c, heads, is_swapped ? i[2] : i[1]);
                return i[0];
            };
            expect_alike(op,
                         {random({2, 3, 4, 3, 5, 12}, dtype), random({3, 4, 12}, DType::Float32),
                          random({4, 1, 12}, DType::Float32)},
                         alike(dtype));
        }
    }
}

TEST_F(DeviceOps, EveryVariantOfAttentionEqualsTheHost) {
    int64_t runs = 0;
    for (const AttentionVariant& variant : device_attention_variants()) {
        for (const DType dtype : kBoth) {
            for (const auto& [queries, keys, size] : std::vector<std::array<int64_t, 3>>{{7, 77, 20},
                                                                                         {5, 5, 72},
                                                                                         {16, 16, 32},
                                                                                         {3, 40, 64},
                                                                                         {64, 64, 128},
                                                                                         {70, 130, 72},
                                                                                         {65, 65, 80},
                                                                                         {10, 200, 96}}) {
                SCOPED_TRACE(fmt::format("{} {}: {} x {} x {}", variant.name, name_of(dtype), queries, keys, size));
                const Op op = [&](const Context& c, const Inputs& i) {
                    const Tensor q = i[0].select(3, 0), k = i[1].select(3, 0), v = i[1].select(3, 1);
                    Tensor out = Tensor::empty(c, q.shape(), dtype);
                    if (c.device.kind == DeviceKind::Cpu) {
                        attention_into(c, q, k, v, out);
                        return out;
                    }
                    AttentionProblem problem = {q, k, v, out, {}, {}, 1.0f / std::sqrt(static_cast<float>(size))};
                    if (variant.can_run(problem)) {
                        variant.run(c, problem);
                        ++runs;
                    } else {
                        attention_into(c, q, k, v, out);
                    }
                    return out;
                };
                const Inputs in = {random({2, 1, queries, 1, 2, size}, dtype), random({2, 1, keys, 2, 2, size}, dtype)};
                expect_alike(op, in, alike(dtype, dtype == DType::BFloat16 ? 4e-3 : 4e-6));
            }
        }
    }
    EXPECT_EQ(runs, 2 * 8 + 7 + 4);  // "rows" all, "flash" those in bf16 but the first, "temporal" up to 64 tokens
}

TEST_F(DeviceOps, AttentionTakesBiasMaskSharedKeysAndAnyOrder) {
    for (const DType dtype : kBoth) {
        std::vector<double> kept(2 * 33, 1.0);
        for (size_t i = 0; i < kept.size(); i += 3) kept[i] = 0.0;
        const Inputs in = {random({2, 6, 9, 4, 16}, dtype), random({2, 1, 33, 4, 16}, dtype),
                           random({4, 6, 33}, DType::Float32), from_doubles(host(), {2, 33}, DType::UInt8, kept)};
        const Op op = [](const Context& c, const Inputs& i) {  // [B, S, T, H, D]: six queries each, shared keys
            return attention(c, i[0].transpose(1, 2), i[1], i[1], {.scale = 0.3f, .bias = i[2], .key_mask = i[3]});
        };
        expect_alike(op, in, alike(dtype, dtype == DType::BFloat16 ? 4e-3 : 4e-6));
    }
}

TEST_F(DeviceOps, AttentionOnMatrixUnitsTakesMasksAndTellsLogSums) {
    std::vector<double> kept(2 * 150, 1.0);
    for (size_t i = 0; i < 70; ++i) kept[i] = 0.0;  // a whole block of keys, and some
    for (size_t i = 150; i < kept.size(); i += 7) kept[i] = 0.0;
    const Inputs in = {random({2, 3, 20, 2, 64}, DType::BFloat16), random({2, 3, 150, 2, 64}, DType::BFloat16),
                       from_doubles(host(), {2, 150}, DType::UInt8, kept)};
    for (const bool wants_logs : {false, true}) {
        const Op op = [=](const Context& c, const Inputs& i) {
            const Tensor logs = Tensor::empty(c, {2, 3, 20, 2}, DType::Float32);
            const Tensor out = attention(c, i[0], i[1], i[1], {.key_mask = i[2], .log_sums = logs});
            return wants_logs ? logs : out;
        };
        expect_alike(op, in, {8e-3, 4e-3});
    }
}

TEST_F(DeviceOps, PartsOfAnAttentionMerge) {
    const Inputs in = {random({1, 2, 5, 3, 16}, DType::Float32), random({1, 2, 12, 3, 16}, DType::Float32)};
    for (const bool wants_logs : {false, true}) {
        const Op op = [=](const Context& c, const Inputs& i) {
            PartialAttention sum = no_attention(c, i[0].shape());
            for (const auto& [begin, end] : {std::pair{0, 0}, {0, 7}, {7, 12}}) {
                const Tensor part = contiguous(c, i[1].slice(2, begin, end));
                merge_into(c, sum, partial_attention(c, i[0], part, part));
            }
            return wants_logs ? sum.log_sums : sum.values;
        };
        expect_alike(op, in, alike(DType::Float32));
    }
}

TEST_F(DeviceOps, TensorsOfTheHostAreRefused) {
    const Tensor x = random({2, 8}, DType::Float32);
    EXPECT_THROW(add(device(), x, x), Error);
    EXPECT_THROW(add(host(), to_device(device(), x), to_device(device(), x)), Error);
}

TEST(DevicesTwo, DoNotReachOneAnothersTensors) {
    if (const std::string reason = TestDevice::why_none(2); !reason.empty()) GTEST_SKIP() << reason;
    TestDevice both(2);
    const Context &first = both.context().on_device(0), &second = both.context().on_device(1);
    const float values[] = {1, 2, 3};
    const Tensor x = Tensor::of<float>(first, {3}, values);
    EXPECT_THROW(add(second, x, x), Error);
    EXPECT_THROW(add(first, x, to_device(second, x)), Error);
    const Tensor sum = to_host(second, add(second, to_device(second, x), to_device(second, x)));
    for (size_t i = 0; i < std::size(values); ++i) EXPECT_EQ(sum.data<float>()[i], 2 * values[i]);
}

}  // namespace
}  // namespace kine::kernels
