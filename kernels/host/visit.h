// From a dtype known at run time to a type: visit_floating(x.dtype(), [&]<class T>(T) { ... }).
#pragma once

#include "runtime/error.h"
#include "runtime/tensor/dtype.h"

namespace kine::kernels {

/// Calls `function` with a value of the type that `dtype` names: float or BFloat16.
template <class Function>
decltype(auto) visit_floating(DType dtype, Function&& function) {
    check(dtype == DType::Float32 || dtype == DType::BFloat16, ErrorCode::Bug, "dtype {}, expected f32 or bf16",
          name_of(dtype));
    if (dtype == DType::BFloat16) return function(BFloat16{});
    return function(float{});
}

}  // namespace kine::kernels
