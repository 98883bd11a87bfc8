#include "kernels/linear/device_matrix.h"

#include "kernels/check.h"
#include "kernels/elementwise/elementwise_device.h"
#include "kernels/elementwise/strided.h"
#include "kernels/linear/fp8_rows_cuda.h"
#include "kernels/linear/fp8_weight.h"
#include "kernels/linear/gemm_cuda.h"
#include "kernels/move/move.h"
#include "kernels/scratch.h"
#include "runtime/tensor/transfer.h"

#include <algorithm>

namespace kine::kernels {

namespace {

/// [N] in `dtype`, zeros where there is none.
Tensor bias_as(const Context& context, const Tensor& bias, const Tensor& weight, DType dtype) {
    if (weight.is_imagined()) return Tensor::imagined({weight.dim(0)}, dtype);
    if (!bias) return Tensor::zeros(context, {weight.dim(0)}, dtype);
    check_shape("linear", "bias", bias, {weight.dim(0)});
    return bias.dtype() == dtype ? contiguous(context, bias) : cast_device(context, bias, dtype);
}

/// The dtype that a form of holding asks for.
void check_form(Quantization quantization, DType dtype) {
    if (quantization == Quantization::None) return;
    const DType asked = quantization == Quantization::Fp8 ? DType::BFloat16 : DType::Float32;
    check(dtype == asked, ErrorCode::Unsupported, "quantize {}: expected dtype {}, got {}", name_of(quantization),
          name_of(asked), name_of(dtype));
}

/// Rows of the depth and type that a product takes, and their scales; empty tensors where there is nothing to make.
struct Operand {
    DeviceRows rows;
    Tensor values, scales;
};

Operand as_fp8(const Context& context, const DeviceRows& rows, int64_t depth) {
    Operand made = {rows, Tensor::empty(context, {rows.count, depth}, DType::UInt8),
                    Tensor::empty(context, {rows.count}, DType::Float32)};
    cuda::Fp8RowsArguments work;
    work.x = reinterpret_cast<const BFloat16*>(rows.first);
    work.values = reinterpret_cast<Float8E4M3*>(made.values.address());
    work.scales = made.scales.address<float>();
    work.rows = rows.count;
    work.stride = rows.stride;
    work.width = static_cast<int>(depth);
    work.by_words = reinterpret_cast<uintptr_t>(rows.first) % 16 == 0 && rows.stride % cuda::kChunk == 0;
    cuda::launch_fp8_rows(work, context.stream);
    made.rows = {made.values.address(), rows.count, depth};
    return made;
}

}  // namespace

DeviceMatrix::DeviceMatrix(const Context& context, const Tensor& weight, const Tensor& bias, Quantization quantization,
                           const std::shared_ptr<WeightOffload>& offload)
    : dtype_(weight.dtype()),
      quantization_(quantization),
      weight_(weight),
      bias_(bias_as(context, bias, weight, DType::Float32)),
      bias_to_add_(bias ? bias_as(context, bias, weight, weight.dtype()) : Tensor()) {
    check_rank("linear", "weight", weight, 2);
    check_floating("linear", "weight", weight);
    check_contiguous("linear", "weight", weight);
    check_form(quantization, dtype_);
    if (quantization == Quantization::Fp8 && fits_fp8(weight.shape())) {
        const Fp8Weight small = to_fp8(context.host(), to_host(context, weight));
        weight_ = small.values;
        scales_ = to_device(context, small.scales);
    }
    if (offload) {
        offloaded_ = offload->keep(context, weight_);
        weight_ = Tensor::imagined(weight_.shape(), weight_.dtype());
    } else {
        weight_ = to_device(context, weight_);
    }
}

Tensor DeviceMatrix::unpacked(const Context& context) const {
    if (!scales_ && !offloaded_) {
        Tensor copy = Tensor::empty(context, weight_.shape(), weight_.dtype());
        cuda::run_copy(context, weight_, copy);
        return copy;
    }
    const Tensor held = offloaded_ ? offloaded_.on_host(context) : to_host(context, weight_);
    return scales_ ? from_fp8(context.host(), {held, to_host(context, scales_)}) : held;
}

/// Rows in eight bits are made a part at a time, which bounds what they take.
void DeviceMatrix::multiply(const Context& context, const DeviceRows& rows, Activation activation, Tensor& out,
                            const Tensor& residual) const {
    check(!residual || activation == Activation::None, ErrorCode::Bug, "linear: a residual behind an activation");
    const int64_t item = size_of(dtype_);
    const int64_t most = scales_ ? std::max<int64_t>(kDeviceQuantizedBytes / in_features(), 1) : rows.count;
    for (int64_t first = 0; first < rows.count; first += most) {
        const DeviceRows part = {rows.first + first * rows.stride * item, std::min(most, rows.count - first),
                                 rows.stride};
        const int64_t offset = first * out_features() * item;
        multiply_rows(context, part, activation,
                      {out.address() + offset, residual ? residual.address() + offset : nullptr});
    }
    if (!is_fused(activation)) activate_in_place_device(context, out, activation);
}

/// cuBLASLt has no SiLU, and nothing says that it has GELU beside two vectors of scales.
bool DeviceMatrix::is_fused(Activation activation) const { return activation == Activation::GeluTanh && !scales_; }

void DeviceMatrix::multiply_rows(const Context& context, const DeviceRows& rows, Activation activation,
                                 Results to) const {
    const Tensor weight = offloaded_ ? offloaded_.on_device(context) : weight_;
    check(!weight.is_imagined(), ErrorCode::Bug, "linear: the weight [{}, {}] is imagined, its stage is not loaded",
          out_features(), in_features());
    const Operand x = scales_ ? as_fp8(context, rows, in_features()) : Operand{rows, {}, {}};
    const Tensor workspace = Tensor::empty(context, {kDeviceProductBytes}, DType::UInt8);
    cuda::GemmArguments gemm;
    gemm.x = x.rows.first;
    gemm.weight = weight.address();
    gemm.bias = bias_to_add_ ? bias_to_add_.address() : nullptr;
    gemm.residual = to.residual;
    gemm.out = to.out;
    gemm.workspace = workspace.address();
    gemm.dtype = dtype_;
    gemm.rows = rows.count;
    gemm.columns = out_features();
    gemm.depth = in_features();
    gemm.x_stride = rows.count == 1 ? in_features() : x.rows.stride;
    gemm.has_gelu = is_fused(activation);
    gemm.rounds_to_tf32 = quantization_ == Quantization::Tf32;
    if (scales_) {
        gemm.x_scales = x.scales.address<const float>();
        gemm.weight_scales = scales_.address<const float>();
    }
    cuda::launch_gemm(gemm, context.stream);
}

}  // namespace kine::kernels
