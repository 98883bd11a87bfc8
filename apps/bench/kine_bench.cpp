// Speed of the parts that a run spends its time in. `kine_bench --benchmark_filter=works` runs some of them.
#include "apps/bench/report.h"

#include <fmt/core.h>

#include <exception>

namespace {

void run_benchmarks() {
    using namespace kine::bench;
    const BenchSession session;
    const BenchSetup setup = {session.context, measure_rates(session.context)};
    fmt::print(stderr, "{}, {} threads: multiply-add {:.0f}, linear f32 {:.0f}, linear bf16 {:.0f} GFLOP/s\n",
               processor_name(), session.threads.size(), setup.rates.fused_multiply_add / 1e9,
               setup.rates.linear_float32 / 1e9, setup.rates.linear_bfloat16 / 1e9);
    register_linear(setup);
    register_works(setup);
    register_blocks(setup);
    benchmark::RunSpecifiedBenchmarks();
}

}  // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    try {
        run_benchmarks();
    } catch (const std::exception& error) {
        fmt::print(stderr, "kine_bench: {}\n", error.what());
        return 1;
    }
    return 0;
}
