// Speed of the parts that a run spends its time in. `kine_bench --benchmark_filter=works` runs some of them,
// `kine_bench cuda` runs them on a GPU.
#include "apps/bench/report.h"
#include "runtime/device/gpus.h"

#include <fmt/core.h>

#include <exception>

namespace {

std::string name_of(kine::Device device) {
    return device.kind == kine::DeviceKind::Cpu
               ? kine::bench::processor_name()
               : kine::describe(kine::find_gpus().gpus.at(static_cast<size_t>(device.index)));
}

void run_benchmarks(kine::Device device) {
    using namespace kine::bench;
    const BenchSession session(0, device);
    const BenchSetup setup = {session.context, measure_rates(session.context)};
    fmt::print(stderr, "{}, {} threads: multiply-add {:.0f}, linear f32 {:.0f}, linear bf16 {:.0f} GFLOP/s\n",
               name_of(device), session.threads.size(), setup.rates.fused_multiply_add / 1e9,
               setup.rates.linear_float32 / 1e9, setup.rates.linear_bfloat16 / 1e9);
    register_linear(setup);
    register_works(setup);
    register_attention(setup);
    register_blocks(setup);
    benchmark::RunSpecifiedBenchmarks();
}

}  // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    const bool names_device = argc == 2 && argv[1][0] != '-';
    if (!names_device && benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    try {
        run_benchmarks(kine::parse_device(names_device ? argv[1] : "cpu"));
    } catch (const std::exception& error) {
        fmt::print(stderr, "kine_bench: {}\n", error.what());
        return 1;
    }
    return 0;
}
