// The linear layers of a Latte block over 4,096 tokens.
#include "apps/bench/random_model.h"
#include "apps/bench/report.h"
#include "kernels/linear/linear.h"

namespace kine::bench {

namespace {

struct LinearSize {
    int64_t rows, in, out;
};

void run_linear(benchmark::State& state, const BenchSetup& setup, LinearSize size, DType dtype,
                Quantization quantization) {
    const Tensor x = random_tensor(setup.context, {size.rows, size.in}, dtype, 1);
    const kernels::LinearWeight weight(setup.context,
                                       random_tensor(setup.context, {size.out, size.in}, dtype, 2, 0.03f),
                                       random_tensor(setup.context, {size.out}, dtype, 3), quantization);
    for (auto _ : state) await_result(setup.context, kernels::linear(setup.context, x, weight));
    report_rate(state, setup, 2.0 * static_cast<double>(size.rows * size.in * size.out), dtype);
}

}  // namespace

void register_linear(const BenchSetup& setup) {
    for (const LinearSize size : {LinearSize{4096, 1152, 1152}, {4096, 1152, 4608}, {4096, 4608, 1152}}) {
        const auto add = [&](std::string_view kind, DType dtype, Quantization quantization) {
            register_bench(
                fmt::format("{}/{}x{}x{}", kind, size.rows, size.in, size.out), dtype,
                [=, &setup](benchmark::State& state) { run_linear(state, setup, size, dtype, quantization); });
        };
        add("linear", DType::Float32, Quantization::None);
        add("linear", DType::BFloat16, Quantization::None);
        if (setup.is_on_cpu()) {
            add("linear_int8", DType::BFloat16, Quantization::Int8);
        } else {
            add("linear_fp8", DType::BFloat16, Quantization::Fp8);
            add("linear_tf32", DType::Float32, Quantization::Tf32);
        }
    }
}

}  // namespace kine::bench
