// y = activation(x W^T + b), the weight packed once. Rows are independent of their neighbours: a row's result is the
// same bit for bit whether 1 or 10,000 rows stand beside it, whatever the thread count; ranks rely on it.
#pragma once

#include "runtime/context.h"
#include "runtime/quantization.h"
#include "runtime/tensor/tensor.h"
#include "runtime/weight_offload.h"

namespace kine::kernels {

enum class Activation { None, GeluTanh, Silu };

/// A weight [N, K] in the form that the fastest implementation on this processor wants. Immutable; cheap to copy.
class LinearWeight {
  public:
    LinearWeight() = default;
    /// `weight` [N, K], `bias` [N] or empty, both f32, bf16 or f16. The compute dtype is the weight's: f32, or bf16
    /// with f32 sums; quantised, it is the type of what goes in and comes out. `offload`: who keeps the weight, which
    /// then lies in memory of the host; null: it lies where the context works.
    LinearWeight(const Context& context, const Tensor& weight, const Tensor& bias = {},
                 Quantization quantization = Quantization::None,
                 const std::shared_ptr<WeightOffload>& offload = nullptr);

    int64_t in_features() const;
    int64_t out_features() const;
    DType dtype() const;
    Quantization quantization() const;
    /// Null: nobody.
    std::shared_ptr<WeightOffload> offload() const;
    /// As they were given, or quantised, [N, K] of dtype() and [N] f32 (zeros where there was none), for those who make
    /// another layer of a part of this one. A weight that is offloaded, or fp8, is the host's.
    Tensor unpacked_weight(const Context& context) const;
    Tensor unpacked_bias() const;
    explicit operator bool() const { return packed_ != nullptr; }

    struct Packed;
    const Packed& packed() const { return *packed_; }

  private:
    std::shared_ptr<const Packed> packed_;
};

/// x [..., K] of the weight's dtype, last axis contiguous, leading axes mergeable into rows -> [..., N], contiguous.
Tensor linear(const Context& context, const Tensor& x, const LinearWeight& weight,
              Activation activation = Activation::None);

}  // namespace kine::kernels
