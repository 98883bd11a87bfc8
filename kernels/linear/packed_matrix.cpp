#include "kernels/linear/packed_matrix.h"

#include "kernels/check.h"
#include "kernels/host/visit.h"
#include "runtime/registry.h"

#include <array>

namespace kine::kernels {

namespace {

bool always(int64_t, int64_t, DType) { return true; }

constexpr std::array<MatrixMethod, 3> kMethods = {{
    {"amx", "our own loops over matrix units: bf16 where the processor has them", has_amx_matrix},
    {"onednn", "oneDNN over fixed tiles: bf16 with AVX-512", OnednnMatrix::can_run},
    {"panels", "our own register-blocked loops: any processor", always},
}};

Tensor bias_or_zeros(const Context& context, const Tensor& bias, int64_t count) {
    Tensor result = Tensor::zeros(context, {count}, DType::Float32);
    if (!bias) return result;
    check_shape("linear", "bias", bias, {count});
    check_contiguous("linear", "bias", bias);
    visit_floating(bias.dtype(), [&]<class T>(T) { copy_run(bias.data<T>(), count, result.data<float>()); });
    return result;
}

using Form = std::variant<AmxMatrix, OnednnMatrix, PanelMatrix, Int8Matrix>;

Form pack_fastest(const Context& context, const Tensor& weight, WeightPanels::Short which) {
    if (has_amx_matrix(weight.dim(1), weight.dim(0), weight.dtype())) return AmxMatrix(context, weight, which);
    // Where the library has instructions for bf16 that our panels lack; in f32 these are faster.
    const bool is_half = weight.dtype() == DType::BFloat16;
    if (is_half && OnednnMatrix::is_packed(weight.dim(1), weight.dim(0), weight.dtype())) {
        OnednnMatrix matrix(context, weight);
        if (matrix.treats_rows_alike(context)) return matrix;
    }
    return PanelMatrix(context, weight);
}

std::optional<Form> pack(const Context& context, const Tensor& weight, std::string_view method,
                         WeightPanels::Short which) {
    if (weight.is_imagined()) return std::nullopt;
    if (method.empty()) return pack_fastest(context, weight, which);
    const std::string_view known = find_entry(matrix_methods(), "matrix method", method).name;
    if (known == "amx") return Form(AmxMatrix(context, weight, which));
    if (known == "onednn") return Form(OnednnMatrix(context, weight));
    return Form(PanelMatrix(context, weight));
}

std::optional<Form> pack(const Context& context, const Tensor& weight, Quantization quantization) {
    if (quantization == Quantization::None) return pack(context, weight, "", WeightPanels::Short::Large);
    if (weight.is_imagined()) return std::nullopt;
    return Form(Int8Matrix(context, weight));
}

const Tensor& checked(const Tensor& weight) {
    check_rank("linear", "weight", weight, 2);
    check_floating("linear", "weight", weight);
    check_contiguous("linear", "weight", weight);
    check(weight.elements() > 0, ErrorCode::Bug, "linear: weight has shape {}, expected no axis of size 0",
          to_string(weight.shape()));
    return weight;
}

}  // namespace

std::span<const MatrixMethod> matrix_methods() { return kMethods; }

PackedMatrix::PackedMatrix(const Context& context, const Tensor& weight, const Tensor& bias, std::string_view method,
                           WeightPanels::Short which)
    : PackedMatrix(context, checked(weight), bias, Quantization::None, pack(context, weight, method, which)) {}

PackedMatrix::PackedMatrix(const Context& context, const Tensor& weight, const Tensor& bias, Quantization quantization)
    : PackedMatrix(context, checked(weight), bias, quantization, pack(context, weight, quantization)) {}

PackedMatrix::PackedMatrix(const Context& context, const Tensor& weight, const Tensor& bias, Quantization quantization,
                           std::optional<Form> form)
    : in_features_(weight.dim(1)),
      out_features_(weight.dim(0)),
      dtype_(weight.dtype()),
      quantization_(quantization),
      bias_(weight.is_imagined() ? Tensor::imagined({out_features_}, DType::Float32)
                                 : bias_or_zeros(context, bias, out_features_)),
      form_(std::move(form)) {}

std::string_view PackedMatrix::method() const {
    if (!form_) return "imagined";
    return form_->index() < kMethods.size() ? kMethods[form_->index()].name : name_of(quantization_);
}

const PackedMatrix::Form& PackedMatrix::form() const {
    check(form_.has_value(), ErrorCode::Bug, "linear: the weight [{}, {}] is imagined, its stage is not loaded",
          out_features_, in_features_);
    return *form_;
}

Tensor PackedMatrix::unpacked(const Context& context) const {
    return std::visit([&](const auto& form) { return form.unpacked(context); }, form());
}

void PackedMatrix::multiply(const Context& context, const Rows& rows, Activation activation, Tensor& out,
                            const Tensor& residual) const {
    const Form& packed = form();
    check(!residual || (activation == Activation::None && quantization_ == Quantization::None), ErrorCode::Bug,
          "linear: a residual behind an activation, or a quantised product");
    const Epilogue epilogue = {bias_.data<float>(), activation, &out, residual ? &residual : nullptr};
    std::visit([&](const auto& form) { form.multiply(context, rows, epilogue); }, packed);
}

}  // namespace kine::kernels
