// Activations over sixteen lanes, as epilogue.h has them over eight.
#pragma once

#include "kernels/host/wide.h"
#include "kernels/linear/linear.h"

KINE_WIDE_BEGIN

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

KINE_WIDE_END
