// Activations over sixteen lanes, as epilogue.h has them over eight.
#pragma once

#include "kernels/host/wide.h"
#include "kernels/linear/linear.h"

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,prefer-vector-width=512")

namespace kine::kernels {

struct WideSame {
    Wide operator()(Wide v) const { return v; }
};
struct WideGeluTanh {
    Wide operator()(Wide v) const { return gelu_tanh(v); }
};
struct WideSilu {
    Wide operator()(Wide v) const { return silu(v); }
};

}  // namespace kine::kernels

#pragma GCC pop_options
