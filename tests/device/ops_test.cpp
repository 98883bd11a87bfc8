// Every op but attention on a GPU: awkward sizes, views, both types.
#include "kernels/blend/blend.h"
#include "kernels/color/color.h"
#include "kernels/conv/conv.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/norm/norm.h"
#include "kernels/patch/patch.h"
#include "kernels/resample/fold.h"
#include "kernels/resample/nearest_modulation.h"
#include "kernels/resample/resample.h"
#include "kernels/rope/query_key.h"
#include "kernels/rope/rope.h"
#include "tests/device/device_ops.h"

#include <limits>

namespace kine::kernels {
namespace {

const Shape kShapes[] = {{2, 3, 8}, {1, 5, 72}, {3, 4, 37}, {2, 1, 1}};

TEST_F(DeviceOps, ArithmeticEqualsTheHosts) {
    for (const DType dtype : kTypes) {
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
    for (const DType dtype : kTypes) {
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
    for (const DType dtype : kTypes) {
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
    for (const DType dtype : kTypes) {
        const Op op = [](const Context& c, const Inputs& i) { return quantize_rgb(c, i[0]); };
        expect_alike(op, {random({2, 5, 7, 3}, dtype)}, {0.0, 0.0});
    }
}

TEST_F(DeviceOps, FramesEqualTheHosts) {
    for (const DType dtype : kTypes) {
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
    for (const DType dtype : {DType::Float32, DType::BFloat16, DType::Float16, DType::UInt8, DType::Int64}) {
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
        if (!is_arithmetic(dtype)) continue;
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
    for (const DType dtype : kTypes) {
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

/// Also where rows cannot be moved by words: y begins in the middle of one.
TEST_F(DeviceOps, SumsThatAreNormedEqualTheHosts) {
    for (const DType dtype : kTypes) {
        for (const int64_t width : {37, 72, 1152}) {
            const Inputs in = {random({2, 3, 2, width}, dtype, 2.0f), random({2, 3, 2, width}, dtype),
                               random({2, 6, width}, DType::Float32), random({width}, dtype),
                               random({3 * 2 * 2 * width + 1}, dtype)};
            const auto both = [](const Context& c, Tensor x, const Tensor& gate, const Tensor& y, const RowNorm& norm) {
                const SumAndNorm result = gate_residual_norm(c, std::move(x), gate, y, norm);
                return concat(c, std::vector{result.sum, result.normed}, 0);
            };
            const Op ops[] = {
                [&](const Context& c, const Inputs& i) {
                    const auto row = [&](int64_t index) { return i[2].select(1, index); };
                    return both(c, i[0], row(4), i[1], {{}, {}, row(0), row(1), 1e-6f});
                },
                [&](const Context& c, const Inputs& i) {
                    return both(c, cast(c, i[0], DType::Float32), {}, cast(c, i[1], DType::Float32), {i[3], i[3]});
                },
                [&](const Context& c, const Inputs& i) {
                    return both(c, i[0], {}, i[4].slice(0, 1, i[4].dim(0)).reshape(i[0].shape()), {});
                },
                [&](const Context& c, const Inputs& i) {
                    const auto row = [&](int64_t index) { return i[2].select(1, index); };
                    return both(c, i[0], row(5), i[1], {i[3], i[3], row(2), row(3), 1e-5f});
                },
            };
            // The sum is rounded before it is normed; the host's, of what f16 is held against, is not.
            for (const Op& op : ops) expect_alike(op, in, alike(dtype, dtype == DType::Float16 ? 2e-3 : 2e-5));
        }
    }
}

TEST_F(DeviceOps, NormsInPlaceLeaveTheRestOfAPackedProjection) {
    for (const DType dtype : kTypes) {
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
    for (const DType dtype : kTypes) {
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
    for (const DType dtype : kTypes) {
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

class DeviceOpsConvolution : public DeviceOps {
  protected:
    void expect_alike_of_all();
};

void DeviceOpsConvolution::expect_alike_of_all() {
    for (const DType dtype : kTypes) {
        for (const int64_t channels : {3, 16}) {
            const Inputs in = {random({4, 6, 7, channels}, dtype),
                               random({8, channels, 3, 3}, dtype),
                               random({8}, dtype),
                               random({8, channels, 3, 3, 3}, dtype),
                               random({8, channels, 1, 1}, dtype),
                               random({4, 6, 7, 8}, dtype, 3.0f)};
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
            const Op with_residual[] = {
                [](const Context& c, const Inputs& i) {
                    return conv2d(c, i[0], ConvWeight(c, i[1], i[2], {.pad_begin = 1, .pad_end = 1}), i[5]);
                },
                [](const Context& c, const Inputs& i) {
                    const ConvGeometry causal = {.pad_begin = 1, .pad_end = 1, .pad_front = 2};
                    return conv3d(c, i[0], ConvWeight(c, i[3], i[2], causal), i[5]);
                },
                [](const Context& c, const Inputs& i) { return conv2d(c, i[0], ConvWeight(c, i[4], {}, {}), i[5]); },
            };
            // The host's are not rounded at all in f16, so one rounding is all that may be seen.
            const Tolerance once = dtype == DType::Float16 ? Tolerance{1.01 / 2048, 2e-5} : alike(dtype, 2e-5);
            for (const Op& op : with_residual) expect_alike(op, in, once);
        }
    }
}

TEST_F(DeviceOpsConvolution, EqualsTheHosts) { expect_alike_of_all(); }
TEST_F(DeviceOpsConvolution, BesideCudnnEqualsTheHosts) {
    const WithCudnn there;
    expect_alike_of_all();
}

TEST_F(DeviceOps, PatchesAndPicturesEqualTheHosts) {
    for (const DType dtype : kTypes) {
        const Tensor latents = random({2, 3, 2, 5, 6}, DType::Float32), tokens = random({2, 2, 6, 12}, dtype);
        const Tensor clip = random({3, 4, 6, 8}, dtype);
        expect_alike([=](const Context& c, const Inputs& i) { return patchify(c, i[0], 2, known_to(c, dtype)); },
                     {latents}, dtype == DType::Float16 ? alike(dtype) : Tolerance{0.0, 0.0});
        expect_alike([](const Context& c, const Inputs& i) { return unpatchify(c, i[0], 2, 2, 3); }, {tokens},
                     {0.0, 0.0});
        const Op exact[] = {
            [](const Context& c, const Inputs& i) { return upsample_nearest_2x(c, i[0]); },
            [=](const Context& c, const Inputs& i) {
                return to_channels_last(c, i[0].transpose(0, 1), known_to(c, dtype));
            },
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
    for (const DType dtype : kTypes) {
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
    for (const DType dtype : kTypes) {
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

/// In one pass where it can be, else in parts; what the norms leave is not rounded before it is turned.
TEST_F(DeviceOps, PlacingOfHeads) {
    for (const DType dtype : kTypes) {
        for (const bool is_swapped : {false, true}) {  // frames and patches, so that tokens lie unevenly
            for (const int form : {0, 1, 2, 3}) {      // turns, RMS, layer norms and turns, RMS and turns
                SCOPED_TRACE(fmt::format("{} {} {}", name_of(dtype), is_swapped, form));
                const Op op = [=](const Context& c, const Inputs& i) {
                    Tensor queries = i[0].select(3, 0), keys = i[0].select(3, 1);  // [B, T, S, H, D]
                    if (is_swapped) queries = queries.transpose(1, 2), keys = keys.transpose(1, 2);
                    HeadNorms norms;
                    if (form > 0) norms = {i[3], i[4], form == 2 ? i[5] : Tensor(), form == 2 ? i[6] : Tensor(), 1e-5f};
                    place_heads(c, queries, keys, norms, form == 1 ? Tensor() : i[is_swapped ? 2 : 1]);
                    return i[0];
                };
                const auto vector = [&] { return random({12}, DType::Float32); };
                expect_alike(op,
                             {random({2, 3, 4, 3, 5, 12}, dtype), random({3, 4, 12}, DType::Float32),
                              random({4, 1, 12}, DType::Float32), vector(), vector(), vector(), vector()},
                             dtype == DType::BFloat16 ? Tolerance{1.6e-2, 1.6e-2}
                                                      : alike(dtype, dtype == DType::Float16 ? 2e-3 : 2e-6));
            }
        }
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
