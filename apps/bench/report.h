// The counters that every benchmark reports, and the groups of benchmarks.
#pragma once

#include "apps/bench/bench_session.h"
#include "apps/bench/measured_rates.h"

#include <benchmark/benchmark.h>

#include <string>

namespace kine::bench {

struct BenchSetup {
    const Context& context;
    MeasuredRates rates;

    bool is_on_cpu() const { return context.device.kind == DeviceKind::Cpu; }
};

/// GFLOP/s, and its share of what our linear layer and, on the CPU, the multiply-add probe reach here.
void report_rate(benchmark::State& state, const BenchSetup& setup, double flops, DType dtype);

void register_linear(const BenchSetup& setup);
void register_works(const BenchSetup& setup);
void register_attention(const BenchSetup& setup);
void register_blocks(const BenchSetup& setup);

/// Registers `body(state)` under `name/dtype`, timed by the clock on the wall, since the work is on other threads too.
template <class Body>
void register_bench(const std::string& name, DType dtype, Body body) {
    benchmark::RegisterBenchmark((name + "/" + std::string(name_of(dtype))).c_str(), std::move(body))
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
}

}  // namespace kine::bench
