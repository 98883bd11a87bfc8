// Every implementation of attention that a GPU has, on packed projections of whole models: what the order of the table
// (kernels/attention/attention_device.cpp) is to be decided by.
#include "apps/bench/random_model.h"
#include "apps/bench/report.h"
#include "kernels/attention/attention_device.h"

#include <cmath>

namespace kine::bench {

namespace {

/// Sites that each attend to themselves, of one guidance branch.
struct Attention {
    std::string_view model;
    int64_t sites, tokens, heads, head_size;

    double flops() const { return 4.0 * static_cast<double>(sites * tokens * tokens * heads * head_size); }
};

constexpr Attention kProblems[] = {
    {"latte_512_spatial", 16, 1024, 16, 72},      {"latte_512_temporal", 1024, 16, 16, 72},
    {"open_sora_480p_spatial", 15, 1590, 16, 72}, {"cogvideox_2b", 1, 17776, 30, 64},
    {"wan_1.3b_480p", 1, 32760, 12, 128},
};

void run_attention(benchmark::State& state, const BenchSetup& setup, const Attention& size,
                   const kernels::AttentionVariant& variant) {
    const Shape packed = {1, size.sites, size.tokens, 3, size.heads, size.head_size};
    const Tensor qkv = random_tensor(setup.context, packed, DType::BFloat16, 1);
    kernels::AttentionProblem problem = {
        .q = qkv.select(3, 0),
        .k = qkv.select(3, 1),
        .v = qkv.select(3, 2),
        .out = Tensor::empty(setup.context, {1, size.sites, size.tokens, size.heads, size.head_size}, DType::BFloat16),
        .bias = {},
        .key_mask = {},
        .scale = 1.0f / std::sqrt(static_cast<float>(size.head_size))};
    if (!variant.can_run(problem)) return state.SkipWithError("cannot run this problem here");
    for (auto _ : state) {
        variant.run(setup.context, problem);
        await_result(setup.context, problem.out);
    }
    report_rate(state, setup, size.flops(), DType::BFloat16);
}

}  // namespace

/// Not the one that takes anything, which would take minutes.
void register_attention(const BenchSetup& setup) {
    if (setup.is_on_cpu()) return;
    for (const Attention& size : kProblems) {
        for (const kernels::AttentionVariant& variant : kernels::device_attention_variants()) {
            if (variant.name == "rows") continue;
            register_bench(fmt::format("attention/{}/{}", size.model, variant.name), DType::BFloat16,
                           [&](benchmark::State& state) { run_attention(state, setup, size, variant); });
        }
    }
}

}  // namespace kine::bench
