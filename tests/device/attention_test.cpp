// Attention on a GPU: every variant, with cuDNN and without.
#include "kernels/attention/attention_device.h"
#include "kernels/attention/merge.h"
#include "kernels/attention/placed_attention.h"
#include "tests/device/device_ops.h"

#include <array>
#include <cmath>
#include <map>

namespace kine::kernels {
namespace {

class DeviceOpsAttention : public DeviceOps {
  protected:
    void expect_alike_of_all();
};

void DeviceOpsAttention::expect_alike_of_all() {
    std::map<std::string_view, int> runs;
    for (const AttentionVariant& variant : device_attention_variants()) {
        for (const DType dtype : kTypes) {
            for (const auto& [queries, keys, size] : std::vector<std::array<int64_t, 3>>{{7, 77, 20},
                                                                                         {5, 5, 72},
                                                                                         {16, 16, 32},
                                                                                         {3, 40, 64},
                                                                                         {64, 64, 128},
                                                                                         {70, 130, 72},
                                                                                         {65, 65, 80},
                                                                                         {10, 200, 96},
                                                                                         {200, 300, 72}}) {
                if (dtype == DType::Float16 && queries * keys > 5000) continue;  // the tails are seen in bf16
                SCOPED_TRACE(fmt::format("{} {}: {} x {} x {}", variant.name, name_of(dtype), queries, keys, size));
                Tensor hosts;
                const Op op = [&](const Context& c, const Inputs& i) {
                    const Tensor q = i[0].select(3, 0), k = i[1].select(3, 0), v = i[1].select(3, 1);
                    Tensor out = Tensor::empty(c, q.shape(), q.dtype());
                    if (c.device.kind == DeviceKind::Cpu) {
                        attention_into(c, q, k, v, out);
                        return hosts = out;
                    }
                    AttentionProblem problem = {q, k, v, out, {}, {}, 1.0f / std::sqrt(static_cast<float>(size))};
                    if (!variant.can_run(problem)) return to_device(c, hosts);  // another variant's matter
                    variant.run(c, problem);
                    ++runs[variant.name];
                    return out;
                };
                const Inputs in = {random({2, 1, queries, 1, 2, size}, dtype), random({2, 1, keys, 2, 2, size}, dtype)};
                expect_alike(op, in,
                             alike(dtype, dtype == DType::Float32    ? 4e-6
                                          : dtype == DType::BFloat16 ? 4e-3
                                                                     : 5e-4));
            }
        }
    }
    EXPECT_EQ(runs["rows"], 9 + 9 + 7);
    EXPECT_EQ(runs["flash"], 8 + 6) << "those in bf16 and f16 but the first";
    EXPECT_EQ(runs["temporal"], 2 * 4) << "up to 64 tokens";
    EXPECT_EQ(runs["hopper"], has_hopper() ? 6 : 0) << "heads of 64, 72, 96 and 128 in bf16";
    EXPECT_TRUE(runs["cudnn"] == 0 || runs["cudnn"] == 8 + 6) << runs["cudnn"] << ", as flash where it is there";
}

TEST_F(DeviceOpsAttention, EveryVariantEqualsTheHost) {
    const WithHopper there;
    expect_alike_of_all();
}
TEST_F(DeviceOpsAttention, EveryVariantBesideCudnnEqualsTheHost) {
    const WithCudnn there;
    expect_alike_of_all();
}

TEST_F(DeviceOpsAttention, EveryVariantTellsLogSums) {
    const WithCudnn there;
    const WithHopper too;
    for (const AttentionVariant& variant : device_attention_variants()) {
        SCOPED_TRACE(variant.name);
        const Op op = [&](const Context& c, const Inputs& i) {
            const Tensor logs = Tensor::empty(c, {2, 3, 20, 2}, DType::Float32);
            Tensor out = Tensor::empty(c, i[0].shape(), DType::BFloat16);
            AttentionProblem problem = {i[0], i[1], i[1], out, {}, {}, 0.125f, logs};
            const bool is_asked = c.device.kind != DeviceKind::Cpu && variant.can_run(problem);
            if (is_asked) variant.run(c, problem);
            if (!is_asked) attention_into(c, i[0], i[1], i[1], out, {.scale = 0.125f, .log_sums = logs});
            return logs;
        };
        expect_alike(op, {random({2, 3, 20, 2, 64}, DType::BFloat16), random({2, 3, 40, 2, 64}, DType::BFloat16)},
                     {8e-3, 4e-3});
    }
}

TEST_F(DeviceOpsAttention, TakesBiasMaskSharedKeysAndAnyOrder) {
    for (const DType dtype : kTypes) {
        std::vector<double> kept(2 * 33, 1.0);
        for (size_t i = 0; i < kept.size(); i += 3) kept[i] = 0.0;
        const Inputs in = {random({2, 6, 9, 4, 16}, dtype), random({2, 1, 33, 4, 16}, dtype),
                           random({4, 6, 33}, DType::Float32), from_doubles(host(), {2, 33}, DType::UInt8, kept)};
        const Op op = [](const Context& c, const Inputs& i) {  // [B, S, T, H, D]: six queries each, shared keys
            return attention(c, i[0].transpose(1, 2), i[1], i[1], {.scale = 0.3f, .bias = i[2], .key_mask = i[3]});
        };
        expect_alike(op, in, alike(dtype, dtype == DType::Float32 ? 4e-6 : dtype == DType::BFloat16 ? 4e-3 : 5e-4));
    }
}

TEST_F(DeviceOpsAttention, TakesMasksAndTellsLogSumsOnMatrixUnits) {
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

TEST_F(DeviceOpsAttention, OfPartsMerges) {
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

/// Queries, keys and values [B, T, S, 3, H, D] among the frames of each patch, placed on the way or before.
struct FramesAttention {
    FramesAttention(const Context& c, const Tensor& qkv)
        : q(qkv.select(3, 0)),
          k(qkv.select(3, 1)),
          v(qkv.select(3, 2)),
          out(Tensor::empty(c, along(q).shape(), q.dtype())) {}

    static Tensor along(const Tensor& x) { return x.transpose(1, 2); }
    bool on_the_way(const Context& c, const HeadNorms& norms, const Tensor& turns) {
        return placed_attention_into(c, along(q), along(k), along(v), out, norms,
                                     turns ? turns.transpose(0, 1) : turns);
    }
    void before(const Context& c, const HeadNorms& norms, const Tensor& turns) {
        place_heads(c, q, k, norms, turns);
        attention_into(c, along(q), along(k), along(v), out);
    }

    Tensor q, k, v, out;
};

/// What is placed on the way stays as it was, so that it can be placed again.
TEST_F(DeviceOpsAttention, PlacesQueriesAndKeysOnTheWay) {
    const Context& c = device();
    const auto vector = [&] { return to_device(c, random({72}, DType::Float32)); };
    const HeadNorms rms = {vector(), vector(), {}, {}, 1e-5f}, layer = {vector(), vector(), vector(), vector(), 1e-5f};
    for (const int64_t frames : {5, 16, 35}) {
        const Tensor turns = to_device(c, random({frames, 1, 72}, DType::Float32));
        for (const auto& [norms, turned] : {std::pair{HeadNorms(), turns}, {rms, Tensor()}, {layer, turns}}) {
            const Tensor qkv = to_device(c, random({2, frames, 3, 3, 2, 72}, DType::BFloat16));
            FramesAttention once(c, qkv), twice(c, qkv);
            ASSERT_TRUE(once.on_the_way(c, norms, turned));
            twice.before(c, norms, turned);
            expect_close(to_host(c, once.out), to_doubles(to_host(c, twice.out)), {1.6e-2, 1.6e-2});
        }
    }
}

TEST_F(DeviceOpsAttention, PlacesNothingWhereNoKernelCan) {
    const auto is_placed = [&](int64_t frames, DType dtype, const Shape& turns) {
        const Tensor q = to_device(device(), random({2, 3, frames, 2, 72}, dtype));
        Tensor out = Tensor::empty(device(), q.shape(), dtype);
        return placed_attention_into(device(), q, q, q, out, {}, to_device(device(), random(turns, DType::Float32)));
    };
    EXPECT_TRUE(is_placed(16, DType::BFloat16, {1, 16, 72}));
    EXPECT_FALSE(is_placed(16, DType::Float32, {1, 16, 72}));
    EXPECT_FALSE(is_placed(65, DType::BFloat16, {1, 65, 72})) << "too many tokens";
    EXPECT_FALSE(is_placed(16, DType::BFloat16, {3, 16, 72})) << "turns of each site";
    EXPECT_THROW(is_placed(16, DType::BFloat16, {1, 15, 72}), Error);
}

}  // namespace
}  // namespace kine::kernels
