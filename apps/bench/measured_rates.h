// What this machine can do, measured beside every result: a rate means little without the ceiling of the same minute.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/dtype.h"

namespace kine::bench {

/// FLOP per second, all threads of the context.
struct MeasuredRates {
    double fused_multiply_add = 0;  ///< of the CPU, f32 in registers, of the vector width that we are compiled for
    double linear_float32 = 0;      ///< our linear layer, 4096 x 1152 x 4608
    double linear_bfloat16 = 0;

    double linear(DType dtype) const { return dtype == DType::BFloat16 ? linear_bfloat16 : linear_float32; }
};

double measure_fused_multiply_add(const Context& context);
double measure_linear(const Context& context, DType dtype);
MeasuredRates measure_rates(const Context& context);

/// The processor's name for reports.
std::string processor_name();

}  // namespace kine::bench
