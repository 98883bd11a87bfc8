#include "apps/bench/report.h"

namespace kine::bench {

void report_rate(benchmark::State& state, const BenchSetup& setup, double flops, DType dtype) {
    using benchmark::Counter;
    const double done = flops * static_cast<double>(state.iterations());
    state.counters["GFLOP/s"] = Counter(done / 1e9, Counter::kIsRate);
    state.counters["of_linear"] = Counter(done / setup.rates.linear(dtype), Counter::kIsRate);
    if (setup.is_on_cpu()) state.counters["of_fma"] = Counter(done / setup.rates.fused_multiply_add, Counter::kIsRate);
}

}  // namespace kine::bench
