#include "apps/bench/measured_rates.h"

#include "apps/bench/bench_session.h"
#include "apps/bench/random_model.h"
#include "kernels/linear/linear.h"

#include <immintrin.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>

namespace kine::bench {

namespace {

constexpr int kChains = 12;  // enough independent sums to hide the latency of one, few enough for 16 registers
constexpr int64_t kRounds = int64_t{1} << 24;
constexpr int kRepeats = 5;

double seconds_of(const std::function<void()>& action) {
    const auto begin = std::chrono::steady_clock::now();
    action();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// The best of several: what the machine can do when nobody disturbs it.
double best_seconds(const std::function<void()>& action) {
    double best = seconds_of(action);
    for (int i = 1; i < kRepeats; ++i) best = std::min(best, seconds_of(action));
    return best;
}

/// Returns a sum of all chains, so that the compiler cannot drop them.
float multiply_add_chains(float start) {
    __m256 chains[kChains];
    for (int i = 0; i < kChains; ++i) chains[i] = _mm256_set1_ps(start + static_cast<float>(i));
    const __m256 factor = _mm256_set1_ps(0.999f);
    const __m256 term = _mm256_set1_ps(start);
    for (int64_t round = 0; round < kRounds; ++round) {
#pragma GCC unroll 12
        for (int i = 0; i < kChains; ++i) chains[i] = _mm256_fmadd_ps(chains[i], factor, term);
    }
    __m256 sum = chains[0];
    for (int i = 1; i < kChains; ++i) sum = _mm256_add_ps(sum, chains[i]);
    return _mm256_cvtss_f32(sum);
}

}  // namespace

double measure_fused_multiply_add(const Context& context) {
    const int64_t ranges = context.threads.size();
    std::vector<float> sums(static_cast<size_t>(ranges));
    const double seconds = best_seconds([&] {
        context.threads.parallel_for(ranges, 1, [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i) {
                sums[static_cast<size_t>(i)] = multiply_add_chains(1.0f + static_cast<float>(i));
            }
        });
    });
    const bool is_sane = std::all_of(sums.begin(), sums.end(), [](float sum) { return sum != 0.0f; });
    check(is_sane, ErrorCode::Bug, "the multiply-add probe gave zero");
    return static_cast<double>(ranges * kRounds * kChains) * 8 * 2 / seconds;
}

double measure_linear(const Context& context, DType dtype) {
    const Tensor x = random_tensor(context, {4096, 1152}, dtype, 1);
    const kernels::LinearWeight weight(context, random_tensor(context, {4608, 1152}, dtype, 2, 0.03f));
    return 2.0 * 4096 * 1152 * 4608 / best_seconds([&] { await_result(context, kernels::linear(context, x, weight)); });
}

MeasuredRates measure_rates(const Context& context) {
    const bool is_on_cpu = context.device.kind == DeviceKind::Cpu;
    return {.fused_multiply_add = is_on_cpu ? measure_fused_multiply_add(context) : 0.0,
            .linear_float32 = measure_linear(context, DType::Float32),
            .linear_bfloat16 = measure_linear(context, DType::BFloat16)};
}

std::string processor_name() {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);) {
        if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
    }
    return "unknown";
}

}  // namespace kine::bench
