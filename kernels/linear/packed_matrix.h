// A weight packed for the fastest product that this processor has, and that product: rows times the weight's transpose,
// plus bias, through an activation. linear and conv stand on it.
#pragma once

#include "kernels/linear/amx_matrix.h"
#include "kernels/linear/int8_matrix.h"
#include "kernels/linear/linear.h"
#include "kernels/linear/onednn_tiles.h"
#include "kernels/linear/panels.h"

#include <optional>
#include <span>
#include <string_view>
#include <variant>

namespace kine::kernels {

/// Immutable; safe for several threads.
class PackedMatrix {
  public:
    /// `weight` [N, K] contiguous, f32 or bf16; `bias` [N] or empty. `method` is a row of matrix_methods(), or empty
    /// for the first that can run; `which` says whether amx keeps it in twelve bits a value. An imagined weight gives a
    /// matrix that has sizes and cannot multiply.
    PackedMatrix(const Context& context, const Tensor& weight, const Tensor& bias, std::string_view method = "",
                 WeightPanels::Short which = WeightPanels::Short::Large);
    /// The same with the weight quantised, unless that is None.
    PackedMatrix(const Context& context, const Tensor& weight, const Tensor& bias, Quantization quantization);

    int64_t in_features() const { return in_features_; }
    int64_t out_features() const { return out_features_; }
    DType dtype() const { return dtype_; }
    std::string_view method() const;
    const Tensor& bias() const { return bias_; }
    Quantization quantization() const { return quantization_; }
    /// The weight [N, K], to the bit, or what is left of it where it was quantised.
    Tensor unpacked(const Context& context) const;

    /// out [rows.count, N], contiguous, of the weight's dtype. A row's bits depend on that row alone. `residual`, like
    /// out and not out itself, is added before the result is rounded, where nothing is activated or quantised; empty:
    /// none.
    void multiply(const Context& context, const Rows& rows, Activation activation, Tensor& out,
                  const Tensor& residual = {}) const;

  private:
    using Form = std::variant<AmxMatrix, OnednnMatrix, PanelMatrix, Int8Matrix>;
    PackedMatrix(const Context& context, const Tensor& weight, const Tensor& bias, Quantization quantization,
                 std::optional<Form> form);
    const Form& form() const;

    int64_t in_features_;
    int64_t out_features_;
    DType dtype_;
    Quantization quantization_;
    Tensor bias_;               // f32, zeros where there is none
    std::optional<Form> form_;  // in the order of matrix_methods(), then int8; none: imagined
};

struct MatrixMethod {
    std::string_view name;
    std::string_view summary;
    bool (*can_run)(int64_t in_features, int64_t out_features, DType dtype);
};

std::span<const MatrixMethod> matrix_methods();

}  // namespace kine::kernels
