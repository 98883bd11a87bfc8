// A weight in the memory of a GPU, and rows times its transpose. linear and conv stand on it.
#pragma once

#include "kernels/linear/linear.h"

namespace kine::kernels {

/// Rows of the matrix's depth and type, `stride` elements apart.
struct DeviceRows {
    const std::byte* first = nullptr;
    int64_t count = 0;
    int64_t stride = 0;
};

/// Immutable; safe for several threads.
class DeviceMatrix {
  public:
    /// `weight` [N, K] contiguous, f32, bf16 or f16, where `context` computes or imagined; with an `offload`, which
    /// keeps it, in memory of the host. `bias` [N] or empty. Fp8 asks for bf16, Tf32 for f32, else
    /// ErrorCode::Unsupported; weights that fp8 does not fit stay bf16.
    DeviceMatrix(const Context& context, const Tensor& weight, const Tensor& bias,
                 Quantization quantization = Quantization::None,
                 const std::shared_ptr<WeightOffload>& offload = nullptr);

    int64_t in_features() const { return weight_.dim(1); }
    int64_t out_features() const { return weight_.dim(0); }
    DType dtype() const { return dtype_; }
    Quantization quantization() const { return quantization_; }
    /// [N, K], contiguous, as it is held; imagined where it is offloaded.
    const Tensor& weight() const { return weight_; }
    /// f32 [N], zeros where there was none.
    const Tensor& bias() const { return bias_; }
    /// [N], of dtype(); empty where there was none.
    const Tensor& bias_to_add() const { return bias_to_add_; }
    /// A copy; of what is offloaded or fp8, the host's.
    Tensor unpacked(const Context& context) const;
    std::shared_ptr<WeightOffload> offload() const { return offloaded_ ? offloaded_.offload() : nullptr; }

    /// To `out`, contiguous [rows, N] of the weight's dtype. The bits of a row may depend on how many others there are.
    /// `residual`, like out, is added before the result is rounded, where there is no activation; empty: none.
    void multiply(const Context& context, const DeviceRows& rows, Activation activation, Tensor& out,
                  const Tensor& residual = {}) const;

  private:
    bool is_fused(Activation activation) const;
    struct Results {
        std::byte* out;
        const std::byte* residual;
    };
    void multiply_rows(const Context& context, const DeviceRows& rows, Activation activation, Results to) const;

    DType dtype_;
    Quantization quantization_;  // as asked for
    Tensor weight_;              // as it is held, imagined where it is offloaded
    Tensor scales_;              // f32 [N] of e4m3; empty: it is of dtype_
    OffloadedWeight offloaded_;
    Tensor bias_;  // f32
    Tensor bias_to_add_;
};

}  // namespace kine::kernels
