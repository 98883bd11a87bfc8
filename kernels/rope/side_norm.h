// The norm of queries or of keys, as kernels on a GPU are told it.
#pragma once

#include "kernels/elementwise/strided.h"
#include "kernels/rope/query_key_launch.h"

namespace kine::kernels {

/// A norm's vectors as a kernel reads them; to live until it is enqueued.
struct SideNorm {
    SideNorm(const Context& context, const Tensor& weight_, const Tensor& bias_)
        : weight(weight_ ? cuda::float_table(context, weight_) : weight_),
          bias(bias_ ? cuda::float_table(context, bias_) : bias_) {}

    void tell(cuda::HeadSteps& steps, float eps) const {
        if (!weight) return;
        steps.norm = bias ? cuda::HeadNorm::Layer : cuda::HeadNorm::Rms;
        steps.weight = weight.address<const float>();
        steps.bias = bias ? bias.address<const float>() : nullptr;
        steps.eps = eps;
    }

    Tensor weight, bias;
};

}  // namespace kine::kernels
