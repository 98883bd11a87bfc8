// From a dtype known at run time to a type: visit_floating(x.dtype(), [&]<class T>(T) { ... }).
#pragma once

#include "runtime/error.h"
#include "runtime/tensor/dtype.h"

#include <utility>

namespace kine::kernels {

/// Calls `function` with a value of the type that `dtype` names, of those that the CPU computes in: float or BFloat16.
template <class Function>
decltype(auto) visit_floating(DType dtype, Function&& function) {
    check(dtype == DType::Float32 || dtype == DType::BFloat16, ErrorCode::Bug, "dtype {}, expected f32 or bf16",
          name_of(dtype));
    if (dtype == DType::BFloat16) return function(BFloat16{});
    return function(float{});
}

/// Of those of GPUs: Float16 too.
template <class Function>
decltype(auto) visit_on_device(DType dtype, Function&& function) {
    if (dtype == DType::Float16) return function(Float16{});
    return visit_floating(dtype, std::forward<Function>(function));
}

/// Of those that matrix units take heads in.
template <class Function>
decltype(auto) visit_half(DType dtype, Function&& function) {
    check(dtype == DType::BFloat16 || dtype == DType::Float16, ErrorCode::Bug, "dtype {}, expected bf16 or f16",
          name_of(dtype));
    if (dtype == DType::Float16) return function(Float16{});
    return function(BFloat16{});
}

}  // namespace kine::kernels
